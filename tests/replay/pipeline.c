/* replay_pipeline: a real capture through the whole pipeline in one process, on the capture's own
 * time: feed codec, signal_core, market_maker in runner_core, engine_core in dry run, position_core
 * and risk_core, the same objects as live. What it decides depends on the capture and the seed
 * alone: the digest of every order and execution says so. What it measures (wall time of each
 * stage) is this machine's. */
#include "common/leaf/err.h"
#include "common/leaf/fixed.h"
#include "common/pure/crypto.h"
#include "common/pure/histogram.h"
#include "common/pure/instrument.h"
#include "common/pure/topology.h"
#include "market_gateway/replay.h"
#include "position_server/position_core.h"
#include "risk_monitor/risk_core.h"
#include "signal_engine/signal_core.h"
#include "strategy_runner/runner_core.h"
#include "strategy_runner/strategies/strategies.h"
#include "tests/simulation/sim.h"
#include "trading_engine/engine_core.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WHOLE(n) ((int64_t)(n)*INT64_C(100000000))

enum { ACCOUNT = 1, LEVELS = 8192, SYMBOLS = 4, TICK_MS = 10, BEAT_MS = 100 };

enum stage { STAGE_DECODE, STAGE_SIGNAL, STAGE_RUNNER, STAGE_ENGINE, STAGE_POSITION, STAGE_TOTAL };
static const char *const stage_names[] = { "decode", "signal",    "runner",
                                           "engine", "positions", "tick_to_order" };

enum consumer { TO_SIGNAL, TO_RUNNER, TO_ENGINE, TO_POSITION, TO_RISK, CONSUMERS };
static const enum role consumer_roles[CONSUMERS] = { ROLE_SIGNAL_ENGINE, ROLE_STRATEGY_RUNNER,
                                                     ROLE_TRADING_ENGINE, ROLE_POSITION_SERVER,
                                                     ROLE_RISK_MONITOR };

/* An event on its way, and the wall time that was spent on it so far. */
struct parcel {
    int64_t cost_ns;
    _Alignas(16) unsigned char bytes[];
};

static struct pipeline {
    struct sim sim; /* Schedule and dice: the time that each hop of the bus takes. */
    struct replay *replay;
    struct market markets[3];
    struct signal_core signals;
    struct runner_core runner;
    struct engine_core *engine;
    struct position_core positions;
    struct risk_core risk;
    struct book books[1];
    struct wire_instrument definitions[SYMBOLS];
    unsigned definition_count;
    const char *venue;
    wire_instrument_kind kind;
    char symbol[32], name[32], base[16], quote[16];
    int64_t tick_size, lot_size, half_spread_ppm, quote_qty;
    int32_t maker_fee_ppm, taker_fee_ppm;
    int64_t due_ns[CONSUMERS];
    uint64_t seq[256];
    int64_t turn_began_ns, turn_cost_ns; /* Of what runs now. */
    struct histogram latency[STAGE_TOTAL + 1];
    uint8_t digest[32];
    struct wire_pnl pnl;
    uint64_t intents, accepted, rejected, cancelled, replaced, fills, buys, opportunities;
    bool prints_orders, has_ended;
    double speed;
} * pipe;

static int64_t real_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* ---- the bus: seeded hops, order kept ---- */

static void to_signal(const struct wire_header *event);
static void to_engine(const struct wire_header *event);

