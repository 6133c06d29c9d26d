/* OKX's codecs and OKX's simulator side, written apart from one dossier, talk to each other without
 * sockets, spot and swap: whatever orders fly, both must tell one story in the end. */
#include "common/leaf/fixed.h"
#include "tests/unit/check.h"
#include "tests/unit/proof_talk.h"
#include "venue_simulator/margin.h"
#include "venue_simulator/sim.h"
#include "venues/okx/feed.h"
#include "venues/okx/order.h"

#include <stdlib.h>

#define DEC(units) ((int64_t)((double)(units)*1e8 + 0.5))

enum {
    ALICE = 1,
    SPOT = 0, /* Instruments. */
    SWAP = 1,
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
    unsigned instrument;
    unsigned answers;
    enum venue_report_kind answer;
    wire_reason why, end_why;
    int64_t filled_qty, fee, pnl;
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

    struct okx_feed *feed;
    struct okx_side *side;
    struct venue_clock clock;
    struct told told[COMMANDS_MAX + 1];
    unsigned command_count;
    char trades[COMMANDS_MAX * 4][64];
    unsigned trade_count, repeated_trades;
    int64_t totals[2], free[2], margins[2]; /* BTC, USDT */
    int64_t position, position_pnl;
    unsigned open_seen, invalid, hung_up, reconnects, funding_count, back_offs;
    int64_t funding_sum;
    wire_reason reconnect_why;
    bool is_stream_up, is_hung_up[2];
    wire_feed_state feed_state;
    unsigned liquidations, marks, fundings;
    int64_t mark_price, index_price;
    bool is_swallowed; /* Answers to the order side get lost. */
    bool is_position_seen;
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
    (void)code;
    (void)reason;
    world.hung_up++;
    world.is_hung_up[ws == &world.ws[PUBLIC] ? PUBLIC : PRIVATE] = true;
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
        sim_okx.event(&world.sim, event);
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
    world.reconnects++;
    world.reconnect_why = why;
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
    const void *body = event;
    if (event->type == WIRE_feed_status && event->instrument == 0)
        world.feed_state = ((const struct wire_feed_status *)body)->state;
    if (event->type == WIRE_mark_price) {
        world.marks++;
        world.mark_price = ((const struct wire_mark_price *)body)->mark_price;
        world.index_price = ((const struct wire_mark_price *)body)->index_price;
    }
    world.liquidations += event->type == WIRE_liquidation;
    world.fundings += event->type == WIRE_funding;
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
    char id[64];

    if (report->is_liquidation)
        return; /* The venue's own doing. */
    snprintf(id, sizeof(id), "%.17s/%.39s", report->symbol, report->venue_trade_id);
    for (unsigned i = 0; i < world.trade_count; i++)
        if (strcmp(world.trades[i], id) == 0) {
            world.repeated_trades++;
            return;
        }
    if (world.trade_count < COUNT(world.trades))
        snprintf(world.trades[world.trade_count++], sizeof(world.trades[0]), "%s", id);
    CHECK(told != NULL);
    if (!told)
        return;
    told->filled_qty += report->last_qty;
    told->fee += report->fee;
    told->pnl += report->realised_pnl;
    bool is_swap = report->instrument_kind == INSTRUMENT_PERPETUAL;
    CHECK_INT(report->qty_exp, 8);
    CHECK_INT(report->has_realised_pnl, is_swap);
    CHECK_STR(report->fee_asset, !is_swap && report->side == SIDE_BUY ? "BTC" : "USDT");
    CHECK_STR(report->symbol, told->instrument == SWAP ? "BTC-USDT-SWAP" : "BTC-USDT");
}

static bool is_answer(const struct venue_report *report)
{
    return report->request_id != 0 && report->kind != REPORT_FILL &&
           report->kind != REPORT_BALANCE && report->kind != REPORT_INSTRUMENT &&
           report->kind != REPORT_POSITION && report->kind != REPORT_FUNDING &&
           (report->kind != REPORT_ORDER || report->op == OP_QUERY);
}

static void on_balance(const struct venue_report *report)
{
    unsigned at = strcmp(report->asset, "BTC") == 0 ? 0 : 1;

    CHECK_INT(report->amount_exp, 8);
    world.totals[at] = report->total;
    world.free[at] = report->free;
    world.margins[at] = report->margin;
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
    switch (report->kind) {
    case REPORT_FILL:
        on_fill(report);
        break;
    case REPORT_CHANNEL:
        world.is_stream_up = report->is_private_stream_up;
        break;
    case REPORT_BALANCE:
        on_balance(report);
        break;
    case REPORT_POSITION:
        world.position = report->qty;
        world.position_pnl = report->realised_pnl;
        world.is_position_seen = true;
        break;
    case REPORT_FUNDING:
        world.funding_count++;
        world.funding_sum += report->change;
        break;
    case REPORT_BACK_OFF:
        world.back_offs++;
        break;
    case REPORT_CANCELLED:
    case REPORT_EXPIRED:
    case REPORT_ORDER:
        if (about && (report->kind != REPORT_ORDER || report->state >= ORDER_FILLED)) {
            about->is_ended = true;
            about->end_why = report->why;
        }
        if (report->kind == REPORT_ORDER && report->request_id && report->op == OP_OPEN_ORDERS)
            world.open_seen++;
        break;
    default:
        break;
    }
    /* A filled order needs no other end. */
    if (report->kind == REPORT_FILL && about && report->state == ORDER_FILLED)
        about->is_ended = true;
}

