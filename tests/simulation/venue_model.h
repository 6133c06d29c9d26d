/* venue_model.h - between an engine core and an exchange core: the engine's commands become calls
 * of the exchange, what the exchange does becomes reports, each with delays and losses drawn from
 * the seed. Stands where session and codec stand in the live process.
 *
 * Two kinds: one answers as Binance does (cancel and new instead of amend, executions in the answer
 * of an order as well as on the stream), the other as Kraken (amends in place, executions on the
 * stream only, a cancel's answer without a total, a dead-man switch). Both have a perpetual beside
 * their two spot pairs, with the symbol of one of them, in one wallet. */
#ifndef TICKPIPE_TESTS_SIMULATION_VENUE_MODEL_H
#define TICKPIPE_TESTS_SIMULATION_VENUE_MODEL_H

#include "tests/simulation/bus_model.h"
#include "venue_simulator/exchange.h"
#include "venues/venue.h"

enum { VENUE_PAIRS = 3, VENUE_PERPETUAL = 2, VENUE_CHANGES_MAX = 128 };

struct world;

struct sim_venue {
    struct world *world;
    struct sim *sim;
    const char *name;
    uint16_t account; /* Of venues.ini: 1, 2. */
    bool is_kraken;
    struct exchange exchange;
    void *memory;
    uint32_t main, maker, taker; /* Accounts at the exchange. */
    struct wire_instrument definitions[VENUE_PAIRS];
    uint64_t session;    /* Of the engine: what was asked in an earlier one gets no answer. */
    uint64_t connection; /* Of the private stream. */
    bool is_stream_up;
    int64_t stream_due_ns;
    int64_t limited_until_ns;
    int64_t dead_man_ns; /* 0: not armed. */
    /* Levels changed since the gateway last spoke. */
    struct {
        struct wire_level levels[VENUE_CHANGES_MAX];
        uint8_t sides[VENUE_CHANGES_MAX];
        unsigned count;
        bool is_overflown;
        int64_t bid, ask, bid_qty, ask_qty;
    } changes[VENUE_PAIRS];
};

int venue_init(struct sim_venue *venue, struct world *world, uint16_t account);
void venue_fini(struct sim_venue *venue);

/* venue_connect opens a new engine's session: definitions, then the private stream. */
void venue_connect(struct sim_venue *venue);
void venue_disconnect(struct sim_venue *venue);
/* venue_command as venue_order_ops.command. */
int venue_command(struct sim_venue *venue, const struct venue_command *command);
/* venue_step: every 10 ms: the dead-man switch, breaks of the private stream, market data. */
void venue_step(struct sim_venue *venue);

/* For the gateway's process: what changed, or everything. */
void venue_publish_changes(struct sim_venue *venue);
void venue_publish_all(struct sim_venue *venue);

#endif
