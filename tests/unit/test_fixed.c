/* Decimals: reading, writing, and arithmetic at the limits. */
#include "common/leaf/err.h"
#include "common/leaf/fixed.h"
#include "tests/unit/check.h"
#include "tests/unit/guarded.h"

#include <stdio.h>
#include <stdlib.h>

enum { UNTOUCHED = -987654321 };

static int parse(const char *text, int exp, int64_t *out)
{
    size_t len = strlen(text);

    return fixed_parse(guarded_copy(text, len), len, exp, out);
}

static int64_t parsed(const char *text, int exp)
{
    int64_t value = UNTOUCHED;

    CHECK_INT(parse(text, exp, &value), 0);
    return value;
}

static int refused(const char *text, int exp)
{
    int64_t value = UNTOUCHED;
    int err = parse(text, exp, &value);

    CHECK_INT(value, UNTOUCHED);
    return err;
}

static const char *formatted(int64_t value, int exp)
{
    static char text[FIXED_TEXT_MAX];

    CHECK_INT(fixed_format(value, exp, text, sizeof(text)), strlen(text));
    return text;
}

static void reads_what_venues_write(void)
{
    CHECK_INT(parsed("61602.01", 8), 6160201000000);
    CHECK_INT(parsed("61602.01000000", 8), 6160201000000);
    CHECK_INT(parsed("0.00000001", 8), 1);
    CHECK_INT(parsed("-12.5", 1), -125);
    CHECK_INT(parsed("0", 18), 0);
    CHECK_INT(parsed("-0.0", 0), 0);
    CHECK_INT(parsed("007.50", 2), 750);
    CHECK_INT(parsed("12345678", 0), 12345678);
    CHECK_INT(parsed("123456789012345678", 0), 123456789012345678);
    CHECK_INT(parsed("1200", -2), 12);
}

static void reads_exponents(void)
{
    CHECK_INT(parsed("7.4E-7", 8), 74);
    CHECK_INT(parsed("7.4e-07", 8), 74);
    CHECK_INT(parsed("1E5", 0), 100000);
    CHECK_INT(parsed("1e+5", 0), 100000);
    CHECK_INT(parsed("-1.25E2", 0), -125);
    CHECK_INT(parsed("1250E-2", 1), 125);
    CHECK_INT(parsed("0E99999999999999999999", 8), 0);
    CHECK_INT(parsed("0.000E-99999999999999999999", 8), 0);
    CHECK_INT(parsed("9E18", 0), 9000000000000000000);
    CHECK_INT(parsed("0.0000000000000000000000009E25", 0), 9);
    CHECK_INT(refused("1E19", 0), ERR_RANGE);
    CHECK_INT(refused("1E-9", 8), ERR_RANGE);
    CHECK_INT(refused("1E99999999999999999999", 8), ERR_RANGE);
    CHECK_INT(refused("1E-99999999999999999999", 8), ERR_RANGE);
}

static void refuses_what_is_no_decimal(void)
{
    static const char *const texts[] = {
        "",
        "-",
        ".",
        "-.",
        "+1",
        "1.",
        ".5",
        "-.5",
        "1..2",
        "1.2.3",
        "--1",
        "1-",
        " 1",
        "1 ",
        "1,000",
        "0x10",
        "1e",
        "1e+",
        "1e-",
        "1.e5",
        "e5",
        "1e5.0",
        "1e5e5",
        "NaN",
        "nan",
        "inf",
        "1\n",
        "12345678a",
        "a12345678",
        "1234567/",
        "1234567:",
        "12345678.",
        "1.12345678x",
        "123456789012345678901234567890x",
    };

    for (size_t i = 0; i < COUNT(texts); i++)
        CHECK_INT(refused(texts[i], 8), ERR_PROTO);
    int64_t value = UNTOUCHED;
    CHECK_INT(fixed_parse("1\0", 2, 8, &value), ERR_PROTO);
    CHECK_INT(value, UNTOUCHED);
}

