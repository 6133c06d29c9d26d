#include "signal_engine/signal_core.h"
#include "tests/unit/check.h"
#include "tests/unit/market_fixture.h"

#include <stdio.h>
#include <string.h>

static struct market market;
static struct signal_core core;
static struct wire_opportunity last;
static unsigned published, ended, snapshots;
static wire_reason why_ended;

static void publish(void *ctx, struct wire_header *event)
{
    (void)ctx;
    CHECK(wire_check(event, event->size) == 0);
    if (event->type == WIRE_opportunity) {
        last = *(struct wire_opportunity *)event;
        published++;
    } else {
        why_ended = ((struct wire_opportunity_end *)event)->why;
        ended++;
    }
}

static void need_snapshot(void *ctx, uint64_t instrument)
{
    (void)ctx;
    (void)instrument;
    snapshots++;
}

static const struct signal_out out = { NULL, publish, need_snapshot };
static struct wire_book_delta book;

static const struct signal_config plain = { .min_edge_ppm = 100,
                                            .min_net = AMOUNT(1) / 100,
                                            .max_notional = AMOUNT(100000),
                                            .max_age_ns = NS_PER_S,
                                            .valid_ns = 200 * NS_PER_MS,
                                            .basis_min_edge_ppm = 100,
                                            .basis_every_ns = 20 * NS_PER_MS,
                                            .mark_max_age_ns = 10 * NS_PER_S,
                                            .funding_max_age_ns = 60 * NS_PER_S,
                                            .epoch = 1000 };

static void begin_with(const struct signal_config *config)
{
    market_fini(&market);
    CHECK(market_init(&market, 8, 100) == 0);
    signal_core_init(&core, config, &market);
    memset(&last, 0, sizeof last);
    published = ended = snapshots = 0;
}

static void begin(void)
{
    struct wire_instrument definition;

    begin_with(&plain);
    for (unsigned account = 1; account <= 2; account++) {
        fixture_define(&definition, account, 1000);
        signal_core_event(&core, &definition.header, 1, &out);
    }
    CHECK_INT(core.pair_count, 2);
}

/* ---- spot and perpetual ---- */

/* BTC-quote or BTC-quote-PERP of an account. */
static uint64_t define(unsigned account, wire_instrument_kind kind, const char *quote)
{
    struct wire_instrument definition;
    bool is_spot = kind == INSTRUMENT_SPOT;

    fixture_define(&definition, account, 1000);
    snprintf(definition.name, sizeof definition.name, "BTC-%s%s", quote, is_spot ? "" : "-PERP");
    snprintf(definition.quote, sizeof definition.quote, "%s", quote);
    snprintf(definition.settle, sizeof definition.settle, "%s", quote);
    definition.kind = kind;
    definition.header.instrument = instrument_id(account == 1 ? "one" : "two", kind, quote);
    signal_core_event(&core, &definition.header, 1, &out);
    return definition.header.instrument;
}

static void book_of(uint64_t instrument, int64_t bid, int64_t ask, int64_t now_ns)
{
    (void)fixture_book(&book, 1, bid, QTY(100), ask, QTY(100));
    book.header.instrument = instrument;
    signal_core_event(&core, &book.header, now_ns, &out);
}

static void mark_of(uint64_t instrument, int64_t mark, int64_t now_ns)
{
    struct wire_mark_price event;

    WIRE_BEGIN(&event, mark_price);
    event.header.instrument = instrument;
    event.mark_price = mark;
    event.index_price = mark - PRICE(100);
    event.price_exp = 8;
    signal_core_event(&core, &event.header, now_ns, &out);
}

static void funding_of(uint64_t instrument, int64_t rate_ppb, int64_t next_ns, int64_t now_ns)
{
    struct wire_funding event;

    WIRE_BEGIN(&event, funding);
    event.header.instrument = instrument;
    event.rate_ppb = rate_ppb;
    event.next_funding_ns = next_ns;
    event.interval_ns = 8 * 3600 * NS_PER_S;
    signal_core_event(&core, &event.header, now_ns, &out);
}

static void set_book(unsigned account, int64_t bid, int64_t ask, int64_t qty, int64_t now_ns)
{
    signal_core_event(&core, fixture_book(&book, account, bid, qty, ask, qty), now_ns, &out);
}

