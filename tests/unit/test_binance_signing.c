/* Binance requests against requests signed by others: an independent client's, and the venue's own
 * examples. */
#include "common/leaf/fixed.h"
#include "common/pure/crypto.h"
#include "tests/unit/capture.h"
#include "tests/proof.h"
#include "tests/unit/check.h"
#include "tests/unit/order_world.h"
#include "venues/binance/order.h"

#include <unistd.h>

extern const struct venue venue_binance;

static const char *const names[] = { "BTC-USDT" };

static void keys_set(struct venue_order_config *config, const char *key, const char *secret)
{
    *config = (struct venue_order_config){ .venue = "binance",
                                           .rest_url = "https://api.binance.com",
                                           .ws_url = "wss://ws-api.binance.com:443/ws-api/v3",
                                           .names = names,
                                           .name_count = 1,
                                           .api_key = key,
                                           .api_secret = secret,
                                           .api_passphrase = "",
                                           .recv_window_ms = 10000 };
}

/* Decimals as given: "43210.12" is 4321012 with 2. */
static void decimal_set(const char *text, int64_t *value, int *exp, int *decimals)
{
    CHECK(fixed_parse_natural(text, strlen(text), value, exp) == 0);
    *decimals = *exp;
}

static struct venue_command command_of(enum venue_op op, enum venue_transport transport)
{
    return (struct venue_command){
        .op = op, .transport = transport, .symbol = "BTCUSDT", .request_id = 1
    };
}

static struct venue_command order_of(enum venue_transport transport, wire_side side,
                                     wire_order_type type, wire_time_in_force tif, const char *qty,
                                     const char *price, const char *client_id)
{
    struct venue_command command = command_of(OP_PLACE, transport);

    command.side = side;
    command.type = type;
    command.time_in_force = tif;
    decimal_set(qty, &command.qty, &command.qty_exp, &command.qty_decimals);
    if (price)
        decimal_set(price, &command.price, &command.price_exp, &command.price_decimals);
    snprintf(command.client_order_id, sizeof(command.client_order_id), "%s", client_id);
    return command;
}

/* ---- an independent client's requests ---- */

/* What the client was asked to do, by the name of the vector. */
static bool vector_command(const char *call, struct venue_command *out)
{
    static const char id[] = "abcDEF0123456789";

    if (strcmp(call, "limit_buy") == 0)
        *out = order_of(TRANSPORT_REST, SIDE_BUY, ORDER_LIMIT, TIF_GTC, "0.001", "43210.12", id);
    else if (strcmp(call, "market_sell") == 0)
        *out = order_of(TRANSPORT_REST, SIDE_SELL, ORDER_MARKET, TIF_NONE, "0.002", NULL, id);
    else if (strcmp(call, "ioc") == 0)
        *out = order_of(TRANSPORT_REST, SIDE_SELL, ORDER_LIMIT, TIF_IOC, "0.001", "43210.12", id);
    else if (strcmp(call, "postonly") == 0)
        *out = order_of(TRANSPORT_REST, SIDE_BUY, ORDER_LIMIT, TIF_GTC, "0.001", "43000", id);
    else if (strcmp(call, "cancel") == 0)
        *out = command_of(OP_CANCEL, TRANSPORT_REST);
    else if (strcmp(call, "query") == 0)
        *out = command_of(OP_QUERY, TRANSPORT_REST);
    else if (strcmp(call, "open") == 0)
        *out = command_of(OP_OPEN_ORDERS, TRANSPORT_REST);
    else if (strcmp(call, "balance") == 0)
        *out = command_of(OP_BALANCES, TRANSPORT_REST);
    else if (strcmp(call, "trades") == 0)
        *out = command_of(OP_EXECUTIONS, TRANSPORT_REST);
    else if (strcmp(call, "cancelall") == 0)
        *out = command_of(OP_CANCEL_ALL, TRANSPORT_REST);
    else
        return false;
    out->is_post_only = strcmp(call, "postonly") == 0;
    if (out->op == OP_CANCEL || out->op == OP_QUERY)
        snprintf(out->exchange_order_id, sizeof(out->exchange_order_id), "1234567890");
    if (out->op == OP_BALANCES)
        out->symbol[0] = '\0';
    return true;
}

