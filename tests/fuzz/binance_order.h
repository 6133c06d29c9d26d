/* binance_order.h - laws of the order codec of Binance's products for any bytes and any order of
 * commands, answers, silences and losses: each command that was taken is ended by exactly one
 * answer, no answer speaks of a command that was not given, texts and enumerations of reports are
 * whole, every request sent is one JSON object or one path.
 *
 * The target states `static const struct product product`. */
#include "common/pure/scan.h"
#include "venues/venue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct product {
    const struct venue *venue;
    const char *name;
    const char *symbols[2], *names[2];
    const char *const *results, *const *errors;
    size_t result_count, error_count;
    unsigned connections;
    const char *const *events; /* Of the last connection, where that is the user stream. */
    size_t event_count;
};
static const struct product product;

enum { COMMANDS_MAX = 512, STEPS_MAX = 256, IDS = 64 };

static struct {
    enum venue_op op[COMMANDS_MAX + 1];
    unsigned char answers[COMMANDS_MAX + 1];
    unsigned given;
    uint64_t frame_ids[IDS];
    unsigned frames;
    uint64_t tags[IDS];
    unsigned requests;
    bool is_open, is_refusing;
} world;

#define law(holds) law_at(holds, __LINE__)
static void law_at(bool holds, int line)
{
    if (!holds) {
        fprintf(stderr, "law of line %d\n", line);
        abort();
    }
}

/* Which reports end a command: lists by DONE or FAILED, the rest by what became of it. */
static bool is_answer(const struct venue_report *r)
{
    switch (r->kind) {
    case REPORT_ACCEPTED:
    case REPORT_REJECTED:
        return r->op == OP_PLACE;
    case REPORT_CANCELLED:
    case REPORT_EXPIRED:
    case REPORT_CANCEL_REJECTED:
        return r->op == OP_CANCEL;
    case REPORT_REPLACED:
    case REPORT_REPLACE_REJECTED:
    case REPORT_REPLACE_LOST:
        return r->op == OP_REPLACE;
    case REPORT_ORDER:
    case REPORT_NO_SUCH_ORDER:
        return r->op == OP_QUERY;
    case REPORT_OUTCOME_UNKNOWN:
    case REPORT_NEVER_SENT:
    case REPORT_DONE:
    case REPORT_FAILED:
    case REPORT_SERVER_TIME:
        return true;
    default:
        return false;
    }
}

static bool is_ended(const char *text, size_t cap)
{
    return memchr(text, '\0', cap) != NULL;
}

static void on_report(void *ctx, const struct venue_report *r)
{
    (void)ctx;
    law(r->kind >= REPORT_ACCEPTED && r->kind <= REPORT_BACK_OFF);
    law(is_ended(r->symbol, sizeof(r->symbol)) &&
        is_ended(r->client_order_id, sizeof(r->client_order_id)) &&
        is_ended(r->exchange_order_id, sizeof(r->exchange_order_id)) &&
        is_ended(r->venue_trade_id, sizeof(r->venue_trade_id)) &&
        is_ended(r->text, sizeof(r->text)) && is_ended(r->fee_asset, sizeof(r->fee_asset)) &&
        is_ended(r->asset, sizeof(r->asset)));
    law(r->side <= SIDE_SELL && r->type <= ORDER_MARKET && r->time_in_force <= TIF_FOK &&
        r->liquidity <= LIQUIDITY_TAKER && strcmp(wire_order_state_str(r->state), "?") != 0 &&
        strcmp(wire_reason_str(r->why), "?") != 0);
    if (r->kind == REPORT_FILL)
        law(r->venue_trade_id[0] && r->last_qty > 0 && r->last_price > 0 && r->side != SIDE_NONE);
    if (r->kind == REPORT_INSTRUMENT)
        law(r->definition && wire_check(r->definition, r->definition->header.size) == 0);
    if (r->request_id == 0)
        return;
    law(r->request_id <= world.given && r->op == world.op[r->request_id]);
    if (is_answer(r))
        law(++world.answers[r->request_id] == 1);
}

