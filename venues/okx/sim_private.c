/* The private channels (8): orders, account, positions, balance_and_position; and the rows that
 * REST shares with them (7). */
#include "venues/okx/sim_okx.h"

#include <stdlib.h>
#include <string.h>

/* One execution of an order, as its push tells it. */
struct fill {
    int64_t price, qty, fee, pnl, at_ns;
    uint64_t trade_id;
    uint32_t fee_asset;
    bool is_maker;
};

/* ---- rows of orders ---- */

static const char *type_of(const struct exchange_order *order)
{
    if (order->type == ORDER_MARKET)
        return "market";
    if (order->is_post_only)
        return "post_only";
    return order->time_in_force == TIF_IOC   ? "ioc"
           : order->time_in_force == TIF_FOK ? "fok"
                                             : "limit";
}

static const char *stp_of(const struct exchange_order *order)
{
    return order->stp == STP_EXPIRE_TAKER  ? "cancel_taker"
           : order->stp == STP_EXPIRE_BOTH ? "cancel_both"
                                           : "cancel_maker";
}

static const char *source_of(const struct exchange_order *order)
{
    if (exchange_is_open(order) || order->state == EXCHANGE_FILLED)
        return "";
    switch (order->cause) {
    case CAUSE_REQUESTED:
        return "1";
    case CAUSE_FOK:
        return "13";
    case CAUSE_IOC:
    case CAUSE_NO_LIQUIDITY:
        return "14";
    case CAUSE_DEAD_MAN:
        return "20";
    case CAUSE_REDUCE_ONLY:
        return "23";
    case CAUSE_WOULD_TAKE:
        return "31";
    case CAUSE_STP:
        return "32";
    case CAUSE_LIQUIDATION:
        return "3";
    default:
        return "0";
    }
}

static const char *fee_asset_of(const struct osim *osim, const struct exchange_order *order)
{
    const struct exchange_instrument *instrument =
        &osim->sim->exchange->instruments[order->instrument];

    return !osim_is_swap(instrument) && order->match.side == SIDE_BUY ? instrument->config.base
                                                                      : instrument->config.quote;
}

static int64_t pnl_of(const struct osim *osim, const struct exchange_order *order)
{
    int64_t pnl = 0;
    const struct exchange_execution *execution;

    for (uint32_t at = order->first_execution;
         (execution = exchange_execution(osim->sim->exchange, at)); at = execution->next_of_order)
        pnl += execution->realised_pnl;
    return pnl;
}

/* What REST and the channel say alike. */
static void add_common(struct osim *osim, const struct exchange_order *order, struct sim_text *out)
{
    const struct exchange_instrument *instrument =
        &osim->sim->exchange->instruments[order->instrument];
    bool is_swap = osim_is_swap(instrument), is_quote = order->quote_qty > 0;
    char id[24];

    osim_order_id(order->id, id);
    sim_textf(out,
              "\"instType\":\"%s\",\"instId\":\"%s\",\"ordId\":\"%s\",\"ordType\":\"%s\","
              "\"side\":\"%s\",\"state\":\"%s\",\"tdMode\":\"%s\",\"tgtCcy\":\"%s\","
              "\"posSide\":\"net\",\"category\":\"%s\",\"cancelSource\":\"%s\",\"stpMode\":\"%s\","
              "\"stpId\":\"\",\"algoClOrdId\":\"\",\"algoId\":\"\",\"attachAlgoClOrdId\":\"\","
              "\"attachAlgoOrds\":[],\"ccy\":\"\",\"isTpLimit\":\"false\",\"lever\":\"%s\","
              "\"linkedAlgoOrd\":{\"algoId\":\"\"},\"pxType\":\"\",\"pxUsd\":\"\",\"pxVol\":\"\","
              "\"quickMgnType\":\"\",\"rebate\":\"0\",\"rebateCcy\":\"%s\",\"reduceOnly\":\"%s\","
              "\"slOrdPx\":\"\",\"slTriggerPx\":\"\",\"slTriggerPxType\":\"\",\"source\":\"\","
              "\"tag\":\"\",\"tpOrdPx\":\"\",\"tpTriggerPx\":\"\",\"tpTriggerPxType\":\"\"",
              is_swap ? "SWAP" : "SPOT", instrument->config.symbol, id, type_of(order),
              order->match.side == SIDE_BUY ? "buy" : "sell", osim_state(order),
              is_swap ? "cross" : "cash",
              order->type != ORDER_MARKET || is_swap ? ""
              : is_quote                             ? "quote_ccy"
                                                     : "base_ccy",
              order->is_liquidation ? "full_liquidation" : "normal", source_of(order),
              stp_of(order), is_swap ? "10" : "", instrument->config.quote,
              order->is_reduce_only ? "true" : "false");
    osim_pair_text(out, "clOrdId", order->client_id);
    if (order->match.price)
        osim_pair(out, "px", order->match.price);
    else
        sim_textf(out, ",\"px\":\"\"");
    osim_pair(out, "sz", is_quote ? order->quote_qty : osim_size(instrument, order->qty));
    osim_pair(out, "accFillSz", osim_size(instrument, order->filled_qty));
    osim_pair(out, "fee", -order->fee_total);
    osim_pair_text(out, "feeCcy", fee_asset_of(osim, order));
    osim_pair(out, "pnl", is_swap ? pnl_of(osim, order) : 0);
    osim_pair_ms(out, "cTime", order->created_ns);
    osim_pair_ms(out, "uTime", order->updated_ns);
}

