/* OKX's order codec: signatures of published vectors, the texts that leave, the units that they are
 * in, and what the venue's codes lead to. What both sides say to each other is in test_okx_talk.c.
 */
#include "common/pure/time_text.h"
#include "tests/proof.h"
#include "tests/unit/check.h"
#include "venues/okx/order.h"

#include <stdlib.h>

enum { REPORTS_MAX = 64 };

static struct {
    struct okx_side *side;
    struct venue_clock clock;
    struct venue_report reports[REPORTS_MAX];
    unsigned report_count;
    struct venue_request request;
    unsigned requests;
    char frame[VENUE_FRAME_MAX];
    unsigned frames, reconnects;
    bool is_shut; /* Nothing can be sent. */
} desk;

static void on_report(void *ctx, const struct venue_report *report)
{
    (void)ctx;
    if (report->kind == REPORT_LIMITS)
        return;
    desk.reports[desk.report_count++ % REPORTS_MAX] = *report;
}

static int on_send(void *ctx, unsigned connection, const char *frame, size_t len)
{
    (void)ctx;
    (void)connection;
    if (desk.is_shut)
        return ERR_CLOSED;
    snprintf(desk.frame, sizeof(desk.frame), "%.*s", (int)len, frame);
    desk.frames++;
    return 0;
}

static int on_request(void *ctx, const struct venue_request *request)
{
    (void)ctx;
    if (desk.is_shut)
        return ERR_FULL;
    desk.request = *request;
    desk.requests++;
    return 0;
}

static void on_reconnect(void *ctx, unsigned connection, wire_reason why)
{
    (void)ctx;
    (void)connection;
    (void)why;
    desk.reconnects++;
}

static void on_note(void *ctx, const char *event, const char *text)
{
    (void)ctx;
    (void)event;
    (void)text;
}

static const struct venue_out out = { NULL,       NULL,         on_report, on_send,
                                      on_request, on_reconnect, on_note };

static void answer(int status, const char *body)
{
    struct venue_response response = { .tag = desk.request.tag,
                                       .status = status,
                                       .was_sent = true,
                                       .body = body,
                                       .body_len = strlen(body) };

    (void)okx_order_ops.http(desk.side, &response, &desk.clock, &out);
}

static void hear(const char *frame)
{
    (void)okx_order_ops.frame(desk.side, 0, frame, strlen(frame), &desk.clock, &out);
}

static const struct venue_report *last(void)
{
    return &desk.reports[(desk.report_count - 1) % REPORTS_MAX];
}

#define SPOT_LIST                                                                           \
    "{\"code\":\"0\",\"msg\":\"\",\"data\":[{\"instId\":\"BTC-USDT\",\"instIdCode\":3,"     \
    "\"instType\":\"SPOT\",\"baseCcy\":\"BTC\",\"quoteCcy\":\"USDT\",\"tickSz\":\"0.1\","   \
    "\"lotSz\":\"0.00000001\",\"minSz\":\"0.00001\",\"maxLmtSz\":\"9999999999\",\"state\":" \
    "\"live\"}]}"
#define SWAP_LIST                                                                               \
    "{\"code\":\"0\",\"msg\":\"\",\"data\":[{\"instId\":\"BTC-USDT-SWAP\",\"instIdCode\":"      \
    "10459,\"instType\":\"SWAP\",\"ctType\":\"linear\",\"ctVal\":\"0.01\",\"ctMult\":\"1\","    \
    "\"ctValCcy\":\"BTC\",\"settleCcy\":\"USDT\",\"uly\":\"BTC-USDT\",\"tickSz\":\"0.1\","      \
    "\"lotSz\":\"0.01\",\"minSz\":\"0.01\",\"maxLmtSz\":\"100000000\",\"state\":\"live\"},"     \
    "{\"instId\":\"BTC-USD-SWAP\",\"instIdCode\":10458,\"instType\":\"SWAP\",\"ctType\":"       \
    "\"inverse\",\"ctVal\":\"100\",\"ctMult\":\"1\",\"ctValCcy\":\"USD\",\"settleCcy\":"        \
    "\"BTC\",\"uly\":\"BTC-USD\",\"tickSz\":\"0.1\",\"lotSz\":\"1\",\"minSz\":\"1\",\"state\":" \
    "\"live\"}]}"

