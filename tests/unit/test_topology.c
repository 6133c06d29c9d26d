/* The table of streams. */
#include "common/pure/topology.h"
#include "common/pure/wire.h"
#include "tests/unit/check.h"

static void each_port_has_one_row(void)
{
    const struct stream *stream;
    size_t count = 0;

    for (size_t i = 0; (stream = stream_at(i)); i++) {
        CHECK(stream_of(stream->port) == stream);
        CHECK(stream->high_water_mark > 0);
        count++;
    }
    CHECK_INT(count, 11);
    CHECK(stream_of(6005) == NULL);
    CHECK_STR(stream_of(6001)->name, "MARKET_DATA");
    CHECK_INT(stream_of(6001)->high_water_mark, 4096);
    CHECK_INT(stream_of(7005)->bind, SUBSCRIBER_BINDS);
}

static void control_streams_use_curve_even_on_loopback(void)
{
    const struct stream *stream;

    for (size_t i = 0; (stream = stream_at(i)); i++)
        CHECK_INT(stream->is_curve, stream->port >= 7003 || stream->port == 6020);
}

static void each_stream_has_a_reader_and_nobody_reads_its_own(void)
{
    const struct stream *stream;

    for (size_t i = 0; (stream = stream_at(i)); i++) {
        int readers = 0;
        for (int role = ROLE_MARKET_GATEWAY; role <= ROLE_OPERATOR; role++)
            readers += role_subscribes((enum role)role, stream->port);
        CHECK(readers > 0);
        CHECK(!role_subscribes(stream->publisher, stream->port));
    }
}

static void each_event_belongs_to_a_stream(void)
{
    for (unsigned type = 0; type <= UINT16_MAX; type++) {
        int port = wire_port((uint16_t)type);
        CHECK(port <= 0 || stream_of((unsigned)port) != NULL);
        CHECK((port == -1) == (wire_name((uint16_t)type) == NULL));
    }
}

static void roles_have_names_both_ways(void)
{
    for (int role = ROLE_MARKET_GATEWAY; role <= ROLE_OPERATOR; role++)
        CHECK_INT(role_from(role_name((enum role)role)), role);
    CHECK_INT(role_from("nobody"), ROLE_NONE);
    CHECK_STR(role_name(ROLE_NONE), "?");
    CHECK(role_is_per_venue(ROLE_TRADING_ENGINE) && role_is_per_venue(ROLE_MARKET_GATEWAY));
    CHECK(!role_is_per_venue(ROLE_RISK_MONITOR) && !role_is_per_venue(ROLE_NONE));
}

static void publisher_holds_role_and_instance(void)
{
    CHECK_INT(PUBLISHER_ROLE(PUBLISHER(ROLE_TRADING_ENGINE, 2)), ROLE_TRADING_ENGINE);
    CHECK_INT(PUBLISHER_INSTANCE(PUBLISHER(ROLE_TRADING_ENGINE, 2)), 2);
}

int main(void)
{
    CASE(each_port_has_one_row);
    CASE(control_streams_use_curve_even_on_loopback);
    CASE(each_stream_has_a_reader_and_nobody_reads_its_own);
    CASE(each_event_belongs_to_a_stream);
    CASE(roles_have_names_both_ways);
    CASE(publisher_holds_role_and_instance);
    DONE();
}
