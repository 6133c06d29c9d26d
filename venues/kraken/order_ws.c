#include "venues/kraken/order.h"

#include <stdio.h>

/* What a frame's top level says, in whatever order. */
struct envelope {
    struct scan_value channel, type, data, sequence;
    struct scan_value method, success, error, result, req_id, time_in;
};

static int read_envelope(const char *frame, size_t len, struct envelope *out)
{
    static const struct {
        const char *name;
        size_t offset;
    } members[] = {
        { "channel", offsetof(struct envelope, channel) },
        { "type", offsetof(struct envelope, type) },
        { "data", offsetof(struct envelope, data) },
        { "sequence", offsetof(struct envelope, sequence) },
        { "method", offsetof(struct envelope, method) },
        { "success", offsetof(struct envelope, success) },
        { "error", offsetof(struct envelope, error) },
        { "result", offsetof(struct envelope, result) },
        { "req_id", offsetof(struct envelope, req_id) },
        { "time_in", offsetof(struct envelope, time_in) },
    };
    struct scan_value root, key, value;
    struct scan_iter iter;
    int err = scan_whole(frame, len, &root);

    if (!err)
        err = root.type == SCAN_OBJECT ? scan_begin(&iter, &root) : ERR_PROTO;
    while (!err && (err = scan_member(&iter, &key, &value)) == 0)
        for (size_t i = 0; i < COUNT(members); i++)
            if (scan_is(&key, members[i].name)) {
                *(struct scan_value *)(void *)((char *)out + members[i].offset) = value;
                break;
            }
    return err == ERR_NOT_FOUND ? 0 : ERR_PROTO;
}

/* A member of result as text; "" where there is none. */
static void result_text(const struct scan_value *result, const char *name, char *out, size_t cap)
{
    struct scan_value value;

    out[0] = '\0';
    if (result->type != SCAN_OBJECT || scan_find(result, name, &value) != 0 ||
        scan_text(&value, out, cap) != 0)
        out[0] = '\0';
}

/* ---- answers to commands ---- */

/* An order that we placed: its frames may name nothing but the venue's id. */
static void remember_placed(const struct kraken_turn *turn, const struct venue_command *command,
                            const char *order_id)
{
    struct order_known *known = order_cache_find(&turn->side->cache, order_id);

    if (!known) {
        struct venue_report report;
        kraken_report_begin(turn, &report, REPORT_ACCEPTED, command);
        known = order_cache_put(&turn->side->cache, order_id);
        snprintf(known->symbol, sizeof(known->symbol), "%s", report.symbol);
        known->price_exp = report.price_exp;
        known->qty_exp = report.qty_exp;
        known->side = command->side;
        known->type = command->type;
        known->time_in_force = command->time_in_force;
        known->is_post_only = command->is_post_only;
        known->state = ORDER_LIVE;
        known->changed_ns = turn->clock->now_ns;
        if (command->price_exp == known->price_exp && command->qty_exp == known->qty_exp) {
            known->price = command->type == ORDER_LIMIT ? command->price : 0;
            known->qty = command->qty;
        }
    }
    if (!*known->client_order_id)
        snprintf(known->client_order_id, sizeof(known->client_order_id), "%s",
                 command->client_order_id);
}

static void on_placed(const struct kraken_turn *turn, const struct venue_command *command,
                      const struct envelope *frame)
{
    struct venue_report report;
    char order_id[VENUE_ID_MAX];

    result_text(&frame->result, "order_id", order_id, sizeof(order_id));
    if (!*order_id) {
        kraken_fail_silent(turn, command, SILENCE_NO_ANSWER, "accepted without an order id");
        return;
    }
    remember_placed(turn, command, order_id);
    kraken_report_begin(turn, &report, REPORT_ACCEPTED, command);
    snprintf(report.exchange_order_id, sizeof(report.exchange_order_id), "%s", order_id);
    kraken_report(turn, &report);
}

