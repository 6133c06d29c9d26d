#include "trading_engine/core_internal.h"

/* ---- the ring of executions, and knowing them again ---- */

static uint32_t trade_key_hash(uint64_t instrument, const char *order, const char *trade,
                               wire_side side)
{
    uint64_t h =
        instrument ^ ((uint64_t)text_hash(order) << 32) ^ text_hash(trade) ^ ((uint64_t)side << 17);

    h *= UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(h >> 32);
}

static uint32_t *trade_bucket(struct engine_core *e, const struct wire_trade_event *t)
{
    return &e->trade_buckets[trade_key_hash(t->header.instrument, t->exchange_order_id,
                                            t->venue_trade_id, t->side) &
                             e->trade_bucket_mask];
}

const struct wire_trade_event *trade_at(const struct engine_core *e, uint64_t number)
{
    if (number == 0 || number < e->oldest_trade_number || number > e->last_trade_number)
        return NULL;
    const struct wire_trade_event *t = &e->trades[number % e->trades_max];
    return t->trade_number == number ? t : NULL;
}

static const struct wire_trade_event *trade_known(struct engine_core *e, uint64_t instrument,
                                                  const char *order, const char *trade,
                                                  wire_side side)
{
    uint32_t at =
        e->trade_buckets[trade_key_hash(instrument, order, trade, side) & e->trade_bucket_mask];

    for (; at != SLOT_NONE; at = e->trade_next[at]) {
        const struct wire_trade_event *t = &e->trades[at];
        if (t->header.instrument == instrument && t->side == side &&
            strcmp(t->exchange_order_id, order) == 0 && strcmp(t->venue_trade_id, trade) == 0)
            return t;
    }
    return NULL;
}

static void trade_forget(struct engine_core *e, uint32_t slot)
{
    struct wire_trade_event *t = &e->trades[slot];
    uint32_t *link = trade_bucket(e, t);

    while (*link != slot)
        link = &e->trade_next[*link];
    *link = e->trade_next[slot];
    e->dedup_floor_ns = MAX(e->dedup_floor_ns, t->exchange_ns);
    t->trade_number = 0;
}

static void trade_keep(struct engine_core *e, const struct wire_trade_event *trade)
{
    uint32_t slot = (uint32_t)(trade->trade_number % e->trades_max);

    if (e->trade_next[slot] != SLOT_FREE)
        trade_forget(e, slot);
    e->trades[slot] = *trade;
    uint32_t *bucket = trade_bucket(e, trade);
    e->trade_next[slot] = *bucket;
    *bucket = slot;
    e->last_trade_number = trade->trade_number;
    if (e->oldest_trade_number == 0)
        e->oldest_trade_number = trade->trade_number;
    if (trade->trade_number - e->oldest_trade_number >= e->trades_max)
        e->oldest_trade_number = trade->trade_number - e->trades_max + 1;
}

bool trades_near_full(const struct engine_core *e)
{
    return e->last_trade_number - MIN(e->applied_trade_number, e->last_trade_number) >
           (uint64_t)e->trades_max / 4 * 3;
}

/* ---- what an execution moves ---- */

static void position_move(struct engine_core *e, const struct wire_trade_event *t)
{
    struct instrument_state *i = instrument_find(e, t->header.instrument);

    if (!i && !e->is_started) /* Restoring: the definition comes later. */
        i = instrument_new(e, t->header.instrument);
    if (!i || t->trade_number <= i->position_number)
        return;
    if (!i->is_defined && i->holding.qty == 0)
        holding_init(&i->holding, t->price_exp, t->qty_exp);
    (void)holding_fill(&i->holding, t->side == SIDE_BUY, t->price, t->price_exp, t->qty,
                       t->qty_exp);
    i->position_number = t->trade_number;
    i->moved_ns = e->now_ns;
}

/* Executed quantity, notional and number, in the order's own exponents. */
static void order_add_fill(struct order *o, const struct wire_trade_event *t)
{
    int64_t qty = t->qty, notional = 0;

    (void)fixed_rescale(t->qty, t->qty_exp, o->r.qty_exp, FIXED_NEAREST, &qty);
    (void)fixed_notional(t->price, t->price_exp, t->qty, t->qty_exp, ENGINE_AMOUNT_EXP,
                         FIXED_NEAREST, &notional);
    o->r.filled_qty += qty;
    o->r.filled_notional += notional;
    o->r.last_trade_number = t->trade_number;
    o->r.venue_cum = MAX(o->r.venue_cum, o->r.filled_qty);
}

