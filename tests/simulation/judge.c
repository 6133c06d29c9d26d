#include "tests/simulation/judge.h"

#include "common/pure/client_id.h"
#include "tests/simulation/world.h"
#include "venue_simulator/margin.h"

#include "trading_engine/records.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SAID_MAX = 256 };

/* After a kill was given, how long an engine may still not know: a link that stands still, then the
 * silence of risk_monitor. */
static const int64_t KILL_KNOWN_NS = 5 * NS_PER_S;

void judge_init(struct judge *judge, struct world *world)
{
    *judge = (struct judge){ .world = world, .numbers_max = 16384 };
    judge->intents = calloc(JUDGE_INTENTS, sizeof(*judge->intents));
    judge->placed = calloc(JUDGE_PLACED, sizeof(*judge->placed));
    if (!judge->intents || !judge->placed)
        abort();
    for (unsigned v = 0; v < JUDGE_VENUES; v++) {
        judge->slot_of_number[v] = calloc(judge->numbers_max, sizeof(uint32_t));
        judge->number_of_slot[v] = calloc(judge->numbers_max, sizeof(uint64_t));
        if (!judge->slot_of_number[v] || !judge->number_of_slot[v])
            abort();
    }
}

void judge_fini(struct judge *judge)
{
    free(judge->intents);
    free(judge->placed);
    for (unsigned v = 0; v < JUDGE_VENUES; v++) {
        free(judge->slot_of_number[v]);
        free(judge->number_of_slot[v]);
    }
    *judge = (struct judge){ 0 };
}

static uint64_t mixed(uint64_t x)
{
    x ^= x >> 31;
    x *= UINT64_C(0x7fb5d329728ea185);
    return x ^ x >> 27;
}

static struct judged_intent *intent_at(struct judge *judge, uint64_t order_id)
{
    uint64_t at = mixed(order_id) % JUDGE_INTENTS;

    while (judge->intents[at].order_id && judge->intents[at].order_id != order_id)
        at = (at + 1) % JUDGE_INTENTS;
    return &judge->intents[at];
}

static struct judged_intent *intent_find(struct judge *judge, uint64_t order_id)
{
    struct judged_intent *intent = order_id ? intent_at(judge, order_id) : NULL;

    return intent && intent->order_id ? intent : NULL;
}

/* ---- what was wanted ---- */

static void on_request(struct judge *judge, const struct wire_order_request *m)
{
    struct judged_intent *intent = intent_at(judge, m->order_id);

    if (intent->order_id) {
        bool is_same = intent->qty_max >= m->qty && intent->engine_epoch == m->engine_epoch &&
                       intent->deadline_ns == m->deadline_ns;
        if (!is_same)
            sim_fail(&judge->world->sim, "order %llx was resent with other contents",
                     (unsigned long long)m->order_id);
        return;
    }
    if (++judge->intent_count > JUDGE_INTENTS / 2)
        abort();
    *intent = (struct judged_intent){ .order_id = m->order_id,
                                      .engine_epoch = m->engine_epoch,
                                      .instrument = m->header.instrument,
                                      .deadline_ns = m->deadline_ns,
                                      .qty_max = m->qty,
                                      .session = ORDER_ID_SESSION(m->order_id),
                                      .account = m->header.account };
}

void judge_intent(struct judge *judge, const struct wire_header *event)
{
    if (event->type == WIRE_order_request) {
        on_request(judge, (const struct wire_order_request *)(const void *)event);
    } else if (event->type == WIRE_order_replace) {
        const struct wire_order_replace *m = (const void *)event;
        struct judged_intent *intent = intent_find(judge, m->order_id);
        if (intent)
            intent->qty_max = MAX(intent->qty_max, m->qty);
    }
}

void judge_told(struct judge *judge, uint64_t order_id, int64_t fill_qty)
{
    struct judged_intent *intent = intent_find(judge, order_id);

    if (!intent)
        return;
    intent->told += fill_qty;
    if (intent->told > intent->executed)
        sim_fail(&judge->world->sim,
                 "a strategy was told of %lld executed of order %llx, the exchange executed %lld",
                 (long long)intent->told, (unsigned long long)order_id,
                 (long long)intent->executed);
}

