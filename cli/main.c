#include "cli/cli.h"

#include "common/leaf/version.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const struct cli_command commands[] = {
    { "tail", "STREAM|PORT", " --json --type --count --seconds --state ",
      "print events of a stream as they come (--state: ask for its state first)", cli_tail },
    { "status", "", " --json ", "every process, risk, engines, feeds, strategies", cli_status },
    { "orders", "", " --json --all --venue --strategy ",
      "live orders (--all: also those that ended)", cli_orders },
    { "positions", "", " --json --venue --strategy ", "positions and profit", cli_positions },
    { "balances", "", " --json --venue ", "balances, by our ledger and by the venue",
      cli_balances },
    { "halt", "", " --json --venue --strategy --note ", "no new orders", cli_command },
    { "resume", "", " --json --venue --strategy --note ", "end a halt or a kill", cli_command },
    { "kill", "", " --json --venue --strategy --note ", "cancel everything and stay down",
      cli_command },
    { "keys", "", "", "make the CURVE keys that are missing in KEYS_DIR", cli_keys },
    { "doctor", "[VENUE...]", " --json --seconds ",
      "connect to the configured venues as market_gateway would, and say what was seen",
      cli_doctor },
};

static void help(FILE *out)
{
    fputs("tickpipe: the operator's program\n\nusage: tickpipe COMMAND [options]\n\n", out);
    for (size_t i = 0; i < COUNT(commands); i++)
        fprintf(out, "  %-10s %-12s %s\n", commands[i].name, commands[i].args, commands[i].doc);
    fputs("\n  --json            machine-readable\n"
          "  --venue VENUE     one venue instance only\n"
          "  --strategy S      one strategy only: its number, or its name while it runs\n"
          "  --note TEXT       why, kept by risk_monitor\n"
          "  --type TYPE       tail: one type of event (heartbeat for life signs)\n"
          "  --count N         tail: end after N events\n"
          "  --seconds S       end after S seconds\n"
          "  --config FILE     instead of config/tickpipe.ini\n"
          "  --version, --help\n"
          "\nexit codes: 0 ok, 1 not all is well, 2 usage, 78 configuration refused\n",
          out);
}

const struct venue_instance *cli_venue(const struct cli *cli, bool *is_bad)
{
    const struct venue_instance *instance =
        cli->venue ? venues_find(&cli->rt.venues, cli->venue) : NULL;

    *is_bad = cli->venue && !instance;
    if (*is_bad)
        fprintf(stderr, "tickpipe: no venue instance \"%s\" in %s\n", cli->venue,
                cli->rt.common.venues_file);
    return instance;
}

int cli_open(struct cli *cli)
{
    log_set_level(LOG_LEVEL_ERROR);
    return role_tool_open(&cli->rt, cli->config, stderr);
}

/* ---- arguments ---- */

static int usage(const char *word, const char *why)
{
    fprintf(stderr, "tickpipe: %s: %s; try --help\n", word, why);
    return CLI_USAGE;
}

static bool takes(const struct cli_command *command, const char *option)
{
    char padded[32];

    snprintf(padded, sizeof(padded), " %s ", option);
    return strcmp(option, "--config") == 0 || strstr(command->options, padded) != NULL;
}

static int read_count(const char *text, int64_t *out)
{
    char *end;
    long long value = strtoll(text, &end, 10);

    if (end == text || *end || value < 1 || value > 1000000000)
        return ERR_RANGE;
    *out = value;
    return 0;
}

/* One option at argv[*at]. */
static int read_option(struct cli *cli, const struct cli_command *command, int argc, char **argv,
                       int *at)
{
    const struct {
        const char *name;
        bool *flag;
        const char **text;
        int64_t *count;
    } options[] = {
        { "--json", &cli->is_json, NULL, NULL },      { "--all", &cli->wants_all, NULL, NULL },
        { "--state", &cli->wants_state, NULL, NULL }, { "--type", NULL, &cli->type, NULL },
        { "--venue", NULL, &cli->venue, NULL },       { "--strategy", NULL, &cli->strategy, NULL },
        { "--note", NULL, &cli->note, NULL },         { "--config", NULL, &cli->config, NULL },
        { "--count", NULL, NULL, &cli->count },       { "--seconds", NULL, NULL, &cli->seconds },
    };
    const char *word = argv[*at];

    for (size_t i = 0; i < COUNT(options); i++) {
        if (strcmp(word, options[i].name) != 0)
            continue;
        if (!takes(command, word))
            return usage(word, "not of this command");
        if (options[i].flag) {
            *options[i].flag = true;
            return 0;
        }
        if (++*at == argc)
            return usage(word, "needs a value");
        if (options[i].text)
            *options[i].text = argv[*at];
        else if (read_count(argv[*at], options[i].count) != 0)
            return usage(word, "takes a whole number above 0");
        return 0;
    }
    return usage(word, "unknown option");
}

static int read_arguments(struct cli *cli, const struct cli_command *command, int argc, char **argv)
{
    cli->args[cli->arg_count++] = command->name;
    for (int at = 2; at < argc; at++) {
        if (argv[at][0] == '-') {
            int code = read_option(cli, command, argc, argv, &at);
            if (code)
                return code;
        } else if (command->args[0] == '\0' || cli->arg_count == CLI_ARGS_MAX) {
            return usage(argv[at], "one word too many");
        } else {
            cli->args[cli->arg_count++] = argv[at];
        }
    }
    return CLI_OK;
}

int main(int argc, char **argv)
{
    static struct cli cli;
    const struct cli_command *command = NULL;

    if (argc < 2) {
        help(stderr);
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("tickpipe %s\n", tickpipe_version);
        return CLI_OK;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        help(stdout);
        return CLI_OK;
    }
    for (size_t i = 0; i < COUNT(commands); i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            command = &commands[i];
    if (!command)
        return usage(argv[1], "unknown command");
    int code = read_arguments(&cli, command, argc, argv);
    if (code)
        return code;
    int err = cli_open(&cli);
    if (!err) {
        code = command->run(&cli);
        if (fflush(stdout) != 0 && code == CLI_OK)
            code = CLI_FAILURE;
    } else {
        code = err == ERR_CONFIG ? ROLE_EXIT_CONFIG : CLI_FAILURE;
    }
    role_tool_close(&cli.rt);
    return code;
}
