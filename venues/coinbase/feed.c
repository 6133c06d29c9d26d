/* The market stream's life: what is asked for by REST, connections, subscriptions, time. */
#include "venues/coinbase/feed.h"

#include "common/pure/instrument.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define SILENCE_NS        (10 * NS_PER_S) /* Heartbeats come every second. */
#define PING_NS           (5 * NS_PER_S)
#define RENEW_NS          (23 * 3600 * NS_PER_S)
#define ACK_NS            (10 * NS_PER_S) /* A subscribe unanswered for so long: connect anew. */
#define SNAPSHOT_NS       (10 * NS_PER_S) /* A snapshot that has not come by then never will. */
#define ATTEMPTS_MAX      6               /* Then the connection itself is not believed any more. */
#define HEARTBEAT_NS      (5 * NS_PER_S)
#define METADATA_RETRY_NS (2 * NS_PER_S) /* Doubled five times. */
#define METADATA_LOST_NS  (30 * NS_PER_S)
#define TIME_RETRY_NS     (10 * NS_PER_S)
#define REST_PER_SECOND   5 /* Of the address's 10: the engine shares it. */
#define REST_BURST        8
#define FILL_AFTER_NS     (1500 * NS_PER_MS) /* A trade and its heartbeat may overtake each other. */
#define FILL_RETRY_NS     (5 * NS_PER_S)

/* ---- begin and end ---- */

static void feed_fini(void *state)
{
    struct coinbase_feed *feed = state;

    for (size_t i = 0; feed->products && i < feed->products_max; i++)
        book_fini(&feed->products[i].book);
    free(feed->products);
    free(feed->known);
    free(feed->bids);
    free(feed->asks);
    feed->products = NULL;
    feed->known = NULL;
    feed->bids = feed->asks = NULL;
    feed->product_count = feed->products_max = 0;
    coinbase_check_fini(&feed->check);
}

static int names_take(struct coinbase_feed *feed, const struct venue_feed_config *config)
{
    if (config->name_count > VENUE_SYMBOLS_MAX)
        return ERR_RANGE;
    for (size_t i = 0; i < config->name_count; i++) {
        if (strlen(config->names[i]) >= sizeof(feed->names[i]))
            return ERR_RANGE;
        coinbase_copy(feed->names[i], sizeof(feed->names[i]), config->names[i]);
    }
    feed->product_count = config->name_count;
    feed->connection_count = (config->name_count + FEED_PER_CONNECTION - 1) / FEED_PER_CONNECTION;
    return 0;
}

static int memory_take(struct coinbase_feed *feed, unsigned levels_max)
{
    feed->products_max = feed->takes_any_symbol ? VENUE_SYMBOLS_MAX : feed->product_count;
    feed->products = calloc(MAX(feed->products_max, 1), sizeof(*feed->products));
    feed->bids = calloc(FEED_LEVELS_MAX, sizeof(*feed->bids));
    feed->asks = calloc(FEED_LEVELS_MAX, sizeof(*feed->asks));
    if (feed->takes_any_symbol)
        feed->known = calloc(FEED_KNOWN_MAX, sizeof(*feed->known));
    if (!feed->products || !feed->bids || !feed->asks || (feed->takes_any_symbol && !feed->known))
        return ERR_SYS;
    for (size_t i = 0; i < feed->products_max; i++) {
        int err = book_init(&feed->products[i].book, levels_max, COINBASE_EXP, COINBASE_EXP);
        if (err)
            return err;
        feed->products[i].connection = (unsigned)(i / FEED_PER_CONNECTION);
        feed->products[i].state = FEED_CONNECTING;
        feed->products[i].why = REASON_START;
    }
    return coinbase_check_init(&feed->check);
}

static int feed_init(void *state, const struct venue_feed_config *config)
{
    struct coinbase_feed *feed = state;
    unsigned levels_max = config->levels_max ? config->levels_max : FEED_LEVELS_DEFAULT;

    memset(feed, 0, sizeof(*feed));
    feed->takes_any_symbol = config->takes_any_symbol;
    feed->maker_fee_ppm = config->maker_fee_ppm;
    feed->taker_fee_ppm = config->taker_fee_ppm;
    feed->state = FEED_CONNECTING;
    coinbase_copy(feed->venue, sizeof(feed->venue), config->venue);
    const char *url = config->ws_url ? config->ws_url : "";
    int err = strlen(url) < sizeof(feed->url) ? 0 : ERR_RANGE;
    coinbase_copy(feed->url, sizeof(feed->url), url);
    if (!err && !config->takes_any_symbol)
        err = names_take(feed, config);
    if (!err)
        err = memory_take(feed, MIN(levels_max, (unsigned)FEED_LEVELS_MAX));
    if (err)
        feed_fini(feed);
    return err;
}

