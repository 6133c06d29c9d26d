/* Any bytes to the Bybit order side, as frames and as answers, between commands that the bytes
 * choose. Laws: a command that was taken has exactly one answering report, whatever comes, and has
 * it once all time has passed; what is sent is JSON or a signed form; texts in reports end; nothing
 * is reported for a request that was never made. */
#include "venues/bybit/order.h"

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
    case REPORT_POSITION:
    case REPORT_FUNDING:
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
        LAW(*report->venue_trade_id && report->last_qty > 0 && report->last_price > 0);
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
    struct scan_value root;
    (void)ctx;
    LAW(connection < BYBIT_CONNS && len < VENUE_FRAME_MAX);
    LAW(scan_whole(frame, len, &root) == 0 && root.type == SCAN_OBJECT);
    return 0;
}

static int on_request(void *ctx, const struct venue_request *request)
{
    struct desk *desk = ctx;

    struct scan_value root;
    LAW(request->header_count <= VENUE_HEADERS_MAX && request->path[0] == '/');
    LAW(request->body_len == 0 ||
        (scan_whole(request->body, request->body_len, &root) == 0 && root.type == SCAN_OBJECT));
    LAW(!request->is_private || request->header_count >= 4);
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
    (void)text;
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

#define ROW                                                                                    \
    "\"category\":\"linear\",\"symbol\":\"BTCUSDT\",\"orderId\":\"OA\",\"orderLinkId\":\"C\"," \
    "\"side\":\"Buy\",\"qty\":\"1.5\",\"price\":\"100.5\",\"orderType\":\"Limit\","            \
    "\"timeInForce\":\"GTC\",\"updatedTime\":\"1\","

static const char *const rows[] = {
    "{" ROW "\"orderStatus\":\"New\",\"cumExecQty\":\"0\"}",
    "{" ROW "\"orderStatus\":\"PartiallyFilled\",\"cumExecQty\":\"0.5\"}",
    "{" ROW "\"orderStatus\":\"Filled\",\"cumExecQty\":\"1.5\"}",
    "{" ROW "\"orderStatus\":\"Cancelled\",\"cumExecQty\":\"\",\"cancelType\":\"CancelByUser\"}",
    "{" ROW "\"orderStatus\":\"Cancelled\",\"cumExecQty\":\"0\",\"rejectReason\":"
    "\"EC_PostOnlyWillTakeLiquidity\"}",
    "{" ROW "\"orderStatus\":\"Rejected\",\"cumExecQty\":\"0.5\"}",
    "{" ROW "\"orderStatus\":\"Untriggered\",\"cumExecQty\":\"0\"}",
    "{" ROW "\"execType\":\"Trade\",\"execId\":\"T1\",\"execPrice\":\"100.5\",\"execQty\":\"0.5\","
    "\"execFee\":\"0.1\",\"execPnl\":\"-1\",\"isMaker\":true,\"execTime\":\"1\"}",
    "{" ROW
    "\"execType\":\"Funding\",\"execId\":\"F1\",\"execPrice\":\"100.5\",\"execQty\":\"0.5\","
    "\"execFee\":\"-0.1\",\"feeCurrency\":\"USDT\",\"execTime\":\"1\"}",
    "{\"category\":\"linear\",\"symbol\":\"BTCUSDT\",\"side\":\"Sell\",\"size\":\"1\","
    "\"positionIdx\":2,\"entryPrice\":\"100\",\"updatedTime\":\"1\"}",
    "{\"coin\":[{\"coin\":\"USDT\",\"walletBalance\":\"100.5\",\"locked\":\"\"}]}",
    "{\"symbol\":\"BTCUSDT\",\"contractType\":\"LinearPerpetual\",\"status\":\"Trading\","
    "\"baseCoin\":\"BTC\",\"quoteCoin\":\"USDT\",\"settleCoin\":\"USDT\",\"priceFilter\":{"
    "\"tickSize\":\"0.1\"},\"lotSizeFilter\":{\"qtyStep\":\"0.1\"},\"makerFeeRate\":\"0.1\","
    "\"takerFeeRate\":\"0.1\"}",
};

/* Answers and news in the venue's form, wrong in one place or another. */
static int put_frame(char *out, size_t cap, struct bytes *in, uint64_t last_id)
{
    static const char *const ops[] = { "order.create", "order.cancel", "order.amend", "auth",
                                       "subscribe",    "pong",         "ping" };
    static const char *const topics[] = { "order", "execution", "position", "wallet",
                                          "order.linear" };
    static const int codes[] = { 0,     0,     0,      10001,  10002,  10006,
                                 10016, 10019, 110001, 110072, 170218, 20001 };
    uint8_t kind = take(in);

    if (kind % 4 == 0)
        return snprintf(out, cap, "{\"success\":%s,\"op\":\"%s\",\"ret_msg\":\"\"}",
                        take(in) % 4 ? "true" : "false", ops[take(in) % COUNT(ops)]);
    if (kind % 2)
        return snprintf(out, cap,
                        "{\"reqId\":\"%llu\",\"retCode\":%d,\"op\":\"%s\",\"data\":{\"orderId\":"
                        "\"OA\"},\"header\":{\"X-Bapi-Limit\":\"10\",\"X-Bapi-Limit-Status\":"
                        "\"%u\"}}",
                        (unsigned long long)(last_id - take(in) % 4),
                        codes[take(in) % COUNT(codes)], ops[take(in) % COUNT(ops)], take(in));
    return snprintf(out, cap, "{\"topic\":\"%s\",\"creationTime\":1,\"data\":[%s]}",
                    topics[take(in) % COUNT(topics)], rows[take(in) % COUNT(rows)]);
}

static const char *body_of(struct bytes *in, size_t *len)
{
    static char text[2048];
    static const char *const bodies[] = {
        "{\"retCode\":0,\"result\":{\"orderId\":\"OA\",\"orderLinkId\":\"C\"},\"time\":1}",
        "{\"retCode\":0,\"result\":{\"timeNano\":\"1700000000000000000\"}}",
        "{\"retCode\":0,\"result\":{\"unifiedMarginStatus\":5}}",
        "{\"retCode\":0,\"result\":{\"unifiedMarginStatus\":1}}",
        "{\"retCode\":0,\"result\":{\"list\":[]}}",
        "{\"retCode\":10006,\"retMsg\":\"Too many visits!\",\"result\":{}}",
        "{\"retCode\":110001,\"retMsg\":\"order not exists\"}",
        "<html>",
    };
    uint8_t which = take(in) % (COUNT(bodies) + 4);

    if (which == COUNT(bodies))
        return take_line(in, len);
    if (which < COUNT(bodies)) {
        *len = strlen(bodies[which]);
        return bodies[which];
    }
    *len = (size_t)snprintf(text, sizeof(text),
                            "{\"retCode\":0,\"result\":{\"list\":[%s],\"nextPageCursor\":\"%s\"}}",
                            rows[take(in) % COUNT(rows)], take(in) % 4 ? "" : "page%3D2");
    return text;
}

static void give_command(struct bybit_side *side, struct desk *desk, struct bytes *in,
                         struct venue_clock *clock, const struct venue_out *out, unsigned number)
{
    static const char *const ids[] = { "C", "", "bad id", "0123456789ABCDEFG" };
    struct venue_command command = { .op = take(in) % (OP_FUNDING + 2),
                                     .transport = take(in) % 3,
                                     .instrument_kind =
                                         take(in) % 4 ? INSTRUMENT_PERPETUAL : INSTRUMENT_SPOT,
                                     .request_id = number + 1,
                                     .side = take(in) % 3,
                                     .type = take(in) % 3,
                                     .time_in_force = take(in) % 4,
                                     .is_post_only = take(in) % 4 == 1,
                                     .is_reduce_only = take(in) % 4 == 1,
                                     .price = take(in) * INT64_C(10000000),
                                     .qty = take(in) * INT64_C(1000000),
                                     .price_exp = 8,
                                     .qty_exp = 8,
                                     .price_decimals = take(in) % 3,
                                     .qty_decimals = take(in) % 9,
                                     .timeout_ns = take(in) * NS_PER_S };

    snprintf(command.client_order_id, sizeof(command.client_order_id), "%s",
             ids[take(in) % COUNT(ids)]);
    if (take(in) % 8)
        snprintf(command.symbol, sizeof(command.symbol), "BTCUSDT");
    if (take(in) % 2)
        snprintf(command.exchange_order_id, sizeof(command.exchange_order_id), "OA");
    desk->op[number] = (uint8_t)command.op;
    desk->taken[number] = 1; /* Its report may come before the call returns. */
    int err = bybit_order_ops.command(side, &command, clock, out);
    LAW(err <= 0);
    if (err) {
        LAW(!desk->answered[number]);
        desk->taken[number] = 0;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = { "BTC-USDT-PERP", "BTC-USDT" };
    static const struct venue_order_config config = { .venue = "bybit",
                                                      .names = names,
                                                      .name_count = COUNT(names),
                                                      .api_key = "key",
                                                      .api_secret = "secret" };
    static char text[4096];
    static struct desk desk;
    struct bytes in = { data, data + size };
    struct venue_out out = { .ctx = &desk,
                             .report = on_report,
                             .send = on_send,
                             .request = on_request,
                             .reconnect = on_reconnect,
                             .note = on_note };
    struct venue_clock clock = { .now_ns = NS_PER_S, .wall_ns = 1700000000 * NS_PER_S, .nonce = 1 };
    struct bybit_side *side = calloc(1, sizeof(*side));
    unsigned commands = 0;

    desk = (struct desk){ .tag_count = 0 };
    LAW(side && bybit_order_ops.init(side, &config) == 0);
    bybit_order_ops.start(side, &clock, &out);
    while (in.at < in.end) {
        struct venue_response response = { .tag = desk.tags[take(&in) % TAGS],
                                           .status = 200,
                                           .was_sent = true };
        uint8_t what = take(&in);
        size_t len = 0;
        const char *line;

        clock.now_ns += NS_PER_MS;
        clock.wall_ns += NS_PER_MS;
        clock.nonce++;
        switch (what % 8) {
        case 0:
            line = take_line(&in, &len);
            (void)bybit_order_ops.frame(side, take(&in) % 2u, line, len, &clock, &out);
            break;
        case 1:
        case 2:
            len = (size_t)put_frame(text, sizeof(text), &in, side->next_id);
            (void)bybit_order_ops.frame(side, take(&in) % 2u, text, len, &clock, &out);
            break;
        case 3:
        case 4:
            response.body = body_of(&in, &response.body_len);
            response.status = what % 32 == 3 ? 520 : what % 64 == 4 ? 0 : 200;
            response.was_sent = what % 128 != 4;
            (void)bybit_order_ops.http(side, &response, &clock, &out);
            break;
        case 5:
            if (commands < COMMANDS_MAX)
                give_command(side, &desk, &in, &clock, &out, commands++);
            break;
        case 6:
            clock.now_ns += (int64_t)take(&in) * 100 * NS_PER_MS;
            bybit_order_ops.tick(side, &clock, &out);
            break;
        default:
            if (take(&in) % 4)
                bybit_order_ops.opened(side, take(&in) % 2u, &clock, &out);
            else
                bybit_order_ops.closed(side, take(&in) % 2u, &clock, &out);
            break;
        }
    }
    /* All time passes: whoever has had no answer has one then. */
    for (int i = 0; i < 200; i++) {
        clock.now_ns += 2 * NS_PER_S;
        clock.nonce++;
        bybit_order_ops.tick(side, &clock, &out);
    }
    for (unsigned i = 0; i < commands; i++)
        LAW(desk.answered[i] == desk.taken[i]);
    bybit_order_ops.fini(side);
    free(side);
    return 0;
}
