/* Answers: acknowledgements and refusals of both ways, and what a call over REST came to. */
#include "common/leaf/fixed.h"
#include "venues/bybit/order.h"

#include <stdio.h>

#define RETRY_AFTER_MAX_S  3600
#define OVERLOADED_NS      (10 * NS_PER_S) /* HTTP 429 that does not say how long. */
#define RATE_WINDOW_MAX_NS (5 * NS_PER_S)  /* The venue's windows are of one second. */

/* ---- reports ---- */

void bybit_report(const struct bybit_turn *turn, const struct venue_report *report)
{
    turn->out->report(turn->out->ctx, report);
}

void bybit_report_begin(const struct bybit_turn *turn, struct venue_report *report,
                        enum venue_report_kind kind, const struct venue_command *command)
{
    *report = (struct venue_report){ .kind = kind, .cum_qty = -1 };
    report->price_exp = report->qty_exp = report->amount_exp = BYBIT_EXP;
    if (!command)
        return;
    if (*command->symbol)
        bybit_report_place(turn->side, report, bybit_category_of(command->instrument_kind),
                           command->symbol);
    report->op = command->op;
    report->request_id = command->request_id;
    bybit_copy(report->client_order_id, sizeof(report->client_order_id), command->client_order_id);
    bybit_copy(report->exchange_order_id, sizeof(report->exchange_order_id),
               command->exchange_order_id);
}

void bybit_report_done(const struct bybit_turn *turn, const struct venue_command *command)
{
    struct venue_report report;

    if (command->request_id == 0)
        return;
    bybit_report_begin(turn, &report, REPORT_DONE, command);
    bybit_report(turn, &report);
}

/* ---- bad ends ---- */

static bool is_about_order(enum venue_op op)
{
    return op == OP_PLACE || op == OP_CANCEL || op == OP_REPLACE;
}

static enum venue_report_kind refusal_of(enum venue_op op)
{
    return op == OP_PLACE     ? REPORT_REJECTED
           : op == OP_CANCEL  ? REPORT_CANCEL_REJECTED
           : op == OP_REPLACE ? REPORT_REPLACE_REJECTED
                              : REPORT_FAILED;
}

static void end_with(const struct bybit_turn *turn, struct bybit_pending *pending,
                     enum venue_report_kind kind, wire_reason why, const char *text)
{
    struct venue_report report;
    bool is_ours = pending->kind != CALL_COMMAND || pending->command.request_id == 0;

    bybit_report_begin(turn, &report, kind, &pending->command);
    report.side = pending->command.side;
    report.why = why;
    bybit_copy(report.text, sizeof(report.text), text);
    bybit_pending_end(turn->side, pending);
    if (!is_ours)
        bybit_report(turn, &report);
}

void bybit_fail(const struct bybit_turn *turn, struct bybit_pending *pending,
                const struct bybit_error *error, const char *text)
{
    enum venue_op op = pending->command.op;
    bool is_unknown = error->kind == BYBIT_UNKNOWN && is_about_order(op);

    end_with(turn, pending, is_unknown ? REPORT_OUTCOME_UNKNOWN : refusal_of(op), error->why, text);
}

void bybit_fail_silent(const struct bybit_turn *turn, struct bybit_pending *pending, bool has_left,
                       const char *text)
{
    bool is_order = is_about_order(pending->command.op);

    end_with(turn, pending,
             !is_order  ? REPORT_FAILED
             : has_left ? REPORT_OUTCOME_UNKNOWN
                        : REPORT_NEVER_SENT,
             has_left ? REASON_TRANSPORT : REASON_NEVER_SENT, text);
}

void bybit_back_off(const struct bybit_turn *turn, int64_t wait_ns, const char *text)
{
    struct venue_report report;

    bybit_report_begin(turn, &report, REPORT_BACK_OFF, NULL);
    report.why = REASON_VENUE_RATE_LIMIT;
    report.until_ns = turn->clock->now_ns + wait_ns;
    bybit_copy(report.text, sizeof(report.text), text);
    bybit_report(turn, &report);
}

/* ---- limits ---- */

