/* Perpetuals in the ledger: every figure by hand. Settle asset USDT, which is the reporting
 * currency, so that a reporting figure is the figure. */
#include "common/leaf/err.h"
#include "position_server/position_core.h"
#include "tests/unit/check.h"
#include "tests/unit/market_fixture.h"

#include <stdlib.h>

enum { KEPT_MAX = 256 };

static struct market market;
static struct position_core core; /* Large: static. */
static struct wire_book_delta book;
static struct wire_position of_account, of_strategy, of_other;
static struct wire_balance usdt, bnb;
static struct wire_pnl everything;
static struct wire_trade_replay_request asked;
static union {
    struct wire_header header;
    struct wire_trade_event trade;
    struct wire_account_event account;
} kept[KEPT_MAX]; /* The store. */
static bool is_repeat[KEPT_MAX];
static unsigned kept_count, notes;
static char last_note[32];
static uint64_t numbers, events;
static int64_t now;

static uint64_t perp(void)
{
    return instrument_id("binance", INSTRUMENT_PERPETUAL, "BTC-USDT");
}

static void publish(void *ctx, unsigned port, struct wire_header *event)
{
    (void)ctx;
    CHECK(wire_check(event, event->size) == 0);
    CHECK_INT(wire_port(event->type), port);
    if (event->type == WIRE_position && event->instrument == perp()) {
        const struct wire_position *p = (struct wire_position *)event;
        *(p->strategy == 0 ? &of_account : p->strategy == 3 ? &of_strategy : &of_other) = *p;
    }
    if (event->type == WIRE_balance && strcmp(((struct wire_balance *)event)->asset, "USDT") == 0)
        usdt = *(struct wire_balance *)event;
    if (event->type == WIRE_balance && strcmp(((struct wire_balance *)event)->asset, "BNB") == 0)
        bnb = *(struct wire_balance *)event;
    if (event->type == WIRE_pnl && event->account == 0 && ((struct wire_pnl *)event)->strategy == 0)
        everything = *(struct wire_pnl *)event;
    if (event->type == WIRE_trade_replay_request)
        asked = *(struct wire_trade_replay_request *)event;
}

/* As the ledger does it: the identity of an execution is taken once. */
static int store_trade(void *ctx, const struct wire_trade_event *t)
{
    (void)ctx;
    bool is_there = false;

    for (unsigned i = 0; i < kept_count; i++)
        is_there |= kept[i].header.type == WIRE_trade_event && !is_repeat[i] &&
                    kept[i].header.account == t->header.account &&
                    kept[i].header.instrument == t->header.instrument &&
                    kept[i].trade.side == t->side &&
                    strcmp(kept[i].trade.exchange_order_id, t->exchange_order_id) == 0 &&
                    strcmp(kept[i].trade.venue_trade_id, t->venue_trade_id) == 0;
    is_repeat[kept_count] = is_there;
    kept[kept_count++].trade = *t;
    return is_there ? ERR_EXISTS : 0;
}

static int store_account(void *ctx, const struct wire_account_event *event)
{
    (void)ctx;
    kept[kept_count++].account = *event;
    return 0;
}

static void store_definition(void *ctx, const struct wire_instrument *definition)
{
    (void)ctx;
    (void)definition;
}

static void need_snapshot(void *ctx, uint64_t instrument)
{
    (void)ctx;
    (void)instrument;
}

static void note(void *ctx, const char *event, const char *text)
{
    (void)ctx;
    if (getenv("VERBOSE"))
        fprintf(stderr, "  %s %s\n", event, text);
    snprintf(last_note, sizeof last_note, "%s", event);
    notes++;
}

static void definition_of(struct wire_instrument *d)
{
    fixture_define(d, 1, 500);
    d->header.instrument = perp();
    strcpy(d->name, "BTC-USDT-PERP");
    d->kind = INSTRUMENT_PERPETUAL;
}

static void mark(int64_t price)
{
    struct wire_mark_price m;

    WIRE_BEGIN(&m, mark_price);
    m.header.account = 1;
    m.header.publisher = PUBLISHER(ROLE_MARKET_GATEWAY, 1);
    m.header.instrument = perp();
    m.mark_price = price;
    m.price_exp = 8;
    position_core_event(&core, &m.header, now);
}

