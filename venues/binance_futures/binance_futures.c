/* Binance USD-M futures. What each file knows: metadata.c contracts, feed.c the market stream
 * beyond spot's, order.c the session and its commands, errors.c what refusals mean here. */
#include "venues/binance_futures/binance_futures.h"

const struct venue venue_binance_futures = {
    .name = "binance_futures",
    .feed = &binance_futures_feed_ops,
    .order = &binance_futures_order_ops,
    .auth_method = "HMAC_SHA256",
    .rest_url = "https://fapi.binance.com",
    .feed_ws_url = "wss://fstream.binance.com",
    .order_ws_url = "wss://ws-fapi.binance.com/ws-fapi/v1",
    .order_stream_url = "wss://fstream.binance.com",
    .testnet_order_stream_url = "wss://demo-fstream.binance.com",
    .testnet_rest_url = "https://demo-fapi.binance.com",
    .testnet_feed_ws_url = "wss://demo-fstream.binance.com",
    .testnet_order_ws_url = "wss://testnet.binancefuture.com/ws-fapi/v1",
};
