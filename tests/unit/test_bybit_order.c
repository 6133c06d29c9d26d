/* The Bybit order codec: signatures of the published vectors, what is sent, the two connections,
 * and what each acknowledgement, refusal and silence is reported as. */
#include "tests/proof.h"
#include "tests/unit/check.h"
#include "tests/unit/order_world.h"
#include "venues/bybit/order.h"

extern const struct venue venue_bybit;

#define KEY    "TESTKEY0123456789"
#define SECRET "TESTSECRET0123456789abcdefghijklmnop"
#define OK_ACK "{\"orderId\":\"o-1\",\"orderLinkId\":\"link-1\"}"

static const struct venue_order_config config = {
    .venue = "bybit",
    .rest_url = "https://api.bybit.com",
    .ws_url = "wss://stream.bybit.com",
    .names = (const char *const[]){ "BTC-USDT", "BTC-USDT-PERP" },
    .name_count = 2,
    .api_key = KEY,
    .api_secret = SECRET,
    .recv_window_ms = 5000,
    .order_timeout_ns = 3 * NS_PER_S,
};

static const char spot_list[] =
    "{\"retCode\":0,\"retMsg\":\"OK\",\"result\":{\"category\":\"spot\",\"list\":[{\"symbol\":"
    "\"BTCUSDT\",\"baseCoin\":\"BTC\",\"quoteCoin\":\"USDT\",\"status\":\"Trading\","
    "\"lotSizeFilter\":{\"basePrecision\":\"0.000001\",\"quotePrecision\":\"0.00000001\","
    "\"minOrderAmt\":\"5\",\"maxLimitOrderQty\":\"71.73956243\"},\"priceFilter\":{\"tickSize\":"
    "\"0.01\"}}]},\"retExtInfo\":{},\"time\":1700000000000}";

static const char linear_list[] =
    "{\"retCode\":0,\"retMsg\":\"OK\",\"result\":{\"category\":\"linear\",\"list\":[{\"symbol\":"
    "\"BTCUSDT\",\"contractType\":\"LinearPerpetual\",\"status\":\"Trading\",\"baseCoin\":\"BTC\","
    "\"quoteCoin\":\"USDT\",\"settleCoin\":\"USDT\",\"fundingInterval\":480,\"priceFilter\":{"
    "\"tickSize\":\"0.10\"},\"lotSizeFilter\":{\"qtyStep\":\"0.001\",\"minOrderQty\":\"0.001\","
    "\"maxOrderQty\":\"1190.000\",\"minNotionalValue\":\"5\"}}],\"nextPageCursor\":\"\"},"
    "\"retExtInfo\":{},\"time\":1700000000000}";

static const struct venue_request *last_request(const struct order_world *world)
{
    static const struct venue_request none = { .method = "" };

    return world->request_count ? &world->requests[(world->request_count - 1) % WORLD_SENT] : &none;
}

static const char *last_frame(const struct order_world *world)
{
    return world->frame_count ? world->frames[(world->frame_count - 1) % WORLD_SENT] : "";
}

static int frame(struct order_world *world, unsigned connection, const char *text)
{
    return world->ops->frame(world->state, connection, text, strlen(text), &world->clock,
                             &world->out);
}

static int http(struct order_world *world, const char *body)
{
    return order_world_http(world, last_request(world)->tag, 200, body);
}

static const char *last_order(const struct order_world *world)
{
    for (size_t i = MIN(world->frame_count, WORLD_SENT); i > 0; i--)
        if (strstr(world->frames[i - 1], "\"op\":\"order."))
            return world->frames[i - 1];
    return "";
}

/* What the last frame about an order is answered with. */
static int answer(struct order_world *world, const char *op, int code, const char *text,
                  const char *data)
{
    char frame_text[512], id[32] = "";

    CHECK_INT(sscanf(last_order(world), "{\"reqId\":\"%31[0-9]", id), 1);
    snprintf(frame_text, sizeof(frame_text),
             "{\"reqId\":\"%s\",\"retCode\":%d,\"retMsg\":\"%s\",\"op\":\"%s\",\"data\":%s,"
             "\"header\":{\"Timenow\":\"1700000000000\",\"X-Bapi-Limit\":\"10\","
             "\"X-Bapi-Limit-Status\":\"9\",\"X-Bapi-Limit-Reset-Timestamp\":\"1700000000500\"},"
             "\"connId\":\"c\"}",
             id, code, text, op, data);
    return frame(world, BYBIT_CONN_TRADE, frame_text);
}

/* The order stream says so. */
static int stream(struct order_world *world, const char *status, const char *price, const char *qty,
                  const char *filled, const char *cancel, const char *reject)
{
    char text[1024];

    snprintf(text, sizeof(text),
             "{\"id\":\"1\",\"topic\":\"order\",\"creationTime\":1700000000100,\"data\":[{"
             "\"category\":\"linear\",\"symbol\":\"BTCUSDT\",\"orderId\":\"o-1\",\"orderLinkId\":"
             "\"link-1\",\"side\":\"Buy\",\"price\":\"%s\",\"qty\":\"%s\",\"orderType\":\"Limit\","
             "\"timeInForce\":\"GTC\",\"orderStatus\":\"%s\",\"cumExecQty\":\"%s\",\"cancelType\":"
             "\"%s\",\"rejectReason\":\"%s\",\"reduceOnly\":false,\"createType\":\"CreateByUser\","
             "\"positionIdx\":0,\"createdTime\":\"1700000000090\",\"updatedTime\":"
             "\"1700000000095\"}]}",
             price, qty, status, filled, cancel, reject);
    return frame(world, BYBIT_CONN_PRIVATE, text);
}

static int news(struct order_world *world, const char *status)
{
    return stream(world, status, "30000.50", "0.001", "0.000", "UNKNOWN", "EC_NoError");
}