static void finds_nothing_where_fees_eat_the_difference(void)
{
    begin();
    set_book(1, PRICE(5000000), PRICE(5000100), QTY(100), 2);
    set_book(2, PRICE(5005000), PRICE(5005100), QTY(100), 3); /* 0.098 % away, fees are 0.2 %. */
    CHECK_INT(published, 0);
}

static void walks_both_books_and_prices_after_fees(void)
{
    begin();
    set_book(1, PRICE(5000000), PRICE(5000100), QTY(100), 2);
    set_book(2, PRICE(5020000), PRICE(5020100), QTY(200), 3);
    CHECK_INT(published, 1);
    CHECK(last.buy_instrument == fixture_id(1) && last.sell_instrument == fixture_id(2));
    /* 0.01 at the ask, 0.01 more one dollar higher: the bid has 0.02, then one dollar lower 0.2. */
    CHECK(last.qty > QTY(200));
    CHECK(last.buy_price == PRICE(5000200) && last.sell_price == PRICE(5019900));
    CHECK(last.gross - last.fees == last.net && last.net > 0);
    CHECK(last.buy_vwap > PRICE(5000100) && last.buy_vwap < PRICE(5000200));
    CHECK_INT(last.confidence_ppm, 999999); /* One of the books is 1 ns old. */
}

static void takes_no_more_than_the_configured_notional(void)
{
    begin();
    core.config.max_notional = AMOUNT(250); /* 0.00499 at 50,001 */
    set_book(1, PRICE(5000000), PRICE(5000100), QTY(100), 2);
    set_book(2, PRICE(5020000), PRICE(5020100), QTY(100), 3);
    CHECK_INT(last.qty, QTY(49));
    CHECK(last.gross == (int64_t)((i128)QTY(49) * (PRICE(5020000) - PRICE(5000100)) / 100000000));
}

static void ends_when_the_difference_closes(void)
{
    begin();
    set_book(1, PRICE(5000000), PRICE(5000100), QTY(100), 2);
    set_book(2, PRICE(5020000), PRICE(5020100), QTY(100), 3);
    set_book(2, PRICE(5000000), PRICE(5000100), QTY(100), 4);
    CHECK_INT(ended, 1);
    CHECK_INT(why_ended, REASON_NO_LIQUIDITY);
}

static void ends_when_a_book_falls_silent(void)
{
    begin();
    set_book(1, PRICE(5000000), PRICE(5000100), QTY(100), 2);
    set_book(2, PRICE(5020000), PRICE(5020100), QTY(100), 3);
    signal_core_tick(&core, NS_PER_S + 10, &out);
    CHECK_INT(ended, 1);
    CHECK_INT(why_ended, REASON_BOOK_STALE);
}

static void a_gap_stops_everything_until_a_snapshot(void)
{
    begin();
    set_book(1, PRICE(5000000), PRICE(5000100), QTY(100), 2);
    set_book(2, PRICE(5020000), PRICE(5020100), QTY(100), 3);
    signal_core_gap(&core, PUBLISHER(ROLE_MARKET_GATEWAY, 2), WIRE_book_delta, 4, &out);
    CHECK_INT(ended, 1);
    CHECK_INT(snapshots, 1);
    published = 0;
    wire_book_begin(&book, WIRE_book_delta);
    book.header.instrument = fixture_id(2);
    book.header.publisher = PUBLISHER(ROLE_MARKET_GATEWAY, 2);
    book.price_exp = book.qty_exp = 8;
    book.bid_count = 1;
    book.levels[0] = (struct wire_level){ PRICE(5030000), QTY(100) };
    wire_book_end(&book);
    signal_core_event(&core, &book.header, 5, &out);
    CHECK_INT(published, 0); /* A delta on a book with a hole is no news. */
    CHECK_INT(snapshots, 2);
    set_book(2, PRICE(5020000), PRICE(5020100), QTY(100), 6);
    CHECK_INT(published, 1);
}

