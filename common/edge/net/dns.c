#include "common/edge/net/dns.h"

#include "common/leaf/err.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum name_state { NAME_FREE, NAME_KNOWN, NAME_REFUSED, NAME_ASKED };

/* One name: the loop's side. */
struct entry {
    enum name_state state;
    char name[DNS_NAME_MAX];
    struct dns_answer answer; /* The last good one; count 0: never had one. */
    int64_t until_ns;         /* KNOWN, REFUSED: valid until. */
    struct dns_query *waiting;
};

/* One look-up: what passes between the threads, under the lock. */
struct job {
    int slot;
    char name[DNS_NAME_MAX];
    int err;
    struct dns_answer answer;
};

struct ring {
    struct job jobs[DNS_NAMES_MAX]; /* A name has at most one job: it cannot overflow. */
    size_t head, count;
};

/* Shared by both threads; the last one to leave frees it. */
struct shared {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct ring asked, answered;
    bool is_closing;
    int event_fd;
    dns_lookup *lookup;
    atomic_int holders;
};

struct dns {
    struct loop *loop;
    struct loop_source source;
    struct shared *shared;
    int64_t ttl_ns, refused_ns;
    struct entry entries[DNS_NAMES_MAX];
    struct dns_counters counters;
};

static void ring_push(struct ring *ring, const struct job *job)
{
    assert(ring->count < DNS_NAMES_MAX);
    ring->jobs[(ring->head + ring->count++) % DNS_NAMES_MAX] = *job;
}

static struct job ring_pop(struct ring *ring)
{
    struct job job = ring->jobs[ring->head];

    ring->head = (ring->head + 1) % DNS_NAMES_MAX;
    ring->count--;
    return job;
}

static void shared_release(struct shared *shared)
{
    if (atomic_fetch_sub(&shared->holders, 1) != 1)
        return;
    if (shared->event_fd >= 0)
        close(shared->event_fd);
    pthread_cond_destroy(&shared->wake);
    pthread_mutex_destroy(&shared->lock);
    free(shared);
}

/* ---- the worker ---- */

static int lookup_system(const char *name, struct dns_answer *out)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG }, *list = NULL;
    int rc = getaddrinfo(name, NULL, &hints, &list);

    out->count = 0;
    if (rc != 0)
        return rc == EAI_AGAIN ? ERR_AGAIN : ERR_NOT_FOUND;
    for (struct addrinfo *at = list; at && out->count < DNS_ADDRESSES_MAX; at = at->ai_next) {
        struct dns_address *address = &out->addresses[out->count];
        if (at->ai_family == AF_INET6) {
            const struct sockaddr_in6 *v6 = (const void *)at->ai_addr;
            address->is_v6 = true;
            memcpy(address->bytes, &v6->sin6_addr, 16);
            out->count++;
        } else if (at->ai_family == AF_INET) {
            const struct sockaddr_in *v4 = (const void *)at->ai_addr;
            address->is_v6 = false;
            memcpy(address->bytes, &v4->sin_addr, 4);
            out->count++;
        }
    }
    freeaddrinfo(list);
    return out->count ? 0 : ERR_NOT_FOUND;
}

static void *work(void *arg)
{
    struct shared *shared = arg;

    pthread_mutex_lock(&shared->lock);
    for (;;) {
        while (!shared->asked.count && !shared->is_closing)
            pthread_cond_wait(&shared->wake, &shared->lock);
        if (shared->is_closing)
            break;
        struct job job = ring_pop(&shared->asked);
        pthread_mutex_unlock(&shared->lock);
        job.err = shared->lookup(job.name, &job.answer);
        pthread_mutex_lock(&shared->lock);
        ring_push(&shared->answered, &job);
        uint64_t one = 1;
        if (!shared->is_closing)
            (void)!write(shared->event_fd, &one, sizeof(one));
    }
    pthread_mutex_unlock(&shared->lock);
    shared_release(shared);
    return NULL;
}

/* ---- the loop's side ---- */

static void settle(struct dns *dns, struct entry *entry, const struct job *job)
{
    int64_t now_ns = loop_now_ns();
    int err = job->err;

    if (!err) {
        dns->counters.looked_up++;
        entry->answer = job->answer;
    } else {
        dns->counters.failed++;
    }
    if (err && entry->answer.count) {
        dns->counters.answered_old++;
        err = 0;
    }
    entry->state = err ? NAME_REFUSED : NAME_KNOWN;
    entry->until_ns = now_ns + (job->err ? dns->refused_ns : dns->ttl_ns);

    /* One by one from the entry, and from a copy: an answer may lead to a new question, or cancel
     * one that waits here. */
    struct dns_answer answer = entry->answer;
    while (entry->waiting) {
        struct dns_query *query = entry->waiting;
        entry->waiting = query->next;
        query->slot = 0;
        query->done(query, err, &answer);
    }
}

static void answers_ready(struct loop_source *source, uint32_t epoll_events)
{
    struct dns *dns = source->ctx;
    uint64_t count;

    (void)epoll_events;
    (void)!read(source->fd, &count, sizeof(count));
    for (;;) {
        pthread_mutex_lock(&dns->shared->lock);
        if (!dns->shared->answered.count) {
            pthread_mutex_unlock(&dns->shared->lock);
            return;
        }
        struct job job = ring_pop(&dns->shared->answered);
        pthread_mutex_unlock(&dns->shared->lock);
        settle(dns, &dns->entries[job.slot - 1], &job);
    }
}

static struct shared *start_worker(dns_lookup *lookup)
{
    struct shared *shared = calloc(1, sizeof(*shared));
    sigset_t all, before;
    pthread_t thread;