static int64_t average(const struct exchange_order *order)
{
    return order->filled_qty
               ? (int64_t)((i128)order->filled_quote * EXCHANGE_ONE / order->filled_qty)
               : 0;
}

/* avgPx is "" where nothing is filled (7). */
void osim_order_row(struct osim *osim, const struct exchange_order *order, struct sim_text *out)
{
    const struct exchange_instrument *instrument =
        &osim->sim->exchange->instruments[order->instrument];
    const struct exchange_execution *last =
        exchange_execution(osim->sim->exchange, order->last_execution);

    sim_textf(out, "{");
    add_common(osim, order, out);
    if (order->filled_qty)
        osim_pair(out, "avgPx", average(order));
    else
        sim_textf(out, ",\"avgPx\":\"\"");
    if (last) {
        osim_pair(out, "fillPx", last->price);
        osim_pair(out, "fillSz", osim_size(instrument, last->qty));
        osim_pair_ms(out, "fillTime", last->at_ns);
        sim_textf(out, ",\"tradeId\":\"%llu\"", (unsigned long long)last->trade_id);
    } else {
        sim_textf(out, ",\"fillPx\":\"\",\"fillSz\":\"0\",\"fillTime\":\"\",\"tradeId\":\"\"");
    }
    sim_textf(out, ",\"cancelSourceReason\":\"\"}");
}

/* avgPx is "0" where nothing is filled; the fill is this push's own (8.1). */
static void add_push(struct osim *osim, const struct exchange_order *order, const struct fill *fill,
                     bool is_amended, struct sim_text *out)
{
    const struct exchange *exchange = osim->sim->exchange;
    const struct exchange_instrument *instrument = &exchange->instruments[order->instrument];

    sim_textf(out, "{");
    add_common(osim, order, out);
    osim_pair(out, "avgPx", average(order));
    if (fill) {
        osim_pair(out, "fillPx", fill->price);
        osim_pair(out, "fillSz", osim_size(instrument, fill->qty));
        osim_pair_ms(out, "fillTime", fill->at_ns);
        sim_textf(out, ",\"tradeId\":\"%llu\",\"execType\":\"%s\"",
                  (unsigned long long)fill->trade_id, fill->is_maker ? "M" : "T");
        osim_pair(out, "fillFee", -fill->fee);
        osim_pair_text(out, "fillFeeCcy", exchange->assets[fill->fee_asset]);
        osim_pair(out, "fillPnl", fill->pnl);
        osim_pair(out, "fillNotionalUsd", exchange_quote(fill->price, fill->qty));
    } else {
        sim_textf(out, ",\"fillPx\":\"\",\"fillSz\":\"0\",\"fillTime\":\"\",\"tradeId\":\"\","
                       "\"execType\":\"\",\"fillFee\":\"0\",\"fillFeeCcy\":\"\",\"fillPnl\":\"0\","
                       "\"fillNotionalUsd\":\"\"");
    }
    osim_pair(out, "lastPx", instrument->last_price);
    osim_pair(out, "notionalUsd",
              exchange_quote(order->match.price ? order->match.price : instrument->last_price,
                             order->qty));
    sim_textf(out, ",\"amendResult\":\"%s\",\"amendSource\":\"%s\",\"code\":\"0\",\"msg\":\"\"",
              is_amended ? "0" : "", is_amended ? "1" : "");
    osim_pair_text(out, "reqId", is_amended && osim->request_id ? osim->request_id : "");
    sim_textf(out, "}");
}

