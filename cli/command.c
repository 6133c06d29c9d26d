/* tickpipe halt, resume, kill: a command on 7005, resent until risk_monitor echoes its id on 6020.
 *
 * Where nobody echoes a kill, this program signals every engine itself: a kill must not depend on
 * the process that is perhaps the one that died. */
#include "cli/gather.h"

#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <unistd.h>

enum { RESEND_MS = 100, ECHO_MS = 2000, STRATEGY_WAIT_MS = 1500 };

struct command {
    struct cli *cli;
    struct wire_operator_command event;
    bool is_done, is_refused;
    wire_reason refused_why;
    wire_risk_state_kind risk_state;
    uint64_t risk_version;
};

static void on_risk(void *ctx, const struct wire_header *event)
{
    struct command *command = ctx;
    const struct wire_risk_state *risk = (const void *)event;

    if (event->type != WIRE_risk_state)
        return;
    if (risk->last_command_id == command->event.command_id)
        command->is_done = true;
    else if (risk->last_refused_id == command->event.command_id)
        command->is_refused = true;
    command->refused_why = risk->refused_why;
    command->risk_state = risk->state;
    command->risk_version = risk->risk_version;
}

/* ---- what is commanded ---- */

/* The number of a strategy, by number or by its name on 6004. -1: not found. */
static long strategy_number(struct cli *cli, const char *text)
{
    static const uint16_t types[] = { WIRE_strategy_status };
    const struct wire_header *event;
    struct gather gather;
    char *end;
    long number = strtol(text, &end, 10);

    if (end != text && !*end)
        return number >= 1 && number < 4096 ? number : -1;
    number = -1;
    if (gather_init(&gather, cli) != 0)
        return -1;
    if (gather_add(&gather, STREAM_STRATEGY_EVENTS, types, COUNT(types), true, REQUEST_STATE) == 0)
        (void)gather_run(&gather, 0, STRATEGY_WAIT_MS * NS_PER_MS);
    for (size_t at = 0; (event = gather_next(&gather, WIRE_strategy_status, &at)) != NULL;) {
        const struct wire_strategy_status *status = (const void *)event;
        if (strcasecmp(status->name, text) == 0)
            number = status->strategy;
    }
    /* The subscription stays until the bus closes: its handler must not outlive the gathering. */
    for (size_t i = 0; i < gather.stream_count; i++)
        bus_sub_pause(gather.streams[i].sub, true);
    gather_fini(&gather);
    return number;
}

static int fill_in(struct command *command)
{
    struct cli *cli = command->cli;
    struct wire_operator_command *event = &command->event;
    const struct passwd *user = getpwuid(getuid());
    bool is_bad;

    WIRE_BEGIN(event, operator_command);
    event->command = (wire_command_kind)wire_command_kind_from(cli->args[0]);
    event->scope = SCOPE_ALL;
    event->realtime_ns = loop_wall_ns();
    snprintf(event->operator_name, sizeof(event->operator_name), "%s", user ? user->pw_name : "?");
    snprintf(event->note, sizeof(event->note), "%s", cli->note ? cli->note : "");
    while (event->command_id == 0)
        if (getrandom(&event->command_id, sizeof(event->command_id), 0) < 0)
            return CLI_FAILURE;
    event->header.cause = event->command_id;
    if (cli->venue && cli->strategy) {
        fprintf(stderr, "tickpipe %s: --venue or --strategy, not both\n", cli->args[0]);
        return CLI_USAGE;
    }
    const struct venue_instance *instance = cli_venue(cli, &is_bad);
    if (is_bad)
        return CLI_USAGE;
    if (instance) {
        event->scope = SCOPE_VENUE;
        event->header.account = instance->id;
    }
    if (cli->strategy) {
        long number = strategy_number(cli, cli->strategy);
        if (number < 0) {
            fprintf(stderr, "tickpipe %s: no strategy \"%s\" is heard on 6004; give its number\n",
                    cli->args[0], cli->strategy);
            return CLI_USAGE;
        }
        event->scope = SCOPE_STRATEGY;
        event->strategy = (uint16_t)number;
    }
    return CLI_OK;
}

/* ---- without risk_monitor ---- */

/* SIGUSR1 to every engine (of the venue). Returns how many engines that run could not be signalled.
 */
