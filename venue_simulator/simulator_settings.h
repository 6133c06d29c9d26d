/* simulator_settings.h - configuration of venue_simulator. */
#ifndef TICKPIPE_VENUE_SIMULATOR_SIMULATOR_SETTINGS_H
#define TICKPIPE_VENUE_SIMULATOR_SIMULATOR_SETTINGS_H

#include "common/edge/config.h"

struct simulator_settings {
    char host[CONFIG_TEXT_MAX], tls_dir[CONFIG_TEXT_MAX];
    int64_t control_port, seed, orders_max, background_orders_max, executions_max, levels_max;
    bool has_limits, has_market;
};

struct venue_settings {
    int64_t rest_port;
    char ws_ports[CONFIG_TEXT_MAX], options[CONFIG_TEXT_MAX];
    int64_t lag_ms;
};

struct account_settings {
    char venue[CONFIG_TEXT_MAX], key[CONFIG_TEXT_MAX], secret[CONFIG_TEXT_MAX],
        balances[CONFIG_TEXT_MAX], passphrase[CONFIG_TEXT_MAX];
    int64_t maker_fee_ppm, taker_fee_ppm;
};

struct instrument_settings {
    char venue[CONFIG_TEXT_MAX], symbol[CONFIG_TEXT_MAX], base[CONFIG_TEXT_MAX],
        quote[CONFIG_TEXT_MAX], kind[CONFIG_TEXT_MAX];
    int64_t tick, lot, min_price, max_price, min_qty, max_qty, market_max_qty, min_notional,
        max_notional;
    int64_t band_ppm, max_orders, max_amends, price_decimals, qty_decimals;
    int64_t contract_size, leverage, max_leverage, maintenance_ppm, funding_interval_s,
        funding_cap_ppb, interest_ppb;
};

struct market_settings {
    int64_t start_price, volatility_ppm, half_spread_ppm, step_ppm, levels, level_qty,
        requotes_per_s, takers_per_s, taker_qty, noise_ppm, dislocation_every_ms,
        dislocation_min_ppm, dislocation_max_ppm, dislocation_ms, basis_ppm, liquidation_every_ms;
};

extern const struct config_key venue_simulator_keys[];
extern const size_t venue_simulator_key_count;
/* The same, by section, with offsets into the structs above. */
extern const struct config_key venue_section_keys[], account_section_keys[],
    instrument_section_keys[], market_section_keys[];
extern const size_t venue_section_key_count, account_section_key_count,
    instrument_section_key_count, market_section_key_count;

#endif
