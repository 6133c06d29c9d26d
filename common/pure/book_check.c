#include "common/pure/book_check.h"

#include "common/leaf/err.h"

#include <stdlib.h>
#include <string.h>

int book_check_init(struct book_check *check, unsigned levels_max, unsigned touched_max)
{
    uint32_t slots = 4;

    *check = (struct book_check){ .touched_max = touched_max };
    if (levels_max == 0 || touched_max == 0 || touched_max > 1u << 24)
        return ERR_RANGE;
    while (slots < 2 * touched_max)
        slots *= 2;
    check->mask = slots - 1;
    check->bids.max = check->asks.max = levels_max;
    check->bids.levels = calloc(levels_max, sizeof *check->bids.levels);
    check->asks.levels = calloc(levels_max, sizeof *check->asks.levels);
    check->touched = calloc(slots, sizeof *check->touched);
    if (check->bids.levels && check->asks.levels && check->touched)
        return 0;
    book_check_fini(check);
    return ERR_SYS;
}

void book_check_fini(struct book_check *check)
{
    free(check->bids.levels);
    free(check->asks.levels);
    free(check->touched);
    *check = (struct book_check){ .touched_max = 0 };
}

void book_check_begin(struct book_check *check)
{
    if (check->touched_count)
        memset(check->touched, 0, ((size_t)check->mask + 1) * sizeof *check->touched);
    check->touched_count = 0;
    check->is_overrun = false;
    check->bids.count = check->asks.count = 0;
    check->bids.is_cut = check->asks.is_cut = false;
}

static uint32_t slot_of(const struct book_check *check, int64_t key)
{
    uint32_t slot = (uint32_t)(((uint64_t)key * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & check->mask;

    while (check->touched[slot] != 0 && check->touched[slot] != key)
        slot = (slot + 1) & check->mask;
    return slot;
}

void book_check_touch(struct book_check *check, wire_side side, int64_t price)
{
    int64_t key = side == SIDE_BUY ? price : -price;
    uint32_t slot = slot_of(check, key);

    if (key == 0 || check->touched[slot] == key)
        return;
    if (check->touched_count == check->touched_max) {
        check->is_overrun = true;
        return;
    }
    check->touched[slot] = key;
    check->touched_count++;
}

int book_check_say(struct book_check *check, wire_side side, int64_t price, int64_t qty)
{
    struct book_check_side *to = side == SIDE_BUY ? &check->bids : &check->asks;

    if (to->count == to->max) {
        to->is_cut = true;
        return ERR_FULL;
    }
    to->levels[to->count++] = (struct wire_level){ price, qty };
    return 0;
}

static bool is_at_or_before(bool is_bid, int64_t price, int64_t other)
{
    return is_bid ? price >= other : price <= other;
}

static bool is_same_qty(int64_t a, int64_t b, int64_t tolerance)
{
    return a > b ? a - b <= tolerance : b - a <= tolerance;
}

int64_t book_check_differs(const struct book_check *check, const struct book *book, wire_side side,
                           int64_t tolerance, bool is_book_cut)
{
    bool is_bid = side == SIDE_BUY;
    const struct book_check_side *want = is_bid ? &check->bids : &check->asks;
    const struct book_side *have = is_bid ? &book->bids : &book->asks;
    const struct wire_level *last = have->count ? book_level(have, have->count - 1) : NULL;
    uint32_t w = 0, h = 0;

    while (w < want->count || h < have->count) {
        const struct wire_level *a = w < want->count ? &want->levels[w] : NULL;
        const struct wire_level *b = book_level(have, h);
        bool is_a = a && (!b || is_at_or_before(is_bid, a->price, b->price));
        bool is_b = b && (!a || is_at_or_before(is_bid, b->price, a->price));
        int64_t price = is_a ? a->price : b->price;

        /* Beyond the end of either nothing can be compared. */
        if ((is_book_cut && (!last || !is_at_or_before(is_bid, price, last->price))) ||
            (want->is_cut &&
             (want->count == 0 ||
              !is_at_or_before(is_bid, price, want->levels[want->count - 1].price))))
            return 0;
        if (!is_same_qty(is_a ? a->qty : 0, is_b ? b->qty : 0, tolerance) &&
            check->touched[slot_of(check, is_bid ? price : -price)] == 0)
            return price;
        w += is_a;
        h += is_b;
    }
    return 0;
}
