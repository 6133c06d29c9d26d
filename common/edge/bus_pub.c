/* bus_pub.c - a publication: stamping, sending, heartbeats, and what comes upstream. */
#include "common/edge/bus_internal.h"
#include "common/leaf/err.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How long messages may still leave after close: a subscriber that reads has them at once. */
enum { LINGER_MS = 200 };
/* A page of replays counts as so many messages of a batch. */
enum { REPLAY_COST = 16 };

/* ---- sending ---- */

void bus_pub_stamp(struct bus_pub *pub, struct wire_header *event, uint64_t seq)
{
    event->publisher = pub->bus->publisher;
    event->epoch = pub->bus->epoch;
    event->seq = seq;
    event->sent_ns = loop_now_ns();
}

int bus_pub_send(struct bus_pub *pub, const struct wire_header *event)
{
    int err = bus_socket_send(&pub->socket, event, event->size);

    if (UNLIKELY(err))
        pub->bus->counters.send_failed++;
    return err;
}

int bus_publish(struct bus_pub *pub, struct wire_header *event)
{
    unsigned slot = bus_types_slot(&pub->types, event->type);

    assert(slot != BUS_NO_SLOT && "an event of another stream");
    if (UNLIKELY(pub->is_holding && pub->held == BUS_HELD_MAX)) {
        pub->bus->counters.send_failed++;
        return ERR_FULL;
    }
    bus_pub_stamp(pub, event, ++pub->seq[slot]);
    if (pub->kept)
        bus_kept_store(pub->kept, slot, event);
    pub->bus->counters.published++;
    if (UNLIKELY(pub->is_holding)) {
        pub->held++;
        return 0;
    }
    pub->sent[slot] = pub->seq[slot];
    return bus_pub_send(pub, event);
}

void bus_pub_beat(struct bus_pub *pub, int64_t now_ns)
{
    struct bus *bus = pub->bus;
    struct wire_heartbeat beat;

    WIRE_BEGIN(&beat, heartbeat);
    beat.header.origin_ns = now_ns;
    beat.realtime_ns = loop_wall_ns();
    beat.boot_id = bus->boot_id;
    beat.risk_version = bus->risk_version;
    beat.gaps = bus->counters.gaps;
    beat.recovered = bus->counters.recovered;
    beat.lost = bus->counters.lost;
    beat.malformed =
        bus->counters.malformed + bus->counters.unknown_version + bus->counters.unknown_type;
    beat.dropped = bus->counters.send_failed;
    beat.longest_turn_ns = bus->longest_turn_ns;
    beat.pid = (uint32_t)getpid();
    beat.port = pub->stream->port;
    for (unsigned i = 0; i < pub->types.count; i++)
        if (pub->sent[i])
            beat.sequences[beat.sequence_count++] =
                (wire_sequence){ .type = pub->types.type[i], .seq = pub->sent[i] };
    bus_pub_stamp(pub, &beat.header, ++pub->beat_seq);
    (void)bus_pub_send(pub, &beat.header);
}

void bus_pub_send_end(struct bus_pub *pub, const struct wire_recovery_end *answer)
{
    struct wire_recovery_end end = *answer;

    bus_pub_stamp(pub, &end.header, ++pub->end_seq);
    (void)bus_pub_send(pub, &end.header);
}

/* What was published before anybody had subscribed. The heartbeat in front tells the subscriber
 * that it is to have all of it. */
static void send_held(struct bus_pub *pub)
{
    pub->is_holding = false;
    pub->held = 0;
    for (unsigned slot = 0; slot < pub->types.count; slot++) {
        while (pub->sent[slot] < pub->seq[slot]) {
            const struct wire_header *event = bus_kept_find(pub->kept, slot, ++pub->sent[slot]);
            if (event)
                (void)bus_pub_send(pub, event);
        }
    }
}

/* ---- what comes upstream ---- */

/* XPUB hands on subscriptions as 0x01 and cancellations as 0x00, then the prefix. */
static void on_subscription(struct bus_pub *pub, const unsigned char *bytes, size_t size)
{
    static const unsigned char heartbeat[2] = { WIRE_heartbeat & 0xff, WIRE_heartbeat >> 8 };

    if (bytes[0] == 1 && (size == 1 || (size == 3 && memcmp(bytes + 1, heartbeat, 2) == 0)))
        pub->heartbeat_due = true;
}

int bus_pub_take(struct bus_pub *pub, const void *bytes, size_t size)
{
    const struct wire_state_request *request = bytes;
    const unsigned char *first = bytes;

    if (size > 0 && first[0] <= 1) {
        on_subscription(pub, bytes, size);
        return 1;
    }
    int err = wire_check(bytes, size);
    if (!err && request->header.type != WIRE_state_request)
        err = ERR_PROTO;
    if (err) {
        bus_count_bad(pub->bus, pub->stream, err, bytes, size);
        return 1;
    }
    pub->bus->counters.received++;
    if (request->header.publisher != 0 && request->header.publisher != pub->bus->publisher)
        return 1;
    bus_answer(pub, request);
    return request->kind == REQUEST_REPLAY ? REPLAY_COST : 1;
}