static void begin(struct order_world *world)
{
    CHECK(order_world_begin(world, venue_bybit.order, &config) == 0);
}

/* Instruments known, both connections logged in, private topics acknowledged. */
static void begin_up(struct order_world *world)
{
    begin(world);
    world->ops->start(world->state, &world->clock, &world->out);
    CHECK_INT(world->request_count, 2);
    CHECK_INT(order_world_http(world, world->requests[0].tag, 200, spot_list), 0);
    CHECK_INT(order_world_http(world, world->requests[1].tag, 200, linear_list), 0);
    CHECK_STR(order_world_line(world), "instrument instrument");
    world->ops->opened(world->state, BYBIT_CONN_PRIVATE, &world->clock, &world->out);
    world->ops->opened(world->state, BYBIT_CONN_TRADE, &world->clock, &world->out);
    CHECK_INT(frame(world, BYBIT_CONN_PRIVATE,
                    "{\"success\":true,\"ret_msg\":\"\",\"op\":\"auth\",\"conn_id\":\"p\"}"),
              0);
    CHECK_INT(frame(world, BYBIT_CONN_TRADE,
                    "{\"reqId\":\"login\",\"retCode\":0,\"retMsg\":\"OK\",\"op\":\"auth\","
                    "\"connId\":\"t\"}"),
              0);
    CHECK_INT(frame(world, BYBIT_CONN_PRIVATE,
                    "{\"success\":true,\"ret_msg\":\"\",\"op\":\"subscribe\",\"req_id\":"
                    "\"private\",\"conn_id\":\"p\"}"),
              0);
    order_world_clear(world);
}

static struct venue_command place(void)
{
    return (struct venue_command){ .op = OP_PLACE,
                                   .symbol = "BTCUSDT",
                                   .instrument_kind = INSTRUMENT_PERPETUAL,
                                   .request_id = 77,
                                   .side = SIDE_BUY,
                                   .type = ORDER_LIMIT,
                                   .time_in_force = TIF_GTC,
                                   .price = 3000050,
                                   .price_exp = 2,
                                   .price_decimals = 2,
                                   .qty = 1,
                                   .qty_exp = 3,
                                   .qty_decimals = 3,
                                   .client_order_id = "link-1" };
}

static struct venue_command about(enum venue_op op)
{
    struct venue_command command = place();

    command.op = op;
    command.request_id = 78;
    snprintf(command.exchange_order_id, sizeof(command.exchange_order_id), "o-1");
    return command;
}

/* An order that the venue has on its book. */
static void begin_placed(struct order_world *world)
{
    struct venue_command command = place();

    begin_up(world);
    CHECK_INT(order_world_command(world, &command), 0);
    CHECK_INT(answer(world, "order.create", 0, "OK", OK_ACK), 0);
    CHECK_INT(news(world, "New"), 0);
    CHECK_STR(order_world_line(world), "accepted!");
    order_world_clear(world);
}

/* ---- signatures ---- */

static const char *header(const struct venue_request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++)
        if (strcmp(request->headers[i].name, name) == 0)
            return request->headers[i].value;
    return "";
}

static void check_rest(struct bybit_keys *keys, bool is_body, const char *payload, const char *sign)
{
    static struct venue_request request;

    memset(&request, 0, sizeof(request));
    request.method = is_body ? "POST" : "GET";
    snprintf(request.path, sizeof(request.path), "/v5/order/realtime%s%s",
             is_body || !*payload ? "" : "?", is_body ? "" : payload);
    if (is_body) {
        request.body_len = strlen(payload);
        memcpy(request.body, payload, request.body_len);
    }
    CHECK_INT(bybit_request_sign(keys, INT64_C(1700000000000) * NS_PER_MS, &request), 0);
    CHECK_STR(header(&request, "X-BAPI-SIGN"), sign);
    CHECK_STR(header(&request, "X-BAPI-TIMESTAMP"), "1700000000000");
    CHECK_STR(header(&request, "X-BAPI-RECV-WINDOW"), "5000");
    CHECK_STR(header(&request, "X-BAPI-API-KEY"), keys->api_key);
    CHECK_STR(header(&request, "Content-Type"), is_body ? "application/json" : "");
}

static void signatures_are_those_of_the_vectors(void)
{
    static const struct {
        bool is_second_key, is_body;
        const char *payload, *sign;
    } vectors[] = {
        { false, false, "category=linear&symbol=BTCUSDT&openOnly=0&limit=50",
          "c19c75e8dcb3e557e153a3e0a716f3cf0991e68544062ba94fe6fb0672e4f72d" },
        { false, false, "accountType=UNIFIED&coin=USDT%2CBTC",
          "8db023455760ebad36c6deaa4a1c591c4907e912a11ce9b71f6832ac0d7d3f18" },
        { false, false, "accountType=UNIFIED&coin=USDT,BTC",
          "29f61baf6d0f7fc9f3488c8b451fa6cf353cf1e994fe783fa8354bb052dc3bf2" },
        { false, true,
          "{\"category\":\"linear\",\"symbol\":\"BTCUSDT\",\"side\":\"Buy\",\"orderType\":"
          "\"Limit\",\"qty\":\"0.001\",\"price\":\"30000.50\",\"timeInForce\":\"PostOnly\","
          "\"orderLinkId\":\"test-0001\",\"positionIdx\":0,\"reduceOnly\":false}",
          "f6bb596bbe4d6f227287f3fee52c68d3324766cbc0958dd91d48f1c3ed31c35b" },
        { false, true,
          "{\"category\":\"spot\",\"symbol\":\"BTCUSDT\",\"orderLinkId\":\"test-0001\"}",
          "438a65b2fd65a8108bb8d870fb3685eb13657e8699ef0f81ba484b09b97339d7" },
        { false, false, "", "af4e66a35c84c9c3822204d9848e9e8fed920eb5342fb6521e8763fe907f3306" },
        { true, false, "category=linear&symbol=BTCUSDT",
          "fd4f31228a46109dc6673062328693696df9a96c7ff04e6491a45e7f63a0fdd7" },
        { true, true,
          "{\"category\": \"linear\", \"symbol\": \"BTCUSDT\", \"orderLinkId\": \"test-order-1\"}",
          "2df4a0603d69c08d5dea29ba85b46eb7db64ce9e9ebd34a7802a3d69700cb2a1" },
    };
    struct bybit_keys keys[2];

    CHECK_INT(bybit_keys_init(&keys[0], KEY, SECRET, 5000), 0);
    CHECK_INT(bybit_keys_init(&keys[1], "test_api_key", "test_secret", 5000), 0);
    for (size_t i = 0; i < COUNT(vectors); i++)
        check_rest(&keys[vectors[i].is_second_key], vectors[i].is_body, vectors[i].payload,
                   vectors[i].sign);
    bybit_keys_fini(&keys[0]);
    bybit_keys_fini(&keys[1]);
    proof("bybit", signing, vector);
}

