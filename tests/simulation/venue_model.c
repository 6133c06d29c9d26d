#include "tests/simulation/venue_model.h"

#include "common/leaf/err.h"
#include "common/pure/instrument.h"
#include "tests/simulation/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RATE_PER_S = 60, ANSWER_REPORTS_MAX = 400 };

static const int64_t TIMEOUT_NS = 2 * NS_PER_S; /* As ORDER_TIMEOUT_MS of the demo. */

/* ---- reports on their way to the engine ---- */

struct batch {
    uint64_t session, connection; /* connection 0: an answer. */
    uint32_t count, room;
    struct venue_report *reports;
};

static struct batch *batch_new(const struct sim_venue *venue, bool is_stream)
{
    struct batch *batch = calloc(1, sizeof(*batch));

    if (!batch)
        abort();
    batch->session = venue->session;
    batch->connection = is_stream ? venue->connection : 0;
    return batch;
}

static struct venue_report *batch_add(struct batch *batch)
{
    if (batch->count == batch->room) {
        batch->room = batch->room ? batch->room * 4 : 2;
        batch->reports = realloc(batch->reports, batch->room * sizeof(*batch->reports));
        if (!batch->reports)
            abort();
    }
    struct venue_report *report = &batch->reports[batch->count++];
    memset(report, 0, sizeof(*report));
    report->price_exp = report->qty_exp = report->amount_exp = EXCHANGE_EXP;
    report->cum_qty = -1;
    return report;
}

static const char *const report_names[] = { "?",
                                            "accepted",
                                            "rejected",
                                            "cancel_rejected",
                                            "replaced",
                                            "replace_rejected",
                                            "replace_lost",
                                            "unknown",
                                            "never_sent",
                                            "order",
                                            "no_such_order",
                                            "done",
                                            "failed",
                                            "new",
                                            "fill",
                                            "cancelled",
                                            "expired",
                                            "balance",
                                            "transfer",
                                            "instrument",
                                            "server_time",
                                            "dead_man",
                                            "channel",
                                            "limits",
                                            "back_off" };

static void trace_report(const struct sim_venue *venue, const struct venue_report *r)
{
    if (r->kind == REPORT_INSTRUMENT || r->kind == REPORT_BALANCE)
        return;
    sim_trace(venue->sim,
              "engine_%s <- %s %s request=%llu client=%s order=%s state=%s trade=%s last=%lld "
              "cum=%lld why=%s",
              venue->name, r->is_from_stream ? "stream" : "answer", report_names[r->kind],
              (unsigned long long)r->request_id, r->client_order_id, r->exchange_order_id,
              wire_order_state_str(r->state), r->venue_trade_id, (long long)r->last_qty,
              (long long)r->cum_qty, wire_reason_str(r->why));
}

static void deliver(void *ctx, void *payload, uint64_t tag)
{
    struct sim_venue *venue = ctx;
    struct batch *batch = payload;
    struct engine_node *engine = &venue->world->engines[venue->account - 1];
    struct sim *sim = venue->sim;

    if (sim->now_ns < engine->node.paused_until_ns && engine->node.is_up) {
        struct batch *later = malloc(sizeof(*later));
        if (!later)
            abort();
        *later = *batch;
        sim_plan(sim, engine->node.paused_until_ns, deliver, venue, later, tag);
        return;
    }
    for (uint32_t i = 0; i < batch->count; i++) {
        bool is_lost = batch->session != venue->session || !engine->node.is_up ||
                       (batch->connection && batch->connection != venue->connection);
        if (is_lost)
            break;
        trace_report(venue, &batch->reports[i]);
        engine_core_report(engine->core, &batch->reports[i], sim->now_ns);
        node_settle(&engine->node);
    }
    free(batch->reports);
}

static void send_batch(struct sim_venue *venue, struct batch *batch, int64_t delay_ns)
{
    sim_plan(venue->sim, venue->sim->now_ns + delay_ns, deliver, venue, batch, 0);
}

