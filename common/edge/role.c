#include "common/edge/role_private.h"

#include "common/leaf/err.h"
#include "common/leaf/version.h"

#include <czmq.h>
#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

enum {
    STOP_TIMEOUT_MS = 5000,
    STOP_POLL_MS = 10,
    BIG_BLOCK = 128 * 1024,
};

static struct role_runtime runtime; /* One role per process; too large for the stack. */
static struct role_private private_part;

/* ---- what a role may ask for ---- */

void role_status(struct role_runtime *rt, const char *format, ...)
{
    char text[sizeof(rt->own->status)];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (strcmp(text, rt->own->status) == 0)
        return;
    memcpy(rt->own->status, text, sizeof(text));
    sd_notifyf(0, "STATUS=%s", text);
    log_info("status", "%s", text);
}

static void stopping_fires(struct loop_timer *timer, int64_t now_ns)
{
    struct role_runtime *rt = timer->ctx;
    bool is_done = !rt->app->is_stopped || rt->app->is_stopped(rt);

    if (!is_done && now_ns >= rt->own->stop_by_ns) {
        log_error("stop", "did not end in time: leaving");
        rt->own->exit_code = rt->own->exit_code ? rt->own->exit_code : ROLE_EXIT_FAILURE;
        is_done = true;
    }
    if (is_done)
        loop_stop(rt->loop);
    else
        (void)loop_timer_at(rt->loop, timer, now_ns + STOP_POLL_MS * NS_PER_MS);
}

void role_stop(struct role_runtime *rt, int exit_code)
{
    if (rt->is_stopping)
        return;
    rt->is_stopping = true;
    rt->own->exit_code = exit_code;
    sd_notify(0, "STOPPING=1\nSTATUS=stopping");
    log_info("stopping", "exit code %d", exit_code);
    if (rt->app->stop)
        rt->app->stop(rt);
    int64_t timeout_ms = rt->app->stop_timeout_ms ? rt->app->stop_timeout_ms : STOP_TIMEOUT_MS;
    rt->own->stop_by_ns = loop_now_ns() + timeout_ms * NS_PER_MS;
    rt->own->stopping = (struct loop_timer){ .fire = stopping_fires, .ctx = rt };
    if (loop_timer_at(rt->loop, &rt->own->stopping, loop_now_ns() + 1) != 0)
        loop_stop(rt->loop);
}

int role_publish(struct role_runtime *rt, unsigned port, bus_on_request *on_request, void *ctx,
                 struct bus_pub **pub)
{
    char endpoint[ROLE_ENDPOINTS_MAX];
    int err = role_endpoint(rt, port, endpoint, sizeof(endpoint));

    if (!err)
        err = bus_publish_on(rt->bus, port, endpoint, on_request, ctx, pub);
    if (err)
        log_error("publish", "port %u on %s: %s", port, err == ERR_NOT_FOUND ? "?" : endpoint,
                  err_str(err));
    else
        log_info("publish", "port %u on %s", port, endpoint);
    return err;
}

int role_subscribe(struct role_runtime *rt, unsigned port, const uint16_t *types, size_t type_count,
                   const struct bus_handler *handler, struct bus_sub **sub)
{
    char endpoints[ROLE_ENDPOINTS_MAX];
    int err = role_endpoint(rt, port, endpoints, sizeof(endpoints));

    if (!err)
        err = bus_subscribe(rt->bus, port, endpoints, types, type_count, handler, sub);
    if (err)
        log_error("subscribe", "port %u on %s: %s", port, err == ERR_NOT_FOUND ? "?" : endpoints,
                  err_str(err));
    else
        log_info("subscribe", "port %u on %s", port, endpoints);
    return err;
}

/* ---- housekeeping ---- */

