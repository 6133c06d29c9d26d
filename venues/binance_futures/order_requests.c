/* What is asked of futures: one line of parameters a request, in the order of the REST query. Lists
 * and the account's settings have no WebSocket method. */
#include "venues/binance_futures/order.h"

/* clang-format off */
static const struct order_spec specs[REQUEST_KINDS] = {
    /* Over REST the venue documents the protective EXPIRE_MAKER as default, over WebSocket NONE. */
    [REQUEST_PLACE] = { "POST", "/fapi/v1/order", "order.place", AUTH_SIGNED, false,
                        { { "timestamp", SLOT_TIMESTAMP, 0 },
                          { "symbol", SLOT_SYMBOL, 0 },
                          { "side", SLOT_SIDE, 0 },
                          { "newClientOrderId", SLOT_CLIENT_ID, 0 },
                          { "newOrderRespType", SLOT_TEXT, "RESULT" },
                          { "type", SLOT_TYPE, 0 },
                          { "quantity", SLOT_QTY, 0 },
                          { "price", SLOT_PRICE, 0 },
                          { "timeInForce", SLOT_TIME_IN_FORCE, 0 },
                          { "reduceOnly", SLOT_REDUCE_ONLY, 0 },
                          { "selfTradePreventionMode", SLOT_WS_TEXT, "EXPIRE_MAKER" },
                          { "recvWindow", SLOT_WINDOW, 0 } } },
    [REQUEST_CANCEL] = { "DELETE", "/fapi/v1/order", "order.cancel", AUTH_SIGNED, true,
                         { { "timestamp", SLOT_TIMESTAMP, 0 },
                           { "symbol", SLOT_SYMBOL, 0 },
                           { "orderId", SLOT_ORDER_ID, 0 },
                           { "origClientOrderId", SLOT_ORIGINAL_ID, 0 },
                           { "recvWindow", SLOT_WINDOW, 0 } } },
    [REQUEST_REPLACE] = { "PUT", "/fapi/v1/order", "order.modify", AUTH_SIGNED, false,
                          { { "timestamp", SLOT_TIMESTAMP, 0 },
                            { "symbol", SLOT_SYMBOL, 0 },
                            { "orderId", SLOT_ORDER_ID, 0 },
                            { "origClientOrderId", SLOT_ORIGINAL_ID, 0 },
                            { "side", SLOT_SIDE, 0 },
                            { "quantity", SLOT_QTY, 0 },
                            { "price", SLOT_PRICE, 0 },
                            { "recvWindow", SLOT_WINDOW, 0 } } },
    [REQUEST_QUERY] = { "GET", "/fapi/v1/order", "order.status", AUTH_SIGNED, false,
                        { { "timestamp", SLOT_TIMESTAMP, 0 },
                          { "symbol", SLOT_SYMBOL, 0 },
                          { "orderId", SLOT_ORDER_ID, 0 },
                          { "origClientOrderId", SLOT_ORIGINAL_ID, 0 },
                          { "recvWindow", SLOT_WINDOW, 0 } } },
    [REQUEST_OPEN_ORDERS] = { "GET", "/fapi/v1/openOrders", NULL, AUTH_SIGNED, false,
                              { { "timestamp", SLOT_TIMESTAMP, 0 },
                                { "symbol", SLOT_SYMBOL, 0 },
                                { "recvWindow", SLOT_WINDOW, 0 } } },
    [REQUEST_CANCEL_ALL] = { "DELETE", "/fapi/v1/allOpenOrders", NULL, AUTH_SIGNED, true,
                             { { "timestamp", SLOT_TIMESTAMP, 0 },
                               { "symbol", SLOT_SYMBOL, 0 },
                               { "recvWindow", SLOT_WINDOW, 0 } } },
    [REQUEST_ACCOUNT] = { "GET", "/fapi/v3/account", "v2/account.status", AUTH_SIGNED, false,
                          { { "timestamp", SLOT_TIMESTAMP, 0 },
                            { "recvWindow", SLOT_WINDOW, 0 } } },
    [REQUEST_POSITIONS] = { "GET", "/fapi/v3/positionRisk", "v2/account.position", AUTH_SIGNED, false,
                            { { "timestamp", SLOT_TIMESTAMP, 0 },
                              { "symbol", SLOT_SYMBOL, 0 },
                              { "recvWindow", SLOT_WINDOW, 0 } } },
    [REQUEST_TRADES] = { "GET", "/fapi/v1/userTrades", NULL, AUTH_SIGNED, false,
                         { { "timestamp", SLOT_TIMESTAMP, 0 },
                           { "symbol", SLOT_SYMBOL, 0 },
                           { "startTime", SLOT_START, 0 },
                           { "endTime", SLOT_END, 0 },
                           { "fromId", SLOT_FROM, 0 },
                           { "limit", SLOT_LIMIT, 0 },
                           { "recvWindow", SLOT_WINDOW, 0 } } },
    [REQUEST_COMMISSION] = { "GET", "/fapi/v1/commissionRate", NULL, AUTH_SIGNED, false,
                             { { "timestamp", SLOT_TIMESTAMP, 0 },
                               { "symbol", SLOT_SYMBOL, 0 },
                               { "recvWindow", SLOT_WINDOW, 0 } } },
    [REQUEST_ACCOUNT_MODE] = { "GET", "/fapi/v1/accountConfig", NULL, AUTH_SIGNED, false,
                               { { "timestamp", SLOT_TIMESTAMP, 0 },
                                 { "recvWindow", SLOT_WINDOW, 0 } } },
    [REQUEST_LEVERAGE] = { "GET", "/fapi/v1/symbolConfig", NULL, AUTH_SIGNED, false,
                           { { "timestamp", SLOT_TIMESTAMP, 0 },
                             { "recvWindow", SLOT_WINDOW, 0 } } },
    [REQUEST_FUNDING] = { "GET", "/fapi/v1/income", NULL, AUTH_SIGNED, false,
                          { { "timestamp", SLOT_TIMESTAMP, 0 },
                            { "symbol", SLOT_SYMBOL, 0 },
                            { "incomeType", SLOT_TEXT, "FUNDING_FEE" },
                            { "startTime", SLOT_START, 0 },
                            { "limit", SLOT_LIMIT, 0 },
                            { "recvWindow", SLOT_WINDOW, 0 } } },
    [REQUEST_DEAD_MAN] = { "POST", "/fapi/v1/countdownCancelAll", NULL, AUTH_SIGNED, false,
                           { { "timestamp", SLOT_TIMESTAMP, 0 },
                             { "symbol", SLOT_SYMBOL, 0 },
                             { "countdownTime", SLOT_COUNTDOWN, 0 },
                             { "recvWindow", SLOT_WINDOW, 0 } } },
    [REQUEST_KEY_MAKE] = { "POST", "/fapi/v1/listenKey", NULL, AUTH_KEY, false, { { 0 } } },
    [REQUEST_KEY_KEEP] = { "PUT", "/fapi/v1/listenKey", NULL, AUTH_KEY, false, { { 0 } } },
    [REQUEST_TIME] = { "GET", "/fapi/v1/time", NULL, AUTH_NONE, false, { { 0 } } },
    [REQUEST_METADATA] = { "GET", "/fapi/v1/exchangeInfo", NULL, AUTH_NONE, false, { { 0 } } },
};
/* clang-format on */

