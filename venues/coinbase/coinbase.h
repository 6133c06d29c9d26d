/* coinbase.h - what the files of venues/coinbase share: Coinbase Exchange, not Advanced Trade. The
 * rest of the project sees venue_coinbase alone. */
#ifndef TICKPIPE_VENUES_COINBASE_COINBASE_H
#define TICKPIPE_VENUES_COINBASE_COINBASE_H

#include "common/pure/scan.h"
#include "venues/venue.h"

extern const struct venue_feed_ops coinbase_feed_ops;
extern const struct venue_order_ops coinbase_order_ops;

enum {
    COINBASE_EXP = 8, /* Decimals of prices, quantities and amounts without a definition. */
    COINBASE_URL_MAX = 256,
};

/* ---- metadata.c: products ---- */

/* What a product object says, of REST or of channel status, before it becomes a definition. Texts
 * are slices of the message. */
struct coinbase_product_text {
    struct scan_value id, base, quote, base_increment, quote_increment, min_funds, min_size,
        max_size, status;
    struct scan_value trading_disabled, cancel_only, post_only, limit_only, auction_mode;
};

/* coinbase_product_read reads one object of /products or of a status message. 0 or ERR_PROTO. */
int coinbase_product_read(const struct scan_value *object, struct coinbase_product_text *out);

/* What decides about trading. Channel status leaves trading_disabled and auction_mode out: what is
 * not said stays as it was. */
struct coinbase_flags {
    bool is_offline, is_delisted;
    bool trading_disabled, cancel_only, post_only, limit_only, auction_mode;
};
void coinbase_flags_take(const struct coinbase_product_text *text, struct coinbase_flags *flags);
wire_trading_state coinbase_flags_state(const struct coinbase_flags *flags);

/* coinbase_definition makes a definition. known (or NULL) has exponents that may not change any
 * more. 0, ERR_PROTO (something is missing), or ERR_RANGE (a name is too long or no plain word, an
 * increment does not fit). */
int coinbase_definition(const struct coinbase_product_text *text,
                        const struct coinbase_flags *flags, const char *venue,
                        const struct wire_instrument *known, struct wire_instrument *out);

/* ---- small things of both sides ---- */

/* coinbase_time_read reads the venue's time. Its zero, year 1, is 0: not stated. 0 or ERR_PROTO. */
int coinbase_time_read(const struct scan_value *value, int64_t *out_ns);

/* coinbase_member finds one of the named members of an object, each into its place of out (an array
 * of count). Walks the object once. 0 or ERR_PROTO. */
int coinbase_members(const struct scan_value *object, const char *const *names,
                     struct scan_value *out, size_t count);

/* coinbase_header gives a header of a response (lower-case name), or NULL. */
const char *coinbase_header(const struct venue_response *response, const char *name);

/* coinbase_retry_ns gives for how long a 429 or 5xx wants us away: Retry-After where it is said,
 * else fallback_ns. */
int64_t coinbase_retry_ns(const struct venue_response *response, int64_t fallback_ns);

void coinbase_copy(char *out, size_t cap, const char *text); /* Cuts, always ends out with NUL. */

#endif
