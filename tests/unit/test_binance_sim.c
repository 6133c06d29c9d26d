/* The Binance side of the simulator, driven without sockets. Signatures are made here with
 * OpenSSL's one-shot call. */
#include "tests/unit/check.h"
#include "venues/binance/sim_binance.h"

#include <cjson/cJSON.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <stdlib.h>

#define DEC(units) ((int64_t)((double)(units)*1e8 + 0.5))
#define KEY        "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
#define SECRET     "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
#define NOW_MS     INT64_C(1700000000000)

enum { ALICE = 1, FRAMES = 512 };

static struct {
    struct exchange exchange;
    void *memory;
    struct sim sim;
    struct sim_account account;
    struct sim_ws api, stream;
    int status;
    char headers[1024], body[65536];
    char *frames[FRAMES];
    struct sim_ws *frame_ws[FRAMES];
    enum sim_what frame_what[FRAMES];
    unsigned frame_count, closed_code;
    const char *api_key;
} world;

static void on_event(void *ctx, const struct exchange_event *event)
{
    (void)ctx;
    if (world.sim.state)
        sim_binance.event(&world.sim, event);
}

static void on_send(struct sim *sim, struct sim_ws *ws, enum sim_what what, const char *text,
                    size_t len)
{
    (void)sim;
    if (world.frame_count == FRAMES)
        return;
    world.frame_ws[world.frame_count] = ws;
    world.frame_what[world.frame_count] = what;
    world.frames[world.frame_count++] = strndup(text, len);
}

static void on_close(struct sim *sim, struct sim_ws *ws, unsigned code, const char *reason)
{
    (void)sim;
    (void)ws;
    (void)reason;
    world.closed_code = code;
}

static const char *on_header(const struct sim_http *request, const char *name)
{
    (void)request;
    return strcmp(name, "X-MBX-APIKEY") == 0 ? world.api_key : NULL;
}

static void on_reply(struct sim_http *request, enum sim_what what, int status, const char *headers,
                     const char *body, size_t len)
{
    (void)request;
    (void)what;
    world.status = status;
    snprintf(world.headers, sizeof(world.headers), "%s", headers ? headers : "");
    snprintf(world.body, sizeof(world.body), "%.*s", (int)len, body);
}

static const struct sim_output output = { on_send, on_close, on_header, on_reply };

static void forget_frames(void)
{
    while (world.frame_count > 0)
        free(world.frames[--world.frame_count]);
}

static void open_world(void)
{
    static const struct exchange_instrument_config instruments[] = {
        { .symbol = "BTCUSDT",
          .base = "BTC",
          .quote = "USDT",
          .tick = DEC(0.01),
          .lot = DEC(0.00001),
          .min_qty = DEC(0.00001),
          .max_qty = DEC(9000),
          .min_notional = DEC(5),
          .band_ppm = 200000,
          .max_orders = 200,
          .max_amends = 10,
          .start_price = DEC(50000) },
    };
    static const struct exchange_account_config accounts[] = {
        { .name = "market", .is_background = true },
        { .name = "alice", .maker_fee_ppm = 1000, .taker_fee_ppm = 1000 },
    };
    struct exchange_config config = { .venue = "binance",
                                      .instruments = instruments,
                                      .instrument_count = 1,
                                      .accounts = accounts,
                                      .account_count = 2,
                                      .fee_asset = FEE_IN_RECEIVED,
                                      .orders_max = 20000,
                                      .background_orders_max = 4096,
                                      .executions_max = 20000,
                                      .levels_max = 2048 };

    memset(&world, 0, sizeof(world));
    world.memory = calloc(1, exchange_memory(&config));
    CHECK_INT(exchange_init(&world.exchange, &config, world.memory, on_event, NULL), 0);
    for (uint32_t account = 0; account < 2; account++)
        for (uint32_t asset = 0; asset < 2; asset++)
            exchange_transfer(&world.exchange, account, asset, DEC(1000000), 1);
    world.account =
        (struct sim_account){ .name = "alice", .key = KEY, .secret = SECRET, .account = ALICE };
    world.sim = (struct sim){ .venue = "binance",
                              .exchange = &world.exchange,
                              .accounts = &world.account,
                              .account_count = 1,
                              .now_ns = NOW_MS * NS_PER_MS,
                              .seed = 1,
                              .output = &output,
                              .state = calloc(1, sizeof(struct binance)) };
    world.api_key = KEY;
    CHECK_INT(sim_binance.init(&world.sim), 0);
}

static void close_world(void)
{
    char why[128] = "";

    CHECK(exchange_check(&world.exchange, why, sizeof(why)));
    CHECK_STR(why, "");
    forget_frames();
    sim_binance.fini(&world.sim);
    free(world.api.state);
    free(world.stream.state);
    free(world.sim.state);
    free(world.memory);
}

static void sign_with(const char *secret, const char *text, char out[65])
{
    unsigned char mac[32];
    unsigned len = 0;

    HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)text, strlen(text), mac,
         &len);
    for (unsigned i = 0; i < 32; i++)
        snprintf(out + 2 * i, 3, "%02x", mac[i]);
}

