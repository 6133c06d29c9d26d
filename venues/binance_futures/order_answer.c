/* Answers that spot does not have: balances with margin, positions, the account's mode, leverage,
 * funding payments, the dead-man switch, changes in place, listen keys. */
#include "venues/binance_futures/order.h"

#include <stdio.h>

#define LEVERAGE_NS   (3600 * NS_PER_S)
#define PROOF_NS      (10 * NS_PER_S)
#define FUNDING_TRIES 6

static void emit(const struct order_turn *turn, const struct venue_report *report)
{
    turn->out->report(turn->out->ctx, report);
}

/* ---- small readers ---- */

int futures_decimal(const struct scan_value *value, int exp, int64_t *out)
{
    struct scan_value cut = *value;
    const char *point = memchr(value->text ? value->text : "", '.', value->len);

    if (point && value->text + value->len - point > exp + 1)
        cut.len = (size_t)(point - value->text) + (size_t)exp + 1;
    return scan_decimal(&cut, exp, out);
}

static int member(const struct scan_value *object, const char *name, int exp, int64_t *out)
{
    struct scan_value value;
    int64_t number;

    if (scan_find(object, name, &value) != 0 || value.len == 0)
        return ERR_NOT_FOUND;
    int err = futures_decimal(&value, exp, &number);
    if (!err)
        *out = number;
    return err;
}

uint32_t *futures_leverage_slot(const struct order_turn *turn, const char *symbol)
{
    struct order_symbol *known = order_symbol_of(turn->order, symbol);

    return known ? &futures_of(turn)->leverage_ppm[known - turn->order->symbols] : NULL;
}

struct futures_asset *futures_asset(const struct order_turn *turn, const char *code)
{
    struct futures_order *order = futures_of(turn);

    for (size_t i = 0; i < order->asset_count; i++)
        if (strcmp(order->assets[i].code, code) == 0)
            return &order->assets[i];
    if (order->asset_count == FUTURES_ASSETS_MAX) {
        turn->out->note(turn->out->ctx, "assets_max", code);
        return NULL;
    }
    struct futures_asset *made = &order->assets[order->asset_count++];
    *made = (struct futures_asset){ 0 };
    binance_copy(made->code, sizeof(made->code), code);
    return made;
}

/* ---- balances ---- */

static int balance_read(const struct scan_value *entry, struct venue_report *report)
{
    struct scan_value name;
    int exp = report->amount_exp;

    if (entry->type != SCAN_OBJECT || scan_find(entry, "asset", &name) != 0 ||
        name.type != SCAN_STRING)
        return ERR_PROTO;
    int err = scan_text(&name, report->asset, sizeof(report->asset));
    if (!err)
        err = member(entry, "walletBalance", exp, &report->total);
    if (!err)
        err = member(entry, "availableBalance", exp, &report->free);
    if (err)
        return err == ERR_RANGE ? ERR_RANGE : ERR_PROTO;
    (void)member(entry, "openOrderInitialMargin", exp, &report->locked);
    (void)member(entry, "positionInitialMargin", exp, &report->margin);
    (void)member(entry, "unrealizedProfit", exp, &report->unrealised_pnl);
    if (scan_find(entry, "updateTime", &name) == 0)
        (void)binance_epoch_ns(&name, &report->exchange_ns);
    return 0;
}

/* The list has only what is in use: an asset that our contracts settle in and that is not there is
 * empty. */
static void missing_emit(const struct order_turn *turn, const struct order_pending *pending,
                         char (*seen)[16], size_t seen_count)
{
    for (size_t i = 0; i < turn->order->symbol_count; i++) {
        const struct wire_instrument *definition = &turn->order->symbols[i].definition;
        struct venue_report report;
        bool is_seen = definition->header.size == 0;

        for (size_t k = 0; k < seen_count && !is_seen; k++)
            is_seen = strcmp(seen[k], definition->settle) == 0;
        for (size_t k = 0; k < i && !is_seen; k++)
            is_seen = strcmp(turn->order->symbols[k].definition.settle, definition->settle) == 0;
        if (is_seen)
            continue;
        order_report_begin(&report, REPORT_BALANCE, pending);
        binance_copy(report.asset, sizeof(report.asset), definition->settle);
        emit(turn, &report);
    }
}

