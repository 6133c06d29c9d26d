/* The channels executions and balances (8). What happens in the exchange becomes data at once; each
 * subscriber gets it with its own sequence when the queue is flushed. */
#include "venues/kraken/sim_kraken.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void queue(struct kraken *kraken, uint32_t account, bool is_balance,
                  const struct sim_text *text)
{
    struct kraken_private *entry = calloc(1, sizeof *entry);
    char *data = malloc(text->len + 1);

    if (!entry || !data)
        abort(); /* A tool, not a trading process. */
    memcpy(data, text->at, text->len + 1);
    *entry = (struct kraken_private){ .account = account, .is_balance = is_balance, .data = data };
    *kraken->last_private = entry;
    kraken->last_private = &entry->next;
}

static bool is_background(const struct kraken *kraken, uint32_t account)
{
    return kraken->sim->exchange->accounts[account].config.is_background;
}

static const struct exchange_instrument *instrument_of(const struct kraken *kraken, uint32_t at)
{
    return &kraken->sim->exchange->instruments[at];
}

static void add_ids(struct sim_text *out, const struct exchange_order *order)
{
    char txid[KRAKEN_TXID_LEN + 1];

    kraken_txid('O', order->id, txid);
    sim_textf(out, "\"order_id\":\"%s\"", txid);
    if (order->client_id[0]) {
        sim_textf(out, ",\"cl_ord_id\":");
        sim_text_string(out, order->client_id);
    } else {
        sim_textf(out, ",\"order_userref\":%d", (int)(int32_t)(uint32_t)order->tag);
    }
}

static void add_decimal(struct sim_text *out, const char *name, int64_t value, int decimals)
{
    sim_textf(out, ",\"%s\":", name);
    sim_text_decimal(out, value, decimals);
}

static void add_time(struct sim_text *out, int64_t at_ns)
{
    char when[40];

    sim_wall_text(at_ns, 6, when);
    sim_textf(out, ",\"timestamp\":\"%s\"", when);
}

static const char *tif_text(const struct exchange_order *order)
{
    return order->expires_ns ? "GTD" : order->time_in_force == TIF_IOC ? "IOC" : "GTC";
}

/* The whole description: pending_new, and each open order of a snapshot. */
static void add_order(struct kraken *kraken, struct sim_text *out,
                      const struct exchange_order *order, const char *exec_type, const char *status)
{
    const struct exchange_instrument *instrument = instrument_of(kraken, order->instrument);

    sim_textf(out, "{");
    add_ids(out, order);
    sim_textf(out, ",\"symbol\":\"%s\"", instrument->config.symbol);
    add_decimal(out, "order_qty", order->qty, instrument->config.qty_decimals);
    add_decimal(out, "cum_cost", order->filled_quote, 5);
    add_decimal(out, "cum_qty", order->filled_qty, instrument->config.qty_decimals);
    sim_textf(
        out, ",\"time_in_force\":\"%s\",\"exec_type\":\"%s\",\"side\":\"%s\",\"order_type\":\"%s\"",
        tif_text(order), exec_type, order->match.side == SIDE_BUY ? "buy" : "sell",
        order->type == ORDER_MARKET ? "market" : "limit");
    if (order->type == ORDER_LIMIT) {
        sim_textf(out, ",\"limit_price_type\":\"static\"");
        add_decimal(out, "limit_price", order->match.price, instrument->config.price_decimals);
    }
    if (order->is_post_only)
        sim_textf(out, ",\"post_only\":true");
    sim_textf(out,
              ",\"stop_price\":0.0,\"order_status\":\"%s\",\"fee_usd_equiv\":0.0,\"fee_ccy_pref\":"
              "\"fciq\"",
              status);
    add_time(out, order->created_ns);
    sim_textf(out, "}");
}

/* A sparse frame: only ids and what changed. */
static void add_sparse(struct sim_text *out, const struct exchange_order *order,
                       const char *exec_type, const char *status, int64_t at_ns)
{
    sim_textf(out, "{");
    add_ids(out, order);
    sim_textf(out, ",\"exec_type\":\"%s\",\"order_status\":\"%s\"", exec_type, status);
    add_time(out, at_ns);
}