/* Nothing can be subscribed to before the products are known, and a connection that does not
 * subscribe within 5 s is closed: until then there is no url. */
static size_t feed_connections(void *state, struct venue_connection *out)
{
    const struct coinbase_feed *feed = state;

    for (size_t i = 0; i < feed->connection_count; i++) {
        out[i] = (struct venue_connection){ .silence_ns = SILENCE_NS,
                                            .ping_interval_ns = PING_NS,
                                            .renew_ns = RENEW_NS };
        if (feed->has_metadata)
            coinbase_copy(out[i].url, sizeof(out[i].url), feed->url);
    }
    return feed->connection_count;
}

/* ---- what goes out ---- */

void coinbase_feed_emit(const struct coinbase_turn *turn, struct wire_header *event,
                        uint64_t instrument)
{
    event->instrument = instrument;
    event->origin_ns = turn->clock->now_ns;
    turn->feed->stats.events++;
    turn->out->event(turn->out->ctx, event);
}

void coinbase_feed_note(const struct coinbase_turn *turn, const char *event, const char *format,
                        ...)
{
    char text[256];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    turn->out->note(turn->out->ctx, event, text);
}

int coinbase_feed_ask(const struct coinbase_turn *turn, uint64_t tag, const char *format, ...)
{
    struct coinbase_feed *feed = turn->feed;
    int64_t now = turn->clock->now_ns;
    va_list arguments;

    if (!feed->is_paced) {
        feed->is_paced = true;
        (void)rate_limit_init(&feed->weight, REST_BURST, REST_PER_SECOND, NS_PER_S, now);
    }
    if (now < feed->hold_until_ns || rate_limit_take(&feed->weight, 1, 0, now) != 0)
        return ERR_AGAIN;
    feed->request = (struct venue_request){ .method = "GET", .tag = tag, .weight = 1 };
    va_start(arguments, format);
    vsnprintf(feed->request.path, sizeof(feed->request.path), format, arguments);
    va_end(arguments);
    return turn->out->request(turn->out->ctx, &feed->request);
}

static void products_ask(const struct coinbase_turn *turn)
{
    struct coinbase_feed *feed = turn->feed;
    int err = coinbase_feed_ask(turn, feed_tag_make(TAG_PRODUCTS, 0, 0), "/products");

    feed->metadata_at_ns = turn->clock->now_ns + (err ? METADATA_RETRY_NS : METADATA_LOST_NS);
}

static void time_ask(const struct coinbase_turn *turn)
{
    (void)coinbase_feed_ask(turn, feed_tag_make(TAG_TIME, 0, 0), "/time");
    turn->feed->time_at_ns = turn->clock->now_ns + TIME_RETRY_NS;
}

/* ---- subscriptions ---- */

static size_t product_list(const struct coinbase_feed *feed, unsigned connection,
                           const struct feed_product *only, char *out, size_t cap)
{
    size_t at = 0;

    out[0] = '\0';
    for (size_t i = 0; i < feed->product_count; i++) {
        const struct feed_product *product = &feed->products[i];
        if (only ? product != only
                 : product->connection != connection || product->is_subscribed ||
                       product->is_refused || !product->symbol[0])
            continue;
        at += (size_t)snprintf(out + at, cap - at, "%s\"%s\"", at ? "," : "", product->symbol);
    }
    return at;
}

void coinbase_feed_subscribe(const struct coinbase_turn *turn, unsigned connection)
{
    struct coinbase_feed *feed = turn->feed;
    struct feed_connection *conn = &feed->connections[connection];
    int64_t now = turn->clock->now_ns;
    char list[FEED_PER_CONNECTION * 40], frame[sizeof(list) + 160];

    if (!conn->is_open || product_list(feed, connection, NULL, list, sizeof(list)) == 0)
        return;
    int len = snprintf(frame, sizeof(frame),
                       "{\"type\":\"subscribe\",\"product_ids\":[%s],\"channels\":[\"heartbeat\","
                       "\"level2_batch\",\"matches\",\"ticker\"]}",
                       list);
    if (turn->out->send(turn->out->ctx, connection, frame, (size_t)len) != 0)
        return;
    conn->subscribe_ns = now;
    for (size_t i = 0; i < feed->product_count; i++) {
        struct feed_product *product = &feed->products[i];
        if (product->connection != connection || product->is_subscribed || product->is_refused ||
            !product->symbol[0])
            continue;
        product->is_subscribed = true;
        product->is_acked = false;
        product->heartbeat_ns = now;
        product->attempts = 0;
        product->resync_at_ns = now + SNAPSHOT_NS;
        coinbase_book_state(turn, product, FEED_SYNCING,
                            product->was_whole ? REASON_RESYNC : REASON_START);
    }
}

