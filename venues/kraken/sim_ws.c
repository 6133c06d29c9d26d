/* WebSocket v2 requests: ping, subscriptions, trading (2, 6). */
#include "venues/kraken/sim_kraken.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void kraken_send(struct sim_ws *ws, enum sim_what what, const struct sim_text *text)
{
    ((struct kraken_ws *)ws->state)->last_sent_ns = ws->sim->now_ns;
    sim_ws_send(ws, what, text->at, text->len);
}

void kraken_ws_tail(struct kraken *kraken, struct sim_text *out, const cJSON *message)
{
    const cJSON *id = cJSON_GetObjectItemCaseSensitive(message, "req_id");
    char when[40];

    sim_wall_text(kraken->sim->now_ns, 6, when);
    if (cJSON_IsNumber(id))
        sim_textf(out, ",\"req_id\":%.0f", id->valuedouble);
    sim_textf(out, ",\"time_in\":\"%s\",\"time_out\":\"%s\"}", when, when);
}

struct call {
    struct kraken *kraken;
    struct sim_ws *ws;
    const cJSON *message, *params;
    const char *method;
    uint32_t account;
};

/* result is the members of "result", NULL with an error. */
static void answer(const struct call *call, const char *error, const char *result)
{
    struct sim_text out = { 0 };

    sim_textf(&out, "{\"method\":\"%s\"", call->method);
    if (error) {
        sim_textf(&out, ",\"success\":false,\"error\":");
        sim_text_string(&out, error);
    } else {
        sim_textf(&out, ",\"result\":{%s},\"success\":true", result);
    }
    kraken_ws_tail(call->kraken, &out, call->message);
    kraken_send(call->ws, SIM_ORDER_ACK, &out);
    sim_text_free(&out);
}

static const char *text_member(const cJSON *params, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(params, name));
}

/* A JSON number at EXCHANGE_EXP. false: there, but not a number; text is not one. */
static bool number_member(const cJSON *params, const char *name, int64_t *out)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(params, name);

    *out = 0;
    if (!value)
        return true;
    if (!cJSON_IsNumber(value) || fabs(value->valuedouble) > 9e10)
        return false;
    *out = llround(value->valuedouble * (double)EXCHANGE_ONE);
    return true;
}

static bool time_member(const cJSON *params, const char *name, int64_t *out)
{
    const char *text = text_member(params, name);

    *out = 0;
    return !text || kraken_time_of(text, out);
}

static const char *read_side(const cJSON *params, struct kraken_order_request *out)
{
    const char *side = text_member(params, "side");

    if (!side || (strcmp(side, "buy") != 0 && strcmp(side, "sell") != 0))
        return "EGeneral:Invalid arguments:side";
    out->side = strcmp(side, "buy") == 0 ? SIDE_BUY : SIDE_SELL;
    return NULL;
}

static const char *read_kind(const cJSON *params, struct kraken_order_request *out)
{
    const char *type = text_member(params, "order_type"),
               *tif = text_member(params, "time_in_force");
    const char *stp = text_member(params, "stp_type");

    if (!type || (strcmp(type, "limit") != 0 && strcmp(type, "market") != 0))
        return "EGeneral:Invalid arguments:ordertype";
    out->type = strcmp(type, "limit") == 0 ? ORDER_LIMIT : ORDER_MARKET;
    if (!tif || strcasecmp(tif, "gtc") == 0 || strcasecmp(tif, "gtd") == 0)
        out->time_in_force = TIF_GTC;
    else if (strcasecmp(tif, "ioc") == 0)
        out->time_in_force = TIF_IOC;
    else
        return "EGeneral:Invalid arguments:timeinforce";
    out->stp = !stp || strcmp(stp, "cancel_newest") == 0 ? STP_EXPIRE_TAKER
               : strcmp(stp, "cancel_oldest") == 0       ? STP_EXPIRE_MAKER
                                                         : STP_EXPIRE_BOTH;
    return NULL;
}

static const char *read_order(const struct call *call, const cJSON *params, const char *symbol,
                              struct kraken_order_request *out)
{
    const cJSON *userref = cJSON_GetObjectItemCaseSensitive(params, "order_userref");
    const char *error;

    *out = (struct kraken_order_request){ .account = call->account,
                                          .client_id = text_member(params, "cl_ord_id") };
    out->instrument =
        symbol ? exchange_instrument(call->kraken->sim->exchange, INSTRUMENT_SPOT, symbol)
               : EXCHANGE_NONE;
    if (out->instrument == EXCHANGE_NONE)
        return "EQuery:Unknown asset pair";
    error = read_side(params, out);
    if (!error)
        error = read_kind(params, out);
    if (!error && !number_member(params, "limit_price", &out->price))
        error = "Limit_price field must be a number_float";
    if (!error && !number_member(params, "order_qty", &out->qty))
        error = "Order_qty field must be a number_float";
    if (!error && !number_member(params, "cash_order_qty", &out->quote_qty))
        error = "Cash_order_qty field must be a number_float";
    if (!error && (!time_member(params, "deadline", &out->deadline_ns) ||
                   !time_member(params, "expire_time", &out->expires_ns)))
        error = "EGeneral:Invalid arguments:deadline";
    out->userref = cJSON_IsNumber(userref) ? (int32_t)userref->valuedouble : 0;
    out->is_post_only = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(params, "post_only"));
    out->is_validate = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(params, "validate"));
    return error;
}

