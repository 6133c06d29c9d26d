/* Books. A topic's messages count up by one in "u": a snapshot replaces everything, a delta holds
 * absolute sizes. u 1 is a snapshot whatever it calls itself: the service has restarted. */
#include "common/pure/book_emit.h"
#include "venues/bybit/feed.h"

enum { RESYNC_ATTEMPTS_MAX = 3 /* Waits double from RESYNC_WAIT_NS to eight of them. */ };
#define RESYNC_WAIT_NS (1 * NS_PER_S)
#define RESYNC_CALM_NS (10 * NS_PER_S) /* Good for so long: the next failure is a first one. */

/* ---- status ---- */

void bybit_market_status(const struct bybit_call *call, const struct bybit_market *market)
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
    status.last_message_ns = call->feed->connections[market->connection].last_message_ns;
    status.clock_offset_ns = call->feed->clock_offset_ns;
    status.state = market->state;
    status.why = market->why;
    bybit_feed_emit(call, &status.header);
}

void bybit_market_set_state(const struct bybit_call *call, struct bybit_market *market,
                            wire_feed_state state, wire_reason why)
{
    bool is_new = market->state != state || market->why != why;

    market->state = state;
    market->why = why;
    if (is_new)
        bybit_market_status(call, market);
}

void bybit_market_lost(const struct bybit_call *call, struct bybit_market *market,
                       wire_feed_state state, wire_reason why)
{
    int64_t now = call->clock->now_ns;
    bool was_good = market->state == FEED_LIVE;
    bool is_due = !market->is_lost || market->is_asked;

    if (was_good && now - market->live_since_ns >= RESYNC_CALM_NS)
        market->resync_attempt = 0;
    market->is_lost = true;
    market->is_asked = false;
    book_stale(&market->book);
    bybit_market_set_state(call, market, state, why);
    if (was_good)
        bybit_feed_update_state(call, false);
    if (!call->feed->connections[market->connection].is_open || !market->is_subscribed || !is_due ||
        market->is_refused)
        return;
    if (market->resync_attempt == 0)
        bybit_feed_resync(call, market);
    else
        market->resync_at_ns =
            now + (RESYNC_WAIT_NS << MIN(market->resync_attempt - 1, RESYNC_ATTEMPTS_MAX));
    market->resync_attempt++;
}

/* ---- publishing ---- */

static bool is_same_level(const struct wire_level *a, const struct wire_level *b)
{
    return a->price == b->price && a->qty == b->qty;
}

/* Publishes the top when it is not what was published last. */
static void quote_top(const struct bybit_call *call, struct bybit_market *market)
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
    quote.venue_seq = market->update_id;
    quote.bid_price = bid->price;
    quote.bid_qty = bid->qty;
    quote.ask_price = ask->price;
    quote.ask_qty = ask->qty;
    quote.price_exp = market->book.price_exp;
    quote.qty_exp = market->book.qty_exp;
    market->quoted_bid = *bid;
    market->quoted_ask = *ask;
    bybit_feed_emit(call, &quote.header);
}

static void stamp(void *ctx, struct wire_header *event)
{
    bybit_feed_emit(ctx, event);
}

static struct book_emitter emitter(const struct bybit_call *call, const struct bybit_market *market)
{
    return (struct book_emitter){ .emit = stamp,
                                  .ctx = (void *)(uintptr_t)call,
                                  .instrument = market->instrument,
                                  .event = &call->feed->event };
}

void bybit_market_snapshot(const struct bybit_call *call, struct bybit_market *market,
                           bool is_repeat)
{
    struct book_emitter to = emitter(call, market);

    to.flags = is_repeat ? WIRE_SNAPSHOT : 0;
    book_emit_whole(&to, &market->book);
}

/* ---- reading ---- */

struct book_message {
    struct scan_value bids, asks;
    uint64_t update_id, seq;
    bool has_update_id;
    unsigned bid_count, ask_count; /* Levels in feed->bids, feed->asks. */
};

static int read_message(const struct scan_value *data, struct book_message *out)
{
    struct scan_iter iter;
    struct scan_value key, value;
    int err = data->type == SCAN_OBJECT ? scan_begin(&iter, data) : ERR_PROTO;

    while (!err && (err = scan_member(&iter, &key, &value)) == 0) {
        if (scan_is(&key, "b"))
            out->bids = value;
        else if (scan_is(&key, "a"))
            out->asks = value;
        else if (scan_is(&key, "u"))
            out->has_update_id = (err = scan_u64(&value, &out->update_id)) == 0;
        else if (scan_is(&key, "seq"))
            err = scan_u64(&value, &out->seq);
    }
    return err == ERR_NOT_FOUND && out->has_update_id && out->bids.type == SCAN_ARRAY &&
                   out->asks.type == SCAN_ARRAY
               ? 0
               : ERR_PROTO;
}

