/* sim_futures_orders.c - operations on orders: place, modify, cancel, countdown, query. */
#include "venues/binance_futures/sim_futures.h"

#include <stdio.h>
#include <string.h>

/* ---- reading a new order ---- */

struct wish {
    struct exchange_request request;
    char client_id[EXCHANGE_CLIENT_ID_MAX];
    bool is_result; /* newOrderRespType=RESULT */
};

static bool read_client_id(struct call *call, char out[EXCHANGE_CLIENT_ID_MAX])
{
    static const char legal[] = ".ABCDEFGHIJKLMNOPQRSTUVWXYZ:/abcdefghijklmnopqrstuvwxyz"
                                "0123456789_-";
    const char *text = bsim_params_get(&call->params, "newClientOrderId");
    char made[23];

    if (!text) {
        bsim_random_id(call->state, made);
        snprintf(out, EXCHANGE_CLIENT_ID_MAX, "%s", made);
        return true;
    }
    if (strlen(text) > 36 || strspn(text, legal) != strlen(text)) {
        bsim_call_error(call, 400, -4015, "Client order id is not valid.");
        return false;
    }
    snprintf(out, EXCHANGE_CLIENT_ID_MAX, "%s", text);
    return true;
}

static bool is_true(const char *text)
{
    return text && (strcmp(text, "true") == 0 || strcmp(text, "TRUE") == 0);
}

/* A decimal that has no more digits than the venue takes. */
static bool read_number(struct call *call, const char *name, int decimals, int64_t *out)
{
    const char *text = bsim_params_get(&call->params, name);
    const char *point = text ? strchr(text, '.') : NULL;
    size_t digits = point ? strlen(point + 1) : 0;

    while (point && digits > 0 && point[digits] == '0')
        digits--;
    if (!bsim_call_decimal(call, name, true, out, NULL))
        return false;
    if (digits > (size_t)decimals) {
        bsim_call_error(call, 400, -1111, "Precision is over the maximum defined for this asset.");
        return false;
    }
    return true;
}

static bool read_position_side(struct call *call)
{
    const char *side = bsim_params_get(&call->params, "positionSide");
    bool is_hedge = call->sim->exchange->accounts[call->account].is_hedge_mode;

    if (side && strcmp(side, "BOTH") != 0 && strcmp(side, "LONG") != 0 &&
        strcmp(side, "SHORT") != 0) {
        bsim_call_error(call, 400, -4060, "Invalid position side.");
        return false;
    }
    if ((!side || strcmp(side, "BOTH") == 0) == !is_hedge)
        return true;
    bsim_call_error(call, 400, -4061, "Order's position side does not match user's setting.");
    return false;
}

static bool read_limit(struct call *call, struct exchange_request *request,
                       const struct exchange_instrument *of)
{
    static const struct {
        const char *word;
        wire_time_in_force tif;
    } words[] = { { "GTC", TIF_GTC }, { "IOC", TIF_IOC }, { "FOK", TIF_FOK }, { "GTX", TIF_GTC } };
    const char *tif = bsim_call_required(call, "timeInForce");

    if (!tif)
        return false;
    for (size_t i = 0; i < COUNT(words); i++)
        if (strcmp(tif, words[i].word) == 0)
            request->time_in_force = words[i].tif;
    request->is_post_only = strcmp(tif, "GTX") == 0;
    if (request->time_in_force == TIF_NONE) {
        bsim_call_error(call, 400, -1115, "Invalid timeInForce.");
        return false;
    }
    return read_number(call, "quantity", of->config.qty_decimals, &request->qty) &&
           read_number(call, "price", of->config.price_decimals, &request->price);
}

static bool read_type(struct call *call, struct exchange_request *request)
{
    static const char *const conditional[] = { "STOP", "STOP_MARKET", "TAKE_PROFIT",
                                               "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET" };
    const struct exchange_instrument *of = &call->sim->exchange->instruments[request->instrument];
    const char *type = bsim_call_required(call, "type");

    if (!type)
        return false;
    for (size_t i = 0; i < COUNT(conditional); i++)
        if (strcmp(type, conditional[i]) == 0) {
            bsim_call_error(call, 400, -4120,
                            "Order type not supported for this endpoint. Please use the Algo "
                            "Order API endpoints instead.");
            return false;
        }
    if (strcmp(type, "MARKET") == 0) {
        request->type = ORDER_MARKET;
        request->time_in_force = TIF_IOC;
        if (!bsim_params_get(&call->params, "price") &&
            !bsim_params_get(&call->params, "timeInForce"))
            return read_number(call, "quantity", of->config.qty_decimals, &request->qty);
        bsim_call_error(call, 400, -1106, "Parameter 'timeInForce' sent when not required.");
        return false;
    }
    if (strcmp(type, "LIMIT") != 0) {
        bsim_call_error(call, 400, -1116, "Invalid orderType.");
        return false;
    }
    request->type = ORDER_LIMIT;
    return read_limit(call, request, of);
}

