/* sim_futures_account.c - the account: balances, positions, settings, payments, listen keys. */
#include "venues/binance_futures/sim_futures.h"

#include <stdio.h>
#include <string.h>

#define KEY_LIFE_NS (3600 * NS_PER_S)

/* ---- balances ---- */

static int64_t wallet(const struct call *call, uint32_t asset)
{
    const struct exchange_balance *balance =
        &call->sim->exchange->accounts[call->account].balances[asset];

    return balance->free + balance->locked;
}

/* Contracts settle in some assets; others are not money here. */
static bool is_settled_in(const struct exchange *exchange, uint32_t asset)
{
    for (uint32_t i = 0; i < exchange->instrument_count; i++)
        if (exchange->instruments[i].quote == asset)
            return true;
    return false;
}

void fsim_run_balance(struct call *call)
{
    const struct exchange *exchange = call->sim->exchange;
    struct sim_text *out = call->out;
    bool is_first = true;

    if (!bsim_call_all_read(call))
        return;
    sim_textf(out, "[");
    for (uint32_t i = 0; i < exchange->asset_count; i++) {
        struct exchange_margin margin;
        if (!is_settled_in(exchange, i))
            continue;
        exchange_margin(exchange, call->account, i, &margin);
        sim_textf(out, "%s{\"accountAlias\":\"SgsR\",\"asset\":\"%s\"", is_first ? "" : ",",
                  exchange->assets[i]);
        fsim_member(out, "balance", margin.wallet, 8);
        fsim_member(out, "crossWalletBalance", margin.wallet, 8);
        fsim_member(out, "crossUnPnl", margin.unrealised, 8);
        fsim_member(out, "availableBalance", margin.available, 8);
        fsim_member(out, "maxWithdrawAmount", margin.available, 8);
        sim_textf(out, ",\"marginAvailable\":true,\"updateTime\":%lld}",
                  (long long)bsim_ms_of(exchange->accounts[call->account].updated_ns));
        is_first = false;
    }
    sim_textf(out, "]");
}

static void json_asset(struct call *call, uint32_t asset)
{
    const struct exchange *exchange = call->sim->exchange;
    struct sim_text *out = call->out;
    struct exchange_margin margin;

    exchange_margin(exchange, call->account, asset, &margin);
    sim_textf(out, "{\"asset\":\"%s\"", exchange->assets[asset]);
    fsim_member(out, "walletBalance", margin.wallet, 8);
    fsim_member(out, "unrealizedProfit", margin.unrealised, 8);
    fsim_member(out, "marginBalance", margin.equity, 8);
    fsim_member(out, "maintMargin", margin.maintenance, 8);
    fsim_member(out, "initialMargin", margin.position_margin + margin.order_margin, 8);
    fsim_member(out, "positionInitialMargin", margin.position_margin, 8);
    fsim_member(out, "openOrderInitialMargin", margin.order_margin, 8);
    fsim_member(out, "crossWalletBalance", margin.wallet, 8);
    fsim_member(out, "crossUnPnl", margin.unrealised, 8);
    fsim_member(out, "availableBalance", margin.available, 8);
    fsim_member(out, "maxWithdrawAmount", margin.available, 8);
    sim_textf(out, ",\"marginAvailable\":true,\"updateTime\":%lld}",
              (long long)bsim_ms_of(exchange->accounts[call->account].updated_ns));
}

static void json_account_position(struct call *call, uint32_t i, bool is_v2)
{
    const struct exchange *exchange = call->sim->exchange;
    const struct exchange_instrument *of = &exchange->instruments[i];
    const struct exchange_position *position = &exchange->accounts[call->account].positions[i];
    struct sim_text *out = call->out;

    sim_textf(out, "{\"symbol\":\"%s\",\"positionSide\":\"BOTH\"", of->config.symbol);
    fsim_qty(out, of, "positionAmt", position->qty);
    fsim_member(out, "unrealizedProfit", exchange_unrealised(exchange, call->account, i), 8);
    fsim_member(out, "isolatedMargin", 0, 8);
    fsim_member(out, "notional", exchange_position_value(exchange, call->account, i), 8);
    fsim_member(out, "isolatedWallet", 0, 8);
    fsim_member(out, "initialMargin", exchange_position_margin(exchange, call->account, i), 8);
    fsim_member(out, "maintMargin", exchange_maintenance(exchange, call->account, i), 8);
    if (is_v2) {
        fsim_member(out, "positionInitialMargin",
                    exchange_position_margin(exchange, call->account, i), 8);
        fsim_member(out, "openOrderInitialMargin", 0, 8);
        fsim_member(out, "entryPrice", exchange_entry_price(position), 8);
        fsim_member(out, "breakEvenPrice", exchange_entry_price(position), 8);
        sim_textf(out, ",\"leverage\":\"%u\",\"isolated\":false,\"maxNotional\":\"1000000\"",
                  exchange_leverage(exchange, call->account, i));
    }
    sim_textf(out, ",\"updateTime\":%lld}", (long long)bsim_ms_of(position->updated_ns));
}

