/* The order book against what it is meant to be. */
#include "common/leaf/err.h"
#include "common/pure/book.h"
#include "tests/unit/check.h"

static void keeps_the_best_levels_and_lets_the_worst_go(void)
{
    struct book book;

    CHECK_INT(book_init(&book, 2, 8, 8), 0);
    CHECK(book.is_stale);
    book_set(&book, SIDE_BUY, 100, 1);
    book_set(&book, SIDE_BUY, 102, 2);
    book_set(&book, SIDE_BUY, 101, 3);
    CHECK_INT(book.bids.count, 2);
    CHECK_INT(book_best(&book.bids)->price, 102);
    CHECK_INT(book_level(&book.bids, 1)->price, 101);
    CHECK_INT(book.bids.dropped, 1);
    book_set(&book, SIDE_SELL, 103, 1);
    CHECK(!book_is_crossed(&book));
    book_set(&book, SIDE_SELL, 102, 1);
    CHECK(book_is_crossed(&book));
    book_set(&book, SIDE_SELL, 102, 0);
    CHECK_INT(book_best(&book.asks)->price, 103);
    book_fini(&book);
    book_fini(&book);
}

int main(void)
{
    CASE(keeps_the_best_levels_and_lets_the_worst_go);
    DONE();
}
