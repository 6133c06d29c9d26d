#include "common/edge/net/rest.h"
#include "tests/unit/check.h"
#include "tests/unit/net_fixture.h"

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/http.h>

/* ---- an independent peer: libevent's evhttp over TLS ---- */

static struct {
    struct event_base *base;
    struct evhttp *http;
    SSL_CTX *context;
    pthread_t thread;
    uint16_t port;
    struct event *tick;
    atomic_bool is_stopping;
    atomic_int in_flight, in_flight_max, requests, handshakes;
    char order[256];
} peer;

struct delayed {
    struct evhttp_request *request;
    struct event *timer;
};

static void answer(struct evhttp_request *request, int status)
{
    struct evbuffer *out = evbuffer_new();
    struct evbuffer *in = evhttp_request_get_input_buffer(request);
    struct evkeyvalq *headers = evhttp_request_get_input_headers(request);
    static const char *const methods[32] = {
        [0] = "GET", [1] = "POST", [3] = "PUT", [4] = "DELETE"
    };
    const char *type = evhttp_find_header(headers, "Content-Type");
    const char *key = evhttp_find_header(headers, "X-MBX-APIKEY");
    unsigned method = (unsigned)__builtin_ctz((unsigned)evhttp_request_get_command(request));

    evbuffer_add_printf(out, "%s %s type=%s key=%s body=", methods[method],
                        evhttp_request_get_uri(request), type ? type : "-", key ? key : "-");
    evbuffer_add_buffer(out, in);
    struct evkeyvalq *to = evhttp_request_get_output_headers(request);
    evhttp_add_header(to, "X-MBX-Used-Weight-1M", " 42 ");
    evhttp_add_header(to, "Content-Type", "text/plain");
    if (status == 429)
        evhttp_add_header(to, "Retry-After", "7");
    evhttp_send_reply(request, status, "x", out);
    evbuffer_free(out);
    peer.in_flight--;
}

static void answer_later(evutil_socket_t fd, short what, void *arg)
{
    struct delayed *delayed = arg;

    (void)fd, (void)what;
    answer(delayed->request, 200);
    event_free(delayed->timer);
    free(delayed);
}

static void on_request(struct evhttp_request *request, void *arg)
{
    const char *uri = evhttp_request_get_uri(request);
    struct timeval soon = { .tv_usec = 30000 };

    struct evhttp_connection *connection = evhttp_request_get_connection(request);
    evutil_socket_t fd = bufferevent_getfd(evhttp_connection_get_bufferevent(connection));
    int one = 1; /* evhttp leaves Nagle on: each answer would wait for a delayed ACK. */

    (void)arg;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    peer.requests++;
    peer.in_flight++;
    if (peer.in_flight > peer.in_flight_max)
        peer.in_flight_max = (int)peer.in_flight;
    if (strncmp(uri, "/slow/", 6) == 0) {
        struct delayed *delayed = malloc(sizeof(*delayed));
        snprintf(peer.order + strlen(peer.order), 8, "%.1s ", uri + 6);
        delayed->request = request;
        delayed->timer = evtimer_new(peer.base, answer_later, delayed);
        evtimer_add(delayed->timer, &soon);
        return;
    }
    if (strcmp(uri, "/big") == 0) {
        struct evbuffer *out = evbuffer_new();
        for (int i = 0; i < 20000; i++)
            evbuffer_add(out, "0123456789", 10);
        evhttp_send_reply(request, 200, "x", out);
        evbuffer_free(out);
        peer.in_flight--;
        return;
    }
    answer(request, strncmp(uri, "/status/", 8) == 0 ? atoi(uri + 8) : 200);
}

static struct bufferevent *over_tls(struct event_base *base, void *arg)
{
    peer.handshakes++;
    return bufferevent_openssl_socket_new(base, -1, SSL_new(arg), BUFFEREVENT_SSL_ACCEPTING,
                                          BEV_OPT_CLOSE_ON_FREE);
}

