/* Any bytes to the Deribit feed, line by line as frames and as answers, and as well-formed book
 * messages whose numbers the bytes choose. Laws: every event is valid; a book that is said to be
 * live is never crossed, and what a subscriber rebuilds from the events is the codec's own book;
 * what is sent is JSON. */
#include "venues/deribit/feed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LAW(claim)    \
    do {              \
        if (!(claim)) \
            abort();  \
    } while (0)

enum { LEVELS = 512, EVENTS_MAX = 8 * VENUE_SYMBOLS_MAX + 4096 };

static struct {
    struct book book;
    uint64_t instrument; /* Of the well-formed messages. */
    wire_feed_state state;
    bool is_inside;
    unsigned events;
} subscriber;

static void on_event(void *ctx, struct wire_header *event)
{
    (void)ctx;
    LAW(wire_check(event, event->size) == 0);
    LAW(++subscriber.events <= EVENTS_MAX);
    if (event->instrument != subscriber.instrument || event->instrument == 0)
        return;
    if (event->type == WIRE_feed_status)
        subscriber.state = ((const struct wire_feed_status *)(const void *)event)->state;
    if (event->type != WIRE_book_snapshot && event->type != WIRE_book_delta)
        return;
    const struct wire_book_delta *change = (const void *)event;
    if (event->type == WIRE_book_snapshot) {
        subscriber.book.price_exp = change->price_exp;
        subscriber.book.qty_exp = change->qty_exp;
    }
    subscriber.is_inside = !change->is_last;
    LAW(book_apply(&subscriber.book, event) == 0);
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
    (void)ctx;
    LAW(request->method && request->path[0] == '/' && !request->is_private);
    return 0;
}

static void on_reconnect(void *ctx, unsigned connection, wire_reason why)
{
    (void)ctx, (void)connection, (void)why;
}

static void on_note(void *ctx, const char *event, const char *text)
{
    (void)ctx, (void)event;
    LAW(strlen(text) < 256);
}

static void check_book(const struct deribit_feed *feed)
{
    LAW(!subscriber.is_inside);
    if (subscriber.state != FEED_LIVE)
        return;
    LAW(!book_is_crossed(&subscriber.book));
    for (unsigned i = 0; i < feed->market_count; i++) {
        const struct book *book = &feed->markets[i].book;
        if (feed->markets[i].instrument != subscriber.instrument)
            continue;
        LAW(!book->is_stale && book->bids.count == subscriber.book.bids.count &&
            book->asks.count == subscriber.book.asks.count);
        for (uint32_t n = 0; n < book->bids.count; n++)
            LAW(memcmp(book_level(&book->bids, n), book_level(&subscriber.book.bids, n),
                       sizeof(struct wire_level)) == 0);
        for (uint32_t n = 0; n < book->asks.count; n++)
            LAW(memcmp(book_level(&book->asks, n), book_level(&subscriber.book.asks, n),
                       sizeof(struct wire_level)) == 0);
    }
}

struct bytes {
    const uint8_t *at, *end;
};

static uint8_t take(struct bytes *in)
{
    return in->at < in->end ? *in->at++ : 0;
}

static int put_side(char *out, size_t cap, struct bytes *in, int base)
{
    static const char *const actions[] = { "new", "change", "delete", "new" };
    unsigned count = take(in) % 12;
    int len = 0;

    for (unsigned i = 0; i < count; i++) {
        unsigned action = take(in) % 4;
        int price = base + take(in) % 16;
        len += snprintf(out + len, cap - (size_t)len, "%s[\"%s\",%d.%d,%d.0]", i ? "," : "",
                        actions[action], price / 10, price % 10, action == 2 ? 0 : take(in) % 5);
    }
    return len;
}

/* A link of the chain, or mostly one. */
static int put_book(char *out, size_t cap, struct bytes *in, unsigned *change_id)
{
    uint8_t kind = take(in);
    unsigned prev = kind % 16 == 1 ? *change_id + 1 : *change_id;
    int len = snprintf(out, cap,
                       "{\"method\":\"subscription\",\"params\":{\"channel\":\"book.X.raw\","
                       "\"data\":{\"type\":\"%s\",\"timestamp\":1,\"prev_change_id\":%u,"
                       "\"change_id\":%u,\"bids\":[",
                       kind % 8 == 0 ? "snapshot" : "change", prev, *change_id + 2);

    *change_id += 2;
    len += put_side(out + len, cap - (size_t)len, in, kind % 32 == 3 ? 110 : 100);
    len += snprintf(out + len, cap - (size_t)len, "],\"asks\":[");
    len += put_side(out + len, cap - (size_t)len, in, 116);
    return len + snprintf(out + len, cap - (size_t)len, "]}}}");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct venue_feed_config config = { .venue = "deribit",
                                                     .takes_any_symbol = true,
                                                     .levels_max = LEVELS };
    const struct venue_out out = {
        NULL, on_event, NULL, on_send, on_request, on_reconnect, on_note
    };
    struct venue_clock clock = { .now_ns = NS_PER_S, .wall_ns = NS_PER_S };
    struct deribit_feed *feed = calloc(1, sizeof(*feed));
    struct bytes in = { data, data + size };
    unsigned change_id = 1;
    char text[4096];

    if (!feed || deribit_feed_ops.init(feed, &config) != 0 ||
        book_init(&subscriber.book, 2 * LEVELS, 8, 8) != 0)
        abort();
    subscriber.state = FEED_CONNECTING;
    deribit_feed_ops.opened(feed, 0, &clock, &out);
    const struct deribit_market *market =
        deribit_market_by_symbol(&(struct deribit_call){ feed, &clock, &out }, "X", 1);
    subscriber.instrument = market->instrument;
    while (in.at < in.end) {
        uint8_t what = take(&in);
        clock.now_ns += NS_PER_MS;
        subscriber.events = 0;
        if (what % 2) {
            int len = put_book(text, sizeof(text), &in, &change_id);
            (void)deribit_feed_ops.frame(feed, 0, text, (size_t)len, &clock, &out);
        } else {
            const char *line = (const char *)in.at;
            const uint8_t *end = memchr(in.at, '\n', (size_t)(in.end - in.at));
            size_t len = (size_t)((end ? end : in.end) - in.at);
            struct venue_response response = { .url = "/api/v2/public/get_instruments",
                                               .status = 200,
                                               .body = line,
                                               .body_len = len };
            in.at = end ? end + 1 : in.end;
            if (what % 4)
                (void)deribit_feed_ops.http(feed, &response, &clock, &out);
            else
                (void)deribit_feed_ops.frame(feed, 0, line, len, &clock, &out);
        }
        check_book(feed);
    }
    subscriber.events = 0;
    deribit_feed_ops.republish(feed, 0, &clock, &out);
    deribit_feed_ops.closed(feed, 0, &clock, &out);
    deribit_feed_ops.fini(feed);
    free(feed);
    book_fini(&subscriber.book);
    memset(&subscriber, 0, sizeof(subscriber));
    return 0;
}
