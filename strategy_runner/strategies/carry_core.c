/* cash_and_carry: a position in two instruments of one base, one bought and one sold, at least one
 * of them a perpetual.
 *
 * It earns as the difference of their prices closes, and by funding. It is entered when that is
 * expected to pay for the fees of all four orders, and left when the difference has closed, when
 * funding has turned, or when its time is over. Each action is two IOC orders at once; what they
 * leave uneven is made even by making the larger leg smaller, never by opening more. */
#include "strategy_runner/strategies/legs.h"
#include "strategy_runner/strategies/strategies.h"

#include "common/leaf/fixed.h"

#include <string.h>

enum { CARRIES_MAX = 64, ADOPTED_MAX = 64, REFUSED_WAITS = 5, LEG_LONG = 0, LEG_SHORT, LEGS };

/* Positions come from position_server each second: after so long all of them have been heard. */
static const int64_t ADOPT_AFTER_NS = 2 * NS_PER_S;
/* Where a venue does not say how often it pays. */
static const int64_t FUNDING_INTERVAL_NS = 8 * 3600 * NS_PER_S;

enum phase { CARRY_ENTERING, CARRY_HELD, CARRY_EXITING, CARRY_RESTING };

struct carry {
    bool is_used;
    enum phase phase;
    int8_t qty_exp;
    uint64_t instrument[LEGS]; /* Bought, sold; 0: that leg is not known (an earlier session). */
    int64_t qty[LEGS];         /* Held of each, above 0, at qty_exp. */
    uint64_t order[LEGS];
    uint64_t group_id, cause;
    int64_t since_ns;     /* Held since. */
    int64_t due_ns;       /* Not acted on before. */
    int64_t leave_due_ns; /* Not left before: one try each wait. */
    int64_t origin_ns;    /* Of the opportunity. */
    unsigned evenings;    /* Tries to make it even, in a row. */
};

struct carries {
    const struct carry_config *config;
    uint16_t strategy;
    bool is_stopped; /* It could not be made even: a person looks at it. */
    bool is_adopted; /* What an earlier session holds is known. */
    int64_t first_ns;
    struct carry carry[CARRIES_MAX];
};
static_assert(sizeof(struct carries) <= STRATEGY_STATE_MAX, "carry: state");

static void carry_init(void *state, const void *config, struct runner_core *core, uint16_t strategy)
{
    struct carries *self = state;

    (void)core;
    self->config = config;
    self->strategy = strategy;
}

static bool is_over(const struct runner_core *core, uint64_t order_id)
{
    const struct runner_order *order = runner_order_find(core, order_id);

    return order_id == 0 || !order || !order->is_used || runner_order_is_final(order);
}

static bool is_working(const struct runner_core *core, const struct carry *carry)
{
    return !is_over(core, carry->order[LEG_LONG]) || !is_over(core, carry->order[LEG_SHORT]);
}

/* One action at a time on an instrument: two would race for the same levels. */
static bool is_busy(const struct carries *self, uint64_t instrument)
{
    for (size_t i = 0; i < CARRIES_MAX; i++) {
        const struct carry *carry = &self->carry[i];

        if (carry->is_used && carry->phase != CARRY_HELD &&
            (carry->instrument[LEG_LONG] == instrument ||
             carry->instrument[LEG_SHORT] == instrument))
            return true;
    }
    return false;
}

/* The carry of a pair, a free one for it, or NULL. */
static struct carry *carry_for(struct carries *self, uint64_t bought, uint64_t sold)
{
    struct carry *free_one = NULL;

    for (size_t i = 0; i < CARRIES_MAX; i++) {
        struct carry *carry = &self->carry[i];

        if (!carry->is_used)
            free_one = free_one ? free_one : carry;
        else if (carry->instrument[LEG_LONG] == bought && carry->instrument[LEG_SHORT] == sold)
            return carry;
    }
    return free_one;
}

/* ---- what it is worth ---- */

/* What holding a leg is paid over the horizon at the rate as it stands, parts per million of its
 * value; below 0: it pays. */
static int64_t funding_ppm(const struct carries *self, const struct market_book *book, int leg)
{
    int64_t interval =
        book->funding_interval_ns > 0 ? book->funding_interval_ns : FUNDING_INTERVAL_NS;
    int64_t ppm;

    if (!market_is_derivative(book) || book->funded_ns == 0)
        return 0;
    ppm = (int64_t)((i128)book->funding_ppb * self->config->horizon_ns / interval / 1000);
    return leg == LEG_LONG ? -ppm : ppm;
}

