#include "common/leaf/err.h"
#include "common/pure/client_id.h"
#include "tests/unit/runner_fixture.h"

static int64_t last_fill;
static wire_order_state last_state;
static unsigned order_calls;

static void on_init(void *state, const void *config, struct runner_core *core, uint16_t strategy)
{
    (void)state;
    (void)config;
    (void)core;
    (void)strategy;
}

static void on_order(void *state, struct runner_core *core, const struct runner_order *order,
                     int64_t fill_qty, int64_t fill_price, int64_t now_ns)
{
    (void)state;
    (void)core;
    (void)fill_price;
    (void)now_ns;
    last_fill = fill_qty;
    last_state = order->state;
    order_calls++;
}

static const struct strategy_ops probe = { .kind = "probe", .init = on_init, .order = on_order };

static const struct wire_order_request *place(int64_t qty)
{
    const struct runner_intent intent = { .instrument = fixture_id(1),
                                          .price = PRICE(5000000),
                                          .qty = qty,
                                          .side = SIDE_BUY,
                                          .type = ORDER_LIMIT,
                                          .time_in_force = TIF_GTC };

    order_calls = 0;
    if (runner_place(&fixture_runner, 3, &intent, fixture_now) == 0)
        return NULL;
    return sent_nth(WIRE_order_request, sent_of(WIRE_order_request) - 1);
}

static void pass(int64_t ms)
{
    for (int64_t i = 0; i < ms; i += 10) {
        fixture_now += 10 * NS_PER_MS;
        if (i % 100 == 0)
            all_well();
        runner_core_tick(&fixture_runner, fixture_now);
    }
}

static void an_intent_names_epoch_deadline_and_a_fresh_id(void)
{
    runner_begin(&probe, NULL);
    const struct wire_order_request *first = place(QTY(10));
    CHECK(first != NULL);
    CHECK_INT(first->engine_epoch, 7);
    CHECK(first->deadline_ns == fixture_now + NS_PER_S);
    CHECK_INT(ORDER_ID_STRATEGY(first->order_id), 3);
    CHECK_INT(ORDER_ID_SESSION(first->order_id), 5);
    CHECK(place(QTY(10))->order_id != first->order_id);
}

static void is_sent_again_under_the_same_id_until_answered(void)
{
    runner_begin(&probe, NULL);
    const struct wire_order_request *first = place(QTY(10));
    uint64_t id = first->order_id;
    pass(200);
    CHECK(sent_of(WIRE_order_request) >= 4);
    for (unsigned i = 0; i < sent_of(WIRE_order_request); i++)
        CHECK(((const struct wire_order_request *)sent_nth(WIRE_order_request, i))->order_id == id);
    order_says(first, ORDER_EVENT_ACCEPTED, ORDER_LIVE, 0, 0);
    sent.count = 1; /* Keeps the request itself. */
    pass(300);
    CHECK_INT(sent_of(WIRE_order_request), 1);
}

static void after_the_deadline_it_only_asks(void)
{
    runner_begin(&probe, NULL);
    struct wire_order_request request = *place(QTY(10));
    pass(1000);
    sent.count = 0;
    pass(1000);
    CHECK_INT(sent_of(WIRE_order_request), 0);
    CHECK(sent_of(WIRE_order_query) >= 3);
    status_says(&request, ORDER_NONE, 0); /* The engine never executed it. */
    CHECK_INT(last_state, ORDER_REJECTED);
    CHECK_INT(runner_core_live(&fixture_runner), 0);
    sent.count = 0;
    pass(500);
    CHECK_INT(sent_of(WIRE_order_query) + sent_of(WIRE_order_request), 0);
}

static void none_before_the_deadline_is_not_an_end(void)
{
    runner_begin(&probe, NULL);
    struct wire_order_request request = *place(QTY(10));
    status_says(&request, ORDER_NONE, 0); /* A copy may still be on its way to the engine. */
    CHECK_INT(runner_core_live(&fixture_runner), 1);
}

