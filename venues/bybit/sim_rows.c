/* Rows of orders, executions, positions, wallet and status (6.6, 7, 8). */
#include "venues/bybit/sim_bybit.h"

#include <stdio.h>
#include <string.h>

static const struct exchange_instrument *instrument_of(const struct bybit_sim *state, uint32_t at)
{
    return &state->sim->exchange->instruments[at];
}

static const char *side_str(wire_side side)
{
    return side == SIDE_BUY ? "Buy" : "Sell";
}

static const char *tif_str(const struct exchange_order *order)
{
    return order->is_post_only               ? "PostOnly"
           : order->type == ORDER_MARKET     ? "IOC"
           : order->time_in_force == TIF_IOC ? "IOC"
           : order->time_in_force == TIF_FOK ? "FOK"
                                             : "GTC";
}

static void ms_member(struct sim_text *out, const char *name, int64_t ns)
{
    sim_textf(out, ",\"%s\":\"%lld\"", name, (long long)ysim_ms(ns));
}

static int64_t leaves_of(const struct exchange_order *order)
{
    return exchange_is_open(order) ? order->qty - order->filled_qty : 0;
}

void ysim_order_row(struct bybit_sim *state, struct sim_text *out,
                    const struct exchange_order *order, const char *status, const char *cancel_type,
                    const char *reason, bool is_stream)
{
    const struct exchange_instrument *of = instrument_of(state, order->instrument);
    enum ysim_category category = ysim_category_of(state->sim, order->instrument);
    int pd = of->config.price_decimals, qd = of->config.qty_decimals;
    char id[YSIM_ID_MAX];

    ysim_order_id(category, order->id, id);
    sim_textf(out, "{");
    if (is_stream)
        sim_textf(out, "\"category\":\"%s\",", ysim_category_str(category));
    sim_textf(out, "\"symbol\":\"%s\",\"orderId\":\"%s\"", of->config.symbol, id);
    ysim_member(out, "orderLinkId", order->client_id);
    sim_textf(out,
              ",\"blockTradeId\":\"\",\"side\":\"%s\",\"positionIdx\":0,\"orderStatus\":\"%s\"",
              side_str(order->match.side), status);
    sim_textf(out, ",\"cancelType\":\"%s\",\"rejectReason\":\"%s\",\"timeInForce\":\"%s\"",
              cancel_type, reason, tif_str(order));
    sim_textf(out, ",\"isLeverage\":\"%s\"", category == YSIM_SPOT ? "0" : "");
    ysim_decimal(out, "price", order->type == ORDER_LIMIT ? order->match.price : 0, pd);
    ysim_decimal(out, "qty", order->qty ? order->qty : order->filled_qty, qd);
    if (order->filled_qty)
        ysim_decimal(out, "avgPrice", ysim_average(order), 8);
    else
        sim_textf(out, ",\"avgPrice\":\"\"");
    ysim_decimal(out, "leavesQty", leaves_of(order), qd);
    ysim_decimal(out, "leavesValue", exchange_quote(order->match.price, leaves_of(order)), 8);
    ysim_decimal(out, "cumExecQty", order->filled_qty, qd);
    ysim_decimal(out, "cumExecValue", order->filled_quote, 8);
    ysim_decimal(out, "cumExecFee", order->fee_total, 8);
    sim_textf(out, ",\"orderType\":\"%s\",\"stopOrderType\":\"\",\"orderIv\":\"\"",
              order->type == ORDER_MARKET ? "Market" : "Limit");
    sim_textf(out,
              ",\"triggerPrice\":\"\",\"takeProfit\":\"\",\"stopLoss\":\"\",\"triggerBy\":\"\","
              "\"tpTriggerBy\":\"\",\"slTriggerBy\":\"\",\"triggerDirection\":0,"
              "\"placeType\":\"\"");
    ysim_decimal(out, "lastPriceOnCreated", of->last_price, pd);
    sim_textf(out,
              ",\"closeOnTrigger\":false,\"reduceOnly\":%s,\"smpGroup\":0,\"smpType\":\"None\","
              "\"smpOrderId\":\"\",\"slLimitPrice\":\"0\",\"tpLimitPrice\":\"0\"%s,"
              "\"createType\":\"%s\",\"marketUnit\":\"\"",
              order->is_reduce_only ? "true" : "false",
              /* By this member an independent client tells contracts from spot. */
              category == YSIM_LINEAR ? ",\"tpslMode\":\"UNKNOWN\"" : "",
              order->is_liquidation ? "CreateByLiq" : "CreateByUser");
    ms_member(out, "createdTime", order->created_ns);
    ms_member(out, "updatedTime", order->updated_ns);
    sim_textf(out, ",\"feeCurrency\":\"\",\"closedPnl\":\"0\",\"slippageTolerance\":\"0\","
                   "\"slippageToleranceType\":\"UNKNOWN\",\"cumFeeDetail\":{");
    if (order->fee_total) {
        bool pays_base = category == YSIM_SPOT && order->match.side == SIDE_BUY;
        sim_textf(out, "\"%s\":\"", pays_base ? of->config.base : of->config.quote);
        sim_text_decimal(out, order->fee_total, 8);
        sim_textf(out, "\"");
    }
    sim_textf(out, "}}");
}

