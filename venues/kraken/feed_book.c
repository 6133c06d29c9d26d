#include "common/leaf/fixed.h"
#include "common/pure/book_emit.h"
#include "common/pure/instrument.h"
#include "venues/kraken/feed.h"

enum {
    RESYNC_ATTEMPTS_MAX = 3, /* Waits double from RESYNC_WAIT_NS to eight of them. */
    DELTA_LEVELS_MAX = 128,  /* A message has a handful; finding repeats is quadratic. */
};
#define RESYNC_WAIT_NS   (1 * NS_PER_S)
#define RESYNC_CALM_NS   (10 * NS_PER_S) /* Good for so long: the next failure is a first one. */
#define REFRESH_EVERY_NS (900 * NS_PER_S)
#define CHECK_FIRST_NS   (10 * NS_PER_S)

void kraken_market_scale(struct kraken_market *market, int price_decimals, int qty_decimals)
{
    int price_exp, qty_exp;

    if (market->is_scaled)
        return;
    instrument_exponents(price_decimals, qty_decimals, NULL, &price_exp, &qty_exp);
    market->book.price_exp = (int8_t)price_exp;
    market->book.qty_exp = (int8_t)qty_exp;
    market->is_scaled = true;
}

void kraken_market_status(const struct kraken_call *call, const struct kraken_market *market)
{
    struct wire_feed_status status;

    WIRE_BEGIN(&status, feed_status);
    status.header.instrument = market->instrument;
    status.messages = market->messages;
    status.gaps = market->gaps;
    status.resyncs = market->resyncs;
    status.checksum_failed = market->checksum_failed;
    status.rejected = market->rejected;
    status.last_message_ns = call->feed->last_message_ns;
    status.clock_offset_ns = call->feed->clock_offset_ns;
    status.state = market->state;
    status.why = market->why;
    kraken_feed_emit(call, &status.header);
}

static void set_state(const struct kraken_call *call, struct kraken_market *market,
                      wire_feed_state state, wire_reason why)
{
    bool is_new = market->state != state || market->why != why;

    market->state = state;
    market->why = why;
    if (is_new)
        kraken_market_status(call, market);
}

void kraken_market_lost(const struct kraken_call *call, struct kraken_market *market,
                        wire_feed_state state, wire_reason why)
{
    struct kraken_feed *feed = call->feed;
    int64_t now = call->clock->now_ns;
    bool was_good = market->state == FEED_LIVE;
    bool is_due = !market->is_lost || market->is_asked;

    if (was_good && now - market->live_since_ns >= RESYNC_CALM_NS)
        market->resync_attempt = 0;
    kraken_check_drop(feed, market);
    market->is_lost = true;
    market->book.is_stale = true;
    market->is_refreshing = false;
    market->is_asked = false;
    set_state(call, market, state, why);
    if (was_good)
        kraken_feed_update_state(call, false);
    if (!feed->is_open || !market->is_subscribed || !is_due)
        return;
    if (market->resync_attempt == 0)
        kraken_feed_resync(call, market);
    else
        market->resync_at_ns =
            now + (RESYNC_WAIT_NS << MIN(market->resync_attempt - 1, RESYNC_ATTEMPTS_MAX));
    market->resync_attempt++;
}

void kraken_market_quote(const struct kraken_call *call, struct kraken_market *market,
                         struct wire_level bid, struct wire_level ask, int64_t exchange_ns)
{
    struct wire_best_quote quote;

    WIRE_BEGIN(&quote, best_quote);
    quote.header.instrument = market->instrument;
    quote.exchange_ns = exchange_ns;
    quote.bid_price = bid.price;
    quote.bid_qty = bid.qty;
    quote.ask_price = ask.price;
    quote.ask_qty = ask.qty;
    quote.price_exp = market->book.price_exp;
    quote.qty_exp = market->book.qty_exp;
    market->quoted_bid = bid;
    market->quoted_ask = ask;
    kraken_feed_emit(call, &quote.header);
}

static bool is_same_level(const struct wire_level *a, const struct wire_level *b)
{
    return a->price == b->price && a->qty == b->qty;
}

