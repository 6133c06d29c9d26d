#include "tests/unit/runner_fixture.h"

static const struct arb_config arb = { .min_net = AMOUNT(1) / 100,
                                       .min_edge_ppm = 100,
                                       .min_confidence_ppm = 500000,
                                       .max_notional = AMOUNT(2000),
                                       .max_position = AMOUNT(1) / 10,
                                       .hedge_slippage_ppm = 1000,
                                       .hedge_tries = 3,
                                       .hedge_wait_ns = 100 * NS_PER_MS,
                                       .cooldown_ns = 100 * NS_PER_MS,
                                       .leg_deadline_ns = NS_PER_S };

static void opportunity_of(int64_t qty, uint64_t id, wire_instrument_kind sell_kind)
{
    struct wire_opportunity event;

    WIRE_BEGIN(&event, opportunity);
    event.opportunity_id = id;
    event.buy_instrument = fixture_id(1);
    event.sell_instrument = fixture_id(2);
    event.buy_account = 1;
    event.sell_account = 2;
    event.buy_kind = INSTRUMENT_SPOT;
    event.sell_kind = sell_kind;
    event.buy_price = PRICE(5000100);
    event.sell_price = PRICE(5020000);
    event.qty = qty;
    event.net = AMOUNT(1);
    event.edge_ppm = 2000;
    event.confidence_ppm = 1000000;
    event.valid_until_ns = fixture_now + 100 * NS_PER_MS;
    event.price_exp = event.qty_exp = event.amount_exp = 8;
    event.header.origin_ns = fixture_now;
    feed(&event.header);
}

static void opportunity(int64_t qty, uint64_t id)
{
    opportunity_of(qty, id, INSTRUMENT_SPOT);
}

static void tick(int64_t ms)
{
    for (int64_t i = 0; i < ms; i += 10) {
        fixture_now += 10 * NS_PER_MS;
        if (i % 100 == 0)
            all_well();
        runner_core_tick(&fixture_runner, fixture_now);
    }
}

static const struct wire_order_request *request(unsigned n)
{
    return sent_nth(WIRE_order_request, n);
}

static void final(const struct wire_order_request *order, int64_t filled)
{
    struct wire_order_request copy = *order;

    if (filled == copy.qty)
        order_says(&copy, ORDER_EVENT_FILLED, ORDER_FILLED, filled, filled);
    else
        order_says(&copy, ORDER_EVENT_EXPIRED, ORDER_EXPIRED, filled, filled);
}

static void two_ioc_legs_leave_under_one_group(void)
{
    runner_begin(&strategy_cross_exchange_arb, &arb);
    opportunity(QTY(100), 1);
    CHECK_INT(sent_of(WIRE_order_request), 2);
    CHECK(request(0)->group_id == request(1)->group_id && request(0)->group_id != 0);
    CHECK_INT(request(0)->side, SIDE_BUY);
    CHECK_INT(request(0)->header.account, 1);
    CHECK_INT(request(1)->side, SIDE_SELL);
    CHECK_INT(request(1)->header.account, 2);
    CHECK_INT(request(0)->time_in_force, TIF_IOC);
    CHECK(request(0)->qty == request(1)->qty && request(0)->qty == QTY(100));
    final(request(0), QTY(100));
    final(request(1), QTY(100));
    tick(200);
    CHECK_INT(sent_of(WIRE_order_request), 2); /* Even: nothing to hedge. */
}

static void an_unfilled_leg_is_hedged_at_once(void)
{
    runner_begin(&strategy_cross_exchange_arb, &arb);
    opportunity(QTY(100), 1);
    final(request(0), QTY(100));
    final(request(1), QTY(30));
    CHECK_INT(sent_of(WIRE_order_request), 3);
    const struct wire_order_request *hedge = request(2);
    CHECK_INT(hedge->side, SIDE_SELL);
    CHECK_INT(hedge->is_hedge, 1);
    CHECK_INT(hedge->qty, QTY(70));
    CHECK(hedge->price < PRICE(5000000)); /* Worse than the touch by the hedge's slippage. */
    CHECK(hedge->group_id == request(0)->group_id);
    final(hedge, QTY(70));
    tick(300);
    CHECK_INT(sent_of(WIRE_order_request), 3);
}