static void fills_are_counted_once_whatever_comes_twice(void)
{
    runner_begin(&probe, NULL);
    struct wire_order_request request = *place(QTY(10));
    order_says(&request, ORDER_EVENT_PARTIALLY_FILLED, ORDER_PARTIALLY_FILLED, QTY(4), QTY(4));
    CHECK_INT(last_fill, QTY(4));
    order_says(&request, ORDER_EVENT_PARTIALLY_FILLED, ORDER_PARTIALLY_FILLED, QTY(4), QTY(4));
    status_says(&request, ORDER_PARTIALLY_FILLED, QTY(4));
    CHECK_INT(order_calls, 1);
    CHECK_INT(runner_position_of(&fixture_runner, 1, 3, fixture_id(1)), QTY(4));
    status_says(&request, ORDER_FILLED,
                QTY(10)); /* The event of the last fill was lost: the state has it. */
    CHECK_INT(last_fill, QTY(6));
    CHECK_INT(runner_position_of(&fixture_runner, 1, 3, fixture_id(1)), QTY(10));
    order_says(&request, ORDER_EVENT_FILLED, ORDER_FILLED, QTY(10), QTY(6));
    CHECK_INT(runner_position_of(&fixture_runner, 1, 3, fixture_id(1)), QTY(10));
}

static void a_new_engine_is_asked_about_every_order(void)
{
    runner_begin(&probe, NULL);
    struct wire_order_request request = *place(QTY(10));
    order_says(&request, ORDER_EVENT_ACCEPTED, ORDER_LIVE, 0, 0);
    sent.count = 0;
    engine_says(1, ENGINE_RECONCILING, 8);
    CHECK_INT(sent_of(WIRE_order_query), 1);
    CHECK(place(QTY(10)) == NULL); /* Not ready: no intent. */
    engine_says(1, ENGINE_READY, 8);
    const struct wire_order_request *next = place(QTY(10));
    CHECK(next && next->engine_epoch == 8);
}

static void refuses_what_it_should_and_says_why(void)
{
    struct {
        const char *what;
        wire_reason why;
    } cases[] = { { "halt", REASON_HALTED },      { "kill", REASON_KILLED },
                  { "risk", REASON_RISK_SILENT }, { "engine", REASON_ENGINE_SILENT },
                  { "book", REASON_BOOK_STALE },  { "capital", REASON_CAPITAL } };

    for (size_t i = 0; i < COUNT(cases); i++) {
        runner_begin(&probe, NULL);
        int64_t qty = QTY(10);
        if (strcmp(cases[i].what, "halt") == 0)
            risk_says(RISK_HALTED);
        else if (strcmp(cases[i].what, "kill") == 0)
            risk_says(RISK_KILLED);
        else if (strcmp(cases[i].what, "capital") == 0)
            qty = QTY(2100); /* 0.21 * 50,000 = 10,500 */
        else
            fixture_now += 1100 * NS_PER_MS;
        if (strcmp(cases[i].what, "engine") == 0 || strcmp(cases[i].what, "book") == 0)
            risk_says(RISK_RUNNING);
        if (strcmp(cases[i].what, "book") == 0)
            engine_says(1, ENGINE_READY, 7);
        CHECK(place(qty) == NULL);
        const struct wire_intent_refused *refused = sent_nth(WIRE_intent_refused, 0);
        CHECK(refused != NULL);
        if (refused)
            CHECK_STR(wire_reason_str(refused->why), wire_reason_str(cases[i].why));
    }
}

static void a_scope_holds_only_what_it_names(void)
{
    struct wire_risk_state risk;

    runner_begin(&probe, NULL);
    WIRE_BEGIN(&risk, risk_state);
    risk.state = RISK_RUNNING;
    risk.scope_count = 1;
    risk.scopes[0] = (struct wire_scope){ .kind = SCOPE_VENUE, .state = RISK_HALTED, .account = 2 };
    feed(&risk.header);
    CHECK(place(QTY(10)) != NULL);
    risk.scopes[0].account = 1;
    feed(&risk.header);
    CHECK(place(QTY(10)) == NULL);
}

static void a_cancel_is_repeated_until_the_order_is_over(void)
{
    runner_begin(&probe, NULL);
    struct wire_order_request request = *place(QTY(10));
    order_says(&request, ORDER_EVENT_ACCEPTED, ORDER_LIVE, 0, 0);
    CHECK(runner_cancel(&fixture_runner, request.order_id, REASON_REQUESTED, fixture_now) == 0);
    pass(700);
    CHECK(sent_of(WIRE_order_cancel) >= 3);
    order_says(&request, ORDER_EVENT_CANCELLED, ORDER_CANCELLED, 0, 0);
    sent.count = 0;
    pass(700);
    CHECK_INT(sent_of(WIRE_order_cancel), 0);
    CHECK_INT(runner_core_live(&fixture_runner), 0);
}

