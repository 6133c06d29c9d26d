/* ws_send beside the bare SSL_write that it ends in, against a peer that never sleeps; and the
 * frame parser alone. By hand: build/tests/bench/bench_ws */
#include "common/edge/net/ws.h"
#include "common/edge/net/ws_frame.h"
#include "common/edge/net/ws_upgrade.h"
#include "common/pure/histogram.h"
#include "tests/unit/net_fixture.h"

#include <fcntl.h>

enum { SENDS = 20000, LEN = 200, GAP_NS = 50000 };

static bool is_open;

static void on_open(void *ctx)
{
    (void)ctx;
    is_open = true;
}

static void on_message(void *ctx, const char *data, size_t len, bool is_text, int64_t received_ns)
{
    (void)ctx, (void)data, (void)len, (void)is_text, (void)received_ns;
}

static void on_close(void *ctx, const struct ws_closed *closed)
{
    (void)ctx;
    fprintf(stderr, "closed: %s\n", closed->text);
}

static void script_sink(SSL *ssl, struct net_server *server)
{
    char head[4096], key[WS_KEY_TEXT] = "", accept[WS_ACCEPT_TEXT], answer[256];
    static char in[65536];

    if (!net_read_head(ssl, head, sizeof(head)))
        return;
    const char *at = strstr(head, "Sec-WebSocket-Key: ");
    if (at) {
        memcpy(key, at + 19, WS_KEY_TEXT - 1);
        ws_upgrade_accept(key, accept);
        int n = snprintf(answer, sizeof(answer),
                         "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                         "Sec-WebSocket-Accept: %s\r\n\r\n",
                         accept);
        net_write(ssl, answer, (size_t)n);
    }
    int fd = SSL_get_fd(ssl);
    (void)fcntl(fd, F_SETFL, O_NONBLOCK);
    while (!server->is_stopping) { /* Spins: a sleeping peer would cost the sender its wake-up. */
        int n = SSL_read(ssl, in, sizeof(in));
        if (n <= 0 && SSL_get_error(ssl, n) != SSL_ERROR_WANT_READ)
            return;
    }
}

static void wait_gap(int64_t since_ns)
{
    while (loop_now_ns() - since_ns < GAP_NS)
        ;
}

static void report(const char *what, const struct histogram *h)
{
    printf("%-28s p50 %6.2f us  p99 %6.2f us\n", what, (double)histogram_percentile(h, 50) / 1e3,
           (double)histogram_percentile(h, 99) / 1e3);
}

static void bench_ws_send(struct tls *tls, uint16_t port)
{
    static struct histogram h;
    char url[64], text[LEN];
    struct ws *ws = NULL;

    snprintf(url, sizeof(url), "wss://127.0.0.1:%u/", port);
    const struct ws_config config = { .loop = net_loop,
                                      .dns = net_dns,
                                      .tls = tls,
                                      .url = url,
                                      .handler = { NULL, on_open, on_message, NULL, on_close } };
    memset(text, 'x', sizeof(text));
    if (ws_open(&ws, &config) != 0 || !net_run_until(&is_open))
        return;
    for (int i = 0; i < SENDS; i++) {
        int64_t start_ns = loop_now_ns();
        if (ws_send(ws, text, sizeof(text)) != 0)
            break;
        histogram_add(&h, loop_now_ns() - start_ns);
        wait_gap(start_ns);
    }
    report("ws_send, 200 bytes", &h);
    ws_close(&ws);
}

static void bench_floor(struct tls *tls, uint16_t port)
{
    static struct histogram h;
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons(port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    char text[LEN + 8];
    SSL *ssl = NULL;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

    memset(text, 'x', sizeof(text));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0 ||
        tls_session(tls, "127.0.0.1", true, fd, &ssl) != 0 || SSL_do_handshake(ssl) != 1)
        return;
    SSL_write(ssl, "GET / HTTP/1.1\r\n\r\n", 18);
    for (int i = 0; i < SENDS; i++) {
        int64_t start_ns = loop_now_ns();
        SSL_write(ssl, text, sizeof(text));
        histogram_add(&h, loop_now_ns() - start_ns);
        wait_gap(start_ns);
    }
    report("SSL_write alone (floor)", &h);
    SSL_free(ssl);
    close(fd);
}

static void bench_parser(void)
{
    static uint8_t buffer[(1 << 20) + WS_HEAD_MAX + WS_CONTROL_MAX + WS_ROOM_MIN];
    static const size_t sizes[] = { 300, 1000, 4000 };
    struct ws_stream stream;

    for (size_t s = 0; s < COUNT(sizes); s++) {
        enum { ROUNDS = 200000 };
        uint8_t frame[4096] = { 0x81, 126, (uint8_t)(sizes[s] >> 8), (uint8_t)sizes[s] };
        memset(frame + 4, 'x', sizes[s]);
        ws_stream_init(&stream, buffer, 1 << 20);
        int64_t start_ns = loop_now_ns();
        for (int i = 0; i < ROUNDS; i++) {
            struct ws_item item;
            uint8_t *at;
            (void)ws_stream_room(&stream, &at);
            memcpy(at, frame, sizes[s] + 4);
            ws_stream_added(&stream, sizes[s] + 4);
            if (ws_stream_next(&stream, &item) != 0)
                abort();
            (void)ws_stream_next(&stream, &item);
        }
        printf("parse a frame of %-4zu bytes      %6.0f ns (a copy of it included)\n", sizes[s],
               (double)(loop_now_ns() - start_ns) / ROUNDS);
    }
}

int main(void)
{
    static struct net_server server;
    struct tls *tls = NULL;

    net_setup();
    net_client_open();
    if (tls_open(&tls, net_path("ca.pem")) != 0)
        return 1;
    net_server_start(&server, "good", script_sink);
    bench_floor(tls, server.port);
    bench_ws_send(tls, server.port);
    bench_parser();
    net_server_stop(&server);
    tls_close(&tls);
    net_client_close();
    return 0;
}
