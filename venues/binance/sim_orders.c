/* sim_orders.c - operations on orders: place, cancel, replace, amend, query. */
#include "venues/binance/sim_binance.h"

#include <stdio.h>
#include <string.h>

enum response { RESPONSE_ACK, RESPONSE_RESULT, RESPONSE_FULL };

/* A new order as asked for. */
struct wish {
    struct exchange_request request;
    char client_id[EXCHANGE_CLIENT_ID_MAX];
    enum response response;
};

/* ---- reading ---- */

static bool client_id_is_legal(const char *id)
{
    size_t len = strlen(id);

    return len >= 1 && len <= 36 &&
           strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == len;
}

/* An optional client id: generated when absent. */
static bool read_client_id(struct call *call, const char *name, char out[EXCHANGE_CLIENT_ID_MAX])
{
    const char *text = bsim_params_get(&call->params, name);
    char made[23];

    if (!text) {
        bsim_random_id(call->state, made);
        snprintf(out, EXCHANGE_CLIENT_ID_MAX, "%s", made);
        return true;
    }
    if (!client_id_is_legal(text)) {
        bsim_call_error(call, 400, -1100,
                        "Illegal characters found in parameter '%s'; legal range is "
                        "'^[a-zA-Z0-9-_]{1,36}$'.",
                        name);
        return false;
    }
    snprintf(out, EXCHANGE_CLIENT_ID_MAX, "%s", text);
    return true;
}

static bool refuse_unneeded(struct call *call, const char *name)
{
    if (!bsim_params_get(&call->params, name))
        return true;
    bsim_call_error(call, 400, -1106, "Parameter '%s' sent when not required.", name);
    return false;
}

static bool read_limit(struct call *call, struct exchange_request *request)
{
    const char *tif;

    if (!request->is_post_only) {
        if (!(tif = bsim_call_required(call, "timeInForce")))
            return false;
        if (strcmp(tif, "GTC") == 0) {
            request->time_in_force = TIF_GTC;
        } else if (strcmp(tif, "IOC") == 0) {
            request->time_in_force = TIF_IOC;
        } else if (strcmp(tif, "FOK") == 0) {
            request->time_in_force = TIF_FOK;
        } else {
            bsim_call_error(call, 400, -1115, "Invalid timeInForce.");
            return false;
        }
    } else {
        request->time_in_force = TIF_GTC;
        if (!refuse_unneeded(call, "timeInForce"))
            return false;
    }
    return bsim_call_decimal(call, "quantity", true, &request->qty, NULL) &&
           bsim_call_decimal(call, "price", true, &request->price, NULL) &&
           refuse_unneeded(call, "quoteOrderQty");
}

static bool read_market(struct call *call, struct exchange_request *request)
{
    bool has_qty = false, has_quote = false;

    request->time_in_force = TIF_IOC;
    if (!refuse_unneeded(call, "timeInForce") || !refuse_unneeded(call, "price") ||
        !bsim_call_decimal(call, "quantity", false, &request->qty, &has_qty) ||
        !bsim_call_decimal(call, "quoteOrderQty", false, &request->quote_qty, &has_quote))
        return false;
    if (has_qty && has_quote) {
        bsim_call_error(call, 400, -1128, "Combination of optional parameters invalid.");
        return false;
    }
    if (!has_qty && !has_quote)
        (void)bsim_call_required(call, "quantity");
    return has_qty || has_quote;
}

static bool read_type(struct call *call, struct exchange_request *request)
{
    const char *type = bsim_call_required(call, "type");

    if (!type)
        return false;
    if (strcmp(type, "MARKET") == 0) {
        request->type = ORDER_MARKET;
        return read_market(call, request);
    }
    if (strcmp(type, "LIMIT") != 0 && strcmp(type, "LIMIT_MAKER") != 0) {
        bsim_call_error(call, 400, -1116, "Invalid orderType.");
        return false;
    }
    request->type = ORDER_LIMIT;
    request->is_post_only = strcmp(type, "LIMIT_MAKER") == 0;
    return read_limit(call, request);
}

