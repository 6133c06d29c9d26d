/* The Binance feed codec: captures against an independent rebuild, the sync rule case by case, and
 * its life. */
#include "common/pure/instrument.h"
#include "tests/unit/capture.h"
#include "tests/unit/check.h"
#include "tests/unit/feed_world.h"

#include <limits.h>
#include <malloc.h>
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

/* ---- captures with a frame lost ---- */

enum { RECORDS_MAX = 2048 };
static struct capture_record records[RECORDS_MAX];
static size_t record_count;

static void records_load(const char *name)
{
    struct capture capture;
    struct capture_record record;
    char path[256];

    snprintf(path, sizeof(path), SHARED "fixtures/binance/captures/%s", name);
    record_count = 0;
    CHECK(capture_open(&capture, path));
    while (record_count < RECORDS_MAX && capture_next(&capture, &record)) {
        if (!record.data || strstr(record.url, "exchangeInfo"))
            continue; /* Large, and of no matter here. */
        record.data = strdup(record.data);
        records[record_count++] = record;
    }
    capture_close(&capture);
}

static void records_free(void)
{
    for (size_t i = 0; i < record_count; i++)
        free(records[i].data);
}

/* Symbol and update ids of a depth frame; false for anything else. */
static bool depth_ids(const struct capture_record *record, char symbol[32], uint64_t *first,
                      uint64_t *last)
{
    struct scan_value top, data, value;

    return strcmp(record->kind, "recv") == 0 && scan_whole(record->data, record->len, &top) == 0 &&
           scan_find(&top, "data", &data) == 0 && scan_find(&data, "e", &value) == 0 &&
           scan_is(&value, "depthUpdate") && scan_find(&data, "s", &value) == 0 &&
           scan_text(&value, symbol, 32) == 0 && scan_find(&data, "U", &value) == 0 &&
           scan_u64(&value, first) == 0 && scan_find(&data, "u", &value) == 0 &&
           scan_u64(&value, last) == 0;
}

static uint64_t snapshot_id(const char *symbol)
{
    char url_part[64];
    struct scan_value top, value;
    uint64_t id = 0;

    snprintf(url_part, sizeof(url_part), "symbol=%s&", symbol);
    for (size_t i = 0; i < record_count; i++)
        if (strstr(records[i].url, url_part) &&
            scan_whole(records[i].data, records[i].len, &top) == 0 &&
            scan_find(&top, "lastUpdateId", &value) == 0)
            (void)scan_u64(&value, &id);
    return id;
}

static bool is_last_of_symbol(size_t at, const char *symbol)
{
    char other[32];
    uint64_t first, last;

    for (size_t i = at + 1; i < record_count; i++)
        if (depth_ids(&records[i], other, &first, &last) && strcmp(other, symbol) == 0)
            return false;
    return true;
}

/* Plays all records but one. Whether a gap was counted and its book is stale at the end. */
static void play_without(size_t without, const char *symbol, bool *is_noticed,
                         unsigned *crossed_live)
{
    struct feed_world world;
    struct venue_feed_stats stats;

    world_begin(&world, venue_binance.feed, &replay_config);
    for (size_t i = 0; i < record_count; i++)
        if (i != without)
            record_play(&world, &records[i]);
    venue_binance.feed->stats(world.state, &stats);
    struct world_book *book = world_book(&world, id_of(symbol));
    *is_noticed = stats.gaps > 0 && book->state == FEED_STALE && book->why == REASON_SEQUENCE_GAP;
    *crossed_live += world.crossed_live + world.invalid;
    world_end(&world);
}

static void loss_of_any_book_frame_is_noticed(void)
{
    char symbol[32];
    uint64_t first, last;
    unsigned tried = 0, unnoticed = 0, harmless = 0, crossed_live = 0;
    bool is_noticed;

    records_load("us_spot_20211012_31s_with_snapshot.jsonl.zst");
    for (size_t i = 0; i < record_count; i++) {
        if (!depth_ids(&records[i], symbol, &first, &last) || is_last_of_symbol(i, symbol))
            continue;
        play_without(i, symbol, &is_noticed, &crossed_live);
        tried++;
        if (last <= snapshot_id(symbol))
            harmless += !is_noticed; /* The snapshot has it: nothing was lost. */
        else
            unnoticed += !is_noticed;
    }
    CHECK_INT(unnoticed, 0);
    CHECK_INT(crossed_live, 0);
    CHECK(tried > 300);
    CHECK(harmless <= 4);
    records_free();
}

/* The venue's quote and the book speak of the same update id now and then. Then they must agree: an
 * independent witness of every book in the captures. */
struct witness {
    char symbol[32];
    uint64_t id;
    struct wire_level bid, ask;
};

static struct witness *witness_of(struct witness *all, const char *symbol)
{
    while (all->symbol[0] && strcmp(all->symbol, symbol) != 0)
        all++;
    snprintf(all->symbol, sizeof(all->symbol), "%s", symbol);
    return all;
}

