/* Perpetuals of the simulator's exchange: positions and profit by hand-computed examples, margin,
 * reduce-only, funding, liquidation, and money that is never lost. */
#include "tests/unit/check.h"
#include "venue_simulator/margin.h"

#include <stdio.h>
#include <stdlib.h>

enum { BG = 0, ALICE = 1, BOB = 2, CAROL = 3, ACCOUNTS = 4 };
enum { SPOT = 0, PERP = 1, ETH_PERP = 2, INSTRUMENTS = 3 };
enum { BTC = 0, USDT = 1 };
#define DEC(units) ((int64_t)((double)(units)*1e8 + ((units) < 0 ? -0.5 : 0.5)))

static struct exchange exchange;
static void *memory;
static struct {
    struct exchange_event trade, ended, amended, liquidation, transfer;
    struct exchange_event funding[ACCOUNTS];
    unsigned fundings, liquidations, marks, transfers;
} told;

static void on_event(void *ctx, const struct exchange_event *event)
{
    (void)ctx;
    switch (event->kind) {
    case EXCHANGE_ON_TRADE:
        told.trade = *event;
        break;
    case EXCHANGE_ON_ENDED:
        told.ended = *event;
        break;
    case EXCHANGE_ON_AMENDED:
        told.amended = *event;
        break;
    case EXCHANGE_ON_FUNDING:
        told.funding[event->account] = *event;
        told.fundings++;
        break;
    case EXCHANGE_ON_LIQUIDATION:
        told.liquidation = *event;
        told.liquidations++;
        break;
    case EXCHANGE_ON_TRANSFER:
        told.transfer = *event;
        told.transfers++;
        break;
    case EXCHANGE_ON_MARK:
        told.marks++;
        break;
    default:
        break;
    }
}

static struct exchange_instrument_config instrument(wire_instrument_kind kind, const char *symbol,
                                                    const char *base)
{
    struct exchange_instrument_config config = { .kind = kind,
                                                 .quote = "USDT",
                                                 .tick = DEC(0.01),
                                                 .lot = DEC(0.001),
                                                 .min_notional = DEC(5),
                                                 .start_price = DEC(100),
                                                 .leverage = 10,
                                                 .max_leverage = 50,
                                                 .maintenance_ppm = 10000,
                                                 .funding_interval_ns = 60 * NS_PER_S };

    snprintf(config.symbol, sizeof(config.symbol), "%s", symbol);
    snprintf(config.base, sizeof(config.base), "%s", base);
    return config;
}

/* Fees: maker 0.02 %, taker 0.05 %. 1,000 USDT each, but for the market. */
static void open_exchange(bool is_reduce_only_refused)
{
    struct exchange_account_config accounts[ACCOUNTS] = {
        { .name = "market", .is_background = true },
        { .name = "alice", .maker_fee_ppm = 200, .taker_fee_ppm = 500 },
        { .name = "bob", .maker_fee_ppm = 200, .taker_fee_ppm = 500 },
        { .name = "carol" },
    };
    struct exchange_instrument_config instruments[INSTRUMENTS] = {
        instrument(INSTRUMENT_SPOT, "BTCUSDT", "BTC"),
        instrument(INSTRUMENT_PERPETUAL, "BTCUSDT", "BTC"),
        instrument(INSTRUMENT_PERPETUAL, "ETHUSDT", "ETH"),
    };
    struct exchange_config config = { .venue = "x",
                                      .instruments = instruments,
                                      .instrument_count = INSTRUMENTS,
                                      .accounts = accounts,
                                      .account_count = ACCOUNTS,
                                      .is_reduce_only_refused = is_reduce_only_refused,
                                      .orders_max = 40000,
                                      .background_orders_max = 256,
                                      .executions_max = 40000,
                                      .levels_max = 512 };

    memset(&told, 0, sizeof(told));
    memory = calloc(1, exchange_memory(&config));
    CHECK_INT(exchange_init(&exchange, &config, memory, on_event, NULL), 0);
    for (uint32_t account = 0; account < ACCOUNTS; account++)
        exchange_transfer(&exchange, account, USDT, account == BG ? DEC(1000000) : DEC(1000), 1);
    exchange_transfer(&exchange, BG, BTC, DEC(1000), 1);
    told.transfers = 0;
}

static void must_be_sound(void)
{
    char why[128] = "";

    if (!exchange_check(&exchange, why, sizeof(why)))
        CHECK_STR(why, "");
}

static void close_exchange(void)
{
    must_be_sound();
    free(memory);
}

static int64_t clock_ns = 1000;

static enum exchange_cause place(struct exchange_request request)
{
    if (!request.type)
        request.type = ORDER_LIMIT;
    if (!request.time_in_force)
        request.time_in_force = TIF_GTC;
    return exchange_place(&exchange, &request, clock_ns++, NULL);
}

