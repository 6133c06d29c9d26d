#include "trading_engine/core_internal.h"

/* A round: open orders, a question for each of ours that the list lacks, executions, balances; for
 * venues that have them, positions and funding. Each
 * list is asked for again until it comes. The engine takes new risk only after a round that began
 * while the private stream was up. */

static void set_phase(struct engine_core *e, enum reconcile_phase phase)
{
    e->reconcile.phase = phase;
    e->reconcile.phase_ns = e->now_ns;
    e->reconcile.request = 0;
    e->reconcile.retry_ns = 0;
}

void reconcile_want(struct engine_core *e)
{
    e->reconcile.is_wanted = true;
    e->reconcile.is_trusted = false;
    e->reconcile.failures = 0;
    e->reconcile.retry_ns = 0;
}

void reconcile_pull(struct engine_core *e, int64_t at_ns)
{
    if (e->reconcile.pull_at_ns == 0 || at_ns < e->reconcile.pull_at_ns)
        e->reconcile.pull_at_ns = MAX(at_ns, 1);
}

static int64_t retry_pause(const struct engine_core *e)
{
    return MIN(INT64_C(250) << MIN(e->reconcile.failures, 6U), INT64_C(10000)) * NS_PER_MS;
}

static void failed(struct engine_core *e)
{
    e->reconcile.request = 0;
    e->reconcile.failures++;
    e->reconcile.retry_ns = MAX(e->now_ns + retry_pause(e), e->guard.back_off_until_ns);
}

/* ---- executions ---- */

int64_t reconcile_since_wall(const struct engine_core *e)
{
    int64_t since =
        e->mark_wall_ns ? e->mark_wall_ns - e->config.timing.since_margin_ns : e->born_wall_ns;
    return MAX(since, e->born_wall_ns);
}

static bool pull_is_over(const struct engine_core *e)
{
    return e->config.executions_by_account ? e->reconcile.pull_index >= 1
                                           : e->reconcile.pull_index >= e->instrument_count;
}

static void pull_begin(struct engine_core *e)
{
    e->reconcile.is_pulling = true;
    e->reconcile.pull_index = 0;
    e->reconcile.pull_started_ns = e->now_ns;
    e->reconcile.pull_started_wall_ns = core_wall(e);
    e->reconcile.pull_request = 0;
    e->reconcile.pull_retry_ns = 0;
    e->reconcile.pull_at_ns = 0;
}

static void pull_send(struct engine_core *e)
{
    struct reconcile *r = &e->reconcile;
    struct venue_command c;

    command_begin(e, &c, OP_EXECUTIONS, NULL);
    if (!e->config.executions_by_account) {
        const struct instrument_state *i = &e->instruments[r->pull_index];
        if (!i->is_defined) { /* Only in the journal: not traded any more. */
            r->pull_index++;
            return;
        }
        c.instrument = i->id;
        c.instrument_kind = i->definition.kind;
        text_copy(c.symbol, sizeof(c.symbol), i->definition.symbol);
    }
    c.since_wall_ns = reconcile_since_wall(e);
    r->pull_sent_ns = e->now_ns;
    if (command_send(e, &c, NULL, false, &r->pull_request) != 0)
        r->pull_retry_ns = MAX(e->now_ns + retry_pause(e), e->guard.back_off_until_ns);
}

static void pull_tick(struct engine_core *e)
{
    struct reconcile *r = &e->reconcile;

    if (!r->is_pulling && r->pull_at_ns && e->now_ns >= r->pull_at_ns)
        pull_begin(e);
    if (!r->is_pulling)
        return;
    if (r->pull_request && e->now_ns - r->pull_sent_ns > e->config.timing.reconcile_timeout_ns) {
        e->counters.requests_timed_out++;
        request_end(e, r->pull_request);
        r->pull_request = 0;
    }
    if (r->pull_request == 0 && !pull_is_over(e) && e->now_ns >= r->pull_retry_ns)
        pull_send(e);
    if (r->pull_request == 0 && pull_is_over(e)) {
        r->is_pulling = false;
        r->pulled_started_ns = r->pull_started_ns;
        if (!e->config.has_private_stream)
            e->mark_wall_ns = MAX(e->mark_wall_ns, r->pull_started_wall_ns);
    }
}

/* ---- the list of open orders ---- */

static bool is_in_flight(const struct engine_core *e, const struct order *o)
{
    return o->place_request || o->retry_at_ns || o->sent_ns >= e->reconcile.list_sent_ns ||
           (o->r.state == ORDER_PENDING_REPLACE && (o->cancel_request || o->replace_request));
}

