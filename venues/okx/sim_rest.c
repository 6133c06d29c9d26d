/* REST (2.5, 6, 7): public data, orders, the account. */
#include "venues/okx/sim_rest.h"

#include <stdlib.h>
#include <string.h>

static const int64_t WINDOW_NS = 2 * NS_PER_S;

void osim_rest_fail(struct rest *rest, int code, const char *message)
{
    rest->code = code;
    rest->message = message;
}

bool osim_rest_query(const struct rest *rest, const char *name, char *out, size_t cap)
{
    return sim_param(rest->request->query, strlen(rest->request->query), name, out, cap) == 0 &&
           out[0] != '\0';
}

void osim_rest_comma(struct rest *rest)
{
    if (rest->data->len > 0)
        sim_textf(rest->data, ",");
}

struct osim_filter osim_rest_filter(const struct rest *rest)
{
    struct osim_filter filter = { .limit = 100 };
    char text[40];

    filter.has_id = osim_rest_query(rest, "instId", filter.inst_id, sizeof(filter.inst_id));
    filter.has_type = osim_rest_query(rest, "instType", filter.type, sizeof(filter.type));
    if (osim_rest_query(rest, "limit", text, sizeof(text)))
        filter.limit = (unsigned)MIN(MAX(atoi(text), 1), 100);
    if (osim_rest_query(rest, "after", text, sizeof(text)))
        filter.after = strtoull(text, NULL, 10);
    return filter;
}

bool osim_rest_passes(const struct osim *osim, const struct osim_filter *filter, uint32_t at)
{
    return (!filter->has_id ||
            strcmp(osim->sim->exchange->instruments[at].config.symbol, filter->inst_id) == 0) &&
           (!filter->has_type || osim_rest_is_of_type(osim, at, filter->type));
}

/* ---- public ---- */

static void run_time(struct rest *rest)
{
    sim_textf(rest->data, "{\"ts\":\"%lld\"}", (long long)(rest->osim->sim->now_ns / NS_PER_MS));
}

bool osim_rest_is_of_type(const struct osim *osim, uint32_t at, const char *type)
{
    return strcmp(type, exchange_is_perpetual(osim->sim->exchange, at) ? "SWAP" : "SPOT") == 0;
}

static void run_instruments(struct rest *rest)
{
    char type[16], inst_id[40];
    bool has_id = osim_rest_query(rest, "instId", inst_id, sizeof(inst_id));

    if (!osim_rest_query(rest, "instType", type, sizeof(type))) {
        osim_rest_fail(rest, 50014, "Parameter instType can not be empty.");
        return;
    }
    for (uint32_t i = 0; i < rest->osim->sim->exchange->instrument_count; i++) {
        const char *symbol = rest->osim->sim->exchange->instruments[i].config.symbol;
        if (!osim_rest_is_of_type(rest->osim, i, type) || (has_id && strcmp(symbol, inst_id) != 0))
            continue;
        osim_rest_comma(rest);
        osim_instrument_row(rest->osim, i, rest->data);
    }
}

/* The instrument of a query; answered when there is none. */
static uint32_t instrument_of(struct rest *rest)
{
    char inst_id[40] = "";
    uint32_t at = osim_rest_query(rest, "instId", inst_id, sizeof(inst_id))
                      ? osim_find(rest->osim, inst_id)
                      : EXCHANGE_NONE;

    if (at == EXCHANGE_NONE)
        osim_rest_fail(rest, 51001,
                       "Instrument ID, Instrument ID code, or Spread ID doesn't exist.");
    return at;
}

static void run_books(struct rest *rest)
{
    uint32_t at = instrument_of(rest);
    char depth[16] = "1", source[8];

    (void)osim_rest_query(rest, "sz", depth, sizeof(depth));
    bool has_sequence = osim_rest_query(rest, "source", source, sizeof(source));
    if (at != EXCHANGE_NONE)
        osim_book_row(rest->osim, at, (uint32_t)MIN(MAX(atoi(depth), 1), OSIM_LEVELS), has_sequence,
                      rest->data);
}

static void run_ticker(struct rest *rest)
{
    uint32_t at = instrument_of(rest);

    if (at != EXCHANGE_NONE)
        osim_ticker_row(rest->osim, at, rest->data);
}

static void run_tickers(struct rest *rest)
{
    char type[16] = "";

    (void)osim_rest_query(rest, "instType", type, sizeof(type));
    for (uint32_t i = 0; i < rest->osim->sim->exchange->instrument_count; i++)
        if (osim_rest_is_of_type(rest->osim, i, type)) {
            osim_rest_comma(rest);
            osim_ticker_row(rest->osim, i, rest->data);
        }
}

