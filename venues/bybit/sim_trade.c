/* Order actions (6), the same over REST and the trade socket: parameters read, the exchange asked,
 * its causes told in the venue's codes. */
#include "venues/bybit/sim_bybit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *ysim_text(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

    return cJSON_IsString(item) ? item->valuestring : "";
}

static void refuse(struct ysim_result *result, int code, const char *message)
{
    result->code = code;
    snprintf(result->message, sizeof(result->message), "%s", message);
}

/* ---- the exchange's causes (10.2) ---- */

static const struct {
    enum exchange_cause cause;
    int spot, linear;
    const char *text;
} causes[] = {
    { CAUSE_UNKNOWN_ORDER, 170213, 110001, "Order does not exist." },
    { CAUSE_DUPLICATE_CLIENT_ID, 170141, 110072, "OrderLinkedID is duplicate" },
    { CAUSE_HALTED, 170151, 110074, "This contract is not live" },
    { CAUSE_CANCEL_ONLY, 170151, 110066, "Trading is currently not allowed." },
    { CAUSE_POST_ONLY_MODE, 170151, 110066, "Trading is currently not allowed." },
    { CAUSE_TICK, 170134, 10001, "Order price has too many decimals." },
    { CAUSE_PRICE_RANGE, 170132, 110003, "Order price exceeds the allowable range." },
    { CAUSE_PRICE_BAND, 170193, 110003, "Order price exceeds the allowable range." },
    { CAUSE_LOT, 170137, 10001, "Order quantity has too many decimals." },
    { CAUSE_MIN_QTY, 170136, 10001, "Order quantity below the lower limit." },
    { CAUSE_MAX_QTY, 170136, 10001, "Order quantity exceeded upper limit." },
    { CAUSE_MARKET_MAX_QTY, 170136, 10001, "Order quantity exceeded upper limit." },
    { CAUSE_MIN_NOTIONAL, 170140, 110094, "Order value below the lower limit." },
    { CAUSE_MAX_NOTIONAL, 170136, 110094, "Order value exceeded upper limit." },
    { CAUSE_MAX_ORDERS, 170810, 110020, "Not allowed to have more than 500 active orders." },
    { CAUSE_BALANCE, 170131, 110007, "Insufficient balance." },
    { CAUSE_MARGIN, 170131, 110007, "ab not enough for new order" },
    { CAUSE_REDUCE_ONLY, 170001, 110017, "current position is zero, cannot fix reduce-only order" },
    { CAUSE_NO_CHANGE, 10001, 10001, "The order remains unchanged." },
    { CAUSE_AMEND_LIMIT, 170312, 110022, "Order modification is not allowed." },
    { CAUSE_AMEND_FILLED, 170313, 110064, "The modified quantity must exceed the filled one." },
    { CAUSE_AMEND_INCREASE, 170312, 110022, "Order modification is not allowed." },
    { CAUSE_WOULD_TAKE, 170218, 110022, "The post-only order would take." },
    { CAUSE_CAPACITY, 10016, 10016, "Internal System Error." },
};

static void refuse_cause(struct ysim_result *result, enum ysim_category category,
                         enum exchange_cause cause)
{
    for (size_t i = 0; i < COUNT(causes); i++)
        if (causes[i].cause == cause) {
            refuse(result, category == YSIM_SPOT ? causes[i].spot : causes[i].linear,
                   causes[i].text);
            return;
        }
    refuse(result, 10016, exchange_cause_str(cause));
}

/* ---- parameters ---- */

static bool decimal_of(const cJSON *args, const char *name, int64_t *out, bool *is_there)
{
    const char *text = ysim_text(args, name);

    *is_there = *text != '\0';
    return !*is_there || sim_decimal(text, strlen(text), out) == 0;
}

static bool is_link_id(const char *id)
{
    size_t len = strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

    return len <= 36 && id[len] == '\0';
}

static bool flag_of(const cJSON *args, const char *name)
{
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(args, name));
}

