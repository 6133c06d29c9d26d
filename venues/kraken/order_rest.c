#include "venues/kraken/order.h"

#include <stdio.h>

#define WAIT_MAX_NS   (60 * NS_PER_S)  /* For the counter's decay, or a full queue. */
#define ANSWER_MAX_NS (120 * NS_PER_S) /* The shell answers every call; this is for a lost one. */

/* ---- calls ---- */

static struct kraken_rest_pending *pending_of(struct kraken_side *side, uint64_t tag)
{
    struct kraken_rest_pending *pending = &side->rest[tag % KRAKEN_REST_PENDING];

    return tag != 0 && pending->tag == tag ? pending : NULL;
}

static struct kraken_rest_pending *pending_new(struct kraken_side *side)
{
    for (unsigned i = 0; i < KRAKEN_REST_PENDING; i++) {
        struct kraken_rest_pending *pending = &side->rest[i];
        if (pending->tag == 0) {
            *pending =
                (struct kraken_rest_pending){ .tag = ++side->generation * KRAKEN_REST_PENDING + i };
            return pending;
        }
    }
    return NULL;
}

/* Is there room on the venue's counter for a call of that weight? */
static bool counter_allows(const struct kraken_turn *turn, uint32_t weight)
{
    struct kraken_side *side = turn->side;
    int64_t used =
        kraken_counter_now(&side->rest_counter, side->tier->rest_milli_per_s, turn->clock->now_ns);

    return used + (int64_t)weight * 1000 <= (int64_t)side->tier->rest_max * 1000;
}

/* Signs and sends. ERR_AGAIN: the venue's counter has no room yet, or this turn's nonce is spent (a
 * report that this turn made has led to a command); ERR_FULL: the shell has no room. */
static int pending_send(const struct kraken_turn *turn, struct kraken_rest_pending *pending)
{
    struct kraken_side *side = turn->side;
    int err = kraken_call_write(&side->keys, &side->names, &pending->command, pending->step,
                                pending->offset, pending->deadline_ns, turn->clock->nonce,
                                &side->request);

    if (err)
        return err;
    if (side->request.is_private &&
        (!counter_allows(turn, side->request.weight) || turn->clock->nonce <= side->last_nonce))
        return ERR_AGAIN;
    side->request.tag = pending->tag;
    err = turn->out->request(turn->out->ctx, &side->request);
    if (err)
        return ERR_FULL;
    if (side->request.is_private) {
        side->last_nonce = turn->clock->nonce;
        kraken_counter_add(&side->rest_counter, side->tier->rest_milli_per_s,
                           (int64_t)side->request.weight * 1000, turn->clock->now_ns);
    }
    pending->is_waiting = false;
    pending->is_sent_once = true;
    pending->sent_wall_ns = turn->clock->wall_ns;
    return 0;
}

void kraken_rest_forget(struct kraken_side *side, enum kraken_step step)
{
    for (unsigned i = 0; i < KRAKEN_REST_PENDING; i++)
        if (side->rest[i].tag != 0 && side->rest[i].step == step)
            side->rest[i].tag = 0;
}

int kraken_rest_begin(const struct kraken_turn *turn, const struct venue_command *command,
                      enum kraken_step step)
{
    struct kraken_rest_pending *pending = pending_new(turn->side);

    if (!pending)
        return ERR_FULL;
    pending->command = *command;
    pending->step = step;
    pending->begun_ns = turn->clock->now_ns;
    if (command->op == OP_PLACE && command->valid_ns > 0)
        pending->deadline_ns =
            turn->clock->wall_ns +
            MAX(MIN(command->valid_ns, KRAKEN_DEADLINE_MAX_NS), KRAKEN_REST_DEADLINE_MIN_NS);
    int err = pending_send(turn, pending);
    if (err == ERR_AGAIN) {
        pending->is_waiting = true; /* The next tick has another nonce, or more room. */
        return 0;
    }
    if (err)
        pending->tag = 0;
    else if (step == STEP_TOKEN)
        turn->side->token_tag = pending->tag;
    return err;
}

/* The next request of the same command; now if it can be. */
void kraken_rest_go_on(const struct kraken_turn *turn, struct kraken_rest_pending *pending)
{
    pending->begun_ns = turn->clock->now_ns;
    pending->is_waiting = pending_send(turn, pending) != 0;
}

static void give_up(const struct kraken_turn *turn, struct kraken_rest_pending *pending)
{
    struct kraken_rest_pending gone = *pending;

    pending->tag = 0;
    if (gone.step == STEP_TOKEN || gone.step == STEP_PAIRS)
        return; /* Asked for again by the tick. */
    kraken_fail_silent(turn, &gone.command,
                       gone.is_sent_once ? SILENCE_NO_ANSWER : SILENCE_NEVER_SENT,
                       gone.is_waiting ? "waited too long for its turn" : "no answer");
}

