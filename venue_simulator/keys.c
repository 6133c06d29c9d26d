#include "venue_simulator/simulator_settings.h"

#define AT(member)            offsetof(struct simulator_settings, member)
#define NOWHERE(member)       SIZE_MAX
#define IN_VENUE(member)      offsetof(struct venue_settings, member)
#define IN_ACCOUNT(member)    offsetof(struct account_settings, member)
#define IN_INSTRUMENT(member) offsetof(struct instrument_settings, member)
#define IN_MARKET(member)     offsetof(struct market_settings, member)
#define REQUIRED              (CONFIG_REQUIRED | CONFIG_REPEATED)

/* clang-format off */
#define VENUE_KEYS(at)                                                                                                 \
    { "VENUE_", "REST_PORT", CONFIG_INT, at(rest_port), NULL, 1, 65535, NULL, REQUIRED,                                \
      "Port of its REST interface (HTTPS). The section's name is VENUE_ and the venue." },                             \
    { "VENUE_", "WS_PORTS", CONFIG_TEXT, at(ws_ports), NULL, 0, 0, NULL, REQUIRED,                                     \
      "Ports of its WebSocket hosts, in the order of its side: binance stream and ws_api, kraken public and private." }, \
    { "VENUE_", "OPTIONS", CONFIG_TEXT, at(options), "", 0, 0, NULL, CONFIG_REPEATED,                                  \
      "Ways of the venue that its side can show; okx: checksum (as before June 2026), no_snapshot (books begin by REST)." }, \
    { "VENUE_", "LAG_MS", CONFIG_INT, at(lag_ms), "0", 0, 10000, NULL, CONFIG_REPEATED,                                \
      "Its market follows the fair price so much later." }

#define ACCOUNT_KEYS(at)                                                                                               \
    { "ACCOUNT_", "VENUE", CONFIG_TEXT, at(venue), NULL, 0, 0, NULL, REQUIRED, "Venue that it is an account of." },    \
    { "ACCOUNT_", "KEY", CONFIG_TEXT, at(key), NULL, 0, 0, NULL, REQUIRED,                                           \
      "API key, in the form that the venue's keys have." },                                                            \
    { "ACCOUNT_", "SECRET", CONFIG_TEXT, at(secret), NULL, 0, 0, NULL, REQUIRED,                                     \
      "API secret, in the form that the venue's secrets have (kraken: base64)." },                                     \
    { "ACCOUNT_", "PASSPHRASE", CONFIG_TEXT, at(passphrase), "", 0, 0, NULL, CONFIG_REPEATED,                          \
      "Passphrase of the key, on venues whose keys have one." },                                                       \
    { "ACCOUNT_", "BALANCES", CONFIG_TEXT, at(balances), "", 0, 0, NULL, CONFIG_REPEATED,                              \
      "What it begins with: BTC:2 ETH:30 USDT:250000." },                                                              \
    { "ACCOUNT_", "MAKER_FEE_PPM", CONFIG_INT, at(maker_fee_ppm), "1000", 0, 100000, NULL, CONFIG_REPEATED,            \
      "Fee on resting orders, parts per million." },                                                                   \
    { "ACCOUNT_", "TAKER_FEE_PPM", CONFIG_INT, at(taker_fee_ppm), "1000", 0, 100000, NULL, CONFIG_REPEATED,            \
      "Fee on orders that take." }

