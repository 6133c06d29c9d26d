/* The order session of Binance futures, where it is not spot's: what its refusals mean, the life of
 * a listen key, changes in place, the account's figures. Signatures are made again from what was
 * sent. */
#include "common/pure/crypto.h"
#include "common/pure/instrument.h"
#include "tests/proof.h"
#include "tests/unit/capture.h"
#include "tests/unit/check.h"
#include "tests/unit/order_world.h"

extern const struct venue venue_binance_futures;

#define KEY    "dbefbc809e3e83c283a984c3a1459732ea7db1360ca80c5c2c8867408d28cc83"
#define SECRET "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9" /* Published. */

static const char *const names[] = { "BTC-USDT-PERP" };

static const char info[] =
    "{\"rateLimits\":[{\"rateLimitType\":\"REQUEST_WEIGHT\",\"interval\":\"MINUTE\","
    "\"intervalNum\":1,\"limit\":2400}],\"symbols\":[{\"symbol\":\"BTCUSDT\",\"pair\":\"BTCUSDT\","
    "\"contractType\":\"PERPETUAL\",\"status\":\"TRADING\",\"baseAsset\":\"BTC\",\"quoteAsset\":"
    "\"USDT\",\"marginAsset\":\"USDT\",\"filters\":[{\"filterType\":\"PRICE_FILTER\",\"minPrice\":"
    "\"556.80\",\"maxPrice\":\"4529764\",\"tickSize\":\"0.10\"},{\"filterType\":\"LOT_SIZE\","
    "\"minQty\":\"0.001\",\"maxQty\":\"1000\",\"stepSize\":\"0.001\"},{\"filterType\":"
    "\"MIN_NOTIONAL\",\"notional\":\"100\"}]}]}";

static struct order_world world;

/* ---- what was asked ---- */

/* The i-th request since the last clear whose path begins so; NULL: there is none. */
static const struct venue_request *asked(const char *method, const char *path, size_t i)
{
    for (size_t n = 0; n < world.request_count && n < WORLD_SENT; n++)
        if (strcmp(world.requests[n].method, method) == 0 &&
            strncmp(world.requests[n].path, path, strlen(path)) == 0 && i-- == 0)
            return &world.requests[n];
    return NULL;
}

static void answer_rest(const struct venue_request *request, int status, const char *body)
{
    CHECK(request);
    if (request)
        CHECK_INT(order_world_http(&world, request->tag, status, body), 0);
}

static void answer_ws(int status, const char *member, const char *body)
{
    static char frame[4096];

    snprintf(frame, sizeof(frame), "{\"id\":%lld,\"status\":%d,\"%s\":%s}",
             atoll(world.frames[0] + strlen("{\"id\":")), status, member, body);
    CHECK_INT(order_world_frame(&world, frame), 0);
}

static int stream_frame(const char *frame)
{
    return world.ops->frame(world.state, 1, frame, strlen(frame), &world.clock, &world.out);
}

static const char *stream_url(void)
{
    static struct venue_connection list[VENUE_CONNECTIONS_MAX];

    memset(list, 0, sizeof(list));
    CHECK_INT(world.ops->connections(world.state, list), 2);
    return list[1].url;
}

static void ready(void)
{
    const struct venue_order_config config = { .venue = "binance_futures",
                                               .rest_url = "https://fapi.binance.com",
                                               .ws_url = "wss://ws-fapi.binance.com",
                                               .stream_url = "wss://fstream.binance.com",
                                               .names = names,
                                               .name_count = COUNT(names),
                                               .api_key = KEY,
                                               .api_secret = SECRET,
                                               .maker_fee_ppm = 700,
                                               .taker_fee_ppm = 800,
                                               .recv_window_ms = 5000,
                                               .order_timeout_ns = 2 * NS_PER_S };

    CHECK_INT(order_world_begin(&world, venue_binance_futures.order, &config), 0);
    CHECK_STR(stream_url(), ""); /* Not yet: there is no key. */
    world.ops->start(world.state, &world.clock, &world.out);
    answer_rest(asked("GET", "/fapi/v1/exchangeInfo", 0), 200, info);
    world.ops->opened(world.state, 0, &world.clock, &world.out);
}

static void end(void)
{
    order_world_end(&world);
}

