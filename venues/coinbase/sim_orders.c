/* Orders over REST (6): place, query, list, cancel. */
#include "venues/coinbase/sim_coinbase.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 1000 };

static const struct exchange_instrument *instrument_of(const struct cbsim_call *call, uint32_t at)
{
    return &call->cb->sim->exchange->instruments[at];
}

/* ---- an order as the venue tells it (6.3) ---- */

static const char *tif_text(const struct exchange_order *order)
{
    return order->expires_ns                 ? "GTT"
           : order->time_in_force == TIF_IOC ? "IOC"
           : order->time_in_force == TIF_FOK ? "FOK"
                                             : "GTC";
}

static const char *stp_text(const struct exchange_order *order)
{
    static const char *const texts[] = { "dc", "co", "cn", "cb" };

    return texts[order->tag & 3];
}

/* POST tells the little that the gateway knows; GET everything. */
static void add_order(struct cbsim_call *call, const struct exchange_order *order, bool is_reply)
{
    const struct exchange_instrument *instrument = instrument_of(call, order->instrument);
    struct sim_text *out = &call->out;
    char id[CBSIM_UUID + 1], profile[CBSIM_UUID + 1], when[40];
    bool is_market = order->type == ORDER_MARKET, is_open = exchange_is_open(order);

    cbsim_uuid('O', order->id, id);
    cbsim_uuid('P', order->account + 1, profile);
    cbsim_time(order->created_ns, when);
    sim_textf(out, "{\"id\":\"%s\",", id);
    if (!is_market) {
        cbsim_decimal(out, "price", order->match.price, EXCHANGE_EXP);
        sim_textf(out, ",");
    }
    if (order->quote_qty)
        cbsim_decimal(out, "funds", order->quote_qty, EXCHANGE_EXP);
    else
        cbsim_decimal(out, "size", order->qty, EXCHANGE_EXP);
    sim_textf(out, ",\"product_id\":\"%s\",\"side\":\"%s\",\"type\":\"%s\"",
              instrument->config.symbol, order->match.side == SIDE_BUY ? "buy" : "sell",
              is_market ? "market" : "limit");
    if (order->client_id[0])
        sim_textf(out, ",\"client_oid\":\"%s\"", order->client_id);
    if (!is_market)
        sim_textf(out, ",\"time_in_force\":\"%s\"", tif_text(order));
    sim_textf(out, ",\"post_only\":%s,\"stp\":\"%s\",\"created_at\":\"%s\",",
              order->is_post_only ? "true" : "false", stp_text(order), when);
    cbsim_decimal(out, "fill_fees", is_reply ? 0 : order->fee_total, 16);
    sim_textf(out, ",");
    cbsim_decimal(out, "filled_size", is_reply ? 0 : order->filled_qty, EXCHANGE_EXP);
    sim_textf(out, ",");
    cbsim_decimal(out, "executed_value", is_reply ? 0 : order->filled_quote, 16);
    if (is_reply) {
        sim_textf(out, ",\"status\":\"pending\",\"settled\":false}");
        return;
    }
    sim_textf(out,
              ",\"profile_id\":\"%s\",\"market_type\":\"spot\",\"funding_currency\":\"%s\","
              "\"status\":\"%s\",\"settled\":%s",
              profile, instrument->config.quote, is_open ? "open" : "done",
              is_open ? "false" : "true");
    if (!is_open) {
        cbsim_time(order->updated_ns, when);
        sim_textf(out, ",\"done_at\":\"%s\",\"done_reason\":\"%s\"", when,
                  order->state == EXCHANGE_FILLED ? "filled" : "canceled");
    }
    sim_textf(out, "}");
}

