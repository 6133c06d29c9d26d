/* The two sides of Binance face to face: the client codecs and the simulator, written apart from
 * the dossier, in one process without sockets. Random trading with answers lost and connections
 * broken; in the end the client's figures are the exchange's. */
#include "common/pure/book.h"
#include "common/pure/instrument.h"
#include "tests/unit/check.h"
#include "tests/unit/proof_talk.h"
#include "venues/binance/sim_binance.h"
#include "venues/venue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct venue venue_binance;

#define UNITS(units) ((int64_t)((double)(units)*1e8 + 0.5))
#define KEY          "simMainKeyOfBinance"
#define SECRET       "simMainSecretOfBinance"

enum { MARKET, ALICE, ACCOUNTS, QUEUE = 4096, ORDERS = 512, FILLS = 8192, SEEDS = 12, STEPS = 400 };

struct message {
    char *text;
    bool to_feed, is_http;
    int status;
    uint64_t tag;
    char headers[512];
};

/* What the client knows of one of its orders. */
struct known {
    char client_id[40];
    int64_t filled; /* Of distinct executions. */
    bool is_final, is_gone;
    size_t root; /* The order that this one replaces, and that one ... */
    int64_t qty; /* Of a root: what was wanted. */
};

static struct {
    struct exchange exchange;
    void *memory;
    struct sim sim;
    struct sim_account account;
    struct sim_ws api, stream;
    bool is_api_open, is_stream_open;
    struct message queue[QUEUE];
    size_t first, last;
    uint64_t http_tag;
    bool http_is_feed;

    void *order, *feed;
    struct venue_clock clock;
    uint64_t next_request;
    unsigned char answers[4096];
    enum venue_op ops[4096];

    struct known known[ORDERS];
    size_t known_count;
    char fills[FILLS][40];
    int64_t fill_fee[FILLS];
    size_t fill_count;
    int64_t balance_total[2], balance_free[2]; /* BTC, USDT */
    struct book book;
    wire_feed_state book_state;
    unsigned invalid, doubled, loss_percent, unknown, accepted, rejected, replaced, cancelled;
    uint64_t random;
} world;

static struct proof_talk talk;

static unsigned chance(unsigned below)
{
    world.random ^= world.random << 13;
    world.random ^= world.random >> 7;
    world.random ^= world.random << 17;
    return (unsigned)(world.random % below);
}

/* ---- the wire between the two ---- */

static struct message *push(void)
{
    if (world.last - world.first == QUEUE)
        abort();
    struct message *made = &world.queue[world.last++ % QUEUE];
    *made = (struct message){ 0 };
    return made;
}

static void sim_sends(struct sim *sim, struct sim_ws *ws, enum sim_what what, const char *text,
                      size_t len)
{
    (void)sim;
    if (what == SIM_ORDER_ACK && chance(100) < world.loss_percent)
        return; /* Executed, and nobody hears of it. */
    struct message *made = push();
    made->text = strndup(text, len);
    made->to_feed = ws == &world.stream;
}

static void sim_closes(struct sim *sim, struct sim_ws *ws, unsigned code, const char *reason)
{
    (void)sim;
    (void)ws;
    fprintf(stderr, "closed by the simulator: %u %s\n", code, reason);
    world.invalid++;
}

static const char *request_header(const struct sim_http *request, const char *name)
{
    const struct venue_request *from = request->peer;

    for (size_t i = 0; i < from->header_count; i++)
        if (strcmp(from->headers[i].name, name) == 0)
            return from->headers[i].value;
    return NULL;
}

static void sim_replies(struct sim_http *request, enum sim_what what, int status,
                        const char *headers, const char *body, size_t len)
{
    const struct venue_request *from = request->peer;
    struct message *made = push();

    made->text = strndup(body, len);
    made->is_http = true;
    made->to_feed = world.http_is_feed;
    made->tag = from->tag;
    made->status = what == SIM_ORDER_ACK && chance(100) < world.loss_percent ? 0 : status;
    snprintf(made->headers, sizeof(made->headers), "%s", headers ? headers : "");
}

static const struct sim_output sim_out = { sim_sends, sim_closes, request_header, sim_replies };

