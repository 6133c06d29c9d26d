#include "trading_engine/session.h"

#include "common/edge/log.h"
#include "common/leaf/err.h"
#include "venue_link/venue_link.h"

#include <stdlib.h>
#include <string.h>

static const int64_t CODEC_TICK_NS = 100 * NS_PER_MS;
static const int64_t TIME_EVERY_NS = 60 * NS_PER_S, TIME_RETRY_NS = NS_PER_S;
static const uint64_t TIME_REQUEST = UINT64_C(1) << 63; /* Not the engine's own ids. */
static const uint64_t NONCE_BLOCK_NS = NS_PER_S;

struct session {
    struct session_config config;
    void *codec;
    const struct venue_order_ops *ops;
    struct venue_out out;
    struct venue_link *link;
    int64_t offset_ns, next_codec_tick_ns, next_time_ns;
    unsigned times_wanted;
    uint64_t nonce, nonce_reserved;
    struct log_burst note_burst;
    struct session_counters counters;
};

/* ---- clock and nonce ---- */

int64_t session_wall_ns(const struct session *s)
{
    return loop_wall_ns() + s->offset_ns;
}

/* Wall-clock ns, but never below what may have been used. A reservation comes before its use. */
static uint64_t next_nonce(struct session *s)
{
    uint64_t nonce = MAX((uint64_t)loop_wall_ns(), s->nonce + 1);

    if (nonce > s->nonce_reserved) {
        uint64_t high_water = nonce + NONCE_BLOCK_NS;
        if (s->config.reserve_nonce(s->config.ctx, high_water) != 0) {
            s->counters.nonces_refused++;
            return s->nonce; /* Used before: the venue refuses it, which is right. */
        }
        s->nonce_reserved = high_water;
        s->counters.nonces_reserved++;
    }
    s->nonce = nonce;
    return nonce;
}

static struct venue_clock clock_at(struct session *s, int64_t now_ns)
{
    return (struct venue_clock){ .now_ns = now_ns,
                                 .wall_ns = session_wall_ns(s),
                                 .nonce = next_nonce(s) };
}

/* ---- what the codec can do ---- */

static void on_event(void *ctx, struct wire_header *event)
{
    (void)ctx;
    (void)event; /* Market data comes from the gateway. */
}

static void on_report(void *ctx, const struct venue_report *report)
{
    struct session *s = ctx;

    if (report->kind == REPORT_SERVER_TIME) {
        struct venue_report corrected = *report;
        s->offset_ns += report->offset_ns; /* It was measured against the corrected clock. */
        s->counters.clock_offset_ns = corrected.offset_ns = s->offset_ns;
        s->counters.times_measured++;
        s->times_wanted -= s->times_wanted > 0;
        s->next_time_ns = loop_now_ns() + (s->times_wanted ? TIME_RETRY_NS : TIME_EVERY_NS);
        corrected.request_id = 0;
        s->config.report(s->config.ctx, &corrected);
        return;
    }
    if (report->request_id & TIME_REQUEST)
        return; /* Failed: asked again. */
    s->config.report(s->config.ctx, report);
}

static int on_send(void *ctx, unsigned connection, const char *frame, size_t len)
{
    struct session *s = ctx;

    return venue_link_send(s->link, connection, frame, len);
}

static int on_request(void *ctx, const struct venue_request *request)
{
    struct session *s = ctx;

    return venue_link_request(s->link, request);
}

static void on_reconnect(void *ctx, unsigned connection, wire_reason why)
{
    struct session *s = ctx;

    venue_link_reconnect(s->link, connection, why);
}

static void on_note(void *ctx, const char *event, const char *text)
{
    struct session *s = ctx;
    uint64_t suppressed = 0;

    if (log_burst_allows(&s->note_burst, loop_now_ns(), NS_PER_S, &suppressed))
        log_warn(event, "%s (%llu notes suppressed)", text, (unsigned long long)suppressed);
}

/* ---- what it hears ---- */

static void on_connection(void *ctx, unsigned connection, struct venue_connection *out)
{
    struct session *s = ctx;
    struct venue_connection wanted[VENUE_CONNECTIONS_MAX];

    if (connection < s->ops->connections(s->codec, wanted))
        *out = wanted[connection];
}

static void on_opened(void *ctx, unsigned connection, int64_t now_ns)
{
    struct session *s = ctx;
    struct venue_clock clock = clock_at(s, now_ns);

    s->ops->opened(s->codec, connection, &clock, &s->out);
}

static void on_closed(void *ctx, unsigned connection, int64_t now_ns)
{
    struct session *s = ctx;
    struct venue_clock clock = clock_at(s, now_ns);

    s->ops->closed(s->codec, connection, &clock, &s->out);
}

