/* Deribit: market data of spot and linear perpetuals; no orders. See README.md. */
#include "venues/deribit/feed.h"

const struct venue venue_deribit = {
    .name = "deribit",
    .feed = &deribit_feed_ops,
    .rest_url = "https://www.deribit.com",
    .feed_ws_url = "wss://www.deribit.com",
    .testnet_rest_url = "https://test.deribit.com",
    .testnet_feed_ws_url = "wss://test.deribit.com",
};
