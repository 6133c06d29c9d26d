/* bench_bus: one hop of an order event from process to process, beside plain libzmq on the same
 * road.
 *
 *   bench_bus [ROUNDS]
 *
 * Paced: one message each millisecond, so that both sides have gone to sleep in between. Flat out:
 * as fast as the publisher can. Figures of one machine and one run are only good beside each other:
 * plain and bus take turns, and the last column is their ratio. */
#include "common/edge/bus.h"
#include "common/pure/histogram.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

enum { PACED_COUNT = 2000, FLAT_COUNT = 40000, LIMIT_S = 20 };

struct run {
    bool is_bus, is_paced;
    char endpoint[160];
    char run_dir[128];
    int go[2];
};

struct result {
    struct histogram hops;
    int64_t first_ns, last_ns;
};

static unsigned count_of(const struct run *run)
{
    return run->is_paced ? PACED_COUNT : FLAT_COUNT;
}

static void fail(const char *what)
{
    fprintf(stderr, "bench_bus: %s: %s\n", what, strerror(errno));
    _exit(1);
}

static void sleep_until(int64_t at_ns)
{
    struct timespec at = { .tv_sec = at_ns / NS_PER_S, .tv_nsec = at_ns % NS_PER_S };

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
        ;
}

static void order_begin(struct wire_order_event *event)
{
    WIRE_BEGIN(event, order_event);
    event->kind = ORDER_EVENT_ACCEPTED;
    event->state = ORDER_LIVE;
}

/* ---- publishers: a process of their own ---- */

static void publish_plain(const struct run *run)
{
    void *ctx = zmq_ctx_new();
    void *socket = zmq_socket(ctx, ZMQ_PUB);
    struct wire_order_event event;
    int mark = 65536;
    char go;

    zmq_setsockopt(socket, ZMQ_SNDHWM, &mark, sizeof(mark));
    if (zmq_bind(socket, run->endpoint) != 0)
        fail("bind");
    if (read(run->go[0], &go, 1) != 1)
        fail("go");
    int64_t at_ns = loop_now_ns();
    for (unsigned i = 0; i < count_of(run); i++) {
        if (run->is_paced)
            sleep_until(at_ns += NS_PER_MS);
        order_begin(&event);
        event.header.sent_ns = loop_now_ns();
        zmq_send(socket, &event, sizeof(event), ZMQ_DONTWAIT);
    }
    zmq_close(socket);
    zmq_ctx_term(ctx);
}

static struct bus *bus_at(const struct run *run, struct loop **loop, enum role role)
{
    struct bus *bus = NULL;

    if (loop_open(loop) != 0)
        fail("loop");
    struct bus_config config = { .loop = *loop, .role = role, .run_dir = run->run_dir };
    if (bus_open(&bus, &config) != 0)
        fail("bus");
    return bus;
}

struct go_source {
    struct loop_source source;
    bool is_given;
};

static void on_go(struct loop_source *source, uint32_t events)
{
    struct go_source *go = source->ctx;
    char byte;

    (void)events;
    go->is_given = read(source->fd, &byte, 1) == 1;
}

static void publish_bus(const struct run *run)
{
    struct loop *loop = NULL;
    struct bus *bus = bus_at(run, &loop, ROLE_TRADING_ENGINE);
    struct bus_pub *pub = NULL;
    struct wire_order_event event;
    struct go_source go = { .source = { .fd = run->go[0], .ready = on_go } };

    go.source.ctx = &go;
    if (bus_publish_on(bus, 6002, run->endpoint, NULL, NULL, &pub) != 0 ||
        loop_add(loop, &go.source, 1) != 0)
        fail("publish_on");
    while (!go.is_given)
        (void)loop_turn(loop, NS_PER_S);
    loop_remove(loop, &go.source);
    int64_t at_ns = loop_now_ns();
    for (unsigned i = 0; i < count_of(run); i++) {
        if (run->is_paced)
            sleep_until(at_ns += NS_PER_MS);
        order_begin(&event);
        (void)bus_publish(pub, &event.header);
        if (run->is_paced || i % 64 == 63)
            (void)loop_turn(loop, 0);
    }
    bus_close(&bus);
    loop_close(&loop);
}

/* ---- subscribers ---- */

static void take(struct result *result, const struct wire_header *event)
{
    int64_t now_ns = loop_now_ns();

    if (result->hops.count == 0)
        result->first_ns = event->sent_ns;
    result->last_ns = now_ns;
    histogram_add(&result->hops, now_ns - event->sent_ns);
}

static void say_go(const struct run *run)
{
    if (write(run->go[1], "g", 1) != 1)
        fail("go");
}

static void hear_plain(const struct run *run, struct result *result)
{
    void *ctx = zmq_ctx_new();
    void *socket = zmq_socket(ctx, ZMQ_SUB);
    union wire_event event;
    int mark = 65536, limit_ms = LIMIT_S * 1000;

    zmq_setsockopt(socket, ZMQ_RCVHWM, &mark, sizeof(mark));
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &limit_ms, sizeof(limit_ms));
    zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "", 0);
    zmq_connect(socket, run->endpoint);
    sleep_until(loop_now_ns() + 500 * NS_PER_MS);
    say_go(run);
    while (result->hops.count < count_of(run) && zmq_recv(socket, &event, sizeof(event), 0) > 0)
        take(result, &event.header);
    zmq_close(socket);
    zmq_ctx_term(ctx);
}

struct hearer {
    struct result *result;
    bool has_contact;
};