/* Publishes the top when it is not what was published last. */
static void quote_top(const struct kraken_call *call, struct kraken_market *market)
{
    const struct wire_level *bid = book_best(&market->book.bids);
    const struct wire_level *ask = book_best(&market->book.asks);
    static const struct wire_level none;

    bid = bid ? bid : &none;
    ask = ask ? ask : &none;
    if (!is_same_level(bid, &market->quoted_bid) || !is_same_level(ask, &market->quoted_ask))
        kraken_market_quote(call, market, *bid, *ask, market->book.exchange_ns);
}

void kraken_market_snapshot(const struct kraken_call *call, struct kraken_market *market,
                            bool is_repeat)
{
    struct wire_book_delta *event = &call->feed->event;

    wire_book_begin(event, WIRE_book_snapshot);
    book_write_snapshot(&market->book, event);
    event->header.instrument = market->instrument;
    event->header.flags = is_repeat ? WIRE_SNAPSHOT : 0;
    event->exchange_ns = market->book.exchange_ns;
    event->is_last = 1;
    wire_book_end(event);
    kraken_feed_emit(call, &event->header);
}

/* ---- reading levels ---- */

struct book_message {
    struct scan_value symbol, bids, asks;
    bool has_checksum;
    uint32_t checksum;
    int64_t exchange_ns;
};

static int read_message(struct scan_iter *items, struct book_message *out)
{
    struct scan_iter iter;
    struct scan_value key, value;
    int err = scan_enter(items, &iter);

    if (!err && iter.close != '}')
        err = ERR_PROTO;
    while (!err && (err = scan_member(&iter, &key, &value)) == 0) {
        if (scan_is(&key, "symbol") && value.type == SCAN_STRING) {
            out->symbol = value;
        } else if (scan_is(&key, "bids")) {
            out->bids = value;
        } else if (scan_is(&key, "asks")) {
            out->asks = value;
        } else if (scan_is(&key, "checksum")) {
            uint64_t checksum;
            if (value.type != SCAN_NUMBER || scan_u64(&value, &checksum) != 0 ||
                checksum > UINT32_MAX)
                return ERR_PROTO;
            out->checksum = (uint32_t)checksum;
            out->has_checksum = true;
        } else if (scan_is(&key, "timestamp")) {
            if (value.type != SCAN_STRING ||
                time_text_read(value.text, value.len, &out->exchange_ns) != 0)
                return ERR_PROTO;
        }
    }
    if (err != ERR_NOT_FOUND || scan_leave(items, &iter) != 0 || out->symbol.type != SCAN_STRING)
        return ERR_PROTO;
    return 0;
}

/* The longest texts of the levels read: in a stream they are all of one length. */
struct decimals {
    int price, qty;
};

/* Walks the level at once: what finds its end first reads it twice. */
static int level_fields(struct scan_iter *levels, struct scan_value *price, struct scan_value *qty)
{
    struct scan_iter iter;
    struct scan_value key, value;
    int err = scan_enter(levels, &iter);

    if (err || iter.close != '}')
        return ERR_PROTO;
    price->type = qty->type = SCAN_NONE;
    while ((err = scan_member(&iter, &key, &value)) == 0) {
        if (scan_is(&key, "price"))
            *price = value;
        else if (scan_is(&key, "qty"))
            *qty = value;
    }
    return err == ERR_NOT_FOUND && price->type == SCAN_NUMBER && qty->type == SCAN_NUMBER
               ? scan_leave(levels, &iter)
               : ERR_PROTO;
}

/* Finds the longest price and quantity text of a side. */
static int measure(const struct scan_value *side, struct decimals *out)
{
    struct scan_iter iter;
    struct scan_value price, qty;

    if (side->type == SCAN_NONE)
        return 0;
    int err = side->type == SCAN_ARRAY ? scan_begin(&iter, side) : ERR_PROTO;
    while (!err && (err = scan_next(&iter)) == 0) {
        err = level_fields(&iter, &price, &qty);
        if (!err) {
            out->price = MAX(out->price, kraken_decimals(&price));
            out->qty = MAX(out->qty, kraken_decimals(&qty));
        }
    }
    return err == ERR_NOT_FOUND ? 0 : ERR_PROTO;
}

