/* CURVE on the bus: who has no key, or the wrong one, is neither heard nor told anything. */
#include "common/edge/bus_internal.h"
#include "tests/unit/bus_fixture.h"

static struct heard heard;
static char keys_dir[192];

static const char *const names[] = {
    "strategy_runner", "trading_engine_binance", "trading_engine_kraken", "risk_monitor",
    "tickpipe",        "market_gateway_kraken"
};

static struct bus *bus_with_keys(enum role role, const char *venue, const char *keys)
{
    struct bus_config config = bus_config_of(role, venue ? 1 : 0);
    struct bus *bus = NULL;

    config.keys_dir = keys;
    config.venue = venue;
    if (bus_open(&bus, &config) != 0)
        abort();
    return bus;
}

static mode_t mode_of(const char *format, const char *name)
{
    char path[512];
    struct stat st;

    snprintf(path, sizeof(path), format, keys_dir, name);
    return stat(path, &st) == 0 ? st.st_mode & 07777 : 0;
}

static void certificates_have_names(void)
{
    char name[BUS_KEYS_NAME_MAX] = "untouched";

    CHECK_INT(bus_keys_name(ROLE_RISK_MONITOR, NULL, name), 0);
    CHECK_STR(name, "risk_monitor");
    CHECK_INT(bus_keys_name(ROLE_TRADING_ENGINE, "BINANCE", name), 0);
    CHECK_STR(name, "trading_engine_binance");
    CHECK_INT(bus_keys_name(ROLE_TRADING_ENGINE, NULL, name), ERR_RANGE);
    CHECK_INT(bus_keys_name(ROLE_TRADING_ENGINE, "../../etc", name), ERR_RANGE);
    CHECK_INT(bus_keys_name(ROLE_NONE, NULL, name), ERR_RANGE);
    CHECK_STR(name, "trading_engine_binance");
}

static void keys_are_made_private_once(void)
{
    char path[512], before[1024] = "", after[1024] = "";

    mode_t mask = umask(0);
    CHECK_INT(bus_keys_make(keys_dir, names, COUNT(names)), 0);
    CHECK_INT(mode_of("%s%s", ""), 0700);
    for (size_t i = 0; i < COUNT(names); i++) {
        CHECK_INT(mode_of("%s/%s.cert_secret", names[i]), 0600);
        CHECK_INT(mode_of("%s/public/%s.cert", names[i]), 0644);
    }
    umask(mask);

    snprintf(path, sizeof(path), "%s/risk_monitor.cert_secret", keys_dir);
    FILE *file = fopen(path, "r");
    CHECK(file && fread(before, 1, sizeof(before) - 1, file) > 100);
    fclose(file);
    CHECK(strstr(before, "secret-key"));
    CHECK_INT(bus_keys_make(keys_dir, names, COUNT(names)), 0);
    file = fopen(path, "r");
    CHECK(file && fread(after, 1, sizeof(after) - 1, file) > 100);
    fclose(file);
    CHECK_STR(after, before);

    snprintf(path, sizeof(path), "%s/public/risk_monitor.cert", keys_dir);
    memset(after, 0, sizeof(after));
    file = fopen(path, "r");
    CHECK(file && fread(after, 1, sizeof(after) - 1, file) > 100);
    fclose(file);
    CHECK(strstr(after, "public-key") && !strstr(after, "secret-key"));
}

static int publish_orders_on(struct bus *bus, struct bus_pub **pub)
{
    return bus_publish_on(bus, 7003, ipc_endpoint(), NULL, NULL, pub);
}

static void without_keys_a_curve_stream_refuses(void)
{
    struct bus *runner = bus_of(ROLE_STRATEGY_RUNNER, 0, 0);
    struct bus_handler handler = handler_of(&heard);
    struct bus_pub *pub = NULL;
    struct bus_sub *sub = NULL;
    char endpoint[256];

    CHECK_INT(publish_orders_on(runner, &pub), ERR_CONFIG);
    CHECK_INT(bus_subscribe(runner, 6020, ipc_endpoint(), NULL, 0, &handler, &sub), ERR_CONFIG);
    /* 6004 needs none on loopback, and refuses to be reached from elsewhere. */
    CHECK_INT(bus_publish_on(runner, 6004, "tcp://0.0.0.0:*", NULL, NULL, &pub), ERR_CONFIG);
    CHECK_INT(bus_publish_on(runner, 6004, "tcp://*:*", NULL, NULL, &pub), ERR_CONFIG);
    CHECK_INT(bus_subscribe(runner, 6001, "tcp://192.0.2.1:6001", NULL, 0, &handler, &sub),
              ERR_CONFIG);
    snprintf(endpoint, sizeof(endpoint), "ipc://%s/open/any", test_dir);
    CHECK_INT(bus_publish_on(runner, 6004, endpoint, NULL, NULL, &pub), ERR_CONFIG);
    CHECK(pub == NULL && sub == NULL);
    CHECK_INT(bus_publish_on(runner, 6004, "tcp://127.0.0.2:*", NULL, NULL, &pub), 0);
    bus_close(&runner);
}

