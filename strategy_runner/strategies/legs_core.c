#include "strategy_runner/strategies/legs.h"

#include "common/leaf/fixed.h"

#include <string.h>

int64_t legs_rescale(int64_t value, int from, int to)
{
    int64_t result;

    return fixed_rescale(value, from, to, FIXED_DOWN, &result) == 0 ? result : 0;
}

int64_t legs_worse(int64_t price, int64_t ppm, wire_side side)
{
    int64_t shift = (int64_t)((i128)price * ppm / LEGS_PPM);

    return side == SIDE_BUY ? price + shift : price - shift;
}

bool legs_meets_minimum(const struct market_book *book, int64_t price, int64_t qty)
{
    int64_t notional;

    return qty >= book->definition.min_qty && qty > 0 &&
           fixed_notional(price, book->definition.price_exp, qty, book->definition.qty_exp,
                          book->definition.amount_exp, FIXED_DOWN, &notional) == 0 &&
           notional >= book->definition.min_notional;
}

/* The most that a position limit leaves for one more order of that side, at qty_exp. */
static int64_t position_room(const struct legs_limits *limits, const struct runner_core *core,
                             uint16_t strategy, const struct market_book *book, wire_side side,
                             int qty_exp)
{
    int64_t limit = legs_rescale(limits->max_position, LEGS_CONFIG_EXP, qty_exp);
    int64_t have = legs_rescale(
        runner_position_of(core, book->account, strategy, book->definition.header.instrument),
        book->definition.qty_exp, qty_exp);

    return MAX(0, side == SIDE_BUY ? limit - have : limit + have);
}

/* What the balance of its venue can carry of one leg, at qty_exp. share: parts that the balance is
 * divided into, where both legs draw on it. */
static int64_t affordable(const struct legs_limits *limits, const struct runner_core *core,
                          const struct market_book *book, wire_side side, int64_t price,
                          int price_exp, int qty_exp, int share)
{
    bool is_derivative = market_is_derivative(book);
    int64_t need_ppm =
        (is_derivative ? limits->margin_ppm : LEGS_PPM) + MAX(0, book->definition.taker_fee_ppm);
    int64_t have, unit, qty;

    if (!is_derivative && side == SIDE_SELL)
        return MAX(0, runner_free_balance(core, book->account, book->definition.base, qty_exp));
    have = is_derivative
               ? runner_free_margin(core, book->account, book->definition.settle, LEGS_CONFIG_EXP)
               : runner_free_balance(core, book->account, book->definition.quote, LEGS_CONFIG_EXP);
    /* Price of one whole base unit with what it takes to have it. */
    unit = legs_rescale((int64_t)((i128)price * need_ppm / LEGS_PPM), price_exp, LEGS_CONFIG_EXP);
    if (have <= 0 || unit <= 0 ||
        fixed_mul_div(have / share, fixed_pow10(qty_exp), unit, FIXED_DOWN, &qty) != 0)
        return 0;
    return qty;
}

/* Down to a step that both venues take and both call enough; 0: none. Lots that do not divide each
 * other are approached in turns. */
static int64_t common_step(const struct market_book *buy, const struct market_book *sell,
                           int64_t qty, int exp)
{
    enum { TURNS = 8 };

    for (int i = 0; i < TURNS; i++) {
        int64_t at_buy = runner_round_qty(buy, legs_rescale(qty, exp, buy->definition.qty_exp));
        int64_t at_sell =
            runner_round_qty(sell, legs_rescale(legs_rescale(at_buy, buy->definition.qty_exp, exp),
                                                exp, sell->definition.qty_exp));
        int64_t both = legs_rescale(at_sell, sell->definition.qty_exp, exp);

        if (at_buy < buy->definition.min_qty || at_sell < sell->definition.min_qty)
            return 0;
        if (both == qty)
            return both;
        qty = both;
    }
    return 0;
}

static bool is_one_purse(const struct market_book *buy, const struct market_book *sell)
{
    return buy->account == sell->account && market_is_derivative(sell) &&
           strcmp(market_is_derivative(buy) ? buy->definition.settle : buy->definition.quote,
                  sell->definition.settle) == 0;
}

int64_t legs_size(const struct legs_limits *limits, const struct runner_core *core,
                  uint16_t strategy, const struct wire_opportunity *found,
                  const struct market_book *buy, const struct market_book *sell, int64_t max_qty)
{
    int exp = found->qty_exp, share = is_one_purse(buy, sell) ? 2 : 1;
    int64_t qty = MIN(found->qty, max_qty), by_notional;
    int64_t price = legs_rescale(found->buy_price, found->price_exp, LEGS_CONFIG_EXP);

    if (price <= 0 ||
        fixed_mul_div(limits->max_notional, fixed_pow10(exp), price, FIXED_DOWN, &by_notional) != 0)
        return 0;
    qty = MIN(qty, by_notional);
    qty = MIN(qty, affordable(limits, core, buy, SIDE_BUY, found->buy_price, found->price_exp, exp,
                              share));
    qty = MIN(qty, affordable(limits, core, sell, SIDE_SELL, found->sell_price, found->price_exp,
                              exp, share));
    qty = MIN(qty, position_room(limits, core, strategy, buy, SIDE_BUY, exp));
    qty = MIN(qty, position_room(limits, core, strategy, sell, SIDE_SELL, exp));

    return common_step(buy, sell, qty, exp);
}

int64_t legs_limit(struct runner_core *core, const struct wire_opportunity *found,
                   const struct market_book *book, wire_side side, int64_t slippage_ppm,
                   int64_t *qty_max)
{
    int64_t price = legs_rescale(side == SIDE_BUY ? found->buy_price : found->sell_price,
                                 found->price_exp, book->definition.price_exp);
    int64_t limit = runner_round_price(book, side, legs_worse(price, slippage_ppm, side), true);
    int64_t room = runner_avoid_own(core, book, side, &limit);

    if (room != INT64_MAX)
        *qty_max = MIN(*qty_max, legs_rescale(room, book->definition.qty_exp, found->qty_exp));
    return limit;
}
