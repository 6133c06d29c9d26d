#include "trading_engine/core_internal.h"

/* name of the limit's key, field */
#define LIMITS(X)                                     \
    X("MAX_ORDER_QUANTITY", order_qty_max)            \
    X("MAX_ORDER_NOTIONAL", order_notional_max)       \
    X("MAX_POSITION_PER_SYMBOL", position_symbol_max) \
    X("MAX_POSITION_SIZE", position_asset_max)        \
    X("MAX_DAILY_LOSS", daily_loss_max)               \
    X("PRICE_COLLAR_PPM", collar_ppm)                 \
    X("MAX_BOOK_AGE_MS", book_age_max_ns)             \
    X("MAX_OPEN_ORDERS", open_orders_max)             \
    X("MAX_ORDERS_PER_SECOND", orders_per_s)          \
    X("API_REQUESTS_PER_SECOND", messages_per_s)      \
    X("API_BURST_LIMIT", messages_burst)              \
    X("CANCEL_RESERVE", cancel_reserve)               \
    X("API_REQUESTS_PER_MINUTE", messages_per_min)

const char *limits_missing(const struct engine_limits *limits)
{
#define LIMIT_AS_TEST(key, field) \
    if (limits->field <= 0)       \
        return key;
    LIMITS(LIMIT_AS_TEST)
    return limits->cancel_reserve >= limits->messages_burst ? "CANCEL_RESERVE" : NULL;
}

/* ---- may this engine take new risk at all? ---- */

static wire_reason check_safety(const struct engine_core *e, uint16_t strategy, uint64_t instrument)
{
    const struct guard *g = &e->guard;
    wire_reason why = REASON_NONE;

    if (g->is_stopping)
        return REASON_SHUTDOWN;
    if (g->is_killed)
        return REASON_KILLED;
    if (e->is_journal_broken)
        return REASON_JOURNAL;
    if (!g->has_risk || e->now_ns - g->risk_ns > e->config.timing.risk_silent_ns)
        return REASON_RISK_SILENT;
    wire_risk_state_kind verdict = guard_verdict(e, strategy, instrument, &why);
    if (verdict == RISK_KILLED)
        return REASON_KILLED;
    if (verdict != RISK_RUNNING)
        return REASON_HALTED;
    int64_t loss = 0;
    bool is_loss_known = fixed_rescale(g->risk.daily_pnl, g->risk.amount_exp, ENGINE_AMOUNT_EXP,
                                       FIXED_DOWN, &loss) == 0;
    if (!is_loss_known || -loss >= e->config.limits.daily_loss_max)
        return REASON_DAILY_LOSS;
    return REASON_NONE;
}

static wire_reason check_readiness(const struct engine_core *e)
{
    const struct guard *g = &e->guard;

    if (!e->reconcile.was_ever_complete || !e->reconcile.is_trusted)
        return REASON_NOT_READY;
    if (!e->config.is_dry_run && e->config.has_private_stream && !g->is_private_stream_up)
        return REASON_NOT_READY;
    if (e->now_ns < g->back_off_until_ns || e->now_ns < g->limit_near_until_ns)
        return REASON_VENUE_RATE_LIMIT;
    if (positions_fit(e))
        return positions_fit(e);
    if (!guard_dead_man_proven(e))
        return REASON_DEAD_MAN;
    int64_t skew = g->clock_offset_ns < 0 ? -g->clock_offset_ns : g->clock_offset_ns;
    if (g->has_clock_offset && skew > e->config.timing.clock_skew_max_ns)
        return REASON_CLOCK_SKEW;
    if (trades_near_full(e))
        return REASON_QUEUE_FULL;
    if (g->gateway_ns == 0 || e->now_ns - g->gateway_ns > e->config.timing.gateway_silent_ns)
        return REASON_FEED_SILENT;
    return REASON_NONE;
}

wire_reason engine_wide_reason(const struct engine_core *e)
{
    wire_reason why = check_safety(e, 0, 0);
    return why ? why : check_readiness(e);
}

static bool has_unknown_order(const struct engine_core *e, uint64_t instrument)
{
    if (e->unknown_orders == 0)
        return false;
    FOR_EACH_LIVE(e, o)
    {
        if (o->r.state == ORDER_UNKNOWN && o->r.instrument == instrument &&
            !(o->r.flags & ORDER_FOREIGN))
            return true;
    }
    return false;
}

