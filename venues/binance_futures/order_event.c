/* Events of the user stream. They have no sequence numbers, and an order's and its account's are in
 * no promised order: after each reconnect the engine reconciles. */
#include "venues/binance_futures/order.h"

#include <stdio.h>

#define ACCOUNT_NS (NS_PER_S) /* What is free is asked for so long after news of the account. */

static void emit(const struct order_turn *turn, struct venue_report *report)
{
    report->is_from_stream = true;
    turn->out->report(turn->out->ctx, report);
}

/* Members of an event's object by their one-letter names, and the few longer ones of interest. */
struct letters {
    struct scan_value at['z' - 'A' + 1];
    struct scan_value pnl, expiry; /* rp, er */
};
#define AT(letters, c) (&(letters)->at[(c) - 'A'])

static int letters_read(const struct scan_value *object, struct letters *out)
{
    struct scan_iter iter;
    struct scan_value key, value;
    int err = object->type == SCAN_OBJECT ? scan_begin(&iter, object) : ERR_PROTO;

    *out = (struct letters){ 0 };
    while (!err && (err = scan_member(&iter, &key, &value)) == 0) {
        unsigned letter = key.len == 1 ? (unsigned)(unsigned char)key.text[0] - 'A' : 99;
        if (letter < COUNT(out->at))
            out->at[letter] = value;
        else if (scan_is(&key, "rp"))
            out->pnl = value;
        else if (scan_is(&key, "er"))
            out->expiry = value;
    }
    return err == ERR_NOT_FOUND ? 0 : ERR_PROTO;
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* Orders that the venue places: liquidation, deleveraging, settlement. */
static bool is_of_venue(const char *client_order_id)
{
    return begins(client_order_id, "autoclose-") || begins(client_order_id, "adl_autoclose") ||
           begins(client_order_id, "settlement_autoclose-") ||
           begins(client_order_id, "delivery_autoclose-");
}

static wire_reason expiry_reason(const struct scan_value *expiry, const struct venue_report *report)
{
    static const struct {
        const char *word;
        wire_reason why;
    } words[] = {
        { "1", REASON_SELF_TRADE_PREVENTED },    { "2", REASON_NO_LIQUIDITY },
        { "3", REASON_SELF_TRADE_PREVENTED },    { "5", REASON_LIQUIDATION },
        { "7", REASON_INSTRUMENT_NOT_TRADABLE }, { "9", REASON_NO_LIQUIDITY },
    };

    for (size_t i = 0; i < COUNT(words); i++)
        if (scan_is(expiry, words[i].word))
            return words[i].why;
    if (report->is_post_only)
        return REASON_VENUE_POST_ONLY;
    return report->type == ORDER_MARKET || report->time_in_force == TIF_IOC ||
                   report->time_in_force == TIF_FOK
               ? REASON_NO_LIQUIDITY
               : REASON_VENUE_REJECT;
}

/* An execution of quantity 0 is none: it only tells a state. */
static int on_fill(const struct letters *m, struct venue_report *report)
{
    int64_t id;
    bool is_maker;

    if (scan_decimal(AT(m, 'l'), report->qty_exp, &report->last_qty) != 0)
        return ERR_PROTO;
    if (report->last_qty == 0) {
        report->kind = REPORT_ORDER;
        return 0;
    }
    if (futures_decimal(AT(m, 'L'), report->price_exp, &report->last_price) != 0 ||
        report->last_qty < 0 || report->last_price <= 0 || scan_i64(AT(m, 't'), &id) != 0 ||
        id < 0 || scan_bool(AT(m, 'm'), &is_maker) != 0)
        return ERR_PROTO;
    report->kind = REPORT_FILL;
    report->liquidity = is_maker ? LIQUIDITY_MAKER : LIQUIDITY_TAKER;
    snprintf(report->venue_trade_id, sizeof(report->venue_trade_id), "%lld", (long long)id);
    if (m->pnl.type == SCAN_STRING) {
        if (futures_decimal(&m->pnl, report->amount_exp, &report->realised_pnl) != 0)
            return ERR_PROTO;
        report->has_realised_pnl = true;
    }
    if (AT(m, 'N')->type != SCAN_STRING || AT(m, 'n')->type != SCAN_STRING)
        return 0; /* No commission. */
    return futures_decimal(AT(m, 'n'), report->amount_exp, &report->fee) != 0 ||
                   scan_text(AT(m, 'N'), report->fee_asset, sizeof(report->fee_asset)) != 0
               ? ERR_PROTO
               : 0;
}

static int kind_read(const struct letters *m, struct venue_report *report)
{
    const struct scan_value *x = AT(m, 'x');

    if (scan_is(x, "TRADE") || scan_is(x, "CALCULATED"))
        return on_fill(m, report);
    if (scan_is(x, "NEW")) {
        report->kind = REPORT_NEW;
    } else if (scan_is(x, "CANCELED")) {
        report->kind = REPORT_CANCELLED;
        report->why = REASON_REQUESTED;
    } else if (scan_is(x, "EXPIRED")) {
        report->kind = REPORT_EXPIRED;
        report->why = scan_is(AT(m, 'X'), "EXPIRED_IN_MATCH") ? REASON_SELF_TRADE_PREVENTED
                                                              : expiry_reason(&m->expiry, report);
    } else {
        report->kind = REPORT_ORDER; /* AMENDMENT, or something newer than this code. */
    }
    return 0;
}

static int on_order(const struct order_turn *turn, const struct scan_value *object)
{
    struct letters m;
    struct order_view view;
    struct venue_report report;

    futures_of(turn)->proof_ns = 0;
    if (letters_read(object, &m) != 0)
        return ERR_PROTO;
    view = (struct order_view){ .symbol = *AT(&m, 's'),
                                .order_id = *AT(&m, 'i'),
                                .client_id = *AT(&m, 'c'),
                                .price = *AT(&m, 'p'),
                                .qty = *AT(&m, 'q'),
                                .executed = *AT(&m, 'z'),
                                .status = *AT(&m, 'X'),
                                .time_in_force = *AT(&m, 'f'),
                                .type = *AT(&m, 'o'),
                                .side = *AT(&m, 'S'),
                                .time = *AT(&m, 'T'),
                                .reduce_only = *AT(&m, 'R') };
    order_report_begin(&report, REPORT_ORDER, NULL);
    if (view_report(turn->order, &view, &report) != 0)
        return ERR_PROTO;
    report.is_liquidation =
        is_of_venue(report.client_order_id) || scan_is(AT(&m, 'x'), "CALCULATED");
    if (kind_read(&m, &report) != 0)
        return ERR_PROTO;
    emit(turn, &report);
    return 0;
}

/* ---- the account ---- */

/* Whether the reason of an ACCOUNT_UPDATE is that money came or went: the rest are our executions,
 * or only move margin about. */
static bool is_transfer(const struct scan_value *reason)
{
    return !scan_is(reason, "ORDER") && !scan_is(reason, "FUNDING_FEE") &&
           !scan_is(reason, "MARGIN_TRANSFER") && !scan_is(reason, "MARGIN_TYPE_CHANGE");
}

static int on_balance(const struct order_turn *turn, const struct scan_value *entry,
                      const struct scan_value *reason, int64_t exchange_ns)
{
    struct venue_report report;
    struct scan_value name, wallet, change;
    int64_t moved = 0, gained;

    order_report_begin(&report, REPORT_BALANCE, NULL);
    report.exchange_ns = exchange_ns;
    if (scan_find(entry, "a", &name) != 0 || name.type != SCAN_STRING ||
        scan_text(&name, report.asset, sizeof(report.asset)) != 0 ||
        scan_find(entry, "wb", &wallet) != 0 ||
        futures_decimal(&wallet, report.amount_exp, &report.total) != 0)
        return ERR_PROTO;
    if (scan_find(entry, "bc", &change) == 0 &&
        futures_decimal(&change, report.amount_exp, &moved) != 0)
        return ERR_PROTO;
    struct futures_asset *known = futures_asset(turn, report.asset);
    if (known) { /* As far as can be said until the account is asked. */
        if (__builtin_sub_overflow(report.total, known->total, &gained) ||
            __builtin_add_overflow(known->free, gained, &report.free))
            report.free = 0;
        report.free = MAX(report.free, 0);
        known->free = report.free;
        known->total = report.total;
    }
    if (is_transfer(reason) && moved != 0) {
        struct venue_report transfer = report;
        transfer.kind = REPORT_TRANSFER;
        transfer.change = moved;
        transfer.total = transfer.free = 0;
        emit(turn, &transfer);
    }
    emit(turn, &report);
    return 0;
}

static int on_position(const struct order_turn *turn, const struct scan_value *entry,
                       int64_t exchange_ns)
{
    static const char *const names[] = { "pa", "ep", "cr", "up", "iw" };
    struct venue_report report;
    struct scan_value value, found[COUNT(names)];

    order_report_begin(&report, REPORT_POSITION, NULL);
    report.exchange_ns = exchange_ns;
    if (scan_find(entry, "s", &value) != 0 || value.type != SCAN_STRING ||
        scan_text(&value, report.symbol, sizeof(report.symbol)) != 0)
        return ERR_PROTO;
    view_place_report(turn->order, &report, report.symbol);
    if (scan_find(entry, "ps", &value) == 0 && !scan_is(&value, "BOTH")) {
        turn->out->note(turn->out->ctx, "hedge_mode", report.symbol);
        return 0;
    }
    for (size_t i = 0; i < COUNT(names); i++)
        if (scan_find(entry, names[i], &found[i]) != 0 || found[i].len == 0)
            found[i] = (struct scan_value){ SCAN_NUMBER, "0", 1 };
    if (scan_decimal(&found[0], report.qty_exp, &report.qty) != 0 ||
        futures_decimal(&found[1], report.price_exp, &report.price) != 0 ||
        futures_decimal(&found[2], report.amount_exp, &report.realised_pnl) != 0 ||
        futures_decimal(&found[3], report.amount_exp, &report.unrealised_pnl) != 0 ||
        futures_decimal(&found[4], report.amount_exp, &report.margin) != 0)
        return ERR_PROTO;
    report.is_isolated = scan_find(entry, "mt", &value) == 0 && scan_is(&value, "isolated");
    const struct order_symbol *known = order_symbol_of(turn->order, report.symbol);
    if (known)
        binance_copy(report.asset, sizeof(report.asset), known->definition.settle);
    const uint32_t *leverage = futures_leverage_slot(turn, report.symbol);
    report.leverage_ppm = leverage ? *leverage : 0;
    emit(turn, &report);
    return 0;
}

static void funding_told(const struct order_turn *turn, int64_t exchange_ns)
{
    struct futures_order *order = futures_of(turn);

    if (order->funding_ns == 0) {
        order->funding_tries = 0;
        order->funding_since = exchange_ns - 60 * NS_PER_S;
    }
    order->funding_ns = turn->clock->now_ns + NS_PER_S / 2; /* The list follows a little later. */
}

static int each(const struct order_turn *turn, const struct scan_value *list, bool is_balance,
                const struct scan_value *reason, int64_t exchange_ns)
{
    struct scan_iter iter;
    struct scan_value entry;
    int err;

    if (list->type == SCAN_NONE)
        return 0;
    err = list->type == SCAN_ARRAY ? scan_begin(&iter, list) : ERR_PROTO;
    while (!err && (err = scan_item(&iter, &entry)) == 0)
        err = entry.type != SCAN_OBJECT ? ERR_PROTO
              : is_balance              ? on_balance(turn, &entry, reason, exchange_ns)
                                        : on_position(turn, &entry, exchange_ns);
    return err == ERR_NOT_FOUND ? 0 : ERR_PROTO;
}

static int on_account(const struct order_turn *turn, const struct letters *event)
{
    struct futures_order *order = futures_of(turn);
    struct letters m;
    int64_t exchange_ns = 0;

    if (letters_read(AT(event, 'a'), &m) != 0)
        return ERR_PROTO;
    (void)binance_epoch_ns(AT(event, 'T'), &exchange_ns);
    /* A funding payment's balance is told behind the payment itself, which the list knows. */
    bool is_funding = scan_is(AT(&m, 'm'), "FUNDING_FEE");
    int err = is_funding ? 0 : each(turn, AT(&m, 'B'), true, AT(&m, 'm'), exchange_ns);
    if (!err)
        err = each(turn, AT(&m, 'P'), false, AT(&m, 'm'), exchange_ns);
    if (is_funding)
        funding_told(turn, exchange_ns);
    else if (order->account_ns == 0)
        order->account_ns = turn->clock->now_ns + ACCOUNT_NS;
    return err;
}

static int on_config(const struct order_turn *turn, const struct scan_value *event)
{
    struct scan_value part, value;
    char symbol[32];
    uint64_t leverage;
    bool is_multi;

    if (scan_find(event, "ac", &part) == 0 && part.type == SCAN_OBJECT) {
        if (scan_find(&part, "s", &value) != 0 || scan_text(&value, symbol, sizeof(symbol)) != 0 ||
            scan_find(&part, "l", &value) != 0 || scan_u64(&value, &leverage) != 0)
            return ERR_PROTO;
        uint32_t *slot = futures_leverage_slot(turn, symbol);
        if (slot && leverage <= 1000)
            *slot = (uint32_t)leverage * 1000000;
    }
    if (scan_find(event, "ai", &part) == 0 && part.type == SCAN_OBJECT &&
        scan_find(&part, "j", &value) == 0 && scan_bool(&value, &is_multi) == 0 && is_multi)
        turn->out->note(turn->out->ctx, "multi_assets_margin", "switched on");
    return 0;
}

/* One of another process with the same account may end before ours. */
static void on_expired(const struct order_turn *turn, const struct scan_value *event)
{
    struct scan_value key;

    if (scan_find(event, "listenKey", &key) == 0 && key.type == SCAN_STRING && key.len > 0 &&
        !scan_is(&key, futures_of(turn)->key) && futures_of(turn)->key[0])
        return;
    futures_key_drop(turn, REASON_VENUE_AUTH);
}

int futures_on_event(const struct order_turn *turn, const struct scan_value *event)
{
    struct letters m;
    char text[96];

    if (letters_read(event, &m) != 0)
        return ERR_PROTO;
    const struct scan_value *e = AT(&m, 'e');
    if (scan_is(e, "ORDER_TRADE_UPDATE"))
        return on_order(turn, AT(&m, 'o'));
    if (scan_is(e, "ACCOUNT_UPDATE"))
        return on_account(turn, &m);
    if (scan_is(e, "ACCOUNT_CONFIG_UPDATE"))
        return on_config(turn, event);
    if (scan_is(e, "listenKeyExpired")) {
        on_expired(turn, event);
    } else if (scan_is(e, "MARGIN_CALL")) {
        snprintf(text, sizeof(text), "%.*s", (int)MIN(event->len, sizeof(text) - 1), event->text);
        turn->out->note(turn->out->ctx, "margin_call", text);
    } /* TRADE_LITE is a copy without the fee; algorithmic orders are nobody's of ours. */
    return 0;
}