/* How much was executed stands in the stream's frame, which may have come already. */
static void on_cancelled(const struct kraken_turn *turn, const struct venue_command *command,
                         const struct envelope *frame)
{
    struct venue_report report;
    char order_id[VENUE_ID_MAX];

    kraken_report_begin(turn, &report, REPORT_CANCELLED, command);
    result_text(&frame->result, "order_id", order_id, sizeof(order_id));
    if (*order_id)
        snprintf(report.exchange_order_id, sizeof(report.exchange_order_id), "%s", order_id);
    const struct order_known *known =
        *report.exchange_order_id
            ? order_cache_find(&turn->side->cache, report.exchange_order_id)
            : order_cache_by_client_id(&turn->side->cache, report.client_order_id);
    if (known && known->state == ORDER_CANCELLED && known->qty_exp == report.qty_exp)
        report.cum_qty = known->cum_qty;
    report.why = REASON_REQUESTED;
    kraken_report(turn, &report);
}

static void on_amended(const struct kraken_turn *turn, const struct venue_command *command)
{
    struct venue_report report;
    struct order_known *known =
        *command->exchange_order_id
            ? order_cache_find(&turn->side->cache, command->exchange_order_id)
            : order_cache_by_client_id(&turn->side->cache, command->client_order_id);

    kraken_report_begin(turn, &report, REPORT_REPLACED, command);
    report.price_exp = (int8_t)command->price_exp;
    report.qty_exp = (int8_t)command->qty_exp;
    report.price = command->price;
    report.qty = command->qty;
    report.side = command->side;
    if (known) {
        known->changed_ns = turn->clock->now_ns;
        snprintf(report.exchange_order_id, sizeof(report.exchange_order_id), "%s", known->order_id);
    }
    kraken_report(turn, &report);
}

static void on_dead_man(const struct kraken_turn *turn, const struct venue_command *command,
                        const struct envelope *frame)
{
    struct venue_report report;
    char text[48];

    kraken_report_begin(turn, &report, REPORT_DEAD_MAN, command);
    result_text(&frame->result, "triggerTime", text, sizeof(text));
    if (time_text_read(text, strlen(text), &report.exchange_ns) != 0 && strcmp(text, "0") != 0) {
        static const struct kraken_error unread = { KRAKEN_UNKNOWN, REASON_BAD_BYTES, 0 };
        kraken_fail(turn, command, &unread, text, strlen(text));
        return;
    }
    kraken_report(turn, &report);
}

static void on_pong(const struct kraken_turn *turn, const struct kraken_ws_pending *pending,
                    const struct envelope *frame)
{
    struct venue_report report;
    int64_t venue_ns;

    if (frame->time_in.type != SCAN_STRING ||
        time_text_read(frame->time_in.text, frame->time_in.len, &venue_ns) != 0) {
        kraken_fail_silent(turn, &pending->command, SILENCE_NO_ANSWER, "pong without a time");
        return;
    }
    kraken_report_begin(turn, &report, REPORT_SERVER_TIME, &pending->command);
    report.rtt_ns = turn->clock->now_ns - pending->sent_ns;
    report.offset_ns = venue_ns - (pending->sent_wall_ns + report.rtt_ns / 2);
    report.exchange_ns = venue_ns;
    kraken_report(turn, &report);
}

static void on_success(const struct kraken_turn *turn, const struct kraken_ws_pending *pending,
                       const struct envelope *frame)
{
    const struct venue_command *command = &pending->command;
    struct venue_report report;

    switch (command->op) {
    case OP_PLACE:
        on_placed(turn, command, frame);
        break;
    case OP_CANCEL:
        on_cancelled(turn, command, frame);
        break;
    case OP_REPLACE:
        on_amended(turn, command);
        break;
    case OP_DEAD_MAN:
        on_dead_man(turn, command, frame);
        break;
    case OP_SERVER_TIME:
        on_pong(turn, pending, frame);
        break;
    default:
        kraken_report_begin(turn, &report, REPORT_DONE, command);
        kraken_report(turn, &report);
        break;
    }
}

