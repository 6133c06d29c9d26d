/* What positions and balances are worth: marks, conversion, PnL, and the events of 6003 that say
 * so. */
#include "position_server/position_parts.h"

#include "common/leaf/fixed.h"
#include "common/pure/topology.h"

#include <string.h>

enum { PPM = 1000000 };

/* The price of an instrument at POSITION_AMOUNT_EXP, while its book is fresh. */
static bool mark_of(const struct position_core *core, const struct market_book *book,
                    int64_t now_ns, int64_t *mark)
{
    int64_t mid = market_mid(book);

    return mid > 0 && market_is_fresh(book, now_ns, core->config.mark_max_age_ns) &&
           fixed_rescale(mid, book->definition.price_exp, POSITION_AMOUNT_EXP, FIXED_DOWN, mark) ==
               0;
}

static bool times(int64_t amount, int64_t price, int64_t *out)
{
    return fixed_mul_div(amount, price, fixed_pow10(POSITION_AMOUNT_EXP), FIXED_NEAREST, out) == 0;
}

/* USDT, USD and USDC differ unless the configuration says equal, and then only less the haircut. */
static bool convert_equal(const struct position_core *core, const char *asset, int64_t amount,
                          const char **as, int64_t *out)
{
    const struct equal_asset *equal =
        equal_assets_find(core->config.equals, core->config.equal_count, asset);

    if (!equal)
        return false;
    *as = equal->as;
    return fixed_mul_div(amount, PPM - (amount > 0 ? equal->haircut_ppm : -equal->haircut_ppm), PPM,
                         FIXED_NEAREST, out) == 0;
}

/* One step along any fresh pair of which asset is one side and target the other. */
static bool convert_step(const struct position_core *core, const char *asset, const char *target,
                         int64_t amount, int64_t now_ns, int64_t *out)
{
    int64_t mark;

    for (uint32_t i = 0; i < core->market->count; i++) {
        const struct market_book *book = &core->market->books[i];
        bool is_base = strcmp(book->definition.base, asset) == 0 &&
                       strcmp(book->definition.quote, target) == 0;
        bool is_quote = strcmp(book->definition.quote, asset) == 0 &&
                        strcmp(book->definition.base, target) == 0;

        if ((!is_base && !is_quote) || !mark_of(core, book, now_ns, &mark))
            continue;
        return is_base ? times(amount, mark, out)
                       : fixed_mul_div(amount, fixed_pow10(POSITION_AMOUNT_EXP), mark,
                                       FIXED_NEAREST, out) == 0;
    }
    return false;
}

bool position_convert(const struct position_core *core, const char *asset, int64_t amount,
                      int64_t now_ns, int64_t *out)
{
    const char *reporting = core->config.reporting, *as = asset;
    int64_t value = amount;

    if (strcmp(asset, reporting) == 0 || amount == 0) {
        *out = amount;
        return true;
    }
    if (convert_equal(core, asset, amount, &as, &value)) {
        if (strcmp(as, reporting) == 0) {
            *out = value;
            return true;
        }
        asset = as;
    }
    if (convert_step(core, asset, reporting, value, now_ns, out))
        return true;
    /* Two steps: through the quote of any pair that has asset as its base. */
    for (uint32_t i = 0; i < core->market->count; i++) {
        const struct market_book *book = &core->market->books[i];
        int64_t between, mark;

        if (strcmp(book->definition.base, asset) != 0 || !mark_of(core, book, now_ns, &mark) ||
            !times(value, mark, &between))
            continue;
        if (convert_equal(core, book->definition.quote, between, &as, &between) &&
            strcmp(as, reporting) == 0) {
            *out = between;
            return true;
        }
        if (convert_step(core, book->definition.quote, reporting, between, now_ns, out))
            return true;
    }
    return false;
}

struct value {
    int64_t mark, unrealised, exposure; /* Quote, at POSITION_AMOUNT_EXP (mark: at price_exp). */
    int64_t realised_reporting, unrealised_reporting, fees_reporting, exposure_reporting;
    bool is_marked;
};

