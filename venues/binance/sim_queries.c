/* sim_queries.c - orders and trades looked up. */
#include "venues/binance/sim_binance.h"

#include <string.h>

const struct exchange_order *bsim_call_target(struct call *call, uint32_t instrument,
                                              const char *id_name, const char *client_name,
                                              bool *is_answered)
{
    const struct exchange_order *order = NULL;
    int64_t id = 0;
    bool has_id = false;
    const char *client_id = bsim_params_get(&call->params, client_name);

    *is_answered = true;
    if (!bsim_call_integer(call, id_name, 0, INT64_MAX, &id, &has_id))
        return NULL;
    if (!has_id && !client_id) {
        bsim_call_error(call, 400, -1102,
                        "Param '%s' or '%s' must be sent, but both were empty/null!", client_name,
                        id_name);
        return NULL;
    }
    *is_answered = false;
    order = has_id ? exchange_order(call->sim->exchange, (uint64_t)id)
                   : exchange_order_by_client(call->sim->exchange, call->account, client_id);
    if (!order || order->account != call->account || order->instrument != instrument)
        return NULL;
    if (has_id && client_id && strcmp(order->client_id, client_id) != 0) {
        bsim_call_error(call, 400, -2039, "Client order ID does not belong to the order ID.");
        *is_answered = true;
        return NULL;
    }
    return order;
}

void bsim_run_order_status(struct call *call)
{
    uint32_t instrument;
    bool is_answered;

    if (!bsim_call_symbol(call, &instrument))
        return;
    const struct exchange_order *order =
        bsim_call_target(call, instrument, "orderId", "origClientOrderId", &is_answered);
    if (is_answered || !bsim_call_all_read(call))
        return;
    if (!order)
        bsim_call_error(call, 400, -2013, "Order does not exist.");
    else
        bsim_json_order_query(call->out, call->sim, order);
}

void bsim_run_open_orders(struct call *call)
{
    uint32_t instrument = EXCHANGE_NONE;
    bool is_first = true;

    if (bsim_params_get(&call->params, "symbol") && !bsim_call_symbol(call, &instrument))
        return;
    if (!bsim_call_all_read(call))
        return;
    if (instrument == EXCHANGE_NONE)
        call->state->weight.used += 74; /* 80 for all symbols, 6 for one. */
    sim_textf(call->out, "[");
    for (const struct exchange_order *order =
             call->sim->exchange->accounts[call->account].first_open;
         order; order = order->next_of_account) {
        if (instrument != EXCHANGE_NONE && order->instrument != instrument)
            continue;
        sim_textf(call->out, "%s", is_first ? "" : ",");
        bsim_json_order_query(call->out, call->sim, order);
        is_first = false;
    }
    sim_textf(call->out, "]");
}

bool bsim_call_page(struct call *call, const char *id_name, int64_t days_max, struct page *page)
{
    *page = (struct page){ .end_ms = INT64_MAX, .limit = 500 };
    if (!bsim_call_integer(call, id_name, 0, INT64_MAX, &page->from_id, &page->has_from) ||
        !bsim_call_integer(call, "startTime", 0, INT64_MAX, &page->start_ms, &page->has_start) ||
        !bsim_call_integer(call, "endTime", 0, INT64_MAX, &page->end_ms, &page->has_end) ||
        !bsim_call_integer(call, "limit", 1, 1000, &page->limit, NULL))
        return false;
    if (page->has_start && page->has_end &&
        page->end_ms - page->start_ms > days_max * 24 * 3600 * 1000) {
        bsim_call_error(call, 400, -1127, "More than %lld hours between startTime and endTime.",
                        (long long)days_max * 24);
        return false;
    }
    return true;
}

bool bsim_page_has_time(const struct page *page, int64_t ns)
{
    return bsim_ms_of(ns) >= page->start_ms && bsim_ms_of(ns) <= page->end_ms;
}

