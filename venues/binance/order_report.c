/* What comes back: orders and executions in answers, and the refusals among them. The private
 * stream's events are in order_event.c; both speak through the same few readers (order_view.h). */
#include "venues/binance/order.h"
#include "venues/binance/order_view.h"

#include <stdio.h>

static void emit(const struct order_turn *turn, const struct venue_report *report)
{
    turn->out->report(turn->out->ctx, report);
}

void order_report_begin(struct venue_report *report, enum venue_report_kind kind,
                        const struct order_pending *pending)
{
    *report = (struct venue_report){ .kind = kind, .cum_qty = -1 };
    report->price_exp = report->qty_exp = report->amount_exp = BINANCE_EXP;
    if (!pending)
        return;
    report->op = pending->command.op;
    report->request_id = pending->command.request_id;
    report->instrument = pending->command.instrument;
    binance_copy(report->symbol, sizeof(report->symbol), pending->command.symbol);
}

void order_report_text(struct venue_report *report, const char *text)
{
    binance_copy(report->text, sizeof(report->text), text);
}

void order_report_command(const struct order_turn *turn, struct venue_report *report,
                          enum venue_report_kind kind, const struct order_pending *pending)
{
    const struct venue_command *command = &pending->command;

    order_report_begin(report, kind, pending);
    view_place_report(turn->order, report, command->symbol);
    binance_copy(report->client_order_id, sizeof(report->client_order_id),
                 command->client_order_id);
    binance_copy(report->exchange_order_id, sizeof(report->exchange_order_id),
                 command->exchange_order_id);
    report->side = command->side;
    report->type = command->type;
    report->time_in_force = command->time_in_force;
    report->is_post_only = command->is_post_only;
}

/* ---- the executions and the end of a new order, as its answer tells them ---- */

static void fill_emit(const struct order_turn *turn, const struct scan_value *fill,
                      const struct venue_report *order, int64_t *cum_qty)
{
    struct venue_report report = *order;
    struct scan_value value;
    int64_t id = -1;

    report.kind = REPORT_FILL;
    report.liquidity = LIQUIDITY_TAKER; /* What executes while being placed takes. */
    if (scan_find(fill, "tradeId", &value) != 0 || scan_i64(&value, &id) != 0 || id < 0 ||
        scan_find(fill, "price", &value) != 0 ||
        scan_decimal(&value, report.price_exp, &report.last_price) != 0 ||
        scan_find(fill, "qty", &value) != 0 ||
        scan_decimal(&value, report.qty_exp, &report.last_qty) != 0 || report.last_qty <= 0 ||
        report.last_price <= 0) {
        turn->out->note(turn->out->ctx, "fill_unreadable", order->exchange_order_id);
        return; /* The private stream tells it again. */
    }
    snprintf(report.venue_trade_id, sizeof(report.venue_trade_id), "%lld", (long long)id);
    if (scan_find(fill, "commission", &value) == 0)
        (void)scan_decimal(&value, report.amount_exp, &report.fee);
    if (scan_find(fill, "commissionAsset", &value) == 0 && value.type == SCAN_STRING)
        (void)scan_text(&value, report.fee_asset, sizeof(report.fee_asset));
    *cum_qty += report.last_qty;
    report.cum_qty = *cum_qty;
    emit(turn, &report);
}

/* What follows the acceptance of a new order: its fills, then its end where it has ended already.
 */
static void order_follow(const struct order_turn *turn, const struct order_view *view,
                         const struct venue_report *accepted)
{
    struct scan_iter iter;
    struct scan_value fill;
    struct venue_report report = *accepted;
    int64_t cum_qty = 0;

    report.why = REASON_NONE;
    if (view->fills.type == SCAN_ARRAY && scan_begin(&iter, &view->fills) == 0)
        while (scan_item(&iter, &fill) == 0)
            if (fill.type == SCAN_OBJECT)
                fill_emit(turn, &fill, &report, &cum_qty);
    if (accepted->state != ORDER_CANCELLED && accepted->state != ORDER_EXPIRED)
        return;
    report.kind = accepted->state == ORDER_CANCELLED ? REPORT_CANCELLED : REPORT_EXPIRED;
    report.why = view_end_reason(view, &report);
    report.request_id = 0; /* News: the acceptance was the answer. */
    emit(turn, &report);
}

