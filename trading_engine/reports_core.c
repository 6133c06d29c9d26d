#include "trading_engine/core_internal.h"

enum { FOUND_LIVE_AFTER_MS = 2000 }; /* A list asked for so long after the end is not just old. */

/* ---- whose order is it ---- */

struct named {
    struct order *order;
    bool is_ours; /* Its client id is one of ours. */
    uint64_t order_id;
    unsigned revision;
};

static struct order *order_of_request(struct engine_core *e, uint64_t request_id)
{
    struct request *request = request_find(e, request_id);
    struct order *o = request && request->slot != SLOT_NONE ? order_at(e, request->slot) : NULL;

    return o && o->r.order_id == request->order_id ? o : NULL;
}

static struct named name_of(struct engine_core *e, const struct venue_report *r)
{
    struct named n = { 0 };
    char environment;

    n.is_ours = client_id_read(r->client_order_id, &environment, &n.order_id, &n.revision) == 0 &&
                environment == e->config.environment;
    n.order = order_of_request(e, r->request_id);
    if (!n.order && n.is_ours)
        n.order = order_by_id(e, n.order_id);
    if (!n.order)
        n.order = order_by_exchange_id(e, r->exchange_order_id);
    if (n.order && !n.is_ours)
        n.revision = n.order->r.venue_revision;
    return n;
}

static int64_t at_order_scale(const struct order *o, int64_t qty, int qty_exp)
{
    int64_t scaled;
    return fixed_rescale(qty, qty_exp, o->r.qty_exp, FIXED_NEAREST, &scaled) == 0 ? scaled : qty;
}

/* How much the venue says was executed. More than we saw: some report is missing or late. */
static void note_cum(struct engine_core *e, struct order *o, const struct venue_report *r,
                     unsigned revision)
{
    if (r->cum_qty <= 0 || revision != o->r.venue_revision)
        return;
    int64_t cum = o->r.base_filled + at_order_scale(o, r->cum_qty, r->qty_exp);
    o->r.venue_cum = MAX(o->r.venue_cum, cum);
    if (o->r.venue_cum > o->r.filled_qty && o->fill_wait_ns == 0)
        o->fill_wait_ns = e->now_ns + e->config.timing.fill_wait_ns;
}

static struct order *take_record(struct engine_core *e, const struct venue_report *r,
                                 uint64_t order_id, uint32_t flags)
{
    struct order *o = order_new(e, order_id);

    if (!o)
        return NULL;
    o->r.flags = flags | (r->is_post_only ? ORDER_POST_ONLY : 0u);
    o->r.instrument = r->instrument;
    o->r.price = r->price;
    o->r.qty = r->qty;
    o->r.price_exp = r->price_exp;
    o->r.qty_exp = r->qty_exp;
    o->r.side = r->side;
    o->r.order_type = r->type;
    o->r.time_in_force = r->time_in_force;
    o->r.exchange_ns = r->exchange_ns;
    o->r.instrument_kind = r->instrument_kind;
    text_copy(o->r.symbol, sizeof(o->r.symbol), r->symbol);
    text_copy(o->r.client_order_id, sizeof(o->r.client_order_id), r->client_order_id);
    order_set_exchange_id(e, o, r->exchange_order_id);
    order_bind_instrument(e, o);
    return o;
}

/* An order with our tag that the journal does not know: it is ours all the same. */
static struct order *adopt(struct engine_core *e, const struct venue_report *r, uint64_t order_id,
                           unsigned revision)
{
    struct order *o = take_record(e, r, order_id, ORDER_ADOPTED);

    if (!o)
        return NULL;
    o->r.strategy = ORDER_ID_STRATEGY(order_id);
    o->r.owner = PUBLISHER(ROLE_STRATEGY_RUNNER, 0);
    o->r.venue_revision = o->r.revision = (uint16_t)revision;
    if (r->exchange_ns > 0 && r->exchange_ns < e->born_wall_ns && r->cum_qty > 0)
        o->r.filled_qty = o->r.venue_cum =
            at_order_scale(o, r->cum_qty, r->qty_exp); /* From before the journal. */
    e->counters.adopted++;
    core_note(e, NOTE_WARN, "order_adopted", "client=%s exchange=%s", r->client_order_id,
              r->exchange_order_id);
    return o;
}

static struct order *take_foreign(struct engine_core *e, const struct venue_report *r)
{
    struct order *o = take_record(e, r, 0, ORDER_FOREIGN);