static bool read_stp(struct call *call, struct exchange_request *request)
{
    const char *text = bsim_params_get(&call->params, "selfTradePreventionMode");

    request->stp = call->ws ? STP_NONE : STP_EXPIRE_MAKER;
    if (!text)
        return true;
    for (unsigned stp = STP_NONE; stp <= STP_EXPIRE_BOTH; stp++)
        if (strcmp(text, bsim_stp_text((enum match_stp)stp)) == 0) {
            request->stp = (enum match_stp)stp;
            return true;
        }
    bsim_call_error(call, 400, -5039, "Invalid self trade prevention mode.");
    return false;
}

static bool read_response(struct call *call, struct wish *wish)
{
    const char *text = bsim_params_get(&call->params, "newOrderRespType");

    wish->is_result = text && strcmp(text, "RESULT") == 0;
    if (!text || wish->is_result || strcmp(text, "ACK") == 0)
        return true;
    bsim_call_error(call, 400, -1116, "Invalid newOrderRespType.");
    return false;
}

static bool read_wish(struct call *call, struct wish *wish)
{
    const char *match = bsim_params_get(&call->params, "priceMatch");

    *wish = (struct wish){ .request = { .account = call->account } };
    if (match && strcmp(match, "NONE") != 0) {
        bsim_call_error(call, 400, -5037, "Invalid price match");
        return false;
    }
    if (!bsim_call_symbol(call, &wish->request.instrument) ||
        !bsim_call_side(call, &wish->request.side) || !read_position_side(call) ||
        !read_type(call, &wish->request) || !read_stp(call, &wish->request) ||
        !read_response(call, wish) || !read_client_id(call, wish->client_id))
        return false;
    wish->request.is_reduce_only = is_true(bsim_params_get(&call->params, "reduceOnly"));
    wish->request.client_id = wish->client_id;
    return true;
}

static void count_order(struct call *call)
{
    call->state->limits[call->account].orders_10s.used++;
    call->state->limits[call->account].orders_long.used++;
}

void fsim_run_place(struct call *call)
{
    const struct exchange_order *order = NULL;
    struct wish wish;

    if (!read_wish(call, &wish) || !bsim_call_all_read(call))
        return;
    call->is_order_action = true;
    enum exchange_cause cause =
        exchange_place(call->sim->exchange, &wish.request, call->sim->now_ns, &order);
    if (cause == CAUSE_PRICE_BAND && wish.request.side == SIDE_SELL) {
        bsim_call_error(call, 400, -4024,
                        "Limit price can't be lower than the allowed multiple of the mark price.");
        return;
    }
    if (cause) {
        bsim_call_cause(call, cause, false);
        return;
    }
    count_order(call);
    /* An acknowledgement knows of no fill; RESULT only of those that end the order at once. */
    bool is_ended_at_once = order->type == ORDER_MARKET || wish.request.time_in_force != TIF_GTC;
    fsim_json_order(call->out, call->sim, order, false, !wish.is_result || !is_ended_at_once);
}

void fsim_run_test(struct call *call)
{
    struct wish wish;

    if (!read_wish(call, &wish) || !bsim_call_all_read(call))
        return;
    enum exchange_cause cause =
        exchange_test(call->sim->exchange, &wish.request, call->sim->now_ns);
    if (cause && cause != CAUSE_MARGIN && cause != CAUSE_WOULD_TAKE &&
        cause != CAUSE_DUPLICATE_CLIENT_ID && cause != CAUSE_NO_LIQUIDITY)
        bsim_call_cause(call, cause, false);
    else
        sim_textf(call->out, "{}");
}

/* ---- modify ---- */

/* What makes the venue cancel the order instead of changing it. */
static bool is_cancelled_by(enum exchange_cause cause, const struct exchange_order *order,
                            int64_t qty)
{
    return cause == CAUSE_AMEND_FILLED || (cause == CAUSE_WOULD_TAKE && order->is_post_only) ||
           (order->filled_qty > 0 && qty <= order->filled_qty);
}