static void add_refused(struct cbsim_call *call, const struct cbsim_refused *refused)
{
    const struct exchange_instrument *instrument = instrument_of(call, refused->instrument);
    struct sim_text *out = &call->out;
    char id[CBSIM_UUID + 1], when[40];

    cbsim_uuid('R', refused->id, id);
    cbsim_time(refused->at_ns, when);
    sim_textf(out, "{\"id\":\"%s\",", id);
    cbsim_decimal(out, "price", refused->price, EXCHANGE_EXP);
    sim_textf(out, ",");
    cbsim_decimal(out, "size", refused->qty, EXCHANGE_EXP);
    sim_textf(out,
              ",\"product_id\":\"%s\",\"side\":\"%s\",\"type\":\"limit\",\"time_in_force\":\"GTC\","
              "\"post_only\":%s,\"created_at\":\"%s\",\"fill_fees\":\"0\",\"filled_size\":\"0\","
              "\"executed_value\":\"0\",\"status\":\"rejected\",\"settled\":true,"
              "\"reject_reason\":\"%s\"",
              instrument->config.symbol, refused->side == SIDE_BUY ? "buy" : "sell",
              refused->is_post_only ? "true" : "false", when, refused->reason);
    if (refused->client_oid[0])
        sim_textf(out, ",\"client_oid\":\"%s\"", refused->client_oid);
    sim_textf(out, "}");
}

/* ---- place (6.1) ---- */

static const char *text_member(const cJSON *body, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(body, name));
}

/* A decimal, as text or as a number; leading zeros are refused. *is_there false: none given. */
static bool decimal_member(struct cbsim_call *call, const cJSON *body, const char *name,
                           int64_t *out, bool *is_there)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(body, name);
    char number[40];
    const char *text = cJSON_GetStringValue(item);

    *is_there = item && !cJSON_IsNull(item);
    *out = 0;
    if (!*is_there)
        return true;
    if (cJSON_IsNumber(item)) {
        snprintf(number, sizeof number, "%.10g", item->valuedouble);
        text = number;
    }
    if (!text || (text[0] == '0' && text[1] && text[1] != '.') ||
        sim_decimal(text, strlen(text), out) != 0 || *out <= 0)
        return cbsim_fail(call, 400, "Invalid %s", name);
    return true;
}

static bool read_words(struct cbsim_call *call, const cJSON *body, struct exchange_request *out)
{
    const char *side = text_member(body, "side"), *type = text_member(body, "type");
    const char *tif = text_member(body, "time_in_force"), *stp = text_member(body, "stp");
    const char *product = text_member(body, "product_id");

    out->instrument = product ? cbsim_product_find(call->cb->sim, product) : EXCHANGE_NONE;
    if (out->instrument == EXCHANGE_NONE)
        return cbsim_fail(call, 400, "Product not found");
    if (!side || (strcmp(side, "buy") != 0 && strcmp(side, "sell") != 0))
        return cbsim_fail(call, 400, "Invalid side");
    out->side = strcmp(side, "buy") == 0 ? SIDE_BUY : SIDE_SELL;
    if (type && strcmp(type, "limit") != 0 && strcmp(type, "market") != 0)
        return cbsim_fail(call, 400, "Invalid type");
    out->type = type && strcmp(type, "market") == 0 ? ORDER_MARKET : ORDER_LIMIT;
    out->time_in_force = !tif || strcmp(tif, "GTC") == 0 ? TIF_GTC
                         : strcmp(tif, "IOC") == 0       ? TIF_IOC
                         : strcmp(tif, "FOK") == 0       ? TIF_FOK
                                                         : TIF_NONE;
    if (out->time_in_force == TIF_NONE)
        return cbsim_fail(call, 400, "Invalid time_in_force");
    out->tag = !stp || strcmp(stp, "dc") == 0 ? CBSIM_STP_DC
               : strcmp(stp, "co") == 0       ? CBSIM_STP_CO
               : strcmp(stp, "cn") == 0       ? CBSIM_STP_CN
                                              : CBSIM_STP_CB;
    out->stp = out->tag == CBSIM_STP_DC   ? STP_DECREMENT
               : out->tag == CBSIM_STP_CO ? STP_EXPIRE_MAKER
               : out->tag == CBSIM_STP_CN ? STP_EXPIRE_TAKER
                                          : STP_EXPIRE_BOTH;
    out->is_post_only = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(body, "post_only"));
    if (out->is_post_only && (out->time_in_force != TIF_GTC || out->type == ORDER_MARKET))
        return cbsim_fail(call, 400, "Invalid post_only");
    return true;
}

