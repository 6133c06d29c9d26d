/* Channels executions and balances. Frames of an order say what changed and often no more than the
 * venue's id: what was said before is kept in the cache and laid under. */
#include "common/leaf/fixed.h"
#include "venues/kraken/order.h"

#include <stdio.h>

/* One element of executions. Values that were not said stay NONE. */
struct execution {
    struct scan_value order_id, client_id, symbol, exec_type, status, side, order_type;
    struct scan_value time_in_force, post_only, qty, price, cum_qty;
    struct scan_value exec_id, last_qty, last_price, liquidity, fees, reason, stamp;
};

static int read_execution(const struct scan_value *item, struct execution *out)
{
    static const struct {
        const char *name;
        size_t offset;
    } members[] = {
        { "order_id", offsetof(struct execution, order_id) },
        { "cl_ord_id", offsetof(struct execution, client_id) },
        { "symbol", offsetof(struct execution, symbol) },
        { "exec_type", offsetof(struct execution, exec_type) },
        { "order_status", offsetof(struct execution, status) },
        { "side", offsetof(struct execution, side) },
        { "order_type", offsetof(struct execution, order_type) },
        { "time_in_force", offsetof(struct execution, time_in_force) },
        { "post_only", offsetof(struct execution, post_only) },
        { "order_qty", offsetof(struct execution, qty) },
        { "limit_price", offsetof(struct execution, price) },
        { "cum_qty", offsetof(struct execution, cum_qty) },
        { "exec_id", offsetof(struct execution, exec_id) },
        { "last_qty", offsetof(struct execution, last_qty) },
        { "last_price", offsetof(struct execution, last_price) },
        { "liquidity_ind", offsetof(struct execution, liquidity) },
        { "fees", offsetof(struct execution, fees) },
        { "reason", offsetof(struct execution, reason) },
        { "timestamp", offsetof(struct execution, stamp) },
    };
    struct scan_iter iter;
    struct scan_value key, value;
    int err = item->type == SCAN_OBJECT ? scan_begin(&iter, item) : ERR_PROTO;

    while (!err && (err = scan_member(&iter, &key, &value)) == 0)
        for (size_t i = 0; i < COUNT(members); i++)
            if (scan_is(&key, members[i].name)) {
                *(struct scan_value *)(void *)((char *)out + members[i].offset) = value;
                break;
            }
    if (err != ERR_NOT_FOUND || out->order_id.type != SCAN_STRING ||
        out->exec_type.type != SCAN_STRING)
        return ERR_PROTO;
    return 0;
}

static wire_order_state state_of(const struct scan_value *status, const struct order_known *known)
{
    static const struct {
        const char *word;
        wire_order_state state;
    } words[] = {
        { "pending_new", ORDER_LIVE },
        { "new", ORDER_LIVE },
        { "partially_filled", ORDER_PARTIALLY_FILLED },
        { "filled", ORDER_FILLED },
        { "canceled", ORDER_CANCELLED },
        { "expired", ORDER_EXPIRED },
    };

    for (size_t i = 0; i < COUNT(words); i++)
        if (scan_is(status, words[i].word))
            return words[i].state == ORDER_LIVE && known->cum_qty > 0 ? ORDER_PARTIALLY_FILLED
                                                                      : words[i].state;
    return known->state;
}

static int take_text(const struct scan_value *value, char *out, size_t cap)
{
    return value->type == SCAN_STRING ? scan_text(value, out, cap) : 0;
}

static int take_number(const struct scan_value *value, int exp, int64_t *out)
{
    int64_t number, scaled;
    int number_exp;

    if (value->type != SCAN_NUMBER && value->type != SCAN_STRING)
        return 0;
    int err = scan_decimal(value, exp, out);
    if (err != ERR_RANGE)
        return err;
    /* Finer than the instrument: an average, or noise. */
    if (fixed_parse_natural(value->text, value->len, &number, &number_exp) != 0 ||
        fixed_rescale(number, number_exp, exp, FIXED_DOWN, &scaled) != 0)
        return ERR_PROTO;
    *out = scaled;
    return 0;
}

