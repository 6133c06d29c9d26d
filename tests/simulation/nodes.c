/* The roles' shells: what each main.c does between bus, timers, files and its core, and no more. */
#include "common/leaf/err.h"
#include "tests/simulation/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BOOK_LEVELS = 512, COMMIT_MS = 10, JOURNAL_SYNC_MS = 20 };

#define WHOLE(n) ((int64_t)(n)*EXCHANGE_ONE)

/* ---- logs ---- */

static void log_append(struct log *log, uint16_t type, const void *record, size_t size)
{
    uint16_t head[2] = { type, (uint16_t)size };

    if (log->size + sizeof(head) + size > log->room) {
        log->room = log->room ? log->room * 2 : 1 << 16;
        log->bytes = realloc(log->bytes, log->room);
        if (!log->bytes)
            abort();
    }
    memcpy(log->bytes + log->size, head, sizeof(head));
    memcpy(log->bytes + log->size + sizeof(head), record, size);
    log->size += sizeof(head) + size;
}

/* Calls take for each record of the first bytes; a torn one at the end is left out. */
static void log_each(const struct log *log, size_t bytes, void *ctx,
                     void (*take)(void *ctx, uint16_t type, const void *record, size_t size))
{
    union {
        uint64_t align;
        unsigned char bytes[4096];
    } record;
    uint16_t head[2];

    for (size_t at = 0; at + sizeof(head) <= bytes;) {
        memcpy(head, log->bytes + at, sizeof(head));
        if (at + sizeof(head) + head[1] > bytes)
            return;
        memcpy(record.bytes, log->bytes + at + sizeof(head), head[1]);
        take(ctx, head[0], record.bytes, head[1]);
        at += sizeof(head) + head[1];
    }
}

void log_trim(struct log *log)
{
    uint16_t head[2];
    size_t at = 0;

    while (at + sizeof(head) <= log->size) {
        memcpy(head, log->bytes + at, sizeof(head));
        if (at + sizeof(head) + head[1] > log->size)
            break;
        at += sizeof(head) + head[1];
    }
    log->size = at;
}

static void note(struct node *node, const char *event, const char *text)
{
    sim_trace(node->sim, "%s notes %s %s", node->name, event, text);
}

/* ---- trading_engine ---- */

static void engine_publish(void *ctx, struct wire_header *event)
{
    struct engine_node *e = ctx;

    if (!node_output(&e->node))
        return;
    if (event->type == WIRE_trade_event)
        judge_trade(&e->world->judge, e->venue, (const void *)event);
    bus_send(&e->node, (unsigned)wire_port(event->type), event);
}

static int engine_command(void *ctx, const struct venue_command *command, int64_t cause_ns)
{
    struct engine_node *e = ctx;

    (void)cause_ns;
    if (!node_output(&e->node))
        return 0;
    judge_command(&e->world->judge, e->venue, command);
    return venue_command(e->venue, command);
}

static int engine_append(void *ctx, uint16_t type, const void *record, size_t size)
{
    struct engine_node *e = ctx;

    if (node_output(&e->node))
        log_append(&e->journal, type, record, size);
    return 0;
}

static void engine_note(void *ctx, enum engine_note_level level, const char *event,
                        const char *text)
{
    struct engine_node *e = ctx;

    (void)level;
    note(&e->node, event, text);
}

static void engine_record(void *ctx, uint16_t type, const void *record, size_t size)
{
    struct engine_node *e = ctx;

    if (engine_core_restore(e->core, type, record, size) != 0)
        sim_fail(e->node.sim, "%s cannot read its own journal: record %u", e->node.name, type);
}

static void engine_boot(struct node *node)
{
    struct engine_node *e = node->state;
    const struct engine_out out = { e, engine_publish, engine_command, engine_append, engine_note };
    const char *missing = NULL;

    e->config.epoch = node->epoch;
    memset(e->memory, 0xa5, e->memory_size);
    if (engine_core_init(e->memory, e->memory_size, &e->config, &out, &e->core, &missing) != 0)
        abort();
    log_each(&e->journal, e->journal.size, e, engine_record);
    (void)engine_core_start(e->core, !e->lost_power, node->sim->now_ns, sim_wall(node->sim));
    e->lost_power = false;
    venue_connect(e->venue);
}

static void engine_ask_snapshot(struct engine_node *e)
{
    bus_ask(&e->node, STREAM_MARKET_DATA, REQUEST_SNAPSHOT, 0);
}

