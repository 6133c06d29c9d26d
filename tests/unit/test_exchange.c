/* The simulator's exchange against a naive model, its money, its rules, its determinism. */
#include "tests/unit/check.h"
#include "venue_simulator/exchange.h"

#include <stdio.h>
#include <stdlib.h>

enum { BG = 0, ALICE = 1, BOB = 2, ACCOUNTS = 3 };
#define DEC(units) ((int64_t)((double)(units)*1e8 + 0.5))

static uint64_t random_state;

static uint64_t rnd(uint64_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % below;
}

/* What has been told, in the order told. */
struct told {
    struct exchange_event events[64];
    struct exchange_order orders[64], makers[64];
    size_t count;
    uint64_t hash;
};

static void mix(struct told *told, uint64_t value)
{
    told->hash = (told->hash ^ value) * UINT64_C(0x100000001b3);
}

static void on_event(void *ctx, const struct exchange_event *event)
{
    struct told *told = ctx;

    mix(told, event->kind);
    mix(told, event->cause);
    mix(told, (uint64_t)event->price);
    mix(told, (uint64_t)event->qty);
    mix(told, event->update_id + event->trade_id);
    if (event->order)
        mix(told, event->order->id);
    if (told->count < 64) {
        told->events[told->count] = *event;
        if (event->order)
            told->orders[told->count] = *event->order;
        if (event->maker)
            told->makers[told->count] = *event->maker;
        told->count++;
    }
}

static struct exchange exchange;
static struct told told;
static void *memory;

static struct exchange_instrument_config instrument_config(void)
{
    return (struct exchange_instrument_config){ .symbol = "BTCUSDT",
                                                .base = "BTC",
                                                .quote = "USDT",
                                                .tick = DEC(0.01),
                                                .lot = DEC(0.00001),
                                                .min_qty = DEC(0.00001),
                                                .max_qty = DEC(100),
                                                .min_notional = DEC(5),
                                                .max_notional = DEC(9000000),
                                                .band_ppm = 200000,
                                                .max_orders = 200,
                                                .max_amends = 10,
                                                .start_price = DEC(100) };
}

static void open_exchange(enum exchange_fee_asset fee_asset,
                          const struct exchange_instrument_config *instrument)
{
    struct exchange_account_config accounts[ACCOUNTS] = {
        { .name = "market", .is_background = true },
        { .name = "alice", .maker_fee_ppm = 1000, .taker_fee_ppm = 1500 },
        { .name = "bob", .maker_fee_ppm = 750, .taker_fee_ppm = 1000 },
    };
    struct exchange_config config = { .venue = "binance",
                                      .instruments = instrument,
                                      .instrument_count = 1,
                                      .accounts = accounts,
                                      .account_count = ACCOUNTS,
                                      .fee_asset = fee_asset,
                                      .orders_max = 40000,
                                      .background_orders_max = 4096,
                                      .executions_max = 40000,
                                      .levels_max = 512 };

    told = (struct told){ 0 };
    memory = calloc(1, exchange_memory(&config));
    CHECK_INT(exchange_init(&exchange, &config, memory, on_event, &told), 0);
    for (uint32_t account = 0; account < ACCOUNTS; account++) {
        exchange_transfer(&exchange, account, 0, DEC(10000), 1);
        exchange_transfer(&exchange, account, 1, DEC(1000000), 1);
    }
    told.count = 0;
}

static void close_exchange(void)
{
    char why[128] = "";

    if (!exchange_check(&exchange, why, sizeof(why)))
        fprintf(stderr, "%s\n", why);
    CHECK_STR(why, "");
    free(memory);
}

static struct exchange_request limit(uint32_t account, wire_side side, double price, double qty)
{
    return (struct exchange_request){ .account = account,
                                      .side = side,
                                      .type = ORDER_LIMIT,
                                      .time_in_force = TIF_GTC,
                                      .price = DEC(price),
                                      .qty = DEC(qty) };
}