static int64_t average(const struct exchange_order *order)
{
    return order->filled_qty
               ? (int64_t)((i128)order->filled_quote * EXCHANGE_ONE / order->filled_qty)
               : 0;
}

struct fill {
    const struct exchange_order *order;
    uint64_t execution, trade_id;
    int64_t price, qty, quote, fee, at_ns;
    bool is_maker;
};

/* A trade as both the stream and the snapshot tell it. The completing fill says partially_filled
 * too. */
static void add_trade(struct kraken *kraken, struct sim_text *out, const struct fill *fill,
                      bool is_snapshot)
{
    const struct exchange_order *order = fill->order;
    const struct exchange_instrument *instrument = instrument_of(kraken, order->instrument);
    char exec_id[KRAKEN_TXID_LEN + 1];

    kraken_txid('T', fill->execution, exec_id);
    sim_textf(out, "{");
    add_ids(out, order);
    sim_textf(out,
              ",\"exec_id\":\"%s\",\"exec_type\":\"trade\",\"trade_id\":%llu,\"symbol\":\"%s\","
              "\"side\":\"%s\"",
              exec_id, (unsigned long long)fill->trade_id, instrument->config.symbol,
              order->match.side == SIDE_BUY ? "buy" : "sell");
    add_decimal(out, "last_qty", fill->qty, instrument->config.qty_decimals);
    add_decimal(out, "last_price", fill->price, instrument->config.price_decimals);
    sim_textf(out, ",\"liquidity_ind\":\"%s\"", fill->is_maker ? "m" : "t");
    add_decimal(out, "cost", fill->quote, EXCHANGE_EXP);
    sim_textf(out, ",\"order_type\":\"%s\"", order->type == ORDER_MARKET ? "market" : "limit");
    add_time(out, fill->at_ns);
    if (is_snapshot) {
        sim_textf(out, ",\"order_status\":\"%s\"",
                  order->state == EXCHANGE_FILLED ? "filled" : "partially_filled");
    } else {
        sim_textf(out, ",\"order_status\":\"partially_filled\"");
        add_decimal(out, "cum_qty", order->filled_qty, instrument->config.qty_decimals);
        add_decimal(out, "cum_cost", order->filled_quote, EXCHANGE_EXP);
        add_decimal(out, "avg_price", average(order), instrument->config.price_decimals);
    }
    add_decimal(out, "fee_usd_equiv", fill->fee, 5);
    sim_textf(out, ",\"fees\":[{\"asset\":\"%s\",\"qty\":", instrument->config.quote);
    sim_text_decimal(out, fill->fee, EXCHANGE_EXP);
    sim_textf(out, "}]}");
}

/* One ledger entry of a trade; two make the trade. The balance after both is told in both. */
static void queue_entry(struct kraken *kraken, uint32_t account, uint32_t asset, int64_t amount,
                        int64_t fee, uint64_t execution, int64_t at_ns)
{
    const struct exchange *exchange = kraken->sim->exchange;
    const struct exchange_balance *balance = &exchange->accounts[account].balances[asset];
    char ledger_id[KRAKEN_TXID_LEN + 1], exec_id[KRAKEN_TXID_LEN + 1];
    struct sim_text *out = &kraken->text;

    kraken_txid('L', execution * 2 + (fee ? 1 : 0), ledger_id);
    kraken_txid('T', execution, exec_id);
    sim_text_clear(out);
    sim_textf(out, "{\"ledger_id\":\"%s\",\"ref_id\":\"%s\"", ledger_id, exec_id);
    add_time(out, at_ns);
    sim_textf(
        out,
        ",\"type\":\"trade\",\"asset\":\"%s\",\"asset_class\":\"currency\",\"category\":\"trade\","
        "\"wallet_type\":\"spot\",\"wallet_id\":\"main\"",
        exchange->assets[asset]);
    add_decimal(out, "amount", amount, EXCHANGE_EXP);
    add_decimal(out, "fee", fee, EXCHANGE_EXP);
    add_decimal(out, "balance", balance->free + balance->locked, EXCHANGE_EXP);
    sim_textf(out, "}");
    queue(kraken, account, true, out);
}

