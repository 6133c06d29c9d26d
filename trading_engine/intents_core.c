#include "trading_engine/core_internal.h"

/* ---- publishers of intents ---- */

struct owner *owner_of(struct engine_core *e, uint16_t publisher)
{
    struct owner *unused = NULL;

    for (size_t i = 0; i < ENGINE_OWNERS_MAX; i++) {
        if (e->owners[i].publisher == publisher)
            return &e->owners[i];
        if (e->owners[i].publisher == 0 && !unused)
            unused = &e->owners[i];
    }
    if (!unused) {
        e->counters.owners_full++;
        return NULL;
    }
    *unused = (struct owner){ .publisher = publisher };
    return unused;
}

/* Monotonic stamps of another boot are another clock: the two wall clocks join them. */
void owner_heartbeat(struct engine_core *e, const struct wire_heartbeat *heartbeat)
{
    struct owner *owner = owner_of(e, heartbeat->header.publisher);

    if (!owner)
        return;
    owner->heard_ns = e->now_ns;
    owner->is_silent = false;
    owner->has_clock = true;
    owner->boot_id = heartbeat->boot_id;
    owner->clock_shift_ns = 0;
    if (heartbeat->boot_id != e->config.boot_id)
        owner->clock_shift_ns =
            (heartbeat->realtime_ns - heartbeat->header.sent_ns) - (core_wall(e) - e->now_ns);
}

static bool owner_is_heard(const struct engine_core *e, const struct owner *owner)
{
    return owner && owner->has_clock &&
           e->now_ns - owner->heard_ns <= e->config.timing.runner_silent_ns;
}

static int64_t in_our_time(const struct owner *owner, int64_t their_ns)
{
    return owner ? their_ns + owner->clock_shift_ns : their_ns;
}

static bool is_recalled(const struct engine_core *e, uint16_t publisher, uint16_t strategy,
                        int64_t sent_ns)
{
    for (size_t i = 0; i < RECALLS_MAX; i++) {
        const struct recall *recall = &e->recalls[i];
        if (recall->owner == publisher && (recall->strategy == 0 || recall->strategy == strategy) &&
            sent_ns < recall->sent_ns)
            return true;
    }
    return false;
}

static void count_refusal(struct engine_core *e, wire_reason why)
{
    e->counters.refused++;
    if (why < ENGINE_REASONS_MAX)
        e->counters.reasons[why]++;
}

/* ---- new orders ---- */

static int to_instrument_scale(const struct instrument_state *i, int64_t price, int price_exp,
                               int64_t qty, int qty_exp, int64_t *price_out, int64_t *qty_out)
{
    int err = fixed_rescale(price, price_exp, i->definition.price_exp, FIXED_EXACT, price_out);
    return err ? err : fixed_rescale(qty, qty_exp, i->definition.qty_exp, FIXED_EXACT, qty_out);
}

static void record_request(struct engine_core *e, struct order *o,
                           const struct wire_order_request *m, int64_t deadline_ns)
{
    o->origin_ns = m->header.origin_ns;
    o->intent_sent_ns = m->header.sent_ns;
    o->r.group_id = m->group_id;
    o->r.written_epoch = m->engine_epoch;
    o->r.instrument = m->header.instrument;
    o->r.price = m->order_type == ORDER_MARKET ? 0 : m->price;
    o->r.qty = m->qty;
    o->r.deadline_ns = deadline_ns;
    o->r.owner = m->header.publisher;
    o->r.strategy = m->strategy;
    o->r.side = m->side;
    o->r.order_type = m->order_type;
    o->r.time_in_force = m->time_in_force;
    o->r.price_exp = m->price_exp;
    o->r.qty_exp = m->qty_exp;
    o->r.flags = (m->is_post_only ? ORDER_POST_ONLY : 0u) |
                 (m->is_reduce_only ? ORDER_REDUCE_ONLY : 0u) | (m->is_hedge ? ORDER_HEDGE : 0u);
    order_client_id(e, o, 0, o->r.client_order_id);
    struct instrument_state *i = instrument_find(e, m->header.instrument);
    if (i) {
        text_copy(o->r.symbol, sizeof(o->r.symbol), i->definition.symbol);
        o->r.instrument_kind = i->definition.kind;
    }
}