static enum exchange_cause place(const struct exchange_request *request,
                                 const struct exchange_order **order)
{
    static int64_t now_ns = 1000;

    return exchange_place(&exchange, request, now_ns++, order);
}

static enum exchange_cause put(uint32_t account, wire_side side, double price, double qty)
{
    struct exchange_request request = limit(account, side, price, qty);

    return place(&request, NULL);
}

/* ---- the naive model: a flat list, searched whole each time ---- */

struct naive_order {
    uint64_t id;
    uint32_t account;
    wire_side side;
    int64_t price, leaves;
};
static struct naive_order naive[8192];
static size_t naive_count;

static size_t naive_best(wire_side side)
{
    size_t best = SIZE_MAX;

    for (size_t i = 0; i < naive_count; i++) {
        if (naive[i].side != side || naive[i].leaves == 0)
            continue;
        if (best == SIZE_MAX || (side == SIDE_BUY ? naive[i].price > naive[best].price
                                                  : naive[i].price < naive[best].price))
            best = i;
    }
    return best;
}

static void naive_remove(size_t at)
{
    memmove(&naive[at], &naive[at + 1], (naive_count - at - 1) * sizeof(naive[0]));
    naive_count--;
}

struct naive_trade {
    uint64_t maker;
    int64_t price, qty;
};

static size_t naive_place(const struct naive_order *order, bool is_resting,
                          struct naive_trade *trades)
{
    struct naive_order taker = *order;
    size_t count = 0;

    while (taker.leaves > 0) {
        size_t best = naive_best(taker.side == SIDE_BUY ? SIDE_SELL : SIDE_BUY);
        if (best == SIZE_MAX ||
            (taker.price && (taker.side == SIDE_BUY ? naive[best].price > taker.price
                                                    : naive[best].price < taker.price)))
            break;
        int64_t qty = MIN(taker.leaves, naive[best].leaves);
        trades[count++] = (struct naive_trade){ naive[best].id, naive[best].price, qty };
        taker.leaves -= qty;
        naive[best].leaves -= qty;
        if (naive[best].leaves == 0)
            naive_remove(best);
    }
    if (taker.leaves > 0 && is_resting)
        naive[naive_count++] = taker;
    return count;
}

static int64_t naive_level(wire_side side, int64_t price)
{
    int64_t qty = 0;

    for (size_t i = 0; i < naive_count; i++)
        qty += naive[i].side == side && naive[i].price == price ? naive[i].leaves : 0;
    return qty;
}

static void compare_trades(const struct naive_trade *trades, size_t count)
{
    size_t seen = 0;

    for (size_t i = 0; i < told.count; i++) {
        if (told.events[i].kind != EXCHANGE_ON_TRADE)
            continue;
        CHECK(seen < count);
        CHECK_INT(told.makers[i].id, trades[seen].maker);
        CHECK_INT(told.events[i].price, trades[seen].price);
        CHECK_INT(told.events[i].qty, trades[seen].qty);
        seen++;
    }
    if (told.count < 64)
        CHECK_INT(seen, count);
}

static void compare_book(wire_side side)
{
    const struct match_side *have = match_side_of(&exchange.instruments[0].book, side);

    for (uint32_t i = 0; i < have->count; i++)
        CHECK_INT(have->levels[i].qty, naive_level(side, have->levels[i].price));
    size_t resting = 0;
    for (uint32_t i = 0; i < have->count; i++)
        resting += have->levels[i].order_count;
    size_t want = 0;
    for (size_t i = 0; i < naive_count; i++)
        want += naive[i].side == side;
    CHECK_INT(resting, want);
}

