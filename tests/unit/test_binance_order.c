/* The Binance order session: what each answer, refusal, silence and loss is reported as. Exactly
 * one answer ends each command. */
#include "common/pure/instrument.h"
#include "tests/unit/check.h"
#include "tests/unit/order_world.h"

extern const struct venue venue_binance;

static const char *const names[] = { "BTC-USDT", "ETH-BTC" };

static const char info[] = "{\"timezone\":\"UTC\",\"rateLimits\":[{\"rateLimitType\":\"REQUEST_"
                           "WEIGHT\",\"interval\":\"MINUTE\","
                           "\"intervalNum\":1,\"limit\":6000},{\"rateLimitType\":\"ORDERS\","
                           "\"interval\":\"SECOND\",\"intervalNum\":10,"
                           "\"limit\":100}],\"symbols\":["
                           "{\"symbol\":\"BTCUSDT\",\"status\":\"TRADING\",\"baseAsset\":\"BTC\","
                           "\"quoteAsset\":\"USDT\",\"filters\":["
                           "{\"filterType\":\"PRICE_FILTER\",\"minPrice\":\"0.01\",\"maxPrice\":"
                           "\"1000000\",\"tickSize\":\"0.01000000\"},"
                           "{\"filterType\":\"LOT_SIZE\",\"minQty\":\"0.00001\",\"maxQty\":"
                           "\"9000\",\"stepSize\":\"0.00001000\"},"
                           "{\"filterType\":\"NOTIONAL\",\"minNotional\":\"5.00000000\"}]},"
                           "{\"symbol\":\"ETHBTC\",\"status\":\"TRADING\",\"baseAsset\":\"ETH\","
                           "\"quoteAsset\":\"BTC\",\"filters\":["
                           "{\"filterType\":\"PRICE_FILTER\",\"tickSize\":\"0.00001000\"},"
                           "{\"filterType\":\"LOT_SIZE\",\"minQty\":\"0.0001\",\"maxQty\":"
                           "\"100000\",\"stepSize\":\"0.0001\"}]}]}";

static const char commission[] = "{\"symbol\":\"BTCUSDT\",\"standardCommission\":{\"maker\":\"0."
                                 "00100000\",\"taker\":\"0.00120000\",\"buyer\":"
                                 "\"0\",\"seller\":\"0\"},\"taxCommission\":{\"maker\":\"0."
                                 "00000010\",\"taker\":\"0.00000114\"},\"discount\":{}}";

static struct order_world world;

static void begin(void)
{
    const struct venue_order_config config = { .venue = "binance",
                                               .rest_url = "https://api.binance.com",
                                               .ws_url = "wss://127.0.0.1:9",
                                               .names = names,
                                               .name_count = COUNT(names),
                                               .api_key = "key",
                                               .api_secret = "secret",
                                               .maker_fee_ppm = 700,
                                               .taker_fee_ppm = 800,
                                               .recv_window_ms = 5000,
                                               .order_timeout_ns = 2 * NS_PER_S };
    CHECK_INT(order_world_begin(&world, venue_binance.order, &config), 0);
}

static void end(void)
{
    order_world_end(&world);
}

/* Instruments known, connection open, private stream up, nothing in flight. */
static void ready(void)
{
    begin();
    world.ops->start(world.state, &world.clock, &world.out);
    CHECK_INT(order_world_http(&world, world.requests[0].tag, 200, info), 0);
    for (size_t i = 1; i < 3; i++)
        CHECK_INT(order_world_http(&world, world.requests[i].tag, 404, ""), 0);
    world.ops->opened(world.state, 0, &world.clock, &world.out);
    CHECK_INT(
        order_world_frame(&world, "{\"id\":4,\"status\":200,\"result\":{\"subscriptionId\":0}}"),
        0);
    CHECK_STR(order_world_line(&world), "instrument instrument channel channel");
    CHECK(world.reports[world.report_count - 1].is_private_stream_up);
    order_world_clear(&world);
}

static struct venue_command place_command(void)
{
    return (struct venue_command){ .op = OP_PLACE,
                                   .instrument =
                                       instrument_id("binance", INSTRUMENT_SPOT, "BTCUSDT"),
                                   .request_id = 77,
                                   .side = SIDE_BUY,
                                   .type = ORDER_LIMIT,
                                   .time_in_force = TIF_GTC,
                                   .price = 5000012000000,
                                   .qty = 150000000,
                                   .price_exp = 8,
                                   .qty_exp = 8,
                                   .price_decimals = 2,
                                   .qty_decimals = 5,
                                   .client_order_id = "T0000000000001" };
}

static struct venue_command cancel_command(void)
{
    struct venue_command command = place_command();

    command.op = OP_CANCEL;
    return command;
}

static struct venue_command list_command(enum venue_op op)
{
    return (struct venue_command){ .op = op, .request_id = 78 };
}

/* The id of the i-th frame sent since the last clear. */
static long long frame_id(size_t i)
{
    return i < world.frame_count ? atoll(world.frames[i] + strlen("{\"id\":")) : -1;
}

/* Answers the i-th frame. */
static void answer(size_t i, int status, const char *member, const char *body)
{
    static char frame[16384];

    snprintf(frame, sizeof(frame), "{\"id\":%lld,\"status\":%d,\"%s\":%s}", frame_id(i), status,
             member, body);
    CHECK_INT(order_world_frame(&world, frame), 0);
}

static void result(size_t i, const char *body)
{
    answer(i, 200, "result", body);
}

static void refuse(size_t i, int status, int code, const char *text)
{
    char body[256];

    snprintf(body, sizeof(body), "{\"code\":%d,\"msg\":\"%s\"}", code, text);
    answer(i, status, "error", body);
}

static void send(const struct venue_command *command)
{
    order_world_clear(&world);
    CHECK_INT(order_world_command(&world, command), 0);
}

#define ORDER_BODY(cid, qty, done, status, tif)                                          \
    "{\"symbol\":\"BTCUSDT\",\"orderId\":28,\"orderListId\":-1,\"clientOrderId\":\"" cid \
    "\",\"transactTime\":1507725176595,\"price\":\"50000.12\",\"origQty\":\"" qty        \
    "\",\"executedQty\":\"" done "\",\"status\":\"" status "\",\"timeInForce\":\"" tif   \
    "\",\"type\":\"LIMIT\",\"side\":\"BUY\""

/* ---- start ---- */

