/* sim_json.c - orders as the venue writes them. */
#include "venues/binance/sim_binance.h"

#include <string.h>

int64_t bsim_ms_of(int64_t ns)
{
    return ns / NS_PER_MS;
}

void bsim_random_id(struct binance *state, char out[23])
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    for (int i = 0; i < 22; i++)
        out[i] = letters[(sim_random(&state->random) >> 33) % (sizeof(letters) - 1)];
    out[22] = 0;
}

const char *bsim_order_status(const struct exchange_order *order)
{
    switch (order->state) {
    case EXCHANGE_NEW:
        return "NEW";
    case EXCHANGE_PARTIALLY_FILLED:
        return "PARTIALLY_FILLED";
    case EXCHANGE_FILLED:
        return "FILLED";
    case EXCHANGE_CANCELLED:
        return "CANCELED";
    case EXCHANGE_EXPIRED:
        break;
    }
    return order->cause == CAUSE_STP ? "EXPIRED_IN_MATCH" : "EXPIRED";
}

const char *bsim_order_type(const struct exchange_order *order)
{
    if (order->type == ORDER_MARKET)
        return "MARKET";
    return order->is_post_only ? "LIMIT_MAKER" : "LIMIT";
}

const char *bsim_order_tif(const struct exchange_order *order)
{
    /* A MARKET order shows GTC, though it behaves as IOC. */
    if (order->type == ORDER_MARKET || order->time_in_force == TIF_GTC)
        return "GTC";
    return order->time_in_force == TIF_IOC ? "IOC" : "FOK";
}

const char *bsim_stp_text(enum match_stp stp)
{
    static const char *const texts[] = { "NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH",
                                         "DECREMENT" };

    return texts[stp];
}

const char *bsim_expiry_reason(const struct exchange_order *order)
{
    if (order->state != EXCHANGE_EXPIRED)
        return NULL;
    switch (order->cause) {
    case CAUSE_IOC:
        return "UNFILLED_IOC_QUANTITY_EXPIRED";
    case CAUSE_FOK:
        return "UNFILLED_FOK_ORDER_EXPIRED";
    case CAUSE_NO_LIQUIDITY:
        return "INSUFFICIENT_LIQUIDITY";
    case CAUSE_STP:
        return NULL;
    default:
        return "EXCHANGE_CANCELED";
    }
}

static void decimal_member(struct sim_text *out, const char *name, int64_t value)
{
    sim_textf(out, ",\"%s\":\"", name);
    sim_text_decimal(out, value, 8);
    sim_textf(out, "\"");
}

static void json_identity(struct sim_text *out, const struct sim *sim,
                          const struct exchange_order *order)
{
    sim_textf(out, "\"symbol\":\"%s\",\"orderId\":%llu,\"orderListId\":-1",
              sim->exchange->instruments[order->instrument].config.symbol,
              (unsigned long long)order->id);
}

static void json_quantities(struct sim_text *out, const struct exchange_order *order)
{
    decimal_member(out, "price", order->match.price);
    decimal_member(out, "origQty", order->qty);
    decimal_member(out, "executedQty", order->filled_qty);
    decimal_member(out, "origQuoteOrderQty", order->quote_qty);
    decimal_member(out, "cummulativeQuoteQty", order->filled_quote);
    sim_textf(out, ",\"status\":\"%s\",\"timeInForce\":\"%s\",\"type\":\"%s\",\"side\":\"%s\"",
              bsim_order_status(order), bsim_order_tif(order), bsim_order_type(order),
              order->match.side == SIDE_BUY ? "BUY" : "SELL");
}

static void json_tail(struct sim_text *out, const struct exchange_order *order)
{
    if (order->prevented_qty)
        decimal_member(out, "preventedQuantity", order->prevented_qty);
    if (bsim_expiry_reason(order))
        sim_textf(out, ",\"expiryReason\":\"%s\"", bsim_expiry_reason(order));
    sim_textf(out, ",\"selfTradePreventionMode\":\"%s\"", bsim_stp_text(order->stp));
}

/* Everything of a place response but its fills; the object is left open. */
void bsim_json_order_head(struct sim_text *out, const struct sim *sim,
                          const struct exchange_order *order)
{
    sim_textf(out, "{");
    json_identity(out, sim, order);
    sim_textf(out, ",\"clientOrderId\":\"%s\",\"transactTime\":%lld", order->client_id,
              (long long)bsim_ms_of(order->updated_ns));
    json_quantities(out, order);
    sim_textf(out, ",\"workingTime\":%lld", (long long)bsim_ms_of(order->created_ns));
    json_tail(out, order);
}

void bsim_json_order_query(struct sim_text *out, const struct sim *sim,
                           const struct exchange_order *order)
{
    sim_textf(out, "{");
    json_identity(out, sim, order);
    sim_textf(out, ",\"clientOrderId\":\"%s\"", order->client_id);
    json_quantities(out, order);
    sim_textf(out,
              ",\"stopPrice\":\"0.00000000\",\"icebergQty\":\"0.00000000\",\"time\":%lld,"
              "\"updateTime\":%lld,\"isWorking\":true,\"workingTime\":%lld",
              (long long)bsim_ms_of(order->created_ns), (long long)bsim_ms_of(order->updated_ns),
              (long long)bsim_ms_of(order->created_ns));
    json_tail(out, order);
    sim_textf(out, "}");
}

void bsim_json_cancelled(struct sim_text *out, const struct sim *sim,
                         const struct exchange_order *order, const char *cancel_id)
{
    sim_textf(out, "{");
    json_identity(out, sim, order);
    sim_textf(out, ",\"origClientOrderId\":\"%s\",\"clientOrderId\":\"%s\",\"transactTime\":%lld",
              order->client_id, cancel_id, (long long)bsim_ms_of(order->updated_ns));
    json_quantities(out, order);
    json_tail(out, order);
    sim_textf(out, "}");
}