/* Lays what the frame says over what was known. */
static int merge(const struct kraken_turn *turn, const struct execution *execution,
                 struct order_known *known)
{
    struct venue_report scale;
    bool has_symbol = execution->symbol.type == SCAN_STRING;
    int err = has_symbol ? take_text(&execution->symbol, known->symbol, sizeof(known->symbol)) : 0;

    if (!err)
        err = take_text(&execution->client_id, known->client_order_id,
                        sizeof(known->client_order_id));
    if (err)
        return ERR_PROTO;
    if (has_symbol && known->qty == 0) { /* Its numbers are still to come: they take its scale. */
        scale = (struct venue_report){ .kind = REPORT_ORDER };
        kraken_report_instrument(turn->side, &scale, known->symbol);
        known->price_exp = scale.price_exp;
        known->qty_exp = scale.qty_exp;
    }
    if (execution->side.type == SCAN_STRING)
        known->side = scan_is(&execution->side, "buy") ? SIDE_BUY : SIDE_SELL;
    if (execution->order_type.type == SCAN_STRING)
        known->type = scan_is(&execution->order_type, "limit")    ? ORDER_LIMIT
                      : scan_is(&execution->order_type, "market") ? ORDER_MARKET
                                                                  : ORDER_TYPE_NONE;
    if (execution->time_in_force.type == SCAN_STRING)
        known->time_in_force = scan_is(&execution->time_in_force, "IOC") ? TIF_IOC : TIF_GTC;
    if (execution->post_only.type == SCAN_TRUE)
        known->is_post_only = true;
    if (take_number(&execution->qty, known->qty_exp, &known->qty) != 0 ||
        take_number(&execution->price, known->price_exp, &known->price) != 0 ||
        take_number(&execution->cum_qty, known->qty_exp, &known->cum_qty) != 0)
        return ERR_PROTO;
    /* A fill of the snapshot tells the state that the order came to later. */
    known->state = state_of(&execution->status, known);
    return 0;
}

static void fill_in(const struct kraken_turn *turn, const struct order_known *known,
                    struct venue_report *report)
{
    kraken_report_instrument(turn->side, report, known->symbol);
    report->is_from_stream = true;
    report->price_exp = known->price_exp;
    report->qty_exp = known->qty_exp;
    snprintf(report->client_order_id, sizeof(report->client_order_id), "%s",
             known->client_order_id);
    snprintf(report->exchange_order_id, sizeof(report->exchange_order_id), "%s", known->order_id);
    report->side = known->side;
    report->type = known->type;
    report->time_in_force = known->time_in_force;
    report->is_post_only = known->is_post_only;
    report->state = known->state;
    report->price = known->price;
    report->qty = known->qty;
    report->cum_qty = known->cum_qty;
}

static bool has_part(const struct scan_value *text, const char *part)
{
    return text->type == SCAN_STRING && memmem(text->text, text->len, part, strlen(part));
}

/* Why an order ended, in the venue's words and, where it says none, by what kind of order it was.
 */
static wire_reason end_reason(const struct order_known *known, const struct scan_value *reason)
{
    static const struct {
        const char *part;
        wire_reason why;
    } words[] = {
        { "User requested", REASON_REQUESTED },
        { "Order replaced", REASON_REQUESTED },
        { "Post only", REASON_VENUE_POST_ONLY },
        { "post only", REASON_VENUE_POST_ONLY },
        { "Self trade", REASON_SELF_TRADE_PREVENTED },
        { "elf-trade", REASON_SELF_TRADE_PREVENTED },
        { "STP", REASON_SELF_TRADE_PREVENTED },
        { "CancelAllOrdersAfter", REASON_DEAD_MAN },
        { "Timeout", REASON_DEAD_MAN },
        { "Out of funds", REASON_VENUE_FUNDS },
        { "Insufficient", REASON_VENUE_FUNDS },
        { "IOC", REASON_NO_LIQUIDITY },
        { "mmediate", REASON_NO_LIQUIDITY },
    };

    for (size_t i = 0; i < COUNT(words); i++)
        if (has_part(reason, words[i].part))
            return words[i].why;
    return known->time_in_force == TIF_IOC || known->type == ORDER_MARKET ? REASON_NO_LIQUIDITY
                                                                          : REASON_NONE;
}

