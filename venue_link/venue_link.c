#include "venue_link/venue_link.h"

#include "common/edge/log.h"
#include "common/edge/net/rest.h"
#include "common/edge/net/ws.h"
#include "common/pure/pace.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static const int64_t REFUSED_PAUSE_NS = 10 * NS_PER_S; /* HTTP 4xx, 5xx on the upgrade: a limit. */
static const int64_t RENEW_JITTER_NS = 600 * NS_PER_S;
static const int64_t ASK_AGAIN_NS = 100 * NS_PER_MS; /* The codec has no url yet. */

/* One of a line's two sockets: at a renewal the new one is opened while the old one still serves.
 */
struct channel {
    struct line *line;
    struct ws *ws;
};

/* One connection that the codec wants. */
struct line {
    struct venue_link *link;
    unsigned index;
    struct venue_connection wanted; /* Of what was opened last. */
    struct channel channels[2];
    struct channel *now, *next; /* What the codec talks to; what a renewal opens. */
    bool is_told_open;          /* The codec knows it as open. */
    bool is_asked_anew;         /* The codec wants it closed and opened again. */
    unsigned failures;          /* In a row. */
    struct backoff backoff;
    struct loop_timer timer; /* When to connect, to renew, or to obey the codec. */
    int64_t opened_ns, heard_ns, renew_at_ns;
    struct log_burst burst;
};

struct venue_link {
    struct venue_link_config config;
    struct dns *dns;
    struct tls *tls;
    struct rest *rest;
    struct rest_host *host;
    struct line lines[VENUE_CONNECTIONS_MAX];
    size_t line_count;
    char backup_ws_url[1024];
    struct log_burst http_burst;
    struct venue_link_counters counters;
};

/* ---- REST ---- */

static void note_response(struct venue_link *link, const struct rest_response *in)
{
    uint64_t suppressed = 0;

    link->counters.is_rest_up = in->status != 0;
    if (in->status)
        link->counters.rest_rtt_ns = in->received_ns - in->sent_ns;
    if (in->status >= 200 && in->status <= 299)
        return;
    link->counters.requests_failed++;
    /* The path only: a query carries key and signature of some venues. */
    if (log_burst_allows(&link->http_burst, loop_now_ns(), NS_PER_S, &suppressed))
        log_warn("http", "%.*s: status %d %s (%llu more suppressed)", (int)strcspn(in->url, "?"),
                 in->url, in->status, in->error, (unsigned long long)suppressed);
}

static void on_response(void *ctx, const struct rest_response *in)
{
    struct venue_link *link = ctx;
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
    note_response(link, in);
    link->config.handler.response(link->config.handler.ctx, &response);
}

int venue_link_request(struct venue_link *link, const struct venue_request *request)
{
    struct rest_header headers[VENUE_HEADERS_MAX];
    struct rest_request out = { .method = request->method,
                                .path = request->path,
                                .body = request->body_len ? request->body : NULL,
                                .body_len = request->body_len,
                                .headers = headers,
                                .header_count = MIN(request->header_count, VENUE_HEADERS_MAX),
                                .tag = request->tag,
                                .is_cancel = request->is_cancel,
                                .is_serial =
                                    request->is_private && link->config.is_private_rest_serial,
                                .timeout_ns = link->config.http_timeout_ns,
                                .done = on_response,
                                .ctx = link };

    for (size_t i = 0; i < out.header_count; i++) {
        memcpy(headers[i].name, request->headers[i].name, sizeof(headers[i].name));
        memcpy(headers[i].value, request->headers[i].value, sizeof(headers[i].value));
    }
    int err = rest_send(link->host, &out);
    link->counters.requests += err == 0;
    link->counters.requests_refused += err != 0;
    return err ? ERR_FULL : 0;
}

/* ---- connections ---- */

int venue_link_send(struct venue_link *link, unsigned connection, const char *frame, size_t len)
{
    int err = connection < link->line_count && link->lines[connection].now->ws
                  ? ws_send(link->lines[connection].now->ws, frame, len)
                  : ERR_CLOSED;

    link->counters.sends += err == 0;
    link->counters.sends_refused += err != 0;
    return err;
}