/* Time in force (6.2). false: no such. */
static bool read_tif(const char *word, struct exchange_request *request)
{
    request->time_in_force = TIF_GTC;
    if (request->type == ORDER_MARKET || strcmp(word, "IOC") == 0)
        request->time_in_force = TIF_IOC;
    else if (strcmp(word, "FOK") == 0)
        request->time_in_force = TIF_FOK;
    else if (strcmp(word, "PostOnly") == 0)
        request->is_post_only = true;
    else
        return *word == '\0' || strcmp(word, "GTC") == 0;
    return true;
}

static enum match_stp read_stp(const char *word)
{
    return strcmp(word, "CancelMaker") == 0   ? STP_EXPIRE_MAKER
           : strcmp(word, "CancelTaker") == 0 ? STP_EXPIRE_TAKER
           : strcmp(word, "CancelBoth") == 0  ? STP_EXPIRE_BOTH
                                              : STP_NONE;
}

/* Spot's market buy counts in quote unless it says baseCoin. */
static bool read_amounts(const cJSON *args, enum ysim_category category,
                         struct exchange_request *request)
{
    const char *unit = ysim_text(args, "marketUnit");
    bool has_qty, has_price;
    int64_t qty = 0;

    if (!decimal_of(args, "qty", &qty, &has_qty) || !has_qty ||
        !decimal_of(args, "price", &request->price, &has_price))
        return false;
    bool is_market = request->type == ORDER_MARKET;
    bool is_in_quote = is_market && category == YSIM_SPOT &&
                       (*unit ? strcmp(unit, "quoteCoin") == 0 : request->side == SIDE_BUY);
    if (is_in_quote)
        request->quote_qty = qty;
    else
        request->qty = qty;
    if (is_market)
        request->price = 0;
    return is_market || has_price;
}

static bool read_request(struct bybit_sim *state, uint32_t account, const cJSON *args,
                         enum ysim_category category, struct exchange_request *request,
                         struct ysim_result *result)
{
    const char *side = ysim_text(args, "side"), *type = ysim_text(args, "orderType");
    const cJSON *index = cJSON_GetObjectItemCaseSensitive(args, "positionIdx");

    *request = (struct exchange_request){ .account = account,
                                          .instrument = ysim_instrument(state->sim, category,
                                                                        ysim_text(args, "symbol")),
                                          .client_id = ysim_text(args, "orderLinkId"),
                                          .stp = read_stp(ysim_text(args, "smpType")),
                                          .is_reduce_only = flag_of(args, "reduceOnly") };
    request->side = strcmp(side, "Buy") == 0    ? SIDE_BUY
                    : strcmp(side, "Sell") == 0 ? SIDE_SELL
                                                : SIDE_NONE;
    request->type = strcmp(type, "Limit") == 0    ? ORDER_LIMIT
                    : strcmp(type, "Market") == 0 ? ORDER_MARKET
                                                  : ORDER_TYPE_NONE;
    if (request->instrument == EXCHANGE_NONE)
        refuse(result, 10001, "Not supported symbols");
    else if (request->side == SIDE_NONE)
        refuse(result, 10001, "Side invalid");
    else if (request->type == ORDER_TYPE_NONE)
        refuse(result, 10001, "orderType invalid");
    else if (!read_tif(ysim_text(args, "timeInForce"), request))
        refuse(result, 10001, "timeInForce invalid");
    else if (!read_amounts(args, category, request))
        refuse(result, 10001, "qty or price invalid");
    else if (!is_link_id(request->client_id))
        refuse(result, 10001, "orderLinkId invalid");
    else if (state->sim->exchange->accounts[account].is_hedge_mode && category == YSIM_LINEAR &&
             !(cJSON_IsNumber(index) && index->valueint > 0))
        refuse(result, 10001, "position idx not match position mode");
    return result->code == 0;
}

/* ---- orders that never came to the book ---- */

static void stillborn(struct bybit_sim *state, const struct exchange_request *request,
                      enum exchange_cause cause, struct ysim_result *result)
{
    struct ysim_stillborn *made = &state->stillborn[state->stillborn_count % YSIM_STILLBORN_MAX];
    enum ysim_category category = ysim_category_of(state->sim, request->instrument);

