/* cross_exchange_arb: both legs at once, then whatever is left uneven is made even. */
#include "strategy_runner/strategies/strategies.h"

#include "common/leaf/fixed.h"
#include "strategy_runner/runner_core.h"

#include <string.h>

enum { REFUSED_WAITS = 5, GROUPS_MAX = 16, PAIRS_MAX = 64, PPM = 1000000, CONFIG_EXP = 8 };

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

static int64_t rescaled(int64_t value, int from, int to)
{
    int64_t result;

    return fixed_rescale(value, from, to, FIXED_DOWN, &result) == 0 ? result : 0;
}

static int64_t worse(int64_t price, int64_t ppm, wire_side side)
{
    int64_t shift = (int64_t)((i128)price * ppm / PPM);

    return side == SIDE_BUY ? price + shift : price - shift;
}

/* The most that a position limit leaves for one more order of that side, at qty_exp. */
static int64_t position_room(const struct arb *arb, const struct runner_core *core,
                             const struct market_book *book, wire_side side, int qty_exp)
{
    int64_t limit = rescaled(arb->config->max_position, CONFIG_EXP, qty_exp);
    int64_t have = rescaled(
        runner_position_of(core, book->account, arb->strategy, book->definition.header.instrument),
        book->definition.qty_exp, qty_exp);

    return MAX(0, side == SIDE_BUY ? limit - have : limit + have);
}

/* What the balances of both venues can carry, at qty_exp: quote to buy with here, base to sell
 * there. */
static int64_t affordable(const struct runner_core *core, const struct market_book *buy,
                          const struct market_book *sell, int64_t buy_price, int price_exp,
                          int qty_exp)
{
    int64_t base = runner_free_balance(core, sell->account, sell->definition.base, qty_exp);
    int64_t quote = runner_free_balance(core, buy->account, buy->definition.quote, CONFIG_EXP);
    int64_t unit; /* Price of one whole base unit with the fee, at CONFIG_EXP. */
    int64_t by_quote;

    if (base <= 0 || quote <= 0)
        return 0;
    unit = rescaled(buy_price + (int64_t)((i128)buy_price * buy->definition.taker_fee_ppm / PPM),
                    price_exp, CONFIG_EXP);
    if (unit <= 0 || fixed_mul_div(quote, fixed_pow10(qty_exp), unit, FIXED_DOWN, &by_quote) != 0)
        return 0;
    return MIN(base, by_quote);
}

static int64_t size_of(const struct arb *arb, const struct runner_core *core,
                       const struct wire_opportunity *found, const struct market_book *buy,
                       const struct market_book *sell)
{
    int64_t qty = found->qty, by_notional;
    int64_t price = rescaled(found->buy_price, found->price_exp, CONFIG_EXP);

    if (price <= 0 || fixed_mul_div(arb->config->max_notional, fixed_pow10(found->qty_exp), price,
                                    FIXED_DOWN, &by_notional) != 0)
        return 0;
    qty = MIN(qty, by_notional);
    qty = MIN(qty, affordable(core, buy, sell, found->buy_price, found->price_exp, found->qty_exp));
    qty = MIN(qty, position_room(arb, core, buy, SIDE_BUY, found->qty_exp));
    qty = MIN(qty, position_room(arb, core, sell, SIDE_SELL, found->qty_exp));

    /* Both venues' lots, through both exponents. */
    int64_t at_buy = runner_round_qty(buy, rescaled(qty, found->qty_exp, buy->definition.qty_exp));
    int64_t at_sell =
        runner_round_qty(sell, rescaled(rescaled(at_buy, buy->definition.qty_exp, found->qty_exp),
                                        found->qty_exp, sell->definition.qty_exp));
    if (at_buy < buy->definition.min_qty || at_sell < sell->definition.min_qty)
        return 0;
    return rescaled(at_sell, sell->definition.qty_exp, found->qty_exp);
}

static bool meets_minimum(const struct market_book *book, int64_t price, int64_t qty)
{
    int64_t notional;

    return qty >= book->definition.min_qty && qty > 0 &&
           fixed_notional(price, book->definition.price_exp, qty, book->definition.qty_exp,
                          book->definition.amount_exp, FIXED_DOWN, &notional) == 0 &&
           notional >= book->definition.min_notional;
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
        .qty = runner_round_qty(book, rescaled(qty, group->qty_exp, book->definition.qty_exp)),
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
    return !arb->is_stopped &&
           rescaled(found->net, found->amount_exp, CONFIG_EXP) >= arb->config->min_net &&
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
    struct pair_rest *rest = rest_of(arb, found->buy_instrument, found->sell_instrument);
    struct group *group = group_free(arb);
    wire_reason why;

    if (!buy || !sell || !rest || !group || !is_worth(arb, found, now_ns) ||
        now_ns < rest->until_ns || is_busy(arb, found->buy_instrument) ||
        is_busy(arb, found->sell_instrument))
        return;
    /* Both sides must be open before either leg leaves. */
    if (!runner_may_trade(core, arb->strategy, buy, now_ns, &why) ||
        !runner_may_trade(core, arb->strategy, sell, now_ns, &why))
        return;

    int64_t qty = size_of(arb, core, found, buy, sell);
    int64_t buy_price = runner_round_price(
        buy, SIDE_BUY,
        worse(rescaled(found->buy_price, found->price_exp, buy->definition.price_exp),
              arb->config->slippage_ppm, SIDE_BUY),
        true);
    int64_t sell_price = runner_round_price(
        sell, SIDE_SELL,
        worse(rescaled(found->sell_price, found->price_exp, sell->definition.price_exp),
              arb->config->slippage_ppm, SIDE_SELL),
        true);

    if (!meets_minimum(buy, buy_price, rescaled(qty, found->qty_exp, buy->definition.qty_exp)) ||
        !meets_minimum(sell, sell_price, rescaled(qty, found->qty_exp, sell->definition.qty_exp)))
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
static const struct market_book *hedge_venue(const struct arb *arb, const struct runner_core *core,
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
        int64_t price = rescaled(side == SIDE_BUY ? book->ask_price : book->bid_price,
                                 book->definition.price_exp, CONFIG_EXP);
        i128 value = side == SIDE_BUY ? -(i128)price * (PPM + book->definition.taker_fee_ppm)
                                      : (i128)price * (PPM - book->definition.taker_fee_ppm);
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
    int64_t price =
        runner_round_price(book, side, worse(touch, arb->config->hedge_slippage_ppm, side), true);

    if (!meets_minimum(
            book, price,
            runner_round_qty(book, rescaled(size, group->qty_exp, book->definition.qty_exp)))) {
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
        int64_t qty = rescaled(fill_qty, order->qty_exp, group->qty_exp);
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
