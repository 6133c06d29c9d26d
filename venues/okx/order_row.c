#include "venues/okx/order.h"

#include <stdio.h>

/* clang-format off */
#define MEMBERS(X)                                                                                 \
    X(instId) X(instType) X(ordId) X(clOrdId) X(state) X(side) X(ordType) X(px) X(sz) X(tgtCcy)    \
    X(accFillSz) X(fillPx) X(fillSz) X(tradeId) X(fillTime) X(execType) X(fillFee) X(fillFeeCcy)   \
    X(fillPnl) X(fee) X(feeCcy) X(cancelSource) X(category) X(reduceOnly) X(reqId) X(amendResult)  \
    X(code) X(msg) X(uTime) X(cTime) X(ts) X(subType)
/* clang-format on */

#define AS_INDEX(name) M_##name,
#define AS_TEXT(name)  #name,
enum { MEMBERS(AS_INDEX) M_COUNT };
static const char *const member_names[] = { MEMBERS(AS_TEXT) };

static bool is_text(const struct scan_value *value)
{
    return (value->type == SCAN_STRING || value->type == SCAN_NUMBER) && value->len > 0;
}

static void copy(const struct scan_value *value, char *out, size_t cap)
{
    if (!is_text(value) || scan_text(value, out, cap) != 0)
        out[0] = '\0';
}

static wire_side side_of(const struct scan_value *word)
{
    return scan_is(word, "buy") ? SIDE_BUY : scan_is(word, "sell") ? SIDE_SELL : SIDE_NONE;
}

static wire_instrument_kind kind_of(const struct scan_value *word)
{
    return scan_is(word, "SWAP")                                 ? INSTRUMENT_PERPETUAL
           : scan_is(word, "FUTURES") || scan_is(word, "OPTION") ? INSTRUMENT_FUTURE
                                                                 : INSTRUMENT_SPOT;
}

static void read_type(const struct scan_value *word, struct venue_report *out)
{
    static const struct {
        const char *word;
        wire_order_type type;
        wire_time_in_force tif;
        bool is_post_only;
    } types[] = {
        { "limit", ORDER_LIMIT, TIF_GTC, false },
        { "market", ORDER_MARKET, TIF_IOC, false },
        { "post_only", ORDER_LIMIT, TIF_GTC, true },
        { "ioc", ORDER_LIMIT, TIF_IOC, false },
        { "fok", ORDER_LIMIT, TIF_FOK, false },
        { "optimal_limit_ioc", ORDER_MARKET, TIF_IOC, false },
        { "rpi", ORDER_LIMIT, TIF_GTC, true },
        { "elp", ORDER_LIMIT, TIF_GTC, true },
        { "mmp_and_post_only", ORDER_LIMIT, TIF_GTC, true },
        { "mmp", ORDER_LIMIT, TIF_GTC, false },
    };

    for (size_t i = 0; i < COUNT(types); i++)
        if (scan_is(word, types[i].word)) {
            out->type = types[i].type;
            out->time_in_force = types[i].tif;
            out->is_post_only = types[i].is_post_only;
        }
}

static int read_state(const struct scan_value *m, struct venue_report *out)
{
    int64_t source = 0;

    if (scan_is(&m[M_state], "live"))
        out->state = ORDER_LIVE;
    else if (scan_is(&m[M_state], "partially_filled"))
        out->state = ORDER_PARTIALLY_FILLED;
    else if (scan_is(&m[M_state], "filled"))
        out->state = ORDER_FILLED;
    else if (scan_is(&m[M_state], "canceled") || scan_is(&m[M_state], "mmp_canceled"))
        out->state = ORDER_CANCELLED;
    else
        return ERR_PROTO;
    if (out->state != ORDER_CANCELLED)
        return 0;
    if (is_text(&m[M_cancelSource]) && scan_i64(&m[M_cancelSource], &source) != 0)
        return ERR_PROTO;
    out->why = okx_cancel_reason((int)source);
    /* What an IOC or FOK did not find is over by its own terms. */
    if (source == 13 || source == 14)
        out->state = ORDER_EXPIRED;
    return 0;
}

static bool is_liquidation(const struct scan_value *category)
{
    return scan_is(category, "full_liquidation") || scan_is(category, "partial_liquidation") ||
           scan_is(category, "adl");
}

