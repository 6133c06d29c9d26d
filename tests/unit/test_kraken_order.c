/* The Kraken order codec: the venue's requests and signatures byte for byte, the private session,
 * and what each answer, refusal and silence is reported as. */
#include "common/pure/instrument.h"
#include "tests/unit/capture.h"
#include "tests/proof.h"
#include "tests/unit/check.h"
#include "tests/unit/order_world.h"
#include "venues/kraken/order.h"

#include <unistd.h>

extern const struct venue venue_kraken;

/* The venue's own published example key. */
#define SECRET \
    "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg=="

static const struct venue_order_config config = {
    .venue = "kraken",
    .rest_url = "https://api.kraken.com",
    .ws_url = "wss://ws-auth.kraken.com",
    .names = (const char *const[]){ "BTC-USD", "ETH-EUR" },
    .name_count = 2,
    .api_key = "the-key",
    .api_secret = SECRET,
    .recv_window_ms = 5000,
    .order_timeout_ns = 3 * NS_PER_S,
};

static int command(struct order_world *world, const struct venue_command *command)
{
    world->clock.nonce++;
    return order_world_command(world, command);
}

static int http(struct order_world *world, const char *body)
{
    const struct venue_request *last = &world->requests[(world->request_count - 1) % WORLD_SENT];

    world->clock.nonce++;
    return order_world_http(world, last->tag, 200, body);
}

static void pass(struct order_world *world, int64_t ns)
{
    world->clock.nonce++;
    order_world_pass(world, ns);
}

static const struct venue_request *last_request(const struct order_world *world)
{
    static const struct venue_request none = { .method = "" };

    return world->request_count ? &world->requests[(world->request_count - 1) % WORLD_SENT] : &none;
}

static const char *last_frame(const struct order_world *world)
{
    return world->frame_count ? world->frames[(world->frame_count - 1) % WORLD_SENT] : "";
}

static void begin(struct order_world *world)
{
    CHECK(order_world_begin(world, venue_kraken.order, &config) == 0);
    world->clock.nonce = 1616492376594;
    world->clock.wall_ns = INT64_C(1777975200000000000); /* 2026-05-05T10:00:00Z */
}

static const char asset_pairs[] =
    "{\"error\":[],\"result\":{\"XXBTZUSD\":{\"altname\":\"XBTUSD\",\"wsname\":\"XBT/USD\","
    "\"base\":\"XXBT\",\"quote\":\"ZUSD\",\"pair_decimals\":1,\"lot_decimals\":8,"
    "\"fees\":[[0,0.4]],\"fees_maker\":[[0,0.25]],\"ordermin\":\"0.00005\",\"costmin\":\"0.5\","
    "\"tick_size\":\"0.1\",\"status\":\"online\"},"
    "\"SOLUSD\":{\"altname\":\"SOLUSD\",\"wsname\":\"SOL/USD\",\"base\":\"SOL\",\"quote\":\"ZUSD\","
    "\"pair_decimals\":2,\"lot_decimals\":8,\"fees\":[[0,0.4]],\"ordermin\":\"0.02\","
    "\"status\":\"online\"}}}";

/* Connected, with a token, both channels acknowledged. */
static void begin_up(struct order_world *world)
{
    begin(world);
    world->ops->start(world->state, &world->clock, &world->out);
    CHECK(http(world, asset_pairs) == 0);
    world->clock.nonce++;
    world->ops->opened(world->state, 0, &world->clock, &world->out);
    CHECK_STR(last_request(world)->path, "/0/private/GetWebSocketsToken");
    CHECK(http(world, "{\"error\":[],\"result\":{\"token\":\"T/o+k\",\"expires\":900}}") == 0);
    CHECK(order_world_frame(world,
                            "{\"method\":\"subscribe\",\"result\":{\"channel\":\"executions\","
                            "\"maxratecount\":125},\"success\":true,\"req_id\":1}") == 0);
    CHECK(order_world_frame(world,
                            "{\"method\":\"subscribe\",\"result\":{\"channel\":\"balances\"},"
                            "\"success\":true,\"req_id\":2}") == 0);
    order_world_clear(world);
}

static struct venue_command place(void)
{
    return (struct venue_command){ .op = OP_PLACE,
                                   .symbol = "BTC/USD",
                                   .request_id = 77,
                                   .side = SIDE_BUY,
                                   .type = ORDER_LIMIT,
                                   .time_in_force = TIF_GTC,
                                   .price = INT64_C(3000000000000),
                                   .price_exp = 8,
                                   .price_decimals = 1,
                                   .qty = 1000000,
                                   .qty_exp = 8,
                                   .qty_decimals = 8,
                                   .client_order_id = "PAAAAAAAAAAAAAAAA" };
}

static struct venue_command cancel(void)
{
    return (struct venue_command){ .op = OP_CANCEL,
                                   .symbol = "BTC/USD",
                                   .request_id = 78,
                                   .client_order_id = "PAAAAAAAAAAAAAAAA",
                                   .exchange_order_id = "OAAAAA-BBBBB-CCCCCC" };
}

/* ---- signatures ---- */

static void signatures_are_those_of_the_published_vectors(void)
{
    static const struct {
        const char *path, *body, *sign;
    } vectors[] = {
        { "/0/private/AddOrder",
          "nonce=1616492376594&ordertype=limit&pair=XBTUSD&price=37500&type=buy&volume=1.25",
          "4/dpxb3iT4tp/"
          "ZCVEwSnEsLxx0bqyhLpdfOpc6fn7OR8+UClSV5n9E6aSS8MPtnRfp32bAb0nmbRn6H8ndwLUQ==" },
        { "/0/private/AddOrder",
          "{\"nonce\":\"1616492376594\",\"ordertype\":\"limit\",\"pair\":\"XBTUSD\",\"price\":"
          "\"37500\",\"type\":\"buy\",\"volume\":\"1.25\"}",
          "r/o+GpKxXjV/mls/"
          "r5CKLu5R+yzK5psqvQ4hXxMX1nzdxTBhV+ui82QGgPZMMitpFwCOAdPEZMmXgZxD2chJEg==" },
        { "/0/private/GetWebSocketsToken", "nonce=1616492376594",
          "+mRDmY9Ks0Moc1zjv/"
          "BjfvYa98buO0x1yHChZR5onlfAzAUbfIYlLggUZzdQ0RsmXm4Sh+Q8iAIZdo2wSeHeiA==" },
    };
    struct kraken_keys keys;
    char sign[96];

    CHECK(kraken_keys_init(&keys, "key", SECRET) == 0);
    for (size_t i = 0; i < COUNT(vectors); i++) {
        CHECK(kraken_sign(&keys, vectors[i].path, "1616492376594", vectors[i].body,
                          strlen(vectors[i].body), sign) == 0);
        CHECK_STR(sign, vectors[i].sign);
    }
    kraken_keys_fini(&keys);
    kraken_keys_fini(&keys);
    CHECK_INT(kraken_keys_init(&keys, "key", "not base64!"), ERR_AUTH);
    CHECK_INT(kraken_keys_init(&keys, "key", ""), ERR_AUTH);
    proof("kraken", signing, vector);
}

/* The commands whose requests an independent client signed. */
struct call {
    const char *name;
    struct venue_command command;
};

static const struct call calls[] = {
    { "limit_buy",
      { .op = OP_PLACE,
        .side = SIDE_BUY,
        .type = ORDER_LIMIT,
        .price = 4321012,
        .price_exp = 2,
        .price_decimals = 2,
        .qty = 1,
        .qty_exp = 3,
        .qty_decimals = 3,
        .client_order_id = "abcDEF0123456789" } },
    { "market_sell",
      { .op = OP_PLACE,
        .side = SIDE_SELL,
        .type = ORDER_MARKET,
        .qty = 2,
        .qty_exp = 3,
        .qty_decimals = 3,
        .client_order_id = "abcDEF0123456789" } },
    { "ioc",
      { .op = OP_PLACE,
        .side = SIDE_SELL,
        .type = ORDER_LIMIT,
        .time_in_force = TIF_IOC,
        .price = 4321012,
        .price_exp = 2,
        .price_decimals = 2,
        .qty = 1,
        .qty_exp = 3,
        .qty_decimals = 3,
        .client_order_id = "abcDEF0123456789" } },
    { "postonly",
      { .op = OP_PLACE,
        .side = SIDE_BUY,
        .type = ORDER_LIMIT,
        .is_post_only = true,
        .price = 43000,
        .qty = 1,
        .qty_exp = 3,
        .qty_decimals = 3,
        .client_order_id = "abcDEF0123456789" } },
    { "cancel", { .op = OP_CANCEL, .exchange_order_id = "1234567890" } },
    { "query", { .op = OP_QUERY, .exchange_order_id = "1234567890" } },
    { "open", { .op = OP_OPEN_ORDERS } },
    { "balance", { .op = OP_BALANCES } },
    { "trades", { .op = OP_EXECUTIONS } },
    { "cancelall", { .op = OP_CANCEL_ALL } },
};

static const struct scan_value *member(const struct scan_value *object, const char *name)
{
    static struct scan_value values[8];
    static unsigned next;
    struct scan_value *value = &values[next++ % COUNT(values)];

    if (object->type != SCAN_OBJECT || scan_find(object, name, value) != 0)
        *value = (struct scan_value){ .type = SCAN_NONE, .text = "" };
    return value;
}

static void text_of(const struct scan_value *object, const char *name, char *out, size_t cap)
{
    out[0] = '\0';
    (void)scan_text(member(object, name), out, cap);
}