/* Why an order ended, in the venue's words (6.8). */
static void end_words(enum ysim_category category, const struct exchange_order *order,
                      const char **status, const char **cancel_type, const char **reason)
{
    *cancel_type = "UNKNOWN";
    *reason = "EC_NoError";
    *status =
        category == YSIM_SPOT && order->filled_qty > 0 ? "PartiallyFilledCanceled" : "Cancelled";
    switch (order->cause) {
    case CAUSE_IOC:
    case CAUSE_NO_LIQUIDITY:
        *reason = order->filled_qty ? "EC_CancelForNoFullFill" : "EC_NoImmediateQtyToFill";
        break;
    case CAUSE_FOK:
        *reason = "EC_NoEnoughQtyToFill";
        break;
    case CAUSE_WOULD_TAKE:
        *reason = "EC_PostOnlyWillTakeLiquidity";
        break;
    case CAUSE_DEAD_MAN:
        *cancel_type = "CancelByDCP";
        break;
    case CAUSE_STP:
        *cancel_type = "CancelBySmp";
        break;
    case CAUSE_REDUCE_ONLY:
        *cancel_type = "CancelByReduceOnly";
        break;
    case CAUSE_LIQUIDATION:
        *cancel_type = "CancelAllBeforeLiq";
        break;
    case CAUSE_REQUESTED:
        *cancel_type = "CancelByUser";
        *reason = "EC_PerCancelRequest";
        break;
    default:
        *cancel_type = "CancelByAdmin";
        break;
    }
}

void ysim_order_listed(struct bybit_sim *state, struct sim_text *out,
                       const struct exchange_order *order)
{
    const char *status = order->filled_qty > 0 ? "PartiallyFilled" : "New", *reason = "EC_NoError",
               *cancel_type = "UNKNOWN";

    if (order->state == EXCHANGE_FILLED)
        status = "Filled";
    else if (!exchange_is_open(order))
        end_words(ysim_category_of(state->sim, order->instrument), order, &status, &cancel_type,
                  &reason);
    ysim_order_row(state, out, order, status, cancel_type, reason, true);
}

