#include "common/edge/net/ws.h"

#include "common/edge/net/url.h"
#include "common/edge/net/ws_frame.h"
#include "common/edge/net/ws_upgrade.h"
#include "common/leaf/err.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    READS_PER_TURN =
        16, /* Records, 16 KiB each at most: one busy feed must not starve the others. */
    HEADERS_MAX = 2048,
    REQUEST_MAX = URL_TARGET_MAX + URL_HOST_MAX + HEADERS_MAX + 256,
    TEXT_MAX = 192,
};

enum state { RESOLVING, CONNECTING, HANDSHAKE, UPGRADING, OPEN, ENDING, ENDED };

struct ws {
    struct ws_config config;
    struct url url;
    char headers[HEADERS_MAX];
    enum state state;

    int fd;
    SSL *ssl;
    struct loop_source source;
    uint32_t watched; /* What epoll was last told. */
    struct loop_hook hook;
    bool has_more; /* TLS still holds bytes: no event will come for them. */
    struct loop_timer timer;

    struct dns_query query;
    struct dns_answer answer;
    size_t address_next;
    int64_t opened_by_ns;  /* The whole attempt. */
    int64_t attempt_by_ns; /* The address being tried. */
    char accept[WS_ACCEPT_TEXT];

    struct ws_stream stream;
    uint8_t *in;
    uint8_t *out; /* What waits to leave: out_at, out_len. */
    size_t out_cap, out_at, out_len;
    uint64_t random;

    int64_t heard_ns;      /* Anything. */
    int64_t message_ns;    /* A message, or a PING. */
    int64_t ping_at_ns;    /* When the next PING is due. */
    int64_t ping_sent_ns;  /* 0: none is unanswered. */
    uint64_t ping_payload; /* Of that one. */

    struct ws_closed closed;
    char text[TEXT_MAX];

    unsigned depth; /* Callbacks under way: ws_close then frees later. */
    bool is_released;
    struct ws_counters counters;
};

static void begin_attempt(struct ws *ws);
static void on_ready(struct loop_source *source, uint32_t epoll_events);

const char *ws_end_str(enum ws_end end)
{
    switch (end) {
#define AS_CASE(name, text) \
    case name:              \
        return text;
        WS_ENDS(AS_CASE)
    }
    return "?";
}

/* xorshift64*, seeded from the kernel: a mask hides nothing from a server that we trust over TLS,
 * it only must not be guessable by whoever chose the payload. */
static uint32_t next_mask(struct ws *ws)
{
    ws->random ^= ws->random >> 12;
    ws->random ^= ws->random << 25;
    ws->random ^= ws->random >> 27;
    return (uint32_t)(ws->random * UINT64_C(2685821657736338717) >> 32);
}

static void watch(struct ws *ws, uint32_t epoll_events)
{
    if (ws->watched == epoll_events)
        return;
    ws->watched = epoll_events;
    (void)loop_modify(ws->config.loop, &ws->source, epoll_events);
}

static void drop_socket(struct ws *ws)
{
    if (ws->ssl) {
        if (ws->state == OPEN) { /* OpenSSL forbids it after a failed handshake or write. */
            ERR_clear_error();
            (void)SSL_shutdown(ws->ssl);
        }
        ERR_clear_error();
        SSL_free(ws->ssl);
        ws->ssl = NULL;
    }
    if (ws->fd >= 0) {
        loop_remove(ws->config.loop, &ws->source);
        close(ws->fd);
        ws->fd = -1;
    }
    ws->has_more = false;
}

/* The connection is over. closed() is told by the timer, in a turn of its own, so that no caller of
 * ours is ever called back from inside its call. */
static void end(struct ws *ws, enum ws_end why, const char *text)
{
    if (ws->state >= ENDING)
        return;
    dns_cancel(ws->config.dns, &ws->query);
    snprintf(ws->text, sizeof(ws->text), "%s", text);
    ws->closed.why = why;
    ws->closed.text = ws->text;
    drop_socket(ws);
    ws->state = ENDING;
    (void)loop_timer_at(ws->config.loop, &ws->timer, 1);
}

