/* REST: which call it is, faults, and public market data (2.11, 4). */
#include "venues/coinbase/sim_coinbase.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRADES_PAGE = 1000 };

bool cbsim_fail(struct cbsim_call *call, int status, const char *format, ...)
{
    va_list arguments;

    call->status = status;
    va_start(arguments, format);
    vsnprintf(call->error, sizeof call->error, format, arguments);
    va_end(arguments);
    return false;
}

bool cbsim_parameter(const struct cbsim_call *call, const char *name, char *out, size_t cap)
{
    out[0] = '\0';
    return sim_param(call->request->query, strlen(call->request->query), name, out, cap) == 0 &&
           out[0];
}

/* ---- products ---- */

void cbsim_product_text(const struct coinbase_sim *cb, uint32_t at, bool is_status,
                        struct sim_text *out)
{
    const struct exchange_instrument *instrument = &cb->sim->exchange->instruments[at];
    const struct exchange_instrument_config *config = &instrument->config;
    wire_trading_state status = instrument->status;

    sim_textf(out, "{\"id\":\"%s\",\"base_currency\":\"%s\",\"quote_currency\":\"%s\",",
              config->symbol, config->base, config->quote);
    cbsim_decimal(out, "quote_increment", config->tick, config->price_decimals);
    sim_textf(out, ",");
    cbsim_decimal(out, "base_increment", config->lot, config->qty_decimals);
    sim_textf(out, ",\"display_name\":\"%s\",", config->symbol);
    cbsim_decimal(out, "min_market_funds", config->min_notional, 2);
    sim_textf(out,
              ",\"post_only\":%s,\"limit_only\":%s,\"cancel_only\":%s,\"status\":\"%s\","
              "\"status_message\":\"\",\"fx_stablecoin\":false",
              status == TRADING_POST_ONLY ? "true" : "false",
              status == TRADING_LIMIT_ONLY ? "true" : "false",
              status == TRADING_CANCEL_ONLY ? "true" : "false",
              status == TRADING_DELISTED ? "delisted" : "online");
    if (!is_status)
        sim_textf(out,
                  ",\"margin_enabled\":false,\"trading_disabled\":%s,\"auction_mode\":%s,"
                  "\"max_slippage_percentage\":\"0.02000000\",\"high_bid_limit_percentage\":\"\"",
                  status == TRADING_HALTED || status == TRADING_DELISTED ? "true" : "false",
                  status == TRADING_AUCTION ? "true" : "false");
    sim_textf(out, "}");
}

static bool get_products(struct cbsim_call *call)
{
    sim_textf(&call->out, "[");
    for (uint32_t i = 0; i < call->cb->sim->exchange->instrument_count; i++) {
        sim_textf(&call->out, "%s", i ? "," : "");
        cbsim_product_text(call->cb, i, false, &call->out);
    }
    sim_textf(&call->out, "]");
    return true;
}

static bool get_currencies(struct cbsim_call *call)
{
    const struct exchange *exchange = call->cb->sim->exchange;

    sim_textf(&call->out, "[");
    for (uint32_t i = 0; i < exchange->asset_count; i++)
        sim_textf(&call->out,
                  "%s{\"id\":\"%s\",\"name\":\"%s\",\"min_size\":\"0.00000001\",\"status\":"
                  "\"online\",\"message\":\"\",\"max_precision\":\"0.00000001\",\"convertible_to\":"
                  "[],\"details\":{\"type\":\"crypto\"},\"default_network\":\"\","
                  "\"supported_networks\":[],\"display_name\":\"%s\"}",
                  i ? "," : "", exchange->assets[i], exchange->assets[i], exchange->assets[i]);
    sim_textf(&call->out, "]");
    return true;
}

static bool get_time(struct cbsim_call *call)
{
    int64_t now_ns = call->cb->sim->now_ns;
    char when[40];

    sim_wall_text(now_ns, 6, when);
    sim_textf(&call->out, "{\"iso\":\"%s\",\"epoch\":%lld.%03d}", when,
              (long long)(now_ns / NS_PER_S), (int)(now_ns / NS_PER_MS % 1000));
    return true;
}

/* ---- books, tickers, trades ---- */

