/* Books. A snapshot replaces the book, changes carry absolute sizes, and nothing numbers them: what
 * can be seen to be wrong is a crossed book and bytes that cannot be read; the rest is
 * feed_check.c's. */
#include "venues/coinbase/feed.h"

#include "common/pure/book_emit.h"

#define RESYNC_WAIT_NS (1 * NS_PER_S)  /* Doubled three times. */
#define RESYNC_CALM_NS (10 * NS_PER_S) /* Good for so long: the next failure is a first one. */

/* ---- state ---- */

static wire_feed_state whole_state(const struct coinbase_feed *feed)
{
    bool is_any_open = feed->takes_any_symbol, is_any_stale = false,
         is_all_live = feed->product_count > 0;

    for (size_t i = 0; i < feed->connection_count; i++)
        is_any_open |= feed->connections[i].is_open;
    for (size_t i = 0; i < feed->product_count; i++) {
        is_any_stale |= feed->products[i].state == FEED_STALE;
        is_all_live &= feed->products[i].state == FEED_LIVE;
    }
    if (!is_any_open)
        return feed->last_message_ns == 0 ? FEED_CONNECTING : FEED_DOWN;
    return is_all_live ? FEED_LIVE : is_any_stale ? FEED_STALE : FEED_SYNCING;
}

void coinbase_book_status(const struct coinbase_turn *turn, const struct feed_product *product)
{
    const struct coinbase_feed *feed = turn->feed;
    struct wire_feed_status status;

    WIRE_BEGIN(&status, feed_status);
    status.messages = product ? product->messages : feed->stats.messages;
    status.gaps = product ? product->gaps : feed->stats.gaps;
    status.resyncs = product ? product->resyncs : feed->stats.resyncs;
    status.rejected = product ? product->rejected : feed->stats.rejected;
    status.last_message_ns = product ? product->last_message_ns : feed->last_message_ns;
    status.clock_offset_ns = feed->clock_offset_ns;
    status.state = product ? product->state : feed->state;
    status.why = product ? product->why : REASON_NONE;
    coinbase_feed_emit(turn, &status.header, product ? product->instrument : 0);
}

void coinbase_book_state(const struct coinbase_turn *turn, struct feed_product *product,
                         wire_feed_state state, wire_reason why)
{
    if (product && (product->state != state || product->why != why)) {
        product->state = state;
        product->why = why;
        if (product->instrument)
            coinbase_book_status(turn, product);
    }
    wire_feed_state whole = whole_state(turn->feed);
    if (whole != turn->feed->state) {
        turn->feed->state = whole;
        coinbase_book_status(turn, NULL);
    }
}

void coinbase_book_lost(const struct coinbase_turn *turn, struct feed_product *product,
                        wire_feed_state state, wire_reason why)
{
    int64_t now = turn->clock->now_ns;

    if (product->is_whole && now - product->live_since_ns >= RESYNC_CALM_NS)
        product->attempts = 0;
    product->is_whole = false;
    product->top_differs = 0;
    book_stale(&product->book);
    coinbase_check_drop(turn->feed, product);
    coinbase_book_state(turn, product, state, why);
    if (!product->is_subscribed || product->resync_at_ns > now)
        return;
    if (product->attempts == 0)
        coinbase_feed_resync(turn, product);
    else
        product->resync_at_ns = now + (RESYNC_WAIT_NS << MIN(product->attempts - 1, 3u));
    product->attempts++;
}

/* ---- publishing ---- */

static void book_event(void *ctx, struct wire_header *event)
{
    coinbase_feed_emit(ctx, event, event->instrument);
}

static struct book_emitter emitter_of(const struct coinbase_turn *turn,
                                      const struct feed_product *product, uint8_t flags)
{
    return (struct book_emitter){ .emit = book_event,
                                  .ctx = (void *)(uintptr_t)turn,
                                  .instrument = product->instrument,
                                  .flags = flags,
                                  .event = &turn->feed->event };
}

void coinbase_book_publish(const struct coinbase_turn *turn, const struct feed_product *product,
                           uint8_t flags)
{
    struct book_emitter to = emitter_of(turn, product, flags);

    book_emit_whole(&to, &product->book);
}

