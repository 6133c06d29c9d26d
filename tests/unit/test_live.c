/* The gateway's live shell around a codec of this test's own, against a scripted TLS server. */
#include "common/edge/log.h"
#include "common/edge/net/ws_upgrade.h"
#include "venue_link/live.h"
#include "tests/unit/check.h"
#include "tests/unit/net_fixture.h"

/* ---- a codec that tells everything ---- */

static struct seen {
    unsigned starts, opened, closed, frames, answers, ticks, republished, events;
    bool is_open, has_answer, wants_reconnect, has_been_closed_twice, has_two_frames;
    char last_frame[64], answer[64], header[64], names[64];
    uint64_t last_tag, last_nonce;
    bool is_nonce_growing;
    int status;
    int64_t silence_ns, ping_ns, renew_ns;
    int64_t closed_ns, longest_closed_ns; /* Between a closing and the next opening. */
    unsigned urls_asked, url_from;        /* "" until it was asked url_from times. */
    int send_err;
} seen;

static char ws_url[128], rest_url[128];

static void note_nonce(const struct venue_clock *clock)
{
    seen.is_nonce_growing = clock->nonce > seen.last_nonce;
    seen.last_nonce = clock->nonce;
}

static int fake_init(void *state, const struct venue_feed_config *config)
{
    (void)state;
    for (size_t i = 0; i < config->name_count; i++)
        strcat(strcat(seen.names, config->names[i]), " ");
    return strcmp(config->venue, "fake") == 0 ? 0 : ERR_RANGE;
}

static void fake_fini(void *state)
{
    (void)state;
}

static size_t fake_connections(void *state, struct venue_connection *out)
{
    (void)state;
    *out = (struct venue_connection){ .silence_ns = seen.silence_ns,
                                      .ping_interval_ns = seen.ping_ns,
                                      .renew_ns = seen.renew_ns };
    seen.urls_asked++;
    if (seen.urls_asked > seen.url_from)
        snprintf(out->url, sizeof(out->url), "%s/stream?key=%u", ws_url, seen.opened);
    return 1;
}

static void fake_start(void *state, const struct venue_clock *clock, const struct venue_out *out)
{
    static struct venue_request request = { .method = "GET",
                                            .path = "/api/v3/exchangeInfo?a=%2f",
                                            .tag = 99,
                                            .header_count = 1,
                                            .headers = { { "X-Key", "k" } } };
    (void)state;
    seen.starts++;
    note_nonce(clock);
    CHECK_INT(out->request(out->ctx, &request), 0);
}

static void fake_opened(void *state, unsigned connection, const struct venue_clock *clock,
                        const struct venue_out *out)
{
    (void)state;
    note_nonce(clock);
    seen.opened++;
    if (seen.closed_ns)
        seen.longest_closed_ns = MAX(seen.longest_closed_ns, loop_now_ns() - seen.closed_ns);
    seen.is_open = true;
    CHECK_INT(out->send(out->ctx, connection, "subscribe", 9), 0);
    CHECK_INT(out->send(out->ctx, connection + 1, "nowhere", 7), ERR_CLOSED);
}

static void fake_closed(void *state, unsigned connection, const struct venue_clock *clock,
                        const struct venue_out *out)
{
    (void)state, (void)clock;
    seen.closed++;
    seen.closed_ns = loop_now_ns();
    seen.is_open = false;
    seen.has_been_closed_twice = seen.closed >= 2;
    seen.send_err = out->send(out->ctx, connection, "late", 4);
}

static int fake_frame(void *state, unsigned connection, const char *frame, size_t len,
                      const struct venue_clock *clock, const struct venue_out *out)
{
    struct wire_feed_status status;

    (void)state;
    note_nonce(clock);
    snprintf(seen.last_frame, sizeof(seen.last_frame), "%.*s", (int)len, frame);
    seen.frames++;
    seen.has_two_frames = seen.frames >= 2;
    WIRE_BEGIN(&status, feed_status);
    status.state = FEED_LIVE;
    out->event(out->ctx, &status.header);
    if (seen.wants_reconnect) {
        unsigned before = seen.closed;
        seen.wants_reconnect = false;
        out->reconnect(out->ctx, connection, REASON_CHECKSUM);
        CHECK_INT(seen.closed, before); /* Not from inside the codec. */
    }
    return 0;
}

static int fake_http(void *state, const struct venue_response *response,
                     const struct venue_clock *clock, const struct venue_out *out)
{
    (void)state, (void)clock, (void)out;
    seen.answers++;
    seen.has_answer = true;
    seen.status = response->status;
    seen.last_tag = response->tag;
    snprintf(seen.answer, sizeof(seen.answer), "%.*s", (int)response->body_len, response->body);
    for (size_t i = 0; i < response->header_count; i++)
        if (strcmp(response->headers[i].name, "x-used") == 0)
            snprintf(seen.header, sizeof(seen.header), "%.60s", response->headers[i].value);
    return 0;
}

