/* Coinbase's feed: what level2 does not say is found out all the same. */
#include "tests/unit/check.h"
#include "tests/unit/feed_world.h"
#include "common/pure/instrument.h"
#include "venues/coinbase/feed.h"

static struct feed_world world;
static const char *const names[] = { "BTC-USD", "ETH-USD" };

#define PRODUCT(id, flags)                                                                       \
    "{\"id\":\"" id "-USD\",\"base_currency\":\"" id "\",\"quote_currency\":\"USD\","            \
    "\"quote_increment\":\"0.01\",\"base_increment\":\"0.00000001\",\"min_market_funds\":\"1\"," \
    "\"status\":\"online\"" flags "}"

#define SNAPSHOT(id)                                  \
    "{\"type\":\"snapshot\",\"product_id\":\"" id     \
    "-USD\",\"bids\":[[\"100.00\",\"1\"],[\"99.00\"," \
    "\"2\"]],\"asks\":[[\"101.00\",\"1\"],[\"102.00\",\"2\"]]}"

#define HEARTBEAT(id, sequence, trade, second)                                   \
    "{\"type\":\"heartbeat\",\"sequence\":" sequence ",\"last_trade_id\":" trade \
    ",\"product_id\":\"" id "-USD\",\"time\":\"2024-01-01T00:00:" second "Z\"}"

#define SUBSCRIBED                                                                        \
    "{\"type\":\"subscriptions\",\"channels\":[{\"name\":\"level2_50\",\"product_ids\":[" \
    "\"BTC-USD\",\"ETH-USD\"]}]}"

static struct coinbase_feed *feed_of(void)
{
    return world.state;
}

/* The last request of each kind: one step may make several. */
static struct venue_request asked[TAG_BOOK + 1];

static int keep_request(void *ctx, const struct venue_request *request)
{
    size_t product = request->tag >> 32 & 0xffffff;

    if (product == 0)
        asked[request->tag >> 56] = *request;
    return world_request(ctx, request);
}

static void begin(size_t count)
{
    const struct venue_feed_config config = {
        .venue = "coinbase", .ws_url = "wss://venue", .names = names, .name_count = count
    };

    world_begin(&world, &coinbase_feed_ops, &config);
    world.out.request = keep_request;
    memset(asked, 0, sizeof(asked));
    world.ops->start(world.state, &world.clock, &world.out);
}

static void products_come(const char *body)
{
    CHECK_INT(world_http(&world, feed_tag_make(TAG_PRODUCTS, 0, 0), NULL, 200, body), 0);
}

static void time_comes(void)
{
    (void)world_http(&world, feed_tag_make(TAG_TIME, 0, 0), NULL, 200,
                     "{\"iso\":\"2023-11-14T22:13:20Z\",\"epoch\":1700000000}");
}

static void connect(void)
{
    world.ops->opened(world.state, 0, &world.clock, &world.out);
}

/* Both products known, subscribed, live. */
static void begin_live(void)
{
    begin(2);
    time_comes();
    products_come("[" PRODUCT("BTC", "") "," PRODUCT("ETH", "") "]");
    connect();
    CHECK_INT(world_frame(&world, SUBSCRIBED), 0);
    CHECK_INT(world_frame(&world, SNAPSHOT("BTC")), 0);
    CHECK_INT(world_frame(&world, SNAPSHOT("ETH")), 0);
    CHECK_INT(world.feed_state, FEED_LIVE);
    feed_of()->products[1].check_at_ns = INT64_MAX; /* Comparisons are of the first alone. */
}

static struct world_book *btc(void)
{
    return world_book(&world, instrument_id("coinbase", INSTRUMENT_SPOT, "BTC-USD"));
}

/* Lets time pass with heartbeats, so that nothing is silent. The venue's time is 01:10:00 and what
 * has passed here. */
static void beat(unsigned seconds)
{
    char frame[256];

    for (unsigned i = 0; i < seconds; i++) {
        int second = 600 + (int)(world.clock.now_ns / NS_PER_S);
        for (size_t n = 0; n < 2; n++) {
            snprintf(frame, sizeof(frame),
                     "{\"type\":\"heartbeat\",\"sequence\":%d,\"last_trade_id\":5,"
                     "\"product_id\":\"%s\",\"time\":\"2024-01-01T01:%02d:%02d.5Z\"}",
                     1000 + second, names[n], second / 60 % 60, second % 60);
            CHECK_INT(world_frame(&world, frame), 0);
        }
        world_pass(&world, NS_PER_S);
    }
}