static bool is_same_level(struct wire_level a, struct wire_level b)
{
    return a.price == b.price && a.qty == b.qty;
}

void coinbase_book_quote(const struct coinbase_turn *turn, struct feed_product *product,
                         struct wire_level bid, struct wire_level ask, int64_t exchange_ns,
                         uint64_t venue_seq)
{
    struct wire_best_quote quote;

    if (is_same_level(bid, product->quoted_bid) && is_same_level(ask, product->quoted_ask))
        return;
    product->quoted_bid = bid;
    product->quoted_ask = ask;
    WIRE_BEGIN(&quote, best_quote);
    quote.exchange_ns = exchange_ns;
    quote.venue_seq = venue_seq;
    quote.bid_price = bid.price;
    quote.bid_qty = bid.qty;
    quote.ask_price = ask.price;
    quote.ask_qty = ask.qty;
    quote.price_exp = product->book.price_exp;
    quote.qty_exp = product->book.qty_exp;
    coinbase_feed_emit(turn, &quote.header, product->instrument);
}

static void quote_top(const struct coinbase_turn *turn, struct feed_product *product)
{
    const struct wire_level *bid = book_best(&product->book.bids);
    const struct wire_level *ask = book_best(&product->book.asks);
    static const struct wire_level none;

    coinbase_book_quote(turn, product, bid ? *bid : none, ask ? *ask : none,
                        product->book.exchange_ns, 0);
}

/* ---- reading ---- */

static int level_read(struct scan_iter *pair, const struct book *scales, struct wire_level *out)
{
    struct scan_value price, size;
    struct wire_level level;

    if (scan_item(pair, &price) != 0 || scan_item(pair, &size) != 0 ||
        scan_decimal(&price, scales->price_exp, &level.price) != 0 ||
        scan_decimal(&size, scales->qty_exp, &level.qty) != 0 || level.price <= 0 || level.qty < 0)
        return ERR_PROTO;
    *out = level;
    return 0;
}

int coinbase_levels(const struct scan_value *array, const struct book *scales, bool is_bid,
                    struct wire_level *out, uint32_t *count, bool *is_cut)
{
    struct scan_iter iter, pair;
    uint32_t read = 0;
    bool has_more = false;
    int err = array->type == SCAN_ARRAY ? scan_begin(&iter, array) : ERR_PROTO;

    while (!err && (err = scan_next(&iter)) == 0) {
        struct wire_level level;
        if (scan_enter(&iter, &pair) != 0 || level_read(&pair, scales, &level) != 0 ||
            scan_leave(&iter, &pair) != 0)
            return ERR_PROTO;
        if (level.qty == 0)
            continue;
        /* Best first: what is left out must be the worst. */
        if (read > 0 &&
            (is_bid ? level.price >= out[read - 1].price : level.price <= out[read - 1].price))
            return ERR_PROTO;
        if (read < FEED_LEVELS_MAX)
            out[read++] = level;
        else
            has_more = true;
    }
    if (err != ERR_NOT_FOUND)
        return ERR_PROTO;
    *count = read;
    *is_cut = has_more;
    return 0;
}

/* Length of a number's text behind its point. */
static int text_decimals(const struct scan_value *array)
{
    struct scan_iter iter, pair;
    struct scan_value price;
    int decimals = 0;

    if (scan_begin(&iter, array) != 0)
        return 0;
    for (unsigned i = 0; i < 8 && scan_next(&iter) == 0; i++) {
        if (scan_enter(&iter, &pair) != 0 || scan_item(&pair, &price) != 0 ||
            scan_leave(&iter, &pair) != 0)
            break;
        const char *point = memchr(price.text, '.', price.len);
        if (point)
            decimals = MAX(decimals, (int)(price.text + price.len - point) - 1);
    }
    return decimals;
}

/* ---- snapshot ---- */

/* From the worst up: each goes to the end of the array. */
static void side_fill(struct feed_product *product, wire_side side, const struct wire_level *levels,
                      uint32_t count, bool is_cut)
{
    struct feed_floor *floor = side == SIDE_BUY ? &product->bid_floor : &product->ask_floor;
    uint32_t kept = MIN(count, product->book.bids.max);

    for (uint32_t i = kept; i-- > 0;)
        book_set(&product->book, side, levels[i].price, levels[i].qty);
    *floor = (struct feed_floor){ .is_set = is_cut || kept<count, .price = kept> 0
                                                ? levels[kept - 1].price
                                                : 0 };
}

