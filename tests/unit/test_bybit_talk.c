/* Bybit's codecs and Bybit's simulator side, written apart from one dossier, talk to each other
 * without sockets, spot and contracts at once: whatever orders fly, both must tell one story in the
 * end. */
#include "common/leaf/fixed.h"
#include "tests/unit/check.h"
#include "tests/unit/proof_talk.h"
#include "venue_simulator/margin.h"
#include "venue_simulator/sim.h"
#include "venues/bybit/feed.h"
#include "venues/bybit/order.h"

#include <stdlib.h>

#define DEC(units) ((int64_t)((double)(units)*1e8 + 0.5))
#define SECRET     "alices-secret-is-not-hers-alone"

enum {
    ALICE = 1,
    QUEUE_MAX = 16384,
    COMMANDS_MAX = 4096,
    SPOT = 0, /* Instruments of the exchange. */
    PERPETUAL = 1,
    SOCKETS = 5, /* Public spot, public linear, status, private, trade. */
    FIRST_OURS = 3,
    SOCKET_PRIVATE = 3,
    SOCKET_TRADE = 4,
};

static const struct {
    const char *path;
    unsigned listener;
} sockets[SOCKETS] = { { "/v5/public/spot", 0 },
                       { "/v5/public/linear", 0 },
                       { "/v5/public/misc/status", 0 },
                       { "/v5/private", 1 },
                       { "/v5/trade", 1 } };

/* One of our commands, as the reports tell it. */
struct told {
    char client_id[40], exchange_id[VENUE_ID_MAX];
    enum venue_op op;
    unsigned answers;
    enum venue_report_kind answer;
    wire_reason why;
    char text[96];
    int64_t filled_qty, fee, pnl;
    bool is_ended, is_market;
    wire_instrument_kind kind;
    wire_side side;
    int64_t price, qty;
};

static struct {
    struct exchange exchange;
    void *memory;
    struct sim sim;
    struct sim_account account;
    struct sim_ws ws[SOCKETS];
    bool is_open[SOCKETS];
    struct {
        char *text;
        unsigned socket;
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

    struct bybit_feed *feed;
    struct bybit_side *side;
    struct venue_clock clock;
    struct told told[COMMANDS_MAX + 1];
    unsigned command_count;
    char trades[COMMANDS_MAX * 4][40];
    unsigned trade_count, repeated_trades, fundings;
    int64_t funding_sum, totals[2], free[2]; /* BTC, USDT */
    int64_t position_qty, position_price, position_margin, position_unrealised;
    unsigned open_seen, invalid, channel_downs, back_offs, marks, liquidations;
    bool is_stream_up, is_order_up, is_swallowed, has_hangups;
    wire_feed_state feed_state;
    int64_t offset_ns;
    uint64_t random;
} world;

static struct proof_talk talk;

static uint32_t draw(uint32_t below)
{
    return (uint32_t)(sim_random(&world.random) >> 33) % below;
}

/* ---- the wires ---- */

static void queue(const char *text, size_t len, unsigned socket, bool is_to_venue)
{
    CHECK(world.frame_last - world.frame_first < QUEUE_MAX);
    unsigned at = world.frame_last++ % QUEUE_MAX;
    world.frames[at].text = strndup(text, len);
    world.frames[at].socket = socket;
    world.frames[at].is_to_venue = is_to_venue;
}

static void sim_sends(struct sim *sim, struct sim_ws *ws, enum sim_what what, const char *text,
                      size_t len)
{
    (void)sim;
    (void)what;
    queue(text, len, (unsigned)(ws - world.ws), false);
}

static void drop(unsigned socket);

static void sim_closes(struct sim *sim, struct sim_ws *ws, unsigned code, const char *reason)
{
    (void)sim;
    (void)code;
    if (!world.has_hangups) {
        fprintf(stderr, "# the simulator hangs up: %s\n", reason);
        world.invalid++;
    }
    drop((unsigned)(ws - world.ws));
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
    (void)what;
    request->is_replied = true;
    world.status = status;
    snprintf(world.headers, sizeof(world.headers), "%s", headers ? headers : "");
    free(world.body);
    world.body = strndup(body, len);
}

static const struct sim_output sim_output = { sim_sends, sim_closes, sim_header, sim_replies };

static void on_exchange(void *ctx, const struct exchange_event *event)
{
    (void)ctx;
    if (world.sim.state)
        sim_bybit.event(&world.sim, event);
}

static int feed_sends(void *ctx, unsigned connection, const char *frame, size_t len)
{
    (void)ctx;
    if (!world.is_open[connection])
        return ERR_CLOSED;
    queue(frame, len, connection, true);
    return 0;
}

static int side_sends(void *ctx, unsigned connection, const char *frame, size_t len)
{
    (void)ctx;
    if (!world.is_open[FIRST_OURS + connection])
        return ERR_CLOSED;
    proof_talk_way(&talk, true);
    queue(frame, len, FIRST_OURS + connection, true);
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
    if (world.has_hangups)
        return;
    fprintf(stderr, "# a codec gives connection %u up: %s\n", connection, wire_reason_str(why));
    world.invalid++;
}

static void on_note(void *ctx, const char *event, const char *text)
{
    (void)ctx;
    if (getenv("NOTES"))
        fprintf(stderr, "# %s: %s\n", event, text);
}

static void on_event(void *ctx, struct wire_header *event)
{
    (void)ctx;
    proof_talk_event(&talk, event);
    world.invalid += wire_check(event, event->size) != 0;
    world.marks += event->type == WIRE_mark_price;
    world.liquidations += event->type == WIRE_liquidation;
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
    if (!told) {
        CHECK(report->is_liquidation);
        return;
    }
    told->filled_qty += report->last_qty;
    told->fee += report->fee;
    told->pnl += report->realised_pnl;
    CHECK_INT(report->instrument_kind, told->kind);
    /* Lists do not say it. */
    CHECK_INT(report->has_realised_pnl,
              told->kind == INSTRUMENT_PERPETUAL && report->is_from_stream);
    CHECK_STR(report->fee_asset,
              told->kind == INSTRUMENT_SPOT && told->side == SIDE_BUY ? "BTC" : "USDT");
    CHECK_STR(report->symbol, "BTCUSDT");
}

static bool is_answer(const struct venue_report *report)
{
    return report->request_id != 0 && report->kind != REPORT_FILL &&
           report->kind != REPORT_BALANCE && report->kind != REPORT_INSTRUMENT &&
           report->kind != REPORT_POSITION && report->kind != REPORT_FUNDING &&
           (report->kind != REPORT_ORDER || report->op == OP_QUERY);
}

static void on_money(const struct venue_report *report)
{
    unsigned at = strcmp(report->asset, "BTC") == 0 ? 0 : 1;

    if (report->kind == REPORT_BALANCE) {
        world.totals[at] = report->total;
        world.free[at] = report->free;
    } else if (report->kind == REPORT_POSITION) {
        CHECK_STR(report->asset, "USDT");
        world.position_qty = report->qty;
        world.position_price = report->price;
        world.position_margin = report->margin;
        world.position_unrealised = report->unrealised_pnl;
    } else {
        world.fundings++;
        world.funding_sum += report->change;
        CHECK_STR(report->asset, "USDT");
        CHECK(*report->reference);
    }
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
        snprintf(told->text, sizeof(told->text), "%s", report->text);
        if (told->op == OP_PLACE && report->kind == REPORT_ACCEPTED)
            snprintf(told->exchange_id, sizeof(told->exchange_id), "%s", report->exchange_order_id);
        if (report->kind == REPORT_SERVER_TIME)
            world.offset_ns = report->offset_ns;
    }
    if (report->kind == REPORT_FILL) {
        on_fill(report);
    } else if (report->kind == REPORT_CHANNEL) {
        world.channel_downs += world.is_stream_up && !report->is_private_stream_up;
        world.is_stream_up = report->is_private_stream_up;
        world.is_order_up = report->is_order_channel_up;
    } else if (report->kind == REPORT_BALANCE || report->kind == REPORT_POSITION ||
               report->kind == REPORT_FUNDING) {
        on_money(report);
    } else if (report->kind == REPORT_CANCELLED || report->kind == REPORT_EXPIRED ||
               (report->kind == REPORT_ORDER && report->state >= ORDER_FILLED)) {
        if (about)
            about->is_ended = true;
    } else if (report->kind == REPORT_ORDER && report->op == OP_OPEN_ORDERS) {
        world.open_seen++;
        CHECK(about != NULL);
    }
    world.back_offs += report->kind == REPORT_BACK_OFF;
}

