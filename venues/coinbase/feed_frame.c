/* Frames told apart by their type; trades, heartbeats, tickers, products, subscriptions. */
#include "venues/coinbase/feed.h"

#include <stdio.h>

static int frame_read(const char *text, size_t len, struct feed_frame *out)
{
    static const char *const names[] = {
        "type",     "product_id",    "time",     "sequence",      "trade_id", "last_trade_id",
        "price",    "last_size",     "side",     "changes",       "bids",     "asks",
        "best_bid", "best_bid_size", "best_ask", "best_ask_size", "channels", "products",
        "message",  "reason",        "channel",
    };
    /* size of a trade and last_size of a ticker are one slice: no message has both. */
    static_assert(COUNT(names) * sizeof(struct scan_value) == sizeof(*out), "one slice a name");
    struct scan_value root = { SCAN_OBJECT, text, len };
    struct scan_value key, value, *found = (void *)out;
    struct scan_iter iter;

    while (root.len && strchr(" \t\r\n", root.text[root.len - 1]))
        root.len--;
    while (root.len && strchr(" \t\r\n", *root.text))
        root.text++, root.len--;
    if (root.len < 2 || *root.text != '{' || root.text[root.len - 1] != '}' ||
        scan_begin(&iter, &root) != 0)
        return ERR_PROTO;
    int err;
    while ((err = scan_member(&iter, &key, &value)) == 0) {
        size_t i = 0;
        while (i < COUNT(names) && !scan_is(&key, names[i]))
            i++;
        if (i == COUNT(names) && scan_is(&key, "size"))
            out->size = value;
        else if (i < COUNT(names))
            found[i] = value;
    }
    return err == ERR_NOT_FOUND && out->type.type == SCAN_STRING ? 0 : ERR_PROTO;
}

/* The newest time of the venue that was seen of a product: what a comparison with REST counts on.
 */
static void time_seen(struct feed_product *product, const struct scan_value *time)
{
    int64_t exchange_ns;

    if (time->type == SCAN_STRING && coinbase_time_read(time, &exchange_ns) == 0)
        product->exchange_ns = MAX(product->exchange_ns, exchange_ns);
}

/* ---- trades ---- */

int coinbase_feed_trade(const struct coinbase_turn *turn, struct feed_product *product,
                        const struct scan_value *price, const struct scan_value *size,
                        const struct scan_value *maker_side, const struct scan_value *time,
                        uint64_t trade_id, uint8_t flags)
{
    const struct book *book = &product->book;
    struct wire_trade trade;

    WIRE_BEGIN(&trade, trade);
    trade.header.flags = flags;
    if (scan_decimal(price, book->price_exp, &trade.price) != 0 ||
        scan_decimal(size, book->qty_exp, &trade.qty) != 0 || trade.price <= 0 || trade.qty <= 0 ||
        coinbase_time_read(time, &trade.exchange_ns) != 0)
        return ERR_PROTO;
    if (scan_is(maker_side, "sell"))
        trade.aggressor = SIDE_BUY;
    else if (scan_is(maker_side, "buy"))
        trade.aggressor = SIDE_SELL;
    else
        return ERR_PROTO;
    trade.price_exp = book->price_exp;
    trade.qty_exp = book->qty_exp;
    snprintf(trade.venue_trade_id, sizeof(trade.venue_trade_id), "%llu",
             (unsigned long long)trade_id);
    turn->feed->stats.trades++;
    coinbase_feed_emit(turn, &trade.header, product->instrument);
    return 0;
}

/* Trade ids of a product count without holes. What is missing is asked for by REST. */
static void trade_hole(const struct coinbase_turn *turn, struct feed_product *product,
                       uint64_t trade_id)
{
    turn->feed->stats.gaps++;
    product->gaps++;
    if (turn->feed->takes_any_symbol)
        return;
    if (product->fill_from == 0)
        product->fill_from = product->trade_id + 1;
    product->fill_to = trade_id - 1;
    product->fill_at_ns = turn->clock->now_ns;
}

