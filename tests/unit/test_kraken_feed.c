/* The Kraken feed codec: captures against an independent rebuild, the checksum's vectors, losses,
 * and its life. What single payloads of the fixtures decode to is in test_kraken_fixtures.c. */
#include "common/pure/crypto.h"
#include "common/pure/instrument.h"
#include "tests/unit/capture.h"
#include "tests/unit/check.h"
#include "tests/unit/feed_world.h"
#include "venues/kraken/feed.h"

#include <unistd.h>

extern const struct venue venue_kraken;

static const struct venue_feed_config replay_config = {
    .venue = "kraken", .rest_url = "", .ws_url = "", .takes_any_symbol = true
};

static uint64_t id_of(const char *symbol)
{
    return instrument_id("kraken", INSTRUMENT_SPOT, symbol);
}

static struct venue_feed_stats stats_of(struct feed_world *world)
{
    struct venue_feed_stats stats;

    world->ops->stats(world->state, &stats);
    return stats;
}

/* ---- captures ---- */

static const char *const captures[] = {
    "ws_v2_btcusd_depth10_20260801_60s_with_resubscribes.jsonl.zst",
    "ws_v2_btcusd_depth25_20260802_51s_with_snapshot.jsonl.zst",
    "ws_v2_xrpusd_depth25_20260802_43s_with_snapshot.jsonl.zst",
};

static bool open_capture(struct capture *capture, const char *name)
{
    char path[256];

    snprintf(path, sizeof(path), SHARED "fixtures/kraken/captures/%s", name);
    return capture_open(capture, path);
}

static bool is_book(const struct capture_record *record)
{
    return strstr(record->data, "\"channel\":\"book\"") && strstr(record->data, "\"checksum\"");
}

/* Plays a capture, leaving out its book frame number without (from 0; -1: none). */
static void play(struct feed_world *world, const char *name, int without)
{
    struct capture capture;
    struct capture_record record;

    CHECK(open_capture(&capture, name));
    while (capture_next(&capture, &record)) {
        if (strcmp(record.kind, "recv") != 0 || (is_book(&record) && without-- == 0))
            continue;
        world->clock.now_ns += NS_PER_MS;
        world->clock.wall_ns = record.ts_ns;
        (void)world_frame(world, record.data);
    }
    capture_close(&capture);
}

static int64_t expected_number(const struct scan_value *line, const char *name)
{
    struct scan_value value;
    int64_t number = -1;

    if (scan_find(line, name, &value) == 0)
        (void)scan_i64(&value, &number);
    return number;
}

static void check_top(struct feed_world *world, const struct scan_value *line)
{
    struct scan_value tops, symbol, row, item[4];
    struct scan_iter iter;
    struct venue_feed_top top[2];
    char text[32];
    int64_t bid = 0, ask = 0;

    CHECK_INT(world->ops->tops(world->state, top, COUNT(top)), 1);
    CHECK(scan_find(line, "top", &tops) == 0 && scan_begin(&iter, &tops) == 0 &&
          scan_member(&iter, &symbol, &row) == 0 && scan_text(&symbol, text, sizeof(text)) == 0);
    CHECK_STR(top[0].symbol, text);
    CHECK(scan_begin(&iter, &row) == 0);
    for (size_t i = 0; i < COUNT(item); i++)
        CHECK(scan_item(&iter, &item[i]) == 0);
    CHECK(scan_decimal(&item[0], top[0].price_exp, &bid) == 0 &&
          scan_decimal(&item[1], top[0].price_exp, &ask) == 0);
    CHECK(!top[0].is_stale && top[0].has_bid && top[0].has_ask);
    CHECK_INT(top[0].bid_price, bid);
    CHECK_INT(top[0].ask_price, ask);

    /* What a subscriber of the events alone has is the same book, to its last level. */
    struct world_book *seen = world_book(world, id_of(text));
    int64_t levels = -1;
    CHECK_INT(book_best(&seen->book.bids)->price, bid);
    CHECK_INT(book_best(&seen->book.asks)->price, ask);
    CHECK(scan_i64(&item[2], &levels) == 0);
    CHECK_INT(seen->book.bids.count, levels);
    CHECK(scan_i64(&item[3], &levels) == 0);
    CHECK_INT(seen->book.asks.count, levels);
    CHECK_INT(seen->quote.bid_price, bid);
    CHECK_INT(seen->quote.ask_price, ask);
}

static void captures_give_what_an_independent_rebuild_gives(void)
{
    struct file_text books = file_read(SHARED "fixtures/expected_books.jsonl");
    unsigned found = 0;

    for (const char *at = books.text; at && *at; at = strchr(at, '\n') + 1) {
        struct scan_value line, name;
        CHECK(scan_whole(at, strcspn(at, "\n"), &line) == 0 &&
              scan_find(&line, "capture", &name) == 0);
        for (size_t i = 0; i < COUNT(captures); i++) {
            struct feed_world world;
            if (!scan_is(&name, captures[i]))
                continue;
            found++;
            world_begin(&world, venue_kraken.feed, &replay_config);
            play(&world, captures[i], -1);
            struct venue_feed_stats stats = stats_of(&world);
            CHECK_INT(stats.checksum_ok, expected_number(&line, "crc_ok"));
            CHECK_INT(stats.checksum_failed, 0);
            CHECK_INT(stats.snapshots, expected_number(&line, "snapshots"));
            CHECK_INT(stats.snapshots + stats.deltas, expected_number(&line, "updates"));
            CHECK_INT(stats.crossed, expected_number(&line, "crossed"));
            CHECK_INT(stats.rejected + stats.gaps + stats.resyncs, 0);
            CHECK_INT(world.invalid, 0);
            CHECK_INT(world.crossed_live, 0);
            check_top(&world, &line);
            world_end(&world);
        }
    }
    CHECK_INT(found, COUNT(captures));
    free(books.text);
}

