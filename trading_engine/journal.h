/* journal.h - the engine's memory across restarts: append-only, memory-mapped, checksummed.
 *
 * A record is stored into a preallocated mapped file: it survives kill -9 the moment journal_append
 * returns. A thread of its own brings it to the disk: whole pages within some 20 ms, the last one
 * after 0.2 s of quiet. What a power loss can take is covered by the epoch rule and by asking the
 * venue (journal_is_whole says whether anything can be missing).
 *
 * Files: PREFIX.lock, PREFIX.NNNNNNNN.journal, PREFIX.spare (the next one, preallocated). When a
 * segment is nearly full, journal_rotate writes a checkpoint into a new one and goes on there,
 * under the name .new until the thread has it on the disk; one old segment is kept. Reading
 * therefore stays bounded. The loop makes no system call for the disk; a store can still wait when
 * the file system makes a page fault wait (bench_engine shows the largest). */
#ifndef TICKPIPE_TRADING_ENGINE_JOURNAL_H
#define TICKPIPE_TRADING_ENGINE_JOURNAL_H

#include "common/leaf/base.h"
#include "common/leaf/err.h"

enum {
    JOURNAL_VERSION = 2, /* 2: executions carry realised profit, positions their cost. */
    JOURNAL_RECORD_MAX = 4096,
    JOURNAL_SEGMENT_MIN = 1 << 16,
};

struct journal;

struct journal_config {
    const char *prefix;   /* DATA_DIR/trading_engine_BINANCE.live */
    size_t segment_bytes; /* At least JOURNAL_SEGMENT_MIN; a checkpoint must fit into half of it. */
    uint64_t boot_id;     /* Of this boot: a change of it means that stores may be missing. */
    bool has_no_thread;   /* Tests: no syncing thread. */
};

/* Takes one record, oldest first. Not 0: reading stops with it. */
typedef int journal_on_record(void *ctx, uint16_t type, const void *record, size_t size);

/* journal_open locks the journal, reads every record through on_record and makes it ready to
 * append. problem (of cap bytes) says in words what is wrong. Returns 0; ERR_LOCKED: another
 * process has it; ERR_VERSION: written by another version; ERR_CHECKSUM: damaged in its middle (not
 * just torn at its end); ERR_SYS; or what on_record gave. */
int journal_open(struct journal **journal, const struct journal_config *config,
                 journal_on_record *on_record, void *ctx, char *problem, size_t cap);

/* journal_close syncs, marks the end as clean and unlocks. Accepts NULL in *journal; twice is fine.
 */
void journal_close(struct journal **journal);

/* journal_append stores a record. 0; ERR_FULL: no room (rotation failed or is overdue); ERR_RANGE:
 * too large. Hot: a copy and a checksum; no system call, no allocation. */
int journal_append(struct journal *journal, uint16_t type, const void *record, size_t size);

/* journal_wants_rotation: three quarters are used. */
bool journal_wants_rotation(const struct journal *journal);

/* journal_rotate takes a new segment, lets checkpoint append the present state to it (by
 * journal_append_next), and goes on there. On any error the old segment stays in use: ERR_AGAIN:
 * the last rotation is not on the disk yet; ERR_SYS; ERR_FULL: the checkpoint fills more than half;
 * or what checkpoint gave. */
typedef int journal_checkpoint(void *ctx, struct journal *journal);
int journal_rotate(struct journal *journal, journal_checkpoint *checkpoint, void *ctx);
int journal_append_next(struct journal *journal, uint16_t type, const void *record, size_t size);

/* journal_is_whole: nothing can be missing at the end of what journal_open read: no torn record,
 * and written in this boot or closed cleanly. A new journal is whole. */
bool journal_is_whole(const struct journal *journal);

struct journal_stats {
    uint64_t records_read, bytes_read, torn_bytes;
    uint64_t appended, appended_bytes, rotations, rotations_failed, syncs, sync_failed;
    uint64_t checkpoint_records; /* In the last checkpoint. */
    uint64_t segment, used_bytes, segment_bytes;
    int64_t sync_longest_ns;
};
void journal_stats(const struct journal *journal, struct journal_stats *out);

#endif
