/* What a strategy may do now, and what it has: engines, risk, positions, balances. */
#include "strategy_runner/runner_parts.h"

#include "common/leaf/err.h"
#include "common/leaf/fixed.h"

#include <string.h>

static const struct runner_engine *engine_of(const struct runner_core *core, uint16_t account)
{
    for (uint32_t i = 0; i < core->engine_count; i++)
        if (core->engines[i].account == account)
            return &core->engines[i];
    return NULL;
}

/* A scope that covers this strategy, account or instrument; NULL: none. */
static const struct wire_scope *scope_over(const struct runner_core *core, uint16_t strategy,
                                           uint16_t account, uint64_t instrument)
{
    for (unsigned i = 0; i < core->risk.scope_count && i < WIRE_SCOPES_MAX; i++) {
        const struct wire_scope *scope = &core->risk.scopes[i];

        if ((scope->kind == SCOPE_ALL) ||
            (scope->kind == SCOPE_VENUE && scope->account == account) ||
            (scope->kind == SCOPE_STRATEGY && scope->strategy == strategy) ||
            (scope->kind == SCOPE_INSTRUMENT && scope->instrument == instrument))
            return scope;
    }
    return NULL;
}

static wire_reason risk_refusal(const struct runner_core *core, uint16_t strategy,
                                const struct market_book *book, int64_t now_ns)
{
    const struct wire_scope *scope;

    if (core->risk.header.type == 0 || now_ns - core->risk_heard_ns > core->config.risk_silence_ns)
        return REASON_RISK_SILENT;
    if (core->risk.state == RISK_KILLED)
        return REASON_KILLED;
    if (core->risk.state != RISK_RUNNING)
        return REASON_HALTED;
    scope = scope_over(core, strategy, book->account, book->definition.header.instrument);
    if (scope)
        return scope->state == RISK_KILLED ? REASON_KILLED : REASON_HALTED;
    return REASON_NONE;
}

bool runner_may_trade(const struct runner_core *core, uint16_t strategy,
                      const struct market_book *book, int64_t now_ns, wire_reason *why)
{
    const struct runner_engine *engine = engine_of(core, book->account);

    *why = risk_refusal(core, strategy, book, now_ns);
    if (*why != REASON_NONE)
        return false;
    if (!engine || now_ns - engine->heard_ns > core->config.engine_silence_ns)
        *why = REASON_ENGINE_SILENT;
    else if (engine->state != ENGINE_READY)
        *why = REASON_NOT_READY;
    else if (core->positions_heard_ns == 0 ||
             now_ns - core->positions_heard_ns > core->config.positions_silence_ns)
        *why = REASON_POSITIONS_SILENT;
    else if (!market_is_fresh(book, now_ns, core->config.book_max_age_ns))
        *why = REASON_BOOK_STALE;
    return *why == REASON_NONE;
}

static struct runner_position *position_slot(struct runner_core *core, uint16_t account,
                                             uint16_t strategy, uint64_t instrument)
{
    for (uint32_t i = 0; i < core->position_count; i++) {
        struct runner_position *position = &core->positions[i];

        if (position->account == account && position->strategy == strategy &&
            position->instrument == instrument)
            return position;
    }
    if (core->position_count == RUNNER_POSITIONS_MAX)
        return NULL;
    struct runner_position *position = &core->positions[core->position_count++];
    *position = (struct runner_position){ .instrument = instrument,
                                          .account = account,
                                          .strategy = strategy };
    return position;
}

int64_t runner_position_of(const struct runner_core *core, uint16_t account, uint16_t strategy,
                           uint64_t instrument)
{
    for (uint32_t i = 0; i < core->position_count; i++) {
        const struct runner_position *position = &core->positions[i];

        if (position->account == account && position->strategy == strategy &&
            position->instrument == instrument)
            return position->qty;
    }
    return 0;
}

static const struct runner_balance *balance_of(const struct runner_core *core, uint16_t account,
                                               const char *asset)
{
    for (uint32_t i = 0; i < core->balance_count; i++)
        if (core->balances[i].account == account && strcmp(core->balances[i].asset, asset) == 0)
            return &core->balances[i];
    return NULL;
}

