/* The journal: what was appended is there after any death, a torn end is seen, a damaged middle is
 * not passed over. */
#include "trading_engine/journal.h"

#include "common/edge/loop.h"
#include "tests/unit/check.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SEGMENT = JOURNAL_SEGMENT_MIN, RECORDS = 40, HEADER = 64 };

static char directory[64], prefix[96], problem[512];

struct seen {
    unsigned count;
    uint64_t last;
    bool is_in_order;
};

static int note_record(void *ctx, uint16_t type, const void *record, size_t size)
{
    struct seen *seen = ctx;
    uint64_t value;

    memcpy(&value, record, sizeof(value));
    seen->is_in_order &= value == seen->last + 1 && type == 2 && size >= sizeof(value);
    seen->last = value;
    seen->count++;
    return 0;
}

static struct journal_config config_of(uint64_t boot_id)
{
    return (struct journal_config){
        .prefix = prefix, .segment_bytes = SEGMENT, .boot_id = boot_id, .has_no_thread = true
    };
}

static int open_at(struct journal **journal, uint64_t boot_id, struct seen *seen)
{
    struct journal_config config = config_of(boot_id);

    *seen = (struct seen){ .is_in_order = true };
    return journal_open(journal, &config, note_record, seen, problem, sizeof(problem));
}

static void remove_all(void)
{
    char command[160];

    snprintf(command, sizeof(command), "rm -rf %s/*", directory);
    CHECK_INT(system(command), 0);
}

/* Sizes differ, so that records end at all alignments. */
static int append(struct journal *journal, uint64_t value)
{
    uint8_t record[128] = { 0 };

    memcpy(record, &value, sizeof(value));
    return journal_append(journal, 2, record, 8 + value % 61);
}

static void path_of(unsigned segment, char out[160])
{
    snprintf(out, 160, "%s.%08u.journal", prefix, segment);
}

/* The file as kill -9 leaves it: no journal_close. */
static size_t make(unsigned records)
{
    struct journal *journal = NULL;
    struct journal_stats stats;
    struct seen seen;

    remove_all();
    CHECK_INT(open_at(&journal, 1, &seen), 0);
    for (uint64_t i = 1; i <= records; i++)
        CHECK_INT(append(journal, i), 0);
    journal_stats(journal, &stats);
    char path[160], copy[160];
    path_of(1, path);
    snprintf(copy, sizeof(copy), "%s/copy", directory);
    char command[400];
    snprintf(command, sizeof(command), "cp %s %s", path, copy);
    CHECK_INT(system(command), 0);
    journal_close(&journal);
    CHECK_INT(rename(copy, path), 0); /* Without the mark of a clean end. */
    return stats.used_bytes;
}

static void damage(size_t at, const void *bytes, size_t len)
{
    char path[160];

    path_of(1, path);
    int fd = open(path, O_RDWR);
    CHECK_INT(pwrite(fd, bytes, len, (off_t)at), (ssize_t)len);
    close(fd);
}

static void what_was_appended_is_read_back(void)
{
    struct journal *journal = NULL;
    struct seen seen;

    make(RECORDS);
    CHECK_INT(open_at(&journal, 1, &seen), 0);
    CHECK_INT(seen.count, RECORDS);
    CHECK(seen.is_in_order);
    CHECK(journal_is_whole(journal));
    CHECK_INT(append(journal, RECORDS + 1), 0);
    journal_close(&journal);
    journal_close(&journal);
    CHECK_INT(open_at(&journal, 1, &seen), 0);
    CHECK_INT(seen.count, RECORDS + 1);
    journal_close(&journal);
}

static void kill_9_takes_nothing(void)
{
    struct journal *journal = NULL;
    struct seen seen;
    int status, ready[2];

    remove_all();
    CHECK_INT(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        struct journal_config config = config_of(1);
        struct seen none = { .is_in_order = true };
        if (journal_open(&journal, &config, note_record, &none, problem, sizeof(problem)) != 0)
            _exit(1);
        for (uint64_t i = 1; i <= 500; i++)
            (void)append(journal, i);
        (void)!write(ready[1], "x", 1);
        for (;;)
            pause();
    }
    char byte;
    CHECK_INT(read(ready[0], &byte, 1), 1);
    CHECK_INT(kill(child, 9), 0);
    CHECK_INT(waitpid(child, &status, 0), child);
    close(ready[0]);
    close(ready[1]);
    CHECK_INT(open_at(&journal, 1, &seen), 0);
    CHECK_INT(seen.count, 500);
    CHECK(journal_is_whole(journal));
    journal_close(&journal);
}

