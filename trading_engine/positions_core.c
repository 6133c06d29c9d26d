#include "trading_engine/core_internal.h"

/* Derivatives: how the account is set, the venue's positions beside our own, funding, liquidations.
 *
 * Our position is what executions make; the venue's is a state that it says. They are compared when
 * both had time to speak of the same executions; a difference is said, counted, and limits then
 * reckon with the worse of the two until they agree again. */

enum { LEVERAGE_ONE_PPM = 1000000 };
static const int64_t LIST_TIMEOUT_NS = 30 * NS_PER_S;
static const int64_t MARK_AGE_NS = 30 * NS_PER_S;
static const int64_t FUNDING_MARGIN_NS = 2 * 3600 * NS_PER_S; /* Entries may be booked late. */
static const int64_t FUNDING_ASK_AFTER_NS = 10 * NS_PER_S;

bool is_derivative(const struct instrument_state *i)
{
    return i->is_defined &&
           (i->definition.kind == INSTRUMENT_PERPETUAL || i->definition.kind == INSTRUMENT_FUTURE);
}

/* An account of a venue with both kinds may be used for spot alone: its mode is then nobody's. */
static bool may_have_positions(const struct engine_core *e)
{
    bool is_one = e->instrument_count < e->config.name_count; /* Not known yet. */

    for (size_t k = 0; k < e->instrument_count && !is_one; k++)
        is_one = is_derivative(&e->instruments[k]);
    return e->config.has_positions && is_one;
}

static bool has_account_mode(const struct engine_core *e)
{
    return may_have_positions(e) && !e->config.is_dry_run;
}

/* ---- how the account is set ---- */

wire_reason positions_fit(const struct engine_core *e)
{
    const struct account_mode *m = &e->derivatives.mode;

    if (!has_account_mode(e) || m->is_good)
        return REASON_NONE;
    return m->why ? m->why : REASON_NOT_READY;
}

/* The venue could not be asked: what it said before still holds. */
static bool is_no_answer(const struct venue_report *r)
{
    return r->kind != REPORT_FAILED || r->why == REASON_NONE || r->why == REASON_TRANSPORT ||
           r->why == REASON_VENUE_RATE_LIMIT || r->why == REASON_VENUE_MAINTENANCE ||
           r->why == REASON_VENUE_TIMESTAMP || r->why == REASON_UNKNOWN_OUTCOME;
}

static void mode_refused(struct engine_core *e, const struct venue_report *r)
{
    struct account_mode *m = &e->derivatives.mode;
    bool is_news = m->is_good || m->why != r->why || strncmp(m->text, r->text, 63) != 0;

    m->is_good = false;
    m->why = r->why;
    text_copy(m->text, sizeof(m->text), r->text);
    m->next_ns = e->now_ns + e->config.timing.mode_every_ns;
    e->counters.mode_refused++;
    if (is_news)
        core_note(e, NOTE_ERROR, "account_mode", "%s: no orders are taken: %s",
                  wire_reason_str(r->why), r->text);
}

static void mode_is_good(struct engine_core *e)
{
    struct account_mode *m = &e->derivatives.mode;

    if (!m->is_good)
        core_note(e, NOTE_INFO, "account_mode", "one-way positions");
    *m = (struct account_mode){ .is_good = true,
                                .next_ns = e->now_ns + e->config.timing.reconcile_every_ns };
}

static void mode_answer(struct engine_core *e, const struct venue_report *r)
{
    struct account_mode *m = &e->derivatives.mode;

    m->request = 0;
    if (r->kind == REPORT_DONE)
        mode_is_good(e);
    else if (is_no_answer(r))
        m->next_ns = MAX(e->now_ns + NS_PER_S, e->guard.back_off_until_ns);
    else
        mode_refused(e, r);
}

static void mode_tick(struct engine_core *e)
{
    struct account_mode *m = &e->derivatives.mode;
    struct venue_command c;

    if (m->request && e->now_ns - m->sent_ns > LIST_TIMEOUT_NS) {
        e->counters.requests_timed_out++;
        request_end(e, m->request);
        m->request = 0;
    }
    if (!has_account_mode(e) || m->request || e->now_ns < m->next_ns)
        return;
    command_begin(e, &c, OP_ACCOUNT_MODE, NULL);
    m->sent_ns = e->now_ns;
    int err = command_send(e, &c, NULL, false, &m->request);
    if (err == ERR_UNSUPPORTED)
        mode_is_good(e);
    else if (err)
        m->next_ns = MAX(e->now_ns + NS_PER_S, e->guard.back_off_until_ns);
}