static void end_broken(struct ws *ws, const char *doing, int ssl_error)
{
    char text[TEXT_MAX], why[TEXT_MAX - 32];

    if (ssl_error == SSL_ERROR_ZERO_RETURN) {
        end(ws, WS_END_BROKEN, "the server closed TLS without a CLOSE frame");
        return;
    }
    if (ssl_error == SSL_ERROR_SYSCALL && errno)
        snprintf(why, sizeof(why), "%s", strerror(errno));
    else
        tls_why(ws->ssl, why, sizeof(why));
    snprintf(text, sizeof(text), "%s: %s", doing, why);
    SSL_set_quiet_shutdown(ws->ssl, 1);
    end(ws, WS_END_BROKEN, text);
}

/* ---- writing ---- */

static void flush(struct ws *ws)
{
    while (ws->out_len) {
        ERR_clear_error();
        int n = SSL_write(ws->ssl, ws->out + ws->out_at, (int)MIN(ws->out_len, INT32_MAX));
        if (UNLIKELY(n <= 0)) {
            int error = SSL_get_error(ws->ssl, n);
            if (error == SSL_ERROR_WANT_WRITE)
                watch(ws, EPOLLIN | EPOLLOUT);
            else if (error != SSL_ERROR_WANT_READ)
                end_broken(ws, "writing", error);
            return;
        }
        ws->out_at += (size_t)n;
        ws->out_len -= (size_t)n;
        ws->counters.bytes_sent += (uint64_t)n;
    }
    ws->out_at = 0;
    watch(ws, EPOLLIN);
}

static int send_frame(struct ws *ws, enum ws_opcode opcode, const void *payload, size_t len)
{
    bool is_first = ws->out_len == 0;

    if (len > ws->config.backlog_max || ws->out_len > ws->config.backlog_max - len)
        return ERR_FULL;
    if (ws->out_at + ws->out_len + len + WS_HEAD_MAX > ws->out_cap) {
        memmove(ws->out, ws->out + ws->out_at, ws->out_len);
        ws->out_at = 0;
    }
    ws->out_len +=
        ws_frame_write(ws->out + ws->out_at + ws->out_len, opcode, payload, len, next_mask(ws));
    if (LIKELY(is_first))
        flush(ws);
    else
        ws->counters.queued++;
    return 0;
}

int ws_send(struct ws *ws, const char *text, size_t len)
{
    if (ws->state != OPEN)
        return ERR_CLOSED;
    int err = send_frame(ws, WS_TEXT, text, len);
    if (err)
        ws->counters.refused_full++;
    else
        ws->counters.sent++;
    return err;
}

static void send_close(struct ws *ws, unsigned code)
{
    uint8_t payload[2] = { (uint8_t)(code >> 8), (uint8_t)code };

    if (ws->state == OPEN)
        (void)send_frame(ws, WS_CLOSE, payload, code == WS_CODE_NONE ? 0 : 2);
}

/* ---- reading ---- */

static void take_pong(struct ws *ws, const struct ws_item *item)
{
    if (!ws->ping_sent_ns || item->len != sizeof(ws->ping_payload) ||
        memcmp(item->data, &ws->ping_payload, item->len) != 0)
        return; /* Unsolicited: allowed, means nothing. */
    int64_t rtt_ns = loop_now_ns() - ws->ping_sent_ns;
    ws->ping_sent_ns = 0;
    ws->counters.pongs++;
    if (ws->config.handler.pong)
        ws->config.handler.pong(ws->config.handler.ctx, rtt_ns);
}

static void take_close(struct ws *ws, const struct ws_item *item)
{
    char text[TEXT_MAX];

    snprintf(text, sizeof(text), "CLOSE %u %.*s", item->close_code, (int)item->len,
             (const char *)item->data);
    ws->closed.close_code = item->close_code;
    send_close(ws, item->close_code);
    end(ws, WS_END_PEER, text);
}