/* One entry against the request that the codec makes before any metadata is there. */
static void check_signed(const struct scan_value *entry, const struct scan_value *creds)
{
    char key[128], secret[256], name[32], url[256], body[512], sign[128], want_key[128];
    struct order_world world;
    struct venue_order_config keyed = config;
    const struct scan_value headers = *member(entry, "headers");
    const struct call *call = NULL;

    text_of(creds, "apiKey", key, sizeof(key));
    text_of(creds, "secret", secret, sizeof(secret));
    text_of(entry, "call", name, sizeof(name));
    text_of(entry, "url", url, sizeof(url));
    text_of(entry, "body", body, sizeof(body));
    text_of(&headers, "API-Sign", sign, sizeof(sign));
    text_of(&headers, "API-Key", want_key, sizeof(want_key));
    for (size_t i = 0; i < COUNT(calls); i++)
        if (strcmp(calls[i].name, name) == 0)
            call = &calls[i];
    CHECK(call != NULL);
    if (!call)
        return;
    keyed.api_key = key;
    keyed.api_secret = secret;
    CHECK(order_world_begin(&world, venue_kraken.order, &keyed) == 0);
    world.clock.nonce = 1718000000123;
    struct venue_command wanted = call->command;
    snprintf(wanted.symbol, sizeof(wanted.symbol), "BTC/USD");
    wanted.transport = TRANSPORT_REST;
    CHECK(order_world_command(&world, &wanted) == 0);
    const struct venue_request *made = last_request(&world);
    CHECK_STR(made->method, "POST");
    CHECK(strcmp(url + strlen("https://api.kraken.com"), made->path) == 0);
    CHECK_STR(made->headers[0].name, "API-Key");
    CHECK_STR(made->headers[0].value, want_key);
    CHECK_STR(made->headers[2].value, "application/x-www-form-urlencoded");
    if (strcmp(name, "query") == 0) {
        /* Its "acknowledged" is a switch of that client, not of the venue: we send the rest, and
         * sign the whole to show that the signature is the same. */
        struct kraken_keys keys;
        char whole[96];
        CHECK_STR(made->body, "nonce=1718000000123&trades=true&txid=1234567890");
        CHECK(kraken_keys_init(&keys, key, secret) == 0 &&
              kraken_sign(&keys, made->path, "1718000000123", body, strlen(body), whole) == 0);
        CHECK_STR(whole, sign);
        kraken_keys_fini(&keys);
    } else {
        CHECK_STR(made->body, body);
        CHECK_STR(made->headers[1].value, sign);
    }
    order_world_end(&world);
}

static void requests_are_those_of_an_independent_client(void)
{
    struct file_text text = file_read(SHARED "vectors/signed_requests.json");
    struct scan_value root, requests, list, entry;
    struct scan_iter iter;
    unsigned count = 0;

    CHECK(text.text && scan_whole(text.text, text.len, &root) == 0);
    requests = *member(&root, "requests");
    list = *member(&requests, "kraken");
    const struct scan_value creds = *member(&root, "creds");
    CHECK(scan_begin(&iter, &list) == 0);
    while (scan_item(&iter, &entry) == 0) {
        check_signed(&entry, &creds);
        count++;
    }
    CHECK_INT(count, COUNT(calls));
    free(text.text);
}

static void signature_is_that_of_the_fixture(void)
{
    struct file_text text = file_read(SHARED "fixtures/kraken/vectors/signing_spot_rest.json");
    struct scan_value root;
    char secret[256], nonce[32], body[512], path[64], sign[128], made[96];
    struct kraken_keys keys;

    CHECK(text.text && scan_whole(text.text, text.len, &root) == 0);
    text_of(&root, "privateKey", secret, sizeof(secret));
    text_of(&root, "nonce", nonce, sizeof(nonce));
    text_of(&root, "postdata", body, sizeof(body));
    text_of(&root, "path", path, sizeof(path));
    text_of(&root, "apiSign", sign, sizeof(sign));
    CHECK(kraken_keys_init(&keys, "k", secret) == 0 &&
          kraken_sign(&keys, path, nonce, body, strlen(body), made) == 0);
    CHECK_STR(made, sign);
    kraken_keys_fini(&keys);
    free(text.text);
}

/* ---- requests ---- */

static void an_order_over_websocket_is_plain_decimals_and_a_deadline(void)
{
    struct order_world world;
    struct venue_command order = place();

    begin_up(&world);
    CHECK_INT(command(&world, &order), 0);
    CHECK_STR(last_frame(&world),
              "{\"method\":\"add_order\",\"params\":{\"token\":\"T/o+k\",\"symbol\":\"BTC/USD\","
              "\"side\":\"buy\",\"order_type\":\"limit\",\"time_in_force\":\"gtc\","
              "\"fee_preference\":\"quote\",\"order_qty\":0.01000000,\"limit_price\":30000.0,"
              "\"cl_ord_id\":\"PAAAAAAAAAAAAAAAA\",\"deadline\":\"2026-05-05T10:00:05.000Z\"},"
              "\"req_id\":3}");
    order.is_post_only = true;
    order.side = SIDE_SELL;
    CHECK_INT(command(&world, &order), 0);
    CHECK(strstr(last_frame(&world), "\"side\":\"sell\",\"order_type\":\"limit\","
                                     "\"time_in_force\":\"gtc\",\"post_only\":true,"));
    order.is_post_only = false;
    order.type = ORDER_MARKET;
    CHECK_INT(command(&world, &order), 0);
    CHECK(strstr(last_frame(&world), "\"order_type\":\"market\",\"fee_preference\":\"quote\","
                                     "\"order_qty\":0.01000000,\"cl_ord_id\""));
    CHECK_INT(world.request_count, 0);
    order_world_end(&world);
}

static void the_other_frames(void)
{
    struct order_world world;
    struct venue_command by_id = cancel();
    struct venue_command amend = place();

    begin_up(&world);
    CHECK_INT(command(&world, &by_id), 0);
    CHECK_STR(last_frame(&world), "{\"method\":\"cancel_order\",\"params\":{\"token\":\"T/o+k\","
                                  "\"order_id\":[\"OAAAAA-BBBBB-CCCCCC\"]},\"req_id\":3}");
    by_id.exchange_order_id[0] = '\0';
    CHECK_INT(command(&world, &by_id), 0);
    CHECK_STR(last_frame(&world), "{\"method\":\"cancel_order\",\"params\":{\"token\":\"T/o+k\","
                                  "\"cl_ord_id\":[\"PAAAAAAAAAAAAAAAA\"]},\"req_id\":4}");
    amend.op = OP_REPLACE;
    CHECK_INT(command(&world, &amend), 0);
    CHECK_STR(last_frame(&world),
              "{\"method\":\"amend_order\",\"params\":{\"token\":\"T/o+k\",\"cl_ord_id\":"
              "\"PAAAAAAAAAAAAAAAA\",\"order_qty\":0.01000000,\"limit_price\":30000.0,"
              "\"deadline\":\"2026-05-05T10:00:05.000Z\"},\"req_id\":5}");
    CHECK_INT(command(&world, &(struct venue_command){ .op = OP_CANCEL_ALL }), 0);
    CHECK_STR(last_frame(&world), "{\"method\":\"cancel_all\",\"params\":{\"token\":\"T/o+k\"},"
                                  "\"req_id\":6}");
    CHECK_INT(command(&world, &(struct venue_command){ .op = OP_DEAD_MAN,
                                                       .timeout_ns = 59 * NS_PER_S + 1 }),
              0);
    CHECK_STR(last_frame(&world), "{\"method\":\"cancel_all_orders_after\",\"params\":{\"token\":"
                                  "\"T/o+k\",\"timeout\":60},\"req_id\":7}");
    CHECK_INT(command(&world, &(struct venue_command){ .op = OP_SERVER_TIME }), 0);
    CHECK_STR(last_frame(&world), "{\"method\":\"ping\",\"req_id\":8}");
    order_world_end(&world);
}

static void an_order_over_rest_has_the_deadline_that_it_was_given(void)
{
    static const struct {
        int64_t valid_ns;
        const char *text;
    } cases[] = { { 0, NULL },
                  { 5 * NS_PER_S, "&deadline=2026-05-05T10%3A00%3A05.000Z" },
                  { NS_PER_S, "&deadline=2026-05-05T10%3A00%3A02.000Z" }, /* The venue's least, */
                  { 90 * NS_PER_S, "&deadline=2026-05-05T10%3A01%3A00.000Z" } }; /* and most. */

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct order_world world;
        struct venue_command order = place();

        begin_up(&world);
        order.transport = TRANSPORT_REST;
        order.valid_ns = cases[i].valid_ns;
        CHECK_INT(command(&world, &order), 0);
        CHECK_STR(last_request(&world)->path, "/0/private/AddOrder");
        const char *at = strstr(last_request(&world)->body, "&deadline=");
        CHECK(cases[i].text ? at && strcmp(at, cases[i].text) == 0 : at == NULL);
        order_world_end(&world);
    }
}

static void the_other_rest_bodies(void)
{
    struct order_world world;
    struct venue_command amend = place(), query = cancel();

    begin_up(&world);
    amend.op = OP_REPLACE;
    amend.transport = TRANSPORT_REST;
    amend.is_post_only = true;
    CHECK_INT(command(&world, &amend), 0);
    CHECK_STR(last_request(&world)->path, "/0/private/AmendOrder");
    CHECK(strstr(last_request(&world)->body, "&cl_ord_id=PAAAAAAAAAAAAAAAA&order_qty=0.01000000"
                                             "&limit_price=30000.0&post_only=true"));
    query.op = OP_QUERY;
    query.exchange_order_id[0] = '\0';
    CHECK_INT(command(&world, &query), 0);
    CHECK_STR(last_request(&world)->path, "/0/private/OpenOrders");
    CHECK(strstr(last_request(&world)->body, "&cl_ord_id=PAAAAAAAAAAAAAAAA"));
    CHECK_INT(
        command(&world, &(struct venue_command){ .op = OP_EXECUTIONS,
                                                 .since_wall_ns = INT64_C(1700000000500000000) }),
        0);
    CHECK(strstr(last_request(&world)->body, "&start=1699999999"));
    CHECK_INT(last_request(&world)->weight, 2);
    CHECK(last_request(&world)->is_private);
    CHECK_INT(command(&world, &(struct venue_command){ .op = OP_DEAD_MAN,
                                                       .transport = TRANSPORT_REST,
                                                       .timeout_ns = 60 * NS_PER_S }),
              0);
    CHECK(strstr(last_request(&world)->body, "&timeout=60"));
    CHECK_INT(command(&world,
                      &(struct venue_command){ .op = OP_SERVER_TIME, .transport = TRANSPORT_REST }),
              0);
    CHECK_STR(last_request(&world)->path, "/0/public/Time");
    CHECK(!last_request(&world)->is_private);
    CHECK_INT(last_request(&world)->header_count, 0);
    order_world_end(&world);
}