void bsim_run_all_orders(struct call *call)
{
    const struct exchange_order *order;
    struct page page;
    uint32_t instrument, cursor = 0;
    int64_t count = 0, skipped = 0;

    if (!bsim_call_symbol(call, &instrument) || !bsim_call_page(call, "orderId", 1, &page) ||
        !bsim_call_all_read(call))
        return;
    for (; (order = exchange_next_order(call->sim->exchange, call->account, &cursor));)
        count += order->instrument == instrument && (int64_t)order->id >= page.from_id &&
                 bsim_page_has_time(&page, order->created_ns);
    bool is_newest = !page.has_from && !page.has_start;
    int64_t skip = is_newest ? MAX(0, count - page.limit) : 0, written = 0;
    sim_textf(call->out, "[");
    cursor = 0;
    while (written < page.limit &&
           (order = exchange_next_order(call->sim->exchange, call->account, &cursor))) {
        if (order->instrument != instrument || (int64_t)order->id < page.from_id ||
            !bsim_page_has_time(&page, order->created_ns) || skipped++ < skip)
            continue;
        sim_textf(call->out, "%s", written++ ? "," : "");
        bsim_json_order_query(call->out, call->sim, order);
    }
    sim_textf(call->out, "]");
}

static void json_trade(struct call *call, const struct exchange_execution *execution)
{
    const struct exchange *exchange = call->sim->exchange;
    struct sim_text *out = call->out;

    sim_textf(out,
              "{\"symbol\":\"%s\",\"id\":%llu,\"orderId\":%llu,\"orderListId\":-1,\"price\":\"",
              exchange->instruments[execution->instrument].config.symbol,
              (unsigned long long)execution->trade_id,
              (unsigned long long)exchange->orders[execution->order].id);
    sim_text_decimal(out, execution->price, 8);
    sim_textf(out, "\",\"qty\":\"");
    sim_text_decimal(out, execution->qty, 8);
    sim_textf(out, "\",\"quoteQty\":\"");
    sim_text_decimal(out, execution->quote, 8);
    sim_textf(out, "\",\"commission\":\"");
    sim_text_decimal(out, execution->fee, 8);
    sim_textf(out,
              "\",\"commissionAsset\":\"%s\",\"time\":%lld,\"isBuyer\":%s,\"isMaker\":%s,"
              "\"isBestMatch\":true}",
              exchange->assets[execution->fee_asset], (long long)bsim_ms_of(execution->at_ns),
              execution->side == SIDE_BUY ? "true" : "false",
              execution->is_maker ? "true" : "false");
}

void bsim_run_my_trades(struct call *call)
{
    const struct exchange *exchange = call->sim->exchange;
    struct page page;
    uint32_t instrument;
    int64_t order_id = 0, count = 0, written = 0, skipped = 0;
    bool has_order = false;

    if (!bsim_call_symbol(call, &instrument) || !bsim_call_page(call, "fromId", 1, &page) ||
        !bsim_call_integer(call, "orderId", 0, INT64_MAX, &order_id, &has_order) ||
        !bsim_call_all_read(call))
        return;
    sim_textf(call->out, "[");
    /* Twice: to count, so that the newest page is found, then to write. */
    for (int pass = 0; pass < 2; pass++) {
        bool is_newest = !page.has_from && !page.has_start;
        int64_t skip = is_newest ? MAX(0, count - page.limit) : 0;
        for (uint32_t i = 0; i < exchange->execution_count && written < page.limit; i++) {
            const struct exchange_execution *e = &exchange->executions[i];
            if (e->account != call->account || e->instrument != instrument ||
                (int64_t)e->trade_id < page.from_id || !bsim_page_has_time(&page, e->at_ns) ||
                (has_order && exchange->orders[e->order].id != (uint64_t)order_id))
                continue;
            if (pass == 0) {
                count++;
            } else if (skipped++ >= skip) {
                sim_textf(call->out, "%s", written++ ? "," : "");
                json_trade(call, e);
            }
        }
    }
    sim_textf(call->out, "]");
}