static void random_place(void)
{
    static struct naive_trade trades[8192];
    bool is_market = rnd(10) == 0, is_ioc = rnd(8) == 0;
    struct exchange_request request = {
        .account = (uint32_t)rnd(ACCOUNTS),
        .side = rnd(2) ? SIDE_BUY : SIDE_SELL,
        .type = is_market ? ORDER_MARKET : ORDER_LIMIT,
        .time_in_force = is_ioc ? TIF_IOC : TIF_GTC,
        .qty = DEC(0.1) + (int64_t)rnd(400) * DEC(0.00001),
    };
    if (!is_market)
        request.price = DEC(99.5) + (int64_t)rnd(101) * DEC(0.01);
    const struct exchange_order *order = NULL;
    uint64_t id = exchange.next_order_id;
    told.count = 0;
    enum exchange_cause cause = place(&request, &order);
    if (cause) {
        CHECK(cause == CAUSE_NO_LIQUIDITY || cause == CAUSE_MAX_ORDERS || cause == CAUSE_BALANCE);
        return;
    }
    struct naive_order model = { .id = id,
                                 .account = request.account,
                                 .side = request.side,
                                 .price = request.price,
                                 .leaves = request.qty };
    compare_trades(trades, naive_place(&model, !is_market && !is_ioc, trades));
}

static void random_cancel_or_amend(void)
{
    if (naive_count == 0)
        return;
    size_t at = rnd(naive_count);
    struct naive_order *model = &naive[at];
    if (rnd(3)) {
        CHECK_INT(exchange_cancel(&exchange, model->account, model->id, CAUSE_REQUESTED, 7), 0);
        naive_remove(at);
        return;
    }
    const struct exchange_order *order = exchange_order(&exchange, model->id);
    int64_t cut = (int64_t)rnd((uint64_t)(model->leaves / DEC(0.00001))) * DEC(0.00001);
    if (order->amend_count >= 10 || cut == 0 || order->qty - cut < DEC(0.06))
        return;
    CHECK_INT(
        exchange_amend(&exchange, model->account, model->id, 0, order->qty - cut, NULL, true, 8),
        CAUSE_NONE);
    model->leaves -= cut;
}

static void matches_as_the_naive_model_does_and_loses_no_money(void)
{
    struct exchange_instrument_config config = instrument_config();

    config.max_orders = 0;
    for (unsigned seed = 1; seed <= 8; seed++) {
        char why[128];
        random_state = seed * 7919;
        naive_count = 0;
        open_exchange(seed % 2 ? FEE_IN_RECEIVED : FEE_IN_QUOTE, &config);
        for (int step = 0; step < 1500 && !check_failed_in_case; step++) {
            if (rnd(3))
                random_place();
            else
                random_cancel_or_amend();
            compare_book(SIDE_BUY);
            compare_book(SIDE_SELL);
            CHECK(exchange_check(&exchange, why, sizeof(why)));
        }
        CHECK(exchange.instruments[0].trade_count > 300);
        CHECK(exchange.fees[1] > 0);
        close_exchange();
    }
}

static uint64_t run_hash(unsigned seed)
{
    struct exchange_instrument_config config = instrument_config();

    random_state = seed;
    naive_count = 0;
    open_exchange(FEE_IN_RECEIVED, &config);
    for (int step = 0; step < 500; step++) {
        struct exchange_request request =
            limit((uint32_t)rnd(ACCOUNTS), rnd(2) ? SIDE_BUY : SIDE_SELL,
                  99.5 + (double)rnd(100) * 0.01, 0.1);
        request.price -= request.price % DEC(0.01);
        request.stp = (enum match_stp)rnd(5);
        (void)exchange_place(&exchange, &request, step, NULL);
    }
    uint64_t hash = told.hash;
    close_exchange();
    return hash;
}

static void the_same_seed_tells_the_same_story(void)
{
    uint64_t first = run_hash(42);

    CHECK(first == run_hash(42));
    CHECK(first != run_hash(43));
}

