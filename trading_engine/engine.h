/* engine.h - the shell of trading_engine: what main.c, the one-shot options and the running engine
 * share. */
#ifndef TICKPIPE_TRADING_ENGINE_ENGINE_H
#define TICKPIPE_TRADING_ENGINE_ENGINE_H

#include "common/edge/role.h"
#include "trading_engine/engine_settings.h"
#include "trading_engine/session.h"

/* What the command line says beside the shared options. */
struct engine_options {
    bool is_dry_run, is_live, tests_auth, tests_websocket, cancels_all;
    const char *print_request, *instruments, *at_ms, *nonce, *transport;
};

struct engine; /* engine.c */

struct engine_app {
    struct role_runtime *rt;
    struct engine_settings settings;
    struct engine_options options;
    const struct venue *venue; /* NULL: not built. */
    char names_text[CONFIG_TEXT_MAX];
    const char *names[VENUE_SYMBOLS_MAX];
    size_t name_count;
    char rest_url[CONFIG_TEXT_MAX], ws_url[CONFIG_TEXT_MAX], stream_url[CONFIG_TEXT_MAX];
    char key[CONFIG_TEXT_MAX], secret[CONFIG_TEXT_MAX], passphrase[CONFIG_TEXT_MAX];
    struct engine *engine;
};

/* app_resolve finds adapter, hosts and instruments from the settings. 0; ERR_CONFIG with sentences
 * to errors; ERR_UNSUPPORTED: valid, but not built. */
int app_resolve(struct engine_app *app, FILE *errors);

/* app_keys reads key, secret and passphrase. ERR_NOT_FOUND: there is no key, or no secret. */
int app_keys(struct engine_app *app);

bool app_is_live(const struct engine_app *app);
char app_environment(const struct engine_app *app);

/* app_session fills a session's configuration from the settings. */
void app_session(struct engine_app *app, struct session_config *out);

/* app_check_limits writes each unset limit to errors. 0 or ERR_UNSUPPORTED. */
int app_check_limits(const struct engine_app *app, FILE *errors);

/* oneshot_run does --print-request, --cancel-all, --test-auth or --test-websocket: an exit code, or
 * ROLE_GO_ON. */
int oneshot_run(struct engine_app *app);

/* print_request writes each request that the order in file would make as one line of JSON. An exit
 * code. */
int print_request(struct engine_app *app, const char *file, FILE *out, FILE *errors);

/* The running engine. */
int engine_init(struct engine_app *app);
int engine_start(struct engine_app *app);
void engine_tick(struct engine_app *app, int64_t now_ns);
void engine_metrics(struct engine_app *app);
void engine_kill(struct engine_app *app);
void engine_stop(struct engine_app *app);
bool engine_is_stopped(struct engine_app *app);
void engine_fini(struct engine_app *app);

#endif
