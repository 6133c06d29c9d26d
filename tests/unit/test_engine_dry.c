/* Dry run: the same core against a venue made of the live book; everything marked as simulated. */
#include "common/pure/book.h"
#include "tests/unit/engine_world.h"

#define QTY (E8(1) / 100)

static struct book dry_book;

static void levels(struct world *w, enum wire_type type, int64_t bid, int64_t bid_qty, int64_t ask,
                   int64_t ask_qty)
{
    static struct wire_book_delta b;

    wire_book_begin(&b, type);
    b.header.account = 1;
    b.header.publisher = WORLD_GATEWAY;
    b.header.instrument = w->instrument;
    b.header.origin_ns = w->now_ns;
    b.price_exp = b.qty_exp = 8;
    b.is_last = 1;
    b.exchange_ns = 0;
    b.venue_seq = 0;
    b.bid_count = bid != 0;
    b.ask_count = ask != 0;
    unsigned at = 0;
    if (bid)
        b.levels[at++] = (struct wire_level){ bid, bid_qty };
    if (ask)
        b.levels[at++] = (struct wire_level){ ask, ask_qty };
    wire_book_end(&b);
    world_send(w, &b);
}

static void public_trade(struct world *w, wire_side aggressor, int64_t price, int64_t qty)
{
    struct wire_trade t;

    WIRE_BEGIN(&t, trade);
    t.header.account = 1;
    t.header.instrument = w->instrument;
    t.price = price;
    t.qty = qty;
    t.price_exp = t.qty_exp = 8;
    t.aggressor = aggressor;
    world_send(w, &t);
}

static void define_by_gateway(struct world *w)
{
    struct wire_instrument d;

    world_definition(w, &d);
    world_send(w, &d);
    levels(w, WIRE_book_snapshot, E8(43000), E8(1), E8(43001), E8(1));
    levels(w, WIRE_book_delta, E8(42999), E8(2), E8(43002), E8(2));
}

static struct world *dry_world(void)
{
    struct world *w = world_new();

    book_fini(&dry_book);
    CHECK_INT(book_init(&dry_book, 100, 8, 8), 0);
    w->config.is_dry_run = true;
    w->config.books = &dry_book;
    w->config.paper_balances = "USDT=10000, BTC=1";
    world_boot(w, true);
    define_by_gateway(w);
    world_run(w, 300);
    wire_reason why;
    CHECK_INT(engine_core_state(w->core, w->now_ns, &why), ENGINE_READY);
    CHECK_INT(w->command_count, 0);
    return w;
}

static uint64_t ioc(struct world *w, wire_side side, int64_t price, int64_t qty,
                    wire_time_in_force tif)
{
    struct wire_order_request m = world_intent(w, side, price, qty);

    m.time_in_force = tif;
    world_send(w, &m);
    return m.order_id;
}

static void a_taker_walks_the_book_and_takes_what_it_hits(void)
{
    struct world *w = dry_world();
    w->out_count = 0;
    uint64_t id = ioc(w, SIDE_BUY, E8(43002), E8(1) / 10, TIF_IOC);
    CHECK_INT(world_state(w, id), ORDER_FILLED);
    CHECK_INT(world_outs(w, WIRE_trade_event), 1);
    const struct wire_trade_event *t = &world_last_out(w, WIRE_trade_event)->u.trade;
    CHECK_INT(t->price, E8(43001));
    CHECK_INT(t->liquidity, LIQUIDITY_TAKER);
    CHECK_INT(t->fee, 430010000); /* 0.1 % of 4,300.10 */
    CHECK_STR(t->fee_asset, "USDT");
    CHECK(book_best(&dry_book.asks)->qty == E8(9) / 10);
    for (unsigned i = 0; i < w->out_count; i++)
        if (w->out[i].type == WIRE_order_event || w->out[i].type == WIRE_trade_event)
            CHECK(w->out[i].u.order.header.flags & WIRE_SIMULATED);
}