static void quote(int64_t bid, int64_t ask)
{
    (void)fixture_book(&book, 1, bid, QTY(100), ask, QTY(100));
    book.header.instrument = perp();
    position_core_event(&core, &book.header, now);
    struct wire_feed_status s;
    WIRE_BEGIN(&s, feed_status);
    s.header.account = 1;
    s.header.publisher = PUBLISHER(ROLE_MARKET_GATEWAY, 1);
    s.header.instrument = perp();
    s.state = FEED_LIVE;
    position_core_event(&core, &s.header, now);
}

static void open_core(void)
{
    const struct position_config config = { .reporting = "USDT",
                                            .mark_max_age_ns = 5 * NS_PER_S,
                                            .settle_ns = NS_PER_S,
                                            .replay_every_ns = 200 * NS_PER_MS };
    const struct position_out out = {
        NULL, publish, store_trade, store_account, store_definition, need_snapshot, note, NULL
    };
    struct wire_instrument d;

    market_fini(&market);
    CHECK(market_init(&market, 4, 10) == 0);
    position_core_init(&core, &config, &market, &out);
    definition_of(&d);
    position_core_load(&core, &d.header);
    for (unsigned i = 0; i < kept_count; i++) {
        if (is_repeat[i])
            position_core_load_repeated(&core, kept[i].header.account, kept[i].trade.trade_number);
        else
            position_core_load(&core, &kept[i].header);
    }
    position_core_loaded(&core, now);
    position_core_event(&core, &d.header, now);
}

static void begin(void)
{
    kept_count = notes = 0;
    memset(is_repeat, 0, sizeof is_repeat);
    numbers = events = 0;
    now = 10 * NS_PER_S;
    open_core();
    mark(PRICE(5000000));
}

/* kill -9 and a new process: the store is all that stays. */
static void restart(void)
{
    now += NS_PER_S;
    open_core();
}

static struct wire_trade_event execution(wire_side side, int64_t price, int64_t qty)
{
    struct wire_trade_event t;

    WIRE_BEGIN(&t, trade_event);
    t.header.account = 1;
    t.header.publisher = PUBLISHER(ROLE_TRADING_ENGINE, 1);
    t.header.instrument = perp();
    t.trade_number = ++numbers;
    t.order_id = 1;
    t.price = price;
    t.qty = qty;
    t.strategy = 3;
    t.price_exp = t.qty_exp = t.amount_exp = 8;
    t.side = side;
    strcpy(t.exchange_order_id, "O");
    snprintf(t.venue_trade_id, sizeof t.venue_trade_id, "T%u", (unsigned)numbers);
    strcpy(t.fee_asset, "USDT");
    return t;
}

static void apply(wire_side side, int64_t price, int64_t qty)
{
    struct wire_trade_event t = execution(side, price, qty);

    position_core_event(&core, &t.header, now);
}

static void apply_stated(wire_side side, int64_t price, int64_t qty, int64_t realised)
{
    struct wire_trade_event t = execution(side, price, qty);

    t.realised_pnl = realised;
    t.has_realised_pnl = 1;
    position_core_event(&core, &t.header, now);
}

static void balance(int64_t total)
{
    static uint64_t seq;
    struct wire_account_event e;

    WIRE_BEGIN(&e, account_event);
    e.header.account = 1;
    e.header.publisher = PUBLISHER(ROLE_TRADING_ENGINE, 1);
    e.header.epoch = 1;
    e.header.seq = ++seq;
    e.event_number = events;
    e.kind = ACCOUNT_BALANCE;
    e.total = e.free = total;
    e.as_of_trade_number = numbers;
    strcpy(e.asset, "USDT");
    e.amount_exp = 8;
    position_core_event(&core, &e.header, now);
}

static void change_of(wire_account_event_kind kind, int64_t change, int64_t total)
{
    struct wire_account_event e;

    WIRE_BEGIN(&e, account_event);
    e.header.account = 1;
    e.header.publisher = PUBLISHER(ROLE_TRADING_ENGINE, 1);
    e.header.instrument = perp();
    e.event_number = ++events;
    e.kind = kind;
    e.change = change;
    e.total = total;
    strcpy(e.asset, "USDT");
    e.amount_exp = 8;
    position_core_event(&core, &e.header, now);
}

static void funding(int64_t change)
{
    change_of(ACCOUNT_FUNDING, change, 0);
}

