/* The user channel: what happens to our orders. Only received carries the client id and the size;
 * what was said then is kept in the cache and laid under. Nothing here is numbered for us: a
 * message that is lost is found by the engine's rounds of questions. */
#include "venues/coinbase/order.h"

#include "common/leaf/fixed.h"

#include <stdio.h>

enum member {
    M_TYPE,
    M_PRODUCT,
    M_ORDER,
    M_CLIENT,
    M_CLIENT_HYPHEN,
    M_SIDE,
    M_ORDER_TYPE,
    M_SIZE,
    M_PRICE,
    M_REMAINING,
    M_OLD_SIZE,
    M_NEW_SIZE,
    M_NEW_PRICE,
    M_REASON,
    M_CANCEL_REASON,
    M_TIME,
    M_TRADE,
    M_MAKER_ORDER,
    M_TAKER_ORDER,
    M_MAKER_RATE,
    M_TAKER_RATE,
    M_MAKER_USER,
    M_TAKER_USER,
    M_MAKER_PROFILE,
    M_TAKER_PROFILE,
    M_CHANNELS,
    M_MESSAGE,
    MEMBER_COUNT,
};

static const char *const member_names[MEMBER_COUNT] = {
    "type",
    "product_id",
    "order_id",
    "client_oid",
    "client-oid",
    "side",
    "order_type",
    "size",
    "price",
    "remaining_size",
    "old_size",
    "new_size",
    "new_price",
    "reason",
    "cancel_reason",
    "time",
    "trade_id",
    "maker_order_id",
    "taker_order_id",
    "maker_fee_rate",
    "taker_fee_rate",
    "maker_user_id",
    "taker_user_id",
    "maker_profile_id",
    "taker_profile_id",
    "channels",
    "message",
};

struct news {
    struct scan_value at[MEMBER_COUNT];
    int64_t exchange_ns;
    char symbol[32];
};

static struct order_known *known_of(const struct order_turn *turn, const struct news *news,
                                    enum member id)
{
    return coinbase_known_put(turn, &news->at[id], news->symbol);
}

static void report_of(const struct order_turn *turn, struct venue_report *report,
                      enum venue_report_kind kind, const struct order_known *known,
                      const struct news *news)
{
    coinbase_report_begin(turn, report, kind, NULL);
    coinbase_report_known(turn, report, known);
    report->is_from_stream = true;
    report->exchange_ns = news->exchange_ns;
}

static int side_take(const struct scan_value *word, wire_side *side)
{
    if (scan_is(word, "buy"))
        *side = SIDE_BUY;
    else if (scan_is(word, "sell"))
        *side = SIDE_SELL;
    else
        return ERR_PROTO;
    return 0;
}

static int optional(const struct scan_value *value, int exp, int64_t *out)
{
    if (value->type == SCAN_NONE || value->type == SCAN_NULL)
        return 0;
    return coinbase_decimal(value, exp, out);
}

/* ---- received, open, change ---- */

static int on_received(const struct order_turn *turn, const struct news *news)
{
    struct order_known *known = known_of(turn, news, M_ORDER);
    const struct scan_value *client =
        news->at[M_CLIENT].type == SCAN_STRING ? &news->at[M_CLIENT] : &news->at[M_CLIENT_HYPHEN];
    struct venue_report report;

    if (!known || side_take(&news->at[M_SIDE], &known->side) != 0 ||
        optional(&news->at[M_SIZE], known->qty_exp, &known->qty) != 0 ||
        optional(&news->at[M_PRICE], known->price_exp, &known->price) != 0 ||
        (client->type == SCAN_STRING &&
         scan_text(client, known->client_order_id, sizeof(known->client_order_id)) != 0))
        return ERR_PROTO;
    known->type = scan_is(&news->at[M_ORDER_TYPE], "market") ? ORDER_MARKET : ORDER_LIMIT;
    known->cum_qty = MAX(known->cum_qty, 0);
    if (known->state == ORDER_NONE)
        known->state = ORDER_LIVE;
    report_of(turn, &report, REPORT_NEW, known, news);
    coinbase_emit(turn, &report);
    return 0;
}

/* Sent once, when the order comes to rest: what of it was executed before that is now certain. An
 * order that we have not seen received (we came too late) is told of here. */
