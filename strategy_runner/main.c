/* strategy_runner: sockets, timers and configuration around runner_core and its strategies. */
#include "strategy_runner/runner_core.h"
#include "strategy_runner/runner_settings.h"
#include "strategy_runner/session.h"
#include "strategy_runner/strategies/strategies.h"

#include "common/edge/role.h"
#include "common/leaf/err.h"

#include <string.h>

enum { STREAMS_READ = 6 };

static struct runner_settings settings;

static struct runner {
    struct runner_core core;
    struct market market;
    struct role_runtime *rt;
    struct bus_pub *orders, *events;
    /* One context per stream, so that a callback knows which stream spoke. */
    struct input {
        struct runner *self;
        unsigned port;
        struct bus_sub *sub;
    } inputs[STREAMS_READ];
    struct histogram tick_to_intent;
    struct loop_timer fast;
} runner;

static const int64_t FAST_TICK_NS = 10 * NS_PER_MS;

static struct input *input_of(struct runner *self, unsigned port)
{
    for (size_t i = 0; i < STREAMS_READ; i++)
        if (self->inputs[i].port == port)
            return &self->inputs[i];
    return NULL;
}

static void publish(void *ctx, unsigned port, struct wire_header *event)
{
    struct runner *self = ctx;

    if (event->type == WIRE_order_request)
        histogram_add(&self->tick_to_intent, loop_now_ns() - event->origin_ns);
    (void)bus_publish(port == STREAM_ORDERS ? self->orders : self->events, event);
}

static void ask(struct runner *self, unsigned port, wire_state_request_kind kind,
                uint64_t instrument)
{
    struct input *input = input_of(self, port);
    struct wire_state_request request;

    WIRE_BEGIN(&request, state_request);
    request.kind = kind;
    request.header.instrument = instrument;
    if (input && input->sub)
        (void)bus_request(input->sub, &request);
}

static void need_snapshot(void *ctx, uint64_t instrument)
{
    ask(ctx, STREAM_MARKET_DATA, REQUEST_SNAPSHOT, instrument);
}

static void need_state(void *ctx, unsigned port)
{
    ask(ctx, port, REQUEST_STATE, 0);
}

static void on_event(void *ctx, const struct wire_header *event)
{
    struct input *input = ctx;

    runner_core_event(&input->self->core, event, loop_now_ns());
    if (event->type == WIRE_risk_state)
        bus_set_risk_version(input->self->rt->bus,
                             ((const struct wire_risk_state *)event)->risk_version);
}

static void on_gap(void *ctx, uint16_t publisher, uint16_t type, uint64_t from_seq, uint64_t to_seq)
{
    struct input *input = ctx;

    log_warn("gap", "port=%u publisher=%u type=%s seq=%llu..%llu", input->port, publisher,
             wire_name(type), (unsigned long long)from_seq, (unsigned long long)to_seq);
    runner_core_gap(&input->self->core, input->port, publisher, type, loop_now_ns());
}

static void on_epoch(void *ctx, uint16_t publisher, uint64_t epoch)
{
    struct input *input = ctx;

    log_info("publisher", "port=%u publisher=%u epoch=%llu", input->port, publisher,
             (unsigned long long)epoch);
    runner_core_restarted(&input->self->core, input->port, publisher, loop_now_ns());
}

static void on_heartbeat(void *ctx, const struct wire_heartbeat *heartbeat)
{
    struct input *input = ctx;

    runner_core_heard(&input->self->core, heartbeat->header.publisher, input->port, loop_now_ns());
}

static void on_request(void *ctx, const struct wire_state_request *request)
{
    struct runner *self = ctx;

    runner_core_publish_state(&self->core, loop_now_ns());
    bus_pub_end_recovery(self->events, request->request_id, self->core.strategy_count, true);
}

static void on_fast_tick(struct loop_timer *timer, int64_t now_ns)
{
    struct runner *self = timer->ctx;

    runner_core_tick(&self->core, now_ns);
    (void)loop_timer_at(self->rt->loop, timer, now_ns + FAST_TICK_NS);
}

static void register_metrics(struct runner *self)
{
    struct metrics *metrics = &self->rt->metrics;
    struct runner_counters *counters = &self->core.counters;

    (void)metrics_counter(metrics, "intents", &counters->intents);
    (void)metrics_counter(metrics, "resends", &counters->resends);
    (void)metrics_counter(metrics, "own_quotes_avoided", &counters->own_quotes_avoided);
    (void)metrics_counter(metrics, "queries", &counters->queries);
    (void)metrics_counter(metrics, "refused", &counters->refused);
    (void)metrics_counter(metrics, "answered", &counters->answered);
    (void)metrics_counter(metrics, "expired_unanswered", &counters->expired_unanswered);
    (void)metrics_counter(metrics, "orders_full", &counters->orders_full);
    (void)metrics_counter(metrics, "late_answers", &counters->late_answers);
    (void)metrics_histogram(metrics, "tick_to_intent_ns", &self->tick_to_intent, METRIC_TOTAL);
}

