/* book_emit.h - a book as events: what a feed codec publishes of it.
 *
 * Builds each event in the caller's scratch and hands it out by callback: header.type, version,
 * size and instrument set, the rest of the header 0. Whole books larger than one event, and
 * messages with more changes than one event holds, become several; is_last is set on the last
 * alone. Allocates nothing. */
#ifndef TICKPIPE_COMMON_PURE_BOOK_EMIT_H
#define TICKPIPE_COMMON_PURE_BOOK_EMIT_H

#include "common/pure/book.h"

struct book_emitter {
    void (*emit)(void *ctx, struct wire_header *event); /* Valid during the call. */
    void *ctx;
    uint64_t instrument;
    uint8_t flags;                 /* Of the header: WIRE_SNAPSHOT on request. */
    struct wire_book_delta *event; /* Scratch. */
};

/* book_emit_whole publishes the whole book: a snapshot, and the levels beyond it as deltas. */
void book_emit_whole(const struct book_emitter *to, const struct book *book);

/* book_emit_changes publishes changed levels (each price at most once a side: book_unite) as
 * deltas. No level at all is published too: it says that the book is right as of now. Hot: copies.
 */
void book_emit_changes(const struct book_emitter *to, const struct book *book,
                       const struct wire_level *bids, uint32_t bid_count,
                       const struct wire_level *asks, uint32_t ask_count);

/* book_unite leaves the last of several changes of one price, in their order, and gives how many
 * are left. Quadratic: for messages of some hundred changes at most. */
uint32_t book_unite(struct wire_level *levels, uint32_t count);

#endif
