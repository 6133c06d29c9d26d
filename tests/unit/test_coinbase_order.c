/* Coinbase's order side: requests and their signatures, what answers and news mean. */
#include "common/pure/crypto.h"
#include "tests/proof.h"
#include "tests/unit/capture.h"
#include "tests/unit/check.h"
#include "tests/unit/order_world.h"
#include "venues/coinbase/order.h"

#include <cjson/cJSON.h>
#include <unistd.h>

#define SECRET \
    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw=="
#define CLIENT_ID "1985ca2d-61ef-49f1-bfce-6c39d8462914"
#define ORDER_ID_ "4a9a9a1e-ae1e-4374-ba3c-dd861e45e414"
#define TAIL      ",\"product_id\":\"BTC-USD\",\"time\":\"2025-08-18T07:46:46.48Z\"}"

static const char *const names[] = { "BTC-USD" };
static struct order_world world;

static struct venue_order_config config_of(const char *secret)
{
    return (struct venue_order_config){ .venue = "coinbase",
                                        .ws_url = "wss://venue",
                                        .names = names,
                                        .name_count = 1,
                                        .api_key = "key",
                                        .api_secret = secret,
                                        .api_passphrase = "phrase",
                                        .maker_fee_ppm = 4000,
                                        .taker_fee_ppm = 6000 };
}

static uint64_t last_tag(void)
{
    return world.requests[(world.request_count - 1) % WORLD_SENT].tag;
}

static void answer(int status, const char *body)
{
    (void)order_world_http(&world, last_tag(), status, body);
}

static void begin(void)
{
    struct venue_order_config config = config_of(SECRET);

    CHECK_INT(order_world_begin(&world, &coinbase_order_ops, &config), 0);
    world.ops->start(world.state, &world.clock, &world.out);
    answer(200, "[{\"id\":\"BTC-USD\",\"base_currency\":\"BTC\",\"quote_currency\":\"USD\","
                "\"quote_increment\":\"0.01\",\"base_increment\":\"0.00000001\","
                "\"min_market_funds\":\"1\",\"status\":\"online\"}]");
    answer(200, "{\"maker_fee_rate\":\"0.0025\",\"taker_fee_rate\":\"0.0040\"}");
    order_world_clear(&world);
}

static void stream_up(void)
{
    world.ops->opened(world.state, 0, &world.clock, &world.out);
    CHECK_INT(order_world_frame(&world, "{\"type\":\"subscriptions\",\"channels\":[{\"name\":"
                                        "\"user\",\"product_ids\":[\"BTC-USD\"]}]}"),
              0);
    order_world_clear(&world);
}

static struct venue_command command_of(enum venue_op op)
{
    struct venue_command command = { .op = op,
                                     .request_id = 7,
                                     .symbol = "BTC-USD",
                                     .side = SIDE_BUY,
                                     .type = ORDER_LIMIT,
                                     .time_in_force = TIF_GTC,
                                     .price = 5000000,
                                     .qty = 100000,
                                     .price_exp = 2,
                                     .qty_exp = 8,
                                     .price_decimals = 2,
                                     .qty_decimals = 8,
                                     .client_order_id = CLIENT_ID };
    return command;
}

static void give(enum venue_op op)
{
    struct venue_command command = command_of(op);

    CHECK_INT(order_world_command(&world, &command), 0);
}

/* ---- signatures ---- */

static void keys_of(struct order_keys *keys, const char *secret)
{
    uint8_t raw[128];
    size_t len = 0;

    CHECK_INT(base64_decode(secret, strlen(secret), raw, sizeof(raw), &len), 0);
    CHECK_INT(hmac_key_init(&keys->hmac, raw, len), 0);
    keys->is_set = true;
}