static struct venue_command place_command(void)
{
    return (struct venue_command){ .op = OP_PLACE,
                                   .instrument = instrument_id("binance_futures",
                                                               INSTRUMENT_PERPETUAL, "BTCUSDT"),
                                   .request_id = 77,
                                   .side = SIDE_BUY,
                                   .type = ORDER_LIMIT,
                                   .time_in_force = TIF_GTC,
                                   .price = 5000010000000,
                                   .qty = 150000000,
                                   .price_exp = 8,
                                   .qty_exp = 8,
                                   .price_decimals = 2,
                                   .qty_decimals = 3,
                                   .client_order_id = "T0000000000001" };
}

static struct venue_command command_of(enum venue_op op, enum venue_transport transport)
{
    struct venue_command command = place_command();

    command.op = op;
    command.transport = transport;
    return command;
}

static void send(const struct venue_command *command)
{
    order_world_clear(&world);
    CHECK_INT(order_world_command(&world, command), 0);
}

/* ---- signatures ---- */

static void hmac_text(const char *payload, size_t len, char out[65])
{
    struct hmac_key key;
    uint8_t mac[32];

    CHECK(hmac_key_init(&key, SECRET, strlen(SECRET)) == 0);
    CHECK(hmac_sha256(&key, payload, len, mac) == 0);
    hex_encode(mac, sizeof(mac), out);
    hmac_key_fini(&key);
}

/* The examples send other parameters than we do: they are signed as they are, by the key that the
 * codec signs with. What the codec writes is compared with an independent client's requests by
 * tests/interop, and signed again below. */
static void published_payloads_have_the_published_signatures(void)
{
    static const struct {
        const char *payload, *signature;
    } vectors[] = {
        { "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC&recvWindow="
          "5000&timestamp=1591702613943",
          "3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecbedf7777cad694af9" },
        { "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=9000&recvWindow="
          "5000&timestamp=1591702613943",
          "ec11dcc17e67e47f0d3c3f513dfe9062307e37619c5c82ebaa8fe0bdf3d59519" },
        { "apiKey=" KEY "&price=9000&quantity=1&recvWindow=5000&side=BUY&symbol=BTCUSDT&"
          "timeInForce=GTC&timestamp=1591702613943&type=LIMIT",
          "5b8fe2b962b8e1b2b82fb40e548d56147c2a8f835b5f1393ae4b4b90c38b527f" },
    };
    char hex[65];

    for (size_t i = 0; i < COUNT(vectors); i++) {
        hmac_text(vectors[i].payload, strlen(vectors[i].payload), hex);
        CHECK_STR(hex, vectors[i].signature);
    }
    proof("binance_futures", signing, vector);
}

/* The params of a frame as the venue's page says: sorted by name, joined, raw. */
static void frame_signature_check(const char *frame)
{
    struct scan_value top, params, name_, value;
    struct scan_iter iter;
    char payload[1024] = "", signature[256] = "", last[64] = "", name[64], text[256], hex[65];

    CHECK(scan_whole(frame, strlen(frame), &top) == 0 && scan_find(&top, "params", &params) == 0 &&
          scan_begin(&iter, &params) == 0);
    while (scan_member(&iter, &name_, &value) == 0) {
        CHECK(scan_text(&name_, name, sizeof(name)) == 0 &&
              scan_text(&value, text, sizeof(text)) == 0);
        if (strcmp(name, "signature") == 0) {
            snprintf(signature, sizeof(signature), "%s", text);
            continue;
        }
        CHECK(strcmp(last, name) < 0);
        snprintf(last, sizeof(last), "%s", name);
        size_t at = strlen(payload);
        snprintf(payload + at, sizeof(payload) - at, "%s%s=%s", at ? "&" : "", name, text);
    }
    hmac_text(payload, strlen(payload), hex);
    CHECK_STR(signature, hex);
}

static void signature_check(const struct venue_request *request)
{
    const char *query = strchr(request->path, '?'), *end_of = NULL;
    char body[2048], hex[65];

    snprintf(body, sizeof(body), "%.*s", (int)request->body_len, request->body);
    const char *payload = request->body_len > 0 ? body : query ? query + 1 : "";
    end_of = strstr(payload, "&signature=");
    CHECK(end_of);
    if (!end_of)
        return;
    hmac_text(payload, (size_t)(end_of - payload), hex);
    CHECK_STR(end_of + strlen("&signature="), hex);
    CHECK_STR(request->headers[0].name, "X-MBX-APIKEY");
    CHECK_STR(request->headers[0].value, KEY);
}

