/* Kraken's codecs and Kraken's simulator side, written apart from one dossier, talk to each other
 * without sockets: whatever orders fly, both must tell one story in the end. */
#include "common/leaf/fixed.h"
#include "tests/unit/check.h"
#include "tests/unit/proof_talk.h"
#include "venue_simulator/sim.h"
#include "venues/kraken/feed.h"
#include "venues/kraken/order.h"

#include <stdlib.h>

#define DEC(units) ((int64_t)((double)(units)*1e8 + 0.5))
#define SECRET \
    "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg=="

enum {
    ALICE = 1,
    QUEUE_MAX = 8192,
    COMMANDS_MAX = 4096,
    PUBLIC = 0,
    PRIVATE = 1,
};

/* One of our orders, as the reports tell it. */
struct told {
    char client_id[20], exchange_id[VENUE_ID_MAX];
    enum venue_op op;
    uint64_t order; /* Number of the PLACE that this command is about. */
    unsigned answers;
    enum venue_report_kind answer;
    wire_reason why;
    int64_t filled_qty, fee;
    bool is_ended, is_market;
    int64_t price, qty;
};

static struct {
    struct exchange exchange;
    void *memory;
    struct sim sim;
    struct sim_account account;
    struct sim_ws ws[2];
    bool is_ws_open[2];
    struct {
        char *text;
        unsigned connection; /* Which of ws. */
        bool is_to_venue;
    } frames[QUEUE_MAX];
    unsigned frame_first, frame_last;
    struct {
        struct venue_request request;
        bool is_order_side;
    } requests[64];
    unsigned request_first, request_last;
    char *body;
    int status;
    const struct venue_request *current;

    struct kraken_feed *feed;
    struct kraken_side *side;
    struct venue_clock clock;
    struct told told[COMMANDS_MAX + 1];
    unsigned command_count;
    char trades[COMMANDS_MAX * 4][40];
    unsigned trade_count, repeated_trades;
    int64_t totals[2], free[2]; /* BTC, USD */
    unsigned open_seen, invalid, channel_downs;
    bool is_stream_up;
    wire_feed_state feed_state;
    bool is_swallowed; /* Answers to the order side get lost. */
    uint64_t random;
} world;

static struct proof_talk talk;

static uint32_t draw(uint32_t below)
{
    return (uint32_t)(sim_random(&world.random) >> 33) % below;
}

/* ---- the wires ---- */

static void queue(const char *text, size_t len, unsigned connection, bool is_to_venue)
{
    CHECK(world.frame_last - world.frame_first < QUEUE_MAX);
    unsigned at = world.frame_last++ % QUEUE_MAX;
    world.frames[at].text = strndup(text, len);
    world.frames[at].connection = connection;
    world.frames[at].is_to_venue = is_to_venue;
}

static void sim_sends(struct sim *sim, struct sim_ws *ws, enum sim_what what, const char *text,
                      size_t len)
{
    (void)sim;
    (void)what;
    queue(text, len, ws == &world.ws[PUBLIC] ? PUBLIC : PRIVATE, false);
}

static void sim_closes(struct sim *sim, struct sim_ws *ws, unsigned code, const char *reason)
{
    (void)sim;
    (void)ws;
    (void)code;
    fprintf(stderr, "# the simulator hangs up: %s\n", reason);
    world.invalid++;
}

static const char *sim_header(const struct sim_http *request, const char *name)
{
    (void)request;
    for (size_t i = 0; i < world.current->header_count; i++)
        if (strcmp(world.current->headers[i].name, name) == 0)
            return world.current->headers[i].value;
    return NULL;
}

static void sim_replies(struct sim_http *request, enum sim_what what, int status,
                        const char *headers, const char *body, size_t len)
{
    (void)request;
    (void)what;
    (void)headers;
    world.status = status;
    free(world.body);
    world.body = strndup(body, len);
}

static const struct sim_output sim_output = { sim_sends, sim_closes, sim_header, sim_replies };

static void on_exchange(void *ctx, const struct exchange_event *event)
{
    (void)ctx;
    if (world.sim.state)
        sim_kraken.event(&world.sim, event);
}

