/* Any bytes to the OKX feed, as frames, as answers, and as well-formed books whose numbers the
 * bytes choose. Laws: every event is valid; a book that is said to be live is never crossed, and
 * what a subscriber rebuilds from the events is the codec's own book, level by level; one call
 * gives a bounded number of events. */
#include "common/pure/book.h"
#include "common/pure/instrument.h"
#include "venues/okx/feed.h"

#include <stdio.h>
#include <stdlib.h>

#define LAW(claim)    \
    do {              \
        if (!(claim)) \
            abort();  \
    } while (0)

/* A definition, a snapshot, a status and a quote for each market, and the feed's own word. */
enum { EVENTS_MAX = 6 * VENUE_SYMBOLS_MAX + 4096, SUBSCRIBER_LEVELS = 4096 };

struct subscriber {
    struct book book;
    uint64_t instrument;
    wire_feed_state state;
    unsigned events;
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
        LAW(book_apply(&subscriber->book, event) == 0);
    }
}

static int on_send(void *ctx, unsigned connection, const char *frame, size_t len)
{
    struct scan_value root;
    (void)ctx;
    (void)connection;
    LAW((len == 4 && memcmp(frame, "ping", 4) == 0) ||
        (scan_whole(frame, len, &root) == 0 && root.type == SCAN_OBJECT));
    return 0;
}

static int on_request(void *ctx, const struct venue_request *request)
{
    (void)ctx;
    LAW(request->method && request->path[0] == '/');
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
    (void)text;
}

static void check_same_book(const struct okx_feed *feed, const struct subscriber *subscriber)
{
    if (subscriber->state != FEED_LIVE)
        return;
    LAW(!book_is_crossed(&subscriber->book));
    for (unsigned i = 0; i < feed->market_count; i++) {
        const struct okx_market *market = &feed->markets[i];
        if (market->instrument != subscriber->instrument)
            continue;
        LAW(!market->book.is_stale);
        LAW(market->book.bids.count == subscriber->book.bids.count);
        LAW(market->book.asks.count == subscriber->book.asks.count);
        for (uint32_t n = 0; n < market->book.bids.count; n++)
            LAW(memcmp(book_level(&market->book.bids, n), book_level(&subscriber->book.bids, n),
                       sizeof(struct wire_level)) == 0);
        for (uint32_t n = 0; n < market->book.asks.count; n++)
            LAW(memcmp(book_level(&market->book.asks, n), book_level(&subscriber->book.asks, n),
                       sizeof(struct wire_level)) == 0);
    }
}

/* The input as a stream of bytes; zeros behind its end. */
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

/* Prices in a small range around 100, so that levels meet; quantity 0 removes. */
static int put_side(char *out, size_t cap, struct bytes *in, int base, int direction)
{
    unsigned count = take(in) % 20;
    int len = 0;

    for (unsigned i = 0; i < count; i++)
        len += snprintf(out + len, cap - (size_t)len, "%s[\"%d.%d\",\"%d%s\",\"0\",\"1\"]",
                        i ? "," : "", base + direction * (take(in) % 40), take(in) % 10,
                        take(in) % 4, take(in) % 8 == 1 ? ".50" : "");
    return len;
}

/* The next in the chain, most of the time. */
static int put_numbers(char *out, size_t cap, struct bytes *in, bool is_snapshot, int64_t *sequence)
{
    int64_t previous = is_snapshot ? -1 : *sequence - (take(in) % 32 == 1);

    *sequence += take(in) % 4;
    if (take(in) % 32 == 1)
        return 0;
    return snprintf(out, cap, ",\"prevSeqId\":%lld,\"seqId\":%lld", (long long)previous,
                    (long long)*sequence);
}

