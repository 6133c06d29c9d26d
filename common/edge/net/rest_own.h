/* rest_own.h - what rest.c (hosts, limits, order) and rest_curl.c (libcurl) share. Nobody else's.
 */
#ifndef TICKPIPE_COMMON_EDGE_NET_REST_OWN_H
#define TICKPIPE_COMMON_EDGE_NET_REST_OWN_H

#include "common/edge/net/rest.h"
#include "common/edge/net/url.h"
#include "common/pure/pace.h"

#include <curl/curl.h>

enum {
    SLOTS_DEFAULT = 32,
    BODY_KEPT = 256 << 10, /* A slot's buffer that grew beyond is given back after the answer. */
    BODY_FIRST = 16 << 10,
    RESOLVE_LINE_MAX = URL_HOST_MAX + DNS_ADDRESSES_MAX * (DNS_TEXT_MAX + 3) + 16,
};

/* A request from rest_send to done. */
struct slot {
    struct rest *rest;
    struct rest_host *host;
    struct slot *next; /* Free list, or the host's queue. */
    CURL *easy;
    bool is_used, is_active; /* active: libcurl has it. */
    bool is_started, has_lane;
    bool is_serial, is_repeatable;
    bool was_resend_blocked, is_too_big;
    unsigned sends; /* How often libcurl was let write it. */
    uint64_t tag;
    rest_done *done;
    void *ctx;
    int64_t queued_ns, sent_ns, deadline_ns;

    const char *method;
    char url[REST_URL_MAX];
    const char *target; /* Path and query: the tail of url. */
    char body[REST_BODY_MAX];
    size_t body_len;
    char lines[REST_HEADERS_MAX + 1][sizeof(struct rest_header) + 4];
    struct curl_slist list[REST_HEADERS_MAX + 1];

    char *in;
    size_t in_len, in_cap;
    struct rest_header captured[REST_CAPTURED_MAX];
    size_t captured_count;
    char error[CURL_ERROR_SIZE];
};

struct rest_host {
    struct rest *rest;
    struct url url;
    char base_url[URL_HOST_MAX + 24];
    struct rate_limit bucket;
    bool has_bucket;
    int64_t cancel_reserve;
    struct breaker breaker;
    int64_t paused_until_ns;
    struct slot *waiting; /* In the order of rest_send. */
    bool is_serial_busy;

    struct dns_query query;
    bool is_asking, is_resolved;
    bool is_line_new; /* libcurl has not been told resolve_line yet. */
    char resolve_line[RESOLVE_LINE_MAX];
    struct curl_slist resolve_list;
};

/* A socket of libcurl in the loop. */
struct rest_socket {
    struct loop_source source;
    struct rest *rest;
    bool is_used;
};

struct rest {
    struct rest_config config;
    char *ca_file;
    CURLM *multi;
    struct loop_timer curl_timer, reap_timer, wait_timer, resolve_timer;
    struct slot *slots;
    struct slot *free;
    struct rest_socket *sockets;
    size_t socket_count;
    struct rest_host hosts[REST_HOSTS_MAX];
    size_t host_count;
    struct rest_counters counters;
};

/* rest.c, for rest_curl.c: the transfer of slot ended. */
void rest_finish(struct slot *slot, int status, int err, const char *error);

/* rest_curl.c, for rest.c. */
int rest_curl_open(struct rest *rest);
void rest_curl_close(struct rest *rest);
int rest_curl_start(struct slot *slot); /* 0, or ERR_SYS: nothing left. */

#endif
