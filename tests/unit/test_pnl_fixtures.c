/* Profits that venues state in recorded payloads, against our arithmetic on the same figures. */
#include "common/leaf/fixed.h"
#include "common/pure/holding.h"
#include "tests/unit/check.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIXTURES "../shared/fixtures/"
enum { EXP = 8 };

static unsigned compared;

static cJSON *read_json(const char *name)
{
    static char text[1 << 16];
    char path[256];

    snprintf(path, sizeof path, FIXTURES "%s", name);
    FILE *file = fopen(path, "re");
    memset(text, 0, sizeof text);
    cJSON *json = file && fread(text, 1, sizeof text - 1, file) > 0 ? cJSON_Parse(text) : NULL;
    if (file)
        fclose(file);
    if (!json)
        fprintf(stderr, "%s\n", path);
    CHECK(json != NULL);
    return json;
}

static const char *text_of(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

    return cJSON_IsString(item) ? item->valuestring : "";
}

/* A figure of the payload at 8 decimals; digits beyond them rounded. */
static int64_t number_of(const cJSON *object, const char *name)
{
    const char *text = text_of(object, name);
    int64_t value = 0, result = 0;
    int exp = 0;
    bool is_negative = text[0] == '-';

    if (fixed_parse_natural(text + is_negative, strlen(text + is_negative), &value, &exp) != 0)
        fprintf(stderr, "%s: \"%s\"\n", name, text);
    CHECK_INT(fixed_rescale(value, exp, EXP, FIXED_NEAREST, &result), 0);
    return is_negative ? -result : result;
}

typedef void visit_fn(const cJSON *object, const void *ctx);

/* Every object that has a key. */
static void each(const cJSON *json, const char *key, visit_fn *visit, const void *ctx)
{
    const cJSON *child;

    if (cJSON_IsObject(json) && text_of(json, key)[0])
        visit(json, ctx);
    cJSON_ArrayForEach(child, json) each(child, key, visit, ctx);
}

static void near(const char *what, int64_t ours, int64_t theirs, int64_t tolerance)
{
    int64_t off = ours > theirs ? ours - theirs : theirs - ours;

    if (off > tolerance)
        fprintf(stderr, "%s: ours %lld, the venue's %lld\n", what, (long long)ours,
                (long long)theirs);
    CHECK(off <= tolerance);
    compared++;
}

/* ---- realised ---- */

static void binance_trade(const cJSON *trade, const void *ctx)
{
    struct holding *h = *(struct holding *const *)ctx;
    int64_t price = number_of(trade, "price"), qty = number_of(trade, "qty");
    bool is_buy = strcmp(text_of(trade, "side"), "BUY") == 0;
    i128 realised = holding_fill(h, is_buy, price, EXP, qty, EXP);

    near("realizedPnl", holding_amount(h, realised, EXP), number_of(trade, "realizedPnl"), 0);
}

/* A sale and the purchase that closes it, as the venue lists them. */
static void binance_futures_realises_the_same_trade_by_trade(void)
{
    struct holding h, *at = &h;
    cJSON *trades = read_json("binance_futures/rest/futures_account_trades_nt.json");

    holding_init(&h, EXP, EXP);
    compared = 0;
    each(trades, "realizedPnl", binance_trade, &at);
    CHECK_INT(compared, 2);
    CHECK_INT(h.qty, 0);
    cJSON_Delete(trades);
}

/* Bybit gives a closed position by its sums, less fees of both sides (0.06 %). The sums are split
 * into two executions a side, so that both have prices of whole cents. */
static void bybit_closed(const cJSON *p, const void *ctx)
{
    struct holding h;
    int64_t entry = number_of(p, "cumEntryValue"), exit = number_of(p, "cumExitValue");
    int64_t qty = number_of(p, "closedSize") / 3, fee;
    int64_t first_in = entry / 3 / 1000000 * 1000000, first_out = exit / 3 / 1000000 * 1000000;

    (void)ctx;
    CHECK_INT(qty, 100000000); /* 3 of them. */
    holding_init(&h, EXP, EXP);
    (void)holding_fill(&h, true, first_in, EXP, 2 * qty, EXP);
    (void)holding_fill(&h, true, entry - 2 * first_in, EXP, qty, EXP);
    near("avgEntryPrice", holding_average(&h), number_of(p, "avgEntryPrice"), 1);
    (void)holding_fill(&h, false, first_out, EXP, 2 * qty, EXP);
    (void)holding_fill(&h, false, exit - 2 * first_out, EXP, qty, EXP);
    CHECK_INT(h.qty, 0);
    CHECK_INT(fixed_mul_div(entry + exit, 600, 1000000, FIXED_NEAREST, &fee), 0);
    near("closedPnl", holding_amount(&h, h.realised, EXP) - fee, number_of(p, "closedPnl"), 0);
}

