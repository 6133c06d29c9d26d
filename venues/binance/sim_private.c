/* sim_private.c - user data: executionReport, outboundAccountPosition, balanceUpdate. */
#include "venues/binance/sim_binance.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

/* ---- order of answer and events ---- */

/* The venue promises none: a client must take its fill before its answer. Mostly the answer is
 * first. */
void bsim_private_hold(struct sim *sim)
{
    struct binance *state = sim->state;

    state->is_holding = (sim_random(&state->random) >> 40) % 4 != 0;
}

static void hold(struct binance *state, struct sim_ws *ws, const struct sim_text *frame)
{
    if (state->held_count == state->held_cap) {
        state->held_cap = state->held_cap ? 2 * state->held_cap : 64;
        state->held_frames =
            realloc(state->held_frames, state->held_cap * sizeof(*state->held_frames));
        if (!state->held_frames)
            abort();
    }
    state->held_frames[state->held_count++] =
        (struct held_frame){ .ws = ws, .at = state->held.len, .len = frame->len };
    sim_text_add(&state->held, frame->at, frame->len);
}

void bsim_private_send(struct sim *sim, struct sim_ws *ws)
{
    struct binance *state = sim->state;

    if (state->is_holding)
        hold(state, ws, &state->frame);
    else
        sim_ws_send(ws, SIM_PRIVATE, state->frame.at, state->frame.len);
}

void bsim_private_release(struct sim *sim)
{
    struct binance *state = sim->state;

    state->is_holding = false;
    for (size_t i = 0; i < state->held_count; i++)
        if (state->held_frames[i].ws)
            sim_ws_send(state->held_frames[i].ws, SIM_PRIVATE,
                        state->held.at + state->held_frames[i].at, state->held_frames[i].len);
    state->held_count = 0;
    sim_text_clear(&state->held);
}

void bsim_private_forget(struct binance *state, const struct sim_ws *ws)
{
    for (size_t i = 0; i < state->held_count; i++)
        if (state->held_frames[i].ws == ws)
            state->held_frames[i].ws = NULL;
}

void bsim_private_terminate(struct sim *sim)
{
    char text[128];

    for (struct sim_ws *ws = sim->first_ws; ws; ws = ws->next) {
        struct connection *connection = ws->state;
        if (ws->listener != BINANCE_WS_API)
            continue;
        for (size_t i = 0; i < COUNT(connection->subscriptions); i++) {
            if (!connection->subscriptions[i].is_active)
                continue;
            connection->subscriptions[i].is_active = false;
            int len = snprintf(text, sizeof(text),
                               "{\"subscriptionId\":%u,\"event\":{\"e\":"
                               "\"eventStreamTerminated\",\"E\":%lld}}",
                               connection->subscriptions[i].id, (long long)bsim_ms_of(sim->now_ns));
            sim_ws_send(ws, SIM_PRIVATE, text, (size_t)len);
        }
    }
}

/* Wraps what is in state->scratch for each subscription of the account. */
static void push(struct sim *sim, uint32_t account)
{
    struct binance *state = sim->state;

    for (struct sim_ws *ws = sim->first_ws; ws; ws = ws->next) {
        const struct connection *connection = ws->state;
        if (ws->listener != BINANCE_WS_API)
            continue;
        for (size_t i = 0; i < COUNT(connection->subscriptions); i++) {
            if (!connection->subscriptions[i].is_active ||
                connection->subscriptions[i].account != account)
                continue;
            sim_text_clear(&state->frame);
            sim_textf(&state->frame,
                      "{\"subscriptionId\":%u,\"event\":", connection->subscriptions[i].id);
            sim_text_add(&state->frame, state->scratch.at, state->scratch.len);
            sim_textf(&state->frame, "}");
            bsim_private_send(sim, ws);
        }
    }
}

/* ---- executionReport ---- */

struct report {
    const struct exchange_order *order;
    const char *execution_type; /* x */
    const char *client_id, *original_id;
    int64_t at_ns, qty, price, quote, fee; /* Of the fill. */
    const char *fee_asset;                 /* NULL: none. */
    int64_t trade_id;                      /* -1: none. */
    bool is_maker;
    int64_t prevented;
};

static void member(struct sim_text *out, const char *name, int64_t value)
{
    sim_textf(out, ",\"%s\":\"", name);
    sim_text_decimal(out, value, 8);
    sim_textf(out, "\"");
}

