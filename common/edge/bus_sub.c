/* bus_sub.c - a subscription: reading, checking, tracking every publisher of one stream. */
#include "common/edge/bus_internal.h"
#include "common/leaf/err.h"

#include <stdlib.h>
#include <string.h>

/* ---- publishers ---- */

/* On 7005 each run of the command-line tool is a publisher of its own under one number: there the
 * epoch is part of its identity. */
static bool is_by_epoch(const struct bus_sub *sub)
{
    return sub->stream->bind == SUBSCRIBER_BINDS;
}

static struct bus_source *find_source(const struct bus_sub *sub, const struct wire_header *header)
{
    for (unsigned i = 0; i < sub->source_count; i++) {
        struct bus_source *source = sub->sources[i];
        if (source->publisher == header->publisher &&
            (!is_by_epoch(sub) || source->epoch == header->epoch))
            return source;
    }
    return NULL;
}

/* A new publisher takes free room, or the place of the one not heard for longest. */
static struct bus_source *add_source(struct bus_sub *sub, const struct wire_header *header)
{
    struct bus_source *source = NULL;

    if (sub->source_count < BUS_SOURCES_MAX) {
        source = calloc(1, sizeof(*source));
        if (!source)
            return NULL;
        sub->sources[sub->source_count++] = source;
    } else {
        source = sub->sources[0];
        for (unsigned i = 1; i < sub->source_count; i++)
            if (sub->sources[i]->heard_ns < source->heard_ns)
                source = sub->sources[i];
        bus_recovery_abandon(sub, source);
        sub->bus->counters.publishers_evicted++;
        memset(source, 0, sizeof(*source));
    }
    source->publisher = header->publisher;
    return source;
}

int64_t bus_last_heard_ns(const struct bus_sub *sub, uint16_t publisher)
{
    int64_t heard_ns = 0;

    for (unsigned i = 0; i < sub->source_count; i++)
        if (sub->sources[i]->publisher == publisher)
            heard_ns = MAX(heard_ns, sub->sources[i]->heard_ns);
    return heard_ns;
}

/* ---- heartbeats: first contact, new epochs, what was published ---- */

static uint64_t last_of(const struct wire_heartbeat *beat, uint16_t type)
{
    for (unsigned i = 0; i < beat->sequence_count; i++)
        if (beat->sequences[i].type == type)
            return beat->sequences[i].seq;
    return 0;
}

/* Who comes late misses nothing of what was before: it asks for state. Who was there when a
 * publisher of a recovered stream began anew is to have its messages from the first on. */
static void begin_epoch(struct bus_sub *sub, struct bus_source *source,
                        const struct wire_heartbeat *beat)
{
    bool is_recovered = sub->stream->loss == LOSS_RECOVERED;
    bool from_first = is_recovered && source->epoch != 0;

    if (source->epoch != 0)
        bus_recovery_abandon(sub, source);
    source->epoch = beat->header.epoch;
    for (unsigned slot = 0; slot < sub->types.count; slot++) {
        uint64_t last = from_first ? 0 : last_of(beat, sub->types.type[slot]);
        sequence_begin(&source->sequence[slot], last, is_recovered);
        source->ask[slot] = (struct bus_ask){ 0 };
    }
    if (sub->handler.epoch)
        sub->handler.epoch(sub->handler.ctx, source->publisher, source->epoch);
}

static void on_heartbeat(struct bus_sub *sub, const struct wire_heartbeat *beat, int64_t now_ns)
{
    struct bus_source *source = find_source(sub, &beat->header);

    if (!source)
        source = add_source(sub, &beat->header);
    if (!source)
        return;
    if (beat->header.epoch < source->epoch && now_ns - source->heard_ns < BUS_EPOCH_BACK_NS) {
        sub->bus->counters.duplicates++;
        return;
    }
    source->heard_ns = now_ns;
    if (beat->header.epoch != source->epoch)
        begin_epoch(sub, source, beat);
    for (unsigned i = 0; i < beat->sequence_count; i++) {
        struct sequence_range gap;
        unsigned slot = bus_types_slot(&sub->types, beat->sequences[i].type);
        if (slot != BUS_NO_SLOT &&
            sequence_published(&source->sequence[slot], beat->sequences[i].seq, &gap))
            bus_recovery_gap(sub, source, slot, gap);
    }
    if (sub->handler.heartbeat)
        sub->handler.heartbeat(sub->handler.ctx, beat);
}

/* ---- events ---- */

