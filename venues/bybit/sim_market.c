/* Public REST (2.8, 4). */
#include "venues/bybit/sim_bybit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct exchange_instrument *instrument_of(const struct ysim_call *call, uint32_t at)
{
    return &call->state->sim->exchange->instruments[at];
}

static void get_time(struct ysim_call *call)
{
    int64_t now = call->state->sim->now_ns;

    sim_textf(call->out, "{\"timeSecond\":\"%lld\",\"timeNano\":\"%lld\"}",
              (long long)(now / NS_PER_S), (long long)now);
}

/* ---- instruments ---- */

static const char *status_str(wire_trading_state state)
{
    return state == TRADING_OPEN || state == TRADING_UNKNOWN ? "Trading"
           : state == TRADING_DELISTED                       ? "Closed"
                                                             : "PreLaunch";
}

static void spot_info(struct sim_text *out, const struct exchange_instrument *of, uint32_t index)
{
    const struct exchange_instrument_config *c = &of->config;

    sim_textf(
        out,
        "{\"symbolId\":%u,\"symbol\":\"%s\",\"baseCoin\":\"%s\",\"quoteCoin\":\"%s\","
        "\"innovation\":\"0\",\"status\":\"%s\",\"marginTrading\":\"utaOnly\",\"stTag\":\"0\","
        "\"lotSizeFilter\":{\"basePrecision\":\"",
        index + 1, c->symbol, c->base, c->quote, status_str(of->status));
    sim_text_decimal(out, c->lot, c->qty_decimals);
    sim_textf(out, "\",\"quotePrecision\":\"0.0000001\"");
    ysim_decimal(out, "minOrderQty", c->min_qty ? c->min_qty : c->lot, c->qty_decimals);
    ysim_decimal(out, "maxOrderQty", c->max_qty, c->qty_decimals);
    ysim_decimal(out, "minOrderAmt", c->min_notional, 2);
    ysim_decimal(out, "maxOrderAmt", c->max_notional ? c->max_notional : 8000000 * EXCHANGE_ONE, 0);
    ysim_decimal(out, "maxLimitOrderQty", c->max_qty, c->qty_decimals);
    ysim_decimal(out, "maxMarketOrderQty", c->market_max_qty ? c->market_max_qty : c->max_qty,
                 c->qty_decimals);
    sim_textf(out, "},\"priceFilter\":{\"tickSize\":\"");
    sim_text_decimal(out, c->tick, c->price_decimals);
    sim_textf(out, "\"},\"riskParameters\":{\"priceLimitRatioX\":\"0.005\",\"priceLimitRatioY\":"
                   "\"0.01\"},\"symbolType\":\"\"}");
}

static void linear_info(struct sim_text *out, const struct exchange_instrument *of, uint32_t index)
{
    const struct exchange_instrument_config *c = &of->config;
    int64_t interval = c->funding_interval_ns ? c->funding_interval_ns : 8 * 3600 * NS_PER_S;

    sim_textf(
        out,
        "{\"symbol\":\"%s\",\"symbolId\":%u,\"contractType\":\"LinearPerpetual\",\"status\":"
        "\"%s\",\"baseCoin\":\"%s\",\"quoteCoin\":\"%s\",\"launchTime\":\"1585526400000\","
        "\"deliveryTime\":\"0\",\"deliveryFeeRate\":\"\",\"priceScale\":\"%d\","
        "\"leverageFilter\":{\"minLeverage\":\"1\",\"maxLeverage\":\"%u.00\",\"leverageStep\":"
        "\"0.01\"},\"priceFilter\":{\"minPrice\":\"",
        c->symbol, index + 1, status_str(of->status), c->base, c->quote, c->price_decimals,
        c->max_leverage ? c->max_leverage : 100);
    sim_text_decimal(out, c->tick, c->price_decimals);
    sim_textf(out, "\"");
    ysim_decimal(out, "maxPrice", c->max_price ? c->max_price : 1999999 * EXCHANGE_ONE,
                 c->price_decimals);
    ysim_decimal(out, "tickSize", c->tick, c->price_decimals);
    sim_textf(out, "},\"lotSizeFilter\":{\"maxOrderQty\":\"");
    sim_text_decimal(out, c->max_qty, c->qty_decimals);
    sim_textf(out, "\"");
    ysim_decimal(out, "minOrderQty", c->min_qty ? c->min_qty : c->lot, c->qty_decimals);
    ysim_decimal(out, "qtyStep", c->lot, c->qty_decimals);
    ysim_decimal(out, "postOnlyMaxOrderQty", c->max_qty, c->qty_decimals);
    ysim_decimal(out, "maxMktOrderQty", c->market_max_qty ? c->market_max_qty : c->max_qty,
                 c->qty_decimals);
    ysim_decimal(out, "minNotionalValue", c->min_notional, 2);
    sim_textf(out,
              "},\"unifiedMarginTrade\":true,\"fundingInterval\":%lld,\"settleCoin\":\"%s\","
              "\"copyTrading\":\"both\",\"upperFundingRate\":\"0.005\",\"lowerFundingRate\":"
              "\"-0.005\",\"isPreListing\":false,\"preListingInfo\":null,\"riskParameters\":{"
              "\"priceLimitRatioX\":\"0.01\",\"priceLimitRatioY\":\"0.02\"},\"symbolType\":\"\"}",
              (long long)MAX(1, interval / (60 * NS_PER_S)), c->quote);
}

