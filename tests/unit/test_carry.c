#include "tests/unit/runner_fixture.h"

static const struct carry_config plain = { .takes_spot_perpetual = true,
                                           .takes_perpetual_perpetual = true,
                                           .entry_ppm = 500,
                                           .exit_basis_ppm = 0,
                                           .funding_exit_ppm = 100,
                                           .horizon_ns = 8 * 3600 * NS_PER_S,
                                           .max_hold_ns = 100 * NS_PER_S,
                                           .min_confidence_ppm = 500000,
                                           .max_notional = AMOUNT(2000),
                                           .max_position = AMOUNT(1) / 10,
                                           .margin_ppm = 500000,
                                           .hedge_slippage_ppm = 1000,
                                           .hedge_tries = 3,
                                           .hedge_wait_ns = 100 * NS_PER_MS,
                                           .cooldown_ns = 100 * NS_PER_MS,
                                           .leg_deadline_ns = NS_PER_S };

static const struct runner_strategy *self(void)
{
    return &fixture_runner.strategies[0];
}

/* ---- a perpetual on account 2 beside the fixture's two spot books ---- */

static uint64_t perpetual(void)
{
    return instrument_id("kraken", INSTRUMENT_PERPETUAL, "BTC-USDT");
}

static void perpetual_book(int64_t bid, int64_t ask)
{
    (void)fixture_book(&fixture_scratch, 2, bid, QTY(1000), ask, QTY(1000));
    fixture_scratch.header.instrument = perpetual();
    feed(&fixture_scratch.header);
}

static void funding_is(int64_t rate_ppb)
{
    struct wire_funding event;

    WIRE_BEGIN(&event, funding);
    event.header.instrument = perpetual();
    event.rate_ppb = rate_ppb;
    event.interval_ns = 8 * 3600 * NS_PER_S;
    feed(&event.header);
}

static int64_t basis_bid = PRICE(5020000); /* The perpetual's, in each of its books. */

static void well(void)
{
    all_well();
    perpetual_book(basis_bid, basis_bid + PRICE(100));
}

static void tick(int64_t ms)
{
    for (int64_t i = 0; i < ms; i += 10) {
        fixture_now += 10 * NS_PER_MS;
        well();
        runner_core_tick(&fixture_runner, fixture_now);
    }
}

static void position_of_strategy(unsigned account, uint64_t instrument, uint16_t strategy,
                                 int64_t qty)
{
    struct wire_position event;

    WIRE_BEGIN(&event, position);
    event.header.account = (uint16_t)account;
    event.header.instrument = instrument;
    event.strategy = strategy;
    event.qty = qty;
    event.price_exp = event.qty_exp = event.amount_exp = 8;
    feed(&event.header);
}

static void position_is(unsigned account, uint64_t instrument, int64_t qty)
{
    position_of_strategy(account, instrument, 3, qty);
}

static void free_is(unsigned account, const char *asset, int64_t total, int64_t venue_free)
{
    struct wire_balance balance;

    WIRE_BEGIN(&balance, balance);
    balance.header.account = (uint16_t)account;
    strcpy(balance.asset, asset);
    balance.total = total;
    balance.venue_free = venue_free;
    balance.amount_exp = 8;
    feed(&balance.header);
}

static bool has_margin;

static void begin(const struct carry_config *config)
{
    struct wire_instrument definition;

    runner_begin(&strategy_cash_and_carry, config);
    fixture_define(&definition, 2, 1000);
    definition.header.instrument = perpetual();
    definition.kind = INSTRUMENT_PERPETUAL;
    strcpy(definition.name, "BTC-USDT-PERP");
    feed(&definition.header);
    basis_bid = PRICE(5020000);
    funding_is(0);
    tick(2100); /* Positions of an earlier session would have been heard. */
    has_margin = true;
    sent.count = 0;
}

static const struct wire_order_request *request(unsigned n)
{
    return sent_nth(WIRE_order_request, n);
}

static void done(unsigned n, int64_t filled)
{
    const struct wire_order_request *order = request(n);

    CHECK(order != NULL);
    if (!order)
        return;
    struct wire_order_request copy = *order;
    if (filled == copy.qty)
        order_says(&copy, ORDER_EVENT_FILLED, ORDER_FILLED, filled, filled);
    else
        order_says(&copy, ORDER_EVENT_EXPIRED, ORDER_EXPIRED, filled, filled);
}

/* 0.4 % of basis less 0.1 % of fee a leg. */
static struct wire_opportunity found_one(void)
{
    struct wire_opportunity event;

