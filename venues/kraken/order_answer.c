#include "common/leaf/fixed.h"
#include "common/pure/instrument.h"
#include "venues/kraken/order.h"

#include <stdio.h>
#include <strings.h>

#define METADATA_EVERY_NS (3600 * NS_PER_S)

static int number_at(const struct scan_value *object, const char *name, int exp, int64_t *out)
{
    struct scan_value value;
    int64_t number, scaled;
    int number_exp;

    if (scan_find(object, name, &value) != 0 ||
        (value.type != SCAN_STRING && value.type != SCAN_NUMBER) ||
        fixed_parse_natural(value.text, value.len, &number, &number_exp) != 0 ||
        fixed_rescale(number, number_exp, exp, FIXED_DOWN, &scaled) != 0)
        return ERR_PROTO;
    *out = scaled;
    return 0;
}

/* A text member; "" where it is missing, null or too long. */
static void text_at(const struct scan_value *object, const char *name, char *out, size_t cap)
{
    struct scan_value value;

    if (scan_find(object, name, &value) != 0 || value.type != SCAN_STRING ||
        scan_text(&value, out, cap) != 0)
        out[0] = '\0';
}

/* The symbol of any name that REST has for a pair; "" where nobody knows it. */
static void symbol_at(const struct kraken_side *side, const struct scan_value *object,
                      const char *name, char out[32])
{
    char pair[32], rest[32];

    out[0] = '\0';
    text_at(object, name, pair, sizeof(pair));
    const struct kraken_pair *known = kraken_pair_by_any(&side->names, pair);
    if (known) {
        snprintf(out, 32, "%s", known->symbol);
        return;
    }
    for (unsigned i = 0; i < side->listed_count; i++)
        if (kraken_rest_pair(&side->names, side->listed[i].symbol, rest) == 0 &&
            strcmp(rest, pair) == 0)
            snprintf(out, 32, "%s", side->listed[i].symbol);
}

static wire_order_state rest_state(const char *status, int64_t qty, int64_t cum_qty)
{
    if (strcmp(status, "open") == 0 || strcmp(status, "pending") == 0)
        return cum_qty > 0 ? ORDER_PARTIALLY_FILLED : ORDER_LIVE;
    if (strcmp(status, "closed") == 0)
        return cum_qty >= qty ? ORDER_FILLED : ORDER_CANCELLED;
    if (strcmp(status, "expired") == 0)
        return ORDER_EXPIRED;
    return strcmp(status, "canceled") == 0 ? ORDER_CANCELLED : ORDER_NONE;
}

static wire_order_type rest_type(const char *word)
{
    return strcmp(word, "limit") == 0    ? ORDER_LIMIT
           : strcmp(word, "market") == 0 ? ORDER_MARKET
                                         : ORDER_TYPE_NONE;
}

static wire_side rest_side(const char *word)
{
    return strcmp(word, "buy") == 0 ? SIDE_BUY : strcmp(word, "sell") == 0 ? SIDE_SELL : SIDE_NONE;
}

/* Fills a report from an order object of OpenOrders, ClosedOrders or QueryOrders. 0 or ERR_PROTO.
 */
static int read_order(const struct kraken_turn *turn, const struct scan_value *order_id,
                      const struct scan_value *body, const struct venue_command *command,
                      struct venue_report *report)
{
    struct scan_value descr, stamp;
    char symbol[32] = "", side[8] = "", type[32] = "", status[16], flags[64], tif[8];

