#include "trading_engine/journal.h"

#include "common/pure/crypto.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char magic[8] = { 'T', 'P', 'J', 'O', 'U', 'R', 'N', 'L' };

enum { RECORD_MAGIC = 0x524a, SYNC_PERIOD_MS = 20, PATH_CAP = 768 };

struct segment_header {
    char magic[8];
    uint32_t version;
    uint32_t header_size;
    uint64_t segment;
    uint64_t first_number; /* Of its first record. */
    uint64_t boot_id;      /* Of the last writer. */
    uint32_t is_clean;     /* Closed in order: nothing is missing whatever the boot. */
    uint32_t reserved;
    uint8_t reserved2[16];
};
static_assert(sizeof(struct segment_header) == 64, "segment_header: size");

/* In front of each payload, which is padded to 8 bytes. size is stored last: 0 is the end. */
struct record_header {
    uint32_t size;
    uint16_t type;
    uint16_t magic;
    uint64_t number;
    uint32_t crc; /* Of type, number, size and payload. */
    uint32_t reserved;
};
static_assert(sizeof(struct record_header) == 24, "record_header: size");

struct segment {
    int fd;
    uint8_t *map;
    size_t bytes;
    size_t end; /* Where the next record goes. */
    uint64_t number;
    char path[PATH_CAP];
};

struct journal {
    char prefix[512];
    uint64_t boot_id;
    size_t segment_bytes;
    int lock_fd;
    struct segment now, next;
    uint64_t last_number;
    bool is_whole;
    struct journal_stats stats;
    /* The syncing thread. dirty_end is how far has been stored, synced_end how far is on the disk.
     */
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t mutex; /* Guards `now` against being replaced during an msync. */
    atomic_size_t dirty_end;
    size_t synced_end;
    atomic_bool is_stopping;
    atomic_ullong syncs, sync_failed;
    atomic_llong sync_longest_ns;
};

static void say(char *problem, size_t cap, const char *what, const char *path)
{
    snprintf(problem, cap, "%s: %s%s%s", path, what, errno ? ": " : "",
             errno ? strerror(errno) : "");
}

/* ---- records ---- */

static size_t padded(size_t size)
{
    return (size + 7) / 8 * 8;
}

static uint32_t record_crc(const struct record_header *h, const void *payload)
{
    struct {
        uint64_t number;
        uint32_t size;
        uint16_t type, reserved;
        uint32_t payload_crc, reserved2;
    } covered = { .number = h->number, .size = h->size, .type = h->type };

    covered.payload_crc = crc32_ieee(payload, h->size);
    return crc32_ieee(&covered, sizeof(covered));
}

/* Whether a whole record with this number stands at `at`. */
static bool record_at(const struct segment *s, size_t at, struct record_header *h)
{
    if (at + sizeof(*h) > s->bytes)
        return false;
    memcpy(h, s->map + at, sizeof(*h));
    return h->magic == RECORD_MAGIC && h->size > 0 && h->size <= JOURNAL_RECORD_MAX &&
           at + sizeof(*h) + padded(h->size) <= s->bytes &&
           h->crc == record_crc(h, s->map + at + sizeof(*h));
}

static int segment_append(struct segment *s, uint64_t number, uint16_t type, const void *record,
                          size_t size)
{
    struct record_header h = { .type = type, .magic = RECORD_MAGIC, .number = number };
    size_t need = sizeof(h) + padded(size);

    if (size == 0 || size > JOURNAL_RECORD_MAX)
        return ERR_RANGE;
    if (s->end + need > s->bytes)
        return ERR_FULL;
    uint8_t *at = s->map + s->end;
    h.size = (uint32_t)size;
    h.crc = record_crc(&h, record);
    memcpy(at + sizeof(h), record, size);
    memcpy(at + sizeof(h.size), (const uint8_t *)&h + sizeof(h.size), sizeof(h) - sizeof(h.size));
    /* A reader after kill -9 sees the whole record or none: the size makes it one. */
    atomic_thread_fence(memory_order_release);
    *(volatile uint32_t *)(void *)at = h.size;
    s->end += need;
    return 0;
}

/* ---- segments ---- */

static void segment_close(struct segment *s)
{
    if (s->map)
        munmap(s->map, s->bytes);
    if (s->fd > 0)
        close(s->fd);
    *s = (struct segment){ 0 };
}

static int segment_map(struct segment *s)
{
    struct stat st;

    if (fstat(s->fd, &st) != 0 || st.st_size < (off_t)sizeof(struct segment_header))
        return ERR_SYS;
    s->bytes = (size_t)st.st_size;
    void *map = mmap(NULL, s->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, 0);
    if (map == MAP_FAILED)
        return ERR_SYS;
    s->map = map;
    return 0;
}

