/* book_check.h - a book held against a fresh snapshot of the venue, level by level, where nothing
 * else proves it.
 *
 * The two are never of the same moment. From the moment of asking each price that the stream
 * changes is written down (touched); levels at prices that nobody touched until the comparison must
 * be equal. Memory is given once, at init; owned by one thread. */
#ifndef TICKPIPE_COMMON_PURE_BOOK_CHECK_H
#define TICKPIPE_COMMON_PURE_BOOK_CHECK_H

#include "common/pure/book.h"

struct book_check_side {
    struct wire_level *levels; /* What the venue says, best first. */
    uint32_t count, max;
    bool is_cut; /* The venue's goes on beyond its last level. */
};

struct book_check {
    struct book_check_side bids, asks;
    int64_t *touched; /* Open addressing; asks negative; 0: free. */
    uint32_t touched_count, touched_max, mask;
    bool is_overrun; /* More prices than touched_max: nothing can be said. */
};

/* book_check_init makes room for levels_max levels a side and touched_max prices. 0, ERR_RANGE or
 * ERR_SYS. book_check_fini frees; twice is fine. */
int book_check_init(struct book_check *check, unsigned levels_max, unsigned touched_max);
void book_check_fini(struct book_check *check);

/* book_check_begin forgets what was touched and said: the snapshot is being asked for. */
void book_check_begin(struct book_check *check);

/* book_check_touch writes a price down that the stream has just changed. Hot while a comparison
 * runs: one look into a hash table. */
void book_check_touch(struct book_check *check, wire_side side, int64_t price);

/* book_check_say adds the venue's next level of a side, best first, at the book's exponents. 0, or
 * ERR_FULL: no room; the side then counts as cut there. */
int book_check_say(struct book_check *check, wire_side side, int64_t price, int64_t qty);

/* book_check_differs gives the first price of a side at which both differ without having been
 * touched, 0: none. Quantities within tolerance are equal, and a level that only one has counts as
 * missing when its quantity is above it. is_book_cut: levels beyond the book's last one are not
 * known. */
int64_t book_check_differs(const struct book_check *check, const struct book *book, wire_side side,
                           int64_t tolerance, bool is_book_cut);

#endif
