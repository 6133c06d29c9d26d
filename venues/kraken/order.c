#include "common/pure/instrument.h"
#include "venues/kraken/order.h"

#include <stdio.h>
#include <stdlib.h>

#define PING_AFTER_NS       (5 * NS_PER_S)
#define SILENCE_NS          (10 * NS_PER_S)
#define DEFAULT_TIMEOUT_NS  (5 * NS_PER_S)
#define DEFAULT_DEADLINE_MS 5000
/* What the venue takes for a deadline over WebSocket. */
#define DEADLINE_MIN_MS 500
#define DEADLINE_MAX_MS 60000

/* Where there is no session: a request that is shown, not sent. */
static const char no_token[] = "TOKEN";

/* ---- commands ---- */

static bool ws_takes(enum venue_op op)
{
    return op == OP_PLACE || op == OP_CANCEL || op == OP_REPLACE || op == OP_CANCEL_ALL ||
           op == OP_DEAD_MAN || op == OP_SERVER_TIME;
}

void kraken_charge(const struct kraken_turn *turn, const struct venue_command *command)
{
    struct kraken_side *side = turn->side;
    struct kraken_listed *listed = kraken_listed_of_command(turn, command);
    const struct order_known *known = NULL;
    int64_t now = turn->clock->now_ns, age = 0;

    if (!listed || !kraken_is_about_order(command->op))
        return;
    if (command->op != OP_PLACE)
        known = *command->exchange_order_id
                    ? order_cache_find(&side->cache, command->exchange_order_id)
                    : order_cache_by_client_id(&side->cache, command->client_order_id);
    if (known && known->changed_ns)
        age = now - known->changed_ns;
    kraken_counter_add(&listed->counter, side->tier->engine_milli_per_s,
                       kraken_engine_cost(command->op, age), now);
}

static int write_place(struct kraken_side *side, const struct venue_command *command,
                       const char *token, int64_t deadline_ns, uint64_t req_id)
{
    struct kraken_template made;
    enum kraken_form form;
    char symbol[32];
    int err = kraken_form_of(command, &form);

    if (!err)
        err = kraken_symbol_of(command->symbol, symbol);
    if (err)
        return err;
    struct kraken_listed *listed = kraken_listed_of(side, symbol);
    const struct kraken_template *template =
        listed ? &listed->place[command->side == SIDE_SELL][form] : NULL;
    if (!template || template->len == 0 || token != side->token) {
        err = kraken_order_prepare(&made, symbol, command->side, form, token);
        template = &made;
    }
    return err ? err
               : kraken_order_fill(template, command, form, deadline_ns, req_id, side->frame,
                                   sizeof(side->frame));
}

static int command_ws(const struct kraken_turn *turn, const struct venue_command *command)
{
    struct kraken_side *side = turn->side;
    /* Asked for by name, a frame is made in any case: --print-request shows it, and the venue would
     * refuse the placeholder. On the best way nothing goes here before there is a token. */
    const char *token = *side->token ? side->token : no_token;
    int64_t valid_ns = command->op == OP_PLACE && command->valid_ns > 0
                           ? MIN(command->valid_ns, KRAKEN_DEADLINE_MAX_NS)
                           : side->deadline_ns;
    int64_t deadline_ns = turn->clock->wall_ns + valid_ns;
    uint64_t req_id = side->req_id + 1;
    struct kraken_ws_pending *pending = &side->ws[req_id % KRAKEN_WS_PENDING];

    if (pending->req_id != 0)
        return ERR_FULL;
    int len = command->op == OP_PLACE ? write_place(side, command, token, deadline_ns, req_id)
                                      : kraken_frame(command, token, deadline_ns, req_id,
                                                     side->frame, sizeof(side->frame));
    if (len < 0)
        return len;
    int err = turn->out->send(turn->out->ctx, KRAKEN_ORDER_CONNECTION, side->frame, (size_t)len);
    if (err)
        return err;
    side->req_id = req_id;
    pending->req_id = req_id;
    pending->command = *command;
    pending->sent_ns = turn->clock->now_ns;
    pending->sent_wall_ns = turn->clock->wall_ns;
    side->ws_count++;
    kraken_charge(turn, command);
    return 0;
}

