/* From the exchange to the engine: its words in ours, and the private stream with its losses. */
#include "tests/simulation/venue_parts.h"
#include "venue_simulator/margin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- reports on their way to the engine ---- */

struct batch *venue_batch(const struct sim_venue *venue, bool is_stream)
{
    struct batch *batch = calloc(1, sizeof(*batch));

    if (!batch)
        abort();
    batch->session = venue->session;
    batch->connection = is_stream ? venue->connection : 0;
    return batch;
}

struct venue_report *venue_batch_add(struct batch *batch)
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
                                            "position",
                                            "funding",
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

void venue_send(struct sim_venue *venue, struct batch *batch, int64_t delay_ns)
{
    sim_plan(venue->sim, venue->sim->now_ns + delay_ns, deliver, venue, batch, 0);
}

int64_t venue_hop(struct sim_venue *venue)
{
    return sim_between(venue->sim, 200, 3000) * NS_PER_US;
}

/* ---- the exchange's words in ours ---- */

wire_reason venue_reason(enum exchange_cause cause)
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
    case CAUSE_MARGIN:
        return REASON_VENUE_FUNDS;
    case CAUSE_REDUCE_ONLY:
        return REASON_REDUCE_ONLY;
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

void venue_tell_order(const struct sim_venue *venue, struct venue_report *r,
                      const struct exchange_order *order)
{
    static const wire_order_state states[] = { ORDER_LIVE, ORDER_PARTIALLY_FILLED, ORDER_FILLED,
                                               ORDER_CANCELLED, ORDER_EXPIRED };
    const struct wire_instrument *d = &venue->definitions[order->instrument];

    r->instrument = d->header.instrument;
    r->instrument_kind = d->kind;
    memcpy(r->symbol, d->symbol, sizeof(r->symbol));
    snprintf(r->client_order_id, sizeof(r->client_order_id), "%s", order->client_id);
    fill_order_id(r, order->id);
    r->side = order->match.side;
    r->type = order->type;
    r->time_in_force = order->time_in_force;
    r->is_post_only = order->is_post_only;
    r->is_reduce_only = order->is_reduce_only;
    r->state = states[order->state];
    r->price = order->match.price;
    r->qty = order->qty;
    r->cum_qty = order->filled_qty;
    r->exchange_ns = order->updated_ns;
    if (!exchange_is_open(order))
        r->why = venue_reason(order->cause);
}

void venue_tell_execution(const struct sim_venue *venue, struct venue_report *r,
                          const struct exchange_execution *x)
{
    const struct exchange_order *order = &venue->exchange.orders[x->order];
    const struct wire_instrument *d = &venue->definitions[x->instrument];

    r->kind = REPORT_FILL;
    r->instrument = d->header.instrument;
    r->instrument_kind = d->kind;
    memcpy(r->symbol, d->symbol, sizeof(r->symbol));
    fill_order_id(r, order->id);
    snprintf(r->venue_trade_id, sizeof(r->venue_trade_id), "%llu", (unsigned long long)x->trade_id);
    r->side = x->side;
    r->liquidity = x->is_maker ? LIQUIDITY_MAKER : LIQUIDITY_TAKER;
    r->last_price = x->price;
    r->last_qty = x->qty;
    r->fee = x->fee;
    r->has_realised_pnl = d->kind == INSTRUMENT_PERPETUAL;
    r->realised_pnl = x->realised_pnl;
    snprintf(r->fee_asset, sizeof(r->fee_asset), "%s", venue->exchange.assets[x->fee_asset]);
    r->exchange_ns = x->at_ns;
}

void venue_tell_position(const struct sim_venue *venue, struct venue_report *r, uint32_t instrument)
{
    const struct exchange *exchange = &venue->exchange;
    const struct exchange_position *p = &exchange->accounts[venue->main].positions[instrument];
    const struct wire_instrument *d = &venue->definitions[instrument];

    r->kind = REPORT_POSITION;
    r->instrument = d->header.instrument;
    r->instrument_kind = d->kind;
    memcpy(r->symbol, d->symbol, sizeof(r->symbol));
    memcpy(r->asset, d->settle, sizeof(r->asset));
    r->qty = p->qty;
    r->price = exchange_entry_price(p);
    r->mark_price = exchange->instruments[instrument].perpetual.mark_price;
    r->unrealised_pnl = exchange_unrealised(exchange, venue->main, instrument);
    r->realised_pnl = p->realised;
    r->margin = exchange_position_margin(exchange, venue->main, instrument);
    r->leverage_ppm = exchange_leverage(exchange, venue->main, instrument) * 1000000;
    r->exchange_ns = sim_wall(venue->sim);
}

