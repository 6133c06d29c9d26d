/* bench_engine: what the engine itself costs between an intent and the codec, without socket or
 * venue.
 *
 *   bench_engine [ORDERS]
 *
 * intent: engine_core_event of a new order (lookup, checks, write-ahead record into the mapped
 * journal, command) until the command callback is called. cycle: the whole life in the core:
 * intent, accepted, cancel, cancelled. append: a record of an order's size into the journal. Live
 * orders rest beside it, as in a busy account. */
#include "common/edge/loop.h"
#include "common/pure/client_id.h"
#include "common/pure/histogram.h"
#include "common/pure/instrument.h"
#include "common/pure/topology.h"
#include "trading_engine/engine_core.h"
#include "trading_engine/journal.h"
#include "trading_engine/records.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RESTING = 20 };
#define E8(whole) ((int64_t)(whole)*100000000)

static struct bench {
    struct engine_core *core;
    struct journal *journal;
    struct venue_command last;
    int64_t began_ns, sent_ns;
    uint64_t instrument, counter;
    unsigned published;
} bench;

static const char *const names[] = { "BTC-USDT" };

static void on_publish(void *ctx, struct wire_header *event)
{
    (void)ctx;
    (void)event;
    bench.published++;
}

static int on_command(void *ctx, const struct venue_command *command, int64_t cause_ns)
{
    (void)ctx;
    (void)cause_ns;
    bench.sent_ns = loop_now_ns();
    bench.last = *command;
    return 0;
}

static int on_checkpoint_record(void *ctx, uint16_t type, const void *record, size_t size)
{
    return journal_append_next(ctx, type, record, size);
}

static int on_checkpoint(void *ctx, struct journal *journal)
{
    (void)ctx;
    return engine_core_checkpoint(bench.core, on_checkpoint_record, journal);
}

static int on_append(void *ctx, uint16_t type, const void *record, size_t size)
{
    (void)ctx;
    return journal_append(bench.journal, type, record, size);
}

static void on_note(void *ctx, enum engine_note_level level, const char *event, const char *text)
{
    (void)ctx;
    if (level == NOTE_ERROR)
        fprintf(stderr, "%s: %s\n", event, text);
}

static int on_record(void *ctx, uint16_t type, const void *record, size_t size)
{
    (void)ctx;
    (void)type;
    (void)record;
    (void)size;
    return 0;
}

static void report(enum venue_report_kind kind)
{
    struct venue_report r = { .kind = kind,
                              .op = bench.last.op,
                              .request_id = bench.last.request_id };

    r.instrument = bench.instrument;
    memcpy(r.client_order_id, bench.last.client_order_id, sizeof(r.client_order_id));
    snprintf(r.exchange_order_id, sizeof(r.exchange_order_id), "X%s", bench.last.client_order_id);
    r.side = bench.last.side;
    r.price_exp = r.qty_exp = 8;
    engine_core_report(bench.core, &r, loop_now_ns());
}

static void world_lives(void)
{
    struct wire_heartbeat h;
    struct wire_risk_state r;
    struct wire_feed_status s;
    struct wire_best_quote q;
    int64_t now = loop_now_ns();

    WIRE_BEGIN(&h, heartbeat);
    h.header.publisher = PUBLISHER(ROLE_STRATEGY_RUNNER, 0);
    h.boot_id = 1;
    h.port = STREAM_ORDERS;
    engine_core_event(bench.core, &h.header, now);
    WIRE_BEGIN(&r, risk_state);
    r.state = RISK_RUNNING;
    engine_core_event(bench.core, &r.header, now);
    WIRE_BEGIN(&s, feed_status);
    s.header.account = 1;
    s.header.instrument = bench.instrument;
    s.state = FEED_LIVE;
    engine_core_event(bench.core, &s.header, now);
    WIRE_BEGIN(&q, best_quote);
    q.header.account = 1;
    q.header.instrument = bench.instrument;
    q.bid_price = E8(43000);
    q.ask_price = E8(43001);
    q.bid_qty = q.ask_qty = E8(1);
    q.price_exp = q.qty_exp = 8;
    engine_core_event(bench.core, &q.header, now);
    engine_core_tick(bench.core, now, loop_wall_ns());
}

static void place(int64_t price)
{
    struct wire_order_request m;
    int64_t now = loop_now_ns();

    WIRE_BEGIN(&m, order_request);
    m.header.publisher = PUBLISHER(ROLE_STRATEGY_RUNNER, 0);
    m.header.account = 1;
    m.header.instrument = bench.instrument;
    m.order_id = ORDER_ID(1, 1, ++bench.counter);
    m.engine_epoch = 7;
    m.deadline_ns = now + NS_PER_S;
    m.price = price;
    m.qty = E8(1) / 1000;
    m.strategy = 1;
    m.side = SIDE_BUY;
    m.order_type = ORDER_LIMIT;
    m.time_in_force = TIF_GTC;
    m.price_exp = m.qty_exp = 8;
    bench.began_ns = now;
    engine_core_event(bench.core, &m.header, now);
}

static void cancel(void)
{
    struct wire_order_cancel m;

    WIRE_BEGIN(&m, order_cancel);
    m.header.publisher = PUBLISHER(ROLE_STRATEGY_RUNNER, 0);
    m.header.account = 1;
    m.order_id = ORDER_ID(1, 1, bench.counter);
    engine_core_event(bench.core, &m.header, loop_now_ns());
}