static void logins_are_those_of_the_vectors(void)
{
    struct bybit_keys keys;
    char sign[65], text[512];

    CHECK_INT(bybit_keys_init(&keys, KEY, SECRET, 5000), 0);
    CHECK_INT(bybit_sign(&keys, "GET/realtime1700000005000", 25, sign), 0);
    CHECK_STR(sign, "e3055aa9397505d16782b7a7f3f0349ac8423b6778bba957827bce6fd542bc66");
    /* A login of five seconds before the vector's, as ours may be ten on its way. */
    CHECK(bybit_login_write(&keys, false, INT64_C(1699999995000) * NS_PER_MS, text, sizeof(text)) >
          0);
    CHECK_STR(text, "{\"req_id\":\"login\",\"op\":\"auth\",\"args\":[\"" KEY "\",1700000005000,"
                    "\"e3055aa9397505d16782b7a7f3f0349ac8423b6778bba957827bce6fd542bc66\"]}");
    bybit_keys_fini(&keys);
    CHECK_INT(bybit_keys_init(&keys, "test_api_key", "test_secret", 5000), 0);
    CHECK(bybit_login_write(&keys, true, INT64_C(1699999990000) * NS_PER_MS, text, sizeof(text)) >
          0);
    CHECK_STR(text, "{\"reqId\":\"login\",\"op\":\"auth\",\"args\":[\"test_api_key\","
                    "1700000000000,"
                    "\"bacffe7500499eb829bb58c45d36d1b3e5ac67c14eaeba91df5e99ccee013925\"]}");
    bybit_keys_fini(&keys);
    proof("bybit", login, vector);
}

static void keys_that_cannot_be_are_refused(void)
{
    struct bybit_keys keys;

    CHECK_INT(bybit_keys_init(&keys, "", "", 5000), 0);
    CHECK(!keys.is_set);
    CHECK_INT(bybit_keys_init(&keys, KEY, "", 5000), ERR_AUTH);
    CHECK_INT(bybit_keys_init(&keys, "", SECRET, 5000), ERR_AUTH);
    CHECK_INT(bybit_keys_init(&keys, "a\"b", SECRET, 5000), ERR_AUTH);
    CHECK_INT(bybit_keys_init(&keys, KEY, "-----BEGIN RSA PRIVATE KEY-----", 5000), ERR_AUTH);
    CHECK_INT(bybit_keys_init(&keys, KEY, SECRET, 60001), ERR_RANGE);
}

/* ---- what is sent ---- */

static const char *args_of(const struct venue_command *command)
{
    static char text[1024];
    int len = bybit_args_write(command, NULL, text, sizeof(text));

    return len < 0 ? err_str(len) : text;
}

static void orders_are_worded_by_kind_and_form(void)
{
    struct venue_command command = place();

    CHECK_STR(args_of(&command),
              "{\"symbol\":\"BTCUSDT\",\"side\":\"Buy\",\"orderType\":\"Limit\",\"price\":"
              "\"30000.50\",\"category\":\"linear\",\"qty\":\"0.001\",\"orderLinkId\":\"link-1\","
              "\"positionIdx\":0}");
    command.is_post_only = command.is_reduce_only = true;
    CHECK_STR(args_of(&command),
              "{\"symbol\":\"BTCUSDT\",\"side\":\"Buy\",\"orderType\":\"Limit\",\"timeInForce\":"
              "\"PostOnly\",\"price\":\"30000.50\",\"category\":\"linear\",\"qty\":\"0.001\","
              "\"orderLinkId\":\"link-1\",\"positionIdx\":0,\"reduceOnly\":true}");
    command = place();
    command.instrument_kind = INSTRUMENT_SPOT;
    command.side = SIDE_SELL;
    command.time_in_force = TIF_FOK;
    CHECK_STR(args_of(&command),
              "{\"symbol\":\"BTCUSDT\",\"side\":\"Sell\",\"orderType\":\"Limit\",\"timeInForce\":"
              "\"FOK\",\"price\":\"30000.50\",\"category\":\"spot\",\"qty\":\"0.001\","
              "\"orderLinkId\":\"link-1\"}");
    command.type = ORDER_MARKET;
    command.side = SIDE_BUY;
    command.time_in_force = TIF_NONE;
    CHECK_STR(args_of(&command),
              "{\"symbol\":\"BTCUSDT\",\"side\":\"Buy\",\"orderType\":\"Market\",\"category\":"
              "\"spot\",\"marketUnit\":\"baseCoin\",\"qty\":\"0.001\",\"orderLinkId\":\"link-1\"}");
    command = about(OP_REPLACE);
    CHECK_STR(args_of(&command),
              "{\"symbol\":\"BTCUSDT\",\"orderId\":\"o-1\",\"category\":\"linear\",\"price\":"
              "\"30000.50\",\"qty\":\"0.001\"}");
    command = about(OP_CANCEL);
    command.exchange_order_id[0] = '\0';
    CHECK_STR(args_of(&command),
              "{\"symbol\":\"BTCUSDT\",\"orderLinkId\":\"link-1\",\"category\":\"linear\"}");
}