static void stop_when_asked(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what, (void)arg;
    if (peer.is_stopping)
        event_base_loopbreak(peer.base);
}

static void *run_peer(void *arg)
{
    (void)arg;
    event_base_dispatch(peer.base);
    return NULL;
}

static void peer_start(const char *certificate)
{
    struct timeval often = { .tv_usec = 5000 };
    int fd;

    memset(&peer, 0, sizeof(peer));
    net_listen(&fd, &peer.port);
    evutil_make_socket_nonblocking(fd);
    peer.context = net_server_context(certificate);
    peer.base = event_base_new();
    peer.http = evhttp_new(peer.base);
    peer.tick = event_new(peer.base, -1, EV_PERSIST, stop_when_asked, NULL);
    event_add(peer.tick, &often);
    evhttp_set_bevcb(peer.http, over_tls, peer.context);
    evhttp_set_gencb(peer.http, on_request, NULL);
    if (evhttp_accept_socket(peer.http, fd) != 0 ||
        pthread_create(&peer.thread, NULL, run_peer, NULL) != 0)
        abort();
}

static void peer_stop(void)
{
    peer.is_stopping = true;
    pthread_join(peer.thread, NULL);
    event_free(peer.tick);
    evhttp_free(peer.http);
    event_base_free(peer.base);
    SSL_CTX_free(peer.context);
}

/* ---- our side ---- */

static struct rest *rest;
static struct rest_host *host;

static struct got {
    bool is_done;
    unsigned count;
    int err;
    struct rest_response response;
    char body[512], error[256], url[256], weight[256], names[512];
    char order[256];
} got;

static void on_done(void *ctx, const struct rest_response *response)
{
    (void)ctx;
    got.is_done = true;
    got.count++;
    got.response = *response;
    snprintf(got.body, sizeof(got.body), "%s", response->body);
    snprintf(got.error, sizeof(got.error), "%s", response->error);
    snprintf(got.url, sizeof(got.url), "%s", response->url);
    got.names[0] = got.weight[0] = '\0';
    for (size_t i = 0; i < response->header_count; i++) {
        strcat(strcat(got.names, response->headers[i].name), " ");
        if (strcmp(response->headers[i].name, "x-mbx-used-weight-1m") == 0)
            snprintf(got.weight, sizeof(got.weight), "%s", response->headers[i].value);
    }
    snprintf(got.order + strlen(got.order), 8, "%u ", (unsigned)response->tag);
}

static void begin_with(const char *ca, const char *name, uint16_t port,
                       struct rest_host_config config)
{
    struct rest_config rest_config = {
        .loop = net_loop, .dns = net_dns, .ca_file = ca, .slots = 8, .response_max = 100000
    };
    char url[64];

    memset(&got, 0, sizeof(got));
    snprintf(url, sizeof(url), "https://%s:%u", name, port);
    config.base_url = url;
    CHECK_INT(rest_open(&rest, &rest_config), 0);
    CHECK_INT(rest_host(rest, &config, &host), 0);
}

static void begin(const char *name, uint16_t port)
{
    begin_with(net_path("ca.pem"), name, port, (struct rest_host_config){ 0 });
}

static struct rest_request request_for(const char *method, const char *path)
{
    return (struct rest_request){ .method = method, .path = path, .done = on_done };
}

static void call(const char *method, const char *path)
{
    struct rest_request request = request_for(method, path);

    got.is_done = false;
    CHECK_INT(rest_send(host, &request), 0);
    CHECK(!got.is_done); /* Never inside the call. */
    CHECK(net_run_until(&got.is_done));
}

static bool wait_count(unsigned count)
{
    int64_t until_ns = loop_now_ns() + 5 * NS_PER_S;

    while (got.count < count && loop_now_ns() < until_ns)
        loop_turn(net_loop, 20 * NS_PER_MS);
    return got.count == count;
}

/* ---- claims ---- */

