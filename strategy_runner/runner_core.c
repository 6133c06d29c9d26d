#include "strategy_runner/runner_parts.h"

#include "common/leaf/err.h"
#include "common/leaf/fixed.h"
#include "common/pure/client_id.h"
#include "common/pure/topology.h"

#include <string.h>

/* Orders of an earlier session are swept until none has been seen for so long. */
static const int64_t SWEEP_QUIET_NS = 1500 * NS_PER_MS;
static const int64_t SWEEP_EVERY_NS = 500 * NS_PER_MS;
static const int64_t STATUS_EVERY_NS = NS_PER_S;

void runner_core_init(struct runner_core *core, const struct runner_config *config,
                      struct market *market, const struct runner_out *out, int64_t now_ns)
{
    memset(core, 0, sizeof *core);
    core->config = *config;
    core->market = market;
    core->out = *out;
    core->sweep_seen_ns = now_ns;
    core->sweep_due_ns = now_ns;
}

int runner_core_add(struct runner_core *core, const struct strategy_ops *ops, const char *name,
                    uint16_t id, int64_t capital, const void *config)
{
    if (id == 0 || id > 4095 || capital <= 0 || ops->config_size > STRATEGY_CONFIG_MAX ||
        ops->state_size > STRATEGY_STATE_MAX)
        return ERR_RANGE;
    if (runner_strategy_find(core, id))
        return ERR_EXISTS;
    if (core->strategy_count == RUNNER_STRATEGIES_MAX)
        return ERR_FULL;

    struct runner_strategy *strategy = &core->strategies[core->strategy_count++];

    strategy->ops = ops;
    strategy->id = id;
    strategy->is_used = true;
    strategy->capital = capital;
    strategy->state = STRATEGY_WAITING;
    strategy->why = REASON_START;
    strncpy(strategy->name, name, sizeof strategy->name - 1);
    if (ops->config_size) /* Without settings config may be NULL. */
        memcpy(strategy->config, config, ops->config_size);
    ops->init(strategy->memory, strategy->config, core, id);
    return 0;
}

struct runner_strategy *runner_strategy_find(struct runner_core *core, uint16_t id)
{
    for (uint32_t i = 0; i < core->strategy_count; i++)
        if (core->strategies[i].id == id)
            return &core->strategies[i];
    return NULL;
}

uint64_t runner_new_group(struct runner_core *core, uint16_t strategy)
{
    struct runner_strategy *owner = runner_strategy_find(core, strategy);

    if (owner)
        owner->groups++;
    return ORDER_ID(strategy, core->config.session, ++core->group_counter);
}

uint32_t runner_core_live(const struct runner_core *core)
{
    return core->live_count;
}

static void on_market(struct runner_core *core, const struct wire_header *event, int64_t now_ns)
{
    struct market_book *book = NULL;
    enum market_change change = market_event(core->market, event, now_ns, &book);

    if (change == MARKET_NEEDS_SNAPSHOT)
        core->out.need_snapshot(core->out.ctx, event->instrument);
    /* Marks, funding and liquidations are there to be looked at; they move no book. */
    if (change == MARKET_NOTHING || change == MARKET_TRADE || change == MARKET_MARK ||
        change == MARKET_FUNDING || change == MARKET_LIQUIDATION || !book)
        return;
    for (uint32_t i = 0; i < core->strategy_count; i++)
        if (core->strategies[i].ops->market)
            core->strategies[i].ops->market(core->strategies[i].memory, core, book, now_ns);
}

static void on_opportunity(struct runner_core *core, const struct wire_opportunity *event,
                           int64_t now_ns)
{
    for (uint32_t i = 0; i < core->strategy_count; i++)
        if (core->strategies[i].ops->opportunity)
            core->strategies[i].ops->opportunity(core->strategies[i].memory, core, event, now_ns);
}

static void on_engine_status(struct runner_core *core, const struct wire_engine_status *event,
                             int64_t now_ns)
{
    if (!runner_gate_engine(core, event, now_ns))
        return;
    runner_orders_ask_all(core, event->header.account, now_ns);
    core->sweep_seen_ns = now_ns; /* A new engine may hold orders of an earlier session. */
    core->sweep_due_ns = now_ns;
}

