/* REST: public data (2.9, 4.2), account and trading (6, 7). Errors are HTTP 200 with an error
 * array. */
#include "venues/kraken/sim_kraken.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { PAGE = 50, DEPTH_DEFAULT = 100, DEPTH_MAX = 500 };

struct call {
    struct kraken *kraken;
    struct sim_http *request;
    const char *parameters; /* Query of a GET, body of a POST. */
    size_t parameters_len;
    uint32_t account;
    struct sim_text out; /* The result. */
};

static void reply(struct call *call, enum sim_what what, const char *error)
{
    struct sim_text body = { 0 };

    if (error) {
        sim_textf(&body, "{\"error\":[");
        sim_text_string(&body, error);
        sim_textf(&body, "]}");
    } else {
        sim_textf(&body, "{\"error\":[],\"result\":");
        sim_text_add(&body, call->out.at ? call->out.at : "{}", call->out.at ? call->out.len : 2);
        sim_textf(&body, "}");
    }
    sim_http_reply(call->request, what, 200, NULL, body.at, body.len);
    sim_text_free(&body);
}

static bool parameter(const struct call *call, const char *name, char *out, size_t cap)
{
    out[0] = '\0';
    return sim_param(call->parameters, call->parameters_len, name, out, cap) == 0 && out[0];
}

static int64_t integer(const struct call *call, const char *name, int64_t fallback)
{
    char text[32];

    return parameter(call, name, text, sizeof text) ? strtoll(text, NULL, 10) : fallback;
}

/* Seconds with a fraction, as the REST side writes times. */
static void add_seconds(struct sim_text *out, int64_t at_ns, int digits)
{
    int64_t scale = 1;

    for (int i = 0; i < digits; i++)
        scale *= 10;
    sim_textf(out, "%lld.%0*lld", (long long)(at_ns / NS_PER_S), digits,
              (long long)(at_ns % NS_PER_S / (NS_PER_S / scale)));
}

static void add_text(struct sim_text *out, const char *name, int64_t value, int decimals)
{
    sim_textf(out, ",\"%s\":\"", name);
    sim_text_decimal(out, value, decimals);
    sim_textf(out, "\"");
}

static const struct exchange_instrument *instrument_at(const struct call *call, uint32_t at)
{
    return &call->kraken->sim->exchange->instruments[at];
}

static uint32_t pair_of(const struct call *call)
{
    char pair[48];

    return parameter(call, "pair", pair, sizeof pair)
               ? kraken_find_pair(call->kraken->sim->exchange, pair)
               : EXCHANGE_NONE;
}

/* ---- public ---- */

static const char *get_time(struct call *call)
{
    sim_textf(&call->out, "{\"unixtime\":%lld,\"rfc1123\":\"\"}",
              (long long)(call->kraken->sim->now_ns / NS_PER_S));
    return NULL;
}

static const char *get_status(struct call *call)
{
    char when[40];

    sim_wall_text(call->kraken->sim->now_ns, 0, when);
    sim_textf(&call->out, "{\"status\":\"%s\",\"timestamp\":\"%s\"}",
              call->kraken->is_maintenance ? "maintenance" : "online", when);
    return NULL;
}

static const char *get_assets(struct call *call)
{
    const struct exchange *exchange = call->kraken->sim->exchange;

    sim_textf(&call->out, "{");
    for (uint32_t i = 0; i < exchange->asset_count; i++) {
        char key[24];

        kraken_asset(exchange->assets[i], key);
        sim_textf(&call->out,
                  "%s\"%s\":{\"aclass\":\"currency\",\"altname\":\"%s\",\"decimals\":8,\"display_"
                  "decimals\":5,"
                  "\"status\":\"enabled\"}",
                  i ? "," : "", key,
                  strcmp(exchange->assets[i], "BTC") == 0 ? "XBT" : exchange->assets[i]);
    }
    sim_textf(&call->out, "}");
    return NULL;
}

static void add_fees(struct sim_text *out, const char *name, int32_t ppm)
{
    /* Percent, four decimals: 2600 ppm is 0.26. */
    sim_textf(out, ",\"%s\":[[0,%d.%04d]]", name, ppm / 10000, ppm % 10000);
}

