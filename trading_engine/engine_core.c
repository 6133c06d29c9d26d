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
        c->instrument_kind = o->r.instrument_kind;
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
            .mode_every_ns = 10 * NS_PER_S,
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
    /* Orders, executions and the dry run's queue are written before they are read: what is never
     * used need never be there. */
    memset(e, 0, sizeof(*e));
    memset(base + l.requests, 0, REQUESTS_MAX * sizeof(struct request));
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
    for (uint32_t i = 0; i < e->trades_max; i++)
        e->trade_next[i] = SLOT_FREE;
    orders_init(e);
    *core = e;
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
        positions_market(e, event);
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
    positions_tick(e);
    dry_tick(e);
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
    *why = positions_fit(e);
    if (*why && *why != REASON_NOT_READY)
        return ENGINE_DEGRADED;
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
    if (*why)
        return ENGINE_DEGRADED;
    /* The others may be traded on; risk_monitor decides for the venue. */
    if (positions_has_liquidated(e))
        *why = REASON_LIQUIDATION;
    return ENGINE_READY;
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
    if (positions_fit(e) == why)
        text_copy(out->text, sizeof(out->text), e->derivatives.mode.text);
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

void engine_core_republish_positions(struct engine_core *e, int64_t now_ns)
{
    enter(e, now_ns);
    positions_publish(e);
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
