/* sim_public.c - public data: time, symbols, books, trades, tickers. */
#include "venues/binance/sim_binance.h"

#include <stdio.h>
#include <string.h>

void bsim_run_ping(struct call *call)
{
    if (bsim_call_all_read(call))
        sim_textf(call->out, "{}");
}

void bsim_run_time(struct call *call)
{
    if (bsim_call_all_read(call))
        sim_textf(call->out, "{\"serverTime\":%lld}", (long long)bsim_ms_of(call->sim->now_ns));
}

/* ---- which symbols: symbol=, symbols=["A","B"], or all ---- */

struct choice {
    bool is_chosen[EXCHANGE_INSTRUMENTS_MAX];
    bool is_single;
};

static bool choose_list(struct call *call, const char *list, struct choice *out)
{
    const char *at = list;
    char symbol[32];

    while ((at = strchr(at, '"'))) {
        const char *end = strchr(++at, '"');
        if (!end || (size_t)(end - at) >= sizeof(symbol)) {
            bsim_call_error(call, 400, -1100,
                            "Illegal characters found in parameter 'symbols'; legal "
                            "range is '^\\[(\"[A-Z0-9-_.]{1,20}\"(,\"[A-Z0-9-_.]"
                            "{1,20}\"){0,}){0,1}\\]$'.");
            return false;
        }
        memcpy(symbol, at, (size_t)(end - at));
        symbol[end - at] = 0;
        uint32_t instrument = exchange_instrument(call->sim->exchange, INSTRUMENT_SPOT, symbol);
        if (instrument == EXCHANGE_NONE) {
            bsim_call_error(call, 400, -1121, "Invalid symbol.");
            return false;
        }
        out->is_chosen[instrument] = true;
        at = end + 1;
    }
    return true;
}

static bool choose(struct call *call, struct choice *out)
{
    const char *list = bsim_params_get(&call->params, "symbols");
    uint32_t instrument;

    *out = (struct choice){ 0 };
    if (bsim_params_get(&call->params, "symbol")) {
        if (!bsim_call_symbol(call, &instrument))
            return false;
        out->is_single = true;
        out->is_chosen[instrument] = true;
        return true;
    }
    if (list)
        return choose_list(call, list, out);
    for (uint32_t i = 0; i < call->sim->exchange->instrument_count; i++)
        out->is_chosen[i] = true;
    return true;
}

/* Writes one object for each chosen symbol: bare when one was named, else an array. */
static void write_chosen(struct call *call, const struct choice *choice,
                         void (*write)(struct call *call, uint32_t instrument))
{
    bool is_first = true;

    if (!choice->is_single)
        sim_textf(call->out, "[");
    for (uint32_t i = 0; i < call->sim->exchange->instrument_count; i++) {
        if (!choice->is_chosen[i])
            continue;
        if (!is_first)
            sim_textf(call->out, ",");
        write(call, i);
        is_first = false;
    }
    if (!choice->is_single)
        sim_textf(call->out, "]");
}

/* ---- exchangeInfo ---- */

static void quoted(struct sim_text *out, const char *name, int64_t value)
{
    sim_textf(out, ",\"%s\":\"", name);
    sim_text_decimal(out, value, 8);
    sim_textf(out, "\"");
}