static const struct venue_out feed_out = { NULL,      on_event,     NULL,   feed_sends,
                                           feed_asks, on_reconnect, on_note };
static const struct venue_out side_out = { NULL,      NULL,         on_report, side_sends,
                                           side_asks, on_reconnect, on_note };

/* ---- time and delivery ---- */

static void serve(const struct venue_request *request, bool is_order_side)
{
    char path[2048], *query;

    snprintf(path, sizeof(path), "%s", request->path);
    query = strchr(path, '?');
    if (query)
        *query++ = '\0';
    struct sim_http http = { .sim = &world.sim,
                             .method = request->method,
                             .path = path,
                             .query = query ? query : "",
                             .body = request->body,
                             .body_len = request->body_len };

    world.current = request;
    sim_okx.http(&world.sim, &http);
    CHECK(http.is_replied);
    struct venue_response response = { .tag = request->tag,
                                       .status =
                                           world.is_swallowed && is_order_side ? 0 : world.status,
                                       .was_sent = true,
                                       .body = world.body,
                                       .body_len = strlen(world.body),
                                       .sent_ns = world.clock.now_ns,
                                       .received_ns = world.clock.now_ns };
    world.clock.nonce++;
    if (is_order_side)
        (void)okx_order_ops.http(world.side, &response, &world.clock, &side_out);
    else
        (void)okx_feed_ops.http(world.feed, &response, &world.clock, &feed_out);
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
            sim_okx.ws_frame(&world.sim, &world.ws[connection], text, strlen(text));
        else if (connection == PUBLIC)
            (void)okx_feed_ops.frame(world.feed, 0, text, strlen(text), &world.clock, &feed_out);
        else if (!world.is_swallowed || !strstr(text, "\"op\":"))
            (void)okx_order_ops.frame(world.side, 0, text, strlen(text), &world.clock, &side_out);
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
        if (world.clock.now_ns % (100 * NS_PER_MS) == 0)
            exchange_mark(&world.exchange, SWAP, DEC(30000), world.sim.now_ns);
        sim_okx.tick(&world.sim);
        deliver();
        if (world.clock.now_ns % (100 * NS_PER_MS) == 0) {
            okx_feed_ops.tick(world.feed, &world.clock, &feed_out);
            world.clock.nonce++;
            okx_order_ops.tick(world.side, &world.clock, &side_out);
            deliver();
        }
    }
}

static void open_ws(unsigned connection)
{
    struct sim_ws *ws = &world.ws[connection];

    *ws = (struct sim_ws){ .sim = &world.sim,
                           .listener = connection,

                           .id = connection + 1,
                           .opened_ns = world.sim.now_ns,
                           .state = calloc(1, sim_okx.ws_state_size),
                           .next = connection == PUBLIC ? NULL : &world.ws[PUBLIC] };
    snprintf(ws->path, sizeof(ws->path), "/ws/v5/%s", connection == PUBLIC ? "public" : "private");
    world.is_hung_up[connection] = false;
    world.sim.first_ws = &world.ws[connection];
    world.is_ws_open[connection] = true;
    sim_okx.ws_opened(&world.sim, ws);
    world.clock.nonce++;
    if (connection == PUBLIC)
        okx_feed_ops.opened(world.feed, 0, &world.clock, &feed_out);
    else
        okx_order_ops.opened(world.side, 0, &world.clock, &side_out);
    deliver();
}

static const char *const names[] = { "BTC-USDT", "BTC-USDT-PERP" };
static const struct venue_order_config order_config = { .venue = "okx",
                                                        .names = names,
                                                        .name_count = 2,
                                                        .api_key = "alices-key",
                                                        .api_secret = "alices-secret",
                                                        .api_passphrase = "Alices!Phrase",
                                                        .recv_window_ms = 5000,
                                                        .order_timeout_ns = NS_PER_S };

static void exchange_open(void)
{
    static const struct exchange_instrument_config instruments[] = {
        { .symbol = "BTC-USDT",
          .base = "BTC",
          .quote = "USDT",
          .tick = DEC(0.1),
          .lot = 1,
          .min_qty = DEC(0.00001),
          .max_orders = 500,
          .price_decimals = 1,
          .qty_decimals = 8,
          .start_price = DEC(30000) },
        { .symbol = "BTC-USDT-SWAP",
          .base = "BTC",
          .quote = "USDT",
          .tick = DEC(0.1),
          .lot = DEC(0.0001),
          .min_qty = DEC(0.0001),
          .max_orders = 500,
          .price_decimals = 1,
          .qty_decimals = 4,
          .kind = INSTRUMENT_PERPETUAL,
          .contract_size = DEC(0.01),
          .leverage = 10,
          .max_leverage = 100,
          .funding_interval_ns = 60 * NS_PER_S,
          .interest_ppb = 100000,
          .start_price = DEC(30000) },
    };
    static const struct exchange_account_config accounts[] = {
        { .name = "market", .is_background = true },
        { .name = "alice", .maker_fee_ppm = 200, .taker_fee_ppm = 500 },
    };
    struct exchange_config config = { .venue = "okx",
                                      .instruments = instruments,
                                      .instrument_count = 2,
                                      .accounts = accounts,
                                      .account_count = 2,
                                      .fee_asset = FEE_IN_RECEIVED,
                                      .orders_max = 20000,
                                      .background_orders_max = 8192,
                                      .executions_max = 40000,
                                      .levels_max = 2048 };

    world.memory = calloc(1, exchange_memory(&config));
    CHECK_INT(exchange_init(&world.exchange, &config, world.memory, on_exchange, NULL), 0);
    for (uint32_t account = 0; account < 2; account++)
        for (uint32_t asset = 0; asset < 2; asset++)
            exchange_transfer(&world.exchange, account, asset,
                              DEC(account == ALICE ? (asset ? 500000 : 20) : 10000000), 1);
}

