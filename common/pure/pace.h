/* pace.h - how fast and how often: token bucket, exponential backoff with jitter, circuit breaker.
 *
 * Time and randomness are arguments: tests never sleep, replays repeat exactly. Each lives in the
 * caller's memory, is owned by one thread, and allocates nothing. */
#ifndef TICKPIPE_COMMON_PURE_PACE_H
#define TICKPIPE_COMMON_PURE_PACE_H

#include "common/leaf/base.h"

struct rate_limit {
    int64_t tokens; /* Spendable now, in [0, burst]. */
    int64_t burst;
    int64_t ns_per_token;   /* Rounded up: never faster than the venue allows. */
    int64_t refilled_at_ns; /* CLOCK_MONOTONIC. */
};
/* rate_limit_init starts a full bucket of burst tokens refilled at count per period. 0 or
 * ERR_RANGE. */
int rate_limit_init(struct rate_limit *rl, int64_t burst, int64_t count, int64_t period_ns,
                    int64_t now_ns);
/* rate_limit_take spends weight (> 0) tokens, all or none, leaving at least reserve. 0, ERR_AGAIN,
 * or ERR_RANGE when no full bucket would ever do. Hot: one division. */
int rate_limit_take(struct rate_limit *rl, int64_t weight, int64_t reserve, int64_t now_ns);
/* rate_limit_ready_ns gives when weight will be there, now_ns when it is; INT64_MAX: never. */
int64_t rate_limit_ready_ns(struct rate_limit *rl, int64_t weight, int64_t reserve, int64_t now_ns);

struct backoff {
    int64_t base_ns, max_ns;
    unsigned attempt;
    uint64_t random; /* xorshift state, never 0 */
};
void backoff_init(struct backoff *b, int64_t base_ns, int64_t max_ns, uint64_t seed);
int64_t backoff_next_ns(struct backoff *b); /* Delay before the next try: doubled each time, full
                                               jitter in the upper half. */
void backoff_reset(struct backoff *b);

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN };
struct breaker {
    unsigned failures, failures_max;
    int64_t open_ns; /* How long it stays open. */
    int64_t opened_at_ns;
    enum breaker_state state;
    uint64_t trips;
};
void breaker_init(struct breaker *b, unsigned failures_max, int64_t open_ns);
/* breaker_allows: half-open lets one through, and another each open_ns while nothing is reported of
 * it. */
bool breaker_allows(struct breaker *b, int64_t now_ns);
void breaker_success(struct breaker *b);
/* breaker_failure: failures_max in a row open it, one while half-open does. */
void breaker_failure(struct breaker *b, int64_t now_ns);

#endif