static bool read_stp(struct call *call, struct exchange_request *request)
{
    const char *text = bsim_params_get(&call->params, "selfTradePreventionMode");

    request->stp = STP_EXPIRE_MAKER;
    if (!text)
        return true;
    /* NONE is not among the allowed ones. */
    for (unsigned stp = STP_EXPIRE_TAKER; stp <= STP_DECREMENT; stp++)
        if (strcmp(text, bsim_stp_text((enum match_stp)stp)) == 0) {
            request->stp = (enum match_stp)stp;
            return true;
        }
    bsim_call_error(call, 400, -1013,
                    "This symbol does not allow the specified self-trade prevention mode.");
    return false;
}

static bool read_response(struct call *call, struct wish *wish)
{
    const char *text = bsim_params_get(&call->params, "newOrderRespType");

    wish->response = wish->request.is_post_only ? RESPONSE_ACK : RESPONSE_FULL;
    if (!text)
        return true;
    if (strcmp(text, "ACK") == 0)
        wish->response = RESPONSE_ACK;
    else if (strcmp(text, "RESULT") == 0)
        wish->response = RESPONSE_RESULT;
    else if (strcmp(text, "FULL") == 0)
        wish->response = RESPONSE_FULL;
    else
        bsim_call_error(call, 400, -1145, "Invalid newOrderRespType.");
    return !call->is_error;
}

/* Reads all that describes a new order; answers what is wrong with it. */
static bool read_wish(struct call *call, struct wish *wish)
{
    *wish = (struct wish){ .request = { .account = call->account } };
    if (!bsim_call_symbol(call, &wish->request.instrument) ||
        !bsim_call_side(call, &wish->request.side) || !read_type(call, &wish->request) ||
        !read_stp(call, &wish->request) || !read_response(call, wish) ||
        !read_client_id(call, "newClientOrderId", wish->client_id) ||
        !bsim_call_integer(call, "strategyId", 0, INT64_MAX, &(int64_t){ 0 }, NULL) ||
        !bsim_call_integer(call, "strategyType", 1000000, INT32_MAX, &(int64_t){ 0 }, NULL))
        return false;
    wish->request.client_id = wish->client_id;
    return true;
}

/* ---- placing ---- */

static void json_fills(struct sim_text *out, const struct exchange *exchange,
                       const struct exchange_order *order)
{
    const struct exchange_execution *fill;
    bool is_first = true;

    sim_textf(out, ",\"fills\":[");
    for (uint32_t at = order->first_execution; (fill = exchange_execution(exchange, at));
         at = fill->next_of_order) {
        if (fill->is_maker)
            continue;
        sim_textf(out, "%s{\"price\":\"", is_first ? "" : ",");
        sim_text_decimal(out, fill->price, 8);
        sim_textf(out, "\",\"qty\":\"");
        sim_text_decimal(out, fill->qty, 8);
        sim_textf(out, "\",\"commission\":\"");
        sim_text_decimal(out, fill->fee, 8);
        sim_textf(out, "\",\"commissionAsset\":\"%s\",\"tradeId\":%llu}",
                  exchange->assets[fill->fee_asset], (unsigned long long)fill->trade_id);
        is_first = false;
    }
    sim_textf(out, "]");
}

static void json_placed(struct sim_text *out, const struct sim *sim,
                        const struct exchange_order *order, enum response response)
{
    if (response == RESPONSE_ACK) {
        sim_textf(out,
                  "{\"symbol\":\"%s\",\"orderId\":%llu,\"orderListId\":-1,\"clientOrderId\":\"%s\","
                  "\"transactTime\":%lld}",
                  sim->exchange->instruments[order->instrument].config.symbol,
                  (unsigned long long)order->id, order->client_id,
                  (long long)bsim_ms_of(order->created_ns));
        return;
    }
    bsim_json_order_head(out, sim, order);
    if (response == RESPONSE_FULL)
        json_fills(out, sim->exchange, order);
    sim_textf(out, "}");
}

