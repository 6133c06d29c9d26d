/* Accounts, fills and fees (7). */
#include "venues/coinbase/sim_coinbase.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILLS_PAGE = 1000 };

static void add_account(struct cbsim_call *call, uint32_t asset)
{
    const struct exchange *exchange = call->cb->sim->exchange;
    const struct exchange_balance *balance = &exchange->accounts[call->account].balances[asset];
    struct sim_text *out = &call->out;
    char id[CBSIM_UUID + 1], profile[CBSIM_UUID + 1];

    cbsim_uuid('A', (uint64_t)(call->account + 1) << 8 | asset, id);
    cbsim_uuid('P', call->account + 1, profile);
    sim_textf(out, "{\"id\":\"%s\",\"currency\":\"%s\",", id, exchange->assets[asset]);
    cbsim_decimal(out, "balance", balance->free + balance->locked, 16);
    sim_textf(out, ",");
    cbsim_decimal(out, "hold", balance->locked, 16);
    sim_textf(out, ",");
    cbsim_decimal(out, "available", balance->free, EXCHANGE_EXP);
    sim_textf(out,
              ",\"profile_id\":\"%s\",\"trading_enabled\":true,\"pending_deposit\":"
              "\"0.0000000000000000\",\"display_name\":\"%s\"}",
              profile, exchange->assets[asset]);
}

bool cbsim_accounts(struct cbsim_call *call)
{
    const char *id = call->request->path + strlen("/accounts");
    uint32_t count = call->cb->sim->exchange->asset_count;
    uint64_t number;

    if (*id == '/') {
        number = cbsim_uuid_read('A', id + 1);
        if (number >> 8 != call->account + 1 || (number & 0xff) >= count)
            return cbsim_fail(call, 404, "NotFound");
        add_account(call, (uint32_t)(number & 0xff));
        return true;
    }
    sim_textf(&call->out, "[");
    for (uint32_t i = 0; i < count; i++) {
        sim_textf(&call->out, "%s", i ? "," : "");
        add_account(call, i);
    }
    sim_textf(&call->out, "]");
    return true;
}

static void add_rate(struct sim_text *out, const char *name, int32_t ppm)
{
    sim_textf(out, "\"%s\":\"%s%d.%06d\"", name, ppm < 0 ? "-" : "", abs(ppm) / 1000000,
              abs(ppm) % 1000000);
}

bool cbsim_fees(struct cbsim_call *call)
{
    const struct exchange_account_config *config =
        &call->cb->sim->exchange->accounts[call->account].config;

    sim_textf(&call->out, "{");
    add_rate(&call->out, "maker_fee_rate", config->maker_fee_ppm);
    sim_textf(&call->out, ",");
    add_rate(&call->out, "taker_fee_rate", config->taker_fee_ppm);
    sim_textf(&call->out, ",\"usd_volume\":\"0.00\"}");
    return true;
}

static void add_fill(struct cbsim_call *call, const struct exchange_execution *execution)
{
    const struct exchange *exchange = call->cb->sim->exchange;
    const struct exchange_instrument *instrument = &exchange->instruments[execution->instrument];
    struct sim_text *out = &call->out;
    char id[CBSIM_UUID + 1], user[CBSIM_UUID + 1], profile[CBSIM_UUID + 1], when[40];

    cbsim_uuid('O', exchange->orders[execution->order].id, id);
    cbsim_uuid('U', execution->account + 1, user);
    cbsim_uuid('P', execution->account + 1, profile);
    cbsim_time(execution->at_ns, when);
    sim_textf(out,
              "{\"created_at\":\"%s\",\"trade_id\":%llu,\"product_id\":\"%s\",\"order_id\":\"%s\","
              "\"user_id\":\"%s\",\"profile_id\":\"%s\",\"liquidity\":\"%s\",",
              when, (unsigned long long)execution->trade_id, instrument->config.symbol, id, user,
              profile, execution->is_maker ? "M" : "T");
    cbsim_decimal(out, "price", execution->price, EXCHANGE_EXP);
    sim_textf(out, ",");
    cbsim_decimal(out, "size", execution->qty, EXCHANGE_EXP);
    sim_textf(out, ",");
    cbsim_decimal(out, "fee", execution->fee, 16);
    sim_textf(out, ",\"side\":\"%s\",\"settled\":true,",
              execution->side == SIDE_BUY ? "buy" : "sell");
    cbsim_decimal(out, "usd_volume", execution->quote, EXCHANGE_EXP);
    sim_textf(out, ",\"market_type\":\"spot\",\"funding_currency\":\"%s\"}",
              instrument->config.quote);
}

