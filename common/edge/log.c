#include "common/edge/log.h"

#include "common/leaf/err.h"
#include "common/leaf/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    HALF_BYTES = 256 * 1024, /* Two of them: one fills while the other is written. */
    TEXT_MAX = 2048,         /* Of one call's free text. */
    LINE_MAX_BYTES = 24 * 1024,
    SECRETS_MAX = 16,
    SECRET_MIN = 4,
    SECRET_BYTES = 512,
    FLUSH_MS = 50,
};

struct half {
    char bytes[HALF_BYTES];
    size_t len;
};

/* One logger per process: a log line may come from anywhere, also before and after a role's life.
 */
static struct {
    pthread_mutex_t lock; /* Held for a copy, never for a system call. */
    pthread_cond_t wake;
    pthread_t writer;
    struct half halves[2];
    unsigned filling;
    bool is_open, is_closing, is_reopening;
    int fd;
    char process[64];
    char path[512];
    char secrets[SECRETS_MAX][SECRET_BYTES];
    atomic_size_t secret_count; /* Grows after its secret is whole: readers take no lock. */
    atomic_int level;
    atomic_uint_fast64_t dropped, errors;
} logger = { .lock = PTHREAD_MUTEX_INITIALIZER, .fd = STDERR_FILENO, .level = LOG_LEVEL_INFO };

static const char *const level_names[] = { "DEBUG", "INFO", "WARN", "ERROR" };

/* ---- text ---- */

/* Replaces each secret in place by stars; the length stays. */
static void redact(char *text, size_t len)
{
    for (size_t i = 0; i < logger.secret_count; i++) {
        size_t n = strlen(logger.secrets[i]);
        char *at = text;
        while ((at = memmem(at, len - (size_t)(at - text), logger.secrets[i], n)) != NULL)
            memset(at, '*', n);
    }
}

/* Writes text as the inside of a JSON string. Returns the length; always room for the worst case.
 */
static size_t escape(const char *text, size_t len, char *out, size_t cap)
{
    size_t used = 0;

    for (size_t i = 0; i < len && used + 8 < cap;) {
        size_t n = utf8_len(text + i, len - i);
        unsigned char c = (unsigned char)text[i];
        if (n == 0 || c < 0x20 || c == 0x7f) {
            used += (size_t)snprintf(out + used, cap - used, "\\u%04x", c);
            i++;
        } else if (c == '"' || c == '\\') {
            out[used++] = '\\';
            out[used++] = text[i++];
        } else {
            memcpy(out + used, text + i, n);
            used += n;
            i += n;
        }
    }
    return used;
}

static size_t begin_line(char *out, size_t cap, enum log_level level, const char *event)
{
    struct timespec now;
    struct tm utc;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t len = strftime(out, cap, "{\"ts\":\"%Y-%m-%dT%H:%M:%S", &utc);
    int more = snprintf(out + len, cap - len,
                        ".%06ldZ\",\"level\":\"%s\",\"process\":\"%s\",\"event\":\"%s\"",
                        now.tv_nsec / 1000, level_names[level],
                        logger.process[0] ? logger.process : "tickpipe", event);
    return MIN(len + (size_t)more, cap - 1);
}

/* ---- queue and writer ---- */

static void write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) { /* Disk full, pipe closed: said in the counter, there is nowhere else. */
            atomic_fetch_add(&logger.dropped, 1);
            return;
        }
        bytes += n;
        len -= (size_t)n;
    }
}

static void enqueue(enum log_level level, const char *line, size_t len)
{
    if (level >= LOG_LEVEL_ERROR)
        atomic_fetch_add(&logger.errors, 1);
    pthread_mutex_lock(&logger.lock);
    if (!logger.is_open) {
        pthread_mutex_unlock(&logger.lock);
        write_all(STDERR_FILENO, line, len);
        return;
    }
    struct half *half = &logger.halves[logger.filling];
    if (half->len + len > sizeof(half->bytes)) {
        atomic_fetch_add(&logger.dropped, 1);
    } else {
        memcpy(half->bytes + half->len, line, len);
        half->len += len;
    }
    /* The writer looks every FLUSH_MS; waking it costs a system call, so only what matters does. */
    if (level >= LOG_LEVEL_ERROR || half->len > HALF_BYTES / 2)
        pthread_cond_signal(&logger.wake);
    pthread_mutex_unlock(&logger.lock);
}

static bool is_file(const char *path)
{
    return path && path[0] && strcmp(path, "-") != 0;
}

static int open_file(const char *path)
{
    char dir[512];

    if (!is_file(path))
        return STDERR_FILENO;
    for (const char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
        snprintf(dir, sizeof(dir), "%.*s", (int)(at - path), path);
        (void)mkdir(dir, 0750); /* There already, or open says why. */
    }
    return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0640);
}

/* Keeps the old file when the new one cannot be opened. */
static void reopen(void)
{
    int fd = open_file(logger.path);

    if (fd < 0 || fd == STDERR_FILENO)
        return;
    if (logger.fd != STDERR_FILENO)
        close(logger.fd);
    logger.fd = fd;
}

