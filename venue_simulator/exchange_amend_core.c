/* exchange_amend_core.c - an open order changed in place. */
#include "venue_simulator/exchange_internal.h"

#include <stdio.h>
#include <string.h>

static enum exchange_cause amend_cause(const struct exchange *exchange,
                                       const struct exchange_order *order, int64_t price,
                                       int64_t qty, bool is_only_reduced, bool is_id_changed)
{
    const struct exchange_instrument *instrument = &exchange->instruments[order->instrument];
    int64_t done = order->filled_qty + order->prevented_qty;

    if (is_only_reduced && qty > order->qty)
        return CAUSE_AMEND_INCREASE;
    if (qty == order->qty && price == order->match.price && (is_only_reduced || !is_id_changed))
        return CAUSE_NO_CHANGE;
    if (instrument->config.max_amends && order->amend_count >= instrument->config.max_amends)
        return CAUSE_AMEND_LIMIT;
    enum exchange_cause cause = price == order->match.price
                                    ? CAUSE_NONE
                                    : exchange_price_cause(instrument, order->match.side, price);
    if (!cause)
        cause = exchange_qty_cause(instrument, false, price, qty);
    if (cause)
        return cause;
    if (qty <= done)
        return CAUSE_AMEND_FILLED;
    if (order->is_post_only && match_crosses(&instrument->book, order->match.side, price))
        return CAUSE_WOULD_TAKE;
    if (order->is_reduce_only)
        return qty - done > exchange_reducible(exchange, order->account, order->instrument,
                                               order->match.side, order)
                   ? CAUSE_REDUCE_ONLY
                   : CAUSE_NONE;
    if (exchange_is_perpetual(exchange, order->instrument))
        return exchange_margin_cause(exchange, order->account, order->instrument, order->match.side,
                                     price, qty - done, order);
    int64_t more = exchange_limit_hold(exchange, order, price, qty - done) - order->hold;
    return more > 0 && exchange_available(exchange, order->account,
                                          exchange_hold_asset(exchange, order)) < more
               ? CAUSE_BALANCE
               : CAUSE_NONE;
}

/* The queue place is lost: out, changed, in again as if it were new. */
static void requeue(struct exchange *exchange, struct exchange_order *order, int64_t price,
                    int64_t qty, const char *previous_client_id)
{
    struct match_book *book = &exchange->instruments[order->instrument].book;

    match_remove(book, &order->match);
    order->match.price = price;
    order->match.leaves += qty - order->qty;
    order->qty = qty;
    exchange_hold_settle(exchange, order);
    exchange_emit_order(exchange, EXCHANGE_ON_AMENDED, order, CAUSE_NONE, previous_client_id);
    match_take(book, &order->match, order->stp);
    exchange_finish_taking(exchange, order);
    exchange_position_settle(exchange, order->instrument);
    if (!exchange_is_open(order))
        exchange_forget(exchange, order);
}

enum exchange_cause exchange_amend(struct exchange *exchange, uint32_t account, uint64_t order_id,
                                   int64_t price, int64_t qty, const char *client_id,
                                   bool is_only_reduced, int64_t now_ns)
{
    struct exchange_order *order = exchange_own_open_order(exchange, account, order_id);
    char previous[EXCHANGE_CLIENT_ID_MAX];

    exchange->now_ns = now_ns;
    if (!order)
        return CAUSE_UNKNOWN_ORDER;
    if (price == 0)
        price = order->match.price;
    bool is_id_changed = client_id && strcmp(client_id, order->client_id) != 0;
    enum exchange_cause cause =
        amend_cause(exchange, order, price, qty, is_only_reduced, is_id_changed);
    if (cause)
        return cause;
    memcpy(previous, order->client_id, sizeof(previous));
    if (client_id)
        snprintf(order->client_id, sizeof(order->client_id), "%s", client_id);
    order->amend_count++;
    order->amended_ns = order->updated_ns = now_ns;
    if (price != order->match.price || qty > order->qty) {
        requeue(exchange, order, price, qty, previous);
        return CAUSE_NONE;
    }
    if (qty < order->qty) {
        struct match_book *book = &exchange->instruments[order->instrument].book;
        int64_t leaves = order->match.leaves - (order->qty - qty);
        order->qty = qty;
        match_reduce(book, &order->match, leaves);
        exchange_hold_settle(exchange, order);
    }
    exchange_emit_order(exchange, EXCHANGE_ON_AMENDED, order, CAUSE_NONE, previous);
    return CAUSE_NONE;
}
