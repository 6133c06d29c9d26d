/* REST (6, 7): a table of private calls; business errors come with HTTP 200. */
#include "venues/bybit/sim_bybit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *ysim_param(const struct ysim_call *call, const char *name, char *out, size_t cap)
{
    const char *query = call->request->query;

    out[0] = '\0';
    if (sim_param(query, strlen(query), name, out, cap) != 0)
        out[0] = '\0';
    return out;
}

void ysim_refuse(struct ysim_call *call, int code, const char *message)
{
    call->code = code;
    snprintf(call->message, sizeof(call->message), "%s", message);
}

static const struct exchange *exchange_of(const struct ysim_call *call)
{
    return call->state->sim->exchange;
}

/* ---- lists, page by page ---- */

struct page {
    uint64_t first, limit, seen, given;
    bool has_more;
};

static struct page page_of(const struct ysim_call *call, unsigned usual, unsigned most)
{
    char text[80];
    struct page page = { .limit = usual };
    int limit = atoi(ysim_param(call, "limit", text, sizeof(text)));

    if (limit > 0)
        page.limit = MIN((unsigned)limit, most);
    ysim_param(call, "cursor", text, sizeof(text));
    if (strncmp(text, "page_args%3D", 12) == 0)
        page.first = strtoull(text + 12, NULL, 10);
    return page;
}

/* Whether the next row is on this page; writes the comma before it. */
static bool page_takes(struct page *page, struct sim_text *out)
{
    if (page->seen++ < page->first)
        return false;
    if (page->given == page->limit) {
        page->has_more = true;
        return false;
    }
    sim_textf(out, "%s", page->given++ ? "," : "");
    return true;
}

static void list_begin(struct ysim_call *call)
{
    sim_textf(call->out, "{\"list\":[");
}

/* The cursor is percent-encoded text inside the text, as the venue's is. */
static void list_end(struct ysim_call *call, const struct page *page)
{
    sim_textf(call->out, "],\"nextPageCursor\":\"");
    if (page->has_more)
        sim_textf(call->out, "page_args%%3D%llu%%26",
                  (unsigned long long)(page->first + page->given));
    sim_textf(call->out, "\"");
    if (call->category != YSIM_NONE)
        sim_textf(call->out, ",\"category\":\"%s\"", ysim_category_str(call->category));
    sim_textf(call->out, "}");
}

/* ---- orders ---- */

struct filter {
    char symbol[40], coin[16], order_id[80], link_id[48], base[16];
};

static void filter_read(const struct ysim_call *call, struct filter *out)
{
    ysim_param(call, "symbol", out->symbol, sizeof(out->symbol));
    ysim_param(call, "settleCoin", out->coin, sizeof(out->coin));
    ysim_param(call, "baseCoin", out->base, sizeof(out->base));
    ysim_param(call, "orderId", out->order_id, sizeof(out->order_id));
    ysim_param(call, "orderLinkId", out->link_id, sizeof(out->link_id));
}

static bool passes(const struct ysim_call *call, const struct filter *filter, uint32_t instrument)
{
    const struct exchange_instrument_config *c = &exchange_of(call)->instruments[instrument].config;

    return ysim_category_of(call->state->sim, instrument) == call->category &&
           (!*filter->symbol || strcmp(filter->symbol, c->symbol) == 0) &&
           (!*filter->base || strcmp(filter->base, c->base) == 0) &&
           (!*filter->coin || strcmp(filter->coin, c->quote) == 0);
}

/* Of one order that was named: open or lately ended. */
static void list_one(struct ysim_call *call, const struct filter *filter, bool is_history)
{
    struct page page = { .limit = 1 };
    const struct exchange_order *order =
        ysim_find(call->state, call->account, call->category, filter->order_id, filter->link_id);

    list_begin(call);
    if (order && passes(call, filter, order->instrument) &&
        !(is_history && exchange_is_open(order)))
        ysim_order_listed(call->state, call->out, order);
    list_end(call, &page);
}

