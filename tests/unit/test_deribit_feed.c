#include "venues/deribit/feed.h"
#include "common/pure/instrument.h"
#include "tests/unit/check.h"
#include "tests/unit/feed_world.h"

enum { TAG_FUTURE = 2 };

#define BOOK(text)                                                              \
    "{\"jsonrpc\":\"2.0\",\"method\":\"subscription\",\"params\":{\"channel\":" \
    "\"book.UNI_USDC-PERPETUAL.100ms\",\"data\":{" text                         \
    ",\"timestamp\":1626993724318,\"instrument_name\":\"UNI_USDC-PERPETUAL\"}}}"
#define SNAPSHOT(id, bids, asks) \
    BOOK("\"type\":\"snapshot\",\"change_id\":" id ",\"bids\":[" bids "],\"asks\":[" asks "]")
#define CHANGE(prev, id, bids, asks)                                                            \
    BOOK("\"type\":\"change\",\"prev_change_id\":" prev ",\"change_id\":" id ",\"bids\":[" bids \
         "],\"asks\":[" asks "]")

/* As the venue's list has them; the inverse one of the same base is not meant. */
static const char instruments[] =
    "{\"jsonrpc\":\"2.0\",\"result\":[{\"tick_size\":0.5,\"kind\":\"future\",\"is_active\":true,"
    "\"instrument_name\":\"UNI-PERPETUAL\",\"settlement_period\":\"perpetual\","
    "\"instrument_type\":\"reversed\",\"base_currency\":\"UNI\",\"quote_currency\":\"USD\","
    "\"contract_size\":10.0,\"min_trade_amount\":10.0},"
    "{\"tick_size\":0.001,\"taker_commission\":0.0005,\"settlement_period\":\"perpetual\","
    "\"settlement_currency\":\"USDC\",\"quote_currency\":\"USDC\",\"min_trade_amount\":1,"
    "\"maker_commission\":0.0,\"kind\":\"future\",\"is_active\":true,"
    "\"instrument_name\":\"UNI_USDC-PERPETUAL\",\"future_type\":\"linear\","
    "\"contract_size\":1,\"base_currency\":\"UNI\"}]}";

static struct feed_world world;

static struct world_book *uni(void)
{
    return world_book(&world, instrument_id("deribit", INSTRUMENT_PERPETUAL, "UNI_USDC-PERPETUAL"));
}

static void begin(void)
{
    static const char *const names[] = { "UNI-USDC-PERP" };
    const struct venue_feed_config config = {
        .venue = "deribit", .names = names, .name_count = 1, .ws_url = "wss://www.deribit.com"
    };

    world_begin(&world, &deribit_feed_ops, &config);
    deribit_feed_ops.start(world.state, &world.clock, &world.out);
    deribit_feed_ops.opened(world.state, 0, &world.clock, &world.out);
}

static void begin_live(void)
{
    begin();
    CHECK_INT(world_http(&world, TAG_FUTURE, NULL, 200, instruments), 0);
    CHECK_INT(world_frame(&world, SNAPSHOT("7", "[\"new\",7.562,34.0],[\"new\",7.561,329.0]",
                                           "[\"new\",7.563,5.0]")),
              0);
    CHECK_INT(uni()->state, FEED_LIVE);
}

static void end(void)
{
    CHECK_INT(world.invalid + world.crossed_live, 0);
    world_end(&world);
}

static void only_the_list_that_is_needed_is_asked_for(void)
{
    struct venue_connection connections[VENUE_CONNECTIONS_MAX];

    begin();
    CHECK_INT(world.requests, 1);
    CHECK_STR(world.request.path,
              "/api/v2/public/get_instruments?currency=any&kind=future&expired=false");
    CHECK(strstr(world.frame, "\"method\":\"public/set_heartbeat\"") != NULL);
    CHECK_INT(deribit_feed_ops.connections(world.state, connections), 1);
    CHECK_STR(connections[0].url, "wss://www.deribit.com/ws/api/v2");
    end();
}

static void a_linear_perpetual_is_defined_and_subscribed_to_by_its_metadata(void)
{
    begin();
    CHECK_INT(world_http(&world, TAG_FUTURE, NULL, 200, instruments), 0);
    const struct wire_instrument *d = &uni()->definition;
    CHECK_STR(d->name, "UNI-USDC-PERP");
    CHECK_STR(d->settle, "USDC");
    CHECK_INT(d->kind, INSTRUMENT_PERPETUAL);
    CHECK_INT(d->tick_size, 100000);
    CHECK_INT(d->lot_size, 100000000);
    CHECK_INT(d->contract_size, 100000000);
    CHECK_INT(d->taker_fee_ppm, 500);
    CHECK(strstr(world.frame, "\"method\":\"public/subscribe\"") != NULL);
    CHECK(strstr(world.frame,
                 "\"book.UNI_USDC-PERPETUAL.100ms\",\"trades.UNI_USDC-PERPETUAL.100ms\","
                 "\"ticker.UNI_USDC-PERPETUAL.100ms\"") != NULL);
    end();
}

static void a_name_that_is_not_listed_is_said(void)
{
    begin();
    CHECK_INT(world_http(&world, TAG_FUTURE, NULL, 200, "{\"result\":[]}"), 0);
    CHECK_STR(world.note, "no_such_instrument: UNI-USDC-PERP");
    end();
}

