#include "trading_engine/journal.h"

#include "trading_engine/segment.h"

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
#include <time.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* A page that was brought to the disk costs the next store to it a fault, which can wait for the
 * file system. So the page being filled is left alone until nothing came for QUIET_PASSES, and
 * pages ahead are made ready. */
enum { SYNC_PERIOD_MS = 20, QUIET_PASSES = 10, RETIRED_MAX = 2, PAGE = 4096, AHEAD = 1 << 18 };

/* The loop appends and rotates; the thread brings bytes to the disk, gives a new segment its final
 * name, prepares the one after it and closes the old. They meet in what the mutex guards, held for
 * a few instructions on either side: the loop never waits for the disk. */
struct journal {
    char prefix[512];
    uint64_t boot_id;
    size_t segment_bytes;
    int lock_fd;
    struct segment now; /* The loop's, but for what `shared` repeats of it. */
    struct segment next;
    uint64_t last_number;
    bool is_whole;
    struct journal_stats stats;
    pthread_t thread;
    bool has_thread;
    atomic_bool is_stopping;
    atomic_size_t dirty_end; /* How far `now` has been stored. */
    pthread_mutex_t mutex;
    struct {
        struct segment now; /* Map, number and path of it. */
        bool is_new;        /* Still under its working name. */
        size_t synced_end, ready_end;
        struct segment spare; /* Preallocated for the next rotation. */
        struct segment retired[RETIRED_MAX];
        unsigned retired_count;
    } shared;
    size_t seen_end; /* The thread's own. */
    unsigned quiet_passes;
    atomic_ullong syncs, sync_failed;
    atomic_llong sync_longest_ns;
};

static void say(char *problem, size_t cap, const char *what, const char *path)
{
    snprintf(problem, cap, "%s: %s%s%s", path, what, errno ? ": " : "",
             errno ? strerror(errno) : "");
}

static void path_of(const struct journal *j, uint64_t number, const char *suffix,
                    char out[SEGMENT_PATH_CAP])
{
    snprintf(out, SEGMENT_PATH_CAP, "%s.%08llu.%s", j->prefix, (unsigned long long)number, suffix);
}

static void spare_path(const struct journal *j, char out[SEGMENT_PATH_CAP])
{
    snprintf(out, SEGMENT_PATH_CAP, "%s.spare", j->prefix);
}

/* ---- what the thread does ---- */

static int64_t mono_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * NS_PER_S + t.tv_nsec;
}

static int sync_range(struct journal *j, const struct segment *s, size_t from, size_t to)
{
    int64_t began = mono_ns();

    from = from / PAGE * PAGE;
    int err = msync(s->map + from, to - from, MS_SYNC);
    int64_t took = mono_ns() - began;
    atomic_fetch_add(&j->syncs, 1);
    if (err)
        atomic_fetch_add(&j->sync_failed, 1);
    if (took > atomic_load(&j->sync_longest_ns))
        atomic_store(&j->sync_longest_ns, took);
    /* What is on the disk need not stay in memory; the page that is still written to does. */
    if (!err && to / PAGE * PAGE > from)
        (void)madvise(s->map + from, to / PAGE * PAGE - from, MADV_DONTNEED);
    return err ? ERR_SYS : 0;
}

/* The checkpoint is on the disk: from now on the segment stands for all before it. The one before
 * stays. */
static void publish(struct journal *j, struct segment *s)
{
    char path[SEGMENT_PATH_CAP];

    path_of(j, s->number, "journal", path);
    if (segment_rename(s, path, true) != 0)
        return;
    pthread_mutex_lock(&j->mutex);
    if (j->shared.now.number == s->number) {
        j->shared.is_new = false;
        memcpy(j->shared.now.path, s->path, sizeof(s->path));
    }
    pthread_mutex_unlock(&j->mutex);
    if (s->number > 2) {
        path_of(j, s->number - 2, "journal", path);
        unlink(path);
    }
}

static void make_spare(struct journal *j)
{
    struct segment spare;
    char path[SEGMENT_PATH_CAP];

    spare_path(j, path);
    if (segment_create(&spare, path, j->segment_bytes) != 0)
        return; /* Disk full: rotation tries itself, and says so. */
    pthread_mutex_lock(&j->mutex);
    j->shared.spare = spare;
    pthread_mutex_unlock(&j->mutex);
}

/* How far to sync now: whole pages; the last one too when nothing more came for a while. */
static size_t sync_target(struct journal *j, size_t to, bool is_new)
{
    j->quiet_passes = to == j->seen_end ? j->quiet_passes + 1 : 0;
    j->seen_end = to;
    bool wants_all = is_new || !j->has_thread || j->quiet_passes >= QUIET_PASSES;
    return wants_all ? to : to / PAGE * PAGE;
}