/* ---- requests ---- */

void judge_command(struct judge *judge, struct sim_venue *venue,
                   const struct venue_command *command)
{
    struct sim *sim = &judge->world->sim;
    struct engine_node *engine = &judge->world->engines[venue->account - 1];
    char environment;
    uint64_t order_id;
    unsigned revision;
    wire_reason why;

    if (command->op == OP_CANCEL)
        judge->cancels++;
    if (command->op != OP_PLACE && command->op != OP_REPLACE)
        return;
    if (engine_core_state(engine->core, sim->now_ns, &why) == ENGINE_KILLED)
        sim_fail(sim, "engine_%s is killed and sends an order", venue->name);
    if (judge->killed_ns && sim->now_ns - judge->killed_ns > KILL_KNOWN_NS)
        sim_fail(sim, "engine_%s sends an order %.1f s after the kill", venue->name,
                 (double)(sim->now_ns - judge->killed_ns) / 1e9);
    if (client_id_read(command->client_order_id, &environment, &order_id, &revision) != 0) {
        sim_fail(sim, "engine_%s sends an order with the client id \"%s\"", venue->name,
                 command->client_order_id);
        return;
    }
    struct judged_intent *intent = intent_find(judge, order_id);
    if (!intent) {
        sim_fail(sim, "engine_%s sends order %llx, which no strategy wanted", venue->name,
                 (unsigned long long)order_id);
        return;
    }
    if (command->op != OP_PLACE || revision != 0)
        return;
    if (intent->engine_epoch != engine->node.epoch)
        sim_fail(sim, "engine_%s of epoch %llu executes order %llx of epoch %llu", venue->name,
                 (unsigned long long)engine->node.epoch, (unsigned long long)order_id,
                 (unsigned long long)intent->engine_epoch);
    if (sim->now_ns > intent->deadline_ns)
        sim_fail(sim, "engine_%s executes order %llx after its deadline", venue->name,
                 (unsigned long long)order_id);
}

/* ---- the exchange's ledger ---- */

static void on_accepted(struct judge *judge, const struct exchange_order *order,
                        struct judged_intent *intent, unsigned revision)
{
    struct sim *sim = &judge->world->sim;
    /* Revisions have 15 bits; the counter's upper ones are never reached here. */
    uint64_t key = mixed(intent->order_id) ^ (uint64_t)revision << 48 ^ intent->account;
    uint64_t at = mixed(key) % JUDGE_PLACED;

    key = key ? key : 1;
    while (judge->placed[at] && judge->placed[at] != key)
        at = (at + 1) % JUDGE_PLACED;
    if (judge->placed[at])
        sim_fail(sim, "order %llx revision %u was accepted twice: venue order %llu",
                 (unsigned long long)intent->order_id, revision, (unsigned long long)order->id);
    judge->placed[at] = key;
    if (++judge->placed_count > JUDGE_PLACED / 2)
        abort();
    judge->orders++;
    if (++intent->live > 1)
        sim_fail(sim, "order %llx has %u live venue orders", (unsigned long long)intent->order_id,
                 intent->live);
}

static void on_executed(struct judge *judge, const struct exchange_order *order,
                        struct judged_intent *intent, int64_t qty)
{
    judge->fills++;
    judge->partial_fills += order->state == EXCHANGE_PARTIALLY_FILLED;
    judge->perpetual_fills += order->instrument == VENUE_PERPETUAL;
    intent->executed += qty;
    if (intent->executed > intent->qty_max)
        sim_fail(&judge->world->sim, "order %llx wanted %lld and executed %lld",
                 (unsigned long long)intent->order_id, (long long)intent->qty_max,
                 (long long)intent->executed);
    intent->live -= order->state == EXCHANGE_FILLED;
}