static const struct exchange_account_config *first_member(const struct exchange *exchange)
{
    for (uint32_t i = 0; i < exchange->account_count; i++)
        if (!exchange->accounts[i].config.is_background)
            return &exchange->accounts[i].config;
    return &exchange->accounts[0].config;
}

static void add_pair(struct call *call, uint32_t at)
{
    const struct exchange_instrument *instrument = instrument_at(call, at);
    const struct exchange_instrument_config *config = &instrument->config;
    const struct exchange_account_config *member = first_member(call->kraken->sim->exchange);
    char key[40], alt[40], base[24], quote[24];
    struct sim_text *out = &call->out;

    kraken_rest_key(instrument, key);
    kraken_altname(instrument, alt);
    kraken_asset(config->base, base);
    kraken_asset(config->quote, quote);
    sim_textf(out,
              "\"%s\":{\"altname\":\"%s\",\"wsname\":\"%s/"
              "%s\",\"aclass_base\":\"currency\",\"base\":\"%s\","
              "\"aclass_quote\":\"currency\",\"quote\":\"%s\",\"lot\":\"unit\",\"cost_decimals\":8,"
              "\"pair_decimals\":%d,\"lot_decimals\":%d,\"lot_multiplier\":1,\"leverage_buy\":[],"
              "\"leverage_sell\":[]",
              key, alt, strcmp(config->base, "BTC") == 0 ? "XBT" : config->base,
              strcmp(config->quote, "BTC") == 0 ? "XBT" : config->quote, base, quote,
              config->price_decimals, config->qty_decimals);
    add_fees(out, "fees", member->taker_fee_ppm);
    add_fees(out, "fees_maker", member->maker_fee_ppm);
    sim_textf(out, ",\"fee_volume_currency\":\"ZUSD\",\"margin_call\":80,\"margin_stop\":40");
    add_text(out, "ordermin", config->min_qty, config->qty_decimals);
    add_text(out, "costmin", config->min_notional, 2);
    add_text(out, "tick_size", config->tick, config->price_decimals);
    sim_textf(out, ",\"status\":\"%s\"}",
              instrument->status == TRADING_OPEN          ? "online"
              : instrument->status == TRADING_CANCEL_ONLY ? "cancel_only"
              : instrument->status == TRADING_POST_ONLY   ? "post_only"
                                                          : "maintenance");
}

static const char *get_pairs(struct call *call)
{
    char list[512], *rest = list;
    bool is_first = true, is_limited = parameter(call, "pair", list, sizeof list);

    sim_textf(&call->out, "{");
    if (!is_limited)
        for (uint32_t i = 0; i < call->kraken->sim->exchange->instrument_count; i++) {
            sim_textf(&call->out, "%s", i ? "," : "");
            add_pair(call, i);
        }
    for (char *name; is_limited && (name = strtok_r(rest, ",", &rest));) {
        uint32_t at = kraken_find_pair(call->kraken->sim->exchange, name);

        if (at == EXCHANGE_NONE)
            return "EQuery:Unknown asset pair";
        sim_textf(&call->out, "%s", is_first ? "" : ",");
        is_first = false;
        add_pair(call, at);
    }
    sim_textf(&call->out, "}");
    return NULL;
}

static void add_side(struct call *call, const char *name, const struct match_side *side,
                     uint32_t count, const struct exchange_instrument *instrument)
{
    sim_textf(&call->out, "\"%s\":[", name);
    for (uint32_t i = 0; i < count; i++) {
        const struct match_level *level = match_level_at(side, i);

        if (!level)
            break;
        sim_textf(&call->out, "%s[\"", i ? "," : "");
        sim_text_decimal(&call->out, level->price, instrument->config.price_decimals);
        sim_textf(&call->out, "\",\"");
        sim_text_decimal(&call->out, level->qty,
                         3); /* The venue rounds here: not for seeding a book. */
        sim_textf(&call->out, "\",%lld]", (long long)(call->kraken->sim->now_ns / NS_PER_S));
    }
    sim_textf(&call->out, "]");
}

