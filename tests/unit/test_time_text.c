/* Texts of time. */
#include "common/leaf/err.h"
#include "common/pure/time_text.h"
#include "tests/unit/check.h"

static void times_are_read_to_the_nanosecond(void)
{
    static const struct {
        const char *text;
        int64_t ns;
    } good[] = {
        { "1970-01-01T00:00:00Z", 0 },
        { "2023-10-06T17:35:55.440295Z", INT64_C(1696613755440295000) },
        { "2024-02-29T23:59:59.999999999Z", INT64_C(1709251199999999999) },
        { "2100-03-01T00:00:00.5Z", INT64_C(4107542400500000000) },
    };
    static const char *const bad[] = { "",
                                       "Z",
                                       "2023-10-06T17:35:55.440295",
                                       "2023-13-06T17:35:55Z",
                                       "2023-10-06 17:35:55Z",
                                       "2023-10-06T17:35:55.Z",
                                       "2023-10-06T17:35:5xZ" };
    char text[TIME_TEXT_MS];
    int64_t ns;

    for (size_t i = 0; i < COUNT(good); i++) {
        CHECK(time_text_read(good[i].text, strlen(good[i].text), &ns) == 0);
        CHECK_INT(ns, good[i].ns);
    }
    for (size_t i = 0; i < COUNT(bad); i++)
        CHECK_INT(time_text_read(bad[i], strlen(bad[i]), &ns), ERR_PROTO);
    time_text_write_ms(INT64_C(1777975205000999999), text);
    CHECK_STR(text, "2026-05-05T10:00:05.000Z");
    time_text_write_ms(INT64_C(1709251199999999999), text);
    CHECK_STR(text, "2024-02-29T23:59:59.999Z");
}

static void seconds_with_a_fraction_are_read_and_cut_at_the_nanosecond(void)
{
    static const char *const bad[] = { "", "-1", "now", "1e99", "1736293645,2" };
    int64_t ns = -5;

    CHECK_INT(time_text_read_seconds("1736293645.201", 14, &ns), 0);
    CHECK_INT(ns, INT64_C(1736293645201000000));
    CHECK_INT(time_text_read_seconds("1.23456789012", 13, &ns), 0);
    CHECK_INT(ns, 1234567890);
    for (size_t i = 0; i < COUNT(bad); i++)
        CHECK_INT(time_text_read_seconds(bad[i], strlen(bad[i]), &ns), ERR_PROTO);
    CHECK_INT(ns, 1234567890);
}

int main(void)
{
    CASE(times_are_read_to_the_nanosecond);
    CASE(seconds_with_a_fraction_are_read_and_cut_at_the_nanosecond);
    DONE();
}
