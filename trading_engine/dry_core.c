#include "trading_engine/core_internal.h"

#include <stdio.h>

/* A venue made of the live book: takers walk our own copy of it and take what they hit out of it
 * until the feed says otherwise; a resting order waits behind the quantity that was displayed at
 * its price, and fills when trades have eaten through that queue or the market crosses its price.
 * No latency, no market impact on others: better than reality, and marked WIRE_SIMULATED in every
 * event. */

struct venue_report *dry_report(struct engine_core *e)
{
    if (e->dry_count == DRY_QUEUE_MAX) {
        e->counters.dry_dropped++;
        return NULL;
    }
    struct venue_report *r = &e->dry_queue[(e->dry_head + e->dry_count++) % DRY_QUEUE_MAX];
    memset(r, 0, sizeof(*r));
    return r;
}

static struct venue_report *queue_about(struct engine_core *e, const struct order *o,
                                        enum venue_report_kind kind, const struct venue_command *c)
{
    struct venue_report *r = dry_report(e);

    if (!r)
        return NULL;
    r->kind = kind;
    r->op = c ? c->op : OP_PLACE;
    r->request_id = c ? c->request_id : 0;
    r->instrument = o->r.instrument;
    r->instrument_kind = o->r.instrument_kind;
    text_copy(r->symbol, sizeof(r->symbol), o->r.symbol);
    order_client_id(e, o, o->r.venue_revision, r->client_order_id);
    snprintf(r->exchange_order_id, sizeof(r->exchange_order_id), "SIM-%llx",
             (unsigned long long)o->r.order_id);
    r->side = o->r.side;
    r->type = o->r.order_type;
    r->time_in_force = o->r.time_in_force;
    r->is_post_only = (o->r.flags & ORDER_POST_ONLY) != 0;
    r->price_exp = o->r.price_exp;
    r->qty_exp = o->r.qty_exp;
    r->price = o->dry_price;
    r->qty = o->dry_qty;
    r->cum_qty = o->dry_filled;
    r->exchange_ns = core_wall(e);
    return r;
}

static void queue_plain(struct engine_core *e, const struct venue_command *c,
                        enum venue_report_kind kind)
{
    struct venue_report *r = dry_report(e);

    if (!r)
        return;
    r->kind = kind;
    r->op = c->op;
    r->request_id = c->request_id;
}

static int64_t dry_leaves(const struct order *o)
{
    return o->dry_qty - o->dry_filled;
}

static void dry_fill(struct engine_core *e, struct order *o, const struct instrument_state *i,
                     int64_t price, int64_t qty, bool is_maker)
{
    const struct wire_instrument *d = &i->definition;
    int64_t ppm = is_maker ? d->maker_fee_ppm : d->taker_fee_ppm, notional = 0;

    if (ppm == 0)
        ppm = is_maker ? e->config.maker_fee_ppm : e->config.taker_fee_ppm;
    o->dry_filled += qty;
    if (dry_leaves(o) <= 0)
        o->is_dry_working = false;
    struct venue_report *r = queue_about(e, o, REPORT_FILL, NULL);
    if (!r) {
        o->dry_filled -= qty; /* Nobody would hear of it: it did not happen. */
        return;
    }
    r->is_from_stream = true;
    r->last_price = price;
    r->last_qty = qty;
    r->liquidity = is_maker ? LIQUIDITY_MAKER : LIQUIDITY_TAKER;
    r->amount_exp = ENGINE_AMOUNT_EXP;
    (void)fixed_notional(price, o->r.price_exp, qty, o->r.qty_exp, ENGINE_AMOUNT_EXP, FIXED_UP,
                         &notional);
    (void)fixed_mul_div(notional, ppm, 1000000, FIXED_UP, &r->fee);
    text_copy(r->fee_asset, sizeof(r->fee_asset), is_derivative(i) ? d->settle : d->quote);
    snprintf(r->venue_trade_id, sizeof(r->venue_trade_id), "SIM-%llx-%llu",
             (unsigned long long)e->config.epoch, (unsigned long long)++e->dry_number);
}