static const char *get_depth(struct call *call)
{
    uint32_t at = pair_of(call);
    uint32_t count = (uint32_t)MAX(1, MIN(integer(call, "count", DEPTH_DEFAULT), DEPTH_MAX));
    char key[40];

    if (at == EXCHANGE_NONE)
        return "EQuery:Unknown asset pair";
    kraken_rest_key(instrument_at(call, at), key);
    sim_textf(&call->out, "{\"%s\":{", key);
    add_side(call, "asks", &instrument_at(call, at)->book.asks, count, instrument_at(call, at));
    sim_textf(&call->out, ",");
    add_side(call, "bids", &instrument_at(call, at)->book.bids, count, instrument_at(call, at));
    sim_textf(&call->out, "}}");
    return NULL;
}

static void add_array(struct sim_text *out, const char *name, const int64_t *values, size_t count,
                      int decimals)
{
    sim_textf(out, "\"%s\":[", name);
    for (size_t i = 0; i < count; i++) {
        sim_textf(out, "%s\"", i ? "," : "");
        sim_text_decimal(out, values[i], decimals);
        sim_textf(out, "\"");
    }
    sim_textf(out, "],");
}

static void add_ticker(struct call *call, uint32_t at)
{
    const struct exchange_instrument *instrument = instrument_at(call, at);
    const struct exchange *exchange = call->kraken->sim->exchange;
    int64_t ask = exchange_best(exchange, at, SIDE_SELL),
            bid = exchange_best(exchange, at, SIDE_BUY);
    int price = instrument->config.price_decimals, qty = instrument->config.qty_decimals;
    struct sim_text *out = &call->out;
    char key[40];

    kraken_rest_key(instrument, key);
    sim_textf(out, "\"%s\":{", key);
    add_array(out, "a", (int64_t[]){ ask, EXCHANGE_ONE, EXCHANGE_ONE }, 3, price);
    add_array(out, "b", (int64_t[]){ bid, EXCHANGE_ONE, EXCHANGE_ONE }, 3, price);
    add_array(out, "c", (int64_t[]){ instrument->last_price, instrument->last_qty }, 2, qty);
    add_array(out, "v", (int64_t[]){ instrument->volume, instrument->volume }, 2, qty);
    add_array(out, "p", (int64_t[]){ instrument->last_price, instrument->last_price }, 2, price);
    sim_textf(out, "\"t\":[%llu,%llu],", (unsigned long long)instrument->trade_count,
              (unsigned long long)instrument->trade_count);
    add_array(out, "l", (int64_t[]){ instrument->low_price, instrument->low_price }, 2, price);
    add_array(out, "h", (int64_t[]){ instrument->high_price, instrument->high_price }, 2, price);
    sim_textf(out, "\"o\":\"");
    sim_text_decimal(out, instrument->open_price, price);
    sim_textf(out, "\"}");
}

static const char *get_ticker(struct call *call)
{
    uint32_t only = pair_of(call);
    char pair[48];

    if (only == EXCHANGE_NONE && parameter(call, "pair", pair, sizeof pair))
        return "EQuery:Unknown asset pair";
    sim_textf(&call->out, "{");
    for (uint32_t i = 0; i < call->kraken->sim->exchange->instrument_count; i++) {
        if (only != EXCHANGE_NONE && only != i)
            continue;
        sim_textf(&call->out, "%s", i && only == EXCHANGE_NONE ? "," : "");
        add_ticker(call, i);
    }
    sim_textf(&call->out, "}");
    return NULL;
}

/* ---- orders as REST tells them ---- */