/* The dossier's, computed with another implementation. */
static void signatures_are_those_of_the_dossier(void)
{
    static const char body[] =
        "{\"client_oid\":\"" CLIENT_ID "\",\"product_id\":\"BTC-USD\",\"side\":\"buy\",\"type\":"
        "\"limit\",\"price\":\"50000.00\",\"size\":\"0.00100000\",\"time_in_force\":\"GTC\","
        "\"post_only\":true,\"stp\":\"cn\"}";
    static const struct {
        const char *timestamp, *method, *path, *body, *want;
    } vectors[] = {
        { "1700000000", "GET", "/users/self/verify", "",
          "4w5N81jN+R8BEl+8gu26Lel0jalXF5uTezix+T8v9eY=" },
        { "1700000000.123", "GET", "/users/self/verify", "",
          "maXKiSsLPYaOmwbHMYPOnAk9dnfBM1tLuI8FmCJJfqM=" },
        { "1700000000", "GET", "/accounts", "", "rGG1JqXQ+E6pZei33vupSfjDznqIYp7EiYs3JKWtKIw=" },
        { "1700000000", "GET", "/orders?status=open&product_id=BTC-USD&limit=100", "",
          "w1CBeUlJMNJZ/T0LvZcZx2ZHRup0NTMWzjwXuALQiUw=" },
        { "1700000000", "POST", "/orders", body, "UH5tTVMupHyf8HPVxC+/gGYT+9p9NvURWeiQSXPFJCw=" },
        { "1700000000", "DELETE", "/orders/client:" CLIENT_ID "?product_id=BTC-USD", "",
          "NFSTEr9OdHJ2NZKYqK4UlCTzXOypV19HrkEvbSiE66Q=" },
    };
    struct order_keys keys = { .is_set = false };
    char signature[ORDER_SIGN_TEXT];

    keys_of(&keys, SECRET);
    for (size_t i = 0; i < COUNT(vectors); i++) {
        CHECK_INT(coinbase_sign(&keys, vectors[i].timestamp, vectors[i].method, vectors[i].path,
                                vectors[i].body, strlen(vectors[i].body), signature),
                  0);
        CHECK_STR(signature, vectors[i].want);
    }
    hmac_key_fini(&keys.hmac);
    if (!check_failed_in_case)
        proof_of("coinbase", PROOF_signing, BY_vector, "six of the dossier");
}

static const char *text_of(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));

    return text ? text : "";
}

/* Each request of an independent client, signed over its own bytes. */
static void signatures_are_those_of_an_independent_client(void)
{
    struct file_text file = file_read(SHARED "vectors/signed_requests.json");
    struct order_keys keys = { .is_set = false };
    char signature[ORDER_SIGN_TEXT];
    unsigned count = 0;

    if (!file.text) {
        printf("# skipped: no ../shared\n");
        return;
    }
    cJSON *all = cJSON_Parse(file.text), *request;
    keys_of(&keys, text_of(cJSON_GetObjectItem(all, "creds"), "secret"));
    cJSON_ArrayForEach(
        request, cJSON_GetObjectItem(cJSON_GetObjectItem(all, "requests"), "coinbaseexchange"))
    {
        const cJSON *headers = cJSON_GetObjectItem(request, "headers");
        const char *body = text_of(request, "body");
        const char *host = strstr(text_of(request, "url"), "://");
        const char *path = host ? strchr(host + 3, '/') : "";
        CHECK_INT(coinbase_sign(&keys, text_of(headers, "CB-ACCESS-TIMESTAMP"),
                                text_of(request, "method"), path, body, strlen(body), signature),
                  0);
        CHECK_STR(signature, text_of(headers, "CB-ACCESS-SIGN"));
        count++;
    }
    CHECK_INT(count, 10);
    cJSON_Delete(all);
    free(file.text);
    hmac_key_fini(&keys.hmac);
}

static void the_recorded_vector_of_another_client_is_ours(void)
{
    struct file_text file =
        file_read(SHARED "fixtures/coinbase/vectors/signing_exchange_rest.json");
    struct order_keys keys = { .is_set = false };
    char signature[ORDER_SIGN_TEXT];

    if (!file.text) {
        printf("# skipped: no ../shared\n");
        return;
    }
    cJSON *vector = cJSON_Parse(file.text);
    keys_of(&keys, text_of(vector, "secret"));
    CHECK_INT(coinbase_sign(&keys, "", "", text_of(vector, "prehash"), "", 0, signature), 0);
    CHECK_STR(signature, text_of(vector, "signature"));
    cJSON_Delete(vector);
    free(file.text);
    hmac_key_fini(&keys.hmac);
}

static void the_time_is_in_seconds(void)
{
    char text[ORDER_TIME_TEXT];

    coinbase_timestamp(INT64_C(1700000000123999999), text);
    CHECK_STR(text, "1700000000.123");
    coinbase_timestamp(INT64_C(1700000000000999999), text);
    CHECK_STR(text, "1700000000");
    coinbase_timestamp(INT64_C(1700000000007000000), text);
    CHECK_STR(text, "1700000000.007");
}