static void random_self_trades_keep_the_money_whole(void)
{
    struct exchange_instrument_config config = instrument_config();
    char why[128];

    config.max_orders = 0;
    for (unsigned seed = 1; seed <= 6; seed++) {
        random_state = seed * 104729;
        open_exchange(seed % 2 ? FEE_IN_QUOTE : FEE_IN_RECEIVED, &config);
        for (int step = 0; step < 3000 && !check_failed_in_case; step++) {
            struct exchange_request request = {
                .account = ALICE + (uint32_t)rnd(2),
                .side = rnd(2) ? SIDE_BUY : SIDE_SELL,
                .type = rnd(6) ? ORDER_LIMIT : ORDER_MARKET,
                .time_in_force = (wire_time_in_force)(TIF_GTC + rnd(3)),
                .stp = (enum match_stp)rnd(5),
                .price = DEC(99.9) + (int64_t)rnd(21) * DEC(0.01),
                .qty = DEC(0.06) + (int64_t)rnd(1000) * DEC(0.00001),
            };
            if (request.type == ORDER_MARKET && rnd(2))
                request.quote_qty = DEC(6) + (int64_t)rnd(1000000000);
            (void)place(&request, NULL);
            if (exchange.accounts[ALICE].first_open && rnd(4) == 0) {
                const struct exchange_order *order = exchange.accounts[ALICE].first_open;
                (void)exchange_amend(&exchange, ALICE, order->id,
                                     DEC(99.9) + (int64_t)rnd(21) * DEC(0.01),
                                     DEC(0.06) + (int64_t)rnd(1000) * DEC(0.00001), NULL, false, 9);
            }
            if (!exchange_check(&exchange, why, sizeof(why)))
                CHECK_STR(why, "");
        }
        CHECK(exchange.instruments[0].trade_count > 100);
        close_exchange();
    }
}

/* ---- self-trade prevention, one case a mode: alice rests 2 at 100, bob 1 at 101; alice buys 3
 * ---- */

static const struct exchange_order *self_trade(enum match_stp stp, double qty)
{
    struct exchange_instrument_config config = instrument_config();
    const struct exchange_order *order = NULL;

    open_exchange(FEE_IN_RECEIVED, &config);
    CHECK_INT(put(ALICE, SIDE_SELL, 100, 2), CAUSE_NONE);
    CHECK_INT(put(BOB, SIDE_SELL, 101, 1), CAUSE_NONE);
    struct exchange_request request = limit(ALICE, SIDE_BUY, 101, qty);
    request.stp = stp;
    CHECK_INT(place(&request, &order), CAUSE_NONE);
    return order;
}

static void stp_expire_taker_ends_the_incoming_order_and_keeps_the_resting_one(void)
{
    const struct exchange_order *taker = self_trade(STP_EXPIRE_TAKER, 3);

    CHECK_INT(taker->state, EXCHANGE_EXPIRED);
    CHECK_INT(taker->cause, CAUSE_STP);
    CHECK_INT(taker->filled_qty, 0);
    CHECK_INT(exchange.accounts[ALICE].open_orders[0], 1);
    close_exchange();
}

static void stp_expire_maker_ends_the_resting_order_and_goes_on(void)
{
    const struct exchange_order *taker = self_trade(STP_EXPIRE_MAKER, 3);

    CHECK_INT(taker->state, EXCHANGE_PARTIALLY_FILLED);
    CHECK_INT(taker->filled_qty, DEC(1));
    CHECK_INT(exchange_order(&exchange, 1)->state, EXCHANGE_EXPIRED);
    CHECK_INT(exchange_order(&exchange, 1)->cause, CAUSE_STP);
    close_exchange();
}

static void stp_expire_both_ends_both(void)
{
    const struct exchange_order *taker = self_trade(STP_EXPIRE_BOTH, 3);

    CHECK_INT(taker->state, EXCHANGE_EXPIRED);
    CHECK_INT(exchange.accounts[ALICE].open_orders[0], 0);
    CHECK_INT(exchange.accounts[ALICE].balances[0].locked, 0);
    close_exchange();
}

