#include "venues/okx/order.h"

#define SWEEP_WAIT_NS   (200 * NS_PER_MS) /* Cancels are accepted before they are done. */
#define CONFIRM_WAIT_NS (200 * NS_PER_MS)

enum { CONFIRM_TRIES = 10 };

/* ---- lists that come in pages, newest first ---- */

typedef int row_reader(const struct okx_turn *turn, struct okx_pending *pending,
                       const struct scan_value *row, bool *is_past);

/* Reads a page; *count rows, the cursor at the last one. is_past: older than was asked for. */
static int each_row(const struct okx_turn *turn, struct okx_pending *pending,
                    const struct scan_value *data, const char *cursor, row_reader *read,
                    unsigned *count, bool *is_past)
{
    struct scan_iter iter;
    struct scan_value row;
    int err = data->type == SCAN_ARRAY ? scan_begin(&iter, data) : ERR_PROTO;

    *count = 0;
    *is_past = false;
    while (!err && (err = scan_item(&iter, &row)) == 0) {
        err = row.type == SCAN_OBJECT ? read(turn, pending, &row, is_past) : ERR_PROTO;
        okx_text(&row, cursor, pending->cursor, sizeof(pending->cursor));
        ++*count;
    }
    return err == ERR_NOT_FOUND ? 0 : ERR_PROTO;
}

static bool wants_more(struct okx_pending *pending, unsigned count, bool is_past)
{
    return count >= OKX_PAGE && !is_past && *pending->cursor && ++pending->page < OKX_PAGES_MAX;
}

static int open_row(const struct okx_turn *turn, struct okx_pending *pending,
                    const struct scan_value *row, bool *is_past)
{
    struct venue_report report;
    int err = okx_row_report(turn, row, pending, &report);
    (void)is_past;

    if (!err)
        okx_report(turn, &report);
    return err;
}

static bool is_of_symbol(const struct okx_pending *pending, const char *symbol)
{
    return !*pending->command.symbol || strcmp(pending->command.symbol, symbol) == 0;
}

static int fill_row(const struct okx_turn *turn, struct okx_pending *pending,
                    const struct scan_value *row, bool *is_past)
{
    struct venue_report report;
    int err = okx_row_fill(turn, row, pending, &report);

    if (err)
        return err;
    if (report.exchange_ns < pending->command.since_wall_ns)
        *is_past = true;
    else if (is_of_symbol(pending, report.symbol))
        okx_report(turn, &report);
    return 0;
}

static int bill_row(const struct okx_turn *turn, struct okx_pending *pending,
                    const struct scan_value *row, bool *is_past)
{
    struct scan_value stamp, type;
    int64_t at_ns;

    okx_find(row, "ts", &stamp);
    okx_find(row, "type", &type);
    if (type.len > 0 && !scan_is(&type, "8"))
        return 0;
    if (okx_time(&stamp, &at_ns) != 0)
        return ERR_PROTO;
    if (at_ns < pending->command.since_wall_ns) {
        *is_past = true;
        return 0;
    }
    return okx_on_bill(turn, pending, row);
}

/* Lists of one product at a time: spot first, then swaps where any are traded. */
static bool has_second_half(const struct okx_turn *turn, struct okx_pending *pending)
{
    bool has = pending->step == STEP_ONLY && !*pending->command.symbol &&
               (pending->command.op == OP_INSTRUMENTS || okx_trades_swaps(turn->side));

    if (has) {
        pending->step = STEP_SWAP;
        pending->cursor[0] = '\0';
    }
    return has;
}

static int on_page(const struct okx_turn *turn, struct okx_pending *pending,
                   const struct scan_value *data, const char *cursor, row_reader *read)
{
    unsigned count;
    bool is_past;
    int err = each_row(turn, pending, data, cursor, read, &count, &is_past);

    if (err)
        return err;
    if (wants_more(pending, count, is_past) ||
        (pending->command.op == OP_EXECUTIONS && has_second_half(turn, pending)))
        okx_rest_go_on(turn, pending, 0);
    else
        okx_done(turn, pending);
    return 0;
}

/* ---- one order ---- */

static bool is_one_meant(const struct venue_command *command, const struct venue_report *report)
{
    return *command->exchange_order_id
               ? strcmp(command->exchange_order_id, report->exchange_order_id) == 0
               : strcmp(command->client_order_id, report->client_order_id) == 0;
}

/* Client ids come again after an order's end: the newest is meant, and stands first. 0,
 * ERR_NOT_FOUND or ERR_PROTO. */
