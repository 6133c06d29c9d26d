/* The laws of binance_feed.h for futures. */
#include "tests/fuzz/binance_feed.h"

extern const struct venue venue_binance_futures;

static const struct product product = {
    .venue = &venue_binance_futures,
    .name = "binance_futures",
    .info = "{\"symbols\":[{\"symbol\":\"BTCUSDT\",\"pair\":\"BTCUSDT\",\"contractType\":"
            "\"PERPETUAL\",\"status\":\"TRADING\",\"baseAsset\":\"BTC\",\"quoteAsset\":\"USDT\","
            "\"marginAsset\":\"USDT\"},{\"symbol\":\"ETHUSDT\",\"pair\":\"ETHUSDT\","
            "\"contractType\":\"PERPETUAL\",\"status\":\"TRADING\",\"baseAsset\":\"ETH\","
            "\"quoteAsset\":\"USDT\",\"marginAsset\":\"USDT\"}]}",
    .symbols = { "BTCUSDT", "ETHUSDT", "AAABBB" },
    .names = { "BTC-USDT-PERP", "ETH-USDT-PERP" },
    .connections = 2,
    .has_pu = true,
};
