/* Any bytes to the Coinbase order side, as frames and as answers, between commands that the bytes
 * choose. Laws: a command that was taken has exactly one answering report, whatever comes, and has
 * it once all time has passed; what is sent is JSON, and private requests are signed; texts in
 * reports end; nothing is reported for a request that was never made. */
#include "venues/coinbase/order.h"

#include <stdio.h>
#include <stdlib.h>

#define LAW(claim)    \
    do {              \
        if (!(claim)) \
            abort();  \
    } while (0)

enum { COMMANDS_MAX = 512, TAGS = 64 };

struct desk {
    uint8_t taken[COMMANDS_MAX], answered[COMMANDS_MAX];
    uint8_t op[COMMANDS_MAX];
    uint64_t tags[TAGS];
    unsigned tag_count, requests;
};

/* The reports that end a command; lists end with DONE or FAILED, a query with its order. */
static bool is_answer(const struct desk *desk, const struct venue_report *report)
{
    switch (report->kind) {
    case REPORT_FILL:
    case REPORT_BALANCE:
    case REPORT_INSTRUMENT:
        return false;
    case REPORT_ORDER:
        return desk->op[report->request_id - 1] == OP_QUERY;
    default:
        return true;
    }
}

static void on_report(void *ctx, const struct venue_report *report)
{
    struct desk *desk = ctx;

    LAW(report->kind >= REPORT_ACCEPTED && report->kind <= REPORT_BACK_OFF);
    LAW(memchr(report->symbol, 0, sizeof(report->symbol)));
    LAW(memchr(report->client_order_id, 0, sizeof(report->client_order_id)));
    LAW(memchr(report->exchange_order_id, 0, sizeof(report->exchange_order_id)));
    LAW(memchr(report->venue_trade_id, 0, sizeof(report->venue_trade_id)));
    LAW(memchr(report->text, 0, sizeof(report->text)));
    LAW(memchr(report->asset, 0, sizeof(report->asset)));
    LAW(memchr(report->fee_asset, 0, sizeof(report->fee_asset)));
    if (report->kind == REPORT_FILL)
        LAW(*report->venue_trade_id && *report->exchange_order_id && report->last_qty > 0 &&
            report->last_price > 0);
    if (report->kind == REPORT_INSTRUMENT)
        LAW(report->definition &&
            wire_check(report->definition, report->definition->header.size) == 0);
    if (report->request_id == 0)
        return;
    LAW(report->request_id <= COMMANDS_MAX && desk->taken[report->request_id - 1]);
    LAW(!desk->answered[report->request_id - 1]); /* Nothing after the answer. */
    if (is_answer(desk, report))
        desk->answered[report->request_id - 1] = 1;
}

static int on_send(void *ctx, unsigned connection, const char *frame, size_t len)
{
    struct scan_value root, signature;
    (void)ctx;
    LAW(connection == 0 && len < VENUE_FRAME_MAX);
    LAW(scan_whole(frame, len, &root) == 0 && scan_find(&root, "signature", &signature) == 0);
    return 0;
}

