/* The private stream: what became of orders, executions, positions, wallet. Topics come without a
 * snapshot and in no order among one another. */
#include "common/leaf/fixed.h"
#include "venues/bybit/order.h"

/* ---- orders ---- */

static void answer(const struct bybit_turn *turn, struct bybit_pending *pending,
                   const struct venue_report *news, enum venue_report_kind kind, wire_reason why)
{
    struct venue_report report = *news;

    report.kind = kind;
    report.op = pending->command.op;
    report.request_id = pending->command.request_id;
    report.why = why;
    bybit_pending_end(turn->side, pending);
    bybit_report(turn, &report);
}

/* Refused after it had been acknowledged, and never on the book. */
static bool is_refused(const struct venue_report *news, wire_reason why)
{
    return news->cum_qty == 0 && (news->state == ORDER_REJECTED ||
                                  (news->state == ORDER_CANCELLED &&
                                   (why == REASON_VENUE_POST_ONLY || why == REASON_VENUE_FILTER)));
}

static bool is_final(wire_order_state state)
{
    return state >= ORDER_FILLED;
}

static bool is_as_wanted(const struct bybit_pending *pending, const struct venue_report *news)
{
    const struct venue_command *c = &pending->command;

    return fixed_compare(c->price, c->price_exp, news->price, news->price_exp) == 0 &&
           fixed_compare(c->qty, c->qty_exp, news->qty, news->qty_exp) == 0;
}

/* Answers what waits for news of this order. The end itself, where it has ended, is told by the
 * caller: *end_of becomes the cancel that it answers. Returns true where all is said. */
static bool settle(const struct bybit_turn *turn, const struct bybit_order_row *row,
                   const struct venue_report *news, wire_reason why, uint64_t *end_of)
{
    struct bybit_side *side = turn->side;
    struct bybit_pending *pending = bybit_pending_of_order(
        side, OP_PLACE, row->category, news->client_order_id, news->exchange_order_id);
    bool is_told = false;

    if (pending && is_refused(news, why)) {
        answer(turn, pending, news, REPORT_REJECTED, why ? why : REASON_VENUE_REJECT);
        return true;
    }
    if (pending) {
        answer(turn, pending, news, REPORT_ACCEPTED, REASON_NONE);
        is_told = !is_final(news->state);
    }
    pending = bybit_pending_of_order(side, OP_REPLACE, row->category, news->client_order_id,
                                     news->exchange_order_id);
    if (pending && is_final(news->state)) {
        answer(turn, pending, news, REPORT_REPLACE_REJECTED, REASON_VENUE_UNKNOWN_ORDER);
    } else if (pending && is_as_wanted(pending, news)) {
        answer(turn, pending, news, REPORT_REPLACED, REASON_NONE);
        is_told = true;
    }
    pending = is_final(news->state)
                  ? bybit_pending_of_order(side, OP_CANCEL, row->category, news->client_order_id,
                                           news->exchange_order_id)
                  : NULL;
    if (pending && news->state == ORDER_FILLED) {
        answer(turn, pending, news, REPORT_CANCEL_REJECTED, REASON_VENUE_UNKNOWN_ORDER);
    } else if (pending) {
        *end_of = pending->command.request_id;
        bybit_pending_end(side, pending);
    }
    return is_told;
}