static void what_cannot_be_said_is_not_sent(void)
{
    struct order_world world;
    struct venue_command command = place();

    begin_up(&world);
    command.is_post_only = true;
    command.time_in_force = TIF_IOC;
    CHECK_INT(order_world_command(&world, &command), ERR_RANGE);
    command = place();
    command.instrument_kind = INSTRUMENT_SPOT;
    command.is_reduce_only = true;
    CHECK_INT(order_world_command(&world, &command), ERR_UNSUPPORTED);
    command = place();
    snprintf(command.client_order_id, sizeof(command.client_order_id), "no:colon");
    CHECK_INT(order_world_command(&world, &command), ERR_RANGE);
    command = place();
    snprintf(command.client_order_id, sizeof(command.client_order_id),
             "a-word-of-thirty-seven-characters-xxx");
    CHECK_INT(order_world_command(&world, &command), ERR_RANGE);
    command = place();
    command.price_decimals = 1;
    command.price = 3000055; /* Its last digit would be lost. */
    CHECK_INT(order_world_command(&world, &command), ERR_RANGE);
    command = place();
    snprintf(command.symbol, sizeof(command.symbol), "BTC\"USDT");
    CHECK_INT(order_world_command(&world, &command), ERR_RANGE);
    command = about(OP_QUERY);
    command.transport = TRANSPORT_WS;
    CHECK_INT(order_world_command(&world, &command), ERR_UNSUPPORTED);
    CHECK_INT(world.frame_count + world.request_count + world.report_count, 0);
    order_world_end(&world);
}

static void an_order_takes_the_socket_and_without_it_rest(void)
{
    struct order_world world;
    struct venue_command command = place();

    begin_up(&world);
    world.clock.wall_ns = INT64_C(1700000000123) * NS_PER_MS;
    CHECK_INT(order_world_command(&world, &command), 0);
    CHECK_INT(world.frame_count, 1);
    CHECK(strstr(last_frame(&world),
                 "\"header\":{\"X-BAPI-TIMESTAMP\":\"1700000000123\",\"X-BAPI-RECV-WINDOW\":"
                 "\"5000\"},\"op\":\"order.create\",\"args\":[{\"symbol\":\"BTCUSDT\",\"side\":"
                 "\"Buy\",\"orderType\":\"Limit\",\"price\":\"30000.50\",\"category\":\"linear\","
                 "\"qty\":\"0.001\",\"orderLinkId\":\"link-1\",\"positionIdx\":0}]}"));
    CHECK_STR(strstr(last_frame(&world), "{\"symbol"), /* With and without the template. */
              strcat(strcpy((char[512]){ 0 }, args_of(&command)), "]}"));
    world.ops->closed(world.state, BYBIT_CONN_TRADE, &world.clock, &world.out);
    order_world_clear(&world);
    command.request_id++;
    CHECK_INT(order_world_command(&world, &command), 0);
    CHECK_INT(world.frame_count, 0);
    CHECK_STR(last_request(&world)->method, "POST");
    CHECK_STR(last_request(&world)->path, "/v5/order/create");
    CHECK(strncmp(last_request(&world)->body, args_of(&command), last_request(&world)->body_len) ==
          0);
    CHECK_INT(http(&world, "{\"retCode\":0,\"retMsg\":\"OK\",\"result\":" OK_ACK
                           ",\"retExtInfo\":{},\"time\":1700000000200}"),
              0);
    CHECK_STR(order_world_line(&world), "");
    CHECK_INT(news(&world, "New"), 0);
    CHECK_STR(order_world_line(&world), "accepted!");
    order_world_end(&world);
}

/* ---- what an acknowledgement is worth ---- */

static void an_acknowledged_order_is_accepted_by_the_stream(void)
{
    struct order_world world;
    struct venue_command command = place();

    begin_up(&world);
    CHECK_INT(order_world_command(&world, &command), 0);
    CHECK_INT(answer(&world, "order.create", 0, "OK", OK_ACK), 0);
    CHECK_STR(order_world_line(&world), "");
    CHECK_INT(news(&world, "New"), 0);
    CHECK_STR(order_world_line(&world), "accepted!");
    CHECK_INT(world.reports[world.report_count - 1].request_id, 77);
    CHECK_STR(world.reports[world.report_count - 1].exchange_order_id, "o-1");
    CHECK_INT(news(&world, "New"), 0); /* Said twice: news, not an answer. */
    CHECK_STR(order_world_line(&world), "accepted! new");
    order_world_pass(&world, 10 * NS_PER_S);
    CHECK_STR(order_world_line(&world), "accepted! new");
    order_world_end(&world);
}

static void an_acknowledged_order_may_be_refused_by_the_stream(void)
{
    static const struct {
        const char *status, *cancel, *reject, *line;
        wire_reason why;
    } ends[] = {
        { "Rejected", "UNKNOWN", "EC_PostOnlyWillTakeLiquidity", "rejected!",
          REASON_VENUE_POST_ONLY },
        { "Cancelled", "UNKNOWN", "EC_PostOnlyWillTakeLiquidity", "rejected!",
          REASON_VENUE_POST_ONLY },
        { "Rejected", "UNKNOWN", "EC_NoEnoughQtyToFill", "rejected!", REASON_NO_LIQUIDITY },
        { "Rejected", "UNKNOWN", "EC_Others", "rejected!", REASON_VENUE_REJECT },
        { "Cancelled", "CancelByUser", "EC_PerCancelRequest", "accepted! cancelled", 0 },
    };

    for (size_t i = 0; i < COUNT(ends); i++) {
        struct order_world world;
        struct venue_command command = place();
        begin_up(&world);
        CHECK_INT(order_world_command(&world, &command), 0);
        CHECK_INT(answer(&world, "order.create", 0, "OK", OK_ACK), 0);
        CHECK_INT(stream(&world, ends[i].status, "30000.50", "0.001", "0.000", ends[i].cancel,
                         ends[i].reject),
                  0);
        CHECK_STR(order_world_line(&world), ends[i].line);
        if (ends[i].why)
            CHECK_INT(order_world_find(&world, REPORT_REJECTED, 0)->why, ends[i].why);
        order_world_end(&world);
    }
}

