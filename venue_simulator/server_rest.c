/* server_rest.c - the REST half: evhttp over TLS in a thread of its own, and the control endpoint
 * in plain HTTP. */
#include "venue_simulator/server_internal.h"

#include "common/edge/log.h"
#include "common/leaf/err.h"

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/http.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BODY_MAX = 1 << 20, IDLE_S = 120, BACKLOG = 128 };

struct rest {
    struct event_base *base;
    struct event *stop;
    int stop_fd;
    SSL_CTX *tls;
    struct evhttp *venues[SERVER_VENUES_MAX];
    struct evhttp *control;
};

/* ---- requests ---- */

static const char *verb_of(struct evhttp_request *request)
{
    switch (evhttp_request_get_command(request)) {
    case EVHTTP_REQ_GET:
        return "GET";
    case EVHTTP_REQ_POST:
        return "POST";
    case EVHTTP_REQ_PUT:
        return "PUT";
    case EVHTTP_REQ_DELETE:
        return "DELETE";
    default:
        return "OTHER";
    }
}

/* The target as it came, cut at '?': what a signature covers is not to be decoded first. */
static char *split_target(struct evhttp_request *request, const char **query)
{
    char *target = strdup(evhttp_request_get_uri(request));
    char *mark = target ? strchr(target, '?') : NULL;

    *query = "";
    if (mark) {
        *mark = 0;
        *query = mark + 1;
    }
    return target;
}

const char *server_rest_output_header(const struct sim_http *request, const char *name)
{
    return evhttp_find_header(evhttp_request_get_input_headers(request->peer), name);
}

/* ---- answers that a fault holds back or loses ---- */

struct held {
    struct evhttp_request *request; /* NULL: its connection is gone. */
    struct evhttp_connection *connection;
    int status;
    bool is_lost;
};

static void on_held_gone(struct evhttp_connection *connection, void *ctx)
{
    struct held *held = ctx;

    (void)connection;
    held->request = NULL;
}

static void on_held_due(evutil_socket_t fd, short what, void *ctx)
{
    struct held *held = ctx;

    (void)fd;
    (void)what;
    if (held->request) {
        evhttp_connection_set_closecb(held->connection, NULL, NULL);
        if (held->is_lost)
            evhttp_connection_free(held->connection);
        else
            evhttp_send_reply(held->request, held->status, NULL, NULL);
    }
    free(held);
}

static bool hold_back(struct rest *rest, struct evhttp_request *request, int status, bool is_lost,
                      int64_t ms)
{
    struct held *held = malloc(sizeof(*held));
    struct timeval after = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

    if (!held)
        return false;
    *held = (struct held){ request, evhttp_request_get_connection(request), status, is_lost };
    evhttp_connection_set_closecb(held->connection, on_held_gone, held);
    return event_base_once(rest->base, -1, EV_TIMEOUT, on_held_due, held, &after) == 0;
}

static void add_headers(struct evhttp_request *request, const char *lines)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    char name[64], value[256];
    bool has_type = false;

    for (const char *at = lines ? lines : ""; *at;) {
        const char *end = strstr(at, "\r\n"), *colon = strchr(at, ':');
        if (!end || !colon || colon > end)
            break;
        snprintf(name, sizeof(name), "%.*s", (int)(colon - at), at);
        snprintf(value, sizeof(value), "%.*s", (int)(end - colon - 2), colon + 2);
        evhttp_add_header(headers, name, value);
        has_type |= strcasecmp(name, "Content-Type") == 0;
        at = end + 2;
    }
    if (!has_type)
        evhttp_add_header(headers, "Content-Type", "application/json");
}

void server_rest_output_reply(struct sim_http *http, enum sim_what what, int status,
                              const char *headers, const char *body, size_t len)
{
    struct evhttp_request *request = http->peer;
    struct sim *sim = http->sim;
    struct server_venue *venue = sim->server;
    struct rest *rest = venue->server->rest;

    add_headers(request, headers);
    evbuffer_add(evhttp_request_get_output_buffer(request), body, len);
    if (what == SIM_ORDER_ACK && sim_fault_take(sim, SIM_FAULT_LOSE_RESPONSE) &&
        hold_back(rest, request, status, true, 0))
        return;
    if (what == SIM_ORDER_ACK && sim_fault_take(sim, SIM_FAULT_DELAY_ACKS) &&
        hold_back(rest, request, status, false, sim->faults[SIM_FAULT_DELAY_ACKS].ms))
        return;
    evhttp_send_reply(request, status, NULL, NULL);
}

static void on_venue_request(struct evhttp_request *request, void *ctx)
{
    struct server_venue *venue = ctx;
    const char *query;
    char *path = split_target(request, &query);
    struct evbuffer *input = evhttp_request_get_input_buffer(request);
    size_t len = evbuffer_get_length(input);
    const char *body = len ? (const char *)evbuffer_pullup(input, -1) : "";

    if (!path) {
        evhttp_send_error(request, 500, NULL);
        return;
    }
    struct sim_http http = { .sim = &venue->sim,
                             .method = verb_of(request),
                             .path = path,
                             .query = query,
                             .body = body,
                             .body_len = len,
                             .peer = request };
    server_lock(venue->server);
    venue->requests++;
    venue->side->http(&venue->sim, &http);
    server_unlock(venue->server);
    assert(http.is_replied);
    free(path);
}

