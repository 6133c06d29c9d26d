/* Coinbase's codecs and Coinbase's simulator side, written apart from one dossier, talk to each
 * other without sockets: whatever orders fly, both must tell one story in the end. */
#include "common/leaf/fixed.h"
#include "tests/unit/check.h"
#include "tests/unit/proof_talk.h"
#include "venue_simulator/sim.h"
#include "venues/coinbase/feed.h"
#include "venues/coinbase/order.h"
#include "venues/coinbase/sim_coinbase.h"

#include <stdlib.h>
#include <strings.h>

#define DEC(units) ((int64_t)((double)(units)*1e8 + 0.5))
#define SECRET \
    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw=="

enum {
    ALICE = 1,
    QUEUE_MAX = 8192,
    COMMANDS_MAX = 4096,
    PUBLIC = 0,
    PRIVATE = 1,
};

enum form { FORM_LIMIT, FORM_POST_ONLY, FORM_IOC, FORM_FOK, FORM_MARKET, FORM_COUNT };

/* One of our commands, and of its order as the reports tell it. */
struct told {
    char client_id[40], exchange_id[VENUE_ID_MAX];
    enum venue_op op;
    unsigned answers;
    enum venue_report_kind answer;
    wire_reason why;
    wire_order_state state;
    int64_t filled_qty, fee, cum_qty;
    bool is_ended, is_market;
    int64_t price, qty;
};

static struct {
    struct exchange exchange;
    void *memory;
    struct sim sim;
    struct sim_account account;
    struct sim_ws ws[2];
    bool is_ws_open[2], is_hung_up[2];
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
    char *body, headers[512];
    int status;
    const struct venue_request *current;

    struct coinbase_feed *feed;
    struct coinbase_order *side;
    struct venue_clock clock;
    struct told told[COMMANDS_MAX + 1];
    unsigned command_count;
    struct {
        char trade[24], order[40];
    } trades[COMMANDS_MAX * 4];
    unsigned trade_count, repeated_trades;
    int64_t totals[2], free[2]; /* BTC, USD */
    unsigned open_seen, invalid, channel_downs, hang_ups, lost_trades, back_offs;
    bool is_stream_up, are_hang_ups_meant;
    wire_feed_state feed_state;
    wire_trading_state trading_state;
    bool is_swallowed; /* Answers to the order side get lost. */
    uint64_t random, next_public_trade;
    unsigned public_trades;
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
    world.is_hung_up[ws == &world.ws[PUBLIC] ? PUBLIC : PRIVATE] = true;
    world.hang_ups++;
    if (!world.are_hang_ups_meant) {
        fprintf(stderr, "# the simulator hangs up: %s\n", reason);
        world.invalid++;
    }
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
    request->is_replied = true;
    (void)what;
    snprintf(world.headers, sizeof(world.headers), "%s", headers ? headers : "");
    world.status = status;
    free(world.body);
    world.body = strndup(body, len);
}

static const struct sim_output sim_output = { sim_sends, sim_closes, sim_header, sim_replies };

static void on_exchange(void *ctx, const struct exchange_event *event)
{
    (void)ctx;
    if (world.sim.state)
        sim_coinbase.event(&world.sim, event);
}

static int sends(unsigned connection, const char *frame, size_t len)
{
    if (!world.is_ws_open[connection])
        return ERR_CLOSED;
    queue(frame, len, connection, true);
    return 0;
}

static int feed_sends(void *ctx, unsigned connection, const char *frame, size_t len)
{
    (void)ctx;
    CHECK_INT(connection, 0);
    return sends(PUBLIC, frame, len);
}

static int side_sends(void *ctx, unsigned connection, const char *frame, size_t len)
{
    (void)ctx;
    CHECK_INT(connection, 0);
    return sends(PRIVATE, frame, len);
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
    (void)text;
    world.lost_trades += strcmp(event, "trades_lost") == 0;
}

/* Every public trade once, whatever way it came. */
static void on_public_trade(const struct wire_trade *trade)
{
    world.public_trades++;
    if (world.next_public_trade && !(trade->header.flags & WIRE_REPLAY))
        world.next_public_trade = (uint64_t)atoll(trade->venue_trade_id);
}