/* A command as the venue has one: what it does not have is refused before anything leaves. */
static int check(const struct venue_command *command)
{
    enum kraken_form form;

    if (command->transport == TRANSPORT_WS && !ws_takes(command->op))
        return ERR_UNSUPPORTED;
    if (command->op == OP_PLACE)
        return kraken_form_of(command, &form);
    if (command->op == OP_DEAD_MAN && command->timeout_ns >= 86400 * NS_PER_S)
        return ERR_RANGE;
    return 0;
}

static int order_command(void *state, const struct venue_command *command,
                         const struct venue_clock *clock, const struct venue_out *out)
{
    struct kraken_side *side = state;
    struct kraken_turn turn = { side, clock, out };
    int err = check(command);

    if (err)
        return err;
    bool is_ready = side->is_open && (*side->token || command->op == OP_SERVER_TIME);
    if (command->transport == TRANSPORT_WS ||
        (command->transport == TRANSPORT_BEST && ws_takes(command->op) && is_ready))
        return command_ws(&turn, command);
    bool is_public = command->op == OP_SERVER_TIME || command->op == OP_INSTRUMENTS;
    if (!is_public && clock->now_ns < side->hold_until_ns)
        return ERR_CLOSED;
    err = kraken_rest_begin(&turn, command, STEP_ONLY);
    if (!err)
        kraken_charge(&turn, command);
    return err;
}

/* ---- time passes ---- */

static void expire_ws(const struct kraken_turn *turn)
{
    struct kraken_side *side = turn->side;

    for (unsigned i = 0; i < KRAKEN_WS_PENDING && side->ws_count > 0; i++) {
        struct kraken_ws_pending *pending = &side->ws[i];
        if (pending->req_id == 0 || turn->clock->now_ns - pending->sent_ns < side->timeout_ns)
            continue;
        struct venue_command command = pending->command;
        pending->req_id = 0;
        side->ws_count--;
        kraken_fail_silent(turn, &command, SILENCE_NO_ANSWER, "no answer in time");
    }
}

static void keep_alive(const struct kraken_turn *turn)
{
    struct kraken_side *side = turn->side;
    int64_t silent_ns = turn->clock->now_ns - side->last_message_ns;
    char text[64];

    if (!side->is_open || side->is_reconnecting)
        return;
    if (silent_ns > SILENCE_NS) {
        side->is_reconnecting = true;
        turn->out->reconnect(turn->out->ctx, KRAKEN_ORDER_CONNECTION, REASON_SILENCE);
    } else if (silent_ns > PING_AFTER_NS && side->ping_ns < side->last_message_ns) {
        int len = snprintf(text, sizeof(text), "{\"method\":\"ping\",\"req_id\":%llu}",
                           (unsigned long long)++side->req_id);
        if (turn->out->send(turn->out->ctx, KRAKEN_ORDER_CONNECTION, text, (size_t)len) == 0)
            side->ping_ns = turn->clock->now_ns;
    }
}

static uint32_t whole(int64_t milli)
{
    return (uint32_t)((milli + 999) / 1000);
}

/* Counters that moved by a point since they were last told. */
static void report_limits(const struct kraken_turn *turn)
{
    struct kraken_side *side = turn->side;
    int64_t now = turn->clock->now_ns;

    for (unsigned i = 0; i < side->listed_count; i++) {
        struct kraken_listed *listed = &side->listed[i];
        uint32_t used =
            whole(kraken_counter_now(&listed->counter, side->tier->engine_milli_per_s, now));
        if (used != listed->counter.reported)
            kraken_report_limit(turn, listed, used, side->tier->engine_max);
        listed->counter.reported = used;
    }
    uint32_t used =
        whole(kraken_counter_now(&side->rest_counter, side->tier->rest_milli_per_s, now));
    if (used != side->rest_counter.reported)
        kraken_report_limit(turn, NULL, used, side->tier->rest_max);
    side->rest_counter.reported = used;
}

static void ask_metadata(const struct kraken_turn *turn)
{
    static const struct venue_command none;

    kraken_rest_forget(turn->side, STEP_PAIRS);
    turn->side->metadata_at_ns = turn->clock->now_ns + 60 * NS_PER_S;
    if (kraken_rest_begin(turn, &none, STEP_PAIRS) != 0)
        turn->side->metadata_at_ns = turn->clock->now_ns + NS_PER_S;
}