static void open_world(const char *options)
{
    static const struct venue_feed_config feed_config = { .venue = "okx",
                                                          .names = names,
                                                          .name_count = 2 };

    memset(&world, 0, sizeof(world));
    world.random = 88172645463325252u;
    world.clock = (struct venue_clock){ .now_ns = NS_PER_S,
                                        .wall_ns = INT64_C(1777975200000000000),
                                        .nonce = 1777975200000 };
    exchange_open();
    world.account = (struct sim_account){ .name = "alice",
                                          .key = "alices-key",
                                          .secret = "alices-secret",
                                          .passphrase = "Alices!Phrase",
                                          .account = ALICE };
    world.sim = (struct sim){ .venue = "okx",
                              .exchange = &world.exchange,
                              .accounts = &world.account,
                              .account_count = 1,
                              .now_ns = world.clock.wall_ns,
                              .seed = 7,
                              .are_limits_off = true,
                              .options = options,
                              .output = &sim_output,
                              .state = calloc(1, sim_okx.state_size) };
    CHECK_INT(sim_okx.init(&world.sim), 0);
    world.feed = calloc(1, sizeof(*world.feed));
    world.side = calloc(1, sizeof(*world.side));
    CHECK_INT(okx_feed_ops.init(world.feed, &feed_config), 0);
    CHECK_INT(okx_order_ops.init(world.side, &order_config), 0);
    okx_feed_ops.start(world.feed, &world.clock, &feed_out);
    okx_order_ops.start(world.side, &world.clock, &side_out);
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
    okx_feed_ops.fini(world.feed);
    okx_order_ops.fini(world.side);
    sim_okx.fini(&world.sim);
    free(world.feed);
    free(world.side);
    for (int i = 0; i < 2; i++)
        if (world.is_ws_open[i])
            free(world.ws[i].state);
    free(world.sim.state);
    free(world.memory);
    free(world.body);
}

/* The shell's part when a side gives a connection up, or the venue does. */
static void connect_again(unsigned connection)
{
    struct sim_ws *ws = &world.ws[connection];

    world.is_ws_open[connection] = false;
    world.sim.first_ws = connection == PUBLIC ? &world.ws[PRIVATE] : &world.ws[PUBLIC];
    world.sim.first_ws->next = NULL;
    sim_okx.ws_closed(&world.sim, ws);
    free(ws->state);
    deliver();
    if (connection == PUBLIC)
        okx_feed_ops.closed(world.feed, 0, &world.clock, &feed_out);
    else
        okx_order_ops.closed(world.side, 0, &world.clock, &side_out);
    struct sim_ws *other = world.sim.first_ws;
    open_ws(connection);
    world.sim.first_ws = ws;
    ws->next = other;
}

/* ---- doings ---- */

static void market_moves(void)
{
    struct exchange_request request = {
        .account = 0,
        .instrument = draw(2),
        .side = draw(2) ? SIDE_BUY : SIDE_SELL,
        .type = ORDER_LIMIT,
        .time_in_force = draw(4) ? TIF_GTC : TIF_IOC,
        .qty = DEC(0.001) * (1 + draw(800)),
    };
    int64_t off = DEC(0.1) * draw(300);

    request.price = DEC(30000) + (request.side == SIDE_BUY ? -off : off) +
                    (draw(5)                    ? 0
                     : request.side == SIDE_BUY ? DEC(10)
                                                : -DEC(10));
    (void)exchange_place(&world.exchange, &request, world.sim.now_ns, NULL);
}

static struct venue_command command_new(enum venue_op op, unsigned instrument)
{
    struct told *told = &world.told[++world.command_count];
    struct venue_command command = { .op = op,
                                     .request_id = world.command_count,
                                     .price_exp = 8,
                                     .qty_exp = 8,
                                     .price_decimals = 1,
                                     .qty_decimals = 8 };

    CHECK(world.command_count <= COMMANDS_MAX);
    *told = (struct told){ .op = op, .instrument = instrument };
    if (op <= OP_QUERY) {
        command.instrument_kind = instrument == SWAP ? INSTRUMENT_PERPETUAL : INSTRUMENT_SPOT;
        snprintf(command.symbol, sizeof(command.symbol),
                 instrument == SWAP ? "BTC-USDT-SWAP" : "BTC-USDT");
    }
    return command;
}

static int give(const struct venue_command *command)
{
    world.clock.nonce++;
    proof_talk_command(&talk, command);
    int err = okx_order_ops.command(world.side, command, &world.clock, &side_out);
    if (err)
        world.command_count--; /* It was the last one. */
    return err;
}

static bool reduces; /* The next order is reduce-only. */

