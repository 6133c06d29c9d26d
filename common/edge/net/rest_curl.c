#include "common/edge/net/rest_own.h"

#include "common/leaf/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>

/* ---- libcurl's sockets and timer, in our loop ---- */

/* Transfers may end inside any call into libcurl; they are reaped in the timer phase of this turn,
 * or of the next without sleep, never inside a call of ours. */
static void reap_soon(struct rest *rest)
{
    (void)loop_timer_at(rest->config.loop, &rest->reap_timer, 1);
}

static void socket_ready(struct loop_source *source, uint32_t epoll_events)
{
    struct rest_socket *sock = source->ctx;
    struct rest *rest = sock->rest;
    int running = 0, mask = 0;

    if (epoll_events & EPOLLIN)
        mask |= CURL_CSELECT_IN;
    if (epoll_events & EPOLLOUT)
        mask |= CURL_CSELECT_OUT;
    if (epoll_events & (EPOLLERR | EPOLLHUP))
        mask |= CURL_CSELECT_ERR;
    (void)curl_multi_socket_action(rest->multi, source->fd, mask, &running);
    reap_soon(rest);
}

static struct rest_socket *new_socket(struct rest *rest, curl_socket_t fd)
{
    for (size_t i = 0; i < rest->socket_count; i++) {
        struct rest_socket *sock = &rest->sockets[i];
        if (sock->is_used)
            continue;
        *sock = (struct rest_socket){ .source = { .fd = fd, .ready = socket_ready, .ctx = sock },
                                      .rest = rest,
                                      .is_used = true };
        return sock;
    }
    return NULL;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *known)
{
    struct rest *rest = ctx;
    struct rest_socket *sock = known;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (sock) {
            loop_remove(rest->config.loop, &sock->source);
            sock->is_used = false;
        }
        return 0;
    }
    uint32_t events = (what & CURL_POLL_IN ? EPOLLIN : 0U) | (what & CURL_POLL_OUT ? EPOLLOUT : 0U);
    if (sock)
        return loop_modify(rest->config.loop, &sock->source, events) ? -1 : 0;
    sock = new_socket(rest, fd);
    if (!sock)
        return -1;
    if (loop_add(rest->config.loop, &sock->source, events) != 0) {
        sock->is_used = false;
        return -1;
    }
    return curl_multi_assign(rest->multi, fd, sock) == CURLM_OK ? 0 : -1;
}

static int on_timeout(CURLM *multi, long ms, void *ctx)
{
    struct rest *rest = ctx;

    (void)multi;
    if (ms < 0)
        loop_timer_stop(rest->config.loop, &rest->curl_timer);
    else
        (void)loop_timer_at(rest->config.loop, &rest->curl_timer,
                            ms ? loop_now_ns() + ms * NS_PER_MS : 1);
    return 0;
}

static void kick(struct rest *rest)
{
    int running = 0;

    (void)curl_multi_socket_action(rest->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    reap_soon(rest);
}

static void curl_timer_fired(struct loop_timer *timer, int64_t now_ns)
{
    (void)now_ns;
    kick(timer->ctx);
}

static int err_of(CURLcode code)
{
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
        return ERR_TIMEOUT;
    case CURLE_COULDNT_RESOLVE_HOST:
        return ERR_NOT_FOUND;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
        return ERR_AUTH;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_BAD_CONTENT_ENCODING:
        return ERR_PROTO;
    default:
        return ERR_CLOSED;
    }
}

static void give_result(struct slot *slot, CURLcode code)
{
    long status = 0;

    (void)curl_easy_getinfo(slot->easy, CURLINFO_RESPONSE_CODE, &status);
    if (code == CURLE_OK)
        rest_finish(slot, (int)status, 0, "");
    else if (slot->is_too_big)
        rest_finish(slot, 0, ERR_FULL, "body above the ceiling");
    else if (slot->was_resend_blocked)
        rest_finish(slot, 0, ERR_CLOSED, "connection broke after the request was sent");
    else
        rest_finish(slot, 0, err_of(code), *slot->error ? slot->error : curl_easy_strerror(code));
}

static void reap(struct loop_timer *timer, int64_t now_ns)
{
    struct rest *rest = timer->ctx;
    CURLMsg *message;
    int left;

    (void)now_ns;
    while ((message = curl_multi_info_read(rest->multi, &left))) {
        struct slot *slot = NULL;
        CURLcode code = message->data.result;
        if (message->msg != CURLMSG_DONE)
            continue;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&slot);
        (void)curl_multi_remove_handle(rest->multi, slot->easy);
        slot->is_active = false;
        give_result(slot, code);
    }
}