static bool read_request(struct cbsim_call *call, const cJSON *body, struct exchange_request *out)
{
    const char *client = text_member(body, "client_oid");
    bool has_price, has_size, has_funds;
    int64_t funds;

    *out = (struct exchange_request){ .account = call->account, .client_id = client };
    if (!read_words(call, body, out))
        return false;
    if (client && !cbsim_is_client_oid(client))
        return cbsim_fail(call, 400, "Invalid client_oid");
    if (!decimal_member(call, body, "price", &out->price, &has_price) ||
        !decimal_member(call, body, "size", &out->qty, &has_size) ||
        !decimal_member(call, body, "funds", &funds, &has_funds))
        return false;
    if (out->type == ORDER_MARKET) {
        out->price = 0;
        out->quote_qty = funds;
        if (has_size == has_funds)
            return cbsim_fail(call, 400, "exactly one of size and funds");
    } else if (!has_price) {
        return cbsim_fail(call, 400, "Invalid Price");
    } else if (!has_size || has_funds) {
        return cbsim_fail(call, 400, "Invalid size");
    }
    return true;
}

/* "price is too accurate. Smallest unit is 0.01" */
static bool too(struct cbsim_call *call, const char *what, int64_t unit)
{
    struct sim_text text = { 0 };

    sim_text_decimal(&text, unit, EXCHANGE_EXP);
    size_t len = text.len;
    while (len > 0 && text.at[len - 1] == '0')
        len--;
    (void)cbsim_fail(call, 400, "%s is %.*s", what, (int)len, text.at);
    sim_text_free(&text);
    return false;
}

static bool refuse(struct cbsim_call *call, const struct exchange_request *request,
                   enum exchange_cause cause)
{
    const struct exchange_instrument_config *config =
        &instrument_of(call, request->instrument)->config;

    switch (cause) {
    case CAUSE_BALANCE:
        return cbsim_fail(call, 400, "Insufficient funds");
    case CAUSE_HALTED:
        return cbsim_fail(call, 400, "Trading pair not available");
    case CAUSE_CANCEL_ONLY:
        return cbsim_fail(call, 400, "Cancel only mode");
    case CAUSE_POST_ONLY_MODE:
        return cbsim_fail(call, 400, "Post only mode");
    case CAUSE_TICK:
        return too(call, "price is too accurate. Smallest unit", config->tick);
    case CAUSE_LOT:
        return too(call, "size is too accurate. Smallest unit", config->lot);
    case CAUSE_MIN_QTY:
        return too(call, "size is too small. Minimum size", config->min_qty);
    case CAUSE_MIN_NOTIONAL:
        return too(call, "funds is too small. Minimum size", config->min_notional);
    case CAUSE_MAX_ORDERS:
        return cbsim_fail(call, 400, "Too many open orders");
    case CAUSE_CAPACITY:
        return cbsim_fail(call, 503, "Service unavailable");
    default:
        return cbsim_fail(call, 400, "Invalid Price");
    }
}

/* Taken by the gateway and refused behind it: 200, and the order ends rejected (6.1). */
static void keep_refused(struct cbsim_call *call, const struct exchange_request *request,
                         const char *reason)
{
    struct coinbase_sim *cb = call->cb;
    struct cbsim_refused *refused = &cb->refused[cb->refused_next % CBSIM_REFUSED_MAX];

    *refused = (struct cbsim_refused){ .id = ++cb->refused_next,
                                       .account = call->account,
                                       .instrument = request->instrument,
                                       .side = request->side,
                                       .price = request->price,
                                       .qty = request->qty,
                                       .at_ns = cb->sim->now_ns,
                                       .is_post_only = request->is_post_only };
    snprintf(refused->reason, sizeof refused->reason, "%s", reason);
    snprintf(refused->client_oid, sizeof refused->client_oid, "%s",
             request->client_id ? request->client_id : "");
    add_refused(call, refused);
}