static void register_metrics(struct role_runtime *rt)
{
    struct metrics *m = &rt->metrics;
    const struct bus_counters *bus = &rt->bus_counters;
    const struct {
        const char *name;
        const uint64_t *at;
    } counters[] = {
        { "bus_published", &bus->published },
        { "bus_send_failed", &bus->send_failed },
        { "bus_received", &bus->received },
        { "bus_malformed", &bus->malformed },
        { "bus_unknown_version", &bus->unknown_version },
        { "bus_unknown_type", &bus->unknown_type },
        { "bus_gaps", &bus->gaps },
        { "bus_recovered", &bus->recovered },
        { "bus_lost", &bus->lost },
        { "bus_duplicates", &bus->duplicates },
        { "bus_requests_sent", &bus->requests_sent },
        { "bus_requests_answered", &bus->requests_answered },
        { "log_dropped", &rt->own->log_dropped },
    };

    metrics_init(m);
    (void)metrics_gauge(m, "uptime_ms", &rt->own->uptime_ms);
    (void)metrics_gauge(m, "longest_turn_ns", &rt->longest_turn_ns);
    for (size_t i = rt->app->has_no_bus ? COUNT(counters) - 1 : 0; i < COUNT(counters); i++)
        (void)metrics_counter(m, counters[i].name, counters[i].at);
    m->leaves_out_histograms = !rt->common.logs_performance;
}

static void write_metrics(struct role_runtime *rt)
{
    rt->longest_turn_ns = loop_longest_turn_of_interval_ns(rt->loop);
    rt->own->uptime_ms = (rt->now_ns - rt->own->started_ns) / NS_PER_MS;
    rt->own->log_dropped = log_dropped();
    if (rt->app->metrics)
        rt->app->metrics(rt);
    if (metrics_write(&rt->metrics, rt->own->line, sizeof(rt->own->line)) == ERR_FULL)
        log_warn("metrics", "line is full: some numbers are missing");
    log_json(LOG_LEVEL_INFO, "METRICS", rt->own->line);
}

static void check_health(struct role_runtime *rt)
{
    struct role_private *own = rt->own;
    uint64_t lost = rt->bus_counters.lost + rt->bus_counters.send_failed + log_dropped();
    uint64_t errors = log_errors();
    enum log_level level = lost > own->lost_seen ? LOG_LEVEL_WARN : LOG_LEVEL_INFO;

    log_write(level, "HEALTH",
              "%s; bus: %" PRIu64 " missed, %" PRIu64 " recovered, %" PRIu64 " lost, %" PRIu64
              " not sent; log: %" PRIu64 " dropped",
              own->status[0] ? own->status : "running", rt->bus_counters.gaps,
              rt->bus_counters.recovered, rt->bus_counters.lost, rt->bus_counters.send_failed,
              log_dropped());
    if (rt->common.alerts_on_errors && errors > own->errors_seen)
        log_warn("ALERT", "%" PRIu64 " ERROR lines since the last health check",
                 errors - own->errors_seen);
    own->lost_seen = lost;
    own->errors_seen = errors;
}

static void tick_fires(struct loop_timer *timer, int64_t now_ns)
{
    struct role_runtime *rt = timer->ctx;
    struct role_private *own = rt->own;

    rt->now_ns = now_ns;
    if (rt->bus)
        bus_counters(rt->bus, &rt->bus_counters);
    if (rt->app->tick)
        rt->app->tick(rt, now_ns);
    if (rt->common.has_metrics && now_ns >= own->next_metrics_ns) {
        write_metrics(rt);
        own->next_metrics_ns = now_ns + rt->common.metrics_interval_ms * NS_PER_MS;
    }
    if (now_ns >= own->next_health_ns) {
        check_health(rt);
        own->next_health_ns = now_ns + rt->common.health_check_interval_ms * NS_PER_MS;
    }
    if (own->watchdog_ns && now_ns >= own->next_watchdog_ns) {
        sd_notify(0, "WATCHDOG=1");
        own->next_watchdog_ns = now_ns + own->watchdog_ns;
    }
    own->next_tick_ns += ROLE_TICK_MS * NS_PER_MS;
    if (own->next_tick_ns <=
        now_ns) /* A turn took longer than a tick: no catching up in a burst. */
        own->next_tick_ns = now_ns + ROLE_TICK_MS * NS_PER_MS;
    (void)loop_timer_at(rt->loop, timer, own->next_tick_ns);
}