static int feed_sends(void *ctx, unsigned connection, const char *frame, size_t len)
{
    (void)ctx;
    (void)connection;
    queue(frame, len, PUBLIC, true);
    return 0;
}

static int side_sends(void *ctx, unsigned connection, const char *frame, size_t len)
{
    (void)ctx;
    (void)connection;
    if (!world.is_ws_open[PRIVATE])
        return ERR_CLOSED;
    proof_talk_way(&talk, true);
    queue(frame, len, PRIVATE, true);
    return 0;
}

static int keep_request(const struct venue_request *request, bool is_order_side)
{
    CHECK(world.request_last - world.request_first < COUNT(world.requests));
    unsigned at = world.request_last++ % COUNT(world.requests);
    world.requests[at].request = *request;
    world.requests[at].is_order_side = is_order_side;
    return 0;
}

static int feed_asks(void *ctx, const struct venue_request *request)
{
    (void)ctx;
    return keep_request(request, false);
}

static int side_asks(void *ctx, const struct venue_request *request)
{
    (void)ctx;
    proof_talk_way(&talk, false);
    return keep_request(request, true);
}

static void on_reconnect(void *ctx, unsigned connection, wire_reason why)
{
    (void)ctx;
    (void)connection;
    fprintf(stderr, "# a codec gives the connection up: %s\n", wire_reason_str(why));
    world.invalid++;
}

static void on_note(void *ctx, const char *event, const char *text)
{
    (void)ctx;
    (void)event;
    (void)text;
}

static void on_event(void *ctx, struct wire_header *event)
{
    (void)ctx;
    proof_talk_event(&talk, event);
    world.invalid += wire_check(event, event->size) != 0;
    if (event->type == WIRE_feed_status && event->instrument == 0)
        world.feed_state = ((const struct wire_feed_status *)(const void *)event)->state;
}

/* ---- what is told of our orders ---- */

static struct told *told_of(const struct venue_report *report)
{
    for (unsigned i = 1; i <= world.command_count; i++) {
        struct told *told = &world.told[i];
        if (told->op == OP_PLACE &&
            ((*report->client_order_id && strcmp(told->client_id, report->client_order_id) == 0) ||
             (*told->exchange_id && strcmp(told->exchange_id, report->exchange_order_id) == 0)))
            return told;
    }
    return NULL;
}

static void on_fill(const struct venue_report *report)
{
    struct told *told = told_of(report);

    for (unsigned i = 0; i < world.trade_count; i++)
        if (strcmp(world.trades[i], report->venue_trade_id) == 0) {
            world.repeated_trades++;
            return;
        }
    if (world.trade_count < COUNT(world.trades))
        snprintf(world.trades[world.trade_count++], sizeof(world.trades[0]), "%s",
                 report->venue_trade_id);
    CHECK(told != NULL);
    if (!told)
        return;
    told->filled_qty += report->last_qty;
    told->fee += report->fee;
    CHECK_STR(report->fee_asset, "USD");
    CHECK_STR(report->symbol, "BTC/USD");
}

static bool is_answer(const struct venue_report *report)
{
    return report->request_id != 0 && report->kind != REPORT_FILL &&
           report->kind != REPORT_BALANCE && report->kind != REPORT_INSTRUMENT &&
           (report->kind != REPORT_ORDER || report->op == OP_QUERY);
}

static void on_report(void *ctx, const struct venue_report *report)
{
    (void)ctx;
    struct told *about = told_of(report);

    proof_talk_report(&talk, report);
    if (is_answer(report)) {
        struct told *told = &world.told[report->request_id];
        told->answers++;
        told->answer = report->kind;
        told->why = report->why;
        if (told->op == OP_PLACE && report->kind == REPORT_ACCEPTED)
            snprintf(told->exchange_id, sizeof(told->exchange_id), "%s", report->exchange_order_id);
    }
    if (report->kind == REPORT_FILL)
        on_fill(report);
    else if (report->kind == REPORT_CHANNEL) {
        world.channel_downs += world.is_stream_up && !report->is_private_stream_up;
        world.is_stream_up = report->is_private_stream_up;
    } else if (report->kind == REPORT_BALANCE) {
        unsigned at = strcmp(report->asset, "BTC") == 0 ? 0 : 1;
        CHECK(fixed_rescale(report->total, report->amount_exp, 8, FIXED_EXACT, &world.totals[at]) ==
              0);
        CHECK(fixed_rescale(report->free, report->amount_exp, 8, FIXED_EXACT, &world.free[at]) ==
              0);
    } else if (report->kind == REPORT_CANCELLED || report->kind == REPORT_EXPIRED ||
               (report->kind == REPORT_ORDER && report->state >= ORDER_FILLED)) {
        if (about)
            about->is_ended = true;
    } else if (report->kind == REPORT_ORDER && report->request_id && report->op == OP_OPEN_ORDERS) {
        world.open_seen++;
        CHECK(about != NULL);
    }
}