/* last_match is the trade before the subscription: what came between the connections. */
static int trade_frame(const struct coinbase_turn *turn, struct feed_product *product,
                       const struct feed_frame *frame, bool is_last_match)
{
    uint64_t trade_id;

    if (scan_u64(&frame->trade_id, &trade_id) != 0 || trade_id == 0)
        return ERR_PROTO;
    if (trade_id <= product->trade_id)
        return 0; /* Repeated, or fetched already. */
    bool is_first = product->trade_id == 0;
    int err =
        coinbase_feed_trade(turn, product, &frame->price, &frame->size, &frame->side, &frame->time,
                            trade_id, is_last_match && is_first ? WIRE_SNAPSHOT : 0);
    if (err)
        return err;
    if (!is_first && trade_id > product->trade_id + 1)
        trade_hole(turn, product, trade_id);
    product->trade_id = trade_id;
    return 0;
}

/* ---- heartbeat, ticker ---- */

/* A sequence that runs backwards is a venue that began anew: nothing before it holds. */
static int heartbeat_frame(const struct coinbase_turn *turn, struct feed_product *product,
                           const struct feed_frame *frame)
{
    uint64_t sequence, trade_id;

    if (scan_u64(&frame->sequence, &sequence) != 0 ||
        scan_u64(&frame->last_trade_id, &trade_id) != 0)
        return ERR_PROTO;
    product->heartbeat_ns = turn->clock->now_ns;
    product->heartbeat_trade_id = trade_id;
    bool is_backwards = sequence < product->sequence;
    product->sequence = sequence;
    if (!is_backwards)
        return 0;
    turn->feed->stats.gaps++;
    product->gaps++;
    product->trade_id = trade_id;
    product->fill_from = 0;
    coinbase_book_lost(turn, product, FEED_STALE, REASON_SEQUENCE_GAP);
    return ERR_STALE;
}

static int top_side(const struct scan_value *price, const struct scan_value *size,
                    const struct book *book, struct wire_level *out)
{
    *out = (struct wire_level){ 0 };
    if (price->type == SCAN_NONE || price->type == SCAN_NULL || price->len == 0)
        return 0;
    if (scan_decimal(price, book->price_exp, &out->price) != 0 || out->price < 0)
        return ERR_PROTO;
    if (size->type != SCAN_NONE &&
        (scan_decimal(size, book->qty_exp, &out->qty) != 0 || out->qty < 0))
        return ERR_PROTO;
    return 0;
}

/* A ticker comes with each match, not with each change of the top: it is no stream of quotes. While
 * there is a book it is only held against it; a recording may have nothing else. */
static int ticker_frame(const struct coinbase_turn *turn, struct feed_product *product,
                        const struct feed_frame *frame)
{
    struct wire_level bid, ask;
    uint64_t sequence = 0;
    int64_t exchange_ns = 0;

    if (top_side(&frame->best_bid, &frame->best_bid_size, &product->book, &bid) != 0 ||
        top_side(&frame->best_ask, &frame->best_ask_size, &product->book, &ask) != 0 ||
        (frame->sequence.type != SCAN_NONE && scan_u64(&frame->sequence, &sequence) != 0) ||
        (frame->time.type != SCAN_NONE && coinbase_time_read(&frame->time, &exchange_ns) != 0))
        return ERR_PROTO;
    if (product->is_whole)
        coinbase_check_top(turn, product, bid.price, ask.price);
    else if (!product->is_subscribed && bid.qty > 0 && ask.qty > 0 && bid.price < ask.price)
        coinbase_book_quote(turn, product, bid, ask, exchange_ns, sequence);
    return 0;
}

/* ---- what is said of products and subscriptions ---- */

static int status_frame(const struct coinbase_turn *turn, const struct feed_frame *frame)
{
    struct scan_iter iter;
    struct scan_value object;
    int err = frame->products.type == SCAN_ARRAY ? scan_begin(&iter, &frame->products) : ERR_PROTO;

    while (!err && (err = scan_item(&iter, &object)) == 0)
        if (object.type == SCAN_OBJECT)
            coinbase_feed_metadata(turn, &object);
    return err == ERR_NOT_FOUND ? 0 : ERR_PROTO;
}

