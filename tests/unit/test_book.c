/* The order book against what it is meant to be, and against a naive one. */
#include "common/leaf/err.h"
#include "common/pure/book.h"
#include "tests/unit/check.h"

#include <stdio.h>

static struct wire_book_delta event;

static struct book fresh(unsigned levels_max)
{
    struct book book = { 0 };

    CHECK_INT(book_init(&book, levels_max, 8, 8), 0);
    return book;
}

static void keeps_the_best_levels_and_lets_the_worst_go(void)
{
    struct book book = fresh(2);

    CHECK(book.is_stale);
    book_set(&book, SIDE_BUY, 100, 1);
    book_set(&book, SIDE_BUY, 102, 2);
    book_set(&book, SIDE_BUY, 101, 3);
    CHECK_INT(book.bids.count, 2);
    CHECK_INT(book_best(&book.bids)->price, 102);
    CHECK_INT(book_level(&book.bids, 1)->price, 101);
    CHECK(book_level(&book.bids, 2) == NULL);
    CHECK_INT(book.bids.dropped, 1);
    book_set(&book, SIDE_BUY, 99, 1);
    CHECK_INT(book.bids.dropped, 2);
    CHECK_INT(book_level(&book.bids, 1)->price, 101);
    book_fini(&book);
    book_fini(&book);
}

static void refuses_sizes_and_exponents_out_of_range(void)
{
    struct book book = { .venue_seq = 77 };

    CHECK_INT(book_init(&book, 0, 8, 8), ERR_RANGE);
    CHECK_INT(book_init(&book, 65537, 8, 8), ERR_RANGE);
    CHECK_INT(book_init(&book, 1, 19, 8), ERR_RANGE);
    CHECK_INT(book_init(&book, 1, 8, -7), ERR_RANGE);
    CHECK_INT(book.venue_seq, 77);
    CHECK_INT(book_init(&book, 65536, 18, -6), 0);
    book_fini(&book);
    CHECK_INT(book_init(&book, 1, -6, 18), 0);
    book_live(&book, 1);
    book_clear(&book);
    CHECK(book.is_stale);
    book_fini(&book);
}

static void crossed_is_bid_at_or_above_ask(void)
{
    struct book book = fresh(10);

    CHECK(!book_is_crossed(&book));
    book_set(&book, SIDE_BUY, 100, 1);
    CHECK(!book_is_crossed(&book));
    book_set(&book, SIDE_SELL, 101, 1);
    CHECK(!book_is_crossed(&book));
    book_set(&book, SIDE_SELL, 100, 1);
    CHECK(book_is_crossed(&book));
    book_set(&book, SIDE_SELL, 100, 0);
    CHECK(!book_is_crossed(&book));
    book_set(&book, SIDE_SELL, 100, 0); /* What is not there: normal. */
    book_set(&book, SIDE_SELL, 102, -5);
    CHECK_INT(book.asks.count, 1);
    book_fini(&book);
}

/* ---- a naive model: unsorted, searched from end to end ---- */

enum { MODEL_MAX = 64 };

struct model {
    struct wire_level levels[MODEL_MAX];
    unsigned count, max;
    bool is_bid;
    uint64_t dropped;
};

static bool better(const struct model *model, int64_t a, int64_t b)
{
    return model->is_bid ? a > b : a < b;
}

static unsigned worst_of(const struct model *model)
{
    unsigned worst = 0;

    for (unsigned i = 1; i < model->count; i++)
        if (better(model, model->levels[worst].price, model->levels[i].price))
            worst = i;
    return worst;
}

static void model_remove(struct model *model, unsigned i)
{
    model->levels[i] = model->levels[--model->count];
}

static void model_set(struct model *model, int64_t price, int64_t qty)
{
    for (unsigned i = 0; i < model->count; i++)
        if (model->levels[i].price == price) {
            model->levels[i].qty = qty;
            if (qty <= 0)
                model_remove(model, i);
            return;
        }
    if (qty <= 0)
        return;
    model->levels[model->count++] = (struct wire_level){ price, qty };
    if (model->count > model->max) {
        model_remove(model, worst_of(model));
        model->dropped++;
    }
}

