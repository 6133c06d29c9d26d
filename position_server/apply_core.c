/* One execution or account event, applied once: the arithmetic of positions and balances. */
#include "position_server/position_parts.h"

#include "common/leaf/fixed.h"

#include <stdio.h>
#include <string.h>

enum { OPENING_SURE = 5 };                            /* So many figures in a row. */
static const int64_t OPENING_TIME_NS = 20 * NS_PER_S; /* An execution that came so late was lost. */

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

struct position *position_find(struct position_core *core, uint16_t account, uint16_t strategy,
                               uint64_t instrument)
{
    for (uint32_t i = 0; i < core->position_count; i++) {
        struct position *position = &core->positions[i];

        if (position->account == account && position->strategy == strategy &&
            position->instrument == instrument)
            return position;
    }
    return NULL;
}

struct position *position_make(struct position_core *core, uint16_t account, uint16_t strategy,
                               uint64_t instrument, int price_exp, int qty_exp)
{
    struct position *position = position_find(core, account, strategy, instrument);

    if (position)
        return position;
    if (core->position_count == POSITIONS_MAX) {
        core->counters.positions_full++;
        return NULL;
    }
    position = &core->positions[core->position_count++];
    *position =
        (struct position){ .account = account, .strategy = strategy, .instrument = instrument };
    holding_init(&position->holding, price_exp, qty_exp);
    return position;
}

static struct position *position_of(struct position_core *core, uint16_t strategy,
                                    const struct wire_trade_event *trade)
{
    return position_make(core, trade->header.account, strategy, trade->header.instrument,
                         trade->price_exp, trade->qty_exp);
}

static int64_t amount_of(int64_t price, int price_exp, int64_t qty, int qty_exp)
{
    int64_t amount;

    if (fixed_notional(price, price_exp, qty, qty_exp, POSITION_AMOUNT_EXP, FIXED_DOWN, &amount) !=
        0)
        return price > 0 ? INT64_MAX / 4 : INT64_MIN / 4;
    return amount;
}