static enum exchange_cause put(uint32_t account, uint32_t on, wire_side side, double price,
                               double qty)
{
    return place((struct exchange_request){
        .account = account, .instrument = on, .side = side, .price = DEC(price), .qty = DEC(qty) });
}

static enum exchange_cause reduce(uint32_t account, wire_side side, double price, double qty)
{
    return place((struct exchange_request){ .account = account,
                                            .instrument = PERP,
                                            .side = side,
                                            .price = DEC(price),
                                            .qty = DEC(qty),
                                            .is_reduce_only = true });
}

/* maker rests, taker takes it whole. */
static void trade(uint32_t taker, wire_side side, uint32_t maker, double price, double qty)
{
    CHECK_INT(put(maker, PERP, side == SIDE_BUY ? SIDE_SELL : SIDE_BUY, price, qty), CAUSE_NONE);
    CHECK_INT(put(taker, PERP, side, price, qty), CAUSE_NONE);
}

static const struct exchange_position *position_of(uint32_t account)
{
    return &exchange.accounts[account].positions[PERP];
}

static int64_t wallet_of(uint32_t account)
{
    const struct exchange_balance *balance = &exchange.accounts[account].balances[USDT];

    return balance->free + balance->locked;
}

static void mark(double price)
{
    /* The book's middle is pushed aside: index alone. */
    exchange.instruments[PERP].perpetual.basis = 0;
    exchange.instruments[PERP].last_price = DEC(price);
    clock_ns += MARK_INTERVAL_NS;
    exchange_mark(&exchange, PERP, DEC(price), clock_ns);
}

/* ---- positions and profit ---- */

static void buying_opens_a_long_and_costs_nothing_but_the_fee(void)
{
    open_exchange(false);
    trade(ALICE, SIDE_BUY, BOB, 100, 2);
    CHECK_INT(position_of(ALICE)->qty, DEC(2));
    CHECK_INT(position_of(ALICE)->cost, DEC(200));
    CHECK_INT(exchange_entry_price(position_of(ALICE)), DEC(100));
    CHECK_INT(position_of(BOB)->qty, DEC(-2));
    CHECK_INT(position_of(BOB)->cost, DEC(-200));
    CHECK_INT(wallet_of(ALICE), DEC(999.9)); /* 200 * 0.05 % */
    CHECK_INT(wallet_of(BOB), DEC(999.96));
    CHECK_INT(exchange.fees[USDT], DEC(0.14));
    CHECK_INT(exchange.accounts[ALICE].balances[BTC].free, 0);
    CHECK_INT(told.trade.taker_realised_pnl, 0);
    CHECK_INT(exchange_open_interest(&exchange, PERP), DEC(2));
    close_exchange();
}

static void a_partial_close_books_its_share_and_leaves_the_entry(void)
{
    open_exchange(false);
    trade(ALICE, SIDE_BUY, BOB, 100, 2);
    trade(ALICE, SIDE_BUY, BOB, 103, 1); /* 3 at 303: average 101. */
    CHECK_INT(exchange_entry_price(position_of(ALICE)), DEC(101));
    trade(ALICE, SIDE_SELL, CAROL, 110, 1.2);
    /* 1.2 * (110 - 101) = 10.8 */
    CHECK_INT(told.trade.taker_realised_pnl, DEC(10.8));
    CHECK_INT(told.trade.taker_closed_qty, DEC(1.2));
    CHECK_INT(told.trade.maker_realised_pnl, 0);
    CHECK_INT(told.trade.maker_closed_qty, 0);
    CHECK_INT(position_of(ALICE)->qty, DEC(1.8));
    CHECK_INT(position_of(ALICE)->realised, DEC(10.8));
    CHECK_INT(exchange_entry_price(position_of(ALICE)), DEC(101));
    /* Fees: 200, 103 and 132 at 0.05 %. */
    CHECK_INT(wallet_of(ALICE), DEC(1000 + 10.8 - 0.1 - 0.0515 - 0.066));
    const struct exchange_execution *last = &exchange.executions[exchange.execution_count - 2];
    CHECK_INT(last->account, ALICE);
    CHECK_INT(last->realised_pnl, DEC(10.8));
    CHECK_INT(last->closed_qty, DEC(1.2));
    close_exchange();
}

static void a_maker_that_closes_books_its_profit_too(void)
{
    open_exchange(false);
    trade(ALICE, SIDE_BUY, BOB, 100, 2);
    trade(CAROL, SIDE_SELL, BOB, 90, 2); /* Bob's short of 200 bought back for 180. */
    CHECK_INT(told.trade.maker_realised_pnl, DEC(20));
    CHECK_INT(told.trade.maker_closed_qty, DEC(2));
    CHECK_INT(position_of(BOB)->qty, 0);
    CHECK_INT(position_of(BOB)->cost, 0);
    CHECK_INT(wallet_of(BOB), DEC(1000 + 20 - 0.04 - 0.036));
    close_exchange();
}

