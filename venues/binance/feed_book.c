/* Books: the venue's rule for joining a REST snapshot and a stream of deltas, and what is published
 * of them.
 *
 * Every delta says which update ids it holds (U..u). On spot a book at id B takes the delta with
 * U <= B + 1 <= u; what ends at B or before is old, what begins after B + 1 is a gap.
 *
 * On futures ids jump, and a delta says where the one before it ended (pu). The first after a
 * snapshot of id L is the first with u >= L, and pu <= L shows that nothing lies between: the
 * venue's own words ask for U <= L, which a quiet symbol, whose every snapshot falls between two
 * deltas, would never meet. From then on pu equals the last u, or there is a gap. */
#include "common/pure/book_emit.h"
#include "venues/binance/feed.h"

#include <stdlib.h>

int feed_symbol_init(struct feed_symbol *sym, unsigned levels_max)
{
    int err = book_init(&sym->book, levels_max, BINANCE_EXP, BINANCE_EXP);

    sym->price_exp = sym->qty_exp = sym->price_decimals = BINANCE_EXP;
    sym->is_buffering = true;
    sym->buffer.heads = calloc(FEED_BUFFER_HEADS, sizeof(*sym->buffer.heads));
    sym->buffer.levels = calloc(FEED_BUFFER_LEVELS, sizeof(*sym->buffer.levels));
    return err ? err : sym->buffer.heads && sym->buffer.levels ? 0 : ERR_SYS;
}

void feed_symbol_fini(struct feed_symbol *sym)
{
    book_fini(&sym->book);
    free(sym->buffer.heads);
    free(sym->buffer.levels);
    sym->buffer = (struct delta_buffer){ 0 };
}

/* ---- status ---- */

static wire_feed_state whole_state(const struct binance_feed *feed)
{
    bool is_any_open = feed->takes_any_symbol, is_any_stale = false,
         is_all_live = feed->symbol_count > 0;

    for (size_t i = 0; i < feed->connection_count; i++)
        is_any_open |= feed->connections[i].is_open;
    for (size_t i = 0; i < feed->symbol_count; i++) {
        is_any_stale |= feed->symbols[i].state == FEED_STALE;
        is_all_live &= feed->symbols[i].state == FEED_LIVE;
    }
    if (!is_any_open)
        return FEED_DOWN;
    return is_all_live ? FEED_LIVE : is_any_stale ? FEED_STALE : FEED_SYNCING;
}

void feed_publish_status(const struct feed_turn *turn, const struct feed_symbol *sym)
{
    const struct binance_feed *feed = turn->feed;
    struct wire_feed_status status;

    WIRE_BEGIN(&status, feed_status);
    status.messages = sym ? sym->messages : feed->stats.messages;
    status.gaps = sym ? sym->gaps : feed->stats.gaps;
    status.resyncs = sym ? sym->resyncs : feed->stats.resyncs;
    status.rejected = sym ? sym->rejected : feed->stats.rejected;
    status.last_message_ns = sym ? sym->last_message_ns : feed->last_message_ns;
    status.state = sym ? sym->state : feed->state;
    status.why = sym ? sym->why : REASON_NONE;
    feed_emit(turn, &status.header, sym ? sym->instrument : 0);
}

void feed_set_state(const struct feed_turn *turn, struct feed_symbol *sym, wire_feed_state state,
                    wire_reason why)
{
    if (sym && (sym->state != state || sym->why != why)) {
        sym->state = state;
        sym->why = why;
        if (sym->instrument)
            feed_publish_status(turn, sym);
    }
    wire_feed_state whole = whole_state(turn->feed);
    if (whole != turn->feed->state) {
        turn->feed->state = whole;
        feed_publish_status(turn, NULL);
    }
}

/* ---- the buffer ---- */

static void buffer_clear(struct feed_symbol *sym)
{
    sym->buffer.head_count = sym->buffer.level_count = 0;
}

/* Full: what is there is let go. The snapshot that comes is then too old, and the next one will do.
 */