static void get_realtime(struct ysim_call *call)
{
    const struct exchange_account *account = &exchange_of(call)->accounts[call->account];
    struct page page = page_of(call, 20, 50);
    struct filter filter;

    filter_read(call, &filter);
    if (*filter.order_id || *filter.link_id) {
        list_one(call, &filter, false);
        return;
    }
    if (call->category == YSIM_LINEAR && !*filter.symbol && !*filter.coin && !*filter.base) {
        ysim_refuse(call, 10001,
                    "Missing some parameters that must be filled in, symbol or "
                    "settleCoin or baseCoin");
        return;
    }
    list_begin(call);
    for (const struct exchange_order *order = account->last_open; order;
         order = order->prev_of_account)
        if (passes(call, &filter, order->instrument) && page_takes(&page, call->out))
            ysim_order_listed(call->state, call->out, order);
    list_end(call, &page);
}

/* Newest first: the records are walked from their end. */
static void get_history(struct ysim_call *call)
{
    const struct exchange *exchange = exchange_of(call);
    struct page page = page_of(call, 20, 50);
    struct filter filter;

    filter_read(call, &filter);
    if (*filter.order_id || *filter.link_id) {
        list_one(call, &filter, true);
        return;
    }
    list_begin(call);
    for (uint32_t i = exchange->order_count; i-- > 0;) {
        const struct exchange_order *order = &exchange->orders[i];
        if (order->id && order->account == call->account && !exchange_is_open(order) &&
            passes(call, &filter, order->instrument) && page_takes(&page, call->out))
            ysim_order_listed(call->state, call->out, order);
    }
    list_end(call, &page);
}

/* ---- executions, and funding among them ---- */

static bool read_time(struct ysim_call *call, int64_t *start_ns, int64_t *end_ns)
{
    char text[32];
    int64_t start_ms = atoll(ysim_param(call, "startTime", text, sizeof(text)));
    int64_t end_ms = atoll(ysim_param(call, "endTime", text, sizeof(text)));
    const int64_t week_ms = 7 * 86400 * MS_PER_S;

    if (start_ms && end_ms && end_ms - start_ms > week_ms) {
        ysim_refuse(call, 10001,
                    "The time range between startTime and endTime cannot exceed 7 "
                    "days");
        return false;
    }
    if (!start_ms)
        start_ms = (end_ms ? end_ms : ysim_ms(call->state->sim->now_ns)) - week_ms;
    if (!end_ms)
        end_ms = start_ms + week_ms;
    *start_ns = start_ms * NS_PER_MS;
    *end_ns = end_ms * NS_PER_MS + NS_PER_MS - 1;
    return true;
}

static void list_fundings(struct ysim_call *call, const struct filter *filter, struct page *page,
                          int64_t start_ns, int64_t end_ns)
{
    struct exchange_funding all[FUNDING_KEPT > 512 ? 512 : FUNDING_KEPT], one;
    uint64_t cursor = 0, count = 0;

    while (exchange_next_funding(exchange_of(call), call->account, &cursor, &one))
        if (one.at_ns >= start_ns && one.at_ns <= end_ns && passes(call, filter, one.instrument))
            all[count++ % COUNT(all)] = one;
    for (uint64_t i = 0; i < MIN(count, COUNT(all)); i++)
        if (page_takes(page, call->out))
            ysim_funding_row(call->state, call->out, &all[(count - 1 - i) % COUNT(all)]);
}

static void fill_listed(struct ysim_call *call, const struct exchange_execution *execution)
{
    const struct exchange_order *order = &exchange_of(call)->orders[execution->order];
    struct ysim_fill fill = { .order = order,
                              .execution = execution->id,
                              .seq = execution->id,
                              .price = execution->price,
                              .qty = execution->qty,
                              .quote = execution->quote,
                              .fee = execution->fee,
                              .fee_asset = execution->fee_asset,
                              .closed_qty = execution->closed_qty,
                              .pnl = execution->realised_pnl,
                              .at_ns = execution->at_ns,
                              .is_maker = execution->is_maker };

    ysim_fill_row(call->state, call->out, &fill, false);
}

