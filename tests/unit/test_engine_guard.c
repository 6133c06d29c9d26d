/* Kill, halt, silence, dead-man switch, stop: what ends trading, and what lets it go on. */
#include "tests/unit/engine_world.h"

#define PRICE E8(42990)
#define QTY   (E8(1) / 100)

static wire_engine_state state_of(const struct world *w)
{
    wire_reason why;
    return engine_core_state(w->core, w->now_ns, &why);
}

static uint64_t resting(struct world *w, wire_side side)
{
    uint64_t id = world_place(w, side, side == SIDE_BUY ? PRICE : E8(43010), QTY);

    world_accept(w, id);
    CHECK_INT(world_state(w, id), ORDER_LIVE);
    return id;
}

static unsigned cancels_of(const struct world *w, uint64_t id)
{
    char text[CLIENT_ID_LEN + 1];
    unsigned count = 0;

    (void)client_id_write('T', id, 0, text);
    for (unsigned i = 0; i < w->command_count; i++)
        count +=
            w->commands[i].op == OP_CANCEL && strcmp(w->commands[i].client_order_id, text) == 0;
    return count;
}

static void refused(struct world *w, wire_reason why)
{
    uint64_t id = world_place(w, SIDE_BUY, PRICE, QTY);

    CHECK_INT(world_state(w, id), ORDER_REJECTED);
    CHECK_INT(world_last_out(w, WIRE_order_event)->u.order.why, why);
}

/* ---- kill ---- */

static void a_signal_kills_and_only_an_operator_resumes(void)
{
    struct world *w = world_started();
    uint64_t id = resting(w, SIDE_BUY);

    w->last_command_id = 5; /* An operator's word of before. */
    world_run(w, 200);
    engine_core_kill(w->core, REASON_SIGNAL, w->now_ns);
    CHECK_INT(state_of(w), ENGINE_KILLED);
    CHECK_INT(cancels_of(w, id), 1);
    CHECK_INT(world_commands(w, OP_CANCEL_ALL), 1);
    refused(w, REASON_KILLED);
    world_run(w, 300);
    world_end(w, id, REPORT_CANCELLED, 0);
    world_run(w, 1000);
    CHECK_INT(state_of(w), ENGINE_KILLED); /* Risk runs all the while: that is no resume. */
    w->risk_version++;
    world_run(w, 200);
    CHECK_INT(state_of(w), ENGINE_KILLED); /* Nor is a limit that changed. */
    w->risk_version++;
    w->last_command_id = 99;
    world_run(w, 1000);
    CHECK_INT(state_of(w), ENGINE_READY);
}

static void a_kill_is_verified_by_an_empty_list(void)
{
    struct world *w = world_started();
    uint64_t id = resting(w, SIDE_BUY);

    w->is_answering = false;
    engine_core_kill(w->core, REASON_SIGNAL, w->now_ns);
    world_run(w, 500);
    unsigned lists = world_commands(w, OP_OPEN_ORDERS);
    CHECK(lists > 0);
    struct venue_report still = world_news(w, id, REPORT_ORDER);
    still.request_id = world_last(w, OP_OPEN_ORDERS)->request_id;
    still.op = OP_OPEN_ORDERS;
    still.state = ORDER_LIVE;
    still.cum_qty = 0;
    world_report(w, &still); /* The cancel was lost: the list still has it. */
    w->is_answering = true;
    world_answer_lists(w, 0);
    unsigned cancels = cancels_of(w, id) + world_commands(w, OP_CANCEL_ALL);
    world_run(w, 3000);
    CHECK(cancels_of(w, id) + world_commands(w, OP_CANCEL_ALL) > cancels);
    CHECK(world_commands(w, OP_OPEN_ORDERS) > lists);
}

static void a_kill_stays_over_a_restart(void)
{
    struct world *w = world_started();

    engine_core_kill(w->core, REASON_SIGNAL, w->now_ns);
    world_run(w, 1000);
    world_restart(w);
    CHECK_INT(state_of(w), ENGINE_KILLED);
    world_define(w);
    world_channel(w, true);
    world_run(w, 2000);
    CHECK_INT(state_of(w), ENGINE_KILLED);
    CHECK(world_commands(w, OP_CANCEL_ALL) > 0);
    refused(w, REASON_KILLED);
    w->risk_version++;
    w->last_command_id = 7;
    world_run(w, 1000);
    CHECK_INT(state_of(w), ENGINE_READY);
}

