/* exchange_core.c - the life of an order: placed, matched, paid for, amended, ended. */
#include "venue_simulator/exchange_internal.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

static struct exchange_order *order_of(struct match_order *match)
{
    static_assert(offsetof(struct exchange_order, match) == 0, "match is the first member");
    return (struct exchange_order *)(void *)match;
}

void exchange_emit(struct exchange *exchange, struct exchange_event *event)
{
    event->at_ns = exchange->now_ns;
    if (exchange->on_event)
        exchange->on_event(exchange->ctx, event);
}

void exchange_emit_order(struct exchange *exchange, enum exchange_event_kind kind,
                         const struct exchange_order *order, enum exchange_cause cause,
                         const char *previous_client_id)
{
    struct exchange_event event = { .kind = kind,
                                    .cause = cause,
                                    .instrument = order->instrument,
                                    .account = order->account,
                                    .side = order->match.side,
                                    .order = order };

    snprintf(event.previous_client_id, sizeof(event.previous_client_id), "%s",
             previous_client_id ? previous_client_id : order->client_id);
    exchange_emit(exchange, &event);
}

/* ---- money ---- */

static struct exchange_balance *balance_of(struct exchange *exchange, uint32_t account,
                                           uint32_t asset)
{
    exchange->accounts[account].updated_ns = exchange->now_ns;
    return &exchange->accounts[account].balances[asset];
}

static void hold_set(struct exchange *exchange, struct exchange_order *order, int64_t hold)
{
    struct exchange_balance *balance =
        balance_of(exchange, order->account, exchange_hold_asset(exchange, order));

    balance->free -= hold - order->hold;
    balance->locked += hold - order->hold;
    order->hold = hold;
}

/* Pays amount out of the order's hold. */
static void hold_pay(struct exchange *exchange, struct exchange_order *order, int64_t amount)
{
    struct exchange_balance *balance =
        balance_of(exchange, order->account, exchange_hold_asset(exchange, order));

    assert(amount <= order->hold);
    balance->locked -= amount;
    order->hold -= amount;
}

/* Gives back what the rest of the order does not need any more. */
void exchange_hold_settle(struct exchange *exchange, struct exchange_order *order)
{
    if (!exchange_is_open(order))
        hold_set(exchange, order, 0);
    else if (!order->match.is_market)
        hold_set(exchange, order,
                 exchange_limit_hold(exchange, order, order->match.price, order->match.leaves));
}

/* What one side of a trade came to. */
struct settled {
    int64_t fee;
    uint32_t fee_asset;
    struct exchange_closing closing;
};

static void settle_spot(struct exchange *exchange, struct exchange_order *order, int32_t rate,
                        int64_t qty, int64_t quote, struct settled *out)
{
    const struct exchange_instrument *instrument = &exchange->instruments[order->instrument];
    bool is_buy = order->match.side == SIDE_BUY;
    bool is_fee_on_top = is_buy && exchange->fee_asset == FEE_IN_QUOTE;
    uint32_t received = is_buy ? instrument->base : instrument->quote;
    int64_t amount = is_buy ? qty : quote;
    int64_t fee = exchange_fee(is_fee_on_top ? quote : amount, rate);

    hold_pay(exchange, order, is_buy ? quote + (is_fee_on_top ? fee : 0) : qty);
    balance_of(exchange, order->account, received)->free += amount - (is_fee_on_top ? 0 : fee);
    out->fee = fee;
    out->fee_asset = is_fee_on_top ? instrument->quote : received;
}

static void settle_perpetual(struct exchange *exchange, const struct exchange_order *order,
                             int32_t rate, int64_t qty, int64_t quote, struct settled *out)
{
    out->fee = exchange_fee(quote, rate);
    out->fee_asset = exchange->instruments[order->instrument].quote;
    out->closing = exchange_position_trade(exchange, order, qty, quote, out->fee);
}

/* One side of a trade: pays, receives, is charged. */
static struct settled settle(struct exchange *exchange, struct exchange_order *order, bool is_maker,
                             int64_t qty, int64_t quote)
{
    const struct exchange_account_config *config = &exchange->accounts[order->account].config;
    int32_t rate = is_maker ? config->maker_fee_ppm : config->taker_fee_ppm;
    struct settled settled = { 0 };

    if (exchange_is_perpetual(exchange, order->instrument))
        settle_perpetual(exchange, order, rate, qty, quote, &settled);
    else
        settle_spot(exchange, order, rate, qty, quote, &settled);
    exchange->fees[settled.fee_asset] += settled.fee;
    order->fee_total += settled.fee;
    order->filled_qty += qty;
    order->filled_quote += quote;
    order->updated_ns = exchange->now_ns;
    exchange->accounts[order->account].executed++;
    return settled;
}