static void a_secret_that_is_no_base64_is_refused_at_once(void)
{
    struct venue_order_config config = config_of("not base64!");

    CHECK_INT(order_world_begin(&world, &coinbase_order_ops, &config), ERR_AUTH);
    order_world_end(&world);
}

/* ---- requests ---- */

static const struct venue_request *last_request(void)
{
    return &world.requests[(world.request_count - 1) % WORLD_SENT];
}

static void an_order_is_written_as_the_venue_takes_it(void)
{
    struct venue_command command = command_of(OP_PLACE);

    begin();
    CHECK_INT(order_world_command(&world, &command), 0);
    CHECK_STR(last_request()->method, "POST");
    CHECK_STR(last_request()->path, "/orders");
    CHECK_STR(last_request()->body,
              "{\"type\":\"limit\",\"side\":\"buy\",\"product_id\":\"BTC-USD\",\"client_oid\":"
              "\"" CLIENT_ID "\",\"price\":\"50000.00\",\"size\":\"0.00100000\",\"stp\":\"cn\"}");
    CHECK_INT(last_request()->header_count, 5);
    CHECK_STR(last_request()->headers[3].value, "phrase");
    CHECK(last_request()->is_private && !last_request()->is_cancel);
    command.type = ORDER_MARKET;
    command.side = SIDE_SELL;
    CHECK_INT(order_world_command(&world, &command), 0);
    CHECK_STR(last_request()->body,
              "{\"type\":\"market\",\"side\":\"sell\",\"product_id\":\"BTC-USD\",\"client_oid\":"
              "\"" CLIENT_ID "\",\"size\":\"0.00100000\",\"stp\":\"cn\"}");
    command.type = ORDER_LIMIT;
    command.time_in_force = TIF_FOK;
    CHECK_INT(order_world_command(&world, &command), 0);
    CHECK(strstr(last_request()->body, "\"time_in_force\":\"FOK\","));
    command.is_post_only = true;
    CHECK_INT(order_world_command(&world, &command), ERR_RANGE);
    command = command_of(OP_PLACE);
    snprintf(command.client_order_id, sizeof(command.client_order_id), "T0000000000001000");
    CHECK_INT(order_world_command(&world, &command), ERR_RANGE); /* No UUID: it would be lost. */
    command = command_of(OP_PLACE);
    command.price_decimals = 1;
    command.price = 5000001;
    CHECK_INT(order_world_command(&world, &command), ERR_RANGE); /* A digit would be lost. */
    command = command_of(OP_PLACE);
    command.is_reduce_only = true;
    CHECK_INT(order_world_command(&world, &command), ERR_UNSUPPORTED);
    command = command_of(OP_REPLACE);
    CHECK_INT(order_world_command(&world, &command), ERR_UNSUPPORTED);
    command = command_of(OP_DEAD_MAN);
    CHECK_INT(order_world_command(&world, &command), ERR_UNSUPPORTED);
    order_world_end(&world);
}

static void orders_are_meant_by_either_id(void)
{
    struct venue_command command = command_of(OP_CANCEL);

    begin();
    CHECK_INT(order_world_command(&world, &command), 0);
    CHECK_STR(last_request()->method, "DELETE");
    CHECK_STR(last_request()->path, "/orders/client:" CLIENT_ID "?product_id=BTC-USD");
    CHECK(last_request()->is_cancel);
    snprintf(command.exchange_order_id, sizeof(command.exchange_order_id), ORDER_ID_);
    CHECK_INT(order_world_command(&world, &command), 0);
    CHECK_STR(last_request()->path, "/orders/" ORDER_ID_ "?product_id=BTC-USD");
    command.op = OP_QUERY;
    CHECK_INT(order_world_command(&world, &command), 0);
    CHECK_STR(last_request()->path, "/orders/" ORDER_ID_);
    snprintf(command.exchange_order_id, sizeof(command.exchange_order_id), "a/b?c");
    CHECK_INT(order_world_command(&world, &command), ERR_RANGE);
    order_world_end(&world);
}

/* ---- pages ---- */

static void page_with_cursor(const char *body, const char *cursor)
{
    struct venue_header header = { .name = "cb-after" };
    struct venue_response response = { .tag = last_tag(),
                                       .status = 200,
                                       .was_sent = true,
                                       .body = body,
                                       .body_len = strlen(body),
                                       .headers = &header,
                                       .header_count = 1 };

    snprintf(header.value, sizeof(header.value), "%s", cursor);
    CHECK_INT(world.ops->http(world.state, &response, &world.clock, &world.out), 0);
}

