#include "common/pure/book_emit.h"

#include <string.h>

static void event_emit(const struct book_emitter *to, const struct book *book, bool is_last)
{
    struct wire_book_delta *event = to->event;

    event->header.instrument = to->instrument;
    event->header.flags = to->flags;
    event->exchange_ns = book->exchange_ns;
    event->venue_seq = book->venue_seq;
    event->price_exp = book->price_exp;
    event->qty_exp = book->qty_exp;
    event->is_last = is_last;
    wire_book_end(event);
    to->emit(to->ctx, &event->header);
}

/* Levels of a side from the i-th best on, as many as there is room for. */
static uint16_t side_put(const struct book_side *side, uint32_t i, struct wire_level *out,
                         uint32_t room)
{
    uint16_t count = 0;

    for (const struct wire_level *level; count < room && (level = book_level(side, i)); i++)
        out[count++] = *level;
    return count;
}

void book_emit_whole(const struct book_emitter *to, const struct book *book)
{
    struct wire_book_delta *event = to->event;

    book_write_snapshot(book, event);
    uint32_t bids = event->bid_count, asks = event->ask_count;
    while (bids < book->bids.count || asks < book->asks.count) {
        event_emit(to, book, false);
        wire_book_begin(event, WIRE_book_delta);
        event->bid_count = side_put(&book->bids, bids, event->levels, WIRE_LEVELS_MAX);
        event->ask_count = side_put(&book->asks, asks, event->levels + event->bid_count,
                                    (uint32_t)WIRE_LEVELS_MAX - event->bid_count);
        bids += event->bid_count;
        asks += event->ask_count;
    }
    event_emit(to, book, true);
}

void book_emit_changes(const struct book_emitter *to, const struct book *book,
                       const struct wire_level *bids, uint32_t bid_count,
                       const struct wire_level *asks, uint32_t ask_count)
{
    struct wire_book_delta *event = to->event;

    do {
        wire_book_begin(event, WIRE_book_delta);
        event->bid_count = (uint16_t)MIN(bid_count, WIRE_LEVELS_MAX);
        event->ask_count = (uint16_t)MIN(ask_count, (uint32_t)WIRE_LEVELS_MAX - event->bid_count);
        for (uint32_t i = 0; i < event->bid_count; i++)
            event->levels[i] = *bids++;
        for (uint32_t i = 0; i < event->ask_count; i++)
            event->levels[event->bid_count + i] = *asks++;
        bid_count -= event->bid_count;
        ask_count -= event->ask_count;
        event_emit(to, book, bid_count + ask_count == 0);
    } while (bid_count + ask_count > 0);
}

uint32_t book_unite(struct wire_level *levels, uint32_t count)
{
    uint32_t kept = count;

    for (uint32_t i = count; i-- > 0;) {
        bool is_repeated = false;
        for (uint32_t j = kept; j < count && !is_repeated; j++)
            is_repeated = levels[j].price == levels[i].price;
        if (!is_repeated)
            levels[--kept] = levels[i];
    }
    if (kept > 0)
        memmove(levels, levels + kept, (count - kept) * sizeof(*levels));
    return count - kept;
}
