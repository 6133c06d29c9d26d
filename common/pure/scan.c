#include "common/pure/scan.h"
#include "common/leaf/digits.h"
#include "common/leaf/err.h"
#include "common/leaf/fixed.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Readers of one token take a position before end and give the one after the token, NULL where the
 * bytes break the grammar. None looks at *end. */

static inline const char *skip_space(const char *at, const char *end)
{
    while (at < end && UNLIKELY(*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
        at++;
    return at;
}

static inline bool hex_is(char c)
{
    return digit_is(c) || (unsigned char)((c | 0x20) - 'a') < 6;
}

static const char *escape_end(const char *at, const char *end)
{
    if (++at == end)
        return NULL;
    if (*at != 'u')
        return *at != '\0' && strchr("\"\\/bfnrt", *at) ? at + 1 : NULL;
    if (end - at < 5)
        return NULL;
    for (int i = 1; i <= 4; i++)
        if (!hex_is(at[i]))
            return NULL;
    return at + 5;
}

/* First byte that a string cannot simply contain: a quote, a backslash or a control character. */
static inline const char *plain_end(const char *at, const char *end)
{
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\');
    const __m128i control = _mm_set1_epi8(0x1f);

    for (; end - at >= 16; at += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
        __m128i stop = _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash));
        stop = _mm_or_si128(stop, _mm_cmpeq_epi8(_mm_min_epu8(bytes, control), bytes));
        int mask = _mm_movemask_epi8(stop);
        if (mask != 0)
            return at + __builtin_ctz((unsigned)mask);
    }
#endif
    while (at < end && *at != '"' && *at != '\\' && (unsigned char)*at >= 0x20)
        at++;
    return at;
}

/* at is behind the opening quote; the answer is the closing one. */
static inline const char *string_close(const char *at, const char *end)
{
    for (;;) {
        at = plain_end(at, end);
        if (UNLIKELY(at == end))
            return NULL;
        if (LIKELY(*at == '"'))
            return at;
        if (*at != '\\')
            return NULL;
        at = escape_end(at, end);
        if (!at)
            return NULL;
    }
}

static const char *number_end(const char *at, const char *end)
{
    const char *first;

    at += *at == '-';
    first = at;
    at = digits_end(at, end);
    if (at == first || (*first == '0' && at - first > 1))
        return NULL;
    if (at < end && *at == '.') {
        first = ++at;
        at = digits_end(at, end);
        if (at == first)
            return NULL;
    }
    if (at < end && (*at | 0x20) == 'e') {
        at++;
        at += at < end && (*at == '-' || *at == '+');
        first = at;
        at = digits_end(at, end);
        if (at == first)
            return NULL;
    }
    return at;
}

static inline const char *word_end(const char *at, const char *end, const char *word, size_t len)
{
    return (size_t)(end - at) >= len && memcmp(at, word, len) == 0 ? at + len : NULL;
}

/* Any value but an object or an array. */
static inline const char *scalar_end(const char *at, const char *end)
{
    switch (*at) {
    case '"':
        at = string_close(at + 1, end);
        return at ? at + 1 : NULL;
    case 't':
        return word_end(at, end, "true", 4);
    case 'f':
        return word_end(at, end, "false", 5);
    case 'n':
        return word_end(at, end, "null", 4);
    default:
        return number_end(at, end);
    }
}

/* "key" and its colon, then the first byte of the value. */
static inline const char *key_end(const char *at, const char *end)
{
    at = skip_space(at, end);
    if (at == end || *at != '"')
        return NULL;
    at = string_close(at + 1, end);
    if (!at)
        return NULL;
    at = skip_space(at + 1, end);
    return at < end && *at == ':' ? at + 1 : NULL;
}

/* Which brackets are open: one bit each, 1 for an object. */
struct nesting {
    uint64_t is_object;
    int depth;
};
static_assert(SCAN_DEPTH_MAX <= 64, "one bit a level");

/* Opens the bracket at *at. Gives what follows: behind the first key's colon in an object, or the
 * closing bracket of an empty one (*is_empty). */
static inline const char *open_bracket(struct nesting *open, const char *at, const char *end,
                                       bool *is_empty)
{
    bool is_object = *at == '{';

    if (open->depth == SCAN_DEPTH_MAX)
        return NULL;
    open->depth++;
    open->is_object = open->is_object << 1 | is_object;
    at = skip_space(at + 1, end);
    if (at == end)
        return NULL;
    *is_empty = *at == (is_object ? '}' : ']');
    return is_object && !*is_empty ? key_end(at, end) : at;
}

