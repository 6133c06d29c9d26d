/* strategies.h - the strategies that ship, and what each can be told. Amounts in quote and
 * quantities at 8 decimals. */
#ifndef TICKPIPE_STRATEGY_RUNNER_STRATEGIES_H
#define TICKPIPE_STRATEGY_RUNNER_STRATEGIES_H

#include "strategy_runner/strategy.h"

/* Buys where it is cheap and sells where it is dear, two IOC legs under one group id. What one leg
 * did and the other did not is hedged at once, where that costs least. */
struct arb_config {
    int64_t min_net; /* Quote: smallest profit after fees. */
    int64_t min_edge_ppm;
    int64_t min_confidence_ppm;
    int64_t max_notional; /* Quote: largest leg. */
    int64_t max_position; /* Base: most that one venue's position of ours may be, long or short. */
    int64_t slippage_ppm; /* The legs' limits are so much worse than the worst price walked. */
    int64_t hedge_slippage_ppm;
    int64_t hedge_tries;   /* Then it stops and says so. */
    int64_t hedge_wait_ns; /* Between tries. */
    int64_t cooldown_ns;   /* Between two groups on one pair. */
    int64_t leg_deadline_ns;
};
extern const struct strategy_ops strategy_cross_exchange_arb;

/* Quotes both sides around the middle of one book, post-only, leaning against its inventory. */
struct maker_config {
    char instrument[32]; /* Canonical name. */
    uint16_t account;
    int64_t quote_qty;       /* Base, each side. */
    int64_t half_spread_ppm; /* From fair value to each quote. */
    int64_t skew_ppm;        /* Shift of both quotes when the inventory is at its limit. */
    int64_t max_position;    /* Base: the side that would pass it is not quoted. */
    int64_t requote_ppm;  /* A quote stays while its price is within this of where it should be. */
    int64_t min_quote_ns; /* And at least so long. */
    int64_t pull_ppm;     /* One further off is cancelled at once; 0: replaced as any other. */
    int64_t max_quote_ns; /* An older one is cancelled and made anew; 0: never. */
};
extern const struct strategy_ops strategy_market_maker;

/* strategy_ops_find gives the strategy of a KIND, or NULL. */
const struct strategy_ops *strategy_ops_find(const char *kind);

#endif
