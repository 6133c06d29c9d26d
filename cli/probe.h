/* probe.h - one TLS connection to a host, measured step by step: name, TCP, handshake, certificate.
 */
#ifndef TICKPIPE_CLI_PROBE_H
#define TICKPIPE_CLI_PROBE_H

#include "common/edge/net/tls.h"

struct probe {
    char host[264]; /* host:port */
    char address[64];
    bool is_ok;
    char why[192]; /* Of a failure, with the step it happened in. */
    int64_t name_ns, tcp_ns, tls_ns;
    char protocol[16], cipher[64], issuer[128];
    int days_left; /* Until the certificate ends. */
};

/* probe_url connects to an https:// or wss:// URL and closes again, within timeout_ns. Blocks; for
 * the operator's program only. Verification is that of tls.h: it cannot be turned off. */
void probe_url(struct probe *probe, struct tls *tls, const char *url, int64_t timeout_ns);

#endif
