/* Placing, amending and cancelling as REST and WebSocket do alike (6), with the engine's counter
 * (9.2). */
#include "venues/kraken/sim_kraken.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The Pro tier, in thousandths of a point. */
enum { COUNTER_MAX = 180000, COUNTER_DECAY = 3750 };

static const char *text_of(enum exchange_cause cause)
{
    switch (cause) {
    case CAUSE_NONE:
        return NULL;
    case CAUSE_UNKNOWN_ORDER:
        return "EOrder:Unknown order";
    case CAUSE_DUPLICATE_CLIENT_ID:
        return "EGeneral:Invalid arguments:cl_ord_id";
    case CAUSE_HALTED:
        return "EService:Unavailable";
    case CAUSE_CANCEL_ONLY:
        return "EService:Market in cancel_only mode";
    case CAUSE_POST_ONLY_MODE:
        return "EService:Market in post_only mode";
    case CAUSE_TICK:
        return "EOrder:Tick size check failed";
    case CAUSE_PRICE_RANGE:
    case CAUSE_PRICE_BAND:
        return "EOrder:Invalid price";
    case CAUSE_LOT:
        return "EGeneral:Invalid arguments:volume";
    case CAUSE_MIN_QTY:
        return "EOrder:Order minimum not met";
    case CAUSE_MIN_NOTIONAL:
        return "EOrder:Cost minimum not met";
    case CAUSE_MAX_ORDERS:
        return "EOrder:Orders limit exceeded";
    case CAUSE_BALANCE:
        return "EOrder:Insufficient funds";
    case CAUSE_WOULD_TAKE:
        return "EOrder:Post only order";
    case CAUSE_CAPACITY:
        return "EService:Busy";
    default:
        return "EOrder:Invalid order";
    }
}

/* A UUID with hyphens, one without, or free ASCII of at most 18 characters (6.1). */
static bool is_client_id(const char *text)
{
    size_t len = strlen(text);
    bool is_hex = len == 32 || len == 36;

    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] < 0x21 || (unsigned char)text[i] > 0x7e)
            return false;
        is_hex &= isxdigit((unsigned char)text[i]) || (len == 36 && text[i] == '-');
    }
    return len > 0 && (len <= 18 || is_hex);
}

/* Spends points (thousandths) of the account on the pair. A cancel is always carried out, and
 * counted. */
static bool spend(struct kraken *kraken, uint32_t account, uint32_t instrument, int64_t points,
                  bool is_forced)
{
    struct kraken_member *member = &kraken->members[account];
    int64_t now_ns = kraken->sim->now_ns;
    int64_t earned = (now_ns - member->pair_at_ns[instrument]) / NS_PER_MS * COUNTER_DECAY / 1000;

    if (kraken->sim->are_limits_off)
        return true;
    member->pair_counter[instrument] = MAX(0, member->pair_counter[instrument] - earned);
    member->pair_at_ns[instrument] = now_ns;
    if (!is_forced && member->pair_counter[instrument] + points > COUNTER_MAX)
        return false;
    member->pair_counter[instrument] += points;
    return true;
}

static int64_t by_age(const struct kraken *kraken, const struct exchange_order *order,
                      const int points[6])
{
    static const int64_t bounds_s[6] = { 5, 10, 15, 45, 90, 300 };
    int64_t age_ns = kraken->sim->now_ns - MAX(order->created_ns, order->amended_ns);

    for (size_t i = 0; i < COUNT(bounds_s); i++)
        if (age_ns < bounds_s[i] * NS_PER_S)
            return points[i] * 1000;
    return 0;
}

bool kraken_time_of(const char *text, int64_t *out)
{
    struct tm tm = { 0 };
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);

    if (!rest)
        return false;
    *out = (int64_t)timegm(&tm) * NS_PER_S;
    if (*rest == '.')
        *out += (int64_t)(strtod(rest, NULL) * 1e9);
    return true;
}

bool kraken_fault(struct kraken *kraken, const char **error, bool *after)
{
    struct sim *sim = kraken->sim;

    *after = false;
    if (sim_fault_lasts(sim, SIM_FAULT_MAINTENANCE))
        *error = "EService:Unavailable";
    else if (sim_fault_lasts(sim, SIM_FAULT_STATUS_418))
        *error = "EGeneral:Temporary lockout";
    else if (sim_fault_take(sim, SIM_FAULT_STATUS_429))
        *error = "EAPI:Rate limit exceeded";
    else if (sim_fault_take(sim, SIM_FAULT_REJECT))
        *error = "EOrder:Insufficient funds";
    else if (sim_fault_take(sim, SIM_FAULT_STATUS_5XX)) {
        *after = strcmp(sim->faults[SIM_FAULT_STATUS_5XX].option, "after") == 0;
        *error = *after ? "EService:Deadline elapsed" : "EService:Busy";
    } else {
        return false;
    }
    return true;
}