static void buffer_push(const struct feed_turn *turn, struct feed_symbol *sym,
                        const struct depth_update *update)
{
    struct delta_buffer *buffer = &sym->buffer;
    uint32_t need = update->bid_count + update->ask_count;

    if (buffer->head_count == FEED_BUFFER_HEADS ||
        need > FEED_BUFFER_LEVELS - buffer->level_count) {
        turn->out->note(turn->out->ctx, "buffer_full", sym->symbol);
        buffer_clear(sym);
    }
    struct wire_level *levels = buffer->levels + buffer->level_count;
    memcpy(levels, turn->feed->bids, update->bid_count * sizeof(*levels));
    memcpy(levels + update->bid_count, turn->feed->asks, update->ask_count * sizeof(*levels));
    buffer->heads[buffer->head_count++] = (struct delta_head){ *update, buffer->level_count };
    buffer->level_count += need;
}

void feed_desync(const struct feed_turn *turn, struct feed_symbol *sym, wire_feed_state state,
                 wire_reason why)
{
    if (sym->is_asked) {
        sym->is_asked =
            false; /* A snapshot asked for before is of another life: its answer is not ours. */
        turn->feed->asked_count--;
    }
    sym->ask_generation++;
    sym->is_synced = false;
    sym->is_buffering = true;
    sym->ahead_since_ns = 0;
    book_stale(&sym->book);
    buffer_clear(sym);
    feed_set_state(turn, sym, state, why);
}

/* ---- publishing ---- */

static void book_event(void *ctx, struct wire_header *event)
{
    feed_emit(ctx, event, event->instrument);
}

static struct book_emitter emitter_of(const struct feed_turn *turn, const struct feed_symbol *sym)
{
    return (struct book_emitter){ .emit = book_event,
                                  .ctx = (void *)(uintptr_t)turn,
                                  .instrument = sym->instrument,
                                  .event = &turn->feed->event };
}

void feed_publish_book(const struct feed_turn *turn, const struct feed_symbol *sym)
{
    struct book_emitter to = emitter_of(turn, sym);

    book_emit_whole(&to, &sym->book);
}

static void deltas_emit(const struct feed_turn *turn, const struct feed_symbol *sym,
                        const struct depth_update *update)
{
    struct book_emitter to = emitter_of(turn, sym);

    book_emit_changes(&to, &sym->book, turn->feed->bids, update->bid_count, turn->feed->asks,
                      update->ask_count);
}

/* Whether the book already holds all of a delta. */
static bool is_old(const struct feed_turn *turn, const struct depth_update *update,
                   uint64_t book_id, uint64_t chain_id)
{
    return turn->feed->product->has_chain && chain_id == 0 ? update->last < book_id
                                                           : update->last <= book_id;
}

/* Whether something is missing between the last delta (chain_id; 0: the snapshot book_id) and this
 * one. */
static bool is_gap(const struct feed_turn *turn, const struct depth_update *update,
                   uint64_t book_id, uint64_t chain_id)
{
    return turn->feed->product->has_chain && chain_id != 0 ? update->previous != chain_id
                                                           : update->previous > book_id;
}

static void quote_emit(const struct feed_turn *turn, struct feed_symbol *sym, uint64_t id,
                       int64_t exchange_ns, struct wire_level bid, struct wire_level ask)
{
    struct wire_best_quote quote;

    if (sym->instrument == 0)
        return;
    sym->quote_bid = bid;
    sym->quote_ask = ask;
    WIRE_BEGIN(&quote, best_quote);
    quote.exchange_ns = exchange_ns;
    quote.venue_seq = id;
    quote.bid_price = bid.price;
    quote.bid_qty = bid.qty;
    quote.ask_price = ask.price;
    quote.ask_qty = ask.qty;
    quote.price_exp = (int8_t)sym->price_exp;
    quote.qty_exp = (int8_t)sym->qty_exp;
    feed_emit(turn, &quote.header, sym->instrument);
}

static bool level_differs(struct wire_level a, struct wire_level b)
{
    return a.price != b.price || a.qty != b.qty;
}

static struct wire_level best_of(const struct book_side *side)
{
    const struct wire_level *best = book_best(side);

    return best ? *best : (struct wire_level){ 0 };
}