static bool is_tradable(const struct engine_core *e, const struct instrument_state *i)
{
    switch (i->definition.state) {
    case TRADING_OPEN:
    case TRADING_POST_ONLY:
    case TRADING_LIMIT_ONLY:
        break;
    case TRADING_UNKNOWN: /* A replayed capture says nothing of it. */
        if (!e->config.is_dry_run)
            return false;
        break;
    default:
        return false;
    }
    return e->config.is_dry_run || (i->definition.tick_size > 0 && i->definition.lot_size > 0);
}

wire_reason check_engine(const struct engine_core *e, uint16_t strategy,
                         const struct instrument_state *instrument, bool is_reduce_only)
{
    wire_reason why = check_safety(e, strategy, instrument ? instrument->id : 0);

    if (!why)
        why = check_readiness(e);
    if (why)
        return why;
    if (!instrument || !instrument->is_defined)
        return REASON_INSTRUMENT_UNKNOWN;
    if (!is_tradable(e, instrument))
        return REASON_INSTRUMENT_NOT_TRADABLE;
    /* What is left of a position that the venue took part of may be closed, once it was read anew.
     */
    bool is_reread =
        instrument->stated.is_stated && positions_came_since(e, instrument->liquidated_ns + 1);
    if (instrument->is_liquidated && !(is_reduce_only && is_reread))
        return REASON_LIQUIDATION;
    if (e->now_ns < instrument->limit_near_until_ns)
        return REASON_VENUE_RATE_LIMIT;
    return has_unknown_order(e, instrument->id) ? REASON_UNKNOWN_OUTCOME : REASON_NONE;
}

/* ---- the order itself ---- */

static wire_reason check_form(const struct check_order *c)
{
    const struct wire_instrument *d = &c->instrument->definition;

    if (d->state == TRADING_POST_ONLY && !c->is_post_only)
        return REASON_INSTRUMENT_NOT_TRADABLE;
    if (d->state == TRADING_LIMIT_ONLY && c->type != ORDER_LIMIT)
        return REASON_INSTRUMENT_NOT_TRADABLE;
    if (c->type == ORDER_LIMIT && c->price <= 0)
        return REASON_MALFORMED;
    if (c->type == ORDER_LIMIT && d->tick_size > 0 && c->price % d->tick_size != 0)
        return REASON_PRICE_TICK;
    if (c->qty <= 0 || (d->lot_size > 0 && c->qty % d->lot_size != 0))
        return REASON_QTY_LOT;
    if (c->qty < d->min_qty)
        return REASON_QTY_MIN;
    if (d->max_qty > 0 && c->qty > d->max_qty)
        return REASON_QTY_MAX;
    return REASON_NONE;
}

static bool is_book_fresh(const struct engine_core *e, const struct instrument_state *i)
{
    return i->has_quote && (!i->has_feed_state || i->feed_state == FEED_LIVE) && i->bid_qty > 0 &&
           i->ask_qty > 0 && i->bid_price < i->ask_price &&
           e->now_ns - i->quote_ns <= e->config.limits.book_age_max_ns;
}

static wire_reason check_price(const struct engine_core *e, const struct check_order *c)
{
    const struct instrument_state *i = c->instrument;

    if (!is_book_fresh(e, i))
        return REASON_BOOK_STALE;
    if (c->type != ORDER_LIMIT)
        return REASON_NONE;
    i128 twice_mid = (i128)i->bid_price + i->ask_price;
    i128 off = 2 * (i128)c->price - twice_mid;
    if (off < 0)
        off = -off;
    return off * 1000000 > twice_mid * e->config.limits.collar_ppm ? REASON_PRICE_COLLAR
                                                                   : REASON_NONE;
}

/* The price that a cap reckons with: its limit, or the best of the other side. */
static int64_t reckoned_price(const struct check_order *c)
{
    if (c->type == ORDER_LIMIT)
        return c->price;
    return c->side == SIDE_BUY ? c->instrument->ask_price : c->instrument->bid_price;
}

static int notional_of(const struct check_order *c, int64_t qty, int64_t *out)
{
    const struct wire_instrument *d = &c->instrument->definition;
    return fixed_notional(reckoned_price(c), d->price_exp, qty, d->qty_exp, ENGINE_AMOUNT_EXP,
                          FIXED_UP, out);
}

static wire_reason check_size(const struct engine_core *e, const struct check_order *c)
{
    const struct wire_instrument *d = &c->instrument->definition;
    const struct engine_limits *l = &e->config.limits;
    int64_t notional;

    if (fixed_compare(c->qty, d->qty_exp, l->order_qty_max, ENGINE_AMOUNT_EXP) > 0)
        return REASON_QTY_MAX;
    if (notional_of(c, c->qty, &notional) != 0 || notional > l->order_notional_max)
        return REASON_NOTIONAL_MAX;
    if (fixed_compare(notional, ENGINE_AMOUNT_EXP, d->min_notional, d->amount_exp) < 0)
        return REASON_NOTIONAL_MIN;
    return REASON_NONE;
}

