/* bus_internal.h - what the files of the bus share. Nobody else includes it. */
#ifndef TICKPIPE_COMMON_EDGE_BUS_INTERNAL_H
#define TICKPIPE_COMMON_EDGE_BUS_INTERNAL_H

#include "common/edge/bus.h"
#include "common/edge/bus_keys.h"
#include "common/edge/log.h"
#include "common/pure/sequence.h"

#include <czmq.h>

enum {
    BUS_BATCH = 64,     /* Messages read from one socket in one turn of the loop. */
    BUS_PAGE_MAX = 256, /* Messages replayed for one request. */
    BUS_PAGE_MIN = 8,   /* A page that did not fit the queues is asked for in smaller ones. */
    BUS_KEPT =
        65536, /* Messages of one type kept for replay: as many as the high-water mark loses. */
    BUS_HELD_MAX = 256,   /* Messages published before a bound subscriber has subscribed (7005). */
    BUS_SOURCES_MAX = 64, /* Publishers of one subscription. */
    BUS_ASKERS_MAX = 32,  /* Requests that one answer ends. */
    BUS_ANSWERS_MAX = 8,  /* Answers under way. */
    BUS_PATH_MAX = 512,
    BUS_ENDPOINT_MAX = 512,
    BUS_NO_SLOT = 0xff,
};
#define BUS_HEARTBEAT_NS (100 * NS_PER_MS)
#define BUS_COALESCE_NS  (100 * NS_PER_MS)
#define BUS_RETRY_NS     (200 * NS_PER_MS)
#define BUS_RETRY_MAX_NS (2 * NS_PER_S)
/* A publisher silent for so long may come back with an older epoch: its clock was set back. */
#define BUS_EPOCH_BACK_NS NS_PER_S
#define BUS_BIND_WAIT_NS  NS_PER_S
#define BUS_LOG_PERIOD_NS (10 * NS_PER_S)

/* The types of one stream, each with a slot: index of everything kept per type. */
struct bus_types {
    unsigned count;
    uint16_t type[WIRE_SEQUENCES_MAX];
    uint32_t bytes[WIRE_SEQUENCES_MAX]; /* With every array full. */
    uint8_t slot[256];                  /* By type; BUS_NO_SLOT: not of this stream. */
};
void bus_types_init(struct bus_types *types, unsigned port);
static inline unsigned bus_types_slot(const struct bus_types *types, uint16_t type)
{
    return type < 256 ? types->slot[type] : BUS_NO_SLOT;
}

/* A ZeroMQ socket in the loop. needs_look: something was called on it that may have swallowed the
 * signal of its descriptor, or a batch ended early; the bus's hook looks again. */
struct bus_socket {
    zsock_t *owner;
    void *raw;
    struct loop_source source;
    bool is_in_loop;
    bool needs_look;
};
/* buffer_bytes 0: the system's. */
int bus_socket_open(struct bus_socket *socket, int type, int high_water_mark, int buffer_bytes);
/* bus_socket_enter puts it into the loop; ready is called when it must be looked at. */
int bus_socket_enter(struct bus_socket *socket, struct bus *bus,
                     void (*ready)(struct loop_source *, uint32_t), void *ctx);
bool bus_socket_has_input(struct bus_socket *socket); /* Also takes the descriptor's signal. */
int bus_socket_send(struct bus_socket *socket, const void *bytes, size_t size);
void bus_socket_close(struct bus_socket *socket, struct bus *bus, int linger_ms);
int bus_socket_set(struct bus_socket *socket, int option, int value);

/* What came in and is not one of our events: counted, and logged once per burst. */
void bus_count_bad(struct bus *bus, const struct stream *stream, int err,
                   const struct wire_header *header, size_t size);

struct bus {
    struct bus_config config; /* Its texts point at the copies below. */
    char run_dir[BUS_PATH_MAX];
    char keys_dir[BUS_PATH_MAX];
    char venue[64];
    uint16_t publisher;
    uint64_t epoch;
    uint64_t boot_id;
    uint64_t risk_version;
    uint64_t next_request_id; /* Begins at random: ids of different processes must differ. */
    int64_t longest_turn_ns;  /* Of the last heartbeat interval. */
    bool has_zauth;           /* Holds a reference to the process's actor. */
    struct loop_timer beat;
    struct loop_hook hook;
    struct bus_pub *pubs;
    struct bus_sub *subs;
    struct bus_counters counters;
    struct log_burst malformed_burst, version_burst, type_burst;
};

