/* signal_engine's shell, and a market_gateway without codec: its stream is made from the exchange's
 * book. */
#include "tests/simulation/nodes.h"

#include <stdlib.h>

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

const struct node_ops signal_ops = { signal_boot, signal_event,   signal_gap,  signal_epoch,
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

const struct node_ops gateway_ops = { gateway_boot, gateway_event,   NULL,         NULL,
                                      NULL,         gateway_request, gateway_tick, NULL };
