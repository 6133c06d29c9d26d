/* Loss made on purpose: a subscriber that stalls behind a small high-water mark, over ipc. Seen,
 * recovered or given up, and counted. */
#include "tests/unit/bus_fixture.h"

enum { SMALL_MARK = 50, BURST = 20000 };

static struct heard heard, other;
static const uint16_t order_types[] = { WIRE_order_event };

struct pair {
    struct bus *engine, *runner;
    struct bus_pub *pub;
    struct bus_sub *sub;
    char endpoint[192];
};

/* A publisher and a subscriber of a stream, in contact. */
static void pair_open(struct pair *pair, unsigned port, enum role role, const uint16_t *types,
                      size_t count, struct heard *into)
{
    struct bus_handler handler = handler_of(into);

    strcpy(pair->endpoint, ipc_endpoint());
    pair->engine = bus_of(role, 1, SMALL_MARK);
    pair->runner = bus_of(ROLE_STRATEGY_RUNNER, 0, SMALL_MARK);
    CHECK_INT(bus_publish_on(pair->engine, port, pair->endpoint, NULL, NULL, &pair->pub), 0);
    CHECK_INT(bus_subscribe(pair->runner, port, pair->endpoint, types, count, &handler, &pair->sub),
              0);
    TURN_UNTIL(into->epochs == 1, 2000);
    CHECK_INT(into->epochs, 1);
}

static void pair_close(struct pair *pair)
{
    bus_close(&pair->engine);
    bus_close(&pair->runner);
}

static void a_stalled_subscriber_sees_its_loss_and_gets_all_back(void)
{
    struct pair pair;
    struct bus_counters counters;

    pair_open(&pair, 6002, ROLE_TRADING_ENGINE, order_types, 1, &heard);
    bus_sub_pause(pair.sub, true);
    publish_orders(pair.pub, 1, BURST);
    turn_for(50);
    CHECK_INT(heard.events, 0);
    bus_sub_pause(pair.sub, false);
    TURN_UNTIL(heard.events == BURST, 10000);

    bus_counters(pair.runner, &counters);
    CHECK_INT(heard.events, BURST);
    CHECK_INT(not_once(&heard, BURST), 0);
    CHECK_INT(heard.wrong, 0);
    CHECK(heard.missing > 0 && heard.replayed > 0);
    CHECK(counters.gaps > 0);
    CHECK(counters.gaps == heard.missing);
    CHECK_INT(counters.recovered, counters.gaps);
    CHECK_INT(counters.lost, 0);
    CHECK_INT(heard.lost_calls, 0);
    pair_close(&pair);
}

/* The burst's last message is among the lost, and nothing follows it: only heartbeats tell. */
static void the_last_message_before_silence_is_recovered(void)
{
    struct pair pair;

    pair_open(&pair, 6002, ROLE_TRADING_ENGINE, order_types, 1, &heard);
    bus_sub_pause(pair.sub, true);
    publish_orders(pair.pub, 1, BURST);
    bus_sub_pause(pair.sub, false);
    /* What got through comes first, in order, and the tail is not in it. */
    TURN_UNTIL(heard.gap_calls > 0, 5000);
    CHECK_INT(heard.seen[BURST], 0);
    TURN_UNTIL(heard.seen[BURST] != 0, 10000);
    CHECK_INT(heard.seen[BURST], 1);
    pair_close(&pair);
}

static void others_do_not_hear_the_repeats(void)
{
    struct pair pair;
    struct bus *risk = bus_of(ROLE_RISK_MONITOR, 0, 0);
    struct bus_handler handler = handler_of(&other);
    struct bus_sub *steady = NULL;
    struct bus_counters counters;

    pair_open(&pair, 6002, ROLE_TRADING_ENGINE, order_types, 1, &heard);
    CHECK_INT(bus_subscribe(risk, 6002, pair.endpoint, order_types, 1, &handler, &steady), 0);
    TURN_UNTIL(other.epochs == 1, 2000);
    bus_sub_pause(pair.sub, true);
    for (uint64_t seq = 1; seq <= BURST; seq += 20) {
        publish_orders(pair.pub, seq, 20);
        TURN_UNTIL(other.events == seq + 19, 2000);
    }
    bus_sub_pause(pair.sub, false);
    TURN_UNTIL(heard.events == BURST, 10000);
    CHECK_INT(not_once(&heard, BURST), 0);
    turn_for(50);
    CHECK_INT(other.events, BURST);
    CHECK_INT(not_once(&other, BURST), 0);
    CHECK_INT(other.out_of_order, 0);
    bus_counters(risk, &counters);
    CHECK(counters.duplicates > 0);
    CHECK_INT(counters.gaps, 0);
    pair_close(&pair);
    bus_close(&risk);
}

