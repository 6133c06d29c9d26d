/* The sockets: which is which, login, subscriptions, pings, order entry (2.1, 5.2, 6.7). */
#include "venues/bybit/sim_bybit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- control frames: four shapes of answer ---- */

/* The request's id, given back as text whatever it was. */
static const char *id_text(const cJSON *frame, const char *name, char out[40])
{
    const cJSON *id = cJSON_GetObjectItemCaseSensitive(frame, name);

    out[0] = '\0';
    if (cJSON_IsString(id))
        snprintf(out, 40, "%.39s", id->valuestring);
    else if (cJSON_IsNumber(id))
        snprintf(out, 40, "%.0f", id->valuedouble);
    return out;
}

static void ack(struct sim_ws *ws, const cJSON *frame, const char *op, bool is_good,
                const char *words)
{
    struct bybit_sim *state = ws->sim->state;
    const struct bybit_sim_ws *socket = ws->state;
    struct sim_text *out = &state->text;
    char id[40];

    sim_text_clear(out);
    sim_textf(out, "{\"success\":%s,\"ret_msg\":", is_good ? "true" : "false");
    sim_text_string(out, words);
    if (socket->kind == WS_PRIVATE) {
        sim_textf(out, ",\"op\":\"%s\"", op);
        if (cJSON_HasObjectItem(frame, "req_id"))
            ysim_member(out, "req_id", id_text(frame, "req_id", id));
        sim_textf(out, ",\"conn_id\":\"%s\"}", socket->conn_id);
    } else {
        sim_textf(out, ",\"conn_id\":\"%s\"", socket->conn_id);
        ysim_member(out, "req_id", id_text(frame, "req_id", id));
        sim_textf(out, ",\"op\":\"%s\"}", op);
    }
    sim_ws_send(ws, SIM_ANSWER, out->at, out->len);
}

static void pong(struct sim_ws *ws, const cJSON *frame)
{
    struct bybit_sim *state = ws->sim->state;
    const struct bybit_sim_ws *socket = ws->state;
    struct sim_text *out = &state->text;
    long long ms = (long long)ysim_ms(ws->sim->now_ns);
    char id[40];

    if (socket->kind == WS_SPOT || socket->kind == WS_LINEAR || socket->kind == WS_STATUS) {
        ack(ws, frame, "ping", true, "pong");
        return;
    }
    sim_text_clear(out);
    if (socket->kind == WS_PRIVATE)
        sim_textf(out, "{\"req_id\":\"%s\",\"op\":\"pong\",\"args\":[\"%lld\"],\"conn_id\":\"%s\"}",
                  id_text(frame, "req_id", id), ms, socket->conn_id);
    else
        sim_textf(out,
                  "{\"retCode\":0,\"retMsg\":\"OK\",\"op\":\"pong\",\"data\":[\"%lld\"],\"connId\":"
                  "\"%s\"}",
                  ms, socket->conn_id);
    sim_ws_send(ws, SIM_ANSWER, out->at, out->len);
}

static void trade_answer(struct sim_ws *ws, const cJSON *frame, const char *op, int code,
                         const char *words)
{
    struct bybit_sim *state = ws->sim->state;
    const struct bybit_sim_ws *socket = ws->state;
    struct sim_text *out = &state->text;

    sim_text_clear(out);
    sim_textf(out, "{");
    if (cJSON_HasObjectItem(frame, "reqId"))
        sim_textf(out, "\"reqId\":\"%s\",", ysim_text(frame, "reqId"));
    sim_textf(out, "\"retCode\":%d,\"retMsg\":", code);
    sim_text_string(out, words);
    sim_textf(out, ",\"op\":\"%s\",\"connId\":\"%s\"}", op, socket->conn_id);
    sim_ws_send(ws, SIM_ANSWER, out->at, out->len);
}

static void login(struct sim_ws *ws, const cJSON *frame)
{
    static const struct {
        int code;
        const char *words;
    } words[] = { { 0, "OK" },
                  { 10001, "Params Error" },
                  { 10003, "Invalid apikey" },
                  { 10004, "Invalid signature" } };
    struct bybit_sim_ws *socket = ws->state;
    bool was_logged_in = socket->account != EXCHANGE_NONE;
    int code = was_logged_in
                   ? 20001
                   : ysim_login(ws->sim->state, cJSON_GetObjectItemCaseSensitive(frame, "args"),
                                &socket->account);
    const char *text = "Repeat auth";

    for (size_t i = 0; i < COUNT(words); i++)
        if (words[i].code == code)
            text = words[i].words;
    if (socket->kind == WS_TRADE)
        trade_answer(ws, frame, "auth", code, text);
    else
        ack(ws, frame, "auth", code == 0 || code == 20001, code == 0 ? "" : text);
}

