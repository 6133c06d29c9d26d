/* Answers of REST: what each says of its command, the pages of lists, refusals, silence. */
#include "venues/coinbase/order.h"

#include "common/leaf/fixed.h"

#include <stdio.h>

#define HOLD_NS           (1 * NS_PER_S) /* A 429 says no time: 1/rate, more each time. */
#define HOLD_MAX_SHIFT    5
#define METADATA_NS       (300 * NS_PER_S)
#define METADATA_RETRY_NS (3 * NS_PER_S)
#define FEES_NS           (3600 * NS_PER_S)

static bool is_ours(const struct order_pending *pending)
{
    return pending->command.request_id == 0; /* Asked for by the session itself. */
}

/* ---- ends ---- */

void coinbase_end_done(const struct order_turn *turn, struct order_pending *pending)
{
    struct venue_report report;

    coinbase_report_begin(turn, &report, REPORT_DONE, &pending->command);
    bool is_silent = is_ours(pending);
    coinbase_release(pending);
    if (!is_silent)
        coinbase_emit(turn, &report);
}

static enum venue_report_kind refused_kind(enum order_kind kind)
{
    return kind == ASK_PLACE    ? REPORT_REJECTED
           : kind == ASK_CANCEL ? REPORT_CANCEL_REJECTED
                                : REPORT_FAILED;
}

static void end_with(const struct order_turn *turn, struct order_pending *pending,
                     enum venue_report_kind kind, wire_reason why, const char *text)
{
    struct venue_report report;

    coinbase_report_begin(turn, &report, kind, &pending->command);
    coinbase_report_about(&report, &pending->command);
    report.why = why;
    coinbase_copy(report.text, sizeof(report.text), text);
    bool is_silent = is_ours(pending);
    coinbase_release(pending);
    if (!is_silent)
        coinbase_emit(turn, &report);
}

void coinbase_end_failed(const struct order_turn *turn, struct order_pending *pending,
                         wire_reason why, const char *text)
{
    end_with(turn, pending, refused_kind(pending->kind), why, text);
}

void coinbase_end_lost(const struct order_turn *turn, struct order_pending *pending, bool was_sent,
                       wire_reason why, const char *text)
{
    bool is_about_order = pending->kind == ASK_PLACE || pending->kind == ASK_CANCEL;
    enum venue_report_kind kind = !is_about_order ? REPORT_FAILED
                                  : was_sent      ? REPORT_OUTCOME_UNKNOWN
                                                  : REPORT_NEVER_SENT;

    end_with(turn, pending, kind, was_sent ? why : REASON_NEVER_SENT, text);
}

void coinbase_end_cancelled(const struct order_turn *turn, struct order_pending *pending,
                            const struct order_known *known)
{
    struct venue_report report;

    coinbase_report_begin(turn, &report, REPORT_CANCELLED, &pending->command);
    coinbase_report_about(&report, &pending->command);
    if (known) {
        coinbase_report_known(turn, &report, known);
        if (known->state == ORDER_FILLED) { /* It was faster than the cancel. */
            report.kind = REPORT_CANCEL_REJECTED;
            report.why = REASON_VENUE_UNKNOWN_ORDER;
        }
    }
    if (report.kind == REPORT_CANCELLED) {
        report.state = ORDER_CANCELLED;
        report.why = REASON_REQUESTED;
    }
    coinbase_release(pending);
    coinbase_emit(turn, &report);
}

/* ---- refusals ---- */

static void back_off(const struct order_turn *turn, const struct venue_response *response,
                     const char *text)
{
    struct coinbase_order *order = turn->order;
    struct venue_report report;

    order->hold_until_ns =
        turn->clock->now_ns +
        coinbase_retry_ns(response, HOLD_NS << MIN(order->holds, (unsigned)HOLD_MAX_SHIFT));
    order->holds++;
    coinbase_report_begin(turn, &report, REPORT_BACK_OFF, NULL);
    report.why = REASON_VENUE_RATE_LIMIT;
    report.until_ns = order->hold_until_ns;
    coinbase_copy(report.text, sizeof(report.text), text);
    coinbase_emit(turn, &report);
}