void fsim_run_modify(struct call *call)
{
    struct exchange *exchange = call->sim->exchange;
    uint32_t instrument;
    int64_t price = 0, qty = 0;
    bool is_answered;
    wire_side side;

    if (!bsim_call_symbol(call, &instrument) || !bsim_call_side(call, &side) ||
        !read_number(call, "quantity", exchange->instruments[instrument].config.qty_decimals,
                     &qty) ||
        !read_number(call, "price", exchange->instruments[instrument].config.price_decimals,
                     &price))
        return;
    (void)bsim_params_get(&call->params, "modifyId");
    (void)bsim_params_get(&call->params, "positionSide");
    const struct exchange_order *order =
        bsim_call_target(call, instrument, "orderId", "origClientOrderId", &is_answered);
    if (is_answered || !bsim_call_all_read(call))
        return;
    call->is_order_action = true;
    if (!order || !exchange_is_open(order)) {
        bsim_call_cause(call, CAUSE_UNKNOWN_ORDER, false);
        return;
    }
    if (side != order->match.side) {
        bsim_call_error(call, 400, -5025, "Only limit orders of the same side can be modified.");
        return;
    }
    enum exchange_cause cause = exchange_amend(exchange, call->account, order->id, price, qty, NULL,
                                               false, call->sim->now_ns);
    if (is_cancelled_by(cause, order, qty))
        cause =
            exchange_cancel(exchange, call->account, order->id, CAUSE_REQUESTED, call->sim->now_ns);
    if (cause) {
        bsim_call_cause(call, cause, false);
        return;
    }
    count_order(call);
    fsim_json_order(call->out, call->sim, order, false, false);
}

/* ---- cancel ---- */

void fsim_run_cancel(struct call *call)
{
    uint32_t instrument;
    bool is_answered;

    if (!bsim_call_symbol(call, &instrument))
        return;
    const struct exchange_order *order =
        bsim_call_target(call, instrument, "orderId", "origClientOrderId", &is_answered);
    if (is_answered || !bsim_call_all_read(call))
        return;
    call->is_order_action = true;
    enum exchange_cause cause = order
                                    ? exchange_cancel(call->sim->exchange, call->account, order->id,
                                                      CAUSE_REQUESTED, call->sim->now_ns)
                                    : CAUSE_UNKNOWN_ORDER;
    if (cause)
        bsim_call_cause(call, cause, true);
    else
        fsim_json_order(call->out, call->sim, order, false, false);
}

void fsim_run_cancel_all(struct call *call)
{
    uint32_t instrument;

    if (!bsim_call_symbol(call, &instrument) || !bsim_call_all_read(call))
        return;
    call->is_order_action = true;
    (void)exchange_cancel_all(call->sim->exchange, call->account, instrument, CAUSE_REQUESTED,
                              call->sim->now_ns);
    sim_textf(call->out,
              "{\"code\":200,\"msg\":\"The operation of cancel all open order is done.\"}");
}

void fsim_run_countdown(struct call *call)
{
    struct futures *state = call->sim->state;
    uint32_t instrument;
    int64_t countdown = 0;

    if (!bsim_call_symbol(call, &instrument) || !bsim_call_required(call, "countdownTime") ||
        !bsim_call_integer(call, "countdownTime", 0, INT32_MAX, &countdown, NULL) ||
        !bsim_call_all_read(call))
        return;
    state->countdown_ns[call->account][instrument] =
        countdown ? call->sim->now_ns + countdown * NS_PER_MS : 0;
    sim_textf(call->out, "{\"symbol\":\"%s\",\"countdownTime\":\"%lld\"}",
              call->sim->exchange->instruments[instrument].config.symbol, (long long)countdown);
}

/* ---- queries ---- */

static void query(struct call *call, bool is_open_only)
{
    uint32_t instrument;
    bool is_answered;

    if (!bsim_call_symbol(call, &instrument))
        return;
    const struct exchange_order *order =
        bsim_call_target(call, instrument, "orderId", "origClientOrderId", &is_answered);
    if (is_answered || !bsim_call_all_read(call))
        return;
    if (!order || (is_open_only && !exchange_is_open(order)))
        bsim_call_error(call, 400, -2013, "Order does not exist.");
    else
        fsim_json_order(call->out, call->sim, order, true, false);
}

void fsim_run_query(struct call *call)
{
    query(call, false);
}

void fsim_run_open_order(struct call *call)
{
    query(call, true);
}