static void through_zero_it_closes_first_and_opens_with_the_rest(void)
{
    open_exchange(false);
    trade(ALICE, SIDE_BUY, BOB, 100, 1);
    clock_ns = 5000;
    trade(ALICE, SIDE_SELL, BOB, 104, 3);
    CHECK_INT(told.trade.taker_realised_pnl, DEC(4));
    CHECK_INT(told.trade.taker_closed_qty, DEC(1));
    CHECK_INT(told.trade.maker_realised_pnl, DEC(-4));
    CHECK_INT(position_of(ALICE)->qty, DEC(-2));
    CHECK_INT(position_of(ALICE)->cost, DEC(-208));
    CHECK_INT(exchange_entry_price(position_of(ALICE)), DEC(104));
    CHECK(position_of(ALICE)->opened_ns >= 5000);
    CHECK_INT(position_of(BOB)->qty, DEC(2));
    CHECK_INT(exchange_entry_price(position_of(BOB)), DEC(104));
    close_exchange();
}

static void what_rounding_leaves_stays_with_what_is_open(void)
{
    open_exchange(false);
    exchange.instruments[PERP].config.min_notional = 0;
    trade(ALICE, SIDE_BUY, BOB, 33.33, 0.007);
    trade(ALICE, SIDE_BUY, BOB, 100.01, 0.003);
    int64_t cost = position_of(ALICE)->cost;
    CHECK_INT(cost, DEC(0.53334)); /* 0.23331 + 0.30003 */
    trade(ALICE, SIDE_SELL, BOB, 50, 0.003);
    /* 0.15 less 3 tenths of 0.53334. */
    CHECK_INT(told.trade.taker_realised_pnl, DEC(0.15) - cost * 3 / 10);
    trade(ALICE, SIDE_SELL, BOB, 50, 0.007);
    CHECK_INT(position_of(ALICE)->qty, 0);
    CHECK_INT(position_of(ALICE)->cost, 0);
    CHECK_INT(position_of(ALICE)->realised, DEC(0.5) - cost);
    close_exchange();
}

static void unrealised_profit_is_at_mark_and_no_cash(void)
{
    struct exchange_margin margin;

    open_exchange(false);
    trade(ALICE, SIDE_BUY, BOB, 100, 5);
    mark(104);
    CHECK_INT(exchange_unrealised(&exchange, ALICE, PERP), DEC(20));
    CHECK_INT(exchange_unrealised(&exchange, BOB, PERP), DEC(-20));
    exchange_margin(&exchange, ALICE, USDT, &margin);
    CHECK_INT(margin.wallet, DEC(999.75));
    CHECK_INT(margin.equity, DEC(1019.75));
    CHECK_INT(margin.position_margin, DEC(52)); /* 520 / 10 */
    CHECK_INT(margin.maintenance, DEC(5.2));
    CHECK_INT(margin.available, DEC(1019.75 - 52));
    /* What may be withdrawn is cash less margin: profit on paper is not paid out. */
    CHECK_INT(exchange_available(&exchange, ALICE, USDT), DEC(999.75 - 52));
    CHECK_INT(exchange_transfer(&exchange, ALICE, USDT, DEC(-950), 9), CAUSE_BALANCE);
    CHECK_INT(exchange_transfer(&exchange, ALICE, USDT, DEC(-947), 9), CAUSE_NONE);
    close_exchange();
}

/* ---- margin ---- */

static void an_order_needs_initial_margin_and_its_fee(void)
{
    open_exchange(false);
    /* 1,000 at 10 to 1: 10,000 of value needs 1,000 and 5 of fee. */
    CHECK_INT(put(ALICE, PERP, SIDE_BUY, 100, 100), CAUSE_MARGIN);
    CHECK_INT(put(ALICE, PERP, SIDE_BUY, 100, 99.503), CAUSE_MARGIN);
    CHECK_INT(put(ALICE, PERP, SIDE_BUY, 100, 99.502), CAUSE_NONE);
    /* The other side rests within the same margin; more on this side does not. */
    CHECK_INT(put(ALICE, PERP, SIDE_SELL, 101, 50), CAUSE_NONE);
    CHECK_INT(put(ALICE, PERP, SIDE_BUY, 99, 1), CAUSE_MARGIN);
    CHECK_INT(exchange_cancel_all(&exchange, ALICE, EXCHANGE_NONE, CAUSE_REQUESTED, 9), 2);
    struct exchange_margin margin;
    exchange_margin(&exchange, ALICE, USDT, &margin);
    CHECK_INT(margin.order_margin, 0);
    close_exchange();
}

