#include "common/pure/sequence.h"

#include <string.h>

void sequence_begin(struct sequence *s, uint64_t baseline, bool keeps_missing)
{
    s->high = baseline;
    s->keeps_missing = keeps_missing;
    s->count = 0;
}

/* Notes that high + 1 .. to is missing. A hole that continues the last one needs no room of its
 * own. */
static bool note_missing(struct sequence *s, uint64_t to)
{
    struct sequence_range *last = s->count ? &s->missing[s->count - 1] : NULL;

    if (last && last->to == s->high)
        last->to = to;
    else if (s->count < SEQUENCE_RANGES_MAX)
        s->missing[s->count++] = (struct sequence_range){ s->high + 1, to };
    else
        return false;
    return true;
}

static void insert_range(struct sequence *s, uint32_t at, struct sequence_range range)
{
    memmove(&s->missing[at + 1], &s->missing[at], (s->count - at) * sizeof(s->missing[0]));
    s->missing[at] = range;
    s->count++;
}

static void remove_range(struct sequence *s, uint32_t at)
{
    s->count--;
    memmove(&s->missing[at], &s->missing[at + 1], (s->count - at) * sizeof(s->missing[0]));
}

/* The index of the first range that does not end before seq. */
static uint32_t find_range(const struct sequence *s, uint64_t seq)
{
    uint32_t low = 0, high = s->count;

    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (s->missing[middle].to < seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static enum sequence_verdict take_missing(struct sequence *s, uint64_t seq)
{
    uint32_t at = find_range(s, seq);
    if (at == s->count || s->missing[at].from > seq)
        return SEQUENCE_DUPLICATE;

    struct sequence_range *range = &s->missing[at];
    if (range->from == range->to) {
        remove_range(s, at);
    } else if (range->from == seq) {
        range->from++;
    } else if (range->to == seq) {
        range->to--;
    } else {
        if (s->count == SEQUENCE_RANGES_MAX)
            return SEQUENCE_NO_ROOM;
        struct sequence_range front = { range->from, seq - 1 };
        range->from = seq + 1;
        insert_range(s, at, front);
    }
    return SEQUENCE_RECOVERED;
}

enum sequence_verdict sequence_take(struct sequence *s, uint64_t seq, struct sequence_range *gap)
{
    if (LIKELY(seq == s->high + 1 && seq != 0)) {
        s->high = seq;
        return SEQUENCE_NEXT;
    }
    if (seq <= s->high)
        return take_missing(s, seq);
    if (s->keeps_missing && !note_missing(s, seq - 1))
        return SEQUENCE_NO_ROOM;
    *gap = (struct sequence_range){ s->high + 1, seq - 1 };
    s->high = seq;
    return SEQUENCE_AFTER_GAP;
}

bool sequence_published(struct sequence *s, uint64_t last, struct sequence_range *gap)
{
    if (LIKELY(last <= s->high))
        return false;
    if (s->keeps_missing && !note_missing(s, last))
        return false;
    *gap = (struct sequence_range){ s->high + 1, last };
    s->high = last;
    return true;
}

bool sequence_lose(struct sequence *s, uint64_t from, uint64_t to, struct sequence_range *lost)
{
    uint32_t at = find_range(s, from);
    if (at == s->count || s->missing[at].from > to)
        return false;

    struct sequence_range *range = &s->missing[at];
    bool keeps_front = range->from < from;
    bool keeps_back = range->to > to;
    if (keeps_front && keeps_back && s->count == SEQUENCE_RANGES_MAX)
        keeps_front = false;

    struct sequence_range front = { range->from, from - 1 };
    *lost = (struct sequence_range){ keeps_front ? from : range->from, MIN(range->to, to) };
    if (keeps_front && keeps_back) {
        range->from = to + 1;
        insert_range(s, at, front);
    } else if (keeps_front) {
        range->to = from - 1;
    } else if (keeps_back) {
        range->from = to + 1;
    } else {
        remove_range(s, at);
    }
    return true;
}

uint64_t sequence_missing(const struct sequence *s)
{
    uint64_t total = 0;

    for (uint32_t i = 0; i < s->count; i++)
        total += s->missing[i].to - s->missing[i].from + 1;
    return total;
}
