#include "venues/kraken/order.h"

static const struct kraken_tier tiers[] = {
    { 60, 1000, 15, 330 },
    { 125, 2340, 20, 500 },
    { 180, 3750, 20, 1000 },
};

const struct kraken_tier *kraken_tier_of(uint64_t max_rate_count)
{
    const struct kraken_tier *tier = &tiers[0];

    for (size_t i = 0; i < COUNT(tiers); i++)
        if (max_rate_count >= tiers[i].engine_max)
            tier = &tiers[i];
    return tier;
}

int64_t kraken_counter_now(struct kraken_counter *counter, uint32_t milli_per_s, int64_t now_ns)
{
    /* Past an hour everything has decayed; the bound keeps the product small. */
    int64_t passed_ms = MIN((now_ns - counter->at_ns) / NS_PER_MS, 3600 * MS_PER_S);

    if (passed_ms > 0) {
        counter->milli = MAX(counter->milli - passed_ms * milli_per_s / MS_PER_S, 0);
        counter->at_ns = now_ns;
    }
    return counter->milli;
}

void kraken_counter_add(struct kraken_counter *counter, uint32_t milli_per_s, int64_t milli,
                        int64_t now_ns)
{
    (void)kraken_counter_now(counter, milli_per_s, now_ns);
    counter->milli = MIN(counter->milli + milli, INT64_C(1000000000));
    counter->at_ns = MAX(counter->at_ns, now_ns);
}

int64_t kraken_engine_cost(enum venue_op op, int64_t age_ns)
{
    static const struct {
        int64_t below_s;
        int amend, cancel;
    } rows[] = {
        { 5, 3, 8 }, { 10, 2, 6 }, { 15, 1, 5 }, { 45, 0, 4 }, { 90, 0, 2 }, { 300, 0, 1 }
    };

    if (op == OP_PLACE)
        return 1000;
    for (size_t i = 0; i < COUNT(rows); i++)
        if (age_ns < rows[i].below_s * NS_PER_S)
            return op == OP_REPLACE ? 1000 + rows[i].amend * 1000 : rows[i].cancel * 1000;
    return op == OP_REPLACE ? 1000 : 0;
}
