/* The bus between a publisher and its subscribers, over ipc and tcp, in one loop. */
#include "common/edge/bus_internal.h"
#include "tests/unit/bus_fixture.h"

#include <sys/socket.h>
#include <sys/un.h>

static struct heard heard, other;

static const uint16_t order_types[] = { WIRE_order_event };

static void what_is_published_arrives_stamped(void)
{
    struct bus *engine = bus_of(ROLE_TRADING_ENGINE, 1, 0);
    struct bus *runner = bus_of(ROLE_STRATEGY_RUNNER, 0, 0);
    struct bus_handler handler = handler_of(&heard);
    struct bus_pub *pub = NULL;
    struct bus_sub *sub = NULL;
    const char *endpoint = ipc_endpoint();

    CHECK_INT(bus_publish_on(engine, 6002, endpoint, NULL, NULL, &pub), 0);
    CHECK_INT(bus_subscribe(runner, 6002, endpoint, order_types, 1, &handler, &sub), 0);
    bus_set_risk_version(engine, 42);
    TURN_UNTIL(heard.epochs == 1, 2000);
    CHECK_INT(heard.epochs, 1);
    CHECK(heard.last_epoch == bus_epoch(engine));

    publish_orders(pub, 1, 100);
    TURN_UNTIL(heard.events == 100 && heard.beat.sequence_count, 2000);
    CHECK_INT(heard.events, 100);
    CHECK_INT(not_once(&heard, 100), 0);
    CHECK_INT(heard.wrong, 0);
    CHECK_INT(heard.gap_calls, 0);

    CHECK_INT(heard.beat.header.publisher, PUBLISHER(ROLE_TRADING_ENGINE, 1));
    CHECK_INT(heard.beat.port, 6002);
    CHECK_INT(heard.beat.pid, getpid());
    CHECK_INT(heard.beat.risk_version, 42);
    CHECK(heard.beat.boot_id != 0);
    CHECK_INT(heard.beat.sequences[0].type, WIRE_order_event);
    CHECK_INT(heard.beat.sequences[0].seq, 100);
    CHECK(bus_last_heard_ns(sub, PUBLISHER(ROLE_TRADING_ENGINE, 1)) > 0);
    CHECK_INT(bus_last_heard_ns(sub, PUBLISHER(ROLE_TRADING_ENGINE, 2)), 0);
    bus_close(&engine);
    bus_close(&runner);
}

static void tcp_carries_it_too(void)
{
    struct bus *engine = bus_of(ROLE_TRADING_ENGINE, 1, 0);
    struct bus *runner = bus_of(ROLE_STRATEGY_RUNNER, 0, 0);
    struct bus_handler handler = handler_of(&heard);
    struct bus_pub *pub = NULL;
    struct bus_sub *sub = NULL;

    CHECK_INT(bus_publish_on(engine, 6002, "tcp://127.0.0.1:*", NULL, NULL, &pub), 0);
    CHECK(strncmp(bus_pub_endpoint(pub), "tcp://127.0.0.1:", 16) == 0);
    CHECK_INT(bus_subscribe(runner, 6002, bus_pub_endpoint(pub), NULL, 0, &handler, &sub), 0);
    TURN_UNTIL(heard.epochs == 1, 2000);
    publish_orders(pub, 1, 1000);
    TURN_UNTIL(heard.events == 1000, 2000);
    CHECK_INT(not_once(&heard, 1000), 0);
    bus_close(&engine);
    bus_close(&runner);
}

static void a_late_joiner_misses_nothing_of_what_was_before(void)
{
    struct bus *engine = bus_of(ROLE_TRADING_ENGINE, 1, 0);
    struct bus *runner = bus_of(ROLE_STRATEGY_RUNNER, 0, 0);
    struct bus_handler handler = handler_of(&heard);
    struct bus_counters counters;
    struct bus_pub *pub = NULL;
    struct bus_sub *sub = NULL;
    const char *endpoint = ipc_endpoint();

    CHECK_INT(bus_publish_on(engine, 6002, endpoint, NULL, NULL, &pub), 0);
    publish_orders(pub, 1, 500);
    CHECK_INT(bus_subscribe(runner, 6002, endpoint, order_types, 1, &handler, &sub), 0);
    TURN_UNTIL(heard.epochs == 1, 2000);
    publish_orders(pub, 501, 10);
    TURN_UNTIL(heard.events == 10, 2000);
    bus_counters(runner, &counters);
    CHECK_INT(heard.events, 10);
    CHECK_INT(heard.seen[501], 1);
    CHECK_INT(counters.gaps, 0);
    CHECK_INT(counters.requests_sent, 0);
    bus_close(&engine);
    bus_close(&runner);
}