static void on_exchange(void *ctx, const struct exchange_event *event)
{
    (void)ctx;
    if (world.sim.state)
        sim_binance.event(&world.sim, event);
}

static int client_requests(bool is_feed, const struct venue_request *request)
{
    char path[2048];
    char *query;
    struct sim_http http = { .sim = &world.sim,
                             .method = request->method,
                             .path = path,
                             .query = "",
                             .body = request->body,
                             .body_len = request->body_len,
                             .peer = (void *)(uintptr_t)request };

    snprintf(path, sizeof(path), "%s", request->path);
    query = strchr(path, '?');
    if (query) {
        *query = '\0';
        http.query = query + 1;
    }
    world.http_is_feed = is_feed;
    sim_binance.http(&world.sim, &http);
    CHECK(http.is_replied);
    return 0;
}

static int order_requests(void *ctx, const struct venue_request *request)
{
    (void)ctx;
    proof_talk_way(&talk, false);
    return client_requests(false, request);
}

static int feed_requests(void *ctx, const struct venue_request *request)
{
    (void)ctx;
    return client_requests(true, request);
}

static int order_sends(void *ctx, unsigned connection, const char *frame, size_t len)
{
    (void)ctx;
    (void)connection;
    if (!world.is_api_open)
        return ERR_CLOSED;
    proof_talk_way(&talk, true);
    sim_binance.ws_frame(&world.sim, &world.api, frame, len);
    return 0;
}

static int feed_sends(void *ctx, unsigned connection, const char *frame, size_t len)
{
    (void)ctx;
    (void)connection;
    sim_binance.ws_frame(&world.sim, &world.stream, frame, len);
    return 0;
}

static void reconnects(void *ctx, unsigned connection, wire_reason why)
{
    (void)ctx;
    (void)connection;
    fprintf(stderr, "reconnect asked for: %s\n", wire_reason_str(why));
    world.invalid++;
}

static void notes(void *ctx, const char *event, const char *text)
{
    (void)ctx;
    fprintf(stderr, "# note %s %s\n", event, text);
}

/* ---- the client's view ---- */

static struct known *known_of(const char *client_id)
{
    for (size_t i = 0; i < world.known_count; i++)
        if (strcmp(world.known[i].client_id, client_id) == 0)
            return &world.known[i];
    return NULL;
}

static struct known *known_by_exchange_id(const char *id)
{
    const struct exchange_order *order = exchange_order(&world.exchange, strtoull(id, NULL, 10));

    return order ? known_of(order->client_id) : NULL;
}

static void on_fill(const struct venue_report *r)
{
    for (size_t i = 0; i < world.fill_count; i++)
        if (strcmp(world.fills[i], r->venue_trade_id) == 0)
            return;
    snprintf(world.fills[world.fill_count], sizeof(world.fills[0]), "%s", r->venue_trade_id);
    world.fill_fee[world.fill_count++] = r->fee;
    /* myTrades names the order by the venue's id alone. */
    struct known *order = r->client_order_id[0] ? known_of(r->client_order_id)
                                                : known_by_exchange_id(r->exchange_order_id);
    if (order)
        order->filled += r->last_qty;
    else
        world.invalid++;
}

static bool is_answer(const struct venue_report *r)
{
    switch (r->kind) {
    case REPORT_FILL:
    case REPORT_BALANCE:
    case REPORT_INSTRUMENT:
        return false;
    case REPORT_ORDER:
        return r->op == OP_QUERY;
    default:
        return true;
    }
}