static void open_desk(void)
{
    static const char *const names[] = { "BTC-USDT", "BTC-USDT-PERP" };
    static const struct venue_order_config config = { .venue = "okx",
                                                      .names = names,
                                                      .name_count = 2,
                                                      .api_key = "TESTKEY-0123-4567-89ab",
                                                      .api_secret = "TESTSECRET0123456789ABCDEF",
                                                      .api_passphrase = "TestPass!1",
                                                      .order_timeout_ns = NS_PER_S };

    memset(&desk, 0, sizeof(desk));
    desk.clock =
        (struct venue_clock){ .now_ns = NS_PER_S, .wall_ns = INT64_C(1700000000123) * NS_PER_MS };
    desk.side = calloc(1, sizeof(*desk.side));
    CHECK_INT(okx_order_ops.init(desk.side, &config), 0);
    okx_order_ops.start(desk.side, &desk.clock, &out);
}

static void list_instruments(void)
{
    CHECK_STR(desk.request.path, "/api/v5/public/instruments?instType=SPOT");
    answer(200, SPOT_LIST);
    CHECK_STR(desk.request.path, "/api/v5/public/instruments?instType=SWAP");
    answer(200, SWAP_LIST);
}

static void log_in(void)
{
    okx_order_ops.opened(desk.side, 0, &desk.clock, &out);
    hear("{\"event\":\"login\",\"code\":\"0\",\"msg\":\"\"}");
    hear("{\"event\":\"subscribe\",\"arg\":{\"channel\":\"orders\",\"instType\":\"ANY\"}}");
    hear("{\"event\":\"subscribe\",\"arg\":{\"channel\":\"account\"}}");
    hear("{\"event\":\"subscribe\",\"arg\":{\"channel\":\"positions\",\"instType\":\"SWAP\"}}");
    CHECK(last()->is_private_stream_up);
}

static void close_desk(void)
{
    okx_order_ops.fini(desk.side);
    free(desk.side);
}

static struct venue_command order(enum venue_op op, bool is_swap, enum venue_transport way)
{
    struct venue_command command = { .op = op,
                                     .transport = way,
                                     .request_id = 5,
                                     .instrument_kind =
                                         is_swap ? INSTRUMENT_PERPETUAL : INSTRUMENT_SPOT,
                                     .side = SIDE_SELL,
                                     .type = ORDER_LIMIT,
                                     .time_in_force = TIF_GTC,
                                     .price = INT64_C(6000010000000),
                                     .qty = 3000000,
                                     .price_exp = 8,
                                     .qty_exp = 8,
                                     .price_decimals = 1,
                                     .qty_decimals = 8 };

    snprintf(command.symbol, sizeof(command.symbol), is_swap ? "BTC-USDT-SWAP" : "BTC-USDT");
    snprintf(command.client_order_id, sizeof(command.client_order_id), "e1001");
    return command;
}

static int give(const struct venue_command *command)
{
    return okx_order_ops.command(desk.side, command, &desk.clock, &out);
}

/* ---- cases ---- */