int64_t runner_free_balance(const struct runner_core *core, uint16_t account, const char *asset,
                            int to_exp)
{
    const struct runner_balance *balance = balance_of(core, account, asset);
    int64_t amount;

    if (!balance ||
        fixed_rescale(balance->free, balance->amount_exp, to_exp, FIXED_DOWN, &amount) != 0)
        return -1;
    return amount;
}

int64_t runner_free_margin(const struct runner_core *core, uint16_t account, const char *asset,
                           int to_exp)
{
    const struct runner_balance *balance = balance_of(core, account, asset);
    int64_t amount;

    if (!balance || fixed_rescale(MAX(0, MIN(balance->free, balance->venue_free)),
                                  balance->amount_exp, to_exp, FIXED_DOWN, &amount) != 0)
        return -1;
    return amount;
}

/* runner_gate_fill counts a fill at once: the ledger's own figure follows some milliseconds later.
 */
void runner_gate_fill(struct runner_core *core, const struct runner_order *order, int64_t fill_qty)
{
    struct runner_position *position =
        position_slot(core, order->account, order->strategy, order->instrument);

    if (position)
        position->qty += order->side == SIDE_BUY ? fill_qty : -fill_qty;
}

/* The ledger's figure is the truth, but may be some fills behind ours. It is taken when it moves to
 * what we already have, or when nothing of that instrument has been working here lately. */
void runner_gate_position(struct runner_core *core, const struct wire_position *event,
                          bool is_quiet)
{
    struct runner_position *position =
        position_slot(core, event->header.account, event->strategy, event->header.instrument);
    const struct market_book *book = market_find(core->market, event->header.instrument);
    int64_t qty = event->qty;

    if (!position)
        return;
    if (book)
        (void)fixed_rescale(event->qty, event->qty_exp, book->definition.qty_exp, FIXED_DOWN, &qty);
    position->ledger_qty = qty;
    if (is_quiet)
        position->qty = qty;
}

void runner_gate_balance(struct runner_core *core, const struct wire_balance *event)
{
    struct runner_balance *balance = NULL;

    for (uint32_t i = 0; i < core->balance_count && !balance; i++)
        if (core->balances[i].account == event->header.account &&
            strcmp(core->balances[i].asset, event->asset) == 0)
            balance = &core->balances[i];
    if (!balance && core->balance_count < RUNNER_BALANCES_MAX)
        balance = &core->balances[core->balance_count++];
    if (!balance)
        return;
    balance->account = event->header.account;
    memcpy(balance->asset, event->asset, sizeof balance->asset);
    balance->amount_exp = event->amount_exp;
    balance->free = MAX(0, event->total - event->venue_locked);
    balance->venue_free = event->venue_free;
}

/* runner_gate_engine notes what an engine says of itself. true: it has a new epoch. */
bool runner_gate_engine(struct runner_core *core, const struct wire_engine_status *event,
                        int64_t now_ns)
{
    struct runner_engine *engine = NULL;

    for (uint32_t i = 0; i < core->engine_count && !engine; i++)
        if (core->engines[i].account == event->header.account)
            engine = &core->engines[i];
    if (!engine) {
        if (core->engine_count == RUNNER_ENGINES_MAX)
            return false;
        engine = &core->engines[core->engine_count++];
        *engine = (struct runner_engine){ .account = event->header.account };
    }

    bool is_new = engine->epoch != event->header.epoch;

    engine->epoch = event->header.epoch;
    engine->state = event->state;
    engine->is_dry_run = event->is_dry_run != 0;
    engine->heard_ns = now_ns;
    return is_new;
}

void runner_gate_engine_heard(struct runner_core *core, uint16_t account, int64_t now_ns)
{
    for (uint32_t i = 0; i < core->engine_count; i++)
        if (core->engines[i].account == account)
            core->engines[i].heard_ns = now_ns;
}

uint64_t runner_gate_epoch(const struct runner_core *core, uint16_t account)
{
    const struct runner_engine *engine = engine_of(core, account);

    return engine ? engine->epoch : 0;
}

int64_t runner_round_price(const struct market_book *book, wire_side side, int64_t price,
                           bool is_aggressive)
{
    int64_t tick = MAX(book->definition.tick_size, 1), below = price - price % tick;
    bool is_up = (side == SIDE_SELL) != is_aggressive;

    return is_up && below != price ? below + tick : below;
}

int64_t runner_round_qty(const struct market_book *book, int64_t qty)
{
    return qty - qty % MAX(book->definition.lot_size, 1);
}