static void reads_up_to_the_last_value_that_fits(void)
{
    CHECK(parsed("9223372036854775807", 0) == INT64_MAX);
    CHECK(parsed("-9223372036854775808", 0) == INT64_MIN);
    CHECK(parsed("92233720368.54775807", 8) == INT64_MAX);
    CHECK(parsed("-92233720368.54775808", 8) == INT64_MIN);
    CHECK(parsed("9.223372036854775807", 18) == INT64_MAX);
    CHECK(parsed("9223372036854775807000000", -6) == INT64_MAX);
    CHECK(parsed("-9223372036854775808000000.000000", -6) == INT64_MIN);
    CHECK_INT(refused("9223372036854775808", 0), ERR_RANGE);
    CHECK_INT(refused("-9223372036854775809", 0), ERR_RANGE);
    CHECK_INT(refused("9999999999999999999", 0), ERR_RANGE);
    CHECK_INT(refused("18446744073709551616", 0), ERR_RANGE);
    CHECK_INT(refused("18446744073709551617", 0), ERR_RANGE);
    CHECK_INT(refused("92233720368.54775808", 8), ERR_RANGE);
    CHECK_INT(refused("10", 18), ERR_RANGE);
    CHECK_INT(refused("99999999999999999999999999", 8), ERR_RANGE);
}

static void never_loses_a_digit(void)
{
    CHECK_INT(parsed("1.10", 1), 11);
    CHECK_INT(refused("1.11", 1), ERR_RANGE);
    CHECK_INT(refused("0.000000001", 8), ERR_RANGE);
    CHECK_INT(parsed("0.000000010", 8), 1);
    CHECK_INT(parsed("1.5000000000000000000000000000000000000000", 8), 150000000);
    CHECK_INT(refused("1.5000000000000000000000000000000000000001", 8), ERR_RANGE);
    CHECK_INT(refused("1250", -2), ERR_RANGE);
    CHECK_INT(parsed("0000000000000000000000000000000000000001", 0), 1);
}

static void refuses_exponents_beyond_its_range(void)
{
    char text[FIXED_TEXT_MAX] = "untouched";
    int64_t value = UNTOUCHED;

    CHECK_INT(refused("1", FIXED_EXP_MAX + 1), ERR_RANGE);
    CHECK_INT(refused("1", FIXED_EXP_MIN - 1), ERR_RANGE);
    CHECK_INT(fixed_format(1, 19, text, sizeof(text)), ERR_RANGE);
    CHECK_INT(fixed_format(1, -7, text, sizeof(text)), ERR_RANGE);
    CHECK_INT(fixed_format_at(1, 8, 19, text, sizeof(text)), ERR_RANGE);
    CHECK_INT(fixed_format_trim(1, 19, text, sizeof(text)), ERR_RANGE);
    CHECK_INT(fixed_rescale(1, 0, 19, FIXED_EXACT, &value), ERR_RANGE);
    CHECK_INT(fixed_rescale(1, 19, 0, FIXED_EXACT, &value), ERR_RANGE);
    CHECK_INT(fixed_notional(1, 19, 1, 0, 0, FIXED_EXACT, &value), ERR_RANGE);
    CHECK_INT(fixed_notional(1, 0, 1, -7, 0, FIXED_EXACT, &value), ERR_RANGE);
    CHECK_INT(fixed_notional(1, 0, 1, 0, 19, FIXED_EXACT, &value), ERR_RANGE);
    CHECK_STR(text, "untouched");
    CHECK_INT(value, UNTOUCHED);
}

