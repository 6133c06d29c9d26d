#include "common/pure/instrument.h"
#include "venues/okx/order.h"

#include <stdio.h>
#include <stdlib.h>

#define PING_AFTER_NS       (5 * NS_PER_S)
#define SILENCE_NS          (15 * NS_PER_S)
#define LOGIN_ANSWER_NS     (5 * NS_PER_S)
#define DEFAULT_TIMEOUT_NS  (5 * NS_PER_S)
#define DEFAULT_DEADLINE_MS 5000
#define METADATA_EVERY_NS   (3600 * NS_PER_S)
#define METADATA_RETRY_NS   (10 * NS_PER_S)
#define WINDOW_NS           (2 * NS_PER_S)

/* ---- instruments ---- */

void okx_account_level(struct okx_side *side, int level)
{
    if (level == side->account_level)
        return;
    side->account_level = level;
    for (unsigned i = 0; i < side->listed_count; i++)
        if (side->listed[i].is_defined)
            okx_order_prepare(&side->listed[i], level);
}

void okx_take_meta(void *ctx, const struct okx_meta *meta)
{
    const struct okx_turn *turn = ctx;
    struct okx_side *side = turn->side;
    struct okx_listed *listed = NULL;
    struct venue_report report;

    for (unsigned i = 0; *meta->name && !listed && i < side->listed_count; i++)
        if (strcmp(side->listed[i].name, meta->name) == 0 &&
            (!*side->listed[i].symbol || strcmp(side->listed[i].symbol, meta->inst_id) == 0))
            listed = &side->listed[i];
    if (!listed)
        return;
    struct okx_scale scale = listed->is_defined ? listed->scale : okx_scale_of(meta);
    if (okx_definition(meta, &scale, side->maker_ppm, side->taker_ppm, &listed->definition) != 0) {
        okx_note(turn, "definition_refused",
                 "%s: a step or contract that the exponents fixed before cannot hold",
                 meta->inst_id);
        return;
    }
    snprintf(listed->symbol, sizeof(listed->symbol), "%s", meta->inst_id);
    listed->instrument = listed->definition.header.instrument;
    listed->kind = meta->kind;
    listed->scale = scale;
    listed->inst_code = meta->inst_code;
    listed->is_defined = true;
    okx_order_prepare(listed, side->account_level);
    okx_report_begin(turn, &report, REPORT_INSTRUMENT, NULL);
    (void)okx_report_instrument(side, &report, listed->symbol, listed->kind);
    report.definition = &listed->definition;
    okx_report(turn, &report);
}

/* ---- the venue's limit of orders on one instrument ---- */

static void window_report(const struct okx_turn *turn, struct okx_listed *listed)
{
    struct venue_report report;

    if (listed->window.count == listed->window.reported)
        return;
    listed->window.reported = listed->window.count;
    okx_report_begin(turn, &report, REPORT_LIMITS, NULL);
    (void)okx_report_instrument(turn->side, &report, listed->symbol, listed->kind);
    report.used = listed->window.count;
    report.limit = OKX_ORDERS_PER_WINDOW;
    okx_report(turn, &report);
}

void okx_charge(const struct okx_turn *turn, const struct venue_command *command)
{
    struct okx_listed *listed = okx_listed_of(turn->side, command->symbol);
    int64_t now = turn->clock->now_ns;

    /* Amendments have a pool of the same size: counted with the orders, on the safe side. */
    if (!listed || (command->op != OP_PLACE && command->op != OP_REPLACE))
        return;
    if (now - listed->window.began_ns >= WINDOW_NS) {
        listed->window.began_ns = now;
        listed->window.count = 0;
    }
    listed->window.count++;
}

static void report_limits(const struct okx_turn *turn)
{
    struct okx_side *side = turn->side;

    for (unsigned i = 0; i < side->listed_count; i++) {
        struct okx_listed *listed = &side->listed[i];
        if (turn->clock->now_ns - listed->window.began_ns >= WINDOW_NS)
            listed->window.count = 0;
        window_report(turn, listed);
    }
}

