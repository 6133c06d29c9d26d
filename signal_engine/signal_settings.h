/* signal_settings.h - what the ini of signal_engine can say. */
#ifndef TICKPIPE_SIGNAL_ENGINE_SIGNAL_SETTINGS_H
#define TICKPIPE_SIGNAL_ENGINE_SIGNAL_SETTINGS_H

#include "common/edge/config.h"

struct signal_settings {
    int64_t min_edge_ppm, min_net, max_notional, book_max_age_ms, valid_ms;
    int64_t instruments_max, levels_max;
    int64_t basis_min_edge_ppm, basis_every_ms, mark_max_age_ms, funding_max_age_ms;
    bool wants_spot_spot, wants_spot_perpetual, wants_perpetual_perpetual;
    char equals[CONFIG_TEXT_MAX];
};

extern const struct config_key signal_engine_keys[];
extern const size_t signal_engine_key_count;

#endif