static void natural_keeps_the_decimals_of_the_text(void)
{
    static const struct {
        const char *text;
        int64_t value;
        int exp;
    } cases[] = {
        { "43210.120", 43210120, 3 },
        { "0.50000000", 50000000, 8 },
        { "12", 12, 0 },
        { "1200", 1200, 0 },
        { "1E5", 100000, 0 },
        { "7.4E-7", 74, 8 },
        { "1.50E1", 150, 1 },
        { "0.00", 0, 2 },
        { "-0.10", -10, 2 },
        { "1.2E1", 12, 0 },
        { "0.000000000000000000", 0, 18 },
        { "9.223372036854775807", INT64_MAX, 18 },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t value = UNTOUCHED;
        int exp = UNTOUCHED;
        CHECK_INT(fixed_parse_natural(cases[i].text, strlen(cases[i].text), &value, &exp), 0);
        CHECK_INT(value, cases[i].value);
        CHECK_INT(exp, cases[i].exp);
    }
    int64_t value = UNTOUCHED;
    int exp = UNTOUCHED;
    CHECK_INT(fixed_parse_natural("0.0000000000000000000", 21, &value, &exp), ERR_RANGE);
    CHECK_INT(fixed_parse_natural("12345678901.1234567890", 22, &value, &exp), ERR_RANGE);
    CHECK_INT(fixed_parse_natural("1E19", 4, &value, &exp), ERR_RANGE);
    CHECK_INT(fixed_parse_natural("1e", 2, &value, &exp), ERR_PROTO);
    CHECK(value == UNTOUCHED && exp == UNTOUCHED);
}

static void writes_exactly_its_decimals(void)
{
    CHECK_STR(formatted(6160201000000, 8), "61602.01000000");
    CHECK_STR(formatted(-5, 2), "-0.05");
    CHECK_STR(formatted(0, 3), "0.000");
    CHECK_STR(formatted(0, 0), "0");
    CHECK_STR(formatted(0, -6), "0");
    CHECK_STR(formatted(12, -2), "1200");
    CHECK_STR(formatted(-1, 18), "-0.000000000000000001");
    CHECK_STR(formatted(INT64_MAX, 0), "9223372036854775807");
    CHECK_STR(formatted(INT64_MIN, 18), "-9.223372036854775808");
    CHECK_STR(formatted(INT64_MIN, -6), "-9223372036854775808000000");
}

static void says_when_the_text_does_not_fit(void)
{
    char text[8] = "before";

    CHECK_INT(fixed_format(12345, 2, text, 6), ERR_RANGE);
    CHECK_STR(text, "before");
    CHECK_INT(fixed_format(12345, 2, text, 7), 6);
    CHECK_STR(text, "123.45");
    CHECK_INT(fixed_format(1, 0, text, 0), ERR_RANGE);
}

static const char *formatted_at(int64_t value, int exp, int decimals)
{
    static char text[FIXED_TEXT_MAX];
    int len = fixed_format_at(value, exp, decimals, text, sizeof(text));

    if (len < 0)
        return err_str(len);
    CHECK_INT(len, strlen(text));
    return text;
}

static void writes_other_decimals_without_losing_a_digit(void)
{
    CHECK_STR(formatted_at(6160201000000, 8, 2), "61602.01");
    CHECK_STR(formatted_at(6160201000000, 8, 1), err_str(ERR_RANGE));
    CHECK_STR(formatted_at(6160200000000, 8, 0), "61602");
    CHECK_STR(formatted_at(125, 1, 4), "12.5000");
    CHECK_STR(formatted_at(12, -2, 2), "1200.00");
    CHECK_STR(formatted_at(1200, 0, -2), "1200");
    CHECK_STR(formatted_at(1250, 0, -2), err_str(ERR_RANGE));
    CHECK_STR(formatted_at(0, 18, -6), "0");
    CHECK_STR(formatted_at(INT64_MIN, -6, 18), "-9223372036854775808000000.000000000000000000");
}

static const char *trimmed(int64_t value, int exp)
{
    static char text[FIXED_TEXT_MAX];

    CHECK_INT(fixed_format_trim(value, exp, text, sizeof(text)), strlen(text));
    return text;
}

static void trims_zeros_behind_the_point_only(void)
{
    CHECK_STR(trimmed(50000000, 8), "0.5");
    CHECK_STR(trimmed(1200000000, 8), "12");
    CHECK_STR(trimmed(0, 8), "0");
    CHECK_STR(trimmed(-100, 2), "-1");
    CHECK_STR(trimmed(1200, 0), "1200");
    CHECK_STR(trimmed(12, -2), "1200");
    CHECK_STR(trimmed(123, 2), "1.23");
}

static int64_t rescaled(int64_t value, int exp, int to_exp, enum fixed_round round)
{
    int64_t out = UNTOUCHED;
    int err = fixed_rescale(value, exp, to_exp, round, &out);

    CHECK((err == 0) != (out == UNTOUCHED));
    return err ? err : out;
}

