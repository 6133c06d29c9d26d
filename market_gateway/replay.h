/* replay.h - a capture through the same codec that runs live. Deterministic: time comes from the
 * capture, REST answers come from the capture, and nothing that the codec wants to send goes
 * anywhere. */
#ifndef TICKPIPE_MARKET_GATEWAY_REPLAY_H
#define TICKPIPE_MARKET_GATEWAY_REPLAY_H

#include "market_gateway/capture.h"
#include "venues/venue.h"

struct replay;

struct replay_config {
    const struct venue *venue;
    const char *path; /* NULL: records are given by replay_play. */
    int32_t maker_fee_ppm, taker_fee_ppm;
    void *ctx;
    void (*event)(void *ctx, struct wire_header *event);
    /* Something for people: a bad line, a note of the codec. May be NULL. */
    void (*note)(void *ctx, const char *event, const char *text);
};

/* replay_open makes the codec and opens the capture. 0; ERR_NOT_FOUND, ERR_SYS: no such file;
 * ERR_UNSUPPORTED: the venue has no feed. */
int replay_open(struct replay **replay, const struct replay_config *config);
void replay_close(struct replay **replay);

/* replay_due gives the capture's time of the next record, 0 where it is due at once. 0, or as
 * capture_next at its end. */
int replay_due(struct replay *replay, int64_t *ts_ns);

/* replay_step plays the next record. now_ns is CLOCK_MONOTONIC of now for a replay that is
 * published, or 0: the capture's own time. 0; ERR_NOT_FOUND: that was all; else the capture cannot
 * go on, as capture_next. */
int replay_step(struct replay *replay, int64_t now_ns);

/* replay_play gives one record to the codec: frames and answers in, time moved. */
void replay_play(struct replay *replay, const struct capture_record *record, int64_t now_ns);

/* replay_end closes every connection that the capture opened: books go stale. */
void replay_end(struct replay *replay, int64_t now_ns);

void replay_republish(struct replay *replay, uint64_t instrument, int64_t now_ns);

void replay_stats(const struct replay *replay, struct venue_feed_stats *out);
size_t replay_tops(const struct replay *replay, struct venue_feed_top *out, size_t max);
uint64_t replay_bad_lines(const struct replay *replay);

#endif