static void on_report(void *ctx, const struct venue_report *r)
{
    (void)ctx;
    proof_talk_report(&talk, r);
    if (r->request_id && is_answer(r)) {
        world.doubled += world.answers[r->request_id]++ > 0;
        world.invalid += r->op != world.ops[r->request_id];
    }
    struct known *order = known_of(r->client_order_id);
    if (r->kind == REPORT_FILL)
        on_fill(r);
    else if (r->kind == REPORT_BALANCE && strcmp(r->asset, "BTC") == 0)
        world.balance_total[0] = r->total, world.balance_free[0] = r->free;
    else if (r->kind == REPORT_BALANCE && strcmp(r->asset, "USDT") == 0)
        world.balance_total[1] = r->total, world.balance_free[1] = r->free;
    else if (order && (r->kind == REPORT_CANCELLED || r->kind == REPORT_EXPIRED))
        order->is_final = true;
    else if (order && r->kind == REPORT_ORDER && r->state >= ORDER_FILLED)
        order->is_final = true;
    else if (order && (r->kind == REPORT_REJECTED || r->kind == REPORT_NO_SUCH_ORDER))
        order->is_gone = true;
    world.unknown += r->kind == REPORT_OUTCOME_UNKNOWN;
    world.accepted += r->kind == REPORT_ACCEPTED;
    world.rejected += r->kind == REPORT_REJECTED;
    world.replaced += r->kind == REPORT_REPLACED;
    world.cancelled += r->kind == REPORT_CANCELLED && r->request_id;
}

static void on_event(void *ctx, struct wire_header *event)
{
    (void)ctx;
    proof_talk_event(&talk, event);
    world.invalid += wire_check(event, event->size) != 0;
    if (event->instrument != instrument_id("binance", INSTRUMENT_SPOT, "BTCUSDT"))
        return;
    if (event->type == WIRE_feed_status)
        world.book_state = ((const struct wire_feed_status *)(const void *)event)->state;
    if (event->type == WIRE_book_snapshot || event->type == WIRE_book_delta)
        world.invalid += book_apply(&world.book, event) != 0;
}

static const struct venue_out order_out = { .report = on_report,
                                            .send = order_sends,
                                            .request = order_requests,
                                            .reconnect = reconnects,
                                            .note = notes };
static const struct venue_out feed_out = { .event = on_event,
                                           .send = feed_sends,
                                           .request = feed_requests,
                                           .reconnect = reconnects,
                                           .note = notes };

/* ---- time and the queue ---- */

static size_t headers_read(const char *text, struct venue_header out[8])
{
    size_t count = 0;

    for (const char *line = text; *line && count < 8; line = strchr(line, '\n') + 1) {
        const char *colon = strchr(line, ':'), *end = strstr(line, "\r\n");
        if (!colon || !end)
            break;
        snprintf(out[count].name, sizeof(out[count].name), "%.*s", (int)(colon - line), line);
        for (char *c = out[count].name; *c; c++)
            *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
        snprintf(out[count].value, sizeof(out[count].value), "%.*s", (int)(end - colon - 2),
                 colon + 2);
        count++;
    }
    return count;
}

static void deliver(struct message *message)
{
    struct venue_header headers[8];
    struct venue_response response = { .tag = message->tag,
                                       .status = message->status,
                                       .was_sent = true,
                                       .body = message->text,
                                       .body_len = strlen(message->text),
                                       .headers = headers,
                                       .header_count = headers_read(message->headers, headers) };
    int err;

    if (message->is_http && message->to_feed)
        err = venue_binance.feed->http(world.feed, &response, &world.clock, &feed_out);
    else if (message->is_http)
        err = venue_binance.order->http(world.order, &response, &world.clock, &order_out);
    else if (message->to_feed)
        err = venue_binance.feed->frame(world.feed, 0, message->text, strlen(message->text),
                                        &world.clock, &feed_out);
    else
        err = venue_binance.order->frame(world.order, 0, message->text, strlen(message->text),
                                         &world.clock, &order_out);
    if (err) {
        fprintf(stderr, "%s: %.300s\n", err_str(err), message->text);
        world.invalid++;
    }
    free(message->text);
}

static void pump(void)
{
    while (world.first < world.last)
        deliver(&world.queue[world.first++ % QUEUE]);
}

static void pass(int64_t ns)
{
    world.clock.now_ns += ns;
    world.clock.wall_ns += ns;
    world.sim.now_ns += ns;
    sim_binance.tick(&world.sim);
    pump();
    venue_binance.order->tick(world.order, &world.clock, &order_out);
    venue_binance.feed->tick(world.feed, &world.clock, &feed_out);
    pump();
}

/* ---- connections ---- */

