#include "common/edge/log.h"
#include "common/edge/metrics.h"
#include "common/leaf/err.h"
#include "tests/unit/check.h"

#include <cjson/cJSON.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static char path[64] = "/tmp/tickpipe_log_XXXXXX";
static char text[4 * 1024 * 1024];

static const char *read_log(void)
{
    FILE *file = fopen(path, "r");
    size_t n = file ? fread(text, 1, sizeof(text) - 1, file) : 0;

    text[n] = '\0';
    if (file)
        fclose(file);
    return text;
}

static void fresh_log(enum log_level level)
{
    unlink(path);
    CHECK_INT(log_open("tester", path, level), 0);
}

/* Every line is an object; returns how many there are, -1 where one is not. */
static int count_lines(const char *at)
{
    int count = 0;

    for (; *at; count++) {
        const char *end = strchr(at, '\n');
        cJSON *line = end ? cJSON_ParseWithLength(at, (size_t)(end - at)) : NULL;
        if (!cJSON_IsObject(line))
            return -1;
        cJSON_Delete(line);
        at = end + 1;
    }
    return count;
}

static void lines_are_json_whatever_the_text(void)
{
    fresh_log(LOG_LEVEL_INFO);
    log_info("plain", "n=%d", 3);
    log_warn("nasty", "quote \" backslash \\ newline \n tab \t bell \a latin \xe9 utf8 \xc3\xa9");
    log_json(LOG_LEVEL_INFO, "METRICS", "\"a\":1,\"b\":{\"p50\":2}");
    log_close();
    CHECK_INT(count_lines(read_log()), 3);
    CHECK(strstr(text, "\"process\":\"tester\",\"event\":\"plain\",\"msg\":\"n=3\"}"));
    CHECK(strstr(text, "\"event\":\"METRICS\",\"a\":1,"));
    CHECK(strstr(text, "utf8 \xc3\xa9"));
}

static void lower_levels_are_left_out(void)
{
    fresh_log(LOG_LEVEL_WARN);
    log_info("no", "x");
    log_warn("yes", "x");
    log_set_level(LOG_LEVEL_DEBUG);
    log_debug("yes", "x");
    log_close();
    CHECK_INT(count_lines(read_log()), 2);
    CHECK(!strstr(text, "\"no\""));
}

static void secrets_never_reach_the_file(void)
{
    CHECK_INT(log_redact("abc"), ERR_RANGE);
    CHECK_INT(log_redact("s3cr3t\"key"), 0);
    CHECK_INT(log_redact("s3cr3t\"key"), 0);
    fresh_log(LOG_LEVEL_INFO);
    log_info("signed", "key=s3cr3t\"key twice s3cr3t\"key");
    log_json(LOG_LEVEL_INFO, "raw", "\"k\":\"s3cr3t\"");
    CHECK_INT(log_redact("plain-key"), 0);
    log_json(LOG_LEVEL_INFO, "raw", "\"k\":\"plain-key\"");
    log_close();
    CHECK_INT(count_lines(read_log()), 3);
    CHECK(!strstr(text, "s3cr3t\\\"key"));
    CHECK(!strstr(text, "plain-key"));
    CHECK(strstr(text, "key=********** twice **********"));
}

static void a_full_queue_drops_and_counts_but_never_blocks(void)
{
    uint64_t before = log_dropped();
    const int wanted = 6000;

    fresh_log(LOG_LEVEL_INFO);
    for (int i = 0; i < wanted; i++)
        log_info("burst", "%0500d", i);
    log_close();
    int written = count_lines(read_log());
    CHECK(written > 0);
    CHECK_INT(written + (int)(log_dropped() - before), wanted);
}

static void *write_many(void *arg)
{
    for (int i = 0; i < 500; i++)
        log_info("thread", "%d %d", *(int *)arg, i);
    return NULL;
}