    state->stillborn_count++;
    *made = (struct ysim_stillborn){ .id = UINT64_C(1) << 44 | state->stillborn_count };
    struct exchange_order *order = &made->order;
    order->id = made->id;
    order->instrument = request->instrument;
    order->account = request->account;
    order->match.side = request->side;
    order->match.price = request->price;
    order->type = request->type;
    order->time_in_force = request->time_in_force;
    order->is_post_only = request->is_post_only;
    order->is_reduce_only = request->is_reduce_only;
    order->qty = request->qty;
    order->state = EXCHANGE_CANCELLED;
    order->cause = cause;
    order->created_ns = order->updated_ns = state->sim->now_ns;
    snprintf(order->client_id, sizeof(order->client_id), "%s", request->client_id);
    ysim_order_id(category, order->id, result->order_id);
    ysim_tell_order(state, order, "Cancelled", "UNKNOWN", "EC_PostOnlyWillTakeLiquidity");
    ysim_tell_account(state, request->account, request->instrument);
}

static bool is_known_link_id(const struct bybit_sim *state, uint32_t account, const char *id)
{
    if (!*id)
        return false;
    for (size_t i = 0; i < YSIM_STILLBORN_MAX; i++)
        if (state->stillborn[i].id && state->stillborn[i].order.account == account &&
            strcmp(state->stillborn[i].order.client_id, id) == 0)
            return true;
    return exchange_order_by_client(state->sim->exchange, account, id) != NULL;
}

/* Linear: a price beyond the band is moved to its edge, silently (4). */
static void keep_in_band(struct bybit_sim *state, struct exchange_request *request)
{
    const struct exchange_instrument *of = &state->sim->exchange->instruments[request->instrument];
    int64_t band = of->config.band_ppm, last = of->last_price, tick = of->config.tick;

    if (request->type != ORDER_LIMIT || band <= 0)
        return;
    int64_t width = (int64_t)((i128)last * band / 1000000);
    int64_t edge = request->side == SIDE_BUY ? (last + width) / tick * tick
                                             : (last - width + tick - 1) / tick * tick;
    if (request->side == SIDE_BUY ? request->price > edge : request->price < edge)
        request->price = edge;
}

/* ---- the actions ---- */

void ysim_create(struct bybit_sim *state, uint32_t account, const cJSON *args,
                 struct ysim_result *result)
{
    enum ysim_category category = ysim_category_read(ysim_text(args, "category"));
    const struct exchange_order *order = NULL;
    struct exchange_request request;

    *result = (struct ysim_result){ .message = "OK" };
    if (category == YSIM_NONE) {
        refuse(result, 10001, "category invalid");
        return;
    }
    if (!read_request(state, account, args, category, &request, result))
        return;
    snprintf(result->link_id, sizeof(result->link_id), "%s", request.client_id);
    if (is_known_link_id(state, account, request.client_id)) {
        refuse_cause(result, category, CAUSE_DUPLICATE_CLIENT_ID);
        return;
    }
    if (category == YSIM_LINEAR)
        keep_in_band(state, &request);
    enum exchange_cause cause =
        sim_fault_take(state->sim, SIM_FAULT_REJECT)
            ? CAUSE_BALANCE
            : exchange_place(state->sim->exchange, &request, state->sim->now_ns, &order);
    if (cause == CAUSE_WOULD_TAKE)
        stillborn(state, &request, cause, result);
    else if (cause != CAUSE_NONE)
        refuse_cause(result, category, cause);
    else if (order)
        ysim_order_id(category, order->id, result->order_id);
}