static void refuse(struct engine_core *e, struct order *o, wire_reason why)
{
    struct input_detail detail = { .why = why };

    count_refusal(e, why);
    (void)order_apply(e, o, INPUT_REFUSE, &detail);
}

/* Everything that must hold before this request may become an order. */
static wire_reason judge(struct engine_core *e, struct order *o, const struct wire_order_request *m,
                         const struct owner *owner)
{
    struct instrument_state *i = instrument_find(e, m->header.instrument);
    struct check_order check = { .instrument = i,
                                 .side = m->side,
                                 .type = m->order_type,
                                 .is_post_only = m->is_post_only,
                                 .is_reduce_only = m->is_reduce_only };

    if (is_recalled(e, m->header.publisher, m->strategy, m->header.sent_ns))
        return REASON_REQUESTED;
    if (!owner_is_heard(e, owner))
        return REASON_RUNNER_SILENT;
    if (ORDER_ID_STRATEGY(m->order_id) != m->strategy)
        return REASON_PERMISSION;
    if (o->r.deadline_ns > e->now_ns + e->config.timing.deadline_max_ns ||
        m->order_type == ORDER_TYPE_NONE || m->time_in_force == TIF_NONE || m->side == SIDE_NONE ||
        m->qty <= 0 || m->price < 0)
        return REASON_MALFORMED;
    if (m->is_post_only && (m->order_type != ORDER_LIMIT || m->time_in_force != TIF_GTC))
        return REASON_MALFORMED;
    wire_reason why = check_engine(e, m->strategy, i, m->is_reduce_only);
    if (why)
        return why;
    if (to_instrument_scale(i, o->r.price, m->price_exp, m->qty, m->qty_exp, &check.price,
                            &check.qty) != 0)
        return m->price_exp == i->definition.price_exp ? REASON_QTY_LOT : REASON_PRICE_TICK;
    o->r.price = check.price;
    o->r.qty = check.qty;
    o->r.price_exp = i->definition.price_exp;
    o->r.qty_exp = i->definition.qty_exp;
    why = check_order(e, &check);
    return why ? why : check_pace(e);
}

/* The write-ahead record, then the request: never the other way round. */
static void execute(struct engine_core *e, struct order *o)
{
    struct order_record ahead = o->r;

    ahead.state = ORDER_PENDING_NEW;
    if (core_append(e, RECORD_ORDER, &ahead, sizeof(ahead)) != 0) {
        refuse(e, o, REASON_JOURNAL);
        return;
    }
    (void)order_apply(e, o, INPUT_SUBMIT, &(struct input_detail){ 0 });
    send_place(e, o);
}

static void answer(struct engine_core *e, const struct order *o)
{
    e->counters.answered++;
    order_publish_status(e, o, true);
}

static void answer_none(struct engine_core *e, const struct wire_header *intent, uint64_t order_id,
                        uint16_t strategy, wire_reason why)
{
    /* Until the venue was asked, "no record" could be untrue of an earlier epoch: silence, they ask
     * again. */
    if (!e->reconcile.was_ever_complete)
        return;
    e->counters.answered++;
    order_publish_none(e, order_id, intent->instrument, strategy, why);
}