static void add_order(struct call *call, const struct exchange_order *order, bool with_trades)
{
    const struct exchange_instrument *instrument = instrument_at(call, order->instrument);
    const char *side = order->match.side == SIDE_BUY ? "buy" : "sell";
    const char *type = order->type == ORDER_MARKET ? "market" : "limit",
               *reason = kraken_reason(order);
    int64_t average = order->filled_qty
                          ? (int64_t)((i128)order->filled_quote * EXCHANGE_ONE / order->filled_qty)
                          : 0;
    struct sim_text *out = &call->out;
    char txid[KRAKEN_TXID_LEN + 1], alt[40];

    kraken_txid('O', order->id, txid);
    kraken_altname(instrument, alt);
    sim_textf(out, "\"%s\":{\"refid\":null,\"userref\":%d", txid,
              (int)(int32_t)(uint32_t)order->tag);
    if (order->client_id[0]) {
        sim_textf(out, ",\"cl_ord_id\":");
        sim_text_string(out, order->client_id);
    }
    sim_textf(out, ",\"status\":\"%s\",\"opentm\":", kraken_status(order));
    add_seconds(out, order->created_ns, 4);
    sim_textf(out,
              ",\"starttm\":0,\"expiretm\":%lld,\"descr\":{\"pair\":\"%s\",\"type\":\"%s\","
              "\"ordertype\":\"%s\"",
              (long long)(order->expires_ns / NS_PER_S), alt, side, type);
    add_text(out, "price", order->type == ORDER_MARKET ? 0 : order->match.price,
             instrument->config.price_decimals);
    sim_textf(out, ",\"price2\":\"0\",\"leverage\":\"none\",\"order\":\"%s ", side);
    sim_text_decimal(out, order->qty, instrument->config.qty_decimals);
    sim_textf(out, " %s @ %s\",\"close\":\"\"}", alt, type);
    add_text(out, "vol", order->qty, instrument->config.qty_decimals);
    add_text(out, "vol_exec", order->filled_qty, instrument->config.qty_decimals);
    add_text(out, "cost", order->filled_quote, EXCHANGE_EXP);
    add_text(out, "fee", order->fee_total, EXCHANGE_EXP);
    add_text(out, "price", average, instrument->config.price_decimals);
    sim_textf(out,
              ",\"stopprice\":\"0.0\",\"limitprice\":\"0.0\",\"misc\":\"\",\"oflags\":\"fciq%s\"",
              order->is_post_only ? ",post" : "");
    sim_textf(out, ",\"time_in_force\":\"%s\"", order->time_in_force == TIF_IOC ? "IOC" : "GTC");
    if (!exchange_is_open(order)) {
        sim_textf(out, ",\"closetm\":");
        add_seconds(out, order->updated_ns, 4);
        if (reason[0])
            sim_textf(out, ",\"reason\":\"%s\"", reason);
        else
            sim_textf(out, ",\"reason\":null");
    }
    if (with_trades && order->first_execution != EXCHANGE_NONE) {
        sim_textf(out, ",\"trades\":[");
        for (uint32_t at = order->first_execution; at != EXCHANGE_NONE;) {
            const struct exchange_execution *execution =
                exchange_execution(call->kraken->sim->exchange, at);

            kraken_txid('T', execution->id, txid);
            sim_textf(out, "%s\"%s\"", at == order->first_execution ? "" : ",", txid);
            at = execution->next_of_order;
        }
        sim_textf(out, "]");
    }
    sim_textf(out, "}");
}

static const char *open_orders(struct call *call)
{
    char client_id[64];
    bool is_limited = parameter(call, "cl_ord_id", client_id, sizeof client_id), is_first = true;

    sim_textf(&call->out, "{\"open\":{");
    for (const struct exchange_order *order =
             call->kraken->sim->exchange->accounts[call->account].first_open;
         order; order = order->next_of_account) {
        if (is_limited && strcmp(order->client_id, client_id) != 0)
            continue;
        sim_textf(&call->out, "%s", is_first ? "" : ",");
        is_first = false;
        add_order(call, order, true);
    }
    sim_textf(&call->out, "}}");
    return NULL;
}