static void path_query_headers_and_body_arrive_as_given(void)
{
    static const struct rest_header headers[] = { { "X-MBX-APIKEY", "the key" },
                                                  { "Content-Type", "application/json" } };
    peer_start("good");
    begin("127.0.0.1", peer.port);
    call("GET", "/a/../b/./c?x=%2fa+b&y=%7E~&sig=A%3D%3d");
    CHECK_INT(got.response.status, 200);
    CHECK_STR(got.body, "GET /a/../b/./c?x=%2fa+b&y=%7E~&sig=A%3D%3d type=- key=- body=");
    struct rest_request request = request_for("POST", "/0/private/AddOrder");
    request.body = "nonce=1&pair=XBT%2FUSD";
    request.body_len = strlen(request.body);
    request.headers = headers;
    request.header_count = 2;
    request.tag = 77;
    got.is_done = false;
    CHECK_INT(rest_send(host, &request), 0);
    CHECK(net_run_until(&got.is_done));
    CHECK_STR(got.body, "POST /0/private/AddOrder type=application/json key=the key "
                        "body=nonce=1&pair=XBT%2FUSD");
    CHECK_INT(got.response.tag, 77);
    char want[128];
    snprintf(want, sizeof(want), "https://127.0.0.1:%u/0/private/AddOrder", peer.port);
    CHECK_STR(got.url, want);
    call("DELETE", "/api/v3/order?a=1");
    CHECK_STR(got.body, "DELETE /api/v3/order?a=1 type=- key=- body=");
    call("PUT", "/p");
    CHECK(strncmp(got.body, "PUT /p ", 7) == 0);
    call("POST", "/empty?a=1");
    CHECK(strncmp(got.body, "POST /empty?a=1 ", 16) == 0);
    call("GET", "/again"); /* A handle that posted forgets it. */
    CHECK_STR(got.body, "GET /again type=- key=- body=");
    rest_close(&rest);
    CHECK(rest == NULL);
    peer_stop();
}

static void headers_of_interest_come_in_lower_case(void)
{
    peer_start("good");
    begin("good.test", peer.port);
    call("GET", "/");
    CHECK_STR(got.weight, "42");
    CHECK(strstr(got.names, "date ") != NULL);
    CHECK(strstr(got.names, "content-type") == NULL);
    CHECK(got.response.sent_ns >= got.response.queued_ns);
    CHECK(got.response.received_ns > got.response.sent_ns);
    rest_close(&rest);
    peer_stop();
}

static void connections_are_kept_and_shared(void)
{
    struct rest_counters counters;

    peer_start("good");
    begin("good.test", peer.port);
    for (int i = 0; i < 20; i++)
        call("GET", "/x");
    CHECK_INT(got.count, 20);
    CHECK_INT(peer.handshakes, 1);
    rest_counters(rest, &counters);
    CHECK_INT(counters.answered, 20);
    rest_close(&rest);
    peer_stop();
}

static void the_serial_lane_keeps_one_in_flight_and_the_order(void)
{
    static const char *const paths[] = { "/slow/a", "/slow/b", "/slow/c", "/slow/d" };

    peer_start("good");
    begin("good.test", peer.port);
    call("GET", "/warm");
    got.count = 0;
    peer.in_flight_max = 0;
    for (unsigned i = 0; i < 4; i++) {
        struct rest_request request = request_for("POST", paths[i]);
        request.is_serial = true;
        CHECK_INT(rest_send(host, &request), 0);
    }
    CHECK(wait_count(4));
    CHECK_STR(peer.order, "a b c d ");
    CHECK_INT(peer.in_flight_max, 1);
    got.count = 0; /* Without the lane they go together. */
    for (unsigned i = 0; i < 4; i++) {
        struct rest_request request = request_for("POST", paths[i]);
        CHECK_INT(rest_send(host, &request), 0);
    }
    CHECK(wait_count(4));
    CHECK(peer.in_flight_max >= 3);
    rest_close(&rest);
    peer_stop();
}