static void request(const char *method, const char *path, const char *query, const char *body)
{
    struct sim_http http = { .sim = &world.sim,
                             .method = method,
                             .path = path,
                             .query = query,
                             .body = body,
                             .body_len = strlen(body) };

    sim_binance.http(&world.sim, &http);
    CHECK(http.is_replied);
}

/* Signed, at ms from the venue's time. */
static int signed_at(const char *method, const char *path, const char *params, int64_t ms)
{
    char text[1024], query[1200], signature[65];

    snprintf(text, sizeof(text), "%s%stimestamp=%lld", params, params[0] ? "&" : "",
             (long long)(world.sim.now_ns / NS_PER_MS + ms));
    sign_with(SECRET, text, signature);
    snprintf(query, sizeof(query), "%s&signature=%s", text, signature);
    request(method, path, query, "");
    return world.status;
}

static int signed_request(const char *method, const char *path, const char *params)
{
    return signed_at(method, path, params, 0);
}

static int code(void)
{
    cJSON *root = cJSON_Parse(world.body);
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(root, "code");
    int value = cJSON_IsNumber(item) ? item->valueint : 0;

    cJSON_Delete(root);
    return value;
}

static bool body_has(const char *part)
{
    return strstr(world.body, part) != NULL;
}

static void background(wire_side side, double price, double qty)
{
    struct exchange_request put = { .account = 0,
                                    .side = side,
                                    .type = ORDER_LIMIT,
                                    .time_in_force = TIF_GTC,
                                    .price = DEC(price),
                                    .qty = DEC(qty) };

    CHECK_INT(exchange_place(&world.exchange, &put, world.sim.now_ns, NULL), CAUSE_NONE);
}

/* ---- signatures ---- */

static void published_vectors_are_accepted_and_a_changed_byte_is_not(void)
{
    static const struct {
        const char *text, *signature;
    } vectors[] = {
        { "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&"
          "timestamp=1499827319559",
          "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71" },
        { "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTCquantity=1&price=0.1&recvWindow=5000&"
          "timestamp=1499827319559",
          "0fd168b8ddb4876a0358a8d14d0c9f3da0e9b20c5d52b2a00fcf7d1c602f9a77" },
        { "symbol=%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96&side=BUY&type=LIMIT&"
          "timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559",
          "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3" },
        { "apiKey=" KEY "&timestamp=1649729878532",
          "1cf54395b336b0a9727ef27d5d98987962bc47aca6e13fe978612d0adee066ed" },
        { "apiKey=" KEY "&price=23416.10000000&quantity=0.00847000&side=SELL&symbol=BTCUSDT&"
          "timeInForce=GTC&timestamp=1660801715431&type=LIMIT",
          "15af09e41c36f3cc61378c2fbe2c33719a03dd5eba8d0f9206fbda44de717c88" },
    };

    for (size_t i = 0; i < COUNT(vectors); i++) {
        const char *text = vectors[i].text;
        char changed[65];
        CHECK(bsim_signature_is_right(SECRET, text, strlen(text), vectors[i].signature));
        CHECK(!bsim_signature_is_right(SECRET, text, strlen(text) - 1, vectors[i].signature));
        snprintf(changed, sizeof(changed), "%s", vectors[i].signature);
        changed[63] = changed[63] == '0' ? '1' : '0';
        CHECK(!bsim_signature_is_right(SECRET, text, strlen(text), changed));
    }
}

/* The vectors' own requests: what is signed is what was sent, in query, body, or both. */
static void a_request_may_be_signed_over_query_and_body(void)
{
    open_world();
    world.sim.now_ns = INT64_C(1499827319559) * NS_PER_MS;
    request("POST", "/api/v3/order", "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC",
            "quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559&signature="
            "0fd168b8ddb4876a0358a8d14d0c9f3da0e9b20c5d52b2a00fcf7d1c602f9a77");
    CHECK_INT(code(), -1121); /* Past the signature: the symbol is not traded here. */
    request("POST", "/api/v3/order", "",
            "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&"
            "recvWindow=5000&timestamp=1499827319559&signature="
            "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71");
    CHECK_INT(code(), -1121);
    request("POST", "/api/v3/order", "",
            "symbol=LTCBTC&side=SELL&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&"
            "recvWindow=5000&timestamp=1499827319559&signature="
            "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71");
    CHECK_INT(code(), -1022);
    close_world();
}

static void stale_early_unsigned_and_unknown_requests_are_refused(void)
{
    open_world();
    CHECK_INT(signed_at("GET", "/api/v3/account", "", 0), 200);
    CHECK_INT(signed_at("GET", "/api/v3/account", "", 999), 200);
    CHECK_INT(signed_at("GET", "/api/v3/account", "", 1000), 400);
    CHECK_INT(code(), -1021);
    CHECK_INT(signed_at("GET", "/api/v3/account", "", -5000), 200);
    CHECK_INT(signed_at("GET", "/api/v3/account", "", -5001), 400);
    CHECK_INT(code(), -1021);
    CHECK_INT(signed_at("GET", "/api/v3/account", "recvWindow=100", -101), 400);
    CHECK_INT(code(), -1021);
    CHECK_INT(signed_at("GET", "/api/v3/account", "recvWindow=60001", 0), 400);
    CHECK_INT(code(), -1131);
    request("GET", "/api/v3/account", "timestamp=1700000000000", "");
    CHECK_INT(code(), -1102);
    world.api_key = NULL;
    CHECK_INT(signed_request("GET", "/api/v3/account", ""), 401);
    CHECK_INT(code(), -2014);
    world.api_key = "wmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A";
    CHECK_INT(signed_request("GET", "/api/v3/account", ""), 401);
    CHECK_INT(code(), -2015);
    request("POST", "/api/v3/userDataStream", "", "");
    CHECK_INT(world.status, 410);
    close_world();
}

