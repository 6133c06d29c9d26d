/* REST answers of the feed: products, time, books to compare with, trades that were missed. */
#include "venues/coinbase/feed.h"

#define METADATA_NS       (300 * NS_PER_S)
#define METADATA_RETRY_NS (2 * NS_PER_S)
#define TIME_NS           (600 * NS_PER_S)
#define HOLD_NS           (1 * NS_PER_S) /* A 429 says no time: 1/rate, more each time. */
#define HOLD_MAX_SHIFT    5

static int products_read(const struct coinbase_turn *turn, const char *body, size_t len)
{
    struct scan_iter iter;
    struct scan_value root, object;

    if (scan_whole(body, len, &root) != 0)
        return ERR_PROTO;
    if (root.type == SCAN_OBJECT) { /* /products/ID */
        coinbase_feed_metadata(turn, &root);
        return 0;
    }
    int err = root.type == SCAN_ARRAY ? scan_begin(&iter, &root) : ERR_PROTO;
    while (!err && (err = scan_item(&iter, &object)) == 0) {
        if (object.type != SCAN_OBJECT)
            return ERR_PROTO;
        coinbase_feed_metadata(turn, &object);
    }
    return err == ERR_NOT_FOUND ? 0 : ERR_PROTO;
}

static int on_products(const struct coinbase_turn *turn, const struct venue_response *response)
{
    struct coinbase_feed *feed = turn->feed;
    int64_t now = turn->clock->now_ns;
    int err = response->status == 200 ? products_read(turn, response->body, response->body_len)
                                      : ERR_AGAIN;

    if (err) {
        feed->metadata_at_ns = now + (METADATA_RETRY_NS << MIN(feed->metadata_attempts, 5u));
        feed->metadata_attempts++;
        return err == ERR_PROTO ? ERR_PROTO : 0;
    }
    bool was_known = feed->has_metadata;
    feed->has_metadata = true;
    feed->metadata_attempts = 0;
    feed->metadata_at_ns = now + METADATA_NS;
    for (size_t i = 0; i < feed->product_count && !feed->takes_any_symbol && !was_known; i++)
        if (!feed->products[i].symbol[0])
            coinbase_feed_note(turn, "no_such_instrument", "%s", feed->names[i]);
    for (unsigned c = 0; c < feed->connection_count; c++)
        coinbase_feed_subscribe(turn, c);
    return 0;
}

/* Half of the way there and back lies between the venue's reading and our receipt. */
static int on_time(const struct coinbase_turn *turn, const struct venue_response *response)
{
    struct coinbase_feed *feed = turn->feed;
    struct scan_value root, iso;
    int64_t venue_ns;

    if (response->status != 200)
        return 0; /* tick asks again. */
    if (scan_whole(response->body, response->body_len, &root) != 0 || root.type != SCAN_OBJECT ||
        scan_find(&root, "iso", &iso) != 0 || coinbase_time_read(&iso, &venue_ns) != 0)
        return ERR_PROTO;
    int64_t rtt = MAX(response->received_ns - response->sent_ns, 0);
    feed->clock_offset_ns = venue_ns - (turn->clock->wall_ns - rtt / 2);
    feed->time_at_ns = turn->clock->now_ns + TIME_NS;
    return 0;
}

/* ---- trades that the stream did not bring ---- */

struct missed {
    struct scan_value object;
    uint64_t trade_id;
};

static int missed_read(const struct scan_value *object, struct scan_value found[5],
                       uint64_t *trade_id)
{
    static const char *const names[] = { "trade_id", "price", "size", "side", "time" };

    return coinbase_members(object, names, found, COUNT(names)) == 0 &&
                   scan_u64(&found[0], trade_id) == 0
               ? 0
               : ERR_PROTO;
}

/* The answer has the newest first; trades are told oldest first. A walk for each would be
 * quadratic: the objects of the hole are few, and kept. */
static int on_trades(const struct coinbase_turn *turn, const struct venue_response *response,
                     struct feed_product *product)
{
    enum { MISSED_MAX = 1000 };
    struct scan_value root, object, found[5];
    struct scan_iter iter;
    struct missed missed[MISSED_MAX];
    size_t count = 0;

    product->is_fill_asked = false;
    if (product->fill_from == 0 || response->status != 200)
        return 0; /* tick asks again. */
    if (scan_whole(response->body, response->body_len, &root) != 0 || root.type != SCAN_ARRAY ||
        scan_begin(&iter, &root) != 0)
        return ERR_PROTO;
    int err;
    while ((err = scan_item(&iter, &object)) == 0) {
        uint64_t trade_id;
        if (missed_read(&object, found, &trade_id) != 0)
            return ERR_PROTO;
        if (trade_id >= product->fill_from && trade_id <= product->fill_to && count < MISSED_MAX)
            missed[count++] = (struct missed){ object, trade_id };
    }
    if (err != ERR_NOT_FOUND)
        return ERR_PROTO;
    if (count == 0 && product->trade_id < product->fill_to)
        return 0; /* Not there yet: an edge cache. */
    for (size_t i = count; i-- > 0;) {
        uint64_t trade_id;
        if (missed_read(&missed[i].object, found, &trade_id) != 0 ||
            coinbase_feed_trade(turn, product, &found[1], &found[2], &found[3], &found[4], trade_id,
                                WIRE_REPLAY) != 0)
            return ERR_PROTO;
        product->trade_id = MAX(product->trade_id, trade_id);
    }
    if (count < product->fill_to - product->fill_from + 1)
        coinbase_feed_note(turn, "trades_lost", "%s: %zu of %llu came back", product->symbol, count,
                           (unsigned long long)(product->fill_to - product->fill_from + 1));
    product->fill_from = 0;
    return 0;
}

/* ---- answers ---- */

static void limits_heed(const struct coinbase_turn *turn, const struct venue_response *response)
{
    struct coinbase_feed *feed = turn->feed;

    if (response->status != 429) {
        feed->holds = 0;
        return;
    }
    feed->hold_until_ns =
        turn->clock->now_ns +
        coinbase_retry_ns(response, HOLD_NS << MIN(feed->holds, (unsigned)HOLD_MAX_SHIFT));
    feed->holds++;
    coinbase_feed_note(turn, "rate_limited", "public requests");
}

/* A replay has no tags: the address tells. */
static int replayed(const struct coinbase_turn *turn, const struct venue_response *response)
{
    const char *path = response->url ? strstr(response->url, "/products") : NULL;
    const char *rest = path ? path + strlen("/products") : "";

    if (!path || (*rest == '/' && strchr(rest + 1, '/')))
        return 0; /* A book by REST has no place in the stream: it is for comparing with. */
    return on_products(turn, response);
}

int coinbase_feed_http(void *state, const struct venue_response *response,
                       const struct venue_clock *clock, const struct venue_out *out)
{
    struct coinbase_feed *feed = state;
    struct coinbase_turn turn = { feed, clock, out };
    size_t i = response->tag >> 32 & 0xffffff;
    int err = 0;

    if (response->tag != 0)
        limits_heed(&turn, response);
    switch ((enum feed_tag)(response->tag >> 56)) {
    case TAG_PRODUCTS:
        err = on_products(&turn, response);
        break;
    case TAG_TIME:
        err = on_time(&turn, response);
        break;
    case TAG_TRADES:
        err = i < feed->product_count ? on_trades(&turn, response, &feed->products[i]) : 0;
        break;
    case TAG_BOOK:
        err = coinbase_check_answer(&turn, response);
        break;
    default:
        err = replayed(&turn, response);
    }
    feed->stats.rejected += err == ERR_PROTO;
    return err;
}