static void ws_open(struct sim_ws *ws, unsigned listener, const char *path, uint64_t id)
{
    *ws = (struct sim_ws){
        .sim = &world.sim, .listener = listener, .id = id, .opened_ns = world.sim.now_ns
    };
    snprintf(ws->path, sizeof(ws->path), "%s", path);
    ws->state = calloc(1, sim_binance.ws_state_size);
    ws->next = world.sim.first_ws;
    world.sim.first_ws = ws;
    sim_binance.ws_opened(&world.sim, ws);
}

static void ws_close(struct sim_ws *ws)
{
    struct sim_ws **at = &world.sim.first_ws;

    sim_binance.ws_closed(&world.sim, ws);
    while (*at != ws)
        at = &(*at)->next;
    *at = ws->next;
    free(ws->state);
}

static void api_open(void)
{
    static uint64_t id = 100;

    ws_open(&world.api, BINANCE_WS_API, "/ws-api/v3", id++);
    world.is_api_open = true;
    venue_binance.order->opened(world.order, 0, &world.clock, &order_out);
    pump();
}

/* What the simulator had on its way to the client is lost with the connection. */
static void api_close(void)
{
    for (size_t i = world.first; i < world.last; i++) {
        struct message *message = &world.queue[i % QUEUE];
        if (!message->is_http && !message->to_feed)
            snprintf(message->text, strlen(message->text) + 1, "{\"event\":{\"e\":\"\"}}");
    }
    world.is_api_open = false;
    ws_close(&world.api);
    venue_binance.order->closed(world.order, 0, &world.clock, &order_out);
    pump();
}

/* ---- begin and end ---- */

static void exchange_begin(void)
{
    static const struct exchange_instrument_config instruments[] = {
        { .symbol = "BTCUSDT",
          .base = "BTC",
          .quote = "USDT",
          .tick = 1000000,
          .lot = 1000,
          .min_qty = 1000,
          .max_qty = INT64_C(900000000000),
          .min_notional = 500000000,
          .band_ppm = 200000,
          .max_orders = 200,
          .max_amends = 10,
          .price_decimals = 2,
          .qty_decimals = 5,
          .start_price = INT64_C(10000000000) }
    };
    static const struct exchange_account_config accounts[] = {
        { .name = "market", .is_background = true },
        { .name = "alice", .maker_fee_ppm = 900, .taker_fee_ppm = 1100 },
    };
    struct exchange_config config = { .venue = "binance",
                                      .instruments = instruments,
                                      .instrument_count = 1,
                                      .accounts = accounts,
                                      .account_count = ACCOUNTS,
                                      .fee_asset = FEE_IN_RECEIVED,
                                      .orders_max = 4096,
                                      .background_orders_max = 4096,
                                      .executions_max = 8192,
                                      .levels_max = 2048 };

    world.memory = calloc(1, exchange_memory(&config));
    CHECK_INT(exchange_init(&world.exchange, &config, world.memory, on_exchange, NULL), 0);
    for (uint32_t account = 0; account < ACCOUNTS; account++)
        for (uint32_t asset = 0; asset < 2; asset++)
            exchange_transfer(&world.exchange, account, asset, UNITS(1000000), 1);
    world.account =
        (struct sim_account){ .name = "alice", .key = KEY, .secret = SECRET, .account = ALICE };
    world.sim = (struct sim){ .venue = "binance",
                              .exchange = &world.exchange,
                              .accounts = &world.account,
                              .account_count = 1,
                              .now_ns = world.clock.wall_ns,
                              .seed = 1,
                              .are_limits_off = true,
                              .output = &sim_out,
                              .state = calloc(1, sim_binance.state_size) };
    CHECK_INT(sim_binance.init(&world.sim), 0);
}

static void client_begin(void)
{
    static const char *const names[] = { "BTC-USDT" };
    const struct venue_order_config order = { .venue = "binance",
                                              .ws_url = "wss://x",
                                              .names = names,
                                              .name_count = 1,
                                              .api_key = KEY,
                                              .api_secret = SECRET,
                                              .recv_window_ms = 5000,
                                              .order_timeout_ns = NS_PER_S };
    const struct venue_feed_config feed = {
        .venue = "binance", .ws_url = "wss://x", .names = names, .name_count = 1, .levels_max = 2048
    };

    world.order = calloc(1, venue_binance.order->state_size);
    world.feed = calloc(1, venue_binance.feed->state_size);
    CHECK_INT(venue_binance.order->init(world.order, &order), 0);
    CHECK_INT(venue_binance.feed->init(world.feed, &feed), 0);
    CHECK_INT(book_init(&world.book, 4096, 8, 8), 0);
    venue_binance.order->start(world.order, &world.clock, &order_out);
    venue_binance.feed->start(world.feed, &world.clock, &feed_out);
    pump();
    ws_open(&world.stream, BINANCE_STREAM, "/stream", 1);
    venue_binance.feed->opened(world.feed, 0, &world.clock, &feed_out);
    api_open();
}

