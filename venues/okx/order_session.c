#include "common/pure/instrument.h"
#include "venues/okx/order.h"

#include <stdarg.h>
#include <stdio.h>

#define LOGIN_AGAIN_NS (5 * NS_PER_S)
#define CHANNELS_NS    (10 * NS_PER_S) /* Channels unacknowledged for so long: again. */

/* ---- out ---- */

void okx_note(const struct okx_turn *turn, const char *event, const char *format, ...)
{
    char text[256];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    turn->out->note(turn->out->ctx, event, text);
}

struct okx_listed *okx_listed_of(struct okx_side *side, const char *symbol)
{
    for (unsigned i = 0; *symbol && i < side->listed_count; i++)
        if (strcmp(side->listed[i].symbol, symbol) == 0)
            return &side->listed[i];
    return NULL;
}

/* Names wanted that are perpetuals, or not known yet to be none. */
bool okx_trades_swaps(const struct okx_side *side)
{
    for (unsigned i = 0; i < side->listed_count; i++)
        if (side->listed[i].is_defined && side->listed[i].kind == INSTRUMENT_PERPETUAL)
            return true;
    return false;
}

const struct okx_scale *okx_report_instrument(struct okx_side *side, struct venue_report *report,
                                              const char *symbol, wire_instrument_kind kind)
{
    const struct okx_listed *listed = okx_listed_of(side, symbol);
    const struct okx_scale *scale =
        listed && listed->is_defined ? &listed->scale : &okx_scale_plain;

    report->price_exp = (int8_t)scale->price_exp;
    report->qty_exp = (int8_t)scale->qty_exp;
    report->amount_exp = OKX_AMOUNT_EXP;
    report->symbol[0] = '\0';
    report->instrument = 0;
    if (!*symbol)
        return scale;
    snprintf(report->symbol, sizeof(report->symbol), "%s", symbol);
    report->instrument_kind = listed ? listed->kind : kind;
    report->instrument = instrument_id("okx", report->instrument_kind, symbol);
    return scale;
}

void okx_report_begin(const struct okx_turn *turn, struct venue_report *report,
                      enum venue_report_kind kind, const struct okx_pending *pending)
{
    *report = (struct venue_report){ .kind = kind, .cum_qty = -1 };
    if (!pending) {
        (void)okx_report_instrument(turn->side, report, "", INSTRUMENT_SPOT);
        return;
    }
    const struct venue_command *command = &pending->command;
    report->op = command->op;
    report->request_id = command->request_id;
    snprintf(report->client_order_id, sizeof(report->client_order_id), "%s",
             command->client_order_id);
    snprintf(report->exchange_order_id, sizeof(report->exchange_order_id), "%s",
             command->exchange_order_id);
    report->side = command->side;
    (void)okx_report_instrument(turn->side, report, command->symbol,
                                command->instrument_kind ? command->instrument_kind
                                                         : INSTRUMENT_SPOT);
}

void okx_report(const struct okx_turn *turn, const struct venue_report *report)
{
    turn->out->report(turn->out->ctx, report);
}

/* ---- commands without their answer ---- */

struct okx_pending *okx_pending_new(const struct okx_turn *turn,
                                    const struct venue_command *command)
{
    struct okx_side *side = turn->side;

    for (unsigned i = 0; side->pending_count < OKX_PENDING_MAX && i < OKX_PENDING_MAX; i++) {
        /* The slot after the last one is nearly always free. */
        uint64_t id = ++side->generation;
        struct okx_pending *pending = &side->pending[id % OKX_PENDING_MAX];
        if (id == 0 || pending->id != 0)
            continue;
        *pending = (struct okx_pending){ .id = id,
                                         .command = *command,
                                         .begun_ns = turn->clock->now_ns,
                                         .sent_wall_ns = turn->clock->wall_ns };
        side->pending_count++;
        return pending;
    }
    return NULL;
}

struct okx_pending *okx_pending_of(struct okx_side *side, uint64_t id)
{
    struct okx_pending *pending = &side->pending[id % OKX_PENDING_MAX];

    return id != 0 && pending->id == id ? pending : NULL;
}

struct okx_pending okx_pending_end(struct okx_side *side, struct okx_pending *pending)
{
    struct okx_pending gone = *pending;

    if (side->sweep.id == gone.id)
        side->sweep.id = 0;
    pending->id = 0;
    side->pending_count--;
    return gone;
}

bool okx_is_about_order(enum venue_op op)
{
    return op == OP_PLACE || op == OP_CANCEL || op == OP_REPLACE;
}