/* ---- orders ---- */

#define LIMIT "symbol=BTCUSDT&type=LIMIT&timeInForce=GTC"

static void each_refusal_has_the_venues_own_code_and_words(void)
{
    static const struct {
        const char *params;
        int code;
        const char *words;
    } cases[] = {
        { LIMIT "&side=BUY&quantity=0.01", -1102, "'price'" },
        { LIMIT "&side=BUY&quantity=0.01&price=1e5", -1100, "'price'" },
        { LIMIT "&side=BUY&quantity=0.01&price=49000.123456789", -1111, "precision" },
        { LIMIT "&side=BUY&quantity=0.01&price=49000.001", -1013, "PRICE_FILTER" },
        { LIMIT "&side=BUY&quantity=0.000001&price=49000", -1013, "LOT_SIZE" },
        { LIMIT "&side=BUY&quantity=0.0001&price=49000", -1013, "NOTIONAL" },
        { LIMIT "&side=BUY&quantity=0.01&price=61000", -1013, "PERCENT_PRICE_BY_SIDE" },
        { LIMIT "&side=BUY&quantity=8000&price=49000", -2010, "insufficient balance" },
        { LIMIT "&side=HOLD&quantity=0.01&price=49000", -1117, "side" },
        { LIMIT "&side=BUY&quantity=0.01&price=49000&icebergQty=1", -1104, "Not all sent" },
        { LIMIT "&side=BUY&quantity=0.01&price=49000&newClientOrderId=a.b", -1100,
          "newClientOrderId" },
        { LIMIT "&side=BUY&quantity=0.01&price=49000&selfTradePreventionMode=NONE", -1013,
          "self-trade" },
        { "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1&timeInForce=GTC", -1106, "timeInForce" },
        { "symbol=BTCUSDT&side=BUY&type=STOP_LOSS&quantity=1", -1116, "orderType" },
        { "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTD&quantity=1&price=49000", -1115,
          "timeInForce" },
        { "symbol=NOPE&side=BUY&type=MARKET&quantity=1", -1121, "Invalid symbol" },
        { LIMIT "&side=BUY&quantity=0.01&quantity=0.02&price=49000", -1101, "Duplicate" },
    };

    open_world();
    background(SIDE_SELL, 50001, 1);
    for (size_t i = 0; i < COUNT(cases); i++) {
        (void)signed_request("POST", "/api/v3/order", cases[i].params);
        CHECK_INT(code(), cases[i].code);
        CHECK(body_has(cases[i].words));
    }
    CHECK_INT(signed_request("POST", "/api/v3/order",
                             "symbol=BTCUSDT&side=BUY&type=LIMIT_MAKER&quantity=0.01&price=50001"),
              400);
    CHECK(body_has("Order would immediately match and take."));
    CHECK_INT(signed_request("POST", "/api/v3/order",
                             LIMIT "&side=BUY&quantity=0.01&price=49000&newClientOrderId=a"),
              200);
    CHECK_INT(signed_request("POST", "/api/v3/order",
                             LIMIT "&side=BUY&quantity=0.01&price=49000&newClientOrderId=a"),
              400);
    CHECK(body_has("Duplicate order sent."));
    CHECK_INT(world.exchange.accounts[ALICE].placed, 1);
    close_world();
}

static void a_market_order_answers_with_its_fills_and_an_ioc_with_its_end(void)
{
    open_world();
    background(SIDE_SELL, 50001, 0.5);
    background(SIDE_SELL, 50002, 0.5);
    CHECK_INT(
        signed_request("POST", "/api/v3/order", "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.6"),
        200);
    CHECK(body_has("\"status\":\"FILLED\""));
    CHECK(body_has("\"price\":\"50001.00000000\",\"qty\":\"0.50000000\","
                   "\"commission\":\"0.00050000\",\"commissionAsset\":\"BTC\",\"tradeId\":1"));
    CHECK(body_has("\"cummulativeQuoteQty\":\"30000.70000000\""));
    CHECK_INT(signed_request("POST", "/api/v3/order",
                             "symbol=BTCUSDT&type=LIMIT&timeInForce=IOC&side=BUY&quantity=0.6&"
                             "price=50002"),
              200);
    CHECK(body_has("\"status\":\"EXPIRED\""));
    CHECK(body_has("\"executedQty\":\"0.40000000\""));
    CHECK(body_has("UNFILLED_IOC_QUANTITY_EXPIRED"));
    CHECK_INT(signed_request("GET", "/api/v3/myTrades", "symbol=BTCUSDT"), 200);
    CHECK(body_has("\"id\":3,"));
    CHECK_INT(signed_request("GET", "/api/v3/allOrders", "symbol=BTCUSDT"), 200);
    CHECK(body_has("\"status\":\"FILLED\"") && body_has("\"status\":\"EXPIRED\""));
    close_world();
}

