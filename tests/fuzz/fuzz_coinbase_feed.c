/* Any bytes to the Coinbase feed, as frames, as answers, and as well-formed messages whose numbers
 * the bytes choose. Laws: every event is valid; a book that is said to be live is never crossed,
 * and what a subscriber rebuilds from the events is the codec's own book, level by level, within
 * the room there is; what is sent is JSON; one call gives a bounded number of events. */
#include "common/pure/instrument.h"
#include "venues/coinbase/feed.h"

#include <stdio.h>
#include <stdlib.h>

#define LAW(claim)    \
    do {              \
        if (!(claim)) \
            abort();  \
    } while (0)

enum { EVENTS_MAX = 8 * VENUE_SYMBOLS_MAX + 4096, SUBSCRIBER_LEVELS = 16384, LEVELS_MAX = 24 };

struct subscriber {
    struct book book;
    uint64_t instrument;
    wire_feed_state state;
    bool is_inside;
    unsigned events;
    uint64_t tags[16];
    unsigned tag_count;
};

static void on_event(void *ctx, struct wire_header *event)
{
    struct subscriber *subscriber = ctx;

    LAW(wire_check(event, event->size) == 0);
    LAW(++subscriber->events <= EVENTS_MAX);
    if (event->instrument != subscriber->instrument)
        return;
    if (event->type == WIRE_feed_status) {
        subscriber->state = ((const struct wire_feed_status *)(const void *)event)->state;
    } else if (event->type == WIRE_book_snapshot || event->type == WIRE_book_delta) {
        const struct wire_book_delta *change = (const void *)event;
        if (event->type == WIRE_book_snapshot) {
            subscriber->book.price_exp = change->price_exp;
            subscriber->book.qty_exp = change->qty_exp;
        }
        subscriber->is_inside = !change->is_last;
        LAW(book_apply(&subscriber->book, event) == 0);
    }
}

static int on_send(void *ctx, unsigned connection, const char *frame, size_t len)
{
    struct scan_value root;
    (void)ctx;
    LAW(connection == 0);
    LAW(scan_whole(frame, len, &root) == 0 && root.type == SCAN_OBJECT);
    return 0;
}

static int on_request(void *ctx, const struct venue_request *request)
{
    struct subscriber *subscriber = ctx;

    LAW(request->method && request->path[0] == '/' && !request->is_private);
    subscriber->tags[subscriber->tag_count++ % COUNT(subscriber->tags)] = request->tag;
    return 0;
}

static void on_reconnect(void *ctx, unsigned connection, wire_reason why)
{
    (void)ctx;
    (void)connection;
    (void)why;
}

static void on_note(void *ctx, const char *event, const char *text)
{
    (void)ctx;
    (void)event;
    LAW(strlen(text) < 256);
}

static void check_same_book(const struct coinbase_feed *feed, const struct subscriber *subscriber)
{
    LAW(!subscriber->is_inside);
    if (subscriber->state != FEED_LIVE)
        return;
    LAW(!book_is_crossed(&subscriber->book));
    for (size_t i = 0; i < feed->product_count; i++) {
        const struct feed_product *product = &feed->products[i];
        const struct book *book = &product->book;
        if (product->instrument != subscriber->instrument)
            continue;
        LAW(!book->is_stale && product->is_whole);
        LAW(book->bids.count <= LEVELS_MAX && book->asks.count <= LEVELS_MAX);
        LAW(book->bids.count == subscriber->book.bids.count);
        LAW(book->asks.count == subscriber->book.asks.count);
        for (uint32_t n = 0; n < book->bids.count; n++)
            LAW(memcmp(book_level(&book->bids, n), book_level(&subscriber->book.bids, n),
                       sizeof(struct wire_level)) == 0);
        for (uint32_t n = 0; n < book->asks.count; n++)
            LAW(memcmp(book_level(&book->asks, n), book_level(&subscriber->book.asks, n),
                       sizeof(struct wire_level)) == 0);
    }
}

/* ---- the input as a stream of bytes; zeros behind its end ---- */

struct bytes {
    const uint8_t *at, *end;
};

static uint8_t take(struct bytes *in)
{
    return in->at < in->end ? *in->at++ : 0;
}

static const char *take_line(struct bytes *in, size_t *len)
{
    const char *first = (const char *)in->at;
    const uint8_t *end = memchr(in->at, '\n', (size_t)(in->end - in->at));

    end = end ? end : in->end;
    *len = (size_t)(end - in->at);
    in->at = end < in->end ? end + 1 : end;
    return first;
}

