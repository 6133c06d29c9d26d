/* The market stream's life: metadata, connections, subscriptions, snapshots asked for, frames told
 * apart. */
#include "venues/binance/feed.h"
#include "common/pure/instrument.h"

#include <stdio.h>
#include <stdlib.h>

#define SILENCE_NS        (20 * NS_PER_S) /* Two unanswered pings. */
#define PING_NS           (9 * NS_PER_S)  /* Pings count as messages: 5 a second are allowed. */
#define RENEW_NS          (23 * 3600 * NS_PER_S) /* The venue closes after 24 h. */
#define ACK_NS            (10 * NS_PER_S) /* A SUBSCRIBE unanswered for so long: connect anew. */
#define FIRST_DELTA_NS    (2 * NS_PER_S)  /* A quiet symbol: its snapshot comes without a delta. */
#define SNAPSHOT_NS       (15 * NS_PER_S) /* A snapshot that has not come by then never will. */
#define RETRY_NS          (100 * NS_PER_MS) /* Doubled up to ... */
#define RETRY_MAX_NS      (2 * NS_PER_S)
#define BEHIND_NS         (3 * NS_PER_S)    /* The quote moves, the book does not: dead stream. */
#define REFRESH_NS        (3600 * NS_PER_S) /* Levels beyond the snapshot rot: take another one. */
#define METADATA_RETRY_NS (5 * NS_PER_S)

/* ---- begin and end ---- */

void feed_fini(void *state)
{
    struct binance_feed *feed = state;

    for (size_t i = 0; feed->symbols && i < feed->symbols_max; i++)
        feed_symbol_fini(&feed->symbols[i]);
    free(feed->symbols);
    free(feed->known);
    free(feed->bids);
    free(feed->asks);
    feed->symbols = NULL;
    feed->known = NULL;
    feed->bids = feed->asks = NULL;
    feed->symbol_count = feed->symbols_max = 0;
}

static int names_take(struct binance_feed *feed, const struct venue_feed_config *config)
{
    if (config->name_count > VENUE_SYMBOLS_MAX)
        return ERR_RANGE;
    for (size_t i = 0; i < config->name_count; i++) {
        if (strlen(config->names[i]) >= sizeof(feed->names[i]))
            return ERR_RANGE;
        binance_copy(feed->names[i], sizeof(feed->names[i]), config->names[i]);
    }
    feed->symbol_count = config->name_count;
    feed->connection_count = (config->name_count + FEED_PER_CONNECTION - 1) / FEED_PER_CONNECTION *
                             feed->product->class_count;
    return feed->connection_count <= VENUE_CONNECTIONS_MAX ? 0 : ERR_RANGE;
}

static int memory_take(struct binance_feed *feed, unsigned levels_max)
{
    feed->symbols_max = feed->takes_any_symbol ? VENUE_SYMBOLS_MAX : feed->symbol_count;
    feed->symbols = calloc(MAX(feed->symbols_max, 1), sizeof(*feed->symbols));
    feed->bids = calloc(FEED_SIDE_MAX, sizeof(*feed->bids));
    feed->asks = calloc(FEED_SIDE_MAX, sizeof(*feed->asks));
    if (feed->takes_any_symbol)
        feed->known = calloc(FEED_KNOWN_MAX, sizeof(*feed->known));
    if (!feed->symbols || !feed->bids || !feed->asks || (feed->takes_any_symbol && !feed->known))
        return ERR_SYS;
    for (size_t i = 0; i < feed->symbols_max; i++) {
        int err = feed_symbol_init(&feed->symbols[i], levels_max);
        if (err)
            return err;
        feed->symbols[i].connection =
            (unsigned)(i / FEED_PER_CONNECTION * feed->product->class_count);
    }
    return 0;
}

