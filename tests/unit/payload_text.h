/* payload_text.h - what a codec says of a payload, as one line of text: events and reports in
 * order, joined with "; ". Long lists are shown by their beginning and their length. */
#ifndef TICKPIPE_TESTS_UNIT_PAYLOAD_TEXT_H
#define TICKPIPE_TESTS_UNIT_PAYLOAD_TEXT_H

#include "common/leaf/fixed.h"
#include "tests/proof.h"
#include "venues/venue.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    SAID_MAX = 16384,
    SAID_ENTRIES = 12, /* Shown; more are counted. */
    SAID_LEVELS = 32,  /* Of each side. */
};

struct said {
    char text[SAID_MAX];
    size_t len;
    unsigned entries, invalid;
    bool is_bad; /* An error, a refusal: nothing that a success was meant to be. */
    const struct venue_feed_ops *feed; /* Who names the instruments of market events. */
    void *feed_state;
    bool has[PROOF_OPERATION_COUNT]; /* What the entries were. */
};

static void say(struct said *said, const char *format, ...) PRINTF_LIKE(2, 3);
static void say(struct said *said, const char *format, ...)
{
    va_list args;

    if (said->entries > SAID_ENTRIES || said->len >= sizeof(said->text))
        return;
    va_start(args, format);
    said->len +=
        (size_t)vsnprintf(said->text + said->len, sizeof(said->text) - said->len, format, args);
    va_end(args);
}

static void say_begin(struct said *said, const char *word)
{
    said->entries++;
    say(said, "%s%s", said->len ? "; " : "", word);
}

/* What was said: of nothing, "nothing". */
static const char *say_end(struct said *said)
{
    unsigned more = said->entries > SAID_ENTRIES ? said->entries - SAID_ENTRIES : 0;

    if (said->entries == 0)
        return "nothing";
    if (more) {
        said->entries = 1; /* There is room for this. */
        say(said, "; and %u more", more);
        said->entries = SAID_ENTRIES + more;
    }
    return said->text;
}

static const char *decimal_text(int64_t value, int exp)
{
    static char texts[8][FIXED_TEXT_MAX];
    static unsigned next;
    char *text = texts[next++ % COUNT(texts)];

    return fixed_format_trim(value, exp, text, FIXED_TEXT_MAX) < 0 ? "?" : text;
}

/* ---- market events ---- */

static const char *said_symbol(const struct said *said, uint64_t instrument)
{
    static struct venue_feed_top tops[VENUE_SYMBOLS_MAX * 4];
    size_t count = said->feed->tops(said->feed_state, tops, COUNT(tops));

    for (size_t i = 0; i < MIN(count, COUNT(tops)); i++)
        if (tops[i].instrument == instrument)
            return tops[i].symbol;
    return "?";
}

static void say_levels(struct said *said, const struct wire_book_delta *book, unsigned first,
                       unsigned count)
{
    say(said, " [");
    for (unsigned i = 0; i < MIN(count, (unsigned)SAID_LEVELS); i++)
        say(said, "%s%sx%s", i ? "," : "",
            decimal_text(book->levels[first + i].price, book->price_exp),
            decimal_text(book->levels[first + i].qty, book->qty_exp));
    if (count > SAID_LEVELS)
        say(said, ",... %u", count);
    say(said, "]");
}

static void say_definition(struct said *said, const struct wire_instrument *i)
{
    say(said, " %s %s %s tick %s lot %s min %s max %s notional %s", i->symbol, i->name,
        wire_instrument_kind_str(i->kind), decimal_text(i->tick_size, i->price_exp),
        decimal_text(i->lot_size, i->qty_exp), decimal_text(i->min_qty, i->qty_exp),
        decimal_text(i->max_qty, i->qty_exp), decimal_text(i->min_notional, i->amount_exp));
    if (i->kind != INSTRUMENT_SPOT)
        say(said, " contract %s settle %s", decimal_text(i->contract_size, i->amount_exp),
            i->settle);
    say(said, " fees %d %d %s", i->maker_fee_ppm, i->taker_fee_ppm,
        wire_trading_state_str(i->state));
}

