/* What the engine does when it cannot know: unknown outcomes, restarts, lost streams, lost
 * journals. */
#include "tests/unit/engine_world.h"

#define PRICE E8(42990)
#define QTY   (E8(1) / 100)

static void outcome_unknown(struct world *w, enum venue_op op)
{
    struct venue_report r = world_answer(world_last(w, op), REPORT_OUTCOME_UNKNOWN);

    world_report(w, &r);
}

static void answer_query(struct world *w, uint64_t id, wire_order_state state, int64_t cum)
{
    const struct venue_command *c = world_last(w, OP_QUERY);
    struct venue_report r = world_news(w, id, REPORT_ORDER);

    r.op = OP_QUERY;
    r.request_id = c ? c->request_id : 0;
    r.state = state;
    r.cum_qty = cum;
    r.is_from_stream = false;
    world_report(w, &r);
}

/* Every question about an order is answered with "no such order" for so long. */
static void deny_for(struct world *w, int64_t ms)
{
    for (; ms > 0; ms -= 10) {
        unsigned from = w->command_count;
        world_run(w, 10);
        for (unsigned i = from; i < w->command_count; i++)
            if (w->commands[i].op == OP_QUERY) {
                struct venue_command c = w->commands[i];
                struct venue_report r = world_answer(&c, REPORT_NO_SUCH_ORDER);
                world_report(w, &r);
            }
    }
}

/* ---- unknown outcome ---- */

static void an_unknown_order_is_asked_and_never_sent_again(void)
{
    struct world *w = world_started();
    uint64_t id = world_place(w, SIDE_BUY, PRICE, QTY);

    outcome_unknown(w, OP_PLACE);
    CHECK_INT(world_state(w, id), ORDER_UNKNOWN);
    CHECK_INT(world_events(w, ORDER_EVENT_UNKNOWN), 1);
    world_run(w, 300);
    CHECK_INT(world_commands(w, OP_QUERY), 1);
    CHECK_STR(world_last(w, OP_QUERY)->client_order_id, w->commands[0].client_order_id);
    answer_query(w, id, ORDER_LIVE, 0);
    CHECK_INT(world_state(w, id), ORDER_LIVE);
    world_run(w, 5000);
    CHECK_INT(world_commands(w, OP_PLACE), 1);
    CHECK_INT(world_commands(w, OP_QUERY), 1);
}

static void an_unknown_order_that_filled_is_told_with_its_executions(void)
{
    struct world *w = world_started();
    uint64_t id = world_place(w, SIDE_BUY, PRICE, QTY);

    outcome_unknown(w, OP_PLACE);
    world_run(w, 300);
    answer_query(w, id, ORDER_FILLED, QTY);
    CHECK_INT(world_events(w, ORDER_EVENT_FILLED), 0);
    world_run(w, 700);
    CHECK(world_commands(w, OP_EXECUTIONS) > 0);
    world_fill(w, id, "t1", QTY, QTY);
    CHECK_INT(world_state(w, id), ORDER_FILLED);
    CHECK_INT(world_events(w, ORDER_EVENT_FILLED), 1);
}

static void no_such_order_is_believed_only_after_several_answers_and_seconds(void)
{
    struct world *w = world_started();
    uint64_t id = world_place(w, SIDE_BUY, PRICE, QTY);

    outcome_unknown(w, OP_PLACE);
    deny_for(w, 3000);
    CHECK_INT(world_state(w, id), ORDER_UNKNOWN);
    CHECK(world_commands(w, OP_QUERY) >= 2);
    deny_for(w, 15000);
    CHECK_INT(world_state(w, id), ORDER_REJECTED);
    CHECK_INT(world_commands(w, OP_PLACE), 1);
    CHECK(world_commands(w, OP_QUERY) >= 3 && world_commands(w, OP_QUERY) < 8);
    CHECK_INT(engine_core_counters(w->core)->absent_confirmed, 1);
}