static void on_order_event(struct judge *judge, struct sim_venue *venue,
                           const struct exchange_event *event, const struct exchange_order *order)
{
    char environment;
    uint64_t order_id = 0;
    unsigned revision = 0;
    struct judged_intent *intent = NULL;

    if (order->account != venue->main || event->kind == EXCHANGE_ON_REJECTED)
        return;
    if (client_id_read(order->client_id, &environment, &order_id, &revision) == 0)
        intent = intent_find(judge, order_id);
    if (!intent) {
        sim_fail(&judge->world->sim, "the exchange has an order of ours that nobody wanted: \"%s\"",
                 order->client_id);
        return;
    }
    if (event->kind == EXCHANGE_ON_ACCEPTED)
        on_accepted(judge, order, intent, revision);
    else if (event->kind == EXCHANGE_ON_TRADE)
        on_executed(judge, order, intent, event->qty);
    else if (event->kind == EXCHANGE_ON_ENDED)
        intent->live--;
}

void judge_exchange(struct judge *judge, struct sim_venue *venue,
                    const struct exchange_event *event)
{
    on_order_event(judge, venue, event, event->order);
    if (event->kind == EXCHANGE_ON_TRADE)
        on_order_event(judge, venue, event, event->maker);
}

/* ---- executions and their numbers ---- */

static uint32_t execution_slot(const struct sim_venue *venue, const struct wire_trade_event *t)
{
    uint64_t order_id = strtoull(t->exchange_order_id, NULL, 10);
    uint64_t trade_id = strtoull(t->venue_trade_id, NULL, 10);
    const struct exchange_order *order = exchange_order(&venue->exchange, order_id);

    for (uint32_t at = order ? order->first_execution : EXCHANGE_NONE; at != EXCHANGE_NONE;) {
        const struct exchange_execution *x = exchange_execution(&venue->exchange, at);
        if (x->trade_id == trade_id)
            return at;
        at = x->next_of_order;
    }
    return EXCHANGE_NONE;
}

static bool is_as_executed(const struct sim_venue *venue, const struct exchange_execution *x,
                           const struct wire_trade_event *t)
{
    const struct exchange_order *order = &venue->exchange.orders[x->order];
    char environment;
    uint64_t order_id = 0;
    unsigned revision;

    (void)client_id_read(order->client_id, &environment, &order_id, &revision);
    return t->price == x->price && t->qty == x->qty && t->fee == x->fee && t->side == x->side &&
           t->order_id == order_id &&
           t->header.instrument == venue->definitions[x->instrument].header.instrument &&
           strcmp(t->fee_asset, venue->exchange.assets[x->fee_asset]) == 0 &&
           t->realised_pnl == x->realised_pnl &&
           t->has_realised_pnl == exchange_is_perpetual(&venue->exchange, x->instrument);
}

void judge_trade(struct judge *judge, struct sim_venue *venue, const struct wire_trade_event *t)
{
    struct sim *sim = &judge->world->sim;
    unsigned v = venue->account - 1u;
    uint32_t slot = execution_slot(venue, t);

    if (slot == EXCHANGE_NONE) {
        sim_fail(sim, "engine_%s publishes an execution that never was: order %s trade %s",
                 venue->name, t->exchange_order_id, t->venue_trade_id);
        return;
    }
    if (t->trade_number == 0 || t->trade_number >= judge->numbers_max ||
        slot >= judge->numbers_max) {
        sim_fail(sim, "trade number %llu", (unsigned long long)t->trade_number);
        return;
    }
    uint32_t *named = &judge->slot_of_number[v][t->trade_number];
    uint64_t *number = &judge->number_of_slot[v][slot];
    if (*named && *named != slot + 1)
        sim_fail(sim, "engine_%s: trade number %llu names two executions (trade %s is one)",
                 venue->name, (unsigned long long)t->trade_number, t->venue_trade_id);
    else if (*number && *number != t->trade_number)
        sim_fail(sim, "engine_%s: execution %s has two trade numbers: %llu and %llu", venue->name,
                 t->venue_trade_id, (unsigned long long)*number,
                 (unsigned long long)t->trade_number);
    else if (!is_as_executed(venue, exchange_execution(&venue->exchange, slot), t))
        sim_fail(sim, "engine_%s: trade number %llu does not say what the exchange executed",
                 venue->name, (unsigned long long)t->trade_number);
    *named = slot + 1;
    *number = t->trade_number;
    judge->last_number[v] = MAX(judge->last_number[v], t->trade_number);
}