static void what_the_venue_has_not_is_refused_before_anything_leaves(void)
{
    static const char *const bad_ids[] = { "nineteen-characters", "with blank", "quote\"", "a&b=c",
                                           "2c6be801-1f53-4f79-a0bb-4ea1c95dfaeX" };
    static const char *const good_ids[] = { "2c6be801-1f53-4f79-a0bb-4ea1c95dfae9",
                                            "2c6be8011f534f79a0bb4ea1c95dfae9", "a", "A-b_9" };
    struct order_world world;
    struct venue_command order = place();

    begin_up(&world);
    order.time_in_force = TIF_FOK;
    CHECK_INT(command(&world, &order), ERR_UNSUPPORTED);
    order.transport = TRANSPORT_REST;
    CHECK_INT(command(&world, &order), ERR_UNSUPPORTED);
    order = place();
    order.is_reduce_only = true;
    CHECK_INT(command(&world, &order), ERR_UNSUPPORTED);
    order = place();
    order.is_post_only = true;
    order.time_in_force = TIF_IOC;
    CHECK_INT(command(&world, &order), ERR_RANGE);
    order = place();
    order.price_decimals = 0;
    order.price += 1;
    CHECK_INT(command(&world, &order), ERR_RANGE);
    order = place();
    order.qty = 0;
    CHECK_INT(command(&world, &order), ERR_RANGE);
    for (size_t i = 0; i < 2 * COUNT(bad_ids); i++) {
        order = place();
        order.transport = i % 2 ? TRANSPORT_REST : TRANSPORT_WS;
        snprintf(order.client_order_id, sizeof(order.client_order_id), "%s", bad_ids[i / 2]);
        CHECK_INT(command(&world, &order), ERR_RANGE);
    }
    order = place();
    order.op = OP_QUERY;
    order.transport = TRANSPORT_WS;
    CHECK_INT(command(&world, &order), ERR_UNSUPPORTED);
    CHECK_INT(world.frame_count + world.request_count + world.report_count, 0);
    for (size_t i = 0; i < COUNT(good_ids); i++) {
        order = place();
        snprintf(order.client_order_id, sizeof(order.client_order_id), "%s", good_ids[i]);
        CHECK_INT(command(&world, &order), 0);
    }
    order_world_end(&world);
}

static void a_request_is_shown_without_session_or_metadata(void)
{
    struct order_world world;
    struct venue_command order = place();

    begin(&world);
    order.transport = TRANSPORT_WS;
    snprintf(order.symbol, sizeof(order.symbol), "SOL-EUR");
    CHECK_INT(command(&world, &order), 0);
    CHECK(strstr(last_frame(&world), "\"token\":\"TOKEN\",\"symbol\":\"SOL/EUR\""));
    order.transport = TRANSPORT_BEST;
    CHECK_INT(command(&world, &order), 0);
    CHECK(strstr(last_request(&world)->body, "&pair=SOLEUR&"));
    /* Live, nothing leaves: the connection is not open. */
    world.send_err = ERR_CLOSED;
    order.transport = TRANSPORT_WS;
    CHECK_INT(command(&world, &order), ERR_CLOSED);
    /* Connected, but without a token yet, an order goes by REST. */
    world.send_err = 0;
    world.clock.nonce++;
    world.ops->opened(world.state, 0, &world.clock, &world.out);
    size_t frames = world.frame_count;
    order.transport = TRANSPORT_BEST;
    CHECK_INT(command(&world, &order), 0);
    CHECK_INT(world.frame_count, frames);
    CHECK_STR(last_request(&world)->path, "/0/private/AddOrder");
    order_world_end(&world);
}

/* ---- session ---- */

static void a_connection_gets_a_token_and_two_channels(void)
{
    struct order_world world;
    struct venue_connection connection[VENUE_CONNECTIONS_MAX];

    begin(&world);
    CHECK_INT(world.ops->connections(world.state, connection), 1);
    CHECK_STR(connection[0].url, "wss://ws-auth.kraken.com/v2");
    world.ops->start(world.state, &world.clock, &world.out);
    CHECK_STR(last_request(&world)->path, "/0/public/AssetPairs");
    CHECK(http(&world, asset_pairs) == 0);
    CHECK_STR(order_world_line(&world), "instrument"); /* Only the one that is traded. */
    CHECK_STR(world.reports[0].definition->name, "BTC-USD");
    world.clock.nonce++;
    world.ops->opened(world.state, 0, &world.clock, &world.out);
    CHECK_INT(world.frame_count, 0);
    CHECK(http(&world, "{\"error\":[],\"result\":{\"token\":\"Tok\",\"expires\":900}}") == 0);
    CHECK_STR(
        world.frames[0],
        "{\"method\":\"subscribe\",\"params\":{\"channel\":\"executions\",\"snap_orders\":true,"
        "\"snap_trades\":true,\"order_status\":true,\"ratecounter\":true,\"token\":\"Tok\"},"
        "\"req_id\":1}");
    CHECK_STR(world.frames[1], "{\"method\":\"subscribe\",\"params\":{\"channel\":\"balances\","
                               "\"snapshot\":true,\"token\":\"Tok\"},\"req_id\":2}");
    const struct venue_report *channel = order_world_find(&world, REPORT_CHANNEL, 0);
    CHECK(channel->is_order_channel_up && !channel->is_private_stream_up);
    CHECK(order_world_frame(&world, "{\"method\":\"subscribe\",\"success\":true,\"result\":{},"
                                    "\"req_id\":1}") == 0);
    CHECK(order_world_frame(&world, "{\"method\":\"subscribe\",\"success\":true,\"result\":{},"
                                    "\"req_id\":2}") == 0);
    channel = order_world_find(&world, REPORT_CHANNEL, 1);
    CHECK(channel->is_order_channel_up && channel->is_private_stream_up);
    world.ops->closed(world.state, 0, &world.clock, &world.out);
    channel = order_world_find(&world, REPORT_CHANNEL, 2);
    CHECK(channel->kind == REPORT_CHANNEL && !channel->is_order_channel_up &&
          !channel->is_private_stream_up);
    order_world_end(&world);
}

static void a_token_that_is_not_given_is_asked_for_again(void)
{
    struct order_world world;

    begin(&world);
    world.clock.nonce++;
    world.ops->opened(world.state, 0, &world.clock, &world.out);
    CHECK(http(&world, "{\"error\":[\"EService:Unavailable\"]}") == 0);
    size_t requests = world.request_count;
    for (int i = 0; i < 30; i++)
        pass(&world, 100 * NS_PER_MS);
    CHECK_INT(world.request_count, requests + 2); /* AssetPairs, and the token. */
    /* A wrong key is not tried again: that would lock the account out. */
    CHECK(http(&world, "{\"error\":[\"EAPI:Invalid key\"]}") == 0);
    CHECK(order_world_find(&world, REPORT_BACK_OFF, 0)->until_ns >=
          world.clock.now_ns + 899 * NS_PER_S);
    requests = world.request_count;
    for (int i = 0; i < 300; i++)
        pass(&world, NS_PER_S);
    for (size_t i = requests; i < world.request_count; i++)
        CHECK(!world.requests[i % WORLD_SENT].is_private);
    struct venue_command order = place();
    CHECK_INT(command(&world, &order), ERR_CLOSED);
    order_world_end(&world);
}

/* Found by fuzz_kraken_order: each connection left its question for a token in the table. */
static void connections_that_come_and_go_do_not_fill_the_table(void)
{
    struct order_world world;
    struct venue_command ask = { .op = OP_BALANCES, .request_id = 4 };

    begin(&world);
    for (int i = 0; i < 3 * KRAKEN_REST_PENDING; i++) {
        world.clock.nonce++;
        world.ops->opened(world.state, 0, &world.clock, &world.out);
        pass(&world, 60 * NS_PER_S);
        world.ops->closed(world.state, 0, &world.clock, &world.out);
    }
    CHECK_INT(command(&world, &ask), 0);
    for (int i = 0; i < 200; i++) /* Not even sent: the token comes first. */
        pass(&world, NS_PER_S);
    CHECK_STR(order_world_line(&world), "failed!");
    order_world_end(&world);
}

