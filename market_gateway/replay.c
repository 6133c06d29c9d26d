#include "market_gateway/replay.h"

#include "common/leaf/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LEVELS_MAX = 8192,         /* Whole snapshots, and what the stream adds beyond them. */
    BARE_STEP_NS = NS_PER_MS,  /* Bare frames say no time: it passes all the same. */
    TICK_NS = 100 * NS_PER_MS, /* Of the capture's time. */
    TICKS_MAX = 50,            /* A hole of hours in a capture is not ticked through. */
};

struct replay {
    struct replay_config config;
    struct capture *capture;
    const struct venue_feed_ops *ops;
    void *codec;
    struct venue_out out;
    char conns[VENUE_CONNECTIONS_MAX]
              [CAPTURE_CONN_MAX]; /* Of the capture, in the order they came. */
    bool is_open[VENUE_CONNECTIONS_MAX];
    size_t conn_count;
    struct venue_clock clock;
    int64_t next_tick_ns;
    struct capture_record record; /* The next one, when has_record. */
    bool has_record;
    uint64_t bad_lines;
};

/* ---- a codec that can reach nothing ---- */

static void on_event(void *ctx, struct wire_header *event)
{
    struct replay *replay = ctx;

    replay->config.event(replay->config.ctx, event);
}

static int refuse_send(void *ctx, unsigned connection, const char *frame, size_t len)
{
    (void)ctx, (void)connection, (void)frame, (void)len;
    return ERR_CLOSED;
}

static int refuse_request(void *ctx, const struct venue_request *request)
{
    (void)ctx, (void)request;
    return ERR_FULL;
}

static void ignore_reconnect(void *ctx, unsigned connection, wire_reason why)
{
    (void)ctx, (void)connection, (void)why; /* The capture says when it reconnected. */
}

static void on_note(void *ctx, const char *event, const char *text)
{
    struct replay *replay = ctx;

    if (replay->config.note)
        replay->config.note(replay->config.ctx, event, text);
}

/* ---- life ---- */

static int open_codec(struct replay *replay)
{
    const struct replay_config *config = &replay->config;
    const struct venue_feed_config codec = { .venue = config->venue->name,
                                             .rest_url = "",
                                             .ws_url = "",
                                             .takes_any_symbol = true,
                                             .levels_max = LEVELS_MAX,
                                             .maker_fee_ppm = config->maker_fee_ppm,
                                             .taker_fee_ppm = config->taker_fee_ppm };

    replay->ops = config->venue->feed;
    if (!replay->ops)
        return ERR_UNSUPPORTED;
    replay->codec = calloc(1, replay->ops->state_size);
    if (!replay->codec)
        return ERR_SYS;
    replay->out = (struct venue_out){ .ctx = replay,
                                      .event = on_event,
                                      .send = refuse_send,
                                      .request = refuse_request,
                                      .reconnect = ignore_reconnect,
                                      .note = on_note };
    return replay->ops->init(replay->codec, &codec);
}

int replay_open(struct replay **out, const struct replay_config *config)
{
    struct replay *replay = calloc(1, sizeof(*replay));

    if (!replay)
        return ERR_SYS;
    replay->config = *config;
    int err = config->path ? capture_open(&replay->capture, config->path) : 0;
    if (!err)
        err = open_codec(replay);
    if (err) {
        replay_close(&replay);
        return err;
    }
    *out = replay;
    return 0;
}

void replay_close(struct replay **replay_ptr)
{
    struct replay *replay = *replay_ptr;

    if (!replay)
        return;
    if (replay->codec)
        replay->ops->fini(replay->codec);
    free(replay->codec);
    capture_close(&replay->capture);
    free(replay);
    *replay_ptr = NULL;
}

/* ---- time ---- */

/* The capture's clock never runs backwards, though records of several connections may. */
static void set_time(struct replay *replay, int64_t ts_ns, int64_t now_ns)
{
    struct venue_clock *clock = &replay->clock;

    clock->wall_ns = ts_ns ? MAX(ts_ns, clock->wall_ns) : clock->wall_ns + BARE_STEP_NS;
    clock->now_ns = now_ns ? now_ns : clock->wall_ns;
    clock->nonce++;
}

static void tick_up_to(struct replay *replay, int64_t ts_ns, int64_t now_ns)
{
    if (!replay->next_tick_ns || ts_ns - replay->next_tick_ns > TICKS_MAX * (int64_t)TICK_NS)
        replay->next_tick_ns = ts_ns;
    for (; replay->next_tick_ns < ts_ns; replay->next_tick_ns += TICK_NS) {
        set_time(replay, replay->next_tick_ns, now_ns);
        replay->ops->tick(replay->codec, &replay->clock, &replay->out);
    }
}