/* ---- the queue ---- */

static void push(struct osim *osim, uint32_t account, wire_instrument_kind kind,
                 enum osim_channel channel, struct sim_text *text)
{
    struct osim_push *push = calloc(1, sizeof(*push));

    if (!push)
        abort(); /* A tool, not a trading process. */
    *push = (struct osim_push){
        .account = account, .kind = kind, .channel = channel, .data = text->at
    };
    *text = (struct sim_text){ 0 };
    *osim->last_push = push;
    osim->last_push = &push->next;
}

static bool is_watched(const struct osim *osim, uint32_t account)
{
    return !osim->sim->exchange->accounts[account].config.is_background;
}

static void push_order(struct osim *osim, const struct exchange_order *order,
                       const struct fill *fill, bool is_amended)
{
    const struct exchange_instrument *instrument =
        &osim->sim->exchange->instruments[order->instrument];
    unsigned times = fill && sim_fault_take(osim->sim, SIM_FAULT_DUPLICATE_EXECUTION) ? 2 : 1;

    while (times-- > 0) {
        struct sim_text text = { 0 };
        add_push(osim, order, fill, is_amended, &text);
        push(osim, order->account, instrument->config.kind, PUSH_ORDERS, &text);
    }
}

void osim_phantom_push(struct osim *osim, const struct exchange_order *order)
{
    push_order(osim, order, NULL, false);
}

/* ---- events ---- */

static void touch(struct osim *osim, uint32_t account, uint32_t instrument)
{
    const struct exchange_instrument *of = &osim->sim->exchange->instruments[instrument];
    struct osim_member *member = &osim->members[account];

    member->is_account_changed = true;
    member->is_asset_changed[of->quote] = true;
    if (!osim_is_swap(of))
        member->is_asset_changed[of->base] = true;
}

/* Fast news of a balance (8.5). */
static void push_cause(struct osim *osim, uint32_t account, const char *cause, uint32_t asset,
                       uint32_t instrument, uint64_t trade_id)
{
    const struct exchange *exchange = osim->sim->exchange;
    const struct exchange_balance *balance = &exchange->accounts[account].balances[asset];
    struct sim_text out = { 0 };

    sim_textf(&out, "{\"eventType\":\"%s\"", cause);
    osim_pair_ms(&out, "pTime", osim->sim->now_ns);
    sim_textf(&out, ",\"balData\":[{\"ccy\":\"%s\"", exchange->assets[asset]);
    osim_pair(&out, "cashBal", balance->free + balance->locked);
    osim_pair_ms(&out, "uTime", osim->sim->now_ns);
    sim_textf(&out, "}],\"posData\":[");
    if (instrument != EXCHANGE_NONE && exchange_is_perpetual(exchange, instrument))
        osim_position_row(osim, account, instrument, &out);
    sim_textf(&out, "],\"trades\":[");
    if (trade_id)
        sim_textf(&out, "{\"instId\":\"%s\",\"tradeId\":\"%llu\"}",
                  exchange->instruments[instrument].config.symbol, (unsigned long long)trade_id);
    sim_textf(&out, "]}");
    push(osim, account, INSTRUMENT_SPOT, PUSH_BALANCE_AND_POSITION, &out);
}