/* fees is a list of {asset, qty}: one asset but for odd cases, which are said aloud. */
static int take_fees(const struct kraken_turn *turn, const struct scan_value *fees,
                     struct venue_report *report)
{
    struct scan_iter iter;
    struct scan_value item, asset, qty;
    char code[16], canonical[16];
    int64_t amount = 0;

    if (fees->type != SCAN_ARRAY)
        return 0;
    int err = scan_begin(&iter, fees);
    while (!err && (err = scan_item(&iter, &item)) == 0) {
        if (item.type != SCAN_OBJECT || scan_find(&item, "asset", &asset) != 0 ||
            scan_find(&item, "qty", &qty) != 0 || scan_text(&asset, code, sizeof(code)) != 0 ||
            take_number(&qty, KRAKEN_EXP, &amount) != 0)
            return ERR_PROTO;
        kraken_asset_code(&turn->side->names, code, canonical);
        if (*report->fee_asset && strcmp(report->fee_asset, canonical) != 0) {
            kraken_note(turn, "second_fee_asset", "%s of %s", canonical, report->venue_trade_id);
            continue;
        }
        snprintf(report->fee_asset, sizeof(report->fee_asset), "%s", canonical);
        report->fee += amount;
    }
    return err == ERR_NOT_FOUND ? 0 : ERR_PROTO;
}

static int report_fill(const struct kraken_turn *turn, const struct execution *execution,
                       const struct order_known *known, struct venue_report *report)
{
    report->kind = REPORT_FILL;
    report->last_qty = report->last_price = 0;
    if (take_text(&execution->exec_id, report->venue_trade_id, sizeof(report->venue_trade_id)) ||
        take_number(&execution->last_qty, known->qty_exp, &report->last_qty) != 0 ||
        take_number(&execution->last_price, known->price_exp, &report->last_price) != 0 ||
        !*report->venue_trade_id || report->last_qty <= 0 || report->last_price <= 0)
        return ERR_PROTO;
    report->amount_exp = KRAKEN_EXP;
    report->liquidity = scan_is(&execution->liquidity, "m")   ? LIQUIDITY_MAKER
                        : scan_is(&execution->liquidity, "t") ? LIQUIDITY_TAKER
                                                              : LIQUIDITY_UNKNOWN;
    /* What the order came to stands in its own frames; a fill does not end it. */
    if (execution->cum_qty.type == SCAN_NONE)
        report->cum_qty = -1;
    int err = take_fees(turn, &execution->fees, report);
    if (!err)
        kraken_report(turn, report);
    return err;
}

static int on_execution(const struct kraken_turn *turn, const struct scan_value *item,
                        bool is_snapshot)
{
    struct execution execution = { .order_id = { .type = SCAN_NONE } };
    struct venue_report report;
    char order_id[VENUE_ID_MAX];

    if (read_execution(item, &execution) != 0 ||
        scan_text(&execution.order_id, order_id, sizeof(order_id)) != 0 || !*order_id)
        return ERR_PROTO;
    struct order_known *known = order_cache_put(&turn->side->cache, order_id);
    if (merge(turn, &execution, known) != 0)
        return ERR_PROTO;
    kraken_report_begin(turn, &report, REPORT_ORDER, NULL);
    fill_in(turn, known, &report);
    if (execution.stamp.type == SCAN_STRING &&
        time_text_read(execution.stamp.text, execution.stamp.len, &report.exchange_ns) != 0)
        return ERR_PROTO;
    if (scan_is(&execution.exec_type, "trade"))
        return report_fill(turn, &execution, known, &report);
    if (scan_is(&execution.exec_type, "pending_new") && !is_snapshot) {
        known->changed_ns = turn->clock->now_ns;
        return 0; /* Validated; "new" says that it works. */
    }
    if (scan_is(&execution.exec_type, "new") && !is_snapshot) {
        known->changed_ns = turn->clock->now_ns;
        report.kind = REPORT_NEW;
    } else if (scan_is(&execution.exec_type, "canceled")) {
        report.kind = REPORT_CANCELLED;
        report.why = end_reason(known, &execution.reason);
    } else if (scan_is(&execution.exec_type, "expired")) {
        report.kind = REPORT_EXPIRED;
        report.why = end_reason(known, &execution.reason);
    } else if (scan_is(&execution.exec_type, "amended")) {
        known->changed_ns = turn->clock->now_ns;
    }
    (void)take_text(&execution.reason, report.text, sizeof(report.text));
    kraken_report(turn, &report);
    return 0;
}

