#include "signal_engine/signal_core.h"
#include "tests/unit/check.h"
#include "tests/unit/market_fixture.h"

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

static void begin(void)
{
    const struct signal_config config = { .min_edge_ppm = 100,
                                          .min_net = AMOUNT(1) / 100,
                                          .max_notional = AMOUNT(100000),
                                          .max_age_ns = NS_PER_S,
                                          .valid_ns = 200 * NS_PER_MS,
                                          .epoch = 1000 };
    struct wire_instrument definition;

    market_fini(&market);
    CHECK(market_init(&market, 4, 100) == 0);
    signal_core_init(&core, &config, &market);
    published = ended = snapshots = 0;
    for (unsigned account = 1; account <= 2; account++) {
        fixture_define(&definition, account, 1000);
        signal_core_event(&core, &definition.header, 1, &out);
    }
    CHECK_INT(core.pair_count, 2);
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

int main(void)
{
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
