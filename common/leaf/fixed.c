#include "common/leaf/fixed.h"
#include "common/leaf/digits.h"
#include "common/leaf/err.h"

#include <string.h>

static const uint64_t pow10_of[] = {
    UINT64_C(1),
    UINT64_C(10),
    UINT64_C(100),
    UINT64_C(1000),
    UINT64_C(10000),
    UINT64_C(100000),
    UINT64_C(1000000),
    UINT64_C(10000000),
    UINT64_C(100000000),
    UINT64_C(1000000000),
    UINT64_C(10000000000),
    UINT64_C(100000000000),
    UINT64_C(1000000000000),
    UINT64_C(10000000000000),
    UINT64_C(100000000000000),
    UINT64_C(1000000000000000),
    UINT64_C(10000000000000000),
    UINT64_C(100000000000000000),
    UINT64_C(1000000000000000000),
    UINT64_C(10000000000000000000),
};

enum { POW10_MAX = 19 };

static bool exp_is_valid(int exp)
{
    return exp >= FIXED_EXP_MIN && exp <= FIXED_EXP_MAX;
}

int64_t fixed_pow10(int n)
{
    assert(n >= 0 && n <= 18);
    return (int64_t)pow10_of[n];
}

/* Gives the magnitude its sign. ERR_RANGE when int64 does not hold it. */
static inline int with_sign(uint64_t magnitude, bool is_negative, int64_t *out)
{
    if (UNLIKELY(magnitude > (uint64_t)INT64_MAX + is_negative))
        return ERR_RANGE;
    *out = is_negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return 0;
}

/* Magnitude times 10^shift; shift may be negative, then no digit may be lost. */
static inline int shift_exact(uint64_t magnitude, int64_t shift, uint64_t *out)
{
    if (magnitude == 0 || shift == 0) {
        *out = magnitude;
        return 0;
    }
    if (shift > POW10_MAX || shift < -POW10_MAX)
        return ERR_RANGE;
    if (shift > 0)
        return __builtin_mul_overflow(magnitude, pow10_of[shift], out) ? ERR_RANGE : 0;
    uint64_t divisor = pow10_of[-shift];
    if (magnitude % divisor != 0)
        return ERR_RANGE;
    *out = magnitude / divisor;
    return 0;
}

/* A decimal of any length: significant * 10^(zeros - decimals + power). Trailing zeros are counted,
 * not multiplied in, so that "1.000...0" never overflows. */
struct lexeme {
    uint64_t significant;
    int64_t zeros;
    int64_t decimals; /* Digits after the point. */
    int64_t power;    /* After the E. */
    bool is_negative;
    bool is_too_long; /* More significant digits than any int64 has. */
};

static void lexeme_digit(struct lexeme *lexeme, unsigned digit)
{
    if (digit == 0) {
        lexeme->zeros++;
        return;
    }
    int64_t zeros = lexeme->significant ? lexeme->zeros : 0;
    uint64_t shifted = 0;

    if (shift_exact(lexeme->significant, zeros + 1, &shifted) != 0 ||
        __builtin_add_overflow(shifted, digit, &lexeme->significant))
        lexeme->is_too_long = true;
    lexeme->zeros = 0;
}

static const char *lexeme_power(struct lexeme *lexeme, const char *at, const char *end)
{
    bool is_negative = at < end && *at == '-';
    const char *first = at += is_negative || (at < end && *at == '+');

    /* Past 10^15 no length of text could bring the value back into range. */
    for (; at < end && digit_is(*at); at++)
        lexeme->power = MIN(lexeme->power * 10 + (*at - '0'), INT64_C(1000000000000000));
    if (is_negative)
        lexeme->power = -lexeme->power;
    return at == first ? NULL : at;
}

static int lexeme_read(const char *text, size_t len, struct lexeme *out)
{
    struct lexeme lexeme = { 0 };
    const char *at = text, *end = text + len;

    if (at < end && *at == '-') {
        lexeme.is_negative = true;
        at++;
    }
    const char *first = at;
    for (; at < end && digit_is(*at); at++)
        lexeme_digit(&lexeme, (unsigned)(*at - '0'));
    if (at == first)
        return ERR_PROTO;
    if (at < end && *at == '.') {
        first = ++at;
        for (; at < end && digit_is(*at); at++)
            lexeme_digit(&lexeme, (unsigned)(*at - '0'));
        if (at == first)
            return ERR_PROTO;
        lexeme.decimals = at - first;
    }
    if (at < end && (*at == 'e' || *at == 'E'))
        at = lexeme_power(&lexeme, at + 1, end);
    if (at != end)
        return ERR_PROTO;
    if (lexeme.is_too_long)
        return ERR_RANGE;
    *out = lexeme;
    return 0;
}