/* ---- endpoints, locks, keys ---- */

struct bus_endpoint {
    char address[BUS_ENDPOINT_MAX]; /* Without the key's tag. */
    char path[BUS_ENDPOINT_MAX];    /* ipc: the socket file. */
    char key_venue[64];             /* "tcp://host:6001@kraken": whose certificate to expect. */
    bool is_ipc;
    bool is_private;  /* Loopback, or ipc in a directory of ours alone. */
    bool is_wildcard; /* The system picks the port: tests. */
};

/* bus_endpoint_parse reads one endpoint; for ipc it makes the directory (0700) when there is none.
 * Returns 0 or ERR_CONFIG, logged. */
int bus_endpoint_parse(struct bus_endpoint *endpoint, const char *text, size_t length);

/* bus_private_dir makes a directory 0700 (its parents must exist); an existing one must be ours and
 * not writable by others. Returns 0, ERR_SYS or ERR_CONFIG. */
int bus_private_dir(const char *path);

/* bus_lock_take locks an endpoint for this process until bus_lock_drop or its end. ERR_LOCKED,
 * ERR_SYS. */
int bus_lock_take(const char *run_dir, const char *address, int *fd);
void bus_lock_drop(int *fd);

/* bus_bind locks endpoint and binds it. A socket file left behind is removed; one that is served,
 * or a port in use, is waited for up to BUS_BIND_WAIT_NS (a closed socket goes a little later than
 * its lock). ERR_LOCKED, ERR_SYS. */
int bus_bind(struct bus *bus, struct bus_socket *socket, const struct bus_endpoint *endpoint,
             int *lock_fd);

/* bus_lock_epoch gives an epoch greater than every one this publisher had with this run_dir, also
 * when the wall clock was set back. */
uint64_t bus_lock_epoch(const char *run_dir, uint16_t publisher, uint64_t wall_ns);

/* bus_keys_server makes socket a CURVE server with this process's certificate and has clients
 * checked. */
int bus_keys_server(struct bus *bus, struct bus_socket *socket);
/* bus_keys_client makes the next connect of socket speak to nobody but role (of venue). */
int bus_keys_client(struct bus *bus, struct bus_socket *socket, enum role role, const char *venue);
void bus_keys_release(struct bus *bus);

/* bus_needs_curve says whether endpoint of stream needs keys; ERR_CONFIG, logged, when it does and
 * there are none. */
int bus_needs_curve(struct bus *bus, const struct stream *stream,
                    const struct bus_endpoint *endpoint, bool *needs);

/* ---- publications ---- */

struct bus_kept; /* Last messages of each type of a LOSS_RECOVERED stream. */

/* Requests of one kind that wait to be answered together. */
struct bus_asking {
    struct wire_state_request request;
    uint64_t ids[BUS_ASKERS_MAX];
    unsigned count;
};

struct bus_pub {
    struct bus *bus;
    struct bus_pub *next;
    const struct stream *stream;
    struct bus_types types;
    struct bus_socket socket;
    int lock_fd;
    int high_water_mark;
    uint64_t seq[WIRE_SEQUENCES_MAX];  /* Last stamped. */
    uint64_t sent[WIRE_SEQUENCES_MAX]; /* Last handed to ZeroMQ: less than seq while held. */
    uint64_t beat_seq, end_seq;        /* Of heartbeat and recovery_end. */
    bool is_holding;                   /* Connected, and nobody has subscribed yet. */
    unsigned held;
    bool heartbeat_due; /* A subscriber has just come. */
    struct bus_kept *kept;
    bus_on_request *on_request;
    void *on_request_ctx;
    struct bus_asking asking[2]; /* REQUEST_STATE, REQUEST_SNAPSHOT */
    struct bus_asking answering[BUS_ANSWERS_MAX];
    unsigned next_answer;
    struct loop_timer coalesce;
    char endpoint[BUS_ENDPOINT_MAX];
};