/* Newest first, 50 a page; count is the total (6.7). */
static const char *closed_orders(struct call *call)
{
    const struct exchange *exchange = call->kraken->sim->exchange;
    int64_t offset = integer(call, "ofs", 0), start_ns = integer(call, "start", 0) * NS_PER_S,
            total = 0, sent = 0;
    char client_id[64];
    bool is_limited = parameter(call, "cl_ord_id", client_id, sizeof client_id);

    sim_textf(&call->out, "{\"closed\":{");
    for (uint32_t at = exchange->order_count; at-- > 0;) {
        const struct exchange_order *order = &exchange->orders[at];

        if (order->account != call->account || exchange_is_open(order) ||
            order->updated_ns < start_ns ||
            (is_limited && strcmp(order->client_id, client_id) != 0))
            continue;
        if (total++ < offset || sent == PAGE)
            continue;
        sim_textf(&call->out, "%s", sent++ ? "," : "");
        add_order(call, order, true);
    }
    sim_textf(&call->out, "},\"count\":%lld}", (long long)total);
    return NULL;
}

static const char *query_orders(struct call *call)
{
    char list[1200], *rest = list;
    bool is_first = true;

    if (!parameter(call, "txid", list, sizeof list))
        return "EGeneral:Invalid arguments:txid";
    sim_textf(&call->out, "{");
    for (char *txid; (txid = strtok_r(rest, ",", &rest));) {
        const struct exchange_order *order =
            kraken_order_of(call->kraken, call->account, txid, NULL);

        if (!order)
            return "EOrder:Unknown order";
        sim_textf(&call->out, "%s", is_first ? "" : ",");
        is_first = false;
        add_order(call, order, true);
    }
    sim_textf(&call->out, "}");
    return NULL;
}

static void add_execution(struct call *call, const struct exchange_execution *execution)
{
    const struct exchange_order *order = &call->kraken->sim->exchange->orders[execution->order];
    const struct exchange_instrument *instrument = instrument_at(call, execution->instrument);
    struct sim_text *out = &call->out;
    char exec_id[KRAKEN_TXID_LEN + 1], txid[KRAKEN_TXID_LEN + 1], key[40];

    kraken_txid('T', execution->id, exec_id);
    kraken_txid('O', order->id, txid);
    kraken_rest_key(instrument, key);
    sim_textf(out,
              "\"%s\":{\"ordertxid\":\"%s\",\"postxid\":\"TKH2SE-M7IF5-CFI7LT\",\"pair\":\"%s\","
              "\"time\":",
              exec_id, txid, key);
    add_seconds(out, execution->at_ns, 7);
    sim_textf(out, ",\"type\":\"%s\",\"ordertype\":\"%s\"",
              execution->side == SIDE_BUY ? "buy" : "sell",
              order->type == ORDER_MARKET ? "market" : "limit");
    add_text(out, "price", execution->price, instrument->config.price_decimals);
    add_text(out, "cost", execution->quote, EXCHANGE_EXP);
    add_text(out, "fee", execution->fee, EXCHANGE_EXP);
    add_text(out, "vol", execution->qty, instrument->config.qty_decimals);
    sim_textf(out, ",\"margin\":\"0.00000\",\"misc\":\"\",\"trade_id\":%llu,\"maker\":%s",
              (unsigned long long)execution->trade_id, execution->is_maker ? "true" : "false");
    if (order->client_id[0]) {
        sim_textf(out, ",\"cl_ord_id\":");
        sim_text_string(out, order->client_id);
    }
    sim_textf(out, "}");
}

static const char *trades_history(struct call *call)
{
    const struct exchange *exchange = call->kraken->sim->exchange;
    int64_t offset = integer(call, "ofs", 0), start_ns = integer(call, "start", 0) * NS_PER_S,
            total = 0, sent = 0;
    int64_t end_ns = integer(call, "end", INT64_MAX / NS_PER_S) * NS_PER_S;

    sim_textf(&call->out, "{\"trades\":{");
    for (uint32_t at = exchange->execution_count; at-- > 0;) {
        const struct exchange_execution *execution = exchange_execution(exchange, at);

        if (execution->account != call->account || execution->at_ns < start_ns ||
            execution->at_ns > end_ns)
            continue;
        if (total++ < offset || sent == PAGE)
            continue;
        sim_textf(&call->out, "%s", sent++ ? "," : "");
        add_execution(call, execution);
    }
    sim_textf(&call->out, "},\"count\":%lld}", (long long)total);
    return NULL;
}

