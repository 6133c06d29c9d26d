#include "common/leaf/err.h"
#include "position_server/position_core.h"
#include "tests/unit/check.h"
#include "tests/unit/market_fixture.h"

static struct market market;
static struct position_core core; /* Large: static. */
static struct wire_book_delta book;
static struct wire_position last_position, account_position;
static struct wire_balance last_btc, last_usdt;
static struct wire_pnl everything;
static struct wire_trade_replay_request replay;
static struct wire_applied_trade_number applied;
static unsigned replays, stored, store_error;
static int64_t now;

static void publish(void *ctx, unsigned port, struct wire_header *event)
{
    (void)ctx;
    CHECK(wire_check(event, event->size) == 0);
    CHECK_INT(wire_port(event->type), port);
    if (event->type == WIRE_position && ((struct wire_position *)event)->strategy == 3)
        last_position = *(struct wire_position *)event;
    if (event->type == WIRE_position && ((struct wire_position *)event)->strategy == 0)
        account_position = *(struct wire_position *)event;
    if (event->type == WIRE_balance && strcmp(((struct wire_balance *)event)->asset, "BTC") == 0)
        last_btc = *(struct wire_balance *)event;
    if (event->type == WIRE_balance && strcmp(((struct wire_balance *)event)->asset, "USDT") == 0)
        last_usdt = *(struct wire_balance *)event;
    if (event->type == WIRE_pnl && event->account == 0 && ((struct wire_pnl *)event)->strategy == 0)
        everything = *(struct wire_pnl *)event;
    if (event->type == WIRE_trade_replay_request) {
        replay = *(struct wire_trade_replay_request *)event;
        replays++;
    }
    if (event->type == WIRE_applied_trade_number)
        applied = *(struct wire_applied_trade_number *)event;
}

static int store_trade(void *ctx, const struct wire_trade_event *trade)
{
    (void)ctx;
    (void)trade;
    stored += !store_error;
    return store_error ? ERR_SYS : 0;
}

