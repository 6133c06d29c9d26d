#include "venues/bybit/order.h"

#include <stdio.h>
#include <stdlib.h>

#define TIMEOUT_NS      (5 * NS_PER_S)  /* Where the configuration has none. */
#define REST_TIMEOUT_NS (60 * NS_PER_S) /* The shell times REST out itself: for a lost answer. */
#define CONFIRM_NS      (2 * NS_PER_S)  /* Acknowledged, and no word from the stream. */
#define WALK_MAX_NS     (60 * NS_PER_S)
/* What the venue takes for the dead-man switch's window. */
#define DCP_MIN_NS (3 * NS_PER_S)
#define DCP_MAX_NS (300 * NS_PER_S)

/* ---- entries ---- */

struct bybit_listed *bybit_listed_of(struct bybit_side *side, enum bybit_category category,
                                     const char *symbol)
{
    for (unsigned i = 0; i < side->listed_count; i++)
        if (side->listed[i].is_defined && side->listed[i].category == category &&
            strcmp(side->listed[i].definition.symbol, symbol) == 0)
            return &side->listed[i];
    return NULL;
}

struct bybit_pending *bybit_pending_new(const struct bybit_turn *turn,
                                        const struct venue_command *command)
{
    struct bybit_side *side = turn->side;

    if (side->pending_count == BYBIT_PENDING_MAX)
        return NULL;
    /* reqId must be new to the venue, which outlives this process: time begins the count. */
    uint64_t now_us = (uint64_t)MAX(turn->clock->wall_ns, 0) / (uint64_t)NS_PER_US;
    side->next_id = MAX(side->next_id + 1, now_us);
    while (side->pending[side->next_id % BYBIT_PENDING_MAX].id != 0)
        side->next_id++;
    struct bybit_pending *pending = &side->pending[side->next_id % BYBIT_PENDING_MAX];
    *pending = (struct bybit_pending){ .id = side->next_id,
                                       .begun_ns = turn->clock->now_ns,
                                       .sent_ns = turn->clock->now_ns,
                                       .sent_wall_ns = turn->clock->wall_ns,
                                       .command = *command };
    side->pending_count++;
    return pending;
}

void bybit_pending_end(struct bybit_side *side, struct bybit_pending *pending)
{
    if (pending->id == 0)
        return;
    if (pending->walk)
        side->walks[pending->walk - 1].is_used = false;
    pending->id = 0;
    side->pending_count--;
}

struct bybit_pending *bybit_pending_by_id(struct bybit_side *side, uint64_t id)
{
    struct bybit_pending *pending = &side->pending[id % BYBIT_PENDING_MAX];

    return id != 0 && pending->id == id ? pending : NULL;
}

struct bybit_pending *bybit_pending_of_order(struct bybit_side *side, enum venue_op op,
                                             enum bybit_category category, const char *client_id,
                                             const char *order_id)
{
    unsigned left = side->pending_count;

    for (unsigned i = 0; left > 0 && i < BYBIT_PENDING_MAX; i++) {
        struct bybit_pending *pending = &side->pending[i];
        const struct venue_command *c = &pending->command;
        if (pending->id == 0)
            continue;
        left--;
        if (pending->kind != CALL_COMMAND || c->op != op ||
            bybit_category_of(c->instrument_kind) != category)
            continue;
        bool is_by_id = *c->exchange_order_id && *order_id;
        if (is_by_id ? strcmp(c->exchange_order_id, order_id) == 0
                     : *client_id && strcmp(c->client_order_id, client_id) == 0)
            return pending;
    }
    return NULL;
}

int bybit_call_send(const struct bybit_turn *turn, struct bybit_pending *pending, bool is_private)
{
    struct bybit_side *side = turn->side;
    struct venue_request *request = &side->request;
    int err = 0;

    if (is_private && turn->clock->now_ns < side->hold_until_ns)
        return ERR_CLOSED;
    request->header_count = 0;
    if (is_private)
        err = bybit_request_sign(&side->keys, turn->clock->wall_ns, request);
    request->tag = pending->id;
    request->weight = 1;
    request->is_private = is_private;
    request->is_cancel = pending->kind == CALL_COMMAND &&
                         (pending->command.op == OP_CANCEL || pending->command.op == OP_CANCEL_ALL);
    if (!err)
        err = turn->out->request(turn->out->ctx, request);
    pending->sent_ns = turn->clock->now_ns;
    pending->sent_wall_ns = turn->clock->wall_ns;
    return err;
}

