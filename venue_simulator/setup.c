/* setup.c - from sections of the ini file to venues that stand ready. */
#include "venue_simulator/simulator.h"

#include "common/leaf/err.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { SECTIONS_MAX = 512 };

/* Funds of the background market: more than it can lose, and far from the end of 64 bits. */
#define BACKGROUND_FUNDS (INT64_C(1000000000) * EXCHANGE_ONE)

struct plan {
    struct simulator *simulator;
    const char *ini;
    FILE *errors;
    int64_t now_ns;
    struct instrument_settings instruments[SECTIONS_MAX];
    struct account_settings accounts[SECTIONS_MAX];
    char account_names[SECTIONS_MAX][64];
    struct market_settings markets[CROWD_PAIRS_MAX];
    char market_names[CROWD_PAIRS_MAX][64], names[SECTIONS_MAX][64];
    size_t instrument_count, account_count, market_count;
};

static int refuse(const struct plan *plan, const char *section, const char *what)
{
    fprintf(plan->errors, "%s: [%s] %s\n", plan->ini, section, what);
    return ERR_CONFIG;
}

/* ---- reading ---- */

static int read_sections(struct plan *plan)
{
    char(*names)[64] = plan->names;
    int err = 0;
    int count = config_sections(plan->ini, "INSTRUMENT_", names, SECTIONS_MAX);

    for (int i = 0; i < count && !err; i++)
        err = config_section_load(&plan->instruments[plan->instrument_count++],
                                  instrument_section_keys, instrument_section_key_count, plan->ini,
                                  names[i], plan->errors);
    count = err ? 0 : config_sections(plan->ini, "ACCOUNT_", names, SECTIONS_MAX);
    for (int i = 0; i < count && !err; i++) {
        memcpy(plan->account_names[plan->account_count], names[i], 64);
        err = config_section_load(&plan->accounts[plan->account_count++], account_section_keys,
                                  account_section_key_count, plan->ini, names[i], plan->errors);
    }
    count = err ? 0 : config_sections(plan->ini, "MARKET_", names, SECTIONS_MAX);
    for (int i = 0; i < count && !err; i++) {
        if (i == CROWD_PAIRS_MAX)
            return refuse(plan, names[i], "too many markets");
        memcpy(plan->market_names[i], names[i], 64);
        plan->market_count++;
        err = config_section_load(&plan->markets[i], market_section_keys, market_section_key_count,
                                  plan->ini, names[i], plan->errors);
    }
    return err;
}

/* MARKET_BTC_USDT is the market of every instrument with that base and quote. */
static const struct market_settings *market_of(const struct plan *plan,
                                               const struct instrument_settings *instrument,
                                               size_t *at)
{
    char name[64];

    snprintf(name, sizeof(name), "MARKET_%.24s_%.24s", instrument->base, instrument->quote);
    for (size_t i = 0; i < plan->market_count; i++)
        if (strcasecmp(plan->market_names[i], name) == 0) {
            if (at)
                *at = i;
            return &plan->markets[i];
        }
    return NULL;
}

/* ---- a venue's exchange ---- */

static int instrument_config(const struct plan *plan, const struct instrument_settings *from,
                             struct exchange_instrument_config *out)
{
    const struct market_settings *market = market_of(plan, from, NULL);

    if (!market)
        return refuse(plan, from->symbol, "there is no MARKET_BASE_QUOTE section for it");
    if (strcasecmp(from->kind, "spot") != 0 && strcasecmp(from->kind, "perpetual") != 0)
        return refuse(plan, from->symbol, "KIND: spot or perpetual");
    *out = (struct exchange_instrument_config){
        .tick = from->tick,
        .lot = from->lot,
        .min_price = from->min_price,
        .max_price = from->max_price,
        .min_qty = from->min_qty,
        .max_qty = from->max_qty,
        .market_max_qty = from->market_max_qty,
        .min_notional = from->min_notional,
        .max_notional = from->max_notional,
        .band_ppm = from->band_ppm,
        .max_orders = (uint32_t)from->max_orders,
        .max_amends = (uint32_t)from->max_amends,
        .price_decimals = (int)from->price_decimals,
        .qty_decimals = (int)from->qty_decimals,
        .start_price = market->start_price - market->start_price % from->tick,
        .kind = strcasecmp(from->kind, "perpetual") == 0 ? INSTRUMENT_PERPETUAL : INSTRUMENT_SPOT,
        .contract_size = from->contract_size,
        .leverage = (uint32_t)from->leverage,
        .max_leverage = (uint32_t)from->max_leverage,
        .maintenance_ppm = (int32_t)from->maintenance_ppm,
        .funding_interval_ns = from->funding_interval_s * NS_PER_S,
        .funding_cap_ppb = from->funding_cap_ppb,
        .interest_ppb = from->interest_ppb,
    };
    snprintf(out->symbol, sizeof(out->symbol), "%.31s", from->symbol);
    snprintf(out->base, sizeof(out->base), "%.15s", from->base);
    snprintf(out->quote, sizeof(out->quote), "%.15s", from->quote);
    return 0;
}