static void the_hedge_waits_for_both_legs(void)
{
    runner_begin(&strategy_cross_exchange_arb, &arb);
    opportunity(QTY(100), 1);
    final(request(1), 0);
    CHECK_INT(sent_of(WIRE_order_request), 2); /* The buy may still be filled or not. */
    final(request(0), QTY(100));
    CHECK_INT(sent_of(WIRE_order_request), 3);
}

static void it_stops_after_so_many_hedges(void)
{
    runner_begin(&strategy_cross_exchange_arb, &arb);
    opportunity(QTY(100), 1);
    final(request(0), QTY(100));
    final(request(1), 0);
    for (unsigned i = 2; i < 5; i++) {
        CHECK(request(i) != NULL);
        if (request(i))
            final(request(i), 0);
        tick(110);
    }
    CHECK_INT(sent_of(WIRE_order_request), 5);
    CHECK_INT(fixture_runner.strategies[0].state, STRATEGY_UNWINDING);
    sent.count = 0;
    opportunity(QTY(100), 2);
    tick(300);
    CHECK_INT(sent_of(WIRE_order_request), 0);
}

static void size_is_bounded_by_balance_notional_and_position(void)
{
    runner_begin(&strategy_cross_exchange_arb, &arb);
    balance_says(2, "BTC", AMOUNT(1) / 500); /* 0.002 */
    opportunity(QTY(100), 1);
    CHECK_INT(request(0)->qty, QTY(20));
    runner_begin(&strategy_cross_exchange_arb, &arb);
    opportunity(QTY(5000), 1); /* 2,000 of quote at 50,001 */
    CHECK_INT(request(0)->qty, QTY(399));
    runner_begin(&strategy_cross_exchange_arb, &arb);
    fixture_runner.positions[fixture_runner.position_count++] = (struct runner_position){
        .instrument = fixture_id(1), .account = 1, .strategy = 3, .qty = QTY(995)
    };
    opportunity(QTY(100), 1);
    CHECK_INT(request(0)->qty, QTY(5));
}

static void a_pair_rests_after_a_group_and_one_group_at_a_time(void)
{
    runner_begin(&strategy_cross_exchange_arb, &arb);
    opportunity(QTY(100), 1);
    opportunity(QTY(100), 2);
    CHECK_INT(sent_of(WIRE_order_request), 2);
    final(request(0), QTY(100));
    final(request(1), QTY(100));
    opportunity(QTY(100), 3);
    CHECK_INT(sent_of(WIRE_order_request), 2); /* Cooldown. */
    tick(150);
    opportunity(QTY(100), 4);
    CHECK_INT(sent_of(WIRE_order_request), 4);
}

static void nothing_leaves_when_one_venue_is_closed(void)
{
    runner_begin(&strategy_cross_exchange_arb, &arb);
    engine_says(2, ENGINE_HALTED, 7);
    opportunity(QTY(100), 1);
    CHECK_INT(sent_of(WIRE_order_request), 0);
}

/* A quote of our own that rests on account 1. */
static uint64_t own_quote(wire_side side, int64_t price, int64_t qty)
{
    const struct runner_intent intent = { .instrument = fixture_id(1),
                                          .price = price,
                                          .qty = qty,
                                          .side = side,
                                          .type = ORDER_LIMIT,
                                          .time_in_force = TIF_GTC,
                                          .is_post_only = true };
    uint64_t order_id = runner_place(&fixture_runner, 3, &intent, fixture_now);

    CHECK(order_id != 0);
    sent.count = 0;
    return order_id;
}