static void say_book(struct said *said, const struct wire_book_delta *b)
{
    bool is_delta = b->header.type == WIRE_book_delta;

    said->has[is_delta ? PROOF_book_delta : PROOF_book_snapshot] = true;
    say_begin(said, is_delta ? "delta" : "snapshot");
    say(said, " %s %llu", said_symbol(said, b->header.instrument),
        (unsigned long long)b->venue_seq);
    say_levels(said, b, 0, b->bid_count);
    say_levels(said, b, b->bid_count, b->ask_count);
    if (!b->is_last)
        say(said, " and");
}

static void say_price_event(struct said *said, const struct wire_header *event)
{
    const void *body = event;
    const char *symbol = said_symbol(said, event->instrument);

    if (event->type == WIRE_best_quote) {
        const struct wire_best_quote *q = body;
        said->has[PROOF_best_quote] = true;
        say_begin(said, "quote");
        say(said, " %s %llu %sx%s %sx%s", symbol, (unsigned long long)q->venue_seq,
            decimal_text(q->bid_price, q->price_exp), decimal_text(q->bid_qty, q->qty_exp),
            decimal_text(q->ask_price, q->price_exp), decimal_text(q->ask_qty, q->qty_exp));
    } else if (event->type == WIRE_trade) {
        const struct wire_trade *t = body;
        said->has[PROOF_trades] = true;
        say_begin(said, "trade");
        say(said, " %s %s %sx%s id %s at %lld", symbol, wire_side_str(t->aggressor),
            decimal_text(t->price, t->price_exp), decimal_text(t->qty, t->qty_exp),
            t->venue_trade_id, (long long)t->exchange_ns);
    } else if (event->type == WIRE_mark_price) {
        const struct wire_mark_price *m = body;
        said->has[PROOF_mark_price] = true;
        say_begin(said, "mark");
        say(said, " %s %s index %s at %lld", symbol, decimal_text(m->mark_price, m->price_exp),
            decimal_text(m->index_price, m->price_exp), (long long)m->exchange_ns);
    } else if (event->type == WIRE_liquidation) {
        const struct wire_liquidation *l = body;
        said->has[PROOF_liquidation] = true;
        say_begin(said, "liquidation");
        say(said, " %s %s %sx%s at %lld", symbol, wire_side_str(l->side),
            decimal_text(l->price, l->price_exp), decimal_text(l->qty, l->qty_exp),
            (long long)l->exchange_ns);
    } else if (event->type == WIRE_funding) {
        const struct wire_funding *f = body;
        said->has[PROOF_funding] = true;
        say_begin(said, "funding");
        say(said, " %s %s each %lld s next %lld%s", symbol, decimal_text(f->rate_ppb, 9),
            (long long)(f->interval_ns / NS_PER_S), (long long)f->next_funding_ns,
            f->is_estimate ? " estimate" : "");
    }
}

/* ctx: the struct said. The whole feed's state follows from its instruments', maintenance apart;
 * that a book just begun has no levels yet is not worth a word. */
static void said_event(void *ctx, struct wire_header *event)
{
    struct said *said = ctx;
    const void *body = event;

    said->invalid += wire_check(event, event->size) != 0;
    if (event->type == WIRE_book_delta || event->type == WIRE_book_snapshot) {
        say_book(said, body);
    } else if (event->type == WIRE_instrument) {
        said->has[PROOF_instruments] = true;
        say_begin(said, "instrument");
        say_definition(said, body);
    } else if (event->type == WIRE_feed_status) {
        const struct wire_feed_status *s = body;
        if (event->instrument == 0 && s->state != FEED_MAINTENANCE)
            return;
        if (s->state == FEED_SYNCING && s->why == REASON_START)
            return;
        said->has[PROOF_status] = true;
        say_begin(said, "status");
        say(said, " %s %s", event->instrument ? said_symbol(said, event->instrument) : "all",
            wire_feed_state_str(s->state));
        if (s->why != REASON_NONE)
            say(said, " why %s", wire_reason_str(s->why));
    } else {
        say_price_event(said, event);
    }
}

/* ---- private news ---- */

