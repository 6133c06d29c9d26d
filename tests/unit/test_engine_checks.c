/* Each pre-trade check refuses what it is for, with its own reason and counter, and lets the rest
 * pass. */
#include "tests/unit/engine_world.h"

#define PRICE E8(42990)
#define QTY   (E8(1) / 100)

static wire_reason last_why(const struct world *w)
{
    const struct world_out *out = world_last_out(w, WIRE_order_event);

    return out && out->u.order.kind == ORDER_EVENT_REJECTED ? out->u.order.why : REASON_NONE;
}

/* The reason for which a limit order is refused, REASON_NONE: sent. */
static wire_reason tried(struct world *w, wire_side side, int64_t price, int64_t qty)
{
    uint64_t before = engine_core_counters(w->core)->refused;
    unsigned sent = world_commands(w, OP_PLACE);

    w->out_count = 0;
    uint64_t id = world_place(w, side, price, qty);
    wire_reason why = last_why(w);
    CHECK_INT(engine_core_counters(w->core)->refused - before, why != REASON_NONE);
    CHECK_INT(world_commands(w, OP_PLACE) - sent, why == REASON_NONE);
    CHECK_INT(world_state(w, id), why ? ORDER_REJECTED : ORDER_PENDING_NEW);
    if (why)
        CHECK(engine_core_counters(w->core)->reasons[why] > 0);
    return why;
}

static struct world *with(struct engine_limits limits)
{
    struct world *w = world_new();

    w->config.limits = limits;
    world_boot(w, true);
    world_ready(w);
    return w;
}

static struct engine_limits usual(void)
{
    struct engine_config c;

    world_config(&c);
    return c.limits;
}

static void every_unset_limit_refuses_start(void)
{
    static const char *const names[] = {
        "MAX_ORDER_QUANTITY",      "MAX_ORDER_NOTIONAL", "MAX_POSITION_PER_SYMBOL",
        "MAX_POSITION_SIZE",       "MAX_DAILY_LOSS",     "PRICE_COLLAR_PPM",
        "MAX_BOOK_AGE_MS",         "MAX_OPEN_ORDERS",    "MAX_ORDERS_PER_SECOND",
        "API_REQUESTS_PER_SECOND", "API_BURST_LIMIT",    "CANCEL_RESERVE",
        "API_REQUESTS_PER_MINUTE",
    };
    struct world *w = world_new();
    size_t size = engine_core_size(&w->config);
    void *memory = aligned_alloc(64, (size + 63) / 64 * 64);

    for (size_t i = 0; i < COUNT(names); i++) {
        struct engine_config c = w->config;
        const char *missing = "";
        ((int64_t *)&c.limits)[i] = 0; /* The limits stand in the order of this list. */
        CHECK_INT(engine_core_init(memory, size, &c, world_outputs(w), &w->core, &missing),
                  ERR_CONFIG);
        CHECK_STR(missing, names[i]);
    }
    CHECK_INT(engine_core_init(memory, size - 64, &w->config, world_outputs(w), &w->core, NULL),
              ERR_RANGE);
    free(memory);
}

static void a_good_order_passes(void)
{
    struct world *w = world_started();

    CHECK_INT(tried(w, SIDE_BUY, PRICE, QTY), REASON_NONE);
}

static void form_tick_lot_minimum_maximum(void)
{
    struct world *w = world_started();

    CHECK_INT(tried(w, SIDE_BUY, PRICE + 1, QTY), REASON_PRICE_TICK);
    CHECK_INT(tried(w, SIDE_BUY, PRICE, QTY + 1), REASON_QTY_LOT);
    CHECK_INT(tried(w, SIDE_BUY, PRICE, 9000), REASON_QTY_MIN);
    CHECK_INT(tried(w, SIDE_BUY, PRICE, E8(10)), REASON_QTY_MAX); /* The venue's. */
    CHECK_INT(tried(w, SIDE_BUY, PRICE, E8(6)), REASON_QTY_MAX);  /* Ours. */
    CHECK_INT(tried(w, SIDE_BUY, 0, QTY), REASON_MALFORMED);
    CHECK_INT(tried(w, SIDE_BUY, PRICE, 0), REASON_MALFORMED);
    CHECK_INT(tried(w, SIDE_BUY, PRICE, -QTY), REASON_MALFORMED);
}