static int put_book(char *out, size_t cap, struct bytes *in, bool is_snapshot, int64_t *sequence)
{
    /* Now and then the sides overlap. */
    int shift = take(in) % 16 ? 0 : 3;
    int len = snprintf(out, cap,
                       "{\"arg\":{\"channel\":\"books\",\"instId\":\"BTC-USDT\"},\"action\":\"%s\","
                       "\"data\":[{\"bids\":[",
                       is_snapshot ? "snapshot" : "update");

    len += put_side(out + len, cap - (size_t)len, in, 100 + shift, -1);
    len += snprintf(out + len, cap - (size_t)len, "],\"asks\":[");
    len += put_side(out + len, cap - (size_t)len, in, 101, 1);
    len += snprintf(out + len, cap - (size_t)len, "],\"ts\":\"1700000000%03u\"", take(in));
    if (take(in) % 32 == 1)
        len += snprintf(out + len, cap - (size_t)len, ",\"checksum\":%u", take(in));
    len += put_numbers(out + len, cap - (size_t)len, in, is_snapshot, sequence);
    return len + snprintf(out + len, cap - (size_t)len, "}]}");
}

/* The other channels, and REST's book. */
static const char *const others[] = {
    "{\"arg\":{\"channel\":\"bbo-tbt\",\"instId\":\"BTC-USDT\"},\"data\":[{\"asks\":[[\"101\","
    "\"1\","
    "\"0\",\"1\"]],\"bids\":[[\"100\",\"2\",\"0\",\"1\"]],\"ts\":\"1700000000100\",\"seqId\":9}]}",
    "{\"arg\":{\"channel\":\"trades\",\"instId\":\"BTC-USDT\"},\"data\":[{\"instId\":\"BTC-USDT\","
    "\"tradeId\":\"7\",\"px\":\"100.5\",\"sz\":\"0.5\",\"side\":\"buy\",\"ts\":\"1700000000100\"}]"
    "}",
    "{\"event\":\"subscribe\",\"arg\":{\"channel\":\"books\",\"instId\":\"BTC-USDT\"}}",
    "{\"event\":\"error\",\"code\":\"60018\",\"msg\":\"\",\"arg\":{\"channel\":\"books\","
    "\"instId\":"
    "\"BTC-USDT\"}}",
    "{\"event\":\"notice\",\"code\":\"64008\",\"msg\":\"soon\"}",
    "{\"arg\":{\"channel\":\"status\"},\"data\":[{\"state\":\"ongoing\",\"serviceType\":\"5\"}]}",
    "{\"arg\":{\"channel\":\"status\"},\"data\":[{\"state\":\"completed\",\"serviceType\":\"5\"}]}",
    "{\"arg\":{\"channel\":\"liquidation-orders\",\"instType\":\"SWAP\"},\"data\":[{\"instId\":"
    "\"BTC-USDT\""
    ",\"details\":[{\"bkPx\":\"99\",\"sz\":\"3\",\"side\":\"sell\",\"ts\":\"1700000000100\"}]}]}",
    "{\"arg\":{\"channel\":\"funding-rate\",\"instId\":\"BTC-USDT\"},\"data\":[{\"fundingRate\":"
    "\"0.0001875391284828\",\"fundingTime\":\"1700726400000\",\"nextFundingTime\":"
    "\"1700755200000\"}]}",
    "{\"arg\":{\"channel\":\"mark-price\",\"instId\":\"BTC-USDT\"},\"data\":[{\"markPx\":\"100."
    "123456789012"
    "\",\"ts\":\"1700000000100\"}]}",
    "pong",
};
static const char *const bodies[] = {
    "{\"code\":\"0\",\"data\":[{\"instId\":\"BTC-USDT\",\"instType\":\"SPOT\",\"baseCcy\":\"BTC\","
    "\"quoteCcy\":\"USDT\",\"tickSz\":\"0.1\",\"lotSz\":\"0.5\",\"minSz\":\"1\",\"state\":\"live\"}"
    "]}",
    "{\"code\":\"0\",\"data\":[{\"instId\":\"BTC-USDT\",\"instType\":\"SWAP\",\"ctType\":"
    "\"linear\","
    "\"ctVal\":\"0.01\",\"ctValCcy\":\"BTC\",\"settleCcy\":\"USDT\",\"uly\":\"BTC-USDT\","
    "\"tickSz\":"
    "\"0.1\",\"lotSz\":\"0.1\",\"minSz\":\"1\",\"state\":\"suspend\"}]}",
    "{\"code\":\"0\",\"data\":[{\"asks\":[[\"101\",\"1\",\"0\",\"1\"]],\"bids\":[[\"99\",\"1\","
    "\"0\",\"1\"]]"
    ",\"ts\":\"1700000000100\",\"seqId\":3}]}",
    "{\"code\":\"50011\",\"msg\":\"\",\"data\":[]}",
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = { "BTC-USDT" };
    static char text[16384];
    struct bytes in = { data, data + size };
    bool is_replay = take(&in) % 4 != 0;
    struct venue_feed_config config = {
        .venue = "okx", .names = names, .name_count = 1, .takes_any_symbol = is_replay
    };
    struct subscriber subscriber = { .instrument =
                                         instrument_id("okx", INSTRUMENT_SPOT, "BTC-USDT") };
    struct venue_out out = { .ctx = &subscriber,
                             .event = on_event,
                             .send = on_send,
                             .request = on_request,
                             .reconnect = on_reconnect,
                             .note = on_note };
    struct venue_clock clock = { .now_ns = NS_PER_S, .wall_ns = 1700000000 * NS_PER_S };
    struct okx_feed *feed = calloc(1, sizeof(*feed));
    int64_t sequence = 10;

    LAW(feed && okx_feed_ops.init(feed, &config) == 0 &&
        book_init(&subscriber.book, SUBSCRIBER_LEVELS, 8, 8) == 0);
    okx_feed_ops.start(feed, &clock, &out);
    while (in.at < in.end) {
        struct venue_response response = { .tag = 1, .status = 200, .was_sent = true };
        uint8_t what = take(&in);
        size_t len = 0;
        const char *line;

        subscriber.events = 0;
        clock.now_ns += NS_PER_MS;
        switch (what % 10) {
        case 0:
            line = others[take(&in) % COUNT(others)];
            (void)okx_feed_ops.frame(feed, 0, line, strlen(line), &clock, &out);
            break;
        case 1:
            line = take_line(&in, &len);
            (void)okx_feed_ops.frame(feed, 0, line, len, &clock, &out);
            break;
        case 2:
        case 3:
        case 4:
        case 5:
            len = (size_t)put_book(text, sizeof(text), &in, what % 10 == 2, &sequence);
            (void)okx_feed_ops.frame(feed, 0, text, len, &clock, &out);
            break;
        case 6:
            response.tag = (uint64_t[]){ 1, 2, 8, 9, feed->buffer.tag }[take(&in) % 5];
            line = bodies[take(&in) % COUNT(bodies)];
            response.body = take(&in) % 4 ? line : take_line(&in, &response.body_len);
            response.body_len = response.body == line ? strlen(line) : response.body_len;
            (void)okx_feed_ops.http(feed, &response, &clock, &out);
            break;
        case 7:
            clock.now_ns += (int64_t)take(&in) * 100 * NS_PER_MS;
            okx_feed_ops.tick(feed, &clock, &out);
            break;
        case 8:
            if (take(&in) % 2)
                okx_feed_ops.opened(feed, 0, &clock, &out);
            else
                okx_feed_ops.closed(feed, 0, &clock, &out);
            break;
        default:
            okx_feed_ops.republish(feed, 0, &clock, &out);
            break;
        }
        check_same_book(feed, &subscriber);
    }
    okx_feed_ops.fini(feed);
    free(feed);
    book_fini(&subscriber.book);
    return 0;
}