static int64_t both_funding_ppm(const struct carries *self, const struct market_book *bought,
                                const struct market_book *sold)
{
    return funding_ppm(self, bought, LEG_LONG) + funding_ppm(self, sold, LEG_SHORT);
}

/* The entry spread after fees, less what leaving costs (the difference that is then left, and both
 * fees again), and the funding until then. */
static int64_t expected_ppm(const struct carries *self, const struct wire_opportunity *found,
                            const struct market_book *bought, const struct market_book *sold)
{
    return found->edge_ppm - self->config->exit_basis_ppm - bought->definition.taker_fee_ppm -
           sold->definition.taker_fee_ppm + both_funding_ppm(self, bought, sold);
}

static bool is_wanted(const struct carries *self, const struct wire_opportunity *found)
{
    bool is_buy_spot = found->buy_kind == INSTRUMENT_SPOT;
    bool is_sell_spot = found->sell_kind == INSTRUMENT_SPOT;

    if (is_buy_spot && is_sell_spot)
        return false; /* Moves of inventory: cross_exchange_arb. */
    if (is_sell_spot && !self->config->sells_spot)
        return false;
    return is_buy_spot || is_sell_spot ? self->config->takes_spot_perpetual
                                       : self->config->takes_perpetual_perpetual;
}

/* ---- orders ---- */

/* What an order is for: its tag. */
enum aim { AIM_ENTER, AIM_LEAVE, AIM_EVEN };

/* The venue nets what every strategy, and every other pair of this one, holds of a perpetual in one
 * position: only when that is reduced too may a leg's close be called reduce-only. */
static bool is_account_reduced(const struct runner_core *core, const struct market_book *book,
                               wire_side side, int64_t qty)
{
    int64_t net = 0;

    for (unsigned i = 0; i < core->position_count; i++) {
        const struct runner_position *position = &core->positions[i];
        if (position->account == book->account &&
            position->instrument == book->definition.header.instrument)
            net += position->qty;
    }
    return (side == SIDE_SELL ? net : -net) >= qty;
}

/* qty at the carry's exponent. Orders that make the account's position smaller say so. */
static uint64_t send(const struct carries *self, struct runner_core *core,
                     const struct carry *carry, int leg, enum aim aim, int64_t price, int64_t qty,
                     int64_t now_ns)
{
    const struct market_book *book = market_find(core->market, carry->instrument[leg]);
    bool is_opening = aim == AIM_ENTER;
    struct runner_intent intent = {
        .instrument = carry->instrument[leg],
        .group_id = carry->group_id,
        .cause = carry->cause,
        .price = price,
        .qty = runner_round_qty(book, legs_rescale(qty, carry->qty_exp, book->definition.qty_exp)),
        .origin_ns = is_opening ? carry->origin_ns : now_ns,
        .deadline_ns = now_ns + self->config->leg_deadline_ns,
        .side = (leg == LEG_LONG) == is_opening ? SIDE_BUY : SIDE_SELL,
        .type = ORDER_LIMIT,
        .time_in_force = TIF_IOC,
        .is_hedge = !is_opening,
        .tag = aim,
    };

    intent.is_reduce_only = !is_opening && market_is_derivative(book) &&
                            is_account_reduced(core, book, intent.side, intent.qty);
    return runner_place(core, self->strategy, &intent, now_ns);
}

/* Where a leg can be closed now; 0: not now. */
static int64_t closing_price(const struct carries *self, struct runner_core *core,
                             const struct market_book *book, int leg, int64_t now_ns)
{
    wire_side side = leg == LEG_LONG ? SIDE_SELL : SIDE_BUY;
    wire_reason why;
    int64_t price;

    if (!book || !book->has_quote || !runner_may_trade(core, self->strategy, book, now_ns, &why))
        return 0;
    price = runner_round_price(book, side,
                               legs_worse(side == SIDE_SELL ? book->bid_price : book->ask_price,
                                          self->config->hedge_slippage_ppm, side),
                               true);
    return runner_avoid_own(core, book, side, &price) == 0 ? 0 : price;
}

static bool is_dust(const struct carry *carry, const struct market_book *book, int64_t price,
                    int64_t qty)
{
    return !legs_meets_minimum(
        book, price,
        runner_round_qty(book, legs_rescale(qty, carry->qty_exp, book->definition.qty_exp)));
}