static void stp_decrement_reduces_both_by_the_smaller(void)
{
    const struct exchange_order *taker = self_trade(STP_DECREMENT, 2.5);

    CHECK_INT(taker->prevented_qty, DEC(2));
    CHECK_INT(taker->filled_qty, DEC(0.5));
    CHECK_INT(exchange_order(&exchange, 1)->state, EXCHANGE_EXPIRED);
    close_exchange();
    taker = self_trade(STP_DECREMENT, 1.5);
    CHECK_INT(taker->state, EXCHANGE_EXPIRED);
    CHECK_INT(exchange_order(&exchange, 1)->match.leaves, DEC(0.5));
    close_exchange();
}

static void stp_none_lets_an_account_trade_with_itself(void)
{
    const struct exchange_order *taker = self_trade(STP_NONE, 3);

    CHECK_INT(taker->state, EXCHANGE_FILLED);
    CHECK_INT(taker->filled_qty, DEC(3));
    close_exchange();
}

/* ---- rules ---- */

static void each_rule_refuses_with_its_own_cause(void)
{
    struct exchange_instrument_config config = instrument_config();

    config.max_price = DEC(1000);
    config.max_orders = 2;
    config.market_max_qty = DEC(10);
    open_exchange(FEE_IN_RECEIVED, &config);
    CHECK_INT(put(ALICE, SIDE_BUY, 100.005, 1), CAUSE_TICK);
    CHECK_INT(put(ALICE, SIDE_BUY, 0, 1), CAUSE_TICK);
    CHECK_INT(put(ALICE, SIDE_BUY, 1000.01, 1), CAUSE_PRICE_RANGE);
    CHECK_INT(put(ALICE, SIDE_BUY, 121, 1), CAUSE_PRICE_BAND);
    CHECK_INT(put(ALICE, SIDE_SELL, 79, 1), CAUSE_PRICE_BAND);
    CHECK_INT(put(ALICE, SIDE_BUY, 100, 0.000001), CAUSE_LOT);
    CHECK_INT(put(ALICE, SIDE_BUY, 100, 101), CAUSE_MAX_QTY);
    CHECK_INT(put(ALICE, SIDE_BUY, 100, 0.04), CAUSE_MIN_NOTIONAL);
    struct exchange_request request = limit(ALICE, SIDE_SELL, 100, 20);
    request.type = ORDER_MARKET;
    CHECK_INT(place(&request, NULL), CAUSE_NO_LIQUIDITY);
    CHECK_INT(put(BOB, SIDE_BUY, 99, 1), CAUSE_NONE);
    CHECK_INT(place(&request, NULL), CAUSE_MARKET_MAX_QTY);
    request = limit(ALICE, SIDE_SELL, 99, 1);
    request.is_post_only = true;
    CHECK_INT(place(&request, NULL), CAUSE_WOULD_TAKE);
    request = limit(ALICE, SIDE_BUY, 90, 1);
    request.client_id = "one";
    CHECK_INT(place(&request, NULL), CAUSE_NONE);
    CHECK_INT(place(&request, NULL), CAUSE_DUPLICATE_CLIENT_ID);
    CHECK_INT(put(ALICE, SIDE_BUY, 89, 1), CAUSE_NONE);
    CHECK_INT(put(ALICE, SIDE_BUY, 88, 1), CAUSE_MAX_ORDERS);
    exchange_set_status(&exchange, 0, TRADING_CANCEL_ONLY, 5);
    CHECK_INT(put(BOB, SIDE_BUY, 88, 1), CAUSE_CANCEL_ONLY);
    CHECK_INT(exchange_cancel(&exchange, ALICE, 1, CAUSE_REQUESTED, 6), CAUSE_UNKNOWN_ORDER);
    CHECK_INT(exchange_cancel(&exchange, BOB, 1, CAUSE_REQUESTED, 6), CAUSE_NONE);
    CHECK_INT(exchange_cancel(&exchange, BOB, 1, CAUSE_REQUESTED, 6), CAUSE_UNKNOWN_ORDER);
    close_exchange();
}