static int on_send(void *ctx, unsigned connection, const char *frame, size_t len)
{
    struct scan_value top, id;

    (void)ctx;
    law(connection < product.connections && scan_whole(frame, len, &top) == 0 &&
        scan_find(&top, "id", &id) == 0);
    if (!world.is_open)
        return ERR_CLOSED;
    if (world.is_refusing)
        return ERR_FULL;
    law(scan_u64(&id, &world.frame_ids[world.frames++ % IDS]) == 0);
    return 0;
}

static int on_request(void *ctx, const struct venue_request *request)
{
    (void)ctx;
    law(request->path[0] == '/' && strlen(request->path) < sizeof(request->path) &&
        request->body_len < sizeof(request->body) && request->header_count <= VENUE_HEADERS_MAX);
    if (world.is_refusing)
        return ERR_FULL;
    world.tags[world.requests++ % IDS] = request->tag;
    return 0;
}

static void on_reconnect(void *ctx, unsigned connection, wire_reason why)
{
    (void)ctx;
    (void)why;
    law(connection < product.connections);
}

static void on_note(void *ctx, const char *event, const char *text)
{
    (void)ctx;
    law(strlen(event) < 64 && strlen(text) < 512);
}

static const struct venue_out out = { NULL,       NULL,         on_report, on_send,
                                      on_request, on_reconnect, on_note };

static void command(void *state, const uint8_t *data, size_t size, const struct venue_clock *clock)
{
    struct venue_command made = {
        .price_exp = 8, .qty_exp = 8, .price_decimals = 2, .qty_decimals = 4
    };
    uint8_t bytes[8] = { 0 };

    if (world.given == COMMANDS_MAX)
        return;
    memcpy(bytes, data, size < sizeof(bytes) ? size : sizeof(bytes));
    made.op = (enum venue_op)(bytes[0] % (OP_DEAD_MAN + 1));
    made.transport = (enum venue_transport)(bytes[1] % 3);
    made.side = bytes[2] & 1 ? SIDE_BUY : SIDE_SELL;
    made.type = bytes[2] & 2 ? ORDER_MARKET : ORDER_LIMIT;
    made.time_in_force = (wire_time_in_force)(bytes[2] >> 2 & 3);
    made.is_post_only = bytes[2] & 16;
    made.price = bytes[3] * INT64_C(1000000);
    made.qty = bytes[4] * INT64_C(10000);
    made.filled_qty = bytes[2] & 32 ? made.qty / 2 : 0;
    made.since_wall_ns = bytes[2] & 64 ? clock->wall_ns : 0;
    made.request_id = world.given + 1;
    snprintf(made.symbol, sizeof(made.symbol), "%s",
             bytes[1] & 4   ? product.symbols[0]
             : bytes[1] & 8 ? product.symbols[1]
                            : "");
    snprintf(made.client_order_id, sizeof(made.client_order_id), "T%u%s", bytes[5],
             bytes[1] & 16 ? "." : "");
    snprintf(made.new_client_order_id, sizeof(made.new_client_order_id), "N%u", bytes[5]);
    if (bytes[1] & 32)
        snprintf(made.exchange_order_id, sizeof(made.exchange_order_id), "%u", bytes[6]);
    world.op[world.given + 1] = made.op;
    world.answers[world.given + 1] = 0;
    world.given++;
    if (product.venue->order->command(state, &made, clock, &out) != 0) {
        law(world.answers[world.given] == 0); /* What was refused is not answered. */
        world.given--;
    }
}

static void answer_frame(void *state, const uint8_t bytes[4], const struct venue_clock *clock)
{
    static char frame[2048];
    bool is_error = bytes[1] & 1;
    const char *body = is_error ? product.errors[bytes[2] % product.error_count]
                                : product.results[bytes[2] % product.result_count];
    uint64_t id =
        world.frames ? world.frame_ids[(world.frames - 1 - bytes[0] % 8) % IDS] : bytes[0];

    int len = snprintf(frame, sizeof(frame), "{\"id\":%llu,\"status\":%d,\"%s\":%s}",
                       (unsigned long long)id, is_error ? 400 + (bytes[1] & 2) * 50 : 200,
                       is_error ? "error" : "result", body);
    (void)product.venue->order->frame(state, 0, frame, (size_t)len, clock, &out);
}