static int64_t hop(struct sim_venue *venue)
{
    return sim_between(venue->sim, 200, 3000) * NS_PER_US;
}

/* ---- the exchange's words in ours ---- */

static wire_reason reason_of(enum exchange_cause cause)
{
    switch (cause) {
    case CAUSE_NONE:
        return REASON_NONE;
    case CAUSE_REQUESTED:
    case CAUSE_REPLACED:
        return REASON_REQUESTED;
    case CAUSE_UNKNOWN_ORDER:
        return REASON_VENUE_UNKNOWN_ORDER;
    case CAUSE_DUPLICATE_CLIENT_ID:
        return REASON_VENUE_DUPLICATE;
    case CAUSE_BALANCE:
        return REASON_VENUE_FUNDS;
    case CAUSE_WOULD_TAKE:
        return REASON_VENUE_POST_ONLY;
    case CAUSE_NO_LIQUIDITY:
    case CAUSE_IOC:
    case CAUSE_FOK:
        return REASON_NO_LIQUIDITY;
    case CAUSE_STP:
        return REASON_SELF_TRADE_PREVENTED;
    case CAUSE_DEAD_MAN:
        return REASON_DEAD_MAN;
    case CAUSE_TICK:
    case CAUSE_LOT:
    case CAUSE_PRICE_RANGE:
    case CAUSE_PRICE_BAND:
    case CAUSE_MIN_QTY:
    case CAUSE_MAX_QTY:
    case CAUSE_MIN_NOTIONAL:
    case CAUSE_MAX_NOTIONAL:
        return REASON_VENUE_FILTER;
    default:
        return REASON_VENUE_REJECT;
    }
}

static void fill_order_id(struct venue_report *r, uint64_t id)
{
    snprintf(r->exchange_order_id, sizeof(r->exchange_order_id), "%llu", (unsigned long long)id);
}

static void fill_order(const struct sim_venue *venue, struct venue_report *r,
                       const struct exchange_order *order)
{
    static const wire_order_state states[] = { ORDER_LIVE, ORDER_PARTIALLY_FILLED, ORDER_FILLED,
                                               ORDER_CANCELLED, ORDER_EXPIRED };
    const struct wire_instrument *d = &venue->definitions[order->instrument];

    r->instrument = d->header.instrument;
    memcpy(r->symbol, d->symbol, sizeof(r->symbol));
    snprintf(r->client_order_id, sizeof(r->client_order_id), "%s", order->client_id);
    fill_order_id(r, order->id);
    r->side = order->match.side;
    r->type = order->type;
    r->time_in_force = order->time_in_force;
    r->is_post_only = order->is_post_only;
    r->state = states[order->state];
    r->price = order->match.price;
    r->qty = order->qty;
    r->cum_qty = order->filled_qty;
    r->exchange_ns = order->updated_ns;
    if (!exchange_is_open(order))
        r->why = reason_of(order->cause);
}

static void fill_execution(const struct sim_venue *venue, struct venue_report *r,
                           const struct exchange_execution *x)
{
    const struct exchange_order *order = &venue->exchange.orders[x->order];
    const struct wire_instrument *d = &venue->definitions[x->instrument];

    r->kind = REPORT_FILL;
    r->instrument = d->header.instrument;
    memcpy(r->symbol, d->symbol, sizeof(r->symbol));
    fill_order_id(r, order->id);
    snprintf(r->venue_trade_id, sizeof(r->venue_trade_id), "%llu", (unsigned long long)x->trade_id);
    r->side = x->side;
    r->liquidity = x->is_maker ? LIQUIDITY_MAKER : LIQUIDITY_TAKER;
    r->last_price = x->price;
    r->last_qty = x->qty;
    r->fee = x->fee;
    snprintf(r->fee_asset, sizeof(r->fee_asset), "%s", venue->exchange.assets[x->fee_asset]);
    r->exchange_ns = x->at_ns;
}

/* ---- the private stream ---- */

