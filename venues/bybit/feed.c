#include "venues/bybit/feed.h"
#include "common/leaf/fixed.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* The venue wants a ping each 20 s; a silent connection is asked sooner, for a book at rest is as
 * fresh as its connection. */
#define PING_EVERY_NS     (20 * NS_PER_S)
#define PING_SILENT_NS    (1 * NS_PER_S)
#define PONG_NS           (2 * NS_PER_S) /* Time for another ping where none came. */
#define SILENCE_NS        (10 * NS_PER_S)
#define STATUS_SILENCE_NS (60 * NS_PER_S)
#define ALIVE_NS          (2500 * NS_PER_MS)
#define LIFE_SIGN_NS      (250 * NS_PER_MS)
#define SNAPSHOT_NS       (5 * NS_PER_S) /* A snapshot that has not come by then never will. */
#define METADATA_EVERY_NS (3600 * NS_PER_S)
#define METADATA_WAIT_NS  (60 * NS_PER_S) /* No answer within a minute is none. */
#define TIME_EVERY_NS     (60 * NS_PER_S)
#define LIMITED_NS        (10 * NS_PER_S) /* After HTTP 429. */

enum {
    TAG_TIME = 1,
    TAG_LISTING, /* and the category */
    ATTEMPTS_MAX = 6,
    UNANSWERED_MAX = 4, /* Subscriptions without a snapshot, then the connection is opened anew. */
};

/* ---- out ---- */

void bybit_feed_note(const struct bybit_call *call, const char *event, const char *format, ...)
{
    char text[256];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    call->out->note(call->out->ctx, event, text);
}

void bybit_feed_emit(const struct bybit_call *call, struct wire_header *event)
{
    event->origin_ns = call->clock->now_ns;
    call->feed->stats.events++;
    call->out->event(call->out->ctx, event);
}

static int send_text(const struct bybit_call *call, unsigned connection, const char *text, int len)
{
    if (!call->feed->connections[connection].is_open)
        return ERR_CLOSED;
    return call->out->send(call->out->ctx, connection, text, (size_t)len);
}

static void reconnect(const struct bybit_call *call, unsigned connection, wire_reason why)
{
    struct bybit_connection *at = &call->feed->connections[connection];

    if (at->is_reconnecting)
        return;
    at->is_reconnecting = true;
    call->out->reconnect(call->out->ctx, connection, why);
}

/* ---- subscriptions ---- */

void bybit_topic_write(const struct bybit_feed *feed, const struct bybit_market *market,
                       enum bybit_topic topic, char out[BYBIT_ARG_MAX])
{
    static const char *const begins[] = { [TOPIC_TRADES] = "publicTrade",
                                          [TOPIC_TICKER] = "tickers",
                                          [TOPIC_LIQUIDATIONS] = "allLiquidation" };

    if (topic == TOPIC_BOOK)
        snprintf(out, BYBIT_ARG_MAX, "orderbook.%u.%s", feed->depth, market->symbol);
    else
        snprintf(out, BYBIT_ARG_MAX, "%s.%s", begins[topic], market->symbol);
}

/* Spot's ticker has no more than a last price, and spot has no liquidations. */
static bool has_topic(const struct bybit_market *market, enum bybit_topic topic)
{
    return !(market->topics_refused >> topic & 1) &&
           (topic <= TOPIC_TRADES || market->category == BYBIT_LINEAR);
}

static int send_topics(const struct bybit_call *call, const char *op,
                       const struct bybit_market *market, enum bybit_topic last)
{
    char text[512], topic[BYBIT_ARG_MAX];
    unsigned count = 0;
    int len = snprintf(text, sizeof(text), "{\"req_id\":\"%llu\",\"op\":\"%s\",\"args\":[",
                       (unsigned long long)++call->feed->req_id, op);

    for (enum bybit_topic i = TOPIC_BOOK; i <= last; i++) {
        if (!has_topic(market, i))
            continue;
        bybit_topic_write(call->feed, market, i, topic);
        len +=
            snprintf(text + len, sizeof(text) - (size_t)len, "%s\"%s\"", count++ ? "," : "", topic);
    }
    len += snprintf(text + len, sizeof(text) - (size_t)len, "]}");
    return send_text(call, market->connection, text, len);
}

static void await_snapshot(const struct bybit_call *call, struct bybit_market *market)
{
    market->is_asked = true;
    market->resync_at_ns = call->clock->now_ns + SNAPSHOT_NS;
}