int feed_open(struct binance_feed *feed, const struct venue_feed_config *config,
              const struct feed_product *product)
{
    unsigned levels_max = config->levels_max ? config->levels_max : FEED_LEVELS_DEFAULT;

    int err = 0;

    *feed = (struct binance_feed){ .product = product,
                                   .takes_any_symbol = config->takes_any_symbol,
                                   .maker_fee_ppm = config->maker_fee_ppm,
                                   .taker_fee_ppm = config->taker_fee_ppm,
                                   .next_id = 1 };
    binance_copy(feed->venue, sizeof(feed->venue), config->venue);
    for (size_t i = 0; !err && i < product->class_count; i++)
        err = binance_url(config->ws_url ? config->ws_url : "", product->classes[i].path,
                          feed->urls[i], sizeof(feed->urls[i]));
    if (!err && !config->takes_any_symbol)
        err = names_take(feed, config);
    if (!err)
        err = memory_take(feed, MIN(levels_max, (unsigned)FEED_SIDE_MAX));
    if (err)
        feed_fini(feed);
    return err;
}

size_t feed_connections(void *state, struct venue_connection *out)
{
    const struct binance_feed *feed = state;

    for (size_t i = 0; i < feed->connection_count; i++) {
        const char *url = feed->urls[i % feed->product->class_count];
        out[i] = (struct venue_connection){ .silence_ns = SILENCE_NS,
                                            .ping_interval_ns = PING_NS,
                                            .renew_ns = RENEW_NS };
        binance_copy(out[i].url, sizeof(out[i].url), url);
    }
    return feed->connection_count;
}

/* ---- what goes out ---- */

void feed_emit(const struct feed_turn *turn, struct wire_header *event, uint64_t instrument)
{
    if (instrument == 0 && event->type != WIRE_feed_status)
        return; /* Replay: its symbol has not been named yet. Told when it is. */
    event->instrument = instrument;
    event->origin_ns = turn->clock->now_ns;
    turn->feed->stats.events++;
    turn->out->event(turn->out->ctx, event);
}

static int ask(const struct feed_turn *turn, const char *path, uint32_t weight, uint64_t tag)
{
    struct venue_request request = { .method = "GET", .tag = tag, .weight = weight };

    if (!turn->feed->is_paced) {
        turn->feed->is_paced = true;
        (void)rate_limit_init(&turn->feed->weight, turn->feed->product->weight_per_minute,
                              turn->feed->product->weight_per_minute, 60 * NS_PER_S,
                              turn->clock->now_ns);
    }
    if (turn->clock->now_ns < turn->feed->hold_until_ns ||
        rate_limit_take(&turn->feed->weight, weight, 0, turn->clock->now_ns) != 0)
        return ERR_AGAIN;
    binance_copy(request.path, sizeof(request.path), path);
    return turn->out->request(turn->out->ctx, &request);
}

/* Asks for what the wanted names are probably called. Where that is wrong, for everything. */
static void metadata_ask(const struct feed_turn *turn)
{
    struct binance_feed *feed = turn->feed;
    char guesses[VENUE_SYMBOLS_MAX][32], path[2048];
    const char *symbols[VENUE_SYMBOLS_MAX];
    bool is_all = feed->metadata == METADATA_ALL_ASKED;

    for (size_t i = 0; i < feed->symbol_count; i++) {
        const char *known = feed->symbols[i].symbol;
        symbols[i] = *known ? known : guesses[i];
        if (!*known && binance_join(feed->names[i], guesses[i], sizeof(guesses[i])) != 0)
            is_all = true;
    }
    feed->metadata = is_all ? METADATA_ALL_ASKED : METADATA_SOME_ASKED;
    feed->metadata_ns = turn->clock->now_ns + METADATA_RETRY_NS;
    const struct binance_product *product = feed->product->product;
    product->info_path(symbols, is_all ? 0 : feed->symbol_count, path, sizeof(path));
    if (ask(turn, path, product->info_weight, tag_make(TAG_METADATA, 0, 0)) == 0)
        feed->metadata_ns += SNAPSHOT_NS;
}