static void json_filters(struct sim_text *out, const struct exchange_instrument_config *config)
{
    char multiplier[4][32];
    int64_t band = config->band_ppm;

    sim_textf(out, "\"filters\":[{\"filterType\":\"PRICE_FILTER\"");
    quoted(out, "minPrice", config->min_price ? config->min_price : config->tick);
    quoted(out, "maxPrice", config->max_price);
    quoted(out, "tickSize", config->tick);
    sim_textf(out, "},{\"filterType\":\"LOT_SIZE\"");
    quoted(out, "minQty", config->min_qty ? config->min_qty : config->lot);
    quoted(out, "maxQty", config->max_qty);
    quoted(out, "stepSize", config->lot);
    sim_textf(out, "},{\"filterType\":\"ICEBERG_PARTS\",\"limit\":100},"
                   "{\"filterType\":\"MARKET_LOT_SIZE\"");
    quoted(out, "minQty", 0);
    quoted(out, "maxQty", config->market_max_qty ? config->market_max_qty : config->max_qty);
    quoted(out, "stepSize", 0);
    sim_textf(out, "},{\"filterType\":\"TRAILING_DELTA\",\"minTrailingAboveDelta\":10,"
                   "\"maxTrailingAboveDelta\":2000,\"minTrailingBelowDelta\":10,"
                   "\"maxTrailingBelowDelta\":2000}");
    if (band) {
        snprintf(multiplier[0], sizeof(multiplier[0]), "%.4f", 1 + (double)band / 1e6);
        snprintf(multiplier[1], sizeof(multiplier[1]), "%.4f", 0.2);
        snprintf(multiplier[2], sizeof(multiplier[2]), "%.4f", 5.0);
        snprintf(multiplier[3], sizeof(multiplier[3]), "%.4f", 1 - (double)band / 1e6);
        sim_textf(out,
                  ",{\"filterType\":\"PERCENT_PRICE_BY_SIDE\",\"bidMultiplierUp\":\"%s\","
                  "\"bidMultiplierDown\":\"%s\",\"askMultiplierUp\":\"%s\","
                  "\"askMultiplierDown\":\"%s\",\"avgPriceMins\":0}",
                  multiplier[0], multiplier[1], multiplier[2], multiplier[3]);
    }
    sim_textf(out, ",{\"filterType\":\"NOTIONAL\"");
    quoted(out, "minNotional", config->min_notional);
    sim_textf(out, ",\"applyMinToMarket\":true");
    quoted(out, "maxNotional",
           config->max_notional ? config->max_notional : 9000000 * EXCHANGE_ONE);
    sim_textf(out,
              ",\"applyMaxToMarket\":true,\"avgPriceMins\":0},"
              "{\"filterType\":\"MAX_NUM_ORDERS\",\"maxNumOrders\":%u},"
              "{\"filterType\":\"MAX_NUM_ORDER_LISTS\",\"maxNumOrderLists\":20},"
              "{\"filterType\":\"MAX_NUM_ALGO_ORDERS\",\"maxNumAlgoOrders\":5},"
              "{\"filterType\":\"MAX_NUM_ORDER_AMENDS\",\"maxNumOrderAmends\":%u}]",
              config->max_orders ? config->max_orders : 200,
              config->max_amends ? config->max_amends : 10);
}

static const char *symbol_status(wire_trading_state status)
{
    switch (status) {
    case TRADING_OPEN:
    case TRADING_POST_ONLY:
        return "TRADING";
    case TRADING_CANCEL_ONLY:
        return "CANCEL_ONLY";
    default:
        return "HALT";
    }
}

static void json_symbol(struct call *call, uint32_t instrument)
{
    const struct exchange_instrument *of = &call->sim->exchange->instruments[instrument];
    struct sim_text *out = call->out;

    sim_textf(out,
              "{\"symbol\":\"%s\",\"status\":\"%s\",\"baseAsset\":\"%s\",\"baseAssetPrecision\":8,"
              "\"quoteAsset\":\"%s\",\"quotePrecision\":8,\"quoteAssetPrecision\":8,"
              "\"baseCommissionPrecision\":8,\"quoteCommissionPrecision\":8,"
              "\"orderTypes\":[\"LIMIT\",\"LIMIT_MAKER\",\"MARKET\"],\"icebergAllowed\":false,"
              "\"ocoAllowed\":false,\"otoAllowed\":false,\"opoAllowed\":false,"
              "\"quoteOrderQtyMarketAllowed\":true,\"allowTrailingStop\":false,"
              "\"cancelReplaceAllowed\":true,\"amendAllowed\":true,"
              "\"pegInstructionsAllowed\":false,\"isSpotTradingAllowed\":true,"
              "\"isMarginTradingAllowed\":false,",
              of->config.symbol, symbol_status(of->status), of->config.base, of->config.quote);
    json_filters(out, &of->config);
    sim_textf(out, ",\"permissions\":[],\"permissionSets\":[[\"SPOT\"]],"
                   "\"defaultSelfTradePreventionMode\":\"EXPIRE_MAKER\","
                   "\"allowedSelfTradePreventionModes\":[\"EXPIRE_TAKER\",\"EXPIRE_MAKER\","
                   "\"EXPIRE_BOTH\",\"DECREMENT\"]}");
}

