#include "common/leaf/fixed.h"
#include "venues/kraken/feed.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define PING_AFTER_NS      (5 * NS_PER_S)
#define RECONNECT_AFTER_NS (10 * NS_PER_S)
#define LIFE_SIGN_NS       (250 * NS_PER_MS)
/* The venue speaks at least once a second; silence beyond this is not called life any more. */
#define ALIVE_NS          (2500 * NS_PER_MS)
#define METADATA_EVERY_NS (3600 * NS_PER_S)
#define REFRESH_ANSWER_NS (5 * NS_PER_S)

enum { TAG_ASSET_PAIRS = 1, METADATA_ATTEMPTS_MAX = 6 };

/* ---- out ---- */

void kraken_feed_note(const struct kraken_call *call, const char *event, const char *format, ...)
{
    char text[256];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    call->out->note(call->out->ctx, event, text);
}

void kraken_feed_emit(const struct kraken_call *call, struct wire_header *event)
{
    event->origin_ns = call->clock->now_ns;
    call->feed->stats.events++;
    call->out->event(call->out->ctx, event);
}

static int send_text(const struct kraken_call *call, const char *text, size_t len)
{
    if (!call->feed->is_open || call->clock->now_ns < call->feed->send_hold_until_ns)
        return ERR_CLOSED;
    return call->out->send(call->out->ctx, KRAKEN_FEED_CONNECTION, text, len);
}

void kraken_feed_reconnect(const struct kraken_call *call, wire_reason why)
{
    if (call->feed->is_reconnecting)
        return;
    call->feed->is_reconnecting = true;
    call->out->reconnect(call->out->ctx, KRAKEN_FEED_CONNECTION, why);
}

int kraken_feed_subscribe(const struct kraken_call *call, const char *method, const char *channel,
                          const struct kraken_market *only)
{
    struct kraken_feed *feed = call->feed;
    bool is_book = strcmp(channel, "book") == 0, is_subscribe = strcmp(method, "subscribe") == 0;
    char text[VENUE_FRAME_MAX];
    int len =
        snprintf(text, sizeof(text),
                 "{\"method\":\"%s\",\"params\":{\"channel\":\"%s\",\"symbol\":[", method, channel);
    unsigned count = 0;

    for (unsigned i = 0; i < feed->market_count; i++) {
        const struct kraken_market *market = &feed->markets[i];
        if (only ? market == only
                 : market->is_wanted && market->is_defined && !market->is_subscribed)
            len += snprintf(text + len, sizeof(text) - (size_t)len, "%s\"%s\"", count++ ? "," : "",
                            market->symbol);
    }
    if (count == 0)
        return 0;
    len += snprintf(text + len, sizeof(text) - (size_t)len, "]");
    if (is_book)
        len += snprintf(text + len, sizeof(text) - (size_t)len, ",\"depth\":%u", feed->depth);
    if (is_subscribe)
        len += snprintf(text + len, sizeof(text) - (size_t)len, ",\"snapshot\":%s",
                        is_book ? "true" : "false");
    len += snprintf(text + len, sizeof(text) - (size_t)len, "},\"req_id\":%llu}",
                    (unsigned long long)++feed->req_id);
    return send_text(call, text, (size_t)len);
}

void kraken_feed_resync(const struct kraken_call *call, struct kraken_market *market)
{
    market->is_asked = true;
    market->resync_at_ns = call->clock->now_ns + REFRESH_ANSWER_NS;
    (void)kraken_feed_subscribe(call, "unsubscribe", "book", market);
    (void)kraken_feed_subscribe(call, "subscribe", "book", market);
}

