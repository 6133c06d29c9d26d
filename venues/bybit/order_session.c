/* The two connections: the private stream and order entry. Each logs in with a signature of a time
 * that must still lie ahead when it arrives; the private one then subscribes. */
#include "venues/bybit/order.h"

#include <stdarg.h>
#include <stdio.h>

#define PING_EVERY_NS  (20 * NS_PER_S)
#define PING_SILENT_NS (4 * NS_PER_S)
#define SILENCE_NS     (12 * NS_PER_S)
#define LOGIN_WAIT_NS  (10 * NS_PER_S) /* A login or a subscription without an answer. */

enum { ATTEMPTS_MAX = 5 };

void bybit_note(const struct bybit_turn *turn, const char *event, const char *format, ...)
{
    char text[256];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    turn->out->note(turn->out->ctx, event, text);
}

void bybit_update_channels(const struct bybit_turn *turn, wire_reason why, const char *text)
{
    struct bybit_side *side = turn->side;
    struct venue_report report;
    bool is_order_up = side->conns[BYBIT_CONN_TRADE].is_logged_in;
    bool is_stream_up = side->conns[BYBIT_CONN_PRIVATE].is_logged_in && side->is_subscribed;

    if (is_order_up == side->was_order_up && is_stream_up == side->was_stream_up)
        return;
    side->was_order_up = is_order_up;
    side->was_stream_up = is_stream_up;
    bybit_report_begin(turn, &report, REPORT_CHANNEL, NULL);
    report.is_order_channel_up = is_order_up;
    report.is_private_stream_up = is_stream_up;
    report.why = why;
    bybit_copy(report.text, sizeof(report.text), text);
    bybit_report(turn, &report);
}

size_t bybit_order_connections(void *state, struct venue_connection *out)
{
    static const char *const paths[BYBIT_CONNS] = {
        [BYBIT_CONN_PRIVATE] = "/v5/private", [BYBIT_CONN_TRADE] = "/v5/trade"
    };
    const struct bybit_side *side = state;

    for (unsigned i = 0; i < BYBIT_CONNS; i++) {
        out[i] = (struct venue_connection){ .silence_ns = SILENCE_NS };
        snprintf(out[i].url, sizeof(out[i].url), "%s%s", side->ws_url, paths[i]);
    }
    return BYBIT_CONNS;
}

/* ---- login ---- */

static void login(const struct bybit_turn *turn, unsigned connection)
{
    struct bybit_side *side = turn->side;
    struct bybit_conn *conn = &side->conns[connection];

    conn->login_at_ns = 0;
    if (!side->keys.is_set)
        return;
    int len = bybit_login_write(&side->keys, connection == BYBIT_CONN_TRADE, turn->clock->wall_ns,
                                side->frame, sizeof(side->frame));
    int err = len < 0 ? len : turn->out->send(turn->out->ctx, connection, side->frame, (size_t)len);
    secret_wipe(side->frame, sizeof(side->frame));
    conn->login_at_ns = turn->clock->now_ns + (err ? NS_PER_S : LOGIN_WAIT_NS);
}

static void login_failed(const struct bybit_turn *turn, unsigned connection, const char *text)
{
    struct bybit_conn *conn = &turn->side->conns[connection];

    bybit_note(turn, "login_refused", "%s: %s",
               connection == BYBIT_CONN_TRADE ? "order entry" : "private stream", text);
    conn->is_logged_in = false;
    conn->attempts = MIN(conn->attempts + 1, ATTEMPTS_MAX);
    conn->login_at_ns = turn->clock->now_ns + (NS_PER_S << conn->attempts);
    bybit_update_channels(turn, REASON_VENUE_AUTH, text);
}

static void subscribe(const struct bybit_turn *turn)
{
    static const char text[] = "{\"req_id\":\"private\",\"op\":\"subscribe\",\"args\":[\"order\","
                               "\"execution\",\"position\",\"wallet\"]}";
    int err = turn->out->send(turn->out->ctx, BYBIT_CONN_PRIVATE, text, sizeof(text) - 1);

    turn->side->subscribe_at_ns = turn->clock->now_ns + (err ? NS_PER_S : LOGIN_WAIT_NS);
}

/* In a request of its own: only institutional accounts have it, and one refused topic fails all. */
int bybit_subscribe_dcp(const struct bybit_turn *turn, bool is_on)
{
    const struct bybit_side *side = turn->side;
    char text[128];

    if (!side->conns[BYBIT_CONN_PRIVATE].is_logged_in)
        return ERR_CLOSED;
    int len =
        snprintf(text, sizeof(text), "{\"req_id\":\"dcp\",\"op\":\"%s\",\"args\":[%s%s%s]}",
                 is_on ? "subscribe" : "unsubscribe", side->has[BYBIT_SPOT] ? "\"dcp.spot\"" : "",
                 side->has[BYBIT_SPOT] && side->has[BYBIT_LINEAR] ? "," : "",
                 side->has[BYBIT_LINEAR] ? "\"dcp.future\"" : "");
    return turn->out->send(turn->out->ctx, BYBIT_CONN_PRIVATE, text, (size_t)len);
}

