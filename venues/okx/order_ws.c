#include "venues/okx/order.h"

#include <stdio.h>

#define WINDOW_SPREAD_NS (1 * NS_PER_S)

/* What a frame's top level says, in whatever order. */
enum { F_ARG, F_DATA, F_EVENT, F_OP, F_ID, F_CODE, F_MSG, F_COUNT };
static const char *const frame_names[F_COUNT] = {
    "arg", "data", "event", "op", "id", "code", "msg"
};

static int code_of(const struct scan_value *code)
{
    int64_t number;

    return code->len > 0 && scan_i64(code, &number) == 0 && number >= 0 && number < 1000000
               ? (int)number
               : -1;
}

/* ---- answers ---- */

/* sCode of an element where it has one: that is the word on this order. */
static int item_code(const struct scan_value *item, struct scan_value *msg)
{
    struct scan_value code;

    okx_find(item, "sCode", &code);
    okx_find(item, "sMsg", msg);
    return code.type == SCAN_NONE ? 0 : code_of(&code);
}

static void on_placed(const struct okx_turn *turn, struct okx_pending *pending,
                      const char *order_id)
{
    struct okx_pending gone = okx_pending_end(turn->side, pending);
    struct venue_report report;

    okx_report_begin(turn, &report, REPORT_ACCEPTED, &gone);
    snprintf(report.exchange_order_id, sizeof(report.exchange_order_id), "%s", order_id);
    report.type = gone.command.type;
    report.time_in_force = gone.command.time_in_force;
    report.is_post_only = gone.command.is_post_only;
    report.is_reduce_only = gone.command.is_reduce_only;
    okx_report(turn, &report);
}

/* Accepted is not done: the order's news end the command, or, without a stream, a question. */
static void on_accepted(const struct okx_turn *turn, struct okx_pending *pending,
                        const char *order_id)
{
    if (!*pending->command.exchange_order_id && strlen(order_id) < VENUE_ID_MAX)
        snprintf(pending->command.exchange_order_id, sizeof(pending->command.exchange_order_id),
                 "%s", order_id);
    pending->is_accepted = true;
    pending->is_ws = false;
    if (okx_is_stream_up(turn->side))
        return;
    pending->step = STEP_CONFIRM;
    okx_rest_go_on(turn, pending, 0);
}

bool okx_acked(const struct okx_turn *turn, struct okx_pending *pending,
               const struct scan_value *item)
{
    struct scan_value msg;
    char order_id[40];
    int code = item->type == SCAN_OBJECT ? item_code(item, &msg) : -1;

    if (code < 0)
        return false;
    okx_text(item, "ordId", order_id, sizeof(order_id));
    if (code != 0 && okx_error_of(code).kind != OKX_DONE) {
        okx_fail(turn, pending, code, msg.text ? msg.text : "", msg.len);
        return true;
    }
    if (pending->command.op == OP_PLACE && !*order_id)
        return false;
    if (pending->command.op == OP_PLACE)
        on_placed(turn, pending, order_id);
    else
        on_accepted(turn, pending, order_id);
    return true;
}

/* The first element of data. false: there is none. */
static bool first_of(const struct scan_value *data, struct scan_value *item)
{
    struct scan_iter iter;

    return data->type == SCAN_ARRAY && scan_begin(&iter, data) == 0 && scan_item(&iter, item) == 0;
}

static void on_answer(const struct okx_turn *turn, const struct scan_value *f)
{
    struct okx_side *side = turn->side;
    struct scan_value item;
    uint64_t id = 0;
    struct okx_pending *pending = scan_u64(&f[F_ID], &id) == 0 ? okx_pending_of(side, id) : NULL;

    if (!pending || !pending->is_ws) {
        side->late_answers++; /* Its command has ended: its order's news came first, or nothing. */
        return;
    }
    int code = code_of(&f[F_CODE]);
    if (first_of(&f[F_DATA], &item) && okx_acked(turn, pending, &item))
        return;
    if (code > 0 && f[F_MSG].type == SCAN_STRING && !first_of(&f[F_DATA], &item))
        okx_fail(turn, pending, code, f[F_MSG].text, f[F_MSG].len);
    else
        okx_fail_silent(turn, pending, SILENCE_NO_ANSWER, "answer of unknown form");
}

/* ---- events ---- */

static void on_error(const struct okx_turn *turn, const struct scan_value *f)
{
    struct okx_side *side = turn->side;
    int code = code_of(&f[F_CODE]);
    uint64_t id;

    if (side->login_sent_ns != 0 && f[F_ID].type == SCAN_NONE) {
        okx_login_failed(turn, code, f[F_MSG].text ? f[F_MSG].text : "", f[F_MSG].len);
        return;
    }
    struct okx_pending *pending =
        f[F_ID].type != SCAN_NONE && scan_u64(&f[F_ID], &id) == 0 ? okx_pending_of(side, id) : NULL;
    if (pending && pending->is_ws) {
        okx_fail(turn, pending, code, f[F_MSG].text ? f[F_MSG].text : "", f[F_MSG].len);
        return;
    }
    struct okx_error error = okx_error_of(code);
    okx_note(turn, "venue_error", "%d %.*s", code, (int)MIN(f[F_MSG].len, 120),
             f[F_MSG].text ? f[F_MSG].text : "");
    okx_consequences(turn, &error, f[F_MSG].text ? f[F_MSG].text : "", f[F_MSG].len);
}