static void instruments_and_fees_are_asked_for_at_start(void)
{
    begin();
    world.ops->start(world.state, &world.clock, &world.out);
    CHECK_INT(world.request_count, 1);
    CHECK_STR(world.requests[0].path,
              "/api/v3/exchangeInfo?symbols=%5B%22BTCUSDT%22%2C%22ETHBTC%22%5D");
    CHECK(!world.requests[0].is_private && world.requests[0].weight == 20);
    CHECK_INT(order_world_http(&world, world.requests[0].tag, 200, info), 0);
    CHECK_STR(order_world_line(&world), "instrument instrument");
    const struct wire_instrument *btc = order_world_find(&world, REPORT_INSTRUMENT, 0)->definition;
    CHECK_STR(btc->name, "BTC-USDT");
    CHECK_INT(btc->tick_size, 1000000);
    CHECK_INT(btc->lot_size, 1000);
    CHECK_INT(btc->min_qty, 1000);
    CHECK_INT(btc->max_qty, 900000000000);
    CHECK_INT(btc->min_notional, 500000000);
    CHECK_INT(btc->price_decimals, 2);
    CHECK_INT(btc->qty_decimals, 5);
    CHECK_INT(btc->price_exp, 8);
    CHECK_INT(wire_check(btc, btc->header.size), 0);
    CHECK_INT(world.request_count, 3);
    CHECK(strstr(world.requests[1].path, "/api/v3/account/commission?timestamp=") != NULL);
    order_world_clear(&world);
    CHECK_INT(order_world_http(&world, world.requests[1].tag, 200, commission), 0);
    CHECK_STR(order_world_line(&world), "instrument");
    CHECK_INT(btc->maker_fee_ppm, 1001); /* 1000.1, rounded up. */
    CHECK_INT(btc->taker_fee_ppm, 1202);
    CHECK_INT(order_world_http(&world, world.requests[2].tag, 400, "{\"code\":-1,\"msg\":\"\"}"),
              0);
    CHECK_STR(order_world_line(&world), "instrument"); /* The configuration's fee stands. */
    end();
}

static void a_name_that_is_not_the_symbol_is_looked_up_in_the_whole_list(void)
{
    begin();
    struct venue_command command = list_command(OP_INSTRUMENTS);
    CHECK_INT(order_world_command(&world, &command), 0);
    CHECK_INT(order_world_http(&world, world.requests[0].tag, 400,
                               "{\"code\":-1121,\"msg\":\"Invalid symbol.\"}"),
              0);
    CHECK_STR(order_world_line(&world), "");
    order_world_pass(&world, 100 * NS_PER_MS);
    CHECK_INT(world.request_count, 2);
    CHECK_STR(world.requests[1].path, "/api/v3/exchangeInfo?showPermissionSets=false");
    CHECK_INT(order_world_http(&world, world.requests[1].tag, 200, info), 0);
    CHECK_INT(world.request_count, 4); /* Commissions. */
    CHECK_INT(order_world_http(&world, world.requests[2].tag, 200, commission), 0);
    CHECK_INT(order_world_http(&world, world.requests[3].tag, 200, commission), 0);
    CHECK_STR(order_world_line(&world), "instrument! instrument! instrument! instrument! done!");
    end();
}

static void a_failed_start_is_tried_again(void)
{
    begin();
    world.ops->start(world.state, &world.clock, &world.out);
    CHECK_INT(order_world_http(&world, world.requests[0].tag, 503, "<html>"), 0);
    CHECK_INT(world.report_count, 0);
    order_world_pass(&world, 6 * NS_PER_S);
    CHECK_INT(world.request_count, 2);
    end();
}

/* ---- channel ---- */

static void private_stream_is_subscribed_and_subscribed_again(void)
{
    begin();
    world.ops->opened(world.state, 0, &world.clock, &world.out);
    CHECK_STR(order_world_line(&world), "channel");
    CHECK(world.reports[0].is_order_channel_up && !world.reports[0].is_private_stream_up);
    refuse(0, 400, -1021, "Timestamp for this request is outside of the recvWindow.");
    CHECK_STR(order_world_line(&world), "channel channel");
    CHECK_INT(world.reports[1].why, REASON_VENUE_TIMESTAMP);
    order_world_pass(&world, 900 * NS_PER_MS);
    CHECK_INT(world.frame_count, 1);
    order_world_pass(&world, 200 * NS_PER_MS);
    CHECK_INT(world.frame_count, 2);
    result(1, "{\"subscriptionId\":3}");
    CHECK(world.reports[2].is_private_stream_up);
    CHECK_INT(
        order_world_frame(
            &world, "{\"subscriptionId\":3,\"event\":{\"e\":\"eventStreamTerminated\",\"E\":1}}"),
        0);
    CHECK(!world.reports[3].is_private_stream_up && world.reports[3].is_order_channel_up);
    order_world_pass(&world, 100 * NS_PER_MS);
    CHECK_INT(world.frame_count, 3);
    refuse(2, 400, -2035, "User data stream is already active."); /* Then it is up. */
    CHECK(world.reports[4].is_private_stream_up);
    CHECK_INT(order_world_frame(
                  &world, "{\"id\":null,\"status\":401,\"error\":{\"code\":-2015,\"msg\":\"x\"}}"),
              0);
    CHECK(!world.reports[5].is_private_stream_up && world.reports[5].why == REASON_VENUE_AUTH);
    world.ops->closed(world.state, 0, &world.clock, &world.out);
    CHECK(!world.reports[6].is_order_channel_up);
    end();
}

static void a_subscription_without_an_answer_connects_anew(void)
{
    begin();
    world.ops->opened(world.state, 0, &world.clock, &world.out);
    order_world_pass(&world, 3 * NS_PER_S);
    CHECK_INT(world.reconnects, 1);
    end();
}

static void shutdown_of_the_server_connects_anew(void)
{
    ready();
    CHECK_INT(
        order_world_frame(&world, "{\"event\":{\"e\":\"serverShutdown\",\"E\":1770123456789}}"), 0);
    CHECK_INT(world.reconnects, 1);
    end();
}

/* ---- place ---- */

