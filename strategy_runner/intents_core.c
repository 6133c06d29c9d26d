/* An intent's life: sent, sent again until answered, after its deadline only asked about. */
#include "strategy_runner/runner_parts.h"

#include "common/leaf/err.h"
#include "common/leaf/fixed.h"
#include "common/pure/client_id.h"
#include "common/pure/topology.h"

#include <string.h>

enum { FINAL_FROM = ORDER_FILLED };

bool runner_order_is_final(const struct runner_order *order)
{
    return order->state >= FINAL_FROM;
}

static struct runner_order *find(const struct runner_core *core, uint64_t order_id)
{
    /* The counter's low bits are the home slot; a live order is never displaced. */
    uint32_t home = (uint32_t)order_id % RUNNER_ORDERS_MAX;

    for (uint32_t i = 0; i < RUNNER_ORDERS_MAX; i++) {
        const struct runner_order *order = &core->orders[(home + i) % RUNNER_ORDERS_MAX];

        if (order->order_id == order_id)
            return (struct runner_order *)(uintptr_t)order;
        if (order->order_id == 0)
            break;
    }
    return NULL;
}

const struct runner_order *runner_order_find(const struct runner_core *core, uint64_t order_id)
{
    return order_id ? find(core, order_id) : NULL;
}

/* A slot never used, or that of an order which ended: its answer, should one come late, is counted.
 */
static struct runner_order *slot_for(struct runner_core *core, uint64_t order_id)
{
    uint32_t home = (uint32_t)order_id % RUNNER_ORDERS_MAX;

    for (uint32_t i = 0; i < RUNNER_ORDERS_MAX; i++) {
        struct runner_order *order = &core->orders[(home + i) % RUNNER_ORDERS_MAX];

        if (!order->is_used)
            return order;
    }
    return NULL;
}

static void stamp(struct wire_header *header, const struct runner_order *order)
{
    header->instrument = order->instrument;
    header->account = order->account;
    header->origin_ns = order->origin_ns;
    header->cause = order->cause ? order->cause : order->group_id;
}

static void send_new(struct runner_core *core, struct runner_order *order)
{
    struct wire_order_request event;

    WIRE_BEGIN(&event, order_request);
    stamp(&event.header, order);
    event.order_id = order->order_id;
    event.group_id = order->group_id;
    event.engine_epoch = order->engine_epoch;
    event.deadline_ns = order->deadline_ns;
    event.price = order->type == ORDER_MARKET ? 0 : order->price;
    event.qty = order->qty;
    event.strategy = order->strategy;
    event.side = order->side;
    event.order_type = order->type;
    event.time_in_force = order->time_in_force;
    event.price_exp = order->price_exp;
    event.qty_exp = order->qty_exp;
    event.is_post_only = order->is_post_only;
    event.is_reduce_only = order->is_reduce_only;
    event.is_hedge = order->is_hedge;
    core->out.publish(core->out.ctx, STREAM_ORDERS, &event.header);
}

static void send_cancel(struct runner_core *core, struct runner_order *order)
{
    struct wire_order_cancel event;

    WIRE_BEGIN(&event, order_cancel);
    stamp(&event.header, order);
    event.order_id = order->order_id;
    event.strategy = order->strategy;
    event.why = order->why;
    core->out.publish(core->out.ctx, STREAM_ORDERS, &event.header);
}

static void send_replace(struct runner_core *core, struct runner_order *order)
{
    struct wire_order_replace event;

    WIRE_BEGIN(&event, order_replace);
    stamp(&event.header, order);
    event.order_id = order->order_id;
    event.engine_epoch = order->engine_epoch;
    event.deadline_ns = order->replace_deadline_ns;
    event.price = order->new_price;
    event.qty = order->new_qty;
    event.strategy = order->strategy;
    event.revision = (uint16_t)(order->revision + 1);
    event.price_exp = order->price_exp;
    event.qty_exp = order->qty_exp;
    core->out.publish(core->out.ctx, STREAM_ORDERS, &event.header);
}

static void send_query(struct runner_core *core, uint16_t account, uint16_t strategy,
                       uint64_t order_id)
{
    struct wire_order_query event;

    WIRE_BEGIN(&event, order_query);
    event.header.account = account;
    event.header.cause = order_id;
    event.order_id = order_id;
    event.request_id = ++core->request_counter;
    event.strategy = strategy;
    core->counters.queries++;
    core->out.publish(core->out.ctx, STREAM_ORDERS, &event.header);
}