static void take_item(struct ws *ws, const struct ws_item *item, int64_t received_ns)
{
    switch (item->opcode) {
    case WS_TEXT:
    case WS_BINARY:
        ws->message_ns = received_ns;
        ws->counters.messages++;
        ws->config.handler.message(ws->config.handler.ctx, (const char *)item->data, item->len,
                                   item->opcode == WS_TEXT, received_ns);
        break;
    case WS_PING:
        ws->message_ns = received_ns;
        if (send_frame(ws, WS_PONG, item->data, item->len) == 0)
            ws->counters.pings_answered++;
        else
            ws->counters.pongs_dropped++;
        break;
    case WS_PONG:
        take_pong(ws, item);
        break;
    case WS_CLOSE:
        take_close(ws, item);
        break;
    case WS_CONTINUATION:
        break;
    }
}

static void parse_messages(struct ws *ws, int64_t received_ns)
{
    while (ws->state == OPEN) {
        struct ws_item item;
        int err = ws_stream_next(&ws->stream, &item);
        if (err == ERR_AGAIN)
            return;
        if (err) {
            send_close(ws, ws->stream.fail_code);
            end(ws, err == ERR_FULL ? WS_END_TOO_BIG : WS_END_PROTOCOL, ws->stream.why);
            return;
        }
        take_item(ws, &item, received_ns);
    }
}

static void become_open(struct ws *ws)
{
    ws->state = OPEN;
    ws->heard_ns = ws->message_ns = loop_now_ns();
    if (ws->config.ping_interval_ns)
        ws->ping_at_ns = ws->heard_ns + ws->config.ping_interval_ns;
    (void)loop_timer_at(ws->config.loop, &ws->timer, 1); /* It finds its next time itself. */
    ws->config.handler.opened(ws->config.handler.ctx);
}

static void parse_answer(struct ws *ws)
{
    struct ws_answer answer = { 0 };
    const char *head = (const char *)ws->stream.buffer + ws->stream.start;
    int err = ws_upgrade_parse(head, ws->stream.end - ws->stream.start, ws->accept, &answer);

    if (err == ERR_AGAIN)
        return;
    if (err) {
        char text[TEXT_MAX];
        if (answer.status)
            snprintf(text, sizeof(text), "HTTP %d: %s", answer.status, answer.why);
        else
            snprintf(text, sizeof(text), "%s", answer.why);
        ws->closed.http_status = answer.status;
        end(ws, WS_END_UPGRADE, text);
        return;
    }
    ws->stream.start += answer.len;
    become_open(ws);
}

/* Reads while TLS has bytes, and hands on what is whole. Level-triggered: what stays in the socket
 * comes back by itself, what stays inside TLS comes back through the hook. */
static void read_messages(struct ws *ws)
{
    ws->has_more = false;
    for (int reads = 0; ws->state == OPEN || ws->state == UPGRADING; reads++) {
        uint8_t *at;
        size_t room = ws_stream_room(&ws->stream, &at);
        if (reads == READS_PER_TURN) {
            ws->has_more = true;
            return;
        }
        ERR_clear_error();
        int n = SSL_read(ws->ssl, at, (int)MIN(room, INT32_MAX));
        if (n <= 0) {
            int error = SSL_get_error(ws->ssl, n);
            if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
                end_broken(ws, "reading", error);
            return;
        }
        int64_t received_ns = loop_now_ns();
        ws->heard_ns = received_ns;
        ws->counters.bytes_received += (uint64_t)n;
        ws_stream_added(&ws->stream, (size_t)n);
        if (ws->state == UPGRADING)
            parse_answer(ws);
        parse_messages(ws, received_ns);
        if (ws->state < ENDING && !SSL_has_pending(ws->ssl))
            return;
    }
}

/* ---- connecting ---- */