/* level2_batch is acknowledged as level2_50. */
static bool is_book_channel(const struct scan_value *name)
{
    return name->type == SCAN_STRING && name->len >= 6 && memcmp(name->text, "level2", 6) == 0;
}

static void acked(struct coinbase_feed *feed, const struct scan_value *ids)
{
    struct scan_iter iter;
    struct scan_value id;

    if (ids->type != SCAN_ARRAY || scan_begin(&iter, ids) != 0)
        return;
    while (scan_item(&iter, &id) == 0) {
        struct feed_product *product = coinbase_feed_find(feed, &id);
        if (product)
            product->is_acked = true;
    }
}

/* The list has all that is subscribed, not what was added: what we want and is not there was
 * forgotten. Between leaving a book and taking it again it is rightly not there. */
static int subscriptions_frame(const struct coinbase_turn *turn, unsigned connection,
                               const struct feed_frame *frame)
{
    static const char *const names[] = { "name", "product_ids" };
    struct coinbase_feed *feed = turn->feed;
    struct scan_value found[COUNT(names)], channel;
    struct scan_iter iter;
    int err = frame->channels.type == SCAN_ARRAY ? scan_begin(&iter, &frame->channels) : ERR_PROTO;
    bool has_books = false;

    if (feed->takes_any_symbol || connection >= feed->connection_count)
        return 0;
    for (size_t i = 0; i < feed->product_count; i++)
        if (feed->products[i].connection == connection)
            feed->products[i].is_acked = false;
    while (!err && (err = scan_item(&iter, &channel)) == 0) {
        err = coinbase_members(&channel, names, found, COUNT(names));
        if (!err && is_book_channel(&found[0])) {
            has_books = true;
            acked(feed, &found[1]);
        }
    }
    if (err != ERR_NOT_FOUND)
        return ERR_PROTO;
    if (has_books)
        feed->connections[connection].subscribe_ns = 0;
    for (size_t i = 0; i < feed->product_count && has_books; i++) {
        struct feed_product *product = &feed->products[i];
        if (product->connection != connection || !product->is_subscribed || product->is_acked ||
            product->resync_at_ns != 0)
            continue;
        coinbase_feed_note(turn, "subscription_missing", "%s", product->symbol);
        product->is_subscribed = false; /* tick subscribes. */
        coinbase_book_lost(turn, product, FEED_STALE, REASON_RESYNC);
    }
    return 0;
}

/* "GIBBERISH-USD is not a valid product": one bad name refuses the whole subscribe. */
static void product_refused(const struct coinbase_turn *turn, unsigned connection,
                            const struct scan_value *reason)
{
    struct coinbase_feed *feed = turn->feed;
    const char *end = memmem(reason->text, reason->len, " is not a valid product", 23);
    struct scan_value id = { SCAN_STRING, reason->text, end ? (size_t)(end - reason->text) : 0 };
    struct feed_product *refused = coinbase_feed_find(feed, &id);

    if (!refused || connection >= feed->connection_count)
        return;
    refused->is_refused = true;
    refused->resync_at_ns = 0;
    for (size_t i = 0; i < feed->product_count; i++)
        if (feed->products[i].connection == connection && !feed->products[i].is_whole)
            feed->products[i].is_subscribed = false;
    feed->connections[connection].subscribe_ns = 0;
    coinbase_book_lost(turn, refused, FEED_DOWN, REASON_INSTRUMENT_UNKNOWN);
}

/* Most are followed by a disconnect, which does the rest. */
static int error_frame(const struct coinbase_turn *turn, unsigned connection,
                       const struct feed_frame *frame)
{
    coinbase_feed_note(turn, "venue_error", "%.*s: %.*s", (int)MIN(frame->message.len, 80),
                       frame->message.text, (int)MIN(frame->reason.len, 120), frame->reason.text);
    if (frame->reason.type == SCAN_STRING)
        product_refused(turn, connection, &frame->reason);
    return 0;
}

/* ---- frames ---- */

