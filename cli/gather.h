/* gather.h - collects the current state of streams: subscribes, asks the owners, waits a bounded
 * time.
 *
 * Of each thing (an order, a position, a process) the latest event is kept. */
#ifndef TICKPIPE_CLI_GATHER_H
#define TICKPIPE_CLI_GATHER_H

#include "cli/cli.h"

enum { GATHER_STREAMS_MAX = 8, GATHER_EVENTS_MAX = 16384, GATHER_PROCESSES_MAX = 256 };

struct gather;

struct gather_stream {
    struct gather *gather;
    unsigned port;
    struct bus_sub *sub;
    bool wants_state;
    wire_state_request_kind kind;
    uint16_t expected[VENUES_MAX], answered[VENUES_MAX]; /* Publishers. */
    size_t expected_count, answered_count;
};

struct gather_process {
    uint16_t publisher;
    struct wire_heartbeat beat; /* The last one. */
    int64_t heard_ns;
};

struct gather {
    struct cli *cli;
    struct gather_stream streams[GATHER_STREAMS_MAX];
    size_t stream_count;
    struct wire_header **events; /* Of malloc. */
    size_t event_count;
    uint64_t left_out; /* Events beyond GATHER_EVENTS_MAX. */
    struct gather_process processes[GATHER_PROCESSES_MAX];
    size_t process_count;
};

/* gather_init and gather_fini are a pair; the bus must be open in between. ERR_SYS: no memory. */
int gather_init(struct gather *gather, struct cli *cli);
void gather_fini(struct gather *gather);

/* gather_add subscribes to types of a port; with wants_state its owners are asked too (kind).
 * Errors of role_subscribe, said on stderr. */
int gather_add(struct gather *gather, unsigned port, const uint16_t *types, size_t type_count,
               bool wants_state, wire_state_request_kind kind);

/* gather_run waits until every owner asked has answered completely, at most so long. least_ns is
 * waited in any case. Returns true when all answered. */
bool gather_run(struct gather *gather, int64_t least_ns, int64_t most_ns);

/* gather_missing prints the owners that did not answer, on stderr. */
void gather_missing(const struct gather *gather);

/* gather_next walks the events of a type: *at from 0; NULL after the last. */
const struct wire_header *gather_next(const struct gather *gather, uint16_t type, size_t *at);

/* gather_name gives an instrument's name where its definition was heard, else its number in hex (in
 * out). */
const char *gather_name(const struct gather *gather, uint64_t instrument, char out[32]);

/* gather_keep drops the events of which keeps says false. */
void gather_keep(struct gather *gather,
                 bool (*keeps)(const void *ctx, const struct wire_header *event), const void *ctx);

/* gather_print_json prints "NAME":[...] with the events of a type. */
void gather_print_json(const struct gather *gather, const char *name, uint16_t type);

#endif