static void changes_follow_their_chain_and_are_best_first(void)
{
    begin_live();
    CHECK_INT(world_frame(&world, CHANGE("7", "9", "[\"new\",7.55,1.0],[\"change\",7.562,30.0]",
                                         "[\"delete\",7.563,0.0],[\"new\",7.57,2.0]")),
              0);
    CHECK_INT(uni()->book.bids.count, 3);
    CHECK_INT(book_best(&uni()->book.bids)->qty, INT64_C(3000000000));
    CHECK_INT(book_best(&uni()->book.asks)->price, 757000000);
    CHECK_INT(uni()->quote.venue_seq, 9);
    end();
}

static void a_broken_chain_makes_the_book_stale_and_asks_anew(void)
{
    begin_live();
    unsigned frames = world.frames;
    CHECK_INT(world_frame(&world, CHANGE("8", "9", "[\"new\",7.55,1.0]", "")), ERR_STALE);
    CHECK_INT(uni()->state, FEED_STALE);
    CHECK_INT(uni()->why, REASON_SEQUENCE_GAP);
    CHECK_INT(world.frames, frames + 2); /* Unsubscribed, subscribed. */
    CHECK(strstr(world.frame, "\"method\":\"public/subscribe\"") != NULL);
    CHECK_INT(world_frame(&world, CHANGE("9", "10", "[\"new\",7.54,1.0]", "")), 0);
    CHECK_INT(uni()->state, FEED_STALE); /* Of the subscription that was given up. */
    CHECK_INT(world_frame(&world, SNAPSHOT("11", "[\"new\",7.5,1.0]", "")), 0);
    CHECK_INT(uni()->state, FEED_LIVE);
    CHECK_INT(uni()->book.bids.count, 1);
    end();
}

static void a_crossed_book_is_stale_before_anyone_sees_it(void)
{
    begin_live();
    CHECK_INT(world_frame(&world, CHANGE("7", "8", "[\"new\",7.563,1.0]", "")), ERR_STALE);
    CHECK_INT(uni()->why, REASON_CROSSED);
    end();
}

static void an_unreadable_change_is_a_missed_one(void)
{
    begin_live();
    CHECK_INT(world_frame(&world, CHANGE("7", "8", "[\"moved\",7.5,1.0]", "")), ERR_PROTO);
    CHECK_INT(uni()->why, REASON_BAD_BYTES);
    end();
}

static void a_book_that_does_not_come_is_asked_for_then_the_connection_is_left(void)
{
    begin();
    CHECK_INT(world_http(&world, TAG_FUTURE, NULL, 200, instruments), 0);
    for (int i = 0; i < 60 && world.reconnects == 0; i++) {
        CHECK_INT(world_frame(&world, "{\"method\":\"heartbeat\",\"params\":{\"type\":"
                                      "\"heartbeat\"}}"),
                  0);
        world_pass(&world, NS_PER_S);
    }
    CHECK_INT(world.reconnects, 1);
    end();
}

static void the_venues_test_is_answered_and_silence_is_tested_then_left(void)
{
    begin_live();
    CHECK_INT(world_frame(&world, "{\"jsonrpc\":\"2.0\",\"method\":\"heartbeat\",\"params\":"
                                  "{\"type\":\"test_request\"}}"),
              0);
    CHECK(strstr(world.frame, "\"method\":\"public/test\"") != NULL);
    unsigned frames = world.frames;
    world_pass(&world, 2 * NS_PER_S);
    CHECK_INT(world.frames, frames + 1);
    world_pass(&world, 20 * NS_PER_S);
    CHECK_INT(world.reconnects, 1);
    CHECK_INT(world.reconnect_why, REASON_SILENCE);
    end();
}

static void a_closed_connection_makes_its_books_stale_and_opening_it_subscribes_anew(void)
{
    begin_live();
    deribit_feed_ops.closed(world.state, 0, &world.clock, &world.out);
    CHECK_INT(uni()->state, FEED_STALE);
    CHECK_INT(world.feed_state, FEED_DOWN);
    deribit_feed_ops.opened(world.state, 0, &world.clock, &world.out);
    CHECK(strstr(world.frame, "\"method\":\"public/subscribe\"") != NULL);
    CHECK_INT(world_frame(&world, SNAPSHOT("20", "[\"new\",7.5,1.0]", "")), 0);
    CHECK_INT(uni()->state, FEED_LIVE);
    CHECK_INT(world.feed_state, FEED_LIVE);
    end();
}

static void metadata_is_asked_for_again_until_it_comes(void)
{
    begin();
    CHECK_INT(world_http(&world, TAG_FUTURE, NULL, 429, ""), ERR_PROTO);
    world_pass(&world, 3 * NS_PER_S);
    CHECK_INT(world.requests, 1); /* Held back. */
    world_pass(&world, 10 * NS_PER_S);
    CHECK_INT(world.requests, 2);
    end();
}

int main(void)
{
    CASE(only_the_list_that_is_needed_is_asked_for);
    CASE(a_linear_perpetual_is_defined_and_subscribed_to_by_its_metadata);
    CASE(a_name_that_is_not_listed_is_said);
    CASE(changes_follow_their_chain_and_are_best_first);
    CASE(a_broken_chain_makes_the_book_stale_and_asks_anew);
    CASE(a_crossed_book_is_stale_before_anyone_sees_it);
    CASE(an_unreadable_change_is_a_missed_one);
    CASE(a_book_that_does_not_come_is_asked_for_then_the_connection_is_left);
    CASE(the_venues_test_is_answered_and_silence_is_tested_then_left);
    CASE(a_closed_connection_makes_its_books_stale_and_opening_it_subscribes_anew);
    CASE(metadata_is_asked_for_again_until_it_comes);
    DONE();
}