static void what_the_ring_no_longer_has_is_declared_lost(void)
{
    struct pair pair;
    struct bus_counters counters;

    pair_open(&pair, 6002, ROLE_TRADING_ENGINE, order_types, 1, &heard);
    bus_pub_shrink(pair.pub, 100);
    bus_sub_pause(pair.sub, true);
    publish_orders(pair.pub, 1, BURST);
    bus_sub_pause(pair.sub, false);
    TURN_UNTIL(heard.events + heard.lost >= BURST, 10000);
    bus_counters(pair.runner, &counters);
    CHECK_INT(heard.events + heard.lost, BURST);
    CHECK(heard.lost > 0);
    CHECK_INT(counters.lost, heard.lost);
    CHECK_INT(counters.gaps, counters.recovered + counters.lost);
    /* The kept ones came back. */
    for (uint64_t seq = BURST - 99; seq <= BURST; seq++)
        CHECK_INT(heard.seen[seq], 1);
    pair_close(&pair);
}

static void on_market_data_a_loss_is_said_and_not_asked_for(void)
{
    static const uint16_t types[] = { WIRE_trade };
    struct pair pair;
    struct bus_counters counters;
    struct wire_trade trade;

    pair_open(&pair, 6001, ROLE_MARKET_GATEWAY, types, 1, &heard);
    bus_sub_pause(pair.sub, true);
    for (uint64_t seq = 1; seq <= BURST; seq++) {
        WIRE_BEGIN(&trade, trade);
        trade.header.cause = seq;
        CHECK_INT(bus_publish(pair.pub, &trade.header), 0);
    }
    bus_sub_pause(pair.sub, false);
    TURN_UNTIL(heard.events + heard.missing >= BURST, 5000);
    bus_counters(pair.runner, &counters);
    CHECK_INT(heard.events + heard.missing, BURST);
    CHECK(heard.missing > 0);
    CHECK_INT(heard.out_of_order, 0);
    CHECK_INT(heard.lost_calls, 0);
    CHECK_INT(counters.requests_sent, 0);
    CHECK_INT(counters.lost, heard.missing);
    pair_close(&pair);
}

static void state_streams_do_not_ask_either(void)
{
    static const uint16_t types[] = { WIRE_engine_status };
    struct pair pair;
    struct bus_counters counters;
    struct wire_engine_status status;

    pair_open(&pair, 6018, ROLE_TRADING_ENGINE, types, 1, &heard);
    bus_sub_pause(pair.sub, true);
    for (uint64_t seq = 1; seq <= BURST; seq++) {
        WIRE_BEGIN(&status, engine_status);
        status.header.cause = seq;
        CHECK_INT(bus_publish(pair.pub, &status.header), 0);
    }
    bus_sub_pause(pair.sub, false);
    TURN_UNTIL(heard.events + heard.missing >= BURST, 5000);
    bus_counters(pair.runner, &counters);
    CHECK_INT(heard.events + heard.missing, BURST);
    CHECK(heard.missing > 0);
    CHECK_INT(counters.requests_sent, 0);
    pair_close(&pair);
}

