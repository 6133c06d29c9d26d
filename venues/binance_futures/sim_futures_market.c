/* sim_futures_market.c - public data: contracts, books, trades, marks, tickers. */
#include "venues/binance_futures/sim_futures.h"

#include <stdio.h>
#include <string.h>

/* ---- which symbols ---- */

/* symbol= or all: *instrument EXCHANGE_NONE. false: answered. */
static bool choose(struct call *call, uint32_t *instrument)
{
    *instrument = EXCHANGE_NONE;
    if (bsim_params_get(&call->params, "symbol") && !bsim_call_symbol(call, instrument))
        return false;
    return bsim_call_all_read(call);
}

/* One object where a symbol was named, else an array of all. */
static void write_chosen(struct call *call, uint32_t instrument,
                         void (*write)(struct call *call, uint32_t instrument))
{
    if (instrument != EXCHANGE_NONE) {
        write(call, instrument);
        return;
    }
    sim_textf(call->out, "[");
    for (uint32_t i = 0; i < call->sim->exchange->instrument_count; i++) {
        sim_textf(call->out, "%s", i ? "," : "");
        write(call, i);
    }
    sim_textf(call->out, "]");
}

/* ---- exchangeInfo ---- */

static const char *status_of(wire_trading_state status)
{
    switch (status) {
    case TRADING_OPEN:
    case TRADING_POST_ONLY:
        return "TRADING";
    case TRADING_DELISTED:
        return "CLOSE";
    default:
        return "PENDING_TRADING";
    }
}

static void json_filters(struct sim_text *out, const struct exchange_instrument *of)
{
    const struct exchange_instrument_config *config = &of->config;
    double band = config->band_ppm ? (double)config->band_ppm / 1e6 : 0.05;

    sim_textf(out, "\"filters\":[{\"filterType\":\"PRICE_FILTER\"");
    fsim_price(out, of, "minPrice", config->min_price ? config->min_price : config->tick);
    fsim_price(out, of, "maxPrice", config->max_price ? config->max_price : 4529764 * EXCHANGE_ONE);
    fsim_price(out, of, "tickSize", config->tick);
    sim_textf(out, "},{\"filterType\":\"LOT_SIZE\"");
    fsim_qty(out, of, "minQty", config->min_qty ? config->min_qty : config->lot);
    fsim_qty(out, of, "maxQty", config->max_qty ? config->max_qty : 1000 * EXCHANGE_ONE);
    fsim_qty(out, of, "stepSize", config->lot);
    sim_textf(out, "},{\"filterType\":\"MARKET_LOT_SIZE\"");
    fsim_qty(out, of, "minQty", config->min_qty ? config->min_qty : config->lot);
    fsim_qty(out, of, "maxQty",
             config->market_max_qty ? config->market_max_qty
             : config->max_qty      ? config->max_qty
                                    : 1000 * EXCHANGE_ONE);
    fsim_qty(out, of, "stepSize", config->lot);
    sim_textf(out,
              "},{\"filterType\":\"MAX_NUM_ORDERS\",\"limit\":%u},"
              "{\"filterType\":\"MIN_NOTIONAL\"",
              config->max_orders ? config->max_orders : 200);
    fsim_member(out, "notional", config->min_notional, 0);
    sim_textf(out,
              "},{\"filterType\":\"PERCENT_PRICE\",\"multiplierUp\":\"%.4f\","
              "\"multiplierDown\":\"%.4f\",\"multiplierDecimal\":\"4\"}]",
              1 + band, 1 - band);
}

static void json_symbol(struct sim_text *out, const struct exchange_instrument *of)
{
    const struct exchange_instrument_config *config = &of->config;

    sim_textf(out,
              "{\"symbol\":\"%s\",\"pair\":\"%s\",\"contractType\":\"PERPETUAL\","
              "\"deliveryDate\":4133404800000,\"onboardDate\":1569398400000,\"status\":\"%s\","
              "\"maintMarginPercent\":\"2.5000\",\"requiredMarginPercent\":\"5.0000\","
              "\"baseAsset\":\"%s\",\"quoteAsset\":\"%s\",\"marginAsset\":\"%s\","
              "\"pricePrecision\":%d,\"quantityPrecision\":%d,\"baseAssetPrecision\":8,"
              "\"quotePrecision\":8,\"underlyingType\":\"COIN\",\"underlyingSubType\":[\"PoW\"],"
              "\"triggerProtect\":\"0.0500\",\"liquidationFee\":\"0.012500\","
              "\"marketTakeBound\":\"0.05\",\"maxMoveOrderLimit\":10000,",
              config->symbol, config->symbol, status_of(of->status), config->base, config->quote,
              config->quote, config->price_decimals, config->qty_decimals);
    json_filters(out, of);
    sim_textf(out, ",\"orderTypes\":[\"LIMIT\",\"MARKET\",\"STOP\",\"STOP_MARKET\","
                   "\"TAKE_PROFIT\",\"TAKE_PROFIT_MARKET\",\"TRAILING_STOP_MARKET\"],"
                   "\"timeInForce\":[\"GTC\",\"IOC\",\"FOK\",\"GTX\",\"GTD\",\"RPI\"],"
                   "\"permissionSets\":[\"GRID\",\"COPY\"]}");
}