static void logged_in(const struct bybit_turn *turn, unsigned connection)
{
    struct bybit_side *side = turn->side;
    struct bybit_conn *conn = &side->conns[connection];

    conn->is_logged_in = true;
    conn->attempts = 0;
    conn->login_at_ns = 0;
    if (connection == BYBIT_CONN_PRIVATE) {
        subscribe(turn);
        if (side->is_dcp_wanted)
            (void)bybit_subscribe_dcp(turn, true);
    }
    bybit_update_channels(turn, REASON_NONE, "");
}

void bybit_order_opened(void *state, unsigned connection, const struct venue_clock *clock,
                        const struct venue_out *out)
{
    struct bybit_side *side = state;
    struct bybit_turn turn = { side, clock, out };

    if (connection >= BYBIT_CONNS)
        return;
    side->conns[connection] = (struct bybit_conn){ .is_open = true,
                                                   .last_message_ns = clock->now_ns,
                                                   .ping_ns = clock->now_ns };
    if (connection == BYBIT_CONN_PRIVATE)
        side->is_subscribed = false;
    login(&turn, connection);
}

void bybit_order_closed(void *state, unsigned connection, const struct venue_clock *clock,
                        const struct venue_out *out)
{
    struct bybit_side *side = state;
    struct bybit_turn turn = { side, clock, out };

    if (connection >= BYBIT_CONNS)
        return;
    side->conns[connection] = (struct bybit_conn){ .is_reconnecting = true };
    if (connection == BYBIT_CONN_PRIVATE) {
        side->is_subscribed = false;
        side->subscribe_at_ns = 0;
    }
    /* What was sent there and not answered may have been carried out. */
    for (unsigned i = 0; i < BYBIT_PENDING_MAX && connection == BYBIT_CONN_TRADE; i++) {
        struct bybit_pending *pending = &side->pending[i];
        if (pending->id != 0 && !pending->is_rest && pending->stage == STAGE_SENT)
            bybit_fail_silent(&turn, pending, true, "connection lost");
    }
    bybit_update_channels(&turn, REASON_DISCONNECTED, "");
}

/* ---- frames ---- */

/* The private stream says ret_msg and conn_id, order entry retMsg and connId. */
struct envelope {
    struct scan_value topic, data, time, op, success, message, code, req_id, header, ext;
};

static int read_envelope(const char *frame, size_t len, struct envelope *out)
{
    static const struct {
        const char *name;
        size_t offset;
    } members[] = {
        { "topic", offsetof(struct envelope, topic) },
        { "data", offsetof(struct envelope, data) },
        { "creationTime", offsetof(struct envelope, time) },
        { "op", offsetof(struct envelope, op) },
        { "success", offsetof(struct envelope, success) },
        { "ret_msg", offsetof(struct envelope, message) },
        { "retMsg", offsetof(struct envelope, message) },
        { "retCode", offsetof(struct envelope, code) },
        { "reqId", offsetof(struct envelope, req_id) },
        { "req_id", offsetof(struct envelope, req_id) },
        { "header", offsetof(struct envelope, header) },
    };
    struct scan_value root, key, value;
    struct scan_iter iter;
    int err = scan_whole(frame, len, &root);

    if (err || root.type != SCAN_OBJECT)
        return ERR_PROTO;
    err = scan_begin(&iter, &root);
    while (!err && (err = scan_member(&iter, &key, &value)) == 0)
        for (size_t i = 0; i < COUNT(members); i++)
            if (scan_is(&key, members[i].name)) {
                *(struct scan_value *)(void *)((char *)out + members[i].offset) = value;
                break;
            }
    return err == ERR_NOT_FOUND ? 0 : ERR_PROTO;
}

static int on_control(const struct bybit_turn *turn, unsigned connection,
                      const struct envelope *frame)
{
    struct bybit_side *side = turn->side;
    int64_t code = 0;
    char text[96];

    bool is_bad = frame->success.type == SCAN_FALSE ||
                  (frame->code.type != SCAN_NONE && (scan_i64(&frame->code, &code) != 0 || code));
    bybit_text(&frame->message, text, sizeof(text));
    if (scan_is(&frame->op, "auth")) {
        if (is_bad && code != 20001) /* 20001: it is so already. */
            login_failed(turn, connection, text);
        else
            logged_in(turn, connection);
    } else if (scan_is(&frame->op, "subscribe")) {
        if (is_bad) {
            bybit_note(turn, "venue_error", "%s", text);
        } else if (!(frame->req_id.type == SCAN_STRING && scan_is(&frame->req_id, "dcp"))) {
            side->is_subscribed = true;
            side->subscribe_at_ns = 0;
            bybit_update_channels(turn, REASON_NONE, "");
        }
    } else if (is_bad) {
        bybit_note(turn, "venue_error", "%s", text);
    }
    return 0;
}

static int64_t member_number(const struct scan_value *object, const char *name)
{
    struct scan_value value;
    int64_t number;

    return object->type == SCAN_OBJECT && scan_find(object, name, &value) == 0 &&
                   scan_i64(&value, &number) == 0
               ? number
               : -1;
}