/* The method that answers a command's frame. */
static bool is_answer_of(enum venue_op op, const struct scan_value *method)
{
    switch (op) {
    case OP_PLACE:
        return scan_is(method, "add_order");
    case OP_CANCEL:
        return scan_is(method, "cancel_order");
    case OP_REPLACE:
        return scan_is(method, "amend_order");
    case OP_CANCEL_ALL:
        return scan_is(method, "cancel_all");
    case OP_DEAD_MAN:
        return scan_is(method, "cancel_all_orders_after");
    default:
        return scan_is(method, "pong");
    }
}

static void on_answer(const struct kraken_turn *turn, const struct envelope *frame, uint64_t req_id)
{
    struct kraken_side *side = turn->side;
    struct kraken_ws_pending *slot = &side->ws[req_id % KRAKEN_WS_PENDING];

    if (req_id == 0 || slot->req_id != req_id) {
        side->late_answers++; /* Its command has ended: outcome unknown, asked about since. */
        return;
    }
    bool is_refused = frame->success.type == SCAN_FALSE ||
                      (frame->error.type == SCAN_STRING && frame->success.type != SCAN_TRUE);
    bool is_meant = is_answer_of(slot->command.op, &frame->method);
    struct kraken_ws_pending pending = *slot;
    slot->req_id = 0;
    side->ws_count--;
    if (is_refused) {
        const char *text = frame->error.type == SCAN_STRING ? frame->error.text : "";
        size_t len = frame->error.type == SCAN_STRING ? frame->error.len : 0;
        struct kraken_error error = kraken_error_of(text, len, turn->clock->wall_ns);
        kraken_fail(turn, &pending.command, &error, text, len);
        kraken_consequences(turn, &pending.command, &error);
    } else if (is_meant) {
        on_success(turn, &pending, frame);
    } else {
        kraken_fail_silent(turn, &pending.command, SILENCE_NO_ANSWER, "answer of another method");
    }
}

/* ---- channels ---- */

static struct kraken_channel *channel_of_request(struct kraken_side *side, uint64_t req_id)
{
    for (unsigned i = 0; i < CHANNEL_COUNT; i++)
        if (req_id != 0 && side->channels[i].req_id == req_id)
            return &side->channels[i];
    return NULL;
}

static void on_subscribed(const struct kraken_turn *turn, struct kraken_channel *channel,
                          const struct envelope *frame)
{
    struct scan_value max;
    uint64_t max_rate;

    channel->is_up = true;
    channel->ask_at_ns = 0;
    if (frame->result.type == SCAN_OBJECT && scan_find(&frame->result, "maxratecount", &max) == 0 &&
        scan_u64(&max, &max_rate) == 0)
        turn->side->tier = kraken_tier_of(max_rate);
    kraken_update_channels(turn, REASON_RESYNC, "");
}

static void on_subscribe_answer(const struct kraken_turn *turn, const struct envelope *frame,
                                uint64_t req_id)
{
    struct kraken_channel *channel = channel_of_request(turn->side, req_id);

    if (frame->success.type == SCAN_TRUE && channel) {
        on_subscribed(turn, channel, frame);
        return;
    }
    if (frame->error.type != SCAN_STRING)
        return;
    kraken_note(turn, "venue_error", "%.*s", (int)MIN(frame->error.len, 120), frame->error.text);
    struct kraken_error error =
        kraken_error_of(frame->error.text, frame->error.len, turn->clock->wall_ns);
    if (channel && scan_is(&frame->error, "Already subscribed"))
        channel->ask_at_ns = turn->clock->now_ns + NS_PER_S; /* Leaves, and comes again. */
    else
        kraken_consequences(turn, NULL, &error);
}

/* A message of a channel: 1, 2, 3, ... A hole means that something happened to us that we have not
 * read: resubscribe, and let the engine compare. */
