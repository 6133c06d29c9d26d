/* net_fixture.h - what the network tests share: a CA of their own, a scripted TLS server, a loop
 * with invented names. Everything is on loopback, on ports that the kernel picks. */
#ifndef TICKPIPE_TESTS_UNIT_NET_FIXTURE_H
#define TICKPIPE_TESTS_UNIT_NET_FIXTURE_H

#include "common/edge/loop.h"
#include "common/edge/net/dns.h"
#include "common/edge/net/tls.h"
#include "common/leaf/err.h"

#include <arpa/inet.h>
#include <ftw.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char net_dir[] = "/tmp/tickpipe-net-XXXXXX";

/* Two CAs; server certificates: good (good.test, 127.0.0.1), wrong (another name and address),
 * expired, and stranger (right name, by the other CA). */
static const char net_certificates[] =
    "exec >/dev/null 2>&1\n"
    "set -e\n"
    "key='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'\n"
    "for ca in ca other; do\n"
    "  openssl req -x509 $key -keyout $ca.key -out $ca.pem -days 2 -subj /CN=$ca\n"
    "done\n"
    "issue() { # NAME CA SAN DAYS\n"
    "  openssl req -new $key -keyout $1.key -out $1.csr -subj /CN=$1\n"
    "  printf 'subjectAltName=%s\\n' $3 >$1.ext\n"
    "  openssl x509 -req -in $1.csr -CA $2.pem -CAkey $2.key -CAcreateserial -out $1.pem \\\n"
    "    -days $4 -extfile $1.ext\n"
    "}\n"
    "issue good ca DNS:good.test,IP:127.0.0.1 2\n"
    "issue wrong ca DNS:else.test,IP:127.0.0.9 2\n"
    "issue expired ca DNS:good.test,IP:127.0.0.1 -1\n"
    "issue stranger other DNS:good.test,IP:127.0.0.1 2\n";

static inline const char *net_path(const char *name)
{
    static char paths[4][64];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof(paths[0]), "%s/%s", net_dir, name);
    return path;
}

static int net_remove_one(const char *path, const struct stat *s, int type, struct FTW *ftw)
{
    (void)s, (void)type, (void)ftw;
    return remove(path);
}

static void net_remove(void)
{
    (void)nftw(net_dir, net_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Makes the directory and the certificates; they are removed at exit. */
static inline void net_setup(void)
{
    char command[sizeof(net_certificates) + 128];

    if (!mkdtemp(net_dir))
        abort();
    atexit(net_remove);
    snprintf(command, sizeof(command), "cd %s\n%s", net_dir, net_certificates);
    if (system(command) != 0) {
        printf("not ok openssl_command_makes_certificates\n");
        exit(1);
    }
    (void)signal(SIGPIPE, SIG_IGN);
}

/* ---- a TLS server whose every connection runs a script on a thread of its own: two at a time ----
 */

enum { NET_THREADS = 2 };

struct net_server {
    int fd;
    uint16_t port;
    SSL_CTX *context;
    void (*script)(SSL *ssl, struct net_server *server);
    atomic_int connections; /* Accepted. */
    atomic_int served;      /* The script's own count. */
    atomic_bool is_stopping;
    pthread_t threads[NET_THREADS];
};

static void *net_serve(void *arg)
{
    struct net_server *server = arg;

    while (!server->is_stopping) {
        int fd = accept(server->fd, NULL, NULL);
        if (fd < 0)
            break;
        int one = 1; /* Else each small answer waits for a delayed ACK. */
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        server->connections++;
        SSL *ssl = SSL_new(server->context);
        SSL_set_fd(ssl, fd);
        if (SSL_accept(ssl) == 1)
            server->script(ssl, server);
        ERR_clear_error();
        SSL_free(ssl);
        close(fd);
    }
    return NULL;
}

static inline void net_listen(int *fd, uint16_t *port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(at);

    *fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(*fd, (struct sockaddr *)&at, len) != 0 || listen(*fd, 16) != 0 ||
        getsockname(*fd, (struct sockaddr *)&at, &len) != 0)
        abort();
    *port = ntohs(at.sin_port);
}

static inline SSL_CTX *net_server_context(const char *certificate)
{
    char pem[32], key[32];
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());

    snprintf(pem, sizeof(pem), "%s.pem", certificate);
    snprintf(key, sizeof(key), "%s.key", certificate);
    if (SSL_CTX_use_certificate_file(context, net_path(pem), SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, net_path(key), SSL_FILETYPE_PEM) != 1)
        abort();
    return context;
}

