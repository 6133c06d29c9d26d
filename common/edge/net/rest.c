#include "common/edge/net/rest.h"

#include "common/edge/net/rest_own.h"
#include "common/edge/net/tls.h"
#include "common/leaf/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FAILURES_DEFAULT = 5,
    PAUSE_MAX_S = 3 * 86400, /* The longest ban that a venue announces. */
};
static const int64_t timeout_default_ns = 10 * NS_PER_S;
static const int64_t resolve_again_ns = 30 * NS_PER_S;

/* ---- slots ---- */

static struct slot *take_slot(struct rest *rest)
{
    struct slot *slot = rest->free;

    if (!slot)
        return NULL;
    rest->free = slot->next;
    slot->next = NULL;
    slot->is_used = true;
    slot->is_active = slot->is_started = slot->has_lane = false;
    slot->was_resend_blocked = slot->is_too_big = false;
    slot->sends = 0;
    slot->sent_ns = 0;
    slot->in_len = slot->captured_count = 0;
    return slot;
}

static void give_slot(struct slot *slot)
{
    struct rest *rest = slot->rest;

    if (slot->in_cap > BODY_KEPT) {
        char *in = realloc(slot->in, BODY_FIRST);
        if (in) {
            slot->in = in;
            slot->in_cap = BODY_FIRST;
        }
    }
    slot->is_used = false;
    slot->next = rest->free;
    rest->free = slot;
}

/* ---- the order of a host's requests ---- */

static void unlink_waiting(struct slot *slot)
{
    struct slot **at = &slot->host->waiting;

    while (*at != slot)
        at = &(*at)->next;
    *at = slot->next;
    slot->next = NULL;
}

static int start(struct slot *slot)
{
    int err = rest_curl_start(slot);

    if (err)
        return err;
    slot->is_started = true;
    slot->has_lane = slot->is_serial;
    if (slot->has_lane)
        slot->host->is_serial_busy = true;
    slot->rest->counters.started++;
    return 0;
}

/* Starts what may start, in order: later plain requests pass a serial one that waits for its turn.
 */
static void pump(struct rest_host *host)
{
    struct slot *slot = host->waiting;

    while (slot && host->is_resolved) {
        struct slot *next = slot->next;
        if (!slot->is_serial || !host->is_serial_busy) {
            unlink_waiting(slot);
            if (start(slot) != 0) {
                rest_finish(slot, 0, ERR_SYS, "libcurl refused the request");
                return; /* That has pumped what is left. */
            }
        }
        slot = next;
    }
}

static void enqueue(struct slot *slot)
{
    struct slot **at = &slot->host->waiting;
    struct loop_timer *timer = &slot->rest->wait_timer;

    while (*at)
        at = &(*at)->next;
    *at = slot;
    if (!timer->at_ns || slot->deadline_ns < timer->at_ns)
        (void)loop_timer_at(slot->rest->config.loop, timer, slot->deadline_ns);
}

/* Ends requests that never started. They are off every queue first: done may do anything. */
static void finish_list(struct slot *list, int err, const char *error)
{
    while (list) {
        struct slot *slot = list;
        list = slot->next;
        slot->next = NULL;
        rest_finish(slot, 0, err, error);
    }
}

/* Requests whose time ran out before they could start: these provably never left. */
static void expire_waiting(struct loop_timer *timer, int64_t now_ns)
{
    struct rest *rest = timer->ctx;
    struct slot *expired = NULL, **tail = &expired;
    int64_t next_ns = INT64_MAX;

    for (size_t i = 0; i < rest->host_count; i++) {
        struct slot *next;
        for (struct slot *slot = rest->hosts[i].waiting; slot; slot = next) {
            next = slot->next;
            if (slot->deadline_ns > now_ns) {
                next_ns = MIN(next_ns, slot->deadline_ns);
                continue;
            }
            unlink_waiting(slot);
            *tail = slot;
            tail = &slot->next;
        }
    }
    if (next_ns != INT64_MAX)
        (void)loop_timer_at(rest->config.loop, timer, next_ns);
    finish_list(expired, ERR_TIMEOUT, "time ran out before it could be sent");
}

static void learn(struct slot *slot, int status, int err)
{
    struct rest_host *host = slot->host;
    int64_t now_ns = loop_now_ns();

    if (status >= 500 || (!status && slot->is_started && err != ERR_FULL))
        breaker_failure(&host->breaker, now_ns);
    else if (slot->is_started)
        breaker_success(&host->breaker);
    for (size_t i = 0; status >= 400 && i < slot->captured_count; i++) {
        if (strcmp(slot->captured[i].name, "retry-after") != 0)
            continue;
        char *end;
        long seconds = strtol(slot->captured[i].value, &end, 10);
        if (*end == '\0' && seconds > 0)
            rest_host_pause(host, now_ns + MIN(seconds, PAUSE_MAX_S) * NS_PER_S);
    }
}