static void deliver(void *ctx, void *payload, uint64_t to)
{
    static const enum stage stages[CONSUMERS] = { STAGE_SIGNAL, STAGE_RUNNER, STAGE_ENGINE,
                                                  STAGE_POSITION, STAGE_TOTAL };
    static union wire_event copy;
    const struct parcel *parcel = payload;
    const struct wire_header *head = (const void *)parcel->bytes;
    int64_t now_ns = pipe->sim.now_ns;

    (void)ctx;
    memcpy(&copy, head, head->size);
    pipe->turn_cost_ns = parcel->cost_ns;
    pipe->turn_began_ns = real_ns();
    switch ((enum consumer)to) {
    case TO_SIGNAL:
        to_signal(&copy.header);
        break;
    case TO_RUNNER:
        if (copy.header.type == WIRE_heartbeat)
            runner_core_heard(&pipe->runner, copy.header.publisher, copy.heartbeat.port, now_ns);
        else
            runner_core_event(&pipe->runner, &copy.header, now_ns);
        break;
    case TO_ENGINE:
        to_engine(&copy.header);
        break;
    case TO_POSITION:
        if (copy.header.type != WIRE_heartbeat)
            position_core_event(&pipe->positions, &copy.header, now_ns);
        break;
    default:
        if (copy.header.type == WIRE_heartbeat)
            risk_core_heard(&pipe->risk, copy.header.publisher, now_ns);
        else
            risk_core_event(&pipe->risk, &copy.header, now_ns);
        break;
    }
    int64_t took_ns = real_ns() - pipe->turn_began_ns;
    if (to != TO_RISK && copy.header.type != WIRE_heartbeat)
        histogram_add(&pipe->latency[stages[to]], took_ns);
    if (to == TO_ENGINE && copy.header.type == WIRE_order_request)
        histogram_add(&pipe->latency[STAGE_TOTAL], parcel->cost_ns + took_ns);
}

static void bus_send(enum role role, uint16_t instance, unsigned port, struct wire_header *event)
{
    event->publisher = PUBLISHER(role, instance);
    event->epoch = 1;
    event->seq = ++pipe->seq[event->type & 0xff];
    event->sent_ns = pipe->sim.now_ns;
    int err = wire_check(event, event->size);
    if (err) {
        fprintf(stderr, "%s published what wire_check refuses: %s\n", role_name(role),
                err_str(err));
        exit(EXIT_FAILURE);
    }
    int64_t cost_ns = pipe->turn_cost_ns + real_ns() - pipe->turn_began_ns;
    for (unsigned to = 0; to < CONSUMERS; to++) {
        if (!role_subscribes(consumer_roles[to], port))
            continue;
        struct parcel *parcel = malloc(sizeof(*parcel) + event->size);
        if (!parcel)
            abort();
        parcel->cost_ns = cost_ns;
        memcpy(parcel->bytes, event, event->size);
        /* Measured on a small machine: 40 to 120 us. */
        pipe->due_ns[to] =
            MAX(pipe->due_ns[to], pipe->sim.now_ns + sim_between(&pipe->sim, 40, 120) * NS_PER_US);
        sim_plan(&pipe->sim, pipe->due_ns[to], deliver, NULL, parcel, to);
    }
}

static void heartbeat(enum role role, uint16_t instance, unsigned port)
{
    struct wire_heartbeat beat;

    WIRE_BEGIN(&beat, heartbeat);
    beat.realtime_ns = pipe->sim.now_ns;
    beat.boot_id = 1;
    beat.port = (uint16_t)port;
    bus_send(role, instance, port, &beat.header);
}

/* ---- what is kept of orders and executions ---- */

static void keep(const struct wire_header *event)
{
    uint8_t next[32];

    sha256_two(pipe->digest, sizeof(pipe->digest), event, event->size, next);
    memcpy(pipe->digest, next, sizeof(next));
    if (pipe->prints_orders) {
        char text[2048];
        (void)wire_dump(event, text, sizeof(text));
        puts(text);
    }
}

static void count_order(const struct wire_order_event *event)
{
    pipe->accepted += event->kind == ORDER_EVENT_ACCEPTED;
    pipe->rejected += event->kind == ORDER_EVENT_REJECTED;
    pipe->cancelled += event->kind == ORDER_EVENT_CANCELLED;
    pipe->replaced += event->kind == ORDER_EVENT_REPLACED;
}

/* ---- the roles ---- */

