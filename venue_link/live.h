/* live.h - a venue's feed on real sockets: the codec, its WebSockets and its REST calls, on the
 * loop.
 *
 * What the codec says comes out through one callback. Its connections are venue_link's to keep. */
#ifndef TICKPIPE_VENUE_LINK_LIVE_H
#define TICKPIPE_VENUE_LINK_LIVE_H

#include "common/edge/loop.h"
#include "venue_link/venue_link.h"
#include "venues/venue.h"

struct live;

struct live_config {
    struct loop *loop;
    const struct venue *venue;
    struct venue_feed_config codec; /* Its texts are copied where they are needed later. */
    const char *ca_file;            /* The only trust when given; NULL: the system's. */
    int64_t connect_timeout_ns, http_timeout_ns;
    int64_t reconnect_base_ns, reconnect_max_ns;
    /* No message and no PING of the venue on a connection for so long: reconnect, though PONGs may
     * still come. 0: only what the codec asks for. */
    int64_t message_silence_ns;
    int64_t renew_ns; /* Connections are opened anew when so old, where that is sooner than the codec
                         wants it; 0: as the codec wants it. */
    int64_t proof_ns; /* See live_is_proved. */
    size_t message_max;
    void *ctx;
    void (*event)(void *ctx, struct wire_header *event);
};

/* live_open makes codec and clients and begins to connect. 0; ERR_CONFIG: CA file or URL;
 * ERR_RANGE: the codec refuses (a name it cannot spell); ERR_UNSUPPORTED: the venue has no feed;
 * ERR_SYS. */
int live_open(struct live **live, const struct live_config *config);
void live_close(struct live **live);

/* live_tick: about every 100 ms. Lets the codec retry.
 */
void live_tick(struct live *live, int64_t now_ns);

/* live_republish gives definition, state and book of an instrument (0: all) again. */
void live_republish(struct live *live, uint64_t instrument);

/* live_is_proved: every connection is open and a message came within proof_ns. A book that is quiet
 * is then quiet, not lost. */
bool live_is_proved(const struct live *live, int64_t now_ns);

void live_stats(const struct live *live, struct venue_feed_stats *out);
size_t live_tops(const struct live *live, struct venue_feed_top *out, size_t max);

struct live_counters {
    struct venue_link_counters link;
    uint64_t stale, malformed; /* Frames after which the codec said so. */
};
void live_counters(const struct live *live, struct live_counters *out);

#endif
