/* ledger.c - what a venue's accounts have and did, and its books, as JSON. */
#include "venue_simulator/simulator.h"

void simulator_amount(struct sim_text *out, const char *name, int64_t value)
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

static const char *kind_text(const struct exchange *exchange, uint32_t instrument)
{
    return exchange_is_perpetual(exchange, instrument) ? "perpetual" : "spot";
}

static void json_margin(struct sim_text *out, const struct exchange *exchange, uint32_t account,
                        uint32_t asset)
{
    struct exchange_margin margin;

    exchange_margin(exchange, account, asset, &margin);
    simulator_amount(out, "unrealised", margin.unrealised);
    simulator_amount(out, "equity", margin.equity);
    simulator_amount(out, "position_margin", margin.position_margin);
    simulator_amount(out, "order_margin", margin.order_margin);
    simulator_amount(out, "maintenance", margin.maintenance);
    simulator_amount(out, "available", margin.available);
}

static void json_balances(struct sim_text *out, const struct exchange *exchange, uint32_t account)
{
    sim_textf(out, "\"balances\":{");
    for (uint32_t i = 0; i < exchange->asset_count; i++) {
        const struct exchange_balance *balance = &exchange->accounts[account].balances[i];
        sim_textf(out, "%s\"%s\":{\"asset\":\"%s\"", i ? "," : "", exchange->assets[i],
                  exchange->assets[i]);
        simulator_amount(out, "total", balance->free + balance->locked);
        simulator_amount(out, "free", balance->free);
        simulator_amount(out, "locked", balance->locked);
        simulator_amount(out, "deposited", balance->deposited);
        if (exchange->has_perpetuals)
            json_margin(out, exchange, account, i);
        sim_textf(out, "}");
    }
    sim_textf(out, "}");
}

/* The position itself, beside what the executions say. */
static void json_perpetual(struct sim_text *out, const struct exchange *exchange, uint32_t account,
                           uint32_t instrument)
{
    const struct exchange_position *position = &exchange->accounts[account].positions[instrument];

    simulator_amount(out, "qty", position->qty);
    simulator_amount(out, "cost", position->cost);
    simulator_amount(out, "entry", exchange_entry_price(position));
    simulator_amount(out, "realised", position->realised);
    simulator_amount(out, "paid_fees", position->fees);
    simulator_amount(out, "funding", position->funding);
    simulator_amount(out, "mark", exchange->instruments[instrument].perpetual.mark_price);
    simulator_amount(out, "unrealised", exchange_unrealised(exchange, account, instrument));
    simulator_amount(out, "liquidation_price",
                     exchange_liquidation_price(exchange, account, instrument));
    sim_textf(out, ",\"leverage\":%u", exchange_leverage(exchange, account, instrument));
}

/* What the executions of an instrument come to. A symbol may be listed twice: the second kind says
 * so in its name. */
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
    bool is_perpetual = exchange_is_perpetual(exchange, instrument);
    const char *symbol = exchange->instruments[instrument].config.symbol;
    sim_textf(out,
              "\"%s%s\":{\"symbol\":\"%s\",\"kind\":\"%s\",\"executions\":%lld,"
              "\"maker\":%lld",
              symbol, is_perpetual ? "/perpetual" : "", symbol, kind_text(exchange, instrument),
              (long long)count, (long long)maker);
    if (is_perpetual)
        json_perpetual(out, exchange, account, instrument);
    simulator_amount(out, "bought", bought);
    simulator_amount(out, "sold", sold);
    simulator_amount(out, "net", bought - sold);
    simulator_amount(out, "paid", paid);
    simulator_amount(out, "received", received);
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
    sim_textf(
        out,
        ",\"order_id\":\"%llu\",\"symbol\":\"%s\",\"kind\":\"%s\",\"side\":\"%s\",\"type\":\"%s\","
        "\"state\":\"%s\",\"cause\":\"%s\",\"executions\":%u",
        (unsigned long long)order->id, exchange->instruments[order->instrument].config.symbol,
        kind_text(exchange, order->instrument), order->match.side == SIDE_BUY ? "buy" : "sell",
        order->type == ORDER_MARKET ? "market" : "limit", state_text(order),
        exchange_cause_str(order->cause), executions);
    simulator_amount(out, "price", order->match.price);
    simulator_amount(out, "qty", order->qty);
    simulator_amount(out, "executed", order->filled_qty);
    simulator_amount(out, "executed_quote", order->filled_quote);
    simulator_amount(out, "prevented", order->prevented_qty);
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
    sim_textf(out, ",\"symbol\":\"%s\",\"kind\":\"%s\",\"side\":\"%s\",\"liquidity\":\"%s\"",
              exchange->instruments[e->instrument].config.symbol,
              kind_text(exchange, e->instrument), e->side == SIDE_BUY ? "buy" : "sell",
              e->is_maker ? "maker" : "taker");
    simulator_amount(out, "price", e->price);
    simulator_amount(out, "qty", e->qty);
    simulator_amount(out, "quote", e->quote);
    simulator_amount(out, "fee", e->fee);
    simulator_amount(out, "closed", e->closed_qty);
    simulator_amount(out, "realised", e->realised_pnl);
    sim_textf(out, ",\"fee_asset\":\"%s\",\"at_ns\":%lld}", exchange->assets[e->fee_asset],
              (long long)e->at_ns);
}