static void queue_fill(struct kraken *kraken, const struct fill *fill)
{
    const struct exchange_order *order = fill->order;
    const struct exchange_instrument *instrument = instrument_of(kraken, order->instrument);
    bool is_buy = order->match.side == SIDE_BUY;

    if (is_background(kraken, order->account))
        return;
    for (int i = sim_fault_take(kraken->sim, SIM_FAULT_DUPLICATE_EXECUTION) ? 2 : 1; i > 0; i--) {
        sim_text_clear(&kraken->text);
        add_trade(kraken, &kraken->text, fill, false);
        queue(kraken, order->account, false, &kraken->text);
    }
    if (order->state == EXCHANGE_FILLED) {
        sim_text_clear(&kraken->text);
        add_sparse(&kraken->text, order, "filled", "filled", fill->at_ns);
        add_decimal(&kraken->text, "cum_qty", order->filled_qty, instrument->config.qty_decimals);
        add_decimal(&kraken->text, "cum_cost", order->filled_quote, EXCHANGE_EXP);
        add_decimal(&kraken->text, "avg_price", average(order), instrument->config.price_decimals);
        sim_textf(&kraken->text, "}");
        queue(kraken, order->account, false, &kraken->text);
    }
    queue_entry(kraken, order->account, instrument->base, is_buy ? fill->qty : -fill->qty, 0,
                fill->execution, fill->at_ns);
    queue_entry(kraken, order->account, instrument->quote, is_buy ? -fill->quote : fill->quote,
                fill->fee, fill->execution, fill->at_ns);
}

static void queue_accepted(struct kraken *kraken, const struct exchange_order *order, int64_t at_ns)
{
    sim_text_clear(&kraken->text);
    add_order(kraken, &kraken->text, order, "pending_new", "pending_new");
    queue(kraken, order->account, false, &kraken->text);
    sim_text_clear(&kraken->text);
    add_sparse(&kraken->text, order, "new", "new", at_ns);
    sim_textf(&kraken->text, "}");
    queue(kraken, order->account, false, &kraken->text);
}

static void queue_ended(struct kraken *kraken, const struct exchange_order *order, int64_t at_ns)
{
    const struct exchange_instrument *instrument = instrument_of(kraken, order->instrument);
    const char *status = kraken_status(order), *reason = kraken_reason(order);

    sim_text_clear(&kraken->text);
    add_sparse(&kraken->text, order, status, status, at_ns);
    add_decimal(&kraken->text, "cum_qty", order->filled_qty, instrument->config.qty_decimals);
    add_decimal(&kraken->text, "cum_cost", order->filled_quote, EXCHANGE_EXP);
    add_decimal(&kraken->text, "avg_price", average(order), instrument->config.price_decimals);
    sim_textf(&kraken->text, ",\"fee_usd_equiv\":0.0,\"cancel_reason\":\"%s\",\"reason\":\"%s\"}",
              reason, reason);
    queue(kraken, order->account, false, &kraken->text);
}

static void queue_amended(struct kraken *kraken, const struct exchange_order *order, int64_t at_ns)
{
    const struct exchange_instrument *instrument = instrument_of(kraken, order->instrument);

    sim_text_clear(&kraken->text);
    add_sparse(&kraken->text, order, "amended", order->filled_qty ? "partially_filled" : "new",
               at_ns);
    add_decimal(&kraken->text, "cum_qty", order->filled_qty, instrument->config.qty_decimals);
    sim_textf(&kraken->text, ",\"reason\":\"User requested\",\"amended\":true");
    add_decimal(&kraken->text, "order_qty", order->qty, instrument->config.qty_decimals);
    add_decimal(&kraken->text, "limit_price", order->match.price,
                instrument->config.price_decimals);
    sim_textf(&kraken->text, ",\"limit_price_type\":\"static\"}");
    queue(kraken, order->account, false, &kraken->text);
}

