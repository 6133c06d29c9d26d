/* cross_exchange_arb: spot against spot. Both legs are moves of inventory: at once, and whatever is
 * left uneven is made even. */
#include "strategy_runner/strategies/legs.h"
#include "strategy_runner/strategies/strategies.h"

#include "common/leaf/fixed.h"
#include "strategy_runner/runner_core.h"

#include <string.h>

enum { REFUSED_WAITS = 5, GROUPS_MAX = 16, PAIRS_MAX = 512 };

enum leg { LEG_BUY, LEG_SELL, LEG_HEDGE, LEGS };

/* One opportunity acted on, from its two orders to an even position. Quantities at qty_exp. */
struct group {
    bool is_used;
    uint64_t group_id, cause;
    uint64_t buy_instrument, sell_instrument;
    uint64_t order[LEGS];
    int8_t qty_exp;
    int64_t bought, sold; /* Legs and hedges together. */
    int64_t hedge_due_ns;
    int64_t origin_ns;
    unsigned hedges;
};

struct pair_rest {
    uint64_t buy_instrument, sell_instrument;
    int64_t until_ns;
};

struct arb {
    const struct arb_config *config;
    uint16_t strategy;
    bool is_stopped; /* A hedge did not come through: a person looks at it. */
    struct group groups[GROUPS_MAX];
    struct pair_rest rests[PAIRS_MAX];
    uint32_t rest_count;
};
static_assert(sizeof(struct arb) <= STRATEGY_STATE_MAX, "arb: state");

static void arb_init(void *state, const void *config, struct runner_core *core, uint16_t strategy)
{
    struct arb *arb = state;

    (void)core;
    arb->config = config;
    arb->strategy = strategy;
}

static struct pair_rest *rest_of(struct arb *arb, uint64_t buy, uint64_t sell)
{
    for (uint32_t i = 0; i < arb->rest_count; i++)
        if (arb->rests[i].buy_instrument == buy && arb->rests[i].sell_instrument == sell)
            return &arb->rests[i];
    if (arb->rest_count == PAIRS_MAX)
        return NULL;
    struct pair_rest *rest = &arb->rests[arb->rest_count++];
    *rest = (struct pair_rest){ .buy_instrument = buy, .sell_instrument = sell };
    return rest;
}

/* One group at a time on an instrument: two would race for the same levels. */
static bool is_busy(const struct arb *arb, uint64_t instrument)
{
    for (size_t i = 0; i < GROUPS_MAX; i++)
        if (arb->groups[i].is_used && (arb->groups[i].buy_instrument == instrument ||
                                       arb->groups[i].sell_instrument == instrument))
            return true;
    return false;
}

/* qty at the group's exponent; the limit already rounded to the venue's tick. */
static uint64_t send(const struct arb *arb, struct runner_core *core, const struct group *group,
                     const struct market_book *book, wire_side side, int64_t price, int64_t qty,
                     bool is_hedge, int64_t now_ns)
{
    struct runner_intent intent = {
        .instrument = book->definition.header.instrument,
        .group_id = group->group_id,
        .cause = group->cause,
        .price = price,
        .qty = runner_round_qty(book, legs_rescale(qty, group->qty_exp, book->definition.qty_exp)),
        .origin_ns = is_hedge ? now_ns : group->origin_ns,
        .deadline_ns = now_ns + arb->config->leg_deadline_ns,
        .side = side,
        .type = ORDER_LIMIT,
        .time_in_force = TIF_IOC,
        .is_hedge = is_hedge,
    };

    return runner_place(core, arb->strategy, &intent, now_ns);
}

static bool is_worth(const struct arb *arb, const struct wire_opportunity *found, int64_t now_ns)
{
    return !arb->is_stopped && found->buy_kind == INSTRUMENT_SPOT &&
           found->sell_kind == INSTRUMENT_SPOT &&
           legs_rescale(found->net, found->amount_exp, LEGS_CONFIG_EXP) >= arb->config->min_net &&
           found->edge_ppm >= arb->config->min_edge_ppm &&
           found->confidence_ppm >= arb->config->min_confidence_ppm &&
           now_ns < found->valid_until_ns;
}

