/* url.h - the parts of an https:// or wss:// URL. Nothing else is accepted: there is no plain text.
 */
#ifndef TICKPIPE_COMMON_EDGE_NET_URL_H
#define TICKPIPE_COMMON_EDGE_NET_URL_H

#include "common/leaf/base.h"

enum { URL_HOST_MAX = 254, URL_TARGET_MAX = 2048 };

struct url {
    char host[URL_HOST_MAX]; /* Name or number, without the brackets of IPv6. */
    uint16_t port;           /* 443 where none is given. */
    bool is_default_port;
    bool is_numeric;                 /* An IP address: no SNI, the certificate must carry it. */
    char target[URL_TARGET_MAX + 1]; /* Path and query as written, "/" where there is none. */
};

/* url_parse reads scheme ("wss" or "https") "://" host [":" port] [target]. 0, or ERR_PROTO:
 * another scheme, no host, user info, a fragment, a space or control character anywhere, a bad
 * port, too long. */
int url_parse(const char *text, const char *scheme, struct url *out);

/* url_authority writes host[:port] as the Host header wants it (brackets around IPv6). cap of
 * URL_HOST_MAX + 9 is always enough. */
void url_authority(const struct url *url, char *out, size_t cap);

#endif
