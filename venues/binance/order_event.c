/* Events of the private stream. They have no sequence numbers: after each reconnect the engine
 * reconciles. */
#include "venues/binance/order_view.h"

#include <stdio.h>

static void emit(const struct order_turn *turn, struct venue_report *report)
{
    report->is_from_stream = true;
    turn->out->report(turn->out->ctx, report);
}

/* Members of an event by their one-letter names. */
struct letters {
    struct scan_value at['z' - 'A' + 1];
    struct scan_value expiry; /* eR */
};
#define LETTER(letters, c) (&(letters)->at[(c) - 'A'])

static int letters_read(const struct scan_value *event, struct letters *out)
{
    struct scan_iter iter;
    struct scan_value key, value;
    int err = scan_begin(&iter, event);

    *out = (struct letters){ 0 };
    while (!err && (err = scan_member(&iter, &key, &value)) == 0) {
        unsigned letter = (unsigned)(unsigned char)key.text[0] - 'A';
        if (key.len == 1 && letter < COUNT(out->at))
            out->at[letter] = value;
        else if (scan_is(&key, "eR"))
            out->expiry = value;
    }
    return err == ERR_NOT_FOUND ? 0 : ERR_PROTO;
}

static void view_of_event(const struct letters *m, struct order_view *out)
{
    *out = (struct order_view){ .symbol = *LETTER(m, 's'),
                                .order_id = *LETTER(m, 'i'),
                                .client_id = *LETTER(m, 'c'),
                                .price = *LETTER(m, 'p'),
                                .qty = *LETTER(m, 'q'),
                                .executed = *LETTER(m, 'z'),
                                .status = *LETTER(m, 'X'),
                                .time_in_force = *LETTER(m, 'f'),
                                .type = *LETTER(m, 'o'),
                                .side = *LETTER(m, 'S'),
                                .time = *LETTER(m, 'T'),
                                .expiry = m->expiry };
    /* In a cancel, c is the cancel request's id and C the order's own; very old streams say "null".
     */
    if (scan_is(LETTER(m, 'x'), "CANCELED") && !scan_is(LETTER(m, 'C'), "null"))
        out->original_id = *LETTER(m, 'C');
}

/* A trade with quantity 0 is none: it only tells a state. */
static int on_trade(const struct letters *m, struct venue_report *report)
{
    int64_t id;
    bool is_maker;

    if (scan_decimal(LETTER(m, 'l'), report->qty_exp, &report->last_qty) != 0)
        return ERR_PROTO;
    if (report->last_qty == 0) {
        report->kind = report->state == ORDER_CANCELLED ? REPORT_CANCELLED : REPORT_ORDER;
        return 0;
    }
    if (scan_decimal(LETTER(m, 'L'), report->price_exp, &report->last_price) != 0 ||
        report->last_qty < 0 || report->last_price <= 0 || scan_i64(LETTER(m, 't'), &id) != 0 ||
        id < 0 || scan_bool(LETTER(m, 'm'), &is_maker) != 0)
        return ERR_PROTO;
    report->kind = REPORT_FILL;
    report->liquidity = is_maker ? LIQUIDITY_MAKER : LIQUIDITY_TAKER;
    snprintf(report->venue_trade_id, sizeof(report->venue_trade_id), "%lld", (long long)id);
    if (LETTER(m, 'N')->type != SCAN_STRING)
        return 0; /* No commission. */
    return scan_decimal(LETTER(m, 'n'), report->amount_exp, &report->fee) != 0 ||
                   scan_text(LETTER(m, 'N'), report->fee_asset, sizeof(report->fee_asset)) != 0
               ? ERR_PROTO
               : 0;
}

static wire_reason reject_reason(const struct scan_value *r)
{
    if (scan_is(r, "INSUFFICIENT_BALANCES") || scan_is(r, "INSUFFICIENT_BALANCE"))
        return REASON_VENUE_FUNDS;
    return scan_is(r, "WOULD_MATCH_IMMEDIATELY") ? REASON_VENUE_POST_ONLY : REASON_VENUE_REJECT;
}

/* Which report an execution type makes. 0, ERR_PROTO. REPORT kind 0: nothing to tell. */
static int kind_read(const struct letters *m, const struct order_view *view,
                     struct venue_report *report)
{
    const struct scan_value *x = LETTER(m, 'x');