static bool is_same_top(const struct book_side *a, const struct book_side *b, uint32_t levels)
{
    for (uint32_t i = 0; i < levels; i++) {
        const struct wire_level *one = book_level(a, i), *other = book_level(b, i);
        if ((one == NULL) != (other == NULL) ||
            (one && (one->price != other->price || one->qty != other->qty)))
            return false;
    }
    return true;
}

/* Whatever single book frame but the last is missing: in the end the book is stale, or its ten best
 * levels are the venue's. All levels of a depth-10 book are under the checksum. */
static void a_missing_frame_is_noticed_or_made_good(void)
{
    static const struct {
        int frames, step;
        unsigned noticed_min;
    } runs[COUNT(captures)] = { { 300, 1, 200 }, { 2051, 40, 20 }, { 1146, 20, 20 } };

    for (size_t i = 0; i < COUNT(captures); i++) {
        struct feed_world whole;
        unsigned noticed = 0;
        world_begin(&whole, venue_kraken.feed, &replay_config);
        play(&whole, captures[i], -1);
        const struct kraken_market *want = &((struct kraken_feed *)whole.state)->markets[0];
        for (int without = 0; without < runs[i].frames; without += runs[i].step) {
            struct feed_world world;
            world_begin(&world, venue_kraken.feed, &replay_config);
            play(&world, captures[i], without);
            struct venue_feed_stats stats = stats_of(&world);
            const struct kraken_market *have = &((struct kraken_feed *)world.state)->markets[0];
            noticed += stats.checksum_failed + stats.gaps > 0;
            CHECK(have->book.is_stale ||
                  (is_same_top(&have->book.bids, &want->book.bids, KRAKEN_CHECKSUM_LEVELS) &&
                   is_same_top(&have->book.asks, &want->book.asks, KRAKEN_CHECKSUM_LEVELS)));
            CHECK(have->book.is_stale == (have->state != FEED_LIVE));
            CHECK_INT(world.crossed_live, 0);
            CHECK_INT(world.invalid, 0);
            world_end(&world);
        }
        /* The rest were overwritten by the next frame, or lay below what the checksum covers. */
        CHECK(noticed >= runs[i].noticed_min);
        world_end(&whole);
    }
}

/* ---- checksum ---- */

struct text_level {
    const char *price, *qty;
};

static uint32_t checksum_of(const struct text_level *asks, size_t ask_count,
                            const struct text_level *bids, size_t bid_count, int price_decimals,
                            int qty_decimals)
{
    struct book book;
    int64_t price, qty;

    CHECK(book_init(&book, 16, 8, 8) == 0);
    for (size_t i = 0; i < ask_count + bid_count; i++) {
        const struct text_level *level = i < ask_count ? &asks[i] : &bids[i - ask_count];
        CHECK(fixed_parse(level->price, strlen(level->price), 8, &price) == 0 &&
              fixed_parse(level->qty, strlen(level->qty), 8, &qty) == 0);
        book_set(&book, i < ask_count ? SIDE_SELL : SIDE_BUY, price, qty);
    }
    struct kraken_sum none = { .price_decimals = 0 };
    uint32_t sum = kraken_checksum(&none, &book, price_decimals, qty_decimals);
    book_fini(&book);
    return sum;
}

static void checksum_gives_the_published_vectors(void)
{
    static const struct text_level guide_asks[] = {
        { "45285.2", "0.00100000" },
        { "45286.4", "1.54571953" },
        { "45286.6", "1.54571109" },
        { "45289.6", "1.54560911" },
        { "45290.2", "0.15890660" },
        { "45291.8", "1.54553491" },
        { "45294.7", "0.04454749" },
        { "45296.1", "0.35380000" },
        { "45297.5", "0.09945542" },
        { "45299.5", "0.18772827" },
        { "45300.0", "9" /* The eleventh does not count. */ },
    };
    static const struct text_level guide_bids[] = {
        { "45283.5", "0.10000000" }, { "45283.4", "1.54582015" }, { "45282.1", "0.10000000" },
        { "45281.0", "0.10000000" }, { "45280.3", "1.54592586" }, { "45279.0", "0.07990000" },
        { "45277.6", "0.03310103" }, { "45277.5", "0.30000000" }, { "45277.3", "1.54602737" },
        { "45276.6", "0.15445238" },
    };
    static const struct text_level small_asks[] = { { "0.05005", "0.00000500" },
                                                    { "0.05010", "0.00000500" } };
    static const struct text_level small_bids[] = { { "0.05000", "0.00000500" } };
    struct text_level even_asks[10], even_bids[10];
    static const char *const even[] = { "0.05005", "0.05010", "0.05015", "0.05020", "0.05025",
                                        "0.05030", "0.05035", "0.05040", "0.05045", "0.05050",
                                        "0.05000", "0.04995", "0.04990", "0.04980", "0.04975",
                                        "0.04970", "0.04965", "0.04960", "0.04955", "0.04950" };

    CHECK_INT(checksum_of(guide_asks, 11, guide_bids, 10, 1, 8), 3310070434u);
    for (size_t i = 0; i < 10; i++) {
        even_asks[i] = (struct text_level){ even[i], "0.000005" };
        even_bids[i] = (struct text_level){ even[10 + i], "0.000005" };
    }
    CHECK_INT(checksum_of(even_asks, 10, even_bids, 10, 5, 8), 974947235u);
    CHECK_INT(checksum_of(small_asks, 2, small_bids, 1, 5, 8), 1725113685u);
    CHECK_INT(checksum_of(NULL, 0, NULL, 0, 5, 8), 0);
    /* Zeros that were lost in the text make another sum. */
    CHECK(checksum_of(guide_asks, 10, guide_bids, 10, 1, 7) != 3310070434u);
}

static void checksum_writes_decimals_beyond_the_exponent(void)
{
    static const struct text_level ask[] = { { "1.5", "2" } };

    CHECK_INT(checksum_of(ask, 1, NULL, 0, 10, 9),
              crc32_ieee("150000000002000000000", strlen("150000000002000000000")));
}