void rest_finish(struct slot *slot, int status, int err, const char *error)
{
    struct rest_host *host = slot->host;
    struct rest_counters *counters = &slot->rest->counters;
    struct rest_response response = { .tag = slot->tag,
                                      .url = slot->url,
                                      .status = status,
                                      .was_sent = slot->sends > 0,
                                      .err = err,
                                      .error = error,
                                      .body = slot->in,
                                      .body_len = status ? slot->in_len : 0,
                                      .headers = slot->captured,
                                      .header_count = status ? slot->captured_count : 0,
                                      .queued_ns = slot->queued_ns,
                                      .sent_ns = slot->sent_ns,
                                      .received_ns = loop_now_ns() };

    slot->in[response.body_len] = '\0';
    learn(slot, status, err);
    counters->answered += status != 0;
    counters->failed += status == 0;
    counters->timed_out += err == ERR_TIMEOUT;
    counters->never_sent += status == 0 && !response.was_sent;
    if (slot->has_lane)
        host->is_serial_busy = false;
    slot->done(slot->ctx, &response);
    give_slot(slot);
    pump(host);
}

/* ---- names ---- */

static void take_addresses(struct rest_host *host, const struct dns_answer *answer)
{
    char line[RESOLVE_LINE_MAX], text[DNS_TEXT_MAX];
    int n = snprintf(line, sizeof(line), "%s:%u:", host->url.host, host->url.port);

    for (size_t i = 0; i < answer->count; i++) {
        bool is_v6 = answer->addresses[i].is_v6;
        dns_text(&answer->addresses[i], text);
        n += snprintf(line + n, sizeof(line) - (size_t)n, "%s%s%s%s", i ? "," : "",
                      is_v6 ? "[" : "", text, is_v6 ? "]" : "");
    }
    host->is_resolved = true;
    if (strcmp(line, host->resolve_line) == 0)
        return;
    memcpy(host->resolve_line, line, (size_t)n + 1);
    host->is_line_new = true;
}

static void refuse_waiting(struct rest_host *host, int err)
{
    struct slot *list = host->waiting;

    host->waiting = NULL;
    if (list)
        breaker_failure(&host->breaker, loop_now_ns());
    finish_list(list, err == ERR_AGAIN ? ERR_NOT_FOUND : err, "name not resolved");
}

static void on_resolved(struct dns_query *query, int err, const struct dns_answer *answer)
{
    struct rest_host *host = query->ctx;

    host->is_asking = false;
    if (!err)
        take_addresses(host, answer);
    if (host->is_resolved)
        pump(host);
    else
        refuse_waiting(host, err);
}

static void ask(struct rest_host *host)
{
    struct dns_answer answer;

    if (host->is_asking)
        return;
    int err = dns_resolve(host->rest->config.dns, host->url.host, &host->query, &answer);
    if (err == 0)
        take_addresses(host, &answer);
    host->is_asking = err == ERR_AGAIN;
}

/* Addresses are renewed behind the back of the requests, which go on with the old ones meanwhile;
 * those that wait for a name that was refused a moment ago are told here. */
static void resolve_again(struct loop_timer *timer, int64_t now_ns)
{
    struct rest *rest = timer->ctx;

    (void)loop_timer_at(rest->config.loop, timer, now_ns + resolve_again_ns);
    for (size_t i = 0; i < rest->host_count; i++) {
        struct rest_host *host = &rest->hosts[i];
        ask(host);
        if (host->is_resolved)
            pump(host);
        else if (!host->is_asking)
            refuse_waiting(host, ERR_NOT_FOUND);
    }
}

/* ---- what may go ---- */

void rest_host_pause(struct rest_host *host, int64_t until_ns)
{
    host->paused_until_ns = MAX(host->paused_until_ns, until_ns);
}

static int64_t reserve_of(const struct rest_host *host, bool is_cancel)
{
    return is_cancel ? 0 : host->cancel_reserve;
}

int64_t rest_host_ready_ns(struct rest_host *host, uint32_t weight, bool is_cancel, int64_t now_ns)
{
    int64_t ready_ns = now_ns;

    if (host->has_bucket && weight)
        ready_ns = MAX(ready_ns, rate_limit_ready_ns(&host->bucket, weight,
                                                     reserve_of(host, is_cancel), now_ns));
    if (is_cancel)
        return ready_ns;
    if (host->breaker.state == BREAKER_OPEN)
        ready_ns = MAX(ready_ns, host->breaker.opened_at_ns + host->breaker.open_ns);
    return MAX(ready_ns, host->paused_until_ns);
}