static void ignore_snapshot(void *ctx, uint64_t instrument)
{
    (void)ctx;
    (void)instrument; /* Nothing is lost here: a book is whole or the capture has not begun it. */
}

static void ignore_state(void *ctx, unsigned port)
{
    (void)ctx;
    (void)port;
}

static void signal_publish(void *ctx, struct wire_header *event)
{
    (void)ctx;
    pipe->opportunities += event->type == WIRE_opportunity;
    bus_send(ROLE_SIGNAL_ENGINE, 0, STREAM_SIGNALS, event);
}

static const struct signal_out signal_outputs = { NULL, signal_publish, ignore_snapshot };

static void to_signal(const struct wire_header *event)
{
    if (wire_port(event->type) == STREAM_MARKET_DATA)
        signal_core_event(&pipe->signals, event, pipe->sim.now_ns, &signal_outputs);
}

static void runner_publish(void *ctx, unsigned port, struct wire_header *event)
{
    (void)ctx;
    bus_send(ROLE_STRATEGY_RUNNER, 0, port, event);
    if (port == STREAM_ORDERS && event->type != WIRE_cancel_all) {
        pipe->intents += event->type == WIRE_order_request;
        keep(event);
    }
}

static void engine_publish(void *ctx, struct wire_header *event)
{
    (void)ctx;
    bus_send(ROLE_TRADING_ENGINE, ACCOUNT, (unsigned)wire_port(event->type), event);
    if (event->type == WIRE_order_event)
        count_order((const struct wire_order_event *)(const void *)event);
    if (event->type == WIRE_trade_event) {
        pipe->fills++;
        pipe->buys += ((const struct wire_trade_event *)(const void *)event)->side == SIDE_BUY;
    }
    if (event->type == WIRE_order_event || event->type == WIRE_trade_event)
        keep(event);
}

static int engine_command(void *ctx, const struct venue_command *command, int64_t cause_ns)
{
    (void)ctx;
    (void)command;
    (void)cause_ns;
    return ERR_CLOSED; /* A dry run has no venue. */
}

static int engine_append(void *ctx, uint16_t type, const void *record, size_t size)
{
    (void)ctx;
    (void)type;
    (void)record;
    (void)size;
    return 0;
}

static void engine_note(void *ctx, enum engine_note_level level, const char *event,
                        const char *text)
{
    (void)ctx;
    if (level == NOTE_ERROR)
        fprintf(stderr, "engine: %s %s\n", event, text);
}

static void to_engine(const struct wire_header *event)
{
    engine_core_event(pipe->engine, event, pipe->sim.now_ns);
}

static void position_publish(void *ctx, unsigned port, struct wire_header *event)
{
    (void)ctx;
    if (event->type == WIRE_pnl && event->account == 0)
        memcpy(&pipe->pnl, event, sizeof(pipe->pnl));
    bus_send(ROLE_POSITION_SERVER, 0, port, event);
}

static int position_store_trade(void *ctx, const struct wire_trade_event *trade)
{
    (void)ctx;
    (void)trade;
    return 0;
}

static int position_store_account(void *ctx, const struct wire_account_event *event)
{
    (void)ctx;
    (void)event;
    return 0;
}

static void position_store_definition(void *ctx, const struct wire_instrument *definition)
{
    (void)ctx;
    (void)definition;
}

static void say(void *ctx, const char *event, const char *text)
{
    (void)ctx;
    fprintf(stderr, "%s %s\n", event, text);
}

static void risk_publish(void *ctx, struct wire_header *event)
{
    (void)ctx;
    bus_send(ROLE_RISK_MONITOR, 0, STREAM_RISK, event);
}

static int risk_save(void *ctx, const struct risk_saved *saved)
{
    (void)ctx;
    (void)saved;
    return 0;
}

static void risk_cancel_all(void *ctx, uint16_t account)
{
    (void)ctx;
    (void)account;
}

static void risk_note(void *ctx, const char *event, const char *text)
{
    (void)ctx;
    (void)event;
    (void)text;
}