static struct group *group_free(struct arb *arb)
{
    for (size_t i = 0; i < GROUPS_MAX; i++)
        if (!arb->groups[i].is_used)
            return &arb->groups[i];
    return NULL;
}

static void arb_opportunity(void *state, struct runner_core *core,
                            const struct wire_opportunity *found, int64_t now_ns)
{
    struct arb *arb = state;
    const struct market_book *buy = market_find(core->market, found->buy_instrument);
    const struct market_book *sell = market_find(core->market, found->sell_instrument);
    const struct legs_limits limits = { .max_notional = arb->config->max_notional,
                                        .max_position = arb->config->max_position };
    struct group *group = group_free(arb);
    struct pair_rest *rest;
    wire_reason why;

    if (!buy || !sell || !group || !is_worth(arb, found, now_ns))
        return;
    rest = rest_of(arb, found->buy_instrument, found->sell_instrument);
    if (!rest || now_ns < rest->until_ns || is_busy(arb, found->buy_instrument) ||
        is_busy(arb, found->sell_instrument))
        return;
    /* Both sides must be open before either leg leaves. */
    if (!runner_may_trade(core, arb->strategy, buy, now_ns, &why) ||
        !runner_may_trade(core, arb->strategy, sell, now_ns, &why))
        return;

    int64_t qty = found->qty;
    int64_t buy_price = legs_limit(core, found, buy, SIDE_BUY, arb->config->slippage_ppm, &qty);
    int64_t sell_price = legs_limit(core, found, sell, SIDE_SELL, arb->config->slippage_ppm, &qty);

    qty = legs_size(&limits, core, arb->strategy, found, buy, sell, qty);
    if (!legs_meets_minimum(buy, buy_price,
                            legs_rescale(qty, found->qty_exp, buy->definition.qty_exp)) ||
        !legs_meets_minimum(sell, sell_price,
                            legs_rescale(qty, found->qty_exp, sell->definition.qty_exp)))
        return;
    *group = (struct group){ .is_used = true,
                             .group_id = runner_new_group(core, arb->strategy),
                             .cause = found->opportunity_id,
                             .buy_instrument = found->buy_instrument,
                             .sell_instrument = found->sell_instrument,
                             .qty_exp = found->qty_exp,
                             .origin_ns = found->header.origin_ns };
    rest->until_ns = now_ns + arb->config->cooldown_ns;
    group->order[LEG_BUY] = send(arb, core, group, buy, SIDE_BUY, buy_price, qty, false, now_ns);
    if (group->order[LEG_BUY] == 0) {
        group->is_used = false; /* Nothing left: nothing to hedge. */
        return;
    }
    group->order[LEG_SELL] =
        send(arb, core, group, sell, SIDE_SELL, sell_price, qty, false, now_ns);
}

static bool is_over(const struct runner_core *core, uint64_t order_id)
{
    const struct runner_order *order = runner_order_find(core, order_id);

    return order_id == 0 || !order || !order->is_used || runner_order_is_final(order);
}

static bool is_working(const struct runner_core *core, const struct group *group)
{
    for (int leg = 0; leg < LEGS; leg++)
        if (!is_over(core, group->order[leg]))
            return true;
    return false;
}

/* The better of both venues for evening out, by what remains after the taker fee; NULL: neither may
 * be traded on. */
static const struct market_book *hedge_venue(const struct arb *arb, struct runner_core *core,
                                             const struct group *group, wire_side side,
                                             int64_t now_ns)
{
    const struct market_book *best = NULL;
    i128 best_value = 0;
    uint64_t ids[] = { group->buy_instrument, group->sell_instrument };
    wire_reason why;

    for (size_t i = 0; i < COUNT(ids); i++) {
        const struct market_book *book = market_find(core->market, ids[i]);

        if (!book || !book->has_quote || !runner_may_trade(core, arb->strategy, book, now_ns, &why))
            continue;
        int64_t touch = side == SIDE_BUY ? book->ask_price : book->bid_price;
        if (runner_avoid_own(core, book, side, &touch) == 0)
            continue; /* Ours alone would be met there. */
        int64_t price = legs_rescale(side == SIDE_BUY ? book->ask_price : book->bid_price,
                                     book->definition.price_exp, LEGS_CONFIG_EXP);
        i128 value = side == SIDE_BUY ? -(i128)price * (LEGS_PPM + book->definition.taker_fee_ppm)
                                      : (i128)price * (LEGS_PPM - book->definition.taker_fee_ppm);
        if (!best || value > best_value) {
            best = book;
            best_value = value;
        }
    }
    return best;
}