static unsigned place(unsigned instrument, wire_side side, enum okx_form form, int64_t price,
                      int64_t qty, enum venue_transport transport)
{
    struct venue_command command = command_new(OP_PLACE, instrument);
    struct told *told = &world.told[world.command_count];

    snprintf(told->client_id, sizeof(told->client_id), "C%u", world.command_count);
    snprintf(command.client_order_id, sizeof(command.client_order_id), "%s", told->client_id);
    command.transport = transport;
    command.side = side;
    command.type = form == FORM_MARKET ? ORDER_MARKET : ORDER_LIMIT;
    command.time_in_force = form == FORM_IOC ? TIF_IOC : form == FORM_FOK ? TIF_FOK : TIF_GTC;
    command.is_post_only = form == FORM_POST_ONLY;
    command.is_reduce_only = reduces && instrument == SWAP;
    command.price = price;
    command.qty = instrument == SWAP ? qty - qty % DEC(0.0001) : qty;
    command.valid_ns = 5 * NS_PER_S;
    told->price = price;
    told->qty = command.qty;
    told->is_market = form == FORM_MARKET;
    unsigned number = world.command_count;
    CHECK_INT(give(&command), 0);
    return number;
}

static unsigned about(unsigned order, enum venue_op op, int64_t price, int64_t qty,
                      enum venue_transport transport)
{
    struct told *told = &world.told[order];
    struct venue_command command = command_new(op, told->instrument);

    world.told[world.command_count].order = order;
    snprintf(command.client_order_id, sizeof(command.client_order_id), "%s", told->client_id);
    if (draw(2))
        snprintf(command.exchange_order_id, sizeof(command.exchange_order_id), "%s",
                 told->exchange_id);
    command.transport = op == OP_QUERY ? TRANSPORT_BEST : transport;
    command.price = price;
    command.qty = told->instrument == SWAP ? qty - qty % DEC(0.0001) : qty;
    unsigned number = world.command_count;
    CHECK_INT(give(&command), 0);
    return number;
}

static void ask(enum venue_op op)
{
    struct venue_command command = command_new(op, SPOT);

    CHECK_INT(give(&command), 0);
    deliver();
}

/* The codec's book is the venue's, as deep as the venue tells it. */
static void check_book(unsigned instrument)
{
    const struct match_book *venue = &world.exchange.instruments[instrument].book;
    const struct okx_market *market = &world.feed->markets[instrument];

    CHECK_INT(market->state, FEED_LIVE);
    CHECK(!market->book.is_stale);
    for (int is_bid = 0; is_bid < 2; is_bid++) {
        const struct match_side *side = is_bid ? &venue->bids : &venue->asks;
        const struct book_side *ours = is_bid ? &market->book.bids : &market->book.asks;
        CHECK_INT(ours->count, MIN(side->count, (uint32_t)OKX_LEVELS));
        for (uint32_t i = 0; i < ours->count; i++) {
            const struct match_level *level = match_level_at(side, i);
            CHECK(level && level->price == book_level(ours, i)->price &&
                  level->qty == book_level(ours, i)->qty);
        }
    }
}

static void check_books(void)
{
    check_book(SPOT);
    check_book(SWAP);
}

/* Each order has ended here as it has there, with the same quantity, fees and profit. */
static void check_orders(void)
{
    const struct exchange_position *position = &world.exchange.accounts[ALICE].positions[SWAP];
    unsigned open = 0;
    int64_t pnl = 0;

    for (unsigned i = 1; i <= world.command_count; i++) {
        const struct told *told = &world.told[i];
        if (told->answers != 1)
            fprintf(stderr, "# command %u (op %d)\n", i, (int)told->op);
        CHECK_INT(told->answers, 1);
        if (told->op != OP_PLACE)
            continue;
        const struct exchange_order *order =
            exchange_order_by_client(&world.exchange, ALICE, told->client_id);
        pnl += told->pnl;
        if (!order) { /* Refused, or taken and cancelled at once: nothing was executed. */
            CHECK_INT(told->filled_qty, 0);
            CHECK(told->answer == REPORT_REJECTED || told->is_ended);
            continue;
        }
        open += exchange_is_open(order);
        CHECK_INT(told->filled_qty, order->filled_qty);
        CHECK_INT(told->fee, order->fee_total);
        CHECK_INT(told->is_ended, !exchange_is_open(order));
    }
    CHECK_INT(pnl, position->realised);
    world.open_seen = 0;
    ask(OP_OPEN_ORDERS);
    CHECK_INT(world.open_seen, open);
    ask(OP_BALANCES);
    for (uint32_t asset = 0; asset < 2; asset++) {
        uint32_t at = exchange_asset(&world.exchange, asset ? "USDT" : "BTC");
        const struct exchange_balance *balance = &world.exchange.accounts[ALICE].balances[at];
        struct exchange_margin margin;
        exchange_margin(&world.exchange, ALICE, at, &margin);
        CHECK_INT(world.totals[asset], balance->free + balance->locked);
        CHECK_INT(world.free[asset], exchange_available(&world.exchange, ALICE, at));
        CHECK_INT(world.margins[asset], margin.position_margin);
    }
    world.position = 0;
    ask(OP_POSITIONS);
    CHECK_INT(world.position, position->qty);
    if (position->qty)
        CHECK_INT(world.position_pnl, position->realised);
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
    enum venue_transport way = draw(4) ? TRANSPORT_BEST : TRANSPORT_REST;
    unsigned one = some_open();

    switch (draw(8)) {
    case 0:
        if (one)
            (void)about(one, OP_CANCEL, 0, 0, way);
        break;
    case 1:
        if (one)
            (void)about(one, OP_REPLACE, world.told[one].price - DEC(0.1) * draw(20),
                        world.told[one].qty + DEC(0.001) * draw(9), way);
        break;
    case 2:
        if (one)
            (void)about(one, OP_QUERY, 0, 0, way);
        break;
    default:
        reduces = draw(6) == 0;
        (void)place(draw(2), side, draw(FORM_COUNT), price, DEC(0.0001) * (1 + draw(400)), way);
        reduces = false;
        break;
    }
}

