/* Bybit's feed: the chain of update ids, spot and linear apart, refusals, silence, maintenance. */
#include "common/leaf/fixed.h"
#include "common/pure/instrument.h"
#include "tests/unit/check.h"
#include "tests/unit/feed_world.h"
#include "venues/bybit/feed.h"

#include <stdarg.h>

enum { SPOT, LINEAR, STATUS }; /* The connections. */

#define SPOT_ROW                                                                         \
    "{\"symbol\":\"BTCUSDT\",\"baseCoin\":\"BTC\",\"quoteCoin\":\"USDT\",\"status\":"    \
    "\"Trading\",\"lotSizeFilter\":{\"basePrecision\":\"0.001\",\"minOrderAmt\":\"5\"}," \
    "\"priceFilter\":{\"tickSize\":\"0.01\"}}"
#define LINEAR_ROW                                                                             \
    "{\"symbol\":\"BTCUSDT\",\"contractType\":\"LinearPerpetual\",\"status\":\"Trading\","     \
    "\"baseCoin\":\"BTC\",\"quoteCoin\":\"USDT\",\"settleCoin\":\"USDT\",\"fundingInterval\":" \
    "480,\"priceFilter\":{\"tickSize\":\"0.10\"},\"lotSizeFilter\":{\"qtyStep\":\"0.001\"}}"
#define DATED_ROW                                                                      \
    "{\"symbol\":\"BTCUSDT-25DEC26\",\"contractType\":\"LinearFutures\",\"status\":"   \
    "\"Trading\",\"baseCoin\":\"BTC\",\"quoteCoin\":\"USDT\",\"settleCoin\":\"USDT\"," \
    "\"priceFilter\":{\"tickSize\":\"0.10\"},\"lotSizeFilter\":{\"qtyStep\":\"0.001\"}}"
#define LIST(category, rows, cursor)                                                             \
    "{\"retCode\":0,\"retMsg\":\"OK\",\"result\":{\"category\":\"" category "\",\"list\":[" rows \
    "],\"nextPageCursor\":\"" cursor "\"},\"retExtInfo\":{},\"time\":1}"

static struct feed_world world;
static const char *const names[] = { "BTC-USDT", "BTC-USDT-PERP" };

/* The last path asked for of each category. */
static char asked[BYBIT_CATEGORIES][256];
static uint64_t tags[BYBIT_CATEGORIES];

static int keep_request(void *ctx, const struct venue_request *request)
{
    for (enum bybit_category c = BYBIT_SPOT; c < BYBIT_CATEGORIES; c++)
        if (strstr(request->path, bybit_category_str(c))) {
            bybit_copy(asked[c], sizeof(asked[c]), request->path);
            tags[c] = request->tag;
        }
    return world_request(ctx, request);
}

/* Every frame sent, since forget(). */
static char sent[8192];

static int keep_frame(void *ctx, unsigned connection, const char *frame, size_t len)
{
    size_t at = strlen(sent);

    snprintf(sent + at, sizeof(sent) - at, "%u %.*s\n", connection, (int)len, frame);
    return world_send(ctx, connection, frame, len);
}

static void forget(void)
{
    sent[0] = '\0';
    world.frames = 0;
}

static int frame(unsigned connection, const char *format, ...)
{
    char text[2048];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    return world.ops->frame(world.state, connection, text, strlen(text), &world.clock, &world.out);
}

static int book(unsigned connection, const char *type, unsigned u, const char *bids,
                const char *asks)
{
    return frame(connection,
                 "{\"topic\":\"orderbook.50.BTCUSDT\",\"type\":\"%s\",\"ts\":1700000000001,"
                 "\"data\":{\"s\":\"BTCUSDT\",\"b\":[%s],\"a\":[%s],\"u\":%u,\"seq\":%u},\"cts\":"
                 "1700000000000}",
                 type, bids, asks, u, 1000 + u);
}

static int snapshot(unsigned connection, unsigned u)
{
    return book(connection, "snapshot", u, "[\"100.0\",\"1\"],[\"99.0\",\"2\"]",
                "[\"101.0\",\"1\"],[\"102.0\",\"2\"]");
}

static void begin(void)
{
    const struct venue_feed_config config = {
        .venue = "bybit", .ws_url = "wss://venue", .names = names, .name_count = COUNT(names)
    };

    world_begin(&world, &bybit_feed_ops, &config);
    world.out.request = keep_request;
    world.out.send = keep_frame;
    forget();
    world.ops->start(world.state, &world.clock, &world.out);
}

