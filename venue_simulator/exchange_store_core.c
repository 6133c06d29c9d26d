/* exchange_store_core.c - the exchange's memory: records, look-ups, and the proof that nothing is
 * lost. */
#include "venue_simulator/exchange_internal.h"

#include <stdio.h>
#include <string.h>

const char *exchange_cause_str(enum exchange_cause cause)
{
    static const char *const texts[] = {
#define EXCHANGE_CAUSE_AS_TEXT(name, text) text,
        EXCHANGE_CAUSES(EXCHANGE_CAUSE_AS_TEXT)
    };
    return (unsigned)cause < COUNT(texts) ? texts[cause] : "?";
}

static size_t rounded(size_t bytes)
{
    return (bytes + 15) & ~(size_t)15;
}

/* Half full at most: probes stay short. */
static size_t index_slots(const struct exchange_config *config)
{
    size_t slots = 64;

    while (slots < 2 * ((size_t)config->orders_max + config->background_orders_max))
        slots *= 2;
    return slots;
}

static size_t order_slots(const struct exchange_config *config)
{
    return (size_t)config->orders_max + config->background_orders_max;
}

size_t exchange_memory(const struct exchange_config *config)
{
    return rounded(order_slots(config) * sizeof(struct exchange_order)) +
           rounded(index_slots(config) * sizeof(uint32_t)) +
           rounded((size_t)config->executions_max * sizeof(struct exchange_execution)) +
           rounded(FUNDING_KEPT * sizeof(struct exchange_funding)) +
           config->instrument_count *
               rounded((size_t)config->levels_max * 2 * sizeof(struct match_level));
}

static uint32_t asset_named(struct exchange *exchange, const char *code)
{
    uint32_t asset = exchange_asset(exchange, code);

    if (asset != EXCHANGE_NONE || exchange->asset_count == EXCHANGE_ASSETS_MAX)
        return asset;
    snprintf(exchange->assets[exchange->asset_count], sizeof(exchange->assets[0]), "%s", code);
    return exchange->asset_count++;
}

/* What most venues' largest perpetuals have. */
static void config_defaults(struct exchange_instrument_config *config)
{
    if (!config->kind)
        config->kind = INSTRUMENT_SPOT;
    if (!config->contract_size)
        config->contract_size = EXCHANGE_ONE;
    if (!config->leverage)
        config->leverage = 10;
    if (!config->max_leverage)
        config->max_leverage = MAX(100, config->leverage);
    if (!config->maintenance_ppm)
        config->maintenance_ppm = 5000;
    if (!config->funding_interval_ns)
        config->funding_interval_ns = 8 * 3600 * NS_PER_S;
    if (!config->funding_cap_ppb)
        config->funding_cap_ppb = 7500000;
}

static int instrument_init(struct exchange *exchange, uint32_t i,
                           const struct exchange_instrument_config *config)
{
    struct exchange_instrument *instrument = &exchange->instruments[i];

    if (config->tick <= 0 || config->lot <= 0 || config->start_price <= 0 ||
        config->contract_size < 0 || config->maintenance_ppm < 0 ||
        config->maintenance_ppm >= PPM || config->funding_interval_ns < 0 ||
        config->funding_cap_ppb < 0)
        return ERR_RANGE;
    instrument->config = *config;
    config_defaults(&instrument->config);
    if (instrument->config.leverage > instrument->config.max_leverage)
        return ERR_RANGE;
    instrument->perpetual.mark_price = instrument->perpetual.index_price = config->start_price;
    instrument->base = asset_named(exchange, config->base);
    instrument->quote = asset_named(exchange, config->quote);
    if (instrument->base == EXCHANGE_NONE || instrument->quote == EXCHANGE_NONE)
        return ERR_RANGE;
    exchange->has_perpetuals |= instrument->config.kind == INSTRUMENT_PERPETUAL;
    instrument->status = TRADING_OPEN;
    instrument->last_price = config->start_price;
    instrument->open_price = config->start_price;
    instrument->high_price = config->start_price;
    instrument->low_price = config->start_price;
    instrument->exchange = exchange;
    instrument->index = i;
    return 0;
}

extern const struct match_events exchange_match_events;

