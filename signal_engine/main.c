/* signal_engine: sockets and timers around signal_core. */
#include "signal_engine/signal_core.h"
#include "signal_engine/signal_settings.h"

#include "common/edge/role.h"
#include "common/leaf/err.h"

static struct signal_settings settings;

static struct engine {
    struct signal_core core;
    struct market market;
    struct role_runtime *rt;
    struct bus_sub *market_data, *risk;
    struct bus_pub *signals;
    struct signal_out out;
    struct histogram tick_to_signal;
    struct loop_timer fast;
} engine;

static const int64_t FAST_TICK_NS = 10 * NS_PER_MS;

static void publish(void *ctx, struct wire_header *event)
{
    struct engine *self = ctx;

    if (event->type == WIRE_opportunity)
        histogram_add(&self->tick_to_signal, loop_now_ns() - event->origin_ns);
    (void)bus_publish(self->signals, event);
}

static void need_snapshot(void *ctx, uint64_t instrument)
{
    struct engine *self = ctx;
    struct wire_state_request request;

    WIRE_BEGIN(&request, state_request);
    request.kind = REQUEST_SNAPSHOT;
    request.header.instrument = instrument;
    (void)bus_request(self->market_data, &request);
}

static void on_event(void *ctx, const struct wire_header *event)
{
    struct engine *self = ctx;

    signal_core_event(&self->core, event, loop_now_ns(), &self->out);
}

static void on_gap(void *ctx, uint16_t publisher, uint16_t type, uint64_t from_seq, uint64_t to_seq)
{
    struct engine *self = ctx;

    log_warn("gap", "publisher=%u type=%s seq=%llu..%llu", publisher, wire_name(type),
             (unsigned long long)from_seq, (unsigned long long)to_seq);
    signal_core_gap(&self->core, publisher, type, loop_now_ns(), &self->out);
}

static void on_epoch(void *ctx, uint16_t publisher, uint64_t epoch)
{
    struct engine *self = ctx;

    log_info("publisher", "publisher=%u epoch=%llu", publisher, (unsigned long long)epoch);
    signal_core_restarted(&self->core, publisher, loop_now_ns(), &self->out);
}

static void on_risk(void *ctx, const struct wire_header *event)
{
    struct engine *self = ctx;

    /* Signals go on under a halt: who trades on them is told by risk itself. */
    if (event->type == WIRE_risk_state)
        bus_set_risk_version(self->rt->bus, ((const struct wire_risk_state *)event)->risk_version);
}

static void on_request(void *ctx, const struct wire_state_request *request)
{
    struct engine *self = ctx;
    unsigned sent = signal_core_republish(&self->core, loop_now_ns(), &self->out);

    bus_pub_end_recovery(self->signals, request->request_id, sent, true);
}

static void on_fast_tick(struct loop_timer *timer, int64_t now_ns)
{
    struct engine *self = timer->ctx;

    signal_core_tick(&self->core, now_ns, &self->out);
    (void)loop_timer_at(self->rt->loop, timer, now_ns + FAST_TICK_NS);
}

static void register_metrics(struct engine *self)
{
    struct metrics *metrics = &self->rt->metrics;

    (void)metrics_counter(metrics, "events", &self->core.counters.events);
    (void)metrics_counter(metrics, "walks", &self->core.counters.walks);
    (void)metrics_counter(metrics, "opportunities", &self->core.counters.opportunities);
    (void)metrics_counter(metrics, "opportunity_updates", &self->core.counters.updates);
    (void)metrics_counter(metrics, "opportunity_ends", &self->core.counters.ends);
    (void)metrics_counter(metrics, "stale_skips", &self->core.counters.stale_skips);
    (void)metrics_counter(metrics, "pairs_refused", &self->core.counters.pairs_refused);
    (void)metrics_counter(metrics, "instruments_refused", &self->market.refused);
    (void)metrics_histogram(metrics, "tick_to_signal_ns", &self->tick_to_signal, METRIC_TOTAL);
}