static void refuse(struct runner_core *core, const struct runner_intent *intent, uint16_t account,
                   uint16_t strategy, uint64_t order_id, wire_reason why, bool is_by_engine)
{
    const struct market_book *book = market_find(core->market, intent->instrument);
    struct runner_strategy *owner = runner_strategy_find(core, strategy);
    struct wire_intent_refused event;

    WIRE_BEGIN(&event, intent_refused);
    event.header.instrument = intent->instrument;
    event.header.account = account;
    event.header.cause = intent->cause;
    event.header.origin_ns = intent->origin_ns;
    event.order_id = order_id;
    event.group_id = intent->group_id;
    event.price = intent->price;
    event.qty = intent->qty;
    event.strategy = strategy;
    event.why = why;
    event.side = intent->side;
    event.price_exp = book ? book->definition.price_exp : 8;
    event.qty_exp = book ? book->definition.qty_exp : 8;
    event.is_by_engine = is_by_engine;
    core->counters.refused++;
    if (owner)
        owner->refused++;
    core->out.publish(core->out.ctx, STREAM_STRATEGY_EVENTS, &event.header);
}

static int64_t notional_of(int64_t price, int price_exp, int64_t qty, int qty_exp)
{
    int64_t notional;

    if (fixed_notional(price, price_exp, qty, qty_exp, RUNNER_AMOUNT_EXP, FIXED_UP, &notional) != 0)
        return INT64_MAX;
    return notional;
}

int64_t runner_orders_notional(const struct runner_core *core, uint16_t strategy)
{
    int64_t total = 0;

    for (uint32_t i = 0; i < core->live_count; i++) {
        const struct runner_order *order = &core->orders[core->live[i]];

        if (order->strategy != strategy || runner_order_is_final(order))
            continue;
        int64_t price = MAX(order->price, order->new_price);
        int64_t one =
            notional_of(price, order->price_exp, order->qty - order->filled_qty, order->qty_exp);
        total = one > INT64_MAX - total ? INT64_MAX : total + one;
    }
    return total;
}

bool runner_orders_working(const struct runner_core *core, uint16_t account, uint16_t strategy,
                           uint64_t instrument)
{
    for (uint32_t i = 0; i < core->live_count; i++) {
        const struct runner_order *order = &core->orders[core->live[i]];

        if (order->strategy == strategy && order->account == account &&
            order->instrument == instrument && !runner_order_is_final(order))
            return true;
    }
    return false;
}

static wire_reason place_refusal(struct runner_core *core, const struct runner_strategy *strategy,
                                 const struct market_book *book, const struct runner_intent *intent,
                                 int64_t now_ns)
{
    wire_reason why;
    int64_t price = intent->price;

    if (!book || !book->is_defined)
        return REASON_INSTRUMENT_UNKNOWN;
    if (intent->qty <= 0 || (intent->type == ORDER_LIMIT && price <= 0))
        return REASON_MALFORMED;
    if (!strategy->is_adopted)
        return REASON_NOT_READY;
    if (!runner_may_trade(core, strategy->id, book, now_ns, &why))
        return why;
    if (intent->is_hedge) /* It closes risk that capital already carries. */
        return REASON_NONE;
    if (intent->type == ORDER_MARKET)
        price = intent->side == SIDE_BUY ? book->ask_price : book->bid_price;

    int64_t wanted =
        notional_of(price, book->definition.price_exp, intent->qty, book->definition.qty_exp);
    int64_t used = runner_orders_notional(core, strategy->id);

    return wanted > strategy->capital || used > strategy->capital - wanted ? REASON_CAPITAL
                                                                           : REASON_NONE;
}