static void order_tick(void *state, const struct venue_clock *clock, const struct venue_out *out)
{
    struct kraken_side *side = state;
    struct kraken_turn turn = { side, clock, out };
    int64_t now = clock->now_ns;

    expire_ws(&turn);
    keep_alive(&turn);
    if (now >= side->metadata_at_ns)
        ask_metadata(&turn);
    for (unsigned i = 0; i < CHANNEL_COUNT && *side->token; i++)
        if (side->channels[i].ask_at_ns != 0 && now >= side->channels[i].ask_at_ns)
            kraken_subscribe(&turn, i, true);
    bool wants_token = side->is_open && side->token_at_ns != 0 && now >= side->token_at_ns &&
                       now >= side->hold_until_ns;
    if (wants_token)
        kraken_ask_token(&turn);
    kraken_rest_tick(&turn, !wants_token); /* A turn has one nonce. */
    report_limits(&turn);
}

static void order_start(void *state, const struct venue_clock *clock, const struct venue_out *out)
{
    struct kraken_turn turn = { state, clock, out };

    ask_metadata(&turn);
}

/* ---- init ---- */

static void order_fini(void *state)
{
    struct kraken_side *side = state;

    kraken_keys_fini(&side->keys);
    kraken_names_fini(&side->names);
    order_cache_fini(&side->cache);
    free(side->listed);
    side->listed = NULL;
    secret_wipe(side->token, sizeof(side->token));
}

static int list_names(struct kraken_side *side, const struct venue_order_config *config)
{
    side->listed = calloc(VENUE_SYMBOLS_MAX, sizeof(*side->listed));
    if (!side->listed)
        return ERR_SYS;
    for (size_t i = 0; i < config->name_count; i++) {
        struct kraken_listed *listed = &side->listed[side->listed_count];
        char symbol[32];
        int err = kraken_symbol_of(config->names[i], symbol);
        if (err)
            return err;
        if (kraken_listed_of(side, symbol))
            continue;
        snprintf(listed->symbol, sizeof(listed->symbol), "%s", symbol);
        listed->instrument = instrument_id("kraken", INSTRUMENT_SPOT, symbol);
        side->listed_count++;
    }
    return 0;
}

static int order_init(void *state, const struct venue_order_config *config)
{
    struct kraken_side *side = state;
    int64_t deadline_ms = config->recv_window_ms > 0 ? config->recv_window_ms : DEFAULT_DEADLINE_MS;

    *side = (struct kraken_side){ .maker_ppm = config->maker_fee_ppm,
                                  .taker_ppm = config->taker_fee_ppm,
                                  .tier = kraken_tier_of(0) };
    deadline_ms = MAX(MIN(deadline_ms, DEADLINE_MAX_MS), DEADLINE_MIN_MS);
    side->deadline_ns = deadline_ms * NS_PER_MS;
    side->timeout_ns = config->order_timeout_ns > 0 ? config->order_timeout_ns : DEFAULT_TIMEOUT_NS;
    snprintf(side->ws_url, sizeof(side->ws_url), "%s", config->ws_url ? config->ws_url : "");
    if (config->name_count > VENUE_SYMBOLS_MAX)
        return ERR_RANGE;
    int err = kraken_keys_init(&side->keys, config->api_key, config->api_secret);
    if (!err)
        err = list_names(side, config);
    if (!err)
        err = kraken_names_init(&side->names);
    if (!err)
        err = order_cache_init(&side->cache);
    if (err)
        order_fini(side);
    return err;
}

static size_t order_connections(void *state, struct venue_connection *out)
{
    struct kraken_side *side = state;
    size_t len = strlen(side->ws_url);
    bool has_path = len >= 3 && strcmp(side->ws_url + len - 3, "/v2") == 0;

    out[0] = (struct venue_connection){ .silence_ns = SILENCE_NS };
    snprintf(out[0].url, sizeof(out[0].url), "%s%s", side->ws_url, has_path ? "" : "/v2");
    return 1;
}

const struct venue_order_ops kraken_order_ops = {
    .state_size = sizeof(struct kraken_side),
    .init = order_init,
    .fini = order_fini,
    .connections = order_connections,
    .start = order_start,
    .opened = kraken_order_opened,
    .closed = kraken_order_closed,
    .frame = kraken_order_frame,
    .http = kraken_order_http,
    .tick = order_tick,
    .command = order_command,
    .client_order_id_max = KRAKEN_CLIENT_ID_MAX,
    .client_order_id_charset = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_",
    .replace_keeps_id = true,
    .has_dead_man = true,
    .has_place_deadline = true,
    .serial_private_rest = true,
};
