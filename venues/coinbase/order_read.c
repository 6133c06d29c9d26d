/* Readers of REST's objects: orders, fills, accounts, products; and what every report begins with.
 */
#include "venues/coinbase/order.h"

#include "common/leaf/fixed.h"

#include <stdio.h>

/* ---- reports ---- */

void coinbase_report_begin(const struct order_turn *turn, struct venue_report *report,
                           enum venue_report_kind kind, const struct venue_command *command)
{
    *report = (struct venue_report){ .kind = kind, .cum_qty = -1 };
    report->price_exp = report->qty_exp = report->amount_exp = COINBASE_EXP;
    report->instrument_kind = INSTRUMENT_SPOT;
    if (!command)
        return;
    report->op = command->op;
    report->request_id = command->request_id;
    coinbase_report_symbol(turn->order, report, command->symbol);
    if (!report->instrument)
        report->instrument = command->instrument;
}

void coinbase_report_symbol(struct coinbase_order *order, struct venue_report *report,
                            const char *symbol)
{
    const struct order_product *product = coinbase_product_of(order, symbol);

    coinbase_copy(report->symbol, sizeof(report->symbol), symbol);
    report->instrument = product ? product->definition.header.instrument : 0;
    report->price_exp = product ? product->definition.price_exp : COINBASE_EXP;
    report->qty_exp = product ? product->definition.qty_exp : COINBASE_EXP;
}

void coinbase_report_about(struct venue_report *report, const struct venue_command *command)
{
    coinbase_copy(report->client_order_id, sizeof(report->client_order_id),
                  command->client_order_id);
    coinbase_copy(report->exchange_order_id, sizeof(report->exchange_order_id),
                  command->exchange_order_id);
    report->side = command->side;
    report->type = command->type;
    report->time_in_force = command->time_in_force;
    report->is_post_only = command->is_post_only;
}

void coinbase_report_known(const struct order_turn *turn, struct venue_report *report,
                           const struct order_known *known)
{
    coinbase_report_symbol(turn->order, report, known->symbol);
    coinbase_copy(report->client_order_id, sizeof(report->client_order_id), known->client_order_id);
    coinbase_copy(report->exchange_order_id, sizeof(report->exchange_order_id), known->order_id);
    report->price_exp = known->price_exp;
    report->qty_exp = known->qty_exp;
    report->side = known->side;
    report->type = known->type;
    report->time_in_force = known->time_in_force;
    report->is_post_only = known->is_post_only;
    report->state = known->state;
    report->price = known->price;
    report->qty = known->qty;
    report->cum_qty = known->cum_qty;
}

void coinbase_report_text(struct venue_report *report, const struct scan_value *text)
{
    size_t len = MIN(text->len, sizeof(report->text) - 1);

    memcpy(report->text, text->text, len);
    report->text[len] = '\0';
}

void coinbase_emit(const struct order_turn *turn, const struct venue_report *report)
{
    turn->out->report(turn->out->ctx, report);
}

int coinbase_decimal(const struct scan_value *value, int exp, int64_t *out)
{
    int64_t number, scaled;
    int number_exp;

    if (value->type != SCAN_STRING && value->type != SCAN_NUMBER)
        return ERR_PROTO;
    if (scan_decimal(value, exp, out) == 0)
        return 0;
    /* Finer than we count. Its last digits go first: 16 decimals of a large sum fit no integer. */
    const char *point = memchr(value->text, '.', value->len);
    size_t whole = point ? (size_t)(point - value->text) : value->len;
    size_t len = point ? MIN(value->len, whole + 1 + (size_t)MAX(exp, 0)) : value->len;
    if (fixed_parse_natural(value->text, value->len, &number, &number_exp) != 0 &&
        strspn(value->text, "-0123456789.") < value->len)
        return ERR_PROTO;
    if (fixed_parse_natural(value->text, len, &number, &number_exp) != 0 ||
        fixed_rescale(number, number_exp, exp, FIXED_DOWN, &scaled) != 0)
        return ERR_PROTO;
    *out = scaled;
    return 0;
}

