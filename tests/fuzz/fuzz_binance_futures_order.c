/* The laws of binance_order.h for futures. */
#include "tests/fuzz/binance_order.h"

extern const struct venue venue_binance_futures;

#define ORDER(status)                                                                              \
    "{\"symbol\":\"BTCUSDT\",\"orderId\":28,\"clientOrderId\":\"T1\",\"price\":\"1\",\"origQty\":" \
    "\"2\",\"executedQty\":\"1\",\"status\":\"" status                                             \
    "\",\"timeInForce\":\"GTC\",\"type\":\"LIMIT\",\"side\":\"BUY\",\"reduceOnly\":false}"

static const char *const results[] = {
    ORDER("NEW"),
    ORDER("FILLED"),
    ORDER("CANCELED"),
    ORDER("EXPIRED"),
    ORDER("REJECTED"),
    "{}",
    "[]",
    "[" ORDER("CANCELED") "," ORDER("NEW") "]",
    "{\"code\":200,\"msg\":\"done\"}",
    "{\"serverTime\":1700000000000}",
    "{\"assets\":[{\"asset\":\"USDT\",\"walletBalance\":\"5\",\"availableBalance\":\"4\"}]}",
    "[{\"symbol\":\"BTCUSDT\",\"positionSide\":\"BOTH\",\"positionAmt\":\"-1\",\"entryPrice\":"
    "\"2\","
    "\"markPrice\":\"3\",\"unRealizedProfit\":\"-1\",\"marginAsset\":\"USDT\"}]",
    "[{\"symbol\":\"BTCUSDT\",\"positionSide\":\"LONG\",\"positionAmt\":\"1\"}]",
    "{\"dualSidePosition\":true,\"canTrade\":true}",
    "{\"dualSidePosition\":false,\"multiAssetsMargin\":true,\"canTrade\":true}",
    "[{\"symbol\":\"BTCUSDT\",\"leverage\":21},{\"symbol\":\"X\",\"leverage\":1}]",
    "{\"makerCommissionRate\":\"0.0002\",\"takerCommissionRate\":\"0.0005\"}",
    "[{\"symbol\":\"BTCUSDT\",\"incomeType\":\"FUNDING_FEE\",\"income\":\"-0.5\",\"asset\":"
    "\"USDT\","
    "\"time\":1700000000000,\"tranId\":9}]",
    "{\"symbol\":\"BTCUSDT\",\"countdownTime\":\"5000\"}",
    "{\"listenKey\":\"aKeyOfTheVenue1\"}",
    "[{\"symbol\":\"BTCUSDT\",\"id\":5,\"orderId\":6,\"side\":\"BUY\",\"price\":\"1\",\"qty\":"
    "\"1\","
    "\"realizedPnl\":\"-1\",\"commission\":\"0\",\"commissionAsset\":\"USDT\",\"time\":1,\"buyer\":"
    "true,\"maker\":true}]",
    "{\"symbols\":[{\"symbol\":\"BTCUSDT\",\"pair\":\"BTCUSDT\",\"contractType\":\"PERPETUAL\","
    "\"status\":\"TRADING\",\"baseAsset\":\"BTC\",\"quoteAsset\":\"USDT\",\"marginAsset\":\"USDT\","
    "\"filters\":[{\"filterType\":\"PRICE_FILTER\",\"tickSize\":\"0.1\"},{\"filterType\":"
    "\"LOT_SIZE\",\"minQty\":\"0.001\",\"maxQty\":\"1000\",\"stepSize\":\"0.001\"}]},{\"symbol\":"
    "\"ETHUSDT\",\"pair\":\"ETHUSDT\",\"contractType\":\"PERPETUAL\",\"status\":\"TRADING\","
    "\"baseAsset\":\"ETH\",\"quoteAsset\":\"USDT\",\"marginAsset\":\"USDT\"}]}",
    "{\"symbols\":[]}",
};
static const char *const errors[] = {
    "{\"code\":-4116,\"msg\":\"ClientOrderId is duplicated.\"}",
    "{\"code\":-2019,\"msg\":\"x\"}",
    "{\"code\":-2011,\"msg\":\"Unknown order sent.\"}",
    "{\"code\":-2013,\"msg\":\"x\"}",
    "{\"code\":-1003,\"msg\":\"IP banned until 1700000100000\"}",
    "{\"code\":-1015,\"msg\":\"x\"}",
    "{\"code\":-1007,\"msg\":\"x\"}",
    "{\"code\":-1008,\"msg\":\"x\"}",
    "{\"code\":-1121,\"msg\":\"x\"}",
    "{\"code\":-1125,\"msg\":\"x\"}",
    "{\"code\":-2022,\"msg\":\"x\"}",
    "{\"code\":-5027,\"msg\":\"x\"}",
    "{\"code\":-4061,\"msg\":\"x\"}",
    "{}",
};

