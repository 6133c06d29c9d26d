/* --print-request against requests that an independent client signed. Same clock, same keys, byte
 * for byte. */
#include "trading_engine/engine.h"

#include "tests/unit/check.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <unistd.h>

#define VECTORS "../shared/vectors/signed_requests.json"

static struct engine_app app;
static struct role_runtime rt;
static struct venue_instance instance;

static void set_up(const char *venue, const char *key, const char *secret)
{
    memset(&app, 0, sizeof(app));
    memset(&rt, 0, sizeof(rt));
    snprintf(instance.name, sizeof(instance.name), "%s", "VECTORS");
    snprintf(instance.venue, sizeof(instance.venue), "%s", venue);
    rt.instance = &instance;
    snprintf(rt.common.keys_dir, sizeof(rt.common.keys_dir), "/nonexistent");
    app.rt = &rt;
    snprintf(app.settings.instruments, sizeof(app.settings.instruments), "BTC-USDT BTC-USD");
    app.settings.recv_window_ms = 10000;
    app.settings.order_timeout_ms = 5000;
    app.settings.has_private_stream = true;
    app.options.at_ms = app.options.nonce = "1718000000123";
    setenv("VECTORS_API_KEY", key, 1);
    setenv("VECTORS_API_SECRET", secret, 1);
    CHECK_INT(app_resolve(&app, stderr), 0);
}

/* What print_request writes for an order; "" where it refuses. */
static int printed(const char *order, char *out, size_t cap, char *complaints,
                   size_t complaints_cap)
{
    char path[] = "/tmp/print_request_XXXXXX";
    int fd = mkstemp(path);
    FILE *to = fmemopen(out, cap, "w"), *errors = fmemopen(complaints, complaints_cap, "w");

    memset(out, 0, cap);
    CHECK(fd >= 0 && to && errors);
    CHECK_INT(write(fd, order, strlen(order)), (ssize_t)strlen(order));
    close(fd);
    int code = print_request(&app, path, to, errors);
    fclose(to);
    fclose(errors);
    unlink(path);
    return code;
}

static const char *text_of(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsString(item) ? item->valuestring : "";
}

/* The independent client's own flag, which is no parameter of any venue and changes its signature.
 */
static bool has_own_flag(const cJSON *want)
{
    return strstr(text_of(want, "url"), "acknowledged=true") ||
           strstr(text_of(want, "body"), "acknowledged=true");
}

static void compare(const char *call, const char *line, const cJSON *want)
{
    cJSON *have = cJSON_Parse(line);

    if (!have)
        fprintf(stderr, "%s: nothing printed\n", call);
    CHECK(have != NULL);
    CHECK_STR(text_of(have, "transport"), "rest");
    CHECK_STR(text_of(have, "method"), text_of(want, "method"));
    CHECK_STR(text_of(have, "url"), text_of(want, "url"));
    CHECK_STR(text_of(have, "body"), text_of(want, "body"));
    const cJSON *headers = cJSON_GetObjectItemCaseSensitive(have, "headers"), *header;
    cJSON_ArrayForEach(header, cJSON_GetObjectItemCaseSensitive(want, "headers"))
        CHECK_STR(text_of(headers, header->string), header->valuestring);
    cJSON_Delete(have);
}

static const struct {
    const char *call, *order;
} orders[] = {
    { "limit_buy", "{\"op\":\"place\",\"side\":\"buy\",\"type\":\"limit\",\"time_in_force\":"
                   "\"gtc\",\"price\":\"43210.12\","
                   "\"quantity\":\"0.001\",\"client_order_id\":\"abcDEF0123456789\"" },
    { "market_sell",
      "{\"op\":\"place\",\"side\":\"sell\",\"type\":\"market\",\"quantity\":\"0.002\","
      "\"client_order_id\":\"abcDEF0123456789\"" },
    { "ioc", "{\"op\":\"place\",\"side\":\"sell\",\"type\":\"limit\",\"time_in_force\":\"ioc\","
             "\"price\":\"43210.12\","
             "\"quantity\":\"0.001\",\"client_order_id\":\"abcDEF0123456789\"" },
    { "postonly", "{\"op\":\"place\",\"side\":\"buy\",\"type\":\"limit\",\"post_only\":true,"
                  "\"price\":\"43000\","
                  "\"quantity\":\"0.001\",\"client_order_id\":\"abcDEF0123456789\"" },
    { "cancel", "{\"op\":\"cancel\",\"exchange_order_id\":\"1234567890\"" },
    { "query", "{\"op\":\"query\",\"exchange_order_id\":\"1234567890\"" },
    { "open", "{\"op\":\"open_orders\"" },
    { "balance", "{\"op\":\"balances\"" },
    { "trades", "{\"op\":\"executions\"" },
    { "cancelall", "{\"op\":\"cancel_all\"" },
};

static cJSON *vectors;

static void vectors_of(const char *venue, const char *name, bool lists_take_instrument)
{
    const cJSON *creds = cJSON_GetObjectItem(vectors, "creds");
    const cJSON *requests = cJSON_GetObjectItem(cJSON_GetObjectItem(vectors, "requests"), venue),
                *want;
    unsigned compared = 0;

    set_up(venue, text_of(creds, "apiKey"), text_of(creds, "secret"));
    cJSON_ArrayForEach(want, requests)
    {
        char order[512], line[16384], complaints[1024];
        const char *call = text_of(want, "call");
        size_t i = 0;
        while (i < COUNT(orders) && strcmp(orders[i].call, call) != 0)
            i++;
        if (i == COUNT(orders) || has_own_flag(want))
            continue;
        bool is_list = i >= 6;
        if (is_list && !lists_take_instrument)
            snprintf(order, sizeof(order), "%s}", orders[i].order);
        else
            snprintf(order, sizeof(order), "%s,\"instrument\":\"%s\"}", orders[i].order, name);
        CHECK_INT(printed(order, line, sizeof(line), complaints, sizeof(complaints)), 0);
        compare(call, line, want);
        compared++;
    }
    CHECK_INT(compared, 9); /* All but the one with the client's own flag. */
}

