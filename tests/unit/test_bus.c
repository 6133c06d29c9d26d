/* The bus between a publisher and its subscribers, over ipc and tcp, in one loop. */
#include "tests/unit/bus_fixture.h"

static struct heard heard;

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

int main(void)
{
    fixture_open();
    CASE(what_is_published_arrives_stamped);
    fixture_close();
    DONE();
}
