/* risk_monitor: bus, state file and timers around risk_core. */
#include "risk_monitor/risk_core.h"
#include "risk_monitor/risk_settings.h"
#include "risk_monitor/saved.h"

#include "common/edge/role.h"
#include "common/leaf/err.h"

#include <ctype.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STREAMS_READ = 7 };

extern char **environ;

static struct risk_settings settings;

static struct monitor {
    struct risk_core core;
    struct role_runtime *rt;
    struct bus_pub *risk;
    struct input {
        struct monitor *self;
        unsigned port;
        struct bus_sub *sub;
    } inputs[STREAMS_READ];
    char saved_path[ROLE_PATH_MAX];
    struct histogram cycle_ns;
} monitor;

static void publish(void *ctx, struct wire_header *event)
{
    struct monitor *self = ctx;

    bus_set_risk_version(self->rt->bus, ((const struct wire_risk_state *)event)->risk_version);
    (void)bus_publish(self->risk, event);
}

static int save(void *ctx, const struct risk_saved *saved)
{
    struct monitor *self = ctx;
    int err = saved_write(self->saved_path, saved);

    if (err)
        log_error("state", "%s: %s: a kill may not survive a restart", self->saved_path,
                  err_str(err));
    return err;
}

/* The engine beside this program, or what the configuration names. */
static int cancel_program(char *out, size_t cap)
{
    static const char name[] = "trading_engine";

    if (settings.cancel_command[0])
        return snprintf(out, cap, "%s", settings.cancel_command) < (int)cap ? 0 : ERR_FULL;
    ssize_t len = readlink("/proc/self/exe", out, cap - 1);
    if (len <= 0)
        return ERR_SYS;
    out[len] = '\0';
    char *slash = strrchr(out, '/');
    if (!slash || (size_t)(slash - out) + 1 + sizeof name > cap)
        return ERR_FULL;
    memcpy(slash + 1, name, sizeof name);
    return 0;
}

