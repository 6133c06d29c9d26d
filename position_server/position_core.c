#include "position_server/position_parts.h"

#include "common/leaf/err.h"
#include "common/leaf/fixed.h"
#include "common/pure/topology.h"

#include <stdio.h>
#include <string.h>

enum { REPLAY_PAGE = 256 };
static const int64_t DAY_NS = 86400 * NS_PER_S;

void position_core_init(struct position_core *core, const struct position_config *config,
                        struct market *market, const struct position_out *out)
{
    memset(core, 0, sizeof *core);
    core->config = *config;
    core->market = market;
    core->out = *out;
    core->day = -1;
    core->is_loading = true;
}

/* Balances are states, not counted. The first one is where a new ledger begins: what came before it
 * is in its total. */
static void note_number(struct account *account, const struct wire_account_event *event)
{
    if (!account->has_events && event->kind == ACCOUNT_BALANCE)
        account->began_event_number = event->event_number;
    if (event->kind != ACCOUNT_BALANCE || !account->has_events)
        account->applied_event_number = MAX(account->applied_event_number, event->event_number);
    account->has_events = true;
}

void position_core_load(struct position_core *core, const struct wire_header *record)
{
    struct market_book *book;
    struct account *account;

    if (record->type == WIRE_instrument) {
        (void)market_event(core->market, record, 0, &book);
        return;
    }
    account = position_account(core, record->account);
    if (!account)
        return;
    if (record->type == WIRE_trade_event) {
        const struct wire_trade_event *trade = (const struct wire_trade_event *)record;

        position_apply_trade(core, trade, 0);
        account->applied_trade_number = MAX(account->applied_trade_number, trade->trade_number);
    } else if (record->type == WIRE_account_event) {
        const struct wire_account_event *event = (const struct wire_account_event *)record;

        position_apply_account(core, event, 0);
        note_number(account, event);
    } else if (record->type == WIRE_account_position) {
        position_state(core, (const struct wire_account_position *)record, 0);
    }
}

void position_core_load_repeated(struct position_core *core, uint16_t account,
                                 uint64_t trade_number)
{
    struct account *of = position_account(core, account);

    if (of)
        of->applied_trade_number = MAX(of->applied_trade_number, trade_number);
}

void position_core_set_day(struct position_core *core, int64_t day, uint16_t account,
                           uint16_t strategy, uint64_t instrument, int64_t base)
{
    core->day = day;
    for (uint32_t i = 0; i < core->position_count; i++) {
        struct position *position = &core->positions[i];

        if (position->account == account && position->strategy == strategy &&
            position->instrument == instrument)
            position->day_base = base;
    }
}

void position_core_loaded(struct position_core *core, int64_t now_ns)
{
    core->is_loading = false;
    for (uint32_t i = 0; i < core->account_count; i++)
        core->accounts[i].last_trade_ns = now_ns;
    position_core_durable(core);
}

void position_core_durable(struct position_core *core)
{
    for (uint32_t i = 0; i < core->account_count; i++) {
        core->accounts[i].durable_trade_number = core->accounts[i].applied_trade_number;
        core->accounts[i].durable_event_number = core->accounts[i].applied_event_number;
    }
}

/* The engine gave one execution two numbers: it must not count twice. */
static void note_repeated(struct position_core *core, const struct wire_trade_event *trade)
{
    char text[192];

    core->counters.identities_repeated++;
    snprintf(text, sizeof text,
             "account %u: number %llu tells execution %.39s of order %.71s again: not applied",
             trade->header.account, (unsigned long long)trade->trade_number, trade->venue_trade_id,
             trade->exchange_order_id);
    core->out.note(core->out.ctx, "execution_repeated", text);
}

static void on_position(struct position_core *core, const struct wire_account_position *event,
                        int64_t now_ns)
{
    struct account *account = position_account(core, event->header.account);

    if (!account || !market_find(core->market, event->header.instrument))
        return; /* It is said again. */
    account->publisher = event->header.publisher;
    position_state(core, event, now_ns);
    if (core->out.store_position)
        core->out.store_position(core->out.ctx, event);
}