/* Worst positions (longest, most negative), with every open order of that side done; at
 * ENGINE_AMOUNT_EXP. */
static int worst_position(const struct instrument_state *i, wire_side side, i128 *out)
{
    int64_t qty = side == SIDE_BUY ? positions_longest(i) + i->open_buy_qty
                                   : positions_shortest(i) - i->open_sell_qty;
    int64_t scaled;
    int err = fixed_rescale(qty, i->definition.qty_exp, ENGINE_AMOUNT_EXP, FIXED_UP, &scaled);

    if (!err)
        *out = scaled;
    return err;
}

/* Said, not refused: somebody should look before the limit is reached. */
static void alert_position(const struct engine_core *e, const struct check_order *c, i128 symbol,
                           i128 asset)
{
    const struct engine_limits *l = &e->config.limits;
    i128 share = l->alert_share, whole = fixed_pow10(ENGINE_AMOUNT_EXP);

    if (share <= 0 || (symbol * whole <= share * l->position_symbol_max &&
                       asset * whole <= share * l->position_asset_max))
        return;
    core_note(e, NOTE_WARN, "position_alert",
              "%s: an order takes the position past %lld %% of its limit",
              c->instrument->definition.name, (long long)(l->alert_share / 1000000));
}

static wire_reason check_position(const struct engine_core *e, const struct check_order *c)
{
    const struct instrument_state *i = c->instrument;
    int64_t added;
    i128 symbol = 0, asset = 0;

    if (fixed_rescale(MAX(0, c->qty - c->counted_qty), i->definition.qty_exp, ENGINE_AMOUNT_EXP,
                      FIXED_UP, &added) != 0 ||
        worst_position(i, c->side, &symbol) != 0)
        return REASON_POSITION_LIMIT;
    for (size_t k = 0; k < e->instrument_count; k++) {
        i128 one;
        if (e->instruments[k].base_asset != i->base_asset || !e->instruments[k].is_defined)
            continue;
        if (worst_position(&e->instruments[k], c->side, &one) != 0)
            return REASON_POSITION_LIMIT;
        asset += one;
    }
    if (c->side == SIDE_SELL) {
        symbol = -symbol;
        asset = -asset;
    }
    if (added > 0 && (symbol + added > e->config.limits.position_symbol_max ||
                      asset + added > e->config.limits.position_asset_max))
        return REASON_POSITION_LIMIT;
    if (added > 0)
        alert_position(e, c, symbol + added, asset + added);
    return REASON_NONE;
}

static wire_reason check_others(const struct engine_core *e, const struct check_order *c)
{
    uint32_t open = 0;

    FOR_EACH_LIVE(e, o)
    {
        open += !(o->r.flags & ORDER_FOREIGN);
        if (o == c->replaced || o->r.instrument != c->instrument->id || o->r.side == c->side ||
            (o->r.flags & ORDER_FOREIGN) || o->r.order_type != ORDER_LIMIT)
            continue;
        int64_t resting = o->r.price;
        bool crosses = c->type != ORDER_LIMIT ||
                       (c->side == SIDE_BUY ? c->price >= resting : c->price <= resting);
        if (crosses)
            return REASON_SELF_TRADE;
    }
    if (!c->replaced && open >= (uint64_t)e->config.limits.open_orders_max)
        return REASON_OPEN_ORDERS_MAX;
    return REASON_NONE;
}

/* What an order may still take off the position, other reduce-only orders counted as done. */
static int64_t left_to_reduce(const struct engine_core *e, const struct check_order *c)
{
    int64_t left = positions_reducible(c->instrument, c->side);

    FOR_EACH_LIVE(e, o)
    {
        if (o == c->replaced || o->r.instrument != c->instrument->id || o->r.side != c->side ||
            !(o->r.flags & ORDER_REDUCE_ONLY))
            continue;
        left -= o->exposed_qty;
    }
    return MAX(left, 0);
}

static wire_reason check_reduce_only(const struct engine_core *e, const struct check_order *c)
{
    int64_t qty = c->qty - (c->replaced ? c->replaced->r.filled_qty : 0);

    if (!c->is_reduce_only || !is_derivative(c->instrument))
        return REASON_NONE;
    return qty > left_to_reduce(e, c) ? REASON_REDUCE_ONLY : REASON_NONE;
}

/* What the account has for new margin: the venue's word on what is free, less what was ordered and
 * what was executed since; and no more than cash and losses less margin make by our own reckoning.
 */