static void add_side(struct cbsim_call *call, const char *name, const struct match_side *side,
                     int level, const struct exchange_instrument *instrument)
{
    const struct match_level *at;
    char id[CBSIM_UUID + 1];
    bool is_first = true;

    sim_textf(&call->out, "\"%s\":[", name);
    for (uint32_t i = 0; (at = match_level_at(side, i)) && (level > 1 || i == 0); i++) {
        const struct match_order *order = level == 3 ? at->first : NULL;
        do {
            sim_textf(&call->out, "%s[\"", is_first ? "" : ",");
            sim_text_decimal(&call->out, at->price, instrument->config.price_decimals);
            sim_textf(&call->out, "\",\"");
            sim_text_decimal(&call->out, order ? order->leaves : at->qty, EXCHANGE_EXP);
            if (order)
                cbsim_uuid('O', ((const struct exchange_order *)(const void *)order)->id, id);
            if (order)
                sim_textf(&call->out, "\",\"%s\"]", id);
            else
                sim_textf(&call->out, "\",%u]", at->order_count);
            is_first = false;
            order = order ? order->next : NULL;
        } while (order);
    }
    sim_textf(&call->out, "]");
}

static bool get_book(struct cbsim_call *call, uint32_t at)
{
    const struct exchange_instrument *instrument = &call->cb->sim->exchange->instruments[at];
    char text[8], when[40];
    int level = cbsim_parameter(call, "level", text, sizeof text) ? atoi(text) : 1;

    if (level < 1 || level > 3)
        return cbsim_fail(call, 400, "Invalid level");
    sim_textf(&call->out, "{");
    add_side(call, "bids", &instrument->book.bids, level, instrument);
    sim_textf(&call->out, ",");
    add_side(call, "asks", &instrument->book.asks, level, instrument);
    cbsim_time(call->cb->sim->now_ns, when);
    sim_textf(&call->out,
              ",\"sequence\":%llu,\"auction_mode\":%s,\"auction\":null,\"time\":\"%s\"}",
              (unsigned long long)call->cb->products[at].sequence,
              instrument->status == TRADING_AUCTION ? "true" : "false", when);
    return true;
}

static const struct cbsim_trade *trade_at(const struct cbsim_product *product, uint64_t n)
{
    return n < product->trade_count && product->trade_count - n <= CBSIM_TRADES_KEPT
               ? &product->trades[n % CBSIM_TRADES_KEPT]
               : NULL;
}

static bool get_ticker(struct cbsim_call *call, uint32_t at)
{
    const struct exchange *exchange = call->cb->sim->exchange;
    const struct exchange_instrument *instrument = &exchange->instruments[at];
    const struct cbsim_product *product = &call->cb->products[at];
    const struct cbsim_trade *trade =
        product->trade_count ? trade_at(product, product->trade_count - 1) : NULL;
    int price = instrument->config.price_decimals;
    struct sim_text *out = &call->out;
    char when[40];

    cbsim_time(trade ? trade->at_ns : call->cb->sim->now_ns, when);
    sim_textf(out, "{");
    cbsim_decimal(out, "ask", exchange_best(exchange, at, SIDE_SELL), price);
    sim_textf(out, ",");
    cbsim_decimal(out, "bid", exchange_best(exchange, at, SIDE_BUY), price);
    sim_textf(out, ",");
    cbsim_decimal(out, "volume", instrument->volume, EXCHANGE_EXP);
    sim_textf(out, ",\"trade_id\":%llu,", (unsigned long long)(trade ? trade->trade_id : 0));
    cbsim_decimal(out, "price", instrument->last_price, price);
    sim_textf(out, ",");
    cbsim_decimal(out, "size", trade ? trade->qty : 0, EXCHANGE_EXP);
    sim_textf(out, ",\"time\":\"%s\",\"rfq_volume\":\"0.000000\"}", when);
    return true;
}

static bool get_stats(struct cbsim_call *call, uint32_t at)
{
    const struct exchange_instrument *instrument = &call->cb->sim->exchange->instruments[at];
    const struct {
        const char *name;
        int64_t value;
    } members[] = { { "open", instrument->open_price }, { "high", instrument->high_price },
                    { "low", instrument->low_price },   { "last", instrument->last_price },
                    { "volume", instrument->volume },   { "volume_30day", instrument->volume } };

    for (size_t i = 0; i < COUNT(members); i++) {
        sim_textf(&call->out, "%s", i ? "," : "{");
        cbsim_decimal(&call->out, members[i].name, members[i].value, EXCHANGE_EXP);
    }
    sim_textf(&call->out, "}");
    return true;
}

