/* Rows of orders, executions, positions and wallets. The stream and the lists word them alike. */
#include "venues/bybit/order.h"
#include "common/leaf/fixed.h"
#include "common/pure/instrument.h"

#include <stdio.h>

void bybit_report_place(struct bybit_side *side, struct venue_report *report,
                        enum bybit_category category, const char *symbol)
{
    const struct bybit_listed *listed = bybit_listed_of(side, category, symbol);

    report->price_exp = report->qty_exp = report->amount_exp = BYBIT_EXP;
    bybit_copy(report->symbol, sizeof(report->symbol), symbol);
    report->instrument_kind = bybit_kind(category);
    report->instrument = instrument_id("bybit", report->instrument_kind, symbol);
    if (listed) {
        report->price_exp = listed->definition.price_exp;
        report->qty_exp = listed->definition.qty_exp;
    }
}

/* A table of members: where each is to be kept. */
struct member {
    const char *name;
    size_t offset;
};

static int members_read(const struct scan_value *row, const struct member *members, size_t count,
                        void *out)
{
    struct scan_iter iter;
    struct scan_value key, value;
    int err = row->type == SCAN_OBJECT ? scan_begin(&iter, row) : ERR_PROTO;

    while (!err && (err = scan_member(&iter, &key, &value)) == 0)
        for (size_t i = 0; i < count; i++)
            if (scan_is(&key, members[i].name)) {
                *(struct scan_value *)(void *)((char *)out + members[i].offset) = value;
                break;
            }
    return err == ERR_NOT_FOUND ? 0 : ERR_PROTO;
}

/* Names instrument and side of a row. */
static int place_read(const struct bybit_turn *turn, const struct scan_value *word,
                      const struct scan_value *symbol, enum bybit_category category,
                      struct venue_report *report)
{
    char text[32];

    if (category == BYBIT_CATEGORIES)
        category = bybit_category_read(word);
    if (category == BYBIT_CATEGORIES)
        return ERR_UNSUPPORTED; /* inverse, option, spread */
    if (symbol->type != SCAN_STRING || scan_text(symbol, text, sizeof(text)) != 0)
        return ERR_PROTO;
    bybit_report_place(turn->side, report, category, text);
    return 0;
}

static wire_side side_of(const struct scan_value *word)
{
    return scan_is(word, "Buy") ? SIDE_BUY : scan_is(word, "Sell") ? SIDE_SELL : SIDE_NONE;
}

static int text_read(const struct scan_value *value, char *out, size_t cap)
{
    return value->type == SCAN_STRING ? scan_text(value, out, cap) : ERR_PROTO;
}

/* ---- orders ---- */

struct order_members {
    struct scan_value category, symbol, order_id, link_id, side, price, qty, type, tif, status,
        cum_qty, cancel_type, reject_reason, reduce_only, create_type, updated, created;
};

static const struct member order_names[] = {
    { "category", offsetof(struct order_members, category) },
    { "symbol", offsetof(struct order_members, symbol) },
    { "orderId", offsetof(struct order_members, order_id) },
    { "orderLinkId", offsetof(struct order_members, link_id) },
    { "side", offsetof(struct order_members, side) },
    { "price", offsetof(struct order_members, price) },
    { "qty", offsetof(struct order_members, qty) },
    { "orderType", offsetof(struct order_members, type) },
    { "timeInForce", offsetof(struct order_members, tif) },
    { "orderStatus", offsetof(struct order_members, status) },
    { "cumExecQty", offsetof(struct order_members, cum_qty) },
    { "cancelType", offsetof(struct order_members, cancel_type) },
    { "rejectReason", offsetof(struct order_members, reject_reason) },
    { "reduceOnly", offsetof(struct order_members, reduce_only) },
    { "createType", offsetof(struct order_members, create_type) },
    { "updatedTime", offsetof(struct order_members, updated) },
    { "createdTime", offsetof(struct order_members, created) },
};