/* What an operator sees of it: a process says in its own heartbeats what its inputs lost. */
static void heartbeats_tell_what_was_lost_and_came_back(void)
{
    struct pair pair;
    struct bus *risk = bus_of(ROLE_RISK_MONITOR, 0, 0);
    struct bus_handler handler = handler_of(&other);
    struct bus_pub *status = NULL;
    struct bus_sub *watcher = NULL;
    struct bus_counters counters;
    const char *endpoint;

    pair_open(&pair, 6002, ROLE_TRADING_ENGINE, order_types, 1, &heard);
    endpoint = ipc_endpoint();
    CHECK_INT(bus_publish_on(pair.runner, 6004, endpoint, NULL, NULL, &status), 0);
    CHECK_INT(bus_subscribe(risk, 6004, endpoint, NULL, 0, &handler, &watcher), 0);
    bus_pub_shrink(pair.pub, 1000);
    bus_sub_pause(pair.sub, true);
    publish_orders(pair.pub, 1, BURST);
    bus_sub_pause(pair.sub, false);
    TURN_UNTIL(heard.events + heard.lost >= BURST, 10000);
    bus_counters(pair.runner, &counters);
    TURN_UNTIL(other.beat.gaps == counters.gaps && other.beat.lost == counters.lost, 1000);
    CHECK(counters.lost > 0 && counters.recovered > 0);
    CHECK_INT(other.beat.gaps, counters.gaps);
    CHECK_INT(other.beat.recovered, counters.recovered);
    CHECK_INT(other.beat.lost, counters.lost);
    CHECK_INT(other.beat.malformed, 0);
    pair_close(&pair);
    bus_close(&risk);
}

/* Traffic goes on while recovery does. */
static void recovery_keeps_up_with_a_running_publisher(void)
{
    struct pair pair;
    uint64_t seq = 1;

    pair_open(&pair, 6002, ROLE_TRADING_ENGINE, order_types, 1, &heard);
    for (int round = 0; round < 5; round++) {
        bus_sub_pause(pair.sub, true);
        publish_orders(pair.pub, seq, 5000);
        seq += 5000;
        bus_sub_pause(pair.sub, false);
        for (int i = 0; i < 50; i++) {
            publish_orders(pair.pub, seq, 10);
            seq += 10;
            turn_for(2);
        }
    }
    TURN_UNTIL(heard.events == seq - 1, 15000);
    CHECK_INT(heard.events, seq - 1);
    CHECK_INT(not_once(&heard, seq - 1), 0);
    CHECK_INT(heard.lost, 0);
    pair_close(&pair);
}

/* More types than the mark: the subscription to heartbeats, the last one, was dropped unsaid. */
static void a_mark_below_the_count_of_types_does_not_deafen_a_subscriber(void)
{
    static const uint16_t types[] = { WIRE_instrument, WIRE_best_quote, WIRE_trade,
                                      WIRE_feed_status };
    struct bus_handler handler = handler_of(&heard);
    struct bus_pub *pub;
    struct bus_sub *sub;
    struct bus *gateway, *runner = bus_of(ROLE_STRATEGY_RUNNER, 0, 2);
    const char *endpoint = ipc_endpoint();

    CHECK_INT(bus_subscribe(runner, 6001, endpoint, types, COUNT(types), &handler, &sub), 0);
    turn_for(50);
    gateway = bus_of(ROLE_MARKET_GATEWAY, 1, 2);
    CHECK_INT(bus_publish_on(gateway, 6001, endpoint, NULL, NULL, &pub), 0);
    TURN_UNTIL(heard.epochs == 1, 2000);
    CHECK_INT(heard.epochs, 1);
    bus_close(&gateway);
    bus_close(&runner);
}

int main(void)
{
    fixture_open();
    CASE(a_mark_below_the_count_of_types_does_not_deafen_a_subscriber);
    CASE(a_stalled_subscriber_sees_its_loss_and_gets_all_back);
    CASE(the_last_message_before_silence_is_recovered);
    CASE(others_do_not_hear_the_repeats);
    CASE(what_the_ring_no_longer_has_is_declared_lost);
    CASE(on_market_data_a_loss_is_said_and_not_asked_for);
    CASE(state_streams_do_not_ask_either);
    CASE(heartbeats_tell_what_was_lost_and_came_back);
    CASE(recovery_keeps_up_with_a_running_publisher);
    fixture_close();
    DONE();
}