static void where_the_venue_keeps_a_deadline_one_answer_after_it_is_enough(void)
{
    struct world *w = world_new();

    w->config.has_place_deadline = true;
    world_boot(w, true);
    world_ready(w);
    uint64_t id = world_place(w, SIDE_BUY, PRICE, QTY);
    CHECK(world_last(w, OP_PLACE)->valid_ns == w->config.timing.order_timeout_ns);
    outcome_unknown(w, OP_PLACE);
    deny_for(w, w->config.timing.order_timeout_ns / NS_PER_MS + 900);
    CHECK_INT(world_state(w, id), ORDER_UNKNOWN); /* Until then it may still be taken. */
    deny_for(w, 3000);
    CHECK_INT(world_state(w, id), ORDER_REJECTED);
    CHECK_INT(world_commands(w, OP_PLACE), 1);
}

static void no_new_risk_on_an_instrument_with_an_unknown_order(void)
{
    struct world *w = world_started();

    (void)world_place(w, SIDE_BUY, PRICE, QTY);
    outcome_unknown(w, OP_PLACE);
    uint64_t id = world_place(w, SIDE_BUY, PRICE, QTY);
    CHECK_INT(world_state(w, id), ORDER_REJECTED);
    CHECK_INT(world_last_out(w, WIRE_order_event)->u.order.why, REASON_UNKNOWN_OUTCOME);
}

static void a_codec_that_never_answers_is_an_unknown_outcome(void)
{
    struct world *w = world_started();
    uint64_t id = world_place(w, SIDE_BUY, PRICE, QTY);

    world_run(w, 9900);
    CHECK_INT(world_state(w, id), ORDER_PENDING_NEW);
    world_run(w, 300);
    CHECK_INT(world_state(w, id), ORDER_UNKNOWN);
    CHECK_INT(engine_core_counters(w->core)->requests_timed_out, 1);
}

static void a_lost_cancel_is_sent_again_once_the_order_is_seen_working(void)
{
    struct world *w = world_started();
    uint64_t id = world_place(w, SIDE_BUY, PRICE, QTY);

    world_accept(w, id);
    world_cancel(w, id);
    outcome_unknown(w, OP_CANCEL);
    CHECK_INT(world_state(w, id), ORDER_PENDING_CANCEL);
    world_run(w, 300);
    answer_query(w, id, ORDER_LIVE, 0);
    world_run(w, 500);
    CHECK_INT(world_commands(w, OP_CANCEL), 2);
}

/* ---- restart ---- */

static void a_restart_takes_orders_trades_and_numbers_from_the_journal(void)
{
    struct world *w = world_started();
    uint64_t live = world_place(w, SIDE_BUY, PRICE, QTY);
    world_accept(w, live);
    world_fill(w, live, "t1", QTY / 4, QTY / 4);
    uint64_t done = world_place(w, SIDE_BUY, PRICE, QTY);
    world_accept(w, done);
    world_fill(w, done, "t2", QTY, QTY);
    world_restart(w);
    CHECK_INT(world_state(w, live), ORDER_PARTIALLY_FILLED);
    CHECK_INT(engine_core_order(w->core, live)->filled_qty, QTY / 4);
    CHECK_INT(world_state(w, done), ORDER_FILLED);
    CHECK_INT(engine_core_last_trade_number(w->core), 2);
    world_fill(w, done, "t2", QTY, QTY); /* The list of executions has it again. */
    CHECK_INT(world_outs(w, WIRE_trade_event), 0);
    world_fill(w, live, "t3", QTY / 4, QTY / 2);
    CHECK_INT(world_last_out(w, WIRE_trade_event)->u.trade.trade_number, 3);
}

