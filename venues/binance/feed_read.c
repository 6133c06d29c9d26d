/* What comes in: frames of the stream told apart, REST answers. */
#include "venues/binance/feed.h"

#include <stdio.h>

#define REFRESH_NS        (3600 * NS_PER_S) /* Levels beyond the snapshot rot: take another one. */
#define METADATA_NS       (3600 * NS_PER_S)
#define METADATA_RETRY_NS (5 * NS_PER_S)

/* ---- frames ---- */

static void long_member(const struct scan_value *key, const struct scan_value *value,
                        struct feed_message *out)
{
    static const struct {
        const char *name;
        size_t at;
    } names[] = {
        { "stream", offsetof(struct feed_message, stream) },
        { "data", offsetof(struct feed_message, data) },
        { "lastUpdateId", offsetof(struct feed_message, update_id) },
        { "bids", offsetof(struct feed_message, bids) },
        { "asks", offsetof(struct feed_message, asks) },
        { "result", offsetof(struct feed_message, result) },
        { "error", offsetof(struct feed_message, error) },
        { "code", offsetof(struct feed_message, code) },
        { "pu", offsetof(struct feed_message, previous) },
        { "cs", offsetof(struct feed_message, status) },
        { "ap", offsetof(struct feed_message, average) },
        { "id",
          offsetof(struct feed_message, letters.at['I' - 'A']) }, /* No market event has an I. */
    };

    for (size_t i = 0; i < COUNT(names); i++)
        if (scan_is(key, names[i].name))
            *(struct scan_value *)(void *)((char *)out + names[i].at) = *value;
}

int feed_message_read(const struct scan_value *object, struct feed_message *out)
{
    struct scan_iter iter;
    struct scan_value key, value;
    int err = scan_begin(&iter, object);

    *out = (struct feed_message){ 0 };
    while (!err && (err = scan_member(&iter, &key, &value)) == 0) {
        unsigned letter = (unsigned)(unsigned char)key.text[0] - 'A';
        if (key.len == 1 && letter < COUNT(out->letters.at))
            out->letters.at[letter] = value;
        else
            long_member(&key, &value, out);
    }
    return err == ERR_NOT_FOUND ? 0 : ERR_PROTO;
}

static int depth_frame(const struct feed_turn *turn, struct feed_symbol *sym,
                       const struct feed_message *message)
{
    const struct feed_letters *m = &message->letters;
    struct depth_update update = { 0 };

    if (scan_u64(LETTER(m, 'U'), &update.first) != 0 ||
        scan_u64(LETTER(m, 'u'), &update.last) != 0 || update.first > update.last ||
        update.last == UINT64_MAX || binance_epoch_ns(LETTER(m, 'E'), &update.exchange_ns) != 0 ||
        feed_levels(LETTER(m, 'b'), sym, turn->feed->bids, &update.bid_count) != 0 ||
        feed_levels(LETTER(m, 'a'), sym, turn->feed->asks, &update.ask_count) != 0)
        return ERR_PROTO;
    update.previous = update.first ? update.first - 1 : 0;
    if (turn->feed->product->has_chain &&
        (scan_u64(&message->previous, &update.previous) != 0 || update.previous > update.last))
        return ERR_PROTO;
    int err = feed_on_update(turn, sym, &update);
    if (!sym->is_synced)
        feed_ask_snapshot(turn, sym);
    return err;
}

static int quote_frame(const struct feed_turn *turn, struct feed_symbol *sym,
                       const struct feed_letters *m)
{
    struct wire_level bid, ask_level;
    int64_t exchange_ns = 0; /* Spot says none. */
    uint64_t id;

    if (scan_u64(LETTER(m, 'u'), &id) != 0 ||
        scan_decimal(LETTER(m, 'b'), sym->price_exp, &bid.price) != 0 ||
        scan_decimal(LETTER(m, 'B'), sym->qty_exp, &bid.qty) != 0 ||
        scan_decimal(LETTER(m, 'a'), sym->price_exp, &ask_level.price) != 0 ||
        scan_decimal(LETTER(m, 'A'), sym->qty_exp, &ask_level.qty) != 0 || bid.price < 0 ||
        bid.qty < 0 || ask_level.price < 0 || ask_level.qty < 0 ||
        (bid.qty > 0 && ask_level.qty > 0 && bid.price >= ask_level.price))
        return ERR_PROTO;
    (void)binance_epoch_ns(LETTER(m, 'E'), &exchange_ns);
    feed_on_quote(turn, sym, id, exchange_ns, bid, ask_level);
    return 0;
}

