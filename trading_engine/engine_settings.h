/* engine_settings.h - what trading_engine's ini says, laid out by the key table in keys.c. */
#ifndef TICKPIPE_TRADING_ENGINE_ENGINE_SETTINGS_H
#define TICKPIPE_TRADING_ENGINE_ENGINE_SETTINGS_H

#include "common/edge/config.h"

struct engine_settings {
    /* GLOBAL */
    char exchange_name[CONFIG_TEXT_MAX];
    int64_t asset_type; /* 0: spot, 1: futures */
    char api_key[CONFIG_TEXT_MAX], api_secret[CONFIG_TEXT_MAX], api_passphrase[CONFIG_TEXT_MAX];
    bool is_testnet, is_live;
    char environment[CONFIG_TEXT_MAX];
    char instruments[CONFIG_TEXT_MAX];
    /* ORDER_MANAGEMENT */
    int64_t orders_per_s, order_timeout_ms, order_retries_max, order_queue_size, open_orders_max;
    bool retries_failed_orders, cancels_on_stop;
    int64_t dead_man_ms, reconcile_ms, balance_ms, place_retry_ms;
    /* HTTP_API */
    char http_url[CONFIG_TEXT_MAX], ca_file[CONFIG_TEXT_MAX];
    char auth_method[CONFIG_TEXT_MAX];
    int64_t http_timeout_ms, http_retry_delay_ms, requests_per_s, requests_per_min, burst,
        cancel_reserve;
    int64_t recv_window_ms;
    /* WEBSOCKET */
    char ws_url[CONFIG_TEXT_MAX], ws_backup_url[CONFIG_TEXT_MAX], ws_stream_url[CONFIG_TEXT_MAX];
    char private_channels[CONFIG_TEXT_MAX];
    int64_t ws_reconnect_ms, ws_ping_ms, ws_pong_timeout_ms, ws_attempts_max, ws_connect_timeout_ms;
    int64_t ws_renew_ms, ws_message_kb;
    bool has_private_stream;
    /* RISK_MANAGEMENT */
    int64_t position_asset_max, position_symbol_max, daily_loss_max, order_qty_max,
        order_notional_max;
    int64_t collar_ppm, book_age_max_ms, alert_share;
    bool has_checks;
    /* PERFORMANCE */
    int64_t http_pool_size, memory_limit_mb;
    /* JOURNAL, DRY_RUN */
    int64_t segment_mb, trades_kept;
    char paper_balances[CONFIG_TEXT_MAX];
    int64_t paper_leverage_ppm;
};

extern const struct config_key trading_engine_keys[];
extern const size_t trading_engine_key_count;

#endif