/* The book's own top, unless the venue's quote is newer. */
static void quote_from_book(const struct feed_turn *turn, struct feed_symbol *sym)
{
    struct wire_level bid = best_of(&sym->book.bids), ask = best_of(&sym->book.asks);

    if (sym->book_id < sym->quote_id) {
        sym->ahead_since_ns = turn->clock->now_ns; /* Deltas come: the wait begins anew. */
        return;
    }
    sym->quote_id = sym->book_id;
    sym->ahead_since_ns = 0;
    if (level_differs(bid, sym->quote_bid) || level_differs(ask, sym->quote_ask))
        quote_emit(turn, sym, sym->book_id, sym->book.exchange_ns, bid, ask);
}

void feed_on_quote(const struct feed_turn *turn, struct feed_symbol *sym, uint64_t id,
                   int64_t exchange_ns, struct wire_level bid, struct wire_level ask)
{
    if (id <= sym->quote_id || (sym->is_synced && id <= sym->book_id))
        return;
    sym->quote_id = id;
    if (sym->is_synced && sym->ahead_since_ns == 0)
        sym->ahead_since_ns = turn->clock->now_ns;
    if (level_differs(bid, sym->quote_bid) || level_differs(ask, sym->quote_ask))
        quote_emit(turn, sym, id, exchange_ns, bid, ask);
}

/* ---- reading and applying ---- */

/* Walks the level at once: what finds its end first reads it twice. */
static int level_read(struct scan_iter *levels, const struct feed_symbol *sym,
                      struct wire_level *out)
{
    struct scan_iter pair;
    struct scan_value price, qty;
    struct wire_level level;

    if (scan_enter(levels, &pair) != 0 || pair.close != ']' || scan_item(&pair, &price) != 0 ||
        scan_item(&pair, &qty) != 0 || scan_leave(levels, &pair) != 0 ||
        scan_decimal(&price, sym->price_exp, &level.price) != 0 ||
        scan_decimal(&qty, sym->qty_exp, &level.qty) != 0 || level.price <= 0 || level.qty < 0)
        return ERR_PROTO;
    *out = level;
    return 0;
}

int feed_levels(const struct scan_value *array, const struct feed_symbol *sym,
                struct wire_level *out, uint32_t *count)
{
    struct scan_iter iter;
    uint32_t read = 0;
    int err = array->type == SCAN_ARRAY ? scan_begin(&iter, array) : ERR_PROTO;

    while (!err && (err = scan_next(&iter)) == 0) {
        if (read == FEED_SIDE_MAX)
            return ERR_FULL;
        err = level_read(&iter, sym, &out[read]);
        read++;
    }
    if (err != ERR_NOT_FOUND)
        return ERR_PROTO;
    *count = read;
    return 0;
}

static void book_take(struct feed_symbol *sym, const struct depth_update *update,
                      const struct wire_level *bids, const struct wire_level *asks)
{
    for (uint32_t i = 0; i < update->bid_count; i++)
        book_set(&sym->book, SIDE_BUY, bids[i].price, bids[i].qty);
    for (uint32_t i = 0; i < update->ask_count; i++)
        book_set(&sym->book, SIDE_SELL, asks[i].price, asks[i].qty);
    sym->book_id = sym->chain_id = update->last;
    sym->book.venue_seq = update->last;
    sym->book.exchange_ns = update->exchange_ns;
}

static int crossed(const struct feed_turn *turn, struct feed_symbol *sym)
{
    turn->feed->stats.crossed++;
    feed_desync(turn, sym, FEED_STALE, REASON_CROSSED);
    return ERR_STALE;
}

static int gap(const struct feed_turn *turn, struct feed_symbol *sym,
               const struct depth_update *update)
{
    turn->feed->stats.gaps++;
    sym->gaps++;
    feed_desync(turn, sym, FEED_STALE, REASON_SEQUENCE_GAP);
    buffer_push(turn, sym, update);
    return ERR_STALE;
}

static int buffer_update(const struct feed_turn *turn, struct feed_symbol *sym,
                         const struct depth_update *update)
{
    const struct delta_buffer *buffer = &sym->buffer;

    if (buffer->head_count > 0) {
        uint64_t last = buffer->heads[buffer->head_count - 1].update.last;
        if (update->last <= last)
            return 0;
        if (is_gap(turn, update, last, last))
            return gap(turn, sym, update);
    }
    buffer_push(turn, sym, update);
    return 0;
}