static int pass_limits(struct rest_host *host, const struct rest_request *request, int64_t now_ns)
{
    struct rest_counters *counters = &host->rest->counters;
    int64_t weight = request->weight;

    if (!request->is_cancel && now_ns < host->paused_until_ns) {
        counters->refused_paused++;
        return ERR_AGAIN;
    }
    if (host->has_bucket && weight) {
        int err =
            rate_limit_take(&host->bucket, weight, reserve_of(host, request->is_cancel), now_ns);
        if (err) {
            counters->refused_tokens++;
            return err;
        }
    }
    if (!request->is_cancel && !breaker_allows(&host->breaker, now_ns)) {
        if (host->has_bucket) /* Nothing left: the tokens were not spent. */
            host->bucket.tokens = MIN(host->bucket.tokens + weight, host->bucket.burst);
        counters->refused_breaker++;
        return ERR_AGAIN;
    }
    return 0;
}

/* ---- rest_send ---- */

static bool is_clean(const char *text, size_t cap, char lowest)
{
    size_t len = strnlen(text, cap);

    if (len == cap)
        return false;
    for (size_t i = 0; i < len; i++)
        if (text[i] < lowest || text[i] == 0x7f)
            return false;
    return true;
}

static bool is_known_method(const char *method)
{
    return strcmp(method, "GET") == 0 || strcmp(method, "POST") == 0 ||
           strcmp(method, "PUT") == 0 || strcmp(method, "DELETE") == 0;
}

static bool is_valid(const struct rest_request *request)
{
    if (!is_known_method(request->method) || request->path[0] != '/' ||
        !is_clean(request->path, REST_PATH_MAX, '!') || request->body_len > REST_BODY_MAX ||
        request->header_count > REST_HEADERS_MAX || request->timeout_ns < 0)
        return false;
    for (size_t i = 0; i < request->header_count; i++) {
        const struct rest_header *header = &request->headers[i];
        if (!header->name[0] || !is_clean(header->name, sizeof(header->name), '!') ||
            strchr(header->name, ':') || !is_clean(header->value, sizeof(header->value), ' '))
            return false;
    }
    return true;
}

static void fill(struct slot *slot, struct rest_host *host, const struct rest_request *request,
                 int64_t now_ns)
{
    size_t count = request->header_count;
    int64_t timeout_ns = request->timeout_ns ? request->timeout_ns : timeout_default_ns;

    slot->host = host;
    slot->tag = request->tag;
    slot->done = request->done;
    slot->ctx = request->ctx;
    slot->is_serial = request->is_serial;
    slot->is_repeatable = strcmp(request->method, "GET") == 0;
    slot->queued_ns = now_ns;
    slot->deadline_ns = now_ns + timeout_ns;
    slot->method = slot->is_repeatable                    ? "GET"
                   : strcmp(request->method, "POST") == 0 ? "POST"
                   : strcmp(request->method, "PUT") == 0  ? "PUT"
                                                          : "DELETE";
    int n = snprintf(slot->url, sizeof(slot->url), "%s%s", host->base_url, request->path);
    slot->target = slot->url + n - strlen(request->path);
    if (request->body_len)
        memcpy(slot->body, request->body, request->body_len);
    slot->body_len = request->body_len;
    for (size_t i = 0; i < count; i++)
        snprintf(slot->lines[i], sizeof(slot->lines[i]), "%s: %s", request->headers[i].name,
                 request->headers[i].value);
    /* No "100 Continue" first: it would cost a round trip. */
    snprintf(slot->lines[count], sizeof(slot->lines[count]), "Expect:");
    for (size_t i = 0; i <= count; i++)
        slot->list[i] = (struct curl_slist){ .data = slot->lines[i],
                                             .next = i < count ? &slot->list[i + 1] : NULL };
}

int rest_send(struct rest_host *host, const struct rest_request *request)
{
    struct rest *rest = host->rest;
    int64_t now_ns = loop_now_ns();

    if (!is_valid(request))
        return ERR_RANGE;
    if (!rest->free) {
        rest->counters.refused_full++;
        return ERR_FULL;
    }
    int err = pass_limits(host, request, now_ns);
    if (err)
        return err;
    struct slot *slot = take_slot(rest);
    fill(slot, host, request, now_ns);
    if (!host->is_resolved)
        ask(host);
    if (host->is_resolved && !host->waiting && !(slot->is_serial && host->is_serial_busy)) {
        err = start(slot);
        if (err)
            give_slot(slot);
        return err;
    }
    enqueue(slot);
    if (host->is_resolved)
        pump(host);
    else if (!host->is_asking) /* Refused a moment ago: told in a turn of its own. */
        (void)loop_timer_at(rest->config.loop, &rest->resolve_timer, 1);
    return 0;
}