/* ---- commands ---- */

static int command_ws(const struct okx_turn *turn, const struct venue_command *command)
{
    struct okx_side *side = turn->side;
    struct okx_pending *pending = okx_pending_new(turn, command);

    if (!pending)
        return ERR_FULL;
    pending->is_ws = true;
    int len = okx_frame_write(side, command, pending->id,
                              okx_deadline(side, command, turn->clock->wall_ns), side->frame,
                              sizeof(side->frame));
    int err = len < 0
                  ? len
                  : turn->out->send(turn->out->ctx, OKX_ORDER_CONNECTION, side->frame, (size_t)len);
    if (err) {
        (void)okx_pending_end(side, pending);
        return err;
    }
    pending->is_sent_once = true;
    okx_charge(turn, command);
    return 0;
}

/* What the venue does not have is refused before anything leaves. */
static int check(const struct venue_command *command)
{
    enum okx_form form;

    if (command->transport == TRANSPORT_WS && !okx_is_about_order(command->op))
        return ERR_UNSUPPORTED;
    return command->op == OP_PLACE ? okx_form_of(command, &form) : 0;
}

/* Answers that count contracts, or lists that depend on whether there are any. */
static bool needs_metadata(enum venue_op op)
{
    return op == OP_QUERY || op == OP_OPEN_ORDERS || op == OP_EXECUTIONS || op == OP_POSITIONS ||
           op == OP_ACCOUNT_MODE;
}

static int order_command(void *state, const struct venue_command *command,
                         const struct venue_clock *clock, const struct venue_out *out)
{
    struct okx_side *side = state;
    struct okx_turn turn = { side, clock, out };
    const struct okx_listed *listed = okx_listed_of(side, command->symbol);
    int err = check(command);

    if (err)
        return err;
    bool is_public = command->op == OP_SERVER_TIME || command->op == OP_INSTRUMENTS;
    if (!is_public && clock->now_ns < side->hold_until_ns)
        return ERR_CLOSED;
    if (!side->has_metadata && needs_metadata(command->op))
        return ERR_CLOSED;
    bool may_ws = side->is_open && side->is_logged_in && okx_is_about_order(command->op) &&
                  listed && listed->inst_code != 0;
    if (command->transport == TRANSPORT_WS || (command->transport == TRANSPORT_BEST && may_ws))
        return command_ws(&turn, command);
    err = okx_rest_begin(&turn, command, false);
    if (!err)
        okx_charge(&turn, command);
    return err;
}

/* ---- time passes ---- */

static void keep_alive(const struct okx_turn *turn)
{
    struct okx_side *side = turn->side;
    int64_t now = turn->clock->now_ns, silent_ns = now - side->last_message_ns;

    if (!side->is_open || side->is_reconnecting)
        return;
    bool is_due = side->reconnect_at_ns != 0 && now >= side->reconnect_at_ns;
    bool is_mute = side->login_sent_ns != 0 && now - side->login_sent_ns > LOGIN_ANSWER_NS;
    if (is_due || is_mute || silent_ns > SILENCE_NS) {
        side->is_reconnecting = true;
        turn->out->reconnect(turn->out->ctx, OKX_ORDER_CONNECTION,
                             is_due ? REASON_RENEWAL : REASON_SILENCE);
    } else if (silent_ns > PING_AFTER_NS && now - side->ping_ns > PING_AFTER_NS &&
               turn->out->send(turn->out->ctx, OKX_ORDER_CONNECTION, "ping", 4) == 0) {
        side->ping_ns = now;
    }
}