static wire_order_state state_of(const struct scan_value *word, bool *is_conditional)
{
    static const struct {
        const char *word;
        wire_order_state state;
        bool is_conditional;
    } states[] = {
        { "New", ORDER_LIVE, false },
        { "PartiallyFilled", ORDER_PARTIALLY_FILLED, false },
        { "Filled", ORDER_FILLED, false },
        { "Cancelled", ORDER_CANCELLED, false },
        { "PartiallyFilledCanceled", ORDER_CANCELLED, false },
        { "Rejected", ORDER_REJECTED, false },
        { "Deactivated", ORDER_CANCELLED, false },
        { "Untriggered", ORDER_LIVE, true },
        { "Triggered", ORDER_LIVE, true },
    };

    for (size_t i = 0; word->type == SCAN_STRING && i < COUNT(states); i++)
        if (scan_is(word, states[i].word)) {
            *is_conditional = states[i].is_conditional;
            return states[i].state;
        }
    return ORDER_NONE;
}

static void tif_read(const struct scan_value *word, struct venue_report *report)
{
    report->is_post_only = scan_is(word, "PostOnly");
    report->time_in_force = scan_is(word, "IOC")   ? TIF_IOC
                            : scan_is(word, "FOK") ? TIF_FOK
                                                   : TIF_GTC;
}

static bool begins(const struct scan_value *value, const char *begin)
{
    return value->type == SCAN_STRING && value->len >= strlen(begin) &&
           memcmp(value->text, begin, strlen(begin)) == 0;
}

/* The venue's own orders: liquidation, take-over, auto-deleveraging. */
static bool is_forced(const struct scan_value *create_type)
{
    return begins(create_type, "CreateByLiq") || begins(create_type, "CreateByTakeOver") ||
           begins(create_type, "CreateByAdl") || begins(create_type, "CreateByAdminClosing");
}

int bybit_read_order(const struct bybit_turn *turn, const struct scan_value *row,
                     enum bybit_category category, struct bybit_order_row *more,
                     struct venue_report *report)
{
    struct order_members m = { .category = { .type = SCAN_NONE } };

    if (members_read(row, order_names, COUNT(order_names), &m) != 0)
        return ERR_PROTO;
    *more =
        (struct bybit_order_row){ .cancel_type = m.cancel_type, .reject_reason = m.reject_reason };
    int err = place_read(turn, &m.category, &m.symbol, category, report);
    if (err)
        return err;
    more->category = bybit_category_of(report->instrument_kind);
    report->state = state_of(&m.status, &more->is_conditional);
    report->side = side_of(&m.side);
    if (report->state == ORDER_NONE || report->side == SIDE_NONE ||
        text_read(&m.order_id, report->exchange_order_id, sizeof(report->exchange_order_id)) != 0 ||
        !*report->exchange_order_id ||
        (m.link_id.type == SCAN_STRING &&
         text_read(&m.link_id, report->client_order_id, sizeof(report->client_order_id)) != 0) ||
        scan_decimal(&m.qty, report->qty_exp, &report->qty) != 0)
        return ERR_PROTO;
    report->type = scan_is(&m.type, "Market") ? ORDER_MARKET : ORDER_LIMIT;
    tif_read(&m.tif, report);
    if (report->type == ORDER_LIMIT && bybit_amount(&m.price, report->price_exp, &report->price))
        return ERR_PROTO;
    if (bybit_amount(&m.cum_qty, report->qty_exp, &report->cum_qty) != 0)
        return ERR_PROTO;
    more->is_rejected = report->state == ORDER_REJECTED;
    if (more->is_rejected && report->cum_qty > 0)
        report->state = ORDER_CANCELLED; /* Its executions hold; the rest is gone. */
    report->is_reduce_only = m.reduce_only.type == SCAN_TRUE;
    report->is_liquidation = is_forced(&m.create_type);
    if (bybit_ms(&m.updated, &report->exchange_ns) != 0 || report->exchange_ns == 0)
        (void)bybit_ms(&m.created, &report->exchange_ns);
    return 0;
}