/* Cut after any byte: the records before the cut are there, nothing else is, and appending goes on.
 */
static void a_journal_torn_at_every_byte_keeps_what_came_before(void)
{
    size_t end = make(RECORDS), starts[RECORDS + 1];
    static uint8_t whole[SEGMENT], zeros[SEGMENT];
    char path[160];

    path_of(1, path);
    int fd = open(path, O_RDWR);
    CHECK_INT(pread(fd, whole, SEGMENT, 0), SEGMENT);
    size_t at = HEADER;
    for (unsigned i = 0; i <= RECORDS; i++) {
        uint32_t size;
        starts[i] = at;
        memcpy(&size, whole + at, sizeof(size));
        at += 24 + (size + 7) / 8 * 8;
    }
    CHECK_INT(starts[RECORDS], end);
    for (size_t cut = HEADER; cut < end; cut++) {
        struct journal *journal = NULL;
        struct seen seen;
        unsigned before = 0;
        while (before < RECORDS && starts[before + 1] <= cut)
            before++;
        CHECK_INT(pwrite(fd, whole, cut, 0), (ssize_t)cut);
        CHECK_INT(pwrite(fd, zeros, SEGMENT - cut, (off_t)cut), (ssize_t)(SEGMENT - cut));
        CHECK_INT(open_at(&journal, 1, &seen), 0);
        /* Padding that is cut off is zero anyway: then the record is whole. */
        CHECK(seen.count == before || seen.count == before + 1);
        CHECK(seen.is_in_order);
        bool is_torn = cut > starts[seen.count];
        bool has_bytes = false;
        for (size_t k = starts[seen.count]; k < cut; k++)
            has_bytes |= whole[k] != 0;
        CHECK_INT(journal_is_whole(journal), !(is_torn && has_bytes));
        CHECK_INT(append(journal, seen.count + 1), 0);
        journal_close(&journal);
        CHECK_INT(open_at(&journal, 1, &seen), 0);
        CHECK(seen.count == before + 1 || seen.count == before + 2);
        CHECK(seen.is_in_order);
        journal_close(&journal);
        if (check_failed_in_case)
            break;
    }
    close(fd);
}

static void a_changed_byte_in_the_middle_refuses_the_journal(void)
{
    struct journal *journal = NULL;
    struct seen seen;
    uint8_t byte = 0xee;

    make(RECORDS);
    damage(HEADER + 24 + 3, &byte, 1);
    CHECK_INT(open_at(&journal, 1, &seen), ERR_CHECKSUM);
    CHECK(strstr(problem, "record 1") != NULL);
    /* After a power loss pages may be missing in any order: what comes before the hole is kept, and
     * said not to be whole. */
    CHECK_INT(open_at(&journal, 2, &seen), 0);
    CHECK_INT(seen.count, 0);
    CHECK(!journal_is_whole(journal));
    journal_close(&journal);
}

static void another_boot_is_whole_only_after_a_clean_end(void)
{
    struct journal *journal = NULL;
    struct seen seen;

    make(RECORDS);
    CHECK_INT(open_at(&journal, 2, &seen), 0);
    CHECK_INT(seen.count, RECORDS);
    CHECK(!journal_is_whole(journal));
    journal_close(&journal);
    CHECK_INT(open_at(&journal, 3, &seen), 0);
    CHECK(journal_is_whole(journal));
    journal_close(&journal);
}

static void a_second_engine_is_refused_and_told_who_has_it(void)
{
    struct journal *journal = NULL, *second = NULL;
    struct seen seen;
    char pid[32];

    remove_all();
    CHECK_INT(open_at(&journal, 1, &seen), 0);
    CHECK_INT(open_at(&second, 1, &seen), ERR_LOCKED);
    snprintf(pid, sizeof(pid), "pid %d", (int)getpid());
    CHECK(strstr(problem, pid) != NULL);
    CHECK(second == NULL);
    journal_close(&journal);
    CHECK_INT(open_at(&second, 1, &seen), 0);
    journal_close(&second);
}