static int on_request(void *ctx, const struct venue_request *request)
{
    struct desk *desk = ctx;
    struct scan_value root;

    LAW(request->path[0] == '/' && strlen(request->body) == request->body_len);
    LAW(request->body_len == 0 || scan_whole(request->body, request->body_len, &root) == 0);
    LAW(request->is_private ? request->header_count == 5 &&
                                  strcmp(request->headers[1].name, "CB-ACCESS-SIGN") == 0 &&
                                  strlen(request->headers[1].value) == 44
                            : request->header_count == 0);
    bool is_taken = ++desk->requests % 16 != 0;
    if (is_taken)
        desk->tags[desk->tag_count++ % TAGS] = request->tag;
    return is_taken ? 0 : ERR_FULL;
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

#define ID     "4a9a9a1e-ae1e-4374-ba3c-dd861e45e414"
#define OTHER  "2ebc94da-02f5-47fb-b427-934effed756f"
#define CLIENT "1985ca2d-61ef-49f1-bfce-6c39d8462914"
#define TAIL   ",\"product_id\":\"BTC-USD\",\"time\":\"2025-08-18T07:46:46.48Z\"}"

/* News in the venue's form, of two orders. */
static const char *frame_of(struct bytes *in, size_t *len)
{
    static const char *const frames[] = {
        "{\"type\":\"received\",\"order_id\":\"" ID "\",\"client_oid\":\"" CLIENT
        "\",\"side\":\"buy\",\"order_type\":\"limit\",\"size\":\"1.5\",\"price\":\"100.5\"" TAIL,
        "{\"type\":\"open\",\"order_id\":\"" ID
        "\",\"side\":\"buy\",\"price\":\"100.5\",\"remaining_size\":\"1.0\"" TAIL,
        "{\"type\":\"match\",\"trade_id\":10,\"maker_order_id\":\"" ID
        "\",\"taker_order_id\":\"" OTHER
        "\",\"side\":\"buy\",\"size\":\"0.5\",\"price\":\"100.5\",\"maker_user_id\":\"u\","
        "\"maker_fee_rate\":\"0.004\"" TAIL,
        "{\"type\":\"match\",\"trade_id\":11,\"maker_order_id\":\"" ID
        "\",\"taker_order_id\":\"" OTHER
        "\",\"side\":\"sell\",\"size\":\"9\",\"price\":\"100.5\",\"taker_user_id\":\"u\"" TAIL,
        "{\"type\":\"done\",\"order_id\":\"" ID
        "\",\"side\":\"buy\",\"reason\":\"canceled\",\"remaining_size\":\"1.0\"" TAIL,
        "{\"type\":\"done\",\"order_id\":\"" ID "\",\"side\":\"buy\",\"reason\":\"filled\"" TAIL,
        "{\"type\":\"change\",\"order_id\":\"" ID
        "\",\"side\":\"buy\",\"old_size\":\"1.5\",\"new_size\":\"0.5\",\"price\":null" TAIL,
        "{\"type\":\"subscriptions\",\"channels\":[{\"name\":\"user\",\"product_ids\":[]}]}",
        "{\"type\":\"subscriptions\",\"channels\":[{\"name\":\"heartbeat\"}]}",
        "{\"type\":\"error\",\"message\":\"Authentication Failed\",\"reason\":\"{}\"}",
    };
    uint8_t which = take(in) % (COUNT(frames) + 1);

    if (which == COUNT(frames))
        return take_line(in, len);
    *len = strlen(frames[which]);
    return frames[which];
}

static const char *body_of(struct bytes *in, size_t *len)
{
    static const char *const bodies[] = {
        "{\"id\":\"" ID "\",\"product_id\":\"BTC-USD\",\"side\":\"buy\",\"size\":\"1.5\",\"price\":"
        "\"100.5\",\"type\":\"limit\",\"status\":\"pending\",\"client_oid\":\"" CLIENT "\"}",
        "{\"id\":\"" ID "\",\"product_id\":\"BTC-USD\",\"side\":\"buy\",\"size\":\"1.5\",\"type\":"
        "\"market\",\"status\":\"done\",\"done_reason\":\"filled\",\"filled_size\":\"1.5\"}",
        "[{\"id\":\"" ID "\",\"product_id\":\"BTC-USD\",\"side\":\"sell\",\"size\":\"1\",\"price\":"
        "\"2\",\"status\":\"open\"}]",
        "[\"" ID "\"]",
        "\"" ID "\"",
        "[]",
        "[{\"trade_id\":5,\"product_id\":\"BTC-USD\",\"order_id\":\"" ID
        "\",\"liquidity\":\"T\",\"price\":\"1\",\"size\":\"1\",\"fee\":\"0.1\",\"side\":\"buy\","
        "\"created_at\":\"2025-08-18T07:46:46Z\"}]",
        "[{\"currency\":\"BTC\",\"balance\":\"1.5000000000000000\",\"hold\":\"0.5\"}]",
        "{\"iso\":\"2025-01-07T23:47:25.201Z\",\"epoch\":1736293645.201}",
        "[{\"id\":\"BTC-USD\",\"base_currency\":\"BTC\",\"quote_currency\":\"USD\","
        "\"base_increment\":\"0.00000001\",\"quote_increment\":\"0.01\",\"status\":\"online\"}]",
        "{\"maker_fee_rate\":\"0.004\",\"taker_fee_rate\":\"0.006\"}",
        "{\"message\":\"NotFound\"}",
        "{\"message\":\"Insufficient funds\"}",
        "{\"message\":\"request timestamp expired\"}",
        "<html>",
    };
    uint8_t which = take(in) % (COUNT(bodies) + 1);

    if (which == COUNT(bodies))
        return take_line(in, len);
    *len = strlen(bodies[which]);
    return bodies[which];
}

static void give_command(struct coinbase_order *order, struct desk *desk, struct bytes *in,
                         const struct venue_clock *clock, const struct venue_out *out,
                         unsigned number)
{
    static const char *const ids[] = { CLIENT, "", "bad id", OTHER };
    struct venue_command command = { .op = take(in) % (OP_FUNDING + 2),
                                     .request_id = number + 1,
                                     .side = take(in) % 3,
                                     .type = take(in) % 3,
                                     .time_in_force = take(in) % 4,
                                     .is_post_only = take(in) % 4 == 1,
                                     .price = take(in) * INT64_C(10000000),
                                     .qty = take(in) * INT64_C(1000000),
                                     .price_exp = 8,
                                     .qty_exp = 8,
                                     .price_decimals = take(in) % 3,
                                     .qty_decimals = take(in) % 9 };

    if (take(in) % 4)
        snprintf(command.symbol, sizeof(command.symbol), "BTC-USD");
    snprintf(command.client_order_id, sizeof(command.client_order_id), "%s",
             ids[take(in) % COUNT(ids)]);
    if (take(in) % 2)
        snprintf(command.exchange_order_id, sizeof(command.exchange_order_id), ID);
    desk->op[number] = (uint8_t)command.op;
    desk->taken[number] = 1; /* Its report may come before the call returns. */
    int err = coinbase_order_ops.command(order, &command, clock, out);
    LAW(err <= 0);
    if (err) {
        LAW(!desk->answered[number]);
        desk->taken[number] = 0;
    }
}

static void answer(struct coinbase_order *order, struct desk *desk, struct bytes *in,
                   const struct venue_clock *clock, const struct venue_out *out)
{
    static const int statuses[] = { 200, 200, 200, 200, 400, 401, 404, 429, 500, 502, 0 };
    static const struct venue_header headers[] = { { "cb-after", "2025-08-18T07:46:46Z" },
                                                   { "retry-after", "3" } };
    struct venue_response response = { .tag = desk->tags[take(in) % TAGS],
                                       .status = statuses[take(in) % COUNT(statuses)],
                                       .was_sent = take(in) % 8 != 1,
                                       .headers = headers,
                                       .header_count = COUNT(headers) };

    response.body = body_of(in, &response.body_len);
    (void)coinbase_order_ops.http(order, &response, clock, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = { "BTC-USD" };
    static const struct venue_order_config config = { .venue = "coinbase",
                                                      .names = names,
                                                      .name_count = 1,
                                                      .api_key = "key",
                                                      .api_secret = "c2VjcmV0",
                                                      .api_passphrase = "phrase" };
    static struct desk desk;
    struct bytes in = { data, data + size };
    struct venue_out out = { .ctx = &desk,
                             .report = on_report,
                             .send = on_send,
                             .request = on_request,
                             .reconnect = on_reconnect,
                             .note = on_note };
    struct venue_clock clock = { .now_ns = NS_PER_S, .wall_ns = 1700000000 * NS_PER_S, .nonce = 1 };
    struct coinbase_order *order = calloc(1, sizeof(*order));
    unsigned commands = 0;

    desk = (struct desk){ .tag_count = 0 };
    LAW(order && coinbase_order_ops.init(order, &config) == 0);
    coinbase_order_ops.start(order, &clock, &out);
    while (in.at < in.end) {
        size_t len = 0;
        const char *frame;

        clock.now_ns += NS_PER_MS;
        clock.wall_ns += NS_PER_MS;
        clock.nonce++;
        switch (take(&in) % 8) {
        case 0:
        case 1:
        case 2:
            frame = frame_of(&in, &len);
            (void)coinbase_order_ops.frame(order, 0, frame, len, &clock, &out);
            break;
        case 3:
        case 4:
            answer(order, &desk, &in, &clock, &out);
            break;
        case 5:
            if (commands < COMMANDS_MAX)
                give_command(order, &desk, &in, &clock, &out, commands++);
            break;
        case 6:
            clock.now_ns += (int64_t)take(&in) * 100 * NS_PER_MS;
            coinbase_order_ops.tick(order, &clock, &out);
            break;
        default:
            if (take(&in) % 4)
                coinbase_order_ops.opened(order, 0, &clock, &out);
            else
                coinbase_order_ops.closed(order, 0, &clock, &out);
            break;
        }
    }
    /* All time passes: whoever has had no answer has one then. */
    for (int i = 0; i < 400; i++) {
        clock.now_ns += 2 * NS_PER_S;
        clock.nonce++;
        coinbase_order_ops.tick(order, &clock, &out);
    }
    for (unsigned i = 0; i < commands; i++)
        LAW(desk.answered[i] == desk.taken[i]);
    coinbase_order_ops.fini(order);
    free(order);
    return 0;
}
