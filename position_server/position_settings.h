/* position_settings.h - what the ini of position_server can say. */
#ifndef TICKPIPE_POSITION_SERVER_POSITION_SETTINGS_H
#define TICKPIPE_POSITION_SERVER_POSITION_SETTINGS_H

#include "common/edge/config.h"

struct position_settings {
    char reporting[CONFIG_TEXT_MAX], equals[CONFIG_TEXT_MAX], ledger_file[CONFIG_TEXT_MAX];
    int64_t mark_max_age_ms, settle_ms, replay_ms, commit_ms, instruments_max;
};

extern const struct config_key position_server_keys[];
extern const size_t position_server_key_count;

#endif