enum frame_kind {
    FRAME_OTHER,
    FRAME_UPDATE,
    FRAME_SNAPSHOT,
    FRAME_MATCH,
    FRAME_LAST_MATCH,
    FRAME_TICKER,
    FRAME_HEARTBEAT,
};

static enum frame_kind kind_of(const struct scan_value *type)
{
    static const struct {
        const char *name;
        enum frame_kind kind;
    } kinds[] = {
        { "l2update", FRAME_UPDATE },   { "ticker", FRAME_TICKER },
        { "match", FRAME_MATCH },       { "heartbeat", FRAME_HEARTBEAT },
        { "snapshot", FRAME_SNAPSHOT }, { "last_match", FRAME_LAST_MATCH },
    };

    for (size_t i = 0; i < COUNT(kinds); i++)
        if (scan_is(type, kinds[i].name))
            return kinds[i].kind;
    return FRAME_OTHER;
}

static int product_frame(const struct coinbase_turn *turn, const struct feed_frame *frame,
                         enum frame_kind kind)
{
    struct feed_product *product = coinbase_feed_product(turn, &frame->product);
    int err = 0;

    if (frame->product.type != SCAN_STRING)
        return ERR_PROTO;
    if (!product)
        return 0; /* Not for us. */
    product->messages++;
    product->last_message_ns = turn->clock->now_ns;
    time_seen(product, &frame->time);
    if (kind == FRAME_UPDATE)
        err = coinbase_book_update(turn, product, frame);
    else if (kind == FRAME_SNAPSHOT)
        err = coinbase_book_snapshot(turn, product, frame);
    else if (kind == FRAME_TICKER)
        err = ticker_frame(turn, product, frame);
    else if (kind == FRAME_HEARTBEAT)
        err = heartbeat_frame(turn, product, frame);
    else
        err = trade_frame(turn, product, frame, kind == FRAME_LAST_MATCH);
    product->rejected += err == ERR_PROTO;
    /* A change that cannot be read is a change that is missing. */
    if (err == ERR_PROTO && (kind == FRAME_UPDATE || kind == FRAME_SNAPSHOT))
        coinbase_book_lost(turn, product, FEED_STALE, REASON_BAD_BYTES);
    return err;
}

/* A frame that cannot be read may have been a change of any book of the connection. */
static void unreadable(const struct coinbase_turn *turn, unsigned connection)
{
    struct coinbase_feed *feed = turn->feed;

    for (size_t i = 0; i < feed->product_count; i++)
        if (feed->products[i].is_whole &&
            (feed->takes_any_symbol || feed->products[i].connection == connection))
            coinbase_book_lost(turn, &feed->products[i], FEED_STALE, REASON_BAD_BYTES);
}

static int frame_take(const struct coinbase_turn *turn, unsigned connection,
                      const struct feed_frame *frame)
{
    enum frame_kind kind = kind_of(&frame->type);

    if (frame->channel.type != SCAN_NONE)
        return 0; /* Of the international exchange, or of Advanced Trade. */
    if (kind != FRAME_OTHER)
        return product_frame(turn, frame, kind);
    if (scan_is(&frame->type, "subscriptions"))
        return subscriptions_frame(turn, connection, frame);
    if (scan_is(&frame->type, "status"))
        return status_frame(turn, frame);
    if (scan_is(&frame->type, "error"))
        return error_frame(turn, connection, frame);
    return 0; /* Unknown types must be ignored. */
}

int coinbase_feed_frame(void *state, unsigned connection, const char *frame, size_t len,
                        const struct venue_clock *clock, const struct venue_out *out)
{
    struct coinbase_feed *feed = state;
    struct coinbase_turn turn = { feed, clock, out };
    struct feed_frame read = { .type = { .type = SCAN_NONE } };

    feed->stats.messages++;
    feed->last_message_ns = clock->now_ns;
    int err = frame_read(frame, len, &read);
    if (err)
        unreadable(&turn, connection);
    else
        err = frame_take(&turn, connection, &read);
    feed->stats.rejected += err == ERR_PROTO;
    return err;
}
