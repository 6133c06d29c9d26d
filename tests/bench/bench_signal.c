/* What signal_core costs per event of 6001, best of many rounds on one core: 20 names on six spot
 * books and three perpetual ones (180 books, 1,440 directions), a delta of one book at a time. Once
 * where no venue is away from the others, once where the perpetuals stand so high that every
 * direction into one is open. Fails above the budgets, which leave room for a slow machine. */
#include "signal_engine/signal_core.h"

#include "common/pure/instrument.h"
#include "common/pure/topology.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { NAMES = 20, BOOKS = 9, ROUNDS = 50, EVENTS = 20000, LEVELS = 50 };

static struct market market;
static struct signal_core core;
static struct wire_book_delta event;
static uint64_t ids[NAMES][BOOKS];
static uint64_t said;
static int is_over;
static int64_t now_ns;

static double clock_ns(void)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec * 1e9 + (double)at.tv_nsec;
}

static void say(const char *what, double ns, double budget_ns)
{
    printf("%-52s %6.0f ns (budget %.0f)\n", what, ns, budget_ns);
    is_over |= ns > budget_ns;
}

static void publish(void *ctx, struct wire_header *header)
{
    (void)ctx;
    (void)header;
    said++;
}

static void need_snapshot(void *ctx, uint64_t instrument)
{
    (void)ctx;
    (void)instrument;
}

static const struct signal_out out = { NULL, publish, need_snapshot };

static void define(int name, int book)
{
    struct wire_instrument definition;
    bool is_spot = book < 6;

    WIRE_BEGIN(&definition, instrument);
    definition.header.account = (uint16_t)(book % 6 + 1);
    definition.header.publisher = PUBLISHER(ROLE_MARKET_GATEWAY, book % 6 + 1);
    snprintf(definition.venue, sizeof definition.venue, "venue%d", book % 6);
    snprintf(definition.symbol, sizeof definition.symbol, "C%dUSDT", name);
    snprintf(definition.name, sizeof definition.name, "C%d-USDT%s", name, is_spot ? "" : "-PERP");
    snprintf(definition.base, sizeof definition.base, "C%d", name);
    strcpy(definition.quote, "USDT");
    strcpy(definition.settle, "USDT");
    definition.kind = is_spot ? INSTRUMENT_SPOT : INSTRUMENT_PERPETUAL;
    definition.header.instrument = ids[name][book] =
        instrument_id(definition.venue, definition.kind, definition.symbol);
    definition.tick_size = definition.lot_size = definition.min_qty = 1000000;
    definition.taker_fee_ppm = 1000;
    definition.price_exp = definition.qty_exp = definition.amount_exp = 8;
    definition.state = TRADING_OPEN;
    signal_core_event(&core, &definition.header, 1, &out);
}

static void derive(uint64_t instrument)
{
    struct wire_mark_price mark;
    struct wire_funding funding;

    WIRE_BEGIN(&mark, mark_price);
    mark.header.instrument = instrument;
    mark.mark_price = INT64_C(5000000000000);
    mark.price_exp = 8;
    signal_core_event(&core, &mark.header, 1, &out);
    WIRE_BEGIN(&funding, funding);
    funding.header.instrument = instrument;
    funding.rate_ppb = 100000;
    signal_core_event(&core, &funding.header, 1, &out);
}

static void begin_event(enum wire_type type, uint64_t instrument)
{
    wire_book_begin(&event, type);
    event.header.instrument = instrument;
    event.price_exp = event.qty_exp = 8;
    event.is_last = 1;
}

/* Around 50,000.00 + shift, a cent between levels. */
static void snapshot(uint64_t instrument, int64_t shift)
{
    begin_event(WIRE_book_snapshot, instrument);
    event.bid_count = event.ask_count = LEVELS;
    for (int i = 0; i < LEVELS; i++) {
        event.levels[i].price = INT64_C(5000000000000) + shift - (i + 1) * INT64_C(1000000);
        event.levels[LEVELS + i].price = INT64_C(5000000000000) + shift + i * INT64_C(1000000);
        event.levels[i].qty = event.levels[LEVELS + i].qty = INT64_C(10000000);
    }
    wire_book_end(&event);
    signal_core_event(&core, &event.header, 2, &out);
}

static double run(int64_t perpetuals_shift)
{
    const struct signal_config config = { .min_edge_ppm = 100,
                                          .min_net = 1000000,
                                          .max_notional = INT64_C(2000000000000),
                                          .basis_min_edge_ppm = 100,
                                          .basis_every_ns = 20 * NS_PER_MS,
                                          .max_age_ns = 1000 * NS_PER_S,
                                          .mark_max_age_ns = 1000 * NS_PER_S,
                                          .funding_max_age_ns = 1000 * NS_PER_S,
                                          .valid_ns = 200 * NS_PER_MS };
    double best = 1e12;
    uint64_t dice = 88172645463325252u;

    now_ns = NS_PER_S;
    signal_core_init(&core, &config, &market);
    for (int name = 0; name < NAMES; name++)
        for (int book = 0; book < BOOKS; book++) {
            define(name, book);
            if (book >= 6)
                derive(ids[name][book]);
            snapshot(ids[name][book], book >= 6 ? perpetuals_shift : 0);
        }
    for (int round = 0; round < ROUNDS; round++) {
        double start = clock_ns();
        for (int i = 0; i < EVENTS; i++) {
            dice ^= dice << 13, dice ^= dice >> 7, dice ^= dice << 17;
            int name = (int)(dice % NAMES), book = (int)(dice >> 32) & 7;
            int64_t shift = book >= 6 ? perpetuals_shift : 0;

            /* 6,000 events a second. A quantity near the top of one side changes. */
            now_ns += NS_PER_S / 6000;
            begin_event(WIRE_book_delta, ids[name][book]);
            event.bid_count = 1;
            event.levels[0].price =
                INT64_C(5000000000000) + shift - (int64_t)((dice >> 40) % 8 + 1) * INT64_C(1000000);
            event.levels[0].qty = (int64_t)((dice >> 20) % 100 + 1) * INT64_C(1000000);
            wire_book_end(&event);
            signal_core_event(&core, &event.header, now_ns, &out);
        }
        best = MIN(best, (clock_ns() - start) / EVENTS);
    }
    return best;
}

int main(void)
{
    if (market_init(&market, NAMES * BOOKS, 1000) != 0)
        return 1;
    say("book delta, 16 directions looked at, none open", run(0), 3000);
    printf("pairs %u, said %llu\n", core.pair_count, (unsigned long long)said);
    said = 0;
    market_fini(&market);
    if (market_init(&market, NAMES * BOOKS, 1000) != 0)
        return 1;
    say("book delta, every basis open", run(INT64_C(50000000000)), 8000);
    printf("pairs %u, said %llu\n", core.pair_count, (unsigned long long)said);
    double start = clock_ns();
    for (int i = 0; i < 1000; i++)
        signal_core_tick(&core, now_ns, &out);
    say("tick, every basis open", (clock_ns() - start) / 1000, 100000);
    market_fini(&market);
    return is_over;
}