static void cancel_replace_says_what_became_of_both_halves(void)
{
    static const char replace[] = "/api/v3/order/cancelReplace";

    open_world();
    background(SIDE_SELL, 50001, 1);
    (void)signed_request("POST", "/api/v3/order",
                         LIMIT "&side=BUY&quantity=0.01&price=49000&newClientOrderId=a");
    CHECK_INT(signed_request("POST", replace,
                             LIMIT "&side=BUY&quantity=0.01&price=49001&newClientOrderId=b&"
                                   "cancelReplaceMode=STOP_ON_FAILURE&cancelOrigClientOrderId=a"),
              200);
    CHECK(body_has("\"cancelResult\":\"SUCCESS\",\"newOrderResult\":\"SUCCESS\""));
    CHECK_INT(signed_request("POST", replace,
                             LIMIT "&side=BUY&quantity=0.01&price=49001&newClientOrderId=c&"
                                   "cancelReplaceMode=STOP_ON_FAILURE&cancelOrigClientOrderId=a"),
              400);
    CHECK_INT(code(), -2022);
    CHECK(body_has("NOT_ATTEMPTED"));
    CHECK_INT(signed_request("POST", replace,
                             LIMIT "&side=BUY&quantity=0.01&price=49001&newClientOrderId=c&"
                                   "cancelReplaceMode=ALLOW_FAILURE&cancelOrigClientOrderId=a"),
              409);
    CHECK_INT(code(), -2021);
    CHECK_INT(signed_request("POST", replace,
                             "symbol=BTCUSDT&type=LIMIT_MAKER&side=BUY&quantity=0.01&price=50001&"
                             "newClientOrderId=d&cancelReplaceMode=STOP_ON_FAILURE&"
                             "cancelOrigClientOrderId=b"),
              409);
    CHECK(body_has("\"cancelResult\":\"SUCCESS\",\"newOrderResult\":\"FAILURE\""));
    /* A filter is looked at first: nothing is done. */
    CHECK_INT(signed_request("POST", replace,
                             LIMIT "&side=BUY&quantity=0.01&price=49001.001&newClientOrderId=e&"
                                   "cancelReplaceMode=ALLOW_FAILURE&cancelOrigClientOrderId=c"),
              400);
    CHECK_INT(code(), -1013);
    CHECK_INT(world.exchange.accounts[ALICE].open_orders[0], 1);
    close_world();
}

static void an_amendment_reduces_and_renames(void)
{
    static const char amend[] = "/api/v3/order/amend/keepPriority";

    open_world();
    (void)signed_request("POST", "/api/v3/order",
                         LIMIT "&side=BUY&quantity=0.02&price=49000&newClientOrderId=a");
    CHECK_INT(signed_request("PUT", amend,
                             "symbol=BTCUSDT&origClientOrderId=a&newQty=0.03&newClientOrderId=a"),
              400);
    CHECK(body_has("quantity increase"));
    CHECK_INT(signed_request("PUT", amend,
                             "symbol=BTCUSDT&origClientOrderId=a&newQty=0.01&newClientOrderId=b"),
              200);
    CHECK(body_has("\"origClientOrderId\":\"a\",\"clientOrderId\":\"b\""));
    CHECK(body_has("\"qty\":\"0.01000000\""));
    CHECK_INT(signed_request("GET", "/api/v3/order", "symbol=BTCUSDT&origClientOrderId=b"), 200);
    CHECK_INT(signed_request("GET", "/api/v3/order", "symbol=BTCUSDT&origClientOrderId=zz"), 400);
    CHECK_INT(code(), -2013);
    CHECK_INT(signed_request("DELETE", "/api/v3/order", "symbol=BTCUSDT&origClientOrderId=b"), 200);
    CHECK_INT(signed_request("DELETE", "/api/v3/order", "symbol=BTCUSDT&origClientOrderId=b"), 400);
    CHECK_INT(code(), -2011);
    close_world();
}

/* ---- limits ---- */

static void weight_runs_out_then_comes_the_ban_then_both_end(void)
{
    int ok = 0, refused = 0, banned = 0;

    open_world();
    for (int i = 0; i < 340; i++) {
        (void)signed_request("GET", "/api/v3/account", "");
        ok += world.status == 200;
        refused += world.status == 429;
        banned += world.status == 418;
    }
    CHECK_INT(ok, 300); /* 20 each, of 6,000. */
    CHECK_INT(refused, 20);
    CHECK_INT(banned, 20);
    CHECK(strstr(world.headers, "Retry-After: 120\r\n") != NULL);
    CHECK(body_has("IP banned until 1700000120000"));
    world.sim.now_ns += 60 * NS_PER_S;
    CHECK_INT(signed_request("GET", "/api/v3/account", ""), 418);
    world.sim.now_ns += 61 * NS_PER_S;
    CHECK_INT(signed_request("GET", "/api/v3/account", ""), 200);
    CHECK(strstr(world.headers, "X-MBX-USED-WEIGHT-1M: 20\r\n") != NULL);
    close_world();
}