int feed_on_update(const struct feed_turn *turn, struct feed_symbol *sym,
                   const struct depth_update *update)
{
    struct binance_feed *feed = turn->feed;

    if (!sym->is_synced)
        return buffer_update(turn, sym, update);
    if (is_old(turn, update, sym->book_id, sym->chain_id)) {
        feed->stats.dropped_old++;
        return 0;
    }
    if (is_gap(turn, update, sym->book_id, sym->chain_id))
        return gap(turn, sym, update);
    if (sym->is_buffering)
        (void)buffer_update(turn, sym, update);
    book_take(sym, update, feed->bids, feed->asks);
    sym->book.updated_ns = turn->clock->now_ns;
    if (book_is_crossed(&sym->book))
        return crossed(turn, sym);
    feed->stats.deltas++;
    deltas_emit(turn, sym, update);
    quote_from_book(turn, sym);
    return 0;
}

/* Best first from the venue: set from the worst up, each goes to the end of the array. */
static void side_fill(struct feed_symbol *sym, wire_side side, const struct wire_level *levels,
                      uint32_t count, uint32_t max)
{
    for (uint32_t i = MIN(count, max); i-- > 0;)
        book_set(&sym->book, side, levels[i].price, levels[i].qty);
}

/* Applies what the buffer holds beyond the snapshot. */
static void buffer_apply(const struct feed_turn *turn, struct feed_symbol *sym)
{
    struct binance_feed *feed = turn->feed;

    for (uint32_t i = 0; i < sym->buffer.head_count; i++) {
        const struct delta_head *head = &sym->buffer.heads[i];
        const struct wire_level *levels = sym->buffer.levels + head->at;

        if (is_old(turn, &head->update, sym->book_id, sym->chain_id)) {
            feed->stats.dropped_old++;
            continue;
        }
        book_take(sym, &head->update, levels, levels + head->update.bid_count);
        feed->stats.deltas++;
    }
}

/* Whether the buffer goes on where the snapshot ends. */
static bool buffer_joins(const struct feed_turn *turn, const struct delta_buffer *buffer,
                         uint64_t snapshot_id)
{
    for (uint32_t i = 0; i < buffer->head_count; i++)
        if (!is_old(turn, &buffer->heads[i].update, snapshot_id, 0))
            return !is_gap(turn, &buffer->heads[i].update, snapshot_id, 0);
    return true;
}

int feed_on_snapshot(const struct feed_turn *turn, struct feed_symbol *sym,
                     const struct depth_update *snapshot)
{
    struct binance_feed *feed = turn->feed;
    struct book *book = &sym->book;

    if (sym->is_synced && !sym->is_buffering && snapshot->last <= sym->book_id)
        return 0; /* Behind a book that is right. */
    if (!buffer_joins(turn, &sym->buffer, snapshot->last))
        return ERR_AGAIN;
    if (snapshot->bid_count > 0 && snapshot->ask_count > 0 &&
        feed->bids[0].price >= feed->asks[0].price)
        return ERR_PROTO;

    book_clear(book);
    side_fill(sym, SIDE_BUY, feed->bids, snapshot->bid_count, book->bids.max);
    side_fill(sym, SIDE_SELL, feed->asks, snapshot->ask_count, book->asks.max);
    sym->book_id = book->venue_seq = snapshot->last;
    sym->chain_id = 0;
    book->exchange_ns = snapshot->exchange_ns;
    buffer_apply(turn, sym);
    buffer_clear(sym);
    feed->stats.snapshots++;
    if (sym->was_synced) {
        feed->stats.resyncs++;
        sym->resyncs++;
    }
    sym->is_synced = sym->was_synced = true;
    sym->is_buffering = false;
    sym->attempts = 0;
    if (book_is_crossed(book))
        return crossed(turn, sym);
    book_live(book, turn->clock->now_ns);
    feed_publish_book(turn, sym);
    feed_set_state(turn, sym, FEED_LIVE, REASON_NONE);
    quote_from_book(turn, sym);
    return 0;
}