static void rescales_in_each_direction(void)
{
    CHECK_INT(rescaled(125, 2, 8, FIXED_EXACT), 125000000);
    CHECK_INT(rescaled(-125, 2, 1, FIXED_DOWN), -12);
    CHECK_INT(rescaled(-125, 2, 1, FIXED_UP), -13);
    CHECK_INT(rescaled(-125, 2, 1, FIXED_NEAREST), -13);
    CHECK_INT(rescaled(124, 2, 1, FIXED_NEAREST), 12);
    CHECK_INT(rescaled(126, 2, 1, FIXED_DOWN), 12);
    CHECK_INT(rescaled(121, 2, 1, FIXED_UP), 13);
    CHECK_INT(rescaled(125, 2, 1, FIXED_EXACT), ERR_RANGE);
    CHECK_INT(rescaled(120, 2, 1, FIXED_EXACT), 12);
    CHECK_INT(rescaled(1, 18, -6, FIXED_DOWN), 0);
    CHECK_INT(rescaled(1, 18, -6, FIXED_UP), 1);
    CHECK_INT(rescaled(-1, 18, -6, FIXED_UP), -1);
    CHECK_INT(rescaled(INT64_MAX, 18, -6, FIXED_NEAREST), 0);
    CHECK(rescaled(INT64_MIN, 3, 3, FIXED_EXACT) == INT64_MIN);
    CHECK_INT(rescaled(1, -6, 18, FIXED_DOWN), ERR_RANGE);
    CHECK_INT(rescaled(INT64_MAX, 0, 1, FIXED_DOWN), ERR_RANGE);
    CHECK_INT(rescaled(0, -6, 18, FIXED_EXACT), 0);
}

static void compares_any_two_exponents(void)
{
    CHECK_INT(fixed_compare(1, 0, 10, 1), 0);
    CHECK_INT(fixed_compare(1, 0, 11, 1), -1);
    CHECK_INT(fixed_compare(-1, 0, -11, 1), 1);
    CHECK_INT(fixed_compare(INT64_MAX, 18, 10, 0), -1);
    CHECK_INT(fixed_compare(1, -6, INT64_MAX, 18), 1);
    CHECK_INT(fixed_compare(INT64_MIN, -6, INT64_MIN, 18), -1);
    CHECK_INT(fixed_compare(INT64_MAX, -6, INT64_MAX, 18), 1);
    CHECK_INT(fixed_compare(0, -6, 0, 18), 0);
    CHECK_INT(fixed_compare(0, -6, -1, 18), 1);
    CHECK_INT(fixed_compare(1, -6, 1000000, 0), 0);
}

static void notional_goes_through_128_bits(void)
{
    int64_t out = UNTOUCHED;

    /* 61602.01 * 1.5 */
    CHECK_INT(fixed_notional(6160201000000, 8, 150000000, 8, 8, FIXED_EXACT, &out), 0);
    CHECK_INT(out, 9240301500000);
    CHECK_INT(fixed_notional(INT64_MAX, 18, INT64_MAX, 18, 0, FIXED_DOWN, &out), 0);
    CHECK_INT(out, 85);
    CHECK_INT(fixed_notional(INT64_MAX, 18, INT64_MAX, 18, 0, FIXED_UP, &out), 0);
    CHECK_INT(out, 86);
    CHECK_INT(fixed_notional(INT64_MIN, 18, INT64_MIN, 18, -6, FIXED_DOWN, &out), 0);
    CHECK_INT(out, 0);
    CHECK_INT(fixed_notional(INT64_MIN, 18, INT64_MAX, 18, -6, FIXED_UP, &out), 0);
    CHECK_INT(out, -1);
    CHECK_INT(fixed_notional(INT64_MIN, 18, INT64_MAX, 18, -6, FIXED_NEAREST, &out), 0);
    CHECK_INT(out, 0);
    out = UNTOUCHED;
    CHECK_INT(fixed_notional(INT64_MIN, 18, INT64_MAX, 18, -6, FIXED_EXACT, &out), ERR_RANGE);
    CHECK_INT(fixed_notional(INT64_MAX, 0, 2, 0, 0, FIXED_DOWN, &out), ERR_RANGE);
    CHECK_INT(fixed_notional(INT64_MAX, -6, INT64_MAX, -6, 18, FIXED_DOWN, &out), ERR_RANGE);
    CHECK_INT(out, UNTOUCHED);
}

