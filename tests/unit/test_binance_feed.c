/* The Binance feed codec: captures against an independent rebuild, the sync rule case by case, and
 * its life. */
#include "common/pure/instrument.h"
#include "tests/unit/capture.h"
#include "tests/unit/check.h"
#include "tests/unit/feed_world.h"

#include <unistd.h>

extern const struct venue venue_binance;

static const struct venue_feed_config replay_config = {
    .venue = "binance", .rest_url = "", .ws_url = "", .takes_any_symbol = true, .levels_max = 8192
};

static uint64_t id_of(const char *symbol)
{
    return instrument_id("binance", INSTRUMENT_SPOT, symbol);
}

/* ---- captures ---- */

struct expected {
    struct scan_value snapshots, dropped_old, applied, crossed, records, top;
};

static bool expected_find(const struct file_text *books, const char *capture, struct expected *out)
{
    struct scan_value line, name;

    for (const char *at = books->text; at && *at; at = strchr(at, '\n') + 1) {
        size_t len = strcspn(at, "\n");
        if (len == 0 || scan_whole(at, len, &line) != 0 ||
            scan_find(&line, "capture", &name) != 0 || !scan_is(&name, capture))
            continue;
        return scan_find(&line, "snapshots", &out->snapshots) == 0 &&
               scan_find(&line, "dropped_old", &out->dropped_old) == 0 &&
               scan_find(&line, "applied", &out->applied) == 0 &&
               scan_find(&line, "crossed", &out->crossed) == 0 &&
               scan_find(&line, "records", &out->records) == 0 &&
               scan_find(&line, "top", &out->top) == 0;
    }
    return false;
}

static long long number(const struct scan_value *value)
{
    int64_t out = -1;

    (void)scan_i64(value, &out);
    return out;
}

/* symbol -> [bid, ask, bid levels, ask levels] against the codec's book and the subscriber's. */
static void top_check(struct feed_world *world, const struct scan_value *key,
                      const struct scan_value *want)
{
    struct venue_feed_top tops[VENUE_SYMBOLS_MAX];
    struct scan_value item[4];
    struct scan_iter iter;
    char symbol[32];
    int64_t bid = 0, ask = 0;

    CHECK(scan_text(key, symbol, sizeof(symbol)) == 0);
    size_t count = venue_binance.feed->tops(world->state, tops, COUNT(tops)), i = 0;
    if (strcmp(symbol, "ONLY") != 0)
        while (i < count && strcmp(tops[i].symbol, symbol) != 0)
            i++;
    CHECK(i < count);
    if (i == count || scan_begin(&iter, want) != 0)
        return;
    for (size_t n = 0; n < COUNT(item); n++)
        CHECK(scan_item(&iter, &item[n]) == 0);
    CHECK(!tops[i].is_stale && tops[i].has_bid && tops[i].has_ask);
    CHECK(scan_decimal(&item[0], tops[i].price_exp, &bid) == 0);
    CHECK(scan_decimal(&item[1], tops[i].price_exp, &ask) == 0);
    CHECK_INT(tops[i].bid_price, bid);
    CHECK_INT(tops[i].ask_price, ask);

    struct world_book *seen = world_book(world, id_of(tops[i].symbol));
    CHECK_INT(book_best(&seen->book.bids)->price, bid);
    CHECK_INT(book_best(&seen->book.asks)->price, ask);
    CHECK_INT(seen->book.bids.count, number(&item[2]));
    CHECK_INT(seen->book.asks.count, number(&item[3]));
    CHECK_INT(seen->state, FEED_LIVE);
    CHECK_INT(seen->quote.bid_qty > 0 && seen->quote.ask_qty > 0, true);
}

static void record_play(struct feed_world *world, const struct capture_record *record)
{
    world->clock.wall_ns = record->ts_ns;
    world->clock.now_ns++;
    if (strcmp(record->kind, "recv") == 0)
        (void)world->ops->frame(world->state, 0, record->data, record->len, &world->clock,
                                &world->out);
    else if (strcmp(record->kind, "http") == 0)
        (void)world_http(world, 0, record->url, 200, record->data);
    else if (strcmp(record->kind, "connect") == 0)
        world->ops->opened(world->state, 0, &world->clock, &world->out);
    world->ops->tick(world->state, &world->clock, &world->out);
}

static void capture_check(const char *name, unsigned symbols, unsigned trades, bool is_defined)
{
    struct file_text books = file_read(SHARED "fixtures/expected_books.jsonl");
    struct expected want = { 0 };
    struct feed_world world;
    struct capture capture;
    struct capture_record record;
    struct venue_feed_stats stats;
    struct scan_iter iter;
    struct scan_value key, value;
    char path[256];

    snprintf(path, sizeof(path), SHARED "fixtures/binance/captures/%s", name);
    CHECK(expected_find(&books, name, &want) && capture_open(&capture, path));
    world_begin(&world, venue_binance.feed, &replay_config);
    while (capture_next(&capture, &record))
        record_play(&world, &record);
    venue_binance.feed->stats(world.state, &stats);

    CHECK_INT(stats.snapshots, number(&want.snapshots));
    CHECK_INT(stats.deltas, number(&want.applied));
    CHECK_INT(stats.dropped_old, number(&want.dropped_old));
    CHECK_INT(stats.crossed, number(&want.crossed));
    CHECK_INT(stats.messages, number(&want.records));
    CHECK_INT(stats.trades, trades);
    CHECK_INT(stats.gaps + stats.resyncs + stats.rejected + stats.checksum_failed, 0);
    CHECK_INT(stats.events, world.events);
    CHECK_INT(world.invalid, 0);
    CHECK_INT(world.crossed_live, 0);
    CHECK_INT(world.book_count, symbols);
    CHECK_INT(world.requests + world.frames, 0);
    CHECK_INT(world.feed_state, FEED_LIVE);
    CHECK(scan_begin(&iter, &want.top) == 0);
    while (scan_member(&iter, &key, &value) == 0)
        top_check(&world, &key, &value);
    for (size_t i = 0; i < world.book_count; i++)
        CHECK_INT(world.books[i].definition.header.size != 0, is_defined);
    world_end(&world);
    capture_close(&capture);
    free(books.text);
}

static void capture_of_eleven_minutes_rebuilds_its_book(void)
{
    capture_check("spot_btcusdt_20240808_09_11min_with_snapshot.jsonl.zst", 1, 19904, false);
}

static void capture_of_four_symbols_rebuilds_their_books(void)
{
    capture_check("spot_4symbols_20211012_30s_with_snapshot.jsonl.zst", 4, 2, true);
}

static void capture_with_5000_levels_rebuilds_its_books(void)
{
    capture_check("spot_multi_20210814_30s_with_snapshot.jsonl.zst", 4, 28, true);
}

static void capture_of_the_us_venue_rebuilds_its_books(void)
{
    capture_check("us_spot_20211012_31s_with_snapshot.jsonl.zst", 4, 11, true);
}

int main(void)
{
    if (access(SHARED "fixtures/expected_books.jsonl", R_OK) == 0) {
        CASE(capture_of_eleven_minutes_rebuilds_its_book);
        CASE(capture_of_four_symbols_rebuilds_their_books);
        CASE(capture_with_5000_levels_rebuilds_its_books);
        CASE(capture_of_the_us_venue_rebuilds_its_books);
    } else {
        printf("ok captures # skipped: no ../shared\n");
    }
    DONE();
}
