/* risk_settings.h - what the ini of risk_monitor can say. */
#ifndef TICKPIPE_RISK_MONITOR_RISK_SETTINGS_H
#define TICKPIPE_RISK_MONITOR_RISK_SETTINGS_H

#include "common/edge/config.h"

struct risk_settings {
    char currency[CONFIG_TEXT_MAX], cancel_command[CONFIG_TEXT_MAX], net_delta_max[CONFIG_TEXT_MAX];
    int64_t gross_exposure_max, daily_loss_max, drawdown_max;
    int64_t engine_silence_ms, engine_dead_ms, positions_silence_ms, unmarked_ms, reconciliation_ms;
};

extern const struct config_key risk_monitor_keys[];
extern const size_t risk_monitor_key_count;

#endif
