/* Events: names, sizes, validation. */
#include "common/leaf/err.h"
#include "common/pure/wire.h"
#include "tests/unit/check.h"

static void a_fresh_event_is_valid(void)
{
    struct wire_best_quote quote;
    static struct wire_book_delta book;

    WIRE_BEGIN(&quote, best_quote);
    CHECK_INT(wire_check(&quote, sizeof(quote)), 0);
    quote.price_exp = 19;
    CHECK_INT(wire_check(&quote, sizeof(quote)), ERR_PROTO);
    wire_book_begin(&book, WIRE_book_delta);
    book.bid_count = 2;
    wire_book_end(&book);
    CHECK_INT(wire_check(&book, book.header.size), 0);
    CHECK_INT(wire_check(&book, book.header.size - 16), ERR_PROTO);
}

int main(void)
{
    CASE(a_fresh_event_is_valid);
    DONE();
}
