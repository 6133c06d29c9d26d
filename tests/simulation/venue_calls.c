/* From the engine to the exchange: requests and their answers, with delays and losses. */
#include "common/leaf/err.h"
#include "tests/simulation/venue_parts.h"
#include "venue_simulator/margin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RATE_PER_S = 60, ANSWER_REPORTS_MAX = 400 };

static const int64_t TIMEOUT_NS = 2 * NS_PER_S; /* As ORDER_TIMEOUT_MS of the demo. */

/* ---- requests ---- */

struct call {
    struct venue_command command;
    uint64_t session;
    bool is_answer_lost, is_never_told, is_limited;
    bool is_given_up; /* The codec stops waiting before the answer comes. */
    int64_t answer_delay_ns;
};

static void begin_answer(struct venue_report *r, const struct venue_command *c,
                         enum venue_report_kind kind)
{
    r->kind = kind;
    r->op = c->op;
    r->request_id = c->request_id;
    r->instrument = c->instrument;
    r->instrument_kind = c->instrument_kind;
    memcpy(r->symbol, c->symbol, sizeof(r->symbol));
    memcpy(r->client_order_id, c->client_order_id, sizeof(r->client_order_id));
    memcpy(r->exchange_order_id, c->exchange_order_id, sizeof(r->exchange_order_id));
    r->side = c->side;
    r->type = c->type;
    r->time_in_force = c->time_in_force;
    r->is_post_only = c->is_post_only;
}

static bool is_about_order(enum venue_op op)
{
    return op == OP_PLACE || op == OP_CANCEL || op == OP_REPLACE;
}

static void answer_unknown(struct sim_venue *venue, const struct call *call, int64_t delay_ns)
{
    struct batch *batch = venue_batch(venue, false);
    struct venue_report *r = venue_batch_add(batch);

    begin_answer(r, &call->command,
                 is_about_order(call->command.op) ? REPORT_OUTCOME_UNKNOWN : REPORT_FAILED);
    r->why = REASON_TRANSPORT;
    batch->session = call->session;
    venue_send(venue, batch, delay_ns);
}

static uint32_t instrument_at(const struct sim_venue *venue, uint64_t instrument)
{
    for (uint32_t i = 0; i < VENUE_PAIRS; i++)
        if (venue->definitions[i].header.instrument == instrument)
            return i;
    return EXCHANGE_NONE;
}

static const struct exchange_order *order_meant(const struct sim_venue *venue,
                                                const struct venue_command *c)
{
    if (c->exchange_order_id[0]) {
        const struct exchange_order *order =
            exchange_order(&venue->exchange, strtoull(c->exchange_order_id, NULL, 10));
        if (order && order->account == venue->main)
            return order;
    }
    return c->client_order_id[0]
               ? exchange_order_by_client(&venue->exchange, venue->main, c->client_order_id)
               : NULL;
}

static void do_place(struct sim_venue *venue, const struct venue_command *c, struct batch *batch)
{
    struct venue_report *r = venue_batch_add(batch);
    struct exchange_request request = { .account = venue->main,
                                        .instrument = instrument_at(venue, c->instrument),
                                        .client_id = c->client_order_id,
                                        .side = c->side,
                                        .type = c->type,
                                        .time_in_force = c->time_in_force,
                                        .is_post_only = c->is_post_only,
                                        .is_reduce_only = c->is_reduce_only,
                                        .stp = STP_EXPIRE_TAKER,
                                        .price = c->type == ORDER_MARKET ? 0 : c->price,
                                        .qty = c->qty };
    const struct exchange_order *order = NULL;

    begin_answer(r, c, REPORT_REJECTED);
    r->exchange_order_id[0] = 0;
    r->why = request.instrument == EXCHANGE_NONE
                 ? REASON_VENUE_FILTER
                 : venue_reason(
                       exchange_place(&venue->exchange, &request, sim_wall(venue->sim), &order));
    if (!order) {
        venue->world->judge.refused++;
        return;
    }
    uint32_t at = order->first_execution;
    venue_tell_order(venue, r, order);
    r->kind = REPORT_ACCEPTED;
    r->why = REASON_NONE;
    r->cum_qty = venue->is_kraken ? -1 : order->filled_qty;
    /* Binance tells executions and end of a new order in its answer, and then on the stream. */
    for (int64_t cum = 0; !venue->is_kraken && at != EXCHANGE_NONE;) {
        const struct exchange_execution *x = exchange_execution(&venue->exchange, at);
        struct venue_report *fill = venue_batch_add(batch);
        venue_tell_order(venue, fill, order);
        venue_tell_execution(venue, fill, x);
        fill->op = c->op;
        fill->request_id = c->request_id;
        cum += x->qty;
        fill->cum_qty = cum;
        at = x->next_of_order;
    }
    if (!venue->is_kraken && !exchange_is_open(order) && order->state != EXCHANGE_FILLED) {
        struct venue_report *end = venue_batch_add(batch);
        venue_tell_order(venue, end, order);
        end->kind = order->state == EXCHANGE_CANCELLED ? REPORT_CANCELLED : REPORT_EXPIRED;
    }
}

