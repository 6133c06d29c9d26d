#include "venue_simulator/crowd.h"
#include "venue_simulator/margin.h"

#include <string.h>

enum {
    STEPS_PER_S = (int)(NS_PER_S / CROWD_STEP_NS),
    STEP_MS = (int)(CROWD_STEP_NS / NS_PER_MS),
    PPB_PER_PPM = 1000,
};
#define PPB INT64_C(1000000000)

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

/* Uniform in [0, below). */
static int64_t uniform(uint64_t *state, int64_t below)
{
    return below > 0 ? (int64_t)((next_random(state) >> 11) % (uint64_t)below) : 0;
}

/* Nearly normal, mean 0, standard deviation 1000: twelve dice. */
static int64_t normal(uint64_t *state)
{
    int64_t sum = 0;

    for (int i = 0; i < 12; i++)
        sum += uniform(state, 1001);
    return sum - 6000;
}

void crowd_init(struct crowd *crowd)
{
    *crowd = (struct crowd){ 0 };
}

int crowd_add_pair(struct crowd *crowd, const struct crowd_config *config, uint64_t seed)
{
    if (crowd->pair_count == CROWD_PAIRS_MAX)
        return ERR_FULL;
    if (config->start_price <= 0 || config->levels < 1 || config->levels > CROWD_LEVELS_MAX ||
        config->level_qty <= 0 || config->dislocation_max_ppm < config->dislocation_min_ppm)
        return ERR_RANGE;
    struct crowd_pair *pair = &crowd->pairs[crowd->pair_count];
    *pair = (struct crowd_pair){ .config = *config,
                                 .fair = config->start_price,
                                 .random = (seed ^ UINT64_C(0x9e3779b97f4a7c15)) | 1 };
    for (size_t i = 0; i < CROWD_LAG_MAX; i++)
        pair->history[i] = pair->fair;
    return (int)crowd->pair_count++;
}

int crowd_add_place(struct crowd *crowd, int pair, struct exchange *exchange, uint32_t instrument,
                    uint32_t maker, uint32_t taker, int64_t lag_ms, uint64_t seed)
{
    struct crowd_pair *to = &crowd->pairs[pair];

    if (to->place_count == CROWD_PLACES_MAX)
        return ERR_FULL;
    bool is_perpetual = exchange_is_perpetual(exchange, instrument);
    to->has_perpetual |= is_perpetual;
    if (lag_ms < 0 || lag_ms / STEP_MS >= CROWD_LAG_MAX)
        return ERR_RANGE;
    to->places[to->place_count++] = (struct crowd_place){
        .exchange = exchange,
        .instrument = instrument,
        .maker = maker,
        .taker = taker,
        .lag_steps = lag_ms / STEP_MS,
        .seen = to->fair,
        .is_perpetual = is_perpetual,
        .random = (seed * UINT64_C(0xd1342543de82ef95) + to->place_count) | 1,
    };
    return 0;
}

/* ---- prices ---- */

/* Per step, so that a second's deviation is volatility_ppm: divided by the root of 100 steps. A
 * weak pull to the start keeps a day's run on the scale. */
static void move_fair(struct crowd_pair *pair, uint64_t step)
{
    const struct crowd_config *config = &pair->config;
    int64_t move_ppb = config->volatility_ppm * PPB_PER_PPM / 10 * normal(&pair->random) / 1000;

    pair->fair += (int64_t)((i128)pair->fair * move_ppb / PPB);
    pair->fair += (config->start_price - pair->fair) / 60000;
    pair->history[step % CROWD_LAG_MAX] = pair->fair;
}

/* Back to nothing within some 20 s, against a step that gives it basis_ppm on average. */
static void move_basis(struct crowd_pair *pair)
{
    pair->basis_ppb -= pair->basis_ppb / 2000;
    pair->basis_ppb += pair->config.basis_ppm * PPB_PER_PPM / 32 * normal(&pair->random) / 1000;
}

static void move_dislocation(struct crowd_pair *pair, struct crowd_place *place)
{
    const struct crowd_config *config = &pair->config;
    int64_t chance = config->dislocation_every_ms / STEP_MS;

    if (config->dislocation_every_ms > 0 && uniform(&place->random, MAX(chance, 1)) == 0) {
        int64_t size =
            config->dislocation_min_ppm +
            uniform(&place->random, config->dislocation_max_ppm - config->dislocation_min_ppm + 1);
        place->dislocation_ppb = (uniform(&place->random, 2) ? size : -size) * PPB_PER_PPM;
        place->dislocation_steps = MAX(config->dislocation_ms / STEP_MS, 1);
    } else if (place->dislocation_steps > 0) {
        place->dislocation_steps--;
    } else {
        place->dislocation_ppb -= place->dislocation_ppb / 10;
    }
}