/* Remembers what a quote frame says. False: another frame. */
static bool witness_hear(struct witness *all, const struct capture_record *record)
{
    struct scan_value top, data, value;
    char symbol[32];

    if (!record->data || scan_whole(record->data, record->len, &top) != 0 ||
        scan_find(&top, "data", &data) != 0 || data.type != SCAN_OBJECT ||
        scan_find(&data, "e", &value) == 0 || scan_find(&data, "s", &value) != 0 ||
        scan_text(&value, symbol, sizeof(symbol)) != 0)
        return false;
    struct witness *made = witness_of(all, symbol);
    return scan_find(&data, "u", &value) == 0 && scan_u64(&value, &made->id) == 0 &&
           scan_find(&data, "b", &value) == 0 && scan_decimal(&value, 8, &made->bid.price) == 0 &&
           scan_find(&data, "B", &value) == 0 && scan_decimal(&value, 8, &made->bid.qty) == 0 &&
           scan_find(&data, "a", &value) == 0 && scan_decimal(&value, 8, &made->ask.price) == 0 &&
           scan_find(&data, "A", &value) == 0 && scan_decimal(&value, 8, &made->ask.qty) == 0;
}

static bool level_is(const struct wire_level *have, struct wire_level want)
{
    return have && have->price == want.price && have->qty == want.qty;
}

static void witness_ask(const struct witness *all, struct feed_world *world, unsigned *compared,
                        unsigned *differing)
{
    for (; all->symbol[0]; all++) {
        const struct world_book *book = world_book(world, id_of(all->symbol));
        if (book->state != FEED_LIVE || book->book.venue_seq != all->id)
            continue;
        (*compared)++;
        *differing += !level_is(book_best(&book->book.bids), all->bid) ||
                      !level_is(book_best(&book->book.asks), all->ask);
    }
}

static void book_agrees_with_the_venues_own_best_quote(void)
{
    static const char *const captures[] = {
        "us_spot_20211012_31s_with_snapshot.jsonl.zst",
        "spot_4symbols_20211012_30s_with_snapshot.jsonl.zst",
        "spot_multi_20210814_30s_with_snapshot.jsonl.zst",
        "spot_btcusdt_20240808_09_11min_with_snapshot.jsonl.zst"
    };
    unsigned compared = 0, differing = 0;

    for (size_t c = 0; c < COUNT(captures); c++) {
        struct feed_world world;
        struct witness all[8] = { 0 };
        struct capture capture;
        struct capture_record record;
        char path[256];

        snprintf(path, sizeof(path), SHARED "fixtures/binance/captures/%s", captures[c]);
        CHECK(capture_open(&capture, path));
        world_begin(&world, venue_binance.feed, &replay_config);
        while (capture_next(&capture, &record)) {
            record_play(&world, &record);
            if (!witness_hear(all, &record) && strcmp(record.kind, "recv") == 0)
                witness_ask(all, &world, &compared, &differing);
        }
        world_end(&world);
        capture_close(&capture);
    }
    printf("# %u books compared with the venue's quote of the same update\n", compared);
    CHECK(compared > 500);
    CHECK_INT(differing, 0);
}

/* ---- a replay's own cases ---- */

static const char snapshot_100[] =
    "{\"lastUpdateId\":100,\"bids\":[[\"10.0\",\"1\"],[\"9.9\",\"2\"]],"
    "\"asks\":[[\"10.1\",\"3\"],[\"10.2\",\"4\"]]}";

static const char *depth(const char *symbol, unsigned first, unsigned last, const char *bids,
                         const char *asks)
{
    static char frame[512];

    snprintf(frame, sizeof(frame),
             "{\"e\":\"depthUpdate\",\"E\":1672515782136,\"s\":\"%s\",\"U\":%u,\"u\":%u,\"b\":[%s],"
             "\"a\":[%s]}",
             symbol, first, last, bids, asks);
    return frame;
}

static void snapshot_without_a_name_belongs_to_the_only_symbol_or_the_next(void)
{
    struct feed_world world;
    struct venue_feed_stats stats;

    world_begin(&world, venue_binance.feed, &replay_config);
    CHECK_INT(world_http(&world, 0, "address not recorded", 200, snapshot_100), 0);
    CHECK_INT(world.book_count, 0); /* Nobody to speak of yet. */
    CHECK_INT(world_frame(&world, depth("AAABBB", 101, 102, "[\"10.05\",\"1\"]", "")), 0);
    struct world_book *book = world_book(&world, id_of("AAABBB"));
    CHECK_INT(book->state, FEED_LIVE);
    CHECK_INT(book->book.bids.count, 3);
    CHECK_INT(book->quote.bid_price, 1005000000);
    world_end(&world);

    world_begin(&world, venue_binance.feed, &replay_config);
    CHECK_INT(world_frame(&world, depth("AAABBB", 99, 100, "", "")), 0);
    CHECK_INT(world_frame(&world, depth("AAABBB", 101, 102, "", "")), 0);
    CHECK_INT(world_http(&world, 0, NULL, 200, snapshot_100), 0);
    CHECK_INT(world_book(&world, id_of("AAABBB"))->state, FEED_LIVE);
    CHECK_INT(world_frame(&world, depth("CCCDDD", 5, 6, "", "")), 0);
    CHECK_INT(world_http(&world, 0, NULL, 200, snapshot_100), ERR_PROTO); /* Whose? */
    venue_binance.feed->stats(world.state, &stats);
    CHECK_INT(stats.snapshots, 1);
    CHECK_INT(stats.dropped_old, 1);
    CHECK_INT(stats.deltas, 1);
    CHECK_INT(stats.rejected, 1);
    CHECK_INT(world.invalid, 0);
    world_end(&world);
}