static void what_is_sent_is_signed_over_what_is_sent(void)
{
    static const enum venue_op rest[] = { OP_PLACE,        OP_CANCEL,      OP_REPLACE,
                                          OP_QUERY,        OP_OPEN_ORDERS, OP_CANCEL_ALL,
                                          OP_EXECUTIONS,   OP_BALANCES,    OP_POSITIONS,
                                          OP_ACCOUNT_MODE, OP_FUNDING,     OP_DEAD_MAN };
    static const enum venue_op ws[] = { OP_PLACE, OP_CANCEL,   OP_REPLACE,
                                        OP_QUERY, OP_BALANCES, OP_POSITIONS };

    ready();
    for (size_t i = 0; i < COUNT(rest); i++) {
        struct venue_command command = command_of(rest[i], TRANSPORT_REST);
        send(&command);
        CHECK_INT(world.request_count, 1);
        signature_check(&world.requests[0]);
    }
    for (size_t i = 0; i < COUNT(ws); i++) {
        struct venue_command command = command_of(ws[i], TRANSPORT_WS);
        send(&command);
        CHECK_INT(world.frame_count, 1);
        frame_signature_check(world.frames[0]);
    }
    struct venue_command command = place_command();
    command.transport = TRANSPORT_WS;
    command.is_post_only = true;
    send(&command);
    CHECK(strstr(world.frames[0], "\"timeInForce\":\"GTX\"") != NULL);
    CHECK(strstr(world.frames[0], "\"selfTradePreventionMode\":\"EXPIRE_MAKER\"") != NULL);
    CHECK(strstr(world.frames[0], "\"price\":\"50000.10\",\"quantity\":\"1.500\"") != NULL);
    command.is_post_only = false;
    command.type = ORDER_MARKET;
    command.is_reduce_only = true;
    send(&command);
    CHECK(strstr(world.frames[0], "\"reduceOnly\":\"true\"") != NULL);
    CHECK(strstr(world.frames[0], "\"type\":\"MARKET\"") != NULL);
    CHECK(strstr(world.frames[0], "timeInForce") == NULL);
    end();
}

/* ---- refusals ---- */

