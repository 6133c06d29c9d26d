/* bus_model.h - the bus as the cores' shells see it, with losses drawn from the seed.
 *
 * The rules are those of common/edge/bus: an epoch begins with its first heartbeat, seq counts per
 * type, heartbeats carry the last ones, what is missing on a recovered stream is asked for again,
 * and the judge of every message is the same struct sequence. Links keep their order. What differs:
 * no sockets, and messages are lost, doubled and held up on purpose. */
#ifndef TICKPIPE_TESTS_SIMULATION_BUS_MODEL_H
#define TICKPIPE_TESTS_SIMULATION_BUS_MODEL_H

#include "common/pure/sequence.h"
#include "common/pure/topology.h"
#include "common/pure/wire.h"
#include "tests/simulation/sim.h"

enum { BUS_SLOTS = 16, BUS_PUBS_MAX = 4, BUS_LINKS_MAX = 16 };

struct node;

struct bus_message {
    unsigned refs;
    uint32_t size;
    _Alignas(64) unsigned char bytes[];
};

/* One stream of one process. */
struct bus_publication {
    struct node *owner;
    unsigned port;
    uint64_t seq[BUS_SLOTS]; /* Of type & 15: no two types of a stream share it. */
    struct bus_message **kept[BUS_SLOTS];
    size_t kept_room[BUS_SLOTS];
    struct bus_link *links;
    bool has_request;
};

/* A subscription to one publication, with what its subscriber knows of it. */
struct bus_link {
    struct bus_publication *from;
    struct node *to;
    struct bus_link *next_of_publication;
    int64_t due_ns; /* Of the last message planned: order is kept. */
    int64_t request_due_ns;
    int64_t up_ns;  /* Connected from then on; INT64_MAX: not. */
    int64_t cut_ns; /* A publisher that died: what was still on its way then is gone. */
    uint64_t cut_incarnation;
    /* The subscriber's side. */
    uint64_t epoch; /* 0: never heard. */
    struct sequence sequence[BUS_SLOTS];
    int64_t ask_ns[BUS_SLOTS];
    unsigned asks[BUS_SLOTS];
};

/* What a process does with what comes; as struct bus_handler. */
struct node_ops {
    void (*boot)(struct node *node);
    void (*event)(struct node *node, unsigned port, const struct wire_header *event);
    void (*gap)(struct node *node, unsigned port, uint16_t publisher, uint16_t type);
    void (*epoch)(struct node *node, unsigned port, uint16_t publisher);
    void (*heartbeat)(struct node *node, unsigned port, const struct wire_heartbeat *heartbeat);
    void (*request)(struct node *node, unsigned port, const struct wire_state_request *request);
    void (*tick)(struct node *node);  /* Every 10 ms. */
    void (*ended)(struct node *node); /* It has just died. */
};

/* One process. */
struct node {
    struct sim *sim;
    enum role role;
    uint16_t instance;
    char name[32];
    const struct node_ops *ops;
    void *state;
    bool is_up, is_dying;
    uint64_t incarnation, epoch;
    int64_t paused_until_ns;
    int64_t fuse; /* Dies at its so-many-th output from now; 0: not set. */
    uint64_t risk_version;
    struct bus_publication pubs[BUS_PUBS_MAX];
    unsigned pub_count;
    struct bus_link links[BUS_LINKS_MAX];
    unsigned link_count;
};

/* bus_offer adds a stream to a process; bus_join subscribes one process to a stream of another. */
struct bus_publication *bus_offer(struct node *node, unsigned port);
void bus_join(struct node *to, struct node *from, unsigned port);

/* bus_send stamps and publishes. */
void bus_send(struct node *node, unsigned port, struct wire_header *event);
/* bus_ask sends a state request to every publisher of a stream that the process reads. */
void bus_ask(struct node *node, unsigned port, wire_state_request_kind kind, uint64_t instrument);

/* node_start gives a process a new life; node_end kills it in the middle of whatever it did.
 * node_output: false once it has died inside a turn: then nothing that it does happens. */
void node_start(struct node *node);
void node_end(struct node *node);
bool node_output(struct node *node);
/* node_settle carries out a death inside a turn. After everything that a process did. */
void node_settle(struct node *node);
void node_fini(struct node *node);

#endif