/* Subscribes to all that is wanted, defined and not yet subscribed to. */
void kraken_feed_subscribe_books(const struct kraken_call *call)
{
    struct kraken_feed *feed = call->feed;

    if (!feed->is_open || kraken_feed_subscribe(call, "subscribe", "book", NULL) != 0 ||
        kraken_feed_subscribe(call, "subscribe", "trade", NULL) != 0)
        return;
    for (unsigned i = 0; i < feed->market_count; i++) {
        struct kraken_market *market = &feed->markets[i];
        if (!market->is_wanted || !market->is_defined || market->is_subscribed)
            continue;
        market->is_subscribed = true;
        market->is_lost = false;
        market->is_asked = true;
        market->resync_attempt = 0;
        market->resync_at_ns = call->clock->now_ns + REFRESH_ANSWER_NS;
        market->state = FEED_SYNCING;
        market->why = REASON_START;
        kraken_market_status(call, market);
    }
}

/* ---- state of the whole feed ---- */

static wire_feed_state state_of(const struct kraken_feed *feed, wire_reason *why)
{
    *why = REASON_NONE;
    if (!feed->is_open && feed->last_message_ns == 0) {
        *why = REASON_START;
        return FEED_CONNECTING;
    }
    if (!feed->is_open && feed->is_reconnecting) {
        *why = REASON_DISCONNECTED;
        return FEED_DOWN;
    }
    if (feed->is_maintenance) {
        *why = REASON_VENUE_MAINTENANCE;
        return FEED_MAINTENANCE;
    }
    for (unsigned i = 0; i < feed->market_count; i++)
        if (feed->markets[i].is_wanted && feed->markets[i].state != FEED_LIVE) {
            *why = feed->markets[i].why;
            return FEED_SYNCING;
        }
    return FEED_LIVE;
}

void kraken_feed_update_state(const struct kraken_call *call, bool always)
{
    struct kraken_feed *feed = call->feed;
    wire_reason why;
    wire_feed_state state = state_of(feed, &why);
    struct wire_feed_status status;

    if (!always && state == feed->state && why == feed->why)
        return;
    feed->state = state;
    feed->why = why;
    WIRE_BEGIN(&status, feed_status);
    status.messages = feed->stats.messages;
    status.gaps = feed->stats.gaps;
    status.resyncs = feed->stats.resyncs;
    status.checksum_failed = feed->stats.checksum_failed;
    status.rejected = feed->stats.rejected;
    status.last_message_ns = feed->last_message_ns;
    status.clock_offset_ns = feed->clock_offset_ns;
    status.state = state;
    status.why = why;
    kraken_feed_emit(call, &status.header);
}

/* ---- life ---- */

static unsigned depth_of(unsigned wanted, unsigned levels_max)
{
    static const unsigned depths[] = { 10, 25, 100, 500, 1000 };
    unsigned depth = depths[0];

    if (wanted == 0)
        wanted = KRAKEN_DEPTH_DEFAULT;
    if (levels_max != 0)
        wanted = MIN(wanted, MAX(levels_max, depths[0]));
    /* The largest of the venue's depths that is not above the wanted one. */
    for (size_t i = 0; i < COUNT(depths); i++)
        if (depths[i] <= wanted)
            depth = depths[i];
    return depth;
}

static void feed_fini(void *state)
{
    struct kraken_feed *feed = state;

    for (unsigned i = 0; feed->markets && i < feed->markets_max; i++)
        book_fini(&feed->markets[i].book);
    free(feed->markets);
    feed->markets = NULL;
    kraken_check_fini(&feed->check);
    kraken_names_fini(&feed->names);
}

/* Memory for all markets there can be: nothing is allocated later. Between a message's start and
 * its end a side may hold more than its depth: the venue truncates after the message, and a level
 * that was dropped early would be missing. Hence twice the depth. */
static int allocate(struct kraken_feed *feed)
{
    unsigned depth = feed->takes_any_symbol ? KRAKEN_DEPTH_MAX : feed->depth;
    int err = kraken_names_init(&feed->names);

    if (!err)
        err = kraken_check_init(&feed->check);
    feed->markets = err ? NULL : calloc(feed->markets_max, sizeof(*feed->markets));
    if (!feed->markets)
        return ERR_SYS;
    for (unsigned i = 0; !err && i < feed->markets_max; i++)
        err = book_init(&feed->markets[i].book, 2 * depth, KRAKEN_EXP, KRAKEN_EXP);
    return err;
}

