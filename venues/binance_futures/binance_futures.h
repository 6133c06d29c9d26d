/* binance_futures.h - what the files of this folder share. Most of the codec is venues/binance's:
 * the same venue, another product. */
#ifndef TICKPIPE_VENUES_BINANCE_FUTURES_BINANCE_FUTURES_H
#define TICKPIPE_VENUES_BINANCE_FUTURES_BINANCE_FUTURES_H

#include "venues/binance/binance.h"

extern const struct venue_feed_ops binance_futures_feed_ops;
extern const struct venue_order_ops binance_futures_order_ops;

/* Linear perpetuals of exchangeInfo. Others are not listed: ERR_RANGE. */
extern const struct binance_product binance_futures_product;

/* futures_state_of gives what a contract's status word lets us do. */
wire_trading_state futures_state_of(const struct scan_value *status);

#endif