#define INSTRUMENT_KEYS(at)                                                                                            \
    { "INSTRUMENT_", "VENUE", CONFIG_TEXT, at(venue), NULL, 0, 0, NULL, REQUIRED, "Venue that it is traded on." },     \
    { "INSTRUMENT_", "SYMBOL", CONFIG_TEXT, at(symbol), NULL, 0, 0, NULL, REQUIRED,                                    \
      "The venue's own symbol: BTCUSDT, BTC/USDT." },                                                                  \
    { "INSTRUMENT_", "BASE", CONFIG_TEXT, at(base), NULL, 0, 0, NULL, REQUIRED, "Asset that is bought and sold." },    \
    { "INSTRUMENT_", "QUOTE", CONFIG_TEXT, at(quote), NULL, 0, 0, NULL, REQUIRED, "Asset that it is paid with." },     \
    { "INSTRUMENT_", "TICK", CONFIG_DECIMAL, at(tick), NULL, 1, INT64_MAX, NULL, REQUIRED, "Price step." },            \
    { "INSTRUMENT_", "LOT", CONFIG_DECIMAL, at(lot), NULL, 1, INT64_MAX, NULL, REQUIRED, "Quantity step." },           \
    { "INSTRUMENT_", "MIN_PRICE", CONFIG_DECIMAL, at(min_price), "0", 0, INT64_MAX, NULL, CONFIG_REPEATED,             \
      "Lowest limit; 0: none, as below." },                                                                            \
    { "INSTRUMENT_", "MAX_PRICE", CONFIG_DECIMAL, at(max_price), "0", 0, INT64_MAX, NULL, CONFIG_REPEATED,             \
      "Highest limit." },                                                                                              \
    { "INSTRUMENT_", "MIN_QTY", CONFIG_DECIMAL, at(min_qty), "0", 0, INT64_MAX, NULL, CONFIG_REPEATED,                 \
      "Smallest order." },                                                                                             \
    { "INSTRUMENT_", "MAX_QTY", CONFIG_DECIMAL, at(max_qty), "0", 0, INT64_MAX, NULL, CONFIG_REPEATED,                 \
      "Largest order." },                                                                                              \
    { "INSTRUMENT_", "MARKET_MAX_QTY", CONFIG_DECIMAL, at(market_max_qty), "0", 0, INT64_MAX, NULL, CONFIG_REPEATED,   \
      "Largest market order." },                                                                                       \
    { "INSTRUMENT_", "MIN_NOTIONAL", CONFIG_DECIMAL, at(min_notional), "0", 0, INT64_MAX, NULL, CONFIG_REPEATED,       \
      "Smallest order in quote." },                                                                                    \
    { "INSTRUMENT_", "MAX_NOTIONAL", CONFIG_DECIMAL, at(max_notional), "0", 0, INT64_MAX, NULL, CONFIG_REPEATED,       \
      "Largest order in quote." },                                                                                     \
    { "INSTRUMENT_", "BAND_PPM", CONFIG_INT, at(band_ppm), "0", 0, 1000000, NULL, CONFIG_REPEATED,                     \
      "A limit may be so much worse than the last price." },                                                           \
    { "INSTRUMENT_", "MAX_ORDERS", CONFIG_INT, at(max_orders), "200", 0, 100000, NULL, CONFIG_REPEATED,                \
      "Most open orders of an account." },                                                                             \
    { "INSTRUMENT_", "MAX_AMENDS", CONFIG_INT, at(max_amends), "0", 0, 1000000, NULL, CONFIG_REPEATED,                 \
      "Most amendments of an order." },                                                                                \
    { "INSTRUMENT_", "PRICE_DECIMALS", CONFIG_INT, at(price_decimals), "2", 0, 8, NULL, CONFIG_REPEATED,               \
      "Decimals that the venue writes prices with, where it does so by instrument." },                                 \
    { "INSTRUMENT_", "QTY_DECIMALS", CONFIG_INT, at(qty_decimals), "8", 0, 8, NULL, CONFIG_REPEATED,                   \
      "Decimals that it writes quantities with." },                                                                    \
    { "INSTRUMENT_", "KIND", CONFIG_TEXT, at(kind), "spot", 0, 0, NULL, CONFIG_REPEATED,                               \
      "spot, or perpetual: linear, settled in QUOTE. A symbol may be listed once as each." },                          \
    { "INSTRUMENT_", "CONTRACT_SIZE", CONFIG_DECIMAL, at(contract_size), "1", 1, INT64_MAX, NULL, CONFIG_REPEATED,     \
      "Units of BASE in the venue's contract. LOT and the quantities above are in BASE." },                            \
    { "INSTRUMENT_", "LEVERAGE", CONFIG_INT, at(leverage), "10", 1, 1000, NULL, CONFIG_REPEATED,                       \
      "Of an account that sets none. This and what follows: perpetuals." },                                            \
    { "INSTRUMENT_", "MAX_LEVERAGE", CONFIG_INT, at(max_leverage), "100", 1, 1000, NULL, CONFIG_REPEATED,              \
      "Highest that an account may set." },                                                                            \
    { "INSTRUMENT_", "MAINTENANCE_PPM", CONFIG_INT, at(maintenance_ppm), "5000", 1, 999999, NULL, CONFIG_REPEATED,     \
      "Of a position's value: an account with less is liquidated." },                                                  \
    { "INSTRUMENT_", "FUNDING_INTERVAL_S", CONFIG_INT, at(funding_interval_s), "28800", 1, 86400, NULL, CONFIG_REPEATED, \
      "Between funding payments." },                                                                                   \
    { "INSTRUMENT_", "FUNDING_CAP_PPB", CONFIG_INT, at(funding_cap_ppb), "7500000", 1, 100000000, NULL, CONFIG_REPEATED, \
      "Bound of a funding rate, either way." },                                                                        \
    { "INSTRUMENT_", "INTEREST_PPB", CONFIG_INT, at(interest_ppb), "100000", 0, 100000000, NULL, CONFIG_REPEATED,      \
      "Part of every funding rate." }