static void stop(struct carries *self, struct runner_core *core)
{
    struct runner_strategy *owner = runner_strategy_find(core, self->strategy);

    self->is_stopped = true;
    if (owner) {
        owner->state = STRATEGY_UNWINDING;
        owner->why = REASON_NO_LIQUIDITY;
    }
}

/* Makes the larger leg as small as the other. What is below any order's minimum stays in the
 * position and is no longer counted here. */
static void make_even(struct carries *self, struct runner_core *core, struct carry *carry,
                      int64_t now_ns)
{
    int leg = carry->qty[LEG_LONG] > carry->qty[LEG_SHORT] ? LEG_LONG : LEG_SHORT;
    int64_t size = carry->qty[leg] - carry->qty[1 - leg];
    const struct market_book *book = market_find(core->market, carry->instrument[leg]);
    struct runner_strategy *owner = runner_strategy_find(core, self->strategy);
    int64_t price = closing_price(self, core, book, leg, now_ns);

    carry->due_ns = now_ns + self->config->hedge_wait_ns;
    if (price == 0)
        return; /* Closed for now: asked again each wait, the position stays visible on 6003. */
    if (is_dust(carry, book, price, size)) {
        carry->qty[leg] = carry->qty[1 - leg];
        carry->due_ns = now_ns;
        return;
    }
    if (carry->evenings >= self->config->hedge_tries) {
        stop(self, core);
        return;
    }
    if (owner)
        owner->unwound++;
    carry->order[leg] = send(self, core, carry, leg, AIM_EVEN, price, size, now_ns);
}

/* Both legs smaller by what both hold. */
static void leave(struct carries *self, struct runner_core *core, struct carry *carry,
                  int64_t now_ns)
{
    const struct market_book *books[LEGS];
    int64_t prices[LEGS];
    int64_t qty = MIN(carry->qty[LEG_LONG], carry->qty[LEG_SHORT]);

    carry->phase = CARRY_EXITING;
    carry->leave_due_ns = now_ns + self->config->hedge_wait_ns;
    for (int leg = 0; leg < LEGS; leg++) {
        books[leg] = market_find(core->market, carry->instrument[leg]);
        prices[leg] = closing_price(self, core, books[leg], leg, now_ns);
        if (prices[leg] == 0)
            return; /* Both sides must be open before either leg leaves. */
    }
    if (is_dust(carry, books[LEG_LONG], prices[LEG_LONG], qty) ||
        is_dust(carry, books[LEG_SHORT], prices[LEG_SHORT], qty)) {
        carry->qty[LEG_LONG] = carry->qty[LEG_SHORT] = 0;
        return;
    }
    carry->group_id = runner_new_group(core, self->strategy);
    for (int leg = 0; leg < LEGS; leg++)
        carry->order[leg] = send(self, core, carry, leg, AIM_LEAVE, prices[leg], qty, now_ns);
}

/* ---- its life ---- */

/* What is left to gain is gone, or costs more than it brings. */
static bool is_exit_due(const struct carries *self, const struct runner_core *core,
                        const struct carry *carry, int64_t now_ns)
{
    const struct market_book *bought = market_find(core->market, carry->instrument[LEG_LONG]);
    const struct market_book *sold = market_find(core->market, carry->instrument[LEG_SHORT]);
    int64_t max_age_ns = core->config.book_max_age_ns, bid, ask;
    int exp;

    if (now_ns - carry->since_ns >= self->config->max_hold_ns)
        return true;
    if (!bought || !sold || !bought->has_quote || !sold->has_quote ||
        !market_is_fresh(bought, now_ns, max_age_ns) || !market_is_fresh(sold, now_ns, max_age_ns))
        return false;
    if (both_funding_ppm(self, bought, sold) < -self->config->funding_exit_ppm)
        return true;
    exp = MAX(bought->definition.price_exp, sold->definition.price_exp);
    bid = legs_rescale(bought->bid_price, bought->definition.price_exp, exp);
    ask = legs_rescale(sold->ask_price, sold->definition.price_exp, exp);
    return bid > 0 && (i128)(ask - bid) * LEGS_PPM <= (i128)bid * self->config->exit_basis_ppm;
}

