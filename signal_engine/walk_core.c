/* The arithmetic of one direction: integers only, 128 bits for products. */
#include "signal_engine/signal_core.h"

#include "common/leaf/fixed.h"

enum { PPM = 1000000 };

/* A side seen at the exponents of the walk, one level at a time. */
struct cursor {
    const struct book_side *side;
    uint32_t at;
    int64_t price_factor, qty_factor;
    int64_t price, left;
};

static bool cursor_load(struct cursor *cursor)
{
    const struct wire_level *level = book_level(cursor->side, cursor->at);

    if (!level || level->price <= 0 || level->qty <= 0 ||
        level->price > INT64_MAX / cursor->price_factor ||
        level->qty > INT64_MAX / cursor->qty_factor)
        return false;
    cursor->price = level->price * cursor->price_factor;
    cursor->left = level->qty * cursor->qty_factor;
    return true;
}

static bool cursor_take(struct cursor *cursor, int64_t qty)
{
    cursor->left -= qty;
    if (cursor->left > 0)
        return true;
    cursor->at++;
    return cursor_load(cursor);
}

/* The last unit earns: what its sale brings after the fee covers its purchase with fee, haircut and
 * edge. */
static bool earns(const struct signal_terms *terms, int64_t ask, int64_t bid, int64_t buy_fee_ppm,
                  int64_t sell_fee_ppm)
{
    return (i128)bid * (PPM - sell_fee_ppm) >=
           (i128)ask * (PPM + buy_fee_ppm + terms->haircut_ppm + terms->min_edge_ppm);
}

struct totals {
    int64_t qty;
    i128 cost, proceeds; /* At price_exp + qty_exp. */
    int64_t worst_ask, worst_bid;
};

static i128 pow10_wide(int n)
{
    i128 result = 1;

    while (n-- > 0)
        result *= 10;
    return result;
}

static void walk(const struct signal_terms *terms, struct cursor ask, struct cursor bid,
                 const struct market_book *buy, const struct market_book *sell, int64_t qty_max,
                 i128 cost_max, struct totals *totals)
{
    *totals = (struct totals){ 0 };
    while (earns(terms, ask.price, bid.price, buy->definition.taker_fee_ppm,
                 sell->definition.taker_fee_ppm)) {
        int64_t take = MIN(MIN(ask.left, bid.left), qty_max - totals->qty);

        if ((i128)take * ask.price > cost_max - totals->cost)
            take = (int64_t)((cost_max - totals->cost) / ask.price);
        if (take <= 0)
            break;
        totals->qty += take;
        totals->cost += (i128)take * ask.price;
        totals->proceeds += (i128)take * bid.price;
        totals->worst_ask = ask.price;
        totals->worst_bid = bid.price;
        if (!cursor_take(&ask, take) || !cursor_take(&bid, take))
            break;
    }
}

static int64_t to_amount(i128 value, int exp)
{
    int shift = exp - SIGNAL_AMOUNT_EXP;
    i128 scaled = shift >= 0 ? value / pow10_wide(shift) : value * pow10_wide(-shift);

    return scaled > INT64_MAX ? INT64_MAX : scaled < INT64_MIN ? INT64_MIN : (int64_t)scaled;
}

/* The step that both venues take: the larger lot where the smaller divides it, else a common
 * multiple. */
static int64_t common_lot(int64_t a, int64_t b)
{
    int64_t larger = MAX(a, b), smaller = MIN(a, b);

    if (larger % smaller == 0)
        return larger;
    i128 product = (i128)larger * smaller;
    return product > INT64_MAX ? INT64_MAX : (int64_t)product;
}

static struct cursor cursor_of(const struct book_side *side, const struct market_book *book,
                               int price_exp, int qty_exp)
{
    return (struct cursor){ .side = side,
                            .price_factor = fixed_pow10(price_exp - book->definition.price_exp),
                            .qty_factor = fixed_pow10(qty_exp - book->definition.qty_exp) };
}

