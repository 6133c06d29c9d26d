/* The laws of binance_order.h for spot. */
#include "tests/fuzz/binance_order.h"

extern const struct venue venue_binance;

#define ORDER(status)                                                                              \
    "{\"symbol\":\"BTCUSDT\",\"orderId\":28,\"clientOrderId\":\"c\",\"origClientOrderId\":\"T1\"," \
    "\"price\":\"1\",\"origQty\":\"2\",\"executedQty\":\"1\",\"status\":\"" status                 \
    "\",\"timeInForce\":\"GTC\",\"type\":\"LIMIT\",\"side\":\"BUY\",\"fills\":[{\"price\":\"1\","  \
    "\"qty\":\"1\",\"commission\":\"0\",\"commissionAsset\":\"BNB\",\"tradeId\":1}]}"

static const char *const results[] = {
    ORDER("NEW"),
    ORDER("FILLED"),
    ORDER("CANCELED"),
    ORDER("EXPIRED"),
    ORDER("REJECTED"),
    "{}",
    "[]",
    "[" ORDER("CANCELED") "," ORDER("NEW") "]",
    "{\"cancelResult\":\"SUCCESS\",\"newOrderResult\":\"SUCCESS\",\"newOrderResponse\":" ORDER(
        "NEW") "}",
    "{\"balances\":[{\"asset\":\"BTC\",\"free\":\"1\",\"locked\":\"2\"}]}",
    "{\"serverTime\":1700000000000}",
    "[{\"symbol\":\"BTCUSDT\",\"id\":5,\"orderId\":6,\"price\":\"1\",\"qty\":\"1\",\"commission\":"
    "\"0\",\"commissionAsset\":\"BNB\",\"time\":1,\"isBuyer\":true,\"isMaker\":true}]",
    "{\"standardCommission\":{\"maker\":\"0.001\",\"taker\":\"0.002\"}}",
    "{\"subscriptionId\":0}",
    "{\"symbols\":[{\"symbol\":\"BTCUSDT\",\"status\":\"TRADING\",\"baseAsset\":\"BTC\","
    "\"quoteAsset\":\"USDT\"},{\"symbol\":\"ETHBTC\",\"status\":\"TRADING\",\"baseAsset\":\"ETH\","
    "\"quoteAsset\":\"BTC\"}]}",
    "{\"symbols\":[]}",
};
static const char *const errors[] = {
    "{\"code\":-2010,\"msg\":\"Duplicate order sent.\"}",
    "{\"code\":-2010,\"msg\":\"x\"}",
    "{\"code\":-2011,\"msg\":\"Unknown order sent.\"}",
    "{\"code\":-2013,\"msg\":\"x\"}",
    "{\"code\":-1003,\"msg\":\"IP banned until 1700000100000\"}",
    "{\"code\":-1015,\"msg\":\"x\"}",
    "{\"code\":-1007,\"msg\":\"x\"}",
    "{\"code\":-1121,\"msg\":\"x\"}",
    "{\"code\":-2035,\"msg\":\"x\"}",
    "{}",
    "{\"code\":-2021,\"msg\":\"x\",\"data\":{\"cancelResult\":\"SUCCESS\",\"newOrderResult\":"
    "\"FAILURE\",\"newOrderResponse\":{\"code\":-2010,\"msg\":\"x\"}}}",
    "{\"code\":-2022,\"msg\":\"x\",\"data\":{\"cancelResult\":\"FAILURE\",\"newOrderResult\":\"NOT_"
    "ATTEMPTED\",\"cancelResponse\":{\"code\":-2011,\"msg\":\"x\"}}}",
};

static const struct product product = {
    .venue = &venue_binance,
    .name = "binance",
    .symbols = { "BTCUSDT", "ETHBTC" },
    .names = { "BTC-USDT", "ETH-BTC" },
    .results = results,
    .errors = errors,
    .result_count = COUNT(results),
    .error_count = COUNT(errors),
    .connections = 1,
};