static void raw_and_combined_frames_are_the_same(void)
{
    struct feed_world world;
    char frame[640];

    world_begin(&world, venue_binance.feed, &replay_config);
    CHECK_INT(
        world_http(&world, 0, "https://x/api/v3/depth?limit=5&symbol=AAABBB", 200, snapshot_100),
        0);
    CHECK_INT(world_frame(&world, depth("AAABBB", 101, 101, "[\"10.0\",\"0\"]", "")), 0);
    snprintf(frame, sizeof(frame), "{\"stream\":\"aaabbb@depth@100ms\",\"data\":%s}",
             depth("AAABBB", 102, 103, "", "[\"10.15\",\"9\"]"));
    CHECK_INT(world_frame(&world, frame), 0);
    struct world_book *book = world_book(&world, id_of("AAABBB"));
    CHECK_INT(book->book.bids.count, 1);
    CHECK_INT(book->book.asks.count, 3);
    CHECK_INT(book->book.venue_seq, 103);
    CHECK_INT(book->book.exchange_ns, 1672515782136 * NS_PER_MS);
    world_end(&world);
}

static void ignore_event(void *ctx, struct wire_header *event)
{
    (void)ctx;
    (void)event;
}

static void symbols_beyond_the_bound_are_counted_and_refused(void)
{
    static struct feed_world
        world; /* Its books are one too few: only what the codec says is of interest. */
    struct venue_feed_stats stats;
    char symbol[32];

    world_begin(&world, venue_binance.feed, &replay_config);
    world.out.event = ignore_event;
    for (unsigned i = 0; i < VENUE_SYMBOLS_MAX + 6; i++) {
        snprintf(symbol, sizeof(symbol), "S%u", i);
        CHECK_INT(world_frame(&world, depth(symbol, 1, 1, "", "")),
                  i < VENUE_SYMBOLS_MAX ? 0 : ERR_PROTO);
    }
    venue_binance.feed->stats(world.state, &stats);
    CHECK_INT(stats.rejected, 6);
    CHECK_INT(world.notes, 6);
    world_end(&world);
}

static void malformed_frames_are_refused_and_change_nothing(void)
{
    static const char *const bad[] = {
        "",
        "{",
        "nonsense",
        "{\"e\":\"depthUpdate\"}",
        "{\"e\":\"depthUpdate\",\"E\":1,\"s\":\"AAABBB\",\"U\":101,\"u\":100,\"b\":[],\"a\":[]}",
        "{\"e\":\"depthUpdate\",\"E\":1,\"s\":\"AAABBB\",\"U\":-1,\"u\":101,\"b\":[],\"a\":[]}",
        "{\"e\":\"depthUpdate\",\"E\":1,\"s\":\"AAABBB\",\"U\":101,\"u\":101,\"b\":[[\"x\",\"1\"]],"
        "\"a\":[]}",
        "{\"e\":\"depthUpdate\",\"E\":1,\"s\":\"AAABBB\",\"U\":101,\"u\":101,\"b\":[[\"1\"]],\"a\":"
        "[]}",
        "{\"e\":\"depthUpdate\",\"E\":1,\"s\":\"AAABBB\",\"U\":101,\"u\":101,\"b\":[[\"-1\",\"1\"]]"
        ",\"a\":[]}",
        "{\"e\":\"depthUpdate\",\"E\":1,\"s\":\"AAABBB\",\"U\":101,\"u\":101,\"b\":[[\"1\",\"-1\"]]"
        ",\"a\":[]}",
        "{\"e\":\"depthUpdate\",\"E\":1,\"s\":\"AAABBB\",\"U\":101,\"u\":101,\"b\":[[\"1."
        "0000000001\",\"1\"]],\"a\":[]}",
        "{\"e\":\"depthUpdate\",\"E\":1,\"s\":\"AAABBB\",\"U\":101,\"u\":18446744073709551615,"
        "\"b\":[],\"a\":[]}",
        "{\"e\":\"depthUpdate\",\"E\":1,\"s\":\"AAABBB\",\"U\":101,\"u\":101,\"b\":{},\"a\":[]}",
        "{\"e\":\"trade\",\"E\":1,\"s\":\"AAABBB\",\"t\":1,\"p\":\"0\",\"q\":\"1\",\"T\":1,\"m\":"
        "true}",
        "{\"e\":\"trade\",\"E\":1,\"s\":\"AAABBB\",\"t\":1,\"p\":\"1\",\"q\":\"1\",\"T\":1,\"m\":"
        "1}",
        "{\"u\":101,\"s\":\"AAABBB\",\"b\":\"10.2\",\"B\":\"1\",\"a\":\"10.1\",\"A\":\"1\"}",
        "{\"error\":{\"code\":2,\"msg\":\"Invalid request\"},\"id\":1}",
        "{\"code\":3,\"msg\":\"Invalid JSON\"}",
    };
    struct feed_world world;
    struct venue_feed_stats stats;

    world_begin(&world, venue_binance.feed, &replay_config);
    CHECK_INT(world_http(&world, 0, "?symbol=AAABBB", 200, snapshot_100), 0);
    unsigned events = world.events;
    for (size_t i = 0; i < COUNT(bad); i++) {
        int err = world_frame(&world, bad[i]);
        if (err != ERR_PROTO)
            fprintf(stderr, "%s: %d\n", bad[i], err);
        CHECK_INT(err, ERR_PROTO);
    }
    CHECK_INT(
        world_http(&world, 0, "?symbol=AAABBB", 200,
                   "{\"lastUpdateId\":200,\"bids\":[[\"2\",\"1\"]],\"asks\":[[\"1\",\"1\"]]}"),
        ERR_PROTO); /* Crossed. */
    CHECK_INT(world_http(&world, 0, "?symbol=AAABBB", 200,
                         "{\"lastUpdateId\":200,\"bids\":[[\"2\",\"1\"]]}"),
              ERR_PROTO);
    CHECK_INT(world.events, events);
    venue_binance.feed->stats(world.state, &stats);
    CHECK_INT(stats.rejected, COUNT(bad) + 2);
    CHECK_INT(world_frame(&world, depth("AAABBB", 101, 101, "", "")),
              0); /* The book is as it was. */
    CHECK_INT(world_frame(&world, "{\"e\":\"kline\",\"s\":\"AAABBB\"}"), 0);
    CHECK_INT(world_frame(&world, "[1,2]"), 0);
    CHECK_INT(stats.gaps, 0);
    world_end(&world);
}

