/* sim_futures_private.c - the user stream: ORDER_TRADE_UPDATE, ACCOUNT_UPDATE and the rest, to the
 * connections whose listen key is alive, of the events that they ask for. */
#include "venues/binance_futures/sim_futures.h"

#include <stdio.h>
#include <string.h>

/* ---- who hears ---- */

/* Whether the name stands in "A/B/C"; nothing asked for: everything comes. */
static bool is_asked_for(const char *events, const char *name)
{
    size_t len = strlen(name);

    if (!events[0])
        return true;
    for (const char *at = events; *at; at += strcspn(at, "/"), at += *at == '/')
        if (strcspn(at, "/") == len && strncmp(at, name, len) == 0)
            return true;
    return false;
}

static bool hears(const struct sim_ws *ws, const char *key)
{
    const struct connection *connection = ws->state;

    return ws->listener == BINANCE_STREAM && connection->class == CLASS_PRIVATE && key[0] &&
           strcmp(connection->listen_key, key) == 0;
}

/* Sends what is in state->scratch. */
static void push(struct sim *sim, uint32_t account, const char *name)
{
    struct futures *state = sim->state;

    for (struct sim_ws *ws = sim->first_ws, *next; ws; ws = next) {
        const struct connection *connection = ws->state;
        next = ws->next;
        if (!hears(ws, state->keys[account].key) || !is_asked_for(connection->events, name))
            continue;
        sim_text_clear(&state->core.frame);
        if (connection->is_combined)
            sim_textf(&state->core.frame, "{\"stream\":\"%s\",\"data\":", connection->listen_key);
        sim_text_add(&state->core.frame, state->core.scratch.at, state->core.scratch.len);
        if (connection->is_combined)
            sim_textf(&state->core.frame, "}");
        bsim_private_send(sim, ws);
    }
}

static struct sim_text *begin(struct sim *sim, const char *event)
{
    struct binance *state = sim->state;

    sim_text_clear(&state->scratch);
    sim_textf(&state->scratch, "{\"e\":\"%s\",\"E\":%lld,\"T\":%lld", event,
              (long long)bsim_ms_of(sim->now_ns), (long long)bsim_ms_of(sim->now_ns));
    return &state->scratch;
}

/* ---- orders ---- */

struct report {
    const struct exchange_order *order;
    const char *execution_type;          /* x */
    int64_t at_ns, qty, price, fee, pnl; /* Of the fill. */
    const char *fee_asset;               /* NULL: none. */
    uint64_t trade_id;                   /* 0: none. */
    bool is_maker;
};

static int expiry_of(const struct exchange_order *order)
{
    if (order->state != EXCHANGE_EXPIRED)
        return 0;
    switch (order->cause) {
    case CAUSE_STP:
        return 1;
    case CAUSE_IOC:
    case CAUSE_FOK:
        return 2;
    case CAUSE_REDUCE_ONLY:
        return 4;
    case CAUSE_LIQUIDATION:
        return 5;
    case CAUSE_NO_LIQUIDITY:
        return 9;
    default:
        return 6;
    }
}

static void send_report(struct sim *sim, const struct report *report)
{
    const struct exchange_order *order = report->order;
    const struct exchange_instrument *of = &sim->exchange->instruments[order->instrument];
    const char *type = order->type == ORDER_MARKET ? "MARKET" : "LIMIT";
    struct sim_text *out = begin(sim, "ORDER_TRADE_UPDATE");
    char client_id[64];

    fsim_client_id(order, client_id);
    sim_textf(
        out,
        ",\"o\":{\"s\":\"%s\",\"c\":\"%s\",\"S\":\"%s\",\"o\":\"%s\",\"f\":\"%s\",\"x\":\"%s\","
        "\"X\":\"%s\",\"i\":%llu",
        of->config.symbol, client_id, order->match.side == SIDE_BUY ? "BUY" : "SELL", type,
        fsim_order_tif(order), report->execution_type, bsim_order_status(order),
        (unsigned long long)order->id);
    fsim_qty(out, of, "q", order->qty);
    fsim_price(out, of, "p", order->match.price);
    fsim_member(out, "ap", fsim_average(order), 5);
    fsim_qty(out, of, "l", report->qty);
    fsim_qty(out, of, "z", order->filled_qty);
    fsim_price(out, of, "L", report->price);
    if (report->fee_asset) {
        fsim_member(out, "n", report->fee, 8);
        sim_textf(out, ",\"N\":\"%s\"", report->fee_asset);
    }
    fsim_member(out, "rp", report->pnl, 8);
    sim_textf(out,
              ",\"sp\":\"0\",\"T\":%lld,\"t\":%llu,\"b\":\"0\",\"a\":\"0\",\"m\":%s,\"R\":%s,"
              "\"wt\":\"CONTRACT_PRICE\",\"ot\":\"%s\",\"ps\":\"BOTH\",\"cp\":false,\"pP\":false,"
              "\"si\":0,\"ss\":0,\"V\":\"%s\",\"pm\":\"NONE\",\"gtd\":0,\"er\":\"%d\"}}",
              (long long)bsim_ms_of(report->at_ns), (unsigned long long)report->trade_id,
              report->is_maker ? "true" : "false", order->is_reduce_only ? "true" : "false", type,
              bsim_stp_text(order->stp), expiry_of(order));
    push(sim, order->account, "ORDER_TRADE_UPDATE");
    if (report->trade_id && sim_fault_take(sim, SIM_FAULT_DUPLICATE_EXECUTION))
        push(sim, order->account, "ORDER_TRADE_UPDATE");
}