/* ---- lists ---- */

static void list_ended(struct engine_core *e, struct wanted_list *list, bool is_good)
{
    list->request = 0;
    if (is_good) {
        list->done_sent_ns = list->sent_ns;
        list->done_ns = e->now_ns;
        list->is_wanted = list->wanted_ns > list->sent_ns;
        list->failures = 0;
        return;
    }
    int64_t pause = MIN(INT64_C(250) << MIN(list->failures++, 6U), INT64_C(10000)) * NS_PER_MS;
    list->retry_ns = MAX(e->now_ns + pause, e->guard.back_off_until_ns);
}

static void list_tick(struct engine_core *e, struct wanted_list *list, enum venue_op op)
{
    struct venue_command c;

    if (list->request && e->now_ns - list->sent_ns > LIST_TIMEOUT_NS) {
        e->counters.requests_timed_out++;
        request_end(e, list->request);
        list_ended(e, list, false);
    }
    if (!list->is_wanted || list->request || e->now_ns < list->retry_ns)
        return;
    command_begin(e, &c, op, NULL);
    list->sent_ns = e->now_ns;
    if (op == OP_FUNDING) {
        c.since_wall_ns = MAX(reconcile_since_wall(e) - FUNDING_MARGIN_NS, e->born_wall_ns);
    } else {
        e->derivatives.round++;
        e->derivatives.as_of_trade_number = e->last_trade_number; /* Surely in the answer. */
    }
    int err = command_send(e, &c, NULL, false, &list->request);
    if (err) /* What a venue has no way to list is complete as it is. */
        list_ended(e, list, err == ERR_UNSUPPORTED);
}

static void want(const struct engine_core *e, struct wanted_list *list)
{
    list->is_wanted |= e->config.has_positions;
    list->wanted_ns = e->now_ns;
}

void positions_want(struct engine_core *e)
{
    want(e, &e->derivatives.positions);
}

void funding_want(struct engine_core *e)
{
    want(e, &e->derivatives.funding);
}

bool positions_came_since(const struct engine_core *e, int64_t since_ns)
{
    return e->derivatives.positions.done_ns != 0 &&
           e->derivatives.positions.done_sent_ns >= since_ns;
}

bool funding_came_since(const struct engine_core *e, int64_t since_ns)
{
    return e->derivatives.funding.done_ns != 0 && e->derivatives.funding.done_sent_ns >= since_ns;
}

/* ---- what the venue states ---- */

static void publish_stated(struct engine_core *e, const struct instrument_state *i, uint8_t flags)
{
    const struct stated_position *s = &i->stated;
    struct wire_account_position p;

    WIRE_BEGIN(&p, account_position);
    p.header.flags = (uint8_t)(flags | (e->config.is_dry_run ? WIRE_SIMULATED : 0));
    p.exchange_ns = s->exchange_ns;
    p.qty = s->qty;
    p.avg_price = s->avg_price;
    p.mark_price = s->mark_price;
    p.liquidation_price = s->liquidation_price;
    p.unrealised_pnl = s->unrealised_pnl;
    p.realised_pnl = s->realised_pnl;
    p.margin = s->margin;
    p.as_of_trade_number = s->as_of_trade_number;
    text_copy(p.settle, sizeof(p.settle), i->definition.settle);
    p.leverage_ppm = s->leverage_ppm;
    p.price_exp = i->definition.price_exp;
    p.qty_exp = i->definition.qty_exp;
    p.amount_exp = ENGINE_AMOUNT_EXP;
    p.is_isolated = s->is_isolated;
    core_publish(e, &p.header, i->id, e->now_ns, 0);
}

void positions_publish(struct engine_core *e)
{
    for (size_t k = 0; k < e->instrument_count; k++)
        if (e->instruments[k].stated.is_stated)
            publish_stated(e, &e->instruments[k], WIRE_SNAPSHOT);
}

static int64_t at(int64_t value, int exp, int to_exp)
{
    int64_t scaled;
    return fixed_rescale(value, exp, to_exp, FIXED_NEAREST, &scaled) == 0 ? scaled : value;
}

struct position_record position_record_of(const struct instrument_state *i)
{
    return (struct position_record){ .instrument = i->id,
                                     .qty = i->holding.qty,
                                     .cost_low = (uint64_t)i->holding.cost,
                                     .cost_high = (int64_t)(i->holding.cost >> 64),
                                     .last_trade_number = i->position_number,
                                     .price_exp = i->holding.price_exp,
                                     .qty_exp = i->holding.qty_exp };
}