static void on_event(void *ctx, struct wire_header *event)
{
    const void *body = event;

    (void)ctx;
    proof_talk_event(&talk, event);
    world.invalid += wire_check(event, event->size) != 0;
    if (event->type == WIRE_feed_status && event->instrument == 0)
        world.feed_state = ((const struct wire_feed_status *)body)->state;
    if (event->type == WIRE_instrument)
        world.trading_state = ((const struct wire_instrument *)body)->state;
    if (event->type == WIRE_trade)
        on_public_trade(body);
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
        if (strcmp(world.trades[i].trade, report->venue_trade_id) == 0 &&
            strcmp(world.trades[i].order, report->exchange_order_id) == 0) {
            world.repeated_trades++;
            return;
        }
    if (world.trade_count < COUNT(world.trades)) {
        snprintf(world.trades[world.trade_count].trade, sizeof(world.trades[0].trade), "%.23s",
                 report->venue_trade_id);
        snprintf(world.trades[world.trade_count++].order, sizeof(world.trades[0].order), "%.39s",
                 report->exchange_order_id);
    }
    CHECK(told != NULL);
    if (!told)
        return;
    told->filled_qty += report->last_qty;
    told->fee += report->fee;
    CHECK_STR(report->fee_asset, "USD");
    CHECK_STR(report->symbol, "BTC-USD");
}

static bool is_answer(const struct venue_report *report)
{
    return report->request_id != 0 && report->kind != REPORT_FILL &&
           report->kind != REPORT_BALANCE && report->kind != REPORT_INSTRUMENT &&
           (report->kind != REPORT_ORDER || report->op == OP_QUERY);
}

static void on_answer(const struct venue_report *report)
{
    struct told *told = &world.told[report->request_id];

    told->answers++;
    told->answer = report->kind;
    told->why = report->why;
    told->state = report->state;
    told->cum_qty = report->cum_qty;
    if (told->op == OP_PLACE && report->kind == REPORT_ACCEPTED)
        snprintf(told->exchange_id, sizeof(told->exchange_id), "%s", report->exchange_order_id);
}

