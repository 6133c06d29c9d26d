/* engine_world.h - a small world around one engine core for the unit tests: its outputs are kept,
 * its journal is an array, its venue is whatever the test says. Restart = world_restart: a new core
 * fed with the same records. */
#ifndef TICKPIPE_TESTS_UNIT_ENGINE_WORLD_H
#define TICKPIPE_TESTS_UNIT_ENGINE_WORLD_H

#include "common/pure/client_id.h"
#include "common/pure/instrument.h"
#include "common/pure/topology.h"
#include "tests/unit/check.h"
#include "trading_engine/engine_core.h"
#include "trading_engine/records.h"

#include <stdlib.h>

enum { WORLD_OUT_MAX = 4096, WORLD_COMMANDS_MAX = 4096, WORLD_JOURNAL_MAX = 1 << 22 };

#define WORLD_RUNNER   PUBLISHER(ROLE_STRATEGY_RUNNER, 0)
#define WORLD_GATEWAY  PUBLISHER(ROLE_MARKET_GATEWAY, 1)
#define WORLD_WALL     INT64_C(1718000000000000000)
#define WORLD_STRATEGY 7
#define E8(whole)      ((int64_t)(whole)*100000000)

struct world_out {
    uint16_t type;
    union {
        struct wire_order_event order;
        struct wire_order_status status;
        struct wire_trade_event trade;
        struct wire_account_event account;
        struct wire_account_position position;
        struct wire_engine_status engine;
    } u;
};

struct world {
    void *memory;
    struct engine_core *core;
    struct engine_config config;
    struct world_out out[WORLD_OUT_MAX];
    unsigned out_count;
    struct venue_command commands[WORLD_COMMANDS_MAX];
    unsigned command_count;
    int command_err, append_err;
    bool is_answering; /* Lists and questions are answered: nothing open, nothing executed. */
    uint8_t journal[WORLD_JOURNAL_MAX];
    size_t journal_len;
    int64_t now_ns;
    uint64_t instrument;
    uint32_t order_counter;
    uint64_t risk_version, last_command_id;
    wire_risk_state_kind risk_state;
    bool runner_beats, risk_beats, gateway_beats;
    char asked_by_client[256][40];
};

static const char *const world_names[] = { "BTC-USDT" };

static inline void world_publish(void *ctx, struct wire_header *event)
{
    struct world *w = ctx;

    CHECK_INT(wire_check(event, event->size), 0);
    if (w->out_count == WORLD_OUT_MAX)
        return;
    struct world_out *o = &w->out[w->out_count++];
    o->type = event->type;
    memcpy(&o->u, event, MIN(sizeof(o->u), event->size));
}

static inline int world_command(void *ctx, const struct venue_command *command, int64_t cause_ns)
{
    struct world *w = ctx;

    (void)cause_ns;
    if (w->command_err &&
        (command->op == OP_PLACE || command->op == OP_CANCEL || command->op == OP_REPLACE))
        return w->command_err;
    if (w->command_count < WORLD_COMMANDS_MAX)
        w->commands[w->command_count++] = *command;
    return 0;
}

static inline int world_append(void *ctx, uint16_t type, const void *record, size_t size)
{
    struct world *w = ctx;
    uint16_t size16 = (uint16_t)size;

    if (w->append_err)
        return w->append_err;
    if (w->journal_len + size + 4 > WORLD_JOURNAL_MAX)
        abort();
    memcpy(w->journal + w->journal_len, &type, 2);
    memcpy(w->journal + w->journal_len + 2, &size16, 2);
    memcpy(w->journal + w->journal_len + 4, record, size);
    w->journal_len += size + 4;
    return 0;
}

static inline void world_note(void *ctx, enum engine_note_level level, const char *event,
                              const char *text)
{
    (void)ctx;
    if (getenv("VERBOSE"))
        fprintf(stderr, "  note %d %s %s\n", (int)level, event, text);
}

static inline const struct engine_out *world_outputs(struct world *w)
{
    static struct engine_out out;

    out = (struct engine_out){ w, world_publish, world_command, world_append, world_note };
    return &out;
}

static inline void world_config(struct engine_config *c)
{
    engine_core_defaults(c);
    c->venue = "binance";
    c->account = 1;
    c->environment = 'T';
    c->epoch = 1000;
    c->boot_id = 42;
    c->names = world_names;
    c->name_count = 1;
    c->orders_max = 64;
    c->trades_max = 256;
    c->replace_keeps_id = true;
    c->limits = (struct engine_limits){ .order_qty_max = E8(5),
                                        .order_notional_max = E8(200000),
                                        .position_symbol_max = E8(10),
                                        .position_asset_max = E8(20),
                                        .daily_loss_max = E8(1000),
                                        .collar_ppm = 50000,
                                        .book_age_max_ns = 5 * NS_PER_S,
                                        .open_orders_max = 10,
                                        .orders_per_s = 50,
                                        .messages_per_s = 100,
                                        .messages_burst = 100,
                                        .cancel_reserve = 20,
                                        .messages_per_min = 6000 };
}