static void placed_order_is_accepted_then_filled(void)
{
    ready();
    struct venue_command command = place_command();
    send(&command);
    CHECK(strstr(world.frames[0], "\"price\":\"50000.12\",\"quantity\":\"1.50000\"") != NULL);
    CHECK(strstr(world.frames[0], "\"symbol\":\"BTCUSDT\"") != NULL);
    result(0, ORDER_BODY("T0000000000001", "1.50000", "1.50000", "FILLED",
                         "GTC") ",\"fills\":["
                                "{\"price\":\"50000.10\",\"qty\":\"1.00000\",\"commission\":\"0."
                                "001\",\"commissionAsset\":\"BTC\",\"tradeId\":56},"
                                "{\"price\":\"50000.12\",\"qty\":\"0.50000\",\"commission\":\"0."
                                "0005\",\"commissionAsset\":\"BTC\",\"tradeId\":57}]}");
    CHECK_STR(order_world_line(&world), "accepted! fill! fill!");
    const struct venue_report *accepted = &world.reports[0], *fill = &world.reports[2];
    CHECK_INT(accepted->request_id, 77);
    CHECK_STR(accepted->exchange_order_id, "28");
    CHECK_STR(accepted->client_order_id, "T0000000000001");
    CHECK_INT(accepted->cum_qty, 150000000);
    CHECK_INT(accepted->state, ORDER_FILLED);
    CHECK_STR(fill->venue_trade_id, "57");
    CHECK_INT(fill->last_price, 5000012000000);
    CHECK_INT(fill->last_qty, 50000000);
    CHECK_INT(fill->cum_qty, 150000000);
    CHECK_INT(fill->fee, 50000);
    CHECK_STR(fill->fee_asset, "BTC");
    CHECK_INT(fill->instrument, command.instrument);
    CHECK(!fill->is_from_stream);
    end();
}

static void remainder_of_an_ioc_expires_behind_its_fills(void)
{
    ready();
    struct venue_command command = place_command();
    command.time_in_force = TIF_IOC;
    send(&command);
    result(0, ORDER_BODY("T0000000000001", "1.5", "0.5", "EXPIRED",
                         "IOC") ",\"fills\":[{\"price\":\"50000\",\"qty\":"
                                "\"0.5\",\"commission\":\"0\",\"commissionAsset\":\"BTC\","
                                "\"tradeId\":9}],\"expiryReason\":"
                                "\"UNFILLED_IOC_QUANTITY_EXPIRED\"}");
    CHECK_STR(order_world_line(&world), "accepted! fill! expired");
    CHECK_INT(world.reports[2].why, REASON_NO_LIQUIDITY);
    CHECK_INT(world.reports[2].cum_qty, 50000000);
    end();
}

static void post_only_is_a_limit_maker_without_time_in_force(void)
{
    ready();
    struct venue_command command = place_command();
    command.is_post_only = true;
    send(&command);
    CHECK(strstr(world.frames[0], "\"type\":\"LIMIT_MAKER\"") != NULL);
    CHECK(strstr(world.frames[0], "timeInForce") == NULL);
    refuse(0, 400, -2010, "Order would immediately match and take.");
    CHECK_STR(order_world_line(&world), "rejected!");
    CHECK_INT(world.reports[0].why, REASON_VENUE_POST_ONLY);
    CHECK_STR(world.reports[0].text, "Order would immediately match and take.");
    CHECK_STR(world.reports[0].client_order_id, "T0000000000001");
    end();
}

/* status, code, words; what it is reported as; why. */
struct refusal_case {
    int status, code;
    const char *text;
    enum venue_report_kind kind;
    wire_reason why;
};

static void refusals_of_a_new_order_say_whether_it_may_exist(void)
{
    static const struct refusal_case cases[] = {
        { 400, -2010, "Account has insufficient balance for requested action.", REPORT_REJECTED,
          REASON_VENUE_FUNDS },
        { 400, -2010, "Duplicate order sent.", REPORT_OUTCOME_UNKNOWN, REASON_VENUE_DUPLICATE },
        { 400, -2010, "Market is closed.", REPORT_REJECTED, REASON_INSTRUMENT_NOT_TRADABLE },
        { 400, -2010, "This account may not place or cancel orders.", REPORT_REJECTED,
          REASON_PERMISSION },
        { 400, -2010, "Something new.", REPORT_REJECTED, REASON_VENUE_REJECT },
        { 400, -1013, "Filter failure: LOT_SIZE", REPORT_REJECTED, REASON_VENUE_FILTER },
        { 400, -1013, "Invalid quantity.", REPORT_REJECTED, REASON_VENUE_FILTER },
        { 400, -1021, "Timestamp", REPORT_REJECTED, REASON_VENUE_TIMESTAMP },
        { 400, -1022, "Signature for this request is not valid.", REPORT_REJECTED,
          REASON_VENUE_AUTH },
        { 401, -2015, "Invalid API-key, IP, or permissions for action.", REPORT_REJECTED,
          REASON_VENUE_AUTH },
        { 400, -1102, "Mandatory parameter", REPORT_REJECTED, REASON_MALFORMED },
        { 400, -1121, "Invalid symbol.", REPORT_REJECTED, REASON_INSTRUMENT_UNKNOWN },
        { 429, -1015, "Too many new orders; current limit is 1 orders per 10 SECOND.",
          REPORT_REJECTED, REASON_VENUE_RATE_LIMIT },
        { 400, -1006, "An unexpected response was received from the message bus.",
          REPORT_OUTCOME_UNKNOWN, REASON_UNKNOWN_OUTCOME },
        { 408, -1007, "Timeout waiting for response from backend server.", REPORT_OUTCOME_UNKNOWN,
          REASON_UNKNOWN_OUTCOME },
        { 500, -1000, "An unknown error occurred", REPORT_OUTCOME_UNKNOWN, REASON_UNKNOWN_OUTCOME },
        { 503, -1008, "Request throttled", REPORT_OUTCOME_UNKNOWN, REASON_VENUE_RATE_LIMIT },
        { 503, -2010, "Market is closed.", REPORT_OUTCOME_UNKNOWN, REASON_INSTRUMENT_NOT_TRADABLE },
        { 400, -9999, "A code of tomorrow.", REPORT_OUTCOME_UNKNOWN, REASON_UNKNOWN_OUTCOME },
    };

    ready();
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct venue_command command = place_command();
        send(&command);
        refuse(0, cases[i].status, cases[i].code, cases[i].text);
        CHECK_INT(world.report_count, 1);
        if (world.reports[0].kind != cases[i].kind || world.reports[0].why != cases[i].why)
            fprintf(stderr, "%d %s: %d %s\n", cases[i].code, cases[i].text, world.reports[0].kind,
                    wire_reason_str(world.reports[0].why));
        CHECK_INT(world.reports[0].kind, cases[i].kind);
        CHECK_INT(world.reports[0].why, cases[i].why);
        CHECK_INT(world.reports[0].request_id, 77);
        command.transport = TRANSPORT_REST; /* The same over REST. */
        send(&command);
        char body[256];
        snprintf(body, sizeof(body), "{\"code\":%d,\"msg\":\"%s\"}", cases[i].code, cases[i].text);
        CHECK_INT(order_world_http(&world, world.requests[0].tag, cases[i].status, body), 0);
        CHECK_INT(world.report_count, 1);
        CHECK_INT(world.reports[0].kind, cases[i].kind);
        CHECK_INT(world.reports[0].why, cases[i].why);
    }
    end();
}