    if (o)
        e->counters.foreign_orders++;
    return o;
}

struct order *report_unknown_fill(struct engine_core *e, const struct venue_report *r)
{
    struct named n = name_of(e, r);

    if (n.is_ours)
        return adopt(e, r, n.order_id, n.revision);
    if (r->client_order_id[0] || e->is_journal_whole || r->exchange_order_id[0] == 0)
        return NULL;
    struct order *o = take_record(e, r, 0, ORDER_FOREIGN | ORDER_INQUIRY);
    if (o)
        (void)order_apply(e, o, INPUT_UNKNOWN,
                          &(struct input_detail){ .why = REASON_RECONCILIATION });
    return o;
}

/* ---- the end of an order ---- */

static wire_order_state end_state(enum order_input input)
{
    return input == INPUT_EXPIRED ? ORDER_EXPIRED : ORDER_CANCELLED;
}

void order_end(struct engine_core *e, struct order *o, enum order_input input,
               const struct input_detail *detail)
{
    bool is_live = !order_is_final(o->r.state);

    if (is_live && o->r.venue_cum > o->r.filled_qty) {
        /* Its end is told when its executions are: nobody must take a short total for the last
         * word. */
        o->r.awaited_final = end_state(input);
        o->r.awaited_why = detail->why;
        if (o->fill_wait_ns == 0)
            o->fill_wait_ns = e->now_ns + e->config.timing.fill_wait_ns;
        order_journal(e, o);
        return;
    }
    bool goes_on = o->r.state == ORDER_PENDING_REPLACE && (o->r.flags & ORDER_REPLACE_NEW) &&
                   !(o->r.flags & ORDER_REPLACE_PLACED) && input == INPUT_CANCELLED;
    if (goes_on)
        replace_place(e, o, detail);
    else
        (void)order_apply(e, o, input, detail);
}

/* ---- answers and news about one order ---- */

static struct input_detail detail_of(const struct venue_report *r)
{
    return (struct input_detail){ .exchange_ns = r->exchange_ns, .why = r->why, .text = r->text };
}

static bool is_new_leg(const struct order *o)
{
    return o->r.state == ORDER_PENDING_REPLACE && (o->r.flags & ORDER_REPLACE_PLACED);
}

static void on_accepted(struct engine_core *e, struct order *o, const struct venue_report *r,
                        unsigned revision)
{
    struct input_detail detail = detail_of(r);

    if (r->request_id && r->request_id == o->place_request)
        o->place_request = 0;
    if (revision != o->r.venue_revision)
        return;
    order_set_exchange_id(e, o, r->exchange_order_id);
    note_cum(e, o, r, revision);
    (void)order_apply(e, o, is_new_leg(o) ? INPUT_REPLACED : INPUT_ACCEPTED, &detail);
}

static void on_rejected(struct engine_core *e, struct order *o, const struct venue_report *r,
                        unsigned revision)
{
    struct input_detail detail = detail_of(r);

    if (r->request_id && r->request_id == o->place_request)
        o->place_request = 0;
    if (revision != o->r.venue_revision)
        return;
    if (r->why == REASON_VENUE_DUPLICATE) /* Something with our id is there: ask what. */
        (void)order_apply(e, o, is_new_leg(o) ? INPUT_CHANGE_UNKNOWN : INPUT_UNKNOWN, &detail);
    else
        (void)order_apply(e, o, is_new_leg(o) ? INPUT_REPLACE_LOST : INPUT_REJECTED, &detail);
}

static void on_end(struct engine_core *e, struct order *o, const struct venue_report *r,
                   unsigned revision)
{
    struct input_detail detail = detail_of(r);
    enum order_input input = r->kind == REPORT_EXPIRED ? INPUT_EXPIRED : INPUT_CANCELLED;

    if (r->request_id && r->request_id == o->cancel_request)
        o->cancel_request = 0;
    if (revision != o->r.venue_revision)
        return;
    if (detail.why == REASON_NONE && (o->r.flags & ORDER_CANCEL_WANTED))
        detail.why = o->r.why;
    order_set_exchange_id(e, o, r->exchange_order_id);
    note_cum(e, o, r, revision);
    if (r->cum_qty < 0 && !order_is_final(o->r.state) && !e->config.is_dry_run) {
        /* Gone, but how much was executed is not said: ask before telling the end. */
        o->r.awaited_final = end_state(input);
        o->r.awaited_why = detail.why;
        o->is_total_awaited = true;
        order_journal(e, o);
        order_ask(e, o, e->now_ns + e->config.timing.ask_first_ns);
        return;
    }
    o->is_total_awaited = false;
    order_end(e, o, input, &detail);
}