static void engine_event(struct node *node, unsigned port, const struct wire_header *event)
{
    struct engine_node *e = node->state;

    (void)port;
    if (event->type == WIRE_risk_state)
        node->risk_version = ((const struct wire_risk_state *)(const void *)event)->risk_version;
    engine_core_event(e->core, event, node->sim->now_ns);
}

static void engine_gap(struct node *node, unsigned port, uint16_t publisher, uint16_t type)
{
    struct engine_node *e = node->state;

    (void)publisher;
    if (port == STREAM_MARKET_DATA && engine_core_gap(e->core, type))
        engine_ask_snapshot(e);
}

static void engine_epoch(struct node *node, unsigned port, uint16_t publisher)
{
    struct engine_node *e = node->state;

    (void)publisher;
    if (port != STREAM_MARKET_DATA)
        return;
    (void)engine_core_gap(e->core, WIRE_book_snapshot);
    engine_ask_snapshot(e);
}

static void engine_heartbeat(struct node *node, unsigned port, const struct wire_heartbeat *beat)
{
    struct engine_node *e = node->state;

    (void)port;
    engine_core_event(e->core, &beat->header, node->sim->now_ns);
}

static void engine_request(struct node *node, unsigned port,
                           const struct wire_state_request *request)
{
    struct engine_node *e = node->state;

    (void)request;
    if (port != STREAM_TRADE_EVENTS)
        (void)engine_core_republish(e->core, node->sim->now_ns);
}

struct rotation {
    struct engine_node *engine;
    struct log next;
};

static int rotation_append(void *ctx, uint16_t type, const void *record, size_t size)
{
    struct rotation *r = ctx;

    log_append(&r->next, type, record, size);
    return 0;
}

static void engine_rotate(struct engine_node *e)
{
    struct rotation r = { .engine = e };

    if (engine_core_checkpoint(e->core, rotation_append, &r) != 0)
        abort();
    sim_trace(e->node.sim, "%s rotates its journal: %zu bytes become %zu", e->node.name,
              e->journal.size, r.next.size);
    free(e->journal.bytes);
    e->journal = r.next;
    e->journal.safe = e->journal.size; /* The shell syncs a new segment before it is used. */
}

static void engine_tick(struct node *node)
{
    struct engine_node *e = node->state;
    const struct engine_gauges gauges = { e->journal.size, true };

    engine_core_gauges(e->core, &gauges);
    engine_core_tick(e->core, node->sim->now_ns, sim_wall(node->sim));
    if (!node_output(node))
        return;
    if (node->sim->now_ns >= e->sync_ns) {
        e->sync_ns = node->sim->now_ns + JOURNAL_SYNC_MS * NS_PER_MS;
        e->journal.safe = e->journal.size;
    }
    if (sim_strikes(node->sim, FAULT_JOURNAL_ROTATED))
        engine_rotate(e);
}

static void engine_ended(struct node *node)
{
    struct engine_node *e = node->state;

    venue_disconnect(e->venue);
}

static const struct node_ops engine_ops = { engine_boot,  engine_event,     engine_gap,
                                            engine_epoch, engine_heartbeat, engine_request,
                                            engine_tick,  engine_ended };

/* ---- position_server ---- */

static void position_publish(void *ctx, unsigned port, struct wire_header *event)
{
    struct position_node *p = ctx;

    bus_send(&p->node, port, event);
}

static int position_store_trade(void *ctx, const struct wire_trade_event *trade)
{
    struct position_node *p = ctx;

    if (!node_output(&p->node))
        return ERR_SYS;
    judge_stored(&p->world->judge, trade);
    log_append(&p->ledger, WIRE_trade_event, trade, sizeof(*trade));
    return 0;
}

static int position_store_account(void *ctx, const struct wire_account_event *event)
{
    struct position_node *p = ctx;

    if (!node_output(&p->node))
        return ERR_SYS;
    log_append(&p->ledger, WIRE_account_event, event, sizeof(*event));
    return 0;
}

static void position_store_definition(void *ctx, const struct wire_instrument *definition)
{
    struct position_node *p = ctx;

    if (node_output(&p->node))
        log_append(&p->ledger, WIRE_instrument, definition, sizeof(*definition));
}

static void position_need_snapshot(void *ctx, uint64_t instrument)
{
    struct position_node *p = ctx;

    bus_ask(&p->node, STREAM_MARKET_DATA, REQUEST_SNAPSHOT, instrument);
}