static void stated(int64_t qty, int64_t avg, int64_t unrealised)
{
    static uint64_t seq;
    struct wire_account_position p;

    WIRE_BEGIN(&p, account_position);
    p.header.account = 1;
    p.header.publisher = PUBLISHER(ROLE_TRADING_ENGINE, 1);
    p.header.instrument = perp();
    p.header.epoch = 1;
    p.header.seq = ++seq;
    p.qty = qty;
    p.avg_price = avg;
    p.unrealised_pnl = unrealised;
    p.price_exp = p.qty_exp = p.amount_exp = 8;
    strcpy(p.settle, "USDT");
    position_core_event(&core, &p.header, now);
}

static void say(void)
{
    position_core_publish(&core, now);
}

/* ---- ---- */

/* 0.30 bought at 50,000 and 0.10 at 50,400: 20,040 for 0.40, 50,100 each. 0.25 sold at 50,300: 50
 * realised; 0.15 left, at a mark of 50,060 worth 6 less than they cost. */
static void a_partial_reduction(void)
{
    begin();
    balance(AMOUNT(10000));
    apply(SIDE_BUY, PRICE(5000000), QTY(3000));
    apply(SIDE_BUY, PRICE(5040000), QTY(1000));
    say();
    CHECK_INT(of_account.avg_price, PRICE(5010000));
    CHECK_INT(usdt.total, AMOUNT(10000)); /* Opening moves no money: never the notional. */
    apply(SIDE_SELL, PRICE(5030000), QTY(2500));
    mark(PRICE(5006000));
    say();
    CHECK_INT(of_account.qty, QTY(1500));
    CHECK_INT(of_account.avg_price, PRICE(5010000));
    CHECK_INT(of_account.realised_pnl, AMOUNT(50));
    CHECK_INT(of_account.mark_price, PRICE(5006000));
    CHECK_INT(of_account.unrealised_pnl, -AMOUNT(6));
    CHECK_INT(of_strategy.realised_pnl, AMOUNT(50));
    CHECK_INT(usdt.total, AMOUNT(10050));
    CHECK_INT(everything.gross_exposure, PRICE(5006000) / 10000 * 1500);
}

/* Short 0.2 from 50,000, bought 0.5 at 49,000: 200 realised, long 0.3 from 49,000. */
static void turning_through_zero(void)
{
    begin();
    balance(AMOUNT(10000));
    apply(SIDE_SELL, PRICE(5000000), QTY(2000));
    apply(SIDE_BUY, PRICE(4900000), QTY(5000));
    say();
    CHECK_INT(of_account.qty, QTY(3000));
    CHECK_INT(of_account.avg_price, PRICE(4900000));
    CHECK_INT(of_account.realised_pnl, AMOUNT(200));
    CHECK_INT(of_account.unrealised_pnl, AMOUNT(300));
    CHECK_INT(usdt.total, AMOUNT(10200));
    CHECK_INT(everything.net, AMOUNT(500));
}

/* 12 paid, 5 received. */
static void funding_changes_balance_position_and_profit(void)
{
    begin();
    balance(AMOUNT(10000));
    apply(SIDE_BUY, PRICE(5000000), QTY(10000));
    funding(-AMOUNT(12));
    funding(AMOUNT(5));
    say();
    CHECK_INT(of_account.funding, -AMOUNT(7));
    CHECK_INT(of_account.funding_reporting, -AMOUNT(7));
    CHECK_INT(of_strategy.funding, -AMOUNT(7));
    CHECK_INT(usdt.total, AMOUNT(9993));
    CHECK_INT(everything.funding, -AMOUNT(7));
    CHECK_INT(everything.net, -AMOUNT(7));
    balance(AMOUNT(9993));
    say();
    CHECK_INT(usdt.difference, 0);
    CHECK_INT(usdt.is_reconciled, 1);
}

/* 0.75 of strategy 3, 0.25 of strategy 4: 12 are 9 and 3. */
static void strategies_share_funding_by_quantity(void)
{
    begin();
    apply(SIDE_BUY, PRICE(5000000), QTY(7500));
    struct wire_trade_event t = execution(SIDE_BUY, PRICE(5000000), QTY(2500));
    t.strategy = 4;
    position_core_event(&core, &t.header, now);
    funding(-AMOUNT(12));
    say();
    CHECK_INT(of_account.funding, -AMOUNT(12));
    CHECK_INT(of_strategy.funding, -AMOUNT(9));
    CHECK_INT(of_other.funding, -AMOUNT(3));
}