/* ---- a new execution ---- */

static struct order *order_of_fill(struct engine_core *e, const struct venue_report *r)
{
    char environment;
    uint64_t order_id;
    unsigned revision;
    struct order *o = NULL;

    if (client_id_read(r->client_order_id, &environment, &order_id, &revision) == 0 &&
        environment == e->config.environment)
        o = order_by_id(e, order_id);
    if (!o)
        o = order_by_exchange_id(e, r->exchange_order_id);
    return o && (o->r.side == r->side || o->r.side == SIDE_NONE) ? o
                                                                 : NULL; /* Not the other side's. */
}

/* An execution of an order that we cannot name yet, while one of ours there has no exchange id: it
 * may be its. */
static bool may_be_unnamed_ours(const struct engine_core *e, const struct venue_report *r)
{
    if (r->client_order_id[0])
        return false;
    FOR_EACH_LIVE(e, o)
    {
        bool is_unnamed = (o->r.exchange_order_id[0] == 0 || (o->r.flags & ORDER_REPLACE_PLACED)) &&
                          !(o->r.flags & ORDER_FOREIGN);
        if (is_unnamed && o->r.instrument == r->instrument && o->r.side == r->side)
            return true;
    }
    return false;
}

static void fill_event(const struct engine_core *e, const struct venue_report *r,
                       const struct order *o, struct wire_trade_event *t)
{
    WIRE_BEGIN(t, trade_event);
    t->header.instrument = r->instrument;
    t->header.account = e->config.account;
    t->header.flags = e->config.is_dry_run ? WIRE_SIMULATED : 0;
    t->header.origin_ns = e->now_ns;
    t->trade_number = e->last_trade_number + 1;
    t->exchange_ns = r->exchange_ns;
    t->price = r->last_price;
    t->qty = r->last_qty;
    t->fee = r->fee;
    t->realised_pnl = r->has_realised_pnl ? r->realised_pnl : 0;
    t->has_realised_pnl = r->has_realised_pnl;
    text_copy(t->exchange_order_id, sizeof(t->exchange_order_id), r->exchange_order_id);
    text_copy(t->venue_trade_id, sizeof(t->venue_trade_id), r->venue_trade_id);
    text_copy(t->fee_asset, sizeof(t->fee_asset), r->fee_asset);
    t->price_exp = r->price_exp;
    t->qty_exp = r->qty_exp;
    t->amount_exp = r->amount_exp;
    t->side = r->side;
    t->liquidity = r->liquidity;
    if (o && !(o->r.flags & ORDER_FOREIGN)) {
        t->order_id = o->r.order_id;
        t->group_id = o->r.group_id;
        t->strategy = o->r.strategy;
        t->header.cause = o->r.order_id;
        if (t->side == SIDE_NONE)
            t->side = o->r.side;
    }
}

static void fill_order(struct engine_core *e, struct order *o, const struct wire_trade_event *t)
{
    struct input_detail detail = { .exchange_ns = t->exchange_ns };

    order_add_fill(o, t);
    if (fixed_rescale(t->price, t->price_exp, o->r.price_exp, FIXED_NEAREST, &detail.last_price) !=
        0)
        detail.last_price = t->price;
    if (fixed_rescale(t->qty, t->qty_exp, o->r.qty_exp, FIXED_NEAREST, &detail.last_qty) != 0)
        detail.last_qty = t->qty;
    if (o->r.filled_qty > o->r.qty && !(o->r.flags & ORDER_FOREIGN) &&
        o->r.pending_qty < o->r.filled_qty) {
        e->counters.overfilled++;
        core_note(e, NOTE_ERROR, "overfilled", "order=%llx", (unsigned long long)o->r.order_id);
    }
    bool is_last = o->r.filled_qty >= MAX(o->r.qty, o->r.pending_qty);
    (void)order_apply(e, o, is_last ? INPUT_FILL_LAST : INPUT_FILL, &detail);
    if (!order_is_final(o->r.state) && o->r.awaited_final && !o->is_total_awaited &&
        o->r.filled_qty >= o->r.venue_cum) {
        struct input_detail end = { .exchange_ns = t->exchange_ns, .why = o->r.awaited_why };
        wire_order_state awaited = o->r.awaited_final;
        o->r.awaited_final = 0;
        order_end(e, o, awaited == ORDER_EXPIRED ? INPUT_EXPIRED : INPUT_CANCELLED, &end);
    }
}

