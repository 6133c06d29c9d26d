#include "common/pure/histogram.h"

#include <string.h>

enum { SUB = 1 << HISTOGRAM_SUB_BITS, TOP_BIT = HISTOGRAM_BUCKETS / SUB + HISTOGRAM_SUB_BITS - 1 };
static_assert(TOP_BIT == 40, "the last bucket ends at 2^40 ns, 18 minutes");

/* Below 2 * SUB every value has its own bucket; above, SUB buckets for each power of two. */
static unsigned bucket_of(uint64_t value)
{
    if (value < SUB)
        return (unsigned)value;
    if (value >> TOP_BIT)
        return HISTOGRAM_BUCKETS - 1;
    unsigned shift = 63u - (unsigned)__builtin_clzll(value) - HISTOGRAM_SUB_BITS;
    return shift * SUB + (unsigned)(value >> shift);
}

int64_t histogram_bucket_floor(unsigned bucket)
{
    if (bucket < SUB)
        return bucket;
    unsigned shift = bucket / SUB - 1;
    return (int64_t)(bucket % SUB + SUB) << shift;
}

void histogram_add(struct histogram *h, int64_t value)
{
    uint64_t v = value > 0 ? (uint64_t)value : 0;

    h->buckets[bucket_of(v)]++;
    h->count++;
    h->sum += v;
    h->max = MAX(h->max, v);
}

int64_t histogram_percentile(const struct histogram *h, double percent)
{
    double share = MIN(MAX(percent, 0.0), 100.0) / 100.0 * (double)h->count;
    uint64_t rank = (uint64_t)share, seen = 0;

    if (h->count == 0)
        return 0;
    rank = MIN(MAX(rank + ((double)rank < share), 1), h->count);
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS - 1; i++) {
        seen += h->buckets[i];
        if (seen >= rank)
            return MIN(histogram_bucket_floor(i + 1) - 1, (int64_t)h->max);
    }
    return (int64_t)h->max; /* The last bucket has no upper edge. */
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        into->buckets[i] += from->buckets[i];
    into->count += from->count;
    into->sum += from->sum;
    into->max = MAX(into->max, from->max);
}

void histogram_reset(struct histogram *h)
{
    memset(h, 0, sizeof(*h));
}