static void a_client_id_is_free_again_once_its_order_is_over(void)
{
    struct exchange_instrument_config config = instrument_config();
    struct exchange_request request = limit(ALICE, SIDE_BUY, 90, 1);
    const struct exchange_order *first = NULL, *second = NULL;

    open_exchange(FEE_IN_RECEIVED, &config);
    request.client_id = "again";
    CHECK_INT(place(&request, &first), CAUSE_NONE);
    CHECK_INT(exchange_cancel(&exchange, ALICE, first->id, CAUSE_REQUESTED, 5), CAUSE_NONE);
    CHECK(exchange_order_by_client(&exchange, ALICE, "again") == first);
    CHECK_INT(place(&request, &second), CAUSE_NONE);
    CHECK(exchange_order_by_client(&exchange, ALICE, "again") == second);
    CHECK(exchange_order_by_client(&exchange, BOB, "again") == NULL);
    close_exchange();
}

static void nothing_is_promised_that_is_not_there(void)
{
    struct exchange_instrument_config config = instrument_config();

    open_exchange(FEE_IN_QUOTE, &config);
    /* 1,000,000 USDT at 100 would be 10,000, but the fee comes on top. */
    config.max_qty = 0;
    exchange.instruments[0].config.max_qty = 0;
    CHECK_INT(put(ALICE, SIDE_BUY, 100, 10000), CAUSE_BALANCE);
    CHECK_INT(put(ALICE, SIDE_BUY, 100, 9900), CAUSE_NONE);
    CHECK_INT(exchange.accounts[ALICE].balances[1].locked, DEC(990000) / 10000 * 10015);
    CHECK_INT(put(ALICE, SIDE_BUY, 100, 100), CAUSE_BALANCE);
    CHECK_INT(put(ALICE, SIDE_SELL, 101, 10000.00001), CAUSE_BALANCE);
    close_exchange();
}

static void fees_are_charged_in_the_venues_asset(void)
{
    struct exchange_instrument_config config = instrument_config();

    open_exchange(FEE_IN_RECEIVED, &config);
    CHECK_INT(put(ALICE, SIDE_SELL, 100, 1), CAUSE_NONE);
    CHECK_INT(put(BOB, SIDE_BUY, 100, 1), CAUSE_NONE);
    CHECK_INT(exchange.fees[0], DEC(0.001));
    CHECK_INT(exchange.fees[1], DEC(0.1));
    CHECK_INT(exchange.accounts[BOB].balances[0].free, DEC(10000.999));
    CHECK_INT(exchange.accounts[ALICE].balances[1].free, DEC(1000099.9));
    close_exchange();
    open_exchange(FEE_IN_QUOTE, &config);
    CHECK_INT(put(ALICE, SIDE_SELL, 100, 1), CAUSE_NONE);
    CHECK_INT(put(BOB, SIDE_BUY, 100, 1), CAUSE_NONE);
    CHECK_INT(exchange.fees[0], 0);
    CHECK_INT(exchange.fees[1], DEC(0.2));
    CHECK_INT(exchange.accounts[BOB].balances[0].free, DEC(10001));
    CHECK_INT(exchange.accounts[BOB].balances[1].free, DEC(999899.9));
    close_exchange();
}

/* ---- times in force, amendments, events ---- */

static void ioc_takes_what_is_there_and_fok_all_or_nothing(void)
{
    struct exchange_instrument_config config = instrument_config();
    const struct exchange_order *order = NULL;

    open_exchange(FEE_IN_RECEIVED, &config);
    CHECK_INT(put(BOB, SIDE_SELL, 100, 1), CAUSE_NONE);
    struct exchange_request request = limit(ALICE, SIDE_BUY, 100, 2);
    request.time_in_force = TIF_FOK;
    CHECK_INT(place(&request, &order), CAUSE_NONE);
    CHECK_INT(order->state, EXCHANGE_EXPIRED);
    CHECK_INT(order->cause, CAUSE_FOK);
    CHECK_INT(order->filled_qty, 0);
    request.time_in_force = TIF_IOC;
    CHECK_INT(place(&request, &order), CAUSE_NONE);
    CHECK_INT(order->state, EXCHANGE_EXPIRED);
    CHECK_INT(order->cause, CAUSE_IOC);
    CHECK_INT(order->filled_qty, DEC(1));
    CHECK_INT(exchange.accounts[ALICE].balances[1].locked, 0);
    CHECK_INT(put(BOB, SIDE_SELL, 100, 2), CAUSE_NONE);
    request.time_in_force = TIF_FOK;
    CHECK_INT(place(&request, &order), CAUSE_NONE);
    CHECK_INT(order->state, EXCHANGE_FILLED);
    close_exchange();
}