static void see(struct crowd_pair *pair, struct crowd_place *place, uint64_t step)
{
    uint64_t back = step >= (uint64_t)place->lag_steps ? step - (uint64_t)place->lag_steps : 0;
    int64_t base = pair->history[back % CROWD_LAG_MAX];

    place->noise_ppb -= place->noise_ppb / 100;
    place->noise_ppb += pair->config.noise_ppm * PPB_PER_PPM / 7 * normal(&place->random) / 1000;
    move_dislocation(pair, place);
    int64_t away_ppb = place->noise_ppb + place->dislocation_ppb;
    if (place->is_perpetual)
        away_ppb += pair->basis_ppb;
    place->seen = base + (int64_t)((i128)base * away_ppb / PPB);
}

/* ---- orders ---- */

static int64_t on_grid(int64_t value, int64_t grid)
{
    return value - value % grid;
}

static int64_t random_qty(struct crowd_place *place, int64_t average)
{
    const struct exchange_instrument_config *rules =
        &place->exchange->instruments[place->instrument].config;
    int64_t qty = average / 4 + uniform(&place->random, average * 3 / 2);
    int64_t least = rules->min_qty;

    if (rules->min_notional) /* A fifth more: the price may move against it. */
        least =
            MAX(least, (int64_t)((i128)rules->min_notional * EXCHANGE_ONE / place->seen * 6 / 5));
    qty = MAX(qty, least + rules->lot);
    if (rules->max_qty)
        qty = MIN(qty, rules->max_qty);
    return on_grid(qty, rules->lot);
}

static void drop_quote(struct crowd_place *place, struct crowd_quote *quote, int64_t now_ns)
{
    if (quote->order_id)
        (void)exchange_cancel(place->exchange, place->maker, quote->order_id, CAUSE_REQUESTED,
                              now_ns);
    *quote = (struct crowd_quote){ 0 };
}

static int64_t target_price(struct crowd_pair *pair, struct crowd_place *place, wire_side side,
                            int64_t level)
{
    const struct exchange_instrument_config *rules =
        &place->exchange->instruments[place->instrument].config;
    int64_t away_ppm = pair->config.half_spread_ppm + level * pair->config.step_ppm +
                       uniform(&place->random, pair->config.step_ppm / 2 + 1);
    int64_t away = (int64_t)((i128)place->seen * away_ppm / 1000000);

    return side == SIDE_BUY ? on_grid(place->seen - away, rules->tick)
                            : on_grid(place->seen + away, rules->tick) + rules->tick;
}

/* A quote that has drifted by more than a level, or was taken, is made anew. */
static void requote(struct crowd *crowd, struct crowd_pair *pair, struct crowd_place *place,
                    wire_side side, int64_t level, int64_t now_ns)
{
    struct crowd_quote *quote = &place->quotes[side == SIDE_SELL][level];
    const struct exchange_order *order =
        quote->order_id ? exchange_order(place->exchange, quote->order_id) : NULL;
    int64_t price = target_price(pair, place, side, level);
    int64_t tolerance = (int64_t)((i128)place->seen * pair->config.step_ppm / 1000000);
    int64_t drift = price > quote->price ? price - quote->price : quote->price - price;

    if (order && drift <= tolerance && !place->has_rate)
        return;
    drop_quote(place, quote, now_ns);
    struct exchange_request request = { .account = place->maker,
                                        .instrument = place->instrument,
                                        .side = side,
                                        .type = ORDER_LIMIT,
                                        .time_in_force = TIF_GTC,
                                        .stp = STP_EXPIRE_MAKER,
                                        .price = price,
                                        .qty = random_qty(place, pair->config.level_qty) };
    if (exchange_place(place->exchange, &request, now_ns, &order) != CAUSE_NONE) {
        crowd->refused++;
        return;
    }
    crowd->quotes++;
    *quote = (struct crowd_quote){ .order_id = order->id, .price = price };
}

/* The innermost quotes are looked at first and most: they are what stands in the way. */
static void requote_some(struct crowd *crowd, struct crowd_pair *pair, struct crowd_place *place,
                         int64_t now_ns)
{
    int64_t levels = pair->config.levels;
    int64_t per_s = place->has_rate ? place->requotes_per_s : pair->config.requotes_per_s;

    place->requote_credit += per_s * 1000 / STEPS_PER_S;
    for (; place->requote_credit >= 1000; place->requote_credit -= 1000) {
        wire_side side = uniform(&place->random, 2) ? SIDE_BUY : SIDE_SELL;
        int64_t level = uniform(&place->random, levels);
        if (uniform(&place->random, 2))
            level = uniform(&place->random, level + 1);
        requote(crowd, pair, place, side, level, now_ns);
    }
}

static void requote_all(struct crowd *crowd, struct crowd_pair *pair, struct crowd_place *place,
                        int64_t now_ns)
{
    for (int64_t level = 0; level < pair->config.levels; level++) {
        requote(crowd, pair, place, SIDE_BUY, level, now_ns);
        requote(crowd, pair, place, SIDE_SELL, level, now_ns);
    }
}