static int engine_config(const struct venue_instance *instance, char *out, size_t cap)
{
    const char *dir = getenv("TICKPIPE_CONFIG_DIR");
    int len = snprintf(out, cap, "%s/trading_engine_%s.ini", dir && *dir ? dir : "config",
                       instance->name);

    if (len < 0 || (size_t)len >= cap)
        return ERR_FULL;
    for (char *c = strrchr(out, '/'); *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return 0;
}

static void cancel_all(void *ctx, uint16_t account)
{
    struct monitor *self = ctx;
    const struct venue_instance *instance = venues_by_id(&self->rt->venues, account);
    char program[ROLE_PATH_MAX], config[ROLE_PATH_MAX], option[] = "--cancel-all", name[32];
    pid_t pid;

    if (!instance || cancel_program(program, sizeof program) != 0 ||
        engine_config(instance, config, sizeof config) != 0) {
        log_error("cancel_all", "account=%u: no program to start", account);
        return;
    }
    memcpy(name, instance->name, sizeof name);
    char *argv[] = { program, name, config, option, NULL };
    int rc = posix_spawn(&pid, program, NULL, NULL, argv, environ);
    if (rc == 0)
        log_warn("cancel_all", "venue=%s: engine is dead, cancelling from outside, pid=%d", name,
                 (int)pid);
    else
        log_error("cancel_all", "%s: %s", program, strerror(rc));
}

static void need_definition(void *ctx, uint64_t instrument)
{
    struct monitor *self = ctx;
    struct wire_state_request request;

    WIRE_BEGIN(&request, state_request);
    request.kind = REQUEST_SNAPSHOT;
    request.header.instrument = instrument;
    for (size_t i = 0; i < STREAMS_READ; i++)
        if (self->inputs[i].port == STREAM_MARKET_DATA && self->inputs[i].sub)
            (void)bus_request(self->inputs[i].sub, &request);
}

static void note(void *ctx, const char *event, const char *text)
{
    (void)ctx;
    log_warn(event, "%s", text);
}

static void on_event(void *ctx, const struct wire_header *event)
{
    struct input *input = ctx;

    risk_core_event(&input->self->core, event, loop_now_ns());
}

static void on_heartbeat(void *ctx, const struct wire_heartbeat *heartbeat)
{
    struct input *input = ctx;

    risk_core_heard(&input->self->core, heartbeat->header.publisher, loop_now_ns());
}

static void on_request(void *ctx, const struct wire_state_request *request)
{
    struct monitor *self = ctx;

    risk_core_publish(&self->core, loop_now_ns());
    bus_pub_end_recovery(self->risk, request->request_id, 1, true);
}

static void register_metrics(struct monitor *self)
{
    struct metrics *metrics = &self->rt->metrics;
    struct risk_counters *counters = &self->core.counters;

    (void)metrics_counter(metrics, "commands", &counters->commands);
    (void)metrics_counter(metrics, "commands_refused", &counters->commands_refused);
    (void)metrics_counter(metrics, "commands_repeated", &counters->commands_repeated);
    (void)metrics_counter(metrics, "halts", &counters->halts);
    (void)metrics_counter(metrics, "kills", &counters->kills);
    (void)metrics_counter(metrics, "resumes", &counters->resumes);
    (void)metrics_counter(metrics, "breaches", &counters->breaches);
    (void)metrics_counter(metrics, "cancel_alls", &counters->cancel_alls);
    (void)metrics_counter(metrics, "liquidations", &counters->liquidations);
    (void)metrics_counter(metrics, "positions_refused", &counters->positions_refused);
    (void)metrics_counter(metrics, "instruments_refused", &counters->instruments_refused);
    (void)metrics_counter(metrics, "save_failed", &counters->save_failed);
    (void)metrics_gauge(metrics, "gross_exposure", &self->core.gross_exposure);
    (void)metrics_gauge(metrics, "daily_pnl", &self->core.daily_pnl);
    (void)metrics_histogram(metrics, "cycle_ns", &self->cycle_ns, METRIC_TOTAL);
}

static int deltas_from(struct role_runtime *rt, struct risk_config *config, FILE *errors)
{
    int count = risk_deltas_parse(settings.net_delta_max, config->delta_limits);

    if (count < 0) {
        fprintf(errors, "%s: [LIMITS] MAX_NET_DELTA: not a list of ASSET:UNITS (at most %d)\n",
                rt->config_path, RISK_DELTA_LIMITS_MAX);
        return ERR_CONFIG;
    }
    config->delta_limit_count = (unsigned)count;
    return 0;
}

static int check(struct role_runtime *rt, FILE *out, FILE *errors)
{
    struct risk_config scratch;

    (void)out;
    return deltas_from(rt, &scratch, errors);
}

static int init(struct role_runtime *rt)
{
    struct monitor *self = rt->state;
    const struct risk_out out = { self, publish, save, cancel_all, note, need_definition };
    struct risk_saved saved = { 0 };
    struct risk_config config = {
        .gross_exposure_max = settings.gross_exposure_max,
        .daily_loss_max = settings.daily_loss_max,
        .drawdown_max = settings.drawdown_max,
        .engine_silence_ns = settings.engine_silence_ms * NS_PER_MS,
        .engine_dead_ns = settings.engine_dead_ms * NS_PER_MS,
        .positions_silence_ns = settings.positions_silence_ms * NS_PER_MS,
        .unmarked_ns = settings.unmarked_ms * NS_PER_MS,
        .reconciliation_ns = settings.reconciliation_ms * NS_PER_MS,
    };
    int err = deltas_from(rt, &config, stderr);

    if (!err)
        err = role_data_path(rt, "state", self->saved_path, sizeof self->saved_path);
    self->rt = rt;
    memcpy(config.currency, settings.currency,
           MIN(strlen(settings.currency), sizeof config.currency - 1));
    for (size_t i = 0; i < rt->venues.count && i < RISK_ENGINES_MAX; i++)
        if (rt->venues.at[i].has_engine)
            config.engines[config.engine_count++] = rt->venues.at[i].id;
    if (!err)
        err = saved_read(self->saved_path, &saved);
    if (err && err != ERR_NOT_FOUND) {
        log_error("state",
                  "%s: %s: not starting as if nothing were held; look at it, then remove it",
                  self->saved_path, err_str(err));
        return err;
    }
    risk_core_init(&self->core, &config, &out, err ? NULL : &saved, loop_now_ns(), loop_wall_ns());
    register_metrics(self);
    return 0;
}

static int start(struct role_runtime *rt)
{
    static const struct {
        unsigned port;
        uint16_t types[3];
        size_t count;
    } inputs[STREAMS_READ] = {
        { STREAM_POSITIONS, { WIRE_pnl, WIRE_balance, WIRE_position }, 3 },
        { STREAM_ORDER_STATUS, { WIRE_engine_status }, 1 },
        { STREAM_OPERATOR, { WIRE_operator_command }, 1 },
        /* Their heartbeats: who is alive. */
        { STREAM_MARKET_DATA, { WIRE_heartbeat, WIRE_instrument }, 2 },
        { STREAM_ORDER_EVENTS, { WIRE_heartbeat }, 1 },
        { STREAM_STRATEGY_EVENTS, { WIRE_strategy_status }, 1 },
        { STREAM_TRADE_EVENTS, { WIRE_heartbeat }, 1 },
    };
    struct monitor *self = rt->state;
    int err = role_publish(rt, STREAM_RISK, on_request, self, &self->risk);

    for (size_t i = 0; i < STREAMS_READ && !err; i++) {
        struct input *input = &self->inputs[i];
        const struct bus_handler handler = {
            input, on_event, NULL, NULL, NULL, on_heartbeat, NULL
        };

        input->self = self;
        input->port = inputs[i].port;
        err = role_subscribe(rt, inputs[i].port, inputs[i].types, inputs[i].count, &handler,
                             &input->sub);
    }
    return err;
}

/* Ended one-shots are taken note of; none is waited for. */
static void reap(void)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        log_warn("cancel_all", "pid=%d ended with %d", (int)pid,
                 WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

static void tick(struct role_runtime *rt, int64_t now_ns)
{
    struct monitor *self = rt->state;
    int64_t before = loop_now_ns();

    risk_core_tick(&self->core, now_ns, loop_wall_ns());
    histogram_add(&self->cycle_ns, loop_now_ns() - before);
    reap();
    role_status(rt, "version %llu, %u held", (unsigned long long)self->core.saved.risk_version,
                self->core.saved.entry_count);
}

static void on_signal(struct role_runtime *rt, int signal)
{
    struct monitor *self = rt->state;

    (void)signal;
    risk_core_kill(&self->core, REASON_SIGNAL, "SIGUSR1", loop_now_ns());
    risk_core_tick(&self->core, loop_now_ns(), loop_wall_ns());
}

int main(int argc, char **argv)
{
    const struct role_app app = {
        .role = ROLE_RISK_MONITOR,
        .summary = "owns halts, kills and limits",
        .keys = risk_monitor_keys,
        .key_count = risk_monitor_key_count,
        .config = &settings,
        .state = &monitor,
        .check = check,
        .init = init,
        .start = start,
        .tick = tick,
        .on_signal = on_signal,
    };

    return role_main(&app, argc, argv);
}
