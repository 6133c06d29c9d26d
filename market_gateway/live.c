#include "market_gateway/live.h"

#include "common/edge/log.h"
#include "common/edge/net/rest.h"
#include "common/edge/net/ws.h"
#include "common/leaf/err.h"
#include "common/pure/pace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static const int64_t REFUSED_PAUSE_NS = 10 * NS_PER_S; /* HTTP 4xx, 5xx on the upgrade: a limit. */
static const int64_t RENEW_JITTER_NS = 600 * NS_PER_S;

/* One connection that the codec wants. */
struct link {
    struct live *live;
    unsigned index;
    struct venue_connection wanted;
    struct ws *ws;
    bool is_told_open;  /* The codec knows it as open. */
    bool is_asked_anew; /* The codec wants it closed and opened again. */
    struct backoff backoff;
    struct loop_timer timer; /* When to connect, to renew, or to obey the codec. */
    int64_t opened_ns, heard_ns, renew_at_ns;
    struct log_burst burst;
};

struct live {
    struct live_config config;
    void *codec;
    const struct venue_feed_ops *ops;
    struct venue_out out;
    struct dns *dns;
    struct tls *tls;
    struct rest *rest;
    struct rest_host *host;
    struct link links[VENUE_CONNECTIONS_MAX];
    size_t link_count;
    uint64_t nonce;
    struct log_burst note_burst;
    struct live_counters counters;
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

    int err = connection < live->link_count && live->links[connection].ws
                  ? ws_send(live->links[connection].ws, frame, len)
                  : ERR_CLOSED;
    live->counters.sends_refused += err != 0;
    return err;
}

static void on_response(void *ctx, const struct rest_response *in)
{
    struct live *live = ctx;
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

    for (size_t i = 0; i < in->header_count; i++) {
        memcpy(headers[i].name, in->headers[i].name, sizeof(headers[i].name));
        memcpy(headers[i].value, in->headers[i].value, sizeof(headers[i].value));
    }
    if (in->status != 200) {
        live->counters.requests_failed++;
        log_warn("http", "%s: status %d %s", in->url, in->status, in->error);
    }
    struct venue_clock clock = clock_at(live, in->received_ns);
    (void)live->ops->http(live->codec, &response, &clock, &live->out);
}

static int on_request(void *ctx, const struct venue_request *request)
{
    struct live *live = ctx;
    struct rest_header headers[VENUE_HEADERS_MAX];
    struct rest_request out = { .method = request->method,
                                .path = request->path,
                                .body = request->body,
                                .body_len = request->body_len,
                                .headers = headers,
                                .header_count = MIN(request->header_count, VENUE_HEADERS_MAX),
                                .tag = request->tag,
                                .timeout_ns = live->config.http_timeout_ns,
                                .done = on_response,
                                .ctx = live };

    for (size_t i = 0; i < out.header_count; i++) {
        memcpy(headers[i].name, request->headers[i].name, sizeof(headers[i].name));
        memcpy(headers[i].value, request->headers[i].value, sizeof(headers[i].value));
    }
    int err = rest_send(live->host, &out);
    live->counters.requests += err == 0;
    live->counters.requests_refused += err != 0;
    return err ? ERR_FULL : 0;
}

/* Obeyed in a turn of its own: the codec is in the middle of something. */
static void on_reconnect(void *ctx, unsigned connection, wire_reason why)
{
    struct live *live = ctx;

    if (connection >= live->link_count || live->links[connection].is_asked_anew)
        return;
    live->counters.reconnects_asked++;
    log_warn("reconnect", "connection %u: %s", connection, wire_reason_str(why));
    live->links[connection].is_asked_anew = true;
    (void)loop_timer_at(live->config.loop, &live->links[connection].timer, 1);
}

static void on_note(void *ctx, const char *event, const char *text)
{
    struct live *live = ctx;
    uint64_t suppressed = 0;

    if (log_burst_allows(&live->note_burst, loop_now_ns(), NS_PER_S, &suppressed))
        log_info(event, "%s (%llu notes suppressed)", text, (unsigned long long)suppressed);
}

/* ---- connections ---- */

static void link_drop(struct link *link, int64_t now_ns)
{
    struct live *live = link->live;

    ws_close(&link->ws);
    if (!link->is_told_open)
        return;
    link->is_told_open = false;
    live->counters.disconnects++;
    live->counters.connections_open--;
    if (now_ns - link->opened_ns > live->config.reconnect_max_ns) /* It was steady. */
        backoff_reset(&link->backoff);
    struct venue_clock clock = clock_at(live, now_ns);
    live->ops->closed(live->codec, link->index, &clock, &live->out);
}

static void link_retry(struct link *link, int64_t now_ns, int64_t least_ns)
{
    int64_t pause_ns = MAX(backoff_next_ns(&link->backoff), least_ns);

    (void)loop_timer_at(link->live->config.loop, &link->timer, now_ns + pause_ns);
}

static void on_opened(void *ctx)
{
    struct link *link = ctx;
    struct live *live = link->live;
    int64_t now_ns = loop_now_ns();

    log_info("connected", "connection %u", link->index);
    live->counters.connects++;
    live->counters.connections_open++;
    link->is_told_open = true;
    link->opened_ns = link->heard_ns = now_ns;
    if (link->wanted.renew_ns) {
        int64_t jitter_ns = MIN(RENEW_JITTER_NS, link->wanted.renew_ns / 8);
        link->renew_at_ns = now_ns + link->wanted.renew_ns -
                            (int64_t)(link->backoff.random % (uint64_t)(jitter_ns + 1));
        (void)loop_timer_at(live->config.loop, &link->timer, link->renew_at_ns);
    }
    struct venue_clock clock = clock_at(live, now_ns);
    live->ops->opened(live->codec, link->index, &clock, &live->out);
}