static int follow_sequence(const struct kraken_turn *turn, enum kraken_channel_id id,
                           const struct scan_value *sequence)
{
    struct kraken_side *side = turn->side;
    struct kraken_channel *channel = &side->channels[id];
    uint64_t number;

    if (!*side->token || scan_u64(sequence, &number) != 0)
        return ERR_PROTO;
    if (channel->sequence == 0 && number != 1)
        return ERR_AGAIN; /* Of the subscription before. */
    if (number <= channel->sequence)
        return ERR_EXISTS;
    if (number == channel->sequence + 1) {
        channel->sequence = number;
        return 0;
    }
    side->sequence_gaps++;
    kraken_note(turn, "private_gap", "sequence %llu after %llu", (unsigned long long)number,
                (unsigned long long)channel->sequence);
    kraken_subscribe(turn, id, true);
    kraken_update_channels(turn, REASON_SEQUENCE_GAP, "private stream has a hole");
    return ERR_STALE;
}

static int on_channel(const struct kraken_turn *turn, const struct envelope *frame)
{
    bool is_executions = scan_is(&frame->channel, "executions");
    bool is_snapshot = scan_is(&frame->type, "snapshot");
    enum kraken_channel_id id = is_executions ? CHANNEL_EXECUTIONS : CHANNEL_BALANCES;

    if (!is_executions && !scan_is(&frame->channel, "balances"))
        return 0; /* status, heartbeat */
    int err = follow_sequence(turn, id, &frame->sequence);
    if (err == ERR_AGAIN || err == ERR_EXISTS)
        return 0;
    if (err)
        return err;
    err = is_executions ? kraken_on_executions(turn, &frame->data, is_snapshot)
                        : kraken_on_balances(turn, &frame->data, is_snapshot);
    if (err) { /* News that could not be read are news missed. */
        kraken_subscribe(turn, id, true);
        kraken_update_channels(turn, REASON_BAD_BYTES, "private message not readable");
    }
    return err;
}

/* An error of no request in particular. "Exceeded msg rate" is about this connection, not about
 * REST's counter: nothing new for a while. */
static void on_general_error(const struct kraken_turn *turn, const struct scan_value *text)
{
    struct kraken_error error = kraken_error_of(text->text, text->len, turn->clock->wall_ns);
    struct venue_report report;

    kraken_note(turn, "venue_error", "%.*s", (int)MIN(text->len, 120), text->text);
    if (error.why != REASON_VENUE_RATE_LIMIT) {
        kraken_consequences(turn, NULL, &error);
        return;
    }
    kraken_report_begin(turn, &report, REPORT_BACK_OFF, NULL);
    report.until_ns = turn->clock->now_ns + error.back_off_ns;
    report.why = error.why;
    kraken_report(turn, &report);
}

int kraken_order_frame(void *state, unsigned connection, const char *frame, size_t len,
                       const struct venue_clock *clock, const struct venue_out *out)
{
    struct kraken_side *side = state;
    struct kraken_turn turn = { side, clock, out };
    struct envelope envelope = { .channel = { .type = SCAN_NONE } };
    uint64_t req_id = 0;
    (void)connection;

    side->messages++;
    side->last_message_ns = clock->now_ns;
    int err = read_envelope(frame, len, &envelope);
    if (err) {
        /* The proxy's bare text before it hangs up, or bytes that may have been news. */
        side->rejected++;
        kraken_note(&turn, "not_json", "%.*s", (int)MIN(len, 80), frame);
        if (!side->is_reconnecting && side->is_open) {
            side->is_reconnecting = true;
            out->reconnect(out->ctx, KRAKEN_ORDER_CONNECTION, REASON_BAD_BYTES);
        }
        return err;
    }
    if (envelope.channel.type == SCAN_STRING) {
        err = on_channel(&turn, &envelope);
        side->rejected += err == ERR_PROTO;
        return err;
    }
    if (envelope.req_id.type == SCAN_NUMBER)
        (void)scan_u64(&envelope.req_id, &req_id);
    if (req_id == 0 && envelope.error.type == SCAN_STRING) {
        on_general_error(&turn, &envelope.error);
        return 0;
    }
    if (scan_is(&envelope.method, "subscribe"))
        on_subscribe_answer(&turn, &envelope, req_id);
    else if (!scan_is(&envelope.method, "unsubscribe"))
        on_answer(&turn, &envelope, req_id);
    return 0;
}
