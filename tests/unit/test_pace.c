/* Token bucket, backoff, circuit breaker: time and chance are arguments. */
#include "common/leaf/err.h"
#include "common/pure/pace.h"
#include "tests/unit/check.h"

static void bucket_refuses_when_empty_then_earns_one_back(void)
{
    struct rate_limit rl;

    CHECK_INT(rate_limit_init(&rl, 2, 10, NS_PER_S, 0), 0);
    CHECK_INT(rate_limit_take(&rl, 2, 0, 0), 0);
    CHECK_INT(rate_limit_take(&rl, 1, 0, 99 * NS_PER_MS), ERR_AGAIN);
    CHECK_INT(rate_limit_ready_ns(&rl, 1, 0, 99 * NS_PER_MS), 100 * NS_PER_MS);
    CHECK_INT(rate_limit_take(&rl, 1, 0, 100 * NS_PER_MS), 0);
}

static void bucket_leaves_the_reserve(void)
{
    struct rate_limit rl;

    CHECK_INT(rate_limit_init(&rl, 10, 10, NS_PER_S, 0), 0);
    CHECK_INT(rate_limit_take(&rl, 6, 5, 0), ERR_RANGE);
    CHECK_INT(rate_limit_take(&rl, 5, 5, 0), 0);
    CHECK_INT(rate_limit_take(&rl, 1, 5, 0), ERR_AGAIN);
    CHECK_INT(rate_limit_take(&rl, 5, 0, 0), 0);
    CHECK_INT(rate_limit_take(&rl, 1, 0, 0), ERR_AGAIN);
    CHECK_INT(rate_limit_ready_ns(&rl, 1, 5, 0), 600 * NS_PER_MS);
    CHECK(rate_limit_ready_ns(&rl, 11, 0, 0) == INT64_MAX);
}

static void bucket_never_runs_faster_than_allowed(void)
{
    struct rate_limit rl;
    int64_t taken = 0;

    /* 3 per 10 ns is 4 ns a token, rounded up: in 4,000 ns at most 1,000 and the first burst. */
    CHECK_INT(rate_limit_init(&rl, 3, 3, 10, 0), 0);
    CHECK_INT(rl.ns_per_token, 4);
    for (int64_t now = 0; now <= 4000; now++)
        while (rate_limit_take(&rl, 1, 0, now) == 0)
            taken++;
    CHECK_INT(taken, 1003);
}

static void full_bucket_saves_up_nothing(void)
{
    struct rate_limit rl;

    CHECK_INT(rate_limit_init(&rl, 1, 1, 100, 0), 0);
    CHECK_INT(rate_limit_take(&rl, 1, 0, 199), 0);
    CHECK_INT(rate_limit_take(&rl, 1, 0, 298), ERR_AGAIN);
    CHECK_INT(rate_limit_take(&rl, 1, 0, 299), 0);
    CHECK_INT(rate_limit_take(&rl, 1, 0, 450), 0); /* Full since 399. */
    CHECK_INT(rate_limit_take(&rl, 1, 0, 549), ERR_AGAIN);
    CHECK_INT(rate_limit_take(&rl, 1, 0, 550), 0);
}

static void bucket_refuses_nonsense_and_survives_a_clock_that_stands_still(void)
{
    struct rate_limit rl = { .tokens = 7 };

    CHECK_INT(rate_limit_init(&rl, 0, 1, 1, 0), ERR_RANGE);
    CHECK_INT(rate_limit_init(&rl, 1, 0, 1, 0), ERR_RANGE);
    CHECK_INT(rate_limit_init(&rl, 1, 1, 0, 0), ERR_RANGE);
    CHECK_INT(rl.tokens, 7);
    CHECK_INT(rate_limit_init(&rl, 1, 1, INT64_MAX, 5), 0);
    CHECK_INT(rate_limit_take(&rl, 1, 0, 4), 0);
    CHECK(rate_limit_ready_ns(&rl, 1, 0, 4) == INT64_MAX);
}