static void on_message(void *ctx, const char *data, size_t len, bool is_text, int64_t received_ns)
{
    struct link *link = ctx;
    struct live *live = link->live;

    (void)is_text; /* A venue that packs its text is not built yet; the codec refuses what it cannot
                      read. */
    link->heard_ns = received_ns;
    struct venue_clock clock = clock_at(live, received_ns);
    int err = live->ops->frame(live->codec, link->index, data, len, &clock, &live->out);
    live->counters.stale += err == ERR_STALE;
    live->counters.malformed += err == ERR_PROTO;
}

static void on_pong(void *ctx, int64_t rtt_ns)
{
    struct link *link = ctx;

    link->live->counters.rtt_ns = rtt_ns;
}

static void on_closed(void *ctx, const struct ws_closed *closed)
{
    struct link *link = ctx;
    struct live *live = link->live;
    int64_t now_ns = loop_now_ns();
    uint64_t suppressed = 0;

    live->counters.silences += closed->why == WS_END_SILENCE;
    live->counters.dns_failed += closed->why == WS_END_NAME;
    if (log_burst_allows(&link->burst, now_ns, NS_PER_S, &suppressed))
        log_warn("disconnected", "connection %u: %s: %s", link->index, ws_end_str(closed->why),
                 closed->text);
    link_drop(link, now_ns);
    link_retry(link, now_ns, closed->http_status >= 400 ? REFUSED_PAUSE_NS : 0);
}

static void link_connect(struct link *link, int64_t now_ns)
{
    struct live *live = link->live;
    struct ws_config config = {
        .loop = live->config.loop,
        .dns = live->dns,
        .tls = live->tls,
        .url = link->wanted.url,
        .message_max = live->config.message_max,
        .connect_timeout_ns = live->config.connect_timeout_ns,
        .silence_ns = link->wanted.silence_ns,
        .message_silence_ns = live->config.message_silence_ns,
        .ping_interval_ns = link->wanted.ping_interval_ns,
        .handler = { link, on_opened, on_message, on_pong, on_closed },
    };

    int err = ws_open(&link->ws, &config);
    if (err) {
        log_error("connect", "%s: %s", link->wanted.url, err_str(err));
        link_retry(link, now_ns, REFUSED_PAUSE_NS);
    }
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
        log_info("renew", "connection %u", link->index);
        link->live->counters.renewals++;
        link->renew_at_ns = 0;
        link_drop(link, now_ns);
        link_connect(link, now_ns); /* Ours to choose: no pause. */
    }
}

/* ---- time ---- */

bool live_is_proved(const struct live *live, int64_t now_ns)
{
    for (size_t i = 0; i < live->link_count; i++) {
        const struct link *link = &live->links[i];
        if (!link->is_told_open || now_ns - link->heard_ns > live->config.proof_ns)
            return false;
    }
    return live->link_count > 0;
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

static int open_clients(struct live *live)
{
    const struct live_config *config = &live->config;
    struct rest_config rest = { .loop = config->loop, .ca_file = config->ca_file };
    struct rest_host_config host = { .base_url = config->codec.rest_url };
    struct dns_config dns = { .loop = config->loop };
    int err = dns_open(&live->dns, &dns);

    rest.dns = live->dns;
    if (!err)
        err = tls_open(&live->tls, config->ca_file);
    if (!err)
        err = rest_open(&live->rest, &rest);
    if (!err) {
        err = rest_host(live->rest, &host, &live->host);
        if (err)
            log_error("http", "not an https URL: %s", config->codec.rest_url);
        err = err ? ERR_CONFIG : 0;
    }
    return err;
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
    int64_t now_ns = loop_now_ns();
    struct venue_clock clock = clock_at(live, now_ns);

    live->ops->start(live->codec, &clock, &live->out);
    live->link_count = live->ops->connections(live->codec, wanted);
    live->counters.connections_wanted = (int64_t)live->link_count;
    for (unsigned i = 0; i < live->link_count; i++) {
        struct link *link = &live->links[i];
        uint64_t seed = 0;
        (void)!getrandom(&seed, sizeof(seed), 0);
        link->live = live;
        link->index = i;
        link->wanted = wanted[i];
        link->timer = (struct loop_timer){ .fire = link_timer_fired, .ctx = link };
        backoff_init(&link->backoff, live->config.reconnect_base_ns, live->config.reconnect_max_ns,
                     seed | 1);
        link_connect(link, now_ns);
    }
}

int live_open(struct live **out, const struct live_config *config)
{
    struct live *live = calloc(1, sizeof(*live));

    if (!live)
        return ERR_SYS;
    live->config = *config;
    int err = open_codec(live);
    if (!err)
        err = open_clients(live);
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
    for (size_t i = 0; i < live->link_count; i++) {
        ws_close(&live->links[i].ws);
        loop_timer_stop(live->config.loop, &live->links[i].timer);
    }
    rest_close(&live->rest);
    tls_close(&live->tls);
    dns_close(&live->dns);
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
    *out = live->counters;
}
