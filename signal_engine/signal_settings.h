/* signal_settings.h - what the ini of signal_engine can say. */
#ifndef TICKPIPE_SIGNAL_ENGINE_SIGNAL_SETTINGS_H
#define TICKPIPE_SIGNAL_ENGINE_SIGNAL_SETTINGS_H

#include "common/edge/config.h"

struct signal_settings {
    int64_t min_edge_ppm, min_net, max_notional, book_max_age_ms, valid_ms;
    int64_t instruments_max, levels_max;
};

extern const struct config_key signal_engine_keys[];
extern const size_t signal_engine_key_count;

#endif