/* An order of ours that this session did not write and that still works: an earlier session's. */
static void on_order_status(struct runner_core *core, const struct wire_order_status *event,
                            int64_t now_ns)
{
    bool is_earlier = event->order_id != 0 &&
                      ORDER_ID_SESSION(event->order_id) != core->config.session &&
                      runner_strategy_find(core, event->strategy) != NULL;

    runner_gate_engine_heard(core, event->header.account, now_ns);
    if (is_earlier && event->state != ORDER_NONE && event->state < ORDER_FILLED) {
        core->sweep_seen_ns = now_ns;
        return;
    }
    runner_orders_status(core, event, now_ns);
}

static void on_position(struct runner_core *core, const struct wire_position *event, int64_t now_ns)
{
    core->positions_heard_ns = now_ns;
    if (event->strategy != 0)
        runner_gate_position(core, event,
                             !runner_orders_working(core, event->header.account, event->strategy,
                                                    event->header.instrument));
}

void runner_core_event(struct runner_core *core, const struct wire_header *event, int64_t now_ns)
{
    switch (event->type) {
    case WIRE_order_event:
        runner_orders_event(core, (const struct wire_order_event *)event, now_ns);
        break;
    case WIRE_order_status:
        on_order_status(core, (const struct wire_order_status *)event, now_ns);
        break;
    case WIRE_engine_status:
        on_engine_status(core, (const struct wire_engine_status *)event, now_ns);
        break;
    case WIRE_position:
        on_position(core, (const struct wire_position *)event, now_ns);
        break;
    case WIRE_balance:
        core->positions_heard_ns = now_ns;
        runner_gate_balance(core, (const struct wire_balance *)event);
        break;
    case WIRE_pnl:
        core->positions_heard_ns = now_ns;
        break;
    case WIRE_opportunity:
        on_opportunity(core, (const struct wire_opportunity *)event, now_ns);
        break;
    case WIRE_risk_state:
        core->risk = *(const struct wire_risk_state *)event;
        core->risk_heard_ns = now_ns;
        break;
    default:
        on_market(core, event, now_ns);
        break;
    }
}

void runner_core_heard(struct runner_core *core, uint16_t publisher, unsigned port, int64_t now_ns)
{
    if (port == STREAM_ORDER_STATUS)
        runner_gate_engine_heard(core, (uint16_t)PUBLISHER_INSTANCE(publisher), now_ns);
    else if (port == STREAM_POSITIONS && core->positions_heard_ns != 0)
        core->positions_heard_ns = now_ns;
}

void runner_core_gap(struct runner_core *core, unsigned port, uint16_t publisher, uint16_t type,
                     int64_t now_ns)
{
    if (port == STREAM_MARKET_DATA) {
        if (market_gap(core->market, publisher, type))
            core->out.need_snapshot(core->out.ctx, 0);
        return;
    }
    if (port == STREAM_ORDER_EVENTS || port == STREAM_ORDER_STATUS)
        runner_orders_ask_all(core, (uint16_t)PUBLISHER_INSTANCE(publisher), now_ns);
    core->out.need_state(core->out.ctx, port);
}

void runner_core_restarted(struct runner_core *core, unsigned port, uint16_t publisher,
                           int64_t now_ns)
{
    if (port == STREAM_MARKET_DATA) {
        market_restarted(core->market, publisher);
        core->out.need_snapshot(core->out.ctx, 0);
    } else if (port == STREAM_ORDER_EVENTS) {
        runner_orders_ask_all(core, (uint16_t)PUBLISHER_INSTANCE(publisher), now_ns);
    } else {
        core->out.need_state(core->out.ctx, port);
    }
}

static void sweep(struct runner_core *core, int64_t now_ns)
{
    bool is_settled = core->engine_count > 0 && now_ns - core->sweep_seen_ns > SWEEP_QUIET_NS;

    for (uint32_t i = 0; i < core->engine_count && is_settled; i++)
        is_settled = core->engines[i].state != ENGINE_STARTING &&
                     core->engines[i].state != ENGINE_RECONCILING;
    for (uint32_t i = 0; i < core->strategy_count; i++) {
        struct runner_strategy *strategy = &core->strategies[i];

        if (strategy->is_adopted)
            continue;
        if (is_settled) {
            strategy->is_adopted = true;
            strategy->state = STRATEGY_RUNNING;
            strategy->why = REASON_NONE;
            continue;
        }
        if (now_ns >= core->sweep_due_ns)
            for (uint32_t k = 0; k < core->engine_count; k++)
                runner_orders_sweep(core, core->engines[k].account, strategy->id, now_ns);
    }
    if (now_ns >= core->sweep_due_ns)
        core->sweep_due_ns = now_ns + SWEEP_EVERY_NS;
}