/* After a value: closes brackets until a comma says that another value follows (the answer points
 * to where it may begin) or nothing is open any more. */
static inline const char *close_brackets(struct nesting *open, const char *at, const char *end)
{
    while (open->depth > 0) {
        bool is_object = open->is_object & 1;

        at = skip_space(at, end);
        if (UNLIKELY(at == end))
            return NULL;
        if (*at == ',')
            return is_object ? key_end(at + 1, end) : at + 1;
        if (*at != (is_object ? '}' : ']'))
            return NULL;
        open->is_object >>= 1;
        open->depth--;
        at++;
    }
    return at;
}

/* One whole value, every byte of it checked. */
static const char *value_end(const char *at, const char *end)
{
    struct nesting open = { 0 };

    do {
        bool is_empty = false;

        at = skip_space(at, end);
        if (UNLIKELY(at == end))
            return NULL;
        if (*at == '{' || *at == '[') {
            at = open_bracket(&open, at, end, &is_empty);
            if (at && !is_empty)
                continue;
        } else {
            at = scalar_end(at, end);
        }
        if (at)
            at = close_brackets(&open, at, end);
    } while (at && open.depth > 0);
    return at;
}

/* Finds where depth open brackets are closed, by brackets and quotes alone: what is between was
 * checked by scan_whole, and is again where it is walked. at is outside of strings. */
static const char *brackets_close(const char *at, const char *end, unsigned depth)
{
    for (; at < end; at++) {
        char c = *at;
        if (c == '"') {
            at = string_close(at + 1, end);
            if (!at)
                return NULL;
        } else if ((c | 0x20) == '{') {
            depth++;
        } else if ((c | 0x20) == '}' && --depth == 0) {
            return at + 1;
        }
    }
    return NULL;
}

static inline const char *give(enum scan_type type, const char *first, const char *last,
                               struct scan_value *out)
{
    if (last)
        *out = (struct scan_value){ type, first, (size_t)(last - first) };
    return last;
}

/* The value at *at as a slice, and where it ends. Strings and numbers come first: they are most of
 * it. */
static inline const char *slice(const char *at, const char *end, struct scan_value *out)
{
    if (*at == '"') {
        const char *close = give(SCAN_STRING, at + 1, string_close(at + 1, end), out);
        return close ? close + 1 : NULL;
    }
    if (*at == '-' || digit_is(*at))
        return give(SCAN_NUMBER, at, number_end(at, end), out);
    switch (*at) {
    case '{':
        return give(SCAN_OBJECT, at, brackets_close(at, end, 0), out);
    case '[':
        return give(SCAN_ARRAY, at, brackets_close(at, end, 0), out);
    case 't':
        return give(SCAN_TRUE, at, word_end(at, end, "true", 4), out);
    case 'f':
        return give(SCAN_FALSE, at, word_end(at, end, "false", 5), out);
    case 'n':
        return give(SCAN_NULL, at, word_end(at, end, "null", 4), out);
    default:
        return NULL;
    }
}

int scan_whole(const char *text, size_t len, struct scan_value *out)
{
    const char *end = text + len;
    const char *first = skip_space(text, end);

    if (first == end)
        return ERR_PROTO;
    const char *last = value_end(first, end);
    if (!last || skip_space(last, end) != end)
        return ERR_PROTO;
    if (*first == '{' || *first == '[')
        (void)give(*first == '{' ? SCAN_OBJECT : SCAN_ARRAY, first, last, out);
    else
        (void)slice(first, last, out);
    return 0;
}

int scan_begin(struct scan_iter *iter, const struct scan_value *container)
{
    if (container->len < 2 || (container->type != SCAN_OBJECT && container->type != SCAN_ARRAY))
        return ERR_PROTO;
    *iter = (struct scan_iter){
        .at = container->text + 1,
        .end = container->text + container->len,
        .close = container->type == SCAN_OBJECT ? '}' : ']',
    };
    return 0;
}

int scan_next(struct scan_iter *iter)
{
    const char *at = skip_space(iter->at, iter->end);

    if (UNLIKELY(at == iter->end))
        return ERR_PROTO;
    if (*at == iter->close) {
        iter->at = at;
        return ERR_NOT_FOUND;
    }
    if (iter->is_started && *at++ != ',')
        return ERR_PROTO;
    iter->at = at;
    iter->is_started = true;
    return 0;
}

