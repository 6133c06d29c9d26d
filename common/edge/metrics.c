#include "common/edge/metrics.h"

#include "common/leaf/err.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void metrics_init(struct metrics *metrics)
{
    metrics->count = 0;
    metrics->refused = 0;
    metrics->leaves_out_histograms = false;
}

static bool is_name(const char *name)
{
    size_t len = strlen(name);
    return len > 0 && len < METRICS_NAME_MAX &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == len;
}

static int add(struct metrics *metrics, const char *name, enum metric_kind kind,
               struct metric **out)
{
    int err = 0;

    if (!is_name(name))
        err = ERR_RANGE;
    else if (metrics->count == METRICS_MAX)
        err = ERR_FULL;
    for (size_t i = 0; i < metrics->count && !err; i++)
        if (strcmp(metrics->at[i].name, name) == 0)
            err = ERR_EXISTS;
    if (err) {
        metrics->refused++;
        return err;
    }
    *out = &metrics->at[metrics->count++];
    memcpy((*out)->name, name, strlen(name) + 1);
    (*out)->kind = kind;
    return 0;
}

int metrics_counter(struct metrics *metrics, const char *name, const uint64_t *counter)
{
    struct metric *metric;
    int err = add(metrics, name, METRIC_COUNTER, &metric);

    if (!err)
        metric->at.counter = counter;
    return err;
}

int metrics_gauge(struct metrics *metrics, const char *name, const int64_t *gauge)
{
    struct metric *metric;
    int err = add(metrics, name, METRIC_GAUGE, &metric);

    if (!err)
        metric->at.gauge = gauge;
    return err;
}

int metrics_histogram(struct metrics *metrics, const char *name, struct histogram *histogram,
                      enum metric_kind kind)
{
    struct metric *metric;

    assert(kind == METRIC_INTERVAL || kind == METRIC_TOTAL);
    int err = add(metrics, name, kind, &metric);
    if (!err)
        metric->at.histogram = histogram;
    return err;
}

static int format(const struct metric *metric, char *out, size_t cap)
{
    const struct histogram *h = metric->at.histogram;

    switch (metric->kind) {
    case METRIC_COUNTER:
        return snprintf(out, cap, "\"%s\":%" PRIu64, metric->name, *metric->at.counter);
    case METRIC_GAUGE:
        return snprintf(out, cap, "\"%s\":%" PRId64, metric->name, *metric->at.gauge);
    default:
        return snprintf(out, cap,
                        "\"%s\":{\"count\":%" PRIu64 ",\"p50\":%" PRId64 ",\"p99\":%" PRId64
                        ",\"max\":%" PRIu64 "}",
                        metric->name, h->count, histogram_percentile(h, 50),
                        histogram_percentile(h, 99), h->max);
    }
}

int metrics_write(struct metrics *metrics, char *out, size_t cap)
{
    char one[METRICS_NAME_MAX + 160];
    size_t len = 0;
    int err = 0;

    assert(cap > 0);
    out[0] = '\0';
    for (size_t i = 0; i < metrics->count; i++) {
        struct metric *metric = &metrics->at[i];
        if (metrics->leaves_out_histograms && metric->kind >= METRIC_INTERVAL)
            continue;
        size_t n = (size_t)format(metric, one, sizeof(one));
        if (metric->kind == METRIC_INTERVAL)
            histogram_reset(metric->at.histogram);
        if (len + n + 2 > cap) {
            err = ERR_FULL;
            continue;
        }
        if (len)
            out[len++] = ',';
        memcpy(out + len, one, n + 1);
        len += n;
    }
    return err ? err : (int)len;
}