int32_t signal_basis_ppm(const struct market_book *buy, const struct market_book *sell)
{
    const struct market_book *derivative = market_is_derivative(buy) ? buy : sell;
    const struct market_book *other = derivative == buy ? sell : buy;
    int exp = MAX(buy->definition.price_exp, sell->definition.price_exp);
    i128 of, over;

    if (market_is_derivative(buy) == market_is_derivative(sell))
        return 0;
    of = (i128)market_mid(derivative) * fixed_pow10(exp - derivative->definition.price_exp);
    over = (i128)market_mid(other) * fixed_pow10(exp - other->definition.price_exp);
    if (of <= 0 || over <= 0)
        return 0;
    return (int32_t)MAX(MIN((of - over) * PPM / over, (i128)INT32_MAX), (i128)INT32_MIN);
}

bool signal_walk(const struct signal_terms *terms, const struct market_book *buy,
                 const struct market_book *sell, struct signal_walk *out)
{
    int price_exp = MAX(buy->definition.price_exp, sell->definition.price_exp);
    int qty_exp = MAX(buy->definition.qty_exp, sell->definition.qty_exp);
    int product_exp = price_exp + qty_exp;
    struct cursor ask = cursor_of(&buy->book.asks, buy, price_exp, qty_exp);
    struct cursor bid = cursor_of(&sell->book.bids, sell, price_exp, qty_exp);
    struct totals totals;

    if (!cursor_load(&ask) || !cursor_load(&bid) ||
        !earns(terms, ask.price, bid.price, buy->definition.taker_fee_ppm,
               sell->definition.taker_fee_ppm))
        return false;

    i128 cost_max = product_exp >= SIGNAL_AMOUNT_EXP
                        ? (i128)terms->max_notional * pow10_wide(product_exp - SIGNAL_AMOUNT_EXP)
                        : (i128)terms->max_notional / pow10_wide(SIGNAL_AMOUNT_EXP - product_exp);

    walk(terms, ask, bid, buy, sell, INT64_MAX, cost_max, &totals);
    if (totals.qty == 0)
        return false;

    /* Orders are multiples of the lot: round down, then price exactly what remains. */
    int64_t lot = common_lot(MAX(buy->definition.lot_size, 1) * ask.qty_factor,
                             MAX(sell->definition.lot_size, 1) * bid.qty_factor);
    int64_t qty = totals.qty - totals.qty % lot;

    if (qty == 0 || qty < buy->definition.min_qty * ask.qty_factor ||
        qty < sell->definition.min_qty * bid.qty_factor)
        return false;
    walk(terms, ask, bid, buy, sell, qty, cost_max, &totals);

    i128 fees = totals.cost * buy->definition.taker_fee_ppm / PPM +
                totals.proceeds * sell->definition.taker_fee_ppm / PPM;
    i128 gross = totals.proceeds - totals.cost - totals.cost * terms->haircut_ppm / PPM;
    i128 net = gross - fees;

    if (totals.qty != qty || to_amount(net, product_exp) < terms->min_net ||
        net * PPM < totals.cost * terms->min_edge_ppm)
        return false;
    *out = (struct signal_walk){
        .qty = qty,
        .buy_price = totals.worst_ask,
        .sell_price = totals.worst_bid,
        .buy_vwap = (int64_t)(totals.cost / qty),
        .sell_vwap = (int64_t)(totals.proceeds / qty),
        .gross = to_amount(gross, product_exp),
        .fees = to_amount(fees, product_exp),
        .net = to_amount(net, product_exp),
        .edge_ppm = (int32_t)MAX(MIN(net * PPM / totals.cost, (i128)INT32_MAX), (i128)INT32_MIN),
        .price_exp = (int8_t)price_exp,
        .qty_exp = (int8_t)qty_exp,
    };
    return true;
}
