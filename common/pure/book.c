#include "common/pure/book.h"
#include "common/leaf/err.h"
#include "common/leaf/fixed.h"

#include <stdlib.h>
#include <string.h>

enum { LEVELS_MAX = 65536, NEAR_TOP = 8 };

static void side_init(struct book_side *side, struct wire_level *memory, unsigned levels_max,
                      bool is_bid)
{
    *side = (struct book_side){
        .levels = memory, .memory = memory, .max = levels_max, .is_bid = is_bid, .is_lent = true
    };
}

size_t book_levels_size(unsigned levels_max)
{
    if (levels_max < 1 || levels_max > LEVELS_MAX)
        return 0;
    return 4 * (size_t)levels_max * sizeof(struct wire_level);
}

int book_init_in(struct book *book, struct wire_level *memory, unsigned levels_max, int price_exp,
                 int qty_exp)
{
    if (book_levels_size(levels_max) == 0 || price_exp < FIXED_EXP_MIN ||
        price_exp > FIXED_EXP_MAX || qty_exp < FIXED_EXP_MIN || qty_exp > FIXED_EXP_MAX)
        return ERR_RANGE;
    *book = (struct book){ .price_exp = (int8_t)price_exp,
                           .qty_exp = (int8_t)qty_exp,
                           .is_stale = true };
    side_init(&book->bids, memory, levels_max, true);
    side_init(&book->asks, memory + 2 * (size_t)levels_max, levels_max, false);
    return 0;
}

int book_init(struct book *book, unsigned levels_max, int price_exp, int qty_exp)
{
    size_t size = book_levels_size(levels_max);
    struct wire_level *memory = size ? calloc(1, size) : NULL;
    struct book made;

    if (!memory)
        return size ? ERR_SYS : ERR_RANGE;
    int err = book_init_in(&made, memory, levels_max, price_exp, qty_exp);
    if (err) {
        free(memory);
        return err;
    }
    made.bids.is_lent = false; /* Of both sides: they are one piece. */
    *book = made;
    return 0;
}

void book_fini(struct book *book)
{
    if (!book->bids.is_lent)
        free(book->bids.memory);
    *book = (struct book){ .is_stale = true };
}

static void side_clear(struct book_side *side)
{
    side->levels = side->memory;
    side->count = 0;
}

void book_clear(struct book *book)
{
    side_clear(&book->bids);
    side_clear(&book->asks);
    book->is_stale = true;
}

static inline bool is_better(const struct book_side *side, int64_t a, int64_t b)
{
    return side->is_bid ? a > b : a < b;
}

/* Index of the first level that is not worse than price: there it is, or would go. Most changes are
 * near the top, so that is where the search begins. */
