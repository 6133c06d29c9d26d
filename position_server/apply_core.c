/* One execution or account event, applied once: the arithmetic of positions and balances. */
#include "position_server/position_parts.h"

#include "common/leaf/fixed.h"

#include <string.h>

enum { OPENING_SURE = 5 }; /* So many figures in a row. */

struct account *position_account(struct position_core *core, uint16_t id)
{
    for (uint32_t i = 0; i < core->account_count; i++)
        if (core->accounts[i].id == id)
            return &core->accounts[i];
    if (core->account_count == POSITION_ACCOUNTS_MAX)
        return NULL;
    struct account *account = &core->accounts[core->account_count++];
    *account = (struct account){ .id = id };
    return account;
}

struct balance *position_balance(struct position_core *core, uint16_t account, const char *asset)
{
    for (uint32_t i = 0; i < core->balance_count; i++)
        if (core->balances[i].account == account && strcmp(core->balances[i].asset, asset) == 0)
            return &core->balances[i];
    if (core->balance_count == BALANCES_MAX) {
        core->counters.positions_full++;
        return NULL;
    }
    struct balance *balance = &core->balances[core->balance_count++];
    *balance = (struct balance){ .account = account };
    strncpy(balance->asset, asset, sizeof balance->asset - 1);
    return balance;
}

static struct position *position_of(struct position_core *core, uint16_t account, uint16_t strategy,
                                    const struct wire_trade_event *trade)
{
    for (uint32_t i = 0; i < core->position_count; i++) {
        struct position *position = &core->positions[i];

        if (position->account == account && position->strategy == strategy &&
            position->instrument == trade->header.instrument)
            return position;
    }
    if (core->position_count == POSITIONS_MAX) {
        core->counters.positions_full++;
        return NULL;
    }
    struct position *position = &core->positions[core->position_count++];
    *position = (struct position){ .account = account,
                                   .strategy = strategy,
                                   .instrument = trade->header.instrument,
                                   .price_exp = trade->price_exp,
                                   .qty_exp = trade->qty_exp };
    return position;
}

static int64_t amount_of(int64_t price, int price_exp, int64_t qty, int qty_exp)
{
    int64_t amount;

    if (fixed_notional(price, price_exp, qty, qty_exp, POSITION_AMOUNT_EXP, FIXED_DOWN, &amount) !=
        0)
        return price > 0 ? INT64_MAX / 4 : INT64_MIN / 4;
    return amount;
}

/* Average price: what closes takes its share of the cost, the rest of the price is realised. */
static void apply_to_position(struct position *position, const struct wire_trade_event *trade,
                              int64_t fee_quote)
{
    int64_t qty = trade->qty;

    (void)fixed_rescale(trade->qty, trade->qty_exp, position->qty_exp, FIXED_DOWN, &qty);
    int64_t signed_qty = trade->side == SIDE_BUY ? qty : -qty;
    int64_t value = amount_of(trade->price, trade->price_exp, qty, position->qty_exp);
    int64_t open = position->qty > 0 ? position->qty : -position->qty;
    int64_t closing = (position->qty > 0) != (signed_qty > 0) ? MIN(open, qty) : 0;

    if (closing > 0) {
        int64_t cost_share = 0, value_share = 0;

        (void)fixed_mul_div(position->cost, closing, open, FIXED_NEAREST, &cost_share);
        (void)fixed_mul_div(value, closing, qty, FIXED_NEAREST, &value_share);
        position->realised +=
            position->qty > 0 ? value_share - cost_share : -value_share - cost_share;
        position->cost -= cost_share;
        value -= value_share;
    }
    if (qty > closing)
        position->cost += signed_qty > 0 ? value : -value;
    position->qty += signed_qty;
    if (position->qty == 0)
        position->cost = 0;
    position->fees += fee_quote;
    if (trade->side == SIDE_BUY)
        position->bought += qty;
    else
        position->sold += qty;
    position->trades++;
    position->applied_trade_number = trade->trade_number;
}

static int64_t fee_at_ledger(const struct wire_trade_event *trade)
{
    int64_t fee = 0;

    (void)fixed_rescale(trade->fee, trade->amount_exp, POSITION_AMOUNT_EXP, FIXED_NEAREST, &fee);
    return fee;
}

/* The fee in quote: as it is, at the execution's own price when paid in base, through the marks
 * otherwise. */