/* The id of a public trade; of an aggregate, the ids of its first and last trade. */
static int trade_id_write(const struct feed_letters *m, bool is_aggregate, char *out, size_t cap)
{
    uint64_t first, last;

    if (!is_aggregate) {
        if (scan_u64(LETTER(m, 't'), &first) != 0)
            return ERR_PROTO;
        snprintf(out, cap, "%llu", (unsigned long long)first);
        return 0;
    }
    if (scan_u64(LETTER(m, 'f'), &first) != 0 || scan_u64(LETTER(m, 'l'), &last) != 0)
        return ERR_PROTO;
    snprintf(out, cap, first == last ? "%llu" : "%llu-%llu", (unsigned long long)first,
             (unsigned long long)last);
    return 0;
}

static int trade_frame(const struct feed_turn *turn, struct feed_symbol *sym,
                       const struct feed_letters *m, bool is_aggregate)
{
    struct wire_trade trade;
    bool is_buyer_maker;

    WIRE_BEGIN(&trade, trade);
    if (turn->feed->product->has_aggregates && LETTER(m, 'X')->type != SCAN_NONE &&
        !scan_is(LETTER(m, 'X'), "MARKET"))
        return 0; /* Futures: an id that no trade of the book has used. */
    if (scan_decimal(LETTER(m, 'p'), sym->price_exp, &trade.price) != 0 ||
        scan_decimal(LETTER(m, 'q'), sym->qty_exp, &trade.qty) != 0 || trade.price <= 0 ||
        trade.qty <= 0 || scan_bool(LETTER(m, 'm'), &is_buyer_maker) != 0 ||
        binance_epoch_ns(LETTER(m, 'T'), &trade.exchange_ns) != 0 ||
        trade_id_write(m, is_aggregate, trade.venue_trade_id, sizeof(trade.venue_trade_id)) != 0)
        return ERR_PROTO;
    /* Of single trades and aggregates we subscribe to one; a capture may have the other only. */
    bool is_other = is_aggregate != turn->feed->product->has_aggregates;
    if (is_other && (sym->has_trades || !turn->feed->takes_any_symbol))
        return 0;
    sym->has_trades |= !is_other;
    trade.aggressor = is_buyer_maker ? SIDE_SELL : SIDE_BUY;
    trade.price_exp = (int8_t)sym->price_exp;
    trade.qty_exp = (int8_t)sym->qty_exp;
    turn->feed->stats.trades++;
    feed_emit(turn, &trade.header, sym->instrument);
    return 0;
}

static struct feed_symbol *snapshot_owner(const struct feed_turn *turn, const char *url);

/* How the venue writes prices of this symbol, by the best one. */
static void decimals_learn(struct feed_symbol *sym, const struct scan_value *side)
{
    struct scan_iter levels, pair;
    struct scan_value level, price;

    if (scan_begin(&levels, side) != 0 || scan_item(&levels, &level) != 0 ||
        level.type != SCAN_ARRAY || scan_begin(&pair, &level) != 0 || scan_item(&pair, &price) != 0)
        return;
    const char *point = memchr(price.text, '.', price.len);
    sym->price_decimals = point ? (int)(price.text + price.len - point) - 1 : 0;
}

static int snapshot_take(const struct feed_turn *turn, struct feed_symbol *sym,
                         const struct feed_message *m)
{
    struct depth_update snapshot = { 0 };

    if (scan_u64(&m->update_id, &snapshot.last) != 0 || snapshot.last == UINT64_MAX ||
        feed_levels(&m->bids, sym, turn->feed->bids, &snapshot.bid_count) != 0 ||
        feed_levels(&m->asks, sym, turn->feed->asks, &snapshot.ask_count) != 0)
        return ERR_PROTO;
    (void)binance_epoch_ns(LETTER(&m->letters, 'E'), &snapshot.exchange_ns); /* Futures say it. */
    if (snapshot.bid_count > 0)
        decimals_learn(sym, &m->bids);
    return feed_on_snapshot(turn, sym, &snapshot);
}

enum frame_kind {
    FRAME_OTHER,
    FRAME_DEPTH,
    FRAME_QUOTE,
    FRAME_TRADE,
    FRAME_AGGREGATE,
    FRAME_SHUTDOWN
};

static enum frame_kind kind_of(const struct feed_letters *m)
{
    const struct scan_value *e = LETTER(m, 'e');