/* ---- the gateway's part ---- */

/* A capture without exchangeInfo says nothing of ticks and lots: the command line does. */
static void define(uint64_t instrument)
{
    struct wire_instrument *d = &pipe->definitions[pipe->definition_count++];

    WIRE_BEGIN(d, instrument);
    d->header.account = ACCOUNT;
    d->header.instrument = instrument;
    snprintf(d->venue, sizeof(d->venue), "%s", pipe->venue);
    memcpy(d->symbol, pipe->symbol, sizeof(d->symbol));
    memcpy(d->name, pipe->name, sizeof(d->name));
    memcpy(d->base, pipe->base, sizeof(d->base));
    memcpy(d->quote, pipe->quote, sizeof(d->quote));
    memcpy(d->settle, pipe->quote, sizeof(d->settle));
    d->tick_size = pipe->tick_size;
    d->lot_size = d->min_qty = pipe->lot_size;
    d->min_notional = WHOLE(5);
    d->contract_size = WHOLE(1);
    d->maker_fee_ppm = pipe->maker_fee_ppm;
    d->taker_fee_ppm = pipe->taker_fee_ppm;
    d->price_exp = d->qty_exp = d->amount_exp = 8;
    d->price_decimals = d->qty_decimals = 8;
    d->kind = pipe->kind;
    d->state = TRADING_OPEN;
    struct wire_instrument copy = *d;
    bus_send(ROLE_MARKET_GATEWAY, ACCOUNT, STREAM_MARKET_DATA, &copy.header);
}

static void on_feed(void *ctx, struct wire_header *event)
{
    (void)ctx;
    event->account = ACCOUNT;
    if (pipe->definition_count == 0 &&
        event->instrument == instrument_id(pipe->venue, pipe->kind, pipe->symbol))
        define(event->instrument);
    bus_send(ROLE_MARKET_GATEWAY, ACCOUNT, STREAM_MARKET_DATA, event);
}

/* ---- time ---- */

static void begin_turn(void)
{
    pipe->turn_cost_ns = 0;
    pipe->turn_began_ns = real_ns();
}

static void tick(void *ctx, void *payload, uint64_t count)
{
    int64_t now_ns = pipe->sim.now_ns;

    (void)ctx;
    (void)payload;
    begin_turn();
    signal_core_tick(&pipe->signals, now_ns, &signal_outputs);
    begin_turn();
    runner_core_tick(&pipe->runner, now_ns);
    begin_turn();
    engine_core_tick(pipe->engine, now_ns, now_ns);
    begin_turn();
    position_core_durable(&pipe->positions);
    if (count % (BEAT_MS / TICK_MS) == 0) {
        position_core_tick(&pipe->positions, now_ns, now_ns);
        risk_core_tick(&pipe->risk, now_ns, now_ns);
        heartbeat(ROLE_MARKET_GATEWAY, ACCOUNT, STREAM_MARKET_DATA);
        heartbeat(ROLE_STRATEGY_RUNNER, 0, STREAM_ORDERS);
        heartbeat(ROLE_TRADING_ENGINE, ACCOUNT, STREAM_ORDER_STATUS);
        heartbeat(ROLE_POSITION_SERVER, 0, STREAM_POSITIONS);
    }
    if (!pipe->has_ended)
        sim_plan(&pipe->sim, now_ns + TICK_MS * NS_PER_MS, tick, NULL, NULL, count + 1);
}

static void run_to(int64_t until_ns)
{
    while (pipe->sim.count > 0 && pipe->sim.heap[0].at_ns <= until_ns)
        (void)sim_step(&pipe->sim);
    pipe->sim.now_ns = MAX(pipe->sim.now_ns, until_ns);
}

/* ---- begin ---- */