static int add_account(struct plan *plan, struct server_venue *venue, size_t from,
                       struct exchange_account_config *out)
{
    const struct account_settings *account = &plan->accounts[from];
    struct sim_account *to = &venue->accounts[venue->sim.account_count];

    if (strlen(account->key) >= sizeof(to->key) || strlen(account->secret) >= sizeof(to->secret) ||
        strlen(account->passphrase) >= sizeof(to->passphrase))
        return refuse(plan, plan->account_names[from], "KEY, SECRET or PASSPHRASE is too long");
    snprintf(to->name, sizeof(to->name), "%.31s", plan->account_names[from] + strlen("ACCOUNT_"));
    snprintf(to->key, sizeof(to->key), "%s", account->key);
    snprintf(to->secret, sizeof(to->secret), "%s", account->secret);
    snprintf(to->passphrase, sizeof(to->passphrase), "%s", account->passphrase);
    to->account = 2 + venue->sim.account_count++;
    *out = (struct exchange_account_config){ .maker_fee_ppm = (int32_t)account->maker_fee_ppm,
                                             .taker_fee_ppm = (int32_t)account->taker_fee_ppm };
    snprintf(out->name, sizeof(out->name), "%s", to->name);
    return 0;
}

/* "BTC:2 USDT:1000.5" */
static int fund(struct plan *plan, struct server_venue *venue, size_t from, uint32_t account)
{
    char text[CONFIG_TEXT_MAX], *rest = NULL;
    const char *section = plan->account_names[from];

    memcpy(text, plan->accounts[from].balances, sizeof(text));
    for (char *pair = strtok_r(text, " ,", &rest); pair; pair = strtok_r(NULL, " ,", &rest)) {
        char *colon = strchr(pair, ':');
        int64_t amount;
        if (!colon || sim_decimal(colon + 1, strlen(colon + 1), &amount) != 0 || amount < 0)
            return refuse(plan, section, "BALANCES is a list of ASSET:AMOUNT");
        *colon = 0;
        uint32_t asset = exchange_asset(&venue->exchange, pair);
        if (asset == EXCHANGE_NONE)
            return refuse(plan, section, "BALANCES names an asset of no instrument");
        (void)exchange_transfer(&venue->exchange, account, asset, amount, plan->now_ns);
    }
    return 0;
}

static void on_exchange_event(void *ctx, const struct exchange_event *event)
{
    struct server_venue *venue = ctx;

    if (venue->sim.state)
        venue->side->event(&venue->sim, event);
}

