#include "venues/binance/order_view.h"
#include "common/pure/instrument.h"

#include <stdio.h>

int view_read(const struct scan_value *object, struct order_view *out)
{
    static const struct {
        const char *name;
        size_t at;
    } names[] = {
        { "symbol", offsetof(struct order_view, symbol) },
        { "orderId", offsetof(struct order_view, order_id) },
        { "clientOrderId", offsetof(struct order_view, client_id) },
        { "origClientOrderId", offsetof(struct order_view, original_id) },
        { "price", offsetof(struct order_view, price) },
        { "origQty", offsetof(struct order_view, qty) },
        { "executedQty", offsetof(struct order_view, executed) },
        { "status", offsetof(struct order_view, status) },
        { "timeInForce", offsetof(struct order_view, time_in_force) },
        { "type", offsetof(struct order_view, type) },
        { "side", offsetof(struct order_view, side) },
        { "transactTime", offsetof(struct order_view, time) },
        { "updateTime", offsetof(struct order_view, time) },
        { "fills", offsetof(struct order_view, fills) },
        { "expiryReason", offsetof(struct order_view, expiry) },
        { "reduceOnly", offsetof(struct order_view, reduce_only) },
    };
    struct scan_iter iter;
    struct scan_value key, value;
    int err = object->type == SCAN_OBJECT ? scan_begin(&iter, object) : ERR_PROTO;

    *out = (struct order_view){ 0 };
    while (!err && (err = scan_member(&iter, &key, &value)) == 0)
        for (size_t i = 0; i < COUNT(names); i++)
            if (scan_is(&key, names[i].name))
                *(struct scan_value *)(void *)((char *)out + names[i].at) = value;
    return err == ERR_NOT_FOUND ? 0 : ERR_PROTO;
}

void view_text(const struct scan_value *value, char *out, size_t cap)
{
    if (value->type == SCAN_STRING && scan_text(value, out, cap) != 0)
        snprintf(out, cap, "%.*s", (int)MIN(value->len, cap - 1), value->text);
}

void view_place_report(const struct binance_order *order, struct venue_report *report,
                       const char *symbol)
{
    char name[sizeof(report->symbol)];

    binance_copy(name, sizeof(name), symbol); /* It may be the report's own. */
    report->instrument_kind = order->product->product->kind;
    for (size_t i = 0; i < order->symbol_count; i++) {
        const struct wire_instrument *definition = &order->symbols[i].definition;
        if (definition->header.size == 0 || strcmp(definition->symbol, name) != 0)
            continue;
        report->instrument = definition->header.instrument;
        report->price_exp = definition->price_exp;
        report->qty_exp = definition->qty_exp;
        binance_copy(report->symbol, sizeof(report->symbol), name);
        return;
    }
    report->price_exp = report->qty_exp = BINANCE_EXP;
    if (report->instrument == 0 || strcmp(report->symbol, name) != 0)
        report->instrument =
            name[0] ? instrument_id(order->venue, report->instrument_kind, name) : 0;
    binance_copy(report->symbol, sizeof(report->symbol), name);
}

wire_order_state view_state(const struct scan_value *status)
{
    static const struct {
        const char *name;
        wire_order_state state;
    } states[] = {
        { "NEW", ORDER_LIVE },
        { "NEW_INSURANCE", ORDER_LIVE }, /* Liquidations of futures. */
        { "NEW_ADL", ORDER_LIVE },
        { "PENDING_NEW", ORDER_LIVE },
        { "PENDING_CANCEL", ORDER_LIVE },
        { "PARTIALLY_FILLED", ORDER_PARTIALLY_FILLED },
        { "FILLED", ORDER_FILLED },
        { "CANCELED", ORDER_CANCELLED },
        { "REJECTED", ORDER_REJECTED },
        { "EXPIRED", ORDER_EXPIRED },
        { "EXPIRED_IN_MATCH", ORDER_EXPIRED },
    };

    for (size_t i = 0; i < COUNT(states); i++)
        if (scan_is(status, states[i].name))
            return states[i].state;
    return ORDER_NONE;
}

wire_reason view_end_reason(const struct order_view *view, const struct venue_report *report)
{
    if (report->state == ORDER_CANCELLED)
        return REASON_REQUESTED;
    if (scan_is(&view->status, "EXPIRED_IN_MATCH"))
        return REASON_SELF_TRADE_PREVENTED;
    if (scan_is(&view->expiry, "UNFILLED_IOC_QUANTITY_EXPIRED") ||
        scan_is(&view->expiry, "UNFILLED_FOK_ORDER_EXPIRED") ||
        scan_is(&view->expiry, "INSUFFICIENT_LIQUIDITY"))
        return REASON_NO_LIQUIDITY;
    if (view->expiry.type == SCAN_STRING)
        return REASON_VENUE_REJECT;
    return report->type == ORDER_MARKET || report->time_in_force == TIF_IOC ||
                   report->time_in_force == TIF_FOK
               ? REASON_NO_LIQUIDITY
               : REASON_VENUE_REJECT;
}