static inline uint32_t place_of(const struct book_side *side, int64_t price)
{
    const struct wire_level *levels = side->levels;
    uint32_t low = 0, high = side->count;

    for (int i = 0; i < NEAR_TOP && high > 0; i++, high--)
        if (is_better(side, price, levels[high - 1].price))
            return high;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (is_better(side, price, levels[middle].price))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Makes room for one level behind the last. A full side lets its worst go by moving its start, and
 * comes back to the front of its memory once in max times. */
static void side_make_room(struct book_side *side)
{
    if (side->count == side->max) {
        side->levels++;
        side->count--;
        side->dropped++;
    }
    if (side->levels + side->count == side->memory + 2 * (size_t)side->max) {
        memmove(side->memory, side->levels, side->count * sizeof(*side->levels));
        side->levels = side->memory;
    }
}

static void side_insert(struct book_side *side, uint32_t at, int64_t price, int64_t qty)
{
    if (side->count == side->max) {
        if (at == 0) {
            side->dropped++;
            return;
        }
        at--;
    }
    side_make_room(side);
    struct wire_level *level = &side->levels[at];
    memmove(level + 1, level, (side->count - at) * sizeof(*level));
    *level = (struct wire_level){ price, qty };
    side->count++;
}

static void side_set(struct book_side *side, int64_t price, int64_t qty)
{
    uint32_t at = place_of(side, price);
    struct wire_level *level = &side->levels[at];

    if (at == side->count || level->price != price) {
        if (qty > 0)
            side_insert(side, at, price, qty);
    } else if (qty > 0) {
        level->qty = qty;
    } else {
        side->count--;
        memmove(level, level + 1, (side->count - at) * sizeof(*level));
    }
}

void book_set(struct book *book, wire_side side, int64_t price, int64_t qty)
{
    assert(side == SIDE_BUY || side == SIDE_SELL);
    side_set(side == SIDE_BUY ? &book->bids : &book->asks, price, qty);
}

static void side_truncate(struct book_side *side, unsigned depth)
{
    if (side->count > depth) {
        side->levels += side->count - depth;
        side->count = depth;
    }
}

void book_truncate(struct book *book, unsigned depth)
{
    side_truncate(&book->bids, depth);
    side_truncate(&book->asks, depth);
}

bool book_is_crossed(const struct book *book)
{
    const struct wire_level *bid = book_best(&book->bids), *ask = book_best(&book->asks);

    return bid && ask && bid->price >= ask->price;
}

/* Sets a snapshot's levels from the last to the first: it comes best first, so each goes to the
 * end. A delta's in their order: where a price is named twice, the later word holds. */
static int side_apply(const struct book *book, struct book_side *side,
                      const struct wire_book_delta *event, uint32_t first, uint32_t count)
{
    bool is_same = event->price_exp == book->price_exp && event->qty_exp == book->qty_exp;
    bool is_snapshot = event->header.type == WIRE_book_snapshot;

    for (uint32_t n = 0; n < count; n++) {
        struct wire_level level = event->levels[is_snapshot ? first + count - 1 - n : first + n];
        int err = 0;

        if (UNLIKELY(!is_same)) {
            err = fixed_rescale(level.price, event->price_exp, book->price_exp, FIXED_EXACT,
                                &level.price);
            if (!err)
                err = fixed_rescale(level.qty, event->qty_exp, book->qty_exp, FIXED_EXACT,
                                    &level.qty);
            if (err)
                return err;
        }
        side_set(side, level.price, level.qty);
    }
    return 0;
}

int book_apply(struct book *book, const struct wire_header *header)
{
    /* A snapshot has the same layout. */
    const struct wire_book_delta *event = (const struct wire_book_delta *)header;
    bool is_snapshot = header->type == WIRE_book_snapshot;

    if (!is_snapshot && header->type != WIRE_book_delta)
        return ERR_NOT_FOUND;
    if (is_snapshot)
        book_clear(book);
    int err = side_apply(book, &book->bids, event, 0, event->bid_count);
    if (!err)
        err = side_apply(book, &book->asks, event, event->bid_count, event->ask_count);
    if (!err && event->is_last && book_is_crossed(book))
        err = ERR_STALE;
    book->exchange_ns = event->exchange_ns;
    book->venue_seq = event->venue_seq;
    book->updated_ns = header->origin_ns ? header->origin_ns : header->sent_ns;
    if (err)
        book->is_stale = true;
    else if (is_snapshot)
        book->is_stale = false;
    return err;
}

void book_write_snapshot(const struct book *book, struct wire_book_delta *out)
{
    const uint32_t half = WIRE_LEVELS_MAX / 2;
    uint32_t bids = book->bids.count, asks = book->asks.count;

    /* Each side has half of the room, and what the other leaves. */
    if (bids + asks > WIRE_LEVELS_MAX) {
        bids = MIN(bids, MAX(half, WIRE_LEVELS_MAX - MIN(asks, half)));
        asks = MIN(asks, WIRE_LEVELS_MAX - bids);
    }
    wire_book_begin(out, WIRE_book_snapshot);
    out->exchange_ns = book->exchange_ns;
    out->venue_seq = book->venue_seq;
    out->price_exp = book->price_exp;
    out->qty_exp = book->qty_exp;
    out->is_last = 1;
    out->bid_count = (uint16_t)bids;
    out->ask_count = (uint16_t)asks;
    for (uint32_t i = 0; i < bids; i++)
        out->levels[i] = *book_level(&book->bids, i);
    for (uint32_t i = 0; i < asks; i++)
        out->levels[bids + i] = *book_level(&book->asks, i);
    wire_book_end(out);
}

void book_walk(const struct book_side *side, int64_t qty, int64_t limit, struct book_walk *out)
{
    struct book_walk walk = { 0 };
    const struct wire_level *level;

    for (uint32_t i = 0; walk.filled_qty < qty && (level = book_level(side, i)); i++) {
        if (limit != 0 && is_better(side, limit, level->price))
            break;
        int64_t take = MIN(qty - walk.filled_qty, level->qty);
        walk.filled_qty += take;
        walk.worst_price = level->price;
        walk.notional += (i128)level->price * take;
    }
    *out = walk;
}
