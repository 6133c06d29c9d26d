#include "venues/okx/feed.h"

#define SPREAD_NS       (2 * NS_PER_S) /* Between planned reconnects of several connections. */
#define REQUEST_HOLD_NS (2 * NS_PER_S)

/* What a frame's top level says besides its data. */
struct envelope {
    struct scan_value arg, action, event, code, msg, data;
    struct scan_value channel, instrument; /* Of arg. */
};

static enum okx_channel channel_of(const struct scan_value *name)
{
    static const struct {
        const char *name;
        enum okx_channel channel;
    } channels[] = {
        { "books", CHANNEL_BOOKS },
        { "bbo-tbt", CHANNEL_BBO },
        { "trades", CHANNEL_TRADES },
        { "mark-price", CHANNEL_MARK },
        { "index-tickers", CHANNEL_INDEX },
        { "funding-rate", CHANNEL_FUNDING },
        { "liquidation-orders", CHANNEL_LIQUIDATIONS },
        { "instruments", CHANNEL_INSTRUMENTS },
        { "status", CHANNEL_STATUS },
        { "tickers", CHANNEL_TICKERS },
        { "books-l2-tbt", CHANNEL_BOOKS }, /* Recordings: the same messages, more often. */
        { "books50-l2-tbt", CHANNEL_BOOKS },
        { "trades-all", CHANNEL_TRADES },
    };

    for (size_t i = 0; i < COUNT(channels); i++)
        if (scan_is(name, channels[i].name))
            return channels[i].channel;
    return CHANNEL_OTHER;
}

static enum okx_action action_of(const struct scan_value *word)
{
    return scan_is(word, "snapshot") && word->type ? ACTION_SNAPSHOT
           : scan_is(word, "update") && word->type ? ACTION_UPDATE
                                                   : ACTION_NONE;
}

/* ---- what the venue says of itself ---- */

static void set_maintenance(const struct okx_call *call, bool is_on)
{
    struct okx_feed *feed = call->feed;

    if (feed->is_maintenance == is_on)
        return;
    feed->is_maintenance = is_on;
    for (unsigned i = 0; is_on && i < feed->market_count; i++) {
        struct okx_market *market = &feed->markets[i];
        if (!market->is_defined || market->definition.state == TRADING_HALTED)
            continue;
        market->definition.state = TRADING_HALTED;
        okx_market_publish_definition(call, market, false);
    }
    if (!is_on) /* What each may do now stands in the lists. */
        for (unsigned i = 0; i < LIST_COUNT; i++)
            feed->lists[i].at_ns = call->clock->now_ns;
    okx_feed_update_state(call, true);
}

/* Trading is what stops us: service types 5 (trading service) and 0 (WebSocket) are about us. */
int okx_feed_status(const struct okx_call *call, const struct scan_value *data, bool is_whole)
{
    struct scan_iter iter;
    struct scan_value row, state, service;
    bool is_ongoing = false, is_over = is_whole;
    int err = data->type == SCAN_ARRAY ? scan_begin(&iter, data) : ERR_PROTO;

    while (!err && (err = scan_item(&iter, &row)) == 0) {
        okx_find(&row, "state", &state);
        okx_find(&row, "serviceType", &service);
        if (state.type != SCAN_STRING)
            return ERR_PROTO;
        if (service.len > 0 && !scan_is(&service, "0") && !scan_is(&service, "5") &&
            !scan_is(&service, "99"))
            continue;
        is_ongoing |= scan_is(&state, "ongoing") || scan_is(&state, "pre_open");
        is_over |= scan_is(&state, "completed") || scan_is(&state, "canceled");
    }
    if (err != ERR_NOT_FOUND)
        return ERR_PROTO;
    if (is_ongoing || is_over)
        set_maintenance(call, is_ongoing);
    return 0;
}

static void on_notice(const struct okx_call *call, unsigned connection,
                      const struct envelope *frame)
{
    struct okx_feed_connection *at = &call->feed->connections[connection];

    okx_feed_note(call, "venue_notice", "%.*s", (int)MIN(frame->msg.len, 160), frame->msg.text);
    /* "The connection will soon be closed for a service upgrade": within a minute. One after the
     * other, so that not every book is rebuilt at once. */
    if (scan_is(&frame->code, "64008") && at->reconnect_at_ns == 0)
        at->reconnect_at_ns = call->clock->now_ns + 1 + (int64_t)connection * SPREAD_NS;
}