static void stream(struct sim_venue *venue, const struct venue_report *report)
{
    struct sim *sim = venue->sim;

    if (!venue->is_stream_up)
        return;
    int64_t delay = hop(venue);
    if (sim_strikes(sim, FAULT_STREAM_LATE))
        delay = sim_between(sim, 5, 1500) * NS_PER_MS;
    struct batch *batch = batch_new(venue, true);
    struct venue_report *r = batch_add(batch);
    *r = *report;
    r->is_from_stream = true;
    if (report->kind != REPORT_NEW && sim_strikes(sim, FAULT_REPORT_DUPLICATED)) {
        struct venue_report *again = batch_add(batch);
        *again = batch->reports[0];
    }
    venue->stream_due_ns = MAX(venue->stream_due_ns, sim->now_ns + delay);
    sim_plan(sim, venue->stream_due_ns, deliver, venue, batch, 0);
}

static void stream_order(struct sim_venue *venue, const struct exchange_order *order,
                         enum venue_report_kind kind)
{
    struct venue_report r = { .kind = kind, .cum_qty = -1 };

    r.price_exp = r.qty_exp = r.amount_exp = EXCHANGE_EXP;
    fill_order(venue, &r, order);
    stream(venue, &r);
}

static void stream_fill(struct sim_venue *venue, const struct exchange_event *event, bool is_maker)
{
    const struct exchange_order *order = is_maker ? event->maker : event->order;
    struct venue_report r = { .kind = REPORT_FILL };

    r.price_exp = r.qty_exp = r.amount_exp = EXCHANGE_EXP;
    fill_order(venue, &r, order);
    r.why = REASON_NONE;
    snprintf(r.venue_trade_id, sizeof(r.venue_trade_id), "%llu",
             (unsigned long long)event->trade_id);
    r.liquidity = is_maker ? LIQUIDITY_MAKER : LIQUIDITY_TAKER;
    r.last_price = event->price;
    r.last_qty = event->qty;
    r.fee = is_maker ? event->maker_fee : event->taker_fee;
    snprintf(r.fee_asset, sizeof(r.fee_asset), "%s",
             venue->exchange.assets[is_maker ? event->maker_fee_asset : event->taker_fee_asset]);
    r.exchange_ns = event->at_ns;
    stream(venue, &r);
}

static void note_level(struct sim_venue *venue, const struct exchange_event *event)
{
    unsigned i = event->instrument;
    unsigned count = venue->changes[i].count;

    for (unsigned k = 0; k < count; k++)
        if (venue->changes[i].levels[k].price == event->price &&
            venue->changes[i].sides[k] == event->side) {
            venue->changes[i].levels[k].qty = event->qty;
            return;
        }
    if (count == VENUE_CHANGES_MAX) {
        venue->changes[i].is_overflown = true;
        return;
    }
    venue->changes[i].levels[count] = (struct wire_level){ event->price, event->qty };
    venue->changes[i].sides[count] = event->side;
    venue->changes[i].count++;
}

static void on_exchange_event(void *ctx, const struct exchange_event *event)
{
    struct sim_venue *venue = ctx;

    if (event->kind == EXCHANGE_ON_LEVEL) {
        note_level(venue, event);
        return;
    }
    if (!event->order)
        return;
    bool is_ours = event->order->account == venue->main;
    bool is_maker_ours = event->kind == EXCHANGE_ON_TRADE && event->maker->account == venue->main;
    if (is_ours || is_maker_ours)
        judge_exchange(&venue->world->judge, venue, event);
    if (event->kind == EXCHANGE_ON_TRADE) {
        if (is_ours)
            stream_fill(venue, event, false);
        if (is_maker_ours)
            stream_fill(venue, event, true);
        return;
    }
    if (!is_ours)
        return;
    if (event->kind == EXCHANGE_ON_ACCEPTED)
        stream_order(venue, event->order, REPORT_NEW);
    else if (event->kind == EXCHANGE_ON_ENDED)
        stream_order(venue, event->order,
                     event->order->state == EXCHANGE_CANCELLED ? REPORT_CANCELLED : REPORT_EXPIRED);
}