static void report_order(struct sim_text *out, const struct sim *sim, const struct report *report)
{
    const struct exchange_order *order = report->order;

    sim_textf(out,
              "{\"e\":\"executionReport\",\"E\":%lld,\"s\":\"%s\",\"c\":\"%s\",\"S\":\"%s\","
              "\"o\":\"%s\",\"f\":\"%s\"",
              (long long)bsim_ms_of(sim->now_ns),
              sim->exchange->instruments[order->instrument].config.symbol, report->client_id,
              order->match.side == SIDE_BUY ? "BUY" : "SELL", bsim_order_type(order),
              bsim_order_tif(order));
    member(out, "q", order->qty);
    member(out, "p", order->match.price);
    sim_textf(out,
              ",\"P\":\"0.00000000\",\"F\":\"0.00000000\",\"g\":-1,\"C\":\"%s\",\"x\":\"%s\","
              "\"X\":\"%s\",\"r\":\"NONE\",\"i\":%llu",
              report->original_id, report->execution_type, bsim_order_status(order),
              (unsigned long long)order->id);
}

static void send_report(struct sim *sim, const struct report *report)
{
    struct binance *state = sim->state;
    const struct exchange_order *order = report->order;
    struct sim_text *out = &state->scratch;

    sim_text_clear(out);
    report_order(out, sim, report);
    member(out, "l", report->qty);
    member(out, "z", order->filled_qty);
    member(out, "L", report->price);
    sim_textf(out, ",\"n\":\"");
    if (report->fee_asset) {
        sim_text_decimal(out, report->fee, 8);
        sim_textf(out, "\",\"N\":\"%s\"", report->fee_asset);
    } else {
        sim_textf(out, "0\",\"N\":null");
    }
    sim_textf(out, ",\"T\":%lld,\"t\":%lld,\"I\":%llu,\"w\":%s,\"m\":%s,\"M\":%s,\"O\":%lld",
              (long long)bsim_ms_of(report->at_ns), (long long)report->trade_id,
              (unsigned long long)++state->next_report, exchange_is_open(order) ? "true" : "false",
              report->is_maker ? "true" : "false", report->trade_id >= 0 ? "true" : "false",
              (long long)bsim_ms_of(order->created_ns));
    member(out, "Z", order->filled_quote);
    member(out, "Y", report->quote);
    member(out, "Q", order->quote_qty);
    sim_textf(out, ",\"W\":%lld,\"V\":\"%s\"", (long long)bsim_ms_of(order->created_ns),
              bsim_stp_text(order->stp));
    if (order->prevented_qty)
        member(out, "A", order->prevented_qty);
    if (report->prevented)
        member(out, "B", report->prevented);
    if (bsim_expiry_reason(order))
        sim_textf(out, ",\"eR\":\"%s\"", bsim_expiry_reason(order));
    sim_textf(out, "}");
    push(sim, order->account);
    if (report->trade_id >= 0 && sim_fault_take(sim, SIM_FAULT_DUPLICATE_EXECUTION))
        push(sim, order->account);
}

static void asset_json(struct sim_text *out, const struct exchange *exchange, uint32_t account,
                       uint32_t asset)
{
    const struct exchange_balance *balance = &exchange->accounts[account].balances[asset];

    sim_textf(out, "{\"a\":\"%s\",\"f\":\"", exchange->assets[asset]);
    sim_text_decimal(out, balance->free, 8);
    sim_textf(out, "\",\"l\":\"");
    sim_text_decimal(out, balance->locked, 8);
    sim_textf(out, "\"}");
}

static void send_position(struct sim *sim, uint32_t account, uint32_t asset, uint32_t other)
{
    struct binance *state = sim->state;
    const struct exchange *exchange = sim->exchange;
    struct sim_text *out = &state->scratch;

    sim_text_clear(out);
    sim_textf(out, "{\"e\":\"outboundAccountPosition\",\"E\":%lld,\"u\":%lld,\"B\":[",
              (long long)bsim_ms_of(sim->now_ns),
              (long long)bsim_ms_of(exchange->accounts[account].updated_ns));
    asset_json(out, exchange, account, asset);
    if (other != EXCHANGE_NONE) {
        sim_textf(out, ",");
        asset_json(out, exchange, account, other);
    }
    sim_textf(out, "]}");
    push(sim, account);
}