static void position_note(void *ctx, const char *event, const char *text)
{
    struct position_node *p = ctx;

    note(&p->node, event, text);
}

static void position_record(void *ctx, uint16_t type, const void *record, size_t size)
{
    struct position_node *p = ctx;

    (void)type;
    (void)size;
    position_core_load(&p->core, record);
}

static void position_boot(struct node *node)
{
    struct position_node *p = node->state;
    const struct position_config config = { .reporting = "USDT",
                                            .mark_max_age_ns = 5 * NS_PER_S,
                                            .settle_ns = 2 * NS_PER_S,
                                            .replay_every_ns = 200 * NS_PER_MS };
    const struct position_out out = { p,
                                      position_publish,
                                      position_store_trade,
                                      position_store_account,
                                      position_store_definition,
                                      position_need_snapshot,
                                      position_note,
                                      NULL };

    market_fini(&p->market);
    if (market_init(&p->market, 8, BOOK_LEVELS) != 0)
        abort();
    position_core_init(&p->core, &config, &p->market, &out);
    log_each(&p->ledger, p->ledger.size, p, position_record);
    position_core_loaded(&p->core, node->sim->now_ns);
    for (unsigned v = 1; v <= WORLD_VENUES; v++)
        for (uint32_t i = 0; i < p->core.account_count; i++)
            if (p->core.accounts[i].id == v)
                judge_store_lost(&p->world->judge, (uint16_t)v,
                                 p->core.accounts[i].applied_trade_number);
}

static void position_commit(struct position_node *p)
{
    bool has_news = p->ledger.safe != p->ledger.size;

    if (!node_output(&p->node))
        return;
    p->ledger.safe = p->ledger.size;
    if (!has_news)
        return;
    position_core_durable(&p->core);
    if (p->node.sim->now_ns - p->published_ns >= 100 * NS_PER_MS) {
        p->published_ns = p->node.sim->now_ns;
        position_core_publish(&p->core, p->node.sim->now_ns);
    }
}

static void position_event(struct node *node, unsigned port, const struct wire_header *event)
{
    struct position_node *p = node->state;

    (void)port;
    position_core_event(&p->core, event, node->sim->now_ns);
}

static void position_gap(struct node *node, unsigned port, uint16_t publisher, uint16_t type)
{
    struct position_node *p = node->state;

    position_core_gap(&p->core, port, publisher, type);
}

static void position_epoch(struct node *node, unsigned port, uint16_t publisher)
{
    struct position_node *p = node->state;

    position_core_restarted(&p->core, port, publisher, node->sim->now_ns);
}

static void position_request(struct node *node, unsigned port,
                             const struct wire_state_request *request)
{
    struct position_node *p = node->state;

    (void)request;
    if (port == STREAM_POSITIONS)
        position_core_publish(&p->core, node->sim->now_ns);
}

static void position_tick(struct node *node)
{
    struct position_node *p = node->state;

    if (node->sim->now_ns >= p->commit_ns) {
        p->commit_ns = node->sim->now_ns + COMMIT_MS * NS_PER_MS;
        position_commit(p);
    }
    if (node->sim->now_ns / NS_PER_MS % 100 == 0)
        position_core_tick(&p->core, node->sim->now_ns, sim_wall(node->sim));
}

/* What was not committed is gone; the next start begins from what was. */
static void position_ended(struct node *node)
{
    struct position_node *p = node->state;

    p->ledger.size = p->ledger.safe;
    for (unsigned v = 1; v <= WORLD_VENUES; v++)
        judge_store_lost(&p->world->judge, (uint16_t)v, 0);
}

static const struct node_ops position_ops = { position_boot,  position_event, position_gap,
                                              position_epoch, NULL,           position_request,
                                              position_tick,  position_ended };

/* ---- strategy_runner ---- */

static void runner_publish(void *ctx, unsigned port, struct wire_header *event)
{
    struct runner_node *r = ctx;

    if (!node_output(&r->node))
        return;
    judge_intent(&r->world->judge, event);
    bus_send(&r->node, port, event);
}

static void runner_need_snapshot(void *ctx, uint64_t instrument)
{
    struct runner_node *r = ctx;

    bus_ask(&r->node, STREAM_MARKET_DATA, REQUEST_SNAPSHOT, instrument);
}

static void runner_need_state(void *ctx, unsigned port)
{
    struct runner_node *r = ctx;

    bus_ask(&r->node, port, REQUEST_STATE, 0);
}