/* ---- life ---- */

static int check_ca_file(const char *ca_file)
{
    struct tls *tls = NULL;
    int err = tls_open(&tls, ca_file);

    tls_close(&tls);
    return err;
}

static int allocate(struct rest *rest)
{
    rest->slots = calloc(rest->config.slots, sizeof(*rest->slots));
    rest->socket_count =
        (size_t)rest->config.slots * 2 + 8; /* Two families may race per transfer. */
    rest->sockets = calloc(rest->socket_count, sizeof(*rest->sockets));
    if (rest->config.ca_file)
        rest->ca_file = strdup(rest->config.ca_file);
    if (!rest->slots || !rest->sockets || (rest->config.ca_file && !rest->ca_file))
        return ERR_SYS;
    rest->config.ca_file = rest->ca_file;
    for (unsigned i = rest->config.slots; i-- > 0;) {
        rest->slots[i].rest = rest;
        rest->slots[i].next = rest->free;
        rest->free = &rest->slots[i];
    }
    return 0;
}

int rest_open(struct rest **out, const struct rest_config *config)
{
    if (config->slots > REST_SLOTS_MAX)
        return ERR_RANGE;
    int err = config->ca_file ? check_ca_file(config->ca_file) : 0;
    if (err)
        return err;
    struct rest *rest = calloc(1, sizeof(*rest));
    if (!rest)
        return ERR_SYS;
    rest->config = *config;
    if (!config->slots)
        rest->config.slots = SLOTS_DEFAULT;
    if (!config->response_max)
        rest->config.response_max = 32 << 20;
    if (!config->connect_timeout_ns)
        rest->config.connect_timeout_ns = 5 * NS_PER_S;
    rest->wait_timer = (struct loop_timer){ .fire = expire_waiting, .ctx = rest };
    rest->resolve_timer = (struct loop_timer){ .fire = resolve_again, .ctx = rest };
    err = allocate(rest);
    if (!err)
        err = rest_curl_open(rest);
    if (!err)
        err = loop_timer_at(config->loop, &rest->resolve_timer, loop_now_ns() + resolve_again_ns);
    if (err) {
        rest_close(&rest);
        return err;
    }
    *out = rest;
    return 0;
}

void rest_close(struct rest **rest_ptr)
{
    struct rest *rest = *rest_ptr;

    if (!rest)
        return;
    for (size_t i = 0; i < rest->host_count; i++)
        dns_cancel(rest->config.dns, &rest->hosts[i].query);
    rest_curl_close(rest);
    loop_timer_stop(rest->config.loop, &rest->wait_timer);
    loop_timer_stop(rest->config.loop, &rest->resolve_timer);
    free(rest->ca_file);
    free(rest->sockets);
    free(rest->slots);
    free(rest);
    *rest_ptr = NULL;
}

int rest_host(struct rest *rest, const struct rest_host_config *config, struct rest_host **out)
{
    struct rest_host *host = &rest->hosts[rest->host_count];
    char authority[URL_HOST_MAX + 9];

    if (rest->host_count == REST_HOSTS_MAX)
        return ERR_FULL;
    memset(host, 0, sizeof(*host));
    if (url_parse(config->base_url, "https", &host->url) != 0 || strcmp(host->url.target, "/") != 0)
        return ERR_RANGE;
    if (config->burst) {
        if (config->cancel_reserve < 0 || config->cancel_reserve >= config->burst ||
            rate_limit_init(&host->bucket, config->burst, config->count, config->period_ns,
                            loop_now_ns()) != 0)
            return ERR_RANGE;
        host->has_bucket = true;
        host->cancel_reserve = config->cancel_reserve;
    }
    breaker_init(&host->breaker, config->failures_max ? config->failures_max : FAILURES_DEFAULT,
                 config->open_ns ? config->open_ns : 2 * NS_PER_S);
    url_authority(&host->url, authority, sizeof(authority));
    snprintf(host->base_url, sizeof(host->base_url), "https://%s", authority);
    host->rest = rest;
    host->query = (struct dns_query){ .done = on_resolved, .ctx = host };
    host->resolve_list.data = host->resolve_line;
    rest->host_count++;
    /* libcurl takes numbers as they are. */
    host->is_resolved = host->url.is_numeric;
    if (!host->is_resolved)
        ask(host);
    *out = host;
    return 0;
}

void rest_counters(const struct rest *rest, struct rest_counters *out)
{
    *out = rest->counters;
    for (size_t i = 0; i < rest->host_count; i++)
        out->breaker_trips += rest->hosts[i].breaker.trips;
}