static uint32_t weight_of(enum request_kind kind, bool has_symbol)
{
    switch (kind) {
    case REQUEST_PLACE:
    case REQUEST_REPLACE:
        return 0; /* Counted as orders. */
    case REQUEST_OPEN_ORDERS:
        return has_symbol ? 1 : 40;
    case REQUEST_ACCOUNT:
    case REQUEST_POSITIONS:
    case REQUEST_TRADES:
    case REQUEST_ACCOUNT_MODE:
    case REQUEST_LEVERAGE:
        return 5;
    case REQUEST_DEAD_MAN:
        return 10;
    case REQUEST_COMMISSION:
        return 20;
    case REQUEST_FUNDING:
        return 30;
    default:
        return 1;
    }
}

const struct order_product futures_orders = {
    .product = &binance_futures_product,
    .ws_path = "/ws-fapi/v1",
    .specs = specs,
    .weight_limit = 2400,
    .orders_interval = "MINUTE",
    .orders_header = "x-mbx-order-count-1m",
    .orders_name = "ORDERS 1m",
    .trades_window_ns = 7 * 24 * 3600 * NS_PER_S,
    .is_margin = true,
    .amends_in_place = true,
    .weight = weight_of,
    .refusal = futures_refusal_of,
    .answer = futures_on_answer,
    .refused = futures_on_refused,
};
