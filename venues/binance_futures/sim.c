/* sim.c - the Binance USD-M futures side of the simulator: its table of operations and the plug. */
#include "venues/binance_futures/sim_futures.h"

#include <string.h>

#define ORDER  (CALL_ORDER | CALL_ORDER_HEADERS)
#define PLACED (ORDER | CALL_COUNTS_ORDER)

/* verb, path, WebSocket method, weight, security, flags */
/* clang-format off */
static const struct endpoint endpoints[] = {
    { "GET", "/fapi/v1/ping", NULL, 1, SECURITY_NONE, 0, bsim_run_ping },
    { "GET", "/fapi/v1/time", NULL, 1, SECURITY_NONE, 0, bsim_run_time },
    { "GET", "/fapi/v1/exchangeInfo", NULL, 1, SECURITY_NONE, 0, fsim_run_exchange_info },
    { "GET", "/fapi/v1/depth", "depth", 2, SECURITY_NONE, 0, fsim_run_depth },
    { "GET", "/fapi/v1/trades", NULL, 5, SECURITY_NONE, 0, fsim_run_trades },
    { "GET", "/fapi/v1/aggTrades", NULL, 20, SECURITY_NONE, 0, bsim_run_agg_trades },
    { "GET", "/fapi/v1/premiumIndex", NULL, 1, SECURITY_NONE, 0, fsim_run_premium_index },
    { "GET", "/fapi/v1/fundingRate", NULL, 0, SECURITY_NONE, 0, fsim_run_funding_rate },
    { "GET", "/fapi/v1/fundingInfo", NULL, 0, SECURITY_NONE, 0, fsim_run_funding_info },
    { "GET", "/fapi/v1/openInterest", NULL, 1, SECURITY_NONE, 0, fsim_run_open_interest },
    { "GET", "/fapi/v1/ticker/price", "ticker.price", 1, SECURITY_NONE, 0, fsim_run_ticker_price },
    { "GET", "/fapi/v2/ticker/price", NULL, 1, SECURITY_NONE, 0, fsim_run_ticker_price },
    { "GET", "/fapi/v1/ticker/bookTicker", "ticker.book", 2, SECURITY_NONE, 0, fsim_run_ticker_book },
    { "GET", "/fapi/v1/ticker/24hr", NULL, 1, SECURITY_NONE, 0, fsim_run_ticker_24hr },
    { "POST", "/fapi/v1/order", "order.place", 0, SECURITY_SIGNED, PLACED, fsim_run_place },
    { "POST", "/fapi/v1/order/test", NULL, 1, SECURITY_SIGNED, 0, fsim_run_test },
    { "PUT", "/fapi/v1/order", "order.modify", 0, SECURITY_SIGNED, PLACED, fsim_run_modify },
    { "DELETE", "/fapi/v1/order", "order.cancel", 1, SECURITY_SIGNED, ORDER, fsim_run_cancel },
    { "GET", "/fapi/v1/order", "order.status", 1, SECURITY_SIGNED, 0, fsim_run_query },
    { "DELETE", "/fapi/v1/allOpenOrders", NULL, 1, SECURITY_SIGNED, ORDER, fsim_run_cancel_all },
    { "POST", "/fapi/v1/countdownCancelAll", NULL, 10, SECURITY_SIGNED, 0, fsim_run_countdown },
    { "GET", "/fapi/v1/openOrder", NULL, 1, SECURITY_SIGNED, 0, fsim_run_open_order },
    { "GET", "/fapi/v1/openOrders", NULL, 1, SECURITY_SIGNED, 0, fsim_run_open_orders },
    { "GET", "/fapi/v1/allOrders", NULL, 5, SECURITY_SIGNED, 0, fsim_run_all_orders },
    { "GET", "/fapi/v1/userTrades", NULL, 5, SECURITY_SIGNED, 0, fsim_run_user_trades },
    { "GET", "/fapi/v2/account", "account.status", 5, SECURITY_SIGNED, 0, fsim_run_account_v2 },
    { "GET", "/fapi/v3/account", "v2/account.status", 5, SECURITY_SIGNED, 0, fsim_run_account_v3 },
    { "GET", "/fapi/v2/balance", "account.balance", 5, SECURITY_SIGNED, 0, fsim_run_balance },
    { "GET", "/fapi/v3/balance", "v2/account.balance", 5, SECURITY_SIGNED, 0, fsim_run_balance },
    { "GET", "/fapi/v2/positionRisk", "account.position", 5, SECURITY_SIGNED, 0, fsim_run_positions_v2 },
    { "GET", "/fapi/v3/positionRisk", "v2/account.position", 5, SECURITY_SIGNED, 0, fsim_run_positions_v3 },
    { "GET", "/fapi/v1/accountConfig", NULL, 5, SECURITY_SIGNED, 0, fsim_run_account_config },
    { "GET", "/fapi/v1/symbolConfig", NULL, 5, SECURITY_SIGNED, 0, fsim_run_symbol_config },
    { "GET", "/fapi/v1/positionSide/dual", NULL, 30, SECURITY_SIGNED, 0, fsim_run_mode },
    { "POST", "/fapi/v1/positionSide/dual", NULL, 1, SECURITY_SIGNED, 0, fsim_run_set_mode },
    { "GET", "/fapi/v1/multiAssetsMargin", NULL, 30, SECURITY_SIGNED, 0, fsim_run_multi_assets },
    { "POST", "/fapi/v1/leverage", NULL, 1, SECURITY_SIGNED, 0, fsim_run_set_leverage },
    { "POST", "/fapi/v1/marginType", NULL, 1, SECURITY_SIGNED, 0, fsim_run_set_margin_type },
    { "GET", "/fapi/v1/leverageBracket", NULL, 1, SECURITY_SIGNED, 0, fsim_run_brackets },
    { "GET", "/fapi/v1/commissionRate", NULL, 20, SECURITY_SIGNED, 0, fsim_run_commission },
    { "GET", "/fapi/v1/income", NULL, 30, SECURITY_SIGNED, 0, fsim_run_income },
    { "GET", "/fapi/v1/rateLimit/order", NULL, 1, SECURITY_SIGNED, 0, fsim_run_rate_limit_order },
    { "POST", "/fapi/v1/listenKey", "userDataStream.start", 1, SECURITY_KEY, 0, fsim_run_key_make },
    { "PUT", "/fapi/v1/listenKey", "userDataStream.ping", 1, SECURITY_KEY, 0, fsim_run_key_keep },
    { "DELETE", "/fapi/v1/listenKey", "userDataStream.stop", 1, SECURITY_KEY, 0, fsim_run_key_close },
};