static void queue_transfer(struct kraken *kraken, const struct exchange_event *event)
{
    const struct exchange *exchange = kraken->sim->exchange;
    const struct exchange_balance *balance =
        &exchange->accounts[event->account].balances[event->asset];
    char ledger_id[KRAKEN_TXID_LEN + 1];
    struct sim_text *out = &kraken->text;

    kraken_txid('L', sim_random(&kraken->random) >> 1, ledger_id);
    sim_text_clear(out);
    sim_textf(out, "{\"ledger_id\":\"%s\",\"ref_id\":\"F%s\"", ledger_id, ledger_id + 1);
    add_time(out, event->at_ns);
    sim_textf(out,
              ",\"type\":\"%s\",\"asset\":\"%s\",\"asset_class\":\"currency\",\"category\":\"%s\","
              "\"wallet_type\":\"spot\",\"wallet_id\":\"main\"",
              event->qty > 0 ? "deposit" : "withdrawal", exchange->assets[event->asset],
              event->qty > 0 ? "deposit" : "withdrawal");
    add_decimal(out, "amount", event->qty, EXCHANGE_EXP);
    add_decimal(out, "fee", 0, EXCHANGE_EXP);
    add_decimal(out, "balance", balance->free + balance->locked, EXCHANGE_EXP);
    sim_textf(out, "}");
    queue(kraken, event->account, true, out);
}

void kraken_private_event(struct kraken *kraken, const struct exchange_event *event)
{
    const struct exchange_order *order = event->order;

    switch (event->kind) {
    case EXCHANGE_ON_ACCEPTED:
        if (!is_background(kraken, order->account))
            queue_accepted(kraken, order, event->at_ns);
        break;
    case EXCHANGE_ON_TRADE: {
        struct fill taker = { order,      event->taker_execution, event->trade_id,  event->price,
                              event->qty, event->quote,           event->taker_fee, event->at_ns,
                              false };
        struct fill maker = { event->maker, event->maker_execution, event->trade_id,  event->price,
                              event->qty,   event->quote,           event->maker_fee, event->at_ns,
                              true };

        queue_fill(kraken, &taker);
        queue_fill(kraken, &maker);
        break;
    }
    case EXCHANGE_ON_ENDED:
        if (!is_background(kraken, order->account))
            queue_ended(kraken, order, event->at_ns);
        break;
    case EXCHANGE_ON_AMENDED:
        if (!is_background(kraken, order->account))
            queue_amended(kraken, order, event->at_ns);
        break;
    case EXCHANGE_ON_TRANSFER:
        if (!is_background(kraken, event->account))
            queue_transfer(kraken, event);
        break;
    default:
        break;
    }
}

static void send_data(struct kraken *kraken, struct sim_ws *ws, bool is_balance, const char *type,
                      const char *data)
{
    struct kraken_ws *state = ws->state;
    struct sim_text out = { 0 };

    sim_textf(&out, "{\"channel\":\"%s\",\"type\":\"%s\",\"data\":[",
              is_balance ? "balances" : "executions", type);
    sim_text_add(&out, data, strlen(data));
    sim_textf(&out, "],\"sequence\":%llu}",
              (unsigned long long)(is_balance ? ++state->balances_sequence
                                              : ++state->executions_sequence));
    (void)kraken;
    kraken_send(ws, SIM_PRIVATE, &out);
    sim_text_free(&out);
}

void kraken_private_flush(struct kraken *kraken)
{
    struct kraken_private *entry = kraken->first_private;

    kraken->first_private = NULL;
    kraken->last_private = &kraken->first_private;
    while (entry) {
        struct kraken_private *next = entry->next;

        for (struct sim_ws *ws = kraken->sim->first_ws; ws; ws = ws->next) {
            const struct kraken_ws *state = ws->state;

            if (state->account == entry->account &&
                (entry->is_balance ? state->has_balances : state->has_executions))
                send_data(kraken, ws, entry->is_balance, "update", entry->data);
        }
        free(entry->data);
        free(entry);
        entry = next;
    }
}

static void snapshot_trades(struct kraken *kraken, uint32_t account, struct sim_text *out)
{
    const struct exchange *exchange = kraken->sim->exchange;
    uint32_t sent = 0;

    for (uint32_t at = exchange->execution_count; at-- > 0 && sent < KRAKEN_SNAP_TRADES;) {
        const struct exchange_execution *execution = exchange_execution(exchange, at);

        if (execution->account != account)
            continue;
        struct fill fill = { &exchange->orders[execution->order],
                             execution->id,
                             execution->trade_id,
                             execution->price,
                             execution->qty,
                             execution->quote,
                             execution->fee,
                             execution->at_ns,
                             execution->is_maker };
        if (out->len)
            sim_textf(out, ",");
        add_trade(kraken, out, &fill, true);
        sent++;
    }
}

