/* control.c - the control endpoint: ledger, faults, deposits, standstill. */
#include "venue_simulator/simulator.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- ledger ---- */

static void amount(struct sim_text *out, const char *name, int64_t value)
{
    sim_textf(out, ",\"%s\":\"", name);
    sim_text_decimal(out, value, 8);
    sim_textf(out, "\"");
}

static const char *state_text(const struct exchange_order *order)
{
    static const char *const texts[] = { "new", "partially_filled", "filled", "cancelled",
                                         "expired" };

    return texts[order->state];
}

static void json_balances(struct sim_text *out, const struct exchange *exchange, uint32_t account)
{
    sim_textf(out, "\"balances\":{");
    for (uint32_t i = 0; i < exchange->asset_count; i++) {
        const struct exchange_balance *balance = &exchange->accounts[account].balances[i];
        sim_textf(out, "%s\"%s\":{\"asset\":\"%s\"", i ? "," : "", exchange->assets[i],
                  exchange->assets[i]);
        amount(out, "total", balance->free + balance->locked);
        amount(out, "free", balance->free);
        amount(out, "locked", balance->locked);
        amount(out, "deposited", balance->deposited);
        sim_textf(out, "}");
    }
    sim_textf(out, "}");
}

/* What the executions of an instrument come to. */
static void json_position(struct sim_text *out, const struct exchange *exchange, uint32_t account,
                          uint32_t instrument)
{
    int64_t bought = 0, sold = 0, paid = 0, received = 0, count = 0, maker = 0;
    int64_t fees[EXCHANGE_ASSETS_MAX] = { 0 };

    for (uint32_t i = 0; i < exchange->execution_count; i++) {
        const struct exchange_execution *e = &exchange->executions[i];
        if (e->account != account || e->instrument != instrument)
            continue;
        *(e->side == SIDE_BUY ? &bought : &sold) += e->qty;
        *(e->side == SIDE_BUY ? &paid : &received) += e->quote;
        fees[e->fee_asset] += e->fee;
        maker += e->is_maker;
        count++;
    }
    sim_textf(out, "\"%s\":{\"symbol\":\"%s\",\"executions\":%lld,\"maker\":%lld",
              exchange->instruments[instrument].config.symbol,
              exchange->instruments[instrument].config.symbol, (long long)count, (long long)maker);
    amount(out, "bought", bought);
    amount(out, "sold", sold);
    amount(out, "net", bought - sold);
    amount(out, "paid", paid);
    amount(out, "received", received);
    sim_textf(out, ",\"fees\":{");
    bool is_first = true;
    for (uint32_t i = 0; i < exchange->asset_count; i++) {
        if (!fees[i])
            continue;
        sim_textf(out, "%s\"%s\":\"", is_first ? "" : ",", exchange->assets[i]);
        sim_text_decimal(out, fees[i], 8);
        sim_textf(out, "\"");
        is_first = false;
    }
    sim_textf(out, "}}");
}

static void json_order(struct sim_text *out, const struct exchange *exchange,
                       const struct exchange_order *order)
{
    uint32_t executions = 0;

    for (uint32_t at = order->first_execution; exchange_execution(exchange, at);
         at = exchange->executions[at].next_of_order)
        executions++;
    sim_textf(out, "{\"client_id\":");
    sim_text_string(out, order->client_id);
    sim_textf(out,
              ",\"order_id\":\"%llu\",\"symbol\":\"%s\",\"side\":\"%s\",\"type\":\"%s\","
              "\"state\":\"%s\",\"cause\":\"%s\",\"executions\":%u",
              (unsigned long long)order->id, exchange->instruments[order->instrument].config.symbol,
              order->match.side == SIDE_BUY ? "buy" : "sell",
              order->type == ORDER_MARKET ? "market" : "limit", state_text(order),
              exchange_cause_str(order->cause), executions);
    amount(out, "price", order->match.price);
    amount(out, "qty", order->qty);
    amount(out, "executed", order->filled_qty);
    amount(out, "executed_quote", order->filled_quote);
    amount(out, "prevented", order->prevented_qty);
    sim_textf(out, ",\"created_ns\":%lld,\"updated_ns\":%lld}", (long long)order->created_ns,
              (long long)order->updated_ns);
}

