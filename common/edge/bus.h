/* bus.h - the event bus: libzmq PUB/SUB whose losses are seen and repaired.
 *
 * A publication is an XPUB socket bound (or, on 7005, connected) for one stream. It stamps
 * publisher, epoch, seq and sent_ns, sends a heartbeat every 100 ms with the last seq of each type,
 * keeps the last messages of a LOSS_RECOVERED stream, and answers state requests that come
 * upstream.
 *
 * A subscription is an XSUB socket connected to every publisher of one stream. It checks every
 * message (wire_check), tracks (publisher, epoch, type), reports gaps, new epochs and silence, and
 * on a LOSS_RECOVERED stream asks for what is missing, page by page, until it is here or known
 * lost. What it hands on is never handed on twice, and is a copy (ZeroMQ promises no alignment).
 *
 * All on the loop's thread. See docs/bus.md. */
#ifndef TICKPIPE_COMMON_EDGE_BUS_H
#define TICKPIPE_COMMON_EDGE_BUS_H

#include "common/edge/loop.h"
#include "common/pure/topology.h"
#include "common/pure/wire.h"

struct bus;
struct bus_pub;
struct bus_sub;

struct bus_config {
    struct loop *loop;
    enum role role;
    uint16_t instance;   /* venues.ini id for a per-venue role, else 0. */
    const char *run_dir; /* Locks of endpoints; made 0700. */
    const char
        *keys_dir;     /* From `tickpipe keys`; NULL: none, then a CURVE stream refuses to start. */
    const char *venue; /* Part of the key file's name for per-venue roles; else NULL. */
    uint64_t epoch; /* 0: wall-clock ns at open, or one more than the last one of this run_dir. */
    int high_water_mark;     /* 0: the topology's. A small one makes loss, for tests. */
    int socket_buffer_bytes; /* 0: the system's. */
};

/* bus_open makes the context (and the zauth actor once a CURVE stream is bound). Returns 0,
 * ERR_SYS, ERR_CONFIG (keys missing or readable by others). After bus_close every pub and sub of it
 * is gone; *bus is NULL. */
int bus_open(struct bus **bus, const struct bus_config *config);
void bus_close(struct bus **bus);
uint64_t bus_epoch(const struct bus *bus);

/* What a subscriber asked for upstream; the owner answers by publishing with WIRE_SNAPSHOT set,
 * then bus_pub_end_recovery. Requests of one kind coalesce over 100 ms before this is called.
 * Replay of kept messages is answered by the bus itself and never reaches it. */
typedef void bus_on_request(void *ctx, const struct wire_state_request *request);

/* bus_publish_on binds (connects, on 7005) endpoint: tcp://HOST:PORT or ipc://PATH. A lock file in
 * run_dir makes sure that no second process binds it. Off loopback without CURVE: ERR_CONFIG.
 * Errors: ERR_LOCKED, ERR_SYS. */
int bus_publish_on(struct bus *bus, unsigned port, const char *endpoint, bus_on_request *on_request,
                   void *ctx, struct bus_pub **pub);

/* bus_publish stamps and sends the event. flags other than WIRE_* set by the caller stay;
 * origin_ns, cause, account and instrument are the caller's. Returns 0, or ERR_FULL (counted as
 * dropped, and evident to subscribers by its seq). Hot: no allocation of ours. */
int bus_publish(struct bus_pub *pub, struct wire_header *event);

/* bus_pub_end_recovery tells whoever asked that the answer is complete. */
void bus_pub_end_recovery(struct bus_pub *pub, uint64_t request_id, unsigned sent,
                          bool is_complete);

/* bus_pub_shrink makes the kept ring and high-water mark small: for loss tests. Before the first
 * publish. */
void bus_pub_shrink(struct bus_pub *pub, size_t kept);

/* bus_pub_endpoint is where it is bound (tcp://127.0.0.1:* becomes the port that the system gave).
 */
const char *bus_pub_endpoint(const struct bus_pub *pub);

/* Called from inside the loop's turn: they may publish, request and pause, and must not close the
 * bus. */
struct bus_handler {
    void *ctx;
    /* An event, in the subscription's own copy, valid until it returns. Replayed ones have
     * WIRE_REPLAY and come after younger ones: consumers are idempotent. Heartbeats do not come
     * here. */
    void (*event)(void *ctx, const struct wire_header *event);
    /* Messages of a type are missing (from..to). On LOSS_RECOVERED streams the bus is already
     * asking; elsewhere the consumer asks for a snapshot. May be NULL. */
    void (*gap)(void *ctx, uint16_t publisher, uint16_t type, uint64_t from_seq, uint64_t to_seq);
    /* What was missing cannot come back: recover from the owner's state. May be NULL. */
    void (*lost)(void *ctx, uint16_t publisher, uint16_t type, uint64_t from_seq, uint64_t to_seq);
    /* A publisher was heard for the first time, or restarted with a new epoch. May be NULL. */
    void (*epoch)(void *ctx, uint16_t publisher, uint64_t epoch);
    /* Every heartbeat, for silence timers and versions. May be NULL. */
    void (*heartbeat)(void *ctx, const struct wire_heartbeat *heartbeat);
    /* An answer to a state request is complete. May be NULL. */
    void (*recovery_end)(void *ctx, const struct wire_recovery_end *end);
};

/* bus_subscribe connects to all endpoints (space- or comma-separated list) of a stream for the
 * types given (plus heartbeat and recovery_end; WIRE_heartbeat alone: nothing else); type_count 0:
 * all. On 7005 it binds. */
int bus_subscribe(struct bus *bus, unsigned port, const char *endpoints, const uint16_t *types,
                  size_t type_count, const struct bus_handler *handler, struct bus_sub **sub);

/* bus_request sends a state request upstream to every publisher of the subscription. It fills
 * request_id when 0. */
int bus_request(struct bus_sub *sub, struct wire_state_request *request);

/* bus_sub_pause stops reading (a stalled subscriber, for loss tests) or goes on. */
void bus_sub_pause(struct bus_sub *sub, bool is_paused);

/* bus_last_heard_ns is when publisher was last heard on this subscription, 0: never. */
int64_t bus_last_heard_ns(const struct bus_sub *sub, uint16_t publisher);

struct bus_counters {
    uint64_t published, send_failed, received, malformed, unknown_version, unknown_type;
    uint64_t gaps;       /* Messages found missing. */
    uint64_t recovered;  /* Of those, came back. */
    uint64_t lost;       /* Of those, will not come back. */
    uint64_t duplicates; /* Dropped: handed on before. */
    uint64_t early;    /* Dropped: before the first heartbeat of their epoch, or of an epoch that is
                          over. */
    uint64_t deferred; /* Dropped for want of room to remember one more hole; asked for later. */
    uint64_t requests_sent, requests_answered;
    uint64_t
        requests_refused; /* Replays that make no sense; askers beyond those that an end is told. */
    uint64_t publishers_evicted; /* More publishers on one stream than a subscription tracks. */
};
void bus_counters(const struct bus *bus, struct bus_counters *out);

/* bus_set_risk_version: what this process's heartbeats say it applies. */
void bus_set_risk_version(struct bus *bus, uint64_t risk_version);

#endif
