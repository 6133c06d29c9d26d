/* The account as REST and the private channels show it (7, 8.3, 8.4): balances, positions, mode,
 * funding payments. */
#include "venues/okx/sim_rest.h"

#include <stdlib.h>
#include <string.h>

/* ---- balances and positions ---- */

static int64_t positions_upl(const struct osim *osim, uint32_t account, uint32_t asset)
{
    const struct exchange *exchange = osim->sim->exchange;
    int64_t upl = 0;

    for (uint32_t i = 0; i < exchange->instrument_count; i++)
        if (exchange_is_perpetual(exchange, i) && exchange->instruments[i].quote == asset)
            upl += exchange_unrealised(exchange, account, i);
    return upl;
}

static void add_asset(struct osim *osim, uint32_t account, uint32_t asset, struct sim_text *out)
{
    const struct exchange *exchange = osim->sim->exchange;
    const struct exchange_balance *balance = &exchange->accounts[account].balances[asset];
    struct exchange_margin margin;

    exchange_margin(exchange, account, asset, &margin);
    int64_t cash = balance->free + balance->locked, upl = positions_upl(osim, account, asset);
    int64_t orders = balance->locked + margin.order_margin;
    sim_textf(out, "{\"ccy\":\"%s\"", exchange->assets[asset]);
    osim_pair(out, "cashBal", cash);
    osim_pair(out, "availBal", MAX(exchange_available(exchange, account, asset), 0));
    osim_pair(out, "availEq", MAX(exchange_available(exchange, account, asset), 0));
    osim_pair(out, "ordFrozen", orders);
    osim_pair(out, "frozenBal", orders + margin.position_margin);
    osim_pair(out, "upl", upl);
    osim_pair(out, "eq", cash + upl);
    osim_pair(out, "eqUsd", cash + upl);
    osim_pair(out, "imr", margin.position_margin + margin.order_margin);
    osim_pair(out, "mmr", margin.maintenance);
    osim_pair_ms(out, "uTime",
                 exchange->accounts[account].updated_ns ? exchange->accounts[account].updated_ns
                                                        : osim->sim->now_ns);
    sim_textf(out, ",\"borrowFroz\":\"0\",\"crossLiab\":\"0\",\"disEq\":\"0\",\"fixedBal\":\"0\","
                   "\"interest\":\"0\",\"isoEq\":\"0\",\"isoLiab\":\"0\",\"isoUpl\":\"0\","
                   "\"liab\":\"0\",\"maxLoan\":\"0\",\"mgnRatio\":\"\",\"notionalLever\":\"\","
                   "\"stgyEq\":\"0\",\"twap\":\"0\",\"uplLiab\":\"0\"}");
}

void osim_balance_details(struct osim *osim, uint32_t account, const bool *only,
                          struct sim_text *out)
{
    const struct exchange *exchange = osim->sim->exchange;
    bool is_first = true;

    for (uint32_t i = 0; i < exchange->asset_count; i++) {
        const struct exchange_balance *balance = &exchange->accounts[account].balances[i];
        if (only ? !only[i] : balance->free + balance->locked == 0)
            continue;
        sim_textf(out, "%s", is_first ? "" : ",");
        add_asset(osim, account, i, out);
        is_first = false;
    }
}

void osim_balance_row(struct osim *osim, uint32_t account, const bool *only, struct sim_text *out)
{
    sim_textf(out, "{\"adjEq\":\"\",\"borrowFroz\":\"\",\"details\":[");
    osim_balance_details(osim, account, only, out);
    sim_textf(out, "],\"imr\":\"\",\"isoEq\":\"0\",\"mgnRatio\":\"\",\"mmr\":\"\","
                   "\"notionalUsd\":\"\",\"ordFroz\":\"\",\"totalEq\":\"\"");
    osim_pair_ms(out, "uTime", osim->sim->now_ns);
    sim_textf(out, ",\"upl\":\"\"}");
}