static inline void world_definition(struct world *w, struct wire_instrument *d)
{
    WIRE_BEGIN(d, instrument);
    d->header.account = 1;
    d->header.publisher = WORLD_GATEWAY;
    d->header.instrument = w->instrument;
    strcpy(d->venue, "binance");
    strcpy(d->symbol, "BTCUSDT");
    strcpy(d->name, "BTC-USDT");
    strcpy(d->base, "BTC");
    strcpy(d->quote, "USDT");
    strcpy(d->settle, "USDT");
    d->tick_size = 1000000; /* 0.01 */
    d->lot_size = 1000;     /* 0.00001 */
    d->min_qty = 10000;     /* 0.0001 */
    d->max_qty = E8(9);
    d->min_notional = E8(5);
    d->contract_size = E8(1);
    d->price_exp = d->qty_exp = d->amount_exp = 8;
    d->price_decimals = 2;
    d->qty_decimals = 5;
    d->kind = INSTRUMENT_SPOT;
    d->state = TRADING_OPEN;
    d->taker_fee_ppm = 1000;
    d->maker_fee_ppm = 1000;
}

static inline void world_report(struct world *w, const struct venue_report *report)
{
    engine_core_report(w->core, report, w->now_ns);
}

static inline void world_define(struct world *w)
{
    struct wire_instrument d;
    struct venue_report r = { .kind = REPORT_INSTRUMENT, .definition = &d };

    world_definition(w, &d);
    world_report(w, &r);
}

static inline void world_heartbeat(struct world *w, uint16_t publisher, uint16_t port)
{
    struct wire_heartbeat h;

    WIRE_BEGIN(&h, heartbeat);
    h.header.publisher = publisher;
    h.header.sent_ns = w->now_ns;
    h.realtime_ns = WORLD_WALL + w->now_ns;
    h.boot_id = 42;
    h.port = port;
    engine_core_event(w->core, &h.header, w->now_ns);
}

static inline void world_risk(struct world *w)
{
    struct wire_risk_state r;

    WIRE_BEGIN(&r, risk_state);
    r.risk_version = w->risk_version;
    r.last_command_id = w->last_command_id;
    r.state = w->risk_state;
    r.amount_exp = 8;
    engine_core_event(w->core, &r.header, w->now_ns);
}

static inline void world_quote(struct world *w, int64_t bid, int64_t ask)
{
    struct wire_best_quote q;
    struct wire_feed_status s;

    WIRE_BEGIN(&s, feed_status);
    s.header.account = 1;
    s.header.instrument = w->instrument;
    s.state = FEED_LIVE;
    engine_core_event(w->core, &s.header, w->now_ns);
    WIRE_BEGIN(&q, best_quote);
    q.header.account = 1;
    q.header.publisher = WORLD_GATEWAY;
    q.header.instrument = w->instrument;
    q.bid_price = bid;
    q.bid_qty = E8(2);
    q.ask_price = ask;
    q.ask_qty = E8(2);
    q.price_exp = q.qty_exp = 8;
    engine_core_event(w->core, &q.header, w->now_ns);
}

static inline void world_channel(struct world *w, bool is_up)
{
    struct venue_report r = { .kind = REPORT_CHANNEL,
                              .is_order_channel_up = is_up,
                              .is_private_stream_up = is_up };

    world_report(w, &r);
}

static inline struct venue_report world_answer(const struct venue_command *c,
                                               enum venue_report_kind kind)
{
    struct venue_report r = {
        .kind = kind, .op = c->op, .request_id = c->request_id, .instrument = c->instrument
    };

    r.side = c->side;
    r.price_exp = r.qty_exp = 8;
    memcpy(r.symbol, c->symbol, sizeof(r.symbol));
    memcpy(r.client_order_id, c->client_order_id, sizeof(r.client_order_id));
    return r;
}

static inline void world_balance(struct world *w, uint64_t request, const char *asset,
                                 int64_t total)
{
    struct venue_report r = {
        .kind = REPORT_BALANCE, .op = OP_BALANCES, .request_id = request, .amount_exp = 8
    };

    strcpy(r.asset, asset);
    r.total = r.free = total;
    world_report(w, &r);
}

/* Answers what the engine asks of itself: lists empty, balances ample. Orders are the test's
 * business. */