/* ---- ends ---- */

/* Takes a finished order out of the account's list; its hold goes back. */
static void close_order(struct exchange *exchange, struct exchange_order *order,
                        enum exchange_state state, enum exchange_cause cause)
{
    order->state = state;
    order->cause = cause;
    order->updated_ns = exchange->now_ns;
    exchange_hold_settle(exchange, order);
    exchange_open_unlink(exchange, order);
}

void exchange_forget(struct exchange *exchange, struct exchange_order *order)
{
    if (exchange->accounts[order->account].config.is_background)
        exchange_slot_free(exchange, order);
}

/* Ends an order that is no longer in the book. */
static void end_order(struct exchange *exchange, struct exchange_order *order,
                      enum exchange_state state, enum exchange_cause cause)
{
    close_order(exchange, order, state, cause);
    if (state == EXCHANGE_CANCELLED)
        exchange->accounts[order->account].cancelled++;
    exchange_emit_order(exchange, EXCHANGE_ON_ENDED, order, cause, NULL);
}

/* ---- news of the match ---- */

static void count_trade(struct exchange_instrument *instrument, int64_t price, int64_t qty,
                        int64_t quote)
{
    if (instrument->trade_count++ == 0)
        instrument->open_price = instrument->high_price = instrument->low_price = price;
    instrument->last_price = price;
    instrument->last_qty = qty;
    instrument->high_price = MAX(instrument->high_price, price);
    instrument->low_price = MIN(instrument->low_price, price);
    instrument->volume += qty;
    instrument->quote_volume += quote;
}

static uint64_t keep(struct exchange *exchange, struct exchange_order *order, bool is_maker,
                     const struct exchange_event *event)
{
    struct exchange_execution execution = {
        .trade_id = event->trade_id,
        .order = order->slot,
        .account = order->account,
        .instrument = order->instrument,
        .side = order->match.side,
        .is_maker = is_maker,
        .price = event->price,
        .qty = event->qty,
        .quote = event->quote,
        .fee = is_maker ? event->maker_fee : event->taker_fee,
        .closed_qty = is_maker ? event->maker_closed_qty : event->taker_closed_qty,
        .realised_pnl = is_maker ? event->maker_realised_pnl : event->taker_realised_pnl,
        .fee_asset = is_maker ? event->maker_fee_asset : event->taker_fee_asset,
        .at_ns = exchange->now_ns,
    };
    return exchange_keep(exchange, &execution, order);
}

static void after_fill(struct exchange *exchange, struct exchange_order *order)
{
    if (order->match.leaves == 0 && order->prevented_qty == 0) {
        close_order(exchange, order, EXCHANGE_FILLED, CAUSE_NONE);
        return;
    }
    order->state = EXCHANGE_PARTIALLY_FILLED;
    exchange_hold_settle(exchange, order);
}

static void on_traded(void *ctx, struct match_order *taker_match, struct match_order *maker_match,
                      int64_t price, int64_t qty)
{
    struct exchange_instrument *instrument = ctx;
    struct exchange *exchange = instrument->exchange;
    struct exchange_order *taker = order_of(taker_match), *maker = order_of(maker_match);
    struct exchange_event event = { .kind = EXCHANGE_ON_TRADE,
                                    .instrument = instrument->index,
                                    .account = taker->account,
                                    .order = taker,
                                    .maker = maker,
                                    .trade_id = instrument->next_trade_id++,
                                    .price = price,
                                    .qty = qty,
                                    .quote = exchange_quote(price, qty),
                                    .side = taker->match.side };

    struct settled taken = settle(exchange, taker, false, qty, event.quote);
    struct settled made = settle(exchange, maker, true, qty, event.quote);
    event.taker_fee = taken.fee;
    event.taker_fee_asset = taken.fee_asset;
    event.taker_closed_qty = taken.closing.qty;
    event.taker_realised_pnl = taken.closing.realised;
    event.maker_fee = made.fee;
    event.maker_fee_asset = made.fee_asset;
    event.maker_closed_qty = made.closing.qty;
    event.maker_realised_pnl = made.closing.realised;
    count_trade(instrument, price, qty, event.quote);
    after_fill(exchange, taker);
    after_fill(exchange, maker);
    event.taker_execution = keep(exchange, taker, false, &event);
    event.maker_execution = keep(exchange, maker, true, &event);
    exchange_emit(exchange, &event);
    if (maker->state == EXCHANGE_FILLED)
        exchange_forget(exchange, maker);
    else if (maker->match.leaves == 0) {
        end_order(exchange, maker, EXCHANGE_EXPIRED, CAUSE_STP);
        exchange_forget(exchange, maker);
    }
}