static void risk_kills_us_until_it_runs_again(void)
{
    struct world *w = world_started();
    uint64_t id = resting(w, SIDE_BUY);

    w->risk_state = RISK_KILLED;
    w->risk_version++;
    w->last_command_id = 5;
    world_run(w, 200);
    CHECK_INT(state_of(w), ENGINE_KILLED);
    CHECK(cancels_of(w, id) > 0);
    world_end(w, id, REPORT_CANCELLED, 0);
    world_run(w, 2000);
    w->risk_state = RISK_HALTED; /* Not yet. */
    w->risk_version++;
    w->last_command_id = 6;
    world_run(w, 500);
    CHECK_INT(state_of(w), ENGINE_KILLED);
    w->risk_state = RISK_RUNNING;
    w->risk_version++;
    world_run(w, 1000);
    CHECK_INT(state_of(w), ENGINE_READY);
}

static void a_scope_kills_its_strategy_alone(void)
{
    struct world *w = world_started();
    uint64_t id = resting(w, SIDE_BUY);
    struct wire_risk_state r;

    w->risk_beats = false;
    WIRE_BEGIN(&r, risk_state);
    r.risk_version = 2;
    r.state = RISK_RUNNING;
    r.scope_count = 1;
    r.scopes[0] =
        (struct wire_scope){ .kind = SCOPE_STRATEGY, .state = RISK_KILLED, .strategy = 8 };
    world_send(w, &r);
    world_run(w, 50);
    CHECK_INT(world_commands(w, OP_CANCEL), 0);
    r.scopes[0].strategy = WORLD_STRATEGY;
    world_send(w, &r);
    world_run(w, 50);
    CHECK_INT(cancels_of(w, id), 1);
    CHECK_INT(state_of(w), ENGINE_READY);
    refused(w, REASON_KILLED);
    r.scopes[0] = (struct wire_scope){ .kind = SCOPE_VENUE, .state = RISK_KILLED, .account = 2 };
    world_send(w, &r);
    CHECK_INT(state_of(w), ENGINE_READY);
    r.scopes[0].account = 1;
    world_send(w, &r);
    CHECK_INT(state_of(w), ENGINE_KILLED);
    CHECK_INT(world_commands(w, OP_CANCEL_ALL),
              0); /* Foreign orders fall to a kill of everything alone. */
}

/* ---- halt and silence ---- */

static void a_halt_stops_new_orders_and_lets_cancels_go(void)
{
    struct world *w = world_started();
    uint64_t id = resting(w, SIDE_BUY);

    w->risk_state = RISK_HALTED;
    world_run(w, 200);
    CHECK_INT(state_of(w), ENGINE_HALTED);
    refused(w, REASON_HALTED);
    CHECK_INT(world_commands(w, OP_CANCEL), 0);
    world_cancel(w, id);
    CHECK_INT(cancels_of(w, id), 1);
    w->risk_state = RISK_RUNNING;
    world_run(w, 200);
    CHECK_INT(state_of(w), ENGINE_READY);
}

static void a_silent_runner_loses_its_resting_orders(void)
{
    struct world *w = world_started();
    uint64_t id = resting(w, SIDE_BUY);

    world_run(w, 3000); /* Past the grace of a start. */
    w->runner_beats = false;
    world_run(w, 900);
    CHECK_INT(cancels_of(w, id), 0);
    world_run(w, 300);
    CHECK_INT(cancels_of(w, id), 1);
    world_end(w, id, REPORT_CANCELLED, 0);
    CHECK_INT(world_last_out(w, WIRE_order_event)->u.order.why, REASON_RUNNER_SILENT);
}

static void a_runner_that_never_comes_back_after_a_restart_loses_them_too(void)
{
    struct world *w = world_started();
    uint64_t id = resting(w, SIDE_BUY);

    w->runner_beats = false;
    world_restart(w);
    world_define(w);
    world_channel(w, true);
    world_run(w, 100);
    struct venue_report live = world_news(w, id, REPORT_ORDER);
    live.state = ORDER_LIVE;
    live.cum_qty = 0;
    world_report(w, &live);
    world_run(w, 2500);
    CHECK_INT(cancels_of(w, id), 0);
    world_run(w, 1000);
    CHECK_INT(cancels_of(w, id), 1);
}

static void silent_risk_halts_after_one_second_and_cancels_after_thirty(void)
{
    struct world *w = world_started();
    uint64_t id = resting(w, SIDE_BUY);

    w->risk_beats = false;
    world_run(w, 900);
    CHECK_INT(state_of(w), ENGINE_READY);
    world_run(w, 300);
    CHECK_INT(state_of(w), ENGINE_HALTED);
    refused(w, REASON_RISK_SILENT);
    world_run(w, 28000);
    CHECK_INT(cancels_of(w, id), 0);
    world_run(w, 1000);
    CHECK_INT(cancels_of(w, id), 1);
    w->risk_beats = true;
    world_run(w, 200);
    CHECK_INT(state_of(w), ENGINE_READY); /* Its return clears the halt. */
}

