#include "common/leaf/err.h"
#include "common/pure/topology.h"
#include "risk_monitor/risk_core.h"
#include "risk_monitor/saved.h"
#include "tests/unit/check.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define UNITS(n) ((int64_t)(n)*100000000)

static struct risk_core core;
static struct wire_risk_state last;
static struct risk_saved saved;
static unsigned saves, cancels;
static uint16_t cancelled;
static int64_t now;
static uint64_t next_command;

static void publish(void *ctx, struct wire_header *event)
{
    (void)ctx;
    CHECK(wire_check(event, event->size) == 0);
    last = *(struct wire_risk_state *)event;
}

static int save(void *ctx, const struct risk_saved *state)
{
    (void)ctx;
    saved = *state;
    saves++;
    return 0;
}

static void cancel_all(void *ctx, uint16_t account)
{
    (void)ctx;
    cancels++;
    cancelled = account;
}

static void note(void *ctx, const char *event, const char *text)
{
    (void)ctx;
    (void)event;
    (void)text;
}

static unsigned asked;

static void need_definition(void *ctx, uint64_t instrument)
{
    (void)ctx;
    (void)instrument;
    asked++;
}

static const struct risk_out out = { NULL, publish, save, cancel_all, note, need_definition };
static const struct risk_config config = { .currency = "USDT",
                                           .gross_exposure_max = UNITS(10000),
                                           .daily_loss_max = UNITS(100),
                                           .drawdown_max = UNITS(150),
                                           .engine_silence_ns = NS_PER_S,
                                           .engine_dead_ns = 10 * NS_PER_S,
                                           .positions_silence_ns = 5 * NS_PER_S,
                                           .unmarked_ns = 5 * NS_PER_S,
                                           .reconciliation_ns = 10 * NS_PER_S,
                                           .delta_limits = { { "BTC", UNITS(2) } },
                                           .delta_limit_count = 1,
                                           .engines = { 1, 2 },
                                           .engine_count = 2 };

static void pnl(int64_t net_day, int64_t exposure, bool is_marked, bool is_complete)
{
    struct wire_pnl event;

    WIRE_BEGIN(&event, pnl);
    event.net_day = net_day;
    event.gross_exposure = exposure;
    event.is_marked = is_marked;
    event.is_complete = is_complete;
    event.amount_exp = 8;
    risk_core_event(&core, &event.header, now);
}

static void engines_speak(void)
{
    risk_core_heard(&core, PUBLISHER(ROLE_TRADING_ENGINE, 1), now);
    risk_core_heard(&core, PUBLISHER(ROLE_TRADING_ENGINE, 2), now);
}

static void pass(int64_t ms)
{
    now += ms * NS_PER_MS;
    risk_core_tick(&core, now, now);
}

static void well(void)
{
    engines_speak();
    pnl(0, 0, true, true);
    pass(100);
}

static void restart(const struct risk_saved *state)
{
    struct risk_saved copy = state ? *state : (struct risk_saved){ 0 };

    risk_core_init(&core, &config, &out, state ? &copy : NULL, now, now);
    saves = cancels = 0;
}

static void begin(void)
{
    now = NS_PER_S;
    restart(NULL);
    well();
}

static wire_reason command(wire_command_kind kind, wire_scope_kind scope, unsigned account)
{
    struct wire_operator_command event;
    uint64_t refused = last.last_refused_id;

    WIRE_BEGIN(&event, operator_command);
    event.command_id = ++next_command;
    event.command = kind;
    event.scope = scope;
    event.header.account = (uint16_t)account;
    risk_core_event(&core, &event.header, now);
    CHECK(last.last_command_id == next_command || last.last_refused_id == next_command);
    return last.last_refused_id != refused ? last.refused_why : REASON_NONE;
}

static bool has_scope(wire_scope_kind kind, unsigned account, wire_reason why)
{
    for (unsigned i = 0; i < last.scope_count; i++)
        if (last.scopes[i].kind == kind && last.scopes[i].account == account &&
            last.scopes[i].reason == why)
            return true;
    return false;
}

static void begins_halted_until_everybody_is_heard(void)
{
    now = NS_PER_S;
    restart(NULL);
    pass(100);
    CHECK_INT(last.state, RISK_HALTED);
    CHECK(has_scope(SCOPE_VENUE, 1, REASON_ENGINE_SILENT));
    well();
    CHECK_INT(last.state, RISK_RUNNING);
    CHECK_INT(last.scope_count, 0);
}

