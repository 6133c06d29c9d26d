/* sim.c - the Binance spot side of the simulator: its table of operations, REST, and the plug. REST
 * and the WebSocket API are the same for futures: what differs is in struct bsim_product. */
#include "venues/binance/sim_binance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- operations: verb, path, WS method, weight, security, flags ---- */

#define ORDER_FLAGS (CALL_ORDER | CALL_ORDER_HEADERS)
static const struct endpoint endpoints[] = {
    { "GET", "/api/v3/ping", "ping", 1, SECURITY_NONE, 0, bsim_run_ping },
    { "GET", "/api/v3/time", "time", 1, SECURITY_NONE, 0, bsim_run_time },
    { "GET", "/api/v3/exchangeInfo", "exchangeInfo", 20, SECURITY_NONE, 0, bsim_run_exchange_info },
    { "GET", "/api/v3/depth", "depth", 5, SECURITY_NONE, 0, bsim_run_depth },
    { "GET", "/api/v3/trades", "trades.recent", 25, SECURITY_NONE, 0, bsim_run_trades },
    { "GET", "/api/v3/aggTrades", "trades.aggregate", 4, SECURITY_NONE, 0, bsim_run_agg_trades },
    { "GET", "/api/v3/avgPrice", "avgPrice", 2, SECURITY_NONE, 0, bsim_run_avg_price },
    { "GET", "/api/v3/ticker/price", "ticker.price", 2, SECURITY_NONE, 0, bsim_run_ticker_price },
    { "GET", "/api/v3/ticker/bookTicker", "ticker.book", 2, SECURITY_NONE, 0,
      bsim_run_ticker_book },
    { "GET", "/api/v3/ticker/24hr", "ticker.24hr", 2, SECURITY_NONE, 0, bsim_run_ticker_24hr },
    { "POST", "/api/v3/order", "order.place", 1, SECURITY_SIGNED, ORDER_FLAGS | CALL_COUNTS_ORDER,
      bsim_run_order_place },
    { "POST", "/api/v3/order/test", "order.test", 1, SECURITY_SIGNED, 0, bsim_run_order_test },
    { "DELETE", "/api/v3/order", "order.cancel", 1, SECURITY_SIGNED, ORDER_FLAGS,
      bsim_run_order_cancel },
    { "GET", "/api/v3/order", "order.status", 4, SECURITY_SIGNED, 0, bsim_run_order_status },
    { "POST", "/api/v3/order/cancelReplace", "order.cancelReplace", 1, SECURITY_SIGNED,
      ORDER_FLAGS | CALL_COUNTS_ORDER, bsim_run_order_cancel_replace },
    { "PUT", "/api/v3/order/amend/keepPriority", "order.amend.keepPriority", 4, SECURITY_SIGNED,
      CALL_ORDER_HEADERS, bsim_run_order_amend },
    { "GET", "/api/v3/openOrders", "openOrders.status", 6, SECURITY_SIGNED, 0,
      bsim_run_open_orders },
    { "DELETE", "/api/v3/openOrders", "openOrders.cancelAll", 1, SECURITY_SIGNED, ORDER_FLAGS,
      bsim_run_cancel_open_orders },
    { "GET", "/api/v3/allOrders", "allOrders", 20, SECURITY_SIGNED, 0, bsim_run_all_orders },
    { "GET", "/api/v3/myTrades", "myTrades", 20, SECURITY_SIGNED, 0, bsim_run_my_trades },
    { "GET", "/api/v3/account", "account.status", 20, SECURITY_SIGNED, 0, bsim_run_account },
    { "GET", "/api/v3/account/commission", "account.commission", 20, SECURITY_SIGNED, 0,
      bsim_run_commission },
    { "GET", "/api/v3/rateLimit/order", "account.rateLimits.orders", 40, SECURITY_SIGNED, 0,
      bsim_run_rate_limit_order },
    { "GET", "/sapi/v1/margin/allPairs", NULL, 1, SECURITY_KEY, 0, bsim_run_no_margin },
    { "GET", "/sapi/v1/margin/isolated/allPairs", NULL, 10, SECURITY_KEY, 0, bsim_run_no_margin },
    { "GET", "/sapi/v1/capital/config/getall", NULL, 10, SECURITY_SIGNED, 0,
      bsim_run_capital_config },
};

/* ---- REST ---- */

/* is_path_known: the path exists with another verb. */
static const struct endpoint *endpoint_of(const struct bsim_product *product, const char *verb,
                                          const char *path, bool *is_path_known)
{
    *is_path_known = false;
    for (size_t i = 0; i < product->endpoint_count; i++) {
        if (strcmp(product->endpoints[i].path, path) != 0)
            continue;
        *is_path_known = true;
        if (strcmp(product->endpoints[i].verb, verb) == 0)
            return &product->endpoints[i];
    }
    return NULL;
}