static void signatures_are_those_of_the_published_vectors(void)
{
    static const struct {
        const char *secret, *time, *method, *path, *body, *sign;
    } rows[] = {
        { "TESTSECRET0123456789ABCDEF", "2023-11-14T22:13:20.123Z", "GET",
          "/api/v5/account/balance?ccy=BTC", "", "swHiexYhEu5bQt0u0IbaNyC0MmIiQi2ZlSAsyCOMU/g=" },
        { "TESTSECRET0123456789ABCDEF", "2023-11-14T22:13:20.123Z", "GET",
          "/api/v5/trade/orders-pending?instType=SWAP&instId=BTC-USDT-SWAP", "",
          "r1v68ab1y5/obrh9sInVjYw5270YVw6g9L91Cl2rCsA=" },
        { "TESTSECRET0123456789ABCDEF", "2023-11-14T22:13:20.123Z", "POST", "/api/v5/trade/order",
          "{\"instId\":\"BTC-USDT\",\"tdMode\":\"cash\",\"clOrdId\":\"b15\",\"side\":\"buy\","
          "\"ordType\":\"limit\",\"px\":\"2.15\",\"sz\":\"2\"}",
          "044QTc79v/Net0PgqinxRDQnPm7RPH4uDWO8k3fo60I=" },
        { "TESTSECRET0123456789ABCDEF", "2023-11-14T22:13:20.123Z", "POST",
          "/api/v5/trade/batch-orders",
          "[{\"instId\":\"BTC-USDT-SWAP\",\"tdMode\":\"cross\",\"clOrdId\":\"m1\",\"side\":\"buy\","
          "\"ordType\":\"post_only\",\"px\":\"30000.1\",\"sz\":\"1\"},{\"instId\":"
          "\"BTC-USDT-SWAP\",\"tdMode\":\"cross\",\"clOrdId\":\"m2\",\"side\":\"sell\","
          "\"ordType\":\"post_only\",\"px\":\"30100.1\",\"sz\":\"1\"}]",
          "a6SSOaYyAi6AG5+o7VJOZaHByOYwmZ4kptEF1mAUT3w=" },
        { "chNOOS4KvNXR_Xq4k4c9qsfoKWvnDecLATCRlcBwyKDYnWgO", "2020-12-08T09:08:57.715Z", "GET",
          "/api/v5/account/balance", "", "PJ61e1nb2F2Qd7D8SPiaIcx2gjdELc+o0ygzre9z33k=" },
        { "mysecret", "2020-03-28T12:21:41.274Z", "POST", "/api/v5/trade/order",
          "{\"instId\":\"BTC-USDT\",\"tdMode\":\"isolated\",\"ccy\":\"USDT\",\"clOrdId\":\"b15\","
          "\"tag\":\"t1\",\"side\":\"buy\",\"posSide\":\"long\",\"ordType\":\"post_only\",\"px\":"
          "\"1\",\"sz\":\"1\",\"reduceOnly\":true,\"tgtCcy\":\"quote_ccy\",\"banAmend\":true,"
          "\"pxAmendType\":\"1\",\"tradeQuoteCcy\":\"USDT\",\"stpMode\":\"cancel_maker\"}",
          "ppsaF9o0uI3K4Jpfo7CSfPA4fHoxUPpI27UcBBj5llw=" },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct okx_keys keys;
        char sign[OKX_SIGN_TEXT] = "";
        CHECK_INT(okx_keys_init(&keys, "key", rows[i].secret, "phrase"), 0);
        CHECK_INT(okx_sign(&keys, rows[i].time, rows[i].method, rows[i].path, rows[i].body,
                           strlen(rows[i].body), sign),
                  0);
        CHECK_STR(sign, rows[i].sign);
        okx_keys_fini(&keys);
    }
    proof("okx", signing, vector);
}

static void the_login_is_that_of_the_published_vector(void)
{
    open_desk();
    list_instruments();
    okx_order_ops.opened(desk.side, 0, &desk.clock, &out);
    CHECK_STR(desk.frame,
              "{\"op\":\"login\",\"args\":[{\"apiKey\":\"TESTKEY-0123-4567-89ab\",\"passphrase\":"
              "\"TestPass!1\",\"timestamp\":\"1700000000\",\"sign\":"
              "\"2CJzNSFZtqIjeaKXL0BYIDw3BiZOLI7jMitd0Hsb0DQ=\"}]}");
    proof("okx", login, vector);
    close_desk();
}

static void keys_come_whole_or_not_at_all(void)
{
    struct okx_keys keys;

    CHECK_INT(okx_keys_init(&keys, "", "", ""), 0);
    CHECK(!keys.is_set);
    CHECK_INT(okx_keys_init(&keys, "key", "secret", ""), ERR_AUTH);
    CHECK_INT(okx_keys_init(&keys, "key", "", "phrase"), ERR_AUTH);
    CHECK_INT(okx_keys_init(&keys, "k\"ey", "secret", "phrase"), ERR_AUTH);
}

static void nothing_private_is_asked_before_contracts_are_known(void)
{
    open_desk();
    struct venue_command list = { .op = OP_POSITIONS, .request_id = 1 };
    okx_order_ops.opened(desk.side, 0, &desk.clock, &out);
    CHECK_INT(desk.frames, 0); /* No login: news in contracts could not be read. */
    CHECK_INT(give(&list), ERR_CLOSED);
    list_instruments();
    okx_order_ops.tick(desk.side, &desk.clock, &out);
    CHECK_INT(desk.frames, 1);
    CHECK_INT(give(&list), 0);
    CHECK_STR(desk.request.path, "/api/v5/account/positions?instType=SWAP");
    close_desk();
}

static void inverse_contracts_are_not_listed(void)
{
    unsigned perpetuals = 0;

    open_desk();
    list_instruments();
    for (unsigned i = 0; i < desk.report_count; i++)
        if (desk.reports[i].kind == REPORT_INSTRUMENT)
            perpetuals += desk.reports[i].instrument_kind == INSTRUMENT_PERPETUAL;
    CHECK_INT(perpetuals, 1);
    close_desk();
}