/* ---- a connection's life ---- */

static const char *const wanted[] = { "BTC-USDT", "ETH-BTC" };

static const char info[] = "{\"symbols\":[{\"symbol\":\"BTCUSDT\",\"status\":\"TRADING\","
                           "\"baseAsset\":\"BTC\",\"quoteAsset\":\"USDT\",\"filters\":["
                           "{\"filterType\":\"PRICE_FILTER\",\"tickSize\":\"0.01000000\"},{"
                           "\"filterType\":\"LOT_SIZE\",\"minQty\":\"0.00001\","
                           "\"maxQty\":\"9000\",\"stepSize\":\"0.00001\"}]},"
                           "{\"symbol\":\"ETHBTC\",\"status\":\"HALT\",\"baseAsset\":\"ETH\","
                           "\"quoteAsset\":\"BTC\",\"filters\":[]}]}";

static struct feed_world live;

static void live_begin(unsigned levels_max)
{
    const struct venue_feed_config config = { .venue = "binance",
                                              .rest_url = "https://api.binance.com",
                                              .ws_url = "wss://stream.binance.com:9443",
                                              .names = wanted,
                                              .name_count = COUNT(wanted),
                                              .levels_max = levels_max,
                                              .maker_fee_ppm = 1000,
                                              .taker_fee_ppm = 1000 };
    world_begin(&live, venue_binance.feed, &config);
}

static void live_opened(void)
{
    live.ops->opened(live.state, 0, &live.clock, &live.out);
}

static struct world_book *btc(void)
{
    return world_book(&live, id_of("BTCUSDT"));
}

/* Definitions known and the stream subscribed and acknowledged. */
static void live_subscribed(void)
{
    live_begin(0);
    live.ops->start(live.state, &live.clock, &live.out);
    CHECK_INT(world_http(&live, live.request.tag, live.request.path, 200, info), 0);
    live_opened();
    CHECK_INT(world_frame(&live, "{\"result\":null,\"id\":1}"), 0);
    live.requests = 0;
}

/* Then one delta, the snapshot it asks for, and a live book at id 102. */
static void live_synced(void)
{
    live_subscribed();
    CHECK_INT(world_frame(&live, depth("BTCUSDT", 99, 102, "", "")), 0);
    CHECK_INT(live.requests, 1);
    CHECK_INT(world_http(&live, live.request.tag, live.request.path, 200, snapshot_100), 0);
    CHECK_INT(btc()->state, FEED_LIVE);
}

static void streams_are_subscribed_to_by_the_names_that_the_metadata_says(void)
{
    struct venue_connection connections[VENUE_CONNECTIONS_MAX];

    live_begin(0);
    CHECK_INT(live.ops->connections(live.state, connections), 1);
    CHECK_STR(connections[0].url, "wss://stream.binance.com:9443/stream");
    CHECK(connections[0].silence_ns > 0 && connections[0].ping_interval_ns > 0 &&
          connections[0].renew_ns > 0);
    live.ops->start(live.state, &live.clock, &live.out);
    CHECK_STR(live.request.path, "/api/v3/exchangeInfo?symbols=%5B%22BTCUSDT%22%2C%22ETHBTC%22%5D");
    CHECK_STR(live.request.method, "GET");
    live_opened();
    CHECK_INT(live.frames, 0); /* Not before the symbols are known. */
    CHECK_INT(world_http(&live, live.request.tag, live.request.path, 200, info), 0);
    CHECK_INT(live.frames, 1);
    CHECK_STR(
        live.frame,
        "{\"method\":\"SUBSCRIBE\",\"params\":[\"btcusdt@depth@100ms\",\"btcusdt@bookTicker\","
        "\"btcusdt@trade\",\"ethbtc@depth@100ms\",\"ethbtc@bookTicker\",\"ethbtc@trade\"],\"id\":"
        "1}");
    CHECK_STR(btc()->definition.name, "BTC-USDT");
    CHECK_INT(btc()->definition.state, TRADING_OPEN);
    CHECK_INT(btc()->definition.taker_fee_ppm, 1000);
    CHECK_INT(world_book(&live, id_of("ETHBTC"))->definition.state, TRADING_HALTED);
    CHECK_INT(btc()->state, FEED_SYNCING);
    CHECK_INT(live.invalid, 0);
    world_end(&live);
}