void bybit_feed_subscribe_market(const struct bybit_call *call, struct bybit_market *market)
{
    if (send_topics(call, "subscribe", market, TOPIC_LIQUIDATIONS) != 0)
        return;
    market->is_subscribed = true;
    await_snapshot(call, market);
}

void bybit_feed_resync(const struct bybit_call *call, struct bybit_market *market)
{
    await_snapshot(call, market);
    (void)send_topics(call, "unsubscribe", market, TOPIC_BOOK);
    (void)send_topics(call, "subscribe", market, TOPIC_BOOK);
}

void bybit_feed_subscribe_due(const struct bybit_call *call)
{
    struct bybit_feed *feed = call->feed;

    for (unsigned i = 0; i < feed->market_count; i++) {
        struct bybit_market *market = &feed->markets[i];
        if (!market->is_wanted || !market->is_defined || market->is_subscribed ||
            !feed->connections[market->connection].is_open)
            continue;
        market->is_lost = false;
        market->resync_attempt = 0;
        bybit_feed_subscribe_market(call, market);
        if (market->is_subscribed)
            bybit_market_set_state(call, market, FEED_SYNCING, REASON_START);
    }
}

/* ---- state of the whole feed ---- */

static wire_feed_state state_of(const struct bybit_feed *feed, wire_reason *why)
{
    bool is_any_open = false;

    *why = REASON_NONE;
    for (unsigned i = 0; i < feed->connection_count; i++)
        is_any_open |= feed->connections[i].is_open && !feed->connections[i].is_status;
    if (!is_any_open) {
        *why = feed->last_message_ns == 0 ? REASON_START : REASON_DISCONNECTED;
        return feed->last_message_ns == 0 ? FEED_CONNECTING : FEED_DOWN;
    }
    for (enum bybit_category c = BYBIT_SPOT; c < BYBIT_CATEGORIES; c++)
        if (feed->is_maintenance[c] && feed->listings[c].is_wanted) {
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

void bybit_feed_update_state(const struct bybit_call *call, bool always)
{
    struct bybit_feed *feed = call->feed;
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
    status.clock_offset_ns = feed->clock_offset_ns;
    status.state = state;
    status.why = why;
    bybit_feed_emit(call, &status.header);
}

/* ---- init ---- */

static void feed_fini(void *state)
{
    struct bybit_feed *feed = state;

    for (unsigned i = 0; feed->markets && i < feed->markets_max; i++)
        book_fini(&feed->markets[i].book);
    free(feed->markets);
    free(feed->known);
    feed->markets = NULL;
    feed->known = NULL;
    feed->market_count = feed->known_count = 0;
}

/* The largest of the venue's depths that is not above the wanted one. */
static unsigned depth_of(unsigned wanted, unsigned levels_max)
{
    static const unsigned depths[] = { 1, 50, 200, BYBIT_DEPTH_MAX };
    unsigned depth = depths[0];

    if (wanted == 0)
        wanted = BYBIT_DEPTH_DEFAULT;
    if (levels_max != 0)
        wanted = MIN(wanted, levels_max);
    for (size_t i = 0; i < COUNT(depths); i++)
        if (depths[i] <= wanted)
            depth = depths[i];
    return depth;
}

/* Memory for all markets there can be: nothing is allocated later. Within a message a side may hold
 * more than its depth. */
static int allocate(struct bybit_feed *feed)
{
    unsigned depth = feed->takes_any_symbol ? BYBIT_DEPTH_MAX : feed->depth;
    int err = 0;

    feed->markets = calloc(MAX(feed->markets_max, 1u), sizeof(*feed->markets));
    if (feed->takes_any_symbol)
        feed->known = calloc(BYBIT_KNOWN_MAX, sizeof(*feed->known));
    if (!feed->markets || (feed->takes_any_symbol && !feed->known))
        return ERR_SYS;
    for (unsigned i = 0; !err && i < feed->markets_max; i++) {
        err = book_init(&feed->markets[i].book, 2 * depth, BYBIT_EXP, BYBIT_EXP);
        feed->markets[i].depth = feed->takes_any_symbol ? 0 : depth;
    }
    return err;
}

/* Gives each configured name its connection. */
static int take_names(struct bybit_feed *feed, const struct venue_feed_config *config)
{
    for (enum bybit_category c = BYBIT_SPOT; c < BYBIT_CATEGORIES; c++) {
        unsigned on_it = BYBIT_PER_CONNECTION; /* Of the connection made last. */
        for (size_t i = 0; i < config->name_count; i++) {
            if (bybit_category_of_name(config->names[i]) != c)
                continue;
            struct bybit_market *market = &feed->markets[feed->market_count];
            if (strlen(config->names[i]) >= sizeof(market->name))
                return ERR_RANGE;
            if (on_it == BYBIT_PER_CONNECTION) {
                feed->connections[feed->connection_count++].category = c;
                on_it = 0;
            }
            bybit_copy(market->name, sizeof(market->name), config->names[i]);
            market->category = c;
            market->connection = feed->connection_count - 1;
            market->is_wanted = true;
            feed->market_count++;
            feed->listings[c].is_wanted = true;
            on_it++;
        }
    }
    feed->connections[feed->connection_count++].is_status = true;
    return 0;
}

static int feed_init(void *state, const struct venue_feed_config *config)
{
    struct bybit_feed *feed = state;

    memset(feed, 0, sizeof(*feed));
    feed->takes_any_symbol = config->takes_any_symbol;
    feed->depth = depth_of(config->depth, config->levels_max);
    feed->maker_ppm = config->maker_fee_ppm;
    feed->taker_ppm = config->taker_fee_ppm;
    feed->state = FEED_CONNECTING;
    feed->why = REASON_START;
    bybit_copy(feed->ws_url, sizeof(feed->ws_url), config->ws_url ? config->ws_url : "");
    if (config->name_count > VENUE_SYMBOLS_MAX ||
        (config->name_count == 0 && !config->takes_any_symbol))
        return ERR_RANGE;
    feed->markets_max = config->takes_any_symbol ? VENUE_SYMBOLS_MAX : (unsigned)config->name_count;
    int err = allocate(feed);
    if (!err && config->takes_any_symbol) {
        feed->connection_count = VENUE_CONNECTIONS_MAX;
        for (unsigned i = 0; i < VENUE_CONNECTIONS_MAX; i++)
            feed->connections[i].category = BYBIT_LINEAR; /* Until address says otherwise. */
    } else if (!err) {
        err = take_names(feed, config);
    }
    if (err)
        feed_fini(feed);
    return err;
}

static size_t feed_connections(void *state, struct venue_connection *out)
{
    const struct bybit_feed *feed = state;

    for (unsigned i = 0; i < feed->connection_count; i++) {
        const struct bybit_connection *at = &feed->connections[i];
        out[i] = (struct venue_connection){ .silence_ns =
                                                at->is_status ? STATUS_SILENCE_NS : SILENCE_NS };
        snprintf(out[i].url, sizeof(out[i].url), "%s/v5/public/%s", feed->ws_url,
                 at->is_status ? "misc/status" : bybit_category_str(at->category));
    }
    return feed->connection_count;
}

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);

    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

static void feed_address(void *state, unsigned connection, const char *url)
{
    struct bybit_feed *feed = state;

    if (connection < feed->connection_count)
        feed->connections[connection].category =
            ends_with(url, "/public/spot") ? BYBIT_SPOT : BYBIT_LINEAR;
}

/* ---- REST ---- */

static int ask(const struct bybit_call *call, uint64_t tag)
{
    struct venue_request *request = &call->feed->request;

    request->method = "GET";
    request->body_len = request->header_count = 0;
    request->tag = tag;
    request->weight = 1;
    return call->clock->now_ns < call->feed->rest_hold_until_ns
               ? ERR_AGAIN
               : call->out->request(call->out->ctx, request);
}

static void ask_listing(const struct bybit_call *call, enum bybit_category category)
{
    struct bybit_feed *feed = call->feed;
    struct bybit_listing *listing = &feed->listings[category];
    int err =
        bybit_info_path(category, listing->cursor, feed->request.path, sizeof(feed->request.path));

    if (!err)
        err = ask(call, TAG_LISTING + category);
    listing->ask_at_ns = call->clock->now_ns + (err ? NS_PER_S : METADATA_WAIT_NS);
}

static void ask_time(const struct bybit_call *call)
{
    struct bybit_feed *feed = call->feed;

    snprintf(feed->request.path, sizeof(feed->request.path), "/v5/market/time");
    feed->time_sent_wall_ns = call->clock->wall_ns;
    feed->time_sent_ns = call->clock->now_ns;
    feed->time_at_ns = call->clock->now_ns + (ask(call, TAG_TIME) ? NS_PER_S : TIME_EVERY_NS);
}

static void tell_missing(const struct bybit_call *call, enum bybit_category category)
{
    const struct bybit_feed *feed = call->feed;

    for (unsigned i = 0; i < feed->market_count; i++)
        if (feed->markets[i].category == category && feed->markets[i].is_wanted &&
            !feed->markets[i].is_defined)
            bybit_feed_note(call, "no_such_instrument", "%s", feed->markets[i].name);
}

static int take_list(const struct bybit_call *call, enum bybit_category category,
                     const struct scan_value *result)
{
    struct scan_iter iter;
    struct scan_value object;
    int err = bybit_list_begin(result, &iter);

    while (!err && (err = scan_item(&iter, &object)) == 0)
        bybit_market_define(call, category, &object);
    return err == ERR_NOT_FOUND ? 0 : ERR_PROTO;
}

static int on_listing(const struct bybit_call *call, enum bybit_category category,
                      const struct venue_response *response)
{
    struct bybit_feed *feed = call->feed;
    struct bybit_listing *listing = &feed->listings[category];
    struct bybit_answer answer;
    int err = ERR_PROTO;

    if (response->status == 200 &&
        bybit_answer_read(response->body, response->body_len, &answer) == 0 && answer.code == 0)
        err = take_list(call, category, &answer.result);
    if (err) {
        listing->attempt = MIN(listing->attempt + 1, ATTEMPTS_MAX);
        listing->ask_at_ns = call->clock->now_ns + (NS_PER_S << listing->attempt);
        feed->stats.rejected += response->status == 200;
        return err;
    }
    listing->attempt = 0;
    bybit_cursor_read(&answer.result, listing->cursor);
    bybit_feed_subscribe_due(call);
    if (*listing->cursor && ++listing->page < BYBIT_PAGES_MAX) {
        if (response->tag != 0)
            ask_listing(call, category);
        return 0;
    }
    if (!listing->is_complete && response->tag != 0)
        tell_missing(call, category);
    listing->is_complete = true;
    listing->page = 0;
    listing->cursor[0] = '\0';
    listing->ask_at_ns = call->clock->now_ns + METADATA_EVERY_NS;
    return 0;
}

/* Half of the way there and back lies between our call and the venue's clock. */
static int on_time(const struct bybit_call *call, const struct venue_response *response)
{
    struct bybit_feed *feed = call->feed;
    struct bybit_answer answer;
    struct scan_value nano;
    int64_t venue_ns;

    if (response->status != 200 ||
        bybit_answer_read(response->body, response->body_len, &answer) != 0 || answer.code != 0 ||
        scan_find(&answer.result, "timeNano", &nano) != 0 || scan_i64(&nano, &venue_ns) != 0)
        return ERR_PROTO;
    int64_t rtt_ns = call->clock->now_ns - feed->time_sent_ns;
    feed->clock_offset_ns = venue_ns - (feed->time_sent_wall_ns + rtt_ns / 2);
    return 0;
}

static bool is_info_url(const char *url, enum bybit_category category)
{
    char word[32];

    snprintf(word, sizeof(word), "category=%s", bybit_category_str(category));
    return strstr(url, "/v5/market/instruments-info") && strstr(url, word);
}

static int feed_http(void *state, const struct venue_response *response,
                     const struct venue_clock *clock, const struct venue_out *out)
{
    struct bybit_feed *feed = state;
    struct bybit_call call = { feed, clock, out };

    if (response->status == 403 || response->status == 429) {
        feed->rest_hold_until_ns =
            clock->now_ns + (response->status == 403 ? BYBIT_BLOCKED_NS : LIMITED_NS);
        bybit_feed_note(&call, "rate_limited", "HTTP %d", response->status);
    }
    if (response->tag == TAG_TIME)
        return on_time(&call, response);
    for (enum bybit_category c = BYBIT_SPOT; c < BYBIT_CATEGORIES; c++)
        if (response->tag == (uint64_t)TAG_LISTING + c ||
            (response->tag == 0 && response->url && is_info_url(response->url, c)))
            return on_listing(&call, c, response);
    return 0; /* A capture may hold answers that nobody here asks for. */
}

/* ---- life ---- */

static void feed_start(void *state, const struct venue_clock *clock, const struct venue_out *out)
{
    struct bybit_feed *feed = state;
    struct bybit_call call = { feed, clock, out };

    bybit_feed_update_state(&call, true);
    for (enum bybit_category c = BYBIT_SPOT; c < BYBIT_CATEGORIES; c++)
        if (feed->listings[c].is_wanted)
            ask_listing(&call, c);
    ask_time(&call);
}

static void feed_opened(void *state, unsigned connection, const struct venue_clock *clock,
                        const struct venue_out *out)
{
    static const char status[] =
        "{\"req_id\":\"status\",\"op\":\"subscribe\",\"args\":[\"system.status\"]}";
    struct bybit_feed *feed = state;
    struct bybit_call call = { feed, clock, out };

    if (connection >= feed->connection_count)
        return;
    struct bybit_connection *at = &feed->connections[connection];
    at->is_open = true;
    at->is_reconnecting = at->is_pong_due = false;
    at->opened_ns = at->last_message_ns = at->ping_at_ns = clock->now_ns;
    if (at->is_status)
        (void)send_text(&call, connection, status, sizeof(status) - 1);
    else
        bybit_feed_subscribe_due(&call);
    bybit_feed_update_state(&call, false);
}

void bybit_feed_lost(const struct bybit_call *call, unsigned connection, wire_reason why)
{
    struct bybit_feed *feed = call->feed;

    for (unsigned i = 0; i < feed->market_count; i++) {
        struct bybit_market *market = &feed->markets[i];
        if (market->connection != connection)
            continue;
        market->is_subscribed = false;
        market->topics_refused = 0;
        market->resync_at_ns = 0;
        market->ticker = (struct bybit_ticker){ 0 };
        if (market->state != FEED_DOWN)
            bybit_market_lost(call, market, FEED_STALE, why);
    }
}

static void feed_closed(void *state, unsigned connection, const struct venue_clock *clock,
                        const struct venue_out *out)
{
    struct bybit_feed *feed = state;
    struct bybit_call call = { feed, clock, out };

    if (connection >= feed->connection_count)
        return;
    feed->connections[connection].is_open = false;
    feed->connections[connection].is_reconnecting = true; /* The shell is at it. */
    bybit_feed_lost(&call, connection, REASON_DISCONNECTED);
    bybit_feed_update_state(&call, false);
}

static void keep_alive(const struct bybit_call *call, unsigned connection)
{
    struct bybit_connection *at = &call->feed->connections[connection];
    int64_t now = call->clock->now_ns, silent_ns = now - at->last_message_ns;
    char text[64];

    if (!at->is_open)
        return;
    if (silent_ns > (at->is_status ? STATUS_SILENCE_NS : SILENCE_NS)) {
        reconnect(call, connection, REASON_SILENCE);
        return;
    }
    int64_t since_ping_ns = now - at->ping_at_ns;
    bool is_due = since_ping_ns >= PING_EVERY_NS ||
                  (!at->is_status && silent_ns >= PING_SILENT_NS &&
                   since_ping_ns >= (at->is_pong_due ? PONG_NS : PING_SILENT_NS));
    if (!is_due)
        return;
    int len = snprintf(text, sizeof(text), "{\"req_id\":\"%llu\",\"op\":\"ping\"}",
                       (unsigned long long)++call->feed->req_id);
    if (send_text(call, connection, text, len) == 0) {
        at->ping_at_ns = now;
        at->is_pong_due = true;
    }
}

static void retry_book(const struct bybit_call *call, struct bybit_market *market)
{
    if (market->resync_at_ns == 0 || call->clock->now_ns < market->resync_at_ns ||
        !market->is_subscribed)
        return;
    if (market->is_refused) { /* Perhaps listed by now. */
        market->is_refused = market->is_subscribed = false;
        market->resync_at_ns = 0;
    } else if (market->resync_attempt >= UNANSWERED_MAX && market->is_asked) {
        market->resync_at_ns = 0;
        reconnect(call, market->connection, REASON_SILENCE);
    } else {
        market->resync_attempt += market->is_asked;
        bybit_feed_resync(call, market);
    }
}

static bool is_alive(const struct bybit_feed *feed, unsigned connection, int64_t now_ns)
{
    const struct bybit_connection *at = &feed->connections[connection];

    return at->is_status || (at->is_open && now_ns - at->last_message_ns <= ALIVE_NS);
}

/* A book at rest is as fresh as its connection. Receivers take a live feed's word for all of its
 * books, a live book's word for itself: a silent connection gives none, and its books grow old. */
static void give_life_signs(const struct bybit_call *call)
{
    struct bybit_feed *feed = call->feed;
    int64_t now = call->clock->now_ns;
    bool is_all_alive = true;

    for (unsigned i = 0; i < feed->connection_count; i++)
        is_all_alive &= is_alive(feed, i, now);
    bybit_feed_update_state(call, is_all_alive || feed->state != FEED_LIVE);
    for (unsigned i = 0; i < feed->market_count; i++)
        if (feed->markets[i].state == FEED_LIVE && is_alive(feed, feed->markets[i].connection, now))
            bybit_market_status(call, &feed->markets[i]);
}

static void feed_tick(void *state, const struct venue_clock *clock, const struct venue_out *out)
{
    struct bybit_feed *feed = state;
    struct bybit_call call = { feed, clock, out };
    int64_t now = clock->now_ns;

    if (feed->takes_any_symbol)
        return; /* A capture cannot be asked for anything. */
    for (unsigned i = 0; i < feed->connection_count; i++)
        keep_alive(&call, i);
    for (enum bybit_category c = BYBIT_SPOT; c < BYBIT_CATEGORIES; c++)
        if (feed->listings[c].is_wanted && now >= feed->listings[c].ask_at_ns)
            ask_listing(&call, c);
    if (now >= feed->time_at_ns)
        ask_time(&call);
    bybit_feed_heed_notices(&call);
    for (unsigned i = 0; i < feed->market_count; i++)
        retry_book(&call, &feed->markets[i]);
    bybit_feed_subscribe_due(&call);
    if (now >= feed->status_at_ns) {
        feed->status_at_ns = now + LIFE_SIGN_NS;
        give_life_signs(&call);
    }
}

static void feed_republish(void *state, uint64_t instrument, const struct venue_clock *clock,
                           const struct venue_out *out)
{
    struct bybit_feed *feed = state;
    struct bybit_call call = { feed, clock, out };

    for (unsigned i = 0; i < feed->market_count; i++) {
        struct bybit_market *market = &feed->markets[i];
        if (market->instrument == 0 || (instrument != 0 && market->instrument != instrument))
            continue;
        if (market->is_defined)
            bybit_market_publish_definition(&call, market, true);
        bybit_market_status(&call, market);
        bybit_ticker_repeat(&call, market);
        if (!market->book.is_stale)
            bybit_market_snapshot(&call, market, true);
    }
}

static void feed_stats(void *state, struct venue_feed_stats *out)
{
    *out = ((struct bybit_feed *)state)->stats;
}

static size_t feed_tops(void *state, struct venue_feed_top *out, size_t max)
{
    struct bybit_feed *feed = state;
    size_t count = 0;

    for (unsigned i = 0; i < feed->market_count && count < max; i++) {
        const struct bybit_market *market = &feed->markets[i];
        const struct wire_level *bid = book_best(&market->book.bids);
        const struct wire_level *ask = book_best(&market->book.asks);
        if (!market->is_wanted && market->messages == 0)
            continue;
        out[count] = (struct venue_feed_top){ .instrument = market->instrument,
                                              .instrument_kind = bybit_kind(market->category),
                                              .has_bid = bid != NULL,
                                              .has_ask = ask != NULL,
                                              .is_stale = market->book.is_stale,
                                              .bid_price = bid ? bid->price : 0,
                                              .ask_price = ask ? ask->price : 0,
                                              .price_exp = market->book.price_exp,
                                              .price_decimals = market->price_decimals,
                                              .bid_count = market->book.bids.count,
                                              .ask_count = market->book.asks.count };
        bybit_copy(out[count++].symbol, sizeof(out->symbol),
                   *market->symbol ? market->symbol : market->name);
    }
    return count;
}

const struct venue_feed_ops bybit_feed_ops = {
    .state_size = sizeof(struct bybit_feed),
    .init = feed_init,
    .fini = feed_fini,
    .connections = feed_connections,
    .address = feed_address,
    .start = feed_start,
    .opened = feed_opened,
    .closed = feed_closed,
    .frame = bybit_feed_frame,
    .http = feed_http,
    .tick = feed_tick,
    .republish = feed_republish,
    .stats = feed_stats,
    .tops = feed_tops,
};