void judge_stored(struct judge *judge, const struct wire_trade_event *t)
{
    unsigned v = t->header.account - 1u;
    struct sim_venue *venue = v < JUDGE_VENUES ? &judge->world->venues[v] : NULL;
    struct sim *sim = &judge->world->sim;

    if (!venue) {
        sim_fail(sim, "position_server stores an execution of account %u", t->header.account);
        return;
    }
    uint32_t slot = execution_slot(venue, t);
    if (slot == EXCHANGE_NONE || judge->slot_of_number[v][t->trade_number] != slot + 1)
        sim_fail(sim, "position_server stores trade number %llu of %s as another execution",
                 (unsigned long long)t->trade_number, venue->name);
    if (t->trade_number != judge->stored_number[v] + 1)
        sim_fail(sim, "position_server applies trade number %llu of %s after %llu",
                 (unsigned long long)t->trade_number, venue->name,
                 (unsigned long long)judge->stored_number[v]);
    judge->stored_number[v] = t->trade_number;
}

void judge_store_lost(struct judge *judge, uint16_t account, uint64_t last_committed)
{
    judge->stored_number[account - 1u] = last_committed;
}

/* ---- at rest ---- */

static char said[SAID_MAX];

static const char *say(const char *format, const char *who, long long a, long long b)
{
    snprintf(said, sizeof(said), format, who, a, b);
    return said;
}

static int64_t executed_qty(const struct sim_venue *venue, unsigned pair, uint16_t strategy)
{
    int64_t qty = 0;

    for (uint32_t i = 0; i < venue->exchange.execution_count; i++) {
        const struct exchange_execution *x = &venue->exchange.executions[i];
        char environment;
        uint64_t order_id = 0;
        unsigned revision;
        (void)client_id_read(venue->exchange.orders[x->order].client_id, &environment, &order_id,
                             &revision);
        if (x->account == venue->main && x->instrument == pair &&
            (strategy == 0 || ORDER_ID_STRATEGY(order_id) == strategy))
            qty += x->side == SIDE_BUY ? x->qty : -x->qty;
    }
    return qty;
}

static const struct position *position_of(const struct world *world, const struct sim_venue *venue,
                                          unsigned pair, uint16_t strategy)
{
    const struct position_core *core = &world->positions.core;

    for (uint32_t i = 0; i < core->position_count; i++)
        if (core->positions[i].account == venue->account &&
            core->positions[i].strategy == strategy &&
            core->positions[i].instrument == venue->definitions[pair].header.instrument)
            return &core->positions[i];
    return NULL;
}

/* Payments of funding, by the exchange and by the ledger. What the ledger's first balances had in
 * them already is not told of positions. */
static uint64_t fundings_of(const struct sim_venue *venue, int64_t *sum)
{
    struct exchange_funding f;
    uint64_t cursor = 0, count = 0;

    for (*sum = 0; exchange_next_funding(&venue->exchange, venue->main, &cursor, &f); count++)
        *sum += f.amount;
    return count;
}

static const struct account *ledger_account(const struct world *world,
                                            const struct sim_venue *venue)
{
    const struct position_core *core = &world->positions.core;

    for (uint32_t i = 0; i < core->account_count; i++)
        if (core->accounts[i].id == venue->account)
            return &core->accounts[i];
    return NULL;
}

static const char *unsettled_perpetual(const struct world *world, const struct sim_venue *venue)
{
    const struct exchange_position *theirs =
        &venue->exchange.accounts[venue->main].positions[VENUE_PERPETUAL];
    const struct position *ours = position_of(world, venue, VENUE_PERPETUAL, 0);
    const struct account *account = ledger_account(world, venue);
    int64_t sum;
    uint64_t payments = fundings_of(venue, &sum);

    if ((account ? account->applied_event_number : 0) != payments)
        return say("on %s there were %lld payments of funding, the ledger has %lld", venue->name,
                   (long long)payments, account ? (long long)account->applied_event_number : -1);
    if (ours && (!ours->has_venue || ours->venue_qty != theirs->qty))
        return say("position_server has not heard the position on %s: %lld, not %lld", venue->name,
                   (long long)ours->venue_qty, (long long)theirs->qty);
    return NULL;
}