static void get_executions(struct ysim_call *call)
{
    const struct exchange *exchange = exchange_of(call);
    struct page page = page_of(call, 50, 100);
    struct filter filter;
    char type[24];
    int64_t start_ns, end_ns;

    filter_read(call, &filter);
    ysim_param(call, "execType", type, sizeof(type));
    if (!read_time(call, &start_ns, &end_ns))
        return;
    bool wants_trades = !*type || strcmp(type, "Trade") == 0;
    bool wants_fundings = !*type || strcmp(type, "Funding") == 0;
    const struct exchange_order *order =
        *filter.order_id || *filter.link_id
            ? ysim_find(call->state, call->account, call->category, filter.order_id, filter.link_id)
            : NULL;
    list_begin(call);
    for (uint32_t i = exchange->execution_count; wants_trades && i-- > 0;) {
        const struct exchange_execution *execution = exchange_execution(exchange, i);
        bool is_of_order = order ? &exchange->orders[execution->order] == order
                                 : !*filter.order_id && !*filter.link_id;
        if (execution->account == call->account && is_of_order && execution->at_ns >= start_ns &&
            execution->at_ns <= end_ns && passes(call, &filter, execution->instrument) &&
            page_takes(&page, call->out))
            fill_listed(call, execution);
    }
    if (wants_fundings && call->category == YSIM_LINEAR && !order)
        list_fundings(call, &filter, &page, start_ns, end_ns);
    list_end(call, &page);
}

/* ---- account ---- */

static void get_positions(struct ysim_call *call)
{
    const struct exchange *exchange = exchange_of(call);
    const struct exchange_account *account = &exchange->accounts[call->account];
    struct page page = page_of(call, 20, 200);
    struct filter filter;

    filter_read(call, &filter);
    if (call->category != YSIM_LINEAR || (!*filter.symbol && !*filter.coin)) {
        ysim_refuse(call, 10001,
                    "Missing some parameters that must be filled in, symbol or "
                    "settleCoin");
        return;
    }
    list_begin(call);
    for (uint32_t i = 0; i < exchange->instrument_count; i++) {
        if (!passes(call, &filter, i) || (!*filter.symbol && account->positions[i].qty == 0))
            continue;
        int first = account->is_hedge_mode ? 1 : 0, last = account->is_hedge_mode ? 2 : 0;
        for (int index = first; index <= last; index++)
            if (page_takes(&page, call->out))
                ysim_position_row(call->state, call->out, call->account, i, index, false);
    }
    list_end(call, &page);
}

static void get_wallet(struct ysim_call *call)
{
    char type[24], coins[128];

    ysim_param(call, "coin", coins, sizeof(coins));
    if (strcmp(ysim_param(call, "accountType", type, sizeof(type)), "UNIFIED") != 0) {
        ysim_refuse(call, 10001, "accountType only support UNIFIED.");
        return;
    }
    sim_textf(call->out, "{\"list\":[");
    ysim_wallet_row(call->state, call->out, call->account, coins);
    sim_textf(call->out, "]}");
}

static void get_info(struct ysim_call *call)
{
    sim_textf(call->out,
              "{\"marginMode\":\"REGULAR_MARGIN\",\"updatedTime\":\"1697078946000\","
              "\"unifiedMarginStatus\":5,\"dcpStatus\":\"OFF\",\"timeWindow\":10,\"smpGroup\":0,"
              "\"isMasterTrader\":false,\"spotHedgingStatus\":\"OFF\"}");
}

static void get_key(struct ysim_call *call)
{
    sim_textf(
        call->out,
        "{\"id\":\"1\",\"note\":\"simulated\",\"apiKey\":\"\",\"readOnly\":0,\"permissions\":{"
        "\"ContractTrade\":[\"Order\",\"Position\"],\"Spot\":[\"SpotTrade\"],\"Wallet\":[]},"
        "\"ips\":[\"*\"],\"type\":1,\"uta\":1,\"unified\":0,\"userID\":%u,"
        "\"vipLevel\":\"No VIP\",\"isMaster\":true,\"parentUid\":\"0\"}",
        505077818 + call->account);
}

