#include "venues/okx/feed.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define PING_AFTER_NS      (1 * NS_PER_S)  /* Of silence. The venue hangs up after 30 s of it. */
#define RECONNECT_AFTER_NS (10 * NS_PER_S) /* Of silence, pings unanswered. */
#define LIFE_SIGN_NS       (250 * NS_PER_MS)
#define ALIVE_NS           (2500 * NS_PER_MS) /* Silence beyond this is not called life any more. */
#define SNAPSHOT_NS        (2 * NS_PER_S)     /* After the ack: else REST is asked. */
#define ANSWER_NS          (5 * NS_PER_S)     /* Neither: subscribe anew. */
#define HOUR_NS            (3600 * NS_PER_S)

enum {
    OPERATIONS_MAX = 400, /* Of the venue's 480 an hour and connection: then a new connection. */
    ARGS_MAX =
        VENUE_FRAME_MAX - 768, /* A frame is sent before it would not hold one market more. */
};

const char *const okx_list_types[LIST_COUNT] = { "SPOT", "SWAP" };

/* ---- out ---- */

void okx_feed_note(const struct okx_call *call, const char *event, const char *format, ...)
{
    char text[256];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    call->out->note(call->out->ctx, event, text);
}

void okx_feed_emit(const struct okx_call *call, struct wire_header *event)
{
    event->origin_ns = call->clock->now_ns;
    call->feed->stats.events++;
    call->out->event(call->out->ctx, event);
}

void okx_feed_reconnect(const struct okx_call *call, unsigned connection, wire_reason why)
{
    struct okx_feed_connection *at = &call->feed->connections[connection];

    at->reconnect_at_ns = 0;
    if (at->is_reconnecting)
        return;
    at->is_reconnecting = true;
    call->out->reconnect(call->out->ctx, connection, why);
}

/* ---- subscriptions ---- */

/* A subscribe or unsubscribe request that grows by its args. */
struct operation {
    char text[VENUE_FRAME_MAX];
    size_t len;
    unsigned count;
};

static void operation_add(struct operation *op, const char *channel, const char *key,
                          const char *value)
{
    int len = snprintf(op->text + op->len, sizeof(op->text) - op->len,
                       "%s{\"channel\":\"%s\"%s%s%s%s%s}", op->count++ ? "," : "", channel,
                       *key ? ",\"" : "", key, *key ? "\":\"" : "", value, *key ? "\"" : "");
    op->len += (size_t)MAX(len, 0);
}

static void operation_begin(const struct okx_call *call, struct operation *op, const char *word)
{
    op->count = 0;
    op->len =
        (size_t)snprintf(op->text, sizeof(op->text), "{\"id\":\"s%llu\",\"op\":\"%s\",\"args\":[",
                         (unsigned long long)++call->feed->operation_id, word);
}

static int operation_send(const struct okx_call *call, unsigned connection, struct operation *op)
{
    struct okx_feed_connection *at = &call->feed->connections[connection];

    if (!at->is_open || call->clock->now_ns < at->hold_until_ns)
        return ERR_CLOSED;
    if (call->clock->now_ns - at->operations_ns >= HOUR_NS) {
        at->operations_ns = call->clock->now_ns;
        at->operations = 0;
    }
    at->operations++;
    op->len += (size_t)snprintf(op->text + op->len, sizeof(op->text) - op->len, "]}");
    return call->out->send(call->out->ctx, connection, op->text, op->len);
}

static void subscribed(const struct okx_call *call, struct okx_market *market)
{
    market->is_subscribed = true;
    market->is_lost = false;
    market->is_awaiting = true;
    market->is_rest_tried = false;
    market->resync_attempt = 0;
    market->asked_ns = call->clock->now_ns;
    market->resync_at_ns = call->clock->now_ns + ANSWER_NS;
    market->state = FEED_SYNCING;
    market->why = REASON_START;
    okx_market_status(call, market);
}

static void add_market(struct operation *op, const struct okx_market *market)
{
    operation_add(op, "books", "instId", market->symbol);
    operation_add(op, "bbo-tbt", "instId", market->symbol);
    operation_add(op, "trades", "instId", market->symbol);
    if (market->kind != INSTRUMENT_PERPETUAL)
        return;
    operation_add(op, "funding-rate", "instId", market->symbol);
    operation_add(op, "mark-price", "instId", market->symbol);
    if (*market->index)
        operation_add(op, "index-tickers", "instId", market->index);
}