static const struct venue_out feed_out = { NULL,      on_event,     NULL,   feed_sends,
                                           feed_asks, on_reconnect, on_note };
static const struct venue_out side_out = { NULL,      NULL,         on_report, side_sends,
                                           side_asks, on_reconnect, on_note };

/* ---- time and delivery ---- */

static size_t headers_of(struct venue_header *out)
{
    static const char *const names[] = { "X-Bapi-Limit: ", "X-Bapi-Limit-Status: ",
                                         "X-Bapi-Limit-Reset-Timestamp: ", "Retry-After: " };
    static const char *const lower[] = { "x-bapi-limit", "x-bapi-limit-status",
                                         "x-bapi-limit-reset-timestamp", "retry-after" };
    size_t count = 0;

    for (size_t i = 0; i < COUNT(names); i++) {
        const char *at = strstr(world.headers, names[i]);
        if (!at)
            continue;
        at += strlen(names[i]);
        snprintf(out[count].name, sizeof(out[count].name), "%s", lower[i]);
        snprintf(out[count++].value, sizeof(out->value), "%.*s", (int)strcspn(at, "\r"), at);
    }
    return count;
}

static void serve(const struct venue_request *request, bool is_order_side)
{
    char path[sizeof(request->path)];
    struct venue_header headers[VENUE_HEADERS_MAX];

    snprintf(path, sizeof(path), "%s", request->path);
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
    sim_bybit.http(&world.sim, &http);
    CHECK(http.is_replied);
    struct venue_response response = { .tag = request->tag,
                                       .status =
                                           world.is_swallowed && is_order_side ? 0 : world.status,
                                       .was_sent = true,
                                       .body = world.body,
                                       .body_len = strlen(world.body),
                                       .headers = headers };
    response.header_count = headers_of(headers);
    if (is_order_side)
        (void)bybit_order_ops.http(world.side, &response, &world.clock, &side_out);
    else
        CHECK_INT(bybit_feed_ops.http(world.feed, &response, &world.clock, &feed_out), 0);
}

static void deliver_frame(unsigned socket, bool is_to_venue, const char *text)
{
    int err = 0;

    if (!world.is_open[socket])
        return; /* Lost with its connection. */
    if (is_to_venue)
        sim_bybit.ws_frame(&world.sim, &world.ws[socket], text, strlen(text));
    else if (socket < FIRST_OURS)
        err = bybit_feed_ops.frame(world.feed, socket, text, strlen(text), &world.clock, &feed_out);
    else if (!world.is_swallowed)
        err = bybit_order_ops.frame(world.side, socket - FIRST_OURS, text, strlen(text),
                                    &world.clock, &side_out);
    if (err && err != ERR_STALE)
        fprintf(stderr, "# not understood: %.200s\n", text);
    CHECK(err == 0 || err == ERR_STALE);
}