static int parse_any(const char *text, size_t len, int exp, int64_t *out)
{
    struct lexeme lexeme;
    uint64_t magnitude;
    int err = lexeme_read(text, len, &lexeme);

    if (!err)
        err = shift_exact(lexeme.significant, lexeme.zeros - lexeme.decimals + lexeme.power + exp,
                          &magnitude);
    if (!err)
        err = with_sign(magnitude, lexeme.is_negative, out);
    return err;
}

/* What venues send is short and has no E: at most 19 characters cannot overflow 64 bits while they
 * are read. Everything else, errors included, goes the long way. */
static inline bool parse_short(const char *text, size_t len, uint64_t *magnitude, int *decimals,
                               bool *is_negative)
{
    if (UNLIKELY(len == 0 || len > 19))
        return false;

    const char *at = text, *end = text + len, *first;
    uint64_t value = 0;

    *decimals = 0;
    *is_negative = *at == '-';
    first = at += *is_negative;
    at = digits_take(at, end, &value);
    if (UNLIKELY(at == first))
        return false;
    if (at < end && *at == '.') {
        first = ++at;
        at = digits_take(at, end, &value);
        if (UNLIKELY(at == first))
            return false;
        *decimals = (int)(at - first);
    }
    *magnitude = value;
    return at == end;
}

int fixed_parse(const char *text, size_t len, int exp, int64_t *out)
{
    uint64_t magnitude;
    int decimals;
    bool is_negative;

    if (UNLIKELY(!exp_is_valid(exp)))
        return ERR_RANGE;
    if (UNLIKELY(!parse_short(text, len, &magnitude, &decimals, &is_negative)))
        return parse_any(text, len, exp, out);

    int err = shift_exact(magnitude, exp - decimals, &magnitude);
    return err ? err : with_sign(magnitude, is_negative, out);
}

int fixed_parse_natural(const char *text, size_t len, int64_t *out, int *exp)
{
    struct lexeme lexeme;
    uint64_t magnitude;
    int64_t value;
    int err = lexeme_read(text, len, &lexeme);

    if (err)
        return err;
    int64_t decimals = MAX(lexeme.decimals - lexeme.power, 0);
    if (decimals > FIXED_EXP_MAX)
        return ERR_RANGE;
    err = shift_exact(lexeme.significant, lexeme.zeros - lexeme.decimals + lexeme.power + decimals,
                      &magnitude);
    if (!err)
        err = with_sign(magnitude, lexeme.is_negative, &value);
    if (err)
        return err;
    *out = value;
    *exp = (int)decimals;
    return 0;
}

/* Writes value into text (FIXED_TEXT_MAX bytes) and returns the length. Decimals at least exp, both
 * valid. */
static size_t write_text(int64_t value, int exp, int decimals, char *text)
{
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    int point = MAX(exp, 0);
    char digits[24];
    int count = 0;
    size_t len = 0;

    while (magnitude > 0 || count <= point) {
        digits[count++] = (char)('0' + magnitude % 10);
        magnitude /= 10;
    }
    if (value < 0)
        text[len++] = '-';
    for (int i = count; i-- > 0;) {
        if (i == point - 1)
            text[len++] = '.';
        text[len++] = digits[i];
    }
    for (int i = exp; i < 0 && value != 0; i++)
        text[len++] = '0';
    if (point == 0 && decimals > 0)
        text[len++] = '.';
    for (int i = point; i < decimals; i++)
        text[len++] = '0';
    return len;
}

static int give_text(const char *text, size_t len, char *out, size_t cap)
{
    if (len >= cap)
        return ERR_RANGE;
    memcpy(out, text, len);
    out[len] = '\0';
    return (int)len;
}

int fixed_format(int64_t value, int exp, char *out, size_t cap)
{
    char text[FIXED_TEXT_MAX];

    if (!exp_is_valid(exp))
        return ERR_RANGE;
    return give_text(text, write_text(value, exp, exp, text), out, cap);
}