/* ---- cases ---- */

static void begin(const char *options)
{
    open_world(options);
    for (int i = 0; i < 300; i++)
        market_moves();
    pass(300);
}

static void many_orders_end_the_same_on_both_sides(const char *options)
{
    struct venue_feed_stats stats;

    begin(options);
    for (int i = 0; i < 1500; i++) {
        market_moves();
        alice_acts();
        if (draw(3))
            deliver();
        pass(10 * (draw(3) + 1));
        if (i % 100 == 0) {
            pass(200);
            check_books();
        }
    }
    pass(20000);
    check_books();
    check_orders();
    okx_feed_ops.stats(world.feed, &stats);
    CHECK(stats.deltas > 500);
    CHECK_INT(stats.checksum_failed + stats.gaps + stats.rejected + stats.crossed, 0);
    CHECK_INT(stats.checksum_ok > 0, options && strcmp(options, "checksum") == 0);
    CHECK_INT(world.side->rejected + world.reconnects + world.hung_up, 0);
    CHECK(world.trade_count > 200);
    CHECK_INT(world.repeated_trades, 0);
    CHECK(world.marks > 0 && world.fundings > 0 && world.mark_price > 0);
    CHECK_INT(world.index_price, DEC(30000));

    /* The list of executions tells the same ones, page by page. */
    unsigned told = world.trade_count;
    ask(OP_EXECUTIONS);
    for (int i = 0; i < 60 && world.told[world.command_count].answers == 0; i++)
        pass(100);
    CHECK_INT(world.told[world.command_count].answer, REPORT_DONE);
    CHECK_INT(world.trade_count, told);
    CHECK_INT(world.repeated_trades, told);
    proof_talk_end(&talk, "okx");
    close_world();
}

static void many_orders_spot_and_swap_end_the_same_on_both_sides(void)
{
    many_orders_end_the_same_on_both_sides(NULL);
}

static void books_with_the_old_checksum_agree(void)
{
    many_orders_end_the_same_on_both_sides("checksum");
}

static void books_without_a_first_snapshot_begin_by_rest(void)
{
    struct venue_feed_stats stats;

    begin("no_snapshot");
    for (int i = 0; i < 200; i++) {
        market_moves();
        pass(50);
    }
    pass(300);
    check_books();
    world.sim.faults[SIM_FAULT_SKIP_SEQUENCE].count = 1;
    for (int i = 0; i < 200; i++) {
        market_moves();
        pass(50);
    }
    pass(300);
    check_books();
    okx_feed_ops.stats(world.feed, &stats);
    CHECK_INT(stats.snapshots, 3);
    CHECK_INT(stats.gaps, 1);
    CHECK_INT(stats.resyncs, 1);
    proof_talk_end(&talk, "okx");
    close_world();
}