/* Events of some orders reach the stream before the answer does, as the venue says they may. */
static void flush_before(const struct call *call, const struct exchange_order *order)
{
    if (order && order->id % 4 == 0)
        kraken_private_flush(call->kraken);
}

static void add_order(const struct call *call)
{
    struct kraken_order_request request;
    const struct exchange_order *order = NULL;
    const char *fault = NULL;
    char result[160], txid[KRAKEN_TXID_LEN + 1];
    bool after = false;
    const char *error =
        read_order(call, call->params, text_member(call->params, "symbol"), &request);

    if (!error && kraken_fault(call->kraken, &fault, &after) && !after)
        error = fault;
    if (!error)
        error = kraken_place(call->kraken, &request, &order);
    if (!error)
        error = fault;
    if (error || !order) {
        answer(call, error ? error : "", NULL);
        return;
    }
    kraken_txid('O', order->id, txid);
    if (order->client_id[0])
        snprintf(result, sizeof result, "\"order_id\":\"%s\",\"cl_ord_id\":\"%s\"", txid,
                 order->client_id);
    else
        snprintf(result, sizeof result, "\"order_id\":\"%s\",\"order_userref\":%d", txid,
                 (int)request.userref);
    flush_before(call, order);
    answer(call, NULL, result);
}

static void amend_order(const struct call *call)
{
    const struct exchange_order *order =
        kraken_order_of(call->kraken, call->account, text_member(call->params, "order_id"),
                        text_member(call->params, "cl_ord_id"));
    const char *error = NULL;
    char amend_id[KRAKEN_TXID_LEN + 1], result[128];
    int64_t price, qty, deadline;
    bool after;

    if (!number_member(call->params, "limit_price", &price))
        error = "Limit_price field must be a number_float";
    else if (!number_member(call->params, "order_qty", &qty))
        error = "Order_qty field must be a number_float";
    else if (!time_member(call->params, "deadline", &deadline))
        error = "EGeneral:Invalid arguments:deadline";
    else if (deadline && call->kraken->sim->now_ns > deadline)
        error = "EService:Deadline elapsed";
    if (!error && (!kraken_fault(call->kraken, &error, &after) || after)) {
        const char *fault = error;

        error = kraken_amend(call->kraken, call->account, order, price, qty);
        error = error ? error : fault;
    }
    if (error) {
        answer(call, error, NULL);
        return;
    }
    kraken_txid('T', sim_random(&call->kraken->random) >> 1, amend_id);
    snprintf(result, sizeof result, "\"amend_id\":\"%s\",\"%s\":\"%s\"", amend_id,
             order->client_id[0] ? "cl_ord_id" : "order_id",
             order->client_id[0] ? order->client_id : text_member(call->params, "order_id"));
    answer(call, NULL, result);
}

/* One answer per order, all with the same req_id (6.5). */
static void cancel_one(const struct call *call, const char *txid, const char *client_id)
{
    const struct exchange_order *order =
        kraken_order_of(call->kraken, call->account, txid, client_id);
    const char *error = NULL;
    char result[128];
    bool after;

    if (!kraken_fault(call->kraken, &error, &after) || after) {
        const char *fault = error;

        error = kraken_cancel(call->kraken, call->account, order);
        error = error ? error : fault;
    }
    snprintf(result, sizeof result, "\"%s\":\"%s\"", txid ? "order_id" : "cl_ord_id",
             txid ? txid : client_id);
    flush_before(call, order);
    answer(call, error, result);
}

static void cancel_order(const struct call *call)
{
    const cJSON *ids = cJSON_GetObjectItemCaseSensitive(call->params, "order_id");
    const cJSON *clients = cJSON_GetObjectItemCaseSensitive(call->params, "cl_ord_id"), *id;
    const cJSON *list = ids ? ids : clients;

    if (!cJSON_IsArray(ids) == !cJSON_IsArray(clients)) {
        answer(call, "EGeneral:Invalid arguments", NULL);
        return;
    }
    cJSON_ArrayForEach(id, list)
    {
        if (cJSON_IsString(id))
            cancel_one(call, ids ? id->valuestring : NULL, ids ? NULL : id->valuestring);
    }
}