static void a_hole_in_a_channels_sequence_takes_the_stream_down_and_up(void)
{
    static const char form[] = "{\"channel\":\"balances\",\"type\":\"update\",\"data\":[{\"asset\":"
                               "\"BTC\",\"balance\":1.5,"
                               "\"type\":\"trade\",\"amount\":0.5,\"fee\":0,\"wallet_type\":"
                               "\"spot\",\"wallet_id\":\"main\"}],"
                               "\"sequence\":%d}";
    static const int sequence[] = { 1, 2, 2, 4 };
    struct order_world world;
    char text[512];

    begin_up(&world);
    for (size_t i = 0; i < COUNT(sequence); i++) {
        snprintf(text, sizeof(text), form, sequence[i]);
        CHECK_INT(order_world_frame(&world, text), i < 3 ? 0 : ERR_STALE);
    }
    CHECK_STR(order_world_line(&world), "balance balance channel"); /* The second 2 is a repeat. */
    const struct venue_report *channel = order_world_find(&world, REPORT_CHANNEL, 0);
    CHECK(channel->is_order_channel_up && !channel->is_private_stream_up);
    CHECK_INT(channel->why, REASON_SEQUENCE_GAP);
    CHECK(strstr(world.frames[0], "\"unsubscribe\""));
    CHECK(strstr(world.frames[1], "\"subscribe\",\"params\":{\"channel\":\"balances\""));
    /* What the old subscription still sends is passed over; the new one begins at 1. */
    snprintf(text, sizeof(text), form, 5);
    CHECK_INT(order_world_frame(&world, text), 0);
    CHECK(order_world_frame(&world, "{\"method\":\"unsubscribe\",\"success\":true,\"req_id\":3}") ==
          0);
    CHECK(order_world_frame(&world, "{\"method\":\"subscribe\",\"success\":true,\"result\":{},"
                                    "\"req_id\":4}") == 0);
    snprintf(text, sizeof(text), form, 1);
    CHECK_INT(order_world_frame(&world, text), 0);
    CHECK_STR(order_world_line(&world), "balance balance channel channel balance");
    CHECK(order_world_find(&world, REPORT_CHANNEL, 1)->is_private_stream_up);
    order_world_end(&world);
}

static void a_session_that_is_not_valid_gets_a_new_token(void)
{
    struct order_world world;
    struct venue_command order = place();

    begin_up(&world);
    CHECK_INT(command(&world, &order), 0);
    CHECK(order_world_frame(&world, "{\"method\":\"add_order\",\"req_id\":3,\"success\":false,"
                                    "\"error\":\"ESession:Invalid session\"}") == 0);
    CHECK_STR(order_world_line(&world), "rejected! channel");
    for (int i = 0; i < 12; i++)
        pass(&world, 100 * NS_PER_MS);
    CHECK_STR(last_request(&world)->path, "/0/private/GetWebSocketsToken");
    CHECK(http(&world, "{\"error\":[],\"result\":{\"token\":\"New\",\"expires\":900}}") == 0);
    CHECK(strstr(last_frame(&world), "\"token\":\"New\""));
    CHECK_INT(command(&world, &order), 0);
    CHECK(strstr(last_frame(&world), "\"token\":\"New\"")); /* The templates too. */
    order_world_end(&world);
}

/* ---- answers ---- */

static const struct venue_report *answer(struct order_world *world, const struct venue_command *c,
                                         const char *method, const char *rest)
{
    static char text[1024];
    struct kraken_side *side = world->state;

    order_world_clear(world);
    CHECK_INT(command(world, c), 0);
    snprintf(text, sizeof(text), "{\"method\":\"%s\",\"req_id\":%llu,%s}", method,
             (unsigned long long)side->req_id, rest);
    CHECK_INT(order_world_frame(world, text), 0);
    return &world->reports[0];
}

static void answers_over_websocket(void)
{
    struct order_world world;
    struct venue_command order = place(), stop = cancel(), amend = place();
    const struct venue_report *report;

    begin_up(&world);
    report = answer(&world, &order, "add_order",
                    "\"result\":{\"order_id\":\"OAAAAA-BBBBB-CCCCCC\",\"cl_ord_id\":\"x\"},"
                    "\"success\":true");
    CHECK_STR(order_world_line(&world), "accepted!");
    CHECK_INT(report->request_id, 77);
    CHECK_STR(report->exchange_order_id, "OAAAAA-BBBBB-CCCCCC");
    CHECK_STR(report->client_order_id, "PAAAAAAAAAAAAAAAA");
    report = answer(&world, &order, "add_order",
                    "\"success\":false,\"error\":\"EOrder:Post only order\"");
    CHECK_INT(report->kind, REPORT_REJECTED);
    CHECK_INT(report->why, REASON_VENUE_POST_ONLY);
    CHECK_STR(report->text, "EOrder:Post only order");
    report = answer(&world, &order, "add_order",
                    "\"success\":false,\"error\":\"EService:Deadline elapsed\"");
    CHECK_INT(report->kind, REPORT_OUTCOME_UNKNOWN);
    report = answer(&world, &order, "add_order", "\"success\":true,\"result\":{}");
    CHECK_INT(report->kind, REPORT_OUTCOME_UNKNOWN);

    report = answer(&world, &stop, "cancel_order",
                    "\"success\":false,\"error\":\"EOrder:Unknown order\"");
    CHECK_INT(report->kind, REPORT_CANCEL_REJECTED);
    CHECK_INT(report->why, REASON_VENUE_UNKNOWN_ORDER);
    report = answer(&world, &stop, "cancel_order",
                    "\"success\":true,\"result\":{\"order_id\":\"OAAAAA-BBBBB-CCCCCC\"}");
    CHECK_INT(report->kind, REPORT_CANCELLED);
    CHECK_INT(report->cum_qty, -1);
    CHECK_INT(report->request_id, 78);

    amend.op = OP_REPLACE;
    report = answer(&world, &amend, "amend_order",
                    "\"success\":true,\"result\":{\"amend_id\":\"T\",\"cl_ord_id\":\"x\"}");
    CHECK_INT(report->kind, REPORT_REPLACED);
    CHECK_INT(report->qty, 1000000);
    CHECK_STR(report->exchange_order_id, "OAAAAA-BBBBB-CCCCCC"); /* Known from its placing. */
    report = answer(&world, &amend, "amend_order",
                    "\"success\":false,\"error\":\"EOrder:Insufficient funds\"");
    CHECK_INT(report->kind, REPORT_REPLACE_REJECTED);
    CHECK_INT(report->why, REASON_VENUE_FUNDS);

    struct venue_command all = { .op = OP_CANCEL_ALL, .request_id = 5 };
    CHECK_INT(answer(&world, &all, "cancel_all", "\"success\":true,\"result\":{\"count\":2}")->kind,
              REPORT_DONE);
    struct venue_command arm = { .op = OP_DEAD_MAN, .request_id = 6, .timeout_ns = 60 * NS_PER_S };
    report = answer(&world, &arm, "cancel_all_orders_after",
                    "\"success\":true,\"result\":{\"currentTime\":\"2023-09-21T15:49:29Z\","
                    "\"triggerTime\":\"2023-09-21T15:51:09Z\"}");
    CHECK_INT(report->kind, REPORT_DEAD_MAN);
    CHECK_INT(report->exchange_ns, INT64_C(1695311469000000000));
    order_world_end(&world);
}

static void the_clock_is_measured_by_a_pong(void)
{
    struct order_world world;
    struct venue_command ask = { .op = OP_SERVER_TIME, .request_id = 9 };

    begin_up(&world);
    CHECK_INT(command(&world, &ask), 0);
    world.clock.now_ns += 10 * NS_PER_MS;
    world.clock.wall_ns += 10 * NS_PER_MS;
    CHECK(order_world_frame(&world, "{\"method\":\"pong\",\"req_id\":3,\"time_in\":"
                                    "\"2026-05-05T10:00:00.105000Z\",\"time_out\":"
                                    "\"2026-05-05T10:00:00.105010Z\"}") == 0);
    CHECK_STR(order_world_line(&world), "server_time!");
    CHECK_INT(world.reports[0].offset_ns, 100 * NS_PER_MS);
    CHECK_INT(world.reports[0].rtt_ns, 10 * NS_PER_MS);
    order_world_end(&world);
}

static void silence_over_websocket_is_an_unknown_outcome_once(void)
{
    struct order_world world;
    struct venue_command order = place(), stop = cancel();

    begin_up(&world);
    CHECK_INT(command(&world, &order), 0);
    pass(&world, 2 * NS_PER_S);
    CHECK_STR(order_world_line(&world), "");
    pass(&world, 1 * NS_PER_S);
    CHECK_STR(order_world_line(&world), "unknown!");
    CHECK_INT(world.reports[world.report_count - 1].op, OP_PLACE);
    /* The answer that comes after all ends nothing twice. */
    CHECK(order_world_frame(&world, "{\"method\":\"add_order\",\"req_id\":3,\"success\":true,"
                                    "\"result\":{\"order_id\":\"O\"}}") == 0);
    CHECK_STR(order_world_line(&world), "unknown!");
    CHECK_INT(((struct kraken_side *)world.state)->late_answers, 1);

    order_world_clear(&world);
    CHECK_INT(command(&world, &stop), 0);
    CHECK_INT(command(&world, &order), 0);
    world.ops->closed(world.state, 0, &world.clock, &world.out);
    CHECK_STR(order_world_line(&world), "channel unknown! unknown!");
    pass(&world, 5 * NS_PER_S);
    CHECK_INT(order_world_find(&world, REPORT_OUTCOME_UNKNOWN, 2)->kind, 0);
    order_world_end(&world);
}

static void an_error_of_no_request_holds_back_new_ones(void)
{
    struct order_world world;

    begin_up(&world);
    CHECK(order_world_frame(&world, "{\"error\":\"Exceeded msg rate\"}") == 0);
    CHECK_STR(order_world_line(&world), "back_off");
    CHECK_INT(world.reports[0].until_ns, world.clock.now_ns + 5 * NS_PER_S);
    order_world_end(&world);
}

static void the_pending_table_is_bounded(void)
{
    struct order_world world;
    struct venue_command order = place();
    unsigned taken = 0;

    begin_up(&world);
    for (int i = 0; i < 400; i++) {
        int err = command(&world, &order);
        CHECK(err == 0 || err == ERR_FULL);
        taken += err == 0;
    }
    CHECK(taken >= KRAKEN_WS_PENDING - 2 && taken <= KRAKEN_WS_PENDING);
    order_world_clear(&world);
    pass(&world, 4 * NS_PER_S);
    unsigned unknown = 0;
    for (size_t i = 0; i < MIN(world.report_count, WORLD_REPORTS); i++)
        unknown += world.reports[i].kind == REPORT_OUTCOME_UNKNOWN;
    CHECK_INT(unknown, WORLD_REPORTS);
    CHECK(world.report_count >= taken);
    CHECK_INT(command(&world, &order), 0);
    order_world_end(&world);
}