/* The venue's words: {"message":"Invalid Price"}. "" where another spoke. */
static void message_of(const struct venue_response *response, char *out, size_t cap)
{
    struct scan_value root, message;

    out[0] = '\0';
    if (response->body_len == 0 || scan_whole(response->body, response->body_len, &root) != 0 ||
        root.type != SCAN_OBJECT || scan_find(&root, "message", &message) != 0 ||
        message.type != SCAN_STRING)
        return;
    if (scan_text(&message, out, cap) != 0)
        snprintf(out, cap, "%.*s", (int)MIN(message.len, cap - 1), message.text);
}

static struct order_known *known_of(const struct order_turn *turn,
                                    const struct venue_command *command)
{
    struct order_cache *cache = &turn->order->cache;

    return *command->exchange_order_id ? order_cache_find(cache, command->exchange_order_id)
                                       : order_cache_by_client_id(cache, command->client_order_id);
}

/* 404 means that the venue has no such order, or has it no more: one that was cancelled without an
 * execution is forgotten. What the stream has told of its end, or a cancel that was taken, tells
 * the two apart. */
static void query_unknown(const struct order_turn *turn, struct order_pending *pending)
{
    struct order_known *known = known_of(turn, &pending->command);
    struct venue_report report;

    if (!known || (known->state < ORDER_FILLED && !known->is_cancel_taken)) {
        end_with(turn, pending, REPORT_NO_SUCH_ORDER, REASON_VENUE_UNKNOWN_ORDER, "NotFound");
        return;
    }
    if (known->state < ORDER_FILLED) {
        known->state = ORDER_CANCELLED;
        known->cum_qty = MAX(known->cum_qty, 0);
    }
    coinbase_report_begin(turn, &report, REPORT_ORDER, &pending->command);
    coinbase_report_known(turn, &report, known);
    report.why = known->state == ORDER_CANCELLED ? REASON_REQUESTED : REASON_NONE;
    coinbase_release(pending);
    coinbase_emit(turn, &report);
}

static void products_failed(const struct order_turn *turn)
{
    turn->order->metadata_at_ns = turn->clock->now_ns + METADATA_RETRY_NS;
}

/* Fees are the configuration's where the venue does not say them. */
static void fees_failed(const struct order_turn *turn, struct order_pending *pending,
                        const char *text)
{
    coinbase_note(turn, "fees_from_configuration", "%s", text);
    turn->order->fees_at_ns = turn->clock->now_ns + 60 * NS_PER_S;
    coinbase_end_done(turn, pending);
}

static void refused(const struct order_turn *turn, struct order_pending *pending,
                    const struct venue_response *response)
{
    char text[96];

    message_of(response, text, sizeof(text));
    struct order_refusal refusal = coinbase_refusal_of(response->status, text);
    if (!text[0])
        snprintf(text, sizeof(text), "HTTP status %d", response->status);
    if (refusal.kind == REFUSAL_LIMIT)
        back_off(turn, response, text);
    /* Not executed: once more, signed anew, where asking twice changes nothing. */
    if (refusal.why == REASON_VENUE_TIMESTAMP && !pending->is_retried &&
        pending->kind != ASK_PLACE) {
        pending->is_retried = true;
        coinbase_go_on(turn, pending);
    } else if (pending->kind == ASK_QUERY && response->status == 404) {
        query_unknown(turn, pending);
    } else if (pending->kind == ASK_PRODUCTS) {
        products_failed(turn);
        coinbase_end_failed(turn, pending, refusal.why, text);
    } else if (pending->kind == ASK_FEES) {
        fees_failed(turn, pending, text);
    } else if (refusal.kind == REFUSAL_UNKNOWN) {
        coinbase_end_lost(turn, pending, true, refusal.why, text);
    } else {
        coinbase_end_failed(turn, pending, refusal.why, text);
    }
}