static void keys_that_others_can_read_are_refused(void)
{
    struct bus *runner = bus_with_keys(ROLE_STRATEGY_RUNNER, NULL, keys_dir);
    struct bus_pub *pub = NULL;
    char path[512];

    snprintf(path, sizeof(path), "%s/strategy_runner.cert_secret", keys_dir);
    CHECK_INT(chmod(path, 0640), 0);
    CHECK_INT(publish_orders_on(runner, &pub), ERR_CONFIG);
    CHECK_INT(chmod(path, 0600), 0);
    CHECK_INT(chmod(keys_dir, 0750), 0);
    CHECK_INT(publish_orders_on(runner, &pub), ERR_CONFIG);
    CHECK_INT(bus_keys_make(keys_dir, names, 1), ERR_CONFIG);
    CHECK_INT(chmod(keys_dir, 0700), 0);
    CHECK(pub == NULL);
    CHECK_INT(publish_orders_on(runner, &pub), 0);
    bus_close(&runner);

    struct bus *unknown = bus_with_keys(ROLE_POSITION_SERVER, NULL, keys_dir); /* Has no file. */
    pub = NULL;
    CHECK_INT(bus_publish_on(unknown, 7004, ipc_endpoint(), NULL, NULL, &pub), ERR_CONFIG);
    bus_close(&unknown);
}

static void publish_intents(struct bus_pub *pub, uint64_t count)
{
    struct wire_order_request request;

    for (uint64_t i = 0; i < count; i++) {
        WIRE_BEGIN(&request, order_request);
        request.side = SIDE_BUY;
        request.order_type = ORDER_LIMIT;
        (void)bus_publish(pub, &request.header);
    }
}

static void intents_go_from_the_runner_to_an_engine(void)
{
    struct bus *runner = bus_with_keys(ROLE_STRATEGY_RUNNER, NULL, keys_dir);
    struct bus *engine = bus_with_keys(ROLE_TRADING_ENGINE, "BINANCE", keys_dir);
    struct bus_handler handler = handler_of(&heard);
    struct bus_pub *pub = NULL;
    struct bus_sub *sub = NULL;

    CHECK_INT(bus_publish_on(runner, 7003, "tcp://127.0.0.1:*", NULL, NULL, &pub), 0);
    CHECK_INT(bus_subscribe(engine, 7003, bus_pub_endpoint(pub), NULL, 0, &handler, &sub), 0);
    TURN_UNTIL(heard.epochs == 1, 5000);
    publish_intents(pub, 100);
    TURN_UNTIL(heard.events == 100, 2000);
    CHECK_INT(heard.events, 100);
    bus_close(&runner);
    bus_close(&engine);
}

/* A plain ZeroMQ socket, with or without a key, in a context of its own. */
static int strangers_hear(const char *endpoint, bool has_key, const char *server_name,
                          struct bus_pub *pub)
{
    void *ctx = zmq_ctx_new();
    void *socket = zmq_socket(ctx, ZMQ_SUB);
    char path[512], buffer[2048];
    int heard_messages = 0;

    zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "", 0);
    if (has_key) {
        zcert_t *own = zcert_new();
        snprintf(path, sizeof(path), "%s/public/%s.cert", keys_dir, server_name);
        zcert_t *server = zcert_load(path);
        zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, zcert_secret_key(own), 32);
        zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, zcert_public_key(own), 32);
        zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, zcert_public_key(server), 32);
        zcert_destroy(&own);
        zcert_destroy(&server);
    }
    CHECK_INT(zmq_connect(socket, endpoint), 0);
    for (int i = 0; i < 15; i++) {
        if (pub)
            publish_intents(pub, 1);
        turn_for(20);
        while (zmq_recv(socket, buffer, sizeof(buffer), ZMQ_DONTWAIT) >= 0)
            heard_messages++;
    }
    zmq_close(socket);
    zmq_ctx_term(ctx);
    return heard_messages;
}