static void the_stream_may_come_before_the_acknowledgement(void)
{
    struct order_world world;
    struct venue_command command = place();

    begin_up(&world);
    CHECK_INT(order_world_command(&world, &command), 0);
    CHECK_INT(news(&world, "New"), 0);
    CHECK_STR(order_world_line(&world), "accepted!");
    CHECK_INT(answer(&world, "order.create", 0, "OK", OK_ACK), 0);
    CHECK_STR(order_world_line(&world), "accepted!");
    order_world_end(&world);
}

static void what_nobody_speaks_of_is_unknown(void)
{
    struct order_world world;
    struct venue_command command = place();

    begin_up(&world); /* Acknowledged, and the stream is silent. */
    CHECK_INT(order_world_command(&world, &command), 0);
    CHECK_INT(answer(&world, "order.create", 0, "OK", OK_ACK), 0);
    order_world_pass(&world, 1900 * NS_PER_MS);
    CHECK_STR(order_world_line(&world), "");
    order_world_pass(&world, 200 * NS_PER_MS);
    CHECK_STR(order_world_line(&world), "unknown!");
    CHECK_INT(news(&world, "New"), 0);
    CHECK_STR(order_world_line(&world), "unknown! new");
    order_world_clear(&world);

    command.request_id++; /* Not even acknowledged. */
    CHECK_INT(order_world_command(&world, &command), 0);
    order_world_pass(&world, 2900 * NS_PER_MS);
    CHECK_STR(order_world_line(&world), "");
    order_world_pass(&world, 200 * NS_PER_MS);
    CHECK_STR(order_world_line(&world), "unknown!");
    CHECK_INT(answer(&world, "order.create", 0, "OK", OK_ACK), 0); /* Too late. */
    CHECK_STR(order_world_line(&world), "unknown!");
    order_world_clear(&world);

    command.request_id++; /* The connection is lost: before the ack, after another's. */
    CHECK_INT(order_world_command(&world, &command), 0);
    CHECK_INT(answer(&world, "order.create", 0, "OK", OK_ACK), 0);
    struct venue_command other = about(OP_CANCEL);
    CHECK_INT(order_world_command(&world, &other), 0);
    world.ops->closed(world.state, BYBIT_CONN_TRADE, &world.clock, &world.out);
    CHECK_STR(order_world_line(&world), "unknown! channel");
    CHECK_INT(order_world_find(&world, REPORT_OUTCOME_UNKNOWN, 0)->request_id, 78);
    CHECK_INT(news(&world, "New"), 0);
    CHECK_STR(order_world_line(&world), "unknown! channel accepted!");
    order_world_end(&world);
}

static void a_cancel_is_done_when_the_stream_says_so(void)
{
    struct order_world world;
    struct venue_command command = about(OP_CANCEL);

    begin_placed(&world);
    CHECK_INT(order_world_command(&world, &command), 0);
    CHECK_INT(answer(&world, "order.cancel", 0, "OK", OK_ACK), 0);
    CHECK_STR(order_world_line(&world), "");
    CHECK_INT(stream(&world, "Cancelled", "30000.50", "0.001", "0.000", "CancelByUser",
                     "EC_PerCancelRequest"),
              0);
    CHECK_STR(order_world_line(&world), "cancelled!");
    order_world_end(&world);

    begin_placed(&world); /* It was filled meanwhile. */
    CHECK_INT(order_world_command(&world, &command), 0);
    CHECK_INT(answer(&world, "order.cancel", 0, "OK", OK_ACK), 0);
    CHECK_INT(stream(&world, "Filled", "30000.50", "0.001", "0.001", "UNKNOWN", "EC_NoError"), 0);
    CHECK_STR(order_world_line(&world), "cancel_rejected!");
    CHECK_INT(order_world_find(&world, REPORT_CANCEL_REJECTED, 0)->why, REASON_VENUE_UNKNOWN_ORDER);
    order_world_end(&world);
}

static void an_amendment_is_done_when_the_stream_shows_it(void)
{
    struct order_world world;
    struct venue_command command = about(OP_REPLACE);

    begin_placed(&world);
    command.price = 3000150;
    command.qty = 2;
    CHECK_INT(order_world_command(&world, &command), 0);
    CHECK_INT(answer(&world, "order.amend", 0, "OK", OK_ACK), 0);
    CHECK_INT(news(&world, "New"), 0); /* Still as it was. */
    CHECK_STR(order_world_line(&world), "new");
    CHECK_INT(stream(&world, "New", "30001.50", "0.002", "0.000", "UNKNOWN", "EC_NoError"), 0);
    CHECK_STR(order_world_line(&world), "new replaced!");
    order_world_end(&world);

    begin_placed(&world); /* It ended first. */
    CHECK_INT(order_world_command(&world, &command), 0);
    CHECK_INT(answer(&world, "order.amend", 0, "OK", OK_ACK), 0);
    CHECK_INT(stream(&world, "Filled", "30000.50", "0.001", "0.001", "UNKNOWN", "EC_NoError"), 0);
    CHECK_STR(order_world_line(&world), "replace_rejected!");
    order_world_end(&world);

    begin_placed(&world); /* It is so already. */
    CHECK_INT(order_world_command(&world, &command), 0);
    CHECK_INT(answer(&world, "order.amend", 34040, "not modified", "{}"), 0);
    CHECK_STR(order_world_line(&world), "replaced!");
    order_world_end(&world);
}

