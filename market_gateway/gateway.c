#include "market_gateway/gateway.h"

#include "common/edge/net/url.h"
#include "common/leaf/err.h"
#include "common/leaf/fixed.h"
#include "venue_link/live.h"
#include "market_gateway/replay.h"
#include "market_gateway/stats.h"

#include <stdlib.h>
#include <string.h>

enum {
    DUMP_MAX = 1 << 20, /* A book event of 2,000 levels is about 120 kB of JSON. */
    RECORDS_PER_TURN = 256,
    SPEED_EXP = 3,
    NOTES_MAX = 20,
};
static const int64_t LIFE_EVERY_NS = 250 * NS_PER_MS;
static const int64_t LINGER_NS = 500 * NS_PER_MS; /* A replay's last events leave before its end. */

struct gateway {
    const struct gateway_settings *settings;
    const struct gateway_options *options;
    struct role_runtime *rt;
    const struct venue *venue;
    char name_texts[VENUE_SYMBOLS_MAX][32];
    const char *names[VENUE_SYMBOLS_MAX];
    size_t name_count;

    struct live *live; /* One of these two. */
    struct replay *replay;
    struct bus_pub *pub;
    struct bus_sub *risk;
    struct wire_feed_status whole; /* Of the whole feed, as the codec last said. */
    int64_t next_life_ns;
    bool is_republishing;
    unsigned republished;
    char *dump;

    struct loop_timer pace;
    int64_t speed; /* At SPEED_EXP. */
    int64_t first_ts_ns, begun_ns;

    struct histogram receive_to_publish;
    struct venue_feed_stats stats;
    struct live_counters counters;
    uint64_t publish_failed, republish_requests, notes;
};

struct gateway *gateway_new(const struct gateway_settings *settings,
                            const struct gateway_options *options)
{
    struct gateway *gateway = calloc(1, sizeof(*gateway));

    if (!gateway)
        return NULL;
    gateway->dump = malloc(DUMP_MAX);
    gateway->settings = settings;
    gateway->options = options;
    if (!gateway->dump)
        gateway_free(gateway);
    return gateway->dump ? gateway : NULL;
}

void gateway_free(struct gateway *gateway)
{
    if (gateway)
        free(gateway->dump);
    free(gateway);
}

/* ---- configuration ---- */

static int read_names(struct gateway *gateway, FILE *errors)
{
    char list[CONFIG_TEXT_MAX];
    char *rest = NULL;

    snprintf(list, sizeof(list), "%s", gateway->settings->instruments);
    gateway->name_count = 0;
    for (char *name = strtok_r(list, " ,\t", &rest); name; name = strtok_r(NULL, " ,\t", &rest)) {
        if (gateway->name_count == VENUE_SYMBOLS_MAX || strlen(name) >= 32 || !strchr(name, '-')) {
            fprintf(errors, "[FEED] INSTRUMENTS: \"%s\": BASE-QUOTE wanted, at most %d of them\n",
                    name, VENUE_SYMBOLS_MAX);
            return ERR_CONFIG;
        }
        size_t i = gateway->name_count++;
        snprintf(gateway->name_texts[i], sizeof(gateway->name_texts[i]), "%s", name);
        gateway->names[i] = gateway->name_texts[i];
    }
    return 0;
}

static const char *http_url(const struct gateway *gateway)
{
    const struct gateway_settings *settings = gateway->settings;

    return settings->http_base_url[0] ? settings->http_base_url
           : settings->is_testnet     ? gateway->venue->testnet_rest_url
                                      : gateway->venue->rest_url;
}

static const char *ws_url(const struct gateway *gateway)
{
    const struct gateway_settings *settings = gateway->settings;

    return settings->ws_public_url[0] ? settings->ws_public_url
           : settings->is_testnet     ? gateway->venue->testnet_feed_ws_url
                                      : gateway->venue->feed_ws_url;
}