static void run_funding_rate(struct rest *rest)
{
    uint32_t at = instrument_of(rest);

    if (at != EXCHANGE_NONE && exchange_is_perpetual(rest->osim->sim->exchange, at))
        osim_funding_row(rest->osim, at, rest->data);
}

static void run_mark_price(struct rest *rest)
{
    char inst_id[40];
    bool has_id = osim_rest_query(rest, "instId", inst_id, sizeof(inst_id));
    const struct exchange *exchange = rest->osim->sim->exchange;

    for (uint32_t i = 0; i < exchange->instrument_count; i++) {
        const struct exchange_instrument *instrument = &exchange->instruments[i];
        if (!osim_is_swap(instrument) || (has_id && strcmp(instrument->config.symbol, inst_id)))
            continue;
        osim_rest_comma(rest);
        sim_textf(rest->data, "{\"instType\":\"SWAP\",\"instId\":\"%s\"",
                  instrument->config.symbol);
        osim_pair(rest->data, "markPx", instrument->perpetual.mark_price);
        osim_pair_ms(rest->data, "ts", rest->osim->sim->now_ns);
        sim_textf(rest->data, "}");
    }
}

static void run_status(struct rest *rest)
{
    char state[16] = "";

    (void)osim_rest_query(rest, "state", state, sizeof(state));
    if (rest->osim->is_maintenance)
        osim_status_row(rest->osim, rest->data);
}

/* ---- orders ---- */

static void run_action(struct rest *rest, enum osim_action action, bool is_batch)
{
    struct osim *osim = rest->osim;
    cJSON *body = cJSON_ParseWithLength(rest->request->body, rest->request->body_len);
    const char *expires = sim_http_header(rest->request, "expTime");
    const cJSON *arg;
    unsigned failed = 0, count = 0;
    bool is_after;
    int fault = osim_fault(osim, &rest->status, &is_after, &rest->message);

    rest->is_order_action = true;
    if (fault && !is_after)
        rest->code = fault;
    else if (is_batch ? !cJSON_IsArray(body) || cJSON_GetArraySize(body) > OSIM_BATCH
                      : !cJSON_IsObject(body))
        osim_rest_fail(rest, 50002, "Incorrect json data format");
    else if (expires && action != ACTION_CANCEL &&
             strtoll(expires, NULL, 10) * NS_PER_MS < osim->sim->now_ns)
        osim_rest_fail(rest, 50036, "Order expTime can't be earlier than the current time");
    bool is_really_batch = is_batch && cJSON_GetArraySize(body) > 1;
    if (!rest->code && is_batch) {
        cJSON_ArrayForEach(arg, body)
        {
            osim_rest_comma(rest);
            count++;
            failed +=
                osim_act(osim, rest->account, action, arg, false, is_really_batch, rest->data) != 0;
        }
    } else if (!rest->code) {
        count = 1;
        failed = osim_act(osim, rest->account, action, body, false, false, rest->data) != 0;
    }
    cJSON_Delete(body);
    if ((sim_random(&osim->random) >> 33) % 4 == 0)
        osim_private_flush(osim);
    if (fault && is_after) {
        rest->code = fault;
        sim_text_clear(rest->data);
    }
    if (rest->code)
        return;
    rest->code = failed == 0 ? 0 : failed == count ? 1 : 2;
    rest->message = failed == 0       ? ""
                    : failed == count ? "All operations failed"
                                      : "Bulk operation partially succeeded.";
}

static void run_place(struct rest *rest)
{
    run_action(rest, ACTION_PLACE, false);
}
static void run_place_batch(struct rest *rest)
{
    run_action(rest, ACTION_PLACE, true);
}
static void run_cancel(struct rest *rest)
{
    run_action(rest, ACTION_CANCEL, false);
}
static void run_cancel_batch(struct rest *rest)
{
    run_action(rest, ACTION_CANCEL, true);
}
static void run_amend(struct rest *rest)
{
    run_action(rest, ACTION_AMEND, false);
}
static void run_amend_batch(struct rest *rest)
{
    run_action(rest, ACTION_AMEND, true);
}

static void run_order(struct rest *rest)
{
    uint32_t at = instrument_of(rest);
    char order_id[40], client_id[40];
    bool has_order = osim_rest_query(rest, "ordId", order_id, sizeof(order_id));
    bool has_client = osim_rest_query(rest, "clOrdId", client_id, sizeof(client_id));

    if (at == EXCHANGE_NONE)
        return;
    const struct exchange_order *order = osim_order_of(
        rest->osim, rest->account, at, has_order ? order_id : NULL, has_client ? client_id : NULL);
    if (order)
        osim_order_row(rest->osim, order, rest->data);
    else
        osim_rest_fail(rest, 51603, "Order does not exist");
}