/* A publisher that comes back is a new epoch; what it said before we were connected again is
 * fetched. */
static void a_restarted_publisher_is_followed_from_its_first_message(void)
{
    struct bus *engine = bus_of(ROLE_TRADING_ENGINE, 1, 0);
    struct bus *runner = bus_of(ROLE_STRATEGY_RUNNER, 0, 0);
    struct bus_handler handler = handler_of(&heard);
    struct bus_pub *pub = NULL;
    struct bus_sub *sub = NULL;
    const char *endpoint = ipc_endpoint();

    CHECK_INT(bus_publish_on(engine, 6002, endpoint, NULL, NULL, &pub), 0);
    CHECK_INT(bus_subscribe(runner, 6002, endpoint, order_types, 1, &handler, &sub), 0);
    TURN_UNTIL(heard.epochs == 1, 2000);
    publish_orders(pub, 1, 20);
    TURN_UNTIL(heard.events == 20, 2000);
    uint64_t before = heard.last_epoch;
    bus_close(&engine);

    engine = bus_of(ROLE_TRADING_ENGINE, 1, 0);
    CHECK(bus_epoch(engine) > before);
    CHECK_INT(bus_publish_on(engine, 6002, endpoint, NULL, NULL, &pub), 0);
    publish_orders(pub, 1, 30); /* Nobody is connected. */
    TURN_UNTIL(heard.events == 50, 5000);
    CHECK_INT(heard.epochs, 2);
    CHECK(heard.last_epoch == bus_epoch(engine));
    CHECK_INT(heard.events, 50);
    CHECK_INT(heard.seen[20], 2);
    CHECK_INT(heard.seen[30], 1);
    CHECK_INT(heard.lost, 0);
    bus_close(&engine);
    bus_close(&runner);
}

static void what_was_missing_of_an_old_epoch_is_lost(void)
{
    struct bus *engine = bus_of(ROLE_TRADING_ENGINE, 1, 20);
    struct bus *runner = bus_of(ROLE_STRATEGY_RUNNER, 0, 20);
    struct bus_handler handler = handler_of(&heard);
    struct bus_counters counters;
    struct bus_pub *pub = NULL;
    struct bus_sub *sub = NULL;
    const char *endpoint = ipc_endpoint();

    CHECK_INT(bus_publish_on(engine, 6002, endpoint, NULL, NULL, &pub), 0);
    CHECK_INT(bus_subscribe(runner, 6002, endpoint, order_types, 1, &handler, &sub), 0);
    TURN_UNTIL(heard.epochs == 1, 2000);
    bus_sub_pause(sub, true);
    publish_orders(pub, 1, 10000);
    turn_for(20);
    bus_sub_pause(sub, false);
    TURN_UNTIL(heard.gap_calls > 0, 2000); /* It has asked; the publisher ends before it answers. */
    bus_close(&engine);
    engine = bus_of(ROLE_TRADING_ENGINE, 1, 20);
    CHECK_INT(bus_publish_on(engine, 6002, endpoint, NULL, NULL, &pub), 0);
    TURN_UNTIL(heard.epochs == 2, 5000);
    CHECK_INT(heard.epochs, 2);
    CHECK(heard.lost > 0);
    /* All that was known to be missing came back or was given up; the new epoch begins clean. */
    bus_counters(runner, &counters);
    CHECK_INT(counters.lost, heard.lost);
    CHECK_INT(counters.gaps, counters.recovered + counters.lost);
    publish_orders(pub, 1, 5);
    uint64_t events = heard.events;
    TURN_UNTIL(heard.events == events + 5, 2000);
    CHECK_INT(heard.events, events + 5);
    bus_close(&engine);
    bus_close(&runner);
}

static void three_publishers_are_told_apart(void)
{
    struct bus *runner = bus_of(ROLE_STRATEGY_RUNNER, 0, 0);
    struct bus_handler handler = handler_of(&heard);
    struct bus *engines[3];
    struct bus_pub *pubs[3] = { NULL };
    struct bus_sub *sub = NULL;
    char list[640] = "";

    for (unsigned i = 0; i < 3; i++) {
        const char *endpoint = ipc_endpoint();
        engines[i] = bus_of(ROLE_TRADING_ENGINE, (uint16_t)(i + 1), 0);
        CHECK_INT(bus_publish_on(engines[i], 6002, endpoint, NULL, NULL, &pubs[i]), 0);
        snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s", i ? ", " : "", endpoint);
    }
    CHECK_INT(bus_subscribe(runner, 6002, list, order_types, 1, &handler, &sub), 0);
    TURN_UNTIL(heard.epochs == 3, 2000);
    CHECK_INT(heard.epochs, 3);
    for (unsigned i = 0; i < 3; i++)
        publish_orders(pubs[i], 1, 100 * (i + 1));
    TURN_UNTIL(heard.events == 600, 2000);
    for (unsigned i = 0; i < 3; i++)
        CHECK_INT(heard.per_publisher[i + 1], 100 * (i + 1));
    CHECK_INT(heard.gap_calls, 0);
    for (unsigned i = 0; i < 3; i++)
        bus_close(&engines[i]);
    bus_close(&runner);
}