static void cancel_all(const struct call *call)
{
    const char *error = NULL;
    char result[64] = "";
    bool after;

    if (!kraken_fault(call->kraken, &error, &after) || after)
        snprintf(result, sizeof result, "\"count\":%u",
                 exchange_cancel_all(call->kraken->sim->exchange, call->account, EXCHANGE_NONE,
                                     CAUSE_REQUESTED, call->kraken->sim->now_ns));
    answer(call, error, result);
}

static void cancel_all_after(const struct call *call)
{
    const cJSON *timeout = cJSON_GetObjectItemCaseSensitive(call->params, "timeout");
    int64_t now_ns = call->kraken->sim->now_ns;
    char now[40], then[40], result[128];

    if (!cJSON_IsNumber(timeout) || timeout->valuedouble < 0 || timeout->valuedouble >= 86400) {
        answer(call, "EGeneral:Invalid arguments:timeout", NULL);
        return;
    }
    int64_t at_ns =
        timeout->valuedouble > 0 ? now_ns + (int64_t)timeout->valuedouble * NS_PER_S : 0;
    call->kraken->members[call->account].dead_man_ns = at_ns;
    sim_wall_text(now_ns, 0, now);
    sim_wall_text(at_ns, 0, then);
    snprintf(result, sizeof result, "\"currentTime\":\"%s\",\"triggerTime\":\"%s\"", now,
             at_ns ? then : "0");
    answer(call, NULL, result);
}

static void batch_cancel(const struct call *call)
{
    const cJSON *orders = cJSON_GetObjectItemCaseSensitive(call->params, "orders");
    const cJSON *clients = cJSON_GetObjectItemCaseSensitive(call->params, "cl_ord_id"), *id;
    struct sim_text out = { 0 };
    unsigned count = 0;

    cJSON_ArrayForEach(id, orders) if (cJSON_IsString(id)) count +=
        !kraken_cancel(call->kraken, call->account,
                       kraken_order_of(call->kraken, call->account, id->valuestring, NULL));
    cJSON_ArrayForEach(id, clients) if (cJSON_IsString(id)) count +=
        !kraken_cancel(call->kraken, call->account,
                       kraken_order_of(call->kraken, call->account, NULL, id->valuestring));
    sim_textf(&out, "{\"method\":\"batch_cancel\",\"orders_cancelled\":%u,\"success\":true", count);
    kraken_ws_tail(call->kraken, &out, call->message);
    kraken_send(call->ws, SIM_ORDER_ACK, &out);
    sim_text_free(&out);
}

static const struct {
    const char *method;
    void (*run)(const struct call *call);
} trading[] = {
    { "add_order", add_order },
    { "amend_order", amend_order },
    { "cancel_order", cancel_order },
    { "cancel_all", cancel_all },
    { "cancel_all_orders_after", cancel_all_after },
    { "batch_cancel", batch_cancel },
};

static bool run_trading(struct call *call)
{
    const char *token = text_member(call->params, "token");

    for (size_t i = 0; i < COUNT(trading); i++) {
        if (strcmp(trading[i].method, call->method) != 0)
            continue;
        call->account = token && call->ws->listener == 1
                            ? kraken_token_account(call->kraken, token, false)
                            : EXCHANGE_NONE;
        if (call->account == EXCHANGE_NONE)
            answer(call, token ? "ESession:Invalid session" : "Token(s) not found", NULL);
        else
            trading[i].run(call);
        return true;
    }
    return false;
}

static void pong(const struct call *call)
{
    struct sim_text out = { 0 };

    sim_textf(&out, "{\"method\":\"pong\"");
    kraken_ws_tail(call->kraken, &out, call->message);
    kraken_send(call->ws, SIM_ANSWER, &out);
    sim_text_free(&out);
}

void kraken_ws_frame(struct sim *sim, struct sim_ws *ws, const char *frame, size_t len)
{
    struct kraken *kraken = sim->state;
    cJSON *message = cJSON_ParseWithLength(frame, len);
    struct call call = { .kraken = kraken,
                         .ws = ws,
                         .message = message,
                         .params = cJSON_GetObjectItemCaseSensitive(message, "params"),
                         .method = text_member(message, "method") };
    bool is_subscribe = call.method && strcmp(call.method, "subscribe") == 0;
    bool is_known = true;

    ((struct kraken_ws *)ws->state)->last_received_ns = sim->now_ns;
    if (!call.method)
        is_known = false;
    else if (strcmp(call.method, "ping") == 0)
        pong(&call);
    else if (is_subscribe || strcmp(call.method, "unsubscribe") == 0)
        is_known = kraken_public_subscribe(kraken, ws, message, is_subscribe) ||
                   kraken_private_subscribe(kraken, ws, message, is_subscribe);
    else
        is_known = run_trading(&call);
    if (!is_known) {
        call.method = call.method ? call.method : "error";
        answer(&call, "Unsupported event", NULL);
    }
    kraken_private_flush(kraken);
    cJSON_Delete(message);
}