bool cbsim_place(struct cbsim_call *call)
{
    cJSON *body = cJSON_ParseWithLength(call->request->body, call->request->body_len);
    struct exchange_request request;
    const struct exchange_order *order = NULL;
    bool is_read = cJSON_IsObject(body) ? read_request(call, body, &request)
                                        : cbsim_fail(call, 400, "Invalid JSON");

    if (is_read) {
        enum exchange_cause cause =
            exchange_place(call->cb->sim->exchange, &request, call->cb->sim->now_ns, &order);
        if (cause == CAUSE_WOULD_TAKE)
            keep_refused(call, &request, "Post only order would take");
        else if (cause != CAUSE_NONE)
            is_read = refuse(call, &request, cause);
    }
    if (is_read && order) {
        if (exchange_is_open(order))
            cbsim_user_open(call->cb, order);
        add_order(call, order, true);
    }
    cJSON_Delete(body);
    return is_read;
}

/* ---- look up (6.4) ---- */

/* Orders cancelled without an execution are forgotten. */
static bool is_purged(const struct exchange_order *order)
{
    return !exchange_is_open(order) && order->filled_qty == 0;
}

static const struct exchange_order *order_of(struct cbsim_call *call, const char *id)
{
    const struct exchange *exchange = call->cb->sim->exchange;
    const struct exchange_order *order;
    uint64_t number;

    if (strncmp(id, "client:", 7) == 0)
        order = exchange_order_by_client(exchange, call->account, id + 7);
    else
        order = (number = cbsim_uuid_read('O', id)) ? exchange_order(exchange, number) : NULL;
    return order && order->account == call->account ? order : NULL;
}

static const struct cbsim_refused *refused_of(struct cbsim_call *call, const char *id)
{
    bool is_client = strncmp(id, "client:", 7) == 0;
    uint64_t number = is_client ? 0 : cbsim_uuid_read('R', id);

    for (size_t i = 0; i < CBSIM_REFUSED_MAX; i++) {
        const struct cbsim_refused *refused = &call->cb->refused[i];
        if (refused->id && refused->account == call->account &&
            (is_client ? strcmp(refused->client_oid, id + 7) == 0 : refused->id == number))
            return refused;
    }
    return NULL;
}

bool cbsim_order_get(struct cbsim_call *call, const char *id)
{
    const struct exchange_order *order = order_of(call, id);
    const struct cbsim_refused *refused = order ? NULL : refused_of(call, id);

    if (refused) {
        add_refused(call, refused);
        return true;
    }
    if (!order || is_purged(order))
        return cbsim_fail(call, 404, "NotFound");
    add_order(call, order, false);
    return true;
}

/* Which states are asked for: status=open&status=done, status[]=open; by default the open ones. */
static void wanted_states(const struct cbsim_call *call, bool *open, bool *done)
{
    const char *at = call->request->query, *end = at + strlen(at);
    char name[32], value[64];
    bool has_any = false;

    *open = *done = false;
    while (sim_param_next(&at, end, name, sizeof name, value, sizeof value)) {
        if (strcmp(name, "status") != 0 && strcmp(name, "status[]") != 0)
            continue;
        has_any = true;
        *open |= strcmp(value, "open") == 0 || strcmp(value, "all") == 0;
        *done |= strcmp(value, "done") == 0 || strcmp(value, "all") == 0;
    }
    *open |= !has_any;
}

struct page {
    int64_t before_ns, after_ns; /* Newer than, older than. */
    long limit;
};

static bool read_page(struct cbsim_call *call, struct page *page)
{
    char text[64];

    *page = (struct page){ .after_ns = INT64_MAX, .limit = PAGE };
    if (cbsim_parameter(call, "limit", text, sizeof text))
        page->limit = MAX(1, MIN(atol(text), PAGE));
    if (cbsim_parameter(call, "after", text, sizeof text) &&
        !cbsim_time_read(text, &page->after_ns))
        return cbsim_fail(call, 400, "invalid after");
    if (cbsim_parameter(call, "before", text, sizeof text) &&
        !cbsim_time_read(text, &page->before_ns))
        return cbsim_fail(call, 400, "invalid before");
    return true;
}