static void notional_smallest_and_largest(void)
{
    struct engine_limits l = usual();
    struct world *w = world_started();

    CHECK_INT(tried(w, SIDE_BUY, PRICE, 11000), REASON_NOTIONAL_MIN); /* 4.73 of 5. */
    l.order_notional_max = E8(429);
    w = with(l);
    CHECK_INT(tried(w, SIDE_BUY, PRICE, QTY), REASON_NOTIONAL_MAX);
    l.order_notional_max = E8(430);
    w = with(l);
    CHECK_INT(tried(w, SIDE_BUY, PRICE, QTY), REASON_NONE);
}

static void a_price_too_far_from_the_mid_is_refused_either_way(void)
{
    struct world *w = world_started();

    CHECK_INT(tried(w, SIDE_BUY, E8(45151), QTY), REASON_PRICE_COLLAR);
    CHECK_INT(tried(w, SIDE_SELL, E8(40849), QTY), REASON_PRICE_COLLAR);
    CHECK_INT(tried(w, SIDE_BUY, E8(40849), QTY), REASON_PRICE_COLLAR);
    CHECK_INT(tried(w, SIDE_BUY, E8(45150), QTY), REASON_NONE);
}

static void an_old_or_stale_or_crossed_book_is_no_reference(void)
{
    struct world *w = world_started();
    struct wire_feed_status s;

    w->gateway_beats = false;
    world_run(w, 100);
    w->gateway_beats = true;
    for (int i = 0; i < 60; i++) { /* The gateway lives, this book says nothing. */
        world_run(w, 0);
        w->gateway_beats = false;
        world_run(w, 100);
        world_heartbeat(w, WORLD_GATEWAY, STREAM_MARKET_DATA);
    }
    CHECK_INT(tried(w, SIDE_BUY, PRICE, QTY), REASON_BOOK_STALE);
    world_quote(w, E8(43000), E8(43001));
    CHECK_INT(tried(w, SIDE_BUY, PRICE, QTY), REASON_NONE);
    world_quote(w, E8(43002), E8(43001));
    CHECK_INT(tried(w, SIDE_BUY, PRICE, QTY), REASON_BOOK_STALE);
    world_quote(w, E8(43000), E8(43001));
    WIRE_BEGIN(&s, feed_status);
    s.header.account = 1;
    s.header.instrument = w->instrument;
    s.state = FEED_STALE;
    world_send(w, &s);
    CHECK_INT(tried(w, SIDE_BUY, PRICE, QTY), REASON_BOOK_STALE);
}

static void a_silent_gateway_stops_new_orders(void)
{
    struct world *w = world_started();

    w->gateway_beats = false;
    world_run(w, 1200);
    CHECK_INT(tried(w, SIDE_BUY, PRICE, QTY), REASON_FEED_SILENT);
    w->gateway_beats = true;
    world_run(w, 200);
    CHECK_INT(tried(w, SIDE_BUY, PRICE, QTY), REASON_NONE);
}