int scan_key(struct scan_iter *iter, struct scan_value *key)
{
    int err = scan_next(iter);

    if (err)
        return err;
    const char *at = skip_space(iter->at, iter->end);
    if (at == iter->end || *at != '"')
        return ERR_PROTO;
    const char *close = string_close(at + 1, iter->end);
    if (!close)
        return ERR_PROTO;
    const char *colon = skip_space(close + 1, iter->end);
    if (colon == iter->end || *colon != ':')
        return ERR_PROTO;
    *key = (struct scan_value){ SCAN_STRING, at + 1, (size_t)(close - at - 1) };
    iter->at = colon + 1;
    return 0;
}

int scan_value(struct scan_iter *iter, struct scan_value *value)
{
    const char *at = skip_space(iter->at, iter->end);

    if (UNLIKELY(at == iter->end))
        return ERR_PROTO;
    at = slice(at, iter->end, value);
    if (UNLIKELY(!at))
        return ERR_PROTO;
    iter->at = at;
    return 0;
}

int scan_enter(struct scan_iter *iter, struct scan_iter *inner)
{
    const char *at = skip_space(iter->at, iter->end);

    if (at == iter->end || (*at != '{' && *at != '['))
        return ERR_PROTO;
    *inner = (struct scan_iter){ .at = at + 1, .end = iter->end, .close = *at == '{' ? '}' : ']' };
    iter->at = at;
    return 0;
}

int scan_leave(struct scan_iter *iter, const struct scan_iter *inner)
{
    const char *at = skip_space(inner->at, inner->end);

    /* Mostly it was walked to its end. */
    if (LIKELY(at < inner->end && *at == inner->close))
        at++;
    else
        at = brackets_close(at, inner->end, 1);
    if (!at)
        return ERR_PROTO;
    iter->at = at;
    return 0;
}

int scan_item(struct scan_iter *iter, struct scan_value *value)
{
    int err = scan_next(iter);

    return err ? err : scan_value(iter, value);
}

int scan_member(struct scan_iter *iter, struct scan_value *key, struct scan_value *value)
{
    struct scan_value name;
    int err = scan_key(iter, &name);

    if (!err)
        err = scan_value(iter, value);
    if (!err)
        *key = name;
    return err;
}

int scan_find(const struct scan_value *object, const char *name, struct scan_value *out)
{
    struct scan_iter iter;
    struct scan_value key, value;
    int err = object->type == SCAN_OBJECT ? scan_begin(&iter, object) : ERR_PROTO;

    while (!err) {
        err = scan_member(&iter, &key, &value);
        if (!err && scan_is(&key, name)) {
            *out = value;
            return 0;
        }
    }
    return err;
}

static inline bool is_lexeme(const struct scan_value *value)
{
    return value->type == SCAN_STRING || value->type == SCAN_NUMBER;
}

static int read_u64(const char *at, size_t len, uint64_t *out)
{
    const char *end = at + len;
    uint64_t number = 0;

    if (len == 0)
        return ERR_PROTO;
    if (LIKELY(len <= 19)) {
        if (digits_take(at, end, &number) != end)
            return ERR_PROTO;
        *out = number;
        return 0;
    }
    if (digits_end(at, end) != end)
        return ERR_PROTO;
    for (; at < end; at++)
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, (uint64_t)(*at - '0'), &number))
            return ERR_RANGE;
    *out = number;
    return 0;
}

int scan_u64(const struct scan_value *value, uint64_t *out)
{
    return is_lexeme(value) ? read_u64(value->text, value->len, out) : ERR_PROTO;
}

int scan_i64(const struct scan_value *value, int64_t *out)
{
    uint64_t magnitude;

    if (!is_lexeme(value))
        return ERR_PROTO;
    bool is_negative = value->len > 0 && value->text[0] == '-';
    int err = read_u64(value->text + is_negative, value->len - is_negative, &magnitude);
    if (err)
        return err;
    if (magnitude > (uint64_t)INT64_MAX + is_negative)
        return ERR_RANGE;
    *out = is_negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return 0;
}

int scan_decimal(const struct scan_value *value, int exp, int64_t *out)
{
    return is_lexeme(value) ? fixed_parse(value->text, value->len, exp, out) : ERR_PROTO;
}

int scan_bool(const struct scan_value *value, bool *out)
{
    if (value->type != SCAN_TRUE && value->type != SCAN_FALSE)
        return ERR_PROTO;
    *out = value->type == SCAN_TRUE;
    return 0;
}
