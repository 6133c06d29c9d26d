/* sim_account.c - the account: balances, rates, limits. */
#include "venues/binance/sim_binance.h"

#include <string.h>

static void rate(struct sim_text *out, int32_t ppm)
{
    sim_text_decimal(out, (int64_t)ppm * (EXCHANGE_ONE / 1000000), 8);
}

static void json_balances(struct call *call, bool is_zero_omitted)
{
    const struct exchange *exchange = call->sim->exchange;
    const struct exchange_account *account = &exchange->accounts[call->account];
    struct sim_text *out = call->out;
    bool is_first = true;

    sim_textf(out, "\"balances\":[");
    for (uint32_t i = 0; i < exchange->asset_count; i++) {
        const struct exchange_balance *balance = &account->balances[i];
        if (is_zero_omitted && balance->free == 0 && balance->locked == 0)
            continue;
        sim_textf(out, "%s{\"asset\":\"%s\",\"free\":\"", is_first ? "" : ",", exchange->assets[i]);
        sim_text_decimal(out, balance->free, 8);
        sim_textf(out, "\",\"locked\":\"");
        sim_text_decimal(out, balance->locked, 8);
        sim_textf(out, "\"}");
        is_first = false;
    }
    sim_textf(out, "]");
}

void bsim_run_account(struct call *call)
{
    const struct exchange_account *account = &call->sim->exchange->accounts[call->account];
    const char *omit = bsim_params_get(&call->params, "omitZeroBalances");
    struct sim_text *out = call->out;

    if (!bsim_call_all_read(call))
        return;
    sim_textf(out,
              "{\"makerCommission\":%d,\"takerCommission\":%d,\"buyerCommission\":0,"
              "\"sellerCommission\":0,\"commissionRates\":{\"maker\":\"",
              (int)account->config.maker_fee_ppm / 100, (int)account->config.taker_fee_ppm / 100);
    rate(out, account->config.maker_fee_ppm);
    sim_textf(out, "\",\"taker\":\"");
    rate(out, account->config.taker_fee_ppm);
    sim_textf(out,
              "\",\"buyer\":\"0.00000000\",\"seller\":\"0.00000000\"},\"canTrade\":true,"
              "\"canWithdraw\":true,\"canDeposit\":true,\"brokered\":false,"
              "\"requireSelfTradePrevention\":false,\"preventSor\":false,\"updateTime\":%lld,"
              "\"accountType\":\"SPOT\",",
              (long long)bsim_ms_of(account->updated_ns));
    json_balances(call, omit && strcmp(omit, "true") == 0);
    sim_textf(out, ",\"permissions\":[\"SPOT\"],\"uid\":%u}", 354937868u + call->account);
}

void bsim_run_commission(struct call *call)
{
    const struct exchange_account *account = &call->sim->exchange->accounts[call->account];
    struct sim_text *out = call->out;
    uint32_t instrument;

    if (!bsim_call_symbol(call, &instrument) || !bsim_call_all_read(call))
        return;
    sim_textf(out, "{\"symbol\":\"%s\",\"standardCommission\":{\"maker\":\"",
              call->sim->exchange->instruments[instrument].config.symbol);
    rate(out, account->config.maker_fee_ppm);
    sim_textf(out, "\",\"taker\":\"");
    rate(out, account->config.taker_fee_ppm);
    sim_textf(out, "\",\"buyer\":\"0.00000000\",\"seller\":\"0.00000000\"},"
                   "\"taxCommission\":{\"maker\":\"0.00000000\",\"taker\":\"0.00000000\","
                   "\"buyer\":\"0.00000000\",\"seller\":\"0.00000000\"},"
                   "\"discount\":{\"enabledForAccount\":false,\"enabledForSymbol\":false,"
                   "\"discountAsset\":\"BNB\",\"discount\":\"0.25000000\"}}");
}

void bsim_run_rate_limit_order(struct call *call)
{
    const struct account_limits *limits = &call->state->limits[call->account];

    if (!bsim_call_all_read(call))
        return;
    sim_textf(call->out,
              "[{\"rateLimitType\":\"ORDERS\",\"interval\":\"SECOND\",\"intervalNum\":10,"
              "\"limit\":%lld,\"count\":%lld},"
              "{\"rateLimitType\":\"ORDERS\",\"interval\":\"DAY\",\"intervalNum\":1,"
              "\"limit\":%lld,\"count\":%lld}]",
              (long long)limits->orders_10s.limit, (long long)limits->orders_10s.used,
              (long long)limits->orders_long.limit, (long long)limits->orders_long.used);
}

/* Asked by clients that list currencies when they have a key. */
void bsim_run_capital_config(struct call *call)
{
    const struct exchange *exchange = call->sim->exchange;
    const struct exchange_account *account = &exchange->accounts[call->account];
    struct sim_text *out = call->out;

    if (!bsim_call_all_read(call))
        return;
    sim_textf(out, "[");
    for (uint32_t i = 0; i < exchange->asset_count; i++) {
        sim_textf(out,
                  "%s{\"coin\":\"%s\",\"name\":\"%s\",\"depositAllEnable\":true,"
                  "\"withdrawAllEnable\":true,\"isLegalMoney\":false,\"trading\":true,\"free\":\"",
                  i ? "," : "", exchange->assets[i], exchange->assets[i]);
        sim_text_decimal(out, account->balances[i].free, 8);
        sim_textf(out, "\",\"locked\":\"");
        sim_text_decimal(out, account->balances[i].locked, 8);
        sim_textf(out, "\",\"freeze\":\"0\",\"ipoable\":\"0\",\"ipoing\":\"0\",\"storage\":\"0\","
                       "\"withdrawing\":\"0\",\"networkList\":[]}");
    }
    sim_textf(out, "]");
}

/* There is no margin trading here; clients ask all the same. */
void bsim_run_no_margin(struct call *call)
{
    sim_textf(call->out, "[]");
}