static void on_maker_prevented(void *ctx, struct match_order *taker, struct match_order *match,
                               int64_t qty)
{
    struct exchange_instrument *instrument = ctx;
    struct exchange *exchange = instrument->exchange;
    struct exchange_order *maker = order_of(match);

    (void)taker;
    maker->prevented_qty += qty;
    if (match->is_resting) {
        exchange_hold_settle(exchange, maker);
        struct exchange_event event = { .kind = EXCHANGE_ON_PREVENTED,
                                        .instrument = maker->instrument,
                                        .account = maker->account,
                                        .order = maker,
                                        .qty = qty };
        exchange_emit(exchange, &event);
        return;
    }
    match->leaves = 0;
    end_order(exchange, maker, EXCHANGE_EXPIRED, CAUSE_STP);
    exchange_forget(exchange, maker);
}

static void on_taker_prevented(void *ctx, struct match_order *match, struct match_order *maker,
                               int64_t qty)
{
    struct exchange_instrument *instrument = ctx;
    struct exchange *exchange = instrument->exchange;
    struct exchange_order *taker = order_of(match);

    (void)maker;
    taker->prevented_qty += qty;
    if (match->leaves == 0)
        return; /* The end is told when matching is over. */
    exchange_hold_settle(exchange, taker);
    struct exchange_event event = { .kind = EXCHANGE_ON_PREVENTED,
                                    .instrument = taker->instrument,
                                    .account = taker->account,
                                    .order = taker,
                                    .qty = qty };
    exchange_emit(exchange, &event);
}

/* As a maker a reduce-only order gives no more than its owner's position at that moment. */
static int64_t on_maker_limit(void *ctx, const struct match_order *maker)
{
    struct exchange_instrument *instrument = ctx;
    struct exchange *exchange = instrument->exchange;
    int64_t position = exchange->accounts[maker->owner].positions[instrument->index].qty;

    return MAX(maker->side == SIDE_BUY ? -position : position, 0);
}

static void on_maker_cut(void *ctx, struct match_order *match, int64_t qty)
{
    struct exchange_instrument *instrument = ctx;

    exchange_reduce_only_cut(instrument->exchange, order_of(match), qty, false);
}

static void on_level(void *ctx, wire_side side, int64_t price, int64_t qty)
{
    struct exchange_instrument *instrument = ctx;
    struct exchange_event event = { .kind = EXCHANGE_ON_LEVEL,
                                    .instrument = instrument->index,
                                    .side = side,
                                    .price = price,
                                    .qty = qty,
                                    .update_id = ++instrument->update_id };

    exchange_emit(instrument->exchange, &event);
}

extern const struct match_events exchange_match_events;
const struct match_events exchange_match_events = {
    .traded = on_traded,
    .maker_prevented = on_maker_prevented,
    .taker_prevented = on_taker_prevented,
    .maker_limit = on_maker_limit,
    .maker_cut = on_maker_cut,
    .level = on_level,
};

void exchange_reduce_only_cut(struct exchange *exchange, struct exchange_order *order, int64_t qty,
                              bool is_in_book)
{
    struct match_book *book = &exchange->instruments[order->instrument].book;
    bool is_over = is_in_book ? qty >= order->match.leaves : !order->match.is_resting;

    if (is_over) {
        if (is_in_book)
            match_remove(book, &order->match);
        end_order(exchange, order, EXCHANGE_CANCELLED, CAUSE_REDUCE_ONLY);
        exchange_forget(exchange, order);
        return;
    }
    order->qty -= qty;
    order->updated_ns = exchange->now_ns;
    if (is_in_book)
        match_reduce(book, &order->match, order->match.leaves - qty);
    exchange_emit_order(exchange, EXCHANGE_ON_AMENDED, order, CAUSE_REDUCE_ONLY, NULL);
}

/* ---- placing ---- */