static int on_account(const struct order_turn *turn, struct order_pending *pending,
                      const struct scan_value *result)
{
    struct futures_order *order = futures_of(turn);
    struct scan_value assets, entry;
    struct scan_iter iter;
    struct venue_report report;
    char seen[FUTURES_ASSETS_MAX][16];
    size_t seen_count = 0;
    int err = scan_find(result, "assets", &assets);

    if (err || assets.type != SCAN_ARRAY || scan_begin(&iter, &assets) != 0)
        return ERR_PROTO;
    while ((err = scan_item(&iter, &entry)) == 0) {
        order_report_begin(&report, REPORT_BALANCE, pending);
        err = balance_read(&entry, &report);
        if (err == ERR_RANGE) {
            turn->out->note(turn->out->ctx, "balance_too_large", report.asset);
            continue;
        }
        if (err)
            return ERR_PROTO;
        if (report.total == 0 && !view_is_traded(turn->order, report.asset))
            continue;
        struct futures_asset *known = futures_asset(turn, report.asset);
        if (known) {
            known->total = report.total;
            known->free = report.free;
        }
        if (seen_count < FUTURES_ASSETS_MAX)
            memcpy(seen[seen_count++], report.asset, sizeof(report.asset));
        emit(turn, &report);
    }
    if (err != ERR_NOT_FOUND)
        return ERR_PROTO;
    missing_emit(turn, pending, seen, seen_count);
    order->account_ns = 0;
    order_part_done(turn, pending, true, REASON_NONE, "");
    return 0;
}

/* ---- positions ---- */

static int position_read(const struct order_turn *turn, const struct scan_value *entry,
                         struct venue_report *report, bool *is_one_way)
{
    struct scan_value value;
    int64_t isolated = 0;

    if (entry->type != SCAN_OBJECT || scan_find(entry, "symbol", &value) != 0 ||
        value.type != SCAN_STRING || scan_text(&value, report->symbol, sizeof(report->symbol)) != 0)
        return ERR_PROTO;
    view_place_report(turn->order, report, report->symbol);
    if (member(entry, "positionAmt", report->qty_exp, &report->qty) != 0)
        return ERR_PROTO;
    *is_one_way = scan_find(entry, "positionSide", &value) != 0 || scan_is(&value, "BOTH");
    (void)member(entry, "entryPrice", report->price_exp, &report->price);
    (void)member(entry, "markPrice", report->price_exp, &report->mark_price);
    (void)member(entry, "liquidationPrice", report->price_exp, &report->liquidation_price);
    /* REST and WebSocket do not agree on a capital letter. */
    if (member(entry, "unRealizedProfit", report->amount_exp, &report->unrealised_pnl) != 0)
        (void)member(entry, "unrealizedProfit", report->amount_exp, &report->unrealised_pnl);
    (void)member(entry, "positionInitialMargin", report->amount_exp, &report->margin);
    (void)member(entry, "isolatedWallet", report->amount_exp, &isolated);
    report->is_isolated = isolated != 0 || (scan_find(entry, "marginType", &value) == 0 &&
                                            scan_is(&value, "isolated"));
    if (scan_find(entry, "marginAsset", &value) == 0 && value.type == SCAN_STRING)
        (void)scan_text(&value, report->asset, sizeof(report->asset));
    if (scan_find(entry, "updateTime", &value) == 0)
        (void)binance_epoch_ns(&value, &report->exchange_ns);
    const uint32_t *known = futures_leverage_slot(turn, report->symbol);
    report->leverage_ppm = known ? *known : 0;
    uint64_t leverage; /* The list of before v3 states it. */
    if (scan_find(entry, "leverage", &value) == 0 && scan_u64(&value, &leverage) == 0 &&
        leverage <= 1000)
        report->leverage_ppm = (uint32_t)leverage * 1000000;
    return 0;
}

