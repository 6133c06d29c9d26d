#include "venues/bybit/feed.h"

#include <string.h>

#define REFUSED_RETRY_NS (60 * NS_PER_S)

/* What a frame's top level says, in whatever order. */
struct envelope {
    struct scan_value topic, type, ts, data, cts, op, success, ret_msg, code;
};

static int read_envelope(const char *frame, size_t len, struct envelope *out)
{
    static const struct {
        const char *name;
        size_t offset;
    } members[] = {
        { "topic", offsetof(struct envelope, topic) },
        { "type", offsetof(struct envelope, type) },
        { "ts", offsetof(struct envelope, ts) },
        { "data", offsetof(struct envelope, data) },
        { "cts", offsetof(struct envelope, cts) },
        { "op", offsetof(struct envelope, op) },
        { "success", offsetof(struct envelope, success) },
        { "ret_msg", offsetof(struct envelope, ret_msg) },
        { "retMsg", offsetof(struct envelope, ret_msg) },
        { "retCode", offsetof(struct envelope, code) },
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

/* ---- topics ---- */

static const char *const topic_begins[TOPIC_COUNT] = {
    [TOPIC_BOOK] = "orderbook.",
    [TOPIC_TRADES] = "publicTrade.",
    [TOPIC_TICKER] = "tickers.",
    [TOPIC_LIQUIDATIONS] = "allLiquidation.",
};

struct topic {
    enum bybit_topic kind; /* TOPIC_COUNT: none of ours. */
    unsigned depth;
    const char *symbol;
    size_t symbol_len;
};

static struct topic read_topic(const char *text, size_t len)
{
    struct topic out = { .kind = TOPIC_COUNT };
    const char *end = text + len;
    size_t kind = 0;

    while (kind < TOPIC_COUNT &&
           (strlen(topic_begins[kind]) >= len ||
            memcmp(text, topic_begins[kind], strlen(topic_begins[kind])) != 0))
        kind++;
    if (kind == TOPIC_COUNT)
        return out;
    text += strlen(topic_begins[kind]);
    if (kind == TOPIC_BOOK) {
        for (; text < end && *text >= '0' && *text <= '9' && out.depth <= BYBIT_DEPTH_MAX; text++)
            out.depth = out.depth * 10 + (unsigned)(*text - '0');
        if (text == end || *text++ != '.' || out.depth == 0 || out.depth > BYBIT_DEPTH_MAX)
            return out; /* orderbook.rpi and the like */
    }
    out.symbol = text;
    out.symbol_len = (size_t)(end - text);
    out.kind = (enum bybit_topic)kind;
    return out;
}

/* ---- the venue's own state ---- */

static bool lists(const struct scan_value *array, uint64_t wanted)
{
    struct scan_iter iter;
    struct scan_value item;
    uint64_t number;

    if (array->type != SCAN_ARRAY || scan_begin(&iter, array) != 0)
        return false;
    while (scan_item(&iter, &item) == 0)
        if (scan_u64(&item, &number) == 0 && number == wanted)
            return true;
    return false;
}

static int on_notice(const struct bybit_call *call, const struct scan_value *item)
{
    static const uint64_t product_of[] = { [BYBIT_SPOT] = 2, [BYBIT_LINEAR] = 1 };
    struct bybit_notice notice = { .id = "" };
    struct scan_value value, state, product;

    if (scan_find(item, "id", &value) != 0 || scan_find(item, "state", &state) != 0 ||
        scan_find(item, "product", &product) != 0 || state.type != SCAN_STRING)
        return ERR_PROTO;
    bybit_text(&value, notice.id, sizeof(notice.id));
    if (scan_find(item, "begin", &value) == 0 && bybit_ms(&value, &notice.begin_ns) != 0)
        return ERR_PROTO;
    if (scan_find(item, "end", &value) == 0 && bybit_ms(&value, &notice.end_ns) != 0)
        return ERR_PROTO;
    bool is_over = scan_is(&state, "completed") || scan_is(&state, "canceled");
    bybit_feed_note(call, "venue_status", "%s is %.*s", notice.id, (int)MIN(state.len, 32),
                    state.text);
    for (enum bybit_category c = BYBIT_SPOT; c < BYBIT_CATEGORIES; c++) {
        struct bybit_notice *held = &call->feed->notices[c];
        if (!lists(&product, product_of[c]))
            continue;
        if (!is_over)
            *held = notice;
        else if (strcmp(held->id, notice.id) == 0)
            *held = (struct bybit_notice){ .id = "" };
    }
    bybit_feed_heed_notices(call);
    return 0;
}

static int on_system(const struct bybit_call *call, const struct scan_value *data)
{
    struct scan_iter iter;
    struct scan_value item;
    int err = data->type == SCAN_ARRAY ? scan_begin(&iter, data) : ERR_PROTO;

    while (!err && (err = scan_item(&iter, &item)) == 0)
        err = item.type == SCAN_OBJECT ? on_notice(call, &item) : ERR_PROTO;
    return err == ERR_NOT_FOUND ? 0 : ERR_PROTO;
}

void bybit_feed_heed_notices(const struct bybit_call *call)
{
    struct bybit_feed *feed = call->feed;
    int64_t wall = call->clock->wall_ns;
    bool is_changed = false;

    for (enum bybit_category c = BYBIT_SPOT; c < BYBIT_CATEGORIES; c++) {
        const struct bybit_notice *notice = &feed->notices[c];
        bool is_on = *notice->id && wall >= notice->begin_ns &&
                     (notice->end_ns == 0 || wall < notice->end_ns);
        if (is_on == feed->is_maintenance[c])
            continue;
        feed->is_maintenance[c] = is_on;
        is_changed = true;
        for (unsigned i = 0; i < feed->market_count; i++) {
            struct bybit_market *market = &feed->markets[i];
            if (market->category != c || !market->is_defined)
                continue;
            market->definition.state = bybit_market_effective_state(feed, market);
            bybit_market_publish_definition(call, market, false);
        }
    }
    if (is_changed)
        bybit_feed_update_state(call, true);
}

/* ---- acks and refusals ---- */

/* The topic that a refusal's words name: "...,topic:publicTrade.X", "Invalid symbol :[tickers.X]".
 */
static struct topic topic_in(const struct scan_value *words)
{
    const char *end = words->text + words->len;

    for (size_t kind = 0; kind < TOPIC_COUNT; kind++) {
        const char *at =
            memmem(words->text, words->len, topic_begins[kind], strlen(topic_begins[kind]));
        if (!at)
            continue;
        size_t len = 0;
        while (at + len < end && !strchr(" ],\"\\", at[len]))
            len++;
        return read_topic(at, len);
    }
    return (struct topic){ .kind = TOPIC_COUNT };
}

/* One refused topic fails its whole request: the others are asked for again without it. */
static void on_refused(const struct bybit_call *call, enum bybit_category category,
                       const struct envelope *frame)
{
    bybit_feed_note(call, "venue_error", "%.*s",
                    (int)(frame->ret_msg.type == SCAN_STRING ? MIN(frame->ret_msg.len, 120) : 0),
                    frame->ret_msg.text);
    if (!scan_is(&frame->op, "subscribe") || frame->ret_msg.type != SCAN_STRING ||
        memmem(frame->ret_msg.text, frame->ret_msg.len, "already subscribed", 18))
        return;
    struct topic topic = topic_in(&frame->ret_msg);
    struct bybit_market *market =
        topic.kind == TOPIC_COUNT
            ? NULL
            : bybit_market_by_symbol(call, category, topic.symbol, topic.symbol_len);
    if (!market || !market->is_subscribed)
        return;
    if (topic.kind != TOPIC_BOOK) {
        market->topics_refused |= (uint8_t)(1u << topic.kind);
        bybit_feed_subscribe_market(call, market);
        return;
    }
    market->is_refused = true;
    bybit_market_lost(call, market, FEED_DOWN, REASON_INSTRUMENT_UNKNOWN);
    market->resync_at_ns = call->clock->now_ns + REFUSED_RETRY_NS;
}

static int on_control(const struct bybit_call *call, unsigned connection,
                      const struct envelope *frame)
{
    struct bybit_connection *at = &call->feed->connections[connection];

    if (scan_is(&frame->op, "ping") || scan_is(&frame->op, "pong"))
        at->is_pong_due = false;
    else if (frame->success.type == SCAN_FALSE)
        on_refused(call, at->category, frame);
    return 0;
}

/* ---- data ---- */

static int on_topic(const struct bybit_call *call, unsigned connection,
                    const struct envelope *frame)
{
    struct bybit_feed *feed = call->feed;
    int64_t exchange_ns = 0;

    if (scan_is(&frame->topic, "system.status"))
        return on_system(call, &frame->data);
    struct topic topic = read_topic(frame->topic.text, frame->topic.len);
    if (topic.kind == TOPIC_COUNT)
        return 0; /* kline, priceLimit and what is to come: not subscribed to. */
    struct bybit_market *market = bybit_market_by_symbol(
        call, feed->connections[connection].category, topic.symbol, topic.symbol_len);
    if (!market)
        return 0;
    market->connection = connection;
    market->messages++;
    market->last_message_ns = call->clock->now_ns;
    /* cts is the matching engine's time, ts that of the message. */
    const struct scan_value *time = frame->cts.type == SCAN_NUMBER ? &frame->cts : &frame->ts;
    bool is_snapshot = scan_is(&frame->type, "snapshot");
    int err = time->type == SCAN_NUMBER ? bybit_ms(time, &exchange_ns) : 0;
    if (!err && topic.kind == TOPIC_BOOK)
        err = bybit_feed_book(call, market, topic.depth, is_snapshot, &frame->data, exchange_ns);
    else if (!err && topic.kind == TOPIC_TRADES)
        err = bybit_feed_trades(call, market, &frame->data);
    else if (!err && topic.kind == TOPIC_TICKER)
        err = bybit_feed_ticker(call, market, is_snapshot, &frame->data, exchange_ns);
    else if (!err)
        err = bybit_feed_liquidations(call, market, &frame->data);
    market->rejected += err == ERR_PROTO;
    return err;
}

/* A frame that cannot be read, and cannot be told from a book message, may have been one. */
static void on_unreadable(const struct bybit_call *call, unsigned connection, const char *frame,
                          size_t len)
{
    struct bybit_feed *feed = call->feed;

    if (!memmem(frame, len, "orderbook", 9))
        return;
    for (unsigned i = 0; i < feed->market_count; i++)
        if (feed->markets[i].state == FEED_LIVE && feed->markets[i].connection == connection)
            bybit_market_lost(call, &feed->markets[i], FEED_STALE, REASON_BAD_BYTES);
}

int bybit_feed_frame(void *state, unsigned connection, const char *frame, size_t len,
                     const struct venue_clock *clock, const struct venue_out *out)
{
    struct bybit_feed *feed = state;
    struct bybit_call call = { feed, clock, out };
    struct envelope envelope = { .topic = { .type = SCAN_NONE } };

    if (connection >= feed->connection_count)
        return ERR_PROTO;
    feed->stats.messages++;
    feed->last_message_ns = clock->now_ns;
    feed->connections[connection].last_message_ns = clock->now_ns;
    while (len && strchr(" \t\r\n", *frame))
        frame++, len--;
    int err = len && *frame == '{' ? read_envelope(frame, len, &envelope) : ERR_PROTO;
    if (err)
        on_unreadable(&call, connection, frame, len);
    else if (envelope.topic.type == SCAN_STRING)
        err = on_topic(&call, connection, &envelope);
    else if (envelope.op.type == SCAN_STRING || envelope.success.type != SCAN_NONE ||
             envelope.code.type != SCAN_NONE)
        err = on_control(&call, connection, &envelope);
    else
        err = ERR_PROTO;
    feed->stats.rejected += err == ERR_PROTO;
    return err;
}
