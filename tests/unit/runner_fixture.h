/* runner_fixture.h - a runner with two engines, risk running, positions heard; what it publishes is
 * kept. */
#ifndef TICKPIPE_TESTS_UNIT_RUNNER_FIXTURE_H
#define TICKPIPE_TESTS_UNIT_RUNNER_FIXTURE_H

#include "strategy_runner/runner_core.h"
#include "strategy_runner/strategies/strategies.h"
#include "tests/unit/check.h"
#include "tests/unit/market_fixture.h"

enum { SENT_MAX = 256 };

static struct market fixture_market;
static struct runner_core fixture_runner; /* Large: static. */
static struct wire_book_delta fixture_scratch;
static struct {
    union {
        struct wire_header header;
        struct wire_order_request request;
        struct wire_order_cancel cancel;
        struct wire_order_replace replace;
        struct wire_order_query query;
        struct wire_cancel_all cancel_all;
        struct wire_intent_refused refused;
        struct wire_strategy_status status;
    } at[SENT_MAX];
    unsigned count;
} sent;
static int64_t fixture_now;
static uint64_t fixture_epoch; /* Of both engines. */

static void fixture_publish(void *ctx, unsigned port, struct wire_header *event)
{
    (void)ctx;
    CHECK(wire_check(event, event->size) == 0);
    CHECK(wire_port(event->type) == (int)port);
    if (sent.count < SENT_MAX)
        memcpy(&sent.at[sent.count++], event, event->size);
}

static void fixture_need_snapshot(void *ctx, uint64_t instrument)
{
    (void)ctx;
    (void)instrument;
}

static void fixture_need_state(void *ctx, unsigned port)
{
    (void)ctx;
    (void)port;
}

/* The n-th event of a type sent since the last forgetting, or NULL. */
static inline const void *sent_nth(uint16_t type, unsigned n)
{
    for (unsigned i = 0; i < sent.count; i++)
        if (sent.at[i].header.type == type && n-- == 0)
            return &sent.at[i];
    return NULL;
}

static inline unsigned sent_of(uint16_t type)
{
    unsigned count = 0;

    for (unsigned i = 0; i < sent.count; i++)
        count += sent.at[i].header.type == type;
    return count;
}

static inline void feed(const struct wire_header *event)
{
    runner_core_event(&fixture_runner, event, fixture_now);
}

static inline void engine_says(unsigned account, wire_engine_state state, uint64_t epoch)
{
    struct wire_engine_status status;

    WIRE_BEGIN(&status, engine_status);
    status.header.account = (uint16_t)account;
    status.header.publisher = PUBLISHER(ROLE_TRADING_ENGINE, account);
    status.header.epoch = epoch;
    status.state = state;
    feed(&status.header);
}

static inline void risk_says(wire_risk_state_kind state)
{
    struct wire_risk_state risk;

    WIRE_BEGIN(&risk, risk_state);
    risk.state = state;
    feed(&risk.header);
}

static inline void balance_says(unsigned account, const char *asset, int64_t amount)
{
    struct wire_balance balance;

    WIRE_BEGIN(&balance, balance);
    balance.header.account = (uint16_t)account;
    strcpy(balance.asset, asset);
    balance.total = amount;
    balance.amount_exp = 8;
    feed(&balance.header);
}

static inline void book_says(unsigned account, int64_t bid, int64_t ask, int64_t qty)
{
    feed(fixture_book(&fixture_scratch, account, bid, qty, ask, qty));
}

/* An order event of the engine that has the account. */
static inline void order_says(const struct wire_order_request *request, wire_order_event_kind kind,
                              wire_order_state state, int64_t filled_qty, int64_t last_qty)
{
    struct wire_order_event event;

    WIRE_BEGIN(&event, order_event);
    event.header.account = request->header.account;
    event.header.instrument = request->header.instrument;
    event.order_id = request->order_id;
    event.strategy = request->strategy;
    event.kind = kind;
    event.state = state;
    event.price = request->price;
    event.qty = request->qty;
    event.filled_qty = filled_qty;
    event.last_qty = last_qty;
    event.last_price = request->price;
    event.price_exp = request->price_exp;
    event.qty_exp = request->qty_exp;
    event.side = request->side;
    feed(&event.header);
}

static inline void status_says(const struct wire_order_request *request, wire_order_state state,
                               int64_t filled_qty)
{
    struct wire_order_status status;

    WIRE_BEGIN(&status, order_status);
    status.header.account = request->header.account;
    status.order_id = request->order_id;
    status.strategy = request->strategy;
    status.state = state;
    status.filled_qty = filled_qty;
    status.price_exp = request->price_exp;
    status.qty_exp = request->qty_exp;
    status.is_answer = 1;
    feed(&status.header);
}

/* Everything is well and everybody is heard, at fixture_now. */
static inline void all_well(void)
{
    risk_says(RISK_RUNNING);
    for (unsigned account = 1; account <= 2; account++) {
        engine_says(account, ENGINE_READY, fixture_epoch);
        book_says(account, PRICE(5000000), PRICE(5000100), QTY(1000));
        balance_says(account, "BTC", AMOUNT(1));
        balance_says(account, "USDT", AMOUNT(100000));
    }
}

static inline void runner_begin(const struct strategy_ops *ops, const void *config)
{
    const struct runner_config runner = { .session = 5,
                                          .resend_ns = 50 * NS_PER_MS,
                                          .ask_ns = 200 * NS_PER_MS,
                                          .deadline_ns = NS_PER_S,
                                          .engine_silence_ns = NS_PER_S,
                                          .risk_silence_ns = NS_PER_S,
                                          .positions_silence_ns = 5 * NS_PER_S,
                                          .book_max_age_ns = NS_PER_S };
    const struct runner_out out = { NULL, fixture_publish, fixture_need_snapshot,
                                    fixture_need_state };
    struct wire_instrument definition;

    market_fini(&fixture_market);
    CHECK(market_init(&fixture_market, 4, 100) == 0);
    fixture_now = NS_PER_S;
    fixture_epoch = 7;
    sent.count = 0;
    runner_core_init(&fixture_runner, &runner, &fixture_market, &out, fixture_now);
    CHECK(runner_core_add(&fixture_runner, ops, "test", 3, AMOUNT(10000), config) == 0);
    for (unsigned account = 1; account <= 2; account++) {
        fixture_define(&definition, account, 1000);
        feed(&definition.header);
    }
    /* Two seconds without orders of an earlier session: the strategy is let go. */
    for (int i = 0; i < 30; i++) {
        fixture_now += 100 * NS_PER_MS;
        all_well();
        runner_core_tick(&fixture_runner, fixture_now);
    }
    sent.count = 0;
}

#endif