static bool is_crossing_allowed(const struct feed_product *product)
{
    return product->flags.auction_mode; /* Orders are collected, nothing matches. */
}

/* A book that is crossed is not traded on. In an auction that is as it should be, and asking for
 * another would bring the same. */
static int crossed(const struct coinbase_turn *turn, struct feed_product *product)
{
    if (is_crossing_allowed(product)) {
        book_stale(&product->book);
        coinbase_book_state(turn, product, FEED_STALE, REASON_CROSSED);
        return 0;
    }
    turn->feed->stats.crossed++;
    coinbase_book_lost(turn, product, FEED_STALE, REASON_CROSSED);
    return ERR_STALE;
}

static void live(const struct coinbase_turn *turn, struct feed_product *product)
{
    book_live(&product->book, turn->clock->now_ns);
    coinbase_book_publish(turn, product, 0);
    coinbase_book_state(turn, product, FEED_LIVE, REASON_NONE);
    quote_top(turn, product);
}

int coinbase_book_snapshot(const struct coinbase_turn *turn, struct feed_product *product,
                           const struct feed_frame *frame)
{
    struct coinbase_feed *feed = turn->feed;
    struct book *book = &product->book;
    uint32_t bid_count, ask_count;
    bool is_bid_cut, is_ask_cut;
    int64_t exchange_ns = 0;

    if (frame->time.type != SCAN_NONE && coinbase_time_read(&frame->time, &exchange_ns) != 0)
        return ERR_PROTO;
    if (coinbase_levels(&frame->bids, book, true, feed->bids, &bid_count, &is_bid_cut) != 0 ||
        coinbase_levels(&frame->asks, book, false, feed->asks, &ask_count, &is_ask_cut) != 0)
        return ERR_PROTO;
    if (product->definition.header.size == 0)
        product->price_decimals = MAX(text_decimals(&frame->bids), text_decimals(&frame->asks));
    book_clear(book);
    side_fill(product, SIDE_BUY, feed->bids, bid_count, is_bid_cut);
    side_fill(product, SIDE_SELL, feed->asks, ask_count, is_ask_cut);
    book->exchange_ns = exchange_ns;
    coinbase_check_drop(feed, product);
    feed->stats.snapshots++;
    if (product->was_whole && !product->is_whole) {
        feed->stats.resyncs++;
        product->resyncs++;
    }
    product->is_whole = product->was_whole = true;
    product->resync_at_ns = 0;
    product->live_since_ns = turn->clock->now_ns;
    product->top_differs = 0;
    if (book_is_crossed(book))
        return crossed(turn, product);
    live(turn, product);
    return 0;
}

/* ---- update ---- */

/* The changes of one message as a receiver needs them: each price once, and what fell out of our
 * depth removed. */
struct changes {
    uint32_t bid_count, ask_count;
    bool is_too_long;
};

static void change_put(struct coinbase_feed *feed, struct changes *changes, wire_side side,
                       int64_t price, int64_t qty)
{
    uint32_t *count = side == SIDE_BUY ? &changes->bid_count : &changes->ask_count;
    struct wire_level *levels = side == SIDE_BUY ? feed->bids : feed->asks;

    if (*count == FEED_CHANGES_MAX)
        changes->is_too_long = true;
    else
        levels[(*count)++] = (struct wire_level){ price, qty };
}

static bool is_beyond(const struct feed_floor *floor, wire_side side, int64_t price)
{
    return floor->is_set && (side == SIDE_BUY ? price < floor->price : price > floor->price);
}

/* Sets one level. The worst one of a full side goes, for the receivers too, and from then on
 * nothing beyond is kept: within its floor a side has no holes. */
