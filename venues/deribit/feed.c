#include "venues/deribit/feed.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEARTBEAT_S 10 /* The least that the venue takes: it then tests us as often. */
#define PING_SILENT_NS                                                         \
    (1 * NS_PER_S) /* A quiet connection is asked: books at rest are as fresh. \
                    */
#define SILENCE_NS        (15 * NS_PER_S)
#define ALIVE_NS          (2500 * NS_PER_MS)
#define LIFE_SIGN_NS      (250 * NS_PER_MS)
#define SNAPSHOT_NS       (5 * NS_PER_S) /* One that has not come by then never will. */
#define METADATA_EVERY_NS (3600 * NS_PER_S)
#define METADATA_WAIT_NS  (60 * NS_PER_S) /* No answer within a minute is none. */
#define LIMITED_NS        (10 * NS_PER_S) /* After HTTP 429. */

enum {
    TAG_LISTING = 1, /* and the listing */
    ATTEMPTS_MAX = 6,
    UNANSWERED_MAX = 4,  /* Subscriptions without a book, then the connection is opened anew. */
    MARKETS_AT_ONCE = 16 /* In one request. */
};

/* ---- out ---- */

void deribit_note(const struct deribit_call *call, const char *event, const char *format, ...)
{
    char text[256];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    call->out->note(call->out->ctx, event, text);
}

void deribit_emit(const struct deribit_call *call, struct wire_header *event)
{
    event->origin_ns = call->clock->now_ns;
    call->feed->stats.events++;
    call->out->event(call->out->ctx, event);
}

int deribit_send(const struct deribit_call *call, const char *method, const char *parameters)
{
    char text[VENUE_FRAME_MAX];
    int len = snprintf(text, sizeof(text),
                       "{\"jsonrpc\":\"2.0\",\"id\":%llu,\"method\":\"%s\",\"params\":{%s}}",
                       (unsigned long long)++call->feed->request_id, method, parameters);

    if (!call->feed->is_open)
        return ERR_CLOSED;
    return len < (int)sizeof(text) ? call->out->send(call->out->ctx, 0, text, (size_t)len)
                                   : ERR_RANGE;
}

static void reconnect(const struct deribit_call *call, wire_reason why)
{
    if (call->feed->is_reconnecting)
        return;
    call->feed->is_reconnecting = true;
    call->out->reconnect(call->out->ctx, 0, why);
}

/* ---- subscriptions ---- */

static void await_book(const struct deribit_call *call, struct deribit_market *market)
{
    market->resync_at_ns = call->clock->now_ns + SNAPSHOT_NS;
    if (market->state != FEED_STALE)
        deribit_market_set_state(call, market, FEED_SYNCING, REASON_START);
}

static size_t add_channel(char *text, size_t len, size_t cap, const char *begin, const char *symbol)
{
    int added = snprintf(text + len, cap - len, "%s\"%s.%s.100ms\"", len ? "," : "", begin, symbol);

    return MIN(len + (size_t)MAX(added, 0), cap - 1);
}

void deribit_subscribe_due(const struct deribit_call *call)
{
    struct deribit_feed *feed = call->feed;
    char list[MARKETS_AT_ONCE * TOPIC_COUNT * DERIBIT_CHANNEL_MAX] = "", text[sizeof(list) + 32];
    struct deribit_market *asked[MARKETS_AT_ONCE];
    size_t len = 0, count = 0;

    for (unsigned i = 0; i < feed->market_count && feed->is_open && count < MARKETS_AT_ONCE; i++) {
        struct deribit_market *market = &feed->markets[i];
        if (!market->is_wanted || !market->is_defined || market->is_subscribed)
            continue;
        len = add_channel(list, len, sizeof(list), "book", market->symbol);
        len = add_channel(list, len, sizeof(list), "trades", market->symbol);
        if (market->definition.kind == INSTRUMENT_PERPETUAL)
            len = add_channel(list, len, sizeof(list), "ticker", market->symbol);
        asked[count++] = market;
    }
    snprintf(text, sizeof(text), "\"channels\":[%s]", list);
    if (count == 0 || deribit_send(call, "public/subscribe", text) != 0)
        return; /* The next tick tries again. */
    for (size_t i = 0; i < count; i++) {
        asked[i]->is_subscribed = true;
        await_book(call, asked[i]);
    }
}