static inline void net_server_start(struct net_server *server, const char *certificate,
                                    void (*script)(SSL *, struct net_server *))
{
    memset(server, 0, sizeof(*server));
    net_listen(&server->fd, &server->port);
    server->context = net_server_context(certificate);
    server->script = script;
    for (int i = 0; i < NET_THREADS; i++)
        if (pthread_create(&server->threads[i], NULL, net_serve, server) != 0)
            abort();
}

/* The script under way must be about to end: close the client first. */
static inline void net_server_stop(struct net_server *server)
{
    server->is_stopping = true;
    shutdown(server->fd, SHUT_RDWR);
    for (int i = 0; i < NET_THREADS; i++)
        pthread_join(server->threads[i], NULL);
    close(server->fd);
    SSL_CTX_free(server->context);
}

static inline void net_write(SSL *ssl, const void *data, size_t len)
{
    for (size_t at = 0; at < len;) {
        int n = SSL_write(ssl, (const char *)data + at, (int)(len - at));
        if (n <= 0)
            return;
        at += (size_t)n;
    }
}

/* Reads up to and with the empty line that ends a head. Returns its length, 0: the peer went away.
 */
static inline size_t net_read_head(SSL *ssl, char *out, size_t cap)
{
    size_t len = 0;

    while (len + 1 < cap && SSL_read(ssl, out + len, 1) == 1) {
        out[++len] = '\0';
        if (len >= 4 && memcmp(out + len - 4, "\r\n\r\n", 4) == 0)
            return len;
    }
    return 0;
}

/* Waits until the peer goes away. */
static inline void net_drain(SSL *ssl)
{
    char byte[512];

    while (SSL_read(ssl, byte, sizeof(byte)) > 0)
        ;
}

/* ---- the client's side ---- */

static struct loop *net_loop;
static struct dns *net_dns;

/* good.test and else.test are this machine; two.test has a dead address first. */
static inline int net_lookup(const char *name, struct dns_answer *out)
{
    static const struct dns_address here = { .bytes = { 127, 0, 0, 1 } };
    static const struct dns_address dead = { .bytes = { 127, 0, 0, 66 } };

    memset(out, 0, sizeof(*out));
    if (strcmp(name, "two.test") == 0)
        out->addresses[out->count++] = dead;
    if (strstr(name, ".test")) {
        out->addresses[out->count++] = here;
        return 0;
    }
    return ERR_NOT_FOUND;
}

static inline void net_client_open(void)
{
    struct dns_config config = { .lookup = net_lookup };

    if (loop_open(&net_loop) != 0)
        abort();
    config.loop = net_loop;
    if (dns_open(&net_dns, &config) != 0)
        abort();
}

static inline void net_client_close(void)
{
    dns_close(&net_dns);
    loop_close(&net_loop);
}

/* Turns the loop until *is_done, at most 5 s. */
static inline bool net_run_until(const bool *is_done)
{
    int64_t until_ns = loop_now_ns() + 5 * NS_PER_S;

    while (!*is_done && loop_now_ns() < until_ns)
        if (loop_turn(net_loop, 20 * NS_PER_MS) != 0)
            return false;
    return *is_done;
}

static inline void net_run_for(int64_t ns)
{
    int64_t until_ns = loop_now_ns() + ns;

    while (loop_now_ns() < until_ns)
        (void)loop_turn(net_loop, MIN(ns, 5 * NS_PER_MS));
}

#endif
