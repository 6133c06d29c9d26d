/* dns.h - names to addresses, off the loop.
 *
 * getaddrinfo can block for half a minute; one worker thread per resolver waits for it, so the loop
 * never does. Answers are kept for a while; a name that was known and cannot be resolved now is
 * answered with its old addresses (the certificate decides whether they are still right).
 * Everything except the worker is on the loop's thread. */
#ifndef TICKPIPE_COMMON_EDGE_NET_DNS_H
#define TICKPIPE_COMMON_EDGE_NET_DNS_H

#include "common/edge/loop.h"

#include <netinet/in.h>

enum {
    DNS_NAMES_MAX = 64,    /* Cached or under way. */
    DNS_ADDRESSES_MAX = 8, /* Kept per name. */
    DNS_NAME_MAX = 254,
    DNS_TEXT_MAX = 64, /* An address as text. */
};

struct dns_address {
    bool is_v6;
    uint8_t bytes[16]; /* Network order; 4 of them where not v6. */
};

struct dns_answer {
    struct dns_address addresses[DNS_ADDRESSES_MAX];
    size_t count;
};

/* How a name is looked up, on the worker: 0 and a filled answer, or ERR_NOT_FOUND, ERR_AGAIN. */
typedef int dns_lookup(const char *name, struct dns_answer *out);

struct dns;

struct dns_config {
    struct loop *loop;
    dns_lookup *lookup; /* NULL: getaddrinfo. */
    int64_t ttl_ns;     /* 0: 60 s. */
    int64_t refused_ns; /* How long a failure is remembered; 0: 1 s. */
};

/* dns_open starts the worker. 0 or ERR_SYS. dns_close never waits for a look-up that hangs: the
 * worker then frees what is left. Queries must be answered or cancelled before. */
int dns_open(struct dns **dns, const struct dns_config *config);
void dns_close(struct dns **dns);

/* A question, in the caller's memory until done, or dns_cancel. */
struct dns_query {
    void (*done)(struct dns_query *query, int err, const struct dns_answer *answer);
    void *ctx;
    struct dns_query *next; /* The resolver's own. */
    int slot;               /* The same: where it waits, from 1. */
};

/* dns_resolve answers numbers and cached names at once: 0 with *answer filled, done is not called.
 * ERR_AGAIN: done comes later, on the loop. ERR_NOT_FOUND: refused a moment ago. ERR_FULL: too many
 * names under way. ERR_RANGE: no name at all or a name too long. */
int dns_resolve(struct dns *dns, const char *name, struct dns_query *query,
                struct dns_answer *answer);
void dns_cancel(struct dns *dns, struct dns_query *query); /* Fine when it does not wait. */

/* dns_text writes an address for people and for libcurl (no brackets). */
void dns_text(const struct dns_address *address, char out[DNS_TEXT_MAX]);

/* dns_sockaddr makes the socket address; returns its length. */
socklen_t dns_sockaddr(const struct dns_address *address, uint16_t port,
                       struct sockaddr_storage *out);

struct dns_counters {
    uint64_t asked, from_cache, looked_up, failed, answered_old, refused_full;
};
void dns_counters(const struct dns *dns, struct dns_counters *out);

#endif