static void on_request(struct engine_core *e, const struct wire_order_request *m)
{
    struct owner *owner = owner_of(e, m->header.publisher);
    struct order *o = order_by_id(e, m->order_id);
    int64_t deadline_ns = in_our_time(owner, m->deadline_ns);

    e->counters.intents++;
    if (m->order_id == 0) {
        e->counters.malformed++;
        return;
    }
    if (o && !(o->r.flags & ORDER_TOMBSTONE)) {
        e->counters.duplicates++;
        e->counters.reasons[REASON_DUPLICATE]++;
        answer(e, o);
        return;
    }
    bool is_late = e->now_ns > deadline_ns;
    if (m->engine_epoch != e->config.epoch || is_late) {
        wire_reason why = is_late ? REASON_DEADLINE_PASSED : REASON_WRONG_EPOCH;
        count_refusal(e, why);
        answer_none(e, &m->header, m->order_id, m->strategy, why);
        return;
    }
    bool is_tombstone = o != NULL;
    if (!o)
        o = order_new(e, m->order_id);
    if (!o) {
        count_refusal(e, REASON_QUEUE_FULL);
        answer_none(e, &m->header, m->order_id, m->strategy, REASON_QUEUE_FULL);
        return;
    }
    record_request(e, o, m, deadline_ns);
    wire_reason why = is_tombstone ? REASON_REQUESTED : judge(e, o, m, owner);
    if (why)
        refuse(e, o, why);
    else
        execute(e, o);
}

/* ---- cancels ---- */

/* A cancel whose request has not come yet: remembered, so that the request is refused when it
 * comes. */
static void bury(struct engine_core *e, const struct wire_order_cancel *m)
{
    struct order *o = order_new(e, m->order_id);

    if (!o)
        return;
    o->r.flags = ORDER_TOMBSTONE;
    o->r.instrument = m->header.instrument;
    o->r.strategy = m->strategy;
    o->r.owner = m->header.publisher;
}

static void on_cancel(struct engine_core *e, const struct wire_order_cancel *m)
{
    struct owner *owner = owner_of(e, m->header.publisher);
    struct order *o = order_by_id(e, m->order_id);

    e->counters.intents++;
    if (!o || (o->r.flags & ORDER_TOMBSTONE)) {
        if (!o && m->order_id && (m->engine_epoch == 0 || m->engine_epoch == e->config.epoch))
            bury(e, m);
        answer_none(e, &m->header, m->order_id, m->strategy, REASON_ORDER_UNKNOWN);
        return;
    }
    bool is_late = m->deadline_ns && e->now_ns > in_our_time(owner, m->deadline_ns);
    if (order_is_final(o->r.state) || is_late) {
        count_refusal(e, is_late ? REASON_DEADLINE_PASSED : REASON_ORDER_FINAL);
        answer(e, o);
        return;
    }
    if (o->r.flags & ORDER_CANCEL_WANTED)
        e->counters.duplicates++;
    order_want_cancel(e, o, m->why ? m->why : REASON_REQUESTED);
    pursue_cancel(e, o);
    answer(e, o);
}

static void on_cancel_all(struct engine_core *e, const struct wire_cancel_all *m)
{
    e->counters.intents++;
    e->recalls[e->recall_at++ % RECALLS_MAX] = (struct recall){ .owner = m->header.publisher,
                                                                .strategy = m->strategy,
                                                                .sent_ns = m->header.sent_ns };
    FOR_EACH_LIVE(e, o)
    {
        if (o->r.owner != m->header.publisher || (m->strategy && o->r.strategy != m->strategy) ||
            (o->intent_sent_ns && o->intent_sent_ns > m->header.sent_ns))
            continue;
        order_want_cancel(e, o, m->why ? m->why : REASON_REQUESTED);
        pursue_cancel(e, o);
    }
}

/* ---- replaces ---- */

static void refuse_replace(struct engine_core *e, struct order *o, wire_reason why)
{
    struct input_detail detail = { .why = why };

    count_refusal(e, why);
    order_tell(e, o, ORDER_EVENT_REPLACE_REJECTED, &detail);
}