static bool fill_is_acceptable(struct engine_core *e, const struct venue_report *r)
{
    if (r->last_qty <= 0 || r->venue_trade_id[0] == 0 || r->side == SIDE_NONE ||
        r->instrument == 0) {
        e->counters.malformed++;
        core_note(e, NOTE_WARN, "fill_malformed", "trade=%s order=%s", r->venue_trade_id,
                  r->exchange_order_id);
        return false;
    }
    if (trade_known(e, r->instrument, r->exchange_order_id, r->venue_trade_id, r->side)) {
        e->counters.fills_duplicate++;
        return false;
    }
    bool is_before = r->exchange_ns > 0 &&
                     (r->exchange_ns < e->born_wall_ns || r->exchange_ns < e->dedup_floor_ns);
    if (is_before) {
        e->counters.fills_too_old++;
        return false;
    }
    return true;
}

void fills_take(struct engine_core *e, const struct venue_report *r)
{
    struct wire_trade_event t;

    if (!fill_is_acceptable(e, r))
        return;
    /* The venue's own doing is nobody's order, whatever id it bears. */
    struct order *o = r->is_liquidation ? NULL : order_of_fill(e, r);
    if (!o && !r->is_liquidation)
        o = report_unknown_fill(e, r);
    if ((!o && !r->is_liquidation && may_be_unnamed_ours(e, r)) ||
        (o && (o->r.flags & ORDER_INQUIRY))) {
        e->counters.fills_deferred++; /* Pulled again once the order has its name. */
        reconcile_pull(e, e->now_ns + NS_PER_S);
        return;
    }
    fill_event(e, r, o, &t);
    if (core_append(e, RECORD_TRADE, &t, sizeof(t)) != 0) {
        reconcile_pull(e, e->now_ns + NS_PER_S); /* Not ours to publish before it is durable. */
        return;
    }
    trade_keep(e, &t);
    e->counters.fills++;
    e->counters.foreign_fills += t.order_id == 0;
    e->last_fill_ns = e->now_ns;
    struct wire_trade_event out = t;
    core_publish(e, &out.header, t.header.instrument, e->now_ns, t.order_id);
    position_move(e, &t);
    balance_move(e, &t, INDEX_NONE);
    if (r->is_liquidation)
        positions_liquidated(e, r);
    if (o) {
        if (!(o->r.flags & ORDER_REPLACE_PLACED) || o->r.exchange_order_id[0] == 0)
            order_set_exchange_id(e, o, r->exchange_order_id);
        fill_order(e, o, &t);
    }
}

void fills_restore(struct engine_core *e, const struct wire_trade_event *t)
{
    struct order *o = order_by_id(e, t->order_id);

    if (t->trade_number <= e->last_trade_number && trade_at(e, t->trade_number))
        return;
    trade_keep(e, t);
    position_move(e, t);
    balance_move(e, t, INDEX_NONE);
    if (o && t->trade_number > o->r.last_trade_number) {
        order_add_fill(o, t); /* The order's own record was not written any more. */
        order_refresh(e, o);
    }
}

/* ---- 7004 ---- */

