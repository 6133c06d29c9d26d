/* tls_files.h - the simulator's own certificate authority: made at the first start, kept
 * afterwards. */
#ifndef TICKPIPE_VENUE_SIMULATOR_TLS_FILES_H
#define TICKPIPE_VENUE_SIMULATOR_TLS_FILES_H

#include "common/leaf/base.h"

struct tls_files {
    char ca[600], certificate[600], key[600]; /* PEM. Clients are given ca. */
};

/* tls_files_ensure finds ca.pem, server.pem and server.key in dir, or makes them (dir 0700, key
 * 0600): an EC key, a certificate for localhost and 127.0.0.1 to 127.0.0.9 signed by a CA whose key
 * is thrown away. A certificate that ends within a day is made anew. 0, ERR_SYS, ERR_RANGE (dir too
 * long). */
int tls_files_ensure(const char *dir, struct tls_files *out);

#endif
