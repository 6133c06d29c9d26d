#include "trading_engine/session.h"

#include "common/edge/log.h"
#include "common/edge/net/rest.h"
#include "common/edge/net/ws.h"
#include "common/leaf/err.h"
#include "common/pure/pace.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static const int64_t CODEC_TICK_NS = 100 * NS_PER_MS;
static const int64_t REFUSED_PAUSE_NS = 5 * NS_PER_S; /* HTTP 4xx, 5xx on the upgrade: a limit. */
static const int64_t RENEW_JITTER_NS = 600 * NS_PER_S;
static const int64_t TIME_EVERY_NS = 60 * NS_PER_S, TIME_RETRY_NS = NS_PER_S;
static const uint64_t TIME_REQUEST = UINT64_C(1) << 63; /* Not the engine's own ids. */
static const uint64_t NONCE_BLOCK_NS = NS_PER_S;

/* One connection that the codec wants. */
struct link {
    struct session *session;
    unsigned index;
    struct venue_connection wanted;
    struct ws *ws;
    bool is_told_open, is_asked_anew;
    unsigned failures;
    struct backoff backoff;
    struct loop_timer timer;
    int64_t opened_ns, renew_at_ns;
    struct log_burst burst;
};

struct session {
    struct session_config config;
    void *codec;
    const struct venue_order_ops *ops;
    struct venue_out out;
    struct dns *dns;
    struct tls *tls;
    struct rest *rest;
    struct rest_host *host;
    struct link links[VENUE_CONNECTIONS_MAX];
    size_t link_count;
    char backup_ws_url[1024];
    int64_t offset_ns, next_codec_tick_ns, next_time_ns;
    unsigned times_wanted;
    uint64_t nonce, nonce_reserved;
    struct log_burst note_burst, http_burst;
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
    int err = connection < s->link_count && s->links[connection].ws
                  ? ws_send(s->links[connection].ws, frame, len)
                  : ERR_CLOSED;

    s->counters.sends += err == 0;
    s->counters.sends_refused += err != 0;
    return err;
}

static void on_response(void *ctx, const struct rest_response *in)
{
    struct session *s = ctx;
    struct venue_header headers[REST_CAPTURED_MAX];
    struct venue_response response = { .tag = in->tag,
                                       .url = in->url,
                                       .status = in->status,
                                       .was_sent = in->was_sent,
                                       .body = in->body,
                                       .body_len = in->body_len,
                                       .headers = headers,
                                       .header_count = in->header_count,
                                       .sent_ns = in->sent_ns,
                                       .received_ns = in->received_ns };
    uint64_t suppressed = 0;

    for (size_t i = 0; i < in->header_count; i++) {
        memcpy(headers[i].name, in->headers[i].name, sizeof(headers[i].name));
        memcpy(headers[i].value, in->headers[i].value, sizeof(headers[i].value));
    }
    s->counters.is_rest_up = in->status != 0;
    if (in->status)
        s->counters.rest_rtt_ns = in->received_ns - in->sent_ns;
    if (in->status < 200 || in->status > 299) {
        s->counters.requests_failed++;
        /* The path only: a query carries key and signature of some venues. */
        if (log_burst_allows(&s->http_burst, loop_now_ns(), NS_PER_S, &suppressed))
            log_warn("http", "%.*s: status %d %s (%llu more suppressed)",
                     (int)strcspn(in->url, "?"), in->url, in->status, in->error,
                     (unsigned long long)suppressed);
    }
    struct venue_clock clock = clock_at(s, in->received_ns);
    (void)s->ops->http(s->codec, &response, &clock, &s->out);
}

static int on_request(void *ctx, const struct venue_request *request)
{
    struct session *s = ctx;
    struct rest_header headers[VENUE_HEADERS_MAX];
    struct rest_request out = { .method = request->method,
                                .path = request->path,
                                .body = request->body_len ? request->body : NULL,
                                .body_len = request->body_len,
                                .headers = headers,
                                .header_count = MIN(request->header_count, VENUE_HEADERS_MAX),
                                .tag = request->tag,
                                .is_cancel = request->is_cancel,
                                .is_serial = request->is_private && s->ops->serial_private_rest,
                                .timeout_ns = s->config.http_timeout_ns,
                                .done = on_response,
                                .ctx = s };

    for (size_t i = 0; i < out.header_count; i++) {
        memcpy(headers[i].name, request->headers[i].name, sizeof(headers[i].name));
        memcpy(headers[i].value, request->headers[i].value, sizeof(headers[i].value));
    }
    int err = rest_send(s->host, &out);
    s->counters.requests += err == 0;
    s->counters.requests_refused += err != 0;
    return err ? ERR_FULL : 0;
}

