/* --print-request against requests that an independent client signed: same clock, same keys. How a
 * venue's calls are put is data, shared with the check that also takes other orders of parameters:
 * tests/interop/vectors.json. */
#include "trading_engine/engine.h"

#include "tests/unit/check.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <unistd.h>

#define VECTORS "../shared/vectors/signed_requests.json"
#define VENUES  "tests/interop/vectors.json"

static struct engine_app app;
static struct role_runtime rt;
static struct venue_instance instance;

static void set_up_with(const char *venue, const char *key, const char *secret,
                        const char *passphrase)
{
    memset(&app, 0, sizeof(app));
    memset(&rt, 0, sizeof(rt));
    snprintf(instance.name, sizeof(instance.name), "%s", "VECTORS");
    snprintf(instance.venue, sizeof(instance.venue), "%s", venue);
    rt.instance = &instance;
    snprintf(rt.common.keys_dir, sizeof(rt.common.keys_dir), "/nonexistent");
    app.rt = &rt;
    snprintf(app.settings.instruments, sizeof(app.settings.instruments), "BTC-USDT");
    app.settings.recv_window_ms = 10000;
    app.settings.order_timeout_ms = 5000;
    app.settings.has_private_stream = true;
    app.options.at_ms = app.options.nonce = "1718000000123";
    setenv("VECTORS_API_KEY", key, 1);
    setenv("VECTORS_API_SECRET", secret, 1);
    setenv("VECTORS_API_PASSPHRASE", passphrase, 1);
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

/* Equal are the headers that the venue's entry names, or all where it names none. */
static bool is_header_judged(const cJSON *venue, const char *name)
{
    const cJSON *signature = cJSON_GetObjectItem(venue, "signature");
    const cJSON *names = cJSON_GetObjectItem(venue, "headers"), *item;

    if (!names || strcmp(name, text_of(signature, "key")) == 0 ||
        strcmp(name, text_of(signature, "header")) == 0)
        return true;
    cJSON_ArrayForEach(item, names) if (strcmp(name, item->valuestring) == 0) return true;
    return false;
}

static bool is_equal(const cJSON *venue, const char *line, const cJSON *want)
{
    cJSON *have = cJSON_Parse(line);
    const cJSON *headers = cJSON_GetObjectItemCaseSensitive(have, "headers"), *header;
    bool is_same = strcmp(text_of(have, "transport"), "rest") == 0 &&
                   strcmp(text_of(have, "method"), text_of(want, "method")) == 0 &&
                   strcmp(text_of(have, "url"), text_of(want, "url")) == 0 &&
                   strcmp(text_of(have, "body"), text_of(want, "body")) == 0;

    cJSON_ArrayForEach(header, cJSON_GetObjectItemCaseSensitive(want, "headers"))
    {
        if (is_header_judged(venue, header->string))
            is_same &= strcmp(text_of(headers, header->string), header->valuestring) == 0;
    }
    cJSON_Delete(have);
    return is_same;
}

static cJSON *vectors, *venues;

static void order_of(const cJSON *venue, const char *call, char *out, size_t cap)
{
    const cJSON *calls = cJSON_GetObjectItem(venues, "calls");
    cJSON *order = cJSON_Duplicate(cJSON_GetObjectItem(calls, call), true);

    CHECK(order != NULL);
    bool is_list =
        !cJSON_HasObjectItem(order, "quantity") && !cJSON_HasObjectItem(order, "exchange_order_id");
    if (cJSON_HasObjectItem(order, "client_order_id"))
        cJSON_ReplaceItemInObject(order, "client_order_id",
                                  cJSON_CreateString(text_of(venue, "client_id")));
    if (!is_list || cJSON_IsTrue(cJSON_GetObjectItem(venue, "lists_by_instrument")))
        cJSON_AddStringToObject(order, "instrument", text_of(venue, "instrument"));
    CHECK(cJSON_PrintPreallocated(order, out, (int)cap, false));
    cJSON_Delete(order);
}

static void judge(const cJSON *venue)
{
    const cJSON *creds = cJSON_GetObjectItem(vectors, "creds"), *want;
    const cJSON *requests =
        cJSON_GetObjectItem(cJSON_GetObjectItem(vectors, "requests"), text_of(venue, "vectors"));
    int equal = 0, asked = cJSON_GetObjectItem(venue, "byte_for_byte")->valueint;

    set_up_with(venue->string, text_of(creds, "apiKey"), text_of(creds, "secret"),
                text_of(creds, "password"));
    if (cJSON_HasObjectItem(venue, "recv_window_ms"))
        app.settings.recv_window_ms = cJSON_GetObjectItem(venue, "recv_window_ms")->valueint;
    cJSON_ArrayForEach(want, requests)
    {
        char order[1024], line[16384], complaints[1024] = "";
        if (cJSON_HasObjectItem(want, "error"))
            continue;
        order_of(venue, text_of(want, "call"), order, sizeof(order));
        int code = printed(order, line, sizeof(line), complaints, sizeof(complaints));
        if (code != 0)
            fprintf(stderr, "%s %s: %s\n", venue->string, text_of(want, "call"), complaints);
        CHECK_INT(code, 0);
        equal += is_equal(venue, line, want);
    }
    if (equal < asked)
        fprintf(stderr, "%s: %d of %d are equal to the byte\n", venue->string, equal, asked);
    CHECK(equal >= asked);
}

static void requests_are_those_of_the_independent_client(void)
{
    const cJSON *venue;

    cJSON_ArrayForEach(venue, cJSON_GetObjectItem(venues, "venues")) judge(venue);
}

static void set_up(const char *venue, const char *key, const char *secret)
{
    set_up_with(venue, key, secret, "");
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

static const char place_one[] = "{\"op\":\"place\",%s,\"side\":\"buy\",\"type\":\"limit\","
                                "\"price\":\"43210.1\",\"quantity\":\"0.001\"}";

static void printed_for(const char *which, char *line, size_t cap)
{
    char order[512], complaints[1024];

    snprintf(order, sizeof(order), place_one, which);
    CHECK_INT(printed(order, line, cap, complaints, sizeof(complaints)), 0);
}

/* Nothing is cut out of a name: what the venue's own answer says is what is sent. */
static void a_name_is_what_the_venues_answer_says(void)
{
    static const char body[] =
        "{\"symbols\":[{\"symbol\":\"ODDLY42\",\"status\":\"TRADING\",\"baseAsset\":\"BTC\","
        "\"quoteAsset\":\"USDT\",\"quotePrecision\":8,\"filters\":["
        "{\"filterType\":\"PRICE_FILTER\",\"minPrice\":\"0.01\",\"maxPrice\":\"1000000\","
        "\"tickSize\":\"0.01\"},{\"filterType\":\"LOT_SIZE\",\"minQty\":\"0.001\","
        "\"maxQty\":\"9000\",\"stepSize\":\"0.001\"}]}]}";
    char path[] = "/tmp/instruments_XXXXXX", line[16384];
    int fd = mkstemp(path);

    CHECK(fd >= 0 && write(fd, body, sizeof(body) - 1) == (ssize_t)sizeof(body) - 1);
    close(fd);
    set_up("binance", "KEY", "c2VjcmV0");
    app.options.instruments = path;
    printed_for("\"instrument\":\"BTC-USDT\"", line, sizeof(line));
    CHECK(strstr(line, "symbol=ODDLY42&") != NULL);
    refused("{\"op\":\"cancel\",\"instrument\":\"ETH-USDT\",\"exchange_order_id\":\"1\"}",
            "has not said");
    app.options.instruments = "/nonexistent";
    refused("{\"op\":\"cancel\",\"instrument\":\"BTC-USDT\",\"exchange_order_id\":\"1\"}",
            "--instruments /nonexistent");
    unlink(path);
}

/* A recording answers by what was asked; a line about something else is no answer. */
static void a_recording_answers_by_its_urls(void)
{
    static const char lines[] =
        "{\"t\":\"http\",\"url\":\"https://api.kraken.com/0/public/Assets\",\"data\":\"{}\"}\n"
        "{\"t\":\"http\",\"url\":\"https://api.kraken.com/0/public/AssetPairs?no=such\","
        "\"data\":\"{}\"}\n";
    char path[] = "/tmp/instruments_XXXXXX";
    int fd = mkstemp(path);

    CHECK(fd >= 0 && write(fd, lines, sizeof(lines) - 1) == (ssize_t)sizeof(lines) - 1);
    close(fd);
    set_up("kraken", "KEY", "c2VjcmV0");
    app.options.instruments = path;
    refused("{\"op\":\"cancel\",\"instrument\":\"BTC-USD\",\"exchange_order_id\":\"1\"}",
            "has not said");
    unlink(path);
}

static void the_venues_own_symbol_is_taken_as_it_is(void)
{
    char line[16384];

    set_up("binance", "KEY", "c2VjcmV0");
    printed_for("\"symbol\":\"WHATEVER\",\"instrument_kind\":\"spot\"", line, sizeof(line));
    CHECK(strstr(line, "symbol=WHATEVER&") != NULL);
    refused("{\"op\":\"cancel\",\"symbol\":\"X\",\"instrument_kind\":\"odd\"}", "instrument_kind");
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

static cJSON *read_json(const char *path)
{
    FILE *file = fopen(path, "re");
    static char text[1 << 17];

    memset(text, 0, sizeof(text));
    cJSON *json = file && fread(text, 1, sizeof(text) - 1, file) > 0 ? cJSON_Parse(text) : NULL;
    if (file)
        fclose(file);
    return json;
}

int main(void)
{
    vectors = read_json(VECTORS);
    venues = read_json(VENUES);
    CHECK(venues != NULL);
    if (vectors)
        CASE(requests_are_those_of_the_independent_client);
    else
        printf("ok requests_are_those_of_the_independent_client # skipped: no ../shared\n");
    CASE(what_a_venue_forbids_is_refused_with_a_reason);
    CASE(a_name_is_what_the_venues_answer_says);
    CASE(a_recording_answers_by_its_urls);
    CASE(the_venues_own_symbol_is_taken_as_it_is);
    CASE(decimals_leave_as_they_were_given);
    CASE(the_websocket_way_is_printed_too);
    cJSON_Delete(vectors);
    cJSON_Delete(venues);
    DONE();
}