static void refusals_say_whether_the_order_may_exist(void)
{
    static const struct {
        int status, code;
        const char *text;
        enum venue_report_kind kind;
        wire_reason why;
    } cases[] = {
        { 400, -2019, "Margin is insufficient.", REPORT_REJECTED, REASON_VENUE_FUNDS },
        { 400, -2018, "Balance is insufficient.", REPORT_REJECTED, REASON_VENUE_FUNDS },
        { 400, -2027, "Exceeded the maximum allowable position at current leverage.",
          REPORT_REJECTED, REASON_VENUE_FUNDS },
        /* On spot these tell how a replacement failed, or that the limit of a key is reached. */
        { 400, -2021, "Order would immediately trigger.", REPORT_REJECTED, REASON_VENUE_REJECT },
        { 400, -2022, "ReduceOnly Order is rejected.", REPORT_REJECTED, REASON_VENUE_REJECT },
        { 400, -2026, "This OrderType is not supported when reduceOnly.", REPORT_REJECTED,
          REASON_UNSUPPORTED },
        { 400, -2028, "Leverage is smaller than permitted: insufficient margin balance.",
          REPORT_REJECTED, REASON_VENUE_FUNDS },
        { 400, -2023, "User in liquidation mode now.", REPORT_REJECTED, REASON_LIQUIDATION },
        { 400, -5022,
          "Due to the order could not be executed as maker, the Post Only order will "
          "be rejected.",
          REPORT_REJECTED, REASON_VENUE_POST_ONLY },
        { 400, -5021, "FOK", REPORT_REJECTED, REASON_NO_LIQUIDITY },
        { 400, -4131, "PERCENT_PRICE", REPORT_REJECTED, REASON_NO_LIQUIDITY },
        { 400, -4164, "Order's notional must be no smaller than 100", REPORT_REJECTED,
          REASON_VENUE_FILTER },
        { 400, -1111, "Precision is over the maximum defined for this asset.", REPORT_REJECTED,
          REASON_VENUE_FILTER },
        { 400, -4061, "Order's position side does not match user's setting.", REPORT_REJECTED,
          REASON_HEDGE_MODE },
        { 400, -4140, "Invalid symbol status for opening position.", REPORT_REJECTED,
          REASON_INSTRUMENT_NOT_TRADABLE },
        { 400, -1021, "Timestamp for this request is outside of the recvWindow.", REPORT_REJECTED,
          REASON_VENUE_TIMESTAMP },
        { 400, -5028, "Timestamp for this request is outside of the ME recvWindow.",
          REPORT_REJECTED, REASON_VENUE_TIMESTAMP },
        { 400, -1022, "Signature for this request is not valid.", REPORT_REJECTED,
          REASON_VENUE_AUTH },
        { 401, -2015, "Invalid API-key, IP, or permissions for action.", REPORT_REJECTED,
          REASON_VENUE_AUTH },
        { 429, -1015, "Too many new orders.", REPORT_REJECTED, REASON_VENUE_RATE_LIMIT },
        /* An earlier send of the same order succeeded. */
        { 400, -4116, "ClientOrderId is duplicated.", REPORT_OUTCOME_UNKNOWN,
          REASON_VENUE_DUPLICATE },
        { 408, -1007, "Timeout waiting for response from backend server.", REPORT_OUTCOME_UNKNOWN,
          REASON_UNKNOWN_OUTCOME },
        { 400, -1006, "An unexpected response was received from the message bus.",
          REPORT_OUTCOME_UNKNOWN, REASON_UNKNOWN_OUTCOME },
        { 503, -1007, "Unknown error, please check your request or try again later.",
          REPORT_OUTCOME_UNKNOWN, REASON_UNKNOWN_OUTCOME },
        { 500, -2019, "Margin is insufficient.", REPORT_OUTCOME_UNKNOWN, REASON_VENUE_FUNDS },
        { 400, -9999, "A code of tomorrow.", REPORT_OUTCOME_UNKNOWN, REASON_UNKNOWN_OUTCOME },
        /* Documented as certainly not executed. */
        { 503, -1008, "Request throttled by system-level protection.", REPORT_REJECTED,
          REASON_VENUE_RATE_LIMIT },
        { 503, -1001, "Internal error; unable to process your request. Please try again.",
          REPORT_REJECTED, REASON_VENUE_MAINTENANCE },
    };

    ready();
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct venue_command command = place_command();
        char body[256];
        snprintf(body, sizeof(body), "{\"code\":%d,\"msg\":\"%s\"}", cases[i].code, cases[i].text);
        for (unsigned is_rest = 0; is_rest < 2; is_rest++) {
            command.transport = is_rest ? TRANSPORT_REST : TRANSPORT_WS;
            send(&command);
            if (is_rest)
                answer_rest(&world.requests[0], cases[i].status, body);
            else
                answer_ws(cases[i].status, "error", body);
            const struct venue_report *found = order_world_find(&world, cases[i].kind, 0);
            if (found->request_id != 77 || found->why != cases[i].why)
                fprintf(stderr, "%d %s: %s %s\n", cases[i].code, cases[i].text,
                        order_world_line(&world), wire_reason_str(world.reports[0].why));
            CHECK_INT(found->request_id, 77);
            CHECK_INT(found->why, cases[i].why);
            order_world_pass(&world, 61 * NS_PER_S); /* Past what it holds back for. */
        }
    }
    end();
}

static void words_without_a_code_are_told_apart(void)
{
    static const struct {
        int status;
        const char *body;
        enum venue_report_kind kind;
    } cases[] = {
        { 503, "Service Unavailable.", REPORT_REJECTED },
        { 503, "<html>", REPORT_OUTCOME_UNKNOWN },
        { 502, "<html>", REPORT_OUTCOME_UNKNOWN },
        { 200, "{}", REPORT_OUTCOME_UNKNOWN },
        { 404, "", REPORT_REJECTED },
    };

    ready();
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct venue_command command = place_command();
        command.transport = TRANSPORT_REST;
        send(&command);
        answer_rest(&world.requests[0], cases[i].status, cases[i].body);
        CHECK_INT(world.report_count, 1);
        CHECK_INT(world.reports[0].kind, cases[i].kind);
    }
    end();
}

