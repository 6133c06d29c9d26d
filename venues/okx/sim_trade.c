/* Placing, cancelling and amending as REST and WebSocket do alike (6). */
#include "venues/okx/sim_okx.h"

#include <stdio.h>
#include <string.h>

static const int64_t WINDOW_NS = 2 * NS_PER_S;
enum { SINGLE_LIMIT = 60, BATCH_LIMIT = 300, ORDERS_LIMIT = 1000 };

struct failure {
    int code;
    const char *message;
};

static struct failure failure_of(enum exchange_cause cause)
{
    switch (cause) {
    case CAUSE_NONE:
        return (struct failure){ 0, "" };
    case CAUSE_DUPLICATE_CLIENT_ID:
        return (struct failure){ 51016, "Client order ID already exists." };
    case CAUSE_HALTED:
    case CAUSE_CANCEL_ONLY:
        return (struct failure){ 51022, "Contract suspended." };
    case CAUSE_POST_ONLY_MODE:
        return (struct failure){ 51110, "You can only place a limit order after Call Auction has "
                                        "started." };
    case CAUSE_TICK:
    case CAUSE_PRICE_RANGE:
    case CAUSE_PRICE_BAND:
        return (struct failure){ 51006, "Order price is not within the price limit." };
    case CAUSE_LOT:
        return (struct failure){ 51121, "Order quantity must be a multiple of the lot size." };
    case CAUSE_MIN_QTY:
    case CAUSE_MIN_NOTIONAL:
        return (struct failure){ 51020, "Your order should meet or exceed the minimum order "
                                        "amount." };
    case CAUSE_MAX_QTY:
    case CAUSE_MAX_NOTIONAL:
        return (struct failure){ 51005, "Your order amount exceeds the max order amount." };
    case CAUSE_MARKET_MAX_QTY:
        return (struct failure){ 51202, "Market order amount exceeds the maximum amount." };
    case CAUSE_MAX_ORDERS:
        return (struct failure){ 51102, "The number of pending orders reached the upper limit." };
    case CAUSE_BALANCE:
        return (struct failure){ 51008, "Order failed. Insufficient balance in account" };
    case CAUSE_MARGIN:
        return (struct failure){ 51008, "Order failed. Insufficient USDT margin in account" };
    case CAUSE_REDUCE_ONLY:
        return (struct failure){ 51169, "Order failed because you don't have any positions to "
                                        "close." };
    case CAUSE_WOULD_TAKE:
        return (struct failure){ 51511, "Operation failed as the order price doesn't meet the "
                                        "requirement for Post Only." };
    case CAUSE_AMEND_FILLED:
    case CAUSE_UNKNOWN_ORDER:
        return (struct failure){ 51503, "Order modification failed as the order has been filled, "
                                        "canceled or does not exist." };
    case CAUSE_AMEND_LIMIT:
        return (struct failure){ 51513, "Number of modification requests that are currently in "
                                        "progress for an order cannot exceed 3." };
    case CAUSE_CAPACITY:
        return (struct failure){ 50013, "System is busy, please try again later." };
    default:
        return (struct failure){ 51000, "Parameter error" };
    }
}

int osim_fault(struct osim *osim, int *status, bool *is_after, const char **message)
{
    struct sim *sim = osim->sim;

    *is_after = false;
    *status = 200;
    if (sim_fault_lasts(sim, SIM_FAULT_MAINTENANCE)) {
        *status = 503;
        *message = "Service temporarily unavailable, please try again later.";
        return 50001;
    }
    if (sim_fault_lasts(sim, SIM_FAULT_STATUS_418) || sim_fault_take(sim, SIM_FAULT_STATUS_429)) {
        *status = 429;
        *message = "Too Many Requests";
        return 50011;
    }
    if (sim_fault_take(sim, SIM_FAULT_STATUS_5XX)) {
        *status = 500;
        *is_after = strcmp(sim->faults[SIM_FAULT_STATUS_5XX].option, "after") == 0;
        *message = "System error, please try again later.";
        return 50026;
    }
    return 0;
}

/* ---- orders named ---- */

const struct exchange_order *osim_order_of(struct osim *osim, uint32_t account, uint32_t instrument,
                                           const char *order_id, const char *client_id)
{
    const struct exchange *exchange = osim->sim->exchange;
    uint64_t id = order_id ? osim_order_id_read(order_id) : 0;
    const struct exchange_order *order =
        order_id    ? exchange_order(exchange, id)
        : client_id ? exchange_order_by_client(exchange, account, client_id)
                    : NULL;

    if (order && order->account == account && order->instrument == instrument)
        return order;
    for (uint32_t i = 0; i < MIN(osim->phantom_count, (uint32_t)OSIM_PHANTOMS); i++) {
        const struct exchange_order *phantom = &osim->phantoms[i];
        if (phantom->account == account && phantom->instrument == instrument &&
            (order_id ? phantom->id == id
                      : client_id && strcmp(phantom->client_id, client_id) == 0))
            return phantom;
    }
    return NULL;
}

