/* Dry run of a perpetual: the venue that the engine plays keeps positions, profit, margin and
 * funding. Figures by hand. */
#include "common/pure/book.h"
#include "tests/unit/perp_world.h"

static struct book books[2];

static void snapshot(struct world *w, int64_t bid, int64_t ask)
{
    static struct wire_book_delta b;

    wire_book_begin(&b, WIRE_book_snapshot);
    b.header.account = 1;
    b.header.publisher = WORLD_GATEWAY;
    b.header.instrument = PERP;
    b.header.origin_ns = w->now_ns;
    b.price_exp = b.qty_exp = 8;
    b.is_last = 1;
    b.exchange_ns = 0;
    b.venue_seq = 0;
    b.bid_count = b.ask_count = 1;
    b.levels[0] = (struct wire_level){ bid, E8(1) };
    b.levels[1] = (struct wire_level){ ask, E8(1) };
    wire_book_end(&b);
    world_quote(w, bid, ask);
    world_send(w, &b);
}

static void mark(struct world *w, int64_t price)
{
    struct wire_mark_price m;

    WIRE_BEGIN(&m, mark_price);
    m.header.account = 1;
    m.header.instrument = PERP;
    m.mark_price = price;
    m.price_exp = 8;
    world_send(w, &m);
}

static void rate(struct world *w, int64_t ppb, int64_t next_ns)
{
    struct wire_funding f;

    WIRE_BEGIN(&f, funding);
    f.header.account = 1;
    f.header.instrument = PERP;
    f.rate_ppb = ppb;
    f.next_funding_ns = next_ns;
    world_send(w, &f);
}

static void define(struct world *w)
{
    struct wire_instrument d;

    for (int i = 0; i < 2; i++) {
        perp_definition(w, &d, i == 0);
        world_send(w, &d);
    }
    snapshot(w, E8(43000), E8(43001));
    mark(w, E8(43000));
}

static struct world *dry_perp(void)
{
    struct world *w = perp_new();

    w->config.is_dry_run = true;
    w->config.paper_balances = "USDT=10000";
    w->config.paper_leverage_ppm = 5000000;
    w->config.books = books;
    for (int i = 0; i < 2; i++) {
        book_fini(&books[i]);
        CHECK_INT(book_init(&books[i], 1000, 8, 8), 0);
    }
    world_boot(w, true);
    define(w);
    world_run(w, 500);
    wire_reason why;
    CHECK_INT(engine_core_state(w->core, w->now_ns, &why), ENGINE_READY);
    w->out_count = 0;
    return w;
}

static int64_t last_total(const struct world *w)
{
    for (unsigned i = w->out_count; i-- > 0;)
        if (w->out[i].type == WIRE_account_event && w->out[i].u.account.kind == ACCOUNT_BALANCE &&
            strcmp(w->out[i].u.account.asset, "USDT") == 0)
            return w->out[i].u.account.total;
    return 0;
}

/* Bought 0.1 at 43,001, sold 0.04 at 43,000: -0.04 realised; fees 500 ppm of 4,300.1 and 1,720. */
static void closing_realises_and_the_balance_moves_by_it_alone(void)
{
    struct world *w = dry_perp();

    world_place(w, SIDE_BUY, E8(43001), 10 * QTY);
    const struct world_out *t = world_last_out(w, WIRE_trade_event);
    CHECK_INT(t->u.trade.has_realised_pnl, 1);
    CHECK_INT(t->u.trade.realised_pnl, 0);
    CHECK_INT(t->u.trade.fee, 215005000);
    CHECK_STR(t->u.trade.fee_asset, "USDT");
    const struct world_out *p = world_last_out(w, WIRE_account_position);
    CHECK_INT(p->u.position.qty, 10 * QTY);
    CHECK_INT(p->u.position.avg_price, E8(43001));
    CHECK_INT(p->u.position.mark_price, E8(43000));
    CHECK_INT(p->u.position.unrealised_pnl, -10000000);
    CHECK_INT(p->u.position.margin, E8(860)); /* 4,300 over 5. */
    world_place(w, SIDE_SELL, E8(43000), 4 * QTY);
    t = world_last_out(w, WIRE_trade_event);
    CHECK_INT(t->u.trade.realised_pnl, -4000000);
    world_run(w, 10000);
    CHECK_INT(last_total(w), E8(10000) - 215005000 - 86000000 - 4000000);
}

static void it_turns_through_zero(void)
{
    struct world *w = dry_perp();

    world_place(w, SIDE_BUY, E8(43001), 4 * QTY);
    world_place(w, SIDE_SELL, E8(43000), 10 * QTY);
    const struct world_out *p = world_last_out(w, WIRE_account_position);
    CHECK_INT(p->u.position.qty, -6 * QTY);
    CHECK_INT(p->u.position.avg_price, E8(43000));
    CHECK_INT(world_last_out(w, WIRE_trade_event)->u.trade.realised_pnl, -4000000);
}