/* A position that was there before our journal: taken over with the venue's own price. Only before
 * anything is traded here; later, a position without executions is a difference. */
static void adopt(struct engine_core *e, struct instrument_state *i)
{
    if (e->reconcile.was_ever_complete || i->position_number != 0 || i->holding.qty != 0 ||
        i->stated.qty == 0)
        return;
    if (!account_open_position(e, i))
        return;
    holding_open(&i->holding, i->stated.qty, i->stated.avg_price);
    i->position_number = e->last_trade_number;
    struct position_record record = position_record_of(i);
    (void)core_append(e, RECORD_POSITION, &record, sizeof(record));
    core_note(e, NOTE_WARN, "position_found",
              "%s: a position from before our journal is taken over", i->definition.name);
}

void positions_take(struct engine_core *e, const struct venue_report *r)
{
    struct instrument_state *i = instrument_find(e, r->instrument);
    bool is_list = r->request_id && r->request_id == e->derivatives.positions.request;

    if (!i || !i->is_defined) {
        e->counters.reports_unmatched++; /* Not traded here: nothing of ours can depend on it. */
        return;
    }
    const struct wire_instrument *d = &i->definition;
    struct stated_position *s = &i->stated;
    s->is_stated = true;
    s->qty = at(r->qty, r->qty_exp, d->qty_exp);
    s->avg_price = at(r->price, r->price_exp, d->price_exp);
    s->mark_price = at(r->mark_price, r->price_exp, d->price_exp);
    s->liquidation_price = at(r->liquidation_price, r->price_exp, d->price_exp);
    s->margin = at(r->margin, r->amount_exp, ENGINE_AMOUNT_EXP);
    s->unrealised_pnl = at(r->unrealised_pnl, r->amount_exp, ENGINE_AMOUNT_EXP);
    s->realised_pnl = at(r->realised_pnl, r->amount_exp, ENGINE_AMOUNT_EXP);
    if (r->leverage_ppm)
        s->leverage_ppm = r->leverage_ppm;
    s->is_isolated = r->is_isolated;
    s->heard_ns = e->now_ns;
    s->exchange_ns = r->exchange_ns;
    s->as_of_trade_number = is_list ? e->derivatives.as_of_trade_number : 0;
    s->round = is_list ? e->derivatives.round : s->round;
    e->counters.positions_stated++;
    if (is_list)
        adopt(e, i);
    publish_stated(e, i, 0);
}

/* The list has what is not flat: the others are. One that the stream spoke of since stays. */
static void close_unlisted(struct engine_core *e)
{
    for (size_t k = 0; k < e->instrument_count; k++) {
        struct instrument_state *i = &e->instruments[k];
        struct stated_position *s = &i->stated;
        bool is_younger = s->is_stated && s->heard_ns > e->derivatives.positions.sent_ns;
        if (!is_derivative(i) || s->round == e->derivatives.round || is_younger)
            continue;
        *s = (struct stated_position){ .is_stated = true,
                                       .is_different = s->is_different,
                                       .leverage_ppm = s->leverage_ppm,
                                       .heard_ns = e->now_ns,
                                       .as_of_trade_number = e->derivatives.as_of_trade_number,
                                       .round = e->derivatives.round };
        publish_stated(e, i, 0);
    }
}

bool positions_done(struct engine_core *e, const struct venue_report *r)
{
    struct derivatives *d = &e->derivatives;
    bool is_good = r->kind == REPORT_DONE;

    if (r->request_id == d->mode.request) {
        mode_answer(e, r);
    } else if (r->request_id == d->positions.request) {
        if (is_good)
            close_unlisted(e);
        list_ended(e, &d->positions, is_good);
    } else if (r->request_id == d->funding.request) {
        list_ended(e, &d->funding, is_good);
    } else {
        return false;
    }
    return true;
}

/* ---- against our own ---- */

/* Both spoke of the same executions: nothing moved since well before the venue's figure, nor since.
 */
static bool is_settled(const struct engine_core *e, const struct instrument_state *i)
{
    int64_t quiet_ns = e->config.timing.balance_quiet_ns;

    return i->stated.is_stated && i->stated.heard_ns > i->moved_ns &&
           e->now_ns - i->moved_ns >= quiet_ns && e->now_ns - i->stated.heard_ns >= quiet_ns / 2;
}

