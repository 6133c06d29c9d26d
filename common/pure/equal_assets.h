/* equal_assets.h - which assets count as another, and what that costs.
 *
 * USDT, USD and USDC differ unless the configuration says equal, and then only less a haircut. */
#ifndef TICKPIPE_COMMON_PURE_EQUAL_ASSETS_H
#define TICKPIPE_COMMON_PURE_EQUAL_ASSETS_H

#include "common/leaf/base.h"

enum { EQUAL_ASSETS_MAX = 16 };

/* "USDC counts as USDT, less a haircut." */
struct equal_asset {
    char asset[16], as[16];
    int32_t haircut_ppm;
};

/* equal_assets_parse reads "USD=USDT:500 USDC=USDT:200" (spaces or commas between; no haircut is
 * 0) into out[EQUAL_ASSETS_MAX]. Returns how many, or ERR_RANGE: not such a list; out is then
 * unspecified. */
int equal_assets_parse(const char *text, struct equal_asset *out);

/* equal_assets_find gives what is said of an asset, or NULL. */
const struct equal_asset *equal_assets_find(const struct equal_asset *list, unsigned count,
                                            const char *asset);

/* equal_assets_haircut gives what is lost between a and b, parts per million: 0 where they are the
 * same, the haircuts of both where both count as one; -1: they differ. */
int32_t equal_assets_haircut(const struct equal_asset *list, unsigned count, const char *a,
                             const char *b);

#endif