static void define(void)
{
    struct wire_instrument d;
    struct venue_report r = { .kind = REPORT_INSTRUMENT, .definition = &d };

    WIRE_BEGIN(&d, instrument);
    d.header.account = 1;
    d.header.instrument = bench.instrument = instrument_id("binance", INSTRUMENT_SPOT, "BTCUSDT");
    strcpy(d.venue, "binance");
    strcpy(d.symbol, "BTCUSDT");
    strcpy(d.name, "BTC-USDT");
    strcpy(d.base, "BTC");
    strcpy(d.quote, "USDT");
    d.tick_size = 1000000;
    d.lot_size = 1000;
    d.price_exp = d.qty_exp = d.amount_exp = 8;
    d.price_decimals = 2;
    d.qty_decimals = 5;
    d.kind = INSTRUMENT_SPOT;
    d.state = TRADING_OPEN;
    engine_core_report(bench.core, &r, loop_now_ns());
}

/* Lists are empty; then READY. */
static void answer_lists(void)
{
    struct venue_report up = { .kind = REPORT_CHANNEL,
                               .is_order_channel_up = true,
                               .is_private_stream_up = true };
    wire_reason why;

    engine_core_report(bench.core, &up, loop_now_ns());
    for (int i = 0; i < 100 && engine_core_state(bench.core, loop_now_ns(), &why) != ENGINE_READY;
         i++) {
        bench.last.op = OP_PLACE;
        world_lives();
        if (bench.last.op != OP_PLACE)
            report(REPORT_DONE);
        usleep(1000);
    }
}

static void print(const char *name, const struct histogram *h)
{
    printf("%-8s p50 %6lld ns   p99 %6lld ns   max %8llu ns   n %llu\n", name,
           (long long)histogram_percentile(h, 50), (long long)histogram_percentile(h, 99),
           (unsigned long long)h->max, (unsigned long long)h->count);
}

int main(int argc, char **argv)
{
    static struct histogram intent, cycle, append;
    unsigned orders = argc > 1 ? (unsigned)atoi(argv[1]) : 20000;
    char prefix[64], problem[256], command[128];
    struct engine_config c;
    const struct engine_out out = { NULL, on_publish, on_command, on_append, on_note };
    const char *missing = "";

    engine_core_defaults(&c);
    c.venue = "binance";
    c.account = 1;
    c.epoch = 7;
    c.boot_id = 1;
    c.names = names;
    c.name_count = 1;
    c.checks_balance = false;
    c.timing.deadline_max_ns = 0; /* Ended orders may be forgotten at once: there are many. */
    c.limits = (struct engine_limits){
        E8(10), E8(1000000), E8(1000000), E8(1000000), E8(1000), 500000,     NS_PER_S,
        1000,   1000000000,  1000000000,  1000000000,  1,        1000000000, 0
    };
    c.timing.deadline_max_ns = 2 * NS_PER_S;
    c.orders_max = 1 << 18;
    snprintf(prefix, sizeof(prefix), "/tmp/bench_engine_%d", (int)getpid());
    struct journal_config config = { .prefix = prefix,
                                     .segment_bytes = (size_t)256 << 20,
                                     .boot_id = 1 };
    size_t size = engine_core_size(&c);
    void *memory = aligned_alloc(64, (size + 63) / 64 * 64);
    if (!memory ||
        journal_open(&bench.journal, &config, on_record, NULL, problem, sizeof(problem)) != 0 ||
        engine_core_init(memory, size, &c, &out, &bench.core, &missing) != 0 ||
        engine_core_start(bench.core, true, loop_now_ns(), loop_wall_ns()) != 0) {
        fprintf(stderr, "bench_engine: %s %s\n", problem, missing);
        return 1;
    }
    define();
    answer_lists();
    for (unsigned i = 0; i < RESTING; i++) {
        place(E8(42000));
        report(REPORT_ACCEPTED);
    }
    for (unsigned i = 0; i < orders; i++) {
        if (i % 100 == 0)
            world_lives();
        if (journal_wants_rotation(bench.journal) &&
            journal_rotate(bench.journal, on_checkpoint, NULL) != 0)
            break;
        bench.sent_ns = 0;
        place(E8(42999));
        if (!bench.sent_ns) {
            fprintf(stderr, "bench_engine: order %u was not sent\n", i);
            return 1;
        }
        histogram_add(&intent, bench.sent_ns - bench.began_ns);
        report(REPORT_ACCEPTED);
        cancel();
        report(REPORT_CANCELLED);
        histogram_add(&cycle, loop_now_ns() - bench.began_ns);
    }
    for (unsigned i = 0; i < orders; i++) {
        struct order_record r = { .order_id = i + 1 };
        int64_t before = loop_now_ns();
        if (journal_append(bench.journal, RECORD_ORDER, &r, sizeof(r)) != 0)
            break;
        histogram_add(&append, loop_now_ns() - before);
    }
    print("intent", &intent);
    print("cycle", &cycle);
    print("append", &append);
    journal_close(&bench.journal);
    free(memory);
    snprintf(command, sizeof(command), "rm -f %s.*", prefix);
    return system(command) != 0;
}