/* Orders are counted per operation and category; a list's own count is about requests. */
void bybit_on_limit(const struct bybit_turn *turn, const struct bybit_pending *pending,
                    int64_t limit, int64_t left, int64_t reset_ms, bool is_exceeded)
{
    struct venue_report report;
    const char *category = bybit_category_str(bybit_category_of(pending->command.instrument_kind));

    if (is_exceeded) {
        int64_t wait_ns = reset_ms * NS_PER_MS - turn->clock->wall_ns;
        bybit_back_off(turn, MAX(100 * NS_PER_MS, MIN(wait_ns, RATE_WINDOW_MAX_NS)),
                       "too many visits");
    }
    if (limit <= 0 || left < 0 || limit > INT32_MAX)
        return;
    bybit_report_begin(turn, &report, REPORT_LIMITS, NULL);
    report.used = (uint32_t)(limit - MIN(left, limit));
    report.limit = (uint32_t)limit;
    if (is_about_order(pending->command.op))
        snprintf(report.text, sizeof(report.text), "ORDERS %s %d", category,
                 (int)pending->command.op);
    else
        snprintf(report.text, sizeof(report.text), "REQUESTS");
    bybit_report(turn, &report);
}

static int64_t header_number(const struct venue_response *response, const char *name)
{
    for (size_t i = 0; i < response->header_count; i++) {
        const struct venue_header *header = &response->headers[i];
        struct scan_value value = { SCAN_NUMBER, header->value,
                                    strnlen(header->value, sizeof(header->value)) };
        int64_t number;
        if (strcmp(header->name, name) == 0 && scan_i64(&value, &number) == 0)
            return number;
    }
    return -1;
}

static void heed_headers(const struct bybit_turn *turn, const struct bybit_pending *pending,
                         const struct venue_response *response, bool is_exceeded)
{
    bybit_on_limit(turn, pending, header_number(response, "x-bapi-limit"),
                   header_number(response, "x-bapi-limit-status"),
                   header_number(response, "x-bapi-limit-reset-timestamp"), is_exceeded);
}

/* ---- acknowledgements ---- */

void bybit_on_ack(const struct bybit_turn *turn, struct bybit_pending *pending, int64_t code,
                  const char *text, const struct scan_value *data)
{
    struct venue_command *command = &pending->command;
    struct scan_value id;

    if (code != 0) {
        struct bybit_error error = bybit_error_of(code);
        struct venue_report report;
        if (error.kind == BYBIT_NOTHING && command->op == OP_REPLACE) { /* It is so already. */
            bybit_report_begin(turn, &report, REPORT_REPLACED, command);
            bybit_pending_end(turn->side, pending);
            bybit_report(turn, &report);
            return;
        }
        bybit_fail(turn, pending, &error, text);
        return;
    }
    if (command->op == OP_PLACE && data->type == SCAN_OBJECT &&
        scan_find(data, "orderId", &id) == 0 && id.type == SCAN_STRING)
        (void)scan_text(&id, command->exchange_order_id, sizeof(command->exchange_order_id));
    pending->stage = STAGE_ACKED;
    pending->acked_ns = turn->clock->now_ns;
}

/* ---- calls over REST ---- */

static int on_time(const struct bybit_turn *turn, struct bybit_pending *pending,
                   const struct bybit_answer *answer)
{
    struct venue_report report;
    struct scan_value nano;
    int64_t venue_ns;

    if (scan_find(&answer->result, "timeNano", &nano) != 0 || scan_i64(&nano, &venue_ns) != 0)
        return ERR_PROTO;
    bybit_report_begin(turn, &report, REPORT_SERVER_TIME, &pending->command);
    report.rtt_ns = MAX(turn->clock->now_ns - pending->sent_ns, 0);
    report.offset_ns = venue_ns - (pending->sent_wall_ns + report.rtt_ns / 2);
    report.exchange_ns = venue_ns;
    bybit_pending_end(turn->side, pending);
    bybit_report(turn, &report);
    return 0;
}

static int ask_history(const struct bybit_turn *turn, struct bybit_pending *pending)
{
    char *path = turn->side->request.path;
    const struct venue_command *c = &pending->command;
    bool is_by_id = *c->exchange_order_id;
    int len = snprintf(path, sizeof(turn->side->request.path),
                       "/v5/order/history?symbol=%s&%s=%s&category=%s", c->symbol,
                       is_by_id ? "orderId" : "orderLinkId",
                       is_by_id ? c->exchange_order_id : c->client_order_id,
                       bybit_category_str(bybit_category_of(c->instrument_kind)));

    pending->is_second = true;
    turn->side->request.method = "GET";
    turn->side->request.body_len = 0;
    return len > 0 && (size_t)len < sizeof(turn->side->request.path)
               ? bybit_call_send(turn, pending, true)
               : ERR_RANGE;
}