void osim_position_row(struct osim *osim, uint32_t account, uint32_t at, struct sim_text *out)
{
    const struct exchange *exchange = osim->sim->exchange;
    const struct exchange_instrument *instrument = &exchange->instruments[at];
    const struct exchange_position *position = &exchange->accounts[account].positions[at];
    int64_t liquidation = exchange_liquidation_price(exchange, account, at);

    sim_textf(out,
              "{\"instId\":\"%s\",\"instType\":\"SWAP\",\"mgnMode\":\"cross\",\"posSide\":\"net\","
              "\"posId\":\"%llu\",\"ccy\":\"%s\",\"posCcy\":\"\",\"lever\":\"%u\"",
              instrument->config.symbol, 1752810569801498000ull + account * 100ull + at,
              instrument->config.quote, exchange_leverage(exchange, account, at));
    osim_pair(out, "pos", osim_size(instrument, position->qty));
    if (position->qty)
        osim_pair(out, "avgPx", exchange_entry_price(position));
    else
        sim_textf(out, ",\"avgPx\":\"\"");
    osim_pair(out, "markPx", instrument->perpetual.mark_price);
    osim_pair(out, "idxPx", instrument->perpetual.index_price);
    osim_pair(out, "last", instrument->last_price);
    if (liquidation)
        osim_pair(out, "liqPx", liquidation);
    else
        sim_textf(out, ",\"liqPx\":\"\"");
    osim_pair(out, "upl", exchange_unrealised(exchange, account, at));
    osim_pair(out, "imr", exchange_position_margin(exchange, account, at));
    osim_pair(out, "mmr", exchange_maintenance(exchange, account, at));
    osim_pair(out, "notionalUsd", exchange_position_value(exchange, account, at));
    osim_pair(out, "pnl", position->realised);
    osim_pair(out, "fee", -position->fees);
    osim_pair(out, "fundingFee", position->funding);
    osim_pair(out, "realizedPnl", position->realised - position->fees + position->funding);
    osim_pair_ms(out, "cTime", position->opened_ns);
    osim_pair_ms(out, "uTime", position->updated_ns);
    osim_pair_ms(out, "pTime", osim->sim->now_ns);
    sim_textf(out, ",\"adl\":\"1\",\"availPos\":\"\",\"bePx\":\"\",\"closeOrderAlgo\":[],"
                   "\"interest\":\"\",\"liab\":\"\",\"liabCcy\":\"\",\"liqPenalty\":\"0\","
                   "\"margin\":\"\",\"mgnRatio\":\"\",\"optVal\":\"\",\"tradeId\":\"\","
                   "\"uplRatio\":\"0\"}");
}

/* ---- operations ---- */

void osim_run_balance(struct rest *rest)
{
    const struct exchange *exchange = rest->osim->sim->exchange;
    bool only[EXCHANGE_ASSETS_MAX] = { false };
    char assets[256];
    bool has_only = osim_rest_query(rest, "ccy", assets, sizeof(assets));

    for (uint32_t i = 0; has_only && i < exchange->asset_count; i++)
        only[i] = strstr(assets, exchange->assets[i]) != NULL;
    osim_balance_row(rest->osim, rest->account, has_only ? only : NULL, rest->data);
}

void osim_run_positions(struct rest *rest)
{
    const struct exchange *exchange = rest->osim->sim->exchange;
    struct osim_filter filter = osim_rest_filter(rest);

    for (uint32_t i = 0; i < exchange->instrument_count; i++)
        if (exchange->accounts[rest->account].positions[i].qty &&
            osim_rest_passes(rest->osim, &filter, i)) {
            osim_rest_comma(rest);
            osim_position_row(rest->osim, rest->account, i, rest->data);
        }
}

void osim_run_config(struct rest *rest)
{
    const struct exchange_account *account = &rest->osim->sim->exchange->accounts[rest->account];

    sim_textf(
        rest->data,
        "{\"acctLv\":\"2\",\"acctStpMode\":\"cancel_maker\",\"autoLoan\":false,"
        "\"ctIsoMode\":\"automatic\",\"greeksType\":\"PA\",\"ip\":\"\",\"kycLv\":\"3\","
        "\"label\":\"%s\",\"level\":\"Lv1\",\"levelTmp\":\"\",\"liquidationGear\":\"-1\","
        "\"mainUid\":\"%llu\",\"mgnIsoMode\":\"automatic\",\"opAuth\":\"0\","
        "\"perm\":\"read_only,trade\",\"posMode\":\"%s\",\"roleType\":\"0\",\"uid\":\"%llu\"}",
        account->config.name, 44705892343619584ull + rest->account,
        account->is_hedge_mode ? "long_short_mode" : "net_mode",
        44705892343619584ull + rest->account);
}

void osim_run_set_position_mode(struct rest *rest)
{
    cJSON *body = cJSON_ParseWithLength(rest->request->body, rest->request->body_len);
    const char *mode = osim_string(body, "posMode");

    if (!mode || (strcmp(mode, "net_mode") != 0 && strcmp(mode, "long_short_mode") != 0)) {
        osim_rest_fail(rest, 51000, "Parameter posMode error");
    } else {
        enum exchange_cause cause = exchange_set_hedge_mode(
            rest->osim->sim->exchange, rest->account, strcmp(mode, "long_short_mode") == 0);
        if (cause == CAUSE_OPEN_POSITION)
            osim_rest_fail(rest, 59000,
                           "Setting failed. Cancel any open orders, close positions, and stop "
                           "trading bots first.");
        else
            sim_textf(rest->data, "{\"posMode\":\"%s\"}", mode);
    }
    cJSON_Delete(body);
}

