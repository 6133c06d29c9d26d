#include "common/edge/net/tls.h"

#include "common/leaf/err.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

struct tls {
    SSL_CTX *context;
};

/* HTTP/1.1 only: a server that would rather speak h2 must not. */
static const unsigned char alpn[] = "\x08http/1.1";

static void ignore_sigpipe(void)
{
    struct sigaction now;

    if (sigaction(SIGPIPE, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
        (void)signal(SIGPIPE, SIG_IGN);
}

static int load_trust(SSL_CTX *context, const char *ca_file)
{
    if (ca_file)
        return SSL_CTX_load_verify_file(context, ca_file) == 1 ? 0 : ERR_CONFIG;
    return SSL_CTX_set_default_verify_paths(context) == 1 ? 0 : ERR_SYS;
}

static int configure(SSL_CTX *context, const char *ca_file)
{
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    /* The caller's buffer moves between retries, and a backlog is written as far as it goes. */
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(context, 1); /* One read per record instead of two. */
    if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_alpn_protos(context, alpn, sizeof(alpn) - 1) != 0)
        return ERR_SYS;
    return load_trust(context, ca_file);
}

int tls_open(struct tls **out, const char *ca_file)
{
    struct tls *tls = calloc(1, sizeof(*tls));

    if (!tls)
        return ERR_SYS;
    ignore_sigpipe();
    tls->context = SSL_CTX_new(TLS_client_method());
    int err = tls->context ? configure(tls->context, ca_file) : ERR_SYS;
    ERR_clear_error();
    if (err) {
        tls_close(&tls);
        return err;
    }
    *out = tls;
    return 0;
}

void tls_close(struct tls **tls)
{
    if (!*tls)
        return;
    SSL_CTX_free((*tls)->context);
    free(*tls);
    *tls = NULL;
}

/* A name goes into SNI and is what the certificate must be for; an address must be an IP SAN of it.
 */
static bool expect_host(SSL *ssl, const char *host, bool is_numeric)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (is_numeric)
        return X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1;
    return X509_VERIFY_PARAM_set1_host(param, host, 0) == 1 &&
           SSL_set_tlsext_host_name(ssl, host) == 1;
}

int tls_session(struct tls *tls, const char *host, bool is_numeric, int fd, SSL **out)
{
    SSL *ssl = SSL_new(tls->context);

    if (!ssl || !expect_host(ssl, host, is_numeric) || SSL_set_fd(ssl, fd) != 1) {
        SSL_free(ssl);
        ERR_clear_error();
        return ERR_SYS;
    }
    SSL_set_connect_state(ssl);
    *out = ssl;
    return 0;
}

void tls_why(const SSL *ssl, char *out, size_t cap)
{
    long verdict = SSL_get_verify_result(ssl);
    unsigned long code = ERR_peek_last_error();
    const char *reason = code ? ERR_reason_error_string(code) : NULL;

    if (verdict != X509_V_OK)
        snprintf(out, cap, "certificate refused: %s", X509_verify_cert_error_string(verdict));
    else
        snprintf(out, cap, "TLS: %s", reason ? reason : "connection broken");
    ERR_clear_error();
}