const char *osim_state(const struct exchange_order *order)
{
    switch (order->state) {
    case EXCHANGE_NEW:
        return "live";
    case EXCHANGE_PARTIALLY_FILLED:
        return "partially_filled";
    case EXCHANGE_FILLED:
        return "filled";
    case EXCHANGE_CANCELLED:
    case EXCHANGE_EXPIRED:
        break;
    }
    return "canceled";
}

/* ---- elements of the answer ---- */

struct answer {
    char client_id[40], order_id[24], request_id[40];
    struct failure failure;
    bool has_tag, has_request_id;
};

static void write_answer(struct osim *osim, const struct answer *answer, struct sim_text *out)
{
    sim_textf(out, "{\"clOrdId\":");
    sim_text_string(out, answer->client_id);
    sim_textf(out, ",\"ordId\":\"%s\"", answer->order_id);
    if (answer->has_tag)
        sim_textf(out, ",\"tag\":\"\"");
    if (answer->has_request_id)
        osim_pair_text(out, "reqId", answer->request_id);
    osim_pair_ms(out, "ts", osim->sim->now_ns);
    sim_textf(out, ",\"sCode\":\"%d\"", answer->failure.code);
    osim_pair_text(out, "sMsg", answer->failure.message);
    sim_textf(out, ",\"subCode\":\"\"}");
}

static bool is_client_id(const char *text)
{
    size_t len = strlen(text);

    for (size_t i = 0; i < len; i++)
        if (!((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'z') ||
              (text[i] >= 'A' && text[i] <= 'Z')))
            return false;
    return len <= 32;
}

static bool take_pool(struct osim *osim, uint32_t account, uint32_t instrument,
                      enum osim_pool single, bool is_batch)
{
    enum osim_pool pool = is_batch ? single + 1 : single;

    return osim_window_take(osim, &osim->members[account].pools[pool][instrument],
                            is_batch ? BATCH_LIMIT : SINGLE_LIMIT, WINDOW_NS);
}

/* ---- place ---- */

struct order_form {
    const char *word;
    wire_order_type type;
    wire_time_in_force tif;
    bool is_post_only;
};

static const struct order_form *form_of(const char *word)
{
    static const struct order_form forms[] = {
        { "limit", ORDER_LIMIT, TIF_GTC, false },
        { "market", ORDER_MARKET, TIF_IOC, false },
        { "post_only", ORDER_LIMIT, TIF_GTC, true },
        { "fok", ORDER_LIMIT, TIF_FOK, false },
        { "ioc", ORDER_LIMIT, TIF_IOC, false },
        { "optimal_limit_ioc", ORDER_MARKET, TIF_IOC, false },
    };

    for (size_t i = 0; word && i < COUNT(forms); i++)
        if (strcmp(forms[i].word, word) == 0)
            return &forms[i];
    return NULL;
}

/* tdMode of an account in "Spot and futures" mode (6.2). */
static bool is_mode_right(const struct exchange_instrument *instrument, const char *mode)
{
    if (!mode)
        return false;
    return osim_is_swap(instrument) ? strcmp(mode, "cross") == 0 : strcmp(mode, "cash") == 0;
}

static int stp_of(const char *word, const char *type)
{
    if (!word || strcmp(word, "cancel_maker") == 0)
        return STP_EXPIRE_MAKER;
    if (strcmp(word, "cancel_taker") == 0)
        return STP_EXPIRE_TAKER;
    if (strcmp(word, "cancel_both") == 0)
        return strcmp(type, "fok") == 0 ? -1 : STP_EXPIRE_BOTH;
    return -1;
}

/* Size in base, or, for a spot market order by amount, in quote. */
static bool read_size(const struct exchange_instrument *instrument, const cJSON *arg,
                      struct exchange_request *request)
{
    const char *size = osim_string(arg, "sz"), *target = osim_string(arg, "tgtCcy");
    bool is_market = request->type == ORDER_MARKET && !osim_is_swap(instrument);
    bool is_quote =
        is_market && (target ? strcmp(target, "quote_ccy") == 0 : request->side == SIDE_BUY);

    if (is_quote)
        return size && sim_decimal(size, strlen(size), &request->quote_qty) == 0 &&
               request->quote_qty > 0;
    return osim_qty(instrument, size, &request->qty) && request->qty > 0;
}