static void deliver(void)
{
    while (world.frame_first != world.frame_last || world.request_first != world.request_last) {
        if (world.request_first != world.request_last) {
            unsigned at = world.request_first++ % COUNT(world.requests);
            struct venue_request request = world.requests[at].request;
            serve(&request, world.requests[at].is_order_side);
            continue;
        }
        unsigned at = world.frame_first++ % QUEUE_MAX;
        char *text = world.frames[at].text;
        deliver_frame(world.frames[at].socket, world.frames[at].is_to_venue, text);
        free(text);
    }
}

static void pass(int64_t ms)
{
    for (; ms > 0; ms -= 10) {
        world.clock.now_ns += 10 * NS_PER_MS;
        world.clock.wall_ns += 10 * NS_PER_MS;
        world.sim.now_ns = world.clock.wall_ns;
        exchange_tick(&world.exchange, world.sim.now_ns);
        exchange_mark(&world.exchange, PERPETUAL, DEC(30000), world.sim.now_ns);
        sim_bybit.tick(&world.sim);
        deliver();
        if (ms % 100 == 0) {
            bybit_feed_ops.tick(world.feed, &world.clock, &feed_out);
            bybit_order_ops.tick(world.side, &world.clock, &side_out);
            deliver();
        }
    }
}

static void relink(void)
{
    world.sim.first_ws = NULL;
    for (unsigned i = SOCKETS; i-- > 0;)
        if (world.is_open[i]) {
            world.ws[i].next = world.sim.first_ws;
            world.sim.first_ws = &world.ws[i];
        }
}

static void open_socket(unsigned socket)
{
    static uint64_t ids;
    struct sim_ws *ws = &world.ws[socket];

    if (world.is_open[socket])
        return;
    *ws = (struct sim_ws){ .sim = &world.sim,
                           .listener = sockets[socket].listener,
                           .id = ++ids,
                           .opened_ns = world.sim.now_ns,
                           .state = calloc(1, sim_bybit.ws_state_size) };
    snprintf(ws->path, sizeof(ws->path), "%s", sockets[socket].path);
    world.is_open[socket] = true;
    relink();
    sim_bybit.ws_opened(&world.sim, ws);
    if (socket < FIRST_OURS)
        bybit_feed_ops.opened(world.feed, socket, &world.clock, &feed_out);
    else
        bybit_order_ops.opened(world.side, socket - FIRST_OURS, &world.clock, &side_out);
}

static void drop(unsigned socket)
{
    if (!world.is_open[socket])
        return;
    world.is_open[socket] = false;
    sim_bybit.ws_closed(&world.sim, &world.ws[socket]);
    struct sim_ws *next = world.ws[socket].next;
    relink();
    world.ws[socket].next = next; /* Whoever walks the list goes on. */
    free(world.ws[socket].state);
    world.ws[socket].state = NULL;
    if (socket < FIRST_OURS)
        bybit_feed_ops.closed(world.feed, socket, &world.clock, &feed_out);
    else
        bybit_order_ops.closed(world.side, socket - FIRST_OURS, &world.clock, &side_out);
}

static const char *const names[] = { "BTC-USDT", "BTC-USDT-PERP" };

static void exchange_open(void)
{
    static const struct exchange_instrument_config instruments[] = {
        { .symbol = "BTCUSDT",
          .base = "BTC",
          .quote = "USDT",
          .kind = INSTRUMENT_SPOT,
          .tick = DEC(0.1),
          .lot = 100,
          .min_notional = DEC(5),
          .max_qty = DEC(100),
          .max_orders = 500,
          .price_decimals = 1,
          .qty_decimals = 6,
          .start_price = DEC(30000) },
        { .symbol = "BTCUSDT",
          .base = "BTC",
          .quote = "USDT",
          .kind = INSTRUMENT_PERPETUAL,
          .tick = DEC(0.1),
          .lot = DEC(0.001),
          .min_qty = DEC(0.001),
          .min_notional = DEC(5),
          .max_qty = DEC(1000),
          .max_orders = 500,
          .band_ppm = 100000,
          .price_decimals = 2,
          .qty_decimals = 3,
          .funding_interval_ns = 3600 * NS_PER_S,
          .start_price = DEC(30000) },
    };
    static const struct exchange_account_config accounts[] = {
        { .name = "market", .is_background = true },
        { .name = "alice", .maker_fee_ppm = 200, .taker_fee_ppm = 550 },
    };
    struct exchange_config config = { .venue = "bybit",
                                      .instruments = instruments,
                                      .instrument_count = COUNT(instruments),
                                      .accounts = accounts,
                                      .account_count = COUNT(accounts),
                                      .fee_asset = FEE_IN_RECEIVED,
                                      .orders_max = 20000,
                                      .background_orders_max = 8192,
                                      .executions_max = 20000,
                                      .levels_max = 2048 };

    world.memory = calloc(1, exchange_memory(&config));
    CHECK_INT(exchange_init(&world.exchange, &config, world.memory, on_exchange, NULL), 0);
    for (uint32_t account = 0; account < 2; account++)
        for (uint32_t asset = 0; asset < 2; asset++)
            exchange_transfer(&world.exchange, account, asset,
                              DEC(account == ALICE ? (asset ? 500000 : 20) : 100000000), 1);
}