static void says_an_unchanged_one_again_before_it_ends(void)
{
    begin();
    set_book(1, PRICE(5000000), PRICE(5000100), QTY(100), 2);
    set_book(2, PRICE(5020000), PRICE(5020100), QTY(100), 3);
    signal_core_tick(&core, 50 * NS_PER_MS, &out);
    CHECK_INT(published, 1);
    signal_core_tick(&core, 150 * NS_PER_MS, &out);
    CHECK_INT(published, 2);
    CHECK_INT(last.revision, 1);
    CHECK(last.valid_until_ns == 350 * NS_PER_MS);
}

static void a_crossed_book_takes_part_in_nothing(void)
{
    begin();
    set_book(1, PRICE(5000000), PRICE(5000100), QTY(100), 2);
    set_book(2, PRICE(5020000), PRICE(5019000), QTY(100), 3);
    CHECK_INT(published, 0);
}

static void a_snapshot_that_never_came_is_asked_for_again(void)
{
    begin();
    set_book(1, PRICE(5000000), PRICE(5000100), QTY(100), 2);
    signal_core_tick(&core, 2 * NS_PER_S, &out); /* The other has no levels yet. */
    CHECK_INT(snapshots, 1);
    signal_core_tick(&core, 2 * NS_PER_S + 500 * NS_PER_MS, &out);
    CHECK_INT(snapshots, 1);
    signal_core_tick(&core, 3 * NS_PER_S, &out);
    CHECK_INT(snapshots, 2);
    set_book(1, PRICE(5000000), PRICE(5000100), QTY(100), 3 * NS_PER_S);
    set_book(2, PRICE(5000000), PRICE(5000100), QTY(100), 3 * NS_PER_S);
    signal_core_tick(&core, 4 * NS_PER_S, &out);
    CHECK_INT(snapshots, 2);
}

static void spot_and_perpetual_of_one_account_are_a_pair(void)
{
    begin_with(&plain);
    uint64_t spot = define(1, INSTRUMENT_SPOT, "USDT");
    uint64_t perpetual = define(1, INSTRUMENT_PERPETUAL, "USDT");

    CHECK_INT(core.pair_count, 2);
    (void)define(1, INSTRUMENT_PERPETUAL, "USDT"); /* Said again: the same pair. */
    CHECK_INT(core.pair_count, 2);
    mark_of(perpetual, PRICE(5020000), 2);
    funding_of(perpetual, 100000, 12345, 2);
    book_of(spot, PRICE(5000000), PRICE(5000100), 2);
    book_of(perpetual, PRICE(5020000), PRICE(5020100), 3);
    CHECK_INT(published, 1);
    CHECK(last.buy_instrument == spot && last.sell_instrument == perpetual);
    CHECK_INT(last.buy_kind, INSTRUMENT_SPOT);
    CHECK_INT(last.sell_kind, INSTRUMENT_PERPETUAL);
    CHECK_INT(last.basis_ppm, 3999); /* 50,200.50 over 50,000.50. */
    CHECK_INT(last.buy_funding_ppb, 0);
    CHECK_INT(last.sell_funding_ppb, 100000);
    CHECK_INT(last.next_funding_ns, 12345);
    /* What is said to be net is the entry spread after fees, funding is not in it. */
    CHECK(last.net == last.gross - last.fees);
}

static void basis_is_of_the_derivative_whichever_is_bought(void)
{
    begin_with(&plain);
    uint64_t spot = define(1, INSTRUMENT_SPOT, "USDT");
    uint64_t perpetual = define(2, INSTRUMENT_PERPETUAL, "USDT");

    mark_of(perpetual, PRICE(5000000), 2);
    funding_of(perpetual, -50000, 0, 2);
    book_of(spot, PRICE(5020000), PRICE(5020100), 2);
    book_of(perpetual, PRICE(5000000), PRICE(5000100), 3);
    CHECK_INT(published, 1);
    CHECK(last.buy_instrument == perpetual);
    CHECK_INT(last.basis_ppm, -3984);
    CHECK_INT(last.buy_funding_ppb, -50000);
    CHECK_INT(last.next_funding_ns, 0);
}