wire_reason bybit_end_reason(const struct bybit_order_row *row)
{
    static const struct {
        const char *word;
        wire_reason why;
    } rejects[] = {
        { "EC_PostOnlyWillTakeLiquidity", REASON_VENUE_POST_ONLY },
        { "EC_NoImmediateQtyToFill", REASON_NO_LIQUIDITY },
        { "EC_NoEnoughQtyToFill", REASON_NO_LIQUIDITY },
        { "EC_CancelForNoFullFill", REASON_NO_LIQUIDITY },
        { "EC_ReachRiskPriceLimit", REASON_VENUE_FILTER },
        { "EC_ReachMarketPriceLimit", REASON_VENUE_FILTER },
        { "EC_PerCancelRequest", REASON_REQUESTED },
    },
      cancels[] = {
          { "CancelByUser", REASON_REQUESTED },
          { "CancelBySmp", REASON_SELF_TRADE_PREVENTED },
          { "CancelByReduceOnly", REASON_REDUCE_ONLY },
          { "CancelByPrepareLiq", REASON_LIQUIDATION },
          { "CancelAllBeforeLiq", REASON_LIQUIDATION },
          { "CancelByPrepareAdl", REASON_LIQUIDATION },
          { "CancelAllBeforeAdl", REASON_LIQUIDATION },
          { "CancelByDCP", REASON_DEAD_MAN },
          { "CancelBySettle", REASON_INSTRUMENT_NOT_TRADABLE },
          { "CancelByAdmin", REASON_VENUE_REJECT },
      };

    for (size_t i = 0; row->cancel_type.type == SCAN_STRING && i < COUNT(cancels); i++)
        if (scan_is(&row->cancel_type, cancels[i].word))
            return cancels[i].why;
    for (size_t i = 0; row->reject_reason.type == SCAN_STRING && i < COUNT(rejects); i++)
        if (scan_is(&row->reject_reason, rejects[i].word))
            return rejects[i].why;
    return row->is_rejected ? REASON_VENUE_REJECT : REASON_NONE;
}

/* ---- executions ---- */

struct execution_members {
    struct scan_value category, symbol, exec_id, type, order_id, link_id, side, price, qty, fee,
        fee_coin, extra, pnl, maker, time, rate;
};

static const struct member execution_names[] = {
    { "category", offsetof(struct execution_members, category) },
    { "symbol", offsetof(struct execution_members, symbol) },
    { "execId", offsetof(struct execution_members, exec_id) },
    { "execType", offsetof(struct execution_members, type) },
    { "orderId", offsetof(struct execution_members, order_id) },
    { "orderLinkId", offsetof(struct execution_members, link_id) },
    { "side", offsetof(struct execution_members, side) },
    { "execPrice", offsetof(struct execution_members, price) },
    { "execQty", offsetof(struct execution_members, qty) },
    { "execFee", offsetof(struct execution_members, fee) },
    { "feeCurrency", offsetof(struct execution_members, fee_coin) },
    { "extraFees", offsetof(struct execution_members, extra) },
    { "execPnl", offsetof(struct execution_members, pnl) },
    { "isMaker", offsetof(struct execution_members, maker) },
    { "execTime", offsetof(struct execution_members, time) },
    { "feeRate", offsetof(struct execution_members, rate) },
};

/* In which coin a fee is paid where the row does not say: contracts in what they settle in, spot by
 * the side, the other way round for a maker's rebate. */
static void fee_coin_default(const struct bybit_turn *turn, struct venue_report *report)
{
    const struct bybit_listed *listed =
        bybit_listed_of(turn->side, bybit_category_of(report->instrument_kind), report->symbol);

    if (!listed)
        return;
    const struct wire_instrument *d = &listed->definition;
    bool is_rebate = report->fee < 0 && report->liquidity == LIQUIDITY_MAKER;
    bool pays_base = (report->side == SIDE_BUY) != is_rebate;
    bybit_copy(report->fee_asset, sizeof(report->fee_asset),
               d->kind == INSTRUMENT_PERPETUAL ? d->settle
               : pays_base                     ? d->base
                                               : d->quote);
}