static void positions_count_open_orders_at_once(void)
{
    struct engine_limits l = usual();

    l.position_symbol_max = E8(1) / 50;
    struct world *w = with(l);
    CHECK_INT(tried(w, SIDE_BUY, PRICE, QTY), REASON_NONE);
    CHECK_INT(tried(w, SIDE_BUY, PRICE, QTY), REASON_NONE);
    CHECK_INT(tried(w, SIDE_BUY, PRICE, QTY), REASON_POSITION_LIMIT);
    CHECK_INT(tried(w, SIDE_SELL, E8(43010), QTY), REASON_NONE); /* The other way there is room. */
    l = usual();
    l.position_asset_max = QTY;
    w = with(l);
    CHECK_INT(tried(w, SIDE_SELL, E8(43010), QTY), REASON_NONE);
    CHECK_INT(tried(w, SIDE_SELL, E8(43010), QTY), REASON_POSITION_LIMIT);
}

static void a_refused_order_gives_its_room_back(void)
{
    struct engine_limits l = usual();

    l.position_symbol_max = QTY;
    struct world *w = with(l);
    uint64_t id = world_place(w, SIDE_BUY, PRICE, QTY);
    CHECK_INT(tried(w, SIDE_BUY, PRICE, QTY), REASON_POSITION_LIMIT);
    struct venue_report r = world_news(w, id, REPORT_REJECTED);
    r.op = OP_PLACE;
    world_report(w, &r);
    CHECK_INT(tried(w, SIDE_BUY, PRICE, QTY), REASON_NONE);
}

static void balances_must_cover_the_order_and_those_open(void)
{
    struct world *w = world_started();

    world_balance(w, 0, "USDT", E8(900));
    CHECK_INT(tried(w, SIDE_BUY, PRICE, QTY), REASON_NONE);
    CHECK_INT(tried(w, SIDE_BUY, PRICE, QTY), REASON_NONE);
    CHECK_INT(tried(w, SIDE_BUY, PRICE, QTY), REASON_BALANCE);
    world_balance(w, 0, "BTC", QTY / 2);
    CHECK_INT(tried(w, SIDE_SELL, E8(43010), QTY), REASON_BALANCE);
    CHECK_INT(tried(w, SIDE_SELL, E8(43010), QTY / 2), REASON_NONE);
}

static void too_many_orders_a_second_are_refused_and_cancels_pass(void)
{
    struct engine_limits l = usual();

    l.orders_per_s = 3;
    struct world *w = with(l);
    uint64_t id = world_place(w, SIDE_BUY, PRICE, QTY);
    world_accept(w, id);
    CHECK_INT(tried(w, SIDE_BUY, PRICE, QTY), REASON_NONE);
    CHECK_INT(tried(w, SIDE_BUY, PRICE, QTY), REASON_NONE);
    CHECK_INT(tried(w, SIDE_BUY, PRICE, QTY), REASON_THROTTLE);
    world_cancel(w, id);
    CHECK_INT(world_commands(w, OP_CANCEL), 1);
    world_run(w, 500);
    CHECK_INT(tried(w, SIDE_BUY, PRICE, QTY), REASON_NONE);
}

static void a_part_of_the_quota_is_for_cancels_alone(void)
{
    struct engine_limits l = usual();
    uint64_t ids[4];

    l.messages_burst = 7;
    l.messages_per_s = 1;
    l.cancel_reserve = 3;
    struct world *w = world_new();
    w->config.limits = l;
    world_boot(w, true);
    world_define(w);
    world_channel(w, true);
    world_run(w, 8000); /* Lists first, then the bucket fills again. */
    w->command_count = w->out_count = 0;
    unsigned sent = 0;
    for (size_t i = 0; i < COUNT(ids); i++) {
        ids[i] = world_place(w, SIDE_BUY, PRICE, QTY);
        if (world_state(w, ids[i]) == ORDER_PENDING_NEW)
            sent++;
        else
            CHECK_INT(last_why(w), REASON_THROTTLE);
    }
    CHECK(sent >= 1 && sent < 5);
    CHECK_INT(tried(w, SIDE_BUY, PRICE, QTY), REASON_THROTTLE);
    for (unsigned i = 0; i < sent; i++) {
        struct venue_report r = world_news(w, ids[i], REPORT_ACCEPTED);
        r.op = OP_PLACE;
        r.request_id = w->commands[i].request_id;
        world_report(w, &r);
        world_cancel(w, ids[i]);
    }
    CHECK(world_commands(w, OP_CANCEL) >= MIN(sent, 3u));
}