/* ---- refusals ---- */

static enum venue_report_kind rejected_kind(const struct order_pending *pending)
{
    switch (pending->kind) {
    case REQUEST_PLACE:
        return pending->stage == STAGE_PLACE_THEN ? REPORT_REPLACE_LOST : REPORT_REJECTED;
    case REQUEST_CANCEL:
        return pending->stage == STAGE_CANCEL_FIRST ? REPORT_REPLACE_REJECTED
                                                    : REPORT_CANCEL_REJECTED;
    case REQUEST_REPLACE:
    case REQUEST_AMEND:
        return REPORT_REPLACE_REJECTED;
    default:
        return REPORT_FAILED;
    }
}

static bool is_about_order(const struct order_pending *pending)
{
    return pending->kind == REQUEST_PLACE || pending->kind == REQUEST_CANCEL ||
           pending->kind == REQUEST_REPLACE || pending->kind == REQUEST_AMEND;
}

static void answer_unknown(const struct order_turn *turn, struct order_pending *pending,
                           wire_reason why, const char *text)
{
    struct venue_report report;

    if (!is_about_order(pending)) {
        order_part_done(turn, pending, false, why, text);
        return;
    }
    order_report_command(turn, &report, REPORT_OUTCOME_UNKNOWN, pending);
    report.why = why;
    order_report_text(&report, text);
    order_release(pending);
    emit(turn, &report);
}

/* The venue's counters say stop: nothing more goes out before until_ns. */
static void back_off(const struct order_turn *turn, const struct order_answer *answer)
{
    struct venue_report report;
    int64_t wait_ns = BINANCE_BACK_OFF_S * NS_PER_S;

    if (answer->retry_after_ms > 0)
        wait_ns = answer->retry_after_ms * NS_PER_MS - turn->clock->wall_ns;
    wait_ns = MAX(NS_PER_S, MIN(wait_ns, 7 * 86400 * NS_PER_S));
    turn->order->hold_until_ns = turn->clock->now_ns + wait_ns;
    order_report_begin(&report, REPORT_BACK_OFF, NULL);
    report.why = REASON_VENUE_RATE_LIMIT;
    report.until_ns = turn->order->hold_until_ns;
    order_report_text(&report, answer->text);
    emit(turn, &report);
}

static void answer_refused(const struct order_turn *turn, struct order_pending *pending,
                           const struct order_answer *answer)
{
    struct order_refusal refusal =
        turn->order->product->refusal(pending->kind, answer->status, answer->code, answer->text);
    struct venue_report report;

    if (refusal.kind == REFUSAL_LIMIT && answer->code != -1015)
        back_off(turn, answer);
    if (turn->order->product->refused &&
        turn->order->product->refused(turn, pending, answer->code, answer->text))
        return;
    if (pending->kind == REQUEST_SUBSCRIBE) {
        order_release(pending);
        if (refusal.kind == REFUSAL_NOTHING)
            order_stream_up(turn);
        else
            order_stream_down(turn, refusal.why, answer->text, 0);
        return;
    }
    if (refusal.kind == REFUSAL_UNKNOWN) {
        answer_unknown(turn, pending, refusal.why, answer->text);
        return;
    }
    if (pending->kind == REQUEST_QUERY && refusal.why == REASON_VENUE_UNKNOWN_ORDER) {
        /* Served from replicas that may lag: right after placing it proves nothing. The engine asks
         * again before it believes it. */
        order_report_command(turn, &report, REPORT_NO_SUCH_ORDER, pending);
    } else if (!is_about_order(pending)) {
        order_part_done(turn, pending, refusal.kind == REFUSAL_NOTHING, refusal.why, answer->text);
        return;
    } else {
        order_report_command(turn, &report, rejected_kind(pending), pending);
    }
    report.why = refusal.why;
    order_report_text(&report, answer->text);
    order_release(pending);
    emit(turn, &report);
}

