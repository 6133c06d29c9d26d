/* A book published as events is the same book at the receiver, however large it is. */
#include "common/pure/book_emit.h"
#include "tests/unit/check.h"

static struct wire_book_delta scratch;
static struct book received;
static unsigned events, lasts, invalid;

static void receive(void *ctx, struct wire_header *event)
{
    const struct wire_book_delta *book = (const void *)event;

    (void)ctx;
    events++;
    lasts += book->is_last;
    invalid += wire_check(event, event->size) != 0 || event->instrument != 77 ||
               event->flags != WIRE_SNAPSHOT || book->venue_seq != 5 || book->exchange_ns != 6 ||
               book_apply(&received, event) != 0;
}

static const struct book_emitter to = { receive, NULL, 77, WIRE_SNAPSHOT, &scratch };

static bool is_same(const struct book_side *a, const struct book_side *b)
{
    return a->count == b->count && memcmp(a->levels, b->levels, a->count * sizeof(*a->levels)) == 0;
}

static void fill(struct book *book, uint32_t bids, uint32_t asks)
{
    book_clear(book);
    for (uint32_t i = 0; i < bids; i++)
        book_set(book, SIDE_BUY, 100000 - i, 1 + i);
    for (uint32_t i = 0; i < asks; i++)
        book_set(book, SIDE_SELL, 100001 + i, 2 + i);
    book->venue_seq = 5;
    book->exchange_ns = 6;
}

static void a_whole_book_arrives_whole(void)
{
    static const uint32_t sizes[][2] = { { 0, 0 },    { 1, 0 },    { 1000, 1000 }, { 1000, 1001 },
                                         { 0, 5000 }, { 4321, 3 }, { 2000, 2000 }, { 5000, 5000 } };
    struct book book;

    CHECK(book_init(&book, 5000, 2, 3) == 0 && book_init(&received, 5000, 2, 3) == 0);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        fill(&book, sizes[i][0], sizes[i][1]);
        book_set(&received, SIDE_BUY, 1, 1); /* Of another life: the snapshot replaces it. */
        events = lasts = invalid = 0;
        book_emit_whole(&to, &book);
        CHECK_INT(lasts, 1);
        CHECK_INT(invalid, 0);
        CHECK_INT(events,
                  MAX(1, (sizes[i][0] + sizes[i][1] + WIRE_LEVELS_MAX - 1) / WIRE_LEVELS_MAX));
        CHECK(is_same(&book.bids, &received.bids) && is_same(&book.asks, &received.asks));
        CHECK(!received.is_stale);
    }
    book_fini(&book);
    book_fini(&received);
}

static void changes_arrive_in_as_many_events_as_they_need(void)
{
    static struct wire_level bids[3000], asks[3000];
    struct book book;

    CHECK(book_init(&book, 5000, 2, 3) == 0 && book_init(&received, 5000, 2, 3) == 0);
    fill(&book, 10, 10);
    book_emit_whole(&to, &book);
    for (uint32_t i = 0; i < COUNT(bids); i++) {
        bids[i] = (struct wire_level){ .price = 90000 - i, .qty = 7 };
        asks[i] = (struct wire_level){ .price = 110000 + i, .qty = 8 };
        book_set(&book, SIDE_BUY, bids[i].price, bids[i].qty);
        book_set(&book, SIDE_SELL, asks[i].price, asks[i].qty);
    }
    events = lasts = invalid = 0;
    book_emit_changes(&to, &book, bids, 3000, asks, 3000);
    CHECK(events == 3 && lasts == 1 && invalid == 0);
    CHECK(is_same(&book.bids, &received.bids) && is_same(&book.asks, &received.asks));
    events = lasts = 0;
    book_emit_changes(&to, &book, NULL, 0, NULL, 0); /* It is right as of now. */
    CHECK(events == 1 && lasts == 1 && invalid == 0);
    book_fini(&book);
    book_fini(&received);
}

static void of_several_changes_of_a_price_the_last_holds(void)
{
    struct wire_level levels[] = { { 5, 1 }, { 6, 1 }, { 5, 0 }, { 7, 3 }, { 6, 2 } };

    CHECK_INT(book_unite(levels, 5), 3);
    CHECK(levels[0].price == 5 && levels[0].qty == 0);
    CHECK(levels[1].price == 7 && levels[1].qty == 3);
    CHECK(levels[2].price == 6 && levels[2].qty == 2);
    CHECK_INT(book_unite(levels, 3), 3);
    CHECK_INT(book_unite(levels, 0), 0);
}

int main(void)
{
    CASE(a_whole_book_arrives_whole);
    CASE(changes_arrive_in_as_many_events_as_they_need);
    CASE(of_several_changes_of_a_price_the_last_holds);
    DONE();
}
