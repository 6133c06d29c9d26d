#include "venues/okx/order.h"

#include <stdio.h>

static int number_at(const struct scan_value *row, const char *name, int exp, int64_t *out)
{
    struct scan_value value;

    okx_find(row, name, &value);
    return okx_number(&value, exp, out);
}

static int time_at(const struct scan_value *row, const char *name, int64_t *out)
{
    struct scan_value value;

    okx_find(row, name, &value);
    return okx_time(&value, out);
}

typedef int row_reader(const struct okx_turn *turn, const struct okx_pending *pending,
                       const struct scan_value *row);

static int each(const struct okx_turn *turn, const struct okx_pending *pending,
                const struct scan_value *rows, row_reader *read)
{
    struct scan_iter iter;
    struct scan_value row;
    int err = rows->type == SCAN_ARRAY ? scan_begin(&iter, rows) : ERR_PROTO;

    while (!err && (err = scan_item(&iter, &row)) == 0)
        err = row.type == SCAN_OBJECT ? read(turn, pending, &row) : ERR_PROTO;
    return err == ERR_NOT_FOUND ? 0 : ERR_PROTO;
}

/* ---- balances ---- */

/* Cash is the total: profit that is not realised stands beside it. What orders hold is locked, the
 * rest of what is in use is margin. */
static int on_balance(const struct okx_turn *turn, const struct okx_pending *pending,
                      const struct scan_value *row)
{
    struct venue_report report;
    struct scan_value free;
    int64_t frozen;

    okx_report_begin(turn, &report, REPORT_BALANCE, pending);
    okx_text(row, "ccy", report.asset, sizeof(report.asset));
    okx_find(row, "availBal", &free);
    if (free.len == 0)
        okx_find(row, "availEq", &free);
    if (!*report.asset)
        return ERR_PROTO;
    if (number_at(row, "cashBal", OKX_AMOUNT_EXP, &report.total) != 0 ||
        okx_number(&free, OKX_AMOUNT_EXP, &report.free) != 0 ||
        number_at(row, "ordFrozen", OKX_AMOUNT_EXP, &report.locked) != 0 ||
        number_at(row, "frozenBal", OKX_AMOUNT_EXP, &frozen) != 0 ||
        number_at(row, "upl", OKX_AMOUNT_EXP, &report.unrealised_pnl) != 0 ||
        time_at(row, "uTime", &report.exchange_ns) != 0) {
        /* A token counted in more digits than 64 bits hold: it is not traded here. */
        okx_note(turn, "balance_unreadable", "%s", report.asset);
        return 0;
    }
    report.margin = MAX(frozen - report.locked, 0);
    report.is_from_stream = !pending;
    okx_report(turn, &report);
    return 0;
}

static int on_account(const struct okx_turn *turn, const struct okx_pending *pending,
                      const struct scan_value *row)
{
    struct scan_value details;

    okx_find(row, "details", &details);
    return details.type == SCAN_NONE ? 0 : each(turn, pending, &details, on_balance);
}

int okx_on_balances(const struct okx_turn *turn, const struct okx_pending *pending,
                    const struct scan_value *data)
{
    return each(turn, pending, data, on_account);
}

/* ---- positions ---- */

static int on_position(const struct okx_turn *turn, const struct okx_pending *pending,
                       const struct scan_value *row)
{
    struct venue_report report;
    struct scan_value type, qty, side, mode, margin;
    char symbol[32];
    int64_t leverage, fees;

    okx_find(row, "instType", &type);
    okx_text(row, "instId", symbol, sizeof(symbol));
    if (!*symbol)
        return ERR_PROTO;
    if (!scan_is(&type, "SWAP") || !okx_listed_of(turn->side, symbol))
        return 0; /* Counted in units that we do not know: dated, inverse, margin. */
    okx_report_begin(turn, &report, REPORT_POSITION, pending);
    const struct okx_scale *scale =
        okx_report_instrument(turn->side, &report, symbol, INSTRUMENT_PERPETUAL);
    okx_find(row, "pos", &qty);
    okx_find(row, "posSide", &side);
    okx_find(row, "mgnMode", &mode);
    report.is_isolated = scan_is(&mode, "isolated");
    okx_find(row, report.is_isolated ? "margin" : "imr", &margin);
    okx_text(row, "ccy", report.asset, sizeof(report.asset));
    if ((qty.len > 0 && okx_qty_read(scale, &qty, &report.qty) != 0) ||
        number_at(row, "avgPx", report.price_exp, &report.price) != 0 ||
        number_at(row, "markPx", report.price_exp, &report.mark_price) != 0 ||
        number_at(row, "liqPx", report.price_exp, &report.liquidation_price) != 0 ||
        number_at(row, "upl", OKX_AMOUNT_EXP, &report.unrealised_pnl) != 0 ||
        number_at(row, "pnl", OKX_AMOUNT_EXP, &report.realised_pnl) != 0 ||
        okx_number(&margin, OKX_AMOUNT_EXP, &report.margin) != 0 ||
        number_at(row, "lever", 6, &leverage) != 0 || leverage < 0 || leverage > UINT32_MAX ||
        number_at(row, "fee", OKX_AMOUNT_EXP, &fees) != 0 ||
        time_at(row, "uTime", &report.exchange_ns) != 0)
        return ERR_PROTO;
    report.leverage_ppm = (uint32_t)leverage;
    if (scan_is(&side, "short") && report.qty > 0)
        report.qty = -report.qty;
    report.is_from_stream = !pending;
    okx_report(turn, &report);
    return 0;
}