static void fake_tick(void *state, const struct venue_clock *clock, const struct venue_out *out)
{
    (void)state, (void)clock, (void)out;
    seen.ticks++;
}

static void fake_republish(void *state, uint64_t instrument, const struct venue_clock *clock,
                           const struct venue_out *out)
{
    (void)state, (void)clock, (void)out;
    seen.republished = (unsigned)instrument;
}

static void fake_stats(void *state, struct venue_feed_stats *out)
{
    (void)state;
    *out = (struct venue_feed_stats){ .messages = seen.frames };
}

static size_t fake_tops(void *state, struct venue_feed_top *out, size_t max)
{
    (void)state, (void)out, (void)max;
    return 0;
}

static const struct venue_feed_ops fake_ops = {
    .state_size = 64,
    .init = fake_init,
    .fini = fake_fini,
    .connections = fake_connections,
    .start = fake_start,
    .opened = fake_opened,
    .closed = fake_closed,
    .frame = fake_frame,
    .http = fake_http,
    .tick = fake_tick,
    .republish = fake_republish,
    .stats = fake_stats,
    .tops = fake_tops,
};
static const struct venue fake = { .name = "fake", .feed = &fake_ops };

static void on_event(void *ctx, struct wire_header *event)
{
    (void)ctx;
    seen.events += event->type == WIRE_feed_status;
}

/* ---- the venue ---- */

static struct net_server stream, rest;
static atomic_int frames_per_connection;
static atomic_bool answers_pings_only, refuses_upgrade;
static char last_path[128]; /* Of the last upgrade; read once a frame has come of it. */

static void script_rest(SSL *ssl, struct net_server *server)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nX-Used: 12\r\nContent-Length: 2\r\n\r\nok";
    char head[4096];

    while (net_read_head(ssl, head, sizeof(head))) {
        if (strstr(head, "GET /api/v3/exchangeInfo?a=%2f HTTP/1.1\r\n") &&
            strstr(head, "X-Key: k\r\n"))
            server->served++;
        net_write(ssl, answer, sizeof(answer) - 1);
    }
}

static void pong_for_ever(SSL *ssl)
{
    unsigned char in[256];
    int n;

    while ((n = SSL_read(ssl, in, sizeof(in))) > 0) {
        unsigned char pong[10] = { 0x8a, 8 };
        if (n < 14 || in[0] != 0x89)
            continue;
        for (int i = 0; i < 8; i++)
            pong[2 + i] = in[6 + i] ^ in[2 + i % 4];
        net_write(ssl, pong, sizeof(pong));
    }
}

/* Says a few words on each connection, then goes, or stays and answers PINGs only. */
static void script_stream(SSL *ssl, struct net_server *server)
{
    char head[4096], key[WS_KEY_TEXT] = "", accept[WS_ACCEPT_TEXT], answer[256];

    if (!net_read_head(ssl, head, sizeof(head)))
        return;
    snprintf(last_path, sizeof(last_path), "%.*s", (int)strcspn(head, "\r"), head);
    if (refuses_upgrade) {
        net_write(ssl, "HTTP/1.1 429 Too Many\r\n\r\n", 25);
        return;
    }
    memcpy(key, strstr(head, "Sec-WebSocket-Key: ") + 19, WS_KEY_TEXT - 1);
    ws_upgrade_accept(key, accept);
    int n = snprintf(answer, sizeof(answer),
                     "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Accept: %s\r\n\r\n",
                     accept);
    net_write(ssl, answer, (size_t)n);
    unsigned char frame[32];
    if (SSL_read(ssl, frame, sizeof(frame)) == 15) /* subscribe, masked */
        server->served++;
    for (int i = 0; i < frames_per_connection; i++)
        net_write(ssl, "\x81\x05hello", 7);
    if (answers_pings_only)
        pong_for_ever(ssl);
}

static struct live *live;

static struct live_config begin(void)
{
    static const char *const names[] = { "BTC-USDT", "ETH-USDT" };
    static char ca[128];