/* ---- private topics: all-in-one ("order") or of one category ("order.linear") ---- */

static bool subscribe_private(struct sim_ws *ws, const char *topic, bool is_on)
{
    static const char *const names[] = { "order", "execution", "position", "wallet" };
    struct bybit_sim_ws *socket = ws->state;
    const char *point = strchr(topic, '.');
    size_t len = point ? (size_t)(point - topic) : strlen(topic);
    uint8_t bit = !point                          ? 1
                  : strcmp(point, ".spot") == 0   ? 2
                  : strcmp(point, ".linear") == 0 ? 4
                                                  : 0;

    if (strcmp(topic, "dcp.spot") == 0 || strcmp(topic, "dcp.future") == 0) {
        struct bybit_sim *state = ws->sim->state;
        int which = topic[4] == 'f';
        socket->dcp[which] = is_on;
        if (is_on)
            state->members[socket->account].dcp_fires_ns[which] = 0;
        return true;
    }
    for (unsigned i = 0; i < COUNT(names) && bit; i++)
        if (strlen(names[i]) == len && strncmp(names[i], topic, len) == 0) {
            if (is_on)
                socket->topics[i] |= bit;
            else
                socket->topics[i] &= (uint8_t)~bit;
            return true;
        }
    return false;
}

/* One refused topic fails the whole request (2.1). */
static void subscribe(struct sim_ws *ws, const cJSON *frame, bool is_on)
{
    struct bybit_sim_ws *socket = ws->state;
    const char *op = is_on ? "subscribe" : "unsubscribe";
    const cJSON *args = cJSON_GetObjectItemCaseSensitive(frame, "args"), *item;
    char refusal[160] = "";

    if (socket->kind == WS_PRIVATE && socket->account == EXCHANGE_NONE)
        snprintf(refusal, sizeof(refusal), "Request not authorized");
    else if (socket->kind == WS_SPOT && cJSON_GetArraySize(args) > 10)
        snprintf(refusal, sizeof(refusal), "args size >10");
    cJSON_ArrayForEach(item, args)
    {
        if (refusal[0])
            break;
        const char *topic = cJSON_IsString(item) ? item->valuestring : "";
        if (socket->kind != WS_PRIVATE)
            ysim_public_subscribe(ws->sim->state, ws, topic, is_on, refusal, sizeof(refusal));
        else if (!subscribe_private(ws, topic, is_on))
            snprintf(refusal, sizeof(refusal), "error:handler not found,topic:%.60s", topic);
    }
    if (refusal[0] && !strstr(refusal, "already"))
        cJSON_ArrayForEach(item, args)
        {
            char ignored[160];
            if (cJSON_IsString(item) && socket->kind != WS_PRIVATE)
                ysim_public_subscribe(ws->sim->state, ws, item->valuestring, false, ignored,
                                      sizeof(ignored));
        }
    ack(ws, frame, op, refusal[0] == '\0',
        refusal[0]                ? refusal
        : socket->kind == WS_SPOT ? op
                                  : "");
}

/* ---- order entry ---- */

static uint64_t hash_of(const char *text)
{
    uint64_t hash = UINT64_C(14695981039346656037);

    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return hash | 1;
}

static bool is_repeated(struct bybit_sim_ws *socket, const char *req_id)
{
    uint64_t hash = hash_of(req_id);

    if (!*req_id)
        return false;
    for (size_t i = 0; i < YSIM_REQ_IDS; i++)
        if (socket->req_ids[i] == hash)
            return true;
    socket->req_ids[socket->req_next++ % YSIM_REQ_IDS] = hash;
    return false;
}

struct operation {
    const char *op;
    enum ysim_endpoint limit;
    void (*run)(struct bybit_sim *, uint32_t, const cJSON *, struct ysim_result *);
    bool is_batch;
};

static const struct operation operations[] = {
    { "order.create", LIMIT_CREATE, ysim_create, false },
    { "order.amend", LIMIT_AMEND, ysim_amend, false },
    { "order.cancel", LIMIT_CANCEL, ysim_cancel, false },
    { "order.create-batch", LIMIT_CREATE_BATCH, ysim_create, true },
    { "order.amend-batch", LIMIT_AMEND_BATCH, ysim_amend, true },
    { "order.cancel-batch", LIMIT_CANCEL_BATCH, ysim_cancel, true },
};