static const struct venue_out feed_out = { NULL,      on_event,     NULL,   feed_sends,
                                           feed_asks, on_reconnect, on_note };
static const struct venue_out side_out = { NULL,      NULL,         on_report, side_sends,
                                           side_asks, on_reconnect, on_note };

/* ---- time and delivery ---- */

static void serve(const struct venue_request *request, bool is_order_side)
{
    struct sim_http http = { .sim = &world.sim,
                             .method = request->method,
                             .path = request->path,
                             .query = "",
                             .body = request->body,
                             .body_len = request->body_len };

    world.current = request;
    sim_kraken.http(&world.sim, &http);
    CHECK(http.is_replied);
    struct venue_response response = { .tag = request->tag,
                                       .status =
                                           world.is_swallowed && is_order_side ? 0 : world.status,
                                       .was_sent = true,
                                       .body = world.body,
                                       .body_len = strlen(world.body) };
    world.clock.nonce++;
    if (is_order_side)
        (void)kraken_order_ops.http(world.side, &response, &world.clock, &side_out);
    else
        (void)kraken_feed_ops.http(world.feed, &response, &world.clock, &feed_out);
}

static void deliver(void)
{
    while (world.frame_first != world.frame_last || world.request_first != world.request_last) {
        if (world.request_first != world.request_last) {
            struct venue_request request =
                world.requests[world.request_first % COUNT(world.requests)].request;
            serve(&request,
                  world.requests[world.request_first++ % COUNT(world.requests)].is_order_side);
            continue;
        }
        unsigned at = world.frame_first++ % QUEUE_MAX, connection = world.frames[at].connection;
        char *text = world.frames[at].text;
        world.clock.nonce++;
        if (!world.is_ws_open[connection])
            ; /* Lost with its connection. */
        else if (world.frames[at].is_to_venue)
            sim_kraken.ws_frame(&world.sim, &world.ws[connection], text, strlen(text));
        else if (connection == PUBLIC)
            (void)kraken_feed_ops.frame(world.feed, 0, text, strlen(text), &world.clock, &feed_out);
        else if (!world.is_swallowed || !strstr(text, "\"req_id\""))
            (void)kraken_order_ops.frame(world.side, 0, text, strlen(text), &world.clock,
                                         &side_out);
        free(text);
    }
}

static void pass(int64_t ms)
{
    for (; ms > 0; ms -= 10) {
        world.clock.now_ns += 10 * NS_PER_MS;
        world.clock.wall_ns += 10 * NS_PER_MS;
        world.clock.nonce++;
        world.sim.now_ns = world.clock.wall_ns;
        exchange_tick(&world.exchange, world.sim.now_ns);
        sim_kraken.tick(&world.sim);
        deliver();
        if (ms % 100 == 0) {
            kraken_feed_ops.tick(world.feed, &world.clock, &feed_out);
            world.clock.nonce++;
            kraken_order_ops.tick(world.side, &world.clock, &side_out);
            deliver();
        }
    }
}

static void open_ws(unsigned connection)
{
    struct sim_ws *ws = &world.ws[connection];

    *ws = (struct sim_ws){ .sim = &world.sim,
                           .listener = connection,
                           .path = "/v2",
                           .id = connection + 1,
                           .opened_ns = world.sim.now_ns,
                           .state = calloc(1, sim_kraken.ws_state_size),
                           .next = connection == PUBLIC ? NULL : &world.ws[PUBLIC] };
    world.sim.first_ws = &world.ws[connection];
    world.is_ws_open[connection] = true;
    sim_kraken.ws_opened(&world.sim, ws);
    world.clock.nonce++;
    if (connection == PUBLIC)
        kraken_feed_ops.opened(world.feed, 0, &world.clock, &feed_out);
    else
        kraken_order_ops.opened(world.side, 0, &world.clock, &side_out);
    deliver();
}