static void world_begin(unsigned seed, unsigned loss_percent)
{
    memset(&world, 0, sizeof(world));
    world.random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    world.clock = (struct venue_clock){ NS_PER_S, INT64_C(1700000000) * NS_PER_S, 1 };
    exchange_begin();
    client_begin();
    world.loss_percent = loss_percent;
}

static void world_end(void)
{
    char why[128] = "";

    CHECK(exchange_check(&world.exchange, why, sizeof(why)));
    CHECK_STR(why, "");
    if (world.is_api_open)
        ws_close(&world.api);
    ws_close(&world.stream);
    while (world.first < world.last)
        free(world.queue[world.first++ % QUEUE].text);
    venue_binance.order->fini(world.order);
    venue_binance.feed->fini(world.feed);
    free(world.order);
    free(world.feed);
    sim_binance.fini(&world.sim);
    free(world.sim.state);
    free(world.memory);
    book_fini(&world.book);
}

/* ---- trading ---- */

static void give(struct venue_command *command)
{
    command->request_id = ++world.next_request;
    world.ops[command->request_id] = command->op;
    proof_talk_command(&talk, command);
    int err = venue_binance.order->command(world.order, command, &world.clock, &order_out);
    if (err) {
        fprintf(stderr, "command %d: %s\n", command->op, err_str(err));
        world.invalid++;
        world.answers[command->request_id] = 1;
    }
    if (chance(3))
        pump(); /* Else more is under way at once. */
}

static struct venue_command command_of(enum venue_op op)
{
    return (struct venue_command){ .op = op,
                                   .transport = chance(3) ? TRANSPORT_BEST : TRANSPORT_REST,
                                   .instrument =
                                       instrument_id("binance", INSTRUMENT_SPOT, "BTCUSDT"),
                                   .symbol = "BTCUSDT",
                                   .price_exp = 8,
                                   .qty_exp = 8,
                                   .price_decimals = 2,
                                   .qty_decimals = 5 };
}

static struct known *known_add(int64_t qty)
{
    struct known *made = &world.known[world.known_count];

    if (world.known_count == ORDERS)
        abort();
    *made = (struct known){ .qty = qty, .root = world.known_count };
    snprintf(made->client_id, sizeof(made->client_id), "T%05zu", world.known_count++);
    return made;
}

static void place_some(void)
{
    struct venue_command command = command_of(OP_PLACE);

    command.side = chance(2) ? SIDE_BUY : SIDE_SELL;
    command.type = chance(5) ? ORDER_LIMIT : ORDER_MARKET;
    command.time_in_force = (wire_time_in_force)(TIF_GTC + (chance(2) ? 0 : chance(3)));
    command.is_post_only =
        command.type == ORDER_LIMIT && command.time_in_force == TIF_GTC && chance(4) == 0;
    command.price = (9950 + chance(100)) * INT64_C(1000000);
    command.qty = (10 + chance(200)) * INT64_C(1000000);
    snprintf(command.client_order_id, sizeof(command.client_order_id), "%s",
             known_add(command.qty)->client_id);
    give(&command);
}

static struct known *some_order(void)
{
    struct known *order =
        world.known_count ? &world.known[chance((unsigned)world.known_count)] : NULL;

    for (size_t i = 0; order && order->is_final && i < 20; i++)
        order = &world.known[chance((unsigned)world.known_count)];
    return order;
}

