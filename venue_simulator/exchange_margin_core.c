/* exchange_margin_core.c - what positions are worth, and what they need. */
#include "venue_simulator/exchange_internal.h"

#include <string.h>

/* What stands open on one perpetual, in value: position signed, orders at their limits. */
struct exposure {
    i128 position, buys, sells;
};

static int64_t magnitude(int64_t value)
{
    return value < 0 ? -value : value;
}

static i128 magnitude128(i128 value)
{
    return value < 0 ? -value : value;
}

uint32_t exchange_leverage(const struct exchange *exchange, uint32_t account, uint32_t instrument)
{
    uint32_t own = exchange->accounts[account].positions[instrument].leverage;

    return own ? own : exchange->instruments[instrument].config.leverage;
}

int64_t exchange_entry_price(const struct exchange_position *position)
{
    i128 qty = magnitude(position->qty);

    if (qty == 0)
        return 0;
    return (int64_t)(((i128)magnitude(position->cost) * EXCHANGE_ONE + qty / 2) / qty);
}

int64_t exchange_unrealised(const struct exchange *exchange, uint32_t account, uint32_t instrument)
{
    const struct exchange_position *position = &exchange->accounts[account].positions[instrument];
    int64_t mark = exchange->instruments[instrument].perpetual.mark_price;

    return exchange_quote(mark, position->qty) - position->cost;
}

int64_t exchange_position_value(const struct exchange *exchange, uint32_t account,
                                uint32_t instrument)
{
    return exchange_quote(exchange->instruments[instrument].perpetual.mark_price,
                          magnitude(exchange->accounts[account].positions[instrument].qty));
}

int64_t exchange_position_margin(const struct exchange *exchange, uint32_t account,
                                 uint32_t instrument)
{
    int64_t leverage = exchange_leverage(exchange, account, instrument);

    return (exchange_position_value(exchange, account, instrument) + leverage - 1) / leverage;
}

int64_t exchange_maintenance(const struct exchange *exchange, uint32_t account, uint32_t instrument)
{
    i128 value = exchange_position_value(exchange, account, instrument);
    int32_t rate = exchange->instruments[instrument].config.maintenance_ppm;

    return (int64_t)((value * rate + PPM - 1) / PPM);
}

static struct exposure exposure_of(const struct exchange *exchange, uint32_t account, uint32_t at)
{
    int64_t qty = exchange->accounts[account].positions[at].qty;
    int64_t value = exchange_position_value(exchange, account, at);

    return (struct exposure){ .position = qty < 0 ? -value : value };
}

static void expose(struct exposure *to, wire_side side, int64_t price, int64_t leaves)
{
    *(side == SIDE_BUY ? &to->buys : &to->sells) += exchange_quote(price, leaves);
}

static int64_t initial_margin(const struct exposure *of, int64_t leverage)
{
    i128 worst = magnitude128(of->position);

    worst = MAX(worst, magnitude128(of->position + of->buys));
    worst = MAX(worst, magnitude128(of->position - of->sells));
    return (int64_t)((worst + leverage - 1) / leverage);
}

static bool is_margined(const struct exchange *exchange, const struct exchange_order *order)
{
    return exchange_is_perpetual(exchange, order->instrument) && !order->is_reduce_only;
}

void exchange_margin(const struct exchange *exchange, uint32_t account, uint32_t asset,
                     struct exchange_margin *out)
{
    const struct exchange_account *of = &exchange->accounts[account];
    const struct exchange_balance *balance = &of->balances[asset];
    struct exposure exposures[EXCHANGE_INSTRUMENTS_MAX];
    int64_t initial = 0;

    *out = (struct exchange_margin){ .wallet = balance->free + balance->locked };
    for (uint32_t i = 0; i < exchange->instrument_count; i++)
        exposures[i] = exposure_of(exchange, account, i);
    for (const struct exchange_order *o = of->first_open; o; o = o->next_of_account)
        if (is_margined(exchange, o))
            expose(&exposures[o->instrument], o->match.side, o->match.price, o->match.leaves);
    for (uint32_t i = 0; i < exchange->instrument_count; i++) {
        if (!exchange_is_perpetual(exchange, i) || exchange->instruments[i].quote != asset)
            continue;
        out->unrealised += exchange_unrealised(exchange, account, i);
        out->position_margin += exchange_position_margin(exchange, account, i);
        out->maintenance += exchange_maintenance(exchange, account, i);
        initial += initial_margin(&exposures[i], exchange_leverage(exchange, account, i));
    }
    out->order_margin = initial - out->position_margin;
    out->equity = out->wallet + out->unrealised;
    out->available = MAX(balance->free + out->unrealised - initial, 0);
}

int64_t exchange_available(const struct exchange *exchange, uint32_t account, uint32_t asset)
{
    int64_t free = exchange->accounts[account].balances[asset].free;
    struct exchange_margin margin;

    if (!exchange->has_perpetuals || exchange->accounts[account].config.is_background)
        return free;
    exchange_margin(exchange, account, asset, &margin);
    /* Profit that is not booked backs positions; it buys nothing. */
    return MIN(
        free,
        MAX(free - margin.position_margin - margin.order_margin + MIN(margin.unrealised, 0), 0));
}