static void an_order_that_would_meet_our_own_is_refused(void)
{
    struct world *w = world_started();

    CHECK_INT(tried(w, SIDE_SELL, E8(43010), QTY), REASON_NONE);
    CHECK_INT(tried(w, SIDE_BUY, E8(43010), QTY), REASON_SELF_TRADE);
    CHECK_INT(tried(w, SIDE_BUY, E8(43009), QTY), REASON_NONE);
    CHECK_INT(tried(w, SIDE_SELL, E8(43009), QTY), REASON_SELF_TRADE);
    struct wire_order_request m = world_intent(w, SIDE_BUY, 0, QTY);
    m.order_type = ORDER_MARKET;
    m.time_in_force = TIF_IOC;
    world_send(w, &m);
    CHECK_INT(last_why(w), REASON_SELF_TRADE);
}

static void too_many_open_orders_are_refused(void)
{
    struct engine_limits l = usual();

    l.open_orders_max = 2;
    struct world *w = with(l);
    CHECK_INT(tried(w, SIDE_BUY, PRICE, QTY), REASON_NONE);
    CHECK_INT(tried(w, SIDE_BUY, PRICE, QTY), REASON_NONE);
    CHECK_INT(tried(w, SIDE_BUY, PRICE, QTY), REASON_OPEN_ORDERS_MAX);
}

static void a_daily_loss_stops_new_orders(void)
{
    struct world *w = world_started();
    struct wire_risk_state r;

    w->risk_beats = false;
    WIRE_BEGIN(&r, risk_state);
    r.risk_version = 1;
    r.state = RISK_RUNNING;
    r.daily_pnl = -100000; /* -1,000.00 */
    r.amount_exp = 2;
    world_send(w, &r);
    CHECK_INT(tried(w, SIDE_BUY, PRICE, QTY), REASON_DAILY_LOSS);
    r.daily_pnl = -99999;
    world_send(w, &r);
    CHECK_INT(tried(w, SIDE_BUY, PRICE, QTY), REASON_NONE);
}

static void an_instrument_must_be_known_and_tradable(void)
{
    struct world *w = world_started();
    struct wire_order_request m = world_intent(w, SIDE_BUY, PRICE, QTY);
    struct wire_instrument d;
    struct venue_report r = { .kind = REPORT_INSTRUMENT, .definition = &d };

    m.header.instrument = 12345;
    world_send(w, &m);
    CHECK_INT(last_why(w), REASON_INSTRUMENT_UNKNOWN);
    world_definition(w, &d);
    d.state = TRADING_HALTED;
    world_report(w, &r);
    CHECK_INT(tried(w, SIDE_BUY, PRICE, QTY), REASON_INSTRUMENT_NOT_TRADABLE);
    d.state = TRADING_POST_ONLY;
    world_report(w, &r);
    CHECK_INT(tried(w, SIDE_BUY, PRICE, QTY), REASON_INSTRUMENT_NOT_TRADABLE);
    m = world_intent(w, SIDE_BUY, PRICE, QTY);
    m.is_post_only = 1;
    world_send(w, &m);
    CHECK_INT(world_state(w, m.order_id), ORDER_PENDING_NEW);
    d.state = TRADING_UNKNOWN; /* A live venue must say that it is open. */
    world_report(w, &r);
    CHECK_INT(tried(w, SIDE_BUY, PRICE, QTY), REASON_INSTRUMENT_NOT_TRADABLE);
}

static void a_strategy_may_only_use_its_own_order_ids(void)
{
    struct world *w = world_started();
    struct wire_order_request m = world_intent(w, SIDE_BUY, PRICE, QTY);

    m.strategy = WORLD_STRATEGY + 1;
    world_send(w, &m);
    CHECK_INT(last_why(w), REASON_PERMISSION);
}