/* Taxes beside the fee, [{"feeCoin":"USDT","fee":"0.0046",...}] or "": what is paid in the fee's
 * own coin is a fee. */
static void extra_fees_add(const struct bybit_turn *turn, const struct scan_value *list,
                           struct venue_report *report)
{
    struct scan_iter iter;
    struct scan_value item, coin, value;
    int64_t fee;

    if (list->type != SCAN_ARRAY || scan_begin(&iter, list) != 0)
        return;
    while (scan_item(&iter, &item) == 0) {
        if (item.type != SCAN_OBJECT || scan_find(&item, "feeCoin", &coin) != 0 ||
            scan_find(&item, "fee", &value) != 0 ||
            bybit_amount(&value, report->amount_exp, &fee) != 0)
            continue;
        if (coin.type == SCAN_STRING && scan_is(&coin, report->fee_asset))
            report->fee += fee;
        else
            bybit_note(turn, "fee_of_another_coin", "%.*s", (int)MIN(coin.len, 16), coin.text);
    }
}

/* A payment: what the row calls a fee was paid, a negative one received. */
static int funding_read(const struct bybit_turn *turn, const struct execution_members *m,
                        struct venue_report *report)
{
    int64_t fee;

    report->kind = REPORT_FUNDING;
    if (bybit_amount(&m->fee, report->amount_exp, &fee) != 0 ||
        text_read(&m->exec_id, report->reference, sizeof(report->reference)) != 0)
        return ERR_PROTO;
    report->change = -fee;
    if (m->fee_coin.type == SCAN_STRING && m->fee_coin.len > 0) {
        if (scan_text(&m->fee_coin, report->asset, sizeof(report->asset)) != 0)
            return ERR_PROTO;
    } else {
        fee_coin_default(turn, report);
        memcpy(report->asset, report->fee_asset, sizeof(report->asset));
        report->fee_asset[0] = '\0';
    }
    return *report->asset ? 0 : ERR_UNSUPPORTED; /* A contract that we do not know. */
}

static int fill_read(const struct bybit_turn *turn, const struct execution_members *m,
                     struct venue_report *report)
{
    report->kind = REPORT_FILL;
    report->side = side_of(&m->side);
    if (report->side == SIDE_NONE ||
        text_read(&m->exec_id, report->venue_trade_id, sizeof(report->venue_trade_id)) != 0 ||
        !*report->venue_trade_id ||
        text_read(&m->order_id, report->exchange_order_id, sizeof(report->exchange_order_id)) !=
            0 ||
        (m->link_id.type == SCAN_STRING &&
         text_read(&m->link_id, report->client_order_id, sizeof(report->client_order_id)) != 0) ||
        bybit_amount(&m->price, report->price_exp, &report->last_price) != 0 ||
        scan_decimal(&m->qty, report->qty_exp, &report->last_qty) != 0 || report->last_qty <= 0 ||
        report->last_price <= 0 || bybit_amount(&m->fee, report->amount_exp, &report->fee) != 0)
        return ERR_PROTO;
    report->liquidity = m->maker.type == SCAN_TRUE    ? LIQUIDITY_MAKER
                        : m->maker.type == SCAN_FALSE ? LIQUIDITY_TAKER
                                                      : LIQUIDITY_UNKNOWN;
    if (m->fee_coin.type == SCAN_STRING && m->fee_coin.len > 0) {
        if (scan_text(&m->fee_coin, report->fee_asset, sizeof(report->fee_asset)) != 0)
            return ERR_PROTO;
    } else {
        fee_coin_default(turn, report);
    }
    extra_fees_add(turn, &m->extra, report);
    if (report->instrument_kind == INSTRUMENT_PERPETUAL && m->pnl.type == SCAN_STRING &&
        m->pnl.len > 0) {
        if (bybit_amount(&m->pnl, report->amount_exp, &report->realised_pnl) != 0)
            return ERR_PROTO;
        report->has_realised_pnl = true;
    }
    report->is_liquidation = scan_is(&m->type, "BustTrade") || scan_is(&m->type, "AdlTrade");
    return 0;
}

