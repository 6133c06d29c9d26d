#include "common/leaf/fixed.h"
#include "common/pure/instrument.h"
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
#define MSG_RATE_HOLD_NS  (5 * NS_PER_S)

enum { TAG_ASSET_PAIRS = 1, METADATA_ATTEMPTS_MAX = 6 };

/* ---- out ---- */

static void note(const struct kraken_call *call, const char *event, const char *format, ...)
    PRINTF_LIKE(3, 4);
static void note(const struct kraken_call *call, const char *event, const char *format, ...)
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

static void reconnect(const struct kraken_call *call, wire_reason why)
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
static void subscribe_books(const struct kraken_call *call)
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

/* ---- markets ---- */

static uint8_t *slot_of(struct kraken_feed *feed, const char *symbol, size_t len)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)symbol[i]) * 16777619u;
    for (;; hash++) {
        uint8_t *slot = &feed->slots[hash % KRAKEN_MARKET_SLOTS];
        const struct kraken_market *market = *slot ? &feed->markets[*slot - 1] : NULL;
        if (!market || (memcmp(market->symbol, symbol, len) == 0 && market->symbol[len] == '\0'))
            return slot;
    }
}

static struct kraken_market *market_add(struct kraken_feed *feed, const char *symbol)
{
    uint8_t *slot = slot_of(feed, symbol, strlen(symbol));

    if (*slot)
        return &feed->markets[*slot - 1];
    if (feed->market_count == feed->markets_max) {
        feed->markets_refused++;
        return NULL;
    }
    struct kraken_market *market = &feed->markets[feed->market_count++];
    *slot = (uint8_t)feed->market_count;
    snprintf(market->symbol, sizeof(market->symbol), "%s", symbol);
    market->instrument = instrument_id("kraken", INSTRUMENT_SPOT, market->symbol);
    market->depth = feed->depth;
    market->is_depth_known = !feed->takes_any_symbol;
    return market;
}

/* Lays the system's state over the pair's own: the stricter one holds. */
static wire_trading_state effective_state(const struct kraken_feed *feed,
                                          const struct kraken_market *market)
{
    if (feed->is_maintenance)
        return TRADING_HALTED;
    if (feed->system == TRADING_CANCEL_ONLY &&
        (market->pair_state == TRADING_OPEN || market->pair_state == TRADING_POST_ONLY ||
         market->pair_state == TRADING_LIMIT_ONLY))
        return TRADING_CANCEL_ONLY;
    if (feed->system == TRADING_POST_ONLY &&
        (market->pair_state == TRADING_OPEN || market->pair_state == TRADING_LIMIT_ONLY))
        return TRADING_POST_ONLY;
    return market->pair_state;
}

static void publish_definition(const struct kraken_call *call, struct kraken_market *market,
                               bool is_repeat)
{
    struct wire_instrument definition = market->definition;

    definition.header.flags = is_repeat ? WIRE_SNAPSHOT : 0;
    kraken_feed_emit(call, &definition.header);
}

/* Takes what the metadata says of a pair into its market and publishes a change. */
static void define(const struct kraken_call *call, struct kraken_market *market,
                   const struct kraken_pair *pair)
{
    struct kraken_feed *feed = call->feed;
    struct wire_instrument definition;

    kraken_market_scale(market, pair->price_decimals, pair->qty_decimals);
    market->pair_state = pair->state;
    if (kraken_definition(pair, market->book.price_exp, market->book.qty_exp, feed->maker_ppm,
                          feed->taker_ppm, &definition) != 0) {
        note(call, "definition_refused", "%s: a step finer than the exponents fixed before",
             market->symbol);
        return;
    }
    definition.state = effective_state(feed, market);
    if (market->is_defined && memcmp(&definition, &market->definition, sizeof(definition)) == 0)
        return;
    market->definition = definition;
    market->is_defined = true;
    market->is_refused = false;
    publish_definition(call, market, false);
}