/* Newest first; before: newer than that id, after: older (6.4). */
static bool get_trades(struct cbsim_call *call, uint32_t at)
{
    const struct cbsim_product *product = &call->cb->products[at];
    char text[32], when[40];
    uint64_t before = 0, after = UINT64_MAX, first = 0, last = 0;
    long limit = cbsim_parameter(call, "limit", text, sizeof text) ? atol(text) : TRADES_PAGE;
    const struct cbsim_trade *trade;
    long count = 0;

    limit = MAX(1, MIN(limit, TRADES_PAGE));
    if (cbsim_parameter(call, "before", text, sizeof text))
        before = strtoull(text, NULL, 10);
    if (cbsim_parameter(call, "after", text, sizeof text))
        after = strtoull(text, NULL, 10);
    sim_textf(&call->out, "[");
    for (uint64_t n = product->trade_count;
         n-- > 0 && (trade = trade_at(product, n)) && count < limit;) {
        if (trade->trade_id <= before || trade->trade_id >= after)
            continue;
        cbsim_time(trade->at_ns, when);
        sim_textf(&call->out, "%s{\"time\":\"%s\",\"trade_id\":%llu,", count ? "," : "", when,
                  (unsigned long long)trade->trade_id);
        cbsim_decimal(&call->out, "price", trade->price, EXCHANGE_EXP);
        sim_textf(&call->out, ",");
        cbsim_decimal(&call->out, "size", trade->qty, EXCHANGE_EXP);
        sim_textf(&call->out, ",\"side\":\"%s\"}", trade->maker_side == SIDE_BUY ? "buy" : "sell");
        first = count++ ? first : trade->trade_id;
        last = trade->trade_id;
    }
    sim_textf(&call->out, "]");
    if (count)
        snprintf(call->headers, sizeof call->headers, "CB-BEFORE: %llu\r\nCB-AFTER: %llu\r\n",
                 (unsigned long long)first, (unsigned long long)last);
    return true;
}

static bool get_of_product(struct cbsim_call *call, const char *path)
{
    static const struct {
        const char *name;
        bool (*get)(struct cbsim_call *call, uint32_t at);
    } calls[] = {
        { "book", get_book },
        { "ticker", get_ticker },
        { "trades", get_trades },
        { "stats", get_stats },
    };
    char id[32];
    size_t len = strcspn(path, "/");

    snprintf(id, sizeof id, "%.*s", (int)MIN(len, sizeof id - 1), path);
    uint32_t at = cbsim_product_find(call->cb->sim, id);
    if (at == EXCHANGE_NONE)
        return cbsim_fail(call, 404, "NotFound");
    if (path[len] == '\0') {
        cbsim_product_text(call->cb, at, false, &call->out);
        return true;
    }
    for (size_t i = 0; i < COUNT(calls); i++)
        if (strcmp(path + len + 1, calls[i].name) == 0)
            return calls[i].get(call, at);
    return cbsim_fail(call, 404, "NotFound");
}

/* ---- which call ---- */

static bool starts(const char *text, const char *with, const char **rest)
{
    size_t len = strlen(with);

    *rest = text + len;
    return strncmp(text, with, len) == 0;
}

static bool run_public(struct cbsim_call *call)
{
    const char *path = call->request->path, *rest;

    if (strcmp(path, "/time") == 0)
        return get_time(call);
    if (strcmp(path, "/products") == 0)
        return get_products(call);
    if (strcmp(path, "/currencies") == 0)
        return get_currencies(call);
    return starts(path, "/products/", &rest) ? get_of_product(call, rest)
                                             : cbsim_fail(call, 404, "NotFound");
}

static bool run_private(struct cbsim_call *call)
{
    const char *path = call->request->path, *method = call->request->method, *rest;

    if (strcmp(path, "/orders") == 0)
        return strcmp(method, "POST") == 0     ? cbsim_place(call)
               : strcmp(method, "DELETE") == 0 ? cbsim_cancel_all(call)
                                               : cbsim_order_list(call);
    if (starts(path, "/orders/", &rest))
        return strcmp(method, "DELETE") == 0 ? cbsim_order_cancel(call, rest)
                                             : cbsim_order_get(call, rest);
    if (strcmp(path, "/fills") == 0)
        return cbsim_fills(call);
    if (strcmp(path, "/fees") == 0)
        return cbsim_fees(call);
    return starts(path, "/accounts", &rest) ? cbsim_accounts(call)
                                            : cbsim_fail(call, 404, "NotFound");
}

static bool is_public(const char *path)
{
    return strncmp(path, "/products", 9) == 0 || strcmp(path, "/time") == 0 ||
           strcmp(path, "/currencies") == 0;
}

static bool is_order_action(const struct sim_http *request)
{
    return strcmp(request->method, "GET") != 0;
}

/* ---- faults and limits ---- */

