#include "common/edge/net/url.h"

#include "common/leaf/err.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static bool is_printable(const char *text)
{
    for (; *text; text++)
        if (*text <= ' ' || *text > '~')
            return false;
    return true;
}

static int read_port(const char *text, size_t len, uint16_t *out)
{
    unsigned port = 0;

    if (len < 1 || len > 5)
        return ERR_PROTO;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return ERR_PROTO;
        port = port * 10 + (unsigned)(text[i] - '0');
    }
    if (port < 1 || port > 65535)
        return ERR_PROTO;
    *out = (uint16_t)port;
    return 0;
}

/* Splits "host", "host:port", "[v6]" or "[v6]:port". */
static int read_authority(const char *text, size_t len, struct url *url)
{
    const char *host = text, *rest = NULL;
    size_t host_len = len;

    if (len && text[0] == '[') {
        const char *end = memchr(text, ']', len);
        if (!end)
            return ERR_PROTO;
        host = text + 1;
        host_len = (size_t)(end - host);
        rest = end + 1;
    } else {
        rest = memchr(text, ':', len);
        if (!rest)
            rest = text + len;
        host_len = (size_t)(rest - text);
    }
    if (host_len < 1 || host_len >= sizeof(url->host) || memchr(host, '@', host_len))
        return ERR_PROTO;
    memcpy(url->host, host, host_len);
    url->port = 443;

    size_t rest_len = (size_t)(text + len - rest);
    if (rest_len && (*rest != ':' || read_port(rest + 1, rest_len - 1, &url->port) != 0))
        return ERR_PROTO;
    url->is_default_port = url->port == 443;

    uint8_t address[16];
    bool is_v6 = inet_pton(AF_INET6, url->host, address) == 1;
    if (is_v6 != (text[0] == '['))
        return ERR_PROTO;
    url->is_numeric = is_v6 || inet_pton(AF_INET, url->host, address) == 1;
    return 0;
}

int url_parse(const char *text, const char *scheme, struct url *out)
{
    struct url url = { 0 };
    size_t scheme_len = strlen(scheme);

    if (strncmp(text, scheme, scheme_len) != 0 || strncmp(text + scheme_len, "://", 3) != 0)
        return ERR_PROTO;
    const char *authority = text + scheme_len + 3;
    size_t len = strcspn(authority, "/?");
    const char *target = authority + len;
    if (!is_printable(authority) || strchr(authority, '#') || strlen(target) > URL_TARGET_MAX - 1)
        return ERR_PROTO;
    int err = read_authority(authority, len, &url);
    if (err)
        return err;
    snprintf(url.target, sizeof(url.target), "%s%s", *target == '/' ? "" : "/", target);
    *out = url;
    return 0;
}

void url_authority(const struct url *url, char *out, size_t cap)
{
    bool is_v6 = strchr(url->host, ':');
    char port[8] = "";

    if (!url->is_default_port)
        snprintf(port, sizeof(port), ":%u", url->port);
    snprintf(out, cap, "%s%s%s%s", is_v6 ? "[" : "", url->host, is_v6 ? "]" : "", port);
}