static void answer_http(void *state, const uint8_t bytes[4], const struct venue_clock *clock)
{
    bool is_error = bytes[1] & 1;
    struct venue_response response = { .status = bytes[1] & 4 ? 0
                                                 : is_error   ? 400 + (bytes[1] & 2) * 50
                                                              : 200,
                                       .was_sent = bytes[1] & 8,
                                       .body =
                                           is_error
                                               ? product.errors[bytes[2] % product.error_count]
                                               : product.results[bytes[2] % product.result_count] };

    response.tag =
        world.requests ? world.tags[(world.requests - 1 - bytes[0] % 8) % IDS] : bytes[0];
    response.body_len = strlen(response.body);
    (void)product.venue->order->http(state, &response, clock, &out);
}

static void step(void *state, const uint8_t *data, size_t size, struct venue_clock *clock)
{
    const struct venue_order_ops *order = product.venue->order;
    uint8_t bytes[4] = { 0 };

    if (size == 0)
        return;
    memcpy(bytes, data + 1, size - 1 < sizeof(bytes) ? size - 1 : sizeof(bytes));
    clock->now_ns += NS_PER_MS;
    clock->wall_ns += NS_PER_MS;
    unsigned connection = (bytes[3] >> 6u) % product.connections;
    switch (data[0] % 13) {
    case 0:
    case 1:
    case 2:
        command(state, data + 1, size - 1, clock);
        break;
    case 3:
    case 4:
        answer_frame(state, bytes, clock);
        break;
    case 5:
    case 6:
        answer_http(state, bytes, clock);
        break;
    case 7:
        clock->now_ns += bytes[0] * 50 * NS_PER_MS;
        order->tick(state, clock, &out);
        break;
    case 8:
        world.is_open |= connection == 0;
        order->opened(state, connection, clock, &out);
        break;
    case 9:
        world.is_open &= connection != 0;
        order->closed(state, connection, clock, &out);
        break;
    case 11:
        if (product.event_count) {
            const char *event = product.events[bytes[2] % product.event_count];
            (void)order->frame(state, product.connections - 1, event, strlen(event), clock, &out);
        }
        break;
    case 10:
        world.is_refusing = bytes[0] & 1;
        break;
    default:
        (void)order->frame(state, data[0] >> 6u ? 0 : product.connections - 1,
                           (const char *)data + 1, size - 1, clock, &out);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct venue_order_config config = { .venue = product.name,
                                               .ws_url = "wss://x",
                                               .stream_url = "wss://y",
                                               .names = product.names,
                                               .name_count = 2,
                                               .api_key = "key",
                                               .api_secret = "secret",
                                               .recv_window_ms = 5000,
                                               .order_timeout_ns = NS_PER_S };
    struct venue_clock clock = { NS_PER_S, 1700000000 * NS_PER_S, 1 };
    static void *state;

    if (!state)
        state = calloc(1, product.venue->order->state_size);
    memset(&world, 0, sizeof(world));
    law(product.venue->order->init(state, &config) == 0);
    struct venue_connection list[VENUE_CONNECTIONS_MAX];
    (void)product.venue->order->connections(state, list);
    product.venue->order->start(state, &clock, &out);
    for (unsigned steps = 0; size > 0 && steps < STEPS_MAX; steps++) {
        const uint8_t *end = memchr(data, '\n', size);
        size_t len = end ? (size_t)(end - data) : size;
        step(state, data, len, &clock);
        data += len + (end != NULL);
        size -= len + (end != NULL);
    }
    /* In the end nobody answers any more: whatever is open must be ended by time. */
    world.is_open = false;
    product.venue->order->closed(state, 0, &clock, &out);
    for (unsigned i = 1; i < product.connections; i++)
        product.venue->order->closed(state, i, &clock, &out);
    for (unsigned i = 0; i < 40; i++) {
        clock.now_ns += 61 * NS_PER_S;
        product.venue->order->tick(state, &clock, &out);
    }
    for (unsigned i = 1; i <= world.given; i++)
        law(world.answers[i] == 1);
    product.venue->order->fini(state);
    return 0;
}
