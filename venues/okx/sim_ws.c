/* The WebSocket's frames (2.1, 5.2, 6.3): control, login, subscriptions, orders. */
#include "venues/okx/sim_okx.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int64_t HOUR_NS = 3600 * NS_PER_S;
enum { OPERATIONS_LIMIT = 480, ARGS_MAX = 65536 };

void osim_send(struct sim_ws *ws, enum sim_what what, const struct sim_text *text)
{
    ((struct osim_ws *)ws->state)->last_sent_ns = ws->sim->now_ns;
    sim_ws_send(ws, what, text->at, text->len);
}

static void send_text(struct sim_ws *ws, enum sim_what what, const char *text)
{
    ((struct osim_ws *)ws->state)->last_sent_ns = ws->sim->now_ns;
    sim_ws_send(ws, what, text, strlen(text));
}

static void connection_id(const struct sim_ws *ws, char out[16])
{
    snprintf(out, 16, "%08llx", (unsigned long long)((ws->id * 0x9e3779b97f4a7c15u) >> 32));
}

void osim_notice(struct sim_ws *ws)
{
    char text[256], id[16];

    connection_id(ws, id);
    snprintf(
        text, sizeof(text),
        "{\"event\":\"notice\",\"code\":\"64008\",\"msg\":\"The connection will soon be closed "
        "for a service upgrade. Please reconnect.\",\"connId\":\"%s\"}",
        id);
    send_text(ws, SIM_ANSWER, text);
}

static void send_error(struct sim_ws *ws, const cJSON *message, int code, const char *text)
{
    const char *request_id = osim_string(message, "id");
    struct sim_text out = { 0 };
    char id[16];

    connection_id(ws, id);
    sim_textf(&out, "{\"event\":\"error\",\"msg\":");
    sim_text_string(&out, text);
    sim_textf(&out, ",\"code\":\"%d\",\"connId\":\"%s\"", code, id);
    if (request_id)
        osim_pair_text(&out, "id", request_id);
    sim_textf(&out, "}");
    osim_send(ws, SIM_ANSWER, &out);
    sim_text_free(&out);
}

void osim_ws_opened(struct sim *sim, struct sim_ws *ws)
{
    struct osim_ws *state = ws->state;

    state->account = EXCHANGE_NONE;
    state->last_sent_ns = sim->now_ns;
    state->path = strcmp(ws->path, "/ws/v5/public") == 0     ? PATH_PUBLIC
                  : strcmp(ws->path, "/ws/v5/private") == 0  ? PATH_PRIVATE
                  : strcmp(ws->path, "/ws/v5/business") == 0 ? PATH_BUSINESS
                                                             : PATH_UNKNOWN;
    if (state->path == PATH_UNKNOWN)
        sim_ws_close(ws, 4002, "Invalid request");
}

/* ---- login ---- */

static void login(struct osim *osim, struct sim_ws *ws, const cJSON *message)
{
    struct osim_ws *state = ws->state;
    const cJSON *arg = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(message, "args"), 0);
    const char *text = "Login failed.";
    int code = 60009;
    char out[96], id[16];

    if (state->account != EXCHANGE_NONE) {
        send_error(ws, message, 60031,
                   "Bulk login partially succeeded or repeated login on this connection");
        return;
    }
    const struct sim_account *account = osim_login(osim, arg, &code, &text);
    if (!account) {
        send_error(ws, message, code, text);
        return;
    }
    state->account = account->account;
    connection_id(ws, id);
    snprintf(out, sizeof(out),
             "{\"event\":\"login\",\"msg\":\"\",\"code\":\"0\",\"connId\":\"%s\"}", id);
    send_text(ws, SIM_ANSWER, out);
}

/* ---- private subscriptions ---- */

