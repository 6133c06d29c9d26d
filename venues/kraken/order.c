#include "common/leaf/fixed.h"
#include "common/pure/instrument.h"
#include "venues/kraken/order.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define PING_AFTER_NS       (5 * NS_PER_S)
#define SILENCE_NS          (10 * NS_PER_S)
#define CHANNEL_ANSWER_NS   (10 * NS_PER_S)
#define METADATA_EVERY_NS   (3600 * NS_PER_S)
#define DEFAULT_TIMEOUT_NS  (5 * NS_PER_S)
#define DEFAULT_DEADLINE_MS 5000
/* What the venue takes for a deadline over WebSocket. */
#define DEADLINE_MIN_MS 500
#define DEADLINE_MAX_MS 60000

enum { TOKEN_ATTEMPTS_MAX = 5 };

/* Printed where no session ever was: a request that is shown, not sent. */
static const char no_token[] = "TOKEN";

/* ---- out ---- */

void kraken_note(const struct kraken_turn *turn, const char *event, const char *format, ...)
{
    char text[256];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    turn->out->note(turn->out->ctx, event, text);
}

struct kraken_listed *kraken_listed_of(struct kraken_side *side, const char *symbol)
{
    for (unsigned i = 0; i < side->listed_count; i++)
        if (strcmp(side->listed[i].symbol, symbol) == 0)
            return &side->listed[i];
    return NULL;
}

void kraken_report_instrument(struct kraken_side *side, struct venue_report *report,
                              const char *symbol)
{
    const struct kraken_listed *listed = kraken_listed_of(side, symbol);

    report->price_exp = report->qty_exp = report->amount_exp = KRAKEN_EXP;
    if (!*symbol)
        return;
    snprintf(report->symbol, sizeof(report->symbol), "%s", symbol);
    report->instrument =
        listed ? listed->instrument : instrument_id("kraken", INSTRUMENT_SPOT, symbol);
    if (listed && listed->is_defined) {
        report->price_exp = listed->definition.price_exp;
        report->qty_exp = listed->definition.qty_exp;
    }
}

void kraken_report_begin(const struct kraken_turn *turn, struct venue_report *report,
                         enum venue_report_kind kind, const struct venue_command *command)
{
    char symbol[32] = "";

    *report = (struct venue_report){ .kind = kind, .cum_qty = -1 };
    if (command) {
        report->op = command->op;
        report->request_id = command->request_id;
        snprintf(report->client_order_id, sizeof(report->client_order_id), "%s",
                 command->client_order_id);
        snprintf(report->exchange_order_id, sizeof(report->exchange_order_id), "%s",
                 command->exchange_order_id);
        (void)kraken_symbol_of(command->symbol, symbol);
    }
    kraken_report_instrument(turn->side, report, symbol);
}

void kraken_report(const struct kraken_turn *turn, const struct venue_report *report)
{
    turn->out->report(turn->out->ctx, report);
}

/* ---- how a command ends badly ---- */

static bool is_about_order(enum venue_op op)
{
    return op == OP_PLACE || op == OP_CANCEL || op == OP_REPLACE;
}

static enum venue_report_kind refusal_of(enum venue_op op)
{
    switch (op) {
    case OP_PLACE:
        return REPORT_REJECTED;
    case OP_CANCEL:
        return REPORT_CANCEL_REJECTED;
    case OP_REPLACE:
        return REPORT_REPLACE_REJECTED;
    default:
        return REPORT_FAILED;
    }
}

void kraken_fail(const struct kraken_turn *turn, const struct venue_command *command,
                 const struct kraken_error *error, const char *text, size_t len)
{
    struct venue_report report;
    bool is_unknown = error->kind == KRAKEN_UNKNOWN && is_about_order(command->op);

    kraken_report_begin(turn, &report,
                        is_unknown ? REPORT_OUTCOME_UNKNOWN : refusal_of(command->op), command);
    report.why = error->why;
    /* "Invalid order" of a new order is about its fields; of an old one, that there is none. */
    if (command->op == OP_PLACE && report.why == REASON_VENUE_UNKNOWN_ORDER)
        report.why = REASON_VENUE_FILTER;
    snprintf(report.text, sizeof(report.text), "%.*s", (int)MIN(len, sizeof(report.text) - 1),
             text);
    kraken_report(turn, &report);
}