static void text_of(const struct scan_value *object, const char *name, char *out, size_t cap)
{
    struct scan_value value;

    out[0] = '\0';
    if (scan_find(object, name, &value) == 0)
        CHECK(scan_text(&value, out, cap) == 0);
}

/* Removes the client's own "acknowledged=true", which is no parameter of the venue, and signs what
 * is left. */
static void url_without_extra(char *url, const char *secret)
{
    static const char extra[] = "acknowledged=true&";
    struct hmac_key key;
    uint8_t mac[32];
    char *at = strstr(url, extra), *query = strchr(url, '?'), *signature;

    if (!at)
        return;
    /* First that its signature covers what it sent: then ours can be compared with the rest. */
    CHECK(hmac_key_init(&key, secret, strlen(secret)) == 0);
    signature = strstr(url, "&signature=");
    char hex[65];
    CHECK(hmac_sha256(&key, query + 1, (size_t)(signature - query - 1), mac) == 0);
    hex_encode(mac, sizeof(mac), hex);
    CHECK_STR(signature + strlen("&signature="), hex);
    memmove(at, at + strlen(extra), strlen(at + strlen(extra)) + 1);
    signature = strstr(url, "&signature=");
    CHECK(hmac_sha256(&key, query + 1, (size_t)(signature - query - 1), mac) == 0);
    hex_encode(mac, sizeof(mac), signature + strlen("&signature="));
    hmac_key_fini(&key);
}

static void vector_check(struct order_world *world, const struct scan_value *vector,
                         const char *secret)
{
    struct venue_command command;
    struct scan_value headers;
    char call[32], url[1024], method[16], body[1024], have[4096], key[128], type[64];

    text_of(vector, "call", call, sizeof(call));
    text_of(vector, "url", url, sizeof(url));
    text_of(vector, "method", method, sizeof(method));
    text_of(vector, "body", body, sizeof(body));
    CHECK(scan_find(vector, "headers", &headers) == 0);
    text_of(&headers, "X-MBX-APIKEY", key, sizeof(key));
    text_of(&headers, "Content-Type", type, sizeof(type));
    if (!vector_command(call, &command)) {
        fprintf(stderr, "no command for vector %s\n", call);
        CHECK(false);
        return;
    }
    url_without_extra(url, secret);
    order_world_clear(world);
    CHECK_INT(order_world_command(world, &command), 0);
    CHECK_INT(world->request_count, 1);
    const struct venue_request *request = &world->requests[0];
    snprintf(have, sizeof(have), "https://api.binance.com%s", request->path);
    CHECK_STR(have, url);
    CHECK_STR(request->method, method);
    snprintf(have, sizeof(have), "%.*s", (int)request->body_len, request->body);
    CHECK_STR(have, body);
    CHECK_INT(request->header_count, type[0] ? 2 : 1);
    CHECK_STR(request->headers[0].name, "X-MBX-APIKEY");
    CHECK_STR(request->headers[0].value, key);
    if (type[0]) {
        CHECK_STR(request->headers[1].name, "Content-Type");
        CHECK_STR(request->headers[1].value, type);
    }
    CHECK(request->is_private);
    CHECK_INT(request->is_cancel, strncmp(call, "cancel", 6) == 0);
}

static void requests_equal_those_of_an_independent_client_byte_for_byte(void)
{
    struct file_text file = file_read(SHARED "vectors/signed_requests.json");
    struct scan_value top, creds, requests, list, vector;
    struct scan_iter iter;
    struct venue_order_config config;
    struct order_world world;
    char key[128], secret[160];
    int64_t clock_ms = 0;
    unsigned count = 0;

    CHECK(scan_whole(file.text, file.len, &top) == 0 && scan_find(&top, "creds", &creds) == 0 &&
          scan_find(&top, "requests", &requests) == 0 &&
          scan_find(&requests, "binance", &list) == 0 &&
          scan_find(&top, "clock_ms", &vector) == 0 && scan_i64(&vector, &clock_ms) == 0);
    text_of(&creds, "apiKey", key, sizeof(key));
    text_of(&creds, "secret", secret, sizeof(secret));
    keys_set(&config, key, secret);
    CHECK(order_world_begin(&world, venue_binance.order, &config) == 0);
    world.clock.wall_ns = clock_ms * NS_PER_MS;
    CHECK(scan_begin(&iter, &list) == 0);
    for (; scan_item(&iter, &vector) == 0; count++)
        vector_check(&world, &vector, secret);
    CHECK_INT(count, 10);
    order_world_end(&world);
    free(file.text);
}

