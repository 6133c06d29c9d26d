/* Any bytes to the OKX order side, as frames and as answers, between commands that the bytes
 * choose. Laws: a command that was taken has exactly one answering report, whatever comes, and has
 * it once all time has passed; what is sent is JSON or a signed form; texts in reports end; nothing
 * is reported for a request that was never made. */
#include "venues/okx/order.h"

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
    case REPORT_FUNDING:
    case REPORT_POSITION:
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
        LAW(*report->venue_trade_id && *report->exchange_order_id && report->last_qty >= 0);
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
    LAW(connection == 0 && len < VENUE_FRAME_MAX);
    LAW((len == 4 && memcmp(frame, "ping", 4) == 0) ||
        (scan_whole(frame, len, &root) == 0 && root.type == SCAN_OBJECT));
    return 0;
}

static int on_request(void *ctx, const struct venue_request *request)
{
    struct desk *desk = ctx;

    struct scan_value root;
    bool is_taken = ++desk->requests % 16 != 0;

    LAW(strlen(request->body) == request->body_len && request->header_count <= VENUE_HEADERS_MAX);
    LAW(request->path[0] == '/' && !strchr(request->path, ' '));
    LAW(request->body_len == 0 || scan_whole(request->body, request->body_len, &root) == 0);
    LAW(!request->is_private || request->header_count >= 4);
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

/* Answers and news in the venue's form, wrong in one place or another. */
static int put_frame(char *out, size_t cap, struct bytes *in, uint64_t last)
{
    static const char *const ops[] = { "order", "cancel-order", "amend-order", "dance" };
    static const char *const ends[] = {
        "\"code\":\"0\",\"data\":[{\"ordId\":\"11\",\"clOrdId\":\"C\",\"sCode\":\"0\",\"sMsg\":"
        "\"\"}]",
        "\"code\":\"1\",\"data\":[{\"ordId\":\"\",\"clOrdId\":\"C\",\"sCode\":\"51008\",\"sMsg\":"
        "\"no\"}]",
        "\"code\":\"1\",\"data\":[{\"ordId\":\"11\",\"sCode\":\"51400\",\"sMsg\":\"gone\"}]",
        "\"code\":\"1\",\"data\":[{\"ordId\":\"11\",\"sCode\":\"51410\",\"sMsg\":\"\"}]",
        "\"code\":\"50026\",\"msg\":\"system\",\"data\":[]",
        "\"code\":\"60011\",\"msg\":\"log in\",\"data\":[]",
        "\"code\":\"50011\",\"msg\":\"slow\",\"data\":[]",
        "\"data\":7",
    };
    static const char *const events[] = {
        "{\"event\":\"login\",\"code\":\"0\",\"msg\":\"\"}",
        "{\"event\":\"error\",\"code\":\"60009\",\"msg\":\"Login failed.\"}",
        "{\"event\":\"error\",\"code\":\"60014\",\"msg\":\"often\"}",
        "{\"event\":\"subscribe\",\"arg\":{\"channel\":\"orders\",\"instType\":\"ANY\"}}",
        "{\"event\":\"subscribe\",\"arg\":{\"channel\":\"account\"}}",
        "{\"event\":\"subscribe\",\"arg\":{\"channel\":\"positions\",\"instType\":\"SWAP\"}}",
        "{\"event\":\"notice\",\"code\":\"64008\",\"msg\":\"soon\"}",
        "{\"arg\":{\"channel\":\"balance_and_position\"},\"data\":[{\"eventType\":\"funding_fee\"}]"
        "}",
        "{\"arg\":{\"channel\":\"account\"},\"data\":[{\"details\":[{\"ccy\":\"BTC\",\"cashBal\":"
        "\"1.123456789123456789\",\"availBal\":\"1\",\"frozenBal\":\"\",\"upl\":\"-0.5\"}]}]}",
        "{\"arg\":{\"channel\":\"positions\"},\"data\":[{\"instId\":\"BTC-USDT-SWAP\",\"instType\":"
        "\"SWAP\",\"pos\":\"-3\",\"posSide\":\"net\",\"lever\":\"10\",\"mgnMode\":\"cross\"}]}",
        "pong",
    };
    static const char *const states[] = { "live", "partially_filled", "filled", "canceled" };
    uint8_t kind = take(in);

    if (kind % 4 == 0)
        return snprintf(out, cap, "%s", events[take(in) % COUNT(events)]);
    if (kind % 4 < 3)
        return snprintf(out, cap, "{\"id\":\"%llu\",\"op\":\"%s\",\"msg\":\"\",%s}",
                        (unsigned long long)(last - take(in) % 4), ops[take(in) % COUNT(ops)],
                        ends[take(in) % COUNT(ends)]);
    bool is_swap = take(in) % 2;
    return snprintf(
        out, cap,
        "{\"arg\":{\"channel\":\"orders\",\"instType\":\"ANY\"},\"data\":[{\"instId\":\"%s\","
        "\"instType\":\"%s\",\"ordId\":\"11\",\"clOrdId\":\"C\",\"state\":\"%s\",\"side\":"
        "\"buy\",\"ordType\":\"limit\",\"px\":\"100.5\",\"sz\":\"3\",\"accFillSz\":\"%u\","
        "\"fillSz\":\"%u\",\"fillPx\":\"100\",\"tradeId\":\"%d\",\"fillFee\":\"-0.1\","
        "\"fillFeeCcy\":\"USDT\",\"amendResult\":\"%s\",\"reqId\":\"%s\",\"cancelSource\":"
        "\"%u\",\"uTime\":\"1700000000000\",\"fillTime\":\"1700000000000\"}]}",
        is_swap ? "BTC-USDT-SWAP" : "BTC-USDT", is_swap ? "SWAP" : "SPOT",
        states[take(in) % COUNT(states)], take(in) % 4, take(in) % 3, take(in) % 4 - 1,
        take(in) % 3 == 1   ? "0"
        : take(in) % 3 == 1 ? "-1"
                            : "",
        take(in) % 2 ? "" : "5", take(in) % 40);
}

static const char *body_of(struct bytes *in, size_t *len)
{
    static const char *const bodies[] = {
        "{\"code\":\"0\",\"msg\":\"\",\"data\":[{\"ordId\":\"11\",\"clOrdId\":\"C\",\"sCode\":"
        "\"0\","
        "\"triggerTime\":\"1700000060000\",\"ts\":\"1700000000000\",\"acctLv\":\"2\",\"posMode\":"
        "\"net_mode\"}]}",
        "{\"code\":\"0\",\"msg\":\"\",\"data\":[]}",
        "{\"code\":\"0\",\"msg\":\"\",\"data\":[{\"instId\":\"BTC-USDT\",\"instIdCode\":3,"
        "\"instType\":"
        "\"SPOT\",\"baseCcy\":\"BTC\",\"quoteCcy\":\"USDT\",\"tickSz\":\"0.1\",\"lotSz\":\"0."
        "00000001\","
        "\"minSz\":\"0.00001\",\"state\":\"live\"},{\"instId\":\"BTC-USDT-SWAP\",\"instIdCode\":4,"
        "\"instType\":\"SWAP\",\"ctType\":\"linear\",\"ctVal\":\"0.01\",\"ctMult\":\"1\","
        "\"ctValCcy\":"
        "\"BTC\",\"settleCcy\":\"USDT\",\"uly\":\"BTC-USDT\",\"tickSz\":\"0.1\",\"lotSz\":\"0.01\","
        "\"minSz\":\"0.01\",\"state\":\"live\"}]}",
        "{\"code\":\"0\",\"msg\":\"\",\"data\":[{\"instId\":\"BTC-USDT\",\"instType\":\"SPOT\","
        "\"ordId\":"
        "\"11\",\"clOrdId\":\"C\",\"state\":\"live\",\"side\":\"buy\",\"ordType\":\"limit\",\"px\":"
        "\"1\","
        "\"sz\":\"1\",\"accFillSz\":\"0\"}]}",
        "{\"code\":\"0\",\"msg\":\"\",\"data\":[{\"instId\":\"BTC-USDT\",\"instType\":\"SPOT\","
        "\"ordId\":"
        "\"11\",\"billId\":\"7\",\"tradeId\":\"9\",\"side\":\"buy\",\"fillPx\":\"1\",\"fillSz\":"
        "\"1\","
        "\"fee\":\"-0.1\",\"feeCcy\":\"BTC\",\"ts\":\"1700000000000\"}]}",
        "{\"code\":\"51603\",\"msg\":\"Order does not exist\",\"data\":[]}",
        "{\"code\":\"50102\",\"msg\":\"Timestamp request expired\",\"data\":[]}",
        "{\"code\":\"50113\",\"msg\":\"Invalid Sign\",\"data\":[]}",
        "{\"code\":\"1\",\"msg\":\"\",\"data\":[{\"sCode\":\"51008\",\"sMsg\":\"no\",\"ordId\":"
        "\"\"}]}",
        "<html>",
    };
    uint8_t which = take(in) % (COUNT(bodies) + 1);

    if (which == COUNT(bodies))
        return take_line(in, len);
    *len = strlen(bodies[which]);
    return bodies[which];
}

static void give_command(struct okx_side *side, struct desk *desk, struct bytes *in,
                         struct venue_clock *clock, const struct venue_out *out, unsigned number)
{
    static const char *const ids[] = { "C", "", "bad id", "0123456789ABCDEFG" };
    struct venue_command command = { .op = take(in) % (OP_FUNDING + 1),
                                     .transport = take(in) % 3,
                                     .symbol = "BTC-USDT",
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
                                     .qty_decimals = take(in) % 9,
                                     .timeout_ns = take(in) * NS_PER_S };

    snprintf(command.client_order_id, sizeof(command.client_order_id), "%s",
             ids[take(in) % COUNT(ids)]);
    if (take(in) % 2)
        snprintf(command.exchange_order_id, sizeof(command.exchange_order_id), "11");
    if (take(in) % 2) {
        command.instrument_kind = INSTRUMENT_PERPETUAL;
        snprintf(command.symbol, sizeof(command.symbol), "BTC-USDT-SWAP");
    }
    if (command.op >= OP_OPEN_ORDERS && take(in) % 2)
        command.symbol[0] = '\0';
    desk->op[number] = (uint8_t)command.op;
    desk->taken[number] = 1; /* Its report may come before the call returns. */
    int err = okx_order_ops.command(side, &command, clock, out);
    LAW(err <= 0);
    if (err) {
        LAW(!desk->answered[number]);
        desk->taken[number] = 0;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = { "BTC-USDT", "BTC-USDT-PERP" };
    static const struct venue_order_config config = { .venue = "okx",
                                                      .names = names,
                                                      .name_count = 2,
                                                      .api_key = "key",
                                                      .api_secret = "secret",
                                                      .api_passphrase = "phrase" };
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
    struct okx_side *side = calloc(1, sizeof(*side));
    unsigned commands = 0;

    desk = (struct desk){ .tag_count = 0 };
    LAW(side && okx_order_ops.init(side, &config) == 0);
    okx_order_ops.start(side, &clock, &out);
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
            (void)okx_order_ops.frame(side, 0, line, len, &clock, &out);
            break;
        case 1:
        case 2:
            len = (size_t)put_frame(text, sizeof(text), &in, side->generation);
            (void)okx_order_ops.frame(side, 0, text, len, &clock, &out);
            break;
        case 3:
        case 4:
            response.body = body_of(&in, &response.body_len);
            response.status = what % 32 == 3 ? 520 : what % 64 == 4 ? 0 : 200;
            response.was_sent = what % 128 != 4;
            (void)okx_order_ops.http(side, &response, &clock, &out);
            break;
        case 5:
            if (commands < COMMANDS_MAX)
                give_command(side, &desk, &in, &clock, &out, commands++);
            break;
        case 6:
            clock.now_ns += (int64_t)take(&in) * 100 * NS_PER_MS;
            okx_order_ops.tick(side, &clock, &out);
            break;
        default:
            if (take(&in) % 4)
                okx_order_ops.opened(side, 0, &clock, &out);
            else
                okx_order_ops.closed(side, 0, &clock, &out);
            break;
        }
    }
    /* All time passes: whoever has had no answer has one then. */
    for (int i = 0; i < 200; i++) {
        clock.now_ns += 2 * NS_PER_S;
        clock.nonce++;
        okx_order_ops.tick(side, &clock, &out);
    }
    for (unsigned i = 0; i < commands; i++)
        LAW(desk.answered[i] == desk.taken[i]);
    okx_order_ops.fini(side);
    free(side);
    return 0;
}