void kraken_fail_silent(const struct kraken_turn *turn, const struct venue_command *command,
                        enum kraken_silence what, const char *text)
{
    struct venue_report report;
    bool is_order = is_about_order(command->op);
    bool has_left = what == SILENCE_NO_ANSWER;

    kraken_report_begin(turn, &report,
                        !is_order  ? REPORT_FAILED
                        : has_left ? REPORT_OUTCOME_UNKNOWN
                                   : REPORT_NEVER_SENT,
                        command);
    report.why = has_left ? REASON_TRANSPORT : REASON_NEVER_SENT;
    snprintf(report.text, sizeof(report.text), "%s", text);
    kraken_report(turn, &report);
}

static void report_limit(const struct kraken_turn *turn, const struct kraken_listed *listed,
                         uint32_t used, uint32_t limit)
{
    struct venue_report report;

    kraken_report_begin(turn, &report, REPORT_LIMITS, NULL);
    if (listed)
        kraken_report_instrument(turn->side, &report, listed->symbol);
    report.used = used;
    report.limit = limit;
    kraken_report(turn, &report);
}

static struct kraken_listed *listed_of_command(const struct kraken_turn *turn,
                                               const struct venue_command *command)
{
    char symbol[32];

    return kraken_symbol_of(command->symbol, symbol) == 0 ? kraken_listed_of(turn->side, symbol)
                                                          : NULL;
}

void kraken_consequences(const struct kraken_turn *turn, const struct venue_command *command,
                         const struct kraken_error *error)
{
    struct kraken_side *side = turn->side;
    int64_t now = turn->clock->now_ns;
    struct venue_report report;

    if (error->back_off_ns > 0) {
        kraken_report_begin(turn, &report, REPORT_BACK_OFF, NULL);
        report.until_ns = now + error->back_off_ns;
        report.why = error->why;
        kraken_report(turn, &report);
    }
    if (error->kind == KRAKEN_FATAL && error->back_off_ns > 0) {
        side->hold_until_ns = now + error->back_off_ns;
        kraken_note(turn, "auth_refused", "nothing private for %lld s",
                    (long long)(error->back_off_ns / NS_PER_S));
    }
    if (error->kind == KRAKEN_REAUTH)
        kraken_drop_token(turn, NS_PER_S, error->why, "session not valid");
    struct kraken_listed *listed = command ? listed_of_command(turn, command) : NULL;
    if (listed && is_about_order(command->op) && error->why == REASON_VENUE_RATE_LIMIT &&
        error->back_off_ns == 0) {
        int64_t full = (int64_t)side->tier->engine_max * 1000;
        listed->counter.milli = MAX(listed->counter.milli, full);
        listed->counter.at_ns = now;
        listed->counter.reported = side->tier->engine_max;
        report_limit(turn, listed, side->tier->engine_max, side->tier->engine_max);
    }
}

/* ---- session ---- */

void kraken_update_channels(const struct kraken_turn *turn, wire_reason why, const char *text)
{
    struct kraken_side *side = turn->side;
    struct venue_report report;
    bool is_order_up = side->is_open && *side->token;
    bool is_stream_up = is_order_up && side->channels[CHANNEL_EXECUTIONS].is_up &&
                        side->channels[CHANNEL_BALANCES].is_up;

    if (is_order_up == side->was_order_up && is_stream_up == side->was_stream_up)
        return;
    side->was_order_up = is_order_up;
    side->was_stream_up = is_stream_up;
    kraken_report_begin(turn, &report, REPORT_CHANNEL, NULL);
    report.is_order_channel_up = is_order_up;
    report.is_private_stream_up = is_stream_up;
    report.why = why;
    snprintf(report.text, sizeof(report.text), "%s", text);
    kraken_report(turn, &report);
}