static void unfilled_orders_are_counted_and_a_fill_gives_credit(void)
{
    open_world();
    for (int i = 0; i < 100; i++)
        CHECK_INT(
            signed_request("POST", "/api/v3/order", LIMIT "&side=BUY&quantity=0.001&price=49000"),
            200);
    CHECK(strstr(world.headers, "X-MBX-ORDER-COUNT-10S: 100\r\n") != NULL);
    CHECK_INT(signed_request("POST", "/api/v3/order", LIMIT "&side=BUY&quantity=0.001&price=49000"),
              429);
    CHECK_INT(code(), -1015);
    background(SIDE_SELL, 49000, 0.001);
    CHECK_INT(signed_request("POST", "/api/v3/order", LIMIT "&side=BUY&quantity=0.001&price=49000"),
              200);
    CHECK(strstr(world.headers, "X-MBX-ORDER-COUNT-10S: 96\r\n") != NULL);
    /* Successful orders have no weight; the refused one cost 1. */
    CHECK(strstr(world.headers, "X-MBX-USED-WEIGHT-1M: 1\r\n") != NULL);
    close_world();
}

/* ---- streams ---- */

static void connect_stream(const char *path, const char *query)
{
    world.stream = (struct sim_ws){ .sim = &world.sim, .listener = BINANCE_STREAM, .id = 1 };
    snprintf(world.stream.path, sizeof(world.stream.path), "%s", path);
    snprintf(world.stream.query, sizeof(world.stream.query), "%s", query);
    world.stream.state = calloc(1, sizeof(struct connection));
    world.sim.first_ws = &world.stream;
    sim_binance.ws_opened(&world.sim, &world.stream);
}

static void tick_100ms(void)
{
    world.sim.now_ns += 100 * NS_PER_MS;
    sim_binance.tick(&world.sim);
}

/* A book kept from diffs alone. */
struct rebuilt {
    int64_t price[512], qty[512];
    unsigned count;
};

static void apply(struct rebuilt *book, const cJSON *levels)
{
    const cJSON *pair;

    cJSON_ArrayForEach(pair, levels)
    {
        const char *price_text = cJSON_GetArrayItem(pair, 0)->valuestring;
        const char *qty_text = cJSON_GetArrayItem(pair, 1)->valuestring;
        int64_t price = 0, qty = 0;
        unsigned i = 0;
        CHECK_INT(sim_decimal(price_text, strlen(price_text), &price), 0);
        CHECK_INT(sim_decimal(qty_text, strlen(qty_text), &qty), 0);
        while (i < book->count && book->price[i] != price)
            i++;
        if (i == book->count && i < COUNT(book->price))
            book->price[book->count++] = price;
        book->qty[i] = qty;
    }
}

static int64_t rebuilt_qty(const struct rebuilt *book, int64_t price)
{
    for (unsigned i = 0; i < book->count; i++)
        if (book->price[i] == price)
            return book->qty[i];
    return 0;
}

static void compare(const struct rebuilt *book, wire_side side)
{
    const struct match_side *levels = match_side_of(&world.exchange.instruments[0].book, side);
    unsigned live = 0;

    for (unsigned i = 0; i < book->count; i++)
        live += book->qty[i] != 0;
    CHECK_INT(live, levels->count);
    for (uint32_t i = 0; i < levels->count; i++)
        CHECK_INT(rebuilt_qty(book, levels->levels[i].price), levels->levels[i].qty);
}

static unsigned gaps;

static void read_diffs(struct rebuilt *bids, struct rebuilt *asks, double *last_u)
{
    for (unsigned i = 0; i < world.frame_count; i++) {
        cJSON *root = cJSON_Parse(world.frames[i]);
        const cJSON *event = cJSON_GetObjectItemCaseSensitive(root, "e");
        if (event && strcmp(event->valuestring, "depthUpdate") == 0) {
            double first = cJSON_GetObjectItemCaseSensitive(root, "U")->valuedouble;
            gaps += first != *last_u + 1;
            *last_u = cJSON_GetObjectItemCaseSensitive(root, "u")->valuedouble;
            apply(bids, cJSON_GetObjectItemCaseSensitive(root, "b"));
            apply(asks, cJSON_GetObjectItemCaseSensitive(root, "a"));
        }
        cJSON_Delete(root);
    }
    forget_frames();
}

static void random_flow(uint64_t *random, int count)
{
    for (int i = 0; i < count; i++) {
        wire_side side = sim_random(random) >> 60 & 1 ? SIDE_BUY : SIDE_SELL;
        background(side, 49990 + (double)(sim_random(random) >> 40 & 31), 0.01);
    }
}