static const struct venue_order_config order_config = { .venue = "bybit",
                                                        .names = names,
                                                        .name_count = COUNT(names),
                                                        .api_key = "alices-key",
                                                        .api_secret = SECRET,
                                                        .recv_window_ms = 5000,
                                                        .order_timeout_ns = NS_PER_S };

static void market_moves(void);

static void open_world(unsigned depth)
{
    struct venue_feed_config feed_config = {
        .venue = "bybit", .names = names, .name_count = COUNT(names), .depth = depth
    };

    memset(&world, 0, sizeof(world));
    world.random = 88172645463325252u;
    world.clock = (struct venue_clock){ .now_ns = NS_PER_S, .wall_ns = 1777975200000000000 };
    exchange_open();
    world.account = (struct sim_account){
        .name = "alice", .key = "alices-key", .secret = SECRET, .account = ALICE
    };
    world.sim = (struct sim){ .venue = "bybit",
                              .exchange = &world.exchange,
                              .accounts = &world.account,
                              .account_count = 1,
                              .now_ns = world.clock.wall_ns,
                              .seed = 7,
                              .are_limits_off = true,
                              .output = &sim_output,
                              .state = calloc(1, sim_bybit.state_size) };
    CHECK_INT(sim_bybit.init(&world.sim), 0);
    world.feed = calloc(1, sizeof(*world.feed));
    world.side = calloc(1, sizeof(*world.side));
    CHECK_INT(bybit_feed_ops.init(world.feed, &feed_config), 0);
    CHECK_INT(bybit_order_ops.init(world.side, &order_config), 0);
    for (int i = 0; i < 400; i++)
        market_moves();
    bybit_feed_ops.start(world.feed, &world.clock, &feed_out);
    bybit_order_ops.start(world.side, &world.clock, &side_out);
    deliver();
    for (unsigned i = 0; i < SOCKETS; i++)
        open_socket(i);
    pass(400);
    CHECK(world.is_stream_up && world.is_order_up);
    CHECK_INT(world.feed_state, FEED_LIVE);
    CHECK_INT(world.side->listed[0].definition.taker_fee_ppm, 550); /* As the account's own. */
}

static void close_world(void)
{
    char why[128] = "";

    CHECK(exchange_check(&world.exchange, why, sizeof(why)));
    CHECK_STR(why, "");
    CHECK_INT(world.invalid, 0);
    while (world.frame_first != world.frame_last)
        free(world.frames[world.frame_first++ % QUEUE_MAX].text);
    bybit_feed_ops.fini(world.feed);
    bybit_order_ops.fini(world.side);
    sim_bybit.fini(&world.sim);
    free(world.feed);
    free(world.side);
    for (unsigned i = 0; i < SOCKETS; i++)
        if (world.is_open[i])
            free(world.ws[i].state);
    free(world.sim.state);
    free(world.memory);
    free(world.body);
}

/* ---- doings ---- */

static void market_moves(void)
{
    uint32_t instrument = draw(2);
    int64_t lot = world.exchange.instruments[instrument].config.lot;
    struct exchange_request request = {
        .account = 0,
        .instrument = instrument,
        .side = draw(2) ? SIDE_BUY : SIDE_SELL,
        .type = ORDER_LIMIT,
        .time_in_force = draw(4) ? TIF_GTC : TIF_IOC,
        .qty = (DEC(0.001) * (1 + draw(800)) + draw(1000)) / lot * lot,
    };
    int64_t off = DEC(0.1) * draw(300);

    request.price = DEC(30000) + (request.side == SIDE_BUY ? -off : off) +
                    (draw(5)                    ? 0
                     : request.side == SIDE_BUY ? DEC(10)
                                                : -DEC(10));
    (void)exchange_place(&world.exchange, &request, world.sim.now_ns, NULL);
}

static struct venue_command command_new(enum venue_op op, wire_instrument_kind kind)
{
    struct told *told = &world.told[++world.command_count];
    bool is_spot = kind == INSTRUMENT_SPOT;
    struct venue_command command = { .op = op,
                                     .request_id = world.command_count,
                                     .instrument_kind = kind,
                                     .price_exp = 8,
                                     .qty_exp = 8,
                                     .price_decimals = is_spot ? 1 : 2,
                                     .qty_decimals = is_spot ? 6 : 3 };

    CHECK(world.command_count <= COMMANDS_MAX);
    *told = (struct told){ .op = op, .kind = kind };
    if (op <= OP_QUERY)
        snprintf(command.symbol, sizeof(command.symbol), "BTCUSDT");
    return command;
}

static int give(const struct venue_command *command)
{
    proof_talk_command(&talk, command);
    int err = bybit_order_ops.command(world.side, command, &world.clock, &side_out);
    if (err)
        world.command_count--; /* It was the last one. */
    return err;
}

struct wish {
    wire_instrument_kind kind;
    wire_side side;
    enum bybit_form form;
    int64_t price, qty;
    enum venue_transport transport;
    bool is_reduce_only;
};

static unsigned place(struct wish wish)
{
    struct venue_command command = command_new(OP_PLACE, wish.kind);
    struct told *told = &world.told[world.command_count];

    snprintf(told->client_id, sizeof(told->client_id), "C-%u_x", world.command_count);
    snprintf(command.client_order_id, sizeof(command.client_order_id), "%s", told->client_id);
    command.transport = wish.transport;
    command.side = wish.side;
    command.type = wish.form == FORM_MARKET ? ORDER_MARKET : ORDER_LIMIT;
    command.time_in_force = wish.form == FORM_IOC   ? TIF_IOC
                            : wish.form == FORM_FOK ? TIF_FOK
                                                    : TIF_GTC;
    command.is_post_only = wish.form == FORM_POST_ONLY;
    command.is_reduce_only = wish.is_reduce_only;
    command.price = wish.price;
    command.qty = wish.qty;
    told->price = wish.price;
    told->qty = wish.qty;
    told->side = wish.side;
    told->is_market = wish.form == FORM_MARKET;
    unsigned number = world.command_count;
    CHECK_INT(give(&command), 0);
    return number;
}