static const char *venue_time(int ahead)
{
    static char text[40];
    int second = 600 + (int)(world.clock.now_ns / NS_PER_S) + ahead;

    snprintf(text, sizeof(text), "2024-01-01T01:%02d:%02dZ", second / 60 % 60, second % 60);
    return text;
}

/* ---- life ---- */

static void a_connection_waits_for_the_products(void)
{
    struct venue_connection wanted[VENUE_CONNECTIONS_MAX];

    begin(2);
    CHECK_STR(world.request.path, "/products");
    CHECK_INT(world.ops->connections(world.state, wanted), 1);
    CHECK_STR(wanted[0].url, "");
    products_come("[" PRODUCT("BTC", "") "]");
    CHECK_INT(world.ops->connections(world.state, wanted), 1);
    CHECK_STR(wanted[0].url, "wss://venue");
    CHECK(strstr(world.note, "no_such_instrument: ETH-USD") != NULL);
    connect();
    CHECK_INT(world.frames, 2); /* Its products, and the status of all. */
    CHECK_STR(world.frame, "{\"type\":\"subscribe\",\"channels\":[{\"name\":\"status\"}]}");
    world_end(&world);
}

static void many_names_are_split_over_connections(void)
{
    static char texts[VENUE_SYMBOLS_MAX][16];
    const char *many[VENUE_SYMBOLS_MAX];
    struct venue_connection wanted[VENUE_CONNECTIONS_MAX];
    struct venue_feed_config config = { .venue = "coinbase", .ws_url = "wss://venue" };

    for (size_t i = 0; i < COUNT(many); i++) {
        snprintf(texts[i], sizeof(texts[i]), "A%zu-USD", i);
        many[i] = texts[i];
    }
    config.names = many;
    config.name_count = COUNT(many);
    config.levels_max = 16;
    world_begin(&world, &coinbase_feed_ops, &config);
    CHECK_INT(world.ops->connections(world.state, wanted), 8);
    world_end(&world);
}

static void silence_of_one_product_costs_its_connection(void)
{
    begin_live();
    for (int i = 0; i < 7; i++) {
        CHECK_INT(world_frame(&world, HEARTBEAT("ETH", "90", "5", "01")), 0);
        world_pass(&world, NS_PER_S);
    }
    CHECK_INT(world.reconnects, 1);
    CHECK_INT(world.reconnect_why, REASON_SILENCE);
    CHECK_INT(btc()->state, FEED_STALE);
    CHECK_INT(btc()->why, REASON_SILENCE);
    world_end(&world);
}

static void a_snapshot_that_does_not_come_is_asked_for_again(void)
{
    begin(1);
    products_come("[" PRODUCT("BTC", "") "]");
    connect();
    unsigned frames = world.frames;
    for (int i = 0; i < 11; i++) {
        CHECK_INT(world_frame(&world, HEARTBEAT("BTC", "90", "5", "01")), 0);
        CHECK_INT(world_frame(&world, "{\"type\":\"subscriptions\",\"channels\":[{\"name\":"
                                      "\"level2_50\",\"product_ids\":[\"BTC-USD\"]}]}"),
                  0);
        world_pass(&world, NS_PER_S);
    }
    CHECK_INT(world.frames - frames, 2); /* Left and taken again. */
    CHECK_STR(world.frame, "{\"type\":\"subscribe\",\"product_ids\":[\"BTC-USD\"],\"channels\":["
                           "\"level2_batch\"]}");
    for (int i = 0; i < 80; i++) {
        CHECK_INT(world_frame(&world, HEARTBEAT("BTC", "90", "5", "01")), 0);
        world_pass(&world, NS_PER_S);
    }
    CHECK(world.reconnects >= 1); /* The connection itself is not believed any more. */
    CHECK_INT(world.reconnect_why, REASON_RESYNC);
    world_end(&world);
}