uint64_t runner_place(struct runner_core *core, uint16_t strategy_id,
                      const struct runner_intent *intent, int64_t now_ns)
{
    struct runner_strategy *strategy = runner_strategy_find(core, strategy_id);
    const struct market_book *book = market_find(core->market, intent->instrument);
    wire_reason why =
        strategy ? place_refusal(core, strategy, book, intent, now_ns) : REASON_PERMISSION;
    uint64_t order_id = ORDER_ID(strategy_id, core->config.session, core->order_counter + 1);
    struct runner_order *order = why == REASON_NONE ? slot_for(core, order_id) : NULL;

    if (why == REASON_NONE && !order) {
        why = REASON_QUEUE_FULL;
        core->counters.orders_full++;
    }
    if (why != REASON_NONE) {
        refuse(core, intent, book ? book->account : 0, strategy_id, 0, why, false);
        return 0;
    }
    core->order_counter++;
    *order = (struct runner_order){
        .order_id = order_id,
        .group_id = intent->group_id,
        .cause = intent->cause,
        .instrument = intent->instrument,
        .engine_epoch = runner_gate_epoch(core, book->account),
        .strategy = strategy_id,
        .account = book->account,
        .side = intent->side,
        .type = intent->type,
        .time_in_force = intent->time_in_force,
        .state = ORDER_PENDING_NEW,
        .is_used = true,
        .is_post_only = intent->is_post_only,
        .is_reduce_only = intent->is_reduce_only,
        .is_hedge = intent->is_hedge,
        .live_at = core->live_count,
        .price_exp = book->definition.price_exp,
        .qty_exp = book->definition.qty_exp,
        .price = intent->price,
        .qty = intent->qty,
        .origin_ns = intent->origin_ns ? intent->origin_ns : now_ns,
        .deadline_ns =
            intent->deadline_ns ? intent->deadline_ns : now_ns + core->config.deadline_ns,
        .next_send_ns = now_ns + core->config.resend_ns,
        .sends = 1,
        .tag = intent->tag,
    };
    core->live[core->live_count++] = (uint16_t)(order - core->orders);
    core->counters.intents++;
    strategy->intents++;
    send_new(core, order);
    return order_id;
}

int runner_cancel(struct runner_core *core, uint64_t order_id, wire_reason why, int64_t now_ns)
{
    struct runner_order *order = order_id ? find(core, order_id) : NULL;

    if (!order || !order->is_used)
        return ERR_NOT_FOUND;
    if (runner_order_is_final(order) || order->is_cancel_wanted)
        return 0;
    order->is_cancel_wanted = true;
    order->why = why;
    order->next_send_ns = now_ns + core->config.resend_ns;
    send_cancel(core, order);
    return 0;
}

/* A replace is caused by the market as it is now, not by what led to the order. */
static int64_t cause_of_replace(const struct runner_core *core, const struct runner_order *order,
                                int64_t now_ns)
{
    const struct market_book *book = market_find(core->market, order->instrument);

    return book && book->origin_ns ? book->origin_ns : now_ns;
}

int runner_replace(struct runner_core *core, uint64_t order_id, int64_t price, int64_t qty,
                   int64_t now_ns)
{
    struct runner_order *order = order_id ? find(core, order_id) : NULL;

    if (!order || !order->is_used || runner_order_is_final(order))
        return ERR_NOT_FOUND;
    if (price <= 0 || qty <= order->filled_qty || order->revision >= CLIENT_ID_REVISION_MAX)
        return ERR_RANGE;
    if (!order->is_answered || order->is_replace_wanted || order->is_cancel_wanted)
        return ERR_AGAIN;
    order->is_replace_wanted = true;
    order->origin_ns = cause_of_replace(core, order, now_ns);
    order->new_price = price;
    order->new_qty = qty;
    order->replace_deadline_ns = now_ns + core->config.deadline_ns;
    order->next_send_ns = now_ns + core->config.resend_ns;
    send_replace(core, order);
    return 0;
}

/* One order's share of a tick: what it waits for goes out again, or is asked about. */
static void pursue(struct runner_core *core, struct runner_order *order, int64_t now_ns)
{
    bool waits = !order->is_answered || order->is_cancel_wanted || order->is_replace_wanted ||
                 order->state == ORDER_UNKNOWN;

    if (!waits || now_ns < order->next_send_ns)
        return;
    order->sends++;
    order->next_send_ns = now_ns + core->config.resend_ns;
    if (!order->is_answered && now_ns < order->deadline_ns) {
        core->counters.resends++;
        send_new(core, order);
        return;
    }
    if (!order->is_answered || order->state == ORDER_UNKNOWN) {
        order->next_send_ns = now_ns + core->config.ask_ns;
        send_query(core, order->account, order->strategy, order->order_id);
    }
    if (order->is_replace_wanted && order->is_answered) {
        if (now_ns < order->replace_deadline_ns) {
            core->counters.resends++;
            send_replace(core, order);
        } else {
            order->next_send_ns = now_ns + core->config.ask_ns;
            send_query(core, order->account, order->strategy, order->order_id);
        }
    }
    if (order->is_cancel_wanted) {
        core->counters.resends++;
        order->next_send_ns = now_ns + core->config.ask_ns;
        send_cancel(core, order);
    }
}

