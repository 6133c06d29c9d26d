#include "trading_engine/core_internal.h"

#include <stdarg.h>
#include <stdio.h>

void text_copy(char *to, size_t cap, const char *from)
{
    size_t len = strnlen(from, cap - 1);

    memcpy(to, from, len);
    memset(to + len, 0, cap - len);
}

/* FNV-1a. */
uint32_t text_hash(const char *text)
{
    uint32_t h = 2166136261u;

    for (; *text; text++)
        h = (h ^ (uint8_t)*text) * 16777619u;
    return h ^ h >> 15;
}

/* ---- outputs ---- */

int64_t core_wall(const struct engine_core *e)
{
    return e->wall_ns + (e->now_ns - e->wall_at_ns);
}

void core_note(const struct engine_core *e, enum engine_note_level level, const char *event,
               const char *format, ...)
{
    char text[256];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    e->out.note(e->out.ctx, level, event, text);
}

void core_publish(struct engine_core *e, struct wire_header *event, uint64_t instrument,
                  int64_t origin_ns, uint64_t cause)
{
    event->account = e->config.account;
    event->instrument = instrument;
    event->origin_ns = origin_ns;
    event->cause = cause;
    e->out.publish(e->out.ctx, event);
}

int core_append(struct engine_core *e, uint16_t type, const void *record, size_t size)
{
    int err = e->out.append(e->out.ctx, type, record, size);

    if (err) {
        e->counters.journal_failed++;
        if (!e->is_journal_broken)
            core_note(e, NOTE_ERROR, "journal_failed", "%s: no new orders", err_str(err));
    }
    e->is_journal_broken = err != 0;
    return err;
}

/* ---- requests ---- */

void command_begin(struct engine_core *e, struct venue_command *c, enum venue_op op,
                   const struct order *o)
{
    (void)e;
    memset(c, 0, sizeof(*c));
    c->op = op;
    if (o) {
        c->instrument = o->r.instrument;
        text_copy(c->symbol, sizeof(c->symbol), o->r.symbol);
    }
}

struct request *request_find(struct engine_core *e, uint64_t id)
{
    struct request *request = &e->requests[id % REQUESTS_MAX];

    return id && request->id == id ? request : NULL;
}

void request_end(struct engine_core *e, uint64_t id)
{
    struct request *request = request_find(e, id);

    if (request)
        request->id = 0;
}

int command_send(struct engine_core *e, struct venue_command *c, const struct order *o,
                 bool is_reserved, uint64_t *request)
{
    bool is_urgent = is_reserved && c->op != OP_PLACE && c->op != OP_REPLACE;
    int64_t reserve = is_urgent ? 0 : e->config.limits.cancel_reserve;

    if (e->now_ns < e->guard.back_off_until_ns && !e->config.is_dry_run)
        return ERR_AGAIN;
    if (rate_limit_ready_ns(&e->minute_pace, 1, reserve, e->now_ns) > e->now_ns ||
        rate_limit_take(&e->messages_pace, 1, reserve, e->now_ns) != 0) {
        e->counters.throttled++;
        return ERR_AGAIN;
    }
    (void)rate_limit_take(&e->minute_pace, 1, reserve, e->now_ns);
    uint64_t id = ++e->last_request;
    c->request_id = id;
    struct request *slot = &e->requests[id % REQUESTS_MAX];
    *slot = (struct request){ .id = id,
                              .order_id = o ? o->r.order_id : 0,
                              .slot = o ? order_slot(e, o) : SLOT_NONE,
                              .op = c->op,
                              .sent_ns = e->now_ns };
    *request = id; /* Before the call: an answer may come inside it. */
    int64_t cause_ns = c->op == OP_PLACE && o && o->r.venue_revision == 0 ? o->origin_ns : 0;
    int err = e->config.is_dry_run ? dry_command(e, c) : e->out.command(e->out.ctx, c, cause_ns);
    if (err) {
        e->counters.command_failed++;
        slot->id = 0;
        if (*request == id)
            *request = 0;
    }
    return err;
}

/* ---- memory ---- */

