/* holding.h - one position: quantity, what was paid for it, what its closing has earned.
 *
 * Average cost: what closes takes its share of the cost, and the rest of its price is realised; an
 * execution larger than the position closes it and opens the other side. Cost and profit are kept
 * at price_exp + qty_exp decimals in 128 bits: sums of price * qty have no rounding there. Only a
 * share of a cost can have one, in its last digit, and nothing is lost by it: what the closing part
 * did not take stays with the rest. Before fees. Allocates nothing. */
#ifndef TICKPIPE_COMMON_PURE_HOLDING_H
#define TICKPIPE_COMMON_PURE_HOLDING_H

#include "common/leaf/base.h"

struct holding {
    i128 cost;     /* Of qty; signed as qty. */
    i128 realised; /* Since the beginning. */
    int64_t qty;   /* Signed: long above 0. */
    int8_t price_exp, qty_exp;
};

/* holding_init begins flat. */
void holding_init(struct holding *holding, int price_exp, int qty_exp);

/* holding_open begins with a position that came from elsewhere. */
void holding_open(struct holding *holding, int64_t qty, int64_t avg_price);

/* holding_rescale moves it to other exponents, rounding to the nearest where digits go. 0, or
 * ERR_RANGE where it does not fit: it is then unchanged. */
int holding_rescale(struct holding *holding, int price_exp, int qty_exp);

/* holding_fill applies an execution (price and qty above 0, at their own exponents; digits beyond
 * the holding's are rounded to the nearest). Returns what it realised, at price_exp + qty_exp. */
i128 holding_fill(struct holding *holding, bool is_buy, int64_t price, int price_exp, int64_t qty,
                  int qty_exp);

/* holding_average gives the price of the open quantity at price_exp, rounded to the nearest; 0:
 * flat. */
int64_t holding_average(const struct holding *holding);

/* holding_unrealised values the open quantity at a mark (at price_exp). */
i128 holding_unrealised(const struct holding *holding, int64_t mark);

/* holding_amount gives a cost or a profit of this holding as an amount at to_exp, rounded to the
 * nearest; the largest that fits where it does not. */
int64_t holding_amount(const struct holding *holding, i128 value, int to_exp);

#endif