static void threads_do_not_tear_lines(void)
{
    pthread_t threads[4];
    int ids[4] = { 0, 1, 2, 3 };
    uint64_t before = log_dropped();

    fresh_log(LOG_LEVEL_INFO);
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, write_many, &ids[i]);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    log_close();
    CHECK_INT(count_lines(read_log()), 2000 - (int)(log_dropped() - before));
}

static void reopening_follows_a_rotation(void)
{
    char rotated[80];

    snprintf(rotated, sizeof(rotated), "%s.1", path);
    fresh_log(LOG_LEVEL_INFO);
    log_error("before", "x");
    for (int i = 0; i < 100 && !strstr(read_log(), "before"); i++)
        usleep(10000);
    CHECK_INT(rename(path, rotated), 0);
    log_reopen();
    for (int i = 0; i < 100 && access(path, F_OK) != 0; i++)
        usleep(10000);
    log_info("after", "x");
    log_close();
    CHECK(strstr(read_log(), "after"));
    CHECK(!strstr(text, "before"));
    unlink(rotated);
}

static void a_burst_says_how_much_it_kept_back(void)
{
    struct log_burst burst = { 0 };
    uint64_t suppressed = 99;

    CHECK(log_burst_allows(&burst, 1000, 100, &suppressed));
    CHECK_INT(suppressed, 0);
    CHECK(!log_burst_allows(&burst, 1050, 100, &suppressed));
    CHECK(!log_burst_allows(&burst, 1099, 100, &suppressed));
    CHECK(log_burst_allows(&burst, 1100, 100, &suppressed));
    CHECK_INT(suppressed, 2);
}

static void errors_are_counted(void)
{
    uint64_t before = log_errors();

    fresh_log(LOG_LEVEL_INFO);
    log_error("bad", "x");
    log_warn("not so bad", "x");
    log_close();
    CHECK_INT(log_errors() - before, 1);
}

static void metrics_lines_hold_every_number(void)
{
    static struct metrics metrics;
    static struct histogram ack;
    uint64_t sent = 3;
    int64_t depth = -2;
    char line[METRICS_LINE_MAX];

    metrics_init(&metrics);
    CHECK_INT(metrics_counter(&metrics, "orders_sent", &sent), 0);
    CHECK_INT(metrics_gauge(&metrics, "depth", &depth), 0);
    CHECK_INT(metrics_histogram(&metrics, "ack_ns", &ack, METRIC_INTERVAL), 0);
    CHECK_INT(metrics_gauge(&metrics, "depth", &depth), ERR_EXISTS);
    CHECK_INT(metrics_gauge(&metrics, "Bad Name", &depth), ERR_RANGE);
    CHECK_INT(metrics.refused, 2);
    histogram_add(&ack, 1000);
    CHECK(metrics_write(&metrics, line, sizeof(line)) > 0);
    CHECK(strstr(line, "\"orders_sent\":3,\"depth\":-2,\"ack_ns\":{\"count\":1,") == line);
    CHECK(strstr(line, "\"max\":1000}"));
    CHECK(metrics_write(&metrics, line, sizeof(line)) > 0);
    CHECK(strstr(line, "\"ack_ns\":{\"count\":0,\"p50\":0,\"p99\":0,\"max\":0}"));
    metrics.leaves_out_histograms = true;
    CHECK(metrics_write(&metrics, line, sizeof(line)) > 0);
    CHECK_STR(line, "\"orders_sent\":3,\"depth\":-2");
    CHECK_INT(metrics_write(&metrics, line, 20), ERR_FULL);
    CHECK_STR(line, "\"orders_sent\":3");
}

int main(void)
{
    close(mkstemp(path));
    CASE(lines_are_json_whatever_the_text);
    CASE(lower_levels_are_left_out);
    CASE(secrets_never_reach_the_file);
    CASE(a_full_queue_drops_and_counts_but_never_blocks);
    CASE(threads_do_not_tear_lines);
    CASE(reopening_follows_a_rotation);
    CASE(a_burst_says_how_much_it_kept_back);
    CASE(errors_are_counted);
    CASE(metrics_lines_hold_every_number);
    unlink(path);
    DONE();
}
