/* binance_feed.h - laws of the feed of Binance's products for any bytes and any order of what
 * happens to a connection: every event is valid; no subscriber's book is crossed while its state is
 * live; the codec's books are those that its events make; requests in flight stay bounded.
 *
 * The target states `static const struct product product`. */
#include "common/pure/book.h"
#include "venues/venue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct product {
    const struct venue *venue;
    const char *name, *info;
    const char *symbols[3], *names[2];
    unsigned connections;
    bool has_pu; /* Updates name the one before them. */
};
static const struct product product;

enum { BOOKS = 64, STEPS_MAX = 256 };

struct seen {
    uint64_t instrument;
    struct book book;
    wire_feed_state state;
    bool is_inside;
};

static struct {
    struct seen seen[BOOKS + 1];
    size_t count;
    uint64_t tags[16];
    unsigned tag_count;
    uint64_t events;
} world;

/* The codec's memory is large and lives for one input: keeping it in quarantine is what would take
 * the time. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "quarantine_size_mb=1";
}

#define law(holds) law_at(holds, __LINE__)
static void law_at(bool holds, int line)
{
    if (!holds) {
        fprintf(stderr, "law of line %d\n", line);
        abort();
    }
}

static struct seen *seen_of(uint64_t instrument)
{
    for (size_t i = 0; i < world.count; i++)
        if (world.seen[i].instrument == instrument)
            return &world.seen[i];
    law(world.count < BOOKS);
    struct seen *made = &world.seen[world.count++];
    made->instrument = instrument;
    made->state = FEED_DOWN;
    made->is_inside = false;
    book_clear(&made->book);
    return made;
}

static void on_event(void *ctx, struct wire_header *event)
{
    (void)ctx;
    world.events++;
    law(wire_check(event, event->size) == 0);
    if (event->instrument == 0) {
        law(event->type == WIRE_feed_status);
        return;
    }
    struct seen *seen = seen_of(event->instrument);
    if (event->type == WIRE_feed_status)
        seen->state = ((struct wire_feed_status *)(void *)event)->state;
    if (event->type == WIRE_book_snapshot || event->type == WIRE_book_delta) {
        const struct wire_book_delta *delta = (void *)event;
        if (event->type == WIRE_book_snapshot) {
            seen->book.price_exp = delta->price_exp;
            seen->book.qty_exp = delta->qty_exp;
        }
        law(book_apply(&seen->book, event) == 0);
        seen->is_inside = !delta->is_last;
    }
    law(seen->is_inside || seen->state != FEED_LIVE || !book_is_crossed(&seen->book));
}

static int on_send(void *ctx, unsigned connection, const char *frame, size_t len)
{
    (void)ctx;
    law(connection < VENUE_CONNECTIONS_MAX && len < VENUE_FRAME_MAX && frame[0] == '{');
    return 0;
}

static int on_request(void *ctx, const struct venue_request *request)
{
    (void)ctx;
    law(request->path[0] == '/' && strlen(request->path) < sizeof(request->path));
    world.tags[world.tag_count++ % 16] = request->tag;
    return 0;
}

static void on_reconnect(void *ctx, unsigned connection, wire_reason why)
{
    (void)ctx;
    (void)why;
    law(connection < VENUE_CONNECTIONS_MAX);
}

static void on_note(void *ctx, const char *event, const char *text)
{
    (void)ctx;
    law(strlen(event) < 64 && strlen(text) < 512);
}

/* A plausible depth update or snapshot out of few bytes, so that the fuzzer gets past the grammar.
 */
static void frame_make(const uint8_t *data, size_t size, uint64_t *id, char *out, size_t cap)
{
    uint64_t before = *id, first = *id + (size > 0 ? data[0] % 4 : 1),
             last = first + (size > 1 ? data[1] % 3 : 0);
    size_t at = (size_t)snprintf(
        out, cap, "{\"e\":\"depthUpdate\",\"E\":1672515782136,\"s\":\"%s\",\"U\":%llu,\"u\":%llu",
        product.symbols[size > 2 ? data[2] % 3 : 0], (unsigned long long)first,
        (unsigned long long)last);

    *id = last;
    if (product.has_pu)
        at += (size_t)snprintf(out + at, cap - at, ",\"T\":1672515782130,\"pu\":%llu",
                               (unsigned long long)(size > 1 && data[1] & 64 ? first : before));
    at += (size_t)snprintf(out + at, cap - at, ",\"b\":[");
    for (size_t i = 3; i + 1 < size && i < 35 && at < cap; i += 2)
        at += (size_t)snprintf(out + at, cap - at, "%s[\"%u.%u\",\"%u\"]",
                               i > 3 && i != 19 ? ","
                               : i == 19        ? "],\"a\":["
                                                : "",
                               data[i] >> 4, data[i] & 15, data[i + 1] % 5);
    if (at < cap)
        snprintf(out + at, cap - at, size > 20 ? "]}" : "],\"a\":[]}");
}