static int64_t cancel_pause(const struct order *o)
{
    return MIN(INT64_C(100) << MIN(o->cancel_tries, 6U), INT64_C(5000)) * NS_PER_MS;
}

static bool may_pass(wire_reason why)
{
    return why == REASON_VENUE_RATE_LIMIT || why == REASON_TRANSPORT ||
           why == REASON_VENUE_MAINTENANCE || why == REASON_VENUE_TIMESTAMP ||
           why == REASON_THROTTLE || why == REASON_QUEUE_FULL;
}

static void on_cancel_rejected(struct engine_core *e, struct order *o, const struct venue_report *r)
{
    struct input_detail detail = detail_of(r);
    bool is_replace = o->r.state == ORDER_PENDING_REPLACE && (o->r.flags & ORDER_REPLACE_NEW);

    o->cancel_request = 0;
    if (r->why == REASON_VENUE_UNKNOWN_ORDER) {
        order_ask(e, o,
                  e->now_ns); /* Filled, cancelled or not yet there: the venue's word decides. */
    } else if (is_replace) {
        (void)order_apply(e, o, INPUT_REPLACE_REJECTED, &detail);
    } else if (may_pass(r->why)) {
        o->cancel_at_ns = e->now_ns + cancel_pause(o);
    } else {
        o->r.flags &= ~(uint32_t)ORDER_CANCEL_WANTED;
        (void)order_apply(e, o, INPUT_CANCEL_REJECTED, &detail);
    }
}

static void on_replace_answer(struct engine_core *e, struct order *o, const struct venue_report *r)
{
    struct input_detail detail = detail_of(r);

    o->replace_request = 0;
    order_set_exchange_id(e, o, r->kind == REPORT_REPLACED ? r->exchange_order_id : "");
    if (r->kind == REPORT_REPLACED)
        (void)order_apply(e, o, INPUT_REPLACED, &detail);
    else if (r->kind == REPORT_REPLACE_LOST)
        order_end(e, o, INPUT_REPLACE_LOST, &detail);
    else
        (void)order_apply(e, o, INPUT_REPLACE_REJECTED, &detail);
    if (r->why == REASON_VENUE_UNKNOWN_ORDER && !order_is_final(o->r.state))
        order_ask(e, o, e->now_ns);
}

static int64_t ask_pause(const struct engine_core *e, const struct order *o)
{
    return MIN(e->config.timing.ask_first_ns << MIN(o->asks, 10U), e->config.timing.ask_max_ns);
}

/* A request without a usable answer. */
static void on_no_answer(struct engine_core *e, struct order *o, const struct venue_report *r)
{
    struct input_detail detail = detail_of(r);
    bool is_unknown = r->kind == REPORT_OUTCOME_UNKNOWN;

    if (detail.why == REASON_NONE)
        detail.why = is_unknown ? REASON_UNKNOWN_OUTCOME : REASON_NEVER_SENT;
    switch (r->op) {
    case OP_PLACE:
        o->place_request = 0;
        if (r->kind == REPORT_NEVER_SENT)
            place_never_sent(e, o, &detail);
        else
            (void)order_apply(e, o, is_new_leg(o) ? INPUT_CHANGE_UNKNOWN : INPUT_UNKNOWN, &detail);
        break;
    case OP_CANCEL:
        o->cancel_request = 0;
        if (is_unknown)
            (void)order_apply(e, o, INPUT_CHANGE_UNKNOWN, &detail);
        else if (!order_is_final(o->r.state))
            o->cancel_at_ns = e->now_ns + cancel_pause(o);
        break;
    case OP_REPLACE:
        o->replace_request = 0;
        (void)order_apply(e, o, is_unknown ? INPUT_CHANGE_UNKNOWN : INPUT_REPLACE_REJECTED,
                          &detail);
        break;
    default: /* A question. */
        o->query_request = 0;
        if (!order_is_final(o->r.state))
            order_ask(e, o, e->now_ns + ask_pause(e, o));
        break;
    }
}

/* ---- the venue's whole view of an order ---- */

