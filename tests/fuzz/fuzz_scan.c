/* fuzz_scan: the JSON reader on any bytes.
 *
 * Laws: it takes what a plain recursive reader of RFC 8259 takes (nesting up to its bound, strings
 * of any bytes from 0x20); what it takes can be walked to its end, by members and in steps alike,
 * and both see the same; what it does not take is walked without harm; numbers and texts read back.
 */
#include "common/leaf/err.h"
#include "common/pure/scan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* ---- the grammar, word by word ---- */

struct reader {
    const char *at, *end;
};

static bool value(struct reader *r, int depth);

static bool is_next(struct reader *r, char c)
{
    if (r->at == r->end || *r->at != c)
        return false;
    r->at++;
    return true;
}

static void space(struct reader *r)
{
    while (is_next(r, ' ') || is_next(r, '\t') || is_next(r, '\n') || is_next(r, '\r'))
        ;
}

static bool digits(struct reader *r)
{
    const char *first = r->at;

    while (r->at < r->end && *r->at >= '0' && *r->at <= '9')
        r->at++;
    return r->at > first;
}

static bool number(struct reader *r)
{
    (void)is_next(r, '-');
    if (!is_next(r, '0') && !digits(r))
        return false;
    if (is_next(r, '.') && !digits(r))
        return false;
    if (is_next(r, 'e') || is_next(r, 'E')) {
        if (!is_next(r, '-'))
            (void)is_next(r, '+');
        return digits(r);
    }
    return true;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool string(struct reader *r)
{
    if (!is_next(r, '"'))
        return false;
    while (!is_next(r, '"')) {
        if (r->at == r->end || (unsigned char)*r->at < 0x20)
            return false;
        if (*r->at++ != '\\')
            continue;
        if (r->at == r->end)
            return false;
        char c = *r->at++;
        if (c == 'u') {
            for (int i = 0; i < 4; i++)
                if (r->at == r->end || !is_hex(*r->at++))
                    return false;
        } else if (c == '\0' || !strchr("\"\\/bfnrt", c)) {
            return false;
        }
    }
    return true;
}

static bool word(struct reader *r, const char *text)
{
    for (; *text; text++)
        if (!is_next(r, *text))
            return false;
    return true;
}

static bool members(struct reader *r, int depth, bool is_object)
{
    char close = is_object ? '}' : ']';

    r->at++;
    space(r);
    if (is_next(r, close))
        return true;
    for (;;) {
        space(r);
        if (is_object) {
            if (!string(r))
                return false;
            space(r);
            if (!is_next(r, ':'))
                return false;
            space(r);
        }
        if (!value(r, depth + 1))
            return false;
        space(r);
        if (is_next(r, close))
            return true;
        if (!is_next(r, ','))
            return false;
    }
}

static bool value(struct reader *r, int depth)
{
    if (r->at == r->end)
        return false;
    switch (*r->at) {
    case '{':
    case '[':
        return depth < SCAN_DEPTH_MAX && members(r, depth, *r->at == '{');
    case '"':
        return string(r);
    case 't':
        return word(r, "true");
    case 'f':
        return word(r, "false");
    case 'n':
        return word(r, "null");
    default:
        return number(r);
    }
}

static bool is_json(const char *text, size_t len)
{
    struct reader r = { text, text + len };

    space(&r);
    if (!value(&r, 0))
        return false;
    space(&r);
    return r.at == r.end;
}

/* ---- two walks ---- */

static uint64_t mix(uint64_t hash, const struct scan_value *value)
{
    hash = (hash ^ (uint64_t)value->type) * UINT64_C(0x100000001b3);
    for (size_t i = 0; i < value->len; i++)
        hash = (hash ^ (unsigned char)value->text[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static void scalar(const struct scan_value *value)
{
    char text[64], again[64];
    uint64_t u;
    int64_t i;

    if (scan_u64(value, &u) == 0) {
        struct scan_value back = { SCAN_NUMBER, again, 0 };
        uint64_t same = 0;
        back.len = (size_t)snprintf(again, sizeof(again), "%" PRIu64, u);
        require(scan_u64(&back, &same) == 0 && same == u);
    }
    if (scan_i64(value, &i) == 0)
        require(i >= 0 || value->text[0] == '-');
    (void)scan_decimal(value, 8, &i);
    int err = scan_text(value, text, sizeof(text));
    if (err == 0)
        require(strlen(text) <= value->len);
    if (err == 0 && value->type == SCAN_STRING && !memchr(value->text, '\\', value->len))
        require(strlen(text) == value->len || memchr(value->text, '\0', value->len) != NULL);
}

static bool is_container(const struct scan_value *value)
{
    return value->type == SCAN_OBJECT || value->type == SCAN_ARRAY;
}

static int walk(const struct scan_value *container, uint64_t *hash)
{
    struct scan_value key, item;
    struct scan_iter iter;
    int err = scan_begin(&iter, container);

    while (!err) {
        if (container->type == SCAN_OBJECT) {
            err = scan_member(&iter, &key, &item);
            if (!err)
                *hash = mix(*hash, &key);
        } else {
            err = scan_item(&iter, &item);
        }
        if (err)
            break;
        require(item.text >= container->text &&
                item.text + item.len <= container->text + container->len);
        if (is_container(&item)) {
            err = walk(&item, hash);
            err = err == ERR_NOT_FOUND ? 0 : err;
        } else {
            *hash = mix(*hash, &item);
            scalar(&item);
        }
    }
    return err;
}

static int walk_in_steps(struct scan_iter *iter, uint64_t *hash, int depth)
{
    struct scan_value key, item;
    struct scan_iter inner;
    int err;

    require(depth <= SCAN_DEPTH_MAX);
    while (!(err = iter->close == '}' ? scan_key(iter, &key) : scan_next(iter))) {
        if (iter->close == '}')
            *hash = mix(*hash, &key);
        if (scan_enter(iter, &inner) == 0) {
            err = walk_in_steps(&inner, hash, depth + 1);
            if (err != ERR_NOT_FOUND)
                return err;
            err = scan_leave(iter, &inner);
        } else {
            err = scan_value(iter, &item);
            if (!err)
                *hash = mix(*hash, &item);
        }
        if (err)
            return err;
    }
    return err;
}

/* Steps that enter everything and leave it unread. */
static int skim(const struct scan_value *container)
{
    struct scan_value key, item;
    struct scan_iter iter, inner;
    int err = scan_begin(&iter, container);

    while (!err && !(err = iter.close == '}' ? scan_key(&iter, &key) : scan_next(&iter)))
        err = scan_enter(&iter, &inner) == 0 ? scan_leave(&iter, &inner) : scan_value(&iter, &item);
    return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct scan_value whole = { 0 };
    char *text = malloc(size + (size == 0)); /* Of its own size: a look past its end is seen. */

    memcpy(text, data, size);
    int err = scan_whole(text, size, &whole);
    require(err == 0 || err == ERR_PROTO);
    require((err == 0) == is_json(text, size));
    if (err == 0 && is_container(&whole)) {
        uint64_t by_member = 0, by_step = 0;
        struct scan_iter iter;
        require(walk(&whole, &by_member) == ERR_NOT_FOUND);
        require(scan_begin(&iter, &whole) == 0 &&
                walk_in_steps(&iter, &by_step, 1) == ERR_NOT_FOUND);
        require(by_member == by_step);
        require(skim(&whole) == ERR_NOT_FOUND);
    } else if (err == 0) {
        scalar(&whole);
    } else {
        uint64_t hash = 0;
        for (int type = SCAN_OBJECT; type <= SCAN_NUMBER; type++) {
            struct scan_value raw = { (enum scan_type)type, text, size };
            if (is_container(&raw) && size < 512)
                (void)walk(&raw, &hash);
            else if (!is_container(&raw))
                scalar(&raw);
            (void)skim(&raw);
        }
    }
    free(text);
    return 0;
}
