/* position_server: bus, ledger and timers around position_core. */
#include "position_server/ledger.h"
#include "position_server/position_core.h"
#include "position_server/position_settings.h"

#include "common/edge/role.h"
#include "common/leaf/err.h"

#include <stdlib.h>
#include <string.h>

enum { STREAMS_READ = 4, COMMIT_RECORDS = 256, MARK_LEVELS = 1000 };

static struct position_settings settings;

static struct server {
    struct position_core core;
    struct market market;
    struct ledger *ledger;
    struct role_runtime *rt;
    struct bus_pub *positions, *updates;
    struct input {
        struct server *self;
        unsigned port;
        struct bus_sub *sub;
    } inputs[STREAMS_READ];
    struct loop_timer commit_timer;
    int64_t saved_day, published_ns;
    struct histogram commit_ns;
} server;

static const int64_t PUBLISH_AT_MOST_EVERY_NS = 100 * NS_PER_MS;

static void publish(void *ctx, unsigned port, struct wire_header *event)
{
    struct server *self = ctx;

    (void)bus_publish(port == STREAM_POSITIONS ? self->positions : self->updates, event);
}

static void need_snapshot(void *ctx, uint64_t instrument)
{
    struct server *self = ctx;
    struct wire_state_request request;

    WIRE_BEGIN(&request, state_request);
    request.kind = REQUEST_SNAPSHOT;
    request.header.instrument = instrument;
    for (size_t i = 0; i < STREAMS_READ; i++)
        if (self->inputs[i].port == STREAM_MARKET_DATA && self->inputs[i].sub)
            (void)bus_request(self->inputs[i].sub, &request);
}

static int store_trade(void *ctx, const struct wire_trade_event *trade)
{
    struct server *self = ctx;

    return ledger_store_trade(self->ledger, trade);
}

static int store_account(void *ctx, const struct wire_account_event *event)
{
    struct server *self = ctx;

    return ledger_store_account(self->ledger, event);
}

static void store_definition(void *ctx, const struct wire_instrument *definition)
{
    struct server *self = ctx;

    if (ledger_store_definition(self->ledger, definition) != 0)
        role_stop(self->rt, ROLE_EXIT_FAILURE);
}

static void store_position(void *ctx, const struct wire_account_position *position)
{
    struct server *self = ctx;

    if (ledger_store_position(self->ledger, position) != 0)
        role_stop(self->rt, ROLE_EXIT_FAILURE);
}

static void note(void *ctx, const char *event, const char *text)
{
    (void)ctx;
    log_warn(event, "%s", text);
}

/* What could not be made durable must not go on counting in memory: the next start begins from the
 * file. */
static void commit(struct server *self)
{
    int64_t before = loop_now_ns();
    bool has_news = ledger_pending(self->ledger) > 0;

    if (ledger_commit(self->ledger) != 0) {
        log_error("ledger", "commit failed: stopping, so that the file stays the truth");
        role_stop(self->rt, ROLE_EXIT_FAILURE);
        return;
    }
    if (!has_news)
        return;
    int64_t now_ns = loop_now_ns();
    histogram_add(&self->commit_ns, now_ns - before);
    position_core_durable(&self->core);
    if (now_ns - self->published_ns >= PUBLISH_AT_MOST_EVERY_NS) {
        self->published_ns = now_ns;
        position_core_publish(&self->core, now_ns);
    }
}

static void on_commit_timer(struct loop_timer *timer, int64_t now_ns)
{
    struct server *self = timer->ctx;

    commit(self);
    (void)loop_timer_at(self->rt->loop, timer, now_ns + settings.commit_ms * NS_PER_MS);
}

static void on_event(void *ctx, const struct wire_header *event)
{
    struct input *input = ctx;
    struct server *self = input->self;

    if (event->type == WIRE_risk_state)
        bus_set_risk_version(self->rt->bus, ((const struct wire_risk_state *)event)->risk_version);
    position_core_event(&self->core, event, loop_now_ns());
    if (self->core.counters.store_failed > 0)
        role_stop(self->rt, ROLE_EXIT_FAILURE);
    if (ledger_pending(self->ledger) >= COMMIT_RECORDS)
        commit(self);
}