static void compare(struct engine_core *e, struct instrument_state *i)
{
    struct stated_position *s = &i->stated;
    char ours[FIXED_TEXT_MAX] = "", theirs[FIXED_TEXT_MAX] = "";

    if (s->qty == i->holding.qty) {
        if (s->is_different)
            core_note(e, NOTE_INFO, "position_agrees", "%s", i->definition.name);
        s->is_different = false;
        return;
    }
    if (!s->is_different) {
        s->is_different = true;
        e->counters.positions_differed++;
        (void)fixed_format_trim(i->holding.qty, i->holding.qty_exp, ours, sizeof(ours));
        (void)fixed_format_trim(s->qty, i->definition.qty_exp, theirs, sizeof(theirs));
        core_note(e, NOTE_ERROR, "position_differs",
                  "%s: %s by our executions, %s by the venue: limits reckon with the worse",
                  i->definition.name, ours, theirs);
        publish_stated(e, i, 0);
    }
    if (e->now_ns < e->derivatives.differs_next_ns)
        return;
    e->derivatives.differs_next_ns = e->now_ns + e->config.timing.mode_every_ns;
    reconcile_pull(e, e->now_ns); /* An execution may be missing here. */
    positions_want(e);
}

static void compare_all(struct engine_core *e)
{
    for (size_t k = 0; k < e->instrument_count; k++)
        if (is_derivative(&e->instruments[k]) && is_settled(e, &e->instruments[k]))
            compare(e, &e->instruments[k]);
}

int64_t positions_longest(const struct instrument_state *i)
{
    return i->stated.is_different ? MAX(i->holding.qty, i->stated.qty) : i->holding.qty;
}

int64_t positions_shortest(const struct instrument_state *i)
{
    return i->stated.is_different ? MIN(i->holding.qty, i->stated.qty) : i->holding.qty;
}

int64_t positions_reducible(const struct instrument_state *i, wire_side side)
{
    return side == SIDE_SELL ? MAX(0, positions_shortest(i)) : MAX(0, -positions_longest(i));
}

/* ---- margin ---- */

static uint32_t leverage_of(const struct engine_core *e, const struct instrument_state *i)
{
    uint32_t stated = e->config.is_dry_run ? e->config.paper_leverage_ppm : i->stated.leverage_ppm;
    return stated ? stated : LEVERAGE_ONE_PPM;
}

int64_t positions_margin(const struct engine_core *e, const struct instrument_state *i,
                         int64_t notional)
{
    int64_t margin = notional;

    (void)fixed_mul_div(notional, LEVERAGE_ONE_PPM, leverage_of(e, i), FIXED_UP, &margin);
    return margin;
}

int64_t positions_mark(const struct engine_core *e, const struct instrument_state *i)
{
    if (i->mark_price > 0 && e->now_ns - i->marked_ns <= MARK_AGE_NS)
        return i->mark_price;
    return i->has_quote && i->bid_qty > 0 && i->ask_qty > 0 &&
                   e->now_ns - i->quote_ns <= MARK_AGE_NS
               ? (i->bid_price + i->ask_price) / 2
               : 0;
}

int64_t positions_held_margin(const struct engine_core *e, uint16_t asset)
{
    int64_t sum = 0;

    for (size_t k = 0; k < e->instrument_count; k++) {
        const struct instrument_state *i = &e->instruments[k];
        int64_t qty = MAX(positions_longest(i), -positions_shortest(i)), mark, notional = 0;
        if (!is_derivative(i) || i->settle_asset != asset || qty == 0)
            continue;
        mark = positions_mark(e, i);
        if (fixed_notional(mark ? mark : holding_average(&i->holding), i->definition.price_exp, qty,
                           i->definition.qty_exp, ENGINE_AMOUNT_EXP, FIXED_UP, &notional) != 0)
            return INT64_MAX / 4; /* More than can be reckoned is more than there is. */
        sum += positions_margin(e, i, notional);
    }
    return sum;
}

/* ---- liquidations ---- */

struct liquidation_record liquidation_record_of(const struct engine_core *e,
                                                const struct instrument_state *i)
{
    return (struct liquidation_record){ .instrument = i->id,
                                        .wall_ns = core_wall(e),
                                        .command_id = i->liquidated_command,
                                        .is_stopped = i->is_liquidated,
                                        .is_command_known = i->is_command_known };
}

