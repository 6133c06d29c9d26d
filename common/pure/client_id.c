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

int client_id_read(const char *text, char *environment, uint64_t *order_id, unsigned *revision)
{
    uint64_t id, number;

    if (strlen(text) != CLIENT_ID_LEN || text[0] < 'A' || text[0] > 'Z' ||
        !base32_read(text + 1, ORDER_DIGITS, &id) ||
        !base32_read(text + 1 + ORDER_DIGITS, REVISION_DIGITS, &number))
        return ERR_NOT_FOUND;
    *environment = text[0];
    *order_id = id;
    *revision = (unsigned)number;
    return 0;
}