static void channel(struct sim_venue *venue, bool is_up)
{
    struct batch *batch = batch_new(venue, false);
    struct venue_report *r = batch_add(batch);

    r->kind = REPORT_CHANNEL;
    r->is_order_channel_up = r->is_private_stream_up = is_up;
    r->is_from_stream = true;
    send_batch(venue, batch, 0);
}

static void stream_back(void *ctx, void *payload, uint64_t session)
{
    struct sim_venue *venue = ctx;

    (void)payload;
    if (session != venue->session || venue->is_stream_up)
        return;
    venue->is_stream_up = true;
    venue->connection++;
    venue->stream_due_ns = venue->sim->now_ns;
    channel(venue, true);
}

static void stream_noticed(void *ctx, void *payload, uint64_t session)
{
    struct sim_venue *venue = ctx;

    (void)payload;
    if (session != venue->session || venue->is_stream_up)
        return;
    channel(venue, false);
    sim_plan(venue->sim, venue->sim->now_ns + sim_between(venue->sim, 50, 3000) * NS_PER_MS,
             stream_back, venue, NULL, session);
}

/* Broken at once, noticed later: what happens in between is told to nobody. */
static void stream_break(struct sim_venue *venue)
{
    sim_trace(venue->sim, "private stream of %s breaks", venue->name);
    venue->is_stream_up = false;
    venue->connection++;
    sim_plan(venue->sim, venue->sim->now_ns + sim_between(venue->sim, 0, 2000) * NS_PER_MS,
             stream_noticed, venue, NULL, venue->session);
}

void venue_connect(struct sim_venue *venue)
{
    struct batch *batch;

    venue->session++;
    venue->is_stream_up = false;
    batch = batch_new(venue, false);
    for (unsigned i = 0; i < VENUE_PAIRS; i++) {
        struct venue_report *r = batch_add(batch);
        r->kind = REPORT_INSTRUMENT;
        r->definition = &venue->definitions[i];
    }
    send_batch(venue, batch, sim_between(venue->sim, 5, 100) * NS_PER_MS);
    sim_plan(venue->sim, venue->sim->now_ns + sim_between(venue->sim, 20, 400) * NS_PER_MS,
             stream_back, venue, NULL, venue->session);
}

void venue_disconnect(struct sim_venue *venue)
{
    venue->session++;
    venue->connection++;
    venue->is_stream_up = false;
}

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
    struct batch *batch = batch_new(venue, false);
    struct venue_report *r = batch_add(batch);

    begin_answer(r, &call->command,
                 is_about_order(call->command.op) ? REPORT_OUTCOME_UNKNOWN : REPORT_FAILED);
    r->why = REASON_TRANSPORT;
    batch->session = call->session;
    send_batch(venue, batch, delay_ns);
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
    struct venue_report *r = batch_add(batch);
    struct exchange_request request = { .account = venue->main,
                                        .instrument = instrument_at(venue, c->instrument),
                                        .client_id = c->client_order_id,
                                        .side = c->side,
                                        .type = c->type,
                                        .time_in_force = c->time_in_force,
                                        .is_post_only = c->is_post_only,
                                        .stp = STP_EXPIRE_TAKER,
                                        .price = c->type == ORDER_MARKET ? 0 : c->price,
                                        .qty = c->qty };
    const struct exchange_order *order = NULL;

    begin_answer(r, c, REPORT_REJECTED);
    r->exchange_order_id[0] = 0;
    r->why =
        request.instrument == EXCHANGE_NONE
            ? REASON_VENUE_FILTER
            : reason_of(exchange_place(&venue->exchange, &request, sim_wall(venue->sim), &order));
    if (!order) {
        venue->world->judge.refused++;
        return;
    }
    uint32_t at = order->first_execution;
    fill_order(venue, r, order);
    r->kind = REPORT_ACCEPTED;
    r->why = REASON_NONE;
    r->cum_qty = venue->is_kraken ? -1 : order->filled_qty;
    /* Binance tells executions and end of a new order in its answer, and then on the stream. */
    for (int64_t cum = 0; !venue->is_kraken && at != EXCHANGE_NONE;) {
        const struct exchange_execution *x = exchange_execution(&venue->exchange, at);
        struct venue_report *fill = batch_add(batch);
        fill_order(venue, fill, order);
        fill_execution(venue, fill, x);
        fill->op = c->op;
        fill->request_id = c->request_id;
        cum += x->qty;
        fill->cum_qty = cum;
        at = x->next_of_order;
    }
    if (!venue->is_kraken && !exchange_is_open(order) && order->state != EXCHANGE_FILLED) {
        struct venue_report *end = batch_add(batch);
        fill_order(venue, end, order);
        end->kind = order->state == EXCHANGE_CANCELLED ? REPORT_CANCELLED : REPORT_EXPIRED;
    }
}

