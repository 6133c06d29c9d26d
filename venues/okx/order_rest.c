#include "venues/okx/order.h"

#include <stdio.h>

#define WAIT_MAX_NS   (30 * NS_PER_S)  /* For room at the shell. */
#define ANSWER_MAX_NS (120 * NS_PER_S) /* The shell answers every call; this is for a lost one. */
#define AGAIN_NS      (100 * NS_PER_MS)

/* Signs and sends. 0, ERR_FULL (the shell has no room), or an error of the request itself. */
static int pending_send(const struct okx_turn *turn, struct okx_pending *pending)
{
    struct okx_side *side = turn->side;
    int err = okx_call_write(side, pending, turn->clock->wall_ns, &side->request);

    if (err)
        return err;
    side->request.tag = pending->id;
    if (turn->out->request(turn->out->ctx, &side->request) != 0)
        return ERR_FULL;
    pending->is_waiting = false;
    pending->is_sent_once = true;
    pending->begun_ns = turn->clock->now_ns;
    pending->sent_wall_ns = turn->clock->wall_ns;
    return 0;
}

int okx_rest_begin(const struct okx_turn *turn, const struct venue_command *command, bool is_own)
{
    struct okx_side *side = turn->side;

    if (command->op == OP_CANCEL_ALL && side->sweep.id != 0)
        return ERR_FULL; /* One at a time. */
    struct okx_pending *pending = okx_pending_new(turn, command);
    if (!pending)
        return ERR_FULL;
    pending->is_own = is_own;
    int err = pending_send(turn, pending);
    if (err) {
        (void)okx_pending_end(side, pending);
        return err;
    }
    if (command->op == OP_CANCEL_ALL)
        side->sweep = (struct okx_sweep){ .id = pending->id };
    return 0;
}

void okx_rest_go_on(const struct okx_turn *turn, struct okx_pending *pending, int64_t wait_ns)
{
    pending->begun_ns = turn->clock->now_ns;
    pending->is_waiting = true;
    pending->again_at_ns = turn->clock->now_ns + wait_ns;
    if (wait_ns == 0 && pending_send(turn, pending) != 0)
        pending->again_at_ns = turn->clock->now_ns + AGAIN_NS;
}

static void tick_one(const struct okx_turn *turn, struct okx_pending *pending)
{
    int64_t now = turn->clock->now_ns, age_ns = now - pending->begun_ns;

    if (pending->is_waiting) {
        if (age_ns > WAIT_MAX_NS)
            okx_fail_silent(turn, pending, SILENCE_NEVER_SENT, "waited too long for its turn");
        else if (now >= pending->again_at_ns && pending_send(turn, pending) != 0)
            pending->again_at_ns = now + AGAIN_NS;
    } else if (pending->is_ws ? age_ns > turn->side->timeout_ns : age_ns > ANSWER_MAX_NS) {
        okx_fail_silent(turn, pending, SILENCE_NO_ANSWER, "no answer in time");
    } else if (pending->is_accepted && pending->step == STEP_ONLY &&
               age_ns > turn->side->timeout_ns) {
        /* The stream said nothing of it: ask. */
        pending->step = STEP_CONFIRM;
        okx_rest_go_on(turn, pending, 0);
    }
}

void okx_rest_tick(const struct okx_turn *turn)
{
    struct okx_side *side = turn->side;

    for (unsigned i = 0; i < OKX_PENDING_MAX && side->pending_count > 0; i++)
        if (side->pending[i].id != 0)
            tick_one(turn, &side->pending[i]);
}

/* ---- answers ---- */

/* Own needs are asked for again by the tick. A command's later step that never left changes nothing
 * about the earlier one. */
static void on_silence(const struct okx_turn *turn, struct okx_pending *pending,
                       const struct venue_response *response)
{
    char text[48];
    bool is_lost = response->status != 0 || response->was_sent;

    snprintf(text, sizeof(text), response->status ? "HTTP status %d" : "no answer",
             response->status);
    if (!is_lost && pending->step == STEP_ONLY && pending->page == 0)
        pending->is_sent_once = false;
    okx_fail_silent(turn, pending, is_lost ? SILENCE_NO_ANSWER : SILENCE_NEVER_SENT, text);
}

