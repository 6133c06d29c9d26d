/* bus.c - the bus's context: one per process, its heartbeat, its turn in the loop, its sockets. */
#include "common/edge/bus_internal.h"
#include "common/leaf/err.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <unistd.h>

/* ---- types of a stream ---- */

static const struct {
    uint16_t type, port;
    uint32_t bytes;
} type_table[] = {
#define AS_ROW(id, event, bytes, tail, port, doc) { (id), (port), (bytes) },
    WIRE_EVENTS(AS_ROW)
#undef AS_ROW
};

void bus_types_init(struct bus_types *types, unsigned port)
{
    *types = (struct bus_types){ 0 };
    memset(types->slot, BUS_NO_SLOT, sizeof(types->slot));
    for (size_t i = 0; i < COUNT(type_table); i++) {
        if (type_table[i].port != port)
            continue;
        assert(type_table[i].type < COUNT(types->slot) && types->count < WIRE_SEQUENCES_MAX);
        types->slot[type_table[i].type] = (uint8_t)types->count;
        types->type[types->count] = type_table[i].type;
        types->bytes[types->count] = type_table[i].bytes;
        types->count++;
    }
}

/* ---- sockets ---- */

int bus_socket_set(struct bus_socket *socket, int option, int value)
{
    return zmq_setsockopt(socket->raw, option, &value, sizeof(value)) == 0 ? 0 : ERR_SYS;
}

/* Upstream go subscriptions and requests. ZeroMQ drops a subscription for which there is no room,
 * and nobody ever hears of it: with a mark below the count of types a subscriber stayed deaf. */
enum { UPSTREAM_MARK = 1024 };

int bus_socket_open(struct bus_socket *socket, int type, int high_water_mark, int buffer_bytes)
{
    /* Reconnects are quick, because what follows from a silence is counted in seconds. Keepalive
     * and the heartbeat of ZMTP find a peer that vanished without a word. A stranger cannot make us
     * allocate: no message of ours is larger than the largest event. */
    const int buffer = buffer_bytes ? buffer_bytes : -1;
    const struct {
        int option, value;
    } options[] = {
        { ZMQ_SNDBUF, buffer },
        { ZMQ_RCVBUF, buffer },
        { ZMQ_SNDHWM, type == ZMQ_XSUB ? MAX(high_water_mark, UPSTREAM_MARK) : high_water_mark },
        { ZMQ_RCVHWM, type == ZMQ_XPUB ? MAX(high_water_mark, UPSTREAM_MARK) : high_water_mark },
        { ZMQ_LINGER, 0 },
        { ZMQ_RECONNECT_IVL, 50 },
        { ZMQ_RECONNECT_IVL_MAX, 500 },
        { ZMQ_TCP_KEEPALIVE, 1 },
        { ZMQ_TCP_KEEPALIVE_IDLE, 10 },
        { ZMQ_TCP_KEEPALIVE_INTVL, 5 },
        { ZMQ_TCP_KEEPALIVE_CNT, 3 },
        { ZMQ_HEARTBEAT_IVL, 2000 },
        { ZMQ_HEARTBEAT_TIMEOUT, 6000 },
        { ZMQ_HANDSHAKE_IVL, 5000 },
    };

    assert(high_water_mark > 0);
    socket->owner = zsock_new(type);
    if (!socket->owner)
        return ERR_SYS;
    socket->raw = zsock_resolve(socket->owner);
    for (size_t i = 0; i < COUNT(options); i++)
        if (bus_socket_set(socket, options[i].option, options[i].value) != 0)
            return ERR_SYS;
    int64_t largest = sizeof(union wire_event);
    return zmq_setsockopt(socket->raw, ZMQ_MAXMSGSIZE, &largest, sizeof(largest)) == 0 ? 0
                                                                                       : ERR_SYS;
}

int bus_socket_enter(struct bus_socket *socket, struct bus *bus,
                     void (*ready)(struct loop_source *, uint32_t), void *ctx)
{
    size_t size = sizeof(socket->source.fd);

    if (zmq_getsockopt(socket->raw, ZMQ_FD, &socket->source.fd, &size) != 0)
        return ERR_SYS;
    socket->source.ready = ready;
    socket->source.ctx = ctx;
    int err = loop_add(bus->config.loop, &socket->source, EPOLLIN);
    socket->is_in_loop = err == 0;
    socket->needs_look = true;
    return err;
}