void okx_done(const struct okx_turn *turn, struct okx_pending *pending)
{
    struct okx_pending gone = okx_pending_end(turn->side, pending);
    struct venue_report report;

    if (gone.is_own)
        return;
    okx_report_begin(turn, &report, REPORT_DONE, &gone);
    okx_report(turn, &report);
}

/* ---- how a command ends badly ---- */

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

void okx_back_off(const struct okx_turn *turn, int64_t wait_ns, wire_reason why, const char *text)
{
    struct venue_report report;

    okx_report_begin(turn, &report, REPORT_BACK_OFF, NULL);
    report.until_ns = turn->clock->now_ns + wait_ns;
    report.why = why;
    snprintf(report.text, sizeof(report.text), "%s", text);
    okx_report(turn, &report);
}

void okx_consequences(const struct okx_turn *turn, const struct okx_error *error, const char *text,
                      size_t len)
{
    char words[96];

    snprintf(words, sizeof(words), "%.*s", (int)MIN(len, sizeof(words) - 1), text);
    if (error->back_off_ns > 0)
        okx_back_off(turn, error->back_off_ns, error->why, words);
    if (error->kind == OKX_FATAL && error->back_off_ns > 0) {
        turn->side->hold_until_ns = turn->clock->now_ns + error->back_off_ns;
        okx_note(turn, "auth_refused", "nothing private for %lld s: %s",
                 (long long)(error->back_off_ns / NS_PER_S), words);
    }
    if (error->kind == OKX_LOGIN && turn->side->is_open) {
        turn->side->is_logged_in = false;
        turn->side->login_at_ns = turn->clock->now_ns;
        okx_update_channels(turn, error->why, words);
    }
}

void okx_fail(const struct okx_turn *turn, struct okx_pending *pending, int code, const char *text,
              size_t len)
{
    struct okx_error error = okx_error_of(code);
    struct okx_pending gone = okx_pending_end(turn->side, pending);
    bool is_unknown = error.kind == OKX_UNKNOWN && okx_is_about_order(gone.command.op);
    struct venue_report report;

    if (!gone.is_own) {
        bool is_gone = gone.command.op == OP_QUERY && error.why == REASON_VENUE_UNKNOWN_ORDER;
        okx_report_begin(turn, &report,
                         is_gone      ? REPORT_NO_SUCH_ORDER
                         : is_unknown ? REPORT_OUTCOME_UNKNOWN
                                      : refusal_of(gone.command.op),
                         &gone);
        report.why = error.why;
        snprintf(report.text, sizeof(report.text), "%d %.*s", code,
                 (int)MIN(len, sizeof(report.text) - 16), text);
        okx_report(turn, &report);
    }
    okx_consequences(turn, &error, text, len);
}

void okx_fail_silent(const struct okx_turn *turn, struct okx_pending *pending,
                     enum okx_silence what, const char *text)
{
    struct okx_pending gone = okx_pending_end(turn->side, pending);
    bool has_left = what == SILENCE_NO_ANSWER || gone.is_sent_once;
    struct venue_report report;

    if (gone.is_own)
        return;
    okx_report_begin(turn, &report,
                     !okx_is_about_order(gone.command.op) ? REPORT_FAILED
                     : has_left                           ? REPORT_OUTCOME_UNKNOWN
                                                          : REPORT_NEVER_SENT,
                     &gone);
    report.why = has_left ? REASON_TRANSPORT : REASON_NEVER_SENT;
    snprintf(report.text, sizeof(report.text), "%s", text);
    okx_report(turn, &report);
}

/* ---- the session ---- */

bool okx_is_stream_up(const struct okx_side *side)
{
    return side->is_logged_in && side->is_stream_up[STREAM_ORDERS] &&
           side->is_stream_up[STREAM_ACCOUNT] &&
           (side->is_stream_up[STREAM_POSITIONS] || !okx_trades_swaps(side));
}

void okx_update_channels(const struct okx_turn *turn, wire_reason why, const char *text)
{
    struct okx_side *side = turn->side;
    struct venue_report report;
    bool is_order_up = side->is_open && side->is_logged_in;
    bool is_stream_up = okx_is_stream_up(side);

    if (is_order_up == side->was_order_up && is_stream_up == side->was_stream_up)
        return;
    side->was_order_up = is_order_up;
    side->was_stream_up = is_stream_up;
    okx_report_begin(turn, &report, REPORT_CHANNEL, NULL);
    report.is_order_channel_up = is_order_up;
    report.is_private_stream_up = is_stream_up;
    report.why = why;
    snprintf(report.text, sizeof(report.text), "%s", text);
    okx_report(turn, &report);
}