static inline void world_answer_lists(struct world *w, unsigned from)
{
    for (unsigned i = from; i < w->command_count; i++) {
        struct venue_command c = w->commands[i];
        struct venue_report done = world_answer(&c, REPORT_DONE);
        if (c.op == OP_BALANCES) {
            world_balance(w, c.request_id, "USDT", E8(1000000));
            world_balance(w, c.request_id, "BTC", E8(100));
        }
        if (c.op == OP_OPEN_ORDERS || c.op == OP_EXECUTIONS || c.op == OP_BALANCES ||
            c.op == OP_CANCEL_ALL || c.op == OP_FUNDING)
            world_report(w, &done);
        if (c.op == OP_DEAD_MAN) {
            done.kind = REPORT_DEAD_MAN;
            world_report(w, &done);
        }
    }
}

/* Lets time pass in steps of 10 ms, everybody else alive. */
static inline void world_run(struct world *w, int64_t ms)
{
    for (int64_t left = ms; left > 0; left -= 10) {
        unsigned from = w->command_count;
        w->now_ns += 10 * NS_PER_MS;
        if (w->now_ns / NS_PER_MS % 100 == 0) {
            if (w->runner_beats)
                world_heartbeat(w, WORLD_RUNNER, STREAM_ORDERS);
            if (w->gateway_beats)
                world_heartbeat(w, WORLD_GATEWAY, STREAM_MARKET_DATA);
            if (w->risk_beats)
                world_risk(w);
            if (w->gateway_beats)
                world_quote(w, E8(43000), E8(43001));
        }
        engine_core_tick(w->core, w->now_ns, WORLD_WALL + w->now_ns);
        if (w->is_answering)
            world_answer_lists(w, from);
    }
}

static inline void world_boot(struct world *w, bool is_whole)
{
    const char *missing = NULL;

    free(w->memory);
    size_t size = engine_core_size(&w->config);
    w->memory = aligned_alloc(64, (size + 63) / 64 * 64);
    memset(w->memory, 0xa5, size);
    CHECK_INT(engine_core_init(w->memory, size, &w->config, world_outputs(w), &w->core, &missing),
              0);
    for (size_t at = 0; at < w->journal_len;) {
        uint16_t type, len;
        memcpy(&type, w->journal + at, 2);
        memcpy(&len, w->journal + at + 2, 2);
        CHECK_INT(engine_core_restore(w->core, type, w->journal + at + 4, len), 0);
        at += 4u + len;
    }
    CHECK_INT(engine_core_start(w->core, is_whole, w->now_ns, WORLD_WALL + w->now_ns), 0);
}

static inline struct world *world_new(void)
{
    static struct world world;
    struct world *w = &world;
    void *memory = w->memory;

    memset(w, 0, sizeof(*w));
    w->memory = memory;
    w->now_ns = 5 * NS_PER_S;
    w->instrument = instrument_id("binance", INSTRUMENT_SPOT, "BTCUSDT");
    w->risk_version = 1;
    w->risk_state = RISK_RUNNING;
    w->runner_beats = w->risk_beats = w->gateway_beats = w->is_answering = true;
    world_config(&w->config);
    return w;
}

/* Definitions, private stream, lists: until READY. */
static inline void world_ready(struct world *w)
{
    world_define(w);
    world_channel(w, true);
    world_run(w, 500);
    wire_reason why;
    CHECK_INT(engine_core_state(w->core, w->now_ns, &why), ENGINE_READY);
    w->out_count = w->command_count = 0;
}

static inline struct world *world_started(void)
{
    struct world *w = world_new();

    world_boot(w, true);
    world_ready(w);
    return w;
}

/* kill -9 and a new process: the journal is all that stays. */
static inline void world_restart(struct world *w)
{
    w->config.epoch++;
    w->now_ns += NS_PER_S;
    w->out_count = w->command_count = 0;
    world_boot(w, true);
}

static inline struct wire_order_request world_intent(struct world *w, wire_side side, int64_t price,
                                                     int64_t qty)
{
    struct wire_order_request m;

    WIRE_BEGIN(&m, order_request);
    m.header.publisher = WORLD_RUNNER;
    m.header.account = 1;
    m.header.instrument = w->instrument;
    m.header.sent_ns = m.header.origin_ns = w->now_ns;
    m.order_id = ORDER_ID(WORLD_STRATEGY, 1, ++w->order_counter);
    m.engine_epoch = w->config.epoch;
    m.deadline_ns = w->now_ns + 2 * NS_PER_S;
    m.price = price;
    m.qty = qty;
    m.strategy = WORLD_STRATEGY;
    m.side = side;
    m.order_type = ORDER_LIMIT;
    m.time_in_force = TIF_GTC;
    m.price_exp = m.qty_exp = 8;
    return m;
}

