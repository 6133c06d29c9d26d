/* exchange_rules_core.c - what an order must satisfy, and what it locks. */
#include "venue_simulator/exchange_internal.h"

#include <string.h>

int64_t exchange_quote(int64_t price, int64_t qty)
{
    return (int64_t)((i128)price * qty / EXCHANGE_ONE);
}

int64_t exchange_fee(int64_t amount, int32_t rate_ppm)
{
    return (int64_t)((i128)amount * rate_ppm / PPM);
}

/* Up, while a trade's cost and its fee are rounded down: a hold is never too small for its parts.
 */
static int64_t quote_hold(const struct exchange *exchange, uint32_t account, i128 notional)
{
    const struct exchange_account_config *config = &exchange->accounts[account].config;
    i128 rate = MAX(config->maker_fee_ppm, config->taker_fee_ppm);
    i128 unit = EXCHANGE_ONE;

    if (exchange->fee_asset == FEE_IN_QUOTE) {
        notional *= PPM + rate;
        unit *= PPM;
    }
    i128 hold = (notional + unit - 1) / unit;
    return hold > INT64_MAX ? INT64_MAX : (int64_t)hold;
}

int64_t exchange_limit_hold(const struct exchange *exchange, const struct exchange_order *order,
                            int64_t price, int64_t leaves)
{
    if (exchange_is_perpetual(exchange, order->instrument))
        return 0;
    return order->match.side == SIDE_SELL
               ? leaves
               : quote_hold(exchange, order->account, (i128)price * leaves);
}

uint32_t exchange_hold_asset(const struct exchange *exchange, const struct exchange_order *order)
{
    const struct exchange_instrument *instrument = &exchange->instruments[order->instrument];

    return order->match.side == SIDE_SELL ? instrument->base : instrument->quote;
}

enum exchange_cause exchange_price_cause(const struct exchange_instrument *instrument,
                                         wire_side side, int64_t price)
{
    const struct exchange_instrument_config *config = &instrument->config;

    if (price <= 0 || price % config->tick != 0)
        return CAUSE_TICK;
    if ((config->min_price && price < config->min_price) ||
        (config->max_price && price > config->max_price))
        return CAUSE_PRICE_RANGE;
    if (config->band_ppm) {
        i128 moved = (i128)(price - instrument->last_price) * PPM;
        i128 allowed = (i128)instrument->last_price * config->band_ppm;
        if (side == SIDE_BUY ? moved > allowed : -moved > allowed)
            return CAUSE_PRICE_BAND;
    }
    return CAUSE_NONE;
}

enum exchange_cause exchange_qty_cause(const struct exchange_instrument *instrument, bool is_market,
                                       int64_t price, int64_t qty)
{
    const struct exchange_instrument_config *config = &instrument->config;

    if (qty <= 0 || qty % config->lot != 0)
        return CAUSE_LOT;
    if (config->min_qty && qty < config->min_qty)
        return CAUSE_MIN_QTY;
    if (config->max_qty && qty > config->max_qty)
        return CAUSE_MAX_QTY;
    if (is_market && config->market_max_qty && qty > config->market_max_qty)
        return CAUSE_MARKET_MAX_QTY;
    i128 notional = (i128)price * qty / EXCHANGE_ONE;
    if (config->min_notional && notional < config->min_notional)
        return CAUSE_MIN_NOTIONAL;
    if (notional > INT64_MAX / 4 || (config->max_notional && notional > config->max_notional))
        return CAUSE_MAX_NOTIONAL;
    return CAUSE_NONE;
}

static enum exchange_cause status_cause(const struct exchange_instrument *instrument,
                                        const struct exchange_request *request)
{
    switch (instrument->status) {
    case TRADING_OPEN:
        return CAUSE_NONE;
    case TRADING_CANCEL_ONLY:
        return CAUSE_CANCEL_ONLY;
    case TRADING_POST_ONLY:
        return request->is_post_only ? CAUSE_NONE : CAUSE_POST_ONLY_MODE;
    default:
        return CAUSE_HALTED;
    }
}

static bool is_client_id_taken(const struct exchange *exchange,
                               const struct exchange_request *request)
{
    if (!request->client_id || !request->client_id[0])
        return false;
    for (const struct exchange_order *o = exchange->accounts[request->account].first_open; o;
         o = o->next_of_account)
        if (strcmp(o->client_id, request->client_id) == 0)
            return true;
    return false;
}

/* Quantity that quote_qty buys or sells now, on the lot; with FEE_IN_QUOTE a buyer's fee is part of
 * it. */
static int64_t qty_for_quote(const struct exchange *exchange,
                             const struct exchange_request *request)
{
    const struct exchange_instrument *instrument = &exchange->instruments[request->instrument];
    struct match_walk walk;
    i128 notional = (i128)request->quote_qty * EXCHANGE_ONE;

    if (exchange->fee_asset == FEE_IN_QUOTE && request->side == SIDE_BUY)
        notional =
            notional * PPM / (PPM + exchange->accounts[request->account].config.taker_fee_ppm);
    match_available(&instrument->book, request->side, 0, INT64_MAX, notional, request->account,
                    request->stp == STP_EXPIRE_MAKER, &walk);
    return walk.qty - walk.qty % instrument->config.lot;
}

/* A market order locks what it will cost at most: the walk through the book that it is about to
 * take. */
static enum exchange_cause assess_market(const struct exchange *exchange,
                                         const struct exchange_request *request,
                                         struct exchange_assessment *out)
{
    const struct exchange_instrument *instrument = &exchange->instruments[request->instrument];
    struct match_walk walk;

