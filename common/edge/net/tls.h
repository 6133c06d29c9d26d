/* tls.h - OpenSSL client contexts that always verify.
 *
 * TLS 1.2 or newer; the certificate's chain, its dates and the host (name, or IP address as a SAN)
 * are checked on every connection. Nothing here, in the configuration or in the environment turns
 * that off. */
#ifndef TICKPIPE_COMMON_EDGE_NET_TLS_H
#define TICKPIPE_COMMON_EDGE_NET_TLS_H

#include "common/leaf/base.h"

#include <openssl/ssl.h>

struct tls;

/* tls_open makes a context. ca_file: a PEM file that is then the only trust there is (the
 * simulator's and the tests' CA: such a process cannot be talked into trusting the internet, nor
 * the other way round); NULL: the system's store. Sets SIGPIPE to ignored where it still has its
 * default action, since OpenSSL writes to sockets that may be gone. 0; ERR_CONFIG: ca_file cannot
 * be read; ERR_SYS. */
int tls_open(struct tls **tls, const char *ca_file);
void tls_close(struct tls **tls);

/* tls_session makes a client session for host on a connected, non-blocking socket: SNI for a name,
 * and the verification of exactly this host. The session does not own fd. 0 or ERR_SYS. Free with
 * SSL_free. */
int tls_session(struct tls *tls, const char *host, bool is_numeric, int fd, SSL **out);

/* tls_why writes why the last call on ssl failed, a refused certificate by its name ("certificate
 * refused: hostname mismatch"), and empties OpenSSL's error queue. */
void tls_why(const SSL *ssl, char *out, size_t cap);

#endif