/* Each strategy is the shipped one; what it is told of executions is counted on the way. */
static struct runner_node *told_runner;
static struct strategy_ops watched[WORLD_STRATEGIES];
static const struct strategy_ops *inner[WORLD_STRATEGIES];

static void watch(unsigned at, void *state, struct runner_core *core,
                  const struct runner_order *order, int64_t fill_qty, int64_t fill_price,
                  int64_t now_ns)
{
    if (fill_qty > 0 && node_output(&told_runner->node))
        judge_told(&told_runner->world->judge, order->order_id, fill_qty);
    if (inner[at]->order)
        inner[at]->order(state, core, order, fill_qty, fill_price, now_ns);
}

#define WATCH(n)                                                                               \
    static void watch_##n(void *state, struct runner_core *core, const struct runner_order *o, \
                          int64_t qty, int64_t price, int64_t now_ns)                          \
    {                                                                                          \
        watch(n, state, core, o, qty, price, now_ns);                                          \
    }
WATCH(0)
WATCH(1)
WATCH(2)
WATCH(3)

static void add(struct runner_node *r, unsigned at, const struct strategy_ops *ops,
                const char *name, const void *config)
{
    static void (*const watches[WORLD_STRATEGIES])(
        void *, struct runner_core *, const struct runner_order *, int64_t, int64_t,
        int64_t) = { watch_0, watch_1, watch_2, watch_3 };

    inner[at] = ops;
    watched[at] = *ops;
    watched[at].order = watches[at];
    if (runner_core_add(&r->core, &watched[at], name, (uint16_t)(at + 1), WHOLE(200000), config) !=
        0)
        abort();
}

static void add_strategies(struct runner_node *r)
{
    const struct arb_config arb = { .min_net = EXCHANGE_ONE / 100,
                                    .min_edge_ppm = 20,
                                    .max_notional = WHOLE(3000),
                                    .max_position = WHOLE(5),
                                    .slippage_ppm = 100,
                                    .hedge_slippage_ppm = 2000,
                                    .hedge_tries = 20,
                                    .hedge_wait_ns = 100 * NS_PER_MS,
                                    .cooldown_ns = 250 * NS_PER_MS,
                                    .leg_deadline_ns = 2 * NS_PER_S };
    struct maker_config maker = { .instrument = "BTC-USDT",
                                  .account = 1,
                                  .quote_qty = EXCHANGE_ONE / 20,
                                  .half_spread_ppm = 60,
                                  .skew_ppm = 100,
                                  .max_position = WHOLE(2),
                                  .requote_ppm = 40,
                                  .min_quote_ns = 300 * NS_PER_MS };
    const struct probe_config probe = { r->world->sim.seed * 1000 + r->session, 150 * NS_PER_MS };

    told_runner = r;
    add(r, 0, &strategy_cross_exchange_arb, "arb", &arb);
    add(r, 1, &strategy_market_maker, "maker_binance", &maker);
    maker.account = 2;
    add(r, 2, &strategy_market_maker, "maker_kraken", &maker);
    add(r, 3, &strategy_probe, "probe", &probe);
}

static void runner_boot(struct node *node)
{
    struct runner_node *r = node->state;
    const struct runner_config config = { .session = ++r->session,
                                          .resend_ns = 250 * NS_PER_MS,
                                          .ask_ns = 500 * NS_PER_MS,
                                          .deadline_ns = 2 * NS_PER_S,
                                          .engine_silence_ns = NS_PER_S,
                                          .risk_silence_ns = NS_PER_S,
                                          .positions_silence_ns = 5 * NS_PER_S,
                                          .book_max_age_ns = NS_PER_S };
    const struct runner_out out = { r, runner_publish, runner_need_snapshot, runner_need_state };

    market_fini(&r->market);
    if (market_init(&r->market, 8, BOOK_LEVELS) != 0)
        abort();
    runner_core_init(&r->core, &config, &r->market, &out, node->sim->now_ns);
    add_strategies(r);
}

/* A runner gone wrong hears neither halts nor kills: what an engine refuses must not depend on it.
 */
static union wire_event runner_copy;