/* realtime knows what is open and what has just ended, history the rest. */
static int on_query(const struct bybit_turn *turn, struct bybit_pending *pending,
                    const struct bybit_answer *answer)
{
    struct bybit_order_row row;
    struct venue_report report;
    struct scan_iter iter;
    struct scan_value item;
    int err = bybit_list_begin(&answer->result, &iter);

    if (err || ((err = scan_item(&iter, &item)) != 0 && err != ERR_NOT_FOUND))
        return ERR_PROTO;
    if (err == ERR_NOT_FOUND && !pending->is_second) {
        if (ask_history(turn, pending) != 0)
            bybit_fail_silent(turn, pending, false, "its history could not be asked");
        return 0;
    }
    if (err == ERR_NOT_FOUND) {
        bybit_report_begin(turn, &report, REPORT_NO_SUCH_ORDER, &pending->command);
    } else {
        bybit_report_begin(turn, &report, REPORT_ORDER, &pending->command);
        if (bybit_read_order(turn, &item, bybit_category_of(pending->command.instrument_kind), &row,
                             &report) != 0)
            return ERR_PROTO;
        report.why = report.state >= ORDER_FILLED ? bybit_end_reason(&row) : REASON_NONE;
    }
    bybit_pending_end(turn->side, pending);
    bybit_report(turn, &report);
    return 0;
}

static int take_result(const struct bybit_turn *turn, struct bybit_pending *pending,
                       const struct bybit_answer *answer)
{
    if (pending->kind == CALL_FEES)
        return bybit_on_fees(turn, pending, answer);
    if (pending->kind == CALL_LISTING)
        return bybit_on_listing(turn, pending, answer);
    if (is_about_order(pending->command.op)) {
        bybit_on_ack(turn, pending, 0, "", &answer->result);
        return 0;
    }
    if (pending->command.op == OP_SERVER_TIME)
        return on_time(turn, pending, answer);
    if (pending->command.op == OP_QUERY)
        return on_query(turn, pending, answer);
    return bybit_walk_on(turn, pending, answer);
}

/* HTTP alone speaks: a proxy, a firewall, an overload. */
static void on_status(const struct bybit_turn *turn, struct bybit_pending *pending,
                      const struct venue_response *response)
{
    struct bybit_error error = bybit_status_error(response->status);
    int64_t after_s = header_number(response, "retry-after");
    char text[64];

    snprintf(text, sizeof(text), "HTTP %d", response->status);
    if (response->status == 403 || response->status == 429) {
        int64_t wait_ns = after_s > 0               ? MIN(after_s, RETRY_AFTER_MAX_S) * NS_PER_S
                          : response->status == 403 ? BYBIT_BLOCKED_NS
                                                    : OVERLOADED_NS;
        turn->side->hold_until_ns = turn->clock->now_ns + wait_ns;
        bybit_back_off(turn, wait_ns, text);
    }
    bybit_fail(turn, pending, &error, text);
}

static int on_body(const struct bybit_turn *turn, struct bybit_pending *pending,
                   const struct venue_response *response)
{
    static const struct bybit_error unread = { BYBIT_UNKNOWN, REASON_BAD_BYTES };
    struct bybit_answer answer;

    if (bybit_answer_read(response->body, response->body_len, &answer) != 0) {
        bybit_fail(turn, pending, &unread, "unreadable answer");
        return ERR_PROTO;
    }
    struct bybit_error error = bybit_error_of(answer.code);
    heed_headers(turn, pending, response, answer.code != 0 && error.why == REASON_VENUE_RATE_LIMIT);
    if (answer.code != 0) {
        if (is_about_order(pending->command.op) && pending->kind == CALL_COMMAND)
            bybit_on_ack(turn, pending, answer.code, answer.text, &answer.result);
        else
            bybit_fail(turn, pending, &error, answer.text);
        return 0;
    }
    int err = take_result(turn, pending, &answer);
    if (err)
        bybit_fail(turn, pending, &unread, "unreadable answer");
    return err;
}

int bybit_order_http(void *state, const struct venue_response *response,
                     const struct venue_clock *clock, const struct venue_out *out)
{
    struct bybit_turn turn = { state, clock, out };
    struct bybit_pending *pending = bybit_pending_by_id(turn.side, response->tag);
    int err = 0;

    turn.side->messages++;
    if (!pending || !pending->is_rest || pending->stage == STAGE_ACKED) {
        turn.side->late_answers++;
        return 0;
    }
    if (response->status == 0)
        bybit_fail_silent(&turn, pending, response->was_sent,
                          response->was_sent ? "no answer" : "never sent");
    else if (response->status != 200)
        on_status(&turn, pending, response);
    else
        err = on_body(&turn, pending, response);
    turn.side->rejected += err == ERR_PROTO;
    return err;
}