static void json_execution(struct sim_text *out, const struct exchange *exchange,
                           const struct exchange_execution *e)
{
    const struct exchange_order *order = &exchange->orders[e->order];

    sim_textf(out, "{\"trade_id\":\"%llu\",\"order_id\":\"%llu\",\"client_id\":",
              (unsigned long long)e->trade_id, (unsigned long long)order->id);
    sim_text_string(out, order->client_id);
    sim_textf(out, ",\"symbol\":\"%s\",\"side\":\"%s\",\"liquidity\":\"%s\"",
              exchange->instruments[e->instrument].config.symbol,
              e->side == SIDE_BUY ? "buy" : "sell", e->is_maker ? "maker" : "taker");
    amount(out, "price", e->price);
    amount(out, "qty", e->qty);
    amount(out, "quote", e->quote);
    amount(out, "fee", e->fee);
    sim_textf(out, ",\"fee_asset\":\"%s\",\"at_ns\":%lld}", exchange->assets[e->fee_asset],
              (long long)e->at_ns);
}

static void json_account(struct sim_text *out, const struct exchange *exchange,
                         const struct sim_account *account)
{
    const struct exchange_account *of = &exchange->accounts[account->account];
    const struct exchange_order *order;
    uint32_t cursor = 0;
    bool is_first = true;

    sim_textf(out, "{\"name\":");
    sim_text_string(out, account->name);
    sim_textf(out,
              ",\"placed\":%llu,\"rejected\":%llu,\"cancelled\":%llu,\"executed\":%llu,"
              "\"maker_fee_ppm\":%d,\"taker_fee_ppm\":%d,",
              (unsigned long long)of->placed, (unsigned long long)of->rejected,
              (unsigned long long)of->cancelled, (unsigned long long)of->executed,
              (int)of->config.maker_fee_ppm, (int)of->config.taker_fee_ppm);
    json_balances(out, exchange, account->account);
    sim_textf(out, ",\"positions\":{");
    for (uint32_t i = 0; i < exchange->instrument_count; i++) {
        sim_textf(out, "%s", i ? "," : "");
        json_position(out, exchange, account->account, i);
    }
    sim_textf(out, "},\"orders\":[");
    while ((order = exchange_next_order(exchange, account->account, &cursor))) {
        sim_textf(out, "%s", is_first ? "" : ",");
        json_order(out, exchange, order);
        is_first = false;
    }
    sim_textf(out, "],\"executions\":[");
    is_first = true;
    for (uint32_t i = 0; i < exchange->execution_count; i++) {
        if (exchange->executions[i].account != account->account)
            continue;
        sim_textf(out, "%s", is_first ? "" : ",");
        json_execution(out, exchange, &exchange->executions[i]);
        is_first = false;
    }
    sim_textf(out, "]}");
}

void simulator_ledger(const struct server_venue *venue, struct sim_text *out)
{
    const struct exchange *exchange = &venue->exchange;
    char why[128] = "";
    bool is_sound = exchange_check(exchange, why, sizeof(why));

    sim_textf(out, "{\"venue\":\"%s\",\"at_ns\":%lld,\"sound\":%s,\"problem\":", venue->side->name,
              (long long)venue->sim.now_ns, is_sound ? "true" : "false");
    sim_text_string(out, why);
    sim_textf(out, ",\"orders_refused_for_capacity\":%llu,\"executions_lost\":%llu,\"fees\":{",
              (unsigned long long)exchange->orders_refused,
              (unsigned long long)exchange->executions_lost);
    for (uint32_t i = 0; i < exchange->asset_count; i++) {
        sim_textf(out, "%s\"%s\":\"", i ? "," : "", exchange->assets[i]);
        sim_text_decimal(out, exchange->fees[i], 8);
        sim_textf(out, "\"");
    }
    sim_textf(out, "},\"accounts\":[");
    for (uint32_t i = 0; i < venue->sim.account_count; i++) {
        sim_textf(out, "%s", i ? "," : "");
        json_account(out, exchange, &venue->accounts[i]);
    }
    sim_textf(out, "]}");
}

/* ---- the rest ---- */

