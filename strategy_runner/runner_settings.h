/* runner_settings.h - what the ini of strategy_runner can say. */
#ifndef TICKPIPE_STRATEGY_RUNNER_RUNNER_SETTINGS_H
#define TICKPIPE_STRATEGY_RUNNER_RUNNER_SETTINGS_H

#include "common/edge/config.h"

struct runner_settings {
    int64_t deadline_ms, resend_ms, ask_ms;
    int64_t engine_silence_ms, risk_silence_ms, positions_silence_ms, book_max_age_ms;
    int64_t instruments_max, levels_max;
};

/* Of PAIRS. */
enum { PAIRS_ALL, PAIRS_SPOT_PERPETUAL, PAIRS_PERPETUAL_PERPETUAL };

/* One [STRATEGY_name] section: the common keys, then those of each kind. */
struct strategy_settings {
    char kind[CONFIG_TEXT_MAX];
    int64_t id, capital;
    /* cross_exchange_arb */
    int64_t min_net, min_edge_ppm, min_confidence_ppm, max_notional, max_position, slippage_ppm;
    int64_t hedge_slippage_ppm, hedge_tries, hedge_wait_ms, cooldown_ms;
    /* cash_and_carry: also some of the above */
    int64_t pairs, entry_ppm, exit_basis_ppm, funding_exit_ppm, horizon_s, max_hold_s, margin_ppm;
    bool sells_spot;
    /* market_maker */
    char venue[CONFIG_TEXT_MAX], instrument[CONFIG_TEXT_MAX];
    int64_t quote_qty, half_spread_ppm, skew_ppm, requote_ppm, min_quote_ms, max_quote_ms, pull_ppm;
};

extern const struct config_key strategy_runner_keys[];
extern const size_t strategy_runner_key_count;
extern const struct config_key
    strategy_section_keys[]; /* Of the repeated section, for config_section_load. */
extern const size_t strategy_section_key_count;

#endif