static void an_ioc_remainder_expires_and_a_fok_is_all_or_nothing(void)
{
    struct world *w = dry_world();

    levels(w, WIRE_book_snapshot, E8(43000), E8(1), E8(43001), QTY);
    uint64_t id = ioc(w, SIDE_BUY, E8(43001), 2 * QTY, TIF_IOC);
    CHECK_INT(world_state(w, id), ORDER_EXPIRED);
    CHECK_INT(engine_core_order(w->core, id)->filled_qty, QTY);
    CHECK_INT(world_last_out(w, WIRE_order_event)->u.order.why, REASON_NO_LIQUIDITY);
    levels(w, WIRE_book_snapshot, E8(43000), E8(1), E8(43001), QTY);
    id = ioc(w, SIDE_BUY, E8(43001), 2 * QTY, TIF_FOK);
    CHECK_INT(world_state(w, id), ORDER_EXPIRED);
    CHECK_INT(engine_core_order(w->core, id)->filled_qty, 0);
}

static void a_market_order_takes_the_touch(void)
{
    struct world *w = dry_world();
    struct wire_order_request m = world_intent(w, SIDE_SELL, 0, QTY);

    m.order_type = ORDER_MARKET;
    m.time_in_force = TIF_IOC;
    world_send(w, &m);
    CHECK_INT(world_state(w, m.order_id), ORDER_FILLED);
    CHECK_INT(world_last_out(w, WIRE_trade_event)->u.trade.price, E8(43000));
}

static void a_post_only_order_that_would_take_is_refused(void)
{
    struct world *w = dry_world();
    struct wire_order_request m = world_intent(w, SIDE_BUY, E8(43001), QTY);

    m.is_post_only = 1;
    world_send(w, &m);
    CHECK_INT(world_state(w, m.order_id), ORDER_REJECTED);
    CHECK_INT(world_last_out(w, WIRE_order_event)->u.order.why, REASON_VENUE_POST_ONLY);
}

static void a_resting_order_waits_behind_the_queue(void)
{
    struct world *w = dry_world();
    uint64_t id = world_place(w, SIDE_BUY, E8(43000), QTY);

    CHECK_INT(world_state(w, id), ORDER_LIVE);
    public_trade(w, SIDE_SELL, E8(43000), E8(1) / 2); /* One was before us: half is left. */
    CHECK_INT(world_state(w, id), ORDER_LIVE);
    public_trade(w, SIDE_BUY, E8(43001), E8(5)); /* The other side's affair. */
    CHECK_INT(world_state(w, id), ORDER_LIVE);
    public_trade(w, SIDE_SELL, E8(43000), E8(1) / 2 + QTY / 2);
    CHECK_INT(world_state(w, id), ORDER_PARTIALLY_FILLED);
    CHECK_INT(engine_core_order(w->core, id)->filled_qty, QTY / 2);
    public_trade(w, SIDE_SELL, E8(42999), E8(1)); /* Through our price. */
    CHECK_INT(world_state(w, id), ORDER_FILLED);
    const struct wire_trade_event *t = &world_last_out(w, WIRE_trade_event)->u.trade;
    CHECK_INT(t->price, E8(43000));
    CHECK_INT(t->liquidity, LIQUIDITY_MAKER);
}

static void a_market_that_crosses_a_resting_order_fills_it_at_its_price(void)
{
    struct world *w = dry_world();
    uint64_t id = world_place(w, SIDE_SELL, E8(43001), QTY);

    levels(w, WIRE_book_snapshot, E8(43005), E8(1), E8(43006), E8(1));
    CHECK_INT(world_state(w, id), ORDER_FILLED);
    CHECK_INT(world_last_out(w, WIRE_trade_event)->u.trade.price, E8(43001));
}

static void nothing_fills_on_a_book_that_is_not_whole(void)
{
    struct world *w = dry_world();
    uint64_t id = world_place(w, SIDE_SELL, E8(43010), QTY);

    CHECK(engine_core_gap(w->core, WIRE_book_delta));
    levels(w, WIRE_book_delta, E8(43020), E8(1), 0, 0);
    public_trade(w, SIDE_BUY, E8(43030), E8(5));
    CHECK_INT(world_state(w, id), ORDER_LIVE);
    levels(w, WIRE_book_snapshot, E8(43020), E8(1), E8(43021), E8(1));
    CHECK_INT(world_state(w, id), ORDER_FILLED);
}