static void one_replace_at_a_time(void)
{
    struct wire_order_event event;

    runner_begin(&probe, NULL);
    struct wire_order_request request = *place(QTY(10));
    CHECK(runner_replace(&fixture_runner, request.order_id, PRICE(4999000), QTY(10), fixture_now) ==
          ERR_AGAIN);
    order_says(&request, ORDER_EVENT_ACCEPTED, ORDER_LIVE, 0, 0);
    CHECK(runner_replace(&fixture_runner, request.order_id, PRICE(4999000), QTY(10), fixture_now) ==
          0);
    CHECK(runner_replace(&fixture_runner, request.order_id, PRICE(4998000), QTY(10), fixture_now) ==
          ERR_AGAIN);
    WIRE_BEGIN(&event, order_event);
    event.header.account = 1;
    event.order_id = request.order_id;
    event.kind = ORDER_EVENT_REPLACED;
    event.state = ORDER_LIVE;
    event.revision = 1;
    event.price = PRICE(4999000);
    event.qty = QTY(10);
    event.price_exp = event.qty_exp = 8;
    feed(&event.header);
    const struct runner_order *order = runner_order_find(&fixture_runner, request.order_id);
    CHECK(order && order->price == PRICE(4999000) && order->revision == 1);
    CHECK(runner_replace(&fixture_runner, request.order_id, PRICE(4998000), QTY(10), fixture_now) ==
          0);
}

static void orders_of_an_earlier_session_are_swept_before_anything_new(void)
{
    struct wire_order_status status;

    runner_begin(&probe, NULL);
    fixture_epoch = 9;
    engine_says(1, ENGINE_READY, 9); /* A new engine: it may hold some. */
    fixture_runner.strategies[0].is_adopted = false;
    WIRE_BEGIN(&status, order_status);
    status.header.account = 1;
    status.order_id = ORDER_ID(3, 4, 1);
    status.strategy = 3;
    status.state = ORDER_LIVE;
    status.price_exp = status.qty_exp = 8;
    for (int i = 0; i < 30; i++) {
        fixture_now += 100 * NS_PER_MS;
        risk_says(RISK_RUNNING);
        engine_says(1, ENGINE_READY, 9);
        feed(&status.header);
        runner_core_tick(&fixture_runner, fixture_now);
    }
    CHECK(!fixture_runner.strategies[0].is_adopted);
    CHECK(sent_of(WIRE_cancel_all) >= 4);
    for (int i = 0; i < 20; i++) {
        fixture_now += 100 * NS_PER_MS;
        all_well();
        runner_core_tick(&fixture_runner, fixture_now);
    }
    CHECK(fixture_runner.strategies[0].is_adopted);
}

/* Found by simulation: its new epoch let every strategy go again. */
static void a_stopping_runner_does_not_begin_again_when_an_engine_restarts(void)
{
    runner_begin(&probe, NULL);
    runner_core_stop(&fixture_runner, fixture_now);
    fixture_epoch++;
    for (int i = 0; i < 40; i++) {
        fixture_now += 100 * NS_PER_MS;
        all_well();
        runner_core_tick(&fixture_runner, fixture_now);
    }
    CHECK(!fixture_runner.strategies[0].is_adopted);
    CHECK_INT(fixture_runner.strategies[0].state, STRATEGY_STOPPED);
}

int main(void)
{
    CASE(an_intent_names_epoch_deadline_and_a_fresh_id);
    CASE(is_sent_again_under_the_same_id_until_answered);
    CASE(after_the_deadline_it_only_asks);
    CASE(none_before_the_deadline_is_not_an_end);
    CASE(fills_are_counted_once_whatever_comes_twice);
    CASE(a_new_engine_is_asked_about_every_order);
    CASE(refuses_what_it_should_and_says_why);
    CASE(a_scope_holds_only_what_it_names);
    CASE(a_cancel_is_repeated_until_the_order_is_over);
    CASE(one_replace_at_a_time);
    CASE(orders_of_an_earlier_session_are_swept_before_anything_new);
    CASE(a_stopping_runner_does_not_begin_again_when_an_engine_restarts);
    market_fini(&fixture_market);
    DONE();
}