static void do_cancel(struct sim_venue *venue, const struct venue_command *c, struct batch *batch)
{
    struct venue_report *r = venue_batch_add(batch);
    const struct exchange_order *order = order_meant(venue, c);
    enum exchange_cause cause = order ? exchange_cancel(&venue->exchange, venue->main, order->id,
                                                        CAUSE_REQUESTED, sim_wall(venue->sim))
                                      : CAUSE_UNKNOWN_ORDER;

    begin_answer(r, c, REPORT_CANCEL_REJECTED);
    r->why = venue_reason(cause);
    if (cause != CAUSE_NONE)
        return;
    venue_tell_order(venue, r, order);
    r->kind = REPORT_CANCELLED;
    if (venue->is_kraken)
        r->cum_qty = -1;
}

static void do_replace(struct sim_venue *venue, const struct venue_command *c, struct batch *batch)
{
    struct venue_report *r = venue_batch_add(batch);
    const struct exchange_order *order = order_meant(venue, c);
    enum exchange_cause cause =
        order ? exchange_amend(&venue->exchange, venue->main, order->id, c->price, c->qty, NULL,
                               false, sim_wall(venue->sim))
              : CAUSE_UNKNOWN_ORDER;

    begin_answer(r, c, cause == CAUSE_NONE ? REPORT_REPLACED : REPORT_REPLACE_REJECTED);
    r->why = venue_reason(cause);
}

static void do_query(struct sim_venue *venue, const struct venue_command *c, struct batch *batch)
{
    struct venue_report *r = venue_batch_add(batch);
    const struct exchange_order *order = order_meant(venue, c);

    /* Served by a replica that lags. */
    if (order && sim_wall(venue->sim) - order->created_ns < 1500 * NS_PER_MS &&
        sim_strikes(venue->sim, FAULT_QUERY_STALE))
        order = NULL;
    begin_answer(r, c, order ? REPORT_ORDER : REPORT_NO_SUCH_ORDER);
    r->why = order ? REASON_NONE : REASON_VENUE_UNKNOWN_ORDER;
    if (order)
        venue_tell_order(venue, r, order);
}

static void do_open_orders(struct sim_venue *venue, const struct venue_command *c,
                           struct batch *batch)
{
    for (const struct exchange_order *o = venue->exchange.accounts[venue->main].first_open; o;
         o = o->next_of_account) {
        struct venue_report *r = venue_batch_add(batch);
        venue_tell_order(venue, r, o);
        r->kind = REPORT_ORDER;
        r->op = c->op;
        r->request_id = c->request_id;
    }
}

static void do_executions(struct sim_venue *venue, const struct venue_command *c,
                          struct batch *batch)
{
    for (uint32_t i = 0; i < venue->exchange.execution_count; i++) {
        const struct exchange_execution *x = &venue->exchange.executions[i];
        if (x->account != venue->main || x->at_ns < c->since_wall_ns ||
            (c->instrument && venue->definitions[x->instrument].header.instrument != c->instrument))
            continue;
        struct venue_report *r = venue_batch_add(batch);
        venue_tell_execution(venue, r, x); /* Without the client id: the venues' lists have none. */
        r->op = c->op;
        r->request_id = c->request_id;
    }
}

