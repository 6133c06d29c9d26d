/* digits.h - eight decimal digits at a time, for the readers of numbers.
 *
 * The word is loaded by memcpy from eight bytes that the caller knows to be there. */
#ifndef TICKPIPE_COMMON_LEAF_DIGITS_H
#define TICKPIPE_COMMON_LEAF_DIGITS_H

#include "common/leaf/base.h"

#include <string.h>

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "the wire and these words are little-endian");

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

/* digits8_count gives how many of the bytes are digits, counted from the first. What a carry of the
 * sum spoils lies behind a byte that is none. */
static inline unsigned digits8_count(uint64_t word)
{
    const uint64_t high = UINT64_C(0xf0f0f0f0f0f0f0f0), threes = UINT64_C(0x3030303030303030);
    uint64_t other =
        ((word & high) ^ threes) | (((word + UINT64_C(0x0606060606060606)) & high) ^ threes);

    return other ? (unsigned)__builtin_ctzll(other) / 8 : 8;
}

/* digits8_value gives the number that eight digits write: pairs, then fours, then all. A byte 0
 * counts as the digit 0. */
static inline uint64_t digits8_value(uint64_t word)
{
    word = (word & UINT64_C(0x0f0f0f0f0f0f0f0f)) * 2561 >> 8;
    word = (word & UINT64_C(0x00ff00ff00ff00ff)) * 6553601 >> 16;
    return (word & UINT64_C(0x0000ffff0000ffff)) * UINT64_C(42949672960001) >> 32;
}

/* digits_end gives the first byte of at..end that is no digit. */
static inline const char *digits_end(const char *at, const char *end)
{
    while (end - at >= 8) {
        unsigned count = digits8_count(digits8_load(at));
        at += count;
        if (count < 8)
            return at;
    }
    while (at < end && digit_is(*at))
        at++;
    return at;
}

/* digits_take reads the digits at at..end onto *value (value * 10^count + digits) and gives the
 * first byte that is none. The caller sees to it that 64 bits hold them: no more than 19 in all. */
static inline const char *digits_take(const char *at, const char *end, uint64_t *value)
{
    static const uint64_t scale[] = {
        1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000
    };
    uint64_t v = *value;

    while (end - at >= 8) {
        uint64_t word = digits8_load(at);
        unsigned count = digits8_count(word);
        if (count == 0)
            break;
        v = v * scale[count] + digits8_value(word << (64 - 8 * count));
        at += count;
        if (count < 8)
            break;
    }
    for (; at < end && digit_is(*at); at++)
        v = v * 10 + (uint64_t)(*at - '0');
    *value = v;
    return at;
}

#endif
