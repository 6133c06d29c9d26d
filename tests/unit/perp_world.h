/* perp_world.h - the engine's small world on a venue with positions: BTCUSDT is spot and perpetual
 * at once, as some venues have it. world.instrument is the perpetual. */
#ifndef TICKPIPE_TESTS_UNIT_PERP_WORLD_H
#define TICKPIPE_TESTS_UNIT_PERP_WORLD_H

#include "tests/unit/engine_world.h"

#define QTY      (E8(1) / 100)
#define PERP     instrument_id("bybit", INSTRUMENT_PERPETUAL, "BTCUSDT")
#define SPOT     instrument_id("bybit", INSTRUMENT_SPOT, "BTCUSDT")
#define LEVERAGE 10000000u /* 10 to 1 */

static const char *const perp_names[] = { "BTC-USDT-PERP", "BTC-USDT" };

/* What the venue has and how it answers. */
static struct {
    int64_t qty, avg_price;
    uint32_t leverage_ppm;
    bool is_hedged, is_mode_silent, is_positions_late;
    int64_t total, free;
} venue;

static inline void perp_definition(struct world *w, struct wire_instrument *d, bool is_perp)
{
    world_definition(w, d);
    d->header.instrument = is_perp ? PERP : SPOT;
    strcpy(d->venue, "bybit");
    strcpy(d->name, perp_names[!is_perp]);
    d->kind = is_perp ? INSTRUMENT_PERPETUAL : INSTRUMENT_SPOT;
    d->taker_fee_ppm = d->maker_fee_ppm = 500;
}

static inline void perp_define(struct world *w)
{
    struct wire_instrument d;
    struct venue_report r = { .kind = REPORT_INSTRUMENT, .definition = &d };

    for (int i = 0; i < 2; i++) {
        perp_definition(w, &d, i == 0);
        world_report(w, &r);
    }
}

static inline struct venue_report perp_position(struct world *w, int64_t qty, int64_t avg_price)
{
    struct venue_report r = { .kind = REPORT_POSITION, .instrument = PERP, .is_from_stream = true };

    r.instrument_kind = INSTRUMENT_PERPETUAL;
    strcpy(r.symbol, "BTCUSDT");
    strcpy(r.asset, "USDT");
    r.price_exp = r.qty_exp = r.amount_exp = 8;
    r.qty = qty;
    r.price = avg_price;
    r.leverage_ppm = venue.leverage_ppm;
    r.exchange_ns = WORLD_WALL + w->now_ns;
    return r;
}

static inline void perp_answer_one(struct world *w, const struct venue_command *c)
{
    struct venue_report done = world_answer(c, REPORT_DONE);
    struct venue_report r;

    switch (c->op) {
    case OP_ACCOUNT_MODE:
        if (venue.is_mode_silent)
            return;
        if (venue.is_hedged) {
            done.kind = REPORT_FAILED;
            done.why = REASON_HEDGE_MODE;
            strcpy(done.text, "dualSidePosition: true");
        }
        break;
    case OP_POSITIONS:
        if (venue.is_positions_late)
            return;
        r = perp_position(w, venue.qty, venue.avg_price);
        r.is_from_stream = false;
        r.op = c->op;
        r.request_id = c->request_id;
        if (venue.qty)
            world_report(w, &r);
        break;
    case OP_BALANCES:
        r = (struct venue_report){ .kind = REPORT_BALANCE, .op = c->op, .amount_exp = 8 };
        r.request_id = c->request_id;
        strcpy(r.asset, "USDT");
        r.total = venue.total;
        r.free = venue.free;
        world_report(w, &r);
        break;
    case OP_QUERY:
        done.kind = REPORT_NO_SUCH_ORDER;
        break;
    case OP_OPEN_ORDERS:
    case OP_EXECUTIONS:
    case OP_CANCEL_ALL:
    case OP_FUNDING:
        break;
    default:
        return;
    }
    world_report(w, &done);
}

static inline void perp_run(struct world *w, int64_t ms)
{
    w->is_answering = false;
    for (int64_t left = ms; left > 0; left -= 10) {
        unsigned from = w->command_count;
        world_run(w, 10);
        if (w->now_ns / NS_PER_MS % 100 == 0) { /* The other book lives, too. */
            uint64_t own = w->instrument;
            w->instrument = own == PERP ? SPOT : PERP;
            world_quote(w, E8(43000), E8(43001));
            w->instrument = own;
        }
        for (unsigned i = from; i < w->command_count; i++) {
            struct venue_command c = w->commands[i];
            perp_answer_one(w, &c);
        }
        if (w->command_count > WORLD_COMMANDS_MAX / 2)
            w->command_count = 0;
    }
}

static inline struct world *perp_new(void)
{
    struct world *w = world_new();

    memset(&venue, 0, sizeof(venue));
    venue.leverage_ppm = LEVERAGE;
    venue.total = venue.free = E8(10000);
    w->instrument = PERP;
    w->config.venue = "bybit";
    w->config.names = perp_names;
    w->config.name_count = 2;
    w->config.has_positions = true;
    return w;
}

static inline void perp_boot(struct world *w)
{
    world_boot(w, true);
    perp_define(w);
    world_channel(w, true);
    perp_run(w, 1000);
}

static inline struct world *perp_started(void)
{
    struct world *w = perp_new();

    perp_boot(w);
    wire_reason why;
    CHECK_INT(engine_core_state(w->core, w->now_ns, &why), ENGINE_READY);
    w->out_count = w->command_count = 0;
    return w;
}

/* An order that is filled at once, its profit stated. */
static inline void perp_trade(struct world *w, wire_side side, int64_t price, int64_t qty,
                              int64_t realised)
{
    uint64_t id = world_place(w, side, price, qty);
    static unsigned counter;

    world_accept(w, id);
    struct venue_report r = world_news(w, id, REPORT_FILL);
    snprintf(r.venue_trade_id, sizeof(r.venue_trade_id), "P%u", ++counter);
    strcpy(r.fee_asset, "USDT");
    r.last_price = price;
    r.last_qty = r.cum_qty = qty;
    r.fee = 1000;
    r.realised_pnl = realised;
    r.has_realised_pnl = true;
    world_report(w, &r);
    CHECK_INT(world_state(w, id), ORDER_FILLED);
}

static inline wire_reason perp_refusal(struct world *w, wire_side side, int64_t price, int64_t qty,
                                       bool is_reduce_only)
{
    struct wire_order_request m = world_intent(w, side, price, qty);

    m.is_reduce_only = is_reduce_only;
    world_send(w, &m);
    const struct order_record *o = engine_core_order(w->core, m.order_id);
    return o && o->state == ORDER_REJECTED ? o->why : REASON_NONE;
}

#endif
