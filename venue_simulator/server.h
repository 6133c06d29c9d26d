/* server.h - the simulator's sockets: REST by evhttp, WebSockets by libwebsockets, both over TLS.
 *
 * Three threads and one lock. libwebsockets (no foreign event loop in Debian's build) and libevent
 * (no public descriptor to nest) each sleep in a poll of their own; the role's loop has the timers.
 * Whoever has news takes the lock, which covers every exchange and every side, works for
 * microseconds, and gives it back. Frames made outside of the WebSocket thread wake it once per
 * unlock. Nothing spins. */
#ifndef TICKPIPE_VENUE_SIMULATOR_SERVER_H
#define TICKPIPE_VENUE_SIMULATOR_SERVER_H

#include "venue_simulator/sim.h"
#include "venue_simulator/tls_files.h"

enum { SERVER_VENUES_MAX = 8, SERVER_LISTENERS_MAX = 4 };

struct server;

struct server_venue {
    struct sim sim;
    const struct sim_venue *side;
    struct exchange exchange;
    void *exchange_memory;
    struct sim_account accounts[EXCHANGE_ACCOUNTS_MAX];
    char options[128]; /* Of sim. */
    uint16_t rest_port, ws_ports[SERVER_LISTENERS_MAX];
    struct server *server;
    uint64_t requests, frames_in, frames_out, frames_dropped, connections;
    void *own; /* The server's. */
};

struct server_config {
    const char *host;
    uint16_t control_port;
    struct tls_files tls;
    struct server_venue *venues; /* Ready but for their sockets; the caller's. */
    size_t venue_count;
    /* Control requests, under the lock, on the REST thread: writes a body, returns the HTTP status.
     */
    int (*control)(void *ctx, const char *method, const char *path, const char *query,
                   struct sim_text *out);
    void *ctx;
};

/* server_open binds every port and starts the threads. 0, ERR_SYS (said in *why), ERR_FULL. */
int server_open(struct server **server, const struct server_config *config, char *why, size_t cap);

/* server_close ends the threads and every connection. */
void server_close(struct server **server);

/* server_lock gives the state of all venues, with sim.now_ns brought up to date; server_unlock
 * sends what was made. */
void server_lock(struct server *server);
void server_unlock(struct server *server);

/* server_tick, under the lock: answers that were delayed and are due now, connections that have
 * become too old. */
void server_tick(struct server *server);

/* server_drop closes the venue's WebSockets at once (listener "": all of them). Under the lock. */
unsigned server_drop(struct server_venue *venue, const char *listener);

#endif
