/* server_ws.c - the WebSocket half: libwebsockets in a thread of its own. */
#include "venue_simulator/server_internal.h"

#include "common/edge/log.h"
#include "common/leaf/err.h"

#include <libwebsockets.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    RX_BUFFER = 65536,
    FRAME_IN_MAX = 1 << 20,
    QUEUE_MAX = 16 << 20, /* Bytes a connection may lag behind before it is cut. */
};

/* The venue pings every 20 s; without a PONG for a minute the connection ends. Not by the library's
 * own timer: when its PING falls together with one of the client's, the client's is not answered.
 */
#define PING_NS   (20 * NS_PER_S)
#define HANGUP_NS (80 * NS_PER_S)

struct frame {
    struct frame *next;
    size_t len;
    unsigned char bytes[]; /* LWS_PRE, then the text. */
};

struct peer {
    struct sim_ws ws;
    struct lws *wsi;
    struct frame *first, *last;
    size_t queued;
    struct peer *next_dirty;
    bool is_dirty, is_killed, is_closing, is_ping_due;
    int64_t pinged_ns, heard_ns; /* The server's own PING, and the last PONG. */
    unsigned close_code;
    char close_reason[100];
    char *rx;
    size_t rx_len;
};

/* An answer that a fault holds back. */
struct delayed {
    struct delayed *next;
    struct sim *sim;
    uint64_t peer;
    int64_t due_ns;
    size_t len;
    char text[];
};

/* ---- queueing: any thread, under the lock ---- */

static void mark(struct server *server, struct peer *peer)
{
    if (peer->is_dirty)
        return;
    peer->is_dirty = true;
    peer->next_dirty = server->dirty;
    server->dirty = peer;
}

static void enqueue(struct server_venue *venue, struct peer *peer, const char *text, size_t len)
{
    struct frame *frame;

    if (peer->is_closing || peer->is_killed || peer->queued + len > QUEUE_MAX ||
        !(frame = malloc(sizeof(*frame) + LWS_PRE + len))) {
        /* Too slow: a venue cuts such a client. */
        venue->frames_dropped++;
        peer->is_killed |= !peer->is_closing;
        mark(venue->server, peer);
        return;
    }
    frame->next = NULL;
    frame->len = len;
    memcpy(frame->bytes + LWS_PRE, text, len);
    if (peer->last)
        peer->last->next = frame;
    else
        peer->first = frame;
    peer->last = frame;
    peer->queued += len;
    venue->frames_out++;
    mark(venue->server, peer);
}

static void delay(struct server_venue *venue, struct sim_ws *ws, const char *text, size_t len)
{
    struct delayed *delayed = malloc(sizeof(*delayed) + len);
    struct delayed **at = &venue->server->delayed;

    if (!delayed)
        return;
    *delayed = (struct delayed){ .sim = &venue->sim,
                                 .peer = ws->id,
                                 .due_ns = venue->sim.now_ns +
                                           venue->sim.faults[SIM_FAULT_DELAY_ACKS].ms * NS_PER_MS,
                                 .len = len };
    memcpy(delayed->text, text, len);
    while (*at && (*at)->due_ns <= delayed->due_ns)
        at = &(*at)->next;
    delayed->next = *at;
    *at = delayed;
}

void server_ws_output_send(struct sim *sim, struct sim_ws *ws, enum sim_what what, const char *text,
                           size_t len)
{
    struct server_venue *venue = sim->server;

    if (what == SIM_ORDER_ACK && sim_fault_take(sim, SIM_FAULT_LOSE_RESPONSE))
        return;
    if (sim_fault_lasts(sim, SIM_FAULT_SILENCE)) {
        sim->faults[SIM_FAULT_SILENCE].taken++;
        return;
    }
    if (what == SIM_ORDER_ACK && sim_fault_take(sim, SIM_FAULT_DELAY_ACKS)) {
        delay(venue, ws, text, len);
        return;
    }
    enqueue(venue, ws->peer, text, len);
}

void server_ws_send_delayed(struct server *server)
{
    while (server->delayed && server->delayed->due_ns <= server->delayed->sim->now_ns) {
        struct delayed *delayed = server->delayed;
        server->delayed = delayed->next;
        for (struct sim_ws *ws = delayed->sim->first_ws; ws; ws = ws->next)
            if (ws->id == delayed->peer)
                enqueue(delayed->sim->server, ws->peer, delayed->text, delayed->len);
        free(delayed);
    }
}