    if (e->type == SCAN_NONE) /* The spot quote says no name; these members are its own. */
        return LETTER(m, 'B')->type && LETTER(m, 'A')->type && LETTER(m, 'u')->type ? FRAME_QUOTE
                                                                                    : FRAME_OTHER;
    if (scan_is(e, "depthUpdate"))
        return FRAME_DEPTH;
    if (scan_is(e, "bookTicker"))
        return FRAME_QUOTE;
    if (scan_is(e, "trade"))
        return FRAME_TRADE;
    if (scan_is(e, "aggTrade"))
        return FRAME_AGGREGATE;
    return scan_is(e, "serverShutdown") ? FRAME_SHUTDOWN : FRAME_OTHER;
}

static int event_frame(const struct feed_turn *turn, unsigned connection,
                       const struct feed_message *message)
{
    const struct feed_letters *m = &message->letters;
    enum frame_kind kind = kind_of(m);
    int err = 0;

    if (connection < turn->feed->connection_count)
        turn->feed->connections[connection].data_ns = turn->clock->now_ns;
    if (kind == FRAME_OTHER && turn->feed->product->event)
        return turn->feed->product->event(turn, message);
    if (kind == FRAME_SHUTDOWN)
        turn->out->reconnect(turn->out->ctx, connection, REASON_VENUE_MAINTENANCE);
    if (kind == FRAME_OTHER || kind == FRAME_SHUTDOWN)
        return 0;
    struct feed_symbol *sym = feed_symbol_of(turn, LETTER(m, 's'));
    if (!sym)
        return ERR_PROTO;
    sym->messages++;
    sym->last_message_ns = turn->clock->now_ns;
    if (kind == FRAME_DEPTH)
        err = depth_frame(turn, sym, message);
    else if (kind == FRAME_QUOTE)
        err = quote_frame(turn, sym, m);
    else
        err = trade_frame(turn, sym, m, kind == FRAME_AGGREGATE);
    sym->rejected += err == ERR_PROTO;
    return err;
}

/* Answers to SUBSCRIBE, and errors. */
static int control_frame(const struct feed_turn *turn, unsigned connection,
                         const struct scan_value *top, const struct feed_message *m)
{
    uint64_t id = 0;
    char text[160];

    if (m->error.type == SCAN_NONE && m->code.type == SCAN_NONE) {
        (void)scan_u64(LETTER(&m->letters, 'I'), &id);
        if (connection < turn->feed->connection_count &&
            id == turn->feed->connections[connection].subscribe_id)
            turn->feed->connections[connection].subscribe_id = 0;
        return 0;
    }
    snprintf(text, sizeof(text), "%.*s", (int)MIN(top->len, sizeof(text) - 1), top->text);
    turn->out->note(turn->out->ctx, "stream_error", text);
    return ERR_PROTO;
}

/* A recording of bare lines has its REST snapshot among the frames. */
static int bare_snapshot(const struct feed_turn *turn, const struct feed_message *m)
{
    struct feed_symbol *sym = snapshot_owner(turn, NULL);
    int err = sym ? snapshot_take(turn, sym, m) : ERR_PROTO;

    return err == ERR_AGAIN ? 0 : err;
}

static int frame_read(const struct feed_turn *turn, unsigned connection, const char *frame,
                      size_t len)
{
    struct scan_value top, data;
    struct feed_message message;

    if (scan_whole(frame, len, &top) != 0)
        return ERR_PROTO;
    if (top.type != SCAN_OBJECT)
        return 0; /* Arrays: streams of all symbols, which we never ask for. */
    if (feed_message_read(&top, &message) != 0)
        return ERR_PROTO;
    if (message.result.type != SCAN_NONE || message.error.type != SCAN_NONE ||
        message.code.type != SCAN_NONE)
        return control_frame(turn, connection, &top, &message);
    if (message.data.type == SCAN_OBJECT) {
        data = message.data;
        if (feed_message_read(&data, &message) != 0)
            return ERR_PROTO;
    }
    if (turn->feed->takes_any_symbol && message.update_id.type != SCAN_NONE)
        return bare_snapshot(turn, &message);
    return event_frame(turn, connection, &message);
}

int feed_on_frame(void *state, unsigned connection, const char *frame, size_t len,
                  const struct venue_clock *clock, const struct venue_out *out)
{
    struct binance_feed *feed = state;
    struct feed_turn turn = { feed, clock, out };

    feed->stats.messages++;
    feed->last_message_ns = clock->now_ns;
    int err = frame_read(&turn, connection, frame, len);
    feed->stats.rejected += err == ERR_PROTO;
    return err;
}