static void on_gap(void *ctx, uint16_t publisher, uint16_t type, uint64_t from_seq, uint64_t to_seq)
{
    struct input *input = ctx;

    log_warn("gap", "port=%u publisher=%u type=%s seq=%llu..%llu", input->port, publisher,
             wire_name(type), (unsigned long long)from_seq, (unsigned long long)to_seq);
    position_core_gap(&input->self->core, input->port, publisher, type);
}

static void on_epoch(void *ctx, uint16_t publisher, uint64_t epoch)
{
    struct input *input = ctx;

    log_info("publisher", "port=%u publisher=%u epoch=%llu", input->port, publisher,
             (unsigned long long)epoch);
    position_core_restarted(&input->self->core, input->port, publisher, loop_now_ns());
}

static void on_request(void *ctx, const struct wire_state_request *request)
{
    struct server *self = ctx;

    position_core_publish(&self->core, loop_now_ns());
    bus_pub_end_recovery(self->positions, request->request_id,
                         self->core.position_count + self->core.balance_count, true);
}

/* "USD=USDT:500 USDC=USDT:200" */
static int parse_equals(const char *text, struct position_config *config, FILE *errors,
                        const char *path)
{
    int count = equal_assets_parse(text, config->equals);

    if (count < 0) {
        fprintf(errors, "%s: [REPORTING] EQUALS: not a list of ASSET=AS:HAIRCUT_PPM (at most %d)\n",
                path, EQUAL_ASSETS_MAX);
        return ERR_CONFIG;
    }
    config->equal_count = (unsigned)count;
    return 0;
}

static int check(struct role_runtime *rt, FILE *out, FILE *errors)
{
    static struct position_config scratch;

    (void)out;
    memset(&scratch, 0, sizeof scratch);
    if (settings.reporting[0] == '\0' || strlen(settings.reporting) >= sizeof scratch.reporting) {
        fprintf(errors, "%s: [REPORTING] CURRENCY: an asset code of 1 to 15 letters\n",
                rt->config_path);
        return ERR_CONFIG;
    }
    return parse_equals(settings.equals, &scratch, errors, rt->config_path);
}

static void register_metrics(struct server *self)
{
    struct metrics *metrics = &self->rt->metrics;
    struct position_counters *counters = &self->core.counters;

    (void)metrics_counter(metrics, "trades_applied", &counters->trades_applied);
    (void)metrics_counter(metrics, "trades_duplicate", &counters->trades_duplicate);
    (void)metrics_counter(metrics, "trades_ahead", &counters->trades_ahead);
    (void)metrics_counter(metrics, "replays_asked", &counters->replays_asked);
    (void)metrics_counter(metrics, "account_events_applied", &counters->events_applied);
    (void)metrics_counter(metrics, "account_events_duplicate", &counters->events_duplicate);
    (void)metrics_counter(metrics, "account_events_ahead", &counters->events_ahead);
    (void)metrics_counter(metrics, "store_failed", &counters->store_failed);
    (void)metrics_counter(metrics, "unknown_instrument", &counters->unknown_instrument);
    (void)metrics_counter(metrics, "positions_full", &counters->positions_full);
    (void)metrics_counter(metrics, "simulated", &counters->simulated);
    (void)metrics_counter(metrics, "identities_repeated", &counters->identities_repeated);
    (void)metrics_counter(metrics, "positions_stated", &counters->positions_stated);
    (void)metrics_counter(metrics, "positions_differed", &counters->positions_differed);
    (void)metrics_counter(metrics, "realised_differed", &counters->realised_differed);
    (void)metrics_histogram(metrics, "commit_ns", &self->commit_ns, METRIC_TOTAL);
}

