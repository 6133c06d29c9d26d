#include "trading_engine/core_internal.h"

/* ---- what risk_monitor says ---- */

static bool scope_covers(const struct engine_core *e, const struct wire_scope *s, uint16_t strategy,
                         uint64_t instrument)
{
    switch (s->kind) {
    case SCOPE_ALL:
        return true;
    case SCOPE_VENUE:
        return s->account == e->config.account;
    case SCOPE_STRATEGY:
        return s->strategy == strategy && (s->account == 0 || s->account == e->config.account);
    case SCOPE_INSTRUMENT:
        return s->instrument == instrument && instrument != 0;
    default:
        return true; /* Of a kind that this build does not know: it may mean us. */
    }
}

static bool is_engine_wide(const struct wire_scope *s)
{
    return s->kind != SCOPE_STRATEGY && s->kind != SCOPE_INSTRUMENT;
}

wire_risk_state_kind guard_verdict(const struct engine_core *e, uint16_t strategy,
                                   uint64_t instrument, wire_reason *why)
{
    const struct wire_risk_state *r = &e->guard.risk;
    wire_risk_state_kind verdict = r->state;

    *why = r->why;
    for (size_t i = 0; i < r->scope_count && i < WIRE_SCOPES_MAX; i++)
        if (scope_covers(e, &r->scopes[i], strategy, instrument) && r->scopes[i].state > verdict) {
            verdict = r->scopes[i].state;
            *why = r->scopes[i].reason;
        }
    return verdict;
}

/* The engine as a whole: strategy and instrument scopes left out. */
static wire_risk_state_kind engine_verdict(const struct engine_core *e, wire_reason *why)
{
    const struct wire_risk_state *r = &e->guard.risk;
    wire_risk_state_kind verdict = r->state;

    *why = r->why;
    for (size_t i = 0; i < r->scope_count && i < WIRE_SCOPES_MAX; i++)
        if (is_engine_wide(&r->scopes[i]) && scope_covers(e, &r->scopes[i], 0, 0) &&
            r->scopes[i].state > verdict) {
            verdict = r->scopes[i].state;
            *why = r->scopes[i].reason;
        }
    return verdict;
}

/* ---- kill ---- */

static void journal_kill(struct engine_core *e)
{
    const struct guard *g = &e->guard;
    struct kill_record record = { .wall_ns = core_wall(e),
                                  .risk_version = g->kill_risk_version,
                                  .last_command_id = g->kill_command_id,
                                  .is_killed = g->is_killed,
                                  .is_everything = g->is_everything,
                                  .why = g->kill_why };
    (void)core_append(e, RECORD_KILL, &record, sizeof(record));
}

static void want_all_cancelled(struct engine_core *e, wire_reason why, bool with_foreign)
{
    FOR_EACH_LIVE(e, o)
    {
        if (with_foreign || !(o->r.flags & ORDER_FOREIGN))
            order_want_cancel(e, o, why);
    }
}

void guard_kill(struct engine_core *e, bool is_everything, wire_reason why)
{
    struct guard *g = &e->guard;
    bool is_news = !g->is_killed || (is_everything && !g->is_everything);

    if (!is_news)
        return;
    if (!g->is_killed) {
        e->counters.kills++;
        g->kill_at_ns = e->now_ns;
        g->kill_risk_version = g->risk.risk_version;
        g->kill_command_id = g->risk.last_command_id;
        g->kill_why = why;
    }
    g->is_killed = true;
    g->is_everything |= is_everything;
    g->kill_phase = KILL_CANCEL;
    g->kill_next_ns = e->now_ns;
    journal_kill(e);
    core_note(e, NOTE_ERROR, "killed", "why=%s everything=%d", wire_reason_str(why),
              g->is_everything);
}

static bool kill_has_survivors(const struct engine_core *e)
{
    FOR_EACH_LIVE(e, o)
    {
        if (e->guard.is_everything || !(o->r.flags & ORDER_FOREIGN))
            return true;
    }
    return false;
}

