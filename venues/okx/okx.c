#include "venues/okx/okx.h"
#include "common/leaf/fixed.h"

#include <stdio.h>

/* The demo trading hosts serve REST from the production host and tell it by a header: there is no
 * separate testnet REST host to name here. Rehearse against venue_simulator. */
const struct venue venue_okx = {
    .name = "okx",
    .feed = &okx_feed_ops,
    .order = &okx_order_ops,
    .auth_method = "HMAC_SHA256",
    .needs_passphrase = true,
    .rest_url = "https://www.okx.com",
    .feed_ws_url = "wss://ws.okx.com:8443",
    .order_ws_url = "wss://ws.okx.com:8443",
};

const struct okx_scale okx_scale_plain = { OKX_EXP, OKX_EXP, 1, 0 };

static bool is_text(const struct scan_value *value)
{
    return value->type == SCAN_STRING || value->type == SCAN_NUMBER;
}

int okx_decimal_read(const struct scan_value *value, struct okx_decimal *out)
{
    struct okx_decimal made;
    size_t len = value->len;

    if (value->type == SCAN_NONE || (value->type == SCAN_STRING && len == 0))
        return ERR_NOT_FOUND;
    if (!is_text(value))
        return ERR_PROTO;
    /* "100000000.0000000000000000": zeros that no 64 bits would hold. */
    if (memchr(value->text, '.', len) && !memchr(value->text, 'e', len) &&
        !memchr(value->text, 'E', len)) {
        while (value->text[len - 1] == '0')
            len--;
        if (value->text[len - 1] == '.')
            len--;
    }
    if (fixed_parse_natural(value->text, len, &made.value, &made.exp) != 0)
        return ERR_PROTO;
    *out = made;
    return 0;
}

int okx_number(const struct scan_value *value, int exp, int64_t *out)
{
    struct okx_decimal natural;
    int err = okx_decimal_read(value, &natural);

    if (err == ERR_NOT_FOUND) {
        *out = 0;
        return 0;
    }
    if (!err && fixed_rescale(natural.value, natural.exp, exp, FIXED_NEAREST, out) != 0)
        err = ERR_PROTO;
    if (!err)
        return 0;
    /* More digits than 64 bits hold ("4850.435693622894123456"): those behind exp are not needed.
     */
    const char *point = is_text(value) ? memchr(value->text, '.', value->len) : NULL;
    size_t whole = point ? (size_t)(point - value->text) + 1 + (size_t)MAX(exp, 0) : 0;
    return point && exp >= 0 && whole < value->len && fixed_parse(value->text, whole, exp, out) == 0
               ? 0
               : ERR_PROTO;
}

int okx_time(const struct scan_value *value, int64_t *out_ns)
{
    int64_t ms;

    if (value->type == SCAN_NONE || (value->type == SCAN_STRING && value->len == 0)) {
        *out_ns = 0;
        return 0;
    }
    if (scan_i64(value, &ms) != 0 || ms < 0 || ms > INT64_MAX / NS_PER_MS)
        return ERR_PROTO;
    *out_ns = ms * NS_PER_MS;
    return 0;
}

int okx_decimals(const struct scan_value *value)
{
    int64_t number;
    int exp;

    return is_text(value) && fixed_parse_natural(value->text, value->len, &number, &exp) == 0 ? exp
                                                                                              : -1;
}

void okx_text(const struct scan_value *object, const char *name, char *out, size_t cap)
{
    struct scan_value value;

    okx_find(object, name, &value);
    if (!is_text(&value) || scan_text(&value, out, cap) != 0)
        out[0] = '\0';
}

int okx_members(const struct scan_value *object, const char *const *names, size_t count,
                struct scan_value *out)
{
    struct scan_iter iter;
    struct scan_value key, value;
    int err = object->type == SCAN_OBJECT ? scan_begin(&iter, object) : ERR_PROTO;

    while (!err && (err = scan_member(&iter, &key, &value)) == 0)
        for (size_t i = 0; i < count; i++)
            if (scan_is(&key, names[i])) {
                out[i] = value;
                break;
            }
    return err == ERR_NOT_FOUND ? 0 : ERR_PROTO;
}

void okx_url(const char *host, const char *path, char *out, size_t cap)
{
    size_t len = strlen(host), tail = strlen(path);
    bool has_path = len >= tail && strcmp(host + len - tail, path) == 0;

    snprintf(out, cap, "%s%s", host, has_path ? "" : path);
}

int okx_qty_read(const struct okx_scale *scale, const struct scan_value *value, int64_t *out)
{
    int64_t count, qty;
    int err = scan_decimal(value, scale->qty_exp - scale->unit_exp, &count);

    if (err)
        return err;
    if (__builtin_mul_overflow(count, scale->unit, &qty))
        return ERR_RANGE;
    *out = qty;
    return 0;
}

int okx_qty_write(const struct okx_scale *scale, int64_t qty, int exp, char *out, size_t cap)
{
    int64_t base;
    int err = fixed_rescale(qty, exp, scale->qty_exp, FIXED_EXACT, &base);

    if (err || base % scale->unit != 0)
        return ERR_RANGE;
    return fixed_format_trim(base / scale->unit, scale->qty_exp - scale->unit_exp, out, cap);
}