enum exchange_cause exchange_margin_cause(const struct exchange *exchange, uint32_t account,
                                          uint32_t instrument, wire_side side, int64_t price,
                                          int64_t qty, const struct exchange_order *replaced)
{
    const struct exchange_account *of = &exchange->accounts[account];
    int64_t mark = exchange->instruments[instrument].perpetual.mark_price;
    int64_t leverage = exchange_leverage(exchange, account, instrument);
    struct exposure now = exposure_of(exchange, account, instrument), then = now;
    struct exchange_margin margin;

    if (of->config.is_background)
        return CAUSE_NONE;
    for (const struct exchange_order *o = of->first_open; o; o = o->next_of_account) {
        if (o->instrument != instrument || !is_margined(exchange, o))
            continue;
        expose(&now, o->match.side, o->match.price, o->match.leaves);
        if (o != replaced)
            expose(&then, o->match.side, o->match.price, o->match.leaves);
    }
    expose(&then, side, price, qty);
    int64_t more = initial_margin(&then, leverage) - initial_margin(&now, leverage);
    if (more <= 0)
        return CAUSE_NONE;
    /* Bought above the mark or sold below it: lost as soon as it is executed. */
    int64_t loss = exchange_quote(MAX(side == SIDE_BUY ? price - mark : mark - price, 0), qty);
    int64_t fee = exchange_fee(exchange_quote(price, qty), of->config.taker_fee_ppm);
    exchange_margin(exchange, account, exchange->instruments[instrument].quote, &margin);
    return margin.available < more + loss + fee ? CAUSE_MARGIN : CAUSE_NONE;
}

/* The mark at which equity would be the part rate of the position's value. */
static int64_t price_at_rate(const struct exchange *exchange, uint32_t account, uint32_t instrument,
                             int32_t rate_ppm)
{
    const struct exchange_position *position = &exchange->accounts[account].positions[instrument];
    struct exchange_margin margin;

    if (position->qty == 0)
        return 0;
    exchange_margin(exchange, account, exchange->instruments[instrument].quote, &margin);
    i128 others = margin.equity - exchange_unrealised(exchange, account, instrument);
    if (rate_ppm)
        others -= margin.maintenance - exchange_maintenance(exchange, account, instrument);
    /* others + qty * price - cost = |qty| * price * rate */
    i128 qty = magnitude(position->qty);
    i128 numerator = (position->qty > 0 ? position->cost - others : others - position->cost) *
                     EXCHANGE_ONE * PPM;
    i128 price = numerator / (qty * (position->qty > 0 ? PPM - rate_ppm : PPM + rate_ppm));
    return price <= 0 || price > INT64_MAX ? 0 : (int64_t)price;
}

int64_t exchange_liquidation_price(const struct exchange *exchange, uint32_t account,
                                   uint32_t instrument)
{
    return price_at_rate(exchange, account, instrument,
                         exchange->instruments[instrument].config.maintenance_ppm);
}

int64_t exchange_bankruptcy_price(const struct exchange *exchange, uint32_t account,
                                  uint32_t instrument)
{
    return price_at_rate(exchange, account, instrument, 0);
}

int64_t exchange_open_interest(const struct exchange *exchange, uint32_t instrument)
{
    int64_t sum = 0;

    for (uint32_t i = 0; i < exchange->account_count; i++)
        sum += MAX(exchange->accounts[i].positions[instrument].qty, 0);
    return sum;
}

enum exchange_cause exchange_set_leverage(struct exchange *exchange, uint32_t account,
                                          uint32_t instrument, uint32_t leverage)
{
    struct exchange_account *of = &exchange->accounts[account];
    const struct exchange_instrument *on = &exchange->instruments[instrument];
    uint32_t previous = of->positions[instrument].leverage;
    struct exchange_margin margin;

    if (on->config.kind != INSTRUMENT_PERPETUAL || leverage < 1 ||
        leverage > on->config.max_leverage)
        return CAUSE_LEVERAGE;
    of->positions[instrument].leverage = leverage;
    exchange_margin(exchange, account, on->quote, &margin);
    int64_t needed = margin.position_margin + margin.order_margin;
    if (!of->config.is_background && needed > 0 &&
        of->balances[on->quote].free + margin.unrealised < needed) {
        of->positions[instrument].leverage = previous;
        return CAUSE_MARGIN;
    }
    return CAUSE_NONE;
}

enum exchange_cause exchange_set_hedge_mode(struct exchange *exchange, uint32_t account,
                                            bool is_hedge)
{
    struct exchange_account *of = &exchange->accounts[account];

    if (of->is_hedge_mode == is_hedge)
        return CAUSE_NO_CHANGE;
    for (uint32_t i = 0; i < exchange->instrument_count; i++)
        if (exchange_is_perpetual(exchange, i) &&
            (of->positions[i].qty != 0 || of->open_orders[i] > 0))
            return CAUSE_OPEN_POSITION;
    of->is_hedge_mode = is_hedge;
    return CAUSE_NONE;
}