/* Best first, in steps of the bytes. */
static int put_side(char *out, size_t cap, struct bytes *in, int base, int direction)
{
    unsigned count = take(in) % 40;
    int len = 0, price = base * 10;

    for (unsigned i = 0; i < count; i++) {
        len += snprintf(out + len, cap - (size_t)len, "%s[\"%d.%d\",\"%d.5\"]", i ? "," : "",
                        price / 10, price % 10, take(in) % 4);
        price += direction * (1 + take(in) % 9);
    }
    return len;
}

static int put_snapshot(char *out, size_t cap, struct bytes *in)
{
    /* Now and then the sides overlap. */
    int shift = take(in) % 16 ? 0 : 3;
    int len = snprintf(out, cap, "{\"type\":\"snapshot\",\"product_id\":\"BTC-USD\",\"bids\":[");

    len += put_side(out + len, cap - (size_t)len, in, 100 + shift, -1);
    len += snprintf(out + len, cap - (size_t)len, "],\"asks\":[");
    len += put_side(out + len, cap - (size_t)len, in, 101, 1);
    return len + snprintf(out + len, cap - (size_t)len, "]}");
}

static int put_update(char *out, size_t cap, struct bytes *in)
{
    unsigned count = take(in) % 30;
    int len = snprintf(out, cap, "{\"type\":\"l2update\",\"product_id\":\"BTC-USD\",\"changes\":[");

    for (unsigned i = 0; i < count; i++) {
        bool is_bid = take(in) % 2;
        int away = take(in) % 40, cross = take(in) % 128 ? 0 : 30;
        int price = is_bid ? 1000 - away + cross : 1010 + away - cross;
        len += snprintf(out + len, cap - (size_t)len, "%s[\"%s\",\"%d.%d\",\"%d.0\"]", i ? "," : "",
                        is_bid ? "buy" : "sell", price / 10, price % 10, take(in) % 3);
    }
    return len + snprintf(out + len, cap - (size_t)len,
                          "],\"time\":\"2024-01-01T00:00:%02u.%03uZ\"}", take(in) % 60, take(in));
}

static int put_other(char *out, size_t cap, struct bytes *in)
{
    static const char *const forms[] = {
        "{\"type\":\"heartbeat\",\"product_id\":\"BTC-USD\",\"sequence\":%u,\"last_trade_id\":%u,"
        "\"time\":\"2024-01-01T00:01:00Z\"}",
        "{\"type\":\"match\",\"product_id\":\"BTC-USD\",\"sequence\":%u,\"trade_id\":%u,\"price\":"
        "\"100.5\",\"size\":\"1\",\"side\":\"sell\",\"time\":\"2024-01-01T00:01:00Z\"}",
        "{\"type\":\"ticker\",\"product_id\":\"BTC-USD\",\"sequence\":%u,\"best_bid\":\"%u\","
        "\"best_ask\":\"101\",\"best_bid_size\":\"1\",\"best_ask_size\":\"1\"}",
        "{\"type\":\"subscriptions\",\"channels\":[{\"name\":\"level2_%u\",\"product_ids\":[\"ETH-%"
        "u"
        "\"]}]}",
        "{\"type\":\"error\",\"message\":\"%u\",\"reason\":\"BTC-USD is not a valid product%u\"}",
        "{\"type\":\"status\",\"products\":[{\"id\":\"BTC-USD\",\"base_currency\":\"BTC\","
        "\"quote_currency\":\"USD\",\"base_increment\":\"0.0%u1\",\"quote_increment\":\"0.%u1\","
        "\"status\":\"online\"}]}",
    };
    char text[512];
    const char *form = forms[take(in) % COUNT(forms)];
    unsigned first = take(in), second = take(in) + 256u * (take(in) % 4);

    /* The formats are literals above; a compiler cannot see that. */
    size_t len = 0;
    unsigned values[] = { first, second }, next = 0;
    for (; *form && len < sizeof(text) - 16; form++)
        if (form[0] == '%' && form[1] == 'u' && next < 2) {
            len += (size_t)snprintf(text + len, sizeof(text) - len, "%u", values[next++]);
            form++;
        } else {
            text[len++] = *form;
        }
    text[len] = '\0';
    return snprintf(out, cap, "%s", text);
}