static void checksum_is_that_of_the_documented_concatenation(void)
{
    struct file_text text =
        file_read(SHARED "fixtures/kraken/vectors/checksum_ws_v2_book_documented_example.json");
    struct scan_value root, lexemes, sum;
    uint64_t want = 0;

    CHECK(text.text && scan_whole(text.text, text.len, &root) == 0 &&
          scan_find(&root, "concatenation", &lexemes) == 0 &&
          scan_find(&root, "checksum", &sum) == 0 && scan_u64(&sum, &want) == 0);
    CHECK_INT(crc32_ieee(lexemes.text, lexemes.len), want);
    free(text.text);
}

/* ---- a made-up venue: BTC/USD with one decimal in prices, eight in quantities ---- */

static const struct venue_feed_config live_config = {
    .venue = "kraken",
    .rest_url = "https://api.kraken.com",
    .ws_url = "wss://ws.kraken.com",
    .names = (const char *const[]){ "BTC-USD" },
    .name_count = 1,
    .depth = 10,
    .maker_fee_ppm = 1600,
    .taker_fee_ppm = 2600,
};

static const char asset_pairs[] =
    "{\"error\":[],\"result\":{\"XXBTZUSD\":{\"altname\":\"XBTUSD\",\"wsname\":\"XBT/USD\","
    "\"base\":\"XXBT\",\"quote\":\"ZUSD\",\"pair_decimals\":1,\"lot_decimals\":8,"
    "\"fees\":[[0,0.4],[10000,0.35]],\"fees_maker\":[[0,0.25]],\"ordermin\":\"0.00005\","
    "\"costmin\":\"0.5\",\"tick_size\":\"0.1\",\"status\":\"online\"}}}";

static void world_live(struct feed_world *world)
{
    world_begin(world, venue_kraken.feed, &live_config);
    world->ops->start(world->state, &world->clock, &world->out);
    CHECK(world_http(world, world->request.tag, "", 200, asset_pairs) == 0);
    world->ops->opened(world->state, 0, &world->clock, &world->out);
}

/* A book frame whose checksum is that of the digits given. */
static int book_frame(struct feed_world *world, const char *type, const char *bids,
                      const char *asks, const char *digits)
{
    char text[2048];

    snprintf(
        text, sizeof(text),
        "{\"channel\":\"book\",\"type\":\"%s\",\"data\":[{\"symbol\":\"BTC/USD\",\"bids\":[%s],"
        "\"asks\":[%s],\"checksum\":%u,\"timestamp\":\"2026-08-01T02:53:53.646219Z\"}]}",
        type, bids, asks, crc32_ieee(digits, strlen(digits)));
    return world_frame(world, text);
}

#define L(price, qty) "{\"price\":" price ",\"qty\":" qty "}"

static int good_snapshot(struct feed_world *world)
{
    return book_frame(world, "snapshot", L("100.0", "1.00000000"), L("100.5", "2.00000000"),
                      "1005200000000"
                      "1000100000000");
}

static void subscribes_when_defined_and_goes_live_with_a_snapshot(void)
{
    struct feed_world world;
    struct venue_connection connection[VENUE_CONNECTIONS_MAX];

    world_begin(&world, venue_kraken.feed, &live_config);
    CHECK_INT(world.ops->connections(world.state, connection), 1);
    CHECK_STR(connection[0].url, "wss://ws.kraken.com/v2");
    world.ops->start(world.state, &world.clock, &world.out);
    CHECK_STR(world.request.method, "GET");
    CHECK_STR(world.request.path, "/0/public/AssetPairs");
    world.ops->opened(world.state, 0, &world.clock, &world.out);
    CHECK_STR(world.frame, "{\"method\":\"subscribe\",\"params\":{\"channel\":\"instrument\","
                           "\"snapshot\":true},\"req_id\":1}");
    CHECK_INT(world.frames, 1); /* No book of what is not defined. */
    CHECK(world_http(&world, world.request.tag, "", 200, asset_pairs) == 0);
    CHECK_INT(world.frames, 3);
    CHECK_STR(world.frame, "{\"method\":\"subscribe\",\"params\":{\"channel\":\"trade\","
                           "\"symbol\":[\"BTC/USD\"],\"snapshot\":false},\"req_id\":3}");

    struct world_book *book = world_book(&world, id_of("BTC/USD"));
    CHECK_STR(book->definition.name, "BTC-USD");
    CHECK_STR(book->definition.symbol, "BTC/USD");
    CHECK_INT(book->definition.tick_size, 10000000);
    CHECK_INT(book->definition.lot_size, 1);
    CHECK_INT(book->definition.min_qty, 5000);
    CHECK_INT(book->definition.min_notional, 50000000);
    CHECK_INT(book->definition.price_decimals, 1);
    CHECK_INT(book->definition.taker_fee_ppm, 4000);
    CHECK_INT(book->definition.maker_fee_ppm, 2500);
    CHECK_INT(book->state, FEED_SYNCING);
    CHECK(good_snapshot(&world) == 0);
    CHECK_INT(book->state, FEED_LIVE);
    CHECK_INT(world.feed_state, FEED_LIVE);
    CHECK_INT(book->quote.bid_price, 10000000000);
    CHECK_INT(book->quote.ask_qty, 200000000);
    CHECK_INT(world.invalid, 0);
    world_end(&world);
}

