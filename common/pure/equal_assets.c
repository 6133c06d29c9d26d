#include "common/pure/equal_assets.h"

#include "common/leaf/err.h"

#include <string.h>

enum { PPM = 1000000 };

/* Copies the text up to any of the stops; NULL: empty or too long. Gives where it stopped. */
static const char *take_name(const char *text, const char *stops, char out[16])
{
    size_t len = strcspn(text, stops);

    if (len == 0 || len >= 16)
        return NULL;
    memset(out, 0, 16);
    memcpy(out, text, len);
    return text + len;
}

static const char *take_ppm(const char *text, int32_t *out)
{
    int32_t value = 0;
    const char *at = text;

    for (; *at >= '0' && *at <= '9'; at++) {
        value = value * 10 + (*at - '0');
        if (value > PPM)
            return NULL;
    }
    *out = value;
    return at == text ? NULL : at;
}

int equal_assets_parse(const char *text, struct equal_asset *out)
{
    static const char gaps[] = " ,\t";
    int count = 0;

    for (text += strspn(text, gaps); *text; text += strspn(text, gaps)) {
        struct equal_asset one = { .haircut_ppm = 0 };

        text = take_name(text, "=:, \t", one.asset);
        if (!text || *text != '=')
            return ERR_RANGE;
        text = take_name(text + 1, "=:, \t", one.as);
        if (text && *text == ':')
            text = take_ppm(text + 1, &one.haircut_ppm);
        if (!text || (*text && !strchr(gaps, *text)) || count == EQUAL_ASSETS_MAX)
            return ERR_RANGE;
        out[count++] = one;
    }
    return count;
}

const struct equal_asset *equal_assets_find(const struct equal_asset *list, unsigned count,
                                            const char *asset)
{
    for (unsigned i = 0; i < count; i++)
        if (strcmp(list[i].asset, asset) == 0)
            return &list[i];
    return NULL;
}

int32_t equal_assets_haircut(const struct equal_asset *list, unsigned count, const char *a,
                             const char *b)
{
    const struct equal_asset *of_a = equal_assets_find(list, count, a);
    const struct equal_asset *of_b = equal_assets_find(list, count, b);

    if (strcmp(a, b) == 0)
        return 0;
    if (strcmp(of_a ? of_a->as : a, of_b ? of_b->as : b) != 0)
        return -1;
    return (of_a ? of_a->haircut_ppm : 0) + (of_b ? of_b->haircut_ppm : 0);
}
