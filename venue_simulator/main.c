/* venue_simulator: the venues' own REST and WebSocket interfaces over TLS on loopback, with real
 * matching. */
#include "venue_simulator/simulator.h"

#include "common/edge/role.h"
#include "common/leaf/err.h"

#include <string.h>

static struct simulator_settings settings;

static struct shell {
    struct simulator simulator;
    struct loop_timer step;
    struct role_runtime *rt;
    int64_t stepped_ns;
    uint64_t late_steps;
} shell;

/* At most so many missed steps are made up for: after a stall the market jumps on, it does not
 * race. */
enum { CATCH_UP_MAX = 10 };

static void on_step(struct loop_timer *timer, int64_t now_ns)
{
    struct shell *self = timer->ctx;
    int64_t steps = (now_ns - self->stepped_ns) / CROWD_STEP_NS;

    self->stepped_ns += steps * CROWD_STEP_NS;
    if (steps > CATCH_UP_MAX) {
        self->late_steps += (uint64_t)(steps - CATCH_UP_MAX);
        steps = CATCH_UP_MAX;
    }
    server_lock(self->simulator.server);
    simulator_step(&self->simulator, steps);
    server_tick(self->simulator.server);
    server_unlock(self->simulator.server);
    (void)loop_timer_at(self->rt->loop, timer, self->stepped_ns + CROWD_STEP_NS);
}

/* Built once for the errors alone: after --daemon nobody would read them. */
static int check(struct role_runtime *rt, FILE *out, FILE *errors)
{
    (void)out;
    if (strncmp(settings.host, "127.", 4) != 0) {
        fprintf(errors, "%s: [SIMULATOR] HOST: loopback only\n", rt->config_path);
        return ERR_CONFIG;
    }
    int err = simulator_build(&shell.simulator, &settings, rt->config_path, loop_wall_ns(), errors);
    simulator_fini(&shell.simulator);
    return err;
}

static int init(struct role_runtime *rt)
{
    shell.rt = rt;
    int err = simulator_build(&shell.simulator, &settings, rt->config_path, loop_wall_ns(), stderr);
    if (!err)
        err = tls_files_ensure(settings.tls_dir, &shell.simulator.tls);
    if (err)
        log_error("start", "cannot be built from its configuration: %s", err_str(err));
    return err;
}

static int start(struct role_runtime *rt)
{
    struct simulator *simulator = &shell.simulator;
    char why[256] = "";
    struct server_config config = { .host = settings.host,
                                    .control_port = (uint16_t)settings.control_port,
                                    .tls = simulator->tls,
                                    .venues = simulator->venues,
                                    .venue_count = simulator->venue_count,
                                    .control = simulator_control,
                                    .ctx = simulator };

    /* Books stand before the first client comes. */
    simulator_step(simulator, 1);
    int err = server_open(&simulator->server, &config, why, sizeof(why));
    if (err) {
        log_error("start", "%s", why);
        return err;
    }
    for (size_t i = 0; i < simulator->venue_count; i++)
        log_info("venue", "%s rest=https://%s:%u ws=wss://%s:%u", simulator->venues[i].side->name,
                 settings.host, simulator->venues[i].rest_port, settings.host,
                 simulator->venues[i].ws_ports[0]);
    shell.step.fire = on_step;
    shell.step.ctx = &shell;
    shell.stepped_ns = loop_now_ns();
    role_status(rt, "serving %zu venues", simulator->venue_count);
    return loop_timer_at(rt->loop, &shell.step, shell.stepped_ns + CROWD_STEP_NS);
}

static void metrics(struct role_runtime *rt)
{
    static bool is_registered;

    if (is_registered)
        return;
    is_registered = true;
    (void)metrics_counter(&rt->metrics, "market_quotes", &shell.simulator.crowd.quotes);
    (void)metrics_counter(&rt->metrics, "market_takes", &shell.simulator.crowd.takes);
    (void)metrics_counter(&rt->metrics, "market_refused", &shell.simulator.crowd.refused);
    (void)metrics_counter(&rt->metrics, "late_steps", &shell.late_steps);
    for (size_t i = 0; i < shell.simulator.venue_count; i++) {
        struct server_venue *venue = &shell.simulator.venues[i];
        char name[METRICS_NAME_MAX];
        snprintf(name, sizeof(name), "%s_requests", venue->side->name);
        (void)metrics_counter(&rt->metrics, name, &venue->requests);
        snprintf(name, sizeof(name), "%s_frames_in", venue->side->name);
        (void)metrics_counter(&rt->metrics, name, &venue->frames_in);
        snprintf(name, sizeof(name), "%s_frames_out", venue->side->name);
        (void)metrics_counter(&rt->metrics, name, &venue->frames_out);
        snprintf(name, sizeof(name), "%s_frames_dropped", venue->side->name);
        (void)metrics_counter(&rt->metrics, name, &venue->frames_dropped);
    }
}

static void stop(struct role_runtime *rt)
{
    (void)rt;
    loop_timer_stop(rt->loop, &shell.step);
}

static void fini(struct role_runtime *rt)
{
    (void)rt;
    server_close(&shell.simulator.server);
    simulator_fini(&shell.simulator);
}

int main(int argc, char **argv)
{
    static struct role_app app = {
        .role = ROLE_VENUE_SIMULATOR,
        .summary = "the venues' own REST and WebSocket interfaces on loopback, with real matching",
        .keys = venue_simulator_keys,
        .config = &settings,
        .state = &shell,
        .has_no_bus = true,
        .check = check,
        .init = init,
        .start = start,
        .metrics = metrics,
        .stop = stop,
        .fini = fini,
    };

    app.key_count = venue_simulator_key_count;
    return role_main(&app, argc, argv);
}
