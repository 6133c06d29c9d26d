/* fuzz_fixed: decimals from any text, against long arithmetic on the digits themselves.
 *
 * Laws: fixed_parse agrees with a reader that works digit by digit on text; what is written reads
 * back; a natural reading formats to the same number; rescaling and comparing agree with each
 * other. */
#include "common/leaf/err.h"
#include "common/leaf/fixed.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* ---- a slow reader: the digits as text, shifted by moving the point ---- */

enum { TEXT_MAX = 256 };

struct slow {
    char digits[TEXT_MAX];
    long count, point; /* value = 0.DIGITS * 10^point */
    bool is_negative;
};

static size_t run_of_digits(const char *text, size_t len)
{
    size_t n = 0;

    while (n < len && text[n] >= '0' && text[n] <= '9')
        n++;
    return n;
}

static bool slow_read(const char *text, size_t len, struct slow *out)
{
    size_t at = 0, n;
    long power = 0;

    memset(out, 0, sizeof(*out));
    if (at < len && text[at] == '-') {
        out->is_negative = true;
        at++;
    }
    n = run_of_digits(text + at, len - at);
    if (n == 0)
        return false;
    memcpy(out->digits, text + at, n);
    out->count = out->point = (long)n;
    at += n;
    if (at < len && text[at] == '.') {
        at++;
        n = run_of_digits(text + at, len - at);
        if (n == 0)
            return false;
        memcpy(out->digits + out->count, text + at, n);
        out->count += (long)n;
        at += n;
    }
    if (at < len && (text[at] == 'e' || text[at] == 'E')) {
        bool is_negative = false;
        at++;
        if (at < len && (text[at] == '-' || text[at] == '+'))
            is_negative = text[at++] == '-';
        n = run_of_digits(text + at, len - at);
        if (n == 0)
            return false;
        for (size_t i = 0; i < n; i++)
            power = power > 100000 ? power : power * 10 + (text[at + i] - '0');
        at += n;
        if (is_negative)
            power = -power;
    }
    out->point += power;
    return at == len;
}

/* The integer at exp: 0, ERR_RANGE. */
static int slow_value(const struct slow *slow, int exp, int64_t *out)
{
    long first = 0, last = slow->count, end = slow->point + exp; /* Digits before end are whole. */
    i128 value = 0;

    while (first < last && slow->digits[first] == '0')
        first++;
    while (last > first && slow->digits[last - 1] == '0')
        last--;
    if (first == last) {
        *out = 0;
        return 0;
    }
    if (last > end || end - first > 19)
        return ERR_RANGE;
    for (long i = first; i < end; i++)
        value = value * 10 + (i < last ? slow->digits[i] - '0' : 0);
    if (slow->is_negative)
        value = -value;
    if (value > INT64_MAX || value < INT64_MIN)
        return ERR_RANGE;
    *out = (int64_t)value;
    return 0;
}

/* ---- the laws ---- */

static void reading_agrees(const char *text, size_t len, int exp)
{
    struct slow slow;
    int64_t want = 0, have = 0;
    bool is_decimal = slow_read(text, len, &slow);
    int want_err = is_decimal ? slow_value(&slow, exp, &want) : ERR_PROTO;

    require(fixed_parse(text, len, exp, &have) == want_err);
    require(have == want);
}

static void natural_reads_the_same_number(const char *text, size_t len)
{
    int64_t value = 0, again = 0;
    int exp = 0;
    char out[FIXED_TEXT_MAX];

    if (fixed_parse_natural(text, len, &value, &exp) != 0)
        return;
    require(exp >= 0 && exp <= FIXED_EXP_MAX);
    require(fixed_parse(text, len, exp, &again) == 0 && again == value);
    int out_len = fixed_format(value, exp, out, sizeof(out));
    require(out_len > 0 && fixed_parse(out, (size_t)out_len, exp, &again) == 0 && again == value);
}

static void writing_reads_back(int64_t value, int exp, int decimals)
{
    char text[FIXED_TEXT_MAX];
    int64_t back = 0;

    int len = fixed_format(value, exp, text, sizeof(text));
    require(len > 0 && (size_t)len == strlen(text));
    require(fixed_parse(text, (size_t)len, exp, &back) == 0 && back == value);
    len = fixed_format_trim(value, exp, text, sizeof(text));
    require(len > 0 && fixed_parse(text, (size_t)len, exp, &back) == 0 && back == value);
    len = fixed_format_at(value, exp, decimals, text, sizeof(text));
    if (len < 0) {
        require(len == ERR_RANGE && decimals < exp);
        require(fixed_rescale(value, exp, decimals, FIXED_EXACT, &back) == ERR_RANGE);
    } else {
        require(fixed_parse(text, (size_t)len, exp, &back) == 0 && back == value);
    }
}

