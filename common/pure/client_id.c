#include "common/pure/client_id.h"
#include "common/leaf/err.h"

#include <string.h>

/* Crockford's: no I, L, O, U, so that an id read aloud is still one. */
static const char base32_digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

enum { ORDER_DIGITS = 13, REVISION_DIGITS = 3 };

static void base32_write(uint64_t value, int digits, char *out)
{
    while (digits-- > 0) {
        out[digits] = base32_digits[value & 31];
        value >>= 5;
    }
}

static bool base32_read(const char *text, int digits, uint64_t *out)
{
    uint64_t value = 0;

    for (int i = 0; i < digits; i++) {
        const char *found = text[i] ? strchr(base32_digits, text[i]) : NULL;
        if (!found || value >> 59 != 0)
            return false;
        value = value << 5 | (uint64_t)(found - base32_digits);
    }
    *out = value;
    return true;
}

int client_id_write(char environment, uint64_t order_id, unsigned revision,
                    char out[CLIENT_ID_LEN + 1])
{
    if (environment < 'A' || environment > 'Z' || revision > CLIENT_ID_REVISION_MAX)
        return ERR_RANGE;
    out[0] = environment;
    base32_write(order_id, ORDER_DIGITS, out + 1);
    base32_write(revision, REVISION_DIGITS, out + 1 + ORDER_DIGITS);
    out[CLIENT_ID_LEN] = '\0';
    return 0;
}

/* ---- as a UUID ---- */

enum { ENVIRONMENT_BITS = 5, REVISION_BITS = 15, MARK_BITS = 38 };
static_assert(MARK_BITS + ENVIRONMENT_BITS + REVISION_BITS + 64 == 122, "the free bits of a UUID");

/* Any change of the three changes about half of the mark (the mix is splitmix64's). */
static uint64_t mark_of(uint64_t order_id, uint64_t rest)
{
    uint64_t mixed =
        order_id ^ (rest * UINT64_C(0x9e3779b97f4a7c15) + UINT64_C(0x7469636b70697065));

    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return (mixed ^ mixed >> 31) >> (64 - MARK_BITS);
}

/* The two halves of a UUID as text, without the bits of version and variant set. */
static void uuid_halves(uint64_t order_id, uint64_t rest, uint64_t *high, uint64_t *low)
{
    uint64_t mark = mark_of(order_id, rest);
    /* 122 bits: mark, rest (20), order_id. The upper 60 go around the version, 62 follow. */
    uint64_t upper = mark << 22 | rest << 2 | order_id >> 62;

    *high = upper >> 12 << 16 | UINT64_C(0x4000) | (upper & 0xfff);
    *low = UINT64_C(1) << 63 | (order_id & UINT64_C(0x3fffffffffffffff));
}

static void hex_write(uint64_t value, int digits, char *out)
{
    for (; digits-- > 0; value >>= 4)
        out[digits] = "0123456789abcdef"[value & 15];
}

static void uuid_write(uint64_t high, uint64_t low, char *out)
{
    hex_write(high >> 32, 8, out);
    hex_write(high >> 16, 4, out + 9);
    hex_write(high, 4, out + 14);
    hex_write(low >> 48, 4, out + 19);
    hex_write(low, 12, out + 24);
    out[8] = out[13] = out[18] = out[23] = '-';
    out[CLIENT_ID_UUID_LEN] = '\0';
}

static bool uuid_read(const char *text, uint64_t *high, uint64_t *low)
{
    uint64_t half[2] = { 0, 0 };

    for (int i = 0, digits = 0; i < CLIENT_ID_UUID_LEN; i++) {
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (text[i] != '-')
                return false;
            continue;
        }
        char c = text[i];
        unsigned digit = c >= '0' && c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a') + 10;
        if (digit > 15)
            return false;
        half[digits / 16] = half[digits / 16] << 4 | digit;
        digits++;
    }
    *high = half[0];
    *low = half[1];
    return true;
}

static int uuid_to_id(const char *text, char *environment, uint64_t *order_id, unsigned *revision)
{
    uint64_t high, low, made_high, made_low;

    if (!uuid_read(text, &high, &low))
        return ERR_NOT_FOUND;
    uint64_t upper = high >> 16 << 12 | (high & 0xfff);
    uint64_t rest = upper >> 2 & ((1u << (ENVIRONMENT_BITS + REVISION_BITS)) - 1);
    uint64_t id = upper << 62 | (low & UINT64_C(0x3fffffffffffffff));
    uint64_t letter = rest >> REVISION_BITS;

    /* What we would have written is what stands there, version and variant included. */
    uuid_halves(id, rest, &made_high, &made_low);
    if (letter > 'Z' - 'A' || made_high != high || made_low != low)
        return ERR_NOT_FOUND;
    *environment = (char)('A' + letter);
    *order_id = id;
    *revision = (unsigned)(rest & CLIENT_ID_REVISION_MAX);
    return 0;
}

int client_id_write_as(enum client_id_form form, char environment, uint64_t order_id,
                       unsigned revision, char out[CLIENT_ID_MAX + 1])
{
    uint64_t high, low;

    if (form == CLIENT_ID_TEXT)
        return client_id_write(environment, order_id, revision, out);
    if (environment < 'A' || environment > 'Z' || revision > CLIENT_ID_REVISION_MAX)
        return ERR_RANGE;
    uuid_halves(order_id, (uint64_t)(environment - 'A') << REVISION_BITS | revision, &high, &low);
    uuid_write(high, low, out);
    return 0;
}

/* ---- either ---- */

int client_id_read(const char *text, char *environment, uint64_t *order_id, unsigned *revision)
{
    uint64_t id, number;

    if (strlen(text) == CLIENT_ID_UUID_LEN)
        return uuid_to_id(text, environment, order_id, revision);
    if (strlen(text) != CLIENT_ID_LEN || text[0] < 'A' || text[0] > 'Z' ||
        !base32_read(text + 1, ORDER_DIGITS, &id) ||
        !base32_read(text + 1 + ORDER_DIGITS, REVISION_DIGITS, &number))
        return ERR_NOT_FOUND;
    *environment = text[0];
    *order_id = id;
    *revision = (unsigned)number;
    return 0;
}