static void our_own_quotes_are_no_opportunity(void)
{
    runner_begin(&strategy_cross_exchange_arb, &arb);
    (void)own_quote(SIDE_SELL, PRICE(5000100), QTY(50)); /* The best ask is ours. */
    opportunity(QTY(100), 1);
    CHECK_INT(sent_of(WIRE_order_request), 0);
    CHECK_INT(fixture_runner.counters.own_quotes_avoided, 1);

    /* It rests deeper than what is taken: in nobody's way. */
    runner_begin(&strategy_cross_exchange_arb, &arb);
    (void)own_quote(SIDE_SELL, PRICE(5000200), QTY(50));
    opportunity(QTY(100), 1);
    CHECK_INT(sent_of(WIRE_order_request), 2);
    CHECK(request(0)->price == PRICE(5000100) && request(0)->qty == QTY(100));

    /* Within the limit: the limit ends before it, and what stands there bounds the size. */
    struct arb_config wide = arb;
    wide.slippage_ppm = 1000;
    wide.max_notional = AMOUNT(100000);
    wide.max_position = AMOUNT(1);
    runner_begin(&strategy_cross_exchange_arb, &wide);
    (void)own_quote(SIDE_SELL, PRICE(5000150), QTY(50));
    book_says(1, PRICE(5000000), PRICE(5000100), QTY(500));
    opportunity(QTY(800), 1); /* 0.05 at the touch, the rest a dollar higher. */
    CHECK_INT(sent_of(WIRE_order_request), 2);
    CHECK(request(0)->price == PRICE(5000149) && request(0)->qty == QTY(500));
    CHECK(request(1)->qty == QTY(500));

    /* Where it is on its way to counts as well; one that has ended does not. */
    runner_begin(&strategy_cross_exchange_arb, &arb);
    uint64_t order_id = own_quote(SIDE_SELL, PRICE(5000900), QTY(50));
    struct wire_order_request copy = { .header = { .account = 1, .instrument = fixture_id(1) },
                                       .order_id = order_id,
                                       .strategy = 3,
                                       .side = SIDE_SELL,
                                       .price = PRICE(5000900),
                                       .qty = QTY(50),
                                       .price_exp = 8,
                                       .qty_exp = 8 };
    order_says(&copy, ORDER_EVENT_ACCEPTED, ORDER_LIVE, 0, 0);
    CHECK_INT(runner_replace(&fixture_runner, order_id, PRICE(5000100), QTY(50), fixture_now), 0);
    opportunity(QTY(100), 1);
    CHECK_INT(sent_of(WIRE_order_request), 0);
    order_says(&copy, ORDER_EVENT_CANCELLED, ORDER_CANCELLED, 0, 0);
    opportunity(QTY(100), 2);
    CHECK_INT(sent_of(WIRE_order_request), 2);
}

static void a_perpetual_is_not_inventory(void)
{
    runner_begin(&strategy_cross_exchange_arb, &arb);
    opportunity_of(QTY(100), 1, INSTRUMENT_PERPETUAL);
    CHECK_INT(sent_of(WIRE_order_request), 0);
}

static struct maker_config maker = { .instrument = "BTC-USDT",
                                     .account = 1,
                                     .quote_qty = AMOUNT(1) / 100,
                                     .half_spread_ppm = 1000,
                                     .skew_ppm = 500,
                                     .max_position = AMOUNT(1) / 50,
                                     .requote_ppm = 100,
                                     .min_quote_ns = 0 };

static void quotes_both_sides_post_only(void)
{
    runner_begin(&strategy_market_maker, &maker);
    sent.count = 0;
    /* Quotes went out while the fixture began: they rest in the runner. */
    unsigned live = 0;
    for (unsigned i = 0; i < RUNNER_ORDERS_MAX; i++) {
        const struct runner_order *order = &fixture_runner.orders[i];

        if (!order->is_used)
            continue;
        live++;
        CHECK(order->is_post_only && order->time_in_force == TIF_GTC);
        CHECK(order->side == SIDE_BUY ? order->price < PRICE(4996000)
                                      : order->price > PRICE(5004000));
    }
    CHECK_INT(live, 2);
}

