#include "common/pure/time_text.h"

#include "common/leaf/digits.h"
#include "common/leaf/err.h"
#include "common/leaf/fixed.h"

#include <string.h>

/* Days since 1970 of a civil date, and back: years begin in March, so that a leap day comes last.
 */
static int64_t days_of(int64_t year, unsigned month, unsigned day)
{
    year -= month <= 2;
    int64_t era = year / 400;
    unsigned of_era = (unsigned)(year - era * 400);
    unsigned of_year = (153 * (month + (month > 2 ? 0u : 12u) - 3) + 2) / 5 + day - 1;

    return era * 146097 + (int64_t)(of_era * 365 + of_era / 4 - of_era / 100 + of_year) - 719468;
}

static void date_of(int64_t days, int *year, unsigned *month, unsigned *day)
{
    days += 719468;
    int64_t era = days / 146097;
    unsigned of_era = (unsigned)(days - era * 146097);
    unsigned year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    unsigned of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned from_march = (5 * of_year + 2) / 153;

    *day = of_year - (153 * from_march + 2) / 5 + 1;
    *month = from_march < 10 ? from_march + 3 : from_march - 9;
    *year = (int)(year_of_era + era * 400) + (*month <= 2);
}

/* Two digits at most max, or -1. */
static int two(const char *at, int max)
{
    if (!digit_is(at[0]) || !digit_is(at[1]))
        return -1;
    int value = (at[0] - '0') * 10 + (at[1] - '0');
    return value <= max ? value : -1;
}

int time_text_read(const char *text, size_t len, int64_t *out_ns)
{
    static const char form[] = "nnnn-nn-nnTnn:nn:nn";
    enum { HEAD = sizeof(form) - 1 };

    if (len < HEAD + 1 || text[len - 1] != 'Z')
        return ERR_PROTO;
    for (size_t i = 0; i < HEAD; i++)
        if (form[i] != 'n' && text[i] != form[i])
            return ERR_PROTO;
    int century = two(text, 99), year = two(text + 2, 99), month = two(text + 5, 12);
    int day = two(text + 8, 31), hour = two(text + 11, 23), minute = two(text + 14, 59);
    int second = two(text + 17, 60);
    if (century < 19 || year < 0 || month < 1 || day < 1 || hour < 0 || minute < 0 || second < 0 ||
        century > 21)
        return ERR_PROTO;

    int64_t fraction = 0, unit = NS_PER_S;
    if (len > HEAD + 1) {
        if (text[HEAD] != '.' || len == HEAD + 2)
            return ERR_PROTO;
        for (size_t i = HEAD + 1; i < len - 1; i++) {
            if (!digit_is(text[i]))
                return ERR_PROTO;
            unit /= 10;
            fraction += (text[i] - '0') * unit;
        }
    }
    int64_t days = days_of(century * 100 + year, (unsigned)month, (unsigned)day);
    *out_ns = (days * 86400 + hour * 3600 + minute * 60 + second) * NS_PER_S + fraction;
    return 0;
}

static void put_digits(char *out, unsigned value, int count)
{
    for (int i = count - 1; i >= 0; i--, value /= 10)
        out[i] = (char)('0' + value % 10);
}

void time_text_write_ms(int64_t epoch_ns, char out[TIME_TEXT_MS])
{
    int64_t ms = MAX(epoch_ns, 0) / NS_PER_MS;
    int64_t of_day = ms % 86400000;
    unsigned month, day;
    int year;

    date_of(ms / 86400000, &year, &month, &day);
    memcpy(out, "0000-00-00T00:00:00.000Z", TIME_TEXT_MS);
    put_digits(out, (unsigned)year, 4);
    put_digits(out + 5, month, 2);
    put_digits(out + 8, day, 2);
    put_digits(out + 11, (unsigned)(of_day / 3600000), 2);
    put_digits(out + 14, (unsigned)(of_day / 60000 % 60), 2);
    put_digits(out + 17, (unsigned)(of_day / 1000 % 60), 2);
    put_digits(out + 20, (unsigned)(of_day % 1000), 3);
}

int time_text_read_seconds(const char *text, size_t len, int64_t *out_ns)
{
    int64_t natural, ns;
    int exp;

    /* Doubles of a venue's own show up with more than nine decimals: the rest is noise. */
    if (fixed_parse_natural(text, len, &natural, &exp) != 0 || natural < 0 ||
        fixed_rescale(natural, exp, 9, FIXED_DOWN, &ns) != 0)
        return ERR_PROTO;
    *out_ns = ns;
    return 0;
}