static const char *unsettled_venue(struct judge *judge, struct sim_venue *venue)
{
    struct world *world = judge->world;
    unsigned v = venue->account - 1u;
    struct wire_engine_status status;
    uint64_t executions = 0;

    if (!world->engines[v].node.is_up)
        return say("engine_%s is down", venue->name, 0, 0);
    engine_core_status(world->engines[v].core, world->sim.now_ns, &status);
    if (venue->exchange.accounts[venue->main].first_open)
        return say("an order is open on %s", venue->name, 0, 0);
    if (status.live_orders || status.unknown_orders)
        return say("engine_%s has %lld live and %lld unknown orders", venue->name,
                   status.live_orders, status.unknown_orders);
    for (uint32_t i = 0; i < venue->exchange.execution_count; i++)
        executions += venue->exchange.executions[i].account == venue->main;
    if (engine_core_last_trade_number(world->engines[v].core) < executions)
        return say("engine_%s numbered %lld of %lld executions", venue->name,
                   (long long)engine_core_last_trade_number(world->engines[v].core),
                   (long long)executions);
    if (judge->stored_number[v] < status.last_trade_number)
        return say("position_server is behind on %s: %lld of %lld", venue->name,
                   (long long)judge->stored_number[v], (long long)status.last_trade_number);
    return unsettled_perpetual(world, venue);
}

/* Figures are asked for each 10 s here: where the ledger began is settled by some of them. */
static const char *unsettled_openings(const struct world *world)
{
    const struct position_core *core = &world->positions.core;

    for (uint32_t i = 0; i < core->balance_count; i++)
        if (core->balances[i].opening_agreed < 5)
            return say("where %s began is not settled: %lld", core->balances[i].asset,
                       core->balances[i].opening_agreed, 0);
    return NULL;
}

static const char *unsettled_runner(struct judge *judge)
{
    const struct runner_node *runner = &judge->world->runner;
    uint32_t live = runner_core_live(&runner->core);

    if (!runner->node.is_up)
        return "the runner is down";
    if (live)
        return say("the runner has %s%lld orders that are not final", "", live, 0);
    for (uint32_t i = 0; i < runner->core.position_count; i++)
        if (runner->core.positions[i].qty != runner->core.positions[i].ledger_qty)
            return "the runner's position is not the ledger's";
    return NULL;
}

const char *judge_unsettled(struct judge *judge)
{
    const char *why = NULL;

    for (unsigned v = 0; v < WORLD_VENUES && !why; v++)
        why = unsettled_venue(judge, &judge->world->venues[v]);
    if (!why && !judge->world->positions.node.is_up)
        why = "position_server is down";
    if (!why)
        why = unsettled_openings(judge->world);
    return why ? why : unsettled_runner(judge);
}

static void check_accounts(struct judge *judge, struct sim_venue *venue)
{
    struct sim *sim = &judge->world->sim;
    const struct position_core *core = &judge->world->positions.core;
    char why[128];

    if (!exchange_check(&venue->exchange, why, sizeof(why)))
        sim_fail(sim, "the exchange itself is wrong: %s", why);
    for (uint32_t i = 0; i < core->balance_count; i++) {
        const struct balance *b = &core->balances[i];
        uint32_t asset = exchange_asset(&venue->exchange, b->asset);
        if (b->account != venue->account || asset == EXCHANGE_NONE)
            continue;
        const struct exchange_balance *theirs =
            &venue->exchange.accounts[venue->main].balances[asset];
        int64_t total = theirs->free + theirs->locked;
        if (!b->has_opening || b->opening + b->change != total)
            sim_fail(sim, "balance of %s on %s: ledger %lld, exchange %lld%s", b->asset,
                     venue->name, (long long)(b->opening + b->change), (long long)total,
                     b->has_opening ? "" : " (never opened)");
    }
    for (unsigned pair = 0; pair < VENUE_PAIRS; pair++)
        for (uint16_t strategy = 0; strategy <= WORLD_STRATEGIES; strategy++) {
            const struct position *p = position_of(judge->world, venue, pair, strategy);
            int64_t theirs = executed_qty(venue, pair, strategy);
            if ((p ? p->holding.qty : 0) != theirs)
                sim_fail(sim, "position of %s on %s, strategy %u: ledger %lld, exchange %lld",
                         venue->definitions[pair].name, venue->name, strategy,
                         (long long)(p ? p->holding.qty : 0), (long long)theirs);
        }
}