static enum okx_stream stream_of(const struct scan_value *arg)
{
    static const char *const names[STREAM_COUNT] = {
        [STREAM_ORDERS] = "orders",
        [STREAM_ACCOUNT] = "account",
        [STREAM_BALANCE_AND_POSITION] = "balance_and_position",
        [STREAM_POSITIONS] = "positions",
    };
    struct scan_value channel;

    okx_find(arg, "channel", &channel);
    for (unsigned i = 0; channel.type == SCAN_STRING && i < STREAM_COUNT; i++)
        if (scan_is(&channel, names[i]))
            return i;
    return STREAM_COUNT;
}

static void on_subscribed(const struct okx_turn *turn, const struct scan_value *f)
{
    struct okx_side *side = turn->side;
    enum okx_stream stream = stream_of(&f[F_ARG]);
    bool are_all = true;

    if (stream == STREAM_COUNT)
        return;
    side->is_stream_up[stream] = true;
    for (unsigned i = 0; i < STREAM_COUNT; i++)
        are_all &= side->is_stream_up[i];
    if (are_all)
        side->subscribe_at_ns = 0;
    okx_update_channels(turn, REASON_RESYNC, "");
}

static void on_event(const struct okx_turn *turn, const struct scan_value *f)
{
    struct okx_side *side = turn->side;

    if (scan_is(&f[F_EVENT], "login")) {
        if (code_of(&f[F_CODE]) == 0)
            okx_logged_in(turn);
        else
            okx_login_failed(turn, code_of(&f[F_CODE]), f[F_MSG].text ? f[F_MSG].text : "",
                             f[F_MSG].len);
    } else if (scan_is(&f[F_EVENT], "subscribe")) {
        on_subscribed(turn, f);
    } else if (scan_is(&f[F_EVENT], "error")) {
        on_error(turn, f);
    } else if (scan_is(&f[F_EVENT], "notice")) {
        okx_note(turn, "venue_notice", "%.*s", (int)MIN(f[F_MSG].len, 160),
                 f[F_MSG].text ? f[F_MSG].text : "");
        if (scan_is(&f[F_CODE], "64008") && side->reconnect_at_ns == 0)
            side->reconnect_at_ns = turn->clock->now_ns + WINDOW_SPREAD_NS;
    } else if (scan_is(&f[F_EVENT], "channel-conn-count-error")) {
        okx_note(turn, "venue_error", "too many connections on a private channel");
    }
}

/* ---- channels ---- */

static int on_channel(const struct okx_turn *turn, const struct scan_value *f)
{
    switch (stream_of(&f[F_ARG])) {
    case STREAM_ORDERS:
        return okx_on_orders(turn, &f[F_DATA]);
    case STREAM_ACCOUNT:
        return okx_on_balances(turn, NULL, &f[F_DATA]);
    case STREAM_POSITIONS:
        return okx_on_positions(turn, NULL, &f[F_DATA]);
    case STREAM_BALANCE_AND_POSITION:
        return okx_on_balance_and_position(turn, &f[F_DATA]);
    default:
        return 0; /* Not subscribed to. */
    }
}

/* News that could not be read are news missed: a new session, and the engine compares. */
static int on_unreadable(const struct okx_turn *turn, const char *frame, size_t len)
{
    struct okx_side *side = turn->side;

    side->rejected++;
    okx_note(turn, "not_readable", "%.*s", (int)MIN(len, 80), frame);
    if (!side->is_reconnecting && side->is_open) {
        side->is_reconnecting = true;
        turn->out->reconnect(turn->out->ctx, OKX_ORDER_CONNECTION, REASON_BAD_BYTES);
    }
    return ERR_PROTO;
}

int okx_order_frame(void *state, unsigned connection, const char *frame, size_t len,
                    const struct venue_clock *clock, const struct venue_out *out)
{
    struct okx_side *side = state;
    struct okx_turn turn = { side, clock, out };
    struct scan_value f[F_COUNT] = { { .type = SCAN_NONE } }, root;
    (void)connection;

    side->messages++;
    side->last_message_ns = clock->now_ns;
    side->ping_ns = 0;
    if (len == 4 && memcmp(frame, "pong", 4) == 0)
        return 0;
    if (scan_whole(frame, len, &root) != 0 || okx_members(&root, frame_names, F_COUNT, f) != 0)
        return on_unreadable(&turn, frame, len);
    if (f[F_EVENT].type == SCAN_STRING) {
        on_event(&turn, f);
    } else if (f[F_OP].type == SCAN_STRING) {
        on_answer(&turn, f);
    } else if (f[F_ARG].type != SCAN_OBJECT || on_channel(&turn, f) != 0) {
        return on_unreadable(&turn, frame, len);
    }
    return 0;
}
