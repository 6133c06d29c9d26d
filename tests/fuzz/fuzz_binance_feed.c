/* The laws of binance_feed.h for spot. */
#include "tests/fuzz/binance_feed.h"

extern const struct venue venue_binance;

static const struct product product = {
    .venue = &venue_binance,
    .name = "binance",
    .info = "{\"symbols\":[{\"symbol\":\"BTCUSDT\",\"status\":\"TRADING\","
            "\"baseAsset\":\"BTC\",\"quoteAsset\":\"USDT\"},"
            "{\"symbol\":\"ETHBTC\",\"status\":\"TRADING\",\"baseAsset\":"
            "\"ETH\",\"quoteAsset\":\"BTC\"}]}",
    .symbols = { "BTCUSDT", "ETHBTC", "AAABBB" },
    .names = { "BTC-USDT", "ETH-BTC" },
    .connections = 1,
};