void deribit_resync(const struct deribit_call *call, struct deribit_market *market)
{
    char text[DERIBIT_CHANNEL_MAX + 32];

    snprintf(text, sizeof(text), "\"channels\":[\"book.%s.100ms\"]", market->symbol);
    if (deribit_send(call, "public/unsubscribe", text) == 0)
        (void)deribit_send(call, "public/subscribe", text);
    await_book(call, market);
}

/* ---- state of the whole ---- */

static wire_feed_state state_of(const struct deribit_feed *feed, wire_reason *why)
{
    *why = REASON_NONE;
    if (!feed->is_open) {
        *why = feed->last_message_ns == 0 ? REASON_START : REASON_DISCONNECTED;
        return feed->last_message_ns == 0 ? FEED_CONNECTING : FEED_DOWN;
    }
    for (unsigned i = 0; i < feed->market_count; i++)
        if (feed->markets[i].is_wanted && feed->markets[i].state != FEED_LIVE) {
            *why = feed->markets[i].why;
            return FEED_SYNCING;
        }
    return FEED_LIVE;
}

void deribit_update_state(const struct deribit_call *call, bool always)
{
    struct deribit_feed *feed = call->feed;
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
    status.rejected = feed->stats.rejected;
    status.last_message_ns = feed->last_message_ns;
    status.state = state;
    status.why = why;
    deribit_emit(call, &status.header);
}

/* ---- init ---- */

static void feed_fini(void *state)
{
    struct deribit_feed *feed = state;

    for (unsigned i = 0; feed->markets && i < feed->markets_max; i++)
        book_fini(&feed->markets[i].book);
    free(feed->markets);
    free(feed->known);
    feed->markets = NULL;
    feed->known = NULL;
    feed->market_count = feed->known_count = 0;
}

static int allocate(struct deribit_feed *feed, unsigned levels)
{
    int err = 0;

    feed->markets = calloc(MAX(feed->markets_max, 1u), sizeof(*feed->markets));
    if (feed->takes_any_symbol)
        feed->known = calloc(DERIBIT_KNOWN_MAX, sizeof(*feed->known));
    if (!feed->markets || (feed->takes_any_symbol && !feed->known))
        return ERR_SYS;
    for (unsigned i = 0; !err && i < feed->markets_max; i++)
        err = book_init(&feed->markets[i].book, levels, DERIBIT_EXP, DERIBIT_EXP);
    return err;
}

static int feed_init(void *state, const struct venue_feed_config *config)
{
    struct deribit_feed *feed = state;
    unsigned levels = config->levels_max ? config->levels_max : DERIBIT_LEVELS;

    memset(feed, 0, sizeof(*feed));
    feed->takes_any_symbol = config->takes_any_symbol;
    feed->maker_ppm = config->maker_fee_ppm;
    feed->taker_ppm = config->taker_fee_ppm;
    feed->state = FEED_CONNECTING;
    feed->why = REASON_START;
    snprintf(feed->ws_url, sizeof(feed->ws_url), "%s", config->ws_url ? config->ws_url : "");
    if (config->name_count > VENUE_SYMBOLS_MAX || levels > DERIBIT_LEVELS_MAX ||
        (config->name_count == 0 && !config->takes_any_symbol))
        return ERR_RANGE;
    feed->markets_max = config->takes_any_symbol ? VENUE_SYMBOLS_MAX : (unsigned)config->name_count;
    int err = allocate(feed, levels);
    for (size_t i = 0; !err && i < config->name_count; i++) {
        struct deribit_market *market = &feed->markets[feed->market_count++];
        if (strlen(config->names[i]) >= sizeof(market->name))
            err = ERR_RANGE;
        else
            strcpy(market->name, config->names[i]);
        market->is_wanted = true;
    }
    if (err)
        feed_fini(feed);
    return err;
}