/* ---- the private stream ---- */

static int executions(struct order_world *world, const char *type, const char *data, int sequence)
{
    char text[2048];

    snprintf(text, sizeof(text),
             "{\"channel\":\"executions\",\"type\":\"%s\",\"data\":[%s],\"sequence\":%d}", type,
             data, sequence);
    return order_world_frame(world, text);
}

/* The venue's documented sequence of a marketable limit sell, with our client id in it. */
static void sparse_frames_are_completed_from_what_was_said_before(void)
{
    struct order_world world;

    begin_up(&world);
    CHECK(executions(&world, "update",
                     "{\"order_id\":\"OK4GJX-KSTLS-7DZZO5\",\"cl_ord_id\":\"PAAAAAAAAAAAAAAAB\","
                     "\"symbol\":\"BTC/USD\",\"order_qty\":0.005,\"cum_cost\":0.0,"
                     "\"time_in_force\":\"GTC\",\"exec_type\":\"pending_new\",\"side\":\"sell\","
                     "\"order_type\":\"limit\",\"limit_price\":26500.0,"
                     "\"order_status\":\"pending_new\","
                     "\"timestamp\":\"2023-09-22T10:33:05.709950Z\"}",
                     1) == 0);
    CHECK_STR(order_world_line(&world), "");
    CHECK(executions(&world, "update",
                     "{\"timestamp\":\"2023-09-22T10:33:05.709982Z\",\"order_status\":\"new\","
                     "\"exec_type\":\"new\",\"order_id\":\"OK4GJX-KSTLS-7DZZO5\"}",
                     2) == 0);
    CHECK(executions(&world, "update",
                     "{\"order_id\":\"OK4GJX-KSTLS-7DZZO5\",\"exec_id\":\"TGBB7L-HT5LX-J3BZ4A\","
                     "\"exec_type\":\"trade\",\"trade_id\":62887576,\"symbol\":\"BTC/USD\","
                     "\"side\":\"sell\",\"last_qty\":0.005,\"last_price\":26599.9,"
                     "\"liquidity_ind\":\"t\",\"order_status\":\"partially_filled\","
                     "\"cum_qty\":0.005,\"fees\":[{\"asset\":\"USD\",\"qty\":0.3458}],"
                     "\"timestamp\":\"2023-09-22T10:33:05.709993Z\"}",
                     3) == 0);
    CHECK(executions(&world, "update",
                     "{\"timestamp\":\"2023-09-22T10:33:05.710010Z\",\"order_id\":"
                     "\"OK4GJX-KSTLS-7DZZO5\",\"exec_type\":\"filled\",\"order_status\":\"filled\","
                     "\"cum_qty\":0.005}",
                     4) == 0);
    CHECK_STR(order_world_line(&world), "new fill order");
    for (int i = 0; i < 3; i++) {
        const struct venue_report *report = &world.reports[i];
        CHECK(report->is_from_stream);
        CHECK_STR(report->client_order_id, "PAAAAAAAAAAAAAAAB");
        CHECK_STR(report->symbol, "BTC/USD");
        CHECK_INT(report->instrument, instrument_id("kraken", INSTRUMENT_SPOT, "BTC/USD"));
        CHECK_INT(report->side, SIDE_SELL);
        CHECK_INT(report->qty, 500000);
        CHECK_INT(report->price, INT64_C(2650000000000));
    }
    const struct venue_report *fill = &world.reports[1];
    CHECK_STR(fill->venue_trade_id, "TGBB7L-HT5LX-J3BZ4A");
    CHECK_INT(fill->last_qty, 500000);
    CHECK_INT(fill->last_price, INT64_C(2659990000000));
    CHECK_INT(fill->cum_qty, 500000);
    CHECK_INT(fill->fee, 34580000);
    CHECK_STR(fill->fee_asset, "USD");
    CHECK_INT(fill->liquidity, LIQUIDITY_TAKER);
    CHECK_INT(fill->exchange_ns, INT64_C(1695378785709993000));
    CHECK_INT(world.reports[2].state, ORDER_FILLED);
    order_world_end(&world);
}

static void a_fill_says_no_more_of_its_order_than_its_frame_did(void)
{
    struct order_world world;

    begin_up(&world);
    CHECK(executions(&world, "update",
                     "{\"order_id\":\"O\",\"exec_type\":\"trade\",\"exec_id\":\"T1\",\"symbol\":"
                     "\"BTC/USD\",\"side\":\"buy\",\"last_qty\":0.5,\"last_price\":100.0,"
                     "\"cum_qty\":0.5,\"fees\":[{\"asset\":\"USD\",\"qty\":0.1},{\"asset\":\"USD\","
                     "\"qty\":0.05}]}",
                     1) == 0);
    CHECK(executions(&world, "update",
                     "{\"order_id\":\"O\",\"exec_type\":\"trade\",\"exec_id\":\"T2\","
                     "\"last_qty\":0.25,\"last_price\":100.0,\"fees\":[{\"asset\":\"BTC\","
                     "\"qty\":0.00001}]}",
                     2) == 0);
    CHECK_STR(order_world_line(&world), "fill fill");
    CHECK_INT(world.reports[0].cum_qty, 50000000);
    CHECK_INT(world.reports[0].fee, 15000000);
    CHECK_INT(world.reports[1].cum_qty, -1);
    CHECK_STR(world.reports[1].fee_asset, "BTC");
    CHECK_INT(world.reports[1].fee, 1000);
    CHECK_STR(world.reports[1].symbol, "BTC/USD");
    order_world_end(&world);
}

static void an_order_placed_by_us_is_known_before_its_first_frame(void)
{
    struct order_world world;
    struct venue_command order = place();

    begin_up(&world);
    (void)answer(&world, &order, "add_order",
                 "\"result\":{\"order_id\":\"OZZZZZ-BBBBB-CCCCCC\"},\"success\":true");
    CHECK(executions(&world, "update",
                     "{\"order_id\":\"OZZZZZ-BBBBB-CCCCCC\",\"exec_type\":\"canceled\","
                     "\"order_status\":\"canceled\",\"cum_qty\":0.00400000,"
                     "\"reason\":\"Post only order\"}",
                     1) == 0);
    CHECK_STR(order_world_line(&world), "accepted! cancelled");
    CHECK_STR(world.reports[1].client_order_id, "PAAAAAAAAAAAAAAAA");
    CHECK_INT(world.reports[1].cum_qty, 400000);
    CHECK_INT(world.reports[1].why, REASON_VENUE_POST_ONLY);
    CHECK_STR(world.reports[1].symbol, "BTC/USD");
    /* An answer to a cancel that comes now can say how much was executed. */
    struct venue_command stop = cancel();
    snprintf(stop.exchange_order_id, sizeof(stop.exchange_order_id), "OZZZZZ-BBBBB-CCCCCC");
    const struct venue_report *report = answer(&world, &stop, "cancel_order",
                                               "\"success\":true,\"result\":{\"order_id\":"
                                               "\"OZZZZZ-BBBBB-CCCCCC\"}");
    CHECK_INT(report->cum_qty, 400000);
    order_world_end(&world);
}

static void a_snapshot_reports_open_orders_and_fills(void)
{
    struct order_world world;

    begin_up(&world);
    CHECK(
        executions(&world, "snapshot",
                   "{\"order_id\":\"O1\",\"cl_ord_id\":\"C1\",\"symbol\":\"BTC/USD\","
                   "\"order_qty\":1.0,\"cum_qty\":0.25,\"exec_type\":\"new\",\"side\":\"buy\","
                   "\"order_type\":\"limit\",\"limit_price\":100.0,\"post_only\":true,"
                   "\"order_status\":\"partially_filled\",\"time_in_force\":\"GTC\"},"
                   "{\"order_id\":\"O2\",\"exec_id\":\"T2\",\"exec_type\":\"trade\","
                   "\"symbol\":\"SOL/USD\",\"side\":\"buy\",\"last_qty\":2.0,\"last_price\":150.25,"
                   "\"liquidity_ind\":\"m\",\"order_status\":\"filled\",\"order_type\":\"limit\","
                   "\"fees\":[{\"asset\":\"USD\",\"qty\":0.75}]}",
                   1) == 0);
    CHECK_STR(order_world_line(&world), "order fill");
    CHECK_INT(world.reports[0].state, ORDER_PARTIALLY_FILLED);
    CHECK_INT(world.reports[0].cum_qty, 25000000);
    CHECK(world.reports[0].is_post_only);
    CHECK_INT(world.reports[1].cum_qty, -1);
    CHECK_INT(world.reports[1].liquidity, LIQUIDITY_MAKER);
    CHECK_STR(world.reports[1].symbol, "SOL/USD");
    order_world_end(&world);
}

static void private_news_that_cannot_be_read_take_the_stream_down(void)
{
    static const char *const bad[] = {
        "{\"exec_type\":\"new\"}",
        "{\"order_id\":\"O\",\"exec_type\":\"trade\",\"last_qty\":1,\"last_price\":1}",
        "{\"order_id\":\"O\",\"exec_type\":\"trade\",\"exec_id\":\"T\",\"last_qty\":-1}",
        "{\"order_id\":\"O\",\"exec_type\":\"new\",\"order_qty\":true,\"timestamp\":\"x\"}",
    };

    for (size_t i = 0; i < COUNT(bad); i++) {
        struct order_world world;
        begin_up(&world);
        CHECK_INT(executions(&world, "update", bad[i], 1), ERR_PROTO);
        CHECK_STR(order_world_line(&world), "channel");
        CHECK(!world.reports[0].is_private_stream_up);
        order_world_end(&world);
    }
}