static int find_order(const struct okx_turn *turn, const struct okx_pending *pending,
                      const struct scan_value *data, struct venue_report *out)
{
    struct scan_iter iter;
    struct scan_value row;
    int err = data->type == SCAN_ARRAY ? scan_begin(&iter, data) : ERR_PROTO;

    while (!err && (err = scan_item(&iter, &row)) == 0) {
        struct venue_report report;
        if (okx_row_report(turn, &row, pending, &report) != 0)
            return ERR_PROTO;
        if (is_one_meant(&pending->command, &report)) {
            *out = report;
            return 0;
        }
    }
    return err;
}

static int on_query(const struct okx_turn *turn, struct okx_pending *pending,
                    const struct scan_value *data)
{
    struct venue_report report;
    int err = find_order(turn, pending, data, &report);

    if (err == ERR_PROTO)
        return err;
    if (err && pending->step == STEP_ONLY) {
        pending->step = STEP_HISTORY;
        okx_rest_go_on(turn, pending, 0);
        return 0;
    }
    if (err) {
        okx_report_begin(turn, &report, REPORT_NO_SUCH_ORDER, pending);
        report.why = REASON_VENUE_UNKNOWN_ORDER;
    }
    (void)okx_pending_end(turn->side, pending);
    okx_report(turn, &report);
    return 0;
}

/* What became of a cancel or an amendment that was accepted. */
static int on_confirm(const struct okx_turn *turn, struct okx_pending *pending,
                      const struct scan_value *data)
{
    bool is_cancel = pending->command.op == OP_CANCEL;
    struct venue_report report;
    int err = find_order(turn, pending, data, &report);

    if (err)
        return ERR_PROTO;
    bool is_working = report.state == ORDER_LIVE || report.state == ORDER_PARTIALLY_FILLED;
    bool is_amended = is_working && report.price_exp == pending->command.price_exp &&
                      report.price == pending->command.price &&
                      report.qty_exp == pending->command.qty_exp &&
                      report.qty == pending->command.qty;
    if (is_working && !is_amended && ++pending->tries < CONFIRM_TRIES) {
        okx_rest_go_on(turn, pending, CONFIRM_WAIT_NS);
        return 0;
    }
    if (is_working && is_cancel) {
        okx_fail_silent(turn, pending, SILENCE_NO_ANSWER, "cancel accepted, the order lives on");
        return 0;
    }
    bool is_cancelled = report.state == ORDER_CANCELLED || report.state == ORDER_EXPIRED;
    if (is_cancel) {
        report.kind = is_cancelled ? REPORT_CANCELLED : REPORT_CANCEL_REJECTED;
        report.why = is_cancelled ? report.why : REASON_VENUE_UNKNOWN_ORDER;
    } else {
        report.kind = is_amended ? REPORT_REPLACED : REPORT_REPLACE_REJECTED;
        report.why = is_amended   ? REASON_NONE
                     : is_working ? REASON_VENUE_REJECT
                                  : REASON_VENUE_UNKNOWN_ORDER;
    }
    (void)okx_pending_end(turn->side, pending);
    okx_report(turn, &report);
    return 0;
}

/* ---- cancel all: the venue has no such request; list, cancel in batches, list again ---- */

static int collect(const struct okx_turn *turn, struct okx_pending *pending,
                   const struct scan_value *row, bool *is_past)
{
    struct okx_sweep *sweep = &turn->side->sweep;
    (void)pending;
    (void)is_past;

    if (sweep->count == COUNT(sweep->orders))
        return 0; /* The next list has it. */
    okx_text(row, "instId", sweep->orders[sweep->count].symbol, sizeof(sweep->orders[0].symbol));
    okx_text(row, "ordId", sweep->orders[sweep->count].order_id, sizeof(sweep->orders[0].order_id));
    if (!*sweep->orders[sweep->count].symbol || !*sweep->orders[sweep->count].order_id)
        return ERR_PROTO;
    sweep->count++;
    return 0;
}

static int on_sweep_list(const struct okx_turn *turn, struct okx_pending *pending,
                         const struct scan_value *data)
{
    struct okx_sweep *sweep = &turn->side->sweep;
    unsigned count;
    bool is_past;

    sweep->count = sweep->at = 0;
    int err = each_row(turn, pending, data, "ordId", collect, &count, &is_past);
    if (err)
        return err;
    pending->cursor[0] = '\0';
    if (count == 0) {
        okx_done(turn, pending);
    } else if (++pending->tries > OKX_SWEEPS_MAX) {
        okx_fail_silent(turn, pending, SILENCE_NO_ANSWER, "orders are still open");
    } else {
        pending->step = STEP_SWEEP;
        okx_rest_go_on(turn, pending, 0);
    }
    return 0;
}

