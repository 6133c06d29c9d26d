#include "venue_simulator/matching.h"

#include <string.h>

void match_init(struct match_book *book, struct match_level *levels, uint32_t levels_max,
                const struct match_events *events, void *ctx)
{
    *book = (struct match_book){
        .bids = { .levels = levels, .max = levels_max },
        .asks = { .levels = levels + levels_max, .max = levels_max },
        .events = events,
        .ctx = ctx,
    };
}

static struct match_side *side_of(struct match_book *book, wire_side side)
{
    return side == SIDE_BUY ? &book->bids : &book->asks;
}

static wire_side opposite(wire_side side)
{
    return side == SIDE_BUY ? SIDE_SELL : SIDE_BUY;
}

/* a is worse than b for somebody who takes from this side. */
static bool is_worse(wire_side side, int64_t a, int64_t b)
{
    return side == SIDE_BUY ? a < b : a > b;
}

static bool reaches(const struct match_order *order, int64_t maker_price)
{
    return order->is_market ||
           (order->side == SIDE_BUY ? maker_price <= order->price : maker_price >= order->price);
}

/* The first level that is not worse than price: its own, or where it would go. From the top, for
 * changes are near the top. */
static uint32_t level_slot(const struct match_side *levels, wire_side side, int64_t price)
{
    uint32_t low = 0, high = levels->count;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (is_worse(side, levels->levels[mid].price, price))
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static struct match_level *level_find(struct match_side *levels, wire_side side, int64_t price)
{
    uint32_t at = level_slot(levels, side, price);

    return at < levels->count && levels->levels[at].price == price ? &levels->levels[at] : NULL;
}

static void level_drop(struct match_side *levels, struct match_level *level)
{
    size_t at = (size_t)(level - levels->levels);

    memmove(level, level + 1, (levels->count - at - 1) * sizeof(*level));
    levels->count--;
}

/* Takes order out of its level, and the level out of the book when it was the last. What is left at
 * the price is returned: the level may be gone. */
static int64_t unlink_order(struct match_book *book, struct match_order *order,
                            struct match_level *level)
{
    if (order->prev)
        order->prev->next = order->next;
    else
        level->first = order->next;
    if (order->next)
        order->next->prev = order->prev;
    else
        level->last = order->prev;
    order->next = order->prev = NULL;
    order->is_resting = false;
    level->order_count--;
    int64_t left = level->qty;
    if (level->order_count == 0)
        level_drop(side_of(book, order->side), level);
    return left;
}

static void prevent(struct match_book *book, struct match_order *taker, struct match_level *level,
                    enum match_stp stp)
{
    struct match_order *maker = level->first;
    wire_side side = maker->side;
    int64_t price = level->price;
    int64_t both = MIN(taker->leaves, maker->leaves);
    int64_t from_taker = stp == STP_DECREMENT ? both : taker->leaves;
    int64_t from_maker = stp == STP_DECREMENT ? both : maker->leaves;

    if (stp != STP_EXPIRE_TAKER) {
        level->qty -= from_maker;
        int64_t left = level->qty;
        if (stp == STP_DECREMENT)
            maker->leaves -= from_maker;
        if (stp != STP_DECREMENT || maker->leaves == 0)
            left = unlink_order(book, maker, level);
        book->events->maker_prevented(book->ctx, taker, maker, from_maker);
        book->events->level(book->ctx, side, price, left);
    }
    if (stp != STP_EXPIRE_MAKER) {
        taker->leaves -= from_taker;
        book->events->taker_prevented(book->ctx, taker, maker, from_taker);
    }
}

static void trade(struct match_book *book, struct match_order *taker, struct match_level *level)
{
    struct match_order *maker = level->first;
    wire_side side = maker->side;
    int64_t price = level->price;
    int64_t qty = MIN(taker->leaves, maker->leaves);

    taker->leaves -= qty;
    maker->leaves -= qty;
    level->qty -= qty;
    int64_t left = level->qty;
    if (maker->leaves == 0)
        left = unlink_order(book, maker, level);
    book->events->traded(book->ctx, taker, maker, price, qty);
    book->events->level(book->ctx, side, price, left);
}

/* true when the level's first order is not the one that was looked at any more, or smaller. */
static bool cut_maker(struct match_book *book, struct match_level *level)
{
    struct match_order *maker = level->first;
    wire_side side = maker->side;
    int64_t price = level->price;
    int64_t limit = maker->is_limited ? book->events->maker_limit(book->ctx, maker) : maker->leaves;

    assert(limit >= 0);
    if (limit >= maker->leaves)
        return false;
    int64_t excess = maker->leaves - limit;
    level->qty -= excess;
    int64_t left = level->qty;
    if (limit > 0)
        maker->leaves = limit;
    else
        left = unlink_order(book, maker, level);
    book->events->maker_cut(book->ctx, maker, excess);
    book->events->level(book->ctx, side, price, left);
    return true;
}

void match_take(struct match_book *book, struct match_order *order, enum match_stp stp)
{
    struct match_side *other = side_of(book, opposite(order->side));

    assert(!order->is_resting && order->leaves > 0);
    while (order->leaves > 0 && other->count > 0) {
        struct match_level *best = &other->levels[other->count - 1];
        if (!reaches(order, best->price))
            break;
        if (stp != STP_NONE && best->first->owner == order->owner)
            prevent(book, order, best, stp);
        else if (!cut_maker(book, best))
            trade(book, order, best);
    }
}

int match_rest(struct match_book *book, struct match_order *order)
{
    struct match_side *levels = side_of(book, order->side);
    uint32_t at = level_slot(levels, order->side, order->price);

    assert(!order->is_resting && !order->is_market && order->leaves > 0);
    assert(!match_crosses(book, order->side, order->price));
    if (at == levels->count || levels->levels[at].price != order->price) {
        if (levels->count == levels->max)
            return ERR_FULL;
        memmove(&levels->levels[at + 1], &levels->levels[at],
                (levels->count - at) * sizeof(levels->levels[0]));
        levels->levels[at] = (struct match_level){ .price = order->price };
        levels->count++;
    }
    struct match_level *level = &levels->levels[at];
    order->prev = level->last;
    order->next = NULL;
    if (level->last)
        level->last->next = order;
    else
        level->first = order;
    level->last = order;
    level->order_count++;
    level->qty += order->leaves;
    order->is_resting = true;
    book->events->level(book->ctx, order->side, order->price, level->qty);
    return 0;
}

void match_remove(struct match_book *book, struct match_order *order)
{
    struct match_level *level = level_find(side_of(book, order->side), order->side, order->price);

    assert(order->is_resting && level);
    level->qty -= order->leaves;
    int64_t left = unlink_order(book, order, level);
    book->events->level(book->ctx, order->side, order->price, left);
}

void match_reduce(struct match_book *book, struct match_order *order, int64_t leaves)
{
    struct match_level *level = level_find(side_of(book, order->side), order->side, order->price);

    assert(order->is_resting && level && leaves > 0 && leaves < order->leaves);
    level->qty -= order->leaves - leaves;
    order->leaves = leaves;
    book->events->level(book->ctx, order->side, order->price, level->qty);
}

bool match_crosses(const struct match_book *book, wire_side side, int64_t price)
{
    const struct match_level *best = match_level_at(match_side_of(book, opposite(side)), 0);

    return best && (side == SIDE_BUY ? best->price <= price : best->price >= price);
}

void match_available(const struct match_book *book, wire_side side, int64_t price, int64_t qty,
                     i128 notional_max, uint32_t owner, bool is_own_skipped, struct match_walk *out)
{
    const struct match_side *other = match_side_of(book, opposite(side));
    struct match_order order = { .side = side, .price = price, .is_market = price == 0 };

    *out = (struct match_walk){ 0 };
    for (uint32_t i = other->count; i-- > 0 && out->qty < qty;) {
        const struct match_level *level = &other->levels[i];
        if (!reaches(&order, level->price))
            break;
        for (const struct match_order *maker = level->first; maker && out->qty < qty;
             maker = maker->next) {
            if (maker->owner == owner) {
                out->meets_own = true;
                if (is_own_skipped)
                    continue;
            }
            int64_t take = MIN(maker->leaves, qty - out->qty);
            if (notional_max > 0)
                take = (int64_t)MIN((i128)take, (notional_max - out->notional) / level->price);
            out->qty += take;
            out->notional += (i128)take * level->price;
            if (take < maker->leaves)
                return;
        }
    }
}

static bool side_is_sound(const struct match_side *levels, wire_side side)
{
    for (uint32_t i = 0; i < levels->count; i++) {
        const struct match_level *level = &levels->levels[i];
        const struct match_order *prev = NULL;
        int64_t qty = 0;
        uint32_t count = 0;

        if (i > 0 && !is_worse(side, levels->levels[i - 1].price, level->price))
            return false;
        for (const struct match_order *o = level->first; o; prev = o, o = o->next) {
            if (o->prev != prev || o->side != side || o->price != level->price || !o->is_resting ||
                o->is_market || o->leaves <= 0)
                return false;
            qty += o->leaves;
            count++;
        }
        if (count == 0 || level->last != prev || count != level->order_count || qty != level->qty)
            return false;
    }
    return true;
}

bool match_check(const struct match_book *book)
{
    const struct match_level *bid = match_level_at(&book->bids, 0);
    const struct match_level *ask = match_level_at(&book->asks, 0);

    return side_is_sound(&book->bids, SIDE_BUY) && side_is_sound(&book->asks, SIDE_SELL) &&
           !(bid && ask && bid->price >= ask->price);
}
