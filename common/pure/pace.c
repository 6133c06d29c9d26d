#include "common/pure/pace.h"
#include "common/leaf/err.h"

int rate_limit_init(struct rate_limit *rl, int64_t burst, int64_t count, int64_t period_ns,
                    int64_t now_ns)
{
    if (burst < 1 || count < 1 || period_ns < 1)
        return ERR_RANGE;
    *rl = (struct rate_limit){
        .tokens = burst,
        .burst = burst,
        .ns_per_token = period_ns / count + (period_ns % count != 0),
        .refilled_at_ns = now_ns,
    };
    return 0;
}

static void refill(struct rate_limit *rl, int64_t now_ns)
{
    if (now_ns <= rl->refilled_at_ns)
        return;
    int64_t earned = (now_ns - rl->refilled_at_ns) / rl->ns_per_token;
    if (earned >= rl->burst - rl->tokens) {
        rl->tokens = rl->burst;
        rl->refilled_at_ns = now_ns; /* A full bucket saves up nothing, not even part of a token. */
    } else {
        rl->tokens += earned;
        rl->refilled_at_ns += earned * rl->ns_per_token; /* Keeps the remainder. */
    }
}

static bool is_possible(const struct rate_limit *rl, int64_t weight, int64_t reserve)
{
    return weight <= rl->burst && reserve <= rl->burst - weight;
}

int rate_limit_take(struct rate_limit *rl, int64_t weight, int64_t reserve, int64_t now_ns)
{
    assert(weight > 0 && reserve >= 0);
    if (UNLIKELY(!is_possible(rl, weight, reserve)))
        return ERR_RANGE;
    refill(rl, now_ns);
    if (UNLIKELY(weight + reserve > rl->tokens))
        return ERR_AGAIN;
    rl->tokens -= weight;
    return 0;
}

int64_t rate_limit_ready_ns(struct rate_limit *rl, int64_t weight, int64_t reserve, int64_t now_ns)
{
    int64_t wait_ns, ready_ns;

    assert(weight > 0 && reserve >= 0);
    if (!is_possible(rl, weight, reserve))
        return INT64_MAX;
    refill(rl, now_ns);
    int64_t missing = weight + reserve - rl->tokens;
    if (missing <= 0)
        return now_ns;
    if (__builtin_mul_overflow(missing, rl->ns_per_token, &wait_ns) ||
        __builtin_add_overflow(rl->refilled_at_ns, wait_ns, &ready_ns))
        return INT64_MAX;
    return ready_ns;
}

void backoff_init(struct backoff *b, int64_t base_ns, int64_t max_ns, uint64_t seed)
{
    assert(base_ns > 0 && max_ns >= base_ns);
    *b = (struct backoff){
        .base_ns = base_ns,
        .max_ns = max_ns,
        .random = seed ? seed : UINT64_C(0x9e3779b97f4a7c15), /* 0 would stay 0 for ever. */
    };
}

static uint64_t xorshift(uint64_t *state)
{
    uint64_t x = *state;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return *state = x;
}

int64_t backoff_next_ns(struct backoff *b)
{
    /* base << attempt, unless that is beyond max already. */
    bool is_doubling = b->attempt < 63 && b->base_ns <= b->max_ns >> b->attempt;
    int64_t delay_ns = is_doubling ? b->base_ns << b->attempt : b->max_ns;
    int64_t half_ns = delay_ns / 2;

    b->attempt += is_doubling;
    return delay_ns - half_ns + (int64_t)(xorshift(&b->random) % (uint64_t)(half_ns + 1));
}

void backoff_reset(struct backoff *b)
{
    b->attempt = 0;
}

void breaker_init(struct breaker *b, unsigned failures_max, int64_t open_ns)
{
    assert(failures_max > 0 && open_ns > 0);
    *b = (struct breaker){ .failures_max = failures_max, .open_ns = open_ns };
}

bool breaker_allows(struct breaker *b, int64_t now_ns)
{
    if (b->state == BREAKER_CLOSED)
        return true;
    if (now_ns - b->opened_at_ns < b->open_ns)
        return false;
    /* One trial a period, so that a trial which never reports back does not shut the host for ever.
     */
    b->state = BREAKER_HALF_OPEN;
    b->opened_at_ns = now_ns;
    return true;
}

void breaker_success(struct breaker *b)
{
    b->state = BREAKER_CLOSED;
    b->failures = 0;
}

void breaker_failure(struct breaker *b, int64_t now_ns)
{
    if (b->state == BREAKER_OPEN)
        return; /* A late answer to a request from before: it must not keep the host shut longer. */
    if (b->state == BREAKER_CLOSED && ++b->failures < b->failures_max)
        return;
    b->state = BREAKER_OPEN;
    b->opened_at_ns = now_ns;
    b->trips++;
}
