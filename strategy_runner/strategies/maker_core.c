/* market_maker: one bid and one ask around the middle, leaning against the inventory. */
#include "strategy_runner/strategies/strategies.h"

#include "common/leaf/err.h"
#include "common/leaf/fixed.h"
#include "strategy_runner/runner_core.h"

#include <string.h>

enum { PPM = 1000000, CONFIG_EXP = 8, SIDES = 2 };

struct quote {
    uint64_t order_id;
    int64_t first_ns, placed_ns; /* Placed; placed or last replaced. */
};

struct maker {
    const struct maker_config *config;
    uint16_t strategy;
    uint64_t instrument; /* 0: not yet defined. */
    struct quote quotes[SIDES];
    int64_t retry_ns; /* After a refusal: not at every tick of the market. */
};
static_assert(sizeof(struct maker) <= STRATEGY_STATE_MAX, "maker: state");

static const wire_side side_at[SIDES] = { SIDE_BUY, SIDE_SELL };
static const int64_t RETRY_NS = NS_PER_S;

static void maker_init(void *state, const void *config, struct runner_core *core, uint16_t strategy)
{
    struct maker *maker = state;

    (void)core;
    maker->config = config;
    maker->strategy = strategy;
}

static const struct runner_order *working(const struct runner_core *core, const struct quote *quote)
{
    const struct runner_order *order = runner_order_find(core, quote->order_id);

    return order && order->is_used && !runner_order_is_final(order) ? order : NULL;
}

static void pull(struct maker *maker, struct runner_core *core, wire_reason why, int64_t now_ns)
{
    for (size_t i = 0; i < SIDES; i++)
        if (working(core, &maker->quotes[i]))
            (void)runner_cancel(core, maker->quotes[i].order_id, why, now_ns);
}

static int64_t rescaled(int64_t value, int from, int to)
{
    int64_t result;

    return fixed_rescale(value, from, to, FIXED_DOWN, &result) == 0 ? result : 0;
}

/* Where a quote of that side should be: fair value, half the spread away, shifted against the
 * inventory, and never through the other side of the book. */
static int64_t target_price(const struct maker *maker, const struct runner_core *core,
                            const struct market_book *book, wire_side side)
{
    const struct maker_config *config = maker->config;
    int64_t mid = market_mid(book);
    int64_t limit = MAX(1, rescaled(config->max_position, CONFIG_EXP, book->definition.qty_exp));
    int64_t have = runner_position_of(core, book->account, maker->strategy, maker->instrument);
    int64_t lean_ppm = (int64_t)((i128)config->skew_ppm * MAX(-limit, MIN(have, limit)) / limit);
    int64_t away_ppm = side == SIDE_BUY ? -config->half_spread_ppm : config->half_spread_ppm;
    int64_t price = mid + (int64_t)((i128)mid * (away_ppm - lean_ppm) / PPM);
    int64_t tick = MAX(book->definition.tick_size, 1);

    price =
        side == SIDE_BUY ? MIN(price, book->ask_price - tick) : MAX(price, book->bid_price + tick);
    return runner_round_price(book, side, price, false);
}

static bool may_grow(const struct maker *maker, const struct runner_core *core,
                     const struct market_book *book, wire_side side, int64_t qty)
{
    int64_t limit = rescaled(maker->config->max_position, CONFIG_EXP, book->definition.qty_exp);
    int64_t have = runner_position_of(core, book->account, maker->strategy, maker->instrument);

    return side == SIDE_BUY ? have + qty <= limit : have - qty >= -limit;
}

static void place(struct maker *maker, struct runner_core *core, const struct market_book *book,
                  size_t i, int64_t price, int64_t qty, int64_t now_ns)
{
    struct runner_intent intent = {
        .instrument = maker->instrument,
        .group_id = 0,
        .price = price,
        .qty = qty,
        .origin_ns = book->origin_ns,
        .side = side_at[i],
        .type = ORDER_LIMIT,
        .time_in_force = TIF_GTC,
        .is_post_only = true,
    };

    maker->quotes[i].order_id = runner_place(core, maker->strategy, &intent, now_ns);
    maker->quotes[i].first_ns = maker->quotes[i].placed_ns = now_ns;
    if (maker->quotes[i].order_id == 0)
        maker->retry_ns = now_ns + RETRY_NS;
}