static int open_exchange(struct plan *plan, struct server_venue *venue)
{
    static const char background[][8] = { "maker", "taker" };
    struct exchange_instrument_config instruments[EXCHANGE_INSTRUMENTS_MAX];
    struct exchange_account_config accounts[EXCHANGE_ACCOUNTS_MAX] = { 0 };
    size_t owner[EXCHANGE_ACCOUNTS_MAX];
    const struct simulator_settings *settings = plan->simulator->settings;
    struct exchange_config config = {
        .instruments = instruments,
        .accounts = accounts,
        .account_count = 2,
        .fee_asset = venue->side->fee_asset,
        .is_reduce_only_refused = venue->side->is_reduce_only_refused,
        .orders_max = (uint32_t)settings->orders_max,
        .background_orders_max = (uint32_t)settings->background_orders_max,
        .executions_max = (uint32_t)settings->executions_max,
        .levels_max = (uint32_t)settings->levels_max,
        /* Ids and sequence numbers do not begin anew with each start of the simulator: a client
         * that remembers an order of before must not find a stranger under its number. */
        .first_order_id = (uint64_t)(plan->now_ns / NS_PER_S) * 10000,
        .first_trade_id = (uint64_t)(plan->now_ns / NS_PER_S) * 100,
        .first_update_id = (uint64_t)(plan->now_ns / NS_PER_S) * 10000,
    };
    int err = 0;

    snprintf(config.venue, sizeof(config.venue), "%s", venue->side->name);
    for (int i = 0; i < 2; i++) {
        accounts[i].is_background = true;
        snprintf(accounts[i].name, sizeof(accounts[i].name), "market %s", background[i]);
    }
    for (size_t i = 0; i < plan->instrument_count && !err; i++) {
        if (strcasecmp(plan->instruments[i].venue, venue->side->name) != 0)
            continue;
        if (config.instrument_count == EXCHANGE_INSTRUMENTS_MAX)
            return refuse(plan, plan->instruments[i].symbol, "too many instruments");
        err =
            instrument_config(plan, &plan->instruments[i], &instruments[config.instrument_count++]);
    }
    for (size_t i = 0; i < plan->account_count && !err; i++) {
        if (strcasecmp(plan->accounts[i].venue, venue->side->name) != 0)
            continue;
        if (config.account_count == EXCHANGE_ACCOUNTS_MAX)
            return refuse(plan, plan->account_names[i], "too many accounts");
        owner[config.account_count] = i;
        err = add_account(plan, venue, i, &accounts[config.account_count++]);
    }
    if (err)
        return err;
    venue->exchange_memory = calloc(1, exchange_memory(&config));
    if (!venue->exchange_memory)
        return ERR_SYS;
    if (exchange_init(&venue->exchange, &config, venue->exchange_memory, on_exchange_event,
                      venue) != 0)
        return refuse(plan, venue->side->name, "its instruments or accounts are out of bounds");
    for (uint32_t account = 0; account < config.account_count && !err; account++) {
        for (uint32_t asset = 0; account < 2 && asset < venue->exchange.asset_count; asset++)
            (void)exchange_transfer(&venue->exchange, account, asset, BACKGROUND_FUNDS,
                                    plan->now_ns);
        if (account >= 2)
            err = fund(plan, venue, owner[account], account);
    }
    return err;
}

static int parse_ports(const struct plan *plan, const char *section, const char *text,
                       struct server_venue *venue)
{
    unsigned wanted = 0;
    char *end;

    while (venue->side->listeners[wanted])
        wanted++;
    for (unsigned i = 0; i < wanted; i++) {
        long port = strtol(text, &end, 10);
        if (end == text || port < 1 || port > 65535)
            return refuse(plan, section, "WS_PORTS: a port is missing or wrong");
        venue->ws_ports[i] = (uint16_t)port;
        text = end + strspn(end, " ,");
    }
    return *text ? refuse(plan, section, "WS_PORTS: more ports than hosts") : 0;
}

static int add_venue(struct plan *plan, const char *section)
{
    struct simulator *simulator = plan->simulator;
    struct venue_settings settings = { 0 };
    int err = config_section_load(&settings, venue_section_keys, venue_section_key_count, plan->ini,
                                  section, plan->errors);

    if (err)
        return err;
    if (simulator->venue_count == SERVER_VENUES_MAX)
        return refuse(plan, section, "too many venues");
    struct server_venue *venue = &simulator->venues[simulator->venue_count++];
    venue->side = sim_venue_find(section + strlen("VENUE_"));
    if (!venue->side)
        return refuse(plan, section, "there is no such venue in the simulator");
    venue->rest_port = (uint16_t)settings.rest_port;
    venue->sim = (struct sim){ .venue = venue->side->name,
                               .exchange = &venue->exchange,
                               .accounts = venue->accounts,
                               .now_ns = plan->now_ns,
                               .seed = (uint64_t)simulator->settings->seed +
                                       simulator->venue_count * 1000003,
                               .are_limits_off = !simulator->settings->has_limits,
                               .options = venue->options };
    snprintf(venue->options, sizeof(venue->options), "%.127s", settings.options);
    err = parse_ports(plan, section, settings.ws_ports, venue);
    if (!err)
        err = open_exchange(plan, venue);
    if (err)
        return err;
    void *state = calloc(1, venue->side->state_size);
    if (!state)
        return ERR_SYS;
    venue->sim.state = state;
    return venue->side->init(&venue->sim);
}