static void a_change_is_made_in_place(void)
{
    struct venue_command command;

    ready();
    command = command_of(OP_REPLACE, TRANSPORT_WS);
    send(&command);
    CHECK(strstr(world.frames[0], "\"order.modify\"") != NULL);
    CHECK(strstr(world.frames[0], "\"side\":\"BUY\"") != NULL);
    answer_ws(200, "result",
              "{\"orderId\":28,\"symbol\":\"BTCUSDT\",\"status\":\"NEW\",\"clientOrderId\":"
              "\"T0000000000001\",\"price\":\"50000.10\",\"origQty\":\"1.5\",\"executedQty\":\"0\","
              "\"timeInForce\":\"GTC\",\"type\":\"LIMIT\",\"side\":\"BUY\"}");
    CHECK_STR(order_world_line(&world), "replaced!");

    send(&command); /* It is as it was asked to be. */
    answer_ws(400, "error", "{\"code\":-5027,\"msg\":\"No need to modify the order.\"}");
    CHECK_STR(order_world_line(&world), "replaced!");

    send(&command); /* The new total was executed already. */
    answer_ws(200, "result",
              "{\"orderId\":28,\"symbol\":\"BTCUSDT\",\"status\":\"CANCELED\",\"clientOrderId\":"
              "\"T0000000000001\",\"price\":\"50000.10\",\"origQty\":\"1.5\",\"executedQty\":"
              "\"1.5\",\"timeInForce\":\"GTC\",\"type\":\"LIMIT\",\"side\":\"BUY\"}");
    CHECK_STR(order_world_line(&world), "replace_lost!");

    send(&command);
    answer_ws(400, "error", "{\"code\":-2013,\"msg\":\"Order does not exist.\"}");
    CHECK_STR(order_world_line(&world), "replace_rejected!");
    send(&command); /* Spot says by this code that a replacement was half made. */
    answer_ws(400, "error", "{\"code\":-2022,\"msg\":\"ReduceOnly Order is rejected.\"}");
    CHECK_STR(order_world_line(&world), "replace_rejected!");
    send(&command);
    answer_ws(408, "error", "{\"code\":-1007,\"msg\":\"Timeout\"}");
    CHECK_STR(order_world_line(&world), "unknown!");
    end();
}

/* ---- the listen key ---- */

static void a_listen_key_is_made_kept_and_replaced(void)
{
    char url[512];

    ready();
    order_world_clear(&world);
    order_world_pass(&world, 10 * NS_PER_MS);
    const struct venue_request *made = asked("POST", "/fapi/v1/listenKey", 0);
    CHECK(made && !strchr(made->path, '?') && made->body_len == 0); /* By key alone, unsigned. */
    answer_rest(made, 200, "{\"listenKey\":\"firstKey01\"}");
    snprintf(url, sizeof(url), "%s", stream_url());
    CHECK(strstr(url, "wss://fstream.binance.com/private/ws?listenKey=firstKey01&events=ORDER_") ==
          url);
    order_world_clear(&world);
    world.ops->opened(world.state, 1, &world.clock, &world.out);
    CHECK(order_world_find(&world, REPORT_CHANNEL, 0)->is_private_stream_up);

    /* Kept after half an hour, by an answer without a key in it. */
    for (unsigned round = 0; round < 3; round++) {
        order_world_clear(&world);
        order_world_pass(&world, 1790 * NS_PER_S);
        CHECK(!asked("PUT", "/fapi/v1/listenKey", 0));
        order_world_pass(&world, 20 * NS_PER_S);
        answer_rest(asked("PUT", "/fapi/v1/listenKey", 0), 200, "{}");
        CHECK_INT(world.reconnects, 0);
    }
    CHECK_STR(stream_url(), url);

    /* A renewal: the next connection has the same key, which is asked for all the same. */
    order_world_clear(&world);
    world.ops->closed(world.state, 1, &world.clock, &world.out);
    world.ops->opened(world.state, 1, &world.clock, &world.out);
    order_world_pass(&world, 10 * NS_PER_MS);
    answer_rest(asked("POST", "/fapi/v1/listenKey", 0), 200, "{\"listenKey\":\"firstKey01\"}");
    CHECK_INT(world.reconnects, 0);
    CHECK_STR(stream_url(), url);

    /* And where that one was dead by then, what was opened with it is of no use. */
    world.ops->closed(world.state, 1, &world.clock, &world.out);
    world.ops->opened(world.state, 1, &world.clock, &world.out);
    order_world_clear(&world);
    order_world_pass(&world, 10 * NS_PER_MS);
    answer_rest(asked("POST", "/fapi/v1/listenKey", 0), 200, "{\"listenKey\":\"otherKey\"}");
    CHECK_INT(world.reconnects, 1);
    CHECK(strstr(stream_url(), "listenKey=otherKey&") != NULL);

    /* The venue does not know it any more: another one, on a connection opened anew. */
    order_world_clear(&world);
    order_world_pass(&world, 1801 * NS_PER_S);
    answer_rest(asked("PUT", "/fapi/v1/listenKey", 0), 400,
                "{\"code\":-1125,\"msg\":\"This listenKey does not exist.\"}");
    CHECK_INT(world.reconnects, 1);
    CHECK_STR(stream_url(), "");
    world.ops->closed(world.state, 1, &world.clock, &world.out);
    CHECK(!world.reports[world.report_count - 1].is_private_stream_up);

    /* Not to be had: asked for less and less often. */
    order_world_clear(&world);
    order_world_pass(&world, 10 * NS_PER_MS);
    for (unsigned i = 0; i < 40; i++) {
        const struct venue_request *again = asked("POST", "/fapi/v1/listenKey", 0);
        if (again)
            answer_rest(again, 503, "{\"code\":-1001,\"msg\":\"Internal error\"}");
        world.request_count = 0;
        order_world_pass(&world, NS_PER_S);
    }
    CHECK_STR(stream_url(), "");
    order_world_clear(&world);
    unsigned tries = 0;
    for (unsigned i = 0; i < 200 && tries == 0; i++) {
        order_world_pass(&world, NS_PER_S);
        tries += asked("POST", "/fapi/v1/listenKey", 0) != NULL;
    }
    answer_rest(asked("POST", "/fapi/v1/listenKey", 0), 200, "{\"listenKey\":\"secondKey\"}");
    CHECK(strstr(stream_url(), "listenKey=secondKey&") != NULL);
    world.ops->opened(world.state, 1, &world.clock, &world.out);

    /* Its end is told on the stream. */
    order_world_clear(&world);
    CHECK_INT(stream_frame("{\"e\":\"listenKeyExpired\",\"E\":1736996475556,\"listenKey\":"
                           "\"secondKey\"}"),
              0);
    CHECK_INT(world.reconnects, 1);
    CHECK_STR(stream_url(), "");
    end();
}

