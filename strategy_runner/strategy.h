/* strategy.h - the small interface that a strategy implements: events in, intents out, timers.
 *
 * A strategy is a struct of functions, a config table and a struct of state. It sees the market
 * through struct market_book, acts only through runner_place / runner_cancel / runner_replace
 * (runner_core.h), and keeps no time of its own. It is deterministic: the same events give the same
 * intents. See docs/writing-a-strategy.md. */
#ifndef TICKPIPE_STRATEGY_RUNNER_STRATEGY_H
#define TICKPIPE_STRATEGY_RUNNER_STRATEGY_H

#include "common/pure/market.h"
#include "common/pure/wire.h"

struct runner_core;
struct runner_order;

enum { STRATEGY_STATE_MAX = 32768, STRATEGY_CONFIG_MAX = 4096 };

struct strategy_ops {
    const char *kind;   /* KIND= in its ini section. */
    size_t config_size; /* At most STRATEGY_CONFIG_MAX; the shell's key table fills it. */
    size_t state_size;  /* At most STRATEGY_STATE_MAX; zeroed before init. */

    void (*init)(void *state, const void *config, struct runner_core *core, uint16_t strategy);
    /* A book or a definition changed, or stopped being fresh. */
    void (*market)(void *state, struct runner_core *core, const struct market_book *book,
                   int64_t now_ns);
    /* An opportunity is there, or (end) is not any more. NULL: not interested. */
    void (*opportunity)(void *state, struct runner_core *core, const struct wire_opportunity *found,
                        int64_t now_ns);
    /* One of its orders changed: fill_qty more was executed at fill_price (0: none), or its state
     * did. */
    void (*order)(void *state, struct runner_core *core, const struct runner_order *order,
                  int64_t fill_qty, int64_t fill_price, int64_t now_ns);
    /* About every 10 ms. */
    void (*timer)(void *state, struct runner_core *core, int64_t now_ns);
};

#endif