static void do_cancel(struct sim_venue *venue, const struct venue_command *c, struct batch *batch)
{
    struct venue_report *r = batch_add(batch);
    const struct exchange_order *order = order_meant(venue, c);
    enum exchange_cause cause = order ? exchange_cancel(&venue->exchange, venue->main, order->id,
                                                        CAUSE_REQUESTED, sim_wall(venue->sim))
                                      : CAUSE_UNKNOWN_ORDER;

    begin_answer(r, c, REPORT_CANCEL_REJECTED);
    r->why = reason_of(cause);
    if (cause != CAUSE_NONE)
        return;
    fill_order(venue, r, order);
    r->kind = REPORT_CANCELLED;
    if (venue->is_kraken)
        r->cum_qty = -1;
}

static void do_replace(struct sim_venue *venue, const struct venue_command *c, struct batch *batch)
{
    struct venue_report *r = batch_add(batch);
    const struct exchange_order *order = order_meant(venue, c);
    enum exchange_cause cause =
        order ? exchange_amend(&venue->exchange, venue->main, order->id, c->price, c->qty, NULL,
                               false, sim_wall(venue->sim))
              : CAUSE_UNKNOWN_ORDER;

    begin_answer(r, c, cause == CAUSE_NONE ? REPORT_REPLACED : REPORT_REPLACE_REJECTED);
    r->why = reason_of(cause);
}

static void do_query(struct sim_venue *venue, const struct venue_command *c, struct batch *batch)
{
    struct venue_report *r = batch_add(batch);
    const struct exchange_order *order = order_meant(venue, c);

    /* Served by a replica that lags. */
    if (order && sim_wall(venue->sim) - order->created_ns < 1500 * NS_PER_MS &&
        sim_strikes(venue->sim, FAULT_QUERY_STALE))
        order = NULL;
    begin_answer(r, c, order ? REPORT_ORDER : REPORT_NO_SUCH_ORDER);
    r->why = order ? REASON_NONE : REASON_VENUE_UNKNOWN_ORDER;
    if (order)
        fill_order(venue, r, order);
}

static void do_open_orders(struct sim_venue *venue, const struct venue_command *c,
                           struct batch *batch)
{
    for (const struct exchange_order *o = venue->exchange.accounts[venue->main].first_open; o;
         o = o->next_of_account) {
        struct venue_report *r = batch_add(batch);
        fill_order(venue, r, o);
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
        struct venue_report *r = batch_add(batch);
        fill_execution(venue, r, x); /* Without the client id: the venues' lists have none. */
        r->op = c->op;
        r->request_id = c->request_id;
    }
}

