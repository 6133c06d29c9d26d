/* tickpipe doctor: connects to each configured venue as its market_gateway would, listens a few
 * seconds, and says what it saw. It publishes nothing and needs no keys: it may run beside the
 * pipeline. */
#include "cli/cli.h"
#include "cli/probe.h"

#include "common/leaf/fixed.h"
#include "venue_link/live.h"
#include "market_gateway/settings.h"
#include "trading_engine/engine_settings.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    LISTEN_S = 15,
    LEAST_MS = 2000,
    TICK_MS = 100,
    PROBE_MS = 5000,
    CLOCK_SKEW_MS = 500,
    CERT_DAYS_MIN = 7
};

struct seen {
    struct wire_instrument definition;
    wire_feed_state state;
    wire_reason why;
    bool is_defined;
    uint64_t instrument, snapshots, deltas, trades;
};

struct patient {
    struct cli *cli;
    const struct venue_instance *instance;
    const struct venue *venue;
    struct gateway_settings settings;
    char name_texts[VENUE_SYMBOLS_MAX][32];
    const char *names[VENUE_SYMBOLS_MAX];
    size_t name_count;
    const char *rest_url, *ws_url;
    struct engine_settings engine;
    struct probe rest, ws, order_rest, order_ws;
    struct live *live;
    struct seen seen[VENUE_SYMBOLS_MAX];
    size_t seen_count;
    int64_t least_lag_ns; /* Least of (our wall clock - the venue's stamp) over its events. */
    bool has_lag;
    int64_t told_offset_ns; /* The codec's own measurement; 0: none. */
    struct venue_feed_stats stats;
    struct live_counters counters;
    const char *verdict; /* NULL: well. */
};

/* ---- what the codec says ---- */

static struct seen *seen_of(struct patient *p, uint64_t instrument)
{
    for (size_t i = 0; i < p->seen_count; i++)
        if (p->seen[i].instrument == instrument)
            return &p->seen[i];
    if (instrument == 0 || p->seen_count == VENUE_SYMBOLS_MAX)
        return NULL;
    p->seen[p->seen_count] = (struct seen){ .instrument = instrument };
    return &p->seen[p->seen_count++];
}

/* A stamp of the venue in an event that has just come: the least lag is the way here plus the
 * clocks' difference. */
static void note_stamp(struct patient *p, int64_t exchange_ns)
{
    int64_t lag_ns = loop_wall_ns() - exchange_ns;

    if (exchange_ns == 0 || (p->has_lag && lag_ns >= p->least_lag_ns))
        return;
    p->least_lag_ns = lag_ns;
    p->has_lag = true;
}

static void on_event(void *ctx, struct wire_header *header)
{
    struct patient *p = ctx;
    const union wire_event *event = (const void *)header;
    struct seen *seen = seen_of(p, header->instrument);

    if (header->type == WIRE_feed_status && event->feed_status.clock_offset_ns)
        p->told_offset_ns = event->feed_status.clock_offset_ns;
    if (!seen)
        return;
    switch (header->type) {
    case WIRE_instrument:
        seen->definition = event->instrument;
        seen->is_defined = true;
        break;
    case WIRE_feed_status:
        seen->state = event->feed_status.state;
        seen->why = event->feed_status.why;
        break;
    case WIRE_book_snapshot:
        seen->snapshots++;
        break;
    case WIRE_book_delta:
        seen->deltas++;
        note_stamp(p, event->book_delta.exchange_ns);
        break;
    case WIRE_trade:
        seen->trades++;
        if (!(header->flags & WIRE_SNAPSHOT)) /* History tells the age of trades, not of the way. */
            note_stamp(p, event->trade.exchange_ns);
        break;
    default:
        break;
    }
}

/* ---- the gateway's and the engine's own files ---- */