/* ---- answers about one order ---- */

static int on_placed(const struct order_turn *turn, struct order_pending *pending,
                     const struct scan_value *root)
{
    struct venue_report report;

    coinbase_report_begin(turn, &report, REPORT_ACCEPTED, &pending->command);
    if (coinbase_read_order(turn, root, &report) != 0)
        return ERR_PROTO;
    struct order_known *known = order_cache_find(&turn->order->cache, report.exchange_order_id);
    if (known && !known->client_order_id[0]) /* The echo is left out by older replies. */
        coinbase_copy(known->client_order_id, sizeof(known->client_order_id),
                      pending->command.client_order_id);
    coinbase_report_about(&report, &pending->command);
    if (known) /* coinbase_report_about has no exchange id to give. */
        coinbase_copy(report.exchange_order_id, sizeof(report.exchange_order_id), known->order_id);
    report.cum_qty = -1; /* "Never read fills from this reply." */
    if (report.state == ORDER_REJECTED)
        report.kind = REPORT_REJECTED;
    else
        report.why = REASON_NONE;
    coinbase_release(pending);
    coinbase_emit(turn, &report);
    return 0;
}

/* Yes means that the cancel was taken. The end itself comes on the user channel; where that does
 * not say it soon, or is not there, the engine asks. */
static int on_cancel_taken(const struct order_turn *turn, struct order_pending *pending,
                           const struct scan_value *root)
{
    struct order_known *known = known_of(turn, &pending->command);

    if (root->type != SCAN_STRING && root->type != SCAN_OBJECT && root->type != SCAN_ARRAY)
        return ERR_PROTO;
    if (known)
        known->is_cancel_taken = true;
    if (known && known->state >= ORDER_FILLED) {
        coinbase_end_cancelled(turn, pending, known);
    } else if (known && turn->order->is_stream_up) {
        pending->is_end_awaited = true;
        pending->begun_ns = turn->clock->now_ns;
    } else {
        coinbase_end_cancelled(turn, pending, NULL);
    }
    return 0;
}

static int on_query(const struct order_turn *turn, struct order_pending *pending,
                    const struct scan_value *root)
{
    struct venue_report report;

    coinbase_report_begin(turn, &report, REPORT_ORDER, &pending->command);
    if (coinbase_read_order(turn, root, &report) != 0)
        return ERR_PROTO;
    coinbase_release(pending);
    coinbase_emit(turn, &report);
    return 0;
}

/* ---- lists ---- */

/* The cursor of the next older page; "" where this was the last. The venue says one with every page
 * that has anything in it; a page shorter than any that it was ever said to cut is the last. */
static void cursor_take(struct order_pending *pending, const struct venue_response *response,
                        unsigned count)
{
    const char *after = coinbase_header(response, "cb-after");
    bool is_plain = after && *after && strlen(after) < sizeof(pending->cursor) &&
                    !after[strcspn(after, " &#?%\"")];

    pending->cursor[0] = '\0';
    if (count >= ORDER_PAGE_LEAST && is_plain)
        coinbase_copy(pending->cursor, sizeof(pending->cursor), after);
}

typedef int page_item(const struct order_turn *turn, const struct scan_value *object,
                      struct venue_report *report);

/* Reads a page before it tells any of it: half a page would look like a whole one. Told oldest
 * first where is_reversed (the venue lists the newest first). */