static void do_balances(struct sim_venue *venue, const struct venue_command *c, struct batch *batch)
{
    const struct exchange_account *account = &venue->exchange.accounts[venue->main];

    for (uint32_t i = 0; i < venue->exchange.asset_count; i++) {
        struct venue_report *r = batch_add(batch);
        r->kind = REPORT_BALANCE;
        r->op = c->op;
        r->request_id = c->request_id;
        snprintf(r->asset, sizeof(r->asset), "%s", venue->exchange.assets[i]);
        r->free = account->balances[i].free;
        r->locked = account->balances[i].locked;
        r->total = r->free + r->locked;
        r->exchange_ns = sim_wall(venue->sim);
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
    begin_answer(batch_add(batch), c, kind);
}

static void refuse_limited(struct sim_venue *venue, const struct call *call)
{
    static const enum venue_report_kind kinds[] = { [OP_PLACE] = REPORT_REJECTED,
                                                    [OP_CANCEL] = REPORT_CANCEL_REJECTED,
                                                    [OP_REPLACE] = REPORT_REPLACE_REJECTED };
    struct batch *batch = batch_new(venue, false);
    struct venue_report *r = batch_add(batch);

    r->kind = REPORT_BACK_OFF;
    r->until_ns = venue->limited_until_ns;
    r->why = REASON_VENUE_RATE_LIMIT;
    r = batch_add(batch);
    begin_answer(r, &call->command,
                 is_about_order(call->command.op) ? kinds[call->command.op] : REPORT_FAILED);
    r->why = REASON_VENUE_RATE_LIMIT;
    batch->session = call->session;
    send_batch(venue, batch, hop(venue));
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
    struct batch *batch = batch_new(venue, false);
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
        send_batch(venue, batch, call->answer_delay_ns);
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
    struct batch *batch = batch_new(venue, false);
    struct venue_report *r = batch_add(batch);

    begin_answer(r, &call->command, REPORT_NEVER_SENT);
    r->why = REASON_NEVER_SENT;
    send_batch(venue, batch, NS_PER_MS);
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
    int64_t travel = hop(venue);
    /* Shorter than the window in which the venues take a stamped request (5 s). */
    if (sim_strikes(sim, FAULT_REQUEST_LATE))
        travel = sim_between(sim, 10, 4000) * NS_PER_MS;
    call.answer_delay_ns = hop(venue);
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

/* ---- life ---- */

void venue_step(struct sim_venue *venue)
{
    if (venue->dead_man_ns && venue->sim->now_ns >= venue->dead_man_ns) {
        venue->dead_man_ns = 0;
        (void)exchange_cancel_all(&venue->exchange, venue->main, EXCHANGE_NONE, CAUSE_DEAD_MAN,
                                  sim_wall(venue->sim));
    }
    exchange_tick(&venue->exchange, sim_wall(venue->sim));
    if (venue->is_stream_up && sim_strikes(venue->sim, FAULT_STREAM_LOST))
        stream_break(venue);
}

static void define(struct sim_venue *venue, unsigned i, const struct exchange_instrument_config *c)
{
    static const char *const names[VENUE_PAIRS] = { "BTC-USDT", "ETH-USDT" };
    struct wire_instrument *d = &venue->definitions[i];

    WIRE_BEGIN(d, instrument);
    d->header.account = venue->account;
    d->header.publisher = PUBLISHER(ROLE_MARKET_GATEWAY, venue->account);
    d->header.instrument = instrument_id(venue->name, INSTRUMENT_SPOT, c->symbol);
    snprintf(d->venue, sizeof(d->venue), "%s", venue->name);
    memcpy(d->symbol, c->symbol, sizeof(d->symbol));
    snprintf(d->name, sizeof(d->name), "%s", names[i]);
    memcpy(d->base, c->base, sizeof(d->base));
    memcpy(d->quote, c->quote, sizeof(d->quote));
    memcpy(d->settle, c->quote, sizeof(d->settle));
    d->tick_size = c->tick;
    d->lot_size = c->lot;
    d->min_qty = c->min_qty;
    d->max_qty = c->max_qty;
    d->min_notional = c->min_notional;
    d->contract_size = EXCHANGE_ONE;
    d->price_exp = d->qty_exp = d->amount_exp = EXCHANGE_EXP;
    d->price_decimals = (int8_t)c->price_decimals;
    d->qty_decimals = (int8_t)c->qty_decimals;
    d->kind = INSTRUMENT_SPOT;
    d->state = TRADING_OPEN;
    d->maker_fee_ppm = 200;
    d->taker_fee_ppm = 400;
}

int venue_init(struct sim_venue *venue, struct world *world, uint16_t account)
{
    static const char *const symbols[2][VENUE_PAIRS] = { { "BTCUSDT", "ETHUSDT" },
                                                         { "BTC/USDT", "ETH/USDT" } };
    static const char *const bases[VENUE_PAIRS] = { "BTC", "ETH" };
    static const int64_t starts[VENUE_PAIRS] = { 60000, 3000 };
    struct exchange_instrument_config instruments[VENUE_PAIRS] = { 0 };
    struct exchange_account_config accounts[3] = {
        { .name = "main", .maker_fee_ppm = 200, .taker_fee_ppm = 400 },
        { .name = "maker", .is_background = true },
        { .name = "taker", .is_background = true },
    };
    struct exchange_config config = { .instruments = instruments,
                                      .instrument_count = VENUE_PAIRS,
                                      .accounts = accounts,
                                      .account_count = COUNT(accounts),
                                      .fee_asset = account == 2 ? FEE_IN_QUOTE : FEE_IN_RECEIVED,
                                      .orders_max = 16384,
                                      .background_orders_max = 512,
                                      .executions_max = 16384,
                                      .levels_max = 512,
                                      .first_order_id = 1000000,
                                      .first_trade_id = 5000 };

    *venue = (struct sim_venue){ .world = world,
                                 .sim = &world->sim,
                                 .name = account == 2 ? "kraken" : "binance",
                                 .account = account,
                                 .is_kraken = account == 2,
                                 .main = 0,
                                 .maker = 1,
                                 .taker = 2 };
    snprintf(config.venue, sizeof(config.venue), "%s", venue->name);
    for (unsigned i = 0; i < VENUE_PAIRS; i++) {
        struct exchange_instrument_config *c = &instruments[i];
        snprintf(c->symbol, sizeof(c->symbol), "%s", symbols[account - 1][i]);
        snprintf(c->base, sizeof(c->base), "%s", bases[i]);
        snprintf(c->quote, sizeof(c->quote), "USDT");
        c->tick = EXCHANGE_ONE / 100;
        c->lot = EXCHANGE_ONE / 100000;
        c->min_qty = EXCHANGE_ONE / 10000;
        c->min_notional = 5 * EXCHANGE_ONE;
        c->price_decimals = 2;
        c->qty_decimals = 5;
        c->start_price = starts[i] * EXCHANGE_ONE;
        define(venue, i, c);
    }
    size_t size = exchange_memory(&config);
    venue->memory = aligned_alloc(64, (size + 63) / 64 * 64);
    if (!venue->memory)
        return ERR_SYS;
    memset(venue->memory, 0, size);
    int err = exchange_init(&venue->exchange, &config, venue->memory, on_exchange_event, venue);
    for (uint32_t a = 0; !err && a < venue->exchange.asset_count; a++) {
        bool is_quote = strcmp(venue->exchange.assets[a], "USDT") == 0;
        int64_t own = is_quote ? 1000000 : 40;
        (void)exchange_transfer(&venue->exchange, venue->main, a, own * EXCHANGE_ONE,
                                sim_wall(venue->sim));
        for (uint32_t b = venue->maker; b <= venue->taker; b++)
            (void)exchange_transfer(&venue->exchange, b, a,
                                    (is_quote ? 1000000000 : 1000000) * EXCHANGE_ONE,
                                    sim_wall(venue->sim));
    }
    return err;
}

void venue_fini(struct sim_venue *venue)
{
    free(venue->memory);
    venue->memory = NULL;
}
