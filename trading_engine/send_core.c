/* Requests about orders, and what becomes of those that get no answer. */
#include "trading_engine/core_internal.h"

/* ---- sending ---- */

static int8_t decimals_of(const struct instrument_state *i, bool is_price)
{
    int8_t decimals = is_price ? i->definition.price_decimals : i->definition.qty_decimals;
    int8_t exp = is_price ? i->definition.price_exp : i->definition.qty_exp;
    return decimals >= 0 && decimals <= exp ? decimals : exp;
}

void order_command(struct engine_core *e, struct venue_command *c, enum venue_op op,
                   const struct order *o)
{
    command_begin(e, c, op, o);
    c->side = o->r.side;
    c->type = o->r.order_type;
    c->time_in_force = o->r.time_in_force;
    c->is_post_only = (o->r.flags & ORDER_POST_ONLY) != 0;
    c->is_reduce_only = (o->r.flags & ORDER_REDUCE_ONLY) != 0;
    c->price = o->r.price;
    c->price_exp = o->r.price_exp;
    c->qty_exp = o->r.qty_exp;
    c->price_decimals = o->r.price_exp;
    c->qty_decimals = o->r.qty_exp;
    if (o->instrument_at != INDEX_NONE) {
        c->price_decimals = decimals_of(&e->instruments[o->instrument_at], true);
        c->qty_decimals = decimals_of(&e->instruments[o->instrument_at], false);
    }
    c->filled_qty = o->r.filled_qty;
    order_client_id(e, o, o->r.venue_revision, c->client_order_id);
    /* Until the new order of a cancel-and-new is seen, the venue's id is still the old one's. */
    if (!(o->r.flags & ORDER_REPLACE_PLACED))
        text_copy(c->exchange_order_id, sizeof(c->exchange_order_id), o->r.exchange_order_id);
}

wire_reason reason_of_error(int err)
{
    switch (err) {
    case ERR_UNSUPPORTED:
        return REASON_UNSUPPORTED;
    case ERR_RANGE:
        return REASON_MALFORMED;
    case ERR_FULL:
        return REASON_QUEUE_FULL;
    case ERR_AGAIN:
        return REASON_THROTTLE;
    default:
        return REASON_TRANSPORT;
    }
}

void place_never_sent(struct engine_core *e, struct order *o, const struct input_detail *detail)
{
    bool may_retry = o->r.state == ORDER_PENDING_NEW &&
                     o->place_tries < e->config.timing.place_tries_max &&
                     !(o->r.flags & ORDER_CANCEL_WANTED) && detail->why != REASON_UNSUPPORTED &&
                     detail->why != REASON_MALFORMED &&
                     e->now_ns + e->config.timing.place_retry_ns < o->r.deadline_ns;

    o->place_request = 0;
    if (may_retry) {
        o->retry_at_ns = e->now_ns + e->config.timing.place_retry_ns;
        return;
    }
    if (o->r.state == ORDER_PENDING_REPLACE)
        (void)order_apply(e, o, INPUT_REPLACE_LOST, detail);
    else
        (void)order_apply(e, o, INPUT_NEVER_SENT, detail);
}

int64_t place_valid_ns(const struct engine_core *e)
{
    static const int64_t least_ns = 2 * NS_PER_S; /* No venue takes a shorter one over REST. */

    return MAX(e->config.timing.order_timeout_ns, least_ns);
}

void send_place(struct engine_core *e, struct order *o)
{
    struct venue_command c;

    order_command(e, &c, OP_PLACE, o);
    c.qty = o->r.qty - o->r.base_filled;
    c.exchange_order_id[0] = 0;
    c.valid_ns = place_valid_ns(e);
    o->place_tries++;
    o->retry_at_ns = 0;
    o->sent_ns = o->place_sent_ns = e->now_ns;
    int err = command_send(e, &c, o, true, &o->place_request);
    if (err) {
        struct input_detail detail = { .why = reason_of_error(err) };
        place_never_sent(e, o, &detail);
    } else {
        e->counters.orders_sent++;
    }
}

void send_cancel(struct engine_core *e, struct order *o)
{
    struct venue_command c;
    bool is_replace = (o->r.flags & ORDER_REPLACE_NEW) && !(o->r.flags & ORDER_CANCEL_WANTED);

    order_command(e, &c, OP_CANCEL, o);
    o->cancel_at_ns = 0;
    o->cancel_sent_ns = e->now_ns;
    o->cancel_tries++;
    if (command_send(e, &c, o, true, &o->cancel_request) != 0) {
        int64_t wait = MIN(INT64_C(20) << MIN(o->cancel_tries, 6U), INT64_C(1000)) * NS_PER_MS;
        o->cancel_at_ns = MAX(e->now_ns + wait, e->guard.back_off_until_ns);
        return;
    }
    e->counters.cancels_sent++;
    (void)order_apply(e, o, is_replace ? INPUT_REPLACE_SENT : INPUT_CANCEL_SENT,
                      &(struct input_detail){ 0 });
}