static void do_balances(struct sim_venue *venue, const struct venue_command *c, struct batch *batch)
{
    const struct exchange_account *account = &venue->exchange.accounts[venue->main];

    for (uint32_t i = 0; i < venue->exchange.asset_count; i++) {
        struct venue_report *r = venue_batch_add(batch);
        struct exchange_margin margin;
        exchange_margin(&venue->exchange, venue->main, i, &margin);
        r->kind = REPORT_BALANCE;
        r->op = c->op;
        r->request_id = c->request_id;
        snprintf(r->asset, sizeof(r->asset), "%s", venue->exchange.assets[i]);
        r->free = exchange_available(&venue->exchange, venue->main, i);
        r->locked = account->balances[i].locked;
        r->total = margin.wallet;
        r->margin = margin.position_margin;
        r->unrealised_pnl = margin.unrealised;
        r->exchange_ns = sim_wall(venue->sim);
    }
}

static void do_positions(struct sim_venue *venue, const struct venue_command *c,
                         struct batch *batch)
{
    for (uint32_t i = 0; i < VENUE_PAIRS; i++) {
        if (venue->exchange.accounts[venue->main].positions[i].qty == 0)
            continue;
        struct venue_report *r = venue_batch_add(batch);
        venue_tell_position(venue, r, i);
        r->op = c->op;
        r->request_id = c->request_id;
    }
}

static void do_funding(struct sim_venue *venue, const struct venue_command *c, struct batch *batch)
{
    struct exchange_funding f;
    uint64_t cursor = 0;

    while (exchange_next_funding(&venue->exchange, venue->main, &cursor, &f)) {
        if (f.at_ns < c->since_wall_ns)
            continue;
        struct venue_report *r = venue_batch_add(batch);
        venue_tell_funding(venue, r, f.id, f.instrument, f.amount, f.at_ns);
        r->op = c->op;
        r->request_id = c->request_id;
    }
}

static void do_rest(struct sim_venue *venue, const struct venue_command *c, struct batch *batch)
{
    enum venue_report_kind kind = REPORT_DONE;

    switch (c->op) {
    case OP_OPEN_ORDERS:
        do_open_orders(venue, c, batch);
        break;
    case OP_EXECUTIONS:
        do_executions(venue, c, batch);
        break;
    case OP_BALANCES:
        do_balances(venue, c, batch);
        break;
    case OP_POSITIONS:
        do_positions(venue, c, batch);
        break;
    case OP_FUNDING:
        do_funding(venue, c, batch);
        break;
    case OP_CANCEL_ALL:
        (void)exchange_cancel_all(&venue->exchange, venue->main, EXCHANGE_NONE, CAUSE_REQUESTED,
                                  sim_wall(venue->sim));
        break;
    case OP_DEAD_MAN:
        venue->dead_man_ns = c->timeout_ns ? venue->sim->now_ns + c->timeout_ns : 0;
        kind = REPORT_DEAD_MAN;
        break;
    default:
        break;
    }
    begin_answer(venue_batch_add(batch), c, kind);
}

static void refuse_limited(struct sim_venue *venue, const struct call *call)
{
    static const enum venue_report_kind kinds[] = { [OP_PLACE] = REPORT_REJECTED,
                                                    [OP_CANCEL] = REPORT_CANCEL_REJECTED,
                                                    [OP_REPLACE] = REPORT_REPLACE_REJECTED };
    struct batch *batch = venue_batch(venue, false);
    struct venue_report *r = venue_batch_add(batch);

    r->kind = REPORT_BACK_OFF;
    r->until_ns = venue->limited_until_ns;
    r->why = REASON_VENUE_RATE_LIMIT;
    r = venue_batch_add(batch);
    begin_answer(r, &call->command,
                 is_about_order(call->command.op) ? kinds[call->command.op] : REPORT_FAILED);
    r->why = REASON_VENUE_RATE_LIMIT;
    batch->session = call->session;
    venue_send(venue, batch, venue_hop(venue));
}