void venue_link_reconnect(struct venue_link *link, unsigned connection, wire_reason why)
{
    if (connection >= link->line_count || link->lines[connection].is_asked_anew)
        return;
    link->counters.reconnects_asked++;
    log_warn("reconnect", "%s %u: %s", link->config.label, connection, wire_reason_str(why));
    link->lines[connection].is_asked_anew = true;
    (void)loop_timer_at(link->config.loop, &link->lines[connection].timer, 1);
}

static void line_drop(struct line *line, int64_t now_ns)
{
    struct venue_link *link = line->link;

    ws_close(&line->now->ws);
    if (!line->is_told_open)
        return;
    line->is_told_open = false;
    link->counters.disconnects++;
    link->counters.connections_open--;
    if (now_ns - line->opened_ns > link->config.reconnect_max_ns) /* It was steady. */
        backoff_reset(&line->backoff);
    link->config.handler.closed(link->config.handler.ctx, line->index, now_ns);
}

static void line_retry(struct line *line, int64_t now_ns, int64_t least_ns)
{
    int64_t pause_ns = MAX(backoff_next_ns(&line->backoff), least_ns);

    (void)loop_timer_at(line->link->config.loop, &line->timer, now_ns + pause_ns);
}

/* The new connection of a renewal takes over: to the codec one is closed and one opened, in one
 * turn. */
static void line_switch(struct line *line, int64_t now_ns)
{
    struct channel *old = line->now;

    line_drop(line, now_ns);
    line->now = line->next;
    line->next = old;
}

static void on_opened(void *ctx)
{
    struct channel *channel = ctx;
    struct line *line = channel->line;
    struct venue_link *link = line->link;
    int64_t now_ns = loop_now_ns();

    if (channel == line->next)
        line_switch(line, now_ns);

    log_info("connected", "%s %u", link->config.label, line->index);
    link->counters.connects++;
    link->counters.connections_open++;
    line->is_told_open = true;
    line->failures = 0;
    line->opened_ns = line->heard_ns = now_ns;
    if (line->wanted.renew_ns) {
        int64_t jitter_ns = MIN(RENEW_JITTER_NS, line->wanted.renew_ns / 8);
        line->renew_at_ns = now_ns + line->wanted.renew_ns -
                            (int64_t)(line->backoff.random % (uint64_t)(jitter_ns + 1));
        (void)loop_timer_at(link->config.loop, &line->timer, line->renew_at_ns);
    }
    link->config.handler.opened(link->config.handler.ctx, line->index, now_ns);
}

static void on_message(void *ctx, const char *data, size_t len, bool is_text, int64_t received_ns)
{
    struct channel *channel = ctx;
    struct line *line = channel->line;
    const struct venue_link_handler *handler = &line->link->config.handler;

    (void)is_text; /* A venue that packs its text is not built; the codec refuses what it cannot
                      read. */
    line->heard_ns = received_ns;
    handler->frame(handler->ctx, line->index, data, len, received_ns);
}

static void on_pong(void *ctx, int64_t rtt_ns)
{
    struct channel *channel = ctx;

    channel->line->link->counters.ping_rtt_ns = rtt_ns;
}

/* A renewal that did not come about: the old connection serves on, and it is tried again; where the
 * old one has gone meanwhile, this was all there was. */
static void renewal_failed(struct line *line, int64_t now_ns)
{
    ws_close(&line->next->ws);
    if (line->now->ws) {
        line->renew_at_ns = now_ns + REFUSED_PAUSE_NS;
        (void)loop_timer_at(line->link->config.loop, &line->timer, line->renew_at_ns);
    } else {
        line_retry(line, now_ns, REFUSED_PAUSE_NS);
    }
}