/* ---- commands ---- */

static bool is_order_op(enum venue_op op)
{
    return op == OP_PLACE || op == OP_CANCEL || op == OP_REPLACE;
}

static const struct bybit_template *template_of(struct bybit_side *side,
                                                const struct venue_command *command)
{
    enum bybit_form form;

    if (command->op != OP_PLACE || bybit_form_of(command, &form) != 0)
        return NULL;
    const struct bybit_listed *listed =
        bybit_listed_of(side, bybit_category_of(command->instrument_kind), command->symbol);
    return listed ? &listed->place[command->side == SIDE_SELL][form] : NULL;
}

/* PLACE, CANCEL, REPLACE: the same object is the body of REST and the argument over WebSocket. */
static int send_order(const struct bybit_turn *turn, const struct venue_command *command)
{
    static const char *const paths[] = { [OP_PLACE] = "/v5/order/create",
                                         [OP_CANCEL] = "/v5/order/cancel",
                                         [OP_REPLACE] = "/v5/order/amend" };
    struct bybit_side *side = turn->side;
    bool is_ws = command->transport == TRANSPORT_WS || (command->transport == TRANSPORT_BEST &&
                                                        side->conns[BYBIT_CONN_TRADE].is_logged_in);
    int len = bybit_args_write(command, template_of(side, command), side->args, sizeof(side->args));

    if (len < 0)
        return len;
    struct bybit_pending *pending = bybit_pending_new(turn, command);
    if (!pending)
        return ERR_FULL;
    pending->is_rest = !is_ws;
    int err;
    if (is_ws) {
        int frame_len =
            bybit_frame_write(command->op, pending->id, &side->keys, turn->clock->wall_ns,
                              side->args, (size_t)len, side->frame, sizeof(side->frame));
        err = frame_len < 0 ? frame_len
                            : turn->out->send(turn->out->ctx, BYBIT_CONN_TRADE, side->frame,
                                              (size_t)frame_len);
    } else {
        struct venue_request *request = &side->request;
        request->method = "POST";
        bybit_copy(request->path, sizeof(request->path), paths[command->op]);
        memcpy(request->body, side->args, (size_t)len + 1);
        request->body_len = (size_t)len;
        err = bybit_call_send(turn, pending, true);
    }
    if (err)
        bybit_pending_end(side, pending);
    return err;
}

static int send_query(const struct bybit_turn *turn, const struct venue_command *command)
{
    struct bybit_side *side = turn->side;
    struct venue_request *request = &side->request;
    bool is_by_id = *command->exchange_order_id;
    const char *id = is_by_id ? command->exchange_order_id : command->client_order_id;

    if (!bybit_symbol_is_plain(command->symbol) ||
        (is_by_id ? !bybit_symbol_is_plain(id) : !bybit_client_id_is_valid(id)))
        return ERR_RANGE;
    struct bybit_pending *pending = bybit_pending_new(turn, command);
    if (!pending)
        return ERR_FULL;
    pending->is_rest = true;
    snprintf(request->path, sizeof(request->path), "/v5/order/realtime?symbol=%s&%s=%s&category=%s",
             command->symbol, is_by_id ? "orderId" : "orderLinkId", id,
             bybit_category_str(bybit_category_of(command->instrument_kind)));
    request->method = "GET";
    request->body_len = 0;
    int err = bybit_call_send(turn, pending, true);
    if (err)
        bybit_pending_end(side, pending);
    return err;
}

static int send_time(const struct bybit_turn *turn, const struct venue_command *command)
{
    struct bybit_side *side = turn->side;
    struct bybit_pending *pending = bybit_pending_new(turn, command);

    if (!pending)
        return ERR_FULL;
    pending->is_rest = true;
    bybit_copy(side->request.path, sizeof(side->request.path), "/v5/market/time");
    side->request.method = "GET";
    side->request.body_len = 0;
    int err = bybit_call_send(turn, pending, false);
    if (err)
        bybit_pending_end(side, pending);
    return err;
}