void engine_core_defaults(struct engine_config *config)
{
    *config = (struct engine_config){
        .environment = 'T',
        .has_private_stream = true,
        .cancels_on_stop = true,
        .checks_balance = true,
        .orders_max = 16384,
        .trades_max = 16384,
        .timing = {
            .order_timeout_ns = 5 * NS_PER_S,
            .runner_silent_ns = NS_PER_S,
            .risk_silent_ns = NS_PER_S,
            .risk_gone_ns = 30 * NS_PER_S,
            .gateway_silent_ns = NS_PER_S,
            .start_grace_ns = 3 * NS_PER_S,
            .deadline_max_ns = 60 * NS_PER_S,
            .ask_first_ns = 200 * NS_PER_MS,
            .ask_max_ns = 5 * NS_PER_S,
            .absent_after_ns = 5 * NS_PER_S,
            .absent_times = 3,
            .fill_wait_ns = 500 * NS_PER_MS,
            .status_every_ns = NS_PER_S,
            .balance_quiet_ns = 2 * NS_PER_S,
            .balance_least_ns = 5 * NS_PER_S,
            .balance_every_ns = 60 * NS_PER_S,
            .reconcile_every_ns = 60 * NS_PER_S,
            .reconcile_timeout_ns = 65 * NS_PER_S,
            .poll_ns = NS_PER_S,
            .since_margin_ns = 60 * NS_PER_S,
            .dead_man_ns = 60 * NS_PER_S,
            .dead_man_every_ns = 15 * NS_PER_S,
            .clock_skew_max_ns = 5 * NS_PER_S,
            .place_tries_max = 1,
            .place_retry_ns = 100 * NS_PER_MS,
            .stop_wait_ns = 3 * NS_PER_S,
        },
    };
}

struct layout {
    size_t core, orders, by_id, by_exchange_id, trades, trade_buckets, trade_next, requests,
        dry_queue, end;
    uint32_t buckets, trade_buckets_count;
};

static uint32_t power_of_two(size_t at_least)
{
    uint32_t n = 16;

    while (n < at_least)
        n *= 2;
    return n;
}

static size_t room(size_t *at, size_t bytes)
{
    size_t here = *at;

    *at = (here + bytes + 63) / 64 * 64;
    return here;
}

static int layout_of(const struct engine_config *config, struct layout *l)
{
    size_t at = 0;

    if (config->orders_max < 16 || config->orders_max > 1u << 20 || config->trades_max < 16 ||
        config->trades_max > 1u << 24 || config->name_count > ENGINE_INSTRUMENTS_MAX)
        return ERR_RANGE;
    l->buckets = power_of_two(config->orders_max);
    l->trade_buckets_count = power_of_two(config->trades_max);
    l->core = room(&at, sizeof(struct engine_core));
    l->orders = room(&at, config->orders_max * sizeof(struct order));
    l->by_id = room(&at, l->buckets * sizeof(uint32_t));
    l->by_exchange_id = room(&at, l->buckets * sizeof(uint32_t));
    l->trades = room(&at, config->trades_max * sizeof(struct wire_trade_event));
    l->trade_buckets = room(&at, l->trade_buckets_count * sizeof(uint32_t));
    l->trade_next = room(&at, config->trades_max * sizeof(uint32_t));
    l->requests = room(&at, REQUESTS_MAX * sizeof(struct request));
    l->dry_queue = room(&at, DRY_QUEUE_MAX * sizeof(struct venue_report));
    l->end = at;
    return 0;
}

size_t engine_core_size(const struct engine_config *config)
{
    struct layout l;

    return layout_of(config, &l) == 0 ? l.end : 0;
}

int engine_core_init(void *memory, size_t size, const struct engine_config *config,
                     const struct engine_out *out, struct engine_core **core, const char **missing)
{
    struct layout l;
    char *base = memory;
    struct engine_core *e = memory;

    if (layout_of(config, &l) != 0 || size < l.end || (uintptr_t)memory % 64 != 0)
        return ERR_RANGE;
    const char *unset = limits_missing(&config->limits);
    if (unset) {
        if (missing)
            *missing = unset;
        return ERR_CONFIG;
    }
    memset(memory, 0, l.end);
    e->config = *config;
    e->out = *out;
    e->orders = (struct order *)(base + l.orders);
    e->by_id = (uint32_t *)(base + l.by_id);
    e->by_exchange_id = (uint32_t *)(base + l.by_exchange_id);
    e->trades = (struct wire_trade_event *)(base + l.trades);
    e->trade_buckets = (uint32_t *)(base + l.trade_buckets);
    e->trade_next = (uint32_t *)(base + l.trade_next);
    e->requests = (struct request *)(base + l.requests);
    e->dry_queue = (struct venue_report *)(base + l.dry_queue);
    e->orders_max = (uint32_t)config->orders_max;
    e->trades_max = (uint32_t)config->trades_max;
    e->bucket_mask = l.buckets - 1;
    e->trade_bucket_mask = l.trade_buckets_count - 1;
    for (uint32_t i = 0; i <= e->trade_bucket_mask; i++)
        e->trade_buckets[i] = SLOT_NONE;
    orders_init(e);
    *core = e;
    return 0;
}