static size_t feed_connections(void *state, struct venue_connection *out)
{
    const struct deribit_feed *feed = state;

    out[0] = (struct venue_connection){ .silence_ns = SILENCE_NS };
    snprintf(out[0].url, sizeof(out[0].url), "%s/ws/api/v2", feed->ws_url);
    return 1;
}

/* ---- REST ---- */

static const char *const listing_words[] = { [LISTING_SPOT] = "spot", [LISTING_FUTURE] = "future" };

static bool is_listing_wanted(const struct deribit_feed *feed, enum deribit_listing listing)
{
    for (unsigned i = 0; i < feed->market_count; i++) {
        size_t len = strlen(feed->markets[i].name);
        bool is_perpetual = len > 5 && strcmp(feed->markets[i].name + len - 5, "-PERP") == 0;
        if (feed->markets[i].is_wanted && is_perpetual == (listing == LISTING_FUTURE))
            return true;
    }
    return false;
}

static void ask_listing(const struct deribit_call *call, enum deribit_listing listing)
{
    struct deribit_feed *feed = call->feed;
    struct venue_request *request = &feed->request;
    int err = ERR_AGAIN;

    snprintf(request->path, sizeof(request->path),
             "/api/v2/public/get_instruments?currency=any&kind=%s&expired=false",
             listing_words[listing]);
    request->method = "GET";
    request->body_len = request->header_count = 0;
    request->tag = (uint64_t)TAG_LISTING + listing;
    request->weight = 1;
    if (call->clock->now_ns >= feed->rest_hold_until_ns)
        err = call->out->request(call->out->ctx, request);
    feed->asked_ns[listing] = call->clock->now_ns + (err ? NS_PER_S : METADATA_WAIT_NS);
}

static int take_list(const struct deribit_call *call, const char *body, size_t len)
{
    struct scan_value top, result, object;
    struct scan_iter iter;

    if (!body || scan_whole(body, len, &top) != 0 || top.type != SCAN_OBJECT ||
        scan_find(&top, "result", &result) != 0 || result.type != SCAN_ARRAY ||
        scan_begin(&iter, &result) != 0)
        return ERR_PROTO;
    int err;
    while ((err = scan_item(&iter, &object)) == 0)
        deribit_market_define(call, &object);
    return err == ERR_NOT_FOUND ? 0 : ERR_PROTO;
}

static void tell_missing(const struct deribit_call *call, enum deribit_listing listing)
{
    const struct deribit_feed *feed = call->feed;

    for (unsigned i = 0; i < feed->market_count; i++) {
        const struct deribit_market *market = &feed->markets[i];
        size_t len = strlen(market->name);
        bool is_perpetual = len > 5 && strcmp(market->name + len - 5, "-PERP") == 0;
        if (market->is_wanted && !market->is_defined && is_perpetual == (listing == LISTING_FUTURE))
            deribit_note(call, "no_such_instrument", "%s", market->name);
    }
}

static int on_listing(const struct deribit_call *call, enum deribit_listing listing,
                      const struct venue_response *response)
{
    struct deribit_feed *feed = call->feed;
    int err =
        response->status == 200 ? take_list(call, response->body, response->body_len) : ERR_PROTO;

    if (err) {
        feed->attempt[listing] = MIN(feed->attempt[listing] + 1, ATTEMPTS_MAX);
        feed->asked_ns[listing] = call->clock->now_ns + (NS_PER_S << feed->attempt[listing]);
        feed->stats.rejected += response->status == 200;
        return err;
    }
    feed->attempt[listing] = 0;
    feed->asked_ns[listing] = call->clock->now_ns + METADATA_EVERY_NS;
    if (!feed->is_listed[listing])
        tell_missing(call, listing);
    feed->is_listed[listing] = true;
    deribit_subscribe_due(call);
    return 0;
}