    kraken_report_begin(turn, report, REPORT_ORDER, command);
    if (body->type != SCAN_OBJECT ||
        scan_text(order_id, report->exchange_order_id, sizeof(report->exchange_order_id)) != 0)
        return ERR_PROTO;
    text_at(body, "cl_ord_id", report->client_order_id, sizeof(report->client_order_id));
    if (scan_find(body, "descr", &descr) == 0 && descr.type == SCAN_OBJECT) {
        symbol_at(turn->side, &descr, "pair", symbol);
        text_at(&descr, "type", side, sizeof(side));
        text_at(&descr, "ordertype", type, sizeof(type));
    }
    report->symbol[0] = '\0';
    report->instrument = 0;
    kraken_report_instrument(turn->side, report, symbol);
    report->side = rest_side(side);
    report->type = rest_type(type);
    if (report->type == ORDER_LIMIT &&
        number_at(&descr, "price", report->price_exp, &report->price) != 0)
        return ERR_PROTO;
    text_at(body, "status", status, sizeof(status));
    text_at(body, "oflags", flags, sizeof(flags));
    text_at(body, "time_in_force", tif, sizeof(tif));
    if (number_at(body, "vol", report->qty_exp, &report->qty) != 0 ||
        number_at(body, "vol_exec", report->qty_exp, &report->cum_qty) != 0)
        return ERR_PROTO;
    report->state = rest_state(status, report->qty, report->cum_qty);
    if (report->state == ORDER_NONE)
        return ERR_PROTO;
    report->is_post_only = strstr(flags, "post") != NULL;
    report->time_in_force = strcasecmp(tif, "ioc") == 0 ? TIF_IOC : TIF_GTC;
    text_at(body, "reason", report->text, sizeof(report->text));
    if (strstr(report->text, "ost only"))
        report->why = REASON_VENUE_POST_ONLY;
    else if (strcmp(report->text, "User requested") == 0)
        report->why = REASON_REQUESTED;
    if (scan_find(body, "closetm", &stamp) == 0 || scan_find(body, "opentm", &stamp) == 0)
        (void)time_text_read_seconds(stamp.text, stamp.len, &report->exchange_ns);
    return 0;
}

/* ---- answers by command ---- */

static enum kraken_taken on_placed(const struct kraken_turn *turn,
                                   const struct venue_command *command,
                                   const struct scan_value *result)
{
    struct venue_report report;
    struct scan_value list, id;
    struct scan_iter iter;

    kraken_report_begin(turn, &report, REPORT_ACCEPTED, command);
    if (scan_find(result, "txid", &list) != 0 || list.type != SCAN_ARRAY ||
        scan_begin(&iter, &list) != 0 || scan_item(&iter, &id) != 0 || id.type != SCAN_STRING ||
        scan_text(&id, report.exchange_order_id, sizeof(report.exchange_order_id)) != 0)
        return KRAKEN_TAKEN_UNREAD;
    struct order_known *known = order_cache_put(&turn->side->cache, report.exchange_order_id);
    if (!*known->client_order_id)
        snprintf(known->client_order_id, sizeof(known->client_order_id), "%s",
                 command->client_order_id);
    if (!*known->symbol)
        snprintf(known->symbol, sizeof(known->symbol), "%s", report.symbol);
    if (known->changed_ns == 0)
        known->changed_ns = turn->clock->now_ns;
    if (known->qty == 0) {
        known->price_exp = report.price_exp;
        known->qty_exp = report.qty_exp;
        known->side = command->side;
        known->type = command->type;
        known->time_in_force = command->time_in_force;
        known->is_post_only = command->is_post_only;
    }
    kraken_report(turn, &report);
    return KRAKEN_TAKEN_ENDS;
}

static enum kraken_taken on_cancelled(const struct kraken_turn *turn,
                                      const struct venue_command *command,
                                      const struct scan_value *result)
{
    struct venue_report report;
    int64_t count;

    if (number_at(result, "count", 0, &count) != 0)
        return KRAKEN_TAKEN_UNREAD;
    kraken_report_begin(turn, &report, count > 0 ? REPORT_CANCELLED : REPORT_CANCEL_REJECTED,
                        command);
    report.why = count > 0 ? REASON_REQUESTED : REASON_VENUE_UNKNOWN_ORDER;
    const struct order_known *known =
        *command->exchange_order_id
            ? order_cache_find(&turn->side->cache, command->exchange_order_id)
            : order_cache_by_client_id(&turn->side->cache, command->client_order_id);
    if (known && known->state == ORDER_CANCELLED && known->qty_exp == report.qty_exp)
        report.cum_qty = known->cum_qty;
    kraken_report(turn, &report);
    return KRAKEN_TAKEN_ENDS;
}