static void answers_without_a_code_are_believed_only_where_they_are_certain(void)
{
    static const struct {
        int status;
        const char *body;
        enum venue_report_kind kind;
    } cases[] = {
        { 500, "", REPORT_OUTCOME_UNKNOWN },
        { 502, "<html>", REPORT_OUTCOME_UNKNOWN },
        { 202, "<html>", REPORT_OUTCOME_UNKNOWN },
        { 200, "<html>", REPORT_OUTCOME_UNKNOWN },
        { 200, "{}", REPORT_OUTCOME_UNKNOWN },
        { 200, "[]", REPORT_OUTCOME_UNKNOWN },
        { 404, "", REPORT_REJECTED },
        { 401, "", REPORT_REJECTED },
    };

    ready();
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct venue_command command = place_command();
        command.transport = TRANSPORT_REST;
        send(&command);
        CHECK_INT(order_world_http(&world, world.requests[0].tag, cases[i].status, cases[i].body),
                  0);
        CHECK_INT(world.report_count, 1);
        CHECK_INT(world.reports[0].kind, cases[i].kind);
    }
    end();
}

/* ---- silence and loss ---- */

static void silence_makes_the_outcome_unknown_once(void)
{
    ready();
    struct venue_command command = place_command();
    send(&command);
    order_world_pass(&world, 2 * NS_PER_S);
    CHECK_INT(world.report_count, 0);
    order_world_pass(&world, 100 * NS_PER_MS);
    CHECK_STR(order_world_line(&world), "unknown!");
    result(0, ORDER_BODY("T0000000000001", "1.5", "0", "NEW",
                         "GTC") "}"); /* Too late: asked for since. */
    order_world_pass(&world, 10 * NS_PER_S);
    CHECK_STR(order_world_line(&world), "unknown!");
    end();
}

static void a_broken_connection_makes_each_outcome_unknown(void)
{
    ready();
    struct venue_command place = place_command(), cancel = cancel_command();
    struct venue_command query = cancel_command(), rest = place_command();
    query.op = OP_QUERY;
    rest.transport = TRANSPORT_REST;
    send(&place);
    CHECK_INT(order_world_command(&world, &cancel), 0);
    CHECK_INT(order_world_command(&world, &query), 0);
    CHECK_INT(order_world_command(&world, &rest), 0);
    world.ops->closed(world.state, 0, &world.clock, &world.out);
    CHECK_STR(order_world_line(&world),
              "unknown! unknown! failed! channel"); /* REST has a way of its own. */
    CHECK_INT(world.reports[0].why, REASON_DISCONNECTED);
    CHECK_STR(world.reports[0].client_order_id, "T0000000000001");
    CHECK_STR(world.reports[2].client_order_id, "T0000000000001");
    order_world_clear(&world);
    CHECK_INT(order_world_command(&world, &place), 0); /* BEST falls back to REST. */
    CHECK_INT(world.request_count, 1);
    place.transport = TRANSPORT_WS;
    world.send_err = ERR_CLOSED;
    CHECK_INT(order_world_command(&world, &place), ERR_CLOSED);
    end();
}

static void a_request_that_never_left_is_told_apart_from_one_that_did(void)
{
    ready();
    struct venue_command command = place_command();
    struct venue_response response = { .status = 0, .was_sent = false };
    command.transport = TRANSPORT_REST;
    send(&command);
    response.tag = world.requests[0].tag;
    CHECK_INT(world.ops->http(world.state, &response, &world.clock, &world.out), 0);
    CHECK_STR(order_world_line(&world), "never_sent!");
    send(&command);
    response.tag = world.requests[0].tag;
    response.was_sent = true;
    CHECK_INT(world.ops->http(world.state, &response, &world.clock, &world.out), 0);
    CHECK_STR(order_world_line(&world), "unknown!");
    end();
}

static void the_table_of_requests_is_bounded(void)
{
    ready();
    struct venue_command command = place_command();
    unsigned sent = 0;
    while (order_world_command(&world, &command) == 0 && sent < 1000)
        sent++;
    CHECK_INT(sent, 256);
    CHECK_INT(order_world_command(&world, &command), ERR_FULL);
    CHECK_INT(world.frame_count, 256);
    world.ops->closed(world.state, 0, &world.clock, &world.out);
    CHECK_INT(world.report_count, 257); /* Each is answered, and the channel's own. */
    CHECK_INT(order_world_command(&world, &command), 0);
    end();
}

/* ---- cancel ---- */

static void cancelled_order_keeps_its_own_id(void)
{
    ready();
    struct venue_command command = cancel_command();
    send(&command);
    CHECK(strstr(world.frames[0], "\"origClientOrderId\":\"T0000000000001\"") != NULL);
    result(0, ORDER_BODY("cancelReq1", "1.5", "0.25", "CANCELED",
                         "GTC") ",\"origClientOrderId\":\"T0000000000001\"}");
    CHECK_STR(order_world_line(&world), "cancelled!");
    CHECK_STR(world.reports[0].client_order_id, "T0000000000001");
    CHECK_INT(world.reports[0].cum_qty, 25000000);
    snprintf(command.exchange_order_id, sizeof(command.exchange_order_id), "28");
    send(&command);
    CHECK(strstr(world.frames[0], "\"orderId\":28,") != NULL);
    CHECK(strstr(world.frames[0], "origClientOrderId") == NULL);
    refuse(0, 400, -2011, "Unknown order sent.");
    CHECK_STR(order_world_line(&world), "cancel_rejected!");
    CHECK_INT(world.reports[0].why, REASON_VENUE_UNKNOWN_ORDER);
    end();
}