void fills_replay(struct engine_core *e, const struct wire_trade_replay_request *m)
{
    unsigned page = m->page_max > 0 && m->page_max < ENGINE_TRADE_PAGE_MAX ? m->page_max
                                                                           : ENGINE_TRADE_PAGE_MAX;
    uint64_t from = MAX(m->from_trade_number, e->oldest_trade_number);

    if (m->header.account != e->config.account)
        return;
    if (from > m->from_trade_number)
        core_note(e, NOTE_ERROR, "replay_lost", "from=%llu oldest=%llu",
                  (unsigned long long)m->from_trade_number,
                  (unsigned long long)e->oldest_trade_number);
    for (uint64_t n = from; n <= e->last_trade_number && page > 0; n++, page--) {
        const struct wire_trade_event *t = trade_at(e, n);
        if (!t)
            continue;
        struct wire_trade_event out = *t;
        out.header.flags |= WIRE_REPLAY;
        core_publish(e, &out.header, t->header.instrument, t->header.origin_ns, t->order_id);
        e->counters.replayed++;
    }
    uint64_t oldest = e->transfer_count > TRANSFERS_MAX ? e->transfer_count - TRANSFERS_MAX : 0;
    for (uint64_t n = oldest; page > 0 && n < e->transfer_count; n++) {
        struct wire_account_event out = e->transfers[n % TRANSFERS_MAX];
        if (out.event_number <= e->applied_event_number && out.kind != ACCOUNT_POSITION)
            continue; /* A ledger that began later still lacks what a position began with. */
        out.header.flags |= WIRE_REPLAY;
        core_publish(e, &out.header, out.header.instrument, out.header.origin_ns, 0);
    }
}

void fills_applied(struct engine_core *e, const struct wire_applied_trade_number *m)
{
    if (m->header.account != e->config.account)
        return;
    if (m->trade_number > e->last_trade_number || m->event_number > e->last_event_number) {
        /* The ledger has numbers that this journal never gave out: it was lost. Go on above them.
         */
        struct numbers_record numbers = { MAX(m->trade_number, e->last_trade_number),
                                          MAX(m->event_number, e->last_event_number) };
        e->counters.alarms++;
        core_note(e, NOTE_ERROR, "numbers_behind_ledger",
                  "trade %llu below %llu: continued above it",
                  (unsigned long long)e->last_trade_number, (unsigned long long)m->trade_number);
        if (core_append(e, RECORD_NUMBERS, &numbers, sizeof(numbers)) != 0)
            return;
        if (numbers.last_trade_number > e->last_trade_number)
            e->oldest_trade_number = numbers.last_trade_number + 1;
        e->last_trade_number = numbers.last_trade_number;
        e->last_event_number = numbers.last_event_number;
    }
    e->applied_trade_number = MAX(e->applied_trade_number, m->trade_number);
    e->applied_event_number = MAX(e->applied_event_number, m->event_number);
    bool is_new = e->applied_trade_number != e->applied_journalled.trade_number ||
                  e->applied_event_number != e->applied_journalled.event_number;
    if (is_new && e->now_ns - e->applied_journalled_ns >= NS_PER_S) {
        e->applied_journalled =
            (struct applied_record){ e->applied_trade_number, e->applied_event_number };
        e->applied_journalled_ns = e->now_ns;
        (void)core_append(e, RECORD_APPLIED, &e->applied_journalled, sizeof(e->applied_journalled));
    }
}

/* The ledger's figure, plus what was executed after it. Where the quantity is ours already, our own
 * cost stays: the ledger's average is rounded. */
void fills_position(struct engine_core *e, const struct wire_position_update *m)
{
    struct instrument_state *i = instrument_find(e, m->header.instrument);
    struct holding h;

    if (m->header.account != e->config.account || m->strategy != 0 || !i || !i->is_defined ||
        m->applied_trade_number + 1 < e->oldest_trade_number)
        return;
    holding_init(&h, m->price_exp, m->qty_exp);
    holding_open(&h, m->qty, m->avg_price);
    if (holding_rescale(&h, i->definition.price_exp, i->definition.qty_exp) != 0)
        return;
    for (uint64_t n = m->applied_trade_number + 1; n <= e->last_trade_number; n++) {
        const struct wire_trade_event *t = trade_at(e, n);
        if (t && t->header.instrument == i->id)
            (void)holding_fill(&h, t->side == SIDE_BUY, t->price, t->price_exp, t->qty, t->qty_exp);
    }
    if (h.qty != i->holding.qty) {
        i->holding = h;
        i->moved_ns = e->now_ns;
    }
    i->position_number = e->last_trade_number;
}