    memset(&seen, 0, sizeof(seen));
    frames_per_connection = 1;
    answers_pings_only = refuses_upgrade = false;
    net_server_start(&stream, "good", script_stream);
    net_server_start(&rest, "good", script_rest);
    snprintf(ws_url, sizeof(ws_url), "wss://127.0.0.1:%u", stream.port);
    snprintf(rest_url, sizeof(rest_url), "https://127.0.0.1:%u", rest.port);
    snprintf(ca, sizeof(ca), "%s", net_path("ca.pem"));
    return (struct live_config){ .loop = net_loop,
                                 .venue = &fake,
                                 .codec = { .venue = "fake",
                                            .rest_url = rest_url,
                                            .ws_url = ws_url,
                                            .names = names,
                                            .name_count = 2 },
                                 .ca_file = ca,
                                 .connect_timeout_ns = NS_PER_S,
                                 .http_timeout_ns = NS_PER_S,
                                 .reconnect_base_ns = 10 * NS_PER_MS,
                                 .reconnect_max_ns = 40 * NS_PER_MS,
                                 .proof_ns = 100 * NS_PER_MS,
                                 .event = on_event };
}

static void end(void)
{
    live_close(&live);
    CHECK(live == NULL);
    live_close(&live);
    net_server_stop(&stream);
    net_server_stop(&rest);
}

static void frames_and_answers_reach_the_codec(void)
{
    struct live_config config = begin();
    struct live_counters counters;

    answers_pings_only = true;
    CHECK_INT(live_open(&live, &config), 0);
    CHECK_INT(seen.starts, 1);
    CHECK_STR(seen.names, "BTC-USDT ETH-USDT ");
    CHECK(net_run_until(&seen.has_answer));
    CHECK_STR(seen.answer, "ok");
    CHECK_STR(seen.header, "12");
    CHECK(seen.last_tag == 99 && seen.status == 200);
    CHECK_INT(rest.served, 1);
    while (!seen.frames)
        loop_turn(net_loop, 10 * NS_PER_MS);
    CHECK_STR(seen.last_frame, "hello");
    CHECK_INT(stream.served, 1);
    CHECK_INT(seen.events, 1);
    CHECK(seen.is_nonce_growing);
    live_counters(live, &counters);
    CHECK_INT(counters.link.connections_open, 1);
    CHECK_INT(counters.link.sends_refused, 1);
    live_tick(live, loop_now_ns());
    CHECK_INT(seen.ticks, 1);
    live_republish(live, 7);
    CHECK_INT(seen.republished, 7);
    end();
}

static void the_feed_is_proved_while_messages_come(void)
{
    struct live_config config = begin();

    answers_pings_only = true;
    CHECK_INT(live_open(&live, &config), 0);
    CHECK(!live_is_proved(live, loop_now_ns()));
    while (!seen.frames)
        loop_turn(net_loop, 10 * NS_PER_MS);
    CHECK(live_is_proved(live, loop_now_ns()));
    CHECK(!live_is_proved(live, loop_now_ns() + 150 * NS_PER_MS));
    end();
}

static void a_lost_connection_is_told_and_opened_again(void)
{
    struct live_config config = begin();
    struct live_counters counters;

    CHECK_INT(live_open(&live, &config), 0); /* The server leaves after each greeting. */
    CHECK(net_run_until(&seen.has_been_closed_twice));
    CHECK_INT(seen.send_err, ERR_CLOSED);
    CHECK(!live_is_proved(live, loop_now_ns()));
    live_counters(live, &counters);
    CHECK(counters.link.connects >= 2 && counters.link.disconnects >= 2);
    CHECK_INT(counters.link.connections_open, 0);
    end();
}

static void a_codec_in_doubt_gets_a_new_connection(void)
{
    struct live_config config = begin();

    answers_pings_only = true;
    seen.wants_reconnect = true;
    CHECK_INT(live_open(&live, &config), 0);
    CHECK(net_run_until(&seen.has_two_frames));
    CHECK(seen.opened == 2 && seen.closed == 1);
    end();
}

static void a_silent_but_open_socket_is_left(void)
{
    struct live_config config = begin();
    struct live_counters counters;

    answers_pings_only = true;
    seen.silence_ns = 200 * NS_PER_MS;
    seen.ping_ns = 20 * NS_PER_MS;
    config.message_silence_ns = 100 * NS_PER_MS;
    CHECK_INT(live_open(&live, &config), 0);
    CHECK(net_run_until(&seen.has_two_frames));
    live_counters(live, &counters);
    CHECK(counters.link.silences >= 1);
    CHECK(counters.link.ping_rtt_ns > 0);
    end();
}

static void a_connection_is_renewed_before_its_time(void)
{
    struct live_config config = begin();
    struct live_counters counters;

    answers_pings_only = true;
    seen.renew_ns = 100 * NS_PER_MS;
    CHECK_INT(live_open(&live, &config), 0);
    CHECK(net_run_until(&seen.has_two_frames));
    live_counters(live, &counters);
    CHECK_INT(counters.link.renewals, 1);
    CHECK(seen.opened == 2 && seen.closed == 1);
    end();
}

