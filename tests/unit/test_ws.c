#include "common/edge/net/ws.h"
#include "common/edge/net/ws_frame.h"
#include "common/edge/net/ws_upgrade.h"
#include "tests/unit/check.h"
#include "tests/unit/net_fixture.h"

#include <libwebsockets.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

static struct tls *tls;

/* What a connection did. */
static struct seen {
    bool is_open, is_closed, has_message, has_pong;
    char last[64], before[64];
    size_t len, messages;
    uint64_t sum;
    int64_t rtt_ns;
    enum ws_end why;
    int http_status;
    unsigned close_code;
    char text[192];
} seen;
static struct ws *ws;

static void on_open(void *ctx)
{
    (void)ctx;
    seen.is_open = true;
}

static void on_message(void *ctx, const char *data, size_t len, bool is_text, int64_t received_ns)
{
    (void)ctx, (void)is_text, (void)received_ns;
    seen.has_message = true;
    seen.messages++;
    seen.len = len;
    for (size_t i = 0; i < len; i++)
        seen.sum = seen.sum * 31 + (uint8_t)data[i];
    memcpy(seen.before, seen.last, sizeof(seen.last));
    snprintf(seen.last, sizeof(seen.last), "%.*s", (int)MIN(len, 60U), data);
}

static void on_pong(void *ctx, int64_t rtt_ns)
{
    (void)ctx;
    seen.has_pong = true;
    seen.rtt_ns = rtt_ns;
}

static void on_close(void *ctx, const struct ws_closed *closed)
{
    (void)ctx;
    seen.is_closed = true;
    seen.why = closed->why;
    seen.http_status = closed->http_status;
    seen.close_code = closed->close_code;
    snprintf(seen.text, sizeof(seen.text), "%s", closed->text);
}

static struct ws_config config_for(const char *host, uint16_t port)
{
    static char url[128];

    snprintf(url, sizeof(url), "wss://%s:%u/stream?streams=a@b/c", host, port);
    return (struct ws_config){
        .loop = net_loop,
        .dns = net_dns,
        .tls = tls,
        .url = url,
        .handler = { .opened = on_open, .message = on_message, .pong = on_pong, .closed = on_close }
    };
}

static void open_with(const struct ws_config *config)
{
    memset(&seen, 0, sizeof(seen));
    CHECK_INT(ws_open(&ws, config), 0);
}

/* Connects, and gives how it ended. */
static enum ws_end refused(const char *host, uint16_t port)
{
    struct ws_config config = config_for(host, port);

    open_with(&config);
    CHECK(net_run_until(&seen.is_closed));
    CHECK(!seen.is_open);
    ws_close(&ws);
    return seen.why;
}

/* ---- scripts ---- */

static bool accept_upgrade(SSL *ssl, char *head, size_t cap)
{
    char key[WS_KEY_TEXT] = "", accept[WS_ACCEPT_TEXT], answer[256];

    if (!net_read_head(ssl, head, cap))
        return false;
    const char *at = strstr(head, "Sec-WebSocket-Key: ");
    if (!at)
        return false;
    memcpy(key, at + 19, WS_KEY_TEXT - 1);
    ws_upgrade_accept(key, accept);
    int n = snprintf(answer, sizeof(answer),
                     "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                     "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
                     accept);
    net_write(ssl, answer, (size_t)n);
    return true;
}

static void script_idle(SSL *ssl, struct net_server *server)
{
    char head[4096];

    (void)server;
    if (accept_upgrade(ssl, head, sizeof(head)))
        net_drain(ssl);
}

static void script_head_in_the_message(SSL *ssl, struct net_server *server)
{
    char head[4096], frame[4096];

    (void)server;
    if (!accept_upgrade(ssl, head, sizeof(head)))
        return;
    size_t len = MIN(strlen(head), 120U);
    frame[0] = (char)0x81;
    frame[1] = (char)len;
    memcpy(frame + 2, head, len);
    net_write(ssl, frame, len + 2);
    net_drain(ssl);
}