static void a_failed_checksum_makes_the_book_stale_and_resubscribes(void)
{
    struct feed_world world;

    world_live(&world);
    CHECK(good_snapshot(&world) == 0);
    struct world_book *book = world_book(&world, id_of("BTC/USD"));
    unsigned frames = world.frames, deltas = book->deltas;
    CHECK_INT(book_frame(&world, "update", L("100.1", "1.00000000"), "", "1"), ERR_STALE);
    CHECK_INT(book->state, FEED_STALE);
    CHECK_INT(book->why, REASON_CHECKSUM);
    CHECK_INT(book->deltas, deltas); /* A wrong change is not passed on. */
    CHECK_INT(world.frames, frames + 2);
    CHECK_STR(world.frame,
              "{\"method\":\"subscribe\",\"params\":{\"channel\":\"book\","
              "\"symbol\":[\"BTC/USD\"],\"depth\":10,\"snapshot\":true},\"req_id\":5}");
    CHECK(world.feed_state != FEED_LIVE);

    /* Changes still under way say nothing any more; the snapshot does. */
    CHECK_INT(book_frame(&world, "update", L("100.1", "1.00000000"), "", "1"), 0);
    CHECK(good_snapshot(&world) == 0);
    CHECK_INT(book->state, FEED_LIVE);
    struct venue_feed_stats stats = stats_of(&world);
    CHECK_INT(stats.checksum_failed, 1);
    CHECK_INT(stats.resyncs, 1);
    CHECK_INT(stats.checksum_ok, 2);
    world_end(&world);
}

static void a_resync_that_fails_again_waits_longer_each_time(void)
{
    struct feed_world world;
    unsigned asked = 0;

    world_live(&world);
    CHECK(good_snapshot(&world) == 0);
    for (int second = 0; second < 60; second++) {
        unsigned frames = world.frames;
        (void)book_frame(&world, "snapshot", L("100.0", "1.00000000"), "", "wrong");
        world_frame(&world, "{\"channel\":\"heartbeat\"}");
        for (int i = 0; i < 10; i++)
            world_pass(&world, 100 * NS_PER_MS);
        asked += world.frames > frames;
    }
    CHECK(asked >= 4);
    CHECK(asked <= 10);
    world_end(&world);
}

static void a_crossed_book_is_stale_although_its_checksum_holds(void)
{
    struct feed_world world;

    world_live(&world);
    CHECK(good_snapshot(&world) == 0);
    CHECK_INT(book_frame(&world, "update", L("100.5", "1.00000000"), "",
                         "1005200000000"
                         "1005100000000"
                         "1000100000000"),
              ERR_STALE);
    struct world_book *book = world_book(&world, id_of("BTC/USD"));
    CHECK_INT(book->state, FEED_STALE);
    CHECK_INT(book->why, REASON_CROSSED);
    CHECK_INT(stats_of(&world).crossed, 1);
    CHECK_INT(world.crossed_live, 0);
    world_end(&world);
}

static void the_last_of_two_changes_of_one_price_holds(void)
{
    struct feed_world world;

    world_live(&world);
    CHECK(good_snapshot(&world) == 0);
    CHECK_INT(book_frame(&world, "update",
                         L("100.0", "5.00000000") "," L("100.0", "0.00000000") "," L("100.0",
                                                                                     "3.00000000"),
                         "",
                         "1005200000000"
                         "1000300000000"),
              0);
    struct world_book *book = world_book(&world, id_of("BTC/USD"));
    CHECK_INT(book_best(&book->book.bids)->qty, 300000000);
    CHECK_INT(book->quote.bid_qty, 300000000);
    /* And it is said once: a subscriber may set levels in any order. */
    CHECK_INT(((struct kraken_feed *)world.state)->event.bid_count, 1);
    world_end(&world);
}

/* The documented pair of messages, its numbers padded to what the wire has. */
static void the_documented_update_follows_the_documented_snapshot(void)
{
    static const char
        snapshot
            [] =
                "{\"channel\":\"book\",\"type\":\"snapshot\",\"data\":[{"
                "\"symbol\":\"MATIC/USD\",\"bids\":[" L(
                    "0.5666",
                    "4831."
                    "75496356") "," L("0.5665",
                                      "6658.22734739") "," L("0.5664",
                                                             "18724.91513344") "," L("0.5663", "115"
                                                                                               "63."
                                                                                               "925"
                                                                                               "449"
                                                                                               "14") "," L("0.5662",
                                                                                                           "1"
                                                                                                           "4"
                                                                                                           "0"
                                                                                                           "0"
                                                                                                           "6"
                                                                                                           "."
                                                                                                           "6"
                                                                                                           "5"
                                                                                                           "3"
                                                                                                           "6"
                                                                                                           "5"
                                                                                                           "7"
                                                                                                           "1"
                                                                                                           "1") "," L("0.5661", "17454.85679807") "," L("0.5660", "18097.15470000") "," L("0.5659", "33644.89175666") "," L("0.5658", "148.34640000") "," L("0.5657", "606.70854372") "],\"asks\":[" L("0.5668",
                                                                                                                                                                                                                                                                                                       "4410.79769741") "," L("0.5669", "4655.40412487") "," L("0.5670", "49844.89424998") "," L("0.5671", "24306.41678000") "," L("0.5672",
                                                                                                                                                                                                                                                                                                                                                                                                                                   "29783.25223475") "," L("0.5673",
                                                                                                                                                                                                                                                                                                                                                                                                                                                           "57234.71239278") "," L("0.5674", "45065.04744000") "," L("0.5675", "5912.76380354") "," L("0.5676",
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                      "42514.92434778") "," L("0.5677",
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                              "36304.08470220") "],\"checksum\":2439117997}]}";
    static const char update[] =
        "{\"channel\":\"book\",\"type\":\"update\",\"data\":[{\"symbol\":\"MATIC/"
        "USD\",\"bids\":[" L("0.5657",
                             "1098.39475580") "],\"asks\":[],\"checksum\":2114181697,"
                                              "\"timestamp\":\"2023-10-06T17:35:55.440295Z\"}]}";
    struct feed_world world;

    world_begin(&world, venue_kraken.feed, &replay_config);
    CHECK_INT(world_frame(&world, snapshot), 0);
    CHECK_INT(world_frame(&world, update), 0);
    CHECK_INT(stats_of(&world).checksum_ok, 2);
    CHECK_INT(book_level(&world_book(&world, id_of("MATIC/USD"))->book.bids, 9)->qty,
              INT64_C(109839475580));
    world_end(&world);
}