static int check_live(struct gateway *gateway, FILE *out, FILE *errors)
{
    struct role_runtime *rt = gateway->rt;
    struct url url;

    if (!rt->has_config_file) {
        fprintf(errors, "%s: no such file; a live feed needs its instruments\n", rt->config_path);
        return ERR_CONFIG;
    }
    int err = read_names(gateway, errors);
    if (!err && gateway->name_count == 0) {
        fprintf(errors, "%s: [FEED] INSTRUMENTS: not set\n", rt->config_path);
        err = ERR_CONFIG;
    }
    const char *http = http_url(gateway), *ws = ws_url(gateway);
    if (!err && (!http || !ws)) {
        fprintf(errors, "[GLOBAL] TESTNET_MODE: %s has no test host\n", gateway->venue->name);
        err = ERR_CONFIG;
    }
    if (!err && (url_parse(http, "https", &url) != 0 || url_parse(ws, "wss", &url) != 0)) {
        fprintf(errors, "not an https and a wss URL: %s %s\n", http, ws);
        err = ERR_CONFIG;
    }
    if (!err)
        fprintf(out, "connects to %s and %s\n", http, ws);
    return err;
}

static int read_speed(struct gateway *gateway, FILE *errors)
{
    const char *text = gateway->options->speed ? gateway->options->speed : "1";
    int64_t speed = 0;

    if (fixed_parse(text, strlen(text), SPEED_EXP, &speed) != 0 || speed < 1 ||
        speed > 1000000 * fixed_pow10(SPEED_EXP)) {
        fprintf(errors, "--speed %s: from 0.001 to 1000000\n", text);
        return ERR_CONFIG;
    }
    gateway->speed = speed;
    return 0;
}

int gateway_check(struct role_runtime *rt, FILE *out, FILE *errors)
{
    struct gateway *gateway = rt->state;

    gateway->rt = rt;
    gateway->venue = venue_find(rt->instance->venue);
    if (!gateway->venue || !gateway->venue->feed) {
        fprintf(errors, "%s: no feed is built for \"%s\"\n", rt->instance->name,
                rt->instance->venue);
        return ERR_UNSUPPORTED;
    }
    if (gateway->options->replay)
        return read_speed(gateway, errors);
    if (gateway->options->wants_publish || gateway->options->speed) {
        fputs("--publish and --speed go with --replay FILE\n", errors);
        return ERR_CONFIG;
    }
    return check_live(gateway, out, errors);
}

/* ---- events ---- */

static void print_event(struct gateway *gateway, const struct wire_header *event)
{
    if (wire_dump(event, gateway->dump, DUMP_MAX) >= 0)
        puts(gateway->dump);
}

static void on_event(void *ctx, struct wire_header *event)
{
    struct gateway *gateway = ctx;

    event->account = gateway->rt->instance->id;
    event->publisher = PUBLISHER(ROLE_MARKET_GATEWAY, event->account); /* For a dump without bus. */
    if (gateway->is_republishing) {
        event->flags |= WIRE_SNAPSHOT;
        gateway->republished++;
    } else if (event->type == WIRE_feed_status && event->instrument == 0) {
        gateway->whole = *(const struct wire_feed_status *)(const void *)event;
    }
    if (gateway->options->wants_dump)
        print_event(gateway, event);
    if (!gateway->pub)
        return;
    gateway->publish_failed += bus_publish(gateway->pub, event) != 0;
    if (!gateway->is_republishing)
        histogram_add(&gateway->receive_to_publish, loop_now_ns() - event->origin_ns);
}

static void on_request(void *ctx, const struct wire_state_request *request)
{
    struct gateway *gateway = ctx;

    gateway->republish_requests++;
    gateway->is_republishing = true;
    gateway->republished = 0;
    if (gateway->live)
        live_republish(gateway->live, request->header.instrument);
    else if (gateway->replay)
        replay_republish(gateway->replay, request->header.instrument, loop_now_ns());
    gateway->is_republishing = false;
    bus_pub_end_recovery(gateway->pub, request->request_id, gateway->republished, true);
}