void ysim_fill_row(struct bybit_sim *state, struct sim_text *out, const struct ysim_fill *fill,
                   bool is_stream)
{
    const struct exchange_order *order = fill->order;
    const struct exchange_instrument *of = instrument_of(state, order->instrument);
    enum ysim_category category = ysim_category_of(state->sim, order->instrument);
    int pd = of->config.price_decimals, qd = of->config.qty_decimals;
    char id[YSIM_ID_MAX], exec_id[YSIM_ID_MAX];
    i128 rate = fill->quote ? (i128)fill->fee * EXCHANGE_ONE / fill->quote : 0;

    if (category == YSIM_SPOT && order->match.side == SIDE_BUY) /* Paid in base. */
        rate = fill->qty ? (i128)fill->fee * EXCHANGE_ONE / fill->qty : 0;
    ysim_order_id(category, order->id, id);
    ysim_exec_id(category, fill->execution, exec_id);
    sim_textf(out, "{");
    if (is_stream)
        sim_textf(out, "\"category\":\"%s\",", ysim_category_str(category));
    sim_textf(out, "\"symbol\":\"%s\"", of->config.symbol);
    ysim_decimal(out, "closedSize", fill->closed_qty, qd);
    ysim_decimal(out, "execFee", fill->fee, 8);
    ysim_member(out, "execId", exec_id);
    ysim_decimal(out, "execPrice", fill->price, pd);
    ysim_decimal(out, "execQty", fill->qty, qd);
    ysim_member(out, "execType", order->is_liquidation ? "BustTrade" : "Trade");
    ysim_decimal(out, "execValue", fill->quote, 8);
    ysim_decimal(out, "feeRate", (int64_t)rate, 8);
    sim_textf(out, ",\"tradeIv\":\"\",\"markIv\":\"\",\"blockTradeId\":\"\"");
    ysim_decimal(out, "markPrice",
                 category == YSIM_LINEAR ? of->perpetual.mark_price : of->last_price, pd);
    sim_textf(out, ",\"indexPrice\":\"\",\"underlyingPrice\":\"\"");
    ysim_decimal(out, "leavesQty", fill->leaves, qd);
    ysim_member(out, "orderId", id);
    ysim_member(out, "orderLinkId", order->client_id);
    ysim_decimal(out, "orderPrice", order->match.price, pd);
    ysim_decimal(out, "orderQty", order->qty, qd);
    sim_textf(out, ",\"orderType\":\"%s\",\"stopOrderType\":\"UNKNOWN\",\"side\":\"%s\"",
              order->type == ORDER_MARKET ? "Market" : "Limit", side_str(order->match.side));
    ms_member(out, "execTime", fill->at_ns);
    sim_textf(out, ",\"isLeverage\":\"0\",\"isMaker\":%s,\"seq\":%llu,\"marketUnit\":\"\"",
              fill->is_maker ? "true" : "false", (unsigned long long)fill->seq);
    if (is_stream) /* The list does not have it. */
        ysim_decimal(out, "execPnl", fill->pnl, 8);
    ysim_member(out, "createType", order->is_liquidation ? "CreateByLiq" : "CreateByUser");
    sim_textf(out, ",\"extraFees\":\"\"");
    ysim_member(out, "feeCurrency", state->sim->exchange->assets[fill->fee_asset]);
    sim_textf(out, "}");
}

/* What was paid is a fee above 0 (7). */
void ysim_funding_row(struct bybit_sim *state, struct sim_text *out,
                      const struct exchange_funding *funding)
{
    const struct exchange_instrument *of = instrument_of(state, funding->instrument);
    int pd = of->config.price_decimals, qd = of->config.qty_decimals;
    int64_t size = funding->qty < 0 ? -funding->qty : funding->qty;
    char exec_id[YSIM_ID_MAX];

    ysim_exec_id(YSIM_LINEAR, funding->id | UINT64_C(1) << 46, exec_id);
    sim_textf(out, "{\"category\":\"linear\",\"symbol\":\"%s\",\"closedSize\":\"0\"",
              of->config.symbol);
    ysim_decimal(out, "execFee", -funding->amount, 8);
    ysim_member(out, "execId", exec_id);
    ysim_decimal(out, "execPrice", funding->mark_price, pd);
    ysim_decimal(out, "execQty", size, qd);
    ysim_member(out, "execType", "Funding");
    ysim_decimal(out, "execValue", exchange_quote(funding->mark_price, size), 8);
    sim_textf(out, ",\"feeRate\":\"");
    sim_text_decimal(out, funding->rate_ppb / 10, 8);
    sim_textf(out, "\"");
    ysim_decimal(out, "markPrice", funding->mark_price, pd);
    sim_textf(out,
              ",\"leavesQty\":\"0\",\"orderId\":\"\",\"orderLinkId\":\"\",\"orderPrice\":\"0\","
              "\"orderQty\":\"0\",\"orderType\":\"UNKNOWN\",\"stopOrderType\":\"UNKNOWN\","
              "\"side\":\"%s\",\"isMaker\":false,\"seq\":0,\"createType\":\"\","
              "\"extraFees\":\"\"",
              funding->qty > 0 ? "Buy" : "Sell");
    ms_member(out, "execTime", funding->at_ns);
    ysim_member(out, "feeCurrency", of->config.quote);
    sim_textf(out, "}");
}

