/* Any bytes to the Kraken order side, as frames and as answers, between commands that the bytes
 * choose. Laws: a command that was taken has exactly one answering report, whatever comes, and has
 * it once all time has passed; what is sent is JSON or a signed form; texts in reports end; nothing
 * is reported for a request that was never made. */
#include "venues/kraken/order.h"

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
    uint64_t nonce;
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
    LAW(scan_whole(frame, len, &root) == 0 && root.type == SCAN_OBJECT);
    return 0;
}

static int on_request(void *ctx, const struct venue_request *request)
{
    struct desk *desk = ctx;

    LAW(strlen(request->body) == request->body_len && request->header_count <= VENUE_HEADERS_MAX);
    bool is_taken = ++desk->requests % 16 != 0;
    if (request->is_private && is_taken) {
        uint64_t nonce = strtoull(request->body + strlen("nonce="), NULL, 10);
        LAW(strncmp(request->body, "nonce=", 6) == 0 && nonce > desk->nonce);
        desk->nonce = nonce; /* Each later than the one before. */
    }
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
static int put_frame(char *out, size_t cap, struct bytes *in, uint64_t last_req)
{
    static const char *const methods[] = {
        "add_order", "cancel_order", "amend_order", "cancel_all", "cancel_all_orders_after",
        "pong",      "subscribe",    "unsubscribe"
    };
    static const char *const ends[] = {
        "\"success\":true,\"result\":{\"order_id\":\"OA\",\"count\":1,\"triggerTime\":\"0\"}",
        "\"success\":true,\"result\":{\"maxratecount\":125}",
        "\"success\":false,\"error\":\"EOrder:Unknown order\"",
        "\"success\":false,\"error\":\"EService:Busy\"",
        "\"success\":false,\"error\":\"ESession:Invalid session\"",
        "\"success\":false,\"error\":\"EOrder:Rate limit exceeded\"",
        "\"time_in\":\"2023-09-21T15:49:28.627900Z\"",
        "\"result\":[]",
    };
    static const char *const items[] = {
        "{\"order_id\":\"OA\",\"exec_type\":\"pending_new\",\"cl_ord_id\":\"C\",\"symbol\":\"BTC/"
        "USD\","
        "\"order_qty\":1.5,\"side\":\"buy\",\"order_type\":\"limit\",\"limit_price\":100.5,"
        "\"order_status\":\"pending_new\"}",
        "{\"order_id\":\"OA\",\"exec_type\":\"new\",\"order_status\":\"new\"}",
        "{\"order_id\":\"OA\",\"exec_type\":\"trade\",\"exec_id\":\"T1\",\"last_qty\":0.5,"
        "\"last_price\":100.5,\"cum_qty\":0.5,\"fees\":[{\"asset\":\"USD\",\"qty\":0.1}],"
        "\"order_status\":\"partially_filled\",\"liquidity_ind\":\"t\"}",
        "{\"order_id\":\"OB\",\"exec_type\":\"canceled\",\"order_status\":\"canceled\","
        "\"cum_qty\":0,\"reason\":\"User requested\"}",
        "{\"asset\":\"BTC\",\"balance\":1.25,\"wallet_type\":\"spot\",\"wallet_id\":\"main\","
        "\"type\":\"deposit\",\"amount\":1,\"fee\":0}",
    };
    uint8_t kind = take(in);

    if (kind % 2)
        return snprintf(
            out, cap, "{\"method\":\"%s\",\"req_id\":%llu,%s}", methods[take(in) % COUNT(methods)],
            (unsigned long long)(last_req - take(in) % 4), ends[take(in) % COUNT(ends)]);
    return snprintf(out, cap, "{\"channel\":\"%s\",\"type\":\"%s\",\"data\":[%s],\"sequence\":%u}",
                    take(in) % 2 ? "executions" : "balances", take(in) % 4 ? "update" : "snapshot",
                    items[take(in) % COUNT(items)], take(in) % 8);
}

static const char *body_of(struct bytes *in, size_t *len)
{
    static const char *const bodies[] = {
        "{\"error\":[],\"result\":{\"token\":\"TOK\",\"expires\":900}}",
        "{\"error\":[],\"result\":{\"txid\":[\"OA\"],\"count\":1,\"amend_id\":\"T\","
        "\"triggerTime\":\"0\",\"unixtime\":1700000000,\"open\":{},\"closed\":{},\"trades\":{}}}",
        "{\"error\":[],\"result\":{\"count\":120,\"trades\":{\"T1\":{\"ordertxid\":\"OA\",\"pair\":"
        "\"XXBTZUSD\",\"time\":1700000000.5,\"type\":\"buy\",\"ordertype\":\"limit\",\"price\":"
        "\"100.5\",\"fee\":\"0.1\",\"vol\":\"0.5\"}}}}",
        "{\"error\":[],\"result\":{\"open\":{\"OA\":{\"cl_ord_id\":\"C\",\"status\":\"open\","
        "\"descr\":{\"pair\":\"XBTUSD\",\"type\":\"buy\",\"ordertype\":\"limit\",\"price\":\"1\"},"
        "\"vol\":\"1\",\"vol_exec\":\"0\"}}}}",
        "{\"error\":[\"EAPI:Invalid nonce\"]}",
        "{\"error\":[\"EGeneral:Temporary lockout\"]}",
        "<html>",
    };
    uint8_t which = take(in) % (COUNT(bodies) + 1);

    if (which == COUNT(bodies))
        return take_line(in, len);
    *len = strlen(bodies[which]);
    return bodies[which];
}

static void give_command(struct kraken_side *side, struct desk *desk, struct bytes *in,
                         struct venue_clock *clock, const struct venue_out *out, unsigned number)
{
    static const char *const ids[] = { "C", "", "bad id", "0123456789ABCDEFG" };
    struct venue_command command = { .op = take(in) % (OP_DEAD_MAN + 2),
                                     .transport = take(in) % 3,
                                     .symbol = "BTC/USD",
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
        snprintf(command.exchange_order_id, sizeof(command.exchange_order_id), "OA");
    desk->op[number] = (uint8_t)command.op;
    desk->taken[number] = 1; /* Its report may come before the call returns. */
    int err = kraken_order_ops.command(side, &command, clock, out);
    LAW(err <= 0);
    if (err) {
        LAW(!desk->answered[number]);
        desk->taken[number] = 0;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = { "BTC-USD" };
    static const struct venue_order_config config = { .venue = "kraken",
                                                      .names = names,
                                                      .name_count = 1,
                                                      .api_key = "key",
                                                      .api_secret = "c2VjcmV0" };
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
    struct kraken_side *side = calloc(1, sizeof(*side));
    unsigned commands = 0;

    desk = (struct desk){ .tag_count = 0 };
    LAW(side && kraken_order_ops.init(side, &config) == 0);
    kraken_order_ops.start(side, &clock, &out);
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
            (void)kraken_order_ops.frame(side, 0, line, len, &clock, &out);
            break;
        case 1:
        case 2:
            len = (size_t)put_frame(text, sizeof(text), &in, side->req_id);
            (void)kraken_order_ops.frame(side, 0, text, len, &clock, &out);
            break;
        case 3:
        case 4:
            response.body = body_of(&in, &response.body_len);
            response.status = what % 32 == 3 ? 520 : what % 64 == 4 ? 0 : 200;
            response.was_sent = what % 128 != 4;
            (void)kraken_order_ops.http(side, &response, &clock, &out);
            break;
        case 5:
            if (commands < COMMANDS_MAX)
                give_command(side, &desk, &in, &clock, &out, commands++);
            break;
        case 6:
            clock.now_ns += (int64_t)take(&in) * 100 * NS_PER_MS;
            kraken_order_ops.tick(side, &clock, &out);
            break;
        default:
            if (take(&in) % 4)
                kraken_order_ops.opened(side, 0, &clock, &out);
            else
                kraken_order_ops.closed(side, 0, &clock, &out);
            break;
        }
    }
    /* All time passes: whoever has had no answer has one then. */
    for (int i = 0; i < 200; i++) {
        clock.now_ns += 2 * NS_PER_S;
        clock.nonce++;
        kraken_order_ops.tick(side, &clock, &out);
    }
    for (unsigned i = 0; i < commands; i++)
        LAW(desk.answered[i] == desk.taken[i]);
    kraken_order_ops.fini(side);
    free(side);
    return 0;
}