void bsim_run_exchange_info(struct call *call)
{
    struct choice choice;
    struct sim_text *out = call->out;

    (void)bsim_params_get(&call->params, "permissions");
    (void)bsim_params_get(&call->params, "showPermissionSets");
    (void)bsim_params_get(&call->params, "symbolStatus");
    if (!choose(call, &choice) || !bsim_call_all_read(call))
        return;
    sim_textf(out,
              "{\"timezone\":\"UTC\",\"serverTime\":%lld,\"rateLimits\":["
              "{\"rateLimitType\":\"REQUEST_WEIGHT\",\"interval\":\"MINUTE\",\"intervalNum\":1,"
              "\"limit\":%lld},{\"rateLimitType\":\"ORDERS\",\"interval\":\"SECOND\","
              "\"intervalNum\":10,\"limit\":%lld},{\"rateLimitType\":\"ORDERS\","
              "\"interval\":\"DAY\",\"intervalNum\":1,\"limit\":%lld},"
              "{\"rateLimitType\":\"RAW_REQUESTS\",\"interval\":\"MINUTE\",\"intervalNum\":5,"
              "\"limit\":%lld}],\"exchangeFilters\":[],\"symbols\":",
              (long long)bsim_ms_of(call->sim->now_ns), (long long)call->state->weight.limit,
              (long long)call->state->limits[0].orders_10s.limit,
              (long long)call->state->limits[0].orders_long.limit,
              (long long)call->state->raw.limit);
    choice.is_single = false;
    write_chosen(call, &choice, json_symbol);
    sim_textf(out, "}");
}

/* ---- books and trades ---- */

static void json_side(struct sim_text *out, const struct match_side *side, int64_t limit)
{
    const struct match_level *level;

    sim_textf(out, "[");
    for (uint32_t i = 0; (int64_t)i < limit && (level = match_level_at(side, i)); i++) {
        sim_textf(out, "%s[\"", i ? "," : "");
        sim_text_decimal(out, level->price, 8);
        sim_textf(out, "\",\"");
        sim_text_decimal(out, level->qty, 8);
        sim_textf(out, "\"]");
    }
    sim_textf(out, "]");
}

void bsim_run_depth(struct call *call)
{
    int64_t limit = 100;
    uint32_t instrument;

    if (!bsim_call_symbol(call, &instrument) ||
        !bsim_call_integer(call, "limit", 1, INT32_MAX, &limit, NULL) || !bsim_call_all_read(call))
        return;
    limit = MIN(limit, 5000);
    const struct exchange_instrument *of = &call->sim->exchange->instruments[instrument];
    /* 5 are charged already. */
    call->state->weight.used += limit <= 100 ? 0 : limit <= 500 ? 20 : limit <= 1000 ? 45 : 245;
    sim_textf(call->out, "{\"lastUpdateId\":%llu,\"bids\":", (unsigned long long)of->update_id);
    json_side(call->out, &of->book.bids, limit);
    sim_textf(call->out, ",\"asks\":");
    json_side(call->out, &of->book.asks, limit);
    sim_textf(call->out, "}");
}