void order_on_lost(const struct order_turn *turn, struct order_pending *pending, bool was_sent,
                   wire_reason why)
{
    struct venue_report report;

    if (pending->kind == REQUEST_SUBSCRIBE) {
        order_release(pending);
        order_stream_down(turn, why, "", 0);
    } else if (was_sent) {
        answer_unknown(turn, pending, why, "no answer");
    } else if (is_about_order(pending) && pending->stage == STAGE_PLACE_THEN) {
        order_report_command(turn, &report, REPORT_REPLACE_LOST,
                             pending); /* Its first half was executed. */
        report.why = REASON_NEVER_SENT;
        order_release(pending);
        emit(turn, &report);
    } else if (is_about_order(pending)) {
        order_report_command(turn, &report, REPORT_NEVER_SENT, pending);
        report.why = REASON_NEVER_SENT;
        order_release(pending);
        emit(turn, &report);
    } else {
        order_part_done(turn, pending, false, REASON_NEVER_SENT, "never sent");
    }
}

/* ---- answers by what was asked ---- */

static int on_placed(const struct order_turn *turn, struct order_pending *pending,
                     const struct scan_value *result)
{
    struct order_view view;
    struct venue_report report;

    order_report_command(turn, &report,
                         pending->stage == STAGE_PLACE_THEN ? REPORT_REPLACED : REPORT_ACCEPTED,
                         pending);
    if (view_read(result, &view) != 0 || view_report(turn->order, &view, &report) != 0)
        return ERR_PROTO;
    if (report.state == ORDER_REJECTED) {
        report.kind = rejected_kind(pending);
        report.why = REASON_VENUE_REJECT;
    }
    order_release(pending);
    emit(turn, &report);
    order_follow(turn, &view, &report);
    return 0;
}

/* The second half of a REPLACE of a partly filled order: what is executed is now certain. */
static void replace_place(const struct order_turn *turn, struct order_pending *pending,
                          const struct venue_report *cancelled)
{
    struct venue_command command = pending->command;
    struct venue_report report;
    struct order_pending *next = NULL;
    int64_t executed = 0;
    int err = ERR_RANGE;

    if (fixed_rescale(cancelled->cum_qty, cancelled->qty_exp, command.qty_exp, FIXED_EXACT,
                      &executed) == 0 &&
        command.qty > executed) {
        command.filled_qty = executed;
        err = order_send(turn, REQUEST_PLACE, &command, &next);
    }
    if (!err) {
        next->stage = STAGE_PLACE_THEN;
        order_release(pending);
        return;
    }
    order_report_command(turn, &report, REPORT_REPLACE_LOST, pending);
    report.cum_qty = cancelled->cum_qty;
    report.qty_exp = cancelled->qty_exp;
    report.why = command.qty <= executed ? REASON_ORDER_FINAL : REASON_NEVER_SENT;
    order_release(pending);
    emit(turn, &report);
}

static int on_cancelled(const struct order_turn *turn, struct order_pending *pending,
                        const struct scan_value *result)
{
    struct order_view view;
    struct venue_report report;

    order_report_command(turn, &report, REPORT_CANCELLED, pending);
    if (view_read(result, &view) != 0 || view_report(turn->order, &view, &report) != 0)
        return ERR_PROTO;
    if (pending->stage == STAGE_CANCEL_FIRST && report.cum_qty >= 0) {
        replace_place(turn, pending, &report);
        return 0;
    }
    report.why = view_end_reason(&view, &report);
    if (report.state == ORDER_EXPIRED)
        report.kind = REPORT_EXPIRED;
    else if (report.state != ORDER_CANCELLED)
        return ERR_PROTO; /* Not gone, though the cancel succeeded: it must be asked for. */
    order_release(pending);
    emit(turn, &report);
    return 0;
}

static int on_amended(const struct order_turn *turn, struct order_pending *pending,
                      const struct scan_value *result)
{
    struct scan_value amended;
    struct order_view view;
    struct venue_report report;

    order_report_command(turn, &report, REPORT_REPLACED, pending);
    if (scan_find(result, "amendedOrder", &amended) != 0 || view_read(&amended, &view) != 0 ||
        scan_find(&amended, "qty", &view.qty) != 0 || /* Elsewhere it is origQty. */
        view_report(turn->order, &view, &report) != 0)
        return ERR_PROTO;
    order_release(pending);
    emit(turn, &report);
    return 0;
}