/* What the execution realised, at POSITION_AMOUNT_EXP. */
static int64_t apply_to_position(struct position *position, const struct wire_trade_event *trade,
                                 int64_t fee_quote)
{
    struct holding *holding = &position->holding;
    bool is_buy = trade->side == SIDE_BUY;
    int64_t qty = trade->qty;
    i128 realised =
        holding_fill(holding, is_buy, trade->price, trade->price_exp, trade->qty, trade->qty_exp);

    (void)fixed_rescale(trade->qty, trade->qty_exp, holding->qty_exp, FIXED_NEAREST, &qty);
    position->fees += fee_quote;
    if (is_buy)
        position->bought += qty;
    else
        position->sold += qty;
    position->trades++;
    position->applied_trade_number = trade->trade_number;
    return holding_amount(holding, realised, POSITION_AMOUNT_EXP);
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

static int64_t at_ledger(int64_t amount, int exp)
{
    int64_t result = 0;

    (void)fixed_rescale(amount, exp, POSITION_AMOUNT_EXP, FIXED_NEAREST, &result);
    return result;
}

/* The venue's rounding of an entry price moves a profit by less than a millionth of the value. */
static void compare_realised(struct position_core *core, struct position *whole,
                             const struct wire_trade_event *trade, int64_t stated, int64_t own)
{
    int64_t value = amount_of(trade->price, trade->price_exp, trade->qty, trade->qty_exp);
    int64_t difference = stated > own ? stated - own : own - stated;
    char text[160], theirs[FIXED_TEXT_MAX] = "", ours[FIXED_TEXT_MAX] = "";

    whole->venue_realised += stated;
    whole->compared_realised += own;
    if (difference <= value / 1000000 + 100)
        return;
    core->counters.realised_differed++;
    if (core->is_loading)
        return;
    (void)fixed_format_trim(stated, POSITION_AMOUNT_EXP, theirs, sizeof theirs);
    (void)fixed_format_trim(own, POSITION_AMOUNT_EXP, ours, sizeof ours);
    snprintf(text, sizeof text, "account %u execution %llu: the venue realises %s, we %s",
             trade->header.account, (unsigned long long)trade->trade_number, theirs, ours);
    core->out.note(core->out.ctx, "realised_differs", text);
}

/* Notional changes hands for spot only; of a derivative, what closing realised: as the venue states
 * it where it does, since that is what it books. */
static void apply_to_balances(struct position_core *core, const struct wire_trade_event *trade,
                              const struct market_book *book, struct position *whole, int64_t own)
{
    uint16_t account = trade->header.account;

    change(core, account, trade->fee_asset, -fee_at_ledger(trade), true);
    if (market_is_derivative(book)) {
        int64_t stated = at_ledger(trade->realised_pnl, trade->amount_exp);
        if (trade->has_realised_pnl && whole)
            compare_realised(core, whole, trade, stated, own);
        change(core, account, book->definition.settle, trade->has_realised_pnl ? stated : own,
               false);
        return;
    }
    int64_t qty = at_ledger(trade->qty, trade->qty_exp);
    int64_t value = amount_of(trade->price, trade->price_exp, trade->qty, trade->qty_exp);
    change(core, account, book->definition.base, trade->side == SIDE_BUY ? qty : -qty, false);
    change(core, account, book->definition.quote, trade->side == SIDE_BUY ? -value : value, false);
}

void position_apply_trade(struct position_core *core, const struct wire_trade_event *trade,
                          int64_t now_ns)
{
    const struct market_book *book = market_find(core->market, trade->header.instrument);
    int64_t fee_quote = fee_in_quote(core, trade, book, now_ns), own_realised = 0;
    struct position *whole = position_of(core, 0, trade);
    struct position *own = trade->strategy ? position_of(core, trade->strategy, trade) : NULL;

    if (whole)
        own_realised = apply_to_position(whole, trade, fee_quote);
    if (own)
        (void)apply_to_position(own, trade, fee_quote);
    if (book)
        apply_to_balances(core, trade, book, whole, own_realised);
    core->counters.trades_applied++;
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
 * hold one more than as_of says, or a payment of funding, whose report is still on its way: where
 * the ledger began is settled by figures that agree over a time in which reports arrive, the
 * balance having moved in between (executions of other assets prove nothing), or by several. */
static void settle_opening(struct balance *balance, int64_t exchange_ns)
{
    int64_t opening = balance->venue_total - balance->change;
    bool agrees = balance->has_opening && opening == balance->opening;

    if (!agrees) {
        balance->opening_agreed = 0;
        balance->opening_moved = false;
        balance->opening_since_ns = exchange_ns;
    } else {
        bool is_long_enough =
            exchange_ns == 0 || exchange_ns - balance->opening_since_ns >= OPENING_TIME_NS;
        balance->opening_moved |= balance->change != balance->opening_change;
        balance->opening_agreed =
            (uint8_t)MIN(balance->opening_agreed + 1, OPENING_SURE - !is_long_enough);
        if (balance->opening_moved && is_long_enough)
            balance->opening_agreed = OPENING_SURE;
    }
    balance->opening_change = balance->change;
    balance->opening = opening;
    balance->has_opening = true;
}

/* Funding belongs to the position that it was paid for; of it to each strategy its share of the
 * quantity. */
static void apply_funding(struct position_core *core, const struct wire_account_event *event)
{
    uint16_t account = event->header.account;
    int64_t amount = at_ledger(event->change, event->amount_exp);
    const struct market_book *book = market_find(core->market, event->header.instrument);
    struct position *whole =
        book ? position_make(core, account, 0, event->header.instrument, book->definition.price_exp,
                             book->definition.qty_exp)
             : NULL;

    if (!whole)
        return;
    whole->funding += amount;
    for (uint32_t i = 0; i < core->position_count && whole->holding.qty != 0; i++) {
        struct position *own = &core->positions[i];
        int64_t qty = whole->holding.qty, part = own->holding.qty, share = 0;
        if (own->account != account || own->strategy == 0 ||
            own->instrument != event->header.instrument)
            continue;
        if (fixed_mul_div(amount, qty < 0 ? -part : part, qty < 0 ? -qty : qty, FIXED_NEAREST,
                          &share) == 0)
            own->funding += share;
    }
}

/* A position that was there before the engine's journal. It may come after executions that were
 * younger: as one more at its price, profit and cost come out the same in sum. */
static void apply_opening(struct position_core *core, const struct wire_account_event *event)
{
    const struct market_book *book = market_find(core->market, event->header.instrument);
    struct position *whole =
        book ? position_make(core, event->header.account, 0, event->header.instrument,
                             book->definition.price_exp, book->definition.qty_exp)
             : NULL;
    bool is_long = event->change > 0;

    if (!whole || whole->has_opening)
        return;
    whole->has_opening = true;
    (void)holding_fill(&whole->holding, is_long, event->total, event->amount_exp,
                       is_long ? event->change : -event->change, event->amount_exp);
}

bool position_has_opening(struct position_core *core, const struct wire_account_event *event)
{
    const struct position *whole =
        position_find(core, event->header.account, 0, event->header.instrument);

    return whole && whole->has_opening;
}

void position_apply_account(struct position_core *core, const struct wire_account_event *event,
                            int64_t now_ns)
{
    if (event->kind == ACCOUNT_POSITION) {
        core->counters.events_applied++;
        apply_opening(core, event);
        return;
    }
    struct balance *balance = position_balance(core, event->header.account, event->asset);
    const struct account *account = position_account(core, event->header.account);

    if (!balance || !account)
        return;
    core->counters.events_applied++;
    if (event->kind == ACCOUNT_TRANSFER || event->kind == ACCOUNT_FUNDING ||
        event->kind == ACCOUNT_ADJUSTMENT) {
        balance->change += at_ledger(event->change, event->amount_exp);
        if (event->kind == ACCOUNT_FUNDING)
            apply_funding(core, event);
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
        settle_opening(balance, event->exchange_ns);
}