static void a_newer_version_and_a_strange_file_are_refused(void)
{
    struct journal *journal = NULL;
    struct seen seen;
    uint32_t version = JOURNAL_VERSION + 1;

    make(3);
    damage(8, &version, sizeof(version));
    CHECK_INT(open_at(&journal, 1, &seen), ERR_VERSION);
    CHECK_INT(seen.count, 0);
    CHECK(strstr(problem, "version") != NULL);
    damage(0, "NOTAJRNL", 8);
    CHECK_INT(open_at(&journal, 1, &seen), ERR_PROTO);
}

static void a_full_segment_says_so(void)
{
    struct journal *journal = NULL;
    struct journal_stats stats;
    struct seen seen;
    uint8_t large[JOURNAL_RECORD_MAX + 1] = { 0 };
    uint64_t i = 0;

    remove_all();
    CHECK_INT(open_at(&journal, 1, &seen), 0);
    CHECK_INT(journal_append(journal, 2, large, sizeof(large)), ERR_RANGE);
    CHECK_INT(journal_append(journal, 2, large, 0), ERR_RANGE);
    while (append(journal, i + 1) == 0)
        i++;
    CHECK_INT(append(journal, i + 1), ERR_FULL);
    CHECK(journal_wants_rotation(journal));
    journal_stats(journal, &stats);
    CHECK_INT(stats.appended, (long long)i);
    journal_close(&journal);
    CHECK_INT(open_at(&journal, 1, &seen), 0);
    CHECK_INT(seen.count, (long long)i);
    journal_close(&journal);
}

static int checkpoint_two(void *ctx, struct journal *journal)
{
    const int *fails = ctx;
    uint64_t value = 1;
    int err = journal_append_next(journal, 2, &value, sizeof(value));

    value = 2;
    if (!err)
        err = journal_append_next(journal, 2, &value, sizeof(value));
    return *fails ? ERR_FULL : err;
}

static void rotation_goes_on_from_a_checkpoint_and_keeps_one_old_segment(void)
{
    struct journal *journal = NULL;
    struct journal_stats stats;
    struct seen seen;
    int fails = 1;
    char path[160];
    struct stat st;

    remove_all();
    CHECK_INT(open_at(&journal, 1, &seen), 0);
    for (uint64_t i = 1; i <= 10; i++)
        CHECK_INT(append(journal, i), 0);
    CHECK_INT(journal_rotate(journal, checkpoint_two, &fails), ERR_FULL);
    CHECK_INT(append(journal, 11), 0); /* The old one goes on. */
    fails = 0;
    for (int round = 0; round < 3; round++) {
        CHECK_INT(journal_rotate(journal, checkpoint_two, &fails), 0);
        CHECK_INT(append(journal, 3), 0);
    }
    journal_stats(journal, &stats);
    CHECK_INT(stats.rotations, 3);
    CHECK_INT(stats.rotations_failed, 1);
    CHECK_INT(stats.segment, 4);
    for (unsigned i = 1; i <= 4; i++) {
        path_of(i, path);
        CHECK_INT(stat(path, &st) == 0, i >= 3);
    }
    journal_close(&journal);
    CHECK_INT(open_at(&journal, 1, &seen), 0);
    CHECK_INT(seen.count, 3);
    CHECK(seen.is_in_order);
    journal_close(&journal);
}

static void an_unfinished_rotation_is_as_if_it_never_was(void)
{
    struct journal *journal = NULL;
    struct seen seen;
    char path[160];

    make(RECORDS);
    snprintf(path, sizeof(path), "%s.00000002.new", prefix);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    CHECK_INT(write(fd, "half", 4), 4);
    close(fd);
    CHECK_INT(open_at(&journal, 1, &seen), 0);
    CHECK_INT(seen.count, RECORDS);
    CHECK(access(path, F_OK) != 0);
    journal_close(&journal);
}

static void a_new_segment_counts_from_its_checkpoint_on(void)
{
    struct journal *journal = NULL;
    struct seen seen;
    int fails = 0;
    char path[160], working[160];

    make(RECORDS);
    CHECK_INT(open_at(&journal, 1, &seen), 0);
    CHECK_INT(journal_rotate(journal, checkpoint_two, &fails), 0);
    CHECK_INT(append(journal, 3), 0);
    journal_close(&journal);
    /* Killed before the thread had it on the disk: it still has its working name. */
    path_of(2, path);
    snprintf(working, sizeof(working), "%s.00000002.new", prefix);
    CHECK_INT(rename(path, working), 0);
    CHECK_INT(open_at(&journal, 1, &seen), 0);
    CHECK_INT(seen.count, 3);
    CHECK(journal_is_whole(journal));
    journal_close(&journal);
    CHECK_INT(access(path, F_OK), 0);
    /* After a power loss it may lack pages: the one before it holds. */
    CHECK_INT(rename(path, working), 0);
    CHECK_INT(open_at(&journal, 2, &seen), 0);
    CHECK_INT(seen.count, RECORDS);
    CHECK(access(working, F_OK) != 0);
    journal_close(&journal);
}