static void diffs_alone_rebuild_the_book_without_a_gap(void)
{
    struct rebuilt bids = { 0 }, asks = { 0 };
    double last_u = 0;
    uint64_t random = 99;

    open_world();
    gaps = 0;
    connect_stream("/ws/btcusdt@depth@100ms", "");
    for (int round = 0; round < 50; round++) {
        random_flow(&random, round == 20 ? 2000 : 20); /* More changes than a diff holds, once. */
        tick_100ms();
        read_diffs(&bids, &asks, &last_u);
        compare(&bids, SIDE_BUY);
        compare(&asks, SIDE_SELL);
    }
    CHECK_INT(gaps, 0);
    CHECK(last_u == (double)world.exchange.instruments[0].update_id);
    world.sim.faults[SIM_FAULT_SKIP_SEQUENCE].count = 1;
    random_flow(&random, 20);
    tick_100ms();
    CHECK_INT(world.frame_count, 0);
    random_flow(&random, 20);
    tick_100ms();
    read_diffs(&bids, &asks, &last_u);
    CHECK_INT(gaps, 1);
    close_world();
}

static void control_frames_are_answered_and_a_flood_is_cut(void)
{
    static const char subscribe[] =
        "{\"method\":\"SUBSCRIBE\",\"params\":[\"btcusdt@bookTicker\"],\"id\":1}";
    static const char list[] = "{\"method\":\"LIST_SUBSCRIPTIONS\",\"id\":\"x\"}";
    static const char wrong[] = "{\"method\":\"JUMP\",\"id\":2}";

    open_world();
    connect_stream("/stream", "streams=btcusdt@trade/btcusdt@aggTrade");
    sim_binance.ws_frame(&world.sim, &world.stream, subscribe, strlen(subscribe));
    CHECK_STR(world.frames[0], "{\"result\":null,\"id\":1}");
    sim_binance.ws_frame(&world.sim, &world.stream, list, strlen(list));
    CHECK_STR(world.frames[1], "{\"result\":[\"btcusdt@trade\",\"btcusdt@aggTrade\","
                               "\"btcusdt@bookTicker\"],\"id\":\"x\"}");
    sim_binance.ws_frame(&world.sim, &world.stream, wrong, strlen(wrong));
    CHECK(strstr(world.frames[2], "\"code\":2") != NULL);
    sim_binance.ws_frame(&world.sim, &world.stream, "{", 1);
    CHECK(strstr(world.frames[3], "\"code\":3") != NULL);
    forget_frames();
    background(SIDE_SELL, 50001, 1);
    background(SIDE_BUY, 50000, 1);
    CHECK_STR(world.frames[0],
              "{\"stream\":\"btcusdt@bookTicker\",\"data\":{\"u\":2,\"s\":\"BTCUSDT\","
              "\"b\":\"50000.00000000\",\"B\":\"1.00000000\",\"a\":\"50001.00000000\","
              "\"A\":\"1.00000000\"}}");
    CHECK_INT(world.closed_code, 0);
    sim_binance.ws_frame(&world.sim, &world.stream, list, strlen(list));
    sim_binance.ws_frame(&world.sim, &world.stream, list, strlen(list));
    CHECK_INT(world.closed_code, 1008);
    close_world();
}

/* ---- WS API ---- */

static void connect_api(void)
{
    world.api = (struct sim_ws){ .sim = &world.sim, .listener = BINANCE_WS_API, .id = 2 };
    snprintf(world.api.path, sizeof(world.api.path), "/ws-api/v3");
    world.api.state = calloc(1, sizeof(struct connection));
    world.sim.first_ws = &world.api;
    sim_binance.ws_opened(&world.sim, &world.api);
}

/* params: "name":value pairs in the order of their names, with text: the same as it is signed. */
static void api_call(const char *method, const char *json, const char *text)
{
    char signature[65], payload[1024], frame[2048];

    snprintf(payload, sizeof(payload), "%s", text);
    sign_with(SECRET, payload, signature);
    int len = snprintf(frame, sizeof(frame),
                       "{\"id\":\"q\",\"method\":\"%s\",\"params\":{%s,\"signature\":\"%s\"}}",
                       method, json, signature);
    sim_binance.ws_frame(&world.sim, &world.api, frame, (size_t)len);
}

static bool some_frame_has(const char *part)
{
    for (unsigned i = 0; i < world.frame_count; i++)
        if (strstr(world.frames[i], part))
            return true;
    return false;
}

static void subscribe_user_data(void)
{
    api_call("userDataStream.subscribe.signature",
             "\"apiKey\":\"" KEY "\",\"timestamp\":1700000000000",
             "apiKey=" KEY "&timestamp=1700000000000");
    CHECK(some_frame_has("\"status\":200,\"result\":{\"subscriptionId\":0}"));
    forget_frames();
}

#define API_ORDER                                                                            \
    "\"apiKey\":\"" KEY "\",\"newClientOrderId\":\"w1\",\"price\":\"49000.00\","             \
    "\"quantity\":\"0.01\",\"side\":\"BUY\",\"symbol\":\"BTCUSDT\",\"timeInForce\":\"GTC\"," \
    "\"timestamp\":1700000000000,\"type\":\"LIMIT\""
#define API_ORDER_TEXT                                                                         \
    "apiKey=" KEY "&newClientOrderId=w1&price=49000.00&quantity=0.01&side=BUY&symbol=BTCUSDT&" \
    "timeInForce=GTC&timestamp=1700000000000&type=LIMIT"