static int page_tell(const struct order_turn *turn, const struct order_pending *pending,
                     const struct scan_value *root, enum venue_report_kind kind, page_item *read,
                     bool is_reversed, unsigned *count)
{
    struct scan_value objects[ORDER_PAGE];
    struct scan_iter iter;
    struct venue_report report;
    unsigned n = 0;
    int err = root->type == SCAN_ARRAY ? scan_begin(&iter, root) : ERR_PROTO;

    while (!err && n < ORDER_PAGE && (err = scan_item(&iter, &objects[n])) == 0) {
        coinbase_report_begin(turn, &report, kind, &pending->command);
        int bad = read(turn, &objects[n], &report);
        if (bad && bad != ERR_NOT_FOUND)
            return ERR_PROTO;
        n++;
    }
    if (err && err != ERR_NOT_FOUND)
        return ERR_PROTO;
    for (unsigned i = 0; i < n; i++) {
        coinbase_report_begin(turn, &report, kind, &pending->command);
        if (read(turn, &objects[is_reversed ? n - 1 - i : i], &report) == 0)
            coinbase_emit(turn, &report);
    }
    *count = n;
    return 0;
}

static int on_open_orders(const struct order_turn *turn, struct order_pending *pending,
                          const struct venue_response *response, const struct scan_value *root)
{
    unsigned count;

    if (page_tell(turn, pending, root, REPORT_ORDER, coinbase_read_order, false, &count) != 0)
        return ERR_PROTO;
    cursor_take(pending, response, count);
    if (!pending->cursor[0])
        coinbase_end_done(turn, pending);
    else if (++pending->rounds >= ORDER_PAGES_MAX)
        coinbase_end_failed(turn, pending, REASON_QUEUE_FULL, "more pages than there can be");
    else
        coinbase_go_on(turn, pending);
    return 0;
}

/* Executions older than asked for end the list, whatever the venue does with start_date. */
static bool is_before(const struct scan_value *root, int64_t since_ns)
{
    struct scan_iter iter;
    struct scan_value object, stamp = { SCAN_NONE, "", 0 };
    int64_t at_ns = INT64_MAX;

    if (since_ns <= 0 || scan_begin(&iter, root) != 0)
        return false;
    while (scan_item(&iter, &object) == 0)
        if (object.type == SCAN_OBJECT)
            (void)scan_find(&object, "created_at", &stamp);
    return coinbase_time_read(&stamp, &at_ns) == 0 && at_ns < since_ns;
}

static int on_fills(const struct order_turn *turn, struct order_pending *pending,
                    const struct venue_response *response, const struct scan_value *root)
{
    unsigned count;

    if (page_tell(turn, pending, root, REPORT_FILL, coinbase_read_fill, true, &count) != 0)
        return ERR_PROTO;
    cursor_take(pending, response, count);
    if (is_before(root, pending->command.since_wall_ns))
        pending->cursor[0] = '\0';
    if (!pending->cursor[0]) {
        pending->rounds = 0;
        pending->product++;
        if (pending->is_one_product || pending->product >= turn->order->product_count) {
            coinbase_end_done(turn, pending);
            return 0;
        }
    } else if (++pending->rounds >= ORDER_PAGES_MAX) {
        coinbase_end_failed(turn, pending, REASON_QUEUE_FULL, "more pages than there can be");
        return 0;
    }
    coinbase_go_on(turn, pending);
    return 0;
}

static int on_accounts(const struct order_turn *turn, struct order_pending *pending,
                       const struct scan_value *root)
{
    struct scan_iter iter;
    struct scan_value object;
    struct venue_report report;
    int err = root->type == SCAN_ARRAY ? scan_begin(&iter, root) : ERR_PROTO;

    /* Read twice, for the same reason as a page; hundreds of currencies, most of them zero. */
    while (!err && (err = scan_item(&iter, &object)) == 0) {
        coinbase_report_begin(turn, &report, REPORT_BALANCE, &pending->command);
        err = coinbase_read_account(turn, &object, &report);
    }
    if (err != ERR_NOT_FOUND || scan_begin(&iter, root) != 0)
        return ERR_PROTO;
    while (scan_item(&iter, &object) == 0) {
        coinbase_report_begin(turn, &report, REPORT_BALANCE, &pending->command);
        if (coinbase_read_account(turn, &object, &report) == 0)
            coinbase_emit(turn, &report);
    }
    coinbase_end_done(turn, pending);
    return 0;
}

