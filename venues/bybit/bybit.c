/* Bybit v5, spot and linear perpetuals. What each file knows: metadata.c instruments, feed*.c the
 * public streams, order*.c the private side, sim*.c the venue itself, for the simulator. */
#include "venues/bybit/bybit.h"
#include "common/leaf/fixed.h"

#include <stdio.h>

const struct venue venue_bybit = {
    .name = "bybit",
    .feed = &bybit_feed_ops,
    .order = &bybit_order_ops,
    .auth_method = "HMAC_SHA256",
    .rest_url = "https://api.bybit.com",
    .feed_ws_url = "wss://stream.bybit.com",
    .order_ws_url = "wss://stream.bybit.com",
    .testnet_rest_url = "https://api-testnet.bybit.com",
    .testnet_feed_ws_url = "wss://stream-testnet.bybit.com",
    .testnet_order_ws_url = "wss://stream-testnet.bybit.com",
};

static const char *const words[] = { [BYBIT_SPOT] = "spot", [BYBIT_LINEAR] = "linear" };

const char *bybit_category_str(enum bybit_category category)
{
    return words[category];
}

enum bybit_category bybit_category_read(const struct scan_value *word)
{
    for (enum bybit_category c = BYBIT_SPOT; c < BYBIT_CATEGORIES; c++)
        if (word->type == SCAN_STRING && scan_is(word, words[c]))
            return c;
    return BYBIT_CATEGORIES;
}

enum bybit_category bybit_category_of_name(const char *name)
{
    size_t len = strlen(name);

    return len > 5 && strcmp(name + len - 5, "-PERP") == 0 ? BYBIT_LINEAR : BYBIT_SPOT;
}

int bybit_answer_read(const char *body, size_t len, struct bybit_answer *out)
{
    struct bybit_answer read = { .code = 0 };
    struct scan_value top, key, value;
    struct scan_iter iter;
    bool has_code = false;

    if (!body || scan_whole(body, len, &top) != 0 || top.type != SCAN_OBJECT)
        return ERR_PROTO;
    int err = scan_begin(&iter, &top);
    while (!err && (err = scan_member(&iter, &key, &value)) == 0) {
        if (scan_is(&key, "retCode"))
            has_code = scan_i64(&value, &read.code) == 0;
        else if (scan_is(&key, "retMsg"))
            bybit_text(&value, read.text, sizeof(read.text));
        else if (scan_is(&key, "result"))
            read.result = value;
        else if (scan_is(&key, "retExtInfo"))
            read.ext = value;
        else if (scan_is(&key, "time"))
            (void)bybit_ms(&value, &read.time_ns);
    }
    if (err != ERR_NOT_FOUND || !has_code)
        return ERR_PROTO;
    *out = read;
    return 0;
}

int bybit_list_begin(const struct scan_value *result, struct scan_iter *iter)
{
    struct scan_value list;

    if (result->type != SCAN_OBJECT || scan_find(result, "list", &list) != 0 ||
        list.type != SCAN_ARRAY)
        return ERR_PROTO;
    return scan_begin(iter, &list);
}

void bybit_cursor_read(const struct scan_value *result, char out[BYBIT_CURSOR_MAX])
{
    struct scan_value cursor;

    out[0] = '\0';
    if (result->type == SCAN_OBJECT && scan_find(result, "nextPageCursor", &cursor) == 0 &&
        cursor.type == SCAN_STRING && scan_text(&cursor, out, BYBIT_CURSOR_MAX) != 0)
        out[0] = '\0';
}

int bybit_ms(const struct scan_value *value, int64_t *out_ns)
{
    int64_t ms = 0;

    if (value->type != SCAN_STRING && value->type != SCAN_NUMBER)
        return ERR_PROTO;
    if (value->len > 0 && (scan_i64(value, &ms) != 0 || ms < 0 || ms > INT64_MAX / NS_PER_MS))
        return ERR_PROTO;
    *out_ns = ms * NS_PER_MS;
    return 0;
}

int bybit_amount(const struct scan_value *value, int exp, int64_t *out)
{
    int64_t fine;
    int fine_exp;

    if (value->type == SCAN_NULL || (value->type == SCAN_STRING && value->len == 0)) {
        *out = 0;
        return 0;
    }
    if (value->type != SCAN_STRING && value->type != SCAN_NUMBER)
        return ERR_PROTO;
    if (scan_decimal(value, exp, out) == 0)
        return 0;
    int err = fixed_parse_natural(value->text, value->len, &fine, &fine_exp);
    return err ? err : fixed_rescale(fine, fine_exp, exp, FIXED_NEAREST, out);
}

int bybit_encode(const char *text, char *out, size_t cap)
{
    static const char plain[] = "-_.~", hex[] = "0123456789ABCDEF";
    size_t at = 0;

    for (; *text; text++) {
        unsigned char c = (unsigned char)*text, lower = c | 0x20;
        if (at + 4 > cap)
            return ERR_RANGE;
        if ((c >= '0' && c <= '9') || (lower >= 'a' && lower <= 'z') || strchr(plain, c)) {
            out[at++] = (char)c;
        } else {
            out[at++] = '%';
            out[at++] = hex[c >> 4];
            out[at++] = hex[c & 15];
        }
    }
    if (at >= cap)
        return ERR_RANGE;
    out[at] = '\0';
    return 0;
}

bool bybit_symbol_is_plain(const char *symbol)
{
    if (*symbol == '\0')
        return false;
    for (; *symbol; symbol++)
        if ((unsigned char)*symbol <= ' ' || (unsigned char)*symbol >= 0x7f ||
            strchr("\"\\/@?&=#%+,.", *symbol))
            return false;
    return true;
}

void bybit_copy(char *out, size_t cap, const char *text)
{
    size_t len = strnlen(text, cap - 1);

    memcpy(out, text, len);
    out[len] = '\0';
}

void bybit_text(const struct scan_value *value, char *out, size_t cap)
{
    size_t len = value->type == SCAN_STRING ? MIN(value->len, cap - 1) : 0;

    for (size_t i = 0; i < len; i++) {
        char c = value->text[i];
        out[i] = c == '\\' || (unsigned char)c < ' ' || (unsigned char)c >= 0x7f ? '?' : c;
    }
    out[len] = '\0';
}