    WIRE_BEGIN(&event, opportunity);
    event.opportunity_id = 77;
    event.buy_instrument = fixture_id(1);
    event.sell_instrument = perpetual();
    event.buy_account = 1;
    event.sell_account = 2;
    event.buy_kind = INSTRUMENT_SPOT;
    event.sell_kind = INSTRUMENT_PERPETUAL;
    event.buy_price = PRICE(5000100);
    event.sell_price = PRICE(5020000);
    event.qty = QTY(100);
    event.net = AMOUNT(1);
    event.edge_ppm = 3000;
    event.basis_ppm = 4000;
    event.confidence_ppm = 1000000;
    event.price_exp = event.qty_exp = event.amount_exp = 8;
    return event;
}

static void offer(struct wire_opportunity event)
{
    if (has_margin)
        free_is(2, "USDT", AMOUNT(100000), AMOUNT(100000));
    event.valid_until_ns = fixture_now + 100 * NS_PER_MS;
    event.header.origin_ns = fixture_now;
    feed(&event.header);
}

static void enter(void)
{
    offer(found_one());
    CHECK_INT(sent_of(WIRE_order_request), 2);
    done(0, QTY(100));
    done(1, QTY(100));
    tick(100); /* What was just entered rests. */
    sent.count = 0;
}

static void buys_spot_and_sells_the_perpetual(void)
{
    begin(&plain);
    offer(found_one());
    CHECK_INT(sent_of(WIRE_order_request), 2);
    CHECK(request(0)->header.instrument == fixture_id(1) && request(0)->side == SIDE_BUY);
    CHECK(request(1)->header.instrument == perpetual() && request(1)->side == SIDE_SELL);
    CHECK(request(0)->group_id == request(1)->group_id);
    CHECK(request(0)->qty == QTY(100) && request(1)->qty == QTY(100));
    CHECK(request(0)->time_in_force == TIF_IOC && request(1)->time_in_force == TIF_IOC);
    CHECK(!request(1)->is_reduce_only && !request(1)->is_hedge);
    done(0, QTY(100));
    done(1, QTY(100));
    tick(1000);
    CHECK_INT(sent_of(WIRE_order_request), 2); /* Held. */
}

static void enters_only_for_what_four_fees_and_funding_leave(void)
{
    struct wire_opportunity found = found_one();

    begin(&plain);
    found.edge_ppm = 2499; /* Less another 2,000 of fees: 499. */
    offer(found);
    CHECK_INT(sent_of(WIRE_order_request), 0);
    funding_is(1000); /* 1 ppm in eight hours, to who is short. */
    offer(found);
    CHECK_INT(sent_of(WIRE_order_request), 2);

    begin(&plain);
    funding_is(-600000); /* Shorts pay 600 ppm. */
    found.edge_ppm = 3000;
    offer(found);
    CHECK_INT(sent_of(WIRE_order_request), 0);
    struct carry_config patient = plain;
    patient.horizon_ns = 0; /* Funding is not counted on. */
    patient.funding_exit_ppm = 1000000;
    begin(&patient);
    funding_is(-600000);
    offer(found);
    CHECK_INT(sent_of(WIRE_order_request), 2);
}

static void spot_against_spot_is_not_its_business(void)
{
    struct wire_opportunity found = found_one();

    begin(&plain);
    found.sell_instrument = fixture_id(2);
    found.sell_kind = INSTRUMENT_SPOT;
    offer(found);
    CHECK_INT(sent_of(WIRE_order_request), 0);
}

static void kinds_and_selling_of_spot_are_asked_for(void)
{
    struct carry_config config = plain;
    struct wire_opportunity reverse = found_one();

    config.takes_spot_perpetual = false;
    begin(&config);
    offer(found_one());
    CHECK_INT(sent_of(WIRE_order_request), 0);

    reverse.buy_instrument = perpetual();
    reverse.buy_account = 2;
    reverse.buy_kind = INSTRUMENT_PERPETUAL;
    reverse.sell_instrument = fixture_id(1);
    reverse.sell_account = 1;
    reverse.sell_kind = INSTRUMENT_SPOT;
    begin(&plain);
    offer(reverse);
    CHECK_INT(sent_of(WIRE_order_request), 0);
    config = plain;
    config.sells_spot = true;
    begin(&config);
    offer(reverse);
    CHECK_INT(sent_of(WIRE_order_request), 2);
    CHECK_INT(request(1)->side, SIDE_SELL);
    CHECK(request(1)->header.instrument == fixture_id(1));
}