static int on_positions(const struct order_turn *turn, struct order_pending *pending,
                        const struct scan_value *result)
{
    struct scan_iter iter;
    struct scan_value entry;
    bool is_one_way = true, is_all_one_way = true;
    int err = result->type == SCAN_ARRAY ? scan_begin(&iter, result) : ERR_PROTO;

    while (!err && (err = scan_item(&iter, &entry)) == 0) {
        struct venue_report report;
        order_report_begin(&report, REPORT_POSITION, pending);
        err = position_read(turn, &entry, &report, &is_one_way);
        if (err || report.qty == 0)
            continue; /* Rows without a position have open orders only. */
        is_all_one_way &= is_one_way;
        if (is_one_way)
            emit(turn, &report);
    }
    if (err != ERR_NOT_FOUND)
        return ERR_PROTO;
    order_part_done(turn, pending, is_all_one_way, REASON_HEDGE_MODE,
                    "a position of hedge mode: switch the account to one-way mode");
    return 0;
}

/* ---- the account's settings ---- */

static bool flag(const struct scan_value *object, const char *name, bool otherwise)
{
    struct scan_value value;
    bool out;

    return scan_find(object, name, &value) == 0 && scan_bool(&value, &out) == 0 ? out : otherwise;
}

static int on_account_mode(const struct order_turn *turn, struct order_pending *pending,
                           const struct scan_value *result)
{
    struct scan_value value;

    if (result->type != SCAN_OBJECT || scan_find(result, "dualSidePosition", &value) != 0)
        return ERR_PROTO;
    if (flag(result, "multiAssetsMargin", false))
        turn->out->note(turn->out->ctx, "multi_assets_margin",
                        "assets stand in for each other: free is of the account, not of the asset");
    if (flag(result, "dualSidePosition", true))
        order_part_done(turn, pending, false, REASON_HEDGE_MODE,
                        "the account is in hedge mode (dualSidePosition): switch it to one-way");
    else if (!flag(result, "canTrade", true))
        order_part_done(turn, pending, false, REASON_PERMISSION, "the account may not trade");
    else
        order_part_done(turn, pending, true, REASON_NONE, "");
    return 0;
}

static int on_leverage(const struct order_turn *turn, struct order_pending *pending,
                       const struct scan_value *result)
{
    struct scan_iter iter;
    struct scan_value entry, value;
    char symbol[32];
    uint64_t leverage;
    int err = result->type == SCAN_ARRAY ? scan_begin(&iter, result) : ERR_PROTO;

    while (!err && (err = scan_item(&iter, &entry)) == 0) {
        if (entry.type != SCAN_OBJECT || scan_find(&entry, "symbol", &value) != 0 ||
            scan_text(&value, symbol, sizeof(symbol)) != 0 ||
            scan_find(&entry, "leverage", &value) != 0 || scan_u64(&value, &leverage) != 0)
            continue;
        uint32_t *slot = futures_leverage_slot(turn, symbol);
        if (slot && leverage <= 1000)
            *slot = (uint32_t)leverage * 1000000;
    }
    if (err != ERR_NOT_FOUND)
        return ERR_PROTO;
    futures_of(turn)->leverage_ns = turn->clock->now_ns + LEVERAGE_NS;
    order_part_done(turn, pending, true, REASON_NONE, "");
    return 0;
}

static int on_commission(const struct order_turn *turn, struct order_pending *pending,
                         const struct scan_value *result)
{
    int64_t maker, taker;

    if (member(result, "makerCommissionRate", 6, &maker) != 0 ||
        member(result, "takerCommissionRate", 6, &taker) != 0 || maker < -1000000 ||
        maker > 1000000 || taker < -1000000 || taker > 1000000)
        return ERR_PROTO;
    order_fees_take(turn, pending, (int32_t)maker, (int32_t)taker);
    order_part_done(turn, pending, true, REASON_NONE, "");
    return 0;
}

/* ---- funding payments ---- */