static int read_file(struct patient *p, enum role role, void *settings,
                     const struct config_key *own_keys, size_t own_count)
{
    struct config_key keys[ROLE_KEYS_MAX];
    struct role_config ignored;
    const char *own = p->cli->rt.config_path, *slash = strrchr(own, '/');
    char path[ROLE_PATH_MAX + 96];
    int len = snprintf(path, sizeof(path), "%.*s%s_%s.ini", slash ? (int)(slash + 1 - own) : 0, own,
                       role_name(role), p->instance->name);

    for (char *at = path + len; at > path && at[-1] != '/'; at--)
        if (at[-1] >= 'A' && at[-1] <= 'Z')
            at[-1] = (char)(at[-1] - 'A' + 'a');
    const struct config_part parts[] = {
        { settings, own_keys, own_count },
        { &ignored, keys, role_keys(role, keys) },
    };
    return config_load_parts(parts, COUNT(parts), path, stderr);
}

static int read_settings(struct patient *p)
{
    int err = read_file(p, ROLE_MARKET_GATEWAY, &p->settings, market_gateway_keys,
                        market_gateway_key_count);

    return err || !p->instance->has_engine
               ? err
               : read_file(p, ROLE_TRADING_ENGINE, &p->engine, trading_engine_keys,
                           trading_engine_key_count);
}

static void split_names(struct patient *p)
{
    char *rest = p->settings.instruments, *name;

    while ((name = strtok_r(rest, " ,\t", &rest)) != NULL && p->name_count < VENUE_SYMBOLS_MAX) {
        snprintf(p->name_texts[p->name_count], sizeof(p->name_texts[0]), "%s", name);
        p->names[p->name_count] = p->name_texts[p->name_count];
        p->name_count++;
    }
}

static const char *choose(const char *set, bool is_testnet, const char *testnet,
                          const char *production)
{
    return set[0] ? set : is_testnet ? testnet : production;
}

static int open_live(struct patient *p)
{
    const struct gateway_settings *s = &p->settings;
    const struct live_config config = {
        .loop = p->cli->rt.loop,
        .venue = p->venue,
        .codec = { .venue = p->venue->name,
                   .rest_url = p->rest_url,
                   .ws_url = p->ws_url,
                   .names = p->names,
                   .name_count = p->name_count,
                   .depth = (unsigned)s->depth,
                   .levels_max = (unsigned)s->levels_max,
                   .maker_fee_ppm = p->instance->maker_fee_ppm,
                   .taker_fee_ppm = p->instance->taker_fee_ppm },
        .ca_file = s->ca_file[0] ? s->ca_file : NULL,
        .connect_timeout_ns = s->ws_connection_timeout_ms * NS_PER_MS,
        .http_timeout_ns = s->http_timeout_ms * NS_PER_MS,
        .reconnect_base_ns = s->ws_reconnect_interval_ms * NS_PER_MS,
        .reconnect_max_ns = MAX(s->ws_reconnect_max_ms, s->ws_reconnect_interval_ms) * NS_PER_MS,
        .message_silence_ns = s->ws_message_silence_ms * NS_PER_MS,
        .proof_ns = s->proof_ms * NS_PER_MS,
        .message_max = (size_t)s->ws_max_message_kb << 10,
        .ctx = p,
        .event = on_event,
    };

    return live_open(&p->live, &config);
}

/* ---- looking ---- */

static bool is_well(const struct patient *p)
{
    size_t live = 0;

    for (size_t i = 0; i < p->seen_count; i++)
        live += p->seen[i].is_defined && p->seen[i].state == FEED_LIVE && p->seen[i].snapshots > 0;
    return live >= p->name_count && p->name_count > 0;
}

static void listen_to(struct patient *p, int64_t seconds)
{
    int64_t start_ns = loop_now_ns(), next_tick_ns = start_ns;

    for (int64_t now_ns = start_ns; now_ns < start_ns + seconds * NS_PER_S;
         now_ns = loop_now_ns()) {
        if (now_ns >= next_tick_ns) {
            live_tick(p->live, now_ns);
            next_tick_ns = now_ns + TICK_MS * NS_PER_MS;
        }
        if (is_well(p) && now_ns >= start_ns + LEAST_MS * NS_PER_MS)
            break;
        if (loop_turn(p->cli->rt.loop, 20 * NS_PER_MS) != 0)
            break;
    }
    live_stats(p->live, &p->stats);
    live_counters(p->live, &p->counters);
}