void fsim_run_exchange_info(struct call *call)
{
    const struct exchange *exchange = call->sim->exchange;
    const struct binance *state = call->state;
    struct sim_text *out = call->out;
    bool is_first = true;

    if (!bsim_call_all_read(call))
        return;
    sim_textf(out,
              "{\"timezone\":\"UTC\",\"serverTime\":%lld,\"futuresType\":\"U_MARGINED\","
              "\"rateLimits\":[{\"rateLimitType\":\"REQUEST_WEIGHT\",\"interval\":\"MINUTE\","
              "\"intervalNum\":1,\"limit\":%lld},{\"rateLimitType\":\"ORDERS\","
              "\"interval\":\"MINUTE\",\"intervalNum\":1,\"limit\":%lld},"
              "{\"rateLimitType\":\"ORDERS\",\"interval\":\"SECOND\",\"intervalNum\":10,"
              "\"limit\":%lld}],\"exchangeFilters\":[],\"assets\":[",
              (long long)bsim_ms_of(call->sim->now_ns), (long long)state->weight.limit,
              (long long)state->limits[0].orders_long.limit,
              (long long)state->limits[0].orders_10s.limit);
    for (uint32_t i = 0; i < exchange->asset_count; i++)
        for (uint32_t k = 0; k < exchange->instrument_count; k++) {
            if (exchange->instruments[k].quote != i)
                continue;
            sim_textf(out,
                      "%s{\"asset\":\"%s\",\"marginAvailable\":true,"
                      "\"autoAssetExchange\":\"-10000\"}",
                      is_first ? "" : ",", exchange->assets[i]);
            is_first = false;
            break;
        }
    sim_textf(out, "],\"symbols\":[");
    for (uint32_t i = 0; i < exchange->instrument_count; i++) {
        sim_textf(out, "%s", i ? "," : "");
        json_symbol(out, &exchange->instruments[i]);
    }
    sim_textf(out, "]}");
}

/* ---- books and trades ---- */

static void json_side(struct sim_text *out, const struct exchange_instrument *of,
                      const struct match_side *side, int64_t limit)
{
    const struct match_level *level;

    sim_textf(out, "[");
    for (uint32_t i = 0; (int64_t)i < limit && (level = match_level_at(side, i)); i++) {
        sim_textf(out, "%s[\"", i ? "," : "");
        sim_text_decimal(out, level->price, of->config.price_decimals);
        sim_textf(out, "\",\"");
        sim_text_decimal(out, level->qty, of->config.qty_decimals);
        sim_textf(out, "\"]");
    }
    sim_textf(out, "]");
}

void fsim_run_depth(struct call *call)
{
    static const struct {
        int64_t limit, weight;
    } limits[] = {
        { 5, 2 }, { 10, 2 }, { 20, 2 }, { 50, 2 }, { 100, 5 }, { 500, 10 }, { 1000, 20 }
    };
    int64_t limit = 500, weight = 0;
    uint32_t instrument;

    if (!bsim_call_symbol(call, &instrument) ||
        !bsim_call_integer(call, "limit", 1, INT32_MAX, &limit, NULL) || !bsim_call_all_read(call))
        return;
    for (size_t i = 0; i < COUNT(limits); i++)
        if (limits[i].limit == limit)
            weight = limits[i].weight;
    if (weight == 0) {
        bsim_call_error(call, 400, -4021, "'%lld' is not valid depth limit.", (long long)limit);
        return;
    }
    const struct exchange_instrument *of = &call->sim->exchange->instruments[instrument];
    call->state->weight.used += weight - 2; /* 2 are charged already. */
    long long now = (long long)bsim_ms_of(call->sim->now_ns);
    sim_textf(call->out, "{\"lastUpdateId\":%llu,\"E\":%lld,\"T\":%lld,\"bids\":",
              (unsigned long long)futures_update_id(of->update_id), now, now);
    json_side(call->out, of, &of->book.bids, limit);
    sim_textf(call->out, ",\"asks\":");
    json_side(call->out, of, &of->book.asks, limit);
    sim_textf(call->out, "}");
}

