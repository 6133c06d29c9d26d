/* sim_call.c - one operation of the API, by REST or by WebSocket: limits, key, signature, time,
 * errors. */
#include "venues/binance/sim_binance.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- parameters ---- */

const char *bsim_params_get(struct params *params, const char *name)
{
    for (unsigned i = 0; i < params->count; i++)
        if (strcmp(params->at[i].name, name) == 0) {
            params->at[i].is_read = true;
            return params->at[i].value[0] ? params->at[i].value : NULL;
        }
    return NULL;
}

void bsim_params_add(struct params *params, const char *name, const char *value, bool is_number)
{
    if (params->count == PARAMS_MAX) {
        params->has_too_many = true;
        return;
    }
    struct param *param = &params->at[params->count++];
    snprintf(param->name, sizeof(param->name), "%s", name);
    snprintf(param->value, sizeof(param->value), "%s", value);
    param->is_number = is_number;
    param->is_read = false;
}

const char *bsim_call_required(struct call *call, const char *name)
{
    const char *value = bsim_params_get(&call->params, name);

    if (!value)
        bsim_call_error(call, 400, -1102,
                        "Mandatory parameter '%s' was not sent, was empty/null, or malformed.",
                        name);
    return value;
}

bool bsim_call_symbol(struct call *call, uint32_t *instrument)
{
    const char *symbol = bsim_call_required(call, "symbol");

    if (!symbol)
        return false;
    if (strlen(symbol) > 20 ||
        strspn(symbol, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") != strlen(symbol)) {
        bsim_call_error(call, 400, -1100,
                        "Illegal characters found in parameter 'symbol'; legal range is "
                        "'^[A-Z0-9-_.]{1,20}$'.");
        return false;
    }
    *instrument = exchange_instrument(call->sim->exchange, call->state->product->kind, symbol);
    if (*instrument == EXCHANGE_NONE)
        bsim_call_error(call, 400, -1121, "Invalid symbol.");
    return *instrument != EXCHANGE_NONE;
}

bool bsim_call_integer(struct call *call, const char *name, int64_t min, int64_t max, int64_t *out,
                       bool *is_set)
{
    const char *text = bsim_params_get(&call->params, name);
    char *end;

    if (is_set)
        *is_set = text != NULL;
    if (!text)
        return true;
    if (strspn(text, "0123456789") != strlen(text) || strlen(text) > 20) {
        bsim_call_error(
            call, 400, -1100,
            "Illegal characters found in parameter '%s'; legal range is '^[0-9]{1,20}$'.", name);
        return false;
    }
    long long value = strtoll(text, &end, 10);
    if (value < min || value > max) {
        bsim_call_error(call, 400, -1102,
                        "Mandatory parameter '%s' was not sent, was empty/null, or malformed.",
                        name);
        return false;
    }
    *out = value;
    return true;
}

/* A decimal of the venue's form: ^([0-9]{1,20})(\.[0-9]{1,20})?$. */
bool bsim_call_decimal(struct call *call, const char *name, bool is_mandatory, int64_t *out,
                       bool *is_set)
{
    const char *text =
        is_mandatory ? bsim_call_required(call, name) : bsim_params_get(&call->params, name);
    int64_t value = 0;

    if (is_set)
        *is_set = text != NULL;
    if (!text)
        return !is_mandatory;
    size_t whole = strspn(text, "0123456789"), len = strlen(text);
    bool is_legal = whole >= 1 && whole <= 20;
    if (text[whole] == '.') {
        size_t decimals = strspn(text + whole + 1, "0123456789");
        is_legal = is_legal && decimals >= 1 && decimals <= 20 && whole + 1 + decimals == len;
    } else {
        is_legal = is_legal && whole == len;
    }
    if (!is_legal) {
        bsim_call_error(call, 400, -1100,
                        "Illegal characters found in parameter '%s'; legal range is "
                        "'^([0-9]{1,20})(\\.[0-9]{1,20})?$'.",
                        name);
        return false;
    }
    if (sim_decimal(text, len, &value) != 0) {
        bsim_call_error(call, 400, -1111, "Parameter '%s' has too much precision.", name);
        return false;
    }
    *out = value;
    return true;
}

bool bsim_call_side(struct call *call, wire_side *side)
{
    const char *text = bsim_call_required(call, "side");

    if (!text)
        return false;
    *side = strcmp(text, "BUY") == 0 ? SIDE_BUY : strcmp(text, "SELL") == 0 ? SIDE_SELL : SIDE_NONE;
    if (*side == SIDE_NONE)
        bsim_call_error(call, 400, -1117, "Invalid side.");
    return *side != SIDE_NONE;
}

bool bsim_call_all_read(struct call *call)
{
    unsigned read = 0;

    for (unsigned i = 0; i < call->params.count; i++)
        read += call->params.at[i].is_read;
    if (read == call->params.count)
        return true;
    bsim_call_error(call, 400, -1104,
                    "Not all sent parameters were read; read '%u' parameter(s) but was sent '%u'.",
                    read, call->params.count);
    return false;
}

/* ---- errors ---- */

void bsim_call_error(struct call *call, int status, int code, const char *format, ...)
{
    char message[512];
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    sim_text_clear(call->out);
    sim_textf(call->out, "{\"code\":%d,\"msg\":", code);
    sim_text_string(call->out, message);
    sim_textf(call->out, "}");
    call->status = status;
    call->is_error = true;
}

const struct bsim_cause bsim_spot_causes[BSIM_SPOT_CAUSES] = {
    { CAUSE_TICK, -1013, "Filter failure: PRICE_FILTER" },
    { CAUSE_PRICE_RANGE, -1013, "Filter failure: PRICE_FILTER" },
    { CAUSE_PRICE_BAND, -1013, "Filter failure: PERCENT_PRICE_BY_SIDE" },
    { CAUSE_LOT, -1013, "Filter failure: LOT_SIZE" },
    { CAUSE_MIN_QTY, -1013, "Filter failure: LOT_SIZE" },
    { CAUSE_MAX_QTY, -1013, "Filter failure: LOT_SIZE" },
    { CAUSE_MARKET_MAX_QTY, -1013, "Filter failure: MARKET_LOT_SIZE" },
    { CAUSE_MIN_NOTIONAL, -1013, "Filter failure: NOTIONAL" },
    { CAUSE_MAX_NOTIONAL, -1013, "Filter failure: NOTIONAL" },
    { CAUSE_MAX_ORDERS, -1013, "Filter failure: MAX_NUM_ORDERS" },
    { CAUSE_BALANCE, -2010, "Account has insufficient balance for requested action." },
    { CAUSE_WOULD_TAKE, -2010, "Order would immediately match and take." },
    { CAUSE_DUPLICATE_CLIENT_ID, -2010, "Duplicate order sent." },
    { CAUSE_HALTED, -2010, "Market is closed." },
    { CAUSE_CANCEL_ONLY, -2010, "Market is closed." },
    { CAUSE_POST_ONLY_MODE, -2010, "Market is closed." },
    { CAUSE_NO_LIQUIDITY, -2010,
      "Order book liquidity is less than LOT_SIZE filter minimum quantity." },
    { CAUSE_UNKNOWN_ORDER, -2010, "Unknown order sent." },
    { CAUSE_AMEND_INCREASE, -2038, "Order amend (quantity increase) is not supported." },
    { CAUSE_NO_CHANGE, -2038, "The requested action would change no state; rejecting" },
    { CAUSE_AMEND_LIMIT, -2038, "Filter failure: MAX_NUM_ORDER_AMENDS" },
    { CAUSE_AMEND_FILLED, -2038, "The requested action would change no state; rejecting" },
    { CAUSE_CAPACITY, -1008,
      "Server is currently overloaded with other requests. Please try again "
      "in a few minutes." },
};

int bsim_cause_code(const struct binance *state, enum exchange_cause cause, bool is_cancel,
                    const char **message)
{
    const struct bsim_product *product = state->product;

    if (is_cancel && cause == CAUSE_UNKNOWN_ORDER) {
        *message = "Unknown order sent.";
        return -2011;
    }
    for (size_t i = 0; i < product->cause_count; i++)
        if (product->causes[i].cause == cause) {
            *message = product->causes[i].message;
            return product->causes[i].code;
        }
    *message = "An unknown error occurred while processing the request.";
    return -1000;
}

void bsim_cause_json(const struct binance *state, struct sim_text *out, enum exchange_cause cause,
                     bool is_cancel)
{
    const char *message;
    int code = bsim_cause_code(state, cause, is_cancel, &message);

    sim_textf(out, "{\"code\":%d,\"msg\":\"%s\"}", code, message);
}

void bsim_call_cause(struct call *call, enum exchange_cause cause, bool is_cancel)
{
    const char *message;
    int code = bsim_cause_code(call->state, cause, is_cancel, &message);

    bsim_call_error(call, code == -1008 ? 503 : 400, code, "%s", message);
}

/* ---- limits ---- */

void bsim_window_at(struct window *window, int64_t now_ns)
{
    int64_t start = now_ns - now_ns % window->length_ns;

    if (start != window->start_ns) {
        window->start_ns = start;
        window->used = 0;
    }
}

static void refuse_for_weight(struct call *call)
{
    struct binance *state = call->state;
    int64_t now_ns = call->sim->now_ns;

    if (state->banned_until_ns > now_ns) {
        call->retry_ns = state->banned_until_ns;
        bsim_call_error(
            call, 418, -1003,
            "Way too much request weight used; IP banned until %lld. Please use WebSocket "
            "Streams for live updates to avoid bans.",
            (long long)bsim_ms_of(state->banned_until_ns));
        return;
    }
    call->retry_ns = state->weight.start_ns + state->weight.length_ns;
    bsim_call_error(
        call, 429, -1003,
        "Too much request weight used; current limit is %lld request weight per 1 MINUTE. "
        "Please use WebSocket Streams for live updates to avoid polling the API.",
        (long long)state->weight.limit);
}

/* Weight is charged before the work; what turns out to be a successful order action gets it back.
 */
static bool is_within_weight(struct call *call)
{
    enum { VIOLATIONS_BEFORE_BAN = 20 };
    struct binance *state = call->state;
    int64_t now_ns = call->sim->now_ns;

    bsim_window_at(&state->weight, now_ns);
    bsim_window_at(&state->raw, now_ns);
    state->raw.used++;
    if (call->sim->are_limits_off)
        return true;
    if (state->banned_until_ns <= now_ns) {
        state->weight.used += call->endpoint->weight;
        if (state->weight.used <= state->weight.limit) {
            state->violations = 0;
            return true;
        }
        if (++state->violations > VIOLATIONS_BEFORE_BAN)
            state->banned_until_ns = now_ns + 120 * NS_PER_S;
    }
    refuse_for_weight(call);
    return false;
}

static bool is_within_orders(struct call *call)
{
    struct account_limits *limits;
    struct window *over = NULL;

    if (!(call->endpoint->flags & CALL_COUNTS_ORDER) || call->account == EXCHANGE_NONE)
        return true;
    limits = &call->state->limits[call->account];
    bsim_window_at(&limits->orders_10s, call->sim->now_ns);
    bsim_window_at(&limits->orders_long, call->sim->now_ns);
    if (call->sim->are_limits_off)
        return true;
    if (limits->orders_10s.used >= limits->orders_10s.limit)
        over = &limits->orders_10s;
    else if (limits->orders_long.used >= limits->orders_long.limit)
        over = &limits->orders_long;
    if (!over)
        return true;
    call->retry_ns = over->start_ns + over->length_ns;
    bsim_call_error(call, 429, -1015, "Too many new orders; current limit is %lld orders per %s.",
                    (long long)over->limit,
                    over == &limits->orders_10s ? "10 SECOND" : call->state->product->orders_words);
    return false;
}

/* ---- security ---- */

/* Milliseconds or microseconds, told apart by size; recvWindow in ms with up to 3 decimals. */
static bool is_in_time(struct call *call)
{
    const char *window_text = bsim_params_get(&call->params, "recvWindow");
    int64_t timestamp = 0, window = 5000 * NS_PER_MS, units = 0;

    if (!bsim_call_required(call, "timestamp") ||
        !bsim_call_integer(call, "timestamp", 1, INT64_MAX, &timestamp, NULL))
        return false;
    if (window_text) {
        if (sim_decimal(window_text, strlen(window_text), &units) != 0 || units < 0) {
            bsim_call_error(call, 400, -1100,
                            "Illegal characters found in parameter 'recvWindow'; legal range is "
                            "'^[0-9]{1,5}(\\.[0-9]{1,3})?$'.");
            return false;
        }
        if (units > 60000 * EXCHANGE_ONE) {
            bsim_call_error(call, 400, -1131, "recvWindow must be less than 60000.");
            return false;
        }
        window = units / (EXCHANGE_ONE / NS_PER_MS);
    }
    int64_t unit = timestamp >= INT64_C(100000000000000) ? NS_PER_US : NS_PER_MS;
    int64_t sent_ns = timestamp > INT64_MAX / unit ? INT64_MAX : timestamp * unit;
    if (sent_ns >= call->sim->now_ns + NS_PER_S) {
        bsim_call_error(call, 400, -1021,
                        "Timestamp for this request was 1000ms ahead of the server's time.");
        return false;
    }
    if (call->sim->now_ns - sent_ns > window) {
        bsim_call_error(call, 400, -1021,
                        "Timestamp for this request is outside of the recvWindow.");
        return false;
    }
    return true;
}

static bool is_allowed(struct call *call, const char *api_key, const char *signed_text,
                       size_t signed_len)
{
    const struct sim_account *account = NULL;

    call->account = EXCHANGE_NONE;
    if (call->endpoint->security == SECURITY_NONE)
        return true;
    if (!api_key || !api_key[0]) {
        bsim_call_error(call, 401, -2014, "API-key format invalid.");
        return false;
    }
    account = sim_account_by_key(call->sim, api_key);
    if (!account) {
        bsim_call_error(call, 401, strlen(api_key) == 64 ? -2015 : -2014,
                        strlen(api_key) == 64 ? "Invalid API-key, IP, or permissions for action."
                                              : "API-key format invalid.");
        return false;
    }
    call->account = account->account;
    if (call->endpoint->security == SECURITY_KEY)
        return true;
    const char *signature = bsim_call_required(call, "signature");
    if (!signature)
        return false;
    if (!bsim_signature_is_right(account->secret, signed_text, signed_len, signature)) {
        bsim_call_error(call, 400, -1022, "Signature for this request is not valid.");
        return false;
    }
    return is_in_time(call);
}

/* Faults that answer instead of the venue. */
static bool is_faulty(struct call *call)
{
    struct sim *sim = call->sim;
    bool is_order = (call->endpoint->flags & CALL_ORDER) != 0;

    if (sim_fault_take(sim, SIM_FAULT_STATUS_429)) {
        int64_t ms = sim->faults[SIM_FAULT_STATUS_429].ms;
        call->retry_ns = sim->now_ns + (ms > 0 ? ms : 1000) * NS_PER_MS;
        bsim_call_error(
            call, 429, -1003,
            "Too much request weight used; current limit is %lld request weight per 1 "
            "MINUTE. Please use WebSocket Streams for live updates to avoid polling the "
            "API.",
            (long long)call->state->weight.limit);
        return true;
    }
    if (sim_fault_lasts(sim, SIM_FAULT_STATUS_418)) {
        call->state->banned_until_ns = sim->faults[SIM_FAULT_STATUS_418].until_ns;
        refuse_for_weight(call);
        return true;
    }
    if (sim_fault_lasts(sim, SIM_FAULT_MAINTENANCE)) {
        bsim_call_error(call, 503, -1016, "This service is no longer available.");
        return true;
    }
    if (strcmp(sim->faults[SIM_FAULT_STATUS_5XX].option, "after") != 0 &&
        sim_fault_take(sim, SIM_FAULT_STATUS_5XX)) {
        bsim_call_error(call, 503, -1001,
                        "Internal error; unable to process your request. Please try "
                        "again.");
        return true;
    }
    if (is_order && call->endpoint->flags & CALL_COUNTS_ORDER &&
        sim_fault_take(sim, SIM_FAULT_REJECT)) {
        bsim_call_cause(call, CAUSE_BALANCE, false);
        return true;
    }
    return false;
}

void bsim_call_run(struct call *call, const char *api_key, const char *signed_text,
                   size_t signed_len)
{
    bool is_order = (call->endpoint->flags & CALL_ORDER) != 0;

    call->status = 200;
    call->account = EXCHANGE_NONE;
    if (is_faulty(call) || !is_within_weight(call))
        return;
    if (call->params.has_too_many) {
        bsim_call_error(call, 400, -1101, "Too many parameters; expected '%d' and received more.",
                        PARAMS_MAX);
        return;
    }
    if (call->params.has_duplicate) {
        bsim_call_error(call, 400, -1101, "Duplicate values for a parameter detected.");
        return;
    }
    if (!is_allowed(call, api_key, signed_text, signed_len) || !is_within_orders(call))
        return;
    bsim_private_hold(call->sim);
    call->endpoint->run(call);
    if (is_order && !call->is_error && !call->sim->are_limits_off)
        call->state->weight.used = MAX(0, call->state->weight.used - call->endpoint->weight);
    if (call->is_order_action &&
        strcmp(call->sim->faults[SIM_FAULT_STATUS_5XX].option, "after") == 0 &&
        sim_fault_take(call->sim, SIM_FAULT_STATUS_5XX))
        bsim_call_error(call, 503, -1007,
                        "Timeout waiting for response from backend server. Send status unknown; "
                        "execution status unknown.");
}

void bsim_json_rate_limits(struct sim_text *out, const struct call *call)
{
    const struct binance *state = call->state;

    sim_textf(out, "[");
    if (call->account != EXCHANGE_NONE && call->endpoint &&
        call->endpoint->flags & (CALL_COUNTS_ORDER | CALL_ORDER_HEADERS)) {
        const struct account_limits *limits = &state->limits[call->account];
        sim_textf(out,
                  "{\"rateLimitType\":\"ORDERS\",\"interval\":\"SECOND\",\"intervalNum\":10,"
                  "\"limit\":%lld,\"count\":%lld},",
                  (long long)limits->orders_10s.limit, (long long)limits->orders_10s.used);
        sim_textf(out,
                  "{\"rateLimitType\":\"ORDERS\",\"interval\":\"%s\",\"intervalNum\":1,"
                  "\"limit\":%lld,\"count\":%lld},",
                  state->product->orders_interval, (long long)limits->orders_long.limit,
                  (long long)limits->orders_long.used);
    }
    sim_textf(out,
              "{\"rateLimitType\":\"REQUEST_WEIGHT\",\"interval\":\"MINUTE\",\"intervalNum\":1,"
              "\"limit\":%lld,\"count\":%lld}]",
              (long long)state->weight.limit, (long long)state->weight.used);
}