/* Where a channel's arg is kept; NULL: no such channel here. */
static char *private_arg(struct osim_ws *state, const char *channel)
{
    return strcmp(channel, "orders") == 0                 ? state->orders
           : strcmp(channel, "account") == 0              ? state->account_arg
           : strcmp(channel, "positions") == 0            ? state->positions
           : strcmp(channel, "balance_and_position") == 0 ? state->balance_and_position
                                                          : NULL;
}

/* The arg without what pushes do not repeat. */
static bool keep_arg(struct osim_ws *state, const cJSON *arg, char *out)
{
    cJSON *copy = cJSON_Duplicate(arg, true);
    const char *extra = osim_string(arg, "extraParams");

    if (strcmp(osim_string(arg, "channel"), "account") == 0)
        state->has_account_events_only = extra && strstr(extra, "\"updateInterval\":\"0\"");
    cJSON_DeleteItemFromObjectCaseSensitive(copy, "extraParams");
    char *text = cJSON_PrintUnformatted(copy);
    bool fits = text && strlen(text) < OSIM_ARG;
    if (fits)
        snprintf(out, OSIM_ARG, "%s", text);
    cJSON_free(text);
    cJSON_Delete(copy);
    return fits;
}

static unsigned connections_with(const struct osim *osim, uint32_t account, const char *channel)
{
    unsigned count = 0;

    for (struct sim_ws *ws = osim->sim->first_ws; ws; ws = ws->next) {
        struct osim_ws *state = ws->state;
        const char *arg = private_arg(state, channel);
        count += state->account == account && arg && *arg;
    }
    return count;
}

static int private_subscribe(struct osim *osim, struct sim_ws *ws, const cJSON *arg,
                             bool is_subscribe, const char *ack)
{
    struct osim_ws *state = ws->state;
    const char *channel = osim_string(arg, "channel"), *type = osim_string(arg, "instType");
    char *kept = channel ? private_arg(state, channel) : NULL;
    char count[160], id[16];

    if (!channel)
        return 60012;
    if (strcmp(channel, "fills") == 0)
        return 64003;
    if (!kept)
        return 60018;
    bool needs_type = strcmp(channel, "orders") == 0 || strcmp(channel, "positions") == 0;
    if (needs_type && (!type || (strcmp(type, "ANY") != 0 && strcmp(type, "SPOT") != 0 &&
                                 strcmp(type, "SWAP") != 0 && strcmp(type, "MARGIN") != 0 &&
                                 strcmp(type, "FUTURES") != 0)))
        return 60012;
    if (!is_subscribe)
        kept[0] = '\0';
    else if (!keep_arg(state, arg, kept))
        return 60012;
    send_text(ws, SIM_ANSWER, ack);
    if (!is_subscribe)
        return 0;
    connection_id(ws, id);
    snprintf(count, sizeof(count),
             "{\"event\":\"channel-conn-count\",\"channel\":\"%s\",\"connCount\":\"%u\","
             "\"connId\":\"%s\"}",
             channel, connections_with(osim, state->account, channel), id);
    send_text(ws, SIM_ANSWER, count);
    osim_private_snapshot(osim, ws, channel);
    return 0;
}

/* ---- subscriptions: one answer per arg ---- */

static void refuse(struct sim_ws *ws, const cJSON *message, const cJSON *arg, int code)
{
    const char *channel = osim_string(arg, "channel"), *inst_id = osim_string(arg, "instId");
    char text[256];

    if (code == 60018)
        snprintf(text, sizeof(text),
                 "Subscribe failed, wrong URL or channel:%.40s,instId:%.40s doesn't exist. Please "
                 "use the correct URL, channel and parameters referring to API document.",
                 channel ? channel : "", inst_id ? inst_id : "");
    else if (code == 64003)
        snprintf(text, sizeof(text),
                 "Your trading fee tier doesn't meet the requirement to access "
                 "this channel");
    else if (code == 60011)
        snprintf(text, sizeof(text), "Please log in");
    else
        snprintf(text, sizeof(text), "Invalid request");
    send_error(ws, message, code, text);
}

