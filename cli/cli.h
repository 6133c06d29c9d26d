/* cli.h - tickpipe, the operator's program: one subcommand per file, all on the bus like any
 * stranger. */
#ifndef TICKPIPE_CLI_CLI_H
#define TICKPIPE_CLI_CLI_H

#include "common/edge/role.h"
#include "common/leaf/err.h"

enum {
    CLI_OK = 0,
    CLI_FAILURE = 1, /* It was tried and did not come out well. */
    CLI_USAGE = 2,
    CLI_ARGS_MAX = 8,
};

/* What the command line said; options that a subcommand does not know are refused before it runs.
 */
struct cli {
    const char *config; /* --config FILE */
    const char *args[CLI_ARGS_MAX];
    size_t arg_count;
    bool is_json, wants_all, wants_state;
    const char *type, *venue, *strategy, *note;
    int64_t count, seconds; /* 0: not given. */
    struct role_runtime rt; /* Open once cli_open was called. */
};

struct cli_command {
    const char *name;
    const char *args;    /* "STREAM|PORT" */
    const char *options; /* " --json --type --count ": those it takes. */
    const char *doc;
    int (*run)(struct cli *cli); /* Exit code. */
};

int cli_tail(struct cli *cli);
int cli_status(struct cli *cli);
int cli_orders(struct cli *cli);
int cli_positions(struct cli *cli);
int cli_balances(struct cli *cli);
int cli_command(struct cli *cli); /* halt, resume, kill: args[0] is the subcommand's name. */
int cli_keys(struct cli *cli);
int cli_doctor(struct cli *cli);

/* cli_open opens configuration, loop and bus; says what is wrong on stderr. main closes. */
int cli_open(struct cli *cli);

/* cli_venue gives the instance of --venue, NULL where none was given; *is_bad when there is none of
 * the name (said on stderr). */
const struct venue_instance *cli_venue(const struct cli *cli, bool *is_bad);

/* cli_who writes "trading_engine@BINANCE" of a publisher. */
void cli_who(const struct cli *cli, uint16_t publisher, char *out, size_t cap);

/* cli_account gives the name of an account's instance, "-" where it has none. */
const char *cli_account(const struct cli *cli, unsigned account);

/* cli_json prints an event as JSON; cli_text as "name=value ..." of the same. */
void cli_json(const struct wire_header *event);
void cli_text(const struct wire_header *event);

#endif