static void on_pair(void *ctx, const struct kraken_pair *pair)
{
    const struct kraken_call *call = ctx;
    struct kraken_feed *feed = call->feed;
    uint8_t *slot = slot_of(feed, pair->symbol, strlen(pair->symbol));
    struct kraken_market *market = *slot ? &feed->markets[*slot - 1] : NULL;

    /* In a replay room goes first to what has frames: a definition alone opens a market while there
     * is plenty, and the table of names keeps the rest. */
    if (!market && feed->takes_any_symbol && feed->market_count < feed->markets_max / 2)
        market = market_add(feed, pair->symbol);
    if (market)
        define(call, market, pair);
}

struct kraken_market *kraken_feed_market(const struct kraken_call *call,
                                         const struct scan_value *symbol)
{
    struct kraken_feed *feed = call->feed;
    char text[32], modern[32];

    if (symbol->type != SCAN_STRING || symbol->len >= sizeof(text))
        return NULL;
    uint8_t *slot = slot_of(feed, symbol->text, symbol->len);
    if (*slot)
        return &feed->markets[*slot - 1];
    if (!feed->takes_any_symbol || scan_text(symbol, text, sizeof(text)) != 0 ||
        kraken_symbol_of(text, modern) != 0 || strcmp(text, modern) != 0)
        return NULL;
    struct kraken_market *market = market_add(feed, text);
    const struct kraken_pair *pair = kraken_pair_by_symbol(&feed->names, text);
    if (market && pair)
        define(call, market, pair);
    return market;
}

/* ---- frames by kind ---- */

/* What a frame's top level says, in whatever order. */
struct envelope {
    struct scan_value channel, type, data, method, success, error, result, symbol, req_id;
    struct scan_value time_in, time_out;
};

static int read_envelope(const char *frame, size_t len, struct envelope *out)
{
    static const struct {
        const char *name;
        size_t offset;
    } members[] = {
        { "channel", offsetof(struct envelope, channel) },
        { "type", offsetof(struct envelope, type) },
        { "data", offsetof(struct envelope, data) },
        { "method", offsetof(struct envelope, method) },
        { "success", offsetof(struct envelope, success) },
        { "error", offsetof(struct envelope, error) },
        { "result", offsetof(struct envelope, result) },
        { "symbol", offsetof(struct envelope, symbol) },
        { "req_id", offsetof(struct envelope, req_id) },
        { "time_in", offsetof(struct envelope, time_in) },
        { "time_out", offsetof(struct envelope, time_out) },
    };
    struct scan_value root = { SCAN_OBJECT, frame, len };
    struct scan_value key, value;
    struct scan_iter iter;

    while (root.len && strchr(" \t\r\n", root.text[root.len - 1]))
        root.len--;
    if (root.len < 2 || root.text[root.len - 1] != '}')
        return ERR_PROTO;
    int err = scan_begin(&iter, &root);
    while (!err && (err = scan_member(&iter, &key, &value)) == 0)
        for (size_t i = 0; i < COUNT(members); i++)
            if (scan_is(&key, members[i].name)) {
                *(struct scan_value *)(void *)((char *)out + members[i].offset) = value;
                break;
            }
    return err == ERR_NOT_FOUND ? 0 : ERR_PROTO;
}

static void on_system(const struct kraken_call *call, const struct scan_value *word)
{
    struct kraken_feed *feed = call->feed;
    wire_trading_state system = kraken_trading_state(word);

    if (system == feed->system)
        return;
    note(call, "venue_status", "%.*s", (int)MIN(word->len, 32), word->text);
    feed->system = system;
    feed->is_maintenance = system == TRADING_HALTED;
    for (unsigned i = 0; i < feed->market_count; i++) {
        struct kraken_market *market = &feed->markets[i];
        wire_trading_state state = effective_state(feed, market);
        if (!market->is_defined || market->definition.state == state)
            continue;
        market->definition.state = state;
        publish_definition(call, market, false);
    }
    kraken_feed_update_state(call, true);
}

static int on_status(const struct kraken_call *call, const struct scan_value *data)
{
    struct scan_iter iter;
    struct scan_value item, system, id;
    int err = data->type == SCAN_ARRAY ? scan_begin(&iter, data) : ERR_PROTO;

    if (!err)
        err = scan_item(&iter, &item);
    if (err || item.type != SCAN_OBJECT || scan_find(&item, "system", &system) != 0 ||
        system.type != SCAN_STRING)
        return ERR_PROTO;
    uint64_t connection_id; /* All 64 bits are used. */
    if (scan_find(&item, "connection_id", &id) == 0) {
        if (scan_u64(&id, &connection_id) != 0)
            return ERR_PROTO;
        note(call, "venue_connection", "%llu", (unsigned long long)connection_id);
    }
    on_system(call, &system);
    return 0;
}