static int feed_http(void *state, const struct venue_response *response,
                     const struct venue_clock *clock, const struct venue_out *out)
{
    struct deribit_feed *feed = state;
    struct deribit_call call = { feed, clock, out };

    if (response->status == 429) {
        feed->rest_hold_until_ns = clock->now_ns + LIMITED_NS;
        deribit_note(&call, "rate_limited", "HTTP 429");
    }
    if (response->tag >= TAG_LISTING && response->tag < TAG_LISTING + LISTING_COUNT)
        return on_listing(&call, (enum deribit_listing)(response->tag - TAG_LISTING), response);
    if (response->tag == 0 && response->url && strstr(response->url, "/public/get_instruments"))
        return take_list(&call, response->body, response->body_len);
    return 0; /* A capture may hold answers that nobody here asks for. */
}

/* ---- life ---- */

static void feed_start(void *state, const struct venue_clock *clock, const struct venue_out *out)
{
    struct deribit_feed *feed = state;
    struct deribit_call call = { feed, clock, out };

    deribit_update_state(&call, true);
    for (enum deribit_listing i = LISTING_SPOT; i < LISTING_COUNT; i++)
        if (is_listing_wanted(feed, i))
            ask_listing(&call, i);
}

static void feed_opened(void *state, unsigned connection, const struct venue_clock *clock,
                        const struct venue_out *out)
{
    struct deribit_feed *feed = state;
    struct deribit_call call = { feed, clock, out };
    char text[32];

    (void)connection;
    feed->is_open = true;
    feed->is_reconnecting = false;
    feed->last_message_ns = feed->ping_at_ns = clock->now_ns;
    snprintf(text, sizeof(text), "\"interval\":%d", HEARTBEAT_S);
    (void)deribit_send(&call, "public/set_heartbeat", text);
    deribit_subscribe_due(&call);
    deribit_update_state(&call, false);
}

void deribit_lost(const struct deribit_call *call, wire_reason why)
{
    struct deribit_feed *feed = call->feed;

    for (unsigned i = 0; i < feed->market_count; i++) {
        feed->markets[i].is_subscribed = false;
        feed->markets[i].resync_at_ns = 0;
        deribit_market_lost(call, &feed->markets[i], why);
    }
}

static void feed_closed(void *state, unsigned connection, const struct venue_clock *clock,
                        const struct venue_out *out)
{
    struct deribit_feed *feed = state;
    struct deribit_call call = { feed, clock, out };

    (void)connection;
    feed->is_open = false;
    feed->is_reconnecting = true; /* The shell is at it. */
    deribit_lost(&call, REASON_DISCONNECTED);
    deribit_update_state(&call, false);
}

static void keep_alive(const struct deribit_call *call)
{
    struct deribit_feed *feed = call->feed;
    int64_t now = call->clock->now_ns;

    if (!feed->is_open)
        return;
    if (now - feed->last_message_ns > SILENCE_NS)
        reconnect(call, REASON_SILENCE);
    else if (now - feed->last_message_ns >= PING_SILENT_NS &&
             now - feed->ping_at_ns >= PING_SILENT_NS && deribit_send(call, "public/test", "") == 0)
        feed->ping_at_ns = now;
}

static void retry_book(const struct deribit_call *call, struct deribit_market *market)
{
    if (market->resync_at_ns == 0 || call->clock->now_ns < market->resync_at_ns ||
        !market->is_subscribed || market->state == FEED_LIVE)
        return;
    if (market->resync_attempt++ >= UNANSWERED_MAX) {
        market->resync_at_ns = 0;
        market->resync_attempt = 0;
        reconnect(call, REASON_SILENCE);
        return;
    }
    deribit_resync(call, market);
}