static void a_key_that_nobody_keeps_is_dead_after_an_hour(void)
{
    ready();
    order_world_clear(&world);
    order_world_pass(&world, 10 * NS_PER_MS);
    answer_rest(asked("POST", "/fapi/v1/listenKey", 0), 200, "{\"listenKey\":\"k\"}");
    world.ops->opened(world.state, 1, &world.clock, &world.out);
    world.request_err = ERR_FULL; /* Nothing can be asked. */
    for (unsigned i = 0; i < 59; i++)
        order_world_pass(&world, 60 * NS_PER_S);
    CHECK_INT(world.reconnects, 1);
    CHECK_STR(stream_url(), "");
    end();
}

/* A key that is none is accepted by the venue, and the stream is silent. */
static void a_stream_that_does_not_tell_of_an_order_is_opened_anew(void)
{
    struct venue_command command = place_command();

    ready();
    order_world_clear(&world);
    order_world_pass(&world, 10 * NS_PER_MS);
    answer_rest(asked("POST", "/fapi/v1/listenKey", 0), 200, "{\"listenKey\":\"k\"}");
    world.ops->opened(world.state, 1, &world.clock, &world.out);
    command.transport = TRANSPORT_WS;
    send(&command);
    answer_ws(200, "result",
              "{\"orderId\":28,\"symbol\":\"BTCUSDT\",\"status\":\"NEW\",\"clientOrderId\":"
              "\"T0000000000001\",\"price\":\"50000.10\",\"origQty\":\"1.5\",\"executedQty\":\"0\","
              "\"timeInForce\":\"GTC\",\"type\":\"LIMIT\",\"side\":\"BUY\"}");
    CHECK_STR(order_world_line(&world), "accepted!");
    order_world_pass(&world, 9 * NS_PER_S);
    CHECK_INT(world.reconnects, 0);
    order_world_pass(&world, 2 * NS_PER_S);
    CHECK_INT(world.reconnects, 1);
    end();
}

/* ---- figures ---- */