static void a_name_that_is_not_the_symbol_is_looked_up_in_the_whole_list(void)
{
    live_begin(0);
    live.ops->start(live.state, &live.clock, &live.out);
    CHECK_INT(world_http(&live, live.request.tag, "", 400,
                         "{\"code\":-1121,\"msg\":\"Invalid symbol.\"}"),
              0);
    world_pass(&live, 100 * NS_PER_MS);
    CHECK_INT(live.requests, 2);
    CHECK_STR(live.request.path, "/api/v3/exchangeInfo?showPermissionSets=false");
    CHECK_INT(world_http(&live, live.request.tag, "", 200,
                         "{\"symbols\":[{\"symbol\":\"XBTUSDT\",\"status\":\"TRADING\","
                         "\"baseAsset\":\"BTC\",\"quoteAsset\":\"USDT\"}]}"),
              0);
    CHECK_STR(live.note, "no_such_instrument: ETH-BTC");
    live_opened();
    CHECK(strstr(live.frame, "\"xbtusdt@trade\"") != NULL);
    CHECK(strstr(live.frame, "eth@") == NULL && strstr(live.frame, "ethbtc") == NULL);
    world_end(&live);
}

static void metadata_is_asked_for_again_until_it_comes(void)
{
    live_begin(0);
    live.request_err = ERR_FULL;
    live.ops->start(live.state, &live.clock, &live.out);
    CHECK_INT(live.requests, 0);
    live.request_err = 0;
    world_pass(&live, 6 * NS_PER_S);
    CHECK_INT(live.requests, 1);
    CHECK_INT(world_http(&live, live.request.tag, "", 503, "<html>"), 0);
    world_pass(&live, 6 * NS_PER_S);
    CHECK_INT(live.requests, 2);
    CHECK_INT(world_http(&live, live.request.tag, "", 200, info), 0);
    world_pass(&live, 60 * NS_PER_S);
    CHECK_INT(live.requests, 2);
    world_end(&live);
}

static void an_unanswered_subscription_connects_anew(void)
{
    live_begin(0);
    live.ops->start(live.state, &live.clock, &live.out);
    CHECK_INT(world_http(&live, live.request.tag, "", 200, info), 0);
    live_opened();
    world_pass(&live, 11 * NS_PER_S);
    CHECK_INT(live.reconnects, 1);
    world_end(&live);
}

static void book_is_joined_from_snapshot_and_buffered_deltas(void)
{
    live_subscribed();
    CHECK_INT(world_frame(&live, depth("BTCUSDT", 95, 98, "", "")), 0);
    CHECK_INT(live.requests, 1);
    CHECK_STR(live.request.path, "/api/v3/depth?symbol=BTCUSDT&limit=1000");
    CHECK_INT(live.request.weight, 50);
    CHECK_INT(world_frame(&live, depth("BTCUSDT", 99, 102, "[\"10.05\",\"7\"]", "")), 0);
    CHECK_INT(world_frame(&live, depth("BTCUSDT", 103, 103, "[\"9.9\",\"0\"]", "")), 0);
    CHECK_INT(live.requests, 1); /* One is on its way. */
    CHECK_INT(btc()->snapshots, 0);
    CHECK_INT(world_http(&live, live.request.tag, live.request.path, 200, snapshot_100), 0);
    CHECK_INT(btc()->state, FEED_LIVE);
    CHECK_INT(btc()->snapshots, 1);
    CHECK_INT(btc()->book.bids.count, 2);
    CHECK_INT(book_best(&btc()->book.bids)->price, 1005000000);
    CHECK_INT(btc()->quote.bid_price, 1005000000);
    CHECK_INT(btc()->quote.venue_seq, 103);
    CHECK_INT(world_frame(&live, depth("BTCUSDT", 104, 104, "", "[\"10.07\",\"1\"]")), 0);
    CHECK_INT(btc()->quote.ask_price, 1007000000);
    CHECK_INT(world_frame(&live, depth("BTCUSDT", 100, 104, "[\"1\",\"1\"]", "")),
              0); /* Old: ignored. */
    CHECK_INT(btc()->book.bids.count, 2);
    CHECK_INT(live.invalid, 0);
    world_end(&live);
}

static void a_snapshot_older_than_the_buffer_is_asked_for_again_and_the_buffer_kept(void)
{
    live_subscribed();
    CHECK_INT(world_frame(&live, depth("BTCUSDT", 102, 105, "[\"9.5\",\"1\"]", "")), 0);
    uint64_t tag = live.request.tag;
    CHECK_INT(world_http(&live, tag, "", 200, snapshot_100), 0); /* 101 is missing between them. */
    CHECK_INT(btc()->state, FEED_SYNCING);
    world_pass(&live, 50 * NS_PER_MS);
    CHECK_INT(live.requests, 1);
    world_pass(&live, 100 * NS_PER_MS);
    CHECK_INT(live.requests, 2);
    CHECK_INT(
        world_http(&live, live.request.tag, "", 200,
                   "{\"lastUpdateId\":101,\"bids\":[[\"10\",\"1\"]],\"asks\":[[\"11\",\"1\"]]}"),
        0);
    CHECK_INT(btc()->state, FEED_LIVE);
    CHECK_INT(btc()->book.bids.count, 2); /* The buffered delta was kept. */
    CHECK_INT(btc()->book.venue_seq, 105);
    world_end(&live);
}