static void an_order_under_way_at_the_crash_is_asked_not_sent(void)
{
    struct world *w = world_started();
    uint64_t id = world_place(w, SIDE_BUY, PRICE, QTY);

    world_restart(w);
    CHECK_INT(world_state(w, id), ORDER_UNKNOWN);
    world_define(w);
    world_channel(w, true);
    world_run(w, 500);
    CHECK_INT(world_commands(w, OP_PLACE), 0);
    CHECK(world_commands(w, OP_QUERY) > 0);
    wire_reason why;
    CHECK_INT(engine_core_state(w->core, w->now_ns, &why), ENGINE_RECONCILING);
    answer_query(w, id, ORDER_LIVE, 0);
    world_run(w, 500);
    CHECK_INT(world_state(w, id), ORDER_LIVE);
    CHECK_INT(engine_core_state(w->core, w->now_ns, &why), ENGINE_READY);
}

static void a_crash_between_trade_record_and_order_record_loses_nothing(void)
{
    struct world *w = world_started();
    uint64_t id = world_place(w, SIDE_BUY, PRICE, QTY);
    world_accept(w, id);
    size_t before = w->journal_len;
    world_fill(w, id, "t1", QTY, QTY);
    uint16_t len; /* Keep the trade record, drop what follows it. */
    memcpy(&len, w->journal + before + 2, 2);
    w->journal_len = before + 4u + len;
    world_restart(w);
    CHECK_INT(world_state(w, id), ORDER_FILLED);
    CHECK_INT(engine_core_order(w->core, id)->filled_qty, QTY);
    CHECK_INT(world_events(w, ORDER_EVENT_FILLED), 1);
    CHECK_INT(engine_core_last_trade_number(w->core), 1);
}

static void a_restart_at_every_record_never_doubles_an_order_or_a_number(void)
{
    static uint8_t whole[WORLD_JOURNAL_MAX];
    struct world *w = world_started();
    uint64_t id = world_place(w, SIDE_BUY, PRICE, QTY);
    size_t cuts[64], cut_count = 0;

    world_accept(w, id);
    world_fill(w, id, "t1", QTY / 2, QTY / 2);
    world_cancel(w, id);
    world_end(w, id, REPORT_CANCELLED, QTY / 2);
    size_t len = w->journal_len;
    memcpy(whole, w->journal, len);
    for (size_t at = 0; at < len && cut_count < COUNT(cuts);) {
        uint16_t size;
        cuts[cut_count++] = at;
        memcpy(&size, whole + at + 2, 2);
        at += 4u + size;
    }
    for (size_t i = 1; i < cut_count; i++) {
        memcpy(w->journal, whole, cuts[i]);
        w->journal_len = cuts[i];
        world_restart(w);
        const struct order_record *o = engine_core_order(w->core, id);
        struct wire_order_request again = world_intent(w, SIDE_BUY, PRICE, QTY);
        again.order_id = id;
        again.engine_epoch = 1000; /* The copy written for the first engine. */
        world_send(w, &again);
        CHECK_INT(world_commands(w, OP_PLACE), 0);
        if (!o)
            continue;
        uint64_t last = engine_core_last_trade_number(w->core);
        world_fill(w, id, "t1", QTY / 2, QTY / 2);
        CHECK_INT(engine_core_last_trade_number(w->core), 1);
        CHECK_INT(world_outs(w, WIRE_trade_event), last == 0);
        CHECK_INT(engine_core_order(w->core, id)->filled_qty, QTY / 2);
    }
}

static void an_intent_of_the_last_epoch_is_answered_only_after_the_venue_was_asked(void)
{
    struct world *w = world_started();

    world_restart(w);
    w->is_answering = false;
    struct wire_order_request m = world_intent(w, SIDE_BUY, PRICE, QTY);
    m.engine_epoch = w->config.epoch - 1;
    world_send(w, &m);
    world_query(w, m.order_id);
    CHECK_INT(world_outs(w, WIRE_order_status), 0);
    w->is_answering = true;
    world_ready(w);
    world_query(w, m.order_id);
    CHECK_INT(world_outs(w, WIRE_order_status), 1);
    CHECK_INT(world_last_out(w, WIRE_order_status)->u.status.state, ORDER_NONE);
}