struct order_known *coinbase_known_put(const struct order_turn *turn, const struct scan_value *id,
                                       const char *symbol)
{
    struct coinbase_order *order = turn->order;
    char text[VENUE_ID_MAX];

    if (id->type != SCAN_STRING || id->len == 0 || scan_text(id, text, sizeof(text)) != 0)
        return NULL;
    struct order_known *known = order_cache_put(&order->cache, text);
    if (!known->symbol[0] && *symbol) {
        struct venue_report scale;
        coinbase_report_symbol(order, &scale, symbol);
        coinbase_copy(known->symbol, sizeof(known->symbol), symbol);
        known->price_exp = scale.price_exp;
        known->qty_exp = scale.qty_exp;
    }
    return known;
}

/* ---- orders ---- */

static wire_side side_of(const struct scan_value *word)
{
    return scan_is(word, "buy") ? SIDE_BUY : scan_is(word, "sell") ? SIDE_SELL : SIDE_NONE;
}

static wire_time_in_force tif_of(const struct scan_value *word)
{
    return scan_is(word, "IOC") ? TIF_IOC : scan_is(word, "FOK") ? TIF_FOK : TIF_GTC;
}

enum order_member {
    MEMBER_ID,
    MEMBER_CLIENT,
    MEMBER_PRODUCT,
    MEMBER_SIDE,
    MEMBER_TYPE,
    MEMBER_TIF,
    MEMBER_POST_ONLY,
    MEMBER_PRICE,
    MEMBER_SIZE,
    MEMBER_FILLED,
    MEMBER_STATUS,
    MEMBER_DONE_REASON,
    MEMBER_REJECT_REASON,
    MEMBER_CANCEL_REASON,
    MEMBER_CREATED,
    MEMBER_DONE,
    MEMBERS,
};

static const char *const order_members[MEMBERS] = {
    "id",
    "client_oid",
    "product_id",
    "side",
    "type",
    "time_in_force",
    "post_only",
    "price",
    "size",
    "filled_size",
    "status",
    "done_reason",
    "reject_reason",
    "cancel_reason",
    "created_at",
    "done_at",
};

static wire_order_state state_of(const struct scan_value found[MEMBERS],
                                 const struct order_known *o)
{
    const struct scan_value *status = &found[MEMBER_STATUS];

    if (scan_is(status, "open") || scan_is(status, "pending") || scan_is(status, "active") ||
        scan_is(status, "received"))
        return o->cum_qty > 0 ? ORDER_PARTIALLY_FILLED : ORDER_LIVE;
    if (scan_is(status, "rejected"))
        return ORDER_REJECTED;
    if (!scan_is(status, "done") && !scan_is(status, "settled"))
        return ORDER_NONE;
    if (scan_is(&found[MEMBER_DONE_REASON], "filled"))
        return ORDER_FILLED;
    /* done_reason "canceled" stands for refused orders too: reject_reason tells them. */
    if (found[MEMBER_REJECT_REASON].type == SCAN_STRING && found[MEMBER_REJECT_REASON].len > 0)
        return ORDER_REJECTED;
    if (found[MEMBER_DONE_REASON].type == SCAN_NONE && o->qty > 0 && o->cum_qty >= o->qty)
        return ORDER_FILLED;
    return o->time_in_force == TIF_IOC || o->time_in_force == TIF_FOK ? ORDER_EXPIRED
                                                                      : ORDER_CANCELLED;
}