static void strangers_hear_nothing(void)
{
    struct bus *runner = bus_with_keys(ROLE_STRATEGY_RUNNER, NULL, keys_dir);
    struct bus *engine = bus_with_keys(ROLE_TRADING_ENGINE, "BINANCE", keys_dir);
    struct bus_handler handler = handler_of(&heard);
    struct bus_pub *pub = NULL;
    struct bus_sub *sub = NULL;

    CHECK_INT(bus_publish_on(runner, 7003, "tcp://127.0.0.1:*", NULL, NULL, &pub), 0);
    CHECK_INT(strangers_hear(bus_pub_endpoint(pub), false, NULL, pub), 0);
    CHECK_INT(strangers_hear(bus_pub_endpoint(pub), true, "strategy_runner", pub), 0);
    /* And who has a key hears after all that. */
    CHECK_INT(bus_subscribe(engine, 7003, bus_pub_endpoint(pub), NULL, 0, &handler, &sub), 0);
    TURN_UNTIL(heard.epochs == 1, 5000);
    CHECK_INT(heard.epochs, 1);
    bus_close(&runner);
    bus_close(&engine);
}

/* The owner is down and a stranger takes its port: its intents never reach an engine. */
static void who_takes_the_port_is_never_heard(void)
{
    struct bus *engine = bus_with_keys(ROLE_TRADING_ENGINE, "BINANCE", keys_dir);
    struct bus_handler handler = handler_of(&heard);
    struct bus_sub *sub = NULL;
    struct wire_heartbeat beat;
    char endpoint[128];
    size_t size = sizeof(endpoint);

    for (int has_key = 0; has_key < 2; has_key++) {
        void *ctx = zmq_ctx_new();
        void *thief = zmq_socket(ctx, ZMQ_PUB);
        int none = 0, on = 1;
        zmq_setsockopt(thief, ZMQ_LINGER, &none, sizeof(none));
        if (has_key) {
            zcert_t *own = zcert_new();
            zmq_setsockopt(thief, ZMQ_CURVE_SERVER, &on, sizeof(on));
            zmq_setsockopt(thief, ZMQ_CURVE_SECRETKEY, zcert_secret_key(own), 32);
            zmq_setsockopt(thief, ZMQ_CURVE_PUBLICKEY, zcert_public_key(own), 32);
            zcert_destroy(&own);
        }
        CHECK_INT(zmq_bind(thief, "tcp://127.0.0.1:*"), 0);
        size = sizeof(endpoint);
        zmq_getsockopt(thief, ZMQ_LAST_ENDPOINT, endpoint, &size);
        CHECK_INT(bus_subscribe(engine, 7003, endpoint, NULL, 0, &handler, &sub), 0);
        for (int i = 0; i < 20; i++) {
            WIRE_BEGIN(&beat, heartbeat);
            beat.header.publisher = PUBLISHER(ROLE_STRATEGY_RUNNER, 0);
            beat.header.epoch = 5;
            beat.port = 7003;
            zmq_send(thief, &beat, sizeof(beat), ZMQ_DONTWAIT);
            turn_for(20);
        }
        CHECK_INT(heard.heartbeats + heard.epochs + heard.events, 0);
        zmq_close(thief);
        zmq_ctx_term(ctx);
    }
    bus_close(&engine);
}

/* 7005 the other way round: the tool connects and speaks at once; risk_monitor binds, also later.
 */