static void run_batch(struct bybit_sim *state, uint32_t account, const struct operation *operation,
                      const cJSON *args, struct sim_text *data, struct sim_text *ext)
{
    cJSON *item;
    unsigned count = 0;

    sim_textf(data, "{\"list\":[");
    sim_textf(ext, "{\"list\":[");
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(args, "request"))
    {
        struct ysim_result result;
        if (!cJSON_GetObjectItemCaseSensitive(item, "category"))
            cJSON_AddStringToObject(item, "category", ysim_text(args, "category"));
        operation->run(state, account, item, &result);
        sim_textf(data,
                  "%s{\"category\":\"%s\",\"symbol\":\"%s\",\"orderId\":\"%s\",\"orderLinkId\":"
                  "\"%s\",\"createAt\":\"\"}",
                  count ? "," : "", ysim_text(args, "category"), ysim_text(item, "symbol"),
                  result.code ? "" : result.order_id, result.link_id);
        sim_textf(ext, "%s{\"code\":%d,\"msg\":", count++ ? "," : "", result.code);
        sim_text_string(ext, result.message);
        sim_textf(ext, "}");
    }
    sim_textf(data, "]}");
    sim_textf(ext, "]}");
}

static void answer_order(struct sim_ws *ws, const cJSON *frame, const char *op,
                         const struct ysim_result *result, const struct ysim_usage *usage,
                         const struct sim_text *data, const struct sim_text *ext)
{
    struct bybit_sim *state = ws->sim->state;
    const struct bybit_sim_ws *socket = ws->state;
    struct sim_text *out = &state->text;

    sim_text_clear(out);
    sim_textf(out, "{");
    if (cJSON_HasObjectItem(frame, "reqId"))
        sim_textf(out, "\"reqId\":\"%s\",", ysim_text(frame, "reqId"));
    sim_textf(out, "\"retCode\":%d,\"retMsg\":", result->code);
    sim_text_string(out, result->message);
    sim_textf(out, ",\"op\":\"%s\",\"data\":", op);
    if (result->code)
        sim_textf(out, "{}");
    else if (data->len)
        sim_text_add(out, data->at, data->len);
    else
        sim_textf(out, "{\"orderId\":\"%s\",\"orderLinkId\":\"%s\"}", result->order_id,
                  result->link_id);
    sim_textf(out,
              ",\"retExtInfo\":%s,\"header\":{\"X-Bapi-Limit\":\"%d\",\"X-Bapi-Limit-Status\":"
              "\"%d\",\"X-Bapi-Limit-Reset-Timestamp\":\"%lld\",\"Traceid\":\"%016llx\","
              "\"Timenow\":\"%lld\"},\"connId\":\"%s\"}",
              ext->len ? ext->at : "{}", usage->limit, usage->left, (long long)usage->reset_ms,
              (unsigned long long)sim_random(&state->random), (long long)ysim_ms(ws->sim->now_ns),
              socket->conn_id);
    sim_ws_send(ws, SIM_ORDER_ACK, out->at, out->len);
}

static void refuse(struct ysim_result *result, int code, const char *words)
{
    result->code = code;
    snprintf(result->message, sizeof(result->message), "%s", words);
}

/* What is wrong before the order is looked at. */
static void check_order(struct sim_ws *ws, const cJSON *frame, const struct operation *operation,
                        const cJSON *args, struct ysim_result *result, struct ysim_usage *usage)
{
    struct bybit_sim *state = ws->sim->state;
    struct bybit_sim_ws *socket = ws->state;
    const cJSON *header = cJSON_GetObjectItemCaseSensitive(frame, "header");
    const char *window = ysim_text(header, "X-BAPI-RECV-WINDOW");
    enum ysim_category category = ysim_category_read(ysim_text(args, "category"));

    if (state->is_maintenance)
        refuse(result, 10019, "The trade service is restarting, please retry later");
    else if (socket->account == EXCHANGE_NONE)
        refuse(result, 10003, "Please log in first");
    else if (is_repeated(socket, ysim_text(frame, "reqId")))
        refuse(result, 20006, "Duplicate reqId");
    else if (!ysim_is_fresh(ws->sim, ysim_text(header, "X-BAPI-TIMESTAMP"),
                            *window ? window : "5000"))
        refuse(result, 10002, "Request expired, please check your timestamp or recv_window");
    else if (!cJSON_IsObject(args) || category == YSIM_NONE)
        refuse(result, 10404, "category is not correct");
    else if (!ysim_spend(state, socket->account, operation->limit, category, usage))
        refuse(result, 10006, "Too many visits!");
}