static enum kraken_taken on_amended(const struct kraken_turn *turn,
                                    const struct venue_command *command,
                                    const struct scan_value *result)
{
    struct venue_report report;
    struct scan_value id;
    struct order_known *known =
        *command->exchange_order_id
            ? order_cache_find(&turn->side->cache, command->exchange_order_id)
            : order_cache_by_client_id(&turn->side->cache, command->client_order_id);

    if (scan_find(result, "amend_id", &id) != 0)
        return KRAKEN_TAKEN_UNREAD;
    kraken_report_begin(turn, &report, REPORT_REPLACED, command);
    report.price_exp = (int8_t)command->price_exp;
    report.qty_exp = (int8_t)command->qty_exp;
    report.price = command->price;
    report.qty = command->qty;
    report.side = command->side;
    if (known) {
        known->changed_ns = turn->clock->now_ns;
        snprintf(report.exchange_order_id, sizeof(report.exchange_order_id), "%s", known->order_id);
    }
    kraken_report(turn, &report);
    return KRAKEN_TAKEN_ENDS;
}

static void report_done(const struct kraken_turn *turn, const struct venue_command *command)
{
    struct venue_report report;

    kraken_report_begin(turn, &report, REPORT_DONE, command);
    kraken_report(turn, &report);
}

static enum kraken_taken on_all_cancelled(const struct kraken_turn *turn,
                                          const struct venue_command *command,
                                          const struct scan_value *result)
{
    int64_t count;

    if (number_at(result, "count", 0, &count) != 0)
        return KRAKEN_TAKEN_UNREAD;
    report_done(turn, command);
    return KRAKEN_TAKEN_ENDS;
}

static enum kraken_taken on_dead_man(const struct kraken_turn *turn,
                                     const struct venue_command *command,
                                     const struct scan_value *result)
{
    struct venue_report report;
    char text[48];

    kraken_report_begin(turn, &report, REPORT_DEAD_MAN, command);
    text_at(result, "triggerTime", text, sizeof(text));
    if (strcmp(text, "0") != 0 && time_text_read(text, strlen(text), &report.exchange_ns) != 0)
        return KRAKEN_TAKEN_UNREAD;
    kraken_report(turn, &report);
    return KRAKEN_TAKEN_ENDS;
}

static bool is_one_meant(const struct venue_command *command, const struct venue_report *report)
{
    return *command->exchange_order_id
               ? strcmp(command->exchange_order_id, report->exchange_order_id) == 0
               : strcmp(command->client_order_id, report->client_order_id) == 0;
}

/* Looks for the order meant among orders. Client ids come again after an order's end: the youngest
 * is meant. 0, ERR_NOT_FOUND or ERR_PROTO. */
static int find_order(const struct kraken_turn *turn, const struct venue_command *command,
                      const struct scan_value *orders, struct venue_report *out)
{
    struct scan_iter iter;
    struct scan_value id, body;
    struct venue_report report;
    bool is_found = false;
    int err = orders->type == SCAN_OBJECT ? scan_begin(&iter, orders) : ERR_PROTO;

    while (!err && (err = scan_member(&iter, &id, &body)) == 0) {
        err = read_order(turn, &id, &body, command, &report);
        if (!err && is_one_meant(command, &report) &&
            (!is_found || report.exchange_ns > out->exchange_ns)) {
            *out = report;
            is_found = true;
        }
    }
    return err != ERR_NOT_FOUND ? ERR_PROTO : is_found ? 0 : ERR_NOT_FOUND;
}

void kraken_report_no_such_order(const struct kraken_turn *turn,
                                 const struct venue_command *command)
{
    struct venue_report report;

    kraken_report_begin(turn, &report, REPORT_NO_SUCH_ORDER, command);
    report.why = REASON_VENUE_UNKNOWN_ORDER;
    kraken_report(turn, &report);
}