static void an_order_of_ours_that_the_journal_lost_is_adopted(void)
{
    struct world *w = world_new();
    uint64_t id = ORDER_ID(WORLD_STRATEGY, 1, 77);

    world_boot(w, false);
    w->is_answering = false;
    world_define(w);
    world_channel(w, true);
    world_run(w, 20);
    struct venue_report r = world_news(w, id, REPORT_ORDER);
    r.request_id = world_last(w, OP_OPEN_ORDERS)->request_id;
    r.op = OP_OPEN_ORDERS;
    r.state = ORDER_LIVE;
    r.qty = QTY;
    r.price = PRICE;
    r.cum_qty = 0;
    world_report(w, &r);
    CHECK_INT(world_state(w, id), ORDER_LIVE);
    CHECK_INT(engine_core_order(w->core, id)->strategy, WORLD_STRATEGY);
    CHECK_INT(world_events(w, ORDER_EVENT_ACCEPTED), 1);
    CHECK_INT(engine_core_counters(w->core)->adopted, 1);
}

/* Found by simulation: after a power loss an execution came before the name of its order, which was
 * then adopted although it was there, and the first record stayed unknown for ever. */
static void an_order_of_unknown_outcome_is_not_adopted_a_second_time(void)
{
    struct world *w = world_new();

    world_boot(w, false);
    world_ready(w);
    uint64_t id = world_place(w, SIDE_BUY, PRICE, QTY);
    struct venue_report r = world_answer(world_last(w, OP_PLACE), REPORT_OUTCOME_UNKNOWN);
    world_report(w, &r);
    struct venue_report fill = world_news(w, id, REPORT_FILL);
    struct venue_report found = world_news(w, id, REPORT_ORDER);
    strcpy(fill.venue_trade_id, "t1");
    fill.client_order_id[0] = 0;
    fill.last_price = PRICE;
    fill.last_qty = QTY;
    world_report(w, &fill);
    unsigned from = w->command_count;
    for (unsigned i = 0; i < 20 && world_last(w, OP_QUERY) == NULL; i++)
        world_run(w, 100);
    /* Each question is answered: by its exchange id, by its client id. */
    found.op = OP_QUERY;
    found.state = ORDER_FILLED;
    found.cum_qty = QTY;
    for (unsigned round = 0; round < 30; round++) {
        for (; from < w->command_count; from++)
            if (w->commands[from].op == OP_QUERY) {
                found.request_id = w->commands[from].request_id;
                world_report(w, &found);
                world_report(w, &fill);
            }
        world_run(w, 100);
    }
    struct wire_engine_status status;
    engine_core_status(w->core, w->now_ns, &status);
    CHECK_INT(world_state(w, id), ORDER_FILLED);
    CHECK_INT(status.live_orders, 0);
    CHECK_INT(status.unknown_orders, 0);
    CHECK_INT(engine_core_counters(w->core)->adopted, 0);
    CHECK_INT(world_outs(w, WIRE_trade_event), 1);
}

static void a_foreign_order_is_shown_counted_and_left_alone(void)
{
    struct world *w = world_started();
    struct venue_report r = world_news(w, 1, REPORT_NEW);

    strcpy(r.client_order_id, "web_12345");
    strcpy(r.exchange_order_id, "F1");
    r.qty = E8(9);
    r.price = PRICE;
    r.side = SIDE_BUY;
    world_report(w, &r);
    CHECK_INT(engine_core_counters(w->core)->foreign_orders, 1);
    CHECK_INT(world_last_out(w, WIRE_order_event)->u.order.order_id, 0);
    struct wire_cancel_all all;
    WIRE_BEGIN(&all, cancel_all);
    all.header.publisher = WORLD_RUNNER;
    all.header.account = 1;
    world_send(w, &all);
    w->runner_beats = false;
    world_run(w, 5000);
    CHECK_INT(world_commands(w, OP_CANCEL), 0);
    w->runner_beats = true;
    world_run(w, 200);
    /* Its nine count: two more would pass the limit of ten. */
    uint64_t id = world_place(w, SIDE_BUY, PRICE, E8(2));
    CHECK_INT(world_state(w, id), ORDER_REJECTED);
    CHECK_INT(world_last_out(w, WIRE_order_event)->u.order.why, REASON_POSITION_LIMIT);
}