void send_query(struct engine_core *e, struct order *o)
{
    struct venue_command c;
    int64_t pace =
        MIN(e->config.timing.ask_first_ns << MIN(o->asks, 10U), e->config.timing.ask_max_ns);

    order_command(e, &c, OP_QUERY, o);
    o->asks++;
    o->ask_at_ns = 0;
    o->query_sent_ns = e->now_ns;
    if (command_send(e, &c, o, false, &o->query_request) == 0)
        e->counters.queries_sent++;
    else
        o->ask_at_ns = MAX(e->now_ns + pace, e->guard.back_off_until_ns);
}

static bool may_send_cancel(const struct order *o)
{
    switch (o->r.state) {
    case ORDER_LIVE:
    case ORDER_PARTIALLY_FILLED:
    case ORDER_PENDING_CANCEL:
        return o->cancel_request == 0;
    case ORDER_PENDING_REPLACE:
        /* A native amend in flight: the order is there all the same. Between cancel and new there
         * is none. */
        return o->cancel_request == 0 && !(o->r.flags & ORDER_REPLACE_NEW);
    default:
        return false; /* PENDING_NEW, UNKNOWN: not known to be there; once it is, the cancel goes.
                       */
    }
}

void pursue_cancel(struct engine_core *e, struct order *o)
{
    if (o->cancel_at_ns && e->now_ns >= o->cancel_at_ns && may_send_cancel(o))
        send_cancel(e, o);
}

/* ---- time ---- */

/* The codec promises one answer per request; this is for the promise broken. */
static void pursue_answers(struct engine_core *e, struct order *o)
{
    int64_t limit = 2 * e->config.timing.order_timeout_ns;
    struct input_detail detail = { .why = REASON_UNKNOWN_OUTCOME };

    if (o->place_request && e->now_ns - o->place_sent_ns > limit) {
        e->counters.requests_timed_out++;
        request_end(e, o->place_request);
        o->place_request = 0;
        (void)order_apply(
            e, o, o->r.state == ORDER_PENDING_REPLACE ? INPUT_CHANGE_UNKNOWN : INPUT_UNKNOWN,
            &detail);
    }
    if (o->cancel_request && e->now_ns - o->cancel_sent_ns > limit) {
        e->counters.requests_timed_out++;
        request_end(e, o->cancel_request);
        o->cancel_request = 0;
        (void)order_apply(e, o, INPUT_CHANGE_UNKNOWN, &detail);
    }
    if (o->replace_request && e->now_ns - o->replace_sent_ns > limit) {
        e->counters.requests_timed_out++;
        request_end(e, o->replace_request);
        o->replace_request = 0;
        (void)order_apply(e, o, INPUT_CHANGE_UNKNOWN, &detail);
    }
    if (o->query_request && e->now_ns - o->query_sent_ns > e->config.timing.reconcile_timeout_ns) {
        e->counters.requests_timed_out++;
        request_end(e, o->query_request);
        o->query_request = 0;
        order_ask(e, o, e->now_ns);
    }
}

static void pursue_place(struct engine_core *e, struct order *o)
{
    struct input_detail detail = { .why = REASON_NEVER_SENT };

    if (o->retry_at_ns == 0 || e->now_ns < o->retry_at_ns || o->r.state != ORDER_PENDING_NEW)
        return;
    bool is_allowed = e->now_ns < o->r.deadline_ns && !(o->r.flags & ORDER_CANCEL_WANTED) &&
                      check_engine(e, o->r.strategy, instrument_find(e, o->r.instrument),
                                   (o->r.flags & ORDER_REDUCE_ONLY) != 0) == REASON_NONE;
    if (is_allowed)
        send_place(e, o);
    else
        (void)order_apply(e, o, INPUT_NEVER_SENT, &detail);
}

void intents_tick(struct engine_core *e)
{
    FOR_EACH_LIVE(e, o)
    {
        pursue_answers(e, o);
        if (o->is_used)
            pursue_place(e, o);
        if (o->is_used && !order_is_final(o->r.state))
            pursue_cancel(e, o);
        bool asks = o->is_used && !order_is_final(o->r.state) && o->ask_at_ns &&
                    e->now_ns >= o->ask_at_ns && o->query_request == 0;
        if (asks)
            send_query(e, o);
    }
}