static void send_upgrade(struct ws *ws)
{
    uint8_t random[16];
    char key[WS_KEY_TEXT], authority[URL_HOST_MAX + 9];

    if (getrandom(random, sizeof(random), 0) != sizeof(random)) {
        end(ws, WS_END_UPGRADE, "no randomness for the key");
        return;
    }
    ws_upgrade_key(random, key);
    ws_upgrade_accept(key, ws->accept);
    url_authority(&ws->url, authority, sizeof(authority));
    int n = ws_upgrade_request((char *)ws->out, ws->out_cap, authority, ws->url.target, key,
                               ws->headers);
    assert(n > 0); /* out_cap is at least REQUEST_MAX. */
    ws->out_at = 0;
    ws->out_len = (size_t)n;
    ws->state = UPGRADING;
    flush(ws);
}

static void do_handshake(struct ws *ws)
{
    char text[TEXT_MAX];

    ERR_clear_error();
    int rc = SSL_do_handshake(ws->ssl);
    if (rc == 1) {
        send_upgrade(ws);
        return;
    }
    int error = SSL_get_error(ws->ssl, rc);
    if (error == SSL_ERROR_WANT_READ) {
        watch(ws, EPOLLIN);
    } else if (error == SSL_ERROR_WANT_WRITE) {
        watch(ws, EPOLLIN | EPOLLOUT);
    } else {
        bool is_refused = SSL_get_verify_result(ws->ssl) != X509_V_OK;
        tls_why(ws->ssl, text, sizeof(text));
        end(ws, is_refused ? WS_END_CERTIFICATE : WS_END_TLS, text);
    }
}

static void begin_handshake(struct ws *ws)
{
    if (tls_session(ws->config.tls, ws->url.host, ws->url.is_numeric, ws->fd, &ws->ssl) != 0) {
        end(ws, WS_END_TLS, "no TLS session");
        return;
    }
    ws->state = HANDSHAKE;
    do_handshake(ws);
}

static int connect_to(struct ws *ws, const struct dns_address *address)
{
    struct sockaddr_storage to;
    socklen_t len = dns_sockaddr(address, ws->url.port, &to);
    int one = 1;

    ws->fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (ws->fd < 0)
        return -1;
    ws->source = (struct loop_source){ .fd = ws->fd, .ready = on_ready, .ctx = ws };
    ws->watched = EPOLLIN | EPOLLOUT;
    (void)setsockopt(ws->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(ws->fd, (struct sockaddr *)&to, len) == 0 || errno == EINPROGRESS)
        if (loop_add(ws->config.loop, &ws->source, ws->watched) == 0)
            return 0;
    int saved = errno;
    close(ws->fd);
    ws->fd = -1;
    errno = saved;
    return -1;
}

/* Tries the next address, which gets its share of the time that is left. */
static void try_address(struct ws *ws, int last_errno)
{
    char text[TEXT_MAX], number[DNS_TEXT_MAX] = "";

    drop_socket(ws);
    while (ws->address_next < ws->answer.count) {
        size_t left = ws->answer.count - ws->address_next;
        const struct dns_address *address = &ws->answer.addresses[ws->address_next++];
        if (connect_to(ws, address) == 0) {
            int64_t now_ns = loop_now_ns();
            ws->state = CONNECTING;
            ws->attempt_by_ns = now_ns + (ws->opened_by_ns - now_ns) / (int64_t)left;
            (void)loop_timer_at(ws->config.loop, &ws->timer, ws->attempt_by_ns);
            return;
        }
        last_errno = errno;
    }
    dns_text(&ws->answer.addresses[ws->address_next - 1], number);
    snprintf(text, sizeof(text), "%s port %u: %s", number, ws->url.port, strerror(last_errno));
    end(ws, WS_END_CONNECT, text);
}