/* ---- refusals ---- */

static void refusals_are_told_from_what_may_have_been_done(void)
{
    static const struct {
        int code;
        enum venue_op op;
        const char *line;
        wire_reason why;
    } codes[] = {
        { 110007, OP_PLACE, "rejected!", REASON_VENUE_FUNDS },
        { 170131, OP_PLACE, "rejected!", REASON_VENUE_FUNDS },
        { 110094, OP_PLACE, "rejected!", REASON_VENUE_FILTER },
        { 110017, OP_PLACE, "rejected!", REASON_REDUCE_ONLY },
        { 10001, OP_PLACE, "rejected!", REASON_MALFORMED },
        { 10002, OP_PLACE, "rejected!", REASON_VENUE_TIMESTAMP },
        { 10004, OP_PLACE, "rejected!", REASON_VENUE_AUTH },
        { 10005, OP_PLACE, "rejected!", REASON_PERMISSION },
        { 110072, OP_PLACE, "rejected!", REASON_VENUE_DUPLICATE }, /* The engine asks then. */
        { 110098, OP_PLACE, "rejected!", REASON_INSTRUMENT_NOT_TRADABLE },
        { 10006, OP_PLACE, "back_off rejected!", REASON_VENUE_RATE_LIMIT },
        { 20003, OP_CANCEL, "back_off cancel_rejected!", REASON_VENUE_RATE_LIMIT },
        { 110001, OP_CANCEL, "cancel_rejected!", REASON_VENUE_UNKNOWN_ORDER },
        { 170213, OP_CANCEL, "cancel_rejected!", REASON_VENUE_UNKNOWN_ORDER },
        { 110001, OP_REPLACE, "replace_rejected!", REASON_VENUE_UNKNOWN_ORDER },
        { 10000, OP_PLACE, "unknown!", REASON_UNKNOWN_OUTCOME },
        { 10016, OP_PLACE, "unknown!", REASON_UNKNOWN_OUTCOME },
        { 10014, OP_PLACE, "unknown!", REASON_VENUE_DUPLICATE },
        { 20006, OP_PLACE, "unknown!", REASON_VENUE_DUPLICATE },
        { 170007, OP_PLACE, "unknown!", REASON_UNKNOWN_OUTCOME },
        { 170147, OP_CANCEL, "unknown!", REASON_UNKNOWN_OUTCOME },
        { 170310, OP_REPLACE, "unknown!", REASON_UNKNOWN_OUTCOME },
        { 40004, OP_REPLACE, "unknown!", REASON_UNKNOWN_OUTCOME },
        { 987654, OP_PLACE, "unknown!", REASON_UNKNOWN_OUTCOME }, /* Nobody knows it. */
    };
    static const char *const ops[] = {
        [OP_PLACE] = "order.create", [OP_CANCEL] = "order.cancel", [OP_REPLACE] = "order.amend"
    };

    for (size_t i = 0; i < COUNT(codes); i++) {
        struct order_world world;
        struct venue_command command = codes[i].op == OP_PLACE ? place() : about(codes[i].op);
        begin_up(&world);
        CHECK_INT(order_world_command(&world, &command), 0);
        CHECK_INT(answer(&world, ops[codes[i].op], codes[i].code, "why", "{}"), 0);
        CHECK_STR(order_world_line(&world), codes[i].line);
        for (size_t n = 0; n < world.report_count; n++)
            if (world.reports[n].request_id != 0) {
                CHECK_INT(world.reports[n].why, codes[i].why);
                CHECK_STR(world.reports[n].text, "why");
            }
        order_world_end(&world);
    }
}

static void statuses_without_an_answer_are_told_apart(void)
{
    static const struct {
        int status;
        const char *line;
    } statuses[] = {
        { 400, "rejected!" },         { 401, "rejected!" }, { 403, "back_off rejected!" },
        { 429, "back_off unknown!" }, { 500, "unknown!" },  { 503, "unknown!" },
        { 404, "rejected!" },
    };

    for (size_t i = 0; i < COUNT(statuses); i++) {
        struct order_world world;
        struct venue_command command = place(), query = about(OP_QUERY);
        begin_up(&world);
        command.transport = TRANSPORT_REST;
        CHECK_INT(order_world_command(&world, &command), 0);
        CHECK_INT(order_world_http(&world, last_request(&world)->tag, statuses[i].status, "<html>"),
                  0);
        CHECK_STR(order_world_line(&world), statuses[i].line);
        bool is_held = statuses[i].status == 403 || statuses[i].status == 429;
        CHECK_INT(order_world_command(&world, &query), is_held ? ERR_CLOSED : 0);
        if (is_held) {
            int64_t wait_ns =
                order_world_find(&world, REPORT_BACK_OFF, 0)->until_ns - world.clock.now_ns;
            CHECK_INT(wait_ns / NS_PER_S, statuses[i].status == 403 ? 600 : 10);
            world.clock.now_ns += wait_ns;
            CHECK_INT(order_world_command(&world, &query), 0);
        }
        order_world_end(&world);
    }
}