static void script_wrong_accept(SSL *ssl, struct net_server *server)
{
    static const char answer[] = "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                 "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n";
    char head[4096];

    (void)server;
    if (net_read_head(ssl, head, sizeof(head)))
        net_write(ssl, answer, sizeof(answer) - 1);
    net_drain(ssl);
}

static void script_418(SSL *ssl, struct net_server *server)
{
    static const char answer[] = "HTTP/1.1 418 I'm a teapot\r\nContent-Length: 0\r\n\r\n";
    char head[4096];

    (void)server;
    if (net_read_head(ssl, head, sizeof(head)))
        net_write(ssl, answer, sizeof(answer) - 1);
    net_drain(ssl);
}

static void script_never_answers(SSL *ssl, struct net_server *server)
{
    (void)server;
    net_drain(ssl);
}

static void script_masked_frame(SSL *ssl, struct net_server *server)
{
    char head[4096];

    (void)server;
    if (accept_upgrade(ssl, head, sizeof(head)))
        net_write(ssl, "\x81\x81\1\2\3\4x", 7);
    net_drain(ssl);
}

static void script_huge_frame(SSL *ssl, struct net_server *server)
{
    char head[4096];

    (void)server;
    if (accept_upgrade(ssl, head, sizeof(head)))
        net_write(ssl, "\x81\x7f\0\0\0\0\x10\0\0\0", 10);
    net_drain(ssl);
}

static void script_close_1012(SSL *ssl, struct net_server *server)
{
    char head[4096], frame[16];

    if (accept_upgrade(ssl, head, sizeof(head)))
        net_write(ssl, "\x88\x09\x03\xf4restart", 11);
    /* The answer is a masked CLOSE with the same code. */
    if (SSL_read(ssl, frame, sizeof(frame)) >= 8 && (frame[0] & 0xff) == 0x88 &&
        (frame[1] & 0xff) == 0x82 && (frame[2] ^ frame[6]) == 0x03)
        server->served++;
    net_drain(ssl);
}

static void script_broken(SSL *ssl, struct net_server *server)
{
    char head[4096];

    (void)server;
    (void)accept_upgrade(ssl, head,
                         sizeof(head)); /* And gone, with no CLOSE and no close_notify. */
}

/* Answers PINGs and says nothing else: alive, and silent. */
static void script_pongs_only(SSL *ssl, struct net_server *server)
{
    char head[4096];
    unsigned char frame[64];

    (void)server;
    if (!accept_upgrade(ssl, head, sizeof(head)))
        return;
    while (SSL_read(ssl, frame, sizeof(frame)) >= 14 && frame[0] == 0x89 && frame[1] == 0x88) {
        unsigned char pong[10] = { 0x8a, 8 };
        for (int i = 0; i < 8; i++)
            pong[2 + i] = frame[6 + i] ^ frame[2 + i % 4];
        net_write(ssl, pong, sizeof(pong));
    }
    net_drain(ssl);
}

/* A fragmented text around a PING, then one whose pieces come slowly, byte by byte. */
static void script_fragments(SSL *ssl, struct net_server *server)
{
    static const char bytes[] = "\x01\x03one\x89\x01p\x00\x03two\x80\x05three\x81\x04slow";
    char head[4096];
    unsigned char pong[32];

    if (!accept_upgrade(ssl, head, sizeof(head)))
        return;
    for (size_t i = 0; i < sizeof(bytes) - 1; i++)
        net_write(ssl, bytes + i, 1);
    if (SSL_read(ssl, pong, sizeof(pong)) == 7 && pong[0] == 0x8a && pong[1] == 0x81 &&
        (pong[6] ^ pong[2]) == 'p')
        server->served++;
    net_drain(ssl);
}