static void *writer_main(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&logger.lock);
    for (;;) {
        struct half *half = &logger.halves[logger.filling];
        bool is_reopening = logger.is_reopening;
        if (half->len == 0 && logger.is_closing)
            break;
        if (half->len == 0 && !is_reopening) {
            struct timespec until;
            clock_gettime(CLOCK_MONOTONIC, &until);
            until.tv_nsec += FLUSH_MS * NS_PER_MS;
            until.tv_sec += until.tv_nsec / NS_PER_S;
            until.tv_nsec %= NS_PER_S;
            pthread_cond_timedwait(&logger.wake, &logger.lock, &until);
            continue;
        }
        logger.filling ^= 1;
        logger.is_reopening = false;
        pthread_mutex_unlock(&logger.lock);
        write_all(logger.fd, half->bytes, half->len);
        half->len = 0; /* Nobody else looks at it until it is the filling one again. */
        if (is_reopening)
            reopen();
        pthread_mutex_lock(&logger.lock);
    }
    pthread_mutex_unlock(&logger.lock);
    return NULL;
}

int log_open(const char *process, const char *path, enum log_level level)
{
    pthread_condattr_t attr;

    assert(!logger.is_open);
    int fd = open_file(path);
    if (fd < 0)
        return ERR_SYS;
    snprintf(logger.process, sizeof(logger.process), "%s", process);
    snprintf(logger.path, sizeof(logger.path), "%s", is_file(path) ? path : "");
    logger.fd = fd;
    logger.is_closing = logger.is_reopening = false;
    atomic_store(&logger.level, (int)level);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&logger.wake, &attr);
    pthread_condattr_destroy(&attr);
    logger.is_open = true;
    if (pthread_create(&logger.writer, NULL, writer_main, NULL) == 0)
        return 0;
    logger.is_open = false;
    if (fd != STDERR_FILENO)
        close(fd);
    logger.fd = STDERR_FILENO;
    return ERR_SYS;
}

void log_close(void)
{
    pthread_mutex_lock(&logger.lock);
    bool was_open = logger.is_open;
    logger.is_closing = true;
    logger.is_open = false; /* Later lines go to stderr at once. */
    if (was_open)
        pthread_cond_signal(&logger.wake);
    pthread_mutex_unlock(&logger.lock);
    if (!was_open)
        return;
    pthread_join(logger.writer, NULL);
    pthread_cond_destroy(&logger.wake);
    if (logger.fd != STDERR_FILENO)
        close(logger.fd);
    logger.fd = STDERR_FILENO;
}

void log_reopen(void)
{
    pthread_mutex_lock(&logger.lock);
    logger.is_reopening = logger.is_open;
    if (logger.is_open)
        pthread_cond_signal(&logger.wake);
    pthread_mutex_unlock(&logger.lock);
}

/* ---- levels, secrets ---- */

void log_set_level(enum log_level level)
{
    atomic_store(&logger.level, (int)level);
}

enum log_level log_level(void)
{
    return (enum log_level)atomic_load(&logger.level);
}

int log_level_from(const char *text, enum log_level *out)
{
    for (size_t i = 0; i < COUNT(level_names); i++)
        if (strcasecmp(text, level_names[i]) == 0) {
            *out = (enum log_level)i;
            return 0;
        }
    return ERR_RANGE;
}

int log_redact(const char *secret)
{
    size_t len = strlen(secret);
    int err = 0;

    if (len < SECRET_MIN || len >= SECRET_BYTES)
        return ERR_RANGE;
    pthread_mutex_lock(&logger.lock);
    size_t i = 0;
    while (i < logger.secret_count && strcmp(logger.secrets[i], secret) != 0)
        i++;
    if (i == SECRETS_MAX)
        err = ERR_FULL;
    else if (i == logger.secret_count) {
        memcpy(logger.secrets[i], secret, len + 1);
        logger.secret_count++;
    }
    pthread_mutex_unlock(&logger.lock);
    return err;
}

uint64_t log_dropped(void)
{
    return atomic_load(&logger.dropped);
}

uint64_t log_errors(void)
{
    return atomic_load(&logger.errors);
}

/* ---- lines ---- */

void log_write(enum log_level level, const char *event, const char *format, ...)
{
    char text[TEXT_MAX], line[2 * TEXT_MAX + 512];
    va_list args;

    if ((int)level < atomic_load_explicit(&logger.level, memory_order_relaxed))
        return;
    va_start(args, format);
    int wanted = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    size_t text_len = wanted < 0 ? 0 : MIN((size_t)wanted, sizeof(text) - 1);
    redact(text, text_len);
    size_t len = begin_line(line, 512, level, event);
    len += (size_t)snprintf(line + len, sizeof(line) - len, ",\"msg\":\"");
    len += escape(text, text_len, line + len, sizeof(line) - len - 4);
    memcpy(line + len, "\"}\n", 3);
    enqueue(level, line, len + 3);
}

void log_json(enum log_level level, const char *event, const char *members)
{
    char line[LINE_MAX_BYTES];
    size_t members_len = strlen(members);

    if ((int)level < atomic_load_explicit(&logger.level, memory_order_relaxed))
        return;
    size_t len = begin_line(line, 512, level, event);
    if (len + members_len + 4 > sizeof(line)) {
        atomic_fetch_add(&logger.dropped, 1);
        return;
    }
    line[len++] = ',';
    memcpy(line + len, members, members_len);
    redact(line + len, members_len);
    len += members_len;
    memcpy(line + len, "}\n", 2);
    enqueue(level, line, len + 2);
}

bool log_burst_allows(struct log_burst *burst, int64_t now_ns, int64_t period_ns,
                      uint64_t *suppressed)
{
    if (now_ns < burst->quiet_until_ns) {
        burst->suppressed++;
        return false;
    }
    *suppressed = burst->suppressed;
    burst->suppressed = 0;
    burst->quiet_until_ns = now_ns + period_ns;
    return true;
}