static void the_loop_rotates_without_the_disk(void)
{
    struct journal *journal = NULL;
    struct journal_config config = config_of(1);
    struct journal_stats stats;
    struct seen seen = { .is_in_order = true };
    int fails = 0, err = ERR_AGAIN;

    remove_all();
    config.has_no_thread = false;
    CHECK_INT(journal_open(&journal, &config, note_record, &seen, problem, sizeof(problem)), 0);
    for (int round = 0; round < 5; round++) {
        for (int64_t until = loop_now_ns() + 5 * NS_PER_S;
             err == ERR_AGAIN && loop_now_ns() < until; usleep(1000))
            err = journal_rotate(journal, checkpoint_two, &fails);
        CHECK_INT(err, 0);
        CHECK_INT(append(journal, 3), 0);
        err = ERR_AGAIN;
    }
    journal_stats(journal, &stats);
    CHECK_INT(stats.rotations, 5);
    CHECK_INT(stats.rotations_failed, 0);
    journal_close(&journal);
    CHECK_INT(open_at(&journal, 1, &seen), 0);
    CHECK_INT(seen.count, 3);
    CHECK(seen.is_in_order);
    journal_close(&journal);
}

static int refuse_third(void *ctx, uint16_t type, const void *record, size_t size)
{
    unsigned *count = ctx;

    (void)type;
    (void)record;
    (void)size;
    return ++*count == 3 ? ERR_PROTO : 0;
}

static void a_record_that_the_reader_refuses_stops_the_start(void)
{
    struct journal *journal = NULL;
    struct journal_config config = config_of(1);
    unsigned count = 0;

    make(RECORDS);
    CHECK_INT(journal_open(&journal, &config, refuse_third, &count, problem, sizeof(problem)),
              ERR_PROTO);
    CHECK_INT(count, 3);
    CHECK(journal == NULL);
}

static void the_thread_brings_it_to_the_disk(void)
{
    struct journal *journal = NULL;
    struct journal_config config = config_of(1);
    struct journal_stats stats = { 0 };
    struct seen seen = { .is_in_order = true };

    remove_all();
    config.has_no_thread = false;
    CHECK_INT(journal_open(&journal, &config, note_record, &seen, problem, sizeof(problem)), 0);
    CHECK_INT(append(journal, 1), 0);
    for (int64_t until = loop_now_ns() + 5 * NS_PER_S; stats.syncs == 0 && loop_now_ns() < until;) {
        usleep(2000);
        journal_stats(journal, &stats);
    }
    CHECK(stats.syncs > 0);
    CHECK_INT(stats.sync_failed, 0);
    journal_close(&journal);
}

int main(void)
{
    /* In memory where possible: thousands of syncs prove nothing about the format. */
    const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(directory, sizeof(directory), "%s/journal_test_%d", base, (int)getpid());
    snprintf(prefix, sizeof(prefix), "%s/engine.live", directory);
    (void)mkdir(directory, 0700);
    CASE(what_was_appended_is_read_back);
    CASE(kill_9_takes_nothing);
    CASE(a_journal_torn_at_every_byte_keeps_what_came_before);
    CASE(a_changed_byte_in_the_middle_refuses_the_journal);
    CASE(another_boot_is_whole_only_after_a_clean_end);
    CASE(a_second_engine_is_refused_and_told_who_has_it);
    CASE(a_newer_version_and_a_strange_file_are_refused);
    CASE(a_full_segment_says_so);
    CASE(rotation_goes_on_from_a_checkpoint_and_keeps_one_old_segment);
    CASE(a_new_segment_counts_from_its_checkpoint_on);
    CASE(the_loop_rotates_without_the_disk);
    CASE(an_unfinished_rotation_is_as_if_it_never_was);
    CASE(a_record_that_the_reader_refuses_stops_the_start);
    CASE(the_thread_brings_it_to_the_disk);
    remove_all();
    (void)rmdir(directory);
    DONE();
}