static void on_trade(struct position_core *core, const struct wire_trade_event *trade,
                     int64_t now_ns)
{
    struct account *account = position_account(core, trade->header.account);

    if (!account || trade->trade_number == 0)
        return;
    account->publisher = trade->header.publisher;
    account->announced_trade_number = MAX(account->announced_trade_number, trade->trade_number);
    if (trade->trade_number <= account->applied_trade_number) {
        core->counters.trades_duplicate++;
        return;
    }
    if (trade->trade_number > account->applied_trade_number + 1) {
        core->counters.trades_ahead++;
        account->ask_due_ns = MIN(account->ask_due_ns, now_ns); /* At the next tick. */
        return;
    }
    if (!market_find(core->market, trade->header.instrument)) {
        /* Its base and quote are not known yet: taken when it is sent again, after the definition.
         */
        core->counters.unknown_instrument++;
        core->out.need_snapshot(core->out.ctx, trade->header.instrument);
        return;
    }
    int err = core->out.store_trade(core->out.ctx, trade);
    if (err && err != ERR_EXISTS) {
        core->counters.store_failed++;
        return;
    }
    if (err) {
        note_repeated(core, trade);
    } else {
        core->counters.simulated += (trade->header.flags & WIRE_SIMULATED) != 0;
        position_apply_trade(core, trade, now_ns);
    }
    account->applied_trade_number = trade->trade_number;
    account->last_trade_ns = now_ns;
    account->asks = 0;
    if (account->announced_trade_number == trade->trade_number)
        account->ask_due_ns = 0;
    /* The last of a page brings the next one at once. */
    else if (trade->trade_number % REPLAY_PAGE == 0)
        account->ask_due_ns = now_ns;
}

/* Whether an account event may be applied now. Transfers and the like come in the order of their
 * numbers; a balance whose number is ahead tells that some are missing. */
static bool is_next(struct position_core *core, struct account *account,
                    const struct wire_account_event *event, int64_t now_ns)
{
    bool is_balance = event->kind == ACCOUNT_BALANCE;

    account->announced_event_number = MAX(account->announced_event_number, event->event_number);
    if (event->kind == ACCOUNT_POSITION && event->event_number <= account->applied_event_number &&
        !position_has_opening(core, event))
        return true; /* Older than the balance with which this ledger began. */
    if (is_balance ? position_balance_is_old(core, event)
                   : account->has_events && event->event_number <= account->applied_event_number) {
        core->counters.events_duplicate++;
        return false;
    }
    if (account->has_events && event->event_number > account->applied_event_number + !is_balance) {
        core->counters.events_ahead++;
        account->ask_due_ns = MIN(account->ask_due_ns, now_ns);
        return is_balance;
    }
    return true;
}

static void on_account_event(struct position_core *core, const struct wire_account_event *event,
                             int64_t now_ns)
{
    struct account *account = position_account(core, event->header.account);

    if (!account)
        return;
    account->publisher = event->header.publisher;
    if (!is_next(core, account, event, now_ns))
        return;
    bool is_about_position = event->kind == ACCOUNT_POSITION || event->kind == ACCOUNT_FUNDING;
    if (is_about_position && !market_find(core->market, event->header.instrument)) {
        core->counters.unknown_instrument++; /* As an execution: taken when it is sent again. */
        core->out.need_snapshot(core->out.ctx, event->header.instrument);
        return;
    }
    if (core->out.store_account(core->out.ctx, event) != 0) {
        core->counters.store_failed++;
        return;
    }
    position_apply_account(core, event, now_ns);
    note_number(account, event);
}

static void on_engine_status(struct position_core *core, const struct wire_engine_status *status)
{
    struct account *account = position_account(core, status->header.account);

    if (!account)
        return;
    account->publisher = status->header.publisher;
    account->announced_trade_number =
        MAX(account->announced_trade_number, status->last_trade_number);
}

void position_core_event(struct position_core *core, const struct wire_header *event,
                         int64_t now_ns)
{
    struct market_book *book = NULL;

    switch (event->type) {
    case WIRE_trade_event:
        on_trade(core, (const struct wire_trade_event *)event, now_ns);
        return;
    case WIRE_account_event:
        on_account_event(core, (const struct wire_account_event *)event, now_ns);
        return;
    case WIRE_account_position:
        on_position(core, (const struct wire_account_position *)event, now_ns);
        return;
    case WIRE_engine_status:
        on_engine_status(core, (const struct wire_engine_status *)event);
        return;
    default:
        break;
    }
    switch (market_event(core->market, event, now_ns, &book)) {
    case MARKET_DEFINED:
        core->out.store_definition(core->out.ctx, &book->definition);
        break;
    case MARKET_NEEDS_SNAPSHOT:
        core->out.need_snapshot(core->out.ctx, event->instrument);
        break;
    default:
        break;
    }
}