    if (!shared)
        return NULL;
    pthread_mutex_init(&shared->lock, NULL);
    pthread_cond_init(&shared->wake, NULL);
    atomic_store(&shared->holders, 2);
    shared->lookup = lookup;
    shared->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

    sigfillset(&all); /* Signals are the loop's. */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool is_running = shared->event_fd >= 0 && pthread_create(&thread, NULL, work, shared) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!is_running) {
        atomic_store(&shared->holders, 1);
        shared_release(shared);
        return NULL;
    }
    pthread_detach(thread);
    return shared;
}

int dns_open(struct dns **out, const struct dns_config *config)
{
    struct dns *dns = calloc(1, sizeof(*dns));

    if (!dns)
        return ERR_SYS;
    dns->loop = config->loop;
    dns->ttl_ns = config->ttl_ns ? config->ttl_ns : 60 * NS_PER_S;
    dns->refused_ns = config->refused_ns ? config->refused_ns : NS_PER_S;
    dns->shared = start_worker(config->lookup ? config->lookup : lookup_system);
    if (!dns->shared) {
        free(dns);
        return ERR_SYS;
    }
    dns->source =
        (struct loop_source){ .fd = dns->shared->event_fd, .ready = answers_ready, .ctx = dns };
    if (loop_add(dns->loop, &dns->source, EPOLLIN) != 0) {
        dns_close(&dns);
        return ERR_SYS;
    }
    *out = dns;
    return 0;
}

void dns_close(struct dns **dns_ptr)
{
    struct dns *dns = *dns_ptr;

    if (!dns)
        return;
    loop_remove(dns->loop, &dns->source);
    pthread_mutex_lock(&dns->shared->lock);
    dns->shared->is_closing = true;
    pthread_cond_signal(&dns->shared->wake);
    pthread_mutex_unlock(&dns->shared->lock);
    shared_release(dns->shared);
    free(dns);
    *dns_ptr = NULL;
}

static bool parse_number(const char *name, struct dns_address *out)
{
    struct dns_address address = { 0 };

    if (inet_pton(AF_INET, name, address.bytes) != 1) {
        if (inet_pton(AF_INET6, name, address.bytes) != 1)
            return false;
        address.is_v6 = true;
    }
    *out = address;
    return true;
}

/* The name's entry, or the one to give to it: a free one, else the settled one that expired first.
 */
static struct entry *find_entry(struct dns *dns, const char *name)
{
    struct entry *best = NULL;

    for (size_t i = 0; i < DNS_NAMES_MAX; i++) {
        struct entry *entry = &dns->entries[i];
        if (entry->state != NAME_FREE && strcmp(entry->name, name) == 0)
            return entry;
        if (entry->state != NAME_ASKED && !entry->waiting &&
            (!best || entry->until_ns < best->until_ns))
            best = entry;
    }
    if (best) {
        memset(best, 0, sizeof(*best));
        snprintf(best->name, sizeof(best->name), "%s", name);
    }
    return best;
}

static void ask(struct dns *dns, struct entry *entry)
{
    struct job job = { .slot = (int)(entry - dns->entries) + 1 };

    snprintf(job.name, sizeof(job.name), "%s", entry->name);
    entry->state = NAME_ASKED;
    pthread_mutex_lock(&dns->shared->lock);
    ring_push(&dns->shared->asked, &job);
    pthread_cond_signal(&dns->shared->wake);
    pthread_mutex_unlock(&dns->shared->lock);
}

int dns_resolve(struct dns *dns, const char *name, struct dns_query *query,
                struct dns_answer *answer)
{
    if (!*name || strlen(name) >= DNS_NAME_MAX)
        return ERR_RANGE;
    dns->counters.asked++;
    struct dns_address number;
    if (parse_number(name, &number)) {
        *answer = (struct dns_answer){ .addresses = { number }, .count = 1 };
        return 0;
    }
    struct entry *entry = find_entry(dns, name);
    if (!entry) {
        dns->counters.refused_full++;
        return ERR_FULL;
    }
    bool is_valid = loop_now_ns() < entry->until_ns;
    if (entry->state == NAME_KNOWN && is_valid) {
        dns->counters.from_cache++;
        *answer = entry->answer;
        return 0;
    }
    if (entry->state == NAME_REFUSED && is_valid)
        return ERR_NOT_FOUND;
    if (entry->state != NAME_ASKED)
        ask(dns, entry);
    query->slot = (int)(entry - dns->entries) + 1;
    query->next = entry->waiting;
    entry->waiting = query;
    return ERR_AGAIN;
}

void dns_cancel(struct dns *dns, struct dns_query *query)
{
    if (!query->slot)
        return;
    struct dns_query **at = &dns->entries[query->slot - 1].waiting;
    while (*at && *at != query)
        at = &(*at)->next;
    if (*at)
        *at = query->next;
    query->slot = 0;
}

void dns_text(const struct dns_address *address, char out[DNS_TEXT_MAX])
{
    inet_ntop(address->is_v6 ? AF_INET6 : AF_INET, address->bytes, out, DNS_TEXT_MAX);
}

socklen_t dns_sockaddr(const struct dns_address *address, uint16_t port,
                       struct sockaddr_storage *out)
{
    memset(out, 0, sizeof(*out));
    if (address->is_v6) {
        struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
        memcpy(&v6.sin6_addr, address->bytes, 16);
        memcpy(out, &v6, sizeof(v6));
        return sizeof(v6);
    }
    struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
    memcpy(&v4.sin_addr, address->bytes, 4);
    memcpy(out, &v4, sizeof(v4));
    return sizeof(v4);
}

void dns_counters(const struct dns *dns, struct dns_counters *out)
{
    *out = dns->counters;
}
