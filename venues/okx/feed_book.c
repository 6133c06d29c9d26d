#include "common/pure/book_emit.h"
#include "venues/okx/feed.h"

enum {
    RESYNC_ATTEMPTS_MAX = 3, /* Waits double from RESYNC_WAIT_NS to eight of them. */
    DELTA_LEVELS_MAX = 128,  /* Finding repeats is quadratic. */
};
#define RESYNC_WAIT_NS (1 * NS_PER_S)
#define RESYNC_CALM_NS (10 * NS_PER_S) /* Good for so long: the next failure is a first one. */

/* ---- what is said of a market ---- */

void okx_market_status(const struct okx_call *call, const struct okx_market *market)
{
    struct wire_feed_status status;

    if (market->instrument == 0)
        return; /* The metadata has not named it yet. */
    WIRE_BEGIN(&status, feed_status);
    status.header.instrument = market->instrument;
    status.messages = market->messages;
    status.gaps = market->gaps;
    status.resyncs = market->resyncs;
    status.checksum_failed = market->checksum_failed;
    status.rejected = market->rejected;
    status.last_message_ns = call->feed->connections[market->connection].last_message_ns;
    status.clock_offset_ns = call->feed->clock_offset_ns;
    status.state = market->state;
    status.why = market->why;
    okx_feed_emit(call, &status.header);
}

static void set_state(const struct okx_call *call, struct okx_market *market, wire_feed_state state,
                      wire_reason why)
{
    bool is_new = market->state != state || market->why != why;

    market->state = state;
    market->why = why;
    if (is_new)
        okx_market_status(call, market);
}

void okx_market_lost(const struct okx_call *call, struct okx_market *market, wire_feed_state state,
                     wire_reason why)
{
    struct okx_feed *feed = call->feed;
    int64_t now = call->clock->now_ns;
    bool was_good = market->state == FEED_LIVE;
    bool is_due = !market->is_lost || market->is_awaiting;

    if (was_good && now - market->live_since_ns >= RESYNC_CALM_NS)
        market->resync_attempt = 0;
    market->is_lost = true;
    market->book.is_stale = true;
    market->is_awaiting = false;
    okx_sync_drop(feed, market);
    set_state(call, market, state, why);
    if (was_good)
        okx_feed_update_state(call, false);
    if (!feed->connections[market->connection].is_open || !market->is_subscribed || !is_due)
        return;
    if (market->resync_attempt == 0)
        okx_feed_resync(call, market);
    else
        market->resync_at_ns =
            now + (RESYNC_WAIT_NS << MIN(market->resync_attempt - 1, RESYNC_ATTEMPTS_MAX));
    market->resync_attempt++;
}

static bool is_same_level(const struct wire_level *a, const struct wire_level *b)
{
    return a->price == b->price && a->qty == b->qty;
}

/* Two channels tell the top, the quote's more often; the venue's time says which is newer. */
void okx_market_quote(const struct okx_call *call, struct okx_market *market, struct wire_level bid,
                      struct wire_level ask, int64_t exchange_ns, int64_t sequence)
{
    struct wire_best_quote quote;

    if (exchange_ns < market->quoted_ns ||
        (is_same_level(&bid, &market->quoted_bid) && is_same_level(&ask, &market->quoted_ask)))
        return;
    WIRE_BEGIN(&quote, best_quote);
    quote.header.instrument = market->instrument;
    quote.exchange_ns = exchange_ns;
    quote.venue_seq = sequence > 0 ? (uint64_t)sequence : 0;
    quote.bid_price = bid.price;
    quote.bid_qty = bid.qty;
    quote.ask_price = ask.price;
    quote.ask_qty = ask.qty;
    quote.price_exp = (int8_t)market->scale.price_exp;
    quote.qty_exp = (int8_t)market->scale.qty_exp;
    market->quoted_bid = bid;
    market->quoted_ask = ask;
    market->quoted_ns = exchange_ns;
    okx_feed_emit(call, &quote.header);
}

static void quote_top(const struct okx_call *call, struct okx_market *market)
{
    const struct wire_level *bid = book_best(&market->book.bids);
    const struct wire_level *ask = book_best(&market->book.asks);
    static const struct wire_level none;

    okx_market_quote(call, market, bid ? *bid : none, ask ? *ask : none, market->book.exchange_ns,
                     market->sequence);
}