static bool is_in_use(const struct call *call, uint32_t instrument)
{
    const struct exchange_account *account = &call->sim->exchange->accounts[call->account];

    return account->positions[instrument].qty != 0 || account->open_orders[instrument] != 0;
}

static void total(struct call *call, const char *name, size_t offset)
{
    const struct exchange *exchange = call->sim->exchange;
    int64_t sum = 0;

    for (uint32_t i = 0; i < exchange->asset_count; i++) {
        struct exchange_margin margin;
        if (!is_settled_in(exchange, i))
            continue;
        exchange_margin(exchange, call->account, i, &margin);
        sum += *(const int64_t *)(const void *)((const char *)&margin + offset);
    }
    fsim_member(call->out, name, sum, 8);
}

static void json_account(struct call *call, bool is_v2)
{
    const struct exchange *exchange = call->sim->exchange;
    struct sim_text *out = call->out;
    bool is_first = true;

    if (!bsim_call_all_read(call))
        return;
    sim_textf(out, "{\"feeTier\":0,\"canTrade\":true,\"canDeposit\":true,\"canWithdraw\":true,"
                   "\"updateTime\":0,\"multiAssetsMargin\":false,\"tradeGroupId\":-1");
    total(call, "totalInitialMargin", offsetof(struct exchange_margin, position_margin));
    total(call, "totalMaintMargin", offsetof(struct exchange_margin, maintenance));
    total(call, "totalWalletBalance", offsetof(struct exchange_margin, wallet));
    total(call, "totalUnrealizedProfit", offsetof(struct exchange_margin, unrealised));
    total(call, "totalMarginBalance", offsetof(struct exchange_margin, equity));
    total(call, "totalPositionInitialMargin", offsetof(struct exchange_margin, position_margin));
    total(call, "totalOpenOrderInitialMargin", offsetof(struct exchange_margin, order_margin));
    total(call, "totalCrossWalletBalance", offsetof(struct exchange_margin, wallet));
    total(call, "totalCrossUnPnl", offsetof(struct exchange_margin, unrealised));
    total(call, "availableBalance", offsetof(struct exchange_margin, available));
    total(call, "maxWithdrawAmount", offsetof(struct exchange_margin, available));
    sim_textf(out, ",\"assets\":[");
    for (uint32_t i = 0; i < exchange->asset_count; i++) {
        if (!is_settled_in(exchange, i) || (!is_v2 && wallet(call, i) == 0))
            continue;
        sim_textf(out, "%s", is_first ? "" : ",");
        json_asset(call, i);
        is_first = false;
    }
    sim_textf(out, "],\"positions\":[");
    is_first = true;
    for (uint32_t i = 0; i < exchange->instrument_count; i++) {
        if (!is_v2 && !is_in_use(call, i))
            continue;
        sim_textf(out, "%s", is_first ? "" : ",");
        json_account_position(call, i, is_v2);
        is_first = false;
    }
    sim_textf(out, "]}");
}

void fsim_run_account_v2(struct call *call)
{
    json_account(call, true);
}

/* Only what is in use. */
void fsim_run_account_v3(struct call *call)
{
    json_account(call, false);
}

/* ---- positions ---- */