static void on_frame(void *ctx, unsigned connection, const char *frame, size_t len,
                     int64_t received_ns)
{
    struct session *s = ctx;
    struct venue_clock clock = clock_at(s, received_ns);
    int err = s->ops->frame(s->codec, connection, frame, len, &clock, &s->out);

    s->counters.frames++;
    s->counters.frames_refused += err != 0;
}

static void on_response(void *ctx, const struct venue_response *response)
{
    struct session *s = ctx;
    struct venue_clock clock = clock_at(s, response->received_ns);

    (void)s->ops->http(s->codec, response, &clock, &s->out);
}

/* ---- time ---- */

static void measure_time(struct session *s, int64_t now_ns)
{
    struct venue_command command = { .op = OP_SERVER_TIME,
                                     .request_id = TIME_REQUEST | (uint64_t)now_ns };

    s->next_time_ns =
        now_ns + s->config.http_timeout_ns + TIME_RETRY_NS; /* Until the answer says otherwise. */
    if (session_command(s, &command) != 0)
        s->next_time_ns = now_ns + TIME_RETRY_NS;
}

void session_tick(struct session *s, int64_t now_ns)
{
    if (now_ns >= s->next_time_ns)
        measure_time(s, now_ns);
    if (now_ns < s->next_codec_tick_ns)
        return;
    s->next_codec_tick_ns = now_ns + CODEC_TICK_NS;
    struct venue_clock clock = clock_at(s, now_ns);
    s->ops->tick(s->codec, &clock, &s->out);
}

int session_command(struct session *s, const struct venue_command *command)
{
    struct venue_clock clock = clock_at(s, loop_now_ns());

    return s->ops->command(s->codec, command, &clock, &s->out);
}

const struct session_counters *session_counters(const struct session *s)
{
    return &s->counters;
}

const struct venue_link_counters *session_link_counters(const struct session *s)
{
    return venue_link_counters(s->link);
}

/* ---- life ---- */

static int open_link(struct session *s)
{
    const struct session_config *config = &s->config;
    const struct venue_link_config link = {
        .loop = config->loop,
        .label = "private connection",
        .rest_url = config->codec.rest_url,
        .ca_file = config->ca_file,
        .backup_ws_url = config->backup_ws_url,
        .connect_timeout_ns = config->connect_timeout_ns,
        .http_timeout_ns = config->http_timeout_ns,
        .reconnect_base_ns = config->reconnect_max_ns / 20,
        .reconnect_max_ns = config->reconnect_max_ns,
        .ping_ns = config->ping_ns,
        .pong_timeout_ns = config->pong_timeout_ns,
        .renew_ns = config->renew_ns,
        .attempts_max = config->attempts_max,
        .rest_slots = config->rest_slots,
        .message_max = config->message_max,
        .is_private_rest_serial = s->ops->serial_private_rest,
        .handler = { s, on_connection, on_opened, on_closed, on_frame, on_response },
    };

    return venue_link_open(&s->link, &link);
}

static int open_codec(struct session *s)
{
    s->ops = s->config.venue->order;
    if (!s->ops)
        return ERR_UNSUPPORTED;
    s->codec = calloc(1, s->ops->state_size);
    if (!s->codec)
        return ERR_SYS;
    s->out = (struct venue_out){ .ctx = s,
                                 .event = on_event,
                                 .report = on_report,
                                 .send = on_send,
                                 .request = on_request,
                                 .reconnect = on_reconnect,
                                 .note = on_note };
    return s->ops->init(s->codec, &s->config.codec);
}

static void begin(struct session *s)
{
    struct venue_connection wanted[VENUE_CONNECTIONS_MAX];
    struct venue_clock clock = clock_at(s, loop_now_ns());

    s->times_wanted = 3;
    s->ops->start(s->codec, &clock, &s->out);
    if (s->config.has_connections)
        venue_link_connect(s->link, s->ops->connections(s->codec, wanted));
}

int session_open(struct session **out, const struct session_config *config)
{
    struct session *s = calloc(1, sizeof(*s));

    if (!s)
        return ERR_SYS;
    s->config = *config;
    s->nonce = s->nonce_reserved = config->nonce_floor;
    int err = open_codec(s);
    if (!err)
        err = open_link(s);
    if (err) {
        session_close(&s);
        return err;
    }
    begin(s);
    *out = s;
    return 0;
}

void session_close(struct session **session)
{
    struct session *s = *session;

    if (!s)
        return;
    venue_link_close(&s->link);
    if (s->codec)
        s->ops->fini(s->codec);
    free(s->codec);
    free(s);
    *session = NULL;
}