static void drop_private(void)
{
    world.is_ws_open[PRIVATE] = false;
    sim_kraken.ws_closed(&world.sim, &world.ws[PRIVATE]);
    world.sim.first_ws = &world.ws[PUBLIC];
    free(world.ws[PRIVATE].state);
    deliver();
    kraken_order_ops.closed(world.side, 0, &world.clock, &side_out);
}

static const char *const names[] = { "BTC-USD" };
static const struct venue_order_config order_config = { .venue = "kraken",
                                                        .names = names,
                                                        .name_count = 1,
                                                        .api_key = "alices-key",
                                                        .api_secret = SECRET,
                                                        .recv_window_ms = 5000,
                                                        .order_timeout_ns = NS_PER_S };

static void exchange_open(void)
{
    static const struct exchange_instrument_config instruments[] = {
        { .symbol = "BTC/USD",
          .base = "BTC",
          .quote = "USD",
          .tick = DEC(0.1),
          .lot = 1,
          .min_qty = DEC(0.0001),
          .min_notional = DEC(0.5),
          .max_orders = 200,
          .price_decimals = 1,
          .qty_decimals = 8,
          .start_price = DEC(30000) },
    };
    static const struct exchange_account_config accounts[] = {
        { .name = "market", .is_background = true },
        { .name = "alice", .maker_fee_ppm = 2500, .taker_fee_ppm = 4000 },
    };
    struct exchange_config config = { .venue = "kraken",
                                      .instruments = instruments,
                                      .instrument_count = 1,
                                      .accounts = accounts,
                                      .account_count = 2,
                                      .fee_asset = FEE_IN_QUOTE,
                                      .orders_max = 20000,
                                      .background_orders_max = 4096,
                                      .executions_max = 20000,
                                      .levels_max = 2048 };

    world.memory = calloc(1, exchange_memory(&config));
    CHECK_INT(exchange_init(&world.exchange, &config, world.memory, on_exchange, NULL), 0);
    for (uint32_t account = 0; account < 2; account++)
        for (uint32_t asset = 0; asset < 2; asset++)
            exchange_transfer(&world.exchange, account, asset,
                              DEC(account == ALICE ? (asset ? 500000 : 20) : 100000000), 1);
}

static void open_world(unsigned depth)
{
    struct venue_feed_config feed_config = {
        .venue = "kraken", .names = names, .name_count = 1, .depth = depth
    };

    memset(&world, 0, sizeof(world));
    world.random = 88172645463325252u;
    world.clock = (struct venue_clock){ .now_ns = NS_PER_S,
                                        .wall_ns = INT64_C(1777975200000000000),
                                        .nonce = 1777975200000 };
    exchange_open();
    world.account = (struct sim_account){
        .name = "alice", .key = "alices-key", .secret = SECRET, .account = ALICE
    };
    world.sim = (struct sim){ .venue = "kraken",
                              .exchange = &world.exchange,
                              .accounts = &world.account,
                              .account_count = 1,
                              .now_ns = world.clock.wall_ns,
                              .seed = 7,
                              .are_limits_off = true,
                              .output = &sim_output,
                              .state = calloc(1, sim_kraken.state_size) };
    CHECK_INT(sim_kraken.init(&world.sim), 0);
    world.feed = calloc(1, sizeof(*world.feed));
    world.side = calloc(1, sizeof(*world.side));
    CHECK_INT(kraken_feed_ops.init(world.feed, &feed_config), 0);
    CHECK_INT(kraken_order_ops.init(world.side, &order_config), 0);
    kraken_feed_ops.start(world.feed, &world.clock, &feed_out);
    kraken_order_ops.start(world.side, &world.clock, &side_out);
    deliver();
    open_ws(PUBLIC);
    open_ws(PRIVATE);
    pass(100);
    CHECK(world.is_stream_up);
}