static void arb_from(const struct strategy_settings *from, struct arb_config *to)
{
    *to = (struct arb_config){
        .min_net = from->min_net,
        .min_edge_ppm = from->min_edge_ppm,
        .min_confidence_ppm = from->min_confidence_ppm,
        .max_notional = from->max_notional,
        .max_position = from->max_position,
        .slippage_ppm = from->slippage_ppm,
        .hedge_slippage_ppm = from->hedge_slippage_ppm,
        .hedge_tries = from->hedge_tries,
        .hedge_wait_ns = from->hedge_wait_ms * NS_PER_MS,
        .cooldown_ns = from->cooldown_ms * NS_PER_MS,
        .leg_deadline_ns = settings.deadline_ms * NS_PER_MS,
    };
}

static void carry_from(const struct strategy_settings *from, struct carry_config *to)
{
    *to = (struct carry_config){
        .takes_spot_perpetual = from->pairs != PAIRS_PERPETUAL_PERPETUAL,
        .takes_perpetual_perpetual = from->pairs != PAIRS_SPOT_PERPETUAL,
        .sells_spot = from->sells_spot,
        .entry_ppm = from->entry_ppm,
        .exit_basis_ppm = from->exit_basis_ppm,
        .funding_exit_ppm = from->funding_exit_ppm,
        .horizon_ns = from->horizon_s * NS_PER_S,
        .max_hold_ns = from->max_hold_s * NS_PER_S,
        .min_confidence_ppm = from->min_confidence_ppm,
        .max_notional = from->max_notional,
        .max_position = from->max_position,
        .margin_ppm = from->margin_ppm,
        .slippage_ppm = from->slippage_ppm,
        .hedge_slippage_ppm = from->hedge_slippage_ppm,
        .hedge_tries = from->hedge_tries,
        .hedge_wait_ns = from->hedge_wait_ms * NS_PER_MS,
        .cooldown_ns = from->cooldown_ms * NS_PER_MS,
        .leg_deadline_ns = settings.deadline_ms * NS_PER_MS,
    };
}

static int maker_from(const struct role_runtime *rt, const struct strategy_settings *from,
                      struct maker_config *to, const char *section, FILE *errors)
{
    const struct venue_instance *instance = venues_find(&rt->venues, from->venue);

    if (!instance || strlen(from->instrument) == 0 ||
        strlen(from->instrument) >= sizeof to->instrument) {
        fprintf(errors, "%s: [%s] %s: %s\n", rt->config_path, section,
                instance ? "INSTRUMENT" : "VENUE",
                instance ? "not a canonical name (BTC-USDT)" : "not an instance of venues.ini");
        return ERR_CONFIG;
    }
    *to = (struct maker_config){
        .account = instance->id,
        .quote_qty = from->quote_qty,
        .half_spread_ppm = from->half_spread_ppm,
        .skew_ppm = from->skew_ppm,
        .max_position = from->max_position,
        .requote_ppm = from->requote_ppm,
        .min_quote_ns = from->min_quote_ms * NS_PER_MS,
        .pull_ppm = from->pull_ppm,
        .max_quote_ns = from->max_quote_ms * NS_PER_MS,
    };
    memcpy(to->instrument, from->instrument, strlen(from->instrument) + 1);
    return 0;
}

/* Reads one section and, where core is given, adds its strategy. */
static int strategy_from(struct role_runtime *rt, const char *section, struct runner_core *core,
                         FILE *errors)
{
    struct strategy_settings from = { 0 };
    const struct strategy_ops *ops;
    union {
        struct arb_config arb;
        struct carry_config carry;
        struct maker_config maker;
    } config = { 0 };
    int err = config_section_load(&from, strategy_section_keys, strategy_section_key_count,
                                  rt->config_path, section, errors);

    if (err)
        return err;
    ops = strategy_ops_find(from.kind);
    if (!ops) {
        fprintf(
            errors,
            "%s: [%s] KIND: %s is not one of cross_exchange_arb, cash_and_carry, market_maker\n",
            rt->config_path, section, from.kind);
        return ERR_CONFIG;
    }
    if (ops == &strategy_cross_exchange_arb)
        arb_from(&from, &config.arb);
    else if (ops == &strategy_cash_and_carry)
        carry_from(&from, &config.carry);
    else
        err = maker_from(rt, &from, &config.maker, section, errors);
    if (err || !core)
        return err;
    err = runner_core_add(core, ops, section + strlen("STRATEGY_"), (uint16_t)from.id, from.capital,
                          &config);
    if (err)
        fprintf(errors, "%s: [%s] ID: %s\n", rt->config_path, section, err_str(err));
    return err;
}