static void a_hundred_thousand_events_arrive_intact(void)
{
    struct bus *engine = bus_of(ROLE_TRADING_ENGINE, 1, 0);
    struct bus *runner = bus_of(ROLE_STRATEGY_RUNNER, 0, 0);
    struct bus_handler handler = handler_of(&heard);
    struct bus_pub *pub = NULL;
    struct bus_sub *sub = NULL;
    const char *endpoint = ipc_endpoint();

    CHECK_INT(bus_publish_on(engine, 6002, endpoint, NULL, NULL, &pub), 0);
    CHECK_INT(bus_subscribe(runner, 6002, endpoint, order_types, 1, &handler, &sub), 0);
    TURN_UNTIL(heard.epochs == 1, 2000);
    for (uint64_t seq = 1; seq <= 100000; seq += 5000) {
        publish_orders(pub, seq, 5000);
        (void)loop_turn(loop, 0);
    }
    TURN_UNTIL(heard.events == 100000, 20000);
    CHECK_INT(heard.events, 100000);
    CHECK_INT(not_once(&heard, 100000), 0);
    CHECK_INT(heard.wrong, 0);
    CHECK_INT(heard.lost, 0);
    bus_close(&engine);
    bus_close(&runner);
}

/* Who only watches whether a publisher lives takes none of its events, and misses none. */
static void heartbeats_alone_can_be_heard(void)
{
    static const uint16_t none[] = { WIRE_heartbeat };
    struct bus *engine = bus_of(ROLE_TRADING_ENGINE, 1, 0);
    struct bus *risk = bus_of(ROLE_RISK_MONITOR, 0, 0);
    struct bus_handler handler = handler_of(&heard);
    struct bus_counters counters;
    struct bus_pub *pub = NULL;
    struct bus_sub *sub = NULL;
    const char *endpoint = ipc_endpoint();

    CHECK_INT(bus_publish_on(engine, 6002, endpoint, NULL, NULL, &pub), 0);
    CHECK_INT(bus_subscribe(risk, 6002, endpoint, none, 1, &handler, &sub), 0);
    TURN_UNTIL(heard.epochs == 1, 2000);
    publish_orders(pub, 1, 50);
    TURN_UNTIL(heard.beat.sequence_count && heard.beat.sequences[0].seq == 50, 2000);
    CHECK_INT(heard.beat.sequences[0].seq, 50);
    CHECK_INT(heard.events + heard.gap_calls, 0);
    bus_counters(risk, &counters);
    CHECK_INT(counters.received, heard.heartbeats);
    bus_close(&engine);
    bus_close(&risk);
}

/* ---- requests for state ---- */

static struct {
    unsigned calls;
    struct wire_state_request last;
} asked;

static void on_request(void *ctx, const struct wire_state_request *request)
{
    (void)ctx;
    asked.calls++;
    asked.last = *request;
}