static void make_engine(void)
{
    static const char *names[1];
    static struct engine_config c;
    const struct engine_out out = { NULL, engine_publish, engine_command, engine_append,
                                    engine_note };
    const char *missing = NULL;

    names[0] = pipe->name;
    engine_core_defaults(&c);
    c.venue = pipe->venue;
    c.has_positions = venue_find(pipe->venue)->order->has_positions;
    c.account = ACCOUNT;
    c.environment = 'S';
    c.epoch = 1;
    c.boot_id = 1;
    c.is_dry_run = true;
    c.replace_keeps_id = true;
    c.maker_fee_ppm = pipe->maker_fee_ppm;
    c.taker_fee_ppm = pipe->taker_fee_ppm;
    c.paper_balances = "USDT=1000000 USD=1000000 BTC=20 ETH=300 BNB=1000";
    c.names = names;
    c.name_count = 1;
    c.books = pipe->books;
    c.limits = (struct engine_limits){ .order_qty_max = WHOLE(100),
                                       .order_notional_max = WHOLE(100000),
                                       .position_symbol_max = WHOLE(1000),
                                       .position_asset_max = WHOLE(1000),
                                       .daily_loss_max = WHOLE(100000),
                                       .collar_ppm = 50000,
                                       .book_age_max_ns = NS_PER_S,
                                       .open_orders_max = 50,
                                       .orders_per_s = 50,
                                       .messages_per_s = 100,
                                       .messages_burst = 100,
                                       .cancel_reserve = 20,
                                       .messages_per_min = 6000 };
    size_t size = (engine_core_size(&c) + 63) / 64 * 64;
    void *memory = aligned_alloc(64, size);
    if (!memory || book_init(&pipe->books[0], LEVELS, 8, 8) != 0)
        abort();
    int err = engine_core_init(memory, size, &c, &out, &pipe->engine, &missing);
    if (!err)
        err = engine_core_start(pipe->engine, true, pipe->sim.now_ns, pipe->sim.now_ns);
    if (err) {
        fprintf(stderr, "engine: %s %s\n", err_str(err), missing ? missing : "");
        exit(EXIT_FAILURE);
    }
}

static void make_runner(void)
{
    const struct runner_config config = { .session = 1,
                                          .resend_ns = 50 * NS_PER_MS,
                                          .ask_ns = 200 * NS_PER_MS,
                                          .deadline_ns = NS_PER_S,
                                          .engine_silence_ns = NS_PER_S,
                                          .risk_silence_ns = NS_PER_S,
                                          .positions_silence_ns = 5 * NS_PER_S,
                                          .book_max_age_ns = NS_PER_S };
    const struct runner_out out = { NULL, runner_publish, ignore_snapshot, ignore_state };
    struct maker_config maker = { .account = ACCOUNT,
                                  .quote_qty = pipe->quote_qty,
                                  .half_spread_ppm = pipe->half_spread_ppm,
                                  .skew_ppm = 50,
                                  .max_position = 20 * pipe->quote_qty,
                                  .requote_ppm = MAX(1, pipe->half_spread_ppm / 2),
                                  .min_quote_ns = 200 * NS_PER_MS };

    memcpy(maker.instrument, pipe->name, sizeof(maker.instrument));
    runner_core_init(&pipe->runner, &config, &pipe->markets[1], &out, pipe->sim.now_ns);
    if (runner_core_add(&pipe->runner, &strategy_market_maker, "maker", 1, WHOLE(1000000),
                        &maker) != 0)
        abort();
}

