/* The session of futures: the WebSocket API as on spot, and beside it the user stream, whose url
 * carries a listen key that must be asked for, kept alive, and replaced when it has died. */
#include "venues/binance_futures/order.h"

#include <stdio.h>

#define STREAM_SILENCE_NS (60 * NS_PER_S)
#define STREAM_PING_NS    (20 * NS_PER_S)
#define RENEW_NS          (23 * 3600 * NS_PER_S) /* The venue closes after 24 h. */
#define KEY_KEEP_NS       (1800 * NS_PER_S)      /* A key lives for an hour. */
#define KEY_DEAD_NS       (3300 * NS_PER_S)
#define KEY_RETRY_NS      (2 * NS_PER_S) /* Doubled up to 64 s. */
#define PROBE_RETRY_NS    (5 * NS_PER_S)

/* What we listen to. Only what is listed comes: the end of the key too. */
static const char events[] =
    "ORDER_TRADE_UPDATE/ACCOUNT_UPDATE/ACCOUNT_CONFIG_UPDATE/MARGIN_CALL/listenKeyExpired";

/* ---- begin and end ---- */

static int futures_init(void *state, const struct venue_order_config *config)
{
    struct futures_order *order = state;
    const char *stream = config->stream_url ? config->stream_url : "";

    memset(order, 0, sizeof(*order));
    int err = binance_order_open(&order->base, config, &futures_orders);
    if (!err)
        err = binance_url(stream, "/private/ws", order->stream_url, sizeof(order->stream_url));
    if (err)
        binance_order_fini(state);
    return err;
}

static void futures_fini(void *state)
{
    struct futures_order *order = state;

    secret_wipe(order->key, sizeof(order->key));
    secret_wipe(order->opened_key, sizeof(order->opened_key));
    binance_order_fini(state);
}

static size_t futures_connections(void *state, struct venue_connection *out)
{
    struct futures_order *order = state;
    size_t count = binance_order_connections(state, out);

    if (!order->base.keys.is_set)
        return count;
    order->is_stream_wanted = true;
    out[FUTURES_STREAM] = (struct venue_connection){ .silence_ns = STREAM_SILENCE_NS,
                                                     .ping_interval_ns = STREAM_PING_NS,
                                                     .renew_ns = RENEW_NS,
                                                     .is_elsewhere = true };
    if (order->key[0]) {
        binance_copy(order->opened_key, sizeof(order->opened_key), order->key);
        snprintf(out[FUTURES_STREAM].url, sizeof(out[FUTURES_STREAM].url),
                 "%s?listenKey=%s&events=%s", order->stream_url, order->key, events);
    }
    return count + 1;
}

/* ---- the listen key ---- */

void futures_key_take(const struct order_turn *turn, const char *key)
{
    struct futures_order *order = futures_of(turn);
    int64_t now = turn->clock->now_ns;

    binance_copy(order->key, sizeof(order->key), key);
    order->key_tries = 0;
    order->key_keep_ns = now + KEY_KEEP_NS;
    order->key_dead_ns = now + KEY_DEAD_NS;
    if (order->base.is_stream_up && strcmp(key, order->opened_key) != 0)
        turn->out->reconnect(turn->out->ctx, FUTURES_STREAM, REASON_VENUE_AUTH);
}

static void key_forget(struct futures_order *order, int64_t now_ns)
{
    order->key[0] = '\0';
    order->key_ask_ns = now_ns;
    order->proof_ns = 0;
}

void futures_key_drop(const struct order_turn *turn, wire_reason why)
{
    key_forget(futures_of(turn), turn->clock->now_ns);
    turn->out->reconnect(turn->out->ctx, FUTURES_STREAM, why);
}

static void ask_own(const struct order_turn *turn, enum request_kind kind, enum venue_op op)
{
    const struct venue_command own = { .op = op };

    (void)order_send(turn, kind, &own, NULL); /* tick tries again where it could not be sent. */
}

static void key_tick(const struct order_turn *turn)
{
    struct futures_order *order = futures_of(turn);
    int64_t now = turn->clock->now_ns;

    if (!order->key[0] && now >= order->key_ask_ns) {
        order->key_ask_ns = now + (KEY_RETRY_NS << MIN(order->key_tries, 5u));
        order->key_tries++;
        ask_own(turn, REQUEST_KEY_MAKE, OP_OPEN_ORDERS);
    } else if (order->key[0] && now >= order->key_dead_ns) {
        futures_key_drop(turn, REASON_VENUE_AUTH);
    } else if (order->key[0] && now >= order->key_keep_ns) {
        order->key_keep_ns = now + KEY_DEAD_NS / 50; /* Until it is answered. */
        ask_own(turn, REQUEST_KEY_KEEP, OP_OPEN_ORDERS);
    }
}

/* ---- connections ---- */

static void futures_opened(void *state, unsigned connection, const struct venue_clock *clock,
                           const struct venue_out *out)
{
    struct order_turn turn = { state, clock, out };

    binance_order_opened(state, connection, clock, out);
    if (connection == FUTURES_STREAM)
        order_stream_up(&turn);
}

