#include "venue_link/live.h"

#include "common/edge/log.h"
#include "common/leaf/err.h"
#include "venue_link/venue_link.h"

#include <stdlib.h>
#include <string.h>

struct live {
    struct live_config config;
    void *codec;
    const struct venue_feed_ops *ops;
    struct venue_out out;
    struct venue_link *link;
    uint64_t nonce;
    struct log_burst note_burst;
    uint64_t stale, malformed;
};

static struct venue_clock clock_at(struct live *live, int64_t now_ns)
{
    return (
        struct venue_clock){ .now_ns = now_ns, .wall_ns = loop_wall_ns(), .nonce = ++live->nonce };
}

/* ---- what the codec can do ---- */

static void on_event(void *ctx, struct wire_header *event)
{
    struct live *live = ctx;

    live->config.event(live->config.ctx, event);
}

static int on_send(void *ctx, unsigned connection, const char *frame, size_t len)
{
    struct live *live = ctx;

    return venue_link_send(live->link, connection, frame, len);
}

static int on_request(void *ctx, const struct venue_request *request)
{
    struct live *live = ctx;

    return venue_link_request(live->link, request);
}

static void on_reconnect(void *ctx, unsigned connection, wire_reason why)
{
    struct live *live = ctx;

    venue_link_reconnect(live->link, connection, why);
}

static void on_note(void *ctx, const char *event, const char *text)
{
    struct live *live = ctx;
    uint64_t suppressed = 0;

    if (log_burst_allows(&live->note_burst, loop_now_ns(), NS_PER_S, &suppressed))
        log_info(event, "%s (%llu notes suppressed)", text, (unsigned long long)suppressed);
}

/* ---- what it hears ---- */

static void on_connection(void *ctx, unsigned connection, struct venue_connection *out)
{
    struct live *live = ctx;
    struct venue_connection wanted[VENUE_CONNECTIONS_MAX];

    if (connection < live->ops->connections(live->codec, wanted))
        *out = wanted[connection];
}

static void on_opened(void *ctx, unsigned connection, int64_t now_ns)
{
    struct live *live = ctx;
    struct venue_clock clock = clock_at(live, now_ns);

    live->ops->opened(live->codec, connection, &clock, &live->out);
}

static void on_closed(void *ctx, unsigned connection, int64_t now_ns)
{
    struct live *live = ctx;
    struct venue_clock clock = clock_at(live, now_ns);

    live->ops->closed(live->codec, connection, &clock, &live->out);
}

static void on_frame(void *ctx, unsigned connection, const char *frame, size_t len,
                     int64_t received_ns)
{
    struct live *live = ctx;
    struct venue_clock clock = clock_at(live, received_ns);
    int err = live->ops->frame(live->codec, connection, frame, len, &clock, &live->out);

    live->stale += err == ERR_STALE;
    live->malformed += err == ERR_PROTO;
}

static void on_response(void *ctx, const struct venue_response *response)
{
    struct live *live = ctx;
    struct venue_clock clock = clock_at(live, response->received_ns);

    (void)live->ops->http(live->codec, response, &clock, &live->out);
}

/* ---- time ---- */

bool live_is_proved(const struct live *live, int64_t now_ns)
{
    return venue_link_is_heard(live->link, now_ns, live->config.proof_ns);
}

void live_tick(struct live *live, int64_t now_ns)
{
    struct venue_clock clock = clock_at(live, now_ns);

    live->ops->tick(live->codec, &clock, &live->out);
}

void live_republish(struct live *live, uint64_t instrument)
{
    struct venue_clock clock = clock_at(live, loop_now_ns());

    live->ops->republish(live->codec, instrument, &clock, &live->out);
}

/* ---- life ---- */

static int open_link(struct live *live)
{
    const struct live_config *config = &live->config;
    const struct venue_link_config link = {
        .loop = config->loop,
        .label = "connection",
        .rest_url = config->codec.rest_url,
        .ca_file = config->ca_file,
        .connect_timeout_ns = config->connect_timeout_ns,
        .http_timeout_ns = config->http_timeout_ns,
        .reconnect_base_ns = config->reconnect_base_ns,
        .reconnect_max_ns = config->reconnect_max_ns,
        .message_silence_ns = config->message_silence_ns,
        .renew_ns = config->renew_ns,
        .message_max = config->message_max,
        .handler = { live, on_connection, on_opened, on_closed, on_frame, on_response },
    };

    return venue_link_open(&live->link, &link);
}

static int open_codec(struct live *live)
{
    live->ops = live->config.venue->feed;
    if (!live->ops)
        return ERR_UNSUPPORTED;
    live->codec = calloc(1, live->ops->state_size);
    if (!live->codec)
        return ERR_SYS;
    live->out = (struct venue_out){ .ctx = live,
                                    .event = on_event,
                                    .send = on_send,
                                    .request = on_request,
                                    .reconnect = on_reconnect,
                                    .note = on_note };
    return live->ops->init(live->codec, &live->config.codec);
}

static void begin(struct live *live)
{
    struct venue_connection wanted[VENUE_CONNECTIONS_MAX];
    struct venue_clock clock = clock_at(live, loop_now_ns());

    live->ops->start(live->codec, &clock, &live->out);
    venue_link_connect(live->link, live->ops->connections(live->codec, wanted));
}

int live_open(struct live **out, const struct live_config *config)
{
    struct live *live = calloc(1, sizeof(*live));

    if (!live)
        return ERR_SYS;
    live->config = *config;
    int err = open_codec(live);
    if (!err)
        err = open_link(live);
    if (err) {
        live_close(&live);
        return err;
    }
    begin(live);
    *out = live;
    return 0;
}

void live_close(struct live **live_ptr)
{
    struct live *live = *live_ptr;

    if (!live)
        return;
    venue_link_close(&live->link);
    if (live->codec)
        live->ops->fini(live->codec);
    free(live->codec);
    free(live);
    *live_ptr = NULL;
}

void live_stats(const struct live *live, struct venue_feed_stats *out)
{
    live->ops->stats(live->codec, out);
}

size_t live_tops(const struct live *live, struct venue_feed_top *out, size_t max)
{
    return live->ops->tops(live->codec, out, max);
}

void live_counters(const struct live *live, struct live_counters *out)
{
    out->link = *venue_link_counters(live->link);
    out->stale = live->stale;
    out->malformed = live->malformed;
}