static void level_take(struct coinbase_feed *feed, struct feed_product *product,
                       struct changes *changes, wire_side side, struct wire_level level)
{
    struct book_side *at = side == SIDE_BUY ? &product->book.bids : &product->book.asks;
    struct feed_floor *floor = side == SIDE_BUY ? &product->bid_floor : &product->ask_floor;
    uint64_t dropped = at->dropped;
    int64_t worst = at->count > 0 ? at->levels[0].price : 0;

    if (is_beyond(floor, side, level.price))
        return;
    if (coinbase_check_wants(feed, product))
        book_check_touch(&feed->check.book, side, level.price);
    book_set(&product->book, side, level.price, level.qty);
    if (UNLIKELY(at->dropped != dropped)) {
        *floor = (struct feed_floor){ true, at->levels[0].price };
        if (is_beyond(floor, side, level.price))
            return; /* It was the worst itself. */
        change_put(feed, changes, side, worst, 0);
    }
    change_put(feed, changes, side, level.price, level.qty);
}

static int changes_take(struct coinbase_feed *feed, struct feed_product *product,
                        const struct scan_value *array, struct changes *changes)
{
    struct scan_iter iter, change;
    struct scan_value side;
    int err = array->type == SCAN_ARRAY ? scan_begin(&iter, array) : ERR_PROTO;

    while (!err && (err = scan_next(&iter)) == 0) {
        struct wire_level level;
        if (scan_enter(&iter, &change) != 0 || scan_item(&change, &side) != 0 ||
            side.type != SCAN_STRING || level_read(&change, &product->book, &level) != 0 ||
            scan_leave(&iter, &change) != 0)
            return ERR_PROTO;
        if (scan_is(&side, "buy"))
            level_take(feed, product, changes, SIDE_BUY, level);
        else if (scan_is(&side, "sell"))
            level_take(feed, product, changes, SIDE_SELL, level);
        else
            return ERR_PROTO;
    }
    return err == ERR_NOT_FOUND ? 0 : ERR_PROTO;
}

/* The book has shrunk to a quarter of its room inside its floor: there is more out there. */
static bool is_hollow(const struct feed_product *product)
{
    const struct book *book = &product->book;

    return (product->bid_floor.is_set && book->bids.count < book->bids.max / 4) ||
           (product->ask_floor.is_set && book->asks.count < book->asks.max / 4);
}

static void changes_publish(const struct coinbase_turn *turn, struct feed_product *product,
                            struct changes *changes)
{
    struct coinbase_feed *feed = turn->feed;
    struct book_emitter to = emitter_of(turn, product, 0);

    if (UNLIKELY(changes->is_too_long)) {
        book_emit_whole(&to, &product->book);
        return;
    }
    if (changes->bid_count > 1)
        changes->bid_count = book_unite(feed->bids, changes->bid_count);
    if (changes->ask_count > 1)
        changes->ask_count = book_unite(feed->asks, changes->ask_count);
    book_emit_changes(&to, &product->book, feed->bids, changes->bid_count, feed->asks,
                      changes->ask_count);
}

int coinbase_book_update(const struct coinbase_turn *turn, struct feed_product *product,
                         const struct feed_frame *frame)
{
    struct coinbase_feed *feed = turn->feed;
    struct book *book = &product->book;
    struct changes changes = { 0 };
    int64_t exchange_ns = 0;

    if (!product->is_whole)
        return 0; /* Before its snapshot, or of a subscription that was given up. */
    if (frame->time.type != SCAN_NONE && coinbase_time_read(&frame->time, &exchange_ns) != 0)
        return ERR_PROTO;
    if (changes_take(feed, product, &frame->changes, &changes) != 0)
        return ERR_PROTO;
    book->exchange_ns = exchange_ns;
    book->updated_ns = turn->clock->now_ns;
    feed->stats.deltas++;
    if (UNLIKELY(book_is_crossed(book)))
        return crossed(turn, product);
    if (UNLIKELY(book->is_stale)) { /* An auction that is over. */
        live(turn, product);
        return 0;
    }
    changes_publish(turn, product, &changes);
    quote_top(turn, product);
    if (UNLIKELY(is_hollow(product)) && product->resync_at_ns == 0) {
        coinbase_feed_note(turn, "book_hollow", "%s", product->symbol);
        coinbase_feed_resync(turn, product);
    }
    return 0;
}