static uint64_t id_of(const struct exchange_order *order)
{
    char text[24];

    osim_order_id(order->id, text);
    return strtoull(text, NULL, 10);
}

/* Newest first: the account's open orders are kept oldest first. */
static void run_pending(struct rest *rest)
{
    const struct exchange_account *account = &rest->osim->sim->exchange->accounts[rest->account];
    struct osim_filter filter = osim_rest_filter(rest);
    unsigned count = 0;

    for (const struct exchange_order *order = account->last_open; order && count < filter.limit;
         order = order->prev_of_account) {
        if (!osim_rest_passes(rest->osim, &filter, order->instrument) ||
            (filter.after && id_of(order) >= filter.after))
            continue;
        osim_rest_comma(rest);
        osim_order_row(rest->osim, order, rest->data);
        count++;
    }
}

static int by_newest(const void *a, const void *b)
{
    const struct exchange_order *x = *(const struct exchange_order *const *)a;
    const struct exchange_order *y = *(const struct exchange_order *const *)b;

    return x->id < y->id ? 1 : x->id > y->id ? -1 : 0;
}

/* Ended orders; those cancelled without a fill are kept for two hours only (6.1). */
static bool is_history(const struct osim *osim, const struct exchange_order *order)
{
    static const int64_t KEPT_NS = 2 * 3600 * NS_PER_S;

    return !exchange_is_open(order) &&
           (order->filled_qty > 0 || osim->sim->now_ns - order->updated_ns < KEPT_NS);
}

static void run_history(struct rest *rest)
{
    struct osim *osim = rest->osim;
    struct osim_filter filter = osim_rest_filter(rest);
    size_t count = 0, cap = 1024;
    const struct exchange_order **found = malloc(cap * sizeof(*found)), *order;
    uint32_t cursor = 0;

    if (!filter.has_type) {
        osim_rest_fail(rest, 50014, "Parameter instType can not be empty.");
        free(found);
        return;
    }
    while (found && (order = exchange_next_order(osim->sim->exchange, rest->account, &cursor))) {
        if (!is_history(osim, order) || !osim_rest_passes(osim, &filter, order->instrument) ||
            (filter.after && id_of(order) >= filter.after))
            continue;
        if (count == cap && !(found = realloc(found, (cap *= 2) * sizeof(*found))))
            abort();
        found[count++] = order;
    }
    for (uint32_t i = 0; i < MIN(osim->phantom_count, (uint32_t)OSIM_PHANTOMS); i++)
        if (osim->phantoms[i].account == rest->account && is_history(osim, &osim->phantoms[i]) &&
            osim_rest_passes(osim, &filter, osim->phantoms[i].instrument) && count < cap)
            found[count++] = &osim->phantoms[i];
    if (found)
        qsort(found, count, sizeof(*found), by_newest);
    for (size_t i = 0; i < MIN(count, filter.limit); i++) {
        osim_rest_comma(rest);
        osim_order_row(osim, found[i], rest->data);
    }
    free(found);
}

/* A fill's place among the account's bills. */
static uint64_t bill_of(const struct exchange_execution *execution)
{
    return UINT64_C(3000000000000000000) + execution->id;
}

static void add_fill(struct rest *rest, const struct exchange_execution *execution)
{
    const struct exchange *exchange = rest->osim->sim->exchange;
    const struct exchange_instrument *instrument = &exchange->instruments[execution->instrument];
    const struct exchange_order *order = &exchange->orders[execution->order];
    char id[24];

    osim_order_id(order->id, id);
    sim_textf(rest->data,
              "{\"side\":\"%s\",\"ordId\":\"%s\",\"instType\":\"%s\",\"instId\":\"%s\","
              "\"posSide\":\"net\",\"billId\":\"%llu\",\"subType\":\"%s\",\"tag\":\"\","
              "\"execType\":\"%s\",\"tradeId\":\"%llu\",\"fillPxVol\":\"\",\"fillFwdPx\":\"\","
              "\"fillPxUsd\":\"\",\"fillMarkVol\":\"\",\"fillIdxPx\":\"\",\"fillMarkPx\":\"\"",
              execution->side == SIDE_BUY ? "buy" : "sell", id,
              osim_is_swap(instrument) ? "SWAP" : "SPOT", instrument->config.symbol,
              (unsigned long long)bill_of(execution), execution->side == SIDE_BUY ? "1" : "2",
              execution->is_maker ? "M" : "T", (unsigned long long)execution->trade_id);
    osim_pair_text(rest->data, "clOrdId", order->client_id);
    osim_pair(rest->data, "fillPx", execution->price);
    osim_pair(rest->data, "fillSz", osim_size(instrument, execution->qty));
    osim_pair(rest->data, "fee", -execution->fee);
    osim_pair_text(rest->data, "feeCcy", exchange->assets[execution->fee_asset]);
    osim_pair(rest->data, "fillPnl", execution->realised_pnl);
    osim_pair_ms(rest->data, "fillTime", execution->at_ns);
    osim_pair_ms(rest->data, "ts", execution->at_ns);
    sim_textf(rest->data, "}");
}

