/* The requests of spot, and what else is its own on the order side. */
#include "venues/binance/order.h"

static const struct order_spec specs[REQUEST_KINDS] = {
    [REQUEST_PLACE] = { "POST",
                        "/api/v3/order",
                        "order.place",
                        AUTH_SIGNED,
                        false,
                        { { "timestamp", SLOT_TIMESTAMP, 0 },
                          { "symbol", SLOT_SYMBOL, 0 },
                          { "side", SLOT_SIDE, 0 },
                          { "newClientOrderId", SLOT_CLIENT_ID, 0 },
                          { "newOrderRespType", SLOT_TEXT, "FULL" }, /* One answer says all. */
                          { "type", SLOT_TYPE, 0 },
                          { "quantity", SLOT_QTY, 0 },
                          { "price", SLOT_PRICE, 0 },
                          { "timeInForce", SLOT_TIME_IN_FORCE, 0 },
                          { "recvWindow", SLOT_WINDOW, 0 } } },
    [REQUEST_CANCEL] = { "DELETE",
                         "/api/v3/order",
                         "order.cancel",
                         AUTH_SIGNED,
                         true,
                         { { "timestamp", SLOT_TIMESTAMP, 0 },
                           { "symbol", SLOT_SYMBOL, 0 },
                           { "orderId", SLOT_ORDER_ID, 0 },
                           { "origClientOrderId", SLOT_ORIGINAL_ID, 0 },
                           { "recvWindow", SLOT_WINDOW, 0 } } },
    [REQUEST_REPLACE] = { "POST",
                          "/api/v3/order/cancelReplace",
                          "order.cancelReplace",
                          AUTH_SIGNED,
                          false,
                          { { "timestamp", SLOT_TIMESTAMP, 0 },
                            { "symbol", SLOT_SYMBOL, 0 },
                            { "side", SLOT_SIDE, 0 },
                            { "cancelReplaceMode", SLOT_TEXT, "STOP_ON_FAILURE" },
                            { "cancelOrderId", SLOT_ORDER_ID, 0 },
                            { "cancelOrigClientOrderId", SLOT_ORIGINAL_ID, 0 },
                            { "cancelRestrictions", SLOT_RESTRICTION, 0 },
                            { "newClientOrderId", SLOT_CLIENT_ID, 0 },
                            { "newOrderRespType", SLOT_TEXT, "FULL" },
                            { "type", SLOT_TYPE, 0 },
                            { "quantity", SLOT_QTY, 0 },
                            { "price", SLOT_PRICE, 0 },
                            { "timeInForce", SLOT_TIME_IN_FORCE, 0 },
                            { "recvWindow", SLOT_WINDOW, 0 } } },
    [REQUEST_AMEND] = { "PUT",
                        "/api/v3/order/amend/keepPriority",
                        "order.amend.keepPriority",
                        AUTH_SIGNED,
                        false,
                        { { "timestamp", SLOT_TIMESTAMP, 0 },
                          { "symbol", SLOT_SYMBOL, 0 },
                          { "orderId", SLOT_ORDER_ID, 0 },
                          { "origClientOrderId", SLOT_ORIGINAL_ID, 0 },
                          { "newClientOrderId", SLOT_CLIENT_ID, 0 }, /* The same: it keeps it. */
                          { "newQty", SLOT_QTY, 0 },
                          { "recvWindow", SLOT_WINDOW, 0 } } },
    [REQUEST_QUERY] = { "GET",
                        "/api/v3/order",
                        "order.status",
                        AUTH_SIGNED,
                        false,
                        { { "timestamp", SLOT_TIMESTAMP, 0 },
                          { "symbol", SLOT_SYMBOL, 0 },
                          { "orderId", SLOT_ORDER_ID, 0 },
                          { "origClientOrderId", SLOT_ORIGINAL_ID, 0 },
                          { "recvWindow", SLOT_WINDOW, 0 } } },
    [REQUEST_OPEN_ORDERS] = { "GET",
                              "/api/v3/openOrders",
                              "openOrders.status",
                              AUTH_SIGNED,
                              false,
                              { { "timestamp", SLOT_TIMESTAMP, 0 },
                                { "symbol", SLOT_SYMBOL, 0 },
                                { "recvWindow", SLOT_WINDOW, 0 } } },
    [REQUEST_CANCEL_ALL] = { "DELETE",
                             "/api/v3/openOrders",
                             "openOrders.cancelAll",
                             AUTH_SIGNED,
                             true,
                             { { "timestamp", SLOT_TIMESTAMP, 0 },
                               { "symbol", SLOT_SYMBOL, 0 },
                               { "recvWindow", SLOT_WINDOW, 0 } } },
    [REQUEST_ACCOUNT] = { "GET",
                          "/api/v3/account",
                          "account.status",
                          AUTH_SIGNED,
                          false,
                          { { "timestamp", SLOT_TIMESTAMP, 0 },
                            { "recvWindow", SLOT_WINDOW, 0 } } },
    [REQUEST_TRADES] = { "GET",
                         "/api/v3/myTrades",
                         "myTrades",
                         AUTH_SIGNED,
                         false,
                         { { "timestamp", SLOT_TIMESTAMP, 0 },
                           { "symbol", SLOT_SYMBOL, 0 },
                           { "startTime", SLOT_START, 0 },
                           { "endTime", SLOT_END, 0 },
                           { "fromId", SLOT_FROM, 0 },
                           { "limit", SLOT_LIMIT, 0 },
                           { "recvWindow", SLOT_WINDOW, 0 } } },
    [REQUEST_COMMISSION] = { "GET",
                             "/api/v3/account/commission",
                             "account.commission",
                             AUTH_SIGNED,
                             false,
                             { { "timestamp", SLOT_TIMESTAMP, 0 }, { "symbol", SLOT_SYMBOL, 0 } } },
    [REQUEST_TIME] = { "GET", "/api/v3/time", "time", AUTH_NONE, false, { { 0 } } },
    [REQUEST_SUBSCRIBE] = { NULL,
                            NULL,
                            "userDataStream.subscribe.signature",
                            AUTH_SIGNED,
                            false,
                            { { "timestamp", SLOT_TIMESTAMP, 0 } } },
    [REQUEST_METADATA] = { "GET", "/api/v3/exchangeInfo", NULL, AUTH_NONE, false, { { 0 } } },
};