static void cancels_and_replaces_work_on_simulated_orders(void)
{
    struct world *w = dry_world();
    uint64_t id = world_place(w, SIDE_BUY, E8(42990), QTY);
    struct wire_order_replace m;

    WIRE_BEGIN(&m, order_replace);
    m.header.publisher = WORLD_RUNNER;
    m.header.account = 1;
    m.order_id = id;
    m.engine_epoch = w->config.epoch;
    m.deadline_ns = w->now_ns + NS_PER_S;
    m.price = E8(42991);
    m.qty = 2 * QTY;
    m.strategy = WORLD_STRATEGY;
    m.revision = 1;
    m.price_exp = m.qty_exp = 8;
    world_send(w, &m);
    CHECK_INT(world_state(w, id), ORDER_LIVE);
    CHECK_INT(engine_core_order(w->core, id)->price, E8(42991));
    CHECK_INT(engine_core_order(w->core, id)->qty, 2 * QTY);
    world_cancel(w, id);
    CHECK_INT(world_state(w, id), ORDER_CANCELLED);
    CHECK_INT(w->command_count, 0);
}

static void paper_balances_move_with_fills_and_survive_a_restart(void)
{
    struct world *w = dry_world();

    (void)ioc(w, SIDE_BUY, E8(43001), E8(1) / 10, TIF_IOC);
    world_run(w, 6000);
    int64_t usdt = 0, btc = 0;
    for (unsigned i = 0; i < w->out_count; i++) {
        if (w->out[i].type != WIRE_account_event)
            continue;
        if (strcmp(w->out[i].u.account.asset, "USDT") == 0)
            usdt = w->out[i].u.account.total;
        else
            btc = w->out[i].u.account.total;
    }
    CHECK_INT(usdt, E8(10000) - 430010000000 - 430010000);
    CHECK_INT(btc, E8(11) / 10);
    (void)ioc(w, SIDE_SELL, E8(43000), E8(1) / 10, TIF_IOC);
    world_restart(w); /* Before balances were asked again. */
    define_by_gateway(w);
    world_run(w, 6000);
    for (unsigned i = 0; i < w->out_count; i++)
        if (w->out[i].type == WIRE_account_event && strcmp(w->out[i].u.account.asset, "BTC") == 0)
            btc = w->out[i].u.account.total;
    CHECK_INT(btc, E8(1));
}

static void a_kill_works_in_dry_run_too(void)
{
    struct world *w = dry_world();
    uint64_t id = world_place(w, SIDE_BUY, E8(42990), QTY);

    engine_core_kill(w->core, REASON_SIGNAL, w->now_ns);
    world_run(w, 500);
    CHECK_INT(world_state(w, id), ORDER_CANCELLED);
}

static void resting_orders_are_still_there_after_a_restart(void)
{
    struct world *w = dry_world();
    uint64_t id = world_place(w, SIDE_SELL, E8(43010), QTY);

    world_restart(w);
    define_by_gateway(w);
    world_run(w, 500);
    CHECK_INT(world_state(w, id), ORDER_LIVE);
    levels(w, WIRE_book_snapshot, E8(43020), E8(1), E8(43021), E8(1));
    CHECK_INT(world_state(w, id), ORDER_FILLED);
}

int main(void)
{
    CASE(a_taker_walks_the_book_and_takes_what_it_hits);
    CASE(an_ioc_remainder_expires_and_a_fok_is_all_or_nothing);
    CASE(a_market_order_takes_the_touch);
    CASE(a_post_only_order_that_would_take_is_refused);
    CASE(a_resting_order_waits_behind_the_queue);
    CASE(a_market_that_crosses_a_resting_order_fills_it_at_its_price);
    CASE(nothing_fills_on_a_book_that_is_not_whole);
    CASE(cancels_and_replaces_work_on_simulated_orders);
    CASE(paper_balances_move_with_fills_and_survive_a_restart);
    CASE(a_kill_works_in_dry_run_too);
    CASE(resting_orders_are_still_there_after_a_restart);
    DONE();
}
