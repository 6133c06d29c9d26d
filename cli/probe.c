#include "cli/probe.h"

#include "common/edge/loop.h"
#include "common/edge/net/url.h"
#include "common/leaf/err.h"

#include <errno.h>
#include <netdb.h>
#include <openssl/x509.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void fail(struct probe *probe, const char *step, const char *why)
{
    snprintf(probe->why, sizeof(probe->why), "%s: %s", step, why);
}

/* Waits for events until until_ns. False: time ran out. */
static bool wait_for(int fd, short events, int64_t until_ns)
{
    struct pollfd wait = { .fd = fd, .events = events };
    int64_t left_ms = (until_ns - loop_now_ns()) / NS_PER_MS;

    return left_ms > 0 && poll(&wait, 1, (int)left_ms) == 1;
}

static int connect_to(struct probe *probe, const struct addrinfo *to, int64_t until_ns)
{
    int error = 0;
    socklen_t len = sizeof(error);
    int fd = socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    (void)getnameinfo(to->ai_addr, to->ai_addrlen, probe->address, sizeof(probe->address), NULL, 0,
                      NI_NUMERICHOST);
    if (fd < 0 || (connect(fd, to->ai_addr, to->ai_addrlen) != 0 && errno != EINPROGRESS))
        error = errno;
    else if (!wait_for(fd, POLLOUT, until_ns))
        error = ETIMEDOUT;
    else
        (void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
    if (!error)
        return fd;
    fail(probe, "TCP", strerror(error));
    if (fd >= 0)
        close(fd);
    return -1;
}

static void read_certificate(struct probe *probe, SSL *ssl)
{
    X509 *certificate = SSL_get1_peer_certificate(ssl);
    int seconds = 0;

    snprintf(probe->protocol, sizeof(probe->protocol), "%s", SSL_get_version(ssl));
    snprintf(probe->cipher, sizeof(probe->cipher), "%s", SSL_get_cipher_name(ssl));
    if (!certificate)
        return;
    (void)ASN1_TIME_diff(&probe->days_left, &seconds, NULL, X509_get0_notAfter(certificate));
    (void)X509_NAME_get_text_by_NID(X509_get_issuer_name(certificate), NID_commonName,
                                    probe->issuer, sizeof(probe->issuer));
    X509_free(certificate);
}

static void handshake(struct probe *probe, struct tls *tls, const struct url *url, int fd,
                      int64_t until_ns)
{
    SSL *ssl = NULL;
    int rc = -1;

    if (tls_session(tls, url->host, url->is_numeric, fd, &ssl) != 0) {
        fail(probe, "TLS", "no session");
        return;
    }
    for (;;) {
        rc = SSL_connect(ssl);
        int want = rc == 1 ? 0 : SSL_get_error(ssl, rc);
        if (want != SSL_ERROR_WANT_READ && want != SSL_ERROR_WANT_WRITE)
            break;
        if (!wait_for(fd, want == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, until_ns)) {
            fail(probe, "TLS", "no answer in time");
            break;
        }
    }
    if (rc == 1) {
        probe->is_ok = true;
        read_certificate(probe, ssl);
        (void)SSL_shutdown(ssl);
    } else if (!probe->why[0]) {
        tls_why(ssl, probe->why, sizeof(probe->why));
    }
    SSL_free(ssl);
}

void probe_url(struct probe *probe, struct tls *tls, const char *text, int64_t timeout_ns)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found = NULL;
    struct url url;
    char port[8];

    *probe = (struct probe){ 0 };
    if (url_parse(text, strncmp(text, "wss:", 4) == 0 ? "wss" : "https", &url) != 0) {
        fail(probe, "URL", text);
        return;
    }
    snprintf(probe->host, sizeof(probe->host), "%s:%u", url.host, url.port);
    snprintf(port, sizeof(port), "%u", url.port);
    int64_t start_ns = loop_now_ns(), until_ns = start_ns + timeout_ns;
    int rc = getaddrinfo(url.host, port, &hints, &found);
    probe->name_ns = loop_now_ns() - start_ns;
    if (rc != 0) {
        fail(probe, "name", gai_strerror(rc));
        return;
    }
    start_ns = loop_now_ns();
    int fd = connect_to(probe, found, until_ns);
    probe->tcp_ns = loop_now_ns() - start_ns;
    freeaddrinfo(found);
    if (fd < 0)
        return;
    start_ns = loop_now_ns();
    handshake(probe, tls, &url, fd, until_ns);
    probe->tls_ns = loop_now_ns() - start_ns;
    close(fd);
}