static void fees_and_leverage_are_asked_for(void)
{
    struct file_text commission = file_read(
        SHARED "fixtures/binance_futures/rest/futures_wallet_commission_rate_btcusdt_nt.json");
    struct file_text leverage = file_read(
        SHARED "fixtures/binance_futures/rest/usdm_account_get_symbol_configuration.json");
    struct venue_command command = command_of(OP_POSITIONS, TRANSPORT_REST);

    ready();
    answer_rest(asked("GET", "/fapi/v1/commissionRate", 0), 200, commission.text);
    const struct venue_report *definition =
        order_world_find(&world, REPORT_INSTRUMENT, world.report_count > 1 ? 1 : 0);
    CHECK(definition->definition);
    if (definition->definition) {
        CHECK_INT(definition->definition->maker_fee_ppm, 200);
        CHECK_INT(definition->definition->taker_fee_ppm, 500);
    }
    order_world_clear(&world);
    order_world_pass(&world, 10 * NS_PER_MS);
    answer_rest(asked("GET", "/fapi/v1/symbolConfig", 0), 200, leverage.text);
    send(&command);
    answer_rest(&world.requests[0], 200,
                "[{\"symbol\":\"BTCUSDT\",\"positionSide\":\"BOTH\",\"positionAmt\":\"-0.5\","
                "\"entryPrice\":\"60000.1\",\"markPrice\":\"60000.2\",\"unRealizedProfit\":\"-0.05"
                "\",\"liquidationPrice\":\"0\",\"marginAsset\":\"USDT\"}]");
    CHECK_INT(order_world_find(&world, REPORT_POSITION, 0)->leverage_ppm, 21000000);
    CHECK_INT(order_world_find(&world, REPORT_POSITION, 0)->qty, -50000000);
    free(commission.text);
    free(leverage.text);
    end();
}

static void executions_are_read_week_by_week_then_by_id(void)
{
    struct venue_command command = command_of(OP_EXECUTIONS, TRANSPORT_BEST);

    ready();
    command.since_wall_ns = world.clock.wall_ns - 10 * 86400 * NS_PER_S;
    send(&command);
    const struct venue_request *first = asked("GET", "/fapi/v1/userTrades", 0);
    CHECK(first && strstr(first->path, "startTime=1699136000000&endTime=1699740799999") != NULL);
    answer_rest(first, 200, "[]");
    order_world_pass(&world, NS_PER_MS);
    const struct venue_request *second = asked("GET", "/fapi/v1/userTrades", 1);
    CHECK(second && strstr(second->path, "startTime=1699740800000") != NULL);
    answer_rest(second, 200,
                "[{\"symbol\":\"BTCUSDT\",\"id\":41,\"orderId\":5,\"side\":\"SELL\",\"price\":"
                "\"1\",\"qty\":\"1\",\"realizedPnl\":\"-0.25\",\"commission\":\"0.1\","
                "\"commissionAsset\":\"USDT\",\"time\":1,\"buyer\":false,\"maker\":true}]");
    CHECK_INT(order_world_find(&world, REPORT_FILL, 0)->side, SIDE_SELL);
    CHECK_INT(order_world_find(&world, REPORT_FILL, 0)->liquidity, LIQUIDITY_MAKER);
    CHECK_INT(order_world_find(&world, REPORT_FILL, 0)->realised_pnl, -25000000);
    order_world_pass(&world, NS_PER_MS);
    const struct venue_request *third = asked("GET", "/fapi/v1/userTrades", 2);
    if (third) {
        CHECK(strstr(third->path, "fromId=42") != NULL && strstr(third->path, "Time=") == NULL);
        answer_rest(third, 200, "[]");
    }
    CHECK(order_world_find(&world, REPORT_DONE, 0)->request_id == 77);
    end();
}

static void server_time_gives_offset_and_round_trip(void)
{
    struct venue_command command = command_of(OP_SERVER_TIME, TRANSPORT_BEST);

    ready();
    send(&command);
    const struct venue_request *request = asked("GET", "/fapi/v1/time", 0);
    CHECK(request && request->header_count == 0);
    world.clock.now_ns += 40 * NS_PER_MS;
    world.clock.wall_ns += 40 * NS_PER_MS;
    answer_rest(request, 200, "{\"serverTime\":1700000000100}");
    CHECK_STR(order_world_line(&world), "server_time!");
    CHECK_INT(world.reports[0].offset_ns, 80 * NS_PER_MS);
    CHECK_INT(world.reports[0].rtt_ns, 40 * NS_PER_MS);
    end();
}