static void on_control_request(struct evhttp_request *request, void *ctx)
{
    struct server *server = ctx;
    const char *query;
    char *path = split_target(request, &query);
    struct sim_text out = { 0 };

    sim_text_add(&out, "", 0);
    server_lock(server);
    int status =
        path ? server->config.control(server->config.ctx, verb_of(request), path, query, &out)
             : 500;
    server_unlock(server);
    add_headers(request, NULL);
    evbuffer_add(evhttp_request_get_output_buffer(request), out.at, out.len);
    evhttp_send_reply(request, status, NULL, NULL);
    sim_text_free(&out);
    free(path);
}

/* ---- sockets ---- */

static struct bufferevent *on_connection(struct event_base *base, void *ctx)
{
    struct bufferevent *secure = bufferevent_openssl_socket_new(
        base, -1, SSL_new(ctx), BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);

    if (secure)
        bufferevent_openssl_set_allow_dirty_shutdown(secure, 1);
    return secure;
}

/* Own socket: TCP_NODELAY is inherited by what it accepts. */
static int listen_on(const char *host, uint16_t port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1 ||
        bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, BACKLOG) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static struct evhttp *http_open(struct server *server, uint16_t port, bool is_secure,
                                void (*on_request)(struct evhttp_request *, void *), void *ctx,
                                char *why, size_t cap)
{
    struct rest *rest = server->rest;
    struct evhttp *http = evhttp_new(rest->base);
    int fd = listen_on(server->config.host, port);

    if (!http || fd < 0 || evhttp_accept_socket(http, fd) != 0) {
        snprintf(why, cap, "%s:%u: cannot listen: %s", server->config.host, port, strerror(errno));
        if (http)
            evhttp_free(http);
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    if (is_secure)
        evhttp_set_bevcb(http, on_connection, rest->tls);
    evhttp_set_allowed_methods(http, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_PUT |
                                         EVHTTP_REQ_DELETE);
    evhttp_set_max_body_size(http, BODY_MAX);
    evhttp_set_max_headers_size(http, 32768);
    evhttp_set_timeout(http, IDLE_S);
    evhttp_set_default_content_type(http, NULL);
    evhttp_set_gencb(http, on_request, ctx);
    return http;
}

static SSL_CTX *tls_open(const struct tls_files *files)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());

    if (tls && SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION) == 1 &&
        SSL_CTX_use_certificate_chain_file(tls, files->certificate) == 1 &&
        SSL_CTX_use_PrivateKey_file(tls, files->key, SSL_FILETYPE_PEM) == 1)
        return tls;
    SSL_CTX_free(tls);
    return NULL;
}

static void on_stop(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    event_base_loopbreak(ctx);
}

int server_rest_open(struct server *server, char *why, size_t cap)
{
    struct rest *rest = calloc(1, sizeof(*rest));

    if (!rest)
        return ERR_SYS;
    server->rest = rest;
    rest->stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    rest->base = event_base_new();
    rest->tls = tls_open(&server->config.tls);
    if (!rest->base || !rest->tls || rest->stop_fd < 0) {
        snprintf(why, cap, "REST: no event base or no certificate");
        return ERR_SYS;
    }
    rest->stop = event_new(rest->base, rest->stop_fd, EV_READ, on_stop, rest->base);
    if (!rest->stop || event_add(rest->stop, NULL) != 0)
        return ERR_SYS;
    for (size_t i = 0; i < server->config.venue_count; i++) {
        struct server_venue *venue = &server->config.venues[i];
        rest->venues[i] =
            http_open(server, venue->rest_port, true, on_venue_request, venue, why, cap);
        if (!rest->venues[i])
            return ERR_SYS;
    }
    rest->control =
        http_open(server, server->config.control_port, false, on_control_request, server, why, cap);
    return rest->control ? 0 : ERR_SYS;
}

void *server_rest_run(void *ctx)
{
    struct server *server = ctx;

    event_base_dispatch(server->rest->base);
    return NULL;
}

void server_rest_stop(struct server *server)
{
    uint64_t one = 1;

    if (write(server->rest->stop_fd, &one, sizeof(one)) != sizeof(one))
        log_error("rest", "cannot stop");
}

void server_rest_close(struct server *server)
{
    struct rest *rest = server->rest;

    if (!rest)
        return;
    for (size_t i = 0; i < SERVER_VENUES_MAX; i++)
        if (rest->venues[i])
            evhttp_free(rest->venues[i]);
    if (rest->control)
        evhttp_free(rest->control);
    if (rest->stop)
        event_free(rest->stop);
    if (rest->base)
        event_base_free(rest->base);
    if (rest->stop_fd >= 0)
        close(rest->stop_fd);
    SSL_CTX_free(rest->tls);
    free(rest);
    server->rest = NULL;
}