/* Obeyed in a turn of its own: the codec is in the middle of something. */
static void on_reconnect(void *ctx, unsigned connection, wire_reason why)
{
    struct session *s = ctx;

    if (connection >= s->link_count || s->links[connection].is_asked_anew)
        return;
    s->counters.reconnects_asked++;
    log_warn("reconnect", "connection %u: %s", connection, wire_reason_str(why));
    s->links[connection].is_asked_anew = true;
    (void)loop_timer_at(s->config.loop, &s->links[connection].timer, 1);
}

static void on_note(void *ctx, const char *event, const char *text)
{
    struct session *s = ctx;
    uint64_t suppressed = 0;

    if (log_burst_allows(&s->note_burst, loop_now_ns(), NS_PER_S, &suppressed))
        log_warn(event, "%s (%llu notes suppressed)", text, (unsigned long long)suppressed);
}

/* ---- connections ---- */

static void link_drop(struct link *link, int64_t now_ns)
{
    struct session *s = link->session;

    ws_close(&link->ws);
    if (!link->is_told_open)
        return;
    link->is_told_open = false;
    s->counters.disconnects++;
    s->counters.connections_open--;
    if (now_ns - link->opened_ns > s->config.reconnect_max_ns) /* It was steady. */
        backoff_reset(&link->backoff);
    struct venue_clock clock = clock_at(s, now_ns);
    s->ops->closed(s->codec, link->index, &clock, &s->out);
}

static void link_retry(struct link *link, int64_t now_ns, int64_t least_ns)
{
    int64_t pause_ns = MAX(backoff_next_ns(&link->backoff), least_ns);

    (void)loop_timer_at(link->session->config.loop, &link->timer, now_ns + pause_ns);
}

static void on_opened(void *ctx)
{
    struct link *link = ctx;
    struct session *s = link->session;
    int64_t now_ns = loop_now_ns();

    log_info("connected", "private connection %u", link->index);
    s->counters.connects++;
    s->counters.connections_open++;
    link->is_told_open = true;
    link->failures = 0;
    link->opened_ns = now_ns;
    if (link->wanted.renew_ns) {
        link->renew_at_ns = now_ns + link->wanted.renew_ns -
                            (int64_t)(link->backoff.random % (uint64_t)RENEW_JITTER_NS);
        (void)loop_timer_at(s->config.loop, &link->timer, link->renew_at_ns);
    }
    struct venue_clock clock = clock_at(s, now_ns);
    s->ops->opened(s->codec, link->index, &clock, &s->out);
}

static void on_message(void *ctx, const char *data, size_t len, bool is_text, int64_t received_ns)
{
    struct link *link = ctx;
    struct session *s = link->session;

    (void)is_text;
    struct venue_clock clock = clock_at(s, received_ns);
    int err = s->ops->frame(s->codec, link->index, data, len, &clock, &s->out);
    s->counters.frames++;
    s->counters.frames_refused += err != 0;
}

static void on_pong(void *ctx, int64_t rtt_ns)
{
    struct link *link = ctx;

    link->session->counters.ping_rtt_ns = rtt_ns;
}

static void on_closed(void *ctx, const struct ws_closed *closed)
{
    struct link *link = ctx;
    struct session *s = link->session;
    int64_t now_ns = loop_now_ns();
    uint64_t suppressed = 0;

    s->counters.silences += closed->why == WS_END_SILENCE;
    link->failures += !link->is_told_open;
    if (link->failures > 0 && link->failures % s->config.attempts_max == 0)
        log_error("disconnected", "private connection %u: %u attempts in a row failed", link->index,
                  link->failures);
    if (log_burst_allows(&link->burst, now_ns, NS_PER_S, &suppressed))
        log_warn("disconnected", "private connection %u: %s: %s", link->index,
                 ws_end_str(closed->why), closed->text);
    link_drop(link, now_ns);
    link_retry(link, now_ns, closed->http_status >= 400 ? REFUSED_PAUSE_NS : 0);
}

/* The same path at the backup host. */
static const char *link_url(struct link *link, char *buffer, size_t cap)
{
    struct session *s = link->session;
    bool wants_backup =
        s->backup_ws_url[0] && link->failures >= s->config.attempts_max && link->failures % 2 == 1;
    const char *authority = strstr(link->wanted.url, "://");
    const char *path = authority ? strchr(authority + 3, '/') : NULL;

    if (!wants_backup)
        return link->wanted.url;
    size_t host_len = strcspn(s->backup_ws_url + 6, "/") + 6; /* After "wss://". */
    if (host_len + (path ? strlen(path) : 0) >= cap)
        return link->wanted.url;
    memcpy(buffer, s->backup_ws_url, host_len);
    memcpy(buffer + host_len, path ? path : "", (path ? strlen(path) : 0) + 1);
    s->counters.backups_used++;
    return buffer;
}