static void kill_send(struct engine_core *e)
{
    struct guard *g = &e->guard;
    struct venue_command c;

    want_all_cancelled(e, REASON_KILLED, g->is_everything);
    FOR_EACH_LIVE(e, o)
    { /* A cancel refused for good is tried again as long as the kill holds. */
        bool is_waiting = o->cancel_request || o->cancel_at_ns || o->r.state == ORDER_PENDING_NEW ||
                          o->r.state == ORDER_UNKNOWN;
        if ((o->r.flags & ORDER_CANCEL_WANTED) && !is_waiting)
            o->cancel_at_ns = e->now_ns;
    }
    if (g->is_everything) {
        command_begin(e, &c, OP_CANCEL_ALL, NULL);
        (void)command_send(e, &c, NULL, true, &g->kill_request);
    }
    g->kill_cancel_ns = e->now_ns;
    g->kill_phase = KILL_VERIFY;
    g->kill_next_ns = e->now_ns + 200 * NS_PER_MS;
}

/* Cancel, ask for the open orders, cancel what is left, until a list asked for after the last
 * cancel is empty. */
static void kill_tick(struct engine_core *e)
{
    struct guard *g = &e->guard;
    bool has_answer = e->reconcile.phase == RECONCILE_IDLE && !e->reconcile.is_wanted &&
                      e->reconcile.done_list_sent_ns > g->kill_cancel_ns;

    if (!g->is_killed || e->now_ns < g->kill_next_ns)
        return;
    switch (g->kill_phase) {
    case KILL_CANCEL:
        kill_send(e);
        break;
    case KILL_VERIFY:
        if (!has_answer) {
            /* Before the list: only one asked for after the cancels counts. */
            if (e->reconcile.phase == RECONCILE_IDLE && !e->reconcile.is_wanted)
                reconcile_want(e);
            if (e->now_ns - g->kill_cancel_ns > 2 * NS_PER_S && kill_has_survivors(e))
                kill_send(e);
            g->kill_next_ns = e->now_ns + 50 * NS_PER_MS;
        } else if (kill_has_survivors(e)) {
            kill_send(e);
        } else {
            g->kill_phase = KILL_DONE;
            core_note(e, NOTE_WARN, "kill_verified", "nothing open after %lld ms",
                      (long long)((e->now_ns - g->kill_at_ns) / NS_PER_MS));
        }
        break;
    default:
        if (kill_has_survivors(e)) /* Something came up afterwards. */
            g->kill_phase = KILL_CANCEL;
        break;
    }
}

/* Only an operator's resume ends a kill: risk runs again, and an operator's command was carried out
 * since. */
static void maybe_resume(struct engine_core *e)
{
    struct guard *g = &e->guard;
    wire_reason why;
    bool is_resumed = g->risk.risk_version > g->kill_risk_version && g->risk.last_command_id != 0 &&
                      g->risk.last_command_id != g->kill_command_id && g->kill_phase == KILL_DONE;

    if (!g->is_killed || !is_resumed || engine_verdict(e, &why) != RISK_RUNNING)
        return;
    g->is_killed = g->is_everything = false;
    g->kill_phase = KILL_NONE;
    journal_kill(e);
    reconcile_want(e);
    core_note(e, NOTE_WARN, "resumed", "command=%llx", (unsigned long long)g->risk.last_command_id);
}

void guard_risk(struct engine_core *e, const struct wire_risk_state *risk)
{
    struct guard *g = &e->guard;
    wire_reason why;

    g->has_risk = true;
    g->risk_ns = e->now_ns;
    g->risk = *risk;
    g->is_risk_gone_handled = false;
    wire_risk_state_kind verdict = engine_verdict(e, &why);
    if (verdict == RISK_KILLED) {
        bool is_first = !g->is_killed;
        guard_kill(e, risk->state == RISK_KILLED, why ? why : REASON_KILLED);
        if (!is_first) { /* Still killed by it: what a resume must come after. */
            g->kill_risk_version = risk->risk_version;
            g->kill_command_id = risk->last_command_id;
        }
        return;
    }
    maybe_resume(e);
    positions_resume(e);
    for (size_t i = 0; i < risk->scope_count && i < WIRE_SCOPES_MAX; i++) {
        const struct wire_scope *s = &risk->scopes[i];
        if (s->state != RISK_KILLED || is_engine_wide(s))
            continue;
        FOR_EACH_LIVE(e, o)
        {
            if (scope_covers(e, s, o->r.strategy, o->r.instrument) && !(o->r.flags & ORDER_FOREIGN))
                order_want_cancel(e, o, REASON_KILLED);
        }
    }
}