static int payment_emit(const struct order_turn *turn, const struct order_pending *pending,
                        const struct scan_value *entry, int64_t *time_ns)
{
    struct venue_report report;
    struct scan_value value;

    order_report_begin(&report, REPORT_FUNDING, pending);
    if (entry->type != SCAN_OBJECT || scan_find(entry, "time", &value) != 0 ||
        binance_epoch_ns(&value, time_ns) != 0)
        return ERR_PROTO;
    if (scan_find(entry, "incomeType", &value) == 0 && !scan_is(&value, "FUNDING_FEE"))
        return 0;
    report.exchange_ns = *time_ns;
    report.is_from_stream = pending->command.request_id == 0;
    if (scan_find(entry, "symbol", &value) != 0 ||
        scan_text(&value, report.symbol, sizeof(report.symbol)) != 0 ||
        scan_find(entry, "asset", &value) != 0 ||
        scan_text(&value, report.asset, sizeof(report.asset)) != 0 ||
        member(entry, "income", report.amount_exp, &report.change) != 0 ||
        scan_find(entry, "tranId", &value) != 0 ||
        scan_text(&value, report.reference, sizeof(report.reference)) != 0)
        return ERR_PROTO;
    view_place_report(turn->order, &report, report.symbol);
    emit(turn, &report);
    return 0;
}

/* What the stream has told of is asked for until the list has it. Only then is the balance told: a
 * change whose cause is known comes after its cause. */
static void funding_heed(const struct order_turn *turn, int64_t latest_ns)
{
    struct futures_order *order = futures_of(turn);

    if (order->funding_ns == 0)
        return;
    if (latest_ns < order->funding_since && order->funding_tries < FUNDING_TRIES)
        return; /* Not yet: tick asks again. */
    order->funding_ns = 0;
    order->account_ns = turn->clock->now_ns;
}

static int on_funding(const struct order_turn *turn, struct order_pending *pending,
                      const struct scan_value *result)
{
    struct scan_iter iter;
    struct scan_value entry;
    int64_t time_ns = 0, latest_ns = 0;
    size_t count = 0;
    int err = result->type == SCAN_ARRAY ? scan_begin(&iter, result) : ERR_PROTO;

    while (!err && (err = scan_item(&iter, &entry)) == 0) {
        err = payment_emit(turn, pending, &entry, &time_ns);
        latest_ns = MAX(latest_ns, time_ns);
        count++;
    }
    if (err != ERR_NOT_FOUND)
        return ERR_PROTO;
    if (count >= ORDER_TRADES_PAGE) {
        /* The next page begins where this one ends; what is told twice has the same reference. */
        pending->command.since_wall_ns = MAX(latest_ns, pending->command.since_wall_ns + NS_PER_MS);
        pending->repeat_ns = turn->clock->now_ns;
        return 0;
    }
    funding_heed(turn, latest_ns);
    order_part_done(turn, pending, true, REASON_NONE, "");
    return 0;
}

/* ---- orders ---- */

static int on_modified(const struct order_turn *turn, struct order_pending *pending,
                       const struct scan_value *result)
{
    struct order_view view;
    struct venue_report report;

    order_report_command(turn, &report, REPORT_REPLACED, pending);
    if (view_read(result, &view) != 0 || view_report(turn->order, &view, &report) != 0)
        return ERR_PROTO;
    /* Cancelled by the change: the new total was executed already, or post-only would have taken.
     */
    if (report.state == ORDER_CANCELLED || report.state == ORDER_EXPIRED) {
        report.kind = REPORT_REPLACE_LOST;
        report.why = REASON_VENUE_REJECT;
    }
    order_release(pending);
    emit(turn, &report);
    return 0;
}

/* {"code":200,"msg":...}: taken; the stream tells of each order. */
static int on_cancelled_all(const struct order_turn *turn, struct order_pending *pending,
                            const struct scan_value *result)
{
    struct scan_value code;

    if (result->type != SCAN_OBJECT || scan_find(result, "code", &code) != 0 ||
        !scan_is(&code, "200"))
        return ERR_PROTO;
    order_part_done(turn, pending, true, REASON_NONE, "");
    return 0;
}