int fixed_format_at(int64_t value, int exp, int decimals, char *out, size_t cap)
{
    char text[FIXED_TEXT_MAX];

    if (!exp_is_valid(exp) || !exp_is_valid(decimals))
        return ERR_RANGE;
    if (decimals < exp) {
        int err = fixed_rescale(value, exp, decimals, FIXED_EXACT, &value);
        if (err)
            return err;
        exp = decimals;
    }
    return give_text(text, write_text(value, exp, decimals, text), out, cap);
}

int fixed_format_trim(int64_t value, int exp, char *out, size_t cap)
{
    char text[FIXED_TEXT_MAX];

    if (!exp_is_valid(exp))
        return ERR_RANGE;
    size_t len = write_text(value, exp, exp, text);
    if (exp > 0) {
        while (text[len - 1] == '0')
            len--;
        len -= text[len - 1] == '.';
    }
    return give_text(text, len, out, cap);
}

/* value / divisor, rounded. ERR_RANGE when EXACT would lose digits or int64 does not hold it. */
static int divide(i128 value, i128 divisor, enum fixed_round round, int64_t *out)
{
    i128 quotient, rest;

    /* A 64-bit division costs a fifth of a 128-bit one. */
    if (value >= INT64_MIN && value <= INT64_MAX && divisor <= INT64_MAX) {
        quotient = (int64_t)value / (int64_t)divisor;
        rest = (int64_t)value % (int64_t)divisor;
    } else {
        quotient = value / divisor;
        rest = value - quotient * divisor;
    }
    if (rest != 0) {
        i128 away = value < 0 ? -1 : 1;
        i128 distance = rest < 0 ? -rest : rest;

        if (round == FIXED_EXACT)
            return ERR_RANGE;
        if (round == FIXED_UP || (round == FIXED_NEAREST && distance >= divisor - distance))
            quotient += away;
    }
    if (quotient < INT64_MIN || quotient > INT64_MAX)
        return ERR_RANGE;
    *out = (int64_t)quotient;
    return 0;
}

/* value * 10^shift, rounded where shift is negative. |value| < 2^127. */
static int scale(i128 value, int shift, enum fixed_round round, int64_t *out)
{
    if (value == 0) {
        *out = 0;
        return 0;
    }
    for (; shift > 0; shift -= MIN(shift, 18))
        if (__builtin_mul_overflow(value, (i128)fixed_pow10(MIN(shift, 18)), &value))
            return ERR_RANGE;
    if (shift == 0)
        return divide(value, 1, round, out);
    /* Past 10^38 the divisor would not fit; the value is then less than half of it. */
    if (shift < -38) {
        if (round == FIXED_EXACT)
            return ERR_RANGE;
        *out = round != FIXED_UP ? 0 : value < 0 ? -1 : 1;
        return 0;
    }
    i128 divisor = 1;
    for (; shift < 0; shift += MIN(-shift, 18))
        divisor *= fixed_pow10(MIN(-shift, 18));
    return divide(value, divisor, round, out);
}

int fixed_rescale(int64_t value, int exp, int to_exp, enum fixed_round round, int64_t *out)
{
    if (!exp_is_valid(exp) || !exp_is_valid(to_exp))
        return ERR_RANGE;
    return scale(value, to_exp - exp, round, out);
}

int fixed_compare(int64_t a, int a_exp, int64_t b, int b_exp)
{
    assert(exp_is_valid(a_exp) && exp_is_valid(b_exp));
    if (a_exp > b_exp)
        return -fixed_compare(b, b_exp, a, a_exp);

    int shift = b_exp - a_exp;
    i128 scaled = a;

    /* 10^19 is already beyond any int64 that it is compared with. */
    for (shift = MIN(shift, 19); shift > 0; shift -= MIN(shift, 18))
        scaled *= fixed_pow10(MIN(shift, 18));
    return (scaled > b) - (scaled < b);
}

int fixed_notional(int64_t price, int price_exp, int64_t qty, int qty_exp, int to_exp,
                   enum fixed_round round, int64_t *out)
{
    if (!exp_is_valid(price_exp) || !exp_is_valid(qty_exp) || !exp_is_valid(to_exp))
        return ERR_RANGE;
    return scale((i128)price * qty, to_exp - price_exp - qty_exp, round, out);
}

int fixed_mul_div(int64_t a, int64_t b, int64_t c, enum fixed_round round, int64_t *out)
{
    assert(c > 0);
    return divide((i128)a * b, c, round, out);
}
