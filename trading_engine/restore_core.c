/* From journal to state and back: records taken at start, checkpoints written at rotation. */
#include "trading_engine/core_internal.h"

/* ---- the journal ---- */

static void restore_order(struct engine_core *e, const struct order_record *r)
{
    struct order *o = order_by_id(e, r->order_id);
    bool is_new = !o;

    if (!o && orders_is_full(e) && e->ended_head != SLOT_NONE)
        order_free(
            e,
            &e->orders[e->ended_head]); /* Nothing of an earlier epoch is executed again anyway. */
    if (!o)
        o = order_new(e, r->order_id);
    if (!o)
        return;
    bool was_ended = is_new || order_is_final(o->r.state) || o->r.state == ORDER_NONE;
    e->unknown_orders -= o->r.state == ORDER_UNKNOWN;
    order_drop_exchange_id(e, o);
    o->r = *r;
    o->r.exchange_order_id[0] = 0;
    e->unknown_orders += o->r.state == ORDER_UNKNOWN;
    order_relink(e, o, was_ended);
    order_set_exchange_id(e, o, r->exchange_order_id);
    order_refresh(e, o);
}

static void restore_position(struct engine_core *e, const struct position_record *p)
{
    struct instrument_state *i = instrument_find(e, p->instrument);

    if (!i)
        i = instrument_new(e, p->instrument);
    if (!i)
        return;
    holding_init(&i->holding, p->price_exp, p->qty_exp);
    i->holding.qty = p->qty;
    i->holding.cost = (i128)p->cost_high * ((i128)1 << 64) + p->cost_low;
    i->position_number = p->last_trade_number;
}

static void restore_kill(struct engine_core *e, const struct kill_record *k)
{
    struct guard *g = &e->guard;

    g->is_killed = k->is_killed;
    g->is_everything = k->is_killed && k->is_everything;
    g->kill_why = k->why;
    g->kill_risk_version = k->risk_version;
    g->kill_command_id = k->last_command_id;
    g->kill_phase = k->is_killed ? KILL_CANCEL : KILL_NONE;
}

static size_t record_size(uint16_t type)
{
    switch (type) {
    case RECORD_SESSION:
        return sizeof(struct session_record);
    case RECORD_ORDER:
        return sizeof(struct order_record);
    case RECORD_TRADE:
        return sizeof(struct wire_trade_event);
    case RECORD_ACCOUNT:
        return sizeof(struct wire_account_event);
    case RECORD_KILL:
        return sizeof(struct kill_record);
    case RECORD_APPLIED:
        return sizeof(struct applied_record);
    case RECORD_MARK:
        return sizeof(struct mark_record);
    case RECORD_NUMBERS:
        return sizeof(struct numbers_record);
    case RECORD_POSITION:
        return sizeof(struct position_record);
    case RECORD_LIQUIDATION:
        return sizeof(struct liquidation_record);
    default:
        return 0;
    }
}

union any_record {
    struct session_record session;
    struct order_record order;
    struct wire_trade_event trade;
    struct wire_account_event account;
    struct kill_record kill;
    struct applied_record applied;
    struct mark_record mark;
    struct numbers_record numbers;
    struct position_record position;
    struct liquidation_record liquidation;
};

int engine_core_restore(struct engine_core *e, uint16_t type, const void *record, size_t size)
{
    union any_record r;

    if (record_size(type) == 0)
        return ERR_NOT_FOUND;
    if (size != record_size(type))
        return ERR_PROTO;
    memcpy(&r, record, size);
    switch (type) {
    case RECORD_SESSION:
        e->born_wall_ns = r.session.born_wall_ns;
        e->session_count = r.session.session_count;
        break;
    case RECORD_ORDER:
        if (order_state_row(r.order.state) < 0 || r.order.order_id == 0)
            return ERR_PROTO;
        restore_order(e, &r.order);
        break;
    case RECORD_TRADE:
        fills_restore(e, &r.trade);
        break;
    case RECORD_ACCOUNT:
        account_restore(e, &r.account);
        break;
    case RECORD_KILL:
        restore_kill(e, &r.kill);
        break;
    case RECORD_APPLIED:
        e->applied_trade_number = r.applied.trade_number;
        e->applied_event_number = r.applied.event_number;
        e->applied_journalled = r.applied;
        break;
    case RECORD_MARK:
        e->mark_wall_ns = r.mark.wall_ns;
        break;
    case RECORD_NUMBERS:
        e->last_trade_number = MAX(e->last_trade_number, r.numbers.last_trade_number);
        e->last_event_number = MAX(e->last_event_number, r.numbers.last_event_number);
        break;
    case RECORD_LIQUIDATION:
        positions_restore_liquidation(e, &r.liquidation);
        break;
    default:
        restore_position(e, &r.position);
        break;
    }
    return 0;
}