static void a_gap_makes_the_book_stale_until_a_new_snapshot(void)
{
    struct venue_feed_stats stats;

    live_synced();
    uint64_t old_tag = live.request.tag;
    world_pass(&live, NS_PER_S);
    CHECK_INT(world_frame(&live, depth("BTCUSDT", 104, 105, "[\"9.8\",\"1\"]", "")), ERR_STALE);
    CHECK_INT(btc()->state, FEED_STALE);
    CHECK_INT(btc()->why, REASON_SEQUENCE_GAP);
    CHECK_INT(live.feed_state, FEED_STALE);
    CHECK_INT(live.requests, 2);
    CHECK_INT(world_http(&live, old_tag, "", 200, snapshot_100),
              0); /* Of the former life: not taken. */
    CHECK_INT(btc()->state, FEED_STALE);
    CHECK_INT(
        world_http(&live, live.request.tag, "", 200,
                   "{\"lastUpdateId\":104,\"bids\":[[\"10\",\"1\"]],\"asks\":[[\"11\",\"1\"]]}"),
        0);
    CHECK_INT(btc()->state, FEED_LIVE);
    CHECK_INT(btc()->book.venue_seq, 105);
    CHECK_INT(btc()->book.bids.count, 2);
    live.ops->stats(live.state, &stats);
    CHECK_INT(stats.gaps, 1);
    CHECK_INT(stats.resyncs, 1);
    world_end(&live);
}

static void a_crossed_book_is_stale_before_anyone_sees_it_crossed(void)
{
    struct venue_feed_stats stats;

    live_synced();
    unsigned deltas = btc()->deltas;
    world_pass(&live, NS_PER_S);
    CHECK_INT(world_frame(&live, depth("BTCUSDT", 103, 103, "[\"10.15\",\"1\"]", "")), ERR_STALE);
    CHECK_INT(btc()->state, FEED_STALE);
    CHECK_INT(btc()->why, REASON_CROSSED);
    CHECK_INT(btc()->deltas, deltas);
    CHECK_INT(live.crossed_live, 0);
    CHECK_INT(live.requests, 2);
    live.ops->stats(live.state, &stats);
    CHECK_INT(stats.crossed, 1);
    world_end(&live);
}

static void a_quiet_symbol_gets_its_book_without_a_delta(void)
{
    live_subscribed();
    world_pass(&live, NS_PER_S);
    CHECK_INT(live.requests, 0);
    world_pass(&live, 2 * NS_PER_S);
    CHECK_INT(live.requests, 2); /* Both are quiet. */
    CHECK_INT(world_http(&live, live.request.tag, "", 200, snapshot_100), 0);
    CHECK_INT(world_book(&live, id_of("ETHBTC"))->state, FEED_LIVE);
    world_end(&live);
}

static void refused_and_lost_snapshots_are_asked_for_again_with_patience(void)
{
    live_subscribed();
    CHECK_INT(world_frame(&live, depth("BTCUSDT", 99, 102, "", "")), 0);
    CHECK_INT(world_http(&live, live.request.tag, "", 500, ""), 0);
    world_pass(&live, 200 * NS_PER_MS);
    CHECK_INT(live.requests, 2);
    struct venue_header header = { "retry-after", "30" };
    struct venue_response response = {
        .tag = live.request.tag, .status = 429, .body = "", .headers = &header, .header_count = 1
    };
    CHECK_INT(live.ops->http(live.state, &response, &live.clock, &live.out), 0);
    for (unsigned i = 0; i < 29; i++)
        world_pass(&live, NS_PER_S);
    CHECK_INT(live.requests, 2);
    world_pass(&live, 2 * NS_PER_S);
    CHECK(live.requests >= 3); /* And the quiet symbol's. */
    unsigned before = live.requests;
    world_pass(&live, 14 * NS_PER_S);
    CHECK_INT(live.requests, before);
    world_pass(&live, 2 * NS_PER_S); /* No answer came at all. */
    CHECK(live.requests > before);
    world_end(&live);
}

static void weight_spent_on_snapshots_is_bounded(void)
{
    char body[128];

    live_subscribed();
    for (unsigned i = 1; i <= 600;
         i++) { /* A gap each 100 ms, each healed if a snapshot may be had. */
        (void)world_frame(&live, depth("BTCUSDT", 10 * i, 10 * i + 1, "", ""));
        world_pass(&live, 100 * NS_PER_MS);
        snprintf(body, sizeof(body), "{\"lastUpdateId\":%u,\"bids\":[],\"asks\":[]}", 10 * i);
        if (strstr(live.request.path, "BTCUSDT&"))
            (void)world_http(&live, live.request.tag, "", 200, body);
    }
    CHECK(live.requests <= 122); /* A minute: a full bucket of 60, and what flowed into it. */
    CHECK(live.requests >= 100);
    world_end(&live);
}

static void quotes_older_than_the_book_are_not_published(void)
{
    live_synced();
    unsigned quotes = btc()->quotes;
    CHECK_INT(
        world_frame(
            &live, "{\"u\":101,\"s\":\"BTCUSDT\",\"b\":\"1\",\"B\":\"1\",\"a\":\"2\",\"A\":\"1\"}"),
        0);
    CHECK_INT(btc()->quotes, quotes);
    CHECK_INT(
        world_frame(
            &live,
            "{\"u\":104,\"s\":\"BTCUSDT\",\"b\":\"10.02\",\"B\":\"1\",\"a\":\"10.1\",\"A\":\"3\"}"),
        0);
    CHECK_INT(btc()->quotes, quotes + 1);
    CHECK_INT(btc()->quote.bid_price, 1002000000);
    CHECK_INT(btc()->quote.venue_seq, 104);
    /* The book at 103 is behind the quote: its top is not news. At 105 it is. */
    CHECK_INT(world_frame(&live, depth("BTCUSDT", 103, 103, "[\"10.01\",\"1\"]", "")), 0);
    CHECK_INT(btc()->quotes, quotes + 1);
    CHECK_INT(world_frame(&live, depth("BTCUSDT", 104, 105, "[\"10.03\",\"1\"]", "")), 0);
    CHECK_INT(btc()->quotes, quotes + 2);
    CHECK_INT(btc()->quote.bid_price, 1003000000);
    world_end(&live);
}

