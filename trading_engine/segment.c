#include "trading_engine/segment.h"

#include "common/pure/crypto.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char magic[8] = { 'T', 'P', 'J', 'O', 'U', 'R', 'N', 'L' };

enum { RECORD_MAGIC = 0x524a };

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

/* ---- files ---- */

void segment_close(struct segment *s)
{
    if (s->map)
        munmap(s->map, s->bytes);
    if (s->fd > 0)
        close(s->fd);
    *s = (struct segment){ 0 };
}

static int map_file(struct segment *s)
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

int segment_create(struct segment *s, const char *path, size_t bytes)
{
    *s = (struct segment){ .fd = -1 };
    if (strlen(path) >= sizeof(s->path))
        return ERR_SYS;
    memcpy(s->path, path, strlen(path) + 1);
    unlink(path);
    s->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (s->fd < 0 || posix_fallocate(s->fd, 0, (off_t)bytes) != 0 || map_file(s) != 0) {
        unlink(path);
        segment_close(s);
        return ERR_SYS;
    }
    return 0;
}

void segment_begin(struct segment *s, uint64_t number, uint64_t first_number, uint64_t boot_id)
{
    struct segment_header h = { .version = JOURNAL_VERSION,
                                .header_size = sizeof(h),
                                .segment = number,
                                .first_number = first_number,
                                .boot_id = boot_id };

    memcpy(h.magic, magic, sizeof(h.magic));
    memcpy(s->map, &h, sizeof(h));
    s->number = number;
    s->end = sizeof(h);
}

int segment_open(struct segment *s, const char *path)
{
    *s = (struct segment){ .fd = open(path, O_RDWR | O_CLOEXEC) };
    if (s->fd < 0 || strlen(path) >= sizeof(s->path) || map_file(s) != 0)
        return ERR_SYS;
    memcpy(s->path, path, strlen(path) + 1);
    const struct segment_header *h = segment_header_of(s);
    if (memcmp(h->magic, magic, sizeof(magic)) != 0)
        return ERR_PROTO;
    s->number = h->segment;
    return h->version != JOURNAL_VERSION ? ERR_VERSION : 0;
}

static void sync_directory(const char *path)
{
    char directory[SEGMENT_PATH_CAP];
    const char *slash = strrchr(path, '/');

    snprintf(directory, sizeof(directory), "%.*s", slash ? (int)(slash - path) : 1,
             slash ? path : ".");
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
}

int segment_rename(struct segment *s, const char *path, bool is_durable)
{
    if (strlen(path) >= sizeof(s->path) || rename(s->path, path) != 0)
        return ERR_SYS;
    memcpy(s->path, path, strlen(path) + 1);
    if (is_durable)
        sync_directory(path);
    return 0;
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

/* Whether a whole record stands at `at`. */
static bool record_at(const struct segment *s, size_t at, struct record_header *h)
{
    if (at + sizeof(*h) > s->bytes)
        return false;
    memcpy(h, s->map + at, sizeof(*h));
    return h->magic == RECORD_MAGIC && h->size > 0 && h->size <= JOURNAL_RECORD_MAX &&
           at + sizeof(*h) + padded(h->size) <= s->bytes &&
           h->crc == record_crc(h, s->map + at + sizeof(*h));
}

int segment_append(struct segment *s, uint64_t number, uint16_t type, const void *record,
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

int segment_read(struct segment *s, bool is_same_boot, journal_on_record *on_record, void *ctx,
                 uint64_t *records, uint64_t *last, uint64_t *torn_bytes)
{
    struct record_header h;
    uint64_t expected = segment_header_of(s)->first_number;

    *records = *torn_bytes = 0;
    *last = expected - 1;
    s->end = sizeof(struct segment_header);
    while (record_at(s, s->end, &h) && h.number == expected) {
        int err = on_record(ctx, h.type, s->map + s->end + sizeof(h), h.size);
        if (err)
            return err;
        s->end += sizeof(h) + padded(h.size);
        *last = expected++;
        ++*records;
    }
    *torn_bytes = count_tail(s, s->end);
    if (*torn_bytes && is_same_boot && has_younger_records(s, s->end, *last))
        return ERR_CHECKSUM;
    memset(s->map + s->end, 0, *torn_bytes); /* Never to be taken for the start of a record. */
    return 0;
}
