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
    { "BOOKS", "INSTRUMENTS_MAX", CONFIG_INT, AT(instruments_max), "64", 2, 1024, NULL, 0,
      "Most instruments over all venues; memory is taken at start." },
    { "BOOKS", "LEVELS_MAX", CONFIG_INT, AT(levels_max), "1000", 1, 65536, NULL, 0,
      "Most levels kept on each side of a book." },
};
/* clang-format on */
const size_t signal_engine_key_count = COUNT(signal_engine_keys);