/* Reads a side into levels. 0, ERR_PROTO, or ERR_FULL: more than max. */
static int read_side(const struct scan_value *side, const struct kraken_market *market,
                     struct wire_level *levels, unsigned max, unsigned *count,
                     struct decimals *decimals)
{
    struct scan_iter iter;
    struct scan_value price, qty;
    unsigned n = 0;

    *count = 0;
    if (side->type == SCAN_NONE)
        return 0;
    int err = side->type == SCAN_ARRAY ? scan_begin(&iter, side) : ERR_PROTO;
    while (!err && (err = scan_next(&iter)) == 0) {
        struct wire_level level;
        if (n == max)
            return ERR_FULL;
        if (level_fields(&iter, &price, &qty) != 0 ||
            scan_decimal(&price, market->book.price_exp, &level.price) != 0 ||
            scan_decimal(&qty, market->book.qty_exp, &level.qty) != 0 || level.price <= 0 ||
            level.qty < 0)
            return ERR_PROTO;
        decimals->price = MAX(decimals->price, kraken_decimals(&price));
        decimals->qty = MAX(decimals->qty, kraken_decimals(&qty));
        levels[n++] = level;
    }
    *count = n;
    return err == ERR_NOT_FOUND ? 0 : ERR_PROTO;
}

/* Is the checksum of the book as it now is the venue's? A stream without one is only believed in a
 * replay: some recordings left it out. */
static bool checksum_holds(const struct kraken_call *call, struct kraken_market *market,
                           const struct book_message *message)
{
    struct venue_feed_stats *stats = &call->feed->stats;

    if (!message->has_checksum)
        return call->feed->takes_any_symbol;
    bool holds = kraken_checksum(&market->sum, &market->book, market->price_decimals,
                                 market->qty_decimals) == message->checksum;
    if (holds) {
        stats->checksum_ok++;
    } else {
        stats->checksum_failed++;
        market->checksum_failed++;
    }
    return holds;
}

/* After a message: checksum, then crossed. 0 or ERR_STALE: the book is then lost. */
static int prove(const struct kraken_call *call, struct kraken_market *market,
                 const struct book_message *message)
{
    if (UNLIKELY(!checksum_holds(call, market, message))) {
        kraken_market_lost(call, market, FEED_STALE, REASON_CHECKSUM);
        return ERR_STALE;
    }
    if (UNLIKELY(book_is_crossed(&market->book))) {
        call->feed->stats.crossed++;
        kraken_market_lost(call, market, FEED_STALE, REASON_CROSSED);
        return ERR_STALE;
    }
    return 0;
}

/* ---- snapshot ---- */

static unsigned depth_for(unsigned levels)
{
    static const unsigned depths[] = { 10, 25, 100, 500, 1000 };

    for (size_t i = 0; i < COUNT(depths); i++)
        if (levels <= depths[i])
            return depths[i];
    return KRAKEN_DEPTH_MAX;
}

static int take_snapshot(const struct kraken_call *call, struct kraken_market *market,
                         const struct book_message *message)
{
    struct kraken_feed *feed = call->feed;
    struct wire_level *bids = feed->event.levels;
    unsigned bid_count, ask_count;
    struct decimals decimals = { 0, 0 };

    if (!market->is_scaled) {
        if (measure(&message->bids, &decimals) != 0 || measure(&message->asks, &decimals) != 0)
            return ERR_PROTO;
        kraken_market_scale(market, decimals.price, decimals.qty);
    }
    decimals = (struct decimals){ 0, 0 };
    if (read_side(&message->bids, market, bids, KRAKEN_DEPTH_MAX, &bid_count, &decimals) != 0 ||
        read_side(&message->asks, market, feed->asks, KRAKEN_DEPTH_MAX, &ask_count, &decimals) != 0)
        return ERR_PROTO;
    if (!market->is_depth_known)
        market->depth = depth_for(MAX(bid_count, ask_count));
    /* The text of the stream itself decides; a definition helps where a recording lost its zeros.
     */
    market->price_decimals =
        MAX(decimals.price, market->is_defined ? market->definition.price_decimals : 0);
    market->qty_decimals =
        MAX(decimals.qty, market->is_defined ? market->definition.qty_decimals : 0);
    book_clear(&market->book);
    for (unsigned i = bid_count; i-- > 0;)
        book_set(&market->book, SIDE_BUY, bids[i].price, bids[i].qty);
    for (unsigned i = ask_count; i-- > 0;)
        book_set(&market->book, SIDE_SELL, feed->asks[i].price, feed->asks[i].qty);
    book_truncate(&market->book, market->depth);
    market->book.exchange_ns = message->exchange_ns;
    market->book.updated_ns = call->clock->now_ns;
    feed->stats.snapshots++;
    return 0;
}