static void the_stream_tells_a_cancel_by_the_orders_own_id(void)
{
    ready();
    CHECK_INT(order_world_frame(&world, "{\"subscriptionId\":0,\"event\":{\"e\":"
                                        "\"executionReport\",\"E\":1709654402000,\"s\":\"BTCUSDT\","
                                        "\"c\":\"cancelReq1\",\"S\":\"BUY\",\"o\":\"LIMIT\",\"f\":"
                                        "\"GTC\",\"q\":\"1.5\",\"p\":\"50000.12\","
                                        "\"C\":\"T0000000000001\",\"x\":\"CANCELED\",\"X\":"
                                        "\"CANCELED\",\"r\":\"NONE\",\"i\":28,\"l\":\"0\","
                                        "\"z\":\"0.25\",\"L\":\"0\",\"n\":\"0\",\"N\":null,\"T\":"
                                        "1709654402000,\"t\":-1,\"I\":8641986,"
                                        "\"w\":false,\"m\":false}}"),
              0);
    CHECK_STR(order_world_line(&world), "cancelled");
    CHECK_STR(world.reports[0].client_order_id, "T0000000000001");
    CHECK(world.reports[0].is_from_stream);
    CHECK_INT(world.reports[0].cum_qty, 25000000);
    CHECK_INT(world.reports[0].instrument, instrument_id("binance", INSTRUMENT_SPOT, "BTCUSDT"));
    end();
}

static void cancel_all_asks_each_symbol_and_nothing_open_is_success(void)
{
    ready();
    struct venue_command command = list_command(OP_CANCEL_ALL);
    send(&command);
    CHECK_INT(world.frame_count, 2);
    refuse(1, 400, -2011, "Unknown order sent.");
    CHECK_STR(order_world_line(&world), "");
    result(0, "[" ORDER_BODY("x", "1.5", "0", "CANCELED",
                             "GTC") ",\"origClientOrderId\":\"T1\"},"
                                    "{\"orderListId\":1,\"orderReports\":[" ORDER_BODY(
                                        "y", "2", "0", "CANCELED",
                                        "GTC") ",\"origClientOrderId\":\"T2\"}]}]");
    CHECK_STR(order_world_line(&world), "cancelled cancelled done!");
    CHECK_STR(world.reports[1].client_order_id, "T2");
    send(&command);
    refuse(0, 400, -2011, "Unknown order sent.");
    refuse(1, 500, -1000, "");
    CHECK_STR(order_world_line(&world), "failed!");
    end();
}

static void cancel_all_without_instruments_says_so(void)
{
    begin();
    struct venue_command command = list_command(OP_CANCEL_ALL);
    CHECK_INT(order_world_command(&world, &command), ERR_AGAIN);
    snprintf(command.symbol, sizeof(command.symbol), "BTCUSDT");
    CHECK_INT(order_world_command(&world, &command), 0);
    CHECK_INT(world.request_count, 1);
    end();
}

/* ---- replace ---- */

static struct venue_command replace_command(int64_t filled)
{
    struct venue_command command = place_command();

    command.op = OP_REPLACE;
    command.filled_qty = filled;
    snprintf(command.new_client_order_id, sizeof(command.new_client_order_id), "T0000000000002");
    return command;
}

static void unfilled_order_is_replaced_in_one_request_that_a_fill_makes_fail(void)
{
    ready();
    struct venue_command command = replace_command(0);
    send(&command);
    CHECK(strstr(world.frames[0], "order.cancelReplace") != NULL);
    CHECK(strstr(world.frames[0], "\"cancelRestrictions\":\"ONLY_NEW\"") != NULL);
    result(0, "{\"cancelResult\":\"SUCCESS\",\"newOrderResult\":\"SUCCESS\",\"cancelResponse\":{},"
              "\"newOrderResponse\":" ORDER_BODY("T0000000000002", "1.5", "0", "NEW",
                                                 "GTC") ",\"fills\":[]}}");
    CHECK_STR(order_world_line(&world), "replaced!");
    CHECK_STR(world.reports[0].client_order_id, "T0000000000002");
    CHECK_STR(world.reports[0].exchange_order_id, "28");

    send(&command);
    answer(0, 400, "error",
           "{\"code\":-2022,\"msg\":\"Order cancel-replace "
           "failed.\",\"data\":{\"cancelResult\":\"FAILURE\","
           "\"newOrderResult\":\"NOT_ATTEMPTED\",\"cancelResponse\":{\"code\":-2011,\"msg\":"
           "\"Order was not canceled "
           "due to cancel restrictions.\"},\"newOrderResponse\":null}}");
    CHECK_STR(order_world_line(&world), "replace_rejected!");
    CHECK_INT(world.reports[0].why, REASON_VENUE_REJECT);

    send(&command);
    answer(0, 409, "error",
           "{\"code\":-2021,\"msg\":\"Order cancel-replace partially "
           "failed.\",\"data\":{\"cancelResult\":\"SUCCESS\","
           "\"newOrderResult\":\"FAILURE\",\"cancelResponse\":{},\"newOrderResponse\":{\"code\":-"
           "2010,\"msg\":"
           "\"Account has insufficient balance for requested action.\"}}}");
    CHECK_STR(order_world_line(&world), "replace_lost!");
    CHECK_INT(world.reports[0].why, REASON_VENUE_FUNDS);

    send(&command);
    answer(0, 409, "error",
           "{\"code\":-2021,\"msg\":\"\",\"data\":{\"cancelResult\":\"SUCCESS\",\"newOrderResult\":"
           "\"FAILURE\","
           "\"newOrderResponse\":{\"code\":-1007,\"msg\":\"Timeout\"}}}");
    CHECK_STR(order_world_line(&world), "unknown!");

    send(&command);
    refuse(0, 429, -1015, "Too many new orders");
    CHECK_STR(order_world_line(&world), "replace_rejected!");
    end();
}