static void on_risk(void *ctx, const struct wire_header *event)
{
    struct gateway *gateway = ctx;

    /* Market data flows under a halt too: others decide what to do with it. */
    if (event->type == WIRE_risk_state)
        bus_set_risk_version(gateway->rt->bus,
                             ((const struct wire_risk_state *)(const void *)event)->risk_version);
}

static void refresh_stats(struct gateway *gateway)
{
    if (gateway->live) {
        live_stats(gateway->live, &gateway->stats);
        live_counters(gateway->live, &gateway->counters);
    } else if (gateway->replay) {
        replay_stats(gateway->replay, &gateway->stats);
    }
}

/* Books of quiet instruments stay usable while the feed itself is proved to live. Where it is not,
 * nothing is said, and receivers let the books go. */
static void say_life(struct gateway *gateway, int64_t now_ns)
{
    struct wire_feed_status status = gateway->whole;

    if (now_ns < gateway->next_life_ns || status.state != FEED_LIVE)
        return;
    if (gateway->live && !live_is_proved(gateway->live, now_ns))
        return;
    gateway->next_life_ns = now_ns + LIFE_EVERY_NS;
    status.messages = gateway->stats.messages;
    status.gaps = gateway->stats.gaps;
    status.resyncs = gateway->stats.resyncs;
    status.checksum_failed = gateway->stats.checksum_failed;
    status.rejected = gateway->stats.rejected;
    status.header.flags |= WIRE_SNAPSHOT;
    status.header.origin_ns = now_ns;
    if (gateway->pub)
        gateway->publish_failed += bus_publish(gateway->pub, &status.header) != 0;
}

/* ---- replay ---- */

/* The first ones are worth reading; a broken capture has one per line. */
static void on_note(void *ctx, const char *event, const char *text)
{
    struct gateway *gateway = ctx;

    if (gateway->notes++ < NOTES_MAX)
        log_info(event, "%s", text);
    else if (gateway->notes == NOTES_MAX + 1)
        log_info("notes", "more than %d: the rest is not shown", NOTES_MAX);
}

static int open_replay(struct gateway *gateway)
{
    const struct venue_instance *instance = gateway->rt->instance;
    const struct replay_config config = { .venue = gateway->venue,
                                          .path = gateway->options->replay,
                                          .maker_fee_ppm = instance->maker_fee_ppm,
                                          .taker_fee_ppm = instance->taker_fee_ppm,
                                          .ctx = gateway,
                                          .event = on_event,
                                          .note = on_note };
    int err = replay_open(&gateway->replay, &config);

    if (err)
        log_error("replay", "%s: %s", gateway->options->replay, err_str(err));
    return err;
}

static void print_stats(struct gateway *gateway)
{
    static struct venue_feed_top tops[VENUE_SYMBOLS_MAX];
    size_t count = 0;

    if (!gateway->options->wants_stats)
        return;
    refresh_stats(gateway);
    if (gateway->live)
        count = live_tops(gateway->live, tops, COUNT(tops));
    else if (gateway->replay)
        count = replay_tops(gateway->replay, tops, COUNT(tops));
    stats_write(&gateway->stats, tops, count,
                gateway->replay ? replay_bad_lines(gateway->replay) : 0, stdout);
}

static int replay_result(const struct gateway *gateway, int err)
{
    if (err == ERR_NOT_FOUND)
        return 0;
    log_error("replay", "%s: %s", gateway->options->replay,
              err == ERR_UNSUPPORTED ? "not a capture of one record or frame a line"
              : err == ERR_CHECKSUM  ? "compressed data broken or cut off"
                                     : err_str(err));
    return err;
}

int gateway_once(struct role_runtime *rt)
{
    struct gateway *gateway = rt->state;

    if (!gateway->options->replay || gateway->options->wants_publish)
        return ROLE_GO_ON;
    int err = open_replay(gateway);
    if (err)
        return ROLE_EXIT_FAILURE;
    while ((err = replay_step(gateway->replay, 0)) == 0)
        ;
    err = replay_result(gateway, err);
    print_stats(gateway);
    replay_close(&gateway->replay);
    return fflush(stdout) == 0 && !err ? ROLE_EXIT_OK : ROLE_EXIT_FAILURE;
}