/* Reads [price, size, ...] of iter, which stands before it. */
static int read_level(struct scan_iter *iter, struct scan_value *price, struct scan_value *qty)
{
    struct scan_iter pair;

    if (scan_enter(iter, &pair) != 0 || scan_next(&pair) != 0 || scan_value(&pair, price) != 0 ||
        scan_next(&pair) != 0 || scan_value(&pair, qty) != 0)
        return ERR_PROTO;
    return scan_leave(iter, &pair);
}

/* Reads a side. 0, or ERR_PROTO (also: more levels than any book of the venue has). */
static int read_side(const struct scan_value *side, const struct book *book,
                     struct wire_level *levels, unsigned *count)
{
    struct scan_iter iter;
    struct scan_value price, qty;
    unsigned n = 0;
    int err = scan_begin(&iter, side);

    while (!err && (err = scan_next(&iter)) == 0) {
        struct wire_level level;
        if (n == BYBIT_SIDE_MAX || read_level(&iter, &price, &qty) != 0 ||
            scan_decimal(&price, book->price_exp, &level.price) != 0 ||
            scan_decimal(&qty, book->qty_exp, &level.qty) != 0 || level.price <= 0 || level.qty < 0)
            return ERR_PROTO;
        levels[n++] = level;
    }
    *count = n;
    return err == ERR_NOT_FOUND ? 0 : ERR_PROTO;
}

/* The longest texts of a side: what the exponents are made of where no definition said them. */
static int measure(const struct scan_value *side, int *price_decimals, int *qty_decimals)
{
    struct scan_iter iter;
    struct scan_value price, qty;
    int err = scan_begin(&iter, side);

    while (!err && (err = scan_next(&iter)) == 0) {
        err = read_level(&iter, &price, &qty);
        if (!err) {
            *price_decimals = MAX(*price_decimals, bybit_decimals(&price));
            *qty_decimals = MAX(*qty_decimals, bybit_decimals(&qty));
        }
    }
    return err == ERR_NOT_FOUND ? 0 : ERR_PROTO;
}

static int read_levels(struct bybit_feed *feed, struct bybit_market *market,
                       struct book_message *message)
{
    int price_decimals = 0, qty_decimals = 0;

    if (UNLIKELY(!market->is_defined && !market->is_scaled)) {
        if (measure(&message->bids, &price_decimals, &qty_decimals) != 0 ||
            measure(&message->asks, &price_decimals, &qty_decimals) != 0)
            return ERR_PROTO;
        bybit_market_scale(market, price_decimals, qty_decimals);
        market->price_decimals = price_decimals;
    }
    int err = read_side(&message->bids, &market->book, feed->bids, &message->bid_count);
    return err ? err : read_side(&message->asks, &market->book, feed->asks, &message->ask_count);
}

/* ---- applying ---- */

/* A delta that is published has each price once; the venue sorts its levels, so a look at
 * neighbours tells. Gives how many are left. */
static unsigned unite(struct wire_level *levels, unsigned count, bool is_bid)
{
    for (unsigned i = 1; i < count; i++)
        if (is_bid ? levels[i].price >= levels[i - 1].price
                   : levels[i].price <= levels[i - 1].price)
            return book_unite(levels, count);
    return count;
}

static int crossed(const struct bybit_call *call, struct bybit_market *market)
{
    call->feed->stats.crossed++;
    bybit_market_lost(call, market, FEED_STALE, REASON_CROSSED);
    return ERR_STALE;
}

static void note_message(const struct bybit_call *call, struct bybit_market *market,
                         const struct book_message *message, int64_t exchange_ns)
{
    market->update_id = market->book.venue_seq = message->update_id;
    market->seq = message->seq;
    market->book.exchange_ns = exchange_ns;
    market->book.updated_ns = call->clock->now_ns;
}

static void fill(struct bybit_feed *feed, struct bybit_market *market,
                 const struct book_message *message)
{
    book_clear(&market->book);
    for (unsigned i = message->bid_count; i-- > 0;)
        book_set(&market->book, SIDE_BUY, feed->bids[i].price, feed->bids[i].qty);
    for (unsigned i = message->ask_count; i-- > 0;)
        book_set(&market->book, SIDE_SELL, feed->asks[i].price, feed->asks[i].qty);
}