/* The next step of a carry none of whose orders works. */
static void step(struct carries *self, struct runner_core *core, struct carry *carry,
                 int64_t now_ns)
{
    if (now_ns < carry->due_ns)
        return;
    if (carry->phase == CARRY_RESTING) {
        carry->is_used = false;
        return;
    }
    if (carry->qty[LEG_LONG] != carry->qty[LEG_SHORT]) {
        if (!self->is_stopped)
            make_even(self, core, carry, now_ns);
        return;
    }
    carry->evenings = 0;
    if (carry->qty[LEG_LONG] == 0) {
        carry->phase = CARRY_RESTING;
        carry->due_ns = now_ns + self->config->cooldown_ns;
        return;
    }
    if (carry->phase == CARRY_ENTERING) {
        carry->phase = CARRY_HELD;
        carry->due_ns = now_ns + self->config->cooldown_ns;
        return;
    }
    if (now_ns >= carry->leave_due_ns &&
        (carry->phase == CARRY_EXITING || is_exit_due(self, core, carry, now_ns)))
        leave(self, core, carry, now_ns);
}

static void carry_opportunity(void *state, struct runner_core *core,
                              const struct wire_opportunity *found, int64_t now_ns)
{
    struct carries *self = state;
    const struct carry_config *config = self->config;
    const struct market_book *bought = market_find(core->market, found->buy_instrument);
    const struct market_book *sold = market_find(core->market, found->sell_instrument);
    const struct legs_limits limits = { config->max_notional, config->max_position,
                                        config->margin_ppm };
    struct carry *carry = carry_for(self, found->buy_instrument, found->sell_instrument);
    int64_t qty = found->qty, prices[LEGS];
    wire_reason why;

    if (self->is_stopped || !self->is_adopted || !bought || !sold || !carry ||
        !is_wanted(self, found) || now_ns >= found->valid_until_ns ||
        found->confidence_ppm < config->min_confidence_ppm ||
        expected_ppm(self, found, bought, sold) < config->entry_ppm)
        return;
    if ((carry->is_used && now_ns < carry->due_ns) || is_busy(self, found->buy_instrument) ||
        is_busy(self, found->sell_instrument) ||
        !runner_may_trade(core, self->strategy, bought, now_ns, &why) ||
        !runner_may_trade(core, self->strategy, sold, now_ns, &why))
        return;
    prices[LEG_LONG] = legs_limit(core, found, bought, SIDE_BUY, config->slippage_ppm, &qty);
    prices[LEG_SHORT] = legs_limit(core, found, sold, SIDE_SELL, config->slippage_ppm, &qty);
    qty = legs_size(&limits, core, self->strategy, found, bought, sold, qty);
    if (!legs_meets_minimum(bought, prices[LEG_LONG],
                            legs_rescale(qty, found->qty_exp, bought->definition.qty_exp)) ||
        !legs_meets_minimum(sold, prices[LEG_SHORT],
                            legs_rescale(qty, found->qty_exp, sold->definition.qty_exp)))
        return;
    if (!carry->is_used)
        *carry = (struct carry){ .is_used = true,
                                 .qty_exp = found->qty_exp,
                                 .instrument = { found->buy_instrument, found->sell_instrument },
                                 .since_ns = now_ns };
    carry->phase = CARRY_ENTERING;
    carry->group_id = runner_new_group(core, self->strategy);
    carry->cause = found->opportunity_id;
    carry->origin_ns = found->header.origin_ns;
    carry->due_ns = now_ns;
    carry->order[LEG_LONG] = carry->order[LEG_SHORT] = 0;
    carry->order[LEG_LONG] =
        send(self, core, carry, LEG_LONG, AIM_ENTER, prices[LEG_LONG], qty, now_ns);
    if (carry->order[LEG_LONG] != 0) /* Else nothing left, and nothing need be made even. */
        carry->order[LEG_SHORT] =
            send(self, core, carry, LEG_SHORT, AIM_ENTER, prices[LEG_SHORT], qty, now_ns);
}

static void carry_order(void *state, struct runner_core *core, const struct runner_order *order,
                        int64_t fill_qty, int64_t fill_price, int64_t now_ns)
{
    struct carries *self = state;

    (void)fill_price;
    for (size_t i = 0; i < CARRIES_MAX; i++) {
        struct carry *carry = &self->carry[i];

        if (!carry->is_used || carry->group_id != order->group_id)
            continue;
        int leg = order->instrument == carry->instrument[LEG_LONG] ? LEG_LONG : LEG_SHORT;
        bool is_more = order->side == (leg == LEG_LONG ? SIDE_BUY : SIDE_SELL);
        int64_t qty = legs_rescale(fill_qty, order->qty_exp, carry->qty_exp);

        carry->qty[leg] += is_more ? qty : -qty;
        /* Only one that met the market counts as a try; one that was refused (a throttle, a halt)
         * waits longer. */
        if (order->tag != AIM_ENTER && order->state == ORDER_REJECTED)
            carry->due_ns = now_ns + REFUSED_WAITS * self->config->hedge_wait_ns;
        else if (order->tag == AIM_EVEN && runner_order_is_final(order))
            carry->evenings++;
        if (!is_working(core, carry))
            step(self, core, carry, now_ns);
        return;
    }
}