static int64_t stricter(int64_t codec_ns, int64_t ours_ns)
{
    return codec_ns ? MIN(codec_ns, ours_ns) : ours_ns;
}

static void link_connect(struct link *link, int64_t now_ns)
{
    struct session *s = link->session;
    char url[1024];
    int64_t ping_ns = stricter(link->wanted.ping_interval_ns, s->config.ping_ns);
    struct ws_config config = {
        .loop = s->config.loop,
        .dns = s->dns,
        .tls = s->tls,
        .url = link_url(link, url, sizeof(url)),
        .message_max = s->config.message_max,
        .connect_timeout_ns = s->config.connect_timeout_ns,
        .silence_ns = stricter(link->wanted.silence_ns, ping_ns + s->config.pong_timeout_ns),
        .ping_interval_ns = ping_ns,
        .handler = { link, on_opened, on_message, on_pong, on_closed },
    };

    int err = ws_open(&link->ws, &config);
    if (err) {
        log_error("connect", "private connection %u: %s", link->index, err_str(err));
        link_retry(link, now_ns, REFUSED_PAUSE_NS);
    }
}

static void link_renew(struct link *link, int64_t now_ns)
{
    log_info("renew", "private connection %u", link->index);
    link->session->counters.renewals++;
    link->renew_at_ns = 0;
    link_drop(link, now_ns);
    link_connect(link, now_ns); /* Ours to choose: no pause. */
}

static void link_timer_fired(struct loop_timer *timer, int64_t now_ns)
{
    struct link *link = timer->ctx;

    if (link->is_asked_anew) {
        link->is_asked_anew = false;
        link_drop(link, now_ns);
        link_retry(link, now_ns, 0);
    } else if (!link->ws) {
        link_connect(link, now_ns);
    } else if (link->is_told_open && link->renew_at_ns && now_ns >= link->renew_at_ns) {
        link_renew(link, now_ns);
    }
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

/* ---- life ---- */

static int open_clients(struct session *s)
{
    const struct session_config *config = &s->config;
    const char *ca_file = config->ca_file && config->ca_file[0] ? config->ca_file : NULL;
    struct dns_config dns = { .loop = config->loop };
    struct rest_config rest = { .loop = config->loop,
                                .ca_file = ca_file,
                                .slots = config->rest_slots };
    struct rest_host_config host = { .base_url = config->codec.rest_url };
    int err = dns_open(&s->dns, &dns);

    rest.dns = s->dns;
    if (!err)
        err = tls_open(&s->tls, ca_file);
    if (!err)
        err = rest_open(&s->rest, &rest);
    if (!err && rest_host(s->rest, &host, &s->host) != 0) {
        log_error("http", "not an https URL: %s", host.base_url);
        err = ERR_CONFIG;
    }
    return err;
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
    int64_t now_ns = loop_now_ns();
    struct venue_clock clock = clock_at(s, now_ns);

    s->times_wanted = 3;
    s->ops->start(s->codec, &clock, &s->out);
    if (!s->config.has_connections)
        return;
    s->link_count = s->ops->connections(s->codec, wanted);
    s->counters.connections_wanted = (int64_t)s->link_count;
    for (unsigned i = 0; i < s->link_count; i++) {
        struct link *link = &s->links[i];
        uint64_t seed = 0;
        (void)!getrandom(&seed, sizeof(seed), 0);
        link->session = s;
        link->index = i;
        link->wanted = wanted[i];
        link->timer = (struct loop_timer){ .fire = link_timer_fired, .ctx = link };
        backoff_init(&link->backoff, s->config.reconnect_max_ns / 20, s->config.reconnect_max_ns,
                     seed | 1);
        link_connect(link, now_ns);
    }
}

int session_open(struct session **out, const struct session_config *config)
{
    struct session *s = calloc(1, sizeof(*s));

    if (!s)
        return ERR_SYS;
    s->config = *config;
    s->nonce = s->nonce_reserved = config->nonce_floor;
    if (config->backup_ws_url && strncmp(config->backup_ws_url, "wss://", 6) == 0 &&
        strlen(config->backup_ws_url) < sizeof(s->backup_ws_url))
        memcpy(s->backup_ws_url, config->backup_ws_url, strlen(config->backup_ws_url) + 1);
    int err = open_codec(s);
    if (!err)
        err = open_clients(s);
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
    for (size_t i = 0; i < s->link_count; i++) {
        loop_timer_stop(s->config.loop, &s->links[i].timer);
        ws_close(&s->links[i].ws);
    }
    rest_close(&s->rest);
    tls_close(&s->tls);
    dns_close(&s->dns);
    if (s->codec)
        s->ops->fini(s->codec);
    free(s->codec);
    free(s);
    *session = NULL;
}