static void model_truncate(struct model *model, unsigned depth)
{
    while (model->count > depth)
        model_remove(model, worst_of(model));
}

/* The i-th best: as many are better as its place says. */
static const struct wire_level *model_level(const struct model *model, unsigned place)
{
    for (unsigned i = 0; i < model->count; i++) {
        unsigned before = 0;
        for (unsigned k = 0; k < model->count; k++)
            before += better(model, model->levels[k].price, model->levels[i].price);
        if (before == place)
            return &model->levels[i];
    }
    return NULL;
}

static bool same_side(const struct book_side *side, const struct model *model)
{
    if (side->count != model->count || side->dropped != model->dropped)
        return false;
    for (unsigned i = 0; i < model->count; i++) {
        const struct wire_level *have = book_level(side, i), *want = model_level(model, i);
        if (have->price != want->price || have->qty != want->qty)
            return false;
    }
    return book_level(side, model->count) == NULL;
}

static uint64_t next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state >> 11;
}

static void random_step(struct book *book, struct model *bids, struct model *asks, uint64_t *state)
{
    uint64_t what = next(state) % 100;
    unsigned depth = (unsigned)(next(state) % 12);

    if (what == 0) {
        book_clear(book);
        bids->count = asks->count = 0;
    } else if (what < 4) {
        book_truncate(book, depth);
        model_truncate(bids, depth);
        model_truncate(asks, depth);
    } else {
        int64_t price = (int64_t)(next(state) % 40), qty = (int64_t)(next(state) % 4);
        bool is_bid = next(state) % 2;
        book_set(book, is_bid ? SIDE_BUY : SIDE_SELL, price, qty);
        model_set(is_bid ? bids : asks, price, qty);
    }
}

static void does_what_a_naive_book_does(void)
{
    static const unsigned sizes[] = { 1, 2, 3, 7, 10, 25, 63 };

    for (unsigned seed = 1; seed <= 40; seed++) {
        unsigned max = sizes[seed % COUNT(sizes)];
        struct book book = fresh(max);
        struct model bids = { .max = max, .is_bid = true }, asks = { .max = max };
        uint64_t state = seed * UINT64_C(0x9e3779b97f4a7c15);
        bool is_same = true;

        for (int step = 0; is_same && step < 5000; step++) {
            random_step(&book, &bids, &asks, &state);
            is_same = same_side(&book.bids, &bids) && same_side(&book.asks, &asks);
            if (!is_same)
                fprintf(stderr, "seed %u, step %d\n", seed, step);
        }
        CHECK(is_same);
        book_fini(&book);
    }
}

/* ---- events ---- */

static void begin(enum wire_type type, unsigned bids, unsigned asks)
{
    wire_book_begin(&event, type);
    event.price_exp = event.qty_exp = 8;
    event.bid_count = (uint16_t)bids;
    event.ask_count = (uint16_t)asks;
    event.is_last = 1;
    event.header.origin_ns = 1000;
    event.header.sent_ns = 2000;
    wire_book_end(&event);
}

static void snapshot_replaces_and_delta_changes(void)
{
    struct book book = fresh(10);

    book_set(&book, SIDE_BUY, 5, 5);
    begin(WIRE_book_snapshot, 2, 1);
    event.venue_seq = 7;
    event.exchange_ns = 70;
    event.levels[0] = (wire_level){ 100, 1 };
    event.levels[1] = (wire_level){ 99, 2 };
    event.levels[2] = (wire_level){ 101, 3 };
    CHECK_INT(book_apply(&book, &event.header), 0);
    CHECK(!book.is_stale);
    CHECK_INT(book.bids.count, 2);
    CHECK_INT(book.venue_seq, 7);
    CHECK_INT(book.exchange_ns, 70);
    CHECK_INT(book.updated_ns, 1000);
    begin(WIRE_book_delta, 1, 1);
    event.levels[0] = (wire_level){ 100, 0 };
    event.levels[1] = (wire_level){ 101, 9 };
    event.header.origin_ns = 0;
    CHECK_INT(book_apply(&book, &event.header), 0);
    CHECK_INT(book_best(&book.bids)->price, 99);
    CHECK_INT(book_best(&book.asks)->qty, 9);
    CHECK_INT(book.updated_ns, 2000);
    book_fini(&book);
}