static int each_strategy(struct role_runtime *rt, struct runner_core *core, FILE *errors)
{
    static char names[RUNNER_STRATEGIES_MAX][64];
    int count = config_sections(rt->config_path, "STRATEGY_", names, RUNNER_STRATEGIES_MAX);
    int err = 0;

    if (count < 0)
        return count;
    for (int i = 0; i < count; i++) {
        int one = strategy_from(rt, names[i], core, errors);
        err = err ? err : one;
    }
    return err;
}

static int check(struct role_runtime *rt, FILE *out, FILE *errors)
{
    (void)out;
    return each_strategy(rt, NULL, errors);
}

static int init(struct role_runtime *rt)
{
    struct runner *self = rt->state;
    char path[ROLE_PATH_MAX];
    struct runner_config config = {
        .resend_ns = settings.resend_ms * NS_PER_MS,
        .ask_ns = settings.ask_ms * NS_PER_MS,
        .deadline_ns = settings.deadline_ms * NS_PER_MS,
        .engine_silence_ns = settings.engine_silence_ms * NS_PER_MS,
        .risk_silence_ns = settings.risk_silence_ms * NS_PER_MS,
        .positions_silence_ns = settings.positions_silence_ms * NS_PER_MS,
        .book_max_age_ns = settings.book_max_age_ms * NS_PER_MS,
    };
    const struct runner_out out = { self, publish, need_snapshot, need_state };
    int err = role_data_path(rt, "session", path, sizeof path);

    self->rt = rt;
    if (!err)
        err = session_next(path, &config.session);
    if (err) {
        log_error("session", "%s: %s", path, err_str(err));
        return err;
    }
    err = market_init(&self->market, (unsigned)settings.instruments_max,
                      (unsigned)settings.levels_max);
    if (err)
        return err;
    runner_core_init(&self->core, &config, &self->market, &out, loop_now_ns());
    register_metrics(self);
    log_info("session", "number=%u", config.session);
    return each_strategy(rt, &self->core, stderr);
}

static int start(struct role_runtime *rt)
{
    static const unsigned ports[STREAMS_READ] = { STREAM_RISK,         STREAM_ORDER_STATUS,
                                                  STREAM_ORDER_EVENTS, STREAM_POSITIONS,
                                                  STREAM_MARKET_DATA,  STREAM_SIGNALS };
    struct runner *self = rt->state;
    int err = role_publish(rt, STREAM_ORDERS, NULL, self, &self->orders);

    if (!err)
        err = role_publish(rt, STREAM_STRATEGY_EVENTS, on_request, self, &self->events);
    for (size_t i = 0; i < STREAMS_READ && !err; i++) {
        struct input *input = &self->inputs[i];
        const struct bus_handler handler = { input,    on_event,     on_gap, NULL,
                                             on_epoch, on_heartbeat, NULL };

        input->self = self;
        input->port = ports[i];
        err = role_subscribe(rt, ports[i], NULL, 0, &handler, &input->sub);
    }
    if (!err) {
        self->fast = (struct loop_timer){ .fire = on_fast_tick, .ctx = self };
        err = loop_timer_at(rt->loop, &self->fast, loop_now_ns() + FAST_TICK_NS);
    }
    return err;
}

static void tick(struct role_runtime *rt, int64_t now_ns)
{
    struct runner *self = rt->state;
    unsigned running = 0;

    (void)now_ns;
    for (uint32_t i = 0; i < self->core.strategy_count; i++)
        running += self->core.strategies[i].state == STRATEGY_RUNNING;
    role_status(rt, "%u of %u strategies running", running, self->core.strategy_count);
}

static void stop(struct role_runtime *rt)
{
    struct runner *self = rt->state;

    runner_core_stop(&self->core, loop_now_ns());
}

static bool is_stopped(struct role_runtime *rt)
{
    struct runner *self = rt->state;

    return runner_core_live(&self->core) == 0;
}

static void fini(struct role_runtime *rt)
{
    struct runner *self = rt->state;

    loop_timer_stop(rt->loop, &self->fast);
    market_fini(&self->market);
}

int main(int argc, char **argv)
{
    const struct role_app app = {
        .role = ROLE_STRATEGY_RUNNER,
        .summary = "runs strategies: opportunities and books in, intents out",
        .keys = strategy_runner_keys,
        .key_count = strategy_runner_key_count,
        .config = &settings,
        .state = &runner,
        .check = check,
        .init = init,
        .start = start,
        .tick = tick,
        .stop = stop,
        .is_stopped = is_stopped,
        .fini = fini,
    };

    return role_main(&app, argc, argv);
}
