/* exchange_internal.h - what the files of the exchange share among themselves. */
#ifndef TICKPIPE_VENUE_SIMULATOR_EXCHANGE_INTERNAL_H
#define TICKPIPE_VENUE_SIMULATOR_EXCHANGE_INTERNAL_H

#include "venue_simulator/exchange.h"

enum { PPM = 1000000 };

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

/* exchange_limit_hold is what a limit order of so many leaves locks. */
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

#endif