static void an_order_over_the_ws_api_is_answered_and_reported(void)
{
    open_world();
    connect_api();
    subscribe_user_data();
    api_call("order.place", API_ORDER, API_ORDER_TEXT);
    CHECK(some_frame_has("{\"id\":\"q\",\"status\":200,\"result\":{\"symbol\":\"BTCUSDT\""));
    CHECK(some_frame_has("\"rateLimitType\":\"ORDERS\",\"interval\":\"SECOND\",\"intervalNum\":10,"
                         "\"limit\":100,\"count\":1"));
    CHECK(some_frame_has("{\"subscriptionId\":0,\"event\":{\"e\":\"executionReport\""));
    CHECK(some_frame_has("\"x\":\"NEW\",\"X\":\"NEW\""));
    CHECK(some_frame_has("\"a\":\"USDT\",\"f\":\"999510.00000000\",\"l\":\"490.00000000\""));
    forget_frames();
    background(SIDE_SELL, 49000, 0.004);
    CHECK(some_frame_has("\"x\":\"TRADE\",\"X\":\"PARTIALLY_FILLED\""));
    CHECK(some_frame_has("\"l\":\"0.00400000\",\"z\":\"0.00400000\",\"L\":\"49000.00000000\","
                         "\"n\":\"0.00000400\",\"N\":\"BTC\""));
    CHECK(some_frame_has("\"m\":true"));
    forget_frames();
    (void)signed_request("DELETE", "/api/v3/order",
                         "symbol=BTCUSDT&origClientOrderId=w1&newClientOrderId=gone");
    CHECK(some_frame_has("\"c\":\"gone\""));
    CHECK(some_frame_has("\"C\":\"w1\",\"x\":\"CANCELED\",\"X\":\"CANCELED\""));
    forget_frames();
    exchange_transfer(&world.exchange, ALICE, 1, DEC(7), world.sim.now_ns);
    CHECK(some_frame_has("\"e\":\"balanceUpdate\"") && some_frame_has("\"d\":\"7.00000000\""));
    close_world();
}

static void answer_and_events_come_in_either_order(void)
{
    unsigned answer_first = 0, events_first = 0;

    open_world();
    connect_api();
    subscribe_user_data();
    for (int i = 0; i < 40; i++) {
        api_call("order.place", API_ORDER, API_ORDER_TEXT);
        CHECK_INT(world.frame_count, 3);
        *(world.frame_what[0] == SIM_ORDER_ACK ? &answer_first : &events_first) += 1;
        (void)signed_request("DELETE", "/api/v3/order", "symbol=BTCUSDT&origClientOrderId=w1");
        forget_frames();
    }
    CHECK(answer_first > 5 && events_first > 2);
    close_world();
}

static void ws_api_refusals_are_the_venues(void)
{
    open_world();
    connect_api();
    api_call("order.place", API_ORDER, "apiKey=" KEY);
    CHECK(some_frame_has("\"status\":400,\"error\":{\"code\":-1022"));
    forget_frames();
    api_call("session.logon", "\"apiKey\":\"" KEY "\",\"timestamp\":1700000000000",
             "apiKey=" KEY "&timestamp=1700000000000");
    CHECK(some_frame_has("-2028"));
    forget_frames();
    subscribe_user_data();
    api_call("userDataStream.subscribe.signature",
             "\"apiKey\":\"" KEY "\",\"timestamp\":1700000000000",
             "apiKey=" KEY "&timestamp=1700000000000");
    CHECK(some_frame_has("-2035"));
    forget_frames();
    world.sim.faults[SIM_FAULT_STATUS_429] = (struct sim_fault){ .count = 1, .ms = 2000 };
    api_call("order.place", API_ORDER, API_ORDER_TEXT);
    CHECK(some_frame_has("\"status\":429"));
    CHECK(some_frame_has("\"data\":{\"serverTime\":1700000000000,\"retryAfter\":1700000002000}"));
    CHECK_INT(world.exchange.accounts[ALICE].placed, 0);
    close_world();
}

/* ---- faults ---- */

static void faults_do_what_they_are_called(void)
{
    static const char order[] = LIMIT "&side=BUY&quantity=0.01&price=49000";

    open_world();
    connect_api();
    subscribe_user_data();
    world.sim.faults[SIM_FAULT_STATUS_5XX] = (struct sim_fault){ .count = 1 };
    CHECK_INT(signed_request("POST", "/api/v3/order", order), 503);
    CHECK_INT(world.exchange.accounts[ALICE].placed, 0);
    world.sim.faults[SIM_FAULT_STATUS_5XX] = (struct sim_fault){ .count = 1, .option = "after" };
    CHECK_INT(signed_request("POST", "/api/v3/order", order), 503);
    CHECK_INT(code(), -1007);
    CHECK_INT(world.exchange.accounts[ALICE].placed, 1);
    world.sim.faults[SIM_FAULT_REJECT].count = 1;
    CHECK_INT(signed_request("POST", "/api/v3/order", order), 400);
    CHECK_INT(code(), -2010);
    forget_frames();
    world.sim.faults[SIM_FAULT_DUPLICATE_EXECUTION].count = 1;
    background(SIDE_SELL, 49000, 0.005);
    CHECK_INT(world.frame_count, 3); /* The report twice, then the balances. */
    CHECK_STR(world.frames[0], world.frames[1]);
    forget_frames();
    world.sim.faults[SIM_FAULT_MAINTENANCE].until_ns = world.sim.now_ns + NS_PER_S;
    sim_binance.fault(&world.sim, SIM_FAULT_MAINTENANCE);
    CHECK(some_frame_has("serverShutdown"));
    CHECK_INT(world.closed_code, 1001);
    CHECK_INT(signed_request("POST", "/api/v3/order", order), 503);
    world.sim.now_ns += NS_PER_S;
    CHECK_INT(signed_request("POST", "/api/v3/order", order), 200);
    close_world();
}