static const struct runner_order *quote_of(wire_side side)
{
    for (unsigned i = 0; i < RUNNER_ORDERS_MAX; i++)
        if (fixture_runner.orders[i].is_used && fixture_runner.orders[i].side == side)
            return &fixture_runner.orders[i];
    return NULL;
}

static struct wire_order_request as_request(const struct runner_order *order)
{
    struct wire_order_request copy;

    WIRE_BEGIN(&copy, order_request);
    copy.header.account = order->account;
    copy.header.instrument = order->instrument;
    copy.order_id = order->order_id;
    copy.strategy = order->strategy;
    copy.side = order->side;
    copy.price = order->price;
    copy.qty = order->qty;
    copy.price_exp = order->price_exp;
    copy.qty_exp = order->qty_exp;
    return copy;
}

static void accept_quotes(void)
{
    for (int side = SIDE_BUY; side <= SIDE_SELL; side++) {
        const struct runner_order *order = quote_of((wire_side)side);

        if (order && !order->is_answered) {
            struct wire_order_request copy = as_request(order);
            order_says(&copy, ORDER_EVENT_ACCEPTED, ORDER_LIVE, 0, 0);
        }
    }
}

static void follows_the_market_with_a_replace(void)
{
    runner_begin(&strategy_market_maker, &maker);
    accept_quotes();
    sent.count = 0;
    book_says(1, PRICE(5000000), PRICE(5000100), QTY(1000));
    CHECK_INT(sent_of(WIRE_order_replace), 0);
    book_says(1, PRICE(5010000), PRICE(5010100), QTY(1000));
    CHECK_INT(sent_of(WIRE_order_replace), 2);
}

static void leans_against_its_inventory(void)
{
    runner_begin(&strategy_market_maker, &maker);
    accept_quotes();
    int64_t bid_before = quote_of(SIDE_BUY)->price, ask_before = quote_of(SIDE_SELL)->price;
    struct wire_order_request filled = as_request(quote_of(SIDE_BUY));
    order_says(&filled, ORDER_EVENT_FILLED, ORDER_FILLED, filled.qty, filled.qty);
    sent.count = 0;
    book_says(1, PRICE(5000000), PRICE(5000100), QTY(1000));
    const struct runner_order *bid = quote_of(SIDE_BUY);
    CHECK(bid && bid->price < bid_before); /* Long: buys lower ... */
    const struct wire_order_replace *ask = sent_nth(WIRE_order_replace, 0);
    CHECK(ask && ask->price < ask_before); /* ... and sells lower. */
}

static void pulls_its_quotes_when_the_book_falls_silent(void)
{
    runner_begin(&strategy_market_maker, &maker);
    accept_quotes();
    sent.count = 0;
    for (int i = 0; i < 15; i++) {
        fixture_now += 100 * NS_PER_MS;
        risk_says(RISK_RUNNING);
        engine_says(1, ENGINE_READY, 7);
        runner_core_tick(&fixture_runner, fixture_now);
    }
    CHECK(sent_of(WIRE_order_cancel) >= 2);
}

int main(void)
{
    CASE(two_ioc_legs_leave_under_one_group);
    CASE(an_unfilled_leg_is_hedged_at_once);
    CASE(the_hedge_waits_for_both_legs);
    CASE(it_stops_after_so_many_hedges);
    CASE(size_is_bounded_by_balance_notional_and_position);
    CASE(a_pair_rests_after_a_group_and_one_group_at_a_time);
    CASE(nothing_leaves_when_one_venue_is_closed);
    CASE(our_own_quotes_are_no_opportunity);
    CASE(a_perpetual_is_not_inventory);
    CASE(quotes_both_sides_post_only);
    CASE(follows_the_market_with_a_replace);
    CASE(leans_against_its_inventory);
    CASE(pulls_its_quotes_when_the_book_falls_silent);
    market_fini(&fixture_market);
    DONE();
}