    if (scan_is(x, "TRADE"))
        return on_trade(m, report);
    if (scan_is(x, "NEW")) {
        report->kind = REPORT_NEW;
    } else if (scan_is(x, "CANCELED")) {
        /* PENDING_CANCEL is not the end: the end is told by another event. */
        report->kind = report->state == ORDER_CANCELLED ? REPORT_CANCELLED : REPORT_ORDER;
        report->why = report->state == ORDER_CANCELLED ? REASON_REQUESTED : REASON_NONE;
    } else if (scan_is(x, "EXPIRED")) {
        report->kind = REPORT_EXPIRED;
        report->why = view_end_reason(view, report);
    } else if (scan_is(x, "REJECTED")) {
        report->kind = REPORT_REJECTED;
        report->why = reject_reason(LETTER(m, 'r'));
        view_text(LETTER(m, 'r'), report->text, sizeof(report->text));
    } else if (scan_is(x, "TRADE_PREVENTION")) {
        report->kind = report->state == ORDER_EXPIRED ? REPORT_EXPIRED : REPORT_ORDER;
        report->why = REASON_SELF_TRADE_PREVENTED;
    } else {
        report->kind =
            REPORT_ORDER; /* REPLACED by an amendment, or something newer than this code. */
    }
    return 0;
}

static int on_execution(const struct order_turn *turn, const struct letters *m)
{
    struct order_view view;
    struct venue_report report;

    view_of_event(m, &view);
    order_report_begin(&report, REPORT_ORDER, NULL);
    if (view_report(turn->order, &view, &report) != 0 || kind_read(m, &view, &report) != 0)
        return ERR_PROTO;
    emit(turn, &report);
    return 0;
}

static int on_balances(const struct order_turn *turn, const struct letters *m)
{
    struct scan_iter iter;
    struct scan_value entry;
    struct venue_report report;
    int err = LETTER(m, 'B')->type == SCAN_ARRAY ? scan_begin(&iter, LETTER(m, 'B')) : ERR_PROTO;

    while (!err && (err = scan_item(&iter, &entry)) == 0) {
        order_report_begin(&report, REPORT_BALANCE, NULL);
        (void)binance_epoch_ns(LETTER(m, 'u'), &report.exchange_ns);
        err = view_balance(turn, &entry, "a", "f", "l", &report);
        if (!err)
            emit(turn, &report);
        else if (err == ERR_RANGE)
            err = 0;
    }
    return err == ERR_NOT_FOUND ? 0 : ERR_PROTO;
}

/* The absolute balance comes as outboundAccountPosition as well: this one only says why it changed.
 */
static int on_transfer(const struct order_turn *turn, const struct letters *m)
{
    struct venue_report report;

    order_report_begin(&report, REPORT_TRANSFER, NULL);
    if (LETTER(m, 'a')->type != SCAN_STRING ||
        scan_text(LETTER(m, 'a'), report.asset, sizeof(report.asset)) != 0 ||
        scan_decimal(LETTER(m, 'd'), report.amount_exp, &report.change) != 0 ||
        binance_epoch_ns(LETTER(m, 'T'), &report.exchange_ns) != 0)
        return ERR_PROTO;
    emit(turn, &report);
    return 0;
}

int order_on_event(const struct order_turn *turn, const struct scan_value *event)
{
    struct letters m;
    char text[64];

    if (event->type != SCAN_OBJECT || letters_read(event, &m) != 0)
        return ERR_PROTO;
    const struct scan_value *e = LETTER(&m, 'e');
    if (scan_is(e, "executionReport"))
        return on_execution(turn, &m);
    if (scan_is(e, "outboundAccountPosition"))
        return on_balances(turn, &m);
    if (scan_is(e, "balanceUpdate"))
        return on_transfer(turn, &m);
    if (scan_is(e, "eventStreamTerminated")) {
        order_stream_down(turn, REASON_DISCONNECTED, "eventStreamTerminated", 1);
    } else if (scan_is(e, "serverShutdown")) {
        turn->out->reconnect(turn->out->ctx, 0, REASON_VENUE_MAINTENANCE);
    } else if (scan_is(e, "externalLockUpdate")) {
        snprintf(text, sizeof(text), "%.*s", (int)MIN(event->len, sizeof(text) - 1), event->text);
        turn->out->note(turn->out->ctx, "external_lock", text);
    } /* listStatus and what may come: the legs' own reports say all that matters. */
    return 0;
}
