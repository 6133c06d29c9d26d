/* segment.h - one file of the journal: header, then records end to end. Internal to journal.c. */
#ifndef TICKPIPE_TRADING_ENGINE_SEGMENT_H
#define TICKPIPE_TRADING_ENGINE_SEGMENT_H

#include "trading_engine/journal.h"

enum { SEGMENT_PATH_CAP = 768 };

struct segment_header {
    char magic[8];
    uint32_t version;
    uint32_t header_size;
    uint64_t segment;
    uint64_t first_number; /* Of its first record. */
    uint64_t boot_id;      /* Of the last writer. */
    uint32_t is_clean;     /* Closed in order: nothing is missing whatever the boot. */
    uint32_t is_complete;  /* Its checkpoint is whole: it may stand for all before it. */
    uint8_t reserved[16];
};
static_assert(sizeof(struct segment_header) == 64, "segment_header: size");

struct segment {
    int fd;
    uint8_t *map; /* NULL: none. */
    size_t bytes;
    size_t end; /* Where the next record goes. */
    uint64_t number;
    char path[SEGMENT_PATH_CAP];
};

static inline struct segment_header *segment_header_of(const struct segment *s)
{
    return (struct segment_header *)(void *)s->map;
}

/* segment_create makes a preallocated, mapped file of bytes at path. 0 or ERR_SYS (nothing is
 * left). */
int segment_create(struct segment *s, const char *path, size_t bytes);

/* segment_begin writes the header of an empty segment. */
void segment_begin(struct segment *s, uint64_t number, uint64_t first_number, uint64_t boot_id);

/* segment_open maps an existing file and looks at its header. 0; ERR_SYS; ERR_PROTO: not a journal;
 * ERR_VERSION. */
int segment_open(struct segment *s, const char *path);
void segment_close(struct segment *s); /* Twice is fine. */

/* segment_append: 0, ERR_FULL, ERR_RANGE. Hot. */
int segment_append(struct segment *s, uint64_t number, uint16_t type, const void *record,
                   size_t size);

/* segment_read gives each record to on_record and leaves end behind the last whole one. *last is
 * its number, *torn_bytes what stood behind it (cleared). ERR_CHECKSUM: whole records stand behind
 * damage, and is_same_boot says that no page can be missing. */
int segment_read(struct segment *s, bool is_same_boot, journal_on_record *on_record, void *ctx,
                 uint64_t *records, uint64_t *last, uint64_t *torn_bytes);

/* segment_rename moves its file; the directory is brought to the disk when is_durable. */
int segment_rename(struct segment *s, const char *path, bool is_durable);

#endif