void fsim_run_trades(struct call *call)
{
    int64_t limit = 500;
    uint32_t instrument;

    if (!bsim_call_symbol(call, &instrument) ||
        !bsim_call_integer(call, "limit", 1, 1000, &limit, NULL) || !bsim_call_all_read(call))
        return;
    const struct symbol *symbol = &call->state->symbols[instrument];
    const struct exchange_instrument *of = &call->sim->exchange->instruments[instrument];
    uint64_t have = MIN(MIN(symbol->trade_count, (uint64_t)limit), COUNT(symbol->trades));
    sim_textf(call->out, "[");
    for (uint64_t i = symbol->trade_count - have; i < symbol->trade_count; i++) {
        size_t at = i % COUNT(symbol->trades);
        sim_textf(call->out, "%s{\"id\":%llu", i + have > symbol->trade_count ? "," : "",
                  (unsigned long long)symbol->trades[at].id);
        fsim_price(call->out, of, "price", symbol->trades[at].price);
        fsim_qty(call->out, of, "qty", symbol->trades[at].qty);
        fsim_member(call->out, "quoteQty", symbol->trades[at].quote, 2);
        sim_textf(call->out, ",\"time\":%lld,\"isBuyerMaker\":%s,\"isRPITrade\":false}",
                  (long long)bsim_ms_of(symbol->trades[at].at_ns),
                  symbol->trades[at].is_buyer_maker ? "true" : "false");
    }
    sim_textf(call->out, "]");
}

/* ---- marks and funding ---- */

static void json_premium(struct call *call, uint32_t instrument)
{
    const struct exchange_instrument *of = &call->sim->exchange->instruments[instrument];
    const struct exchange_perpetual *perpetual = &of->perpetual;

    sim_textf(call->out, "{\"symbol\":\"%s\"", of->config.symbol);
    fsim_member(call->out, "markPrice", perpetual->mark_price, 8);
    fsim_member(call->out, "indexPrice", perpetual->index_price, 8);
    fsim_member(call->out, "estimatedSettlePrice", perpetual->index_price, 8);
    fsim_member(call->out, "lastFundingRate", perpetual->rate_ppb / 10, 8);
    sim_textf(call->out, ",\"interestRate\":\"0.00010000\",\"nextFundingTime\":%lld,\"time\":%lld}",
              (long long)bsim_ms_of(perpetual->next_funding_ns),
              (long long)bsim_ms_of(call->sim->now_ns));
}

void fsim_run_premium_index(struct call *call)
{
    uint32_t instrument;

    if (choose(call, &instrument))
        write_chosen(call, instrument, json_premium);
}

/* The last payment of each contract is all that is kept. */
void fsim_run_funding_rate(struct call *call)
{
    uint32_t instrument;
    bool is_first = true;
    int64_t start_ms = 0, end_ms = INT64_MAX;

    (void)bsim_params_get(&call->params, "limit");
    if (!bsim_call_integer(call, "startTime", 0, INT64_MAX, &start_ms, NULL) ||
        !bsim_call_integer(call, "endTime", 0, INT64_MAX, &end_ms, NULL) ||
        !choose(call, &instrument))
        return;
    sim_textf(call->out, "[");
    for (uint32_t i = 0; i < call->sim->exchange->instrument_count; i++) {
        const struct exchange_instrument *of = &call->sim->exchange->instruments[i];
        int64_t at_ms = bsim_ms_of(of->perpetual.last_funding_ns);
        if ((instrument != EXCHANGE_NONE && i != instrument) || at_ms == 0 || at_ms < start_ms ||
            at_ms > end_ms)
            continue;
        sim_textf(call->out, "%s{\"symbol\":\"%s\"", is_first ? "" : ",", of->config.symbol);
        fsim_member(call->out, "fundingRate", of->perpetual.last_rate_ppb / 10, 8);
        sim_textf(call->out, ",\"fundingTime\":%lld", (long long)at_ms);
        fsim_member(call->out, "markPrice", of->perpetual.mark_price, 8);
        sim_textf(call->out, ",\"rateType\":\"Regular\"}");
        is_first = false;
    }
    sim_textf(call->out, "]");
}