static void levels_below_the_depth_are_removed_for_the_subscriber_too(void)
{
    struct feed_world world;
    char bids[1024] = "", digits[1024] = "1005200000000";

    for (int i = 0; i < 10; i++) {
        char level[64];
        snprintf(level, sizeof(level), "%s{\"price\":%d.0,\"qty\":1.00000000}", i ? "," : "",
                 100 - i);
        strcat(bids, level);
        snprintf(level, sizeof(level), "%d0100000000", 100 - i);
        strcat(digits, level);
    }
    world_live(&world);
    CHECK_INT(book_frame(&world, "snapshot", bids, L("100.5", "2.00000000"), digits), 0);
    /* A new best bid pushes 91.0 out; when that bid goes again, the venue sends 91.0 anew. */
    char *tail = strstr(digits, "910100000000");
    char after[1024];
    snprintf(after, sizeof(after),
             "1005200000000"
             "1001100000000"
             "%.*s",
             (int)(tail - (digits + strlen("1005200000000"))), digits + strlen("1005200000000"));
    CHECK_INT(book_frame(&world, "update", L("100.1", "1.00000000"), "", after), 0);
    struct world_book *book = world_book(&world, id_of("BTC/USD"));
    CHECK_INT(book->book.bids.count, 10);
    CHECK_INT(book_level(&book->book.bids, 9)->price, 9200000000);
    CHECK_INT(book_frame(&world, "update", L("100.1", "0.00000000") "," L("91.0", "1.00000000"), "",
                         digits),
              0);
    CHECK_INT(book->book.bids.count, 10);
    CHECK_INT(book_level(&book->book.bids, 9)->price, 9100000000);
    CHECK_INT(world.invalid, 0);
    world_end(&world);
}

static void a_live_update_without_a_checksum_is_not_believed(void)
{
    struct feed_world world;

    world_live(&world);
    CHECK(good_snapshot(&world) == 0);
    CHECK_INT(world_frame(&world,
                          "{\"channel\":\"book\",\"type\":\"update\",\"data\":[{\"symbol\":"
                          "\"BTC/USD\",\"bids\":[" L("99.0", "1.00000000") "],\"asks\":[]}]}"),
              ERR_STALE);
    CHECK_INT(world_book(&world, id_of("BTC/USD"))->state, FEED_STALE);
    world_end(&world);
}

static void an_unreadable_book_frame_is_a_missed_one(void)
{
    static const char *const bad[] = {
        "{\"channel\":\"book\",\"type\":\"update\",\"data\":[{\"symbol\":\"BTC/USD\",\"bids\":"
        "[{\"price\":\"x\",\"qty\":1}],\"asks\":[],\"checksum\":1}]}",
        "{\"channel\":\"book\",\"type\":\"update\",\"data\":[{\"symbol\":\"BTC/USD\",\"bids\":"
        "[{\"price\":1.0,\"qty\":-1.00000000}],\"asks\":[],\"checksum\":1}]}",
        "{\"channel\":\"book\",\"type\":\"update\",\"data\":[{\"symbol\":\"BTC/USD\",\"bids\":",
        "{\"channel\":\"book\",\"type\":\"update\",\"data\":[{\"symbol\":\"BTC/USD\",\"bids\":[],"
        "\"asks\":[],\"checksum\":4294967296}]}",
    };

    for (size_t i = 0; i < COUNT(bad); i++) {
        struct feed_world world;
        world_live(&world);
        CHECK(good_snapshot(&world) == 0);
        CHECK_INT(world_frame(&world, bad[i]), ERR_PROTO);
        CHECK_INT(world_book(&world, id_of("BTC/USD"))->state, FEED_STALE);
        CHECK_INT(world_book(&world, id_of("BTC/USD"))->why, REASON_BAD_BYTES);
        CHECK_INT(stats_of(&world).rejected, 1);
        world_end(&world);
    }
}

static void the_bare_text_of_the_proxy_is_a_disconnect(void)
{
    struct feed_world world;

    world_live(&world);
    CHECK(good_snapshot(&world) == 0);
    CHECK_INT(world_frame(&world, "CloudFlare WebSocket proxy restarting"), ERR_PROTO);
    CHECK_INT(world.reconnects, 1);
    CHECK_INT(world_book(&world, id_of("BTC/USD"))->state, FEED_STALE);
    CHECK_INT(world_book(&world, id_of("BTC/USD"))->why, REASON_DISCONNECTED);

    world.ops->closed(world.state, 0, &world.clock, &world.out);
    unsigned frames = world.frames;
    world.ops->opened(world.state, 0, &world.clock, &world.out);
    CHECK_INT(world.frames, frames + 3); /* instrument, book, trade */
    CHECK(good_snapshot(&world) == 0);
    CHECK_INT(world_book(&world, id_of("BTC/USD"))->state, FEED_LIVE);
    world_end(&world);
}

static int status_frame(struct feed_world *world, const char *system)
{
    char text[256];

    snprintf(text, sizeof(text),
             "{\"channel\":\"status\",\"type\":\"update\",\"data\":[{\"version\":\"2.0.10\","
             "\"system\":\"%s\",\"api_version\":\"v2\",\"connection_id\":18266300427528990701}]}",
             system);
    return world_frame(world, text);
}