static void a_silent_engine_halts_its_venue_and_its_return_clears_it(void)
{
    begin();
    uint64_t version = last.risk_version;
    now += 1100 * NS_PER_MS;
    risk_core_heard(&core, PUBLISHER(ROLE_TRADING_ENGINE, 2), now);
    pnl(0, 0, true, true);
    pass(0);
    CHECK_INT(last.state, RISK_RUNNING);
    CHECK(has_scope(SCOPE_VENUE, 1, REASON_ENGINE_SILENT));
    CHECK(!has_scope(SCOPE_VENUE, 2, REASON_ENGINE_SILENT));
    CHECK(last.risk_version > version);
    well();
    CHECK_INT(last.scope_count, 0);
}

static void a_dead_engine_is_cancelled_from_outside_once(void)
{
    begin();
    for (int i = 0; i < 120; i++) {
        risk_core_heard(&core, PUBLISHER(ROLE_TRADING_ENGINE, 2), now);
        pnl(0, 0, true, true);
        pass(100);
    }
    CHECK_INT(cancels, 1);
    CHECK_INT(cancelled, 1);
}

/* Its account may be one that a person trades on. */
static void a_dead_engine_in_dry_run_has_nothing_to_cancel(void)
{
    struct wire_engine_status status;

    begin();
    for (int is_dry_run = 1; is_dry_run >= 0; is_dry_run--) {
        WIRE_BEGIN(&status, engine_status);
        status.header.account = 1;
        status.is_dry_run = (uint8_t)is_dry_run;
        risk_core_event(&core, &status.header, now);
        for (int i = 0; i < 120; i++) {
            risk_core_heard(&core, PUBLISHER(ROLE_TRADING_ENGINE, 2), now);
            pnl(0, 0, true, true);
            pass(100);
        }
        CHECK_INT(cancels, is_dry_run ? 0 : 1);
    }
}

static void silent_positions_halt_everything_until_the_replay_is_complete(void)
{
    begin();
    for (int i = 0; i < 52; i++) {
        engines_speak();
        pass(100);
    }
    CHECK_INT(last.state, RISK_HALTED);
    CHECK_INT(last.why, REASON_POSITIONS_SILENT);
    engines_speak();
    pnl(0, 0, true, false);
    pass(100);
    CHECK_INT(last.state, RISK_HALTED);
    CHECK_INT(last.why, REASON_NOT_READY);
    well();
    CHECK_INT(last.state, RISK_RUNNING);
}

static void an_unmarked_exposure_is_a_breach_that_clears_itself(void)
{
    begin();
    for (int i = 0; i < 52; i++) {
        engines_speak();
        pnl(0, 0, false, true);
        pass(100);
    }
    CHECK_INT(last.state, RISK_HALTED);
    CHECK_INT(last.why, REASON_MARK_STALE);
    well();
    CHECK_INT(last.state, RISK_RUNNING);
}

static void a_breached_limit_kills_and_stays(void)
{
    begin();
    pnl(-UNITS(100), 0, true, true);
    pass(100);
    CHECK_INT(last.state, RISK_RUNNING); /* At the limit, not above it. */
    pnl(-UNITS(101), 0, true, true);
    CHECK_INT(core.counters.kills, 1);
    pass(100);
    CHECK_INT(last.state, RISK_KILLED);
    CHECK_INT(last.why, REASON_DAILY_LOSS);
    CHECK_INT(command(COMMAND_RESUME, SCOPE_ALL, 0), REASON_DAILY_LOSS); /* The cause stands. */
    CHECK_INT(last.state, RISK_KILLED);
    well();
    CHECK_INT(last.state, RISK_KILLED); /* It does not clear itself. */
    CHECK_INT(command(COMMAND_RESUME, SCOPE_ALL, 0), REASON_NONE);
    CHECK_INT(last.state, RISK_RUNNING);
}

static void drawdown_and_exposure_kill_too(void)
{
    begin();
    pnl(UNITS(200), 0, true, true);
    pnl(UNITS(49), 0, true, true);
    pass(100);
    CHECK_INT(last.why, REASON_DRAWDOWN);
    begin();
    pnl(0, UNITS(10001), true, true);
    pass(100);
    CHECK_INT(last.why, REASON_GROSS_EXPOSURE);
}