int kraken_on_executions(const struct kraken_turn *turn, const struct scan_value *data,
                         bool is_snapshot)
{
    struct scan_iter iter;
    struct scan_value item;
    int first_err = 0;
    int err = data->type == SCAN_ARRAY ? scan_begin(&iter, data) : ERR_PROTO;

    while (!err && (err = scan_item(&iter, &item)) == 0) {
        int item_err = on_execution(turn, &item, is_snapshot);
        if (item_err && !first_err)
            first_err = item_err;
    }
    return err == ERR_NOT_FOUND ? first_err : ERR_PROTO;
}

/* ---- balances ---- */

/* Reads an amount at eight decimals where that is exact, else at the finest that fits. */
static int read_amount(const struct scan_value *value, int64_t *amount, int8_t *exp)
{
    static const int8_t exps[] = { KRAKEN_EXP, 10, 6, 4 };

    if (value->type != SCAN_NUMBER && value->type != SCAN_STRING)
        return ERR_PROTO;
    for (size_t i = 0; i < COUNT(exps); i++) {
        int err = scan_decimal(value, exps[i], amount);
        if (err == ERR_PROTO)
            return err;
        if (!err) {
            *exp = exps[i];
            return 0;
        }
    }
    *exp = KRAKEN_EXP;
    return take_number(value, KRAKEN_EXP, amount);
}

/* What our open orders hold of an asset, as far as the stream has named them: the balances channel
 * tells totals only. */
static int64_t held(const struct kraken_turn *turn, const char *asset, int exp)
{
    const struct order_cache *cache = &turn->side->cache;
    i128 sum = 0;

    for (uint32_t i = 0; i < cache->used; i++) {
        const struct order_known *known = &cache->orders[i];
        const struct kraken_pair *pair;
        int64_t open_qty, amount = 0;
        if (!known->is_used || known->state >= ORDER_FILLED || known->qty <= 0 ||
            !(pair = kraken_pair_by_symbol(&turn->side->names, known->symbol)))
            continue;
        open_qty = known->qty - MAX(known->cum_qty, 0);
        if (known->side == SIDE_SELL && strcmp(pair->base, asset) == 0)
            (void)fixed_rescale(open_qty, known->qty_exp, exp, FIXED_UP, &amount);
        else if (known->side == SIDE_BUY && strcmp(pair->quote, asset) == 0)
            (void)fixed_notional(known->price, known->price_exp, open_qty, known->qty_exp, exp,
                                 FIXED_UP, &amount);
        sum += MAX(amount, 0);
    }
    return sum > INT64_MAX ? INT64_MAX : (int64_t)sum;
}

void kraken_report_balance(const struct kraken_turn *turn, const struct venue_command *command,
                           const char *asset, const struct scan_value *total,
                           const struct scan_value *locked, int64_t exchange_ns)
{
    struct venue_report report;

    kraken_report_begin(turn, &report, REPORT_BALANCE, command);
    report.client_order_id[0] = report.exchange_order_id[0] = '\0';
    report.is_from_stream = command == NULL;
    report.exchange_ns = exchange_ns;
    kraken_asset_code(&turn->side->names, asset, report.asset);
    if (read_amount(total, &report.total, &report.amount_exp) != 0)
        return;
    if (locked)
        (void)take_number(locked, report.amount_exp, &report.locked);
    else
        report.locked = held(turn, report.asset, report.amount_exp);
    report.locked = MIN(MAX(report.locked, 0), MAX(report.total, 0));
    report.free = report.total - report.locked;
    kraken_report(turn, &report);
}