/* ["id", ...]: what was cancelled. "Best effort: repeat until []." */
static int on_cancel_all(const struct order_turn *turn, struct order_pending *pending,
                         const struct scan_value *root)
{
    struct scan_iter iter;
    struct scan_value id;
    unsigned count = 0;
    int err = root->type == SCAN_ARRAY ? scan_begin(&iter, root) : ERR_PROTO;

    while (!err && (err = scan_item(&iter, &id)) == 0) {
        char text[VENUE_ID_MAX];
        struct order_known *known =
            id.type == SCAN_STRING && scan_text(&id, text, sizeof(text)) == 0
                ? order_cache_find(&turn->order->cache, text)
                : NULL;
        if (known)
            known->is_cancel_taken = true;
        count++;
    }
    if (err != ERR_NOT_FOUND)
        return ERR_PROTO;
    if (count == 0)
        coinbase_end_done(turn, pending);
    else if (++pending->rounds >= ORDER_CANCEL_ROUNDS)
        coinbase_end_failed(turn, pending, REASON_VENUE_REJECT, "orders keep coming");
    else
        coinbase_go_on(turn, pending);
    return 0;
}

/* ---- what is not about orders ---- */

/* Half of the way there and back lies between the venue's reading and our receipt. */
static int on_time(const struct order_turn *turn, struct order_pending *pending,
                   const struct venue_response *response, const struct scan_value *root)
{
    struct venue_report report;
    struct scan_value iso;

    coinbase_report_begin(turn, &report, REPORT_SERVER_TIME, &pending->command);
    if (root->type != SCAN_OBJECT || scan_find(root, "iso", &iso) != 0 ||
        coinbase_time_read(&iso, &report.exchange_ns) != 0)
        return ERR_PROTO;
    report.rtt_ns = MAX(response->received_ns - response->sent_ns, 0);
    report.offset_ns =
        response->sent_ns > 0 && report.rtt_ns > 0
            ? report.exchange_ns - (turn->clock->wall_ns - report.rtt_ns / 2)
            : report.exchange_ns - (pending->sent_wall_ns + turn->clock->wall_ns) / 2;
    coinbase_release(pending);
    coinbase_emit(turn, &report);
    return 0;
}

static int on_products(const struct order_turn *turn, struct order_pending *pending,
                       const struct scan_value *root)
{
    struct coinbase_order *order = turn->order;
    struct scan_iter iter;
    struct scan_value object;
    int err = root->type == SCAN_ARRAY ? scan_begin(&iter, root) : ERR_PROTO;

    while (!err && (err = scan_item(&iter, &object)) == 0)
        if (object.type == SCAN_OBJECT)
            coinbase_read_product(turn, &object);
    if (err != ERR_NOT_FOUND)
        return ERR_PROTO;
    bool was_known = order->has_products;
    order->has_products = true;
    order->metadata_at_ns = turn->clock->now_ns + METADATA_NS;
    for (size_t i = 0; i < order->product_count && !was_known; i++)
        if (order->products[i].definition.header.size == 0)
            coinbase_note(turn, "no_such_instrument", "%s", order->products[i].name);
    if (order->is_open)
        coinbase_subscribe(turn);
    coinbase_announce(turn, !is_ours(pending));
    if (order->keys.is_set && (turn->clock->now_ns >= order->fees_at_ns || !is_ours(pending))) {
        pending->kind = ASK_FEES; /* Where they are others than the configuration's: told again. */
        coinbase_go_on(turn, pending);
        return 0;
    }
    coinbase_end_done(turn, pending);
    return 0;
}