/* "After a reconnect clients often forget some products." */
static void a_product_missing_in_the_list_is_subscribed_to_again(void)
{
    begin_live();
    world.frame[0] = '\0';
    CHECK_INT(world_frame(&world,
                          "{\"type\":\"subscriptions\",\"channels\":[{\"name\":\"level2_50\","
                          "\"product_ids\":[\"ETH-USD\"]}]}"),
              0);
    CHECK_INT(btc()->state, FEED_STALE);
    world_pass(&world, 100 * NS_PER_MS);
    CHECK(strstr(world.frame, "\"subscribe\",\"product_ids\":[\"BTC-USD\"],\"channels\":["
                              "\"heartbeat\"") != NULL);
    CHECK_INT(world_frame(&world, SNAPSHOT("BTC")), 0);
    CHECK_INT(world.feed_state, FEED_LIVE);
    world_end(&world);
}

/* One bad name refuses the whole subscription: the others go without it. */
static void a_refused_product_does_not_keep_the_others_out(void)
{
    begin(2);
    products_come("[" PRODUCT("BTC", "") "," PRODUCT("ETH", "") "]");
    connect();
    CHECK_INT(world_frame(&world, "{\"type\":\"error\",\"message\":\"Failed to subscribe\","
                                  "\"reason\":\"BTC-USD is not a valid product\"}"),
              0);
    CHECK_INT(btc()->state, FEED_DOWN);
    CHECK_INT(btc()->why, REASON_INSTRUMENT_UNKNOWN);
    world_pass(&world, 100 * NS_PER_MS);
    CHECK(strstr(world.frame, "\"product_ids\":[\"ETH-USD\"]") != NULL);
    world_end(&world);
}

static void a_sequence_that_runs_backwards_is_a_venue_that_began_anew(void)
{
    struct venue_feed_stats stats;

    begin_live();
    CHECK_INT(world_frame(&world, HEARTBEAT("BTC", "90", "5", "01")), 0);
    CHECK_INT(world_frame(&world, HEARTBEAT("BTC", "89", "5", "02")), ERR_STALE);
    CHECK_INT(btc()->state, FEED_STALE);
    CHECK_INT(btc()->why, REASON_SEQUENCE_GAP);
    world.ops->stats(world.state, &stats);
    CHECK_INT(stats.gaps, 1);
    CHECK_INT(world_frame(&world, SNAPSHOT("BTC")), 0);
    CHECK_INT(btc()->state, FEED_LIVE);
    world_end(&world);
}

/* ---- the comparison with REST ---- */

static void ask_for_book(void)
{
    asked[TAG_BOOK].path[0] = '\0';
    for (int i = 0; i < 100 && !asked[TAG_BOOK].path[0]; i++)
        beat(1);
    CHECK_STR(asked[TAG_BOOK].path, "/products/BTC-USD/book?level=2");
}

static void book_comes(const char *levels, const char *time)
{
    char body[512];

    snprintf(body, sizeof(body), "{%s,\"sequence\":7,\"auction_mode\":false,\"time\":\"%s\"}",
             levels, time);
    CHECK_INT(world_http(&world, asked[TAG_BOOK].tag, NULL, 200, body), 0);
}

#define SAME                                                                              \
    "\"bids\":[[\"100.00\",\"1\",3],[\"99.00\",\"2\",1]],\"asks\":[[\"101.00\",\"1\",1]," \
    "[\"102.00\",\"2\",9]]"
#define OTHER                                                                            \
    "\"bids\":[[\"100.00\",\"1\",3],[\"99.50\",\"1\",1],[\"99.00\",\"2\",1]],\"asks\":[" \
    "[\"101.00\",\"1\",1],[\"102.00\",\"2\",9]]"

static void a_book_that_rest_agrees_with_is_left_alone(void)
{
    begin_live();
    ask_for_book();
    book_comes(SAME, venue_time(0));
    beat(5);
    CHECK_INT(feed_of()->checks, 1);
    CHECK_INT(feed_of()->checks_failed, 0);
    CHECK_INT(btc()->state, FEED_LIVE);
    world_end(&world);
}

static void a_level_that_rest_has_and_we_do_not_costs_the_book(void)
{
    struct venue_feed_stats stats;

    begin_live();
    ask_for_book();
    book_comes(OTHER, venue_time(0));
    CHECK_INT(btc()->state, FEED_LIVE); /* The stream may still have it to say. */
    beat(5);
    CHECK_INT(btc()->state, FEED_STALE);
    CHECK_INT(btc()->why, REASON_DEPTH_COMPARE);
    world.ops->stats(world.state, &stats);
    CHECK_INT(stats.gaps, 1);
    CHECK(strstr(world.frame, "\"level2_batch\"") != NULL); /* Asked for anew. */
    world_end(&world);
}

