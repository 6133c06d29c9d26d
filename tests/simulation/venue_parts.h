/* venue_parts.h - what the files of a simulated venue share. */
#ifndef TICKPIPE_TESTS_SIMULATION_VENUE_PARTS_H
#define TICKPIPE_TESTS_SIMULATION_VENUE_PARTS_H

#include "tests/simulation/world.h"

/* Reports that arrive together. */
struct batch {
    uint64_t session, connection; /* connection 0: an answer. */
    uint32_t count, room;
    struct venue_report *reports;
};

/* ---- venue_reports.c ---- */
struct batch *venue_batch(const struct sim_venue *venue, bool is_stream);
struct venue_report *venue_batch_add(struct batch *batch); /* Zeroed, with the exchange's scales. */
void venue_send(struct sim_venue *venue, struct batch *batch, int64_t delay_ns);
int64_t venue_hop(struct sim_venue *venue); /* How long a message takes. */
wire_reason venue_reason(enum exchange_cause cause);
void venue_tell_order(const struct sim_venue *venue, struct venue_report *r,
                      const struct exchange_order *order);
void venue_tell_execution(const struct sim_venue *venue, struct venue_report *r,
                          const struct exchange_execution *x);
/* venue_tell_position: of the engine's account, in the perpetual. */
void venue_tell_position(const struct sim_venue *venue, struct venue_report *r,
                         uint32_t instrument);
void venue_tell_funding(const struct sim_venue *venue, struct venue_report *r, uint64_t id,
                        uint32_t instrument, int64_t amount, int64_t at_ns);
void venue_on_exchange(void *ctx, const struct exchange_event *event);
void venue_stream_break(struct sim_venue *venue);

/* ---- venue_market.c ---- */
void venue_publish_mark(struct sim_venue *venue, uint32_t instrument);

#endif