/* Linear is paged by limit and cursor; spot gives everything. */
static void get_instruments(struct ysim_call *call)
{
    const struct exchange *exchange = call->state->sim->exchange;
    char word[16], symbol[40], text[64];
    enum ysim_category category =
        ysim_category_read(ysim_param(call, "category", word, sizeof(word)));
    int limit = atoi(ysim_param(call, "limit", text, sizeof(text)));
    uint32_t first = 0, seen = 0, given = 0;
    bool has_more = false, is_spot = category == YSIM_SPOT;

    ysim_param(call, "symbol", symbol, sizeof(symbol));
    ysim_param(call, "cursor", text, sizeof(text));
    if (strncmp(text, "first%3D", 8) == 0 && !is_spot)
        first = (uint32_t)atoi(text + 8);
    limit = limit > 0 ? limit : 500;
    sim_textf(call->out, "{\"category\":\"%s\",\"list\":[", word);
    for (uint32_t i = 0; i < exchange->instrument_count; i++) {
        if (ysim_category_of(call->state->sim, i) != category ||
            (*symbol && strcmp(symbol, exchange->instruments[i].config.symbol) != 0) ||
            seen++ < first)
            continue;
        if (!is_spot && given == (uint32_t)limit) {
            has_more = true;
            break;
        }
        sim_textf(call->out, "%s", given++ ? "," : "");
        (is_spot ? spot_info : linear_info)(call->out, &exchange->instruments[i], i);
    }
    sim_textf(call->out, "]");
    if (!is_spot && has_more)
        sim_textf(call->out, ",\"nextPageCursor\":\"first%%3D%u\"", first + given);
    else if (!is_spot)
        sim_textf(call->out, ",\"nextPageCursor\":\"\"");
    sim_textf(call->out, "}");
}

/* ---- market data ---- */

static uint32_t asked_instrument(struct ysim_call *call)
{
    char word[16], symbol[40];
    enum ysim_category category =
        ysim_category_read(ysim_param(call, "category", word, sizeof(word)));
    uint32_t at = ysim_instrument(call->state->sim, category,
                                  ysim_param(call, "symbol", symbol, sizeof(symbol)));

    if (at == EXCHANGE_NONE)
        ysim_refuse(call, 10001, "Not supported symbols");
    return at;
}

static void get_orderbook(struct ysim_call *call)
{
    uint32_t at = asked_instrument(call);
    char text[16];

    if (at == EXCHANGE_NONE)
        return;
    int limit = atoi(ysim_param(call, "limit", text, sizeof(text)));
    if (limit <= 0)
        limit = ysim_category_of(call->state->sim, at) == YSIM_SPOT ? 1 : 25;
    ysim_book_body(call->state, call->out, at, (uint32_t)MIN(limit, 1000),
                   MAX(call->state->books[at].u[3], 1u));
    sim_textf(call->out, ",\"ts\":%lld,\"cts\":%lld}", (long long)ysim_ms(call->state->sim->now_ns),
              (long long)ysim_ms(call->state->sim->now_ns));
}