void bsim_run_trades(struct call *call)
{
    int64_t limit = 500;
    uint32_t instrument;

    if (!bsim_call_symbol(call, &instrument) ||
        !bsim_call_integer(call, "limit", 1, 1000, &limit, NULL) || !bsim_call_all_read(call))
        return;
    const struct symbol *symbol = &call->state->symbols[instrument];
    uint64_t have = MIN(symbol->trade_count, (uint64_t)limit);
    sim_textf(call->out, "[");
    for (uint64_t i = symbol->trade_count - have; i < symbol->trade_count; i++) {
        size_t at = i % COUNT(symbol->trades);
        sim_textf(call->out, "%s{\"id\":%llu,\"price\":\"",
                  i + have > symbol->trade_count ? "," : "",
                  (unsigned long long)symbol->trades[at].id);
        sim_text_decimal(call->out, symbol->trades[at].price, 8);
        sim_textf(call->out, "\",\"qty\":\"");
        sim_text_decimal(call->out, symbol->trades[at].qty, 8);
        sim_textf(call->out, "\",\"quoteQty\":\"");
        sim_text_decimal(call->out, symbol->trades[at].quote, 8);
        sim_textf(call->out, "\",\"time\":%lld,\"isBuyerMaker\":%s,\"isBestMatch\":true}",
                  (long long)bsim_ms_of(symbol->trades[at].at_ns),
                  symbol->trades[at].is_buyer_maker ? "true" : "false");
    }
    sim_textf(call->out, "]");
}

static void json_aggregate(struct sim_text *out, const struct aggregate *aggregate)
{
    sim_textf(out, "{\"a\":%llu", (unsigned long long)aggregate->id);
    quoted(out, "p", aggregate->price);
    quoted(out, "q", aggregate->qty);
    sim_textf(out, ",\"f\":%llu,\"l\":%llu,\"T\":%lld,\"m\":%s,\"M\":true}",
              (unsigned long long)aggregate->first_trade, (unsigned long long)aggregate->last_trade,
              (long long)bsim_ms_of(aggregate->at_ns),
              aggregate->is_buyer_maker ? "true" : "false");
}

void bsim_run_agg_trades(struct call *call)
{
    int64_t limit = 500, from = 0, start_ms = 0, end_ms = INT64_MAX, written = 0;
    uint32_t instrument;
    bool has_from = false, has_start = false;

    if (!bsim_call_symbol(call, &instrument) ||
        !bsim_call_integer(call, "limit", 1, 1000, &limit, NULL) ||
        !bsim_call_integer(call, "fromId", 0, INT64_MAX, &from, &has_from) ||
        !bsim_call_integer(call, "startTime", 0, INT64_MAX, &start_ms, &has_start) ||
        !bsim_call_integer(call, "endTime", 0, INT64_MAX, &end_ms, NULL) ||
        !bsim_call_all_read(call))
        return;
    const struct symbol *symbol = &call->state->symbols[instrument];
    uint64_t end = symbol->aggregate.taker ? symbol->aggregate.id : symbol->next_aggregate;
    uint64_t kept = end > COUNT(symbol->aggregates) ? end - COUNT(symbol->aggregates) : 1;
    if (!has_from && !has_start && end - kept > (uint64_t)limit)
        kept = end - (uint64_t)limit;
    sim_textf(call->out, "[");
    for (uint64_t id = MAX(kept, (uint64_t)from); id < end && written < limit; id++) {
        const struct aggregate *aggregate = &symbol->aggregates[id % COUNT(symbol->aggregates)];
        int64_t at_ms = bsim_ms_of(aggregate->at_ns);
        if (at_ms < start_ms || at_ms > end_ms)
            continue;
        sim_textf(call->out, "%s", written++ ? "," : "");
        json_aggregate(call->out, aggregate);
    }
    sim_textf(call->out, "]");
}

/* ---- tickers ---- */

static void json_price(struct call *call, uint32_t instrument)
{
    const struct exchange_instrument *of = &call->sim->exchange->instruments[instrument];

    sim_textf(call->out, "{\"symbol\":\"%s\"", of->config.symbol);
    quoted(call->out, "price", of->last_price);
    sim_textf(call->out, "}");
}