bool bus_socket_has_input(struct bus_socket *socket)
{
    int events = 0;
    size_t size = sizeof(events);

    return zmq_getsockopt(socket->raw, ZMQ_EVENTS, &events, &size) == 0 && (events & ZMQ_POLLIN);
}

int bus_socket_send(struct bus_socket *socket, const void *bytes, size_t size)
{
    socket->needs_look = true;
    return zmq_send(socket->raw, bytes, size, ZMQ_DONTWAIT) >= 0 ? 0 : ERR_FULL;
}

void bus_socket_close(struct bus_socket *socket, struct bus *bus, int linger_ms)
{
    if (socket->is_in_loop)
        loop_remove(bus->config.loop, &socket->source);
    if (socket->owner)
        (void)bus_socket_set(socket, ZMQ_LINGER, linger_ms);
    zsock_destroy(&socket->owner);
    *socket = (struct bus_socket){ 0 };
}

void bus_count_bad(struct bus *bus, const struct stream *stream, int err,
                   const struct wire_header *header, size_t size)
{
    uint64_t *counter = &bus->counters.malformed;
    struct log_burst *burst = &bus->malformed_burst;
    uint64_t suppressed = 0;

    if (err == ERR_VERSION) {
        counter = &bus->counters.unknown_version;
        burst = &bus->version_burst;
    } else if (err == ERR_NOT_FOUND) {
        counter = &bus->counters.unknown_type;
        burst = &bus->type_burst;
    }
    ++*counter;
    if (!log_burst_allows(burst, loop_now_ns(), BUS_LOG_PERIOD_NS, &suppressed))
        return;
    bool has_header = size >= sizeof(*header);
    log_warn("bus_message_dropped",
             "%s: %s: type=%u version=%u publisher=%u bytes=%zu total=%llu not_logged_before=%llu",
             stream->name, err_str(err), has_header ? header->type : 0u,
             has_header ? header->version : 0u, has_header ? header->publisher : 0u, size,
             (unsigned long long)*counter, (unsigned long long)suppressed);
}

/* ---- the bus ---- */

/* The boot id's first 8 bytes as a number; 0 where the kernel shows none. */
static uint64_t read_boot_id(void)
{
    char text[40] = { 0 };
    uint64_t id = 0;
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return 0;
    ssize_t length = read(fd, text, sizeof(text) - 1);
    close(fd);
    for (ssize_t i = 0, digits = 0; i < length && digits < 16; i++) {
        if (!isxdigit((unsigned char)text[i]))
            continue;
        int c = tolower((unsigned char)text[i]);
        id = id << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
        digits++;
    }
    return id;
}

static void beat(struct loop_timer *timer, int64_t now_ns)
{
    struct bus *bus = timer->ctx;

    bus->longest_turn_ns = loop_longest_turn_ns(bus->config.loop);
    for (struct bus_pub *pub = bus->pubs; pub; pub = pub->next)
        bus_pub_beat(pub, now_ns);
    /* Missed beats are not made up for. */
    (void)loop_timer_at(bus->config.loop, timer, MAX(timer->at_ns, now_ns) + BUS_HEARTBEAT_NS);
}

/* The loop sleeps only when no socket needs another look: see "ZMQ_FD" in docs/bus.md. */
static bool turn(struct loop_hook *hook, int64_t now_ns)
{
    struct bus *bus = hook->ctx;
    bool has_more = false;

    for (struct bus_sub *sub = bus->subs; sub; sub = sub->next)
        bus_sub_turn(sub, now_ns);
    for (struct bus_pub *pub = bus->pubs; pub; pub = pub->next)
        bus_pub_turn(pub);
    for (struct bus_sub *sub = bus->subs; sub; sub = sub->next)
        has_more = has_more || sub->socket.needs_look;
    for (struct bus_pub *pub = bus->pubs; pub; pub = pub->next)
        has_more = has_more || pub->socket.needs_look;
    return has_more;
}