static void an_unreadable_answer_is_no_refusal(void)
{
    struct order_world world;
    struct venue_command command = place();

    begin_up(&world);
    command.transport = TRANSPORT_REST;
    CHECK_INT(order_world_command(&world, &command), 0);
    CHECK_INT(http(&world, "not json"), ERR_PROTO);
    CHECK_STR(order_world_line(&world), "unknown!");
    order_world_clear(&world);
    command.request_id++; /* No answer at all: was it sent? */
    CHECK_INT(order_world_command(&world, &command), 0);
    struct venue_response lost = { .tag = last_request(&world)->tag, .was_sent = true };
    CHECK_INT(world.ops->http(world.state, &lost, &world.clock, &world.out), 0);
    CHECK_STR(order_world_line(&world), "unknown!");
    order_world_clear(&world);
    command.request_id++;
    CHECK_INT(order_world_command(&world, &command), 0);
    lost = (struct venue_response){ .tag = last_request(&world)->tag, .was_sent = false };
    CHECK_INT(world.ops->http(world.state, &lost, &world.clock, &world.out), 0);
    CHECK_STR(order_world_line(&world), "never_sent!");
    order_world_end(&world);
}

/* ---- the connections ---- */

static void the_channels_are_up_when_the_venue_says_so(void)
{
    struct order_world world;

    begin(&world);
    world.ops->opened(world.state, BYBIT_CONN_PRIVATE, &world.clock, &world.out);
    CHECK(strstr(last_frame(&world), "\"op\":\"auth\""));
    CHECK_STR(order_world_line(&world), "");
    CHECK_INT(frame(&world, 0, "{\"success\":true,\"ret_msg\":\"\",\"op\":\"auth\"}"), 0);
    CHECK(strstr(last_frame(&world), "[\"order\",\"execution\",\"position\",\"wallet\"]"));
    CHECK_STR(order_world_line(&world), "");
    CHECK_INT(frame(&world, 0, "{\"success\":true,\"ret_msg\":\"\",\"op\":\"subscribe\"}"), 0);
    CHECK_STR(order_world_line(&world), "channel");
    CHECK(world.reports[0].is_private_stream_up && !world.reports[0].is_order_channel_up);
    world.ops->closed(world.state, BYBIT_CONN_PRIVATE, &world.clock, &world.out);
    CHECK_STR(order_world_line(&world), "channel channel");
    CHECK(!world.reports[1].is_private_stream_up);
    order_world_end(&world);
}

static void a_refused_login_is_tried_again_ever_more_slowly(void)
{
    struct order_world world;
    size_t tried = 0;

    begin(&world);
    world.ops->opened(world.state, BYBIT_CONN_TRADE, &world.clock, &world.out);
    for (int64_t at = 0; at < 30; at++) {
        if (world.frame_count != tried && strstr(last_frame(&world), "\"auth\"")) {
            tried = world.frame_count;
            CHECK_INT(frame(&world, BYBIT_CONN_TRADE,
                            "{\"reqId\":\"login\",\"retCode\":10004,\"retMsg\":\"error sign!\","
                            "\"op\":\"auth\",\"connId\":\"t\"}"),
                      0);
        }
        CHECK_INT(frame(&world, BYBIT_CONN_TRADE, "{\"op\":\"pong\",\"connId\":\"t\"}"), 0);
        order_world_pass(&world, NS_PER_S);
    }
    size_t logins = 0;
    for (size_t i = 0; i < world.frame_count; i++)
        logins += strstr(world.frames[i], "\"auth\"") != NULL;
    CHECK_INT(logins, 5); /* At 0, 2, 6, 14 and 30 s. */
    CHECK(strstr(world.note, "error sign!"));
    order_world_end(&world);
}

static void silence_is_asked_about_and_then_ended(void)
{
    struct order_world world;

    begin_up(&world);
    order_world_pass(&world, 5 * NS_PER_S);
    CHECK_INT(world.frame_count, 2);
    CHECK_STR(world.frames[0], "{\"req_id\":\"ping\",\"op\":\"ping\"}");
    CHECK_STR(world.frames[1], "{\"op\":\"ping\"}");
    CHECK_INT(frame(&world, BYBIT_CONN_PRIVATE,
                    "{\"req_id\":\"ping\",\"op\":\"pong\",\"args\":[\"1700000000000\"],"
                    "\"conn_id\":\"p\"}"),
              0);
    order_world_pass(&world, 8 * NS_PER_S);
    CHECK_INT(world.reconnects, 1); /* Of order entry alone. */
    order_world_pass(&world, NS_PER_S);
    CHECK_INT(world.reconnects, 1);
    for (unsigned i = 0; i < 60;
         i++) { /* Heard from all the time: a ping each 20 s all the same. */
        CHECK_INT(news(&world, "New"), 0);
        order_world_pass(&world, NS_PER_S);
    }
    size_t pings = 0;
    for (size_t i = 0; i < world.frame_count; i++)
        pings += strstr(world.frames[i], "ping") != NULL;
    CHECK(pings >= 5);
    CHECK_INT(world.reconnects, 1);
    order_world_end(&world);
    proof("bybit", keepalive, simulator);
}

static void a_restart_of_order_entry_is_left_for_another_connection(void)
{
    struct order_world world;
    struct venue_command command = place();

    begin_up(&world);
    CHECK_INT(order_world_command(&world, &command), 0);
    CHECK_INT(answer(&world, "order.create", 10019, "restarting", "{}"), 0);
    CHECK_STR(order_world_line(&world), "channel rejected!");
    CHECK_INT(order_world_find(&world, REPORT_REJECTED, 0)->why, REASON_VENUE_MAINTENANCE);
    CHECK_INT(world.reconnects, 1);
    command.request_id++; /* Meanwhile over REST. */
    CHECK_INT(order_world_command(&world, &command), 0);
    CHECK_STR(last_request(&world)->path, "/v5/order/create");
    order_world_end(&world);
}

/* ---- questions ---- */