static void a_book_that_its_quote_leaves_behind_is_stale(void)
{
    live_synced();
    CHECK_INT(
        world_frame(
            &live,
            "{\"u\":104,\"s\":\"BTCUSDT\",\"b\":\"10.02\",\"B\":\"1\",\"a\":\"10.1\",\"A\":\"3\"}"),
        0);
    world_pass(&live, 2 * NS_PER_S);
    CHECK_INT(btc()->state, FEED_LIVE);
    world_pass(&live, 2 * NS_PER_S);
    CHECK_INT(btc()->state, FEED_STALE);
    CHECK_INT(btc()->why, REASON_SILENCE);
    CHECK_INT(live.reconnects, 1);
    world_end(&live);
}

static void a_closed_connection_makes_its_books_stale_and_opening_it_again_rebuilds_them(void)
{
    live_synced();
    live.ops->closed(live.state, 0, &live.clock, &live.out);
    CHECK_INT(btc()->state, FEED_STALE);
    CHECK_INT(btc()->why, REASON_DISCONNECTED);
    CHECK_INT(live.feed_state, FEED_DOWN);
    live_opened();
    CHECK_INT(live.frames, 2);
    CHECK_INT(btc()->state, FEED_SYNCING);
    world_pass(&live, NS_PER_S);
    CHECK_INT(world_frame(&live, depth("BTCUSDT", 99, 102, "", "")), 0);
    CHECK_INT(world_http(&live, live.request.tag, "", 200, snapshot_100), 0);
    CHECK_INT(btc()->state, FEED_LIVE);
    world_end(&live);
}

static void a_venue_that_counts_anew_after_a_restart_is_followed(void)
{
    live_synced();
    CHECK_INT(
        world_frame(
            &live,
            "{\"u\":104,\"s\":\"BTCUSDT\",\"b\":\"10.02\",\"B\":\"1\",\"a\":\"10.1\",\"A\":\"3\"}"),
        0);
    live.ops->closed(live.state, 0, &live.clock, &live.out);
    live_opened();
    CHECK_INT(world_frame(&live, "{\"result\":null,\"id\":2}"), 0);
    world_pass(&live, NS_PER_S);
    CHECK_INT(world_frame(&live, depth("BTCUSDT", 5, 6, "", "")), 0);
    CHECK_INT(world_http(&live, live.request.tag, "", 200,
                         "{\"lastUpdateId\":6,\"bids\":[[\"7\",\"1\"]],\"asks\":[[\"8\",\"1\"]]}"),
              0);
    CHECK_INT(btc()->state, FEED_LIVE);
    CHECK_INT(btc()->quote.bid_price, 700000000);
    CHECK_INT(btc()->quote.venue_seq, 6);
    for (unsigned i = 0; i < 5; i++)
        world_pass(&live, NS_PER_S);
    CHECK_INT(btc()->state, FEED_LIVE);
    CHECK_INT(live.reconnects, 0);
    world_end(&live);
}

static void shutdown_of_the_server_connects_anew(void)
{
    live_synced();
    CHECK_INT(world_frame(&live, "{\"stream\":\"!serverShutdown\",\"data\":{\"e\":"
                                 "\"serverShutdown\",\"E\":1770123456789}}"),
              0);
    CHECK_INT(live.reconnects, 1);
    CHECK_INT(live.reconnect_why, REASON_VENUE_MAINTENANCE);
    world_end(&live);
}

static void a_live_book_is_refreshed_hourly_without_going_stale(void)
{
    struct venue_feed_stats stats;

    live_synced();
    world_pass(&live, 3 * NS_PER_S); /* The other symbol is quiet. */
    CHECK_INT(world_http(&live, live.request.tag, "", 200, snapshot_100), 0);
    unsigned before = live.requests;
    for (unsigned i = 0; i < 3596; i++)
        world_pass(&live, NS_PER_S);
    CHECK_INT(live.requests, before);
    world_pass(&live, 2 * NS_PER_S);
    CHECK_INT(live.requests, before + 2); /* The metadata's turn comes too. */
    CHECK_INT(world_frame(&live, depth("BTCUSDT", 103, 110, "[\"9.7\",\"1\"]", "")),
              0); /* Goes on as ever. */
    CHECK_INT(btc()->book.venue_seq, 110);
    CHECK_INT(
        world_http(&live, live.request.tag, "", 200,
                   "{\"lastUpdateId\":108,\"bids\":[[\"10\",\"1\"]],\"asks\":[[\"11\",\"1\"]]}"),
        0);
    CHECK_INT(btc()->state, FEED_LIVE);
    CHECK_INT(btc()->book.venue_seq, 110);
    CHECK_INT(btc()->book.bids.count, 2);
    CHECK_INT(btc()->book.asks.count, 1);
    live.ops->stats(live.state, &stats);
    CHECK_INT(stats.gaps, 0);
    CHECK_INT(live.invalid, 0);
    world_end(&live);
}