/* The switch fires when the connections that subscribed to its topics are gone. Disarmed by leaving
 * them: the venue has no other word for it. */
static int send_dead_man(const struct bybit_turn *turn, const struct venue_command *command)
{
    struct bybit_side *side = turn->side;
    struct venue_report report;

    if (command->timeout_ns == 0) {
        int err = bybit_subscribe_dcp(turn, false);
        if (err)
            return err;
        side->is_dcp_wanted = false;
        bybit_report_begin(turn, &report, REPORT_DEAD_MAN, command);
        bybit_report(turn, &report);
        return 0;
    }
    if (command->timeout_ns < DCP_MIN_NS || command->timeout_ns > DCP_MAX_NS)
        return ERR_RANGE;
    int err = side->is_dcp_wanted ? 0 : bybit_subscribe_dcp(turn, true);
    if (err)
        return err;
    side->is_dcp_wanted = true;
    return bybit_walk_begin(turn, command);
}

/* A command may name its instrument by id alone. */
static int symbol_fill(struct bybit_side *side, struct venue_command *command)
{
    for (unsigned i = 0; !*command->symbol && command->instrument && i < side->listed_count; i++) {
        const struct wire_instrument *definition = &side->listed[i].definition;
        if (!side->listed[i].is_defined || definition->header.instrument != command->instrument)
            continue;
        bybit_copy(command->symbol, sizeof(command->symbol), definition->symbol);
        command->instrument_kind = definition->kind;
    }
    bool needs_symbol = is_order_op(command->op) || command->op == OP_QUERY;
    return !*command->symbol && (needs_symbol || command->instrument) ? ERR_RANGE : 0;
}

static int order_command(void *state, const struct venue_command *given,
                         const struct venue_clock *clock, const struct venue_out *out)
{
    struct bybit_turn turn = { state, clock, out };
    struct venue_command command = *given;
    enum bybit_form form;
    int err = symbol_fill(state, &command);

    if (!err && command.op == OP_PLACE)
        err = bybit_form_of(&command, &form);
    if (err)
        return err;
    if (command.transport == TRANSPORT_WS && !is_order_op(command.op))
        return ERR_UNSUPPORTED;
    if (is_order_op(command.op))
        return send_order(&turn, &command);
    if (command.op == OP_QUERY)
        return send_query(&turn, &command);
    if (command.op == OP_SERVER_TIME)
        return send_time(&turn, &command);
    if (command.op == OP_DEAD_MAN)
        return send_dead_man(&turn, &command);
    return bybit_is_walk(command.op) ? bybit_walk_begin(&turn, &command) : ERR_UNSUPPORTED;
}

/* ---- time passes ---- */

static void pending_tick(const struct bybit_turn *turn, struct bybit_pending *pending)
{
    struct bybit_side *side = turn->side;
    int64_t now = turn->clock->now_ns;

    if (pending->is_waiting) {
        if (now - pending->begun_ns > WALK_MAX_NS)
            bybit_fail_silent(turn, pending, true, "not answered in time");
        else if (now >= side->hold_until_ns)
            bybit_walk_retry(turn, pending);
    } else if (pending->stage == STAGE_ACKED) {
        if (now - pending->acked_ns > CONFIRM_NS)
            bybit_fail_silent(turn, pending, true, "acknowledged, and not heard of again");
    } else if (now - pending->sent_ns > (pending->is_rest ? REST_TIMEOUT_NS : side->timeout_ns)) {
        bybit_fail_silent(turn, pending, true, "no answer in time");
    }
}

static void order_tick(void *state, const struct venue_clock *clock, const struct venue_out *out)
{
    struct bybit_side *side = state;
    struct bybit_turn turn = { side, clock, out };
    int64_t now = clock->now_ns;

    for (unsigned i = 0; side->pending_count > 0 && i < BYBIT_PENDING_MAX; i++)
        if (side->pending[i].id != 0)
            pending_tick(&turn, &side->pending[i]);
    bybit_session_tick(&turn);
    for (enum bybit_category c = BYBIT_SPOT; c < BYBIT_CATEGORIES; c++)
        if (side->has[c] && side->listing_at_ns[c] != 0 && now >= side->listing_at_ns[c])
            bybit_ask_listing(&turn, c);
    if (side->keys.is_set && side->fees_at_ns != 0 && now >= side->fees_at_ns &&
        now >= side->hold_until_ns)
        bybit_ask_fees(&turn);
}

