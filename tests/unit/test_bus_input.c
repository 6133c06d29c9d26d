/* What strangers send: bytes that are no events, versions of tomorrow, requests that make no sense.
 */
#include "tests/unit/bus_fixture.h"

#include <zmq.h>

static struct heard heard;

/* A publisher that is not ours: a plain ZeroMQ socket in a context of its own. */
static struct {
    void *ctx, *socket;
    uint64_t beats;
} stranger;

static void stranger_open(int type)
{
    stranger.ctx = zmq_ctx_new();
    stranger.socket = zmq_socket(stranger.ctx, type);
    int none = 0, mark = 100000;
    zmq_setsockopt(stranger.socket, ZMQ_SNDHWM, &mark, sizeof(mark));
    zmq_setsockopt(stranger.socket, ZMQ_LINGER, &none, sizeof(none));
    stranger.beats = 0;
}

static void stranger_close(void)
{
    zmq_close(stranger.socket);
    zmq_ctx_term(stranger.ctx);
}

static void stranger_send(const void *bytes, size_t size)
{
    CHECK(zmq_send(stranger.socket, bytes, size, 0) == (int)size);
}

static struct wire_header header_of(uint16_t type, uint32_t size)
{
    return (struct wire_header){ .type = type,
                                 .version = WIRE_VERSION,
                                 .publisher = PUBLISHER(ROLE_MARKET_GATEWAY, 1),
                                 .size = size,
                                 .epoch = 77 };
}

static void stranger_beat_of(uint64_t epoch, uint64_t last_trade)
{
    struct wire_heartbeat beat;

    WIRE_BEGIN(&beat, heartbeat);
    beat.header = header_of(WIRE_heartbeat, sizeof(beat));
    beat.header.epoch = epoch;
    beat.header.seq = ++stranger.beats;
    beat.port = 6001;
    beat.sequence_count = 1;
    beat.sequences[0] = (wire_sequence){ .type = WIRE_trade, .seq = last_trade };
    stranger_send(&beat, sizeof(beat));
}

static void stranger_beat(uint64_t last_trade)
{
    stranger_beat_of(77, last_trade);
}

static struct wire_trade trade_of(uint64_t seq)
{
    struct wire_trade trade;

    WIRE_BEGIN(&trade, trade);
    trade.header = header_of(WIRE_trade, sizeof(trade));
    trade.header.seq = trade.header.cause = seq;
    return trade;
}