static void snapshot_orders(struct kraken *kraken, uint32_t account, struct sim_text *out)
{
    for (const struct exchange_order *order = kraken->sim->exchange->accounts[account].first_open;
         order; order = order->next_of_account) {
        const char *status = order->filled_qty ? "partially_filled" : "new";

        if (out->len)
            sim_textf(out, ",");
        add_order(kraken, out, order, "new", status);
    }
}

static void snapshot_balances(struct kraken *kraken, uint32_t account, struct sim_text *out)
{
    const struct exchange *exchange = kraken->sim->exchange;

    for (uint32_t asset = 0; asset < exchange->asset_count; asset++) {
        const struct exchange_balance *balance = &exchange->accounts[account].balances[asset];

        sim_textf(out,
                  "%s{\"asset\":\"%s\",\"asset_class\":\"currency\",\"balance\":", asset ? "," : "",
                  exchange->assets[asset]);
        sim_text_decimal(out, balance->free + balance->locked, EXCHANGE_EXP);
        sim_textf(out, ",\"wallets\":[{\"type\":\"spot\",\"id\":\"main\",\"balance\":");
        sim_text_decimal(out, balance->free + balance->locked, EXCHANGE_EXP);
        sim_textf(out, "}]}");
    }
}

static bool flag(const cJSON *params, const char *name, bool fallback)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(params, name);

    return cJSON_IsBool(value) ? cJSON_IsTrue(value) : fallback;
}

static void reply(struct kraken *kraken, struct sim_ws *ws, const cJSON *message,
                  const char *method, const char *channel, const char *error)
{
    struct sim_text out = { 0 };

    sim_textf(&out, "{\"method\":\"%s\"", method);
    if (error)
        sim_textf(&out, ",\"success\":false,\"error\":\"%s\"", error);
    else
        sim_textf(&out, ",\"result\":{\"channel\":\"%s\"%s},\"success\":true", channel,
                  strcmp(channel, "executions") == 0 ? ",\"maxratecount\":180" : "");
    kraken_ws_tail(kraken, &out, message);
    kraken_send(ws, SIM_ANSWER, &out);
    sim_text_free(&out);
}

static void send_snapshot(struct kraken *kraken, struct sim_ws *ws, const cJSON *params,
                          bool is_balance)
{
    struct kraken_ws *state = ws->state;
    struct sim_text data = { 0 };

    sim_text_add(&data, "", 0);
    if (is_balance) {
        snapshot_balances(kraken, state->account, &data);
    } else {
        if (flag(params, "snap_orders", true))
            snapshot_orders(kraken, state->account, &data);
        if (flag(params, "snap_trades", false))
            snapshot_trades(kraken, state->account, &data);
    }
    send_data(kraken, ws, is_balance, "snapshot", data.at ? data.at : "");
    sim_text_free(&data);
}

bool kraken_private_subscribe(struct kraken *kraken, struct sim_ws *ws, const cJSON *message,
                              bool is_subscribe)
{
    struct kraken_ws *state = ws->state;
    const cJSON *params = cJSON_GetObjectItemCaseSensitive(message, "params");
    const char *channel = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(params, "channel"));
    const char *token = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(params, "token"));
    const char *method = is_subscribe ? "subscribe" : "unsubscribe";
    bool is_balance = channel && strcmp(channel, "balances") == 0;
    bool *has = is_balance ? &state->has_balances : &state->has_executions;

    if (!channel || (!is_balance && strcmp(channel, "executions") != 0))
        return false;
    uint32_t account = token ? kraken_token_account(kraken, token, is_subscribe) : EXCHANGE_NONE;
    if (account == EXCHANGE_NONE || ws->listener != 1) {
        reply(kraken, ws, message, method, channel,
              token ? "ESession:Invalid session" : "Token(s) not found");
        return true;
    }
    if (is_subscribe && *has) {
        reply(kraken, ws, message, method, channel, "Already subscribed");
        return true;
    }
    state->account = account;
    state->has_any = true;
    *has = is_subscribe;
    if (is_balance)
        state->balances_sequence = 0;
    else
        state->executions_sequence = 0;
    reply(kraken, ws, message, method, channel, NULL);
    if (is_subscribe && (!is_balance || flag(params, "snapshot", true)))
        send_snapshot(kraken, ws, params, is_balance);
    return true;
}