static void leverage_decides_how_much(void)
{
    open_exchange(false);
    CHECK_INT(exchange_set_leverage(&exchange, ALICE, PERP, 51), CAUSE_LEVERAGE);
    CHECK_INT(exchange_set_leverage(&exchange, ALICE, PERP, 0), CAUSE_LEVERAGE);
    CHECK_INT(exchange_set_leverage(&exchange, ALICE, SPOT, 5), CAUSE_LEVERAGE);
    CHECK_INT(exchange_leverage(&exchange, ALICE, PERP), 10);
    CHECK_INT(exchange_set_leverage(&exchange, ALICE, PERP, 20), CAUSE_NONE);
    CHECK_INT(exchange_leverage(&exchange, ALICE, ETH_PERP), 10);
    CHECK_INT(put(ALICE, PERP, SIDE_BUY, 100, 150), CAUSE_NONE);
    /* 15,000 open: 10 to 1 would need 1,500. */
    CHECK_INT(exchange_set_leverage(&exchange, ALICE, PERP, 10), CAUSE_MARGIN);
    CHECK_INT(exchange_leverage(&exchange, ALICE, PERP), 20);
    close_exchange();
}

static void what_reduces_a_position_needs_no_margin(void)
{
    open_exchange(false);
    trade(ALICE, SIDE_BUY, BG, 100, 99);
    CHECK_INT(put(ALICE, PERP, SIDE_BUY, 100, 1), CAUSE_MARGIN);
    CHECK_INT(put(ALICE, PERP, SIDE_SELL, 105, 99), CAUSE_NONE);
    /* Beyond it the other way, until it is more than what stands: 9,900 - 10,395 - 9,328. */
    CHECK_INT(put(ALICE, PERP, SIDE_SELL, 106, 88), CAUSE_NONE);
    CHECK_INT(put(ALICE, PERP, SIDE_SELL, 107, 2), CAUSE_MARGIN);
    close_exchange();
}

static void margin_of_positions_is_not_spent_on_spot(void)
{
    open_exchange(false);
    CHECK_INT(put(BG, SPOT, SIDE_SELL, 100, 20), CAUSE_NONE);
    trade(ALICE, SIDE_BUY, BG, 100, 50); /* 500 of margin, 2.5 of fee. */
    CHECK_INT(put(ALICE, SPOT, SIDE_BUY, 100, 5), CAUSE_BALANCE);
    CHECK_INT(put(ALICE, SPOT, SIDE_BUY, 100, 4.9), CAUSE_NONE);
    close_exchange();
}

static void an_amendment_is_judged_by_what_it_adds(void)
{
    open_exchange(false);
    CHECK_INT(put(ALICE, PERP, SIDE_BUY, 100, 90), CAUSE_NONE);
    uint64_t id = exchange.accounts[ALICE].first_open->id;
    CHECK_INT(exchange_amend(&exchange, ALICE, id, 0, DEC(110), NULL, false, 9), CAUSE_MARGIN);
    CHECK_INT(exchange_amend(&exchange, ALICE, id, 0, DEC(95), NULL, false, 9), CAUSE_NONE);
    CHECK_INT(exchange_order(&exchange, id)->match.leaves, DEC(95));
    close_exchange();
}

/* ---- reduce-only ---- */

static void reduce_only_needs_a_position_of_the_other_side(void)
{
    open_exchange(false);
    CHECK_INT(reduce(ALICE, SIDE_SELL, 100, 1), CAUSE_REDUCE_ONLY);
    trade(ALICE, SIDE_BUY, BOB, 100, 1);
    CHECK_INT(reduce(ALICE, SIDE_BUY, 99, 1), CAUSE_REDUCE_ONLY);
    CHECK_INT(reduce(ALICE, SIDE_SELL, 101, 0.6), CAUSE_NONE);
    /* 0.4 are left: cut here, refused there. */
    CHECK_INT(reduce(ALICE, SIDE_SELL, 102, 1), CAUSE_NONE);
    CHECK_INT(exchange.accounts[ALICE].last_open->qty, DEC(0.4));
    CHECK_INT(reduce(ALICE, SIDE_SELL, 103, 1), CAUSE_REDUCE_ONLY);
    /* Too small for an order, not for the end of a position. */
    CHECK_INT(reduce(BOB, SIDE_BUY, 90, 0.001), CAUSE_NONE);
    close_exchange();
    open_exchange(true);
    trade(ALICE, SIDE_BUY, BOB, 100, 1);
    CHECK_INT(reduce(ALICE, SIDE_SELL, 101, 1.001), CAUSE_REDUCE_ONLY);
    CHECK_INT(reduce(ALICE, SIDE_SELL, 101, 1), CAUSE_NONE);
    close_exchange();
}

