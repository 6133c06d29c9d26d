/* Six venues, 20 instruments each: what the gateways bear, and what it costs. Run by make
 * bench-venues (tests/bench/venues starts simulator and gateways):
 *
 *     bench_venues CONTROL SECONDS RATE SIMULATOR_PID VENUE... (see arguments_read)
 *
 * First RATE messages a second on each venue for SECONDS, then steps up until something gives. In
 * each step: messages read by the gateways, gaps (the venue's sequences, checksums; the bus's), the
 * longest kernel queue in front of a gateway, resident memory, CPU of all gateways together, and
 * that of a raw SSL_read reader of the same streams at the same time. Exit 0: no gap at RATE. */
#include "tests/bench/bench_venues.h"

#include "common/edge/bus.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CALIBRATIONS = 8, CALIBRATION_S = 4, STEP_S = 12, STEPS_MAX = 12, SAMPLE_S = 5 };

static struct bench_venue venues[BENCH_VENUES_MAX];
static size_t venue_count;
static const char *control;
static int simulator, raw_pid, raw_pipe;

/* What a gateway says of its feed; messages since it began. */
static struct feed {
    uint64_t messages, gaps, resyncs, checksum_failed, rejected;
} feeds[BENCH_VENUES_MAX];
static uint64_t raw_bytes;

/* ---- the world ---- */

static size_t take_body(char *data, size_t size, size_t count, void *ctx)
{
    char *out = ctx;
    size_t len = strlen(out), more = MIN(size * count, (size_t)65535 - len);

    memcpy(out + len, data, more);
    out[len + more] = '\0';
    return size * count;
}

/* One call of the control endpoint; the answer is valid until the next. "": none. */
static const char *call(const char *method, const char *path)
{
    static char body[65536], url[512];
    static CURL *curl;

    if (!curl && !(curl = curl_easy_init()))
        abort();
    body[0] = '\0';
    snprintf(url, sizeof(url), "%s%s", control, path);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 5000L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
    (void)curl_easy_perform(curl);
    return body;
}

/* What happens on each instrument of a venue, per second. */
static struct rate {
    double requotes, takers;
} rates[BENCH_VENUES_MAX];

static void set_rates(void)
{
    char path[160];

    for (size_t i = 0; i < venue_count; i++) {
        rates[i].requotes = MAX(1.0, MIN(100000.0, rates[i].requotes));
        rates[i].takers = MAX(1.0, MIN(10000.0, rates[i].takers));
        snprintf(path, sizeof(path), "/rate?venue=%.31s&requotes=%.0f&takers=%.0f", venues[i].venue,
                 rates[i].requotes, rates[i].takers);
        (void)call("POST", path);
    }
}

/* Frames that the simulator could not queue for a client. */
static uint64_t frames_dropped(void)
{
    const char *at = call("GET", "/status");
    uint64_t sum = 0;

    while ((at = strstr(at, "\"frames_dropped\":"))) {
        at += 17;
        sum += strtoull(at, NULL, 10);
    }
    return sum;
}