enum {
    REMEMBERED_S = 3600
}; /* An order that ended longer ago is not carried into a new segment. */

static int checkpoint_orders(struct engine_core *e,
                             int (*append)(void *, uint16_t, const void *, size_t), void *ctx)
{
    int err = 0;

    for (uint32_t i = 0; i < e->orders_begun && !err; i++) {
        const struct order *o = &e->orders[i];
        bool is_kept = o->is_used && o->r.order_id && o->r.state != ORDER_NONE &&
                       (!order_is_final(o->r.state) ||
                        core_wall(e) - o->r.changed_wall_ns < REMEMBERED_S * NS_PER_S);
        if (is_kept)
            err = append(ctx, RECORD_ORDER, &o->r, sizeof(o->r));
    }
    return err;
}

static int checkpoint_positions(struct engine_core *e,
                                int (*append)(void *, uint16_t, const void *, size_t), void *ctx)
{
    int err = 0;

    for (size_t i = 0; i < e->instrument_count && !err; i++) {
        const struct instrument_state *s = &e->instruments[i];
        struct position_record p = position_record_of(s);
        struct liquidation_record l = liquidation_record_of(e, s);
        err = append(ctx, RECORD_POSITION, &p, sizeof(p));
        if (!err && s->is_liquidated)
            err = append(ctx, RECORD_LIQUIDATION, &l, sizeof(l));
    }
    return err;
}

static int checkpoint_account(struct engine_core *e,
                              int (*append)(void *, uint16_t, const void *, size_t), void *ctx)
{
    int err = 0;
    uint64_t oldest = e->transfer_count > TRANSFERS_MAX ? e->transfer_count - TRANSFERS_MAX : 0;

    for (size_t i = 0; i < e->asset_count && !err; i++) {
        const struct asset_state *a = &e->assets[i];
        struct wire_account_event event;
        if (!a->is_reported)
            continue;
        WIRE_BEGIN(&event, account_event);
        event.header.account = e->config.account;
        event.total = a->total;
        event.free = a->free;
        event.locked = a->locked;
        event.margin = a->margin;
        event.unrealised_pnl = a->unrealised_pnl;
        event.event_number = e->last_event_number; /* The changes that follow are in it. */
        event.as_of_trade_number =
            e->config.is_dry_run ? e->last_trade_number : a->as_of_trade_number;
        text_copy(event.asset, sizeof(event.asset), a->code);
        event.amount_exp = ENGINE_AMOUNT_EXP;
        event.kind = ACCOUNT_BALANCE;
        err = append(ctx, RECORD_ACCOUNT, &event, sizeof(event));
    }
    for (uint64_t n = oldest; n < e->transfer_count && !err; n++)
        err =
            append(ctx, RECORD_ACCOUNT, &e->transfers[n % TRANSFERS_MAX], sizeof(e->transfers[0]));
    return err;
}