static void a_reduction_is_amended_and_keeps_its_id(void)
{
    ready();
    struct venue_command command = replace_command(0);
    command.is_reduction = true;
    command.qty = 120000000;
    send(&command);
    CHECK(strstr(world.frames[0], "\"order.amend.keepPriority\"") != NULL);
    CHECK(strstr(world.frames[0], "\"newClientOrderId\":\"T0000000000001\"") != NULL);
    CHECK(strstr(world.frames[0], "\"newQty\":\"1.20000\"") != NULL);
    result(0,
           "{\"transactTime\":1741926410255,\"executionId\":75,\"amendedOrder\":{\"symbol\":"
           "\"BTCUSDT\",\"orderId\":28,\"orderListId\":-1,\"origClientOrderId\":"
           "\"T0000000000001\",\"clientOrderId\":\"T0000000000001\",\"price\":\"100.00\",\"qty\":"
           "\"1.20000\",\"executedQty\":\"0.30000\",\"preventedQty\":\"0.00000\","
           "\"quoteOrderQty\":\"0.00000\",\"cumulativeQuoteQty\":\"30.0\",\"status\":"
           "\"PARTIALLY_FILLED\",\"timeInForce\":\"GTC\",\"type\":\"LIMIT\",\"side\":\"BUY\","
           "\"workingTime\":1741926410242,\"selfTradePreventionMode\":\"NONE\"}}");
    CHECK_STR(order_world_line(&world), "replaced!");
    CHECK_STR(world.reports[0].client_order_id, "T0000000000001");
    CHECK_INT(world.reports[0].qty, 120000000);
    CHECK_INT(world.reports[0].cum_qty, 30000000);
    send(&command);
    answer(0, 400, "error",
           "{\"code\":-2038,\"msg\":\"The requested action would change no state; rejecting\"}");
    CHECK_STR(order_world_line(&world), "replace_rejected!");
    command.client_order_id[0] = '\0'; /* The venue would make up a new id. */
    CHECK(order_world_command(&world, &command) == ERR_RANGE);
    end();
}

static void partly_filled_order_is_cancelled_first_and_only_the_rest_ordered(void)
{
    ready();
    struct venue_command command = replace_command(50000000); /* 0.5 of 1.5, as far as we know. */
    send(&command);
    CHECK(strstr(world.frames[0], "\"order.cancel\"") != NULL);
    /* Meanwhile 0.9 were filled. */
    result(0, ORDER_BODY("c", "1.2", "0.9", "CANCELED",
                         "GTC") ",\"origClientOrderId\":\"T0000000000001\"}");
    CHECK_STR(order_world_line(&world), "");
    CHECK_INT(world.frame_count, 2);
    CHECK(strstr(world.frames[1], "\"quantity\":\"0.60000\"") != NULL);
    CHECK(strstr(world.frames[1], "\"newClientOrderId\":\"T0000000000002\"") != NULL);
    result(1, ORDER_BODY("T0000000000002", "0.6", "0", "NEW", "GTC") "}");
    CHECK_STR(order_world_line(&world), "replaced!");
    CHECK_STR(world.reports[0].client_order_id, "T0000000000002");

    send(&command); /* All of it was filled before the cancel: nothing is left to order. */
    result(0, ORDER_BODY("c", "1.6", "1.5", "CANCELED",
                         "GTC") ",\"origClientOrderId\":\"T0000000000001\"}");
    CHECK_INT(world.frame_count, 1);
    CHECK_STR(order_world_line(&world), "replace_lost!");
    CHECK_INT(world.reports[0].why, REASON_ORDER_FINAL);

    send(&command);
    refuse(0, 400, -2011, "Unknown order sent.");
    CHECK_STR(order_world_line(&world), "replace_rejected!");

    send(&command);
    result(0, ORDER_BODY("c", "1.2", "0.9", "CANCELED", "GTC") "}");
    refuse(1, 400, -2010, "Account has insufficient balance for requested action.");
    CHECK_STR(order_world_line(&world), "replace_lost!");

    send(&command);
    result(0, ORDER_BODY("c", "1.2", "0.9", "CANCELED", "GTC") "}");
    world.ops->closed(world.state, 0, &world.clock, &world.out);
    CHECK_STR(order_world_line(&world), "unknown! channel");

    command.new_client_order_id[0] =
        '.'; /* Nothing is cancelled for an order that cannot be written. */
    order_world_clear(&world);
    CHECK_INT(order_world_command(&world, &command), ERR_RANGE);
    CHECK_INT(world.frame_count + world.request_count, 0);
    end();
}

/* ---- questions ---- */

static void query_tells_the_order_or_that_there_is_none(void)
{
    ready();
    struct venue_command command = cancel_command();
    command.op = OP_QUERY;
    send(&command);
    result(0, ORDER_BODY("T0000000000001", "1.5", "0.25", "PARTIALLY_FILLED", "GTC") "}");
    CHECK_STR(order_world_line(&world), "order!");
    CHECK_INT(world.reports[0].state, ORDER_PARTIALLY_FILLED);
    CHECK_INT(world.reports[0].cum_qty, 25000000);
    send(&command);
    refuse(0, 400, -2013, "Order does not exist.");
    CHECK_STR(order_world_line(&world), "no_such_order!");
    CHECK_STR(world.reports[0].client_order_id, "T0000000000001");
    send(&command);
    refuse(0, 500, -1000, "");
    CHECK_STR(order_world_line(&world), "failed!");
    send(&command);
    result(0, ORDER_BODY("T0000000000001", "1.5", "0.25", "A_STATE_OF_TOMORROW", "GTC") "}");
    CHECK_STR(order_world_line(&world), "failed!");
    end();
}

static void balances_are_told_where_there_is_something_or_it_is_traded(void)
{
    ready();
    struct venue_command command = list_command(OP_BALANCES);
    send(&command);
    result(0, "{\"updateTime\":1660801833000,\"balances\":[{\"asset\":\"BNB\",\"free\":\"0."
              "00000000\",\"locked\":\"0\"},"
              "{\"asset\":\"BTC\",\"free\":\"1.3447112\",\"locked\":\"0.08600000\"},"
              "{\"asset\":\"USDT\",\"free\":\"0\",\"locked\":\"0\"},"
              "{\"asset\":\"SHIB\",\"free\":\"999999999999999\",\"locked\":\"0\"}]}");
    CHECK_STR(order_world_line(&world), "balance! balance! done!");
    CHECK_STR(world.reports[0].asset, "BTC");
    CHECK_INT(world.reports[0].total, 143071120);
    CHECK_STR(world.reports[1].asset, "USDT");
    CHECK_INT(world.notes, 1); /* More SHIB than 64 bits hold at 8 decimals. */
    end();
}

