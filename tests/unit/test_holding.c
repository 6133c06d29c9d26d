/* Positions at average cost. Every figure here was computed by hand. */
#include "common/pure/holding.h"

#include "tests/unit/check.h"

/* Prices with two decimals, quantities with three. */
static int64_t fill(struct holding *h, bool is_buy, int64_t price, int64_t qty)
{
    return holding_amount(h, holding_fill(h, is_buy, price, 2, qty, 3), 8);
}

#define USD(cents) ((cents)*INT64_C(1000000)) /* At 8 decimals. */

static void adding_averages_the_price(void)
{
    struct holding h;

    holding_init(&h, 2, 3);
    CHECK_INT(fill(&h, true, 10000, 1000), 0); /* 1 at 100 */
    CHECK_INT(fill(&h, true, 13000, 2000), 0); /* 2 at 130: 360 for 3 */
    CHECK_INT(h.qty, 3000);
    CHECK_INT(holding_average(&h), 12000);
    CHECK_INT(holding_amount(&h, holding_unrealised(&h, 12500), 8), USD(1500));
}

static void a_partial_reduction_takes_its_share(void)
{
    struct holding h;

    holding_init(&h, 2, 3);
    fill(&h, true, 10000, 1000);
    fill(&h, true, 13000, 2000);
    CHECK_INT(fill(&h, false, 15000, 1000), USD(3000)); /* 150 - 120 */
    CHECK_INT(h.qty, 2000);
    CHECK_INT(holding_average(&h), 12000); /* Unchanged by it. */
    CHECK_INT(fill(&h, false, 11000, 2000), USD(-2000));
    CHECK_INT(h.qty, 0);
    CHECK(h.cost == 0);
    CHECK_INT(holding_amount(&h, h.realised, 8), USD(1000));
}

static void an_execution_through_zero_closes_and_opens(void)
{
    struct holding h;

    holding_init(&h, 2, 3);
    fill(&h, true, 10000, 1000);
    CHECK_INT(fill(&h, false, 11000, 3000), USD(1000)); /* 1 closed at +10, 2 short from 110 */
    CHECK_INT(h.qty, -2000);
    CHECK_INT(holding_average(&h), 11000);
    CHECK_INT(holding_amount(&h, holding_unrealised(&h, 10500), 8), USD(1000));
    CHECK_INT(fill(&h, true, 10800, 2500), USD(400)); /* 2 back at +2, 0.5 long from 108 */
    CHECK_INT(h.qty, 500);
    CHECK_INT(holding_average(&h), 10800);
    CHECK_INT(holding_amount(&h, h.realised, 8), USD(1400));
}

/* 1 at 100.00 and 2 at 100.01 make 300.02 for 3: each third is no whole number of cents. What the
 * parts realise must still be the whole. */
static void shares_lose_nothing(void)
{
    struct holding h;
    i128 sum = 0;

    holding_init(&h, 2, 3);
    fill(&h, true, 10000, 1000);
    fill(&h, true, 10001, 2000);
    for (int i = 0; i < 7; i++)
        sum += holding_fill(&h, false, 10000, 2, i < 6 ? 429 : 3000 - 6 * 429, 3);
    CHECK_INT(h.qty, 0);
    CHECK(h.cost == 0);
    CHECK(sum == h.realised);
    CHECK_INT(holding_amount(&h, sum, 8), USD(-2));
}

static void large_positions_of_fine_scales_do_not_overflow(void)
{
    struct holding h;
    int64_t price = INT64_C(6500000000000), qty = INT64_C(9000000000000000);

    holding_init(&h, 8, 8); /* 65,000 and 90,000,000 at 8 decimals. */
    (void)holding_fill(&h, false, price, 8, qty, 8);
    CHECK_INT(holding_average(&h), price);
    i128 earned = holding_fill(&h, true, price - 100000000, 8, qty / 3, 8);
    CHECK_INT(holding_amount(&h, earned, 8), qty / 3); /* 1 each. */
    CHECK_INT(h.qty, -qty / 3 * 2);
}

static void other_exponents_are_brought_to_its_own(void)
{
    struct holding h;

    holding_init(&h, 2, 3);
    (void)holding_fill(&h, true, 100, 0, 10, 1);
    CHECK_INT(h.qty, 1000);
    CHECK_INT(holding_average(&h), 10000);
    CHECK_INT(holding_amount(&h, holding_fill(&h, false, 1010000, 4, 1000000, 6), 8), USD(100));
    CHECK_INT(holding_amount(&h, h.realised, -1), 0);
}

static void it_moves_to_finer_exponents_whole(void)
{
    struct holding h;

    holding_init(&h, 2, 3);
    fill(&h, false, 10001, 15000);
    CHECK_INT(holding_rescale(&h, 8, 8), 0);
    CHECK_INT(h.qty, -1500000000);
    CHECK_INT(holding_average(&h), INT64_C(10001000000));
    CHECK_INT(holding_amount(&h, h.cost, 8), -USD(150015));
    CHECK(holding_rescale(&h, 8, 18) != 0);
    CHECK_INT(h.qty_exp, 8);
}

int main(void)
{
    CASE(adding_averages_the_price);
    CASE(a_partial_reduction_takes_its_share);
    CASE(an_execution_through_zero_closes_and_opens);
    CASE(shares_lose_nothing);
    CASE(large_positions_of_fine_scales_do_not_overflow);
    CASE(other_exponents_are_brought_to_its_own);
    CASE(it_moves_to_finer_exponents_whole);
    DONE();
}