static void order_start(void *state, const struct venue_clock *clock, const struct venue_out *out)
{
    struct bybit_side *side = state;
    struct bybit_turn turn = { side, clock, out };

    for (enum bybit_category c = BYBIT_SPOT; c < BYBIT_CATEGORIES; c++)
        if (side->has[c])
            bybit_ask_listing(&turn, c);
}

/* ---- init ---- */

static void order_fini(void *state)
{
    struct bybit_side *side = state;

    bybit_keys_fini(&side->keys);
    free(side->listed);
    side->listed = NULL;
    side->listed_count = 0;
    secret_wipe(side->frame, sizeof(side->frame));
    secret_wipe(&side->request, sizeof(side->request));
}

static void coin_add(struct bybit_side *side, const char *coin, size_t len)
{
    if (len == 0 || len >= sizeof(side->coins[0]) || side->coin_count == BYBIT_COINS_MAX)
        return;
    for (unsigned i = 0; i < side->coin_count; i++)
        if (strncmp(side->coins[i], coin, len) == 0 && side->coins[i][len] == '\0')
            return;
    memcpy(side->coins[side->coin_count], coin, len);
    side->coins[side->coin_count++][len] = '\0';
}

/* Linear contracts settle in their quote coin. Orders and positions of others count too: both coins
 * that the venue has are looked at. */
static int take_names(struct bybit_side *side, const struct venue_order_config *config)
{
    side->listed = calloc(VENUE_SYMBOLS_MAX, sizeof(*side->listed));
    if (!side->listed)
        return ERR_SYS;
    for (size_t i = 0; i < config->name_count; i++) {
        struct bybit_listed *listed = &side->listed[side->listed_count++];
        const char *quote = strchr(config->names[i], '-');
        if (strlen(config->names[i]) >= sizeof(listed->name))
            return ERR_RANGE;
        bybit_copy(listed->name, sizeof(listed->name), config->names[i]);
        listed->category = bybit_category_of_name(config->names[i]);
        side->has[listed->category] = true;
        if (listed->category == BYBIT_LINEAR && quote)
            coin_add(side, quote + 1, strcspn(quote + 1, "-"));
    }
    coin_add(side, "USDT", 4);
    coin_add(side, "USDC", 4);
    return 0;
}

static int order_init(void *state, const struct venue_order_config *config)
{
    struct bybit_side *side = state;

    memset(side, 0, sizeof(*side));
    side->maker_ppm = config->maker_fee_ppm;
    side->taker_ppm = config->taker_fee_ppm;
    side->timeout_ns = config->order_timeout_ns > 0 ? config->order_timeout_ns : TIMEOUT_NS;
    bybit_copy(side->ws_url, sizeof(side->ws_url), config->ws_url ? config->ws_url : "");
    if (config->name_count > VENUE_SYMBOLS_MAX)
        return ERR_RANGE;
    int err = bybit_keys_init(&side->keys, config->api_key ? config->api_key : "",
                              config->api_secret ? config->api_secret : "", config->recv_window_ms);
    if (!err)
        err = take_names(side, config);
    if (err)
        order_fini(side);
    return err;
}

const struct venue_order_ops bybit_order_ops = {
    .state_size = sizeof(struct bybit_side),
    .init = order_init,
    .fini = order_fini,
    .connections = bybit_order_connections,
    .start = order_start,
    .opened = bybit_order_opened,
    .closed = bybit_order_closed,
    .frame = bybit_order_frame,
    .http = bybit_order_http,
    .tick = order_tick,
    .command = order_command,
    .client_order_id_max = BYBIT_CLIENT_ID_MAX,
    .client_order_id_charset = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
    .replace_keeps_id = true,
    .has_positions = true,
};