static void rounding_brackets_the_value(int64_t value, int exp, int to_exp)
{
    int64_t down, up, nearest, exact;
    int down_err = fixed_rescale(value, exp, to_exp, FIXED_DOWN, &down);

    if (down_err != 0 || fixed_rescale(value, exp, to_exp, FIXED_UP, &up) != 0)
        return;
    int64_t low = value < 0 ? up : down, high = value < 0 ? down : up;
    require(high - low <= 1);
    require(fixed_compare(low, to_exp, value, exp) <= 0);
    require(fixed_compare(high, to_exp, value, exp) >= 0);
    require(fixed_rescale(value, exp, to_exp, FIXED_NEAREST, &nearest) == 0);
    require(nearest == low || nearest == high);
    bool is_exact = fixed_rescale(value, exp, to_exp, FIXED_EXACT, &exact) == 0;
    require(is_exact == (low == high) && (!is_exact || exact == low));
}

/* Within half a unit, and halves away from zero. */
static void nearest_is_nearest(int64_t value, int digits_lost)
{
    int64_t nearest;
    i128 unit = fixed_pow10(digits_lost);

    require(fixed_rescale(value, digits_lost, 0, FIXED_NEAREST, &nearest) == 0);
    i128 off = value < 0 ? nearest * unit - value : value - nearest * unit;
    require(2 * off < unit && 2 * off >= -unit);
}

/* Around the last values that fit, with the point anywhere. */
static void reading_agrees_at_the_limits(uint8_t away, uint8_t point, bool is_negative, int exp)
{
    uint64_t magnitude = ((uint64_t)1 << 63) + away - 128;
    char digits[24], text[32];
    int len = snprintf(digits, sizeof(digits), "%" PRIu64, magnitude);
    int before = 1 + point % (len - 1);

    int text_len = snprintf(text, sizeof(text), "%s%.*s%s%s", is_negative ? "-" : "", before,
                            digits, point & 0x80 ? "." : "", digits + before);
    reading_agrees(text, (size_t)text_len, exp);
}

static void comparing_is_an_order(int64_t a, int a_exp, int64_t b, int b_exp)
{
    int order = fixed_compare(a, a_exp, b, b_exp);
    int64_t scaled;

    require(order >= -1 && order <= 1);
    require(fixed_compare(b, b_exp, a, a_exp) == -order);
    if (fixed_rescale(a, a_exp, b_exp, FIXED_EXACT, &scaled) == 0)
        require(order == (scaled > b) - (scaled < b));
}

static void products_agree_with_128_bits(int64_t a, int64_t b, int64_t c)
{
    int64_t out = 0;

    if (c <= 0)
        return;
    i128 product = (i128)a * b, quotient = product / c;
    bool fits = quotient >= INT64_MIN && quotient <= INT64_MAX;
    require((fixed_mul_div(a, b, c, FIXED_DOWN, &out) == 0) == fits);
    require(!fits || out == quotient);
    require((fixed_notional(a, 4, b, 4, 8, FIXED_EXACT, &out) == 0) ==
            (product >= INT64_MIN && product <= INT64_MAX));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct {
        int64_t a, b, c;
        uint8_t exps[3];
    } in = { 0 };
    size_t head = offsetof(__typeof__(in), exps) + sizeof(in.exps);
    int exps[3];

    if (size < head || size - head >= TEXT_MAX)
        return 0;
    memcpy(&in, data, head);
    for (int i = 0; i < 3; i++)
        exps[i] = in.exps[i] % (FIXED_EXP_MAX - FIXED_EXP_MIN + 1) + FIXED_EXP_MIN;

    /* The text in a block of its own size: a look past its end is seen. */
    size_t len = size - head;
    char *text = malloc(len + (len == 0));
    memcpy(text, data + head, len);
    reading_agrees(text, len, exps[0]);
    natural_reads_the_same_number(text, len);
    free(text);

    writing_reads_back(in.a, exps[0], exps[1]);
    rounding_brackets_the_value(in.a, exps[0], exps[1]);
    nearest_is_nearest(in.a, in.exps[0] % 19);
    reading_agrees_at_the_limits(in.exps[0], in.exps[1], in.exps[2] & 1, exps[2]);
    comparing_is_an_order(in.a, exps[0], in.b, exps[1]);
    products_agree_with_128_bits(in.a, in.b, in.c);
    return 0;
}
