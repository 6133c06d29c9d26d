/* What comes in: frames and REST answers told apart, and what the venue counts of our requests. */
#include "venues/binance/order_view.h"

void order_on_limit(const struct order_turn *turn, unsigned which, int64_t used, int64_t limit)
{
    struct binance_order *order = turn->order;
    const char *const names[LIMITS] = { "REQUEST_WEIGHT 1m", "ORDERS 10s",
                                        order->product->orders_name };
    struct venue_report report;

    if (limit > 0 && limit <= UINT32_MAX)
        order->limits[which].limit = (uint32_t)limit;
    if (used < 0 || used > UINT32_MAX || (uint32_t)used == order->limits[which].used)
        return;
    order->limits[which].used = (uint32_t)used;
    order_report_begin(&report, REPORT_LIMITS, NULL);
    report.used = order->limits[which].used;
    report.limit = order->limits[which].limit;
    order_report_text(&report, names[which]);
    turn->out->report(turn->out->ctx, &report);
}

static void rate_limit_take_one(const struct order_turn *turn, const struct scan_value *object)
{
    const struct order_product *product = turn->order->product;
    struct scan_value type, interval, value;
    int64_t limit = -1, used = -1;
    unsigned which = LIMITS;

    if (scan_find(object, "rateLimitType", &type) != 0 ||
        scan_find(object, "interval", &interval) != 0)
        return;
    if (scan_is(&type, "REQUEST_WEIGHT") && scan_is(&interval, "MINUTE"))
        which = LIMIT_WEIGHT;
    else if (scan_is(&type, "ORDERS"))
        which = scan_is(&interval, "SECOND")                   ? LIMIT_ORDERS_10S
                : scan_is(&interval, product->orders_interval) ? LIMIT_ORDERS_LONG
                                                               : LIMITS;
    if (which == LIMITS)
        return;
    if (scan_find(object, "limit", &value) == 0)
        (void)scan_i64(&value, &limit);
    if (scan_find(object, "count", &value) == 0)
        (void)scan_i64(&value, &used);
    order_on_limit(turn, which, used, limit);
}

void order_on_rate_limits(const struct order_turn *turn, const struct scan_value *limits)
{
    struct scan_iter iter;
    struct scan_value object;

    if (limits->type == SCAN_ARRAY && scan_begin(&iter, limits) == 0)
        while (scan_item(&iter, &object) == 0)
            if (object.type == SCAN_OBJECT)
                rate_limit_take_one(turn, &object);
}

/* {"code":..,"msg":..,"data":..}: the body of a REST error, the "error" of a WebSocket answer. */
static void error_read(const struct scan_value *error, struct order_answer *out)
{
    struct scan_value value;

    if (error->type != SCAN_OBJECT)
        return;
    if (scan_find(error, "code", &value) == 0)
        (void)scan_i64(&value, &out->code);
    if (scan_find(error, "msg", &value) == 0)
        view_text(&value, out->text, sizeof(out->text));
    if (scan_find(error, "data", &out->data) == 0 && out->data.type == SCAN_OBJECT &&
        scan_find(&out->data, "retryAfter", &value) == 0)
        (void)scan_i64(&value, &out->retry_after_ms);
    /* A ban says its end only in words. */
    const char *until = strstr(out->text, "banned until ");
    if (until && out->retry_after_ms == 0) {
        const char *digits = until + strlen("banned until ");
        value = (struct scan_value){ SCAN_NUMBER, digits, strspn(digits, "0123456789") };
        (void)scan_i64(&value, &out->retry_after_ms);
    }
    if (out->retry_after_ms < 0 || out->retry_after_ms > INT64_MAX / NS_PER_MS)
        out->retry_after_ms = 0;
}

struct envelope {
    struct scan_value id, status, result, error, limits, event, data, e;
};

static int envelope_read(const struct scan_value *top, struct envelope *out)
{
    static const struct {
        const char *name;
        size_t at;
    } names[] = {
        { "id", offsetof(struct envelope, id) },
        { "status", offsetof(struct envelope, status) },
        { "result", offsetof(struct envelope, result) },
        { "error", offsetof(struct envelope, error) },
        { "rateLimits", offsetof(struct envelope, limits) },
        { "event", offsetof(struct envelope, event) },
        { "data", offsetof(struct envelope, data) },
        { "e", offsetof(struct envelope, e) },
    };
    struct scan_iter iter;
    struct scan_value key, value;
    int err = top->type == SCAN_OBJECT ? scan_begin(&iter, top) : ERR_PROTO;

    *out = (struct envelope){ 0 };
    while (!err && (err = scan_member(&iter, &key, &value)) == 0)
        for (size_t i = 0; i < COUNT(names); i++)
            if (scan_is(&key, names[i].name))
                *(struct scan_value *)(void *)((char *)out + names[i].at) = value;
    return err == ERR_NOT_FOUND ? 0 : ERR_PROTO;
}