static double cpu_seconds(int pid)
{
    char path[64], text[1024];
    unsigned long user = 0, system = 0;

    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    size_t len = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[len] = '\0';
    const char *at = strrchr(text, ')');
    if (at)
        (void)sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
                     &system);
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static long rss_kb(int pid)
{
    char path[64];
    long pages = 0;

    snprintf(path, sizeof(path), "/proc/%d/statm", pid);
    FILE *file = fopen(path, "re");
    if (file) {
        if (fscanf(file, "%*d %ld", &pages) != 1)
            pages = 0;
        fclose(file);
    }
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* The longest receive queue of a connection to a port of the simulator, bytes. */
static long longest_queue(void)
{
    char line[512];
    long longest = 0;
    FILE *file = fopen("/proc/net/tcp", "re");

    while (file && fgets(line, sizeof(line), file)) {
        unsigned port = 0, state = 0, sends = 0, receives = 0;
        if (sscanf(line, " %*d: %*8x:%*4x %*8x:%4x %2x %8x:%8x", &port, &state, &sends,
                   &receives) == 4 &&
            port >= 8400 && port < 8500 && state == 1)
            longest = MAX(longest, (long)receives);
    }
    if (file)
        fclose(file);
    return longest;
}

/* ---- the bus ---- */

static void on_event(void *ctx, const struct wire_header *event)
{
    const struct wire_feed_status *status = (const void *)event;
    size_t i = (size_t)event->account - 1;

    (void)ctx;
    if (event->type != WIRE_feed_status || event->instrument != 0 || i >= venue_count ||
        status->messages == 0)
        return;
    feeds[i] = (struct feed){ status->messages, status->gaps, status->resyncs,
                              status->checksum_failed, status->rejected };
}

static int listen_to(struct bus **bus, struct loop *loop)
{
    static const struct bus_handler handler = { .event = on_event };
    static char run_dir[] = "/tmp/tickpipe-bench-XXXXXX";
    char endpoints[1024] = "";
    struct bus_sub *sub = NULL;

    if (!mkdtemp(run_dir))
        return ERR_SYS;
    const struct bus_config config = { .loop = loop, .role = ROLE_OPERATOR, .run_dir = run_dir };
    int err = bus_open(bus, &config);
    for (size_t i = 0; i < venue_count; i++)
        snprintf(endpoints + strlen(endpoints), sizeof(endpoints) - strlen(endpoints),
                 "tcp://127.0.0.%zu:6001 ", i + 1);
    return err ? err : bus_subscribe(*bus, STREAM_MARKET_DATA, endpoints, NULL, 0, &handler, &sub);
}

static void listen_for(struct loop *loop, int64_t ns)
{
    for (int64_t until_ns = loop_now_ns() + ns; loop_now_ns() < until_ns;) {
        loop_turn(loop, 20 * NS_PER_MS);
        while (read(raw_pipe, &raw_bytes, sizeof(raw_bytes)) == (ssize_t)sizeof(raw_bytes))
            ;
    }
}

/* ---- a step ---- */

struct step {
    int64_t began_ns;
    struct feed feeds[BENCH_VENUES_MAX];
    struct bus_counters bus;
    double gateway_cpu, raw_cpu, simulator_cpu;
    uint64_t raw_bytes, dropped;
    long rss_first, rss_last, rss_most, queue;
};

static double gateways_cpu(void)
{
    double sum = 0;

    for (size_t i = 0; i < venue_count; i++)
        sum += cpu_seconds(venues[i].gateway);
    return sum;
}

static long gateways_rss(void)
{
    long sum = 0;

    for (size_t i = 0; i < venue_count; i++)
        sum += rss_kb(venues[i].gateway);
    return sum;
}

static struct step step_begin(struct bus *bus)
{
    struct step step = { .began_ns = loop_now_ns(),
                         .gateway_cpu = gateways_cpu(),
                         .raw_cpu = cpu_seconds(raw_pid),
                         .simulator_cpu = cpu_seconds(simulator),
                         .raw_bytes = raw_bytes,
                         .dropped = frames_dropped(),
                         .rss_first = gateways_rss() };

    memcpy(step.feeds, feeds, sizeof(feeds));
    bus_counters(bus, &step.bus);
    step.rss_most = step.rss_first;
    return step;
}

/* The figures of the step, printed. Returns gaps of any kind; messages a second of the slowest
 * venue in *least, of all together in *sum. */
static uint64_t step_end(struct step *step, struct bus *bus, const char *name, double *least,
                         double *sum, bool is_long)
{
    struct bus_counters now;
    double seconds = (double)(loop_now_ns() - step->began_ns) / 1e9, all = 0;
    uint64_t gaps = 0;

    bus_counters(bus, &now);
    *least = 1e12;
    printf("%-10s", name);
    for (size_t i = 0; i < venue_count; i++) {
        const struct feed *was = &step->feeds[i], *is = &feeds[i];
        double rate = (double)(is->messages - was->messages) / seconds;
        printf(" %7.0f", rate);
        all += rate;
        *least = MIN(*least, rate);
        gaps += is->gaps - was->gaps + is->resyncs - was->resyncs + is->checksum_failed -
                was->checksum_failed + is->rejected - was->rejected;
    }
    *sum = all;
    uint64_t missed = now.gaps - step->bus.gaps, dropped = frames_dropped() - step->dropped;
    double gateway = (gateways_cpu() - step->gateway_cpu) / seconds,
           raw = (cpu_seconds(raw_pid) - step->raw_cpu) / seconds;
    step->rss_last = gateways_rss();
    printf(" %8.0f %6llu %6llu %7llu %8ld %6.1f%% %6.1f%% %5.2f %6.1f%% %8.2f\n", all,
           (unsigned long long)gaps, (unsigned long long)missed, (unsigned long long)dropped,
           step->queue / 1024, gateway * 100, raw * 100, raw > 0 ? gateway / raw : 0,
           (cpu_seconds(simulator) - step->simulator_cpu) / seconds * 100,
           (double)(raw_bytes - step->raw_bytes) / seconds / 1e6);
    if (is_long)
        printf("memory of the gateways: %ld kB at its begin, at most %ld kB, %ld kB at its end\n",
               step->rss_first, step->rss_most, step->rss_last);
    fflush(stdout);
    return gaps + missed + dropped;
}

static void step_run(struct step *step, struct loop *loop, int64_t seconds)
{
    int64_t until_ns = step->began_ns + seconds * NS_PER_S;

    while (loop_now_ns() < until_ns) {
        listen_for(loop, MIN(until_ns - loop_now_ns(), SAMPLE_S * NS_PER_S / 10));
        step->queue = MAX(step->queue, longest_queue());
        step->rss_most = MAX(step->rss_most, gateways_rss());
    }
}

/* Finds the rates of the market at which each venue sends about so many messages. Venues that put
 * the changes of some milliseconds into one message send no more for more quotes: trades have
 * messages of their own everywhere. */
static void calibrate(struct loop *loop, double wanted)
{
    for (int round = 0; round < CALIBRATIONS; round++) {
        struct feed before[BENCH_VENUES_MAX];
        set_rates();
        listen_for(loop, NS_PER_S);
        memcpy(before, feeds, sizeof(feeds));
        listen_for(loop, CALIBRATION_S * NS_PER_S);
        for (size_t i = 0; i < venue_count; i++) {
            double have = (double)(feeds[i].messages - before[i].messages) / CALIBRATION_S;
            double missing = (wanted - have) / (double)venues[i].name_count;
            if (round < CALIBRATIONS / 2 && have > 1)
                rates[i].requotes *= MAX(0.3, MIN(2.5, wanted / have));
            else
                rates[i].takers += missing / 2;
        }
    }
    set_rates();
    listen_for(loop, NS_PER_S);
}

static void print_head(void)
{
    printf("%-10s", "messages/s");
    for (size_t i = 0; i < venue_count; i++)
        printf(" %7.7s", venues[i].venue);
    printf(" %8s %6s %6s %7s %8s %7s %7s %5s %7s %8s\n", "all", "gaps", "missed", "dropped",
           "queue kB", "gw CPU", "raw CPU", "times", "sim CPU", "raw MB/s");
}

static int measure(struct loop *loop, struct bus *bus, int64_t seconds, double wanted)
{
    double least = 0, all = 0, best = 0, best_least = 0;
    char name[32];

    for (size_t i = 0; i < venue_count; i++)
        rates[i] = (struct rate){ 20, 1 };
    listen_for(loop, 3 * NS_PER_S);
    calibrate(loop, wanted * 1.06);
    print_head();
    snprintf(name, sizeof(name), "%.0f/%lld s", wanted, (long long)seconds);
    struct step step = step_begin(bus);
    step_run(&step, loop, seconds);
    uint64_t gaps = step_end(&step, bus, name, &least, &all, true);
    int result = gaps != 0 || least < wanted;
    printf("%s %.0f messages a second and more on each of %zu venues for %lld s: %llu gaps\n",
           result ? "not ok" : "ok", wanted, venue_count, (long long)seconds,
           (unsigned long long)gaps);
    bool is_flat = step.rss_last - step.rss_first < step.rss_first / 20 + 1024;
    printf("%s memory is flat: %ld kB more at the end\n", is_flat ? "ok" : "not ok",
           step.rss_last - step.rss_first);
    for (int i = 0; i < STEPS_MAX && !gaps; i++) {
        double before = all;
        best = MAX(best, all);
        best_least = best == all ? least : best_least;
        for (size_t v = 0; v < venue_count; v++)
            rates[v].requotes *= 1.5, rates[v].takers *= 1.5;
        set_rates();
        listen_for(loop, NS_PER_S);
        step = step_begin(bus);
        step_run(&step, loop, STEP_S);
        snprintf(name, sizeof(name), "step %d", i + 1);
        gaps = step_end(&step, bus, name, &least, &all, false);
        if (!gaps && all < before * 1.02) {
            printf("# more is asked for, no more comes: the simulated venues put more into each "
                   "message instead\n");
            break;
        }
    }
    printf("# highest gap-free rate: %.0f messages a second over all venues, %.0f on the slowest\n",
           best, best_least);
    return result || !is_flat;
}

/* VENUE:GATEWAY_PID:CA:REST_PORT:WS_PORT:NAME,NAME,... in the order of their bus hosts. */
static bool arguments_read(int argc, char **argv)
{
    for (int i = 5; i < argc && venue_count < BENCH_VENUES_MAX; i++) {
        struct bench_venue *venue = &venues[venue_count++];
        int rest = 0, ws = 0, at = 0;
        if (sscanf(argv[i], "%31[^:]:%d:%255[^:]:%d:%d:%n", venue->venue, &venue->gateway,
                   venue->ca_file, &rest, &ws, &at) != 5 ||
            !at)
            return false;
        snprintf(venue->rest_url, sizeof(venue->rest_url), "https://127.0.0.1:%d", rest);
        snprintf(venue->ws_url, sizeof(venue->ws_url), "wss://127.0.0.1:%d", ws);
        for (char *name = strtok(argv[i] + at, ","); name; name = strtok(NULL, ","))
            if (venue->name_count < VENUE_SYMBOLS_MAX)
                venue->names[venue->name_count++] = name;
    }
    return venue_count > 0;
}

int main(int argc, char **argv)
{
    struct loop *loop = NULL;
    struct bus *bus = NULL;
    int pipes[2];

    if (argc < 6 || !arguments_read(argc, argv) || pipe2(pipes, O_CLOEXEC) != 0) {
        fprintf(stderr, "usage: by tests/bench/venues\n");
        return 2;
    }
    control = argv[1];
    simulator = atoi(argv[4]);
    (void)signal(SIGPIPE, SIG_IGN);
    raw_pid = fork();
    if (raw_pid == 0)
        _exit(bench_raw_run(pipes[1], venues, venue_count));
    close(pipes[1]);
    raw_pipe = pipes[0];
    /* The first figure comes when it reads raw. */
    if (read(raw_pipe, &raw_bytes, sizeof(raw_bytes)) != (ssize_t)sizeof(raw_bytes))
        return 1;
    (void)fcntl(raw_pipe, F_SETFL, O_NONBLOCK);
    int err = loop_open(&loop);
    if (!err)
        err = listen_to(&bus, loop);
    int result = err ? 1 : measure(loop, bus, atoll(argv[2]), atof(argv[3]));
    bus_close(&bus);
    loop_close(&loop);
    (void)kill(raw_pid, SIGKILL);
    (void)waitpid(raw_pid, NULL, 0);
    return result;
}