/* A fee in BNB leaves the balance of BNB; nothing of it touches the settle asset. */
static void a_fee_in_another_asset_is_its_own(void)
{
    begin();
    balance(AMOUNT(10000));
    struct wire_trade_event t = execution(SIDE_BUY, PRICE(5000000), QTY(1000));
    strcpy(t.fee_asset, "BNB");
    t.fee = AMOUNT(1) / 100;
    position_core_event(&core, &t.header, now);
    t = execution(SIDE_SELL, PRICE(5010000), QTY(1000));
    t.fee = AMOUNT(2);
    position_core_event(&core, &t.header, now);
    say();
    CHECK_INT(bnb.total, -AMOUNT(1) / 100);
    CHECK_INT(usdt.total, AMOUNT(10000) + AMOUNT(10) - AMOUNT(2));
    CHECK_INT(of_account.fees, AMOUNT(2)); /* BNB has no pair here: its balance alone shows it. */
}

static void the_balance_follows_the_venues_own_figure(void)
{
    begin();
    balance(AMOUNT(10000));
    apply_stated(SIDE_BUY, PRICE(5000000), QTY(1000), 0);
    apply_stated(SIDE_SELL, PRICE(5010000), QTY(1000), AMOUNT(10) + 100); /* Its rounding. */
    say();
    CHECK_INT(usdt.total, AMOUNT(10010) + 100);
    CHECK_INT(of_account.realised_pnl, AMOUNT(10));
    CHECK_INT(core.counters.realised_differed, 0);
    apply_stated(SIDE_BUY, PRICE(5000000), QTY(1000), 0);
    apply_stated(SIDE_SELL, PRICE(5010000), QTY(1000), AMOUNT(9)); /* That is no rounding. */
    say();
    CHECK_INT(usdt.total, AMOUNT(10019) + 100);
    CHECK_INT(of_account.realised_pnl, AMOUNT(20));
    CHECK_INT(core.counters.realised_differed, 1);
    CHECK_STR(last_note, "realised_differs");
}

static void a_restart_in_the_middle_changes_no_figure(void)
{
    for (int with = 0; with < 2; with++) {
        begin();
        balance(AMOUNT(10000));
        apply(SIDE_BUY, PRICE(5000000), QTY(3000));
        apply(SIDE_BUY, PRICE(5000100), QTY(1000)); /* Thirds of a cent in the average. */
        apply_stated(SIDE_SELL, PRICE(5030000), QTY(1300), 3899675000);
        funding(-123456789);
        if (with) {
            restart();
            mark(PRICE(5006000));
        }
        apply(SIDE_SELL, PRICE(5010000), QTY(4000));
        mark(PRICE(5006000));
        say();
        /* 20,000.10 for 0.4, of which 0.13 cost 6,500.0325 and brought 6,539: 38.9675. */
        CHECK_INT(of_account.qty, -QTY(1300));
        CHECK_INT(of_account.avg_price, PRICE(5010000));
        /* 0.27 cost 13,500.0675 and brought 13,527: 26.9325 more. */
        CHECK_INT(of_account.realised_pnl, 3896750000 + 2693250000);
        CHECK_INT(of_account.funding, -123456789);
        CHECK_INT(usdt.total, AMOUNT(10000) + 3899675000 + 2693250000 - 123456789);
        CHECK_INT(of_account.trades, 4);
        CHECK_INT(of_account.applied_trade_number, 4);
    }
}

static void without_a_fresh_mark_the_middle_counts(void)
{
    begin();
    apply(SIDE_BUY, PRICE(5000000), QTY(10000));
    now += 6 * NS_PER_S;
    say();
    CHECK_INT(of_account.is_marked, 0);
    quote(PRICE(5010000), PRICE(5010200));
    say();
    CHECK_INT(of_account.is_marked, 1);
    CHECK_INT(of_account.mark_price, PRICE(5010100));
    CHECK_INT(of_account.unrealised_pnl, AMOUNT(101));
    mark(PRICE(5005000));
    say();
    CHECK_INT(of_account.unrealised_pnl, AMOUNT(50));
}