static void resting_reduce_only_orders_shrink_with_the_position(void)
{
    open_exchange(false);
    trade(ALICE, SIDE_BUY, BOB, 100, 2);
    CHECK_INT(reduce(ALICE, SIDE_SELL, 110, 1.5), CAUSE_NONE);
    CHECK_INT(reduce(ALICE, SIDE_SELL, 111, 0.5), CAUSE_NONE);
    uint64_t first = exchange.accounts[ALICE].first_open->id;
    uint64_t second = exchange.accounts[ALICE].last_open->id;
    trade(ALICE, SIDE_SELL, BOB, 105, 1);
    CHECK_INT(exchange_order(&exchange, first)->match.leaves, DEC(1));
    CHECK_INT(exchange_order(&exchange, first)->qty, DEC(1));
    CHECK_INT(told.amended.cause, CAUSE_REDUCE_ONLY);
    CHECK_INT(exchange_order(&exchange, second)->state, EXCHANGE_CANCELLED);
    CHECK_INT(exchange_order(&exchange, second)->cause, CAUSE_REDUCE_ONLY);
    trade(ALICE, SIDE_SELL, BOB, 105, 1);
    CHECK_INT(exchange_order(&exchange, first)->state, EXCHANGE_CANCELLED);
    CHECK_INT(exchange.accounts[ALICE].open_orders[PERP], 0);
    close_exchange();
}

static void one_sweep_does_not_turn_a_position_by_reduce_only(void)
{
    open_exchange(false);
    trade(ALICE, SIDE_BUY, BOB, 100, 2);
    CHECK_INT(put(ALICE, PERP, SIDE_SELL, 101, 1.5), CAUSE_NONE);
    CHECK_INT(reduce(ALICE, SIDE_SELL, 102, 2), CAUSE_NONE);
    CHECK_INT(put(ALICE, PERP, SIDE_SELL, 103, 1), CAUSE_NONE);
    /* One buyer goes through all of it: 1.5, then only 0.5 of the reduce-only 2, then 1. */
    CHECK_INT(put(CAROL, PERP, SIDE_BUY, 103, 4.5), CAUSE_NONE);
    CHECK_INT(position_of(CAROL)->qty, DEC(3));
    CHECK_INT(position_of(ALICE)->qty, DEC(-1));
    CHECK_INT(exchange.accounts[ALICE].open_orders[PERP], 0);
    must_be_sound();
    close_exchange();
}

static void a_reduce_only_market_order_closes_and_no_more(void)
{
    open_exchange(false);
    trade(ALICE, SIDE_BUY, BOB, 100, 2);
    CHECK_INT(put(BG, PERP, SIDE_BUY, 99, 50), CAUSE_NONE);
    CHECK_INT(place((struct exchange_request){ .account = ALICE,
                                               .instrument = PERP,
                                               .side = SIDE_SELL,
                                               .type = ORDER_MARKET,
                                               .qty = DEC(10),
                                               .is_reduce_only = true }),
              CAUSE_NONE);
    CHECK_INT(position_of(ALICE)->qty, 0);
    CHECK_INT(position_of(ALICE)->realised, DEC(-2));
    close_exchange();
}

/* ---- mark and funding ---- */

static void mark_follows_the_index_at_once_and_the_book_slowly(void)
{
    open_exchange(false);
    CHECK_INT(put(BG, PERP, SIDE_BUY, 101.9, 1), CAUSE_NONE);
    CHECK_INT(put(BG, PERP, SIDE_SELL, 102.1, 1), CAUSE_NONE);
    exchange_mark(&exchange, PERP, DEC(100), NS_PER_S);
    const struct exchange_perpetual *perpetual = &exchange.instruments[PERP].perpetual;
    CHECK_INT(perpetual->index_price, DEC(100));
    CHECK(perpetual->mark_price < DEC(100.1));
    for (int64_t i = 0; i < 4000; i++)
        exchange_mark(&exchange, PERP, DEC(100), NS_PER_S + i * 10 * NS_PER_MS);
    CHECK(perpetual->mark_price > DEC(101.98) && perpetual->mark_price <= DEC(102));
    CHECK(perpetual->premium_ppb > 10000000 && perpetual->premium_ppb < 20000000);
    CHECK_INT(perpetual->rate_ppb, 7500000); /* Capped at 0.75 %. */
    CHECK_INT(told.marks, 200);              /* 40 s, five a second. */
    close_exchange();
}

