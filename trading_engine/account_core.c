/* Instruments, assets and balances of the account. */
#include "trading_engine/core_internal.h"

#include <stdio.h>

/* ---- assets and instruments ---- */

uint16_t asset_index(struct engine_core *e, const char *code)
{
    if (code[0] == 0)
        return INDEX_NONE;
    for (uint16_t i = 0; i < e->asset_count; i++)
        if (strcmp(e->assets[i].code, code) == 0)
            return i;
    if (e->asset_count == ENGINE_ASSETS_MAX) {
        e->counters.table_full++;
        return INDEX_NONE;
    }
    struct asset_state *a = &e->assets[e->asset_count];
    *a = (struct asset_state){ 0 };
    text_copy(a->code, sizeof(a->code), code);
    return e->asset_count++;
}

struct instrument_state *instrument_find(struct engine_core *e, uint64_t id)
{
    for (size_t i = 0; i < e->instrument_count; i++)
        if (e->instruments[i].id == id)
            return &e->instruments[i];
    return NULL;
}

static bool is_traded(const struct engine_core *e, const char *name)
{
    for (size_t i = 0; i < e->config.name_count; i++)
        if (strcmp(e->config.names[i], name) == 0)
            return true;
    return false;
}

struct instrument_state *instrument_new(struct engine_core *e, uint64_t id)
{
    if (e->instrument_count == ENGINE_INSTRUMENTS_MAX) {
        e->counters.table_full++;
        return NULL;
    }
    struct instrument_state *i = &e->instruments[e->instrument_count];
    *i = (struct instrument_state){
        .id = id, .base_asset = INDEX_NONE, .quote_asset = INDEX_NONE, .settle_asset = INDEX_NONE
    };
    holding_init(&i->holding, 8, 8);
    e->instrument_count++;
    return i;
}

static void asset_add(struct engine_core *e, uint16_t at, uint16_t only, int64_t change,
                      uint64_t trade_number)
{
    if (at == INDEX_NONE || (only != INDEX_NONE && at != only) ||
        trade_number <= e->assets[at].as_of_trade_number)
        return;
    e->assets[at].total += change;
}

void balance_move(struct engine_core *e, const struct wire_trade_event *t, uint16_t only)
{
    struct instrument_state *i = instrument_find(e, t->header.instrument);
    int64_t base, quote, fee, realised;

    if (!i || !i->is_defined)
        return;
    if (t->fee && fixed_rescale(t->fee, t->amount_exp, ENGINE_AMOUNT_EXP, FIXED_NEAREST, &fee) == 0)
        asset_add(e, asset_index(e, t->fee_asset), only, -fee, t->trade_number);
    if (is_derivative(i)) { /* No notional changes hands: what closing realised does. */
        if (t->has_realised_pnl && fixed_rescale(t->realised_pnl, t->amount_exp, ENGINE_AMOUNT_EXP,
                                                 FIXED_NEAREST, &realised) == 0)
            asset_add(e, i->settle_asset, only, realised, t->trade_number);
        return;
    }
    if (fixed_rescale(t->qty, t->qty_exp, ENGINE_AMOUNT_EXP, FIXED_NEAREST, &base) == 0)
        asset_add(e, i->base_asset, only, t->side == SIDE_BUY ? base : -base, t->trade_number);
    if (fixed_notional(t->price, t->price_exp, t->qty, t->qty_exp, ENGINE_AMOUNT_EXP, FIXED_NEAREST,
                       &quote) == 0)
        asset_add(e, i->quote_asset, only, t->side == SIDE_BUY ? -quote : quote, t->trade_number);
}

/* Executions restored before their instrument was known move the paper balances now. */
static void catch_up(struct engine_core *e, uint64_t instrument)
{
    if (!e->config.is_dry_run || e->oldest_trade_number == 0)
        return;
    for (uint64_t n = e->oldest_trade_number; n <= e->last_trade_number; n++) {
        const struct wire_trade_event *t = trade_at(e, n);
        if (t && t->header.instrument == instrument)
            balance_move(e, t, INDEX_NONE);
    }
}