/* ---- the venue's own examples ---- */

static const char doc_key[] = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A";
static const char doc_secret[] = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";

/* The examples do not send newOrderRespType: these payloads are signed as they are, by the key that
 * the codec signs with. What the codec itself writes is compared below. */
static void published_payloads_have_the_published_signatures(void)
{
    static const struct {
        const char *payload, *signature;
    } vectors[] = {
        { "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&"
          "timestamp="
          "1499827319559",
          "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71" },
        { "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTCquantity=1&price=0.1&recvWindow=5000&"
          "timestamp="
          "1499827319559",
          "0fd168b8ddb4876a0358a8d14d0c9f3da0e9b20c5d52b2a00fcf7d1c602f9a77" },
        { "symbol=%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96&side=BUY&type=LIMIT&"
          "timeInForce="
          "GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559",
          "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3" },
        { "apiKey=vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A&price=52000.00&"
          "quantity="
          "0.01000000&recvWindow=100&side=SELL&symbol=BTCUSDT&timeInForce=GTC&timestamp="
          "1645423376532&type="
          "LIMIT",
          "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24" },
    };
    struct hmac_key key;
    uint8_t mac[32];
    char hex[65];

    CHECK(hmac_key_init(&key, doc_secret, strlen(doc_secret)) == 0);
    for (size_t i = 0; i < COUNT(vectors); i++) {
        CHECK(hmac_sha256(&key, vectors[i].payload, strlen(vectors[i].payload), mac) == 0);
        hex_encode(mac, sizeof(mac), hex);
        CHECK_STR(hex, vectors[i].signature);
    }
    hmac_key_fini(&key);
    proof("binance", signing, vector);
}

/* Signs again what a frame's params say, by the rule of the venue's page: sorted by name, joined,
 * raw. */
