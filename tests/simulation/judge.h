/* judge.h - what must hold, checked against the exchanges' own ledgers while a run goes on and once
 * it is quiet. Whatever is wrong goes to sim_fail: the first one is kept. */
#ifndef TICKPIPE_TESTS_SIMULATION_JUDGE_H
#define TICKPIPE_TESTS_SIMULATION_JUDGE_H

#include "common/pure/wire.h"
#include "tests/simulation/sim.h"
#include "venue_simulator/exchange.h"
#include "venues/venue.h"

enum { JUDGE_INTENTS = 1 << 15, JUDGE_PLACED = 1 << 17, JUDGE_VENUES = 2 };

struct world;
struct sim_venue;

/* What a strategy wanted, and what became of it. */
struct judged_intent {
    uint64_t order_id; /* 0: free. */
    uint64_t engine_epoch, instrument;
    int64_t deadline_ns;
    int64_t qty_max; /* The largest total that any revision wanted. */
    int64_t executed;
    int64_t told; /* To its strategy. */
    uint32_t session;
    uint16_t account;
    unsigned live; /* Venue orders open now. */
};

struct judge {
    struct world *world;
    struct judged_intent *intents; /* Open addressing by order_id. */
    uint32_t intent_count;
    uint64_t *placed; /* Set of (account, order_id, revision) that a venue accepted. */
    uint32_t placed_count;
    /* Trade numbers, per venue: execution slot + 1 of a number, number of an execution slot. */
    uint32_t *slot_of_number[JUDGE_VENUES];
    uint64_t *number_of_slot[JUDGE_VENUES];
    uint64_t last_number[JUDGE_VENUES], numbers_max;
    uint64_t stored_number[JUDGE_VENUES]; /* Last one in position_server's committed store. */
    int64_t killed_ns;                    /* The operator's kill counts since; 0: none. */
    uint64_t orders, fills, partial_fills, refused, cancels, perpetual_fills, fundings;
};

void judge_init(struct judge *judge, struct world *world);
void judge_fini(struct judge *judge);

/* ---- during the run ---- */

/* An intent leaves a runner; a strategy is told of an execution. */
void judge_intent(struct judge *judge, const struct wire_header *event);
void judge_told(struct judge *judge, uint64_t order_id, int64_t fill_qty);
/* An engine sends a request. */
void judge_command(struct judge *judge, struct sim_venue *venue,
                   const struct venue_command *command);
/* What happens at an exchange to an order of ours. */
void judge_exchange(struct judge *judge, struct sim_venue *venue,
                    const struct exchange_event *event);
/* An engine publishes an execution for the first time; position_server stores one. */
void judge_trade(struct judge *judge, struct sim_venue *venue,
                 const struct wire_trade_event *trade);
void judge_stored(struct judge *judge, const struct wire_trade_event *trade);
void judge_store_lost(struct judge *judge, uint16_t account, uint64_t last_committed);

/* ---- at the end ---- */

/* judge_unsettled says in words what is not over yet; NULL: all is quiet. */
const char *judge_unsettled(struct judge *judge);
/* judge_final: everything that must be equal at rest. */
void judge_final(struct judge *judge);

#endif