static void fill_order(struct exchange_order *order, const struct exchange_request *request,
                       const struct exchange_assessment *assessment, int64_t now_ns)
{
    bool is_market = request->type == ORDER_MARKET;

    order->match = (struct match_order){ .side = request->side,
                                         .owner = request->account,
                                         .price = is_market ? 0 : request->price,
                                         .leaves = assessment->qty,
                                         .is_market = is_market,
                                         .is_limited = request->is_reduce_only };
    order->instrument = request->instrument;
    order->account = request->account;
    snprintf(order->client_id, sizeof(order->client_id), "%s",
             request->client_id ? request->client_id : "");
    order->type = request->type;
    order->time_in_force = is_market ? TIF_IOC : request->time_in_force;
    order->is_post_only = request->is_post_only;
    order->is_reduce_only = request->is_reduce_only;
    order->is_liquidation = request->is_liquidation;
    order->stp = request->stp;
    order->qty = assessment->qty;
    order->quote_qty = request->quote_qty;
    order->created_ns = order->updated_ns = now_ns;
    order->expires_ns = request->expires_ns;
    order->tag = request->tag;
}

static bool is_fully_available(struct exchange_instrument *instrument,
                               const struct exchange_order *order)
{
    struct match_walk walk;

    match_available(&instrument->book, order->match.side, order->match.price, order->match.leaves,
                    0, order->account, order->stp == STP_EXPIRE_MAKER, &walk);
    bool is_stopped = walk.meets_own && order->stp != STP_NONE && order->stp != STP_EXPIRE_MAKER;
    return walk.qty == order->match.leaves && !is_stopped;
}

/* After matching: the rest goes to the book, or ends. */
void exchange_finish_taking(struct exchange *exchange, struct exchange_order *order)
{
    struct exchange_instrument *instrument = &exchange->instruments[order->instrument];

    if (!exchange_is_open(order))
        return;
    if (order->match.leaves == 0)
        end_order(exchange, order, EXCHANGE_EXPIRED, CAUSE_STP);
    else if (order->match.is_market)
        end_order(exchange, order, EXCHANGE_EXPIRED, CAUSE_NO_LIQUIDITY);
    else if (order->time_in_force != TIF_GTC)
        end_order(exchange, order, EXCHANGE_EXPIRED, CAUSE_IOC);
    else if (match_rest(&instrument->book, &order->match) != 0)
        end_order(exchange, order, EXCHANGE_EXPIRED, CAUSE_CAPACITY);
}

static enum exchange_cause reject(struct exchange *exchange, const struct exchange_request *request,
                                  enum exchange_cause cause)
{
    struct exchange_assessment asked = { .qty = request->qty };
    struct exchange_order order = { .first_execution = EXCHANGE_NONE,
                                    .last_execution = EXCHANGE_NONE };

    fill_order(&order, request, &asked, exchange->now_ns);
    exchange->accounts[request->account].rejected++;
    exchange_emit_order(exchange, EXCHANGE_ON_REJECTED, &order, cause, NULL);
    return cause;
}

/* An owner far from ruin (the market's) has no price of bankruptcy: then it is the average. */
static void tell_liquidation(struct exchange *exchange, const struct exchange_order *order,
                             int64_t bankruptcy_price)
{
    struct exchange_event event = { .kind = EXCHANGE_ON_LIQUIDATION,
                                    .cause = CAUSE_LIQUIDATION,
                                    .instrument = order->instrument,
                                    .account = order->account,
                                    .order = order,
                                    .side = order->match.side,
                                    .price = bankruptcy_price,
                                    .qty = order->filled_qty,
                                    .quote = order->filled_quote };

    if (bankruptcy_price == 0) {
        int64_t average = (int64_t)((i128)order->filled_quote * EXCHANGE_ONE / order->filled_qty);
        event.price = average - average % exchange->instruments[order->instrument].config.tick;
    }
    exchange->liquidations++;
    exchange_emit(exchange, &event);
}

enum exchange_cause exchange_test(struct exchange *exchange, const struct exchange_request *request,
                                  int64_t now_ns)
{
    struct exchange_assessment assessment;

    exchange->now_ns = now_ns;
    return exchange_assess(exchange, request, &assessment);
}