static int on_snapshot(const struct kraken_call *call, struct kraken_market *market,
                       const struct book_message *message)
{
    int64_t now = call->clock->now_ns;
    int err = take_snapshot(call, market, message);

    if (!err)
        err = prove(call, market, message);
    if (err)
        return err;
    if (market->is_lost) {
        market->is_lost = false;
        market->resyncs++;
        call->feed->stats.resyncs++;
    }
    market->book.is_stale = false;
    market->is_refreshing = false;
    market->is_asked = false;
    market->resync_at_ns = 0;
    /* Spread over the period, so that books are not refreshed all at once. */
    market->refresh_at_ns = now + REFRESH_EVERY_NS + (int64_t)(market->instrument % 64) * NS_PER_S;
    kraken_check_drop(call->feed, market);
    market->check_at_ns = now + CHECK_FIRST_NS;
    if (market->state != FEED_LIVE)
        market->live_since_ns = now;
    kraken_market_snapshot(call, market, false);
    quote_top(call, market);
    set_state(call, market, FEED_LIVE, REASON_NONE);
    kraken_feed_update_state(call, false);
    return 0;
}

/* ---- update ---- */

/* Adds the levels that fall out of the depth as removals: whoever rebuilds the book from deltas
 * must not keep what we let go. Gives the new count. */
static unsigned put_dropped(const struct book_side *side, unsigned depth, struct wire_level *levels,
                            unsigned count)
{
    unsigned dropped = side->count > depth ? side->count - depth : 0;

    for (unsigned i = 0; i < dropped; i++) {
        unsigned at = 0;
        while (at < count && levels[at].price != side->levels[i].price)
            at++;
        levels[at] = (struct wire_level){ side->levels[i].price, 0 };
        count += at == count;
    }
    return count;
}

/* A delta has each price once: a receiver may set its levels in any order. Completes the one whose
 * bids are in feed->event and whose asks are in feed->asks, and truncates the book. false: more
 * changes than a delta is made of here; the book itself says it shorter. */
static bool end_delta(struct kraken_feed *feed, struct kraken_market *market, unsigned bid_count,
                      unsigned ask_count)
{
    struct wire_level *bids = feed->event.levels;
    bool fits = bid_count + ask_count <= DELTA_LEVELS_MAX;

    if (LIKELY(fits)) {
        bid_count =
            put_dropped(&market->book.bids, market->depth, bids, book_unite(bids, bid_count));
        ask_count = put_dropped(&market->book.asks, market->depth, feed->asks,
                                book_unite(feed->asks, ask_count));
        memcpy(bids + bid_count, feed->asks, ask_count * sizeof(*bids));
        feed->event.bid_count = (uint16_t)bid_count;
        feed->event.ask_count = (uint16_t)ask_count;
    }
    book_truncate(&market->book, market->depth);
    return fits;
}

static void publish_delta(const struct kraken_call *call, struct kraken_market *market)
{
    struct wire_book_delta *event = &call->feed->event;

    event->header.instrument = market->instrument;
    event->exchange_ns = market->book.exchange_ns;
    event->price_exp = market->book.price_exp;
    event->qty_exp = market->book.qty_exp;
    event->is_last = 1;
    wire_book_end(event);
    kraken_feed_emit(call, &event->header);
}