static int on_snapshot(const struct bybit_call *call, struct bybit_market *market,
                       struct book_message *message, int64_t exchange_ns)
{
    struct bybit_feed *feed = call->feed;
    bool is_repeat =
        market->depth == 1 && market->state == FEED_LIVE && message->update_id == market->update_id;

    if (is_repeat) { /* Depth 1 says the same again after three quiet seconds. */
        market->book.updated_ns = call->clock->now_ns;
        return 0;
    }
    int err = read_levels(feed, market, message);
    if (err)
        return err;
    fill(feed, market, message);
    note_message(call, market, message, exchange_ns);
    feed->stats.snapshots++;
    if (book_is_crossed(&market->book))
        return crossed(call, market);
    if (market->is_lost && market->was_live) {
        market->resyncs++;
        feed->stats.resyncs++;
    }
    market->is_lost = market->is_asked = false;
    market->resync_at_ns = 0;
    if (market->state != FEED_LIVE)
        market->live_since_ns = call->clock->now_ns;
    market->was_live = true;
    book_live(&market->book, call->clock->now_ns);
    bybit_market_snapshot(call, market, false);
    quote_top(call, market);
    bybit_market_set_state(call, market, FEED_LIVE, REASON_NONE);
    bybit_feed_update_state(call, false);
    return 0;
}

static int gap(const struct bybit_call *call, struct bybit_market *market)
{
    call->feed->stats.gaps++;
    market->gaps++;
    bybit_market_lost(call, market, FEED_STALE, REASON_SEQUENCE_GAP);
    return ERR_STALE;
}

static int on_delta(const struct bybit_call *call, struct bybit_market *market,
                    struct book_message *message, int64_t exchange_ns)
{
    struct bybit_feed *feed = call->feed;
    struct book *book = &market->book;

    if (market->is_lost)
        return 0; /* Of a subscription that was given up: the snapshot will say it all. */
    if (book->is_stale)
        return gap(call, market);
    if (message->update_id <= market->update_id) {
        feed->stats.dropped_old++;
        return 0;
    }
    if (message->update_id != market->update_id + 1 || message->seq < market->seq)
        return gap(call, market);
    int err = read_levels(feed, market, message);
    if (err)
        return err;
    message->bid_count = unite(feed->bids, message->bid_count, true);
    message->ask_count = unite(feed->asks, message->ask_count, false);
    uint64_t dropped = book->bids.dropped + book->asks.dropped;
    for (unsigned i = 0; i < message->bid_count; i++)
        book_set(book, SIDE_BUY, feed->bids[i].price, feed->bids[i].qty);
    for (unsigned i = 0; i < message->ask_count; i++)
        book_set(book, SIDE_SELL, feed->asks[i].price, feed->asks[i].qty);
    note_message(call, market, message, exchange_ns);
    feed->stats.deltas++;
    if (UNLIKELY(book_is_crossed(book)))
        return crossed(call, market);
    /* The venue announces each level that leaves its window: twice the depth is never reached. */
    if (UNLIKELY(book->bids.dropped + book->asks.dropped != dropped))
        return gap(call, market);
    struct book_emitter to = emitter(call, market);
    book_emit_changes(&to, book, feed->bids, message->bid_count, feed->asks, message->ask_count);
    quote_top(call, market);
    return 0;
}

int bybit_feed_book(const struct bybit_call *call, struct bybit_market *market, unsigned depth,
                    bool is_snapshot, const struct scan_value *data, int64_t exchange_ns)
{
    struct book_message message = { .update_id = 0 };
    int err = read_message(data, &message);

    if (market->depth == 0 && is_snapshot)
        market->depth = depth; /* Replay: the first book of a symbol is the one followed. */
    if (market->depth != depth && (market->depth != 0 || !call->feed->takes_any_symbol))
        return 0; /* Depths count apart. */
    if (!err)
        err = is_snapshot || message.update_id == 1
                  ? on_snapshot(call, market, &message, exchange_ns)
                  : on_delta(call, market, &message, exchange_ns);
    if (err == ERR_PROTO) /* A change that we could not read is a change that we miss. */
        bybit_market_lost(call, market, FEED_STALE, REASON_BAD_BYTES);
    return err;
}