static struct segment_header *header_of(const struct segment *s)
{
    return (struct segment_header *)(void *)s->map;
}

/* A new segment is written under another name and renamed when its checkpoint is complete. */
static int segment_create(const struct journal *j, struct segment *s, uint64_t number)
{
    *s = (struct segment){ .number = number };
    if ((size_t)snprintf(s->path, sizeof(s->path), "%s.%08llu.new", j->prefix,
                         (unsigned long long)number) >= sizeof(s->path))
        return ERR_FULL;
    unlink(s->path);
    s->fd = open(s->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (s->fd < 0 || posix_fallocate(s->fd, 0, (off_t)j->segment_bytes) != 0 ||
        segment_map(s) != 0) {
        unlink(s->path);
        segment_close(s);
        return ERR_SYS;
    }
    struct segment_header h = { .version = JOURNAL_VERSION,
                                .header_size = sizeof(h),
                                .segment = number,
                                .first_number = j->last_number + 1,
                                .boot_id = j->boot_id };
    memcpy(h.magic, magic, sizeof(h.magic));
    memcpy(s->map, &h, sizeof(h));
    s->end = sizeof(h);
    return 0;
}

static void sync_directory(const char *prefix)
{
    char path[PATH_CAP];
    const char *slash = strrchr(prefix, '/');

    snprintf(path, sizeof(path), "%.*s", slash ? (int)(slash - prefix) : 1, slash ? prefix : ".");
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
}

static int segment_publish(const struct journal *j, struct segment *s)
{
    char path[PATH_CAP];

    if (msync(s->map, s->end, MS_SYNC) != 0 ||
        (size_t)snprintf(path, sizeof(path), "%s.%08llu.journal", j->prefix,
                         (unsigned long long)s->number) >= sizeof(path) ||
        rename(s->path, path) != 0)
        return ERR_SYS;
    memcpy(s->path, path, sizeof(path));
    sync_directory(j->prefix);
    return 0;
}

/* ---- reading ---- */

/* Damage is not the same as a torn end: whole, younger records behind it say that bytes in the
 * middle broke. */
static bool has_younger_records(const struct segment *s, size_t from, uint64_t after)
{
    struct record_header h;

    for (size_t at = from; at + sizeof(h) <= s->bytes; at += 8)
        if (record_at(s, at, &h) && h.number > after)
            return true;
    return false;
}

static size_t count_tail(const struct segment *s, size_t from)
{
    size_t last = from;

    for (size_t at = from; at < s->bytes; at++)
        if (s->map[at])
            last = at + 1;
    return last - from;
}

static int read_records(struct journal *j, journal_on_record *on_record, void *ctx)
{
    struct segment *s = &j->now;
    struct record_header h;
    size_t at = sizeof(struct segment_header);
    uint64_t expected = header_of(s)->first_number;
    bool is_same_boot = header_of(s)->boot_id == j->boot_id;

    while (record_at(s, at, &h) && h.number == expected) {
        int err = on_record(ctx, h.type, s->map + at + sizeof(h), h.size);
        if (err)
            return err;
        at += sizeof(h) + padded(h.size);
        expected++;
        j->stats.records_read++;
    }
    s->end = at;
    j->last_number = expected - 1;
    j->stats.bytes_read = at;
    j->stats.torn_bytes = count_tail(s, at);
    if (j->stats.torn_bytes && is_same_boot && has_younger_records(s, at, j->last_number))
        return ERR_CHECKSUM;
    j->is_whole = j->stats.torn_bytes == 0 && (is_same_boot || header_of(s)->is_clean);
    memset(s->map + at, 0, j->stats.torn_bytes); /* Never to be taken for the start of a record. */
    return 0;
}

static int check_header(const struct segment *s, char *problem, size_t cap)
{
    const struct segment_header *h = header_of(s);

    errno = 0;
    if (memcmp(h->magic, magic, sizeof(magic)) != 0) {
        say(problem, cap, "is not a journal", s->path);
        return ERR_PROTO;
    }
    if (h->version > JOURNAL_VERSION) {
        snprintf(problem, cap, "%s: version %u, this build reads up to %d", s->path, h->version,
                 JOURNAL_VERSION);
        return ERR_VERSION;
    }
    return 0;
}

/* The number of the youngest complete segment, 0: none. Unfinished ones are removed. */
static uint64_t find_segment(const char *prefix)
{
    char directory[PATH_CAP];
    const char *slash = strrchr(prefix, '/');
    const char *name = slash ? slash + 1 : prefix;
    uint64_t found = 0;

    snprintf(directory, sizeof(directory), "%.*s", slash ? (int)(slash - prefix) : 1,
             slash ? prefix : ".");
    DIR *dir = opendir(directory);
    for (struct dirent *d; dir && (d = readdir(dir));) {
        unsigned long long number;
        int len = 0;
        if (strncmp(d->d_name, name, strlen(name)) != 0 ||
            sscanf(d->d_name + strlen(name), ".%llu.%n", &number, &len) != 1 || len == 0)
            continue;
        const char *suffix = d->d_name + strlen(name) + len;
        if (strcmp(suffix, "new") == 0)
            unlinkat(dirfd(dir), d->d_name, 0);
        if (strcmp(suffix, "journal") != 0)
            continue;
        found = MAX(found, number);
    }
    if (dir)
        closedir(dir);
    return found;
}

/* ---- the syncing thread ---- */

static int64_t mono_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * NS_PER_S + t.tv_nsec;
}