void positions_liquidated(struct engine_core *e, const struct venue_report *r)
{
    struct instrument_state *i = instrument_find(e, r->instrument);

    positions_want(e);
    if (!i)
        return;
    i->liquidated_ns = e->now_ns;
    if (i->is_liquidated)
        return;
    i->is_liquidated = true;
    i->is_command_known = e->guard.has_risk;
    i->liquidated_command = e->guard.risk.last_command_id;
    e->counters.liquidations++;
    struct liquidation_record record = liquidation_record_of(e, i);
    (void)core_append(e, RECORD_LIQUIDATION, &record, sizeof(record));
    core_note(e, NOTE_ERROR, "liquidation",
              "%s: THE VENUE CLOSES OUR POSITION BY FORCE: no new risk on it until an operator "
              "resumes",
              i->is_defined ? i->definition.name : r->symbol);
}

void positions_restore_liquidation(struct engine_core *e, const struct liquidation_record *record)
{
    struct instrument_state *i = instrument_find(e, record->instrument);

    if (!i)
        i = instrument_new(e, record->instrument);
    if (!i)
        return;
    i->is_liquidated = record->is_stopped;
    i->is_command_known = record->is_command_known;
    i->liquidated_command = record->command_id;
}

bool positions_has_liquidated(const struct engine_core *e)
{
    for (size_t k = 0; k < e->instrument_count; k++)
        if (e->instruments[k].is_liquidated)
            return true;
    return false;
}

/* As a kill, a stop ends with an operator's command after which risk runs. */
void positions_resume(struct engine_core *e)
{
    uint64_t command = e->guard.risk.last_command_id;

    for (size_t k = 0; k < e->instrument_count; k++) {
        struct instrument_state *i = &e->instruments[k];
        wire_reason why;
        if (!i->is_liquidated)
            continue;
        if (!i->is_command_known) { /* It came before anything was heard of risk. */
            i->is_command_known = true;
            i->liquidated_command = command;
        }
        if (command == i->liquidated_command || guard_verdict(e, 0, i->id, &why) != RISK_RUNNING)
            continue;
        i->is_liquidated = false;
        struct liquidation_record record = liquidation_record_of(e, i);
        (void)core_append(e, RECORD_LIQUIDATION, &record, sizeof(record));
        core_note(e, NOTE_WARN, "liquidation_over", "%s: resumed by command %llx",
                  i->definition.name, (unsigned long long)command);
    }
}

/* ---- 6001, time ---- */

/* The feed speaks of the next payment at once: the one that is just over is kept in mind. */
static void funding_fell_due(struct engine_core *e, struct instrument_state *i)
{
    bool is_near = i->next_funding_ns && core_wall(e) >= i->next_funding_ns - NS_PER_S;

    if (is_near && i->funding_due_ns == 0 && i->next_funding_ns != i->funding_asked_ns)
        i->funding_due_ns = i->next_funding_ns;
}

void positions_market(struct engine_core *e, const struct wire_header *event)
{
    struct instrument_state *i = instrument_find(e, event->instrument);

    if (!i || !is_derivative(i))
        return;
    if (event->type == WIRE_mark_price) {
        const struct wire_mark_price *m = (const struct wire_mark_price *)event;
        if (m->mark_price > 0) {
            i->mark_price = at(m->mark_price, m->price_exp, i->definition.price_exp);
            i->marked_ns = e->now_ns;
        }
    } else if (event->type == WIRE_funding) {
        const struct wire_funding *f = (const struct wire_funding *)event;
        if (e->config.is_dry_run)
            dry_funding(e, i);
        if (f->next_funding_ns != i->next_funding_ns) {
            funding_fell_due(e, i);
            i->is_dry_paid = false;
        }
        i->funding_ppb = f->rate_ppb;
        i->next_funding_ns = f->next_funding_ns;
    }
}

/* Payments are asked for a little after they were due, whatever the stream told. */
static void funding_tick(struct engine_core *e)
{
    int64_t wall = core_wall(e);

    for (size_t k = 0; k < e->instrument_count; k++) {
        struct instrument_state *i = &e->instruments[k];
        if (wall >= i->next_funding_ns)
            funding_fell_due(e, i);
        if (i->funding_due_ns && wall > i->funding_due_ns + FUNDING_ASK_AFTER_NS) {
            i->funding_asked_ns = i->funding_due_ns;
            i->funding_due_ns = 0;
            funding_want(e);
        }
    }
}

void positions_tick(struct engine_core *e)
{
    if (!e->config.has_positions || !e->is_started)
        return;
    mode_tick(e);
    funding_tick(e);
    list_tick(e, &e->derivatives.positions, OP_POSITIONS);
    list_tick(e, &e->derivatives.funding, OP_FUNDING);
    compare_all(e);
}
