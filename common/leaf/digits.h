/* digits.h - eight decimal digits at a time, for the readers of numbers.
 *
 * The word is loaded by memcpy from eight bytes that the caller knows to be there. */
#ifndef TICKPIPE_COMMON_LEAF_DIGITS_H
#define TICKPIPE_COMMON_LEAF_DIGITS_H

#include "common/leaf/base.h"

#include <string.h>

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the wire and these words are little-endian");

static inline bool digit_is(char c)
{
    return (unsigned char)(c - '0') < 10;
}

static inline uint64_t digits8_load(const char *text)
{
    uint64_t word;

    memcpy(&word, text, sizeof(word));
    return word;
}

/* digits8_are says whether all eight bytes are '0'..'9': the high nibble must be 3, also after adding 6. */
static inline bool digits8_are(uint64_t word)
{
    const uint64_t high = UINT64_C(0xf0f0f0f0f0f0f0f0);

    return ((word & high) | (((word + UINT64_C(0x0606060606060606)) & high) >> 4)) ==
           UINT64_C(0x3333333333333333);
}

/* digits8_value gives the number that eight digits write: pairs, then fours, then all. */
static inline uint64_t digits8_value(uint64_t word)
{
    word = (word & UINT64_C(0x0f0f0f0f0f0f0f0f)) * 2561 >> 8;
    word = (word & UINT64_C(0x00ff00ff00ff00ff)) * 6553601 >> 16;
    return (word & UINT64_C(0x0000ffff0000ffff)) * UINT64_C(42949672960001) >> 32;
}

#endif