static void frame_signature_check(const char *frame, const char *secret)
{
    struct scan_value top, params, key_, value;
    struct scan_iter iter;
    char payload[1024] = "", signature[256] = "", last[64] = "", name[64], text[256], hex[65];
    struct hmac_key key;
    uint8_t mac[32];

    CHECK(scan_whole(frame, strlen(frame), &top) == 0 && scan_find(&top, "params", &params) == 0 &&
          scan_begin(&iter, &params) == 0);
    while (scan_member(&iter, &key_, &value) == 0) {
        CHECK(scan_text(&key_, name, sizeof(name)) == 0 &&
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
    CHECK(hmac_key_init(&key, secret, strlen(secret)) == 0);
    CHECK(hmac_sha256(&key, payload, strlen(payload), mac) == 0);
    hex_encode(mac, sizeof(mac), hex);
    CHECK_STR(signature, hex);
    hmac_key_fini(&key);
}

/* ---- Ed25519 ---- */

/* The key of the venue's FIX example, the only one it published whole. */
#define PEM_BODY "MC4CAQAwBQYDK2VwBCIEIIJEYWtGBrhACmb9Dvy+qa8WEf0lQOl1s4CLIAB9m89u"
static const char pem[] = "-----BEGIN PRIVATE KEY-----\n" PEM_BODY "\n-----END PRIVATE KEY-----\n";

static void ed25519_signs(const char *payload, const char *wanted)
{
    struct ed25519_key key = { NULL, NULL };
    uint8_t mac[64];
    char text[96];

    CHECK_INT(ed25519_key_init_pem(&key, pem, strlen(pem)), 0);
    CHECK_INT(ed25519_sign(&key, payload, strlen(payload), mac), 0);
    CHECK_INT(base64_encode(mac, sizeof(mac), text, sizeof(text)), 88);
    CHECK_STR(text, wanted);
    ed25519_key_fini(&key);
    CHECK(ed25519_sign(&key, payload, strlen(payload), mac) != 0);
    ed25519_key_fini(&key);
}

static void ed25519_signatures_are_those_of_the_published_key(void)
{
    /* The venue's own vector; then what the same key gives for its WebSocket and REST examples. */
    ed25519_signs(
        "A\001EXAMPLE\001SPOT\0011\00120240627-11:17:25.223",
        "4MHXelVVcpkdwuLbl6n73HQUXUf1dse2PCgT1DYqW9w8AVZ1RACFGM+5UdlGPrQHrgtS3CvsRURC1oj73j8g"
        "CA==");
    ed25519_signs(
        "apiKey=4yNzx3yWC5bS6YTwEkSRaC0nRmSQIIStAUOh1b6kqaBrTLIhjCpI5lJH8q8R8WNO&price="
        "52000.00&quantity=0.01000000&recvWindow=100&side=SELL&symbol=BTCUSDT&timeInForce="
        "GTC&timestamp=1645423376532&type=LIMIT",
        "82wlF5RobwT7JZehRQgOaupNEm5GrAqJj5tqZeCCE6ZxkhlUbWBThOx00q3FVnCKn882P+9p85phztjk4bOM"
        "AQ==");
    ed25519_signs(
        "symbol=BTCUSDT&side=SELL&type=LIMIT&timeInForce=GTC&quantity=1&price=0.2&timestamp="
        "1668481559918&recvWindow=5000",
        "inDT086KVIP8vgUfw5sV3VTkescWztiAGlf4x8FLKHM4NInsn0c1kYVLoGMO8cyjfR6vmTku2YQE0gtfVVlf"
        "Cw==");
    proof("binance", signing, vector);
}

static void a_pem_is_taken_however_its_lines_end_and_nothing_else(void)
{
    static const char *const good[] = {
        "-----BEGIN PRIVATE KEY-----" PEM_BODY "-----END PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\\n" PEM_BODY "\\n-----END PRIVATE KEY-----\\n",
        "-----BEGIN PRIVATE KEY-----\r\n" PEM_BODY "\r\n-----END PRIVATE KEY-----",
    };
    static const char *const bad[] = {
        "-----BEGIN PRIVATE KEY-----",
        PEM_BODY,
        "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIE\n-----END PRIVATE KEY-----",
        /* X25519 is another kind of key, of the same length. */
        "-----BEGIN PRIVATE KEY-----\n"
        "MC4CAQAwBQYDK2VuBCIEIIJEYWtGBrhACmb9Dvy+qa8WEf0lQOl1s4CLIAB9m89u\n"
        "-----END PRIVATE KEY-----",
        "-----BEGIN RSA PRIVATE KEY-----\n" PEM_BODY "\n-----END RSA PRIVATE KEY-----",
    };
    struct ed25519_key key = { NULL, NULL };

    for (size_t i = 0; i < COUNT(good); i++) {
        CHECK_INT(ed25519_key_init_pem(&key, good[i], strlen(good[i])), 0);
        ed25519_key_fini(&key);
    }
    for (size_t i = 0; i < COUNT(bad); i++)
        CHECK_INT(ed25519_key_init_pem(&key, bad[i], strlen(bad[i])), ERR_PROTO);
    CHECK(!key.key && !key.ctx);
}

/* What the codec sends is signed by that key: over WebSocket in plain base64, in a query with its
 * signs written as %XX. Ed25519 is deterministic, so signing again what was sent must give it. */
static void requests_are_signed_with_the_key_given(void)
{
    struct venue_order_config config;
    struct order_world world;
    struct ed25519_key key = { NULL, NULL };
    uint8_t mac[64];
    char text[96], escaped[300] = "";

    keys_set(&config, "EdKey", pem);
    CHECK_INT(order_world_begin(&world, venue_binance.order, &config), 0);
    CHECK_INT(ed25519_key_init_pem(&key, pem, strlen(pem)), 0);
    unsigned escapes = 0;
    for (int i = 0; i < 20; i++) { /* Enough that + and / both come. */
        struct venue_command order =
            order_of(TRANSPORT_REST, SIDE_SELL, ORDER_LIMIT, TIF_GTC, "0.001", "43210.12", "abc");

        world.clock.wall_ns += NS_PER_S;
        order_world_clear(&world);
        CHECK_INT(order_world_command(&world, &order), 0);
        const struct venue_request *request = &world.requests[0];
        const char *all = request->body_len ? request->body : strchr(request->path, '?') + 1;
        const char *at = strstr(all, "&signature=");
        CHECK(at != NULL);
        if (!at)
            break;
        CHECK_INT(ed25519_sign(&key, all, (size_t)(at - all), mac), 0);
        (void)base64_encode(mac, sizeof(mac), text, sizeof(text));
        escaped[0] = '\0';
        for (const char *c = text; *c; c++) {
            size_t len = strlen(escaped);
            snprintf(escaped + len, sizeof(escaped) - len,
                     *c == '+' || *c == '/' || *c == '=' ? "%%%02X" : "%c", *c);
        }
        escapes += strlen(escaped) > strlen(text) + 4; /* More than the two at its end. */
        size_t len =
            request->body_len ? request->body_len - (size_t)(at - all) - 11 : strlen(at + 11);
        CHECK(len == strlen(escaped) && memcmp(at + 11, escaped, len) == 0);
    }
    CHECK(escapes > 5);
    struct venue_command cancel = command_of(OP_CANCEL_ALL, TRANSPORT_WS);
    order_world_clear(&world);
    world.ops->opened(world.state, 0, &world.clock, &world.out);
    order_world_clear(&world);
    CHECK_INT(order_world_command(&world, &cancel), 0);
    const char *signature = strstr(world.frames[0], "\"signature\":\"");
    CHECK(signature && strlen(signature) > 13 + 88 && signature[13 + 88] == '"');
    ed25519_key_fini(&key);
    order_world_end(&world);
    proof("binance", signing, vector);
}

struct ws_vector {
    const char *name, *method, *signature;
    struct venue_command command;
    int64_t ms;
};

/* Requests of ours that have exactly the parameters of a published one have its signature. */
static void websocket_requests_have_the_published_signatures(void)
{
    struct venue_order_config config;
    struct order_world world;
    struct venue_command cancel = command_of(OP_CANCEL, TRANSPORT_WS);
    struct venue_command query = command_of(OP_QUERY, TRANSPORT_WS);
    struct venue_command balances = command_of(OP_BALANCES, TRANSPORT_WS);

    snprintf(cancel.client_order_id, sizeof(cancel.client_order_id), "4d96324ff9d44481926157");
    snprintf(query.exchange_order_id, sizeof(query.exchange_order_id), "12569099453");
    balances.symbol[0] = '\0';
    const struct ws_vector vectors[] = {
        { "W5", "order.cancel", "33d5b721f278ae17a52f004a82a6f68a70c68e7dd6776ed0be77a455ab855282",
          cancel, 1660801715830 },
        { "W6", "openOrders.cancelAll",
          "773f01b6e3c2c9e0c1d217bc043ce383c1ddd6f0e25f8d6070f2b66a6ceaf3a5",
          command_of(OP_CANCEL_ALL, TRANSPORT_WS), 1660805557200 },
        { "W7", "order.status", "2c3aab5a078ee4ea465ecd95523b77289f61476c2f238ec10c55ea6cb11a6f35",
          query, 1660801720951 },
        { "W9", "account.status",
          "83303b4a136ac1371795f465808367242685a9e3a42b22edb4d977d0696eb45c", balances,
          1660801839480 },
        { "W12", "openOrders.status",
          "d632b3fdb8a81dd44f82c7c901833309dd714fe508772a89b0a35b0ee0c48b89",
          command_of(OP_OPEN_ORDERS, TRANSPORT_WS), 1660813156812 },
    };

    keys_set(&config, doc_key, doc_secret);
    config.recv_window_ms = 0;
    CHECK(order_world_begin(&world, venue_binance.order, &config) == 0);
    for (size_t i = 0; i < COUNT(vectors); i++) {
        char method[64];
        order_world_clear(&world);
        world.clock.wall_ns = vectors[i].ms * NS_PER_MS;
        CHECK_INT(order_world_command(&world, &vectors[i].command), 0);
        snprintf(method, sizeof(method), "\"method\":\"%s\"", vectors[i].method);
        CHECK(strstr(world.frames[0], method) != NULL);
        CHECK(strstr(world.frames[0], vectors[i].signature) != NULL);
        frame_signature_check(world.frames[0], doc_secret);
    }
    /* W3: the private stream's subscription, sent when the connection opens. */
    order_world_clear(&world);
    world.clock.wall_ns = 1649729878532 * NS_PER_MS;
    world.ops->opened(world.state, 0, &world.clock, &world.out);
    CHECK_INT(world.frame_count, 1);
    CHECK(strstr(world.frames[0], "userDataStream.subscribe.signature") != NULL);
    CHECK(strstr(world.frames[0],
                 "1cf54395b336b0a9727ef27d5d98987962bc47aca6e13fe978612d0adee066ed") != NULL);
    order_world_end(&world);
    proof("binance", signing, vector);
}

/* W1, W2, W4, W8 and W10 have parameters of their own mind: the same templates, without
 * newOrderRespType, cancelRestrictions and limit, would be theirs. Here: what we do send is signed
 * as the page says. */
static void orders_over_websocket_are_signed_as_sent(void)
{
    struct venue_order_config config;
    struct order_world world;
    struct venue_command command =
        order_of(TRANSPORT_WS, SIDE_SELL, ORDER_LIMIT, TIF_GTC, "0.01000000", "52000.00", "id-1_A");

    keys_set(&config, doc_key, doc_secret);
    CHECK(order_world_begin(&world, venue_binance.order, &config) == 0);
    world.clock.wall_ns = 1645423376532 * NS_PER_MS;
    CHECK_INT(order_world_command(&world, &command), 0);
    frame_signature_check(world.frames[0], doc_secret);
    static const char want[] = "{\"id\":1,\"method\":\"order.place\",\"params\":{\"apiKey\":"
                               "\"vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
                               "\",\"newClientOrderId\":\"id-1_A\","
                               "\"newOrderRespType\":\"FULL\",\"price\":\"52000.00\",\"quantity\":"
                               "\"0.01000000\",\"recvWindow\":10000,"
                               "\"side\":\"SELL\",\"symbol\":\"BTCUSDT\",\"timeInForce\":\"GTC\","
                               "\"timestamp\":1645423376532,"
                               "\"type\":\"LIMIT\",\"signature\":\"";
    CHECK(strncmp(world.frames[0], want, strlen(want)) == 0);

    command.op = OP_REPLACE;
    snprintf(command.new_client_order_id, sizeof(command.new_client_order_id), "id-2");
    CHECK_INT(order_world_command(&world, &command), 0);
    frame_signature_check(world.frames[1], doc_secret);
    CHECK(strstr(world.frames[1], "\"cancelOrigClientOrderId\":\"id-1_A\"") != NULL);
    CHECK(strstr(world.frames[1], "\"cancelReplaceMode\":\"STOP_ON_FAILURE\"") != NULL);
    CHECK(strstr(world.frames[1], "\"cancelRestrictions\":\"ONLY_NEW\"") != NULL);
    CHECK(strstr(world.frames[1], "\"newClientOrderId\":\"id-2\"") != NULL);

    command = command_of(OP_EXECUTIONS, TRANSPORT_WS);
    command.since_wall_ns = 1660780800000 * NS_PER_MS;
    CHECK_INT(order_world_command(&world, &command), 0);
    frame_signature_check(world.frames[2], doc_secret);
    CHECK(strstr(world.frames[2], "\"startTime\":1660780800000") != NULL);
    order_world_end(&world);
}

/* A symbol outside ASCII is encoded in a REST query before signing, and raw over WebSocket. */
static void symbols_outside_ascii_are_encoded_for_rest_and_raw_for_websocket(void)
{
    struct venue_order_config config;
    struct order_world world;
    struct venue_command command = command_of(OP_OPEN_ORDERS, TRANSPORT_REST);

    snprintf(command.symbol, sizeof(command.symbol), "１２３４５６");
    keys_set(&config, doc_key, doc_secret);
    CHECK(order_world_begin(&world, venue_binance.order, &config) == 0);
    CHECK_INT(order_world_command(&world, &command), 0);
    CHECK(strstr(world.requests[0].path,
                 "symbol=%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96&") != NULL);
    command.transport = TRANSPORT_WS;
    CHECK_INT(order_world_command(&world, &command), 0);
    CHECK(strstr(world.frames[0], "\"symbol\":\"１２３４５６\"") != NULL);
    frame_signature_check(world.frames[0], doc_secret);
    order_world_end(&world);
}

static void what_the_venue_has_no_words_for_is_refused_before_it_is_sent(void)
{
    struct venue_order_config config;
    struct order_world world;
    struct venue_command good = order_of(TRANSPORT_WS, SIDE_BUY, ORDER_LIMIT, TIF_GTC, "1.5",
                                         "100.25", "id"),
                         bad;

    keys_set(&config, doc_key, doc_secret);
    CHECK(order_world_begin(&world, venue_binance.order, &config) == 0);
    bad = good;
    snprintf(bad.client_order_id, sizeof(bad.client_order_id), "a.b");
    CHECK_INT(order_world_command(&world, &bad), ERR_RANGE);
    snprintf(bad.client_order_id, sizeof(bad.client_order_id),
             "0123456789012345678901234567890123456");
    CHECK_INT(order_world_command(&world, &bad), ERR_RANGE);
    snprintf(bad.client_order_id, sizeof(bad.client_order_id), "x\"y");
    CHECK_INT(order_world_command(&world, &bad), ERR_RANGE);
    bad = good;
    bad.price_decimals = 1; /* 100.25 would have to be rounded. */
    CHECK_INT(order_world_command(&world, &bad), ERR_RANGE);
    bad = good;
    bad.is_post_only = true;
    bad.time_in_force = TIF_IOC;
    CHECK_INT(order_world_command(&world, &bad), ERR_RANGE);
    bad = good;
    bad.is_reduce_only = true;
    CHECK_INT(order_world_command(&world, &bad), ERR_UNSUPPORTED);
    bad = good;
    bad.qty = 0;
    CHECK_INT(order_world_command(&world, &bad), ERR_RANGE);
    bad = good;
    bad.symbol[0] = '\0';
    CHECK_INT(order_world_command(&world, &bad), ERR_RANGE);
    bad = command_of(OP_CANCEL, TRANSPORT_WS);
    CHECK_INT(order_world_command(&world, &bad), ERR_RANGE);
    snprintf(bad.exchange_order_id, sizeof(bad.exchange_order_id), "12a");
    CHECK_INT(order_world_command(&world, &bad), ERR_RANGE);
    bad = command_of(OP_DEAD_MAN, TRANSPORT_BEST);
    CHECK_INT(order_world_command(&world, &bad), ERR_UNSUPPORTED);
    CHECK_INT(world.frame_count + world.request_count, 0);
    CHECK_INT(order_world_command(&world, &good), 0);
    order_world_end(&world);

    keys_set(&config, "", "");
    CHECK(order_world_begin(&world, venue_binance.order, &config) == 0);
    CHECK_INT(order_world_command(&world, &good), ERR_AUTH);
    order_world_end(&world);
    keys_set(&config, "key", "-----BEGIN PRIVATE KEY-----");
    CHECK_INT(order_world_begin(&world, venue_binance.order, &config), ERR_AUTH);
    order_world_end(&world);
}

int main(void)
{
    CASE(published_payloads_have_the_published_signatures);
    CASE(ed25519_signatures_are_those_of_the_published_key);
    CASE(a_pem_is_taken_however_its_lines_end_and_nothing_else);
    CASE(requests_are_signed_with_the_key_given);
    CASE(websocket_requests_have_the_published_signatures);
    CASE(orders_over_websocket_are_signed_as_sent);
    CASE(symbols_outside_ascii_are_encoded_for_rest_and_raw_for_websocket);
    CASE(what_the_venue_has_no_words_for_is_refused_before_it_is_sent);
    if (access(SHARED "vectors/signed_requests.json", R_OK) == 0)
        CASE(requests_equal_those_of_an_independent_client_byte_for_byte);
    else
        printf("ok independent client # skipped: no ../shared\n");
    DONE();
}