static void sync_now(struct journal *j)
{
    size_t dirty = atomic_load_explicit(&j->dirty_end, memory_order_acquire);

    pthread_mutex_lock(&j->mutex);
    if (dirty > j->synced_end && dirty <= j->now.bytes) {
        size_t from = j->synced_end / 4096 * 4096;
        int64_t began = mono_ns();
        if (msync(j->now.map + from, dirty - from, MS_SYNC) != 0)
            atomic_fetch_add(&j->sync_failed, 1);
        atomic_fetch_add(&j->syncs, 1);
        if (mono_ns() - began > atomic_load(&j->sync_longest_ns))
            atomic_store(&j->sync_longest_ns, mono_ns() - began);
        j->synced_end = dirty;
    }
    pthread_mutex_unlock(&j->mutex);
}

static void *sync_thread(void *arg)
{
    struct journal *j = arg;
    struct timespec pause = { .tv_nsec = SYNC_PERIOD_MS * NS_PER_MS };

    while (!atomic_load(&j->is_stopping)) {
        nanosleep(&pause, NULL);
        sync_now(j);
    }
    return NULL;
}

/* ---- open, close ---- */

static int take_lock(struct journal *j, char *problem, size_t cap)
{
    char path[PATH_CAP], owner[64] = "";

    snprintf(path, sizeof(path), "%s.lock", j->prefix);
    j->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (j->lock_fd < 0) {
        say(problem, cap, "cannot open", path);
        return ERR_SYS;
    }
    if (flock(j->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        ssize_t n = pread(j->lock_fd, owner, sizeof(owner) - 1, 0);
        owner[MAX(n, 0)] = 0;
        snprintf(problem, cap, "%s: another engine (pid %.*s) has this account's journal", path,
                 (int)strcspn(owner, "\n"), owner);
        return ERR_LOCKED;
    }
    int len = snprintf(owner, sizeof(owner), "%d\n", (int)getpid());
    if (ftruncate(j->lock_fd, 0) != 0 || pwrite(j->lock_fd, owner, (size_t)len, 0) != len) {
        say(problem, cap, "cannot write", path);
        return ERR_SYS;
    }
    return 0;
}

static int open_found(struct journal *j, uint64_t number, journal_on_record *on_record, void *ctx,
                      char *problem, size_t cap)
{
    struct segment *s = &j->now;

    s->number = number;
    snprintf(s->path, sizeof(s->path), "%s.%08llu.journal", j->prefix, (unsigned long long)number);
    s->fd = open(s->path, O_RDWR | O_CLOEXEC);
    if (s->fd < 0 || segment_map(s) != 0) {
        say(problem, cap, "cannot map", s->path);
        return ERR_SYS;
    }
    int err = check_header(s, problem, cap);
    if (!err) {
        errno = 0;
        err = read_records(j, on_record, ctx);
        if (err)
            snprintf(problem, cap, "%s: record %llu at byte %zu: %s", s->path,
                     (unsigned long long)j->last_number + 1, s->end, err_str(err));
    }
    return err;
}

static int open_new(struct journal *j, char *problem, size_t cap)
{
    int err = segment_create(j, &j->now, 1);

    if (!err)
        err = segment_publish(j, &j->now);
    if (err)
        say(problem, cap, "cannot make a segment", j->prefix);
    j->is_whole = true;
    return err;
}

int journal_open(struct journal **journal, const struct journal_config *config,
                 journal_on_record *on_record, void *ctx, char *problem, size_t cap)
{
    if (config->segment_bytes < JOURNAL_SEGMENT_MIN ||
        strlen(config->prefix) >= sizeof((*journal)->prefix)) {
        snprintf(problem, cap, "%s: segment too small or path too long", config->prefix);
        return ERR_RANGE;
    }
    struct journal *j = calloc(1, sizeof(*j));
    if (!j) {
        snprintf(problem, cap, "%s: no memory", config->prefix);
        return ERR_SYS;
    }
    memcpy(j->prefix, config->prefix, strlen(config->prefix) + 1);
    j->boot_id = config->boot_id;
    j->segment_bytes = config->segment_bytes;
    pthread_mutex_init(&j->mutex, NULL);
    int err = take_lock(j, problem, cap);
    if (!err) {
        uint64_t number = find_segment(j->prefix);
        err = number ? open_found(j, number, on_record, ctx, problem, cap)
                     : open_new(j, problem, cap);
    }
    if (!err) {
        header_of(&j->now)->boot_id = j->boot_id;
        header_of(&j->now)->is_clean = 0;
        j->synced_end = 0;
        atomic_store(&j->dirty_end, j->now.end);
        j->has_thread =
            !config->has_no_thread && pthread_create(&j->thread, NULL, sync_thread, j) == 0;
        if (!config->has_no_thread && !j->has_thread)
            err = ERR_SYS;
    }
    if (err) {
        segment_close(&j->now);
        if (j->lock_fd > 0)
            close(j->lock_fd);
        pthread_mutex_destroy(&j->mutex);
        free(j);
        return err;
    }
    *journal = j;
    return 0;
}

void journal_close(struct journal **journal)
{
    struct journal *j = *journal;

    if (!j)
        return;
    atomic_store(&j->is_stopping, true);
    if (j->has_thread)
        pthread_join(j->thread, NULL);
    if (msync(j->now.map, j->now.bytes, MS_SYNC) == 0) {
        header_of(&j->now)->is_clean = 1;
        (void)msync(j->now.map, sizeof(struct segment_header), MS_SYNC);
    }
    segment_close(&j->now);
    close(j->lock_fd);
    pthread_mutex_destroy(&j->mutex);
    free(j);
    *journal = NULL;
}

/* ---- appending ---- */

int journal_append(struct journal *j, uint16_t type, const void *record, size_t size)
{
    int err = segment_append(&j->now, j->last_number + 1, type, record, size);

    if (err)
        return err;
    j->last_number++;
    j->stats.appended++;
    j->stats.appended_bytes += size;
    atomic_store_explicit(&j->dirty_end, j->now.end, memory_order_release);
    return 0;
}

bool journal_wants_rotation(const struct journal *j)
{
    return j->now.end > j->now.bytes / 4 * 3;
}

int journal_append_next(struct journal *j, uint16_t type, const void *record, size_t size)
{
    uint64_t number = header_of(&j->next)->first_number + j->next.number;
    int err = segment_append(&j->next, number, type, record, size);

    j->next.number += !err;
    return err;
}

int journal_rotate(struct journal *j, journal_checkpoint *checkpoint, void *ctx)
{
    char old_path[PATH_CAP];
    uint64_t number = j->now.number + 1, appended = 0;
    int err = segment_create(j, &j->next, number);

    if (!err) {
        j->next.number = 0; /* Counts its records while they are written. */
        err = checkpoint(ctx, j);
        appended = j->next.number;
        j->next.number = number;
    }
    if (!err && j->next.end > j->next.bytes / 2)
        err = ERR_FULL; /* It would be rotated again at once, for ever. */
    if (!err)
        err = segment_publish(j, &j->next);
    if (err) {
        if (j->next.map)
            unlink(j->next.path);
        segment_close(&j->next);
        j->stats.rotations_failed++;
        return err;
    }
    pthread_mutex_lock(&j->mutex);
    struct segment old = j->now;
    j->now = j->next;
    j->next = (struct segment){ 0 };
    j->last_number += appended;
    j->synced_end = j->now.end;
    atomic_store(&j->dirty_end, j->now.end);
    pthread_mutex_unlock(&j->mutex);
    segment_close(&old);
    if (number > 2) { /* The one before stays, for people. */
        snprintf(old_path, sizeof(old_path), "%s.%08llu.journal", j->prefix,
                 (unsigned long long)number - 2);
        unlink(old_path);
    }
    j->stats.rotations++;
    return 0;
}

bool journal_is_whole(const struct journal *j)
{
    return j->is_whole;
}

void journal_stats(const struct journal *j, struct journal_stats *out)
{
    *out = j->stats;
    out->syncs = atomic_load(&j->syncs);
    out->sync_failed = atomic_load(&j->sync_failed);
    out->sync_longest_ns = atomic_load(&j->sync_longest_ns);
    out->segment = j->now.number;
    out->used_bytes = j->now.end;
    out->segment_bytes = j->now.bytes;
}