static struct book_side *opposite(struct book *book, wire_side side)
{
    return side == SIDE_BUY ? &book->asks : &book->bids;
}

static bool reaches(wire_side side, wire_order_type type, int64_t limit, int64_t price)
{
    return type == ORDER_MARKET || (side == SIDE_BUY ? price <= limit : price >= limit);
}

static bool has_live_book(const struct instrument_state *i)
{
    return i && i->book && i->is_book_whole && !i->book->is_stale &&
           (!i->has_feed_state || i->feed_state == FEED_LIVE);
}

static int64_t available(const struct instrument_state *i, const struct order *o)
{
    const struct book_side *side = opposite(i->book, o->r.side);
    int64_t sum = 0;

    for (uint32_t k = 0; book_level(side, k); k++) {
        if (!reaches(o->r.side, o->r.order_type, o->dry_price, book_level(side, k)->price))
            break;
        sum += book_level(side, k)->qty;
    }
    return sum;
}

static void take(struct engine_core *e, struct order *o, struct instrument_state *i, bool is_maker)
{
    struct book_side *side = opposite(i->book, o->r.side);
    wire_side other = o->r.side == SIDE_BUY ? SIDE_SELL : SIDE_BUY;

    while (dry_leaves(o) > 0 && book_best(side) && e->dry_count < DRY_QUEUE_MAX - 8) {
        struct wire_level best = *book_best(side);
        if (!reaches(o->r.side, o->r.order_type, o->dry_price, best.price))
            break;
        int64_t qty = MIN(best.qty, dry_leaves(o));
        book_set(i->book, other, best.price, best.qty - qty);
        dry_fill(e, o, i, is_maker ? o->dry_price : best.price, qty, is_maker);
    }
}

/* The quantity displayed at our price, before we join it. */
static int64_t displayed_at(const struct instrument_state *i, wire_side side, int64_t price)
{
    const struct book_side *own = side == SIDE_BUY ? &i->book->bids : &i->book->asks;

    for (uint32_t k = 0; book_level(own, k); k++)
        if (book_level(own, k)->price == price)
            return book_level(own, k)->qty;
    return 0;
}

void dry_expire(struct engine_core *e, struct order *o, wire_reason why)
{
    struct venue_report *r = queue_about(e, o, REPORT_EXPIRED, NULL);

    o->is_dry_working = false;
    if (r)
        r->why = why;
}

static void dry_place(struct engine_core *e, struct order *o, const struct venue_command *c)
{
    struct instrument_state *i = instrument_find(e, c->instrument);
    bool is_live = has_live_book(i);

    o->dry_price = c->price;
    o->dry_filled = o->r.base_filled;
    o->dry_qty = c->qty + o->r.base_filled;
    if ((o->r.flags & ORDER_POST_ONLY) && is_live && available(i, o) > 0) {
        struct venue_report *r = queue_about(e, o, REPORT_REJECTED, c);
        if (r)
            r->why = REASON_VENUE_POST_ONLY;
        return;
    }
    o->is_dry_working = true;
    struct venue_report *r = queue_about(e, o, REPORT_ACCEPTED, c);
    if (r)
        r->cum_qty = 0;
    bool is_short = o->r.time_in_force == TIF_FOK && (!is_live || available(i, o) < dry_leaves(o));
    if (is_live && !is_short)
        take(e, o, i, false);
    bool rests = o->r.order_type == ORDER_LIMIT && o->r.time_in_force == TIF_GTC;
    if (dry_leaves(o) > 0 && !rests)
        dry_expire(e, o, REASON_NO_LIQUIDITY);
    else if (dry_leaves(o) > 0)
        o->dry_queue_ahead = is_live ? displayed_at(i, o->r.side, o->dry_price) : INT64_MAX;
}