/* Floods: more than one turn's reads at once. */
static void script_flood(SSL *ssl, struct net_server *server)
{
    static char frame[4 + 1000];
    char head[4096];

    (void)server;
    frame[0] = (char)0x81;
    frame[1] = 126;
    frame[2] = 1000 >> 8;
    frame[3] = (char)(1000 & 0xff);
    memset(frame + 4, 'x', 1000);
    if (!accept_upgrade(ssl, head, sizeof(head)))
        return;
    for (int i = 0; i < 5000; i++)
        net_write(ssl, frame, sizeof(frame));
    net_drain(ssl);
}

/* Does not read for a while, then checks every frame: masked, in order. */
static atomic_bool may_read;

static int read_all(SSL *ssl, unsigned char *out, int len)
{
    for (int at = 0; at < len;) {
        int n = SSL_read(ssl, out + at, len - at);
        if (n <= 0)
            return 0;
        at += n;
    }
    return 1;
}

static void script_stalls(SSL *ssl, struct net_server *server)
{
    static unsigned char payload[70000];
    char head[4096];
    unsigned char h[14];

    if (!accept_upgrade(ssl, head, sizeof(head)))
        return;
    while (!may_read)
        usleep(1000);
    while (read_all(ssl, h, 2) && h[0] == 0x81) {
        size_t len = h[1] & 0x7f;
        if (len == 126 && read_all(ssl, h + 2, 2))
            len = (size_t)h[2] << 8 | h[3];
        if (!(h[1] & 0x80) || !read_all(ssl, h + 4, 4) || !read_all(ssl, payload, (int)len))
            return;
        for (size_t i = 0; i < len; i++)
            payload[i] ^= h[4 + i % 4];
        unsigned number;
        memcpy(&number, payload, sizeof(number));
        if (number != (unsigned)server->served)
            return;
        server->served++;
    }
}

/* ---- an independent peer: libwebsockets, echoing ---- */

static struct {
    struct lws_context *context;
    pthread_t thread;
    atomic_bool is_stopping;
    uint16_t port;
} lws;
static unsigned char echo[LWS_PRE + (2 << 20)];
static size_t echo_len;

static int on_lws(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                  size_t len)
{
    (void)user;
    if (reason == LWS_CALLBACK_RECEIVE && echo_len + len <= sizeof(echo) - LWS_PRE) {
        memcpy(echo + LWS_PRE + echo_len, in, len);
        echo_len += len;
        if (lws_is_final_fragment(wsi) && !lws_remaining_packet_payload(wsi))
            lws_callback_on_writable(wsi);
    } else if (reason == LWS_CALLBACK_SERVER_WRITEABLE && echo_len) {
        /* Long ones go back in fragments. */
        size_t first = echo_len > 1000 ? echo_len / 3 : echo_len;
        lws_write(
            wsi, echo + LWS_PRE, first,
            (enum lws_write_protocol)(LWS_WRITE_TEXT | (first < echo_len ? LWS_WRITE_NO_FIN : 0)));
        if (first < echo_len) {
            static unsigned char rest[LWS_PRE + (2 << 20)];
            memcpy(rest + LWS_PRE, echo + LWS_PRE + first, echo_len - first);
            lws_write(wsi, rest + LWS_PRE, echo_len - first, LWS_WRITE_CONTINUATION);
        }
        echo_len = 0;
    }
    return 0;
}

static void *run_lws(void *arg)
{
    (void)arg;
    while (!lws.is_stopping)
        lws_service(lws.context, 0);
    return NULL;
}

static void start_lws(void)
{
    static const struct lws_protocols protocols[] = {
        { .name = "echo", .callback = on_lws, .rx_buffer_size = 65536 }, { 0 }
    };
    char cert[64], key[64];
    int fd;

    /* lws wants the port's number: take a free one and give it back. */
    net_listen(&fd, &lws.port);
    close(fd);
    snprintf(cert, sizeof(cert), "%s", net_path("good.pem"));
    snprintf(key, sizeof(key), "%s", net_path("good.key"));
    struct lws_context_creation_info info = {
        .port = lws.port,
        .iface = "127.0.0.1",
        .protocols = protocols,
        .ssl_cert_filepath = cert,
        .ssl_private_key_filepath = key,
        .options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_DISABLE_IPV6,
        .gid = -1,
        .uid = -1,
    };
    lws_set_log_level(0, NULL);
    lws.context = lws_create_context(&info);
    if (!lws.context || pthread_create(&lws.thread, NULL, run_lws, NULL) != 0)
        abort();
}