static inline void world_send(struct world *w, const void *event)
{
    engine_core_event(w->core, event, w->now_ns);
}

static inline void world_cancel(struct world *w, uint64_t order_id)
{
    struct wire_order_cancel m;

    WIRE_BEGIN(&m, order_cancel);
    m.header.publisher = WORLD_RUNNER;
    m.header.account = 1;
    m.header.instrument = w->instrument;
    m.order_id = order_id;
    m.strategy = WORLD_STRATEGY;
    m.engine_epoch = w->config.epoch;
    world_send(w, &m);
}

static inline void world_query(struct world *w, uint64_t order_id)
{
    struct wire_order_query m;

    WIRE_BEGIN(&m, order_query);
    m.header.publisher = WORLD_RUNNER;
    m.header.account = 1;
    m.order_id = order_id;
    world_send(w, &m);
}

static inline const struct venue_command *world_last(const struct world *w, enum venue_op op)
{
    for (unsigned i = w->command_count; i-- > 0;)
        if (w->commands[i].op == op)
            return &w->commands[i];
    return NULL;
}

static inline unsigned world_commands(const struct world *w, enum venue_op op)
{
    unsigned count = 0;

    for (unsigned i = 0; i < w->command_count; i++)
        count += w->commands[i].op == op;
    return count;
}

static inline const struct world_out *world_last_out(const struct world *w, uint16_t type)
{
    for (unsigned i = w->out_count; i-- > 0;)
        if (w->out[i].type == type)
            return &w->out[i];
    return NULL;
}

static inline unsigned world_events(const struct world *w, wire_order_event_kind kind)
{
    unsigned count = 0;

    for (unsigned i = 0; i < w->out_count; i++)
        count += w->out[i].type == WIRE_order_event && w->out[i].u.order.kind == kind;
    return count;
}

static inline unsigned world_outs(const struct world *w, uint16_t type)
{
    unsigned count = 0;

    for (unsigned i = 0; i < w->out_count; i++)
        count += w->out[i].type == type;
    return count;
}

/* A new order that has been sent: its id. */
static inline uint64_t world_place(struct world *w, wire_side side, int64_t price, int64_t qty)
{
    struct wire_order_request m = world_intent(w, side, price, qty);

    world_send(w, &m);
    return m.order_id;
}

static inline struct venue_report world_news(struct world *w, uint64_t order_id,
                                             enum venue_report_kind kind)
{
    struct venue_report r = { .kind = kind, .instrument = w->instrument, .is_from_stream = true };
    char id[CLIENT_ID_LEN + 1];
    const struct order_record *o = engine_core_order(w->core, order_id);

    (void)client_id_write('T', order_id, o ? o->venue_revision : 0, id);
    strcpy(r.client_order_id, id);
    strcpy(r.symbol, "BTCUSDT");
    snprintf(r.exchange_order_id, sizeof(r.exchange_order_id), "X%u-%u", (unsigned)order_id,
             o ? o->venue_revision : 0u);
    r.side = o ? o->side : SIDE_BUY;
    r.type = ORDER_LIMIT;
    r.time_in_force = TIF_GTC;
    r.price_exp = r.qty_exp = r.amount_exp = 8;
    r.price = o ? o->price : 0;
    r.qty = o ? o->qty : 0;
    r.cum_qty = -1;
    r.exchange_ns = WORLD_WALL + w->now_ns;
    return r;
}

/* The venue accepts the last placed order of that id. */
static inline void world_accept(struct world *w, uint64_t order_id)
{
    struct venue_report r = world_news(w, order_id, REPORT_ACCEPTED);
    const struct venue_command *c = world_last(w, OP_PLACE);

    r.op = OP_PLACE;
    r.request_id = c ? c->request_id : 0;
    world_report(w, &r);
}

static inline void world_fill(struct world *w, uint64_t order_id, const char *trade, int64_t qty,
                              int64_t cum)
{
    struct venue_report r = world_news(w, order_id, REPORT_FILL);

    strcpy(r.venue_trade_id, trade);
    strcpy(r.fee_asset, "USDT");
    r.last_price = r.price;
    r.last_qty = qty;
    r.cum_qty = cum;
    r.fee = 1000;
    world_report(w, &r);
}

static inline void world_end(struct world *w, uint64_t order_id, enum venue_report_kind kind,
                             int64_t cum)
{
    struct venue_report r = world_news(w, order_id, kind);

    r.cum_qty = cum;
    world_report(w, &r);
}

static inline wire_order_state world_state(const struct world *w, uint64_t order_id)
{
    const struct order_record *o = engine_core_order(w->core, order_id);

    return o ? o->state : ORDER_NONE;
}

#endif