static void rate(struct sim_text *out, const char *name, int32_t ppm)
{
    ysim_decimal(out, name, (int64_t)ppm * 100, 6);
}

static void get_fees(struct ysim_call *call)
{
    const struct exchange *exchange = exchange_of(call);
    const struct exchange_account_config *config = &exchange->accounts[call->account].config;
    struct filter filter;
    bool is_first = true;

    filter_read(call, &filter);
    sim_textf(call->out, "{\"list\":[");
    for (uint32_t i = 0; i < exchange->instrument_count; i++) {
        if (!passes(call, &filter, i))
            continue;
        sim_textf(call->out, "%s{\"symbol\":\"%s\"", is_first ? "" : ",",
                  exchange->instruments[i].config.symbol);
        is_first = false;
        rate(call->out, "takerFeeRate", config->taker_fee_ppm);
        rate(call->out, "makerFeeRate", config->maker_fee_ppm);
        sim_textf(call->out, "}");
    }
    sim_textf(call->out, "]}");
}

static void get_dcp(struct ysim_call *call)
{
    static const char *const products[] = { "SPOT", "DERIVATIVES" };
    const struct ysim_member *member = &call->state->members[call->account];
    bool is_first = true;

    sim_textf(call->out, "{\"dcpInfos\":[");
    for (int i = 0; i < 2; i++)
        if (member->dcp_window_ns[i]) {
            sim_textf(
                call->out, "%s{\"product\":\"%s\",\"dcpStatus\":\"ON\",\"timeWindow\":\"%lld\"}",
                is_first ? "" : ",", products[i], (long long)(member->dcp_window_ns[i] / NS_PER_S));
            is_first = false;
        }
    sim_textf(call->out, "]}");
}

/* ---- changes ---- */

static void post_order(struct ysim_call *call, void (*action)(struct bybit_sim *, uint32_t,
                                                              const cJSON *, struct ysim_result *))
{
    struct ysim_result result;

    action(call->state, call->account, call->body, &result);
    if (result.code) {
        ysim_refuse(call, result.code, result.message);
        return;
    }
    sim_textf(call->out, "{\"orderId\":\"%s\",\"orderLinkId\":\"%s\"}", result.order_id,
              result.link_id);
}

static void post_create(struct ysim_call *call)
{
    post_order(call, ysim_create);
}

static void post_cancel(struct ysim_call *call)
{
    post_order(call, ysim_cancel);
}

static void post_amend(struct ysim_call *call)
{
    post_order(call, ysim_amend);
}

/* Two lists side by side: what became of each, and why not (6.5). */
static void post_batch(struct ysim_call *call, void (*action)(struct bybit_sim *, uint32_t,
                                                              const cJSON *, struct ysim_result *))
{
    cJSON *list = cJSON_GetObjectItemCaseSensitive(call->body, "request"), *item;
    const char *category = ysim_text(call->body, "category");
    unsigned count = 0;

    if (cJSON_GetArraySize(list) > (call->category == YSIM_SPOT ? 10 : 20)) {
        ysim_refuse(call, 10001, "too many orders in one request");
        return;
    }
    sim_textf(call->out, "{\"list\":[");
    sim_textf(call->ext, "{\"list\":[");
    cJSON_ArrayForEach(item, list)
    {
        struct ysim_result result;
        if (!cJSON_GetObjectItemCaseSensitive(item, "category"))
            cJSON_AddStringToObject(item, "category", category);
        action(call->state, call->account, item, &result);
        sim_textf(call->out,
                  "%s{\"category\":\"%s\",\"symbol\":\"%s\",\"orderId\":\"%s\",\"orderLinkId\":"
                  "\"%s\",\"createAt\":\"%lld\"}",
                  count ? "," : "", category, ysim_text(item, "symbol"),
                  result.code ? "" : result.order_id, result.link_id,
                  (long long)ysim_ms(call->state->sim->now_ns));
        sim_textf(call->ext, "%s{\"code\":%d,\"msg\":", count++ ? "," : "", result.code);
        sim_text_string(call->ext, result.message);
        sim_textf(call->ext, "}");
    }
    sim_textf(call->out, "]}");
    sim_textf(call->ext, "]}");
}