static void later_word_of_a_delta_holds(void)
{
    struct book book = fresh(10);

    begin(WIRE_book_delta, 2, 2);
    event.levels[0] = (wire_level){ 100, 1 };
    event.levels[1] = (wire_level){ 100, 0 };
    event.levels[2] = (wire_level){ 101, 0 };
    event.levels[3] = (wire_level){ 101, 4 };
    CHECK_INT(book_apply(&book, &event.header), 0);
    CHECK_INT(book.bids.count, 0);
    CHECK_INT(book_best(&book.asks)->qty, 4);
    book_fini(&book);
}

static void delta_does_not_bring_a_stale_book_back(void)
{
    struct book book = fresh(10);

    begin(WIRE_book_delta, 1, 0);
    event.levels[0] = (wire_level){ 100, 1 };
    CHECK_INT(book_apply(&book, &event.header), 0);
    CHECK(book.is_stale);
    book_live(&book, 5);
    CHECK(!book.is_stale && book.updated_ns == 5);
    book_stale(&book);
    CHECK(book.is_stale);
    book_fini(&book);
}

static void crossed_book_is_stale_once_the_message_ends(void)
{
    struct book book = fresh(10);

    begin(WIRE_book_snapshot, 1, 1);
    event.levels[0] = (wire_level){ 100, 1 };
    event.levels[1] = (wire_level){ 101, 1 };
    CHECK_INT(book_apply(&book, &event.header), 0);
    begin(WIRE_book_delta, 1, 0);
    event.is_last = 0;
    event.levels[0] = (wire_level){ 101, 1 };
    CHECK_INT(book_apply(&book, &event.header), 0);
    CHECK(!book.is_stale);
    event.is_last = 1;
    CHECK_INT(book_apply(&book, &event.header), ERR_STALE);
    CHECK(book.is_stale);
    book_fini(&book);
}

static void other_exponents_are_rescaled_or_refused(void)
{
    struct book book = fresh(10);

    begin(WIRE_book_snapshot, 1, 0);
    event.price_exp = 2;
    event.qty_exp = 0;
    event.levels[0] = (wire_level){ 6160201, 3 };
    CHECK_INT(book_apply(&book, &event.header), 0);
    CHECK_INT(book_best(&book.bids)->price, 6160201000000);
    CHECK_INT(book_best(&book.bids)->qty, 300000000);
    event.price_exp = 9;
    CHECK_INT(book_apply(&book, &event.header), ERR_RANGE);
    CHECK(book.is_stale);
    event.price_exp = 8;
    event.qty_exp = -6;
    event.levels[0].qty = INT64_MAX;
    CHECK_INT(book_apply(&book, &event.header), ERR_RANGE);
    book_fini(&book);
}

static void only_book_events_are_applied(void)
{
    struct wire_trade trade;
    struct book book = fresh(1);

    WIRE_BEGIN(&trade, trade);
    book_live(&book, 5);
    CHECK_INT(book_apply(&book, &trade.header), ERR_NOT_FOUND);
    CHECK(!book.is_stale && book.updated_ns == 5);
    book_fini(&book);
}

static void snapshot_of_a_book_makes_the_same_book(void)
{
    struct book book = fresh(100), copy = fresh(100);

    for (int i = 0; i < 100; i++) {
        book_set(&book, SIDE_BUY, 1000 - i, i + 1);
        book_set(&book, SIDE_SELL, 1001 + 2 * i, i + 2);
    }
    book.venue_seq = 42;
    book_write_snapshot(&book, &event);
    CHECK_INT(wire_check(&event, event.header.size), 0);
    CHECK_INT(event.header.type, WIRE_book_snapshot);
    CHECK_INT(book_apply(&copy, &event.header), 0);
    CHECK_INT(copy.venue_seq, 42);
    CHECK(memcmp(copy.bids.levels, book.bids.levels, 100 * sizeof(wire_level)) == 0);
    CHECK(memcmp(copy.asks.levels, book.asks.levels, 100 * sizeof(wire_level)) == 0);
    book_fini(&book);
    book_fini(&copy);
}