static void on_found_working(struct engine_core *e, struct order *o, const struct venue_report *r,
                             int64_t asked_ns)
{
    struct input_detail detail = detail_of(r);

    detail.why = REASON_NONE;
    if (order_is_final(o->r.state)) {
        if (o->ended_ns && asked_ns - o->ended_ns > FOUND_LIVE_AFTER_MS * NS_PER_MS)
            (void)order_apply(e, o, INPUT_FOUND_LIVE, &detail);
        return;
    }
    o->r.awaited_final = 0; /* An end that was told too early. */
    switch (o->r.state) {
    case ORDER_PENDING_REPLACE: {
        bool is_native = !(o->r.flags & ORDER_REPLACE_NEW);
        if ((is_native && o->replace_request) ||
            (!is_native && (o->cancel_request || o->place_request)))
            return; /* Its own answer will say. */
        bool is_done = is_native ? at_order_scale(o, r->qty, r->qty_exp) == o->r.pending_qty &&
                                       fixed_compare(r->price, r->price_exp, o->r.pending_price,
                                                     o->r.price_exp) == 0
                                 : is_new_leg(o);
        detail.why = is_done ? REASON_NONE : REASON_UNKNOWN_OUTCOME;
        (void)order_apply(e, o, is_done ? INPUT_REPLACED : INPUT_REPLACE_REJECTED, &detail);
        return;
    }
    case ORDER_PENDING_CANCEL:
        if (o->cancel_request == 0 && o->cancel_at_ns == 0)
            o->cancel_at_ns = e->now_ns + cancel_pause(o); /* The cancel was lost: again. */
        return;
    default:
        (void)order_apply(e, o, INPUT_ACCEPTED, &detail);
    }
}

/* Complete by the venue's word, and every execution is here. Its total may be that of a change
 * whose answer never came: then ours is larger and would be waited for for ever. */
static void found_complete(struct engine_core *e, struct order *o, const struct venue_report *r,
                           const struct input_detail *detail)
{
    int64_t total = o->r.base_filled + at_order_scale(o, r->qty, r->qty_exp);

    if (o->r.state == ORDER_PENDING_REPLACE && total == o->r.pending_qty)
        (void)order_apply(e, o, INPUT_REPLACED, detail);
    if (order_is_final(o->r.state))
        return;
    o->r.qty = o->r.filled_qty;
    (void)order_apply(e, o, INPUT_FILL_LAST, detail);
}

static void on_found_ended(struct engine_core *e, struct order *o, const struct venue_report *r)
{
    struct input_detail detail = detail_of(r);

    if (detail.why == REASON_NONE && (o->r.flags & ORDER_CANCEL_WANTED))
        detail.why = o->r.why;
    switch (r->state) {
    case ORDER_FILLED:
        /* The executions themselves complete it; they are asked for. */
        if (!order_is_final(o->r.state) && o->r.filled_qty < o->r.venue_cum) {
            reconcile_pull(e, e->now_ns + e->config.timing.fill_wait_ns);
            if (o->r.state == ORDER_UNKNOWN || o->r.state == ORDER_PENDING_NEW)
                (void)order_apply(e, o, INPUT_ACCEPTED, &detail);
        } else if (!order_is_final(o->r.state) && o->r.filled_qty > 0) {
            found_complete(e, o, r, &detail);
        }
        break;
    case ORDER_REJECTED:
        (void)order_apply(e, o, is_new_leg(o) ? INPUT_REPLACE_LOST : INPUT_REJECTED, &detail);
        break;
    default:
        order_end(e, o, r->state == ORDER_EXPIRED ? INPUT_EXPIRED : INPUT_CANCELLED, &detail);
        break;
    }
}