static void a_market_order_by_quote_spends_no_more_than_it_said(void)
{
    struct exchange_instrument_config config = instrument_config();
    const struct exchange_order *order = NULL;

    open_exchange(FEE_IN_QUOTE, &config);
    CHECK_INT(put(BOB, SIDE_SELL, 100, 1), CAUSE_NONE);
    CHECK_INT(put(BOB, SIDE_SELL, 101, 10), CAUSE_NONE);
    struct exchange_request request = {
        .account = ALICE, .side = SIDE_BUY, .type = ORDER_MARKET, .quote_qty = DEC(500)
    };
    CHECK_INT(place(&request, &order), CAUSE_NONE);
    CHECK_INT(order->state, EXCHANGE_FILLED);
    CHECK(order->filled_quote + order->fee_total <= DEC(500));
    CHECK(order->filled_quote + order->fee_total > DEC(499.99));
    close_exchange();
}

static void a_reduction_keeps_its_place_and_anything_else_loses_it(void)
{
    struct exchange_instrument_config config = instrument_config();

    open_exchange(FEE_IN_RECEIVED, &config);
    CHECK_INT(put(ALICE, SIDE_SELL, 100, 2), CAUSE_NONE); /* 1 */
    CHECK_INT(put(BOB, SIDE_SELL, 100, 2), CAUSE_NONE);   /* 2 */
    CHECK_INT(exchange_amend(&exchange, ALICE, 1, 0, DEC(3), NULL, true, 5), CAUSE_AMEND_INCREASE);
    CHECK_INT(exchange_amend(&exchange, ALICE, 1, 0, DEC(2), NULL, true, 5), CAUSE_NO_CHANGE);
    CHECK_INT(exchange_amend(&exchange, ALICE, 1, 0, DEC(1), "renamed", true, 5), CAUSE_NONE);
    CHECK_STR(exchange_order(&exchange, 1)->client_id, "renamed");
    CHECK_INT(exchange.accounts[ALICE].balances[0].locked, DEC(1));
    CHECK_INT(put(BG, SIDE_BUY, 100, 0.5), CAUSE_NONE);
    CHECK_INT(exchange_order(&exchange, 1)->filled_qty, DEC(0.5));
    CHECK_INT(exchange_amend(&exchange, ALICE, 1, 0, DEC(0.5), NULL, false, 5), CAUSE_AMEND_FILLED);
    CHECK_INT(exchange_amend(&exchange, ALICE, 1, 0, DEC(2), NULL, false, 5), CAUSE_NONE);
    CHECK_INT(put(BG, SIDE_BUY, 100, 1), CAUSE_NONE);
    CHECK_INT(exchange_order(&exchange, 1)->filled_qty, DEC(0.5));
    CHECK_INT(exchange_order(&exchange, 2)->filled_qty, DEC(1));
    /* Moved through the spread, it takes. */
    CHECK_INT(put(BOB, SIDE_BUY, 99, 1), CAUSE_NONE);
    CHECK_INT(exchange_amend(&exchange, ALICE, 1, DEC(99), DEC(2), NULL, false, 6), CAUSE_NONE);
    CHECK_INT(exchange_order(&exchange, 1)->filled_qty, DEC(1.5));
    close_exchange();
}