static int on_dead_man(const struct order_turn *turn, struct order_pending *pending,
                       const struct scan_value *result)
{
    struct scan_value value;
    uint64_t countdown_ms;

    if (result->type != SCAN_OBJECT || scan_find(result, "countdownTime", &value) != 0 ||
        scan_u64(&value, &countdown_ms) != 0)
        return ERR_PROTO;
    if ((int64_t)countdown_ms != pending->command.timeout_ns / NS_PER_MS)
        order_part_done(turn, pending, false, REASON_VENUE_REJECT, "another time was set");
    else
        order_part_done(turn, pending, true, REASON_NONE, "");
    return 0;
}

static int on_key(const struct order_turn *turn, struct order_pending *pending,
                  const struct scan_value *result)
{
    struct scan_value value;
    char key[FUTURES_KEY_MAX];

    bool is_made = pending->kind == REQUEST_KEY_MAKE;
    if (scan_find(result, "listenKey", &value) != 0) {
        if (is_made)
            return ERR_PROTO;
        binance_copy(key, sizeof(key), futures_of(turn)->key); /* {}: kept. */
    } else if (value.type != SCAN_STRING || scan_text(&value, key, sizeof(key)) != 0 ||
               key[strspn(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")]) {
        return ERR_PROTO;
    }
    bool is_other = strcmp(key, futures_of(turn)->key) != 0;
    order_release(pending);
    if (is_made || !is_other)
        futures_key_take(turn, key);
    else if (futures_of(turn)->key[0]) /* Another one was kept than ours. */
        futures_key_drop(turn, REASON_VENUE_AUTH);
    return 0;
}

/* The shared code reads the rest of it; the stream must now tell of this order as well. */
static int on_placed(const struct order_turn *turn)
{
    struct futures_order *order = futures_of(turn);

    if (turn->order->is_stream_up && order->proof_ns == 0)
        order->proof_ns = turn->clock->now_ns + PROOF_NS;
    return ERR_UNSUPPORTED;
}

int futures_on_answer(const struct order_turn *turn, struct order_pending *pending,
                      const struct scan_value *result)
{
    switch (pending->kind) {
    case REQUEST_PLACE:
        return on_placed(turn);
    case REQUEST_REPLACE:
        return on_modified(turn, pending, result);
    case REQUEST_CANCEL_ALL:
        return on_cancelled_all(turn, pending, result);
    case REQUEST_ACCOUNT:
        return on_account(turn, pending, result);
    case REQUEST_POSITIONS:
        return on_positions(turn, pending, result);
    case REQUEST_ACCOUNT_MODE:
        return on_account_mode(turn, pending, result);
    case REQUEST_LEVERAGE:
        return on_leverage(turn, pending, result);
    case REQUEST_COMMISSION:
        return on_commission(turn, pending, result);
    case REQUEST_FUNDING:
        return on_funding(turn, pending, result);
    case REQUEST_DEAD_MAN:
        return on_dead_man(turn, pending, result);
    case REQUEST_KEY_MAKE:
    case REQUEST_KEY_KEEP:
        return on_key(turn, pending, result);
    default:
        return ERR_UNSUPPORTED;
    }
}

bool futures_on_refused(const struct order_turn *turn, struct order_pending *pending, int64_t code,
                        const char *text)
{
    struct venue_report report;

    if (pending->kind == REQUEST_KEY_KEEP && code == -1125) {
        order_release(pending);
        if (futures_of(turn)->key[0])
            futures_key_drop(turn, REASON_VENUE_AUTH);
        return true;
    }
    if (pending->kind == REQUEST_KEY_MAKE)
        turn->out->note(turn->out->ctx, "listen_key", text);
    if (pending->kind != REQUEST_REPLACE || code != -5027)
        return false;
    order_report_command(turn, &report, REPORT_REPLACED, pending);
    order_release(pending);
    emit(turn, &report);
    return true;
}