void coinbase_feed_resync(const struct coinbase_turn *turn, struct feed_product *product)
{
    static const char *const types[] = { "unsubscribe", "subscribe" };
    char frame[160];

    product->resync_at_ns = turn->clock->now_ns + SNAPSHOT_NS;
    for (size_t i = 0; i < COUNT(types); i++) {
        int len = snprintf(frame, sizeof(frame),
                           "{\"type\":\"%s\",\"product_ids\":[\"%s\"],\"channels\":["
                           "\"level2_batch\"]}",
                           types[i], product->symbol);
        (void)turn->out->send(turn->out->ctx, product->connection, frame, (size_t)len);
    }
}

/* ---- life ---- */

static void feed_start(void *state, const struct venue_clock *clock, const struct venue_out *out)
{
    struct coinbase_feed *feed = state;
    struct coinbase_turn turn = { feed, clock, out };

    if (feed->takes_any_symbol)
        return;
    coinbase_book_status(&turn, NULL);
    time_ask(&turn);
    products_ask(&turn);
}

static void feed_opened(void *state, unsigned connection, const struct venue_clock *clock,
                        const struct venue_out *out)
{
    static const char status[] = "{\"type\":\"subscribe\",\"channels\":[{\"name\":\"status\"}]}";
    struct coinbase_feed *feed = state;
    struct coinbase_turn turn = { feed, clock, out };

    if (connection >= feed->connection_count)
        return; /* A replay names connections of its own: nothing to subscribe to. */
    feed->connections[connection] = (struct feed_connection){ .is_open = true };
    feed->last_message_ns = clock->now_ns;
    coinbase_feed_subscribe(&turn, connection);
    if (connection == 0)
        (void)out->send(out->ctx, connection, status, sizeof(status) - 1);
    coinbase_book_state(&turn, NULL, FEED_SYNCING, REASON_START);
}

static void feed_closed(void *state, unsigned connection, const struct venue_clock *clock,
                        const struct venue_out *out)
{
    struct coinbase_feed *feed = state;
    struct coinbase_turn turn = { feed, clock, out };

    if (connection < feed->connection_count)
        feed->connections[connection] = (struct feed_connection){ 0 };
    for (size_t i = 0; i < feed->product_count; i++) {
        struct feed_product *product = &feed->products[i];
        if (!feed->takes_any_symbol && product->connection != connection)
            continue;
        product->is_subscribed = product->is_acked = false;
        product->sequence = 0;
        product->resync_at_ns = 0;
        if (!product->is_refused)
            coinbase_book_lost(&turn, product, FEED_STALE, REASON_DISCONNECTED);
    }
    coinbase_book_state(&turn, NULL, FEED_DOWN, REASON_DISCONNECTED);
}

/* ---- products ---- */

struct feed_product *coinbase_feed_find(struct coinbase_feed *feed, const struct scan_value *symbol)
{
    if (symbol->type != SCAN_STRING || symbol->len == 0 ||
        symbol->len >= sizeof(feed->products[0].symbol))
        return NULL;
    for (size_t i = 0; i < feed->product_count; i++) {
        struct feed_product *product = &feed->products[i];
        if (memcmp(product->symbol, symbol->text, symbol->len) == 0 &&
            product->symbol[symbol->len] == '\0')
            return product;
    }
    return NULL;
}

static void definition_publish(const struct coinbase_turn *turn, const struct feed_product *product)
{
    struct wire_instrument event = product->definition;

    if (event.header.size != 0)
        coinbase_feed_emit(turn, &event.header, product->instrument);
}

void coinbase_feed_define(const struct coinbase_turn *turn, struct feed_product *product,
                          const struct wire_instrument *definition)
{
    struct wire_instrument made = *definition;

    made.maker_fee_ppm = turn->feed->maker_fee_ppm;
    made.taker_fee_ppm = turn->feed->taker_fee_ppm;
    if (memcmp(&made, &product->definition, sizeof(made)) == 0)
        return;
    if (product->definition.header.size == 0 && !product->was_whole) {
        product->book.price_exp = made.price_exp;
        product->book.qty_exp = made.qty_exp;
    } else if (made.price_exp != product->book.price_exp || made.qty_exp != product->book.qty_exp) {
        coinbase_feed_note(turn, "exponents_differ", "%s", made.symbol);
        return;
    }
    product->definition = made;
    product->instrument = made.header.instrument;
    product->price_decimals = made.price_decimals;
    coinbase_copy(product->symbol, sizeof(product->symbol), made.symbol);
    definition_publish(turn, product);
}

