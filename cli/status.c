/* tickpipe status: which processes are alive, and what they say of themselves. */
#include "cli/gather.h"

#include "common/leaf/fixed.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

enum { LISTEN_MS = 1500, SILENT_MS = 1000 };

static const struct gather_process *find_process(const struct gather *gather, uint16_t publisher)
{
    for (size_t i = 0; i < gather->process_count; i++)
        if (gather->processes[i].publisher == publisher)
            return &gather->processes[i];
    return NULL;
}

static const char *state_of(const struct gather_process *process, long pid)
{
    if (process && loop_now_ns() - process->heard_ns < SILENT_MS * NS_PER_MS)
        return "live";
    return pid ? "silent" : "down"; /* silent: the process is there, its heartbeat is not. */
}

static void uptime(int64_t epoch_ns, char *out, size_t cap)
{
    int64_t s = MAX((loop_wall_ns() - epoch_ns) / NS_PER_S, 0);

    snprintf(out, cap, "%" PRId64 ":%02d:%02d", s / 3600, (int)(s / 60 % 60), (int)(s % 60));
}

static void print_process(struct cli *cli, uint16_t publisher, const struct gather_process *process,
                          long pid, bool is_first)
{
    static const struct wire_heartbeat nothing;
    const struct wire_heartbeat *beat = process ? &process->beat : &nothing;
    const char *state = state_of(process, pid);
    char who[64], up[32] = "-";

    cli_who(cli, publisher, who, sizeof(who));
    /* An epoch is the wall clock at start, in ns: what bus.h gives it. */
    if (process)
        uptime((int64_t)beat->header.epoch, up, sizeof(up));
    if (cli->is_json) {
        printf("%s{\"process\":\"%s\",\"state\":\"%s\",\"pid\":%ld,\"epoch\":\"%" PRIu64
               "\",\"risk_version\":%" PRIu64 ",\"gaps\":%" PRIu64 ",\"recovered\":%" PRIu64
               ",\"lost\":%" PRIu64 ",\"malformed\":%" PRIu64 ",\"dropped\":%" PRIu64
               ",\"longest_turn_ns\":%" PRId64 "}",
               is_first ? "" : ",", who, state, process ? (long)beat->pid : pid, beat->header.epoch,
               beat->risk_version, beat->gaps, beat->recovered, beat->lost, beat->malformed,
               beat->dropped, beat->longest_turn_ns);
        return;
    }
    if (is_first)
        printf("%-26s %-7s %8s %10s %6s %8s %9s %6s %8s %12s\n", "process", "state", "pid", "up",
               "risk", "missed", "recovered", "lost", "dropped", "turn max us");
    printf("%-26s %-7s %8ld %10s %6" PRIu64 " %8" PRIu64 " %9" PRIu64 " %6" PRIu64 " %8" PRIu64
           " %12" PRId64 "\n",
           who, state, process ? (long)beat->pid : pid, up, beat->risk_version, beat->gaps,
           beat->recovered, beat->lost, beat->dropped, beat->longest_turn_ns / NS_PER_US);
}

/* Every process that the topology and venues.ini want. Returns how many are not live. */
static unsigned print_processes(struct gather *gather)
{
    struct cli *cli = gather->cli;
    unsigned not_live = 0;
    bool is_first = true;

    for (enum role role = ROLE_MARKET_GATEWAY; role <= ROLE_RISK_MONITOR; role++) {
        size_t count = role_is_per_venue(role) ? cli->rt.venues.count : 1;
        for (size_t i = 0; i < count; i++) {
            const struct venue_instance *instance =
                role_is_per_venue(role) ? &cli->rt.venues.at[i] : NULL;
            if (role == ROLE_TRADING_ENGINE && instance && !instance->has_engine)
                continue;
            uint16_t publisher = PUBLISHER(role, instance ? instance->id : 0);
            const struct gather_process *process = find_process(gather, publisher);
            long pid = role_pid(&cli->rt, role, instance ? instance->name : NULL);
            print_process(cli, publisher, process, pid, is_first);
            not_live += strcmp(state_of(process, pid), "live") != 0;
            is_first = false;
        }
    }
    return not_live;
}

static void amount(int64_t value, int exp, char out[FIXED_TEXT_MAX])
{
    if (fixed_format_trim(value, exp, out, FIXED_TEXT_MAX) < 0)
        strcpy(out, "?");
}

