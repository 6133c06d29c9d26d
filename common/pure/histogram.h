/* histogram.h - log-linear latency histogram: 1 ns to 2^40 ns, constant memory.
 *
 * A bucket is at most a 32nd (3 %) of its values wide; what is longer goes to the last one. */
#ifndef TICKPIPE_COMMON_PURE_HISTOGRAM_H
#define TICKPIPE_COMMON_PURE_HISTOGRAM_H

#include "common/leaf/base.h"

enum { HISTOGRAM_SUB_BITS = 5, HISTOGRAM_BUCKETS = 36 * (1 << HISTOGRAM_SUB_BITS) };
struct histogram {
    uint64_t buckets[HISTOGRAM_BUCKETS];
    uint64_t count, sum, max;
};
void histogram_add(struct histogram *h, int64_t value); /* Hot. Negative counts as 0. */
int64_t histogram_percentile(const struct histogram *h,
                             double percent); /* Upper edge of its bucket; 0 when empty. */
void histogram_merge(struct histogram *into, const struct histogram *from);
void histogram_reset(struct histogram *h);
int64_t histogram_bucket_floor(unsigned bucket);

#endif