/* The codec is never without a connection for longer than it takes to tell it. */
static void a_renewal_opens_the_new_connection_before_it_closes_the_old(void)
{
    struct live_config config = begin();

    answers_pings_only = true;
    seen.renew_ns = 100 * NS_PER_MS;
    CHECK_INT(live_open(&live, &config), 0);
    CHECK(net_run_until(&seen.has_two_frames));
    CHECK_INT(stream.connections, 2);
    CHECK_INT(seen.longest_closed_ns > 0 && seen.longest_closed_ns < NS_PER_MS, 1);
    end();
}

static void a_renewal_that_is_refused_leaves_the_old_connection(void)
{
    struct live_config config = begin();
    struct live_counters counters;

    answers_pings_only = true;
    seen.renew_ns = 100 * NS_PER_MS;
    CHECK_INT(live_open(&live, &config), 0);
    while (!seen.frames)
        loop_turn(net_loop, 10 * NS_PER_MS);
    refuses_upgrade = true;
    net_run_for(400 * NS_PER_MS);
    live_counters(live, &counters);
    CHECK_INT(counters.link.renewals, 1); /* Tried again later, not at once. */
    CHECK_INT(stream.connections, 2);
    CHECK(seen.opened == 1 && seen.closed == 0);
    CHECK_INT(counters.link.connections_open, 1);
    end();
}

static void the_url_is_asked_for_again_before_each_opening(void)
{
    struct live_config config = begin();
    struct live_counters counters;

    answers_pings_only = true;
    seen.renew_ns = 100 * NS_PER_MS;
    CHECK_INT(live_open(&live, &config), 0);
    while (!seen.frames)
        loop_turn(net_loop, 10 * NS_PER_MS);
    CHECK_STR(last_path, "GET /stream?key=0 HTTP/1.1");
    CHECK(net_run_until(&seen.has_two_frames));
    CHECK_STR(last_path, "GET /stream?key=1 HTTP/1.1");
    live_counters(live, &counters);
    CHECK_INT(counters.link.renewals, 1);
    end();
}

static void a_connection_without_a_url_yet_waits(void)
{
    struct live_config config = begin();
    struct live_counters counters;

    answers_pings_only = true;
    seen.url_from = 4; /* Asked once for the count, once at the start, then each 100 ms. */
    int64_t begun_ns = loop_now_ns();
    CHECK_INT(live_open(&live, &config), 0);
    live_counters(live, &counters);
    CHECK_INT(counters.link.connections_wanted, 1);
    while (!seen.frames)
        loop_turn(net_loop, 10 * NS_PER_MS);
    CHECK(loop_now_ns() - begun_ns >= 300 * NS_PER_MS);
    CHECK(seen.urls_asked == 5 && stream.connections == 1);
    live_counters(live, &counters);
    CHECK_INT(counters.link.disconnects, 0); /* Not an attempt that failed. */
    end();
}

static void an_upgrade_refused_for_limits_is_not_hammered(void)
{
    struct live_config config = begin();

    refuses_upgrade = true;
    CHECK_INT(live_open(&live, &config), 0);
    net_run_for(300 * NS_PER_MS);
    CHECK_INT(stream.connections, 1);
    CHECK_INT(seen.opened + seen.closed, 0);
    end();
}

static void bad_configuration_is_refused(void)
{
    struct live_config config = begin();
    struct live_config bad = config;

    bad.codec.rest_url = "http://127.0.0.1";
    CHECK_INT(live_open(&live, &bad), ERR_CONFIG);
    bad = config;
    bad.ca_file = "/nowhere.pem";
    CHECK_INT(live_open(&live, &bad), ERR_CONFIG);
    bad = config;
    bad.codec.venue = "other";
    CHECK_INT(live_open(&live, &bad), ERR_RANGE);
    end();
}

int main(void)
{
    log_set_level(LOG_LEVEL_ERROR);
    net_setup();
    net_client_open();
    CASE(frames_and_answers_reach_the_codec);
    CASE(the_feed_is_proved_while_messages_come);
    CASE(a_lost_connection_is_told_and_opened_again);
    CASE(a_codec_in_doubt_gets_a_new_connection);
    CASE(a_silent_but_open_socket_is_left);
    CASE(a_connection_is_renewed_before_its_time);
    CASE(a_renewal_opens_the_new_connection_before_it_closes_the_old);
    CASE(a_renewal_that_is_refused_leaves_the_old_connection);
    CASE(the_url_is_asked_for_again_before_each_opening);
    CASE(a_connection_without_a_url_yet_waits);
    CASE(an_upgrade_refused_for_limits_is_not_hammered);
    CASE(bad_configuration_is_refused);
    net_client_close();
    DONE();
}
