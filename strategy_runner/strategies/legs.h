/* legs.h - what strategies with two legs share: sizes, limits, minimums. */
#ifndef TICKPIPE_STRATEGY_RUNNER_LEGS_H
#define TICKPIPE_STRATEGY_RUNNER_LEGS_H

#include "strategy_runner/runner_core.h"

enum { LEGS_PPM = 1000000, LEGS_CONFIG_EXP = 8 /* Of amounts and quantities in configuration. */ };

/* legs_rescale brings a decimal from one exponent to another, towards 0; 0 where it does not fit.
 */
int64_t legs_rescale(int64_t value, int from, int to);

/* legs_worse moves a price by so much against an order of that side. */
int64_t legs_worse(int64_t price, int64_t ppm, wire_side side);

/* legs_meets_minimum: the venue takes an order of that price and quantity. */
bool legs_meets_minimum(const struct market_book *book, int64_t price, int64_t qty);

/* What may be bought and sold at most. */
struct legs_limits {
    int64_t max_notional; /* Quote, at LEGS_CONFIG_EXP. */
    int64_t max_position; /* Base: of the strategy, long or short, on one instrument. */
    int64_t margin_ppm;   /* Of its value that a derivative's leg needs in free margin. */
};

/* legs_size gives how much of an opportunity may be taken, at its qty_exp, in steps that both
 * venues take: its qty, at most max_qty, bounded by the limits, by free balances (spot: quote to
 * buy with, base to sell; derivatives: margin in the settle asset) and by positions. 0: nothing. */
int64_t legs_size(const struct legs_limits *limits, const struct runner_core *core,
                  uint16_t strategy, const struct wire_opportunity *found,
                  const struct market_book *buy, const struct market_book *sell, int64_t max_qty);

/* legs_limit gives the limit of a leg: price (at exp), worse by slippage, rounded to the tick, and
 * moved to before our own quotes. *qty_max falls to what is there before them, at the opportunity's
 * qty_exp. */
int64_t legs_limit(struct runner_core *core, const struct wire_opportunity *found,
                   const struct market_book *book, wire_side side, int64_t slippage_ppm,
                   int64_t *qty_max);

#endif
