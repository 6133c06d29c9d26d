/* Strings with their escapes resolved. */
#include "common/leaf/digits.h"
#include "common/leaf/err.h"
#include "common/pure/scan.h"

enum { REPLACEMENT = 0xfffd }; /* Unicode's own sign for what cannot be said. */

static unsigned hex_value(char c)
{
    return digit_is(c) ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a' + 10);
}

/* Four hexadecimal digits, or -1. */
static int32_t hex4(const char *at, const char *end)
{
    uint32_t value = 0;

    if (end - at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        if (!digit_is(at[i]) && (unsigned char)((at[i] | 0x20) - 'a') > 5)
            return -1;
        value = value << 4 | hex_value(at[i]);
    }
    return (int32_t)value;
}

static size_t utf8_write(uint32_t code, char out[4])
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = len; i-- > 1; code >>= 6)
        out[i] = (char)(0x80 | (code & 0x3f));
    out[0] = (char)((0xf00 >> len & 0xff) | code);
    return len;
}

/* \uXXXX at *at (behind the u), with its second half where it is a surrogate. 0 or ERR_PROTO. */
static int unicode_read(const char **at, const char *end, uint32_t *code)
{
    int32_t first = hex4(*at, end);

    if (first <= 0) /* NUL would cut the text short unseen. */
        return ERR_PROTO;
    *at += 4;
    *code = (uint32_t)first;
    if (first < 0xd800 || first > 0xdfff)
        return 0;
    *code = REPLACEMENT;
    if (first < 0xdc00 && end - *at >= 6 && (*at)[0] == '\\' && (*at)[1] == 'u') {
        int32_t second = hex4(*at + 2, end);
        if (second >= 0xdc00 && second <= 0xdfff) {
            *code = 0x10000 + ((uint32_t)(first - 0xd800) << 10) + (uint32_t)(second - 0xdc00);
            *at += 6;
        }
    }
    return 0;
}

/* The escape at *at (behind the backslash) as UTF-8. 0 or ERR_PROTO. */
static int escape_read(const char **at, const char *end, char out[4], size_t *len)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    uint32_t code;

    if (*at == end || **at == '\0')
        return ERR_PROTO;
    char name = *(*at)++;
    if (name == 'u') {
        int err = unicode_read(at, end, &code);
        if (!err)
            *len = utf8_write(code, out);
        return err;
    }
    const char *found = strchr(names, name);
    if (!found)
        return ERR_PROTO;
    out[0] = values[found - names];
    *len = 1;
    return 0;
}

/* Resolves all escapes; out NULL only measures. */
static int unescape(const char *at, const char *end, char *out, size_t *len)
{
    size_t count = 0;

    while (at < end) {
        char piece[4] = { *at++ };
        size_t piece_len = 1;

        if (piece[0] == '\\') {
            int err = escape_read(&at, end, piece, &piece_len);
            if (err)
                return err;
        }
        if (out)
            memcpy(out + count, piece, piece_len);
        count += piece_len;
    }
    *len = count;
    return 0;
}

int scan_text(const struct scan_value *value, char *out, size_t cap)
{
    const char *at = value->text, *end = at + value->len;
    size_t len = value->len;

    if (value->type != SCAN_STRING && value->type != SCAN_NUMBER)
        return ERR_PROTO;
    if (!memchr(at, '\\', len)) {
        if (len >= cap)
            return ERR_RANGE;
        memcpy(out, at, len);
    } else {
        int err = unescape(at, end, NULL, &len);
        if (err)
            return err;
        if (len >= cap)
            return ERR_RANGE;
        (void)unescape(at, end, out, &len);
    }
    out[len] = '\0';
    return 0;
}
