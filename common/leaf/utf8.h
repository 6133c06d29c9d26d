/* utf8.h - how long is the UTF-8 sequence here? */
#ifndef TICKPIPE_COMMON_LEAF_UTF8_H
#define TICKPIPE_COMMON_LEAF_UTF8_H

#include <stddef.h>

/* utf8_len gives the length of the sequence at text (len > 0 bytes left), 0 where there is none.
 * Surrogates and long forms of three and four bytes pass: the point is to tell text from other
 * bytes, not to police it. */
static inline size_t utf8_len(const char *text, size_t len)
{
    unsigned char first = (unsigned char)text[0];
    size_t want = 0;

    if (first < 0x80)
        want = 1;
    else if (first >= 0xc2 && first < 0xe0)
        want = 2;
    else if (first >= 0xe0 && first < 0xf0)
        want = 3;
    else if (first >= 0xf0 && first < 0xf5)
        want = 4;
    if (want > len)
        return 0;
    for (size_t i = 1; i < want; i++)
        if (((unsigned char)text[i] & 0xc0) != 0x80)
            return 0;
    return want;
}

#endif