static char *page_of(unsigned count, unsigned first, bool is_fills)
{
    char *text = malloc(count * 320 + 8);
    size_t at = 0;

    text[at++] = '[';
    for (unsigned i = 0; i < count; i++)
        at += (size_t)sprintf(
            text + at,
            is_fills
                ? "%s{\"trade_id\":%u,\"product_id\":\"BTC-USD\",\"order_id\":\"" ORDER_ID_
                  "\",\"liquidity\":\"M\",\"price\":\"1.00\",\"size\":\"0.5\",\"fee\":\"0\","
                  "\"side\":\"buy\",\"created_at\":\"2025-08-13T14:56:07.26Z\"}"
                : "%s{\"id\":\"order-%u\",\"product_id\":\"BTC-USD\",\"side\":\"buy\",\"size\":"
                  "\"1.0\",\"price\":\"2.00\",\"type\":\"limit\",\"status\":\"open\","
                  "\"filled_size\":\"0\",\"created_at\":\"2025-08-13T14:56:07.26Z\"}",
            i ? "," : "", first - i);
    text[at++] = ']';
    text[at] = '\0';
    return text;
}

static void lists_are_read_to_their_last_page(void)
{
    struct venue_command command = command_of(OP_OPEN_ORDERS);
    char *full = page_of(100, 200, false), *rest = page_of(3, 100, false);

    begin();
    CHECK_INT(order_world_command(&world, &command), 0);
    CHECK_STR(last_request()->path,
              "/orders?product_id=BTC-USD&status=open&status=pending&status=active&limit=1000");
    page_with_cursor(full, "2025-08-13T14:56:07.26Z");
    CHECK_INT(world.report_count, 100);
    CHECK_STR(last_request()->path, "/orders?product_id=BTC-USD&status=open&status=pending&status="
                                    "active&limit=1000&after=2025-08-13T14:56:07.26Z");
    order_world_clear(&world);
    world.request_count = 1; /* The tag is that of the list. */
    page_with_cursor(rest, "2025-08-13T14:56:00Z");
    CHECK_INT(world.report_count, 4);
    CHECK_INT(world.reports[3].kind, REPORT_DONE);
    free(full);
    free(rest);
    order_world_end(&world);
}

static void executions_are_told_oldest_first_and_end_with_the_time_asked_for(void)
{
    struct venue_command command = command_of(OP_EXECUTIONS);
    char *page = page_of(100, 500, true);

    begin();
    command.symbol[0] = '\0'; /* Of the account: product by product. */
    command.since_wall_ns = INT64_C(1755000000000000000);
    CHECK_INT(order_world_command(&world, &command), 0);
    CHECK_STR(last_request()->path,
              "/fills?product_id=BTC-USD&start_date=2025-08-12T12:00:00.000Z&limit=1000");
    page_with_cursor(page, "401");
    CHECK_STR(order_world_find(&world, REPORT_FILL, 0)->venue_trade_id, "401");
    CHECK(strstr(last_request()->path, "&after=401"));
    order_world_clear(&world);
    world.request_count = 1;
    /* Older than asked for: whatever the venue does with start_date, that is the end. */
    char *old = page_of(100, 400, true);
    for (char *at = old; (at = strstr(at, "2025-08-13"));)
        memcpy(at, "2024-08-13", 10);
    page_with_cursor(old, "301");
    CHECK_INT(world.request_count, 1);
    CHECK_INT(world.report_count, 101);
    free(page);
    free(old);
    order_world_end(&world);
}

/* ---- answers and news ---- */