static int init(struct role_runtime *rt)
{
    struct server *self = rt->state;
    struct position_config config = {
        .mark_max_age_ns = settings.mark_max_age_ms * NS_PER_MS,
        .settle_ns = settings.settle_ms * NS_PER_MS,
        .replay_every_ns = settings.replay_ms * NS_PER_MS,
    };
    const struct position_out out = { self,          publish,          store_trade,
                                      store_account, store_definition, need_snapshot,
                                      note,          store_position };
    char path[ROLE_PATH_MAX];
    int err = parse_equals(settings.equals, &config, stderr, rt->config_path);

    self->rt = rt;
    memcpy(config.reporting, settings.reporting, strlen(settings.reporting) + 1);
    if (!err)
        err = market_init(&self->market, (unsigned)settings.instruments_max, MARK_LEVELS);
    if (!err)
        err = role_data_path(rt, "ledger", path, sizeof path);
    if (err)
        return err;
    position_core_init(&self->core, &config, &self->market, &out);
    register_metrics(self);
    err = ledger_open(&self->ledger, settings.ledger_file[0] ? settings.ledger_file : path);
    if (!err)
        err = ledger_load(self->ledger, &self->core);
    if (err) {
        log_error("ledger", "%s: %s", settings.ledger_file[0] ? settings.ledger_file : path,
                  err_str(err));
        return err;
    }
    position_core_loaded(&self->core, loop_now_ns());
    self->saved_day = self->core.day;
    log_info("ledger", "executions=%llu positions=%u balances=%u",
             (unsigned long long)self->core.counters.trades_applied, self->core.position_count,
             self->core.balance_count);
    return 0;
}

static int start(struct role_runtime *rt)
{
    static const unsigned ports[STREAMS_READ] = { STREAM_RISK, STREAM_MARKET_DATA,
                                                  STREAM_TRADE_EVENTS, STREAM_ORDER_STATUS };
    static const uint16_t status_types[] = { WIRE_engine_status };
    struct server *self = rt->state;
    int err = role_publish(rt, STREAM_POSITIONS, on_request, self, &self->positions);

    if (!err)
        err = role_publish(rt, STREAM_POSITION_UPDATES, NULL, self, &self->updates);
    for (size_t i = 0; i < STREAMS_READ && !err; i++) {
        struct input *input = &self->inputs[i];
        const struct bus_handler handler = { input, on_event, on_gap, NULL, on_epoch, NULL, NULL };
        bool is_status = ports[i] == STREAM_ORDER_STATUS;

        input->self = self;
        input->port = ports[i];
        err = role_subscribe(rt, ports[i], is_status ? status_types : NULL,
                             is_status ? COUNT(status_types) : 0, &handler, &input->sub);
    }
    if (!err) {
        self->commit_timer = (struct loop_timer){ .fire = on_commit_timer, .ctx = self };
        err = loop_timer_at(rt->loop, &self->commit_timer, loop_now_ns());
    }
    return err;
}

static void tick(struct role_runtime *rt, int64_t now_ns)
{
    struct server *self = rt->state;
    unsigned behind = 0;

    position_core_tick(&self->core, now_ns, loop_wall_ns());
    if (self->core.day != self->saved_day && ledger_store_day(self->ledger, &self->core) == 0)
        self->saved_day = self->core.day;
    for (uint32_t i = 0; i < self->core.account_count; i++)
        behind += self->core.accounts[i].announced_trade_number >
                  self->core.accounts[i].applied_trade_number;
    role_status(rt, "%u accounts, %u of them still replaying", self->core.account_count, behind);
}

static void stop(struct role_runtime *rt)
{
    struct server *self = rt->state;

    (void)ledger_commit(self->ledger);
    position_core_durable(&self->core);
}

static void fini(struct role_runtime *rt)
{
    struct server *self = rt->state;

    loop_timer_stop(rt->loop, &self->commit_timer);
    ledger_close(&self->ledger);
    market_fini(&self->market);
}

int main(int argc, char **argv)
{
    const struct role_app app = {
        .role = ROLE_POSITION_SERVER,
        .summary = "applies executions once; positions, balances and PnL",
        .keys = position_server_keys,
        .key_count = position_server_key_count,
        .config = &settings,
        .state = &server,
        .check = check,
        .init = init,
        .start = start,
        .tick = tick,
        .stop = stop,
        .fini = fini,
    };

    return role_main(&app, argc, argv);
}