static void balances_name_what_open_orders_hold(void)
{
    struct order_world world;

    begin_up(&world);
    CHECK(
        executions(&world, "snapshot",
                   "{\"order_id\":\"O1\",\"symbol\":\"BTC/USD\",\"order_qty\":0.5,\"cum_qty\":0.1,"
                   "\"exec_type\":\"new\",\"side\":\"buy\",\"order_type\":\"limit\","
                   "\"limit_price\":30000.0,\"order_status\":\"partially_filled\"}",
                   1) == 0);
    order_world_clear(&world);
    CHECK(order_world_frame(
              &world,
              "{\"channel\":\"balances\",\"type\":\"snapshot\",\"data\":[{\"asset\":\"BTC\","
              "\"balance\":1.2,\"wallets\":[{\"type\":\"spot\",\"id\":\"main\",\"balance\":1.1},"
              "{\"type\":\"earn\",\"id\":\"flex\",\"balance\":0.1}]},{\"asset\":\"USD\","
              "\"balance\":20000.0005,\"wallets\":[]}],\"sequence\":1}") == 0);
    CHECK_STR(order_world_line(&world), "balance balance");
    CHECK_STR(world.reports[0].asset, "BTC");
    CHECK_INT(world.reports[0].total, 110000000);
    CHECK_INT(world.reports[0].free, 110000000);
    CHECK_STR(world.reports[1].asset, "USD");
    CHECK_INT(world.reports[1].total, INT64_C(2000000050000));
    CHECK_INT(world.reports[1].locked, INT64_C(1200000000000)); /* 0.4 at 30,000 */
    CHECK_INT(world.reports[1].free, INT64_C(800000050000));
    order_world_clear(&world);
    CHECK(order_world_frame(
              &world,
              "{\"channel\":\"balances\",\"type\":\"update\",\"data\":[{\"ledger_id\":\"L1\","
              "\"type\":\"deposit\",\"asset\":\"USD\",\"wallet_type\":\"spot\",\"wallet_id\":"
              "\"main\",\"amount\":100.0,\"fee\":0.5,\"balance\":20099.5005}],"
              "\"sequence\":2}") == 0);
    CHECK_STR(order_world_line(&world), "transfer balance");
    CHECK_INT(world.reports[0].change, INT64_C(9950000000));
    CHECK_STR(world.reports[0].venue_trade_id, "L1");
    order_world_end(&world);
}

/* ---- REST ---- */

static struct venue_command over_rest(struct venue_command c)
{
    c.transport = TRANSPORT_REST;
    return c;
}

static void every_command_has_one_answering_report_over_rest(void)
{
    static const struct {
        enum venue_op op;
        int status; /* 0: no answer. -1: never left. */
        const char *body, *line;
        wire_reason why;
    } rows[] = {
        { OP_PLACE, 200, "{\"error\":[],\"result\":{\"txid\":[\"OA\"]}}", "accepted!", 0 },
        { OP_PLACE, 200, "{\"error\":[],\"result\":{\"descr\":{}}}", "unknown!", REASON_TRANSPORT },
        { OP_PLACE, 200, "{\"error\":[\"EOrder:Insufficient funds\"]}", "rejected!",
          REASON_VENUE_FUNDS },
        { OP_PLACE, 200, "{\"error\":[\"WSomething\",\"EOrder:Post only order\"],\"result\":{}}",
          "rejected!", REASON_VENUE_POST_ONLY },
        { OP_PLACE, 200, "{\"error\":[\"EOrder:Invalid order\"]}", "rejected!",
          REASON_VENUE_FILTER },
        { OP_PLACE, 200, "{\"error\":[\"EAPI:Invalid nonce\"]}", "rejected!",
          REASON_VENUE_TIMESTAMP },
        { OP_PLACE, 200, "{\"error\":[\"EService:Busy\"]}", "unknown!", REASON_UNKNOWN_OUTCOME },
        { OP_PLACE, 200, "{\"error\":[\"EGeneral:Internal error\"]}", "unknown!",
          REASON_UNKNOWN_OUTCOME },
        { OP_PLACE, 200, "{\"error\":[\"ESomething:Never seen\"]}", "unknown!",
          REASON_UNKNOWN_OUTCOME },
        { OP_PLACE, 200, "{\"error\":[\"EGeneral:Invalid arguments:cl_ord_id\"]}", "rejected!",
          REASON_VENUE_DUPLICATE },
        { OP_PLACE, 200, "{\"error\":[\"EAPI:Rate limit exceeded\"]}", "rejected! back_off",
          REASON_VENUE_RATE_LIMIT },
        { OP_PLACE, 200, "{\"error\":[\"EAPI:Invalid signature\"]}", "rejected! back_off",
          REASON_VENUE_AUTH },
        { OP_PLACE, 200, "<html>", "unknown!", REASON_TRANSPORT },
        { OP_PLACE, 520, "<html>", "unknown!", REASON_TRANSPORT },
        { OP_PLACE, 502, "", "unknown!", REASON_TRANSPORT },
        { OP_PLACE, 0, "", "unknown!", REASON_TRANSPORT },
        { OP_PLACE, -1, "", "never_sent!", REASON_NEVER_SENT },
        { OP_CANCEL, 200, "{\"error\":[],\"result\":{\"count\":1,\"pending\":false}}", "cancelled!",
          REASON_REQUESTED },
        { OP_CANCEL, 200, "{\"error\":[],\"result\":{\"count\":0}}", "cancel_rejected!",
          REASON_VENUE_UNKNOWN_ORDER },
        { OP_CANCEL, 200, "{\"error\":[\"EOrder:Unknown order\"]}", "cancel_rejected!",
          REASON_VENUE_UNKNOWN_ORDER },
        { OP_CANCEL, 503, "", "unknown!", REASON_TRANSPORT },
        { OP_CANCEL, -1, "", "never_sent!", REASON_NEVER_SENT },
        { OP_REPLACE, 200, "{\"error\":[],\"result\":{\"amend_id\":\"TB\"}}", "replaced!", 0 },
        { OP_REPLACE, 200, "{\"error\":[\"EOrder:Unknown order\"]}", "replace_rejected!",
          REASON_VENUE_UNKNOWN_ORDER },
        { OP_REPLACE, 504, "", "unknown!", REASON_TRANSPORT },
        { OP_CANCEL_ALL, 200, "{\"error\":[],\"result\":{\"count\":4}}", "done!", 0 },
        { OP_CANCEL_ALL, 200, "{\"error\":[\"EService:Unavailable\"]}", "failed!",
          REASON_UNKNOWN_OUTCOME },
        { OP_CANCEL_ALL, 0, "", "failed!", REASON_TRANSPORT },
        { OP_DEAD_MAN, 200,
          "{\"error\":[],\"result\":{\"currentTime\":\"2023-03-24T17:41:56Z\","
          "\"triggerTime\":\"2023-03-24T17:42:56Z\"}}",
          "dead_man!", 0 },
        { OP_DEAD_MAN, 200, "{\"error\":[],\"result\":{\"triggerTime\":\"0\"}}", "dead_man!", 0 },
        { OP_DEAD_MAN, 500, "", "failed!", REASON_TRANSPORT },
        { OP_OPEN_ORDERS, 200, "{\"error\":[],\"result\":{\"open\":{}}}", "done!", 0 },
        { OP_OPEN_ORDERS, 200, "{\"error\":[],\"result\":{\"open\":{\"O\":{}}}}", "failed!",
          REASON_TRANSPORT },
        { OP_OPEN_ORDERS, 200, "{\"error\":[\"EGeneral:Permission denied\"]}", "failed!",
          REASON_PERMISSION },
        { OP_BALANCES, 200,
          "{\"error\":[],\"result\":{\"ZUSD\":{\"balance\":\"25435.21\",\"hold_trade\":\"8249.76\"}"
          ","
          "\"XXBT\":{\"balance\":1.2435,\"hold_trade\":0.8423},\"XXBT.F\":{\"balance\":\"1\"}}}",
          "balance! balance! balance! done!", 0 },
        { OP_BALANCES, 200, "{\"error\":[],\"result\":{\"ZUSD\":{}}}", "failed!",
          REASON_TRANSPORT },
        { OP_EXECUTIONS, 200, "{\"error\":[],\"result\":{\"trades\":{},\"count\":0}}", "done!", 0 },
        { OP_EXECUTIONS, 200, "{\"error\":[\"EAPI:Rate limit exceeded\"]}", "failed!",
          REASON_VENUE_RATE_LIMIT },
        { OP_SERVER_TIME, 200, "{\"error\":[],\"result\":{\"unixtime\":1777975200}}",
          "server_time!", 0 },
        { OP_SERVER_TIME, 503, "", "failed!", REASON_TRANSPORT },
        { OP_INSTRUMENTS, 200, asset_pairs, "instrument! done!", 0 },
        { OP_INSTRUMENTS, 200, "{\"error\":[],\"result\":[]}", "failed!", REASON_TRANSPORT },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct order_world world;
        struct venue_command c = over_rest(place());
        begin_up(&world);
        c.op = rows[i].op;
        if (c.op != OP_PLACE && c.op != OP_CANCEL && c.op != OP_REPLACE)
            c.symbol[0] = c.client_order_id[0] = '\0';
        CHECK_INT(command(&world, &c), 0);
        struct venue_response response = { .tag = last_request(&world)->tag,
                                           .status = MAX(rows[i].status, 0),
                                           .was_sent = rows[i].status >= 0,
                                           .body = rows[i].body,
                                           .body_len = strlen(rows[i].body) };
        (void)world.ops->http(world.state, &response, &world.clock, &world.out);
        CHECK_STR(order_world_line(&world), rows[i].line);
        for (size_t n = 0; n < world.report_count; n++)
            if (world.reports[n].request_id && rows[i].why) {
                CHECK_INT(world.reports[n].why, rows[i].why);
                break;
            }
        /* Said once: the same answer again ends nothing. */
        size_t reports = world.report_count;
        (void)world.ops->http(world.state, &response, &world.clock, &world.out);
        CHECK_INT(world.report_count, reports);
        order_world_end(&world);
    }
}