int bybit_read_execution(const struct bybit_turn *turn, const struct scan_value *row,
                         enum bybit_category category, struct venue_report *report)
{
    struct execution_members m = { .category = { .type = SCAN_NONE } };

    if (members_read(row, execution_names, COUNT(execution_names), &m) != 0)
        return ERR_PROTO;
    int err = place_read(turn, &m.category, &m.symbol, category, report);
    if (!err)
        err = bybit_ms(&m.time, &report->exchange_ns);
    if (err)
        return err;
    if (scan_is(&m.type, "Funding"))
        return funding_read(turn, &m, report);
    if (scan_is(&m.type, "Trade") || scan_is(&m.type, "AdlTrade") ||
        scan_is(&m.type, "BustTrade") || scan_is(&m.type, "BlockTrade") ||
        scan_is(&m.type, "MovePosition"))
        return fill_read(turn, &m, report);
    return ERR_UNSUPPORTED; /* Delivery, Settle, FutureSpread: no contract of ours has them. */
}

/* ---- positions ---- */

struct position_members {
    struct scan_value category, symbol, side, size, entry, mark, liquidation, unrealised, realised,
        margin, leverage, mode, index, updated;
};

static const struct member position_names[] = {
    { "category", offsetof(struct position_members, category) },
    { "symbol", offsetof(struct position_members, symbol) },
    { "side", offsetof(struct position_members, side) },
    { "size", offsetof(struct position_members, size) },
    { "entryPrice", offsetof(struct position_members, entry) },
    { "avgPrice", offsetof(struct position_members, entry) },
    { "markPrice", offsetof(struct position_members, mark) },
    { "liqPrice", offsetof(struct position_members, liquidation) },
    { "unrealisedPnl", offsetof(struct position_members, unrealised) },
    { "cumRealisedPnl", offsetof(struct position_members, realised) },
    { "positionIM", offsetof(struct position_members, margin) },
    { "leverage", offsetof(struct position_members, leverage) },
    { "tradeMode", offsetof(struct position_members, mode) },
    { "positionIdx", offsetof(struct position_members, index) },
    { "updatedTime", offsetof(struct position_members, updated) },
};

static int optional(const struct scan_value *value, int exp, int64_t *out)
{
    return value->type == SCAN_NONE ? 0 : bybit_amount(value, exp, out);
}

int bybit_read_position(const struct bybit_turn *turn, const struct scan_value *row,
                        struct venue_report *report, bool *is_hedge)
{
    struct position_members m = { .category = { .type = SCAN_NONE } };
    int64_t index = 0, leverage = 0;

    if (members_read(row, position_names, COUNT(position_names), &m) != 0)
        return ERR_PROTO;
    int err = place_read(turn, &m.category, &m.symbol,
                         m.category.type == SCAN_NONE ? BYBIT_LINEAR : BYBIT_CATEGORIES, report);
    if (!err && report->instrument_kind != INSTRUMENT_PERPETUAL)
        err = ERR_UNSUPPORTED;
    if (err)
        return err;
    if ((m.index.type != SCAN_NONE && scan_i64(&m.index, &index) != 0) ||
        bybit_amount(&m.size, report->qty_exp, &report->qty) != 0 ||
        optional(&m.entry, report->price_exp, &report->price) != 0 ||
        optional(&m.mark, report->price_exp, &report->mark_price) != 0 ||
        optional(&m.liquidation, report->price_exp, &report->liquidation_price) != 0 ||
        optional(&m.unrealised, report->amount_exp, &report->unrealised_pnl) != 0 ||
        optional(&m.realised, report->amount_exp, &report->realised_pnl) != 0 ||
        optional(&m.margin, report->amount_exp, &report->margin) != 0 ||
        optional(&m.leverage, 6, &leverage) != 0 || leverage < 0 || leverage > UINT32_MAX ||
        bybit_ms(&m.updated, &report->exchange_ns) != 0)
        return ERR_PROTO;
    wire_side side = side_of(&m.side);
    if (report->qty < 0 || (report->qty > 0 && side == SIDE_NONE))
        return ERR_PROTO;
    if (side == SIDE_SELL)
        report->qty = -report->qty;
    if (report->qty == 0) /* A flat row keeps figures of what was. */
        report->price = report->liquidation_price = report->margin = 0;
    report->leverage_ppm = (uint32_t)leverage;
    report->is_isolated = m.mode.len == 1 && m.mode.text[0] == '1';
    fee_coin_default(turn, report);
    memcpy(report->asset, report->fee_asset, sizeof(report->asset));
    report->fee_asset[0] = '\0';
    *is_hedge = index != 0;
    return 0;
}