static void funding_goes_from_longs_to_shorts_when_it_is_due(void)
{
    open_exchange(false);
    trade(ALICE, SIDE_BUY, BOB, 100, 2);
    trade(CAROL, SIDE_BUY, BOB, 100, 1);
    struct exchange_perpetual *perpetual = &exchange.instruments[PERP].perpetual;
    exchange_mark(&exchange, PERP, DEC(100), 61 * NS_PER_S);
    CHECK_INT(perpetual->next_funding_ns, 120 * NS_PER_S);
    exchange_mark(&exchange, PERP, DEC(100), 119 * NS_PER_S);
    CHECK_INT(told.fundings, 0);
    exchange.instruments[PERP].config.interest_ppb = 100000; /* 0.01 % */
    int64_t before[] = { wallet_of(BG), wallet_of(ALICE), wallet_of(BOB), wallet_of(CAROL) };
    perpetual->premium_ppb = 0;
    exchange_mark(&exchange, PERP, DEC(100), 120 * NS_PER_S);
    CHECK_INT(told.fundings, 3);
    CHECK_INT(told.funding[ALICE].qty, DEC(-0.02)); /* 200 * 0.01 % */
    CHECK_INT(told.funding[BOB].qty, DEC(0.03));
    CHECK_INT(told.funding[CAROL].qty, DEC(-0.01));
    CHECK_INT(told.funding[ALICE].rate_ppb, 100000);
    CHECK_INT(wallet_of(ALICE) - before[ALICE], DEC(-0.02));
    CHECK_INT(position_of(BOB)->funding, DEC(0.03));
    CHECK_INT(exchange.insurance[USDT], 0);
    exchange_mark(&exchange, PERP, DEC(100), 121 * NS_PER_S);
    CHECK_INT(told.fundings, 3);
    /* Below zero shorts pay. */
    exchange.instruments[PERP].config.interest_ppb = -100000;
    exchange_mark(&exchange, PERP, DEC(100), 180 * NS_PER_S);
    CHECK_INT(told.fundings, 6);
    CHECK_INT(told.funding[BOB].qty, DEC(-0.03));
    struct exchange_funding funding;
    uint64_t cursor = 0, ids[2] = { 0 };
    for (int i = 0; i < 2; i++) {
        CHECK(exchange_next_funding(&exchange, ALICE, &cursor, &funding));
        ids[i] = funding.id;
    }
    CHECK_INT(funding.amount, DEC(0.02));
    CHECK(ids[0] != 0 && ids[1] > ids[0]);
    CHECK(!exchange_next_funding(&exchange, ALICE, &cursor, &funding));
    close_exchange();
}

static void roundings_of_funding_fall_to_the_fund(void)
{
    open_exchange(false);
    exchange.instruments[PERP].config.min_notional = 0;
    trade(ALICE, SIDE_BUY, BOB, 33.33, 0.001);
    trade(CAROL, SIDE_BUY, BOB, 33.33, 0.002);
    exchange_mark(&exchange, PERP, DEC(33.33), 61 * NS_PER_S);
    exchange.instruments[PERP].config.interest_ppb = 12345;
    exchange.instruments[PERP].perpetual.premium_ppb = 0;
    exchange_mark(&exchange, PERP, DEC(33.33), 120 * NS_PER_S);
    CHECK_INT(told.fundings, 3);
    CHECK(exchange.insurance[USDT] >= 1 && exchange.insurance[USDT] <= 3);
    close_exchange();
}

/* ---- liquidation ---- */

static void below_maintenance_an_account_is_closed_by_force(void)
{
    open_exchange(false);
    CHECK_INT(exchange_set_leverage(&exchange, ALICE, PERP, 50), CAUSE_NONE);
    trade(ALICE, SIDE_BUY, BG, 100, 400); /* 40,000 on 1,000; fee 20. */
    CHECK_INT(put(ALICE, PERP, SIDE_SELL, 98.9, 1), CAUSE_NONE);
    /* 980 + 400 (m - 100) = 400 m 1 %: m = 39,020 / 396 = 98.535... */
    CHECK(exchange_liquidation_price(&exchange, ALICE, PERP) > DEC(98.5353));
    CHECK(exchange_liquidation_price(&exchange, ALICE, PERP) < DEC(98.5354));
    CHECK_INT(exchange_bankruptcy_price(&exchange, ALICE, PERP), DEC(97.55));
    CHECK_INT(put(BG, PERP, SIDE_BUY, 98.2, 1000), CAUSE_NONE);
    mark(98.54);
    CHECK_INT(told.liquidations, 0);
    mark(98.53);
    CHECK_INT(told.liquidations, 1);
    CHECK_INT(told.liquidation.account, ALICE);
    CHECK_INT(told.liquidation.side, SIDE_SELL);
    CHECK_INT(told.liquidation.qty, DEC(400));
    CHECK_INT(told.liquidation.quote, DEC(39280));
    CHECK_INT(told.liquidation.price, DEC(97.55));
    CHECK_INT(position_of(ALICE)->qty, 0);
    CHECK_INT(exchange.accounts[ALICE].open_orders[PERP], 0);
    CHECK_INT(wallet_of(ALICE), DEC(980 - 720 - 19.64)); /* Fee on 39,280. */
    CHECK_INT(exchange.insurance[USDT], 0);
    close_exchange();
}