static bool is_question(const struct okx_pending *pending)
{
    return !okx_is_about_order(pending->command.op) || pending->step == STEP_CONFIRM;
}

static void on_refused(const struct okx_turn *turn, struct okx_pending *pending, int code,
                       const struct scan_value *msg)
{
    struct okx_error error = okx_error_of(code);
    const char *text = msg->type == SCAN_STRING ? msg->text : "";
    size_t len = msg->type == SCAN_STRING ? msg->len : 0;

    /* Not done, and asking twice changes nothing: once more, with the time of this turn. */
    if (error.why == REASON_VENUE_TIMESTAMP && error.kind == OKX_RETRY && is_question(pending) &&
        !pending->is_retried) {
        pending->is_retried = true;
        okx_rest_go_on(turn, pending, 0);
        return;
    }
    if (pending->command.op == OP_QUERY && pending->step == STEP_ONLY &&
        error.why == REASON_VENUE_UNKNOWN_ORDER) {
        pending->step = STEP_HISTORY; /* Ended ones stand in another list. */
        okx_rest_go_on(turn, pending, 0);
        return;
    }
    okx_note(turn, "venue_error", "%d %.*s", code, (int)MIN(len, 120), text);
    okx_fail(turn, pending, code, text, len);
}

/* 429 without a body of the venue's: its proxy's word. */
static void on_status(const struct okx_turn *turn, struct okx_pending *pending,
                      const struct venue_response *response)
{
    struct scan_value no_text = { .type = SCAN_NONE };

    if (response->status == 429)
        on_refused(turn, pending, 50011, &no_text);
    else if (response->status == 401 || response->status == 403)
        on_refused(turn, pending, 50113, &no_text);
    else
        on_silence(turn, pending, response);
    if (response->status == 503)
        okx_back_off(turn, 5 * NS_PER_S, REASON_VENUE_MAINTENANCE, "HTTP status 503");
}

/* The one element of an answer to an order's request. */
static int take_ack(const struct okx_turn *turn, struct okx_pending *pending,
                    const struct scan_value *data)
{
    struct scan_iter iter;
    struct scan_value item;

    return data->type == SCAN_ARRAY && scan_begin(&iter, data) == 0 &&
                   scan_item(&iter, &item) == 0 && okx_acked(turn, pending, &item)
               ? 0
               : ERR_PROTO;
}

int okx_order_http(void *state, const struct venue_response *response,
                   const struct venue_clock *clock, const struct venue_out *out)
{
    struct okx_side *side = state;
    struct okx_turn turn = { side, clock, out };
    struct okx_pending *pending = okx_pending_of(side, response->tag);
    struct scan_value root, code, msg, data;
    int64_t number = -1;

    if (!pending || pending->is_ws || pending->is_waiting) {
        side->late_answers++;
        return 0;
    }
    bool is_json = response->status != 0 && response->body_len > 0 &&
                   scan_whole(response->body, response->body_len, &root) == 0 &&
                   root.type == SCAN_OBJECT;
    if (is_json) {
        okx_find(&root, "code", &code);
        okx_find(&root, "msg", &msg);
        okx_find(&root, "data", &data);
    }
    if (!is_json || code.len == 0 || scan_i64(&code, &number) != 0) {
        side->rejected += response->status == 200;
        on_status(&turn, pending, response);
        return response->status == 200 ? ERR_PROTO : 0;
    }
    bool is_ack = okx_is_about_order(pending->command.op) && pending->step == STEP_ONLY;
    /* 1 and 2: refused in whole or in part; each element says its own. */
    if (number <= 2 && is_ack && take_ack(&turn, pending, &data) == 0)
        return 0;
    if (number == 0 || (pending->step == STEP_SWEEP && number <= 2)) {
        if (!is_ack && okx_take_data(&turn, pending, &data) == 0)
            return 0;
        side->rejected++;
        okx_fail_silent(&turn, pending, SILENCE_NO_ANSWER, "answer of unknown form");
        return ERR_PROTO;
    }
    on_refused(&turn, pending, (int)MIN(number, 999999), &msg);
    return 0;
}