static void post_create_batch(struct ysim_call *call)
{
    post_batch(call, ysim_create);
}

static void post_cancel_batch(struct ysim_call *call)
{
    post_batch(call, ysim_cancel);
}

static void post_amend_batch(struct ysim_call *call)
{
    post_batch(call, ysim_amend);
}

static void post_cancel_all(struct ysim_call *call)
{
    const struct exchange *exchange = exchange_of(call);
    const char *symbol = ysim_text(call->body, "symbol"),
               *coin = ysim_text(call->body, "settleCoin"),
               *base = ysim_text(call->body, "baseCoin"),
               *kind = ysim_text(call->body, "orderFilter");
    struct filter filter = { .symbol = "" };
    uint64_t ids[500];
    size_t count = 0;

    snprintf(filter.symbol, sizeof(filter.symbol), "%.39s", symbol);
    snprintf(filter.coin, sizeof(filter.coin), "%.15s", coin);
    snprintf(filter.base, sizeof(filter.base), "%.15s", base);
    if (call->category == YSIM_LINEAR && !*symbol && !*coin && !*base) {
        ysim_refuse(call, 10001, "params error: symbol, settleCoin or baseCoin");
        return;
    }
    bool has_normal = !*kind || strcmp(kind, "Order") == 0;
    for (const struct exchange_order *order = exchange->accounts[call->account].first_open;
         has_normal && order && count < COUNT(ids); order = order->next_of_account)
        if (passes(call, &filter, order->instrument))
            ids[count++] = order->id;
    sim_textf(call->out, "{\"list\":[");
    for (size_t i = 0; i < count; i++) {
        const struct exchange_order *order = exchange_order(exchange, ids[i]);
        char id[YSIM_ID_MAX];
        ysim_order_id(call->category, ids[i], id);
        sim_textf(call->out, "%s{\"orderId\":\"%s\",\"orderLinkId\":\"%s\"}", i ? "," : "", id,
                  order ? order->client_id : "");
        (void)exchange_cancel(call->state->sim->exchange, call->account, ids[i], CAUSE_REQUESTED,
                              call->state->sim->now_ns);
    }
    sim_textf(call->out, "],\"success\":\"1\"}");
}

static void post_dcp(struct ysim_call *call)
{
    const char *product = ysim_text(call->body, "product");
    const cJSON *window = cJSON_GetObjectItemCaseSensitive(call->body, "timeWindow");
    int which = strcmp(product, "SPOT") == 0 ? 0 : strcmp(product, "DERIVATIVES") == 0 ? 1 : -1;

    if (which < 0 || !cJSON_IsNumber(window) || window->valueint < 3 || window->valueint > 300) {
        ysim_refuse(call, 10001, "params error: product or timeWindow");
        return;
    }
    call->state->members[call->account].dcp_window_ns[which] = window->valueint * NS_PER_S;
    sim_textf(call->out, "{}");
}

static void post_switch_mode(struct ysim_call *call)
{
    const cJSON *mode = cJSON_GetObjectItemCaseSensitive(call->body, "mode");
    enum exchange_cause cause = exchange_set_hedge_mode(
        call->state->sim->exchange, call->account, cJSON_IsNumber(mode) && mode->valueint == 3);

    if (cause == CAUSE_NO_CHANGE)
        ysim_refuse(call, 110025, "Position mode is not modified");
    else if (cause != CAUSE_NONE)
        ysim_refuse(call, 110024,
                    "You have an existing position, so position mode cannot be "
                    "switched");
    else
        sim_textf(call->out, "{}");
}

