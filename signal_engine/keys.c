#include "signal_engine/signal_settings.h"

#define AT(member) offsetof(struct signal_settings, member)

/* clang-format off */
const struct config_key signal_engine_keys[] = {
    { "OPPORTUNITY", "MIN_EDGE_PPM", CONFIG_INT, AT(min_edge_ppm), "50", 0, 1000000, NULL, 0,
      "Smallest net profit over notional, after both venues' taker fees, that is published (parts per million)." },
    { "OPPORTUNITY", "MIN_NET", CONFIG_DECIMAL, AT(min_net), "0.01", 0, INT64_MAX, NULL, 0,
      "Smallest net profit in quote that is published." },
    { "OPPORTUNITY", "MAX_NOTIONAL", CONFIG_DECIMAL, AT(max_notional), "100000", 1, INT64_MAX, NULL, 0,
      "Books are walked no further than this much quote." },
    { "OPPORTUNITY", "BOOK_MAX_AGE_MS", CONFIG_INT, AT(book_max_age_ms), "1000", 10, 60000, NULL, 0,
      "A book not heard from for so long takes part in nothing." },
    { "OPPORTUNITY", "VALID_MS", CONFIG_INT, AT(valid_ms), "200", 5, 10000, NULL, 0,
      "How long an opportunity holds unless it is renewed." },
    { "PAIRS", "SPOT_SPOT", CONFIG_BOOL, AT(wants_spot_spot), "yes", 0, 0, NULL, 0,
      "Spot against spot: a profit once both legs are done." },
    { "PAIRS", "SPOT_PERPETUAL", CONFIG_BOOL, AT(wants_spot_perpetual), "yes", 0, 0, NULL, 0,
      "Spot against perpetual: a position that earns as the basis closes, and by funding." },
    { "PAIRS", "PERPETUAL_PERPETUAL", CONFIG_BOOL, AT(wants_perpetual_perpetual), "yes", 0, 0, NULL, 0,
      "Perpetual against perpetual: a position that earns as the difference closes, and by the difference of funding." },
    { "PAIRS", "EQUALS", CONFIG_TEXT, AT(equals), "", 0, 0, NULL, 0,
      "Assets that count as another, less a haircut in parts per million that is taken off the edge: USD=USDT:500. Unsaid, they differ." },
    { "PAIRS", "BASIS_MIN_EDGE_PPM", CONFIG_INT, AT(basis_min_edge_ppm), "50", -100000, 1000000, NULL, 0,
      "As MIN_EDGE_PPM, for spot against perpetual. Below 0 entries are said that only funding can pay for; MIN_NET then does not count." },
    { "PAIRS", "BASIS_EVERY_MS", CONFIG_INT, AT(basis_every_ms), "20", 0, 10000, NULL, 0,
      "An open opportunity between spot and perpetual is looked at anew no more often than this." },
    { "PAIRS", "MARK_MAX_AGE_MS", CONFIG_INT, AT(mark_max_age_ms), "30000", 0, 3600000, NULL, 0,
      "A perpetual whose mark is older takes part in nothing; 0: not asked for." },
    { "PAIRS", "FUNDING_MAX_AGE_MS", CONFIG_INT, AT(funding_max_age_ms), "300000", 0, 36000000, NULL, 0,
      "A perpetual whose funding rate was heard longer ago takes part in nothing; 0: not asked for." },
    { "BOOKS", "INSTRUMENTS_MAX", CONFIG_INT, AT(instruments_max), "256", 2, 1024, NULL, 0,
      "Most instruments over all venues; memory is taken at start." },
    { "BOOKS", "LEVELS_MAX", CONFIG_INT, AT(levels_max), "1000", 1, 65536, NULL, 0,
      "Most levels kept on each side of a book." },
};
/* clang-format on */
const size_t signal_engine_key_count = COUNT(signal_engine_keys);