static void make_rest(void)
{
    const struct signal_config signals = { .min_edge_ppm = 50,
                                           .min_net = 1,
                                           .max_notional = WHOLE(5000),
                                           .max_age_ns = NS_PER_S,
                                           .valid_ns = 200 * NS_PER_MS,
                                           .epoch = 1 };
    struct position_config positions = { .mark_max_age_ns = 5 * NS_PER_S,
                                         .settle_ns = 2 * NS_PER_S,
                                         .replay_every_ns = 200 * NS_PER_MS };
    const struct position_out position_out = { NULL,
                                               position_publish,
                                               position_store_trade,
                                               position_store_account,
                                               position_store_definition,
                                               ignore_snapshot,
                                               say,
                                               NULL };
    struct risk_config risk = { .gross_exposure_max = WHOLE(10000000),
                                .daily_loss_max = WHOLE(100000),
                                .drawdown_max = WHOLE(100000),
                                .engine_silence_ns = NS_PER_S,
                                .engine_dead_ns = 10 * NS_PER_S,
                                .positions_silence_ns = 5 * NS_PER_S,
                                .unmarked_ns = 5 * NS_PER_S,
                                .engines = { ACCOUNT },
                                .engine_count = 1 };
    const struct risk_out risk_out = { NULL,      risk_publish, risk_save, risk_cancel_all,
                                       risk_note, NULL };

    memcpy(positions.reporting, pipe->quote, sizeof(positions.reporting));
    memcpy(risk.currency, pipe->quote, sizeof(risk.currency));
    signal_core_init(&pipe->signals, &signals, &pipe->markets[0]);
    position_core_init(&pipe->positions, &positions, &pipe->markets[2], &position_out);
    position_core_loaded(&pipe->positions, pipe->sim.now_ns);
    risk_core_init(&pipe->risk, &risk, &risk_out, NULL, pipe->sim.now_ns, pipe->sim.now_ns);
}

/* ---- play ---- */