static void mul_div_rounds_as_told(void)
{
    int64_t out = UNTOUCHED;

    CHECK_INT(fixed_mul_div(7, 3, 2, FIXED_DOWN, &out), 0);
    CHECK_INT(out, 10);
    CHECK_INT(fixed_mul_div(-7, 3, 2, FIXED_NEAREST, &out), 0);
    CHECK_INT(out, -11);
    CHECK_INT(fixed_mul_div(INT64_MIN, INT64_MIN, INT64_MAX, FIXED_DOWN, &out), ERR_RANGE);
    CHECK_INT(fixed_mul_div(INT64_MAX, INT64_MAX, INT64_MAX, FIXED_EXACT, &out), 0);
    CHECK(out == INT64_MAX);
    CHECK_INT(fixed_mul_div(INT64_MIN, INT64_MAX, INT64_MAX, FIXED_EXACT, &out), 0);
    CHECK(out == INT64_MIN);
    CHECK_INT(fixed_mul_div(1, 1, 3, FIXED_EXACT, &out), ERR_RANGE);
}

/* A seeded walk over magnitudes of every length. */
static int64_t any_value(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (int64_t)(*state >> (*state & 63)) * (*state & 64 ? -1 : 1);
}

static void what_is_written_reads_back(void)
{
    uint64_t state = 88172645463325252u;
    char text[FIXED_TEXT_MAX];

    for (int i = 0; i < 200000; i++) {
        int64_t value = any_value(&state), again = 0, natural = 0;
        int exp = (int)((uint64_t)any_value(&state) % 25) + FIXED_EXP_MIN, natural_exp = 0;

        int len = fixed_format(value, exp, text, sizeof(text));
        bool is_same = fixed_parse(text, (size_t)len, exp, &again) == 0 && again == value;
        if (exp >= 0)
            is_same &= fixed_parse_natural(text, (size_t)len, &natural, &natural_exp) == 0 &&
                       natural == value && natural_exp == exp;
        len = fixed_format_trim(value, exp, text, sizeof(text));
        is_same &= fixed_parse(text, (size_t)len, exp, &again) == 0 && again == value;
        if (!is_same) {
            fprintf(stderr, "%lld at %d\n", (long long)value, exp);
            CHECK(is_same);
            return;
        }
    }
}

/* Reads by integer arithmetic alone what the words of eight digits read. */
static void reads_all_lengths_of_digits_alike(void)
{
    char text[40];

    for (int whole = 1; whole <= 18; whole++)
        for (int decimals = 0; whole + decimals <= 18; decimals++) {
            int64_t want = 0;
            int len = 0;
            for (int i = 0; i < whole + decimals; i++) {
                if (i == whole)
                    text[len++] = '.';
                text[len++] = (char)('1' + i % 9);
                want = want * 10 + 1 + i % 9;
            }
            text[len] = '\0';
            CHECK_INT(parsed(text, decimals), want);
        }
}

int main(void)
{
    CASE(reads_what_venues_write);
    CASE(reads_exponents);
    CASE(refuses_what_is_no_decimal);
    CASE(reads_up_to_the_last_value_that_fits);
    CASE(never_loses_a_digit);
    CASE(refuses_exponents_beyond_its_range);
    CASE(natural_keeps_the_decimals_of_the_text);
    CASE(writes_exactly_its_decimals);
    CASE(says_when_the_text_does_not_fit);
    CASE(writes_other_decimals_without_losing_a_digit);
    CASE(trims_zeros_behind_the_point_only);
    CASE(rescales_in_each_direction);
    CASE(compares_any_two_exponents);
    CASE(notional_goes_through_128_bits);
    CASE(mul_div_rounds_as_told);
    CASE(what_is_written_reads_back);
    CASE(reads_all_lengths_of_digits_alike);
    DONE();
}