static void on_event(struct bus_sub *sub, const struct wire_header *event, int64_t now_ns)
{
    unsigned slot = bus_types_slot(&sub->types, event->type);
    struct bus_source *source = find_source(sub, event);
    struct sequence_range gap;

    if (slot == BUS_NO_SLOT)
        return;
    /* Before its first heartbeat, which comes at once, a publisher's epoch has no baseline; and an
     * old epoch is over. */
    if (!source || source->epoch != event->epoch) {
        sub->bus->counters.early++;
        return;
    }
    source->heard_ns = now_ns;
    switch (sequence_take(&source->sequence[slot], event->seq, &gap)) {
    case SEQUENCE_AFTER_GAP:
        bus_recovery_gap(sub, source, slot, gap);
        break;
    case SEQUENCE_RECOVERED:
        sub->bus->counters.recovered++;
        break;
    case SEQUENCE_NEXT:
        break;
    case SEQUENCE_DUPLICATE:
        sub->bus->counters.duplicates++;
        return;
    case SEQUENCE_NO_ROOM:
        sub->bus->counters.deferred++;
        return;
    }
    sub->handler.event(sub->handler.ctx, event);
}

static bool is_own_request(const struct bus_sub *sub, uint64_t request_id)
{
    for (size_t i = 0; i < COUNT(sub->requests); i++)
        if (sub->requests[i] == request_id)
            return true;
    return false;
}

static void on_recovery_end(struct bus_sub *sub, const struct wire_recovery_end *end,
                            int64_t now_ns)
{
    struct bus_source *source = find_source(sub, &end->header);

    if (!source || source->epoch != end->header.epoch)
        return;
    source->heard_ns = now_ns;
    if (bus_recovery_end(sub, source, end, now_ns))
        return;
    if (sub->handler.recovery_end && end->request_id != 0 && is_own_request(sub, end->request_id))
        sub->handler.recovery_end(sub->handler.ctx, end);
}

void bus_sub_take(struct bus_sub *sub, size_t size, int64_t now_ns)
{
    const struct wire_header *header = &sub->event.header;

    int err = size > sizeof(sub->event) ? ERR_PROTO : wire_check(&sub->event, size);
    /* Only the stream's own publisher speaks here, and only of the stream's types. */
    if (!err && (PUBLISHER_ROLE(header->publisher) != sub->stream->publisher ||
                 header->epoch == 0 || header->type == WIRE_state_request ||
                 (wire_port(header->type) != 0 && wire_port(header->type) != sub->stream->port)))
        err = ERR_PROTO;
    if (err) {
        bus_count_bad(sub->bus, sub->stream, err, header, size);
        return;
    }
    sub->bus->counters.received++;
    switch (header->type) {
    case WIRE_heartbeat:
        if (sub->event.heartbeat.port == sub->stream->port)
            on_heartbeat(sub, &sub->event.heartbeat, now_ns);
        break;
    case WIRE_recovery_end:
        on_recovery_end(sub, &sub->event.recovery_end, now_ns);
        break;
    default:
        on_event(sub, header, now_ns);
    }
}

/* ---- reading ---- */

static void drain(struct bus_sub *sub, int64_t now_ns)
{
    int budget = BUS_BATCH;

    sub->socket.needs_look = true;
    while (bus_socket_has_input(&sub->socket)) {
        int size;
        while ((size = zmq_recv(sub->socket.raw, &sub->event, sizeof(sub->event), ZMQ_DONTWAIT)) >=
               0) {
            bus_sub_take(sub, (size_t)size, now_ns);
            if (--budget == 0 || sub->is_paused)
                return;
        }
    }
    sub->socket.needs_look = false;
}

void bus_sub_turn(struct bus_sub *sub, int64_t now_ns)
{
    if (sub->is_paused) {
        /* The signal is taken, the messages stay. */
        if (sub->socket.needs_look)
            (void)bus_socket_has_input(&sub->socket);
        sub->socket.needs_look = false;
        return;
    }
    if (sub->socket.needs_look)
        drain(sub, now_ns);
    if (sub->is_recovering)
        bus_recovery_turn(sub, now_ns);
}

static void ready(struct loop_source *source, uint32_t epoll_events)
{
    struct bus_sub *sub = source->ctx;

    (void)epoll_events;
    sub->socket.needs_look = true;
    bus_sub_turn(sub, loop_now_ns());
}

void bus_sub_pause(struct bus_sub *sub, bool is_paused)
{
    sub->is_paused = is_paused;
    sub->socket.needs_look = true;
}

/* ---- asking ---- */

int bus_sub_send(struct bus_sub *sub, struct wire_state_request *request)
{
    request->header.type = WIRE_state_request;
    request->header.version = WIRE_VERSION;
    request->header.size = sizeof(*request);
    request->header.epoch = sub->bus->epoch;
    request->header.sent_ns = loop_now_ns();
    while (request->request_id == 0)
        request->request_id = ++sub->bus->next_request_id;
    int err = bus_socket_send(&sub->socket, request, sizeof(*request));
    if (!err)
        sub->bus->counters.requests_sent++;
    return err;
}