static void a_waiting_serial_request_that_times_out_was_never_sent(void)
{
    peer_start("good");
    begin("good.test", peer.port);
    call("GET", "/warm");
    got.count = 0;
    got.order[0] = '\0';
    struct rest_request request = request_for("POST", "/slow/a");
    request.is_serial = true;
    request.tag = 1;
    CHECK_INT(rest_send(host, &request), 0);
    request.tag = 2;
    request.timeout_ns = 5 * NS_PER_MS;
    CHECK_INT(rest_send(host, &request), 0);
    request.tag = 3;
    request.timeout_ns = 0;
    CHECK_INT(rest_send(host, &request), 0);
    CHECK(wait_count(1));
    CHECK_INT(got.response.tag, 2);
    CHECK_INT(got.response.status, 0);
    CHECK(!got.response.was_sent);
    CHECK_INT(got.response.err, ERR_TIMEOUT);
    CHECK(wait_count(3));
    CHECK_STR(got.order, "2 1 3 ");
    CHECK_INT(peer.in_flight_max,
              1); /* The expired one never held the lane: it did not give it away. */
    CHECK_INT(peer.requests, 3);
    rest_close(&rest);
    peer_stop();
}

static void a_timeout_after_sending_is_an_unknown_outcome(void)
{
    peer_start("good");
    begin("good.test", peer.port);
    call("GET", "/warm");
    struct rest_request request = request_for("POST", "/slow/x");
    request.timeout_ns = 10 * NS_PER_MS;
    got.is_done = false;
    CHECK_INT(rest_send(host, &request), 0);
    CHECK(net_run_until(&got.is_done));
    CHECK_INT(got.response.status, 0);
    CHECK_INT(got.response.err, ERR_TIMEOUT);
    CHECK(got.response.was_sent);
    rest_close(&rest);
    net_run_for(40 * NS_PER_MS);
    peer_stop();
}

static void nobody_there_proves_that_nothing_left(void)
{
    int fd;
    uint16_t port;

    net_listen(&fd, &port);
    close(fd);
    begin("good.test", port);
    call("POST", "/order");
    CHECK_INT(got.response.status, 0);
    CHECK(!got.response.was_sent);
    CHECK_INT(got.response.err, ERR_CLOSED);
    rest_close(&rest);
    begin("nowhere.example", port);
    call("POST", "/order");
    CHECK_INT(got.response.err, ERR_NOT_FOUND);
    CHECK(!got.response.was_sent);
    call("POST", "/order"); /* Still refused, and still told outside the call. */
    CHECK_INT(got.response.err, ERR_NOT_FOUND);
    rest_close(&rest);
}