static void run_fills(struct rest *rest)
{
    const struct exchange *exchange = rest->osim->sim->exchange;
    struct osim_filter filter = osim_rest_filter(rest);
    unsigned count = 0;

    for (uint32_t i = exchange->execution_count; i-- > 0 && count < filter.limit;) {
        const struct exchange_execution *execution = &exchange->executions[i];
        if (execution->account != rest->account ||
            !osim_rest_passes(rest->osim, &filter, execution->instrument) ||
            (filter.after && bill_of(execution) >= filter.after))
            continue;
        osim_rest_comma(rest);
        add_fill(rest, execution);
        count++;
    }
}

/* Seconds: 0 is off, otherwise 10 to 120 (6.4). */
static void run_cancel_all_after(struct rest *rest)
{
    struct osim_member *member = &rest->osim->members[rest->account];
    cJSON *body = cJSON_ParseWithLength(rest->request->body, rest->request->body_len);
    const cJSON *number = cJSON_GetObjectItemCaseSensitive(body, "timeOut");
    const char *text = osim_string(body, "timeOut"); /* Clients send numbers as well. */
    long seconds = text                     ? strtol(text, NULL, 10)
                   : cJSON_IsNumber(number) ? (long)number->valuedouble
                                            : -1;
    int64_t now_ns = rest->osim->sim->now_ns;

    if (seconds != 0 && (seconds < 10 || seconds > 120)) {
        osim_rest_fail(rest, 51000, "Parameter timeOut error");
    } else {
        member->caa_ns = seconds ? now_ns + seconds * NS_PER_S : 0;
        sim_textf(rest->data, "{\"triggerTime\":\"%lld\",\"tag\":\"\",\"ts\":\"%lld\"}",
                  (long long)(member->caa_ns / NS_PER_MS), (long long)(now_ns / NS_PER_MS));
    }
    cJSON_Delete(body);
}

/* ---- the table: verb, path, private, requests in two seconds ---- */

static const struct endpoint {
    const char *verb, *path;
    bool is_private;
    uint32_t limit;
    void (*run)(struct rest *rest);
} endpoints[] = {
    { "GET", "/api/v5/public/time", false, 10, run_time },
    { "GET", "/api/v5/public/instruments", false, 20, run_instruments },
    { "GET", "/api/v5/market/books", false, 40, run_books },
    { "GET", "/api/v5/market/ticker", false, 20, run_ticker },
    { "GET", "/api/v5/market/tickers", false, 20, run_tickers },
    { "GET", "/api/v5/public/funding-rate", false, 20, run_funding_rate },
    { "GET", "/api/v5/public/mark-price", false, 10, run_mark_price },
    { "GET", "/api/v5/system/status", false, 10, run_status },
    { "POST", "/api/v5/trade/order", true, 0, run_place },
    { "POST", "/api/v5/trade/batch-orders", true, 0, run_place_batch },
    { "POST", "/api/v5/trade/cancel-order", true, 0, run_cancel },
    { "POST", "/api/v5/trade/cancel-batch-orders", true, 0, run_cancel_batch },
    { "POST", "/api/v5/trade/amend-order", true, 0, run_amend },
    { "POST", "/api/v5/trade/amend-batch-orders", true, 0, run_amend_batch },
    { "GET", "/api/v5/trade/order", true, 60, run_order },
    { "GET", "/api/v5/trade/orders-pending", true, 60, run_pending },
    { "GET", "/api/v5/trade/orders-history", true, 40, run_history },
    { "GET", "/api/v5/trade/orders-history-archive", true, 20, run_history },
    { "GET", "/api/v5/trade/fills", true, 60, run_fills },
    { "GET", "/api/v5/trade/fills-history", true, 10, run_fills },
    { "POST", "/api/v5/trade/cancel-all-after", true, 2, run_cancel_all_after },
    { "GET", "/api/v5/account/balance", true, 10, osim_run_balance },
    { "GET", "/api/v5/account/positions", true, 10, osim_run_positions },
    { "GET", "/api/v5/account/config", true, 5, osim_run_config },
    { "GET", "/api/v5/account/instruments", true, 20, run_instruments },
    { "GET", "/api/v5/account/bills", true, 5, osim_run_bills },
    { "GET", "/api/v5/account/bills-archive", true, 5, osim_run_bills },
    { "GET", "/api/v5/account/trade-fee", true, 5, osim_run_trade_fee },
    { "POST", "/api/v5/account/set-position-mode", true, 5, osim_run_set_position_mode },
    { "POST", "/api/v5/account/set-leverage", true, 20, osim_run_set_leverage },
    { "GET", "/api/v5/asset/currencies", true, 12, osim_run_currencies },
};
static_assert(COUNT(endpoints) <= COUNT(((struct osim *)0)->public_endpoints), "a window each");