static void json_position(struct call *call, uint32_t i, bool is_v2)
{
    const struct exchange *exchange = call->sim->exchange;
    const struct exchange_instrument *of = &exchange->instruments[i];
    const struct exchange_position *position = &exchange->accounts[call->account].positions[i];
    int64_t margin = exchange_position_margin(exchange, call->account, i);
    int64_t value = exchange_position_value(exchange, call->account, i);
    struct sim_text *out = call->out;

    sim_textf(out, "{\"symbol\":\"%s\",\"positionSide\":\"BOTH\"", of->config.symbol);
    fsim_qty(out, of, "positionAmt", position->qty);
    fsim_member(out, "entryPrice", exchange_entry_price(position), 8);
    fsim_member(out, "breakEvenPrice", exchange_entry_price(position), 8);
    fsim_member(out, "markPrice", of->perpetual.mark_price, 8);
    fsim_member(out, "unRealizedProfit", exchange_unrealised(exchange, call->account, i), 8);
    fsim_member(out, "liquidationPrice", exchange_liquidation_price(exchange, call->account, i), 8);
    fsim_member(out, "isolatedMargin", 0, 8);
    fsim_member(out, "notional", position->qty < 0 ? -value : value, 8);
    fsim_member(out, "isolatedWallet", 0, 8);
    if (is_v2) {
        sim_textf(out,
                  ",\"leverage\":\"%u\",\"marginType\":\"cross\",\"maxNotionalValue\":\"1000000\","
                  "\"isAutoAddMargin\":\"false\"",
                  exchange_leverage(exchange, call->account, i));
    } else {
        sim_textf(out, ",\"marginAsset\":\"%s\"", of->config.quote);
        fsim_member(out, "initialMargin", margin, 8);
        fsim_member(out, "maintMargin", exchange_maintenance(exchange, call->account, i), 8);
        fsim_member(out, "positionInitialMargin", margin, 8);
        sim_textf(out, ",\"openOrderInitialMargin\":\"0\",\"adl\":2,\"bidNotional\":\"0\","
                       "\"askNotional\":\"0\"");
    }
    sim_textf(out, ",\"updateTime\":%lld}", (long long)bsim_ms_of(position->updated_ns));
}

static void json_positions(struct call *call, bool is_v2)
{
    uint32_t instrument = EXCHANGE_NONE;
    bool is_first = true;

    if (bsim_params_get(&call->params, "symbol") && !bsim_call_symbol(call, &instrument))
        return;
    if (!bsim_call_all_read(call))
        return;
    sim_textf(call->out, "[");
    for (uint32_t i = 0; i < call->sim->exchange->instrument_count; i++) {
        if ((instrument != EXCHANGE_NONE && i != instrument) || (!is_v2 && !is_in_use(call, i)))
            continue;
        sim_textf(call->out, "%s", is_first ? "" : ",");
        json_position(call, i, is_v2);
        is_first = false;
    }
    sim_textf(call->out, "]");
}

void fsim_run_positions_v2(struct call *call)
{
    json_positions(call, true);
}

void fsim_run_positions_v3(struct call *call)
{
    json_positions(call, false);
}

/* ---- settings ---- */

static const char *truth(bool is)
{
    return is ? "true" : "false";
}

void fsim_run_account_config(struct call *call)
{
    if (bsim_call_all_read(call))
        sim_textf(call->out,
                  "{\"feeTier\":0,\"canTrade\":true,\"canDeposit\":true,\"canWithdraw\":true,"
                  "\"dualSidePosition\":%s,\"updateTime\":0,\"multiAssetsMargin\":false,"
                  "\"tradeGroupId\":-1}",
                  truth(call->sim->exchange->accounts[call->account].is_hedge_mode));
}

void fsim_run_symbol_config(struct call *call)
{
    const struct exchange *exchange = call->sim->exchange;
    uint32_t instrument = EXCHANGE_NONE;
    bool is_first = true;

    if (bsim_params_get(&call->params, "symbol") && !bsim_call_symbol(call, &instrument))
        return;
    if (!bsim_call_all_read(call))
        return;
    sim_textf(call->out, "[");
    for (uint32_t i = 0; i < exchange->instrument_count; i++) {
        if (instrument != EXCHANGE_NONE && i != instrument)
            continue;
        sim_textf(call->out,
                  "%s{\"symbol\":\"%s\",\"marginType\":\"CROSSED\",\"isAutoAddMargin\":false,"
                  "\"leverage\":%u,\"maxNotionalValue\":\"1000000\"}",
                  is_first ? "" : ",", exchange->instruments[i].config.symbol,
                  exchange_leverage(exchange, call->account, i));
        is_first = false;
    }
    sim_textf(call->out, "]");
}