static struct failure read_request(struct osim *osim, uint32_t account, uint32_t at,
                                   const cJSON *arg, struct exchange_request *request)
{
    const struct exchange_instrument *instrument = &osim->sim->exchange->instruments[at];
    const char *side = osim_string(arg, "side"), *type = osim_string(arg, "ordType");
    const char *price = osim_string(arg, "px"), *position = osim_string(arg, "posSide");
    const struct order_form *form = form_of(type);
    const cJSON *reduce = cJSON_GetObjectItemCaseSensitive(arg, "reduceOnly");

    *request = (struct exchange_request){ .account = account,
                                          .instrument = at,
                                          .client_id = osim_string(arg, "clOrdId") };
    if (request->client_id && !is_client_id(request->client_id))
        return (struct failure){ 51000, "Parameter clOrdId error" };
    if (!side || (strcmp(side, "buy") != 0 && strcmp(side, "sell") != 0))
        return (struct failure){ 51000, "Parameter side error" };
    if (!form)
        return (struct failure){ 51000, "Parameter ordType error" };
    if (!is_mode_right(instrument, osim_string(arg, "tdMode")))
        return (struct failure){ 51010, "Operation is not supported under the current account "
                                        "mode" };
    bool is_hedge = osim->sim->exchange->accounts[account].is_hedge_mode;
    if (osim_is_swap(instrument) && (is_hedge ? !position || strcmp(position, "net") == 0
                                              : position && strcmp(position, "net") != 0))
        return (struct failure){ 51000, "Parameter posSide error" };
    request->side = strcmp(side, "buy") == 0 ? SIDE_BUY : SIDE_SELL;
    request->type = form->type;
    request->time_in_force = form->tif;
    request->is_post_only = form->is_post_only;
    request->is_reduce_only =
        osim_is_swap(instrument) &&
        (cJSON_IsTrue(reduce) || (cJSON_IsString(reduce) && !strcmp(reduce->valuestring, "true")));
    int stp = stp_of(osim_string(arg, "stpMode"), type);
    if (stp < 0)
        return (struct failure){ 54036, "FOK orders cannot use cancel_both." };
    request->stp = (enum match_stp)stp;
    if (!read_size(instrument, arg, request))
        return (struct failure){ 51000, "Parameter sz error" };
    if (form->type == ORDER_LIMIT &&
        (!price || sim_decimal(price, strlen(price), &request->price) != 0 || request->price <= 0))
        return (struct failure){ 51000, "Parameter px error" };
    return (struct failure){ 0, "" };
}

/* The venue takes such an order and cancels it at once; the exchange refuses it: what it would have
 * been, kept for whoever asks. */
static const struct exchange_order *make_phantom(struct osim *osim,
                                                 const struct exchange_request *request,
                                                 enum exchange_cause cause)
{
    struct exchange_order *order = &osim->phantoms[osim->phantom_count++ % OSIM_PHANTOMS];

    *order = (struct exchange_order){ .match = { .side = request->side, .price = request->price },
                                      .id = osim->sim->exchange->next_order_id++,
                                      .instrument = request->instrument,
                                      .account = request->account,
                                      .type = request->type,
                                      .time_in_force = request->time_in_force,
                                      .is_post_only = request->is_post_only,
                                      .is_reduce_only = request->is_reduce_only,
                                      .stp = request->stp,
                                      .state = EXCHANGE_CANCELLED,
                                      .cause = cause,
                                      .qty = request->qty,
                                      .quote_qty = request->quote_qty,
                                      .created_ns = osim->sim->now_ns,
                                      .updated_ns = osim->sim->now_ns,
                                      .first_execution = EXCHANGE_NONE,
                                      .last_execution = EXCHANGE_NONE };
    snprintf(order->client_id, sizeof(order->client_id), "%s",
             request->client_id ? request->client_id : "");
    osim_phantom_push(osim, order);
    return order;
}

static void place(struct osim *osim, uint32_t account, uint32_t at, const cJSON *arg, bool is_batch,
                  struct answer *answer)
{
    struct exchange *exchange = osim->sim->exchange;
    const struct exchange_order *order = NULL;
    struct exchange_request request;

    answer->has_tag = true;
    answer->failure = read_request(osim, account, at, arg, &request);
    if (answer->failure.code)
        return;
    if (!take_pool(osim, account, at, POOL_PLACE, is_batch)) {
        answer->failure = (struct failure){ 50011, "Too Many Requests" };
        return;
    }
    if (osim_is_swap(&exchange->instruments[at]) &&
        !osim_window_take(osim, &osim->members[account].orders, ORDERS_LIMIT, WINDOW_NS)) {
        answer->failure =
            (struct failure){ 50061, "Sub-account rate limit exceeded. You've exceeded the "
                                     "maximum order rate limit for this sub-account." };
        return;
    }
    if (sim_fault_take(osim->sim, SIM_FAULT_REJECT)) {
        answer->failure = failure_of(CAUSE_BALANCE);
        return;
    }
    enum exchange_cause cause = exchange_place(exchange, &request, osim->sim->now_ns, &order);
    if (cause == CAUSE_WOULD_TAKE || cause == CAUSE_NO_LIQUIDITY || cause == CAUSE_FOK) {
        order = make_phantom(osim, &request, cause);
        cause = CAUSE_NONE;
    }
    answer->failure = failure_of(cause);
    if (cause == CAUSE_NONE)
        osim_order_id(order->id, answer->order_id);
}