static void listed(void)
{
    CHECK_INT(world_http(&world, tags[BYBIT_SPOT], NULL, 200, LIST("spot", SPOT_ROW, "")), 0);
    CHECK_INT(world_http(&world, tags[BYBIT_LINEAR], NULL, 200, LIST("linear", LINEAR_ROW, "")), 0);
}

static void open_all(void)
{
    for (unsigned i = SPOT; i <= STATUS; i++)
        world.ops->opened(world.state, i, &world.clock, &world.out);
}

static struct world_book *spot(void)
{
    return world_book(&world, instrument_id("bybit", INSTRUMENT_SPOT, "BTCUSDT"));
}

static struct world_book *linear(void)
{
    return world_book(&world, instrument_id("bybit", INSTRUMENT_PERPETUAL, "BTCUSDT"));
}

static void begin_live(void)
{
    begin();
    listed();
    open_all();
    CHECK_INT(snapshot(SPOT, 10), 0);
    CHECK_INT(snapshot(LINEAR, 500), 0);
    CHECK_INT(world.feed_state, FEED_LIVE);
    forget();
}

static void end(void)
{
    CHECK_INT(world.invalid, 0);
    CHECK_INT(world.crossed_live, 0);
    world_end(&world);
}

static int64_t best_bid(struct world_book *at)
{
    const struct wire_level *best = book_best(&at->book.bids);

    return best ? best->price : 0;
}

/* ---- beginnings ---- */

static void spot_linear_and_status_have_connections_of_their_own(void)
{
    struct venue_connection wanted[VENUE_CONNECTIONS_MAX];

    begin();
    CHECK_INT(world.ops->connections(world.state, wanted), 3);
    CHECK_STR(wanted[SPOT].url, "wss://venue/v5/public/spot");
    CHECK_STR(wanted[LINEAR].url, "wss://venue/v5/public/linear");
    CHECK_STR(wanted[STATUS].url, "wss://venue/v5/public/misc/status");
    open_all(); /* Before the metadata nothing can be subscribed to but the status. */
    CHECK_STR(sent,
              "2 {\"req_id\":\"status\",\"op\":\"subscribe\",\"args\":[\"system.status\"]}\n");
    forget();
    listed();
    CHECK(strstr(sent, "0 {\"req_id\":\"1\",\"op\":\"subscribe\",\"args\":["
                       "\"orderbook.50.BTCUSDT\",\"publicTrade.BTCUSDT\"]}\n"));
    CHECK(strstr(sent, "1 {\"req_id\":\"2\",\"op\":\"subscribe\",\"args\":["
                       "\"orderbook.50.BTCUSDT\",\"publicTrade.BTCUSDT\",\"tickers.BTCUSDT\","
                       "\"allLiquidation.BTCUSDT\"]}\n"));
    end();
}

static void the_lists_are_read_page_by_page(void)
{
    begin();
    CHECK_STR(asked[BYBIT_LINEAR], "/v5/market/instruments-info?category=linear&limit=1000");
    CHECK_INT(
        world_http(&world, tags[BYBIT_LINEAR], NULL, 200, LIST("linear", DATED_ROW, "p%2Fq=")), 0);
    CHECK_STR(asked[BYBIT_LINEAR],
              "/v5/market/instruments-info?category=linear&limit=1000&cursor=p%252Fq%3D");
    CHECK(!strstr(world.note, "no_such_instrument")); /* It may be on the next. */
    CHECK_INT(world_http(&world, tags[BYBIT_LINEAR], NULL, 200, LIST("linear", LINEAR_ROW, "")), 0);
    CHECK(!strstr(world.note, "no_such_instrument"));
    CHECK_STR(linear()->definition.name, "BTC-USDT-PERP");
    CHECK_STR(linear()->definition.settle, "USDT");
    CHECK_INT(linear()->definition.kind, INSTRUMENT_PERPETUAL);
    CHECK_INT(world_http(&world, tags[BYBIT_SPOT], NULL, 200, LIST("spot", "", "")), 0);
    CHECK_STR(world.note, "no_such_instrument: BTC-USDT");
    end();
}

static void one_symbol_is_two_markets(void)
{
    begin_live();
    CHECK(spot() != linear());
    CHECK_INT(book(LINEAR, "delta", 501, "[\"100.5\",\"3\"]", ""), 0);
    CHECK_INT(best_bid(linear()), 10050 * fixed_pow10(linear()->book.price_exp - 2));
    CHECK_INT(best_bid(spot()), 10000 * fixed_pow10(spot()->book.price_exp - 2));
    end();
}

