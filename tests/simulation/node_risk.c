/* risk_monitor's shell. */
#include "tests/simulation/nodes.h"

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

    node_note(&r->node, event, text);
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

const struct node_ops risk_ops = { risk_boot,      risk_event,   risk_gap,  risk_epoch,
                                   risk_heartbeat, risk_request, risk_tick, NULL };