static void wait_for(int64_t capture_ns, int64_t first_ns, int64_t began_ns)
{
    if (pipe->speed <= 0)
        return;
    int64_t due_ns = began_ns + (int64_t)((double)(capture_ns - first_ns) / pipe->speed);
    struct timespec due = { .tv_sec = due_ns / NS_PER_S, .tv_nsec = due_ns % NS_PER_S };
    (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
}

static int play(int64_t *length_ns)
{
    int64_t first_ns = 0, ts_ns = 0, began_ns = real_ns();
    int err;

    while ((err = replay_due(pipe->replay, &ts_ns)) == 0) {
        if (ts_ns && first_ns == 0) {
            first_ns = pipe->sim.now_ns = ts_ns;
            for (size_t i = 0; i < COUNT(pipe->markets); i++)
                if (market_init(&pipe->markets[i], SYMBOLS, LEVELS) != 0)
                    return ERR_SYS;
            make_engine();
            make_runner();
            make_rest();
            tick(NULL, NULL, 0);
        }
        if (first_ns == 0) {
            if ((err = replay_step(pipe->replay, 0)) != 0)
                break;
            continue;
        }
        wait_for(ts_ns, first_ns, began_ns);
        run_to(MAX(ts_ns, pipe->sim.now_ns));
        begin_turn();
        int64_t before_ns = real_ns();
        if ((err = replay_step(pipe->replay, 0)) != 0)
            break;
        histogram_add(&pipe->latency[STAGE_DECODE], real_ns() - before_ns);
    }
    if (first_ns == 0)
        return err ? err : ERR_NOT_FOUND;
    *length_ns = pipe->sim.now_ns - first_ns;
    runner_core_stop(&pipe->runner, pipe->sim.now_ns); /* Quotes are pulled before it ends. */
    run_to(pipe->sim.now_ns + NS_PER_S);
    pipe->has_ended = true;
    return err == ERR_NOT_FOUND ? 0 : err;
}

static void print_amount(const char *what, int64_t amount)
{
    printf("  %-12s %s%" PRId64 ".%08" PRId64 " %s\n", what, amount < 0 ? "-" : "",
           (amount < 0 ? -amount : amount) / WHOLE(1), (amount < 0 ? -amount : amount) % WHOLE(1),
           pipe->quote);
}

static void report(int64_t length_ns, double seconds)
{
    char text[65];

    printf("capture: %.1f s of %s in %.1f s (%.0fx)\n", (double)length_ns / 1e9, pipe->symbol,
           seconds, (double)length_ns / 1e9 / MAX(seconds, 1e-9));
    printf("orders: %" PRIu64 " intents, %" PRIu64 " accepted, %" PRIu64 " replaced, %" PRIu64
           " cancelled, %" PRIu64 " rejected\n",
           pipe->intents, pipe->accepted, pipe->replaced, pipe->cancelled, pipe->rejected);
    printf("fills (simulated): %" PRIu64 ", %" PRIu64 " bought, %" PRIu64 " sold; opportunities "
           "%" PRIu64 " (one venue: none)\n",
           pipe->fills, pipe->buys, pipe->fills - pipe->buys, pipe->opportunities);
    printf("pnl (fees of %d ppm maker, %d ppm taker):\n", pipe->maker_fee_ppm, pipe->taker_fee_ppm);
    print_amount("realised", pipe->pnl.realised);
    print_amount("unrealised", pipe->pnl.unrealised);
    print_amount("fees", pipe->pnl.fees);
    if (pipe->kind != INSTRUMENT_SPOT)
        print_amount("funding", pipe->pnl.funding);
    print_amount("net", pipe->pnl.net);
    printf("latency, wall time of each stage on this machine, us: p50 p99 max count\n");
    for (unsigned i = 0; i <= STAGE_TOTAL; i++)
        printf("  %-14s %8.2f %8.2f %8.2f %8" PRIu64 "\n", stage_names[i],
               (double)histogram_percentile(&pipe->latency[i], 50) / 1e3,
               (double)histogram_percentile(&pipe->latency[i], 99) / 1e3,
               (double)pipe->latency[i].max / 1e3, pipe->latency[i].count);
    hex_encode(pipe->digest, sizeof(pipe->digest), text);
    printf("digest: %s\n", text);
}

/* "BTCUSDT" is BTC of USDT: a capture has no metadata that would say it. */
static int split_symbol(const char *symbol)
{
    static const char *const quotes[] = { "USDT", "USDC", "FDUSD", "USD", "BTC", "ETH" };
    size_t len = strlen(symbol);

    for (size_t i = 0; i < COUNT(quotes); i++) {
        size_t tail = strlen(quotes[i]);
        if (len <= tail || len - tail > 15 || strcmp(symbol + len - tail, quotes[i]) != 0)
            continue;
        memcpy(pipe->symbol, symbol, len + 1);
        memcpy(pipe->base, symbol, len - tail);
        memcpy(pipe->quote, quotes[i], tail + 1);
        return 0;
    }
    return ERR_RANGE;
}

/* 0: not a decimal of at most eight places. */
static int64_t decimal(const char *text)
{
    int64_t value;

    return fixed_parse(text, strlen(text), 8, &value) == 0 ? value : 0;
}

static int usage(void)
{
    fprintf(stderr,
            "usage: replay_pipeline CAPTURE [--venue binance|binance_futures] [--symbol BTCUSDT]\n"
            "       [--tick 0.01] [--lot 0.00001]\n"
            "       [--quantity 0.01] [--half-spread-ppm 10] [--maker-fee-ppm 1000]\n"
            "       [--taker-fee-ppm 1000] [--speed X (0: as fast as it goes)] [--seed N] "
            "[--orders]\n");
    return EXIT_FAILURE;
}

static bool read_options(int argc, char **argv, uint64_t *seed)
{
    static const struct option longs[] = {
        { "venue", required_argument, NULL, 'v' },
        { "symbol", required_argument, NULL, 's' },
        { "tick", required_argument, NULL, 't' },
        { "lot", required_argument, NULL, 'l' },
        { "quantity", required_argument, NULL, 'q' },
        { "half-spread-ppm", required_argument, NULL, 'h' },
        { "maker-fee-ppm", required_argument, NULL, 'm' },
        { "taker-fee-ppm", required_argument, NULL, 'k' },
        { "speed", required_argument, NULL, 'x' },
        { "seed", required_argument, NULL, 'n' },
        { "orders", no_argument, NULL, 'o' },
        { 0 },
    };

    for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
        switch (c) {
        case 'v':
            pipe->venue = optarg;
            break;
        case 's':
            if (split_symbol(optarg) != 0)
                return false;
            break;
        case 't':
            pipe->tick_size = decimal(optarg);
            break;
        case 'l':
            pipe->lot_size = decimal(optarg);
            break;
        case 'q':
            pipe->quote_qty = decimal(optarg);
            break;
        case 'h':
            pipe->half_spread_ppm = strtoll(optarg, NULL, 10);
            break;
        case 'm':
            pipe->maker_fee_ppm = (int32_t)strtol(optarg, NULL, 10);
            break;
        case 'k':
            pipe->taker_fee_ppm = (int32_t)strtol(optarg, NULL, 10);
            break;
        case 'x':
            pipe->speed = strtod(optarg, NULL);
            break;
        case 'n':
            *seed = strtoull(optarg, NULL, 10);
            break;
        case 'o':
            pipe->prints_orders = true;
            break;
        default:
            return false;
        }
    }
    const struct venue *venue = venue_find(pipe->venue);
    if (!venue || !venue->feed || !venue->order)
        return false;
    pipe->venue = venue->name;
    pipe->kind = venue->order->has_positions ? INSTRUMENT_PERPETUAL : INSTRUMENT_SPOT;
    if (snprintf(pipe->name, sizeof(pipe->name), "%s-%s%s", pipe->base, pipe->quote,
                 pipe->kind == INSTRUMENT_PERPETUAL ? "-PERP" : "") >= (int)sizeof(pipe->name))
        return false;
    return optind + 1 == argc && pipe->tick_size > 0 && pipe->lot_size > 0 && pipe->quote_qty > 0 &&
           pipe->half_spread_ppm > 0;
}