/* Executions that came in another order realise otherwise, and leave another cost: in sum it is the
 * same. The exchange rounds what a closed part cost, we do not: a unit an execution. */
static void check_perpetual(struct judge *judge, struct sim_venue *venue)
{
    const struct exchange_position *theirs =
        &venue->exchange.accounts[venue->main].positions[VENUE_PERPETUAL];
    const struct position *ours = position_of(judge->world, venue, VENUE_PERPETUAL, 0);

    if (!ours)
        return;
    const struct holding *h = &ours->holding;
    const struct account *account = ledger_account(judge->world, venue);
    int64_t paid = 0;
    judge->fundings += fundings_of(venue, &paid);
    if (account && account->began_event_number == 0 && ours->funding != paid)
        sim_fail(&judge->world->sim, "funding on %s: ledger %lld, exchange %lld", venue->name,
                 (long long)ours->funding, (long long)paid);
    int64_t earned = holding_amount(h, h->realised - h->cost, POSITION_AMOUNT_EXP);
    int64_t off = earned - (theirs->realised - theirs->cost);
    if ((off < 0 ? -off : off) > (int64_t)ours->trades * 2 || ours->fees != theirs->fees ||
        ours->venue_realised != theirs->realised)
        sim_fail(&judge->world->sim,
                 "profit on %s: ledger %lld (stated %lld, fees %lld), exchange %lld of %lld (fees "
                 "%lld)",
                 venue->name, (long long)earned, (long long)ours->venue_realised,
                 (long long)ours->fees, (long long)(theirs->realised - theirs->cost),
                 (long long)theirs->realised, (long long)theirs->fees);
}

static void check_intents(struct judge *judge)
{
    struct world *world = judge->world;

    for (uint32_t i = 0; i < JUDGE_INTENTS; i++) {
        const struct judged_intent *intent = &judge->intents[i];
        if (intent->order_id == 0)
            continue;
        const struct order_record *r =
            engine_core_order(world->engines[intent->account - 1].core, intent->order_id);
        if (intent->live)
            sim_fail(&world->sim, "order %llx is still open", (unsigned long long)intent->order_id);
        if (r && r->state != ORDER_NONE && r->state < ORDER_FILLED)
            sim_fail(&world->sim, "order %llx did not end: %s",
                     (unsigned long long)intent->order_id, wire_order_state_str(r->state));
        if (r && r->state != ORDER_NONE && r->filled_qty != intent->executed)
            sim_fail(&world->sim, "order %llx: the engine says %lld executed, the exchange %lld",
                     (unsigned long long)intent->order_id, (long long)r->filled_qty,
                     (long long)intent->executed);
        if (intent->session == world->runner.session && intent->told != intent->executed)
            sim_fail(&world->sim,
                     "order %llx: its strategy was told of %lld executed, the exchange did %lld",
                     (unsigned long long)intent->order_id, (long long)intent->told,
                     (long long)intent->executed);
    }
}

static void check_numbers(struct judge *judge, struct sim_venue *venue)
{
    unsigned v = venue->account - 1u;
    uint64_t executions = 0;

    for (uint32_t i = 0; i < venue->exchange.execution_count; i++) {
        if (venue->exchange.executions[i].account != venue->main)
            continue;
        executions++;
        if (judge->number_of_slot[v][i] == 0)
            sim_fail(&judge->world->sim, "execution %llu on %s never got a trade number",
                     (unsigned long long)venue->exchange.executions[i].trade_id, venue->name);
    }
    if (judge->stored_number[v] != executions)
        sim_fail(&judge->world->sim,
                 "position_server applied %llu executions of %s, there were "
                 "%llu",
                 (unsigned long long)judge->stored_number[v], venue->name,
                 (unsigned long long)executions);
}

void judge_final(struct judge *judge)
{
    for (unsigned v = 0; v < WORLD_VENUES; v++) {
        check_numbers(judge, &judge->world->venues[v]);
        check_accounts(judge, &judge->world->venues[v]);
        check_perpetual(judge, &judge->world->venues[v]);
    }
    check_intents(judge);
}