static int feed_init(void *state, const struct venue_feed_config *config)
{
    struct kraken_feed *feed = state;
    char symbol[32];

    *feed = (struct kraken_feed){ .takes_any_symbol = config->takes_any_symbol,
                                  .depth = depth_of(config->depth, config->levels_max),
                                  .maker_ppm = config->maker_fee_ppm,
                                  .taker_ppm = config->taker_fee_ppm,
                                  .state = FEED_CONNECTING,
                                  .why = REASON_START };
    if (config->name_count > VENUE_SYMBOLS_MAX ||
        (config->name_count == 0 && !config->takes_any_symbol))
        return ERR_RANGE;
    feed->markets_max = config->takes_any_symbol ? VENUE_SYMBOLS_MAX : (unsigned)config->name_count;
    snprintf(feed->rest_url, sizeof(feed->rest_url), "%s",
             config->rest_url ? config->rest_url : "");
    snprintf(feed->ws_url, sizeof(feed->ws_url), "%s", config->ws_url ? config->ws_url : "");
    int err = allocate(feed);
    for (size_t i = 0; !err && i < config->name_count; i++) {
        err = kraken_symbol_of(config->names[i], symbol);
        if (!err)
            kraken_feed_market_add(feed, symbol)->is_wanted = true;
    }
    if (err)
        feed_fini(feed);
    return err;
}

static size_t feed_connections(void *state, struct venue_connection *out)
{
    struct kraken_feed *feed = state;
    size_t len = strlen(feed->ws_url);
    bool has_path = len >= 3 && strcmp(feed->ws_url + len - 3, "/v2") == 0;

    out[0] = (struct venue_connection){ .silence_ns = RECONNECT_AFTER_NS };
    snprintf(out[0].url, sizeof(out[0].url), "%s%s", feed->ws_url, has_path ? "" : "/v2");
    return 1;
}

static void ask_metadata(const struct kraken_call *call)
{
    struct kraken_feed *feed = call->feed;

    feed->request = (struct venue_request){ .method = "GET", .tag = TAG_ASSET_PAIRS, .weight = 1 };
    snprintf(feed->request.path, sizeof(feed->request.path), "/0/public/AssetPairs");
    int err = call->out->request(call->out->ctx, &feed->request);
    feed->is_metadata_asked = !err;
    /* No answer within a minute is none. */
    feed->metadata_at_ns = call->clock->now_ns + (err ? NS_PER_S : 60 * NS_PER_S);
}

static void feed_start(void *state, const struct venue_clock *clock, const struct venue_out *out)
{
    struct kraken_call call = { state, clock, out };

    kraken_feed_update_state(&call, true);
    ask_metadata(&call);
}

static void feed_opened(void *state, unsigned connection, const struct venue_clock *clock,
                        const struct venue_out *out)
{
    struct kraken_feed *feed = state;
    struct kraken_call call = { feed, clock, out };
    char text[160];
    (void)connection;

    feed->is_open = true;
    feed->is_reconnecting = false;
    feed->opened_ns = feed->last_message_ns = clock->now_ns;
    feed->ping_sent_ns = 0;
    int len = snprintf(text, sizeof(text),
                       "{\"method\":\"subscribe\",\"params\":{\"channel\":\"instrument\","
                       "\"snapshot\":true},\"req_id\":%llu}",
                       (unsigned long long)++feed->req_id);
    (void)send_text(&call, text, (size_t)len);
    kraken_feed_subscribe_books(&call);
    kraken_feed_update_state(&call, false);
}

static void feed_closed(void *state, unsigned connection, const struct venue_clock *clock,
                        const struct venue_out *out)
{
    struct kraken_feed *feed = state;
    struct kraken_call call = { feed, clock, out };
    (void)connection;

    kraken_feed_connection_lost(&call);
    feed->is_reconnecting = true; /* The shell is at it. */
    kraken_feed_update_state(&call, false);
}