static void book_event_end(const struct okx_call *call, const struct okx_market *market)
{
    struct wire_book_delta *event = &call->feed->event;

    event->header.instrument = market->instrument;
    event->exchange_ns = market->book.exchange_ns;
    event->venue_seq = market->sequence > 0 ? (uint64_t)market->sequence : 0;
    event->price_exp = (int8_t)market->scale.price_exp;
    event->qty_exp = (int8_t)market->scale.qty_exp;
    event->is_last = 1;
    wire_book_end(event);
    okx_feed_emit(call, &event->header);
}

void okx_market_snapshot(const struct okx_call *call, struct okx_market *market, bool is_repeat)
{
    wire_book_begin(&call->feed->event, WIRE_book_snapshot);
    book_write_snapshot(&market->book, &call->feed->event);
    call->feed->event.header.flags = is_repeat ? WIRE_SNAPSHOT : 0;
    book_event_end(call, market);
}

static_assert(2 * OKX_SIDE_MAX <= WIRE_LEVELS_MAX, "one message, one event");

static void publish_delta(const struct okx_call *call, struct okx_market *market,
                          const struct okx_book_message *message)
{
    struct okx_feed *feed = call->feed;
    struct wire_book_delta *event = &feed->event;

    wire_book_begin(event, WIRE_book_delta);
    event->bid_count = (uint16_t)message->bid_count;
    event->ask_count = (uint16_t)message->ask_count;
    memcpy(event->levels, feed->bids, message->bid_count * sizeof(*feed->bids));
    memcpy(event->levels + message->bid_count, feed->asks,
           message->ask_count * sizeof(*feed->asks));
    book_event_end(call, market);
}

/* ---- reading ---- */

/* "62570.10" cannot be told from "62570.1" once it is an integer. */
static bool is_odd(const struct scan_value *number)
{
    return number->len > 1 && number->text[number->len - 1] == '0' &&
           memchr(number->text, '.', number->len) != NULL;
}

/* One level: [price, size, "0", orders]; what stands behind the size is passed over. */
static int read_level(struct scan_iter *side, const struct okx_market *market,
                      struct wire_level *out, struct okx_book_message *message)
{
    struct scan_iter level;
    struct scan_value price, size;

    if (scan_enter(side, &level) != 0 || level.close != ']' || scan_next(&level) != 0 ||
        scan_value(&level, &price) != 0 || scan_next(&level) != 0 ||
        scan_value(&level, &size) != 0 ||
        scan_decimal(&price, market->scale.price_exp, &out->price) != 0 ||
        okx_qty_read(&market->scale, &size, &out->qty) != 0 || out->price <= 0 || out->qty < 0)
        return ERR_PROTO;
    message->is_text_odd |= is_odd(&price) || is_odd(&size);
    const char *point = memchr(price.text, '.', price.len);
    int decimals = point ? (int)(price.text + price.len - point) - 1 : 0;
    message->price_decimals = MAX(message->price_decimals, decimals);
    return scan_leave(side, &level);
}

/* The longest price and quantity of a side whose market nobody has defined. */
static int measure(const struct scan_value *side, int *price_decimals, int *qty_decimals)
{
    struct scan_iter of_side, of_level;
    struct scan_value level, price, size;
    int err = side->type == SCAN_ARRAY ? scan_begin(&of_side, side) : ERR_PROTO;

    while (!err && (err = scan_item(&of_side, &level)) == 0) {
        if (level.type != SCAN_ARRAY || scan_begin(&of_level, &level) != 0 ||
            scan_item(&of_level, &price) != 0 || scan_item(&of_level, &size) != 0)
            return ERR_PROTO;
        *price_decimals = MAX(*price_decimals, okx_decimals(&price));
        *qty_decimals = MAX(*qty_decimals, okx_decimals(&size));
    }
    return err == ERR_NOT_FOUND ? 0 : ERR_PROTO;
}

/* Fixes the scale by the first message seen: the walk is made once more, once in a market's life.
 */
static int scale_by_text(struct okx_market *market, const struct scan_iter *members)
{
    struct scan_iter iter = *members;
    struct scan_value key, value;
    int price_decimals = 0, qty_decimals = 0, err;

    while ((err = scan_member(&iter, &key, &value)) == 0)
        if ((scan_is(&key, "asks") || scan_is(&key, "bids")) &&
            measure(&value, &price_decimals, &qty_decimals) != 0)
            return ERR_PROTO;
    if (err == ERR_NOT_FOUND)
        okx_market_scale(market, price_decimals, qty_decimals);
    return err == ERR_NOT_FOUND ? 0 : ERR_PROTO;
}

static int read_side(struct scan_iter *members, const struct okx_market *market,
                     struct wire_level *levels, uint32_t *count, struct okx_book_message *message)
{
    struct scan_iter side;
    uint32_t n = 0;
    int err = scan_enter(members, &side);