static void a_kill_is_a_kill_after_a_restart(void)
{
    begin();
    CHECK_INT(command(COMMAND_KILL, SCOPE_ALL, 0), REASON_NONE);
    CHECK(saves > 0);
    uint64_t version = last.risk_version;
    struct risk_saved before = saved;
    restart(&before);
    well();
    CHECK_INT(last.state, RISK_KILLED);
    CHECK(last.risk_version > version);
    CHECK_INT(command(COMMAND_RESUME, SCOPE_ALL, 0), REASON_NONE);
    CHECK_INT(last.state, RISK_RUNNING);
}

static void automatic_halts_are_not_persisted(void)
{
    begin();
    pass(2000);
    CHECK(has_scope(SCOPE_VENUE, 1, REASON_ENGINE_SILENT));
    CHECK_INT(saved.entry_count, 0);
}

static void a_resume_does_not_lift_what_holds_by_itself(void)
{
    begin();
    pass(2000);
    CHECK_INT(command(COMMAND_RESUME, SCOPE_ALL, 0), REASON_NONE);
    CHECK(has_scope(SCOPE_VENUE, 1, REASON_ENGINE_SILENT));
}

static void narrow_commands_hold_only_their_target(void)
{
    begin();
    CHECK_INT(command(COMMAND_HALT, SCOPE_VENUE, 2), REASON_NONE);
    CHECK_INT(last.state, RISK_RUNNING);
    CHECK(has_scope(SCOPE_VENUE, 2, REASON_OPERATOR));
    CHECK_INT(command(COMMAND_RESUME, SCOPE_VENUE, 1), REASON_NONE);
    CHECK(has_scope(SCOPE_VENUE, 2, REASON_OPERATOR));
    CHECK_INT(command(COMMAND_RESUME, SCOPE_ALL, 0), REASON_NONE);
    CHECK_INT(last.scope_count, 0);
    CHECK_INT(command(COMMAND_HALT, SCOPE_VENUE, 0), REASON_MALFORMED);
}

static void a_repeated_command_is_echoed_and_done_once(void)
{
    struct wire_operator_command event;

    begin();
    WIRE_BEGIN(&event, operator_command);
    event.command_id = ++next_command;
    event.command = COMMAND_HALT;
    event.scope = SCOPE_ALL;
    risk_core_event(&core, &event.header, now);
    CHECK_INT(command(COMMAND_RESUME, SCOPE_ALL, 0), REASON_NONE);
    risk_core_event(&core, &event.header,
                    now); /* The same halt again, late: it was carried out already. */
    CHECK_INT(last.state, RISK_RUNNING);
    CHECK_INT(core.counters.commands_repeated, 1);
}

static void a_lasting_difference_to_the_venue_halts_it(void)
{
    struct wire_balance balance;

    begin();
    WIRE_BEGIN(&balance, balance);
    balance.header.account = 2;
    strcpy(balance.asset, "BTC");
    balance.difference = 1;
    balance.amount_exp = 8;
    for (int i = 0; i < 110; i++) {
        engines_speak();
        pnl(0, 0, true, true);
        risk_core_event(&core, &balance.header, now);
        pass(100);
    }
    CHECK(has_scope(SCOPE_VENUE, 2, REASON_RECONCILIATION));
    balance.difference = 0;
    risk_core_event(&core, &balance.header, now);
    well();
    CHECK_INT(last.scope_count, 0);
}

static void the_saved_file_is_whole_or_refused(void)
{
    char path[] = "/tmp/tickpipe_risk_XXXXXX";
    struct risk_saved one = { .risk_version = 9, .entry_count = 1 }, two = { 0 };
    int fd = mkstemp(path);

    CHECK(fd >= 0);
    close(fd);
    unlink(path);
    CHECK_INT(saved_read(path, &two), ERR_NOT_FOUND);
    CHECK_INT(saved_write(path, &one), 0);
    CHECK_INT(saved_read(path, &two), 0);
    CHECK_INT(two.risk_version, 9);
    FILE *file = fopen(path, "r+b");
    fseek(file, 40, SEEK_SET);
    fputc(0x5a, file);
    fclose(file);
    CHECK_INT(saved_read(path, &two), ERR_CHECKSUM);
    CHECK(truncate(path, 30) == 0);
    CHECK(saved_read(path, &two) == ERR_CHECKSUM);
    unlink(path);
}