static void an_order_missing_from_the_list_is_asked_about(void)
{
    struct world *w = world_started();
    uint64_t id = world_place(w, SIDE_BUY, PRICE, QTY);

    world_accept(w, id);
    world_channel(w, false);
    wire_reason why;
    CHECK_INT(engine_core_state(w->core, w->now_ns, &why), ENGINE_DEGRADED);
    uint64_t refused = world_place(w, SIDE_BUY, PRICE, QTY);
    CHECK_INT(world_state(w, refused), ORDER_REJECTED);
    world_run(w, 100);
    world_channel(w, true);
    world_run(w, 200); /* The list comes back without it. */
    CHECK(world_commands(w, OP_QUERY) > 0);
    CHECK_INT(engine_core_state(w->core, w->now_ns, &why), ENGINE_DEGRADED);
    answer_query(w, id, ORDER_CANCELLED, 0);
    CHECK_INT(world_state(w, id), ORDER_CANCELLED);
    world_run(w, 300);
    CHECK_INT(engine_core_state(w->core, w->now_ns, &why), ENGINE_READY);
}

static void executions_are_asked_from_the_last_known_time_less_a_margin(void)
{
    struct world *w = world_started();

    world_run(w, 600000);
    world_restart(w);
    world_define(w);
    world_channel(w, true);
    world_run(w, 100);
    const struct venue_command *c = world_last(w, OP_EXECUTIONS);
    CHECK(c != NULL);
    int64_t back = WORLD_WALL + w->now_ns - c->since_wall_ns;
    CHECK(back >= 60 * NS_PER_S && back < 70 * NS_PER_S);
}

static void executions_from_before_the_journal_are_not_ours_to_tell(void)
{
    struct world *w = world_started();
    uint64_t id = world_place(w, SIDE_BUY, PRICE, QTY);
    struct venue_report r = world_news(w, id, REPORT_FILL);

    strcpy(r.venue_trade_id, "old");
    r.last_qty = QTY;
    r.last_price = PRICE;
    r.exchange_ns = WORLD_WALL - NS_PER_S;
    world_report(w, &r);
    CHECK_INT(world_outs(w, WIRE_trade_event), 0);
    CHECK_INT(engine_core_counters(w->core)->fills_too_old, 1);
}

static void a_nameless_execution_waits_while_an_order_there_has_no_name(void)
{
    struct world *w = world_started();
    uint64_t id = world_place(w, SIDE_BUY, PRICE, QTY);
    struct venue_report r = world_news(w, id, REPORT_FILL);

    r.client_order_id[0] = 0;
    strcpy(r.venue_trade_id, "t1");
    r.last_qty = QTY;
    r.last_price = PRICE;
    world_report(w, &r);
    CHECK_INT(world_outs(w, WIRE_trade_event), 0);
    CHECK_INT(engine_core_counters(w->core)->fills_deferred, 1);
    world_accept(w, id); /* Now its exchange id is known. */
    world_report(w, &r);
    CHECK_INT(world_outs(w, WIRE_trade_event), 1);
    CHECK_INT(world_last_out(w, WIRE_trade_event)->u.trade.order_id, (long long)id);
}

/* ---- 7004 ---- */