enum exchange_cause exchange_place(struct exchange *exchange,
                                   const struct exchange_request *request, int64_t now_ns,
                                   const struct exchange_order **placed)
{
    struct exchange_assessment assessment = { 0 };

    exchange->now_ns = now_ns;
    enum exchange_cause cause = exchange_assess(exchange, request, &assessment);
    if (cause)
        return reject(exchange, request, cause);
    struct exchange_order *order = exchange_slot(exchange, request->account);
    if (!order)
        return reject(exchange, request, CAUSE_CAPACITY);
    fill_order(order, request, &assessment, now_ns);
    order->id = exchange->next_order_id++;
    exchange_index_put(exchange, order);
    exchange_open_link(exchange, order);
    hold_set(exchange, order, assessment.hold);
    exchange->accounts[order->account].placed++;
    exchange_emit_order(exchange, EXCHANGE_ON_ACCEPTED, order, CAUSE_NONE, NULL);

    struct exchange_instrument *instrument = &exchange->instruments[order->instrument];
    int64_t bankruptcy_price =
        order->is_liquidation
            ? exchange_bankruptcy_price(exchange, order->account, order->instrument)
            : 0;
    if (order->time_in_force == TIF_FOK && !is_fully_available(instrument, order)) {
        end_order(exchange, order, EXCHANGE_EXPIRED, CAUSE_FOK);
    } else {
        match_take(&instrument->book, &order->match, order->stp);
        exchange_finish_taking(exchange, order);
    }
    if (order->is_liquidation && order->filled_qty > 0)
        tell_liquidation(exchange, order, bankruptcy_price);
    exchange_position_settle(exchange, order->instrument);
    if (placed)
        *placed = order;
    if (!exchange_is_open(order))
        exchange_forget(exchange, order);
    return CAUSE_NONE;
}

/* ---- cancelling ---- */

struct exchange_order *exchange_own_open_order(struct exchange *exchange, uint32_t account,
                                               uint64_t order_id)
{
    struct exchange_order *order = exchange_order_mutable(exchange, order_id);

    return order && order->account == account && exchange_is_open(order) ? order : NULL;
}

static void cancel(struct exchange *exchange, struct exchange_order *order,
                   enum exchange_state state, enum exchange_cause why)
{
    match_remove(&exchange->instruments[order->instrument].book, &order->match);
    end_order(exchange, order, state, why);
    exchange_forget(exchange, order);
}

enum exchange_cause exchange_cancel(struct exchange *exchange, uint32_t account, uint64_t order_id,
                                    enum exchange_cause why, int64_t now_ns)
{
    struct exchange_order *order = exchange_own_open_order(exchange, account, order_id);

    exchange->now_ns = now_ns;
    if (!order)
        return CAUSE_UNKNOWN_ORDER;
    cancel(exchange, order, EXCHANGE_CANCELLED, why);
    return CAUSE_NONE;
}

uint32_t exchange_cancel_all(struct exchange *exchange, uint32_t account, uint32_t instrument,
                             enum exchange_cause why, int64_t now_ns)
{
    struct exchange_order *next, *order = exchange->accounts[account].first_open;
    uint32_t count = 0;

    exchange->now_ns = now_ns;
    for (; order; order = next) {
        next = order->next_of_account;
        if (instrument == EXCHANGE_NONE || order->instrument == instrument) {
            cancel(exchange, order, EXCHANGE_CANCELLED, why);
            count++;
        }
    }
    return count;
}

void exchange_tick(struct exchange *exchange, int64_t now_ns)
{
    exchange->now_ns = now_ns;
    for (uint32_t i = 0; i < exchange->account_count; i++) {
        struct exchange_order *next, *order = exchange->accounts[i].first_open;
        if (exchange->accounts[i].config.is_background)
            continue;
        for (; order; order = next) {
            next = order->next_of_account;
            if (order->expires_ns && order->expires_ns <= now_ns)
                cancel(exchange, order, EXCHANGE_EXPIRED, CAUSE_TIME);
        }
    }
}

/* ---- the rest ---- */

enum exchange_cause exchange_transfer(struct exchange *exchange, uint32_t account, uint32_t asset,
                                      int64_t amount, int64_t now_ns)
{
    exchange->now_ns = now_ns;
    if (amount < 0 && exchange_available(exchange, account, asset) < -amount)
        return CAUSE_BALANCE;
    struct exchange_balance *balance = balance_of(exchange, account, asset);
    balance->free += amount;
    balance->deposited += amount;
    struct exchange_event event = {
        .kind = EXCHANGE_ON_TRANSFER, .account = account, .asset = asset, .qty = amount
    };
    exchange_emit(exchange, &event);
    return CAUSE_NONE;
}

void exchange_set_status(struct exchange *exchange, uint32_t instrument, wire_trading_state status,
                         int64_t now_ns)
{
    exchange->now_ns = now_ns;
    if (exchange->instruments[instrument].status == status)
        return;
    exchange->instruments[instrument].status = status;
    struct exchange_event event = { .kind = EXCHANGE_ON_STATUS,
                                    .instrument = instrument,
                                    .status = status };
    exchange_emit(exchange, &event);
}