static void lay_out(struct exchange *exchange, const struct exchange_config *config, char *memory)
{
    exchange->orders = (struct exchange_order *)(void *)memory;
    memory += rounded(order_slots(config) * sizeof(struct exchange_order));
    exchange->order_index = (uint32_t *)(void *)memory;
    exchange->order_index_mask = (uint32_t)index_slots(config) - 1;
    memory += rounded(index_slots(config) * sizeof(uint32_t));
    exchange->executions = (struct exchange_execution *)(void *)memory;
    memory += rounded((size_t)config->executions_max * sizeof(struct exchange_execution));
    exchange->fundings = (struct exchange_funding *)(void *)memory;
    memory += rounded(FUNDING_KEPT * sizeof(struct exchange_funding));
    for (uint32_t i = 0; i < config->instrument_count; i++) {
        match_init(&exchange->instruments[i].book, (struct match_level *)(void *)memory,
                   config->levels_max, &exchange_match_events, &exchange->instruments[i]);
        memory += rounded((size_t)config->levels_max * 2 * sizeof(struct match_level));
    }
    for (uint32_t i = 0; i <= exchange->order_index_mask; i++)
        exchange->order_index[i] = EXCHANGE_NONE;
    exchange->free_slot = EXCHANGE_NONE;
    for (uint32_t i = config->background_orders_max; i-- > 0;) {
        struct exchange_order *order = &exchange->orders[config->orders_max + i];
        order->slot = exchange->free_slot;
        exchange->free_slot = config->orders_max + i;
    }
}

int exchange_init(struct exchange *exchange, const struct exchange_config *config, void *memory,
                  void (*on_event)(void *ctx, const struct exchange_event *event), void *ctx)
{
    *exchange = (struct exchange){
        .fee_asset = config->fee_asset,
        .is_reduce_only_refused = config->is_reduce_only_refused,
        .instrument_count = config->instrument_count,
        .account_count = config->account_count,
        .orders_max = config->orders_max,
        .background_orders_max = config->background_orders_max,
        .executions_max = config->executions_max,
        .next_order_id = config->first_order_id ? config->first_order_id : 1,
        .next_execution_id = 1,
        .on_event = on_event,
        .ctx = ctx,
    };
    if (config->instrument_count > EXCHANGE_INSTRUMENTS_MAX ||
        config->account_count > EXCHANGE_ACCOUNTS_MAX || config->levels_max == 0)
        return ERR_RANGE;
    snprintf(exchange->venue, sizeof(exchange->venue), "%s", config->venue);
    for (uint32_t i = 0; i < config->instrument_count; i++) {
        int err = instrument_init(exchange, i, &config->instruments[i]);
        if (err)
            return err;
        exchange->instruments[i].next_trade_id =
            config->first_trade_id ? config->first_trade_id : 1;
        exchange->instruments[i].first_trade_id = exchange->instruments[i].next_trade_id;
        exchange->instruments[i].update_id =
            config->first_update_id ? config->first_update_id - 1 : 0;
    }
    for (uint32_t i = 0; i < config->account_count; i++) {
        exchange->accounts[i].config = config->accounts[i];
        if (config->accounts[i].maker_fee_ppm < 0 || config->accounts[i].taker_fee_ppm < 0)
            return ERR_RANGE;
    }
    lay_out(exchange, config, memory);
    return 0;
}

/* ---- order records ---- */