static void extra_ask(const struct feed_turn *turn)
{
    turn->feed->extra_ns = turn->clock->now_ns + METADATA_RETRY_NS;
    if (ask(turn, turn->feed->product->extra_path, 1, tag_make(TAG_EXTRA, 0, 0)) == 0)
        turn->feed->extra_ns += SNAPSHOT_NS;
}

void feed_ask_snapshot(const struct feed_turn *turn, struct feed_symbol *sym)
{
    struct binance_feed *feed = turn->feed;
    int64_t now = turn->clock->now_ns;
    char path[128];

    if (feed->takes_any_symbol || sym->is_asked || now < sym->ask_after_ns ||
        feed->asked_count >= FEED_SNAPSHOTS_MAX)
        return;
    binance_path(feed->product->depth_path, sym->symbol, path, sizeof(path));
    sym->ask_after_ns = now + MIN(RETRY_NS << MIN(sym->attempts, 5u), RETRY_MAX_NS);
    if (ask(turn, path, feed->product->depth_weight,
            tag_make(TAG_SNAPSHOT, (size_t)(sym - feed->symbols), sym->ask_generation)) != 0)
        return;
    sym->attempts++;
    sym->is_asked = true;
    sym->asked_ns = now;
    feed->asked_count++;
}

static unsigned class_of(const struct binance_feed *feed, unsigned connection)
{
    return connection % (unsigned)feed->product->class_count;
}

/* Appends the streams of a symbol, which the venue wants in lower case. Gives the new length. */
static size_t streams_write(const struct feed_class *class, const char *symbol, bool is_after,
                            char *frame, size_t at, size_t cap)
{
    char name[sizeof(((struct feed_symbol *)0)->symbol)];

    for (size_t c = 0; c < sizeof(name); c++)
        name[c] = (char)(symbol[c] >= 'A' && symbol[c] <= 'Z' ? symbol[c] + 32 : symbol[c]);
    for (size_t i = 0; i < FEED_STREAMS_MAX && class->streams[i]; i++)
        at += (size_t)snprintf(frame + at, cap - at, "%s\"%s@%s\"", is_after || i ? "," : "", name,
                               class->streams[i]);
    return at;
}

void feed_subscribe(const struct feed_turn *turn, unsigned connection)
{
    struct binance_feed *feed = turn->feed;
    struct feed_connection *conn = &feed->connections[connection];
    char frame[VENUE_FRAME_MAX];
    size_t at = (size_t)snprintf(frame, sizeof(frame), "{\"method\":\"SUBSCRIBE\",\"params\":[");
    size_t begin = at;

    unsigned which = class_of(feed, connection);
    const struct feed_class *class = &feed->product->classes[which];

    for (size_t i = 0; i < feed->symbol_count; i++) {
        struct feed_symbol *sym = &feed->symbols[i];

        if (sym->connection + which != connection || (sym->subscribed & 1U << which) ||
            !sym->symbol[0])
            continue;
        at = streams_write(class, sym->symbol, at > begin, frame, at, sizeof(frame));
        sym->subscribed |= 1U << which;
        if (which == 0)
            sym->subscribed_ns = turn->clock->now_ns;
    }
    if (at > begin && class->common && connection == which && conn->data_ns == 0)
        at += (size_t)snprintf(frame + at, sizeof(frame) - at, ",\"%s\"", class->common);
    if (at == begin)
        return;
    conn->subscribe_id = feed->next_id++;
    conn->subscribe_ns = conn->data_ns = turn->clock->now_ns;
    at += (size_t)snprintf(frame + at, sizeof(frame) - at, "],\"id\":%llu}",
                           (unsigned long long)conn->subscribe_id);
    (void)turn->out->send(turn->out->ctx, connection, frame,
                          at); /* Unanswered: tick connects anew. */
}
static_assert(FEED_PER_CONNECTION * (FEED_STREAMS_MAX * (32 + 20)) < VENUE_FRAME_MAX - 128,
              "a SUBSCRIBE fits a frame");