static int64_t fee_in_quote(const struct position_core *core, const struct wire_trade_event *trade,
                            const struct market_book *book, int64_t now_ns)
{
    int64_t fee = fee_at_ledger(trade), in_reporting, quote_unit, result;

    if (fee == 0 || !book || strcmp(trade->fee_asset, book->definition.quote) == 0)
        return fee;
    if (strcmp(trade->fee_asset, book->definition.base) == 0)
        return amount_of(trade->price, trade->price_exp, fee, POSITION_AMOUNT_EXP);
    if (position_convert(core, trade->fee_asset, fee, now_ns, &in_reporting) &&
        position_convert(core, book->definition.quote, fixed_pow10(POSITION_AMOUNT_EXP), now_ns,
                         &quote_unit) &&
        quote_unit > 0 &&
        fixed_mul_div(in_reporting, fixed_pow10(POSITION_AMOUNT_EXP), quote_unit, FIXED_NEAREST,
                      &result) == 0)
        return result;
    return 0; /* Shown as unmarked: the balance of the fee's asset still carries it. */
}

static void change(struct position_core *core, uint16_t account, const char *asset, int64_t amount,
                   bool is_fee)
{
    struct balance *balance = asset[0] ? position_balance(core, account, asset) : NULL;

    if (!balance)
        return;
    balance->change += amount;
    if (is_fee)
        balance->fees += amount;
}

static void apply_to_balances(struct position_core *core, const struct wire_trade_event *trade,
                              const struct market_book *book)
{
    int64_t qty = 0;
    int64_t value = amount_of(trade->price, trade->price_exp, trade->qty, trade->qty_exp);
    uint16_t account = trade->header.account;

    (void)fixed_rescale(trade->qty, trade->qty_exp, POSITION_AMOUNT_EXP, FIXED_NEAREST, &qty);
    change(core, account, book->definition.base, trade->side == SIDE_BUY ? qty : -qty, false);
    change(core, account, book->definition.quote, trade->side == SIDE_BUY ? -value : value, false);
    change(core, account, trade->fee_asset, -fee_at_ledger(trade), true);
}

void position_apply_trade(struct position_core *core, const struct wire_trade_event *trade,
                          int64_t now_ns)
{
    const struct market_book *book = market_find(core->market, trade->header.instrument);
    int64_t fee_quote = fee_in_quote(core, trade, book, now_ns);
    struct position *whole = position_of(core, trade->header.account, 0, trade);
    struct position *own =
        trade->strategy ? position_of(core, trade->header.account, trade->strategy, trade) : NULL;

    if (whole)
        apply_to_position(whole, trade, fee_quote);
    if (own)
        apply_to_position(own, trade, fee_quote);
    if (book)
        apply_to_balances(core, trade, book);
    core->counters.trades_applied++;
}

static int64_t at_ledger(int64_t amount, int exp)
{
    int64_t result = 0;

    (void)fixed_rescale(amount, exp, POSITION_AMOUNT_EXP, FIXED_NEAREST, &result);
    return result;
}

bool position_balance_is_old(struct position_core *core, const struct wire_account_event *event)
{
    const struct balance *balance = position_balance(core, event->header.account, event->asset);

    return balance && balance->has_venue &&
           (event->header.epoch < balance->venue_epoch ||
            (event->header.epoch == balance->venue_epoch &&
             event->header.seq < balance->venue_seq));
}

/* The ledger begins where the venue's figure and ours speak of the same executions. The figure may
 * hold one more than as_of says, whose report is still on its way: where the ledger began is
 * settled by a figure that agrees after further executions, or by several without. */
static void settle_opening(struct balance *balance)
{
    int64_t opening = balance->venue_total - balance->change;
    bool agrees = balance->has_opening && opening == balance->opening;

    if (agrees && balance->venue_as_of != balance->opening_as_of)
        balance->opening_agreed = OPENING_SURE;
    else
        balance->opening_agreed = agrees ? (uint8_t)(balance->opening_agreed + 1) : 0;
    balance->opening_as_of = balance->venue_as_of;
    balance->opening = opening;
    balance->has_opening = true;
}

void position_apply_account(struct position_core *core, const struct wire_account_event *event,
                            int64_t now_ns)
{
    struct balance *balance = position_balance(core, event->header.account, event->asset);
    const struct account *account = position_account(core, event->header.account);

    if (!balance || !account)
        return;
    core->counters.events_applied++;
    if (event->kind == ACCOUNT_TRANSFER || event->kind == ACCOUNT_FUNDING ||
        event->kind == ACCOUNT_ADJUSTMENT) {
        balance->change += at_ledger(event->change, event->amount_exp);
        return;
    }
    if (event->kind != ACCOUNT_BALANCE)
        return;
    balance->venue_epoch = event->header.epoch;
    balance->venue_seq = event->header.seq;
    balance->venue_total = at_ledger(event->total, event->amount_exp);
    balance->venue_free = at_ledger(event->free, event->amount_exp);
    balance->venue_locked = at_ledger(event->locked, event->amount_exp);
    balance->venue_as_of = event->as_of_trade_number;
    balance->venue_heard_ns = now_ns;
    balance->has_venue = true;
    if (balance->opening_agreed < OPENING_SURE &&
        event->as_of_trade_number == account->applied_trade_number)
        settle_opening(balance);
}