static void leaves_when_the_basis_has_closed_reduce_only(void)
{
    begin(&plain);
    enter();
    basis_bid = PRICE(5001000); /* Ten dollars: not yet. */
    tick(500);
    CHECK_INT(sent_of(WIRE_order_request), 0);
    basis_bid = PRICE(4999900); /* Its ask is the spot's bid. */
    tick(10);
    CHECK_INT(sent_of(WIRE_order_request), 2);
    CHECK(request(0)->header.instrument == fixture_id(1) && request(0)->side == SIDE_SELL);
    CHECK(!request(0)->is_reduce_only); /* Spot knows no such thing. */
    CHECK(request(1)->header.instrument == perpetual() && request(1)->side == SIDE_BUY);
    CHECK_INT(request(1)->is_reduce_only, 1);
    CHECK(request(0)->qty == QTY(100) && request(1)->qty == QTY(100));
    done(0, QTY(100));
    done(1, QTY(100));
    tick(500);
    CHECK_INT(sent_of(WIRE_order_request), 2);
    basis_bid = PRICE(5020000);
    tick(10);
    offer(found_one()); /* And may be entered again. */
    CHECK_INT(sent_of(WIRE_order_request), 4);
}

static void leaves_when_funding_has_turned(void)
{
    begin(&plain);
    enter();
    funding_is(-90000); /* Costs 90 ppm: borne. */
    tick(300);
    CHECK_INT(sent_of(WIRE_order_request), 0);
    funding_is(-110000);
    tick(10);
    CHECK_INT(sent_of(WIRE_order_request), 2);
}

static void leaves_when_its_time_is_over(void)
{
    struct carry_config config = plain;

    config.max_hold_ns = 5 * NS_PER_S;
    begin(&config);
    enter();
    tick(4890);
    CHECK_INT(sent_of(WIRE_order_request), 0);
    tick(10);
    CHECK_INT(sent_of(WIRE_order_request), 2);
}

static void a_leg_that_did_not_fill_undoes_the_other(void)
{
    begin(&plain);
    offer(found_one());
    done(1, QTY(30));
    CHECK_INT(sent_of(WIRE_order_request), 2); /* The other may still be filled or not. */
    done(0, QTY(100));
    CHECK_INT(sent_of(WIRE_order_request), 3);
    CHECK(request(2)->header.instrument == fixture_id(1));
    CHECK_INT(request(2)->side, SIDE_SELL);
    CHECK_INT(request(2)->qty, QTY(70));
    CHECK_INT(request(2)->is_hedge, 1);
    CHECK(request(2)->price < PRICE(5000000)); /* Worse than the touch. */
    done(2, QTY(70));
    tick(300);
    CHECK_INT(sent_of(WIRE_order_request), 3);
    CHECK_INT(self()->unwound, 1);

    /* The perpetual alone was sold: bought back, reduce-only. */
    begin(&plain);
    offer(found_one());
    done(0, 0);
    done(1, QTY(100));
    CHECK_INT(sent_of(WIRE_order_request), 3);
    CHECK(request(2)->header.instrument == perpetual());
    CHECK_INT(request(2)->side, SIDE_BUY);
    CHECK_INT(request(2)->is_reduce_only, 1);
}

/* The venue nets both strategies in one position, 300 bought and 100 sold: buying back what was
 * sold makes it larger, and is no less a close for that. */
static void what_another_pair_hides_is_closed_by_a_plain_order(void)
{
    begin(&plain);
    enter();
    position_of_strategy(2, perpetual(), 9, QTY(300));
    basis_bid = PRICE(4999900);
    tick(10);
    CHECK_INT(sent_of(WIRE_order_request), 2);
    CHECK(request(1)->header.instrument == perpetual() && request(1)->side == SIDE_BUY);
    CHECK(!request(1)->is_reduce_only);
}

static void an_exit_in_parts_goes_on_until_nothing_is_held(void)
{
    begin(&plain);
    enter();
    basis_bid = PRICE(4999900);
    tick(10);
    done(0, QTY(40));
    done(1, QTY(100));
    /* 0.006 spot is left alone: sold at once. */
    CHECK_INT(sent_of(WIRE_order_request), 3);
    CHECK(request(2)->header.instrument == fixture_id(1) && request(2)->side == SIDE_SELL);
    CHECK_INT(request(2)->qty, QTY(60));
    done(2, QTY(20));
    tick(110);
    CHECK_INT(request(3)->qty, QTY(40));
    done(3, QTY(40));
    tick(300);
    CHECK_INT(sent_of(WIRE_order_request), 4);

    begin(&plain);
    enter();
    basis_bid = PRICE(4999900);
    tick(10);
    done(0, QTY(50));
    done(1, QTY(50));
    CHECK_INT(sent_of(WIRE_order_request), 2);
    basis_bid = PRICE(5020000); /* It has been begun: it is ended. */
    tick(110);
    CHECK_INT(sent_of(WIRE_order_request), 4);
    CHECK(request(2)->qty == QTY(50) && request(3)->qty == QTY(50));
}

