/* stats.h - what a feed did, as one line of JSON. */
#ifndef TICKPIPE_MARKET_GATEWAY_STATS_H
#define TICKPIPE_MARKET_GATEWAY_STATS_H

#include "venues/venue.h"

#include <stdio.h>

/* stats_write writes the counters, then "top": venue symbol -> [best bid, best ask] as decimal
 * strings with the venue's own number of decimals (null: none, or the book is stale), "levels":
 * symbol -> [bids, asks], and "stale": the symbols whose book may not be traded on. Ends with a
 * newline. */
void stats_write(const struct venue_feed_stats *stats, const struct venue_feed_top *tops,
                 size_t count, uint64_t bad_lines, FILE *out);

#endif