static void stop_lws(void)
{
    lws.is_stopping = true;
    lws_cancel_service(lws.context);
    pthread_join(lws.thread, NULL);
    lws_context_destroy(lws.context);
}

/* ---- claims ---- */

static struct net_server server;

static void libwebsockets_echoes_what_we_send(void)
{
    static char text[1 << 20];
    static const size_t sizes[] = { 1, 125, 126, 4096, 65535, 65536, sizeof(text) };

    start_lws();
    struct ws_config config = config_for("127.0.0.1", lws.port);
    config.backlog_max = 2 << 20;
    open_with(&config);
    CHECK(net_run_until(&seen.is_open));
    for (size_t i = 0; i < COUNT(sizes); i++) {
        uint64_t sum = 0;
        for (size_t j = 0; j < sizes[i]; j++) {
            text[j] = (char)('a' + (i + j) % 26);
            sum = sum * 31 + (uint8_t)text[j];
        }
        seen.has_message = false;
        seen.sum = 0;
        CHECK_INT(ws_send(ws, text, sizes[i]), 0);
        CHECK(net_run_until(&seen.has_message));
        CHECK_INT(seen.len, sizes[i]);
        CHECK(seen.sum == sum);
    }
    ws_close(&ws);
    CHECK(ws == NULL);
    config.ping_interval_ns = 10 * NS_PER_MS;
    open_with(&config);
    CHECK(net_run_until(&seen.has_pong));
    CHECK(seen.rtt_ns > 0 && seen.rtt_ns < NS_PER_S);
    ws_close(&ws);
    stop_lws();
}

static void a_name_is_resolved_and_goes_into_host_and_sni(void)
{
    net_server_start(&server, "good", script_head_in_the_message);
    struct ws_config config = config_for("good.test", server.port);
    char want[64];
    open_with(&config);
    CHECK(net_run_until(&seen.has_message));
    snprintf(want, sizeof(want), "GET /stream?streams=a@b/c HTTP/1.1\r\nHost: good.test:%u",
             server.port);
    CHECK(strncmp(seen.last, want, MIN(strlen(want), 60U)) == 0);
    ws_close(&ws);
    net_server_stop(&server);
}