static void finish_connect(struct ws *ws)
{
    int error = 0;
    socklen_t len = sizeof(error);

    if (getsockopt(ws->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
        error = errno;
    if (error) {
        try_address(ws, error);
        return;
    }
    (void)loop_timer_at(ws->config.loop, &ws->timer, ws->opened_by_ns);
    begin_handshake(ws);
}

static void on_resolved(struct dns_query *query, int err, const struct dns_answer *answer)
{
    struct ws *ws = query->ctx;

    if (err) {
        char text[TEXT_MAX];
        snprintf(text, sizeof(text), "%.128s: %s", ws->url.host, err_str(err));
        end(ws, WS_END_NAME, text);
        return;
    }
    ws->answer = *answer;
    try_address(ws, 0);
}

static void begin_attempt(struct ws *ws)
{
    struct dns_answer answer;

    (void)loop_timer_at(ws->config.loop, &ws->timer, ws->opened_by_ns);
    int err = dns_resolve(ws->config.dns, ws->url.host, &ws->query, &answer);
    if (err != ERR_AGAIN)
        on_resolved(&ws->query, err, &answer);
}

/* ---- the loop calls ---- */

static void destroy(struct ws *ws)
{
    free(ws->in);
    free(ws->out);
    free(ws);
}

static void leave(struct ws *ws)
{
    if (--ws->depth == 0 && ws->is_released)
        destroy(ws);
}

static void on_ready(struct loop_source *source, uint32_t epoll_events)
{
    struct ws *ws = source->ctx;

    ws->depth++;
    if (ws->state == CONNECTING) {
        if (epoll_events & (EPOLLOUT | EPOLLERR | EPOLLHUP))
            finish_connect(ws);
    } else if (ws->state == HANDSHAKE) {
        do_handshake(ws);
    }
    if (ws->state == OPEN || ws->state == UPGRADING)
        read_messages(ws);
    if (ws->out_len && (ws->state == OPEN || ws->state == UPGRADING))
        flush(ws);
    leave(ws);
}

static bool on_turn(struct loop_hook *hook, int64_t now_ns)
{
    struct ws *ws = hook->ctx;

    (void)now_ns;
    if (LIKELY(!ws->has_more))
        return false;
    ws->depth++;
    read_messages(ws);
    bool has_more = ws->has_more;
    leave(ws);
    return has_more;
}

static void send_ping(struct ws *ws, int64_t now_ns)
{
    ws->ping_payload = (uint64_t)next_mask(ws) << 32 | next_mask(ws);
    ws->ping_sent_ns = now_ns;
    ws->ping_at_ns = now_ns + ws->config.ping_interval_ns;
    (void)send_frame(ws, WS_PING, &ws->ping_payload, sizeof(ws->ping_payload));
}

static void end_silent(struct ws *ws, int64_t for_ns, const char *what)
{
    char text[TEXT_MAX];

    snprintf(text, sizeof(text), "%s for %lld ms", what, (long long)(for_ns / NS_PER_MS));
    end(ws, WS_END_SILENCE, text);
}

/* While open, the timer is not moved for each message: it wakes when silence would be due, looks at
 * when the server was last heard, and sleeps again for the rest. */
static void watch_life(struct ws *ws, int64_t now_ns)
{
    int64_t silent_at_ns = ws->config.silence_ns ? ws->heard_ns + ws->config.silence_ns : INT64_MAX;
    int64_t wordless_at_ns =
        ws->config.message_silence_ns ? ws->message_ns + ws->config.message_silence_ns : INT64_MAX;
    int64_t ping_at_ns = ws->config.ping_interval_ns ? ws->ping_at_ns : INT64_MAX;

    if (now_ns >= silent_at_ns) {
        end_silent(ws, now_ns - ws->heard_ns, "nothing received");
        return;
    }
    if (now_ns >= wordless_at_ns) {
        end_silent(ws, now_ns - ws->message_ns, "no message received");
        return;
    }
    if (now_ns >= ping_at_ns) {
        if (ws->ping_sent_ns) {
            end(ws, WS_END_SILENCE, "PING not answered");
            return;
        }
        send_ping(ws, now_ns);
        ping_at_ns = ws->ping_at_ns;
    }
    int64_t next_ns = MIN(MIN(silent_at_ns, wordless_at_ns), ping_at_ns);
    if (next_ns != INT64_MAX && ws->state == OPEN)
        (void)loop_timer_at(ws->config.loop, &ws->timer, next_ns);
}

static void on_timer(struct loop_timer *timer, int64_t now_ns)
{
    struct ws *ws = timer->ctx;

    ws->depth++;
    if (ws->state == ENDING) {
        ws->state = ENDED;
        ws->config.handler.closed(ws->config.handler.ctx, &ws->closed);
    } else if (ws->state == OPEN) {
        watch_life(ws, now_ns);
    } else if (ws->state == RESOLVING && !ws->opened_by_ns) {
        ws->opened_by_ns = now_ns + ws->config.connect_timeout_ns;
        begin_attempt(ws);
    } else if (ws->state == CONNECTING && now_ns < ws->opened_by_ns) {
        try_address(ws, ETIMEDOUT);
    } else if (ws->state < OPEN) {
        static const char *const doing[] = { "resolving", "connecting", "TLS handshake",
                                             "waiting for the upgrade" };
        end(ws, WS_END_TIMEOUT, doing[ws->state]);
    }
    leave(ws);
}

/* ---- life ---- */

static int allocate(struct ws *ws)
{
    ws->out_cap = MAX(ws->config.backlog_max + 2 * WS_HEAD_MAX, (size_t)REQUEST_MAX);
    ws->in = malloc(ws_stream_cap(ws->config.message_max));
    ws->out = malloc(ws->out_cap);
    if (!ws->in || !ws->out || getrandom(&ws->random, sizeof(ws->random), 0) != sizeof(ws->random))
        return ERR_SYS;
    ws->random |= 1; /* xorshift never leaves 0. */
    ws_stream_init(&ws->stream, ws->in, ws->config.message_max);
    return 0;
}

int ws_open(struct ws **out, const struct ws_config *config)
{
    struct ws *ws = calloc(1, sizeof(*ws));

    if (!ws)
        return ERR_SYS;
    const char *headers = config->headers ? config->headers : "";
    ws->config = *config;
    ws->config.url = ws->config.headers = NULL; /* The caller's memory: not ours to keep. */
    if (!config->message_max)
        ws->config.message_max = 8 << 20;
    if (!config->backlog_max)
        ws->config.backlog_max = 1 << 20;
    if (!config->connect_timeout_ns)
        ws->config.connect_timeout_ns = 10 * NS_PER_S;
    ws->fd = -1;
    int err = url_parse(config->url, "wss", &ws->url) != 0 || strlen(headers) >= HEADERS_MAX
                  ? ERR_RANGE
                  : allocate(ws);
    ws->timer = (struct loop_timer){ .fire = on_timer, .ctx = ws };
    if (!err)
        err = loop_timer_at(ws->config.loop, &ws->timer, 1);
    if (err) {
        destroy(ws);
        return err;
    }
    memcpy(ws->headers, headers, strlen(headers) + 1);
    ws->query = (struct dns_query){ .done = on_resolved, .ctx = ws };
    ws->hook = (struct loop_hook){ .turn = on_turn, .ctx = ws };
    loop_hook_add(ws->config.loop, &ws->hook);
    *out = ws;
    return 0;
}

void ws_close(struct ws **ws_ptr)
{
    struct ws *ws = *ws_ptr;

    if (!ws)
        return;
    *ws_ptr = NULL;
    if (!ws->out_len) /* Behind a backlog it could only be cut off. */
        send_close(ws, WS_CODE_NORMAL);
    dns_cancel(ws->config.dns, &ws->query);
    drop_socket(ws);
    ws->state = ENDED;
    loop_timer_stop(ws->config.loop, &ws->timer);
    loop_hook_remove(ws->config.loop, &ws->hook);
    if (ws->depth)
        ws->is_released = true;
    else
        destroy(ws);
}

bool ws_is_open(const struct ws *ws)
{
    return ws && ws->state == OPEN;
}

size_t ws_backlog(const struct ws *ws)
{
    return ws->out_len;
}

void ws_counters(const struct ws *ws, struct ws_counters *out)
{
    *out = ws->counters;
}