static int on_open(const struct order_turn *turn, const struct news *news)
{
    struct order_known *known = known_of(turn, news, M_ORDER);
    struct venue_report report;
    int64_t remaining;

    if (!known || side_take(&news->at[M_SIDE], &known->side) != 0 ||
        coinbase_decimal(&news->at[M_REMAINING], known->qty_exp, &remaining) != 0 ||
        optional(&news->at[M_PRICE], known->price_exp, &known->price) != 0)
        return ERR_PROTO;
    bool is_new = known->state == ORDER_NONE;
    known->type = ORDER_LIMIT;
    if (known->qty == 0) {
        known->qty = remaining;
        known->cum_qty = MAX(known->cum_qty, 0);
    }
    if (known->state < ORDER_FILLED)
        known->state = known->cum_qty > 0 ? ORDER_PARTIALLY_FILLED : ORDER_LIVE;
    if (!is_new)
        return 0;
    report_of(turn, &report, REPORT_NEW, known, news);
    coinbase_emit(turn, &report);
    return 0;
}

/* Self-trade prevention of somebody else's order took from ours, or a FIX session changed it. */
static int on_change(const struct order_turn *turn, const struct news *news)
{
    struct order_known *known = known_of(turn, news, M_ORDER);
    int64_t before = 0, after = 0;

    if (!known || optional(&news->at[M_OLD_SIZE], known->qty_exp, &before) != 0 ||
        optional(&news->at[M_NEW_SIZE], known->qty_exp, &after) != 0 ||
        optional(&news->at[M_NEW_PRICE], known->price_exp, &known->price) != 0)
        return ERR_PROTO;
    if (known->qty > 0 && news->at[M_NEW_SIZE].type != SCAN_NONE)
        known->qty = MAX(known->qty - (before - after), 0);
    coinbase_note(turn, "order_changed", "%s: %.*s", known->order_id,
                  (int)MIN(news->at[M_REASON].len, 32), news->at[M_REASON].text);
    return 0;
}

/* ---- match ---- */

/* size * price * rate, at the ledger's 8 decimals, rounded down. */
static int fee_of(const struct venue_report *report, const struct scan_value *rate, int64_t *fee)
{
    int64_t notional, rate_at_8;

    if (rate->type == SCAN_NONE)
        return ERR_NOT_FOUND;
    if (coinbase_decimal(rate, COINBASE_EXP, &rate_at_8) != 0 ||
        fixed_notional(report->last_price, report->price_exp, report->last_qty, report->qty_exp,
                       report->amount_exp, FIXED_DOWN, &notional) != 0 ||
        fixed_mul_div(notional, rate_at_8, fixed_pow10(COINBASE_EXP), FIXED_DOWN, fee) != 0)
        return ERR_PROTO;
    return 0;
}

static int fill(const struct order_turn *turn, const struct news *news, bool is_taker,
                wire_side maker_side, uint64_t trade_id)
{
    struct order_known *known = known_of(turn, news, is_taker ? M_TAKER_ORDER : M_MAKER_ORDER);
    const struct scan_value *rate = &news->at[is_taker ? M_TAKER_RATE : M_MAKER_RATE];
    struct venue_report report;

    if (!known)
        return ERR_PROTO;
    wire_side side = !is_taker ? maker_side : maker_side == SIDE_BUY ? SIDE_SELL : SIDE_BUY;
    const struct order_product *product = coinbase_product_of(turn->order, news->symbol);
    report_of(turn, &report, REPORT_FILL, known, news);
    report.side = side;
    report.liquidity = is_taker ? LIQUIDITY_TAKER : LIQUIDITY_MAKER;
    if (coinbase_decimal(&news->at[M_PRICE], report.price_exp, &report.last_price) != 0 ||
        coinbase_decimal(&news->at[M_SIZE], report.qty_exp, &report.last_qty) != 0 ||
        report.last_price <= 0 || report.last_qty <= 0)
        return ERR_PROTO;
    int err = fee_of(&report, rate, &report.fee);
    if (err == ERR_NOT_FOUND) /* Not said: the account's own rate. */
        err = fixed_notional(report.last_price, report.price_exp, report.last_qty, report.qty_exp,
                             report.amount_exp, FIXED_DOWN, &report.fee) != 0 ||
                      fixed_mul_div(report.fee,
                                    is_taker ? turn->order->taker_fee_ppm
                                             : turn->order->maker_fee_ppm,
                                    1000000, FIXED_DOWN, &report.fee) != 0
                  ? ERR_PROTO
                  : 0;
    if (err)
        return ERR_PROTO;
    if (product)
        coinbase_copy(report.fee_asset, sizeof(report.fee_asset), product->definition.quote);
    snprintf(report.venue_trade_id, sizeof(report.venue_trade_id), "%llu",
             (unsigned long long)trade_id);
    known->side = side;
    /* Told twice it counts once. */
    if (trade_id > known->last_trade_id && known->cum_qty >= 0)
        known->cum_qty += report.last_qty;
    known->last_trade_id = MAX(known->last_trade_id, trade_id);
    if (known->state < ORDER_FILLED)
        known->state = ORDER_PARTIALLY_FILLED;
    report.cum_qty = known->cum_qty;
    report.state = known->state;
    coinbase_emit(turn, &report);
    return 0;
}