/* Newest first; the cursors are created_at of the page's ends. */
bool cbsim_order_list(struct cbsim_call *call)
{
    const struct exchange *exchange = call->cb->sim->exchange;
    const struct exchange_order *order, **found;
    uint32_t cursor = 0, count = 0, only = EXCHANGE_NONE;
    bool wants_open, wants_done;
    char text[64], first[40], last[40];
    struct page page;

    if (!read_page(call, &page))
        return false;
    if (cbsim_parameter(call, "product_id", text, sizeof text) &&
        (only = cbsim_product_find(call->cb->sim, text)) == EXCHANGE_NONE)
        return cbsim_fail(call, 404, "ProductNotFound");
    wanted_states(call, &wants_open, &wants_done);
    found = calloc(exchange->orders_max, sizeof *found);
    if (!found)
        abort(); /* A tool, not a trading process. */
    while ((order = exchange_next_order(exchange, call->account, &cursor)))
        if ((exchange_is_open(order) ? wants_open : wants_done) && !is_purged(order) &&
            (only == EXCHANGE_NONE || order->instrument == only) &&
            order->created_ns < page.after_ns && order->created_ns > page.before_ns)
            found[count++] = order;
    uint32_t shown = (uint32_t)MIN((long)count, page.limit);
    sim_textf(&call->out, "[");
    for (uint32_t i = 0; i < shown; i++) {
        sim_textf(&call->out, "%s", i ? "," : "");
        add_order(call, found[count - 1 - i], false);
    }
    sim_textf(&call->out, "]");
    if (shown) {
        sim_wall_text(found[count - 1]->created_ns, 9, first);
        sim_wall_text(found[count - shown]->created_ns, 9, last);
        snprintf(call->headers, sizeof call->headers, "CB-BEFORE: %s\r\nCB-AFTER: %s\r\n", first,
                 last);
    }
    free(found);
    return true;
}

/* ---- cancel (6.5, 6.6) ---- */

bool cbsim_order_cancel(struct cbsim_call *call, const char *id)
{
    const struct exchange_order *order = order_of(call, id);

    if (!order || is_purged(order))
        return cbsim_fail(call, 404, "order not found");
    if (!exchange_is_open(order))
        return cbsim_fail(call, 400, "Order already done");
    (void)exchange_cancel(call->cb->sim->exchange, call->account, order->id, CAUSE_REQUESTED,
                          call->cb->sim->now_ns);
    sim_textf(&call->out, "\"%s\"", strncmp(id, "client:", 7) == 0 ? id + 7 : id);
    return true;
}

bool cbsim_cancel_all(struct cbsim_call *call)
{
    struct sim *sim = call->cb->sim;
    uint32_t only = EXCHANGE_NONE, count = 0;
    char text[64], id[CBSIM_UUID + 1];
    uint64_t ids[PAGE];

    if (cbsim_parameter(call, "product_id", text, sizeof text) &&
        (only = cbsim_product_find(sim, text)) == EXCHANGE_NONE)
        return cbsim_fail(call, 404, "ProductNotFound");
    for (const struct exchange_order *order = sim->exchange->accounts[call->account].first_open;
         order && count < PAGE; order = order->next_of_account)
        if (only == EXCHANGE_NONE || order->instrument == only)
            ids[count++] = order->id;
    sim_textf(&call->out, "[");
    for (uint32_t i = 0; i < count; i++) {
        (void)exchange_cancel(sim->exchange, call->account, ids[i], CAUSE_REQUESTED, sim->now_ns);
        cbsim_uuid('O', ids[i], id);
        sim_textf(&call->out, "%s\"%s\"", i ? "," : "", id);
    }
    sim_textf(&call->out, "]");
    return true;
}