static int wrong(struct sim_text *out, int status, const char *what)
{
    sim_text_clear(out);
    sim_textf(out, "{\"error\":");
    sim_text_string(out, what);
    sim_textf(out, "}");
    return status;
}

static bool param(const char *query, const char *name, char *out, size_t cap)
{
    out[0] = 0;
    return sim_param(query, strlen(query), name, out, cap) == 0;
}

static struct server_venue *venue_named(struct simulator *simulator, const char *query)
{
    char name[32];

    if (param(query, "venue", name, sizeof(name)))
        for (size_t i = 0; i < simulator->venue_count; i++)
            if (strcasecmp(simulator->venues[i].side->name, name) == 0)
                return &simulator->venues[i];
    return NULL;
}

static int control_status(struct simulator *simulator, struct sim_text *out)
{
    sim_textf(
        out,
        "{\"started_ns\":%lld,\"market_step\":%llu,\"is_paused\":%s,\"quotes\":%llu,"
        "\"takes\":%llu,\"market_refused\":%llu,\"venues\":[",
        (long long)simulator->started_ns, (unsigned long long)simulator->crowd.step,
        simulator->crowd.is_paused ? "true" : "false", (unsigned long long)simulator->crowd.quotes,
        (unsigned long long)simulator->crowd.takes, (unsigned long long)simulator->crowd.refused);
    for (size_t i = 0; i < simulator->venue_count; i++) {
        const struct server_venue *venue = &simulator->venues[i];
        unsigned open = 0;
        for (const struct sim_ws *ws = venue->sim.first_ws; ws; ws = ws->next)
            open++;
        sim_textf(out,
                  "%s{\"venue\":\"%s\",\"requests\":%llu,\"frames_in\":%llu,\"frames_out\":%llu,"
                  "\"frames_dropped\":%llu,\"connections\":%llu,\"open\":%u,\"instruments\":[",
                  i ? "," : "", venue->side->name, (unsigned long long)venue->requests,
                  (unsigned long long)venue->frames_in, (unsigned long long)venue->frames_out,
                  (unsigned long long)venue->frames_dropped, (unsigned long long)venue->connections,
                  open);
        for (uint32_t k = 0; k < venue->exchange.instrument_count; k++) {
            const struct exchange_instrument *of = &venue->exchange.instruments[k];
            sim_textf(out, "%s{\"symbol\":\"%s\",\"trades\":%llu,\"update_id\":%llu", k ? "," : "",
                      of->config.symbol, (unsigned long long)of->trade_count,
                      (unsigned long long)of->update_id);
            amount(out, "bid", exchange_best(&venue->exchange, k, SIDE_BUY));
            amount(out, "ask", exchange_best(&venue->exchange, k, SIDE_SELL));
            amount(out, "last", of->last_price);
            sim_textf(out, "}");
        }
        sim_textf(out, "],\"faults\":{");
        bool is_first = true;
        for (unsigned f = 0; f < SIM_FAULT_COUNT; f++) {
            const struct sim_fault *fault = &venue->sim.faults[f];
            if (!fault->count && !fault->taken && !fault->until_ns)
                continue;
            sim_textf(out, "%s\"%s\":{\"left\":%u,\"taken\":%llu,\"lasts\":%s}",
                      is_first ? "" : ",", sim_fault_str((enum sim_fault_kind)f), fault->count,
                      (unsigned long long)fault->taken,
                      sim_fault_lasts(&venue->sim, (enum sim_fault_kind)f) ? "true" : "false");
            is_first = false;
        }
        sim_textf(out, "}}");
    }
    sim_textf(out, "]}");
    return 200;
}