static unsigned about(unsigned order, enum venue_op op, int64_t price, int64_t qty,
                      enum venue_transport transport)
{
    struct told *told = &world.told[order];
    struct venue_command command = command_new(op, told->kind);

    snprintf(command.client_order_id, sizeof(command.client_order_id), "%s", told->client_id);
    if (draw(2))
        snprintf(command.exchange_order_id, sizeof(command.exchange_order_id), "%s",
                 told->exchange_id);
    command.transport = op == OP_QUERY ? TRANSPORT_BEST : transport;
    command.price = price;
    command.qty = qty;
    unsigned number = world.command_count;
    CHECK_INT(give(&command), 0);
    return number;
}

static unsigned ask(enum venue_op op)
{
    struct venue_command command = command_new(op, 0);

    command.since_wall_ns = op == OP_EXECUTIONS || op == OP_FUNDING ? 1777975200000000000 : 0;
    unsigned number = world.command_count;
    CHECK_INT(give(&command), 0);
    deliver();
    return number;
}

/* The codec's books are the venue's, as deep as they were subscribed to. */
static void check_books(void)
{
    for (unsigned m = 0; m < 2; m++) {
        const struct bybit_market *market = &world.feed->markets[m];
        const struct match_book *venue =
            &world.exchange.instruments[market->category == BYBIT_SPOT ? SPOT : PERPETUAL].book;
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
}

static void check_account(void)
{
    const struct exchange_account *account = &world.exchange.accounts[ALICE];
    const struct exchange_position *position = &account->positions[PERPETUAL];
    struct exchange_margin margin;
    static const char *const assets[] = { "BTC", "USDT" };

    (void)ask(OP_BALANCES);
    for (unsigned i = 0; i < 2; i++) {
        uint32_t asset = exchange_asset(&world.exchange, assets[i]);
        const struct exchange_balance *balance = &account->balances[asset];
        exchange_margin(&world.exchange, ALICE, asset, &margin);
        CHECK_INT(world.totals[i], balance->free + balance->locked);
        CHECK_INT(world.free[i], MAX(0, balance->free - margin.position_margin -
                                            margin.order_margin + MIN(0, margin.unrealised)));
    }
    world.position_qty = 0;
    (void)ask(OP_POSITIONS);
    CHECK_INT(world.told[world.command_count].answer, REPORT_DONE);
    CHECK_INT(world.position_qty, position->qty);
    if (position->qty) {
        CHECK_INT(world.position_price, exchange_entry_price(position));
        CHECK_INT(world.position_margin,
                  exchange_position_margin(&world.exchange, ALICE, PERPETUAL));
        CHECK_INT(world.position_unrealised,
                  exchange_unrealised(&world.exchange, ALICE, PERPETUAL));
    }
}

/* Each order has ended here as it has there, with the same quantity, fees and profit. */
static void check_orders(void)
{
    unsigned open = 0;
    int64_t pnl = 0;

    for (unsigned i = 1; i <= world.command_count; i++) {
        const struct told *told = &world.told[i];
        if (told->answers != 1)
            fprintf(stderr, "# command %u (op %d)\n", i, (int)told->op);
        CHECK_INT(told->answers, 1);
        if (told->op != OP_PLACE)
            continue;
        pnl += told->pnl;
        const struct exchange_order *order =
            exchange_order_by_client(&world.exchange, ALICE, told->client_id);
        if ((order != NULL) != (told->answer != REPORT_REJECTED))
            fprintf(stderr, "# %s: answer %d why %s (%s)\n", told->client_id, (int)told->answer,
                    wire_reason_str(told->why), told->text);
        CHECK((order != NULL) == (told->answer != REPORT_REJECTED));
        if (!order)
            continue;
        open += exchange_is_open(order);
        CHECK_INT(told->filled_qty, order->filled_qty);
        CHECK_INT(told->fee, order->fee_total);
        bool is_over = told->is_ended || told->filled_qty == order->qty;
        CHECK_INT(is_over, !exchange_is_open(order));
    }
    CHECK_INT(pnl, world.exchange.accounts[ALICE].positions[PERPETUAL].realised);
    world.open_seen = 0;
    (void)ask(OP_OPEN_ORDERS);
    CHECK_INT(world.open_seen, open);
    check_account();
}

/* One of our placed orders that is still open as far as we know, or 0. */
static unsigned some_open(void)
{
    for (int i = 0; i < 20; i++) {
        unsigned at = world.command_count ? 1 + draw(world.command_count) : 0;
        const struct told *told = &world.told[at];
        if (at && told->op == OP_PLACE && told->answer == REPORT_ACCEPTED && !told->is_ended &&
            !told->is_market && told->filled_qty < told->qty)
            return at;
    }
    return 0;
}

static void alice_acts(void)
{
    wire_side side = draw(2) ? SIDE_BUY : SIDE_SELL;
    int64_t off = DEC(0.1) * draw(200) - DEC(5);
    unsigned one = some_open();
    enum venue_transport way = draw(3) ? TRANSPORT_BEST : TRANSPORT_REST;

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
        if (one && draw(4) == 0)
            (void)about(one, OP_QUERY, 0, 0, way);
        break;
    default:
        (void)place((struct wish){ .kind = draw(2) ? INSTRUMENT_SPOT : INSTRUMENT_PERPETUAL,
                                   .side = side,
                                   .form = draw(FORM_COUNT),
                                   .price = DEC(30000) + (side == SIDE_BUY ? -off : off),
                                   .qty = DEC(0.001) * (1 + draw(60)),
                                   .transport = way });
        break;
    }
}

