#include "common/pure/book_check.h"

#include "common/leaf/err.h"
#include "tests/unit/check.h"

static struct book book;
static struct book_check check;

/* Bids 100, 99 ... and asks 101, 102 ..., ten of each; the venue says the same. */
static void begin(void)
{
    book_check_fini(&check);
    book_fini(&book);
    CHECK_INT(book_init(&book, 20, 8, 8), 0);
    CHECK_INT(book_check_init(&check, 10, 8), 0);
    book_check_begin(&check);
    for (int i = 0; i < 10; i++) {
        book_set(&book, SIDE_BUY, 100 - i, 50);
        book_set(&book, SIDE_SELL, 101 + i, 50);
    }
}

static void say(wire_side side, int from, int to, int64_t qty)
{
    for (int i = from; i < to; i++)
        CHECK_INT(book_check_say(&check, side, side == SIDE_BUY ? 100 - i : 101 + i, qty), 0);
}

static int64_t bids(int64_t tolerance, bool is_cut)
{
    return book_check_differs(&check, &book, SIDE_BUY, tolerance, is_cut);
}

static void equal_books_do_not_differ(void)
{
    begin();
    say(SIDE_BUY, 0, 10, 50);
    say(SIDE_SELL, 0, 10, 50);
    CHECK_INT(bids(0, false), 0);
    CHECK_INT(book_check_differs(&check, &book, SIDE_SELL, 0, false), 0);
}

static void the_first_level_that_differs_is_named(void)
{
    begin();
    say(SIDE_BUY, 0, 4, 50);
    say(SIDE_BUY, 5, 10, 50); /* 96 is ours alone. */
    CHECK_INT(bids(0, false), 96);
    CHECK_INT(bids(49, false), 96);
    CHECK_INT(bids(50, false), 0); /* Within the tolerance it may be nothing. */
    begin();
    book_set(&book, SIDE_SELL, 105, 0); /* The venue's alone. */
    say(SIDE_SELL, 0, 10, 50);
    CHECK_INT(book_check_differs(&check, &book, SIDE_SELL, 0, false), 105);
    begin();
    say(SIDE_BUY, 0, 9, 50);
    CHECK_INT(book_check_say(&check, SIDE_BUY, 91, 48), 0);
    CHECK_INT(bids(1, false), 91);
    CHECK_INT(bids(2, false), 0);
}

static void what_was_touched_meanwhile_is_not_compared(void)
{
    begin();
    say(SIDE_BUY, 0, 4, 50);
    say(SIDE_BUY, 5, 10, 50);
    book_check_touch(&check, SIDE_SELL, 96); /* The other side's is another price. */
    CHECK_INT(bids(0, false), 96);
    book_check_touch(&check, SIDE_BUY, 96);
    CHECK_INT(bids(0, false), 0);
    book_check_begin(&check);
    say(SIDE_BUY, 0, 4, 50);
    say(SIDE_BUY, 5, 10, 50);
    CHECK_INT(bids(0, false), 96); /* The next comparison begins anew. */
}

static void beyond_the_end_of_either_nothing_is_compared(void)
{
    begin();
    say(SIDE_BUY, 0, 5, 50);
    CHECK_INT(bids(0, false), 95); /* Whole, and shorter than ours. */
    check.bids.is_cut = true;
    CHECK_INT(bids(0, false), 0);
    begin();
    for (int i = 5; i < 10; i++)
        book_set(&book, SIDE_BUY, 100 - i, 0);
    say(SIDE_BUY, 0, 10, 50);
    CHECK_INT(bids(0, false), 95);
    CHECK_INT(bids(0, true), 0);
    CHECK_INT(book_check_say(&check, SIDE_BUY, 80, 1), ERR_FULL);
    CHECK(check.bids.is_cut);
}

static void more_than_it_can_write_down_is_said(void)
{
    begin();
    for (int i = 0; i < 8; i++)
        book_check_touch(&check, SIDE_BUY, 200 + i);
    book_check_touch(&check, SIDE_BUY, 200);
    CHECK(!check.is_overrun);
    book_check_touch(&check, SIDE_BUY, 300);
    CHECK(check.is_overrun);
    book_check_begin(&check);
    CHECK(!check.is_overrun);
}

int main(void)
{
    CASE(equal_books_do_not_differ);
    CASE(the_first_level_that_differs_is_named);
    CASE(what_was_touched_meanwhile_is_not_compared);
    CASE(beyond_the_end_of_either_nothing_is_compared);
    CASE(more_than_it_can_write_down_is_said);
    book_check_fini(&check);
    book_fini(&book);
    DONE();
}