static struct value value_of(const struct position_core *core, const struct position *position,
                             int64_t now_ns)
{
    const struct market_book *book = market_find(core->market, position->instrument);
    struct value value = { 0 };
    int64_t mark, qty, worth = 0;
    bool is_marked = book && mark_of(core, book, now_ns, &mark);

    if (is_marked) {
        (void)fixed_rescale(position->qty, position->qty_exp, POSITION_AMOUNT_EXP, FIXED_NEAREST,
                            &qty);
        is_marked = times(qty, mark, &worth);
        value.mark = market_mid(book);
        value.unrealised = worth - position->cost;
        value.exposure = worth > 0 ? worth : -worth;
    }
    /* A flat position needs no mark, only its quote's conversion. */
    value.is_marked = (is_marked || position->qty == 0) && book &&
                      position_convert(core, book->definition.quote, position->realised, now_ns,
                                       &value.realised_reporting) &&
                      position_convert(core, book->definition.quote, value.unrealised, now_ns,
                                       &value.unrealised_reporting) &&
                      position_convert(core, book->definition.quote, position->fees, now_ns,
                                       &value.fees_reporting) &&
                      position_convert(core, book->definition.quote, value.exposure, now_ns,
                                       &value.exposure_reporting);
    return value;
}

int64_t position_net(const struct position_core *core, const struct position *position,
                     int64_t now_ns, bool *is_marked)
{
    struct value value = value_of(core, position, now_ns);

    *is_marked = value.is_marked;
    return value.realised_reporting + value.unrealised_reporting - value.fees_reporting;
}

static int64_t average_price(const struct position *position)
{
    int64_t at_ledger, price = 0;
    int64_t cost = position->cost > 0 ? position->cost : -position->cost;
    int64_t qty = position->qty > 0 ? position->qty : -position->qty;

    if (qty == 0 ||
        fixed_mul_div(cost, fixed_pow10(position->qty_exp), qty, FIXED_NEAREST, &at_ledger) != 0)
        return 0;
    (void)fixed_rescale(at_ledger, POSITION_AMOUNT_EXP, position->price_exp, FIXED_NEAREST, &price);
    return price;
}

static void publish_update(struct position_core *core, const struct position *position)
{
    struct wire_position_update update;

    WIRE_BEGIN(&update, position_update);
    update.header.account = position->account;
    update.header.instrument = position->instrument;
    update.qty = position->qty;
    update.avg_price = average_price(position);
    update.applied_trade_number = position->applied_trade_number;
    update.strategy = position->strategy;
    update.price_exp = position->price_exp;
    update.qty_exp = position->qty_exp;
    core->out.publish(core->out.ctx, STREAM_POSITION_UPDATES, &update.header);
}

void position_publish_one(struct position_core *core, const struct position *position,
                          int64_t now_ns)
{
    struct value value = value_of(core, position, now_ns);
    struct wire_position event;

    WIRE_BEGIN(&event, position);
    event.header.flags = WIRE_SNAPSHOT;
    event.header.account = position->account;
    event.header.instrument = position->instrument;
    event.header.origin_ns = now_ns;
    event.qty = position->qty;
    event.avg_price = average_price(position);
    event.mark_price = value.mark;
    event.realised_pnl = position->realised;
    event.unrealised_pnl = value.unrealised;
    event.fees = position->fees;
    event.realised_reporting = value.realised_reporting;
    event.unrealised_reporting = value.unrealised_reporting;
    event.fees_reporting = value.fees_reporting;
    event.bought_qty = position->bought;
    event.sold_qty = position->sold;
    event.applied_trade_number = position->applied_trade_number;
    event.trades = position->trades;
    event.strategy = position->strategy;
    event.price_exp = position->price_exp;
    event.qty_exp = position->qty_exp;
    event.amount_exp = POSITION_AMOUNT_EXP;
    event.is_marked = value.is_marked;
    core->out.publish(core->out.ctx, STREAM_POSITIONS, &event.header);
    publish_update(core, position);
}