static void two_perpetuals_carry_both_fundings_and_no_basis(void)
{
    begin_with(&plain);
    uint64_t one = define(1, INSTRUMENT_PERPETUAL, "USDT");
    uint64_t two = define(2, INSTRUMENT_PERPETUAL, "USDT");

    mark_of(one, PRICE(5000000), 2);
    mark_of(two, PRICE(5020000), 2);
    funding_of(one, 7, 900, 2);
    funding_of(two, 9, 800, 2);
    book_of(one, PRICE(5000000), PRICE(5000100), 2);
    book_of(two, PRICE(5020000), PRICE(5020100), 3);
    CHECK_INT(published, 1);
    CHECK_INT(last.basis_ppm, 0);
    CHECK_INT(last.buy_funding_ppb, 7);
    CHECK_INT(last.sell_funding_ppb, 9);
    CHECK_INT(last.next_funding_ns, 800); /* The sooner. */
}

static void a_perpetual_without_mark_or_funding_takes_part_in_nothing(void)
{
    begin_with(&plain);
    uint64_t spot = define(1, INSTRUMENT_SPOT, "USDT");
    uint64_t perpetual = define(2, INSTRUMENT_PERPETUAL, "USDT");

    book_of(spot, PRICE(5000000), PRICE(5000100), 2);
    book_of(perpetual, PRICE(5020000), PRICE(5020100), 3);
    CHECK_INT(published, 0);
    mark_of(perpetual, PRICE(5020000), 4);
    book_of(perpetual, PRICE(5020000), PRICE(5020100), 5);
    CHECK_INT(published, 0);
    funding_of(perpetual, 100, 0, 6);
    book_of(perpetual, PRICE(5020000), PRICE(5020100), 7);
    CHECK_INT(published, 1);
    /* Ten seconds later the books live, the mark does not. */
    for (int64_t at = NS_PER_S / 2; at <= 11 * NS_PER_S; at += NS_PER_S / 2) {
        book_of(spot, PRICE(5000000), PRICE(5000100), at);
        book_of(perpetual, PRICE(5020000), PRICE(5020100), at);
    }
    CHECK_INT(ended, 1);
    CHECK_INT(why_ended, REASON_MARK_STALE);

    struct signal_config lenient = plain;
    lenient.mark_max_age_ns = lenient.funding_max_age_ns = 0;
    begin_with(&lenient);
    spot = define(1, INSTRUMENT_SPOT, "USDT");
    perpetual = define(2, INSTRUMENT_PERPETUAL, "USDT");
    book_of(spot, PRICE(5000000), PRICE(5000100), 2);
    book_of(perpetual, PRICE(5020000), PRICE(5020100), 3);
    CHECK_INT(published, 1);
}

static void a_restarted_gateway_has_no_mark_any_more(void)
{
    begin_with(&plain);
    uint64_t spot = define(1, INSTRUMENT_SPOT, "USDT");
    uint64_t perpetual = define(2, INSTRUMENT_PERPETUAL, "USDT");

    mark_of(perpetual, PRICE(5020000), 2);
    funding_of(perpetual, 100, 0, 2);
    book_of(spot, PRICE(5000000), PRICE(5000100), 2);
    book_of(perpetual, PRICE(5020000), PRICE(5020100), 3);
    CHECK_INT(published, 1);
    signal_core_restarted(&core, PUBLISHER(ROLE_MARKET_GATEWAY, 2), 4, &out);
    CHECK_INT(ended, 1);
    book_of(perpetual, PRICE(5020000), PRICE(5020100), 5);
    CHECK_INT(published, 1);
}

static void only_the_kinds_that_are_wanted(void)
{
    struct signal_config config = plain;

    config.kinds = SIGNAL_SPOT_SPOT;
    begin_with(&config);
    (void)define(1, INSTRUMENT_SPOT, "USDT");
    (void)define(2, INSTRUMENT_PERPETUAL, "USDT");
    (void)define(1, INSTRUMENT_PERPETUAL, "USDT");
    CHECK_INT(core.pair_count, 0);
    (void)define(2, INSTRUMENT_SPOT, "USDT");
    CHECK_INT(core.pair_count, 2);

    config.kinds = SIGNAL_SPOT_PERPETUAL;
    begin_with(&config);
    (void)define(1, INSTRUMENT_SPOT, "USDT");
    (void)define(2, INSTRUMENT_SPOT, "USDT");
    (void)define(1, INSTRUMENT_PERPETUAL, "USDT");
    (void)define(2, INSTRUMENT_PERPETUAL, "USDT");
    CHECK_INT(core.pair_count, 8);
    config.kinds = SIGNAL_PERPETUAL_PERPETUAL;
    begin_with(&config);
    (void)define(1, INSTRUMENT_SPOT, "USDT");
    (void)define(1, INSTRUMENT_PERPETUAL, "USDT");
    (void)define(2, INSTRUMENT_PERPETUAL, "USDT");
    CHECK_INT(core.pair_count, 2);
}

