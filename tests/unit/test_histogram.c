/* The latency histogram: what its buckets promise. */
#include "common/pure/histogram.h"
#include "tests/unit/check.h"

static struct histogram h, other, all;

static unsigned only_bucket(int64_t value)
{
    histogram_reset(&h);
    histogram_add(&h, value);
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        if (h.buckets[i])
            return i;
    return HISTOGRAM_BUCKETS;
}

static void each_bucket_begins_where_its_floor_says(void)
{
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        int64_t first = histogram_bucket_floor(i), next = histogram_bucket_floor(i + 1);
        CHECK(next > first);
        CHECK_INT(only_bucket(first), i);
        CHECK_INT(only_bucket(next - 1), i);
    }
    CHECK_INT(histogram_bucket_floor(0), 0);
    CHECK_INT(histogram_bucket_floor(HISTOGRAM_BUCKETS), INT64_C(1) << 40);
}

static void no_bucket_is_wider_than_a_32nd_of_its_value(void)
{
    for (unsigned i = 1; i < HISTOGRAM_BUCKETS; i++) {
        int64_t first = histogram_bucket_floor(i), width = histogram_bucket_floor(i + 1) - first;
        CHECK(width == 1 || width * 32 <= first);
    }
}

static void percentiles_are_upper_edges(void)
{
    histogram_reset(&h);
    CHECK_INT(histogram_percentile(&h, 50), 0);
    for (int64_t v = 1; v <= 1000; v++)
        histogram_add(&h, v);
    int64_t median = histogram_percentile(&h, 50), most = histogram_percentile(&h, 100);
    CHECK(median >= 500 && median <= 516);
    CHECK_INT(most, 1000);
    CHECK_INT(histogram_percentile(&h, 0), 1);
    CHECK_INT(histogram_percentile(&h, -5), 1);
    CHECK_INT(histogram_percentile(&h, 250), 1000);
    CHECK_INT(h.sum, 500500);
}

static void small_values_are_exact(void)
{
    histogram_reset(&h);
    for (int64_t v = 1; v <= 10; v++)
        histogram_add(&h, v);
    CHECK_INT(histogram_percentile(&h, 10), 1);
    CHECK_INT(histogram_percentile(&h, 11), 2);
    CHECK_INT(histogram_percentile(&h, 50), 5);
    CHECK_INT(histogram_percentile(&h, 90), 9);
    CHECK_INT(histogram_percentile(&h, 99), 10);
}

static void takes_any_value(void)
{
    histogram_reset(&h);
    histogram_add(&h, INT64_MIN);
    histogram_add(&h, -1);
    CHECK_INT(h.buckets[0], 2);
    histogram_add(&h, INT64_MAX);
    CHECK_INT(h.buckets[HISTOGRAM_BUCKETS - 1], 1);
    CHECK(histogram_percentile(&h, 100) == INT64_MAX);
}

static void merging_is_adding_everything(void)
{
    histogram_reset(&h);
    histogram_reset(&other);
    histogram_reset(&all);
    for (int64_t v = 0; v < 100; v++) {
        histogram_add(v % 2 ? &h : &other, v * v);
        histogram_add(&all, v * v);
    }
    histogram_merge(&h, &other);
    CHECK_INT(h.count, 100);
    CHECK_INT(h.max, 99 * 99);
    CHECK_INT(h.sum, 328350);
    CHECK(memcmp(&h, &all, sizeof(all)) == 0);
}

int main(void)
{
    CASE(each_bucket_begins_where_its_floor_says);
    CASE(no_bucket_is_wider_than_a_32nd_of_its_value);
    CASE(percentiles_are_upper_edges);
    CASE(small_values_are_exact);
    CASE(takes_any_value);
    CASE(merging_is_adding_everything);
    DONE();
}