static void on_error(const struct okx_call *call, unsigned connection, const struct envelope *frame)
{
    struct okx_feed *feed = call->feed;
    struct okx_market *market =
        frame->instrument.type == SCAN_STRING ? okx_market_find(call, &frame->instrument) : NULL;

    okx_feed_note(call, "venue_error", "%.*s %.*s", (int)MIN(frame->code.len, 16),
                  frame->code.text ? frame->code.text : "", (int)MIN(frame->msg.len, 160),
                  frame->msg.text ? frame->msg.text : "");
    if (scan_is(&frame->code, "60014"))
        feed->connections[connection].hold_until_ns = call->clock->now_ns + REQUEST_HOLD_NS;
    if (scan_is(&frame->code, "60018") && market && channel_of(&frame->channel) == CHANNEL_BOOKS) {
        market->is_subscribed = false; /* No such channel here: nothing will come. */
        okx_market_lost(call, market, FEED_DOWN, REASON_INSTRUMENT_UNKNOWN);
    }
    /* Internal errors of the venue's: a new connection is what helps. */
    if (scan_is(&frame->code, "63999") || scan_is(&frame->code, "64007"))
        okx_feed_reconnect(call, connection, REASON_VENUE_MAINTENANCE);
}

static void on_event(const struct okx_call *call, unsigned connection, const struct envelope *frame)
{
    if (scan_is(&frame->event, "notice")) {
        on_notice(call, connection, frame);
    } else if (scan_is(&frame->event, "error")) {
        on_error(call, connection, frame);
    } else if (scan_is(&frame->event, "subscribe") &&
               channel_of(&frame->channel) == CHANNEL_BOOKS) {
        struct okx_market *market = okx_market_find(call, &frame->instrument);
        if (market && market->is_awaiting)
            market->asked_ns = call->clock->now_ns;
    }
}

/* ---- frames ---- */

/* Reads arg: which channel, of what. */
static int read_arg(const struct scan_value *arg, struct envelope *out)
{
    if (arg->type != SCAN_OBJECT)
        return ERR_PROTO;
    okx_find(arg, "channel", &out->channel);
    okx_find(arg, "instId", &out->instrument);
    return out->channel.type == SCAN_STRING ? 0 : ERR_PROTO;
}

static int on_data(const struct okx_call *call, const struct envelope *frame)
{
    enum okx_channel channel = channel_of(&frame->channel);
    struct okx_feed *feed = call->feed;

    if (channel == CHANNEL_OTHER || channel == CHANNEL_BOOKS)
        return 0;
    if (channel == CHANNEL_STATUS)
        return okx_feed_status(call, &frame->data, false);
    if (channel != CHANNEL_INSTRUMENTS)
        return okx_feed_data(call, channel, &frame->instrument, &frame->data);
    int err =
        okx_read_instruments(&frame->data, okx_feed_on_meta, (void *)call, &feed->metadata_bad);
    for (unsigned i = 0; !err && i < feed->connection_count; i++)
        okx_feed_subscribe(call, i);
    return err;
}

/* A change that we could not read is a change that we miss. */
static int book_unread(const struct okx_call *call, struct okx_market *market)
{
    market->rejected++;
    okx_market_lost(call, market, FEED_STALE, REASON_BAD_BYTES);
    return ERR_PROTO;
}

/* The levels are read where they stand: a deep book's text is walked once. */
static int on_books(const struct okx_call *call, const struct envelope *frame,
                    struct scan_iter *root)
{
    struct okx_market *market = okx_market_find(call, &frame->instrument);
    struct scan_iter items;
    struct scan_value skipped;

    if (!market)
        return scan_value(root, &skipped);
    if (scan_enter(root, &items) != 0 || items.close != ']')
        return book_unread(call, market);
    int err = okx_feed_books(call, market, &items, action_of(&frame->action));
    if (err == ERR_PROTO || scan_leave(root, &items) != 0)
        return book_unread(call, market);
    return err;
}

