/* bench_binance: what the Binance codecs cost per message of a real capture, and per order written
 * and signed. Fails where the median is above its budget: twice what a small virtual machine took.
 * By hand: build/tests/bench/bench_binance */
#include "common/pure/histogram.h"
#include "tests/unit/capture.h"
#include "venues/venue.h"

#include <time.h>

extern const struct venue venue_binance;

enum { ORDERS = 20000 };

static int64_t now_ns(void)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * NS_PER_S + at.tv_nsec;
}

static void on_event(void *ctx, struct wire_header *event)
{
    (void)event;
    ++*(uint64_t *)ctx;
}

static void on_report(void *ctx, const struct venue_report *report)
{
    (void)report;
    ++*(uint64_t *)ctx;
}

static int on_send(void *ctx, unsigned connection, const char *frame, size_t len)
{
    (void)connection, (void)frame;
    *(uint64_t *)ctx += len;
    return 0;
}

static int on_request(void *ctx, const struct venue_request *request)
{
    (void)ctx, (void)request;
    return 0;
}

static void on_note(void *ctx, const char *event, const char *text)
{
    (void)ctx;
    printf("note %s %s\n", event, text);
}

static bool is_over;

static void show(const char *what, const struct histogram *h, int64_t budget_ns)
{
    int64_t p50 = histogram_percentile(h, 50);

    printf("%-14s %7llu  p50 %6lld ns (budget %lld)  p99 %6lld ns\n", what,
           (unsigned long long)h->count, (long long)p50, (long long)budget_ns,
           (long long)histogram_percentile(h, 99));
    is_over |= p50 > budget_ns;
}

static void bench_feed(void)
{
    static struct histogram depth, quote, trade;
    const struct venue_feed_config config = { .venue = "binance",
                                              .takes_any_symbol = true,
                                              .levels_max = 5000 };
    void *state = calloc(1, venue_binance.feed->state_size);
    uint64_t events = 0;
    struct venue_out out = { .ctx = &events, .event = on_event, .note = on_note };
    struct venue_clock clock = { 1, 1, 1 };
    struct capture capture;
    struct capture_record record;

    if (!capture_open(
            &capture, SHARED
            "fixtures/binance/captures/spot_btcusdt_20240808_09_11min_with_snapshot.jsonl.zst") ||
        venue_binance.feed->init(state, &config) != 0)
        return;
    while (capture_next(&capture, &record)) {
        struct venue_response response = { .status = 200,
                                           .body = record.data,
                                           .body_len = record.len };
        if (strcmp(record.kind, "http") == 0)
            (void)venue_binance.feed->http(state, &response, &clock, &out);
        if (strcmp(record.kind, "recv") != 0)
            continue;
        int64_t begin = now_ns();
        (void)venue_binance.feed->frame(state, 0, record.data, record.len, &clock, &out);
        int64_t took = now_ns() - begin;
        histogram_add(strstr(record.data, "@depth")   ? &depth
                      : strstr(record.data, "@trade") ? &trade
                                                      : &quote,
                      took);
    }
    show("depth update", &depth, 8000);
    show("quote", &quote, 1000);
    show("trade", &trade, 1000);
    capture_close(&capture);
    venue_binance.feed->fini(state);
    free(state);
}

static void bench_orders(void)
{
    static struct histogram place, answered;
    static const char *const names[] = { "BTC-USDT" };
    static const char info[] = "{\"symbols\":[{\"symbol\":\"BTCUSDT\",\"status\":\"TRADING\","
                               "\"baseAsset\":\"BTC\",\"quoteAsset\":\"USDT\"}]}";
    const struct venue_order_config config = {
        .venue = "binance",
        .ws_url = "wss://x",
        .names = names,
        .name_count = 1,
        .api_key = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A",
        .api_secret = "secret",
        .recv_window_ms = 5000
    };
    struct venue_command command = { .op = OP_PLACE,
                                     .transport = TRANSPORT_WS,
                                     .symbol = "BTCUSDT",
                                     .request_id = 1,
                                     .side = SIDE_BUY,
                                     .type = ORDER_LIMIT,
                                     .time_in_force = TIF_IOC,
                                     .price = 5000012000000,
                                     .qty = 150000000,
                                     .price_exp = 8,
                                     .qty_exp = 8,
                                     .price_decimals = 2,
                                     .qty_decimals = 5,
                                     .client_order_id = "T0000000000000001" };
    void *state = calloc(1, venue_binance.order->state_size);
    uint64_t count = 0;
    struct venue_out out = {
        .ctx = &count, .report = on_report, .send = on_send, .request = on_request, .note = on_note
    };
    struct venue_clock clock = { 1, 1700000000 * NS_PER_S, 1 };
    struct venue_response response = {
        .tag = 1, .status = 200, .body = info, .body_len = sizeof(info) - 1
    };
    char frame[1024];

    if (venue_binance.order->init(state, &config) != 0)
        return;
    venue_binance.order->start(state, &clock, &out);
    (void)venue_binance.order->http(state, &response, &clock, &out);
    for (unsigned i = 0; i < ORDERS; i++) {
        int64_t begin = now_ns();
        int err = venue_binance.order->command(state, &command, &clock, &out);
        int64_t sent = now_ns();
        int len =
            snprintf(frame, sizeof(frame),
                     "{\"id\":%u,\"status\":200,\"result\":{\"symbol\":\"BTCUSDT\",\"orderId\":28,"
                     "\"orderListId\":-1,\"clientOrderId\":\"T0000000000000001\","
                     "\"transactTime\":1507725176595,\"price\":\"50000.12\",\"origQty\":\"1.5\","
                     "\"executedQty\":\"0\",\"status\":\"NEW\",\"timeInForce\":\"IOC\","
                     "\"type\":\"LIMIT\",\"side\":\"BUY\",\"fills\":[]},\"rateLimits\":[{"
                     "\"rateLimitType\":\"REQUEST_WEIGHT\",\"interval\":\"MINUTE\",\"intervalNum\":"
                     "1,\"limit\":6000,\"count\":%u}]}",
                     i + 3, i % 100);
        int64_t got = now_ns();
        (void)venue_binance.order->frame(state, 0, frame, (size_t)len, &clock, &out);
        if (err)
            printf("order %u: %d\n", i, err);
        histogram_add(&place, sent - begin);
        histogram_add(&answered, now_ns() - got);
    }
    show("order", &place, 1500);
    show("its answer", &answered, 3000);
    venue_binance.order->fini(state);
    free(state);
}

int main(void)
{
    bench_feed();
    bench_orders();
    return is_over;
}