/* ---- the chain ---- */

static void a_gap_ends_the_book_until_a_snapshot(void)
{
    begin_live();
    CHECK_INT(book(SPOT, "delta", 11, "[\"100.2\",\"1\"]", ""), 0);
    CHECK_INT(spot()->state, FEED_LIVE);
    CHECK_INT(book(SPOT, "delta", 13, "[\"100.4\",\"1\"]", ""), ERR_STALE);
    CHECK_INT(spot()->state, FEED_STALE);
    CHECK_INT(spot()->why, REASON_SEQUENCE_GAP);
    CHECK_INT(linear()->state, FEED_LIVE);
    CHECK_STR(sent,
              "0 {\"req_id\":\"3\",\"op\":\"unsubscribe\",\"args\":[\"orderbook.50.BTCUSDT\"]}"
              "\n0 {\"req_id\":\"4\",\"op\":\"subscribe\",\"args\":[\"orderbook.50.BTCUSDT\"]}"
              "\n");
    CHECK_INT(book(SPOT, "delta", 14, "[\"100.6\",\"1\"]", ""), 0); /* Of no use. */
    CHECK_INT(spot()->state, FEED_STALE);
    CHECK_INT(snapshot(SPOT, 20), 0);
    CHECK_INT(spot()->state, FEED_LIVE);
    CHECK_INT(book(SPOT, "delta", 21, "[\"100.2\",\"1\"]", ""), 0);
    CHECK_INT(best_bid(spot()), 10020 * fixed_pow10(spot()->book.price_exp - 2));
    end();
}

static void what_is_old_is_dropped(void)
{
    struct venue_feed_stats stats;

    begin_live();
    CHECK_INT(book(SPOT, "delta", 11, "[\"100.2\",\"1\"]", ""), 0);
    CHECK_INT(book(SPOT, "delta", 11, "[\"100.9\",\"1\"]", ""), 0);
    CHECK_INT(book(SPOT, "delta", 9, "[\"100.9\",\"1\"]", ""), 0);
    CHECK_INT(best_bid(spot()), 10020 * fixed_pow10(spot()->book.price_exp - 2));
    world.ops->stats(world.state, &stats);
    CHECK_INT(stats.dropped_old, 2);
    CHECK_INT(spot()->state, FEED_LIVE);
    end();
}

static void update_id_one_is_a_snapshot_whatever_it_says(void)
{
    begin_live();
    CHECK_INT(book(SPOT, "delta", 1, "[\"90.0\",\"1\"]", "[\"91.0\",\"1\"]"), 0);
    CHECK_INT(spot()->state, FEED_LIVE);
    CHECK_INT(spot()->book.bids.count, 1);
    CHECK_INT(spot()->book.asks.count, 1);
    CHECK_INT(book(SPOT, "delta", 2, "[\"90.5\",\"1\"]", ""), 0);
    CHECK_INT(spot()->book.bids.count, 2);
    CHECK_STR(sent, "");
    end();
}

static void a_level_of_nothing_is_deleted_known_or_not(void)
{
    begin_live();
    CHECK_INT(book(SPOT, "delta", 11, "[\"100.0\",\"0\"],[\"98.5\",\"0\"]", ""), 0);
    CHECK_INT(spot()->book.bids.count, 1);
    CHECK_INT(best_bid(spot()), 9900 * fixed_pow10(spot()->book.price_exp - 2));
    end();
}

static void levels_in_any_order_end_as_one_set(void)
{
    begin_live(); /* The venue sorts, and does not promise to: of one price the last word counts. */
    CHECK_INT(book(SPOT, "delta", 11, "[\"98.0\",\"1\"],[\"100.3\",\"5\"],[\"100.3\",\"6\"]", ""),
              0);
    CHECK_INT(spot()->book.bids.count, 4);
    CHECK_INT(book_best(&spot()->book.bids)->qty, 6 * fixed_pow10(spot()->book.qty_exp));
    end();
}

static void a_crossed_book_is_stale(void)
{
    begin_live();
    CHECK_INT(book(SPOT, "delta", 11, "[\"101.5\",\"1\"]", ""), ERR_STALE);
    CHECK_INT(spot()->state, FEED_STALE);
    CHECK_INT(spot()->why, REASON_CROSSED);
    CHECK(strstr(sent, "unsubscribe"));
    end();
}