static int on_replaced(const struct order_turn *turn, struct order_pending *pending,
                       const struct scan_value *result)
{
    struct scan_value made;
    struct order_view view;
    struct venue_report report;

    order_report_command(turn, &report, REPORT_REPLACED, pending);
    report.exchange_order_id[0] = '\0';
    if (scan_find(result, "newOrderResponse", &made) != 0 || view_read(&made, &view) != 0 ||
        view_report(turn->order, &view, &report) != 0)
        return ERR_PROTO;
    order_release(pending);
    emit(turn, &report);
    order_follow(turn, &view, &report);
    return 0;
}

/* -2021 and -2022 say for each half what became of it. */
static int on_replace_refused(const struct order_turn *turn, struct order_pending *pending,
                              const struct order_answer *answer)
{
    struct scan_value cancel_result, new_result, half, value;
    struct venue_report report;
    struct order_refusal refusal;
    struct order_answer inner = { .status = 400 };

    if (answer->data.type != SCAN_OBJECT ||
        scan_find(&answer->data, "cancelResult", &cancel_result) != 0 ||
        scan_find(&answer->data, "newOrderResult", &new_result) != 0)
        return ERR_PROTO;
    bool is_cancelled = scan_is(&cancel_result, "SUCCESS");
    if (scan_is(&new_result, "SUCCESS"))
        return ERR_PROTO; /* Cannot be under STOP_ON_FAILURE: the order must be asked for. */
    if (scan_find(&answer->data, is_cancelled ? "newOrderResponse" : "cancelResponse", &half) ==
            0 &&
        half.type == SCAN_OBJECT) {
        if (scan_find(&half, "code", &value) == 0)
            (void)scan_i64(&value, &inner.code);
        if (scan_find(&half, "msg", &value) == 0)
            view_text(&value, inner.text, sizeof(inner.text));
    }
    refusal = turn->order->product->refusal(is_cancelled ? REQUEST_PLACE : REQUEST_CANCEL, 400,
                                            inner.code, inner.text);
    if (refusal.kind == REFUSAL_UNKNOWN) {
        answer_unknown(turn, pending, refusal.why, inner.text);
        return 0;
    }
    order_report_command(turn, &report,
                         is_cancelled ? REPORT_REPLACE_LOST : REPORT_REPLACE_REJECTED, pending);
    report.why = refusal.why;
    order_report_text(&report, inner.text);
    order_release(pending);
    emit(turn, &report);
    return 0;
}

static int on_queried(const struct order_turn *turn, struct order_pending *pending,
                      const struct scan_value *result)
{
    struct order_view view;
    struct venue_report report;

    order_report_begin(&report, REPORT_ORDER, pending);
    if (view_read(result, &view) != 0 || view_report(turn->order, &view, &report) != 0)
        return ERR_PROTO;
    order_release(pending);
    emit(turn, &report);
    return 0;
}

/* One order of a list; the legs of an order list lie one level deeper. */
static int listed_order(const struct order_turn *turn, const struct order_pending *pending,
                        enum venue_report_kind kind, const struct scan_value *object)
{
    struct scan_value legs, leg;
    struct scan_iter iter;
    struct order_view view;
    struct venue_report report;
    int err = 0;

    if (scan_find(object, "orderReports", &legs) == 0 && legs.type == SCAN_ARRAY) {
        err = scan_begin(&iter, &legs);
        while (!err && (err = scan_item(&iter, &leg)) == 0)
            err = listed_order(turn, pending, kind, &leg);
        return err == ERR_NOT_FOUND ? 0 : ERR_PROTO;
    }
    order_report_begin(&report, kind, pending);
    if (view_read(object, &view) != 0 || view_report(turn->order, &view, &report) != 0)
        return ERR_PROTO;
    if (kind == REPORT_CANCELLED && report.state != ORDER_CANCELLED) {
        report.kind = REPORT_ORDER;
    } else if (kind == REPORT_CANCELLED) {
        report.why = REASON_REQUESTED;
        report.request_id = 0; /* News: DONE is the answer. */
    }
    emit(turn, &report);
    return 0;
}

static int on_orders(const struct order_turn *turn, struct order_pending *pending,
                     enum venue_report_kind kind, const struct scan_value *result)
{
    struct scan_iter iter;
    struct scan_value object;
    int err = result->type == SCAN_ARRAY ? scan_begin(&iter, result) : ERR_PROTO;