static void take(struct crowd *crowd, struct crowd_pair *pair, struct crowd_place *place,
                 int64_t now_ns)
{
    const struct exchange_instrument_config *rules =
        &place->exchange->instruments[place->instrument].config;
    wire_side side = uniform(&place->random, 2) ? SIDE_BUY : SIDE_SELL;
    int64_t qty = random_qty(place, pair->config.taker_qty);
    int64_t reach = place->seen / 100; /* A limit, not at any price: 1 %. */

    if (uniform(&place->random, 8) == 0)
        qty = on_grid(qty * 8, rules->lot);
    if (rules->max_qty)
        qty = MIN(qty, on_grid(rules->max_qty, rules->lot));
    struct exchange_request request = {
        .account = place->taker,
        .instrument = place->instrument,
        .side = side,
        .type = ORDER_LIMIT,
        .time_in_force = TIF_IOC,
        .price = on_grid(side == SIDE_BUY ? place->seen + reach : place->seen - reach, rules->tick),
        .qty = qty,
    };
    if (exchange_place(place->exchange, &request, now_ns, NULL) == CAUSE_NONE)
        crowd->takes++;
    else
        crowd->refused++;
}

static void take_some(struct crowd *crowd, struct crowd_pair *pair, struct crowd_place *place,
                      int64_t now_ns)
{
    /* A chance in each step, not a metronome. */
    int64_t per_s = place->has_rate ? place->takers_per_s : pair->config.takers_per_s;
    int64_t chance = per_s * 1000 / STEPS_PER_S;

    while (chance > 0) {
        if (uniform(&place->random, 1000) < chance)
            take(crowd, pair, place, now_ns);
        chance -= 1000;
    }
}

/* Somebody's position is taken from him: what the taker has, or a part of it, at any price. */
static void force_some(struct crowd *crowd, struct crowd_pair *pair, struct crowd_place *place,
                       int64_t now_ns)
{
    const struct exchange_instrument_config *rules =
        &place->exchange->instruments[place->instrument].config;
    int64_t position = place->exchange->accounts[place->taker].positions[place->instrument].qty;
    int64_t chance = pair->config.liquidation_every_ms / STEP_MS;

    if (pair->config.liquidation_every_ms <= 0 || uniform(&place->random, MAX(chance, 1)) != 0)
        return;
    int64_t qty = on_grid(4 * random_qty(place, pair->config.taker_qty), rules->lot);
    struct exchange_request request = {
        .account = place->taker,
        .instrument = place->instrument,
        .side = position > 0 ? SIDE_SELL : SIDE_BUY,
        .type = ORDER_MARKET,
        .qty = MIN(qty, position > 0 ? position : -position),
        .is_liquidation = true,
    };
    if (request.qty > 0 && exchange_place(place->exchange, &request, now_ns, NULL) == CAUSE_NONE)
        crowd->forced++;
}

/* What the view jumped past is stale: a maker moves it at once, and no side is ever left empty. */
static void move_crossed(struct crowd *crowd, struct crowd_pair *pair, struct crowd_place *place,
                         int64_t now_ns)
{
    for (int64_t level = 0; level < pair->config.levels; level++) {
        struct crowd_quote *bid = &place->quotes[0][level], *ask = &place->quotes[1][level];
        if (bid->order_id && bid->price > place->seen) {
            drop_quote(place, bid, now_ns);
            requote(crowd, pair, place, SIDE_BUY, level, now_ns);
        }
        if (ask->order_id && ask->price < place->seen) {
            drop_quote(place, ask, now_ns);
            requote(crowd, pair, place, SIDE_SELL, level, now_ns);
        }
    }
}

void crowd_set_rate(struct crowd *crowd, const struct exchange *exchange, int64_t requotes_per_s,
                    int64_t takers_per_s)
{
    for (uint32_t p = 0; p < crowd->pair_count; p++)
        for (uint32_t i = 0; i < crowd->pairs[p].place_count; i++) {
            struct crowd_place *place = &crowd->pairs[p].places[i];
            if (place->exchange != exchange)
                continue;
            place->has_rate = requotes_per_s >= 0 && takers_per_s >= 0;
            place->requotes_per_s = requotes_per_s;
            place->takers_per_s = takers_per_s;
        }
}

void crowd_step(struct crowd *crowd, int64_t now_ns)
{
    if (crowd->is_paused)
        return;
    for (uint32_t p = 0; p < crowd->pair_count; p++) {
        struct crowd_pair *pair = &crowd->pairs[p];
        move_fair(pair, crowd->step);
        if (pair->has_perpetual)
            move_basis(pair);
        for (uint32_t i = 0; i < pair->place_count; i++) {
            struct crowd_place *place = &pair->places[i];
            see(pair, place, crowd->step);
            if (crowd->step == 0) {
                requote_all(crowd, pair, place, now_ns);
                continue;
            }
            move_crossed(crowd, pair, place, now_ns);
            requote_some(crowd, pair, place, now_ns);
            take_some(crowd, pair, place, now_ns);
            if (!place->is_perpetual)
                continue;
            force_some(crowd, pair, place, now_ns);
            exchange_mark(place->exchange, place->instrument, pair->fair, now_ns);
        }
    }
    crowd->step++;
}
