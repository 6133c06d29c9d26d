#include "strategy_runner/runner_settings.h"

#define AT(member) offsetof(struct runner_settings, member)
#define IN(member) offsetof(struct strategy_settings, member)
#define SECTION    "STRATEGY_"

/* clang-format off */
#define STRATEGY_KEYS(at, extra)                                                                                        \
    { SECTION, "KIND", CONFIG_TEXT, at(kind), NULL, 0, 0, NULL, CONFIG_REQUIRED | (extra),                              \
      "Which strategy: cross_exchange_arb, cash_and_carry or market_maker." },                                          \
    { SECTION, "ID", CONFIG_INT, at(id), NULL, 1, 4095, NULL, CONFIG_REQUIRED | (extra),                                \
      "Its number in every order id, never reused for another strategy." },                                             \
    { SECTION, "CAPITAL", CONFIG_DECIMAL, at(capital), NULL, 1, INT64_MAX, NULL, CONFIG_REQUIRED | (extra),             \
      "Most notional (quote) that its open orders may have together; unset refuses start." },                           \
    { SECTION, "MAX_POSITION", CONFIG_DECIMAL, at(max_position), NULL, 1, INT64_MAX, NULL, CONFIG_REQUIRED | (extra),   \
      "Most base units, long or short, of one instrument on one venue; unset refuses start." },                         \
    { SECTION, "MIN_NET", CONFIG_DECIMAL, at(min_net), "0.1", 0, INT64_MAX, NULL, (extra),                              \
      "cross_exchange_arb: smallest profit in quote after fees." },                                                     \
    { SECTION, "MIN_EDGE_PPM", CONFIG_INT, at(min_edge_ppm), "100", 0, 1000000, NULL, (extra),                          \
      "cross_exchange_arb: smallest profit over notional, parts per million." },                                        \
    { SECTION, "MIN_CONFIDENCE_PPM", CONFIG_INT, at(min_confidence_ppm), "500000", 0, 1000000, NULL, (extra),           \
      "Arbitrage and carry: smallest confidence (1,000,000: both books heard just now)." },                              \
    { SECTION, "MAX_NOTIONAL", CONFIG_DECIMAL, at(max_notional), "1000", 1, INT64_MAX, NULL, (extra),                   \
      "Arbitrage and carry: largest leg in quote." },                                                                    \
    { SECTION, "SLIPPAGE_PPM", CONFIG_INT, at(slippage_ppm), "0", 0, 100000, NULL, (extra),                             \
      "Arbitrage and carry: legs' limits are so much worse than the worst price walked." },                              \
    { SECTION, "HEDGE_SLIPPAGE_PPM", CONFIG_INT, at(hedge_slippage_ppm), "2000", 0, 100000, NULL, (extra),              \
      "Arbitrage and carry: a hedge's limit is so much worse than the touch." },                                         \
    { SECTION, "HEDGE_TRIES", CONFIG_INT, at(hedge_tries), "10", 1, 1000, NULL, (extra),                                \
      "Arbitrage and carry: after so many hedges of one group the strategy stops and says so." },                        \
    { SECTION, "HEDGE_WAIT_MS", CONFIG_INT, at(hedge_wait_ms), "100", 1, 60000, NULL, (extra),                          \
      "Arbitrage and carry: time between two hedges of one group." },                                                    \
    { SECTION, "COOLDOWN_MS", CONFIG_INT, at(cooldown_ms), "250", 0, 3600000, NULL, (extra),                            \
      "Arbitrage and carry: rest of a pair after a group." },                                                            \
    { SECTION, "PAIRS", CONFIG_CHOICE, at(pairs), "all", 0, 0, "all|spot_perpetual|perpetual_perpetual", (extra),        \
      "cash_and_carry: which pairs; a section of its own for each gives each its own limits." },                        \
    { SECTION, "SELL_SPOT", CONFIG_BOOL, at(sells_spot), "no", 0, 0, NULL, (extra),                                     \
      "cash_and_carry: also sells spot that it has, against a bought perpetual." },                                     \
    { SECTION, "ENTRY_PPM", CONFIG_INT, at(entry_ppm), "100", -100000, 1000000, NULL, (extra),                          \
      "cash_and_carry: smallest expected profit over notional: entry spread less the fees of entry and exit, less EXIT_BASIS_PPM, plus the horizon's funding." }, \
    { SECTION, "EXIT_BASIS_PPM", CONFIG_INT, at(exit_basis_ppm), "0", -100000, 1000000, NULL, (extra),                  \
      "cash_and_carry: a pair is left when closing both legs costs no more difference than this." },                    \
    { SECTION, "FUNDING_EXIT_PPM", CONFIG_INT, at(funding_exit_ppm), "100", 0, 1000000, NULL, (extra),                  \
      "cash_and_carry: a pair is left when the horizon's funding would cost more than this." },                         \
    { SECTION, "FUNDING_HORIZON_S", CONFIG_INT, at(horizon_s), "28800", 0, 2592000, NULL, (extra),                      \
      "cash_and_carry: so long the funding rate as it stands is counted on; 0: not at all." },                          \
    { SECTION, "MAX_HOLD_S", CONFIG_INT, at(max_hold_s), "86400", 1, 31536000, NULL, (extra),                           \
      "cash_and_carry: a pair held for so long is left whatever it brings; counted anew after a restart." },            \
    { SECTION, "MARGIN_PPM", CONFIG_INT, at(margin_ppm), "1000000", 1000, 1000000, NULL, (extra),                       \
      "cash_and_carry: free margin that a perpetual's leg must find, of its value (500,000: 2 to 1)." },                \
    { SECTION, "VENUE", CONFIG_TEXT, at(venue), "", 0, 0, NULL, (extra),                                                \
      "market_maker: instance of venues.ini to quote on." },                                                            \
    { SECTION, "INSTRUMENT", CONFIG_TEXT, at(instrument), "", 0, 0, NULL, (extra),                                      \
      "market_maker: canonical name, BTC-USDT." },                                                                      \
    { SECTION, "QUOTE_QTY", CONFIG_DECIMAL, at(quote_qty), "0.01", 1, INT64_MAX, NULL, (extra),                         \
      "market_maker: base units on each side." },                                                                       \
    { SECTION, "HALF_SPREAD_PPM", CONFIG_INT, at(half_spread_ppm), "200", 1, 500000, NULL, (extra),                     \
      "market_maker: distance of each quote from fair value." },                                                        \
    { SECTION, "SKEW_PPM", CONFIG_INT, at(skew_ppm), "200", 0, 500000, NULL, (extra),                                   \
      "market_maker: shift of both quotes when the inventory is at MAX_POSITION." },                                    \
    { SECTION, "REQUOTE_PPM", CONFIG_INT, at(requote_ppm), "50", 0, 500000, NULL, (extra),                              \
      "market_maker: a quote within this of its target stays." },                                                       \
    { SECTION, "MIN_QUOTE_MS", CONFIG_INT, at(min_quote_ms), "200", 0, 3600000, NULL, (extra),                          \
      "market_maker: a quote stays at least so long unless trading stops." },                                           \
    { SECTION, "PULL_PPM", CONFIG_INT, at(pull_ppm), "0", 0, 500000, NULL, (extra),                                     \
      "market_maker: a quote further than this from its target is cancelled at once; 0: replaced like any other." },    \
    { SECTION, "MAX_QUOTE_MS", CONFIG_INT, at(max_quote_ms), "0", 0, 3600000, NULL, (extra),                            \
      "market_maker: an older quote is cancelled and made anew; 0: never." }