void ysim_position_row(struct bybit_sim *state, struct sim_text *out, uint32_t account,
                       uint32_t instrument, int index, bool is_stream)
{
    const struct exchange *exchange = state->sim->exchange;
    const struct exchange_instrument *of = instrument_of(state, instrument);
    const struct exchange_position *position = &exchange->accounts[account].positions[instrument];
    int pd = of->config.price_decimals, qd = of->config.qty_decimals;
    int64_t qty = position->qty;

    if ((index == 1 && qty < 0) || (index == 2 && qty > 0))
        qty = 0; /* The other side of hedge mode. */
    bool is_flat = qty == 0;
    sim_textf(out,
              "{\"positionIdx\":%d,\"tradeMode\":0,\"riskId\":1,\"riskLimitValue\":\"2000000\","
              "\"symbol\":\"%s\",\"side\":\"%s\"",
              index, of->config.symbol, is_flat ? "" : side_str(qty > 0 ? SIDE_BUY : SIDE_SELL));
    ysim_decimal(out, "size", qty < 0 ? -qty : qty, qd);
    ysim_decimal(out, is_stream ? "entryPrice" : "avgPrice",
                 is_flat ? 0 : exchange_entry_price(position), 8);
    sim_textf(out, ",\"sessionAvgPrice\":\"\",\"leverage\":\"%u\"",
              exchange_leverage(exchange, account, instrument));
    ysim_decimal(out, "positionValue",
                 is_flat              ? 0
                 : position->cost < 0 ? -position->cost
                                      : position->cost,
                 8);
    sim_textf(out, ",\"positionBalance\":\"0\"");
    ysim_decimal(out, "markPrice", of->perpetual.mark_price, pd);
    ysim_decimal(out, "positionIM",
                 is_flat ? 0 : exchange_position_margin(exchange, account, instrument), 8);
    ysim_decimal(out, "positionMM",
                 is_flat ? 0 : exchange_maintenance(exchange, account, instrument), 8);
    sim_textf(out, ",\"takeProfit\":\"0\",\"stopLoss\":\"0\",\"trailingStop\":\"0\"");
    ysim_decimal(out, "unrealisedPnl",
                 is_flat ? 0 : exchange_unrealised(exchange, account, instrument), 8);
    /* As the venue counts it: fees and funding too. */
    ysim_decimal(out, "cumRealisedPnl", position->realised - position->fees + position->funding, 8);
    ysim_decimal(out, "curRealisedPnl", position->realised - position->fees + position->funding, 8);
    ms_member(out, "createdTime", position->opened_ns);
    ms_member(out, "updatedTime", position->updated_ns);
    sim_textf(out, ",\"tpslMode\":\"Full\"");
    int64_t liquidation = is_flat ? 0 : exchange_liquidation_price(exchange, account, instrument);
    if (liquidation > 0)
        ysim_decimal(out, "liqPrice", liquidation, pd);
    else
        sim_textf(out, ",\"liqPrice\":\"\"");
    sim_textf(out,
              ",\"bustPrice\":\"\",\"category\":\"linear\",\"positionStatus\":\"Normal\","
              "\"adlRankIndicator\":%d,\"autoAddMargin\":0,\"leverageSysUpdatedTime\":\"\","
              "\"mmrSysUpdatedTime\":\"\",\"seq\":%lld,\"isReduceOnly\":false}",
              is_flat ? 0 : 2,
              position->updated_ns ? (long long)state->books[instrument].seq : -1LL);
}