void runner_orders_tick(struct runner_core *core, int64_t now_ns)
{
    for (uint32_t i = 0; i < core->live_count; i++)
        pursue(core, &core->orders[core->live[i]], now_ns);
}

/* The best price at which an order of ours rests on the other side of one of that side; 0: none. */
static int64_t best_own(const struct runner_core *core, uint64_t instrument, wire_side side)
{
    int64_t best = 0;

    for (uint32_t i = 0; i < core->live_count; i++) {
        const struct runner_order *order = &core->orders[core->live[i]];
        int64_t prices[] = { order->price, order->is_replace_wanted ? order->new_price : 0 };

        if (order->instrument != instrument || order->side == side || order->type != ORDER_LIMIT ||
            order->time_in_force == TIF_IOC || order->time_in_force == TIF_FOK)
            continue;
        for (size_t k = 0; k < COUNT(prices); k++)
            if (prices[k] > 0 &&
                (best == 0 || (side == SIDE_BUY ? prices[k] < best : prices[k] > best)))
                best = prices[k];
    }
    return best;
}

int64_t runner_avoid_own(struct runner_core *core, const struct market_book *book, wire_side side,
                         int64_t *price)
{
    int64_t own = best_own(core, book->definition.header.instrument, side);
    int64_t tick = MAX(book->definition.tick_size, 1);
    struct book_walk before;

    if (own == 0 || (side == SIDE_BUY ? own > *price : own < *price))
        return INT64_MAX;
    core->counters.own_quotes_avoided++;
    own += side == SIDE_BUY ? -tick : tick;
    if (own <= 0)
        return 0;
    book_walk(side == SIDE_BUY ? &book->book.asks : &book->book.bids, INT64_MAX, own, &before);
    if (before.filled_qty > 0)
        *price = own;
    return before.filled_qty;
}

/* Tells the strategy, and frees the slot of an order that ended: its id stays, so that the probe
 * goes on. */
static void tell(struct runner_core *core, struct runner_order *order, int64_t fill_qty,
                 int64_t fill_price, int64_t now_ns)
{
    struct runner_strategy *strategy = runner_strategy_find(core, order->strategy);

    if (fill_qty > 0) {
        runner_gate_fill(core, order, fill_qty);
        if (strategy)
            strategy->fills++;
    }
    if (strategy && strategy->ops->order)
        strategy->ops->order(strategy->memory, core, order, fill_qty, fill_price, now_ns);
    if (runner_order_is_final(order)) {
        uint16_t last = core->live[--core->live_count];

        core->live[order->live_at] = last;
        core->orders[last].live_at = order->live_at;
        order->is_used = false;
    }
}

/* A new state from the engine. Executed quantity only grows; a final state stays. */
static void take_state(struct runner_core *core, struct runner_order *order, wire_order_state state,
                       int64_t filled_qty, int64_t fill_price, wire_reason why, int64_t now_ns)
{
    int64_t fill_qty = MAX(0, filled_qty - order->filled_qty);
    bool is_changed = fill_qty > 0 || state != order->state;

    if (!order->is_answered) {
        order->is_answered = true;
        core->counters.answered++;
        is_changed = true;
    }
    order->filled_qty += fill_qty;
    order->state = state;
    if (why != REASON_NONE)
        order->why = why;
    if (is_changed)
        tell(core, order, fill_qty, fill_price, now_ns);
}

static int64_t at_order_exp(int64_t value, int from, int to)
{
    int64_t result;

    return fixed_rescale(value, from, to, FIXED_DOWN, &result) == 0 ? result : value;
}

