/* strategies.h - the strategies that ship, and what each can be told. Amounts in quote and
 * quantities at 8 decimals. */
#ifndef TICKPIPE_STRATEGY_RUNNER_STRATEGIES_H
#define TICKPIPE_STRATEGY_RUNNER_STRATEGIES_H

#include "strategy_runner/strategy.h"

/* Spot against spot: buys where it is cheap and sells where it is dear, two IOC legs under one
 * group id. What one leg did and the other did not is hedged at once, where that costs least. */
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

/* Spot against perpetual, or two perpetuals: holds the pair until its difference has closed,
 * funding has turned or its time is over. */
struct carry_config {
    bool takes_spot_perpetual, takes_perpetual_perpetual;
    bool sells_spot;   /* Also enters by selling spot that it has, against a bought perpetual. */
    int64_t entry_ppm; /* Expected at least: after four fees, with the funding of the horizon. */
    int64_t exit_basis_ppm;   /* Left when the difference has come down to this. */
    int64_t funding_exit_ppm; /* Left when the horizon's funding costs more than this. */
    int64_t horizon_ns;       /* Over which funding is counted on. */
    int64_t max_hold_ns;
    int64_t min_confidence_ppm;
    int64_t max_notional; /* Quote: largest leg of one entry. */
    int64_t max_position; /* Base: of one instrument, all pairs together. */
    int64_t margin_ppm;   /* Free margin that a perpetual's leg must find, of its value. */
    int64_t slippage_ppm, hedge_slippage_ppm;
    int64_t hedge_tries; /* To make a pair even; then it stops and says so. */
    int64_t hedge_wait_ns, cooldown_ns, leg_deadline_ns;
};
extern const struct strategy_ops strategy_cash_and_carry;

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