static bool is_spot_main(const struct scan_value *wallet, const char *type_name,
                         const char *id_name)
{
    struct scan_value type, id;

    return (scan_find(wallet, type_name, &type) != 0 || scan_is(&type, "spot")) &&
           (scan_find(wallet, id_name, &id) != 0 || scan_is(&id, "main"));
}

/* The tradable part of a snapshot's balance: the spot wallet's, where wallets are told apart. */
static struct scan_value spot_part(const struct scan_value *item, struct scan_value total)
{
    struct scan_value wallets, wallet, balance;
    struct scan_iter iter;

    if (scan_find(item, "wallets", &wallets) != 0 || wallets.type != SCAN_ARRAY ||
        scan_begin(&iter, &wallets) != 0)
        return total;
    while (scan_item(&iter, &wallet) == 0)
        if (wallet.type == SCAN_OBJECT && is_spot_main(&wallet, "type", "id") &&
            scan_find(&wallet, "balance", &balance) == 0)
            return balance;
    return total;
}

static void report_transfer(const struct kraken_turn *turn, const char *asset,
                            const struct scan_value *item, int64_t exchange_ns)
{
    struct venue_report report;
    struct scan_value amount, fee, id;
    int64_t fee_amount = 0;

    kraken_report_begin(turn, &report, REPORT_TRANSFER, NULL);
    report.is_from_stream = true;
    report.exchange_ns = exchange_ns;
    kraken_asset_code(&turn->side->names, asset, report.asset);
    if (scan_find(item, "amount", &amount) != 0 ||
        read_amount(&amount, &report.change, &report.amount_exp) != 0)
        return;
    if (scan_find(item, "fee", &fee) == 0 && take_number(&fee, report.amount_exp, &fee_amount) == 0)
        report.change -= fee_amount;
    if (scan_find(item, "ledger_id", &id) == 0)
        (void)take_text(&id, report.venue_trade_id, sizeof(report.venue_trade_id));
    kraken_report(turn, &report);
}

static int on_balance(const struct kraken_turn *turn, const struct scan_value *item,
                      bool is_snapshot)
{
    struct scan_value asset, balance, type, stamp;
    char name[16];
    int64_t exchange_ns = 0;

    if (item->type != SCAN_OBJECT || scan_find(item, "asset", &asset) != 0 ||
        scan_text(&asset, name, sizeof(name)) != 0 || !*name ||
        scan_find(item, "balance", &balance) != 0 || kraken_decimals(&balance) < 0)
        return ERR_PROTO;
    if (scan_find(item, "timestamp", &stamp) == 0 &&
        time_text_read(stamp.text, stamp.len, &exchange_ns) != 0)
        return ERR_PROTO;
    if (is_snapshot) {
        struct scan_value spot = spot_part(item, balance);
        kraken_report_balance(turn, NULL, name, &spot, NULL, 0);
        return 0;
    }
    if (!is_spot_main(item, "wallet_type", "wallet_id"))
        return 0; /* Earn wallets are not tradable. */
    if (scan_find(item, "type", &type) == 0 && !scan_is(&type, "trade"))
        report_transfer(turn, name, item, exchange_ns);
    kraken_report_balance(turn, NULL, name, &balance, NULL, exchange_ns);
    return 0;
}

int kraken_on_balances(const struct kraken_turn *turn, const struct scan_value *data,
                       bool is_snapshot)
{
    struct scan_iter iter;
    struct scan_value item;
    int first_err = 0;
    int err = data->type == SCAN_ARRAY ? scan_begin(&iter, data) : ERR_PROTO;

    while (!err && (err = scan_item(&iter, &item)) == 0) {
        int item_err = on_balance(turn, &item, is_snapshot);
        if (item_err && !first_err)
            first_err = item_err;
    }
    return err == ERR_NOT_FOUND ? first_err : ERR_PROTO;
}
