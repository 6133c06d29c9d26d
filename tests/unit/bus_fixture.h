/* bus_fixture.h - what the bus's tests share: buses in one loop, endpoints in a directory of the
 * test. */
#ifndef TICKPIPE_TESTS_UNIT_BUS_FIXTURE_H
#define TICKPIPE_TESTS_UNIT_BUS_FIXTURE_H

#include "common/edge/bus.h"
#include "common/edge/bus_keys.h"
#include "common/leaf/err.h"
#include "tests/unit/check.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char test_dir[128];
static struct loop *loop;

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static void fixture_open(void)
{
    const char *base = getenv("TMPDIR");

    snprintf(test_dir, sizeof(test_dir), "%s/tickpipe-bus-XXXXXX", base ? base : P_tmpdir);
    if (!mkdtemp(test_dir) || loop_open(&loop) != 0)
        abort();
}

static void fixture_close(void)
{
    loop_close(&loop);
    (void)nftw(test_dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* A fresh ipc endpoint of the test's directory. */
static const char *ipc_endpoint(void)
{
    static char endpoint[192];
    static unsigned number;

    snprintf(endpoint, sizeof(endpoint), "ipc://%s/socket-%u", test_dir, number++);
    return endpoint;
}

static inline struct bus_config bus_config_of(enum role role, uint16_t instance)
{
    return (
        struct bus_config){ .loop = loop, .role = role, .instance = instance, .run_dir = test_dir };
}

static inline struct bus *bus_of(enum role role, uint16_t instance, int high_water_mark)
{
    struct bus_config config = bus_config_of(role, instance);
    struct bus *bus = NULL;

    config.high_water_mark = high_water_mark;
    if (bus_open(&bus, &config) != 0)
        abort();
    return bus;
}

/* What a subscriber of the tests remembers. */
struct heard {
    uint64_t events, replayed, heartbeats, epochs, last_epoch, gap_calls, missing, lost_calls, lost;
    uint64_t out_of_order, wrong, ends, last_seq;
    uint64_t per_publisher[256];
    struct wire_heartbeat beat;
    struct wire_recovery_end end;
    unsigned char seen[200001]; /* Times that a seq came, of the type under test. */
};

static void heard_event(void *ctx, const struct wire_header *event)
{
    struct heard *heard = ctx;

    heard->events++;
    heard->per_publisher[PUBLISHER_INSTANCE(event->publisher)]++;
    heard->replayed += (event->flags & WIRE_REPLAY) != 0;
    heard->out_of_order += event->seq < heard->last_seq;
    heard->last_seq = event->seq;
    if (event->seq < sizeof(heard->seen))
        heard->seen[event->seq]++;
    /* Publishers of the tests write seq into cause: a body that went astray shows. */
    heard->wrong += event->cause != event->seq;
}

static void heard_gap(void *ctx, uint16_t publisher, uint16_t type, uint64_t from, uint64_t to)
{
    struct heard *heard = ctx;

    (void)publisher, (void)type;
    heard->gap_calls++;
    heard->missing += to - from + 1;
}

static void heard_lost(void *ctx, uint16_t publisher, uint16_t type, uint64_t from, uint64_t to)
{
    struct heard *heard = ctx;

    (void)publisher, (void)type;
    heard->lost_calls++;
    heard->lost += to - from + 1;
}

static void heard_epoch(void *ctx, uint16_t publisher, uint64_t epoch)
{
    struct heard *heard = ctx;

    (void)publisher;
    heard->epochs++;
    heard->last_epoch = epoch;
}

static void heard_heartbeat(void *ctx, const struct wire_heartbeat *beat)
{
    struct heard *heard = ctx;

    heard->heartbeats++;
    heard->beat = *beat;
}

static void heard_end(void *ctx, const struct wire_recovery_end *end)
{
    struct heard *heard = ctx;

    heard->ends++;
    heard->end = *end;
}

static inline struct bus_handler handler_of(struct heard *heard)
{
    memset(heard, 0, sizeof(*heard));
    return (struct bus_handler){ .ctx = heard,
                                 .event = heard_event,
                                 .gap = heard_gap,
                                 .lost = heard_lost,
                                 .epoch = heard_epoch,
                                 .heartbeat = heard_heartbeat,
                                 .recovery_end = heard_end };
}

/* Turns the loop until the claim is true, at most for limit_ms. */
#define TURN_UNTIL(claim, limit_ms)                               \
    do {                                                          \
        int64_t until_ns_ = loop_now_ns() + (limit_ms)*NS_PER_MS; \
        while (!(claim) && loop_now_ns() < until_ns_)             \
            (void)loop_turn(loop, 20 * NS_PER_MS);                \
    } while (0)

static inline void turn_for(int64_t ms)
{
    TURN_UNTIL(false, ms);
}

/* Publishes count order events whose cause is their seq. */
static inline void publish_orders(struct bus_pub *pub, uint64_t from, uint64_t count)
{
    struct wire_order_event event;

    for (uint64_t seq = from; seq < from + count; seq++) {
        WIRE_BEGIN(&event, order_event);
        event.header.cause = seq;
        event.kind = ORDER_EVENT_ACCEPTED;
        event.state = ORDER_LIVE;
        (void)bus_publish(pub, &event.header);
    }
}

/* How many seqs of [1, last] came not exactly once. */
static inline uint64_t not_once(const struct heard *heard, uint64_t last)
{
    uint64_t wrong = 0;

    for (uint64_t seq = 1; seq <= last; seq++)
        wrong += heard->seen[seq] != 1;
    return wrong;
}

#endif