static const char *report_kind_text(enum venue_report_kind kind)
{
    static const char *const names[] = {
        [REPORT_ACCEPTED] = "accepted",
        [REPORT_REJECTED] = "rejected",
        [REPORT_CANCEL_REJECTED] = "cancel_rejected",
        [REPORT_REPLACED] = "replaced",
        [REPORT_REPLACE_REJECTED] = "replace_rejected",
        [REPORT_REPLACE_LOST] = "replace_lost",
        [REPORT_OUTCOME_UNKNOWN] = "unknown",
        [REPORT_NEVER_SENT] = "never_sent",
        [REPORT_ORDER] = "order",
        [REPORT_NO_SUCH_ORDER] = "no_such_order",
        [REPORT_DONE] = "done",
        [REPORT_FAILED] = "failed",
        [REPORT_NEW] = "new",
        [REPORT_FILL] = "fill",
        [REPORT_CANCELLED] = "cancelled",
        [REPORT_EXPIRED] = "expired",
        [REPORT_BALANCE] = "balance",
        [REPORT_TRANSFER] = "transfer",
        [REPORT_POSITION] = "position",
        [REPORT_FUNDING] = "funding",
        [REPORT_INSTRUMENT] = "instrument",
        [REPORT_SERVER_TIME] = "server_time",
        [REPORT_DEAD_MAN] = "dead_man",
        [REPORT_CHANNEL] = "channel",
        [REPORT_LIMITS] = "limits",
        [REPORT_BACK_OFF] = "back_off",
    };
    return (size_t)kind < COUNT(names) && names[kind] ? names[kind] : "?";
}

static bool is_order_report(enum venue_report_kind kind)
{
    return kind == REPORT_ACCEPTED || kind == REPORT_REPLACED || kind == REPORT_ORDER ||
           kind == REPORT_NEW || kind == REPORT_CANCELLED || kind == REPORT_EXPIRED;
}

static bool is_refusal(enum venue_report_kind kind)
{
    return kind == REPORT_REJECTED || kind == REPORT_CANCEL_REJECTED ||
           kind == REPORT_REPLACE_REJECTED || kind == REPORT_REPLACE_LOST ||
           kind == REPORT_OUTCOME_UNKNOWN || kind == REPORT_NEVER_SENT || kind == REPORT_FAILED ||
           kind == REPORT_BACK_OFF || kind == REPORT_NO_SUCH_ORDER;
}

static void say_order(struct said *said, const struct venue_report *r)
{
    say(said, " %s %s %s %s %s oid=%s cid=%s %sx%s cum %s%s%s%s at %lld", r->symbol,
        wire_side_str(r->side), wire_order_type_str(r->type),
        wire_time_in_force_str(r->time_in_force), wire_order_state_str(r->state),
        r->exchange_order_id, r->client_order_id, decimal_text(r->price, r->price_exp),
        decimal_text(r->qty, r->qty_exp),
        r->cum_qty < 0 ? "?" : decimal_text(r->cum_qty, r->qty_exp),
        r->is_post_only ? " post_only" : "", r->is_reduce_only ? " reduce_only" : "",
        r->is_liquidation ? " liquidation" : "", (long long)r->exchange_ns);
}

static void say_fill(struct said *said, const struct venue_report *r)
{
    say(said, " %s %s oid=%s cid=%s %s %sx%s id %s", r->symbol, wire_side_str(r->side),
        r->exchange_order_id, r->client_order_id, wire_liquidity_str(r->liquidity),
        decimal_text(r->last_price, r->price_exp), decimal_text(r->last_qty, r->qty_exp),
        r->venue_trade_id);
    if (r->fee_asset[0] || r->fee)
        say(said, " fee %s %s", decimal_text(r->fee, r->amount_exp), r->fee_asset);
    if (r->has_realised_pnl)
        say(said, " pnl %s", decimal_text(r->realised_pnl, r->amount_exp));
    if (r->cum_qty >= 0)
        say(said, " cum %s", decimal_text(r->cum_qty, r->qty_exp));
    if (r->is_liquidation)
        say(said, " liquidation");
}