/* The payload as transmitted, without "signature=..." wherever it stands. */
static void append_unsigned(struct sim_text *out, const char *text, size_t len)
{
    const char *end = text + len;
    size_t start = out->len;

    for (const char *at = text; at < end;) {
        const char *stop = memchr(at, '&', (size_t)(end - at));
        if (!stop)
            stop = end;
        if ((size_t)(stop - at) < 10 || memcmp(at, "signature=", 10) != 0) {
            if (out->len > start)
                sim_text_add(out, "&", 1);
            sim_text_add(out, at, (size_t)(stop - at));
        }
        at = stop < end ? stop + 1 : end;
    }
}

/* A name in both: the query wins. Twice in one of them: refused. */
static void add_pairs(struct params *params, const char *text, size_t len)
{
    unsigned before = params->count;
    char name[40], value[512];
    const char *at = text;

    while (sim_param_next(&at, text + len, name, sizeof(name), value, sizeof(value))) {
        bool is_known = false;
        for (unsigned i = 0; i < params->count; i++)
            if (strcmp(params->at[i].name, name) == 0) {
                is_known = true;
                params->has_duplicate |= i >= before;
            }
        if (!is_known)
            bsim_params_add(params, name, value, false);
    }
}

static void reply(struct call *call, struct sim_http *request)
{
    struct binance *state = call->state;
    char headers[512];
    int n = snprintf(headers, sizeof(headers),
                     "Content-Type: application/json;charset=UTF-8\r\n"
                     "X-MBX-USED-WEIGHT: %lld\r\nX-MBX-USED-WEIGHT-1M: %lld\r\n",
                     (long long)state->weight.used, (long long)state->weight.used);

    if (call->account != EXCHANGE_NONE && call->endpoint->flags & CALL_ORDER_HEADERS &&
        !call->is_error)
        n += snprintf(headers + n, sizeof(headers) - (size_t)n,
                      "X-MBX-ORDER-COUNT-10S: %lld\r\nX-MBX-ORDER-COUNT-%s: %lld\r\n",
                      (long long)state->limits[call->account].orders_10s.used,
                      state->product->orders_header,
                      (long long)state->limits[call->account].orders_long.used);
    if (call->retry_ns)
        snprintf(headers + n, sizeof(headers) - (size_t)n, "Retry-After: %lld\r\n",
                 (long long)MAX(1, (call->retry_ns - call->sim->now_ns + NS_PER_S - 1) / NS_PER_S));
    sim_http_reply(request, call->is_order_action ? SIM_ORDER_ACK : SIM_ANSWER, call->status,
                   headers, call->out->at, call->out->len);
}

static void not_here(struct sim_http *request, bool is_path_known)
{
    static const char gone[] = "<html>\r\n<head><title>410 Gone</title></head>\r\n<body>\r\n"
                               "<center><h1>410 Gone</h1></center>\r\n<hr><center>nginx</center>"
                               "\r\n</body>\r\n</html>\r\n";
    static const char unknown[] = "<html><body><h2>404 Not found</h2></body></html>";
    static const char verb[] = "{\"code\":-1000,\"msg\":\"Request method not supported.\"}";

    if (strcmp(request->path, "/api/v3/userDataStream") == 0)
        sim_http_reply(request, SIM_ANSWER, 410, "Content-Type: text/html\r\n", gone,
                       sizeof(gone) - 1);
    else if (is_path_known)
        sim_http_reply(request, SIM_ANSWER, 405, NULL, verb, sizeof(verb) - 1);
    else
        sim_http_reply(request, SIM_ANSWER, 404, "Content-Type: text/html;charset=UTF-8\r\n",
                       unknown, sizeof(unknown) - 1);
}

void bsim_http(struct sim *sim, struct sim_http *request)
{
    const struct binance *state = sim->state;
    bool is_path_known;
    struct sim_text out = { 0 }, payload = { 0 };
    struct call call = { .sim = sim,
                         .state = sim->state,
                         .endpoint = endpoint_of(state->product, request->method, request->path,
                                                 &is_path_known),
                         .account = EXCHANGE_NONE,
                         .out = &out };

    if (!call.endpoint) {
        not_here(request, is_path_known);
        return;
    }
    sim_text_add(&out, "", 0);
    sim_text_add(&payload, "", 0);
    add_pairs(&call.params, request->query, strlen(request->query));
    add_pairs(&call.params, request->body, request->body_len);
    append_unsigned(&payload, request->query, strlen(request->query));
    append_unsigned(&payload, request->body, request->body_len);
    bsim_call_run(&call, sim_http_header(request, "X-MBX-APIKEY"), payload.at, payload.len);
    reply(&call, request);
    sim_text_free(&out);
    sim_text_free(&payload);
    bsim_private_release(sim);
}

/* ---- the plug ---- */

