/* exchange_position_core.c - positions in perpetuals: opened, closed, funded, closed by force. */
#include "venue_simulator/exchange_internal.h"

enum {
    BASIS_DAMPING =
        512, /* Calls over which the mark follows the book: 5 s of the market's steps. */
    PREMIUM_DAMPING = 4096, /* The same of the premium that funding pays. */
};
#define PPB INT64_C(1000000000)

static int64_t magnitude(int64_t value)
{
    return value < 0 ? -value : value;
}

/* ---- trades ---- */

/* Takes a part off the position. What it cost is rounded towards zero: the rest stays with what is
 * open, and the last part takes all. */
static int64_t close_part(struct exchange_position *position, int64_t qty, int64_t quote)
{
    int64_t sign = position->qty > 0 ? 1 : -1;
    int64_t cost = (int64_t)((i128)position->cost * qty / magnitude(position->qty));

    position->qty -= sign * qty;
    position->cost -= cost;
    return sign * quote - cost;
}

struct exchange_closing exchange_position_trade(struct exchange *exchange,
                                                const struct exchange_order *order, int64_t qty,
                                                int64_t quote, int64_t fee)
{
    struct exchange_account *account = &exchange->accounts[order->account];
    struct exchange_position *position = &account->positions[order->instrument];
    int64_t sign = order->match.side == SIDE_BUY ? 1 : -1;
    struct exchange_closing closing = { 0 };

    if (position->qty * sign < 0) {
        closing.qty = MIN(qty, magnitude(position->qty));
        int64_t part = closing.qty == qty ? quote : (int64_t)((i128)quote * closing.qty / qty);
        closing.realised = close_part(position, closing.qty, part);
        qty -= closing.qty;
        quote -= part;
    }
    if (qty > 0) {
        if (position->qty == 0)
            position->opened_ns = exchange->now_ns;
        position->qty += sign * qty;
        position->cost += sign * quote;
    }
    position->realised += closing.realised;
    position->fees += fee;
    position->updated_ns = account->updated_ns = exchange->now_ns;
    account->balances[exchange->instruments[order->instrument].quote].free +=
        closing.realised - fee;
    exchange->changed_accounts |= UINT32_C(1) << order->account;
    return closing;
}

/* ---- reduce-only ---- */

int64_t exchange_reducible(const struct exchange *exchange, uint32_t account, uint32_t instrument,
                           wire_side side, const struct exchange_order *but)
{
    int64_t position = exchange->accounts[account].positions[instrument].qty;
    int64_t left = side == SIDE_BUY ? -position : position;

    for (const struct exchange_order *o = exchange->accounts[account].first_open; o;
         o = o->next_of_account)
        if (o != but && o->instrument == instrument && o->is_reduce_only && o->match.side == side)
            left -= o->match.leaves;
    return MAX(left, 0);
}

/* The oldest keep what they have. */
static void settle_reduce_only(struct exchange *exchange, uint32_t account, uint32_t instrument)
{
    struct exchange_order *next, *order = exchange->accounts[account].first_open;
    int64_t position = exchange->accounts[account].positions[instrument].qty;
    int64_t left[2] = { MAX(-position, 0), MAX(position, 0) };

    for (; order; order = next) {
        next = order->next_of_account;
        if (order->instrument != instrument || !order->is_reduce_only || !order->match.is_resting)
            continue;
        int64_t *of_side = &left[order->match.side == SIDE_SELL];
        int64_t kept = MIN(order->match.leaves, *of_side);
        *of_side -= kept;
        if (kept < order->match.leaves)
            exchange_reduce_only_cut(exchange, order, order->match.leaves - kept, true);
    }
}

static void cover_deficit(struct exchange *exchange, uint32_t account, uint32_t asset)
{
    struct exchange_balance *balance = &exchange->accounts[account].balances[asset];
    int64_t deficit = -balance->free;

    if (deficit <= 0)
        return;
    for (uint32_t i = 0; i < exchange->instrument_count; i++)
        if (exchange->instruments[i].quote == asset && exchange_has_position(exchange, account, i))
            return;
    balance->free = 0;
    exchange->insurance[asset] -= deficit;
    struct exchange_event event = { .kind = EXCHANGE_ON_TRANSFER,
                                    .cause = CAUSE_LIQUIDATION,
                                    .account = account,
                                    .asset = asset,
                                    .qty = deficit };
    exchange_emit(exchange, &event);
}