static int read_row(const struct okx_turn *turn, const struct scan_value *m,
                    const struct okx_pending *pending, struct venue_report *out)
{
    char symbol[32];
    bool is_in_quote;

    okx_report_begin(turn, out, REPORT_ORDER, pending);
    copy(&m[M_instId], symbol, sizeof(symbol));
    copy(&m[M_ordId], out->exchange_order_id, sizeof(out->exchange_order_id));
    copy(&m[M_clOrdId], out->client_order_id, sizeof(out->client_order_id));
    if (!*symbol || !*out->exchange_order_id)
        return ERR_PROTO;
    const struct okx_scale *scale =
        okx_report_instrument(turn->side, out, symbol, kind_of(&m[M_instType]));
    out->side = side_of(&m[M_side]);
    read_type(&m[M_ordType], out);
    out->is_reduce_only = scan_is(&m[M_reduceOnly], "true");
    out->is_liquidation = is_liquidation(&m[M_category]);
    is_in_quote = scan_is(&m[M_tgtCcy], "quote_ccy");
    if (out->side == SIDE_NONE || read_state(m, out) != 0 ||
        (is_text(&m[M_px]) && okx_number(&m[M_px], out->price_exp, &out->price) != 0) ||
        (is_text(&m[M_accFillSz]) && okx_qty_read(scale, &m[M_accFillSz], &out->cum_qty) != 0) ||
        okx_time(is_text(&m[M_uTime]) ? &m[M_uTime] : &m[M_cTime], &out->exchange_ns) != 0)
        return ERR_PROTO;
    /* Of a market buy by amount, placed by another client: the quantity is what it has bought. */
    if (is_in_quote)
        out->qty = MAX(out->cum_qty, 0);
    else if (!is_text(&m[M_sz]) || okx_qty_read(scale, &m[M_sz], &out->qty) != 0)
        return ERR_PROTO;
    return 0;
}

int okx_row_report(const struct okx_turn *turn, const struct scan_value *row,
                   const struct okx_pending *pending, struct venue_report *out)
{
    struct scan_value m[M_COUNT] = { { .type = SCAN_NONE } };
    int err = row->type == SCAN_OBJECT ? okx_members(row, member_names, M_COUNT, m) : ERR_PROTO;

    return err ? err : read_row(turn, m, pending, out);
}

/* ---- fills ---- */

/* Paid is negative at the venue. */
static int read_fee(const struct scan_value *amount, const struct scan_value *asset,
                    struct venue_report *out)
{
    int64_t fee;

    if (!is_text(amount))
        return 0;
    if (okx_number(amount, out->amount_exp, &fee) != 0)
        return ERR_PROTO;
    copy(asset, out->fee_asset, sizeof(out->fee_asset));
    out->fee = -fee;
    return 0;
}

/* Executions of the venue's own doing (liquidation, ADL) may all have id 0: then time and size tell
 * them apart, as stream and list both have them. */
static void read_trade_id(const struct scan_value *m, struct venue_report *out)
{
    char time[24], size[48];

    copy(&m[M_tradeId], out->venue_trade_id, sizeof(out->venue_trade_id));
    if (strcmp(out->venue_trade_id, "0") != 0)
        return;
    copy(&m[M_fillTime], time, sizeof(time));
    copy(&m[M_fillSz], size, sizeof(size));
    snprintf(out->venue_trade_id, sizeof(out->venue_trade_id), "0-%.16s-%.16s", time, size);
}

static int read_fill(const struct scan_value *m, const struct okx_scale *scale,
                     struct venue_report *out)
{
    out->kind = REPORT_FILL;
    out->why = REASON_NONE;
    out->liquidity = scan_is(&m[M_execType], "M")   ? LIQUIDITY_MAKER
                     : scan_is(&m[M_execType], "T") ? LIQUIDITY_TAKER
                                                    : LIQUIDITY_UNKNOWN;
    read_trade_id(m, out);
    if (!*out->venue_trade_id ||
        scan_decimal(&m[M_fillPx], out->price_exp, &out->last_price) != 0 ||
        okx_qty_read(scale, &m[M_fillSz], &out->last_qty) != 0 || out->last_qty <= 0 ||
        out->last_price <= 0)
        return ERR_PROTO;
    if (is_text(&m[M_fillPnl]) && out->instrument_kind == INSTRUMENT_PERPETUAL) {
        if (okx_number(&m[M_fillPnl], out->amount_exp, &out->realised_pnl) != 0)
            return ERR_PROTO;
        out->has_realised_pnl = true;
    }
    return 0;
}