/* Channels of no instrument go over the first connection. */
static void subscribe_general(const struct okx_call *call)
{
    struct okx_feed *feed = call->feed;
    struct okx_feed_connection *at = &feed->connections[0];
    struct operation op;

    if (at->is_general_asked)
        return;
    operation_begin(call, &op, "subscribe");
    operation_add(&op, "status", "", "");
    for (unsigned i = 0; i < LIST_COUNT; i++)
        operation_add(&op, "instruments", "instType", okx_list_types[i]);
    operation_add(&op, "liquidation-orders", "instType", "SWAP");
    at->is_general_asked = operation_send(call, 0, &op) == 0;
}

void okx_feed_subscribe(const struct okx_call *call, unsigned connection)
{
    struct okx_feed *feed = call->feed;
    unsigned end = MIN((connection + 1) * OKX_PER_CONNECTION, feed->market_count);

    if (!feed->connections[connection].is_open)
        return;
    if (connection == 0)
        subscribe_general(call);
    for (unsigned i = connection * OKX_PER_CONNECTION; i < end;) {
        struct okx_market *taken[OKX_PER_CONNECTION];
        struct operation op;
        unsigned count = 0;
        operation_begin(call, &op, "subscribe");
        for (; i < end && op.len < ARGS_MAX; i++) {
            struct okx_market *market = &feed->markets[i];
            if (!market->is_wanted || !market->is_defined || market->is_subscribed)
                continue;
            add_market(&op, market);
            taken[count++] = market;
        }
        if (count == 0 || operation_send(call, connection, &op) != 0)
            return;
        for (unsigned n = 0; n < count; n++)
            subscribed(call, taken[n]);
    }
}

void okx_feed_resync(const struct okx_call *call, struct okx_market *market)
{
    static const char *const words[] = { "unsubscribe", "subscribe" };

    market->is_awaiting = true;
    market->is_rest_tried = false;
    market->asked_ns = call->clock->now_ns;
    market->resync_at_ns = call->clock->now_ns + ANSWER_NS;
    if (call->feed->connections[market->connection].operations >= OPERATIONS_MAX) {
        okx_feed_reconnect(call, market->connection, REASON_RESYNC);
        return;
    }
    for (size_t i = 0; i < COUNT(words); i++) {
        struct operation op;
        operation_begin(call, &op, words[i]);
        operation_add(&op, "books", "instId", market->symbol);
        (void)operation_send(call, market->connection, &op);
    }
}

/* ---- state of the whole feed ---- */

static bool is_any_open(const struct okx_feed *feed)
{
    for (unsigned i = 0; i < feed->connection_count; i++)
        if (feed->connections[i].is_open)
            return true;
    return feed->takes_any_symbol;
}