void exchange_position_settle(struct exchange *exchange, uint32_t instrument)
{
    uint32_t changed = exchange->changed_accounts;

    exchange->changed_accounts = 0;
    for (uint32_t i = 0; changed; i++, changed >>= 1) {
        if (!(changed & 1))
            continue;
        if (!exchange->accounts[i].config.is_background)
            settle_reduce_only(exchange, i, instrument);
        cover_deficit(exchange, i, exchange->instruments[instrument].quote);
    }
}

/* ---- funding ---- */

/* What a payer pays is rounded up, what a receiver gets down: the fund never pays for rounding. */
static int64_t funding_amount(int64_t value, int64_t rate_ppb, bool is_long)
{
    i128 exact = (i128)value * magnitude(rate_ppb);
    bool pays = is_long == (rate_ppb > 0);

    return pays ? -(int64_t)((exact + PPB - 1) / PPB) : (int64_t)(exact / PPB);
}

static uint64_t keep_funding(struct exchange *exchange, struct exchange_funding funding)
{
    if (exchange->accounts[funding.account].config.is_background)
        return 0;
    funding.id = exchange->next_order_id++;
    exchange->fundings[exchange->funding_count++ % FUNDING_KEPT] = funding;
    return funding.id;
}

static void fund_account(struct exchange *exchange, uint32_t at, uint32_t instrument)
{
    const struct exchange_instrument *on = &exchange->instruments[instrument];
    struct exchange_account *account = &exchange->accounts[at];
    struct exchange_position *position = &account->positions[instrument];
    int64_t amount = funding_amount(exchange_position_value(exchange, at, instrument),
                                    on->perpetual.rate_ppb, position->qty > 0);

    position->funding += amount;
    account->balances[on->quote].free += amount;
    account->updated_ns = exchange->now_ns;
    exchange->insurance[on->quote] -= amount;
    struct exchange_event event = { .kind = EXCHANGE_ON_FUNDING,
                                    .instrument = instrument,
                                    .account = at,
                                    .asset = on->quote,
                                    .price = on->perpetual.mark_price,
                                    .qty = amount,
                                    .rate_ppb = on->perpetual.rate_ppb };
    event.trade_id =
        keep_funding(exchange, (struct exchange_funding){ .account = at,
                                                          .instrument = instrument,
                                                          .amount = amount,
                                                          .rate_ppb = on->perpetual.rate_ppb,
                                                          .mark_price = on->perpetual.mark_price,
                                                          .qty = position->qty,
                                                          .at_ns = exchange->now_ns });
    exchange_emit(exchange, &event);
}

static void fund_all(struct exchange *exchange, struct exchange_instrument *on)
{
    struct exchange_perpetual *perpetual = &on->perpetual;

    for (uint32_t i = 0; i < exchange->account_count; i++)
        if (exchange_has_position(exchange, i, on->index))
            fund_account(exchange, i, on->index);
    perpetual->last_rate_ppb = perpetual->rate_ppb;
    perpetual->last_funding_ns = exchange->now_ns;
    perpetual->payments++;
}

bool exchange_next_funding(const struct exchange *exchange, uint32_t account, uint64_t *cursor,
                           struct exchange_funding *out)
{
    if (exchange->funding_count > FUNDING_KEPT)
        *cursor = MAX(*cursor, exchange->funding_count - FUNDING_KEPT);
    while (*cursor < exchange->funding_count) {
        const struct exchange_funding *funding = &exchange->fundings[(*cursor)++ % FUNDING_KEPT];
        if (account == EXCHANGE_NONE || funding->account == account) {
            *out = *funding;
            return true;
        }
    }
    return false;
}

/* ---- liquidation ---- */

