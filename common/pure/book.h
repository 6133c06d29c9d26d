/* book.h - one instrument's order book: bounded, absolute quantities, integers.
 *
 * Memory is given once, at init; nothing is allocated after. Owned by one thread. Both sides are
 * sorted arrays with the best at the end, so that changes near the top move few bytes. */
#ifndef TICKPIPE_COMMON_PURE_BOOK_H
#define TICKPIPE_COMMON_PURE_BOOK_H

#include "common/leaf/base.h"
#include "common/pure/wire.h"

struct book_side {
    struct wire_level *levels; /* Worst first, best last. */
    uint32_t count, max;
    struct wire_level *memory; /* Room for 2 * max: levels moves up in it. */
    bool is_bid, is_lent;      /* is_lent: memory is the caller's. */
    uint64_t dropped; /* Levels beyond max that were let go: depth past them is not known. */
};

struct book {
    struct book_side bids, asks;
    int8_t price_exp, qty_exp;
    bool is_stale; /* Not to be traded on. Set at init; cleared by book_live. */
    uint64_t venue_seq;
    int64_t exchange_ns;
    int64_t updated_ns; /* CLOCK_MONOTONIC of the last change or proof of life. */
};

/* book_init allocates levels_max levels a side (1..65536). 0 or ERR_RANGE, ERR_SYS. book_fini
 * frees, twice is fine. */
int book_init(struct book *book, unsigned levels_max, int price_exp, int qty_exp);
void book_fini(struct book *book);

/* book_init_in is book_init in memory of the caller, book_levels_size(levels_max) zeroed bytes (0:
 * levels_max is out of range) that live as long as the book: many books in one piece take only the
 * pages that they use. */
size_t book_levels_size(unsigned levels_max);
int book_init_in(struct book *book, struct wire_level *memory, unsigned levels_max, int price_exp,
                 int qty_exp);

void book_clear(struct book *book); /* No levels, stale. */

/* book_live says that the book is whole and current as of now_ns; book_stale that it must not be
 * traded on. */
static inline void book_live(struct book *book, int64_t now_ns)
{
    book->is_stale = false;
    book->updated_ns = now_ns;
}
static inline void book_stale(struct book *book)
{
    book->is_stale = true;
}

/* book_set sets the absolute quantity at a price; 0 (or less) removes (removing what is not there
 * is normal). A level worse than max better ones is let go and counted. Hot: a binary search from
 * the top and a short memmove. */
void book_set(struct book *book, wire_side side, int64_t price, int64_t qty);

/* book_truncate keeps the best depth levels of both sides (Kraken's rule). */
void book_truncate(struct book *book, unsigned depth);

/* book_level gives the i-th best (0: best) of a side, or NULL. */
static inline const struct wire_level *book_level(const struct book_side *side, uint32_t i)
{
    return i < side->count ? &side->levels[side->count - 1 - i] : NULL;
}
static inline const struct wire_level *book_best(const struct book_side *side)
{
    return book_level(side, 0);
}

/* book_is_crossed: best bid at or above best ask. */
bool book_is_crossed(const struct book *book);

/* book_apply applies a snapshot or a delta event (already checked by wire_check). A snapshot makes
 * the book live, a delta leaves it as stale as it was. updated_ns becomes the event's origin_ns
 * (sent_ns where that is 0). Exponents that differ from the book's are rescaled; ERR_RANGE when
 * that loses digits, ERR_STALE when the book is crossed after the last part of the venue's message:
 * it is then stale. ERR_NOT_FOUND: the event is of another type. */
int book_apply(struct book *book, const struct wire_header *event);

/* book_write_snapshot fills a snapshot event (head, levels, size) with the best levels that fit. */
void book_write_snapshot(const struct book *book, struct wire_book_delta *out);

/* book_walk takes qty from a side, best first, stopping at limit (0: none): filled quantity, worst
 * price reached, notional at exponent price_exp + qty_exp as i128. */
struct book_walk {
    int64_t filled_qty, worst_price;
    i128 notional;
};
void book_walk(const struct book_side *side, int64_t qty, int64_t limit, struct book_walk *out);

#endif