void fsim_run_mode(struct call *call)
{
    if (bsim_call_all_read(call))
        sim_textf(call->out, "{\"dualSidePosition\":%s}",
                  truth(call->sim->exchange->accounts[call->account].is_hedge_mode));
}

void fsim_run_set_mode(struct call *call)
{
    const char *text = bsim_call_required(call, "dualSidePosition");

    if (!text || !bsim_call_all_read(call))
        return;
    enum exchange_cause cause =
        exchange_set_hedge_mode(call->sim->exchange, call->account, strcmp(text, "true") == 0);
    if (cause == CAUSE_NO_CHANGE)
        bsim_call_error(call, 400, -4059, "No need to change position side.");
    else if (cause)
        bsim_call_cause(call, cause, false);
    else
        sim_textf(call->out, "{\"code\":200,\"msg\":\"success\"}");
}

void fsim_run_multi_assets(struct call *call)
{
    if (bsim_call_all_read(call))
        sim_textf(call->out, "{\"multiAssetsMargin\":false}");
}

void fsim_run_set_leverage(struct call *call)
{
    uint32_t instrument;
    int64_t leverage = 0;

    if (!bsim_call_symbol(call, &instrument) || !bsim_call_required(call, "leverage") ||
        !bsim_call_integer(call, "leverage", 0, 1000, &leverage, NULL) || !bsim_call_all_read(call))
        return;
    enum exchange_cause cause =
        exchange_set_leverage(call->sim->exchange, call->account, instrument, (uint32_t)leverage);
    if (cause) {
        bsim_call_cause(call, cause, false);
        return;
    }
    fsim_private_config(call->sim, call->account, instrument);
    sim_textf(call->out, "{\"leverage\":%lld,\"maxNotionalValue\":\"1000000\",\"symbol\":\"%s\"}",
              (long long)leverage, call->sim->exchange->instruments[instrument].config.symbol);
}

/* There is cross margin only. */
void fsim_run_set_margin_type(struct call *call)
{
    uint32_t instrument;
    const char *type;

    if (!bsim_call_symbol(call, &instrument) || !(type = bsim_call_required(call, "marginType")) ||
        !bsim_call_all_read(call))
        return;
    if (strcmp(type, "CROSSED") == 0)
        bsim_call_error(call, 400, -4046, "No need to change margin type.");
    else
        bsim_call_error(call, 400, -4047,
                        "Margin type cannot be changed if there exists open "
                        "orders.");
}

void fsim_run_brackets(struct call *call)
{
    const struct exchange *exchange = call->sim->exchange;
    uint32_t instrument = EXCHANGE_NONE;
    bool is_first = true;

    if (bsim_params_get(&call->params, "symbol") && !bsim_call_symbol(call, &instrument))
        return;
    if (!bsim_call_all_read(call))
        return;
    sim_textf(call->out, "[");
    for (uint32_t i = 0; i < exchange->instrument_count; i++) {
        const struct exchange_instrument_config *config = &exchange->instruments[i].config;
        if (instrument != EXCHANGE_NONE && i != instrument)
            continue;
        sim_textf(call->out,
                  "%s{\"symbol\":\"%s\",\"brackets\":[{\"bracket\":1,\"initialLeverage\":%u,"
                  "\"notionalCap\":1000000,\"notionalFloor\":0,\"maintMarginRatio\":%.6f,"
                  "\"cum\":0.0}]}",
                  is_first ? "" : ",", config->symbol,
                  config->max_leverage ? config->max_leverage : 100,
                  (config->maintenance_ppm ? config->maintenance_ppm : 5000) / 1e6);
        is_first = false;
    }
    sim_textf(call->out, "]");
}

static void rate(struct sim_text *out, const char *name, int32_t ppm)
{
    fsim_member(out, name, (int64_t)ppm * (EXCHANGE_ONE / 1000000), 6);
}

void fsim_run_commission(struct call *call)
{
    const struct exchange_account *account = &call->sim->exchange->accounts[call->account];
    uint32_t instrument;

    if (!bsim_call_symbol(call, &instrument) || !bsim_call_all_read(call))
        return;
    sim_textf(call->out, "{\"symbol\":\"%s\"",
              call->sim->exchange->instruments[instrument].config.symbol);
    rate(call->out, "makerCommissionRate", account->config.maker_fee_ppm);
    rate(call->out, "takerCommissionRate", account->config.taker_fee_ppm);
    sim_textf(call->out, ",\"rpiCommissionRate\":\"0.00005\"}");
}