static int on_match(const struct order_turn *turn, const struct news *news)
{
    bool is_taker =
        news->at[M_TAKER_USER].type != SCAN_NONE || news->at[M_TAKER_PROFILE].type != SCAN_NONE;
    bool is_maker =
        news->at[M_MAKER_USER].type != SCAN_NONE || news->at[M_MAKER_PROFILE].type != SCAN_NONE;
    wire_side maker_side;
    uint64_t trade_id;
    int err = 0;

    if (side_take(&news->at[M_SIDE], &maker_side) != 0 ||
        scan_u64(&news->at[M_TRADE], &trade_id) != 0)
        return ERR_PROTO;
    if (is_maker)
        err = fill(turn, news, false, maker_side, trade_id);
    if (!err && is_taker)
        err = fill(turn, news, true, maker_side, trade_id);
    return err;
}

/* ---- done ---- */

/* What was executed by the word of the end: the size less what remained. Market orders say neither.
 */
static int total_of(const struct news *news, struct order_known *known)
{
    int64_t remaining;

    if (scan_is(&news->at[M_REASON], "filled")) {
        known->cum_qty = known->qty > 0 ? known->qty : known->cum_qty;
        return 0;
    }
    if (news->at[M_REMAINING].type == SCAN_NONE || known->qty == 0)
        return 0;
    if (coinbase_decimal(&news->at[M_REMAINING], known->qty_exp, &remaining) != 0 ||
        remaining < 0 || remaining > known->qty)
        return ERR_PROTO;
    known->cum_qty = known->qty - remaining;
    return 0;
}

static void tell_end(const struct order_turn *turn, const struct news *news,
                     const struct order_known *known)
{
    struct order_pending *cancel = coinbase_cancel_awaited(turn->order, known);
    struct venue_report report;

    if (cancel) {
        coinbase_end_cancelled(turn, cancel, known);
        return;
    }
    report_of(turn, &report, known->state == ORDER_EXPIRED ? REPORT_EXPIRED : REPORT_CANCELLED,
              known, news);
    coinbase_report_text(&report, &news->at[M_CANCEL_REASON]);
    report.why = coinbase_cancel_reason(report.text);
    coinbase_emit(turn, &report);
}

/* A filled order ends with its last execution; it is told of here where some are missing. */
static void tell_filled(const struct order_turn *turn, const struct news *news,
                        const struct order_known *known, int64_t seen)
{
    struct order_pending *cancel = coinbase_cancel_awaited(turn->order, known);
    struct venue_report report;

    if (cancel)
        coinbase_end_cancelled(turn, cancel, known);
    if (known->cum_qty <= 0 || seen >= known->cum_qty)
        return;
    report_of(turn, &report, REPORT_ORDER, known, news);
    coinbase_emit(turn, &report);
}

static int on_done(const struct order_turn *turn, const struct news *news)
{
    struct order_known *known = known_of(turn, news, M_ORDER);
    bool is_filled = scan_is(&news->at[M_REASON], "filled");

    if (!known || (!is_filled && !scan_is(&news->at[M_REASON], "canceled")))
        return ERR_PROTO;
    int64_t seen = known->cum_qty;
    if (known->side == SIDE_NONE && side_take(&news->at[M_SIDE], &known->side) != 0)
        return ERR_PROTO;
    if (total_of(news, known) != 0)
        return ERR_PROTO;
    char why[8];
    snprintf(why, sizeof(why), "%.*s", (int)MIN(news->at[M_CANCEL_REASON].len, 4),
             news->at[M_CANCEL_REASON].text);
    /* By reason alone: a cancel_reason may stand beside "filled". */
    known->state = is_filled                  ? ORDER_FILLED
                   : strcmp(why, "101:") == 0 ? ORDER_EXPIRED
                                              : ORDER_CANCELLED;
    if (is_filled)
        tell_filled(turn, news, known, seen);
    else
        tell_end(turn, news, known);
    return 0;
}