static int late_books(const struct okx_call *call, const struct envelope *frame)
{
    struct okx_market *market = okx_market_find(call, &frame->instrument);
    struct scan_iter items;

    if (!market)
        return 0;
    if (frame->data.type != SCAN_ARRAY || scan_begin(&items, &frame->data) != 0)
        return book_unread(call, market);
    int err = okx_feed_books(call, market, &items, action_of(&frame->action));
    return err == ERR_PROTO ? book_unread(call, market) : err;
}

static int read_member(const struct scan_value *key, const struct scan_value *value,
                       struct envelope *out)
{
    if (scan_is(key, "arg"))
        return read_arg(value, out);
    if (scan_is(key, "action"))
        out->action = *value;
    else if (scan_is(key, "event"))
        out->event = *value;
    else if (scan_is(key, "code"))
        out->code = *value;
    else if (scan_is(key, "msg"))
        out->msg = *value;
    else if (scan_is(key, "data"))
        out->data = *value;
    return 0;
}

static int read_frame(const struct okx_call *call, unsigned connection, const char *frame,
                      size_t len)
{
    struct envelope envelope = { .arg = { .type = SCAN_NONE } };
    struct scan_value root = { SCAN_OBJECT, frame, len }, key, value;
    struct scan_iter iter;
    bool is_books = false;
    int books_err = 0;
    int err = frame[len - 1] == '}' ? scan_begin(&iter, &root) : ERR_PROTO;

    while (!err && (err = scan_key(&iter, &key)) == 0) {
        if (scan_is(&key, "data") && envelope.action.type &&
            channel_of(&envelope.channel) == CHANNEL_BOOKS) {
            is_books = true;
            books_err = on_books(call, &envelope, &iter);
            err = books_err == ERR_PROTO ? ERR_PROTO : 0;
        } else {
            err = scan_value(&iter, &value);
            if (!err)
                err = read_member(&key, &value, &envelope);
        }
    }
    if (err != ERR_NOT_FOUND)
        return ERR_PROTO;
    if (is_books)
        return books_err;
    if (envelope.event.type == SCAN_STRING) {
        on_event(call, connection, &envelope);
        return 0;
    }
    if (envelope.channel.type != SCAN_STRING || envelope.data.type == SCAN_NONE)
        return ERR_PROTO;
    return channel_of(&envelope.channel) == CHANNEL_BOOKS ? late_books(call, &envelope)
                                                          : on_data(call, &envelope);
}

/* A frame that cannot be read, and cannot be told from a book message, may have been one. */
static void on_unreadable(const struct okx_call *call, unsigned connection, const char *frame,
                          size_t len)
{
    struct okx_feed *feed = call->feed;

    if (!memmem(frame, len, "\"books", 6))
        return;
    for (unsigned i = 0; i < feed->market_count; i++)
        if (feed->markets[i].state == FEED_LIVE && feed->markets[i].connection == connection)
            okx_market_lost(call, &feed->markets[i], FEED_STALE, REASON_BAD_BYTES);
}

int okx_feed_frame(void *state, unsigned connection, const char *frame, size_t len,
                   const struct venue_clock *clock, const struct venue_out *out)
{
    struct okx_feed *feed = state;
    struct okx_call call = { feed, clock, out };

    if (connection >= VENUE_CONNECTIONS_MAX)
        connection = 0;
    feed->stats.messages++;
    feed->last_message_ns = clock->now_ns;
    feed->connections[connection].last_message_ns = clock->now_ns;
    feed->connections[connection].ping_ns = 0;
    while (len && strchr(" \t\r\n", *frame))
        frame++, len--;
    while (len && strchr(" \t\r\n", frame[len - 1]))
        len--;
    if (len == 4 && memcmp(frame, "pong", 4) == 0)
        return 0;
    int err = len && *frame == '{' ? read_frame(&call, connection, frame, len) : ERR_PROTO;
    if (err == ERR_PROTO) {
        feed->stats.rejected++;
        on_unreadable(&call, connection, frame, len);
    }
    return err;
}
