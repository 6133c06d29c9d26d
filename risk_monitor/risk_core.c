#include "risk_monitor/risk_parts.h"

#include "common/pure/topology.h"

#include <string.h>

static const int64_t DAY_NS = 86400 * NS_PER_S;

void risk_core_init(struct risk_core *core, const struct risk_config *config,
                    const struct risk_out *out, const struct risk_saved *saved, int64_t now_ns,
                    int64_t wall_ns)
{
    memset(core, 0, sizeof *core);
    core->config = *config;
    core->out = *out;
    core->started_ns = now_ns;
    core->wall_ns = wall_ns;
    core->is_marked = true;
    if (saved)
        core->saved = *saved;
    core->saved
        .risk_version++; /* A new start is a new version: nobody mistakes the old one for this. */
    for (unsigned i = 0; i < config->engine_count; i++)
        core->engines[i].account = config->engines[i];
    core->is_changed = true;
}

/* ---- entries ---- */

static bool is_same_target(const struct wire_scope *a, const struct wire_scope *b)
{
    return a->kind == b->kind && a->account == b->account && a->strategy == b->strategy &&
           a->instrument == b->instrument;
}

static void changed(struct risk_core *core)
{
    core->saved.risk_version++;
    core->saved.since_wall_ns = core->wall_ns;
    core->is_changed = true;
}

/* Holds a target for a reason. Reasons stand beside each other: one that clears leaves the others.
 */
static void hold(struct risk_core *core, const struct wire_scope *scope, bool is_automatic)
{
    struct risk_saved *saved = &core->saved;

    for (uint32_t i = 0; i < saved->entry_count; i++) {
        struct risk_entry *entry = &saved->entries[i];

        if (is_same_target(&entry->scope, scope) && entry->scope.reason == scope->reason &&
            entry->is_automatic == is_automatic) {
            if (entry->scope.state >= scope->state)
                return;
            entry->scope.state = scope->state;
            changed(core);
            return;
        }
    }
    if (saved->entry_count == WIRE_SCOPES_MAX) {
        /* No room for one more: the narrower becomes the whole. */
        saved->entries[0].scope = (struct wire_scope){ .kind = SCOPE_ALL,
                                                       .state = scope->state,
                                                       .reason = scope->reason,
                                                       .since_ns = scope->since_ns };
        saved->entries[0].is_automatic = false;
        changed(core);
        return;
    }
    saved->entries[saved->entry_count++] = (struct risk_entry){ *scope, is_automatic };
    if (scope->state == RISK_KILLED)
        core->counters.kills++;
    else
        core->counters.halts++;
    changed(core);
}

static void drop(struct risk_core *core, uint32_t at)
{
    struct risk_saved *saved = &core->saved;

    saved->entries[at] = saved->entries[--saved->entry_count];
    changed(core);
}

/* An automatic halt follows its cause, both ways. */
static void follow(struct risk_core *core, bool is_cause, wire_scope_kind kind, uint16_t account,
                   wire_reason why, int64_t now_ns)
{
    struct wire_scope scope = {
        .kind = kind, .state = RISK_HALTED, .reason = why, .account = account, .since_ns = now_ns
    };

    if (is_cause) {
        hold(core, &scope, true);
        return;
    }
    for (uint32_t i = 0; i < core->saved.entry_count; i++) {
        const struct risk_entry *entry = &core->saved.entries[i];

        if (entry->is_automatic && is_same_target(&entry->scope, &scope) &&
            entry->scope.reason == why) {
            drop(core, i);
            return;
        }
    }
}

void risk_core_kill(struct risk_core *core, wire_reason why, const char *note, int64_t now_ns)
{
    struct wire_scope scope = {
        .kind = SCOPE_ALL, .state = RISK_KILLED, .reason = why, .since_ns = now_ns
    };

    strncpy(core->saved.note, note, sizeof core->saved.note - 1);
    hold(core, &scope, false);
}

/* ---- limits ---- */

static int64_t drawdown(const struct risk_core *core)
{
    return MAX(0, core->peak_pnl - core->daily_pnl);
}

/* The limit that is breached now, REASON_NONE where none is. */
static wire_reason breach(const struct risk_core *core)
{
    if (risk_exposure_breach(core))
        return REASON_NET_DELTA;
    if (!core->has_pnl)
        return REASON_NONE;
    if (-core->daily_pnl > core->config.daily_loss_max)
        return REASON_DAILY_LOSS;
    if (drawdown(core) > core->config.drawdown_max)
        return REASON_DRAWDOWN;
    if (core->gross_exposure > core->config.gross_exposure_max)
        return REASON_GROSS_EXPOSURE;
    return REASON_NONE;
}