static int kind_read(const struct order_view *view, struct venue_report *report)
{
    if (scan_is(&view->side, "BUY"))
        report->side = SIDE_BUY;
    else if (scan_is(&view->side, "SELL"))
        report->side = SIDE_SELL;
    else if (view->side.type != SCAN_NONE)
        return ERR_PROTO;
    if (view->type.type != SCAN_NONE) {
        /* Stop and other orders of strangers: shown as what they become. */
        bool is_limit =
            view->type.len >= 5 && (memcmp(view->type.text, "LIMIT", 5) == 0 ||
                                    memcmp(view->type.text + view->type.len - 5, "LIMIT", 5) == 0);
        report->type = is_limit ? ORDER_LIMIT : ORDER_MARKET;
        report->is_post_only = scan_is(&view->type, "LIMIT_MAKER");
    }
    if (scan_is(&view->time_in_force, "GTC"))
        report->time_in_force = TIF_GTC;
    else if (scan_is(&view->time_in_force, "IOC"))
        report->time_in_force = TIF_IOC;
    else if (scan_is(&view->time_in_force, "FOK"))
        report->time_in_force = TIF_FOK;
    else if (scan_is(&view->time_in_force, "GTX"))
        report->time_in_force = TIF_GTC;
    report->is_post_only |= scan_is(&view->time_in_force, "GTX");
    (void)scan_bool(&view->reduce_only, &report->is_reduce_only);
    return 0;
}

static int decimal_read(const struct scan_value *value, int exp, int64_t *out)
{
    return value->type == SCAN_NONE ? 0 : scan_decimal(value, exp, out);
}

static int text_read(const struct scan_value *value, char *out, size_t cap)
{
    return value->type == SCAN_STRING && value->len > 0 ? scan_text(value, out, cap) : 0;
}

int view_report(const struct binance_order *order, const struct order_view *view,
                struct venue_report *report)
{
    int64_t order_id;

    if (view->symbol.type != SCAN_STRING || view->symbol.len == 0 ||
        text_read(&view->symbol, report->symbol, sizeof(report->symbol)) != 0 ||
        scan_i64(&view->order_id, &order_id) != 0 || order_id < 0)
        return ERR_PROTO;
    view_place_report(order, report, report->symbol);
    snprintf(report->exchange_order_id, sizeof(report->exchange_order_id), "%lld",
             (long long)order_id);
    /* A cancelled order carries the cancel request's id; its own is then the original one. */
    const struct scan_value *own =
        view->original_id.type == SCAN_STRING && view->original_id.len > 0 ? &view->original_id
                                                                           : &view->client_id;
    if (text_read(own, report->client_order_id, sizeof(report->client_order_id)) != 0)
        report->client_order_id[0] = '\0'; /* Longer than ours can be: a stranger's. */
    if (view->status.type != SCAN_NONE) {
        report->state = view_state(&view->status);
        if (report->state == ORDER_NONE)
            return ERR_PROTO;
    }
    if (kind_read(view, report) != 0 ||
        decimal_read(&view->price, report->price_exp, &report->price) != 0 ||
        decimal_read(&view->qty, report->qty_exp, &report->qty) != 0 ||
        decimal_read(&view->executed, report->qty_exp, &report->cum_qty) != 0 ||
        (view->time.type != SCAN_NONE && binance_epoch_ns(&view->time, &report->exchange_ns) != 0))
        return ERR_PROTO;
    return 0;
}

int view_balance(const struct order_turn *turn, const struct scan_value *entry, const char *asset,
                 const char *free_name, const char *locked_name, struct venue_report *report)
{
    struct scan_value name, free_value, locked_value;

    if (entry->type != SCAN_OBJECT || scan_find(entry, asset, &name) != 0 ||
        name.type != SCAN_STRING || scan_find(entry, free_name, &free_value) != 0 ||
        scan_find(entry, locked_name, &locked_value) != 0)
        return ERR_PROTO;
    int err = scan_text(&name, report->asset, sizeof(report->asset));
    if (!err)
        err = scan_decimal(&free_value, report->amount_exp, &report->free);
    if (!err)
        err = scan_decimal(&locked_value, report->amount_exp, &report->locked);
    if (!err && __builtin_add_overflow(report->free, report->locked, &report->total))
        err = ERR_RANGE;
    if (err == ERR_RANGE) {
        char text[64];
        snprintf(text, sizeof(text), "%.*s", (int)MIN(entry->len, sizeof(text) - 1), entry->text);
        turn->out->note(turn->out->ctx, "balance_too_large", text);
    }
    return err;
}

bool view_is_traded(const struct binance_order *order, const char *asset)
{
    for (size_t i = 0; i < order->symbol_count; i++) {
        const struct wire_instrument *definition = &order->symbols[i].definition;
        if (definition->header.size != 0 &&
            (strcmp(definition->base, asset) == 0 || strcmp(definition->quote, asset) == 0))
            return true;
    }
    return false;
}