static void runner_event(struct node *node, unsigned port, const struct wire_header *event)
{
    struct runner_node *r = node->state;

    union wire_event *copy = &runner_copy;

    (void)port;
    if (event->type == WIRE_risk_state) {
        node->risk_version = ((const struct wire_risk_state *)(const void *)event)->risk_version;
        memcpy(copy, event, event->size);
        bool is_held = copy->risk_state.state != RISK_RUNNING || copy->risk_state.scope_count > 0;
        if (is_held && sim_strikes(node->sim, FAULT_DEAF_RUNNER)) {
            copy->risk_state.state = RISK_RUNNING;
            copy->risk_state.scope_count = 0;
            event = &copy->header;
        }
    } else if (event->type == WIRE_engine_status) {
        memcpy(copy, event, event->size);
        bool is_held = copy->engine_status.state == ENGINE_HALTED ||
                       copy->engine_status.state == ENGINE_KILLED;
        if (is_held && sim_strikes(node->sim, FAULT_DEAF_RUNNER)) {
            copy->engine_status.state = ENGINE_READY;
            event = &copy->header;
        }
    }
    runner_core_event(&r->core, event, node->sim->now_ns);
}

static void runner_gap(struct node *node, unsigned port, uint16_t publisher, uint16_t type)
{
    struct runner_node *r = node->state;

    runner_core_gap(&r->core, port, publisher, type, node->sim->now_ns);
}

static void runner_epoch(struct node *node, unsigned port, uint16_t publisher)
{
    struct runner_node *r = node->state;

    runner_core_restarted(&r->core, port, publisher, node->sim->now_ns);
}

static void runner_heartbeat(struct node *node, unsigned port, const struct wire_heartbeat *beat)
{
    struct runner_node *r = node->state;

    runner_core_heard(&r->core, beat->header.publisher, port, node->sim->now_ns);
}

static void runner_request(struct node *node, unsigned port,
                           const struct wire_state_request *request)
{
    struct runner_node *r = node->state;

    (void)request;
    if (port == STREAM_STRATEGY_EVENTS)
        runner_core_publish_state(&r->core, node->sim->now_ns);
}

static void runner_tick(struct node *node)
{
    struct runner_node *r = node->state;

    runner_core_tick(&r->core, node->sim->now_ns);
}

static const struct node_ops runner_ops = { runner_boot,      runner_event,
                                            runner_gap,       runner_epoch,
                                            runner_heartbeat, runner_request,
                                            runner_tick,      NULL };

/* ---- risk_monitor ---- */

static void risk_publish(void *ctx, struct wire_header *event)
{
    struct risk_node *r = ctx;
    struct judge *judge = &r->world->judge;
    wire_risk_state_kind state = ((const struct wire_risk_state *)(const void *)event)->state;

    if (!node_output(&r->node))
        return;
    if (state == RISK_KILLED && judge->killed_ns == 0)
        judge->killed_ns = r->node.sim->now_ns;
    else if (state != RISK_KILLED)
        judge->killed_ns = 0;
    bus_send(&r->node, STREAM_RISK, event);
}

static int risk_save(void *ctx, const struct risk_saved *saved)
{
    struct risk_node *r = ctx;

    if (node_output(&r->node)) {
        r->saved = *saved;
        r->has_saved = true;
    }
    return 0;
}

/* The one-shot outside the engine: over REST, until nothing is open. */
static void risk_cancel_all(void *ctx, uint16_t account)
{
    struct risk_node *r = ctx;
    struct sim_venue *venue = &r->world->venues[account - 1];

    if (!node_output(&r->node))
        return;
    sim_trace(r->node.sim, "one-shot --cancel-all on %s", venue->name);
    (void)exchange_cancel_all(&venue->exchange, venue->main, EXCHANGE_NONE, CAUSE_REQUESTED,
                              sim_wall(venue->sim));
}

static void risk_note(void *ctx, const char *event, const char *text)
{
    struct risk_node *r = ctx;

    note(&r->node, event, text);
}

static void risk_boot(struct node *node)
{
    struct risk_node *r = node->state;
    const struct risk_config config = { .currency = "USDT",
                                        .gross_exposure_max = WHOLE(100000000),
                                        .daily_loss_max = WHOLE(1000000),
                                        .drawdown_max = WHOLE(1000000),
                                        .engine_silence_ns = NS_PER_S,
                                        .engine_dead_ns = 10 * NS_PER_S,
                                        .positions_silence_ns = 5 * NS_PER_S,
                                        .unmarked_ns = 5 * NS_PER_S,
                                        .reconciliation_ns = 10 * NS_PER_S,
                                        .engines = { 1, 2 },
                                        .engine_count = 2 };
    const struct risk_out out = { r, risk_publish, risk_save, risk_cancel_all, risk_note, NULL };

    risk_core_init(&r->core, &config, &out, r->has_saved ? &r->saved : NULL, node->sim->now_ns,
                   sim_wall(node->sim));
}

