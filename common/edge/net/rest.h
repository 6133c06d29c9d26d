/* rest.h - HTTPS requests on the loop: libcurl multi, kept-alive HTTP/1.1, pooled handles.
 *
 * https only, always verified (CA file or the system's store), no redirect, no proxy from the
 * environment, no cookie. Path and query leave exactly as given, since signatures cover them. A
 * request that may have left is never sent again by this layer, whatever broke; one that provably
 * did not says so (was_sent false).
 *
 * A host is a base URL with its own token bucket (part of it kept for cancels), circuit breaker and
 * pause (Retry-After). Cancels pass the breaker and the pause: the way out stays open. A host's
 * serial lane has one request in flight at a time, in the order of rest_send (nonces must arrive
 * growing).
 *
 * Names come from dns.h, so neither a look-up nor its timeout ever blocks the loop. */
#ifndef TICKPIPE_COMMON_EDGE_NET_REST_H
#define TICKPIPE_COMMON_EDGE_NET_REST_H

#include "common/edge/loop.h"
#include "common/edge/net/dns.h"

enum {
    REST_PATH_MAX = 2048,
    REST_URL_MAX = 320 + REST_PATH_MAX,
    REST_BODY_MAX = 8192,   /* Of a request. */
    REST_HEADERS_MAX = 8,   /* Of a request. */
    REST_CAPTURED_MAX = 24, /* Of a response. */
    REST_HOSTS_MAX = 8,
    REST_SLOTS_MAX = 256,
};

/* Same layout as a codec's header: shells copy them one by one. */
struct rest_header {
    char name[32];
    char value[256];
};

struct rest_response {
    uint64_t tag;
    const char *url;
    int status;    /* HTTP status; 0: none came. */
    bool was_sent; /* false: no byte of the request left this machine. */
    int err; /* status 0: ERR_TIMEOUT, ERR_CLOSED, ERR_NOT_FOUND (name), ERR_AUTH (certificate),
                ERR_FULL (body above the ceiling), ERR_PROTO. */
    const char *error; /* The same for people, "" when there is a status. */
    const char *body;  /* Always ended by a NUL that body_len does not count. */
    size_t body_len;
    const struct rest_header *headers; /* Names in lower case: x-*, cb-*, retry-after, date. */
    size_t header_count;
    int64_t queued_ns, sent_ns, received_ns; /* sent_ns 0: never. */
};

typedef void rest_done(void *ctx, const struct rest_response *response);

struct rest_request {
    const char *method; /* GET, POST, PUT, DELETE */
    const char *path;   /* Begins with '/'; path and query, as signed. */
    const char *body;   /* NULL: none. */
    size_t body_len;
    const struct rest_header *headers;
    size_t header_count;
    uint64_t tag;       /* Comes back. */
    uint32_t weight;    /* Tokens of the host's bucket; 0: free. */
    bool is_cancel;     /* May use the quota kept for cancels; passes breaker and pause. */
    bool is_serial;     /* In the host's serial lane. */
    int64_t timeout_ns; /* From rest_send to the last byte; 0: 10 s. */
    rest_done
        *done; /* Exactly once after rest_send gave 0, never inside it; not after rest_close. */
    void *ctx;
};

struct rest;
struct rest_host;

struct rest_config {
    struct loop *loop;
    struct dns *dns;
    const char *ca_file;        /* The only trust when given; NULL: the system's. */
    unsigned slots;             /* Requests known at a time, waiting ones included; 0: 32. */
    size_t response_max;        /* Body ceiling; 0: 32 MiB. */
    int64_t connect_timeout_ns; /* TCP and TLS; 0: 5 s. */
};

struct rest_host_config {
    const char *base_url; /* https://HOST[:PORT], no path. */
    int64_t burst;        /* Token bucket; 0: none. */
    int64_t count;        /* Tokens back per period. */
    int64_t period_ns;
    int64_t cancel_reserve; /* Tokens that only cancels may take. */
    unsigned failures_max;  /* Transport failures and 5xx in a row that open the breaker; 0: 5. */
    int64_t open_ns;        /* For how long; 0: 2 s. */
};

/* rest_open makes the client. 0; ERR_CONFIG: ca_file cannot be read; ERR_SYS. rest_close drops what
 * is in flight (no callback); not from inside a callback. */
int rest_open(struct rest **rest, const struct rest_config *config);
void rest_close(struct rest **rest);

/* rest_host adds a host, which lives as long as rest, and begins to resolve it. ERR_RANGE: not an
 * https URL, or a bad bucket; ERR_FULL: REST_HOSTS_MAX. */
int rest_host(struct rest *rest, const struct rest_host_config *config, struct rest_host **host);

/* rest_send copies the request and sends it, or queues it (serial lane busy, name not resolved
 * yet). 0; otherwise nothing leaves and done is not called: ERR_FULL: no free slot; ERR_AGAIN: no
 * tokens, breaker open, or paused; ERR_RANGE: request too large, control characters in a header or
 * path, method unknown. */
int rest_send(struct rest_host *host, const struct rest_request *request);

/* rest_host_pause refuses requests (ERR_AGAIN), cancels excepted, until until_ns. rest does it by
 * itself on Retry-After. */
void rest_host_pause(struct rest_host *host, int64_t until_ns);

/* rest_host_ready_ns says when a request of this weight may pass (now_ns or later). */
int64_t rest_host_ready_ns(struct rest_host *host, uint32_t weight, bool is_cancel, int64_t now_ns);

struct rest_counters {
    uint64_t started, answered, failed, timed_out;
    uint64_t never_sent;     /* Of the failed: provably. */
    uint64_t resend_blocked; /* libcurl would have sent again; it was not let. */
    uint64_t refused_full, refused_tokens, refused_breaker, refused_paused;
    uint64_t breaker_trips, body_too_big, headers_dropped;
};
void rest_counters(const struct rest *rest, struct rest_counters *out);

#endif