static void post_leverage(struct ysim_call *call)
{
    uint32_t at =
        ysim_instrument(call->state->sim, call->category, ysim_text(call->body, "symbol"));
    int leverage = atoi(ysim_text(call->body, "buyLeverage"));

    if (at == EXCHANGE_NONE || leverage < 1) {
        ysim_refuse(call, 10001, "params error: symbol or leverage");
        return;
    }
    if (exchange_leverage(exchange_of(call), call->account, at) == (uint32_t)leverage)
        ysim_refuse(call, 110043, "leverage not modified");
    else if (exchange_set_leverage(call->state->sim->exchange, call->account, at,
                                   (uint32_t)leverage) != CAUSE_NONE)
        ysim_refuse(call, 110013, "cannot set leverage");
    else
        sim_textf(call->out, "{}");
}

/* ---- the table ---- */

struct endpoint {
    const char *method, *path;
    enum ysim_endpoint limit;
    bool needs_category, is_order;
    void (*run)(struct ysim_call *);
};

static const struct endpoint endpoints[] = {
    { "POST", "/v5/order/create", LIMIT_CREATE, true, true, post_create },
    { "POST", "/v5/order/cancel", LIMIT_CANCEL, true, true, post_cancel },
    { "POST", "/v5/order/amend", LIMIT_AMEND, true, true, post_amend },
    { "POST", "/v5/order/create-batch", LIMIT_CREATE_BATCH, true, true, post_create_batch },
    { "POST", "/v5/order/cancel-batch", LIMIT_CANCEL_BATCH, true, true, post_cancel_batch },
    { "POST", "/v5/order/amend-batch", LIMIT_AMEND_BATCH, true, true, post_amend_batch },
    { "POST", "/v5/order/cancel-all", LIMIT_CANCEL_ALL, true, true, post_cancel_all },
    { "POST", "/v5/order/disconnected-cancel-all", LIMIT_DCP, false, false, post_dcp },
    { "POST", "/v5/position/switch-mode", LIMIT_SETTINGS, true, false, post_switch_mode },
    { "POST", "/v5/position/set-leverage", LIMIT_SETTINGS, true, false, post_leverage },
    { "GET", "/v5/order/realtime", LIMIT_REALTIME, true, false, get_realtime },
    { "GET", "/v5/order/history", LIMIT_HISTORY, true, false, get_history },
    { "GET", "/v5/execution/list", LIMIT_EXECUTIONS, true, false, get_executions },
    { "GET", "/v5/position/list", LIMIT_POSITIONS, true, false, get_positions },
    { "GET", "/v5/account/wallet-balance", LIMIT_WALLET, false, false, get_wallet },
    { "GET", "/v5/account/info", LIMIT_INFO, false, false, get_info },
    { "GET", "/v5/account/fee-rate", LIMIT_FEES, true, false, get_fees },
    { "GET", "/v5/account/query-dcp-info", LIMIT_DCP, false, false, get_dcp },
    { "GET", "/v5/user/query-api", LIMIT_INFO, false, false, get_key },
};

static void reply(struct ysim_call *call, int status, const struct ysim_usage *usage, bool is_order)
{
    struct sim_text body = { 0 };
    char headers[320];
    int n = snprintf(headers, sizeof(headers), "Content-Type: application/json; charset=utf-8\r\n");

    if (usage)
        n += snprintf(headers + n, sizeof(headers) - (size_t)n,
                      "X-Bapi-Limit: %d\r\nX-Bapi-Limit-Status: %d\r\n"
                      "X-Bapi-Limit-Reset-Timestamp: %lld\r\n",
                      usage->limit, usage->left, (long long)usage->reset_ms);
    if (status == 429)
        snprintf(headers + n, sizeof(headers) - (size_t)n, "Retry-After: 1\r\n");
    sim_textf(&body, "{\"retCode\":%d,\"retMsg\":", call->code);
    sim_text_string(&body, call->code ? call->message : "OK");
    sim_textf(&body, ",\"result\":%s,\"retExtInfo\":%s,\"time\":%lld}",
              call->code || call->out->len == 0 ? "{}" : call->out->at,
              call->ext->len && !call->code ? call->ext->at : "{}",
              (long long)ysim_ms(call->state->sim->now_ns));
    sim_http_reply(call->request, is_order ? SIM_ORDER_ACK : SIM_ANSWER, status, headers, body.at,
                   body.len);
    sim_text_free(&body);
}