static void close_world(void)
{
    char why[128] = "";

    CHECK(exchange_check(&world.exchange, why, sizeof(why)));
    CHECK_STR(why, "");
    CHECK_INT(world.invalid, 0);
    while (world.frame_first != world.frame_last)
        free(world.frames[world.frame_first++ % QUEUE_MAX].text);
    kraken_feed_ops.fini(world.feed);
    kraken_order_ops.fini(world.side);
    sim_kraken.fini(&world.sim);
    free(world.feed);
    free(world.side);
    free(world.ws[PUBLIC].state);
    if (world.is_ws_open[PRIVATE])
        free(world.ws[PRIVATE].state);
    free(world.sim.state);
    free(world.memory);
    free(world.body);
}

/* ---- doings ---- */

static void market_moves(void)
{
    struct exchange_request request = {
        .account = 0,
        .instrument = 0,
        .side = draw(2) ? SIDE_BUY : SIDE_SELL,
        .type = ORDER_LIMIT,
        .time_in_force = draw(4) ? TIF_GTC : TIF_IOC,
        .qty = DEC(0.001) * (1 + draw(800)) + draw(1000),
    };
    int64_t off = DEC(0.1) * draw(300);

    request.price = DEC(30000) + (request.side == SIDE_BUY ? -off : off) +
                    (draw(5)                    ? 0
                     : request.side == SIDE_BUY ? DEC(10)
                                                : -DEC(10));
    (void)exchange_place(&world.exchange, &request, world.sim.now_ns, NULL);
}

static struct venue_command command_new(enum venue_op op)
{
    struct told *told = &world.told[++world.command_count];
    struct venue_command command = { .op = op,
                                     .request_id = world.command_count,
                                     .price_exp = 8,
                                     .qty_exp = 8,
                                     .price_decimals = 1,
                                     .qty_decimals = 8 };

    CHECK(world.command_count <= COMMANDS_MAX);
    *told = (struct told){ .op = op };
    if (op <= OP_QUERY)
        snprintf(command.symbol, sizeof(command.symbol), "BTC/USD");
    return command;
}

static int give(const struct venue_command *command)
{
    world.clock.nonce++;
    proof_talk_command(&talk, command);
    int err = kraken_order_ops.command(world.side, command, &world.clock, &side_out);
    if (err)
        world.command_count--; /* It was the last one. */
    return err;
}

static unsigned place(wire_side side, enum kraken_form form, int64_t price, int64_t qty,
                      enum venue_transport transport)
{
    struct venue_command command = command_new(OP_PLACE);
    struct told *told = &world.told[world.command_count];

    snprintf(told->client_id, sizeof(told->client_id), "C%u", world.command_count);
    snprintf(command.client_order_id, sizeof(command.client_order_id), "%s", told->client_id);
    command.transport = transport;
    command.side = side;
    command.type = form == FORM_MARKET ? ORDER_MARKET : ORDER_LIMIT;
    command.time_in_force = form == FORM_IOC ? TIF_IOC : TIF_GTC;
    command.is_post_only = form == FORM_POST_ONLY;
    command.price = price;
    command.qty = qty;
    command.valid_ns = 5 * NS_PER_S;
    told->price = price;
    told->qty = qty;
    told->is_market = form == FORM_MARKET;
    unsigned number = world.command_count;
    CHECK_INT(give(&command), 0);
    return number;
}

static void about(unsigned order, enum venue_op op, int64_t price, int64_t qty)
{
    struct told *told = &world.told[order];
    struct venue_command command = command_new(op);

    world.told[world.command_count].order = order;
    snprintf(command.client_order_id, sizeof(command.client_order_id), "%s", told->client_id);
    if (draw(2))
        snprintf(command.exchange_order_id, sizeof(command.exchange_order_id), "%s",
                 told->exchange_id);
    command.transport = op == OP_QUERY ? TRANSPORT_BEST : draw(4) ? TRANSPORT_WS : TRANSPORT_REST;
    command.price = price;
    command.qty = qty;
    CHECK_INT(give(&command), 0);
}

static void ask(enum venue_op op)
{
    struct venue_command command = command_new(op);

    CHECK_INT(give(&command), 0);
    deliver();
}