static void a_corrupted_diff_crosses_the_book_of_whoever_believes_it(void)
{
    struct rebuilt bids = { 0 }, asks = { 0 };
    double last_u = 0;
    int64_t best_bid = 0;

    open_world();
    gaps = 0;
    connect_stream("/ws/btcusdt@depth@100ms", "");
    background(SIDE_SELL, 50001, 1);
    background(SIDE_BUY, 50000, 1);
    world.sim.faults[SIM_FAULT_CORRUPT_CHECKSUM].count = 1;
    tick_100ms();
    read_diffs(&bids, &asks, &last_u);
    for (unsigned i = 0; i < bids.count; i++)
        best_bid = MAX(best_bid, bids.price[i]);
    CHECK(best_bid > DEC(50001));
    CHECK_INT(gaps, 0);
    close_world();
}

static void mutate(char *text, size_t len, uint64_t *random)
{
    for (int i = 0; i < 3; i++)
        text[sim_random(random) % len] = (char)(sim_random(random) >> 30);
}

/* Anything may come from outside: it is answered or ignored, and the money stays whole. */
static void mangled_requests_and_frames_do_no_harm(void)
{
    static const char *const frames[] = {
        "{\"id\":1,\"method\":\"order.place\",\"params\":{\"symbol\":\"BTCUSDT\",\"price\":1.5,"
        "\"apiKey\":\"" KEY "\",\"timestamp\":1700000000000,\"signature\":\"00\"}}",
        "{\"id\":null,\"method\":\"depth\",\"params\":{\"symbol\":\"BTCUSDT\",\"limit\":5}}",
        "{\"method\":\"SUBSCRIBE\",\"params\":[\"btcusdt@depth@100ms\"],\"id\":1}",
        "{\"method\":\"SET_PROPERTY\",\"params\":[\"combined\",true],\"id\":5}",
    };
    static const char query[] =
        "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&"
        "price=49000&newClientOrderId=%41bc&limit=10&symbols=[%22BTCUSDT%22]";
    static const char *const paths[] = { "/api/v3/depth", "/api/v3/exchangeInfo", "/api/v3/order",
                                         "/api/v3/ticker/24hr", "/api/v3/trades" };
    uint64_t random = 4711;
    char text[1024];

    open_world();
    world.sim.are_limits_off = true;
    connect_api();
    connect_stream("/stream", "streams=btcusdt@trade");
    world.stream.next = &world.api;
    background(SIDE_SELL, 50001, 1);
    for (int i = 0; i < 20000; i++) {
        const char *frame = frames[(size_t)i % COUNT(frames)];
        size_t len = strlen(frame);
        memcpy(text, frame, len);
        mutate(text, len, &random);
        sim_binance.ws_frame(&world.sim, i % 4 < 2 ? &world.api : &world.stream, text, len);
        memcpy(text, query, sizeof(query));
        mutate(text, sizeof(query) - 1, &random);
        for (size_t k = 0; k < sizeof(query) - 1; k++)
            text[k] = text[k] ? text[k] : '%'; /* A C string, as the server hands it on. */
        request(i % 3 ? "GET" : "POST", paths[(size_t)i % COUNT(paths)], text, i % 7 ? "" : text);
        forget_frames();
    }
    CHECK_INT(world.exchange.accounts[ALICE].placed, 0);
    close_world();
}

int main(void)
{
    CASE(published_vectors_are_accepted_and_a_changed_byte_is_not);
    CASE(a_request_may_be_signed_over_query_and_body);
    CASE(stale_early_unsigned_and_unknown_requests_are_refused);
    CASE(each_refusal_has_the_venues_own_code_and_words);
    CASE(a_market_order_answers_with_its_fills_and_an_ioc_with_its_end);
    CASE(cancel_replace_says_what_became_of_both_halves);
    CASE(an_amendment_reduces_and_renames);
    CASE(weight_runs_out_then_comes_the_ban_then_both_end);
    CASE(unfilled_orders_are_counted_and_a_fill_gives_credit);
    CASE(diffs_alone_rebuild_the_book_without_a_gap);
    CASE(control_frames_are_answered_and_a_flood_is_cut);
    CASE(an_order_over_the_ws_api_is_answered_and_reported);
    CASE(answer_and_events_come_in_either_order);
    CASE(ws_api_refusals_are_the_venues);
    CASE(faults_do_what_they_are_called);
    CASE(a_corrupted_diff_crosses_the_book_of_whoever_believes_it);
    CASE(mangled_requests_and_frames_do_no_harm);
    DONE();
}