static void fill_many(struct world *w, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        char trade[16];
        struct venue_report r = world_news(w, 1, REPORT_FILL);
        snprintf(trade, sizeof(trade), "m%u", i);
        strcpy(r.client_order_id, "web");
        strcpy(r.exchange_order_id, "F");
        strcpy(r.venue_trade_id, trade);
        r.last_qty = QTY;
        r.last_price = PRICE;
        world_report(w, &r);
    }
}

static void a_replay_is_answered_in_pages_from_the_journal(void)
{
    struct world *w = world_new();
    struct wire_trade_replay_request m;

    w->config.trades_max = 1024;
    world_boot(w, true);
    world_ready(w);
    fill_many(w, 300);
    world_restart(w);
    WIRE_BEGIN(&m, trade_replay_request);
    m.header.account = 1;
    m.from_trade_number = 11;
    m.page_max = 256;
    world_send(w, &m);
    CHECK_INT(world_outs(w, WIRE_trade_event), 256);
    CHECK_INT(w->out[0].u.trade.trade_number, 11);
    CHECK(w->out[0].u.trade.header.flags & WIRE_REPLAY);
    w->out_count = 0;
    m.from_trade_number = 267;
    world_send(w, &m);
    CHECK_INT(world_outs(w, WIRE_trade_event), 34);
    CHECK_INT(world_last_out(w, WIRE_trade_event)->u.trade.trade_number, 300);
    w->out_count = 0;
    m.header.account = 2;
    world_send(w, &m);
    CHECK_INT(w->out_count, 0);
}

static void unapplied_executions_near_the_end_of_their_room_stop_new_orders(void)
{
    struct world *w = world_started();

    fill_many(w, 193); /* Three quarters of 256. */
    uint64_t id = world_place(w, SIDE_SELL, E8(43010), QTY);
    CHECK_INT(world_state(w, id), ORDER_REJECTED);
    CHECK_INT(world_last_out(w, WIRE_order_event)->u.order.why, REASON_QUEUE_FULL);
    struct wire_applied_trade_number m;
    WIRE_BEGIN(&m, applied_trade_number);
    m.header.account = 1;
    m.trade_number = 150;
    world_send(w, &m);
    id = world_place(w, SIDE_SELL, E8(43010), QTY);
    CHECK_INT(world_state(w, id), ORDER_PENDING_NEW);
}

static void the_oldest_executions_make_room_and_are_not_taken_for_new(void)
{
    struct world *w = world_started();
    struct wire_trade_replay_request m;
    struct venue_report r = world_news(w, 1, REPORT_FILL);

    for (unsigned i = 0; i < 300; i++) { /* Room for 256, each a millisecond after the other. */
        r = world_news(w, 1, REPORT_FILL);
        strcpy(r.client_order_id, "web");
        strcpy(r.exchange_order_id, "F");
        snprintf(r.venue_trade_id, sizeof(r.venue_trade_id), "m%u", i);
        r.last_qty = QTY;
        r.last_price = PRICE;
        r.exchange_ns += i * NS_PER_MS;
        world_report(w, &r);
    }
    w->out_count = 0;
    WIRE_BEGIN(&m, trade_replay_request);
    m.header.account = 1;
    m.from_trade_number = 1;
    world_send(w, &m);
    CHECK_INT(world_outs(w, WIRE_trade_event), 256);
    CHECK_INT(w->out[0].u.trade.trade_number, 45);
    w->out_count = 0;
    strcpy(r.venue_trade_id, "m299"); /* Still known. */
    world_report(w, &r);
    strcpy(r.venue_trade_id, "m3"); /* Forgotten, but older than what was forgotten. */
    r.exchange_ns -= 296 * NS_PER_MS;
    world_report(w, &r);
    CHECK_INT(world_outs(w, WIRE_trade_event), 0);
    CHECK_INT(engine_core_counters(w->core)->fills_duplicate, 1);
    CHECK_INT(engine_core_counters(w->core)->fills_too_old, 1);
}