/* ---- REST answers ---- */

static void metadata_wanted(const struct feed_turn *turn, const struct scan_value *object)
{
    struct binance_feed *feed = turn->feed;
    struct wire_instrument definition;

    if (feed->product->product->definition_read(object, feed->venue, NULL, &definition) != 0)
        return;
    for (size_t i = 0; i < feed->symbol_count; i++) {
        struct feed_symbol *sym = &feed->symbols[i];
        if (strcmp(feed->names[i], definition.name) != 0)
            continue;
        if (sym->definition.header.size == 0 ||
            feed->product->product->definition_read(object, feed->venue, &sym->definition,
                                                    &definition) == 0)
            feed_symbol_define(turn, sym, &definition);
    }
}

/* Replay: definitions of symbols already seen keep the exponents that they are published with. */
static void metadata_seen(const struct feed_turn *turn, const struct scan_value *object)
{
    struct binance_feed *feed = turn->feed;
    struct wire_instrument definition, exponents;
    struct scan_value name;

    if (scan_find(object, "symbol", &name) != 0)
        return;
    struct feed_symbol *sym = feed_symbol_find(feed, &name);
    if (sym) {
        exponents = (struct wire_instrument){ .price_exp = (int8_t)sym->price_exp,
                                              .qty_exp = (int8_t)sym->qty_exp };
        if (feed->product->product->definition_read(object, feed->venue, &exponents, &definition) ==
            0)
            feed_symbol_define(turn, sym, &definition);
    } else if (feed->known_count < FEED_KNOWN_MAX &&
               feed->product->product->definition_read(object, feed->venue, NULL, &definition) ==
                   0) {
        feed->known[feed->known_count++] = definition;
    }
}

static int metadata_read(const struct feed_turn *turn, const char *body, size_t len)
{
    struct binance_feed *feed = turn->feed;
    struct scan_iter iter;
    struct scan_value object;
    int err = binance_symbols_begin(body, len, &iter);
    size_t unresolved = 0;

    if (err)
        return ERR_PROTO;
    while ((err = scan_item(&iter, &object)) == 0) {
        if (object.type != SCAN_OBJECT)
            return ERR_PROTO;
        if (feed->takes_any_symbol)
            metadata_seen(turn, &object);
        else
            metadata_wanted(turn, &object);
    }
    if (err != ERR_NOT_FOUND)
        return ERR_PROTO;
    for (size_t i = 0; i < feed->symbol_count && !feed->takes_any_symbol; i++) {
        if (feed->symbols[i].symbol[0])
            continue;
        unresolved++;
        if (feed->metadata == METADATA_ALL_ASKED)
            turn->out->note(turn->out->ctx, "no_such_instrument", feed->names[i]);
    }
    bool was_all = feed->metadata == METADATA_ALL_ASKED;
    feed->metadata = unresolved == 0 ? METADATA_DONE : METADATA_ALL_ASKED;
    feed->metadata_ns = turn->clock->now_ns + (unresolved == 0 || was_all ? METADATA_NS : 0);
    for (unsigned c = 0; c < feed->connection_count; c++)
        if (feed->connections[c].is_open)
            feed_subscribe(turn, c);
    return 0;
}

/* 429 and 418 say when we may ask again; the used weight says how close that is. */
static void limits_heed(const struct feed_turn *turn, const struct venue_response *response)
{
    int64_t now = turn->clock->now_ns, seconds = binance_header(response, "retry-after");

    if (response->status == 429 || response->status == 418 || response->status == 403) {
        turn->feed->hold_until_ns =
            now + (seconds > 0 && seconds < 7 * 86400 ? seconds : BINANCE_BACK_OFF_S) * NS_PER_S;
        turn->out->note(turn->out->ctx, "rate_limited",
                        response->status == 418 ? "banned" : "limit");
    } else if (binance_header(response, "x-mbx-used-weight-1m") >
               turn->feed->product->weight_used_max) {
        turn->feed->hold_until_ns = now + 10 * NS_PER_S;
    }
}

/* -1121 says that one of the symbols does not exist: then ask for all. */
static void metadata_failed(const struct feed_turn *turn, const struct venue_response *response)
{
    struct binance_feed *feed = turn->feed;
    struct scan_value top, code;
    int64_t number;

    feed->metadata_ns = turn->clock->now_ns + METADATA_RETRY_NS;
    if (response->status >= 400 && response->status < 500 &&
        scan_whole(response->body, response->body_len, &top) == 0 &&
        scan_find(&top, "code", &code) == 0 && scan_i64(&code, &number) == 0 &&
        (number == -1121 || number == -1100)) {
        feed->metadata = METADATA_ALL_ASKED;
        feed->metadata_ns = turn->clock->now_ns;
    }
}