static struct feed_product *wanted_by_name(struct coinbase_feed *feed, const char *name)
{
    for (size_t i = 0; i < feed->product_count && !feed->takes_any_symbol; i++)
        if (strcmp(feed->names[i], name) == 0)
            return &feed->products[i];
    return NULL;
}

void coinbase_feed_metadata(const struct coinbase_turn *turn, const struct scan_value *object)
{
    struct coinbase_feed *feed = turn->feed;
    struct coinbase_product_text text;
    struct wire_instrument definition, exponents;
    struct coinbase_flags flags = { 0 };

    if (coinbase_product_read(object, &text) != 0)
        return;
    struct feed_product *product = coinbase_feed_find(feed, &text.id);
    if (product) {
        flags = product->flags;
        exponents = (struct wire_instrument){ .price_exp = product->book.price_exp,
                                              .qty_exp = product->book.qty_exp };
    }
    bool is_fixed = product && (product->definition.header.size != 0 || product->was_whole);
    coinbase_flags_take(&text, &flags);
    if (coinbase_definition(&text, &flags, feed->venue, is_fixed ? &exponents : NULL,
                            &definition) != 0)
        return;
    if (!product)
        product = wanted_by_name(feed, definition.name);
    /* A name may be borne by a delisted product and by the one that took its place. */
    if (product && product->symbol[0] && strcmp(product->symbol, definition.symbol) != 0)
        return;
    if (product) {
        product->flags = flags;
        coinbase_feed_define(turn, product, &definition);
    } else if (feed->takes_any_symbol && feed->known_count < FEED_KNOWN_MAX) {
        feed->known[feed->known_count++] = definition;
    }
}

struct feed_product *coinbase_feed_product(const struct coinbase_turn *turn,
                                           const struct scan_value *symbol)
{
    struct coinbase_feed *feed = turn->feed;
    struct feed_product *product = coinbase_feed_find(feed, symbol);
    char text[sizeof(product->symbol)];

    if (product || !feed->takes_any_symbol || symbol->type != SCAN_STRING || symbol->len == 0 ||
        scan_text(symbol, text, sizeof(text)) != 0)
        return product;
    if (feed->product_count == feed->products_max) {
        coinbase_feed_note(turn, "symbols_max", "%s", text);
        return NULL;
    }
    product = &feed->products[feed->product_count++];
    coinbase_copy(product->symbol, sizeof(product->symbol), text);
    product->instrument = instrument_id(feed->venue, INSTRUMENT_SPOT, text);
    for (size_t i = 0; i < feed->known_count; i++)
        if (strcmp(feed->known[i].symbol, text) == 0)
            coinbase_feed_define(turn, product, &feed->known[i]);
    coinbase_book_state(turn, product, FEED_SYNCING, REASON_START);
    return product;
}

/* ---- time ---- */

/* The trades between the last one seen and the one after a hole. */
static void trades_tick(const struct coinbase_turn *turn, size_t i)
{
    struct coinbase_feed *feed = turn->feed;
    struct feed_product *product = &feed->products[i];

    if (product->heartbeat_trade_id > product->trade_id && product->fill_from == 0 &&
        product->trade_id > 0) {
        product->fill_from = product->trade_id + 1;
        product->fill_to = product->heartbeat_trade_id;
        product->fill_at_ns = turn->clock->now_ns + FILL_AFTER_NS;
    }
    if (product->fill_from == 0 || turn->clock->now_ns < product->fill_at_ns)
        return;
    if (product->trade_id >= product->fill_to && !product->is_fill_asked &&
        product->fill_from > product->trade_id) {
        product->fill_from = 0; /* It came after all. */
        return;
    }
    product->fill_at_ns = turn->clock->now_ns + FILL_RETRY_NS;
    product->is_fill_asked = true;
    (void)coinbase_feed_ask(turn, feed_tag_make(TAG_TRADES, i, 0),
                            "/products/%s/trades?limit=%d&before=%llu", product->symbol,
                            FEED_TRADES_PAGE, (unsigned long long)(product->fill_from - 1));
}