void venue_tell_funding(const struct sim_venue *venue, struct venue_report *r, uint64_t id,
                        uint32_t instrument, int64_t amount, int64_t at_ns)
{
    const struct wire_instrument *d = &venue->definitions[instrument];

    r->kind = REPORT_FUNDING;
    r->instrument = d->header.instrument;
    r->instrument_kind = d->kind;
    memcpy(r->symbol, d->symbol, sizeof(r->symbol));
    memcpy(r->asset, d->settle, sizeof(r->asset));
    snprintf(r->reference, sizeof(r->reference), "F%llu", (unsigned long long)id);
    r->change = amount;
    r->exchange_ns = at_ns;
}

/* ---- the private stream ---- */

static void stream(struct sim_venue *venue, const struct venue_report *report)
{
    struct sim *sim = venue->sim;

    if (!venue->is_stream_up)
        return;
    int64_t delay = venue_hop(venue);
    if (sim_strikes(sim, FAULT_STREAM_LATE))
        delay = sim_between(sim, 5, 1500) * NS_PER_MS;
    struct batch *batch = venue_batch(venue, true);
    struct venue_report *r = venue_batch_add(batch);
    *r = *report;
    r->is_from_stream = true;
    if (report->kind != REPORT_NEW && sim_strikes(sim, FAULT_REPORT_DUPLICATED)) {
        struct venue_report *again = venue_batch_add(batch);
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
    venue_tell_order(venue, &r, order);
    stream(venue, &r);
}

static void stream_fill(struct sim_venue *venue, const struct exchange_event *event, bool is_maker)
{
    const struct exchange_order *order = is_maker ? event->maker : event->order;
    struct venue_report r = { .kind = REPORT_FILL };

    r.price_exp = r.qty_exp = r.amount_exp = EXCHANGE_EXP;
    venue_tell_order(venue, &r, order);
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
    r.has_realised_pnl = r.instrument_kind == INSTRUMENT_PERPETUAL;
    r.realised_pnl = is_maker ? event->maker_realised_pnl : event->taker_realised_pnl;
    stream(venue, &r);
}

/* Not in step with executions: the position comes before the fill, or long after it. */
static void stream_position(struct sim_venue *venue, uint32_t instrument)
{
    struct venue_report r = { 0 };

    r.price_exp = r.qty_exp = r.amount_exp = EXCHANGE_EXP;
    venue_tell_position(venue, &r, instrument);
    stream(venue, &r);
}

static void stream_funding(struct sim_venue *venue, const struct exchange_event *event)
{
    struct venue_report r = { 0 };

    r.price_exp = r.qty_exp = r.amount_exp = EXCHANGE_EXP;
    venue_tell_funding(venue, &r, event->trade_id, event->instrument, event->qty, event->at_ns);
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

void venue_on_exchange(void *ctx, const struct exchange_event *event)
{
    struct sim_venue *venue = ctx;

    if (event->kind == EXCHANGE_ON_LEVEL) {
        note_level(venue, event);
        return;
    }
    if (event->kind == EXCHANGE_ON_MARK)
        venue_publish_mark(venue, event->instrument);
    if (event->kind == EXCHANGE_ON_FUNDING && event->account == venue->main)
        stream_funding(venue, event);
    if (!event->order)
        return;
    bool is_ours = event->order->account == venue->main;
    bool is_maker_ours = event->kind == EXCHANGE_ON_TRADE && event->maker->account == venue->main;
    if (is_ours || is_maker_ours)
        judge_exchange(&venue->world->judge, venue, event);
    if (event->kind == EXCHANGE_ON_TRADE) {
        bool is_position = (is_ours || is_maker_ours) &&
                           exchange_is_perpetual(&venue->exchange, event->instrument);
        bool is_first = is_position && sim_below(venue->sim, 2);
        if (is_first)
            stream_position(venue, event->instrument);
        if (is_ours)
            stream_fill(venue, event, false);
        if (is_maker_ours)
            stream_fill(venue, event, true);
        if (is_position && !is_first)
            stream_position(venue, event->instrument);
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
    struct batch *batch = venue_batch(venue, false);
    struct venue_report *r = venue_batch_add(batch);

    r->kind = REPORT_CHANNEL;
    r->is_order_channel_up = r->is_private_stream_up = is_up;
    r->is_from_stream = true;
    venue_send(venue, batch, 0);
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
void venue_stream_break(struct sim_venue *venue)
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
    batch = venue_batch(venue, false);
    for (unsigned i = 0; i < VENUE_PAIRS; i++) {
        struct venue_report *r = venue_batch_add(batch);
        r->kind = REPORT_INSTRUMENT;
        r->definition = &venue->definitions[i];
    }
    venue_send(venue, batch, sim_between(venue->sim, 5, 100) * NS_PER_MS);
    sim_plan(venue->sim, venue->sim->now_ns + sim_between(venue->sim, 20, 400) * NS_PER_MS,
             stream_back, venue, NULL, venue->session);
}

void venue_disconnect(struct sim_venue *venue)
{
    venue->session++;
    venue->connection++;
    venue->is_stream_up = false;
}