static void what_is_no_event_is_counted_and_costs_nothing_else(void)
{
    struct bus *signal = bus_of(ROLE_SIGNAL_ENGINE, 0, 0);
    struct bus_handler handler = handler_of(&heard);
    struct bus_counters counters;
    struct bus_sub *sub = NULL;
    const char *endpoint = ipc_endpoint();
    unsigned char bytes[256] = { WIRE_trade, 0 };

    stranger_open(ZMQ_PUB);
    CHECK_INT(zmq_bind(stranger.socket, endpoint), 0);
    CHECK_INT(bus_subscribe(signal, 6001, endpoint, NULL, 0, &handler, &sub), 0);
    for (int i = 0; i < 100 && heard.epochs == 0; i++) {
        stranger_beat(10);
        turn_for(20);
    }
    CHECK_INT(heard.epochs, 1);

    struct wire_trade good = trade_of(11);
    stranger_send(&good, sizeof(good));
    uint64_t malformed = 0;
    for (size_t size = 2; size < sizeof(struct wire_header); size += 7, malformed++)
        stranger_send(bytes, size);
    struct wire_trade bad = trade_of(12);
    bad.header.size--;
    stranger_send(&bad, sizeof(bad)), malformed++; /* Another size than it says. */
    bad = trade_of(12);
    stranger_send(&bad, sizeof(bad) - 8), malformed++; /* Cut short. */
    bad.aggressor = 200;
    stranger_send(&bad, sizeof(bad)), malformed++; /* An enumeration nobody knows. */
    bad = trade_of(12);
    bad.header.publisher = PUBLISHER(ROLE_TRADING_ENGINE, 1);
    stranger_send(&bad, sizeof(bad)), malformed++; /* Not who publishes here. */
    bad.header = header_of(WIRE_trade, sizeof(bad));
    bad.header.epoch = 0;
    stranger_send(&bad, sizeof(bad)), malformed++;
    struct wire_order_event order;
    WIRE_BEGIN(&order, order_event);
    order.header = header_of(WIRE_order_event, sizeof(order));
    order.kind = ORDER_EVENT_ACCEPTED;
    stranger_send(&order, sizeof(order)), malformed++; /* Of another stream. */
    struct wire_state_request request;
    WIRE_BEGIN(&request, state_request);
    request.header = header_of(WIRE_state_request, sizeof(request));
    request.kind = REQUEST_STATE;
    stranger_send(&request, sizeof(request)), malformed++; /* Never comes this way. */
    bad = trade_of(12);
    bad.header.version = WIRE_VERSION + 1;
    for (int i = 0; i < 1000; i++)
        stranger_send(&bad, sizeof(bad));
    bad = trade_of(12);
    bad.header.type = 250;
    for (int i = 0; i < 10; i++)
        stranger_send(&bad, sizeof(bad));
    good = trade_of(12);
    stranger_send(&good, sizeof(good));
    TURN_UNTIL(heard.events == 2, 2000);

    bus_counters(signal, &counters);
    CHECK_INT(heard.events, 2);
    CHECK_INT(heard.seen[11], 1);
    CHECK_INT(heard.seen[12], 1);
    CHECK_INT(counters.malformed, malformed);
    CHECK_INT(counters.unknown_version, 1000);
    CHECK_INT(counters.unknown_type, 10);
    CHECK_INT(counters.gaps, 0);
    bus_close(&signal);
    stranger_close();
}

/* An epoch that is over, a repeat, a jump and a lie about the last seq. */
static void sequences_of_a_stranger_are_tracked(void)
{
    struct bus *signal = bus_of(ROLE_SIGNAL_ENGINE, 0, 0);
    struct bus_handler handler = handler_of(&heard);
    struct bus_counters counters;
    struct bus_sub *sub = NULL;
    const char *endpoint = ipc_endpoint();

    stranger_open(ZMQ_PUB);
    CHECK_INT(zmq_bind(stranger.socket, endpoint), 0);
    CHECK_INT(bus_subscribe(signal, 6001, endpoint, NULL, 0, &handler, &sub), 0);
    struct wire_trade trade = trade_of(9);
    for (int i = 0; i < 100 && heard.epochs == 0; i++) {
        stranger_send(&trade, sizeof(trade)); /* Before contact: not handed on. */
        stranger_beat(10);
        turn_for(20);
    }
    CHECK_INT(heard.events, 0);
    const uint64_t seqs[] = { 11, 11, 12, 10, 15, 15, 16 };
    for (size_t i = 0; i < COUNT(seqs); i++) {
        trade = trade_of(seqs[i]);
        stranger_send(&trade, sizeof(trade));
    }
    trade = trade_of(17);
    trade.header.epoch = 76;
    stranger_send(&trade, sizeof(trade)); /* Of an epoch that is over. */
    stranger_beat(18);
    stranger_beat(3);
    TURN_UNTIL(heard.gap_calls == 2, 2000);
    turn_for(30);
    bus_counters(signal, &counters);
    CHECK_INT(heard.events, 4);
    CHECK_INT(heard.seen[17], 0);
    CHECK_INT(heard.missing, 4); /* 13, 14; 17, 18 */
    CHECK_INT(counters.duplicates, 3);
    CHECK_INT(heard.out_of_order, 0);
    bus_close(&signal);
    stranger_close();
}

/* A late copy of an old epoch changes nothing; a publisher that was silent may come back with a
 * clock set back. */