/* The codec's book is the venue's, as deep as it was subscribed to. */
static void check_book(void)
{
    const struct match_book *venue = &world.exchange.instruments[0].book;
    const struct kraken_market *market = &world.feed->markets[0];

    CHECK_INT(market->state, FEED_LIVE);
    CHECK(!market->book.is_stale);
    for (int is_bid = 0; is_bid < 2; is_bid++) {
        const struct match_side *side = is_bid ? &venue->bids : &venue->asks;
        const struct book_side *ours = is_bid ? &market->book.bids : &market->book.asks;
        CHECK_INT(ours->count, MIN(side->count, market->depth));
        for (uint32_t i = 0; i < ours->count; i++) {
            const struct match_level *level = match_level_at(side, i);
            CHECK(level && level->price == book_level(ours, i)->price &&
                  level->qty == book_level(ours, i)->qty);
        }
    }
}

/* Each order has ended here as it has there, with the same quantity and the same fees. */
static void check_orders(void)
{
    unsigned open = 0;

    for (unsigned i = 1; i <= world.command_count; i++) {
        const struct told *told = &world.told[i];
        if (told->answers != 1)
            fprintf(stderr, "# command %u (op %d)\n", i, (int)told->op);
        CHECK_INT(told->answers, 1);
        if (told->op != OP_PLACE)
            continue;
        const struct exchange_order *order =
            exchange_order_by_client(&world.exchange, ALICE, told->client_id);
        CHECK((order != NULL) == (told->answer != REPORT_REJECTED));
        if (!order)
            continue;
        open += exchange_is_open(order);
        CHECK_INT(told->filled_qty, order->filled_qty);
        CHECK_INT(told->fee, order->fee_total);
        CHECK_INT(told->is_ended, !exchange_is_open(order));
    }
    world.open_seen = 0;
    ask(OP_OPEN_ORDERS);
    CHECK_INT(world.open_seen, open);
    ask(OP_BALANCES);
    for (uint32_t asset = 0; asset < 2; asset++) {
        const struct exchange_balance *balance =
            &world.exchange.accounts[ALICE]
                 .balances[exchange_asset(&world.exchange, asset ? "USD" : "BTC")];
        /* The venue writes dollars with four decimals. */
        int64_t unit = asset ? 10000 : 1;
        CHECK(llabs(world.totals[asset] - balance->free - balance->locked) <= unit);
        CHECK(llabs(world.free[asset] - balance->free) <= 2 * unit);
    }
}

/* One of our placed orders that is still open as far as we know, or 0. */
static unsigned some_open(void)
{
    for (int i = 0; i < 20; i++) {
        unsigned at = world.command_count ? 1 + draw(world.command_count) : 0;
        if (at && world.told[at].op == OP_PLACE && world.told[at].answer == REPORT_ACCEPTED &&
            !world.told[at].is_ended && !world.told[at].is_market)
            return at;
    }
    return 0;
}

static void alice_acts(void)
{
    wire_side side = draw(2) ? SIDE_BUY : SIDE_SELL;
    int64_t off = DEC(0.1) * draw(200) - DEC(5);
    int64_t price = DEC(30000) + (side == SIDE_BUY ? -off : off);
    unsigned one = some_open();

    switch (draw(8)) {
    case 0:
        if (one)
            about(one, OP_CANCEL, 0, 0);
        break;
    case 1:
        if (one)
            about(one, OP_REPLACE, world.told[one].price - DEC(0.1) * draw(20),
                  world.told[one].qty + DEC(0.001) * draw(9));
        break;
    case 2:
        if (one && draw(12) == 0) /* Questions are rationed. */
            about(one, OP_QUERY, 0, 0);
        break;
    default:
        (void)place(side, draw(FORM_COUNT), price, DEC(0.0001) * (1 + draw(400)),
                    draw(4) ? TRANSPORT_BEST : TRANSPORT_REST);
        break;
    }
}

/* ---- cases ---- */

