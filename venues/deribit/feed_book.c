/* Books. Each change names the change before it (prev_change_id): a chain that must not break. A
 * subscription begins with the whole book. */
#include "common/pure/book_emit.h"
#include "venues/deribit/feed.h"

enum { RESYNC_DOUBLINGS_MAX = 3 };
#define RESYNC_WAIT_NS (1 * NS_PER_S)
#define RESYNC_CALM_NS (10 * NS_PER_S) /* Good for so long: the next failure is a first one. */

/* ---- status ---- */

void deribit_market_status(const struct deribit_call *call, const struct deribit_market *market)
{
    struct wire_feed_status status;

    if (market->instrument == 0)
        return; /* The metadata has not said yet what it is. */
    WIRE_BEGIN(&status, feed_status);
    status.header.instrument = market->instrument;
    status.messages = market->messages;
    status.gaps = market->gaps;
    status.resyncs = market->resyncs;
    status.rejected = market->rejected;
    status.last_message_ns = call->feed->last_message_ns;
    status.state = market->state;
    status.why = market->why;
    deribit_emit(call, &status.header);
}

void deribit_market_set_state(const struct deribit_call *call, struct deribit_market *market,
                              wire_feed_state state, wire_reason why)
{
    bool is_new = market->state != state || market->why != why;

    market->state = state;
    market->why = why;
    if (is_new)
        deribit_market_status(call, market);
}

void deribit_market_lost(const struct deribit_call *call, struct deribit_market *market,
                         wire_reason why)
{
    int64_t now = call->clock->now_ns;
    bool was_good = market->state == FEED_LIVE, was_lost = market->is_lost;

    if (was_good && now - market->live_since_ns >= RESYNC_CALM_NS)
        market->resync_attempt = 0;
    market->is_lost = true;
    book_stale(&market->book);
    deribit_market_set_state(call, market, FEED_STALE, why);
    if (was_good)
        deribit_update_state(call, false);
    if (!call->feed->is_open || !market->is_subscribed || was_lost)
        return;
    if (market->resync_attempt == 0)
        deribit_resync(call, market);
    else
        market->resync_at_ns =
            now + (RESYNC_WAIT_NS << MIN(market->resync_attempt - 1, RESYNC_DOUBLINGS_MAX));
    market->resync_attempt++;
}

/* ---- publishing ---- */

static bool is_same_level(const struct wire_level *a, const struct wire_level *b)
{
    return a->price == b->price && a->qty == b->qty;
}

static void quote_top(const struct deribit_call *call, struct deribit_market *market)
{
    static const struct wire_level none;
    const struct wire_level *bid = book_best(&market->book.bids);
    const struct wire_level *ask = book_best(&market->book.asks);
    struct wire_best_quote quote;

    bid = bid ? bid : &none;
    ask = ask ? ask : &none;
    if (is_same_level(bid, &market->quoted_bid) && is_same_level(ask, &market->quoted_ask))
        return;
    WIRE_BEGIN(&quote, best_quote);
    quote.header.instrument = market->instrument;
    quote.exchange_ns = market->book.exchange_ns;
    quote.venue_seq = market->change_id;
    quote.bid_price = bid->price;
    quote.bid_qty = bid->qty;
    quote.ask_price = ask->price;
    quote.ask_qty = ask->qty;
    quote.price_exp = market->book.price_exp;
    quote.qty_exp = market->book.qty_exp;
    market->quoted_bid = *bid;
    market->quoted_ask = *ask;
    deribit_emit(call, &quote.header);
}

static void stamp(void *ctx, struct wire_header *event)
{
    deribit_emit(ctx, event);
}

static struct book_emitter emitter(const struct deribit_call *call,
                                   const struct deribit_market *market)
{
    return (struct book_emitter){ .emit = stamp,
                                  .ctx = (void *)(uintptr_t)call,
                                  .instrument = market->instrument,
                                  .event = &call->feed->event };
}

void deribit_market_snapshot(const struct deribit_call *call, struct deribit_market *market,
                             bool is_repeat)
{
    struct book_emitter to = emitter(call, market);

    to.flags = is_repeat ? WIRE_SNAPSHOT : 0;
    book_emit_whole(&to, &market->book);
}

/* ---- reading ---- */