static void numbers_go_on_above_the_ledger_when_the_journal_was_lost(void)
{
    struct world *w = world_started();
    struct wire_applied_trade_number m;

    WIRE_BEGIN(&m, applied_trade_number);
    m.header.account = 1;
    m.trade_number = 5000;
    m.event_number = 70;
    world_send(w, &m);
    fill_many(w, 1);
    CHECK_INT(world_last_out(w, WIRE_trade_event)->u.trade.trade_number, 5001);
    world_restart(w);
    CHECK_INT(engine_core_last_trade_number(w->core), 5001);
}

static void the_ledgers_position_counts_with_what_came_after_it(void)
{
    struct world *w = world_started();
    struct wire_position_update m;

    fill_many(w, 2); /* Buys 0.02 */
    WIRE_BEGIN(&m, position_update);
    m.header.account = 1;
    m.header.instrument = w->instrument;
    m.qty = E8(9);
    m.applied_trade_number = 1;
    m.price_exp = m.qty_exp = 8;
    world_send(w, &m);
    /* 9 + 0.01 + 1 is past the limit of 10; 9 + 0.01 + 0.98 is not. */
    uint64_t id = world_place(w, SIDE_BUY, PRICE, E8(1));
    CHECK_INT(world_state(w, id), ORDER_REJECTED);
    id = world_place(w, SIDE_BUY, PRICE, E8(98) / 100);
    CHECK_INT(world_state(w, id), ORDER_PENDING_NEW);
}

/* ---- balances ---- */

static void balances_say_which_executions_they_surely_hold(void)
{
    struct world *w = world_started();

    fill_many(w, 3);
    w->out_count = 0;
    world_run(w, 6000); /* Two quiet seconds, five since the last time. */
    const struct wire_account_event *a = &world_last_out(w, WIRE_account_event)->u.account;
    CHECK_INT(a->as_of_trade_number, 3);
    CHECK_INT(a->kind, ACCOUNT_BALANCE);
    uint64_t number = a->event_number;
    world_balance(w, 0, "BTC", E8(5)); /* From the stream: nobody knows what is in it. */
    a = &world_last_out(w, WIRE_account_event)->u.account;
    CHECK_INT(a->as_of_trade_number, 0);
    CHECK_INT(a->event_number, (long long)number); /* States are not counted. */
    world_restart(w);
    world_balance(w, 0, "BTC", E8(5));
    CHECK_INT(world_last_out(w, WIRE_account_event)->u.account.event_number, (long long)number);
}

static void a_transfer_is_told_once(void)
{
    struct world *w = world_started();
    struct venue_report r = { .kind = REPORT_TRANSFER, .amount_exp = 8, .change = E8(3) };

    strcpy(r.asset, "BTC");
    strcpy(r.venue_trade_id, "dep1");
    world_report(w, &r);
    world_report(w, &r);
    CHECK_INT(world_outs(w, WIRE_account_event), 1);
    CHECK_INT(world_last_out(w, WIRE_account_event)->u.account.change, E8(3));
    w->out_count = 0;
    struct wire_trade_replay_request m;
    WIRE_BEGIN(&m, trade_replay_request);
    m.header.account = 1;
    m.from_trade_number = 1;
    world_send(w, &m);
    CHECK_INT(world_outs(w, WIRE_account_event), 1); /* A ledger that was away gets it again. */
}

/* ---- checkpoint ---- */

static int append_to_world(void *ctx, uint16_t type, const void *record, size_t size)
{
    return world_append(ctx, type, record, size);
}