static void acceptance_may_come_after_the_news(void)
{
    begin();
    stream_up();
    give(OP_PLACE);
    CHECK_INT(order_world_frame(
                  &world, "{\"type\":\"received\",\"order_id\":\"" ORDER_ID_
                          "\",\"order_type\":\"limit\",\"size\":\"0.001\",\"price\":\"50000.00\","
                          "\"side\":\"buy\",\"client_oid\":\"" CLIENT_ID "\"" TAIL),
              0);
    CHECK_INT(order_world_frame(
                  &world, "{\"type\":\"match\",\"trade_id\":30,\"maker_order_id\":\"x\","
                          "\"taker_order_id\":\"" ORDER_ID_ "\",\"size\":\"0.0004\",\"price\":"
                          "\"49999.99\",\"side\":\"sell\",\"taker_user_id\":\"u\","
                          "\"taker_profile_id\":\"p\",\"taker_fee_rate\":\"0.0004\"" TAIL),
              0);
    CHECK_INT(order_world_frame(&world, "{\"type\":\"open\",\"order_id\":\"" ORDER_ID_
                                        "\",\"price\":\"50000.00\",\"remaining_size\":\"0.0006\","
                                        "\"side\":\"buy\"" TAIL),
              0);
    answer(200, "{\"id\":\"" ORDER_ID_ "\",\"price\":\"50000.00\",\"size\":\"0.00100000\","
                "\"product_id\":\"BTC-USD\",\"side\":\"buy\",\"type\":\"limit\",\"status\":"
                "\"pending\",\"settled\":false}");
    CHECK_STR(order_world_line(&world), "new fill accepted!");
    const struct venue_report *fill = order_world_find(&world, REPORT_FILL, 0);
    CHECK_STR(fill->client_order_id, CLIENT_ID);
    CHECK_INT(fill->side, SIDE_BUY); /* The taker's is the other one than the message's. */
    CHECK_INT(fill->liquidity, LIQUIDITY_TAKER);
    CHECK_INT(fill->fee, 799999); /* 0.0004 * 49999.99 * 0.0004, cut after 8 decimals. */
    CHECK_STR(fill->fee_asset, "USD");
    CHECK_INT(fill->cum_qty, 40000);
    const struct venue_report *accepted = order_world_find(&world, REPORT_ACCEPTED, 0);
    CHECK_STR(accepted->exchange_order_id, ORDER_ID_);
    CHECK_INT(accepted->cum_qty, -1);
    order_world_end(&world);
}

/* A cancel_reason beside "filled" has been seen: reason alone decides. */
static void done_is_read_by_its_reason(void)
{
    begin();
    stream_up();
    CHECK_INT(order_world_frame(
                  &world, "{\"type\":\"received\",\"order_id\":\"" ORDER_ID_
                          "\",\"order_type\":\"limit\",\"size\":\"0.001\",\"price\":\"50000.00\","
                          "\"side\":\"buy\",\"client-oid\":\"" CLIENT_ID "\"" TAIL),
              0);
    order_world_clear(&world);
    CHECK_INT(order_world_frame(&world, "{\"type\":\"done\",\"order_id\":\"" ORDER_ID_
                                        "\",\"reason\":\"filled\",\"cancel_reason\":\"107:Broker\","
                                        "\"price\":\"50000.00\",\"remaining_size\":\"0\",\"side\":"
                                        "\"buy\"" TAIL),
              0);
    /* Filled, and its execution was never told: that is said. */
    CHECK_STR(order_world_line(&world), "order");
    CHECK_INT(world.reports[0].state, ORDER_FILLED);
    CHECK_INT(world.reports[0].cum_qty, 100000);
    CHECK_STR(world.reports[0].client_order_id, CLIENT_ID); /* The key with a hyphen, too. */
    order_world_clear(&world);
    CHECK_INT(order_world_frame(&world, "{\"type\":\"done\",\"order_id\":\"another\",\"reason\":"
                                        "\"canceled\",\"cancel_reason\":\"101:Time In Force\","
                                        "\"side\":\"sell\"" TAIL),
              0);
    CHECK_STR(order_world_line(&world), "expired");
    CHECK_INT(world.reports[0].why, REASON_NO_LIQUIDITY);
    CHECK_INT(world.reports[0].cum_qty, -1); /* How much was executed is not known. */
    order_world_end(&world);
}

/* A cancel's yes is answered with the end; where the end does not come, the engine has to ask. */
static void a_cancel_waits_two_seconds_for_the_end(void)
{
    begin();
    stream_up();
    CHECK_INT(order_world_frame(
                  &world, "{\"type\":\"received\",\"order_id\":\"" ORDER_ID_
                          "\",\"order_type\":\"limit\",\"size\":\"0.001\",\"price\":\"50000.00\","
                          "\"side\":\"buy\",\"client_oid\":\"" CLIENT_ID "\"" TAIL),
              0);
    order_world_clear(&world);
    give(OP_CANCEL);
    answer(200, "\"" CLIENT_ID "\"");
    CHECK_STR(order_world_line(&world), "");
    order_world_pass(&world, 1900 * NS_PER_MS);
    CHECK_STR(order_world_line(&world), "");
    order_world_pass(&world, 200 * NS_PER_MS);
    CHECK_STR(order_world_line(&world), "cancelled!");
    CHECK_INT(world.reports[0].cum_qty, -1);
    order_world_clear(&world);
    give(OP_QUERY); /* It was cancelled without an execution: the venue has forgotten it. */
    answer(404, "{\"message\":\"NotFound\"}");
    CHECK_STR(order_world_line(&world), "order!");
    CHECK_INT(world.reports[0].state, ORDER_CANCELLED);
    CHECK_INT(world.reports[0].cum_qty, 0);
    order_world_end(&world);
}

