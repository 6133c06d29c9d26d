/* matching.h - one instrument's matching engine: price-time priority, integers, nothing else.
 *
 * Pure and deterministic: no clock, no I/O, no allocation. It knows sides, prices, quantities and
 * owners; money, filters, client ids and states belong to exchange.h. Orders are structs of the
 * caller, linked in while they rest; the caller keeps them in place until they have left the book.
 * Owned by one thread. */
#ifndef TICKPIPE_VENUE_SIMULATOR_MATCHING_H
#define TICKPIPE_VENUE_SIMULATOR_MATCHING_H

#include "common/leaf/base.h"
#include "common/leaf/err.h"
#include "common/pure/wire.h"

/* What happens when an order would trade with one of the same owner; decided by the taker's mode.
 */
enum match_stp {
    STP_NONE,         /* They trade. */
    STP_EXPIRE_TAKER, /* The incoming remainder goes (Kraken: cancel newest). */
    STP_EXPIRE_MAKER, /* The resting one goes, the incoming one goes on (Kraken: cancel oldest). */
    STP_EXPIRE_BOTH,  /* Both remainders go. */
    STP_DECREMENT,    /* Both are reduced by the smaller; whichever reaches zero goes. */
};

struct match_level;

struct match_order {
    struct match_order *next, *prev; /* Queue at its price: first in, first matched. */
    wire_side side;
    bool is_resting;
    uint32_t owner;  /* Self-trade prevention compares these. */
    int64_t price;   /* 0 with is_market. */
    int64_t leaves;  /* Still to be matched; > 0 while resting. */
    bool is_market;  /* Takes at any price. Never rests. */
    bool is_limited; /* As a maker it gives no more than events->maker_limit says at that moment. */
};

struct match_level {
    int64_t price;
    int64_t qty; /* Sum of leaves. */
    uint32_t order_count;
    struct match_order *first, *last;
};

struct match_side {
    struct match_level *levels; /* Worst first, best last. */
    uint32_t count, max;
};

struct match_book {
    struct match_side bids, asks;
    const struct match_events *events;
    void *ctx;
};

/* News of a match, told while it happens: the book is consistent at each call, and must not be
 * changed from within. */
struct match_events {
    /* qty traded at price (the maker's). Both leaves are already reduced; a maker with leaves 0 has
     * left. */
    void (*traded)(void *ctx, struct match_order *taker, struct match_order *maker, int64_t price,
                   int64_t qty);
    /* Self-trade prevention: maker lost qty. Its leaves are what it lost when it left the book (not
     * is_resting), or already reduced (STP_DECREMENT; 0: it left). */
    void (*maker_prevented)(void *ctx, struct match_order *taker, struct match_order *maker,
                            int64_t qty);
    /* The taker lost qty of its leaves (already reduced; 0: it ends by prevention). */
    void (*taker_prevented)(void *ctx, struct match_order *taker, struct match_order *maker,
                            int64_t qty);
    /* How much of a resting order with is_limited may trade now (0 and more), and news that qty
     * above that was taken off it: its leaves are what it lost when it left the book (not
     * is_resting), or already reduced. */
    int64_t (*maker_limit)(void *ctx, const struct match_order *maker);
    void (*maker_cut)(void *ctx, struct match_order *maker, int64_t qty);
    /* The whole quantity at a price is now qty (0: level gone). */
    void (*level)(void *ctx, wire_side side, int64_t price, int64_t qty);
};

/* match_init: levels is room for 2 * levels_max levels, the caller's. */
void match_init(struct match_book *book, struct match_level *levels, uint32_t levels_max,
                const struct match_events *events, void *ctx);

/* match_take matches order (not resting, leaves > 0) against the other side as far as price, leaves
 * and stp allow; what is left is in order->leaves, not rested. */
void match_take(struct match_book *book, struct match_order *order, enum match_stp stp);

/* match_rest puts order behind those of its price. It must not cross. 0, or ERR_FULL (no room for
 * its level). */
int match_rest(struct match_book *book, struct match_order *order);

/* match_remove takes a resting order out. */
void match_remove(struct match_book *book, struct match_order *order);

/* match_reduce lowers a resting order's leaves (0 < leaves < order->leaves): it keeps its place. */
void match_reduce(struct match_book *book, struct match_order *order, int64_t leaves);

/* match_crosses: an order of this side and price would trade at once. */
bool match_crosses(const struct match_book *book, wire_side side, int64_t price);

/* match_available walks what an order of side could take now down to price (0: any), up to qty (and
 * up to notional_max at exponent price + qty; 0: any), leaving out the owner's own orders when
 * is_own_skipped. Gives the quantity and its notional; own_first says that an own order stands in
 * the way. */
struct match_walk {
    int64_t qty;
    i128 notional;
    bool meets_own;
};
void match_available(const struct match_book *book, wire_side side, int64_t price, int64_t qty,
                     i128 notional_max, uint32_t owner, bool is_own_skipped,
                     struct match_walk *out);

/* match_level_at gives the i-th best level (0: best) or NULL. */
static inline const struct match_level *match_level_at(const struct match_side *side, uint32_t i)
{
    return i < side->count ? &side->levels[side->count - 1 - i] : NULL;
}

static inline const struct match_side *match_side_of(const struct match_book *book, wire_side side)
{
    return side == SIDE_BUY ? &book->bids : &book->asks;
}

/* match_check walks the whole book: sorted, uncrossed, sums right, links right. For tests. */
bool match_check(const struct match_book *book);

#endif