static void certificates_that_do_not_fit_are_refused(void)
{
    static const struct {
        const char *certificate, *name, *text;
    } cases[] = {
        { "stranger", "good.test", "unable to get local issuer certificate" },
        { "wrong", "good.test", "no alternative certificate subject name matches" },
        { "wrong", "127.0.0.1", "no alternative certificate subject name matches" },
        { "expired", "good.test", "certificate has expired" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        peer_start(cases[i].certificate);
        begin(cases[i].name, peer.port);
        call("POST", "/order");
        CHECK_INT(got.response.err, ERR_AUTH);
        CHECK(!got.response.was_sent);
        CHECK(strstr(got.error, cases[i].text) != NULL);
        CHECK_INT(peer.requests, 0);
        rest_close(&rest);
        peer_stop();
    }
    peer_start("good"); /* The system's store does not know our CA. */
    begin_with(NULL, "good.test", peer.port, (struct rest_host_config){ 0 });
    call("POST", "/order");
    CHECK_INT(got.response.err, ERR_AUTH);
    rest_close(&rest);
    peer_stop();
}

/* Answers the first request of each connection, and drops the second unanswered. */
static void script_drops_second(SSL *ssl, struct net_server *server)
{
    static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    char head[4096];

    if (!net_read_head(ssl, head, sizeof(head)))
        return;
    server->served++;
    net_write(ssl, ok, sizeof(ok) - 1);
    if (net_read_head(ssl, head, sizeof(head)))
        server->served++;
}

static void a_request_that_may_have_left_is_never_sent_again(void)
{
    static struct net_server server;
    struct rest_counters counters;

    net_server_start(&server, "good", script_drops_second);
    begin("good.test", server.port);
    call("POST", "/order");
    CHECK_INT(got.response.status, 200);
    call("POST", "/order");
    CHECK_INT(got.response.status, 0);
    CHECK(got.response.was_sent);
    CHECK_INT(got.response.err, ERR_CLOSED);
    CHECK_INT(server.served, 2); /* libcurl alone would have made it 3. */
    rest_counters(rest, &counters);
    CHECK_INT(counters.resend_blocked, 1);
    rest_close(&rest);
    net_server_stop(&server);

    net_server_start(&server, "good", script_drops_second);
    begin("good.test", server.port);
    call("GET", "/time");
    call("GET", "/time"); /* Asking again is harmless: libcurl may. */
    CHECK_INT(got.response.status, 200);
    CHECK_INT(server.served, 3);
    rest_close(&rest);
    net_server_stop(&server);
}

static void a_body_above_the_ceiling_is_an_error_with_a_name(void)
{
    peer_start("good");
    begin("good.test", peer.port);
    call("GET", "/big");
    CHECK_INT(got.response.status, 0);
    CHECK_INT(got.response.err, ERR_FULL);
    CHECK(got.response.was_sent);
    call("GET", "/small");
    CHECK_INT(got.response.status, 200);
    rest_close(&rest);
    peer_stop();
}

static void tokens_run_out_but_not_for_cancels(void)
{
    struct rest_host_config config = {
        .burst = 10, .count = 1, .period_ns = 1000 * NS_PER_S, .cancel_reserve = 4
    };
    struct rest_request request = request_for("GET", "/x");

    peer_start("good");
    begin_with(net_path("ca.pem"), "good.test", peer.port, config);
    request.weight = 3;
    CHECK_INT(rest_send(host, &request), 0);
    CHECK_INT(rest_send(host, &request), 0);
    CHECK_INT(rest_send(host, &request), ERR_AGAIN);
    CHECK(rest_host_ready_ns(host, 3, false, loop_now_ns()) > loop_now_ns() + NS_PER_S);
    request.method = "DELETE";
    request.is_cancel = true;
    CHECK_INT(rest_send(host, &request), 0);
    CHECK_INT(rest_send(host, &request), ERR_AGAIN);
    CHECK(wait_count(3));
    rest_close(&rest);
    peer_stop();
}

static void failures_open_the_breaker_and_cancels_pass_it(void)
{
    struct rest_host_config config = { .failures_max = 3, .open_ns = 50 * NS_PER_MS };
    struct rest_request request = request_for("GET", "/x");
    struct rest_counters counters;

    peer_start("good");
    begin_with(net_path("ca.pem"), "good.test", peer.port, config);
    for (int i = 0; i < 3; i++)
        call("GET", "/status/503");
    CHECK_INT(rest_send(host, &request), ERR_AGAIN);
    rest_counters(rest, &counters);
    CHECK_INT(counters.breaker_trips, 1);
    CHECK_INT(counters.refused_breaker, 1);
    CHECK(rest_host_ready_ns(host, 0, false, loop_now_ns()) > loop_now_ns());
    request.method = "DELETE";
    request.path = "/status/503";
    request.is_cancel = true;
    CHECK_INT(rest_send(host, &request), 0);
    CHECK(wait_count(4));
    net_run_for(60 * NS_PER_MS);
    call("GET", "/ok"); /* The trial that closes it. */
    CHECK_INT(got.response.status, 200);
    call("GET", "/ok");
    rest_close(&rest);
    peer_stop();
}

static void retry_after_pauses_the_host(void)
{
    struct rest_request request = request_for("GET", "/x");

    peer_start("good");
    begin("good.test", peer.port);
    call("GET", "/status/429");
    CHECK_INT(got.response.status, 429);
    CHECK_INT(rest_send(host, &request), ERR_AGAIN);
    int64_t ready_ns = rest_host_ready_ns(host, 0, false, loop_now_ns());
    CHECK(ready_ns > loop_now_ns() + 6 * NS_PER_S && ready_ns < loop_now_ns() + 8 * NS_PER_S);
    request.is_cancel = true;
    CHECK_INT(rest_send(host, &request), 0);
    CHECK(wait_count(2));
    rest_close(&rest);
    peer_stop();
}

static void a_full_pool_and_bad_requests_are_refused(void)
{
    static const struct rest_header split = { "X-Key", "a\r\nX-Other: b" };
    struct rest_request request = request_for("POST", "/slow/x");
    struct rest_host *other = NULL;
    struct rest_host_config http = { .base_url = "http://good.test" };

    peer_start("good");
    begin("good.test", peer.port);
    for (int i = 0; i < 8; i++)
        CHECK_INT(rest_send(host, &request), 0);
    CHECK_INT(rest_send(host, &request), ERR_FULL);
    CHECK(wait_count(8));
    request.path = "/a b";
    CHECK_INT(rest_send(host, &request), ERR_RANGE);
    request.path = "no-slash";
    CHECK_INT(rest_send(host, &request), ERR_RANGE);
    request = request_for("TRACE", "/");
    CHECK_INT(rest_send(host, &request), ERR_RANGE);
    request = request_for("GET", "/");
    request.headers = &split;
    request.header_count = 1;
    CHECK_INT(rest_send(host, &request), ERR_RANGE);
    CHECK_INT(rest_host(rest, &http, &other), ERR_RANGE);
    http.base_url = "https://good.test/path";
    CHECK_INT(rest_host(rest, &http, &other), ERR_RANGE);
    rest_close(&rest);
    struct rest_config config = { .loop = net_loop, .dns = net_dns, .ca_file = net_path("none") };
    CHECK_INT(rest_open(&rest, &config), ERR_CONFIG);
    peer_stop();
}

static void send_another(void *ctx, const struct rest_response *response)
{
    on_done(ctx, response);
    if (got.count < 30) {
        struct rest_request request = request_for("GET", "/chain");
        request.done = send_another;
        got.err = rest_send(host, &request);
    }
}

static void a_callback_may_send_the_next(void)
{
    struct rest_request request = request_for("GET", "/chain");

    peer_start("good");
    begin("good.test", peer.port);
    request.done = send_another;
    CHECK_INT(rest_send(host, &request), 0);
    CHECK(wait_count(30));
    rest_close(&rest);
    CHECK_INT(got.err, 0);
    begin("nowhere.example", peer.port); /* Failing ones too, until the breaker opens. */
    CHECK_INT(rest_send(host, &request), 0);
    CHECK(wait_count(5));
    CHECK_INT(got.err, ERR_AGAIN);
    rest_close(&rest);
    peer_stop();
}

int main(void)
{
    net_setup();
    net_client_open();
    CASE(path_query_headers_and_body_arrive_as_given);
    CASE(headers_of_interest_come_in_lower_case);
    CASE(connections_are_kept_and_shared);
    CASE(the_serial_lane_keeps_one_in_flight_and_the_order);
    CASE(a_waiting_serial_request_that_times_out_was_never_sent);
    CASE(a_timeout_after_sending_is_an_unknown_outcome);
    CASE(nobody_there_proves_that_nothing_left);
    CASE(certificates_that_do_not_fit_are_refused);
    CASE(a_request_that_may_have_left_is_never_sent_again);
    CASE(a_body_above_the_ceiling_is_an_error_with_a_name);
    CASE(tokens_run_out_but_not_for_cancels);
    CASE(failures_open_the_breaker_and_cancels_pass_it);
    CASE(retry_after_pauses_the_host);
    CASE(a_full_pool_and_bad_requests_are_refused);
    CASE(a_callback_may_send_the_next);
    net_client_close();
    DONE();
}