/* A book at rest is as fresh as its connection. */
static void give_life_signs(const struct deribit_call *call)
{
    struct deribit_feed *feed = call->feed;
    bool is_alive = feed->is_open && call->clock->now_ns - feed->last_message_ns <= ALIVE_NS;

    deribit_update_state(call, is_alive || feed->state != FEED_LIVE);
    for (unsigned i = 0; is_alive && i < feed->market_count; i++)
        if (feed->markets[i].state == FEED_LIVE)
            deribit_market_status(call, &feed->markets[i]);
}

static void feed_tick(void *state, const struct venue_clock *clock, const struct venue_out *out)
{
    struct deribit_feed *feed = state;
    struct deribit_call call = { feed, clock, out };
    int64_t now = clock->now_ns;

    if (feed->takes_any_symbol)
        return; /* A capture cannot be asked for anything. */
    keep_alive(&call);
    for (enum deribit_listing i = LISTING_SPOT; i < LISTING_COUNT; i++)
        if (is_listing_wanted(feed, i) && now >= feed->asked_ns[i])
            ask_listing(&call, i);
    for (unsigned i = 0; i < feed->market_count; i++)
        retry_book(&call, &feed->markets[i]);
    deribit_subscribe_due(&call);
    if (now >= feed->status_at_ns) {
        feed->status_at_ns = now + LIFE_SIGN_NS;
        give_life_signs(&call);
    }
}

static void feed_republish(void *state, uint64_t instrument, const struct venue_clock *clock,
                           const struct venue_out *out)
{
    struct deribit_feed *feed = state;
    struct deribit_call call = { feed, clock, out };

    for (unsigned i = 0; i < feed->market_count; i++) {
        struct deribit_market *market = &feed->markets[i];
        if (market->instrument == 0 || (instrument != 0 && market->instrument != instrument))
            continue;
        if (market->is_defined)
            deribit_market_publish_definition(&call, market, true);
        deribit_market_status(&call, market);
        deribit_ticker_repeat(&call, market);
        if (!market->book.is_stale)
            deribit_market_snapshot(&call, market, true);
    }
}

static void feed_stats(void *state, struct venue_feed_stats *out)
{
    *out = ((struct deribit_feed *)state)->stats;
}

/* The venue writes numbers, without trailing zeros: no fixed count of decimals. */
static size_t feed_tops(void *state, struct venue_feed_top *out, size_t max)
{
    struct deribit_feed *feed = state;
    size_t count = 0;

    for (unsigned i = 0; i < feed->market_count && count < max; i++) {
        const struct deribit_market *market = &feed->markets[i];
        const struct wire_level *bid = book_best(&market->book.bids);
        const struct wire_level *ask = book_best(&market->book.asks);
        if (!market->is_wanted && market->messages == 0)
            continue;
        out[count] =
            (struct venue_feed_top){ .instrument = market->instrument,
                                     .instrument_kind = market->is_defined ? market->definition.kind
                                                                           : INSTRUMENT_PERPETUAL,
                                     .has_bid = bid != NULL,
                                     .has_ask = ask != NULL,
                                     .is_stale = market->book.is_stale,
                                     .bid_price = bid ? bid->price : 0,
                                     .ask_price = ask ? ask->price : 0,
                                     .price_exp = market->book.price_exp,
                                     .price_decimals = -1,
                                     .bid_count = market->book.bids.count,
                                     .ask_count = market->book.asks.count };
        snprintf(out[count++].symbol, sizeof(out->symbol), "%.31s",
                 *market->symbol ? market->symbol : market->name);
    }
    return count;
}

const struct venue_feed_ops deribit_feed_ops = {
    .state_size = sizeof(struct deribit_feed),
    .init = feed_init,
    .fini = feed_fini,
    .connections = feed_connections,
    .start = feed_start,
    .opened = feed_opened,
    .closed = feed_closed,
    .frame = deribit_frame,
    .http = feed_http,
    .tick = feed_tick,
    .republish = feed_republish,
    .stats = feed_stats,
    .tops = feed_tops,
};