static void a_wrong_nonce_is_tried_again_for_questions_only(void)
{
    struct order_world world;
    struct venue_command ask = { .op = OP_BALANCES, .request_id = 4 };

    begin_up(&world);
    CHECK_INT(command(&world, &ask), 0);
    CHECK(http(&world, "{\"error\":[\"EAPI:Invalid nonce\"]}") == 0);
    CHECK_INT(world.request_count, 2);
    CHECK(strcmp(world.requests[0].body, world.requests[1].body) != 0);
    CHECK_STR(order_world_line(&world), "");
    CHECK(http(&world, "{\"error\":[\"EAPI:Invalid nonce\"]}") == 0);
    CHECK_INT(world.request_count, 2); /* Once. */
    CHECK_STR(order_world_line(&world), "failed!");
    order_world_end(&world);
}

#define ORDER(id, client, status, exec)                                                          \
    "\"" id "\":{\"refid\":null,\"userref\":0,\"cl_ord_id\":\"" client "\",\"status\":\"" status \
    "\",\"opentm\":1688666559.8974,\"descr\":{\"pair\":\"XBTUSD\",\"type\":\"buy\","             \
    "\"ordertype\":\"limit\",\"price\":\"30010.0\"},\"vol\":\"1.25000000\",\"vol_exec\":\"" exec \
    "\",\"oflags\":\"fciq,post\"}"

static void a_query_by_client_id_asks_for_open_then_for_closed_orders(void)
{
    struct order_world world;
    struct venue_command ask = place();

    ask.op = OP_QUERY;
    begin_up(&world);
    CHECK_INT(command(&world, &ask), 0);
    CHECK(http(&world, "{\"error\":[],\"result\":{\"open\":{" ORDER(
                           "OB", "PAAAAAAAAAAAAAAAA", "open", "0.37500000") "}}}") == 0);
    CHECK_STR(order_world_line(&world), "order!");
    CHECK_INT(world.reports[0].state, ORDER_PARTIALLY_FILLED);
    CHECK_INT(world.reports[0].cum_qty, 37500000);
    CHECK_INT(world.reports[0].price, INT64_C(3001000000000));
    CHECK_STR(world.reports[0].exchange_order_id, "OB");
    CHECK_STR(world.reports[0].symbol, "BTC/USD");
    CHECK(world.reports[0].is_post_only);
    CHECK_INT(world.reports[0].exchange_ns, INT64_C(1688666559897400000));

    /* Closed in between: the second list has it. One of another id is not ours. */
    order_world_clear(&world);
    CHECK_INT(command(&world, &ask), 0);
    CHECK(http(&world, "{\"error\":[],\"result\":{\"open\":{" ORDER("OC", "other", "open",
                                                                    "0.00000000") "}}}") == 0);
    CHECK_STR(order_world_line(&world), "");
    CHECK_STR(last_request(&world)->path, "/0/private/ClosedOrders");
    CHECK(strstr(last_request(&world)->body, "&cl_ord_id=PAAAAAAAAAAAAAAAA"));
    CHECK(http(&world, "{\"error\":[],\"result\":{\"closed\":{" ORDER(
                           "OB", "PAAAAAAAAAAAAAAAA", "closed", "1.25000000") "},\"count\":1}}") ==
          0);
    CHECK_STR(order_world_line(&world), "order!");
    CHECK_INT(world.reports[0].state, ORDER_FILLED);

    /* Only where both lists say so, there is no such order. */
    order_world_clear(&world);
    CHECK_INT(command(&world, &ask), 0);
    CHECK(http(&world, "{\"error\":[],\"result\":{\"open\":{}}}") == 0);
    CHECK(http(&world, "{\"error\":[],\"result\":{\"closed\":{},\"count\":0}}") == 0);
    CHECK_STR(order_world_line(&world), "no_such_order!");
    order_world_clear(&world);
    CHECK_INT(command(&world, &ask), 0);
    CHECK(http(&world, "{\"error\":[],\"result\":{\"open\":{}}}") == 0);
    CHECK_INT(order_world_http(&world, last_request(&world)->tag, 520, ""), 0);
    CHECK_STR(order_world_line(&world), "failed!");
    order_world_end(&world);
}

static void a_query_by_the_venues_id_asks_for_that_order(void)
{
    struct order_world world;
    struct venue_command ask = cancel();

    ask.op = OP_QUERY;
    begin_up(&world);
    CHECK_INT(command(&world, &ask), 0);
    CHECK_STR(last_request(&world)->path, "/0/private/QueryOrders");
    CHECK(http(&world, "{\"error\":[],\"result\":{" ORDER("OAAAAA-BBBBB-CCCCCC", "x", "canceled",
                                                          "0.00000000") "}}") == 0);
    CHECK_STR(order_world_line(&world), "order!");
    CHECK_INT(world.reports[0].state, ORDER_CANCELLED);
    order_world_clear(&world);
    CHECK_INT(command(&world, &ask), 0);
    CHECK(http(&world, "{\"error\":[\"EOrder:Unknown order\"]}") == 0);
    CHECK_STR(order_world_line(&world), "no_such_order!");
    order_world_end(&world);
}

static void trade_page(char *out, size_t cap, int first, int rows, int count)
{
    size_t at = (size_t)snprintf(out, cap, "{\"error\":[],\"result\":{\"trades\":{");

    for (int i = 0; i < rows; i++)
        at += (size_t)snprintf(out + at, cap - at,
                               "%s\"T%d\":{\"ordertxid\":\"O1\",\"pair\":\"%s\","
                               "\"time\":1688667796.8802,\"type\":\"buy\",\"ordertype\":\"limit\","
                               "\"price\":\"30010.00000\",\"cost\":\"600.2\",\"fee\":\"1.5\","
                               "\"vol\":\"0.02000000\",\"maker\":true}",
                               i ? "," : "", first + i, i % 2 ? "XXBTZUSD" : "SOLUSD");
    snprintf(out + at, cap - at, "},\"count\":%d}}", count);
}

static void executions_are_read_page_by_page(void)
{
    static char body[32768];
    struct order_world world;
    struct venue_command ask = { .op = OP_EXECUTIONS, .request_id = 5 };

    begin_up(&world);
    CHECK_INT(command(&world, &ask), 0);
    trade_page(body, sizeof(body), 0, 50, 60);
    CHECK(http(&world, body) == 0);
    CHECK_INT(world.report_count, 50);
    CHECK_INT(world.request_count, 2);
    CHECK(strstr(last_request(&world)->body, "&ofs=50"));
    const struct venue_report *fill = &world.reports[1];
    CHECK_INT(fill->kind, REPORT_FILL);
    CHECK_INT(fill->request_id, 5);
    CHECK(!fill->is_from_stream);
    CHECK_STR(fill->symbol, "BTC/USD");
    CHECK_STR(fill->exchange_order_id, "O1");
    CHECK_STR(fill->venue_trade_id, "T1");
    CHECK_INT(fill->last_price, INT64_C(3001000000000));
    CHECK_INT(fill->last_qty, 2000000);
    CHECK_INT(fill->fee, 150000000);
    CHECK_STR(fill->fee_asset, "USD");
    CHECK_INT(fill->liquidity, LIQUIDITY_MAKER);
    CHECK_INT(fill->cum_qty, -1);
    trade_page(body, sizeof(body), 50, 10, 60);
    CHECK(http(&world, body) == 0);
    CHECK_INT(world.report_count, 61);
    CHECK_STR(order_world_line(&world) + strlen(order_world_line(&world)) - 5, "done!");
    CHECK_INT(world.request_count, 2);

    /* Of one instrument only its own. */
    order_world_clear(&world);
    snprintf(ask.symbol, sizeof(ask.symbol), "BTC/USD");
    CHECK_INT(command(&world, &ask), 0);
    trade_page(body, sizeof(body), 0, 4, 4);
    CHECK(http(&world, body) == 0);
    CHECK_STR(order_world_line(&world), "fill! fill! done!");
    order_world_end(&world);
}

static void questions_wait_for_the_venues_counter_and_orders_do_not(void)
{
    struct order_world world;
    struct venue_command ask = { .op = OP_EXECUTIONS, .request_id = 5 };
    struct venue_command order = over_rest(place());
    size_t sent;

    begin_up(&world); /* Intermediate: 20 points, half a point a second back. */
    for (int i = 0; i < 15; i++)
        CHECK_INT(command(&world, &ask), 0);
    sent = world.request_count;
    CHECK(sent >= 9 && sent <= 10);
    CHECK_INT(command(&world, &order), 0);
    CHECK_INT(world.request_count, sent + 1);
    CHECK_STR(last_request(&world)->path, "/0/private/AddOrder");
    for (int i = 0; i < 50; i++)
        pass(&world, 100 * NS_PER_MS);
    CHECK(world.request_count >= sent + 2 && world.request_count <= sent + 4);
    CHECK(order_world_find(&world, REPORT_LIMITS, 0)->limit == 20 ||
          order_world_find(&world, REPORT_LIMITS, 1)->limit == 20);
    order_world_end(&world);
}

static void a_nonce_is_never_used_twice(void)
{
    struct order_world world;
    struct venue_command ask = { .op = OP_BALANCES, .request_id = 4 };

    begin_up(&world);
    CHECK_INT(command(&world, &ask), 0);
    CHECK_INT(order_world_command(&world, &ask), 0); /* The same turn: it waits. */
    CHECK_INT(world.request_count, 1);
    pass(&world, 100 * NS_PER_MS);
    CHECK_INT(world.request_count, 2);
    CHECK(strcmp(world.requests[0].body, world.requests[1].body) != 0);
    order_world_end(&world);
}