    if (err || side.close != ']')
        return ERR_PROTO;
    while ((err = scan_next(&side)) == 0) {
        if (n == OKX_SIDE_MAX || read_level(&side, market, &levels[n], message) != 0)
            return ERR_PROTO;
        n++;
    }
    *count = n;
    return err == ERR_NOT_FOUND ? scan_leave(members, &side) : ERR_PROTO;
}

static int read_number(const struct scan_value *key, const struct scan_value *value,
                       struct okx_book_message *out)
{
    int64_t number;

    if (scan_is(key, "ts"))
        return okx_time(value, &out->exchange_ns);
    if (scan_is(key, "seqId"))
        return scan_i64(value, &out->seq);
    if (scan_is(key, "prevSeqId")) {
        out->has_prev = true;
        return scan_i64(value, &out->prev);
    }
    if (scan_is(key, "checksum")) {
        if (scan_i64(value, &number) != 0 || number < INT32_MIN || number > INT32_MAX)
            return ERR_PROTO;
        out->checksum = (int32_t)number;
    }
    return 0;
}

int okx_book_read(struct okx_feed *feed, struct okx_market *market, struct scan_iter *members,
                  struct okx_book_message *out)
{
    struct scan_value key, value;
    bool has_asks = false, has_bids = false;
    int err = market->is_scaled ? 0 : scale_by_text(market, members);

    *out = (struct okx_book_message){ .prev = -1, .seq = -1 };
    while (!err && (err = scan_key(members, &key)) == 0) {
        if (scan_is(&key, "asks")) {
            has_asks = true;
            err = read_side(members, market, feed->asks, &out->ask_count, out);
        } else if (scan_is(&key, "bids")) {
            has_bids = true;
            err = read_side(members, market, feed->bids, &out->bid_count, out);
        } else {
            err = scan_value(members, &value);
            if (!err)
                err = read_number(&key, &value, out);
        }
    }
    return err == ERR_NOT_FOUND && has_asks && has_bids ? 0 : ERR_PROTO;
}

/* ---- applying ---- */

/* A side as the venue sends it, best first: each price once. */
static bool is_sorted(const struct wire_level *levels, uint32_t count, bool is_bid)
{
    for (uint32_t i = 1; i < count; i++)
        if (is_bid ? levels[i - 1].price <= levels[i].price
                   : levels[i - 1].price >= levels[i].price)
            return false;
    return true;
}

/* A delta has each price once: a receiver may set its levels in any order. Of several changes of
 * one price the last holds. false: too many to look for them; the book itself says it shorter. */
static bool unite(struct wire_level *levels, uint32_t *count, bool is_bid)
{
    if (LIKELY(is_sorted(levels, *count, is_bid)))
        return true;
    if (*count > DELTA_LEVELS_MAX)
        return false;
    *count = book_unite(levels, *count);
    return true;
}

void okx_book_apply(struct okx_feed *feed, struct okx_market *market,
                    const struct okx_book_message *message)
{
    struct book *book = &market->book;

    for (uint32_t i = 0; i < message->bid_count; i++)
        book_set(book, SIDE_BUY, feed->bids[i].price, feed->bids[i].qty);
    for (uint32_t i = 0; i < message->ask_count; i++)
        book_set(book, SIDE_SELL, feed->asks[i].price, feed->asks[i].qty);
    book->exchange_ns = message->exchange_ns;
    market->sequence = message->seq;
    market->is_text_odd |= message->is_text_odd;
    market->price_decimals = MAX(market->price_decimals, message->price_decimals);
}

/* Always 0 since June of 2026; recordings have it, and the simulator on demand. */
static bool checksum_holds(const struct okx_call *call, struct okx_market *market,
                           const struct okx_book_message *message)
{
    struct venue_feed_stats *stats = &call->feed->stats;

    if (LIKELY(message->checksum == 0) || market->is_text_odd)
        return true;
    bool holds = okx_checksum(&market->book, &market->scale) == message->checksum;
    stats->checksum_ok += holds;
    stats->checksum_failed += !holds;
    market->checksum_failed += !holds;
    return holds;
}

/* After a message: checksum, then crossed. 0 or ERR_STALE: the book is then lost. */
static int prove(const struct okx_call *call, struct okx_market *market,
                 const struct okx_book_message *message)
{
    if (UNLIKELY(!checksum_holds(call, market, message))) {
        okx_market_lost(call, market, FEED_STALE, REASON_CHECKSUM);
        return ERR_STALE;
    }
    if (UNLIKELY(book_is_crossed(&market->book))) {
        call->feed->stats.crossed++;
        okx_market_lost(call, market, FEED_STALE, REASON_CROSSED);
        return ERR_STALE;
    }
    return 0;
}