static int copy_config(struct bus *bus, const struct bus_config *config)
{
    const struct {
        const char *from;
        char *to;
        size_t cap;
    } texts[] = {
        { config->run_dir, bus->run_dir, sizeof(bus->run_dir) },
        { config->keys_dir, bus->keys_dir, sizeof(bus->keys_dir) },
        { config->venue, bus->venue, sizeof(bus->venue) },
    };

    for (size_t i = 0; i < COUNT(texts); i++) {
        size_t length = texts[i].from ? strlen(texts[i].from) : 0;
        if (length >= texts[i].cap)
            return ERR_CONFIG;
        memcpy(texts[i].to, texts[i].from ? texts[i].from : "", length + 1);
    }
    bus->config = *config;
    bus->config.run_dir = bus->run_dir;
    bus->config.keys_dir = bus->keys_dir[0] ? bus->keys_dir : NULL;
    bus->config.venue = bus->venue[0] ? bus->venue : NULL;
    return bus->run_dir[0] ? 0 : ERR_CONFIG;
}

/* The process's one context is CZMQ's, because zauth answers in no other. CZMQ must not take SIGINT
 * and SIGTERM from the role. */
static int open_context(void)
{
    static bool is_open;

    if (!is_open) {
        zsys_handler_set(NULL);
        zsys_set_io_threads(1);
    }
    is_open = true;
    return zsys_init() ? 0 : ERR_SYS;
}

int bus_open(struct bus **bus, const struct bus_config *config)
{
    struct bus *made = calloc(1, sizeof(*made));
    if (!made)
        return ERR_SYS;

    int err = copy_config(made, config);
    if (!err)
        err = bus_private_dir(made->run_dir);
    if (!err)
        err = open_context();
    if (!err && getrandom(&made->next_request_id, sizeof(made->next_request_id), 0) < 0)
        err = ERR_SYS;
    made->publisher = PUBLISHER(config->role, config->instance);
    made->boot_id = read_boot_id();
    made->epoch = config->epoch;
    if (!err && made->epoch == 0)
        made->epoch = bus_lock_epoch(made->run_dir, made->publisher, (uint64_t)loop_wall_ns());
    made->beat = (struct loop_timer){ .fire = beat, .ctx = made };
    if (!err)
        err = loop_timer_at(config->loop, &made->beat, loop_now_ns() + BUS_HEARTBEAT_NS);
    if (err) {
        free(made);
        return err;
    }
    made->hook = (struct loop_hook){ .turn = turn, .ctx = made };
    loop_hook_add(config->loop, &made->hook);
    *bus = made;
    return 0;
}

void bus_close(struct bus **bus)
{
    struct bus *closed = *bus;
    if (!closed)
        return;

    loop_timer_stop(closed->config.loop, &closed->beat);
    loop_hook_remove(closed->config.loop, &closed->hook);
    while (closed->pubs) {
        struct bus_pub *pub = closed->pubs;
        closed->pubs = pub->next;
        bus_pub_close(pub);
    }
    while (closed->subs) {
        struct bus_sub *sub = closed->subs;
        closed->subs = sub->next;
        bus_sub_close(sub);
    }
    bus_keys_release(closed);
    free(closed);
    *bus = NULL;
}

uint64_t bus_epoch(const struct bus *bus)
{
    return bus->epoch;
}

void bus_counters(const struct bus *bus, struct bus_counters *out)
{
    *out = bus->counters;
}

void bus_set_risk_version(struct bus *bus, uint64_t risk_version)
{
    bus->risk_version = risk_version;
}

int bus_needs_curve(struct bus *bus, const struct stream *stream,
                    const struct bus_endpoint *endpoint, bool *needs)
{
    bool needed = stream->is_curve || !endpoint->is_private;

    if (needed && !bus->config.keys_dir) {
        log_error("bus_no_keys",
                  "%s %s: %s, and no keys directory is set: make keys with `tickpipe keys`",
                  stream->name, endpoint->address,
                  stream->is_curve ? "this stream always uses CURVE"
                                   : "others can reach this endpoint, so it needs CURVE");
        return ERR_CONFIG;
    }
    *needs = needed;
    return 0;
}