static void on_trade_of(struct osim *osim, const struct exchange_event *event, bool is_maker)
{
    const struct exchange_order *order = is_maker ? event->maker : event->order;
    struct fill fill = { .price = event->price,
                         .qty = event->qty,
                         .fee = is_maker ? event->maker_fee : event->taker_fee,
                         .pnl = is_maker ? event->maker_realised_pnl : event->taker_realised_pnl,
                         .at_ns = event->at_ns,
                         .trade_id = event->trade_id,
                         .fee_asset = is_maker ? event->maker_fee_asset : event->taker_fee_asset,
                         .is_maker = is_maker };

    if (!is_watched(osim, order->account))
        return;
    push_order(osim, order, &fill, false);
    touch(osim, order->account, event->instrument);
    osim->members[order->account].has_position_changed[event->instrument] = true;
    push_cause(osim, order->account, "filled",
               osim->sim->exchange->instruments[event->instrument].quote, event->instrument,
               event->trade_id);
}

static void on_order_event(struct osim *osim, const struct exchange_event *event)
{
    const struct exchange_order *order = event->order;
    bool rests = order->type == ORDER_LIMIT && order->time_in_force == TIF_GTC;

    if (!is_watched(osim, order->account))
        return;
    touch(osim, order->account, event->instrument);
    if (event->kind == EXCHANGE_ON_ACCEPTED && rests)
        push_order(osim, order, NULL, false);
    else if (event->kind == EXCHANGE_ON_AMENDED)
        push_order(osim, order, NULL, true);
    else if (event->kind == EXCHANGE_ON_ENDED)
        push_order(osim, order, NULL, false);
}

void osim_private_event(struct osim *osim, const struct exchange_event *event)
{
    switch (event->kind) {
    case EXCHANGE_ON_ACCEPTED:
    case EXCHANGE_ON_AMENDED:
    case EXCHANGE_ON_ENDED:
        on_order_event(osim, event);
        break;
    case EXCHANGE_ON_TRADE:
        on_trade_of(osim, event, true);
        on_trade_of(osim, event, false);
        break;
    case EXCHANGE_ON_TRANSFER:
        if (!is_watched(osim, event->account))
            break;
        osim->members[event->account].is_account_changed = true;
        osim->members[event->account].is_asset_changed[event->asset] = true;
        push_cause(osim, event->account, "transferred", event->asset, EXCHANGE_NONE, 0);
        break;
    case EXCHANGE_ON_FUNDING:
        if (!is_watched(osim, event->account))
            break;
        touch(osim, event->account, event->instrument);
        osim->members[event->account].has_position_changed[event->instrument] = true;
        push_cause(osim, event->account, "funding_fee", event->asset, event->instrument, 0);
        break;
    default:
        break;
    }
}

/* ---- to the subscribers ---- */

/* The arg of a push: as asked for, with the user's id. */
static void add_arg(struct sim_text *out, const char *arg, uint32_t account)
{
    sim_textf(out, "{\"arg\":");
    sim_text_add(out, arg, strlen(arg) - 1);
    sim_textf(out, ",\"uid\":\"%llu\"}", 44705892343619584ull + account);
}

static bool wants_order(const struct osim_ws *state, wire_instrument_kind kind)
{
    return strstr(state->orders, "\"ANY\"") ||
           strstr(state->orders, kind == INSTRUMENT_SPOT ? "\"SPOT\"" : "\"SWAP\"");
}

static const char *arg_of(const struct osim_ws *state, const struct osim_push *push)
{
    switch (push->channel) {
    case PUSH_ORDERS:
        return wants_order(state, push->kind) ? state->orders : "";
    case PUSH_ACCOUNT:
        return state->account_arg;
    case PUSH_POSITIONS:
        return state->positions;
    case PUSH_BALANCE_AND_POSITION:
        break;
    }
    return state->balance_and_position;
}

static void send_push(struct osim *osim, const struct osim_push *push)
{
    for (struct sim_ws *ws = osim->sim->first_ws; ws; ws = ws->next) {
        const struct osim_ws *state = ws->state;
        struct sim_text out = { 0 };
        const char *arg = state->account == push->account ? arg_of(state, push) : "";
        if (!*arg)
            continue;
        add_arg(&out, arg, push->account);
        if (push->channel == PUSH_ACCOUNT || push->channel == PUSH_POSITIONS)
            sim_textf(&out, ",\"eventType\":\"event_update\"");
        sim_textf(&out, ",\"data\":[");
        sim_text_add(&out, push->data, strlen(push->data));
        sim_textf(&out, "]}");
        osim_send(ws, SIM_PRIVATE, &out);
        sim_text_free(&out);
    }
}

