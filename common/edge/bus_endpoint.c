/* bus_endpoint.c - reading an endpoint, and whether others can reach it. */
#include "common/edge/bus_internal.h"
#include "common/leaf/err.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int refuse(const char *text, const char *why)
{
    log_error("bus_endpoint", "%s: %s", text, why);
    return ERR_CONFIG;
}

static bool is_loopback(const char *host)
{
    struct in_addr v4;

    if (strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
        return true;
    return inet_pton(AF_INET, host, &v4) == 1 && (ntohl(v4.s_addr) >> 24) == 127;
}

static int parse_tcp(struct bus_endpoint *endpoint)
{
    char host[BUS_ENDPOINT_MAX];
    const char *from = endpoint->address + strlen("tcp://");
    const char *colon = strrchr(from, ':');

    if (!colon || colon == from)
        return refuse(endpoint->address, "needs tcp://HOST:PORT");
    memcpy(host, from, (size_t)(colon - from));
    host[colon - from] = '\0';
    endpoint->is_private = is_loopback(host);
    endpoint->is_wildcard = strcmp(colon + 1, "*") == 0;
    if (endpoint->is_wildcard)
        return 0;

    char *end = NULL;
    unsigned long port = strtoul(colon + 1, &end, 10);
    if (!isdigit((unsigned char)colon[1]) || *end || port == 0 || port > 65535)
        return refuse(endpoint->address, "the port must be 1 to 65535");
    return 0;
}

/* A directory of ours that nobody else may enter keeps strangers from the socket in it. */
static int parse_ipc(struct bus_endpoint *endpoint)
{
    char directory[BUS_ENDPOINT_MAX];
    struct stat st;

    strcpy(endpoint->path, endpoint->address + strlen("ipc://"));
    endpoint->is_ipc = true;
    if (endpoint->path[0] != '/')
        return refuse(endpoint->address, "needs ipc:///ABSOLUTE/PATH");

    strcpy(directory, endpoint->path);
    *strrchr(directory, '/') = '\0';
    if (directory[0] && mkdir(directory, 0700) != 0 && stat(directory, &st) != 0)
        return refuse(endpoint->address, "its directory is not there and cannot be made");
    if (stat(directory[0] ? directory : "/", &st) != 0)
        return refuse(endpoint->address, "its directory cannot be read");
    endpoint->is_private = st.st_uid == geteuid() && (st.st_mode & 0077) == 0;
    return 0;
}

int bus_endpoint_parse(struct bus_endpoint *endpoint, const char *text, size_t length)
{
    struct bus_endpoint parsed = { 0 };

    if (length >= sizeof(parsed.address))
        return refuse("endpoint", "too long");
    memcpy(parsed.address, text, length);
    char *tag = strchr(parsed.address, '@');
    if (tag) {
        if (strlen(tag + 1) >= sizeof(parsed.key_venue))
            return refuse(parsed.address, "the name after @ is too long");
        strcpy(parsed.key_venue, tag + 1);
        *tag = '\0';
    }

    int err = ERR_CONFIG;
    if (strncmp(parsed.address, "tcp://", 6) == 0)
        err = parse_tcp(&parsed);
    else if (strncmp(parsed.address, "ipc://", 6) == 0)
        err = parse_ipc(&parsed);
    else
        (void)refuse(parsed.address, "must begin with tcp:// or ipc://");
    if (!err)
        *endpoint = parsed;
    return err;
}
