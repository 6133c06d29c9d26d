/* crowd.h - the background market: makers and takers of two or more venues around one fair price.
 *
 * Deterministic: the same seed and the same calls give the same orders. Integers only. Each pair
 * (BTC-USDT) has a fair price that wanders; every venue sees it with its own lag and noise, and now
 * and then a venue is dislocated from it for a moment: then its book stands away from the other's
 * by more than both takers' fees, until arbitrage or time closes it. A maker account quotes a
 * ladder around what its venue sees, a taker account trades into it.
 *
 * A pair's perpetuals are places like its spot instruments, but for a basis that wanders and is
 * theirs together; the fair price is their index, so that marks, funding and liquidations go with
 * the market's steps and stand still with it. Now and then a taker's position is closed by force.
 *
 * It is a core: no clock, no allocation. Step it every CROWD_STEP_NS of its own time. */
#ifndef TICKPIPE_VENUE_SIMULATOR_CROWD_H
#define TICKPIPE_VENUE_SIMULATOR_CROWD_H

#include "venue_simulator/exchange.h"

#define CROWD_STEP_NS (10 * NS_PER_MS)
enum {
    CROWD_PAIRS_MAX = 32,
    CROWD_PLACES_MAX = 16, /* Venues that a pair is traded on. */
    CROWD_LEVELS_MAX = 64, /* Of the ladder, per side. */
    CROWD_LAG_MAX = 1024,  /* Steps. */
};

/* Parts per million are of the price. */
struct crowd_config {
    int64_t start_price;
    int64_t volatility_ppm;  /* Of the fair price, standard deviation over a second. */
    int64_t half_spread_ppm; /* Innermost quote from what the venue sees. */
    int64_t step_ppm;        /* From level to level. */
    int64_t levels;          /* Per side. */
    int64_t level_qty;       /* Average size of a quote. */
    int64_t requotes_per_s;  /* How many quotes are looked at again. */
    int64_t takers_per_s;
    int64_t taker_qty;            /* Average size; one in eight is eight times as large. */
    int64_t noise_ppm;            /* Of a venue's own view. */
    int64_t dislocation_every_ms; /* On average, per venue; 0: never. */
    int64_t dislocation_min_ppm, dislocation_max_ppm;
    int64_t dislocation_ms;       /* How long one stands before it fades. */
    int64_t basis_ppm;            /* How far perpetuals wander from spot: standard deviation. */
    int64_t liquidation_every_ms; /* On average, per perpetual; 0: never. */
};

struct crowd_quote {
    uint64_t order_id; /* 0: none. */
    int64_t price;
};

/* A pair on one venue. */
struct crowd_place {
    struct exchange *exchange;
    uint32_t instrument, maker, taker; /* Accounts. */
    int64_t lag_steps;
    int64_t noise_ppb;         /* Slow own drift. */
    int64_t dislocation_ppb;   /* Now. */
    int64_t dislocation_steps; /* Until it fades. */
    int64_t seen;              /* The fair price as this venue sees it. */
    struct crowd_quote quotes[2][CROWD_LEVELS_MAX];
    bool is_perpetual;
    bool has_rate; /* Own rates: then each requote makes a quote anew, drifted or not. */
    int64_t requotes_per_s, takers_per_s;
    int64_t requote_credit, taker_credit; /* Thousandths of an action. */
    uint64_t random;
};

struct crowd_pair {
    struct crowd_config config;
    int64_t fair;
    int64_t basis_ppb; /* Of its perpetuals, now. */
    bool has_perpetual;
    int64_t history[CROWD_LAG_MAX];
    struct crowd_place places[CROWD_PLACES_MAX];
    uint32_t place_count;
    uint64_t random;
};

struct crowd {
    struct crowd_pair pairs[CROWD_PAIRS_MAX];
    uint32_t pair_count;
    uint64_t step;
    bool is_paused;
    uint64_t quotes, takes, refused, forced;
};

void crowd_init(struct crowd *crowd);

/* crowd_add_pair gives the pair's number, or ERR_FULL, ERR_RANGE. */
int crowd_add_pair(struct crowd *crowd, const struct crowd_config *config, uint64_t seed);

/* crowd_add_place puts the pair on a venue. The accounts are background accounts with funds. 0,
 * ERR_FULL, ERR_RANGE. */
int crowd_add_place(struct crowd *crowd, int pair, struct exchange *exchange, uint32_t instrument,
                    uint32_t maker, uint32_t taker, int64_t lag_ms, uint64_t seed);

/* crowd_set_rate sets how much happens on each instrument of an exchange, whatever its pair's
 * configuration says (below 0: as that says): so many quotes made anew and takers, per second. */
void crowd_set_rate(struct crowd *crowd, const struct exchange *exchange, int64_t requotes_per_s,
                    int64_t takers_per_s);

/* crowd_step moves everything by one step; the first fills the books. When paused nothing happens.
 */
void crowd_step(struct crowd *crowd, int64_t now_ns);

#endif