static void bytes_that_cannot_be_read_end_the_books_they_may_be_about(void)
{
    begin_live();
    CHECK_INT(book(LINEAR, "delta", 501, "[\"1x5\",\"1\"]", ""), ERR_PROTO);
    CHECK_INT(linear()->state, FEED_STALE);
    CHECK_INT(linear()->why, REASON_BAD_BYTES);
    CHECK_INT(spot()->state, FEED_LIVE);
    CHECK_INT(snapshot(LINEAR, 600), 0);
    CHECK_INT(frame(LINEAR, "{\"topic\":\"orderbook.50.BTCUSDT\",\"type\":"), ERR_PROTO);
    CHECK_INT(linear()->state, FEED_STALE);
    CHECK_INT(spot()->state, FEED_LIVE);
    CHECK_INT(frame(SPOT, "{\"topic\":\"publicTrade.BTCUSDT\""), ERR_PROTO);
    CHECK_INT(spot()->state, FEED_LIVE); /* Certainly not of a book. */
    end();
}

static void the_venue_is_not_asked_again_and_again_at_once(void)
{
    unsigned resyncs = 0;

    begin_live();
    for (unsigned i = 0; i < 60; i++) { /* Each snapshot's next message is not the next. */
        if (i == 0 || strstr(sent, "unsubscribe")) {
            resyncs += i != 0;
            forget();
            CHECK_INT(snapshot(SPOT, 100), 0);
            CHECK_INT(book(SPOT, "delta", 102, "", ""), ERR_STALE);
        }
        CHECK_INT(frame(SPOT, "{\"success\":true,\"ret_msg\":\"pong\",\"op\":\"ping\"}"), 0);
        CHECK_INT(frame(LINEAR, "{\"success\":true,\"ret_msg\":\"pong\",\"op\":\"ping\"}"), 0);
        world_pass(&world, 500 * NS_PER_MS);
    }
    CHECK_INT(resyncs, 6); /* At once, then after 1, 2, 4, 8 and 8 s. */
    end();
}

static void a_snapshot_that_does_not_come_is_asked_for_again(void)
{
    begin();
    listed();
    open_all();
    forget();
    for (unsigned i = 0; i < 11; i++) {
        CHECK_INT(frame(SPOT, "{\"success\":true,\"ret_msg\":\"pong\",\"op\":\"ping\"}"), 0);
        CHECK_INT(frame(LINEAR, "{\"success\":true,\"ret_msg\":\"pong\",\"op\":\"ping\"}"), 0);
        world_pass(&world, NS_PER_S);
    }
    CHECK(strstr(sent, "0 {\"req_id\":\"3\",\"op\":\"unsubscribe\"") ||
          strstr(sent, "\"op\":\"unsubscribe\",\"args\":[\"orderbook.50.BTCUSDT\"]"));
    CHECK_INT(world.reconnects, 0);
    for (unsigned i = 0; i < 20; i++) {
        CHECK_INT(frame(SPOT, "{\"success\":true,\"ret_msg\":\"pong\",\"op\":\"ping\"}"), 0);
        CHECK_INT(frame(LINEAR, "{\"success\":true,\"ret_msg\":\"pong\",\"op\":\"ping\"}"), 0);
        world_pass(&world, NS_PER_S);
    }
    CHECK_INT(world.reconnects, 2); /* Nor asked for ever: the connections are opened anew. */
    end();
}

/* ---- refusals ---- */

static void a_refused_topic_does_not_take_the_others_with_it(void)
{
    begin();
    listed();
    open_all();
    forget();
    CHECK_INT(frame(LINEAR, "{\"success\":false,\"ret_msg\":\"error:handler not found,topic:"
                            "allLiquidation.BTCUSDT\",\"conn_id\":\"c\",\"req_id\":\"2\",\"op\":"
                            "\"subscribe\"}"),
              0);
    CHECK(strstr(sent, "\"op\":\"subscribe\",\"args\":[\"orderbook.50.BTCUSDT\","
                       "\"publicTrade.BTCUSDT\",\"tickers.BTCUSDT\"]}"));
    CHECK_INT(snapshot(LINEAR, 5), 0);
    CHECK_INT(snapshot(SPOT, 5), 0);
    CHECK_INT(world.feed_state, FEED_LIVE);
    end();
}

