/* role.h - the life of a role, written once: arguments, configuration, daemon, signals, loop, bus,
 * housekeeping, metrics, systemd, shutdown. A role is a table of callbacks around its core.
 *
 *   int main(int argc, char **argv) { return role_main(&app, argc, argv); }
 *
 * Order of life, all on one thread:
 *   arguments -> configuration (role's keys and the shared ones) -> check -> [--check-config ends
 * here]
 *   -> once (one-shot options end here) -> daemon -> pid file -> signals, loop, log, bus -> init
 *   -> start (publish, subscribe) -> READY=1 -> loop: tick every 100 ms, METRICS line
 *   -> stop, then is_stopped until true -> fini.
 * Each callback may be NULL. Names of a role's key table, in ROLE/keys.c (data only, so that the
 * generator of docs/configuration.md links it alone):
 *   const struct config_key ROLE_keys[]; const size_t ROLE_key_count; */
#ifndef TICKPIPE_COMMON_EDGE_ROLE_H
#define TICKPIPE_COMMON_EDGE_ROLE_H

#include "common/edge/bus.h"
#include "common/edge/config.h"
#include "common/edge/log.h"
#include "common/edge/loop.h"
#include "common/edge/metrics.h"
#include "common/edge/venues_ini.h"
#include "common/pure/topology.h"

#include <stdio.h>

enum {
    ROLE_EXIT_OK = 0,
    ROLE_EXIT_FAILURE = 1,
    ROLE_EXIT_USAGE = 2,
    ROLE_EXIT_CONFIG = 78, /* EX_CONFIG */
    ROLE_GO_ON = -1,       /* From once(): nothing to do at once, run the role. */
};

enum { ROLE_PATH_MAX = 512, ROLE_ENDPOINTS_MAX = 8192, ROLE_STREAMS_MAX = 16, ROLE_TICK_MS = 100 };

struct role_runtime;

/* An option of the role beside the shared ones: "--dry-run", or "--transport" with a value. Where
 * given, *is_given is set and *value points into argv. */
struct role_option {
    const char *name;
    const char *value_name; /* NULL: takes none. */
    const char *doc;
    bool *is_given;     /* May be NULL. */
    const char **value; /* With value_name. */
};

struct role_app {
    enum role role;
    const char *summary; /* One line for --help. */
    const struct config_key *keys;
    size_t key_count;
    void *config; /* The role's config struct, static, that the keys' offsets lay out. */
    const struct role_option *options;
    size_t option_count;
    void *state;              /* The role's own: rt->state. */
    bool runs_without_config; /* Options like --replay need no file: a missing default file is fine.
                               */
    bool has_no_bus;          /* venue_simulator: opens none. */
    int64_t stop_timeout_ms;  /* is_stopped is waited for at most so long; 0: 5,000. */

    /* What single keys cannot say: combinations, limits. Writes remarks for --check-config to out,
     * problems to errors. Returns 0, ERR_CONFIG, or ERR_UNSUPPORTED: valid, but refused at start as
     * not built. */
    int (*check)(struct role_runtime *rt, FILE *out, FILE *errors);
    /* One-shot options (--cancel-all, --print-request): returns an exit code, or ROLE_GO_ON. The
     * loop is open, the bus is not, and nothing has been locked. Lines of the log go to stderr. */
    int (*once)(struct role_runtime *rt);
    /* Memory, files, core. Returns 0 or an error: the role then ends with fini and exit 1. */
    int (*init)(struct role_runtime *rt);
    /* Bus and network: role_publish, role_subscribe, connections. After it the bus is served. */
    int (*start)(struct role_runtime *rt);
    void (*tick)(struct role_runtime *rt, int64_t now_ns); /* Every 100 ms. */
    void (*metrics)(
        struct role_runtime *rt); /* Before each METRICS line: bring gauges up to date. */
    void (*on_signal)(struct role_runtime *rt, int signal); /* SIGUSR1 (kill), SIGUSR2. */
    void (*stop)(struct role_runtime *rt); /* SIGTERM, SIGINT, role_stop: begin to end. Once. */
    bool (*is_stopped)(struct role_runtime *rt); /* Asked every 10 ms after stop; NULL: at once. */
    void (*fini)(
        struct role_runtime *rt); /* Also after a failed init or start. The bus is still open. */
};

/* The keys that every role has; documented under "Every role". */
struct role_config {
    char process_name[CONFIG_TEXT_MAX];
    int64_t log_level; /* enum log_level */
    char log_file[CONFIG_TEXT_MAX];
    char run_dir[CONFIG_TEXT_MAX];
    char keys_dir[CONFIG_TEXT_MAX];
    char data_dir[CONFIG_TEXT_MAX];
    char venues_file[CONFIG_TEXT_MAX];
    bool is_memory_locked;
    char endpoints[ROLE_STREAMS_MAX][CONFIG_TEXT_MAX]; /* By row of the topology; "": derived. */
    int64_t high_water_mark, socket_buffer_bytes;
    bool has_metrics;
    int64_t metrics_interval_ms;
    int64_t health_check_interval_ms;
    bool logs_performance;
    bool alerts_on_errors;
};