static void the_engines_counter_follows_the_venues_table(void)
{
    static const struct {
        enum venue_op op;
        int64_t age_s, points;
    } rows[] = {
        { OP_PLACE, 0, 1 },    { OP_REPLACE, 4, 4 }, { OP_REPLACE, 7, 3 },  { OP_REPLACE, 12, 2 },
        { OP_REPLACE, 20, 1 }, { OP_CANCEL, 4, 8 },  { OP_CANCEL, 9, 6 },   { OP_CANCEL, 14, 5 },
        { OP_CANCEL, 36, 4 },  { OP_CANCEL, 60, 2 }, { OP_CANCEL, 200, 1 }, { OP_CANCEL, 300, 0 },
    };
    struct order_world world;
    struct venue_command order = place(), stop = cancel();

    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_INT(kraken_engine_cost(rows[i].op, rows[i].age_s * NS_PER_S), rows[i].points * 1000);
    CHECK_INT(kraken_tier_of(0)->engine_max, 60);
    CHECK_INT(kraken_tier_of(125)->rest_milli_per_s, 500);
    CHECK_INT(kraken_tier_of(180)->engine_max, 180);

    /* Add, then cancel within five seconds: nine points, which decay. */
    begin_up(&world);
    (void)answer(&world, &order, "add_order",
                 "\"result\":{\"order_id\":\"OAAAAA-BBBBB-CCCCCC\"},\"success\":true");
    (void)answer(&world, &stop, "cancel_order",
                 "\"success\":true,\"result\":{\"order_id\":"
                 "\"OAAAAA-BBBBB-CCCCCC\"}");
    order_world_clear(&world);
    pass(&world, NS_PER_MS);
    const struct venue_report *limits = order_world_find(&world, REPORT_LIMITS, 0);
    CHECK_INT(limits->used, 9);
    CHECK_INT(limits->limit, 125);
    CHECK_STR(limits->symbol, "BTC/USD");
    pass(&world, 2 * NS_PER_S);
    order_world_clear(&world);
    pass(&world, NS_PER_S);
    CHECK_INT(order_world_find(&world, REPORT_LIMITS, 0)->used, 2);
    /* The venue's own word outranks our sum. */
    const struct venue_report *report = answer(
        &world, &order, "add_order", "\"success\":false,\"error\":\"EOrder:Rate limit exceeded\"");
    CHECK_INT(report->kind, REPORT_REJECTED);
    CHECK_INT(report->why, REASON_VENUE_RATE_LIMIT);
    CHECK_INT(order_world_find(&world, REPORT_LIMITS, 0)->used, 125);
    CHECK_INT(order_world_find(&world, REPORT_BACK_OFF, 0)->kind, 0); /* Cancels go on. */
    order_world_end(&world);
}

static void errors_are_classified_by_prefix(void)
{
    static const struct {
        const char *text;
        enum kraken_class kind;
        wire_reason why;
    } rows[] = {
        { "EAPI:Invalid nonce", KRAKEN_RETRY, REASON_VENUE_TIMESTAMP },
        { "EAPI:Invalid key", KRAKEN_FATAL, REASON_VENUE_AUTH },
        { "EGeneral:Temporary lockout", KRAKEN_FATAL, REASON_VENUE_AUTH },
        { "EGeneral:Permission denied", KRAKEN_FATAL, REASON_PERMISSION },
        { "ESession:Invalid session", KRAKEN_REAUTH, REASON_VENUE_AUTH },
        { "Token(s) not found", KRAKEN_REAUTH, REASON_VENUE_AUTH },
        { "EService:Throttled: 1777975230", KRAKEN_RETRY, REASON_VENUE_RATE_LIMIT },
        { "EOrder:Rate limit exceeded", KRAKEN_RETRY, REASON_VENUE_RATE_LIMIT },
        { "EOrder:Insufficient funds (more)", KRAKEN_REJECT, REASON_VENUE_FUNDS },
        { "EOrder:Order minimum not met", KRAKEN_REJECT, REASON_VENUE_FILTER },
        { "EOrder:Orders limit exceeded", KRAKEN_REJECT, REASON_OPEN_ORDERS_MAX },
        { "EOrder:Something new", KRAKEN_REJECT, REASON_VENUE_REJECT },
        { "EService:Market in cancel_only mode", KRAKEN_REJECT, REASON_VENUE_MAINTENANCE },
        { "EService:Unavailable", KRAKEN_UNKNOWN, REASON_UNKNOWN_OUTCOME },
        { "EService:Deadline elapsed", KRAKEN_UNKNOWN, REASON_UNKNOWN_OUTCOME },
        { "EDatabase:Internal error", KRAKEN_UNKNOWN, REASON_UNKNOWN_OUTCOME },
        { "ETrade:User Locked", KRAKEN_FATAL, REASON_PERMISSION },
        { "Limit_price field must be a number_float", KRAKEN_REJECT, REASON_MALFORMED },
        { "Unsupported field: 'price' for the given msg type: add order", KRAKEN_REJECT,
          REASON_MALFORMED },
        { "", KRAKEN_UNKNOWN, REASON_UNKNOWN_OUTCOME },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct kraken_error error =
            kraken_error_of(rows[i].text, strlen(rows[i].text), INT64_C(1777975200000000000));
        CHECK_INT(error.kind, rows[i].kind);
        CHECK_INT(error.why, rows[i].why);
    }
    CHECK_INT(kraken_error_of("EService:Throttled: 1777975230", 30, INT64_C(1777975200000000000))
                  .back_off_ns,
              30 * NS_PER_S);
}

static void the_cache_lets_ended_orders_go_first(void)
{
    struct order_cache cache;
    char id[32];

    CHECK(order_cache_init(&cache) == 0);
    for (int i = 0; i < ORDER_CACHE_MAX; i++) {
        snprintf(id, sizeof(id), "O%d", i);
        order_cache_put(&cache, id)->state = i % 8 == 3 ? ORDER_CANCELLED : ORDER_LIVE;
    }
    CHECK_INT(cache.evicted, 0);
    for (int i = 0; i < 100; i++) {
        snprintf(id, sizeof(id), "N%d", i);
        order_cache_put(&cache, id)->state = ORDER_LIVE;
    }
    CHECK_INT(cache.evicted, 100);
    CHECK_INT(cache.evicted_live, 0);
    for (int i = 0; i < 100; i++) {
        snprintf(id, sizeof(id), "N%d", i);
        CHECK(order_cache_find(&cache, id) != NULL);
    }
    CHECK(!order_cache_find(&cache, "O3"));
    CHECK(order_cache_find(&cache, "O0"));
    CHECK(order_cache_find(&cache, "O2043"));
    order_cache_fini(&cache);
    order_cache_fini(&cache);
}

static void assets_have_one_canonical_code(void)
{
    static const struct {
        const char *rest, *code;
    } rows[] = { { "XXBT", "BTC" },
                 { "ZUSD", "USD" },
                 { "XETH", "ETH" },
                 { "XBT", "BTC" },
                 { "XXDG", "DOGE" },
                 { "SOL", "SOL" },
                 { "XTZ", "XTZ" },
                 { "XBT.M", "BTC.M" },
                 { "ATOM.S", "ATOM.S" },
                 { "ZRX", "ZRX" },
                 { "USD.M", "USD.M" },
                 { "XXBT.F", "BTC.F" },
                 { "averyveryverylongname", "averyveryverylo" } };
    struct kraken_names names = { 0 };
    char code[16];

    for (size_t i = 0; i < COUNT(rows); i++) {
        kraken_asset_code(&names, rows[i].rest, code);
        CHECK_STR(code, rows[i].code);
    }
}

int main(void)
{
    CASE(signatures_are_those_of_the_published_vectors);
    CASE(an_order_over_websocket_is_plain_decimals_and_a_deadline);
    CASE(the_other_frames);
    CASE(an_order_over_rest_has_the_deadline_that_it_was_given);
    CASE(the_other_rest_bodies);
    CASE(what_the_venue_has_not_is_refused_before_anything_leaves);
    CASE(a_request_is_shown_without_session_or_metadata);
    CASE(a_connection_gets_a_token_and_two_channels);
    CASE(a_token_that_is_not_given_is_asked_for_again);
    CASE(connections_that_come_and_go_do_not_fill_the_table);
    CASE(a_hole_in_a_channels_sequence_takes_the_stream_down_and_up);
    CASE(a_session_that_is_not_valid_gets_a_new_token);
    CASE(answers_over_websocket);
    CASE(the_clock_is_measured_by_a_pong);
    CASE(silence_over_websocket_is_an_unknown_outcome_once);
    CASE(an_error_of_no_request_holds_back_new_ones);
    CASE(the_pending_table_is_bounded);
    CASE(sparse_frames_are_completed_from_what_was_said_before);
    CASE(a_fill_says_no_more_of_its_order_than_its_frame_did);
    CASE(an_order_placed_by_us_is_known_before_its_first_frame);
    CASE(a_snapshot_reports_open_orders_and_fills);
    CASE(private_news_that_cannot_be_read_take_the_stream_down);
    CASE(balances_name_what_open_orders_hold);
    CASE(every_command_has_one_answering_report_over_rest);
    CASE(a_wrong_nonce_is_tried_again_for_questions_only);
    CASE(a_query_by_client_id_asks_for_open_then_for_closed_orders);
    CASE(a_query_by_the_venues_id_asks_for_that_order);
    CASE(executions_are_read_page_by_page);
    CASE(questions_wait_for_the_venues_counter_and_orders_do_not);
    CASE(a_nonce_is_never_used_twice);
    CASE(the_engines_counter_follows_the_venues_table);
    CASE(errors_are_classified_by_prefix);
    CASE(the_cache_lets_ended_orders_go_first);
    CASE(assets_have_one_canonical_code);
    if (access(SHARED "vectors/signed_requests.json", R_OK) != 0) {
        printf("ok kraken signed requests # skipped: no ../shared\n");
        DONE();
    }
    CASE(requests_are_those_of_an_independent_client);
    CASE(signature_is_that_of_the_fixture);
    DONE();
}
