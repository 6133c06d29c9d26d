/* scan.h - an allocation-free reader of JSON text, for market data and private frames.
 *
 * A cursor over bytes of the caller; values are slices of them. The reader walks members in the
 * order of the text, once. Malformed text gives ERR_PROTO, never a read past the end. Nesting is
 * bounded. Number lexemes are kept: checksums and decimals are made from the venue's own text. */
#ifndef TICKPIPE_COMMON_PURE_SCAN_H
#define TICKPIPE_COMMON_PURE_SCAN_H

#include "common/leaf/base.h"

#include <string.h>

enum { SCAN_DEPTH_MAX = 32 };

enum scan_type {
    SCAN_NONE,
    SCAN_OBJECT,
    SCAN_ARRAY,
    SCAN_STRING,
    SCAN_NUMBER,
    SCAN_TRUE,
    SCAN_FALSE,
    SCAN_NULL
};

struct scan_value {
    enum scan_type type;
    /* STRING: between the quotes, escapes untouched; OBJECT, ARRAY: with brackets. */
    const char *text;
    size_t len;
};

/* scan_whole reads one value that fills the text (white space around it allowed). 0 or ERR_PROTO.
 * Checks the whole nesting. */
int scan_whole(const char *text, size_t len, struct scan_value *out);

/* Walk of an object or array: scan_begin, then scan_member / scan_item until they give
 * ERR_NOT_FOUND (end). */
struct scan_iter {
    const char *at, *end;
    char close; /* The bracket that ends it. */
    bool is_started;
};
int scan_begin(struct scan_iter *iter,
               const struct scan_value *container); /* ERR_PROTO: neither object nor array */
int scan_member(struct scan_iter *iter, struct scan_value *key, struct scan_value *value);
int scan_item(struct scan_iter *iter, struct scan_value *value);

/* The same in steps, for hot paths: a container that is entered is walked at once, where scan_item
 * and scan_begin would first look for its end. scan_key (in an object) or scan_next (in an array)
 * moves to the next value, ERR_NOT_FOUND at the end; then scan_value reads it, or scan_enter begins
 * the walk of it as inner (ERR_PROTO: no container) and scan_leave goes on behind it, whether it
 * was walked to its end or not. */
int scan_key(struct scan_iter *iter, struct scan_value *key);
int scan_next(struct scan_iter *iter);
int scan_value(struct scan_iter *iter, struct scan_value *value);
int scan_enter(struct scan_iter *iter, struct scan_iter *inner);
int scan_leave(struct scan_iter *iter, const struct scan_iter *inner);

/* scan_find gives the member of a name (first one), ERR_NOT_FOUND or ERR_PROTO. Linear. Names are
 * compared as they stand, escapes untouched. */
int scan_find(const struct scan_value *object, const char *name, struct scan_value *out);

/* scan_is compares a string value (or a key) with a literal. */
static inline bool scan_is(const struct scan_value *value, const char *literal)
{
    size_t n = strlen(literal);
    return value->len == n && memcmp(value->text, literal, n) == 0;
}

int scan_u64(const struct scan_value *value, uint64_t *out); /* NUMBER or STRING of digits */
int scan_i64(const struct scan_value *value, int64_t *out);
int scan_decimal(const struct scan_value *value, int exp,
                 int64_t *out); /* NUMBER or STRING; fixed_parse */
int scan_bool(const struct scan_value *value, bool *out);
/* scan_text copies a STRING with escapes resolved (UTF-8) or a NUMBER's lexeme, ended with NUL.
 * ERR_RANGE when it does not fit. */
int scan_text(const struct scan_value *value, char *out, size_t cap);

#endif