/* When, by our clock, a record of the capture's time is due. */
static int64_t due_ns(const struct gateway *gateway, int64_t ts_ns)
{
    i128 since = (i128)(ts_ns - gateway->first_ts_ns) * fixed_pow10(SPEED_EXP) / gateway->speed;

    return gateway->begun_ns + (int64_t)MIN(since, (i128)INT64_MAX / 4);
}

static void end_replay(struct loop_timer *timer, int64_t now_ns)
{
    struct gateway *gateway = timer->ctx;

    (void)now_ns;
    role_stop(gateway->rt, ROLE_EXIT_OK);
}

static void play_due(struct loop_timer *timer, int64_t now_ns)
{
    struct gateway *gateway = timer->ctx;
    int64_t ts_ns = 0, next_ns = 1;
    int err = 0;

    for (int i = 0; i < RECORDS_PER_TURN && !err; i++) {
        err = replay_due(gateway->replay, &ts_ns);
        if (err)
            break;
        if (!gateway->begun_ns && ts_ns) {
            gateway->begun_ns = now_ns;
            gateway->first_ts_ns = ts_ns;
        }
        next_ns = ts_ns ? due_ns(gateway, ts_ns) : now_ns;
        if (next_ns > now_ns)
            break;
        err = replay_step(gateway->replay, loop_now_ns());
        next_ns = 1; /* More may be due: in the next turn, without sleep. */
    }
    if (!err) {
        (void)loop_timer_at(gateway->rt->loop, timer, next_ns);
        return;
    }
    print_stats(gateway); /* Of the capture's last state. */
    replay_end(gateway->replay, loop_now_ns());
    if (replay_result(gateway, err) != 0) {
        role_stop(gateway->rt, ROLE_EXIT_FAILURE);
        return;
    }
    timer->fire = end_replay;
    (void)loop_timer_at(gateway->rt->loop, timer, loop_now_ns() + LINGER_NS);
}

/* ---- life ---- */

static void register_metrics(struct gateway *gateway)
{
    struct metrics *metrics = &gateway->rt->metrics;
    const struct venue_feed_stats *stats = &gateway->stats;
    const struct live_counters *counters = &gateway->counters;
    const struct {
        const char *name;
        const uint64_t *at;
    } table[] = {
        { "messages", &stats->messages },
        { "events", &stats->events },
        { "snapshots", &stats->snapshots },
        { "deltas", &stats->deltas },
        { "trades", &stats->trades },
        { "gaps", &stats->gaps },
        { "resyncs", &stats->resyncs },
        { "checksum_ok", &stats->checksum_ok },
        { "checksum_failed", &stats->checksum_failed },
        { "crossed", &stats->crossed },
        { "rejected", &stats->rejected },
        { "dropped_old", &stats->dropped_old },
        { "publish_failed", &gateway->publish_failed },
        { "republish_requests", &gateway->republish_requests },
        { "connects", &counters->link.connects },
        { "disconnects", &counters->link.disconnects },
        { "silences", &counters->link.silences },
        { "renewals", &counters->link.renewals },
        { "reconnects_asked", &counters->link.reconnects_asked },
        { "http_requests", &counters->link.requests },
        { "http_refused", &counters->link.requests_refused },
        { "http_failed", &counters->link.requests_failed },
        { "sends_refused", &counters->link.sends_refused },
        { "dns_failed", &counters->link.dns_failed },
    };

    for (size_t i = 0; i < COUNT(table); i++)
        (void)metrics_counter(metrics, table[i].name, table[i].at);
    (void)metrics_gauge(metrics, "connections_open", &counters->link.connections_open);
    (void)metrics_gauge(metrics, "connections_wanted", &counters->link.connections_wanted);
    (void)metrics_gauge(metrics, "ping_rtt_ns", &counters->link.ping_rtt_ns);
    (void)metrics_histogram(metrics, "receive_to_publish_ns", &gateway->receive_to_publish,
                            METRIC_TOTAL);
}