static void requests_of_a_kind_are_answered_together(void)
{
    struct bus *gateway = bus_of(ROLE_MARKET_GATEWAY, 1, 0);
    struct bus *signal = bus_of(ROLE_SIGNAL_ENGINE, 0, 0);
    struct bus *runner = bus_of(ROLE_STRATEGY_RUNNER, 0, 0);
    struct bus_handler handler = handler_of(&heard), second = handler_of(&other);
    struct wire_state_request one, two;
    struct bus_pub *pub = NULL;
    struct bus_sub *sub = NULL, *sub2 = NULL;
    const char *endpoint = ipc_endpoint();

    memset(&asked, 0, sizeof(asked));
    CHECK_INT(bus_publish_on(gateway, 6001, endpoint, on_request, NULL, &pub), 0);
    CHECK_INT(bus_subscribe(signal, 6001, endpoint, NULL, 0, &handler, &sub), 0);
    CHECK_INT(bus_subscribe(runner, 6001, endpoint, NULL, 0, &second, &sub2), 0);
    TURN_UNTIL(heard.epochs == 1 && other.epochs == 1, 2000);

    WIRE_BEGIN(&one, state_request);
    one.kind = REQUEST_SNAPSHOT;
    one.header.instrument = 7;
    two = one;
    CHECK_INT(bus_request(sub, &one), 0);
    CHECK_INT(bus_request(sub2, &two), 0);
    CHECK(one.request_id != 0 && two.request_id != 0 && one.request_id != two.request_id);
    TURN_UNTIL(asked.calls == 1, 2000);
    CHECK_INT(asked.last.kind, REQUEST_SNAPSHOT);
    CHECK_INT(asked.last.header.instrument, 7);
    CHECK_INT(heard.ends + other.ends, 0);
    bus_pub_end_recovery(pub, asked.last.request_id, 3, true);
    TURN_UNTIL(heard.ends && other.ends, 2000);
    CHECK_INT(asked.calls, 1);
    /* Each hears the end of its own request, once. */
    CHECK_INT(heard.ends, 1);
    CHECK_INT(other.ends, 1);
    CHECK(heard.end.request_id == one.request_id && other.end.request_id == two.request_id);
    CHECK_INT(heard.end.sent, 3);
    CHECK_INT(heard.end.is_complete, 1);

    one.request_id = two.request_id = 0;
    two.header.instrument = 8;
    CHECK_INT(bus_request(sub, &one), 0);
    CHECK_INT(bus_request(sub2, &two), 0);
    TURN_UNTIL(asked.calls == 2, 2000);
    CHECK_INT(asked.last.header.instrument, 0); /* Both, so all. */

    one.request_id = 0;
    one.header.publisher = PUBLISHER(ROLE_MARKET_GATEWAY, 9);
    CHECK_INT(bus_request(sub, &one), 0);
    turn_for(250);
    CHECK_INT(asked.calls, 2); /* Addressed to another one. */
    bus_close(&gateway);
    bus_close(&signal);
    bus_close(&runner);
}

/* ---- who may bind ---- */

static void a_second_binder_is_refused(void)
{
    struct bus *engine = bus_of(ROLE_TRADING_ENGINE, 1, 0);
    struct bus *thief = bus_of(ROLE_TRADING_ENGINE, 1, 0);
    struct bus_pub *pub = NULL, *stolen = NULL;
    const char *endpoint = ipc_endpoint();
    char tcp[128];

    CHECK_INT(bus_publish_on(engine, 6002, endpoint, NULL, NULL, &pub), 0);
    CHECK_INT(bus_publish_on(thief, 6002, endpoint, NULL, NULL, &stolen), ERR_LOCKED);
    CHECK_INT(bus_publish_on(engine, 6017, "tcp://127.0.0.1:*", NULL, NULL, &pub), 0);
    snprintf(tcp, sizeof(tcp), "%s", bus_pub_endpoint(pub));
    CHECK_INT(bus_publish_on(thief, 6017, tcp, NULL, NULL, &stolen), ERR_LOCKED);
    CHECK(stolen == NULL);
    bus_close(&engine);
    /* What is given back can be taken at once. */
    CHECK_INT(bus_publish_on(thief, 6002, endpoint, NULL, NULL, &stolen), 0);
    CHECK_INT(bus_publish_on(thief, 6017, tcp, NULL, NULL, &stolen), 0);
    bus_close(&thief);
}

/* Somebody with another run directory holds no lock that we see, but serves the path. */
static void a_path_that_is_served_is_not_stolen(void)
{
    struct bus *engine = bus_of(ROLE_TRADING_ENGINE, 1, 0);
    struct bus_config config = bus_config_of(ROLE_TRADING_ENGINE, 1);
    struct bus_pub *pub = NULL, *stolen = NULL;
    struct bus *thief = NULL;
    char run_dir[192];
    const char *endpoint = ipc_endpoint();

    snprintf(run_dir, sizeof(run_dir), "%s/other", test_dir);
    config.run_dir = run_dir;
    CHECK_INT(bus_open(&thief, &config), 0);
    CHECK_INT(bus_publish_on(engine, 6002, endpoint, NULL, NULL, &pub), 0);
    CHECK_INT(bus_publish_on(thief, 6002, endpoint, NULL, NULL, &stolen), ERR_LOCKED);
    bus_close(&engine);
    bus_close(&thief);
}