static void on_order(struct engine_core *e, struct named *n, const struct venue_report *r)
{
    struct request *request = request_find(e, r->request_id);
    int64_t asked_ns = request ? request->sent_ns : e->now_ns;
    struct order *o = n->order;

    if (o && (o->r.flags & ORDER_INQUIRY)) {
        if (n->is_ours && o->r.order_id == 0) { /* The journal had lost one of ours. */
            order_free(e, o);
            o = order_by_id(e, n->order_id); /* Or it is here, only not by this name yet. */
        } else {
            o->r.flags &= ~(uint32_t)ORDER_INQUIRY;
            o->r.qty = r->qty;
            o->r.price = r->price;
        }
        reconcile_pull(e, e->now_ns);
    }
    if (!o && r->state >= ORDER_FILLED && r->cum_qty <= 0)
        return; /* Over, without executions, and nobody here knows it: nothing to tell. */
    if (!o)
        o = n->is_ours ? adopt(e, r, n->order_id, n->revision) : take_foreign(e, r);
    if (!o)
        return;
    if (request && request->op == OP_QUERY)
        o->query_request = 0;
    if (n->revision != o->r.venue_revision) { /* The order before the replace: its end is known. */
        if (request && request->op == OP_QUERY && !order_is_final(o->r.state))
            order_ask(e, o, e->now_ns + ask_pause(e, o));
        return;
    }
    order_set_exchange_id(e, o, r->exchange_order_id);
    note_cum(e, o, r, n->revision);
    o->is_total_awaited &= r->cum_qty < 0;
    reconcile_saw(e, o, r);
    if (r->state >= ORDER_FILLED)
        on_found_ended(e, o, r);
    else
        on_found_working(e, o, r, asked_ns);
}

static void on_absent(struct engine_core *e, struct order *o)
{
    o->query_request = 0;
    reconcile_absent(e, o);
}

/* ---- the door ---- */

static void about_order(struct engine_core *e, const struct venue_report *r)
{
    struct named n = name_of(e, r);

    if (r->is_liquidation && r->state < ORDER_FILLED)
        positions_liquidated(e, r); /* Its order, before its executions. */

    if (r->kind == REPORT_ORDER) {
        on_order(e, &n, r);
        return;
    }
    if (!n.order && (r->kind == REPORT_NEW || r->kind == REPORT_ACCEPTED))
        n.order = n.is_ours ? adopt(e, r, n.order_id, n.revision) : take_foreign(e, r);
    if (!n.order) {
        e->counters.reports_unmatched++;
        return;
    }
    switch (r->kind) {
    case REPORT_ACCEPTED:
    case REPORT_NEW:
        on_accepted(e, n.order, r, n.revision);
        break;
    case REPORT_REJECTED:
        on_rejected(e, n.order, r, n.revision);
        break;
    case REPORT_CANCELLED:
    case REPORT_EXPIRED:
        on_end(e, n.order, r, n.revision);
        break;
    case REPORT_CANCEL_REJECTED:
        on_cancel_rejected(e, n.order, r);
        break;
    case REPORT_REPLACED:
    case REPORT_REPLACE_REJECTED:
    case REPORT_REPLACE_LOST:
        on_replace_answer(e, n.order, r);
        break;
    case REPORT_NO_SUCH_ORDER:
        on_absent(e, n.order);
        break;
    default:
        on_no_answer(e, n.order, r);
        break;
    }
}

static bool ends_request(const struct venue_report *r)
{
    if (r->request_id == 0 || r->kind == REPORT_FILL || r->kind == REPORT_BALANCE ||
        r->kind == REPORT_POSITION || r->kind == REPORT_FUNDING)
        return false;
    return r->kind != REPORT_ORDER || r->op == OP_QUERY; /* Lists end with DONE. */
}

static void on_fill(struct engine_core *e, const struct venue_report *r)
{
    struct named n = name_of(e, r);

    if (n.order && r->cum_qty > 0)
        note_cum(e, n.order, r, n.revision);
    fills_take(e, r);
}

void reports_take(struct engine_core *e, const struct venue_report *r)
{
    e->counters.reports++;
    switch (r->kind) {
    case REPORT_FILL:
        on_fill(e, r);
        return;
    case REPORT_BALANCE:
    case REPORT_TRANSFER:
    case REPORT_FUNDING:
        balance_take(e, r);
        return;
    case REPORT_POSITION:
        positions_take(e, r);
        return;
    case REPORT_INSTRUMENT:
        if (r->definition)
            (void)instrument_put(e, r->definition, true);
        return;
    case REPORT_SERVER_TIME:
    case REPORT_DEAD_MAN:
    case REPORT_CHANNEL:
    case REPORT_LIMITS:
    case REPORT_BACK_OFF:
        guard_report(e, r);
        break;
    case REPORT_DONE:
        (void)reconcile_done(e, r);
        break;
    case REPORT_FAILED:
    case REPORT_OUTCOME_UNKNOWN:
    case REPORT_NEVER_SENT:
        if (!reconcile_done(e, r))
            about_order(e, r);
        break;
    default:
        about_order(e, r);
        break;
    }
    if (ends_request(r))
        request_end(e, r->request_id);
}
