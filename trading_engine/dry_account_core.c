#include "trading_engine/core_internal.h"

#include <stdio.h>

/* The account of the venue that dry_core plays: balances, and for perpetuals positions with their
 * profit, margin and funding. Nobody is liquidated here. */

/* ---- balances ---- */

/* Profit of open positions that settle in an asset, at their marks. */
static int64_t unrealised_in(const struct engine_core *e, uint16_t asset)
{
    int64_t sum = 0;

    for (size_t k = 0; k < e->instrument_count; k++) {
        const struct instrument_state *i = &e->instruments[k];
        int64_t mark = is_derivative(i) ? positions_mark(e, i) : 0;
        if (mark && i->settle_asset == asset)
            sum += holding_amount(&i->holding, holding_unrealised(&i->holding, mark),
                                  ENGINE_AMOUNT_EXP);
    }
    return sum;
}

void dry_balances(struct engine_core *e, const struct venue_command *c)
{
    for (uint16_t k = 0; k < e->asset_count; k++) {
        const struct asset_state *a = &e->assets[k];
        struct venue_report *r = a->is_reported || a->total ? dry_report(e) : NULL;
        if (!r)
            continue;
        r->kind = REPORT_BALANCE;
        r->op = c->op;
        r->request_id = c->request_id;
        text_copy(r->asset, sizeof(r->asset), a->code);
        r->amount_exp = ENGINE_AMOUNT_EXP;
        r->total = a->total;
        r->locked = a->own_locked;
        r->margin = positions_held_margin(e, k);
        r->unrealised_pnl = unrealised_in(e, k);
        r->free = MAX(0, a->total + r->unrealised_pnl - r->margin - a->own_locked);
        r->exchange_ns = core_wall(e);
    }
}

/* ---- positions ---- */

static void state_position(struct engine_core *e, const struct instrument_state *i,
                           const struct venue_command *c)
{
    struct venue_report *r = dry_report(e);
    int64_t mark = positions_mark(e, i), qty = i->holding.qty, notional = 0;

    if (!r)
        return;
    (void)fixed_notional(mark ? mark : holding_average(&i->holding), i->definition.price_exp,
                         qty < 0 ? -qty : qty, i->definition.qty_exp, ENGINE_AMOUNT_EXP, FIXED_UP,
                         &notional);
    r->kind = REPORT_POSITION;
    r->op = c ? c->op : OP_POSITIONS;
    r->request_id = c ? c->request_id : 0;
    r->is_from_stream = !c;
    r->instrument = i->id;
    r->instrument_kind = i->definition.kind;
    text_copy(r->symbol, sizeof(r->symbol), i->definition.symbol);
    text_copy(r->asset, sizeof(r->asset), i->definition.settle);
    r->price_exp = i->definition.price_exp;
    r->qty_exp = i->definition.qty_exp;
    r->amount_exp = ENGINE_AMOUNT_EXP;
    r->qty = qty;
    r->price = holding_average(&i->holding);
    r->mark_price = mark;
    r->margin = positions_margin(e, i, notional);
    r->unrealised_pnl =
        mark ? holding_amount(&i->holding, holding_unrealised(&i->holding, mark), ENGINE_AMOUNT_EXP)
             : 0;
    r->realised_pnl = holding_amount(&i->holding, i->holding.realised, ENGINE_AMOUNT_EXP);
    r->leverage_ppm = e->config.paper_leverage_ppm;
    r->exchange_ns = core_wall(e);
}

void dry_positions(struct engine_core *e, const struct venue_command *c)
{
    for (size_t k = 0; k < e->instrument_count; k++)
        if (is_derivative(&e->instruments[k]) && e->instruments[k].holding.qty != 0)
            state_position(e, &e->instruments[k], c);
}

void dry_settle(struct engine_core *e, struct venue_report *fill)
{
    const struct instrument_state *i = instrument_find(e, fill->instrument);

    if (!i || !is_derivative(i))
        return;
    struct holding after = i->holding;
    i128 realised = holding_fill(&after, fill->side == SIDE_BUY, fill->last_price, fill->price_exp,
                                 fill->last_qty, fill->qty_exp);
    fill->realised_pnl = holding_amount(&after, realised, fill->amount_exp);
    fill->has_realised_pnl = true;
}

void dry_after_fill(struct engine_core *e, uint64_t instrument)
{
    const struct instrument_state *i = instrument_find(e, instrument);

    if (!i || !is_derivative(i))
        return;
    state_position(e, i, NULL);
    FOR_EACH_LIVE(e, o)
    {
        bool is_too_large = o->exposed_qty > positions_reducible(i, o->r.side);
        if (o->is_dry_working && o->r.instrument == i->id && (o->r.flags & ORDER_REDUCE_ONLY) &&
            is_too_large)
            dry_expire(e, o, REASON_REDUCE_ONLY);
    }
}

/* ---- funding ---- */

/* Longs pay shorts where the rate is above 0. What became due while this process was down is not
 * paid: its rate is not known. */
void dry_funding(struct engine_core *e, struct instrument_state *i)
{
    int64_t due = i->next_funding_ns, mark = positions_mark(e, i), notional = 0, paid = 0;

    if (due == 0 || core_wall(e) < due || i->is_dry_paid)
        return;
    i->is_dry_paid = true;
    if (i->holding.qty == 0 || mark == 0 ||
        fixed_notional(mark, i->definition.price_exp, i->holding.qty, i->definition.qty_exp,
                       ENGINE_AMOUNT_EXP, FIXED_NEAREST, &notional) != 0 ||
        fixed_mul_div(notional, i->funding_ppb, 1000000000, FIXED_NEAREST, &paid) != 0)
        return;
    struct venue_report *r = dry_report(e);
    if (!r)
        return;
    r->kind = REPORT_FUNDING;
    r->is_from_stream = true;
    r->instrument = i->id;
    r->instrument_kind = i->definition.kind;
    text_copy(r->symbol, sizeof(r->symbol), i->definition.symbol);
    text_copy(r->asset, sizeof(r->asset), i->definition.settle);
    snprintf(r->reference, sizeof(r->reference), "SIM-%llx-%lld", (unsigned long long)i->id,
             (long long)(due / NS_PER_S));
    r->change = -paid;
    r->amount_exp = ENGINE_AMOUNT_EXP;
    r->exchange_ns = due;
}

void dry_tick(struct engine_core *e)
{
    if (!e->config.is_dry_run)
        return;
    for (size_t k = 0; k < e->instrument_count; k++)
        if (is_derivative(&e->instruments[k]))
            dry_funding(e, &e->instruments[k]);
}