static int on_instruments(const struct kraken_call *call, const struct scan_value *data)
{
    struct kraken_feed *feed = call->feed;
    int err =
        kraken_read_instruments(&feed->names, data, on_pair, (void *)call, &feed->metadata_bad);

    if (!err)
        subscribe_books(call);
    return err;
}

static void on_subscribed(const struct kraken_call *call, const struct scan_value *result)
{
    struct scan_value channel, symbol, depth;
    uint64_t levels;

    if (result->type != SCAN_OBJECT || scan_find(result, "channel", &channel) != 0 ||
        !scan_is(&channel, "book") || scan_find(result, "symbol", &symbol) != 0 ||
        scan_find(result, "depth", &depth) != 0 || scan_u64(&depth, &levels) != 0)
        return;
    struct kraken_market *market = kraken_feed_market(call, &symbol);
    /* Live, the depth is the one that was asked for; a recording's is in its acks. */
    if (market && call->feed->takes_any_symbol && levels >= 1 && levels <= KRAKEN_DEPTH_MAX) {
        market->depth = (unsigned)levels;
        market->is_depth_known = true;
    }
}

static void on_refused(const struct kraken_call *call, const struct envelope *frame)
{
    struct kraken_feed *feed = call->feed;

    note(call, "venue_error", "%.*s", (int)MIN(frame->error.len, 120), frame->error.text);
    if (scan_is(&frame->error, "Exceeded msg rate")) {
        feed->send_hold_until_ns = call->clock->now_ns + MSG_RATE_HOLD_NS;
        return;
    }
    struct kraken_market *market =
        frame->symbol.type == SCAN_STRING ? kraken_feed_market(call, &frame->symbol) : NULL;
    static const char unknown[] = "Currency pair not supported";
    if (market && frame->error.len >= sizeof(unknown) - 1 &&
        memcmp(frame->error.text, unknown, sizeof(unknown) - 1) == 0) {
        market->is_refused = true;
        market->resync_at_ns = 0;
        kraken_market_lost(call, market, FEED_DOWN, REASON_INSTRUMENT_UNKNOWN);
        market->resync_at_ns = 0;
    }
}

/* Half of the way there and back lies between our send and the venue's receipt. */
static void on_pong(const struct kraken_call *call, const struct envelope *frame)
{
    struct kraken_feed *feed = call->feed;
    int64_t venue_ns;

    if (feed->ping_sent_ns == 0)
        return;
    int64_t rtt = call->clock->now_ns - feed->ping_sent_ns;
    if (frame->time_in.type == SCAN_STRING &&
        kraken_time_read(frame->time_in.text, frame->time_in.len, &venue_ns) == 0)
        feed->clock_offset_ns = venue_ns - (feed->ping_sent_wall_ns + rtt / 2);
    feed->ping_sent_ns = 0;
}

static int on_response(const struct kraken_call *call, const struct envelope *frame)
{
    if (scan_is(&frame->method, "pong"))
        on_pong(call, frame);
    else if (frame->success.type == SCAN_FALSE || frame->error.type == SCAN_STRING)
        on_refused(call, frame);
    else if (scan_is(&frame->method, "subscribe"))
        on_subscribed(call, &frame->result);
    return 0;
}

static int on_channel(const struct kraken_call *call, const struct envelope *frame)
{
    bool is_snapshot = scan_is(&frame->type, "snapshot");

    if (scan_is(&frame->channel, "book"))
        return kraken_feed_book(call, &frame->data, is_snapshot);
    if (scan_is(&frame->channel, "trade"))
        return kraken_feed_trades(call, &frame->data, is_snapshot);
    if (scan_is(&frame->channel, "heartbeat"))
        return 0;
    if (scan_is(&frame->channel, "status"))
        return on_status(call, &frame->data);
    if (scan_is(&frame->channel, "instrument"))
        return on_instruments(call, &frame->data);
    if (scan_is(&frame->channel, "ticker"))
        return kraken_feed_ticker(call, &frame->data);
    return 0; /* ohlc, level3 and what is to come: not subscribed to. */
}