static void an_older_epoch_counts_only_after_silence(void)
{
    struct bus *signal = bus_of(ROLE_SIGNAL_ENGINE, 0, 0);
    struct bus_handler handler = handler_of(&heard);
    struct bus_sub *sub = NULL;
    const char *endpoint = ipc_endpoint();

    stranger_open(ZMQ_PUB);
    CHECK_INT(zmq_bind(stranger.socket, endpoint), 0);
    CHECK_INT(bus_subscribe(signal, 6001, endpoint, NULL, 0, &handler, &sub), 0);
    for (int i = 0; i < 100 && heard.epochs == 0; i++) {
        stranger_beat(10);
        turn_for(20);
    }
    stranger_beat_of(76, 100);
    turn_for(100);
    CHECK_INT(heard.epochs, 1);
    stranger_beat_of(78, 5);
    TURN_UNTIL(heard.epochs == 2, 1000);
    CHECK(heard.last_epoch == 78);
    turn_for(1100);
    stranger_beat_of(76, 100);
    TURN_UNTIL(heard.epochs == 3, 1000);
    CHECK(heard.last_epoch == 76);
    CHECK_INT(heard.gap_calls, 0);
    bus_close(&signal);
    stranger_close();
}

static void a_plain_subscriber_of_a_stranger_works(void)
{
    struct bus *gateway = bus_of(ROLE_MARKET_GATEWAY, 1, 0);
    struct bus_pub *pub = NULL;
    const unsigned char prefix[2] = { WIRE_trade & 0xff, WIRE_trade >> 8 };
    const char *endpoint = ipc_endpoint();
    struct wire_trade trade, got;
    int size = -1;

    CHECK_INT(bus_publish_on(gateway, 6001, endpoint, NULL, NULL, &pub), 0);
    stranger_open(ZMQ_SUB);
    zmq_setsockopt(stranger.socket, ZMQ_SUBSCRIBE, prefix, sizeof(prefix));
    CHECK_INT(zmq_connect(stranger.socket, endpoint), 0);
    for (int i = 0; i < 100 && size < 0; i++) {
        WIRE_BEGIN(&trade, trade);
        CHECK_INT(bus_publish(pub, &trade.header), 0);
        turn_for(10);
        size = zmq_recv(stranger.socket, &got, sizeof(got), ZMQ_DONTWAIT);
    }
    CHECK_INT(size, sizeof(got));
    CHECK_INT(wire_check(&got, sizeof(got)), 0);
    CHECK(got.header.epoch == bus_epoch(gateway));
    bus_close(&gateway);
    stranger_close();
}

/* More publishers than a subscription tracks: the one not heard for longest makes room. */
static void the_number_of_publishers_is_bounded(void)
{
    struct bus *signal = bus_of(ROLE_SIGNAL_ENGINE, 0, 0);
    struct bus_handler handler = handler_of(&heard);
    struct bus_counters counters;
    struct bus_sub *sub = NULL;
    struct wire_heartbeat beat;
    const char *endpoint = ipc_endpoint();

    stranger_open(ZMQ_PUB);
    CHECK_INT(zmq_bind(stranger.socket, endpoint), 0);
    CHECK_INT(bus_subscribe(signal, 6001, endpoint, NULL, 0, &handler, &sub), 0);
    for (int i = 0; i < 100 && heard.epochs == 0; i++) {
        stranger_beat(10);
        turn_for(20);
    }
    for (unsigned instance = 2; instance <= 100; instance++) {
        WIRE_BEGIN(&beat, heartbeat);
        beat.header = header_of(WIRE_heartbeat, sizeof(beat));
        beat.header.publisher = PUBLISHER(ROLE_MARKET_GATEWAY, instance);
        beat.port = 6001;
        stranger_send(&beat, sizeof(beat));
    }
    TURN_UNTIL(heard.epochs == 100, 2000);
    bus_counters(signal, &counters);
    CHECK_INT(heard.epochs, 100);
    CHECK_INT(counters.publishers_evicted, 100 - 64);
    CHECK_INT(bus_last_heard_ns(sub, PUBLISHER(ROLE_MARKET_GATEWAY, 1)), 0);
    CHECK(bus_last_heard_ns(sub, PUBLISHER(ROLE_MARKET_GATEWAY, 100)) > 0);
    bus_close(&signal);
    stranger_close();
}

