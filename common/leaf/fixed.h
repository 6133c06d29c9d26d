/* fixed.h - decimals as integers with an exponent: value = mantissa * 10^-exp.
 *
 * exp counts decimals (price 61602.01 with exp 8 is 6160201000000). It lies in
 * [FIXED_EXP_MIN, FIXED_EXP_MAX]. Money and quantities never pass through floating point. */
#ifndef TICKPIPE_COMMON_LEAF_FIXED_H
#define TICKPIPE_COMMON_LEAF_FIXED_H

#include "common/leaf/base.h"

enum { FIXED_EXP_MIN = -6, FIXED_EXP_MAX = 18, FIXED_TEXT_MAX = 48 };

/* fixed_pow10 gives 10^n for n in [0, 18]. */
int64_t fixed_pow10(int n);

/* fixed_parse reads a whole decimal text ("-12.5", "7.4E-7") into *out at exp. Returns 0, ERR_PROTO
 * when it is not a decimal, ERR_RANGE when it has non-zero digits beyond exp or does not fit.
 * Hot: once per price; no allocation. */
int fixed_parse(const char *text, size_t len, int exp, int64_t *out);

/* fixed_parse_natural reads a decimal with exactly the decimals that its text has, zeros included
 * ("43210.120" gives 43210120 and 3). Same errors; negative exponents of "1E5" give exp 0. */
int fixed_parse_natural(const char *text, size_t len, int64_t *out, int *exp);

/* fixed_format writes value with exactly exp decimals (none when exp <= 0), never in scientific
 * form, and ends it with NUL. cap FIXED_TEXT_MAX is always enough. Returns the length, or
 * ERR_RANGE. */
int fixed_format(int64_t value, int exp, char *out, size_t cap);

/* fixed_format_at is fixed_format at decimals instead of exp. ERR_RANGE when that would lose a
 * digit: a value is never silently rounded on its way out. */
int fixed_format_at(int64_t value, int exp, int decimals, char *out, size_t cap);

/* fixed_format_trim drops trailing zeros after the point ("0.5", "12"). */
int fixed_format_trim(int64_t value, int exp, char *out, size_t cap);

enum fixed_round {
    FIXED_DOWN,
    FIXED_UP,
    FIXED_NEAREST,
    FIXED_EXACT
}; /* DOWN: towards zero; UP: away from it; NEAREST: halves away from it. */

/* fixed_rescale gives value at another exponent. ERR_RANGE when it does not fit, or when EXACT
 * would lose digits. */
int fixed_rescale(int64_t value, int exp, int to_exp, enum fixed_round round, int64_t *out);

/* fixed_compare orders two decimals of any exponents: -1, 0 or 1. Exact. */
int fixed_compare(int64_t a, int a_exp, int64_t b, int b_exp);

/* fixed_notional gives price * qty at to_exp through 128 bits. ERR_RANGE when it does not fit. */
int fixed_notional(int64_t price, int price_exp, int64_t qty, int qty_exp, int to_exp,
                   enum fixed_round round, int64_t *out);

/* fixed_mul_div gives a * b / c through 128 bits (c > 0). ERR_RANGE when it does not fit. */
int fixed_mul_div(int64_t a, int64_t b, int64_t c, enum fixed_round round, int64_t *out);

#endif