static const struct bsim_cause causes[] = {
    { CAUSE_TICK, -4014, "Price not increased by tick size." },
    { CAUSE_PRICE_RANGE, -4002, "Price greater than max price." },
    { CAUSE_PRICE_BAND, -4016, "Limit price can't be higher than the allowed multiple of the mark price." },
    { CAUSE_LOT, -4023, "Qty not increased by step size." },
    { CAUSE_MIN_QTY, -4004, "Quantity less than min quantity." },
    { CAUSE_MAX_QTY, -4005, "Quantity greater than max quantity." },
    { CAUSE_MARKET_MAX_QTY, -4005, "Quantity greater than max quantity." },
    { CAUSE_MIN_NOTIONAL, -4164, "Order's notional must be no smaller than the minimum (unless you choose reduce only)." },
    { CAUSE_MAX_NOTIONAL, -4005, "Quantity greater than max quantity." },
    { CAUSE_MAX_ORDERS, -2025, "Reach max open order limit." },
    { CAUSE_BALANCE, -2019, "Margin is insufficient." },
    { CAUSE_MARGIN, -2019, "Margin is insufficient." },
    { CAUSE_REDUCE_ONLY, -2022, "ReduceOnly Order is rejected." },
    { CAUSE_WOULD_TAKE, -5022, "Due to the order could not be executed as maker, the Post Only order will be rejected. The order will not be recorded in the order history" },
    { CAUSE_DUPLICATE_CLIENT_ID, -4116, "ClientOrderId is duplicated." },
    { CAUSE_HALTED, -4141, "Symbol is closed." },
    { CAUSE_CANCEL_ONLY, -4140, "Invalid symbol status for opening position." },
    { CAUSE_POST_ONLY_MODE, -4140, "Invalid symbol status for opening position." },
    { CAUSE_NO_LIQUIDITY, -4131, "The counterparty's best price does not meet the PERCENT_PRICE filter limit." },
    { CAUSE_UNKNOWN_ORDER, -2013, "Order does not exist." },
    { CAUSE_NO_CHANGE, -5027, "No need to modify the order." },
    { CAUSE_AMEND_LIMIT, -5026, "Exceed maximum modify order limit." },
    { CAUSE_LEVERAGE, -4028, "Leverage is not valid" },
    { CAUSE_OPEN_POSITION, -4068, "Position side cannot be changed if there exists position." },
    { CAUSE_CAPACITY, -1008, "Request throttled by system-level protection. Reduce-only/close-position orders are exempt. Please try again." },
};
/* clang-format on */