static void count_order(struct call *call)
{
    call->state->limits[call->account].orders_10s.used++;
    call->state->limits[call->account].orders_long.used++;
}

static enum exchange_cause place(struct call *call, const struct wish *wish,
                                 const struct exchange_order **order)
{
    call->is_order_action = true;
    enum exchange_cause cause =
        exchange_place(call->sim->exchange, &wish->request, call->sim->now_ns, order);
    if (!cause)
        count_order(call);
    return cause;
}

void bsim_run_order_place(struct call *call)
{
    const struct exchange_order *order = NULL;
    struct wish wish;

    if (!read_wish(call, &wish) || !bsim_call_all_read(call))
        return;
    enum exchange_cause cause = place(call, &wish, &order);
    if (cause)
        bsim_call_cause(call, cause, false);
    else
        json_placed(call->out, call->sim, order, wish.response);
}

void bsim_run_order_test(struct call *call)
{
    struct wish wish;

    (void)bsim_params_get(&call->params, "computeCommissionRates");
    if (!read_wish(call, &wish) || !bsim_call_all_read(call))
        return;
    enum exchange_cause cause =
        exchange_test(call->sim->exchange, &wish.request, call->sim->now_ns);
    /* The engine is not asked: balance, duplicates and crossing are not seen by a test. */
    if (cause && cause != CAUSE_BALANCE && cause != CAUSE_WOULD_TAKE &&
        cause != CAUSE_DUPLICATE_CLIENT_ID && cause != CAUSE_NO_LIQUIDITY)
        bsim_call_cause(call, cause, false);
    else
        sim_textf(call->out, "{}");
}

/* ---- cancelling ---- */

enum restriction { ANY_STATE, ONLY_NEW, ONLY_PARTIALLY_FILLED };

static bool read_restriction(struct call *call, enum restriction *out)
{
    const char *text = bsim_params_get(&call->params, "cancelRestrictions");

    *out = ANY_STATE;
    if (!text)
        return true;
    if (strcmp(text, "ONLY_NEW") == 0)
        *out = ONLY_NEW;
    else if (strcmp(text, "ONLY_PARTIALLY_FILLED") == 0)
        *out = ONLY_PARTIALLY_FILLED;
    else
        bsim_call_error(call, 400, -1145, "Invalid cancelRestrictions.");
    return !call->is_error;
}

/* Cancels and writes the result, or the error's object. */
static bool cancel_to(struct call *call, const struct exchange_order *order, const char *cancel_id,
                      enum restriction restriction, struct sim_text *out)
{
    if (order && exchange_is_open(order) &&
        ((restriction == ONLY_NEW && order->state != EXCHANGE_NEW) ||
         (restriction == ONLY_PARTIALLY_FILLED && order->state != EXCHANGE_PARTIALLY_FILLED))) {
        sim_textf(out, "{\"code\":-2011,\"msg\":\"Order was not canceled due to cancel "
                       "restrictions.\"}");
        return false;
    }
    call->is_order_action = true;
    call->state->cancel_id = cancel_id;
    enum exchange_cause cause = order
                                    ? exchange_cancel(call->sim->exchange, call->account, order->id,
                                                      CAUSE_REQUESTED, call->sim->now_ns)
                                    : CAUSE_UNKNOWN_ORDER;
    call->state->cancel_id = NULL;
    if (cause)
        bsim_cause_json(call->state, out, cause, true);
    else
        bsim_json_cancelled(out, call->sim, order, cancel_id);
    return !cause;
}

void bsim_run_order_cancel(struct call *call)
{
    char cancel_id[EXCHANGE_CLIENT_ID_MAX];
    enum restriction restriction;
    uint32_t instrument;
    bool is_answered;

    if (!bsim_call_symbol(call, &instrument))
        return;
    const struct exchange_order *order =
        bsim_call_target(call, instrument, "orderId", "origClientOrderId", &is_answered);
    if (is_answered || !read_client_id(call, "newClientOrderId", cancel_id) ||
        !read_restriction(call, &restriction) || !bsim_call_all_read(call))
        return;
    if (!cancel_to(call, order, cancel_id, restriction, call->out)) {
        call->status = 400;
        call->is_error = true;
    }
}

