/* strategy_runner's shell, with the shipped strategies and one without sense. */
#include "tests/simulation/nodes.h"

#include <stdlib.h>
#include <string.h>

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

const struct node_ops runner_ops = { runner_boot,      runner_event,   runner_gap,  runner_epoch,
                                     runner_heartbeat, runner_request, runner_tick, NULL };
