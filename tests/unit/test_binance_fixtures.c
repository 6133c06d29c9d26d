/* Every payload of ../shared/fixtures/binance is read into what tests/replay/binance_fixtures.tsv
 * states; fixtures.h says how. The table's expectations were written from the payloads, not from
 * the codec. */
#include "tests/unit/fixtures.h"

extern const struct venue venue_binance;

/* depth: a frame behind a snapshot that it continues. */
static void run_depth(struct fixture *f, const char *text)
{
    char symbol[32], first[32], url[64], body[256];

    fixture_member(text, "s", symbol, sizeof(symbol));
    fixture_member(text, "U", first, sizeof(first));
    snprintf(url, sizeof(url), "/api/v3/depth?symbol=%s", symbol);
    snprintf(body, sizeof(body), "{\"lastUpdateId\":%lld,\"bids\":[],\"asks\":[]}",
             atoll(first) - 1);
    fixture_feed_http(f, url, body);
    fixture_forget(f);
    fixture_feed_frame(f, 0, text);
}

static void quote(struct fixture *f, const char *symbol, int len)
{
    char text[160];

    snprintf(text, sizeof(text),
             "{\"u\":1,\"s\":\"%.*s\",\"b\":\"0\",\"B\":\"0\",\"a\":\"0\",\"A\":\"0\"}", len,
             symbol);
    fixture_feed_frame(f, 0, text);
}

/* definitions: an answer of REST, and a quote of each symbol: it is announced when it is seen. */
static void run_definitions(struct fixture *f, const char *text)
{
    struct scan_value top, list, item, name;
    struct scan_iter iter;

    fixture_feed_http(f, "", text);
    CHECK(scan_whole(text, strlen(text), &top) == 0 && scan_find(&top, "symbols", &list) == 0 &&
          scan_begin(&iter, &list) == 0);
    while (scan_item(&iter, &item) == 0 && scan_find(&item, "symbol", &name) == 0)
        quote(f, name.text, (int)name.len);
}

/* The answer to the subscription of the account's events. */
static void run_subscribe(struct fixture *f, const char *text)
{
    venue_binance.order->opened(fixture_order(f), 0, &f->clock, &f->out);
    fixture_forget(f);
    char *framed = fixture_as_answer(f, text);
    fixture_order_frame(f, 0, framed);
    free(framed);
    f->said.has[PROOF_login] = f->said.entries > 0;
}

static bool run(struct fixture *f, const char *how, const char *text)
{
    if (strcmp(how, "depth") == 0) {
        run_depth(f, text);
    } else if (strcmp(how, "snapshot") == 0) { /* Names no symbol: the next quote does. */
        fixture_feed_http(f, "", text);
        quote(f, "NAMED", 5);
    } else if (strcmp(how, "definitions") == 0) {
        run_definitions(f, text);
    } else if (strcmp(how, "subscribe") == 0) {
        run_subscribe(f, text);
    } else {
        return false;
    }
    return true;
}

/* What the venue sends a body with: errors have a code at their top. */
static int status_of(const char *text)
{
    char code[32];

    fixture_member(text, "code", code, sizeof(code));
    return !code[0]                     ? 200
           : strcmp(code, "-2021") == 0 ? 409
           : strcmp(code, "-1015") == 0 ? 429
                                        : 400;
}

int main(void)
{
    static const char *const names[] = { "BTC-USDT", "ETH-BTC" };
    static const struct venue_order_config config = { .venue = "binance",
                                                      .names = names,
                                                      .name_count = COUNT(names),
                                                      .api_key = "key",
                                                      .api_secret = "secret",
                                                      .maker_fee_ppm = 1000,
                                                      .taker_fee_ppm = 1000 };
    static const struct fixture_venue binance = {
        .venue = &venue_binance, .order_config = &config, .run = run, .status = status_of
    };

    return fixtures_main(&binance);
}