static size_t make_ready(const struct segment *now, size_t end, size_t ready_end)
{
    size_t from = MAX(ready_end, end) / PAGE * PAGE,
           to = MIN(end + AHEAD, now->bytes) / PAGE * PAGE;

    if (to > from && ready_end < end + AHEAD / 2)
        (void)madvise(now->map + from, to - from,
                      MADV_POPULATE_WRITE); /* Older kernels: a fault later. */
    else
        return ready_end;
    return to;
}

static void sync_pass(struct journal *j)
{
    struct segment retired[RETIRED_MAX];

    pthread_mutex_lock(&j->mutex);
    struct segment now = j->shared.now;
    bool is_new = j->shared.is_new, wants_spare = j->shared.spare.map == NULL;
    size_t from = j->shared.synced_end, ready_end = j->shared.ready_end;
    size_t end = atomic_load_explicit(&j->dirty_end, memory_order_acquire);
    unsigned retired_count = j->shared.retired_count;
    memcpy(retired, j->shared.retired, sizeof(retired));
    j->shared.retired_count = 0;
    pthread_mutex_unlock(&j->mutex);
    for (unsigned i = 0; i < retired_count; i++)
        segment_close(&retired[i]);
    size_t to = sync_target(j, end, is_new);
    bool is_synced = to > from && sync_range(j, &now, from, to) == 0;
    if (j->has_thread)
        ready_end = make_ready(&now, end, ready_end);
    pthread_mutex_lock(&j->mutex);
    if (j->shared.now.number == now.number) {
        j->shared.ready_end = ready_end;
        if (is_synced)
            j->shared.synced_end = to;
    }
    pthread_mutex_unlock(&j->mutex);
    if (is_synced && is_new)
        publish(j, &now);
    if (wants_spare && j->has_thread)
        make_spare(j);
}

static void *sync_thread(void *arg)
{
    struct journal *j = arg;
    struct timespec pause = { .tv_nsec = SYNC_PERIOD_MS * NS_PER_MS };

    while (!atomic_load(&j->is_stopping)) {
        sync_pass(j);
        nanosleep(&pause, NULL);
    }
    return NULL;
}

/* ---- which segment ---- */

/* A segment under its working name counts when its checkpoint is whole and no page of it can be
 * missing. */
static bool is_usable_new(const char *path, uint64_t boot_id)
{
    struct segment s;
    bool is_usable = segment_open(&s, path) == 0 && segment_header_of(&s)->is_complete &&
                     segment_header_of(&s)->boot_id == boot_id;

    if (s.fd > 0)
        segment_close(&s);
    return is_usable;
}

struct found {
    uint64_t number; /* 0: none. */
    bool is_new;
};

static void look_at(const struct journal *j, uint64_t number, const char *suffix,
                    struct found *found)
{
    char path[SEGMENT_PATH_CAP];
    bool is_new = strcmp(suffix, "new") == 0;

    if (!is_new && strcmp(suffix, "journal") != 0)
        return;
    path_of(j, number, suffix, path);
    if (is_new && !is_usable_new(path, j->boot_id))
        unlink(path); /* A rotation that did not come to its end. */
    else if (number > found->number)
        *found = (struct found){ number, is_new };
}

static struct found find_segment(const struct journal *j)
{
    char directory[SEGMENT_PATH_CAP];
    const char *slash = strrchr(j->prefix, '/');
    const char *name = slash ? slash + 1 : j->prefix;
    struct found found = { 0 };

    snprintf(directory, sizeof(directory), "%.*s", slash ? (int)(slash - j->prefix) : 1,
             slash ? j->prefix : ".");
    DIR *dir = opendir(directory);
    for (struct dirent *d; dir && (d = readdir(dir));) {
        unsigned long long number;
        int len = 0;
        if (strncmp(d->d_name, name, strlen(name)) == 0 &&
            sscanf(d->d_name + strlen(name), ".%llu.%n", &number, &len) == 1 && len > 0)
            look_at(j, number, d->d_name + strlen(name) + len, &found);
    }
    if (dir)
        closedir(dir);
    return found;
}

/* ---- open, close ---- */