/* By client id it takes two lists, open first: an order that closes in between is in the second. */
static enum kraken_taken on_query(const struct kraken_turn *turn,
                                  struct kraken_rest_pending *pending,
                                  const struct scan_value *result)
{
    const struct venue_command *command = &pending->command;
    bool is_by_id = *command->exchange_order_id != '\0';
    struct scan_value orders = *result;
    struct venue_report report;

    if (!is_by_id &&
        scan_find(result, pending->step == STEP_CLOSED ? "closed" : "open", &orders) != 0)
        return KRAKEN_TAKEN_UNREAD;
    int err = find_order(turn, command, &orders, &report);
    if (err == ERR_PROTO)
        return KRAKEN_TAKEN_UNREAD;
    if (!err) {
        kraken_report(turn, &report);
        return KRAKEN_TAKEN_ENDS;
    }
    if (!is_by_id && pending->step == STEP_ONLY) {
        pending->step = STEP_CLOSED;
        kraken_rest_go_on(turn, pending);
        return KRAKEN_TAKEN_GOES_ON;
    }
    kraken_report_no_such_order(turn, command);
    return KRAKEN_TAKEN_ENDS;
}

static bool is_of_symbol(const struct venue_command *command, const char *symbol)
{
    char wanted[32];

    return !*command->symbol ||
           (kraken_symbol_of(command->symbol, wanted) == 0 && strcmp(wanted, symbol) == 0);
}

static enum kraken_taken on_open_orders(const struct kraken_turn *turn,
                                        const struct venue_command *command,
                                        const struct scan_value *result)
{
    struct scan_value open, id, body;
    struct scan_iter iter;
    struct venue_report report;

    int err = scan_find(result, "open", &open);
    if (!err)
        err = open.type == SCAN_OBJECT ? scan_begin(&iter, &open) : ERR_PROTO;
    if (err)
        return KRAKEN_TAKEN_UNREAD;
    /* All of them are read before the first is told: half a list would look like a whole one. */
    while (!err && (err = scan_member(&iter, &id, &body)) == 0)
        err = read_order(turn, &id, &body, command, &report);
    if (err != ERR_NOT_FOUND || scan_begin(&iter, &open) != 0)
        return KRAKEN_TAKEN_UNREAD;
    while (scan_member(&iter, &id, &body) == 0)
        if (read_order(turn, &id, &body, command, &report) == 0 &&
            is_of_symbol(command, report.symbol))
            kraken_report(turn, &report);
    report_done(turn, command);
    return KRAKEN_TAKEN_ENDS;
}

static enum kraken_taken on_balances(const struct kraken_turn *turn,
                                     const struct venue_command *command,
                                     const struct scan_value *result)
{
    struct scan_value name, value, total, hold;
    struct scan_iter iter;
    char asset[16];
    int err = scan_begin(&iter, result);

    while (!err && (err = scan_member(&iter, &name, &value)) == 0) {
        bool has_hold = false;
        total = value;
        if (value.type == SCAN_OBJECT) {
            err = scan_find(&value, "balance", &total);
            has_hold = scan_find(&value, "hold_trade", &hold) == 0;
        }
        if (err || scan_text(&name, asset, sizeof(asset)) != 0 || kraken_decimals(&total) < 0)
            return KRAKEN_TAKEN_UNREAD;
        kraken_report_balance(turn, command, asset, &total, has_hold ? &hold : NULL, 0);
    }
    if (err != ERR_NOT_FOUND)
        return KRAKEN_TAKEN_UNREAD;
    report_done(turn, command);
    return KRAKEN_TAKEN_ENDS;
}

static void quote_of(const struct kraken_side *side, const char *symbol, char out[16])
{
    const struct kraken_pair *pair = kraken_pair_by_symbol(&side->names, symbol);
    const char *slash = strchr(symbol, '/');

    snprintf(out, 16, "%s", pair ? pair->quote : slash ? slash + 1 : "");
}

/* One row of TradesHistory. Its fee is in the quote asset: our orders ask for that. */
static int read_trade(const struct kraken_turn *turn, const struct scan_value *id,
                      const struct scan_value *body, const struct venue_command *command,
                      struct venue_report *report)
{
    struct scan_value value;
    char symbol[32], word[32];
    bool is_maker;