/* ---- silences ---- */

static void risk_tick(struct engine_core *e)
{
    struct guard *g = &e->guard;
    int64_t since = MAX(g->risk_ns, e->started_ns);

    if (e->now_ns - since <= e->config.timing.risk_gone_ns || g->is_risk_gone_handled)
        return;
    g->is_risk_gone_handled = true;
    core_note(e, NOTE_ERROR, "risk_gone", "resting orders are cancelled");
    want_all_cancelled(e, REASON_RISK_SILENT, false);
}

static bool runner_is_heard(const struct engine_core *e, uint16_t publisher)
{
    for (size_t i = 0; i < ENGINE_OWNERS_MAX; i++)
        if (e->owners[i].publisher == publisher)
            return e->now_ns - e->owners[i].heard_ns <= e->config.timing.runner_silent_ns &&
                   e->owners[i].heard_ns;
    return false;
}

static void runner_tick(struct engine_core *e)
{
    if (e->now_ns - e->started_ns < e->config.timing.start_grace_ns)
        return;
    for (size_t i = 0; i < ENGINE_OWNERS_MAX; i++) {
        struct owner *owner = &e->owners[i];
        if (owner->publisher && owner->heard_ns && !owner->is_silent &&
            !runner_is_heard(e, owner->publisher)) {
            owner->is_silent = true;
            core_note(e, NOTE_WARN, "runner_silent",
                      "publisher=%04x: its resting orders are cancelled", owner->publisher);
        }
    }
    FOR_EACH_LIVE(e, o)
    {
        if (!(o->r.flags & (ORDER_FOREIGN | ORDER_CANCEL_WANTED)) &&
            !runner_is_heard(e, o->r.owner))
            order_want_cancel(e, o, REASON_RUNNER_SILENT);
    }
}

/* ---- dead-man switch ---- */

bool guard_dead_man_proven(const struct engine_core *e)
{
    if (!e->config.has_dead_man || e->config.is_dry_run)
        return true;
    return e->now_ns < e->guard.dead_man_until_ns - e->config.timing.dead_man_ns / 2;
}

static void dead_man_send(struct engine_core *e, int64_t timeout_ns)
{
    struct guard *g = &e->guard;
    struct venue_command c;

    command_begin(e, &c, OP_DEAD_MAN, NULL);
    c.timeout_ns = timeout_ns;
    g->dead_man_sent_ns = e->now_ns;
    g->dead_man_next_ns = e->now_ns + e->config.timing.dead_man_every_ns;
    if (command_send(e, &c, NULL, true, &g->dead_man_request) != 0)
        g->dead_man_next_ns = MAX(e->now_ns + NS_PER_S, g->back_off_until_ns);
}

static void dead_man_tick(struct engine_core *e)
{
    struct guard *g = &e->guard;
    bool is_ready =
        e->reconcile.was_ever_complete && !e->config.is_dry_run && e->config.has_dead_man;

    if (!is_ready || g->is_disarming)
        return;
    if (g->dead_man_request &&
        e->now_ns - g->dead_man_sent_ns > e->config.timing.dead_man_every_ns) {
        request_end(e, g->dead_man_request);
        g->dead_man_request = 0;
        g->dead_man_next_ns = e->now_ns;
    }
    if (g->is_stopping && e->live_count == 0) {
        g->is_disarming = true;
        dead_man_send(e, 0);
    } else if (g->dead_man_request == 0 && e->now_ns >= g->dead_man_next_ns) {
        dead_man_send(e, e->config.timing.dead_man_ns);
    }
}

