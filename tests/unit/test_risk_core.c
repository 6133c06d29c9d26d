#include "common/leaf/err.h"
#include "common/pure/topology.h"
#include "risk_monitor/risk_core.h"
#include "risk_monitor/saved.h"
#include "tests/unit/check.h"

#include <stdlib.h>
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

static const struct risk_out out = { NULL, publish, save, cancel_all, note };
static const struct risk_config config = { .currency = "USDT",
                                           .gross_exposure_max = UNITS(10000),
                                           .daily_loss_max = UNITS(100),
                                           .drawdown_max = UNITS(150),
                                           .engine_silence_ns = NS_PER_S,
                                           .engine_dead_ns = 10 * NS_PER_S,
                                           .positions_silence_ns = 5 * NS_PER_S,
                                           .unmarked_ns = 5 * NS_PER_S,
                                           .reconciliation_ns = 10 * NS_PER_S,
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

int main(void)
{
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