void bsim_run_cancel_open_orders(struct call *call)
{
    const struct exchange_order *order;
    struct exchange *exchange = call->sim->exchange;
    uint32_t instrument;
    bool is_first = true;

    if (!bsim_call_symbol(call, &instrument) || !bsim_call_all_read(call))
        return;
    sim_textf(call->out, "[");
    for (order = exchange->accounts[call->account].first_open; order;) {
        const struct exchange_order *next = order->next_of_account;
        char cancel_id[23];
        if (order->instrument == instrument) {
            bsim_random_id(call->state, cancel_id);
            sim_textf(call->out, "%s", is_first ? "" : ",");
            (void)cancel_to(call, order, cancel_id, ANY_STATE, call->out);
            is_first = false;
        }
        order = next;
    }
    sim_textf(call->out, "]");
    call->is_order_action = true;
    if (is_first)
        bsim_call_cause(call, CAUSE_UNKNOWN_ORDER, true);
}

/* ---- cancel and replace ---- */

static bool is_filter(const struct binance *state, enum exchange_cause cause)
{
    const char *message;

    return cause != CAUSE_NONE && bsim_cause_code(state, cause, false, &message) == -1013;
}

/* The answer of the two halves; status and code as section 6A's table has them. */
static void write_replaced(struct call *call, bool is_cancelled, const char *cancel_json,
                           const char *new_result, const char *new_json)
{
    bool is_new = strcmp(new_result, "SUCCESS") == 0;
    struct sim_text *out = call->out;

    sim_text_clear(out);
    if (!is_cancelled || !is_new) {
        bool is_partial = is_cancelled || is_new;
        call->is_error = true;
        call->status = is_partial ? 409 : 400;
        sim_textf(out, "{\"code\":%d,\"msg\":\"%s\",\"data\":", is_partial ? -2021 : -2022,
                  is_partial ? "Order cancel-replace partially failed."
                             : "Order cancel-replace failed.");
    }
    sim_textf(out, "{\"cancelResult\":\"%s\",\"newOrderResult\":\"%s\",\"cancelResponse\":",
              is_cancelled ? "SUCCESS" : "FAILURE", new_result);
    sim_text_add(out, cancel_json, strlen(cancel_json));
    sim_textf(out, ",\"newOrderResponse\":");
    sim_text_add(out, new_json, strlen(new_json));
    sim_textf(out, "}%s", call->is_error ? "}" : "");
}

static bool read_replace_mode(struct call *call, bool *is_stopping)
{
    const char *mode = bsim_call_required(call, "cancelReplaceMode");

    (void)bsim_params_get(&call->params, "orderRateLimitExceededMode");
    if (!mode)
        return false;
    *is_stopping = strcmp(mode, "STOP_ON_FAILURE") == 0;
    if (!*is_stopping && strcmp(mode, "ALLOW_FAILURE") != 0)
        bsim_call_error(call, 400, -1145, "Invalid cancelReplaceMode.");
    return !call->is_error;
}