static void probe_pair(struct patient *p, const char *ca_file, const char *rest_url,
                       const char *ws_url, struct probe *rest, struct probe *ws)
{
    struct tls *tls = NULL;

    if (tls_open(&tls, ca_file[0] ? ca_file : NULL) != 0) {
        p->verdict = "CA_FILE cannot be read";
        return;
    }
    probe_url(rest, tls, rest_url, PROBE_MS * NS_PER_MS);
    probe_url(ws, tls, ws_url, PROBE_MS * NS_PER_MS);
    tls_close(&tls);
    if (!rest->is_ok || !ws->is_ok)
        p->verdict = "a host cannot be reached";
}

static void probe_hosts(struct patient *p)
{
    const struct engine_settings *e = &p->engine;
    const char *rest =
        choose(e->http_url, e->is_testnet, p->venue->testnet_rest_url, p->venue->rest_url);
    const char *ws =
        choose(e->ws_url, e->is_testnet, p->venue->testnet_order_ws_url, p->venue->order_ws_url);

    probe_pair(p, p->settings.ca_file, p->rest_url, p->ws_url, &p->rest, &p->ws);
    if (!p->instance->has_engine)
        return;
    if (rest && ws)
        probe_pair(p, e->ca_file, rest, ws, &p->order_rest, &p->order_ws);
    else
        p->verdict = "TESTNET_MODE, but the venue has no test host for orders";
}

/* Venue minus ours: the codec's measurement, else from stamps, less half of the way there and back.
 */
static bool clock_offset(const struct patient *p, int64_t *offset_ns)
{
    *offset_ns = p->told_offset_ns;
    if (p->told_offset_ns)
        return true;
    *offset_ns = -(p->least_lag_ns - p->ws.tcp_ns / 2);
    return p->has_lag;
}

static void examine(struct patient *p)
{
    int64_t offset_ns;

    p->venue = venue_find(p->instance->venue);
    if (!p->venue || !p->venue->feed) {
        p->verdict = "no adapter of this name is built";
        return;
    }
    if (read_settings(p) != 0) {
        p->verdict = "its market_gateway or trading_engine file is refused";
        return;
    }
    split_names(p);
    p->rest_url = choose(p->settings.http_base_url, p->settings.is_testnet,
                         p->venue->testnet_rest_url, p->venue->rest_url);
    p->ws_url = choose(p->settings.ws_public_url, p->settings.is_testnet,
                       p->venue->testnet_feed_ws_url, p->venue->feed_ws_url);
    if (!p->rest_url || !p->ws_url) {
        p->verdict = "TESTNET_MODE, but the venue has no test host";
        return;
    }
    probe_hosts(p);
    if (p->verdict)
        return;
    if (open_live(p) != 0) {
        p->verdict = "the feed refuses its configuration";
        return;
    }
    listen_to(p, p->cli->seconds ? p->cli->seconds : LISTEN_S);
    if (p->counters.link.connections_open < p->counters.link.connections_wanted)
        p->verdict = "WebSocket does not stay open";
    else if (!is_well(p))
        p->verdict = "not every book is live";
    else if (clock_offset(p, &offset_ns) && llabs(offset_ns) > CLOCK_SKEW_MS * NS_PER_MS)
        p->verdict = "clocks differ";
    else if (p->rest.days_left < CERT_DAYS_MIN || p->ws.days_left < CERT_DAYS_MIN)
        p->verdict = "a certificate ends within days";
}

/* ---- saying ---- */

