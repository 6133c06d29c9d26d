/* The strategy of docs/writing-a-strategy.md does what the page says. */
#include "docs/examples/accumulate_core.c"
#include "tests/unit/runner_fixture.h"

static const struct accumulate_config accumulate = { .instrument = "BTC-USDT",
                                                     .account = 1,
                                                     .target = AMOUNT(1) / 100,
                                                     .slice = AMOUNT(4) / 1000,
                                                     .spread_max_ppm = 100,
                                                     .every_ns = NS_PER_S };

/* A tick of the market each 100 ms for a second; the order that it led to, or NULL. */
static const struct wire_order_request *second(int64_t ask)
{
    sent.count = 0;
    for (int i = 0; i < 11; i++) {
        fixture_now += 100 * NS_PER_MS;
        risk_says(RISK_RUNNING);
        engine_says(1, ENGINE_READY, fixture_epoch);
        balance_says(1, "USDT", AMOUNT(100000));
        book_says(1, PRICE(5000000), ask, QTY(1000));
        runner_core_tick(&fixture_runner, fixture_now);
    }
    return sent_nth(WIRE_order_request, 0);
}

static void fill(const struct wire_order_request *order)
{
    struct wire_order_request copy = *order;

    order_says(&copy, ORDER_EVENT_FILLED, ORDER_FILLED, copy.qty, copy.qty);
}

/* While the fixture starts up a first slice may have left already: it is sent again until answered.
 */
static void begin(void)
{
    runner_begin(&strategy_accumulate, &accumulate);
}

static void it_buys_its_target_in_slices_and_stops(void)
{
    int64_t bought = 0;

    begin();
    for (int i = 0; i < 6; i++) {
        const struct wire_order_request *order = second(PRICE(5000100));

        if (!order)
            break;
        CHECK(order->side == SIDE_BUY && order->time_in_force == TIF_IOC);
        CHECK_INT(order->price, PRICE(5000100));
        CHECK(order->qty <= QTY(40));
        bought += order->qty;
        fill(order);
    }
    CHECK_INT(bought, QTY(100));
    CHECK(second(PRICE(5000100)) == NULL);
}

static void one_slice_at_a_time(void)
{
    begin();
    CHECK(second(PRICE(5000100)) != NULL);
    /* Unanswered: the runner sends the same intent again, the strategy places no other. */
    uint64_t first = ((const struct wire_order_request *)sent_nth(WIRE_order_request, 0))->order_id;
    (void)second(PRICE(5000100));
    for (unsigned i = 0; i < sent_of(WIRE_order_request); i++) {
        const struct wire_order_request *again = sent_nth(WIRE_order_request, i);
        CHECK(again->order_id == first);
    }
}

static void a_wide_spread_is_left_alone(void)
{
    struct accumulate_config careful = accumulate;

    careful.spread_max_ppm = 10; /* The fixture's book is 20 wide. */
    runner_begin(&strategy_accumulate, &careful);
    CHECK(second(PRICE(5000100)) == NULL);
    CHECK(second(PRICE(5000010)) != NULL);
}

int main(void)
{
    CASE(it_buys_its_target_in_slices_and_stops);
    CASE(one_slice_at_a_time);
    CASE(a_wide_spread_is_left_alone);
    market_fini(&fixture_market);
    DONE();
}