static void change_some(enum venue_op op)
{
    struct venue_command command = command_of(op);
    struct known *order = some_order();

    if (!order)
        return;
    snprintf(command.client_order_id, sizeof(command.client_order_id), "%s", order->client_id);
    if (op == OP_REPLACE) {
        const struct exchange_order *real =
            exchange_order_by_client(&world.exchange, ALICE, order->client_id);
        if (!real || order->filled >= real->qty)
            return;
        command.side = real->match.side;
        command.type = ORDER_LIMIT;
        command.time_in_force = TIF_GTC;
        command.price = (9950 + chance(100)) * INT64_C(1000000);
        command.qty = real->qty;
        command.filled_qty = order->filled; /* As far as the client knows: it may lag. */
        if (chance(3) == 0 && real->qty > order->filled + 2000000) {
            command.is_reduction = true;
            command.price = real->match.price;
            command.qty = real->qty - 1000000;
            give(&command);
            return;
        }
        struct known *next = known_add(0);
        next->root = order->root;
        snprintf(command.new_client_order_id, sizeof(command.new_client_order_id), "%s",
                 next->client_id);
    }
    give(&command);
}

/* The rest of the market trades too. */
static void market_acts(void)
{
    struct exchange_request request = { .account = MARKET,
                                        .instrument = 0,
                                        .side = chance(2) ? SIDE_BUY : SIDE_SELL,
                                        .type = ORDER_LIMIT,
                                        .time_in_force = chance(3) ? TIF_GTC : TIF_IOC,
                                        .price = (9900 + chance(200)) * INT64_C(1000000),
                                        .qty = (10 + chance(300)) * INT64_C(1000000) };

    (void)exchange_place(&world.exchange, &request, world.sim.now_ns, NULL);
}

static void step(void)
{
    switch (chance(12)) {
    case 0:
    case 1:
    case 2:
        place_some();
        break;
    case 3:
        change_some(OP_CANCEL);
        break;
    case 4:
        change_some(OP_REPLACE);
        break;
    case 5:
        change_some(OP_QUERY);
        break;
    case 6:
        if (world.loss_percent && chance(10) == 0 && world.is_api_open) {
            api_close();
        } else if (!world.is_api_open) {
            api_open();
        }
        break;
    case 7:
        pass(10 * NS_PER_MS * (1 + chance(20)));
        break;
    default:
        market_acts();
        break;
    }
}

/* ---- what must hold in the end ---- */

static void ask(enum venue_op op)
{
    struct venue_command command = command_of(op);

    if (op == OP_BALANCES)
        command.symbol[0] = '\0';
    if (op == OP_EXECUTIONS)
        command.since_wall_ns = INT64_C(1700000000) * NS_PER_S;
    give(&command);
    for (unsigned i = 0; i < 30; i++)
        pass(100 * NS_PER_MS);
}

static void orders_compare(void)
{
    const struct exchange_order *real;
    uint32_t cursor = 0;
    unsigned compared = 0;

    while ((real = exchange_next_order(&world.exchange, ALICE, &cursor))) {
        const struct known *order = known_of(real->client_id);
        CHECK(order != NULL);
        if (!order)
            continue;
        if (order->filled != real->filled_qty)
            fprintf(stderr, "%s: %lld, not %lld\n", order->client_id, (long long)order->filled,
                    (long long)real->filled_qty);
        CHECK_INT(order->filled, real->filled_qty);
        CHECK(!order->is_final || !exchange_is_open(real)); /* Never told an end that is none. */
        CHECK(!order->is_gone || world.loss_percent || !exchange_is_open(real));
        compared++;
    }
    CHECK(compared > 20);
}

/* Executions count each fill once, whatever came twice; each fee is the venue's. */
static void fills_compare(void)
{
    unsigned count = 0;
    int64_t fees = 0, known_fees = 0;

    for (uint32_t i = 0; i < world.exchange.execution_count; i++) {
        const struct exchange_execution *execution = exchange_execution(&world.exchange, i);
        count += execution->account == ALICE;
        fees += execution->account == ALICE ? execution->fee : 0;
    }
    for (size_t i = 0; i < world.fill_count; i++)
        known_fees += world.fill_fee[i];
    CHECK_INT(world.fill_count, count);
    CHECK_INT(known_fees, fees);
    CHECK(count > 20);
}

