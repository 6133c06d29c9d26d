/* The same streams as the gateways', read with SSL_read and thrown away: what the transport alone
 * costs. See bench_venues.c.
 *
 * Connections, logins and subscriptions are made by the real thing (the codec on live.h); then the
 * sockets are taken away from it. ws.c is a part of this file for that: a raw reader needs the SSL
 * that is inside. */
#define ws_open ws_open_inside
#include "common/edge/net/ws.c"
#undef ws_open

#include "tests/bench/bench_venues.h"
#include "common/edge/log.h"
#include "venue_link/live.h"

#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/wait.h>

enum { SOCKETS_MAX = 64 };
static const int64_t SETTLE_NS = 8 * NS_PER_S, KEEPALIVE_NS = NS_PER_S, PONG_NS = 10 * NS_PER_S;

static struct ws *sockets[SOCKETS_MAX];
static size_t socket_count;

/* What venue_link calls: the sockets are remembered. */
int ws_open(struct ws **ws, const struct ws_config *config);
int ws_open(struct ws **ws, const struct ws_config *config)
{
    int err = ws_open_inside(ws, config);

    if (!err && socket_count < SOCKETS_MAX)
        sockets[socket_count++] = *ws;
    return err;
}

static void drop(void *ctx, struct wire_header *event)
{
    (void)ctx, (void)event;
}

/* Opens every venue's feed and waits until all of them have had their books. */
static int open_feeds(struct loop *loop, const struct bench_venue *venues, size_t count,
                      struct live **lives)
{
    for (size_t i = 0; i < count; i++) {
        const struct live_config config = {
            .loop = loop,
            .venue = venue_find(venues[i].venue),
            .codec = { .venue = venues[i].venue,
                       .rest_url = venues[i].rest_url,
                       .ws_url = venues[i].ws_url,
                       .names = venues[i].names,
                       .name_count = venues[i].name_count },
            .ca_file = venues[i].ca_file,
            .connect_timeout_ns = 10 * NS_PER_S,
            .http_timeout_ns = 5 * NS_PER_S,
            .reconnect_base_ns = NS_PER_S,
            .reconnect_max_ns = NS_PER_S,
            .proof_ns = 5 * NS_PER_S,
            .message_max = 8 << 20,
            .event = drop,
        };
        int err = live_open(&lives[i], &config);
        if (err)
            return err;
    }
    for (int64_t until_ns = loop_now_ns() + SETTLE_NS, tick_ns = 0; loop_now_ns() < until_ns;) {
        loop_turn(loop, 10 * NS_PER_MS);
        for (size_t i = 0; i < count && loop_now_ns() >= tick_ns; i++)
            live_tick(lives[i], loop_now_ns());
        if (loop_now_ns() >= tick_ns)
            tick_ns = loop_now_ns() + 100 * NS_PER_MS;
    }
    for (size_t i = 0; i < count; i++) {
        struct live_counters counters;
        struct venue_feed_stats stats;
        live_counters(lives[i], &counters);
        live_stats(lives[i], &stats);
        if (counters.link.connections_open != counters.link.connections_wanted ||
            stats.snapshots < venues[i].name_count) {
            fprintf(stderr, "raw reader: %s is not up: %lld of %lld connections, %llu snapshots\n",
                    venues[i].venue, (long long)counters.link.connections_open,
                    (long long)counters.link.connections_wanted,
                    (unsigned long long)stats.snapshots);
            return ERR_CLOSED;
        }
    }
    return 0;
}

static uint64_t read_away(struct ws *ws)
{
    static char buffer[16384];
    uint64_t bytes = 0;
    int n;

    while ((n = SSL_read(ws->ssl, buffer, sizeof(buffer))) > 0)
        bytes += (uint64_t)n;
    return bytes;
}

/* The codecs are ticked for their keepalives; what else they ask for goes nowhere: nobody turns the
 * loop. */
static void read_on(int out, struct live **lives, size_t count)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event events[SOCKETS_MAX];
    int64_t alive_ns = 0, pong_ns = 0, said_ns = 0;
    uint64_t bytes = 0;

    for (size_t i = 0; i < socket_count; i++) {
        struct epoll_event event = { .events = EPOLLIN, .data.ptr = sockets[i] };
        if (ws_is_open(sockets[i]))
            (void)epoll_ctl(epoll, EPOLL_CTL_ADD, sockets[i]->fd, &event);
    }
    for (;;) {
        int ready = epoll_wait(epoll, events, SOCKETS_MAX, 200);
        for (int i = 0; i < ready; i++)
            bytes += read_away(events[i].data.ptr);
        int64_t now_ns = loop_now_ns();
        for (size_t i = 0; i < count && now_ns - alive_ns >= KEEPALIVE_NS; i++)
            live_tick(lives[i], now_ns);
        alive_ns = now_ns - alive_ns >= KEEPALIVE_NS ? now_ns : alive_ns;
        for (size_t i = 0; i < socket_count && now_ns - pong_ns >= PONG_NS; i++)
            (void)send_frame(sockets[i], WS_PONG, "", 0); /* For PINGs that nobody has read. */
        pong_ns = now_ns - pong_ns >= PONG_NS ? now_ns : pong_ns;
        if (now_ns - said_ns >= NS_PER_S / 2) {
            said_ns = now_ns;
            if (write(out, &bytes, sizeof(bytes)) != (ssize_t)sizeof(bytes))
                _exit(0); /* The parent is gone. */
        }
    }
}

int bench_raw_run(int out, const struct bench_venue *venues, size_t count)
{
    struct live *lives[BENCH_VENUES_MAX] = { NULL };
    struct loop *loop = NULL;
    int err = loop_open(&loop);

    log_set_level(LOG_LEVEL_ERROR); /* Codecs that are deaf by intent complain. */
    if (!err)
        err = open_feeds(loop, venues, count, lives);
    if (err) {
        fprintf(stderr, "raw reader: %s\n", err_str(err));
        return 1;
    }
    read_on(out, lives, count);
    return 0;
}