static void print_probe(const char *what, const struct probe *probe, const char *ca_file)
{
    if (!probe->host[0])
        return;
    if (!probe->is_ok) {
        printf("  %-10s %s: %s\n", what, probe->host, probe->why);
        return;
    }
    printf("  %-10s %s (%s): %s %s, certificate of \"%s\" for %d more days, verified by "
           "%s; name %.1f ms, TCP %.1f ms, TLS %.1f ms\n",
           what, probe->host, probe->address, probe->protocol, probe->cipher, probe->issuer,
           probe->days_left, ca_file[0] ? ca_file : "the system's CAs",
           (double)probe->name_ns / 1e6, (double)probe->tcp_ns / 1e6, (double)probe->tls_ns / 1e6);
}

static const struct venue_feed_top *top_of(const struct venue_feed_top *tops, size_t count,
                                           const char *symbol)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(tops[i].symbol, symbol) == 0)
            return &tops[i];
    return NULL;
}

static void price_text(bool is_there, int64_t price, int exp, char out[FIXED_TEXT_MAX])
{
    if (!is_there || fixed_format_trim(price, exp, out, FIXED_TEXT_MAX) < 0)
        snprintf(out, FIXED_TEXT_MAX, "-");
}

static void print_book(const struct patient *p, const struct seen *seen,
                       const struct venue_feed_top *top, bool is_first)
{
    const struct wire_instrument *d = &seen->definition;
    char bid[FIXED_TEXT_MAX], ask[FIXED_TEXT_MAX], tick[FIXED_TEXT_MAX], lot[FIXED_TEXT_MAX];

    price_text(top && top->has_bid, top ? top->bid_price : 0, top ? top->price_exp : 0, bid);
    price_text(top && top->has_ask, top ? top->ask_price : 0, top ? top->price_exp : 0, ask);
    price_text(seen->is_defined, d->tick_size, d->price_exp, tick);
    price_text(seen->is_defined, d->lot_size, d->qty_exp, lot);
    if (p->cli->is_json) {
        printf("%s{\"name\":\"%s\",\"symbol\":\"%s\",\"trading\":\"%s\",\"book\":\"%s\",\"why\":\"%"
               "s\",\"bid\":\"%s\",\"ask\":"
               "\"%s\",\"tick_size\":\"%s\",\"lot_size\":\"%s\",\"snapshots\":%" PRIu64
               ",\"deltas\":%" PRIu64 ",\"trades\":%" PRIu64 "}",
               is_first ? "" : ",", d->name, d->symbol, wire_trading_state_str(d->state),
               wire_feed_state_str(seen->state), wire_reason_str(seen->why), bid, ask, tick, lot,
               seen->snapshots, seen->deltas, seen->trades);
        return;
    }
    printf("  %-10s %s (%s): %s, book %s (%s) %s / %s, tick %s, lot %s, %" PRIu64
           " deltas, %" PRIu64 " trades\n",
           "instrument", seen->is_defined ? d->name : "?", d->symbol,
           wire_trading_state_str(d->state), wire_feed_state_str(seen->state),
           wire_reason_str(seen->why), bid, ask, tick, lot, seen->deltas, seen->trades);
}

static void print_books(const struct patient *p)
{
    struct venue_feed_top tops[VENUE_SYMBOLS_MAX];
    size_t count = p->live ? live_tops(p->live, tops, COUNT(tops)) : 0;

    for (size_t i = 0; i < p->seen_count; i++)
        print_book(p, &p->seen[i], top_of(tops, count, p->seen[i].definition.symbol), i == 0);
}

