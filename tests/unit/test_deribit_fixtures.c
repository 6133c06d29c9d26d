/* Every payload of ../shared/fixtures/deribit is read into what tests/replay/deribit_fixtures.tsv
 * states; fixtures.h says how. */
#include "tests/unit/fixtures.h"

extern const struct venue venue_deribit;

/* definitions: a list of instruments, then a trade of each: it is announced when it is seen. */
static bool run(struct fixture *f, const char *how, const char *text)
{
    struct scan_value top, list, item, name;
    struct scan_iter iter;
    char frame[512];

    if (strcmp(how, "definitions") != 0)
        return false;
    fixture_feed_http(f, "https://www.deribit.com/api/v2/public/get_instruments?currency=any",
                      text);
    CHECK(scan_whole(text, strlen(text), &top) == 0 && scan_find(&top, "result", &list) == 0 &&
          scan_begin(&iter, &list) == 0);
    while (scan_item(&iter, &item) == 0 && scan_find(&item, "instrument_name", &name) == 0) {
        snprintf(frame, sizeof(frame),
                 "{\"method\":\"subscription\",\"params\":{\"channel\":\"trades.%.*s.raw\","
                 "\"data\":[]}}",
                 (int)name.len, name.text);
        fixture_feed_frame(f, 0, frame);
    }
    return true;
}

int main(void)
{
    static const struct fixture_venue deribit = { .venue = &venue_deribit, .run = run };

    return fixtures_main(&deribit);
}