static void check_limits(struct risk_core *core, int64_t now_ns)
{
    wire_reason why = breach(core);

    if (why == REASON_NONE)
        return;
    for (uint32_t i = 0; i < core->saved.entry_count; i++)
        if (core->saved.entries[i].scope.kind == SCOPE_ALL &&
            core->saved.entries[i].scope.state == RISK_KILLED)
            return;
    core->counters.breaches++;
    core->out.note(core->out.ctx, "limit_breached", wire_reason_str(why));
    risk_core_kill(core, why, "limit breached", now_ns);
}

static void on_pnl(struct risk_core *core, const struct wire_pnl *pnl, int64_t now_ns)
{
    int64_t day = core->wall_ns / DAY_NS;

    if (pnl->header.account != 0 || pnl->strategy != 0)
        return;
    core->has_pnl = true;
    core->is_marked = pnl->is_marked;
    core->is_complete = pnl->is_complete;
    if (pnl->is_marked)
        core->unmarked_since_ns = 0;
    else if (core->unmarked_since_ns == 0)
        core->unmarked_since_ns = now_ns;
    if (!pnl->is_marked)
        return; /* A sum with a hole in it is no figure to judge by. */
    core->gross_exposure = pnl->gross_exposure;
    core->daily_pnl = pnl->net_day;
    if (day != core->peak_day) {
        core->peak_day = day;
        core->peak_pnl = MAX(0, core->daily_pnl);
    }
    core->peak_pnl = MAX(core->peak_pnl, core->daily_pnl);
    check_limits(core, now_ns);
}

/* ---- who is there ---- */

static struct risk_engine *engine_of(struct risk_core *core, uint16_t account)
{
    for (unsigned i = 0; i < core->config.engine_count; i++)
        if (core->engines[i].account == account)
            return &core->engines[i];
    return NULL;
}

static void engine_heard(struct risk_core *core, uint16_t account, int64_t now_ns)
{
    struct risk_engine *engine = engine_of(core, account);

    if (!engine)
        return;
    engine->heard_ns = now_ns;
    engine->is_cancel_started = false;
}

void risk_core_heard(struct risk_core *core, uint16_t publisher, int64_t now_ns)
{
    if (PUBLISHER_ROLE(publisher) == ROLE_TRADING_ENGINE)
        engine_heard(core, (uint16_t)PUBLISHER_INSTANCE(publisher), now_ns);
    else if (PUBLISHER_ROLE(publisher) == ROLE_POSITION_SERVER)
        core->positions_heard_ns = now_ns;
}

static void on_balance(struct risk_core *core, const struct wire_balance *event, int64_t now_ns)
{
    struct risk_balance *balance = NULL;

    for (uint32_t i = 0; i < core->balance_count && !balance; i++)
        if (core->balances[i].account == event->header.account &&
            strcmp(core->balances[i].asset, event->asset) == 0)
            balance = &core->balances[i];
    if (!balance) {
        if (core->balance_count == RISK_BALANCES_MAX)
            return;
        balance = &core->balances[core->balance_count++];
        balance->account = event->header.account;
        memcpy(balance->asset, event->asset, sizeof balance->asset);
    }
    if (event->difference == 0)
        balance->since_ns = 0;
    else if (balance->since_ns == 0 || balance->difference != event->difference ||
             balance->applied_trade_number != event->applied_trade_number)
        balance->since_ns = now_ns; /* Something still moves. */
    balance->difference = event->difference;
    balance->applied_trade_number = event->applied_trade_number;
}

static bool is_unreconciled(const struct risk_core *core, uint16_t account, int64_t now_ns)
{
    if (core->config.reconciliation_ns == 0)
        return false;
    for (uint32_t i = 0; i < core->balance_count; i++)
        if (core->balances[i].account == account && core->balances[i].since_ns != 0 &&
            now_ns - core->balances[i].since_ns > core->config.reconciliation_ns)
            return true;
    return risk_exposure_differs(core, account, now_ns);
}

/* The venue has closed a position of ours by force: what we believed of our margin was wrong. It
 * stays held until an operator has looked; an engine that says it again holds nothing anew. */
