/* registry.h - every venue, one line each: name of its folder, and whether the simulator speaks it.
 *
 * The client side is `const struct venue venue_NAME`, the simulator side `const struct sim_venue
 * sim_NAME`. This list is all that the rest of the program knows of which venues there are. */
#ifndef TICKPIPE_VENUES_REGISTRY_H
#define TICKPIPE_VENUES_REGISTRY_H

#define VENUES(X)                 \
    X(binance, SIMULATED)         \
    X(kraken, SIMULATED)          \
    X(coinbase, SIMULATED)        \
    X(bybit, SIMULATED)           \
    X(binance_futures, SIMULATED) \
    X(okx, SIMULATED)             \
    X(deribit, NOT_SIMULATED)

#endif
