/* settings.h - the gateway's own part of its ini file. */
#ifndef TICKPIPE_MARKET_GATEWAY_SETTINGS_H
#define TICKPIPE_MARKET_GATEWAY_SETTINGS_H

#include "common/edge/config.h"

struct gateway_settings {
    char instruments[CONFIG_TEXT_MAX];
    int64_t depth, levels_max, proof_ms;
    bool is_testnet;
    char http_base_url[CONFIG_TEXT_MAX];
    int64_t http_timeout_ms;
    char ws_public_url[CONFIG_TEXT_MAX];
    int64_t ws_connection_timeout_ms, ws_reconnect_interval_ms, ws_reconnect_max_ms;
    int64_t ws_message_silence_ms, ws_renew_ms, ws_max_message_kb;
    char ca_file[CONFIG_TEXT_MAX];
};

extern const struct config_key market_gateway_keys[];
extern const size_t market_gateway_key_count;

#endif
