/* sim_ws_api.c - the WebSocket API: requests in frames, sessions, user data subscriptions. */
#include "venues/binance/sim_binance.h"

#include <cjson/cJSON.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void bsim_ws_api_opened(struct sim *sim, struct sim_ws *ws)
{
    struct binance *state = sim->state;
    struct connection *connection = ws->state;
    char value[16];

    bsim_window_at(&state->weight, sim->now_ns);
    state->weight.used += state->product->api_weight;
    if (strcmp(ws->path, state->product->api_path) != 0)
        sim_ws_close(ws, 1008, "no such path");
    connection->are_limits_hidden =
        sim_param(ws->query, strlen(ws->query), "returnRateLimits", value, sizeof(value)) == 0 &&
        strcmp(value, "false") == 0;
}

/* ---- parameters and what the signature covers ---- */

static void add_json(struct params *params, const cJSON *item)
{
    char text[64];

    if (cJSON_IsString(item)) {
        bsim_params_add(params, item->string, item->valuestring, false);
    } else if (cJSON_IsBool(item)) {
        bsim_params_add(params, item->string, cJSON_IsTrue(item) ? "true" : "false", false);
    } else if (cJSON_IsNumber(item)) {
        double value = item->valuedouble;
        if (value >= -9e15 && value <= 9e15 && value == (double)(long long)value)
            snprintf(text, sizeof(text), "%lld", (long long)value);
        else
            snprintf(text, sizeof(text), "%.15g", value);
        bsim_params_add(params, item->string, text, true);
    } else if (cJSON_IsArray(item)) {
        char *list = cJSON_PrintUnformatted(item);
        bsim_params_add(params, item->string, list ? list : "", false);
        free(list);
    } else {
        bsim_params_add(params, item->string, "", false);
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const struct param *const *)a)->name, (*(const struct param *const *)b)->name);
}

/* name=value, sorted by name, without the signature. */
static void signed_text(const struct params *params, struct sim_text *out)
{
    const struct param *sorted[PARAMS_MAX];
    unsigned count = 0;

    for (unsigned i = 0; i < params->count; i++)
        if (strcmp(params->at[i].name, "signature") != 0)
            sorted[count++] = &params->at[i];
    qsort(sorted, count, sizeof(sorted[0]), by_name);
    sim_text_clear(out);
    for (unsigned i = 0; i < count; i++)
        sim_textf(out, "%s%s=%s", i ? "&" : "", sorted[i]->name, sorted[i]->value);
}

/* ---- answers ---- */

static void answer(struct call *call, const cJSON *id)
{
    const struct connection *connection = call->ws->state;
    const char *wants = bsim_params_get(&call->params, "returnRateLimits");
    bool is_hidden = wants ? strcmp(wants, "false") == 0 : connection->are_limits_hidden;
    char *id_text = id ? cJSON_PrintUnformatted(id) : NULL;
    struct sim_text frame = { 0 };

    sim_textf(&frame, "{\"id\":%s,\"status\":%d,\"%s\":", id_text ? id_text : "null", call->status,
              call->is_error ? "error" : "result");
    if (call->retry_ns) {
        /* The error's object, with data in it. */
        sim_text_add(&frame, call->out->at, call->out->len - 1);
        sim_textf(&frame, ",\"data\":{\"serverTime\":%lld,\"retryAfter\":%lld}}",
                  (long long)bsim_ms_of(call->sim->now_ns), (long long)bsim_ms_of(call->retry_ns));
    } else {
        sim_text_add(&frame, call->out->at, call->out->len);
    }
    if (!is_hidden) {
        sim_textf(&frame, ",\"rateLimits\":");
        bsim_json_rate_limits(&frame, call);
    }
    sim_textf(&frame, "}");
    sim_ws_send(call->ws, call->is_order_action ? SIM_ORDER_ACK : SIM_ANSWER, frame.at, frame.len);
    free(id_text);
    sim_text_free(&frame);
}

/* ---- sessions and subscriptions: only these know the connection ---- */

static void json_session(struct call *call)
{
    const struct connection *connection = call->ws->state;

    sim_textf(call->out,
              "{\"apiKey\":null,\"authorizedSince\":null,\"connectedSince\":%lld,"
              "\"returnRateLimits\":%s,\"serverTime\":%lld,\"userDataStream\":false}",
              (long long)bsim_ms_of(call->ws->opened_ns),
              connection->are_limits_hidden ? "false" : "true",
              (long long)bsim_ms_of(call->sim->now_ns));
}

static void run_session_status(struct call *call)
{
    if (bsim_call_all_read(call))
        json_session(call);
}

static void run_session_logon(struct call *call)
{
    bsim_call_error(call, 400, -2028, "HMAC-SHA-256 API key is not supported.");
}

static void run_subscribe(struct call *call)
{
    bsim_call_error(call, 401, -1193, "WebSocket session not authenticated.");
}