static void on_event(void *ctx, const struct wire_header *event)
{
    struct hearer *hearer = ctx;
    take(hearer->result, event);
}

static void on_epoch(void *ctx, uint16_t publisher, uint64_t epoch)
{
    struct hearer *hearer = ctx;

    (void)publisher, (void)epoch;
    hearer->has_contact = true;
}

static void hear_bus(const struct run *run, struct result *result)
{
    static const uint16_t types[] = { WIRE_order_event };
    struct loop *loop = NULL;
    struct bus *bus = bus_at(run, &loop, ROLE_STRATEGY_RUNNER);
    struct hearer hearer = { .result = result };
    struct bus_handler handler = { .ctx = &hearer, .event = on_event, .epoch = on_epoch };
    struct bus_sub *sub = NULL;
    int64_t until_ns = loop_now_ns() + LIMIT_S * NS_PER_S;

    if (bus_subscribe(bus, 6002, run->endpoint, types, 1, &handler, &sub) != 0)
        fail("subscribe");
    while (!hearer.has_contact && loop_now_ns() < until_ns)
        (void)loop_turn(loop, NS_PER_S);
    say_go(run);
    while (result->hops.count < count_of(run) && loop_now_ns() < until_ns)
        (void)loop_turn(loop, NS_PER_S);
    bus_close(&bus);
    loop_close(&loop);
}

/* Each side in a process of its own: a context cannot be forked. */
static void measure(struct run *run, struct result *out)
{
    int results[2];
    struct result result = { 0 };

    if (pipe(run->go) != 0 || pipe(results) != 0)
        fail("pipe");
    fflush(stdout);
    pid_t publisher = fork();
    if (publisher == 0) {
        run->is_bus ? publish_bus(run) : publish_plain(run);
        exit(0);
    }
    pid_t subscriber = fork();
    if (subscriber == 0) {
        run->is_bus ? hear_bus(run, &result) : hear_plain(run, &result);
        if (write(results[1], &result, sizeof(result)) != (ssize_t)sizeof(result))
            fail("result");
        exit(0);
    }
    if (publisher < 0 || subscriber < 0)
        fail("fork");
    for (size_t got = 0; got < sizeof(result);) {
        ssize_t n = read(results[0], (char *)&result + got, sizeof(result) - got);
        if (n <= 0)
            fail("result");
        got += (size_t)n;
    }
    waitpid(publisher, NULL, 0);
    waitpid(subscriber, NULL, 0);
    for (int i = 0; i < 2; i++) {
        close(run->go[i]);
        close(results[i]);
    }
    histogram_merge(&out->hops, &result.hops);
    out->last_ns += result.last_ns - result.first_ns;
}

static double us(const struct histogram *h, double percent)
{
    return (double)histogram_percentile(h, percent) / 1000.0;
}

static void compare(const char *transport, bool is_paced, unsigned rounds, const char *dir)
{
    struct result results[2] = { 0 }; /* Plain, bus. */
    static const int order[4] = { 0, 1, 1, 0 };
    static unsigned number;

    for (unsigned i = 0; i < rounds * 4; i++) {
        struct run run = { .is_bus = order[i % 4], .is_paced = is_paced };
        snprintf(run.run_dir, sizeof(run.run_dir), "%s", dir);
        if (strcmp(transport, "ipc") == 0)
            snprintf(run.endpoint, sizeof(run.endpoint), "ipc://%s/hop-%u", dir, number++);
        else
            snprintf(run.endpoint, sizeof(run.endpoint), "tcp://127.0.0.1:%u",
                     20000 + (unsigned)getpid() % 20000 + number++);
        measure(&run, &results[run.is_bus]);
    }
    const struct histogram *plain = &results[0].hops, *bus = &results[1].hops;
    const unsigned wanted = rounds * 2 * (is_paced ? PACED_COUNT : FLAT_COUNT);
    double rates[2];
    for (int i = 0; i < 2; i++)
        rates[i] = (double)results[i].hops.count * 1e9 / (double)MAX(results[i].last_ns, 1);
    printf("%-4s %-9s %9.1f %9.1f %9.1f %9.1f %7.2f %7.2f %10.0f %10.0f %6.2f  %llu/%u %llu/%u\n",
           transport, is_paced ? "1 ms" : "flat out", us(plain, 50), us(plain, 99), us(bus, 50),
           us(bus, 99), us(bus, 50) / us(plain, 50), us(bus, 99) / us(plain, 99), rates[0],
           rates[1], rates[1] / rates[0], (unsigned long long)plain->count, wanted,
           (unsigned long long)bus->count, wanted);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    char dir[] = P_tmpdir "/tickpipe-bench-XXXXXX";
    unsigned rounds = argc > 1 ? (unsigned)atoi(argv[1]) : 1;

    if (!mkdtemp(dir))
        fail("directory");
    printf("order_event, %zu bytes; plain is libzmq PUB to SUB, blocking receive; us\n",
           sizeof(struct wire_order_event));
    printf("%-4s %-9s %9s %9s %9s %9s %7s %7s %10s %10s %6s  %s\n", "", "", "plain p50", "p99",
           "bus p50", "p99", "p50 x", "p99 x", "plain /s", "bus /s", "x", "arrived");
    compare("ipc", true, rounds, dir);
    compare("tcp", true, rounds, dir);
    compare("ipc", false, rounds, dir);
    compare("tcp", false, rounds, dir);
    char command[64];
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    return system(command) != 0;
}