static int start_housekeeping(struct role_runtime *rt)
{
    struct role_private *own = rt->own;
    uint64_t watchdog_us = 0;
    int64_t now_ns = loop_now_ns();

    rt->now_ns = own->started_ns = now_ns;
    own->next_metrics_ns = now_ns + rt->common.metrics_interval_ms * NS_PER_MS;
    own->next_health_ns = now_ns + rt->common.health_check_interval_ms * NS_PER_MS;
    if (sd_watchdog_enabled(0, &watchdog_us) > 0)
        own->watchdog_ns = (int64_t)watchdog_us * NS_PER_US / 3;
    own->tick = (struct loop_timer){ .fire = tick_fires, .ctx = rt };
    own->next_tick_ns = now_ns + ROLE_TICK_MS * NS_PER_MS;
    return loop_timer_at(rt->loop, &own->tick, own->next_tick_ns);
}

static void signal_arrives(void *ctx, int signal)
{
    struct role_runtime *rt = ctx;

    switch (signal) {
    case SIGTERM:
    case SIGINT:
        if (rt->is_stopping) {
            log_warn("signal", "%s again: leaving at once", strsignal(signal));
            loop_stop(rt->loop);
        }
        role_stop(rt, ROLE_EXIT_OK);
        break;
    case SIGHUP:
        log_reopen();
        log_info("signal", "log reopened");
        break;
    default:
        log_info("signal", "%s", strsignal(signal));
        if (rt->app->on_signal)
            rt->app->on_signal(rt, signal);
        break;
    }
}

/* ---- life ---- */

static int open_bus(struct role_runtime *rt)
{
    struct bus_config config = {
        .loop = rt->loop,
        .role = rt->app->role,
        .instance = rt->instance ? rt->instance->id : 0,
        .run_dir = rt->common.run_dir,
        .keys_dir = rt->common.keys_dir,
        .venue = rt->instance ? rt->instance->name : NULL,
        .high_water_mark = (int)rt->common.high_water_mark,
        .socket_buffer_bytes = (int)rt->common.socket_buffer_bytes,
    };

    if (rt->app->has_no_bus)
        return 0;
    /* CZMQ would take SIGINT and SIGTERM for itself. */
    zsys_handler_set(NULL);
    return bus_open(&rt->bus, &config);
}

/* From the pid file to a served bus. */
static int bring_up(struct role_runtime *rt)
{
    static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2 };
    const struct role_app *app = rt->app;
    int err = loop_open(&rt->loop);

    if (!err)
        err = loop_signals(rt->loop, signals, COUNT(signals), signal_arrives, rt);
    if (!err)
        err = log_open(rt->common.process_name, rt->common.log_file, log_level());
    if (err) {
        log_error("start", "log file %s: %s", rt->common.log_file, strerror(errno));
        return err;
    }
    role_harden(rt->common.is_memory_locked);
    log_info("start", "%s %s, configuration %s, pid %ld", rt->instance_name, tickpipe_version,
             rt->has_config_file ? rt->config_path : "(defaults)", (long)getpid());
    register_metrics(rt);
    err = open_bus(rt);
    if (err) {
        log_error("start", "bus: %s", err_str(err));
        return err;
    }
    rt->own->is_initialised = true;
    if (app->init)
        err = app->init(rt);
    if (!err && app->start)
        err = app->start(rt);
    if (!err)
        err = start_housekeeping(rt);
    if (err)
        log_error("start", "%s", err_str(err));
    return err;
}

static void bring_down(struct role_runtime *rt)
{
    if (rt->own->is_initialised && rt->app->fini)
        rt->app->fini(rt);
    bus_close(&rt->bus);
    loop_close(&rt->loop);
    log_info("end", "exit code %d", rt->own->exit_code);
    log_close();
    role_pid_close(rt->own->pid_path, &rt->own->pid_fd);
}

static int run(struct role_runtime *rt, const struct role_args *args)
{
    struct role_private *own = rt->own;
    char name[64];
    long holder = 0;

    if (args->is_daemon && role_daemonise(&own->ready_fd) != 0) {
        log_error("start", "fork: %s", strerror(errno));
        return ROLE_EXIT_FAILURE;
    }
    role_file_name(rt->app->role, rt->instance ? rt->instance->name : NULL, name, sizeof(name));
    int err = role_pid_open(rt->common.run_dir, name, own->pid_path, sizeof(own->pid_path),
                            &own->pid_fd, &holder);
    if (err) {
        if (err == ERR_LOCKED)
            log_error("start", "%s already runs as pid %ld", rt->instance_name, holder);
        else
            log_error("start", "pid file in %s: %s", rt->common.run_dir, strerror(errno));
        return ROLE_EXIT_FAILURE;
    }
    err = bring_up(rt);
    own->exit_code = err == ERR_CONFIG ? ROLE_EXIT_CONFIG : err ? ROLE_EXIT_FAILURE : ROLE_EXIT_OK;
    (void)malloc_trim(0); /* What only the start needed. */
    if (!err) {
        sd_notify(0, "READY=1");
        role_daemon_ready(&own->ready_fd);
        if (loop_run(rt->loop) != 0)
            own->exit_code = ROLE_EXIT_FAILURE;
    }
    bring_down(rt);
    return own->exit_code;
}

