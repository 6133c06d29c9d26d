/* Any bytes to the Bybit feed, as frames, as answers, and as well-formed books whose numbers the
 * bytes choose. Laws: every event is valid; a book that is said to be live is never crossed, and
 * what a subscriber rebuilds from the events is the codec's own book, level by level; one call
 * gives a bounded number of events. */
#include "common/pure/book.h"
#include "common/pure/instrument.h"
#include "venues/bybit/feed.h"

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
    LAW(scan_whole(frame, len, &root) == 0 && root.type == SCAN_OBJECT);
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

static void check_same_book(const struct bybit_feed *feed, const struct subscriber *subscriber)
{
    if (subscriber->state != FEED_LIVE)
        return;
    LAW(!book_is_crossed(&subscriber->book));
    for (unsigned i = 0; i < feed->market_count; i++) {
        const struct bybit_market *market = &feed->markets[i];
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

/* Prices in a small range around 100, so that levels meet; size 0 removes. */
static int put_side(char *out, size_t cap, struct bytes *in, int base, int direction)
{
    unsigned count = take(in) % 20;
    int len = 0;

    for (unsigned i = 0; i < count; i++)
        len += snprintf(out + len, cap - (size_t)len, "%s[\"%d.%d\",\"%d.5\"]", i ? "," : "",
                        base + direction * (take(in) % 40), take(in) % 10, take(in) % 4);
    return len;
}

static int put_book(char *out, size_t cap, struct bytes *in, bool is_snapshot)
{
    static unsigned update_id = 100;
    /* Now and then the sides overlap, an id is missing, or the service has begun anew. */
    int shift = take(in) % 16 ? 0 : 3;
    uint8_t step = take(in);

    update_id = step % 32 == 1 ? 1 : update_id + (step % 16 ? 1 : step / 64);
    int len = snprintf(out, cap,
                       "{\"topic\":\"orderbook.50.BTCUSDT\",\"type\":\"%s\",\"ts\":1,\"data\":{"
                       "\"s\":\"BTCUSDT\",\"b\":[",
                       is_snapshot ? "snapshot" : "delta");

    len += put_side(out + len, cap - (size_t)len, in, 100 + shift, -1);
    len += snprintf(out + len, cap - (size_t)len, "],\"a\":[");
    len += put_side(out + len, cap - (size_t)len, in, 101, 1);
    return len + snprintf(out + len, cap - (size_t)len, "],\"u\":%u,\"seq\":%u}}", update_id,
                          1000 + update_id);
}

static int put_other(char *out, size_t cap, struct bytes *in)
{
    static const char *const texts[] = {
        "{\"topic\":\"tickers.BTCUSDT\",\"type\":\"snapshot\",\"data\":{\"symbol\":\"BTCUSDT\","
        "\"markPrice\":\"100.5\",\"indexPrice\":\"100.4\",\"fundingRate\":\"0.0001\","
        "\"nextFundingTime\":\"1760342400000\",\"fundingIntervalHour\":\"8\"},\"ts\":1}",
        "{\"topic\":\"tickers.BTCUSDT\",\"type\":\"delta\",\"data\":{\"markPrice\":\"\"},\"ts\":1}",
        "{\"topic\":\"publicTrade.BTCUSDT\",\"type\":\"snapshot\",\"ts\":1,\"data\":[{\"T\":1,"
        "\"s\":"
        "\"BTCUSDT\",\"S\":\"Buy\",\"v\":\"0.001\",\"p\":\"100.5\",\"i\":\"x\"}]}",
        "{\"topic\":\"allLiquidation.BTCUSDT\",\"data\":[{\"T\":1,\"S\":\"Sell\",\"v\":\"1\",\"p\":"
        "\"9\"}]}",
        "{\"success\":false,\"ret_msg\":\"error:handler not found,topic:tickers.BTCUSDT\",\"op\":"
        "\"subscribe\"}",
        "{\"success\":false,\"ret_msg\":\"error:handler not "
        "found,topic:orderbook.50.BTCUSDT\",\"op\":"
        "\"subscribe\"}",
        "{\"topic\":\"system.status\",\"ts\":1,\"data\":[{\"id\":\"a\",\"state\":\"ongoing\","
        "\"begin\":\"1\",\"end\":\"\",\"product\":[1,2]}]}",
        "{\"topic\":\"system.status\",\"ts\":1,\"data\":[{\"id\":\"a\",\"state\":\"completed\","
        "\"product\":[1,2]}]}",
        "{\"success\":true,\"ret_msg\":\"pong\",\"op\":\"ping\"}",
    };

    return snprintf(out, cap, "%s", texts[take(in) % COUNT(texts)]);
}

static const char list[] =
    "{\"retCode\":0,\"result\":{\"list\":[{\"symbol\":\"BTCUSDT\",\"contractType\":"
    "\"LinearPerpetual\",\"status\":\"Trading\",\"baseCoin\":\"BTC\",\"quoteCoin\":\"USDT\","
    "\"settleCoin\":\"USDT\",\"priceFilter\":{\"tickSize\":\"0.1\"},\"lotSizeFilter\":{\"qtyStep\":"
    "\"0.1\",\"minOrderQty\":\"0.1\",\"maxOrderQty\":\"100\"},\"fundingInterval\":480}],"
    "\"nextPageCursor\":\"\"}}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = { "BTC-USDT-PERP" };
    static char text[8192];
    struct bytes in = { data, data + size };
    bool is_replay = take(&in) % 4 != 0;
    struct venue_feed_config config = { .venue = "bybit",
                                        .names = names,
                                        .name_count = 1,
                                        .takes_any_symbol = is_replay,
                                        .depth = 50 };
    struct subscriber subscriber = { .instrument =
                                         instrument_id("bybit", INSTRUMENT_PERPETUAL, "BTCUSDT") };
    struct venue_out out = { .ctx = &subscriber,
                             .event = on_event,
                             .send = on_send,
                             .request = on_request,
                             .reconnect = on_reconnect,
                             .note = on_note };
    struct venue_clock clock = { .now_ns = NS_PER_S, .wall_ns = 1700000000 * NS_PER_S };
    struct bybit_feed *feed = calloc(1, sizeof(*feed));

    LAW(feed && bybit_feed_ops.init(feed, &config) == 0 &&
        book_init(&subscriber.book, SUBSCRIBER_LEVELS, 8, 8) == 0);
    bybit_feed_ops.start(feed, &clock, &out);
    while (in.at < in.end) {
        struct venue_response response = { .tag = 3, .status = 200, .was_sent = true };
        uint8_t what = take(&in);
        size_t len = 0;
        const char *line;

        subscriber.events = 0;
        clock.now_ns += NS_PER_MS;
        switch (what % 10) {
        case 0:
            line = take_line(&in, &len);
            (void)bybit_feed_ops.frame(feed, 0, line, len, &clock, &out);
            break;
        case 1:
            len = (size_t)put_other(text, sizeof(text), &in);
            (void)bybit_feed_ops.frame(feed, 0, text, len, &clock, &out);
            break;
        case 2:
        case 3:
        case 4:
        case 5:
            len = (size_t)put_book(text, sizeof(text), &in, what % 10 == 2);
            (void)bybit_feed_ops.frame(feed, 0, text, len, &clock, &out);
            break;
        case 6:
            response.body = take(&in) % 2 ? list : take_line(&in, &response.body_len);
            response.body_len = response.body == list ? sizeof(list) - 1 : response.body_len;
            (void)bybit_feed_ops.http(feed, &response, &clock, &out);
            break;
        case 7:
            clock.now_ns += (int64_t)take(&in) * 100 * NS_PER_MS;
            bybit_feed_ops.tick(feed, &clock, &out);
            break;
        case 8:
            if (take(&in) % 2)
                bybit_feed_ops.opened(feed, 0, &clock, &out);
            else
                bybit_feed_ops.closed(feed, 0, &clock, &out);
            break;
        default:
            bybit_feed_ops.republish(feed, 0, &clock, &out);
            break;
        }
        check_same_book(feed, &subscriber);
    }
    bybit_feed_ops.fini(feed);
    free(feed);
    book_fini(&subscriber.book);
    return 0;
}