static void say_money(struct said *said, const struct venue_report *r)
{
    if (r->kind == REPORT_BALANCE) {
        say(said, " %s %s free %s locked %s", r->asset, decimal_text(r->total, r->amount_exp),
            decimal_text(r->free, r->amount_exp), decimal_text(r->locked, r->amount_exp));
        if (r->margin || r->unrealised_pnl)
            say(said, " margin %s upnl %s", decimal_text(r->margin, r->amount_exp),
                decimal_text(r->unrealised_pnl, r->amount_exp));
    } else if (r->kind == REPORT_TRANSFER || r->kind == REPORT_FUNDING) {
        say(said, "%s%s %s %s", r->symbol[0] ? " " : "", r->symbol, r->asset,
            decimal_text(r->change, r->amount_exp));
        if (r->reference[0])
            say(said, " ref %s", r->reference);
    } else {
        say(said, " %s %s at %s %s upnl %s pnl %s mark %s liq %s margin %s lev %s%s", r->symbol,
            decimal_text(r->qty, r->qty_exp), decimal_text(r->price, r->price_exp), r->asset,
            decimal_text(r->unrealised_pnl, r->amount_exp),
            decimal_text(r->realised_pnl, r->amount_exp), decimal_text(r->mark_price, r->price_exp),
            decimal_text(r->liquidation_price, r->price_exp),
            decimal_text(r->margin, r->amount_exp), decimal_text(r->leverage_ppm, 6),
            r->is_isolated ? " isolated" : "");
    }
}

/* Which channel of private news an entry proves; the answers to commands are told apart by who
 * asked. */
static void said_news(struct said *said, const struct venue_report *r)
{
    if (r->request_id != 0)
        return;
    if (r->kind == REPORT_FILL)
        said->has[PROOF_private_execution] = true;
    else if (r->kind == REPORT_BALANCE)
        said->has[PROOF_private_balance] = true;
    else if (r->kind == REPORT_POSITION)
        said->has[PROOF_private_position] = true;
    else if (r->kind == REPORT_FUNDING)
        said->has[PROOF_private_funding] = true;
    else if (is_order_report(r->kind))
        said->has[PROOF_private_order] = true;
}

/* ctx: the struct said. "!" marks the reports that answer the command. */
static void said_report(void *ctx, const struct venue_report *r)
{
    struct said *said = ctx;

    if (r->kind == REPORT_LIMITS)
        return; /* Each venue's order test has it. */
    said_news(said, r);
    said->is_bad |= is_refusal(r->kind);
    say_begin(said, report_kind_text(r->kind));
    if (r->kind == REPORT_FILL)
        say_fill(said, r);
    else if (is_order_report(r->kind))
        say_order(said, r);
    else if (r->kind == REPORT_BALANCE || r->kind == REPORT_TRANSFER || r->kind == REPORT_FUNDING ||
             r->kind == REPORT_POSITION)
        say_money(said, r);
    else if (r->kind == REPORT_SERVER_TIME || r->kind == REPORT_DEAD_MAN)
        say(said, " %lld", (long long)r->exchange_ns);
    else if (r->kind == REPORT_INSTRUMENT)
        say_definition(said, r->definition);
    else if (r->kind == REPORT_CHANNEL)
        say(said, " order=%d stream=%d", r->is_order_channel_up, r->is_private_stream_up);
    if (r->why != REASON_NONE)
        say(said, " why %s", wire_reason_str(r->why));
    if (r->text[0] && is_refusal(r->kind))
        say(said, " (%s)", r->text);
    if (r->request_id != 0)
        say(said, " !");
}

/* ---- the rest of struct venue_out ---- */

static void said_reconnect(void *ctx, unsigned connection, wire_reason why)
{
    (void)connection;
    say_begin(ctx, "reconnect");
    say(ctx, " why %s", wire_reason_str(why));
}

static void said_note(void *ctx, const char *event, const char *text)
{
    char line[81];
    size_t len = 0;

    for (; *text && len < sizeof(line) - 1; text++)
        if (!strchr(" \t\r\n", *text))
            line[len++] = *text;
        else if (len && line[len - 1] != ' ')
            line[len++] = ' ';
    line[len] = '\0';
    say_begin(ctx, "note");
    say(ctx, " %s: %s", event, line);
}

#endif