/* 0.1 long at a mark of 43,000 and 100 ppm: 0.43 paid, once, at its time. */
static void funding_is_paid_at_its_time(void)
{
    struct world *w = dry_perp();
    int64_t due = WORLD_WALL + w->now_ns + 3 * NS_PER_S;

    world_place(w, SIDE_BUY, E8(43001), 10 * QTY);
    rate(w, 100000, due);
    world_run(w, 2900);
    mark(w, E8(43000));
    CHECK_INT(engine_core_counters(w->core)->funding_paid, 0);
    world_run(w, 200);
    CHECK_INT(engine_core_counters(w->core)->funding_paid, 1);
    for (unsigned i = 0; i < w->out_count; i++)
        if (w->out[i].type == WIRE_account_event && w->out[i].u.account.kind == ACCOUNT_FUNDING)
            CHECK_INT(w->out[i].u.account.change, -43000000);
    rate(w, -50000, due + 3600 * NS_PER_S);
    world_run(w, 10000);
    CHECK_INT(engine_core_counters(w->core)->funding_paid, 1);
    CHECK_INT(last_total(w), E8(10000) - 215005000 - 43000000);
}

/* A rate for the next hour comes a moment late: the one before is paid by its own. */
static void a_new_rate_does_not_swallow_the_one_due(void)
{
    struct world *w = dry_perp();
    int64_t due = WORLD_WALL + w->now_ns;

    world_place(w, SIDE_SELL, E8(43000), 10 * QTY);
    rate(w, 100000, due);
    rate(w, 700000, due + 3600 * NS_PER_S);
    world_run(w, 100);
    for (unsigned i = 0; i < w->out_count; i++)
        if (w->out[i].type == WIRE_account_event && w->out[i].u.account.kind == ACCOUNT_FUNDING)
            CHECK_INT(w->out[i].u.account.change, 43000000); /* Shorts receive. */
    CHECK_INT(engine_core_counters(w->core)->funding_paid, 1);
}

static void a_restart_in_the_middle_changes_nothing(void)
{
    struct world *w = dry_perp();

    world_place(w, SIDE_BUY, E8(43001), 10 * QTY);
    rate(w, 100000, WORLD_WALL + w->now_ns);
    world_run(w, 1000);
    world_restart(w);
    define(w);
    world_run(w, 1000);
    world_place(w, SIDE_SELL, E8(43000), 10 * QTY);
    CHECK_INT(world_last_out(w, WIRE_trade_event)->u.trade.realised_pnl, -10000000);
    world_run(w, 10000);
    CHECK_INT(last_total(w), E8(10000) - 215005000 - 215000000 - 43000000 - 10000000);
    CHECK_INT(world_last_out(w, WIRE_account_position)->u.position.qty, 0);
}

static int append_to(void *ctx, uint16_t type, const void *record, size_t size)
{
    return world_append(ctx, type, record, size);
}

/* The same over a checkpoint: the old records are gone. */
static void a_checkpoint_holds_the_cost(void)
{
    struct world *w = dry_perp();

    w->config.trades_max = 16;
    world_place(w, SIDE_BUY, E8(43001), 10 * QTY);
    rate(w, 100000, WORLD_WALL + w->now_ns);
    world_run(w, 1000);
    w->journal_len = 0;
    CHECK_INT(engine_core_checkpoint(w->core, append_to, w), 0);
    world_restart(w);
    define(w);
    world_run(w, 1000);
    world_place(w, SIDE_SELL, E8(43000), 10 * QTY);
    CHECK_INT(world_last_out(w, WIRE_trade_event)->u.trade.realised_pnl, -10000000);
    world_run(w, 10000);
    CHECK_INT(last_total(w), E8(10000) - 215005000 - 215000000 - 43000000 - 10000000);
}

static void a_reduce_only_order_ends_with_what_it_could_reduce(void)
{
    struct world *w = dry_perp();

    world_place(w, SIDE_BUY, E8(43001), 4 * QTY);
    struct wire_order_request m = world_intent(w, SIDE_SELL, E8(43100), 4 * QTY);
    m.is_reduce_only = 1;
    world_send(w, &m);
    CHECK_INT(world_state(w, m.order_id), ORDER_LIVE);
    world_place(w, SIDE_SELL, E8(43000), 2 * QTY); /* Half of it goes another way. */
    CHECK_INT(world_state(w, m.order_id), ORDER_EXPIRED);
    CHECK_INT(engine_core_order(w->core, m.order_id)->why, REASON_REDUCE_ONLY);
}

int main(void)
{
    CASE(closing_realises_and_the_balance_moves_by_it_alone);
    CASE(it_turns_through_zero);
    CASE(funding_is_paid_at_its_time);
    CASE(a_new_rate_does_not_swallow_the_one_due);
    CASE(a_restart_in_the_middle_changes_nothing);
    CASE(a_checkpoint_holds_the_cost);
    CASE(a_reduce_only_order_ends_with_what_it_could_reduce);
    for (int i = 0; i < 2; i++)
        book_fini(&books[i]);
    DONE();
}
