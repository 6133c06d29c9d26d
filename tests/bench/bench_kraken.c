/* What Kraken's codecs cost on the hot paths, best of many rounds on one core: a recorded book
 * message from bytes to events, the checksum alone, an order from command to frame or signed
 * request, and an execution from bytes to report. Fails above the budgets, which leave room for a
 * slow machine. */
#include "tests/unit/capture.h"
#include "venues/kraken/feed.h"
#include "venues/kraken/order.h"

#include <time.h>

#define CAPTURE \
    SHARED      \
    "fixtures/kraken/captures/ws_v2_btcusd_depth25_20260802_51s_with_snapshot.jsonl.zst"

enum { ROUNDS = 200, FRAMES_MAX = 4096, ORDERS = 50 };

static int is_over;

static double now_ns(void)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec * 1e9 + (double)at.tv_nsec;
}

static void say(const char *what, double ns, double budget_ns)
{
    printf("%-52s %6.0f ns (budget %.0f)\n", what, ns, budget_ns);
    is_over |= ns > budget_ns;
}

static void no_event(void *ctx, struct wire_header *event)
{
    (void)ctx;
    (void)event;
}

static void no_report(void *ctx, const struct venue_report *report)
{
    (void)ctx;
    (void)report;
}

static int no_send(void *ctx, unsigned connection, const char *frame, size_t len)
{
    (void)ctx;
    (void)connection;
    (void)frame;
    (void)len;
    return 0;
}

static int no_request(void *ctx, const struct venue_request *request)
{
    (void)ctx;
    (void)request;
    return 0;
}

static void no_reconnect(void *ctx, unsigned connection, wire_reason why)
{
    (void)ctx;
    (void)connection;
    (void)why;
}

static void no_note(void *ctx, const char *event, const char *text)
{
    (void)ctx;
    (void)event;
    (void)text;
}

static const struct venue_out nowhere = { NULL,       no_event,     no_report, no_send,
                                          no_request, no_reconnect, no_note };

static void bench_feed(void)
{
    static char *frames[FRAMES_MAX];
    struct venue_feed_config config = { .venue = "kraken", .takes_any_symbol = true };
    struct venue_clock clock = { .now_ns = 1, .wall_ns = 1 };
    struct kraken_feed *feed = calloc(1, sizeof(*feed));
    struct capture capture;
    struct capture_record record;
    size_t count = 0;
    double best = 1e12;

    if (!feed || !capture_open(&capture, CAPTURE) || kraken_feed_ops.init(feed, &config) != 0) {
        printf("the feed: skipped, no ../shared\n");
        free(feed);
        return;
    }
    while (count < FRAMES_MAX && capture_next(&capture, &record))
        if (strcmp(record.kind, "recv") == 0)
            frames[count++] = strdup(record.data);
    for (int round = 0; round < ROUNDS; round++) {
        double start = now_ns();
        for (size_t i = 0; i < count; i++)
            (void)kraken_feed_ops.frame(feed, 0, frames[i], strlen(frames[i]), &clock, &nowhere);
        best = MIN(best, (now_ns() - start) / (double)count);
    }
    say("book message of a recording, bytes to events", best, 2000);
    uint32_t sum = 0;
    double start = now_ns();
    for (int i = 0; i < 100000; i++)
        sum ^= kraken_checksum(&feed->markets[0].sum, &feed->markets[0].book, 1, 8);
    say(sum ? "checksum, nothing changed" : "checksum, nothing changed ",
        (now_ns() - start) / 100000, 800);
    for (size_t i = 0; i < count; i++)
        free(frames[i]);
    capture_close(&capture);
    kraken_feed_ops.fini(feed);
    free(feed);
}

static const char *const names[] = { "BTC-USD" };