static int64_t free_margin(const struct engine_core *e, const struct check_order *c)
{
    const struct asset_state *a = &e->assets[c->instrument->settle_asset];
    int64_t own_locked = a->own_locked - (c->replaced ? c->replaced->locked_amount : 0);
    int64_t margin = MAX(a->margin, positions_held_margin(e, c->instrument->settle_asset));
    int64_t stated = a->free - MAX(0, own_locked - a->locked_at_report) - (margin - a->margin);
    int64_t reckoned = a->total + MIN(a->unrealised_pnl, 0) - margin - own_locked;

    return MIN(stated, reckoned);
}

/* How much of an order would enlarge the position: every other order of its side goes first. */
static int64_t enlarging_qty(const struct check_order *c, int64_t qty)
{
    const struct instrument_state *i = c->instrument;
    int64_t others = (c->side == SIDE_BUY ? i->open_buy_qty : i->open_sell_qty) -
                     (c->replaced ? c->replaced->exposed_qty : 0);
    int64_t left = MAX(0, positions_reducible(i, c->side) - others);

    return c->is_reduce_only ? 0 : MAX(0, qty - left);
}

/* Margin of what would enlarge the position, and the fee of all. */
static wire_reason check_margin(const struct engine_core *e, const struct check_order *c)
{
    const struct instrument_state *i = c->instrument;
    int64_t qty = c->qty - (c->replaced ? c->replaced->r.filled_qty : 0);
    int64_t enlarging = enlarging_qty(c, qty);
    int64_t notional = 0, whole = 0, fee = 0;

    if (i->settle_asset == INDEX_NONE || notional_of(c, enlarging, &notional) != 0 ||
        notional_of(c, qty, &whole) != 0 ||
        (i->definition.taker_fee_ppm > 0 &&
         fixed_mul_div(whole, i->definition.taker_fee_ppm, 1000000, FIXED_UP, &fee) != 0))
        return REASON_MARGIN;
    if (enlarging == 0)
        return REASON_NONE; /* Closing is never refused for want of money. */
    i128 wanted = (i128)positions_margin(e, i, notional) + fee;
    return wanted > free_margin(e, c) ? REASON_MARGIN : REASON_NONE;
}

static wire_reason check_balance(const struct engine_core *e, const struct check_order *c)
{
    const struct wire_instrument *d = &c->instrument->definition;
    uint16_t at = c->side == SIDE_BUY ? c->instrument->quote_asset : c->instrument->base_asset;
    int64_t wanted, fee = 0;

    if (!e->config.checks_balance)
        return REASON_NONE;
    if (is_derivative(c->instrument))
        return check_margin(e, c);
    if (at == INDEX_NONE)
        return REASON_BALANCE;
    const struct asset_state *a = &e->assets[at];
    int64_t qty = c->qty - (c->replaced ? c->replaced->r.filled_qty : 0);
    int err = c->side == SIDE_BUY
                  ? notional_of(c, qty, &wanted)
                  : fixed_rescale(qty, d->qty_exp, ENGINE_AMOUNT_EXP, FIXED_UP, &wanted);
    if (!err && c->side == SIDE_BUY && d->taker_fee_ppm > 0)
        err = fixed_mul_div(wanted, d->taker_fee_ppm, 1000000, FIXED_UP, &fee);
    if (err)
        return REASON_BALANCE;
    /* Margin of positions that share the asset is not there to be spent. */
    i128 available = (i128)a->total + MIN(a->unrealised_pnl, 0) - a->margin - a->own_locked +
                     (c->replaced ? c->replaced->locked_amount : 0);
    return (i128)wanted + fee > available ? REASON_BALANCE : REASON_NONE;
}

wire_reason check_order(const struct engine_core *e, const struct check_order *order)
{
    wire_reason why = check_form(order);

    if (!why)
        why = check_price(e, order);
    if (!why)
        why = check_size(e, order);
    if (!why)
        why = check_reduce_only(e, order);
    if (!why)
        why = check_position(e, order);
    if (!why)
        why = check_others(e, order);
    return why ? why : check_balance(e, order);
}

wire_reason check_pace(struct engine_core *e)
{
    const struct engine_limits *l = &e->config.limits;
    bool has_messages =
        rate_limit_ready_ns(&e->messages_pace, 1, l->cancel_reserve, e->now_ns) <= e->now_ns &&
        rate_limit_ready_ns(&e->minute_pace, 1, l->cancel_reserve, e->now_ns) <= e->now_ns;

    if (!has_messages || rate_limit_take(&e->orders_pace, 1, 0, e->now_ns) != 0) {
        e->counters.throttled++;
        return REASON_THROTTLE;
    }
    return REASON_NONE;
}