/* What role_main hands to every callback. Read it freely; only the runtime writes. */
struct role_runtime {
    const struct role_app *app;
    void *state;  /* app->state */
    void *config; /* app->config */
    struct role_config common;
    struct venues venues;
    const struct venue_instance *instance; /* Per-venue roles; else NULL. */
    char instance_name[40];                /* "trading_engine@BINANCE", "risk_monitor" */
    char config_path[ROLE_PATH_MAX];
    bool has_config_file;
    bool is_verbose; /* --verbose: log level DEBUG and no burst limits. */
    bool is_stopping;
    struct loop *loop;
    struct bus *bus;
    struct metrics metrics;
    struct bus_counters bus_counters; /* Brought up to date at each tick. */
    int64_t now_ns;                   /* Of the last tick. */
    int64_t longest_turn_ns;          /* Of the last metrics interval. */
    struct role_private *own;
};

/* role_main runs the role; its result is the exit code. */
int role_main(const struct role_app *app, int argc, char **argv);

/* role_endpoint finds where the role binds or connects port: the ini's [ZMQ] key, else venues.ini
 * and the topology. A per-venue role gets its own host where it binds. Returns 0, ERR_NOT_FOUND
 * (the role has nothing to do with that port), ERR_FULL. */
int role_endpoint(const struct role_runtime *rt, unsigned port, char *out, size_t cap);

/* role_endpoint_key gives the [ZMQ] key of a stream: ORDER_EVENTS_PUB_ENDPOINT for its publisher,
 * MARKET_DATA_SUB_ENDPOINT for a subscriber (7003 and 7004 have the desk's names:
 * TRADER_SUB_ENDPOINT, POSITION_SERVER_SUB_ENDPOINT). */
void role_endpoint_key(const struct stream *stream, bool is_publisher, char *out, size_t cap);

/* role_publish binds the port's endpoint; role_subscribe connects it. Problems are logged with the
 * endpoint. Results as bus_publish_on and bus_subscribe. */
int role_publish(struct role_runtime *rt, unsigned port, bus_on_request *on_request, void *ctx,
                 struct bus_pub **pub);
int role_subscribe(struct role_runtime *rt, unsigned port, const uint16_t *types, size_t type_count,
                   const struct bus_handler *handler, struct bus_sub **sub);

/* role_status says what the role is doing: systemd's STATUS= and a log line when it changed. */
void role_status(struct role_runtime *rt, const char *format, ...) PRINTF_LIKE(2, 3);

/* role_stop begins a graceful stop with this exit code, as SIGTERM does with 0. */
void role_stop(struct role_runtime *rt, int exit_code);

/* role_secret finds VENUE_NAME ("API_KEY": BINANCE_API_KEY) as config_secret does, and registers it
 * with log_redact. ERR_NOT_FOUND: there is none, out is "". */
int role_secret(const struct role_runtime *rt, const char *name, char *out, size_t cap);

/* role_make_parents makes what is missing above path. ERR_SYS. */
int role_make_parents(const char *path);

/* role_data_path writes DATA_DIR/ROLE[_VENUE].SUFFIX and makes DATA_DIR (0700). ERR_SYS, ERR_FULL.
 */
int role_data_path(const struct role_runtime *rt, const char *suffix, char *out, size_t cap);

/* role_keys gives the shared key table of a role ([ZMQ] differs by role), offsets into struct
 * role_config. out has room for ROLE_KEYS_MAX. Returns the count. Names point into static storage
 * of the role. */
enum { ROLE_KEYS_MAX = 48 };
size_t role_keys(enum role role, struct config_key *out);

/* ---- tools: a program of the operator, which is no role but lives on the same bus ---- */

/* role_tool_open loads CONFIG (NULL: tickpipe.ini of the configuration directory, defaults where
 * there is none) and venues.ini, and opens loop and bus into rt, the caller's. A tool may subscribe
 * to every stream that binds, by role_subscribe. Problems go to errors. Returns 0, ERR_CONFIG or
 * ERR_SYS. role_tool_close also after a failure, twice. */
int role_tool_open(struct role_runtime *rt, const char *config, FILE *errors);
void role_tool_close(struct role_runtime *rt);

/* role_tool_open_for is role_tool_open with directories that another role's file names ("" where it
 * names none) and venues.ini looked for beside that file. */
struct role_dirs {
    char run[CONFIG_TEXT_MAX], keys[CONFIG_TEXT_MAX], venues[CONFIG_TEXT_MAX];
};
int role_tool_open_for(struct role_runtime *rt, const char *beside, const struct role_dirs *dirs,
                       FILE *errors);

/* role_pid finds the process of a role (venue NULL: of the only one) by its pid file and the lock
 * on it. Returns its number, or 0: none runs. */
long role_pid(const struct role_runtime *rt, enum role role, const char *venue);

#endif
