/* Law: whatever a kill, a torn page or a stranger leaves in a journal's file, opening it gives a
 * prefix of what was appended, or says what is wrong; what opened takes a new record, and the next
 * opening gives the same records and that one. The first byte chooses: the rest is the file itself,
 * or a list of records and of damage to them. */
#include "trading_engine/journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RECORDS_MAX = 16, FILE_MAX = JOURNAL_SEGMENT_MIN };

static char directory[64], prefix[96], file[128], lock[128];

/* What an opening gave: sizes, types and a sum of the bytes, in order. */
struct seen {
    size_t count;
    struct {
        uint16_t type;
        size_t size;
        uint64_t sum;
    } records[FILE_MAX / 32];
};

static void must(bool claim)
{
    if (!claim)
        abort();
}

static void forget_files(void)
{
    unlink(file);
    unlink(lock);
}

static void at_exit(void)
{
    forget_files();
    rmdir(directory);
}

static void begin(void)
{
    /* In memory where the system has such a place: the journal syncs. */
    snprintf(directory, sizeof(directory), "%s/fuzz_journal.XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : ".");
    must(mkdtemp(directory) != NULL);
    snprintf(prefix, sizeof(prefix), "%s/j", directory);
    snprintf(file, sizeof(file), "%s.00000001.journal", prefix);
    snprintf(lock, sizeof(lock), "%s.lock", prefix);
    atexit(at_exit);
}

static uint64_t sum_of(const uint8_t *bytes, size_t size)
{
    uint64_t sum = 1469598103934665603u;

    for (size_t i = 0; i < size; i++)
        sum = (sum ^ bytes[i]) * 1099511628211u;
    return sum;
}

static int on_record(void *ctx, uint16_t type, const void *record, size_t size)
{
    struct seen *seen = ctx;

    must(size > 0 && size <= JOURNAL_RECORD_MAX);
    must(seen->count < sizeof(seen->records) / sizeof(seen->records[0]));
    seen->records[seen->count].type = type;
    seen->records[seen->count].size = size;
    seen->records[seen->count++].sum = sum_of(record, size);
    return 0;
}

static int open_journal(struct journal **journal, struct seen *seen)
{
    struct journal_config config = {
        .prefix = prefix, .segment_bytes = JOURNAL_SEGMENT_MIN, .boot_id = 7, .has_no_thread = true
    };
    char problem[256] = "";

    seen->count = 0;
    int err = journal_open(journal, &config, on_record, seen, problem, sizeof(problem));
    must(err == 0 || *journal == NULL);
    must(err == 0 || problem[0] != '\0');
    must(err == 0 || err == ERR_PROTO || err == ERR_VERSION || err == ERR_CHECKSUM ||
         err == ERR_SYS);
    return err;
}

static void must_begin_as(const struct seen *seen, const struct seen *whole)
{
    must(seen->count <= whole->count);
    must(memcmp(seen->records, whole->records, seen->count * sizeof(seen->records[0])) == 0);
}

/* Opens what stands there; what opens must go on working. */
static void judge(const struct seen *whole)
{
    static struct seen first, second;
    struct journal *journal = NULL;

    if (open_journal(&journal, &first) != 0)
        return;
    if (whole)
        must_begin_as(&first, whole);
    int err = journal_append(journal, 99, "one more", 8);
    must(err == 0 || err == ERR_FULL);
    if (err == 0)
        on_record(&first, 99, "one more", 8);
    journal_close(&journal);
    journal_close(&journal);
    must(open_journal(&journal, &second) == 0 && journal_is_whole(journal));
    must(second.count == first.count);
    must_begin_as(&second, &first);
    journal_close(&journal);
}

static void write_file(const uint8_t *data, size_t size)
{
    FILE *out = fopen(file, "wb");

    must(out && fwrite(data, 1, size, out) == size && fclose(out) == 0);
}

/* Steps of two bytes: an even first one appends a record, an odd one changes a byte, or cuts the
 * file. */
static void build_and_damage(const uint8_t *data, size_t size)
{
    static uint8_t payload[JOURNAL_RECORD_MAX], bytes[FILE_MAX];
    static struct seen whole, none;
    struct journal *journal = NULL;
    size_t used = 64;

    must(open_journal(&journal, &none) == 0 && none.count == 0);
    whole.count = 0;
    for (size_t i = 0; i + 1 < size && whole.count < RECORDS_MAX; i += 2) {
        size_t len = (size_t)data[i + 1] + 1;
        if (data[i] & 1)
            continue;
        memset(payload, (int)(i + data[i]), len);
        must(journal_append(journal, data[i], payload, len) == 0);
        on_record(&whole, data[i], payload, len);
        used += 32 + len;
    }
    journal_close(&journal);

    FILE *in = fopen(file, "rb");
    must(in != NULL);
    size_t len = fread(bytes, 1, sizeof(bytes), in);
    fclose(in);
    for (size_t i = 0; i + 1 < size; i += 2) {
        size_t at = ((size_t)data[i] >> 2 << 8 | data[i + 1]) % MIN(used, len);
        if ((data[i] & 3) == 1)
            bytes[at] ^= (uint8_t)(1u << (i / 2 % 8));
        else if ((data[i] & 3) == 3)
            memset(bytes + at, 0, len - at); /* Pages that never reached the disk. */
    }
    write_file(bytes, len);
    judge(&whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!directory[0])
        begin();
    if (size < 2 || size > FILE_MAX)
        return 0;
    forget_files();
    if (data[0] & 1) {
        write_file(data + 1, size - 1);
        judge(NULL);
    } else {
        build_and_damage(data + 1, size - 1);
    }
    return 0;
}