static void risk_event(struct node *node, unsigned port, const struct wire_header *event)
{
    struct risk_node *r = node->state;

    (void)port;
    risk_core_event(&r->core, event, node->sim->now_ns);
}

static void risk_heartbeat(struct node *node, unsigned port, const struct wire_heartbeat *beat)
{
    struct risk_node *r = node->state;

    (void)port;
    risk_core_heard(&r->core, beat->header.publisher, node->sim->now_ns);
}

static void risk_gap(struct node *node, unsigned port, uint16_t publisher, uint16_t type)
{
    (void)publisher;
    (void)type;
    if (port != STREAM_OPERATOR)
        bus_ask(node, port, REQUEST_STATE, 0);
}

static void risk_epoch(struct node *node, unsigned port, uint16_t publisher)
{
    risk_gap(node, port, publisher, 0);
}

static void risk_request(struct node *node, unsigned port, const struct wire_state_request *request)
{
    struct risk_node *r = node->state;

    (void)port;
    (void)request;
    risk_core_publish(&r->core, node->sim->now_ns);
}

static void risk_tick(struct node *node)
{
    struct risk_node *r = node->state;

    if (node->sim->now_ns / NS_PER_MS % 100 == 0)
        risk_core_tick(&r->core, node->sim->now_ns, sim_wall(node->sim));
}

static const struct node_ops risk_ops = { risk_boot,      risk_event,   risk_gap,  risk_epoch,
                                          risk_heartbeat, risk_request, risk_tick, NULL };

/* ---- signal_engine ---- */

static void signal_publish(void *ctx, struct wire_header *event)
{
    struct signal_node *s = ctx;

    bus_send(&s->node, STREAM_SIGNALS, event);
}

static void signal_need_snapshot(void *ctx, uint64_t instrument)
{
    struct signal_node *s = ctx;

    bus_ask(&s->node, STREAM_MARKET_DATA, REQUEST_SNAPSHOT, instrument);
}

static struct signal_out signal_outputs(struct signal_node *s)
{
    return (struct signal_out){ s, signal_publish, signal_need_snapshot };
}

static void signal_boot(struct node *node)
{
    struct signal_node *s = node->state;
    const struct signal_config config = { .min_edge_ppm = 20,
                                          .min_net = EXCHANGE_ONE / 100,
                                          .max_notional = WHOLE(5000),
                                          .max_age_ns = NS_PER_S,
                                          .valid_ns = 500 * NS_PER_MS,
                                          .epoch = node->epoch };

    market_fini(&s->market);
    if (market_init(&s->market, 8, BOOK_LEVELS) != 0)
        abort();
    signal_core_init(&s->core, &config, &s->market);
}

static void signal_event(struct node *node, unsigned port, const struct wire_header *event)
{
    struct signal_node *s = node->state;
    struct signal_out out = signal_outputs(s);

    if (port == STREAM_MARKET_DATA)
        signal_core_event(&s->core, event, node->sim->now_ns, &out);
}

static void signal_gap(struct node *node, unsigned port, uint16_t publisher, uint16_t type)
{
    struct signal_node *s = node->state;
    struct signal_out out = signal_outputs(s);

    if (port == STREAM_MARKET_DATA)
        signal_core_gap(&s->core, publisher, type, node->sim->now_ns, &out);
}

static void signal_epoch(struct node *node, unsigned port, uint16_t publisher)
{
    struct signal_node *s = node->state;
    struct signal_out out = signal_outputs(s);

    if (port == STREAM_MARKET_DATA)
        signal_core_restarted(&s->core, publisher, node->sim->now_ns, &out);
}

static void signal_request(struct node *node, unsigned port,
                           const struct wire_state_request *request)
{
    struct signal_node *s = node->state;
    struct signal_out out = signal_outputs(s);

    (void)port;
    (void)request;
    (void)signal_core_republish(&s->core, node->sim->now_ns, &out);
}

static void signal_tick(struct node *node)
{
    struct signal_node *s = node->state;
    struct signal_out out = signal_outputs(s);

    signal_core_tick(&s->core, node->sim->now_ns, &out);
}