static void balances_compare(void)
{
    const struct exchange_account *alice = &world.exchange.accounts[ALICE];
    static const char *const assets[] = { "BTC", "USDT" };

    for (size_t i = 0; i < COUNT(assets); i++) {
        const struct exchange_balance *real =
            &alice->balances[exchange_asset(&world.exchange, assets[i])];
        CHECK_INT(world.balance_free[i], real->free);
        CHECK_INT(world.balance_total[i], real->free + real->locked);
    }
}

static void side_compare(const struct book_side *have, const struct match_side *want)
{
    CHECK_INT(have->count, want->count);
    for (uint32_t i = 0; i < have->count && i < want->count; i++) {
        CHECK_INT(book_level(have, i)->price, match_level_at(want, i)->price);
        CHECK_INT(book_level(have, i)->qty, match_level_at(want, i)->qty);
    }
}

/* Of an order and all that replaced it: what was executed, and what may still be. */
static void replaced_orders_check(void)
{
    int64_t sums[ORDERS] = { 0 };

    for (size_t i = 0; i < world.known_count; i++) {
        const struct exchange_order *real =
            exchange_order_by_client(&world.exchange, ALICE, world.known[i].client_id);
        if (real)
            sums[world.known[i].root] +=
                real->filled_qty + (exchange_is_open(real) ? real->match.leaves : 0);
    }
    for (size_t i = 0; i < world.known_count; i++)
        CHECK(sums[i] <= world.known[i].qty || world.known[i].root != i);
}

static void trade(unsigned seed, unsigned loss_percent)
{
    world_begin(seed, loss_percent);
    for (unsigned i = 0; i < 40; i++)
        market_acts();
    for (unsigned i = 0; i < STEPS; i++)
        step();
    world.loss_percent = 0;
    for (unsigned i = 0; i < 30; i++)
        pass(100 * NS_PER_MS);
    if (!world.is_api_open)
        api_open();
    if (loss_percent)
        ask(OP_EXECUTIONS); /* Without losses the stream and the answers have told all. */
    orders_compare();
    fills_compare();
    replaced_orders_check();
    ask(OP_BALANCES);
    balances_compare();
    CHECK_INT(world.book_state, FEED_LIVE);
    side_compare(&world.book.bids, &world.exchange.instruments[0].book.bids);
    side_compare(&world.book.asks, &world.exchange.instruments[0].book.asks);
    ask(OP_CANCEL_ALL);
    CHECK(world.exchange.accounts[ALICE].first_open == NULL);
    for (uint64_t i = 1; i <= world.next_request; i++)
        CHECK_INT(world.answers[i], 1);
    CHECK_INT(world.doubled, 0);
    CHECK_INT(world.invalid, 0);
    if (check_failed_in_case)
        fprintf(stderr, "seed %u\n", seed);
}

static void all_is_told_when_nothing_is_lost(void)
{
    unsigned unknown = 0, accepted = 0, replaced = 0, cancelled = 0, rejected = 0;

    for (unsigned seed = 1; seed <= SEEDS && !check_failed_in_case; seed++) {
        trade(seed, 0);
        unknown += world.unknown;
        accepted += world.accepted;
        replaced += world.replaced;
        cancelled += world.cancelled;
        rejected += world.rejected;
        world_end();
    }
    printf("# %u accepted, %u rejected, %u replaced, %u cancelled\n", accepted, rejected, replaced,
           cancelled);
    CHECK_INT(unknown, 0);
    CHECK(accepted > 200 && replaced > 20 && cancelled > 20 && rejected > 5);
    proof_talk_end(&talk, "binance");
}

static void all_is_found_again_when_answers_and_connections_are_lost(void)
{
    unsigned unknown = 0;

    for (unsigned seed = 101; seed <= 100 + SEEDS && !check_failed_in_case; seed++) {
        trade(seed, 15);
        unknown += world.unknown;
        world_end();
    }
    printf("# %u outcomes unknown on the way\n", unknown);
    CHECK(unknown > 50);
    proof_talk_end(&talk, "binance");
}

int main(void)
{
    CASE(all_is_told_when_nothing_is_lost);
    CASE(all_is_found_again_when_answers_and_connections_are_lost);
    DONE();
}