void fsim_run_open_orders(struct call *call)
{
    uint32_t instrument = EXCHANGE_NONE;
    bool is_first = true;

    if (bsim_params_get(&call->params, "symbol") && !bsim_call_symbol(call, &instrument))
        return;
    if (!bsim_call_all_read(call))
        return;
    if (instrument == EXCHANGE_NONE)
        call->state->weight.used += 39;
    sim_textf(call->out, "[");
    for (const struct exchange_order *order =
             call->sim->exchange->accounts[call->account].first_open;
         order; order = order->next_of_account) {
        if (instrument != EXCHANGE_NONE && order->instrument != instrument)
            continue;
        sim_textf(call->out, "%s", is_first ? "" : ",");
        fsim_json_order(call->out, call->sim, order, true, false);
        is_first = false;
    }
    sim_textf(call->out, "]");
}

void fsim_run_all_orders(struct call *call)
{
    const struct exchange_order *order;
    struct page page;
    uint32_t instrument, cursor = 0;
    int64_t written = 0;

    if (!bsim_call_symbol(call, &instrument) || !bsim_call_page(call, "orderId", 7, &page) ||
        !bsim_call_all_read(call))
        return;
    sim_textf(call->out, "[");
    while (written < page.limit &&
           (order = exchange_next_order(call->sim->exchange, call->account, &cursor))) {
        if (order->instrument != instrument || (int64_t)order->id < page.from_id ||
            !bsim_page_has_time(&page, order->created_ns))
            continue;
        sim_textf(call->out, "%s", written++ ? "," : "");
        fsim_json_order(call->out, call->sim, order, true, false);
    }
    sim_textf(call->out, "]");
}

static void json_trade(struct call *call, const struct exchange_execution *execution)
{
    const struct exchange *exchange = call->sim->exchange;
    const struct exchange_instrument *of = &exchange->instruments[execution->instrument];
    struct sim_text *out = call->out;

    sim_textf(out,
              "{\"symbol\":\"%s\",\"id\":%llu,\"orderId\":%llu,\"side\":\"%s\","
              "\"positionSide\":\"BOTH\",\"buyer\":%s,\"maker\":%s,\"commissionAsset\":\"%s\","
              "\"time\":%lld",
              of->config.symbol, (unsigned long long)execution->trade_id,
              (unsigned long long)exchange->orders[execution->order].id,
              execution->side == SIDE_BUY ? "BUY" : "SELL",
              execution->side == SIDE_BUY ? "true" : "false",
              execution->is_maker ? "true" : "false", exchange->assets[execution->fee_asset],
              (long long)bsim_ms_of(execution->at_ns));
    fsim_price(out, of, "price", execution->price);
    fsim_qty(out, of, "qty", execution->qty);
    fsim_member(out, "quoteQty", execution->quote, 8);
    fsim_member(out, "commission", execution->fee, 8);
    fsim_member(out, "realizedPnl", execution->realised_pnl, 8);
    sim_textf(out, "}");
}

void fsim_run_user_trades(struct call *call)
{
    const struct exchange *exchange = call->sim->exchange;
    struct page page;
    uint32_t instrument;
    int64_t order_id = 0, count = 0, written = 0, skipped = 0;
    bool has_order = false;

    if (!bsim_call_symbol(call, &instrument) || !bsim_call_page(call, "fromId", 7, &page) ||
        !bsim_call_integer(call, "orderId", 0, INT64_MAX, &order_id, &has_order) ||
        !bsim_call_all_read(call))
        return;
    /* A time alone is the begin of a window of a week; an id excludes times. */
    if (page.has_start && !page.has_end)
        page.end_ms = page.start_ms + INT64_C(7) * 86400 * 1000;
    if (page.has_from && (page.has_start || page.has_end)) {
        bsim_call_error(call, 400, -1128, "Combination of optional parameters invalid.");
        return;
    }
    sim_textf(call->out, "[");
    for (int pass = 0; pass < 2; pass++) {
        bool is_newest = !page.has_from && !page.has_start;
        int64_t skip = is_newest ? MAX(0, count - page.limit) : 0;
        for (uint32_t i = 0; i < exchange->execution_count && written < page.limit; i++) {
            const struct exchange_execution *e = &exchange->executions[i];
            if (e->account != call->account || e->instrument != instrument ||
                (int64_t)e->trade_id < page.from_id || !bsim_page_has_time(&page, e->at_ns) ||
                (has_order && exchange->orders[e->order].id != (uint64_t)order_id))
                continue;
            if (pass == 0) {
                count++;
            } else if (skipped++ >= skip) {
                sim_textf(call->out, "%s", written++ ? "," : "");
                json_trade(call, e);
            }
        }
    }
    sim_textf(call->out, "]");
}