static const struct node_ops signal_ops = { signal_boot, signal_event,   signal_gap,  signal_epoch,
                                            NULL,        signal_request, signal_tick, NULL };

/* ---- market_gateway: the feed codec is not part of this; its stream is made from the book ---- */

static void gateway_boot(struct node *node)
{
    struct gateway_node *g = node->state;

    venue_publish_all(g->venue);
}

static void gateway_event(struct node *node, unsigned port, const struct wire_header *event)
{
    (void)node;
    (void)port;
    (void)event;
}

static void gateway_request(struct node *node, unsigned port,
                            const struct wire_state_request *request)
{
    struct gateway_node *g = node->state;

    (void)port;
    (void)request;
    venue_publish_all(g->venue);
}

static void gateway_tick(struct node *node)
{
    struct gateway_node *g = node->state;
    struct wire_feed_status status;

    venue_publish_changes(g->venue);
    if (node->sim->now_ns < g->status_ns)
        return;
    g->status_ns = node->sim->now_ns + 250 * NS_PER_MS;
    WIRE_BEGIN(&status, feed_status);
    status.header.account = node->instance;
    status.last_message_ns = node->sim->now_ns;
    status.state = FEED_LIVE;
    bus_send(node, STREAM_MARKET_DATA, &status.header);
}

static const struct node_ops gateway_ops = { gateway_boot, gateway_event,   NULL,         NULL,
                                             NULL,         gateway_request, gateway_tick, NULL };

/* ---- the operator ---- */

static void operator_boot(struct node *node)
{
    (void)node;
}

static void operator_event(struct node *node, unsigned port, const struct wire_header *event)
{
    struct operator_node *o = node->state;
    const struct wire_risk_state *risk = (const void *)event;

    (void)port;
    if (event->type == WIRE_risk_state && (risk->last_command_id == o->command.command_id ||
                                           risk->last_refused_id == o->command.command_id))
        o->is_pending = false;
}

static void operator_tick(struct node *node)
{
    struct operator_node *o = node->state;

    if (!o->is_pending || node->sim->now_ns < o->resend_ns)
        return;
    o->resend_ns = node->sim->now_ns + 200 * NS_PER_MS;
    struct wire_operator_command copy = o->command;
    bus_send(node, STREAM_OPERATOR, &copy.header);
}

static const struct node_ops operator_ops = { operator_boot, operator_event, NULL,          NULL,
                                              NULL,          NULL,           operator_tick, NULL };

void nodes_command(struct world *world, wire_command_kind command)
{
    struct operator_node *o = &world->operators;

    WIRE_BEGIN(&o->command, operator_command);
    o->command.command_id = sim_random(&world->sim) | 1;
    o->command.realtime_ns = sim_wall(&world->sim);
    o->command.command = command;
    o->command.scope = SCOPE_ALL;
    snprintf(o->command.operator_name, sizeof(o->command.operator_name), "simulation");
    o->is_pending = true;
    o->resend_ns = 0;
    sim_trace(&world->sim, "OPERATOR %s", wire_command_kind_str(command));
}

/* ---- all of them ---- */

static void begin(struct world *world, struct node *node, enum role role, uint16_t instance,
                  const char *name, const struct node_ops *ops, void *state)
{
    *node = (struct node){
        .sim = &world->sim, .role = role, .instance = instance, .ops = ops, .state = state
    };
    snprintf(node->name, sizeof(node->name), "%s", name);
    world->nodes[world->node_count++] = node;
}