/* The list is complete: what it lacks has ended, or never was; each is asked about. */
static void on_list_done(struct engine_core *e)
{
    struct reconcile *r = &e->reconcile;

    r->open_seen = 0;
    FOR_EACH_LIVE(e, o)
    {
        bool is_foreign = (o->r.flags & ORDER_FOREIGN) != 0;
        if (o->seen_round == r->round) {
            r->open_seen++;
        } else if (is_foreign && !(o->r.flags & ORDER_INQUIRY)) {
            (void)order_apply(e, o, INPUT_CANCELLED,
                              &(struct input_detail){ .why = REASON_RECONCILIATION });
        } else if (!is_foreign && !is_in_flight(e, o)) {
            o->question_round = r->round;
            order_ask(e, o, e->now_ns);
        }
    }
    set_phase(e, RECONCILE_QUESTIONS);
}

void reconcile_saw(struct engine_core *e, struct order *o, const struct venue_report *report)
{
    bool is_list = e->reconcile.request && report->request_id == e->reconcile.request;

    if (is_list)
        o->seen_round = e->reconcile.round;
    else
        o->question_round = 0;
    o->absent_count = 0;
    o->asks = 0;
}

static bool has_questions(const struct engine_core *e)
{
    FOR_EACH_LIVE(e, o)
    {
        if (o->question_round == e->reconcile.round && o->r.state != ORDER_NONE)
            return true;
    }
    return false;
}

/* When the venue can no longer take an order that it was sent at `since`; 0: it may at any time.
 * A second for clocks that differ. */
static int64_t place_over_ns(const struct engine_core *e, const struct order *o, int64_t since)
{
    bool is_place = o->r.state == ORDER_UNKNOWN && !(o->r.flags & ORDER_REPLACE_PLACED);

    return e->config.has_place_deadline && is_place ? since + place_valid_ns(e) + NS_PER_S : 0;
}

/* "No such order" is believed when it was said several times, long enough after the send, or once
 * after the venue's own deadline for it; and a list of executions asked for since then has none of
 * it either. */
void reconcile_absent(struct engine_core *e, struct order *o)
{
    const struct engine_timing *t = &e->config.timing;
    int64_t pause = MIN(t->ask_first_ns << MIN(o->asks, 10U), t->ask_max_ns);
    int64_t since = MAX(o->sent_ns, e->started_ns);
    int64_t share = t->absent_after_ns / MAX(t->absent_times, 2);
    int64_t over_ns = place_over_ns(e, o, since);
    struct input_detail detail = { .why = REASON_VENUE_UNKNOWN_ORDER };

    if (order_is_final(o->r.state))
        return;
    o->absent_count++;
    bool is_said_enough =
        (o->absent_count >= t->absent_times && e->now_ns - since >= t->absent_after_ns) ||
        (over_ns != 0 && e->now_ns >= over_ns);
    if (!is_said_enough) {
        int64_t next_ns = e->now_ns + MAX(pause, share); /* No more questions than belief needs. */
        order_ask(e, o, over_ns != 0 ? MAX(over_ns, e->now_ns + t->ask_first_ns) : next_ns);
        return;
    }
    if (o->absent_pull_ns == 0) {
        o->absent_pull_ns = e->now_ns;
        reconcile_pull(e, e->now_ns);
    }
    if (e->reconcile.pulled_started_ns < o->absent_pull_ns) {
        order_ask(e, o, e->now_ns + pause);
        return;
    }
    e->counters.absent_confirmed++;
    o->question_round = 0;
    o->absent_pull_ns = 0;
    if (o->r.awaited_final) { /* Known to have ended; the venue forgot it before saying how much. */
        detail.why = o->r.awaited_why;
        o->r.venue_cum = o->r.filled_qty;
        enum order_input input =
            o->r.awaited_final == ORDER_EXPIRED ? INPUT_EXPIRED : INPUT_CANCELLED;
        o->r.awaited_final = 0;
        order_end(e, o, input, &detail);
    } else if (o->r.state == ORDER_PENDING_REPLACE && (o->r.flags & ORDER_REPLACE_PLACED)) {
        (void)order_apply(e, o, INPUT_REPLACE_LOST, &detail);
    } else {
        (void)order_apply(e, o, INPUT_ABSENT, &detail);
    }
}

/* ---- balances ---- */