static void a_checkpoint_restores_the_same_state(void)
{
    struct world *w = world_started();
    uint64_t live = world_place(w, SIDE_BUY, PRICE, QTY);
    world_accept(w, live);
    world_fill(w, live, "t1", QTY / 4, QTY / 4);
    uint64_t done = world_place(w, SIDE_BUY, PRICE, QTY);
    world_accept(w, done);
    world_end(w, done, REPORT_CANCELLED, 0);
    engine_core_kill(w->core, REASON_OPERATOR, w->now_ns);
    w->journal_len = 0;
    CHECK_INT(engine_core_checkpoint(w->core, append_to_world, w), 0);
    world_restart(w);
    CHECK_INT(engine_core_order(w->core, live)->filled_qty, QTY / 4);
    CHECK_INT(world_state(w, done), ORDER_CANCELLED);
    CHECK_INT(engine_core_last_trade_number(w->core), 1);
    wire_reason why;
    CHECK_INT(engine_core_state(w->core, w->now_ns, &why), ENGINE_KILLED);
    world_fill(w, live, "t1", QTY / 4, QTY / 4);
    CHECK_INT(world_outs(w, WIRE_trade_event), 0);
}

/* The venue says that more was executed than we saw; its lists do not show it for long. It must not
 * fall out of what is asked for. */
static void what_is_known_to_be_missing_stays_asked_for(void)
{
    struct world *w = world_started();
    int64_t placed_wall = WORLD_WALL + w->now_ns;
    uint64_t id = world_place(w, SIDE_BUY, E8(43000), E8(1));

    world_accept(w, id);
    struct venue_report r = world_news(w, id, REPORT_ORDER);
    r.state = ORDER_PARTIALLY_FILLED;
    r.cum_qty = E8(1) / 2;
    world_report(w, &r);
    world_run(w, 200000);
    CHECK(world_last(w, OP_EXECUTIONS)->since_wall_ns <= placed_wall);
    world_fill(w, id, "T1", E8(1) / 2, E8(1) / 2);
    world_end(w, id, REPORT_CANCELLED, E8(1) / 2);
    world_run(w, 200000);
    CHECK(world_last(w, OP_EXECUTIONS)->since_wall_ns > placed_wall);
}

int main(void)
{
    CASE(an_unknown_order_is_asked_and_never_sent_again);
    CASE(an_unknown_order_that_filled_is_told_with_its_executions);
    CASE(no_such_order_is_believed_only_after_several_answers_and_seconds);
    CASE(where_the_venue_keeps_a_deadline_one_answer_after_it_is_enough);
    CASE(no_new_risk_on_an_instrument_with_an_unknown_order);
    CASE(a_codec_that_never_answers_is_an_unknown_outcome);
    CASE(a_lost_cancel_is_sent_again_once_the_order_is_seen_working);
    CASE(a_restart_takes_orders_trades_and_numbers_from_the_journal);
    CASE(an_order_under_way_at_the_crash_is_asked_not_sent);
    CASE(a_crash_between_trade_record_and_order_record_loses_nothing);
    CASE(a_restart_at_every_record_never_doubles_an_order_or_a_number);
    CASE(an_intent_of_the_last_epoch_is_answered_only_after_the_venue_was_asked);
    CASE(an_order_of_ours_that_the_journal_lost_is_adopted);
    CASE(an_order_of_unknown_outcome_is_not_adopted_a_second_time);
    CASE(a_foreign_order_is_shown_counted_and_left_alone);
    CASE(an_order_missing_from_the_list_is_asked_about);
    CASE(executions_are_asked_from_the_last_known_time_less_a_margin);
    CASE(executions_from_before_the_journal_are_not_ours_to_tell);
    CASE(a_nameless_execution_waits_while_an_order_there_has_no_name);
    CASE(a_replay_is_answered_in_pages_from_the_journal);
    CASE(unapplied_executions_near_the_end_of_their_room_stop_new_orders);
    CASE(the_oldest_executions_make_room_and_are_not_taken_for_new);
    CASE(numbers_go_on_above_the_ledger_when_the_journal_was_lost);
    CASE(the_ledgers_position_counts_with_what_came_after_it);
    CASE(balances_say_which_executions_they_surely_hold);
    CASE(a_transfer_is_told_once);
    CASE(a_checkpoint_restores_the_same_state);
    CASE(what_is_known_to_be_missing_stays_asked_for);
    DONE();
}