static void it_stops_after_so_many_tries(void)
{
    begin(&plain);
    offer(found_one());
    done(0, QTY(100));
    done(1, 0);
    for (unsigned i = 2; i < 5; i++) {
        done(i, 0);
        tick(110);
    }
    CHECK_INT(sent_of(WIRE_order_request), 5);
    CHECK_INT(self()->state, STRATEGY_UNWINDING);
    offer(found_one());
    tick(300);
    CHECK_INT(sent_of(WIRE_order_request), 5);
}

static void margin_position_and_notional_bound_the_size(void)
{
    struct wire_opportunity found = found_one();

    begin(&plain);
    has_margin = false;
    free_is(2, "USDT", AMOUNT(100000), AMOUNT(126)); /* Half of 0.005 at 50,200, and the fee. */
    offer(found);
    CHECK_INT(request(0)->qty, QTY(50));
    begin(&plain);
    has_margin = false;
    free_is(2, "USDT", AMOUNT(100000), 0); /* All of it is margin of positions. */
    offer(found);
    CHECK_INT(sent_of(WIRE_order_request), 0);
    begin(&plain);
    found.qty = QTY(5000);
    offer(found); /* 2,000 of quote at 50,001. */
    CHECK_INT(request(0)->qty, QTY(399));
    CHECK_INT(request(1)->qty, QTY(399));
    begin(&plain);
    position_is(2, perpetual(), -QTY(995));
    position_is(1, fixture_id(1), QTY(995));
    offer(found);
    CHECK_INT(request(1)->qty, QTY(5));
}

static void after_a_restart_it_takes_over_what_it_holds(void)
{
    begin(&plain);
    runner_begin(&strategy_cash_and_carry, &plain);
    struct wire_instrument definition;
    fixture_define(&definition, 2, 1000);
    definition.header.instrument = perpetual();
    definition.kind = INSTRUMENT_PERPETUAL;
    basis_bid = PRICE(5020000);
    position_is(1, fixture_id(1), QTY(100));
    position_is(2, perpetual(), -QTY(70));
    for (int i = 0; i < 300; i++) { /* The perpetual is not defined yet: nothing is done. */
        fixture_now += 10 * NS_PER_MS;
        all_well();
        runner_core_tick(&fixture_runner, fixture_now);
    }
    CHECK_INT(sent_of(WIRE_order_request), 0);
    feed(&definition.header);
    funding_is(0);
    tick(20);
    /* 0.003 of spot has no partner: sold. The rest is a pair. */
    CHECK_INT(sent_of(WIRE_order_request), 1);
    CHECK(request(0)->header.instrument == fixture_id(1) && request(0)->side == SIDE_SELL);
    CHECK_INT(request(0)->qty, QTY(30));
    done(0, QTY(30));
    tick(300);
    CHECK_INT(sent_of(WIRE_order_request), 1);
    basis_bid = PRICE(4999900);
    tick(10);
    CHECK_INT(sent_of(WIRE_order_request), 3);
    CHECK(request(1)->qty == QTY(70) && request(2)->qty == QTY(70));
    CHECK_INT(request(2)->is_reduce_only, 1);
}

static void nothing_leaves_while_a_side_is_closed(void)
{
    begin(&plain);
    engine_says(2, ENGINE_HALTED, fixture_epoch);
    offer(found_one());
    CHECK_INT(sent_of(WIRE_order_request), 0);
    engine_says(2, ENGINE_READY, fixture_epoch);
    enter();
    basis_bid = PRICE(4999900);
    for (int i = 0; i < 20; i++) {
        fixture_now += 10 * NS_PER_MS;
        well();
        engine_says(2, ENGINE_HALTED, fixture_epoch);
        runner_core_tick(&fixture_runner, fixture_now);
    }
    CHECK_INT(sent_of(WIRE_order_request), 0); /* One leg alone would be worse. */
    for (int i = 0; i < 11 && sent_of(WIRE_order_request) == 0; i++)
        tick(10);
    CHECK_INT(sent_of(WIRE_order_request), 2);
}

int main(void)
{
    CASE(buys_spot_and_sells_the_perpetual);
    CASE(enters_only_for_what_four_fees_and_funding_leave);
    CASE(spot_against_spot_is_not_its_business);
    CASE(kinds_and_selling_of_spot_are_asked_for);
    CASE(leaves_when_the_basis_has_closed_reduce_only);
    CASE(what_another_pair_hides_is_closed_by_a_plain_order);
    CASE(leaves_when_funding_has_turned);
    CASE(leaves_when_its_time_is_over);
    CASE(a_leg_that_did_not_fill_undoes_the_other);
    CASE(an_exit_in_parts_goes_on_until_nothing_is_held);
    CASE(it_stops_after_so_many_tries);
    CASE(margin_position_and_notional_bound_the_size);
    CASE(after_a_restart_it_takes_over_what_it_holds);
    CASE(nothing_leaves_while_a_side_is_closed);
    market_fini(&fixture_market);
    DONE();
}
