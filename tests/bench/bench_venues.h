/* bench_venues.h - what the parts of bench_venues share. */
#ifndef TICKPIPE_TESTS_BENCH_VENUES_H
#define TICKPIPE_TESTS_BENCH_VENUES_H

#include "venues/venue.h"

enum { BENCH_VENUES_MAX = 8 };

struct bench_venue {
    char venue[32];
    char rest_url[128], ws_url[128], ca_file[256];
    const char *names[VENUE_SYMBOLS_MAX];
    size_t name_count;
    int gateway; /* Process. */
};

/* bench_raw_run subscribes as the venues' gateways do, then reads and drops. It writes the bytes
 * read so far to out, as uint64_t, twice a second; returns (1) only when it cannot subscribe. */
int bench_raw_run(int out, const struct bench_venue *venues, size_t count);

#endif