int okx_on_positions(const struct okx_turn *turn, const struct okx_pending *pending,
                     const struct scan_value *data)
{
    return each(turn, pending, data, on_position);
}

/* ---- balance_and_position: the fastest news, of which we need one: a funding payment. How much it
 * was stands in the bills. ---- */

static int on_cause(const struct okx_turn *turn, const struct okx_pending *pending,
                    const struct scan_value *row)
{
    struct scan_value type;
    (void)pending;

    okx_find(row, "eventType", &type);
    if (!scan_is(&type, "funding_fee"))
        return 0;
    struct venue_command command = { .op = OP_FUNDING,
                                     .since_wall_ns = turn->clock->wall_ns - 600 * NS_PER_S };
    if (okx_rest_begin(turn, &command, true) != 0)
        okx_note(turn, "funding_not_asked", "a payment is known of, not its amount");
    return 0;
}

int okx_on_balance_and_position(const struct okx_turn *turn, const struct scan_value *data)
{
    return each(turn, NULL, data, on_cause);
}

int okx_on_bill(const struct okx_turn *turn, const struct okx_pending *pending,
                const struct scan_value *row)
{
    struct venue_report report;
    struct scan_value change;
    char symbol[32];

    okx_report_begin(turn, &report, REPORT_FUNDING, pending->is_own ? NULL : pending);
    okx_text(row, "instId", symbol, sizeof(symbol));
    (void)okx_report_instrument(turn->side, &report, symbol, INSTRUMENT_PERPETUAL);
    okx_text(row, "ccy", report.asset, sizeof(report.asset));
    okx_text(row, "billId", report.reference, sizeof(report.reference));
    okx_find(row, "balChg", &change);
    if (!*report.asset || !*report.reference || change.len == 0 ||
        okx_number(&change, OKX_AMOUNT_EXP, &report.change) != 0 ||
        time_at(row, "ts", &report.exchange_ns) != 0)
        return ERR_PROTO;
    report.is_from_stream = pending->is_own;
    okx_report(turn, &report);
    return 0;
}

/* ---- the account's mode ---- */

static wire_reason judge(const struct okx_side *side, const struct scan_value *row, int level,
                         const char **text)
{
    struct scan_value mode, permissions;

    okx_find(row, "posMode", &mode);
    okx_find(row, "perm", &permissions);
    if (permissions.type == SCAN_STRING && permissions.len > 0 &&
        !memmem(permissions.text, permissions.len, "trade", 5)) {
        *text = "the API key may not trade";
        return REASON_PERMISSION;
    }
    if (!okx_trades_swaps(side))
        return REASON_NONE;
    if (scan_is(&mode, "long_short_mode")) {
        *text = "the account is in long/short mode: set the position mode to net (one-way)";
        return REASON_HEDGE_MODE;
    }
    if (!scan_is(&mode, "net_mode")) {
        *text = "the account's position mode is not one that is known";
        return REASON_HEDGE_MODE;
    }
    if (level == 1) {
        *text = "the account is in Spot mode: swaps need Spot and futures, or a margin mode";
        return REASON_PERMISSION;
    }
    return REASON_NONE;
}

int okx_on_config(const struct okx_turn *turn, struct okx_pending *pending,
                  const struct scan_value *data)
{
    struct scan_iter iter;
    struct scan_value row;
    struct venue_report report;
    const char *text = "";
    int64_t level;

    if (data->type != SCAN_ARRAY || scan_begin(&iter, data) != 0 || scan_item(&iter, &row) != 0 ||
        row.type != SCAN_OBJECT || number_at(&row, "acctLv", 0, &level) != 0 || level < 1 ||
        level > 4)
        return ERR_PROTO;
    okx_account_level(turn->side, (int)level);
    wire_reason why = judge(turn->side, &row, (int)level, &text);
    struct okx_pending gone = okx_pending_end(turn->side, pending);
    okx_report_begin(turn, &report, why == REASON_NONE ? REPORT_DONE : REPORT_FAILED, &gone);
    report.why = why;
    snprintf(report.text, sizeof(report.text), "%s", text);
    okx_report(turn, &report);
    return 0;
}