static void the_told_quantity_step_outlives_a_later_list_of_pairs(void)
{
    static const char channel[] =
        "{\"pairs\":[{\"symbol\":\"BTC/USDT\",\"base\":\"BTC\",\"quote\":\"USDT\","
        "\"status\":\"online\",\"qty_precision\":8,\"qty_increment\":0.0000001,"
        "\"price_precision\":1,\"price_increment\":0.1,\"qty_min\":0.0001,"
        "\"cost_min\":\"0.5\"}]}";
    static const char list[] =
        "{\"XBTUSDT\":{\"altname\":\"XBTUSDT\",\"wsname\":\"XBT/USDT\",\"base\":\"XXBT\","
        "\"quote\":\"USDT\",\"pair_decimals\":1,\"lot_decimals\":8,\"ordermin\":\"0.0001\","
        "\"costmin\":\"0.5\",\"tick_size\":\"0.1\",\"status\":\"online\"}}";
    struct kraken_names names;
    struct scan_value value;
    uint64_t bad = 0;

    CHECK_INT(kraken_names_init(&names), 0);
    CHECK_INT(scan_whole(channel, strlen(channel), &value), 0);
    CHECK_INT(kraken_read_instruments(&names, &value, NULL, NULL, &bad), 0);
    CHECK_INT(scan_whole(list, strlen(list), &value), 0);
    CHECK_INT(kraken_read_asset_pairs(&names, &value, NULL, NULL, &bad), 0);
    CHECK_INT(bad, 0);
    const struct kraken_pair *pair = kraken_pair_by_symbol(&names, "BTC/USDT");
    CHECK(pair && pair->lot.value == 1 && pair->lot.exp == 7);
    CHECK_STR(pair->altname, "XBTUSDT");
    kraken_names_fini(&names);
}

static void the_systems_state_lies_over_each_pairs_own(void)
{
    static const struct {
        const char *word;
        wire_trading_state state;
        wire_feed_state feed;
    } steps[] = {
        { "online", TRADING_OPEN, FEED_LIVE },
        { "cancel_only", TRADING_CANCEL_ONLY, FEED_LIVE },
        { "maintenance", TRADING_HALTED, FEED_MAINTENANCE },
        { "post_only", TRADING_POST_ONLY, FEED_LIVE },
        { "online", TRADING_OPEN, FEED_LIVE },
    };
    struct feed_world world;

    world_live(&world);
    CHECK(good_snapshot(&world) == 0);
    struct world_book *book = world_book(&world, id_of("BTC/USD"));
    for (size_t i = 0; i < COUNT(steps); i++) {
        CHECK(status_frame(&world, steps[i].word) == 0);
        CHECK_INT(book->definition.state, steps[i].state);
        CHECK_INT(world.feed_state, steps[i].feed);
    }
    CHECK_STR(world.note, "venue_status: online");
    /* The pair's own state comes over the instrument channel, which also says increments as 1e-08.
     */
    CHECK(world_frame(&world,
                      "{\"channel\":\"instrument\",\"type\":\"update\",\"data\":{\"assets\":[],"
                      "\"pairs\":[{\"symbol\":\"BTC/USD\",\"base\":\"BTC\",\"quote\":\"USD\","
                      "\"status\":\"limit_only\",\"qty_precision\":8,\"qty_increment\":1e-08,"
                      "\"price_precision\":1,\"price_increment\":0.1,\"cost_min\":\"0.5\","
                      "\"qty_min\":0.0001}]}}") == 0);
    CHECK_INT(book->definition.state, TRADING_LIMIT_ONLY);
    CHECK_INT(book->definition.min_qty, 10000);
    CHECK_INT(book->definition.taker_fee_ppm, 4000); /* As AssetPairs said it. */
    CHECK_INT(world.invalid, 0);
    world_end(&world);
}

static void silence_is_pinged_after_5_s_and_left_after_10(void)
{
    struct feed_world world;

    world_live(&world);
    CHECK(good_snapshot(&world) == 0);
    unsigned frames = world.frames;
    for (int i = 0; i < 50; i++)
        world_pass(&world, 100 * NS_PER_MS);
    CHECK_INT(world.frames, frames);
    world_pass(&world, 100 * NS_PER_MS);
    CHECK_INT(world.frames, frames + 1);
    CHECK(strncmp(world.frame, "{\"method\":\"ping\",\"req_id\":", 26) == 0);
    CHECK_INT(world.reconnects, 0);
    for (int i = 0; i < 60; i++)
        world_pass(&world, 100 * NS_PER_MS);
    CHECK_INT(world.reconnects, 1); /* Once, not at each tick. */
    CHECK_INT(world.reconnect_why, REASON_SILENCE);
    CHECK_INT(world.frames, frames + 1);
    world_end(&world);
}

static void a_pong_measures_the_venues_clock(void)
{
    struct feed_world world;
    struct wire_feed_status *status;
    (void)status;

    world_live(&world);
    CHECK(good_snapshot(&world) == 0);
    world.clock.wall_ns = INT64_C(1695564623) * NS_PER_S; /* 2023-09-24T14:10:23Z */
    world_pass(&world, 5100 * NS_PER_MS);
    world.clock.now_ns += 20 * NS_PER_MS;
    world.clock.wall_ns += 20 * NS_PER_MS;
    /* Pinged at 28.100 of our clock, half of the way back is 28.110; the venue had 28.360. */
    CHECK(world_frame(&world, "{\"method\":\"pong\",\"req_id\":4,\"time_in\":"
                              "\"2023-09-24T14:10:28.360000Z\",\"time_out\":"
                              "\"2023-09-24T14:10:28.360018Z\"}") == 0);
    CHECK_INT(((struct kraken_feed *)world.state)->clock_offset_ns, 250 * NS_PER_MS);
    world_end(&world);
}

static void a_book_at_rest_gives_signs_of_life_while_its_connection_does(void)
{
    struct feed_world world;

    world_live(&world);
    CHECK(good_snapshot(&world) == 0);
    unsigned events = world.events;
    for (int i = 0; i < 30; i++) {
        if (i % 10 == 0)
            CHECK(world_frame(&world, "{\"channel\":\"heartbeat\"}") == 0);
        world_pass(&world, 100 * NS_PER_MS);
    }
    /* Feed and book, each at least three times a second. */
    CHECK(world.events - events >= 2 * 9);
    world_pass(&world, 4 * NS_PER_S);
    events = world.events;
    world_pass(&world, 300 * NS_PER_MS);
    CHECK_INT(world.events - events, 0); /* A live feed's word counts for all of its books. */
    world_end(&world);
}