int main(int argc, char **argv)
{
    struct replay_config config = { .event = on_feed, .note = say };
    uint64_t seed = 1;
    int64_t length_ns = 0;

    pipe = calloc(1, sizeof(*pipe));
    if (!pipe)
        return EXIT_FAILURE;
    pipe->venue = "binance";
    (void)split_symbol("BTCUSDT");
    pipe->tick_size = decimal("0.01");
    pipe->lot_size = decimal("0.00001");
    pipe->quote_qty = decimal("0.01");
    pipe->half_spread_ppm = 10;
    pipe->maker_fee_ppm = pipe->taker_fee_ppm = 1000;
    if (!read_options(argc, argv, &seed))
        return usage();
    sim_init(&pipe->sim, seed, false);
    pipe->sim.now_ns = 0;
    config.path = argv[optind];
    config.venue = venue_find(pipe->venue);
    config.maker_fee_ppm = pipe->maker_fee_ppm;
    config.taker_fee_ppm = pipe->taker_fee_ppm;
    int64_t began_ns = real_ns();
    int err = replay_open(&pipe->replay, &config);
    if (!err)
        err = play(&length_ns);
    if (err) {
        fprintf(stderr, "%s: %s\n", config.path, err_str(err));
        return EXIT_FAILURE;
    }
    if (pipe->definition_count == 0) {
        struct venue_feed_top tops[16];
        size_t count = replay_tops(pipe->replay, tops, COUNT(tops));
        fprintf(stderr, "%s has no %s; --symbol:", config.path, pipe->symbol);
        for (size_t i = 0; i < count; i++)
            fprintf(stderr, " %s", tops[i].symbol);
        fprintf(stderr, "\n");
        return EXIT_FAILURE;
    }
    report(length_ns, (double)(real_ns() - began_ns) / 1e9);
    replay_close(&pipe->replay);
    sim_fini(&pipe->sim);
    for (size_t i = 0; i < COUNT(pipe->markets); i++)
        market_fini(&pipe->markets[i]);
    book_fini(&pipe->books[0]);
    free(pipe->engine);
    free(pipe);
    return EXIT_SUCCESS;
}