/* A frame that cannot be read, and cannot be told from a book message, may have been one. */
static void on_unreadable(const struct kraken_call *call, const char *frame, size_t len)
{
    struct kraken_feed *feed = call->feed;

    if (!memmem(frame, len, "\"book\"", 6))
        return;
    for (unsigned i = 0; i < feed->market_count; i++)
        if (feed->markets[i].state == FEED_LIVE)
            kraken_market_lost(call, &feed->markets[i], FEED_STALE, REASON_BAD_BYTES);
}

static void connection_lost(const struct kraken_call *call)
{
    struct kraken_feed *feed = call->feed;

    feed->is_open = false;
    feed->ping_sent_ns = 0;
    feed->send_hold_until_ns = 0;
    for (unsigned i = 0; i < feed->market_count; i++) {
        struct kraken_market *market = &feed->markets[i];
        market->is_subscribed = false;
        market->last_trade_id = 0;
        if (market->state != FEED_DOWN)
            kraken_market_lost(call, market, FEED_STALE, REASON_DISCONNECTED);
    }
}

static int feed_frame(void *state, unsigned connection, const char *frame, size_t len,
                      const struct venue_clock *clock, const struct venue_out *out)
{
    struct kraken_feed *feed = state;
    struct kraken_call call = { feed, clock, out };
    struct envelope envelope = { .channel = { .type = SCAN_NONE } };
    (void)connection;

    feed->stats.messages++;
    feed->last_message_ns = clock->now_ns;
    while (len && strchr(" \t\r\n", *frame))
        frame++, len--;
    if (len == 0 || *frame != '{') {
        /* "CloudFlare WebSocket proxy restarting": the bare text before its end. */
        feed->stats.rejected++;
        note(&call, "not_json", "%.*s", (int)MIN(len, 80), frame);
        connection_lost(&call);
        reconnect(&call, REASON_DISCONNECTED);
        kraken_feed_update_state(&call, false);
        return ERR_PROTO;
    }
    int err = read_envelope(frame, len, &envelope);
    if (err)
        on_unreadable(&call, frame, len);
    else if (envelope.channel.type == SCAN_STRING)
        err = on_channel(&call, &envelope);
    else if (envelope.method.type == SCAN_STRING || envelope.error.type == SCAN_STRING)
        err = on_response(&call, &envelope);
    else
        err = ERR_PROTO;
    if (err == ERR_PROTO)
        feed->stats.rejected++;
    return err;
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
    kraken_names_fini(&feed->names);
}

/* Memory for all markets there can be: nothing is allocated later. Between a message's start and
 * its end a side may hold more than its depth: the venue truncates after the message, and a level
 * that was dropped early would be missing. Hence twice the depth. */
static int allocate(struct kraken_feed *feed)
{
    unsigned depth = feed->takes_any_symbol ? KRAKEN_DEPTH_MAX : feed->depth;
    int err = kraken_names_init(&feed->names);

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
            market_add(feed, symbol)->is_wanted = true;
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
    subscribe_books(&call);
    kraken_feed_update_state(&call, false);
}

static void feed_closed(void *state, unsigned connection, const struct venue_clock *clock,
                        const struct venue_out *out)
{
    struct kraken_feed *feed = state;
    struct kraken_call call = { feed, clock, out };
    (void)connection;

    connection_lost(&call);
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
        err = kraken_read_asset_pairs(&feed->names, &result, on_pair, (void *)call,
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
    subscribe_books(call);
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
        on_system(&call, &status);
    }
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
        reconnect(call, REASON_SILENCE);
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
        subscribe_books(&call);
        retry_books(&call);
        refresh_one(&call);
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
            publish_definition(&call, market, true);
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
        out[count] = (struct venue_feed_top){ .has_bid = bid != NULL,
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
    .frame = feed_frame,
    .http = feed_http,
    .tick = feed_tick,
    .republish = feed_republish,
    .stats = feed_stats,
    .tops = feed_tops,
};