static void add_balances(struct call *call, bool is_extended)
{
    const struct exchange *exchange = call->kraken->sim->exchange;

    sim_textf(&call->out, "{");
    for (uint32_t i = 0; i < exchange->asset_count; i++) {
        const struct exchange_balance *balance = &exchange->accounts[call->account].balances[i];
        char key[24];

        kraken_asset(exchange->assets[i], key);
        sim_textf(&call->out, "%s\"%s\":%s\"", i ? "," : "", key,
                  is_extended ? "{\"balance\":" : "");
        sim_text_decimal(&call->out, balance->free + balance->locked, EXCHANGE_EXP);
        sim_textf(&call->out, "\"");
        if (is_extended) {
            add_text(&call->out, "hold_trade", balance->locked, EXCHANGE_EXP);
            sim_textf(&call->out, "}");
        }
    }
    sim_textf(&call->out, "}");
}

static const char *get_balance(struct call *call)
{
    add_balances(call, false);
    return NULL;
}

static const char *get_balance_ex(struct call *call)
{
    add_balances(call, true);
    return NULL;
}

static const char *trade_volume(struct call *call)
{
    const struct exchange_account_config *config =
        &call->kraken->sim->exchange->accounts[call->account].config;

    sim_textf(&call->out,
              "{\"currency\":\"ZUSD\",\"volume\":\"0.0000\",\"fees\":{},\"fees_maker\":{},\"taker_"
              "ppm\":%d}",
              config->taker_fee_ppm);
    return NULL;
}

static const char *make_token(struct call *call)
{
    char token[64];

    kraken_token_make(call->kraken, call->account, token);
    sim_textf(&call->out, "{\"token\":\"%s\",\"expires\":900}", token);
    return NULL;
}

/* ---- trading ---- */

/* Over REST a deadline lies two to sixty seconds ahead. */
static const char *read_deadline(const struct call *call, struct kraken_order_request *out)
{
    int64_t now_ns = call->kraken->sim->now_ns;
    char text[64];

    if (!parameter(call, "deadline", text, sizeof text))
        return NULL;
    if (!kraken_time_of(text, &out->deadline_ns) ||
        out->deadline_ns < now_ns + 2 * NS_PER_S - NS_PER_S / 2 ||
        out->deadline_ns > now_ns + 60 * NS_PER_S + NS_PER_S / 2)
        return "EGeneral:Invalid arguments:deadline";
    return NULL;
}

static const char *read_place(const struct call *call, struct kraken_order_request *out,
                              char client_id[64])
{
    char text[128];

    *out = (struct kraken_order_request){ .account = call->account,
                                          .instrument = pair_of(call),
                                          .userref = (int32_t)integer(call, "userref", 0) };
    if (out->instrument == EXCHANGE_NONE)
        return "EQuery:Unknown asset pair";
    if (!parameter(call, "type", text, sizeof text) ||
        (strcmp(text, "buy") != 0 && strcmp(text, "sell") != 0))
        return "EGeneral:Invalid arguments:type";
    out->side = strcmp(text, "buy") == 0 ? SIDE_BUY : SIDE_SELL;
    if (!parameter(call, "ordertype", text, sizeof text) ||
        (strcmp(text, "limit") != 0 && strcmp(text, "market") != 0))
        return "EGeneral:Invalid arguments:ordertype";
    out->type = strcmp(text, "limit") == 0 ? ORDER_LIMIT : ORDER_MARKET;
    out->time_in_force = TIF_GTC;
    if (parameter(call, "timeinforce", text, sizeof text)) {
        if (strcasecmp(text, "IOC") == 0)
            out->time_in_force = TIF_IOC;
        else if (strcasecmp(text, "GTC") != 0)
            return "EGeneral:Invalid arguments:timeinforce";
    }
    if (!parameter(call, "volume", text, sizeof text) ||
        sim_decimal(text, strlen(text), &out->qty) != 0)
        return "EGeneral:Invalid arguments:volume";
    if (out->type == ORDER_LIMIT && (!parameter(call, "price", text, sizeof text) ||
                                     sim_decimal(text, strlen(text), &out->price) != 0))
        return "EGeneral:Invalid arguments:price";
    if (parameter(call, "oflags", text, sizeof text)) {
        out->is_post_only = strstr(text, "post") != NULL;
        if (strstr(text, "viqc")) {
            out->quote_qty = out->qty;
            out->qty = 0;
        }
    }
    parameter(call, "stptype", text, sizeof text);
    out->stp = strcmp(text, "cancel-oldest") == 0 ? STP_EXPIRE_MAKER
               : strcmp(text, "cancel-both") == 0 ? STP_EXPIRE_BOTH
                                                  : STP_EXPIRE_TAKER;
    out->is_validate = parameter(call, "validate", text, sizeof text) && strcmp(text, "true") == 0;
    out->client_id = parameter(call, "cl_ord_id", client_id, 64) ? client_id : NULL;
    return read_deadline(call, out);
}

