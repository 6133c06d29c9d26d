/* Every payload of ../shared/fixtures/binance_futures is read into what
 * tests/replay/binance_futures_fixtures.tsv states; fixtures.h says how. The table's expectations
 * were written from the payloads, not from the codec. COIN-M payloads are of a sister product: read
 * where their form is the same. */
#include "tests/unit/fixtures.h"

extern const struct venue venue_binance_futures;

/* depth: a frame behind a snapshot that it joins. */
static void run_depth(struct fixture *f, const char *text)
{
    char symbol[32], last[32], url[64], body[256];

    fixture_member(text, "s", symbol, sizeof(symbol));
    fixture_member(text, "u", last, sizeof(last));
    snprintf(url, sizeof(url), "/fapi/v1/depth?symbol=%s", symbol);
    snprintf(body, sizeof(body), "{\"lastUpdateId\":%lld,\"bids\":[],\"asks\":[]}", atoll(last));
    fixture_feed_http(f, url, body);
    fixture_forget(f);
    fixture_feed_frame(f, 0, text);
}

static void quote(struct fixture *f, const char *symbol, int len)
{
    char text[200];

    snprintf(text, sizeof(text),
             "{\"e\":\"bookTicker\",\"u\":1,\"s\":\"%.*s\",\"b\":\"0\",\"B\":\"0\",\"a\":\"0\","
             "\"A\":\"0\",\"T\":1,\"E\":1}",
             len, symbol);
    fixture_feed_frame(f, 0, text);
}

/* definitions: an answer of REST, and a quote of each symbol: it is announced when it is seen. Of
 * hundreds, the first ones are looked at. */
static void run_definitions(struct fixture *f, const char *text)
{
    struct scan_value top, list, item, name;
    struct scan_iter iter;
    unsigned count = 0;

    fixture_feed_http(f, "", text);
    CHECK(scan_whole(text, strlen(text), &top) == 0 && scan_find(&top, "symbols", &list) == 0 &&
          scan_begin(&iter, &list) == 0);
    while (count++ < 3 && scan_item(&iter, &item) == 0 && scan_find(&item, "symbol", &name) == 0)
        quote(f, name.text, (int)name.len);
}

/* intervals: fundingInfo, and a mark price of the symbol behind it. */
static void run_intervals(struct fixture *f, const char *text, const char *symbol)
{
    char frame[300];

    quote(f, symbol, (int)strlen(symbol));
    fixture_feed_http(f, "", text);
    fixture_forget(f);
    snprintf(frame, sizeof(frame),
             "{\"e\":\"markPriceUpdate\",\"E\":1000,\"s\":\"%s\",\"p\":\"1\",\"i\":\"1\","
             "\"r\":\"0.0001\",\"T\":2000}",
             symbol);
    fixture_feed_frame(f, 0, frame);
}

/* key: the answer to the request for a listen key, and the url that the stream then has. */
static void run_key(struct fixture *f, const char *text)
{
    struct venue_connection wanted[VENUE_CONNECTIONS_MAX];
    void *state = fixture_order(f);
    const struct venue_order_ops *ops = venue_binance_futures.order;

    CHECK_INT(ops->connections(state, wanted), 2);
    CHECK_STR(wanted[1].url, "");
    ops->tick(state, &f->clock, &f->out);
    fixture_order_http(f, 200, text);
    (void)ops->connections(state, wanted);
    say_begin(&f->said, "stream");
    say(&f->said, " %.*s", (int)strcspn(wanted[1].url, "&"), wanted[1].url);
    f->said.has[PROOF_login] = wanted[1].url[0] != '\0';
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
    } else if (strncmp(how, "intervals ", 10) == 0) {
        run_intervals(f, text, how + 10);
    } else if (strcmp(how, "key") == 0) {
        run_key(f, text);
    } else {
        return false;
    }
    return true;
}

/* Executions are asked for by the symbol of the payload; a dead-man time is what it was answered
 * with. */
static void command(struct fixture *f, struct venue_command *c)
{
    if (c->op == OP_DEAD_MAN) {
        snprintf(c->symbol, sizeof(c->symbol), "BTCUSDT");
        c->timeout_ns = 100000 * NS_PER_MS;
    }
    (void)f;
}

static int status_of(const char *text)
{
    char code[32];

    fixture_member(text, "code", code, sizeof(code));
    return !code[0] || strcmp(code, "200") == 0 ? 200 : 400;
}

int main(void)
{
    static const char *const names[] = { "BTC-USDT-PERP", "ETH-USDT-PERP" };
    static const struct venue_order_config config = { .venue = "binance_futures",
                                                      .stream_url = "wss://stream",
                                                      .names = names,
                                                      .name_count = COUNT(names),
                                                      .api_key = "key",
                                                      .api_secret = "secret",
                                                      .maker_fee_ppm = 200,
                                                      .taker_fee_ppm = 500 };
    static const struct fixture_venue futures = { .venue = &venue_binance_futures,
                                                  .order_config = &config,
                                                  .symbol_kind = INSTRUMENT_PERPETUAL,
                                                  .run = run,
                                                  .command = command,
                                                  .status = status_of };

    return fixtures_main(&futures);
}