/* ---- cases ---- */

static void many_orders_end_the_same_on_both_sides(void)
{
    struct venue_feed_stats stats;

    open_world(50);
    for (int i = 0; i < 1500; i++) {
        market_moves();
        market_moves();
        alice_acts();
        if (draw(3))
            deliver();
        pass(10 * (draw(3) + 1));
        if (i % 100 == 0) {
            pass(40);
            check_books();
        }
    }
    pass(5000);
    check_books();
    check_orders();
    bybit_feed_ops.stats(world.feed, &stats);
    CHECK(stats.deltas > 1000 && world.marks > 10);
    CHECK_INT(stats.gaps + stats.rejected + stats.crossed, 0);
    CHECK_INT(world.side->rejected, 0);
    CHECK(world.trade_count > 200);
    CHECK_INT(world.repeated_trades, 0);

    /* The list of executions tells the same ones. */
    unsigned told = world.trade_count;
    unsigned list = ask(OP_EXECUTIONS);
    pass(500);
    CHECK_INT(world.told[list].answer, REPORT_DONE);
    CHECK_INT(world.trade_count, told);
    CHECK_INT(world.repeated_trades, told);
    unsigned time = ask(OP_SERVER_TIME);
    CHECK_INT(world.told[time].answer, REPORT_SERVER_TIME);
    CHECK_INT(world.offset_ns, 0);
    unsigned all = ask(OP_CANCEL_ALL);
    pass(100);
    CHECK_INT(world.told[all].answer, REPORT_DONE);
    world.open_seen = 0;
    (void)ask(OP_OPEN_ORDERS);
    CHECK_INT(world.open_seen, 0);
    proof_talk_end(&talk, "bybit");
    close_world();
}

static void faults_of_the_stream_are_noticed_and_mended(void)
{
    struct venue_feed_stats stats;

    open_world(200);
    for (int i = 0; i < 2400; i++) {
        market_moves();
        if (i % 400 == 100)
            world.sim.faults[SIM_FAULT_SKIP_SEQUENCE].count = 1;
        if (i % 400 == 200)
            world.sim.faults[SIM_FAULT_CROSS_BOOK].count = 1;
        if (i % 400 == 300)
            world.sim.faults[SIM_FAULT_CORRUPT_CHECKSUM].count = 1;
        pass(100);
    }
    pass(10000);
    check_books();
    bybit_feed_ops.stats(world.feed, &stats);
    CHECK_INT(stats.gaps, 6);
    CHECK_INT(stats.crossed, 12);
    CHECK_INT(stats.resyncs, 18);
    proof_talk_end(&talk, "bybit");
    close_world();
}

static void the_top_of_the_book_alone_is_followed_too(void)
{
    open_world(1);
    for (int i = 0; i < 300; i++) {
        market_moves();
        pass(20);
    }
    pass(4000);
    check_books();
    close_world();
}