static void send_positions_of(struct sim *sim, const struct exchange_order *order)
{
    const struct exchange_instrument *instrument = &sim->exchange->instruments[order->instrument];

    send_position(sim, order->account, instrument->base, instrument->quote);
}

static bool is_watched(const struct sim *sim, uint32_t account)
{
    return !sim->exchange->accounts[account].config.is_background;
}

/* ---- exchange events ---- */

static void on_trade_side(struct sim *sim, const struct exchange_event *event, bool is_maker)
{
    struct binance *state = sim->state;
    const struct exchange_order *order = is_maker ? event->maker : event->order;

    if (!is_watched(sim, order->account))
        return;
    if (order->filled_qty == event->qty) {
        /* The first fill gives back some of the unfilled-order count. */
        struct account_limits *limits = &state->limits[order->account];
        int64_t credit = is_maker ? 5 : 1;
        limits->orders_10s.used = MAX(0, limits->orders_10s.used - credit);
        limits->orders_long.used = MAX(0, limits->orders_long.used - credit);
    }
    struct report report = {
        .order = order,
        .execution_type = "TRADE",
        .client_id = order->client_id,
        .original_id = "",
        .at_ns = event->at_ns,
        .qty = event->qty,
        .price = event->price,
        .quote = event->quote,
        .fee = is_maker ? event->maker_fee : event->taker_fee,
        .fee_asset =
            sim->exchange->assets[is_maker ? event->maker_fee_asset : event->taker_fee_asset],
        .trade_id = (int64_t)event->trade_id,
        .is_maker = is_maker,
    };
    send_report(sim, &report);
    send_positions_of(sim, order);
}

static void on_order(struct sim *sim, const struct exchange_event *event, const char *type)
{
    struct binance *state = sim->state;
    const struct exchange_order *order = event->order;
    char made[23];
    struct report report = { .order = order,
                             .execution_type = type,
                             .client_id = order->client_id,
                             .original_id = "",
                             .at_ns = event->at_ns,
                             .trade_id = -1 };

    if (event->kind == EXCHANGE_ON_ENDED && order->state == EXCHANGE_CANCELLED) {
        bsim_random_id(state, made);
        report.client_id = state->cancel_id ? state->cancel_id : made;
        report.original_id = order->client_id;
    }
    if (event->kind == EXCHANGE_ON_AMENDED)
        report.original_id = event->previous_client_id;
    if (event->kind == EXCHANGE_ON_PREVENTED)
        report.prevented = event->qty;
    send_report(sim, &report);
    send_positions_of(sim, order);
}

static void on_transfer(struct sim *sim, const struct exchange_event *event)
{
    struct binance *state = sim->state;
    struct sim_text *out = &state->scratch;

    sim_text_clear(out);
    sim_textf(out, "{\"e\":\"balanceUpdate\",\"E\":%lld,\"a\":\"%s\"",
              (long long)bsim_ms_of(sim->now_ns), sim->exchange->assets[event->asset]);
    member(out, "d", event->qty);
    sim_textf(out, ",\"T\":%lld}", (long long)bsim_ms_of(event->at_ns));
    push(sim, event->account);
    send_position(sim, event->account, event->asset, EXCHANGE_NONE);
}

void bsim_private_event(struct sim *sim, const struct exchange_event *event)
{
    if (event->kind == EXCHANGE_ON_TRADE) {
        on_trade_side(sim, event, true);
        on_trade_side(sim, event, false);
        return;
    }
    if (event->kind == EXCHANGE_ON_LEVEL || event->kind == EXCHANGE_ON_STATUS ||
        !is_watched(sim, event->account))
        return;
    switch (event->kind) {
    case EXCHANGE_ON_ACCEPTED:
        on_order(sim, event, "NEW");
        break;
    case EXCHANGE_ON_ENDED:
        on_order(sim, event,
                 event->order->state == EXCHANGE_CANCELLED ? "CANCELED"
                 : event->cause == CAUSE_STP               ? "TRADE_PREVENTION"
                                                           : "EXPIRED");
        break;
    case EXCHANGE_ON_AMENDED:
        on_order(sim, event, "REPLACED");
        break;
    case EXCHANGE_ON_PREVENTED:
        on_order(sim, event, "TRADE_PREVENTION");
        break;
    case EXCHANGE_ON_TRANSFER:
        on_transfer(sim, event);
        break;
    default: /* REJECTED: a synchronous refusal makes no event. */
        break;
    }
}