/* The change was on its way while REST was asked: no difference. */
static void a_level_that_changes_meanwhile_is_not_judged(void)
{
    begin_live();
    ask_for_book();
    book_comes(OTHER, venue_time(0));
    CHECK_INT(world_frame(&world, "{\"type\":\"l2update\",\"product_id\":\"BTC-USD\",\"changes\":[["
                                  "\"buy\",\"99.50\",\"0.7\"]],\"time\":\"2024-01-01T01:01:30Z\"}"),
              0);
    beat(5);
    CHECK_INT(feed_of()->checks, 1);
    CHECK_INT(btc()->state, FEED_LIVE);
    world_end(&world);
}

/* REST goes through an edge that may answer from before we asked: then it proves nothing. */
static void a_cached_book_is_asked_for_again(void)
{
    begin_live();
    ask_for_book();
    uint64_t tag = asked[TAG_BOOK].tag;
    book_comes(OTHER, venue_time(-9));
    beat(5);
    CHECK(asked[TAG_BOOK].tag > tag);
    CHECK_INT(feed_of()->checks, 0);
    CHECK_INT(btc()->state, FEED_LIVE);
    world_end(&world);
}

static void a_ticker_that_goes_on_differing_brings_the_comparison_forward(void)
{
    static const char ticker[] =
        "{\"type\":\"ticker\",\"sequence\":5,\"product_id\":\"BTC-USD\",\"best_bid\":\"100.50\","
        "\"best_bid_size\":\"1\",\"best_ask\":\"101.00\",\"best_ask_size\":\"1\","
        "\"time\":\"2024-01-01T01:00:00Z\"}";

    begin_live();
    ask_for_book();
    book_comes(SAME, venue_time(0));
    beat(5);
    CHECK_INT(feed_of()->checks, 1);
    asked[TAG_BOOK].path[0] = '\0';
    beat(20);
    CHECK_STR(asked[TAG_BOOK].path, ""); /* Once a minute. */
    for (int i = 0; i < 5; i++) {
        CHECK_INT(world_frame(&world, ticker), 0);
        beat(1);
    }
    CHECK_STR(asked[TAG_BOOK].path, "/products/BTC-USD/book?level=2");
    CHECK_INT(btc()->state, FEED_LIVE); /* A ticker alone decides nothing. */
    world_end(&world);
}

/* ---- books ---- */

static void an_auction_may_cross_and_is_not_traded_on(void)
{
    struct venue_feed_stats stats;

    begin(1);
    products_come("[" PRODUCT("BTC", ",\"auction_mode\":true") "]");
    connect();
    unsigned frames = world.frames;
    CHECK_INT(btc()->definition.state, TRADING_AUCTION);
    CHECK_INT(world_frame(&world, "{\"type\":\"snapshot\",\"product_id\":\"BTC-USD\",\"bids\":[["
                                  "\"102.00\",\"1\"]],\"asks\":[[\"101.00\",\"1\"]]}"),
              0);
    CHECK_INT(btc()->state, FEED_STALE);
    CHECK_INT(btc()->why, REASON_CROSSED);
    CHECK_INT(world.frames, frames); /* Another one would be the same. */
    products_come("[" PRODUCT("BTC", ",\"auction_mode\":false") "]");
    CHECK_INT(btc()->definition.state, TRADING_OPEN);
    CHECK_INT(world_frame(&world, "{\"type\":\"l2update\",\"product_id\":\"BTC-USD\",\"changes\":[["
                                  "\"buy\",\"102.00\",\"0\"],[\"buy\",\"100.00\",\"1\"]]}"),
              0);
    CHECK_INT(btc()->state, FEED_LIVE);
    world.ops->stats(world.state, &stats);
    CHECK_INT(stats.crossed + stats.resyncs, 0);
    world_end(&world);
}