static void on_report(void *ctx, const struct venue_report *report)
{
    (void)ctx;
    struct told *about = told_of(report);

    proof_talk_report(&talk, report);
    if (is_answer(report))
        on_answer(report);
    world.back_offs += report->kind == REPORT_BACK_OFF;
    if (report->kind == REPORT_FILL) {
        on_fill(report);
    } else if (report->kind == REPORT_CHANNEL) {
        world.channel_downs += world.is_stream_up && !report->is_private_stream_up;
        world.is_stream_up = report->is_private_stream_up;
    } else if (report->kind == REPORT_BALANCE) {
        unsigned at = strcmp(report->asset, "BTC") == 0 ? 0 : 1;
        world.totals[at] = report->total;
        world.free[at] = report->free;
    } else if (report->kind == REPORT_CANCELLED || report->kind == REPORT_EXPIRED ||
               (report->kind == REPORT_ORDER && report->state >= ORDER_FILLED)) {
        if (about)
            about->is_ended = true;
        /* An end that says how much was executed says what was told. */
        if (about && report->is_from_stream && report->cum_qty >= 0)
            CHECK_INT(report->cum_qty, about->filled_qty);
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

/* "Name: value" lines as the shell hands them over: names in lower case. */
static size_t headers_of(struct venue_header *out)
{
    size_t count = 0;
    char *rest = world.headers;

    for (char *line; count < VENUE_HEADERS_MAX && (line = strtok_r(rest, "\r\n", &rest));) {
        char *colon = strstr(line, ": ");
        if (!colon)
            continue;
        *colon = '\0';
        for (char *c = line; *c; c++)
            *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
        snprintf(out[count].name, sizeof(out[count].name), "%.31s", line);
        snprintf(out[count++].value, sizeof(out->value), "%s", colon + 2);
    }
    return count;
}

static void serve(const struct venue_request *request, bool is_order_side)
{
    char path[sizeof(request->path)];
    struct venue_header headers[VENUE_HEADERS_MAX];

    memcpy(path, request->path, sizeof(path));
    char *query = strchr(path, '?');
    if (query)
        *query++ = '\0';
    struct sim_http http = { .sim = &world.sim,
                             .method = request->method,
                             .path = path,
                             .query = query ? query : "",
                             .body = request->body,
                             .body_len = request->body_len };

    world.current = request;
    sim_coinbase.http(&world.sim, &http);
    CHECK(http.is_replied);
    struct venue_response response = {
        .tag = request->tag,
        .status = world.is_swallowed && is_order_side ? 0 : world.status,
        .was_sent = true,
        .body = world.body,
        .body_len = strlen(world.body),
        .headers = headers,
        .header_count = headers_of(headers),
        .sent_ns = world.clock.now_ns,
        .received_ns = world.clock.now_ns,
    };
    world.clock.nonce++;
    if (is_order_side)
        (void)coinbase_order_ops.http(world.side, &response, &world.clock, &side_out);
    else
        (void)coinbase_feed_ops.http(world.feed, &response, &world.clock, &feed_out);
}

static void hang_up(unsigned connection)
{
    struct sim_ws **link = &world.sim.first_ws;

    if (!world.is_ws_open[connection])
        return;
    world.is_ws_open[connection] = world.is_hung_up[connection] = false;
    sim_coinbase.ws_closed(&world.sim, &world.ws[connection]);
    while (*link && *link != &world.ws[connection])
        link = &(*link)->next;
    if (*link)
        *link = (*link)->next;
    free(world.ws[connection].state);
    if (connection == PUBLIC)
        coinbase_feed_ops.closed(world.feed, 0, &world.clock, &feed_out);
    else
        coinbase_order_ops.closed(world.side, 0, &world.clock, &side_out);
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
            sim_coinbase.ws_frame(&world.sim, &world.ws[connection], text, strlen(text));
        else if (connection == PUBLIC)
            (void)coinbase_feed_ops.frame(world.feed, 0, text, strlen(text), &world.clock,
                                          &feed_out);
        else
            (void)coinbase_order_ops.frame(world.side, 0, text, strlen(text), &world.clock,
                                           &side_out);
        free(text);
    }
    for (unsigned connection = 0; connection < 2; connection++)
        if (world.is_hung_up[connection])
            hang_up(connection);
}

static void pass(int64_t ms)
{
    for (; ms > 0; ms -= 10) {
        world.clock.now_ns += 10 * NS_PER_MS;
        world.clock.wall_ns += 10 * NS_PER_MS;
        world.clock.nonce++;
        world.sim.now_ns = world.clock.wall_ns;
        exchange_tick(&world.exchange, world.sim.now_ns);
        sim_coinbase.tick(&world.sim);
        deliver();
        if (ms % 100 == 0) {
            coinbase_feed_ops.tick(world.feed, &world.clock, &feed_out);
            world.clock.nonce++;
            coinbase_order_ops.tick(world.side, &world.clock, &side_out);
            deliver();
        }
    }
}

static void open_ws(unsigned connection)
{
    struct sim_ws *ws = &world.ws[connection];
    struct venue_connection wanted[VENUE_CONNECTIONS_MAX];

    CHECK_INT(connection == PUBLIC ? coinbase_feed_ops.connections(world.feed, wanted)
                                   : coinbase_order_ops.connections(world.side, wanted),
              1);
    CHECK_STR(wanted[0].url, "wss://venue"); /* "" until the products are known. */
    *ws = (struct sim_ws){ .sim = &world.sim,
                           .listener = connection,
                           .id = connection + 1,
                           .opened_ns = world.sim.now_ns,
                           .state = calloc(1, sim_coinbase.ws_state_size),
                           .next = world.sim.first_ws };
    world.sim.first_ws = ws;
    world.is_ws_open[connection] = true;
    sim_coinbase.ws_opened(&world.sim, ws);
    world.clock.nonce++;
    if (connection == PUBLIC)
        coinbase_feed_ops.opened(world.feed, 0, &world.clock, &feed_out);
    else
        coinbase_order_ops.opened(world.side, 0, &world.clock, &side_out);
    deliver();
}

static const char *const names[] = { "BTC-USD" };
static struct venue_order_config order_config = { .venue = "coinbase",
                                                  .ws_url = "wss://venue",
                                                  .names = names,
                                                  .name_count = 1,
                                                  .api_key = "alices-key",
                                                  .api_secret = SECRET,
                                                  .api_passphrase = "alices-phrase" };

static void exchange_open(void)
{
    static const struct exchange_instrument_config instruments[] = {
        { .symbol = "BTC-USD",
          .base = "BTC",
          .quote = "USD",
          .tick = DEC(0.01),
          .lot = DEC(0.000001),
          .min_qty = DEC(0.000001),
          .min_notional = DEC(1),
          .max_orders = 500,
          .price_decimals = 2,
          .qty_decimals = 6,
          .start_price = DEC(30000) },
    };
    static const struct exchange_account_config accounts[] = {
        { .name = "market", .is_background = true },
        { .name = "alice", .maker_fee_ppm = 2500, .taker_fee_ppm = 4000 },
    };
    struct exchange_config config = { .venue = "coinbase",
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

static void begin_world(unsigned levels_max)
{
    struct venue_feed_config feed_config = { .venue = "coinbase",
                                             .ws_url = "wss://venue",
                                             .names = names,
                                             .name_count = 1,
                                             .levels_max = levels_max };
    struct venue_connection wanted[VENUE_CONNECTIONS_MAX];

    memset(&world, 0, sizeof(world));
    world.random = 88172645463325252u;
    world.clock = (struct venue_clock){ .now_ns = NS_PER_S,
                                        .wall_ns = INT64_C(1777975200000000000),
                                        .nonce = 1777975200000 };
    exchange_open();
    world.account = (struct sim_account){ .name = "alice",
                                          .key = "alices-key",
                                          .secret = SECRET,
                                          .passphrase = "alices-phrase",
                                          .account = ALICE };
    world.sim = (struct sim){ .venue = "coinbase",
                              .exchange = &world.exchange,
                              .accounts = &world.account,
                              .account_count = 1,
                              .now_ns = world.clock.wall_ns,
                              .seed = 7,
                              .are_limits_off = true,
                              .output = &sim_output,
                              .state = calloc(1, sim_coinbase.state_size) };
    CHECK_INT(sim_coinbase.init(&world.sim), 0);
    world.feed = calloc(1, sizeof(*world.feed));
    world.side = calloc(1, sizeof(*world.side));
    CHECK_INT(coinbase_feed_ops.init(world.feed, &feed_config), 0);
    CHECK_INT(coinbase_order_ops.init(world.side, &order_config), 0);
    CHECK_INT(coinbase_feed_ops.connections(world.feed, wanted), 1);
    CHECK_STR(wanted[0].url, "");
    coinbase_feed_ops.start(world.feed, &world.clock, &feed_out);
    coinbase_order_ops.start(world.side, &world.clock, &side_out);
    deliver();
}

static void open_world(unsigned levels_max)
{
    begin_world(levels_max);
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
    coinbase_feed_ops.fini(world.feed);
    coinbase_order_ops.fini(world.side);
    sim_coinbase.fini(&world.sim);
    free(world.feed);
    free(world.side);
    for (unsigned i = 0; i < 2; i++)
        if (world.is_ws_open[i])
            free(world.ws[i].state);
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
        .qty = DEC(0.001) * (1 + draw(800)) + DEC(0.000001) * draw(1000),
    };
    int64_t off = DEC(0.01) * draw(3000);

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
                                     .price_decimals = 2,
                                     .qty_decimals = 6 };

    CHECK(world.command_count <= COMMANDS_MAX);
    *told = (struct told){ .op = op };
    if (op <= OP_QUERY)
        snprintf(command.symbol, sizeof(command.symbol), "BTC-USD");
    return command;
}

static int give(const struct venue_command *command)
{
    world.clock.nonce++;
    proof_talk_command(&talk, command);
    int err = coinbase_order_ops.command(world.side, command, &world.clock, &side_out);
    if (err)
        world.command_count--; /* It was the last one. */
    return err;
}

static unsigned place(wire_side side, enum form form, int64_t price, int64_t qty)
{
    struct venue_command command = command_new(OP_PLACE);
    struct told *told = &world.told[world.command_count];

    CHECK_INT(client_id_write_as(CLIENT_ID_UUID, 'T', ORDER_ID(1, 1, world.command_count), 0,
                                 told->client_id),
              0);
    snprintf(command.client_order_id, sizeof(command.client_order_id), "%s", told->client_id);
    command.side = side;
    command.type = form == FORM_MARKET ? ORDER_MARKET : ORDER_LIMIT;
    command.time_in_force = form == FORM_IOC ? TIF_IOC : form == FORM_FOK ? TIF_FOK : TIF_GTC;
    command.is_post_only = form == FORM_POST_ONLY;
    command.price = price;
    command.qty = qty;
    told->price = price;
    told->qty = qty;
    told->is_market = form == FORM_MARKET;
    unsigned number = world.command_count;
    CHECK_INT(give(&command), 0);
    return number;
}

static void about(unsigned order, enum venue_op op)
{
    struct told *told = &world.told[order];
    struct venue_command command = command_new(op);

    snprintf(command.client_order_id, sizeof(command.client_order_id), "%s", told->client_id);
    if (draw(2))
        snprintf(command.exchange_order_id, sizeof(command.exchange_order_id), "%s",
                 told->exchange_id);
    CHECK_INT(give(&command), 0);
}

static unsigned ask(enum venue_op op)
{
    struct venue_command command = command_new(op);
    unsigned number = world.command_count;

    CHECK_INT(give(&command), 0);
    deliver();
    return number;
}

static bool is_book_equal(void)
{
    const struct match_book *venue = &world.exchange.instruments[0].book;
    const struct feed_product *product = &world.feed->products[0];

    for (int is_bid = 0; is_bid < 2; is_bid++) {
        const struct match_side *side = is_bid ? &venue->bids : &venue->asks;
        const struct book_side *ours = is_bid ? &product->book.bids : &product->book.asks;
        const struct feed_floor *floor = is_bid ? &product->bid_floor : &product->ask_floor;
        if (floor->is_set ? ours->count > side->count : ours->count != side->count)
            return false;
        for (uint32_t i = 0; i < ours->count; i++) {
            const struct match_level *level = match_level_at(side, i);
            if (!level || level->price != book_level(ours, i)->price ||
                level->qty != book_level(ours, i)->qty)
                return false;
        }
    }
    return true;
}

/* The codec's book is the venue's, whole or as deep as there is room. */
static void check_book(void)
{
    const struct feed_product *product = &world.feed->products[0];

    CHECK_INT(product->state, FEED_LIVE);
    CHECK(!product->book.is_stale);
    CHECK(is_book_equal());
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
        /* A filled order ends with its last execution, others by word. */
        if (order->state != EXCHANGE_FILLED)
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
        CHECK_INT(world.totals[asset], balance->free + balance->locked);
        CHECK_INT(world.free[asset], balance->free);
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
    int64_t off = DEC(0.01) * draw(2000) - DEC(5);
    int64_t price = DEC(30000) + (side == SIDE_BUY ? -off : off);
    unsigned one = some_open();

    switch (draw(8)) {
    case 0:
    case 1:
        if (one)
            about(one, OP_CANCEL);
        break;
    case 2:
        if (one)
            about(one, OP_QUERY);
        break;
    default:
        (void)place(side, draw(FORM_COUNT), price, DEC(0.0001) * (1 + draw(400)));
        break;
    }
}

/* ---- cases ---- */

static void many_orders_end_the_same_on_both_sides(void)
{
    open_world(0);
    for (int i = 0; i < 200; i++)
        market_moves();
    for (int i = 0; i < 1500; i++) {
        market_moves();
        alice_acts();
        if (draw(3))
            deliver();
        pass(10 * (draw(3) + 1));
        if (i % 100 == 0) {
            pass(100);
            check_book();
        }
    }
    pass(5000);
    check_book();
    check_orders();
    struct venue_feed_stats stats;
    coinbase_feed_ops.stats(world.feed, &stats);
    CHECK_INT(stats.gaps + stats.rejected + stats.crossed + stats.resyncs, 0);
    CHECK(stats.deltas > 500 && stats.trades > 100);
    CHECK_INT(world.side->rejected, 0);
    CHECK(world.trade_count > 200);
    CHECK_INT(world.repeated_trades, 0);

    /* The list of executions tells the same ones. */
    unsigned told = world.trade_count, list = ask(OP_EXECUTIONS);
    pass(1000);
    CHECK_INT(world.told[list].answer, REPORT_DONE);
    CHECK_INT(world.trade_count, told);
    CHECK_INT(world.repeated_trades, told);
    proof_talk_end(&talk, "coinbase");
    close_world();
}

/* level2 says nothing of a lost or wrong message: the comparison with REST finds it. */
static void wrong_levels_are_found_by_comparison_with_rest(void)
{
    static const enum sim_fault_kind kinds[] = { SIM_FAULT_SKIP_SEQUENCE,
                                                 SIM_FAULT_CORRUPT_CHECKSUM };
    unsigned wrong = 0, found = 0;

    open_world(0);
    for (int i = 0; i < 300; i++)
        market_moves();
    pass(2000);
    for (int round = 0; round < 24; round++) {
        struct venue_feed_stats before, after;
        coinbase_feed_ops.stats(world.feed, &before);
        world.sim.faults[kinds[round % 2]].count = 1;
        for (int i = 0; i < 4; i++)
            market_moves();
        pass(200);
        CHECK_INT(world.sim.faults[kinds[round % 2]].count, 0);
        bool is_wrong = !is_book_equal();
        for (int s = 0; s < 70; s++) { /* Once a minute, with the market moving. */
            if (s % 7 == 0)
                market_moves();
            pass(1000);
        }
        coinbase_feed_ops.stats(world.feed, &after);
        wrong += is_wrong;
        found += after.gaps > before.gaps;
        CHECK(is_book_equal());
    }
    CHECK(wrong > 12);
    CHECK(found >= wrong - 6); /* Some change again before they are compared. */
    CHECK(world.feed->checks > 20);
    printf("# %u books made wrong, %u found by comparison, the others healed by themselves\n",
           wrong, found);
    check_book();
    if (!check_failed_in_case)
        proof_of("coinbase", PROOF_book_integrity, BY_simulator,
                 "by comparison with REST once a minute");
    proof_talk_end(&talk, "coinbase");
    close_world();
}

static void a_crossed_book_is_left_and_taken_anew(void)
{
    struct venue_feed_stats stats;

    open_world(0);
    for (int i = 0; i < 200; i++)
        market_moves();
    pass(1000);
    for (int i = 0; i < 3; i++) {
        world.sim.faults[SIM_FAULT_CROSS_BOOK].count = 1;
        while (world.sim.faults[SIM_FAULT_CROSS_BOOK].count) {
            market_moves();
            pass(100);
        }
        pass(15000);
        check_book();
    }
    coinbase_feed_ops.stats(world.feed, &stats);
    CHECK_INT(stats.crossed, 3);
    CHECK_INT(stats.resyncs, 3);
    proof_talk_end(&talk, "coinbase");
    close_world();
}

static void trades_missed_between_connections_are_fetched(void)
{
    open_world(0);
    for (int i = 0; i < 300; i++)
        market_moves();
    pass(1000);
    unsigned before = world.public_trades;
    uint64_t done = world.exchange.instruments[0].trade_count;
    hang_up(PUBLIC);
    for (int i = 0; i < 300; i++)
        market_moves();
    pass(1000);
    uint64_t missed = world.exchange.instruments[0].trade_count - done;
    CHECK(missed > 5 && world.public_trades == before);
    open_ws(PUBLIC);
    pass(3000);
    CHECK_INT(world.public_trades - before, missed);
    CHECK_INT(world.lost_trades, 0);
    check_book();
    proof_talk_end(&talk, "coinbase");
    close_world();
}

static void a_repeated_execution_is_one_fill(void)
{
    open_world(0);
    for (int i = 0; i < 200; i++)
        market_moves();
    for (int i = 0; i < 20; i++) {
        world.sim.faults[SIM_FAULT_DUPLICATE_EXECUTION].count = 2;
        (void)place(SIDE_BUY, i % 2 ? FORM_MARKET : FORM_IOC, DEC(30100), DEC(0.01));
        pass(50);
        market_moves();
    }
    pass(500);
    CHECK(world.repeated_trades > 10);
    check_orders();
    proof_talk_end(&talk, "coinbase");
    close_world();
}

static void a_lost_answer_is_an_unknown_outcome_that_a_query_settles(void)
{
    open_world(0);
    for (int i = 0; i < 200; i++)
        market_moves();
    world.is_swallowed = true;
    unsigned order = place(SIDE_BUY, FORM_LIMIT, DEC(29000), DEC(0.01));
    deliver();
    CHECK_INT(world.told[order].answers, 1);
    CHECK_INT(world.told[order].answer, REPORT_OUTCOME_UNKNOWN);
    world.is_swallowed = false;
    about(order, OP_QUERY);
    deliver();
    CHECK_INT(world.told[world.command_count].answer, REPORT_ORDER);
    CHECK_INT(world.told[world.command_count].state, ORDER_LIVE);
    /* One that was never placed. */
    struct venue_command query = command_new(OP_QUERY);
    CHECK_INT(
        client_id_write_as(CLIENT_ID_UUID, 'T', ORDER_ID(1, 1, 999999), 0, query.client_order_id),
        0);
    CHECK_INT(give(&query), 0);
    deliver();
    CHECK_INT(world.told[world.command_count].answer, REPORT_NO_SUCH_ORDER);
    /* A server error before and after the deed. */
    static const char *const options[] = { "", "after" };
    for (unsigned i = 0; i < 2; i++) {
        snprintf(world.sim.faults[SIM_FAULT_STATUS_5XX].option,
                 sizeof(world.sim.faults[SIM_FAULT_STATUS_5XX].option), "%s", options[i]);
        world.sim.faults[SIM_FAULT_STATUS_5XX].count = 1;
        order = place(SIDE_BUY, FORM_LIMIT, DEC(29000), DEC(0.01));
        deliver();
        CHECK_INT(world.told[order].answer, REPORT_OUTCOME_UNKNOWN);
        about(order, OP_QUERY);
        deliver();
        CHECK_INT(world.told[world.command_count].answer, i ? REPORT_ORDER : REPORT_NO_SUCH_ORDER);
    }
    proof_talk_end(&talk, "coinbase");
    close_world();
}

static void refusals_are_told_apart(void)
{
    open_world(0);
    for (int i = 0; i < 200; i++)
        market_moves();
    unsigned poor = place(SIDE_BUY, FORM_LIMIT, DEC(29000), DEC(400));
    unsigned cheap = place(SIDE_BUY, FORM_LIMIT, DEC(29000), DEC(0.000001));
    unsigned taking = place(SIDE_BUY, FORM_POST_ONLY, DEC(31000), DEC(0.01));
    unsigned unfilled = place(SIDE_BUY, FORM_FOK, DEC(28000), DEC(0.01));
    deliver();
    CHECK_INT(world.told[poor].why, REASON_VENUE_FUNDS);
    CHECK_INT(world.told[cheap].why, REASON_VENUE_FILTER);
    CHECK_INT(world.told[taking].why, REASON_VENUE_POST_ONLY);
    CHECK(world.told[poor].answer == REPORT_REJECTED &&
          world.told[cheap].answer == REPORT_REJECTED &&
          world.told[taking].answer == REPORT_REJECTED);
    pass(50);
    CHECK(world.told[unfilled].is_ended);
    world.sim.faults[SIM_FAULT_STATUS_429].count = 1;
    unsigned limited = place(SIDE_BUY, FORM_LIMIT, DEC(29000), DEC(0.01));
    deliver();
    CHECK_INT(world.told[limited].answer, REPORT_REJECTED);
    CHECK_INT(world.told[limited].why, REASON_VENUE_RATE_LIMIT);
    CHECK_INT(world.back_offs, 1);
    CHECK_INT(world.side->hold_until_ns - world.clock.now_ns, NS_PER_S); /* Retry-After: 1 */
    pass(1100);
    /* A clock that is wrong by a minute: nothing is executed, and it says why. */
    world.clock.wall_ns += 60 * NS_PER_S;
    unsigned late = place(SIDE_BUY, FORM_LIMIT, DEC(29000), DEC(0.01));
    deliver();
    CHECK_INT(world.told[late].answer, REPORT_REJECTED);
    CHECK_INT(world.told[late].why, REASON_VENUE_TIMESTAMP);
    world.clock.wall_ns -= 60 * NS_PER_S;
    proof_talk_end(&talk, "coinbase");
    close_world();
}

/* The cancel's yes comes before its end; a partly executed order says how much. */
static void a_cancel_is_answered_with_the_true_end(void)
{
    open_world(0);
    pass(100);
    unsigned order = place(SIDE_BUY, FORM_LIMIT, DEC(29000), DEC(0.5));
    pass(50);
    struct exchange_request taker = { .account = 0,
                                      .instrument = 0,
                                      .side = SIDE_SELL,
                                      .type = ORDER_LIMIT,
                                      .time_in_force = TIF_IOC,
                                      .price = DEC(29000),
                                      .qty = DEC(0.2) };
    (void)exchange_place(&world.exchange, &taker, world.sim.now_ns, NULL);
    pass(50);
    CHECK_INT(world.told[order].filled_qty, DEC(0.2));
    about(order, OP_CANCEL);
    pass(100);
    CHECK_INT(world.told[world.command_count].answer, REPORT_CANCELLED);
    CHECK_INT(world.told[world.command_count].cum_qty, DEC(0.2));
    about(order, OP_CANCEL); /* Again: it is over. */
    pass(100);
    CHECK_INT(world.told[world.command_count].answer, REPORT_CANCEL_REJECTED);
    CHECK_INT(world.told[world.command_count].why, REASON_VENUE_UNKNOWN_ORDER);
    /* Without the stream: the yes alone, then a question. The venue has forgotten the order. */
    unsigned alone = place(SIDE_BUY, FORM_LIMIT, DEC(29000), DEC(0.5));
    pass(50);
    hang_up(PRIVATE);
    about(alone, OP_CANCEL);
    pass(100);
    CHECK_INT(world.told[world.command_count].answer, REPORT_CANCELLED);
    CHECK_INT(world.told[world.command_count].cum_qty, -1);
    about(alone, OP_QUERY);
    pass(100);
    CHECK_INT(world.told[world.command_count].answer, REPORT_ORDER);
    CHECK_INT(world.told[world.command_count].state, ORDER_CANCELLED);
    CHECK_INT(world.told[world.command_count].cum_qty, 0);
    proof_talk_end(&talk, "coinbase");
    close_world();
}

static void all_orders_are_cancelled_page_by_page(void)
{
    open_world(0);
    for (int i = 0; i < 300; i++) {
        (void)place(SIDE_BUY, FORM_LIMIT, DEC(20000) + DEC(0.01) * i, DEC(0.0001));
        pass(10);
    }
    pass(100);
    world.open_seen = 0;
    unsigned list = ask(OP_OPEN_ORDERS);
    CHECK_INT(world.open_seen, 300);
    CHECK_INT(world.told[list].answer, REPORT_DONE);
    unsigned all = ask(OP_CANCEL_ALL);
    pass(500);
    CHECK_INT(world.told[all].answer, REPORT_DONE);
    CHECK(world.exchange.accounts[ALICE].first_open == NULL);
    ask(OP_SERVER_TIME);
    ask(OP_INSTRUMENTS);
    pass(100);
    check_orders();
    proof_talk_end(&talk, "coinbase");
    close_world();
}

static void wrong_credentials_never_bring_the_stream_up(void)
{
    static const struct {
        const char *key, *secret, *passphrase;
        int64_t clock_ns;
    } wrong[] = {
        { "nobodys-key", SECRET, "alices-phrase", 0 },
        { "alices-key", "c2VjcmV0", "alices-phrase", 0 },
        { "alices-key", SECRET, "another", 0 },
        { "alices-key", SECRET, "alices-phrase", 40 * NS_PER_S },
    };
    const struct venue_order_config right = order_config;

    for (size_t i = 0; i < COUNT(wrong); i++) {
        order_config.api_key = wrong[i].key;
        order_config.api_secret = wrong[i].secret;
        order_config.api_passphrase = wrong[i].passphrase;
        begin_world(0);
        world.are_hang_ups_meant = true;
        world.clock.wall_ns += wrong[i].clock_ns;
        open_ws(PRIVATE);
        CHECK(!world.is_stream_up && world.hang_ups == 1);
        unsigned balances = ask(OP_BALANCES);
        CHECK_INT(world.told[balances].answer, REPORT_FAILED);
        CHECK_INT(world.told[balances].why,
                  wrong[i].clock_ns ? REASON_VENUE_TIMESTAMP : REASON_VENUE_AUTH);
        order_config = right;
        close_world();
    }
    memset(&talk, 0, sizeof(talk));
}

static void maintenance_and_expired_sessions_are_survived(void)
{
    open_world(0);
    world.are_hang_ups_meant = true;
    for (int i = 0; i < 200; i++)
        market_moves();
    pass(1000);
    CHECK_INT(world.feed_state, FEED_LIVE);
    world.sim.faults[SIM_FAULT_MAINTENANCE].until_ns = world.sim.now_ns + 2 * NS_PER_S;
    world.sim.faults[SIM_FAULT_MAINTENANCE].ms = 2000;
    pass(500);
    CHECK_INT(world.feed_state, FEED_DOWN);
    CHECK(!world.is_stream_up && world.hang_ups == 2);
    unsigned order = place(SIDE_BUY, FORM_LIMIT, DEC(28000), DEC(0.5));
    pass(100);
    CHECK_INT(world.told[order].answer, REPORT_OUTCOME_UNKNOWN); /* 503: it may have happened. */
    pass(2000);
    open_ws(PUBLIC);
    open_ws(PRIVATE);
    pass(6000);
    CHECK_INT(world.feed_state, FEED_LIVE);
    CHECK_INT(world.trading_state, TRADING_OPEN);
    CHECK(world.is_stream_up);
    check_book();
    world.sim.faults[SIM_FAULT_EXPIRE_SESSION].count = 1;
    sim_coinbase.fault(&world.sim, SIM_FAULT_EXPIRE_SESSION);
    pass(50);
    CHECK(!world.is_stream_up && !world.is_ws_open[PRIVATE] && world.is_ws_open[PUBLIC]);
    open_ws(PRIVATE);
    pass(100);
    CHECK(world.is_stream_up);
    if (!check_failed_in_case)
        proof_of("coinbase", PROOF_renewal, BY_simulator, "each connection signs anew");
    proof_talk_end(&talk, "coinbase");
    close_world();
}

/* Where a book has more levels than there is room for, what is kept has no holes. */
static void a_deep_book_is_kept_as_far_as_there_is_room(void)
{
    struct venue_feed_stats stats;

    open_world(100);
    for (int i = 0; i < 1500; i++)
        market_moves();
    pass(1000);
    CHECK(world.exchange.instruments[0].book.bids.count > 150);
    for (int i = 0; i < 3000; i++) {
        market_moves();
        pass(50);
        if (i % 20 == 0) {
            pass(100);
            check_book();
        }
    }
    CHECK(world.feed->products[0].bid_floor.is_set);
    CHECK(world.feed->checks > 1 && world.feed->checks_failed == 0);
    coinbase_feed_ops.stats(world.feed, &stats);
    CHECK_INT(stats.gaps + stats.crossed + stats.rejected, 0);
    proof_talk_end(&talk, "coinbase");
    close_world();
}

int main(void)
{
    CASE(many_orders_end_the_same_on_both_sides);
    CASE(wrong_levels_are_found_by_comparison_with_rest);
    CASE(a_crossed_book_is_left_and_taken_anew);
    CASE(trades_missed_between_connections_are_fetched);
    CASE(a_repeated_execution_is_one_fill);
    CASE(a_lost_answer_is_an_unknown_outcome_that_a_query_settles);
    CASE(refusals_are_told_apart);
    CASE(a_cancel_is_answered_with_the_true_end);
    CASE(all_orders_are_cancelled_page_by_page);
    CASE(wrong_credentials_never_bring_the_stream_up);
    CASE(maintenance_and_expired_sessions_are_survived);
    CASE(a_deep_book_is_kept_as_far_as_there_is_room);
    DONE();
}