void position_publish_balance(struct position_core *core, struct balance *balance, int64_t now_ns)
{
    const struct account *account = position_account(core, balance->account);
    int64_t total = balance->opening + balance->change, reporting = 0;
    bool is_settled = account && now_ns - account->last_trade_ns > core->config.settle_ns &&
                      account->announced_trade_number <= account->applied_trade_number &&
                      balance->venue_heard_ns > account->last_trade_ns;
    int64_t difference =
        balance->has_venue && balance->has_opening ? balance->venue_total - total : 0;
    struct wire_balance event;

    if (difference == 0)
        balance->unexplained_since_ns = 0;
    else if (is_settled && balance->unexplained_since_ns == 0)
        balance->unexplained_since_ns = now_ns;
    WIRE_BEGIN(&event, balance);
    event.header.flags = WIRE_SNAPSHOT;
    event.header.account = balance->account;
    event.header.origin_ns = now_ns;
    memcpy(event.asset, balance->asset, sizeof event.asset);
    event.total = total;
    event.venue_total = balance->venue_total;
    event.venue_free = balance->venue_free;
    event.venue_locked = balance->venue_locked;
    event.difference = difference;
    event.is_marked = position_convert(core, balance->asset, total, now_ns, &reporting);
    event.reporting = event.is_marked ? reporting : 0;
    event.applied_trade_number = account ? account->applied_trade_number : 0;
    event.amount_exp = POSITION_AMOUNT_EXP;
    event.is_reconciled = balance->has_venue && balance->has_opening && difference == 0;
    core->out.publish(core->out.ctx, STREAM_POSITIONS, &event.header);
}

static bool is_complete(const struct position_core *core, uint16_t account)
{
    for (uint32_t i = 0; i < core->account_count; i++)
        if ((account == 0 || core->accounts[i].id == account) &&
            core->accounts[i].announced_trade_number > core->accounts[i].applied_trade_number)
            return false;
    return true;
}

/* Sum over the positions of (account, strategy); account 0: everything, from the whole-account
 * rows. */
static void publish_sum(struct position_core *core, uint16_t account, uint16_t strategy,
                        int64_t now_ns)
{
    struct wire_pnl event;

    WIRE_BEGIN(&event, pnl);
    event.is_marked = 1;
    for (uint32_t i = 0; i < core->position_count; i++) {
        const struct position *position = &core->positions[i];

        if ((account != 0 && position->account != account) || position->strategy != strategy)
            continue;
        struct value value = value_of(core, position, now_ns);
        event.realised += value.realised_reporting;
        event.unrealised += value.unrealised_reporting;
        event.fees += value.fees_reporting;
        event.gross_exposure += value.exposure_reporting;
        event.net_day -= position->day_base;
        event.applied_trade_number =
            MAX(event.applied_trade_number, position->applied_trade_number);
        event.is_marked &= value.is_marked;
    }
    event.header.flags = WIRE_SNAPSHOT;
    event.header.account = account;
    event.header.origin_ns = now_ns;
    event.net = event.realised + event.unrealised - event.fees;
    event.net_day += event.net;
    memcpy(event.currency, core->config.reporting, sizeof event.currency);
    event.strategy = strategy;
    event.amount_exp = POSITION_AMOUNT_EXP;
    event.is_complete = is_complete(core, account);
    core->out.publish(core->out.ctx, STREAM_POSITIONS, &event.header);
}

static bool is_first_of_strategy(const struct position_core *core, uint32_t at)
{
    for (uint32_t i = 0; i < at; i++)
        if (core->positions[i].strategy == core->positions[at].strategy)
            return false;
    return core->positions[at].strategy != 0;
}

void position_publish_pnl(struct position_core *core, int64_t now_ns)
{
    for (uint32_t i = 0; i < core->account_count; i++)
        publish_sum(core, core->accounts[i].id, 0, now_ns);
    for (uint32_t i = 0; i < core->position_count; i++)
        if (is_first_of_strategy(core, i))
            publish_sum(core, 0, core->positions[i].strategy, now_ns);
    publish_sum(core, 0, 0, now_ns);
}