static void a_refused_book_is_down_and_tried_again_later(void)
{
    begin();
    listed();
    open_all();
    CHECK_INT(snapshot(LINEAR, 5), 0);
    forget();
    CHECK_INT(frame(SPOT,
                    "{\"success\":false,\"ret_msg\":\"Invalid symbol :[orderbook.50.BTCUSDT]\","
                    "\"conn_id\":\"c\",\"req_id\":\"1\",\"op\":\"subscribe\"}"),
              0);
    CHECK_INT(spot()->state, FEED_DOWN);
    CHECK_INT(spot()->why, REASON_INSTRUMENT_UNKNOWN);
    CHECK_INT(linear()->state, FEED_LIVE);
    CHECK_STR(sent, "");
    for (unsigned i = 0; i < 61; i++) {
        for (unsigned c = SPOT; c <= STATUS; c++)
            CHECK_INT(frame(c, "{\"success\":true,\"ret_msg\":\"pong\",\"op\":\"ping\"}"), 0);
        world_pass(&world, NS_PER_S);
    }
    CHECK(strstr(sent, "0 {\"req_id\":") && strstr(sent, "\"subscribe\""));
    CHECK_INT(snapshot(SPOT, 5), 0);
    CHECK_INT(spot()->state, FEED_LIVE);
    end();
}

/* ---- life ---- */

static void a_silent_connection_is_pinged_and_then_left(void)
{
    begin_live();
    world_pass(&world, 1100 * NS_PER_MS);
    CHECK(strstr(sent, "0 {\"req_id\":\"3\",\"op\":\"ping\"}\n"));
    CHECK(strstr(sent, "1 {\"req_id\":\"4\",\"op\":\"ping\"}\n"));
    CHECK_INT(frame(SPOT, "{\"success\":true,\"ret_msg\":\"pong\",\"conn_id\":\"c\",\"req_id\":"
                          "\"3\",\"op\":\"ping\"}"),
              0);
    for (unsigned i = 0; i < 10; i++) {
        CHECK_INT(frame(SPOT, "{\"success\":true,\"ret_msg\":\"pong\",\"op\":\"ping\"}"), 0);
        world_pass(&world, NS_PER_S);
    }
    CHECK_INT(world.reconnects, 1);
    CHECK_INT(world.reconnect_why, REASON_SILENCE);
    world.ops->closed(world.state, LINEAR, &world.clock, &world.out);
    CHECK_INT(linear()->state, FEED_STALE);
    CHECK_INT(linear()->why, REASON_DISCONNECTED);
    CHECK_INT(spot()->state, FEED_LIVE);
    forget();
    world.ops->opened(world.state, LINEAR, &world.clock, &world.out);
    CHECK(strstr(sent, "1 {") && strstr(sent, "\"tickers.BTCUSDT\""));
    CHECK(!strstr(sent, "0 {"));
    CHECK_INT(snapshot(LINEAR, 7), 0);
    CHECK_INT(linear()->state, FEED_LIVE);
    end();
}

static void announced_maintenance_halts_what_it_is_about_when_it_begins(void)
{
    int64_t begin_ms = INT64_C(1700000010000);
    static const char notice[] =
        "{\"topic\":\"system.status\",\"ts\":1700000000000,\"data\":[{\"id\":\"m-1\",\"title\":"
        "\"t\",\"state\":\"%s\",\"begin\":\"%lld\",\"end\":\"%lld\",\"href\":\"\",\"serviceTypes\":"
        "[2,3],\"product\":[2],\"uidSuffix\":[],\"maintainType\":1,\"env\":1}]}";

    begin_live();
    CHECK_INT(frame(STATUS, notice, "scheduled", (long long)begin_ms, (long long)begin_ms + 60000),
              0);
    CHECK_INT(world.feed_state, FEED_LIVE);
    world.clock.wall_ns = begin_ms * NS_PER_MS;
    world_pass(&world, 100 * NS_PER_MS);
    CHECK_INT(world.feed_state, FEED_MAINTENANCE);
    CHECK(spot()->definition.state != TRADING_OPEN);
    CHECK_INT(linear()->definition.state, TRADING_OPEN);
    CHECK_INT(frame(STATUS, notice, "completed", (long long)begin_ms, (long long)begin_ms + 60000),
              0);
    CHECK_INT(spot()->definition.state, TRADING_OPEN);
    CHECK_INT(world.feed_state, FEED_LIVE);
    end();
}

/* ---- prints and tickers ---- */

