#include "market_gateway/settings.h"

#define AT(member) offsetof(struct gateway_settings, member)

/* clang-format off */
const struct config_key market_gateway_keys[] = {
    { "GLOBAL", "TESTNET_MODE", CONFIG_BOOL, AT(is_testnet), "false", 0, 0, NULL, 0,
      "true: the venue's test hosts, where it has any and no URL is set here." },
    { "FEED", "INSTRUMENTS", CONFIG_TEXT, AT(instruments), "", 0, 0, NULL, 0,
      "Canonical names (BTC-USDT), separated by space or comma; at most 64. Needed for a live feed." },
    { "FEED", "DEPTH", CONFIG_INT, AT(depth), "0", 0, 5000, NULL, 0,
      "Levels a side to subscribe to, where the venue asks; 0: its default." },
    { "FEED", "LEVELS_MAX", CONFIG_INT, AT(levels_max), "0", 0, 8192, NULL, 0,
      "Most levels kept a side; 0: the codec's default." },
    { "FEED", "PROOF_MS", CONFIG_INT, AT(proof_ms), "3000", 100, 60000, NULL, 0,
      "The feed is published as live only while a message came on each connection within so long; quiet books then stay usable." },
    { "HTTP_API", "HTTP_BASE_URL", CONFIG_URL, AT(http_base_url), "", 0, 0, NULL, 0,
      "REST host; empty: the venue's own (TESTNET_MODE: its test host)." },
    { "HTTP_API", "HTTP_TIMEOUT_MS", CONFIG_INT, AT(http_timeout_ms), "5000", 100, 60000, NULL, 0,
      "From sending a request to its last byte." },
    { "WEBSOCKET", "WS_PUBLIC_URL", CONFIG_URL, AT(ws_public_url), "", 0, 0, NULL, 0,
      "Market stream host; empty: the venue's own (TESTNET_MODE: its test host)." },
    { "WEBSOCKET", "WS_CONNECTION_TIMEOUT_MS", CONFIG_INT, AT(ws_connection_timeout_ms), "10000", 100, 60000, NULL, 0,
      "Name, TCP, TLS and upgrade together." },
    { "WEBSOCKET", "WS_RECONNECT_INTERVAL_MS", CONFIG_INT, AT(ws_reconnect_interval_ms), "500", 10, 60000, NULL, 0,
      "First pause before a reconnect; doubled each time, with jitter in its upper half." },
    { "WEBSOCKET", "WS_RECONNECT_MAX_MS", CONFIG_INT, AT(ws_reconnect_max_ms), "30000", 10, 600000, NULL, 0,
      "Longest pause before a reconnect." },
    { "WEBSOCKET", "WS_MESSAGE_SILENCE_MS", CONFIG_INT, AT(ws_message_silence_ms), "60000", 0, 600000, NULL, 0,
      "No message and no PING of the venue for so long: reconnect, though PONGs still come (Binance PINGs every 20 s, Kraken sends heartbeats every second). 0: only what the codec asks for." },
    { "WEBSOCKET", "WS_RENEW_MS", CONFIG_INT, AT(ws_renew_ms), "0", 0, 86400000, NULL, 0,
      "A connection is opened anew when it is so old, where that is sooner than the venue's own age limit asks for; 0: only that." },
    { "WEBSOCKET", "WS_MAX_MESSAGE_SIZE_KB", CONFIG_INT, AT(ws_max_message_kb), "8192", 64, 65536, NULL, 0,
      "A larger message ends the connection." },
    { "TLS", "CA_FILE", CONFIG_TEXT, AT(ca_file), "", 0, 0, NULL, 0,
      "PEM file that is then the only trust there is (the simulator's CA); empty: the system's. Verification cannot be turned off." },
};
/* clang-format on */
const size_t market_gateway_key_count = COUNT(market_gateway_keys);