    kraken_report_begin(turn, report, REPORT_FILL, command);
    report->client_order_id[0] = '\0';
    report->symbol[0] = '\0';
    report->instrument = 0;
    if (body->type != SCAN_OBJECT ||
        scan_text(id, report->venue_trade_id, sizeof(report->venue_trade_id)) != 0)
        return ERR_PROTO;
    text_at(body, "ordertxid", report->exchange_order_id, sizeof(report->exchange_order_id));
    symbol_at(turn->side, body, "pair", symbol);
    kraken_report_instrument(turn->side, report, symbol);
    text_at(body, "type", word, sizeof(word));
    report->side = rest_side(word);
    text_at(body, "ordertype", word, sizeof(word));
    report->type = rest_type(word);
    report->amount_exp = KRAKEN_EXP;
    if (!*report->exchange_order_id || report->side == SIDE_NONE ||
        number_at(body, "price", report->price_exp, &report->last_price) != 0 ||
        number_at(body, "vol", report->qty_exp, &report->last_qty) != 0 ||
        number_at(body, "fee", report->amount_exp, &report->fee) != 0 ||
        scan_find(body, "time", &value) != 0 ||
        time_text_read_seconds(value.text, value.len, &report->exchange_ns) != 0)
        return ERR_PROTO;
    quote_of(turn->side, symbol, report->fee_asset);
    if (scan_find(body, "maker", &value) == 0 && scan_bool(&value, &is_maker) == 0)
        report->liquidity = is_maker ? LIQUIDITY_MAKER : LIQUIDITY_TAKER;
    const struct order_known *known =
        order_cache_find(&turn->side->cache, report->exchange_order_id);
    if (known)
        snprintf(report->client_order_id, sizeof(report->client_order_id), "%s",
                 known->client_order_id);
    return 0;
}

/* Pages are counted from the newest: what is executed meanwhile moves rows to later pages, so that
 * some come twice and none is missed. */
static enum kraken_taken on_executions(const struct kraken_turn *turn,
                                       struct kraken_rest_pending *pending,
                                       const struct scan_value *result)
{
    const struct venue_command *command = &pending->command;
    struct scan_value trades, id, body;
    struct scan_iter iter;
    struct venue_report report;
    int64_t count = 0;
    unsigned rows = 0;

    if (scan_find(result, "trades", &trades) != 0 || trades.type != SCAN_OBJECT ||
        scan_begin(&iter, &trades) != 0)
        return KRAKEN_TAKEN_UNREAD;
    int err = 0;
    while (!err && (err = scan_member(&iter, &id, &body)) == 0) {
        err = read_trade(turn, &id, &body, command, &report);
        if (!err && is_of_symbol(command, report.symbol))
            kraken_report(turn, &report);
        rows++;
    }
    if (err != ERR_NOT_FOUND)
        return KRAKEN_TAKEN_UNREAD;
    if (number_at(result, "count", 0, &count) != 0)
        count = rows; /* Older replies have none: then one page is all. */
    pending->offset += rows;
    if (rows == 0 || pending->offset >= count) {
        report_done(turn, command);
        return KRAKEN_TAKEN_ENDS;
    }
    if (++pending->page == KRAKEN_PAGES_MAX) {
        static const struct kraken_error endless = { KRAKEN_RETRY, REASON_QUEUE_FULL, 0 };
        kraken_fail(turn, command, &endless, "too many executions", strlen("too many executions"));
        return KRAKEN_TAKEN_ENDS;
    }
    kraken_rest_go_on(turn, pending);
    return KRAKEN_TAKEN_GOES_ON;
}

/* Time is in whole seconds: the middle of that second, and the second counts as uncertainty. */
static enum kraken_taken on_time(const struct kraken_turn *turn,
                                 const struct kraken_rest_pending *pending,
                                 const struct scan_value *result)
{
    struct venue_report report;
    int64_t seconds;

    if (number_at(result, "unixtime", 0, &seconds) != 0 || seconds < 0 ||
        seconds > INT64_C(9000000000))
        return KRAKEN_TAKEN_UNREAD;
    kraken_report_begin(turn, &report, REPORT_SERVER_TIME, &pending->command);
    int64_t rtt_ns = turn->clock->wall_ns - pending->sent_wall_ns;
    report.exchange_ns = seconds * NS_PER_S + NS_PER_S / 2;
    report.offset_ns = report.exchange_ns - (pending->sent_wall_ns + rtt_ns / 2);
    report.rtt_ns = rtt_ns + NS_PER_S;
    kraken_report(turn, &report);
    return KRAKEN_TAKEN_ENDS;
}