static void drain(struct bus_pub *pub)
{
    union {
        struct wire_state_request request; /* For its alignment. */
        unsigned char bytes[1024];
    } in;
    int budget = BUS_BATCH;

    pub->socket.needs_look = true;
    while (bus_socket_has_input(&pub->socket)) {
        int size;
        while ((size = zmq_recv(pub->socket.raw, &in, sizeof(in), ZMQ_DONTWAIT)) >= 0) {
            if ((size_t)size > sizeof(in))
                bus_count_bad(pub->bus, pub->stream, ERR_PROTO, &in.request.header, (size_t)size);
            else
                budget -= bus_pub_take(pub, &in, (size_t)size);
            if (budget <= 0)
                return;
        }
    }
    pub->socket.needs_look = false;
}

void bus_pub_turn(struct bus_pub *pub)
{
    if (pub->socket.needs_look)
        drain(pub);
    if (pub->heartbeat_due) {
        pub->heartbeat_due = false;
        bus_pub_beat(pub, loop_now_ns());
        if (pub->is_holding)
            send_held(pub);
    }
}

static void ready(struct loop_source *source, uint32_t epoll_events)
{
    struct bus_pub *pub = source->ctx;

    (void)epoll_events;
    pub->socket.needs_look = true;
    bus_pub_turn(pub);
}

/* ---- life ---- */

/* The role that binds a stream whose publisher connects: its certificate is the one to expect. */
static enum role binder_of(unsigned port)
{
    for (int role = ROLE_MARKET_GATEWAY; role <= ROLE_OPERATOR; role++)
        if (role_subscribes((enum role)role, port))
            return (enum role)role;
    return ROLE_NONE;
}

static int attach(struct bus_pub *pub, const char *text)
{
    struct bus *bus = pub->bus;
    struct bus_endpoint endpoint;
    bool needs_curve = false;
    bool binds = pub->stream->bind == PUBLISHER_BINDS;

    int err = bus_endpoint_parse(&endpoint, text, strlen(text));
    if (!err)
        err = bus_needs_curve(bus, pub->stream, &endpoint, &needs_curve);
    if (!err && needs_curve)
        err = binds ? bus_keys_server(bus, &pub->socket)
                    : bus_keys_client(bus, &pub->socket, binder_of(pub->stream->port),
                                      endpoint.key_venue);
    if (err)
        return err;
    if (binds) {
        err = bus_bind(bus, &pub->socket, &endpoint, &pub->lock_fd);
    } else {
        pub->is_holding = true;
        err = zmq_connect(pub->socket.raw, endpoint.address) == 0 ? 0 : ERR_SYS;
    }
    size_t size = sizeof(pub->endpoint);
    if (!err && zmq_getsockopt(pub->socket.raw, ZMQ_LAST_ENDPOINT, pub->endpoint, &size) != 0)
        err = ERR_SYS;
    return err;
}

int bus_publish_on(struct bus *bus, unsigned port, const char *endpoint, bus_on_request *on_request,
                   void *ctx, struct bus_pub **pub)
{
    const struct stream *stream = stream_of(port);
    if (!stream || stream->publisher != bus->config.role)
        return ERR_RANGE;

    struct bus_pub *made = calloc(1, sizeof(*made));
    if (!made)
        return ERR_SYS;
    made->bus = bus;
    made->stream = stream;
    made->lock_fd = -1;
    made->on_request = on_request;
    made->on_request_ctx = ctx;
    bus_types_init(&made->types, port);
    bus_answer_init(made);

    made->high_water_mark =
        bus->config.high_water_mark ? bus->config.high_water_mark : stream->high_water_mark;
    int err = bus_socket_open(&made->socket, ZMQ_XPUB, made->high_water_mark,
                              bus->config.socket_buffer_bytes);
    if (!err)
        err = bus_socket_set(&made->socket, ZMQ_XPUB_VERBOSE, 1);
    if (!err && stream->loss == LOSS_RECOVERED)
        err = bus_kept_open(&made->kept, &made->types, BUS_KEPT);
    if (!err)
        err = attach(made, endpoint);
    if (!err)
        err = bus_socket_enter(&made->socket, bus, ready, made);
    if (err) {
        bus_pub_close(made);
        return err;
    }
    made->next = bus->pubs;
    bus->pubs = made;
    *pub = made;
    return 0;
}

void bus_pub_shrink(struct bus_pub *pub, size_t kept)
{
    struct bus_kept *smaller = NULL;

    assert(kept > 0);
    pub->high_water_mark = (int)kept;
    (void)bus_socket_set(&pub->socket, ZMQ_SNDHWM, (int)kept);
    if (!pub->kept || bus_kept_open(&smaller, &pub->types, kept) != 0)
        return;
    bus_kept_close(&pub->kept);
    pub->kept = smaller;
}

const char *bus_pub_endpoint(const struct bus_pub *pub)
{
    return pub->endpoint;
}

void bus_pub_close(struct bus_pub *pub)
{
    /* With the last seqs, so that a message lost just before the end is evident. */
    if (pub->socket.is_in_loop && !pub->is_holding)
        bus_pub_beat(pub, loop_now_ns());
    bus_answer_fini(pub);
    bus_socket_close(&pub->socket, pub->bus, LINGER_MS);
    bus_lock_drop(&pub->lock_fd);
    bus_kept_close(&pub->kept);
    free(pub);
}