static int on_fees(const struct order_turn *turn, struct order_pending *pending,
                   const struct scan_value *root)
{
    static const char *const names[] = { "maker_fee_rate", "taker_fee_rate" };
    struct coinbase_order *order = turn->order;
    struct scan_value found[COUNT(names)];
    int64_t maker, taker;

    if (coinbase_members(root, names, found, COUNT(names)) != 0 ||
        coinbase_decimal(&found[0], 6, &maker) != 0 ||
        coinbase_decimal(&found[1], 6, &taker) != 0 || maker < -1000000 || maker > 1000000 ||
        taker < -1000000 || taker > 1000000)
        return ERR_PROTO;
    order->maker_fee_ppm = (int32_t)maker;
    order->taker_fee_ppm = (int32_t)taker;
    order->fees_at_ns = turn->clock->now_ns + FEES_NS;
    for (size_t i = 0; i < order->product_count; i++) {
        struct wire_instrument *definition = &order->products[i].definition;
        if (definition->header.size == 0 ||
            (definition->maker_fee_ppm == maker && definition->taker_fee_ppm == taker))
            continue;
        definition->maker_fee_ppm = (int32_t)maker;
        definition->taker_fee_ppm = (int32_t)taker;
        order->products[i].is_new = true;
    }
    coinbase_announce(turn, false);
    coinbase_end_done(turn, pending);
    return 0;
}

/* ---- the door ---- */

static int answered(const struct order_turn *turn, struct order_pending *pending,
                    const struct venue_response *response, const struct scan_value *root)
{
    switch (pending->kind) {
    case ASK_PLACE:
        return on_placed(turn, pending, root);
    case ASK_CANCEL:
        return on_cancel_taken(turn, pending, root);
    case ASK_QUERY:
        return on_query(turn, pending, root);
    case ASK_OPEN_ORDERS:
        return on_open_orders(turn, pending, response, root);
    case ASK_CANCEL_ALL:
        return on_cancel_all(turn, pending, root);
    case ASK_ACCOUNTS:
        return on_accounts(turn, pending, root);
    case ASK_FILLS:
        return on_fills(turn, pending, response, root);
    case ASK_TIME:
        return on_time(turn, pending, response, root);
    case ASK_PRODUCTS:
        return on_products(turn, pending, root);
    case ASK_FEES:
        return on_fees(turn, pending, root);
    }
    return ERR_PROTO;
}

static struct order_pending *pending_of(struct coinbase_order *order, uint64_t tag)
{
    struct order_pending *pending = &order->pending[tag % ORDER_PENDING_MAX];

    return tag != 0 && pending->tag == tag && !pending->is_waiting && !pending->is_end_awaited
               ? pending
               : NULL;
}

/* No answer, or one that cannot be read. */
static void silent(const struct order_turn *turn, struct order_pending *pending, bool was_sent,
                   const char *text)
{
    if (pending->kind == ASK_FEES) {
        fees_failed(turn, pending, text);
        return;
    }
    if (pending->kind == ASK_PRODUCTS)
        products_failed(turn);
    coinbase_end_lost(turn, pending, was_sent, REASON_UNKNOWN_OUTCOME, text);
}

int coinbase_http(void *state, const struct venue_response *response,
                  const struct venue_clock *clock, const struct venue_out *out)
{
    struct coinbase_order *order = state;
    struct order_turn turn = { order, clock, out };
    struct order_pending *pending = pending_of(order, response->tag);
    struct scan_value root;

    if (!pending) {
        order->late_answers++;
        return 0;
    }
    if (response->status == 0) {
        silent(&turn, pending, response->was_sent, "no answer");
        return 0;
    }
    if (response->status != 200) {
        refused(&turn, pending, response);
        return 0;
    }
    order->holds = 0;
    if (scan_whole(response->body, response->body_len, &root) == 0 &&
        answered(&turn, pending, response, &root) == 0)
        return 0;
    order->rejected++;
    silent(&turn, pending, true, "an answer that cannot be read");
    return ERR_PROTO;
}