static unsigned requests_heard;

static void on_request(void *ctx, const struct wire_state_request *request)
{
    (void)ctx, (void)request;
    requests_heard++;
}

static void what_comes_upstream_is_checked(void)
{
    struct bus *engine = bus_of(ROLE_TRADING_ENGINE, 1, 0);
    struct bus_pub *pub = NULL;
    struct bus_counters counters;
    struct wire_state_request request;
    struct wire_recovery_end end;
    static unsigned char huge[70000];
    const char *endpoint = ipc_endpoint();

    memset(huge, 9, sizeof(huge));
    CHECK_INT(bus_publish_on(engine, 6002, endpoint, on_request, NULL, &pub), 0);
    publish_orders(pub, 1, 1000);
    stranger_open(ZMQ_XSUB);
    CHECK_INT(zmq_connect(stranger.socket, endpoint), 0);
    const unsigned char prefix[3] = { 1, WIRE_recovery_end & 0xff, 0 };
    stranger_send(prefix, sizeof(prefix));
    for (size_t size = 2; size <= 2000; size += 333)
        stranger_send(huge, size);
    turn_for(100);
    bus_counters(engine, &counters);
    CHECK_INT(counters.malformed + counters.unknown_version + counters.unknown_type, 7);

    WIRE_BEGIN(&request, state_request);
    request.kind = REQUEST_REPLAY;
    request.request_id = 5;
    request.of_type = WIRE_order_event;
    request.of_epoch = bus_epoch(engine) - 1;
    request.from_seq = 1;
    request.to_seq = UINT64_MAX;
    request.page_max = UINT16_MAX;
    stranger_send(&request, sizeof(request)); /* Of an epoch that is over: not answered. */
    request.of_epoch++;
    request.of_type = WIRE_trade_event;
    stranger_send(&request, sizeof(request)); /* Of another stream. */
    request.of_type = WIRE_order_event;
    request.from_seq = 0;
    stranger_send(&request, sizeof(request)); /* Seqs begin at 1. */
    request.from_seq = 7;
    request.to_seq = 6;
    stranger_send(&request, sizeof(request));
    request.to_seq = UINT64_MAX;
    stranger_send(&request, sizeof(request)); /* The only good one. */
    turn_for(100);
    CHECK_INT(zmq_recv(stranger.socket, &end, sizeof(end), ZMQ_DONTWAIT), sizeof(end));
    CHECK_INT(end.sent, 256);
    CHECK_INT(end.next_seq, 7 + 256);
    CHECK_INT(end.is_complete, 0);
    CHECK_INT(end.is_lost, 0);
    CHECK_INT(zmq_recv(stranger.socket, &end, sizeof(end), ZMQ_DONTWAIT), -1);
    CHECK_INT(requests_heard, 0);
    bus_counters(engine, &counters);
    CHECK_INT(counters.requests_refused, 4);
    CHECK_INT(counters.requests_answered, 1);

    stranger_send(huge, sizeof(huge)); /* Larger than any event: it is disconnected. */
    turn_for(100);
    struct wire_order_event event;
    WIRE_BEGIN(&event, order_event);
    event.kind = ORDER_EVENT_ACCEPTED;
    CHECK_INT(bus_publish(pub, &event.header), 0);
    CHECK_INT(event.header.seq, 1001);
    bus_close(&engine);
    stranger_close();
}

int main(void)
{
    fixture_open();
    CASE(what_is_no_event_is_counted_and_costs_nothing_else);
    CASE(sequences_of_a_stranger_are_tracked);
    CASE(an_older_epoch_counts_only_after_silence);
    CASE(a_plain_subscriber_of_a_stranger_works);
    CASE(the_number_of_publishers_is_bounded);
    CASE(what_comes_upstream_is_checked);
    fixture_close();
    DONE();
}