static void dry_replace(struct engine_core *e, struct order *o, const struct venue_command *c)
{
    struct instrument_state *i = instrument_find(e, c->instrument);
    int64_t price = o->dry_price, qty = o->dry_qty;
    bool is_live = has_live_book(i);

    o->dry_price = c->price;
    o->dry_qty = c->qty;
    bool is_refused = !o->is_dry_working || c->qty <= o->dry_filled ||
                      ((o->r.flags & ORDER_POST_ONLY) && is_live && available(i, o) > 0);
    if (is_refused) {
        o->dry_price = price;
        o->dry_qty = qty;
        struct venue_report *r = queue_about(e, o, REPORT_REPLACE_REJECTED, c);
        if (r)
            r->why = o->is_dry_working ? REASON_VENUE_POST_ONLY : REASON_VENUE_UNKNOWN_ORDER;
        return;
    }
    (void)queue_about(e, o, REPORT_REPLACED, c);
    o->dry_queue_ahead = is_live ? displayed_at(i, o->r.side, o->dry_price) : INT64_MAX;
    if (is_live)
        take(e, o, i, false);
}

static void dry_cancel(struct engine_core *e, struct order *o, const struct venue_command *c)
{
    if (o->is_dry_working) {
        o->is_dry_working = false;
        (void)queue_about(e, o, REPORT_CANCELLED, c);
        return;
    }
    struct venue_report *r = queue_about(e, o, REPORT_CANCEL_REJECTED, c);
    if (r)
        r->why = REASON_VENUE_UNKNOWN_ORDER;
}

static void dry_query(struct engine_core *e, struct order *o, const struct venue_command *c)
{
    bool is_done = o->dry_qty > 0 && o->dry_filled >= o->dry_qty;

    if (!o->is_dry_working && !is_done) {
        (void)queue_about(e, o, REPORT_NO_SUCH_ORDER, c);
        return;
    }
    struct venue_report *r = queue_about(e, o, REPORT_ORDER, c);
    if (r)
        r->state = is_done ? ORDER_FILLED : o->dry_filled > 0 ? ORDER_PARTIALLY_FILLED : ORDER_LIVE;
}

static void dry_list(struct engine_core *e, const struct venue_command *c, bool is_cancel)
{
    FOR_EACH_LIVE(e, o)
    {
        if (!o->is_dry_working)
            continue;
        if (is_cancel)
            o->is_dry_working = false;
        struct venue_report *r =
            queue_about(e, o, is_cancel ? REPORT_CANCELLED : REPORT_ORDER, is_cancel ? NULL : c);
        if (r && !is_cancel)
            r->state = o->dry_filled > 0 ? ORDER_PARTIALLY_FILLED : ORDER_LIVE;
    }
    queue_plain(e, c, REPORT_DONE);
}

int dry_command(struct engine_core *e, const struct venue_command *c)
{
    char environment;
    uint64_t order_id = 0;
    unsigned revision;
    (void)client_id_read(c->client_order_id, &environment, &order_id, &revision);
    struct order *o = order_by_id(e, order_id);

    if (e->dry_count > DRY_QUEUE_MAX / 2)
        return ERR_FULL;
    switch (c->op) {
    case OP_PLACE:
        if (o)
            dry_place(e, o, c);
        return o ? 0 : ERR_NOT_FOUND;
    case OP_CANCEL:
        if (o)
            dry_cancel(e, o, c);
        return o ? 0 : ERR_NOT_FOUND;
    case OP_REPLACE:
        if (o)
            dry_replace(e, o, c);
        return o ? 0 : ERR_NOT_FOUND;
    case OP_QUERY:
        if (o)
            dry_query(e, o, c);
        return o ? 0 : ERR_NOT_FOUND;
    case OP_OPEN_ORDERS:
    case OP_CANCEL_ALL:
        dry_list(e, c, c->op == OP_CANCEL_ALL);
        return 0;
    case OP_BALANCES:
        dry_balances(e, c);
        queue_plain(e, c, REPORT_DONE);
        return 0;
    case OP_POSITIONS:
        dry_positions(e, c);
        queue_plain(e, c, REPORT_DONE);
        return 0;
    default:
        queue_plain(e, c, REPORT_DONE);
        return 0;
    }
}