static void snapshot_shares_its_room(void)
{
    static const unsigned depths[][4] = {
        /* bids, asks, then how many of each are sent */
        { 1000, 1000, 1000, 1000 }, { 5000, 5000, 1000, 1000 }, { 5000, 10, 1990, 10 },
        { 10, 5000, 10, 1990 },     { 0, 5000, 0, 2000 },       { 1500, 700, 1300, 700 },
    };

    for (size_t i = 0; i < COUNT(depths); i++) {
        struct book book = fresh(5000);
        for (unsigned k = 0; k < depths[i][0]; k++)
            book_set(&book, SIDE_BUY, 10000 - k, 1);
        for (unsigned k = 0; k < depths[i][1]; k++)
            book_set(&book, SIDE_SELL, 10001 + k, 1);
        book_write_snapshot(&book, &event);
        CHECK_INT(wire_check(&event, event.header.size), 0);
        CHECK_INT(event.bid_count, depths[i][2]);
        CHECK_INT(event.ask_count, depths[i][3]);
        if (event.bid_count)
            CHECK_INT(event.levels[0].price, 10000);
        CHECK_INT(event.levels[event.bid_count].price, 10001);
        book_fini(&book);
    }
}

/* ---- walking ---- */

static void walk_takes_the_best_first_up_to_the_limit(void)
{
    struct book book = fresh(10);
    struct book_walk walk;

    book_set(&book, SIDE_SELL, 101, 5);
    book_set(&book, SIDE_SELL, 102, 5);
    book_set(&book, SIDE_SELL, 104, 5);
    book_walk(&book.asks, 7, 0, &walk);
    CHECK_INT(walk.filled_qty, 7);
    CHECK_INT(walk.worst_price, 102);
    CHECK_INT(walk.notional, 5 * 101 + 2 * 102);
    book_walk(&book.asks, 100, 102, &walk);
    CHECK_INT(walk.filled_qty, 10);
    CHECK_INT(walk.worst_price, 102);
    book_walk(&book.asks, 100, 0, &walk);
    CHECK_INT(walk.filled_qty, 15);
    book_walk(&book.asks, 1, 100, &walk);
    CHECK_INT(walk.filled_qty, 0);
    CHECK_INT(walk.worst_price, 0);
    book_walk(&book.asks, 0, 0, &walk);
    CHECK_INT(walk.filled_qty, 0);
    book_set(&book, SIDE_BUY, 99, INT64_MAX);
    book_set(&book, SIDE_BUY, 98, INT64_MAX);
    book_walk(&book.bids, INT64_MAX, 99, &walk);
    CHECK(walk.filled_qty == INT64_MAX && walk.notional == (i128)INT64_MAX * 99);
    book_fini(&book);
}

int main(void)
{
    CASE(keeps_the_best_levels_and_lets_the_worst_go);
    CASE(refuses_sizes_and_exponents_out_of_range);
    CASE(crossed_is_bid_at_or_above_ask);
    CASE(does_what_a_naive_book_does);
    CASE(snapshot_replaces_and_delta_changes);
    CASE(later_word_of_a_delta_holds);
    CASE(delta_does_not_bring_a_stale_book_back);
    CASE(crossed_book_is_stale_once_the_message_ends);
    CASE(other_exponents_are_rescaled_or_refused);
    CASE(only_book_events_are_applied);
    CASE(snapshot_of_a_book_makes_the_same_book);
    CASE(snapshot_shares_its_room);
    CASE(walk_takes_the_best_first_up_to_the_limit);
    DONE();
}