static int store_account(void *ctx, const struct wire_account_event *event)
{
    (void)ctx;
    (void)event;
    return store_error ? ERR_SYS : 0;
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

static void store_position(void *ctx, const struct wire_account_position *position)
{
    (void)ctx;
    (void)position;
}

static void note(void *ctx, const char *event, const char *text)
{
    (void)ctx;
    (void)event;
    (void)text;
}

static void define(void)
{
    struct wire_instrument definition;

    fixture_define(&definition, 1, 1000);
    position_core_event(&core, &definition.header, now);
    position_core_event(
        &core, fixture_book(&book, 1, PRICE(5000000), QTY(100), PRICE(5000200), QTY(100)), now);
}

static void begin_without_market(void)
{
    const struct position_config config = { .reporting = "USDT",
                                            .mark_max_age_ns = 5 * NS_PER_S,
                                            .settle_ns = NS_PER_S,
                                            .replay_every_ns = 200 * NS_PER_MS };
    const struct position_out out = { NULL,          publish,          store_trade,
                                      store_account, store_definition, need_snapshot,
                                      note,          store_position };

    market_fini(&market);
    CHECK(market_init(&market, 4, 10) == 0);
    now = NS_PER_S;
    replays = stored = store_error = 0;
    position_core_init(&core, &config, &market, &out);
    position_core_loaded(&core, now);
}

static void begin(void)
{
    begin_without_market();
    define();
}

static struct wire_trade_event trade(uint64_t number, wire_side side, int64_t price, int64_t qty,
                                     const char *fee_asset, int64_t fee)
{
    struct wire_trade_event event;

    WIRE_BEGIN(&event, trade_event);
    event.header.account = 1;
    event.header.publisher = PUBLISHER(ROLE_TRADING_ENGINE, 1);
    event.header.instrument = fixture_id(1);
    event.trade_number = number;
    event.order_id = 1;
    event.price = price;
    event.qty = qty;
    event.fee = fee;
    strcpy(event.fee_asset, fee_asset);
    event.strategy = 3;
    event.price_exp = event.qty_exp = event.amount_exp = 8;
    event.side = side;
    return event;
}

static void apply(uint64_t number, wire_side side, int64_t price, int64_t qty)
{
    struct wire_trade_event event = trade(number, side, price, qty, "USDT", 0);

    position_core_event(&core, &event.header, now);
}

static void balance_event(uint64_t number, const char *asset, int64_t total, uint64_t as_of)
{
    struct wire_account_event event;

    WIRE_BEGIN(&event, account_event);
    event.header.account = 1;
    event.event_number = number;
    event.kind = ACCOUNT_BALANCE;
    strcpy(event.asset, asset);
    event.total = event.free = total;
    event.amount_exp = 8;
    event.as_of_trade_number = as_of;
    position_core_event(&core, &event.header, now);
}

static void transfer_event(uint64_t number, const char *asset, int64_t change)
{
    struct wire_account_event event;

    WIRE_BEGIN(&event, account_event);
    event.header.account = 1;
    event.event_number = number;
    event.kind = ACCOUNT_TRANSFER;
    strcpy(event.asset, asset);
    event.change = change;
    event.amount_exp = 8;
    position_core_event(&core, &event.header, now);
}

/* The balance after it was taken as "everything up to here", and the transfer was gone for good. */
static void a_transfer_missed_while_down_is_asked_for_and_counted_once(void)
{
    begin();
    balance_event(4, "USDT", AMOUNT(1000), 0); /* The ledger begins: four came before it. */
    CHECK_INT(core.balances[0].opening, AMOUNT(1000));
    transfer_event(6, "USDT", AMOUNT(7)); /* 5 never came. */
    CHECK_INT(core.balances[0].change, 0);
    balance_event(6, "USDT", AMOUNT(1012), 0);
    CHECK_INT(core.balances[0].venue_total, AMOUNT(1012));
    position_core_tick(&core, now, now);
    CHECK_INT(replays, 1);
    transfer_event(5, "USDT", AMOUNT(5));
    transfer_event(6, "USDT", AMOUNT(7));
    transfer_event(5, "USDT", AMOUNT(5));
    transfer_event(6, "USDT", AMOUNT(7));
    CHECK_INT(core.balances[0].change, AMOUNT(12));
    CHECK_INT(core.accounts[0].applied_event_number, 6);
    now += NS_PER_S;
    position_core_tick(&core, now, now);
    CHECK_INT(replays, 1);
}

static void average_price_and_realised_pnl(void)
{
    begin();
    apply(1, SIDE_BUY, PRICE(5000000), QTY(100));
    apply(2, SIDE_BUY, PRICE(5100000), QTY(100));
    apply(3, SIDE_SELL, PRICE(5200000), QTY(50));
    position_core_publish(&core, now);
    CHECK_INT(last_position.qty, QTY(150));
    CHECK_INT(last_position.avg_price, PRICE(5050000));
    CHECK_INT(last_position.realised_pnl, AMOUNT(75) / 10);        /* 0.005 * 1,500 */
    CHECK_INT(last_position.unrealised_pnl, -AMOUNT(7485) / 1000); /* 0.015 * (50,001 - 50,500) */
}

static void unrealised_against_the_middle(void)
{
    begin();
    apply(1, SIDE_BUY, PRICE(5000000), QTY(100));
    position_core_publish(&core, now);
    CHECK_INT(last_position.mark_price, PRICE(5000100));
    CHECK_INT(last_position.unrealised_pnl, AMOUNT(1) / 100); /* 0.01 * 1 */
    CHECK_INT(last_position.is_marked, 1);
}

static void a_position_turns_through_zero(void)
{
    begin();
    apply(1, SIDE_BUY, PRICE(5000000), QTY(100));
    apply(2, SIDE_SELL, PRICE(5100000), QTY(300));
    position_core_publish(&core, now);
    CHECK_INT(last_position.qty, -QTY(200));
    CHECK_INT(last_position.avg_price, PRICE(5100000));
    CHECK_INT(last_position.realised_pnl, AMOUNT(10));
    apply(3, SIDE_BUY, PRICE(5000000), QTY(200));
    position_core_publish(&core, now);
    CHECK_INT(last_position.qty, 0);
    CHECK_INT(last_position.realised_pnl, AMOUNT(30));
    CHECK_INT(last_position.bought_qty, QTY(300));
    CHECK_INT(last_position.sold_qty, QTY(300));
}

static void each_execution_counts_once_and_in_order(void)
{
    begin();
    apply(1, SIDE_BUY, PRICE(5000000), QTY(100));
    apply(1, SIDE_BUY, PRICE(5000000), QTY(100));
    apply(3, SIDE_BUY, PRICE(5000000), QTY(100)); /* 2 is missing. */
    CHECK_INT(core.counters.trades_applied, 1);
    CHECK_INT(core.counters.trades_duplicate, 1);
    position_core_tick(&core, now, 0);
    CHECK_INT(replays, 1);
    CHECK_INT(replay.from_trade_number, 2);
    position_core_tick(&core, now + 100 * NS_PER_MS, 0);
    CHECK_INT(replays, 1);
    position_core_tick(&core, now + 250 * NS_PER_MS, 0);
    CHECK_INT(replays, 2);
    apply(2, SIDE_BUY, PRICE(5000000), QTY(100));
    apply(3, SIDE_BUY, PRICE(5000000), QTY(100));
    CHECK_INT(core.counters.trades_applied, 3);
    position_core_tick(&core, now + NS_PER_S, 0);
    CHECK_INT(replays, 2);
}

static void an_engine_ahead_is_asked_for_what_never_came(void)
{
    struct wire_engine_status status;

    begin();
    WIRE_BEGIN(&status, engine_status);
    status.header.account = 1;
    status.last_trade_number = 4;
    position_core_event(&core, &status.header, now);
    position_core_tick(&core, now, 0);
    CHECK_INT(replay.from_trade_number, 1);
    position_core_publish(&core, now);
    CHECK_INT(everything.is_complete, 0);
}

static void fees_in_base_and_quote_reach_their_balances(void)
{
    begin();
    balance_event(1, "BTC", AMOUNT(2), 0);
    balance_event(2, "USDT", AMOUNT(1000), 0);
    struct wire_trade_event buy =
        trade(1, SIDE_BUY, PRICE(5000000), QTY(100), "BTC", QTY(100) / 1000);
    position_core_event(&core, &buy.header, now);
    struct wire_trade_event sell =
        trade(2, SIDE_SELL, PRICE(5000000), QTY(100), "USDT", AMOUNT(1) / 2);
    position_core_event(&core, &sell.header, now);
    position_core_publish(&core, now);
    CHECK_INT(last_btc.total, AMOUNT(2) - QTY(100) / 1000);
    CHECK_INT(last_usdt.total, AMOUNT(1000) - AMOUNT(1) / 2);
    CHECK_INT(last_position.fees,
              AMOUNT(1)); /* 0.5 in BTC at the execution's price, 0.5 in USDT. */
    CHECK_INT(account_position.fees, AMOUNT(1));
}

static void a_difference_to_the_venue_is_shown(void)
{
    begin();
    balance_event(1, "BTC", AMOUNT(2), 0);
    apply(1, SIDE_BUY, PRICE(5000000), QTY(100));
    balance_event(2, "BTC", AMOUNT(2) + QTY(100), 1);
    position_core_publish(&core, now);
    CHECK_INT(last_btc.difference, 0);
    CHECK_INT(last_btc.is_reconciled, 1);
    balance_event(3, "BTC", AMOUNT(2), 1);
    position_core_publish(&core, now);
    CHECK_INT(last_btc.difference, -QTY(100));
    CHECK_INT(last_btc.is_reconciled, 0);
}

static void the_ledger_may_begin_in_the_middle(void)
{
    begin();
    apply(1, SIDE_BUY, PRICE(5000000), QTY(100));
    balance_event(1, "BTC", AMOUNT(5), 0); /* Speaks of a moment before: no beginning. */
    CHECK(!core.balances[0].has_opening);
    balance_event(2, "BTC", AMOUNT(5) + QTY(100), 1);
    position_core_publish(&core, now);
    CHECK_INT(last_btc.total, AMOUNT(5) + QTY(100));
    CHECK_INT(last_btc.difference, 0);
}

/* Found by simulation: the venue's figure held an execution whose report was still on its way, and
 * the ledger was wrong by it for ever. */
static void a_first_figure_that_was_ahead_of_the_executions_is_corrected_by_the_next(void)
{
    begin();
    balance_event(1, "BTC", AMOUNT(5) + QTY(100), 0);
    apply(1, SIDE_BUY, PRICE(5000000), QTY(100));
    balance_event(2, "BTC", AMOUNT(5) + QTY(100), 1);
    position_core_publish(&core, now);
    CHECK_INT(last_btc.total, AMOUNT(5) + QTY(100));
    CHECK_INT(last_btc.difference, 0);
    balance_event(3, "BTC", AMOUNT(5) + QTY(100), 1); /* Says nothing new. */
    apply(2, SIDE_BUY, PRICE(5000000), QTY(100));
    balance_event(4, "BTC", AMOUNT(5) + QTY(200), 2);
    balance_event(5, "BTC", AMOUNT(5), 2); /* Now it is the venue's figure that is questioned. */
    position_core_publish(&core, now);
    CHECK_INT(last_btc.total, AMOUNT(5) + QTY(200));
    CHECK_INT(last_btc.difference, -QTY(200));
}

static void what_is_not_stored_is_not_applied(void)
{
    begin();
    store_error = 1;
    apply(1, SIDE_BUY, PRICE(5000000), QTY(100));
    CHECK_INT(core.counters.trades_applied, 0);
    CHECK_INT(core.counters.store_failed, 1);
    store_error = 0;
    apply(1, SIDE_BUY, PRICE(5000000), QTY(100));
    CHECK_INT(core.counters.trades_applied, 1);
}

static void only_durable_numbers_are_announced(void)
{
    begin();
    apply(1, SIDE_BUY, PRICE(5000000), QTY(100));
    position_core_tick(&core, now, 0);
    CHECK_INT(applied.trade_number, 0);
    position_core_durable(&core);
    position_core_tick(&core, now + NS_PER_S, 0);
    CHECK_INT(applied.trade_number, 1);
}

static void an_execution_waits_for_its_definition(void)
{
    begin_without_market();
    apply(1, SIDE_BUY, PRICE(5000000), QTY(100));
    CHECK_INT(core.counters.trades_applied, 0);
    define();
    apply(1, SIDE_BUY, PRICE(5000000), QTY(100));
    CHECK_INT(core.counters.trades_applied, 1);
}

static void a_stale_mark_is_a_breach_not_zero(void)
{
    begin();
    apply(1, SIDE_BUY, PRICE(5000000), QTY(100));
    position_core_publish(&core, now + 6 * NS_PER_S);
    CHECK_INT(last_position.is_marked, 0);
    CHECK_INT(everything.is_marked, 0);
    position_core_publish(&core, now);
    CHECK_INT(everything.is_marked, 1);
    CHECK_INT(everything.gross_exposure, AMOUNT(50001) / 100);
}

static void conversion_goes_along_pairs_and_equals_only(void)
{
    int64_t out;

    begin();
    CHECK(position_convert(&core, "BTC", AMOUNT(2), now, &out));
    CHECK_INT(out, AMOUNT(100002));
    CHECK(!position_convert(&core, "USD", AMOUNT(1), now, &out)); /* Unsaid, they differ. */
    strcpy(core.config.equals[0].asset, "USD");
    strcpy(core.config.equals[0].as, "USDT");
    core.config.equals[0].haircut_ppm = 1000;
    core.config.equal_count = 1;
    CHECK(position_convert(&core, "USD", AMOUNT(1000), now, &out));
    CHECK_INT(out, AMOUNT(999));
    CHECK(position_convert(&core, "USD", -AMOUNT(1000), now, &out));
    CHECK_INT(out, -AMOUNT(1001)); /* The haircut is against us on both sides. */
    CHECK(!position_convert(&core, "DOGE", AMOUNT(1), now, &out));
}

static void records_of_the_store_rebuild_the_same(void)
{
    static struct position_core before;

    begin();
    struct wire_trade_event events[3] = { trade(1, SIDE_BUY, PRICE(5000000), QTY(100), "BTC", 100),
                                          trade(2, SIDE_SELL, PRICE(5100000), QTY(40), "USDT", 200),
                                          trade(3, SIDE_SELL, PRICE(5150000), QTY(90), "USDT",
                                                300) };
    for (size_t i = 0; i < COUNT(events); i++)
        position_core_event(&core, &events[i].header, now);
    before = core;
    begin_without_market();
    core.is_loading = true;
    struct wire_instrument definition;
    fixture_define(&definition, 1, 1000);
    position_core_load(&core, &definition.header);
    for (size_t i = 0; i < COUNT(events); i++)
        position_core_load(&core, &events[i].header);
    position_core_loaded(&core, now);
    CHECK(memcmp(before.positions, core.positions, sizeof before.positions) == 0);
    CHECK(core.balances[0].change == before.balances[0].change);
    CHECK_INT(core.accounts[0].durable_trade_number, 3);
    CHECK_INT(stored, 0);
}

int main(void)
{
    CASE(a_transfer_missed_while_down_is_asked_for_and_counted_once);
    CASE(average_price_and_realised_pnl);
    CASE(unrealised_against_the_middle);
    CASE(a_position_turns_through_zero);
    CASE(each_execution_counts_once_and_in_order);
    CASE(an_engine_ahead_is_asked_for_what_never_came);
    CASE(fees_in_base_and_quote_reach_their_balances);
    CASE(a_difference_to_the_venue_is_shown);
    CASE(the_ledger_may_begin_in_the_middle);
    CASE(a_first_figure_that_was_ahead_of_the_executions_is_corrected_by_the_next);
    CASE(what_is_not_stored_is_not_applied);
    CASE(only_durable_numbers_are_announced);
    CASE(an_execution_waits_for_its_definition);
    CASE(a_stale_mark_is_a_breach_not_zero);
    CASE(conversion_goes_along_pairs_and_equals_only);
    CASE(records_of_the_store_rebuild_the_same);
    market_fini(&market);
    DONE();
}