    while (!err && (err = scan_item(&iter, &object)) == 0)
        err = object.type == SCAN_OBJECT ? listed_order(turn, pending, kind, &object) : ERR_PROTO;
    if (err != ERR_NOT_FOUND)
        return ERR_PROTO;
    order_part_done(turn, pending, true, REASON_NONE, "");
    return 0;
}

static int on_account(const struct order_turn *turn, struct order_pending *pending,
                      const struct scan_value *result)
{
    struct scan_value balances, entry, time;
    struct scan_iter iter;
    struct venue_report report;
    int err = scan_find(result, "balances", &balances);

    if (err || balances.type != SCAN_ARRAY || scan_begin(&iter, &balances) != 0)
        return ERR_PROTO;
    while (!err && (err = scan_item(&iter, &entry)) == 0) {
        order_report_begin(&report, REPORT_BALANCE, pending);
        if (scan_find(result, "updateTime", &time) == 0)
            (void)binance_epoch_ns(&time, &report.exchange_ns);
        err = view_balance(turn, &entry, "asset", "free", "locked", &report);
        /* Hundreds of assets are empty; those that we trade are told all the same. */
        if (!err && (report.total != 0 || view_is_traded(turn->order, report.asset)))
            emit(turn, &report);
        if (err == ERR_RANGE)
            err = 0; /* Said in the log. */
    }
    if (err != ERR_NOT_FOUND)
        return ERR_PROTO;
    order_part_done(turn, pending, true, REASON_NONE, "");
    return 0;
}

/* One execution of myTrades; *last becomes its id. */
static int trade_emit(const struct order_turn *turn, const struct order_pending *pending,
                      const struct scan_value *object, int64_t *last)
{
    struct venue_report report;
    struct scan_value value;
    int64_t order_id;
    bool flag;

    order_report_begin(&report, REPORT_FILL, pending);
    if (scan_find(object, "symbol", &value) != 0 || value.type != SCAN_STRING ||
        scan_text(&value, report.symbol, sizeof(report.symbol)) != 0)
        return ERR_PROTO;
    view_place_report(turn->order, &report, report.symbol);
    if (scan_find(object, "id", &value) != 0 || scan_i64(&value, last) != 0 || *last < 0 ||
        scan_find(object, "orderId", &value) != 0 || scan_i64(&value, &order_id) != 0 ||
        scan_find(object, "price", &value) != 0 ||
        scan_decimal(&value, report.price_exp, &report.last_price) != 0 ||
        scan_find(object, "qty", &value) != 0 ||
        scan_decimal(&value, report.qty_exp, &report.last_qty) != 0 ||
        (scan_find(object, "isBuyer", &value) != 0 && scan_find(object, "buyer", &value) != 0) ||
        scan_bool(&value, &flag) != 0)
        return ERR_PROTO; /* Futures call it buyer, and maker. */
    report.side = flag ? SIDE_BUY : SIDE_SELL;
    snprintf(report.venue_trade_id, sizeof(report.venue_trade_id), "%lld", (long long)*last);
    snprintf(report.exchange_order_id, sizeof(report.exchange_order_id), "%lld",
             (long long)order_id);
    if ((scan_find(object, "isMaker", &value) == 0 || scan_find(object, "maker", &value) == 0) &&
        scan_bool(&value, &flag) == 0)
        report.liquidity = flag ? LIQUIDITY_MAKER : LIQUIDITY_TAKER;
    if (scan_find(object, "commission", &value) == 0)
        (void)scan_decimal(&value, report.amount_exp, &report.fee);
    if (scan_find(object, "commissionAsset", &value) == 0 && value.type == SCAN_STRING)
        (void)scan_text(&value, report.fee_asset, sizeof(report.fee_asset));
    if (scan_find(object, "realizedPnl", &value) == 0)
        report.has_realised_pnl =
            scan_decimal(&value, report.amount_exp, &report.realised_pnl) == 0;
    if (scan_find(object, "time", &value) == 0)
        (void)binance_epoch_ns(&value, &report.exchange_ns);
    emit(turn, &report);
    return 0;
}

/* Whether there may be more: behind the last id, or, after an empty day, in the day that follows
 * it. */