#define MARKET_KEYS(at)                                                                                                \
    { "MARKET_", "START_PRICE", CONFIG_DECIMAL, at(start_price), NULL, 1, INT64_MAX, NULL, REQUIRED,                   \
      "Fair price at the start, and last price of its instruments. The section's name is MARKET_BASE_QUOTE." },        \
    { "MARKET_", "VOLATILITY_PPM", CONFIG_INT, at(volatility_ppm), "60", 0, 100000, NULL, CONFIG_REPEATED,             \
      "Standard deviation of the fair price over one second." },                                                       \
    { "MARKET_", "HALF_SPREAD_PPM", CONFIG_INT, at(half_spread_ppm), "150", 1, 100000, NULL, CONFIG_REPEATED,          \
      "Innermost quote from the price that the venue sees." },                                                         \
    { "MARKET_", "STEP_PPM", CONFIG_INT, at(step_ppm), "60", 1, 100000, NULL, CONFIG_REPEATED,                         \
      "From level to level of the makers' ladder." },                                                                  \
    { "MARKET_", "LEVELS", CONFIG_INT, at(levels), "25", 1, 64, NULL, CONFIG_REPEATED, "Levels per side." },           \
    { "MARKET_", "LEVEL_QTY", CONFIG_DECIMAL, at(level_qty), NULL, 1, INT64_MAX, NULL, REQUIRED,                       \
      "Average size of a quote." },                                                                                    \
    { "MARKET_", "REQUOTES_PER_S", CONFIG_INT, at(requotes_per_s), "400", 1, 100000, NULL, CONFIG_REPEATED,            \
      "Quotes looked at again, per second and venue; one that has drifted is made anew." },                            \
    { "MARKET_", "TAKERS_PER_S", CONFIG_INT, at(takers_per_s), "8", 0, 10000, NULL, CONFIG_REPEATED,                   \
      "Takers, per second and venue." },                                                                               \
    { "MARKET_", "TAKER_QTY", CONFIG_DECIMAL, at(taker_qty), NULL, 1, INT64_MAX, NULL, REQUIRED,                       \
      "Average size of a taker; one in eight is eight times as large." },                                              \
    { "MARKET_", "NOISE_PPM", CONFIG_INT, at(noise_ppm), "100", 0, 100000, NULL, CONFIG_REPEATED,                      \
      "How far a venue's own view wanders from the fair price." },                                                     \
    { "MARKET_", "DISLOCATION_EVERY_MS", CONFIG_INT, at(dislocation_every_ms), "2000", 0, 86400000, NULL, CONFIG_REPEATED, \
      "A venue's book is pushed away from the fair price so often on average; 0: never." },                            \
    { "MARKET_", "DISLOCATION_MIN_PPM", CONFIG_INT, at(dislocation_min_ppm), "1000", 0, 500000, NULL, CONFIG_REPEATED, \
      "Smallest push." },                                                                                              \
    { "MARKET_", "DISLOCATION_MAX_PPM", CONFIG_INT, at(dislocation_max_ppm), "9000", 0, 500000, NULL, CONFIG_REPEATED, \
      "Largest push." },                                                                                               \
    { "MARKET_", "DISLOCATION_MS", CONFIG_INT, at(dislocation_ms), "700", 10, 600000, NULL, CONFIG_REPEATED,           \
      "How long a push stands before it fades." },                                                                     \
    { "MARKET_", "BASIS_PPM", CONFIG_INT, at(basis_ppm), "300", 0, 100000, NULL, CONFIG_REPEATED,                      \
      "How far its perpetuals wander from the fair price, all of them together." },                                    \
    { "MARKET_", "LIQUIDATION_EVERY_MS", CONFIG_INT, at(liquidation_every_ms), "20000", 0, 86400000, NULL, CONFIG_REPEATED, \
      "Somebody's position in a perpetual is closed by force so often on average; 0: never." }

