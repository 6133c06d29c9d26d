/* The background market: repeatable, solvent, never an empty book, spreads between venues that open
 * and close. */
#include "tests/unit/check.h"
#include "venue_simulator/crowd.h"

#include <stdlib.h>

#define DEC(units) ((int64_t)((double)(units)*1e8 + 0.5))

enum { STEPS_PER_MINUTE = 6000 };

static struct {
    struct exchange exchanges[2];
    void *memory[2];
    struct crowd crowd;
    uint64_t hash;
} world;

static void on_event(void *ctx, const struct exchange_event *event)
{
    (void)ctx;
    world.hash = (world.hash ^ (uint64_t)event->kind ^ (uint64_t)event->price << 3 ^
                  (uint64_t)event->qty << 20) *
                 UINT64_C(0x100000001b3);
}

static struct crowd_config config(void)
{
    return (struct crowd_config){ .start_price = DEC(60000),
                                  .volatility_ppm = 60,
                                  .half_spread_ppm = 150,
                                  .step_ppm = 60,
                                  .levels = 25,
                                  .level_qty = DEC(0.05),
                                  .requotes_per_s = 400,
                                  .takers_per_s = 8,
                                  .taker_qty = DEC(0.02),
                                  .noise_ppm = 100,
                                  .dislocation_every_ms = 2000,
                                  .dislocation_min_ppm = 1000,
                                  .dislocation_max_ppm = 9000,
                                  .dislocation_ms = 700 };
}

static void open_world(uint64_t seed, const struct crowd_config *pair)
{
    static const struct exchange_account_config accounts[] = {
        { .name = "maker", .is_background = true },
        { .name = "taker", .is_background = true },
    };
    struct exchange_instrument_config instruments[2] = {
        { .symbol = "BTCUSDT", .tick = DEC(0.01), .lot = DEC(0.00001), .min_notional = DEC(5) },
        { .symbol = "BTC/USDT", .tick = DEC(0.1), .lot = DEC(0.0000001), .min_qty = DEC(0.00005) },
    };

    world.hash = 1;
    crowd_init(&world.crowd);
    CHECK_INT(crowd_add_pair(&world.crowd, pair, seed), 0);
    for (int i = 0; i < 2; i++) {
        strcpy(instruments[i].base, "BTC");
        strcpy(instruments[i].quote, "USDT");
        instruments[i].start_price = pair->start_price;
        struct exchange_config exchange = { .venue = "x",
                                            .instruments = &instruments[i],
                                            .instrument_count = 1,
                                            .accounts = accounts,
                                            .account_count = 2,
                                            .background_orders_max = 1024,
                                            .levels_max = 256 };
        world.memory[i] = calloc(1, exchange_memory(&exchange));
        CHECK_INT(exchange_init(&world.exchanges[i], &exchange, world.memory[i], on_event, NULL),
                  0);
        for (uint32_t account = 0; account < 2; account++)
            for (uint32_t asset = 0; asset < 2; asset++)
                exchange_transfer(&world.exchanges[i], account, asset, DEC(1000000000), 1);
        CHECK_INT(crowd_add_place(&world.crowd, 0, &world.exchanges[i], 0, 0, 1, i * 80, seed), 0);
    }
}

static void close_world(void)
{
    char why[128] = "";

    for (int i = 0; i < 2; i++) {
        CHECK(exchange_check(&world.exchanges[i], why, sizeof(why)));
        CHECK_STR(why, "");
        CHECK_INT(world.exchanges[i].orders_refused, 0);
        free(world.memory[i]);
    }
    CHECK_INT(world.crowd.refused, 0);
}

static uint64_t run(uint64_t seed, unsigned steps)
{
    struct crowd_config pair = config();

    open_world(seed, &pair);
    for (unsigned i = 0; i < steps; i++)
        crowd_step(&world.crowd, (int64_t)i * CROWD_STEP_NS);
    uint64_t hash = world.hash;
    close_world();
    return hash;
}

static void the_same_seed_makes_the_same_market(void)
{
    uint64_t first = run(7, STEPS_PER_MINUTE);

    CHECK(first == run(7, STEPS_PER_MINUTE));
    CHECK(first != run(8, STEPS_PER_MINUTE));
}

