/* probe: a strategy without sense. Every so often it has an idea: a new order of some kind near the
 * top of some book, a cancel or a change of one that works. It finds what sensible strategies never
 * try. */
#include "common/pure/market.h"
#include "strategy_runner/runner_core.h"
#include "tests/simulation/world.h"

enum { KEPT = 12 };

struct probe {
    const struct probe_config *config;
    struct sim dice; /* Its own, so that an idea does not depend on the faults. */
    uint16_t strategy;
    uint64_t orders[KEPT];
    int64_t next_ns;
};
static_assert(sizeof(struct probe) <= STRATEGY_STATE_MAX, "probe: state");

static void probe_init(void *state, const void *config, struct runner_core *core, uint16_t strategy)
{
    struct probe *probe = state;

    (void)core;
    probe->config = config;
    probe->strategy = strategy;
    probe->dice.random = probe->config->seed;
}

static void probe_market(void *state, struct runner_core *core, const struct market_book *book,
                         int64_t now_ns)
{
    (void)state;
    (void)core;
    (void)book;
    (void)now_ns;
}

static const struct market_book *some_book(struct probe *probe, const struct runner_core *core)
{
    const struct market *market = core->market;

    return market->count ? &market->books[sim_below(&probe->dice, market->count)] : NULL;
}

static int64_t some_price(struct probe *probe, const struct market_book *book, wire_side side)
{
    int64_t mid = market_mid(book);
    /* From well inside the own side to through the other. */
    int64_t off = mid / 1000000 * sim_between(&probe->dice, -400, 150);

    return runner_round_price(book, side, side == SIDE_BUY ? mid + off : mid - off, false);
}

static void place(struct probe *probe, struct runner_core *core, size_t at, int64_t now_ns)
{
    struct sim *dice = &probe->dice;
    const struct market_book *book = some_book(probe, core);
    struct runner_intent intent = { 0 };

    if (!book || !book->has_quote)
        return;
    int64_t notional = sim_between(dice, 10, 4000); /* In quote. */
    intent.instrument = book->definition.header.instrument;
    intent.side = sim_below(dice, 2) ? SIDE_BUY : SIDE_SELL;
    intent.type = sim_below(dice, 12) == 0 ? ORDER_MARKET : ORDER_LIMIT;
    intent.time_in_force =
        intent.type == ORDER_MARKET ? TIF_IOC : (wire_time_in_force)(TIF_GTC + sim_below(dice, 3));
    intent.is_post_only = intent.time_in_force == TIF_GTC && sim_below(dice, 3) == 0;
    intent.price = intent.type == ORDER_MARKET ? 0 : some_price(probe, book, intent.side);
    intent.qty = runner_round_qty(
        book, (int64_t)((i128)notional * EXCHANGE_ONE * EXCHANGE_ONE / MAX(market_mid(book), 1)));
    intent.is_reduce_only =
        book->definition.kind == INSTRUMENT_PERPETUAL && sim_below(dice, 3) == 0;
    /* Now and then one that somebody has to refuse. */
    if (sim_below(dice, 40) == 0)
        intent.qty = 1;
    if (sim_below(dice, 40) == 0)
        intent.price += 1;
    intent.deadline_ns = now_ns + sim_between(dice, 50, 3000) * NS_PER_MS;
    probe->orders[at] = runner_place(core, probe->strategy, &intent, now_ns);
}

static void change(struct probe *probe, struct runner_core *core, const struct runner_order *order,
                   int64_t now_ns)
{
    const struct market_book *book = market_find(core->market, order->instrument);
    int64_t qty = order->filled_qty +
                  runner_round_qty(book, order->qty * sim_between(&probe->dice, 50, 150) / 100);

    (void)runner_replace(core, order->order_id, some_price(probe, book, order->side), qty, now_ns);
}

static void probe_timer(void *state, struct runner_core *core, int64_t now_ns)
{
    struct probe *probe = state;
    size_t at = (size_t)sim_below(&probe->dice, KEPT);
    const struct runner_order *order = runner_order_find(core, probe->orders[at]);
    bool works = order && order->is_used && !runner_order_is_final(order);

    if (now_ns < probe->next_ns)
        return;
    probe->next_ns = now_ns + sim_below(&probe->dice, 2 * probe->config->pause_ns);
    if (!works)
        place(probe, core, at, now_ns);
    else if (sim_below(&probe->dice, 3) == 0)
        (void)runner_cancel(core, order->order_id, REASON_REQUESTED, now_ns);
    else
        change(probe, core, order, now_ns);
}

const struct strategy_ops strategy_probe = {
    .kind = "probe",
    .config_size = sizeof(struct probe_config),
    .state_size = sizeof(struct probe),
    .init = probe_init,
    .market = probe_market,
    .timer = probe_timer,
};