static uint32_t weight_of(enum request_kind kind, bool has_symbol)
{
    switch (kind) {
    case REQUEST_QUERY:
    case REQUEST_AMEND:
        return 4;
    case REQUEST_OPEN_ORDERS:
        return has_symbol ? 6 : 80;
    case REQUEST_ACCOUNT:
    case REQUEST_TRADES:
    case REQUEST_COMMISSION:
    case REQUEST_METADATA:
        return 20;
    default:
        return 1;
    }
}

static const struct order_product spot = {
    .product = &binance_spot,
    .ws_path = "/ws-api/v3",
    .specs = specs,
    .weight_limit = 6000,
    .takes_ed25519 = true,
    .orders_interval = "DAY",
    .orders_header = "x-mbx-order-count-1d",
    .orders_name = "ORDERS 1d",
    .trades_window_ns = 24 * 3600 * NS_PER_S,
    .weight = weight_of,
    .refusal = order_refusal_of,
};

static int spot_init(void *state, const struct venue_order_config *config)
{
    return binance_order_open(state, config, &spot);
}

const struct venue_order_ops binance_order_ops = {
    .state_size = sizeof(struct binance_order),
    .init = spot_init,
    .fini = binance_order_fini,
    .connections = binance_order_connections,
    .start = binance_order_start,
    .opened = binance_order_opened,
    .closed = binance_order_closed,
    .frame = order_on_frame,
    .http = order_on_http,
    .tick = binance_order_tick,
    .command = binance_order_command,
    .client_order_id_max = ORDER_CLIENT_ID_MAX,
    .reduces_in_place = true,
    .client_order_id_charset = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
};