#define NOWHERE(member) SIZE_MAX

const struct config_key strategy_runner_keys[] = {
    { "INTENTS", "DEADLINE_MS", CONFIG_INT, AT(deadline_ms), "1000", 10, 60000, NULL, 0,
      "An intent is not executed after so long." },
    { "INTENTS", "RESEND_MS", CONFIG_INT, AT(resend_ms), "50", 5, 10000, NULL, 0,
      "An intent without an answer is sent again so often, until its deadline." },
    { "INTENTS", "ASK_MS", CONFIG_INT, AT(ask_ms), "200", 10, 10000, NULL, 0,
      "After its deadline its state is asked for so often; it is never ordered again under a new id." },
    { "SILENCE", "ENGINE_MS", CONFIG_INT, AT(engine_silence_ms), "1000", 200, 60000, NULL, 0,
      "An engine silent for so long gets no intents." },
    { "SILENCE", "RISK_MS", CONFIG_INT, AT(risk_silence_ms), "1000", 200, 60000, NULL, 0,
      "risk_monitor silent for so long is a halt." },
    { "SILENCE", "POSITIONS_MS", CONFIG_INT, AT(positions_silence_ms), "5000", 200, 60000, NULL, 0,
      "position_server silent for so long is a halt." },
    { "SILENCE", "BOOK_MS", CONFIG_INT, AT(book_max_age_ms), "1000", 10, 60000, NULL, 0,
      "A book silent for so long is not traded on, and quotes on it are pulled." },
    { "BOOKS", "INSTRUMENTS_MAX", CONFIG_INT, AT(instruments_max), "256", 2, 1024, NULL, 0,
      "Most instruments over all venues; memory is taken at start." },
    { "BOOKS", "LEVELS_MAX", CONFIG_INT, AT(levels_max), "200", 1, 65536, NULL, 0,
      "Most levels kept on each side of a book." },
    STRATEGY_KEYS(NOWHERE, CONFIG_REPEATED),
};
const size_t strategy_runner_key_count = COUNT(strategy_runner_keys);

const struct config_key strategy_section_keys[] = { STRATEGY_KEYS(IN, CONFIG_REPEATED) };
const size_t strategy_section_key_count = COUNT(strategy_section_keys);
/* clang-format on */