/* The thinner, earlier copy of an execution. */
static void send_lite(struct sim *sim, const struct report *report)
{
    const struct exchange_order *order = report->order;
    const struct exchange_instrument *of = &sim->exchange->instruments[order->instrument];
    struct sim_text *out = begin(sim, "TRADE_LITE");
    char client_id[64];

    fsim_client_id(order, client_id);
    sim_textf(out, ",\"s\":\"%s\",\"m\":%s,\"c\":\"%s\",\"S\":\"%s\",\"t\":%llu,\"i\":%llu",
              of->config.symbol, report->is_maker ? "true" : "false", client_id,
              order->match.side == SIDE_BUY ? "BUY" : "SELL", (unsigned long long)report->trade_id,
              (unsigned long long)order->id);
    fsim_qty(out, of, "q", order->qty);
    fsim_price(out, of, "p", order->match.price);
    fsim_price(out, of, "L", report->price);
    fsim_qty(out, of, "l", report->qty);
    sim_textf(out, "}");
    push(sim, order->account, "TRADE_LITE");
}

/* ---- the account ---- */

static void send_account(struct sim *sim, uint32_t account, uint32_t asset, uint32_t instrument,
                         const char *reason, int64_t change, const char *symbol)
{
    const struct exchange *exchange = sim->exchange;
    const struct exchange_balance *balance = &exchange->accounts[account].balances[asset];
    struct sim_text *out = begin(sim, "ACCOUNT_UPDATE");

    sim_textf(out, ",\"a\":{\"m\":\"%s\",\"B\":[{\"a\":\"%s\"", reason, exchange->assets[asset]);
    fsim_member(out, "wb", balance->free + balance->locked, 8);
    fsim_member(out, "cw", balance->free + balance->locked, 8);
    fsim_member(out, "bc", change, 8);
    sim_textf(out, "}],\"P\":[");
    if (instrument != EXCHANGE_NONE) {
        const struct exchange_instrument *of = &exchange->instruments[instrument];
        const struct exchange_position *position =
            &exchange->accounts[account].positions[instrument];
        sim_textf(out, "{\"s\":\"%s\"", of->config.symbol);
        fsim_qty(out, of, "pa", position->qty);
        fsim_member(out, "ep", exchange_entry_price(position), 8);
        fsim_member(out, "bep", exchange_entry_price(position), 8);
        fsim_member(out, "cr", position->realised, 8);
        fsim_member(out, "up", exchange_unrealised(exchange, account, instrument), 8);
        sim_textf(out, ",\"mt\":\"cross\",\"iw\":\"0\",\"ps\":\"BOTH\"}");
    }
    sim_textf(out, "]%s%s%s}}", symbol ? ",\"S\":\"" : "", symbol ? symbol : "",
              symbol ? "\"" : "");
    push(sim, account, "ACCOUNT_UPDATE");
}

void fsim_private_config(struct sim *sim, uint32_t account, uint32_t instrument)
{
    struct sim_text *out = begin(sim, "ACCOUNT_CONFIG_UPDATE");

    sim_textf(out, ",\"ac\":{\"s\":\"%s\",\"l\":%u}}",
              sim->exchange->instruments[instrument].config.symbol,
              exchange_leverage(sim->exchange, account, instrument));
    push(sim, account, "ACCOUNT_CONFIG_UPDATE");
}