    if (match_side_of(&instrument->book, request->side == SIDE_BUY ? SIDE_SELL : SIDE_BUY)->count ==
        0)
        return CAUSE_NO_LIQUIDITY;
    out->qty = request->quote_qty > 0 ? qty_for_quote(exchange, request) : request->qty;
    enum exchange_cause cause =
        exchange_qty_cause(instrument, true, instrument->last_price, out->qty);
    if (cause)
        return cause;
    match_available(&instrument->book, request->side, 0, out->qty, 0, request->account,
                    request->stp == STP_EXPIRE_MAKER, &walk);
    out->hold = request->side == SIDE_SELL ? out->qty
                                           : quote_hold(exchange, request->account, walk.notional);
    return CAUSE_NONE;
}

static enum exchange_cause assess_limit(const struct exchange *exchange,
                                        const struct exchange_request *request,
                                        struct exchange_assessment *out)
{
    const struct exchange_instrument *instrument = &exchange->instruments[request->instrument];
    enum exchange_cause cause = exchange_price_cause(instrument, request->side, request->price);

    if (!cause)
        cause = exchange_qty_cause(instrument, false, request->price, request->qty);
    if (cause)
        return cause;
    if (request->is_post_only && match_crosses(&instrument->book, request->side, request->price))
        return CAUSE_WOULD_TAKE;
    out->qty = request->qty;
    out->hold = request->side == SIDE_SELL
                    ? request->qty
                    : quote_hold(exchange, request->account, (i128)request->price * request->qty);
    return CAUSE_NONE;
}

/* A forced order is under no rule but that there is somebody to trade with. */
static enum exchange_cause assess_liquidation(const struct exchange *exchange,
                                              const struct exchange_request *request,
                                              struct exchange_assessment *out)
{
    const struct match_book *book = &exchange->instruments[request->instrument].book;
    wire_side other = request->side == SIDE_BUY ? SIDE_SELL : SIDE_BUY;

    out->qty = request->qty;
    return match_side_of(book, other)->count == 0 ? CAUSE_NO_LIQUIDITY : CAUSE_NONE;
}

/* The quantity that a reduce-only order may have, as the venue does: cut to it, or refused. */
static enum exchange_cause assess_reduce_only(const struct exchange *exchange,
                                              const struct exchange_request *request,
                                              struct exchange_assessment *out)
{
    int64_t most =
        exchange_reducible(exchange, request->account, request->instrument, request->side, NULL);

    if (most == 0 || (out->qty > most && exchange->is_reduce_only_refused))
        return CAUSE_REDUCE_ONLY;
    out->qty = MIN(out->qty, most);
    return CAUSE_NONE;
}

/* What a perpetual asks for instead of a balance. */
static enum exchange_cause assess_margin(const struct exchange *exchange,
                                         const struct exchange_request *request,
                                         struct exchange_assessment *out)
{
    const struct exchange_instrument *instrument = &exchange->instruments[request->instrument];
    struct match_walk walk;
    int64_t price = request->price;

    out->hold = 0;
    if (request->is_reduce_only)
        return assess_reduce_only(exchange, request, out);
    if (request->type == ORDER_MARKET) {
        match_available(&instrument->book, request->side, 0, out->qty, 0, request->account,
                        request->stp == STP_EXPIRE_MAKER, &walk);
        price = walk.qty > 0 ? (int64_t)(walk.notional / walk.qty) : instrument->last_price;
    }
    return exchange_margin_cause(exchange, request->account, request->instrument, request->side,
                                 price, out->qty, NULL);
}

static enum exchange_cause assess_order(const struct exchange *exchange,
                                        const struct exchange_request *request,
                                        struct exchange_assessment *out)
{
    enum exchange_cause cause = request->type == ORDER_MARKET
                                    ? assess_market(exchange, request, out)
                                    : assess_limit(exchange, request, out);

    /* What closes a position may be as small as the position is. */
    if (cause == CAUSE_MIN_NOTIONAL && request->is_reduce_only) {
        out->qty = request->qty;
        return CAUSE_NONE;
    }
    return cause;
}

enum exchange_cause exchange_assess(const struct exchange *exchange,
                                    const struct exchange_request *request,
                                    struct exchange_assessment *out)
{
    const struct exchange_instrument *instrument = &exchange->instruments[request->instrument];
    const struct exchange_account *account = &exchange->accounts[request->account];
    bool is_perpetual = exchange_is_perpetual(exchange, request->instrument);

    assert(request->account < exchange->account_count);
    assert(request->instrument < exchange->instrument_count);
    assert(request->side == SIDE_BUY || request->side == SIDE_SELL);
    assert(is_perpetual || (!request->is_reduce_only && !request->is_liquidation));
    if (request->is_liquidation)
        return assess_liquidation(exchange, request, out);
    enum exchange_cause cause = status_cause(instrument, request);
    if (cause)
        return cause;
    if (is_client_id_taken(exchange, request))
        return CAUSE_DUPLICATE_CLIENT_ID;
    cause = assess_order(exchange, request, out);
    if (cause)
        return cause;
    if (!account->config.is_background && instrument->config.max_orders &&
        request->type != ORDER_MARKET &&
        account->open_orders[request->instrument] >= instrument->config.max_orders)
        return CAUSE_MAX_ORDERS;
    if (is_perpetual)
        return assess_margin(exchange, request, out);
    uint32_t asset = request->side == SIDE_SELL ? instrument->base : instrument->quote;
    return exchange_available(exchange, request->account, asset) < out->hold ? CAUSE_BALANCE
                                                                             : CAUSE_NONE;
}