static void trades_name_who_took(void)
{
    begin_live();
    CHECK_INT(frame(SPOT, "{\"topic\":\"publicTrade.BTCUSDT\",\"type\":\"snapshot\",\"ts\":"
                          "1700000000001,\"data\":[{\"T\":1700000000000,\"s\":\"BTCUSDT\",\"S\":"
                          "\"Sell\",\"v\":\"0.5\",\"p\":\"100.25\",\"i\":\"2100000\",\"BT\":false,"
                          "\"seq\":1}]}"),
              0);
    CHECK_INT(spot()->trades, 1);
    CHECK_INT(spot()->trade.aggressor, SIDE_SELL);
    CHECK_STR(spot()->trade.venue_trade_id, "2100000");
    CHECK_INT(spot()->trade.exchange_ns, INT64_C(1700000000000) * NS_PER_MS);
    CHECK_INT(linear()->trades, 0);
    end();
}

static void a_liquidated_long_is_a_sale(void)
{
    begin_live();
    CHECK_INT(frame(LINEAR, "{\"topic\":\"allLiquidation.BTCUSDT\",\"type\":\"snapshot\",\"ts\":"
                            "1739502303204,\"data\":[{\"T\":1739502302929,\"s\":\"BTCUSDT\",\"S\":"
                            "\"Buy\",\"v\":\"2\",\"p\":\"99.5\"}]}"),
              0);
    CHECK_INT(linear()->liquidations, 1);
    CHECK_INT(linear()->liquidation.side, SIDE_SELL);
    end();
}

static void a_ticker_says_only_what_changed(void)
{
    int64_t unit;

    begin_live();
    unit = fixed_pow10(linear()->book.price_exp);
    CHECK_INT(frame(LINEAR, "{\"topic\":\"tickers.BTCUSDT\",\"type\":\"snapshot\",\"data\":{"
                            "\"symbol\":\"BTCUSDT\",\"markPrice\":\"100\",\"indexPrice\":\"99\","
                            "\"fundingRate\":\"-0.0001\",\"nextFundingTime\":\"1700006400000\","
                            "\"fundingIntervalHour\":\"8\"},\"cs\":1,\"ts\":1700000000000}"),
              0);
    CHECK_INT(linear()->mark.mark_price, 100 * unit);
    CHECK_INT(linear()->mark.index_price, 99 * unit);
    CHECK_INT(linear()->funding.rate_ppb, -100000);
    CHECK_INT(linear()->funding.interval_ns, 8 * 3600 * NS_PER_S);
    CHECK_INT(frame(LINEAR, "{\"topic\":\"tickers.BTCUSDT\",\"type\":\"delta\",\"data\":{"
                            "\"symbol\":\"BTCUSDT\",\"markPrice\":\"101\"},\"cs\":2,\"ts\":"
                            "1700000000100}"),
              0);
    CHECK_INT(linear()->mark.mark_price, 101 * unit);
    CHECK_INT(linear()->mark.index_price, 99 * unit);
    CHECK_INT(linear()->fundings, 1);
    CHECK_INT(frame(LINEAR, "{\"topic\":\"tickers.BTCUSDT\",\"type\":\"delta\",\"data\":{"
                            "\"symbol\":\"BTCUSDT\",\"fundingRate\":\"0.0003\"},\"cs\":3,\"ts\":"
                            "1700000000200}"),
              0);
    CHECK_INT(linear()->fundings, 2);
    CHECK_INT(linear()->funding.rate_ppb, 300000);
    CHECK_INT(linear()->funding.next_funding_ns, INT64_C(1700006400000) * NS_PER_MS);
    end();
}

int main(void)
{
    CASE(spot_linear_and_status_have_connections_of_their_own);
    CASE(the_lists_are_read_page_by_page);
    CASE(one_symbol_is_two_markets);
    CASE(a_gap_ends_the_book_until_a_snapshot);
    CASE(what_is_old_is_dropped);
    CASE(update_id_one_is_a_snapshot_whatever_it_says);
    CASE(a_level_of_nothing_is_deleted_known_or_not);
    CASE(levels_in_any_order_end_as_one_set);
    CASE(a_crossed_book_is_stale);
    CASE(bytes_that_cannot_be_read_end_the_books_they_may_be_about);
    CASE(the_venue_is_not_asked_again_and_again_at_once);
    CASE(a_snapshot_that_does_not_come_is_asked_for_again);
    CASE(a_refused_topic_does_not_take_the_others_with_it);
    CASE(a_refused_book_is_down_and_tried_again_later);
    CASE(a_silent_connection_is_pinged_and_then_left);
    CASE(announced_maintenance_halts_what_it_is_about_when_it_begins);
    CASE(trades_name_who_took);
    CASE(a_liquidated_long_is_a_sale);
    CASE(a_ticker_says_only_what_changed);
    DONE();
}