void fsim_run_rate_limit_order(struct call *call)
{
    const struct account_limits *limits = &call->state->limits[call->account];

    if (bsim_call_all_read(call))
        sim_textf(call->out,
                  "[{\"rateLimitType\":\"ORDERS\",\"interval\":\"SECOND\",\"intervalNum\":10,"
                  "\"limit\":%lld},{\"rateLimitType\":\"ORDERS\",\"interval\":\"MINUTE\","
                  "\"intervalNum\":1,\"limit\":%lld}]",
                  (long long)limits->orders_10s.limit, (long long)limits->orders_long.limit);
}

/* ---- payments ---- */

void fsim_run_income(struct call *call)
{
    const struct exchange *exchange = call->sim->exchange;
    const char *type = bsim_params_get(&call->params, "incomeType");
    struct exchange_funding funding;
    uint32_t instrument = EXCHANGE_NONE;
    uint64_t cursor = 0;
    int64_t written = 0, limit = 100, start_ms = 0, end_ms = INT64_MAX;
    bool is_other = type && strcmp(type, "FUNDING_FEE") != 0;

    if ((bsim_params_get(&call->params, "symbol") && !bsim_call_symbol(call, &instrument)) ||
        !bsim_call_integer(call, "startTime", 0, INT64_MAX, &start_ms, NULL) ||
        !bsim_call_integer(call, "endTime", 0, INT64_MAX, &end_ms, NULL) ||
        !bsim_call_integer(call, "limit", 1, 1000, &limit, NULL) || !bsim_call_all_read(call))
        return;
    sim_textf(call->out, "[");
    while (!is_other && written < limit &&
           exchange_next_funding(exchange, call->account, &cursor, &funding)) {
        int64_t at_ms = bsim_ms_of(funding.at_ns);
        if ((instrument != EXCHANGE_NONE && funding.instrument != instrument) || at_ms < start_ms ||
            at_ms > end_ms)
            continue;
        const struct exchange_instrument *of = &exchange->instruments[funding.instrument];
        sim_textf(call->out, "%s{\"symbol\":\"%s\",\"incomeType\":\"FUNDING_FEE\"",
                  written++ ? "," : "", of->config.symbol);
        fsim_member(call->out, "income", funding.amount, 8);
        sim_textf(call->out,
                  ",\"asset\":\"%s\",\"info\":\"FUNDING_FEE\",\"time\":%lld,\"tranId\":%llu,"
                  "\"tradeId\":\"\"}",
                  of->config.quote, (long long)at_ms, (unsigned long long)funding.id);
    }
    sim_textf(call->out, "]");
}

/* ---- listen keys ---- */

static void json_key(struct call *call, const struct listen_key *key)
{
    sim_textf(call->out, "{\"listenKey\":\"%s\"}", key->key);
}

void fsim_run_key_make(struct call *call)
{
    struct listen_key *key = &futures_state(call->sim)->keys[call->account];
    char part[23];

    if (!bsim_call_all_read(call))
        return;
    if (!key->key[0]) { /* One that lives is given again. */
        for (int i = 0; i < 3; i++) {
            bsim_random_id(call->state, part);
            memcpy(key->key + (ptrdiff_t)i * 21, part, 22);
        }
        key->key[64] = '\0';
    }
    key->expires_ns = call->sim->now_ns + KEY_LIFE_NS;
    json_key(call, key);
}

void fsim_run_key_keep(struct call *call)
{
    struct listen_key *key = &futures_state(call->sim)->keys[call->account];

    (void)bsim_params_get(&call->params, "listenKey");
    if (!bsim_call_all_read(call))
        return;
    if (!key->key[0]) {
        bsim_call_error(call, 400, -1125, "This listenKey does not exist.");
        return;
    }
    key->expires_ns = call->sim->now_ns + KEY_LIFE_NS;
    json_key(call, key);
}

void fsim_run_key_close(struct call *call)
{
    struct listen_key *key = &futures_state(call->sim)->keys[call->account];

    (void)bsim_params_get(&call->params, "listenKey");
    if (!bsim_call_all_read(call))
        return;
    key->key[0] = '\0';
    sim_textf(call->out, "{}");
}