/* What is wrong with a request before it is looked at. Gives the HTTP status. */
static int check(struct ysim_call *call, const struct endpoint *endpoint, struct ysim_usage *usage)
{
    struct sim_http *request = call->request;
    bool is_get = strcmp(request->method, "GET") == 0;
    char word[16];

    if (is_get && request->body_len > 0)
        return 403;
    const struct sim_account *account =
        ysim_authenticate(call->state, request, &call->code, call->message, sizeof(call->message));
    if (!account)
        return 200;
    call->code = 0;
    call->account = account->account;
    if (!is_get) {
        call->body = cJSON_ParseWithLength(request->body, request->body_len);
        call->category = ysim_category_read(ysim_text(call->body, "category"));
    } else {
        call->category = ysim_category_read(ysim_param(call, "category", word, sizeof(word)));
    }
    if (!is_get && !cJSON_IsObject(call->body))
        ysim_refuse(call, 10001, "Request body is no JSON object");
    else if (endpoint->needs_category && call->category == YSIM_NONE)
        ysim_refuse(call, 10001, "category invalid");
    else if (!ysim_spend(call->state, call->account, endpoint->limit, call->category, usage))
        ysim_refuse(call, 10006, "Too many visits. Exceeded the API Rate Limit.");
    return 200;
}

static void run_private(struct ysim_call *call, const struct endpoint *endpoint)
{
    struct ysim_usage usage = { 0 };
    int status = check(call, endpoint, &usage), code;
    bool is_after = false, is_fault = false;
    char words[96];

    if (status == 200 && call->code == 0 && endpoint->is_order)
        is_fault = ysim_fault_order(call->state, &status, &code, words, sizeof(words), &is_after);
    if (status == 200 && call->code == 0 && !is_fault)
        endpoint->run(call);
    if (is_fault && is_after)
        endpoint->run(call);
    if (is_fault && status != 200) {
        const char *headers = status == 429 ? "Content-Type: text/plain\r\nRetry-After: 1\r\n"
                                            : "Content-Type: text/plain\r\n";
        sim_http_reply(call->request, SIM_ANSWER, status, headers, words, strlen(words));
        return;
    }
    if (is_fault)
        ysim_refuse(call, code, words);
    if (status == 403) {
        sim_http_reply(call->request, SIM_ANSWER, 403, "Content-Type: text/plain\r\n", "Forbidden",
                       9);
        return;
    }
    reply(call, status, usage.limit ? &usage : NULL, endpoint->is_order && !call->code);
}

void ysim_http(struct sim *sim, struct sim_http *request)
{
    struct sim_text out = { 0 }, ext = { 0 };
    struct ysim_call call = { .state = sim->state,
                              .request = request,
                              .account = EXCHANGE_NONE,
                              .category = YSIM_NONE,
                              .out = &out,
                              .ext = &ext };
    const struct endpoint *endpoint = NULL;

    sim_text_add(&out, "", 0);
    sim_text_add(&ext, "", 0);
    for (size_t i = 0; i < COUNT(endpoints) && !endpoint; i++)
        if (strcmp(request->path, endpoints[i].path) == 0 &&
            strcmp(request->method, endpoints[i].method) == 0)
            endpoint = &endpoints[i];
    if (sim_fault_lasts(sim, SIM_FAULT_STATUS_418))
        sim_http_reply(request, SIM_ANSWER, 403, "Content-Type: text/plain\r\n",
                       "access too frequent", 19);
    else if (endpoint)
        run_private(&call, endpoint);
    else if (strcmp(request->method, "GET") == 0 && ysim_market_call(&call))
        reply(&call, 200, NULL, false);
    else
        sim_http_reply(request, SIM_ANSWER, 404, "Content-Type: text/html\r\n",
                       "<html><body>404 page not found</body></html>", 44);
    cJSON_Delete(call.body);
    sim_text_free(&out);
    sim_text_free(&ext);
}
