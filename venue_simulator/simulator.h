/* simulator.h - the role's parts put together: venues from the configuration, market, server,
 * control. */
#ifndef TICKPIPE_VENUE_SIMULATOR_SIMULATOR_H
#define TICKPIPE_VENUE_SIMULATOR_SIMULATOR_H

#include "venue_simulator/crowd.h"
#include "venue_simulator/server.h"
#include "venue_simulator/simulator_settings.h"

#include <stdio.h>

struct simulator {
    struct simulator_settings *settings;
    struct server_venue venues[SERVER_VENUES_MAX];
    size_t venue_count;
    struct crowd crowd;
    struct server *server;
    struct tls_files tls;
    bool is_quiet; /* Background trading stopped by the operator. */
    int64_t started_ns;
};

/* simulator_build makes venues, accounts, instruments and the market from the sections of the ini
 * file. Problems are written to errors. 0, ERR_CONFIG, ERR_SYS. simulator_fini frees all; the
 * server must be closed. */
int simulator_build(struct simulator *simulator, struct simulator_settings *settings,
                    const char *ini, int64_t now_ns, FILE *errors);
void simulator_fini(struct simulator *simulator);

/* simulator_step moves market, exchanges and sides on to now. Under the server's lock. */
void simulator_step(struct simulator *simulator, int64_t steps);

/* simulator_control answers the control endpoint (README.md lists it). ctx is the simulator. */
int simulator_control(void *ctx, const char *method, const char *path, const char *query,
                      struct sim_text *out);

/* simulator_ledger writes a venue's ledger as JSON: balances, orders by client id with what was
 * executed, executions, positions, funding. */
void simulator_ledger(const struct server_venue *venue, struct sim_text *out);

/* simulator_book writes every level of an instrument, best first: [price, quantity, orders]. */
void simulator_book(const struct server_venue *venue, uint32_t instrument, struct sim_text *out);

/* simulator_amount appends ,"name":"value". */
void simulator_amount(struct sim_text *out, const char *name, int64_t value);

#endif
