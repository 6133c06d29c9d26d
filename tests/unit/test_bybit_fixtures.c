/* Every payload of ../shared/fixtures/bybit is read into what tests/replay/bybit_fixtures.tsv
 * states; fixtures.h says how. "linear" behind a command makes it one about contracts. */
#include "tests/unit/fixtures.h"
#include "venues/bybit/order.h"

extern const struct venue venue_bybit;

static const char spot_list[] =
    "{\"retCode\":0,\"retMsg\":\"OK\",\"result\":{\"category\":\"spot\",\"list\":[{\"symbol\":"
    "\"BTCUSDT\",\"baseCoin\":\"BTC\",\"quoteCoin\":\"USDT\",\"status\":\"Trading\","
    "\"lotSizeFilter\":{\"basePrecision\":\"0.000001\",\"minOrderAmt\":\"5\","
    "\"maxLimitOrderQty\":\"83\"},\"priceFilter\":{\"tickSize\":\"0.1\"}}]},\"time\":1}";
static const char linear_list[] =
    "{\"retCode\":0,\"retMsg\":\"OK\",\"result\":{\"category\":\"linear\",\"list\":[{\"symbol\":"
    "\"BTCUSDT\",\"contractType\":\"LinearPerpetual\",\"status\":\"Trading\",\"baseCoin\":\"BTC\","
    "\"quoteCoin\":\"USDT\",\"settleCoin\":\"USDT\",\"priceFilter\":{\"tickSize\":\"0.10\"},"
    "\"lotSizeFilter\":{\"qtyStep\":\"0.001\",\"minOrderQty\":\"0.001\",\"maxOrderQty\":"
    "\"1190.000\",\"minNotionalValue\":\"5\"},\"fundingInterval\":480},{\"symbol\":\"ETHPERP\","
    "\"contractType\":\"LinearPerpetual\",\"status\":\"Trading\",\"baseCoin\":\"ETH\","
    "\"quoteCoin\":"
    "\"USDC\",\"settleCoin\":\"USDC\",\"priceFilter\":{\"tickSize\":\"0.05\"},\"lotSizeFilter\":{"
    "\"qtyStep\":\"0.01\",\"minOrderQty\":\"0.01\",\"maxOrderQty\":\"1000.00\","
    "\"minNotionalValue\":\"5\"},\"fundingInterval\":480}]},\"time\":1}";

static bool is_logged_out; /* The row is the login's answer. */

/* Metadata known, logged in, subscribed. */
static void prepare(struct fixture *f)
{
    static const char *const acks[] = {
        "{\"success\":true,\"ret_msg\":\"\",\"op\":\"auth\",\"conn_id\":\"x\"}",
        "{\"retCode\":0,\"retMsg\":\"OK\",\"op\":\"auth\",\"connId\":\"x\"}",
        "{\"success\":true,\"ret_msg\":\"\",\"op\":\"subscribe\",\"conn_id\":\"x\"}",
    };
    struct bybit_side *side = f->order;

    bybit_order_ops.start(side, &f->clock, &f->out);
    for (unsigned i = 0; i < BYBIT_PENDING_MAX; i++)
        if (side->pending[i].id != 0 && side->pending[i].kind == CALL_LISTING) {
            f->tag = side->pending[i].id;
            fixture_order_http(f, 200,
                               side->pending[i].command.instrument_kind == INSTRUMENT_SPOT
                                   ? spot_list
                                   : linear_list);
        }
    for (unsigned i = 0; i < BYBIT_CONNS; i++)
        bybit_order_ops.opened(side, i, &f->clock, &f->out);
    if (is_logged_out)
        return;
    fixture_order_frame(f, BYBIT_CONN_PRIVATE, acks[0]);
    fixture_order_frame(f, BYBIT_CONN_TRADE, acks[1]);
    fixture_order_frame(f, BYBIT_CONN_PRIVATE, acks[2]);
}

static bool has_word(const char *words, const char *word)
{
    const char *at = strstr(words, word);

    return at && (at == words || at[-1] == ' ') && strchr(" ", at[strlen(word)]);
}

static void change_command(struct fixture *f, struct venue_command *command)
{
    if (has_word(f->words, "linear"))
        command->instrument_kind = INSTRUMENT_PERPETUAL;
    if (has_word(f->words, "all"))
        command->symbol[0] = '\0';
}

/* A list of instruments, then a word of each: a replay publishes the definitions of what is seen.
 */
static void info(struct fixture *f, const char *category, const char *text)
{
    bool is_spot = strcmp(category, "spot") == 0;
    char url[160], frame[160], symbol[64];
    struct scan_value top, result, item, value;
    struct scan_iter iter;

    snprintf(url, sizeof(url), "https://x/v5/market/instruments-info?category=%s", category);
    fixture_feed_http(f, url, text);
    if (is_spot)
        bybit_feed_ops.address(f->feed, 1, "wss://stream.bybit.com/v5/public/spot");
    if (scan_whole(text, strlen(text), &top) != 0 || scan_find(&top, "result", &result) != 0 ||
        bybit_list_begin(&result, &iter) != 0)
        return;
    while (scan_item(&iter, &item) == 0) {
        if (scan_find(&item, "symbol", &value) != 0 || scan_text(&value, symbol, sizeof(symbol)))
            continue;
        snprintf(frame, sizeof(frame), "{\"topic\":\"publicTrade.%s\",\"data\":[]}", symbol);
        fixture_feed_frame(f, is_spot, frame);
    }
}

static bool run(struct fixture *f, const char *how, const char *text)
{
    if (strncmp(how, "info ", 5) == 0) {
        info(f, how + 5, text);
        return true;
    }
    if (strcmp(how, "spot") == 0) { /* A frame of the public connection of spot. */
        bybit_feed_ops.address(fixture_feed(f), 1, "wss://stream.bybit.com/v5/public/spot");
        fixture_feed_frame(f, 1, text);
    } else if (strncmp(how, "login ", 6) == 0) {
        is_logged_out = true;
        (void)fixture_order(f);
        is_logged_out = false;
        fixture_order_frame(f, (unsigned)atoi(how + 6), text);
        f->said.has[PROOF_login] = !f->said.is_bad;
    } else if (strcmp(how, "fees") == 0) {
        struct bybit_side *side = fixture_order(f);
        bybit_order_ops.tick(side, &f->clock, &f->out);
        for (unsigned i = 0; i < BYBIT_PENDING_MAX; i++)
            if (side->pending[i].id != 0 && side->pending[i].kind == CALL_FEES)
                f->tag = side->pending[i].id;
        fixture_forget(f);
        fixture_order_http(f, 200, text);
    } else {
        return false;
    }
    return true;
}

int main(void)
{
    static const char *const names[] = { "BTC-USDT", "BTC-USDT-PERP", "ETH-USDC-PERP" };
    static const struct venue_order_config config = { .venue = "bybit",
                                                      .names = names,
                                                      .name_count = COUNT(names),
                                                      .api_key = "key",
                                                      .api_secret = "secret",
                                                      .maker_fee_ppm = 1000,
                                                      .taker_fee_ppm = 1000 };
    static const struct fixture_venue bybit = { .venue = &venue_bybit,
                                                .order_config = &config,
                                                .wall_ms = INT64_C(1672283754510),
                                                .prepare = prepare,
                                                .command = change_command,
                                                .run = run };

    return fixtures_main(&bybit);
}