struct instrument_state *instrument_put(struct engine_core *e, const struct wire_instrument *d,
                                        bool is_from_venue)
{
    struct instrument_state *i = instrument_find(e, d->header.instrument);

    if (!is_traded(e, d->name) || (i && i->is_from_venue && !is_from_venue))
        return i;
    if (i && i->is_defined &&
        (i->definition.price_exp != d->price_exp || i->definition.qty_exp != d->qty_exp)) {
        e->counters.alarms++;
        core_note(e, NOTE_ERROR, "exponents_changed", "instrument=%s: definition ignored", d->name);
        return i;
    }
    if (!i)
        i = instrument_new(e, d->header.instrument);
    if (!i)
        return NULL;
    if (holding_rescale(&i->holding, d->price_exp, d->qty_exp) != 0)
        holding_init(&i->holding, d->price_exp, d->qty_exp); /* Of digits that it cannot have. */
    if (!i->is_defined && e->config.books) {
        i->book = &e->config.books[i - e->instruments];
        book_clear(i->book);
        i->book->price_exp = d->price_exp;
        i->book->qty_exp = d->qty_exp;
    }
    bool is_first = !i->is_defined;
    i->definition = *d;
    i->is_defined = true;
    i->is_from_venue |= is_from_venue;
    i->base_asset = asset_index(e, d->base);
    i->quote_asset = asset_index(e, d->quote);
    i->settle_asset = asset_index(e, d->settle);
    if (is_first)
        catch_up(e, i->id);
    FOR_EACH_LIVE(e, o)
    {
        if (o->r.instrument == i->id)
            order_refresh(e, o);
    }
    return i;
}

/* ---- balances ---- */

static void asset_store(struct engine_core *e, const struct wire_account_event *a)
{
    uint16_t at = asset_index(e, a->asset);

    if (at == INDEX_NONE)
        return;
    struct asset_state *s = &e->assets[at];
    s->is_reported = true;
    (void)fixed_rescale(a->total, a->amount_exp, ENGINE_AMOUNT_EXP, FIXED_DOWN, &s->total);
    (void)fixed_rescale(a->free, a->amount_exp, ENGINE_AMOUNT_EXP, FIXED_DOWN, &s->free);
    (void)fixed_rescale(a->locked, a->amount_exp, ENGINE_AMOUNT_EXP, FIXED_DOWN, &s->locked);
    (void)fixed_rescale(a->margin, a->amount_exp, ENGINE_AMOUNT_EXP, FIXED_UP, &s->margin);
    (void)fixed_rescale(a->unrealised_pnl, a->amount_exp, ENGINE_AMOUNT_EXP, FIXED_DOWN,
                        &s->unrealised_pnl);
    s->locked_at_report = s->own_locked;
    s->as_of_event_number = a->event_number;
    s->as_of_trade_number = a->as_of_trade_number;
    /* A figure from a list surely has these executions; younger ones move it on. */
    for (uint64_t n = a->as_of_trade_number + 1; a->as_of_trade_number && n <= e->last_trade_number;
         n++)
        if (trade_at(e, n))
            balance_move(e, trade_at(e, n), at);
}

static bool change_known(const struct engine_core *e, wire_account_event_kind kind,
                         const char *reference)
{
    uint64_t kept = MIN(e->transfer_count, (uint64_t)TRANSFERS_MAX);

    for (uint64_t n = 0; reference[0] && n < kept; n++)
        if (e->transfers[n].kind == kind && strcmp(e->transfers[n].reference, reference) == 0)
            return true;
    return false;
}

static wire_account_event_kind kind_of(const struct venue_report *r)
{
    return r->kind == REPORT_BALANCE    ? ACCOUNT_BALANCE
           : r->kind == REPORT_TRANSFER ? ACCOUNT_TRANSFER
                                        : ACCOUNT_FUNDING;
}

/* The venue's id of the entry. A payment of funding without one is named by its instrument and its
 * hour: stream and list say the same of it. */
static void reference_of(const struct venue_report *r, char out[40])
{
    const char *stated = r->reference[0] ? r->reference : r->venue_trade_id;

    if (stated[0] || r->kind != REPORT_FUNDING)
        text_copy(out, 40, stated);
    else
        snprintf(out, 40, "%016llx-%lld", (unsigned long long)r->instrument,
                 (long long)(r->exchange_ns / (60 * NS_PER_S)));
}

/* Whether a change is news; counted where it is not. */
static bool change_is_new(struct engine_core *e, const struct venue_report *r,
                          const struct wire_account_event *a)
{
    bool is_funding = a->kind == ACCOUNT_FUNDING;

    if (change_known(e, a->kind, a->reference)) {
        e->counters.funding_duplicate += is_funding;
        return false;
    }
    if (is_funding && r->exchange_ns > 0 && r->exchange_ns < e->born_wall_ns) {
        e->counters.funding_too_old++; /* In the balance with which the journal begins. */
        return false;
    }
    return true;
}