/* ---- reports that concern the engine as a whole ---- */

static void on_channel(struct engine_core *e, const struct venue_report *r)
{
    struct guard *g = &e->guard;
    bool was_up = g->is_private_stream_up, was_orders_up = g->is_order_channel_up;

    g->is_order_channel_up = r->is_order_channel_up;
    g->is_private_stream_up = r->is_private_stream_up;
    if (was_up && !g->is_private_stream_up)
        e->reconcile.is_trusted = false;
    bool is_back =
        (!was_up && g->is_private_stream_up) || (!was_orders_up && g->is_order_channel_up);
    if (is_back || (was_up && !g->is_private_stream_up))
        reconcile_want(e);
}

static void on_dead_man(struct engine_core *e, const struct venue_report *r)
{
    struct guard *g = &e->guard;
    bool is_good = r->kind == REPORT_DEAD_MAN || r->kind == REPORT_DONE;

    if (r->request_id)
        g->dead_man_request = 0;
    if (!is_good) {
        g->dead_man_next_ns = MAX(e->now_ns + NS_PER_S, g->back_off_until_ns);
        return;
    }
    if (g->is_disarming)
        g->dead_man_until_ns = 0;
    else /* Counted from the send: the venue's own count began later. */
        g->dead_man_until_ns = g->dead_man_sent_ns + e->config.timing.dead_man_ns;
    e->counters.dead_man_refreshed++;
}

/* The venue's own count. Of orders (on one instrument, or of the account): the last fifth is for
 * cancels. Of requests in general: lists that nobody waits for wait. Used less again, the hold
 * ends. */
static void on_limits(struct engine_core *e, const struct venue_report *r)
{
    struct instrument_state *i = r->instrument ? instrument_find(e, r->instrument) : NULL;
    uint64_t percent = r->limit > 0 ? (uint64_t)r->used * 100 / r->limit : 0;
    int64_t hold_ns =
        10 * NS_PER_S; /* A codec that forgets to say less must not stop us for ever. */

    if (r->instrument) {
        if (i)
            i->limit_near_until_ns = percent >= 80 ? e->now_ns + hold_ns : 0;
        return;
    }
    if (strncmp(r->text, "ORDERS", 6) == 0)
        e->guard.limit_near_until_ns = percent >= 80 ? e->now_ns + NS_PER_S : 0;
    else
        e->guard.lists_after_ns = percent >= 80 ? e->now_ns + hold_ns : 0;
}

void guard_report(struct engine_core *e, const struct venue_report *r)
{
    struct guard *g = &e->guard;

    if (r->request_id && r->request_id == g->kill_request) {
        g->kill_request = 0;
        return;
    }
    if (r->kind == REPORT_DEAD_MAN || (r->request_id && r->request_id == g->dead_man_request)) {
        on_dead_man(e, r);
        return;
    }
    switch (r->kind) {
    case REPORT_CHANNEL:
        on_channel(e, r);
        break;
    case REPORT_SERVER_TIME:
        g->has_clock_offset = true;
        g->clock_offset_ns = r->offset_ns;
        g->rtt_ns = r->rtt_ns;
        break;
    case REPORT_LIMITS:
        on_limits(e, r);
        break;
    case REPORT_BACK_OFF:
        g->back_off_until_ns = MAX(g->back_off_until_ns, r->until_ns);
        core_note(e, NOTE_WARN, "venue_back_off", "for %lld ms",
                  (long long)((r->until_ns - e->now_ns) / NS_PER_MS));
        break;
    default:
        break;
    }
}

void guard_tick(struct engine_core *e)
{
    risk_tick(e);
    runner_tick(e);
    kill_tick(e);
    dead_man_tick(e);
    if (e->guard.is_stopping && e->config.cancels_on_stop)
        want_all_cancelled(e, REASON_SHUTDOWN, false);
}
