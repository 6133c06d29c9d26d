/* Identity and registry of instruments. */
#include "common/leaf/err.h"
#include "common/pure/instrument.h"
#include "tests/unit/check.h"

#include <stdio.h>

/* printf 'binance|spot|BTCUSDT' | sha256sum: the first 8 bytes, read as little endian. */
static void id_is_the_same_everywhere(void)
{
    CHECK(instrument_id("binance", INSTRUMENT_SPOT, "BTCUSDT") == UINT64_C(0xf7e8aea064b48306));
    CHECK(instrument_id("kraken", INSTRUMENT_SPOT, "BTC/USD") == UINT64_C(0x578433af951d49c6));
    CHECK(instrument_id("binance", INSTRUMENT_PERPETUAL, "BTCUSDT") !=
          instrument_id("binance", INSTRUMENT_SPOT, "BTCUSDT"));
}

static void id_takes_a_symbol_of_any_length(void)
{
    char symbol[4096];

    memset(symbol, 'A', sizeof(symbol) - 1);
    symbol[sizeof(symbol) - 1] = '\0';
    uint64_t whole = instrument_id("binance", INSTRUMENT_SPOT, symbol);
    symbol[sizeof(symbol) - 2] = 'B';
    CHECK(instrument_id("binance", INSTRUMENT_SPOT, symbol) != whole);
}

static void exponents_are_8_unless_the_venue_needs_others(void)
{
    static const struct {
        int price_decimals, qty_decimals;
        const char *max_qty;
        int price_exp, qty_exp;
    } cases[] = {
        { 2, 5, "9000.00000000", 8, 8 },
        { 10, 8, NULL, 10, 8 },
        { 2, 12, NULL, 8, 12 },
        { 25, 25, NULL, 18, 18 },
        { 8, 0, "92233720368.00000000", 8, 8 },
        { 8, 0, "92233720369.00000000", 8, 7 },
        { 8, 0, "9000000000000000000", 8, 0 },
        { 8, 2, "9000000000000000000", 8, 2 }, /* Its own decimals stay. */
        { 8, 0, "1E12", 8, 6 },
        { 8, 0, "0.123456789123", 8, 8 },
        { 8, 0, "not a number", 8, 8 },
        { 8, 0, "", 8, 8 },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        int price_exp = 0, qty_exp = 0;
        instrument_exponents(cases[i].price_decimals, cases[i].qty_decimals, cases[i].max_qty,
                             &price_exp, &qty_exp);
        CHECK_INT(price_exp, cases[i].price_exp);
        CHECK_INT(qty_exp, cases[i].qty_exp);
    }
}

static struct wire_instrument definition(uint64_t id, const char *venue, const char *symbol)
{
    struct wire_instrument made;

    WIRE_BEGIN(&made, instrument);
    made.header.instrument = id;
    made.kind = INSTRUMENT_SPOT;
    made.price_exp = made.qty_exp = 8;
    snprintf(made.venue, sizeof(made.venue), "%s", venue);
    snprintf(made.symbol, sizeof(made.symbol), "%s", symbol);
    return made;
}

static void definitions_are_found_by_id_and_by_symbol(void)
{
    struct instruments table;
    struct wire_instrument a = definition(1, "binance", "BTCUSDT"),
                           b = definition(2, "kraken", "BTCUSDT");

    CHECK_INT(instruments_init(&table), 0);
    CHECK(instruments_get(&table, 1) == NULL);
    CHECK_INT(instruments_put(&table, &a), 0);
    CHECK_INT(instruments_put(&table, &b), 0);
    CHECK_STR(instruments_get(&table, 1)->venue, "binance");
    CHECK(instruments_by_symbol(&table, "kraken", INSTRUMENT_SPOT, "BTCUSDT") ==
          instruments_get(&table, 2));
    CHECK(instruments_by_symbol(&table, "kraken", INSTRUMENT_SPOT, "ETHUSDT") == NULL);
    CHECK(instruments_get(&table, 0) == NULL && instruments_get(&table, 3) == NULL);
    instruments_fini(&table);
    CHECK(instruments_get(&table, 1) == NULL);
    instruments_fini(&table);
}

static void second_definition_replaces_all_but_exponents(void)
{
    struct instruments table;
    struct wire_instrument a = definition(1, "binance", "BTCUSDT");

    CHECK_INT(instruments_init(&table), 0);
    CHECK_INT(instruments_put(&table, &a), 0);
    a.tick_size = 5;
    CHECK_INT(instruments_put(&table, &a), 0);
    CHECK_INT(instruments_get(&table, 1)->tick_size, 5);
    CHECK_INT(table.count, 1);
    a.tick_size = 6;
    a.price_exp = 7;
    CHECK_INT(instruments_put(&table, &a), ERR_RANGE);
    a.price_exp = 8;
    a.qty_exp = 9;
    CHECK_INT(instruments_put(&table, &a), ERR_RANGE);
    CHECK_INT(instruments_get(&table, 1)->tick_size, 5);
    a.header.instrument = 0;
    CHECK_INT(instruments_put(&table, &a), ERR_RANGE);
    instruments_fini(&table);
}

/* Ids that all want the same slot: the worst that open addressing can meet. */
static void full_table_holds_all_and_says_so(void)
{
    struct instruments table;
    uint32_t cursor = 0;
    int walked = 0;

    CHECK_INT(instruments_init(&table), 0);
    for (uint64_t i = 1; i <= INSTRUMENTS_MAX; i++) {
        struct wire_instrument one = definition(i << 32 | 2047, "v", "s");
        one.tick_size = (int64_t)i;
        CHECK_INT(instruments_put(&table, &one), 0);
    }
    struct wire_instrument more = definition(5, "v", "s"),
                           known = definition(UINT64_C(7) << 32 | 2047, "v", "s");
    CHECK_INT(instruments_put(&table, &more), ERR_FULL);
    CHECK_INT(instruments_put(&table, &known), 0);
    for (uint64_t i = 1; i <= INSTRUMENTS_MAX; i++)
        CHECK(instruments_get(&table, i << 32 | 2047)->tick_size == (i == 7 ? 0 : (int64_t)i));
    CHECK(instruments_get(&table, 5) == NULL);
    while (instruments_next(&table, &cursor))
        walked++;
    CHECK_INT(walked, INSTRUMENTS_MAX);
    instruments_fini(&table);
}

int main(void)
{
    CASE(id_is_the_same_everywhere);
    CASE(id_takes_a_symbol_of_any_length);
    CASE(exponents_are_8_unless_the_venue_needs_others);
    CASE(definitions_are_found_by_id_and_by_symbol);
    CASE(second_definition_replaces_all_but_exponents);
    CASE(full_table_holds_all_and_says_so);
    DONE();
}