void feed_start(void *state, const struct venue_clock *clock, const struct venue_out *out)
{
    struct binance_feed *feed = state;
    struct feed_turn turn = { feed, clock, out };

    if (feed->symbol_count > 0 && !feed->takes_any_symbol)
        metadata_ask(&turn);
}

void feed_opened(void *state, unsigned connection, const struct venue_clock *clock,
                 const struct venue_out *out)
{
    struct binance_feed *feed = state;
    struct feed_turn turn = { feed, clock, out };

    if (connection >= feed->connection_count)
        return; /* A replay names connections of its own: nothing to subscribe to. */
    feed->connections[connection] = (struct feed_connection){ .is_open = true };
    unsigned which = class_of(feed, connection);
    for (size_t i = 0; i < feed->symbol_count; i++) {
        struct feed_symbol *sym = &feed->symbols[i];
        if (sym->connection + which != connection)
            continue;
        sym->subscribed &= ~(1U << which);
        if (which > 0)
            continue;      /* No book on it. */
        sym->quote_id = 0; /* A venue that began anew counts anew. */
        feed_desync(&turn, sym, FEED_SYNCING, sym->was_synced ? REASON_RESYNC : REASON_START);
    }
    feed_subscribe(&turn, connection);
}

void feed_closed(void *state, unsigned connection, const struct venue_clock *clock,
                 const struct venue_out *out)
{
    struct binance_feed *feed = state;
    struct feed_turn turn = { feed, clock, out };

    if (connection < feed->connection_count)
        feed->connections[connection] = (struct feed_connection){ 0 };
    unsigned which = feed->takes_any_symbol ? 0 : class_of(feed, connection);
    for (size_t i = 0; i < feed->symbol_count; i++) {
        struct feed_symbol *sym = &feed->symbols[i];
        if (!feed->takes_any_symbol && sym->connection + which != connection)
            continue;
        sym->subscribed &= ~(1U << which);
        if (which > 0)
            continue;
        feed_desync(&turn, sym, FEED_STALE, REASON_DISCONNECTED);
    }
    feed_set_state(&turn, NULL, FEED_DOWN, REASON_DISCONNECTED);
}

/* ---- symbols ---- */

struct feed_symbol *feed_symbol_find(struct binance_feed *feed, const struct scan_value *name)
{
    if (name->len == 0 || name->len >= sizeof(feed->symbols[0].symbol))
        return NULL;
    for (size_t i = 0; i < feed->symbol_count; i++) {
        struct feed_symbol *sym = &feed->symbols[i];
        if (memcmp(sym->symbol, name->text, name->len) == 0 && sym->symbol[name->len] == '\0')
            return sym;
    }
    return NULL;
}

void feed_publish_definition(const struct feed_turn *turn, const struct feed_symbol *sym)
{
    if (sym->definition.header.size == 0)
        return;
    struct wire_instrument event = sym->definition;
    feed_emit(turn, &event.header, sym->instrument);
}

void feed_symbol_define(const struct feed_turn *turn, struct feed_symbol *sym,
                        const struct wire_instrument *definition)
{
    struct wire_instrument made = *definition;

    made.maker_fee_ppm = turn->feed->maker_fee_ppm;
    made.taker_fee_ppm = turn->feed->taker_fee_ppm;
    if (memcmp(&made, &sym->definition, sizeof(made)) == 0)
        return;
    bool is_first = sym->definition.header.size == 0;
    if (is_first && !sym->was_synced) {
        sym->price_exp = sym->book.price_exp = made.price_exp;
        sym->qty_exp = sym->book.qty_exp = made.qty_exp;
    } else if (made.price_exp != sym->price_exp || made.qty_exp != sym->qty_exp) {
        turn->out->note(turn->out->ctx, "exponents_differ", made.symbol);
        return;
    }
    sym->definition = made;
    sym->instrument = made.header.instrument;
    binance_copy(sym->symbol, sizeof(sym->symbol), made.symbol);
    feed_publish_definition(turn, sym);
    if (is_first && !turn->feed->takes_any_symbol)
        feed_publish_status(turn, sym);
}