void kraken_subscribe(const struct kraken_turn *turn, enum kraken_channel_id id, bool is_again)
{
    struct kraken_side *side = turn->side;
    struct kraken_channel *channel = &side->channels[id];
    static const struct {
        const char *name, *options;
    } words[CHANNEL_COUNT] = {
        [CHANNEL_EXECUTIONS] = { "executions",
                                 "\"snap_orders\":true,\"snap_trades\":true,\"order_status\":true,"
                                 "\"ratecounter\":true," },
        [CHANNEL_BALANCES] = { "balances", "\"snapshot\":true," },
    };
    char text[KRAKEN_TOKEN_MAX + 256];
    int len;

    if (is_again) {
        len =
            snprintf(text, sizeof(text),
                     "{\"method\":\"unsubscribe\",\"params\":{\"channel\":\"%s\",\"token\":\"%s\"},"
                     "\"req_id\":%llu}",
                     words[id].name, side->token, (unsigned long long)++side->req_id);
        (void)turn->out->send(turn->out->ctx, KRAKEN_ORDER_CONNECTION, text, (size_t)len);
    }
    channel->req_id = ++side->req_id;
    channel->is_up = false;
    channel->sequence = 0;
    channel->ask_at_ns = turn->clock->now_ns + CHANNEL_ANSWER_NS;
    len = snprintf(text, sizeof(text),
                   "{\"method\":\"subscribe\",\"params\":{\"channel\":\"%s\",%s\"token\":\"%s\"},"
                   "\"req_id\":%llu}",
                   words[id].name, words[id].options, side->token,
                   (unsigned long long)channel->req_id);
    (void)turn->out->send(turn->out->ctx, KRAKEN_ORDER_CONNECTION, text, (size_t)len);
}

/* Templates hold the token: made anew with it. */
static void prepare_templates(struct kraken_side *side)
{
    for (unsigned i = 0; i < side->listed_count; i++)
        for (unsigned form = 0; form < FORM_COUNT; form++) {
            struct kraken_listed *listed = &side->listed[i];
            (void)kraken_order_prepare(&listed->place[0][form], listed->symbol, SIDE_BUY, form,
                                       side->token);
            (void)kraken_order_prepare(&listed->place[1][form], listed->symbol, SIDE_SELL, form,
                                       side->token);
        }
}

/* A token goes unescaped into every frame. */
static bool token_is_plain(const char *token)
{
    size_t len = strlen(token);

    for (size_t i = 0; i < len; i++)
        if (token[i] <= ' ' || token[i] > '~' || token[i] == '"' || token[i] == '\\')
            return false;
    return len > 0 && len < KRAKEN_TOKEN_MAX;
}

void kraken_take_token(const struct kraken_turn *turn, const char *token)
{
    struct kraken_side *side = turn->side;

    if (!side->is_open)
        return;
    if (!token_is_plain(token)) {
        kraken_drop_token(turn, 10 * NS_PER_S, REASON_BAD_BYTES, "token of unknown form");
        return;
    }
    snprintf(side->token, sizeof(side->token), "%s", token);
    side->token_at_ns = 0;
    side->token_attempt = 0;
    prepare_templates(side);
    kraken_subscribe(turn, CHANNEL_EXECUTIONS, false);
    kraken_subscribe(turn, CHANNEL_BALANCES, false);
    kraken_update_channels(turn, REASON_START, "");
}

void kraken_drop_token(const struct kraken_turn *turn, int64_t wait_ns, wire_reason why,
                       const char *text)
{
    struct kraken_side *side = turn->side;

    side->token[0] = '\0';
    side->token_tag = 0;
    side->token_attempt = MIN(side->token_attempt + 1, TOKEN_ATTEMPTS_MAX);
    side->token_at_ns =
        side->is_open ? turn->clock->now_ns + (wait_ns << (side->token_attempt - 1)) : 0;
    for (unsigned i = 0; i < CHANNEL_COUNT; i++)
        side->channels[i] = (struct kraken_channel){ 0 };
    kraken_update_channels(turn, why, text);
}

static void ask_token(const struct kraken_turn *turn)
{
    static const struct venue_command none;
    struct kraken_side *side = turn->side;

    if (!side->keys.is_set) {
        side->token_at_ns = 0;
        kraken_note(turn, "no_keys", "no private session without an API key");
        return;
    }
    /* Without an answer for a minute: again. */
    side->token_at_ns = turn->clock->now_ns + 60 * NS_PER_S;
    if (kraken_rest_begin(turn, &none, STEP_TOKEN) != 0)
        side->token_at_ns = turn->clock->now_ns + NS_PER_S;
}