static uint32_t index_home(const struct exchange *exchange, uint64_t id)
{
    return (uint32_t)((id * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & exchange->order_index_mask;
}

void exchange_index_put(struct exchange *exchange, struct exchange_order *order)
{
    uint32_t at = index_home(exchange, order->id);

    while (exchange->order_index[at] != EXCHANGE_NONE)
        at = (at + 1) & exchange->order_index_mask;
    exchange->order_index[at] = order->slot;
}

static uint32_t index_find(const struct exchange *exchange, uint64_t id)
{
    uint32_t at = index_home(exchange, id);

    while (exchange->order_index[at] != EXCHANGE_NONE &&
           exchange->orders[exchange->order_index[at]].id != id)
        at = (at + 1) & exchange->order_index_mask;
    return at;
}

/* Backward shift: no tombstones, so that churn never makes the table slow. */
static void index_remove(struct exchange *exchange, uint64_t id)
{
    uint32_t mask = exchange->order_index_mask, hole = index_find(exchange, id);

    for (uint32_t at = (hole + 1) & mask; exchange->order_index[at] != EXCHANGE_NONE;
         at = (at + 1) & mask) {
        uint32_t home = index_home(exchange, exchange->orders[exchange->order_index[at]].id);
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            exchange->order_index[hole] = exchange->order_index[at];
            hole = at;
        }
    }
    exchange->order_index[hole] = EXCHANGE_NONE;
}

struct exchange_order *exchange_order_mutable(struct exchange *exchange, uint64_t order_id)
{
    uint32_t slot =
        order_id ? exchange->order_index[index_find(exchange, order_id)] : EXCHANGE_NONE;

    return slot == EXCHANGE_NONE ? NULL : &exchange->orders[slot];
}

const struct exchange_order *exchange_order(const struct exchange *exchange, uint64_t order_id)
{
    uint32_t slot =
        order_id ? exchange->order_index[index_find(exchange, order_id)] : EXCHANGE_NONE;

    return slot == EXCHANGE_NONE ? NULL : &exchange->orders[slot];
}

struct exchange_order *exchange_slot(struct exchange *exchange, uint32_t account)
{
    uint32_t slot;

    if (exchange->accounts[account].config.is_background) {
        slot = exchange->free_slot;
        if (slot != EXCHANGE_NONE)
            exchange->free_slot = exchange->orders[slot].slot;
    } else {
        slot =
            exchange->order_count < exchange->orders_max ? exchange->order_count++ : EXCHANGE_NONE;
    }
    if (slot == EXCHANGE_NONE) {
        exchange->orders_refused++;
        return NULL;
    }
    exchange->orders[slot] = (struct exchange_order){ .slot = slot,
                                                      .first_execution = EXCHANGE_NONE,
                                                      .last_execution = EXCHANGE_NONE };
    return &exchange->orders[slot];
}

void exchange_slot_free(struct exchange *exchange, struct exchange_order *order)
{
    uint32_t slot = order->slot;

    index_remove(exchange, order->id);
    order->id = 0;
    order->slot = exchange->free_slot;
    exchange->free_slot = slot;
}

void exchange_open_link(struct exchange *exchange, struct exchange_order *order)
{
    struct exchange_account *account = &exchange->accounts[order->account];

    order->prev_of_account = account->last_open;
    order->next_of_account = NULL;
    if (account->last_open)
        account->last_open->next_of_account = order;
    else
        account->first_open = order;
    account->last_open = order;
    account->open_orders[order->instrument]++;
}

void exchange_open_unlink(struct exchange *exchange, struct exchange_order *order)
{
    struct exchange_account *account = &exchange->accounts[order->account];

    if (order->prev_of_account)
        order->prev_of_account->next_of_account = order->next_of_account;
    else
        account->first_open = order->next_of_account;
    if (order->next_of_account)
        order->next_of_account->prev_of_account = order->prev_of_account;
    else
        account->last_open = order->prev_of_account;
    order->next_of_account = order->prev_of_account = NULL;
    account->open_orders[order->instrument]--;
}

uint64_t exchange_keep(struct exchange *exchange, const struct exchange_execution *execution,
                       struct exchange_order *order)
{
    if (exchange->accounts[order->account].config.is_background)
        return 0;
    if (exchange->execution_count == exchange->executions_max) {
        exchange->executions_lost++;
        return 0;
    }
    uint32_t at = exchange->execution_count++;
    exchange->executions[at] = *execution;
    exchange->executions[at].id = exchange->next_execution_id++;
    exchange->executions[at].next_of_order = EXCHANGE_NONE;
    if (order->last_execution == EXCHANGE_NONE)
        order->first_execution = at;
    else
        exchange->executions[order->last_execution].next_of_order = at;
    order->last_execution = at;
    return exchange->executions[at].id;
}

/* ---- look-ups ---- */

const struct exchange_order *exchange_order_by_client(const struct exchange *exchange,
                                                      uint32_t account, const char *client_id)
{
    for (const struct exchange_order *order = exchange->accounts[account].first_open; order;
         order = order->next_of_account)
        if (strcmp(order->client_id, client_id) == 0)
            return order;
    for (uint32_t i = exchange->order_count; i-- > 0;) {
        const struct exchange_order *order = &exchange->orders[i];
        if (order->account == account && strcmp(order->client_id, client_id) == 0)
            return order;
    }
    return NULL;
}

uint32_t exchange_instrument(const struct exchange *exchange, wire_instrument_kind kind,
                             const char *symbol)
{
    for (uint32_t i = 0; i < exchange->instrument_count; i++)
        if (exchange->instruments[i].config.kind == kind &&
            strcmp(exchange->instruments[i].config.symbol, symbol) == 0)
            return i;
    return EXCHANGE_NONE;
}

uint32_t exchange_asset(const struct exchange *exchange, const char *code)
{
    for (uint32_t i = 0; i < exchange->asset_count; i++)
        if (strcmp(exchange->assets[i], code) == 0)
            return i;
    return EXCHANGE_NONE;
}

uint32_t exchange_account(const struct exchange *exchange, const char *name)
{
    for (uint32_t i = 0; i < exchange->account_count; i++)
        if (strcmp(exchange->accounts[i].config.name, name) == 0)
            return i;
    return EXCHANGE_NONE;
}

const struct exchange_order *exchange_next_order(const struct exchange *exchange, uint32_t account,
                                                 uint32_t *cursor)
{
    while (*cursor < exchange->order_count) {
        const struct exchange_order *order = &exchange->orders[(*cursor)++];
        if (account == EXCHANGE_NONE || order->account == account)
            return order;
    }
    return NULL;
}

/* ---- proof ---- */

/* A position that settles in asset: what it has lost in parts may be more than the free cash. */
static bool has_position_in(const struct exchange *exchange, uint32_t account, uint32_t asset)
{
    for (uint32_t i = 0; i < exchange->instrument_count; i++)
        if (exchange->instruments[i].quote == asset && exchange_has_position(exchange, account, i))
            return true;
    return false;
}

static bool positions_are_sound(const struct exchange *exchange, uint32_t instrument, char *why,
                                size_t cap)
{
    i128 sum = 0;

    for (uint32_t i = 0; i < exchange->account_count; i++) {
        const struct exchange_position *p = &exchange->accounts[i].positions[instrument];
        sum += p->qty;
        if (p->qty == 0 ? p->cost != 0 : (p->qty > 0 ? p->cost < 0 : p->cost > 0)) {
            snprintf(why, cap, "%s in %s: %lld cost %lld", exchange->accounts[i].config.name,
                     exchange->instruments[instrument].config.symbol, (long long)p->qty,
                     (long long)p->cost);
            return false;
        }
    }
    if (sum != 0)
        snprintf(why, cap, "%s: longs are not shorts",
                 exchange->instruments[instrument].config.symbol);
    return sum == 0;
}

static bool orders_are_sound(const struct exchange *exchange, uint32_t at, char *why, size_t cap)
{
    const struct exchange_account *account = &exchange->accounts[at];
    i128 holds[EXCHANGE_ASSETS_MAX] = { 0 };

    for (const struct exchange_order *o = account->first_open; o; o = o->next_of_account) {
        if (!exchange_is_open(o) || o->account != at || !o->match.is_resting ||
            o->filled_qty + o->prevented_qty + o->match.leaves != o->qty || o->hold < 0) {
            snprintf(why, cap, "order %llu of %s is not sound", (unsigned long long)o->id,
                     account->config.name);
            return false;
        }
        holds[exchange_hold_asset(exchange, o)] += o->hold;
    }
    for (uint32_t i = 0; i < exchange->asset_count; i++) {
        const struct exchange_balance *balance = &account->balances[i];
        if ((balance->free < 0 && !has_position_in(exchange, at, i)) || balance->locked < 0 ||
            holds[i] != balance->locked) {
            snprintf(why, cap, "%s of %s: free %lld, locked %lld, holds %lld", exchange->assets[i],
                     account->config.name, (long long)balance->free, (long long)balance->locked,
                     (long long)holds[i]);
            return false;
        }
    }
    return true;
}

static bool asset_is_conserved(const struct exchange *exchange, uint32_t asset, char *why,
                               size_t cap)
{
    i128 have = (i128)exchange->fees[asset] + exchange->insurance[asset], deposited = 0;

    for (uint32_t i = 0; i < exchange->account_count; i++) {
        const struct exchange_balance *balance = &exchange->accounts[i].balances[asset];
        have += (i128)balance->free + balance->locked;
        deposited += balance->deposited;
        for (uint32_t k = 0; k < exchange->instrument_count; k++)
            if (exchange->instruments[k].quote == asset)
                have -= exchange->accounts[i].positions[k].cost;
    }
    if (have != deposited)
        snprintf(why, cap, "%s: %lld more than deposited", exchange->assets[asset],
                 (long long)(have - deposited));
    return have == deposited;
}

bool exchange_check(const struct exchange *exchange, char *why, size_t cap)
{
    for (uint32_t i = 0; i < exchange->instrument_count; i++)
        if (!match_check(&exchange->instruments[i].book)) {
            snprintf(why, cap, "book of %s is not sound", exchange->instruments[i].config.symbol);
            return false;
        }
    for (uint32_t i = 0; i < exchange->instrument_count; i++)
        if (!positions_are_sound(exchange, i, why, cap))
            return false;
    for (uint32_t i = 0; i < exchange->account_count; i++)
        if (!orders_are_sound(exchange, i, why, cap))
            return false;
    for (uint32_t i = 0; i < exchange->asset_count; i++)
        if (!asset_is_conserved(exchange, i, why, cap))
            return false;
    return true;
}