static void quotes_differ_unless_said_equal_and_then_cost_a_haircut(void)
{
    struct signal_config config = plain;

    begin_with(&config);
    uint64_t usd = define(1, INSTRUMENT_SPOT, "USD");
    uint64_t usdt = define(2, INSTRUMENT_SPOT, "USDT");
    CHECK_INT(core.pair_count, 0);

    int64_t net[2], gross[2], fees[2];
    for (int i = 0; i < 2; i++) {
        config.equal_count =
            (unsigned)equal_assets_parse(i ? "USD=USDT:500" : "USD=USDT", config.equals);
        begin_with(&config);
        usd = define(1, INSTRUMENT_SPOT, "USD");
        usdt = define(2, INSTRUMENT_SPOT, "USDT");
        CHECK_INT(core.pair_count, 2);
        book_of(usd, PRICE(4999900), PRICE(5000000), 2);
        book_of(usdt, PRICE(5020000), PRICE(5020100), 3);
        CHECK_INT(published, 1);
        CHECK(last.net == last.gross - last.fees);
        net[i] = last.net;
        gross[i] = last.gross;
        fees[i] = last.fees;
    }
    CHECK_INT(fees[0], fees[1]);
    /* 0.01 at 50,000 and 0.1 at 50,001 were bought: 500 ppm of 5,500.1. */
    CHECK_INT(gross[0] - gross[1], 275005000);
    CHECK(net[0] - net[1] == gross[0] - gross[1]);

    /* More haircut than edge: 0.4 % less 0.2 % of fees less 0.2 %. */
    config.equal_count = (unsigned)equal_assets_parse("USD=USDT:2000", config.equals);
    begin_with(&config);
    usd = define(1, INSTRUMENT_SPOT, "USD");
    usdt = define(2, INSTRUMENT_SPOT, "USDT");
    book_of(usd, PRICE(4999900), PRICE(5000000), 2);
    book_of(usdt, PRICE(5020000), PRICE(5020100), 3);
    CHECK_INT(published, 0);
}

static void an_entry_that_funding_is_to_pay_is_said_where_asked(void)
{
    struct signal_config config = plain;

    config.basis_min_edge_ppm = -3000; /* Fees are 0.2 %, the basis is 0. */
    begin_with(&config);
    uint64_t spot = define(1, INSTRUMENT_SPOT, "USDT");
    uint64_t perpetual = define(2, INSTRUMENT_PERPETUAL, "USDT");

    mark_of(perpetual, PRICE(5000000), 2);
    funding_of(perpetual, 500000, 0, 2);
    book_of(spot, PRICE(5000000), PRICE(5000100), 2);
    book_of(perpetual, PRICE(5000000), PRICE(5000100), 3);
    CHECK_INT(published, 2); /* Both directions: which one, funding says. */
    CHECK(last.net < 0 && last.edge_ppm < 0 && last.edge_ppm >= -3000);
}

static void an_open_basis_is_looked_at_no_more_often_than_said(void)
{
    begin_with(&plain);
    uint64_t spot = define(1, INSTRUMENT_SPOT, "USDT");
    uint64_t perpetual = define(2, INSTRUMENT_PERPETUAL, "USDT");

    mark_of(perpetual, PRICE(5020000), 2);
    funding_of(perpetual, 100, 0, 2);
    book_of(spot, PRICE(5000000), PRICE(5000100), 2);
    for (int i = 0; i < 10; i++)
        book_of(perpetual, PRICE(5020000 + 100 * i), PRICE(5020100 + 100 * i), 3 + i);
    CHECK_INT(published, 1);
    signal_core_tick(&core, 10 * NS_PER_MS, &out);
    CHECK_INT(published, 1);
    signal_core_tick(&core, 25 * NS_PER_MS, &out); /* What changed meanwhile is said then. */
    CHECK_INT(published, 2);
    CHECK(last.sell_price > PRICE(5020000));
    /* A book that may not be traded on ends it at once. */
    signal_core_gap(&core, PUBLISHER(ROLE_MARKET_GATEWAY, 1), WIRE_book_delta, 26 * NS_PER_MS,
                    &out);
    CHECK_INT(ended, 1);
}