/* Parts per million by which the better direction between the venues gains, before fees. */
static int64_t edge_ppm(void)
{
    int64_t bid[2], ask[2], best = INT64_MIN;

    for (int i = 0; i < 2; i++) {
        bid[i] = exchange_best(&world.exchanges[i], 0, SIDE_BUY);
        ask[i] = exchange_best(&world.exchanges[i], 0, SIDE_SELL);
    }
    for (int i = 0; i < 2; i++)
        best = MAX(best, (int64_t)((i128)(bid[i] - ask[!i]) * 1000000 / ask[!i]));
    return best;
}

static void spreads_beyond_both_taker_fees_open_and_close_every_second_or_so(void)
{
    struct crowd_config pair = config();
    unsigned openings = 0, open_steps = 0, steps = 10 * STEPS_PER_MINUTE;
    bool was_open = false;

    open_world(3, &pair);
    for (unsigned i = 0; i < steps; i++) {
        crowd_step(&world.crowd, (int64_t)i * CROWD_STEP_NS);
        bool is_open = edge_ppm() > 1000 + 4000; /* Binance and Kraken takers. */
        openings += is_open && !was_open;
        open_steps += is_open;
        was_open = is_open;
    }
    printf("# %u openings in 10 minutes, open %u %% of the time\n", openings,
           open_steps * 100 / steps);
    CHECK(openings > 10 * 15 && openings < 10 * 90);
    CHECK(open_steps * 100 / steps < 40);
    close_world();
}

static void without_dislocations_no_spread_beats_the_fees(void)
{
    struct crowd_config pair = config();
    int64_t widest = 0;

    pair.dislocation_every_ms = 0;
    open_world(5, &pair);
    for (unsigned i = 0; i < 5 * STEPS_PER_MINUTE; i++) {
        crowd_step(&world.crowd, (int64_t)i * CROWD_STEP_NS);
        widest = MAX(widest, edge_ppm());
    }
    CHECK(widest < 5000);
    close_world();
}

static void no_side_of_a_book_is_ever_empty_and_both_venues_trade(void)
{
    struct crowd_config pair = config();
    unsigned empty = 0;

    open_world(11, &pair);
    for (unsigned i = 0; i < 5 * STEPS_PER_MINUTE; i++) {
        crowd_step(&world.crowd, (int64_t)i * CROWD_STEP_NS);
        for (int v = 0; v < 2; v++)
            empty += exchange_best(&world.exchanges[v], 0, SIDE_BUY) == 0 ||
                     exchange_best(&world.exchanges[v], 0, SIDE_SELL) == 0;
    }
    CHECK_INT(empty, 0);
    for (int v = 0; v < 2; v++)
        CHECK(world.exchanges[v].instruments[0].trade_count > 5 * 60 * 4);
    close_world();
}

static void a_paused_market_stands_still(void)
{
    struct crowd_config pair = config();

    open_world(2, &pair);
    for (unsigned i = 0; i < 100; i++)
        crowd_step(&world.crowd, (int64_t)i * CROWD_STEP_NS);
    uint64_t hash = world.hash;
    world.crowd.is_paused = true;
    for (unsigned i = 100; i < 200; i++)
        crowd_step(&world.crowd, (int64_t)i * CROWD_STEP_NS);
    CHECK(hash == world.hash);
    close_world();
}

/* ---- spot and perpetual of one pair on one venue ---- */

static struct {
    uint64_t marks, fundings, liquidations;
} seen;

static void on_perpetual_event(void *ctx, const struct exchange_event *event)
{
    (void)ctx;
    seen.marks += event->kind == EXCHANGE_ON_MARK;
    seen.fundings += event->kind == EXCHANGE_ON_FUNDING;
    seen.liquidations += event->kind == EXCHANGE_ON_LIQUIDATION;
    if (event->kind == EXCHANGE_ON_LIQUIDATION)
        CHECK(event->qty > 0 && event->price > 0 && event->order->is_liquidation);
}