static void on_closed(void *ctx, const struct ws_closed *closed)
{
    struct channel *channel = ctx;
    struct line *line = channel->line;
    struct venue_link *link = line->link;
    unsigned attempts_max = link->config.attempts_max;
    int64_t now_ns = loop_now_ns();
    uint64_t suppressed = 0;

    if (channel == line->next) {
        log_warn("renew", "%s %u: %s: %s", link->config.label, line->index, ws_end_str(closed->why),
                 closed->text);
        renewal_failed(line, now_ns);
        return;
    }

    link->counters.silences += closed->why == WS_END_SILENCE;
    link->counters.dns_failed += closed->why == WS_END_NAME;
    line->failures += !line->is_told_open;
    if (attempts_max && line->failures > 0 && line->failures % attempts_max == 0)
        log_error("disconnected", "%s %u: %u attempts in a row failed", link->config.label,
                  line->index, line->failures);
    if (log_burst_allows(&line->burst, now_ns, NS_PER_S, &suppressed))
        log_warn("disconnected", "%s %u: %s: %s", link->config.label, line->index,
                 ws_end_str(closed->why), closed->text);
    line_drop(line, now_ns);
    if (!line->next->ws) /* Else a renewal is on its way, and takes over. */
        line_retry(line, now_ns, closed->http_status >= 400 ? REFUSED_PAUSE_NS : 0);
}

/* The same path at the backup host, every other time once enough attempts have failed. */
static const char *line_url(struct line *line, char *buffer, size_t cap)
{
    struct venue_link *link = line->link;
    bool wants_backup = link->backup_ws_url[0] && line->failures >= link->config.attempts_max &&
                        line->failures % 2 == 1;
    const char *authority = strstr(line->wanted.url, "://");
    const char *path = authority ? strchr(authority + 3, '/') : NULL;

    if (!wants_backup || line->wanted.is_elsewhere)
        return line->wanted.url;
    size_t host_len = strcspn(link->backup_ws_url + 6, "/") + 6; /* After "wss://". */
    if (host_len + (path ? strlen(path) : 0) >= cap)
        return line->wanted.url;
    memcpy(buffer, link->backup_ws_url, host_len);
    memcpy(buffer + host_len, path ? path : "", (path ? strlen(path) : 0) + 1);
    link->counters.backups_used++;
    return buffer;
}

static int64_t stricter(int64_t codec_ns, int64_t ours_ns)
{
    return codec_ns && ours_ns ? MIN(codec_ns, ours_ns) : MAX(codec_ns, ours_ns);
}

/* Opens channel. 0, ERR_AGAIN: the codec has no url yet; or what ws_open says. */
static int channel_open(struct line *line, struct channel *channel)
{
    struct venue_link *link = line->link;
    char url[1024];

    line->wanted = (struct venue_connection){ 0 };
    link->config.handler.connection(link->config.handler.ctx, line->index, &line->wanted);
    if (!line->wanted.url[0])
        return ERR_AGAIN;
    int64_t ping_ns = stricter(line->wanted.ping_interval_ns, link->config.ping_ns);
    line->wanted.renew_ns = stricter(line->wanted.renew_ns, link->config.renew_ns);
    int64_t silence_ns = link->config.pong_timeout_ns ? ping_ns + link->config.pong_timeout_ns : 0;
    struct ws_config config = {
        .loop = link->config.loop,
        .dns = link->dns,
        .tls = link->tls,
        .url = line_url(line, url, sizeof(url)),
        .message_max = link->config.message_max,
        .connect_timeout_ns = link->config.connect_timeout_ns,
        .silence_ns = stricter(line->wanted.silence_ns, silence_ns),
        .message_silence_ns = link->config.message_silence_ns,
        .ping_interval_ns = ping_ns,
        .handler = { channel, on_opened, on_message, on_pong, on_closed },
    };

    int err = ws_open(&channel->ws, &config);
    if (err) /* The path only: a query may carry a listen key. */
        log_error("connect", "%s %u: %.*s: %s", link->config.label, line->index,
                  (int)strcspn(config.url, "?"), config.url, err_str(err));
    return err;
}

static void line_connect(struct line *line, int64_t now_ns)
{
    int err = channel_open(line, line->now);

    if (err == ERR_AGAIN)
        (void)loop_timer_at(line->link->config.loop, &line->timer, now_ns + ASK_AGAIN_NS);
    else if (err)
        line_retry(line, now_ns, REFUSED_PAUSE_NS);
}

/* The new connection first, then the old one goes: no time without one but what it takes the codec
 * to subscribe again, and a venue that lets nobody in does not cost us the one that we have. */