static void swaps_leave_in_contracts_and_spot_in_base(void)
{
    open_desk();
    list_instruments();
    log_in();
    struct venue_command command = order(OP_PLACE, true, TRANSPORT_WS);
    command.is_post_only = true;
    command.valid_ns = 5 * NS_PER_S;
    CHECK_INT(give(&command), 0);
    CHECK(strstr(desk.frame,
                 "\"op\":\"order\",\"args\":[{\"instIdCode\":10459,\"side\":\"sell\",\"ordType\":"
                 "\"post_only\",\"sz\":\"3\",\"tdMode\":\"cross\",\"px\":\"60000.1\",\"clOrdId\":"
                 "\"e1001\"}],\"expTime\":\"1700000005123\"}"));
    command = order(OP_PLACE, true, TRANSPORT_WS);
    command.is_reduce_only = true;
    command.time_in_force = TIF_FOK;
    CHECK_INT(give(&command), 0);
    CHECK(strstr(desk.frame, "\"ordType\":\"fok\",\"sz\":\"3\",\"tdMode\":\"cross\","
                             "\"reduceOnly\":true,\"px\":\"60000.1\",\"clOrdId\":\"e1001\"}]}"));
    command = order(OP_PLACE, false, TRANSPORT_WS);
    command.type = ORDER_MARKET;
    command.side = SIDE_BUY;
    CHECK_INT(give(&command), 0);
    CHECK(strstr(desk.frame, "[{\"instIdCode\":3,\"side\":\"buy\",\"ordType\":\"market\",\"sz\":"
                             "\"0.03000000\",\"tdMode\":\"cash\",\"tgtCcy\":\"base_ccy\","
                             "\"clOrdId\":\"e1001\"}]"));
    command = order(OP_REPLACE, true, TRANSPORT_WS);
    snprintf(command.exchange_order_id, sizeof(command.exchange_order_id), "12345689");
    CHECK_INT(give(&command), 0);
    CHECK(strstr(desk.frame, "\"op\":\"amend-order\",\"args\":[{\"instIdCode\":10459,\"ordId\":"
                             "\"12345689\",\"newSz\":\"3\",\"newPx\":\"60000.1\",\"cxlOnFail\":"
                             "false,\"reqId\":"));
    /* A hundredth of a contract is the step: a thousandth leaves nothing. */
    command = order(OP_PLACE, true, TRANSPORT_WS);
    command.qty = 1234567;
    unsigned before = desk.frames;
    CHECK_INT(give(&command), 0); /* 1.234567 contracts: the venue's own check. */
    command.qty = 1234567890123;
    command.qty_exp = 18;
    CHECK_INT(give(&command), ERR_RANGE);
    CHECK_INT(desk.frames, before + 1);
    close_desk();
}

static void client_ids_outside_the_charset_never_leave(void)
{
    static const char *const bad[] = { "with-hyphen", "under_score",
                                       "012345678901234567890123456789012" };

    open_desk();
    list_instruments();
    log_in();
    unsigned frames = desk.frames, requests = desk.requests;
    for (size_t i = 0; i < COUNT(bad); i++)
        for (int way = TRANSPORT_REST; way <= TRANSPORT_WS; way++) {
            struct venue_command command = order(OP_PLACE, false, (enum venue_transport)way);
            snprintf(command.client_order_id, sizeof(command.client_order_id), "%s", bad[i]);
            CHECK_INT(give(&command), ERR_RANGE);
            command.op = OP_CANCEL;
            CHECK_INT(give(&command), ERR_RANGE);
        }
    CHECK_INT(desk.frames, frames);
    CHECK_INT(desk.requests, requests);
    close_desk();
}

static void margin_accounts_trade_spot_across(void)
{
    open_desk();
    list_instruments();
    struct venue_command mode = { .op = OP_ACCOUNT_MODE, .request_id = 9 };
    CHECK_INT(give(&mode), 0);
    answer(200, "{\"code\":\"0\",\"data\":[{\"acctLv\":\"3\",\"posMode\":\"net_mode\",\"perm\":"
                "\"read_only,trade\"}],\"msg\":\"\"}");
    CHECK_INT(last()->kind, REPORT_DONE);
    struct venue_command command = order(OP_PLACE, false, TRANSPORT_REST);
    CHECK_INT(give(&command), 0);
    CHECK(strstr(desk.request.body, "\"tdMode\":\"cross\",\"tgtCcy\":\"base_ccy\""));
    close_desk();
}