/* ---- records ---- */

static unsigned conn_of(struct replay *replay, const char *name)
{
    size_t i = 0;

    while (i < replay->conn_count && strcmp(replay->conns[i], name) != 0)
        i++;
    if (i == replay->conn_count && i < VENUE_CONNECTIONS_MAX) {
        snprintf(replay->conns[i], sizeof(replay->conns[i]), "%s", name);
        replay->conn_count++;
    }
    return (unsigned)MIN(i, VENUE_CONNECTIONS_MAX - 1U);
}

static void set_open(struct replay *replay, unsigned conn, bool is_open)
{
    if (replay->is_open[conn] == is_open)
        return;
    replay->is_open[conn] = is_open;
    if (is_open)
        replay->ops->opened(replay->codec, conn, &replay->clock, &replay->out);
    else
        replay->ops->closed(replay->codec, conn, &replay->clock, &replay->out);
}

static void play_http(struct replay *replay, const struct capture_record *record)
{
    const struct venue_response response = { .url = record->url,
                                             .status = 200,
                                             .was_sent = true,
                                             .body = record->data,
                                             .body_len = record->len,
                                             .sent_ns = replay->clock.now_ns,
                                             .received_ns = replay->clock.now_ns };

    (void)replay->ops->http(replay->codec, &response, &replay->clock, &replay->out);
}

void replay_play(struct replay *replay, const struct capture_record *record, int64_t now_ns)
{
    if (record->ts_ns)
        tick_up_to(replay, record->ts_ns, now_ns);
    if (record->kind != CAPTURE_HEADER)
        set_time(replay, record->ts_ns, now_ns);
    switch (record->kind) {
    case CAPTURE_HEADER:
    case CAPTURE_SEND:
        break;
    case CAPTURE_HTTP:
        play_http(replay, record);
        break;
    case CAPTURE_CONNECT: {
        unsigned conn = conn_of(replay, record->conn);
        set_open(replay, conn, false); /* A second time: it had been lost. */
        if (record->url[0] && replay->ops->address)
            replay->ops->address(replay->codec, conn, record->url);
        set_open(replay, conn, true);
        break;
    }
    case CAPTURE_RECV: {
        unsigned conn = conn_of(replay, record->conn);
        set_open(replay, conn, true); /* Many captures begin in the middle. */
        (void)replay->ops->frame(replay->codec, conn, record->data, record->len, &replay->clock,
                                 &replay->out);
        break;
    }
    }
}

static int fetch(struct replay *replay)
{
    char text[64];

    while (!replay->has_record) {
        int err = capture_next(replay->capture, &replay->record);
        if (err && err != ERR_PROTO)
            return err;
        replay->has_record = !err;
        if (err) {
            replay->bad_lines++;
            snprintf(text, sizeof(text), "line %llu", (unsigned long long)replay->record.line);
            on_note(replay, "bad_record", text);
        }
    }
    return 0;
}

int replay_due(struct replay *replay, int64_t *ts_ns)
{
    int err = fetch(replay);

    if (err)
        return err;
    if (replay->record.kind == CAPTURE_HEADER)
        *ts_ns = 0;
    else
        *ts_ns = replay->record.ts_ns ? replay->record.ts_ns : replay->clock.wall_ns + BARE_STEP_NS;
    return 0;
}

int replay_step(struct replay *replay, int64_t now_ns)
{
    int err = fetch(replay);

    if (err)
        return err;
    replay->has_record = false;
    replay_play(replay, &replay->record, now_ns);
    return 0;
}

void replay_end(struct replay *replay, int64_t now_ns)
{
    set_time(replay, replay->clock.wall_ns, now_ns);
    for (unsigned i = 0; i < replay->conn_count; i++)
        set_open(replay, i, false);
}

void replay_republish(struct replay *replay, uint64_t instrument, int64_t now_ns)
{
    set_time(replay, replay->clock.wall_ns, now_ns);
    replay->ops->republish(replay->codec, instrument, &replay->clock, &replay->out);
}

void replay_stats(const struct replay *replay, struct venue_feed_stats *out)
{
    replay->ops->stats(replay->codec, out);
}

size_t replay_tops(const struct replay *replay, struct venue_feed_top *out, size_t max)
{
    return replay->ops->tops(replay->codec, out, max);
}

uint64_t replay_bad_lines(const struct replay *replay)
{
    return replay->bad_lines;
}