/* A request reaches the exchange. */
static void execute(void *ctx, void *payload, uint64_t tag)
{
    struct sim_venue *venue = ctx;
    const struct call *call = payload;
    const struct venue_command *c = &call->command;

    (void)tag;
    if (call->is_limited || venue->sim->now_ns < venue->limited_until_ns) {
        if (!call->is_given_up)
            refuse_limited(venue, call);
        return;
    }
    struct batch *batch = venue_batch(venue, false);
    batch->session = call->session;
    switch (c->op) {
    case OP_PLACE:
        do_place(venue, c, batch);
        break;
    case OP_CANCEL:
        do_cancel(venue, c, batch);
        break;
    case OP_REPLACE:
        do_replace(venue, c, batch);
        break;
    case OP_QUERY:
        do_query(venue, c, batch);
        break;
    default:
        do_rest(venue, c, batch);
        break;
    }
    venue_publish_changes(venue);
    if (!call->is_answer_lost && !call->is_given_up) {
        venue_send(venue, batch, call->answer_delay_ns);
        return;
    }
    free(batch->reports);
    free(batch);
    if (!call->is_never_told && !call->is_given_up)
        answer_unknown(venue, call, call->answer_delay_ns);
}

static void gave_up(void *ctx, void *payload, uint64_t tag)
{
    (void)tag;
    answer_unknown(ctx, payload, 0);
}

static struct call *call_copy(const struct call *call)
{
    struct call *copy = malloc(sizeof(*copy));

    if (!copy)
        abort();
    *copy = *call;
    return copy;
}

static void never_left(struct sim_venue *venue, const struct call *call)
{
    struct batch *batch = venue_batch(venue, false);
    struct venue_report *r = venue_batch_add(batch);

    begin_answer(r, &call->command, REPORT_NEVER_SENT);
    r->why = REASON_NEVER_SENT;
    venue_send(venue, batch, NS_PER_MS);
}

int venue_command(struct sim_venue *venue, const struct venue_command *command)
{
    struct sim *sim = venue->sim;
    struct call call = { .command = *command, .session = venue->session };

    sim_digest(sim, command, sizeof(*command));
    sim_trace(sim,
              "engine_%s -> venue op=%d request=%llu client=%s order=%s side=%s price=%lld "
              "qty=%lld",
              venue->name, (int)command->op, (unsigned long long)command->request_id,
              command->client_order_id, command->exchange_order_id, wire_side_str(command->side),
              (long long)command->price, (long long)command->qty);
    if (sim_strikes(sim, FAULT_NOT_SENT)) {
        if (sim_below(sim, 2))
            return ERR_CLOSED;
        never_left(venue, &call);
        return 0;
    }
    if (sim_strikes(sim, FAULT_REQUEST_LOST)) {
        sim_plan(sim, sim->now_ns + sim_between(sim, 10, 2000) * NS_PER_MS, gave_up, venue,
                 call_copy(&call), 0);
        return 0;
    }
    int64_t travel = venue_hop(venue);
    /* Shorter than the window in which the venues take a stamped request (5 s). */
    if (sim_strikes(sim, FAULT_REQUEST_LATE))
        travel = sim_between(sim, 10, 4000) * NS_PER_MS;
    call.answer_delay_ns = venue_hop(venue);
    if (sim_strikes(sim, FAULT_ANSWER_LATE))
        call.answer_delay_ns = sim_between(sim, 5, 1800) * NS_PER_MS;
    if (sim_strikes(sim, FAULT_RATE_LIMITED)) {
        call.is_limited = true;
        venue->limited_until_ns = sim->now_ns + travel + sim_between(sim, 100, 2000) * NS_PER_MS;
    }
    if (sim_strikes(sim, FAULT_ANSWER_LOST)) {
        call.is_answer_lost = true;
        call.is_never_told = sim_below(sim, 8) == 0; /* Even the codec's promise is broken. */
        call.answer_delay_ns = sim_between(sim, 1, 1500) * NS_PER_MS;
    }
    call.is_given_up = travel + call.answer_delay_ns >= TIMEOUT_NS && !call.is_never_told;
    if (call.is_given_up)
        sim_plan(sim, sim->now_ns + TIMEOUT_NS, gave_up, venue, call_copy(&call), 0);
    sim_plan(sim, sim->now_ns + travel, execute, venue, call_copy(&call), 0);
    return 0;
}