/* Spot of account 1 is instrument 10, the perpetual of account 2 is 20. */
static void define(uint64_t id, wire_instrument_kind kind)
{
    struct wire_instrument definition;

    WIRE_BEGIN(&definition, instrument);
    definition.header.instrument = id;
    definition.kind = kind;
    strcpy(definition.base, "BTC");
    risk_core_event(&core, &definition.header, now);
}

static struct wire_position position(unsigned account, uint64_t instrument, int64_t qty)
{
    struct wire_position event;

    WIRE_BEGIN(&event, position);
    event.header.account = (uint16_t)account;
    event.header.instrument = instrument;
    event.qty = qty;
    event.qty_exp = 8;
    return event;
}

static void holds(unsigned account, uint64_t instrument, int64_t qty)
{
    struct wire_position event = position(account, instrument, qty);

    risk_core_event(&core, &event.header, now);
}

static void spot_and_perpetual_of_a_base_are_one_net_delta(void)
{
    struct risk_exposure exposure;

    begin();
    define(10, INSTRUMENT_SPOT);
    define(20, INSTRUMENT_PERPETUAL);
    holds(1, 10, UNITS(50));
    pass(100);
    CHECK_INT(last.why, REASON_NET_DELTA);

    begin();
    define(10, INSTRUMENT_SPOT);
    define(20, INSTRUMENT_PERPETUAL);
    holds(2, 20, -UNITS(2));
    holds(1, 10, UNITS(4)); /* 2 net: at the limit, not above it. */
    holds(2, 20, -UNITS(5));
    risk_exposure_of(&core, "BTC", &exposure);
    CHECK_INT(exposure.net, -UNITS(1));
    CHECK_INT(exposure.gross, UNITS(9));
    CHECK_INT(exposure.spot, UNITS(4));
    CHECK_INT(exposure.derivatives, -UNITS(5));
    well();
    CHECK_INT(last.state, RISK_RUNNING);
    holds(2, 20, -UNITS(7));
    pass(100);
    CHECK_INT(last.state, RISK_KILLED);
    CHECK_INT(last.why, REASON_NET_DELTA);
    CHECK_INT(command(COMMAND_RESUME, SCOPE_ALL, 0), REASON_NET_DELTA); /* The cause stands. */
    holds(2, 20, -UNITS(4));
    CHECK_INT(command(COMMAND_RESUME, SCOPE_ALL, 0), REASON_NONE);
}

static void a_strategy_s_share_is_not_counted_twice(void)
{
    begin();
    define(10, INSTRUMENT_SPOT);
    struct wire_position share = position(1, 10, UNITS(3));
    share.strategy = 7;
    risk_core_event(&core, &share.header, now);
    well();
    CHECK_INT(last.state, RISK_RUNNING);
}

static void an_unknown_instrument_is_asked_for_and_then_counted(void)
{
    begin();
    asked = 0;
    holds(1, 10, UNITS(3));
    holds(1, 10, UNITS(3));
    CHECK_INT(asked, 1); /* Once a second. */
    define(10, INSTRUMENT_SPOT);
    pass(100);
    holds(1, 10, UNITS(3)); /* The same again, as each second: now it is known. */
    pass(100);
    CHECK_INT(last.why, REASON_NET_DELTA);
}

static void a_position_that_differs_from_the_venue_s_halts_it(void)
{
    struct wire_position event;

    begin();
    event = position(2, 20, UNITS(1));
    event.has_venue_position = 1;
    for (int i = 0; i < 110; i++) {
        event.venue_qty = UNITS(1) + i; /* Something still moves. */
        engines_speak();
        pnl(0, 0, true, true);
        risk_core_event(&core, &event.header, now);
        pass(100);
    }
    CHECK(!has_scope(SCOPE_VENUE, 2, REASON_RECONCILIATION));
    for (int i = 0; i < 110; i++) {
        engines_speak();
        pnl(0, 0, true, true);
        risk_core_event(&core, &event.header, now);
        pass(100);
    }
    CHECK(has_scope(SCOPE_VENUE, 2, REASON_RECONCILIATION));
    CHECK(!has_scope(SCOPE_VENUE, 1, REASON_RECONCILIATION));
    event.is_reconciled = 1;
    risk_core_event(&core, &event.header, now);
    well();
    CHECK_INT(last.scope_count, 0);
}

