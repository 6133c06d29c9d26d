/* role_private.h - what the files of the role runtime share; roles include role.h only. */
#ifndef TICKPIPE_COMMON_EDGE_ROLE_PRIVATE_H
#define TICKPIPE_COMMON_EDGE_ROLE_PRIVATE_H

#include "common/edge/role.h"

/* What the command line said. */
struct role_args {
    const char *venue;     /* As typed; NULL where the role has none. */
    const char *config;    /* NULL: the default path. */
    const char *log_level; /* NULL: the configuration's. */
    bool is_daemon, is_verbose, wants_check, wants_version, wants_help;
};

/* role_args_parse reads argv. Returns 0, or ERR_RANGE with a sentence on stderr. */
int role_args_parse(const struct role_app *app, int argc, char **argv, struct role_args *args);
void role_args_help(const struct role_app *app, FILE *out);

/* role_config_load fills rt->common, rt->config, rt->venues and the names that follow from them.
 * Problems go to errors. Returns 0 or ERR_CONFIG. */
int role_config_load(struct role_runtime *rt, const struct role_args *args, FILE *errors);

/* role_config_find_rest is its second half: venues.ini, and what an empty directory key stands for.
 */
int role_config_find_rest(struct role_runtime *rt, const struct role_args *args, FILE *errors);

/* role_config_explain is --check-config: each key of the file and how it is honoured. */
void role_config_explain(struct role_runtime *rt, FILE *out);
int role_config_warnings(struct role_runtime *rt, FILE *out);

/* role_file_name writes "trading_engine_binance": the stem of config, pid, log and data files. */
void role_file_name(enum role role, const char *venue, char *out, size_t cap);

/* role_daemonise forks; the child returns 0 and holds *ready_fd. The parent waits there and exits:
 * 0 once the child called role_daemon_ready, else with the child's exit code. ERR_SYS: no fork. */
int role_daemonise(int *ready_fd);
/* role_daemon_ready frees the parent and closes the terminal's descriptors. ready_fd -1: nothing to
 * do. */
void role_daemon_ready(int *ready_fd);

/* role_harden: no core dumps, no ptrace by the same user (both would show keys), SIGPIPE ignored.
 */
void role_harden(bool locks_memory);

/* role_pid_open locks and writes RUN_DIR/NAME.pid; the lock is the proof of life, the number is for
 * signals. ERR_LOCKED: another process holds it, *holder is its number. */
int role_pid_open(const char *run_dir, const char *name, char *path, size_t cap, int *fd,
                  long *holder);
void role_pid_close(const char *path, int *fd);

/* role_make_dir makes path with its parents, the last one 0700. ERR_SYS. */
int role_make_dir(const char *path);

struct role_private {
    int exit_code;
    int ready_fd, pid_fd;
    char pid_path[ROLE_PATH_MAX];
    char status[256];
    struct loop_timer tick, stopping;
    int64_t started_ns, stop_by_ns, next_tick_ns;
    int64_t next_metrics_ns, next_health_ns, next_watchdog_ns, watchdog_ns;
    int64_t uptime_ms;
    uint64_t log_dropped, errors_seen, lost_seen;
    bool is_initialised;
    char line[METRICS_LINE_MAX];
};

#endif
