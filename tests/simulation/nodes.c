/* All processes of a run: who there is, who reads whom; and the operator. */
#include "tests/simulation/nodes.h"

#include <stdio.h>
#include <stdlib.h>

void node_note(struct node *node, const char *event, const char *text)
{
    sim_trace(node->sim, "%s notes %s %s", node->name, event, text);
}

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

void node_begin(struct world *world, struct node *node, enum role role, uint16_t instance,
                const char *name, const struct node_ops *ops, void *state)
{
    *node = (struct node){
        .sim = &world->sim, .role = role, .instance = instance, .ops = ops, .state = state
    };
    snprintf(node->name, sizeof(node->name), "%s", name);
    world->nodes[world->node_count++] = node;
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
    node_begin(world, &world->risk.node, ROLE_RISK_MONITOR, 0, "risk_monitor", &risk_ops,
               &world->risk);
    node_begin(world, &world->positions.node, ROLE_POSITION_SERVER, 0, "position_server",
               &position_ops, &world->positions);
    for (unsigned v = 0; v < WORLD_VENUES; v++) {
        world->gateways[v].venue = &world->venues[v];
        node_begin(world, &world->gateways[v].node, ROLE_MARKET_GATEWAY, (uint16_t)(v + 1),
                   v ? "gateway_kraken" : "gateway_binance", &gateway_ops, &world->gateways[v]);
        bus_offer(&world->gateways[v].node, STREAM_MARKET_DATA);
        node_engine_init(world, v);
    }
    node_begin(world, &world->signal.node, ROLE_SIGNAL_ENGINE, 0, "signal_engine", &signal_ops,
               &world->signal);
    node_begin(world, &world->runner.node, ROLE_STRATEGY_RUNNER, 0, "strategy_runner", &runner_ops,
               &world->runner);
    node_begin(world, &world->operators.node, ROLE_OPERATOR, 0, "operator", &operator_ops,
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