static void many_orders_end_the_same_on_both_sides(void)
{
    open_world(25);
    for (int i = 0; i < 200; i++)
        market_moves();
    for (int i = 0; i < 1500; i++) {
        market_moves();
        alice_acts();
        if (draw(3))
            deliver();
        pass(10 * (draw(3) + 1));
        if (i % 100 == 0) {
            pass(20);
            check_book();
        }
    }
    pass(60000);
    check_book();
    check_orders();
    struct venue_feed_stats stats;
    kraken_feed_ops.stats(world.feed, &stats);
    CHECK(stats.checksum_ok > 500);
    CHECK_INT(stats.checksum_failed + stats.gaps + stats.rejected + stats.crossed, 0);
    CHECK_INT(world.side->rejected + world.side->sequence_gaps, 0);
    CHECK(world.trade_count > 200);
    CHECK_INT(world.repeated_trades, 0);

    /* The list of executions tells the same ones. */
    unsigned told = world.trade_count;
    ask(OP_EXECUTIONS);
    for (int i = 0; i < 600 && world.told[world.command_count].answers == 0; i++)
        pass(1000); /* Page by page, as the venue's counter lets it. */
    CHECK_INT(world.told[world.command_count].answer, REPORT_DONE);
    CHECK_INT(world.trade_count, told);
    CHECK_INT(world.repeated_trades, told);
    proof_talk_end(&talk, "kraken");
    close_world();
}

static void faults_of_the_stream_are_noticed_and_mended(void)
{
    struct venue_feed_stats stats;

    open_world(10);
    for (int i = 0; i < 2400; i++) {
        market_moves();
        if (i % 400 == 100)
            world.sim.faults[SIM_FAULT_SKIP_SEQUENCE].count = 1;
        if (i % 400 == 300)
            world.sim.faults[SIM_FAULT_CORRUPT_CHECKSUM].count = 1;
        if (i % 400 == 200)
            world.sim.faults[SIM_FAULT_CROSS_BOOK].count = 1;
        pass(100);
    }
    pass(10000);
    check_book();
    kraken_feed_ops.stats(world.feed, &stats);
    /* Each one, and nothing else; a crossed book is one whose checksum fails, too. */
    CHECK_INT(stats.checksum_failed + stats.crossed, 18);
    CHECK_INT(stats.resyncs, 18);
    CHECK_INT(world.sim.faults[SIM_FAULT_SKIP_SEQUENCE].count +
                  world.sim.faults[SIM_FAULT_CROSS_BOOK].count +
                  world.sim.faults[SIM_FAULT_CORRUPT_CHECKSUM].count,
              0);
    proof_talk_end(&talk, "kraken");
    close_world();
}

static void a_repeated_execution_report_is_one_fill(void)
{
    open_world(10);
    for (int i = 0; i < 200; i++)
        market_moves();
    for (int i = 0; i < 20; i++) {
        world.sim.faults[SIM_FAULT_DUPLICATE_EXECUTION].count = 2;
        (void)place(SIDE_BUY, FORM_MARKET, 0, DEC(0.01), TRANSPORT_BEST);
        pass(50);
        market_moves();
    }
    pass(500);
    check_orders();
    proof_talk_end(&talk, "kraken");
    close_world();
}

static void a_lost_answer_is_an_unknown_outcome_that_a_query_settles(void)
{
    open_world(10);
    for (int i = 0; i < 200; i++)
        market_moves();
    for (int is_rest = 0; is_rest < 2; is_rest++) {
        world.is_swallowed = true;
        unsigned order = place(SIDE_BUY, FORM_LIMIT, DEC(29000), DEC(0.01),
                               is_rest ? TRANSPORT_REST : TRANSPORT_WS);
        pass(1500);
        CHECK_INT(world.told[order].answers, 1);
        CHECK_INT(world.told[order].answer, REPORT_OUTCOME_UNKNOWN);
        world.is_swallowed = false;
        about(order, OP_QUERY, 0, 0);
        deliver();
        CHECK_INT(world.told[world.command_count].answer, REPORT_ORDER);
    }
    /* One that was never placed is in neither list. */
    struct venue_command query = command_new(OP_QUERY);
    snprintf(query.client_order_id, sizeof(query.client_order_id), "NEVER");
    CHECK_INT(give(&query), 0);
    deliver();
    CHECK_INT(world.told[world.command_count].answer, REPORT_NO_SUCH_ORDER);
    proof_talk_end(&talk, "kraken");
    close_world();
}

