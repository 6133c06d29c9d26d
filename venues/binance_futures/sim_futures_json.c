/* sim_futures_json.c - orders as the venue writes them. */
#include "venues/binance_futures/sim_futures.h"

#include <stdio.h>
#include <string.h>

void fsim_member(struct sim_text *out, const char *name, int64_t value, int decimals)
{
    sim_textf(out, ",\"%s\":\"", name);
    sim_text_decimal(out, value, decimals);
    sim_textf(out, "\"");
}

void fsim_price(struct sim_text *out, const struct exchange_instrument *of, const char *name,
                int64_t value)
{
    fsim_member(out, name, value, of->config.price_decimals);
}

void fsim_qty(struct sim_text *out, const struct exchange_instrument *of, const char *name,
              int64_t value)
{
    fsim_member(out, name, value, of->config.qty_decimals);
}

const char *fsim_order_tif(const struct exchange_order *order)
{
    if (order->is_post_only)
        return "GTX";
    return bsim_order_tif(order);
}

int64_t fsim_average(const struct exchange_order *order)
{
    return order->filled_qty
               ? (int64_t)((i128)order->filled_quote * EXCHANGE_ONE / order->filled_qty)
               : 0;
}

void fsim_client_id(const struct exchange_order *order, char out[64])
{
    if (order->is_liquidation)
        snprintf(out, 64, "autoclose-%llu", (unsigned long long)order->id);
    else
        snprintf(out, 64, "%s", order->client_id);
}

void fsim_json_order(struct sim_text *out, const struct sim *sim,
                     const struct exchange_order *order, bool is_query, bool is_new)
{
    const struct exchange_instrument *of = &sim->exchange->instruments[order->instrument];
    const char *type = order->type == ORDER_MARKET ? "MARKET" : "LIMIT";
    char client_id[64];

    fsim_client_id(order, client_id);
    sim_textf(out, "{\"orderId\":%llu,\"symbol\":\"%s\",\"status\":\"%s\",\"clientOrderId\":\"%s\"",
              (unsigned long long)order->id, of->config.symbol,
              is_new ? "NEW" : bsim_order_status(order), client_id);
    fsim_price(out, of, "price", order->match.price);
    fsim_qty(out, of, "origQty", order->qty);
    fsim_qty(out, of, "executedQty", is_new ? 0 : order->filled_qty);
    if (is_query) {
        fsim_member(out, "avgPrice", fsim_average(order), 5);
        fsim_member(out, "cumQuote", order->filled_quote, 5);
        sim_textf(out, ",\"time\":%lld", (long long)bsim_ms_of(order->created_ns));
    } else {
        fsim_qty(out, of, "cumQty", is_new ? 0 : order->filled_qty);
    }
    sim_textf(out,
              ",\"timeInForce\":\"%s\",\"type\":\"%s\",\"reduceOnly\":%s,\"closePosition\":false,"
              "\"side\":\"%s\",\"positionSide\":\"BOTH\",\"stopPrice\":\"0\","
              "\"workingType\":\"CONTRACT_PRICE\",\"priceProtect\":false,\"origType\":\"%s\","
              "\"priceMatch\":\"NONE\",\"selfTradePreventionMode\":\"%s\",\"goodTillDate\":0,"
              "\"updateTime\":%lld}",
              fsim_order_tif(order), type, order->is_reduce_only ? "true" : "false",
              order->match.side == SIDE_BUY ? "BUY" : "SELL", type, bsim_stp_text(order->stp),
              (long long)bsim_ms_of(order->updated_ns));
}