static void a_runner_without_heartbeat_gets_nothing_done(void)
{
    struct world *w = world_new();

    w->runner_beats = false;
    world_boot(w, true);
    world_ready(w);
    CHECK_INT(tried(w, SIDE_BUY, PRICE, QTY), REASON_RUNNER_SILENT);
}

static void a_venue_that_says_wait_is_obeyed(void)
{
    struct world *w = world_started();
    struct venue_report r = { .kind = REPORT_BACK_OFF, .until_ns = w->now_ns + NS_PER_S };

    world_report(w, &r);
    CHECK_INT(tried(w, SIDE_BUY, PRICE, QTY), REASON_VENUE_RATE_LIMIT);
    world_run(w, 1100);
    CHECK_INT(tried(w, SIDE_BUY, PRICE, QTY), REASON_NONE);
    r = (struct venue_report){ .kind = REPORT_LIMITS, .used = 99, .limit = 100 };
    world_report(w, &r);
    CHECK_INT(tried(w, SIDE_BUY, PRICE, QTY), REASON_NONE); /* Requests in general: lists wait. */
    strcpy(r.text, "ORDERS 10s");
    r.used = 80;
    world_report(w, &r);
    CHECK_INT(tried(w, SIDE_BUY, PRICE, QTY), REASON_VENUE_RATE_LIMIT);
    r.used = 79;
    world_report(w, &r);
    CHECK_INT(tried(w, SIDE_BUY, PRICE, QTY), REASON_NONE);
    r.text[0] = 0;
    r.instrument = w->instrument; /* A count of orders on one instrument. */
    r.used = 80;
    world_report(w, &r);
    CHECK_INT(tried(w, SIDE_BUY, PRICE, QTY), REASON_VENUE_RATE_LIMIT);
    r.used = 79;
    world_report(w, &r);
    CHECK_INT(tried(w, SIDE_BUY, PRICE, QTY), REASON_NONE);
}

static void a_clock_far_from_the_venues_stops_new_orders(void)
{
    struct world *w = world_started();
    struct venue_report r = { .kind = REPORT_SERVER_TIME, .offset_ns = -6 * NS_PER_S };

    world_report(w, &r);
    CHECK_INT(tried(w, SIDE_BUY, PRICE, QTY), REASON_CLOCK_SKEW);
    r.offset_ns = NS_PER_S;
    world_report(w, &r);
    CHECK_INT(tried(w, SIDE_BUY, PRICE, QTY), REASON_NONE);
}

int main(void)
{
    CASE(every_unset_limit_refuses_start);
    CASE(a_good_order_passes);
    CASE(form_tick_lot_minimum_maximum);
    CASE(notional_smallest_and_largest);
    CASE(a_price_too_far_from_the_mid_is_refused_either_way);
    CASE(an_old_or_stale_or_crossed_book_is_no_reference);
    CASE(a_silent_gateway_stops_new_orders);
    CASE(positions_count_open_orders_at_once);
    CASE(a_refused_order_gives_its_room_back);
    CASE(balances_must_cover_the_order_and_those_open);
    CASE(too_many_orders_a_second_are_refused_and_cancels_pass);
    CASE(a_part_of_the_quota_is_for_cancels_alone);
    CASE(an_order_that_would_meet_our_own_is_refused);
    CASE(too_many_open_orders_are_refused);
    CASE(a_daily_loss_stops_new_orders);
    CASE(an_instrument_must_be_known_and_tradable);
    CASE(a_strategy_may_only_use_its_own_order_ids);
    CASE(a_runner_without_heartbeat_gets_nothing_done);
    CASE(a_venue_that_says_wait_is_obeyed);
    CASE(a_clock_far_from_the_venues_stops_new_orders);
    DONE();
}