/* Options that do one thing and end. ROLE_GO_ON where none was given. */
static int run_once(struct role_runtime *rt)
{
    if (!rt->app->once)
        return ROLE_GO_ON;
    (void)signal(SIGPIPE, SIG_IGN);
    if (loop_open(&rt->loop) != 0)
        return ROLE_EXIT_FAILURE;
    int code = rt->app->once(rt);
    loop_close(&rt->loop);
    return code;
}

/* The role's own check; its remarks are for --check-config only. */
static int check(struct role_runtime *rt, FILE *out)
{
    FILE *nowhere = out ? NULL : fopen("/dev/null", "we");
    int err = 0;

    if (rt->app->check)
        err = rt->app->check(rt, out ? out : nowhere, stderr);
    if (nowhere)
        fclose(nowhere);
    return err;
}

static int check_config(struct role_runtime *rt)
{
    role_config_explain(rt, stdout);
    (void)role_config_warnings(rt, stdout);
    fflush(stdout); /* What the check refuses goes to stderr, after what it explains. */
    int err = check(rt, stdout);
    if (err && err != ERR_UNSUPPORTED)
        return ROLE_EXIT_CONFIG;
    printf("%s: %s\n", rt->has_config_file ? rt->config_path : "(defaults)",
           err ? "valid, but refused at start as said above" : "ok");
    return ROLE_EXIT_OK;
}

static void warn_of_secrets(struct role_runtime *rt)
{
    char *text = NULL;
    size_t len = 0;
    FILE *lines = open_memstream(&text, &len);

    if (!lines)
        return;
    (void)role_config_warnings(rt, lines);
    fclose(lines);
    for (char *rest = text, *line; (line = strtok_r(rest, "\n", &rest)) != NULL;)
        log_warn("secret_in_file", "%s", line);
    free(text);
}

static void set_log_level(struct role_runtime *rt, const struct role_args *args)
{
    enum log_level level = (enum log_level)rt->common.log_level;

    if (args->log_level)
        (void)log_level_from(args->log_level, &level);
    rt->is_verbose = args->is_verbose;
    log_set_level(args->is_verbose ? LOG_LEVEL_DEBUG : level);
}

int role_main(const struct role_app *app, int argc, char **argv)
{
    struct role_runtime *rt = &runtime;
    struct role_args args;

    /* Big blocks stay maps of their own: pages come with first use and go when freed. Left alone,
     * malloc learns from the first big block freed to keep all later ones in its heap. */
    (void)mallopt(M_MMAP_THRESHOLD, BIG_BLOCK);
    *rt = (struct role_runtime){ .app = app, .state = app->state, .config = app->config };
    rt->own = &private_part;
    *rt->own = (struct role_private){ .ready_fd = -1, .pid_fd = -1 };
    if (role_args_parse(app, argc, argv, &args) != 0)
        return ROLE_EXIT_USAGE;
    if (args.wants_help) {
        role_args_help(app, stdout);
        return ROLE_EXIT_OK;
    }
    if (args.wants_version) {
        printf("%s %s\n", role_name(app->role), tickpipe_version);
        return ROLE_EXIT_OK;
    }
    if (role_config_load(rt, &args, stderr) != 0)
        return ROLE_EXIT_CONFIG;
    set_log_level(rt, &args);
    if (args.wants_check)
        return check_config(rt);
    if (check(rt, NULL) != 0)
        return ROLE_EXIT_CONFIG;
    int code = run_once(rt);
    if (code != ROLE_GO_ON)
        return code;
    warn_of_secrets(rt);
    return run(rt, &args);
}