struct filter {
    uint32_t instrument;
    uint64_t order, before, after; /* Trade ids: newer than, older than. */
    int64_t start_ns, end_ns;
    long limit;
};

/* product_id or order_id is mandatory. */
static bool read_filter(struct cbsim_call *call, struct filter *filter)
{
    char text[64];

    *filter = (struct filter){
        .instrument = EXCHANGE_NONE, .after = UINT64_MAX, .end_ns = INT64_MAX, .limit = FILLS_PAGE
    };
    if (cbsim_parameter(call, "product_id", text, sizeof text) &&
        (filter->instrument = cbsim_product_find(call->cb->sim, text)) == EXCHANGE_NONE)
        return cbsim_fail(call, 404, "ProductNotFound");
    if (cbsim_parameter(call, "order_id", text, sizeof text) &&
        (filter->order = cbsim_uuid_read('O', text)) == 0)
        return cbsim_fail(call, 400, "Invalid order id");
    if (filter->instrument == EXCHANGE_NONE && filter->order == 0)
        return cbsim_fail(call, 400, "either order_id or product_id is required");
    if (cbsim_parameter(call, "before", text, sizeof text))
        filter->before = strtoull(text, NULL, 10);
    if (cbsim_parameter(call, "after", text, sizeof text))
        filter->after = strtoull(text, NULL, 10);
    if (cbsim_parameter(call, "limit", text, sizeof text))
        filter->limit = MAX(1, MIN(atol(text), FILLS_PAGE));
    if (cbsim_parameter(call, "start_date", text, sizeof text) &&
        !cbsim_time_read(text, &filter->start_ns))
        return cbsim_fail(call, 400, "invalid start_date");
    if (cbsim_parameter(call, "end_date", text, sizeof text) &&
        !cbsim_time_read(text, &filter->end_ns))
        return cbsim_fail(call, 400, "invalid end_date");
    return true;
}

static bool passes(const struct cbsim_call *call, const struct filter *filter,
                   const struct exchange_execution *execution)
{
    const struct exchange *exchange = call->cb->sim->exchange;

    return execution->account == call->account &&
           (filter->instrument == EXCHANGE_NONE || execution->instrument == filter->instrument) &&
           (filter->order == 0 || exchange->orders[execution->order].id == filter->order) &&
           execution->trade_id > filter->before && execution->trade_id < filter->after &&
           execution->at_ns >= filter->start_ns && execution->at_ns <= filter->end_ns;
}

bool cbsim_fills(struct cbsim_call *call)
{
    const struct exchange *exchange = call->cb->sim->exchange;
    struct filter filter;
    uint64_t first = 0, last = 0;
    long count = 0;

    if (!read_filter(call, &filter))
        return false;
    sim_textf(&call->out, "[");
    for (uint32_t i = exchange->execution_count; i-- > 0 && count < filter.limit;) {
        const struct exchange_execution *execution = exchange_execution(exchange, i);
        if (!passes(call, &filter, execution))
            continue;
        sim_textf(&call->out, "%s", count ? "," : "");
        add_fill(call, execution);
        first = count++ ? first : execution->trade_id;
        last = execution->trade_id;
    }
    sim_textf(&call->out, "]");
    if (count)
        snprintf(call->headers, sizeof call->headers, "CB-BEFORE: %llu\r\nCB-AFTER: %llu\r\n",
                 (unsigned long long)first, (unsigned long long)last);
    return true;
}
