/* exchange_internal.h - what the files of the exchange share among themselves. */
#ifndef TICKPIPE_VENUE_SIMULATOR_EXCHANGE_INTERNAL_H
#define TICKPIPE_VENUE_SIMULATOR_EXCHANGE_INTERNAL_H

#include "venue_simulator/margin.h"

enum { PPM = 1000000 };

/* exchange_emit tells an event at the exchange's time. */
void exchange_emit(struct exchange *exchange, struct exchange_event *event);

void exchange_emit_order(struct exchange *exchange, enum exchange_event_kind kind,
                         const struct exchange_order *order, enum exchange_cause cause,
                         const char *previous_client_id);

/* exchange_own_open_order finds an open order of the account, or NULL. */
struct exchange_order *exchange_own_open_order(struct exchange *exchange, uint32_t account,
                                               uint64_t order_id);

/* exchange_hold_settle gives back what the rest of the order does not need any more. */
void exchange_hold_settle(struct exchange *exchange, struct exchange_order *order);

/* exchange_finish_taking, after matching: the rest goes to the book, or ends. */
void exchange_finish_taking(struct exchange *exchange, struct exchange_order *order);

/* exchange_forget gives a finished order's record back, where no history is kept. */
void exchange_forget(struct exchange *exchange, struct exchange_order *order);

/* exchange_slot gives a free record for an account, or NULL; exchange_slot_free gives a finished
 * background record back. exchange_index_put makes an order findable by id. */
struct exchange_order *exchange_slot(struct exchange *exchange, uint32_t account);
void exchange_slot_free(struct exchange *exchange, struct exchange_order *order);
void exchange_index_put(struct exchange *exchange, struct exchange_order *order);
struct exchange_order *exchange_order_mutable(struct exchange *exchange, uint64_t order_id);

/* exchange_open_link and _unlink keep the account's list of open orders. */
void exchange_open_link(struct exchange *exchange, struct exchange_order *order);
void exchange_open_unlink(struct exchange *exchange, struct exchange_order *order);

/* exchange_keep records one side of a trade; 0 where none is kept, else its id. */
uint64_t exchange_keep(struct exchange *exchange, const struct exchange_execution *execution,
                       struct exchange_order *order);

/* exchange_limit_hold is what a limit order of so many leaves locks; of a perpetual: nothing. */
int64_t exchange_limit_hold(const struct exchange *exchange, const struct exchange_order *order,
                            int64_t price, int64_t leaves);

/* exchange_hold_asset is the asset that an order locks. */
uint32_t exchange_hold_asset(const struct exchange *exchange, const struct exchange_order *order);

/* exchange_fee is the part of an amount that rate takes, rounded down. */
int64_t exchange_fee(int64_t amount, int32_t rate_ppm);

/* exchange_price_cause checks a limit price, exchange_qty_cause a quantity, against the
 * instrument's rules. */
enum exchange_cause exchange_price_cause(const struct exchange_instrument *instrument,
                                         wire_side side, int64_t price);
enum exchange_cause exchange_qty_cause(const struct exchange_instrument *instrument, bool is_market,
                                       int64_t price, int64_t qty);

/* exchange_assess decides on a request: its cause, and what it will lock; for a market order by
 * quote also the quantity that buys. */
struct exchange_assessment {
    int64_t qty, hold;
};
enum exchange_cause exchange_assess(const struct exchange *exchange,
                                    const struct exchange_request *request,
                                    struct exchange_assessment *out);

/* ---- perpetuals ---- */

static inline bool exchange_has_position(const struct exchange *exchange, uint32_t account,
                                         uint32_t instrument)
{
    return exchange->accounts[account].positions[instrument].qty != 0;
}

/* exchange_margin_cause: whether the account's margin is enough for an order of qty at price on top
 * of what is open (replaced: an open order that it takes the place of, or NULL). */
enum exchange_cause exchange_margin_cause(const struct exchange *exchange, uint32_t account,
                                          uint32_t instrument, wire_side side, int64_t price,
                                          int64_t qty, const struct exchange_order *replaced);

/* exchange_reducible is how much an order of side may reduce the account's position by, less what
 * its other open reduce-only orders (but for one) stand for; 0: nothing. */
int64_t exchange_reducible(const struct exchange *exchange, uint32_t account, uint32_t instrument,
                           wire_side side, const struct exchange_order *but);

/* exchange_position_trade books one side of a trade on its position and wallet (the fee is taken
 * too): the part that closed, and its profit. */
struct exchange_closing {
    int64_t qty, realised;
};
struct exchange_closing exchange_position_trade(struct exchange *exchange,
                                                const struct exchange_order *order, int64_t qty,
                                                int64_t quote, int64_t fee);

/* exchange_position_settle, after matching: reduce-only orders beyond what positions have become
 * are cut or ended, a deficit of a flat account falls on the insurance fund. */
void exchange_position_settle(struct exchange *exchange, uint32_t instrument);

/* exchange_reduce_only_cut takes qty off a resting reduce-only order that is beyond its position
 * (all of its leaves: it is over). The book is the caller's matter when is_in_book is false. */
void exchange_reduce_only_cut(struct exchange *exchange, struct exchange_order *order, int64_t qty,
                              bool is_in_book);

#endif