static int on_update(const struct kraken_call *call, struct kraken_market *market,
                     const struct book_message *message)
{
    struct kraken_feed *feed = call->feed;
    unsigned bid_count, ask_count;
    struct decimals decimals = { market->price_decimals, market->qty_decimals };

    if (market->is_lost)
        return 0; /* Of the subscription that was given up: the snapshot will say it all. */
    if (market->book.is_stale) {
        feed->stats.gaps++;
        market->gaps++;
        kraken_market_lost(call, market, FEED_STALE, REASON_SEQUENCE_GAP);
        return ERR_STALE;
    }
    uint64_t dropped = market->book.bids.dropped + market->book.asks.dropped;
    wire_book_begin(&feed->event, WIRE_book_delta);
    if (read_side(&message->bids, market, feed->event.levels, KRAKEN_DEPTH_MAX, &bid_count,
                  &decimals) != 0 ||
        read_side(&message->asks, market, feed->asks, KRAKEN_DEPTH_MAX, &ask_count, &decimals) != 0)
        return ERR_PROTO;
    market->price_decimals = decimals.price;
    market->qty_decimals = decimals.qty;
    for (unsigned i = 0; i < bid_count; i++)
        book_set(&market->book, SIDE_BUY, feed->event.levels[i].price, feed->event.levels[i].qty);
    for (unsigned i = 0; i < ask_count; i++)
        book_set(&market->book, SIDE_SELL, feed->asks[i].price, feed->asks[i].qty);
    if (UNLIKELY(feed->check.market == market)) {
        for (unsigned i = 0; i < bid_count; i++)
            book_check_touch(&feed->check.book, SIDE_BUY, feed->event.levels[i].price);
        for (unsigned i = 0; i < ask_count; i++)
            book_check_touch(&feed->check.book, SIDE_SELL, feed->asks[i].price);
    }
    bool fits = end_delta(feed, market, bid_count, ask_count) &&
                dropped == market->book.bids.dropped + market->book.asks.dropped;
    market->book.exchange_ns = message->exchange_ns;
    market->book.updated_ns = call->clock->now_ns;
    feed->stats.deltas++;
    int err = prove(call, market, message);
    if (err)
        return err;
    if (LIKELY(fits))
        publish_delta(call, market);
    else
        kraken_market_snapshot(call, market, false);
    quote_top(call, market);
    return 0;
}

/* The next element of data. One that cannot be read is stepped over: what follows may be of another
 * market. */
static int on_book(const struct kraken_call *call, struct scan_iter *items, bool is_snapshot)
{
    struct book_message message = { .exchange_ns = 0 };
    struct scan_iter here = *items;
    int err = read_message(items, &message);

    if (UNLIKELY(err)) {
        struct scan_value unread;
        if (scan_value(&here, &unread) != 0)
            here.at = here.end; /* Nothing more is found in this frame. */
        *items = here;
    }
    struct kraken_market *market =
        message.symbol.type == SCAN_STRING ? kraken_feed_market(call, &message.symbol) : NULL;

    if (market) {
        market->messages++;
        market->last_message_ns = call->clock->now_ns;
    }
    if (!err && !market)
        return 0; /* Not for us. */
    if (!err)
        err = is_snapshot ? on_snapshot(call, market, &message) : on_update(call, market, &message);
    if (err == ERR_PROTO && market) {
        /* A change that we could not read is a change that we miss. */
        market->rejected++;
        kraken_market_lost(call, market, FEED_STALE, REASON_BAD_BYTES);
    }
    return err;
}

int kraken_feed_book(const struct kraken_call *call, const struct scan_value *data,
                     bool is_snapshot)
{
    struct scan_iter iter;
    int first_err = 0;
    int err = data->type == SCAN_ARRAY ? scan_begin(&iter, data) : ERR_PROTO;

    while (!err && (err = scan_next(&iter)) == 0) {
        int item_err = on_book(call, &iter, is_snapshot);
        if (item_err && !first_err)
            first_err = item_err;
    }
    return err == ERR_NOT_FOUND ? first_err : ERR_PROTO;
}