static void a_socket_file_left_behind_is_no_obstacle(void)
{
    struct bus *engine = bus_of(ROLE_TRADING_ENGINE, 1, 0);
    struct bus_pub *pub = NULL;
    const char *endpoint = ipc_endpoint();
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    strcpy(address.sun_path, endpoint + strlen("ipc://"));
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK_INT(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    close(fd); /* As after kill -9: the file stays. */
    CHECK_INT(access(address.sun_path, F_OK), 0);
    CHECK_INT(bus_publish_on(engine, 6002, endpoint, NULL, NULL, &pub), 0);
    bus_close(&engine);
}

static void epochs_grow_though_the_clock_goes_back(void)
{
    uint64_t first = bus_lock_epoch(test_dir, 999, 5000);
    CHECK(first == 5000);
    CHECK(bus_lock_epoch(test_dir, 999, 3000) == 5001);
    CHECK(bus_lock_epoch(test_dir, 999, 9000) == 9000);
    CHECK(bus_lock_epoch(test_dir, 998, 3000) == 3000);
}

static void no_high_water_mark_is_without_limit(void)
{
    struct bus *engine = bus_of(ROLE_TRADING_ENGINE, 1, 0);
    struct bus_pub *pub = NULL;
    struct bus_sub *sub = NULL;
    struct bus_handler handler = handler_of(&heard);
    const char *endpoint = ipc_endpoint();

    for (size_t i = 0; stream_at(i); i++)
        CHECK(stream_at(i)->high_water_mark > 0);
    CHECK_INT(bus_publish_on(engine, 6018, endpoint, NULL, NULL, &pub), 0);
    CHECK_INT(bus_subscribe(engine, 6018, endpoint, NULL, 0, &handler, &sub), 0);
    const int options[] = { ZMQ_SNDHWM, ZMQ_RCVHWM };
    for (size_t i = 0; i < COUNT(options); i++) {
        int mark = 0;
        size_t size = sizeof(mark);
        CHECK_INT(zmq_getsockopt(pub->socket.raw, options[i], &mark, &size), 0);
        CHECK_INT(mark, 65536);
        CHECK_INT(zmq_getsockopt(sub->socket.raw, options[i], &mark, &size), 0);
        CHECK_INT(mark, 65536);
    }
    bus_close(&engine);
}

static void endpoints_that_make_no_sense_are_refused(void)
{
    static const char *const bad[] = { "",
                                       "tcp://",
                                       "tcp://127.0.0.1",
                                       "tcp://127.0.0.1:0",
                                       "tcp://127.0.0.1:70000",
                                       "tcp://127.0.0.1:60x",
                                       "udp://127.0.0.1:6002",
                                       "ipc://relative/path",
                                       "127.0.0.1:6002" };
    struct bus *engine = bus_of(ROLE_TRADING_ENGINE, 1, 0);
    struct bus_handler handler = handler_of(&heard);
    struct bus_pub *pub = NULL;
    struct bus_sub *sub = NULL;

    for (size_t i = 0; i < COUNT(bad); i++) {
        CHECK_INT(bus_publish_on(engine, 6002, bad[i], NULL, NULL, &pub), ERR_CONFIG);
        CHECK_INT(bus_subscribe(engine, 6002, bad[i], NULL, 0, &handler, &sub), ERR_CONFIG);
    }
    CHECK_INT(bus_publish_on(engine, 6003, ipc_endpoint(), NULL, NULL, &pub), ERR_RANGE);
    CHECK_INT(bus_publish_on(engine, 1234, ipc_endpoint(), NULL, NULL, &pub), ERR_RANGE);
    static const uint16_t foreign[] = { WIRE_trade };
    CHECK_INT(bus_subscribe(engine, 6002, ipc_endpoint(), foreign, 1, &handler, &sub), ERR_RANGE);
    CHECK(pub == NULL && sub == NULL);
    bus_close(&engine);
}

int main(void)
{
    fixture_open();
    CASE(what_is_published_arrives_stamped);
    CASE(tcp_carries_it_too);
    CASE(a_late_joiner_misses_nothing_of_what_was_before);
    CASE(a_restarted_publisher_is_followed_from_its_first_message);
    CASE(what_was_missing_of_an_old_epoch_is_lost);
    CASE(three_publishers_are_told_apart);
    CASE(a_hundred_thousand_events_arrive_intact);
    CASE(heartbeats_alone_can_be_heard);
    CASE(requests_of_a_kind_are_answered_together);
    CASE(a_second_binder_is_refused);
    CASE(a_path_that_is_served_is_not_stolen);
    CASE(a_socket_file_left_behind_is_no_obstacle);
    CASE(epochs_grow_though_the_clock_goes_back);
    CASE(no_high_water_mark_is_without_limit);
    CASE(endpoints_that_make_no_sense_are_refused);
    fixture_close();
    DONE();
}