void balance_take(struct engine_core *e, const struct venue_report *r)
{
    struct wire_account_event a;
    bool is_balance = r->kind == REPORT_BALANCE;

    if (r->asset[0] == 0)
        return;
    WIRE_BEGIN(&a, account_event);
    a.header.account = e->config.account;
    a.header.flags = e->config.is_dry_run ? WIRE_SIMULATED : 0;
    a.header.origin_ns = e->now_ns;
    a.header.instrument = r->kind == REPORT_FUNDING ? r->instrument : 0;
    /* A balance is a state: the next one replaces it. What changes a balance is counted, and kept
     * until the ledger has it. */
    a.event_number = e->last_event_number + !is_balance;
    a.exchange_ns = r->exchange_ns;
    a.total = r->total;
    a.free = r->free;
    a.locked = r->locked;
    a.margin = r->margin;
    a.unrealised_pnl = r->unrealised_pnl;
    a.change = r->change;
    text_copy(a.asset, sizeof(a.asset), r->asset);
    reference_of(r, a.reference);
    a.amount_exp = r->amount_exp;
    a.kind = kind_of(r);
    if (is_balance && r->request_id && r->request_id == e->reconcile.balance_request)
        a.as_of_trade_number = e->reconcile.balance_as_of;
    if ((!is_balance && !change_is_new(e, r, &a)) ||
        core_append(e, RECORD_ACCOUNT, &a, sizeof(a)) != 0)
        return;
    account_restore(e, &a);
    e->counters.funding_paid += a.kind == ACCOUNT_FUNDING;
    struct wire_account_event out = a;
    core_publish(e, &out.header, a.header.instrument, e->now_ns, 0);
}

bool account_open_position(struct engine_core *e, const struct instrument_state *i)
{
    const struct wire_instrument *d = &i->definition;
    struct wire_account_event a;

    WIRE_BEGIN(&a, account_event);
    a.header.account = e->config.account;
    a.header.instrument = i->id;
    a.header.origin_ns = e->now_ns;
    a.event_number = e->last_event_number + 1;
    a.exchange_ns = i->stated.exchange_ns;
    a.amount_exp = ENGINE_AMOUNT_EXP;
    a.kind = ACCOUNT_POSITION;
    text_copy(a.asset, sizeof(a.asset), d->settle);
    snprintf(a.reference, sizeof(a.reference), "%016llx", (unsigned long long)i->id);
    if (fixed_rescale(i->stated.qty, d->qty_exp, a.amount_exp, FIXED_EXACT, &a.change) != 0 ||
        fixed_rescale(i->stated.avg_price, d->price_exp, a.amount_exp, FIXED_NEAREST, &a.total) !=
            0)
        return false;
    if (change_known(e, a.kind, a.reference))
        return true; /* Told before a kill that came in between. */
    if (core_append(e, RECORD_ACCOUNT, &a, sizeof(a)) != 0)
        return false;
    account_restore(e, &a);
    core_publish(e, &a.header, i->id, e->now_ns, 0);
    return true;
}

void account_restore(struct engine_core *e, const struct wire_account_event *a)
{
    int64_t change;

    e->last_event_number = MAX(e->last_event_number, a->event_number);
    if (a->kind == ACCOUNT_BALANCE) {
        asset_store(e, a);
        return;
    }
    e->transfers[e->transfer_count++ % TRANSFERS_MAX] = *a;
    uint16_t at = asset_index(e, a->asset);
    /* Live, the venue says its balance anew; a dry run has nobody else. */
    if (e->config.is_dry_run && at != INDEX_NONE && a->kind != ACCOUNT_POSITION &&
        a->event_number > e->assets[at].as_of_event_number &&
        fixed_rescale(a->change, a->amount_exp, ENGINE_AMOUNT_EXP, FIXED_NEAREST, &change) == 0)
        e->assets[at].total += change;
}

/* "USDT=10000 BTC=0.5": what a dry run begins with. */
void balances_paper(struct engine_core *e)
{
    const char *at = e->config.paper_balances;

    while (at && *at) {
        char code[16];
        size_t len = strcspn(at, "=");
        const char *number = at + len + (at[len] == '=');
        size_t number_len = strcspn(number, " ,");
        int64_t total;

        if (len > 0 && len < sizeof(code) && at[len] == '=' &&
            fixed_parse(number, number_len, ENGINE_AMOUNT_EXP, &total) == 0) {
            memcpy(code, at, len);
            code[len] = 0;
            uint16_t index = asset_index(e, code);
            if (index != INDEX_NONE && !e->assets[index].is_reported) {
                e->assets[index].total = total;
                e->assets[index].is_reported = true;
            }
        }
        at = number + number_len;
        at += strspn(at, " ,");
    }
}