static void subscribe_arg(struct osim *osim, struct sim_ws *ws, const cJSON *message,
                          const cJSON *arg, bool is_subscribe)
{
    struct osim_ws *state = ws->state;
    const char *request_id = osim_string(message, "id");
    char *text = cJSON_PrintUnformatted(arg), id[16];
    struct sim_text ack = { 0 };
    int code = 60018;

    connection_id(ws, id);
    sim_textf(&ack, "{");
    if (request_id) {
        sim_textf(&ack, "\"id\":");
        sim_text_string(&ack, request_id);
        sim_textf(&ack, ",");
    }
    sim_textf(&ack, "\"event\":\"%s\",\"arg\":%s,\"connId\":\"%s\"}",
              is_subscribe ? "subscribe" : "unsubscribe", text ? text : "{}", id);
    if (!cJSON_IsObject(arg))
        code = 60012;
    else if (state->path == PATH_PUBLIC)
        code = osim_public_subscribe(osim, ws, arg, text, is_subscribe, ack.at);
    else if (state->path == PATH_PRIVATE && state->account == EXCHANGE_NONE)
        code = 60011;
    else if (state->path == PATH_PRIVATE)
        code = private_subscribe(osim, ws, arg, is_subscribe, ack.at);
    if (code)
        refuse(ws, message, arg, code);
    sim_text_free(&ack);
    cJSON_free(text);
}

static void subscribe(struct osim *osim, struct sim_ws *ws, const cJSON *message, bool is_subscribe)
{
    const cJSON *args = cJSON_GetObjectItemCaseSensitive(message, "args"), *arg;

    if (!cJSON_IsArray(args)) {
        send_error(ws, message, 60012, "Invalid request");
        return;
    }
    cJSON_ArrayForEach(arg, args) subscribe_arg(osim, ws, message, arg, is_subscribe);
}

/* ---- orders (6.3) ---- */

struct operation {
    const char *name;
    enum osim_action action;
    bool is_batch;
};

static const struct operation *operation_of(const char *name)
{
    static const struct operation operations[] = {
        { "order", ACTION_PLACE, false },         { "batch-orders", ACTION_PLACE, true },
        { "cancel-order", ACTION_CANCEL, false }, { "batch-cancel-orders", ACTION_CANCEL, true },
        { "amend-order", ACTION_AMEND, false },   { "batch-amend-orders", ACTION_AMEND, true },
    };

    for (size_t i = 0; i < COUNT(operations); i++)
        if (strcmp(operations[i].name, name) == 0)
            return &operations[i];
    return NULL;
}

static void begin_answer(const struct operation *operation, const char *id, int code,
                         const char *text, struct sim_text *out)
{
    sim_textf(out, "{\"id\":");
    sim_text_string(out, id ? id : "");
    sim_textf(out, ",\"op\":\"%s\",\"code\":\"%d\"", operation->name, code);
    osim_pair_text(out, "msg", text);
}

static void end_answer(struct osim *osim, struct sim_ws *ws, const char *data, struct sim_text *out)
{
    long long us = (long long)(osim->sim->now_ns / NS_PER_US);

    sim_textf(out, ",\"data\":[%s],\"inTime\":\"%lld\",\"outTime\":\"%lld\"}", data, us, us + 900);
    osim_send(ws, SIM_ORDER_ACK, out);
}

/* What is wrong with the request as a whole; 0: nothing. */
static int whole_error(struct osim *osim, const struct operation *operation, const cJSON *message,
                       const cJSON *args, const char **text)
{
    const char *expires = osim_string(message, "expTime"), *id = osim_string(message, "id");
    int count = cJSON_GetArraySize(args);
    const cJSON *arg;

    *text = "Invalid args";
    if (!id || strlen(id) > 32 || !cJSON_IsArray(args) || count < 1 ||
        count > (operation->is_batch ? OSIM_BATCH : 1))
        return 60013;
    *text = "Parameter instIdCode can not be empty";
    cJSON_ArrayForEach(arg, args) if (!cJSON_IsNumber(cJSON_GetObjectItemCaseSensitive(
                                          arg, "instIdCode"))) return 50014;
    *text = "Order expTime can't be earlier than the current time";
    return expires && operation->action != ACTION_CANCEL &&
                   strtoll(expires, NULL, 10) * NS_PER_MS < osim->sim->now_ns
               ? 50036
               : 0;
}