/* Faults that last are given by ms, the others by count (1 unless said). */
static int control_fault(struct simulator *simulator, const char *query, struct sim_text *out)
{
    struct server_venue *venue = venue_named(simulator, query);
    char kind_text[40], count[16], ms[16], option[32];
    unsigned kind = 0;

    if (!venue)
        return wrong(out, 404, "no such venue");
    (void)param(query, "kind", kind_text, sizeof(kind_text));
    while (kind < SIM_FAULT_COUNT &&
           strcmp(sim_fault_str((enum sim_fault_kind)kind), kind_text) != 0)
        kind++;
    if (kind == SIM_FAULT_COUNT)
        return wrong(out, 404, "no such fault");
    bool has_count = param(query, "count", count, sizeof(count));
    bool has_ms = param(query, "ms", ms, sizeof(ms));
    (void)param(query, "option", option, sizeof(option));
    struct sim_fault *fault = &venue->sim.faults[kind];
    bool is_lasting =
        kind == SIM_FAULT_SILENCE || kind == SIM_FAULT_MAINTENANCE || kind == SIM_FAULT_STATUS_418;
    fault->ms = has_ms ? strtoll(ms, NULL, 10) : 1000;
    if (fault->ms < 0 || fault->ms > 3600 * 1000)
        return wrong(out, 400, "ms: 0 to 3600000");
    memcpy(fault->option, option, sizeof(fault->option));
    fault->count = is_lasting ? 0 : has_count ? (uint32_t)strtoul(count, NULL, 10) : 1;
    fault->until_ns = is_lasting ? venue->sim.now_ns + fault->ms * NS_PER_MS : 0;
    if (kind == SIM_FAULT_DROP) {
        fault->count = 0;
        fault->taken += server_drop(venue, option);
    }
    if (venue->side->fault)
        venue->side->fault(&venue->sim, (enum sim_fault_kind)kind);
    sim_textf(out, "{\"fault\":\"%s\",\"count\":%u,\"ms\":%lld}", kind_text, fault->count,
              (long long)fault->ms);
    return 200;
}

static int control_transfer(struct simulator *simulator, const char *query, struct sim_text *out)
{
    struct server_venue *venue = venue_named(simulator, query);
    char account_name[40], asset_name[20], text[40];
    int64_t value;

    if (!venue)
        return wrong(out, 404, "no such venue");
    (void)param(query, "account", account_name, sizeof(account_name));
    (void)param(query, "asset", asset_name, sizeof(asset_name));
    (void)param(query, "amount", text, sizeof(text));
    uint32_t account = exchange_account(&venue->exchange, account_name);
    uint32_t asset = exchange_asset(&venue->exchange, asset_name);
    if (account == EXCHANGE_NONE || asset == EXCHANGE_NONE)
        return wrong(out, 404, "no such account or asset");
    if (sim_decimal(text, strlen(text), &value) != 0)
        return wrong(out, 400, "amount: a decimal");
    if (exchange_transfer(&venue->exchange, account, asset, value, venue->sim.now_ns) != CAUSE_NONE)
        return wrong(out, 409, "not so much is free");
    sim_textf(out, "{\"account\":\"%s\",\"asset\":\"%s\"", account_name, asset_name);
    amount(out, "free", venue->exchange.accounts[account].balances[asset].free);
    sim_textf(out, "}");
    return 200;
}

static int control_market(struct simulator *simulator, bool is_paused, struct sim_text *out)
{
    simulator->is_quiet = is_paused;
    simulator->crowd.is_paused = is_paused;
    sim_textf(out, "{\"is_paused\":%s}", is_paused ? "true" : "false");
    return 200;
}

int simulator_control(void *ctx, const char *method, const char *path, const char *query,
                      struct sim_text *out)
{
    struct simulator *simulator = ctx;
    bool is_get = strcmp(method, "GET") == 0;

    if (is_get && strcmp(path, "/status") == 0)
        return control_status(simulator, out);
    if (is_get && strcmp(path, "/ledger") == 0) {
        const struct server_venue *venue = venue_named(simulator, query);
        if (!venue)
            return wrong(out, 404, "no such venue");
        simulator_ledger(venue, out);
        return 200;
    }
    if (!is_get && strcmp(path, "/fault") == 0)
        return control_fault(simulator, query, out);
    if (!is_get && strcmp(path, "/transfer") == 0)
        return control_transfer(simulator, query, out);
    if (!is_get && (strcmp(path, "/pause") == 0 || strcmp(path, "/quiesce") == 0))
        return control_market(simulator, true, out);
    if (!is_get && strcmp(path, "/resume") == 0)
        return control_market(simulator, false, out);
    return wrong(out, 404,
                 "GET /status, GET /ledger, POST /fault, /transfer, /pause, /quiesce, "
                 "/resume");
}