void osim_run_set_leverage(struct rest *rest)
{
    cJSON *body = cJSON_ParseWithLength(rest->request->body, rest->request->body_len);
    const char *lever = osim_string(body, "lever");
    uint32_t at = osim_find(rest->osim, osim_string(body, "instId"));

    if (at == EXCHANGE_NONE || !lever)
        osim_rest_fail(rest, 51000, "Parameter instId or lever error");
    else if (exchange_set_leverage(rest->osim->sim->exchange, rest->account, at,
                                   (uint32_t)strtoul(lever, NULL, 10)) != CAUSE_NONE)
        osim_rest_fail(rest, 59102,
                       "Leverage exceeds the maximum limit. Please lower the leverage.");
    else
        sim_textf(rest->data,
                  "{\"lever\":\"%s\",\"mgnMode\":\"cross\",\"instId\":\"%s\",\"posSide\":\"net\"}",
                  lever, rest->osim->sim->exchange->instruments[at].config.symbol);
    cJSON_Delete(body);
}

/* Funding payments (type 8), newest first; no other bill is kept here. */
void osim_run_bills(struct rest *rest)
{
    const struct exchange *exchange = rest->osim->sim->exchange;
    struct osim_filter filter = osim_rest_filter(rest);
    struct exchange_funding list[FUNDING_KEPT], funding;
    uint64_t cursor = 0;
    unsigned count = 0, sent = 0;
    char type[8];

    if (osim_rest_query(rest, "type", type, sizeof(type)) && strcmp(type, "8") != 0)
        return;
    while (count < FUNDING_KEPT &&
           exchange_next_funding(exchange, rest->account, &cursor, &funding))
        list[count++] = funding;
    while (count-- > 0 && sent < filter.limit) {
        const struct exchange_instrument *instrument =
            &exchange->instruments[list[count].instrument];
        uint64_t bill = UINT64_C(2900000000000000000) + list[count].id;
        if (filter.after && bill >= filter.after)
            continue;
        osim_rest_comma(rest);
        sim_textf(rest->data,
                  "{\"billId\":\"%llu\",\"ccy\":\"%s\",\"instId\":\"%s\",\"instType\":\"SWAP\","
                  "\"mgnMode\":\"cross\",\"type\":\"8\",\"subType\":\"%s\",\"ordId\":\"\"",
                  (unsigned long long)bill, instrument->config.quote, instrument->config.symbol,
                  list[count].amount < 0 ? "173" : "174");
        osim_pair(rest->data, "balChg", list[count].amount);
        osim_pair(rest->data, "pnl", list[count].amount);
        osim_pair(rest->data, "sz", osim_size(instrument, list[count].qty));
        osim_pair(rest->data, "px", list[count].mark_price);
        osim_pair_ms(rest->data, "ts", list[count].at_ns);
        sim_textf(rest->data, "}");
        sent++;
    }
}

void osim_run_trade_fee(struct rest *rest)
{
    const struct exchange_account_config *config =
        &rest->osim->sim->exchange->accounts[rest->account].config;

    sim_textf(rest->data, "{\"category\":\"1\",\"instType\":\"SPOT\",\"level\":\"Lv1\"");
    osim_pair(rest->data, "maker", -(int64_t)config->maker_fee_ppm * 100);
    osim_pair(rest->data, "taker", -(int64_t)config->taker_fee_ppm * 100);
    osim_pair(rest->data, "makerU", -(int64_t)config->maker_fee_ppm * 100);
    osim_pair(rest->data, "takerU", -(int64_t)config->taker_fee_ppm * 100);
    osim_pair_ms(rest->data, "ts", rest->osim->sim->now_ns);
    sim_textf(rest->data, "}");
}

void osim_run_currencies(struct rest *rest)
{
    const struct exchange *exchange = rest->osim->sim->exchange;

    for (uint32_t i = 0; i < exchange->asset_count; i++) {
        osim_rest_comma(rest);
        sim_textf(rest->data,
                  "{\"ccy\":\"%s\",\"name\":\"%s\",\"chain\":\"%s-Chain\",\"canDep\":true,"
                  "\"canWd\":true,\"canInternal\":true,\"minWd\":\"0.001\",\"maxWd\":\"1000\","
                  "\"minFee\":\"0.0001\",\"maxFee\":\"0.0001\",\"fee\":\"0.0001\","
                  "\"wdTickSz\":\"8\",\"mainNet\":true,\"minDep\":\"0.0001\"}",
                  exchange->assets[i], exchange->assets[i], exchange->assets[i]);
    }
}
