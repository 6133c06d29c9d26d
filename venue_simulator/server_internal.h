/* server_internal.h - shared between the WebSocket half and the REST half of the server. */
#ifndef TICKPIPE_VENUE_SIMULATOR_SERVER_INTERNAL_H
#define TICKPIPE_VENUE_SIMULATOR_SERVER_INTERNAL_H

#include "venue_simulator/server.h"

#include <pthread.h>
#include <stdatomic.h>

struct lws_context;
struct peer;

/* What a vhost is for. */
struct listener {
    struct server_venue *venue;
    unsigned index;
};

struct server {
    struct server_config config;
    pthread_mutex_t lock;
    atomic_bool is_stopping;
    pthread_t ws_thread, rest_thread;
    bool has_ws_thread, has_rest_thread;
    /* WebSocket half. */
    struct lws_context *lws;
    struct peer *dirty; /* Connections with something to do for the WebSocket thread. */
    struct delayed *delayed;
    uint64_t next_peer;
    struct listener listeners[SERVER_VENUES_MAX * SERVER_LISTENERS_MAX];
    /* REST half. */
    struct rest *rest;
};

int server_ws_open(struct server *server, char *why, size_t cap);
void server_ws_close_all(struct server *server);
void *server_ws_run(void *server);
void server_ws_wake(struct server *server);
void server_ws_send_delayed(struct server *server);
void server_ws_keep_alive(struct server_venue *venue);
bool server_ws_is_closing(const struct sim_ws *ws);

int server_rest_open(struct server *server, char *why, size_t cap);
void server_rest_close(struct server *server);
void *server_rest_run(void *server);
void server_rest_stop(struct server *server);

/* What a side calls, by half. */
void server_ws_output_send(struct sim *sim, struct sim_ws *ws, enum sim_what what, const char *text,
                           size_t len);
void server_ws_output_close(struct sim *sim, struct sim_ws *ws, unsigned code, const char *reason);
const char *server_rest_output_header(const struct sim_http *request, const char *name);
void server_rest_output_reply(struct sim_http *request, enum sim_what what, int status,
                              const char *headers, const char *body, size_t len);

#endif