static wire_feed_state state_of(const struct okx_feed *feed, wire_reason *why)
{
    *why = REASON_NONE;
    if (!is_any_open(feed)) {
        *why = feed->last_message_ns == 0 ? REASON_START : REASON_DISCONNECTED;
        return feed->last_message_ns == 0 ? FEED_CONNECTING : FEED_DOWN;
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

void okx_feed_update_state(const struct okx_call *call, bool always)
{
    struct okx_feed *feed = call->feed;
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
    okx_feed_emit(call, &status.header);
}

/* ---- begin and end ---- */

static void feed_fini(void *state)
{
    struct okx_feed *feed = state;

    for (unsigned i = 0; feed->markets && i < feed->markets_max; i++)
        book_fini(&feed->markets[i].book);
    free(feed->markets);
    free(feed->catalog);
    feed->markets = NULL;
    feed->catalog = NULL;
    okx_buffer_fini(&feed->buffer);
}

/* Memory for all markets there can be: nothing is allocated later. Between a message's start and
 * its end a side may hold more than the venue's 400. */
static int allocate(struct okx_feed *feed)
{
    int err = okx_buffer_init(&feed->buffer);

    feed->markets = err ? NULL : calloc(feed->markets_max, sizeof(*feed->markets));
    if (feed->takes_any_symbol)
        feed->catalog = calloc(OKX_CATALOG_MAX, sizeof(*feed->catalog));
    if (!feed->markets || (feed->takes_any_symbol && !feed->catalog))
        return ERR_SYS;
    for (unsigned i = 0; !err && i < feed->markets_max; i++)
        err = book_init(&feed->markets[i].book, OKX_SIDE_MAX, OKX_EXP, OKX_EXP);
    return err;
}

static int feed_init(void *state, const struct venue_feed_config *config)
{
    struct okx_feed *feed = state;

    *feed = (struct okx_feed){ .takes_any_symbol = config->takes_any_symbol,
                               .maker_ppm = config->maker_fee_ppm,
                               .taker_ppm = config->taker_fee_ppm,
                               .state = FEED_CONNECTING,
                               .why = REASON_START };
    if (config->name_count > VENUE_SYMBOLS_MAX ||
        (config->name_count == 0 && !config->takes_any_symbol))
        return ERR_RANGE;
    feed->markets_max = config->takes_any_symbol ? VENUE_SYMBOLS_MAX : (unsigned)config->name_count;
    okx_url(config->ws_url ? config->ws_url : "", "/ws/v5/public", feed->url, sizeof(feed->url));
    int err = allocate(feed);
    for (size_t i = 0; !err && i < config->name_count; i++) {
        struct okx_market *market = okx_market_add(feed);
        if (!market || strlen(config->names[i]) >= sizeof(market->name)) {
            err = ERR_RANGE;
            break;
        }
        market->is_wanted = true;
        snprintf(market->name, sizeof(market->name), "%s", config->names[i]);
    }
    feed->connection_count =
        MAX((unsigned)(config->name_count + OKX_PER_CONNECTION - 1) / OKX_PER_CONNECTION, 1u);
    if (err)
        feed_fini(feed);
    return err;
}

static size_t feed_connections(void *state, struct venue_connection *out)
{
    const struct okx_feed *feed = state;

    for (unsigned i = 0; i < feed->connection_count; i++) {
        out[i] = (struct venue_connection){ .silence_ns = RECONNECT_AFTER_NS };
        snprintf(out[i].url, sizeof(out[i].url), "%s", feed->url);
    }
    return feed->connection_count;
}

/* ---- life ---- */

static void feed_start(void *state, const struct venue_clock *clock, const struct venue_out *out)
{
    struct okx_call call = { state, clock, out };

    okx_feed_update_state(&call, true);
    for (unsigned i = 0; i < LIST_COUNT; i++)
        okx_feed_ask_list(&call, i);
    okx_feed_ask_time(&call);
    okx_feed_ask_status(&call);
}

static void feed_opened(void *state, unsigned connection, const struct venue_clock *clock,
                        const struct venue_out *out)
{
    struct okx_feed *feed = state;
    struct okx_call call = { feed, clock, out };

    if (connection >= feed->connection_count)
        return;
    feed->connections[connection] = (struct okx_feed_connection){ .is_open = true,
                                                                  .last_message_ns = clock->now_ns,
                                                                  .operations_ns = clock->now_ns };
    feed->last_message_ns = MAX(feed->last_message_ns, clock->now_ns);
    if (connection == 0 && !feed->takes_any_symbol)
        feed->status_ask_ns = clock->now_ns; /* Perhaps we were away for a maintenance. */
    if (!feed->takes_any_symbol)
        okx_feed_subscribe(&call, connection);
    okx_feed_update_state(&call, false);
}

static void feed_closed(void *state, unsigned connection, const struct venue_clock *clock,
                        const struct venue_out *out)
{
    struct okx_feed *feed = state;
    struct okx_call call = { feed, clock, out };

    if (connection >= feed->connection_count)
        return;
    struct okx_feed_connection *at = &feed->connections[connection];
    at->is_open = false;
    at->is_reconnecting = true; /* The shell is at it. */
    for (unsigned i = 0; i < feed->market_count; i++) {
        struct okx_market *market = &feed->markets[i];
        if (market->connection != connection && !feed->takes_any_symbol)
            continue;
        market->is_subscribed = false;
        market->resync_at_ns = 0;
        if (market->state != FEED_DOWN)
            okx_market_lost(&call, market, FEED_STALE, REASON_DISCONNECTED);
    }
    okx_feed_update_state(&call, false);
}

static void keep_alive(const struct okx_call *call, unsigned connection)
{
    struct okx_feed_connection *at = &call->feed->connections[connection];
    int64_t now = call->clock->now_ns, silent_ns = now - at->last_message_ns;

    if (!at->is_open)
        return;
    if (at->reconnect_at_ns != 0 && now >= at->reconnect_at_ns) {
        okx_feed_reconnect(call, connection, REASON_RENEWAL);
    } else if (silent_ns > RECONNECT_AFTER_NS) {
        okx_feed_reconnect(call, connection, REASON_SILENCE);
    } else if (silent_ns > PING_AFTER_NS && now - at->ping_ns > PING_AFTER_NS &&
               call->out->send(call->out->ctx, connection, "ping", 4) == 0) {
        at->ping_ns = now;
    }
}

/* A snapshot that does not come: from REST, then by a new subscription. */
static void retry_book(const struct okx_call *call, struct okx_market *market)
{
    int64_t now = call->clock->now_ns;

    if (!market->is_subscribed || market->resync_at_ns == 0)
        return;
    if (market->is_awaiting && !market->is_rest_tried && now - market->asked_ns >= SNAPSHOT_NS &&
        okx_sync_begin(call, market) == 0) {
        market->is_rest_tried = true;
        market->resync_at_ns = now + ANSWER_NS;
    } else if (now >= market->resync_at_ns) {
        okx_sync_drop(call->feed, market);
        okx_feed_resync(call, market);
    }
}

static bool is_alive(const struct okx_call *call, unsigned connection)
{
    const struct okx_feed_connection *at = &call->feed->connections[connection];

    return at->is_open && call->clock->now_ns - at->last_message_ns <= ALIVE_NS;
}

/* A book at rest is as fresh as its connection. Receivers take a live feed's word for all of its
 * books: while a connection is silent none is given, and its books grow old. */
static void life_signs(const struct okx_call *call)
{
    struct okx_feed *feed = call->feed;
    bool are_all_alive = true;

    for (unsigned i = 0; i < feed->connection_count; i++)
        are_all_alive &= is_alive(call, i);
    okx_feed_update_state(call, are_all_alive || !is_any_open(feed));
    for (unsigned i = 0; i < feed->market_count; i++)
        if (feed->markets[i].state == FEED_LIVE && is_alive(call, feed->markets[i].connection))
            okx_market_status(call, &feed->markets[i]);
}

static void feed_tick(void *state, const struct venue_clock *clock, const struct venue_out *out)
{
    struct okx_feed *feed = state;
    struct okx_call call = { feed, clock, out };
    int64_t now = clock->now_ns;

    for (unsigned i = 0; i < LIST_COUNT; i++)
        if (now >= feed->lists[i].at_ns)
            okx_feed_ask_list(&call, i);
    if (now >= feed->time_at_ns)
        okx_feed_ask_time(&call);
    if (now >= feed->status_ask_ns)
        okx_feed_ask_status(&call);
    for (unsigned i = 0; i < feed->connection_count; i++) {
        keep_alive(&call, i);
        okx_feed_subscribe(&call, i);
    }
    for (unsigned i = 0; i < feed->market_count; i++)
        retry_book(&call, &feed->markets[i]);
    if (now < feed->status_at_ns)
        return;
    feed->status_at_ns = now + LIFE_SIGN_NS;
    life_signs(&call);
}

static void feed_republish(void *state, uint64_t instrument, const struct venue_clock *clock,
                           const struct venue_out *out)
{
    struct okx_feed *feed = state;
    struct okx_call call = { feed, clock, out };

    for (unsigned i = 0; i < feed->market_count; i++) {
        struct okx_market *market = &feed->markets[i];
        if (instrument != 0 && market->instrument != instrument)
            continue;
        if (market->is_defined)
            okx_market_publish_definition(&call, market, true);
        okx_market_status(&call, market);
        if (!market->book.is_stale)
            okx_market_snapshot(&call, market, true);
    }
}

static void feed_stats(void *state, struct venue_feed_stats *out)
{
    *out = ((struct okx_feed *)state)->stats;
}

static size_t feed_tops(void *state, struct venue_feed_top *out, size_t max)
{
    struct okx_feed *feed = state;
    size_t count = 0;

    for (unsigned i = 0; i < feed->market_count && count < max; i++) {
        const struct okx_market *market = &feed->markets[i];
        const struct wire_level *bid = book_best(&market->book.bids);
        const struct wire_level *ask = book_best(&market->book.asks);
        if (!market->is_wanted && market->messages == 0)
            continue;
        out[count] = (struct venue_feed_top){ .instrument = market->instrument,
                                              .instrument_kind = market->kind,
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

const struct venue_feed_ops okx_feed_ops = {
    .state_size = sizeof(struct okx_feed),
    .init = feed_init,
    .fini = feed_fini,
    .connections = feed_connections,
    .start = feed_start,
    .opened = feed_opened,
    .closed = feed_closed,
    .frame = okx_feed_frame,
    .http = okx_feed_http,
    .tick = feed_tick,
    .republish = feed_republish,
    .stats = feed_stats,
    .tops = feed_tops,
};