/* ---- one transfer ---- */

/* Called when a connection is ready and the request is about to be written: up to here nothing has
 * left. libcurl writes a request again when a kept-alive connection dies under it before any
 * answer; the server may have executed the first, so only what may be repeated is let through a
 * second time. */
static int on_before_request(void *ctx, char *peer, char *local, int peer_port, int local_port)
{
    struct slot *slot = ctx;

    (void)peer, (void)local, (void)peer_port, (void)local_port;
    if (slot->sends && !slot->is_repeatable) {
        slot->was_resend_blocked = true;
        slot->rest->counters.resend_blocked++;
        return CURL_PREREQFUNC_ABORT;
    }
    slot->sends++;
    slot->sent_ns = loop_now_ns();
    return CURL_PREREQFUNC_OK;
}

static bool grow_body(struct slot *slot, size_t need)
{
    size_t cap = slot->in_cap ? slot->in_cap : BODY_FIRST;

    while (cap < need)
        cap *= 2;
    char *in = realloc(slot->in, cap);
    if (!in)
        return false;
    slot->in = in;
    slot->in_cap = cap;
    return true;
}

static size_t on_body(char *data, size_t size, size_t count, void *ctx)
{
    struct slot *slot = ctx;
    size_t len = size * count;

    if (len > slot->rest->config.response_max ||
        slot->in_len > slot->rest->config.response_max - len ||
        (slot->in_len + len + 1 > slot->in_cap && !grow_body(slot, slot->in_len + len + 1))) {
        slot->is_too_big = true;
        slot->rest->counters.body_too_big++;
        return 0;
    }
    memcpy(slot->in + slot->in_len, data, len);
    slot->in_len += len;
    return len;
}

static bool is_of_interest(const char *name, size_t len)
{
    return (len > 2 && strncasecmp(name, "x-", 2) == 0) ||
           (len > 3 && strncasecmp(name, "cb-", 3) == 0) ||
           (len == 11 && strncasecmp(name, "retry-after", 11) == 0) ||
           (len == 4 && strncasecmp(name, "date", 4) == 0);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void capture(struct slot *slot, const char *line, size_t len)
{
    const char *colon = memchr(line, ':', len);
    struct rest_header header = { 0 };

    if (!colon || !is_of_interest(line, (size_t)(colon - line)))
        return;
    size_t name_len = (size_t)(colon - line);
    const char *value = colon + 1, *end = line + len;
    while (value < end && is_space(*value))
        value++;
    while (end > value && is_space(end[-1]))
        end--;
    size_t value_len = (size_t)(end - value);
    if (slot->captured_count == REST_CAPTURED_MAX || name_len >= sizeof(header.name) ||
        value_len >= sizeof(header.value)) {
        slot->rest->counters.headers_dropped++;
        return;
    }
    for (size_t i = 0; i < name_len; i++)
        header.name[i] = (char)(line[i] >= 'A' && line[i] <= 'Z' ? line[i] + ('a' - 'A') : line[i]);
    memcpy(header.value, value, value_len);
    slot->captured[slot->captured_count++] = header;
}

static size_t on_header(char *line, size_t size, size_t count, void *ctx)
{
    struct slot *slot = ctx;
    size_t len = size * count;

    if (len >= 5 && memcmp(line, "HTTP/", 5) == 0)
        slot->captured_count = 0; /* A new head: what came before was an interim answer. */
    else
        capture(slot, line, len);
    return len;
}

/* Set once per handle: what never changes. The order of checks that matter for safety: https only,
 * verification on, no redirect, no proxy. */
static bool set_fixed(struct slot *slot)
{
    struct rest *rest = slot->rest;
    CURL *easy = slot->easy;
    bool ok = true;

#define SET(option, value) ok = curl_easy_setopt(easy, option, value) == CURLE_OK && ok
    SET(CURLOPT_PROTOCOLS_STR, "https");
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (rest->ca_file) {
        SET(CURLOPT_CAINFO, rest->ca_file);
        SET(CURLOPT_CAPATH, NULL); /* Else the system's store stays trusted beside it. */
    }
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_PATH_AS_IS, 1L);
    SET(CURLOPT_TCP_NODELAY, 1L);
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    SET(CURLOPT_MAXAGE_CONN, 55L); /* Below the idle limit of common front ends (60 s). */
    SET(CURLOPT_USERAGENT, "tickpipe");
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)(rest->config.connect_timeout_ns / NS_PER_MS));
    SET(CURLOPT_ERRORBUFFER, slot->error);
    SET(CURLOPT_PRIVATE, slot);
    SET(CURLOPT_PREREQFUNCTION, on_before_request);
    SET(CURLOPT_PREREQDATA, slot);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, slot);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, slot);
    return ok;
}