static void print_risk(const struct wire_risk_state *risk, const struct cli *cli)
{
    char exposure[FIXED_TEXT_MAX], limit[FIXED_TEXT_MAX], pnl[FIXED_TEXT_MAX];

    amount(risk->gross_exposure, risk->amount_exp, exposure);
    amount(risk->gross_exposure_max, risk->amount_exp, limit);
    amount(risk->daily_pnl, risk->amount_exp, pnl);
    printf("risk: %s (%s), version %" PRIu64 ", exposure %s of %s %s, today %s%s%s\n",
           wire_risk_state_kind_str(risk->state), wire_reason_str(risk->why), risk->risk_version,
           exposure, limit, risk->currency, pnl, risk->note[0] ? ": " : "", risk->note);
    for (unsigned i = 0; i < risk->scope_count; i++) {
        const wire_scope *scope = &risk->scopes[i];
        printf("  %s: venue %s, strategy %u: %s\n", wire_risk_state_kind_str(scope->state),
               scope->account ? cli_account(cli, scope->account) : "-", scope->strategy,
               wire_reason_str(scope->reason));
    }
}

static void print_engine(const struct wire_engine_status *engine, const struct cli *cli)
{
    printf("engine %s: %s%s (%s%s%s), %u live orders, %u unknown, %" PRIu64 " fills, %" PRIu64
           " refused; rest %s, orders %s, "
           "private stream %s\n",
           cli_account(cli, PUBLISHER_INSTANCE(engine->header.publisher)),
           wire_engine_state_str(engine->state), engine->is_dry_run ? ", dry run" : "",
           wire_reason_str(engine->why), engine->text[0] ? ": " : "", engine->text,
           engine->live_orders, engine->unknown_orders, engine->fills, engine->refused,
           engine->is_rest_up ? "up" : "down", engine->is_order_channel_up ? "up" : "down",
           engine->is_private_stream_up ? "up" : "down");
}

static void print_people(const struct gather *gather)
{
    const struct cli *cli = gather->cli;
    const struct wire_header *event;

    putchar('\n');
    for (size_t at = 0; (event = gather_next(gather, WIRE_risk_state, &at)) != NULL;)
        print_risk((const void *)event, cli);
    for (size_t at = 0; (event = gather_next(gather, WIRE_engine_status, &at)) != NULL;)
        print_engine((const void *)event, cli);
    for (size_t at = 0; (event = gather_next(gather, WIRE_feed_status, &at)) != NULL;) {
        const struct wire_feed_status *feed = (const void *)event;
        if (event->instrument == 0)
            printf("feed %s: %s (%s), %" PRIu64 " messages, %" PRIu64 " gaps, %" PRIu64
                   " resyncs\n",
                   cli_account(cli, PUBLISHER_INSTANCE(event->publisher)),
                   wire_feed_state_str(feed->state), wire_reason_str(feed->why), feed->messages,
                   feed->gaps, feed->resyncs);
    }
    for (size_t at = 0; (event = gather_next(gather, WIRE_strategy_status, &at)) != NULL;) {
        const struct wire_strategy_status *strategy = (const void *)event;
        printf("strategy %u %s: %s (%s), %" PRIu64 " intents, %" PRIu64 " refused, %" PRIu64
               " fills, %u live orders\n",
               strategy->strategy, strategy->name, wire_strategy_state_str(strategy->state),
               wire_reason_str(strategy->why), strategy->intents, strategy->refused,
               strategy->fills, strategy->live_orders);
    }
}

static void print_programs(const struct gather *gather)
{
    const struct {
        const char *name;
        uint16_t type;
    } parts[] = {
        { "risk", WIRE_risk_state },
        { "engines", WIRE_engine_status },
        { "feeds", WIRE_feed_status },
        { "strategies", WIRE_strategy_status },
    };

    for (size_t i = 0; i < COUNT(parts); i++) {
        putchar(',');
        gather_print_json(gather, parts[i].name, parts[i].type);
    }
    puts("}");
}

int cli_status(struct cli *cli)
{
    static const struct {
        unsigned port;
        uint16_t type;
    } streams[] = {
        { STREAM_MARKET_DATA, WIRE_feed_status },
        { STREAM_SIGNALS, WIRE_opportunity_end },
        { STREAM_STRATEGY_EVENTS, WIRE_strategy_status },
        { STREAM_ORDER_STATUS, WIRE_engine_status },
        { STREAM_POSITIONS, WIRE_pnl },
        { STREAM_RISK, WIRE_risk_state },
    };
    struct gather gather;
    unsigned not_live;
    int failed = 0;

    if (gather_init(&gather, cli) != 0)
        return CLI_FAILURE;
    for (size_t i = 0; i < COUNT(streams); i++)
        failed +=
            gather_add(&gather, streams[i].port, &streams[i].type, 1, false, REQUEST_STATE) != 0;
    (void)gather_run(&gather, LISTEN_MS * NS_PER_MS, LISTEN_MS * NS_PER_MS);
    if (cli->is_json)
        printf("{\"processes\":[");
    not_live = print_processes(&gather);
    if (cli->is_json) {
        putchar(']');
        print_programs(&gather);
    } else {
        print_people(&gather);
    }
    gather_fini(&gather);
    return not_live || failed ? CLI_FAILURE : CLI_OK;
}