static int on_asset_pairs(const struct kraken_call *call, const struct venue_response *response)
{
    struct kraken_feed *feed = call->feed;
    struct scan_value root, errors, result, first;
    int err = ERR_PROTO;

    if (response->status == 200 && scan_whole(response->body, response->body_len, &root) == 0 &&
        root.type == SCAN_OBJECT && scan_find(&root, "error", &errors) == 0 &&
        kraken_first_error(&errors, &first) == ERR_NOT_FOUND &&
        scan_find(&root, "result", &result) == 0)
        err = kraken_read_asset_pairs(&feed->names, &result, kraken_feed_on_pair, (void *)call,
                                      &feed->metadata_bad);
    feed->is_metadata_asked = false;
    if (err) {
        feed->metadata_attempt = MIN(feed->metadata_attempt + 1, METADATA_ATTEMPTS_MAX);
        feed->metadata_at_ns = call->clock->now_ns + (NS_PER_S << feed->metadata_attempt);
        feed->stats.rejected += response->status == 200;
        return err;
    }
    feed->has_metadata = true;
    feed->metadata_attempt = 0;
    feed->metadata_at_ns = call->clock->now_ns + METADATA_EVERY_NS;
    kraken_feed_subscribe_books(call);
    return 0;
}

static int feed_http(void *state, const struct venue_response *response,
                     const struct venue_clock *clock, const struct venue_out *out)
{
    struct kraken_call call = { state, clock, out };
    struct scan_value root, result, status;

    if (response->tag == TAG_ASSET_PAIRS ||
        (response->tag == 0 && response->url && strstr(response->url, "/public/AssetPairs")))
        return on_asset_pairs(&call, response);
    if (response->tag == 0 && response->url && strstr(response->url, "/public/SystemStatus")) {
        if (scan_whole(response->body, response->body_len, &root) != 0 ||
            root.type != SCAN_OBJECT || scan_find(&root, "result", &result) != 0 ||
            result.type != SCAN_OBJECT || scan_find(&result, "status", &status) != 0 ||
            status.type != SCAN_STRING)
            return ERR_PROTO;
        kraken_feed_on_system(&call, &status);
    }
    if (response->tag > KRAKEN_TAG_DEPTH)
        return kraken_check_answer(&call, response);
    return 0; /* Depth's quantities are rounded: a book is never made of it. */
}

static void ping(const struct kraken_call *call)
{
    struct kraken_feed *feed = call->feed;
    char text[64];
    int len = snprintf(text, sizeof(text), "{\"method\":\"ping\",\"req_id\":%llu}",
                       (unsigned long long)++feed->req_id);

    if (send_text(call, text, (size_t)len) == 0) {
        feed->ping_sent_ns = call->clock->now_ns;
        feed->ping_sent_wall_ns = call->clock->wall_ns;
    }
}

static void keep_alive(const struct kraken_call *call)
{
    struct kraken_feed *feed = call->feed;
    int64_t silent_ns = call->clock->now_ns - feed->last_message_ns;

    if (!feed->is_open)
        return;
    if (silent_ns > RECONNECT_AFTER_NS) {
        kraken_feed_reconnect(call, REASON_SILENCE);
    } else if (silent_ns > PING_AFTER_NS && feed->ping_sent_ns == 0) {
        ping(call);
    }
}

/* Books beyond the checksum's ten levels are taken anew now and then: a level lost down there is
 * wrong until it comes near the top, or until then. One book at a time. */
static void refresh_one(const struct kraken_call *call)
{
    struct kraken_feed *feed = call->feed;
    struct kraken_market *due = NULL;

    for (unsigned i = 0; i < feed->market_count; i++) {
        struct kraken_market *market = &feed->markets[i];
        if (market->is_refreshing)
            return;
        if (!due && market->is_subscribed && market->state == FEED_LIVE &&
            market->depth > KRAKEN_CHECKSUM_LEVELS && call->clock->now_ns >= market->refresh_at_ns)
            due = market;
    }
    if (due) {
        due->is_refreshing = true;
        kraken_feed_resync(call, due);
    }
}