const char *kraken_place(struct kraken *kraken, const struct kraken_order_request *request,
                         const struct exchange_order **order)
{
    struct exchange *exchange = kraken->sim->exchange;
    struct exchange_request placed = {
        .account = request->account,
        .instrument = request->instrument,
        .client_id = request->client_id,
        .side = request->side,
        .type = request->type,
        .time_in_force = request->time_in_force,
        .is_post_only = request->is_post_only,
        .stp = request->stp,
        .price = request->price,
        .qty = request->qty,
        .quote_qty = request->quote_qty,
        .expires_ns = request->expires_ns,
        .tag = (uint64_t)(uint32_t)request->userref,
    };

    if (request->client_id && !is_client_id(request->client_id))
        return "EGeneral:Invalid arguments:cl_ord_id";
    if (request->client_id && request->userref)
        return "EGeneral:Invalid arguments:cl_ord_id and userref are mutually exclusive";
    if (request->deadline_ns && kraken->sim->now_ns > request->deadline_ns)
        return "EService:Deadline elapsed";
    if (!spend(kraken, request->account, request->instrument, 1000, false))
        return "EOrder:Rate limit exceeded";
    if (request->is_validate)
        return text_of(exchange_test(exchange, &placed, kraken->sim->now_ns));
    return text_of(exchange_place(exchange, &placed, kraken->sim->now_ns, order));
}

const char *kraken_amend(struct kraken *kraken, uint32_t account,
                         const struct exchange_order *order, int64_t price, int64_t qty)
{
    static const int points[6] = { 3, 2, 1, 0, 0, 0 };
    enum exchange_cause cause;

    if (!order || !exchange_is_open(order))
        return "EOrder:Unknown order";
    if (!spend(kraken, account, order->instrument, 1000 + by_age(kraken, order, points), false))
        return "EOrder:Rate limit exceeded";
    cause = exchange_amend(kraken->sim->exchange, account, order->id, price, qty ? qty : order->qty,
                           NULL, false, kraken->sim->now_ns);
    if (cause == CAUSE_AMEND_FILLED) /* Below what is filled: the remainder is cancelled (6.4). */
        cause = exchange_cancel(kraken->sim->exchange, account, order->id, CAUSE_REQUESTED,
                                kraken->sim->now_ns);
    return cause == CAUSE_NO_CHANGE ? NULL : text_of(cause);
}

const char *kraken_cancel(struct kraken *kraken, uint32_t account,
                          const struct exchange_order *order)
{
    static const int points[6] = { 8, 6, 5, 4, 2, 1 };

    if (!order || !exchange_is_open(order))
        return "EOrder:Unknown order";
    (void)spend(kraken, account, order->instrument, by_age(kraken, order, points), true);
    return text_of(exchange_cancel(kraken->sim->exchange, account, order->id, CAUSE_REQUESTED,
                                   kraken->sim->now_ns));
}

const struct exchange_order *kraken_order_of(struct kraken *kraken, uint32_t account,
                                             const char *txid, const char *client_id)
{
    const struct exchange *exchange = kraken->sim->exchange;
    const struct exchange_order *order =
        txid && txid[0]             ? exchange_order(exchange, kraken_txid_read('O', txid))
        : client_id && client_id[0] ? exchange_order_by_client(exchange, account, client_id)
                                    : NULL;

    return order && order->account == account ? order : NULL;
}

const char *kraken_status(const struct exchange_order *order)
{
    switch (order->state) {
    case EXCHANGE_NEW:
    case EXCHANGE_PARTIALLY_FILLED:
        return "open";
    case EXCHANGE_FILLED:
        return "closed";
    case EXCHANGE_CANCELLED:
        return "canceled";
    case EXCHANGE_EXPIRED:
        break;
    }
    /* Only a time that is over expires; IOC and market remainders are cancelled. */
    return order->cause == CAUSE_TIME ? "expired" : "canceled";
}

const char *kraken_reason(const struct exchange_order *order)
{
    switch (order->cause) {
    case CAUSE_REQUESTED:
        return "User requested";
    case CAUSE_IOC:
        return "IOC order canceled";
    case CAUSE_NO_LIQUIDITY:
        return "Insufficient market liquidity";
    case CAUSE_STP:
        return "Self trade prevention";
    case CAUSE_TIME:
        return "Order expired";
    case CAUSE_DEAD_MAN:
        return "User requested";
    case CAUSE_WOULD_TAKE:
        return "Post only order";
    case CAUSE_NONE:
        return "";
    default:
        return "Canceled by system";
    }
}