/* ---- after a restart ---- */

struct found_position {
    const struct market_book *book;
    int64_t qty; /* Signed, at the book's qty_exp; what no carry has taken yet. */
};

static void hold(struct carries *self, struct runner_core *core, const struct market_book *bought,
                 const struct market_book *sold, int64_t long_qty, int64_t short_qty, int qty_exp,
                 int64_t now_ns)
{
    struct carry *carry = carry_for(self, bought ? bought->definition.header.instrument : 0,
                                    sold ? sold->definition.header.instrument : 0);

    if (!carry)
        return;
    *carry = (struct carry){ .is_used = true,
                             .phase = CARRY_HELD,
                             .qty_exp = (int8_t)qty_exp,
                             .qty = { long_qty, short_qty },
                             .since_ns = now_ns };
    carry->instrument[LEG_LONG] = bought ? bought->definition.header.instrument : 0;
    carry->instrument[LEG_SHORT] = sold ? sold->definition.header.instrument : 0;
    carry->group_id = runner_new_group(core, self->strategy);
}

/* Pairs what is long with what is short of the same base. Which belonged to which does not matter:
 * they are worth the same. What is left alone is made smaller like any uneven leg. */
static void pair_up(struct carries *self, struct runner_core *core, struct found_position *found,
                    size_t count, int64_t now_ns)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < count && found[i].qty > 0; k++) {
            const struct wire_instrument *a = &found[i].book->definition;
            const struct wire_instrument *b = &found[k].book->definition;
            int exp = MAX(a->qty_exp, b->qty_exp);

            if (found[k].qty >= 0 || strcmp(a->base, b->base) != 0 ||
                (!market_is_derivative(found[i].book) && !market_is_derivative(found[k].book)))
                continue;
            int64_t qty = MIN(legs_rescale(found[i].qty, a->qty_exp, exp),
                              legs_rescale(-found[k].qty, b->qty_exp, exp));
            hold(self, core, found[i].book, found[k].book, qty, qty, exp, now_ns);
            found[i].qty -= legs_rescale(qty, exp, a->qty_exp);
            found[k].qty += legs_rescale(qty, exp, b->qty_exp);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (found[i].qty > 0)
            hold(self, core, found[i].book, NULL, found[i].qty, 0,
                 found[i].book->definition.qty_exp, now_ns);
        else if (found[i].qty < 0)
            hold(self, core, NULL, found[i].book, 0, -found[i].qty,
                 found[i].book->definition.qty_exp, now_ns);
    }
}

/* Takes over what the strategy holds by the ledger. Waits until each of its instruments is known:
 * half of a pair would look like a naked leg. */
static void adopt(struct carries *self, struct runner_core *core, int64_t now_ns)
{
    struct found_position found[ADOPTED_MAX];
    size_t count = 0;

    if (self->first_ns == 0)
        self->first_ns = now_ns;
    if (core->positions_heard_ns == 0 || now_ns - self->first_ns < ADOPT_AFTER_NS)
        return;
    for (uint32_t i = 0; i < core->position_count && count < ADOPTED_MAX; i++) {
        const struct runner_position *position = &core->positions[i];
        const struct market_book *book = market_find(core->market, position->instrument);

        if (position->strategy != self->strategy || position->qty == 0)
            continue;
        if (!book)
            return;
        found[count++] = (struct found_position){ book, position->qty };
    }
    pair_up(self, core, found, count, now_ns);
    self->is_adopted = true;
}

static void carry_timer(void *state, struct runner_core *core, int64_t now_ns)
{
    struct carries *self = state;

    if (!self->is_adopted)
        adopt(self, core, now_ns);
    for (size_t i = 0; i < CARRIES_MAX && self->is_adopted; i++)
        if (self->carry[i].is_used && !is_working(core, &self->carry[i]))
            step(self, core, &self->carry[i], now_ns);
}

const struct strategy_ops strategy_cash_and_carry = {
    .kind = "cash_and_carry",
    .config_size = sizeof(struct carry_config),
    .state_size = sizeof(struct carries),
    .init = carry_init,
    .opportunity = carry_opportunity,
    .order = carry_order,
    .timer = carry_timer,
};