/* The gateway of order entry restarts: what is in flight goes on, new requests go elsewhere. */
static void reconnect_trade(const struct bybit_turn *turn)
{
    struct bybit_conn *conn = &turn->side->conns[BYBIT_CONN_TRADE];

    conn->is_logged_in = false;
    bybit_update_channels(turn, REASON_VENUE_MAINTENANCE, "order entry restarts");
    if (!conn->is_reconnecting)
        turn->out->reconnect(turn->out->ctx, BYBIT_CONN_TRADE, REASON_VENUE_MAINTENANCE);
    conn->is_reconnecting = true;
}

static int on_trade_answer(const struct bybit_turn *turn, const struct envelope *frame)
{
    struct bybit_side *side = turn->side;
    int64_t code;
    uint64_t id = 0;
    char text[96];

    if (scan_i64(&frame->code, &code) != 0)
        return ERR_PROTO;
    bybit_text(&frame->message, text, sizeof(text));
    if (frame->req_id.type == SCAN_STRING)
        (void)scan_u64(&frame->req_id, &id);
    struct bybit_pending *pending = bybit_pending_by_id(side, id);
    if (code == 10019)
        reconnect_trade(turn);
    if (!pending || pending->is_rest || pending->stage == STAGE_ACKED) {
        side->late_answers++;
        if (code != 0)
            bybit_note(turn, "venue_error", "%lld %s", (long long)code, text);
        return 0;
    }
    bybit_on_limit(turn, pending, member_number(&frame->header, "X-Bapi-Limit"),
                   member_number(&frame->header, "X-Bapi-Limit-Status"),
                   member_number(&frame->header, "X-Bapi-Limit-Reset-Timestamp"),
                   code != 0 && bybit_error_of(code).why == REASON_VENUE_RATE_LIMIT);
    bybit_on_ack(turn, pending, code, text, &frame->data);
    return 0;
}

int bybit_order_frame(void *state, unsigned connection, const char *frame, size_t len,
                      const struct venue_clock *clock, const struct venue_out *out)
{
    struct bybit_side *side = state;
    struct bybit_turn turn = { side, clock, out };
    struct envelope envelope = { .topic = { .type = SCAN_NONE } };
    int64_t exchange_ns = 0;

    if (connection >= BYBIT_CONNS)
        return ERR_PROTO;
    side->messages++;
    side->conns[connection].last_message_ns = clock->now_ns;
    int err = read_envelope(frame, len, &envelope);
    if (!err && envelope.topic.type == SCAN_STRING) {
        if (envelope.time.type == SCAN_NUMBER)
            err = bybit_ms(&envelope.time, &exchange_ns);
        if (!err)
            err = bybit_on_topic(&turn, &envelope.topic, &envelope.data, exchange_ns);
    } else if (!err && envelope.op.type == SCAN_STRING && envelope.op.len > 6 &&
               memcmp(envelope.op.text, "order.", 6) == 0) {
        err = on_trade_answer(&turn, &envelope);
    } else if (!err && envelope.op.type == SCAN_STRING) {
        err = on_control(&turn, connection, &envelope);
    } else if (!err && envelope.code.type != SCAN_NONE) {
        err = on_trade_answer(&turn, &envelope);
    } else if (!err && envelope.success.type == SCAN_NONE) {
        err = ERR_PROTO;
    }
    side->rejected += err == ERR_PROTO;
    return err;
}

/* ---- time passes ---- */

static void keep_alive(const struct bybit_turn *turn, unsigned connection)
{
    struct bybit_conn *conn = &turn->side->conns[connection];
    int64_t now = turn->clock->now_ns, silent_ns = now - conn->last_message_ns;
    static const char *const pings[BYBIT_CONNS] = {
        [BYBIT_CONN_PRIVATE] = "{\"req_id\":\"ping\",\"op\":\"ping\"}",
        [BYBIT_CONN_TRADE] = "{\"op\":\"ping\"}",
    };

    if (!conn->is_open || conn->is_reconnecting)
        return;
    if (silent_ns > SILENCE_NS) {
        conn->is_reconnecting = true;
        turn->out->reconnect(turn->out->ctx, connection, REASON_SILENCE);
        return;
    }
    if (now - conn->ping_ns >= PING_EVERY_NS ||
        (silent_ns >= PING_SILENT_NS && now - conn->ping_ns >= PING_SILENT_NS)) {
        conn->ping_ns = now;
        (void)turn->out->send(turn->out->ctx, connection, pings[connection],
                              strlen(pings[connection]));
    }
}

void bybit_session_tick(const struct bybit_turn *turn)
{
    struct bybit_side *side = turn->side;
    int64_t now = turn->clock->now_ns;

    for (unsigned i = 0; i < BYBIT_CONNS; i++) {
        keep_alive(turn, i);
        if (side->conns[i].is_open && side->conns[i].login_at_ns != 0 &&
            now >= side->conns[i].login_at_ns)
            login(turn, i);
    }
    if (side->conns[BYBIT_CONN_PRIVATE].is_logged_in && side->subscribe_at_ns != 0 &&
        now >= side->subscribe_at_ns)
        subscribe(turn);
}