static void retry_books(const struct kraken_call *call)
{
    struct kraken_feed *feed = call->feed;

    for (unsigned i = 0; i < feed->market_count; i++) {
        struct kraken_market *market = &feed->markets[i];
        if (market->resync_at_ns == 0 || call->clock->now_ns < market->resync_at_ns ||
            !market->is_subscribed)
            continue;
        if (market
                ->is_refreshing) /* Subscription given up, no snapshot: it is not good any more. */
            kraken_market_lost(call, market, FEED_STALE, REASON_DEPTH_COMPARE);
        else
            kraken_feed_resync(call, market);
    }
}

static void feed_tick(void *state, const struct venue_clock *clock, const struct venue_out *out)
{
    struct kraken_feed *feed = state;
    struct kraken_call call = { feed, clock, out };
    int64_t now = clock->now_ns;

    keep_alive(&call);
    if (now >= feed->metadata_at_ns)
        ask_metadata(&call);
    if (feed->is_open) {
        kraken_feed_subscribe_books(&call);
        retry_books(&call);
        refresh_one(&call);
        kraken_check_tick(&call);
    }
    if (now < feed->status_at_ns)
        return;
    feed->status_at_ns = now + LIFE_SIGN_NS;
    /* A book at rest is as fresh as its connection. Receivers take a live feed's word for all of
     * its books: a silent one gives none, and the books grow old. */
    bool is_alive = feed->is_open && now - feed->last_message_ns <= ALIVE_NS;
    kraken_feed_update_state(&call, is_alive || !feed->is_open);
    for (unsigned i = 0; is_alive && i < feed->market_count; i++)
        if (feed->markets[i].state == FEED_LIVE)
            kraken_market_status(&call, &feed->markets[i]);
}

static void feed_republish(void *state, uint64_t instrument, const struct venue_clock *clock,
                           const struct venue_out *out)
{
    struct kraken_feed *feed = state;
    struct kraken_call call = { feed, clock, out };

    for (unsigned i = 0; i < feed->market_count; i++) {
        struct kraken_market *market = &feed->markets[i];
        if (instrument != 0 && market->instrument != instrument)
            continue;
        if (market->is_defined)
            kraken_feed_publish_definition(&call, market, true);
        kraken_market_status(&call, market);
        if (!market->book.is_stale)
            kraken_market_snapshot(&call, market, true);
    }
}

static void feed_stats(void *state, struct venue_feed_stats *out)
{
    *out = ((struct kraken_feed *)state)->stats;
}

static size_t feed_tops(void *state, struct venue_feed_top *out, size_t max)
{
    struct kraken_feed *feed = state;
    size_t count = 0;

    for (unsigned i = 0; i < feed->market_count && count < max; i++) {
        const struct kraken_market *market = &feed->markets[i];
        const struct wire_level *bid = book_best(&market->book.bids);
        const struct wire_level *ask = book_best(&market->book.asks);
        if (!market->is_wanted && market->messages == 0)
            continue;
        out[count] = (struct venue_feed_top){ .instrument = market->instrument,
                                              .instrument_kind = INSTRUMENT_SPOT,
                                              .has_bid = bid != NULL,
                                              .has_ask = ask != NULL,
                                              .is_stale = market->book.is_stale,
                                              .bid_price = bid ? bid->price : 0,
                                              .ask_price = ask ? ask->price : 0,
                                              .price_exp = market->book.price_exp,
                                              .price_decimals = market->price_decimals,
                                              .bid_count = market->book.bids.count,
                                              .ask_count = market->book.asks.count };
        snprintf(out[count++].symbol, sizeof(out->symbol), "%s", market->symbol);
    }
    return count;
}

const struct venue_feed_ops kraken_feed_ops = {
    .state_size = sizeof(struct kraken_feed),
    .init = feed_init,
    .fini = feed_fini,
    .connections = feed_connections,
    .start = feed_start,
    .opened = feed_opened,
    .closed = feed_closed,
    .frame = kraken_feed_frame,
    .http = feed_http,
    .tick = feed_tick,
    .republish = feed_republish,
    .stats = feed_stats,
    .tops = feed_tops,
};