static void act(struct osim *osim, struct sim_ws *ws, const cJSON *message,
                const struct operation *operation)
{
    const struct osim_ws *state = ws->state;
    const cJSON *args = cJSON_GetObjectItemCaseSensitive(message, "args"), *arg;
    const char *id = osim_string(message, "id"), *text = "";
    struct sim_text out = { 0 }, data = { 0 };
    unsigned failed = 0, count = 0;
    bool is_after = false;
    int status, code = whole_error(osim, operation, message, args, &text);

    sim_text_add(&data, "", 0);
    int fault = code ? 0 : osim_fault(osim, &status, &is_after, &text);
    if (fault && !is_after)
        code = fault;
    cJSON_ArrayForEach(arg, args)
    {
        if (code)
            break;
        sim_textf(&data, "%s", count++ ? "," : "");
        failed += osim_act(osim, state->account, operation->action, arg, true,
                           operation->is_batch && cJSON_GetArraySize(args) > 1, &data) != 0;
    }
    /* Sometimes the news are faster than the answer. */
    if ((sim_random(&osim->random) >> 33) % 4 == 0)
        osim_private_flush(osim);
    if (is_after)
        code = fault;
    if (!code)
        text = failed == 0 ? "" : failed == count ? "All operations failed" : "";
    begin_answer(operation, id,
                 code              ? code
                 : failed == 0     ? 0
                 : failed == count ? 1
                                   : 2,
                 text, &out);
    end_answer(osim, ws, code ? "" : data.at, &out);
    sim_text_free(&out);
    sim_text_free(&data);
}

/* ---- frames ---- */

static void on_message(struct osim *osim, struct sim_ws *ws, const cJSON *message)
{
    struct osim_ws *state = ws->state;
    const char *op = osim_string(message, "op");
    const struct operation *operation = op ? operation_of(op) : NULL;

    if (!op) {
        send_error(ws, message, 60012, "Invalid request");
        return;
    }
    if (operation) {
        if (state->path != PATH_PRIVATE)
            send_error(ws, message, 60012, "Illegal request: wrong URL");
        else if (state->account == EXCHANGE_NONE)
            send_error(ws, message, 60011, "Please log in");
        else
            act(osim, ws, message, operation);
        return;
    }
    if (!osim_window_take(osim, &state->operations, OPERATIONS_LIMIT, HOUR_NS)) {
        send_error(ws, message, 60014, "Requests too frequent");
        return;
    }
    if (strcmp(op, "login") == 0)
        login(osim, ws, message);
    else if (strcmp(op, "subscribe") == 0 || strcmp(op, "unsubscribe") == 0)
        subscribe(osim, ws, message, op[0] == 's');
    else
        send_error(ws, message, 60012, "Illegal request: unknown op");
}

void osim_ws_frame(struct sim *sim, struct sim_ws *ws, const char *frame, size_t len)
{
    struct osim *osim = sim->state;

    if (len == 4 && memcmp(frame, "ping", 4) == 0) {
        send_text(ws, SIM_ANSWER, "pong");
        return;
    }
    if (len > ARGS_MAX) {
        sim_ws_close(ws, 1009, "Request too long");
        return;
    }
    cJSON *message = cJSON_ParseWithLength(frame, len);
    if (cJSON_IsObject(message))
        on_message(osim, ws, message);
    else
        send_error(ws, NULL, 60012, "Invalid request");
    cJSON_Delete(message);
}