static void order_entry(struct sim_ws *ws, const cJSON *frame, const struct operation *operation)
{
    struct bybit_sim *state = ws->sim->state;
    struct bybit_sim_ws *socket = ws->state;
    const cJSON *args = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(frame, "args"), 0);
    struct ysim_result result = { .message = "OK" };
    struct ysim_usage usage = { 0 };
    struct sim_text data = { 0 }, ext = { 0 };
    char words[96];
    int status, code;
    bool is_after = false, is_fault = false;

    check_order(ws, frame, operation, args, &result, &usage);
    if (result.code == 0)
        is_fault = ysim_fault_order(state, &status, &code, words, sizeof(words), &is_after);
    if (result.code == 0 && (!is_fault || is_after)) {
        if (operation->is_batch)
            run_batch(state, socket->account, operation, args, &data, &ext);
        else
            operation->run(state, socket->account, args, &result);
    }
    if (is_fault)
        refuse(&result, code, words);
    answer_order(ws, frame, operation->op, &result, &usage, &data, &ext);
    sim_text_free(&data);
    sim_text_free(&ext);
}

static void trade_frame(struct sim_ws *ws, const cJSON *frame, const char *op)
{
    for (size_t i = 0; i < COUNT(operations); i++)
        if (strcmp(op, operations[i].op) == 0) {
            order_entry(ws, frame, &operations[i]);
            return;
        }
    trade_answer(ws, frame, op, 10404, "op type is not found");
}

/* ---- connections ---- */

void ysim_ws_frame(struct sim *sim, struct sim_ws *ws, const char *text, size_t len)
{
    struct bybit_sim_ws *socket = ws->state;
    cJSON *frame = cJSON_ParseWithLength(text, len);
    const char *op = ysim_text(frame, "op");

    socket->last_received_ns = sim->now_ns;
    if (!cJSON_IsObject(frame))
        ack(ws, NULL, "", false, "Failed to decode incoming data:invalid character");
    else if (strcmp(op, "ping") == 0)
        pong(ws, frame);
    else if (strcmp(op, "auth") == 0 && (socket->kind == WS_PRIVATE || socket->kind == WS_TRADE))
        login(ws, frame);
    else if (socket->kind == WS_TRADE)
        trade_frame(ws, frame, op);
    else if (strcmp(op, "subscribe") == 0)
        subscribe(ws, frame, true);
    else if (strcmp(op, "unsubscribe") == 0)
        subscribe(ws, frame, false);
    else
        ack(ws, frame, op, false, "error:invalid op");
    cJSON_Delete(frame);
}

void ysim_ws_opened(struct sim *sim, struct sim_ws *ws)
{
    static const struct {
        const char *path;
        unsigned listener;
        enum bybit_sim_kind kind;
    } paths[] = {
        { "/v5/public/spot", YSIM_PUBLIC, WS_SPOT },
        { "/v5/public/linear", YSIM_PUBLIC, WS_LINEAR },
        { "/v5/public/misc/status", YSIM_PUBLIC, WS_STATUS },
        { "/v5/private", YSIM_PRIVATE, WS_PRIVATE },
        { "/v5/trade", YSIM_PRIVATE, WS_TRADE },
    };
    struct bybit_sim *state = sim->state;
    struct bybit_sim_ws *socket = ws->state;

    socket->account = EXCHANGE_NONE;
    socket->last_received_ns = sim->now_ns;
    snprintf(socket->conn_id, sizeof(socket->conn_id), "sim%014llx-%llx",
             (unsigned long long)(sim_random(&state->random) >> 8), (unsigned long long)ws->id);
    for (size_t i = 0; i < COUNT(paths); i++)
        if (strcmp(ws->path, paths[i].path) == 0 && ws->listener == paths[i].listener)
            socket->kind = paths[i].kind;
    if (socket->kind == WS_NOWHERE)
        sim_ws_close(ws, 1008, "no such path");
}

/* The dead-man switch counts from the end of the last connection with its topic (6.9). */
void ysim_ws_closed(struct sim *sim, struct sim_ws *ws)
{
    struct bybit_sim *state = sim->state;
    const struct bybit_sim_ws *gone = ws->state;

    for (int which = 0; which < 2; which++) {
        bool is_left = false;
        if (gone->account == EXCHANGE_NONE || !gone->dcp[which])
            continue;
        for (const struct sim_ws *at = sim->first_ws; at; at = at->next) {
            const struct bybit_sim_ws *other = at->state;
            is_left |= at != ws && at->listener == YSIM_PRIVATE &&
                       other->account == gone->account && other->dcp[which];
        }
        struct ysim_member *member = &state->members[gone->account];
        if (!is_left && member->dcp_window_ns[which])
            member->dcp_fires_ns[which] = sim->now_ns + member->dcp_window_ns[which];
    }
}