int bsim_open(struct sim *sim, const struct bsim_product *product)
{
    struct binance *state = sim->state;

    state->product = product;
    state->random = sim->seed | 1;
    state->weight = (struct window){ .length_ns = 60 * NS_PER_S, .limit = product->weight_limit };
    state->raw = (struct window){ .length_ns = 300 * NS_PER_S, .limit = 300000 };
    for (size_t i = 0; i < EXCHANGE_ACCOUNTS_MAX; i++) {
        state->limits[i].orders_10s =
            (struct window){ .length_ns = 10 * NS_PER_S, .limit = product->orders_10s_limit };
        state->limits[i].orders_long = (struct window){ .length_ns = product->orders_long_ns,
                                                        .limit = product->orders_long_limit };
    }
    for (uint32_t i = 0; i < sim->exchange->instrument_count; i++) {
        state->symbols[i].fast.last_u = sim->exchange->instruments[i].update_id;
        state->symbols[i].slow.last_u = sim->exchange->instruments[i].update_id;
        state->symbols[i].next_aggregate = 1;
    }
    return 0;
}

void bsim_close(struct sim *sim)
{
    struct binance *state = sim->state;

    sim_text_free(&state->held);
    sim_text_free(&state->scratch);
    sim_text_free(&state->frame);
    free(state->held_frames);
    state->held_frames = NULL;
}

static void binance_opened(struct sim *sim, struct sim_ws *ws)
{
    if (sim_fault_lasts(sim, SIM_FAULT_MAINTENANCE))
        sim_ws_close(ws, 1001, "maintenance");
    else if (ws->listener == BINANCE_STREAM)
        bsim_streams_opened(sim, ws);
    else
        bsim_ws_api_opened(sim, ws);
}

static void binance_frame(struct sim *sim, struct sim_ws *ws, const char *frame, size_t len)
{
    if (ws->listener == BINANCE_STREAM)
        bsim_streams_frame(sim, ws, frame, len);
    else
        bsim_ws_api_frame(sim, ws, frame, len);
}

static void binance_closed(struct sim *sim, struct sim_ws *ws)
{
    bsim_private_forget(sim->state, ws);
}

static void binance_event(struct sim *sim, const struct exchange_event *event)
{
    bsim_private_event(sim, event);
    bsim_streams_event(sim, event);
}

/* serverShutdown, then the connection ends. */
static void shut(struct sim *sim, struct sim_ws *ws, const char *why)
{
    const struct connection *connection = ws->state;
    const char *format = "{\"e\":\"serverShutdown\",\"E\":%lld}";
    char text[128];

    if (ws->listener == BINANCE_WS_API)
        format = "{\"event\":{\"e\":\"serverShutdown\",\"E\":%lld}}";
    else if (connection->is_combined)
        format = "{\"stream\":\"!serverShutdown\",\"data\":{\"e\":\"serverShutdown\",\"E\":%lld}}";
    int len = snprintf(text, sizeof(text), format, (long long)bsim_ms_of(sim->now_ns));
    sim_ws_send(ws, SIM_MARKET, text, (size_t)len);
    sim_ws_close(ws, 1001, why);
}

static void binance_expired(struct sim *sim, struct sim_ws *ws)
{
    shut(sim, ws, "24 hours");
}

static void binance_fault(struct sim *sim, enum sim_fault_kind kind)
{
    if (kind == SIM_FAULT_EXPIRE_SESSION) {
        sim->faults[kind].taken += sim->faults[kind].count;
        sim->faults[kind].count = 0;
        bsim_private_terminate(sim);
    }
    for (struct sim_ws *ws = kind == SIM_FAULT_MAINTENANCE ? sim->first_ws : NULL; ws;
         ws = ws->next)
        shut(sim, ws, "maintenance");
}

static const struct bsim_product spot = {
    .kind = INSTRUMENT_SPOT,
    .endpoints = endpoints,
    .endpoint_count = COUNT(endpoints),
    .methods = bsim_spot_methods,
    .method_count = BSIM_SPOT_METHODS,
    .causes = bsim_spot_causes,
    .cause_count = BSIM_SPOT_CAUSES,
    .api_path = "/ws-api/v3",
    .api_version = "v3/",
    .api_weight = 2,
    .weight_limit = 6000,
    .orders_10s_limit = 100,
    .orders_long_limit = 200000,
    .orders_long_ns = 86400 * NS_PER_S,
    .orders_interval = "DAY",
    .orders_words = "1 DAY",
    .orders_header = "1D",
    .messages_limit = 5,
    .stream_parse = bsim_spot_stream,
};

static int binance_init(struct sim *sim)
{
    return bsim_open(sim, &spot);
}

static const char *const binance_listeners[] = { "stream", "ws_api", NULL };

const struct sim_venue sim_binance = {
    .name = "binance",
    .listeners = binance_listeners,
    .fee_asset = FEE_IN_RECEIVED,
    .state_size = sizeof(struct binance),
    .ws_state_size = sizeof(struct connection),
    .init = binance_init,
    .fini = bsim_close,
    .http = bsim_http,
    .ws_opened = binance_opened,
    .ws_frame = binance_frame,
    .ws_closed = binance_closed,
    .ws_expired = binance_expired,
    .event = binance_event,
    .tick = bsim_streams_tick,
    .fault = binance_fault,
};