void server_ws_output_close(struct sim *sim, struct sim_ws *ws, unsigned code, const char *reason)
{
    struct server_venue *venue = sim->server;
    struct peer *peer = ws->peer;

    if (peer->is_closing)
        return;
    peer->is_closing = true;
    peer->close_code = code;
    snprintf(peer->close_reason, sizeof(peer->close_reason), "%s", reason);
    mark(venue->server, peer);
}

void server_ws_keep_alive(struct server_venue *venue)
{
    int64_t now_ns = venue->sim.now_ns;

    for (struct sim_ws *ws = venue->sim.first_ws; ws; ws = ws->next) {
        struct peer *peer = ws->peer;
        if (now_ns - peer->pinged_ns < PING_NS)
            continue;
        peer->pinged_ns = now_ns;
        peer->is_killed |= now_ns - peer->heard_ns >= HANGUP_NS;
        peer->is_ping_due = true;
        mark(venue->server, peer);
    }
}

bool server_ws_is_closing(const struct sim_ws *ws)
{
    const struct peer *peer = ws->peer;

    return peer->is_closing || peer->is_killed;
}

unsigned server_drop(struct server_venue *venue, const char *listener)
{
    unsigned count = 0;

    for (struct sim_ws *ws = venue->sim.first_ws; ws; ws = ws->next) {
        struct peer *peer = ws->peer;
        if (listener[0] && strcmp(venue->side->listeners[ws->listener], listener) != 0)
            continue;
        peer->is_killed = true;
        mark(venue->server, peer);
        count++;
    }
    return count;
}

void server_ws_wake(struct server *server)
{
    lws_cancel_service(server->lws);
}

/* ---- writing: the WebSocket thread, under the lock ---- */

static void pop(struct peer *peer)
{
    struct frame *frame = peer->first;

    peer->first = frame->next;
    if (!peer->first)
        peer->last = NULL;
    peer->queued -= frame->len;
    free(frame);
}

static void write_ping(struct peer *peer)
{
    /* Not empty: the library tells of no PONG without a payload. */
    unsigned char bytes[LWS_PRE + 24];
    int len = snprintf((char *)bytes + LWS_PRE, sizeof(bytes) - LWS_PRE, "%lld",
                       (long long)(peer->pinged_ns / NS_PER_MS));

    peer->is_ping_due = false;
    if (lws_write(peer->wsi, bytes + LWS_PRE, (size_t)len, LWS_WRITE_PING) < 0)
        peer->is_killed = true;
}

/* Writes at once what the socket takes. A write while older bytes are buffered would break the
 * stream: the guard is what makes writing outside WRITEABLE right. */