/* A list that was made before an end must not bring the order back to life. */
static void an_end_stays_an_end(void)
{
    begin();
    stream_up();
    CHECK_INT(order_world_frame(
                  &world, "{\"type\":\"received\",\"order_id\":\"" ORDER_ID_
                          "\",\"order_type\":\"limit\",\"size\":\"0.001\",\"price\":\"50000.00\","
                          "\"side\":\"buy\",\"client_oid\":\"" CLIENT_ID "\"" TAIL),
              0);
    CHECK_INT(order_world_frame(&world, "{\"type\":\"done\",\"order_id\":\"" ORDER_ID_
                                        "\",\"reason\":\"canceled\",\"remaining_size\":\"0.0004\","
                                        "\"side\":\"buy\"" TAIL),
              0);
    CHECK_INT(order_world_find(&world, REPORT_CANCELLED, 0)->cum_qty, 60000);
    order_world_clear(&world);
    give(OP_QUERY);
    answer(200, "{\"id\":\"" ORDER_ID_ "\",\"price\":\"50000.00\",\"size\":\"0.001\","
                "\"product_id\":\"BTC-USD\",\"side\":\"buy\",\"type\":\"limit\",\"status\":"
                "\"open\",\"filled_size\":\"0\"}");
    CHECK_INT(world.reports[0].state, ORDER_CANCELLED);
    CHECK_INT(world.reports[0].cum_qty, 60000);
    order_world_end(&world);
}

/* ---- refusals ---- */

static void each_refusal_says_whether_it_happened(void)
{
    static const struct {
        int status;
        const char *body;
        enum venue_report_kind kind;
        wire_reason why;
    } cases[] = {
        { 400, "{\"message\":\"Insufficient funds\"}", REPORT_REJECTED, REASON_VENUE_FUNDS },
        { 400, "{\"message\":\"price is too accurate. Smallest unit is 0.01\"}", REPORT_REJECTED,
          REASON_VENUE_FILTER },
        { 400, "{\"message\":\"Post only mode\"}", REPORT_REJECTED,
          REASON_INSTRUMENT_NOT_TRADABLE },
        { 400, "{\"message\":\"request timestamp expired\"}", REPORT_REJECTED,
          REASON_VENUE_TIMESTAMP },
        { 400, "{\"message\":\"something new\"}", REPORT_REJECTED, REASON_VENUE_REJECT },
        { 401, "{\"message\":\"Invalid API Key\"}", REPORT_REJECTED, REASON_VENUE_AUTH },
        { 403, "{\"message\":\"Forbidden\"}", REPORT_REJECTED, REASON_PERMISSION },
        { 429, "{\"message\":\"Private rate limit exceeded\"}", REPORT_REJECTED,
          REASON_VENUE_RATE_LIMIT },
        { 400, "{\"message\":\"Duplicate client_oid\"}", REPORT_OUTCOME_UNKNOWN,
          REASON_VENUE_DUPLICATE },
        { 500, "{\"message\":\"Internal server error\"}", REPORT_OUTCOME_UNKNOWN,
          REASON_UNKNOWN_OUTCOME },
        { 500, "{\"message\":\"Insufficient funds\"}", REPORT_OUTCOME_UNKNOWN,
          REASON_UNKNOWN_OUTCOME },
        { 502, "<html>", REPORT_OUTCOME_UNKNOWN, REASON_UNKNOWN_OUTCOME },
        { 503, "{\"message\":\"under maintenance\"}", REPORT_OUTCOME_UNKNOWN,
          REASON_VENUE_MAINTENANCE },
        { 524, "", REPORT_OUTCOME_UNKNOWN, REASON_UNKNOWN_OUTCOME },
        { 0, "", REPORT_OUTCOME_UNKNOWN, REASON_UNKNOWN_OUTCOME },
        { 200, "not json", REPORT_OUTCOME_UNKNOWN, REASON_UNKNOWN_OUTCOME },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        begin();
        give(OP_PLACE);
        answer(cases[i].status, cases[i].body);
        const struct venue_report *report = order_world_find(&world, cases[i].kind, 0);
        if (report->request_id != 7 || report->why != cases[i].why)
            fprintf(stderr, "%d %s: %s, %s\n", cases[i].status, cases[i].body,
                    order_world_line(&world), wire_reason_str(world.reports[0].why));
        CHECK_INT(report->request_id, 7);
        CHECK_INT(report->why, cases[i].why);
        order_world_end(&world);
    }
}