/* Lists the contracts whose interval is not the usual 8 hours. The venue counts whole hours. */
void fsim_run_funding_info(struct call *call)
{
    bool is_first = true;

    if (!bsim_call_all_read(call))
        return;
    sim_textf(call->out, "[");
    for (uint32_t i = 0; i < call->sim->exchange->instrument_count; i++) {
        const struct exchange_instrument_config *config =
            &call->sim->exchange->instruments[i].config;
        int64_t hours = config->funding_interval_ns / (3600 * NS_PER_S);
        if (config->funding_interval_ns == 0 || hours == 8)
            continue;
        sim_textf(call->out,
                  "%s{\"symbol\":\"%s\",\"adjustedFundingRateCap\":\"0.02500000\","
                  "\"adjustedFundingRateFloor\":\"-0.02500000\",\"fundingIntervalHours\":%lld,"
                  "\"disclaimer\":false}",
                  is_first ? "" : ",", config->symbol, (long long)MAX(hours, 1));
        is_first = false;
    }
    sim_textf(call->out, "]");
}

void fsim_run_open_interest(struct call *call)
{
    uint32_t instrument;

    if (!bsim_call_symbol(call, &instrument) || !bsim_call_all_read(call))
        return;
    const struct exchange_instrument *of = &call->sim->exchange->instruments[instrument];
    sim_textf(call->out, "{\"symbol\":\"%s\"", of->config.symbol);
    fsim_qty(call->out, of, "openInterest",
             exchange_open_interest(call->sim->exchange, instrument));
    sim_textf(call->out, ",\"time\":%lld}", (long long)bsim_ms_of(call->sim->now_ns));
}

/* ---- tickers ---- */

static void json_price(struct call *call, uint32_t instrument)
{
    const struct exchange_instrument *of = &call->sim->exchange->instruments[instrument];

    sim_textf(call->out, "{\"symbol\":\"%s\"", of->config.symbol);
    fsim_price(call->out, of, "price", of->last_price);
    sim_textf(call->out, ",\"time\":%lld}", (long long)bsim_ms_of(call->sim->now_ns));
}

void fsim_run_ticker_price(struct call *call)
{
    uint32_t instrument;

    if (choose(call, &instrument))
        write_chosen(call, instrument, json_price);
}

static void json_book(struct call *call, uint32_t instrument)
{
    const struct exchange_instrument *of = &call->sim->exchange->instruments[instrument];
    const struct match_level *bid = match_level_at(&of->book.bids, 0);
    const struct match_level *ask = match_level_at(&of->book.asks, 0);

    sim_textf(call->out, "{\"lastUpdateId\":%llu,\"symbol\":\"%s\"",
              (unsigned long long)futures_update_id(of->update_id), of->config.symbol);
    fsim_price(call->out, of, "bidPrice", bid ? bid->price : 0);
    fsim_qty(call->out, of, "bidQty", bid ? bid->qty : 0);
    fsim_price(call->out, of, "askPrice", ask ? ask->price : 0);
    fsim_qty(call->out, of, "askQty", ask ? ask->qty : 0);
    sim_textf(call->out, ",\"time\":%lld}", (long long)bsim_ms_of(call->sim->now_ns));
}

void fsim_run_ticker_book(struct call *call)
{
    uint32_t instrument;

    if (choose(call, &instrument))
        write_chosen(call, instrument, json_book);
}

static void json_24hr(struct call *call, uint32_t instrument)
{
    const struct exchange_instrument *of = &call->sim->exchange->instruments[instrument];
    int64_t change = of->last_price - of->open_price;
    struct sim_text *out = call->out;

    sim_textf(out, "{\"symbol\":\"%s\"", of->config.symbol);
    fsim_price(out, of, "priceChange", change);
    fsim_member(out, "priceChangePercent",
                (int64_t)((i128)change * 100 * EXCHANGE_ONE / of->open_price), 3);
    fsim_price(out, of, "weightedAvgPrice",
               of->volume ? (int64_t)((i128)of->quote_volume * EXCHANGE_ONE / of->volume)
                          : of->last_price);
    fsim_price(out, of, "lastPrice", of->last_price);
    fsim_qty(out, of, "lastQty", of->last_qty);
    fsim_price(out, of, "openPrice", of->open_price);
    fsim_price(out, of, "highPrice", of->high_price);
    fsim_price(out, of, "lowPrice", of->low_price);
    fsim_qty(out, of, "volume", of->volume);
    fsim_member(out, "quoteVolume", of->quote_volume, 2);
    sim_textf(out,
              ",\"openTime\":%lld,\"closeTime\":%lld,\"firstId\":%llu,\"lastId\":%llu,"
              "\"count\":%llu}",
              (long long)(bsim_ms_of(call->sim->now_ns) - 86400000),
              (long long)bsim_ms_of(call->sim->now_ns), (unsigned long long)of->first_trade_id,
              (unsigned long long)of->next_trade_id - 1, (unsigned long long)of->trade_count);
}

void fsim_run_ticker_24hr(struct call *call)
{
    uint32_t instrument;

    if (choose(call, &instrument))
        write_chosen(call, instrument, json_24hr);
}
