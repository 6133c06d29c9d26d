/* bybit.h - what the files of venues/bybit share: categories, metadata, the envelope of REST.
 *
 * Nothing outside this folder includes it (tests may). Bybit serves spot and linear contracts under
 * one API, told apart by "category": the same symbol may be in both, so everything here is keyed by
 * category and symbol. Contracts are counted in base units already. */
#ifndef TICKPIPE_VENUES_BYBIT_BYBIT_H
#define TICKPIPE_VENUES_BYBIT_BYBIT_H

#include "common/pure/scan.h"
#include "venues/venue.h"

extern const struct venue_feed_ops bybit_feed_ops;
extern const struct venue_order_ops bybit_order_ops;

enum bybit_category { BYBIT_SPOT, BYBIT_LINEAR, BYBIT_CATEGORIES };

enum {
    BYBIT_EXP = 8, /* Decimals of prices, quantities and amounts without a definition. */
    BYBIT_URL_MAX = 256,
    BYBIT_CURSOR_MAX = 512, /* As the venue writes it; longer ones end the list, said in the log. */
    BYBIT_PAGES_MAX = 40,   /* Of one list. */
};
/* After HTTP 403 (too many requests of this address) the venue wants all calls stopped so long. */
#define BYBIT_BLOCKED_NS (600 * NS_PER_S)

/* bybit_category_str gives "spot" or "linear"; bybit_category_read the category of such a word, or
 * BYBIT_CATEGORIES. */
const char *bybit_category_str(enum bybit_category category);
enum bybit_category bybit_category_read(const struct scan_value *word);

static inline wire_instrument_kind bybit_kind(enum bybit_category category)
{
    return category == BYBIT_SPOT ? INSTRUMENT_SPOT : INSTRUMENT_PERPETUAL;
}
static inline enum bybit_category bybit_category_of(wire_instrument_kind kind)
{
    return kind == INSTRUMENT_PERPETUAL ? BYBIT_LINEAR : BYBIT_SPOT;
}

/* bybit_category_of_name: where a canonical name is listed, by its own ending "-PERP". */
enum bybit_category bybit_category_of_name(const char *name);

/* ---- metadata.c: instruments-info ---- */

/* bybit_definition_read makes a definition of one object of a category's list. known (or NULL)
 * gives exponents that may not change any more; fees are the caller's. *interval_ns is the time
 * between fundings, 0 for spot. 0; ERR_UNSUPPORTED: not listed here (dated futures); ERR_PROTO;
 * ERR_RANGE: a name is too long, a step does not fit. */
int bybit_definition_read(const struct scan_value *object, enum bybit_category category,
                          const struct wire_instrument *known, struct wire_instrument *out,
                          int64_t *interval_ns);

/* bybit_info_path writes the request for a category's list, from cursor ("": its begin) on. 0 or
 * ERR_RANGE. */
int bybit_info_path(enum bybit_category category, const char *cursor, char *out, size_t cap);

/* ---- bybit.c: small things of both sides ---- */

/* The envelope of every REST answer. */
struct bybit_answer {
    int64_t code; /* retCode: 0 is success. */
    char text[96];
    struct scan_value result, ext; /* SCAN_NONE: not there. */
    int64_t time_ns;               /* The venue's, 0: not said. */
};

/* bybit_answer_read reads it. 0, or ERR_PROTO: that is no envelope. */
int bybit_answer_read(const char *body, size_t len, struct bybit_answer *out);

/* bybit_list_begin opens the "list" of a result for scan_item. 0 or ERR_PROTO. */
int bybit_list_begin(const struct scan_value *result, struct scan_iter *iter);

/* bybit_cursor_read copies nextPageCursor; "" where the list ends or the cursor does not fit. */
void bybit_cursor_read(const struct scan_value *result, char out[BYBIT_CURSOR_MAX]);

/* bybit_ms reads a time in milliseconds, a number or a string, as ns. "" and "0" give 0. 0 or
 * ERR_PROTO. */
int bybit_ms(const struct scan_value *value, int64_t *out_ns);

/* bybit_amount reads a decimal where "" and null stand for none (0). 0, ERR_PROTO or ERR_RANGE.
 * Digits beyond exp are rounded to the nearest: only for figures that no order is made of. */
int bybit_amount(const struct scan_value *value, int exp, int64_t *out);

/* bybit_encode percent-encodes text. 0 or ERR_RANGE; out is ended with NUL. */
int bybit_encode(const char *text, char *out, size_t cap);

/* bybit_symbol_is_plain: goes into topics, URLs and JSON as it is. */
bool bybit_symbol_is_plain(const char *symbol);

void bybit_copy(char *out, size_t cap, const char *text); /* Cuts, always ends out with NUL. */

/* bybit_text copies a string value, cut where it is too long, escapes kept out: for people. */
void bybit_text(const struct scan_value *value, char *out, size_t cap);

#endif