void okx_login(const struct okx_turn *turn)
{
    struct okx_side *side = turn->side;

    side->login_at_ns = 0;
    if (!side->keys.is_set) {
        okx_note(turn, "no_keys", "no private session without an API key");
        return;
    }
    int len = okx_login_write(&side->keys, turn->clock->wall_ns, side->frame, sizeof(side->frame));
    if (len < 0 ||
        turn->out->send(turn->out->ctx, OKX_ORDER_CONNECTION, side->frame, (size_t)len) != 0)
        side->login_at_ns = turn->clock->now_ns + NS_PER_S;
    else
        side->login_sent_ns = turn->clock->now_ns;
    secret_wipe(side->frame, sizeof(side->frame));
}

/* Positions are asked for before it is known whether swaps are traded: no harm where they are not.
 */
void okx_subscribe(const struct okx_turn *turn)
{
    static const char text[] =
        "{\"id\":\"s1\",\"op\":\"subscribe\",\"args\":["
        "{\"channel\":\"orders\",\"instType\":\"ANY\"},{\"channel\":\"account\"},"
        "{\"channel\":\"balance_and_position\"},"
        "{\"channel\":\"positions\",\"instType\":\"SWAP\"}]}";
    struct okx_side *side = turn->side;

    side->subscribe_at_ns = turn->clock->now_ns + CHANNELS_NS;
    (void)turn->out->send(turn->out->ctx, OKX_ORDER_CONNECTION, text, sizeof(text) - 1);
}

void okx_logged_in(const struct okx_turn *turn)
{
    struct okx_side *side = turn->side;

    side->is_logged_in = true;
    side->login_sent_ns = side->login_at_ns = 0;
    okx_update_channels(turn, REASON_START, "");
    okx_subscribe(turn);
}

/* A clock that is off is measured by the engine; keys that are wrong stay wrong for a while. */
void okx_login_failed(const struct okx_turn *turn, int code, const char *text, size_t len)
{
    struct okx_side *side = turn->side;
    struct okx_error error = okx_error_of(code);

    okx_note(turn, "login_refused", "%d %.*s", code, (int)MIN(len, 120), text);
    side->login_sent_ns = 0;
    side->is_logged_in = false;
    okx_consequences(turn, &error, text, len);
    side->login_at_ns = MAX(turn->clock->now_ns + LOGIN_AGAIN_NS, side->hold_until_ns);
    /* "Second login on this connection": as good as logged in is not known; a new one is. */
    if (code == 60031 && !side->is_reconnecting) {
        side->is_reconnecting = true;
        turn->out->reconnect(turn->out->ctx, OKX_ORDER_CONNECTION, REASON_VENUE_AUTH);
    }
}

void okx_order_opened(void *state, unsigned connection, const struct venue_clock *clock,
                      const struct venue_out *out)
{
    struct okx_side *side = state;
    struct okx_turn turn = { side, clock, out };
    (void)connection;

    side->is_open = true;
    side->is_reconnecting = false;
    side->is_logged_in = false;
    side->last_message_ns = clock->now_ns;
    side->ping_ns = side->reconnect_at_ns = side->subscribe_at_ns = side->login_sent_ns = 0;
    memset(side->is_stream_up, 0, sizeof(side->is_stream_up));
    side->login_at_ns = 0;
    if (!side->has_metadata)
        return; /* Its news could not be read yet; the login follows the lists. */
    if (clock->now_ns >= side->hold_until_ns)
        okx_login(&turn);
    else
        side->login_at_ns = side->hold_until_ns;
}

void okx_order_closed(void *state, unsigned connection, const struct venue_clock *clock,
                      const struct venue_out *out)
{
    struct okx_side *side = state;
    struct okx_turn turn = { side, clock, out };
    (void)connection;

    side->is_open = side->is_logged_in = false;
    side->login_at_ns = side->login_sent_ns = side->subscribe_at_ns = side->reconnect_at_ns = 0;
    memset(side->is_stream_up, 0, sizeof(side->is_stream_up));
    okx_update_channels(&turn, REASON_DISCONNECTED, "connection closed");
    /* What waited for news, or for an answer on this connection, gets neither. */
    for (unsigned i = 0; i < OKX_PENDING_MAX && side->pending_count > 0; i++) {
        struct okx_pending *pending = &side->pending[i];
        if (pending->id != 0 && (pending->is_ws || pending->is_accepted))
            okx_fail_silent(&turn, pending, SILENCE_NO_ANSWER,
                            pending->is_accepted ? "connection closed before the order's news"
                                                 : "connection closed before an answer");
    }
}
