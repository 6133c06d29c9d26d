/* trading_engine's shell: what its main.c does between bus, timers, files and its core, and no
 * more. */
#include "tests/simulation/nodes.h"

#include <stdlib.h>
#include <string.h>

enum { JOURNAL_SYNC_MS = 20 };

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
    node_note(&e->node, event, text);
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
    if (port == STREAM_TRADE_EVENTS)
        engine_core_republish_positions(e->core, node->sim->now_ns);
    else
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

void node_engine_init(struct world *world, unsigned v)
{
    static const char *const names[] = { "BTC-USDT", "ETH-USDT", "BTC-USDT-PERP" };
    struct engine_node *e = &world->engines[v];
    struct engine_config *c = &e->config;

    e->world = world;
    e->venue = &world->venues[v];
    node_begin(world, &e->node, ROLE_TRADING_ENGINE, (uint16_t)(v + 1),
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
    c->has_positions = true;
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