static void open_perpetual_world(const struct crowd_config *pair)
{
    static const struct exchange_account_config accounts[] = {
        { .name = "maker", .is_background = true },
        { .name = "taker", .is_background = true },
    };
    struct exchange_instrument_config instruments[2] = {
        { .symbol = "BTCUSDT",
          .base = "BTC",
          .quote = "USDT",
          .tick = DEC(0.01),
          .lot = DEC(0.00001),
          .start_price = pair->start_price },
    };
    instruments[1] = instruments[0];
    instruments[1].kind = INSTRUMENT_PERPETUAL;
    instruments[1].lot = DEC(0.001);
    instruments[1].funding_interval_ns = 30 * NS_PER_S;
    struct exchange_config exchange = { .venue = "x",
                                        .instruments = instruments,
                                        .instrument_count = 2,
                                        .accounts = accounts,
                                        .account_count = 2,
                                        .background_orders_max = 1024,
                                        .levels_max = 256 };

    memset(&seen, 0, sizeof(seen));
    crowd_init(&world.crowd);
    CHECK_INT(crowd_add_pair(&world.crowd, pair, 5), 0);
    world.memory[0] = calloc(1, exchange_memory(&exchange));
    CHECK_INT(
        exchange_init(&world.exchanges[0], &exchange, world.memory[0], on_perpetual_event, NULL),
        0);
    for (uint32_t account = 0; account < 2; account++)
        for (uint32_t asset = 0; asset < 2; asset++)
            exchange_transfer(&world.exchanges[0], account, asset, DEC(1000000000), 1);
    for (uint32_t i = 0; i < 2; i++)
        CHECK_INT(crowd_add_place(&world.crowd, 0, &world.exchanges[0], i, 0, 1, 0, 9), 0);
}

static void a_perpetual_wanders_from_spot_is_funded_and_liquidates(void)
{
    struct crowd_config pair = config();
    unsigned apart = 0, above = 0, steps = 5 * STEPS_PER_MINUTE;
    char why[128] = "";

    pair.basis_ppm = 300;
    pair.liquidation_every_ms = 5000;
    pair.dislocation_every_ms = 0;
    open_perpetual_world(&pair);
    for (unsigned i = 0; i < steps; i++) {
        crowd_step(&world.crowd, (int64_t)(i + 1) * CROWD_STEP_NS);
        int64_t spot = exchange_best(&world.exchanges[0], 0, SIDE_BUY);
        int64_t perpetual = exchange_best(&world.exchanges[0], 1, SIDE_BUY);
        int64_t ppm = (int64_t)((i128)(perpetual - spot) * 1000000 / spot);
        apart += ppm > 200 || ppm < -200;
        above += ppm > 0;
    }
    printf("# more than 200 ppm apart %u %% of the time, above %u %%\n", apart * 100 / steps,
           above * 100 / steps);
    CHECK(apart > steps / 10 && apart < steps * 9 / 10);
    CHECK(above > steps / 20 && above < steps * 19 / 20);
    CHECK_INT(seen.marks, 5 * 60 * 5);
    CHECK_INT(seen.fundings, 10 * 2); /* Maker and taker, each half minute. */
    CHECK(seen.liquidations > 20 && seen.liquidations < 120);
    CHECK(exchange_check(&world.exchanges[0], why, sizeof(why)));
    CHECK_STR(why, "");
    free(world.memory[0]);
}

static void a_rate_that_is_set_is_what_happens(void)
{
    struct crowd_config pair = config();

    open_world(4, &pair);
    crowd_step(&world.crowd, 1);
    crowd_set_rate(&world.crowd, &world.exchanges[1], 2000, 50);
    uint64_t updates[2] = { world.exchanges[0].instruments[0].update_id,
                            world.exchanges[1].instruments[0].update_id };
    uint64_t takers = world.exchanges[1].accounts[1].placed;
    for (unsigned i = 1; i <= 1000; i++)
        crowd_step(&world.crowd, (int64_t)i * CROWD_STEP_NS);
    /* Each quote made anew changes two levels. */
    CHECK(world.exchanges[1].instruments[0].update_id - updates[1] > 2000 * 10);
    CHECK(world.exchanges[0].instruments[0].update_id - updates[0] < 2000 * 10);
    takers = world.exchanges[1].accounts[1].placed - takers;
    CHECK(takers > 400 && takers < 600);
    close_world();
}

int main(void)
{
    CASE(the_same_seed_makes_the_same_market);
    CASE(spreads_beyond_both_taker_fees_open_and_close_every_second_or_so);
    CASE(without_dislocations_no_spread_beats_the_fees);
    CASE(no_side_of_a_book_is_ever_empty_and_both_venues_trade);
    CASE(a_paused_market_stands_still);
    CASE(a_perpetual_wanders_from_spot_is_funded_and_liquidates);
    CASE(a_rate_that_is_set_is_what_happens);
    DONE();
}