int okx_row_fill(const struct okx_turn *turn, const struct scan_value *row,
                 const struct okx_pending *pending, struct venue_report *out)
{
    struct scan_value m[M_COUNT] = { { .type = SCAN_NONE } };
    char symbol[32];

    if (row->type != SCAN_OBJECT || okx_members(row, member_names, M_COUNT, m) != 0)
        return ERR_PROTO;
    okx_report_begin(turn, out, REPORT_FILL, pending);
    copy(&m[M_instId], symbol, sizeof(symbol));
    copy(&m[M_ordId], out->exchange_order_id, sizeof(out->exchange_order_id));
    copy(&m[M_clOrdId], out->client_order_id, sizeof(out->client_order_id));
    out->side = side_of(&m[M_side]);
    if (!*symbol || !*out->exchange_order_id || out->side == SIDE_NONE)
        return ERR_PROTO;
    const struct okx_scale *scale =
        okx_report_instrument(turn->side, out, symbol, kind_of(&m[M_instType]));
    if (read_fill(m, scale, out) != 0 || read_fee(&m[M_fee], &m[M_feeCcy], out) != 0 ||
        okx_time(is_text(&m[M_fillTime]) ? &m[M_fillTime] : &m[M_ts], &out->exchange_ns) != 0)
        return ERR_PROTO;
    return 0;
}

/* The execution in a row of channel orders, where it has one. 0, ERR_NOT_FOUND or ERR_PROTO. */
static int fill_of_order(const struct okx_turn *turn, const struct scan_value *m,
                         const struct venue_report *order, struct venue_report *out)
{
    const struct okx_listed *listed = okx_listed_of(turn->side, order->symbol);
    const struct okx_scale *scale =
        listed && listed->is_defined ? &listed->scale : &okx_scale_plain;
    int64_t size = 0;

    if (!is_text(&m[M_fillSz]) || !is_text(&m[M_tradeId]))
        return ERR_NOT_FOUND;
    if (okx_qty_read(scale, &m[M_fillSz], &size) != 0)
        return ERR_PROTO;
    if (size == 0)
        return ERR_NOT_FOUND;
    *out = *order;
    if (read_fill(m, scale, out) != 0)
        return ERR_PROTO;
    if (is_text(&m[M_fillTime]) && okx_time(&m[M_fillTime], &out->exchange_ns) != 0)
        return ERR_PROTO;
    if (is_text(&m[M_fillFee]))
        return read_fee(&m[M_fillFee], &m[M_fillFeeCcy], out);
    /* Rows without the fill's own fee: the whole order's is that of its only fill. */
    return out->last_qty == out->cum_qty ? read_fee(&m[M_fee], &m[M_feeCcy], out) : 0;
}

/* ---- what an order's news mean for a command that waits for them ---- */

static bool is_meant(const struct venue_command *command, const struct venue_report *order)
{
    return *command->exchange_order_id
               ? strcmp(command->exchange_order_id, order->exchange_order_id) == 0
               : *command->client_order_id &&
                     strcmp(command->client_order_id, order->client_order_id) == 0;
}

static struct okx_pending *waiting_for(struct okx_side *side, const struct venue_report *order,
                                       enum venue_op op)
{
    unsigned left = side->pending_count;

    for (unsigned i = 0; i < OKX_PENDING_MAX && left > 0; i++) {
        struct okx_pending *pending = &side->pending[i];
        if (pending->id == 0)
            continue;
        left--;
        if (pending->command.op == op && is_meant(&pending->command, order))
            return pending;
    }
    return NULL;
}

static void answer(const struct okx_turn *turn, struct okx_pending *pending,
                   const struct venue_report *order, enum venue_report_kind kind, wire_reason why)
{
    struct okx_pending gone = okx_pending_end(turn->side, pending);
    struct venue_report report = *order;

    report.kind = kind;
    report.op = gone.command.op;
    report.request_id = gone.command.request_id;
    report.why = why;
    okx_report(turn, &report);
}