void kraken_rest_tick(const struct kraken_turn *turn, bool may_send)
{
    struct kraken_side *side = turn->side;
    int64_t now = turn->clock->now_ns;

    for (unsigned i = 0; i < KRAKEN_REST_PENDING; i++) {
        struct kraken_rest_pending *pending = &side->rest[i];
        if (pending->tag == 0)
            continue;
        if (now - pending->begun_ns > (pending->is_waiting ? WAIT_MAX_NS : ANSWER_MAX_NS)) {
            give_up(turn, pending);
        } else if (pending->is_waiting && may_send) {
            int err = pending_send(turn, pending);
            may_send = err == ERR_AGAIN; /* One signature a turn; none to a shell that is full. */
            if (!err && pending->step == STEP_TOKEN)
                side->token_tag = pending->tag;
        }
    }
}

/* ---- refusals ---- */

static bool is_question(const struct kraken_rest_pending *pending)
{
    enum venue_op op = pending->command.op;

    return pending->step == STEP_TOKEN || op == OP_QUERY || op == OP_OPEN_ORDERS ||
           op == OP_BALANCES || op == OP_EXECUTIONS;
}

static void on_refused(const struct kraken_turn *turn, struct kraken_rest_pending *pending,
                       const struct scan_value *text)
{
    struct kraken_side *side = turn->side;
    struct kraken_error error = kraken_error_of(text->text, text->len, turn->clock->wall_ns);

    /* Not executed, and asking twice changes nothing: once more, with the nonce of this turn. */
    if (error.why == REASON_VENUE_TIMESTAMP && is_question(pending) && !pending->is_retried) {
        pending->is_retried = true;
        kraken_rest_go_on(turn, pending);
        return;
    }
    struct kraken_rest_pending gone = *pending;
    pending->tag = 0;
    kraken_note(turn, "venue_error", "%.*s", (int)MIN(text->len, 120), text->text);
    if (gone.step == STEP_TOKEN) {
        if (gone.tag == side->token_tag)
            kraken_drop_token(turn, MAX(error.back_off_ns, 2 * NS_PER_S), error.why,
                              "no token for the private session");
        kraken_consequences(turn, NULL, &error);
        return;
    }
    if (gone.step == STEP_PAIRS) {
        side->metadata_at_ns = turn->clock->now_ns + 5 * NS_PER_S;
        return;
    }
    if (gone.command.op == OP_QUERY && error.why == REASON_VENUE_UNKNOWN_ORDER)
        kraken_report_no_such_order(turn, &gone.command);
    else
        kraken_fail(turn, &gone.command, &error, text->text, text->len);
    kraken_consequences(turn, &gone.command, &error);
}

/* No answer, one from the proxy in front of the venue, or one that cannot be read. */
static void on_silence(const struct kraken_turn *turn, struct kraken_rest_pending *pending,
                       const struct venue_response *response)
{
    struct kraken_rest_pending gone = *pending;
    char text[48];

    pending->tag = 0;
    if (gone.step == STEP_TOKEN) {
        if (gone.tag == turn->side->token_tag)
            kraken_drop_token(turn, 2 * NS_PER_S, REASON_TRANSPORT, "no token: no answer");
        return;
    }
    if (gone.step == STEP_PAIRS) {
        turn->side->metadata_at_ns = turn->clock->now_ns + 5 * NS_PER_S;
        return;
    }
    snprintf(text, sizeof(text), response->status ? "HTTP status %d" : "no answer",
             response->status);
    /* A later step that never left changes nothing about the earlier one: a question all the same.
     */
    kraken_fail_silent(turn, &gone.command,
                       response->status == 0 && !response->was_sent ? SILENCE_NEVER_SENT
                                                                    : SILENCE_NO_ANSWER,
                       text);
    if (response->status == 429) {
        static const struct kraken_error busy = { KRAKEN_RETRY, REASON_VENUE_RATE_LIMIT,
                                                  5 * NS_PER_S };
        kraken_consequences(turn, NULL, &busy);
    }
}

int kraken_order_http(void *state, const struct venue_response *response,
                      const struct venue_clock *clock, const struct venue_out *out)
{
    struct kraken_side *side = state;
    struct kraken_turn turn = { side, clock, out };
    struct kraken_rest_pending *pending = pending_of(side, response->tag);
    struct scan_value root, errors, result, first;

    if (!pending) {
        side->late_answers++;
        return 0;
    }
    bool is_json = response->status != 0 && response->body_len > 0 &&
                   scan_whole(response->body, response->body_len, &root) == 0 &&
                   root.type == SCAN_OBJECT && scan_find(&root, "error", &errors) == 0;
    int err = is_json ? kraken_first_error(&errors, &first) : ERR_PROTO;
    if (err == 0) {
        on_refused(&turn, pending, &first);
        return 0;
    }
    if (err != ERR_NOT_FOUND || response->status != 200 ||
        scan_find(&root, "result", &result) != 0) {
        side->rejected += response->status == 200;
        on_silence(&turn, pending, response);
        return response->status == 200 ? ERR_PROTO : 0;
    }
    enum kraken_taken taken = kraken_take_result(&turn, pending, &result);
    if (taken == KRAKEN_TAKEN_UNREAD) {
        side->rejected++;
        on_silence(&turn, pending, response);
        return ERR_PROTO;
    }
    if (taken == KRAKEN_TAKEN_ENDS)
        pending->tag = 0;
    return 0;
}
