/* log.h - JSON-lines logging, off the hot path.
 *
 * A call formats into a ring; a thread of its own writes the file. A full ring drops and counts, it
 * never blocks. Secrets registered with log_redact are replaced in every line. */
#ifndef TICKPIPE_COMMON_EDGE_LOG_H
#define TICKPIPE_COMMON_EDGE_LOG_H

#include "common/leaf/base.h"

/* Not LOG_INFO: <syslog.h>, which czmq.h brings, has macros of these names. */
enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

/* log_open starts the writer. path NULL or "-": stderr. Before it, and after log_close, lines go to
 * stderr at once. process is a field of every line. Returns 0 or ERR_SYS. */
int log_open(const char *process, const char *path, enum log_level level);
void log_close(void); /* Writes what is queued. */
void log_set_level(enum log_level level);
enum log_level log_level(void);
int log_level_from(const char *text, enum log_level *out); /* ERR_RANGE: not a level. */
void log_reopen(void);                                     /* After rotation: SIGHUP. */

/* log_redact keeps secret out of every later line (at least 4 characters; up to 16 secrets). */
int log_redact(const char *secret);

/* log_info("connected", "venue=%s", ...): event is a short constant name, the rest free text. */
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define log_info(...)  log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_warn(...)  log_write(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
void log_write(enum log_level level, const char *event, const char *format, ...) PRINTF_LIKE(3, 4);

/* log_json writes a line whose body is JSON members already made ("\"a\":1,\"b\":2"): METRICS. */
void log_json(enum log_level level, const char *event, const char *members);

/* A burst limiter: says true for the first of a burst, then once per period with the count
 * suppressed. */
struct log_burst {
    int64_t quiet_until_ns;
    uint64_t suppressed;
};
bool log_burst_allows(struct log_burst *burst, int64_t now_ns, int64_t period_ns,
                      uint64_t *suppressed);

uint64_t log_dropped(void);
uint64_t log_errors(void); /* ERROR lines so far. */

#endif