static void engine_init(struct world *world, unsigned v)
{
    static const char *const names[] = { "BTC-USDT", "ETH-USDT" };
    struct engine_node *e = &world->engines[v];
    struct engine_config *c = &e->config;

    e->world = world;
    e->venue = &world->venues[v];
    begin(world, &e->node, ROLE_TRADING_ENGINE, (uint16_t)(v + 1),
          v ? "engine_kraken" : "engine_binance", &engine_ops, e);
    engine_core_defaults(c);
    c->venue = e->venue->name;
    c->account = e->venue->account;
    c->environment = 'D';
    c->epoch = 1;
    c->boot_id = 42;
    c->names = names;
    c->name_count = COUNT(names);
    c->orders_max = 4096;
    c->trades_max = 16384;
    c->executions_by_account = true;
    c->replace_keeps_id = e->venue->is_kraken;
    c->has_dead_man = e->venue->is_kraken;
    c->timing.order_timeout_ns = 2 * NS_PER_S;
    c->timing.balance_every_ns = 10 * NS_PER_S;
    c->limits = (struct engine_limits){ .order_qty_max = WHOLE(50),
                                        .order_notional_max = WHOLE(100000),
                                        .position_symbol_max = WHOLE(100),
                                        .position_asset_max = WHOLE(100),
                                        .daily_loss_max = WHOLE(1000000),
                                        .collar_ppm = 50000,
                                        .book_age_max_ns = NS_PER_S,
                                        .open_orders_max = 50,
                                        .orders_per_s = 50,
                                        .messages_per_s = 100,
                                        .messages_burst = 100,
                                        .cancel_reserve = 20,
                                        .messages_per_min = 6000 };
    e->memory_size = (engine_core_size(c) + 63) / 64 * 64;
    e->memory = aligned_alloc(64, e->memory_size);
    if (!e->memory)
        abort();
    bus_offer(&e->node, STREAM_ORDER_EVENTS);
    bus_offer(&e->node, STREAM_TRADE_EVENTS);
    bus_offer(&e->node, STREAM_ORDER_STATUS);
}

/* Who reads what is the topology's word. */
static void join_all(struct world *world)
{
    for (unsigned i = 0; i < world->node_count; i++)
        for (unsigned k = 0; k < world->node_count; k++) {
            struct node *to = world->nodes[i], *from = world->nodes[k];
            bool is_own_venue = to->role != ROLE_TRADING_ENGINE ||
                                from->role != ROLE_MARKET_GATEWAY || to->instance == from->instance;
            for (unsigned p = 0; p < from->pub_count && to != from && is_own_venue; p++) {
                unsigned port = from->pubs[p].port;
                bool reads = role_subscribes(to->role, port) ||
                             (to->role == ROLE_OPERATOR && port == STREAM_RISK);
                if (to->role == ROLE_MARKET_GATEWAY ||
                    (to->role == ROLE_RISK_MONITOR && port == STREAM_MARKET_DATA))
                    continue; /* Only heartbeats would matter there: left out for speed. */
                if (reads)
                    bus_join(to, from, port);
            }
        }
}

void nodes_init(struct world *world)
{
    begin(world, &world->risk.node, ROLE_RISK_MONITOR, 0, "risk_monitor", &risk_ops, &world->risk);
    begin(world, &world->positions.node, ROLE_POSITION_SERVER, 0, "position_server", &position_ops,
          &world->positions);
    for (unsigned v = 0; v < WORLD_VENUES; v++) {
        world->gateways[v].venue = &world->venues[v];
        begin(world, &world->gateways[v].node, ROLE_MARKET_GATEWAY, (uint16_t)(v + 1),
              v ? "gateway_kraken" : "gateway_binance", &gateway_ops, &world->gateways[v]);
        bus_offer(&world->gateways[v].node, STREAM_MARKET_DATA);
        engine_init(world, v);
    }
    begin(world, &world->signal.node, ROLE_SIGNAL_ENGINE, 0, "signal_engine", &signal_ops,
          &world->signal);
    begin(world, &world->runner.node, ROLE_STRATEGY_RUNNER, 0, "strategy_runner", &runner_ops,
          &world->runner);
    begin(world, &world->operators.node, ROLE_OPERATOR, 0, "operator", &operator_ops,
          &world->operators);
    world->risk.world = world->positions.world = world->signal.world = world->runner.world = world;
    bus_offer(&world->risk.node, STREAM_RISK);
    bus_offer(&world->positions.node, STREAM_POSITIONS);
    bus_offer(&world->positions.node, STREAM_POSITION_UPDATES);
    bus_offer(&world->signal.node, STREAM_SIGNALS);
    bus_offer(&world->runner.node, STREAM_ORDERS);
    bus_offer(&world->runner.node, STREAM_STRATEGY_EVENTS);
    bus_offer(&world->operators.node, STREAM_OPERATOR);
    join_all(world);
    for (unsigned i = 0; i < world->node_count; i++)
        node_start(world->nodes[i]);
}

void nodes_fini(struct world *world)
{
    for (unsigned i = 0; i < world->node_count; i++)
        node_fini(world->nodes[i]);
    for (unsigned v = 0; v < WORLD_VENUES; v++) {
        free(world->engines[v].memory);
        free(world->engines[v].journal.bytes);
    }
    free(world->positions.ledger.bytes);
    market_fini(&world->positions.market);
    market_fini(&world->runner.market);
    market_fini(&world->signal.market);
}