static void run_subscribe_signature(struct call *call)
{
    struct connection *connection = call->ws->state;
    size_t free_slot = SIZE_MAX;

    if (!bsim_call_all_read(call))
        return;
    for (size_t i = 0; i < COUNT(connection->subscriptions); i++) {
        if (!connection->subscriptions[i].is_active) {
            free_slot = MIN(free_slot, i);
        } else if (connection->subscriptions[i].account == call->account) {
            bsim_call_error(call, 400, -2035, "Subscription already active for this account.");
            return;
        }
    }
    if (free_slot == SIZE_MAX || connection->next_subscription == UINT16_MAX) {
        bsim_call_error(call, 400, -2042, "Subscription ids exhausted; please reconnect.");
        return;
    }
    connection->subscriptions[free_slot].is_active = true;
    connection->subscriptions[free_slot].account = call->account;
    connection->subscriptions[free_slot].id = connection->next_subscription++;
    sim_textf(call->out, "{\"subscriptionId\":%u}", connection->subscriptions[free_slot].id);
}

static void run_unsubscribe(struct call *call)
{
    struct connection *connection = call->ws->state;
    int64_t id = 0;
    bool has_id = false, is_found = false;

    if (!bsim_call_integer(call, "subscriptionId", 0, UINT16_MAX, &id, &has_id) ||
        !bsim_call_all_read(call))
        return;
    for (size_t i = 0; i < COUNT(connection->subscriptions); i++)
        if (connection->subscriptions[i].is_active &&
            (!has_id || connection->subscriptions[i].id == (uint32_t)id)) {
            connection->subscriptions[i].is_active = false;
            is_found = true;
        }
    if (!is_found)
        bsim_call_error(call, 400, -2036, "No active subscription.");
    else
        sim_textf(call->out, "{}");
}

static void run_subscriptions(struct call *call)
{
    const struct connection *connection = call->ws->state;
    bool is_first = true;

    if (!bsim_call_all_read(call))
        return;
    sim_textf(call->out, "[");
    for (size_t i = 0; i < COUNT(connection->subscriptions); i++)
        if (connection->subscriptions[i].is_active) {
            sim_textf(call->out, "%s{\"subscriptionId\":%u}", is_first ? "" : ",",
                      connection->subscriptions[i].id);
            is_first = false;
        }
    sim_textf(call->out, "]");
}

const struct endpoint bsim_spot_methods[BSIM_SPOT_METHODS] = {
    { NULL, NULL, "session.status", 2, SECURITY_NONE, 0, run_session_status },
    { NULL, NULL, "session.logout", 2, SECURITY_NONE, 0, run_session_status },
    { NULL, NULL, "session.logon", 2, SECURITY_SIGNED, 0, run_session_logon },
    { NULL, NULL, "session.subscriptions", 2, SECURITY_NONE, 0, run_subscriptions },
    { NULL, NULL, "userDataStream.subscribe", 2, SECURITY_NONE, 0, run_subscribe },
    { NULL, NULL, "userDataStream.subscribe.signature", 2, SECURITY_SIGNED, 0,
      run_subscribe_signature },
    { NULL, NULL, "userDataStream.unsubscribe", 2, SECURITY_NONE, 0, run_unsubscribe },
};

static const struct endpoint *method_in(const struct endpoint *table, size_t count,
                                        const char *method)
{
    for (size_t i = 0; i < count; i++)
        if (table[i].method && strcmp(table[i].method, method) == 0)
            return &table[i];
    return NULL;
}

/* The name may have the API's version before it. */
static const struct endpoint *find_method(const struct bsim_product *product, const char *method)
{
    size_t version = strlen(product->api_version);
    const struct endpoint *found = method_in(product->methods, product->method_count, method);

    if (!found)
        found = method_in(product->endpoints, product->endpoint_count, method);
    return found || strncmp(method, product->api_version, version) != 0
               ? found
               : find_method(product, method + version);
}

static void request(struct call *call, const cJSON *root)
{
    const cJSON *method = cJSON_GetObjectItemCaseSensitive(root, "method");
    const cJSON *params = cJSON_GetObjectItemCaseSensitive(root, "params");
    struct sim_text text = { 0 };
    const cJSON *item;

    cJSON_ArrayForEach(item, params) add_json(&call->params, item);
    if (!cJSON_IsString(method) ||
        !(call->endpoint = find_method(call->state->product, method->valuestring))) {
        bsim_call_error(call, 400, -1020, "This operation is not supported.");
        return;
    }
    (void)bsim_params_get(&call->params, "returnRateLimits");
    const char *key = bsim_params_get(&call->params, "apiKey");
    signed_text(&call->params, &text);
    bsim_call_run(call, key, text.at, text.len);
    sim_text_free(&text);
}

void bsim_ws_api_frame(struct sim *sim, struct sim_ws *ws, const char *frame, size_t len)
{
    struct sim_text out = { 0 };
    struct call call = { .sim = sim,
                         .state = sim->state,
                         .ws = ws,
                         .out = &out,
                         .account = EXCHANGE_NONE,
                         .status = 200 };
    cJSON *root = cJSON_ParseWithLength(frame, len);
    const cJSON *id = cJSON_GetObjectItemCaseSensitive(root, "id");

    sim_text_add(&out, "", 0);
    if (!cJSON_IsObject(root))
        bsim_call_error(&call, 400, -1000, "JSON parse error: expected an object.");
    else if (id && !cJSON_IsString(id) && !cJSON_IsNumber(id) && !cJSON_IsNull(id))
        bsim_call_error(&call, 400, -1135,
                        "Invalid JSON Request: id must be a string, integer or null");
    else
        request(&call, root);
    answer(&call, id);
    cJSON_Delete(root);
    sim_text_free(&out);
    bsim_private_release(sim);
}