void dry_drain(struct engine_core *e)
{
    while (e->dry_count > 0) {
        struct venue_report r = e->dry_queue[e->dry_head];
        e->dry_head = (e->dry_head + 1) % DRY_QUEUE_MAX;
        e->dry_count--;
        if (r.kind == REPORT_FILL)
            dry_settle(e, &r);
        reports_take(e, &r);
        if (r.kind == REPORT_FILL)
            dry_after_fill(e, r.instrument);
    }
}

/* What the journal says is working still is: nobody but this process knows of these orders. */
void dry_restore(struct engine_core *e)
{
    FOR_EACH_LIVE(e, o)
    {
        o->dry_price = o->r.price;
        o->dry_qty = o->r.qty;
        o->dry_filled = o->r.filled_qty;
        o->dry_queue_ahead = INT64_MAX;
        o->is_dry_working = o->r.state != ORDER_PENDING_NEW && o->r.state != ORDER_UNKNOWN &&
                            o->dry_filled < o->dry_qty;
    }
}

/* ---- the market moves ---- */

/* Resting orders that the market has come to. */
static void cross(struct engine_core *e, struct instrument_state *i)
{
    FOR_EACH_LIVE(e, o)
    {
        if (!o->is_dry_working || o->r.instrument != i->id)
            continue;
        int64_t shown = displayed_at(i, o->r.side, o->dry_price);
        o->dry_queue_ahead = MIN(o->dry_queue_ahead, shown);
        take(e, o, i, true);
    }
}

static void on_trade(struct engine_core *e, struct instrument_state *i, const struct wire_trade *t)
{
    wire_side resting = t->aggressor == SIDE_SELL ? SIDE_BUY : SIDE_SELL;
    int64_t price, left;

    if (t->aggressor == SIDE_NONE ||
        fixed_rescale(t->price, t->price_exp, i->definition.price_exp, FIXED_EXACT, &price) != 0 ||
        fixed_rescale(t->qty, t->qty_exp, i->definition.qty_exp, FIXED_DOWN, &left) != 0)
        return;
    FOR_EACH_LIVE(e, o)
    {
        if (!o->is_dry_working || o->r.instrument != i->id || o->r.side != resting || left <= 0)
            continue;
        bool is_through = resting == SIDE_BUY ? price < o->dry_price : price > o->dry_price;
        if (!is_through && price != o->dry_price)
            continue;
        int64_t eaten = is_through ? 0 : MIN(left, o->dry_queue_ahead);
        o->dry_queue_ahead -= eaten;
        left -= eaten;
        int64_t qty = MIN(left, dry_leaves(o));
        if (qty > 0 && e->dry_count < DRY_QUEUE_MAX - 8) {
            dry_fill(e, o, i, o->dry_price, qty, true);
            left -= qty;
        }
    }
}

void dry_market(struct engine_core *e, const struct wire_header *event)
{
    struct instrument_state *i = instrument_find(e, event->instrument);

    if (!i || !i->book || !i->is_defined)
        return;
    if (event->type == WIRE_trade) {
        if (has_live_book(i))
            on_trade(e, i, (const struct wire_trade *)event);
        return;
    }
    bool is_book = event->type == WIRE_book_snapshot || event->type == WIRE_book_delta;
    if (!is_book || (event->type == WIRE_book_delta && !i->is_book_whole))
        return;
    i->is_book_whole = book_apply(i->book, event) == 0;
    if (has_live_book(i))
        cross(e, i);
}