static void get_tickers(struct ysim_call *call)
{
    const struct exchange *exchange = call->state->sim->exchange;
    char word[16], symbol[40];
    enum ysim_category category =
        ysim_category_read(ysim_param(call, "category", word, sizeof(word)));
    bool is_first = true;

    ysim_param(call, "symbol", symbol, sizeof(symbol));
    sim_textf(call->out, "{\"category\":\"%s\",\"list\":[", word);
    for (uint32_t i = 0; i < exchange->instrument_count; i++) {
        if (ysim_category_of(call->state->sim, i) != category ||
            (*symbol && strcmp(symbol, exchange->instruments[i].config.symbol) != 0))
            continue;
        sim_textf(call->out, "%s", is_first ? "" : ",");
        is_first = false;
        ysim_ticker_body(call->state, call->out, i, true);
    }
    sim_textf(call->out, "]}");
}

static void get_recent_trades(struct ysim_call *call)
{
    uint32_t at = asked_instrument(call);

    if (at == EXCHANGE_NONE)
        return;
    const struct exchange_instrument *of = instrument_of(call, at);
    const struct ysim_book *book = &call->state->books[at];
    enum ysim_category category = ysim_category_of(call->state->sim, at);
    sim_textf(call->out, "{\"category\":\"%s\",\"list\":[", ysim_category_str(category));
    for (uint64_t i = 0; i < MIN(book->recent_count, COUNT(book->recent)); i++) {
        const struct ysim_trade *trade =
            &book->recent[(book->recent_count - 1 - i) % COUNT(book->recent)];
        char id[YSIM_ID_MAX];
        ysim_exec_id(category, trade->id, id);
        sim_textf(call->out, "%s{\"execId\":\"%s\",\"symbol\":\"%s\"", i ? "," : "", id,
                  of->config.symbol);
        ysim_decimal(call->out, "price", trade->price, of->config.price_decimals);
        ysim_decimal(call->out, "size", trade->qty, of->config.qty_decimals);
        sim_textf(call->out,
                  ",\"side\":\"%s\",\"time\":\"%lld\",\"isBlockTrade\":false,\"isRPITrade\":false,"
                  "\"seq\":\"%llu\"}",
                  trade->side == SIDE_BUY ? "Buy" : "Sell", (long long)ysim_ms(trade->at_ns),
                  (unsigned long long)trade->seq);
    }
    sim_textf(call->out, "]}");
}

static void get_funding_history(struct ysim_call *call)
{
    uint32_t at = asked_instrument(call);

    if (at == EXCHANGE_NONE)
        return;
    const struct exchange_perpetual *perpetual = &instrument_of(call, at)->perpetual;
    sim_textf(call->out, "{\"category\":\"linear\",\"list\":[");
    if (perpetual->payments) {
        sim_textf(call->out, "{\"symbol\":\"%s\",\"fundingRate\":\"",
                  instrument_of(call, at)->config.symbol);
        sim_text_decimal(call->out, perpetual->last_rate_ppb / 10, 8);
        sim_textf(call->out, "\",\"fundingRateTimestamp\":\"%lld\"}",
                  (long long)ysim_ms(perpetual->last_funding_ns));
    }
    sim_textf(call->out, "]}");
}

static void get_status(struct ysim_call *call)
{
    sim_textf(call->out, "{\"list\":[");
    if (call->state->notice)
        ysim_status_row(call->state, call->out);
    sim_textf(call->out, "]}");
}

bool ysim_market_call(struct ysim_call *call)
{
    static const struct {
        const char *path;
        void (*run)(struct ysim_call *);
    } calls[] = {
        { "/v5/market/time", get_time },
        { "/v5/market/instruments-info", get_instruments },
        { "/v5/market/orderbook", get_orderbook },
        { "/v5/market/tickers", get_tickers },
        { "/v5/market/recent-trade", get_recent_trades },
        { "/v5/market/funding/history", get_funding_history },
        { "/v5/system/status", get_status },
    };

    for (size_t i = 0; i < COUNT(calls); i++)
        if (strcmp(call->request->path, calls[i].path) == 0) {
            calls[i].run(call);
            return true;
        }
    return false;
}