/* Evens out what is left of a group whose orders are all over. */
static void settle(struct arb *arb, struct runner_core *core, struct group *group, int64_t now_ns)
{
    int64_t uneven = group->bought - group->sold;
    wire_side side = uneven > 0 ? SIDE_SELL : SIDE_BUY;
    const struct market_book *book;
    struct runner_strategy *self = runner_strategy_find(core, arb->strategy);

    if (uneven == 0) {
        group->is_used = false;
        return;
    }
    if (now_ns < group->hedge_due_ns)
        return;
    group->hedge_due_ns = now_ns + arb->config->hedge_wait_ns;
    book = hedge_venue(arb, core, group, side, now_ns);
    if (!book)
        return; /* Closed for now: asked again each wait, the position stays visible on 6003. */

    int64_t size = uneven > 0 ? uneven : -uneven;
    int64_t touch = side == SIDE_BUY ? book->ask_price : book->bid_price;
    int64_t price = runner_round_price(
        book, side, legs_worse(touch, arb->config->hedge_slippage_ppm, side), true);

    (void)runner_avoid_own(core, book, side, &price);

    if (!legs_meets_minimum(
            book, price,
            runner_round_qty(book, legs_rescale(size, group->qty_exp, book->definition.qty_exp)))) {
        group->is_used = false; /* Dust: below what any venue takes. It stays in the position. */
        return;
    }
    if (group->hedges >= arb->config->hedge_tries) {
        arb->is_stopped = true;
        group->is_used = false;
        if (self) {
            self->state = STRATEGY_UNWINDING;
            self->why = REASON_NO_LIQUIDITY;
        }
        return;
    }
    if (self)
        self->unwound++;
    group->order[LEG_HEDGE] = send(arb, core, group, book, side, price, size, true, now_ns);
}

/* Only a hedge that met the market counts as a try; one that was refused (a throttle, a halt) waits
 * longer. */
static void after_hedge(const struct arb *arb, struct group *group,
                        const struct runner_order *order, int64_t now_ns)
{
    if (order->state != ORDER_REJECTED)
        group->hedges++;
    else
        group->hedge_due_ns = now_ns + REFUSED_WAITS * arb->config->hedge_wait_ns;
}

static void arb_order(void *state, struct runner_core *core, const struct runner_order *order,
                      int64_t fill_qty, int64_t fill_price, int64_t now_ns)
{
    struct arb *arb = state;

    (void)fill_price;
    for (size_t i = 0; i < GROUPS_MAX; i++) {
        struct group *group = &arb->groups[i];

        if (!group->is_used || group->group_id != order->group_id)
            continue;
        int64_t qty = legs_rescale(fill_qty, order->qty_exp, group->qty_exp);
        if (order->side == SIDE_BUY)
            group->bought += qty;
        else
            group->sold += qty;
        if (order->is_hedge && runner_order_is_final(order))
            after_hedge(arb, group, order, now_ns);
        if (!is_working(core, group))
            settle(arb, core, group, now_ns);
        return;
    }
}

static void arb_timer(void *state, struct runner_core *core, int64_t now_ns)
{
    struct arb *arb = state;

    for (size_t i = 0; i < GROUPS_MAX; i++)
        if (arb->groups[i].is_used && !is_working(core, &arb->groups[i]))
            settle(arb, core, &arb->groups[i], now_ns);
}

const struct strategy_ops strategy_cross_exchange_arb = {
    .kind = "cross_exchange_arb",
    .config_size = sizeof(struct arb_config),
    .state_size = sizeof(struct arb),
    .init = arb_init,
    .opportunity = arb_opportunity,
    .order = arb_order,
    .timer = arb_timer,
};
