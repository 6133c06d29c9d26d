/* sequence.h - which messages of one type of one publisher are here, missing or gone.
 *
 * Pure bookkeeping of sequence numbers (from 1 in each epoch): what may be handed on, what is a
 * repeat, what is missing. Nothing is ever handed on twice; every seq up to high was handed on, is
 * in missing, or was declared lost. Memory is bounded: where there is no room to remember one more
 * hole, a message behind it counts as not received (on a recovered stream it is asked for later).
 */
#ifndef TICKPIPE_COMMON_PURE_SEQUENCE_H
#define TICKPIPE_COMMON_PURE_SEQUENCE_H

#include "common/leaf/base.h"

enum { SEQUENCE_RANGES_MAX = 64 };

struct sequence_range {
    uint64_t from, to; /* Both included. */
};

struct sequence {
    uint64_t high;      /* Everything up to it is accounted for. */
    bool keeps_missing; /* false: a hole is reported once and forgotten. */
    uint32_t count;
    struct sequence_range missing[SEQUENCE_RANGES_MAX]; /* Ascending, disjoint, not adjacent. */
};

enum sequence_verdict {
    SEQUENCE_NEXT,      /* In order: hand it on. */
    SEQUENCE_AFTER_GAP, /* Hand it on; *gap has just been found missing before it. */
    SEQUENCE_RECOVERED, /* It was missing: hand it on. */
    SEQUENCE_DUPLICATE, /* Handed on or given up before (or no seq at all): drop it. */
    SEQUENCE_NO_ROOM,   /* Drop it: it stays, or will be found, missing. */
};

/* sequence_begin starts at baseline: what came up to it is not ours to miss. */
void sequence_begin(struct sequence *s, uint64_t baseline, bool keeps_missing);

/* sequence_take judges one message. *gap is written with SEQUENCE_AFTER_GAP only. Hot: in order it
 * is two comparisons; a message of the past costs a search among at most 64 ranges. */
enum sequence_verdict sequence_take(struct sequence *s, uint64_t seq, struct sequence_range *gap);

/* sequence_published takes the publisher's word that last is the last seq it sent. Says whether
 * that reveals a hole, given in *gap. Without room for it: false, and a later call finds it. */
bool sequence_published(struct sequence *s, uint64_t last, struct sequence_range *gap);

/* sequence_lose gives up what is missing within [from, to], one range a call: *lost, to be called
 * until it says false. Where a range would have to be split without room, all of its front goes. */
bool sequence_lose(struct sequence *s, uint64_t from, uint64_t to, struct sequence_range *lost);

/* sequence_missing counts the messages that are missing now. */
uint64_t sequence_missing(const struct sequence *s);

#endif