/* Something that was executed may not be here yet: it must stay within what is asked for. */
static bool may_lack_executions(const struct engine_core *e)
{
    bool lacks = e->reconcile.is_pulling || e->reconcile.pull_at_ns != 0;

    FOR_EACH_LIVE(e, o)
    lacks |= o->r.venue_cum > o->r.filled_qty;
    return lacks;
}

static void balances_send(struct engine_core *e)
{
    struct reconcile *r = &e->reconcile;
    struct venue_command c;

    command_begin(e, &c, OP_BALANCES, NULL);
    /* Seen before we ask: surely in the answer. And nothing else, where none may be missing. */
    r->balance_as_of = may_lack_executions(e) ? 0 : e->last_trade_number;
    r->balance_sent_ns = e->now_ns;
    if (command_send(e, &c, NULL, false, &r->balance_request) != 0)
        r->retry_ns = MAX(e->now_ns + retry_pause(e), e->guard.back_off_until_ns);
}

static void balances_tick(struct engine_core *e)
{
    struct reconcile *r = &e->reconcile;
    const struct engine_timing *t = &e->config.timing;

    if (r->balance_request && e->now_ns - r->balance_sent_ns > t->reconcile_timeout_ns) {
        e->counters.requests_timed_out++;
        request_end(e, r->balance_request);
        r->balance_request = 0;
    }
    if (r->phase != RECONCILE_IDLE || !r->was_ever_complete || r->balance_request ||
        e->now_ns < MAX(r->retry_ns, e->guard.lists_after_ns))
        return;
    bool is_quiet =
        e->last_fill_ns > r->balance_last_ns && e->now_ns - e->last_fill_ns >= t->balance_quiet_ns;
    int64_t since = e->now_ns - r->balance_last_ns;
    if ((is_quiet && since >= t->balance_least_ns) || since >= t->balance_every_ns) {
        balances_send(e);
        positions_want(e);
    }
}

/* ---- a round ---- */

static bool may_begin(const struct engine_core *e)
{
    if (!e->is_started || e->now_ns < e->reconcile.retry_ns)
        return false;
    if (e->config.is_dry_run)
        return true;
    size_t defined = 0;
    for (size_t i = 0; i < e->instrument_count; i++)
        defined += e->instruments[i].is_from_venue;
    bool has_all = defined >= e->config.name_count;
    bool has_waited = e->now_ns - e->started_ns > 10 * NS_PER_S && defined > 0;
    return (has_all || has_waited) &&
           (!e->config.has_private_stream || e->guard.is_private_stream_up || e->guard.is_killed);
}

static void begin(struct engine_core *e)
{
    struct reconcile *r = &e->reconcile;
    struct venue_command c;

    command_begin(e, &c, OP_OPEN_ORDERS, NULL);
    r->round++;
    r->list_sent_ns = e->now_ns;
    r->is_wanted = false;
    set_phase(e, RECONCILE_OPEN_ORDERS);
    if (command_send(e, &c, NULL, false, &r->request) != 0)
        failed(e);
}

static void again(struct engine_core *e)
{
    struct venue_command c;

    command_begin(e, &c, OP_OPEN_ORDERS, NULL);
    e->reconcile.round++;
    e->reconcile.list_sent_ns = e->now_ns;
    if (command_send(e, &c, NULL, false, &e->reconcile.request) != 0)
        failed(e);
}

static void complete(struct engine_core *e)
{
    struct reconcile *r = &e->reconcile;

    set_phase(e, RECONCILE_IDLE);
    r->done_ns = e->now_ns;
    r->done_list_sent_ns = r->list_sent_ns;
    r->failures = 0;
    e->counters.reconciles++;
    if (r->is_wanted)
        return; /* Something broke meanwhile: another round. */
    if (!r->was_ever_complete || !r->is_trusted)
        core_note(e, NOTE_INFO, "reconciled", "orders=%u open=%u trades=%llu", e->live_count,
                  r->open_seen, (unsigned long long)e->last_trade_number);
    r->was_ever_complete = true;
    r->is_trusted = true;
}

