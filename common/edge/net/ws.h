/* ws.h - a WebSocket client on the loop: our own RFC 6455, over TLS that always verifies.
 *
 * Names are resolved off the loop; connecting, TLS and the upgrade never block. Frames are parsed
 * where they were read. ws_send writes at once when nothing waits; else it queues, up to a ceiling,
 * until the socket takes more. PING is answered, our own PINGs measure the way there and back,
 * silence closes. permessage-deflate is not offered: our feeds are small, and inflating costs more
 * than receiving. A connection is used once: to reconnect, close it and open another. Nothing is
 * allocated after ws_open by us. */
#ifndef TICKPIPE_COMMON_EDGE_NET_WS_H
#define TICKPIPE_COMMON_EDGE_NET_WS_H

#include "common/edge/loop.h"
#include "common/edge/net/dns.h"
#include "common/edge/net/tls.h"

struct ws;

/* Why a connection ended: named in logs and counters. */
#define WS_ENDS(X)                                                                        \
    X(WS_END_NAME, "name")               /* Not resolved. */                              \
    X(WS_END_CONNECT, "connect")         /* TCP refused, unreachable, reset early. */     \
    X(WS_END_CERTIFICATE, "certificate") /* Wrong CA, host, date: text says which. */     \
    X(WS_END_TLS, "tls")                 /* Any other failure of the TLS handshake. */    \
    X(WS_END_UPGRADE, "upgrade")         /* The server's answer was not 101, or wrong. */ \
    X(WS_END_TIMEOUT, "timeout")         /* Not open within connect_timeout_ns. */        \
    X(WS_END_SILENCE, "silence")         /* Open, but nothing came, or no PONG. */        \
    X(WS_END_PROTOCOL, "protocol")       /* The server broke RFC 6455. */                 \
    X(WS_END_TOO_BIG, "too_big")         /* A message above message_max. */               \
    X(WS_END_PEER, "peer")               /* The server sent CLOSE (close_code). */        \
    X(WS_END_BROKEN, "broken")           /* Reset, or end of stream without CLOSE. */

#define WS_END_AS_ENUM(name, text) name,
enum ws_end { WS_ENDS(WS_END_AS_ENUM) };
const char *ws_end_str(enum ws_end end);

struct ws_closed {
    enum ws_end why;
    int http_status;     /* UPGRADE: what the server answered, 0 where it was no HTTP. */
    unsigned close_code; /* PEER */
    const char *text;    /* For people. */
};

/* Callbacks may call anything here, ws_close included. */
struct ws_handler {
    void *ctx;
    void (*opened)(void *ctx);
    /* A whole message, in the receive buffer, valid until it returns. received_ns: when it was
     * read. */
    void (*message)(void *ctx, const char *data, size_t len, bool is_text, int64_t received_ns);
    void (*pong)(void *ctx, int64_t rtt_ns); /* May be NULL. */
    /* Once, also for a connection that never opened. Then only ws_close is left to do. */
    void (*closed)(void *ctx, const struct ws_closed *closed);
};

struct ws_config {
    struct loop *loop;
    struct dns *dns;
    struct tls *tls;
    const char *url;            /* wss://HOST[:PORT]/path?query */
    const char *headers;        /* Extra request headers, each line ended by CRLF; NULL: none. */
    size_t message_max;         /* 0: 8 MiB. Memory that is never used is never touched. */
    size_t backlog_max;         /* Most bytes waiting to leave; 0: 1 MiB. */
    int64_t connect_timeout_ns; /* Name, TCP, TLS and upgrade together; 0: 10 s. */
    int64_t silence_ns;         /* Nothing at all received for so long: WS_END_SILENCE. 0: never. */
    /* The same without PONGs: they prove the way, not that the server still has something to say.
     * Messages and the server's own PINGs count. 0: never. */
    int64_t message_silence_ns;
    int64_t ping_interval_ns; /* A PING so often; one unanswered when the next is due:
                                 WS_END_SILENCE. 0: none. */
    struct ws_handler handler;
};

/* ws_open starts to connect; opened or closed follows, never inside this call. 0; ERR_RANGE: not a
 * wss URL, or headers too long; ERR_SYS. */
int ws_open(struct ws **ws, const struct ws_config *config);

/* ws_close frees at once (a CLOSE frame is sent when that does not block); no callback follows.
 * NULL is fine. */
void ws_close(struct ws **ws);

/* ws_send sends one text message. 0: written, or queued behind what waits; ERR_CLOSED: not open,
 * nothing left; ERR_FULL: backlog_max reached (counted), nothing left. Hot: one SSL_write, no
 * allocation of ours. */
int ws_send(struct ws *ws, const char *text, size_t len);

/* ws_is_open says whether ws_send may work. ws_backlog gives the bytes that wait. */
bool ws_is_open(const struct ws *ws);
size_t ws_backlog(const struct ws *ws);

struct ws_counters {
    uint64_t messages, bytes_received, sent, bytes_sent;
    uint64_t pings_answered, pongs;
    uint64_t queued;        /* Messages that could not be written at once. */
    uint64_t refused_full;  /* ws_send gave ERR_FULL. */
    uint64_t pongs_dropped; /* PINGs left unanswered since the backlog was full. */
};
void ws_counters(const struct ws *ws, struct ws_counters *out);

#endif