static const char *place(struct call *call)
{
    struct kraken_order_request request;
    const struct exchange_order *order = NULL;
    char client_id[64], txid[KRAKEN_TXID_LEN + 1], alt[40];
    const char *error = read_place(call, &request, client_id);

    if (!error)
        error = kraken_place(call->kraken, &request, &order);
    if (error)
        return error;
    kraken_altname(instrument_at(call, request.instrument), alt);
    sim_textf(&call->out, "{\"descr\":{\"order\":\"%s ", request.side == SIDE_BUY ? "buy" : "sell");
    sim_text_decimal(&call->out, request.qty,
                     instrument_at(call, request.instrument)->config.qty_decimals);
    sim_textf(&call->out, " %s @ %s\"}", alt, request.type == ORDER_LIMIT ? "limit" : "market");
    if (order) {
        kraken_txid('O', order->id, txid);
        sim_textf(&call->out, ",\"txid\":[\"%s\"]", txid);
    }
    sim_textf(&call->out, "}");
    return NULL;
}

static const struct exchange_order *order_meant(const struct call *call)
{
    char txid[64], client_id[64];

    parameter(call, "txid", txid, sizeof txid);
    parameter(call, "cl_ord_id", client_id, sizeof client_id);
    return kraken_order_of(call->kraken, call->account, txid, client_id);
}

static const char *amend(struct call *call)
{
    int64_t price = 0, qty = 0;
    char text[64], amend_id[KRAKEN_TXID_LEN + 1];
    const char *error;

    if ((parameter(call, "limit_price", text, sizeof text) &&
         sim_decimal(text, strlen(text), &price) != 0) ||
        (parameter(call, "order_qty", text, sizeof text) &&
         sim_decimal(text, strlen(text), &qty) != 0))
        return "EGeneral:Invalid arguments";
    error = kraken_amend(call->kraken, call->account, order_meant(call), price, qty);
    if (error)
        return error;
    kraken_txid('T', sim_random(&call->kraken->random) >> 1, amend_id);
    sim_textf(&call->out, "{\"amend_id\":\"%s\"}", amend_id);
    return NULL;
}

static const char *cancel(struct call *call)
{
    const char *error = kraken_cancel(call->kraken, call->account, order_meant(call));

    if (!error)
        sim_textf(&call->out, "{\"count\":1,\"pending\":false}");
    return error;
}

static const char *cancel_all(struct call *call)
{
    sim_textf(&call->out, "{\"count\":%u}",
              exchange_cancel_all(call->kraken->sim->exchange, call->account, EXCHANGE_NONE,
                                  CAUSE_REQUESTED, call->kraken->sim->now_ns));
    return NULL;
}

static const char *cancel_all_after(struct call *call)
{
    int64_t timeout = integer(call, "timeout", -1), now_ns = call->kraken->sim->now_ns;
    char now[40], then[40];

    if (timeout < 0 || timeout >= 86400)
        return "EGeneral:Invalid arguments:timeout";
    int64_t at_ns = timeout ? now_ns + timeout * NS_PER_S : 0;
    call->kraken->members[call->account].dead_man_ns = at_ns;
    sim_wall_text(now_ns, 0, now);
    sim_wall_text(at_ns, 0, then);
    sim_textf(&call->out, "{\"currentTime\":\"%s\",\"triggerTime\":\"%s\"}", now,
              at_ns ? then : "0");
    return NULL;
}