static void account_modes_that_will_not_do_are_refused_in_words(void)
{
    static const struct {
        const char *body;
        wire_reason why;
    } rows[] = {
        { "{\"code\":\"0\",\"data\":[{\"acctLv\":\"2\",\"posMode\":\"long_short_mode\",\"perm\":"
          "\"trade\"}]}",
          REASON_HEDGE_MODE },
        { "{\"code\":\"0\",\"data\":[{\"acctLv\":\"1\",\"posMode\":\"net_mode\",\"perm\":"
          "\"trade\"}]}",
          REASON_PERMISSION },
        { "{\"code\":\"0\",\"data\":[{\"acctLv\":\"2\",\"posMode\":\"net_mode\",\"perm\":"
          "\"read_only\"}]}",
          REASON_PERMISSION },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        open_desk();
        list_instruments();
        struct venue_command mode = { .op = OP_ACCOUNT_MODE, .request_id = 9 };
        CHECK_INT(give(&mode), 0);
        answer(200, rows[i].body);
        CHECK_INT(last()->kind, REPORT_FAILED);
        CHECK_INT(last()->why, rows[i].why);
        CHECK(last()->text[0] != '\0');
        close_desk();
    }
}

/* What a PLACE ends with, by the answer to it. */
static void codes_tell_refused_from_unknown(void)
{
    static const struct {
        int status;
        const char *body;
        enum venue_report_kind kind;
        wire_reason why;
    } rows[] = {
        { 200, "{\"code\":\"0\",\"data\":[{\"ordId\":\"7\",\"sCode\":\"0\"}]}", REPORT_ACCEPTED,
          REASON_NONE },
        { 200, "{\"code\":\"1\",\"data\":[{\"ordId\":\"\",\"sCode\":\"51008\"}]}", REPORT_REJECTED,
          REASON_VENUE_FUNDS },
        { 200, "{\"code\":\"1\",\"data\":[{\"ordId\":\"\",\"sCode\":\"51121\"}]}", REPORT_REJECTED,
          REASON_QTY_LOT },
        { 200, "{\"code\":\"1\",\"data\":[{\"ordId\":\"\",\"sCode\":\"51016\"}]}", REPORT_REJECTED,
          REASON_VENUE_DUPLICATE },
        { 200, "{\"code\":\"1\",\"data\":[{\"ordId\":\"\",\"sCode\":\"51149\"}]}",
          REPORT_OUTCOME_UNKNOWN, REASON_UNKNOWN_OUTCOME },
        { 200, "{\"code\":\"50004\",\"msg\":\"timeout\",\"data\":[]}", REPORT_OUTCOME_UNKNOWN,
          REASON_UNKNOWN_OUTCOME },
        { 500, "{\"code\":\"50026\",\"msg\":\"system\",\"data\":[]}", REPORT_OUTCOME_UNKNOWN,
          REASON_UNKNOWN_OUTCOME },
        { 503, "{\"code\":\"50001\",\"msg\":\"away\",\"data\":[]}", REPORT_OUTCOME_UNKNOWN,
          REASON_VENUE_MAINTENANCE },
        { 429, "{\"code\":\"50011\",\"msg\":\"slow\",\"data\":[]}", REPORT_REJECTED,
          REASON_VENUE_RATE_LIMIT },
        { 401, "{\"code\":\"50113\",\"msg\":\"sign\",\"data\":[]}", REPORT_REJECTED,
          REASON_VENUE_AUTH },
        { 200, "{\"code\":\"59999\",\"msg\":\"new\",\"data\":[]}", REPORT_OUTCOME_UNKNOWN,
          REASON_UNKNOWN_OUTCOME },
        { 502, "<html>", REPORT_OUTCOME_UNKNOWN, REASON_TRANSPORT },
        { 429, "<html>", REPORT_REJECTED, REASON_VENUE_RATE_LIMIT },
        { 200, "{\"code\":\"0\",\"data\":[]}", REPORT_OUTCOME_UNKNOWN, REASON_TRANSPORT },
        { 200, "{", REPORT_OUTCOME_UNKNOWN, REASON_TRANSPORT },
        { 0, "", REPORT_OUTCOME_UNKNOWN, REASON_TRANSPORT },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        open_desk();
        list_instruments();
        unsigned before = desk.report_count;
        struct venue_command command = order(OP_PLACE, false, TRANSPORT_REST);
        CHECK_INT(give(&command), 0);
        answer(rows[i].status, rows[i].body);
        CHECK(desk.report_count > before);
        CHECK_INT(desk.reports[before].kind, rows[i].kind);
        CHECK_INT(desk.reports[before].why, rows[i].why);
        CHECK_INT(desk.reports[before].request_id, 5);
        close_desk();
    }
}