/* Lays the object over what was known. */
static int known_take(const struct scan_value found[MEMBERS], struct order_known *known)
{
    const struct scan_value *client = &found[MEMBER_CLIENT];
    int64_t cum_qty = known->cum_qty;

    if (client->type == SCAN_STRING && client->len > 0 &&
        scan_text(client, known->client_order_id, sizeof(known->client_order_id)) != 0)
        return ERR_PROTO;
    known->side = side_of(&found[MEMBER_SIDE]);
    known->type = scan_is(&found[MEMBER_TYPE], "market") ? ORDER_MARKET : ORDER_LIMIT;
    known->time_in_force = known->type == ORDER_MARKET ? TIF_IOC : tif_of(&found[MEMBER_TIF]);
    known->is_post_only = found[MEMBER_POST_ONLY].type == SCAN_TRUE;
    if (known->side == SIDE_NONE ||
        (found[MEMBER_PRICE].type == SCAN_STRING && known->type == ORDER_LIMIT &&
         coinbase_decimal(&found[MEMBER_PRICE], known->price_exp, &known->price) != 0) ||
        (found[MEMBER_SIZE].type == SCAN_STRING &&
         coinbase_decimal(&found[MEMBER_SIZE], known->qty_exp, &known->qty) != 0) ||
        (found[MEMBER_FILLED].type == SCAN_STRING &&
         coinbase_decimal(&found[MEMBER_FILLED], known->qty_exp, &cum_qty) != 0))
        return ERR_PROTO;
    known->cum_qty = MAX(known->cum_qty, cum_qty); /* REST may be behind the stream. */
    return 0;
}

static void why_of(const struct scan_value found[MEMBERS], struct venue_report *report)
{
    if (found[MEMBER_REJECT_REASON].type == SCAN_STRING && found[MEMBER_REJECT_REASON].len > 0) {
        coinbase_report_text(report, &found[MEMBER_REJECT_REASON]);
        report->why = coinbase_reject_reason(report->text);
    } else if (found[MEMBER_CANCEL_REASON].type == SCAN_STRING &&
               found[MEMBER_CANCEL_REASON].len > 0) {
        coinbase_report_text(report, &found[MEMBER_CANCEL_REASON]);
        report->why = coinbase_cancel_reason(report->text);
    }
    if (report->state == ORDER_REJECTED && report->why == REASON_NONE)
        report->why = REASON_VENUE_REJECT;
    if (report->state == ORDER_EXPIRED && report->why == REASON_NONE)
        report->why = REASON_NO_LIQUIDITY;
    if (report->state == ORDER_FILLED)
        report->why = REASON_NONE;
}

int coinbase_read_order(const struct order_turn *turn, const struct scan_value *object,
                        struct venue_report *report)
{
    struct scan_value found[MEMBERS];
    char symbol[32];

    if (coinbase_members(object, order_members, found, MEMBERS) != 0 ||
        found[MEMBER_PRODUCT].type != SCAN_STRING ||
        scan_text(&found[MEMBER_PRODUCT], symbol, sizeof(symbol)) != 0)
        return ERR_PROTO;
    struct order_known *known = coinbase_known_put(turn, &found[MEMBER_ID], symbol);
    if (!known || known_take(found, known) != 0)
        return ERR_PROTO;
    wire_order_state state = state_of(found, known);
    if (state == ORDER_NONE)
        return ERR_PROTO;
    /* An end is an end: a list made before it must not undo what the stream has said. */
    if (known->state < ORDER_FILLED)
        known->state = state;
    coinbase_report_known(turn, report, known);
    report->state = state;
    if (state < ORDER_FILLED && known->state >= ORDER_FILLED)
        report->state = known->state;
    why_of(found, report);
    bool is_over = found[MEMBER_DONE].type == SCAN_STRING;
    const struct scan_value *stamp = &found[is_over ? MEMBER_DONE : MEMBER_CREATED];
    if (stamp->type == SCAN_STRING && coinbase_time_read(stamp, &report->exchange_ns) != 0)
        return ERR_PROTO;
    return 0;
}

/* ---- fills ---- */

int coinbase_read_fill(const struct order_turn *turn, const struct scan_value *object,
                       struct venue_report *report)
{
    static const char *const names[] = { "trade_id", "product_id", "order_id", "liquidity", "price",
                                         "size",     "fee",        "side",     "created_at" };
    struct scan_value found[COUNT(names)];
    uint64_t trade_id;