int okx_book_take_snapshot(const struct okx_call *call, struct okx_market *market,
                           const struct okx_book_message *message)
{
    book_clear(&market->book);
    market->is_text_odd = market->is_joining = false;
    okx_book_apply(call->feed, market, message);
    call->feed->stats.snapshots++;
    return prove(call, market, message);
}

void okx_book_is_live(const struct okx_call *call, struct okx_market *market)
{
    int64_t now = call->clock->now_ns;

    if (market->is_lost) {
        market->is_lost = false;
        market->resyncs++;
        call->feed->stats.resyncs++;
    }
    book_live(&market->book, now);
    market->is_awaiting = false;
    market->is_rest_tried = false;
    market->resync_at_ns = 0;
    market->quoted_ns = 0; /* A new stream: its clock begins anew. */
    okx_sync_drop(call->feed, market);
    if (market->state != FEED_LIVE)
        market->live_since_ns = now;
    okx_market_snapshot(call, market, false);
    quote_top(call, market);
    set_state(call, market, FEED_LIVE, REASON_NONE);
    okx_feed_update_state(call, false);
}

/* Whether an update goes on where the book ends: it says so itself. seqId below prevSeqId is the
 * venue's maintenance, equal to it a sign of life; both are in order. */
static bool is_next(const struct okx_call *call, const struct okx_market *market,
                    const struct okx_book_message *message)
{
    if (message->has_prev && message->seq >= 0)
        return message->prev == market->sequence ||
               (market->is_joining && message->prev < market->sequence);
    return call->feed->takes_any_symbol && market->sequence < 0;
}

static uint64_t dropped(const struct okx_market *market)
{
    return market->book.bids.dropped + market->book.asks.dropped;
}

static int on_update(const struct okx_call *call, struct okx_market *market,
                     struct okx_book_message *message)
{
    struct okx_feed *feed = call->feed;
    uint64_t dropped_before = dropped(market);

    if (market->is_awaiting || market->is_lost) {
        if (feed->buffer.market == market)
            okx_sync_hold(feed, message);
        return 0; /* Of the subscription before, or before its snapshot: that will say it all. */
    }
    if (UNLIKELY(market->is_joining && message->seq <= market->sequence)) {
        feed->stats.dropped_old++;
        return 0;
    }
    if (UNLIKELY(market->book.is_stale || !is_next(call, market, message))) {
        feed->stats.gaps++;
        market->gaps++;
        okx_market_lost(call, market, FEED_STALE, REASON_SEQUENCE_GAP);
        return ERR_STALE;
    }
    okx_book_apply(feed, market, message);
    market->is_joining = false;
    market->book.updated_ns = call->clock->now_ns;
    feed->stats.deltas++;
    int err = prove(call, market, message);
    if (err)
        return err;
    if (message->bid_count + message->ask_count == 0)
        return 0;
    bool fits = unite(feed->bids, &message->bid_count, true) &&
                unite(feed->asks, &message->ask_count, false);
    if (LIKELY(fits && dropped(market) == dropped_before))
        publish_delta(call, market, message);
    else
        okx_market_snapshot(call, market, false);
    quote_top(call, market);
    return 0;
}

static int on_book(const struct okx_call *call, struct okx_market *market,
                   struct scan_iter *members, enum okx_action action)
{
    struct okx_book_message message;

    if (okx_book_read(call->feed, market, members, &message) != 0)
        return ERR_PROTO;
    if (action == ACTION_SNAPSHOT || (action == ACTION_NONE && message.prev < 0)) {
        int err = okx_book_take_snapshot(call, market, &message);
        if (!err)
            okx_book_is_live(call, market);
        return err;
    }
    return on_update(call, market, &message);
}

int okx_feed_books(const struct okx_call *call, struct okx_market *market, struct scan_iter *items,
                   enum okx_action action)
{
    struct scan_iter members;
    int first_err = 0, err;

    market->messages++;
    while ((err = scan_next(items)) == 0) {
        err = scan_enter(items, &members);
        if (err || members.close != '}')
            return ERR_PROTO;
        int item_err = on_book(call, market, &members, action);
        if (item_err && !first_err)
            first_err = item_err;
        if (item_err == ERR_PROTO || scan_leave(items, &members) != 0)
            return ERR_PROTO;
    }
    return err == ERR_NOT_FOUND ? first_err : ERR_PROTO;
}