static void a_command_waits_for_its_reader(void)
{
    struct bus *tool = bus_with_keys(ROLE_OPERATOR, NULL, keys_dir);
    struct bus *second = bus_with_keys(ROLE_OPERATOR, NULL, keys_dir);
    struct bus *risk = bus_with_keys(ROLE_RISK_MONITOR, NULL, keys_dir);
    struct bus_handler handler = handler_of(&heard);
    struct bus_pub *pub = NULL, *pub2 = NULL;
    struct bus_sub *sub = NULL;
    struct wire_operator_command command;
    char endpoint[192];

    strcpy(endpoint, ipc_endpoint());
    CHECK_INT(bus_publish_on(tool, 7005, endpoint, NULL, NULL, &pub), 0);
    for (int i = 0; i < 3; i++) {
        WIRE_BEGIN(&command, operator_command);
        command.header.cause = (uint64_t)i + 1;
        command.command = COMMAND_KILL;
        command.scope = SCOPE_ALL;
        CHECK_INT(bus_publish(pub, &command.header), 0);
    }
    turn_for(50);
    CHECK_INT(bus_subscribe(risk, 7005, endpoint, NULL, 0, &handler, &sub), 0);
    TURN_UNTIL(heard.events == 3, 5000);
    CHECK_INT(heard.events, 3);
    CHECK_INT(heard.wrong, 0);

    /* Two tools at once are both heard, though they are one publisher by number. */
    CHECK_INT(bus_publish_on(second, 7005, endpoint, NULL, NULL, &pub2), 0);
    command.header.cause = 1;
    CHECK_INT(bus_publish(pub2, &command.header), 0);
    TURN_UNTIL(heard.events == 4, 5000);
    command.header.cause = 4;
    CHECK_INT(bus_publish(pub, &command.header), 0);
    TURN_UNTIL(heard.events == 5, 5000);
    CHECK_INT(heard.events, 5);
    CHECK_INT(heard.wrong, 0);
    CHECK_INT(heard.epochs, 2);
    bus_close(&tool);
    bus_close(&second);
    bus_close(&risk);
}

static void nobody_waits_for_ever_for_a_reader(void)
{
    struct bus *tool = bus_with_keys(ROLE_OPERATOR, NULL, keys_dir);
    struct bus_pub *pub = NULL;
    struct wire_operator_command command;
    int err = 0;
    unsigned taken = 0;

    CHECK_INT(bus_publish_on(tool, 7005, ipc_endpoint(), NULL, NULL, &pub), 0);
    for (; taken < 10000 && !err; taken++) {
        WIRE_BEGIN(&command, operator_command);
        command.command = COMMAND_HALT;
        command.scope = SCOPE_ALL;
        err = bus_publish(pub, &command.header);
    }
    CHECK_INT(err, ERR_FULL);
    CHECK(taken < 1000);
    bus_close(&tool);
}

/* Where others can reach an endpoint each venue's owner has its own key; the endpoint says whose to
 * expect. A directory open to others stands for a network here. */
static void an_endpoint_names_the_key_to_expect(void)
{
    struct bus *gateway = bus_with_keys(ROLE_MARKET_GATEWAY, "KRAKEN", keys_dir);
    struct bus *risk = bus_with_keys(ROLE_RISK_MONITOR, NULL, keys_dir);
    struct bus_handler handler = handler_of(&heard);
    struct bus_pub *pub = NULL;
    struct bus_sub *sub = NULL;
    char endpoint[256], tagged[300];

    snprintf(endpoint, sizeof(endpoint), "ipc://%s/open/socket", test_dir);
    CHECK_INT(bus_publish_on(gateway, 6001, endpoint, NULL, NULL, &pub), 0);
    CHECK(strangers_hear(endpoint, false, NULL, NULL) == 0);
    CHECK_INT(bus_subscribe(risk, 6002, "tcp://192.0.2.1:6002", NULL, 0, &handler, &sub),
              ERR_CONFIG);
    CHECK_INT(bus_subscribe(risk, 6002, "tcp://192.0.2.1:6002@nobody", NULL, 0, &handler, &sub),
              ERR_CONFIG);
    snprintf(tagged, sizeof(tagged), "%s@kraken", endpoint);
    CHECK_INT(bus_subscribe(risk, 6001, tagged, NULL, 0, &handler, &sub), 0);
    TURN_UNTIL(heard.epochs == 1, 5000);
    CHECK_INT(heard.epochs, 1);
    bus_close(&gateway);
    bus_close(&risk);
}

int main(void)
{
    fixture_open();
    snprintf(keys_dir, sizeof(keys_dir), "%s/open", test_dir);
    if (mkdir(keys_dir, 0755) != 0)
        abort();
    snprintf(keys_dir, sizeof(keys_dir), "%s/keys", test_dir);
    CASE(certificates_have_names);
    CASE(keys_are_made_private_once);
    CASE(without_keys_a_curve_stream_refuses);
    CASE(keys_that_others_can_read_are_refused);
    CASE(intents_go_from_the_runner_to_an_engine);
    CASE(strangers_hear_nothing);
    CASE(who_takes_the_port_is_never_heard);
    CASE(a_command_waits_for_its_reader);
    CASE(nobody_waits_for_ever_for_a_reader);
    CASE(an_endpoint_names_the_key_to_expect);
    fixture_close();
    DONE();
}