static void bybit_closes_with_the_same_profit(void)
{
    cJSON *json = read_json("bybit/rest/position_close_pnl_doc.json");

    compared = 0;
    each(json, "closedPnl", bybit_closed, NULL);
    CHECK_INT(compared, 2);
    cJSON_Delete(json);
}

/* OKX counts contracts: 0.1 of 0.1 ETH here. */
static void okx_closed(const cJSON *p, const void *ctx)
{
    struct holding h;
    int64_t contracts = number_of(p, "closeTotalPos"), qty;

    (void)ctx;
    if (strcmp(text_of(p, "instId"), "ETH-USDT-SWAP") != 0)
        return;
    CHECK_INT(fixed_mul_div(contracts, 10000000, 100000000, FIXED_EXACT, &qty), 0);
    holding_init(&h, EXP, EXP);
    bool is_long = strcmp(text_of(p, "direction"), "long") == 0;
    (void)holding_fill(&h, is_long, number_of(p, "openAvgPx"), EXP, qty, EXP);
    (void)holding_fill(&h, !is_long, number_of(p, "closeAvgPx"), EXP, qty, EXP);
    near("pnl", holding_amount(&h, h.realised, EXP), number_of(p, "pnl"), 0);
}

static void okx_closes_with_the_same_profit(void)
{
    cJSON *json = read_json("okx/rest/get_account_positions_history_nt.json");

    compared = 0;
    each(json, "closeAvgPx", okx_closed, NULL);
    CHECK_INT(compared, 1);
    cJSON_Delete(json);
}

/* ---- unrealised ---- */

struct names {
    const char *file, *qty, *entry, *mark, *unrealised;
    unsigned count;
};

static void open_position(const cJSON *p, const void *ctx)
{
    const struct names *n = ctx;
    struct holding h;
    int64_t qty = number_of(p, n->qty), entry = number_of(p, n->entry);

    if (qty == 0 || entry == 0)
        return;
    holding_init(&h, EXP, EXP);
    holding_open(&h, strcmp(text_of(p, "side"), "Sell") == 0 ? -qty : qty, entry);
    near(n->file, holding_amount(&h, holding_unrealised(&h, number_of(p, n->mark)), EXP),
         number_of(p, n->unrealised), 1);
}

static void open_positions_are_worth_the_same_at_the_venues_mark(void)
{
    static const struct names names[] = {
        { "bybit/rest/get_positions_nt.json", "size", "avgPrice", "markPrice", "unrealisedPnl", 2 },
        { "bybit/private/account_position_nt.json", "size", "entryPrice", "markPrice",
          "unrealisedPnl", 1 },
        { "bybit/private/position_xrpusdt_gct.json", "size", "entryPrice", "markPrice",
          "unrealisedPnl", 1 },
        { "binance_futures/rest/position_risk_nt.json", "positionAmt", "entryPrice", "markPrice",
          "unRealizedProfit", 1 },
        { "binance_futures/rest/usdm_trading_get_positions.json", "positionAmt", "entryPrice",
          "markPrice", "unRealizedProfit", 1 },
    };

    for (size_t i = 0; i < COUNT(names); i++) {
        cJSON *json = read_json(names[i].file);
        compared = 0;
        each(json, names[i].unrealised, open_position, &names[i]);
        CHECK_INT(compared, names[i].count);
        cJSON_Delete(json);
    }
}

int main(void)
{
    if (access(FIXTURES "MANIFEST.tsv", R_OK) != 0) {
        printf("ok profits equal the venues' own # skipped: no ../shared\n");
        return 0;
    }
    CASE(binance_futures_realises_the_same_trade_by_trade);
    CASE(bybit_closes_with_the_same_profit);
    CASE(okx_closes_with_the_same_profit);
    CASE(open_positions_are_worth_the_same_at_the_venues_mark);
    DONE();
}