static void product_tick(const struct coinbase_turn *turn, size_t i)
{
    struct feed_product *product = &turn->feed->products[i];
    int64_t now = turn->clock->now_ns;

    if (!product->is_subscribed)
        return;
    if (now - product->heartbeat_ns > HEARTBEAT_NS) {
        product->heartbeat_ns = now; /* Once per silence, not once per tick. */
        coinbase_book_lost(turn, product, FEED_STALE, REASON_SILENCE);
        turn->out->reconnect(turn->out->ctx, product->connection, REASON_SILENCE);
        return;
    }
    if (product->resync_at_ns != 0 && now >= product->resync_at_ns) {
        if (product->is_whole) /* Taken anew while it was good, and no snapshot came. */
            coinbase_book_lost(turn, product, FEED_STALE, REASON_RESYNC);
        else if (product->attempts++ < ATTEMPTS_MAX)
            coinbase_feed_resync(turn, product);
        else
            turn->out->reconnect(turn->out->ctx, product->connection, REASON_RESYNC);
        if (product->resync_at_ns <= now)
            product->resync_at_ns = now + SNAPSHOT_NS;
    }
    trades_tick(turn, i);
}

static void feed_tick(void *state, const struct venue_clock *clock, const struct venue_out *out)
{
    struct coinbase_feed *feed = state;
    struct coinbase_turn turn = { feed, clock, out };

    if (feed->takes_any_symbol)
        return; /* A capture cannot be asked for anything. */
    if (clock->now_ns >= feed->metadata_at_ns && feed->product_count > 0)
        products_ask(&turn);
    if (clock->now_ns >= feed->time_at_ns && feed->product_count > 0)
        time_ask(&turn);
    for (unsigned c = 0; c < feed->connection_count; c++) {
        struct feed_connection *conn = &feed->connections[c];
        if (conn->is_open && conn->subscribe_ns == 0)
            coinbase_feed_subscribe(&turn, c);
        if (!conn->is_open || conn->subscribe_ns == 0 ||
            clock->now_ns - conn->subscribe_ns < ACK_NS)
            continue;
        conn->subscribe_ns = 0;
        out->reconnect(out->ctx, c, REASON_TRANSPORT);
    }
    for (size_t i = 0; i < feed->product_count; i++)
        product_tick(&turn, i);
    coinbase_check_tick(&turn);
}

static void feed_republish(void *state, uint64_t instrument, const struct venue_clock *clock,
                           const struct venue_out *out)
{
    struct coinbase_feed *feed = state;
    struct coinbase_turn turn = { feed, clock, out };

    for (size_t i = 0; i < feed->product_count; i++) {
        struct feed_product *product = &feed->products[i];
        if (product->instrument == 0 || (instrument != 0 && instrument != product->instrument))
            continue;
        definition_publish(&turn, product);
        if (product->is_whole && !product->book.is_stale)
            coinbase_book_publish(&turn, product, WIRE_SNAPSHOT);
        coinbase_book_status(&turn, product);
    }
    if (instrument == 0)
        coinbase_book_status(&turn, NULL);
}

static void feed_stats(void *state, struct venue_feed_stats *out)
{
    *out = ((const struct coinbase_feed *)state)->stats;
}

static size_t feed_tops(void *state, struct venue_feed_top *out, size_t max)
{
    const struct coinbase_feed *feed = state;
    size_t count = 0;

    for (size_t i = 0; i < feed->product_count && count < max; i++) {
        const struct feed_product *product = &feed->products[i];
        const struct wire_level *bid = book_best(&product->book.bids);
        const struct wire_level *ask = book_best(&product->book.asks);
        struct venue_feed_top *top = &out[count++];

        *top = (struct venue_feed_top){ .instrument = product->instrument,
                                        .instrument_kind = INSTRUMENT_SPOT,
                                        .has_bid = bid != NULL,
                                        .has_ask = ask != NULL,
                                        .is_stale = product->book.is_stale,
                                        .bid_price = bid ? bid->price : 0,
                                        .ask_price = ask ? ask->price : 0,
                                        .price_exp = product->book.price_exp,
                                        .price_decimals = product->price_decimals,
                                        .bid_count = product->book.bids.count,
                                        .ask_count = product->book.asks.count };
        coinbase_copy(top->symbol, sizeof(top->symbol), product->symbol);
    }
    return count;
}

const struct venue_feed_ops coinbase_feed_ops = {
    .state_size = sizeof(struct coinbase_feed),
    .init = feed_init,
    .fini = feed_fini,
    .connections = feed_connections,
    .start = feed_start,
    .opened = feed_opened,
    .closed = feed_closed,
    .frame = coinbase_feed_frame,
    .http = coinbase_feed_http,
    .tick = feed_tick,
    .republish = feed_republish,
    .stats = feed_stats,
    .tops = feed_tops,
};