int engine_core_checkpoint(struct engine_core *e,
                           int (*append)(void *ctx, uint16_t type, const void *record, size_t size),
                           void *ctx)
{
    const struct guard *g = &e->guard;
    struct session_record session = { .epoch = e->config.epoch,
                                      .boot_id = e->config.boot_id,
                                      .wall_ns = core_wall(e),
                                      .now_ns = e->now_ns,
                                      .born_wall_ns = e->born_wall_ns,
                                      .session_count = e->session_count,
                                      .account = e->config.account,
                                      .is_dry_run = e->config.is_dry_run };
    struct kill_record kill = { .wall_ns = core_wall(e),
                                .risk_version = g->kill_risk_version,
                                .last_command_id = g->kill_command_id,
                                .is_killed = g->is_killed,
                                .is_everything = g->is_everything,
                                .why = g->kill_why };
    struct applied_record applied = { e->applied_trade_number, e->applied_event_number };
    struct mark_record mark = { e->mark_wall_ns };
    struct numbers_record numbers = { e->last_trade_number, e->last_event_number };

    int err = append(ctx, RECORD_SESSION, &session, sizeof(session));
    if (!err)
        err = append(ctx, RECORD_KILL, &kill, sizeof(kill));
    if (!err)
        err = append(ctx, RECORD_APPLIED, &applied, sizeof(applied));
    if (!err)
        err = append(ctx, RECORD_MARK, &mark, sizeof(mark));
    if (!err) /* Before the executions: they must not move what these already hold. */
        err = checkpoint_positions(e, append, ctx);
    if (!err)
        err = checkpoint_account(e, append, ctx);
    if (!err)
        err = checkpoint_orders(e, append, ctx);
    for (uint64_t n = e->oldest_trade_number; n && n <= e->last_trade_number && !err; n++)
        if (trade_at(e, n))
            err = append(ctx, RECORD_TRADE, trade_at(e, n), sizeof(struct wire_trade_event));
    return err ? err : append(ctx, RECORD_NUMBERS, &numbers, sizeof(numbers));
}

/* ---- start ---- */

/* Orders that were under way when the old process ended: what became of them is the venue's to say.
 */
static void take_over(struct engine_core *e)
{
    FOR_EACH_LIVE(e, o)
    {
        struct input_detail detail = { .why = REASON_START };
        bool is_complete = o->r.filled_qty >= o->r.qty && o->r.pending_qty == 0;
        o->is_total_awaited = o->r.awaited_final != 0; /* Asked again: perhaps it never was said. */
        if (o->r.state == ORDER_PENDING_NEW)
            (void)order_apply(e, o, INPUT_UNKNOWN, &detail);
        else if (is_complete &&
                 o->r.qty > 0) /* The last execution was written, the order's end was not. */
            (void)order_apply(e, o, INPUT_FILL_LAST, &(struct input_detail){ 0 });
        /* The list of open orders settles most at one request; what it lacks is asked about then.
         */
        if (o->is_used && o->ask_at_ns)
            o->ask_at_ns = e->now_ns + 2 * e->config.timing.ask_max_ns;
    }
}

int engine_core_start(struct engine_core *e, bool is_journal_whole, int64_t now_ns, int64_t wall_ns)
{
    const struct engine_limits *l = &e->config.limits;

    e->now_ns = e->started_ns = e->wall_at_ns = now_ns;
    e->wall_ns = wall_ns;
    e->is_journal_whole = is_journal_whole;
    if (e->born_wall_ns == 0)
        e->born_wall_ns = wall_ns;
    e->session_count++;
    struct session_record session = { .epoch = e->config.epoch,
                                      .boot_id = e->config.boot_id,
                                      .wall_ns = wall_ns,
                                      .now_ns = now_ns,
                                      .born_wall_ns = e->born_wall_ns,
                                      .session_count = e->session_count,
                                      .account = e->config.account,
                                      .is_dry_run = e->config.is_dry_run };
    int err = core_append(e, RECORD_SESSION, &session, sizeof(session));
    if (err)
        return err;
    err = rate_limit_init(&e->orders_pace, l->orders_per_s, l->orders_per_s, NS_PER_S, now_ns);
    if (!err)
        err = rate_limit_init(&e->messages_pace, l->messages_burst, l->messages_per_s, NS_PER_S,
                              now_ns);
    if (!err)
        err = rate_limit_init(&e->minute_pace, l->messages_per_min, l->messages_per_min,
                              60 * NS_PER_S, now_ns);
    if (err)
        return err;
    e->is_started = true;
    e->guard.kill_at_ns = e->guard.kill_next_ns = now_ns;
    e->guard.risk_ns = now_ns;
    if (e->config.is_dry_run) {
        balances_paper(e);
        dry_restore(e);
    }
    take_over(e);
    reconcile_want(e);
    return 0;
}