static void phase_tick(struct engine_core *e)
{
    struct reconcile *r = &e->reconcile;
    bool is_late =
        e->now_ns - MAX(r->phase_ns, r->list_sent_ns) > e->config.timing.reconcile_timeout_ns;

    switch (r->phase) {
    case RECONCILE_IDLE: {
        bool is_due = e->now_ns - r->done_ns >= e->config.timing.reconcile_every_ns &&
                      e->now_ns >= e->guard.lists_after_ns;
        if ((r->is_wanted || is_due) && may_begin(e))
            begin(e);
        break;
    }
    case RECONCILE_OPEN_ORDERS:
        if (r->request && is_late) {
            e->counters.requests_timed_out++;
            request_end(e, r->request);
            failed(e);
        }
        if (r->request == 0 && e->now_ns >= r->retry_ns)
            again(e);
        break;
    case RECONCILE_QUESTIONS:
        if (!has_questions(e)) {
            set_phase(e, RECONCILE_EXECUTIONS);
            pull_begin(e);
        }
        break;
    case RECONCILE_EXECUTIONS:
        if (!r->is_pulling && r->pulled_started_ns >= r->phase_ns) {
            set_phase(e, RECONCILE_BALANCES);
            balances_send(e);
        }
        break;
    case RECONCILE_BALANCES:
        if (r->balance_last_ns >= r->phase_ns) {
            if (!e->config.has_positions) {
                complete(e);
                break;
            }
            set_phase(e, RECONCILE_POSITIONS);
            positions_want(e);
        } else if (r->balance_request == 0 && e->now_ns >= r->retry_ns) {
            balances_send(e);
        }
        break;
    case RECONCILE_POSITIONS:
        if (positions_came_since(e, r->phase_ns)) {
            set_phase(e, RECONCILE_FUNDING);
            funding_want(e);
        }
        break;
    case RECONCILE_FUNDING:
        if (funding_came_since(e, r->phase_ns))
            complete(e);
        break;
    }
}

/* Executions that the venue counts and we have not seen. */
static void missing_fills_tick(struct engine_core *e)
{
    FOR_EACH_LIVE(e, o)
    {
        if (o->fill_wait_ns == 0 || e->now_ns < o->fill_wait_ns)
            continue;
        if (o->r.venue_cum <= o->r.filled_qty) {
            o->fill_wait_ns = 0;
            o->fill_waits = 0;
            continue;
        }
        o->fill_waits++;
        o->fill_wait_ns =
            e->now_ns + MIN(e->config.timing.fill_wait_ns << MIN(o->fill_waits, 8U), 10 * NS_PER_S);
        reconcile_pull(e, e->now_ns);
    }
}

static void mark_tick(struct engine_core *e)
{
    bool is_known = e->reconcile.is_trusted && e->config.has_private_stream &&
                    (e->guard.is_private_stream_up || e->config.is_dry_run) &&
                    !may_lack_executions(e);

    if (is_known)
        e->mark_wall_ns = core_wall(e);
    if (e->mark_wall_ns && e->reconcile.was_ever_complete &&
        e->now_ns - e->mark_written_ns >= 5 * NS_PER_S) {
        struct mark_record mark = { e->mark_wall_ns };
        e->mark_written_ns = e->now_ns;
        (void)core_append(e, RECORD_MARK, &mark, sizeof(mark));
    }
}

void reconcile_tick(struct engine_core *e)
{
    if (!e->config.is_dry_run && !e->config.has_private_stream && e->reconcile.was_ever_complete &&
        !e->reconcile.is_pulling &&
        e->now_ns - e->reconcile.pulled_started_ns >= e->config.timing.poll_ns)
        reconcile_pull(e, e->now_ns);
    missing_fills_tick(e);
    pull_tick(e);
    balances_tick(e);
    phase_tick(e);
    mark_tick(e);
}

bool reconcile_done(struct engine_core *e, const struct venue_report *report)
{
    struct reconcile *r = &e->reconcile;
    bool is_good = report->kind == REPORT_DONE;

    if (report->request_id == 0)
        return false;
    if (positions_done(e, report))
        return true;
    if (report->request_id == r->request) {
        r->request = 0;
        if (r->phase != RECONCILE_OPEN_ORDERS)
            return true;
        if (is_good)
            on_list_done(e);
        else
            failed(e);
        return true;
    }
    if (report->request_id == r->pull_request) {
        r->pull_request = 0;
        if (is_good)
            r->pull_index++;
        else
            r->pull_retry_ns = MAX(e->now_ns + retry_pause(e), e->guard.back_off_until_ns);
        r->failures += !is_good;
        return true;
    }
    if (report->request_id == r->balance_request) {
        r->balance_request = 0;
        if (is_good)
            r->balance_last_ns = e->now_ns;
        else
            r->retry_ns = MAX(e->now_ns + retry_pause(e), e->guard.back_off_until_ns);
        r->failures += !is_good;
        return true;
    }
    if (report->request_id == e->guard.kill_request ||
        report->request_id == e->guard.dead_man_request) {
        guard_report(e, report);
        return true;
    }
    return false;
}