/* Its own reqId comes back; where the venue sends none, the order is enough. */
static struct okx_pending *amend_of(struct okx_side *side, const struct scan_value *m,
                                    const struct venue_report *order)
{
    struct okx_pending *pending = waiting_for(side, order, OP_REPLACE);
    uint64_t id;

    if (pending && is_text(&m[M_reqId]) && scan_u64(&m[M_reqId], &id) == 0 && id != pending->id)
        return NULL;
    return pending;
}

/* An order that works on. What it says beside its fill: new, amended, or changed by the venue. */
static void on_working(const struct okx_turn *turn, const struct scan_value *m,
                       struct venue_report *order, bool has_fill)
{
    bool is_amended = is_text(&m[M_amendResult]);
    struct okx_pending *amend = is_amended ? amend_of(turn->side, m, order) : NULL;

    if (amend && scan_is(&m[M_amendResult], "0")) {
        answer(turn, amend, order, REPORT_REPLACED, REASON_NONE);
    } else if (amend) {
        struct okx_error error = { OKX_REJECT, REASON_VENUE_REJECT, 0 };
        int64_t code;
        if (is_text(&m[M_code]) && scan_i64(&m[M_code], &code) == 0 && code > 0)
            error = okx_error_of((int)code);
        copy(&m[M_msg], order->text, sizeof(order->text));
        answer(turn, amend, order, REPORT_REPLACE_REJECTED, error.why);
    } else if (is_amended || (order->state == ORDER_PARTIALLY_FILLED && !has_fill)) {
        okx_report(turn, order); /* Resized by the venue, or a state without its execution. */
    } else if (order->state == ORDER_LIVE) {
        order->kind = REPORT_NEW;
        okx_report(turn, order);
    }
}

static void on_ended(const struct okx_turn *turn, struct venue_report *order, bool has_fill)
{
    struct okx_side *side = turn->side;
    struct okx_pending *cancel = waiting_for(side, order, OP_CANCEL);
    struct okx_pending *amend = waiting_for(side, order, OP_REPLACE);

    if (order->state == ORDER_FILLED) {
        if (!has_fill) /* "A market order may show filled with no fill": the total says it. */
            okx_report(turn, order);
        if (cancel)
            answer(turn, cancel, order, REPORT_CANCEL_REJECTED, REASON_VENUE_UNKNOWN_ORDER);
    } else if (cancel) {
        answer(turn, cancel, order, REPORT_CANCELLED, order->why);
    } else {
        order->kind = order->state == ORDER_EXPIRED ? REPORT_EXPIRED : REPORT_CANCELLED;
        okx_report(turn, order);
    }
    if (amend)
        answer(turn, amend, order, REPORT_REPLACE_REJECTED, REASON_VENUE_UNKNOWN_ORDER);
}

static int on_order(const struct okx_turn *turn, const struct scan_value *row)
{
    struct scan_value m[M_COUNT] = { { .type = SCAN_NONE } };
    struct venue_report order, fill;
    int err = row->type == SCAN_OBJECT ? okx_members(row, member_names, M_COUNT, m) : ERR_PROTO;

    if (!err)
        err = read_row(turn, m, NULL, &order);
    if (err)
        return err;
    order.is_from_stream = true;
    err = fill_of_order(turn, m, &order, &fill);
    if (err == ERR_PROTO)
        return err;
    bool has_fill = err == 0;
    if (has_fill)
        okx_report(turn, &fill);
    if (order.state == ORDER_LIVE || order.state == ORDER_PARTIALLY_FILLED)
        on_working(turn, m, &order, has_fill);
    else
        on_ended(turn, &order, has_fill);
    return 0;
}

int okx_on_orders(const struct okx_turn *turn, const struct scan_value *data)
{
    struct scan_iter iter;
    struct scan_value row;
    int err = data->type == SCAN_ARRAY ? scan_begin(&iter, data) : ERR_PROTO;

    while (!err && (err = scan_item(&iter, &row)) == 0)
        err = on_order(turn, &row);
    return err == ERR_NOT_FOUND ? 0 : ERR_PROTO;
}