static unsigned signal_engines(const struct command *command, unsigned *signalled)
{
    const struct cli *cli = command->cli;
    unsigned failed = 0;

    *signalled = 0;
    for (size_t i = 0; i < cli->rt.venues.count; i++) {
        const struct venue_instance *instance = &cli->rt.venues.at[i];
        if (command->event.scope == SCOPE_VENUE && instance->id != command->event.header.account)
            continue;
        if (!instance->has_engine)
            continue;
        long pid = role_pid(&cli->rt, ROLE_TRADING_ENGINE, instance->name);
        if (pid <= 1) {
            fprintf(stderr, "trading_engine@%s: no process of it runs on this host\n",
                    instance->name);
            continue;
        }
        if (kill((pid_t)pid, SIGUSR1) == 0) {
            (*signalled)++;
            fprintf(stderr, "trading_engine@%s: sent SIGUSR1 (kill) to pid %ld\n", instance->name,
                    pid);
        } else {
            failed++;
            fprintf(stderr, "trading_engine@%s: pid %ld: %s\n", instance->name, pid,
                    strerror(errno));
        }
    }
    return failed;
}

static int without_echo(const struct command *command)
{
    const char *name = command->cli->args[0];
    unsigned signalled, failed;

    fprintf(stderr, "tickpipe %s: no echo from risk_monitor within %d ms\n", name, ECHO_MS);
    if (command->event.command != COMMAND_KILL) {
        fprintf(stderr, "tickpipe %s: NOT carried out as far as we know\n", name);
        return CLI_FAILURE;
    }
    if (command->event.scope == SCOPE_STRATEGY) {
        fputs("tickpipe kill: NOT carried out: an engine cannot be told to kill one strategy by a "
              "signal; "
              "`tickpipe kill` without --strategy kills everything\n",
              stderr);
        return CLI_FAILURE;
    }
    failed = signal_engines(command, &signalled);
    if (command->cli->is_json)
        printf("{\"command\":\"kill\",\"echoed\":false,\"signalled\":%u,\"failed\":%u}\n",
               signalled, failed);
    return CLI_FAILURE; /* Even when all were signalled: who was to keep the kill in force is not
                           there. */
}

/* ---- with it ---- */

static int say_result(const struct command *command)
{
    const char *name = command->cli->args[0];
    const char *state = wire_risk_state_kind_str(command->risk_state);

    if (command->cli->is_json)
        printf("{\"command\":\"%s\",\"command_id\":\"%016" PRIx64
               "\",\"echoed\":true,\"refused\":%s,\"why\":\"%s\","
               "\"risk_state\":\"%s\",\"risk_version\":%" PRIu64 "}\n",
               name, command->event.command_id, command->is_refused ? "true" : "false",
               command->is_refused ? wire_reason_str(command->refused_why) : "none", state,
               command->risk_version);
    else if (command->is_refused)
        printf("%s: refused by risk_monitor: %s\n", name, wire_reason_str(command->refused_why));
    else
        printf("%s: done; risk is %s, version %" PRIu64 "\n", name, state, command->risk_version);
    return command->is_refused ? CLI_FAILURE : CLI_OK;
}

int cli_command(struct cli *cli)
{
    static const uint16_t types[] = { WIRE_risk_state };
    struct command command = { .cli = cli };
    struct bus_handler handler = { .ctx = &command, .event = on_risk };
    struct bus_sub *sub;
    struct bus_pub *pub = NULL;

    int code = fill_in(&command);
    if (code)
        return code;
    /* Without keys nothing reaches risk_monitor: a kill then goes straight to the signals. */
    int err = role_subscribe(&cli->rt, STREAM_RISK, types, COUNT(types), &handler, &sub);
    if (!err)
        err = role_publish(&cli->rt, STREAM_OPERATOR, NULL, NULL, &pub);
    int64_t end_ns = loop_now_ns() + ECHO_MS * NS_PER_MS, next_ns = 0;
    while (!err && !command.is_done && !command.is_refused && loop_now_ns() < end_ns) {
        if (loop_now_ns() >= next_ns) {
            (void)bus_publish(pub, &command.event.header);
            next_ns = loop_now_ns() + RESEND_MS * NS_PER_MS;
        }
        (void)loop_turn(cli->rt.loop, 10 * NS_PER_MS);
    }
    return command.is_done || command.is_refused ? say_result(&command) : without_echo(&command);
}