/* ---- cancel, amend ---- */

static void cancel(struct osim *osim, uint32_t account, uint32_t at,
                   const struct exchange_order *order, bool is_batch, struct answer *answer)
{
    if (!take_pool(osim, account, at, POOL_CANCEL, is_batch))
        answer->failure = (struct failure){ 50011, "Too Many Requests" };
    else if (!order || !exchange_is_open(order) ||
             exchange_cancel(osim->sim->exchange, account, order->id, CAUSE_REQUESTED,
                             osim->sim->now_ns) != CAUSE_NONE)
        answer->failure = (struct failure){ 51400, "Cancellation failed as the order has been "
                                                   "filled, canceled or does not exist." };
}

static void amend(struct osim *osim, uint32_t account, uint32_t at,
                  const struct exchange_order *order, const cJSON *arg, bool is_batch,
                  struct answer *answer)
{
    const struct exchange_instrument *instrument = &osim->sim->exchange->instruments[at];
    const char *size = osim_string(arg, "newSz"), *text = osim_string(arg, "newPx");
    const char *request_id = osim_string(arg, "reqId");
    int64_t qty = order ? order->qty : 0, price = 0;

    answer->has_request_id = true;
    snprintf(answer->request_id, sizeof(answer->request_id), "%s", request_id ? request_id : "");
    if (!take_pool(osim, account, at, POOL_AMEND, is_batch)) {
        answer->failure = (struct failure){ 50011, "Too Many Requests" };
        return;
    }
    if (!order || !exchange_is_open(order)) {
        answer->failure = failure_of(CAUSE_UNKNOWN_ORDER);
        return;
    }
    if ((!size && !text) || (size && !osim_qty(instrument, size, &qty)) ||
        (text && (sim_decimal(text, strlen(text), &price) != 0 || price <= 0))) {
        answer->failure = (struct failure){ 51000, "Parameter newSz or newPx error" };
        return;
    }
    osim->request_id = answer->request_id;
    enum exchange_cause cause = exchange_amend(osim->sim->exchange, account, order->id, price, qty,
                                               NULL, false, osim->sim->now_ns);
    osim->request_id = NULL;
    answer->failure = failure_of(cause);
}

/* ---- one element ---- */

static uint32_t instrument_of(struct osim *osim, const cJSON *arg, bool is_ws,
                              struct answer *answer)
{
    const cJSON *code = cJSON_GetObjectItemCaseSensitive(arg, "instIdCode");
    uint32_t at = is_ws ? (cJSON_IsNumber(code) ? osim_find_code(osim, (int64_t)code->valuedouble)
                                                : EXCHANGE_NONE)
                        : osim_find(osim, osim_string(arg, "instId"));

    if (at == EXCHANGE_NONE)
        answer->failure =
            is_ws ? (struct failure){ 51015, "Instrument ID code does not exist." }
                  : (struct failure){ 51001, "Instrument ID, Instrument ID code, or Spread ID "
                                             "doesn't exist." };
    return at;
}

int osim_act(struct osim *osim, uint32_t account, enum osim_action action, const cJSON *arg,
             bool is_ws, bool is_batch, struct sim_text *out)
{
    const char *order_id = osim_string(arg, "ordId"), *client_id = osim_string(arg, "clOrdId");
    struct answer answer = { .failure = { 0, "" } };
    uint32_t at = instrument_of(osim, arg, is_ws, &answer);

    snprintf(answer.client_id, sizeof(answer.client_id), "%s", client_id ? client_id : "");
    if (at != EXCHANGE_NONE && action == ACTION_PLACE) {
        place(osim, account, at, arg, is_batch, &answer);
    } else if (at != EXCHANGE_NONE) {
        const struct exchange_order *order = osim_order_of(osim, account, at, order_id, client_id);
        if (order) {
            osim_order_id(order->id, answer.order_id);
            snprintf(answer.client_id, sizeof(answer.client_id), "%s", order->client_id);
        } else if (order_id) {
            snprintf(answer.order_id, sizeof(answer.order_id), "%.20s", order_id);
        }
        if (action == ACTION_CANCEL)
            cancel(osim, account, at, order, is_batch, &answer);
        else
            amend(osim, account, at, order, arg, is_batch, &answer);
    }
    write_answer(osim, &answer, out);
    return answer.failure.code;
}