static void add_changes(struct osim *osim, uint32_t account)
{
    struct osim_member *member = &osim->members[account];
    struct sim_text out = { 0 };
    bool is_first = true;

    if (member->is_account_changed) {
        osim_balance_row(osim, account, member->is_asset_changed, &out);
        push(osim, account, INSTRUMENT_SPOT, PUSH_ACCOUNT, &out);
        memset(member->is_asset_changed, 0, sizeof(member->is_asset_changed));
        member->is_account_changed = false;
    }
    for (uint32_t i = 0; i < osim->sim->exchange->instrument_count; i++) {
        if (member->has_position_changed[i] && exchange_is_perpetual(osim->sim->exchange, i)) {
            sim_textf(&out, "%s", is_first ? "" : ",");
            osim_position_row(osim, account, i, &out);
            is_first = false;
        }
        member->has_position_changed[i] = false;
    }
    if (!is_first)
        push(osim, account, INSTRUMENT_PERPETUAL, PUSH_POSITIONS, &out);
}

void osim_private_flush(struct osim *osim)
{
    for (uint32_t i = 0; i < osim->sim->exchange->account_count; i++)
        add_changes(osim, i);
    while (osim->first_push) {
        struct osim_push *push = osim->first_push;
        osim->first_push = push->next;
        if (!osim->first_push)
            osim->last_push = &osim->first_push;
        send_push(osim, push);
        free(push->data);
        free(push);
    }
}

void osim_private_fini(struct osim *osim)
{
    while (osim->first_push) {
        struct osim_push *push = osim->first_push;
        osim->first_push = push->next;
        free(push->data);
        free(push);
    }
    osim->last_push = &osim->first_push;
}

static void add_positions(struct osim *osim, uint32_t account, struct sim_text *out)
{
    const struct exchange *exchange = osim->sim->exchange;
    bool is_first = true;

    for (uint32_t i = 0; i < exchange->instrument_count; i++)
        if (exchange->accounts[account].positions[i].qty) {
            sim_textf(out, "%s", is_first ? "" : ",");
            osim_position_row(osim, account, i, out);
            is_first = false;
        }
}

/* The first data of a channel, and the regular ones of account and positions. */
void osim_private_snapshot(struct osim *osim, struct sim_ws *ws, const char *channel)
{
    const struct osim_ws *state = ws->state;
    struct sim_text out = { 0 };
    bool is_account = strcmp(channel, "account") == 0;
    bool is_positions = strcmp(channel, "positions") == 0;

    if (!is_account && !is_positions && strcmp(channel, "balance_and_position") != 0)
        return;
    add_arg(&out,
            is_account     ? state->account_arg
            : is_positions ? state->positions
                           : state->balance_and_position,
            state->account);
    if (is_account || is_positions)
        sim_textf(&out, ",\"eventType\":\"snapshot\",\"curPage\":1,\"lastPage\":true");
    sim_textf(&out, ",\"data\":[");
    if (is_account) {
        osim_balance_row(osim, state->account, NULL, &out);
    } else if (is_positions) {
        add_positions(osim, state->account, &out);
    } else {
        sim_textf(&out, "{\"eventType\":\"snapshot\"");
        osim_pair_ms(&out, "pTime", osim->sim->now_ns);
        sim_textf(&out, ",\"balData\":[");
        osim_balance_details(osim, state->account, NULL, &out);
        sim_textf(&out, "],\"posData\":[");
        add_positions(osim, state->account, &out);
        sim_textf(&out, "],\"trades\":[]}");
    }
    sim_textf(&out, "]}");
    osim_send(ws, SIM_PRIVATE, &out);
    sim_text_free(&out);
}

void osim_private_regular(struct osim *osim)
{
    for (struct sim_ws *ws = osim->sim->first_ws; ws; ws = ws->next) {
        const struct osim_ws *state = ws->state;
        if (*state->account_arg && !state->has_account_events_only)
            osim_private_snapshot(osim, ws, "account");
        if (*state->positions)
            osim_private_snapshot(osim, ws, "positions");
    }
}
