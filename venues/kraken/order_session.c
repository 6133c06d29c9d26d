#include "common/pure/instrument.h"
#include "venues/kraken/order.h"

#include <stdarg.h>
#include <stdio.h>

#define CHANNEL_ANSWER_NS (10 * NS_PER_S)

enum { TOKEN_ATTEMPTS_MAX = 5 };

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
    report->instrument_kind = INSTRUMENT_SPOT;
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

bool kraken_is_about_order(enum venue_op op)
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
    bool is_unknown = error->kind == KRAKEN_UNKNOWN && kraken_is_about_order(command->op);

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
    bool is_order = kraken_is_about_order(command->op);
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

void kraken_report_limit(const struct kraken_turn *turn, const struct kraken_listed *listed,
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

struct kraken_listed *kraken_listed_of_command(const struct kraken_turn *turn,
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

    if (!(command && kraken_is_about_order(command->op)) && error->why == REASON_VENUE_RATE_LIMIT &&
        error->kind == KRAKEN_RETRY) {
        /* REST's own counter, which orders do not use: lists wait for it here, trading goes on. */
        int64_t full = (int64_t)side->tier->rest_max * 1000;
        side->rest_counter.milli =
            MAX(kraken_counter_now(&side->rest_counter, side->tier->rest_milli_per_s, now), full);
    } else if (error->back_off_ns > 0) {
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
    struct kraken_listed *listed = command ? kraken_listed_of_command(turn, command) : NULL;
    if (listed && kraken_is_about_order(command->op) && error->why == REASON_VENUE_RATE_LIMIT &&
        error->back_off_ns == 0) {
        int64_t full = (int64_t)side->tier->engine_max * 1000;
        listed->counter.milli = MAX(listed->counter.milli, full);
        listed->counter.at_ns = now;
        listed->counter.reported = side->tier->engine_max;
        kraken_report_limit(turn, listed, side->tier->engine_max, side->tier->engine_max);
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

void kraken_ask_token(const struct kraken_turn *turn)
{
    static const struct venue_command none;
    struct kraken_side *side = turn->side;

    if (!side->keys.is_set) {
        side->token_at_ns = 0;
        kraken_note(turn, "no_keys", "no private session without an API key");
        return;
    }
    /* One question at a time, for the connection there is; without an answer for a minute: again.
     */
    kraken_rest_forget(side, STEP_TOKEN);
    side->token_at_ns = turn->clock->now_ns + 60 * NS_PER_S;
    if (kraken_rest_begin(turn, &none, STEP_TOKEN) != 0)
        side->token_at_ns = turn->clock->now_ns + NS_PER_S;
}

void kraken_order_opened(void *state, unsigned connection, const struct venue_clock *clock,
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
        kraken_ask_token(&turn);
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

void kraken_order_closed(void *state, unsigned connection, const struct venue_clock *clock,
                         const struct venue_out *out)
{
    struct kraken_side *side = state;
    struct kraken_turn turn = { side, clock, out };
    (void)connection;

    side->is_open = false;
    kraken_drop_token(&turn, NS_PER_S, REASON_DISCONNECTED, "connection closed");
    fail_all_ws(&turn, "connection closed before an answer");
}