static void ask_metadata(const struct okx_turn *turn)
{
    static const struct venue_command lists = { .op = OP_INSTRUMENTS };
    bool has_all = true;

    for (unsigned i = 0; i < turn->side->listed_count; i++)
        has_all &= turn->side->listed[i].is_defined;
    turn->side->metadata_at_ns =
        turn->clock->now_ns + (has_all ? METADATA_EVERY_NS : METADATA_RETRY_NS);
    if (okx_rest_begin(turn, &lists, true) != 0)
        turn->side->metadata_at_ns = turn->clock->now_ns + NS_PER_S;
}

static void order_tick(void *state, const struct venue_clock *clock, const struct venue_out *out)
{
    struct okx_side *side = state;
    struct okx_turn turn = { side, clock, out };
    int64_t now = clock->now_ns;

    okx_rest_tick(&turn);
    keep_alive(&turn);
    if (now >= side->metadata_at_ns)
        ask_metadata(&turn);
    if (side->is_open && side->login_at_ns != 0 && now >= side->login_at_ns)
        okx_login(&turn);
    if (side->is_logged_in && side->subscribe_at_ns != 0 && now >= side->subscribe_at_ns)
        okx_subscribe(&turn);
    report_limits(&turn);
}

static void order_start(void *state, const struct venue_clock *clock, const struct venue_out *out)
{
    struct okx_turn turn = { state, clock, out };

    ask_metadata(&turn);
}

/* ---- init ---- */

static void order_fini(void *state)
{
    struct okx_side *side = state;

    okx_keys_fini(&side->keys);
    free(side->listed);
    side->listed = NULL;
    secret_wipe(side->frame, sizeof(side->frame));
}

static int list_names(struct okx_side *side, const struct venue_order_config *config)
{
    side->listed = calloc(VENUE_SYMBOLS_MAX, sizeof(*side->listed));
    if (!side->listed)
        return ERR_SYS;
    for (size_t i = 0; i < config->name_count; i++) {
        struct okx_listed *listed = &side->listed[side->listed_count];
        if (strlen(config->names[i]) >= sizeof(listed->name))
            return ERR_RANGE;
        snprintf(listed->name, sizeof(listed->name), "%s", config->names[i]);
        side->listed_count++;
    }
    return 0;
}

static int order_init(void *state, const struct venue_order_config *config)
{
    struct okx_side *side = state;
    int64_t deadline_ms = config->recv_window_ms > 0 ? config->recv_window_ms : DEFAULT_DEADLINE_MS;

    *side = (struct okx_side){ .maker_ppm = config->maker_fee_ppm,
                               .taker_ppm = config->taker_fee_ppm,
                               .deadline_ns = deadline_ms * NS_PER_MS };
    side->timeout_ns = config->order_timeout_ns > 0 ? config->order_timeout_ns : DEFAULT_TIMEOUT_NS;
    okx_url(config->ws_url ? config->ws_url : "", "/ws/v5/private", side->url, sizeof(side->url));
    if (config->name_count > VENUE_SYMBOLS_MAX)
        return ERR_RANGE;
    int err =
        okx_keys_init(&side->keys, config->api_key, config->api_secret, config->api_passphrase);
    if (!err)
        err = list_names(side, config);
    if (err)
        order_fini(side);
    return err;
}

static size_t order_connections(void *state, struct venue_connection *out)
{
    const struct okx_side *side = state;

    out[0] = (struct venue_connection){ .silence_ns = SILENCE_NS };
    snprintf(out[0].url, sizeof(out[0].url), "%s", side->url);
    return 1;
}

const struct venue_order_ops okx_order_ops = {
    .state_size = sizeof(struct okx_side),
    .init = order_init,
    .fini = order_fini,
    .connections = order_connections,
    .start = order_start,
    .opened = okx_order_opened,
    .closed = okx_order_closed,
    .frame = okx_order_frame,
    .http = okx_order_http,
    .tick = order_tick,
    .command = order_command,
    .client_order_id_max = OKX_CLIENT_ID_MAX,
    .client_order_id_charset = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
    .replace_keeps_id = true,
    .has_dead_man = true,
    .has_positions = true,
    .has_place_deadline = true,
};