static void what_never_left_may_be_tried_again(void)
{
    open_desk();
    list_instruments();
    struct venue_command command = order(OP_PLACE, false, TRANSPORT_REST);
    desk.is_shut = true;
    CHECK_INT(give(&command), ERR_FULL);
    desk.is_shut = false;
    CHECK_INT(give(&command), 0);
    struct venue_response response = { .tag = desk.request.tag, .status = 0, .was_sent = false };
    (void)okx_order_ops.http(desk.side, &response, &desk.clock, &out);
    CHECK_INT(last()->kind, REPORT_NEVER_SENT);
    close_desk();
}

static void a_silent_venue_leaves_an_unknown_outcome(void)
{
    open_desk();
    list_instruments();
    log_in();
    struct venue_command command = order(OP_PLACE, false, TRANSPORT_WS);
    CHECK_INT(give(&command), 0);
    desk.clock.now_ns += 2 * NS_PER_S;
    okx_order_ops.tick(desk.side, &desk.clock, &out);
    CHECK_INT(last()->kind, REPORT_OUTCOME_UNKNOWN);
    /* Silence on, it pings; then it gives the connection up. */
    desk.clock.now_ns += 5 * NS_PER_S;
    okx_order_ops.tick(desk.side, &desk.clock, &out);
    CHECK_STR(desk.frame, "ping");
    hear("pong");
    desk.clock.now_ns += 14 * NS_PER_S;
    okx_order_ops.tick(desk.side, &desk.clock, &out);
    CHECK_INT(desk.reconnects, 0);
    desk.clock.now_ns += 2 * NS_PER_S;
    okx_order_ops.tick(desk.side, &desk.clock, &out);
    CHECK_INT(desk.reconnects, 1);
    close_desk();
}

static void lists_go_on_page_by_page(void)
{
    static char page[32768];
    size_t len = 0;

    open_desk();
    list_instruments();
    struct venue_command list = { .op = OP_OPEN_ORDERS, .request_id = 3 };
    CHECK_INT(give(&list), 0);
    CHECK_STR(desk.request.path, "/api/v5/trade/orders-pending");
    unsigned reports = desk.report_count;
    len += (size_t)snprintf(page, sizeof(page), "{\"code\":\"0\",\"data\":[");
    for (int i = 0; i < OKX_PAGE; i++)
        len += (size_t)snprintf(page + len, sizeof(page) - len,
                                "%s{\"instId\":\"BTC-USDT\",\"instType\":\"SPOT\",\"ordId\":\"%d\","
                                "\"side\":\"buy\",\"ordType\":\"limit\",\"px\":\"1\",\"sz\":\"1\","
                                "\"state\":\"live\",\"accFillSz\":\"0\"}",
                                i ? "," : "", 1000 - i);
    snprintf(page + len, sizeof(page) - len, "]}");
    answer(200, page);
    CHECK_INT(desk.report_count - reports, OKX_PAGE);
    CHECK_STR(desk.request.path, "/api/v5/trade/orders-pending?after=901");
    answer(200, "{\"code\":\"0\",\"data\":[]}");
    CHECK_INT(last()->kind, REPORT_DONE);
    close_desk();
}

int main(void)
{
    CASE(signatures_are_those_of_the_published_vectors);
    CASE(the_login_is_that_of_the_published_vector);
    CASE(keys_come_whole_or_not_at_all);
    CASE(nothing_private_is_asked_before_contracts_are_known);
    CASE(inverse_contracts_are_not_listed);
    CASE(swaps_leave_in_contracts_and_spot_in_base);
    CASE(client_ids_outside_the_charset_never_leave);
    CASE(margin_accounts_trade_spot_across);
    CASE(account_modes_that_will_not_do_are_refused_in_words);
    CASE(codes_tell_refused_from_unknown);
    CASE(what_never_left_may_be_tried_again);
    CASE(a_silent_venue_leaves_an_unknown_outcome);
    CASE(lists_go_on_page_by_page);
    DONE();
}