static void a_loss_beyond_the_wallet_falls_on_the_fund(void)
{
    open_exchange(false);
    CHECK_INT(exchange_set_leverage(&exchange, ALICE, PERP, 50), CAUSE_NONE);
    trade(ALICE, SIDE_BUY, BG, 100, 400);
    CHECK_INT(put(BG, PERP, SIDE_BUY, 97, 1000), CAUSE_NONE);
    mark(98);
    /* 980 - 1,200 - 19.40 */
    CHECK_INT(wallet_of(ALICE), 0);
    CHECK_INT(exchange.insurance[USDT], DEC(-239.4));
    CHECK_INT(told.transfers, 1);
    CHECK_INT(told.transfer.cause, CAUSE_LIQUIDATION);
    CHECK_INT(told.transfer.qty, DEC(239.4));
    close_exchange();
}

static void without_anybody_to_trade_with_it_is_tried_again(void)
{
    open_exchange(false);
    CHECK_INT(exchange_set_leverage(&exchange, ALICE, PERP, 50), CAUSE_NONE);
    trade(ALICE, SIDE_SELL, BG, 100, 400);
    mark(102);
    CHECK_INT(told.liquidations, 0);
    CHECK_INT(position_of(ALICE)->qty, DEC(-400));
    CHECK_INT(put(BG, PERP, SIDE_SELL, 102, 1000), CAUSE_NONE);
    mark(102);
    CHECK_INT(told.liquidations, 1);
    CHECK_INT(told.liquidation.side, SIDE_BUY);
    CHECK_INT(position_of(ALICE)->qty, 0);
    close_exchange();
}

static void hedge_mode_is_a_flag_that_needs_a_flat_account(void)
{
    open_exchange(false);
    CHECK_INT(exchange_set_hedge_mode(&exchange, ALICE, false), CAUSE_NO_CHANGE);
    CHECK_INT(put(ALICE, PERP, SIDE_BUY, 99, 1), CAUSE_NONE);
    CHECK_INT(exchange_set_hedge_mode(&exchange, ALICE, true), CAUSE_OPEN_POSITION);
    exchange_cancel_all(&exchange, ALICE, EXCHANGE_NONE, CAUSE_REQUESTED, 9);
    CHECK_INT(exchange_set_hedge_mode(&exchange, ALICE, true), CAUSE_NONE);
    CHECK(exchange.accounts[ALICE].is_hedge_mode);
    close_exchange();
}

/* ---- kinds, and random life ---- */

static void one_symbol_may_be_spot_and_perpetual(void)
{
    open_exchange(false);
    CHECK_INT(exchange_instrument(&exchange, INSTRUMENT_SPOT, "BTCUSDT"), SPOT);
    CHECK_INT(exchange_instrument(&exchange, INSTRUMENT_PERPETUAL, "BTCUSDT"), PERP);
    CHECK_INT(exchange_instrument(&exchange, INSTRUMENT_SPOT, "ETHUSDT"), EXCHANGE_NONE);
    CHECK_INT(put(ALICE, PERP, SIDE_BUY, 90, 1), CAUSE_NONE);
    CHECK_INT(exchange_best(&exchange, SPOT, SIDE_BUY), 0);
    close_exchange();
}

static uint64_t random_state;

static uint64_t rnd(uint64_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % below;
}

/* What positions, sums of executions and wallets say must be one story. */
static void executions_tell_the_positions(void)
{
    int64_t qty[ACCOUNTS] = { 0 }, realised[ACCOUNTS] = { 0 }, fees[ACCOUNTS] = { 0 };

    for (uint32_t i = 0; i < exchange.execution_count; i++) {
        const struct exchange_execution *e = &exchange.executions[i];
        qty[e->account] += e->side == SIDE_BUY ? e->qty : -e->qty;
        realised[e->account] += e->realised_pnl;
        fees[e->account] += e->fee;
    }
    for (uint32_t i = ALICE; i < ACCOUNTS; i++) {
        const struct exchange_position *p = position_of(i);
        const struct exchange_balance *balance = &exchange.accounts[i].balances[USDT];
        CHECK_INT(p->qty, qty[i]);
        CHECK_INT(p->realised, realised[i]);
        CHECK_INT(p->fees, fees[i]);
        if (exchange.insurance[USDT] >= 0)
            CHECK_INT(balance->free + balance->locked,
                      balance->deposited + p->realised - p->fees + p->funding);
    }
}