static void snapshot_make(const uint8_t *data, size_t size, uint64_t id, char *out, size_t cap)
{
    snprintf(out, cap,
             "{\"lastUpdateId\":%llu,\"bids\":[[\"%u.5\",\"1\"]],\"asks\":[[\"%u.5\",\"2\"]]}",
             (unsigned long long)(id + (size > 0 ? data[0] % 3 : 0)), size > 1 ? data[1] % 8 : 3,
             size > 2 ? data[2] % 16 : 9);
}

static void http(void *state, uint64_t tag, const char *url, int status, const char *body,
                 size_t len, const struct venue_clock *clock, const struct venue_out *out)
{
    struct venue_response response = {
        .tag = tag, .url = url, .status = status, .body = body, .body_len = len
    };

    (void)product.venue->feed->http(state, &response, clock, out);
}

static void step(void *state, const uint8_t *data, size_t size, uint64_t *id,
                 struct venue_clock *clock, const struct venue_out *out)
{
    const struct venue_feed_ops *feed = product.venue->feed;
    unsigned connection = (size > 2 ? data[2] >> 6u : 0u) % product.connections;
    uint64_t tag =
        world.tag_count ? world.tags[(world.tag_count - 1 - (size > 1 ? data[1] % 4 : 0)) % 16] : 0;
    char made[2048], url[64];

    if (size == 0)
        return;
    clock->now_ns += data[0] * NS_PER_MS;
    const uint8_t *rest = data + 1;
    size_t left = size - 1;
    switch (data[0] % 12) {
    case 0:
    case 1:
    case 2:
    case 3:
        frame_make(rest, left, id, made, sizeof(made));
        (void)feed->frame(state, connection, made, strlen(made), clock, out);
        break;
    case 4:
        snapshot_make(rest, left, *id, made, sizeof(made));
        http(state, tag, "", 200, made, strlen(made), clock, out);
        break;
    case 5:
        snapshot_make(rest, left, *id, made, sizeof(made));
        snprintf(url, sizeof(url), "?symbol=%s", product.symbols[left > 4 && data[4] & 1 ? 0 : 2]);
        http(state, 0, url, 200, made, strlen(made), clock, out);
        break;
    case 6:
        http(state, tag, "", data[0] & 16 ? 200 : 429, product.info, strlen(product.info), clock,
             out);
        break;
    case 7:
        clock->now_ns += left > 0 ? rest[0] * NS_PER_S : 0;
        feed->tick(state, clock, out);
        break;
    case 8:
        feed->opened(state, connection, clock, out);
        break;
    case 9:
        feed->closed(state, connection, clock, out);
        break;
    case 10:
        http(state, left & 1 ? tag : 0, "", 200, (const char *)rest, left, clock, out);
        break;
    default:
        (void)feed->frame(state, connection, (const char *)rest, left, clock, out);
        break;
    }
}

static void books_compare(void *state)
{
    struct venue_feed_top tops[VENUE_SYMBOLS_MAX];
    size_t count = product.venue->feed->tops(state, tops, VENUE_SYMBOLS_MAX);

    law(count <= VENUE_SYMBOLS_MAX);
    for (size_t i = 0; i < count; i++)
        law(tops[i].is_stale || !tops[i].has_bid || !tops[i].has_ask ||
            tops[i].bid_price < tops[i].ask_price);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct venue_out out = { NULL,       on_event,     NULL,   on_send,
                                          on_request, on_reconnect, on_note };
    struct venue_clock clock = { NS_PER_S, 1700000000 * NS_PER_S, 1 };
    struct venue_feed_config config = { .venue = product.name,
                                        .ws_url = "wss://x",

                                        .names = product.names,
                                        .name_count = 2,
                                        .takes_any_symbol = size > 0 && data[0] % 32 == 0,
                                        .levels_max = 512 };
    static bool is_begun;
    uint64_t id = 100;
    struct venue_feed_stats stats;

    for (size_t i = 0; !is_begun && i < BOOKS; i++)
        law(book_init(&world.seen[i].book, 4096, 8, 8) == 0);
    is_begun = true;
    world.count = 0;
    world.tag_count = 0;
    world.events = 0;
    void *state = calloc(1, product.venue->feed->state_size);
    law(state && product.venue->feed->init(state, &config) == 0);
    product.venue->feed->start(state, &clock, &out);
    for (unsigned steps = 0; size > 0 && steps < STEPS_MAX; steps++) {
        const uint8_t *end = memchr(data, '\n', size);
        size_t len = end ? (size_t)(end - data) : size;
        step(state, data, len, &id, &clock, &out);
        books_compare(state);
        data += len + (end != NULL);
        size -= len + (end != NULL);
    }
    product.venue->feed->republish(state, 0, &clock, &out);
    product.venue->feed->stats(state, &stats);
    law(stats.events == world.events);
    product.venue->feed->fini(state);
    free(state);
    return 0;
}