void position_core_gap(struct position_core *core, unsigned port, uint16_t publisher, uint16_t type)
{
    if (port == STREAM_MARKET_DATA && market_gap(core->market, publisher, type))
        core->out.need_snapshot(core->out.ctx, 0);
}

void position_core_restarted(struct position_core *core, unsigned port, uint16_t publisher,
                             int64_t now_ns)
{
    if (port == STREAM_MARKET_DATA) {
        market_restarted(core->market, publisher);
        core->out.need_snapshot(core->out.ctx, 0);
        return;
    }
    if (port != STREAM_TRADE_EVENTS)
        return;
    for (uint32_t i = 0; i < core->account_count; i++)
        if (core->accounts[i].publisher == publisher)
            core->accounts[i].ask_due_ns =
                now_ns; /* It may have executions that never came here. */
}

static void ask_for_missing(struct position_core *core, struct account *account, int64_t now_ns)
{
    struct wire_trade_replay_request request;

    bool is_behind = !account->is_asked ||
                     account->announced_trade_number > account->applied_trade_number ||
                     account->announced_event_number > account->applied_event_number;

    if (!is_behind || now_ns < account->ask_due_ns)
        return;
    WIRE_BEGIN(&request, trade_replay_request);
    request.header.account = account->id;
    request.from_trade_number = account->applied_trade_number + 1;
    request.page_max = REPLAY_PAGE;
    account->ask_due_ns = now_ns + core->config.replay_every_ns;
    account->asks++;
    account->is_asked = true;
    core->counters.replays_asked++;
    core->out.publish(core->out.ctx, STREAM_POSITION_UPDATES, &request.header);
}

static void announce_applied(struct position_core *core, const struct account *account)
{
    struct wire_applied_trade_number event;

    WIRE_BEGIN(&event, applied_trade_number);
    event.header.account = account->id;
    event.trade_number = account->durable_trade_number;
    event.event_number = account->durable_event_number;
    core->out.publish(core->out.ctx, STREAM_POSITION_UPDATES, &event.header);
}

/* PnL of the day starts anew at midnight UTC, from what each position was worth then. */
static void turn_day(struct position_core *core, int64_t now_ns, int64_t wall_ns)
{
    int64_t day = wall_ns / DAY_NS;
    bool is_marked;

    if (day == core->day)
        return;
    if (core->day >= 0)
        for (uint32_t i = 0; i < core->position_count; i++)
            core->positions[i].day_base =
                position_net(core, &core->positions[i], now_ns, &is_marked);
    core->day = day;
}

void position_core_tick(struct position_core *core, int64_t now_ns, int64_t wall_ns)
{
    turn_day(core, now_ns, wall_ns);
    if (market_is_lacking(core->market, now_ns))
        core->out.need_snapshot(core->out.ctx, 0);
    for (uint32_t i = 0; i < core->account_count; i++)
        ask_for_missing(core, &core->accounts[i], now_ns);
    if (now_ns >= core->applied_due_ns) {
        core->applied_due_ns = now_ns + NS_PER_S;
        for (uint32_t i = 0; i < core->account_count; i++)
            announce_applied(core, &core->accounts[i]);
    }
    if (now_ns >= core->state_due_ns) {
        core->state_due_ns = now_ns + NS_PER_S;
        for (uint32_t i = 0; i < core->position_count; i++)
            position_compare(core, &core->positions[i], now_ns);
        position_core_publish(core, now_ns);
    }
}

void position_core_publish(struct position_core *core, int64_t now_ns)
{
    for (uint32_t i = 0; i < core->position_count; i++)
        position_publish_one(core, &core->positions[i], now_ns);
    for (uint32_t i = 0; i < core->balance_count; i++)
        position_publish_balance(core, &core->balances[i], now_ns);
    position_publish_pnl(core, now_ns);
}