static int take_lock(struct journal *j, char *problem, size_t cap)
{
    char path[SEGMENT_PATH_CAP], owner[64] = "";

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

static int open_found(struct journal *j, struct found found, journal_on_record *on_record,
                      void *ctx, char *problem, size_t cap)
{
    char path[SEGMENT_PATH_CAP];

    path_of(j, found.number, found.is_new ? "new" : "journal", path);
    errno = 0;
    int err = segment_open(&j->now, path);
    if (err) {
        if (err == ERR_VERSION)
            snprintf(problem, cap,
                     "%s: version %u, this build writes %d: let the build that wrote it cancel its "
                     "orders and stop, then move its files away; position_server keeps the trade "
                     "numbers, and the venue is asked for the rest",
                     path, segment_header_of(&j->now)->version, JOURNAL_VERSION);
        else
            say(problem, cap, err == ERR_PROTO ? "is not a journal" : "cannot be mapped", path);
        return err;
    }
    bool is_same_boot = segment_header_of(&j->now)->boot_id == j->boot_id;
    err = segment_read(&j->now, is_same_boot, on_record, ctx, &j->stats.records_read,
                       &j->last_number, &j->stats.torn_bytes);
    j->stats.bytes_read = j->now.end;
    j->is_whole =
        j->stats.torn_bytes == 0 && (is_same_boot || segment_header_of(&j->now)->is_clean);
    j->shared.is_new = found.is_new;
    if (err)
        snprintf(problem, cap, "%s: record %llu at byte %zu: %s", path,
                 (unsigned long long)j->last_number + 1, j->now.end, err_str(err));
    return err;
}

static int open_new(struct journal *j, char *problem, size_t cap)
{
    char path[SEGMENT_PATH_CAP];

    path_of(j, 1, "journal", path);
    int err = segment_create(&j->now, path, j->segment_bytes);
    if (err) {
        say(problem, cap, "cannot make a segment", path);
        return err;
    }
    segment_begin(&j->now, 1, 1, j->boot_id);
    segment_header_of(&j->now)->is_complete = 1;
    j->is_whole = true;
    return 0;
}

static int begin_writing(struct journal *j, bool has_no_thread)
{
    segment_header_of(&j->now)->boot_id = j->boot_id;
    segment_header_of(&j->now)->is_clean = 0;
    j->shared.now = j->now;
    atomic_store(&j->dirty_end, j->now.end);
    j->has_thread = !has_no_thread;
    if (!has_no_thread && pthread_create(&j->thread, NULL, sync_thread, j) != 0) {
        j->has_thread = false;
        return ERR_SYS;
    }
    return 0;
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
        struct found found = find_segment(j);
        err = found.number ? open_found(j, found, on_record, ctx, problem, cap)
                           : open_new(j, problem, cap);
    }
    if (!err)
        err = begin_writing(j, config->has_no_thread);
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
    char path[SEGMENT_PATH_CAP];

    if (!j)
        return;
    atomic_store(&j->is_stopping, true);
    if (j->has_thread)
        pthread_join(j->thread, NULL);
    j->has_thread = false;
    sync_pass(j);
    if (sync_range(j, &j->now, 0, j->now.end) == 0) {
        segment_header_of(&j->now)->is_clean = 1;
        (void)sync_range(j, &j->now, 0, sizeof(struct segment_header));
    }
    if (j->shared.spare.map) {
        segment_close(&j->shared.spare);
        spare_path(j, path);
        unlink(path);
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
    uint64_t number = segment_header_of(&j->next)->first_number + j->stats.checkpoint_records;
    int err = segment_append(&j->next, number, type, record, size);

    j->stats.checkpoint_records += !err;
    return err;
}

/* The spare where there is one: preallocating takes the file system its time. */
static int take_next(struct journal *j, uint64_t number)
{
    char path[SEGMENT_PATH_CAP];

    path_of(j, number, "new", path);
    pthread_mutex_lock(&j->mutex);
    bool is_busy = j->shared.is_new || j->shared.retired_count == RETIRED_MAX;
    j->next = j->shared.spare;
    if (!is_busy)
        j->shared.spare = (struct segment){ 0 };
    pthread_mutex_unlock(&j->mutex);
    if (is_busy) {
        j->next = (struct segment){ 0 };
        return ERR_AGAIN; /* The last rotation is not on the disk yet. */
    }
    int err = j->next.map ? segment_rename(&j->next, path, false)
                          : segment_create(&j->next, path, j->segment_bytes);
    if (!err)
        segment_begin(&j->next, number, j->last_number + 1, j->boot_id);
    return err;
}

static void switch_over(struct journal *j)
{
    pthread_mutex_lock(&j->mutex);
    j->shared.retired[j->shared.retired_count++] = j->now;
    j->now = j->next;
    j->shared.now = j->now;
    j->shared.is_new = true;
    j->shared.synced_end = j->shared.ready_end = 0;
    atomic_store(&j->dirty_end, j->now.end);
    pthread_mutex_unlock(&j->mutex);
    j->next = (struct segment){ 0 };
    j->last_number += j->stats.checkpoint_records;
    j->stats.rotations++;
}

int journal_rotate(struct journal *j, journal_checkpoint *checkpoint, void *ctx)
{
    int err = take_next(j, j->now.number + 1);

    j->stats.checkpoint_records = 0;
    if (!err)
        err = checkpoint(ctx, j);
    if (!err && j->next.end > j->next.bytes / 2)
        err = ERR_FULL; /* It would be rotated again at once, for ever. */
    if (err) {
        if (j->next.map)
            unlink(j->next.path);
        segment_close(&j->next);
        j->stats.rotations_failed += err != ERR_AGAIN;
        return err;
    }
    atomic_thread_fence(memory_order_release);
    segment_header_of(&j->next)->is_complete = 1; /* After kill -9 it counts from here on. */
    switch_over(j);
    if (!j->has_thread)
        sync_pass(j);
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