static bool trades_go_on(struct order_pending *pending, int64_t window_ns, size_t count,
                         int64_t last)
{
    struct venue_command *command = &pending->command;
    bool is_by_id = command->from_trade_id[0] != '\0';
    bool is_old = !is_by_id && command->since_wall_ns > 0 &&
                  command->since_wall_ns + window_ns <= pending->sent_wall_ns;

    if (count == 0 && is_old) {
        command->since_wall_ns += window_ns;
        return true;
    }
    if (count < ORDER_TRADES_PAGE && !is_old)
        return false;
    snprintf(command->from_trade_id, sizeof(command->from_trade_id), "%lld", (long long)last + 1);
    return true;
}

static int on_trades(const struct order_turn *turn, struct order_pending *pending,
                     const struct scan_value *result)
{
    struct scan_iter iter;
    struct scan_value object;
    int64_t last = -1;
    size_t count = 0;
    int err = result->type == SCAN_ARRAY ? scan_begin(&iter, result) : ERR_PROTO;

    while (!err && (err = scan_item(&iter, &object)) == 0) {
        err = object.type == SCAN_OBJECT ? trade_emit(turn, pending, &object, &last) : ERR_PROTO;
        count++;
    }
    if (err != ERR_NOT_FOUND)
        return ERR_PROTO;
    if (!trades_go_on(pending, turn->order->product->trades_window_ns, count, last)) {
        order_part_done(turn, pending, true, REASON_NONE, "");
        return 0;
    }
    pending->repeat_ns = turn->clock->now_ns; /* The entry stays: the next tick sends it again. */
    return 0;
}

static int on_time(const struct order_turn *turn, struct order_pending *pending,
                   const struct scan_value *result)
{
    struct venue_report report;
    struct scan_value value;
    int64_t server_ns;

    if (scan_find(result, "serverTime", &value) != 0 || binance_epoch_ns(&value, &server_ns) != 0)
        return ERR_PROTO;
    order_report_begin(&report, REPORT_SERVER_TIME, pending);
    report.rtt_ns = MAX(turn->clock->now_ns - pending->sent_ns, 0);
    report.offset_ns = server_ns - (pending->sent_wall_ns + report.rtt_ns / 2);
    report.exchange_ns = server_ns;
    order_release(pending);
    emit(turn, &report);
    return 0;
}

static int result_take(const struct order_turn *turn, struct order_pending *pending,
                       const struct scan_value *result)
{
    int err = turn->order->product->answer ? turn->order->product->answer(turn, pending, result)
                                           : ERR_UNSUPPORTED;

    if (err != ERR_UNSUPPORTED)
        return err;
    switch (pending->kind) {
    case REQUEST_PLACE:
        return on_placed(turn, pending, result);
    case REQUEST_CANCEL:
        return on_cancelled(turn, pending, result);
    case REQUEST_REPLACE:
        return on_replaced(turn, pending, result);
    case REQUEST_QUERY:
        return on_queried(turn, pending, result);
    case REQUEST_AMEND:
        return on_amended(turn, pending, result);
    case REQUEST_OPEN_ORDERS:
        return on_orders(turn, pending, REPORT_ORDER, result);
    case REQUEST_CANCEL_ALL:
        return on_orders(turn, pending, REPORT_CANCELLED, result);
    case REQUEST_ACCOUNT:
        return on_account(turn, pending, result);
    case REQUEST_TRADES:
        return on_trades(turn, pending, result);
    case REQUEST_COMMISSION:
        return order_on_commission(turn, pending, result);
    case REQUEST_TIME:
        return on_time(turn, pending, result);
    case REQUEST_METADATA:
        return order_on_metadata(turn, pending, result);
    case REQUEST_SUBSCRIBE:
        order_release(pending);
        order_stream_up(turn);
        return 0;
    default:
        return ERR_PROTO;
    }
}

void order_on_answer(const struct order_turn *turn, struct order_pending *pending,
                     const struct order_answer *answer)
{
    int err = 0;

    if (answer->result.type != SCAN_NONE && answer->status >= 200 && answer->status < 300)
        err = result_take(turn, pending, &answer->result);
    else if (pending->kind == REQUEST_REPLACE && !turn->order->product->amends_in_place &&
             (answer->code == -2021 || answer->code == -2022))
        err = on_replace_refused(turn, pending, answer);
    else
        answer_refused(turn, pending, answer);
    if (err) {
        turn->order->rejected++;
        answer_unknown(turn, pending, REASON_BAD_BYTES, "unreadable answer");
    }
}