/* An ordered fault in place of the answer; *after: the call is carried out first. */
static bool fault(struct cbsim_call *call, bool *after)
{
    struct sim *sim = call->cb->sim;
    bool is_action = is_order_action(call->request);

    *after = false;
    if (sim_fault_lasts(sim, SIM_FAULT_MAINTENANCE) && strcmp(call->request->path, "/time") != 0 &&
        strcmp(call->request->path, "/products") != 0)
        return !cbsim_fail(call, 503, "Service is under maintenance");
    if (sim_fault_lasts(sim, SIM_FAULT_STATUS_418) || sim_fault_take(sim, SIM_FAULT_STATUS_429)) {
        snprintf(call->headers, sizeof call->headers, "Retry-After: 1\r\n");
        return !cbsim_fail(call, 429, "%s rate limit exceeded",
                           is_public(call->request->path) ? "Public" : "Private");
    }
    if (is_action && sim_fault_take(sim, SIM_FAULT_REJECT))
        return !cbsim_fail(call, 400, "Insufficient funds");
    if (is_action && sim_fault_take(sim, SIM_FAULT_STATUS_5XX)) {
        *after = strcmp(sim->faults[SIM_FAULT_STATUS_5XX].option, "after") == 0;
        return !cbsim_fail(call, *after ? 500 : 502, "%s", *after ? "Internal server error" : "");
    }
    return false;
}

static bool limited(struct cbsim_call *call)
{
    struct coinbase_sim *cb = call->cb;

    if (call->account == EXCHANGE_NONE)
        return cbsim_bucket_take(cb->sim, &cb->public_bucket, CBSIM_PUBLIC_RATE, CBSIM_PUBLIC_BURST)
                   ? false
                   : !cbsim_fail(call, 429, "Public rate limit exceeded");
    bool is_fills = strcmp(call->request->path, "/fills") == 0;
    bool is_taken = is_fills ? cbsim_bucket_take(cb->sim, &cb->fills_bucket[call->account],
                                                 CBSIM_FILLS_RATE, CBSIM_FILLS_BURST)
                             : cbsim_bucket_take(cb->sim, &cb->private_bucket[call->account],
                                                 CBSIM_PRIVATE_RATE, CBSIM_PRIVATE_BURST);
    return is_taken ? false : !cbsim_fail(call, 429, "Private rate limit exceeded");
}

static void reply(struct cbsim_call *call, enum sim_what what)
{
    struct sim_text body = { 0 };
    bool is_html = call->status == 502;

    if (call->status == 200) {
        sim_text_add(&body, call->out.at ? call->out.at : "", call->out.len);
    } else if (is_html) {
        sim_textf(&body, "<html><head><title>502 Bad Gateway</title></head></html>");
        snprintf(call->headers, sizeof call->headers, "Content-Type: text/html\r\n");
    } else {
        sim_textf(&body, "{\"message\":");
        sim_text_string(&body, call->error);
        sim_textf(&body, "}");
    }
    sim_http_reply(call->request, what, call->status, call->headers[0] ? call->headers : NULL,
                   body.at, body.len);
    sim_text_free(&body);
}

static void run(struct cbsim_call *call, bool is_for_all)
{
    const struct sim_account *account;
    const char *error;
    bool after = false;
    int status;

    if (!is_for_all) {
        account = cbsim_authenticate(call->cb, call->request, &status, &error);
        if (!account) {
            (void)cbsim_fail(call, status, "%s", error);
            return;
        }
        call->account = account->account;
    }
    bool is_fault = fault(call, &after);
    if ((is_fault && !after) || limited(call))
        return;
    char fault_text[sizeof call->error];
    int fault_status = call->status;
    snprintf(fault_text, sizeof fault_text, "%s", call->error);
    call->status = 200;
    bool is_done = is_for_all ? run_public(call) : run_private(call);
    if (is_done && is_fault)
        (void)cbsim_fail(call, fault_status, "%s", fault_text);
}

void cbsim_http(struct sim *sim, struct sim_http *request)
{
    struct cbsim_call call = {
        .cb = sim->state, .request = request, .account = EXCHANGE_NONE, .status = 200
    };
    bool is_action = is_order_action(request);

    run(&call, is_public(request->path) && !is_action);
    /* The stream may be faster than the answer, as the venue says it may be. */
    if (is_action && sim_random(&call.cb->random) % 4 == 0)
        cbsim_user_flush(call.cb);
    reply(&call, is_action && call.account != EXCHANGE_NONE ? SIM_ORDER_ACK : SIM_ANSWER);
    sim_text_free(&call.out);
}