int bus_request(struct bus_sub *sub, struct wire_state_request *request)
{
    int err = bus_sub_send(sub, request);
    if (err)
        return err;
    sub->requests[sub->next_request] = request->request_id;
    sub->next_request = (sub->next_request + 1) % COUNT(sub->requests);
    return 0;
}

/* ---- life ---- */

static int attach_one(struct bus_sub *sub, const char *text, size_t length)
{
    struct bus *bus = sub->bus;
    struct bus_endpoint endpoint;
    bool needs_curve = false;
    bool binds = sub->stream->bind == SUBSCRIBER_BINDS;

    int err = bus_endpoint_parse(&endpoint, text, length);
    if (!err)
        err = bus_needs_curve(bus, sub->stream, &endpoint, &needs_curve);
    if (!err && needs_curve)
        err = binds
                  ? bus_keys_server(bus, &sub->socket)
                  : bus_keys_client(bus, &sub->socket, sub->stream->publisher, endpoint.key_venue);
    if (err)
        return err;
    if (binds)
        return bus_bind(bus, &sub->socket, &endpoint, &sub->lock_fd);
    if (zmq_connect(sub->socket.raw, endpoint.address) == 0)
        return 0;
    log_error("bus_connect", "%s: %s", endpoint.address, zmq_strerror(zmq_errno()));
    return ERR_SYS;
}

static int attach(struct bus_sub *sub, const char *endpoints)
{
    static const char separators[] = " ,\t";
    int err = ERR_CONFIG; /* An empty list is nobody to listen to. */

    for (const char *at = endpoints; *(at += strspn(at, separators));) {
        size_t length = strcspn(at, separators);
        err = attach_one(sub, at, length);
        if (err)
            return err;
        at += length;
    }
    return err;
}

static int choose_types(struct bus_sub *sub, const uint16_t *types, size_t count)
{
    struct bus_types all;

    bus_types_init(&all, sub->stream->port);
    sub->types = all;
    if (count == 0)
        return 0;
    memset(&sub->types, 0, sizeof(sub->types));
    memset(sub->types.slot, BUS_NO_SLOT, sizeof(sub->types.slot));
    for (size_t i = 0; i < count; i++) {
        if (types[i] == WIRE_heartbeat) /* Comes with every subscription; alone: nothing else. */
            continue;
        if (bus_types_slot(&all, types[i]) == BUS_NO_SLOT)
            return ERR_RANGE;
        if (sub->types.slot[types[i]] != BUS_NO_SLOT)
            continue;
        sub->types.slot[types[i]] = (uint8_t)sub->types.count;
        sub->types.type[sub->types.count++] = types[i];
    }
    return 0;
}

static int subscribe_to(struct bus_sub *sub, uint16_t type)
{
    const unsigned char message[3] = { 1, (unsigned char)(type & 0xff),
                                       (unsigned char)(type >> 8) };

    return bus_socket_send(&sub->socket, message, sizeof(message));
}

/* The heartbeat comes last: the publisher answers its subscription with one at once, and that is
 * the baseline of everything subscribed before. */
static int subscribe(struct bus_sub *sub, bool wants_all)
{
    int err = 0;

    if (wants_all)
        return bus_socket_send(&sub->socket, "\x01", 1);
    for (unsigned i = 0; i < sub->types.count && !err; i++)
        err = subscribe_to(sub, sub->types.type[i]);
    if (!err)
        err = subscribe_to(sub, WIRE_recovery_end);
    return err ? err : subscribe_to(sub, WIRE_heartbeat);
}

int bus_subscribe(struct bus *bus, unsigned port, const char *endpoints, const uint16_t *types,
                  size_t type_count, const struct bus_handler *handler, struct bus_sub **sub)
{
    const struct stream *stream = stream_of(port);
    if (!stream || !handler->event)
        return ERR_RANGE;

    struct bus_sub *made = calloc(1, sizeof(*made));
    if (!made)
        return ERR_SYS;
    made->bus = bus;
    made->stream = stream;
    made->handler = *handler;
    made->lock_fd = -1;

    int mark = bus->config.high_water_mark ? bus->config.high_water_mark : stream->high_water_mark;
    int err = choose_types(made, types, type_count);
    if (!err)
        err = bus_socket_open(&made->socket, ZMQ_XSUB, mark, bus->config.socket_buffer_bytes);
    if (!err)
        err = attach(made, endpoints);
    if (!err)
        err = subscribe(made, type_count == 0);
    if (!err)
        err = bus_socket_enter(&made->socket, bus, ready, made);
    if (err) {
        bus_sub_close(made);
        return err;
    }
    made->next = bus->subs;
    bus->subs = made;
    *sub = made;
    return 0;
}

void bus_sub_close(struct bus_sub *sub)
{
    bus_socket_close(&sub->socket, sub->bus, 0);
    bus_lock_drop(&sub->lock_fd);
    for (unsigned i = 0; i < sub->source_count; i++)
        free(sub->sources[i]);
    free(sub);
}