static void backoff_doubles_up_to_its_ceiling(void)
{
    struct backoff b;

    backoff_init(&b, 100, 1000, 42);
    for (int64_t ceiling = 100; ceiling <= 12800; ceiling *= 2) {
        int64_t most = MIN(ceiling, 1000), delay = backoff_next_ns(&b);
        CHECK(delay >= most / 2 && delay <= most);
    }
    for (int i = 0; i < 200; i++) {
        int64_t delay = backoff_next_ns(&b);
        CHECK(delay >= 500 && delay <= 1000);
    }
    backoff_reset(&b);
    CHECK(backoff_next_ns(&b) <= 100);
}

static void backoff_repeats_with_its_seed_and_spreads_without(void)
{
    struct backoff a, b, c;
    int same = 0;

    backoff_init(&a, NS_PER_S, NS_PER_S, 1);
    backoff_init(&b, NS_PER_S, NS_PER_S, 1);
    backoff_init(&c, NS_PER_S, NS_PER_S, 0);
    for (int i = 0; i < 100; i++) {
        int64_t delay = backoff_next_ns(&a);
        CHECK_INT(backoff_next_ns(&b), delay);
        same += backoff_next_ns(&c) == delay;
    }
    CHECK(same < 5);
    backoff_init(&a, 1, INT64_MAX, 1);
    for (int i = 0; i < 100; i++)
        CHECK(backoff_next_ns(&a) > 0);
}

static void breaker_opens_after_failures_in_a_row(void)
{
    struct breaker b;

    breaker_init(&b, 3, 100);
    breaker_failure(&b, 0);
    breaker_failure(&b, 0);
    breaker_success(&b);
    breaker_failure(&b, 0);
    breaker_failure(&b, 0);
    CHECK(breaker_allows(&b, 1));
    breaker_failure(&b, 10);
    CHECK_INT(b.trips, 1);
    CHECK(!breaker_allows(&b, 109));
}

static void half_open_breaker_lets_one_through(void)
{
    struct breaker b;

    breaker_init(&b, 1, 100);
    breaker_failure(&b, 0);
    CHECK(breaker_allows(&b, 100));
    CHECK(!breaker_allows(&b, 101));
    breaker_failure(&b, 110);
    CHECK_INT(b.trips, 2);
    CHECK(!breaker_allows(&b, 209));
    CHECK(breaker_allows(&b, 210));
    breaker_success(&b);
    CHECK(breaker_allows(&b, 211) && breaker_allows(&b, 211));
}

static void trial_that_never_reports_does_not_shut_the_host_for_ever(void)
{
    struct breaker b;

    breaker_init(&b, 1, 100);
    breaker_failure(&b, 0);
    CHECK(breaker_allows(&b, 100));
    CHECK(!breaker_allows(&b, 199));
    CHECK(breaker_allows(&b, 200));
}

static void late_failure_does_not_keep_the_host_shut_longer(void)
{
    struct breaker b;

    breaker_init(&b, 1, 100);
    breaker_failure(&b, 0);
    breaker_failure(&b, 90);
    CHECK(breaker_allows(&b, 100));
}

int main(void)
{
    CASE(bucket_refuses_when_empty_then_earns_one_back);
    CASE(bucket_leaves_the_reserve);
    CASE(bucket_never_runs_faster_than_allowed);
    CASE(full_bucket_saves_up_nothing);
    CASE(bucket_refuses_nonsense_and_survives_a_clock_that_stands_still);
    CASE(backoff_doubles_up_to_its_ceiling);
    CASE(backoff_repeats_with_its_seed_and_spreads_without);
    CASE(breaker_opens_after_failures_in_a_row);
    CASE(half_open_breaker_lets_one_through);
    CASE(trial_that_never_reports_does_not_shut_the_host_for_ever);
    CASE(late_failure_does_not_keep_the_host_shut_longer);
    DONE();
}