static void certificates_that_do_not_fit_are_refused_by_name(void)
{
    static const struct {
        const char *certificate, *host, *text;
    } cases[] = {
        { "stranger", "good.test", "certificate refused: unable to get local issuer certificate" },
        { "wrong", "good.test", "certificate refused: hostname mismatch" },
        { "wrong", "127.0.0.1", "certificate refused: IP address mismatch" },
        { "good", "else.test", "certificate refused: hostname mismatch" },
        { "expired", "good.test", "certificate refused: certificate has expired" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        net_server_start(&server, cases[i].certificate, script_idle);
        CHECK_INT(refused(cases[i].host, server.port), WS_END_CERTIFICATE);
        CHECK_STR(seen.text, cases[i].text);
        net_server_stop(&server);
    }
}

static void the_system_store_does_not_trust_the_test_ca(void)
{
    struct tls *own = tls;

    CHECK_INT(tls_open(&tls, NULL), 0);
    net_server_start(&server, "good", script_idle);
    CHECK_INT(refused("good.test", server.port), WS_END_CERTIFICATE);
    net_server_stop(&server);
    tls_close(&tls);
    tls = own;
    struct tls *none = NULL;
    CHECK_INT(tls_open(&none, net_path("no-such-file.pem")), ERR_CONFIG);
    CHECK_INT(tls_open(&none, net_path("good.key")), ERR_CONFIG);
    CHECK(none == NULL);
}

static void a_handshake_that_is_not_ours_is_refused(void)
{
    net_server_start(&server, "good", script_wrong_accept);
    CHECK_INT(refused("good.test", server.port), WS_END_UPGRADE);
    CHECK_STR(seen.text, "HTTP 101: Sec-WebSocket-Accept is not the answer to our key");
    net_server_stop(&server);
    net_server_start(&server, "good", script_418);
    CHECK_INT(refused("good.test", server.port), WS_END_UPGRADE);
    CHECK_INT(seen.http_status, 418);
    net_server_stop(&server);
}

static void nobody_there_and_unknown_names_are_told_apart(void)
{
    int fd;
    uint16_t port;

    net_listen(&fd, &port);
    close(fd);
    CHECK_INT(refused("good.test", port), WS_END_CONNECT);
    CHECK(strstr(seen.text, "Connection refused") != NULL);
    CHECK_INT(refused("nowhere.example", port), WS_END_NAME);
}

static void the_second_address_is_tried(void)
{
    net_server_start(&server, "wrong", script_idle);
    /* Certificate refused: so the second address was reached. */
    CHECK_INT(refused("two.test", server.port), WS_END_CERTIFICATE);
    net_server_stop(&server);
}

static void a_server_that_hangs_times_out_at_each_step(void)
{
    int fd;
    uint16_t port;

    net_listen(&fd, &port); /* Connects, but nobody speaks TLS. */
    struct ws_config config = config_for("good.test", port);
    config.connect_timeout_ns = 60 * NS_PER_MS;
    open_with(&config);
    CHECK(net_run_until(&seen.is_closed));
    CHECK_INT(seen.why, WS_END_TIMEOUT);
    CHECK_STR(seen.text, "TLS handshake");
    ws_close(&ws);
    close(fd);

    net_server_start(&server, "good", script_never_answers);
    config = config_for("good.test", server.port);
    config.connect_timeout_ns = 200 * NS_PER_MS;
    open_with(&config);
    CHECK(net_run_until(&seen.is_closed));
    CHECK_INT(seen.why, WS_END_TIMEOUT);
    CHECK_STR(seen.text, "waiting for the upgrade");
    ws_close(&ws);
    net_server_stop(&server);
}

static void fragments_and_pings_from_the_server_are_served(void)
{
    net_server_start(&server, "good", script_fragments);
    struct ws_config config = config_for("good.test", server.port);
    open_with(&config);
    while (seen.messages < 2 && !seen.is_closed)
        loop_turn(net_loop, 20 * NS_PER_MS);
    CHECK_STR(seen.before, "onetwothree");
    CHECK_STR(seen.last, "slow");
    struct ws_counters counters;
    ws_counters(ws, &counters);
    CHECK_INT(counters.pings_answered, 1);
    CHECK_INT(counters.messages, 2);
    ws_close(&ws);
    net_server_stop(&server);
    CHECK_INT(server.served, 1); /* The PONG came back with the PING's payload. */
}

static void a_flood_arrives_whole_and_in_bounded_turns(void)
{
    net_server_start(&server, "good", script_flood);
    struct ws_config config = config_for("good.test", server.port);
    open_with(&config);
    int64_t until_ns = loop_now_ns() + 5 * NS_PER_S;
    size_t most = 0;
    while (seen.messages < 5000 && loop_now_ns() < until_ns) {
        size_t before = seen.messages;
        loop_turn(net_loop, 20 * NS_PER_MS);
        most = MAX(most, seen.messages - before);
    }
    CHECK_INT(seen.messages, 5000);
    CHECK(most <= 600); /* Twice 16 records of 16 KiB. */
    ws_close(&ws);
    net_server_stop(&server);
}

static void a_server_that_breaks_the_protocol_is_left(void)
{
    net_server_start(&server, "good", script_masked_frame);
    struct ws_config config = config_for("good.test", server.port);
    open_with(&config);
    CHECK(net_run_until(&seen.is_closed));
    CHECK_INT(seen.why, WS_END_PROTOCOL);
    CHECK_STR(seen.text, "masked frame from the server");
    ws_close(&ws);
    net_server_stop(&server);

    net_server_start(&server, "good", script_huge_frame);
    config = config_for("good.test", server.port);
    open_with(&config);
    CHECK(net_run_until(&seen.is_closed));
    CHECK_INT(seen.why, WS_END_TOO_BIG);
    ws_close(&ws);
    net_server_stop(&server);
}

static void a_close_is_answered_and_a_broken_connection_is_told_apart(void)
{
    net_server_start(&server, "good", script_close_1012);
    struct ws_config config = config_for("good.test", server.port);
    open_with(&config);
    CHECK(net_run_until(&seen.is_closed));
    CHECK_INT(seen.why, WS_END_PEER);
    CHECK_INT(seen.close_code, 1012);
    CHECK_STR(seen.text, "CLOSE 1012 restart");
    CHECK_INT(ws_send(ws, "x", 1), ERR_CLOSED);
    ws_close(&ws);
    net_server_stop(&server);
    CHECK_INT(server.served, 1);

    net_server_start(&server, "good", script_broken);
    config = config_for("good.test", server.port);
    open_with(&config);
    CHECK(net_run_until(&seen.is_closed));
    CHECK_INT(seen.why, WS_END_BROKEN);
    ws_close(&ws);
    net_server_stop(&server);
}

static void silence_closes_though_pongs_still_come(void)
{
    net_server_start(&server, "good", script_pongs_only);
    struct ws_config config = config_for("good.test", server.port);
    config.silence_ns = 100 * NS_PER_MS;
    config.message_silence_ns = 150 * NS_PER_MS;
    config.ping_interval_ns = 20 * NS_PER_MS;
    open_with(&config);
    CHECK(net_run_until(&seen.is_closed));
    CHECK(seen.has_pong);
    CHECK_INT(seen.why, WS_END_SILENCE);
    CHECK(strncmp(seen.text, "no message received for 1", 25) == 0);
    ws_close(&ws);
    net_server_stop(&server);
}

static void a_ping_that_is_not_answered_and_plain_silence_close(void)
{
    net_server_start(&server, "good", script_idle);
    struct ws_config config = config_for("good.test", server.port);
    config.ping_interval_ns = 50 * NS_PER_MS;
    open_with(&config);
    CHECK(net_run_until(&seen.is_closed));
    CHECK_INT(seen.why, WS_END_SILENCE);
    CHECK_STR(seen.text, "PING not answered");
    ws_close(&ws);
    config.ping_interval_ns = 0;
    config.silence_ns = 50 * NS_PER_MS;
    open_with(&config);
    CHECK(net_run_until(&seen.is_closed));
    CHECK_INT(seen.why, WS_END_SILENCE);
    CHECK(strncmp(seen.text, "nothing received for ", 21) == 0);
    ws_close(&ws);
    net_server_stop(&server);
}

static void a_stalled_server_fills_the_backlog_and_loses_nothing(void)
{
    static unsigned char message[60000];
    unsigned sent = 0;
    int err = 0;

    may_read = false;
    net_server_start(&server, "good", script_stalls);
    struct ws_config config = config_for("good.test", server.port);
    config.backlog_max = 400000;
    open_with(&config);
    CHECK(net_run_until(&seen.is_open));
    for (int i = 0; i < 2000 && !err; i++) {
        size_t len = 4 + (size_t)i * 997 % (sizeof(message) - 4);
        memset(message, 'm', len); /* ws_send takes text; the peer here reads bytes. */
        memcpy(message, &sent, sizeof(sent));
        err = ws_send(ws, (const char *)message, len);
        sent += err == 0;
    }
    CHECK_INT(err, ERR_FULL);
    CHECK(ws_backlog(ws) > 300000 && ws_backlog(ws) <= 400000);
    struct ws_counters counters;
    ws_counters(ws, &counters);
    CHECK_INT(counters.refused_full, 1);
    CHECK(counters.queued > 1);
    may_read = true;
    int64_t until_ns = loop_now_ns() + 5 * NS_PER_S;
    while ((unsigned)server.served < sent && loop_now_ns() < until_ns)
        loop_turn(net_loop, 5 * NS_PER_MS);
    CHECK_INT(server.served, sent);
    CHECK_INT(ws_backlog(ws), 0);
    CHECK_INT(ws_send(ws, (const char *)&sent, 4), 0); /* And at once again. */
    while ((unsigned)server.served < sent + 1 && loop_now_ns() < until_ns)
        loop_turn(net_loop, 5 * NS_PER_MS);
    CHECK_INT(server.served, sent + 1);
    ws_close(&ws);
    net_server_stop(&server);
}

static void close_on_open(void *ctx)
{
    (void)ctx;
    seen.is_open = true;
    ws_close(&ws);
}

static void close_on_message(void *ctx, const char *data, size_t len, bool is_text, int64_t at)
{
    (void)ctx, (void)data, (void)len, (void)is_text, (void)at;
    seen.has_message = true;
    ws_close(&ws);
}

static void close_on_closed(void *ctx, const struct ws_closed *closed)
{
    on_close(ctx, closed);
    ws_close(&ws);
}

static void a_connection_may_be_closed_inside_its_callbacks(void)
{
    net_server_start(&server, "good", script_head_in_the_message);
    struct ws_config config = config_for("good.test", server.port);
    config.handler.opened = close_on_open;
    open_with(&config);
    CHECK(net_run_until(&seen.is_open));
    CHECK(ws == NULL);
    config = config_for("good.test", server.port);
    config.handler.message = close_on_message;
    open_with(&config);
    CHECK(net_run_until(&seen.has_message));
    CHECK(ws == NULL);
    net_server_stop(&server);
    config = config_for("nowhere.example", 1);
    config.handler.closed = close_on_closed;
    open_with(&config);
    CHECK(net_run_until(&seen.is_closed));
    CHECK(ws == NULL);
    net_run_for(20 * NS_PER_MS);
    ws_close(&ws);
}

static void only_wss_urls_are_taken(void)
{
    static const char *const bad[] = { "ws://good.test/",
                                       "https://good.test/",
                                       "wss://",
                                       "wss:///x",
                                       "wss://u@good.test/",
                                       "wss://good.test:0/",
                                       "wss://good.test:70000/",
                                       "wss://good.test/a b",
                                       "wss://good.test/#f",
                                       "wss://[::1/",
                                       "wss://::1/" };

    for (size_t i = 0; i < COUNT(bad); i++) {
        struct ws_config config = config_for("x", 1);
        config.url = bad[i];
        CHECK_INT(ws_open(&ws, &config), ERR_RANGE);
        CHECK(ws == NULL);
    }
}

int main(void)
{
    net_setup();
    net_client_open();
    if (tls_open(&tls, net_path("ca.pem")) != 0)
        abort();
    CASE(libwebsockets_echoes_what_we_send);
    CASE(a_name_is_resolved_and_goes_into_host_and_sni);
    CASE(certificates_that_do_not_fit_are_refused_by_name);
    CASE(the_system_store_does_not_trust_the_test_ca);
    CASE(a_handshake_that_is_not_ours_is_refused);
    CASE(nobody_there_and_unknown_names_are_told_apart);
    CASE(the_second_address_is_tried);
    CASE(a_server_that_hangs_times_out_at_each_step);
    CASE(fragments_and_pings_from_the_server_are_served);
    CASE(a_flood_arrives_whole_and_in_bounded_turns);
    CASE(a_server_that_breaks_the_protocol_is_left);
    CASE(a_close_is_answered_and_a_broken_connection_is_told_apart);
    CASE(silence_closes_though_pongs_still_come);
    CASE(a_ping_that_is_not_answered_and_plain_silence_close);
    CASE(a_stalled_server_fills_the_backlog_and_loses_nothing);
    CASE(a_connection_may_be_closed_inside_its_callbacks);
    CASE(only_wss_urls_are_taken);
    tls_close(&tls);
    net_client_close();
    DONE();
}