static void on_engine_status(struct risk_core *core, const struct wire_engine_status *status,
                             int64_t now_ns)
{
    struct risk_engine *engine = engine_of(core, status->header.account);
    struct wire_scope scope = { .kind = SCOPE_VENUE,
                                .state = RISK_HALTED,
                                .reason = REASON_LIQUIDATION,
                                .account = status->header.account,
                                .since_ns = now_ns };
    bool is_liquidated = status->why == REASON_LIQUIDATION;

    engine_heard(core, status->header.account, now_ns);
    if (!engine)
        return;
    engine->state = status->state;
    engine->is_dry_run = status->is_dry_run != 0;
    if (is_liquidated && !engine->is_liquidated) {
        core->counters.liquidations++;
        core->out.note(core->out.ctx, "liquidation",
                       "a venue closes a position of ours by force: it is halted");
        hold(core, &scope, false);
    }
    engine->is_liquidated = is_liquidated;
}

static void watch_engine(struct risk_core *core, struct risk_engine *engine, int64_t now_ns)
{
    bool is_silent =
        engine->heard_ns == 0 || now_ns - engine->heard_ns > core->config.engine_silence_ns;

    follow(core, is_silent, SCOPE_VENUE, engine->account, REASON_ENGINE_SILENT, now_ns);
    follow(core, is_unreconciled(core, engine->account, now_ns), SCOPE_VENUE, engine->account,
           REASON_RECONCILIATION, now_ns);
    /* An engine that lived and is dead may have left orders at a venue without a dead-man switch.
     */
    if (engine->heard_ns != 0 && !engine->is_cancel_started && !engine->is_dry_run &&
        now_ns - engine->heard_ns > core->config.engine_dead_ns) {
        engine->is_cancel_started = true;
        core->counters.cancel_alls++;
        core->out.cancel_all(core->out.ctx, engine->account);
    }
}

static void watch(struct risk_core *core, int64_t now_ns)
{
    bool is_silent = core->positions_heard_ns == 0 ||
                     now_ns - core->positions_heard_ns > core->config.positions_silence_ns;
    bool is_unmarked =
        core->unmarked_since_ns != 0 && now_ns - core->unmarked_since_ns > core->config.unmarked_ns;

    follow(core, is_silent || !core->has_pnl, SCOPE_ALL, 0, REASON_POSITIONS_SILENT, now_ns);
    if (is_silent)
        core->has_pnl = false; /* After its return: wait for the first whole figure. */
    follow(core, core->has_pnl && !core->is_complete && !is_silent, SCOPE_ALL, 0, REASON_NOT_READY,
           now_ns);
    follow(core, is_unmarked, SCOPE_ALL, 0, REASON_MARK_STALE, now_ns);
    for (unsigned i = 0; i < core->config.engine_count; i++)
        watch_engine(core, &core->engines[i], now_ns);
}

/* ---- commands ---- */

static bool is_repeated(struct risk_core *core, uint64_t command_id)
{
    for (uint32_t i = 0; i < RISK_COMMANDS_KEPT; i++)
        if (core->recent_commands[i] == command_id)
            return true;
    core->recent_commands[core->recent_next++ % RISK_COMMANDS_KEPT] = command_id;
    return false;
}

static bool is_covered(const struct wire_scope *scope, const struct wire_scope *by)
{
    return by->kind == SCOPE_ALL || is_same_target(scope, by);
}

/* Takes back what an operator or a limit holds. What holds automatically goes with its cause, not
 * by command. */
static wire_reason resume(struct risk_core *core, const struct wire_scope *scope)
{
    wire_reason why = breach(core);

    if (why != REASON_NONE)
        return why;
    for (uint32_t i = core->saved.entry_count; i-- > 0;)
        if (!core->saved.entries[i].is_automatic &&
            is_covered(&core->saved.entries[i].scope, scope))
            drop(core, i);
    core->counters.resumes++;
    return REASON_NONE;
}

static wire_reason carry_out(struct risk_core *core, const struct wire_operator_command *command,
                             int64_t now_ns)
{
    struct wire_scope scope = {
        .kind = command->scope,
        .state = command->command == COMMAND_KILL ? RISK_KILLED : RISK_HALTED,
        .reason = REASON_OPERATOR,
        .account = command->scope == SCOPE_VENUE ? command->header.account : 0,
        .strategy = command->scope == SCOPE_STRATEGY ? command->strategy : 0,
        .instrument = command->scope == SCOPE_INSTRUMENT ? command->header.instrument : 0,
        .since_ns = now_ns,
    };

    if ((scope.kind == SCOPE_VENUE && scope.account == 0) ||
        (scope.kind == SCOPE_STRATEGY && scope.strategy == 0) ||
        (scope.kind == SCOPE_INSTRUMENT && scope.instrument == 0))
        return REASON_MALFORMED;
    switch (command->command) {
    case COMMAND_HALT:
    case COMMAND_KILL:
        hold(core, &scope, false);
        return REASON_NONE;
    case COMMAND_RESUME:
        return resume(core, &scope);
    default:
        return REASON_UNSUPPORTED;
    }
}