static void a_429_is_heeded_for_as_long_as_it_says(void)
{
    struct venue_header header = { .name = "retry-after", .value = "7" };
    struct venue_response response = {
        .status = 429, .was_sent = true, .body = "", .headers = &header, .header_count = 1
    };

    begin();
    give(OP_BALANCES);
    response.tag = last_tag();
    CHECK_INT(world.ops->http(world.state, &response, &world.clock, &world.out), 0);
    CHECK_STR(order_world_line(&world), "back_off failed!");
    CHECK_INT(world.reports[0].until_ns - world.clock.now_ns, 7 * NS_PER_S);
    order_world_clear(&world);
    give(OP_BALANCES); /* It does not say: a second, then two. */
    answer(429, "");
    CHECK_INT(world.reports[0].until_ns - world.clock.now_ns, 2 * NS_PER_S);
    order_world_end(&world);
}

static void a_question_is_signed_anew_after_a_refused_time(void)
{
    begin();
    give(OP_QUERY);
    answer(400, "{\"message\":\"request timestamp expired\"}");
    CHECK_INT(world.request_count, 2);
    CHECK_STR(order_world_line(&world), "");
    answer(400, "{\"message\":\"request timestamp expired\"}");
    CHECK_INT(world.request_count, 2); /* Once. */
    CHECK_STR(order_world_line(&world), "failed!");
    order_world_end(&world);
}

static void the_venues_time_is_measured(void)
{
    begin();
    give(OP_SERVER_TIME);
    struct venue_response response = { .tag = last_tag(),
                                       .status = 200,
                                       .was_sent = true,
                                       .body = "{\"iso\":\"2023-11-14T22:13:25.000Z\",\"epoch\":1}",
                                       .sent_ns = world.clock.now_ns,
                                       .received_ns = world.clock.now_ns + 200 * NS_PER_MS };
    response.body_len = strlen(response.body);
    world.clock.now_ns += 200 * NS_PER_MS;
    world.clock.wall_ns += 200 * NS_PER_MS;
    CHECK_INT(world.ops->http(world.state, &response, &world.clock, &world.out), 0);
    CHECK_STR(order_world_line(&world), "server_time!");
    /* 1700000005 at the middle of a way that began at 1700000000. */
    CHECK_INT(world.reports[0].offset_ns, 4900 * NS_PER_MS);
    CHECK_INT(world.reports[0].rtt_ns, 200 * NS_PER_MS);
    order_world_end(&world);
}

static void money_with_sixteen_decimals_is_cut(void)
{
    begin();
    give(OP_BALANCES);
    answer(200, "[{\"currency\":\"USD\",\"balance\":\"123456789012.3456789012345678\",\"hold\":"
                "\"0.0000000199999999\",\"available\":\"1\"}]");
    const struct venue_report *balance = order_world_find(&world, REPORT_BALANCE, 0);
    CHECK_STR(order_world_line(&world), "failed!"); /* More than 64 bits have: never cut above. */
    order_world_clear(&world);
    give(OP_BALANCES);
    answer(200, "[{\"currency\":\"USD\",\"balance\":\"12345678901.2345678912345678\",\"hold\":"
                "\"0.0000000199999999\",\"available\":\"1\"}]");
    balance = order_world_find(&world, REPORT_BALANCE, 0);
    CHECK_INT(balance->total, INT64_C(1234567890123456789));
    CHECK_INT(balance->locked, 1);
    CHECK_INT(balance->free, INT64_C(1234567890123456788));
    order_world_end(&world);
}

