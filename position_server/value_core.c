/* What positions and balances are worth: marks, conversion, PnL, and the events of 6003 that say
 * so. */
#include "position_server/position_parts.h"

#include "common/leaf/fixed.h"
#include "common/pure/topology.h"

#include <string.h>

enum { PPM = 1000000 };

/* What an instrument is valued at, at its price_exp: the venue's mark of a derivative, else the
 * middle of its book, while fresh. */
static bool price_of(const struct position_core *core, const struct market_book *book,
                     int64_t now_ns, int64_t *price)
{
    int64_t age_ns = core->config.mark_max_age_ns, mid = market_mid(book);

    if (market_mark(book, now_ns, age_ns, price))
        return true;
    if (mid <= 0 || !market_is_fresh(book, now_ns, age_ns))
        return false;
    *price = mid;
    return true;
}

/* The same at POSITION_AMOUNT_EXP. */
static bool mark_of(const struct position_core *core, const struct market_book *book,
                    int64_t now_ns, int64_t *mark)
{
    int64_t price;

    return price_of(core, book, now_ns, &price) &&
           fixed_rescale(price, book->definition.price_exp, POSITION_AMOUNT_EXP, FIXED_DOWN,
                         mark) == 0;
}

/* In what profit is paid. */
static const char *money_of(const struct market_book *book)
{
    return market_is_derivative(book) && book->definition.settle[0] ? book->definition.settle
                                                                    : book->definition.quote;
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

/* One step along any fresh pair of which asset is one side and target the other: of spot first, a
 * perpetual's price is not quite the asset's. */
static bool convert_along(const struct position_core *core, const char *asset, const char *target,
                          int64_t amount, int64_t now_ns, bool is_derivative, int64_t *out)
{
    int64_t mark;

    for (uint32_t i = 0; i < core->market->count; i++) {
        const struct market_book *book = &core->market->books[i];
        if (market_is_derivative(book) != is_derivative)
            continue;
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

static bool convert_step(const struct position_core *core, const char *asset, const char *target,
                         int64_t amount, int64_t now_ns, int64_t *out)
{
    return convert_along(core, asset, target, amount, now_ns, false, out) ||
           convert_along(core, asset, target, amount, now_ns, true, out);
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
    int64_t mark, unrealised, realised, exposure; /* Settle asset, at POSITION_AMOUNT_EXP (mark: at
                                                     price_exp). */
    int64_t realised_reporting, unrealised_reporting, fees_reporting, funding_reporting,
        exposure_reporting;
    bool is_marked;
};

static struct value value_of(const struct position_core *core, const struct position *position,
                             int64_t now_ns)
{
    const struct market_book *book = market_find(core->market, position->instrument);
    const struct holding *holding = &position->holding;
    struct value value = { .realised =
                               holding_amount(holding, holding->realised, POSITION_AMOUNT_EXP) };
    int64_t mark = 0;
    bool is_marked = book && price_of(core, book, now_ns, &value.mark) &&
                     fixed_rescale(value.mark, book->definition.price_exp, holding->price_exp,
                                   FIXED_NEAREST, &mark) == 0;

    if (is_marked) {
        i128 worth = (i128)mark * holding->qty;
        value.unrealised =
            holding_amount(holding, holding_unrealised(holding, mark), POSITION_AMOUNT_EXP);
        value.exposure = holding_amount(holding, worth < 0 ? -worth : worth, POSITION_AMOUNT_EXP);
    }
    const struct {
        int64_t amount, *reporting;
    } amounts[] = { { value.realised, &value.realised_reporting },
                    { value.unrealised, &value.unrealised_reporting },
                    { position->fees, &value.fees_reporting },
                    { position->funding, &value.funding_reporting },
                    { value.exposure, &value.exposure_reporting } };
    /* A flat position needs no mark, only its money's conversion. */
    value.is_marked = (is_marked || holding->qty == 0) && book;
    for (size_t i = 0; i < COUNT(amounts) && book; i++)
        value.is_marked &=
            position_convert(core, money_of(book), amounts[i].amount, now_ns, amounts[i].reporting);
    return value;
}

int64_t position_net(const struct position_core *core, const struct position *position,
                     int64_t now_ns, bool *is_marked)
{
    struct value value = value_of(core, position, now_ns);

    *is_marked = value.is_marked;
    return value.realised_reporting + value.unrealised_reporting - value.fees_reporting +
           value.funding_reporting;
}

static void publish_update(struct position_core *core, const struct position *position)
{
    struct wire_position_update update;

    WIRE_BEGIN(&update, position_update);
    update.header.account = position->account;
    update.header.instrument = position->instrument;
    update.qty = position->holding.qty;
    update.avg_price = holding_average(&position->holding);
    update.applied_trade_number = position->applied_trade_number;
    update.strategy = position->strategy;
    update.price_exp = position->holding.price_exp;
    update.qty_exp = position->holding.qty_exp;
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
    event.qty = position->holding.qty;
    event.avg_price = holding_average(&position->holding);
    event.mark_price = value.mark;
    event.realised_pnl = value.realised;
    event.unrealised_pnl = value.unrealised;
    event.fees = position->fees;
    event.realised_reporting = value.realised_reporting;
    event.unrealised_reporting = value.unrealised_reporting;
    event.fees_reporting = value.fees_reporting;
    event.funding = position->funding;
    event.funding_reporting = value.funding_reporting;
    event.bought_qty = position->bought;
    event.sold_qty = position->sold;
    event.applied_trade_number = position->applied_trade_number;
    event.trades = position->trades;
    event.strategy = position->strategy;
    event.price_exp = position->holding.price_exp;
    event.qty_exp = position->holding.qty_exp;
    event.amount_exp = POSITION_AMOUNT_EXP;
    event.is_marked = value.is_marked;
    event.has_venue_position = position->has_venue;
    if (position->has_venue) {
        event.venue_qty = position->venue_qty;
        event.venue_avg_price = position->venue_avg_price;
        event.venue_unrealised_pnl = position->venue_unrealised;
        event.is_reconciled = position->venue_qty == position->holding.qty;
    }
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
        event.funding += value.funding_reporting;
        event.gross_exposure += value.exposure_reporting;
        event.net_day -= position->day_base;
        event.applied_trade_number =
            MAX(event.applied_trade_number, position->applied_trade_number);
        event.is_marked &= value.is_marked;
    }
    event.header.flags = WIRE_SNAPSHOT;
    event.header.account = account;
    event.header.origin_ns = now_ns;
    event.net = event.realised + event.unrealised - event.fees + event.funding;
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