void runner_orders_event(struct runner_core *core, const struct wire_order_event *event,
                         int64_t now_ns)
{
    struct runner_order *order = event->order_id ? find(core, event->order_id) : NULL;

    if (!order)
        return;
    if (!order->is_used) {
        core->counters.late_answers++;
        return;
    }
    if (event->kind == ORDER_EVENT_REPLACED && event->revision > order->revision) {
        order->revision = event->revision;
        order->price = at_order_exp(event->price, event->price_exp, order->price_exp);
        order->qty = at_order_exp(event->qty, event->qty_exp, order->qty_exp);
        order->is_replace_wanted = false;
        order->new_price = 0;
    }
    if (event->kind == ORDER_EVENT_REPLACE_REJECTED) {
        order->is_replace_wanted = false;
        order->new_price = 0;
    }
    if (event->kind == ORDER_EVENT_REJECTED && !order->is_answered) {
        struct runner_intent intent = { .instrument = order->instrument,
                                        .group_id = order->group_id,
                                        .cause = order->cause,
                                        .price = order->price,
                                        .qty = order->qty,
                                        .origin_ns = order->origin_ns,
                                        .side = order->side };
        refuse(core, &intent, order->account, order->strategy, order->order_id, event->why, true);
    }
    take_state(
        core, order, event->state, at_order_exp(event->filled_qty, event->qty_exp, order->qty_exp),
        at_order_exp(event->last_price, event->price_exp, order->price_exp), event->why, now_ns);
}

/* The price of executions that a status brings and no event told: from the sum of what was paid. */
static int64_t missed_fill_price(const struct runner_order *order,
                                 const struct wire_order_status *event)
{
    int64_t price;

    if (event->filled_qty <= 0 || event->filled_notional <= 0 ||
        fixed_mul_div(event->filled_notional, fixed_pow10(event->qty_exp), event->filled_qty,
                      FIXED_NEAREST, &price) != 0)
        return order->price;
    return at_order_exp(price, event->amount_exp, order->price_exp);
}

void runner_orders_status(struct runner_core *core, const struct wire_order_status *event,
                          int64_t now_ns)
{
    struct runner_order *order = event->order_id ? find(core, event->order_id) : NULL;

    if (!order || !order->is_used)
        return;
    if (event->state == ORDER_NONE) {
        /* The engine never executed it. Before its deadline another copy may still be on its way
         * there. */
        if (!event->is_answer || now_ns < order->deadline_ns)
            return;
        core->counters.expired_unanswered++;
        take_state(core, order, ORDER_REJECTED, order->filled_qty, 0, REASON_DEADLINE_PASSED,
                   now_ns);
        return;
    }
    if (event->revision > order->revision) {
        order->revision = event->revision;
        order->price = at_order_exp(event->price, event->price_exp, order->price_exp);
        order->qty = at_order_exp(event->qty, event->qty_exp, order->qty_exp);
        order->is_replace_wanted = false;
        order->new_price = 0;
    } else if (order->is_replace_wanted && event->is_answer &&
               now_ns >= order->replace_deadline_ns && event->state != ORDER_PENDING_REPLACE) {
        order->is_replace_wanted = false; /* Its time is over and the engine did not do it. */
        order->new_price = 0;
    }
    take_state(core, order, event->state,
               at_order_exp(event->filled_qty, event->qty_exp, order->qty_exp),
               missed_fill_price(order, event), event->why, now_ns);
}

void runner_orders_ask_all(struct runner_core *core, uint16_t account, int64_t now_ns)
{
    for (uint32_t i = 0; i < core->live_count; i++) {
        struct runner_order *order = &core->orders[core->live[i]];

        if (order->account != account)
            continue;
        order->next_send_ns = now_ns + core->config.ask_ns;
        send_query(core, account, order->strategy, order->order_id);
    }
}

void runner_orders_sweep(struct runner_core *core, uint16_t account, uint16_t strategy,
                         int64_t now_ns)
{
    struct wire_cancel_all event;

    (void)now_ns;
    WIRE_BEGIN(&event, cancel_all);
    event.header.account = account;
    event.request_id = ++core->request_counter;
    event.strategy = strategy;
    event.why = REASON_START;
    core->out.publish(core->out.ctx, STREAM_ORDERS, &event.header);
}