int gateway_init(struct role_runtime *rt)
{
    struct gateway *gateway = rt->state;

    register_metrics(gateway);
    return 0;
}

static int open_live(struct gateway *gateway)
{
    const struct gateway_settings *settings = gateway->settings;
    const struct venue_instance *instance = gateway->rt->instance;
    const struct live_config config = {
        .loop = gateway->rt->loop,
        .venue = gateway->venue,
        .codec = { .venue = gateway->venue->name,
                   .rest_url = http_url(gateway),
                   .ws_url = ws_url(gateway),
                   .names = gateway->names,
                   .name_count = gateway->name_count,
                   .depth = (unsigned)settings->depth,
                   .levels_max = (unsigned)settings->levels_max,
                   .maker_fee_ppm = instance->maker_fee_ppm,
                   .taker_fee_ppm = instance->taker_fee_ppm },
        .ca_file = settings->ca_file[0] ? settings->ca_file : NULL,
        .connect_timeout_ns = settings->ws_connection_timeout_ms * NS_PER_MS,
        .http_timeout_ns = settings->http_timeout_ms * NS_PER_MS,
        .reconnect_base_ns = settings->ws_reconnect_interval_ms * NS_PER_MS,
        .reconnect_max_ns =
            MAX(settings->ws_reconnect_max_ms, settings->ws_reconnect_interval_ms) * NS_PER_MS,
        .message_silence_ns = settings->ws_message_silence_ms * NS_PER_MS,
        .renew_ns = settings->ws_renew_ms * NS_PER_MS,
        .proof_ns = settings->proof_ms * NS_PER_MS,
        .message_max = (size_t)settings->ws_max_message_kb << 10,
        .ctx = gateway,
        .event = on_event,
    };
    int err = live_open(&gateway->live, &config);

    if (err)
        log_error("feed", "%s: %s", gateway->venue->name, err_str(err));
    return err;
}

int gateway_start(struct role_runtime *rt)
{
    struct gateway *gateway = rt->state;
    const struct bus_handler risk = { .ctx = gateway, .event = on_risk };
    int err = role_publish(rt, STREAM_MARKET_DATA, on_request, gateway, &gateway->pub);

    if (!err && !gateway->options->replay)
        err = role_subscribe(rt, STREAM_RISK, NULL, 0, &risk, &gateway->risk);
    if (err)
        return err;
    if (!gateway->options->replay)
        return open_live(gateway);
    err = open_replay(gateway);
    gateway->pace = (struct loop_timer){ .fire = play_due, .ctx = gateway };
    return err ? err : loop_timer_at(rt->loop, &gateway->pace, 1);
}

void gateway_tick(struct role_runtime *rt, int64_t now_ns)
{
    struct gateway *gateway = rt->state;

    if (gateway->live)
        live_tick(gateway->live, now_ns);
    refresh_stats(gateway);
    say_life(gateway, now_ns);
    if (gateway->live)
        role_status(rt, "feed %s, %lld of %lld connections",
                    wire_feed_state_str(gateway->whole.state),
                    (long long)gateway->counters.link.connections_open,
                    (long long)gateway->counters.link.connections_wanted);
    else
        role_status(rt, "replaying, feed %s", wire_feed_state_str(gateway->whole.state));
}

void gateway_metrics(struct role_runtime *rt)
{
    refresh_stats(rt->state);
}

void gateway_stop(struct role_runtime *rt)
{
    struct gateway *gateway = rt->state;

    loop_timer_stop(rt->loop, &gateway->pace);
    if (gateway->live)
        print_stats(gateway);
}

void gateway_fini(struct role_runtime *rt)
{
    struct gateway *gateway = rt->state;

    loop_timer_stop(rt->loop, &gateway->pace);
    live_close(&gateway->live);
    replay_close(&gateway->replay);
}