const struct exchange_order *ysim_find(struct bybit_sim *state, uint32_t account,
                                       enum ysim_category category, const char *order_id,
                                       const char *link_id)
{
    const struct exchange *exchange = state->sim->exchange;
    const struct exchange_order *order = NULL;
    uint64_t id = ysim_order_id_read(order_id);

    for (size_t i = 0; i < YSIM_STILLBORN_MAX && !order; i++) {
        const struct ysim_stillborn *at = &state->stillborn[i];
        bool is_it = *order_id ? at->id == id : strcmp(at->order.client_id, link_id) == 0;
        if (at->id && at->order.account == account && is_it)
            order = &at->order;
    }
    if (!order && *order_id)
        order = id ? exchange_order(exchange, id) : NULL;
    else if (!order && *link_id)
        order = exchange_order_by_client(exchange, account, link_id);
    return order && order->account == account &&
                   ysim_category_of(state->sim, order->instrument) == category
               ? order
               : NULL;
}

static const struct exchange_order *order_of(struct bybit_sim *state, uint32_t account,
                                             const cJSON *args, struct ysim_result *result,
                                             enum ysim_category *category)
{
    const char *order_id = ysim_text(args, "orderId"), *link_id = ysim_text(args, "orderLinkId");

    *result = (struct ysim_result){ .message = "OK" };
    *category = ysim_category_read(ysim_text(args, "category"));
    if (*category == YSIM_NONE || (!*order_id && !*link_id) || !*ysim_text(args, "symbol")) {
        refuse(result, 10001, "params error: category, symbol, orderId or orderLinkId");
        return NULL;
    }
    const struct exchange_order *order = ysim_find(state, account, *category, order_id, link_id);
    if (!order || !exchange_is_open(order)) {
        refuse_cause(result, *category, CAUSE_UNKNOWN_ORDER);
        return NULL;
    }
    ysim_order_id(*category, order->id, result->order_id);
    snprintf(result->link_id, sizeof(result->link_id), "%s", order->client_id);
    return order;
}

void ysim_cancel(struct bybit_sim *state, uint32_t account, const cJSON *args,
                 struct ysim_result *result)
{
    enum ysim_category category;
    const struct exchange_order *order = order_of(state, account, args, result, &category);

    if (!order)
        return;
    enum exchange_cause cause = exchange_cancel(state->sim->exchange, account, order->id,
                                                CAUSE_REQUESTED, state->sim->now_ns);
    if (cause != CAUSE_NONE)
        refuse_cause(result, category, cause);
}

void ysim_amend(struct bybit_sim *state, uint32_t account, const cJSON *args,
                struct ysim_result *result)
{
    enum ysim_category category;
    const struct exchange_order *order = order_of(state, account, args, result, &category);
    bool has_price, has_qty;

    if (!order)
        return;
    int64_t price = order->match.price, qty = order->qty;
    if (!decimal_of(args, "price", &price, &has_price) ||
        !decimal_of(args, "qty", &qty, &has_qty) || (!has_price && !has_qty)) {
        refuse(result, 10001, "price or qty invalid");
        return;
    }
    enum exchange_cause cause = exchange_amend(state->sim->exchange, account, order->id, price, qty,
                                               NULL, false, state->sim->now_ns);
    if (cause != CAUSE_NONE)
        refuse_cause(result, category, cause);
}

/* ---- faults in place of an order action ---- */

bool ysim_fault_order(struct bybit_sim *state, int *status, int *code, char *message, size_t cap,
                      bool *is_after)
{
    struct sim *sim = state->sim;

    *is_after = false;
    if (state->is_maintenance) {
        *status = 200;
        *code = 10016;
        snprintf(message, cap, "System maintenance, please retry later.");
        return true;
    }
    if (sim_fault_lasts(sim, SIM_FAULT_STATUS_418)) {
        *status = 403;
        *code = 10403;
        snprintf(message, cap, "access too frequent");
        return true;
    }
    if (sim_fault_take(sim, SIM_FAULT_STATUS_429)) {
        *status = 429;
        *code = 10429;
        snprintf(message, cap, "System level frequency protection.");
        return true;
    }
    if (sim_fault_take(sim, SIM_FAULT_STATUS_5XX)) {
        *is_after = strcmp(sim->faults[SIM_FAULT_STATUS_5XX].option, "after") == 0;
        *status = 502;
        *code = 10016;
        snprintf(message, cap, "Internal System Error.");
        return true;
    }
    return false;
}