static void line_renew(struct line *line, int64_t now_ns)
{
    int err = channel_open(line, line->next);

    line->renew_at_ns = 0;
    if (err == 0) {
        log_info("renew", "%s %u", line->link->config.label, line->index);
        line->link->counters.renewals++;
        return;
    }
    line->renew_at_ns = now_ns + (err == ERR_AGAIN ? ASK_AGAIN_NS : REFUSED_PAUSE_NS);
    (void)loop_timer_at(line->link->config.loop, &line->timer, line->renew_at_ns);
}

static void line_timer_fired(struct loop_timer *timer, int64_t now_ns)
{
    struct line *line = timer->ctx;

    if (line->is_asked_anew) {
        line->is_asked_anew = false;
        line_drop(line, now_ns);
        if (!line->next->ws)
            line_retry(line, now_ns, 0);
    } else if (!line->now->ws) {
        if (!line->next->ws)
            line_connect(line, now_ns);
    } else if (line->is_told_open && line->renew_at_ns && now_ns >= line->renew_at_ns) {
        line_renew(line, now_ns);
    }
}

void venue_link_connect(struct venue_link *link, size_t count)
{
    int64_t now_ns = loop_now_ns();

    link->line_count = MIN(count, VENUE_CONNECTIONS_MAX);
    link->counters.connections_wanted = (int64_t)link->line_count;
    for (unsigned i = 0; i < link->line_count; i++) {
        struct line *line = &link->lines[i];
        uint64_t seed = 0;

        (void)!getrandom(&seed, sizeof(seed), 0);
        line->link = link;
        line->index = i;
        line->channels[0].line = line->channels[1].line = line;
        line->now = &line->channels[0];
        line->next = &line->channels[1];
        line->timer = (struct loop_timer){ .fire = line_timer_fired, .ctx = line };
        backoff_init(&line->backoff, link->config.reconnect_base_ns, link->config.reconnect_max_ns,
                     seed | 1);
        line_connect(line, now_ns);
    }
}

bool venue_link_is_heard(const struct venue_link *link, int64_t now_ns, int64_t within_ns)
{
    for (size_t i = 0; i < link->line_count; i++)
        if (!link->lines[i].is_told_open || now_ns - link->lines[i].heard_ns > within_ns)
            return false;
    return link->line_count > 0;
}

const struct venue_link_counters *venue_link_counters(const struct venue_link *link)
{
    return &link->counters;
}

/* ---- life ---- */

static int open_clients(struct venue_link *link)
{
    const struct venue_link_config *config = &link->config;
    struct dns_config dns = { .loop = config->loop };
    struct rest_config rest = { .loop = config->loop,
                                .ca_file = config->ca_file,
                                .slots = config->rest_slots };
    struct rest_host_config host = { .base_url = config->rest_url };
    int err = dns_open(&link->dns, &dns);

    rest.dns = link->dns;
    if (!err)
        err = tls_open(&link->tls, config->ca_file);
    if (!err)
        err = rest_open(&link->rest, &rest);
    if (!err && rest_host(link->rest, &host, &link->host) != 0) {
        log_error("http", "not an https URL: %s", host.base_url);
        err = ERR_CONFIG;
    }
    return err;
}

int venue_link_open(struct venue_link **out, const struct venue_link_config *config)
{
    struct venue_link *link = calloc(1, sizeof(*link));

    if (!link)
        return ERR_SYS;
    link->config = *config;
    if (config->ca_file && !config->ca_file[0])
        link->config.ca_file = NULL;
    if (config->backup_ws_url && strncmp(config->backup_ws_url, "wss://", 6) == 0 &&
        strlen(config->backup_ws_url) < sizeof(link->backup_ws_url))
        memcpy(link->backup_ws_url, config->backup_ws_url, strlen(config->backup_ws_url) + 1);
    int err = open_clients(link);
    if (err) {
        venue_link_close(&link);
        return err;
    }
    *out = link;
    return 0;
}

void venue_link_close(struct venue_link **link_ptr)
{
    struct venue_link *link = *link_ptr;

    if (!link)
        return;
    for (size_t i = 0; i < link->line_count; i++) {
        loop_timer_stop(link->config.loop, &link->lines[i].timer);
        ws_close(&link->lines[i].channels[0].ws);
        ws_close(&link->lines[i].channels[1].ws);
    }
    rest_close(&link->rest);
    tls_close(&link->tls);
    dns_close(&link->dns);
    free(link);
    *link_ptr = NULL;
}