/* Answers in the venue's form to what was asked. */
static const char *body_of(struct bytes *in, uint64_t tag, size_t *len)
{
    static char text[8192];
    int at;

    switch ((enum feed_tag)(tag >> 56)) {
    case TAG_PRODUCTS:
        at = snprintf(text, sizeof(text),
                      "[{\"id\":\"BTC-USD\",\"base_currency\":\"BTC\",\"quote_currency\":\"USD\","
                      "\"base_increment\":\"0.1\",\"quote_increment\":\"0.1\",\"status\":\"%s\","
                      "\"auction_mode\":%s}]",
                      take(in) % 8 ? "online" : "delisted", take(in) % 8 ? "false" : "true");
        break;
    case TAG_TRADES:
        at =
            snprintf(text, sizeof(text),
                     "[{\"time\":\"2024-01-01T00:01:00Z\",\"trade_id\":%u,\"price\":\"1\",\"size\":"
                     "\"1\",\"side\":\"buy\"}]",
                     take(in));
        break;
    case TAG_BOOK:
        at = put_snapshot(text, sizeof(text), in) - 1;
        at += snprintf(text + at, sizeof(text) - (size_t)at,
                       ",\"time\":\"2024-01-01T00:%02u:00Z\"}", take(in) % 60);
        break;
    default:
        at = snprintf(text, sizeof(text), "{\"iso\":\"2024-01-01T00:00:00Z\",\"epoch\":1}");
    }
    *len = (size_t)at;
    return text;
}

static void answer(struct coinbase_feed *feed, struct subscriber *subscriber, struct bytes *in,
                   const struct venue_clock *clock, const struct venue_out *out)
{
    uint8_t how = take(in);
    struct venue_response response = {
        .tag = subscriber->tags[take(in) % COUNT(subscriber->tags)],
        .url = "https://api.exchange.coinbase.com/products",
        .status = how % 16 == 1   ? 429
                  : how % 16 == 2 ? 0
                                  : 200,
        .was_sent = true,
    };

    if (how % 4 == 0)
        response.body = take_line(in, &response.body_len);
    else
        response.body = body_of(in, response.tag, &response.body_len);
    (void)coinbase_feed_ops.http(feed, &response, clock, out);
}

static void step(struct coinbase_feed *feed, struct subscriber *subscriber, struct bytes *in,
                 struct venue_clock *clock, const struct venue_out *out)
{
    static char text[8192];
    size_t len = 0;
    const char *line;

    switch (take(in) % 12) {
    case 0:
        line = take_line(in, &len);
        (void)coinbase_feed_ops.frame(feed, 0, line, len, clock, out);
        break;
    case 1:
    case 2:
        len = (size_t)put_snapshot(text, sizeof(text), in);
        (void)coinbase_feed_ops.frame(feed, 0, text, len, clock, out);
        break;
    case 3:
    case 4:
    case 5:
        len = (size_t)put_update(text, sizeof(text), in);
        (void)coinbase_feed_ops.frame(feed, 0, text, len, clock, out);
        break;
    case 6:
        len = (size_t)put_other(text, sizeof(text), in);
        (void)coinbase_feed_ops.frame(feed, 0, text, len, clock, out);
        break;
    case 7:
    case 8:
        answer(feed, subscriber, in, clock, out);
        break;
    case 9:
        clock->now_ns += (int64_t)take(in) * 100 * NS_PER_MS;
        coinbase_feed_ops.tick(feed, clock, out);
        break;
    case 10:
        if (take(in) % 4)
            coinbase_feed_ops.opened(feed, 0, clock, out);
        else
            coinbase_feed_ops.closed(feed, 0, clock, out);
        break;
    default:
        coinbase_feed_ops.republish(feed, 0, clock, out);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = { "BTC-USD" };
    struct bytes in = { data, data + size };
    struct venue_feed_config config = { .venue = "coinbase",
                                        .ws_url = "wss://venue",
                                        .names = names,
                                        .name_count = 1,
                                        .takes_any_symbol = take(&in) % 4 == 0,
                                        .levels_max = LEVELS_MAX };
    struct subscriber subscriber = { .instrument =
                                         instrument_id("coinbase", INSTRUMENT_SPOT, "BTC-USD") };
    struct venue_out out = { .ctx = &subscriber,
                             .event = on_event,
                             .send = on_send,
                             .request = on_request,
                             .reconnect = on_reconnect,
                             .note = on_note };
    struct venue_clock clock = { .now_ns = NS_PER_S, .wall_ns = 1700000000 * NS_PER_S };
    struct coinbase_feed *feed = calloc(1, sizeof(*feed));

    LAW(feed && coinbase_feed_ops.init(feed, &config) == 0 &&
        book_init(&subscriber.book, SUBSCRIBER_LEVELS, 8, 8) == 0);
    coinbase_feed_ops.start(feed, &clock, &out);
    while (in.at < in.end) {
        subscriber.events = 0;
        clock.now_ns += NS_PER_MS;
        step(feed, &subscriber, &in, &clock, &out);
        check_same_book(feed, &subscriber);
    }
    coinbase_feed_ops.fini(feed);
    free(feed);
    book_fini(&subscriber.book);
    return 0;
}
