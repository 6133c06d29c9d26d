/* base.h - the few words that every file of the project uses. */
#ifndef TICKPIPE_COMMON_LEAF_BASE_H
#define TICKPIPE_COMMON_LEAF_BASE_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Notional is price times quantity, two 64-bit integers: the product needs 128 bits. */
__extension__ typedef __int128 i128;

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MIN(a, b)    ((a) < (b) ? (a) : (b))
#define MAX(a, b)    ((a) > (b) ? (a) : (b))
#define LIKELY(x)    __builtin_expect(!!(x), 1)
#define UNLIKELY(x)  __builtin_expect(!!(x), 0)

#define PRINTF_LIKE(at, first) __attribute__((format(printf, at, first)))

#define NS_PER_US INT64_C(1000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S  INT64_C(1000000000)
#define US_PER_S  INT64_C(1000000)
#define MS_PER_S  INT64_C(1000)

#endif
