/* Decimals: reading, writing, and arithmetic at the limits. */
#include "common/leaf/err.h"
#include "common/leaf/fixed.h"
#include "tests/unit/check.h"

static int parse(const char *text, int exp, int64_t *out)
{
    return fixed_parse(text, strlen(text), exp, out);
}

static int64_t parsed(const char *text, int exp)
{
    int64_t value = -999;

    CHECK_INT(parse(text, exp, &value), 0);
    return value;
}

static void reads_what_venues_write(void)
{
    CHECK_INT(parsed("61602.01", 8), 6160201000000);
    CHECK_INT(parsed("61602.01000000", 8), 6160201000000);
    CHECK_INT(parsed("-12.5", 1), -125);
    CHECK_INT(parsed("0", 18), 0);
    CHECK_INT(parsed("7.4E-7", 8), 74);
    CHECK_INT(parsed("7.4e-07", 8), 74);
    CHECK_INT(parsed("1E5", 0), 100000);
    CHECK_INT(parsed("1200", -2), 12);
}

int main(void)
{
    CASE(reads_what_venues_write);
    DONE();
}