static void print_for_people(const struct patient *p)
{
    int64_t offset_ns;

    printf("%s (%s): %s\n", p->instance->name, p->instance->venue,
           p->verdict ? p->verdict : "well");
    print_probe("REST", &p->rest, p->settings.ca_file);
    print_probe("WebSocket", &p->ws, p->settings.ca_file);
    if (p->instance->has_engine) {
        print_probe("orders", &p->order_rest, p->engine.ca_file);
        print_probe("order WS", &p->order_ws, p->engine.ca_file);
    }
    if (!p->live)
        return;
    if (clock_offset(p, &offset_ns))
        printf("  %-10s the venue's is %+.1f ms from ours%s\n", "clock", (double)offset_ns / 1e6,
               p->told_offset_ns ? " (measured)"
                                 : " (from stamps of its events, the way here left out by half)");
    else
        printf("  %-10s no stamp of the venue was seen\n", "clock");
    printf("  %-10s %" PRId64 " of %" PRId64 " connections open, %" PRIu64 " messages, %" PRIu64
           " gaps, %" PRIu64 " resyncs, %" PRIu64 " failed checksums, %" PRIu64
           " unreadable; %zu of %zu instruments defined\n",
           "feed", p->counters.link.connections_open, p->counters.link.connections_wanted,
           p->stats.messages, p->stats.gaps, p->stats.resyncs, p->stats.checksum_failed,
           p->stats.rejected, p->seen_count, p->name_count);
    print_books(p);
}

static void print_probe_json(const char *name, const struct probe *probe)
{
    printf("\"%s\":{\"host\":\"%s\",\"ok\":%s,\"why\":\"%s\",\"name_us\":%" PRId64
           ",\"tcp_us\":%" PRId64 ",\"tls_us\":%" PRId64
           ",\"protocol\":\"%s\",\"certificate_days\":%d},",
           name, probe->host, probe->is_ok ? "true" : "false", probe->why,
           probe->name_ns / NS_PER_US, probe->tcp_ns / NS_PER_US, probe->tls_ns / NS_PER_US,
           probe->protocol, probe->days_left);
}

static void print_for_programs(const struct patient *p)
{
    int64_t offset_ns;

    printf("{\"venue\":\"%s\",\"adapter\":\"%s\",\"well\":%s,\"verdict\":\"%s\",",
           p->instance->name, p->instance->venue, p->verdict ? "false" : "true",
           p->verdict ? p->verdict : "");
    print_probe_json("rest", &p->rest);
    print_probe_json("ws", &p->ws);
    print_probe_json("order_rest", &p->order_rest);
    print_probe_json("order_ws", &p->order_ws);
    if (clock_offset(p, &offset_ns))
        printf("\"clock_offset_us\":%" PRId64 ",", offset_ns / NS_PER_US);
    printf("\"messages\":%" PRIu64 ",\"gaps\":%" PRIu64 ",\"resyncs\":%" PRIu64
           ",\"checksum_failed\":%" PRIu64 ",\"rejected\":%" PRIu64 ",\"instruments\":[",
           p->stats.messages, p->stats.gaps, p->stats.resyncs, p->stats.checksum_failed,
           p->stats.rejected);
    print_books(p);
    puts("]}");
}

/* ---- all of them ---- */

static bool is_chosen(const struct cli *cli, const char *name)
{
    for (size_t i = 1; i < cli->arg_count; i++)
        if (strcasecmp(cli->args[i], name) == 0)
            return true;
    return cli->arg_count == 1;
}

static int examine_one(struct cli *cli, const struct venue_instance *instance)
{
    struct patient *p = calloc(1, sizeof(*p));

    if (!p)
        return CLI_FAILURE;
    p->cli = cli;
    p->instance = instance;
    examine(p);
    if (cli->is_json)
        print_for_programs(p);
    else
        print_for_people(p);
    int code = p->verdict ? CLI_FAILURE : CLI_OK;
    live_close(&p->live);
    free(p);
    return code;
}

int cli_doctor(struct cli *cli)
{
    int code = CLI_OK;

    for (size_t i = 1; i < cli->arg_count; i++)
        if (!venues_find(&cli->rt.venues, cli->args[i])) {
            fprintf(stderr, "tickpipe doctor: no venue instance \"%s\" in %s\n", cli->args[i],
                    cli->rt.common.venues_file);
            return CLI_USAGE;
        }
    for (size_t i = 0; i < cli->rt.venues.count; i++)
        if (is_chosen(cli, cli->rt.venues.at[i].name) &&
            examine_one(cli, &cli->rt.venues.at[i]) != CLI_OK)
            code = CLI_FAILURE;
    return code;
}