/* ---- limits ---- */

static void limits_are_told_and_kept(void)
{
    struct venue_header counts[] = { { "x-mbx-used-weight-1m", "400" },
                                     { "x-mbx-order-count-1m", "12" } };
    struct venue_header retry = { "retry-after", "7" };
    struct venue_command command = command_of(OP_CANCEL, TRANSPORT_REST);
    struct venue_response response = { .status = 400,
                                       .was_sent = true,
                                       .body = "{\"code\":-2011,\"msg\":\"Unknown order sent.\"}",
                                       .headers = counts,
                                       .header_count = COUNT(counts) };

    ready();
    send(&command);
    response.tag = world.requests[0].tag;
    response.body_len = strlen(response.body);
    CHECK_INT(world.ops->http(world.state, &response, &world.clock, &world.out), 0);
    CHECK_INT(order_world_find(&world, REPORT_LIMITS, 0)->used, 400);
    CHECK_INT(order_world_find(&world, REPORT_LIMITS, 0)->limit, 2400);
    CHECK_INT(order_world_find(&world, REPORT_LIMITS, 1)->used, 12);
    CHECK_STR(order_world_find(&world, REPORT_LIMITS, 1)->text, "ORDERS 1m");
    CHECK_STR(order_world_line(&world), "cancel_rejected!");

    response.status = 429;
    response.body = "{\"code\":-1003,\"msg\":\"Too many requests\"}";
    response.body_len = strlen(response.body);
    response.headers = &retry;
    response.header_count = 1;
    send(&command);
    response.tag = world.requests[0].tag;
    CHECK_INT(world.ops->http(world.state, &response, &world.clock, &world.out), 0);
    CHECK_STR(order_world_line(&world), "back_off cancel_rejected!");
    CHECK_INT(world.reports[0].until_ns, world.clock.now_ns + 7 * NS_PER_S);

    char body[200];
    snprintf(body, sizeof(body),
             "{\"code\":-1003,\"msg\":\"Way too many requests; IP banned until %lld.\"}",
             (long long)(world.clock.wall_ns / NS_PER_MS + 30000));
    send(&command);
    answer_rest(&world.requests[0], 418, body);
    CHECK_STR(order_world_line(&world), "back_off cancel_rejected!");
    CHECK_INT(world.reports[0].until_ns, world.clock.now_ns + 30 * NS_PER_S);

    /* Meanwhile nothing is asked of our own accord. */
    order_world_clear(&world);
    order_world_pass(&world, 29 * NS_PER_S);
    CHECK_INT(world.request_count, 0);
    order_world_pass(&world, 2 * NS_PER_S);
    CHECK(world.request_count > 0);
    end();
}

static void garbage_of_the_stream_is_counted_and_survived(void)
{
    ready();
    CHECK_INT(stream_frame(""), ERR_PROTO);
    CHECK_INT(stream_frame("[]"), ERR_PROTO);
    CHECK_INT(stream_frame("{\"e\":\"ORDER_TRADE_UPDATE\"}"), ERR_PROTO);
    CHECK_INT(stream_frame("{\"e\":\"ORDER_TRADE_UPDATE\",\"o\":{\"s\":5}}"), ERR_PROTO);
    CHECK_INT(stream_frame("{\"e\":\"ACCOUNT_UPDATE\",\"a\":[]}"), ERR_PROTO);
    CHECK_INT(stream_frame("{\"e\":\"EVENT_OF_TOMORROW\",\"o\":{}}"), 0);
    end();
}

int main(void)
{
    CASE(published_payloads_have_the_published_signatures);
    CASE(what_is_sent_is_signed_over_what_is_sent);
    CASE(refusals_say_whether_the_order_may_exist);
    CASE(words_without_a_code_are_told_apart);
    CASE(a_change_is_made_in_place);
    CASE(a_listen_key_is_made_kept_and_replaced);
    CASE(a_key_that_nobody_keeps_is_dead_after_an_hour);
    CASE(a_stream_that_does_not_tell_of_an_order_is_opened_anew);
    CASE(fees_and_leverage_are_asked_for);
    CASE(executions_are_read_week_by_week_then_by_id);
    CASE(server_time_gives_offset_and_round_trip);
    CASE(limits_are_told_and_kept);
    CASE(garbage_of_the_stream_is_counted_and_survived);
    DONE();
}