static void world_deep(struct feed_world *world)
{
    struct venue_feed_config config = live_config;

    config.depth = 25;
    world_begin(world, venue_kraken.feed, &config);
    world->ops->start(world->state, &world->clock, &world->out);
    CHECK(world_http(world, world->request.tag, "", 200, asset_pairs) == 0);
    world->ops->opened(world->state, 0, &world->clock, &world->out);
    CHECK(good_snapshot(world) == 0);
}

static void a_deep_book_is_taken_anew_every_quarter_of_an_hour(void)
{
    struct feed_world world;

    world_deep(&world);
    struct world_book *book = world_book(&world, id_of("BTC/USD"));
    world.clock.now_ns += 970 * NS_PER_S;
    CHECK(world_frame(&world, "{\"channel\":\"heartbeat\"}") == 0);
    unsigned frames = world.frames;
    world_pass(&world, NS_PER_MS);
    CHECK_INT(world.frames, frames + 2);
    CHECK(strstr(world.frame, "\"depth\":25"));
    CHECK_INT(book->state, FEED_LIVE); /* Good until the new one is there, */
    for (int i = 0; i < 6; i++) {
        CHECK(world_frame(&world, "{\"channel\":\"heartbeat\"}") == 0);
        world_pass(&world, NS_PER_S);
    }
    CHECK_INT(book->state, FEED_STALE); /* but not for long. */
    CHECK_INT(book->why, REASON_DEPTH_COMPARE);
    CHECK(good_snapshot(&world) == 0);
    CHECK_INT(book->state, FEED_LIVE);
    world_end(&world);
}

/* Time passes, and the connection lives. */
static void live_on(struct feed_world *world, int64_t seconds)
{
    for (int64_t i = 0; i < 10 * seconds; i++) {
        world_pass(world, 100 * NS_PER_MS);
        CHECK(world_frame(world, "{\"channel\":\"heartbeat\"}") == 0);
    }
}

/* REST's answer to the question that was asked last. */
static void depth_says(struct feed_world *world, const char *bids, const char *asks)
{
    char text[1024];

    snprintf(text, sizeof(text),
             "{\"error\":[],\"result\":{\"XXBTZUSD\":{\"asks\":[%s],\"bids\":[%s]}}}", asks, bids);
    CHECK(world_http(world, world->request.tag, "", 200, text) == 0);
}

#define D(price, qty) "[\"" price "\",\"" qty "\",1762820248]"

static void a_change_lost_below_the_checksum_is_found_by_rest(void)
{
    struct feed_world world;

    world_deep(&world);
    struct world_book *book = world_book(&world, id_of("BTC/USD"));
    unsigned requests = world.requests;
    live_on(&world, 9);
    CHECK_INT(world.requests, requests);
    live_on(&world, 2);
    CHECK_INT(world.requests, requests + 1);
    CHECK_STR(world.request.path, "/0/public/Depth?pair=XXBTZUSD&count=25");
    depth_says(&world, D("100.0", "1.000"), D("100.5", "2.000")); /* Rounded, as REST is. */
    live_on(&world, 55);
    CHECK_INT(world.requests, requests + 1);
    CHECK_INT(book->state, FEED_LIVE);

    /* A level that we never heard of: a suspicion first ... */
    live_on(&world, 10);
    CHECK_INT(world.requests, requests + 2);
    depth_says(&world, D("100.0", "1.000") "," D("99.0", "3.000"), D("100.5", "2.000"));
    live_on(&world, 4);
    CHECK_INT(book->state, FEED_LIVE);
    live_on(&world, 4);
    CHECK_INT(world.requests, requests + 3);
    unsigned frames = world.frames;
    depth_says(&world, D("100.0", "1.000") "," D("99.0", "3.000"), D("100.5", "2.000"));
    CHECK_INT(book->state, FEED_LIVE);
    live_on(&world, 2);
    CHECK_INT(book->state, FEED_STALE); /* ... then a loss. */
    CHECK_INT(book->why, REASON_DEPTH_COMPARE);
    CHECK_INT(world.frames, frames + 2);
    CHECK(strstr(world.frame, "\"depth\":25"));
    CHECK(good_snapshot(&world) == 0);
    CHECK_INT(book->state, FEED_LIVE);
    CHECK_INT(stats_of(&world).gaps, 1);
    world_end(&world);
}

static void what_changes_while_rest_is_asked_is_no_loss(void)
{
    struct feed_world world;

    world_deep(&world);
    struct world_book *book = world_book(&world, id_of("BTC/USD"));
    for (int i = 0; i < 4; i++) {
        unsigned requests = world.requests;
        for (int k = 0; k < 70 && world.requests == requests; k++)
            live_on(&world, 1);
        CHECK_STR(world.request.path, "/0/public/Depth?pair=XXBTZUSD&count=25");
        /* The level goes between REST's moment and ours, and comes back. */
        CHECK(book_frame(&world, "update", L("99.0", "3.00000000"), "",
                         "1005200000000"
                         "1000100000000990300000000") == 0);
        CHECK(book_frame(&world, "update", L("99.0", "0.00000000"), "",
                         "1005200000000"
                         "1000100000000") == 0);
        depth_says(&world, D("100.0", "1.000") "," D("99.0", "3.000"), D("100.5", "2.000"));
        live_on(&world, 2);
    }
    CHECK_INT(book->state, FEED_LIVE);
    /* No answer, or none that can be read, says nothing of the book. */
    unsigned requests = world.requests;
    for (int k = 0; k < 70 && world.requests == requests; k++)
        live_on(&world, 1);
    CHECK(world_http(&world, world.request.tag, "", 200, "{\"error\":[\"EGeneral:Busy\"]}") ==
          ERR_PROTO);
    for (int k = 0; k < 70 && world.requests == requests + 1; k++)
        live_on(&world, 1);
    CHECK_INT(world.requests, requests + 2);
    live_on(&world, 20);
    CHECK_INT(book->state, FEED_LIVE);
    world_end(&world);
}