#define EVENT(x, state)                                                                            \
    "{\"e\":\"ORDER_TRADE_UPDATE\",\"E\":1,\"T\":1,\"o\":{\"s\":\"BTCUSDT\",\"c\":\"T1\",\"S\":"   \
    "\"BUY\",\"o\":\"LIMIT\",\"f\":\"GTC\",\"q\":\"2\",\"p\":\"1\",\"x\":\"" x "\",\"X\":\"" state \
    "\",\"i\":28,\"l\":\"1\",\"z\":\"1\",\"L\":\"1\",\"n\":\"0.1\",\"N\":\"USDT\",\"T\":1,\"t\":"  \
    "7,\"m\":true,\"R\":false,\"rp\":\"-1\",\"er\":\"2\"}}"
#define ACCOUNT(reason)                                                                           \
    "{\"e\":\"ACCOUNT_UPDATE\",\"E\":1,\"T\":1700000000000,\"a\":{\"m\":\"" reason                \
    "\",\"B\":[{\"a\":\"USDT\",\"wb\":\"92233720368\",\"cw\":\"1\",\"bc\":\"1\"}],\"P\":[{\"s\":" \
    "\"BTCUSDT\",\"pa\":\"1\",\"ep\":\"2\",\"up\":\"3\",\"mt\":\"cross\",\"iw\":\"0\",\"ps\":"    \
    "\"BOTH\"}]}}"

static const char *const events[] = {
    EVENT("NEW", "NEW"),
    EVENT("TRADE", "PARTIALLY_FILLED"),
    EVENT("TRADE", "FILLED"),
    EVENT("CANCELED", "CANCELED"),
    EVENT("EXPIRED", "EXPIRED"),
    EVENT("AMENDMENT", "NEW"),
    EVENT("CALCULATED", "FILLED"),
    ACCOUNT("ORDER"),
    ACCOUNT("FUNDING_FEE"),
    ACCOUNT("DEPOSIT"),
    "{\"e\":\"ACCOUNT_UPDATE\",\"E\":1,\"T\":1,\"a\":{\"m\":\"ORDER\",\"B\":[{\"a\":\"USDT\","
    "\"wb\":"
    "\"-92233720368\",\"bc\":\"0\"}],\"P\":[]}}",
    "{\"e\":\"listenKeyExpired\",\"E\":1,\"listenKey\":\"aKeyOfTheVenue1\"}",
    "{\"e\":\"ACCOUNT_CONFIG_UPDATE\",\"E\":1,\"T\":1,\"ac\":{\"s\":\"BTCUSDT\",\"l\":25}}",
    "{\"e\":\"MARGIN_CALL\",\"E\":1,\"cw\":\"3\",\"p\":[]}",
};

static const struct product product = {
    .venue = &venue_binance_futures,
    .name = "binance_futures",
    .symbols = { "BTCUSDT", "ETHUSDT" },
    .names = { "BTC-USDT-PERP", "ETH-USDT-PERP" },
    .results = results,
    .errors = errors,
    .result_count = COUNT(results),
    .error_count = COUNT(errors),
    .connections = 2,
    .events = events,
    .event_count = COUNT(events),
};