static void engine_says(unsigned account, wire_engine_state state, wire_reason why)
{
    struct wire_engine_status status;

    WIRE_BEGIN(&status, engine_status);
    status.header.account = (uint16_t)account;
    status.state = state;
    status.why = why;
    risk_core_event(&core, &status.header, now);
}

static void a_liquidation_halts_its_venue_until_an_operator_has_looked(void)
{
    begin();
    engine_says(2, ENGINE_READY, REASON_LIQUIDATION);
    well();
    CHECK_INT(last.state, RISK_RUNNING);
    CHECK(has_scope(SCOPE_VENUE, 2, REASON_LIQUIDATION));
    engine_says(2, ENGINE_READY, REASON_NONE);
    well();
    CHECK(has_scope(SCOPE_VENUE, 2, REASON_LIQUIDATION)); /* It does not clear itself. */
    struct risk_saved before = saved;
    restart(&before);
    well();
    CHECK(has_scope(SCOPE_VENUE, 2, REASON_LIQUIDATION));

    /* The engine says it until it has heard of the resume: that is no second liquidation. */
    engine_says(2, ENGINE_HALTED, REASON_LIQUIDATION);
    CHECK_INT(command(COMMAND_RESUME, SCOPE_VENUE, 2), REASON_NONE);
    engine_says(2, ENGINE_READY, REASON_LIQUIDATION);
    well();
    CHECK_INT(last.scope_count, 0);
    engine_says(2, ENGINE_READY, REASON_NONE);
    engine_says(2, ENGINE_READY, REASON_LIQUIDATION);
    well();
    CHECK(has_scope(SCOPE_VENUE, 2, REASON_LIQUIDATION)); /* That is. */
}

static void limits_of_net_delta_are_read_whole_or_refused(void)
{
    static const char *const bad[] = { "BTC",
                                       "BTC:",
                                       ":2",
                                       "BTC:0",
                                       "BTC:-1",
                                       "BTC:x",
                                       "BTC:2ETH:4",
                                       "ABCDEFGHIJKLMNOP:1",
                                       "BTC:0.000000001" };
    struct risk_delta_limit limits[RISK_DELTA_LIMITS_MAX];

    CHECK_INT(risk_deltas_parse("", limits), 0);
    CHECK_INT(risk_deltas_parse(" BTC:2, ETH:0.5", limits), 2);
    CHECK(strcmp(limits[1].base, "ETH") == 0 && limits[1].max == UNITS(1) / 2);
    for (size_t i = 0; i < COUNT(bad); i++)
        CHECK_INT(risk_deltas_parse(bad[i], limits), ERR_RANGE);
}

int main(void)
{
    CASE(spot_and_perpetual_of_a_base_are_one_net_delta);
    CASE(a_strategy_s_share_is_not_counted_twice);
    CASE(an_unknown_instrument_is_asked_for_and_then_counted);
    CASE(a_position_that_differs_from_the_venue_s_halts_it);
    CASE(a_liquidation_halts_its_venue_until_an_operator_has_looked);
    CASE(limits_of_net_delta_are_read_whole_or_refused);
    CASE(begins_halted_until_everybody_is_heard);
    CASE(a_silent_engine_halts_its_venue_and_its_return_clears_it);
    CASE(a_dead_engine_is_cancelled_from_outside_once);
    CASE(a_dead_engine_in_dry_run_has_nothing_to_cancel);
    CASE(silent_positions_halt_everything_until_the_replay_is_complete);
    CASE(an_unmarked_exposure_is_a_breach_that_clears_itself);
    CASE(a_breached_limit_kills_and_stays);
    CASE(drawdown_and_exposure_kill_too);
    CASE(a_kill_is_a_kill_after_a_restart);
    CASE(automatic_halts_are_not_persisted);
    CASE(a_resume_does_not_lift_what_holds_by_itself);
    CASE(narrow_commands_hold_only_their_target);
    CASE(a_repeated_command_is_echoed_and_done_once);
    CASE(a_lasting_difference_to_the_venue_halts_it);
    CASE(the_saved_file_is_whole_or_refused);
    DONE();
}