static void a_question_goes_to_the_history_before_it_is_answered_with_no(void)
{
    static const char none[] = "{\"retCode\":0,\"retMsg\":\"OK\",\"result\":{\"list\":[],"
                               "\"nextPageCursor\":\"\"},\"retExtInfo\":{},\"time\":1}";
    struct order_world world;
    struct venue_command command = about(OP_QUERY);

    begin_up(&world);
    CHECK_INT(order_world_command(&world, &command), 0);
    CHECK_STR(last_request(&world)->path,
              "/v5/order/realtime?symbol=BTCUSDT&orderId=o-1&category=linear");
    CHECK_INT(http(&world, none), 0);
    CHECK_STR(order_world_line(&world), "");
    CHECK_STR(last_request(&world)->path,
              "/v5/order/history?symbol=BTCUSDT&orderId=o-1&category=linear");
    CHECK_INT(http(&world, none), 0);
    CHECK_STR(order_world_line(&world), "no_such_order!");
    order_world_end(&world);
}

static void open_orders_are_of_every_category_coin_and_page(void)
{
    static const char *const paths[] = {
        "/v5/order/realtime?category=spot&openOnly=0&limit=50",
        "/v5/order/realtime?category=spot&openOnly=0&limit=50&cursor=a%3D1%252",
        "/v5/order/realtime?category=linear&settleCoin=USDT&openOnly=0&limit=50",
        "/v5/order/realtime?category=linear&settleCoin=USDC&openOnly=0&limit=50",
    };
    struct order_world world;
    struct venue_command command = { .op = OP_OPEN_ORDERS, .request_id = 5 };
    char body[256];

    begin_up(&world);
    CHECK_INT(order_world_command(&world, &command), 0);
    for (size_t i = 0; i < COUNT(paths); i++) {
        CHECK_INT(world.request_count, i + 1);
        CHECK_STR(last_request(&world)->path, paths[i]);
        CHECK_INT(world.report_count, 0);
        snprintf(body, sizeof(body),
                 "{\"retCode\":0,\"retMsg\":\"OK\",\"result\":{\"list\":[],\"nextPageCursor\":"
                 "\"%s\"},\"retExtInfo\":{},\"time\":1}",
                 i == 0 ? "a=1%2" : "");
        CHECK_INT(http(&world, body), 0);
    }
    CHECK_STR(order_world_line(&world), "done!");
    order_world_end(&world);
}

static int account(struct order_world *world, int unified)
{
    char body[256];

    snprintf(body, sizeof(body),
             "{\"retCode\":0,\"retMsg\":\"OK\",\"result\":{\"unifiedMarginStatus\":%d,"
             "\"marginMode\":\"REGULAR_MARGIN\"},\"retExtInfo\":{},\"time\":1}",
             unified);
    return http(world, body);
}

static int position_mode(struct order_world *world, int idx)
{
    char body[384];

    snprintf(body, sizeof(body),
             "{\"retCode\":0,\"retMsg\":\"OK\",\"result\":{\"category\":\"linear\",\"list\":[{"
             "\"positionIdx\":%d,\"symbol\":\"BTCUSDT\",\"side\":\"\",\"size\":\"0\","
             "\"avgPrice\":\"0\",\"cumRealisedPnl\":\"0\",\"updatedTime\":\"1700000000000\"}]},"
             "\"retExtInfo\":{},\"time\":1}",
             idx);
    return http(world, body);
}

static void only_a_unified_one_way_account_will_do(void)
{
    struct order_world world;
    struct venue_command command = { .op = OP_ACCOUNT_MODE, .request_id = 6 };

    begin_up(&world);
    CHECK_INT(order_world_command(&world, &command), 0);
    CHECK_STR(last_request(&world)->path, "/v5/account/info");
    CHECK_INT(account(&world, 5), 0);
    CHECK_STR(last_request(&world)->path, "/v5/position/list?category=linear&symbol=BTCUSDT");
    CHECK_INT(position_mode(&world, 0), 0);
    CHECK_STR(order_world_line(&world), "done!");
    order_world_clear(&world);

    CHECK_INT(order_world_command(&world, &command), 0);
    CHECK_INT(account(&world, 5), 0);
    CHECK_INT(position_mode(&world, 1), 0);
    CHECK_STR(order_world_line(&world), "failed!");
    CHECK_INT(world.reports[0].why, REASON_HEDGE_MODE);
    CHECK(strstr(world.reports[0].text, "BTCUSDT"));
    order_world_clear(&world);

    CHECK_INT(order_world_command(&world, &command), 0);
    CHECK_INT(account(&world, 1), 0);
    CHECK_STR(order_world_line(&world), "failed!");
    CHECK_INT(world.reports[0].why, REASON_UNSUPPORTED);
    CHECK(strstr(world.reports[0].text, "nified"));
    order_world_end(&world);
}

int main(void)
{
    CASE(signatures_are_those_of_the_vectors);
    CASE(logins_are_those_of_the_vectors);
    CASE(keys_that_cannot_be_are_refused);
    CASE(orders_are_worded_by_kind_and_form);
    CASE(what_cannot_be_said_is_not_sent);
    CASE(an_order_takes_the_socket_and_without_it_rest);
    CASE(an_acknowledged_order_is_accepted_by_the_stream);
    CASE(an_acknowledged_order_may_be_refused_by_the_stream);
    CASE(the_stream_may_come_before_the_acknowledgement);
    CASE(what_nobody_speaks_of_is_unknown);
    CASE(a_cancel_is_done_when_the_stream_says_so);
    CASE(an_amendment_is_done_when_the_stream_shows_it);
    CASE(refusals_are_told_from_what_may_have_been_done);
    CASE(statuses_without_an_answer_are_told_apart);
    CASE(an_unreadable_answer_is_no_refusal);
    CASE(the_channels_are_up_when_the_venue_says_so);
    CASE(a_refused_login_is_tried_again_ever_more_slowly);
    CASE(silence_is_asked_about_and_then_ended);
    CASE(a_restart_of_order_entry_is_left_for_another_connection);
    CASE(a_question_goes_to_the_history_before_it_is_answered_with_no);
    CASE(open_orders_are_of_every_category_coin_and_page);
    CASE(only_a_unified_one_way_account_will_do);
    DONE();
}