/* points: of the REST counter (9.1); trading calls cost none there. */
static const struct {
    const char *path;
    const char *(*run)(struct call *call);
    bool is_private, is_trading;
    int points;
} methods[] = {
    { "/0/public/Time", get_time, false, false, 0 },
    { "/0/public/SystemStatus", get_status, false, false, 0 },
    { "/0/public/Assets", get_assets, false, false, 0 },
    { "/0/public/AssetPairs", get_pairs, false, false, 0 },
    { "/0/public/Depth", get_depth, false, false, 0 },
    { "/0/public/Ticker", get_ticker, false, false, 0 },
    { "/0/private/Balance", get_balance, true, false, 1 },
    { "/0/private/BalanceEx", get_balance_ex, true, false, 1 },
    { "/0/private/TradeVolume", trade_volume, true, false, 1 },
    { "/0/private/OpenOrders", open_orders, true, false, 1 },
    { "/0/private/ClosedOrders", closed_orders, true, false, 2 },
    { "/0/private/QueryOrders", query_orders, true, false, 1 },
    { "/0/private/TradesHistory", trades_history, true, false, 2 },
    { "/0/private/GetWebSocketsToken", make_token, true, false, 1 },
    { "/0/private/AddOrder", place, true, true, 0 },
    { "/0/private/AmendOrder", amend, true, true, 0 },
    { "/0/private/CancelOrder", cancel, true, true, 0 },
    { "/0/private/CancelAll", cancel_all, true, true, 0 },
    { "/0/private/CancelAllOrdersAfter", cancel_all_after, true, true, 0 },
};

static void reply_broken(struct call *call)
{
    static const char page[] =
        "<html><head><title>520</title></head><body>Web server is returning an unknown error"
        "</body></html>";

    sim_http_reply(call->request, SIM_ORDER_ACK, 520, "Content-Type: text/html\r\n", page,
                   sizeof page - 1);
}

static void run_private(struct call *call, size_t at)
{
    const char *error = NULL, *fault = NULL;
    const struct sim_account *account = kraken_authenticate(call->kraken, call->request, &error);
    bool after = false, is_faulty = false;

    if (!account) {
        reply(call, SIM_ANSWER, error);
        return;
    }
    call->account = account->account;
    if (!kraken_rest_counter(call->kraken, call->account, methods[at].points)) {
        reply(call, SIM_ANSWER, "EAPI:Rate limit exceeded");
        return;
    }
    if (methods[at].is_trading)
        is_faulty = kraken_fault(call->kraken, &fault, &after);
    else if (sim_fault_lasts(call->kraken->sim, SIM_FAULT_MAINTENANCE)) {
        is_faulty = true;
        fault = "EService:Unavailable";
    }
    if (!is_faulty || after)
        error = methods[at].run(call);
    if (is_faulty && (after || strcmp(fault, "EService:Busy") == 0))
        reply_broken(call);
    else
        reply(call, methods[at].is_trading ? SIM_ORDER_ACK : SIM_ANSWER, is_faulty ? fault : error);
}

void kraken_http(struct sim *sim, struct sim_http *request)
{
    bool is_get = strcmp(request->method, "GET") == 0;
    struct call call = { .kraken = sim->state,
                         .request = request,
                         .parameters = is_get ? request->query : request->body,
                         .parameters_len = is_get ? strlen(request->query) : request->body_len };
    size_t at = 0;

    while (at < COUNT(methods) && strcmp(methods[at].path, request->path) != 0)
        at++;
    if (at == COUNT(methods))
        reply(&call, SIM_ANSWER, "EGeneral:Unknown method");
    else if (methods[at].is_private)
        run_private(&call, at);
    else
        reply(&call, SIM_ANSWER, methods[at].run(&call));
    sim_text_free(&call.out);
    kraken_private_flush(call.kraken);
}