/* Replay: a symbol gets its slot when it is first named; a snapshot may have come before its name.
 */
static struct feed_symbol *symbol_name(const struct feed_turn *turn, struct feed_symbol *sym,
                                       const char *name)
{
    struct binance_feed *feed = turn->feed;

    binance_copy(sym->symbol, sizeof(sym->symbol), name);
    sym->instrument = instrument_id(feed->venue, feed->product->product->kind, name);
    for (size_t i = 0; i < feed->known_count; i++)
        if (strcmp(feed->known[i].symbol, name) == 0)
            feed_symbol_define(turn, sym, &feed->known[i]);
    if (sym->is_synced) {
        feed_publish_book(turn, sym);
        feed_publish_status(turn, sym);
    } else {
        feed_set_state(turn, sym, FEED_SYNCING, REASON_START);
    }
    return sym;
}

struct feed_symbol *feed_symbol_of(const struct feed_turn *turn, const struct scan_value *name)
{
    struct binance_feed *feed = turn->feed;
    struct feed_symbol *sym = feed_symbol_find(feed, name);
    char text[sizeof(sym->symbol)];

    if (sym || !feed->takes_any_symbol || name->type != SCAN_STRING || name->len == 0 ||
        scan_text(name, text, sizeof(text)) != 0)
        return sym;
    if (feed->symbol_count == 1 && !feed->symbols[0].symbol[0])
        return symbol_name(turn, &feed->symbols[0], text);
    if (feed->symbol_count == feed->symbols_max) {
        turn->out->note(turn->out->ctx, "symbols_max", text);
        return NULL;
    }
    return symbol_name(turn, &feed->symbols[feed->symbol_count++], text);
}

/* ---- time ---- */

static void symbol_tick(const struct feed_turn *turn, struct feed_symbol *sym)
{
    struct binance_feed *feed = turn->feed;
    int64_t now = turn->clock->now_ns;

    if (sym->is_asked && now - sym->asked_ns > SNAPSHOT_NS) {
        sym->is_asked = false;
        sym->ask_generation++;
        feed->asked_count--;
    }
    if (!(sym->subscribed & 1))
        return;
    if (sym->is_synced && now > sym->refresh_ns) {
        sym->refresh_ns = now + REFRESH_NS;
        sym->is_buffering = true;
    }
    if (sym->is_buffering &&
        (sym->buffer.head_count > 0 || sym->is_synced || now - sym->subscribed_ns > FIRST_DELTA_NS))
        feed_ask_snapshot(turn, sym);
    if (sym->ahead_since_ns != 0 && now - sym->ahead_since_ns > BEHIND_NS) {
        feed_desync(turn, sym, FEED_STALE, REASON_SILENCE);
        turn->out->reconnect(turn->out->ctx, sym->connection, REASON_SILENCE);
    }
}

void feed_tick(void *state, const struct venue_clock *clock, const struct venue_out *out)
{
    struct binance_feed *feed = state;
    struct feed_turn turn = { feed, clock, out };

    if (feed->takes_any_symbol)
        return; /* A capture cannot be asked for anything. */
    if (feed->symbol_count > 0 && clock->now_ns >= feed->metadata_ns)
        metadata_ask(&turn);
    if (feed->symbol_count > 0 && feed->product->extra && clock->now_ns >= feed->extra_ns)
        extra_ask(&turn);
    for (unsigned c = 0; c < feed->connection_count; c++) {
        struct feed_connection *conn = &feed->connections[c];
        int64_t data_ns = feed->product->classes[class_of(feed, c)].data_ns;
        bool is_unheard = conn->subscribe_id != 0 && clock->now_ns - conn->subscribe_ns >= ACK_NS;
        bool is_dead =
            data_ns != 0 && conn->data_ns != 0 && clock->now_ns - conn->data_ns >= data_ns;
        if (!conn->is_open || (!is_unheard && !is_dead))
            continue;
        conn->subscribe_id = 0;
        conn->data_ns = clock->now_ns;
        out->reconnect(out->ctx, c, is_unheard ? REASON_TRANSPORT : REASON_SILENCE);
    }
    for (size_t i = 0; i < feed->symbol_count; i++)
        symbol_tick(&turn, &feed->symbols[i]);
}