static int answer_frame(const struct order_turn *turn, const struct envelope *envelope)
{
    struct order_answer answer = { .result = envelope->result };
    struct order_pending *pending;
    int64_t status;
    uint64_t id;

    if (scan_i64(&envelope->status, &status) != 0 || status < 100 || status > 999)
        return ERR_PROTO;
    answer.status = (int)status;
    error_read(&envelope->error, &answer);
    order_on_rate_limits(turn, &envelope->limits);
    if (scan_u64(&envelope->id, &id) != 0) {
        /* No id: said of the session as a whole, for instance that its key was revoked. */
        if (turn->order->product->specs[REQUEST_SUBSCRIBE].method)
            order_stream_down(turn, REASON_VENUE_AUTH, answer.text, 0);
        else
            turn->out->note(turn->out->ctx, "session", answer.text);
        return 0;
    }
    pending = order_pending_find(turn->order, id, false);
    if (!pending) {
        turn->order->late++; /* Reported as unknown already: the engine has asked since. */
        return 0;
    }
    order_on_answer(turn, pending, &answer);
    return 0;
}

static int frame_read(const struct order_turn *turn, const char *frame, size_t len)
{
    struct scan_value top;
    struct envelope envelope;

    if (scan_whole(frame, len, &top) != 0 || envelope_read(&top, &envelope) != 0)
        return ERR_PROTO;
    if (envelope.event.type != SCAN_NONE)
        return order_on_event(turn, &envelope.event);
    if (envelope.e.type != SCAN_NONE)
        return order_on_event(turn, &top);
    if (envelope.status.type != SCAN_NONE)
        return answer_frame(turn, &envelope);
    return envelope.data.type != SCAN_NONE ? order_on_event(turn, &envelope.data) : ERR_PROTO;
}

int order_on_frame(void *state, unsigned connection, const char *frame, size_t len,
                   const struct venue_clock *clock, const struct venue_out *out)
{
    struct order_turn turn = { state, clock, out };
    int err = connection == 0 ? frame_read(&turn, frame, len) : ERR_PROTO;

    turn.order->rejected += err != 0;
    return err;
}

static void headers_take(const struct order_turn *turn, const struct venue_response *response)
{
    int64_t weight = binance_header(response, "x-mbx-used-weight-1m");

    order_on_limit(turn, LIMIT_WEIGHT,
                   weight >= 0 ? weight : binance_header(response, "x-mbx-used-weight"), 0);
    order_on_limit(turn, LIMIT_ORDERS_10S, binance_header(response, "x-mbx-order-count-10s"), 0);
    order_on_limit(turn, LIMIT_ORDERS_LONG,
                   binance_header(response, turn->order->product->orders_header), 0);
}

/* A symbol that the venue does not know makes the whole list fail: then it is asked for everything.
 */
static bool metadata_again(const struct order_turn *turn, struct order_pending *pending,
                           const struct order_answer *answer)
{
    if (pending->kind != REQUEST_METADATA || pending->is_all ||
        (answer->code != -1121 && answer->code != -1100))
        return false;
    pending->is_all = true;
    pending->repeat_ns = turn->clock->now_ns;
    return true;
}

/* What is not JSON is of somebody in front of the venue: its first words. */
static void words_read(const struct venue_response *response, struct order_answer *out)
{
    size_t len = 0;

    for (; len < response->body_len && len < sizeof(out->text) - 1; len++) {
        char byte = response->body[len];
        if (byte < ' ' || byte > '~' || byte == '"' || byte == '\\')
            break;
        out->text[len] = byte;
    }
    out->text[len] = '\0';
}

int order_on_http(void *state, const struct venue_response *response,
                  const struct venue_clock *clock, const struct venue_out *out)
{
    struct order_turn turn = { state, clock, out };
    struct order_pending *pending = order_pending_find(turn.order, response->tag, true);
    struct order_answer answer = { .status = response->status };
    struct scan_value top;

    if (!pending) {
        turn.order->late++;
        return 0;
    }
    headers_take(&turn, response);
    if (response->status == 0) {
        order_on_lost(&turn, pending, response->was_sent, REASON_TRANSPORT);
        return 0;
    }
    if (response->sent_ns > 0 && response->received_ns >= response->sent_ns) {
        /* Queueing before the send is no round trip. */
        pending->sent_wall_ns = clock->wall_ns - (clock->now_ns - response->sent_ns);
        pending->sent_ns = response->sent_ns;
    }
    if (response->body_len > 0 && scan_whole(response->body, response->body_len, &top) == 0) {
        if (response->status >= 200 && response->status < 300)
            answer.result = top;
        else
            error_read(&top, &answer);
    } else {
        words_read(response, &answer);
    }
    int64_t seconds = binance_header(response, "retry-after");
    if (seconds > 0 && seconds < 30 * 86400)
        answer.retry_after_ms = clock->wall_ns / NS_PER_MS + seconds * MS_PER_S;
    if (!metadata_again(&turn, pending, &answer))
        order_on_answer(&turn, pending, &answer);
    return 0;
}