/* What everybody sees of a strategy: halted while risk holds it, running otherwise. */
static void follow_risk(struct runner_core *core, int64_t now_ns)
{
    for (uint32_t i = 0; i < core->strategy_count; i++) {
        struct runner_strategy *strategy = &core->strategies[i];
        bool is_silent = core->risk.header.type == 0 ||
                         now_ns - core->risk_heard_ns > core->config.risk_silence_ns;
        bool is_held = is_silent || core->risk.state != RISK_RUNNING;

        for (unsigned k = 0; k < core->risk.scope_count && k < WIRE_SCOPES_MAX; k++)
            is_held |= core->risk.scopes[k].kind == SCOPE_STRATEGY &&
                       core->risk.scopes[k].strategy == strategy->id;
        if (is_held && strategy->state == STRATEGY_RUNNING) {
            strategy->state = STRATEGY_HALTED;
            strategy->why = is_silent
                                ? REASON_RISK_SILENT
                                : (core->risk.state == RISK_KILLED ? REASON_KILLED : REASON_HALTED);
        } else if (!is_held && strategy->state == STRATEGY_HALTED &&
                   (strategy->why == REASON_RISK_SILENT || strategy->why == REASON_HALTED ||
                    strategy->why == REASON_KILLED)) {
            strategy->state = STRATEGY_RUNNING;
            strategy->why = REASON_NONE;
        }
    }
}

void runner_core_tick(struct runner_core *core, int64_t now_ns)
{
    if (market_is_lacking(core->market, now_ns))
        core->out.need_snapshot(core->out.ctx, 0);
    if (!core->is_stopping)
        sweep(core, now_ns);
    follow_risk(core, now_ns);
    runner_orders_tick(core, now_ns);
    for (uint32_t i = 0; i < core->strategy_count; i++)
        if (core->strategies[i].ops->timer && core->strategies[i].is_adopted)
            core->strategies[i].ops->timer(core->strategies[i].memory, core, now_ns);
    if (now_ns >= core->status_due_ns) {
        runner_core_publish_state(core, now_ns);
        core->status_due_ns = now_ns + STATUS_EVERY_NS;
    }
}

void runner_core_stop(struct runner_core *core, int64_t now_ns)
{
    for (uint32_t i = 0; i < core->strategy_count; i++) {
        core->strategies[i].is_adopted = false;
        core->strategies[i].state = STRATEGY_STOPPED;
        core->strategies[i].why = REASON_SHUTDOWN;
    }
    core->is_stopping = true;
    for (uint32_t i = 0; i < RUNNER_ORDERS_MAX; i++)
        if (core->orders[i].is_used)
            (void)runner_cancel(core, core->orders[i].order_id, REASON_SHUTDOWN, now_ns);
}

void runner_core_publish_state(struct runner_core *core, int64_t now_ns)
{
    for (uint32_t i = 0; i < core->strategy_count; i++) {
        const struct runner_strategy *strategy = &core->strategies[i];
        struct wire_strategy_status event;
        uint32_t live = 0;

        for (uint32_t k = 0; k < RUNNER_ORDERS_MAX; k++)
            live += core->orders[k].is_used && core->orders[k].strategy == strategy->id;
        WIRE_BEGIN(&event, strategy_status);
        event.header.flags = WIRE_SNAPSHOT;
        event.header.origin_ns = now_ns;
        memcpy(event.name, strategy->name, sizeof event.name);
        event.capital = strategy->capital;
        event.used = runner_orders_notional(core, strategy->id);
        event.amount_exp = RUNNER_AMOUNT_EXP;
        event.intents = strategy->intents;
        event.refused = strategy->refused;
        event.fills = strategy->fills;
        event.groups = strategy->groups;
        event.legs_unwound = strategy->unwound;
        event.live_orders = live;
        event.strategy = strategy->id;
        event.state = strategy->state;
        event.why = strategy->why;
        core->out.publish(core->out.ctx, STREAM_STRATEGY_EVENTS, &event.header);
    }
}