static void on_command(struct risk_core *core, const struct wire_operator_command *command,
                       int64_t now_ns)
{
    wire_reason why;

    if (is_repeated(core, command->command_id)) {
        core->counters.commands_repeated++;
        risk_core_publish(core, now_ns); /* Its echo was missed. */
        return;
    }
    core->counters.commands++;
    why = carry_out(core, command, now_ns);
    if (why == REASON_NONE) {
        core->saved.last_command_id = command->command_id;
        memcpy(core->saved.note, command->note, sizeof core->saved.note);
        changed(core);
    } else {
        core->counters.commands_refused++;
        core->last_refused_id = command->command_id;
        core->refused_why = why;
    }
    core->out.note(core->out.ctx, why == REASON_NONE ? "command" : "command_refused",
                   wire_command_kind_str(command->command));
    risk_core_tick(core, now_ns, core->wall_ns); /* Saved and said at once. */
}

void risk_core_event(struct risk_core *core, const struct wire_header *event, int64_t now_ns)
{
    switch (event->type) {
    case WIRE_pnl:
        core->positions_heard_ns = now_ns;
        on_pnl(core, (const struct wire_pnl *)event, now_ns);
        break;
    case WIRE_balance:
        core->positions_heard_ns = now_ns;
        on_balance(core, (const struct wire_balance *)event, now_ns);
        break;
    case WIRE_position:
        core->positions_heard_ns = now_ns;
        if (risk_exposure_position(core, (const struct wire_position *)event, now_ns))
            check_limits(core, now_ns);
        break;
    case WIRE_instrument:
        risk_exposure_definition(core, (const struct wire_instrument *)event);
        break;
    case WIRE_engine_status:
        on_engine_status(core, (const struct wire_engine_status *)event, now_ns);
        break;
    case WIRE_operator_command:
        on_command(core, (const struct wire_operator_command *)event, now_ns);
        break;
    default:
        break;
    }
}

/* ---- what everybody is told ---- */

void risk_core_publish(struct risk_core *core, int64_t now_ns)
{
    struct wire_risk_state event;

    WIRE_BEGIN(&event, risk_state);
    event.header.flags = WIRE_SNAPSHOT;
    event.header.origin_ns = now_ns;
    event.risk_version = core->saved.risk_version;
    event.last_command_id = core->saved.last_command_id;
    event.last_refused_id = core->last_refused_id;
    event.refused_why = core->refused_why;
    event.realtime_ns = core->wall_ns;
    event.since_ns = core->saved.since_wall_ns;
    event.gross_exposure = core->gross_exposure;
    event.gross_exposure_max = core->config.gross_exposure_max;
    event.daily_pnl = core->daily_pnl;
    event.daily_loss_max = core->config.daily_loss_max;
    event.drawdown = drawdown(core);
    event.drawdown_max = core->config.drawdown_max;
    memcpy(event.currency, core->config.currency, sizeof event.currency);
    memcpy(event.note, core->saved.note, sizeof event.note);
    event.amount_exp = RISK_AMOUNT_EXP;
    event.state = RISK_RUNNING;
    for (uint32_t i = 0; i < core->saved.entry_count; i++) {
        const struct wire_scope *scope = &core->saved.entries[i].scope;

        if (scope->kind == SCOPE_ALL && scope->state > event.state) {
            event.state = scope->state;
            event.why = scope->reason;
        }
        event.scopes[event.scope_count++] = *scope;
    }
    core->out.publish(core->out.ctx, &event.header);
}

/* Only what must survive is written: automatic halts are found again by whoever starts next. */
static void save(struct risk_core *core)
{
    struct risk_saved saved = core->saved;

    saved.entry_count = 0;
    memset(saved.entries, 0, sizeof saved.entries);
    for (uint32_t i = 0; i < core->saved.entry_count; i++)
        if (!core->saved.entries[i].is_automatic)
            saved.entries[saved.entry_count++] = core->saved.entries[i];
    if (core->out.save(core->out.ctx, &saved) == 0)
        core->is_changed = false;
    else
        core->counters.save_failed++;
}

void risk_core_tick(struct risk_core *core, int64_t now_ns, int64_t wall_ns)
{
    core->wall_ns = wall_ns;
    watch(core, now_ns);
    if (core->is_changed)
        save(core);
    risk_core_publish(core, now_ns);
}
