#include "venues/deribit/feed.h"

#include <string.h>

int deribit_ms(const struct scan_value *value, int64_t *out_ns)
{
    int64_t ms;

    if (value->type != SCAN_NUMBER || scan_i64(value, &ms) != 0 || ms < 0 ||
        ms > INT64_MAX / NS_PER_MS)
        return ERR_PROTO;
    *out_ns = ms * NS_PER_MS;
    return 0;
}

/* What a frame's top level says, in whatever order. */
struct envelope {
    struct scan_value method, params, error, result;
};

static int read_envelope(const char *frame, size_t len, struct envelope *out)
{
    struct scan_value root, key, value;
    struct scan_iter iter;

    if (scan_whole(frame, len, &root) != 0 || root.type != SCAN_OBJECT)
        return ERR_PROTO;
    int err = scan_begin(&iter, &root);
    while (!err && (err = scan_member(&iter, &key, &value)) == 0) {
        if (scan_is(&key, "method"))
            out->method = value;
        else if (scan_is(&key, "params"))
            out->params = value;
        else if (scan_is(&key, "error"))
            out->error = value;
        else if (scan_is(&key, "result"))
            out->result = value;
    }
    return err == ERR_NOT_FOUND ? 0 : ERR_PROTO;
}

static const char *const topic_begins[TOPIC_COUNT] = {
    [TOPIC_BOOK] = "book.",
    [TOPIC_TRADES] = "trades.",
    [TOPIC_TICKER] = "ticker.",
};

/* "book.BTC_USDC-PERPETUAL.100ms": three parts; "book.X.none.10.100ms" is a grouped top of book. */
static enum deribit_topic read_channel(const struct scan_value *channel, const char **symbol,
                                       size_t *len)
{
    for (enum deribit_topic topic = TOPIC_BOOK; topic < TOPIC_COUNT; topic++) {
        size_t begin = strlen(topic_begins[topic]);
        if (channel->len <= begin || memcmp(channel->text, topic_begins[topic], begin) != 0)
            continue;
        const char *end = channel->text + channel->len;
        *symbol = channel->text + begin;
        const char *point = memchr(*symbol, '.', (size_t)(end - *symbol));
        if (!point || memchr(point + 1, '.', (size_t)(end - point - 1)))
            return TOPIC_COUNT;
        *len = (size_t)(point - *symbol);
        return topic;
    }
    return TOPIC_COUNT;
}

static int on_channel(const struct deribit_call *call, const struct scan_value *params)
{
    struct scan_value channel, data;
    const char *symbol;
    size_t len;

    if (params->type != SCAN_OBJECT || scan_find(params, "channel", &channel) != 0 ||
        channel.type != SCAN_STRING || scan_find(params, "data", &data) != 0)
        return ERR_PROTO;
    enum deribit_topic topic = read_channel(&channel, &symbol, &len);
    if (topic == TOPIC_COUNT)
        return 0; /* Not subscribed to. */
    struct deribit_market *market = deribit_market_by_symbol(call, symbol, len);
    if (!market)
        return 0;
    market->messages++;
    market->last_message_ns = call->clock->now_ns;
    int err = topic == TOPIC_BOOK     ? deribit_book(call, market, &data)
              : topic == TOPIC_TRADES ? deribit_trades(call, market, &data)
                                      : deribit_ticker(call, market, &data);
    market->rejected += err == ERR_PROTO;
    return err;
}

/* The venue asks whether we are there; who does not answer is disconnected. */
static int on_heartbeat(const struct deribit_call *call, const struct scan_value *params)
{
    struct scan_value type;

    if (params->type != SCAN_OBJECT || scan_find(params, "type", &type) != 0)
        return ERR_PROTO;
    if (type.type == SCAN_STRING && scan_is(&type, "test_request"))
        (void)deribit_send(call, "public/test", "");
    return 0;
}

static int on_error(const struct deribit_call *call, const struct scan_value *error)
{
    struct scan_value code, message;
    char words[96] = "";
    int64_t number = 0;

    if (error->type != SCAN_OBJECT)
        return ERR_PROTO;
    if (scan_find(error, "code", &code) == 0)
        (void)scan_i64(&code, &number);
    if (scan_find(error, "message", &message) == 0 && message.type == SCAN_STRING)
        (void)scan_text(&message, words, sizeof(words));
    deribit_note(call, "venue_error", "%lld %s", (long long)number, words);
    return 0;
}

/* A frame that cannot be read, and cannot be told from a book's, may have been one. */
static void on_unreadable(const struct deribit_call *call, const char *frame, size_t len)
{
    struct deribit_feed *feed = call->feed;

    if (!memmem(frame, len, "book.", 5))
        return;
    for (unsigned i = 0; i < feed->market_count; i++)
        if (feed->markets[i].state == FEED_LIVE)
            deribit_market_lost(call, &feed->markets[i], REASON_BAD_BYTES);
}

int deribit_frame(void *state, unsigned connection, const char *frame, size_t len,
                  const struct venue_clock *clock, const struct venue_out *out)
{
    struct deribit_feed *feed = state;
    struct deribit_call call = { feed, clock, out };
    struct envelope envelope = { .method = { .type = SCAN_NONE } };

    (void)connection;
    feed->stats.messages++;
    feed->last_message_ns = clock->now_ns;
    int err = read_envelope(frame, len, &envelope);
    if (err)
        on_unreadable(&call, frame, len);
    else if (envelope.method.type == SCAN_STRING && scan_is(&envelope.method, "subscription"))
        err = on_channel(&call, &envelope.params);
    else if (envelope.method.type == SCAN_STRING && scan_is(&envelope.method, "heartbeat"))
        err = on_heartbeat(&call, &envelope.params);
    else if (envelope.error.type != SCAN_NONE)
        err = on_error(&call, &envelope.error);
    else if (envelope.result.type == SCAN_NONE && envelope.method.type == SCAN_NONE)
        err = ERR_PROTO;
    feed->stats.rejected += err == ERR_PROTO;
    return err;
}