static void a_connection_lost_in_mid_order_ends_in_one_truth(void)
{
    open_world(10);
    for (int i = 0; i < 200; i++)
        market_moves();
    unsigned resting = place(SIDE_BUY, FORM_POST_ONLY, DEC(28000), DEC(0.5), TRANSPORT_WS);
    pass(100);
    CHECK_INT(world.told[resting].answer, REPORT_ACCEPTED);
    unsigned order = place(SIDE_BUY, FORM_MARKET, 0, DEC(0.02), TRANSPORT_WS);
    /* It reaches the venue; its answer does not reach us. */
    while (world.frame_first != world.frame_last && world.frames[world.frame_first].is_to_venue) {
        unsigned at = world.frame_first++;
        sim_kraken.ws_frame(&world.sim, &world.ws[PRIVATE], world.frames[at].text,
                            strlen(world.frames[at].text));
        free(world.frames[at].text);
    }
    drop_private();
    CHECK_INT(world.told[order].answer, REPORT_OUTCOME_UNKNOWN);
    CHECK_INT(world.told[order].filled_qty, 0);
    CHECK_INT(world.channel_downs, 1);
    /* Meanwhile over REST, as nothing else is there. */
    about(resting, OP_CANCEL, 0, 0);
    deliver();
    pass(2000);
    open_ws(PRIVATE);
    pass(500);
    CHECK(world.is_stream_up);
    /* The snapshot brings the fill, and the lists the ends. */
    CHECK_INT(world.told[order].filled_qty, DEC(0.02));
    about(order, OP_QUERY, 0, 0);
    about(resting, OP_QUERY, 0, 0);
    pass(100);
    check_orders();
    proof_talk_end(&talk, "kraken");
    close_world();
}

static void the_dead_mans_switch_cancels_what_rests(void)
{
    open_world(10);
    for (int i = 0; i < 200; i++)
        market_moves();
    unsigned order = place(SIDE_BUY, FORM_LIMIT, DEC(28000), DEC(0.5), TRANSPORT_WS);
    struct venue_command arm = command_new(OP_DEAD_MAN);
    arm.timeout_ns = 5 * NS_PER_S;
    CHECK_INT(give(&arm), 0);
    pass(4000);
    CHECK_INT(world.told[order + 1].answer, REPORT_DEAD_MAN);
    CHECK(!world.told[order].is_ended);
    pass(2000);
    CHECK(world.told[order].is_ended);
    ask(OP_SERVER_TIME);
    pass(100);
    check_orders();
    proof_talk_end(&talk, "kraken");
    close_world();
}

static void maintenance_closes_the_pairs_and_the_gate(void)
{
    open_world(10);
    for (int i = 0; i < 200; i++)
        market_moves();
    pass(200);
    CHECK_INT(world.feed_state, FEED_LIVE);
    world.sim.faults[SIM_FAULT_MAINTENANCE].until_ns = world.sim.now_ns + 2 * NS_PER_S;
    world.sim.faults[SIM_FAULT_MAINTENANCE].ms = 2000;
    pass(500);
    CHECK_INT(world.feed_state, FEED_MAINTENANCE);
    CHECK(world.feed->markets[0].definition.state == TRADING_HALTED);
    unsigned order = place(SIDE_BUY, FORM_LIMIT, DEC(28000), DEC(0.5), TRANSPORT_WS);
    pass(100);
    CHECK_INT(world.told[order].answers, 1);
    CHECK(world.told[order].answer == REPORT_REJECTED ||
          world.told[order].answer == REPORT_OUTCOME_UNKNOWN);
    pass(3000);
    CHECK_INT(world.feed_state, FEED_LIVE);
    CHECK_INT(world.feed->markets[0].definition.state, TRADING_OPEN);
    proof_talk_end(&talk, "kraken");
    close_world();
}

int main(void)
{
    CASE(many_orders_end_the_same_on_both_sides);
    CASE(faults_of_the_stream_are_noticed_and_mended);
    CASE(a_repeated_execution_report_is_one_fill);
    CASE(a_lost_answer_is_an_unknown_outcome_that_a_query_settles);
    CASE(a_connection_lost_in_mid_order_ends_in_one_truth);
    CASE(the_dead_mans_switch_cancels_what_rests);
    CASE(maintenance_closes_the_pairs_and_the_gate);
    DONE();
}