static void close_by_force(struct exchange *exchange, uint32_t account, uint32_t instrument)
{
    int64_t qty = exchange->accounts[account].positions[instrument].qty;
    struct exchange_request request = { .account = account,
                                        .instrument = instrument,
                                        .side = qty > 0 ? SIDE_SELL : SIDE_BUY,
                                        .type = ORDER_MARKET,
                                        .qty = magnitude(qty),
                                        .stp = STP_EXPIRE_MAKER,
                                        .is_reduce_only = true,
                                        .is_liquidation = true };

    /* What finds nobody now is tried again at the next mark. */
    (void)exchange_place(exchange, &request, exchange->now_ns, NULL);
}

static void liquidate(struct exchange *exchange, uint32_t account, uint32_t asset)
{
    (void)exchange_cancel_all(exchange, account, EXCHANGE_NONE, CAUSE_LIQUIDATION,
                              exchange->now_ns);
    for (uint32_t i = 0; i < exchange->instrument_count; i++)
        if (exchange->instruments[i].quote == asset && exchange_has_position(exchange, account, i))
            close_by_force(exchange, account, i);
}

static void judge_margins(struct exchange *exchange, const struct exchange_instrument *on)
{
    struct exchange_margin margin;

    for (uint32_t i = 0; i < exchange->account_count; i++) {
        if (exchange->accounts[i].config.is_background ||
            !exchange_has_position(exchange, i, on->index))
            continue;
        exchange_margin(exchange, i, on->quote, &margin);
        if (margin.equity < margin.maintenance)
            liquidate(exchange, i, on->quote);
    }
}

/* ---- mark ---- */

static int64_t book_mid(const struct exchange *exchange, const struct exchange_instrument *on)
{
    int64_t bid = exchange_best(exchange, on->index, SIDE_BUY);
    int64_t ask = exchange_best(exchange, on->index, SIDE_SELL);

    return bid && ask ? bid + (ask - bid) / 2 : on->last_price;
}

static void move_mark(const struct exchange *exchange, struct exchange_instrument *on,
                      int64_t index_price)
{
    struct exchange_perpetual *perpetual = &on->perpetual;
    int64_t away = book_mid(exchange, on) - index_price;
    int64_t premium_ppb = (int64_t)((i128)away * PPB / index_price);
    int64_t cap = on->config.funding_cap_ppb;

    perpetual->basis += (away - perpetual->basis) / BASIS_DAMPING;
    perpetual->premium_ppb += (premium_ppb - perpetual->premium_ppb) / PREMIUM_DAMPING;
    perpetual->rate_ppb = MIN(MAX(perpetual->premium_ppb + on->config.interest_ppb, -cap), cap);
    perpetual->index_price = index_price;
    int64_t mark = index_price + perpetual->basis;
    perpetual->mark_price = MAX(mark - mark % on->config.tick, on->config.tick);
}

void exchange_mark(struct exchange *exchange, uint32_t instrument, int64_t index_price,
                   int64_t now_ns)
{
    struct exchange_instrument *on = &exchange->instruments[instrument];
    struct exchange_perpetual *perpetual = &on->perpetual;
    int64_t interval_ns = on->config.funding_interval_ns;

    assert(on->config.kind == INSTRUMENT_PERPETUAL && index_price > 0);
    exchange->now_ns = now_ns;
    move_mark(exchange, on, index_price);
    if (perpetual->next_funding_ns == 0)
        perpetual->next_funding_ns = (now_ns / interval_ns + 1) * interval_ns;
    if (now_ns >= perpetual->next_funding_ns) {
        fund_all(exchange, on);
        perpetual->next_funding_ns = (now_ns / interval_ns + 1) * interval_ns;
    }
    if (now_ns - perpetual->marked_ns < MARK_INTERVAL_NS)
        return;
    perpetual->marked_ns = now_ns;
    struct exchange_event event = { .kind = EXCHANGE_ON_MARK,
                                    .instrument = instrument,
                                    .price = perpetual->mark_price,
                                    .rate_ppb = perpetual->rate_ppb };
    exchange_emit(exchange, &event);
    judge_margins(exchange, on);
}