static void changes_before_a_snapshot_are_ignored(void)
{
    static const char update[] = "{\"type\":\"l2update\",\"product_id\":\"BTC-USD\",\"changes\":[["
                                 "\"buy\",\"100.50\",\"1\"]],\"time\":\"2024-01-01T00:00:01Z\"}";

    begin(1);
    products_come("[" PRODUCT("BTC", "") "]");
    connect();
    CHECK_INT(world_frame(&world, update), 0);
    CHECK_INT(btc()->snapshots + btc()->deltas, 0);
    CHECK_INT(world_frame(&world, SNAPSHOT("BTC")), 0);
    CHECK_INT(world_frame(&world, update), 0);
    CHECK_INT(book_best(&btc()->book.bids)->price, 10050000000);
    /* A second snapshot, unasked: the same again. */
    CHECK_INT(world_frame(&world, SNAPSHOT("BTC")), 0);
    CHECK_INT(book_best(&btc()->book.bids)->price, 10000000000);
    CHECK_INT(btc()->state, FEED_LIVE);
    world_end(&world);
}

/* Zero is compared as a number; of several changes of a price the last one holds. */
static void removals_and_repeats_are_read_in_order(void)
{
    begin_live();
    CHECK_INT(world_frame(&world, "{\"type\":\"l2update\",\"product_id\":\"BTC-USD\",\"changes\":[["
                                  "\"buy\",\"100.00\",\"5\"],[\"sell\",\"101.00\",\"0.00000000\"],"
                                  "[\"buy\",\"100.00\",\"0\"],[\"buy\",\"99.990\",\"3.0\"]]}"),
              0);
    CHECK_INT(btc()->book.bids.count, 2);
    CHECK_INT(book_best(&btc()->book.bids)->price, 9999000000);
    CHECK_INT(book_best(&btc()->book.asks)->price, 10200000000);
    CHECK_INT(world.invalid + world.crossed_live, 0);
    world_end(&world);
}

static void bytes_that_cannot_be_read_cost_the_books_they_may_be_of(void)
{
    begin_live();
    CHECK_INT(world_frame(&world, "{\"type\":\"l2update\",\"product_id\":\"BTC-USD\",\"changes\":[["
                                  "\"buy\",\"100.00\",\"0.-1\"]]}"),
              ERR_PROTO);
    CHECK_INT(btc()->state, FEED_STALE);
    CHECK_INT(btc()->why, REASON_BAD_BYTES);
    CHECK_INT(feed_of()->products[1].state, FEED_LIVE);
    CHECK_INT(world_frame(&world, "{\"type\":\"l2upd"), ERR_PROTO);
    CHECK_INT(feed_of()->products[1].state, FEED_STALE); /* Nobody knows whose it was. */
    world_end(&world);
}

/* ---- products and trades ---- */

/* Channel status leaves trading_disabled and auction_mode out: they stay as REST said. */
static void flags_that_are_not_said_stay(void)
{
    begin(1);
    products_come("[" PRODUCT("BTC", ",\"trading_disabled\":true") "]");
    CHECK_INT(btc()->definition.state, TRADING_HALTED);
    CHECK_INT(world_frame(&world, "{\"type\":\"status\",\"products\":[" PRODUCT("BTC", "") "]}"),
              0);
    CHECK_INT(btc()->definition.state, TRADING_HALTED);
    products_come("[" PRODUCT("BTC", ",\"trading_disabled\":false") "]");
    CHECK_INT(btc()->definition.state, TRADING_OPEN);
    CHECK_INT(world_frame(&world, "{\"type\":\"status\",\"products\":[" PRODUCT(
                                      "BTC", ",\"post_only\":true") "]}"),
              0);
    CHECK_INT(btc()->definition.state, TRADING_POST_ONLY);
    CHECK_INT(btc()->definition.tick_size, 1000000);
    CHECK_INT(btc()->definition.min_notional, 100000000);
    world_end(&world);
}