const struct config_key venue_simulator_keys[] = {
    { "SIMULATOR", "HOST", CONFIG_TEXT, AT(host), "127.0.0.1", 0, 0, NULL, 0,
      "Loopback address of every port; another is refused." },
    { "SIMULATOR", "CONTROL_PORT", CONFIG_INT, AT(control_port), "8400", 1, 65535, NULL, 0,
      "Control endpoint (plain HTTP): ledger, faults, status." },
    { "SIMULATOR", "TLS_DIR", CONFIG_TEXT, AT(tls_dir), "run/simulator_tls", 0, 0, NULL, 0,
      "ca.pem, server.pem and server.key; made when missing. Clients are given ca.pem." },
    { "SIMULATOR", "SEED", CONFIG_INT, AT(seed), "1", 1, INT64_MAX, NULL, 0, "Of the background market and of ids." },
    { "SIMULATOR", "ORDERS_MAX", CONFIG_INT, AT(orders_max), "200000", 100, 10000000, NULL, 0,
      "Order records kept per venue, finished ones included; then orders are refused." },
    { "SIMULATOR", "BACKGROUND_ORDERS_MAX", CONFIG_INT, AT(background_orders_max), "16384", 100, 10000000, NULL, 0,
      "Open orders of the background market per venue." },
    { "SIMULATOR", "EXECUTIONS_MAX", CONFIG_INT, AT(executions_max), "400000", 100, 10000000, NULL, 0,
      "Execution records kept per venue." },
    { "SIMULATOR", "LEVELS_MAX", CONFIG_INT, AT(levels_max), "4096", 16, 1000000, NULL, 0,
      "Price levels per side of a book." },
    { "SIMULATOR", "RATE_LIMITS", CONFIG_BOOL, AT(has_limits), "yes", 0, 0, NULL, 0,
      "Whether the venues' rate limits are enforced." },
    { "SIMULATOR", "MARKET", CONFIG_BOOL, AT(has_market), "yes", 0, 0, NULL, 0,
      "Whether the background market trades from the start." },
    VENUE_KEYS(NOWHERE),
    ACCOUNT_KEYS(NOWHERE),
    INSTRUMENT_KEYS(NOWHERE),
    MARKET_KEYS(NOWHERE),
};
const size_t venue_simulator_key_count = COUNT(venue_simulator_keys);

const struct config_key venue_section_keys[] = { VENUE_KEYS(IN_VENUE) };
const size_t venue_section_key_count = COUNT(venue_section_keys);
const struct config_key account_section_keys[] = { ACCOUNT_KEYS(IN_ACCOUNT) };
const size_t account_section_key_count = COUNT(account_section_keys);
const struct config_key instrument_section_keys[] = { INSTRUMENT_KEYS(IN_INSTRUMENT) };
const size_t instrument_section_key_count = COUNT(instrument_section_keys);
const struct config_key market_section_keys[] = { MARKET_KEYS(IN_MARKET) };
const size_t market_section_key_count = COUNT(market_section_keys);
/* clang-format on */