static void executions_are_read_page_by_page_for_each_symbol(void)
{
    static char page[200000];
    ready();
    struct venue_command command = list_command(OP_EXECUTIONS);
    size_t at = 0;
    command.since_wall_ns = 1699990000000 * NS_PER_MS; /* Less than a day ago. */
    send(&command);
    CHECK_INT(world.frame_count, 2);
    CHECK(strstr(world.frames[0], "\"startTime\":1699990000000") != NULL);
    CHECK(strstr(world.frames[0], "endTime") == NULL);
    CHECK(strstr(world.frames[0], "\"limit\":1000") != NULL);
    page[at++] = '[';
    for (unsigned i = 0; i < 1000; i++)
        at += (size_t)snprintf(
            page + at, sizeof(page) - at,
            "%s{\"symbol\":\"BTCUSDT\",\"id\":%u,\"orderId\":5,\"price\":\"1\",\"qty\":\"1\","
            "\"commission\":"
            "\"0\",\"commissionAsset\":\"BNB\",\"time\":1,\"isBuyer\":true,\"isMaker\":false}",
            i ? "," : "", 4000 + i);
    snprintf(page + at, sizeof(page) - at, "]");
    static char frame[220000];
    snprintf(frame, sizeof(frame), "{\"id\":%lld,\"status\":200,\"result\":%s}", frame_id(0), page);
    CHECK_INT(order_world_frame(&world, frame), 0);
    CHECK_INT(world.report_count, 1000);
    CHECK_STR(world.reports[0].venue_trade_id, "4000");
    CHECK_INT(world.reports[0].request_id, 78);
    result(1, "[]");
    CHECK_INT(world.report_count, 1000);
    order_world_pass(&world, 100 * NS_PER_MS);
    CHECK_INT(world.frame_count, 3);
    CHECK(strstr(world.frames[2], "\"fromId\":5000") != NULL);
    CHECK(strstr(world.frames[2], "startTime") == NULL);
    world.report_count = 0;
    result(2, "[{\"symbol\":\"BTCUSDT\",\"id\":5000,\"orderId\":5,\"price\":\"1\",\"qty\":\"1\","
              "\"commission\":\"0.1\","
              "\"commissionAsset\":\"BNB\",\"time\":1,\"isBuyer\":false,\"isMaker\":true}]");
    CHECK_STR(order_world_line(&world), "fill! done!");
    CHECK_INT(world.reports[0].side, SIDE_SELL);
    CHECK_INT(world.reports[0].liquidity, LIQUIDITY_MAKER);
    end();
}

static void executions_of_long_ago_are_read_day_by_day(void)
{
    ready();
    struct venue_command command = list_command(OP_EXECUTIONS);
    snprintf(command.symbol, sizeof(command.symbol), "BTCUSDT");
    command.since_wall_ns = 1699800000000 * NS_PER_MS; /* 2.3 days. */
    send(&command);
    CHECK(strstr(world.frames[0], "\"endTime\":1699886399999") != NULL);
    CHECK(strstr(world.frames[0], "\"startTime\":1699800000000") != NULL);
    result(0, "[]");
    CHECK_STR(order_world_line(&world), "");
    order_world_pass(&world, NS_PER_MS);
    CHECK(strstr(world.frames[1], "\"startTime\":1699886400000") != NULL);
    CHECK(strstr(world.frames[1], "\"endTime\":1699972799999") != NULL);
    result(1, "[{\"symbol\":\"BTCUSDT\",\"id\":41,\"orderId\":5,\"price\":\"1\",\"qty\":\"1\","
              "\"commission\":\"0.1\",\"commissionAsset\":\"BNB\",\"time\":1,\"isBuyer\":false,"
              "\"isMaker\":true}]");
    order_world_pass(&world, NS_PER_MS);
    CHECK(strstr(world.frames[2], "\"fromId\":42") != NULL); /* From here on by id, to the end. */
    CHECK(strstr(world.frames[2], "Time") == NULL);
    result(2, "[]");
    CHECK_STR(order_world_line(&world), "fill! done!");

    send(&command); /* Nothing at all: the last, open window ends it. */
    for (size_t i = 0; i < 3; i++) {
        result(i, "[]");
        order_world_pass(&world, NS_PER_MS);
    }
    CHECK_INT(world.frame_count, 3);
    CHECK(strstr(world.frames[2], "endTime") == NULL);
    CHECK_STR(order_world_line(&world), "done!");
    end();
}

static void a_page_that_cannot_be_had_fails_the_command_once(void)
{
    ready();
    struct venue_command command = list_command(OP_EXECUTIONS);
    send(&command);
    world.ops->closed(world.state, 0, &world.clock, &world.out);
    CHECK_STR(order_world_line(&world), "failed! channel");
    CHECK_INT(world.reports[0].request_id, 78);
    end();
}

static void server_time_gives_offset_and_round_trip(void)
{
    ready();
    struct venue_command command = list_command(OP_SERVER_TIME);
    send(&command);
    CHECK(strstr(world.frames[0], "\"method\":\"time\"}") != NULL);
    world.clock.now_ns += 40 * NS_PER_MS;
    world.clock.wall_ns += 40 * NS_PER_MS;
    result(
        0,
        "{\"serverTime\":1700000000100}"); /* Sent at ..000, back at ..040: we are 80 ms behind. */
    CHECK_STR(order_world_line(&world), "server_time!");
    CHECK_INT(world.reports[0].offset_ns, 80 * NS_PER_MS);
    CHECK_INT(world.reports[0].rtt_ns, 40 * NS_PER_MS);
    end();
}

/* ---- limits ---- */

static void what_the_venue_counts_is_reported_when_it_changes(void)
{
    ready();
    struct venue_command command = place_command();
    send(&command);
    char frame[1024];
    snprintf(frame, sizeof(frame),
             "{\"id\":%lld,\"status\":200,\"result\":{\"symbol\":\"BTCUSDT\",\"orderId\":1,"
             "\"clientOrderId\":\"a\"},\"rateLimits\":["
             "{\"rateLimitType\":\"ORDERS\",\"interval\":\"SECOND\",\"intervalNum\":10,\"limit\":"
             "100,\"count\":12},"
             "{\"rateLimitType\":\"REQUEST_WEIGHT\",\"interval\":\"MINUTE\",\"intervalNum\":1,"
             "\"limit\":6000,\"count\":321}]}",
             frame_id(0));
    CHECK_INT(order_world_frame(&world, frame), 0);
    CHECK_INT(world.report_count, 3);
    CHECK_STR(order_world_find(&world, REPORT_LIMITS, 0)->text, "ORDERS 10s");
    CHECK_INT(order_world_find(&world, REPORT_LIMITS, 0)->used, 12);
    CHECK_INT(order_world_find(&world, REPORT_LIMITS, 0)->limit, 100);
    CHECK_INT(order_world_find(&world, REPORT_LIMITS, 1)->used, 321);
    CHECK_STR(order_world_line(&world),
              "accepted!"); /* A bare acknowledgement says less, and enough. */
    CHECK_INT(world.reports[2].cum_qty, -1);

    struct venue_header headers[] = { { "x-mbx-used-weight-1m", "400" },
                                      { "x-mbx-order-count-10s", "12" } };
    struct venue_response response = { .status = 200,
                                       .was_sent = true,
                                       .body = "{\"serverTime\":1}",
                                       .body_len = 16,
                                       .headers = headers,
                                       .header_count = COUNT(headers) };
    command = list_command(OP_SERVER_TIME);
    command.transport = TRANSPORT_REST;
    send(&command);
    response.tag = world.requests[0].tag;
    CHECK_INT(world.ops->http(world.state, &response, &world.clock, &world.out), 0);
    CHECK_INT(world.report_count, 2);
    CHECK_INT(order_world_find(&world, REPORT_LIMITS, 0)->used, 400);
    CHECK_INT(order_world_find(&world, REPORT_LIMITS, 0)->limit, 6000);
    end();
}