static void an_order_good_till_a_date_expires_then(void)
{
    struct exchange_instrument_config config = instrument_config();
    struct exchange_request request = limit(ALICE, SIDE_BUY, 90, 1);
    const struct exchange_order *order = NULL;

    open_exchange(FEE_IN_RECEIVED, &config);
    request.expires_ns = 100;
    CHECK_INT(exchange_place(&exchange, &request, 10, &order), CAUSE_NONE);
    exchange_tick(&exchange, 99);
    CHECK_INT(order->state, EXCHANGE_NEW);
    exchange_tick(&exchange, 100);
    CHECK_INT(order->state, EXCHANGE_EXPIRED);
    CHECK_INT(order->cause, CAUSE_TIME);
    close_exchange();
}

static void events_come_in_the_order_of_what_happened(void)
{
    struct exchange_instrument_config config = instrument_config();
    static const enum exchange_event_kind want[] = {
        EXCHANGE_ON_ACCEPTED, EXCHANGE_ON_TRADE, EXCHANGE_ON_LEVEL,
        EXCHANGE_ON_TRADE,    EXCHANGE_ON_LEVEL, EXCHANGE_ON_LEVEL,
    };

    open_exchange(FEE_IN_RECEIVED, &config);
    CHECK_INT(put(BOB, SIDE_SELL, 100, 1), CAUSE_NONE);
    CHECK_INT(put(BOB, SIDE_SELL, 101, 1), CAUSE_NONE);
    told.count = 0;
    CHECK_INT(put(ALICE, SIDE_BUY, 101, 3), CAUSE_NONE);
    CHECK_INT(told.count, COUNT(want));
    for (size_t i = 0; i < COUNT(want) && i < told.count; i++)
        CHECK_INT(told.events[i].kind, want[i]);
    CHECK_INT(told.events[2].qty, 0);
    CHECK_INT(told.events[5].qty, DEC(1));
    CHECK_INT(told.events[5].side, SIDE_BUY);
    CHECK_INT(told.events[5].update_id, told.events[4].update_id + 1);
    CHECK_INT(told.events[3].trade_id, told.events[1].trade_id + 1);
    CHECK_INT(told.orders[1].filled_qty, DEC(1));
    CHECK_INT(told.orders[3].filled_qty, DEC(2));
    CHECK_INT(exchange.execution_count, 4);
    close_exchange();
}

static void background_records_are_used_again(void)
{
    struct exchange_instrument_config config = instrument_config();

    open_exchange(FEE_IN_RECEIVED, &config);
    for (int i = 0; i < 20000; i++) {
        const struct exchange_order *order = NULL;
        struct exchange_request request = limit(BG, SIDE_BUY, 99, 1);
        CHECK_INT(place(&request, &order), CAUSE_NONE);
        CHECK_INT(exchange_cancel(&exchange, BG, order->id, CAUSE_REQUESTED, 5), CAUSE_NONE);
    }
    CHECK_INT(exchange.orders_refused, 0);
    close_exchange();
}

int main(void)
{
    CASE(matches_as_the_naive_model_does_and_loses_no_money);
    CASE(the_same_seed_tells_the_same_story);
    CASE(random_self_trades_keep_the_money_whole);
    CASE(stp_expire_taker_ends_the_incoming_order_and_keeps_the_resting_one);
    CASE(stp_expire_maker_ends_the_resting_order_and_goes_on);
    CASE(stp_expire_both_ends_both);
    CASE(stp_decrement_reduces_both_by_the_smaller);
    CASE(stp_none_lets_an_account_trade_with_itself);
    CASE(each_rule_refuses_with_its_own_cause);
    CASE(a_client_id_is_free_again_once_its_order_is_over);
    CASE(nothing_is_promised_that_is_not_there);
    CASE(fees_are_charged_in_the_venues_asset);
    CASE(ioc_takes_what_is_there_and_fok_all_or_nothing);
    CASE(a_market_order_by_quote_spends_no_more_than_it_said);
    CASE(a_reduction_keeps_its_place_and_anything_else_loses_it);
    CASE(an_order_good_till_a_date_expires_then);
    CASE(events_come_in_the_order_of_what_happened);
    CASE(background_records_are_used_again);
    DONE();
}