static void an_unknown_pair_is_said_to_be_down(void)
{
    struct feed_world world;

    world_live(&world);
    CHECK(world_frame(&world, "{\"error\":\"Currency pair not supported BTC/USD\",\"method\":"
                              "\"subscribe\",\"success\":false,\"symbol\":\"BTC/USD\"}") == 0);
    CHECK_INT(world_book(&world, id_of("BTC/USD"))->state, FEED_DOWN);
    CHECK_INT(world_book(&world, id_of("BTC/USD"))->why, REASON_INSTRUMENT_UNKNOWN);
    world_end(&world);
}

static void trades_carry_the_takers_side_and_a_hole_is_counted(void)
{
    static const char form[] =
        "{\"channel\":\"trade\",\"type\":\"update\",\"data\":[{\"symbol\":\"BTC/USD\",\"side\":"
        "\"sell\",\"price\":100.1,\"qty\":0.5,\"ord_type\":\"market\",\"trade_id\":%d,"
        "\"timestamp\":\"2023-09-25T07:49:37.708706Z\"}]}";
    struct feed_world world;
    char text[512];
    static const int ids[] = { 10, 11, 13 };

    world_live(&world);
    for (size_t i = 0; i < COUNT(ids); i++) {
        snprintf(text, sizeof(text), form, ids[i]);
        CHECK(world_frame(&world, text) == 0);
    }
    struct world_book *book = world_book(&world, id_of("BTC/USD"));
    CHECK_INT(book->trades, 3);
    CHECK_INT(book->trade.aggressor, SIDE_SELL);
    CHECK_INT(book->trade.price, 10010000000);
    CHECK_INT(book->trade.exchange_ns, INT64_C(1695628177708706000));
    CHECK_STR(book->trade.venue_trade_id, "13");
    CHECK_INT(stats_of(&world).gaps, 1);
    world_end(&world);
}

static void late_joiners_get_definition_status_and_book(void)
{
    struct feed_world world;

    world_live(&world);
    CHECK(good_snapshot(&world) == 0);
    struct world_book *book = world_book(&world, id_of("BTC/USD"));
    unsigned events = world.events, snapshots = book->snapshots;
    world.ops->republish(world.state, 0, &world.clock, &world.out);
    CHECK_INT(world.events, events + 3);
    CHECK_INT(book->snapshots, snapshots + 1);
    world.ops->closed(world.state, 0, &world.clock, &world.out);
    events = world.events;
    world.ops->republish(world.state, id_of("BTC/USD"), &world.clock, &world.out);
    CHECK_INT(world.events, events + 2); /* No book that is not good. */
    world_end(&world);
}

/* The rule that stands in for the metadata gives the keys that the metadata has. */
static void the_rule_for_rest_names_is_that_of_the_venues_own_list(void)
{
    struct file_text text = file_read(SHARED "fixtures/kraken/rest/assetpairs_data_xc.json");
    struct scan_value root, result, key, value, wsname;
    struct scan_iter iter;
    unsigned pairs = 0, same = 0;

    CHECK(text.text && scan_whole(text.text, text.len, &root) == 0 &&
          scan_find(&root, "result", &result) == 0 && scan_begin(&iter, &result) == 0);
    while (text.text && scan_member(&iter, &key, &value) == 0) {
        struct kraken_names none = { 0 };
        char name[32], symbol[32], rest[32];
        if (scan_find(&value, "wsname", &wsname) != 0)
            continue;
        CHECK(scan_text(&wsname, name, sizeof(name)) == 0 && kraken_symbol_of(name, symbol) == 0);
        CHECK(kraken_rest_pair(&none, symbol, rest) == 0);
        pairs++;
        if (scan_is(&key, rest))
            same++;
        else
            fprintf(stderr, "# %s is %.*s, the rule says %s\n", name, (int)key.len, key.text, rest);
    }
    CHECK(pairs > 50);
    CHECK_INT(same, pairs);
    free(text.text);
}

int main(void)
{
    CASE(checksum_gives_the_published_vectors);
    CASE(checksum_writes_decimals_beyond_the_exponent);
    CASE(subscribes_when_defined_and_goes_live_with_a_snapshot);
    CASE(a_failed_checksum_makes_the_book_stale_and_resubscribes);
    CASE(a_resync_that_fails_again_waits_longer_each_time);
    CASE(a_crossed_book_is_stale_although_its_checksum_holds);
    CASE(the_last_of_two_changes_of_one_price_holds);
    CASE(the_documented_update_follows_the_documented_snapshot);
    CASE(levels_below_the_depth_are_removed_for_the_subscriber_too);
    CASE(a_live_update_without_a_checksum_is_not_believed);
    CASE(an_unreadable_book_frame_is_a_missed_one);
    CASE(the_bare_text_of_the_proxy_is_a_disconnect);
    CASE(the_told_quantity_step_outlives_a_later_list_of_pairs);
    CASE(the_systems_state_lies_over_each_pairs_own);
    CASE(silence_is_pinged_after_5_s_and_left_after_10);
    CASE(a_pong_measures_the_venues_clock);
    CASE(a_book_at_rest_gives_signs_of_life_while_its_connection_does);
    CASE(a_deep_book_is_taken_anew_every_quarter_of_an_hour);
    CASE(a_change_lost_below_the_checksum_is_found_by_rest);
    CASE(what_changes_while_rest_is_asked_is_no_loss);
    CASE(an_unknown_pair_is_said_to_be_down);
    CASE(trades_carry_the_takers_side_and_a_hole_is_counted);
    CASE(late_joiners_get_definition_status_and_book);
    if (access(SHARED "fixtures/kraken", R_OK) != 0) {
        printf("ok kraken captures # skipped: no ../shared\n");
        DONE();
    }
    CASE(checksum_is_that_of_the_documented_concatenation);
    CASE(the_rule_for_rest_names_is_that_of_the_venues_own_list);
    CASE(captures_give_what_an_independent_rebuild_gives);
    CASE(a_missing_frame_is_noticed_or_made_good);
    DONE();
}
