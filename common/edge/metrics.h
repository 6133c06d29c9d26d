/* metrics.h - a fixed registry of named numbers, written as one METRICS line per interval.
 *
 * The registry owns no number: it holds the addresses of counters, gauges and histograms that live
 * in their owner's struct (a core counts without knowing that anybody looks). Counting therefore
 * costs one increment. Names are snake_case, the unit last: orders_sent, tick_to_order_ns,
 * queue_length. Owned by the loop's thread. */
#ifndef TICKPIPE_COMMON_EDGE_METRICS_H
#define TICKPIPE_COMMON_EDGE_METRICS_H

#include "common/leaf/base.h"
#include "common/pure/histogram.h"

enum { METRICS_MAX = 160, METRICS_NAME_MAX = 48, METRICS_LINE_MAX = 16384 };

enum metric_kind {
    METRIC_COUNTER,  /* uint64_t that only grows; the line gives its value. */
    METRIC_GAUGE,    /* int64_t; the line gives its value. */
    METRIC_INTERVAL, /* histogram of this interval: reset after each line. */
    METRIC_TOTAL,    /* histogram since start. */
};

struct metric {
    char name[METRICS_NAME_MAX];
    enum metric_kind kind;
    union {
        const uint64_t *counter;
        const int64_t *gauge;
        struct histogram *histogram;
    } at;
};

struct metrics {
    struct metric at[METRICS_MAX];
    size_t count;
    bool leaves_out_histograms;
    uint64_t refused; /* Names that did not fit, were malformed or taken. */
};

/* metrics_init empties a registry in the caller's memory. */
void metrics_init(struct metrics *metrics);

/* Each names a number of the caller, which outlives the registry. Returns 0, ERR_FULL, ERR_RANGE
 * (name not [a-z0-9_]+ or too long), ERR_EXISTS (name taken). A refusal is counted in
 * metrics->refused: a caller may register a whole table and look once. */
int metrics_counter(struct metrics *metrics, const char *name, const uint64_t *counter);
int metrics_gauge(struct metrics *metrics, const char *name, const int64_t *gauge);
int metrics_histogram(struct metrics *metrics, const char *name, struct histogram *histogram,
                      enum metric_kind kind);

/* metrics_write writes all as JSON members
 * ("orders_sent":3,"ack_ns":{"count":..,"p50":..,"p99":..,"max":..}) and resets the INTERVAL
 * histograms. Returns the length, or ERR_FULL: out then holds as many whole members as fit. Always
 * ends out with NUL. */
int metrics_write(struct metrics *metrics, char *out, size_t cap);

#endif
