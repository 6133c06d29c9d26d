/* binance.h - what the files of this folder share, with each other and with venues/binance_futures:
 * a product of the same venue. The rest of the project sees the struct venue alone. */
#ifndef TICKPIPE_VENUES_BINANCE_BINANCE_H
#define TICKPIPE_VENUES_BINANCE_BINANCE_H

#include "common/pure/scan.h"
#include "venues/venue.h"

extern const struct venue_feed_ops binance_feed_ops;
extern const struct venue_order_ops binance_order_ops;

enum {
    BINANCE_EXP = 8, /* Decimals of prices, quantities and amounts without a definition. */
    BINANCE_URL_MAX = 256,
    BINANCE_BACK_OFF_S = 60, /* After a refusal that does not say how long. */
};

/* What the venue's products list, and how they are asked for it. */
struct binance_product {
    wire_instrument_kind kind; /* Of everything listed. */
    uint32_t info_weight;      /* Of exchangeInfo. */
    int (*definition_read)(const struct scan_value *symbol, const char *venue,
                           const struct wire_instrument *known, struct wire_instrument *out);
    void (*info_path)(const char *const *symbols, size_t count, char *out, size_t cap);
};
extern const struct binance_product binance_spot;

/* ---- metadata.c: exchangeInfo ---- */

/* binance_definition_read makes a definition of one object of exchangeInfo's "symbols". known (or
 * NULL) gives exponents that may not change any more. 0, ERR_PROTO, or ERR_RANGE (a name is too
 * long, a filter does not fit). */
int binance_definition_read(const struct scan_value *symbol, const char *venue,
                            const struct wire_instrument *known, struct wire_instrument *out);

/* The parts of it that all products share, for out begun already. binance_names_read: symbol, base,
 * quote; the canonical name ends in suffix ("" or "-PERP"). binance_rules_read: steps, limits and
 * exponents. Errors as above. */
int binance_names_read(const struct scan_value *symbol, const char *suffix,
                       struct wire_instrument *out);
int binance_rules_read(const struct scan_value *symbol, const struct wire_instrument *known,
                       struct wire_instrument *out);

/* binance_symbols_begin opens the "symbols" of an exchangeInfo body for scan_item. 0 or ERR_PROTO.
 */
int binance_symbols_begin(const char *body, size_t len, struct scan_iter *iter);

/* binance_info_path writes the exchangeInfo request for symbols, or for the whole exchange where
 * count is 0 or the list does not fit. */
void binance_info_path(const char *const *symbols, size_t count, char *out, size_t cap);

/* binance_join writes BASE and QUOTE of a canonical name as one word: what to ask the metadata for.
 * What the symbol is, only the answer says. 0 or ERR_RANGE. */
int binance_join(const char *name, char *out, size_t cap);

/* ---- small things of both sides ---- */

/* binance_epoch_ns reads a time of the venue: milliseconds, or microseconds where it has that size.
 */
int binance_epoch_ns(const struct scan_value *value, int64_t *out);

/* binance_header finds a header of a response (lower-case name) as a number, or -1. */
int64_t binance_header(const struct venue_response *response, const char *name);

/* binance_url writes base and, where base has no path of its own, path. 0 or ERR_RANGE. */
int binance_url(const char *base, const char *path, char *out, size_t cap);

/* binance_path writes a path whose one %s is symbol. */
void binance_path(const char *form, const char *symbol, char *out, size_t cap);

void binance_copy(char *out, size_t cap, const char *text); /* Cuts, always ends out with NUL. */

#endif