/* Which pairs are wanted, or what is wrong with the ini. */
static int pairs_from(struct role_runtime *rt, struct signal_config *config, FILE *errors)
{
    int equals = equal_assets_parse(settings.equals, config->equals);

    config->kinds = (settings.wants_spot_spot ? SIGNAL_SPOT_SPOT : 0u) |
                    (settings.wants_spot_perpetual ? SIGNAL_SPOT_PERPETUAL : 0u) |
                    (settings.wants_perpetual_perpetual ? SIGNAL_PERPETUAL_PERPETUAL : 0u);
    if (equals < 0)
        fprintf(errors, "%s: [PAIRS] EQUALS: not a list of ASSET=AS:HAIRCUT_PPM (at most %d)\n",
                rt->config_path, EQUAL_ASSETS_MAX);
    else if (config->kinds == 0)
        fprintf(errors, "%s: [PAIRS]: no kind of pair is wanted\n", rt->config_path);
    if (equals < 0 || config->kinds == 0)
        return ERR_CONFIG;
    config->equal_count = (unsigned)equals;
    return 0;
}

static int check(struct role_runtime *rt, FILE *out, FILE *errors)
{
    struct signal_config scratch = { .kinds = 0 };

    (void)out;
    return pairs_from(rt, &scratch, errors);
}

static int init(struct role_runtime *rt)
{
    struct engine *self = rt->state;
    struct signal_config config = {
        .min_edge_ppm = settings.min_edge_ppm,
        .min_net = settings.min_net,
        .max_notional = settings.max_notional,
        .max_age_ns = settings.book_max_age_ms * NS_PER_MS,
        .valid_ns = settings.valid_ms * NS_PER_MS,
        .basis_min_edge_ppm = settings.basis_min_edge_ppm,
        .basis_every_ns = settings.basis_every_ms * NS_PER_MS,
        .mark_max_age_ns = settings.mark_max_age_ms * NS_PER_MS,
        .funding_max_age_ns = settings.funding_max_age_ms * NS_PER_MS,
        .epoch = bus_epoch(rt->bus),
    };
    int err = pairs_from(rt, &config, stderr);

    if (!err)
        err = market_init(&self->market, (unsigned)settings.instruments_max,
                          (unsigned)settings.levels_max);
    if (err)
        return err;
    self->rt = rt;
    self->out = (struct signal_out){ self, publish, need_snapshot };
    signal_core_init(&self->core, &config, &self->market);
    register_metrics(self);
    return 0;
}

static int start(struct role_runtime *rt)
{
    struct engine *self = rt->state;
    const struct bus_handler market_handler = {
        self, on_event, on_gap, NULL, on_epoch, NULL, NULL
    };
    const struct bus_handler risk_handler = { self, on_risk, NULL, NULL, NULL, NULL, NULL };
    static const uint16_t market_types[] = { WIRE_instrument,  WIRE_book_snapshot, WIRE_book_delta,
                                             WIRE_feed_status, WIRE_mark_price,    WIRE_funding };
    int err = role_publish(rt, STREAM_SIGNALS, on_request, self, &self->signals);

    if (!err)
        err = role_subscribe(rt, STREAM_MARKET_DATA, market_types, COUNT(market_types),
                             &market_handler, &self->market_data);
    if (!err)
        err = role_subscribe(rt, STREAM_RISK, NULL, 0, &risk_handler, &self->risk);
    if (!err) {
        self->fast = (struct loop_timer){ .fire = on_fast_tick, .ctx = self };
        err = loop_timer_at(rt->loop, &self->fast, loop_now_ns() + FAST_TICK_NS);
    }
    return err;
}

static void tick(struct role_runtime *rt, int64_t now_ns)
{
    struct engine *self = rt->state;
    unsigned fresh = 0;

    for (uint32_t i = 0; i < self->market.count; i++)
        fresh += market_is_fresh(&self->market.books[i], now_ns, self->core.config.max_age_ns);
    role_status(rt, "%u of %u books fresh, %u pairs", fresh, self->market.count,
                self->core.pair_count);
}

static void fini(struct role_runtime *rt)
{
    struct engine *self = rt->state;

    loop_timer_stop(rt->loop, &self->fast);
    market_fini(&self->market);
}

int main(int argc, char **argv)
{
    static const struct config_key *const keys = signal_engine_keys;
    const struct role_app app = {
        .role = ROLE_SIGNAL_ENGINE,
        .summary = "finds executable price differences between venues",
        .keys = keys,
        .key_count = signal_engine_key_count,
        .config = &settings,
        .state = &engine,
        .check = check,
        .init = init,
        .start = start,
        .tick = tick,
        .fini = fini,
    };

    return role_main(&app, argc, argv);
}