static void before_risk_was_heard_nothing_is_ordered(void)
{
    struct world *w = world_new();

    w->risk_beats = false;
    world_boot(w, true);
    world_define(w);
    world_channel(w, true);
    world_run(w, 500);
    CHECK_INT(state_of(w), ENGINE_HALTED);
    refused(w, REASON_RISK_SILENT);
}

static void without_the_private_stream_nothing_is_ready(void)
{
    struct world *w = world_new();

    world_boot(w, true);
    world_define(w);
    world_run(w, 2000);
    CHECK_INT(state_of(w), ENGINE_STARTING);
    refused(w, REASON_NOT_READY);
    CHECK_INT(world_commands(w, OP_OPEN_ORDERS), 0);
    world_channel(w, true);
    world_run(w, 300);
    CHECK_INT(state_of(w), ENGINE_READY);
}

/* ---- dead man ---- */

static void an_unproven_dead_man_switch_stops_new_orders(void)
{
    struct world *w = world_new();

    w->config.has_dead_man = true;
    world_boot(w, true);
    world_ready(w);
    CHECK_INT(world_state(w, world_place(w, SIDE_BUY, PRICE, QTY)), ORDER_PENDING_NEW);
    world_run(w, 16000);
    CHECK_INT(world_commands(w, OP_DEAD_MAN), 1); /* Refreshed every 15 s. */
    CHECK_INT(world_last(w, OP_DEAD_MAN)->timeout_ns, 60 * NS_PER_S);
    w->is_answering = false;
    world_run(w, 40000);
    CHECK_INT(state_of(w), ENGINE_DEGRADED);
    refused(w, REASON_DEAD_MAN);
}

/* ---- stop ---- */

static void a_stop_cancels_what_rests_and_ends(void)
{
    struct world *w = world_started();
    uint64_t id = resting(w, SIDE_BUY);

    engine_core_stop(w->core, w->now_ns);
    CHECK_INT(state_of(w), ENGINE_STOPPING);
    CHECK_INT(cancels_of(w, id), 1);
    refused(w, REASON_SHUTDOWN);
    CHECK(!engine_core_is_stopped(w->core, w->now_ns));
    world_end(w, id, REPORT_CANCELLED, 0);
    CHECK(engine_core_is_stopped(w->core, w->now_ns));
}

static void a_stop_waits_only_so_long(void)
{
    struct world *w = world_started();

    (void)resting(w, SIDE_BUY);
    engine_core_stop(w->core, w->now_ns);
    world_run(w, 2900);
    CHECK(!engine_core_is_stopped(w->core, w->now_ns));
    world_run(w, 200);
    CHECK(engine_core_is_stopped(w->core, w->now_ns));
}

/* ---- 6018 ---- */

static void the_state_of_every_live_order_is_told_each_second(void)
{
    struct world *w = world_started();

    (void)resting(w, SIDE_BUY);
    (void)resting(w, SIDE_SELL);
    w->out_count = 0;
    world_run(w, 3000);
    CHECK_INT(world_outs(w, WIRE_engine_status), 3);
    CHECK_INT(world_outs(w, WIRE_order_status), 6);
    const struct wire_engine_status *s = &world_last_out(w, WIRE_engine_status)->u.engine;
    CHECK_INT(s->live_orders, 2);
    CHECK_INT(s->state, ENGINE_READY);
    CHECK_INT(engine_core_republish(w->core, w->now_ns), 3);
}

int main(void)
{
    CASE(a_signal_kills_and_only_an_operator_resumes);
    CASE(a_kill_is_verified_by_an_empty_list);
    CASE(a_kill_stays_over_a_restart);
    CASE(risk_kills_us_until_it_runs_again);
    CASE(a_scope_kills_its_strategy_alone);
    CASE(a_halt_stops_new_orders_and_lets_cancels_go);
    CASE(a_silent_runner_loses_its_resting_orders);
    CASE(a_runner_that_never_comes_back_after_a_restart_loses_them_too);
    CASE(silent_risk_halts_after_one_second_and_cancels_after_thirty);
    CASE(before_risk_was_heard_nothing_is_ordered);
    CASE(without_the_private_stream_nothing_is_ready);
    CASE(an_unproven_dead_man_switch_stops_new_orders);
    CASE(a_stop_cancels_what_rests_and_ends);
    CASE(a_stop_waits_only_so_long);
    CASE(the_state_of_every_live_order_is_told_each_second);
    DONE();
}