static void faults_of_the_stream_are_noticed_and_mended(void)
{
    struct venue_feed_stats stats;

    begin(NULL);
    for (int i = 0; i < 1200; i++) {
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
    check_books();
    okx_feed_ops.stats(world.feed, &stats);
    CHECK_INT(stats.checksum_failed, 3);
    CHECK_INT(stats.crossed, 3);
    CHECK_INT(stats.gaps, 3);
    CHECK_INT(stats.resyncs, 9);
    proof("okx", book_integrity, simulator);
    proof_talk_end(&talk, "okx");
    close_world();
}

static void quiet_books_live_by_their_idle_updates_and_pings(void)
{
    struct venue_feed_stats stats;

    begin(NULL);
    pass(130000);
    check_books();
    okx_feed_ops.stats(world.feed, &stats);
    CHECK_INT(stats.gaps + stats.resyncs + stats.rejected, 0);
    CHECK_INT(world.hung_up + world.reconnects, 0);
    CHECK_INT(world.feed_state, FEED_LIVE);
    CHECK(world.is_stream_up);
    proof("okx", keepalive, simulator);
    close_world();
}

static void a_repeated_execution_report_is_one_fill(void)
{
    begin(NULL);
    for (int i = 0; i < 20; i++) {
        world.sim.faults[SIM_FAULT_DUPLICATE_EXECUTION].count = 2;
        (void)place(draw(2), SIDE_BUY, FORM_MARKET, 0, DEC(0.01), TRANSPORT_BEST);
        pass(50);
        market_moves();
    }
    pass(500);
    check_orders();
    CHECK(world.repeated_trades > 10);
    close_world();
}

static void a_lost_answer_is_an_unknown_outcome_that_a_query_settles(void)
{
    begin(NULL);
    for (int is_rest = 0; is_rest < 2; is_rest++) {
        world.is_swallowed = true;
        unsigned order = place(SPOT, SIDE_BUY, FORM_LIMIT, DEC(29000), DEC(0.01),
                               is_rest ? TRANSPORT_REST : TRANSPORT_WS);
        pass(1500);
        CHECK_INT(world.told[order].answers, 1);
        CHECK_INT(world.told[order].answer, REPORT_OUTCOME_UNKNOWN);
        world.is_swallowed = false;
        (void)about(order, OP_QUERY, 0, 0, TRANSPORT_BEST);
        deliver();
        CHECK_INT(world.told[world.command_count].answer, REPORT_ORDER);
    }
    /* One that was never placed is in neither list. */
    struct venue_command query = command_new(OP_QUERY, SPOT);
    snprintf(query.client_order_id, sizeof(query.client_order_id), "NEVER");
    CHECK_INT(give(&query), 0);
    deliver();
    CHECK_INT(world.told[world.command_count].answer, REPORT_NO_SUCH_ORDER);
    proof_talk_end(&talk, "okx");
    close_world();
}

static void what_the_venue_takes_and_cancels_is_told_with_its_reason(void)
{
    static const struct {
        enum okx_form form;
        wire_reason why;
    } rows[] = { { FORM_POST_ONLY, REASON_VENUE_POST_ONLY },
                 { FORM_FOK, REASON_NO_LIQUIDITY },
                 { FORM_IOC, REASON_NO_LIQUIDITY } };

    begin(NULL);
    for (unsigned instrument = 0; instrument < 2; instrument++)
        for (size_t i = 0; i < COUNT(rows); i++) {
            bool crosses = rows[i].form == FORM_POST_ONLY;
            unsigned order = place(instrument, SIDE_BUY, rows[i].form,
                                   crosses ? DEC(31000) : DEC(29000), DEC(0.01), TRANSPORT_BEST);
            pass(100);
            CHECK_INT(world.told[order].answer, REPORT_ACCEPTED);
            CHECK(world.told[order].is_ended);
            CHECK_INT(world.told[order].end_why, rows[i].why);
            CHECK_INT(world.told[order].filled_qty, 0);
            (void)about(order, OP_QUERY, 0, 0, TRANSPORT_BEST);
            deliver();
            CHECK_INT(world.told[world.command_count].answer, REPORT_ORDER);
        }
    close_world();
}

static void without_a_stream_accepted_cancels_and_amendments_are_asked_about(void)
{
    begin(NULL);
    unsigned one = place(SWAP, SIDE_BUY, FORM_LIMIT, DEC(29000), DEC(0.01), TRANSPORT_BEST);
    unsigned two = place(SPOT, SIDE_SELL, FORM_LIMIT, DEC(31000), DEC(0.02), TRANSPORT_BEST);
    pass(100);
    world.is_ws_open[PRIVATE] = false;
    okx_order_ops.closed(world.side, 0, &world.clock, &side_out);
    CHECK(!world.is_stream_up);
    unsigned amend = about(one, OP_REPLACE, DEC(29001), DEC(0.03), TRANSPORT_BEST);
    unsigned cancel = about(two, OP_CANCEL, 0, 0, TRANSPORT_BEST);
    deliver();
    CHECK_INT(world.told[amend].answer, REPORT_REPLACED);
    CHECK_INT(world.told[cancel].answer, REPORT_CANCELLED);
    CHECK(world.told[two].is_ended);
    cancel = about(two, OP_CANCEL, 0, 0, TRANSPORT_BEST);
    deliver();
    CHECK_INT(world.told[cancel].answer, REPORT_CANCEL_REJECTED);
    CHECK_INT(world.told[cancel].why, REASON_VENUE_UNKNOWN_ORDER);
    proof_talk_end(&talk, "okx");
    world.is_ws_open[PRIVATE] = true; /* For its memory. */
    close_world();
}

static void a_connection_lost_in_mid_order_ends_in_one_truth(void)
{
    begin(NULL);
    unsigned order = place(SPOT, SIDE_BUY, FORM_MARKET, 0, DEC(0.02), TRANSPORT_WS);
    /* It reaches the venue; its answer does not reach us. */
    while (world.frame_first != world.frame_last && world.frames[world.frame_first].is_to_venue) {
        unsigned at = world.frame_first++;
        sim_okx.ws_frame(&world.sim, &world.ws[PRIVATE], world.frames[at].text,
                         strlen(world.frames[at].text));
        free(world.frames[at].text);
    }
    connect_again(PRIVATE);
    pass(200);
    CHECK_INT(world.told[order].answer, REPORT_OUTCOME_UNKNOWN);
    CHECK(world.is_stream_up);
    ask(OP_EXECUTIONS); /* As the engine does. */
    (void)about(order, OP_QUERY, 0, 0, TRANSPORT_BEST);
    pass(100);
    CHECK_INT(world.told[order].filled_qty, DEC(0.02));
    check_orders();
    proof_talk_end(&talk, "okx");
    close_world();
}

static void the_dead_mans_switch_cancels_what_rests(void)
{
    begin(NULL);
    unsigned order = place(SWAP, SIDE_BUY, FORM_LIMIT, DEC(28000), DEC(0.5), TRANSPORT_WS);
    struct venue_command arm = command_new(OP_DEAD_MAN, SPOT);
    arm.timeout_ns = 12 * NS_PER_S;
    CHECK_INT(give(&arm), 0);
    pass(9000);
    CHECK_INT(world.told[order + 1].answer, REPORT_DEAD_MAN);
    CHECK(!world.told[order].is_ended);
    pass(4000);
    CHECK(world.told[order].is_ended);
    CHECK_INT(world.told[order].end_why, REASON_DEAD_MAN);
    ask(OP_SERVER_TIME);
    pass(100);
    check_orders();
    proof_talk_end(&talk, "okx");
    close_world();
}

static void all_orders_are_cancelled_in_batches(void)
{
    begin(NULL);
    for (int i = 0; i < 130; i++)
        (void)place((unsigned)i % 2, SIDE_BUY, FORM_LIMIT, DEC(28000) - DEC(0.1) * i, DEC(0.01),
                    TRANSPORT_WS);
    pass(200);
    ask(OP_CANCEL_ALL);
    unsigned sweep = world.command_count;
    for (int i = 0; i < 50 && world.told[sweep].answers == 0; i++)
        pass(100);
    CHECK_INT(world.told[sweep].answer, REPORT_DONE);
    check_orders();
    CHECK_INT(world.open_seen, 0);
    proof("okx", batch, simulator);
    proof_talk_end(&talk, "okx");
    close_world();
}

static void funding_is_paid_and_told_once_with_its_amount(void)
{
    begin(NULL);
    unsigned order = place(SWAP, SIDE_BUY, FORM_MARKET, 0, DEC(0.5), TRANSPORT_BEST);
    pass(70000);
    CHECK_INT(world.told[order].filled_qty, DEC(0.5));
    const struct exchange_position *position = &world.exchange.accounts[ALICE].positions[SWAP];
    CHECK(position->funding != 0);
    CHECK_INT(world.funding_count, 1);
    CHECK_INT(world.funding_sum, position->funding);
    CHECK(world.is_position_seen);
    struct venue_command list = command_new(OP_FUNDING, SPOT);
    CHECK_INT(give(&list), 0);
    deliver();
    CHECK_INT(world.told[world.command_count].answer, REPORT_DONE);
    CHECK_INT(world.funding_count, 2); /* The same one, by the list. */
    check_orders();
    proof_talk_end(&talk, "okx");
    close_world();
}

static void hedge_mode_is_refused_in_words(void)
{
    begin(NULL);
    ask(OP_ACCOUNT_MODE);
    CHECK_INT(world.told[world.command_count].answer, REPORT_DONE);
    CHECK_INT(exchange_set_hedge_mode(&world.exchange, ALICE, true), CAUSE_NONE);
    ask(OP_ACCOUNT_MODE);
    CHECK_INT(world.told[world.command_count].answer, REPORT_FAILED);
    CHECK_INT(world.told[world.command_count].why, REASON_HEDGE_MODE);
    proof("okx", account_mode, simulator);
    proof_talk_end(&talk, "okx");
    close_world();
}

static void a_service_upgrade_is_a_planned_reconnect(void)
{
    begin(NULL);
    sim_okx.fault(&world.sim, SIM_FAULT_MAINTENANCE); /* The notice, and no maintenance yet. */
    pass(3000);
    CHECK_INT(world.reconnects, 2); /* Of the feed, and of the orders. */
    CHECK_INT(world.reconnect_why, REASON_RENEWAL);
    connect_again(PUBLIC);
    connect_again(PRIVATE);
    pass(61000);
    CHECK(world.is_stream_up);
    check_books();
    proof("okx", renewal, simulator);
    close_world();
}

static void a_login_that_ended_is_made_anew(void)
{
    begin(NULL);
    world.sim.faults[SIM_FAULT_EXPIRE_SESSION].count = 1;
    sim_okx.fault(&world.sim, SIM_FAULT_EXPIRE_SESSION);
    CHECK(world.is_hung_up[PRIVATE]);
    connect_again(PRIVATE);
    pass(200);
    CHECK(world.is_stream_up);
    unsigned order = place(SPOT, SIDE_BUY, FORM_LIMIT, DEC(29000), DEC(0.01), TRANSPORT_WS);
    pass(100);
    CHECK_INT(world.told[order].answer, REPORT_ACCEPTED);
    proof("okx", login, simulator);
    close_world();
}

static void maintenance_halts_and_the_numbers_begin_anew(void)
{
    struct venue_feed_stats stats;

    begin(NULL);
    CHECK_INT(world.feed_state, FEED_LIVE);
    int64_t before = world.feed->markets[SPOT].sequence;
    world.sim.faults[SIM_FAULT_MAINTENANCE].until_ns = world.sim.now_ns + 2 * NS_PER_S;
    pass(500);
    CHECK_INT(world.feed_state, FEED_MAINTENANCE);
    CHECK_INT(world.feed->markets[SWAP].definition.state, TRADING_HALTED);
    unsigned order = place(SPOT, SIDE_BUY, FORM_LIMIT, DEC(28000), DEC(0.5), TRANSPORT_WS);
    pass(100);
    CHECK_INT(world.told[order].answer, REPORT_OUTCOME_UNKNOWN);
    CHECK(world.back_offs > 0);
    pass(3000);
    for (int i = 0; i < 20; i++) {
        market_moves();
        pass(100);
    }
    pass(200);
    CHECK_INT(world.feed_state, FEED_LIVE);
    CHECK_INT(world.feed->markets[SPOT].definition.state, TRADING_OPEN);
    CHECK(world.feed->markets[SPOT].sequence < before);
    check_books();
    okx_feed_ops.stats(world.feed, &stats);
    CHECK_INT(stats.gaps + stats.resyncs, 0); /* A smaller number in the chain is no hole. */
    proof("okx", status, simulator);
    close_world();
}

static void limits_and_failures_are_told_apart(void)
{
    begin(NULL);
    world.sim.faults[SIM_FAULT_STATUS_429].count = 1;
    unsigned order = place(SPOT, SIDE_BUY, FORM_LIMIT, DEC(29000), DEC(0.01), TRANSPORT_REST);
    pass(100);
    CHECK_INT(world.told[order].answer, REPORT_REJECTED);
    CHECK_INT(world.told[order].why, REASON_VENUE_RATE_LIMIT);
    CHECK_INT(world.back_offs, 1);
    world.sim.faults[SIM_FAULT_REJECT].count = 1;
    order = place(SWAP, SIDE_BUY, FORM_LIMIT, DEC(29000), DEC(0.01), TRANSPORT_WS);
    pass(100);
    CHECK_INT(world.told[order].answer, REPORT_REJECTED);
    CHECK_INT(world.told[order].why, REASON_VENUE_FUNDS);
    for (int is_rest = 0; is_rest < 2; is_rest++) {
        world.sim.faults[SIM_FAULT_STATUS_5XX].count = 1;
        snprintf(world.sim.faults[SIM_FAULT_STATUS_5XX].option,
                 sizeof(world.sim.faults[SIM_FAULT_STATUS_5XX].option), "after");
        order = place(SPOT, SIDE_BUY, FORM_LIMIT, DEC(29000), DEC(0.01),
                      is_rest ? TRANSPORT_REST : TRANSPORT_WS);
        pass(100);
        CHECK_INT(world.told[order].answer, REPORT_OUTCOME_UNKNOWN);
        (void)about(order, OP_QUERY, 0, 0, TRANSPORT_BEST);
        deliver();
        CHECK_INT(world.told[world.command_count].answer, REPORT_ORDER);
    }
    /* Sixty a contract in two seconds. */
    world.sim.are_limits_off = false;
    unsigned refused = 0, first = world.command_count + 1;
    for (int i = 0; i < 70; i++)
        (void)place(SPOT, SIDE_BUY, FORM_LIMIT, DEC(28000), DEC(0.001), TRANSPORT_WS);
    pass(200);
    for (unsigned i = first; i <= world.command_count; i++)
        refused +=
            world.told[i].answer == REPORT_REJECTED && world.told[i].why == REASON_VENUE_RATE_LIMIT;
    CHECK_INT(refused, 10);
    proof("okx", rate_limit, simulator);
    proof("okx", errors, simulator);
    close_world();
}

static void a_forced_close_of_somebody_is_an_event(void)
{
    begin(NULL);
    unsigned order = place(SWAP, SIDE_BUY, FORM_MARKET, 0, DEC(0.5), TRANSPORT_BEST);
    pass(500);
    CHECK_INT(world.told[order].filled_qty, DEC(0.5));
    /* Nothing is left but the position. */
    for (uint32_t asset = 0; asset < 2; asset++)
        (void)exchange_transfer(&world.exchange, ALICE, asset,
                                -exchange_available(&world.exchange, ALICE, asset) +
                                    (asset ? DEC(1) : 0),
                                world.sim.now_ns);
    exchange_mark(&world.exchange, SWAP, DEC(20000), world.sim.now_ns);
    for (int i = 0; i < 300 && world.liquidations == 0; i++) {
        exchange_mark(&world.exchange, SWAP, DEC(20000), world.sim.now_ns);
        world.sim.now_ns += 100 * NS_PER_MS;
        world.clock.now_ns += 100 * NS_PER_MS;
        world.clock.wall_ns += 100 * NS_PER_MS;
        sim_okx.tick(&world.sim);
        deliver();
    }
    CHECK(world.liquidations > 0);
    proof_talk_end(&talk, "okx");
    close_world();
}

int main(void)
{
    CASE(many_orders_spot_and_swap_end_the_same_on_both_sides);
    CASE(books_with_the_old_checksum_agree);
    CASE(books_without_a_first_snapshot_begin_by_rest);
    CASE(faults_of_the_stream_are_noticed_and_mended);
    CASE(quiet_books_live_by_their_idle_updates_and_pings);
    CASE(a_repeated_execution_report_is_one_fill);
    CASE(a_lost_answer_is_an_unknown_outcome_that_a_query_settles);
    CASE(what_the_venue_takes_and_cancels_is_told_with_its_reason);
    CASE(without_a_stream_accepted_cancels_and_amendments_are_asked_about);
    CASE(a_connection_lost_in_mid_order_ends_in_one_truth);
    CASE(the_dead_mans_switch_cancels_what_rests);
    CASE(all_orders_are_cancelled_in_batches);
    CASE(funding_is_paid_and_told_once_with_its_amount);
    CASE(hedge_mode_is_refused_in_words);
    CASE(a_service_upgrade_is_a_planned_reconnect);
    CASE(a_login_that_ended_is_made_anew);
    CASE(maintenance_halts_and_the_numbers_begin_anew);
    CASE(limits_and_failures_are_told_apart);
    CASE(a_forced_close_of_somebody_is_an_event);
    DONE();
}