static void flush(struct peer *peer)
{
    if (peer->is_ping_due && !peer->is_killed && !peer->is_closing &&
        !lws_partial_buffered(peer->wsi) && !lws_send_pipe_choked(peer->wsi))
        write_ping(peer);
    if (peer->is_killed) {
        lws_set_timeout(peer->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
        return;
    }
    while (peer->first && !lws_partial_buffered(peer->wsi) && !lws_send_pipe_choked(peer->wsi)) {
        struct frame *frame = peer->first;
        int n = lws_write(peer->wsi, frame->bytes + LWS_PRE, frame->len, LWS_WRITE_TEXT);
        if (n < (int)frame->len) {
            peer->is_killed = true;
            lws_set_timeout(peer->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
            return;
        }
        pop(peer);
    }
    if (peer->first || peer->is_closing)
        lws_callback_on_writable(peer->wsi);
}

static void flush_dirty(struct server *server)
{
    while (server->dirty) {
        struct peer *peer = server->dirty;
        server->dirty = peer->next_dirty;
        peer->is_dirty = false;
        flush(peer);
    }
}

static void unlock_here(struct server *server)
{
    flush_dirty(server);
    pthread_mutex_unlock(&server->lock);
}

/* ---- a connection's life ---- */

static void read_query(struct lws *wsi, char *out, size_t cap)
{
    size_t len = 0;
    char pair[512];

    out[0] = 0;
    for (int i = 0; lws_hdr_copy_fragment(wsi, pair, sizeof(pair), WSI_TOKEN_HTTP_URI_ARGS, i) >= 0;
         i++) {
        int n = snprintf(out + len, cap - len, "%s%s", i ? "&" : "", pair);
        if (n < 0 || (size_t)n >= cap - len)
            return;
        len += (size_t)n;
    }
}

static int opened(struct lws *wsi, struct peer **user)
{
    const struct listener *listener = lws_get_vhost_user(lws_get_vhost(wsi));
    struct server_venue *venue = listener->venue;
    struct server *server = venue->server;
    struct peer *peer = calloc(1, sizeof(*peer));

    if (!peer || !(peer->ws.state = calloc(1, venue->side->ws_state_size + 1))) {
        free(peer);
        return -1;
    }
    peer->wsi = wsi;
    peer->ws.peer = peer;
    peer->ws.sim = &venue->sim;
    peer->ws.listener = listener->index;
    if (lws_hdr_copy(wsi, peer->ws.path, sizeof(peer->ws.path), WSI_TOKEN_GET_URI) < 0)
        peer->ws.path[0] = 0;
    read_query(wsi, peer->ws.query, sizeof(peer->ws.query));
    *user = peer;
    server_lock(server);
    peer->ws.id = ++server->next_peer;
    peer->ws.opened_ns = peer->pinged_ns = peer->heard_ns = venue->sim.now_ns;
    struct sim_ws **end = &venue->sim.first_ws;
    while (*end)
        end = &(*end)->next;
    *end = &peer->ws;
    venue->connections++;
    venue->side->ws_opened(&venue->sim, &peer->ws);
    unlock_here(server);
    return 0;
}

static void closed(struct peer *peer)
{
    struct server_venue *venue = peer->ws.sim->server;
    struct server *server = venue->server;

    server_lock(server);
    venue->side->ws_closed(&venue->sim, &peer->ws);
    struct sim_ws **at = &venue->sim.first_ws;
    while (*at != &peer->ws)
        at = &(*at)->next;
    *at = peer->ws.next;
    for (struct peer **dirty = &server->dirty; *dirty; dirty = &(*dirty)->next_dirty)
        if (*dirty == peer) {
            *dirty = peer->next_dirty;
            break;
        }
    unlock_here(server);
    while (peer->first)
        pop(peer);
    free(peer->rx);
    free(peer->ws.state);
    free(peer);
}

/* A frame may come in pieces; it is handed on whole. */
static int received(struct peer *peer, struct lws *wsi, const char *bytes, size_t len)
{
    struct server_venue *venue = peer->ws.sim->server;
    bool is_whole = lws_is_final_fragment(wsi) && lws_remaining_packet_payload(wsi) == 0;

    if (!is_whole || peer->rx_len) {
        char *rx =
            peer->rx_len + len <= FRAME_IN_MAX ? realloc(peer->rx, peer->rx_len + len + 1) : NULL;
        if (!rx)
            return -1;
        memcpy(rx + peer->rx_len, bytes, len);
        peer->rx = rx;
        peer->rx_len += len;
        if (!is_whole)
            return 0;
        bytes = peer->rx;
        len = peer->rx_len;
        peer->rx_len = 0;
    }
    server_lock(venue->server);
    venue->frames_in++;
    if (!peer->is_closing && !peer->is_killed)
        venue->side->ws_frame(&venue->sim, &peer->ws, bytes, len);
    unlock_here(venue->server);
    return 0;
}

static int writable(struct peer *peer, struct lws *wsi)
{
    struct server *server = ((struct server_venue *)peer->ws.sim->server)->server;
    int result = 0;

    pthread_mutex_lock(&server->lock);
    flush(peer);
    if (!peer->first && peer->is_closing && !lws_partial_buffered(wsi)) {
        lws_close_reason(wsi, (enum lws_close_status)peer->close_code,
                         (unsigned char *)peer->close_reason, strlen(peer->close_reason));
        result = -1;
    }
    pthread_mutex_unlock(&server->lock);
    return result;
}

static void ponged(struct peer *peer)
{
    struct server_venue *venue = peer->ws.sim->server;

    server_lock(venue->server);
    peer->heard_ns = venue->sim.now_ns;
    unlock_here(venue->server);
}

static int on_lws(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                  size_t len)
{
    struct peer **peer = user;
    struct server *server;

    switch (reason) {
    case LWS_CALLBACK_ESTABLISHED:
        return opened(wsi, peer);
    case LWS_CALLBACK_CLOSED:
        if (peer && *peer)
            closed(*peer);
        if (peer)
            *peer = NULL;
        return 0;
    case LWS_CALLBACK_RECEIVE:
        return *peer ? received(*peer, wsi, in, len) : -1;
    case LWS_CALLBACK_RECEIVE_PONG:
        if (*peer)
            ponged(*peer);
        return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return *peer ? writable(*peer, wsi) : -1;
    case LWS_CALLBACK_EVENT_WAIT_CANCELLED:
        server = lws_context_user(lws_get_context(wsi));
        pthread_mutex_lock(&server->lock);
        unlock_here(server);
        return 0;
    default:
        return lws_callback_http_dummy(wsi, reason, user, in, len);
    }
}

static const struct lws_protocols protocols[] = {
    { "venue", on_lws, sizeof(struct peer *), RX_BUFFER, 0, NULL, RX_BUFFER },
    { NULL, NULL, 0, 0, 0, NULL, 0 },
};

static const lws_retry_bo_t no_validity_timer = { .secs_since_valid_ping = 0 };

static void on_log(int level, const char *line)
{
    size_t len = strlen(line);

    while (len > 0 && line[len - 1] == '\n')
        len--;
    log_write(level & LLL_ERR ? LOG_LEVEL_WARN : LOG_LEVEL_DEBUG, "libwebsockets", "%.*s", (int)len,
              line);
}

static int vhost_open(struct server *server, struct listener *listener)
{
    char name[64];
    struct lws_context_creation_info info = {
        .port = listener->venue->ws_ports[listener->index],
        .iface = server->config.host,
        .protocols = protocols,
        .vhost_name = name,
        .user = listener,
        .ssl_cert_filepath = server->config.tls.certificate,
        .ssl_private_key_filepath = server->config.tls.key,
        .options = LWS_SERVER_OPTION_DISABLE_IPV6 | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT |
                   LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND,
        .retry_and_idle_policy = &no_validity_timer,
        .alpn = "http/1.1",
        .keepalive_timeout = 60,
    };

    snprintf(name, sizeof(name), "%s-%s", listener->venue->sim.venue,
             listener->venue->side->listeners[listener->index]);
    return lws_create_vhost(server->lws, &info) ? 0 : ERR_SYS;
}

int server_ws_open(struct server *server, char *why, size_t cap)
{
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT |
                   LWS_SERVER_OPTION_DISABLE_IPV6,
        .fd_limit_per_thread = 1024,
        .max_http_header_data = 16384,
        .max_http_header_pool = 64,
        .user = server,
    };
    size_t count = 0;

    lws_set_log_level(LLL_ERR | LLL_WARN, on_log);
    server->lws = lws_create_context(&info);
    if (!server->lws) {
        snprintf(why, cap, "libwebsockets: no context");
        return ERR_SYS;
    }
    for (size_t i = 0; i < server->config.venue_count; i++) {
        struct server_venue *venue = &server->config.venues[i];
        for (unsigned l = 0; venue->side->listeners[l]; l++) {
            struct listener *listener = &server->listeners[count++];
            *listener = (struct listener){ venue, l };
            if (vhost_open(server, listener) != 0) {
                snprintf(why, cap, "%s:%u (%s %s): cannot listen", server->config.host,
                         venue->ws_ports[l], venue->sim.venue, venue->side->listeners[l]);
                return ERR_SYS;
            }
        }
    }
    return 0;
}

void *server_ws_run(void *ctx)
{
    struct server *server = ctx;

    while (!atomic_load(&server->is_stopping))
        if (lws_service(server->lws, 0) < 0)
            break;
    return NULL;
}

void server_ws_close_all(struct server *server)
{
    if (server->lws)
        lws_context_destroy(server->lws);
    server->lws = NULL;
    while (server->delayed) {
        struct delayed *delayed = server->delayed;
        server->delayed = delayed->next;
        free(delayed);
    }
}