/* ---- subscriptions and errors ---- */

static int on_subscriptions(const struct order_turn *turn, const struct news *news)
{
    static const char *const names[] = { "name", "product_ids" };
    struct scan_value found[COUNT(names)], channel;
    struct scan_iter iter;
    bool has_user = false;
    int err = news->at[M_CHANNELS].type == SCAN_ARRAY ? scan_begin(&iter, &news->at[M_CHANNELS])
                                                      : ERR_PROTO;

    while (!err && (err = scan_item(&iter, &channel)) == 0) {
        err = coinbase_members(&channel, names, found, COUNT(names));
        has_user |= !err && scan_is(&found[0], "user");
    }
    if (err != ERR_NOT_FOUND)
        return ERR_PROTO;
    turn->order->subscribe_ns = 0;
    /* Without good credentials the venue may simply leave the channel out. */
    if (has_user)
        coinbase_channel(turn, true, REASON_NONE, "");
    else
        coinbase_channel(turn, false, REASON_VENUE_AUTH, "the user channel was left out");
    return 0;
}

/* {"message":"Authentication Failed","reason":"{\"message\":\"Invalid API Key\"}"}; the venue
 * disconnects, and the shell comes again, later each time. */
static int on_error(const struct order_turn *turn, const struct news *news)
{
    char text[96];

    snprintf(text, sizeof(text), "%.*s: %.*s", (int)MIN(news->at[M_MESSAGE].len, 40),
             news->at[M_MESSAGE].text, (int)MIN(news->at[M_REASON].len, 50),
             news->at[M_REASON].text);
    coinbase_note(turn, "venue_error", "%s", text);
    turn->order->subscribe_ns = 0;
    bool is_auth = strstr(text, "uthentication") || strstr(text, "nvalid");
    coinbase_channel(turn, false, is_auth ? REASON_VENUE_AUTH : REASON_DISCONNECTED, text);
    return 0;
}

/* ---- frames ---- */

static int news_take(const struct order_turn *turn, struct news *news)
{
    static const struct {
        const char *type;
        int (*take)(const struct order_turn *turn, const struct news *news);
    } takers[] = {
        { "received", on_received }, { "open", on_open },     { "match", on_match },
        { "done", on_done },         { "change", on_change },
    };
    const struct scan_value *type = &news->at[M_TYPE];

    if (scan_is(type, "heartbeat"))
        return 0;
    if (scan_is(type, "subscriptions"))
        return on_subscriptions(turn, news);
    if (scan_is(type, "error"))
        return on_error(turn, news);
    for (size_t i = 0; i < COUNT(takers); i++) {
        if (!scan_is(type, takers[i].type))
            continue;
        if (news->at[M_PRODUCT].type != SCAN_STRING ||
            scan_text(&news->at[M_PRODUCT], news->symbol, sizeof(news->symbol)) != 0 ||
            coinbase_time_read(&news->at[M_TIME], &news->exchange_ns) != 0)
            return ERR_PROTO;
        return takers[i].take(turn, news);
    }
    return 0; /* activate: stop orders are not ours. Unknown types must be ignored. */
}

int coinbase_frame(void *state, unsigned connection, const char *frame, size_t len,
                   const struct venue_clock *clock, const struct venue_out *out)
{
    struct coinbase_order *order = state;
    struct order_turn turn = { order, clock, out };
    struct scan_value root;
    struct news news = { .exchange_ns = 0 };
    (void)connection;

    int err = scan_whole(frame, len, &root);
    if (!err)
        err = coinbase_members(&root, member_names, news.at, MEMBER_COUNT);
    if (!err)
        err = news.at[M_TYPE].type == SCAN_STRING ? news_take(&turn, &news) : ERR_PROTO;
    order->rejected += err != 0;
    return err;
}