static void the_venues_position_is_shown_and_compared(void)
{
    begin();
    apply(SIDE_BUY, PRICE(5000000), QTY(1000));
    say();
    CHECK_INT(of_account.has_venue_position, 0);
    now += NS_PER_MS;
    stated(QTY(1000), PRICE(5000000), AMOUNT(3));
    say();
    CHECK_INT(of_account.has_venue_position, 1);
    CHECK_INT(of_account.venue_qty, QTY(1000));
    CHECK_INT(of_account.venue_avg_price, PRICE(5000000));
    CHECK_INT(of_account.venue_unrealised_pnl, AMOUNT(3));
    CHECK_INT(of_account.is_reconciled, 1);
    CHECK_INT(of_strategy.has_venue_position, 0);
    stated(QTY(900), PRICE(5000000), AMOUNT(3));
    position_core_tick(&core, now, now);
    CHECK_INT(core.counters.positions_differed, 0); /* Something may be on its way. */
    now += 2 * NS_PER_S;
    position_core_tick(&core, now, now);
    CHECK_INT(core.counters.positions_differed, 1);
    CHECK_INT(of_account.is_reconciled, 0);
    now += 2 * NS_PER_S;
    position_core_tick(&core, now, now);
    CHECK_INT(core.counters.positions_differed, 1); /* Once. */
    stated(QTY(1000), PRICE(5000000), AMOUNT(3));
    now += 2 * NS_PER_S;
    position_core_tick(&core, now, now);
    CHECK_STR(last_note, "position_agrees");
}

/* Short 0.5 from 48,000 before the journal; 0.2 bought back at 50,000 lose 400. */
static void a_position_from_before_the_journal_counts_from_the_venues_price(void)
{
    begin();
    balance(AMOUNT(10000));
    change_of(ACCOUNT_POSITION, -QTY(5000), PRICE(4800000));
    say();
    CHECK_INT(of_account.qty, -QTY(5000));
    CHECK_INT(of_account.avg_price, PRICE(4800000));
    CHECK_INT(of_account.unrealised_pnl, -AMOUNT(1000));
    CHECK_INT(usdt.total, AMOUNT(10000));
    apply(SIDE_BUY, PRICE(5000000), QTY(2000));
    restart();
    mark(PRICE(5000000));
    say();
    CHECK_INT(of_account.qty, -QTY(3000));
    CHECK_INT(of_account.realised_pnl, -AMOUNT(400));
    CHECK_INT(usdt.total, AMOUNT(9600));
}

/* This ledger began after it: the engine is asked once for what it keeps. */
static void a_younger_ledger_gets_it_too(void)
{
    begin();
    events = 5; /* The balance says that five events were before it. */
    balance(AMOUNT(10000));
    memset(&asked, 0, sizeof asked);
    position_core_tick(&core, now, now);
    CHECK_INT(asked.from_trade_number, 1);
    events = 1;
    change_of(ACCOUNT_POSITION, QTY(5000), PRICE(4800000));
    say();
    CHECK_INT(of_account.qty, QTY(5000));
    events = 1;
    change_of(ACCOUNT_POSITION, QTY(5000), PRICE(4800000)); /* And once. */
    say();
    CHECK_INT(of_account.qty, QTY(5000));
}

static void one_execution_under_two_numbers_counts_once(void)
{
    begin();
    balance(AMOUNT(10000));
    struct wire_trade_event t = execution(SIDE_BUY, PRICE(5000000), QTY(1000));
    t.fee = AMOUNT(1);
    position_core_event(&core, &t.header, now);
    t.trade_number = ++numbers;
    position_core_event(&core, &t.header, now);
    say();
    CHECK_INT(of_account.qty, QTY(1000));
    CHECK_INT(usdt.total, AMOUNT(9999));
    CHECK_INT(core.counters.identities_repeated, 1);
    CHECK_STR(last_note, "execution_repeated");
    t.side = SIDE_SELL; /* The other side of it is another. */
    t.fee = 0;
    t.trade_number = ++numbers;
    position_core_event(&core, &t.header, now);
    say();
    CHECK_INT(of_account.qty, 0);
    restart();
    apply(SIDE_BUY, PRICE(5000000), QTY(2000)); /* Numbers go on without a hole. */
    say();
    CHECK_INT(of_account.qty, QTY(2000));
    CHECK_INT(of_account.applied_trade_number, 4);
}

int main(void)
{
    CASE(a_partial_reduction);
    CASE(turning_through_zero);
    CASE(funding_changes_balance_position_and_profit);
    CASE(strategies_share_funding_by_quantity);
    CASE(a_fee_in_another_asset_is_its_own);
    CASE(the_balance_follows_the_venues_own_figure);
    CASE(a_restart_in_the_middle_changes_no_figure);
    CASE(without_a_fresh_mark_the_middle_counts);
    CASE(the_venues_position_is_shown_and_compared);
    CASE(a_position_from_before_the_journal_counts_from_the_venues_price);
    CASE(a_younger_ledger_gets_it_too);
    CASE(one_execution_under_two_numbers_counts_once);
    market_fini(&market);
    DONE();
}
