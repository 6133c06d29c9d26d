/* session.h - a venue's order side on real sockets: the codec, its WebSockets and its REST calls,
 * on the loop.
 *
 * Keeps the private connections up, gives the codec a clock corrected by the venue's own (measured
 * at start and every minute) and a nonce that only grows, over restarts too. What the codec reports
 * comes out through one callback. */
#ifndef TICKPIPE_TRADING_ENGINE_SESSION_H
#define TICKPIPE_TRADING_ENGINE_SESSION_H

#include "common/edge/loop.h"
#include "venue_link/venue_link.h"
#include "venues/venue.h"

struct session;

struct session_config {
    struct loop *loop;
    const struct venue *venue;
    struct venue_order_config codec; /* Its texts are copied by the codec. */
    const char *backup_ws_url;       /* NULL or "": none. */
    const char *ca_file;             /* "": the system's. */
    bool has_connections;            /* false: REST alone. */
    int64_t connect_timeout_ns, http_timeout_ns;
    int64_t reconnect_max_ns, ping_ns, pong_timeout_ns, renew_ns;
    unsigned attempts_max, rest_slots;
    size_t message_max;
    uint64_t nonce_floor; /* Nothing at or below it is used again. */
    void *ctx;
    void (*report)(void *ctx, const struct venue_report *report);
    /* Makes durable that nonces up to high_water may have been used. Not 0: none above the last one
     * is. */
    int (*reserve_nonce)(void *ctx, uint64_t high_water);
};

/* session_open makes codec and clients and begins to connect. 0; ERR_CONFIG: CA file or URL;
 * ERR_AUTH: keys of a wrong form; ERR_RANGE: the codec refuses its configuration; ERR_UNSUPPORTED:
 * the venue has no order side; ERR_SYS. */
int session_open(struct session **session, const struct session_config *config);
void session_close(struct session **session);

/* session_tick: about every 10 ms. */
void session_tick(struct session *session, int64_t now_ns);

/* session_command: as venue_order_ops.command. */
int session_command(struct session *session, const struct venue_command *command);

/* session_wall_ns is the wall clock corrected by the venue's. */
int64_t session_wall_ns(const struct session *session);

struct session_counters {
    uint64_t frames, frames_refused, nonces_reserved, nonces_refused, times_measured;
    int64_t clock_offset_ns;
};
const struct session_counters *session_counters(const struct session *session);
const struct venue_link_counters *session_link_counters(const struct session *session);

#endif