static wire_reason judge_replace(struct engine_core *e, const struct order *o,
                                 const struct wire_order_replace *m, const struct owner *owner,
                                 int64_t *price, int64_t *qty)
{
    struct instrument_state *i = instrument_find(e, o->r.instrument);
    struct check_order check = { .instrument = i,
                                 .side = o->r.side,
                                 .type = o->r.order_type,
                                 .is_post_only = (o->r.flags & ORDER_POST_ONLY) != 0,
                                 .is_reduce_only = (o->r.flags & ORDER_REDUCE_ONLY) != 0,
                                 .counted_qty = o->r.qty,
                                 .replaced = o };

    if (!owner_is_heard(e, owner))
        return REASON_RUNNER_SILENT;
    if (m->revision <= o->r.revision || m->revision > CLIENT_ID_REVISION_MAX || m->qty <= 0 ||
        m->price <= 0 || o->r.order_type != ORDER_LIMIT || o->r.order_id == 0 ||
        o->r.venue_revision >= CLIENT_ID_REVISION_MAX)
        return REASON_MALFORMED;
    wire_reason why = check_engine(e, o->r.strategy, i, check.is_reduce_only);
    if (why)
        return why;
    if (to_instrument_scale(i, m->price, m->price_exp, m->qty, m->qty_exp, &check.price,
                            &check.qty) != 0)
        return m->price_exp == i->definition.price_exp ? REASON_QTY_LOT : REASON_PRICE_TICK;
    if (check.qty <= o->r.filled_qty)
        return REASON_QTY_MIN;
    *price = check.price;
    *qty = check.qty;
    why = check_order(e, &check);
    return why ? why : check_pace(e);
}

/* Whether the venue changes this order where it stands. A quantity is that of the venue's own order
 * only while nothing of it was executed under an earlier id. */
static bool is_in_place(const struct engine_core *e, const struct order *o)
{
    bool is_reduction =
        o->r.pending_price == o->r.price && o->r.pending_qty < o->r.qty && o->r.base_filled == 0;

    return e->config.replace_keeps_id || (e->config.reduces_in_place && is_reduction);
}

static void send_replace(struct engine_core *e, struct order *o)
{
    struct venue_command c;

    order_command(e, &c, OP_REPLACE, o);
    c.is_reduction = !e->config.replace_keeps_id;
    c.price = o->r.pending_price;
    c.qty = o->r.pending_qty;
    o->replace_sent_ns = e->now_ns;
    int err = command_send(e, &c, o, true, &o->replace_request);
    if (err) {
        struct input_detail detail = { .why = reason_of_error(err) };
        o->r.pending_price = o->r.pending_qty = 0;
        o->r.pending_revision = 0;
        order_refresh(e, o);
        refuse_replace(e, o, detail.why);
        return;
    }
    e->counters.replaces_sent++;
    (void)order_apply(e, o, INPUT_REPLACE_SENT, &(struct input_detail){ 0 });
}

static void on_replace(struct engine_core *e, const struct wire_order_replace *m)
{
    struct owner *owner = owner_of(e, m->header.publisher);
    struct order *o = order_by_id(e, m->order_id);
    int64_t price = 0, qty = 0;

    e->counters.intents++;
    if (!o) {
        answer_none(e, &m->header, m->order_id, m->strategy, REASON_ORDER_UNKNOWN);
        return;
    }
    bool is_late = e->now_ns > in_our_time(owner, m->deadline_ns);
    bool is_known = m->revision <= o->r.revision || (m->revision == o->r.pending_revision);
    bool is_busy = o->r.state != ORDER_LIVE && o->r.state != ORDER_PARTIALLY_FILLED;
    if (m->engine_epoch != e->config.epoch || is_late || is_known || is_busy ||
        (o->r.flags & ORDER_CANCEL_WANTED) || o->r.awaited_final) {
        e->counters.duplicates += is_known;
        if (m->engine_epoch != e->config.epoch || is_late)
            count_refusal(e, is_late ? REASON_DEADLINE_PASSED : REASON_WRONG_EPOCH);
        answer(e, o);
        return;
    }
    wire_reason why = judge_replace(e, o, m, owner, &price, &qty);
    if (why) {
        refuse_replace(e, o, why);
        return;
    }
    o->origin_ns = m->header.origin_ns;
    o->r.pending_price = price;
    o->r.pending_qty = qty;
    o->r.pending_revision = m->revision;
    o->r.deadline_ns = in_our_time(owner, m->deadline_ns);
    bool in_place = is_in_place(e, o);
    if (!in_place)
        o->r.flags |= ORDER_REPLACE_NEW;
    order_refresh(e, o); /* The larger of both counts until it is settled. */
    order_journal(e, o);
    if (e->is_journal_broken) {
        o->r.pending_price = o->r.pending_qty = 0;
        o->r.pending_revision = 0;
        o->r.flags &= ~(uint32_t)ORDER_REPLACE_NEW;
        order_refresh(e, o);
        refuse_replace(e, o, REASON_JOURNAL);
    } else if (in_place) {
        send_replace(e, o);
    } else {
        send_cancel(e, o);
    }
}