static void run_session_status(struct call *call)
{
    if (bsim_call_all_read(call))
        sim_textf(call->out,
                  "{\"apiKey\":null,\"authorizedSince\":null,\"connectedSince\":%lld,"
                  "\"returnRateLimits\":true,\"serverTime\":%lld}",
                  (long long)bsim_ms_of(call->ws->opened_ns),
                  (long long)bsim_ms_of(call->sim->now_ns));
}

/* For Ed25519 keys alone; those of the simulator are HMAC. */
static void run_session_logon(struct call *call)
{
    bsim_call_error(call, 400, -4056, "HMAC_SHA256 API key is not supported.");
}

static const struct endpoint methods[] = {
    { NULL, NULL, "session.status", 2, SECURITY_NONE, 0, run_session_status },
    { NULL, NULL, "session.logout", 2, SECURITY_NONE, 0, run_session_status },
    { NULL, NULL, "session.logon", 2, SECURITY_SIGNED, 0, run_session_logon },
};

static const struct bsim_product product = {
    .kind = INSTRUMENT_PERPETUAL,
    .endpoints = endpoints,
    .endpoint_count = COUNT(endpoints),
    .methods = methods,
    .method_count = COUNT(methods),
    .causes = causes,
    .cause_count = COUNT(causes),
    .api_path = "/ws-fapi/v1",
    .api_version = "v1/",
    .api_weight = 5,
    .weight_limit = 2400,
    .orders_10s_limit = 300,
    .orders_long_limit = 1200,
    .orders_long_ns = 60 * NS_PER_S,
    .orders_interval = "MINUTE",
    .orders_words = "1 MINUTE",
    .orders_header = "1M",
    .messages_limit = 10,
    .stream_open = fsim_stream_open,
    .stream_parse = fsim_stream_parse,
};

/* ---- the plug ---- */

static int futures_open(struct sim *sim)
{
    struct futures *state = sim->state;
    int err = bsim_open(sim, &product);

    for (uint32_t i = 0; i < sim->exchange->instrument_count; i++)
        state->slow[i].last_u = sim->exchange->instruments[i].update_id;
    return err;
}

static void futures_ws_opened(struct sim *sim, struct sim_ws *ws)
{
    if (sim_fault_lasts(sim, SIM_FAULT_MAINTENANCE))
        sim_ws_close(ws, 1001, "maintenance");
    else if (ws->listener == BINANCE_STREAM)
        bsim_streams_opened(sim, ws);
    else
        bsim_ws_api_opened(sim, ws);
}

static void futures_ws_frame(struct sim *sim, struct sim_ws *ws, const char *frame, size_t len)
{
    if (ws->listener == BINANCE_STREAM)
        bsim_streams_frame(sim, ws, frame, len);
    else
        bsim_ws_api_frame(sim, ws, frame, len);
}

static void futures_ws_closed(struct sim *sim, struct sim_ws *ws)
{
    bsim_private_forget(sim->state, ws);
}

static void futures_event(struct sim *sim, const struct exchange_event *event)
{
    fsim_private_event(sim, event);
    fsim_streams_event(sim, event);
}

static void countdown_tick(struct sim *sim)
{
    struct futures *state = sim->state;

    for (uint32_t a = 0; a < sim->exchange->account_count; a++)
        for (uint32_t i = 0; i < sim->exchange->instrument_count; i++) {
            if (state->countdown_ns[a][i] == 0 || sim->now_ns < state->countdown_ns[a][i])
                continue;
            state->countdown_ns[a][i] = 0;
            (void)exchange_cancel_all(sim->exchange, a, i, CAUSE_DEAD_MAN, sim->now_ns);
        }
}

static void futures_tick(struct sim *sim)
{
    countdown_tick(sim);
    fsim_keys_tick(sim);
    fsim_streams_tick(sim);
}

static void futures_fault(struct sim *sim, enum sim_fault_kind kind)
{
    if (kind == SIM_FAULT_EXPIRE_SESSION)
        fsim_keys_expire(sim);
    if (kind != SIM_FAULT_MAINTENANCE)
        return;
    for (struct sim_ws *ws = sim->first_ws, *next; ws; ws = next) {
        next = ws->next;
        sim_ws_close(ws, 1001, "maintenance");
    }
}

static const char *const listeners[] = { "stream", "ws_api", NULL };

const struct sim_venue sim_binance_futures = {
    .name = "binance_futures",
    .listeners = listeners,
    .fee_asset = FEE_IN_QUOTE,
    .state_size = sizeof(struct futures),
    .ws_state_size = sizeof(struct connection),
    .init = futures_open,
    .fini = bsim_close,
    .http = bsim_http,
    .ws_opened = futures_ws_opened,
    .ws_frame = futures_ws_frame,
    .ws_closed = futures_ws_closed,
    .event = futures_event,
    .tick = futures_tick,
    .fault = futures_fault,
};