static void binance_requests_are_those_of_the_independent_client(void)
{
    vectors_of("binance", "BTC-USDT", true);
}

static void kraken_requests_are_those_of_the_independent_client(void)
{
    vectors_of("kraken", "BTC-USD", false);
}

static void refused(const char *order, const char *why)
{
    char line[16384], complaints[1024] = "";

    CHECK_INT(printed(order, line, sizeof(line), complaints, sizeof(complaints)),
              ROLE_EXIT_FAILURE);
    CHECK_STR(line, "");
    if (!strstr(complaints, why))
        fprintf(stderr, "%s: %s\n", order, complaints);
    CHECK(strstr(complaints, why) != NULL);
}

static void what_a_venue_forbids_is_refused_with_a_reason(void)
{
    set_up("binance", "KEY", "c2VjcmV0");
    refused("{\"op\":\"place\",\"instrument\":\"BTC-USDT\",\"side\":\"buy\",\"type\":\"limit\","
            "\"price\":\"1\",\"quantity\":"
            "\"1\",\"client_order_id\":\"with space\"}",
            "client_order_id");
    refused("{\"op\":\"place\",\"instrument\":\"BTC-USDT\",\"side\":\"buy\",\"type\":\"limit\","
            "\"price\":\"1\",\"quantity\":"
            "\"1\",\"client_order_id\":\"0123456789012345678901234567890123456\"}",
            "client_order_id");
    refused("{\"op\":\"place\",\"instrument\":\"BTC-USDT\",\"side\":\"up\",\"price\":\"1\","
            "\"quantity\":\"1\"}",
            "side");
    refused("{\"op\":\"place\",\"instrument\":\"BTC-USDT\",\"price\":\"1\",\"quantity\":\"1\"}",
            "side");
    refused("{\"op\":\"place\",\"instrument\":\"BTCUSDT\",\"side\":\"buy\",\"price\":\"1\","
            "\"quantity\":\"1\"}",
            "instrument");
    refused("{\"op\":\"place\",\"instrument\":\"BTC-USDT\",\"side\":\"buy\",\"price\":1.5,"
            "\"quantity\":\"1\"}",
            "price");
    refused("{\"op\":\"place\",\"instrument\":\"BTC-USDT\",\"side\":\"buy\",\"price\":\"-1\","
            "\"quantity\":\"1\"}",
            "price");
    refused("{\"op\":\"dance\"}", "op");
    refused("{\"op\":", "JSON");
    refused("[]", "");
    app.options.at_ms = "soon";
    refused("{\"op\":\"balances\"}", "--at-ms");
    set_up("binance", "", "");
    refused("{\"op\":\"balances\"}", "API_KEY");
}

static void decimals_leave_as_they_were_given(void)
{
    char line[16384], complaints[1024];

    set_up("binance", "KEY", "c2VjcmV0");
    CHECK_INT(printed("{\"op\":\"place\",\"instrument\":\"BTC-USDT\",\"side\":\"buy\",\"type\":"
                      "\"limit\",\"price\":\"43210.120\","
                      "\"quantity\":\"0.00100000\",\"client_order_id\":\"a\"}",
                      line, sizeof(line), complaints, sizeof(complaints)),
              0);
    CHECK(strstr(line, "price=43210.120&") != NULL);
    CHECK(strstr(line, "quantity=0.00100000&") != NULL);
}

static void the_websocket_way_is_printed_too(void)
{
    char line[16384], complaints[1024];

    for (int i = 0; i < 2; i++) {
        set_up(i ? "kraken" : "binance", "KEY", "c2VjcmV0");
        app.options.transport = "ws";
        CHECK_INT(printed("{\"op\":\"place\",\"instrument\":\"BTC-USDT\",\"side\":\"buy\",\"type\":"
                          "\"limit\",\"price\":\"43210.12\","
                          "\"quantity\":\"0.001\",\"client_order_id\":\"a1\"}",
                          line, sizeof(line), complaints, sizeof(complaints)),
                  0);
        cJSON *have = cJSON_Parse(line);
        CHECK_STR(text_of(have, "transport"), "ws");
        cJSON *frame = cJSON_Parse(text_of(have, "frame"));
        CHECK_STR(text_of(frame, "method"), i ? "add_order" : "order.place");
        CHECK(strncmp(text_of(have, "url"), "wss://", 6) == 0);
        cJSON_Delete(frame);
        cJSON_Delete(have);
    }
}

int main(void)
{
    FILE *file = fopen(VECTORS, "re");
    static char text[1 << 17];

    if (file && fread(text, 1, sizeof(text) - 1, file) > 0)
        vectors = cJSON_Parse(text);
    if (file)
        fclose(file);
    if (vectors) {
        CASE(binance_requests_are_those_of_the_independent_client);
        CASE(kraken_requests_are_those_of_the_independent_client);
    } else {
        printf("ok requests_are_those_of_the_independent_client # skipped: no ../shared\n");
    }
    CASE(what_a_venue_forbids_is_refused_with_a_reason);
    CASE(decimals_leave_as_they_were_given);
    CASE(the_websocket_way_is_printed_too);
    cJSON_Delete(vectors);
    DONE();
}