/* ---- wallet ---- */

struct coin_members {
    struct scan_value coin, total, locked, order_margin, position_margin, unrealised, bonus,
        borrowed;
};

static const struct member coin_names[] = {
    { "coin", offsetof(struct coin_members, coin) },
    { "walletBalance", offsetof(struct coin_members, total) },
    { "locked", offsetof(struct coin_members, locked) },
    { "totalOrderIM", offsetof(struct coin_members, order_margin) },
    { "totalPositionIM", offsetof(struct coin_members, position_margin) },
    { "unrealisedPnl", offsetof(struct coin_members, unrealised) },
    { "bonus", offsetof(struct coin_members, bonus) },
    { "spotBorrow", offsetof(struct coin_members, borrowed) },
};

/* What was borrowed to trade spot is in the wallet and not ours: the total is what executions sum
 * up to. What is free is figured: the venue states that only for the account as a whole, in USD. A
 * loss not yet realised is not free either. */
static int coin_report(const struct bybit_turn *turn, const struct scan_value *row,
                       const struct venue_command *command, int64_t exchange_ns)
{
    struct coin_members m = { .coin = { .type = SCAN_NONE } };
    struct venue_report report;
    int64_t locked = 0, order_margin = 0, bonus = 0, borrowed = 0;

    if (members_read(row, coin_names, COUNT(coin_names), &m) != 0)
        return ERR_PROTO;
    bybit_report_begin(turn, &report, REPORT_BALANCE, command);
    if (text_read(&m.coin, report.asset, sizeof(report.asset)) != 0 || !*report.asset ||
        bybit_amount(&m.total, BYBIT_EXP, &report.total) != 0 ||
        optional(&m.locked, BYBIT_EXP, &locked) != 0 ||
        optional(&m.order_margin, BYBIT_EXP, &order_margin) != 0 ||
        optional(&m.position_margin, BYBIT_EXP, &report.margin) != 0 ||
        optional(&m.unrealised, BYBIT_EXP, &report.unrealised_pnl) != 0 ||
        optional(&m.bonus, BYBIT_EXP, &bonus) != 0 ||
        optional(&m.borrowed, BYBIT_EXP, &borrowed) != 0)
        return ERR_PROTO;
    report.total -= borrowed;
    report.locked = locked + order_margin;
    report.free = MAX(0, report.total - report.locked - report.margin - bonus +
                             MIN(0, report.unrealised_pnl));
    report.exchange_ns = exchange_ns;
    report.is_from_stream = command == NULL;
    bybit_report(turn, &report);
    return 0;
}

int bybit_report_wallet(const struct bybit_turn *turn, const struct scan_value *account,
                        const struct venue_command *command, int64_t exchange_ns)
{
    struct scan_iter iter;
    struct scan_value coins, row;
    int err = account->type == SCAN_OBJECT && scan_find(account, "coin", &coins) == 0 &&
                      coins.type == SCAN_ARRAY
                  ? scan_begin(&iter, &coins)
                  : ERR_PROTO;

    while (!err && (err = scan_item(&iter, &row)) == 0)
        err = coin_report(turn, &row, command, exchange_ns);
    return err == ERR_NOT_FOUND ? 0 : ERR_PROTO;
}