void bsim_run_ticker_price(struct call *call)
{
    struct choice choice;

    if (choose(call, &choice) && bsim_call_all_read(call))
        write_chosen(call, &choice, json_price);
}

static void json_best(struct sim_text *out, const struct exchange_instrument *of)
{
    const struct match_level *bid = match_level_at(&of->book.bids, 0);
    const struct match_level *ask = match_level_at(&of->book.asks, 0);

    quoted(out, "bidPrice", bid ? bid->price : 0);
    quoted(out, "bidQty", bid ? bid->qty : 0);
    quoted(out, "askPrice", ask ? ask->price : 0);
    quoted(out, "askQty", ask ? ask->qty : 0);
}

static void json_book_ticker(struct call *call, uint32_t instrument)
{
    const struct exchange_instrument *of = &call->sim->exchange->instruments[instrument];

    sim_textf(call->out, "{\"symbol\":\"%s\"", of->config.symbol);
    json_best(call->out, of);
    sim_textf(call->out, "}");
}

void bsim_run_ticker_book(struct call *call)
{
    struct choice choice;

    if (choose(call, &choice) && bsim_call_all_read(call))
        write_chosen(call, &choice, json_book_ticker);
}

static void json_24hr(struct call *call, uint32_t instrument)
{
    const struct exchange_instrument *of = &call->sim->exchange->instruments[instrument];
    struct sim_text *out = call->out;
    int64_t change = of->last_price - of->open_price;
    int64_t average =
        of->volume ? (int64_t)((i128)of->quote_volume * EXCHANGE_ONE / of->volume) : of->last_price;

    sim_textf(out, "{\"symbol\":\"%s\"", of->config.symbol);
    quoted(out, "priceChange", change);
    sim_textf(out, ",\"priceChangePercent\":\"");
    sim_text_decimal(out, (int64_t)((i128)change * 100 * EXCHANGE_ONE / of->open_price), 3);
    sim_textf(out, "\"");
    quoted(out, "weightedAvgPrice", average);
    quoted(out, "prevClosePrice", of->open_price);
    quoted(out, "lastPrice", of->last_price);
    quoted(out, "lastQty", of->last_qty);
    json_best(out, of);
    quoted(out, "openPrice", of->open_price);
    quoted(out, "highPrice", of->high_price);
    quoted(out, "lowPrice", of->low_price);
    quoted(out, "volume", of->volume);
    quoted(out, "quoteVolume", of->quote_volume);
    int64_t close_ms = bsim_ms_of(call->sim->now_ns);
    bool has_trades = of->trade_count > 0;
    sim_textf(out,
              ",\"openTime\":%lld,\"closeTime\":%lld,\"firstId\":%lld,\"lastId\":%lld,"
              "\"count\":%llu}",
              (long long)(close_ms - 86400000), (long long)close_ms,
              has_trades ? (long long)of->first_trade_id : -1,
              has_trades ? (long long)of->next_trade_id - 1 : -1,
              (unsigned long long)of->trade_count);
}

void bsim_run_ticker_24hr(struct call *call)
{
    struct choice choice;

    (void)bsim_params_get(&call->params, "type");
    if (choose(call, &choice) && bsim_call_all_read(call))
        write_chosen(call, &choice, json_24hr);
}

void bsim_run_avg_price(struct call *call)
{
    uint32_t instrument;

    if (!bsim_call_symbol(call, &instrument) || !bsim_call_all_read(call))
        return;
    const struct exchange_instrument *of = &call->sim->exchange->instruments[instrument];
    sim_textf(call->out, "{\"mins\":5,\"price\":\"");
    sim_text_decimal(call->out, of->last_price, 8);
    sim_textf(call->out, "\",\"closeTime\":%lld}", (long long)bsim_ms_of(call->sim->now_ns));
}