/* ---- the journal ---- */

static void restore_order(struct engine_core *e, const struct order_record *r)
{
    struct order *o = order_by_id(e, r->order_id);
    bool is_new = !o;

    if (!o && e->free_list == SLOT_NONE && e->ended_head != SLOT_NONE)
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

    if (!i && e->instrument_count < ENGINE_INSTRUMENTS_MAX) {
        i = &e->instruments[e->instrument_count++];
        *i = (struct instrument_state){ .id = p->instrument,
                                        .base_asset = INDEX_NONE,
                                        .quote_asset = INDEX_NONE };
    }
    if (!i)
        return;
    i->position_qty = p->qty;
    i->position_number = p->last_trade_number;
    i->definition.qty_exp = p->qty_exp;
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
        e->last_epoch = r.session.epoch;
        e->last_boot_id = r.session.boot_id;
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

    for (uint32_t i = 0; i < e->orders_max && !err; i++) {
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
        struct position_record p = { .instrument = s->id,
                                     .qty = s->position_qty,
                                     .last_trade_number = s->position_number,
                                     .qty_exp = s->definition.qty_exp };
        err = append(ctx, RECORD_POSITION, &p, sizeof(p));
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

/* ---- events ---- */

static void on_quote(struct engine_core *e, const struct wire_best_quote *q)
{
    struct instrument_state *i = instrument_find(e, q->header.instrument);
    int64_t bid, ask, bid_qty, ask_qty;

    if (!i || !i->is_defined)
        return;
    const struct wire_instrument *d = &i->definition;
    if (fixed_rescale(q->bid_price, q->price_exp, d->price_exp, FIXED_EXACT, &bid) != 0 ||
        fixed_rescale(q->ask_price, q->price_exp, d->price_exp, FIXED_EXACT, &ask) != 0 ||
        fixed_rescale(q->bid_qty, q->qty_exp, d->qty_exp, FIXED_DOWN, &bid_qty) != 0 ||
        fixed_rescale(q->ask_qty, q->qty_exp, d->qty_exp, FIXED_DOWN, &ask_qty) != 0)
        return;
    i->bid_price = bid;
    i->bid_qty = bid_qty;
    i->ask_price = ask;
    i->ask_qty = ask_qty;
    i->has_quote = true;
    i->quote_ns = e->now_ns;
}

static void on_feed_status(struct engine_core *e, const struct wire_feed_status *s)
{
    for (size_t k = 0; k < e->instrument_count; k++) {
        struct instrument_state *i = &e->instruments[k];
        bool is_whole_feed = s->header.instrument == 0;
        if (!is_whole_feed && s->header.instrument != i->id)
            continue;
        if (is_whole_feed && s->state == FEED_LIVE && i->has_quote && i->feed_state == FEED_LIVE)
            i->quote_ns = e->now_ns; /* The feed is proved to live: a quiet book is still right. */
        if (is_whole_feed && s->state != FEED_DOWN)
            continue; /* Each book has a status of its own. */
        i->feed_state = s->state;
        i->has_feed_state = true;
        if (s->state != FEED_LIVE && i->book)
            i->is_book_whole = false;
    }
}

static void on_market(struct engine_core *e, const struct wire_header *event)
{
    if (event->account != e->config.account)
        return;
    e->guard.gateway_ns = e->now_ns;
    switch (event->type) {
    case WIRE_instrument:
        if (strcmp(((const struct wire_instrument *)event)->venue, e->config.venue) == 0)
            (void)instrument_put(e, (const struct wire_instrument *)event, false);
        break;
    case WIRE_best_quote:
        on_quote(e, (const struct wire_best_quote *)event);
        break;
    case WIRE_feed_status:
        on_feed_status(e, (const struct wire_feed_status *)event);
        break;
    default: {
        struct instrument_state *i = instrument_find(e, event->instrument);
        if (i && i->has_quote && i->feed_state == FEED_LIVE)
            i->quote_ns = e->now_ns;
        if (e->config.is_dry_run)
            dry_market(e, event);
        break;
    }
    }
}

static void on_heartbeat(struct engine_core *e, const struct wire_heartbeat *h)
{
    switch (PUBLISHER_ROLE(h->header.publisher)) {
    case ROLE_STRATEGY_RUNNER:
        if (h->port == STREAM_ORDERS)
            owner_heartbeat(e, h);
        break;
    case ROLE_MARKET_GATEWAY:
        if (PUBLISHER_INSTANCE(h->header.publisher) == e->config.account)
            e->guard.gateway_ns = e->now_ns;
        break;
    default:
        break;
    }
}

static void enter(struct engine_core *e, int64_t now_ns)
{
    e->now_ns = MAX(e->now_ns, now_ns);
}

void engine_core_event(struct engine_core *e, const struct wire_header *event, int64_t now_ns)
{
    enter(e, now_ns);
    switch (event->type) {
    case WIRE_heartbeat:
        on_heartbeat(e, (const struct wire_heartbeat *)event);
        break;
    case WIRE_risk_state:
        guard_risk(e, (const struct wire_risk_state *)event);
        break;
    case WIRE_order_request:
    case WIRE_order_cancel:
    case WIRE_order_replace:
    case WIRE_cancel_all:
    case WIRE_order_query:
        intents_event(e, event);
        break;
    case WIRE_position_update:
        fills_position(e, (const struct wire_position_update *)event);
        break;
    case WIRE_trade_replay_request:
        fills_replay(e, (const struct wire_trade_replay_request *)event);
        break;
    case WIRE_applied_trade_number:
        fills_applied(e, (const struct wire_applied_trade_number *)event);
        break;
    default:
        if (wire_port(event->type) == STREAM_MARKET_DATA)
            on_market(e, event);
        break;
    }
    dry_drain(e);
}

bool engine_core_gap(struct engine_core *e, uint16_t type)
{
    bool is_needed = false;

    if (type != WIRE_book_delta && type != WIRE_book_snapshot)
        return type == WIRE_instrument;
    for (size_t i = 0; i < e->instrument_count; i++) {
        is_needed |= e->instruments[i].book != NULL;
        e->instruments[i].is_book_whole = false;
    }
    return is_needed;
}

void engine_core_report(struct engine_core *e, const struct venue_report *report, int64_t now_ns)
{
    enter(e, now_ns);
    reports_take(e, report);
    dry_drain(e);
}

static void status_tick(struct engine_core *e)
{
    wire_reason why;
    wire_engine_state state = engine_core_state(e, e->now_ns, &why);

    if (state == e->guard.last_state && e->now_ns - e->status_ns < e->config.timing.status_every_ns)
        return;
    if (state != e->guard.last_state)
        core_note(e, state == ENGINE_READY ? NOTE_INFO : NOTE_WARN, "engine_state", "%s why=%s",
                  wire_engine_state_str(state), wire_reason_str(why));
    e->guard.last_state = state;
    (void)engine_core_republish(e, e->now_ns);
}

void engine_core_tick(struct engine_core *e, int64_t now_ns, int64_t wall_ns)
{
    enter(e, now_ns);
    e->wall_ns = wall_ns;
    e->wall_at_ns = now_ns;
    guard_tick(e);
    dry_drain(e);
    intents_tick(e);
    dry_drain(e);
    reconcile_tick(e);
    dry_drain(e);
    status_tick(e);
}

void engine_core_kill(struct engine_core *e, wire_reason why, int64_t now_ns)
{
    enter(e, now_ns);
    guard_kill(e, true, why);
    guard_tick(e); /* Cancels leave now, not at the next tick. */
    intents_tick(e);
    dry_drain(e);
}

void engine_core_stop(struct engine_core *e, int64_t now_ns)
{
    enter(e, now_ns);
    if (e->guard.is_stopping)
        return;
    e->guard.is_stopping = true;
    e->guard.stop_ns = now_ns;
    guard_tick(e);
    intents_tick(e);
    dry_drain(e);
}

bool engine_core_is_stopped(const struct engine_core *e, int64_t now_ns)
{
    if (!e->guard.is_stopping)
        return false;
    bool is_waiting = now_ns - e->guard.stop_ns < e->config.timing.stop_wait_ns;
    bool has_orders = false;
    FOR_EACH_LIVE(e, o)
    has_orders |= !(o->r.flags & ORDER_FOREIGN);
    bool is_disarmed =
        !e->config.has_dead_man || e->config.is_dry_run || e->guard.dead_man_until_ns == 0;
    return !is_waiting || ((!e->config.cancels_on_stop || !has_orders) && is_disarmed);
}

/* ---- what it says of itself ---- */

wire_engine_state engine_core_state(const struct engine_core *e, int64_t now_ns, wire_reason *why)
{
    const struct guard *g = &e->guard;
    wire_reason risk_why = REASON_NONE;

    *why = REASON_NONE;
    if (g->is_stopping) {
        *why = REASON_SHUTDOWN;
        return ENGINE_STOPPING;
    }
    if (g->is_killed) {
        *why = g->kill_why;
        return ENGINE_KILLED;
    }
    if (!e->reconcile.was_ever_complete) {
        *why = REASON_START;
        return e->reconcile.phase == RECONCILE_IDLE ? ENGINE_STARTING : ENGINE_RECONCILING;
    }
    if (!g->has_risk || now_ns - g->risk_ns > e->config.timing.risk_silent_ns) {
        *why = REASON_RISK_SILENT;
        return ENGINE_HALTED;
    }
    if (guard_verdict(e, 0, 0, &risk_why) != RISK_RUNNING) {
        *why = risk_why ? risk_why : REASON_HALTED;
        return ENGINE_HALTED;
    }
    if (!e->reconcile.is_trusted) {
        *why = g->is_private_stream_up ? REASON_RECONCILIATION : REASON_DISCONNECTED;
        return ENGINE_DEGRADED;
    }
    *why = engine_wide_reason(e);
    return *why ? ENGINE_DEGRADED : ENGINE_READY;
}

void engine_core_status(const struct engine_core *e, int64_t now_ns, struct wire_engine_status *out)
{
    const struct guard *g = &e->guard;
    const struct engine_counters *c = &e->counters;
    wire_reason why;

    WIRE_BEGIN(out, engine_status);
    out->header.account = e->config.account;
    out->header.flags = (uint8_t)(WIRE_SNAPSHOT | (e->config.is_dry_run ? WIRE_SIMULATED : 0));
    out->last_trade_number = e->last_trade_number;
    out->applied_trade_number = e->applied_trade_number;
    out->intents = c->intents;
    out->refused = c->refused;
    out->orders_sent = c->orders_sent;
    out->fills = c->fills;
    out->unknown_total = c->unknown_total;
    out->journal_bytes = e->gauges.journal_bytes;
    out->clock_offset_ns = g->clock_offset_ns;
    out->rtt_ns = g->rtt_ns;
    out->dead_man_until_ns = g->dead_man_until_ns;
    out->live_orders = e->live_count;
    out->unknown_orders = e->unknown_orders;
    out->state = engine_core_state(e, now_ns, &why);
    out->why = why;
    out->is_dry_run = e->config.is_dry_run;
    out->is_rest_up = e->gauges.is_rest_up;
    out->is_order_channel_up = g->is_order_channel_up;
    out->is_private_stream_up = g->is_private_stream_up;
}

unsigned engine_core_republish(struct engine_core *e, int64_t now_ns)
{
    struct wire_engine_status status;
    unsigned count = 1;

    enter(e, now_ns);
    e->status_ns = e->now_ns;
    engine_core_status(e, e->now_ns, &status);
    core_publish(e, &status.header, 0, e->now_ns, 0);
    FOR_EACH_LIVE(e, o)
    {
        order_publish_status(e, o, false);
        count++;
    }
    return count;
}

void engine_core_gauges(struct engine_core *e, const struct engine_gauges *gauges)
{
    e->gauges = *gauges;
}

const struct engine_counters *engine_core_counters(const struct engine_core *e)
{
    return &e->counters;
}

const struct order_record *engine_core_order(const struct engine_core *e, uint64_t order_id)
{
    const struct order *o = order_by_id(e, order_id);
    return o ? &o->r : NULL;
}

uint64_t engine_core_last_trade_number(const struct engine_core *e)
{
    return e->last_trade_number;
}
