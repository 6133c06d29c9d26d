#include "common/pure/holding.h"

#include "common/leaf/err.h"
#include "common/leaf/fixed.h"

void holding_init(struct holding *holding, int price_exp, int qty_exp)
{
    *holding = (struct holding){ .price_exp = (int8_t)price_exp, .qty_exp = (int8_t)qty_exp };
}

void holding_open(struct holding *holding, int64_t qty, int64_t avg_price)
{
    holding->qty = qty;
    holding->cost = (i128)avg_price * qty;
}

static int64_t magnitude(int64_t value)
{
    return value < 0 ? -value : value;
}

/* whole * part / of, to the nearest, for 0 < part <= of: without a product that could overflow. */
static i128 share(i128 whole, int64_t part, int64_t of)
{
    i128 quotient = whole / of, rest = whole % of * part;
    i128 add = rest / of, left = rest % of;

    if ((left < 0 ? -left : left) * 2 >= of)
        add += left < 0 ? -1 : 1;
    return quotient * part + add;
}

/* value * 10^shift to the nearest; false: it does not fit. */
static bool shifted(i128 value, int shift, i128 *out)
{
    i128 result = value, unit = 1;

    for (; shift > 0; shift--)
        if (__builtin_mul_overflow(result, (i128)10, &result))
            return false;
    for (; shift < 0; shift++)
        if (__builtin_mul_overflow(unit, (i128)10, &unit))
            unit = 0, shift = -1; /* More digits than there are: nothing is left. */
    if (unit == 0) {
        *out = 0;
        return true;
    }
    i128 rest = result % unit;
    *out = result / unit;
    if (unit > 1 && (rest < 0 ? -rest : rest) * 2 >= unit)
        *out += value < 0 ? -1 : 1;
    return true;
}

int holding_rescale(struct holding *holding, int price_exp, int qty_exp)
{
    int shift = price_exp + qty_exp - holding->price_exp - holding->qty_exp;
    struct holding moved = { .price_exp = (int8_t)price_exp, .qty_exp = (int8_t)qty_exp };

    if (fixed_rescale(holding->qty, holding->qty_exp, qty_exp, FIXED_NEAREST, &moved.qty) != 0 ||
        !shifted(holding->cost, shift, &moved.cost) ||
        !shifted(holding->realised, shift, &moved.realised))
        return ERR_RANGE;
    *holding = moved;
    return 0;
}

i128 holding_fill(struct holding *holding, bool is_buy, int64_t price, int price_exp, int64_t qty,
                  int qty_exp)
{
    int64_t at_price = price, at_qty = qty;

    (void)fixed_rescale(price, price_exp, holding->price_exp, FIXED_NEAREST, &at_price);
    (void)fixed_rescale(qty, qty_exp, holding->qty_exp, FIXED_NEAREST, &at_qty);
    int64_t signed_qty = is_buy ? at_qty : -at_qty;
    int64_t open = magnitude(holding->qty);
    bool is_other_way = holding->qty != 0 && (holding->qty > 0) != is_buy;
    int64_t closing = is_other_way ? MIN(open, at_qty) : 0;
    i128 realised = 0;

    if (closing > 0) {
        i128 cost = share(holding->cost, closing, open);
        i128 value = (i128)at_price * closing;
        realised = holding->qty > 0 ? value - cost : -value - cost;
        holding->cost -= cost;
    }
    int64_t opening = at_qty - closing;
    holding->cost += (i128)at_price * (is_buy ? opening : -opening);
    holding->qty += signed_qty;
    holding->realised += realised;
    return realised;
}

int64_t holding_average(const struct holding *holding)
{
    i128 cost = holding->cost < 0 ? -holding->cost : holding->cost;
    int64_t qty = magnitude(holding->qty);

    if (qty == 0)
        return 0;
    i128 average = cost / qty;
    if (cost % qty * 2 >= qty)
        average++;
    return average > INT64_MAX ? INT64_MAX : (int64_t)average;
}

i128 holding_unrealised(const struct holding *holding, int64_t mark)
{
    return (i128)mark * holding->qty - holding->cost;
}

int64_t holding_amount(const struct holding *holding, i128 value, int to_exp)
{
    i128 result;

    if (!shifted(value, to_exp - holding->price_exp - holding->qty_exp, &result) ||
        result > INT64_MAX || result < INT64_MIN)
        return value < 0 ? INT64_MIN : INT64_MAX;
    return (int64_t)result;
}
