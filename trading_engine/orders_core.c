#include "trading_engine/core_internal.h"

/* ---- slots and indexes ---- */

static uint32_t id_bucket(const struct engine_core *e, uint64_t order_id)
{
    return (uint32_t)((order_id * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & e->bucket_mask;
}

void orders_init(struct engine_core *e)
{
    for (uint32_t i = 0; i <= e->bucket_mask; i++)
        e->by_id[i] = e->by_exchange_id[i] = SLOT_NONE;
    e->free_list = SLOT_NONE;
    e->orders_begun = 0;
    e->live_head = e->live_tail = e->ended_head = e->ended_tail = SLOT_NONE;
}

bool orders_is_full(const struct engine_core *e)
{
    return e->free_list == SLOT_NONE && e->orders_begun == e->orders_max;
}

uint32_t order_slot(const struct engine_core *e, const struct order *o)
{
    return (uint32_t)(o - e->orders);
}

struct order *order_at(const struct engine_core *e, uint32_t slot)
{
    return slot < e->orders_begun && e->orders[slot].is_used ? &e->orders[slot] : NULL;
}

struct order *order_by_id(const struct engine_core *e, uint64_t order_id)
{
    if (order_id == 0)
        return NULL;
    for (uint32_t at = e->by_id[id_bucket(e, order_id)]; at != SLOT_NONE;
         at = e->orders[at].next_by_id)
        if (e->orders[at].r.order_id == order_id)
            return &e->orders[at];
    return NULL;
}

struct order *order_by_exchange_id(const struct engine_core *e, const char *exchange_order_id)
{
    if (exchange_order_id[0] == 0)
        return NULL;
    uint32_t at = e->by_exchange_id[text_hash(exchange_order_id) & e->bucket_mask];
    for (; at != SLOT_NONE; at = e->orders[at].next_by_exchange_id)
        if (strcmp(e->orders[at].r.exchange_order_id, exchange_order_id) == 0)
            return &e->orders[at];
    return NULL;
}

static void list_append(struct engine_core *e, uint32_t *head, uint32_t *tail, uint32_t slot)
{
    struct order *o = &e->orders[slot];

    o->prev = *tail;
    o->next = SLOT_NONE;
    if (*tail != SLOT_NONE)
        e->orders[*tail].next = slot;
    else
        *head = slot;
    *tail = slot;
}

static void list_remove(struct engine_core *e, uint32_t *head, uint32_t *tail, uint32_t slot)
{
    struct order *o = &e->orders[slot];

    if (o->prev != SLOT_NONE)
        e->orders[o->prev].next = o->next;
    else
        *head = o->next;
    if (o->next != SLOT_NONE)
        e->orders[o->next].prev = o->prev;
    else
        *tail = o->prev;
}

/* A tombstone or a record without state is not live: it only waits to be forgotten. */
static bool is_ended(const struct order *o)
{
    return order_is_final(o->r.state) || o->r.state == ORDER_NONE;
}

struct order *live_first(const struct engine_core *e)
{
    return e->live_head != SLOT_NONE ? &e->orders[e->live_head] : NULL;
}

struct order *live_next(const struct engine_core *e, const struct order *o)
{
    return o->next != SLOT_NONE ? &e->orders[o->next] : NULL;
}

void order_drop_exchange_id(struct engine_core *e, struct order *o)
{
    if (!o->is_linked_exchange_id)
        return;
    uint32_t *link = &e->by_exchange_id[text_hash(o->r.exchange_order_id) & e->bucket_mask];
    while (*link != order_slot(e, o))
        link = &e->orders[*link].next_by_exchange_id;
    *link = o->next_by_exchange_id;
    o->is_linked_exchange_id = false;
}

void order_set_exchange_id(struct engine_core *e, struct order *o, const char *exchange_order_id)
{
    if (exchange_order_id[0] == 0 ||
        (o->is_linked_exchange_id && strcmp(o->r.exchange_order_id, exchange_order_id) == 0))
        return;
    order_drop_exchange_id(e, o);
    text_copy(o->r.exchange_order_id, sizeof(o->r.exchange_order_id), exchange_order_id);
    uint32_t *head = &e->by_exchange_id[text_hash(o->r.exchange_order_id) & e->bucket_mask];
    o->next_by_exchange_id = *head;
    *head = order_slot(e, o);
    o->is_linked_exchange_id = true;
}

void order_free(struct engine_core *e, struct order *o)
{
    uint32_t slot = order_slot(e, o);

    e->unknown_orders -= o->r.state == ORDER_UNKNOWN;
    o->r.qty = o->r.pending_qty = 0;
    order_refresh(e, o); /* Gives back what it holds of the sums. */
    order_drop_exchange_id(e, o);
    if (o->r.order_id) {
        uint32_t *link = &e->by_id[id_bucket(e, o->r.order_id)];
        while (*link != slot)
            link = &e->orders[*link].next_by_id;
        *link = o->next_by_id;
    }
    if (is_ended(o)) {
        list_remove(e, &e->ended_head, &e->ended_tail, slot);
    } else {
        list_remove(e, &e->live_head, &e->live_tail, slot);
        e->live_count--;
    }
    *o = (struct order){ .next = e->free_list };
    e->free_list = slot;
}

/* An ended order may be forgotten once no copy of its intent can still be executed: its deadline is
 * at most deadline_max_ns after it was made. */
static bool may_forget(const struct engine_core *e, const struct order *o)
{
    return e->now_ns - o->changed_ns > e->config.timing.deadline_max_ns;
}

struct order *order_new(struct engine_core *e, uint64_t order_id)
{
    if (orders_is_full(e) && e->ended_head != SLOT_NONE && may_forget(e, &e->orders[e->ended_head]))
        order_free(e, &e->orders[e->ended_head]);
    if (orders_is_full(e)) {
        e->counters.table_full++;
        return NULL;
    }
    uint32_t slot = e->free_list != SLOT_NONE ? e->free_list : e->orders_begun++;
    struct order *o = &e->orders[slot];

    if (slot == e->free_list)
        e->free_list = o->next;
    *o = (struct order){ .is_used = true, .instrument_at = INDEX_NONE, .locked_asset = INDEX_NONE };
    o->r.order_id = order_id;
    o->r.created_wall_ns = o->r.changed_wall_ns = core_wall(e);
    o->changed_ns = e->now_ns;
    if (order_id) {
        uint32_t *head = &e->by_id[id_bucket(e, order_id)];
        o->next_by_id = *head;
        *head = slot;
    }
    list_append(e, &e->ended_head, &e->ended_tail, slot); /* State NONE. */
    return o;
}

void order_relink(struct engine_core *e, struct order *o, bool was_ended)
{
    uint32_t slot = order_slot(e, o);
    bool ended = is_ended(o);

    if (was_ended == ended)
        return;
    if (ended) {
        list_remove(e, &e->live_head, &e->live_tail, slot);
        list_append(e, &e->ended_head, &e->ended_tail, slot);
        e->live_count--;
    } else {
        list_remove(e, &e->ended_head, &e->ended_tail, slot);
        list_append(e, &e->live_head, &e->live_tail, slot);
        e->live_count++;
    }
}

void order_bind_instrument(struct engine_core *e, struct order *o)
{
    if (o->instrument_at != INDEX_NONE)
        return;
    for (uint16_t i = 0; i < e->instrument_count; i++)
        if (e->instruments[i].id == o->r.instrument)
            o->instrument_at = i;
}

/* ---- sums: what live orders could still do to position and balance ---- */

static int64_t worst_leaves(const struct order *o)
{
    if (is_ended(o))
        return 0;
    return MAX(0, MAX(o->r.qty, o->r.pending_qty) - o->r.filled_qty);
}

static void add_exposure(struct instrument_state *i, wire_side side, int64_t change)
{
    if (side == SIDE_BUY)
        i->open_buy_qty += change;
    else
        i->open_sell_qty += change;
}

/* What a working order locks: the quote of a buy (market: nothing known), the base of a sell; of a
 * derivative its margin, unless it can only reduce. */
static int64_t lock_of(const struct engine_core *e, const struct order *o,
                       const struct instrument_state *i, uint16_t *asset)
{
    int64_t leaves = worst_leaves(o), amount = 0;
    int64_t price = MAX(o->r.price, o->r.pending_price);

    if (is_derivative(i)) {
        *asset = i->settle_asset;
        if (!(o->r.flags & ORDER_REDUCE_ONLY) &&
            fixed_notional(price, o->r.price_exp, leaves, o->r.qty_exp, ENGINE_AMOUNT_EXP, FIXED_UP,
                           &amount) == 0)
            amount = positions_margin(e, i, amount);
        return amount;
    }
    *asset = o->r.side == SIDE_BUY ? i->quote_asset : i->base_asset;
    if (o->r.side == SIDE_BUY)
        (void)fixed_notional(price, o->r.price_exp, leaves, o->r.qty_exp, ENGINE_AMOUNT_EXP,
                             FIXED_UP, &amount);
    else
        (void)fixed_rescale(leaves, o->r.qty_exp, ENGINE_AMOUNT_EXP, FIXED_UP, &amount);
    return amount;
}

void order_refresh(struct engine_core *e, struct order *o)
{
    order_bind_instrument(e, o);
    if (o->instrument_at == INDEX_NONE)
        return;
    struct instrument_state *i = &e->instruments[o->instrument_at];
    int64_t leaves = worst_leaves(o), exposed = 0;
    uint16_t asset;

    if (fixed_rescale(leaves, o->r.qty_exp, i->definition.qty_exp, FIXED_UP, &exposed) != 0)
        exposed = leaves;
    add_exposure(i, o->r.side, exposed - o->exposed_qty);
    o->exposed_qty = exposed;

    int64_t amount = lock_of(e, o, i, &asset);
    if (o->locked_asset != INDEX_NONE)
        e->assets[o->locked_asset].own_locked -= o->locked_amount;
    o->locked_asset = asset;
    o->locked_amount = asset != INDEX_NONE ? amount : 0;
    if (asset != INDEX_NONE)
        e->assets[asset].own_locked += amount;
}

/* ---- publishing ---- */

static uint8_t order_flags(const struct engine_core *e)
{
    return e->config.is_dry_run ? WIRE_SIMULATED : 0;
}

static int64_t told_leaves(const struct order *o)
{
    return is_ended(o) ? 0 : MAX(0, o->r.qty - o->r.filled_qty);
}

void order_tell(struct engine_core *e, const struct order *o, wire_order_event_kind kind,
                const struct input_detail *detail)
{
    struct wire_order_event event;

    WIRE_BEGIN(&event, order_event);
    event.header.flags = order_flags(e);
    event.order_id = o->r.order_id;
    event.group_id = o->r.group_id;
    event.exchange_ns = o->r.exchange_ns;
    event.price = o->r.price;
    event.qty = o->r.qty;
    event.filled_qty = o->r.filled_qty;
    event.leaves_qty = told_leaves(o);
    event.last_price = detail->last_price;
    event.last_qty = detail->last_qty;
    text_copy(event.exchange_order_id, sizeof(event.exchange_order_id), o->r.exchange_order_id);
    text_copy(event.text, sizeof(event.text), detail->text ? detail->text : "");
    event.strategy = o->r.strategy;
    event.revision = o->r.revision;
    event.why = detail->why;
    event.kind = kind;
    event.state = o->r.state;
    event.side = o->r.side;
    event.order_type = o->r.order_type;
    event.time_in_force = o->r.time_in_force;
    event.price_exp = o->r.price_exp;
    event.qty_exp = o->r.qty_exp;
    core_publish(e, &event.header, o->r.instrument, e->now_ns, o->r.order_id);
}

void order_publish_status(struct engine_core *e, const struct order *o, bool is_answer)
{
    struct wire_order_status status;

    WIRE_BEGIN(&status, order_status);
    status.header.flags = (uint8_t)(order_flags(e) | WIRE_SNAPSHOT);
    status.order_id = o->r.order_id;
    status.group_id = o->r.group_id;
    status.written_epoch = o->r.written_epoch;
    status.price = o->r.price;
    status.qty = o->r.qty;
    status.filled_qty = o->r.filled_qty;
    status.leaves_qty = told_leaves(o);
    status.filled_notional = o->r.filled_notional;
    status.exchange_ns = o->r.exchange_ns;
    text_copy(status.exchange_order_id, sizeof(status.exchange_order_id), o->r.exchange_order_id);
    text_copy(status.client_order_id, sizeof(status.client_order_id), o->r.client_order_id);
    status.strategy = o->r.strategy;
    status.revision = o->r.revision;
    status.why = o->r.why;
    status.state = o->r.state;
    status.side = o->r.side;
    status.order_type = o->r.order_type;
    status.time_in_force = o->r.time_in_force;
    status.price_exp = o->r.price_exp;
    status.qty_exp = o->r.qty_exp;
    status.amount_exp = ENGINE_AMOUNT_EXP;
    status.is_answer = is_answer;
    core_publish(e, &status.header, o->r.instrument, e->now_ns, o->r.order_id);
}

void order_publish_none(struct engine_core *e, uint64_t order_id, uint64_t instrument,
                        uint16_t strategy, wire_reason why)
{
    struct wire_order_status status;

    WIRE_BEGIN(&status, order_status);
    status.header.flags = (uint8_t)(order_flags(e) | WIRE_SNAPSHOT);
    status.order_id = order_id;
    status.strategy = strategy;
    status.why = why;
    status.amount_exp = ENGINE_AMOUNT_EXP;
    status.is_answer = 1;
    core_publish(e, &status.header, instrument, e->now_ns, order_id);
}

/* ---- the state machine, applied ---- */

void order_client_id(const struct engine_core *e, const struct order *o, unsigned revision,
                     char out[40])
{
    memset(out, 0, 40);
    if (o->r.order_id)
        (void)client_id_write_as(e->config.client_id_form, e->config.environment, o->r.order_id,
                                 revision, out);
    else
        text_copy(out, 40, o->r.client_order_id);
}

void order_journal(struct engine_core *e, struct order *o)
{
    if (o->r.flags & ORDER_FOREIGN)
        return; /* The venue's lists tell them anew at each start. */
    o->r.changed_wall_ns = core_wall(e);
    (void)core_append(e, RECORD_ORDER, &o->r, sizeof(o->r));
}

void order_ask(struct engine_core *e, struct order *o, int64_t at_ns)
{
    (void)e;
    if (o->ask_at_ns == 0 || at_ns < o->ask_at_ns)
        o->ask_at_ns = at_ns;
}

void order_want_cancel(struct engine_core *e, struct order *o, wire_reason why)
{
    if (is_ended(o))
        return;
    if (!(o->r.flags & ORDER_CANCEL_WANTED)) {
        o->r.flags |= ORDER_CANCEL_WANTED;
        o->r.why = why;
        order_journal(e, o);
    }
    if (o->cancel_at_ns == 0 && o->cancel_request == 0)
        o->cancel_at_ns = e->now_ns;
}

static wire_order_state working_state(const struct order *o)
{
    if (o->r.qty > 0 && o->r.filled_qty >= o->r.qty)
        return ORDER_FILLED;
    return o->r.filled_qty > 0 ? ORDER_PARTIALLY_FILLED : ORDER_LIVE;
}

static void count_kind(struct engine_core *e, uint8_t kind)
{
    e->counters.accepted += kind == ORDER_EVENT_ACCEPTED;
    e->counters.rejected += kind == ORDER_EVENT_REJECTED;
    e->counters.cancelled += kind == ORDER_EVENT_CANCELLED;
    e->counters.expired += kind == ORDER_EVENT_EXPIRED;
}

/* What ends with the old state: questions, waiting cancels, outstanding requests. */
static void enter_state(struct engine_core *e, struct order *o, wire_order_state before)
{
    bool was_ended = order_is_final(before) || before == ORDER_NONE;

    o->changed_ns = e->now_ns;
    if (before == ORDER_UNKNOWN) {
        e->unknown_orders--;
        o->ask_at_ns = 0;
    }
    if (o->r.state == ORDER_UNKNOWN) {
        e->unknown_orders++;
        e->counters.unknown_total++;
        o->unknown_since_ns = e->now_ns;
    }
    o->asks = o->absent_count = 0;
    if (is_ended(o)) {
        o->ended_ns = e->now_ns;
        o->ask_at_ns = o->cancel_at_ns = o->fill_wait_ns = 0;
        o->r.flags &= ~(uint32_t)(ORDER_CANCEL_WANTED | ORDER_REPLACE_NEW);
        o->r.awaited_final = 0;
    } else if ((o->r.flags & ORDER_CANCEL_WANTED) && o->r.state != ORDER_PENDING_CANCEL &&
               o->r.state != ORDER_PENDING_NEW) {
        o->cancel_at_ns = e->now_ns;
    }
    order_relink(e, o, was_ended);
}

/* A replace that is settled: its new terms hold, or are forgotten. */
static void settle_replace(struct order *o, enum order_input input)
{
    if (input == INPUT_REPLACED && o->r.pending_revision) {
        o->r.price = o->r.pending_price;
        o->r.qty = o->r.pending_qty;
        o->r.revision = o->r.pending_revision;
    }
    if (input == INPUT_REPLACED || input == INPUT_REPLACE_REJECTED || input == INPUT_REPLACE_LOST) {
        o->r.pending_price = o->r.pending_qty = 0;
        o->r.pending_revision = 0;
        o->r.flags &= ~(uint32_t)(ORDER_REPLACE_NEW | ORDER_REPLACE_PLACED);
    }
}

bool order_apply(struct engine_core *e, struct order *o, enum order_input input,
                 const struct input_detail *detail)
{
    struct order_step step = order_step_of(o->r.state, input);
    wire_order_state before = o->r.state;

    if (step.effects & EFFECT_ALARM) {
        e->counters.alarms++;
        core_note(e, NOTE_ERROR, "order_unexpected", "order=%llx state=%s input=%s",
                  (unsigned long long)o->r.order_id, wire_order_state_str(before),
                  order_input_str(input));
    }
    if (step.effects & EFFECT_DUPLICATE) {
        e->counters.reports_duplicate++;
        return false;
    }
    e->counters.fills_late += (step.effects & EFFECT_LATE) != 0;
    settle_replace(o, input);
    if (step.next == NEXT_WORKING)
        o->r.state = working_state(o);
    else if (step.next != NEXT_SAME)
        o->r.state = step.next;
    if (detail->exchange_ns > o->r.exchange_ns)
        o->r.exchange_ns = detail->exchange_ns;
    if (step.publish && detail->why != REASON_NONE)
        o->r.why = detail->why;
    if (detail->text && detail->text[0])
        text_copy(o->r.text, sizeof(o->r.text), detail->text);
    if (o->r.state != before)
        enter_state(e, o, before);
    if (step.effects & EFFECT_ASK)
        order_ask(e, o, e->now_ns + e->config.timing.ask_first_ns);
    if (step.effects & EFFECT_CANCEL)
        order_want_cancel(e, o, REASON_RECONCILIATION);
    order_refresh(e, o);
    if (input != INPUT_SUBMIT && input != INPUT_REFUSE) /* SUBMIT is written ahead by its caller. */
        order_journal(e, o);
    count_kind(e, step.publish);
    if (step.publish)
        order_tell(e, o, step.publish, detail);
    return true;
}