static void random_action(int step)
{
    uint32_t account = (uint32_t)rnd(ACCOUNTS);
    struct exchange_request request = {
        .account = account,
        .instrument = PERP,
        .side = rnd(2) ? SIDE_BUY : SIDE_SELL,
        .type = rnd(6) ? ORDER_LIMIT : ORDER_MARKET,
        .time_in_force = (wire_time_in_force)(TIF_GTC + rnd(3)),
        .stp = (enum match_stp)rnd(5),
        .price = exchange.instruments[PERP].perpetual.mark_price + DEC(0.5) -
                 (int64_t)rnd(101) * DEC(0.01),
        .qty = DEC(0.1) + (int64_t)rnd(3000) * DEC(0.001),
        .is_reduce_only = rnd(4) == 0,
    };
    (void)place(request);
    if (exchange.accounts[account].first_open && rnd(4) == 0) {
        const struct exchange_order *order = exchange.accounts[account].first_open;
        if (rnd(2))
            (void)exchange_amend(&exchange, account, order->id, request.price, request.qty, NULL,
                                 false, clock_ns++);
        else
            (void)exchange_cancel(&exchange, account, order->id, CAUSE_REQUESTED, clock_ns++);
    }
    int64_t drift = (int64_t)rnd(41) * DEC(0.01) - DEC(0.2);
    clock_ns += 100 * NS_PER_MS;
    exchange_mark(&exchange, PERP,
                  MAX(exchange.instruments[PERP].perpetual.index_price + drift, DEC(10)), clock_ns);
    if (step % 200 == 0)
        (void)exchange_transfer(&exchange, ALICE, USDT, DEC(50), clock_ns);
}

static void random_life_loses_no_money_and_no_position(void)
{
    uint64_t liquidations = 0, payments = 0;

    for (unsigned seed = 1; seed <= 10; seed++) {
        random_state = seed * 7919;
        open_exchange(seed % 2);
        CHECK_INT(exchange_set_leverage(&exchange, BOB, PERP, 50), CAUSE_NONE);
        CHECK_INT(exchange_transfer(&exchange, BOB, USDT, DEC(-950), 2), CAUSE_NONE);
        for (int step = 1; step < 4000 && !check_failed_in_case; step++) {
            random_action(step);
            must_be_sound();
            for (uint32_t i = 0; i < ACCOUNTS; i++)
                for (const struct exchange_order *o = exchange.accounts[i].first_open; o && i != BG;
                     o = o->next_of_account)
                    if (o->is_reduce_only)
                        CHECK(o->match.leaves <= (o->match.side == SIDE_SELL
                                                      ? position_of(i)->qty
                                                      : -position_of(i)->qty));
        }
        executions_tell_the_positions();
        CHECK(exchange.instruments[PERP].trade_count > 300);
        liquidations += exchange.liquidations;
        payments += exchange.funding_count;
        close_exchange();
    }
    CHECK(liquidations > 0);
    CHECK(payments > 20);
}

int main(void)
{
    CASE(buying_opens_a_long_and_costs_nothing_but_the_fee);
    CASE(a_partial_close_books_its_share_and_leaves_the_entry);
    CASE(a_maker_that_closes_books_its_profit_too);
    CASE(through_zero_it_closes_first_and_opens_with_the_rest);
    CASE(what_rounding_leaves_stays_with_what_is_open);
    CASE(unrealised_profit_is_at_mark_and_no_cash);
    CASE(an_order_needs_initial_margin_and_its_fee);
    CASE(leverage_decides_how_much);
    CASE(what_reduces_a_position_needs_no_margin);
    CASE(margin_of_positions_is_not_spent_on_spot);
    CASE(an_amendment_is_judged_by_what_it_adds);
    CASE(reduce_only_needs_a_position_of_the_other_side);
    CASE(resting_reduce_only_orders_shrink_with_the_position);
    CASE(one_sweep_does_not_turn_a_position_by_reduce_only);
    CASE(a_reduce_only_market_order_closes_and_no_more);
    CASE(mark_follows_the_index_at_once_and_the_book_slowly);
    CASE(funding_goes_from_longs_to_shorts_when_it_is_due);
    CASE(roundings_of_funding_fall_to_the_fund);
    CASE(below_maintenance_an_account_is_closed_by_force);
    CASE(a_loss_beyond_the_wallet_falls_on_the_fund);
    CASE(without_anybody_to_trade_with_it_is_tried_again);
    CASE(hedge_mode_is_a_flag_that_needs_a_flat_account);
    CASE(one_symbol_may_be_spot_and_perpetual);
    CASE(random_life_loses_no_money_and_no_position);
    DONE();
}