static void json_fundings(struct sim_text *out, const struct exchange *exchange, uint32_t account)
{
    struct exchange_funding funding;
    uint64_t cursor = 0;
    bool is_first = true;

    sim_textf(out, "\"funding\":[");
    while (exchange_next_funding(exchange, account, &cursor, &funding)) {
        sim_textf(out, "%s{\"id\":\"%llu\",\"symbol\":\"%s\",\"rate_ppb\":%lld",
                  is_first ? "" : ",", (unsigned long long)funding.id,
                  exchange->instruments[funding.instrument].config.symbol,
                  (long long)funding.rate_ppb);
        simulator_amount(out, "amount", funding.amount);
        simulator_amount(out, "qty", funding.qty);
        simulator_amount(out, "mark", funding.mark_price);
        sim_textf(out, ",\"at_ns\":%lld}", (long long)funding.at_ns);
        is_first = false;
    }
    sim_textf(out, "]");
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
    sim_textf(
        out,
        ",\"hedge_mode\":%s,\"placed\":%llu,\"rejected\":%llu,\"cancelled\":%llu,\"executed\":%llu,"
        "\"maker_fee_ppm\":%d,\"taker_fee_ppm\":%d,",
        of->is_hedge_mode ? "true" : "false", (unsigned long long)of->placed,
        (unsigned long long)of->rejected, (unsigned long long)of->cancelled,
        (unsigned long long)of->executed, (int)of->config.maker_fee_ppm,
        (int)of->config.taker_fee_ppm);
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
    sim_textf(out, "],");
    json_fundings(out, exchange, account->account);
    sim_textf(out, "}");
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
    sim_textf(out, "},\"insurance\":{");
    for (uint32_t i = 0; i < exchange->asset_count; i++) {
        sim_textf(out, "%s\"%s\":\"", i ? "," : "", exchange->assets[i]);
        sim_text_decimal(out, exchange->insurance[i], 8);
        sim_textf(out, "\"");
    }
    sim_textf(out, "},\"accounts\":[");
    for (uint32_t i = 0; i < venue->sim.account_count; i++) {
        sim_textf(out, "%s", i ? "," : "");
        json_account(out, exchange, &venue->accounts[i]);
    }
    sim_textf(out, "]}");
}

/* ---- books ---- */

static void json_side(struct sim_text *out, const struct match_side *side)
{
    const struct match_level *level;

    for (uint32_t i = 0; (level = match_level_at(side, i)); i++) {
        sim_textf(out, "%s[\"", i ? "," : "");
        sim_text_decimal(out, level->price, 8);
        sim_textf(out, "\",\"");
        sim_text_decimal(out, level->qty, 8);
        sim_textf(out, "\",%u]", level->order_count);
    }
}

void simulator_book(const struct server_venue *venue, uint32_t instrument, struct sim_text *out)
{
    const struct exchange_instrument *of = &venue->exchange.instruments[instrument];

    sim_textf(out,
              "{\"venue\":\"%s\",\"symbol\":\"%s\",\"kind\":\"%s\",\"at_ns\":%lld,"
              "\"update_id\":%llu,\"bids\":[",
              venue->side->name, of->config.symbol, kind_text(&venue->exchange, instrument),
              (long long)venue->sim.now_ns, (unsigned long long)of->update_id);
    json_side(out, &of->book.bids);
    sim_textf(out, "],\"asks\":[");
    json_side(out, &of->book.asks);
    sim_textf(out, "]}");
}