    if (coinbase_members(object, names, found, COUNT(names)) != 0 ||
        scan_u64(&found[0], &trade_id) != 0)
        return ERR_PROTO;
    const struct order_product *product = coinbase_product_of_value(turn->order, &found[1]);
    if (!product)
        return ERR_NOT_FOUND;
    coinbase_report_symbol(turn->order, report, product->definition.symbol);
    snprintf(report->venue_trade_id, sizeof(report->venue_trade_id), "%llu",
             (unsigned long long)trade_id);
    if (found[2].type != SCAN_STRING ||
        scan_text(&found[2], report->exchange_order_id, sizeof(report->exchange_order_id)) != 0 ||
        coinbase_decimal(&found[4], report->price_exp, &report->last_price) != 0 ||
        coinbase_decimal(&found[5], report->qty_exp, &report->last_qty) != 0 ||
        coinbase_decimal(&found[6], report->amount_exp, &report->fee) != 0 ||
        coinbase_time_read(&found[8], &report->exchange_ns) != 0)
        return ERR_PROTO;
    report->side = side_of(&found[7]);
    report->liquidity = scan_is(&found[3], "M")   ? LIQUIDITY_MAKER
                        : scan_is(&found[3], "T") ? LIQUIDITY_TAKER
                                                  : LIQUIDITY_UNKNOWN;
    coinbase_copy(report->fee_asset, sizeof(report->fee_asset), product->definition.quote);
    const struct order_known *known =
        order_cache_find(&turn->order->cache, report->exchange_order_id);
    if (known)
        coinbase_copy(report->client_order_id, sizeof(report->client_order_id),
                      known->client_order_id);
    return report->side != SIDE_NONE && report->last_price > 0 && report->last_qty > 0 ? 0
                                                                                       : ERR_PROTO;
}

/* ---- accounts ---- */

int coinbase_read_account(const struct order_turn *turn, const struct scan_value *object,
                          struct venue_report *report)
{
    static const char *const names[] = { "currency", "balance", "hold", "holds", "available" };
    struct scan_value found[COUNT(names)];

    (void)turn;
    if (coinbase_members(object, names, found, COUNT(names)) != 0 || found[0].type != SCAN_STRING ||
        scan_text(&found[0], report->asset, sizeof(report->asset)) != 0 ||
        coinbase_decimal(&found[1], report->amount_exp, &report->total) != 0)
        return ERR_PROTO;
    const struct scan_value *hold = found[2].type != SCAN_NONE ? &found[2] : &found[3];
    if (hold->type != SCAN_NONE && coinbase_decimal(hold, report->amount_exp, &report->locked) != 0)
        return ERR_PROTO;
    report->free = report->total - report->locked;
    return 0;
}

/* ---- products ---- */

void coinbase_read_product(const struct order_turn *turn, const struct scan_value *object)
{
    struct coinbase_order *order = turn->order;
    struct coinbase_product_text text;
    struct wire_instrument definition;

    if (coinbase_product_read(object, &text) != 0)
        return;
    struct order_product *product = coinbase_product_of_value(order, &text.id);
    struct coinbase_flags flags = product ? product->flags : (struct coinbase_flags){ 0 };
    coinbase_flags_take(&text, &flags);
    if (coinbase_definition(&text, &flags, order->venue, product ? &product->definition : NULL,
                            &definition) != 0)
        return;
    for (size_t i = 0; !product && i < order->product_count; i++)
        if (order->products[i].definition.header.size == 0 &&
            strcmp(order->products[i].name, definition.name) == 0)
            product = &order->products[i];
    if (!product)
        return;
    bool is_first = product->definition.header.size == 0;
    definition.maker_fee_ppm = is_first ? order->maker_fee_ppm : product->definition.maker_fee_ppm;
    definition.taker_fee_ppm = is_first ? order->taker_fee_ppm : product->definition.taker_fee_ppm;
    product->flags = flags;
    if (memcmp(&definition, &product->definition, sizeof(definition)) == 0)
        return;
    product->definition = definition;
    product->is_new = true;
}