static void definitions_are_told_when_they_change(void)
{
    begin();
    give(OP_INSTRUMENTS);
    answer(200, "[{\"id\":\"BTC-USD\",\"base_currency\":\"BTC\",\"quote_currency\":\"USD\","
                "\"quote_increment\":\"0.01\",\"base_increment\":\"0.00000001\","
                "\"min_market_funds\":\"1\",\"status\":\"online\",\"cancel_only\":true}]");
    CHECK_INT(order_world_find(&world, REPORT_INSTRUMENT, 0)->definition->state,
              TRADING_CANCEL_ONLY);
    CHECK_INT(order_world_find(&world, REPORT_INSTRUMENT, 0)->definition->maker_fee_ppm, 2500);
    answer(200, "{\"maker_fee_rate\":\"0.0000\",\"taker_fee_rate\":\"0.0005\"}");
    CHECK_STR(order_world_line(&world), "instrument instrument done!");
    CHECK_INT(order_world_find(&world, REPORT_INSTRUMENT, 1)->definition->taker_fee_ppm, 500);
    order_world_clear(&world);
    order_world_pass(&world, 301 * NS_PER_S); /* Every five minutes. */
    CHECK_STR(last_request()->path, "/products");
    answer(200, "[{\"id\":\"BTC-USD\",\"base_currency\":\"BTC\",\"quote_currency\":\"USD\","
                "\"quote_increment\":\"0.01\",\"base_increment\":\"0.00000001\","
                "\"min_market_funds\":\"1\",\"status\":\"online\",\"cancel_only\":true}]");
    CHECK_STR(order_world_line(&world), "");
    order_world_end(&world);
}

static void the_stream_is_up_when_the_venue_lists_the_user_channel(void)
{
    struct venue_connection wanted[VENUE_CONNECTIONS_MAX];
    struct venue_order_config config = config_of(SECRET);

    CHECK_INT(order_world_begin(&world, &coinbase_order_ops, &config), 0);
    CHECK_INT(world.ops->connections(world.state, wanted), 1);
    CHECK_STR(wanted[0].url, ""); /* Its products are not known. */
    order_world_end(&world);
    begin();
    world.ops->opened(world.state, 0, &world.clock, &world.out);
    CHECK_STR(world.frames[0],
              "{\"type\":\"subscribe\",\"product_ids\":[\"BTC-USD\"],\"channels\":[\"user\","
              "\"heartbeat\"],\"signature\":\"4w5N81jN+R8BEl+8gu26Lel0jalXF5uTezix+T8v9eY=\","
              "\"key\":\"key\",\"passphrase\":\"phrase\",\"timestamp\":\"1700000000\"}");
    CHECK_INT(order_world_frame(&world, "{\"type\":\"subscriptions\",\"channels\":[{\"name\":"
                                        "\"heartbeat\",\"product_ids\":[\"BTC-USD\"]}]}"),
              0);
    CHECK(!order_world_find(&world, REPORT_CHANNEL, 0)->is_private_stream_up);
    CHECK_INT(order_world_find(&world, REPORT_CHANNEL, 0)->why, REASON_VENUE_AUTH);
    stream_up();
    world.ops->closed(world.state, 0, &world.clock, &world.out);
    CHECK_STR(order_world_line(&world), "channel");
    CHECK(!world.reports[0].is_private_stream_up && world.reports[0].is_order_channel_up);
    world.ops->opened(world.state, 0, &world.clock, &world.out);
    order_world_pass(&world, 6 * NS_PER_S); /* No answer to the subscription. */
    CHECK_INT(world.reconnects, 1);
    order_world_end(&world);
}

int main(void)
{
    CASE(signatures_are_those_of_the_dossier);
    CASE(signatures_are_those_of_an_independent_client);
    CASE(the_recorded_vector_of_another_client_is_ours);
    CASE(the_time_is_in_seconds);
    CASE(a_secret_that_is_no_base64_is_refused_at_once);
    CASE(an_order_is_written_as_the_venue_takes_it);
    CASE(orders_are_meant_by_either_id);
    CASE(lists_are_read_to_their_last_page);
    CASE(executions_are_told_oldest_first_and_end_with_the_time_asked_for);
    CASE(acceptance_may_come_after_the_news);
    CASE(done_is_read_by_its_reason);
    CASE(a_cancel_waits_two_seconds_for_the_end);
    CASE(an_end_stays_an_end);
    CASE(each_refusal_says_whether_it_happened);
    CASE(a_429_is_heeded_for_as_long_as_it_says);
    CASE(a_question_is_signed_anew_after_a_refused_time);
    CASE(the_venues_time_is_measured);
    CASE(money_with_sixteen_decimals_is_cut);
    CASE(definitions_are_told_when_they_change);
    CASE(the_stream_is_up_when_the_venue_lists_the_user_channel);
    DONE();
}