static void futures_closed(void *state, unsigned connection, const struct venue_clock *clock,
                           const struct venue_out *out)
{
    struct order_turn turn = { state, clock, out };

    binance_order_closed(state, connection, clock, out);
    if (connection != FUTURES_STREAM)
        return;
    /* Asking for a key while one is alive gives the same one again, good for another hour. At a
     * renewal the next connection is open already, with that key. */
    key_forget(futures_of(&turn), clock->now_ns);
    turn.order->is_stream_up = false;
    order_channel_report(&turn, REASON_DISCONNECTED, "");
}

static int futures_frame(void *state, unsigned connection, const char *frame, size_t len,
                         const struct venue_clock *clock, const struct venue_out *out)
{
    struct order_turn turn = { state, clock, out };
    struct scan_value top, data;

    if (connection != FUTURES_STREAM)
        return order_on_frame(state, connection, frame, len, clock, out);
    int err = scan_whole(frame, len, &top) == 0 && top.type == SCAN_OBJECT ? 0 : ERR_PROTO;
    if (!err && scan_find(&top, "data", &data) == 0)
        top = data; /* Of a combined stream. */
    if (!err)
        err = futures_on_event(&turn, &top);
    turn.order->rejected += err != 0;
    return err;
}

/* ---- time ---- */

static bool is_defined(const struct binance_order *order)
{
    for (size_t i = 0; i < order->symbol_count; i++)
        if (order->symbols[i].definition.header.size != 0)
            return true;
    return false;
}

/* An order was taken and the stream says nothing of it: an invalid key is accepted and silent. */
static void proof_tick(const struct order_turn *turn)
{
    struct futures_order *order = futures_of(turn);

    if (order->proof_ns == 0 || turn->clock->now_ns < order->proof_ns)
        return;
    turn->out->note(turn->out->ctx, "stream_silent", "an order was taken, the stream is silent");
    futures_key_drop(turn, REASON_SILENCE);
}

static void own_tick(const struct order_turn *turn)
{
    struct futures_order *order = futures_of(turn);
    int64_t now = turn->clock->now_ns;

    if (now >= order->leverage_ns && is_defined(turn->order)) {
        order->leverage_ns = now + PROBE_RETRY_NS; /* Its answer says when next. */
        ask_own(turn, REQUEST_LEVERAGE, OP_POSITIONS);
    }
    if (order->funding_ns != 0 && now >= order->funding_ns) {
        const struct venue_command own = { .op = OP_FUNDING,
                                           .since_wall_ns = order->funding_since };
        order->funding_ns = now + (NS_PER_S << MIN(order->funding_tries, 5u));
        order->funding_tries++;
        (void)order_send(turn, REQUEST_FUNDING, &own, NULL);
    }
    if (order->account_ns != 0 && now >= order->account_ns) {
        order->account_ns = now + PROBE_RETRY_NS;
        ask_own(turn, REQUEST_ACCOUNT, OP_BALANCES);
    }
}

static void futures_tick(void *state, const struct venue_clock *clock, const struct venue_out *out)
{
    struct order_turn turn = { state, clock, out };
    struct futures_order *order = state;

    binance_order_tick(state, clock, out);
    if (!order->base.keys.is_set || clock->now_ns < order->base.hold_until_ns ||
        !order->is_stream_wanted)
        return;
    key_tick(&turn);
    proof_tick(&turn);
    own_tick(&turn);
}

/* ---- commands ---- */

static int futures_command(void *state, const struct venue_command *command,
                           const struct venue_clock *clock, const struct venue_out *out)
{
    struct order_turn turn = { state, clock, out };

    switch (command->op) {
    case OP_POSITIONS:
        return order_send(&turn, REQUEST_POSITIONS, command, NULL);
    case OP_ACCOUNT_MODE:
        return order_send(&turn, REQUEST_ACCOUNT_MODE, command, NULL);
    case OP_FUNDING:
        return order_send(&turn, REQUEST_FUNDING, command, NULL);
    case OP_DEAD_MAN:
        return command->symbol[0] ? order_send(&turn, REQUEST_DEAD_MAN, command, NULL)
                                  : order_job_begin(&turn, REQUEST_DEAD_MAN, command);
    default:
        return binance_order_command(state, command, clock, out);
    }
}

const struct venue_order_ops binance_futures_order_ops = {
    .state_size = sizeof(struct futures_order),
    .init = futures_init,
    .fini = futures_fini,
    .connections = futures_connections,
    .start = binance_order_start,
    .opened = futures_opened,
    .closed = futures_closed,
    .frame = futures_frame,
    .http = order_on_http,
    .tick = futures_tick,
    .command = futures_command,
    .client_order_id_max = ORDER_CLIENT_ID_MAX,
    .client_order_id_charset = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
    .replace_keeps_id = true,
    .has_dead_man = true,
    .has_positions = true,
};