/* Single refusals are of orders that ended meanwhile, or come up again in the next list. */
static int on_swept(const struct okx_turn *turn, struct okx_pending *pending)
{
    struct okx_sweep *sweep = &turn->side->sweep;

    sweep->at += OKX_BATCH;
    if (sweep->at < sweep->count) {
        okx_rest_go_on(turn, pending, 0);
        return 0;
    }
    pending->step = STEP_ONLY;
    okx_rest_go_on(turn, pending, SWEEP_WAIT_NS);
    return 0;
}

/* ---- the rest ---- */

static int first_member(const struct scan_value *data, const char *name, struct scan_value *out)
{
    struct scan_iter iter;
    struct scan_value row;

    if (data->type != SCAN_ARRAY || scan_begin(&iter, data) != 0 || scan_item(&iter, &row) != 0 ||
        row.type != SCAN_OBJECT)
        return ERR_PROTO;
    okx_find(&row, name, out);
    return 0;
}

/* Milliseconds; the documentation's own example is in seconds. */
static int on_dead_man(const struct okx_turn *turn, struct okx_pending *pending,
                       const struct scan_value *data)
{
    struct scan_value stamp;
    struct venue_report report;
    int64_t at;

    if (first_member(data, "triggerTime", &stamp) != 0 || scan_i64(&stamp, &at) != 0 || at < 0 ||
        at > INT64_MAX / NS_PER_MS)
        return ERR_PROTO;
    struct okx_pending gone = okx_pending_end(turn->side, pending);
    okx_report_begin(turn, &report, REPORT_DEAD_MAN, &gone);
    if (gone.command.timeout_ns > 0)
        report.exchange_ns = at * (at < INT64_C(9000000000) ? NS_PER_S : NS_PER_MS);
    okx_report(turn, &report);
    return 0;
}

static int on_time(const struct okx_turn *turn, struct okx_pending *pending,
                   const struct scan_value *data)
{
    struct scan_value stamp;
    struct venue_report report;
    int64_t venue_ns;

    if (first_member(data, "ts", &stamp) != 0 || okx_time(&stamp, &venue_ns) != 0 || venue_ns == 0)
        return ERR_PROTO;
    struct okx_pending gone = okx_pending_end(turn->side, pending);
    okx_report_begin(turn, &report, REPORT_SERVER_TIME, &gone);
    report.rtt_ns = turn->clock->now_ns - gone.begun_ns;
    report.offset_ns = venue_ns - (gone.sent_wall_ns + report.rtt_ns / 2);
    report.exchange_ns = venue_ns;
    okx_report(turn, &report);
    return 0;
}

static int on_instruments(const struct okx_turn *turn, struct okx_pending *pending,
                          const struct scan_value *data)
{
    struct okx_side *side = turn->side;
    uint64_t id = pending->id;
    int err = okx_read_instruments(data, okx_take_meta, (void *)turn, &side->metadata_bad);

    if (err)
        return err;
    pending = okx_pending_of(side, id);
    if (has_second_half(turn, pending)) {
        okx_rest_go_on(turn, pending, 0);
        return 0;
    }
    /* Before it, a swap's quantities could not be told: the private session waits for this. */
    if (!side->has_metadata && side->is_open && !side->is_logged_in)
        side->login_at_ns = MAX(turn->clock->now_ns, side->hold_until_ns);
    side->has_metadata = true;
    okx_done(turn, pending);
    return 0;
}

int okx_take_data(const struct okx_turn *turn, struct okx_pending *pending,
                  const struct scan_value *data)
{
    int err;

    if (pending->step == STEP_SWEEP)
        return on_swept(turn, pending);
    if (pending->step == STEP_CONFIRM)
        return on_confirm(turn, pending, data);
    switch (pending->command.op) {
    case OP_QUERY:
        return on_query(turn, pending, data);
    case OP_OPEN_ORDERS:
        return on_page(turn, pending, data, "ordId", open_row);
    case OP_EXECUTIONS:
        return on_page(turn, pending, data, "billId", fill_row);
    case OP_FUNDING:
        return on_page(turn, pending, data, "billId", bill_row);
    case OP_CANCEL_ALL:
        return on_sweep_list(turn, pending, data);
    case OP_BALANCES:
    case OP_POSITIONS:
        err = pending->command.op == OP_BALANCES ? okx_on_balances(turn, pending, data)
                                                 : okx_on_positions(turn, pending, data);
        if (!err)
            okx_done(turn, pending);
        return err;
    case OP_ACCOUNT_MODE:
        return okx_on_config(turn, pending, data);
    case OP_DEAD_MAN:
        return on_dead_man(turn, pending, data);
    case OP_SERVER_TIME:
        return on_time(turn, pending, data);
    case OP_INSTRUMENTS:
        return on_instruments(turn, pending, data);
    default:
        return ERR_PROTO;
    }
}