static void quote_side(struct maker *maker, struct runner_core *core,
                       const struct market_book *book, size_t i, int64_t now_ns)
{
    const struct runner_order *order = working(core, &maker->quotes[i]);
    int64_t qty = runner_round_qty(
        book, rescaled(maker->config->quote_qty, CONFIG_EXP, book->definition.qty_exp));
    int64_t price = target_price(maker, core, book, side_at[i]);

    if (price <= 0 || qty <= 0)
        return;
    if (!may_grow(maker, core, book, side_at[i], qty)) {
        if (order)
            (void)runner_cancel(core, order->order_id, REASON_POSITION_LIMIT, now_ns);
        return;
    }
    if (!order) {
        if (now_ns >= maker->retry_ns)
            place(maker, core, book, i, price, qty, now_ns);
        return;
    }

    int64_t off = price > order->price ? price - order->price : order->price - price;

    if (maker->config->max_quote_ns &&
        now_ns - maker->quotes[i].first_ns > maker->config->max_quote_ns) {
        (void)runner_cancel(core, order->order_id, REASON_REQUESTED, now_ns);
        return;
    }
    /* A jump: out of the way first, a new quote at the next look. */
    if (maker->config->pull_ppm && (i128)off * PPM > (i128)order->price * maker->config->pull_ppm) {
        (void)runner_cancel(core, order->order_id, REASON_REQUESTED, now_ns);
        return;
    }
    if ((i128)off * PPM <= (i128)order->price * maker->config->requote_ppm ||
        now_ns - maker->quotes[i].placed_ns < maker->config->min_quote_ns)
        return;
    if (runner_replace(core, order->order_id, price, order->filled_qty + qty, now_ns) == 0)
        maker->quotes[i].placed_ns = now_ns;
}

static void maker_market(void *state, struct runner_core *core, const struct market_book *book,
                         int64_t now_ns)
{
    struct maker *maker = state;
    wire_reason why;

    if (maker->instrument == 0 && book->account == maker->config->account &&
        strcmp(book->definition.name, maker->config->instrument) == 0)
        maker->instrument = book->definition.header.instrument;
    if (book->definition.header.instrument != maker->instrument)
        return;
    if (!book->has_quote || !runner_may_trade(core, maker->strategy, book, now_ns, &why)) {
        pull(maker, core, book->has_quote ? why : REASON_NO_LIQUIDITY, now_ns);
        return;
    }
    for (size_t i = 0; i < SIDES; i++)
        quote_side(maker, core, book, i, now_ns);
}

/* What was refused would be refused again at the next tick of the market. */
static void maker_order(void *state, struct runner_core *core, const struct runner_order *order,
                        int64_t fill_qty, int64_t fill_price, int64_t now_ns)
{
    struct maker *maker = state;

    (void)core;
    (void)fill_qty;
    (void)fill_price;
    if (order->state == ORDER_REJECTED)
        maker->retry_ns = now_ns + RETRY_NS;
}

static void maker_timer(void *state, struct runner_core *core, int64_t now_ns)
{
    struct maker *maker = state;
    const struct market_book *book =
        maker->instrument ? market_find(core->market, maker->instrument) : NULL;
    wire_reason why;

    /* Silence brings no market event: quotes are pulled from here. */
    if (book && !runner_may_trade(core, maker->strategy, book, now_ns, &why))
        pull(maker, core, why, now_ns);
}

const struct strategy_ops strategy_market_maker = {
    .kind = "market_maker",
    .config_size = sizeof(struct maker_config),
    .state_size = sizeof(struct maker),
    .init = maker_init,
    .market = maker_market,
    .order = maker_order,
    .timer = maker_timer,
};