static void a_hole_in_the_trades_is_filled_by_rest(void)
{
    struct venue_feed_stats stats;
    static const char match[] =
        "{\"type\":\"match\",\"trade_id\":%d,\"sequence\":5,\"time\":\"2024-01-01T00:00:01Z\","
        "\"product_id\":\"BTC-USD\",\"size\":\"1\",\"price\":\"100.5\",\"side\":\"sell\"}";
    char frame[256];

    begin_live();
    snprintf(frame, sizeof(frame), match, 10);
    CHECK_INT(world_frame(&world, frame), 0);
    CHECK_INT(btc()->trade.aggressor, SIDE_BUY); /* side is the maker's. */
    snprintf(frame, sizeof(frame), match, 13);
    CHECK_INT(world_frame(&world, frame), 0);
    world.ops->stats(world.state, &stats);
    CHECK_INT(stats.gaps, 1);
    world_pass(&world, NS_PER_S);
    CHECK_STR(asked[TAG_TRADES].path, "/products/BTC-USD/trades?limit=1000&before=10");
    CHECK_INT(world_http(&world, asked[TAG_TRADES].tag, NULL, 200,
                         "[{\"time\":\"2024-01-01T00:00:01Z\",\"trade_id\":13,\"price\":\"100.5\","
                         "\"size\":\"1\",\"side\":\"sell\"},{\"time\":\"2024-01-01T00:00:01Z\","
                         "\"trade_id\":12,\"price\":\"100.25\",\"size\":\"1\",\"side\":\"buy\"},"
                         "{\"time\":\"2024-01-01T00:00:01Z\",\"trade_id\":11,\"price\":\"100.75\","
                         "\"size\":\"1\",\"side\":\"buy\"}]"),
              0);
    CHECK_INT(btc()->trades, 4);
    CHECK_STR(btc()->trade.venue_trade_id, "12");
    CHECK_INT(btc()->trade.header.flags, WIRE_REPLAY);
    /* The last one of all is missed: the heartbeat says so. */
    CHECK_INT(world_frame(&world, HEARTBEAT("BTC", "90", "14", "05")), 0);
    for (int i = 0; i < 3; i++)
        world_pass(&world, NS_PER_S);
    CHECK_STR(asked[TAG_TRADES].path, "/products/BTC-USD/trades?limit=1000&before=13");
    world_end(&world);
}

static void a_429_is_heeded(void)
{
    struct venue_header header = { .name = "retry-after", .value = "20" };
    struct venue_response response = { .tag = feed_tag_make(TAG_PRODUCTS, 0, 0),
                                       .status = 429,
                                       .was_sent = true,
                                       .body = "",
                                       .headers = &header,
                                       .header_count = 1 };

    begin(1);
    CHECK_INT(world.ops->http(world.state, &response, &world.clock, &world.out), 0);
    unsigned requests = world.requests;
    for (int i = 0; i < 19; i++)
        world_pass(&world, NS_PER_S);
    CHECK_INT(world.requests, requests);
    for (int i = 0; i < 10; i++)
        world_pass(&world, NS_PER_S);
    CHECK(world.requests > requests);
    world_end(&world);
}

static void late_joiners_get_everything_again(void)
{
    begin_live();
    unsigned events = world.events;
    world.ops->republish(world.state, 0, &world.clock, &world.out);
    CHECK_INT(world.events - events, 7); /* Definition, book and status of two, and the feed's. */
    CHECK_INT(world.invalid, 0);
    world_end(&world);
}

int main(void)
{
    CASE(a_connection_waits_for_the_products);
    CASE(many_names_are_split_over_connections);
    CASE(silence_of_one_product_costs_its_connection);
    CASE(a_snapshot_that_does_not_come_is_asked_for_again);
    CASE(a_product_missing_in_the_list_is_subscribed_to_again);
    CASE(a_refused_product_does_not_keep_the_others_out);
    CASE(a_sequence_that_runs_backwards_is_a_venue_that_began_anew);
    CASE(a_book_that_rest_agrees_with_is_left_alone);
    CASE(a_level_that_rest_has_and_we_do_not_costs_the_book);
    CASE(a_level_that_changes_meanwhile_is_not_judged);
    CASE(a_cached_book_is_asked_for_again);
    CASE(a_ticker_that_goes_on_differing_brings_the_comparison_forward);
    CASE(an_auction_may_cross_and_is_not_traded_on);
    CASE(changes_before_a_snapshot_are_ignored);
    CASE(removals_and_repeats_are_read_in_order);
    CASE(bytes_that_cannot_be_read_cost_the_books_they_may_be_of);
    CASE(flags_that_are_not_said_stay);
    CASE(a_hole_in_the_trades_is_filled_by_rest);
    CASE(a_429_is_heeded);
    CASE(late_joiners_get_everything_again);
    DONE();
}
