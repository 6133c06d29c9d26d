/* A venue's life: its instruments and accounts, and what happens by itself. */
#include "common/leaf/err.h"
#include "common/pure/instrument.h"
#include "tests/simulation/venue_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void venue_step(struct sim_venue *venue)
{
    if (venue->dead_man_ns && venue->sim->now_ns >= venue->dead_man_ns) {
        venue->dead_man_ns = 0;
        (void)exchange_cancel_all(&venue->exchange, venue->main, EXCHANGE_NONE, CAUSE_DEAD_MAN,
                                  sim_wall(venue->sim));
    }
    exchange_tick(&venue->exchange, sim_wall(venue->sim));
    if (venue->is_stream_up && sim_strikes(venue->sim, FAULT_STREAM_LOST))
        venue_stream_break(venue);
}

static void define(struct sim_venue *venue, unsigned i, const struct exchange_instrument_config *c)
{
    static const char *const names[VENUE_PAIRS] = { "BTC-USDT", "ETH-USDT", "BTC-USDT-PERP" };
    struct wire_instrument *d = &venue->definitions[i];

    WIRE_BEGIN(d, instrument);
    d->header.account = venue->account;
    d->header.publisher = PUBLISHER(ROLE_MARKET_GATEWAY, venue->account);
    d->header.instrument = instrument_id(venue->name, c->kind, c->symbol);
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
    d->kind = c->kind;
    d->state = TRADING_OPEN;
    d->maker_fee_ppm = 200;
    d->taker_fee_ppm = 400;
}

int venue_init(struct sim_venue *venue, struct world *world, uint16_t account)
{
    /* The perpetual has the symbol of its spot pair, as some venues have it. */
    static const char *const symbols[2][VENUE_PAIRS] = { { "BTCUSDT", "ETHUSDT", "BTCUSDT" },
                                                         { "BTC/USDT", "ETH/USDT", "BTC/USDT" } };
    static const char *const bases[VENUE_PAIRS] = { "BTC", "ETH", "BTC" };
    static const int64_t starts[VENUE_PAIRS] = { 60000, 3000, 60000 };
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
        c->kind = i == VENUE_PERPETUAL ? INSTRUMENT_PERPETUAL : INSTRUMENT_SPOT;
        if (i == VENUE_PERPETUAL) {
            c->leverage = 10;
            c->funding_interval_ns = 5 * NS_PER_S; /* Hours would never come here. */
            c->interest_ppb = 10000;
        }
        define(venue, i, c);
    }
    size_t size = exchange_memory(&config);
    venue->memory = aligned_alloc(64, (size + 63) / 64 * 64);
    if (!venue->memory)
        return ERR_SYS;
    memset(venue->memory, 0, size);
    int err = exchange_init(&venue->exchange, &config, venue->memory, venue_on_exchange, venue);
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