static void reply(struct rest *rest)
{
    struct sim_text out = { 0 };
    long long us = (long long)(rest->osim->sim->now_ns / NS_PER_US);

    sim_textf(&out, "{\"code\":\"%d\",\"msg\":\"%s\",\"data\":[", rest->code, rest->message);
    sim_text_add(&out, rest->data->at, rest->data->len);
    sim_textf(&out, "]");
    if (rest->is_order_action)
        sim_textf(&out, ",\"inTime\":\"%lld\",\"outTime\":\"%lld\"", us, us + 900);
    sim_textf(&out, "}");
    sim_http_reply(rest->request, rest->is_order_action ? SIM_ORDER_ACK : SIM_ANSWER, rest->status,
                   NULL, out.at, out.len);
    sim_text_free(&out);
}

static const struct endpoint *endpoint_of(const struct sim_http *request)
{
    for (size_t i = 0; i < COUNT(endpoints); i++)
        if (strcmp(endpoints[i].path, request->path) == 0 &&
            strcmp(endpoints[i].verb, request->method) == 0)
            return &endpoints[i];
    return NULL;
}

/* Who asks, and whether not too often. */
static bool admit(struct rest *rest, const struct endpoint *endpoint)
{
    struct osim *osim = rest->osim;
    struct osim_window *window = &osim->public_endpoints[endpoint - endpoints];

    if (endpoint->is_private) {
        const struct sim_account *account =
            osim_authenticate(osim, rest->request, &rest->code, &rest->message);
        if (!account) {
            rest->status = 401;
            return false;
        }
        rest->code = 0;
        rest->message = "";
        rest->account = account->account;
        window = &osim->members[account->account].endpoints[endpoint - endpoints];
    }
    if (endpoint->limit && !osim_window_take(osim, window, endpoint->limit, WINDOW_NS)) {
        rest->status = 429;
        osim_rest_fail(rest, 50011, "Too Many Requests");
        return false;
    }
    return true;
}

/* Orders meet their faults where they are carried out; the rest only what holds for everybody. */
static bool is_fault(struct rest *rest, const struct endpoint *endpoint)
{
    struct sim *sim = rest->osim->sim;

    if (endpoint->limit == 0 || endpoint->run == run_status || endpoint->run == run_time)
        return false;
    if (sim_fault_lasts(sim, SIM_FAULT_MAINTENANCE)) {
        rest->status = 503;
        osim_rest_fail(rest, 50001, "Service temporarily unavailable, please try again later.");
    } else if (sim_fault_lasts(sim, SIM_FAULT_STATUS_418)) {
        rest->status = 429;
        osim_rest_fail(rest, 50011, "Too Many Requests");
    }
    return rest->code != 0;
}

void osim_http(struct sim *sim, struct sim_http *request)
{
    const struct endpoint *endpoint = endpoint_of(request);
    struct sim_text data = { 0 };
    struct rest rest = { .osim = sim->state,
                         .request = request,
                         .account = EXCHANGE_NONE,
                         .data = &data,
                         .status = 200,
                         .message = "" };

    sim_text_add(&data, "", 0);
    if (!endpoint) {
        rest.status = 404;
        osim_rest_fail(&rest, 404, "Not Found");
    } else if (admit(&rest, endpoint) && !is_fault(&rest, endpoint)) {
        endpoint->run(&rest);
    }
    if (rest.code != 0 && !rest.is_order_action)
        sim_text_clear(&data);
    reply(&rest);
    sim_text_free(&data);
}
