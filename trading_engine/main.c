/* trading_engine VENUE [CONFIG]: the orders of one account. */
#include "trading_engine/engine.h"

#include "common/leaf/err.h"

#include <signal.h>

static struct engine_app app;

static int check(struct role_runtime *rt, FILE *out, FILE *errors)
{
    app.rt = rt;
    int err = app_resolve(&app, errors);
    if (err && err != ERR_UNSUPPORTED)
        return err;
    if (app.venue)
        fprintf(out, "orders go to %s: %s and %s\n", app.venue->name, app.rest_url, app.ws_url);
    if (app_check_limits(&app, out) != 0)
        err = ERR_UNSUPPORTED;
    if (!app.settings.has_checks) {
        fprintf(out, "%s: [RISK_MANAGEMENT] ENABLE_PRE_TRADE_CHECKS=false: refused at start\n",
                rt->config_path);
        err = ERR_UNSUPPORTED;
    }
    if (!app_is_live(&app))
        fprintf(out, "%s: dry run: fills are simulated (real orders: LIVE=true and --live)\n",
                rt->config_path);
    return err;
}

static int once(struct role_runtime *rt)
{
    app.rt = rt;
    return oneshot_run(&app);
}

static int init(struct role_runtime *rt)
{
    app.rt = rt;
    if (app.options.is_live && !app.settings.is_live)
        log_error("start", "--live without [GLOBAL] LIVE=true");
    if (app.options.is_live && !app.settings.is_live)
        return ERR_CONFIG;
    int err = app_resolve(&app, stderr);
    return err ? ERR_CONFIG : engine_init(&app);
}

static int start(struct role_runtime *rt)
{
    (void)rt;
    return engine_start(&app);
}

static void tick(struct role_runtime *rt, int64_t now_ns)
{
    (void)rt;
    engine_tick(&app, now_ns);
}

static void metrics(struct role_runtime *rt)
{
    (void)rt;
    engine_metrics(&app);
}

static void on_signal(struct role_runtime *rt, int signal)
{
    (void)rt;
    if (signal == SIGUSR1)
        engine_kill(&app);
}

static void stop(struct role_runtime *rt)
{
    (void)rt;
    engine_stop(&app);
}

static bool is_stopped(struct role_runtime *rt)
{
    (void)rt;
    return engine_is_stopped(&app);
}

static void fini(struct role_runtime *rt)
{
    (void)rt;
    engine_fini(&app);
}

int main(int argc, char **argv)
{
    const struct role_option options[] = {
        { "--dry-run", NULL, "simulate fills against the live book (the default)",
          &app.options.is_dry_run, NULL },
        { "--live", NULL, "real orders; needs LIVE=true in CONFIG, and keys", &app.options.is_live,
          NULL },
        { "--test-auth", NULL, "ask the venue for balances with the keys, and exit",
          &app.options.tests_auth, NULL },
        { "--test-websocket", NULL, "bring the private stream up, and exit",
          &app.options.tests_websocket, NULL },
        { "--cancel-all", NULL,
          "cancel every order of the account, verify that none is open, and exit",
          &app.options.cancels_all, NULL },
        { "--print-request", "ORDER.json", "print the requests that the order would make, and exit",
          NULL, &app.options.print_request },
        { "--instruments", "FILE",
          "of --print-request: the venue's answer about its instruments, or a recording of several",
          NULL, &app.options.instruments },
        { "--at-ms", "T", "of --print-request: wall clock, ms", NULL, &app.options.at_ms },
        { "--nonce", "N", "of --print-request", NULL, &app.options.nonce },
        { "--transport", "rest|ws", "of --print-request", NULL, &app.options.transport },
    };
    const struct role_app role = {
        .role = ROLE_TRADING_ENGINE,
        .summary = "owns one account's orders: checks, sends, accounts for and publishes them",
        .keys = trading_engine_keys,
        .key_count = trading_engine_key_count,
        .config = &app.settings,
        .options = options,
        .option_count = COUNT(options),
        .state = &app,
        .check = check,
        .once = once,
        .init = init,
        .start = start,
        .tick = tick,
        .metrics = metrics,
        .on_signal = on_signal,
        .stop = stop,
        .is_stopped = is_stopped,
        .fini = fini,
    };

    return role_main(&role, argc, argv);
}