static bool set_request(struct slot *slot)
{
    CURL *easy = slot->easy;
    struct rest_host *host = slot->host;
    bool is_post = strcmp(slot->method, "POST") == 0;
    bool has_body = is_post || slot->body_len || strcmp(slot->method, "PUT") == 0;
    bool is_plain = is_post || strcmp(slot->method, "GET") == 0;
    int64_t left_ns = MAX(slot->deadline_ns - loop_now_ns(), NS_PER_MS);
    bool ok = true;

    if (has_body) {
        SET(CURLOPT_POST, 1L);
        SET(CURLOPT_POSTFIELDS, slot->body);
        SET(CURLOPT_POSTFIELDSIZE, (long)slot->body_len);
    } else {
        SET(CURLOPT_HTTPGET, 1L);
    }
    SET(CURLOPT_CUSTOMREQUEST, is_plain && !(has_body && !is_post) ? NULL : slot->method);
    SET(CURLOPT_URL, host->base_url);
    SET(CURLOPT_REQUEST_TARGET, slot->target); /* Raw: libcurl's URL parser never sees it. */
    SET(CURLOPT_HTTPHEADER, slot->list);
    SET(CURLOPT_TIMEOUT_MS, (long)((left_ns + NS_PER_MS - 1) / NS_PER_MS));
    if (host->is_line_new) { /* The handles of a multi share its name cache: once is enough. */
        SET(CURLOPT_RESOLVE, &host->resolve_list);
        host->is_line_new = false;
    }
#undef SET
    return ok;
}

int rest_curl_start(struct slot *slot)
{
    struct rest *rest = slot->rest;

    slot->error[0] = '\0';
    if (!set_request(slot) || curl_multi_add_handle(rest->multi, slot->easy) != CURLM_OK)
        return ERR_SYS;
    slot->is_active = true;
    kick(rest); /* The bytes leave in here when a connection is warm. */
    return 0;
}

/* ---- life ---- */

static bool set_multi(struct rest *rest)
{
    CURLM *multi = rest->multi;
    bool ok = true;

#define SET(option, value) ok = curl_multi_setopt(multi, option, value) == CURLM_OK && ok
    SET(CURLMOPT_SOCKETFUNCTION, on_socket);
    SET(CURLMOPT_SOCKETDATA, rest);
    SET(CURLMOPT_TIMERFUNCTION, on_timeout);
    SET(CURLMOPT_TIMERDATA, rest);
    SET(CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    SET(CURLMOPT_MAXCONNECTS, (long)rest->config.slots);
#undef SET
    return ok;
}

int rest_curl_open(struct rest *rest)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return ERR_SYS;
    rest->multi = curl_multi_init();
    if (!rest->multi || !set_multi(rest))
        return ERR_SYS;
    for (unsigned i = 0; i < rest->config.slots; i++) {
        struct slot *slot = &rest->slots[i];
        slot->easy = curl_easy_init();
        if (!slot->easy || !grow_body(slot, BODY_FIRST) || !set_fixed(slot))
            return ERR_SYS;
    }
    rest->curl_timer = (struct loop_timer){ .fire = curl_timer_fired, .ctx = rest };
    rest->reap_timer = (struct loop_timer){ .fire = reap, .ctx = rest };
    return 0;
}

void rest_curl_close(struct rest *rest)
{
    for (unsigned i = 0; rest->slots && i < rest->config.slots; i++) {
        struct slot *slot = &rest->slots[i];
        if (slot->is_active)
            (void)curl_multi_remove_handle(rest->multi, slot->easy);
        curl_easy_cleanup(slot->easy);
        free(slot->in);
    }
    if (rest->multi)
        (void)curl_multi_cleanup(rest->multi);
    loop_timer_stop(rest->config.loop, &rest->curl_timer);
    loop_timer_stop(rest->config.loop, &rest->reap_timer);
    curl_global_cleanup();
}