static void a_repeated_execution_report_is_one_fill(void)
{
    open_world(50);
    for (int i = 0; i < 20; i++) {
        world.sim.faults[SIM_FAULT_DUPLICATE_EXECUTION].count = 2;
        (void)place((struct wish){ .kind = i % 2 ? INSTRUMENT_SPOT : INSTRUMENT_PERPETUAL,
                                   .side = SIDE_BUY,
                                   .form = FORM_MARKET,
                                   .qty = DEC(0.01) });
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
    open_world(50);
    for (int is_rest = 0; is_rest < 2; is_rest++) {
        world.is_swallowed = true;
        unsigned order =
            place((struct wish){ .kind = INSTRUMENT_PERPETUAL,
                                 .side = SIDE_BUY,
                                 .form = FORM_GTC,
                                 .price = DEC(29000),
                                 .qty = DEC(0.01),
                                 .transport = is_rest ? TRANSPORT_REST : TRANSPORT_WS });
        pass(1500);
        CHECK_INT(world.told[order].answers, 1);
        CHECK_INT(world.told[order].answer, REPORT_OUTCOME_UNKNOWN);
        world.is_swallowed = false;
        unsigned query = about(order, OP_QUERY, 0, 0, 0);
        deliver();
        CHECK_INT(world.told[query].answer, REPORT_ORDER);
    }
    /* One that was never placed is in neither list. */
    struct venue_command query = command_new(OP_QUERY, INSTRUMENT_SPOT);
    snprintf(query.client_order_id, sizeof(query.client_order_id), "NEVER");
    CHECK_INT(give(&query), 0);
    deliver();
    CHECK_INT(world.told[world.command_count].answer, REPORT_NO_SUCH_ORDER);
    proof_talk_end(&talk, "bybit");
    close_world();
}

/* The acknowledgement alone is no acceptance: the stream is away. */
static void an_acknowledged_order_that_the_stream_is_silent_of_is_unknown(void)
{
    open_world(50);
    world.has_hangups = true;
    drop(SOCKET_PRIVATE);
    unsigned order = place((struct wish){ .kind = INSTRUMENT_SPOT,
                                          .side = SIDE_BUY,
                                          .form = FORM_POST_ONLY,
                                          .price = DEC(29000),
                                          .qty = DEC(0.01),
                                          .transport = TRANSPORT_WS });
    pass(1000);
    CHECK_INT(world.told[order].answers, 0);
    pass(2000);
    CHECK_INT(world.told[order].answer, REPORT_OUTCOME_UNKNOWN);
    CHECK_INT(world.channel_downs, 1);
    open_socket(SOCKET_PRIVATE);
    pass(500);
    CHECK(world.is_stream_up);
    unsigned query = about(order, OP_QUERY, 0, 0, 0);
    deliver();
    CHECK_INT(world.told[query].answer, REPORT_ORDER);
    close_world();
}

static void a_connection_lost_in_mid_order_ends_in_one_truth(void)
{
    open_world(50);
    world.has_hangups = true;
    unsigned order = place((struct wish){ .kind = INSTRUMENT_PERPETUAL,
                                          .side = SIDE_BUY,
                                          .form = FORM_MARKET,
                                          .qty = DEC(0.02),
                                          .transport = TRANSPORT_WS });
    /* It reaches the venue; its answer and its news do not reach us. */
    while (world.frame_first != world.frame_last &&
           world.frames[world.frame_first % QUEUE_MAX].is_to_venue) {
        unsigned at = world.frame_first++ % QUEUE_MAX;
        sim_bybit.ws_frame(&world.sim, &world.ws[SOCKET_TRADE], world.frames[at].text,
                           strlen(world.frames[at].text));
        free(world.frames[at].text);
    }
    drop(SOCKET_TRADE);
    drop(SOCKET_PRIVATE);
    CHECK_INT(world.told[order].answer, REPORT_OUTCOME_UNKNOWN);
    CHECK_INT(world.told[order].filled_qty, 0);
    pass(2000);
    open_socket(SOCKET_PRIVATE);
    open_socket(SOCKET_TRADE);
    pass(500);
    CHECK(world.is_stream_up && world.is_order_up);
    (void)ask(OP_EXECUTIONS);
    CHECK_INT(world.told[order].filled_qty, DEC(0.02));
    unsigned query = about(order, OP_QUERY, 0, 0, 0);
    pass(100);
    CHECK_INT(world.told[query].answer, REPORT_ORDER);
    check_account();
    proof_talk_end(&talk, "bybit");
    close_world();
}

static void what_the_venue_refuses_is_told_with_its_reason(void)
{
    struct wish wish = { .kind = INSTRUMENT_PERPETUAL,
                         .side = SIDE_BUY,
                         .form = FORM_POST_ONLY,
                         .price = DEC(31000),
                         .qty = DEC(0.01) };

    open_world(50);
    for (int is_rest = 0; is_rest < 2; is_rest++)
        for (int kind = INSTRUMENT_SPOT; kind <= INSTRUMENT_PERPETUAL; kind++) {
            wish.transport = is_rest ? TRANSPORT_REST : TRANSPORT_WS;
            wish.kind = (wire_instrument_kind)kind;
            wish.form = FORM_POST_ONLY;
            unsigned taking = place(wish);
            deliver();
            wish.form = FORM_GTC;
            wish.qty = DEC(0.1);
            world.sim.faults[SIM_FAULT_REJECT].count = 1;
            unsigned poor = place(wish);
            wish.qty = DEC(0.01);
            deliver();
            pass(100);
            CHECK_INT(world.told[taking].answer, REPORT_REJECTED);
            CHECK_INT(world.told[taking].why, REASON_VENUE_POST_ONLY);
            CHECK_INT(world.told[poor].answer, REPORT_REJECTED);
            CHECK_INT(world.told[poor].why, REASON_VENUE_FUNDS);
        }
    /* Nothing to reduce. */
    wish.kind = INSTRUMENT_PERPETUAL;
    wish.is_reduce_only = true;
    unsigned reduce = place(wish);
    pass(100);
    CHECK_INT(world.told[reduce].answer, REPORT_REJECTED);
    CHECK_INT(world.told[reduce].why, REASON_REDUCE_ONLY);
    wish.kind = INSTRUMENT_SPOT;
    struct venue_command command = command_new(OP_PLACE, INSTRUMENT_SPOT);
    command.side = SIDE_BUY;
    command.type = ORDER_MARKET;
    command.qty = DEC(1);
    command.is_reduce_only = true;
    CHECK_INT(give(&command), ERR_UNSUPPORTED);
    proof_talk_end(&talk, "bybit");
    close_world();
}

static void positions_are_opened_funded_and_closed(void)
{
    struct wish wish = {
        .kind = INSTRUMENT_PERPETUAL, .side = SIDE_BUY, .form = FORM_MARKET, .qty = DEC(0.5)
    };

    open_world(50);
    unsigned mode = ask(OP_ACCOUNT_MODE);
    CHECK_INT(world.told[mode].answer, REPORT_DONE);
    (void)place(wish);
    pass(100);
    check_account();
    CHECK_INT(world.position_qty, DEC(0.5));
    for (int i = 0; i < 3700; i++) {
        market_moves();
        pass(1000);
    }
    CHECK(world.fundings >= 1);
    unsigned told = world.fundings;
    int64_t sum = world.funding_sum;
    CHECK_INT(sum, world.exchange.accounts[ALICE].positions[PERPETUAL].funding);
    unsigned list = ask(OP_FUNDING);
    CHECK_INT(world.told[list].answer, REPORT_DONE);
    CHECK_INT(world.fundings, 2 * told); /* The list says the same again. */
    CHECK_INT(world.funding_sum, 2 * sum);
    wish.side = SIDE_SELL;
    wish.is_reduce_only = true;
    wish.qty = DEC(0.5);
    unsigned close = place(wish);
    pass(500);
    CHECK_INT(world.told[close].filled_qty, DEC(0.5));
    CHECK_INT(world.position_qty, 0);
    check_orders();
    /* Hedge mode is refused in words. */
    CHECK_INT(exchange_set_hedge_mode(&world.exchange, ALICE, true), CAUSE_NONE);
    mode = ask(OP_ACCOUNT_MODE);
    CHECK_INT(world.told[mode].answer, REPORT_FAILED);
    CHECK_INT(world.told[mode].why, REASON_HEDGE_MODE);
    CHECK(strstr(world.told[mode].text, "one-way mode is required"));
    proof_talk_end(&talk, "bybit");
    close_world();
}

static void the_dead_mans_switch_cancels_what_rests(void)
{
    struct wish wish = { .side = SIDE_BUY,
                         .form = FORM_GTC,
                         .price = DEC(28000),
                         .qty = DEC(0.1),
                         .kind = INSTRUMENT_SPOT };

    open_world(50);
    world.has_hangups = true;
    unsigned spot = place(wish);
    wish.kind = INSTRUMENT_PERPETUAL;
    unsigned linear = place(wish);
    struct venue_command arm = command_new(OP_DEAD_MAN, 0);
    arm.timeout_ns = 5 * NS_PER_S;
    unsigned number = world.command_count;
    CHECK_INT(give(&arm), 0);
    pass(10000);
    CHECK_INT(world.told[number].answer, REPORT_DEAD_MAN);
    CHECK(!world.told[spot].is_ended && !world.told[linear].is_ended);
    drop(SOCKET_PRIVATE);
    pass(4000);
    CHECK(exchange_is_open(
        exchange_order_by_client(&world.exchange, ALICE, world.told[spot].client_id)));
    pass(2000);
    open_socket(SOCKET_PRIVATE);
    pass(200);
    (void)about(spot, OP_QUERY, 0, 0, 0);
    (void)about(linear, OP_QUERY, 0, 0, 0);
    pass(100);
    CHECK(world.told[spot].is_ended && world.told[linear].is_ended);
    proof_talk_end(&talk, "bybit");
    close_world();
}

static void maintenance_is_seen_and_outlived(void)
{
    open_world(50);
    world.has_hangups = true;
    world.sim.faults[SIM_FAULT_MAINTENANCE].until_ns = world.sim.now_ns + 3 * NS_PER_S;
    pass(100);
    CHECK_INT(world.feed->markets[0].definition.state, TRADING_HALTED);
    CHECK(!world.is_stream_up && !world.is_order_up);
    for (unsigned i = 0; i < SOCKETS; i++)
        open_socket(i);
    pass(500);
    CHECK_INT(world.feed_state, FEED_MAINTENANCE);
    unsigned order = place((struct wish){ .kind = INSTRUMENT_SPOT,
                                          .side = SIDE_BUY,
                                          .form = FORM_GTC,
                                          .price = DEC(28000),
                                          .qty = DEC(0.5),
                                          .transport = TRANSPORT_REST });
    pass(200);
    CHECK_INT(world.told[order].answer, REPORT_OUTCOME_UNKNOWN);
    pass(4000);
    for (unsigned i = 0; i < SOCKETS; i++)
        open_socket(i);
    pass(1000);
    CHECK_INT(world.feed_state, FEED_LIVE);
    CHECK_INT(world.feed->markets[0].definition.state, TRADING_OPEN);
    check_books();
    proof_talk_end(&talk, "bybit");
    close_world();
}

static void limits_are_counted_and_heeded(void)
{
    struct wish wish = { .kind = INSTRUMENT_PERPETUAL,
                         .side = SIDE_BUY,
                         .form = FORM_GTC,
                         .price = DEC(28000),
                         .qty = DEC(0.01),
                         .transport = TRANSPORT_REST };
    unsigned limited = 0;

    open_world(50);
    world.sim.are_limits_off = false;
    for (int i = 0; i < 12; i++) {
        unsigned order = place(wish);
        deliver();
        pass(10);
        limited += world.told[order].answer == REPORT_REJECTED &&
                   world.told[order].why == REASON_VENUE_RATE_LIMIT;
    }
    CHECK_INT(limited, 2); /* Ten a second. */
    CHECK_INT(world.back_offs, 2);
    pass(1500);
    world.sim.faults[SIM_FAULT_STATUS_429].count = 1;
    unsigned order = place(wish);
    pass(100);
    CHECK_INT(world.told[order].answer, REPORT_OUTCOME_UNKNOWN);
    CHECK_INT(world.told[order].why, REASON_VENUE_RATE_LIMIT);
    CHECK_INT(world.back_offs, 3);
    proof_talk_end(&talk, "bybit");
    close_world();
}

int main(void)
{
    CASE(many_orders_end_the_same_on_both_sides);
    CASE(faults_of_the_stream_are_noticed_and_mended);
    CASE(the_top_of_the_book_alone_is_followed_too);
    CASE(a_repeated_execution_report_is_one_fill);
    CASE(a_lost_answer_is_an_unknown_outcome_that_a_query_settles);
    CASE(an_acknowledged_order_that_the_stream_is_silent_of_is_unknown);
    CASE(a_connection_lost_in_mid_order_ends_in_one_truth);
    CASE(what_the_venue_refuses_is_told_with_its_reason);
    CASE(positions_are_opened_funded_and_closed);
    CASE(the_dead_mans_switch_cancels_what_rests);
    CASE(maintenance_is_seen_and_outlived);
    CASE(limits_are_counted_and_heeded);
    DONE();
}
