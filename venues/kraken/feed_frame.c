#include "venues/kraken/feed.h"

#include <string.h>

#define MSG_RATE_HOLD_NS (5 * NS_PER_S)

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

void kraken_feed_on_system(const struct kraken_call *call, const struct scan_value *word)
{
    struct kraken_feed *feed = call->feed;
    wire_trading_state system = kraken_trading_state(word);

    if (system == feed->system)
        return;
    kraken_feed_note(call, "venue_status", "%.*s", (int)MIN(word->len, 32), word->text);
    feed->system = system;
    feed->is_maintenance = system == TRADING_HALTED;
    for (unsigned i = 0; i < feed->market_count; i++) {
        struct kraken_market *market = &feed->markets[i];
        wire_trading_state state = kraken_feed_effective_state(feed, market);
        if (!market->is_defined || market->definition.state == state)
            continue;
        market->definition.state = state;
        kraken_feed_publish_definition(call, market, false);
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
        kraken_feed_note(call, "venue_connection", "%llu", (unsigned long long)connection_id);
    }
    kraken_feed_on_system(call, &system);
    return 0;
}

static int on_instruments(const struct kraken_call *call, const struct scan_value *data)
{
    struct kraken_feed *feed = call->feed;
    int err = kraken_read_instruments(&feed->names, data, kraken_feed_on_pair, (void *)call,
                                      &feed->metadata_bad);

    if (!err)
        kraken_feed_subscribe_books(call);
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

    kraken_feed_note(call, "venue_error", "%.*s", (int)MIN(frame->error.len, 120),
                     frame->error.text);
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
        time_text_read(frame->time_in.text, frame->time_in.len, &venue_ns) == 0)
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

void kraken_feed_connection_lost(const struct kraken_call *call)
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

int kraken_feed_frame(void *state, unsigned connection, const char *frame, size_t len,
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
        kraken_feed_note(&call, "not_json", "%.*s", (int)MIN(len, 80), frame);
        kraken_feed_connection_lost(&call);
        kraken_feed_reconnect(&call, REASON_DISCONNECTED);
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
