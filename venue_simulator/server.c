#include "venue_simulator/server_internal.h"

#include "common/edge/loop.h"
#include "common/leaf/err.h"

#include <stdio.h>
#include <stdlib.h>

static const struct sim_output output = { server_ws_output_send, server_ws_output_close,
                                          server_rest_output_header, server_rest_output_reply };

void server_lock(struct server *server)
{
    pthread_mutex_lock(&server->lock);
    int64_t now_ns = loop_wall_ns();
    /* A wall clock may be set back; the venue's time does not go. */
    for (size_t i = 0; i < server->config.venue_count; i++) {
        struct sim *sim = &server->config.venues[i].sim;
        sim->now_ns = MAX(sim->now_ns, now_ns);
    }
}

void server_unlock(struct server *server)
{
    bool has_news = server->dirty != NULL;

    pthread_mutex_unlock(&server->lock);
    if (has_news)
        server_ws_wake(server);
}

static void expire_connections(struct server_venue *venue)
{
    struct sim_fault *fault = &venue->sim.faults[SIM_FAULT_MAX_AGE];

    for (struct sim_ws *ws = fault->ms ? venue->sim.first_ws : NULL; ws; ws = ws->next) {
        if (venue->sim.now_ns - ws->opened_ns < fault->ms * NS_PER_MS || server_ws_is_closing(ws))
            continue;
        fault->taken++;
        if (venue->side->ws_expired)
            venue->side->ws_expired(&venue->sim, ws);
        else
            sim_ws_close(ws, 1001, "session has reached its age");
    }
}

void server_tick(struct server *server)
{
    server_ws_send_delayed(server);
    for (size_t i = 0; i < server->config.venue_count; i++) {
        server_ws_keep_alive(&server->config.venues[i]);
        expire_connections(&server->config.venues[i]);
    }
}

int server_open(struct server **out, const struct server_config *config, char *why, size_t cap)
{
    struct server *server = calloc(1, sizeof(*server));

    if (!server)
        return ERR_SYS;
    server->config = *config;
    pthread_mutex_init(&server->lock, NULL);
    *out = server;
    for (size_t i = 0; i < config->venue_count; i++) {
        config->venues[i].server = server;
        config->venues[i].sim.server = &config->venues[i];
        config->venues[i].sim.output = &output;
    }
    int err = server_ws_open(server, why, cap);
    if (!err)
        err = server_rest_open(server, why, cap);
    if (!err && pthread_create(&server->ws_thread, NULL, server_ws_run, server) == 0)
        server->has_ws_thread = true;
    if (!err && pthread_create(&server->rest_thread, NULL, server_rest_run, server) == 0)
        server->has_rest_thread = true;
    if (!err && (!server->has_ws_thread || !server->has_rest_thread)) {
        snprintf(why, cap, "no thread");
        err = ERR_SYS;
    }
    if (err)
        server_close(out);
    return err;
}

void server_close(struct server **out)
{
    struct server *server = *out;

    if (!server)
        return;
    atomic_store(&server->is_stopping, true);
    if (server->has_rest_thread) {
        server_rest_stop(server);
        pthread_join(server->rest_thread, NULL);
    }
    if (server->has_ws_thread) {
        server_ws_wake(server);
        pthread_join(server->ws_thread, NULL);
    }
    server_rest_close(server);
    server_ws_close_all(server);
    pthread_mutex_destroy(&server->lock);
    free(server);
    *out = NULL;
}