static bool is_listed(const char *coins, const char *coin)
{
    size_t len = strlen(coin);

    for (const char *at = coins; at; at = strchr(at, ','), at += at ? 1 : 0)
        if (strncmp(at, coin, len) == 0 && (at[len] == ',' || at[len] == '\0'))
            return true;
    return false;
}

static void coin_row(struct bybit_sim *state, struct sim_text *out, uint32_t account,
                     uint32_t asset)
{
    const struct exchange *exchange = state->sim->exchange;
    const struct exchange_balance *balance = &exchange->accounts[account].balances[asset];
    struct exchange_margin margin;

    exchange_margin(exchange, account, asset, &margin);
    sim_textf(out, "{\"coin\":\"%s\"", exchange->assets[asset]);
    ysim_decimal(out, "equity", margin.equity, 8);
    ysim_decimal(out, "usdValue", margin.equity, 8);
    ysim_decimal(out, "walletBalance", balance->free + balance->locked, 8);
    sim_textf(out,
              ",\"availableToWithdraw\":\"\",\"availableToBorrow\":\"\",\"borrowAmount\":\"0\","
              "\"accruedInterest\":\"0\"");
    ysim_decimal(out, "totalOrderIM", margin.order_margin, 8);
    ysim_decimal(out, "totalPositionIM", margin.position_margin, 8);
    ysim_decimal(out, "totalPositionMM", margin.maintenance, 8);
    ysim_decimal(out, "unrealisedPnl", margin.unrealised, 8);
    sim_textf(out, ",\"cumRealisedPnl\":\"0\",\"bonus\":\"0\",\"collateralSwitch\":true,"
                   "\"marginCollateral\":true");
    ysim_decimal(out, "locked", balance->locked, 8);
    sim_textf(out, ",\"spotHedgingQty\":\"0\",\"spotBorrow\":\"0\"}");
}

void ysim_wallet_row(struct bybit_sim *state, struct sim_text *out, uint32_t account,
                     const char *coins)
{
    const struct exchange *exchange = state->sim->exchange;
    bool is_first = true;

    sim_textf(out, "{\"accountIMRate\":\"0\",\"accountMMRate\":\"0\",\"totalEquity\":\"0\","
                   "\"totalWalletBalance\":\"0\",\"totalMarginBalance\":\"0\","
                   "\"totalAvailableBalance\":\"0\",\"totalPerpUPL\":\"0\","
                   "\"totalInitialMargin\":\"0\",\"totalMaintenanceMargin\":\"0\",\"coin\":[");
    for (uint32_t i = 0; i < exchange->asset_count; i++) {
        const struct exchange_balance *balance = &exchange->accounts[account].balances[i];
        bool is_wanted = coins && *coins ? is_listed(coins, exchange->assets[i])
                                         : balance->free || balance->locked || balance->deposited;
        if (!is_wanted)
            continue;
        sim_textf(out, "%s", is_first ? "" : ",");
        is_first = false;
        coin_row(state, out, account, i);
    }
    sim_textf(out, "],\"accountLTV\":\"0\",\"accountType\":\"UNIFIED\"}");
}

/* 2.7: what the status topic and its REST twin say. */
void ysim_status_row(struct bybit_sim *state, struct sim_text *out)
{
    int64_t now = state->sim->now_ns;

    sim_textf(out,
              "{\"id\":\"5d95b2a0-587f-11f0-bcc9-%012llx\",\"title\":\"maintenance\",\"state\":"
              "\"%s\",\"begin\":\"%lld\",\"end\":\"%lld\",\"href\":\"\",\"serviceTypes\":[2,3,4,5],"
              "\"product\":[1,2],\"uidSuffix\":[],\"maintainType\":1,\"env\":1}",
              (unsigned long long)state->notice, state->is_maintenance ? "ongoing" : "completed",
              (long long)ysim_ms(state->is_maintenance ? now : now - NS_PER_S),
              (long long)ysim_ms(state->is_maintenance ? state->maintenance_end_ns : now));
}