static void a_change_of_one_book_walks_its_pairs_only(void)
{
    struct wire_instrument definition;
    uint64_t ids[2][2];

    begin_with(&plain);
    for (unsigned base = 0; base < 2; base++)
        for (unsigned account = 1; account <= 2; account++) {
            fixture_define(&definition, account, 1000);
            strcpy(definition.base, base ? "ETH" : "BTC");
            ids[base][account - 1] = definition.header.instrument += base;
            signal_core_event(&core, &definition.header, 1, &out);
        }
    CHECK_INT(core.pair_count, 4);
    for (unsigned base = 0; base < 2; base++)
        for (unsigned account = 0; account < 2; account++)
            book_of(ids[base][account], PRICE(5000000), PRICE(5000100), 2);
    uint64_t before = core.counters.walks;
    book_of(ids[1][0], PRICE(5000000), PRICE(5000100), 3);
    CHECK_INT(core.counters.walks - before, 2);
}

static void a_liquidation_and_the_mark_are_kept_with_the_instrument(void)
{
    struct wire_liquidation event;
    int64_t mark = 0;

    begin_with(&plain);
    uint64_t perpetual = define(1, INSTRUMENT_PERPETUAL, "USDT");
    struct market_book *kept = market_find(&market, perpetual);

    CHECK(!market_mark(kept, 5, NS_PER_S, &mark));
    mark_of(perpetual, PRICE(5000000), 5);
    CHECK(market_mark(kept, 6, NS_PER_S, &mark) && mark == PRICE(5000000));
    CHECK(kept->index_price == PRICE(4999900));
    CHECK(!market_mark(kept, 6 + 2 * NS_PER_S, NS_PER_S, &mark));
    WIRE_BEGIN(&event, liquidation);
    event.header.instrument = perpetual;
    event.price = 49900;
    event.qty = 25;
    event.price_exp = 0;
    event.qty_exp = 2;
    event.side = SIDE_SELL;
    signal_core_event(&core, &event.header, 7, &out);
    CHECK_INT(kept->liquidations, 1);
    CHECK(kept->liquidated_price == PRICE(4990000) && kept->liquidated_qty == QTY(2500));
    CHECK_INT(kept->liquidated_side, SIDE_SELL);
    CHECK_INT(kept->heard_ns, 1); /* None of it is a sign of life of the book. */
}

int main(void)
{
    CASE(spot_and_perpetual_of_one_account_are_a_pair);
    CASE(basis_is_of_the_derivative_whichever_is_bought);
    CASE(two_perpetuals_carry_both_fundings_and_no_basis);
    CASE(a_perpetual_without_mark_or_funding_takes_part_in_nothing);
    CASE(a_restarted_gateway_has_no_mark_any_more);
    CASE(only_the_kinds_that_are_wanted);
    CASE(quotes_differ_unless_said_equal_and_then_cost_a_haircut);
    CASE(an_entry_that_funding_is_to_pay_is_said_where_asked);
    CASE(an_open_basis_is_looked_at_no_more_often_than_said);
    CASE(a_change_of_one_book_walks_its_pairs_only);
    CASE(a_liquidation_and_the_mark_are_kept_with_the_instrument);
    CASE(finds_nothing_where_fees_eat_the_difference);
    CASE(walks_both_books_and_prices_after_fees);
    CASE(takes_no_more_than_the_configured_notional);
    CASE(ends_when_the_difference_closes);
    CASE(ends_when_a_book_falls_silent);
    CASE(a_gap_stops_everything_until_a_snapshot);
    CASE(says_an_unchanged_one_again_before_it_ends);
    CASE(a_crossed_book_takes_part_in_nothing);
    CASE(a_snapshot_that_never_came_is_asked_for_again);
    market_fini(&market);
    DONE();
}