/* ---- exchange events ---- */

static bool is_watched(const struct sim *sim, uint32_t account)
{
    return account != EXCHANGE_NONE && !sim->exchange->accounts[account].config.is_background;
}

/* No order of the two is promised. */
static void on_trade_side(struct sim *sim, const struct exchange_event *event, bool is_maker)
{
    struct binance *state = sim->state;
    const struct exchange_order *order = is_maker ? event->maker : event->order;
    uint32_t quote = sim->exchange->instruments[event->instrument].quote;

    if (!is_watched(sim, order->account))
        return;
    struct report report = {
        .order = order,
        .execution_type = order->is_liquidation ? "CALCULATED" : "TRADE",
        .at_ns = event->at_ns,
        .qty = event->qty,
        .price = event->price,
        .fee = is_maker ? event->maker_fee : event->taker_fee,
        .fee_asset =
            sim->exchange->assets[is_maker ? event->maker_fee_asset : event->taker_fee_asset],
        .pnl = is_maker ? event->maker_realised_pnl : event->taker_realised_pnl,
        .trade_id = event->trade_id,
        .is_maker = is_maker,
    };
    bool is_account_first = (sim_random(&state->random) >> 40) % 2 == 0;
    if (is_account_first)
        send_account(sim, order->account, quote, event->instrument, "ORDER", 0, NULL);
    send_lite(sim, &report);
    send_report(sim, &report);
    if (!is_account_first)
        send_account(sim, order->account, quote, event->instrument, "ORDER", 0, NULL);
}

static void on_order(struct sim *sim, const struct exchange_event *event, const char *type)
{
    const struct report report = { .order = event->order,
                                   .execution_type = type,
                                   .at_ns = event->at_ns };

    send_report(sim, &report);
}

static void on_funding(struct sim *sim, const struct exchange_event *event)
{
    send_account(sim, event->account, event->asset, EXCHANGE_NONE, "FUNDING_FEE", event->qty,
                 sim->exchange->instruments[event->instrument].config.symbol);
}

void fsim_private_event(struct sim *sim, const struct exchange_event *event)
{
    if (event->kind == EXCHANGE_ON_TRADE) {
        on_trade_side(sim, event, true);
        on_trade_side(sim, event, false);
        return;
    }
    if (event->kind == EXCHANGE_ON_LEVEL || event->kind == EXCHANGE_ON_STATUS ||
        event->kind == EXCHANGE_ON_MARK || event->kind == EXCHANGE_ON_LIQUIDATION ||
        !is_watched(sim, event->account))
        return;
    switch (event->kind) {
    case EXCHANGE_ON_ACCEPTED:
        on_order(sim, event, "NEW");
        break;
    case EXCHANGE_ON_ENDED:
        on_order(sim, event, event->order->state == EXCHANGE_CANCELLED ? "CANCELED" : "EXPIRED");
        break;
    case EXCHANGE_ON_AMENDED:
        on_order(sim, event, "AMENDMENT");
        break;
    case EXCHANGE_ON_TRANSFER:
        send_account(sim, event->account, event->asset, EXCHANGE_NONE,
                     event->qty < 0 ? "WITHDRAW" : "DEPOSIT", event->qty, NULL);
        break;
    case EXCHANGE_ON_FUNDING:
        on_funding(sim, event);
        break;
    default: /* REJECTED: a synchronous refusal makes no event. */
        break;
    }
}

/* ---- keys ---- */

static void expire(struct sim *sim, uint32_t account)
{
    struct listen_key *key = &futures_state(sim)->keys[account];
    struct sim_text *out;

    if (!key->key[0])
        return;
    out = begin(sim, "listenKeyExpired");
    sim_textf(out, ",\"listenKey\":\"%s\"}", key->key);
    push(sim, account, "listenKeyExpired");
    key->key[0] = '\0'; /* The connections stay, and are silent. */
}

void fsim_keys_tick(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->exchange->account_count; i++)
        if (sim->now_ns >= futures_state(sim)->keys[i].expires_ns)
            expire(sim, i);
}

void fsim_keys_expire(struct sim *sim)
{
    struct sim_fault *fault = &sim->faults[SIM_FAULT_EXPIRE_SESSION];

    fault->taken += fault->count;
    fault->count = 0;
    for (uint32_t i = 0; i < sim->exchange->account_count; i++)
        expire(sim, i);
}