static void a_book_larger_than_an_event_is_published_whole(void)
{
    static char body[200000];
    size_t at = 0;

    live_subscribed();
    at += (size_t)snprintf(body, sizeof(body), "{\"lastUpdateId\":100,\"bids\":[");
    for (unsigned i = 0; i < 3000; i++)
        at += (size_t)snprintf(body + at, sizeof(body) - at, "%s[\"%u.5\",\"%u\"]", i ? "," : "",
                               9000 - i, i + 1);
    at += (size_t)snprintf(body + at, sizeof(body) - at, "],\"asks\":[");
    for (unsigned i = 0; i < 2500; i++)
        at += (size_t)snprintf(body + at, sizeof(body) - at, "%s[\"%u.5\",\"%u\"]", i ? "," : "",
                               9001 + i, i + 1);
    snprintf(body + at, sizeof(body) - at, "]}");
    CHECK_INT(world_frame(&live, depth("BTCUSDT", 99, 100, "", "")), 0);
    CHECK_INT(world_http(&live, live.request.tag, "", 200, body), 0);
    CHECK_INT(btc()->book.bids.count, 3000);
    CHECK_INT(btc()->book.asks.count, 2500);
    CHECK_INT(btc()->book.bids.levels[0].price, INT64_C(600150000000));
    CHECK_INT(live.invalid, 0);
    unsigned events = live.events;
    live.ops->republish(live.state, id_of("BTCUSDT"), &live.clock, &live.out);
    CHECK_INT(live.events, events + 5); /* Definition, snapshot, two deltas, status. */
    CHECK_INT(btc()->book.bids.count, 3000);
    CHECK_INT(btc()->book.asks.count, 2500);
    live.ops->republish(live.state, 0, &live.clock, &live.out);
    CHECK_INT(live.invalid, 0);
    world_end(&live);
}

static void a_full_buffer_begins_anew_and_still_joins(void)
{
    live_subscribed();
    live.request_err = ERR_FULL;
    for (unsigned i = 0; i < 1030; i++)
        CHECK_INT(world_frame(&live, depth("BTCUSDT", 101 + i, 101 + i, "", "")), 0);
    CHECK_STR(live.note, "buffer_full: BTCUSDT");
    live.request_err = 0;
    world_pass(&live, NS_PER_S);
    CHECK_INT(world_http(&live, live.request.tag, "", 200, snapshot_100), 0);
    CHECK_INT(btc()->state, FEED_SYNCING); /* Too old for what is left of the buffer. */
    for (unsigned i = 0; i < 20 && !strstr(live.request.path, "BTCUSDT&"); i++)
        world_pass(&live, NS_PER_S);
    world_pass(&live, NS_PER_S);
    CHECK_INT(
        world_http(&live, live.request.tag, "", 200,
                   "{\"lastUpdateId\":1128,\"bids\":[[\"10\",\"1\"]],\"asks\":[[\"11\",\"1\"]]}"),
        0);
    CHECK_INT(world_book(&live, id_of("BTCUSDT"))->book.venue_seq, 1130);
    world_end(&live);
}

int main(void)
{
    /* Hundreds of replays, each with megabytes of its own: kept, not given back to the system and
     * cleared again. */
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, INT_MAX);
    CASE(snapshot_without_a_name_belongs_to_the_only_symbol_or_the_next);
    CASE(raw_and_combined_frames_are_the_same);
    CASE(symbols_beyond_the_bound_are_counted_and_refused);
    CASE(malformed_frames_are_refused_and_change_nothing);
    CASE(streams_are_subscribed_to_by_the_names_that_the_metadata_says);
    CASE(a_name_that_is_not_the_symbol_is_looked_up_in_the_whole_list);
    CASE(metadata_is_asked_for_again_until_it_comes);
    CASE(an_unanswered_subscription_connects_anew);
    CASE(book_is_joined_from_snapshot_and_buffered_deltas);
    CASE(a_snapshot_older_than_the_buffer_is_asked_for_again_and_the_buffer_kept);
    CASE(a_gap_makes_the_book_stale_until_a_new_snapshot);
    CASE(a_crossed_book_is_stale_before_anyone_sees_it_crossed);
    CASE(a_quiet_symbol_gets_its_book_without_a_delta);
    CASE(refused_and_lost_snapshots_are_asked_for_again_with_patience);
    CASE(weight_spent_on_snapshots_is_bounded);
    CASE(quotes_older_than_the_book_are_not_published);
    CASE(a_book_that_its_quote_leaves_behind_is_stale);
    CASE(a_closed_connection_makes_its_books_stale_and_opening_it_again_rebuilds_them);
    CASE(a_venue_that_counts_anew_after_a_restart_is_followed);
    CASE(shutdown_of_the_server_connects_anew);
    CASE(a_live_book_is_refreshed_hourly_without_going_stale);
    CASE(a_book_larger_than_an_event_is_published_whole);
    CASE(a_full_buffer_begins_anew_and_still_joins);
    if (access(SHARED "fixtures/expected_books.jsonl", R_OK) == 0) {
        CASE(capture_of_eleven_minutes_rebuilds_its_book);
        CASE(capture_of_four_symbols_rebuilds_their_books);
        CASE(capture_with_5000_levels_rebuilds_its_books);
        CASE(capture_of_the_us_venue_rebuilds_its_books);
        CASE(loss_of_any_book_frame_is_noticed);
        CASE(book_agrees_with_the_venues_own_best_quote);
    } else {
        printf("ok captures # skipped: no ../shared\n");
    }
    DONE();
}