/* The value of symbol= in a URL's query. */
static bool url_symbol(const char *url, struct scan_value *out)
{
    const char *query = url ? strchr(url, '?') : NULL;

    for (; query; query = strchr(query + 1, '&')) {
        if (strncmp(query + 1, "symbol=", 7) != 0)
            continue;
        *out = (struct scan_value){ SCAN_STRING, query + 8, strcspn(query + 8, "&#") };
        return out->len > 0;
    }
    return false;
}

/* Replay: whose snapshot it is. One that nobody names is the only symbol's, or the next one's. */
static struct feed_symbol *snapshot_owner(const struct feed_turn *turn, const char *url)
{
    struct binance_feed *feed = turn->feed;
    struct scan_value name;

    if (url_symbol(url, &name))
        return feed_symbol_of(turn, &name);
    if (!feed->takes_any_symbol || feed->symbol_count > 1)
        return NULL;
    feed->symbol_count = 1;
    return &feed->symbols[0];
}

static int snapshot_response(const struct feed_turn *turn, const struct venue_response *response)
{
    struct binance_feed *feed = turn->feed;
    struct scan_value top;
    struct feed_message message;
    struct feed_symbol *sym;
    uint64_t index = response->tag >> 32 & 0xffffff;

    if (response->tag != 0) {
        if (index >= feed->symbol_count)
            return ERR_PROTO;
        sym = &feed->symbols[index];
        if ((uint32_t)response->tag != sym->ask_generation || !sym->is_asked)
            return 0; /* Asked for in another life of the book. */
        sym->is_asked = false;
        feed->asked_count--;
        if (response->status != 200)
            return 0; /* tick asks again. */
    } else {
        sym = snapshot_owner(turn, response->url);
    }
    if (!sym || scan_whole(response->body, response->body_len, &top) != 0 ||
        feed_message_read(&top, &message) != 0)
        return ERR_PROTO;
    int err = snapshot_take(turn, sym, &message);
    if (err == ERR_AGAIN)
        return 0; /* Older than the buffer; its deltas are kept, the next snapshot will join them.
                   */
    if (!err && sym->is_synced)
        sym->refresh_ns = turn->clock->now_ns + REFRESH_NS;
    return err;
}

static int extra_response(const struct feed_turn *turn, const struct venue_response *response)
{
    struct scan_value top;

    if (!turn->feed->product->extra || (response->tag != 0 && response->status != 200))
        return 0; /* tick asks again. */
    if (scan_whole(response->body, response->body_len, &top) != 0)
        return ERR_PROTO;
    turn->feed->extra_ns = turn->clock->now_ns + METADATA_NS;
    return turn->feed->product->extra(turn, &top);
}

/* A replay has no tags: the body says what it is. */
static enum tag_kind response_kind(const struct venue_response *response)
{
    struct scan_value top, member;

    if (response->tag != 0)
        return (enum tag_kind)(response->tag >> 56);
    if (!response->body || scan_whole(response->body, response->body_len, &top) != 0)
        return TAG_NONE;
    if (scan_find(&top, "lastUpdateId", &member) == 0)
        return TAG_SNAPSHOT;
    if (top.type == SCAN_ARRAY)
        return TAG_EXTRA;
    return scan_find(&top, "symbols", &member) == 0 && member.type == SCAN_ARRAY ? TAG_METADATA
                                                                                 : TAG_NONE;
}

int feed_on_http(void *state, const struct venue_response *response,
                 const struct venue_clock *clock, const struct venue_out *out)
{
    struct binance_feed *feed = state;
    struct feed_turn turn = { feed, clock, out };
    int err = 0;

    feed->stats.messages += response->body_len > 0;
    if (response->tag != 0)
        limits_heed(&turn, response);
    switch (response_kind(response)) {
    case TAG_METADATA:
        if (response->tag != 0 && response->status != 200)
            metadata_failed(&turn, response);
        else
            err = metadata_read(&turn, response->body, response->body_len);
        break;
    case TAG_SNAPSHOT:
        err = snapshot_response(&turn, response);
        break;
    case TAG_EXTRA:
        err = extra_response(&turn, response);
        break;
    case TAG_NONE:
        break; /* A capture may hold answers that nobody here asks for. */
    }
    feed->stats.rejected += err == ERR_PROTO;
    return err;
}