static void bench_place(struct kraken_side *side, struct venue_clock *clock,
                        enum venue_transport transport, const char *what, double budget_ns)
{
    struct venue_command command = { .op = OP_PLACE,
                                     .transport = transport,
                                     .symbol = "BTC/USD",
                                     .request_id = 1,
                                     .side = SIDE_BUY,
                                     .type = ORDER_LIMIT,
                                     .time_in_force = TIF_GTC,
                                     .price = INT64_C(3000000000000),
                                     .qty = 1000000,
                                     .price_exp = 8,
                                     .qty_exp = 8,
                                     .price_decimals = 1,
                                     .qty_decimals = 8,
                                     .client_order_id = "PAAAAAAAAAAAAAAAA" };
    double best = 1e12;

    for (int round = 0; round < ROUNDS; round++) {
        double start = now_ns();
        for (int i = 0; i < ORDERS; i++) {
            clock->nonce++;
            (void)kraken_order_ops.command(side, &command, clock, &nowhere);
        }
        best = MIN(best, (now_ns() - start) / ORDERS);
        for (int i = 0; i < KRAKEN_WS_PENDING; i++)
            side->ws[i].req_id = 0;
        side->ws_count = 0;
        for (int i = 0; i < KRAKEN_REST_PENDING; i++)
            side->rest[i].tag = 0;
    }
    say(what, best, budget_ns);
}

static void bench_execution(struct kraken_side *side, const struct venue_clock *clock)
{
    static const char form[] =
        "{\"channel\":\"executions\",\"type\":\"update\",\"data\":[{\"order_id\":"
        "\"OK4GJX-KSTLS-7DZZO5\",\"exec_id\":\"TGBB7L-HT5LX-J3BZ4A\",\"exec_type\":\"trade\","
        "\"trade_id\":62887576,\"symbol\":\"BTC/USD\",\"side\":\"sell\",\"last_qty\":0.005,"
        "\"last_price\":26599.9,\"liquidity_ind\":\"t\",\"cost\":132.9995,\"order_type\":\"limit\","
        "\"timestamp\":\"2023-09-22T10:33:05.709993Z\",\"order_status\":\"partially_filled\","
        "\"cum_qty\":0.005,\"fees\":[{\"asset\":\"USD\",\"qty\":0.3458}]}],\"sequence\":%d}";
    double best = 1e12;
    char text[1024];

    for (int sequence = 1; sequence < 5000; sequence++) {
        size_t len = (size_t)snprintf(text, sizeof(text), form, sequence);
        double start = now_ns();
        (void)kraken_order_ops.frame(side, 0, text, len, clock, &nowhere);
        best = MIN(best, now_ns() - start);
    }
    say("execution, bytes to report", best, 6000);
}

static void bench_orders(void)
{
    static const char token[] =
        "{\"error\":[],\"result\":{\"token\":\"1Dwc4lzSwNWOAwkMdqhssNNFhs1ed606d1WcF3XfEMw\"}}";
    struct venue_order_config config = { .venue = "kraken",
                                         .names = names,
                                         .name_count = 1,
                                         .api_key = "key",
                                         .api_secret = "c2VjcmV0LXNlY3JldC1zZWNyZXQ=" };
    struct venue_clock clock = { NS_PER_S, INT64_C(1777975200000000000), 1 };
    struct kraken_side *side = calloc(1, sizeof(*side));

    if (!side || kraken_order_ops.init(side, &config) != 0)
        abort();
    kraken_order_ops.opened(side, 0, &clock, &nowhere);
    struct venue_response response = { .tag = side->token_tag,
                                       .status = 200,
                                       .was_sent = true,
                                       .body = token,
                                       .body_len = sizeof(token) - 1 };
    (void)kraken_order_ops.http(side, &response, &clock, &nowhere);
    bench_place(side, &clock, TRANSPORT_WS, "limit order, command to frame", 1200);
    bench_place(side, &clock, TRANSPORT_REST, "limit order, command to signed request", 5000);
    bench_execution(side, &clock);
    kraken_order_ops.fini(side);
    free(side);
}

int main(void)
{
    bench_feed();
    bench_orders();
    return is_over;
}