void bsim_run_order_cancel_replace(struct call *call)
{
    char cancel_id[EXCHANGE_CLIENT_ID_MAX];
    enum restriction restriction;
    bool is_stopping, is_answered;
    struct wish wish;
    struct sim_text cancelled = { 0 }, placed = { 0 };

    if (!read_replace_mode(call, &is_stopping) || !read_wish(call, &wish))
        return;
    const struct exchange_order *order = bsim_call_target(
        call, wish.request.instrument, "cancelOrderId", "cancelOrigClientOrderId", &is_answered);
    if (is_answered || !read_client_id(call, "cancelNewClientOrderId", cancel_id) ||
        !read_restriction(call, &restriction) || !bsim_call_all_read(call))
        return;
    /* Filters are looked at before anything is done. */
    enum exchange_cause cause =
        exchange_test(call->sim->exchange, &wish.request, call->sim->now_ns);
    if (is_filter(call->state, cause) && cause != CAUSE_MAX_ORDERS) {
        bsim_call_cause(call, cause, false);
        return;
    }
    bool is_cancelled = cancel_to(call, order, cancel_id, restriction, &cancelled);
    const char *result = "NOT_ATTEMPTED";
    if (is_cancelled || !is_stopping) {
        const struct exchange_order *fresh = NULL;
        cause = place(call, &wish, &fresh);
        result = cause ? "FAILURE" : "SUCCESS";
        if (cause)
            bsim_cause_json(call->state, &placed, cause, false);
        else
            json_placed(&placed, call->sim, fresh, wish.response);
    } else {
        count_order(call);
        sim_textf(&placed, "null");
    }
    write_replaced(call, is_cancelled, cancelled.at, result, placed.at);
    sim_text_free(&cancelled);
    sim_text_free(&placed);
}

/* ---- amending ---- */

static void json_amended(struct call *call, const struct exchange_order *order,
                         const char *previous)
{
    struct sim_text *out = call->out;

    sim_textf(out, "{\"transactTime\":%lld,\"executionId\":%llu,\"amendedOrder\":{",
              (long long)bsim_ms_of(order->updated_ns),
              (unsigned long long)call->state->next_report);
    sim_textf(out,
              "\"symbol\":\"%s\",\"orderId\":%llu,\"orderListId\":-1,\"origClientOrderId\":\"%s\","
              "\"clientOrderId\":\"%s\",\"price\":\"",
              call->sim->exchange->instruments[order->instrument].config.symbol,
              (unsigned long long)order->id, previous, order->client_id);
    sim_text_decimal(out, order->match.price, 8);
    sim_textf(out, "\",\"qty\":\"");
    sim_text_decimal(out, order->qty, 8);
    sim_textf(out, "\",\"executedQty\":\"");
    sim_text_decimal(out, order->filled_qty, 8);
    sim_textf(out, "\",\"preventedQty\":\"");
    sim_text_decimal(out, order->prevented_qty, 8);
    sim_textf(out, "\",\"quoteOrderQty\":\"0.00000000\",\"cumulativeQuoteQty\":\"");
    sim_text_decimal(out, order->filled_quote, 8);
    sim_textf(out,
              "\",\"status\":\"%s\",\"timeInForce\":\"%s\",\"type\":\"%s\",\"side\":\"%s\","
              "\"workingTime\":%lld,\"selfTradePreventionMode\":\"%s\"}}",
              bsim_order_status(order), bsim_order_tif(order), bsim_order_type(order),
              order->match.side == SIDE_BUY ? "BUY" : "SELL",
              (long long)bsim_ms_of(order->created_ns), bsim_stp_text(order->stp));
}

void bsim_run_order_amend(struct call *call)
{
    char client_id[EXCHANGE_CLIENT_ID_MAX], previous[EXCHANGE_CLIENT_ID_MAX];
    int64_t qty = 0;
    uint32_t instrument;
    bool is_answered;

    if (!bsim_call_symbol(call, &instrument))
        return;
    const struct exchange_order *order =
        bsim_call_target(call, instrument, "orderId", "origClientOrderId", &is_answered);
    if (is_answered || !read_client_id(call, "newClientOrderId", client_id) ||
        !bsim_call_decimal(call, "newQty", true, &qty, NULL) || !bsim_call_all_read(call))
        return;
    if (!order || !exchange_is_open(order)) {
        bsim_call_error(call, 400, -2038, "Unknown order sent.");
        return;
    }
    memcpy(previous, order->client_id, sizeof(previous));
    call->is_order_action = true;
    enum exchange_cause cause = exchange_amend(call->sim->exchange, call->account, order->id, 0,
                                               qty, client_id, true, call->sim->now_ns);
    if (cause)
        bsim_call_cause(call, cause, false);
    else
        json_amended(call, order, previous);
}