struct book_message {
    struct scan_value bids, asks, type;
    uint64_t change_id, prev_change_id;
    bool has_change_id, has_prev;
    int64_t exchange_ns;
    unsigned bid_count, ask_count; /* Levels in feed->bids, feed->asks. */
};

static int read_message(const struct scan_value *data, struct book_message *out)
{
    struct scan_iter iter;
    struct scan_value key, value;
    int err = data->type == SCAN_OBJECT ? scan_begin(&iter, data) : ERR_PROTO;

    while (!err && (err = scan_member(&iter, &key, &value)) == 0) {
        if (scan_is(&key, "bids"))
            out->bids = value;
        else if (scan_is(&key, "asks"))
            out->asks = value;
        else if (scan_is(&key, "type"))
            out->type = value;
        else if (scan_is(&key, "change_id"))
            out->has_change_id = (err = scan_u64(&value, &out->change_id)) == 0;
        else if (scan_is(&key, "prev_change_id"))
            out->has_prev = (err = scan_u64(&value, &out->prev_change_id)) == 0;
        else if (scan_is(&key, "timestamp"))
            err = deribit_ms(&value, &out->exchange_ns);
    }
    return err == ERR_NOT_FOUND && out->has_change_id && out->bids.type == SCAN_ARRAY &&
                   out->asks.type == SCAN_ARRAY
               ? 0
               : ERR_PROTO;
}

/* Reads ["new", price, amount] of iter, which stands before it. A deleted level has amount 0. */
static int read_level(struct scan_iter *iter, struct scan_value *price, struct scan_value *qty)
{
    struct scan_iter items;
    struct scan_value action;

    if (scan_enter(iter, &items) != 0 || scan_next(&items) != 0 ||
        scan_value(&items, &action) != 0 || action.type != SCAN_STRING || scan_next(&items) != 0 ||
        scan_value(&items, price) != 0 || scan_next(&items) != 0 || scan_value(&items, qty) != 0 ||
        price->type != SCAN_NUMBER || qty->type != SCAN_NUMBER)
        return ERR_PROTO;
    if (!scan_is(&action, "new") && !scan_is(&action, "change") && !scan_is(&action, "delete"))
        return ERR_PROTO;
    return scan_leave(iter, &items);
}

static int read_side(const struct scan_value *side, const struct book *book,
                     struct wire_level *levels, unsigned *count)
{
    struct scan_iter iter;
    struct scan_value price, qty;
    unsigned n = 0;
    int err = scan_begin(&iter, side);

    while (!err && (err = scan_next(&iter)) == 0) {
        struct wire_level level;
        if (n == DERIBIT_SIDE_MAX || read_level(&iter, &price, &qty) != 0 ||
            scan_decimal(&price, book->price_exp, &level.price) != 0 ||
            scan_decimal(&qty, book->qty_exp, &level.qty) != 0 || level.price <= 0 || level.qty < 0)
            return ERR_PROTO;
        levels[n++] = level;
    }
    *count = n;
    return err == ERR_NOT_FOUND ? 0 : ERR_PROTO;
}

/* The finest numbers of a side: what the exponents are made of where no definition said them. */
static int measure(const struct scan_value *side, int *price_decimals, int *qty_decimals)
{
    struct scan_iter iter;
    struct scan_value price, qty;
    int err = scan_begin(&iter, side);

    while (!err && (err = scan_next(&iter)) == 0) {
        err = read_level(&iter, &price, &qty);
        if (!err) {
            *price_decimals = MAX(*price_decimals, deribit_decimals(&price));
            *qty_decimals = MAX(*qty_decimals, deribit_decimals(&qty));
        }
    }
    return err == ERR_NOT_FOUND ? 0 : ERR_PROTO;
}

static int read_levels(struct deribit_feed *feed, struct deribit_market *market,
                       struct book_message *message)
{
    int price_decimals = 0, qty_decimals = 0;

    if (UNLIKELY(!market->is_scaled)) {
        if (measure(&message->bids, &price_decimals, &qty_decimals) != 0 ||
            measure(&message->asks, &price_decimals, &qty_decimals) != 0)
            return ERR_PROTO;
        deribit_scale(market, price_decimals, qty_decimals);
    }
    int err = read_side(&message->bids, &market->book, feed->bids, &message->bid_count);
    return err ? err : read_side(&message->asks, &market->book, feed->asks, &message->ask_count);
}