/* The old order is gone and every execution of it is known: what is left goes out as a new one. */
void replace_place(struct engine_core *e, struct order *o, const struct input_detail *detail)
{
    wire_reason why = detail->why;
    struct instrument_state *i = instrument_find(e, o->r.instrument);

    if (o->r.pending_qty <= o->r.filled_qty) {
        struct input_detail done = *detail;
        done.why = REASON_NONE;
        o->r.pending_qty = o->r.filled_qty; /* Executed all that the new total wants, or more. */
        (void)order_apply(e, o, INPUT_REPLACED, &done);
        return;
    }
    if ((o->r.flags & ORDER_CANCEL_WANTED) || e->now_ns > o->r.deadline_ns)
        why = (o->r.flags & ORDER_CANCEL_WANTED) ? o->r.why : REASON_DEADLINE_PASSED;
    else
        why = check_engine(e, o->r.strategy, i, (o->r.flags & ORDER_REDUCE_ONLY) != 0);
    if (why) {
        struct input_detail lost = { .why = why, .exchange_ns = detail->exchange_ns };
        (void)order_apply(e, o, INPUT_REPLACE_LOST, &lost);
        return;
    }
    o->r.base_filled = o->r.filled_qty;
    o->r.venue_cum = o->r.filled_qty;
    o->r.venue_revision++;
    o->r.price = o->r.pending_price;
    o->r.qty = o->r.pending_qty;
    o->r.flags |= ORDER_REPLACE_PLACED;
    o->place_tries =
        e->config.timing.place_tries_max; /* One try: the desk expects a quote, not a queue. */
    order_client_id(e, o, o->r.venue_revision, o->r.client_order_id);
    if (core_append(e, RECORD_ORDER, &o->r, sizeof(o->r)) != 0) {
        struct input_detail lost = { .why = REASON_JOURNAL };
        (void)order_apply(e, o, INPUT_REPLACE_LOST, &lost);
        return;
    }
    order_refresh(e, o);
    send_place(e, o);
}

/* ---- questions ---- */

static void on_query(struct engine_core *e, const struct wire_order_query *m)
{
    if (m->order_id) {
        struct order *o = order_by_id(e, m->order_id);
        if (o && !(o->r.flags & ORDER_TOMBSTONE))
            answer(e, o);
        else
            answer_none(e, &m->header, m->order_id, m->strategy, REASON_ORDER_UNKNOWN);
        return;
    }
    FOR_EACH_LIVE(e, o)
    {
        if (m->strategy == 0 || o->r.strategy == m->strategy)
            answer(e, o);
    }
}

void intents_event(struct engine_core *e, const struct wire_header *event)
{
    bool is_for_all =
        event->account == 0 && (event->type == WIRE_cancel_all || event->type == WIRE_order_query);

    if (event->account != e->config.account && !is_for_all)
        return;
    switch (event->type) {
    case WIRE_order_request:
        on_request(e, (const struct wire_order_request *)event);
        break;
    case WIRE_order_cancel:
        on_cancel(e, (const struct wire_order_cancel *)event);
        break;
    case WIRE_order_replace:
        on_replace(e, (const struct wire_order_replace *)event);
        break;
    case WIRE_cancel_all:
        on_cancel_all(e, (const struct wire_cancel_all *)event);
        break;
    case WIRE_order_query:
        on_query(e, (const struct wire_order_query *)event);
        break;
    default:
        break;
    }
}