static int on_order(const struct bybit_turn *turn, const struct scan_value *item,
                    int64_t exchange_ns)
{
    struct bybit_order_row row;
    struct venue_report news;
    uint64_t end_of = 0;

    bybit_report_begin(turn, &news, REPORT_NEW, NULL);
    int err = bybit_read_order(turn, item, BYBIT_CATEGORIES, &row, &news);
    if (err == ERR_UNSUPPORTED || (!err && row.is_conditional))
        return 0; /* Of another product, or not an order on the book yet. */
    if (err)
        return err;
    if (news.exchange_ns == 0)
        news.exchange_ns = exchange_ns;
    news.is_from_stream = true;
    wire_reason why = bybit_end_reason(&row);
    if (row.reject_reason.type == SCAN_STRING && !scan_is(&row.reject_reason, "EC_NoError"))
        bybit_text(&row.reject_reason, news.text, sizeof(news.text));
    if (settle(turn, &row, &news, why, &end_of))
        return 0;
    switch (news.state) {
    case ORDER_LIVE:
        bybit_report(turn, &news);
        break;
    case ORDER_REJECTED:
    case ORDER_CANCELLED:
        news.kind = news.state == ORDER_REJECTED ? REPORT_REJECTED
                    : why == REASON_NO_LIQUIDITY || news.time_in_force != TIF_GTC
                        ? REPORT_EXPIRED
                        : REPORT_CANCELLED;
        news.state = news.kind == REPORT_REJECTED  ? ORDER_REJECTED
                     : news.kind == REPORT_EXPIRED ? ORDER_EXPIRED
                                                   : ORDER_CANCELLED;
        if (why == REASON_NONE && news.kind == REPORT_EXPIRED)
            why = REASON_NO_LIQUIDITY;
        news.why = end_of ? REASON_REQUESTED : why;
        if (end_of) {
            news.kind = REPORT_CANCELLED;
            news.state = ORDER_CANCELLED;
            news.op = OP_CANCEL;
            news.request_id = end_of;
        }
        bybit_report(turn, &news);
        break;
    default: /* Executions say it. */
        break;
    }
    return 0;
}

/* ---- the others ---- */

static int on_execution(const struct bybit_turn *turn, const struct scan_value *item,
                        int64_t exchange_ns)
{
    struct venue_report report;

    bybit_report_begin(turn, &report, REPORT_FILL, NULL);
    int err = bybit_read_execution(turn, item, BYBIT_CATEGORIES, &report);
    if (err)
        return err == ERR_UNSUPPORTED ? 0 : err;
    if (report.exchange_ns == 0)
        report.exchange_ns = exchange_ns;
    report.is_from_stream = true;
    bybit_report(turn, &report);
    return 0;
}

static int on_position(const struct bybit_turn *turn, const struct scan_value *item,
                       int64_t exchange_ns)
{
    struct venue_report report;
    bool is_hedge;

    bybit_report_begin(turn, &report, REPORT_POSITION, NULL);
    int err = bybit_read_position(turn, item, &report, &is_hedge);
    if (err)
        return err == ERR_UNSUPPORTED ? 0 : err;
    if (is_hedge) { /* Two positions cannot be told as one: the account must be asked. */
        bybit_note(turn, "hedge_mode", "%s has positions of two sides", report.symbol);
        return 0;
    }
    if (report.exchange_ns == 0)
        report.exchange_ns = exchange_ns;
    report.is_from_stream = true;
    bybit_report(turn, &report);
    return 0;
}

static int on_wallet(const struct bybit_turn *turn, const struct scan_value *item,
                     int64_t exchange_ns)
{
    return bybit_report_wallet(turn, item, NULL, exchange_ns);
}

/* "order" and "order.linear" alike. */
static bool is_topic(const struct scan_value *topic, const char *name)
{
    size_t len = strlen(name);

    return topic->len >= len && memcmp(topic->text, name, len) == 0 &&
           (topic->len == len || topic->text[len] == '.');
}

int bybit_on_topic(const struct bybit_turn *turn, const struct scan_value *topic,
                   const struct scan_value *data, int64_t exchange_ns)
{
    static const struct {
        const char *name;
        int (*take)(const struct bybit_turn *, const struct scan_value *, int64_t);
    } topics[] = {
        { "order", on_order },
        { "execution", on_execution },
        { "position", on_position },
        { "wallet", on_wallet },
    };
    struct scan_iter iter;
    struct scan_value item;
    size_t i = 0;
    int first_err = 0;

    while (i < COUNT(topics) && !is_topic(topic, topics[i].name))
        i++;
    if (i == COUNT(topics) || is_topic(topic, "execution.fast"))
        return 0; /* greeks and the like: not subscribed to. */
    int err = data->type == SCAN_ARRAY ? scan_begin(&iter, data) : ERR_PROTO;
    while (!err && (err = scan_item(&iter, &item)) == 0) {
        int item_err = topics[i].take(turn, &item, exchange_ns);
        if (item_err && !first_err)
            first_err = item_err;
    }
    return err == ERR_NOT_FOUND ? first_err : ERR_PROTO;
}