/* The last event of its kind, where there was one. */
static void again(const struct feed_turn *turn, const struct feed_symbol *sym,
                  const struct wire_header *last)
{
    union wire_event event;

    if (last->size == 0)
        return;
    memcpy(&event, last, last->size);
    feed_emit(turn, &event.header, sym->instrument);
}

void feed_republish(void *state, uint64_t instrument, const struct venue_clock *clock,
                    const struct venue_out *out)
{
    struct binance_feed *feed = state;
    struct feed_turn turn = { feed, clock, out };

    for (size_t i = 0; i < feed->symbol_count; i++) {
        struct feed_symbol *sym = &feed->symbols[i];
        if (sym->instrument == 0 || (instrument != 0 && instrument != sym->instrument))
            continue;
        feed_publish_definition(&turn, sym);
        if (sym->is_synced)
            feed_publish_book(&turn, sym);
        feed_publish_status(&turn, sym);
        again(&turn, sym, &sym->mark.header);
        again(&turn, sym, &sym->funding.header);
    }
    if (instrument == 0)
        feed_publish_status(&turn, NULL);
}

void feed_stats(void *state, struct venue_feed_stats *out)
{
    *out = ((const struct binance_feed *)state)->stats;
}

size_t feed_tops(void *state, struct venue_feed_top *out, size_t max)
{
    const struct binance_feed *feed = state;
    size_t count = 0;

    for (size_t i = 0; i < feed->symbol_count && count < max; i++) {
        const struct feed_symbol *sym = &feed->symbols[i];
        const struct wire_level *bid = book_best(&sym->book.bids),
                                *ask_level = book_best(&sym->book.asks);
        struct venue_feed_top *top = &out[count++];

        *top = (struct venue_feed_top){ .instrument = sym->instrument,
                                        .instrument_kind = feed->product->product->kind,
                                        .has_bid = bid != NULL,
                                        .has_ask = ask_level != NULL,
                                        .is_stale = sym->book.is_stale,
                                        .bid_price = bid ? bid->price : 0,
                                        .ask_price = ask_level ? ask_level->price : 0,
                                        .price_exp = sym->price_exp,
                                        .price_decimals = sym->price_decimals,
                                        .bid_count = sym->book.bids.count,
                                        .ask_count = sym->book.asks.count };
        binance_copy(top->symbol, sizeof(top->symbol), sym->symbol);
    }
    return count;
}

static const struct feed_product spot = {
    .product = &binance_spot,
    .depth_path = "/api/v3/depth?symbol=%s&limit=1000",
    .depth_weight = 50,
    .weight_per_minute = 3000, /* Of 6,000. */
    .weight_used_max = 5000,
    .classes = { { .path = "/stream", .streams = { "depth@100ms", "bookTicker", "trade" } } },
    .class_count = 1,
};

static int feed_init(void *state, const struct venue_feed_config *config)
{
    return feed_open(state, config, &spot);
}

const struct venue_feed_ops binance_feed_ops = {
    .state_size = sizeof(struct binance_feed),
    .init = feed_init,
    .fini = feed_fini,
    .connections = feed_connections,
    .start = feed_start,
    .opened = feed_opened,
    .closed = feed_closed,
    .frame = feed_on_frame,
    .http = feed_on_http,
    .tick = feed_tick,
    .republish = feed_republish,
    .stats = feed_stats,
    .tops = feed_tops,
};