/* ---- applying ---- */

static int crossed(const struct deribit_call *call, struct deribit_market *market)
{
    call->feed->stats.crossed++;
    deribit_market_lost(call, market, REASON_CROSSED);
    return ERR_STALE;
}

static void apply(const struct deribit_call *call, struct deribit_market *market,
                  const struct book_message *message)
{
    struct deribit_feed *feed = call->feed;

    for (unsigned i = 0; i < message->bid_count; i++)
        book_set(&market->book, SIDE_BUY, feed->bids[i].price, feed->bids[i].qty);
    for (unsigned i = 0; i < message->ask_count; i++)
        book_set(&market->book, SIDE_SELL, feed->asks[i].price, feed->asks[i].qty);
    market->change_id = market->book.venue_seq = message->change_id;
    market->book.exchange_ns = message->exchange_ns;
    market->book.updated_ns = call->clock->now_ns;
}

static int on_snapshot(const struct deribit_call *call, struct deribit_market *market,
                       struct book_message *message)
{
    struct deribit_feed *feed = call->feed;
    int err = read_levels(feed, market, message);

    if (err)
        return err;
    book_clear(&market->book);
    apply(call, market, message);
    feed->stats.snapshots++;
    if (book_is_crossed(&market->book))
        return crossed(call, market);
    if (market->is_lost && market->was_live) {
        market->resyncs++;
        feed->stats.resyncs++;
    }
    if (market->state != FEED_LIVE)
        market->live_since_ns = call->clock->now_ns;
    market->is_lost = false;
    market->was_live = true;
    market->resync_at_ns = 0;
    book_live(&market->book, call->clock->now_ns);
    deribit_market_snapshot(call, market, false);
    quote_top(call, market);
    deribit_market_set_state(call, market, FEED_LIVE, REASON_NONE);
    deribit_update_state(call, false);
    return 0;
}

/* The venue lists changes in no order; ours are best first. Mostly one or two. */
static void sort_levels(struct wire_level *levels, unsigned count, bool is_bid)
{
    for (unsigned i = 1; i < count; i++) {
        struct wire_level level = levels[i];
        unsigned at = i;
        for (; at > 0 && (levels[at - 1].price < level.price) == is_bid &&
               levels[at - 1].price != level.price;
             at--)
            levels[at] = levels[at - 1];
        levels[at] = level;
    }
}

static int on_change(const struct deribit_call *call, struct deribit_market *market,
                     struct book_message *message)
{
    struct deribit_feed *feed = call->feed;

    if (market->is_lost)
        return 0; /* Of a subscription that was given up: the snapshot will say it all. */
    if (market->book.is_stale || message->prev_change_id != market->change_id) {
        feed->stats.gaps++;
        market->gaps++;
        deribit_market_lost(call, market, REASON_SEQUENCE_GAP);
        return ERR_STALE;
    }
    int err = read_levels(feed, market, message);
    if (err)
        return err;
    apply(call, market, message);
    feed->stats.deltas++;
    if (UNLIKELY(book_is_crossed(&market->book)))
        return crossed(call, market);
    struct book_emitter to = emitter(call, market);
    uint32_t bids = book_unite(feed->bids, message->bid_count);
    uint32_t asks = book_unite(feed->asks, message->ask_count);
    sort_levels(feed->bids, bids, true);
    sort_levels(feed->asks, asks, false);
    book_emit_changes(&to, &market->book, feed->bids, bids, feed->asks, asks);
    quote_top(call, market);
    return 0;
}

int deribit_book(const struct deribit_call *call, struct deribit_market *market,
                 const struct scan_value *data)
{
    struct book_message message = { .change_id = 0 };
    int err = read_message(data, &message);

    /* Recordings of before 2020 say no type: the first one names no change before it. */
    if (!err) {
        bool is_snapshot = message.type.type == SCAN_STRING ? scan_is(&message.type, "snapshot")
                                                            : !message.has_prev;
        err = is_snapshot        ? on_snapshot(call, market, &message)
              : message.has_prev ? on_change(call, market, &message)
                                 : ERR_PROTO;
    }
    if (err == ERR_PROTO) /* A change that we could not read is a change that we miss. */
        deribit_market_lost(call, market, REASON_BAD_BYTES);
    return err;
}