static void limits_reached_say_until_when(void)
{
    ready();
    struct venue_command command = cancel_command();
    command.transport = TRANSPORT_REST;
    struct venue_header header = { "retry-after", "7" };
    struct venue_response response = { .status = 429,
                                       .was_sent = true,
                                       .body = "{\"code\":-1003,\"msg\":\"Too many requests\"}",
                                       .headers = &header,
                                       .header_count = 1 };
    response.body_len = strlen(response.body);
    send(&command);
    response.tag = world.requests[0].tag;
    CHECK_INT(world.ops->http(world.state, &response, &world.clock, &world.out), 0);
    CHECK_STR(order_world_line(&world), "back_off cancel_rejected!");
    CHECK_INT(world.reports[0].until_ns, world.clock.now_ns + 7 * NS_PER_S);
    CHECK_INT(world.reports[1].why, REASON_VENUE_RATE_LIMIT);

    command.transport = TRANSPORT_WS;
    send(&command);
    char body[256];
    snprintf(body, sizeof(body),
             "{\"code\":-1003,\"msg\":\"Way too much request weight "
             "used\",\"data\":{\"serverTime\":1,\"retryAfter\":%lld}}",
             (long long)(world.clock.wall_ns / NS_PER_MS + 90000));
    answer(0, 418, "error", body);
    CHECK_STR(order_world_line(&world), "back_off cancel_rejected!");
    CHECK_INT(world.reports[0].until_ns, world.clock.now_ns + 90 * NS_PER_S);

    send(&command);
    snprintf(body, sizeof(body),
             "{\"code\":-1003,\"msg\":\"Way too much request weight used; IP banned until %lld. "
             "Please\"}",
             (long long)(world.clock.wall_ns / NS_PER_MS + 30000));
    answer(0, 418, "error", body);
    CHECK_INT(world.reports[0].until_ns, world.clock.now_ns + 30 * NS_PER_S);

    send(&command);
    refuse(0, 403, 0, "");
    CHECK_STR(order_world_line(&world), "back_off cancel_rejected!");
    end();
}

static void garbage_is_counted_and_survived(void)
{
    ready();
    CHECK_INT(order_world_frame(&world, ""), ERR_PROTO);
    CHECK_INT(order_world_frame(&world, "[]"), ERR_PROTO);
    CHECK_INT(order_world_frame(&world, "{\"id\":1}"), ERR_PROTO);
    CHECK_INT(order_world_frame(&world, "{\"status\":\"x\",\"id\":1}"), ERR_PROTO);
    CHECK_INT(order_world_frame(&world, "{\"event\":{\"e\":\"executionReport\"}}"), ERR_PROTO);
    CHECK_INT(order_world_frame(&world, "{\"event\":{\"e\":\"outboundAccountPosition\",\"B\":{}}}"),
              ERR_PROTO);
    CHECK_INT(order_world_frame(&world, "{\"event\":{\"e\":\"tomorrow\"}}"), 0);
    CHECK_INT(order_world_frame(&world, "{\"id\":999,\"status\":200,\"result\":{}}"), 0);
    CHECK_INT(world.report_count, 0);
    end();
}

int main(void)
{
    CASE(instruments_and_fees_are_asked_for_at_start);
    CASE(a_name_that_is_not_the_symbol_is_looked_up_in_the_whole_list);
    CASE(a_failed_start_is_tried_again);
    CASE(private_stream_is_subscribed_and_subscribed_again);
    CASE(a_subscription_without_an_answer_connects_anew);
    CASE(shutdown_of_the_server_connects_anew);
    CASE(placed_order_is_accepted_then_filled);
    CASE(remainder_of_an_ioc_expires_behind_its_fills);
    CASE(post_only_is_a_limit_maker_without_time_in_force);
    CASE(refusals_of_a_new_order_say_whether_it_may_exist);
    CASE(answers_without_a_code_are_believed_only_where_they_are_certain);
    CASE(silence_makes_the_outcome_unknown_once);
    CASE(a_broken_connection_makes_each_outcome_unknown);
    CASE(a_request_that_never_left_is_told_apart_from_one_that_did);
    CASE(the_table_of_requests_is_bounded);
    CASE(cancelled_order_keeps_its_own_id);
    CASE(the_stream_tells_a_cancel_by_the_orders_own_id);
    CASE(cancel_all_asks_each_symbol_and_nothing_open_is_success);
    CASE(cancel_all_without_instruments_says_so);
    CASE(unfilled_order_is_replaced_in_one_request_that_a_fill_makes_fail);
    CASE(a_reduction_is_amended_and_keeps_its_id);
    CASE(partly_filled_order_is_cancelled_first_and_only_the_rest_ordered);
    CASE(query_tells_the_order_or_that_there_is_none);
    CASE(balances_are_told_where_there_is_something_or_it_is_traded);
    CASE(executions_are_read_page_by_page_for_each_symbol);
    CASE(executions_of_long_ago_are_read_day_by_day);
    CASE(a_page_that_cannot_be_had_fails_the_command_once);
    CASE(server_time_gives_offset_and_round_trip);
    CASE(what_the_venue_counts_is_reported_when_it_changes);
    CASE(limits_reached_say_until_when);
    CASE(garbage_is_counted_and_survived);
    DONE();
}