static void order_opened(void *state, unsigned connection, const struct venue_clock *clock,
                         const struct venue_out *out)
{
    struct kraken_side *side = state;
    struct kraken_turn turn = { side, clock, out };
    (void)connection;

    side->is_open = true;
    side->is_reconnecting = false;
    side->last_message_ns = clock->now_ns;
    side->ping_ns = 0;
    side->token[0] = '\0';
    side->token_attempt = 0;
    if (clock->now_ns >= side->hold_until_ns)
        ask_token(&turn);
    else
        side->token_at_ns = side->hold_until_ns;
}

static void fail_all_ws(const struct kraken_turn *turn, const char *text)
{
    struct kraken_side *side = turn->side;

    for (unsigned i = 0; i < KRAKEN_WS_PENDING && side->ws_count > 0; i++) {
        if (side->ws[i].req_id == 0)
            continue;
        struct venue_command command = side->ws[i].command;
        side->ws[i].req_id = 0;
        side->ws_count--;
        kraken_fail_silent(turn, &command, SILENCE_NO_ANSWER, text);
    }
}

static void order_closed(void *state, unsigned connection, const struct venue_clock *clock,
                         const struct venue_out *out)
{
    struct kraken_side *side = state;
    struct kraken_turn turn = { side, clock, out };
    (void)connection;

    side->is_open = false;
    kraken_drop_token(&turn, NS_PER_S, REASON_DISCONNECTED, "connection closed");
    fail_all_ws(&turn, "connection closed before an answer");
}

/* ---- commands ---- */

static bool ws_takes(enum venue_op op)
{
    return op == OP_PLACE || op == OP_CANCEL || op == OP_REPLACE || op == OP_CANCEL_ALL ||
           op == OP_DEAD_MAN || op == OP_SERVER_TIME;
}

void kraken_charge(const struct kraken_turn *turn, const struct venue_command *command)
{
    struct kraken_side *side = turn->side;
    struct kraken_listed *listed = listed_of_command(turn, command);
    const struct kraken_known *known = NULL;
    int64_t now = turn->clock->now_ns, age = 0;

    if (!listed || !is_about_order(command->op))
        return;
    if (command->op != OP_PLACE)
        known = *command->exchange_order_id
                    ? kraken_cache_find(&side->cache, command->exchange_order_id)
                    : kraken_cache_by_client_id(&side->cache, command->client_order_id);
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
    const char *token = side->is_open ? side->token : no_token;
    int64_t deadline_ns = turn->clock->wall_ns + side->deadline_ns;
    uint64_t req_id = side->req_id + 1;
    struct kraken_ws_pending *pending = &side->ws[req_id % KRAKEN_WS_PENDING];

    if (!*token && command->op != OP_SERVER_TIME)
        return ERR_CLOSED; /* Connected, the token is on its way. */
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
            report_limit(turn, listed, used, side->tier->engine_max);
        listed->counter.reported = used;
    }
    uint32_t used =
        whole(kraken_counter_now(&side->rest_counter, side->tier->rest_milli_per_s, now));
    if (used != side->rest_counter.reported)
        report_limit(turn, NULL, used, side->tier->rest_max);
    side->rest_counter.reported = used;
}

static void ask_metadata(const struct kraken_turn *turn)
{
    static const struct venue_command none;

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
    /* A turn has one nonce: either of the two signs. */
    if (side->is_open && side->token_at_ns != 0 && now >= side->token_at_ns &&
        now >= side->hold_until_ns)
        ask_token(&turn);
    else
        kraken_rest_tick(&turn);
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
    kraken_cache_fini(&side->cache);
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
        err = kraken_cache_init(&side->cache);
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
    .opened = order_opened,
    .closed = order_closed,
    .frame = kraken_order_frame,
    .http = kraken_order_http,
    .tick = order_tick,
    .command = order_command,
    .client_order_id_max = KRAKEN_CLIENT_ID_MAX,
    .client_order_id_charset = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_",
    .replace_keeps_id = true,
    .has_dead_man = true,
    .serial_private_rest = true,
};