void bus_pub_turn(struct bus_pub *pub);
void bus_pub_beat(struct bus_pub *pub, int64_t now_ns);
void bus_pub_close(struct bus_pub *pub);
/* bus_pub_take judges one message from upstream (aligned). Returns what it cost of a batch. */
int bus_pub_take(struct bus_pub *pub, const void *bytes, size_t size);
/* bus_pub_stamp fills what every message of this publication has. */
void bus_pub_stamp(struct bus_pub *pub, struct wire_header *event, uint64_t seq);
int bus_pub_send(struct bus_pub *pub, const struct wire_header *event);
void bus_pub_send_end(struct bus_pub *pub, const struct wire_recovery_end *answer);
/* bus_answer takes a request that came upstream (valid, addressed to us). */
void bus_answer(struct bus_pub *pub, const struct wire_state_request *request);
void bus_answer_init(struct bus_pub *pub);
void bus_answer_fini(struct bus_pub *pub);

int bus_kept_open(struct bus_kept **kept, const struct bus_types *types, size_t depth);
void bus_kept_close(struct bus_kept **kept);
void bus_kept_store(struct bus_kept *kept, unsigned slot, const struct wire_header *event);
/* bus_kept_find gives a kept message, or NULL when it is no longer (or not yet) there. */
const struct wire_header *bus_kept_find(const struct bus_kept *kept, unsigned slot, uint64_t seq);
/* bus_kept_first gives the oldest seq of a type that is still kept (last + 1 when none is). */
uint64_t bus_kept_first(const struct bus_kept *kept, unsigned slot);

/* ---- subscriptions ---- */

/* One request for missing messages of one type. */
struct bus_ask {
    uint64_t request_id; /* 0: none is out. */
    uint64_t from, to;
    int64_t retry_ns; /* Not asked again before. */
    unsigned attempt;
    unsigned page; /* 0: BUS_PAGE_MAX. Halved when a page did not get through, larger by an
                    * eighth when one did. */
};

/* One publisher, in one epoch. */
struct bus_source {
    uint16_t publisher;
    uint64_t epoch; /* 0: no heartbeat yet. */
    int64_t heard_ns;
    struct sequence sequence[WIRE_SEQUENCES_MAX];
    struct bus_ask ask[WIRE_SEQUENCES_MAX];
};

struct bus_sub {
    struct bus *bus;
    struct bus_sub *next;
    const struct stream *stream;
    struct bus_types types; /* Only those subscribed have a slot. */
    struct bus_socket socket;
    struct bus_handler handler;
    int lock_fd;
    bool is_paused;
    bool is_recovering; /* Something is missing and asked for, or to be asked for. */
    unsigned source_count;
    struct bus_source *sources[BUS_SOURCES_MAX];
    uint64_t requests[16]; /* Ids of the last state requests sent. */
    unsigned next_request;
    union wire_event event; /* What was received last. */
};

void bus_sub_turn(struct bus_sub *sub, int64_t now_ns);
void bus_sub_close(struct bus_sub *sub);
/* bus_sub_take judges the message of size bytes that lies in sub->event: checks, tracks, hands on.
 */
void bus_sub_take(struct bus_sub *sub, size_t size, int64_t now_ns);
int bus_sub_send(struct bus_sub *sub, struct wire_state_request *request);

/* bus_recovery_gap: gap has just been found missing. */
void bus_recovery_gap(struct bus_sub *sub, struct bus_source *source, unsigned slot,
                      struct sequence_range gap);
/* bus_recovery_turn sends what requests are due. Cheap when nothing is missing. */
void bus_recovery_turn(struct bus_sub *sub, int64_t now_ns);
/* bus_recovery_end takes the end of a page. Says whether it answered a replay request of ours. */
bool bus_recovery_end(struct bus_sub *sub, struct bus_source *source,
                      const struct wire_recovery_end *end, int64_t now_ns);
/* bus_recovery_abandon declares all that is missing of a source lost. */
void bus_recovery_abandon(struct bus_sub *sub, struct bus_source *source);

#endif