/* ---- the market ---- */

static struct crowd_config market_config(const struct market_settings *from)
{
    return (struct crowd_config){
        .start_price = from->start_price,
        .volatility_ppm = from->volatility_ppm,
        .half_spread_ppm = from->half_spread_ppm,
        .step_ppm = from->step_ppm,
        .levels = from->levels,
        .level_qty = from->level_qty,
        .requotes_per_s = from->requotes_per_s,
        .takers_per_s = from->takers_per_s,
        .taker_qty = from->taker_qty,
        .noise_ppm = from->noise_ppm,
        .dislocation_every_ms = from->dislocation_every_ms,
        .dislocation_min_ppm = from->dislocation_min_ppm,
        .dislocation_max_ppm = from->dislocation_max_ppm,
        .dislocation_ms = from->dislocation_ms,
        .basis_ppm = from->basis_ppm,
        .liquidation_every_ms = from->liquidation_every_ms,
    };
}

static int add_places(struct plan *plan, struct server_venue *venue)
{
    struct simulator *simulator = plan->simulator;
    struct venue_settings settings = { 0 };
    char section[64];
    size_t pair = 0;
    uint32_t at = 0;

    snprintf(section, sizeof(section), "VENUE_%s", venue->side->name);
    int err = config_section_load(&settings, venue_section_keys, venue_section_key_count, plan->ini,
                                  section, plan->errors);
    for (size_t i = 0; i < plan->instrument_count && !err; i++) {
        const struct instrument_settings *instrument = &plan->instruments[i];
        if (strcasecmp(instrument->venue, venue->side->name) != 0)
            continue;
        (void)market_of(plan, instrument, &pair);
        /* In the order that they were given to the exchange in. */
        err = crowd_add_place(&simulator->crowd, (int)pair, &venue->exchange, at++, 0, 1,
                              settings.lag_ms, venue->sim.seed + i);
    }
    return err;
}

int simulator_build(struct simulator *simulator, struct simulator_settings *settings,
                    const char *ini, int64_t now_ns, FILE *errors)
{
    struct plan *plan = calloc(1, sizeof(*plan));

    if (!plan)
        return ERR_SYS;
    *simulator = (struct simulator){ .settings = settings, .started_ns = now_ns };
    *plan = (struct plan){ .simulator = simulator, .ini = ini, .errors = errors, .now_ns = now_ns };
    crowd_init(&simulator->crowd);
    simulator->crowd.is_paused = !settings->has_market;
    simulator->is_quiet = !settings->has_market;
    int err = read_sections(plan);
    for (size_t i = 0; i < plan->market_count && !err; i++) {
        struct crowd_config config = market_config(&plan->markets[i]);
        if (crowd_add_pair(&simulator->crowd, &config, (uint64_t)settings->seed + i) < 0)
            err = refuse(plan, plan->market_names[i], "values do not fit together");
    }
    int count = err ? 0 : config_sections(ini, "VENUE_", plan->names, SECTIONS_MAX);
    for (int i = 0; i < count && !err; i++)
        err = add_venue(plan, plan->names[i]);
    for (size_t i = 0; i < simulator->venue_count && !err; i++)
        err = add_places(plan, &simulator->venues[i]);
    if (!err && simulator->venue_count == 0)
        err = refuse(plan, "VENUE_binance", "no venue is configured");
    free(plan);
    return err;
}

void simulator_fini(struct simulator *simulator)
{
    for (size_t i = 0; i < simulator->venue_count; i++) {
        struct server_venue *venue = &simulator->venues[i];
        if (venue->sim.state)
            venue->side->fini(&venue->sim);
        free(venue->sim.state);
        free(venue->exchange_memory);
    }
    *simulator = (struct simulator){ 0 };
}

void simulator_step(struct simulator *simulator, int64_t steps)
{
    if (simulator->venue_count == 0)
        return;
    for (int64_t i = 0; i < steps; i++)
        crowd_step(&simulator->crowd, simulator->venues[0].sim.now_ns);
    for (size_t i = 0; i < simulator->venue_count; i++) {
        struct server_venue *venue = &simulator->venues[i];
        exchange_tick(&venue->exchange, venue->sim.now_ns);
        venue->side->tick(&venue->sim);
    }
}