static void report_definition(const struct kraken_turn *turn, const struct venue_command *command,
                              const struct kraken_listed *listed)
{
    struct venue_report report;

    kraken_report_begin(turn, &report, REPORT_INSTRUMENT, command);
    kraken_report_instrument(turn->side, &report, listed->symbol);
    report.definition = &listed->definition;
    kraken_report(turn, &report);
}

static void on_pair(void *ctx, const struct kraken_pair *pair)
{
    const struct kraken_turn *turn = ctx;
    struct kraken_side *side = turn->side;
    struct kraken_listed *listed = kraken_listed_of(side, pair->symbol);
    struct wire_instrument made;
    int price_exp, qty_exp;

    if (!listed)
        return;
    /* As the feed does it: by the metadata once, then for life. */
    instrument_exponents(pair->price_decimals, pair->qty_decimals, NULL, &price_exp, &qty_exp);
    if (listed->is_defined) {
        price_exp = listed->definition.price_exp;
        qty_exp = listed->definition.qty_exp;
    }
    if (kraken_definition(pair, price_exp, qty_exp, side->maker_ppm, side->taker_ppm, &made) != 0)
        return;
    bool is_new = !listed->is_defined || memcmp(&made, &listed->definition, sizeof(made)) != 0;
    listed->definition = made;
    listed->is_defined = true;
    if (is_new)
        report_definition(turn, NULL, listed);
}

static enum kraken_taken on_pairs(const struct kraken_turn *turn,
                                  const struct kraken_rest_pending *pending,
                                  const struct scan_value *result)
{
    struct kraken_side *side = turn->side;
    uint64_t bad = 0;

    if (kraken_read_asset_pairs(&side->names, result, on_pair, (void *)turn, &bad) != 0)
        return KRAKEN_TAKEN_UNREAD;
    side->rejected += bad;
    side->metadata_at_ns = turn->clock->now_ns + METADATA_EVERY_NS;
    if (pending->step == STEP_PAIRS)
        return KRAKEN_TAKEN_ENDS;
    for (unsigned i = 0; i < side->listed_count; i++)
        if (side->listed[i].is_defined)
            report_definition(turn, &pending->command, &side->listed[i]);
    report_done(turn, &pending->command);
    return KRAKEN_TAKEN_ENDS;
}

static enum kraken_taken on_token(const struct kraken_turn *turn,
                                  const struct kraken_rest_pending *pending,
                                  const struct scan_value *result)
{
    char token[KRAKEN_TOKEN_MAX];

    text_at(result, "token", token, sizeof(token));
    if (!*token)
        return KRAKEN_TAKEN_UNREAD;
    /* Of an older connection's question: a token of its own is on its way. */
    if (pending->tag == turn->side->token_tag)
        kraken_take_token(turn, token);
    return KRAKEN_TAKEN_ENDS;
}

enum kraken_taken kraken_take_result(const struct kraken_turn *turn,
                                     struct kraken_rest_pending *pending,
                                     const struct scan_value *result)
{
    const struct venue_command *command = &pending->command;

    if (result->type != SCAN_OBJECT)
        return KRAKEN_TAKEN_UNREAD;
    if (pending->step == STEP_TOKEN)
        return on_token(turn, pending, result);
    if (pending->step == STEP_PAIRS)
        return on_pairs(turn, pending, result);
    switch (command->op) {
    case OP_PLACE:
        return on_placed(turn, command, result);
    case OP_CANCEL:
        return on_cancelled(turn, command, result);
    case OP_REPLACE:
        return on_amended(turn, command, result);
    case OP_CANCEL_ALL:
        return on_all_cancelled(turn, command, result);
    case OP_DEAD_MAN:
        return on_dead_man(turn, command, result);
    case OP_QUERY:
        return on_query(turn, pending, result);
    case OP_OPEN_ORDERS:
        return on_open_orders(turn, command, result);
    case OP_BALANCES:
        return on_balances(turn, command, result);
    case OP_EXECUTIONS:
        return on_executions(turn, pending, result);
    case OP_SERVER_TIME:
        return on_time(turn, pending, result);
    case OP_INSTRUMENTS:
        return on_pairs(turn, pending, result);
    default:
        return KRAKEN_TAKEN_UNREAD;
    }
}
