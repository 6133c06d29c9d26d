#include "trading_engine/engine.h"

#include "common/leaf/err.h"
#include "common/pure/book.h"
#include "common/pure/histogram.h"
#include "trading_engine/engine_core.h"
#include "trading_engine/journal.h"
#include "trading_engine/records.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { TICK_NS = 10 * NS_PER_MS, BOOK_LEVELS = 1000, PUBLISHED = 3, READ = 4 };

struct input {
    struct engine *engine;
    unsigned port;
    struct bus_sub *sub;
};

struct engine {
    struct engine_app *app;
    struct role_runtime *rt;
    struct engine_core *core;
    void *memory;
    size_t memory_size;
    struct book *books;
    struct journal *journal;
    struct session *session;
    struct engine_config config;
    struct bus_pub *orders, *trades, *status;
    struct input inputs[READ];
    struct loop_timer timer;
    struct log_burst note_burst[3];
    uint64_t nonce_floor, last_epoch;
    bool is_live;
    /* Figures. */
    struct histogram bus_ns, tick_to_order_ns, append_ns, command_ns;
    struct journal_stats journal_stats;
    int64_t state, live_orders, unknown_orders, journal_used, clock_offset_ns, rest_rtt_ns,
        ping_rtt_ns;
    int64_t journal_sync_longest_ns;
};

/* ---- what the core can do ---- */

static void on_publish(void *ctx, struct wire_header *event)
{
    struct engine *e = ctx;

    switch (wire_port(event->type)) {
    case STREAM_ORDER_EVENTS:
        (void)bus_publish(e->orders, event);
        break;
    case STREAM_TRADE_EVENTS:
        (void)bus_publish(e->trades, event);
        break;
    default:
        (void)bus_publish(e->status, event);
        break;
    }
}

static int on_command(void *ctx, const struct venue_command *command, int64_t cause_ns)
{
    struct engine *e = ctx;
    int64_t before = loop_now_ns();
    int err = e->session ? session_command(e->session, command) : ERR_CLOSED;
    int64_t after = loop_now_ns();

    if (!err && command->op == OP_PLACE) {
        histogram_add(&e->command_ns, after - before);
        if (cause_ns > 0)
            histogram_add(&e->tick_to_order_ns, after - cause_ns);
    }
    return err;
}

static int on_append(void *ctx, uint16_t type, const void *record, size_t size)
{
    struct engine *e = ctx;
    int64_t before = loop_now_ns();
    int err = journal_append(e->journal, type, record, size);

    histogram_add(&e->append_ns, loop_now_ns() - before);
    return err;
}

static void on_note(void *ctx, enum engine_note_level level, const char *event, const char *text)
{
    static const enum log_level levels[] = { LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };
    struct engine *e = ctx;
    uint64_t suppressed = 0;

    if (e->rt->is_verbose ||
        log_burst_allows(&e->note_burst[level], loop_now_ns(), NS_PER_MS, &suppressed))
        log_write(levels[level], event, "%s", text);
}

/* ---- the journal ---- */

static int on_record(void *ctx, uint16_t type, const void *record, size_t size)
{
    struct engine *e = ctx;
    struct nonce_record nonce;
    struct session_record session;

    if (type == RECORD_NONCE && size == sizeof(nonce)) {
        memcpy(&nonce, record, sizeof(nonce));
        e->nonce_floor = MAX(e->nonce_floor, nonce.high_water);
        return 0;
    }
    if (type == RECORD_SESSION && size == sizeof(session)) {
        memcpy(&session, record, sizeof(session));
        e->last_epoch = MAX(e->last_epoch, session.epoch);
    }
    int err = engine_core_restore(e->core, type, record, size);
    return err == ERR_NOT_FOUND ? 0 : err; /* Of a type that this build does not keep. */
}

static int append_next(void *ctx, uint16_t type, const void *record, size_t size)
{
    return journal_append_next(ctx, type, record, size);
}

static int on_checkpoint(void *ctx, struct journal *journal)
{
    struct engine *e = ctx;
    struct nonce_record nonce = { e->nonce_floor };
    int err = engine_core_checkpoint(e->core, append_next, journal);

    return err ? err : journal_append_next(journal, RECORD_NONCE, &nonce, sizeof(nonce));
}

static void rotate(struct engine *e)
{
    int64_t before = loop_now_ns();
    int err = journal_rotate(e->journal, on_checkpoint, e);
    uint64_t suppressed = 0;

    if (!err)
        log_info("journal_rotated", "%lld us", (long long)((loop_now_ns() - before) / NS_PER_US));
    else if (err != ERR_AGAIN &&
             log_burst_allows(&e->note_burst[NOTE_ERROR], loop_now_ns(), NS_PER_S, &suppressed))
        log_error("journal_rotation", "%s: going on in the old segment", err_str(err));
}

static int on_reserve_nonce(void *ctx, uint64_t high_water)
{
    struct engine *e = ctx;
    struct nonce_record nonce = { high_water };
    int err = journal_append(e->journal, RECORD_NONCE, &nonce, sizeof(nonce));

    if (!err)
        e->nonce_floor = high_water;
    return err;
}

/* ---- what comes in ---- */

static void on_event(void *ctx, const struct wire_header *event)
{
    struct input *input = ctx;
    struct engine *e = input->engine;

    if (event->type == WIRE_risk_state)
        bus_set_risk_version(e->rt->bus,
                             ((const struct wire_risk_state *)(const void *)event)->risk_version);
    int64_t now_ns = loop_now_ns();
    if (event->type == WIRE_order_request && event->account == e->config.account)
        histogram_add(&e->bus_ns, now_ns - event->sent_ns);
    engine_core_event(e->core, event, now_ns);
}

static void on_heartbeat(void *ctx, const struct wire_heartbeat *heartbeat)
{
    struct input *input = ctx;

    engine_core_event(input->engine->core, &heartbeat->header, loop_now_ns());
}

static void ask_snapshot(struct engine *e)
{
    struct wire_state_request request;

    WIRE_BEGIN(&request, state_request);
    request.kind = REQUEST_SNAPSHOT;
    for (size_t i = 0; i < READ; i++)
        if (e->inputs[i].port == STREAM_MARKET_DATA && e->inputs[i].sub)
            (void)bus_request(e->inputs[i].sub, &request);
}

static void on_gap(void *ctx, uint16_t publisher, uint16_t type, uint64_t from_seq, uint64_t to_seq)
{
    struct input *input = ctx;

    log_warn("gap", "port=%u publisher=%u type=%s seq=%llu..%llu", input->port, publisher,
             wire_name(type), (unsigned long long)from_seq, (unsigned long long)to_seq);
    if (input->port == STREAM_MARKET_DATA && engine_core_gap(input->engine->core, type))
        ask_snapshot(input->engine);
}

static void on_epoch(void *ctx, uint16_t publisher, uint64_t epoch)
{
    struct input *input = ctx;

    log_info("publisher", "port=%u publisher=%u epoch=%llu", input->port, publisher,
             (unsigned long long)epoch);
    if (input->port == STREAM_MARKET_DATA) {
        (void)engine_core_gap(input->engine->core, WIRE_book_snapshot);
        ask_snapshot(input->engine);
    }
}

static void on_report(void *ctx, const struct venue_report *report)
{
    struct engine *e = ctx;

    engine_core_report(e->core, report, loop_now_ns());
}

static void on_status_request(void *ctx, const struct wire_state_request *request)
{
    struct engine *e = ctx;
    unsigned sent = engine_core_republish(e->core, loop_now_ns());

    bus_pub_end_recovery(e->status, request->request_id, sent, true);
}

/* The state behind 6002 and 6017 is on 6018, and in replays asked for on 7004. */
static void on_orders_request(void *ctx, const struct wire_state_request *request)
{
    struct engine *e = ctx;

    (void)engine_core_republish(e->core, loop_now_ns());
    bus_pub_end_recovery(e->orders, request->request_id, 0, true);
}

static void on_trades_request(void *ctx, const struct wire_state_request *request)
{
    struct engine *e = ctx;

    engine_core_republish_positions(e->core, loop_now_ns());
    bus_pub_end_recovery(e->trades, request->request_id, 0, true);
}

/* ---- time ---- */

static int64_t wall_ns(const struct engine *e)
{
    return e->session ? session_wall_ns(e->session) : loop_wall_ns();
}

static void update_gauges(struct engine *e)
{
    struct engine_gauges gauges;

    journal_stats(e->journal, &e->journal_stats);
    gauges.journal_bytes = e->journal_stats.appended_bytes;
    gauges.is_rest_up = e->session && session_link_counters(e->session)->is_rest_up;
    engine_core_gauges(e->core, &gauges);
}

static void timer_fires(struct loop_timer *timer, int64_t now_ns)
{
    struct engine *e = timer->ctx;

    if (e->session)
        session_tick(e->session, now_ns);
    engine_core_tick(e->core, loop_now_ns(), wall_ns(e));
    if (journal_wants_rotation(e->journal))
        rotate(e);
    (void)loop_timer_at(e->rt->loop, timer, now_ns + TICK_NS);
}

void engine_tick(struct engine_app *app, int64_t now_ns)
{
    struct engine *e = app->engine;
    struct wire_engine_status status;

    update_gauges(e);
    engine_core_status(e->core, now_ns, &status);
    role_status(app->rt, "%s%s%s: %s%s%s", wire_engine_state_str(status.state),
                status.why ? " " : "", status.why ? wire_reason_str(status.why) : "",
                e->is_live ? "live" : "dry run",
                status.unknown_orders ? ", orders of unknown outcome" : "",
                e->is_live && !status.is_private_stream_up ? ", no private stream" : "");
}

/* ---- figures ---- */

static void register_metrics(struct engine *e)
{
    static const struct {
        const char *name;
        size_t at;
    } counters[] = {
#define AT(name) { #name, offsetof(struct engine_counters, name) }
        AT(intents),
        AT(duplicates),
        AT(answered),
        AT(refused),
        AT(orders_sent),
        AT(cancels_sent),
        AT(replaces_sent),
        AT(queries_sent),
        AT(accepted),
        AT(rejected),
        AT(cancelled),
        AT(expired),
        AT(fills),
        AT(foreign_fills),
        AT(foreign_orders),
        AT(adopted),
        AT(fills_duplicate),
        AT(fills_deferred),
        AT(fills_too_old),
        AT(fills_late),
        AT(overfilled),
        AT(reports),
        AT(reports_duplicate),
        AT(reports_unmatched),
        AT(alarms),
        AT(unknown_total),
        AT(absent_confirmed),
        AT(requests_timed_out),
        AT(command_failed),
        AT(reconciles),
        AT(dead_man_refreshed),
        AT(journal_failed),
        AT(replayed),
        AT(table_full),
        AT(dry_dropped),
        AT(throttled),
        AT(owners_full),
        AT(kills),
        AT(malformed),
        AT(positions_stated),
        AT(positions_differed),
        AT(funding_paid),
        AT(funding_duplicate),
        AT(funding_too_old),
        AT(liquidations),
        AT(mode_refused),
#undef AT
    };
    struct metrics *m = &e->rt->metrics;
    const struct engine_counters *c = engine_core_counters(e->core);
    char name[64];

    for (size_t i = 0; i < COUNT(counters); i++)
        (void)metrics_counter(m, counters[i].name,
                              (const uint64_t *)(const void *)((const char *)c + counters[i].at));
    for (unsigned reason = 1; reason < ENGINE_REASONS_MAX; reason++) {
        /* Refusals that the engine itself can give. */
        if (reason >= REASON_VENUE_REJECT || strcmp(wire_reason_str(reason), "?") == 0)
            continue;
        snprintf(name, sizeof(name), "refused_%s", wire_reason_str(reason));
        (void)metrics_counter(m, name, &c->reasons[reason]);
    }
    (void)metrics_gauge(m, "state", &e->state);
    (void)metrics_gauge(m, "live_orders", &e->live_orders);
    (void)metrics_gauge(m, "unknown_orders", &e->unknown_orders);
    (void)metrics_gauge(m, "journal_used_bytes", &e->journal_used);
    (void)metrics_gauge(m, "journal_sync_longest_ns", &e->journal_sync_longest_ns);
    (void)metrics_counter(m, "journal_appended", &e->journal_stats.appended);
    (void)metrics_counter(m, "journal_rotations", &e->journal_stats.rotations);
    (void)metrics_counter(m, "journal_rotations_failed", &e->journal_stats.rotations_failed);
    (void)metrics_counter(m, "journal_sync_failed", &e->journal_stats.sync_failed);
    (void)metrics_gauge(m, "clock_offset_ns", &e->clock_offset_ns);
    (void)metrics_gauge(m, "rest_rtt_ns", &e->rest_rtt_ns);
    (void)metrics_gauge(m, "ping_rtt_ns", &e->ping_rtt_ns);
    (void)metrics_histogram(m, "intent_bus_ns", &e->bus_ns, METRIC_TOTAL);
    (void)metrics_histogram(m, "tick_to_order_ns", &e->tick_to_order_ns, METRIC_TOTAL);
    (void)metrics_histogram(m, "command_ns", &e->command_ns, METRIC_TOTAL);
    (void)metrics_histogram(m, "append_ns", &e->append_ns, METRIC_INTERVAL);
}

static void register_session_metrics(struct engine *e)
{
    const struct session_counters *c = session_counters(e->session);
    const struct venue_link_counters *link = session_link_counters(e->session);
    struct metrics *m = &e->rt->metrics;

    (void)metrics_counter(m, "session_connects", &link->connects);
    (void)metrics_counter(m, "session_disconnects", &link->disconnects);
    (void)metrics_counter(m, "session_silences", &link->silences);
    (void)metrics_counter(m, "session_requests", &link->requests);
    (void)metrics_counter(m, "session_requests_refused", &link->requests_refused);
    (void)metrics_counter(m, "session_requests_failed", &link->requests_failed);
    (void)metrics_counter(m, "session_frames", &c->frames);
    (void)metrics_counter(m, "session_frames_refused", &c->frames_refused);
    (void)metrics_counter(m, "session_sends_refused", &link->sends_refused);
    (void)metrics_counter(m, "nonces_refused", &c->nonces_refused);
}

void engine_metrics(struct engine_app *app)
{
    struct engine *e = app->engine;
    struct wire_engine_status status;

    engine_core_status(e->core, loop_now_ns(), &status);
    e->state = status.state;
    e->live_orders = status.live_orders;
    e->unknown_orders = status.unknown_orders;
    update_gauges(e);
    e->journal_used = (int64_t)e->journal_stats.used_bytes;
    e->journal_sync_longest_ns = e->journal_stats.sync_longest_ns;
    if (e->session) {
        e->clock_offset_ns = session_counters(e->session)->clock_offset_ns;
        e->rest_rtt_ns = session_link_counters(e->session)->rest_rtt_ns;
        e->ping_rtt_ns = session_link_counters(e->session)->ping_rtt_ns;
    }
}

/* ---- begin ---- */

static uint64_t read_boot_id(void)
{
    char text[64] = "";
    uint64_t id = 0;
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");

    if (!file)
        return 0;
    if (!fgets(text, sizeof(text), file))
        text[0] = 0;
    fclose(file);
    /* The first eight bytes, as the bus's heartbeats carry them. */
    for (unsigned digits = 0, i = 0; text[i] && digits < 16; i++) {
        int value = text[i] >= '0' && text[i] <= '9'   ? text[i] - '0'
                    : text[i] >= 'a' && text[i] <= 'f' ? text[i] - 'a' + 10
                                                       : -1;
        if (value >= 0 && ++digits)
            id = id << 4 | (uint64_t)value;
    }
    return id;
}

static void fill_config(struct engine *e)
{
    const struct engine_settings *s = &e->app->settings;
    struct engine_config *c = &e->config;

    engine_core_defaults(c);
    c->venue = e->app->venue->name;
    c->account = e->rt->instance->id;
    c->environment = app_environment(e->app);
    c->epoch = bus_epoch(e->rt->bus);
    c->boot_id = read_boot_id();
    c->is_dry_run = !e->is_live;
    c->has_dead_man = e->is_live && e->app->venue->order->has_dead_man;
    c->has_private_stream = s->has_private_stream || !e->is_live;
    c->client_id_form = e->app->venue->order->client_order_id_form;
    c->replace_keeps_id = e->app->venue->order->replace_keeps_id || !e->is_live;
    c->executions_by_account = true;
    c->has_positions = e->app->venue->order->has_positions;
    c->reduces_in_place = e->app->venue->order->reduces_in_place;
    c->has_place_deadline = e->app->venue->order->has_place_deadline;
    c->paper_leverage_ppm = (uint32_t)s->paper_leverage_ppm;
    c->cancels_on_stop = s->cancels_on_stop;
    c->maker_fee_ppm = e->rt->instance->maker_fee_ppm;
    c->taker_fee_ppm = e->rt->instance->taker_fee_ppm;
    c->paper_balances = s->paper_balances;
    c->names = e->app->names;
    c->name_count = e->app->name_count;
    c->orders_max = (size_t)s->order_queue_size * 16;
    c->trades_max = (size_t)s->trades_kept;
    c->books = e->books;
    c->limits =
        (struct engine_limits){ .order_qty_max = s->order_qty_max,
                                .order_notional_max = s->order_notional_max,
                                .position_symbol_max = s->position_symbol_max,
                                .position_asset_max = s->position_asset_max,
                                .daily_loss_max = s->daily_loss_max,
                                .collar_ppm = s->collar_ppm,
                                .book_age_max_ns = s->book_age_max_ms * NS_PER_MS,
                                .open_orders_max = MIN(s->open_orders_max, s->order_queue_size),
                                .orders_per_s = s->orders_per_s,
                                .messages_per_s = s->requests_per_s,
                                .messages_burst = s->burst,
                                .cancel_reserve = s->cancel_reserve,
                                .messages_per_min = s->requests_per_min,
                                .alert_share = s->alert_share };
    c->timing.order_timeout_ns = s->order_timeout_ms * NS_PER_MS;
    c->timing.ask_first_ns = s->http_retry_delay_ms * NS_PER_MS;
    c->timing.reconcile_every_ns = s->reconcile_ms * NS_PER_MS;
    c->timing.balance_every_ns = s->balance_ms * NS_PER_MS;
    c->timing.dead_man_ns = s->dead_man_ms * NS_PER_MS;
    c->timing.dead_man_every_ns = s->dead_man_ms * NS_PER_MS / 4;
    c->timing.clock_skew_max_ns = s->recv_window_ms * NS_PER_MS;
    c->timing.place_tries_max = s->retries_failed_orders ? 1 + (unsigned)s->order_retries_max : 1;
    c->timing.place_retry_ns = s->place_retry_ms * NS_PER_MS;
}

static int make_books(struct engine *e)
{
    if (e->is_live)
        return 0;
    e->books = calloc(e->app->name_count, sizeof(*e->books));
    int err = e->books ? 0 : ERR_SYS;
    for (size_t i = 0; i < e->app->name_count && !err; i++)
        err = book_init(&e->books[i], BOOK_LEVELS, 8, 8);
    return err;
}

/* Two checkpoints of full tables must fit, or rotation would never be done with it. */
static size_t segment_bytes(const struct engine *e)
{
    size_t checkpoint = e->config.orders_max * (sizeof(struct order_record) + 24) +
                        e->config.trades_max * (sizeof(struct wire_trade_event) + 24) + 262144;
    size_t wanted = (size_t)e->app->settings.segment_mb * 1024 * 1024;

    return MAX(wanted, 2 * checkpoint);
}

static int make_core(struct engine *e)
{
    const struct engine_out out = { e, on_publish, on_command, on_append, on_note };
    const char *missing = "";

    fill_config(e);
    size_t size = engine_core_size(&e->config);
    size_t whole = size + 2 * segment_bytes(e);
    if (size == 0 || whole > (size_t)e->app->settings.memory_limit_mb * 1024 * 1024) {
        log_error("memory", "tables and journal want %zu MB, [PERFORMANCE] MEMORY_LIMIT_MB is %lld",
                  whole >> 20, (long long)e->app->settings.memory_limit_mb);
        return ERR_CONFIG;
    }
    /* Pages come with first use: most of the tables is for days that are busier than most. */
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return ERR_SYS;
    e->memory = memory;
    e->memory_size = size;
    int err = engine_core_init(e->memory, size, &e->config, &out, &e->core, &missing);
    if (err)
        log_error("limits", "%s: %s is not set or does not fit the others", err_str(err), missing);
    return err;
}

static int open_journal(struct engine *e)
{
    char path[ROLE_PATH_MAX], problem[ROLE_PATH_MAX + 256] = "";
    int err = role_data_path(e->rt, e->is_live ? "live" : "dry", path, sizeof(path));
    struct journal_config config = { .prefix = path,
                                     .segment_bytes = segment_bytes(e),
                                     .boot_id = e->config.boot_id };

    if (err) {
        log_error("journal", "%s: %s", e->rt->common.data_dir, err_str(err));
        return err;
    }
    int64_t before = loop_now_ns();
    err = journal_open(&e->journal, &config, on_record, e, problem, sizeof(problem));
    if (err) {
        log_error("journal", "%s: %s", problem, err_str(err));
        return err;
    }
    journal_stats(e->journal, &e->journal_stats);
    log_info("journal", "%s: %llu records, %llu bytes in %lld us, %s", path,
             (unsigned long long)e->journal_stats.records_read,
             (unsigned long long)e->journal_stats.bytes_read,
             (long long)((loop_now_ns() - before) / NS_PER_US),
             journal_is_whole(e->journal) ? "whole" : "its end may be missing: the venue is asked");
    if (e->last_epoch >= e->config.epoch) {
        log_error("epoch",
                  "the clock is behind the last session's epoch: waiting for it by not starting");
        return ERR_RANGE;
    }
    return 0;
}

int engine_init(struct engine_app *app)
{
    struct engine *e = calloc(1, sizeof(*e));

    if (!e)
        return ERR_SYS;
    app->engine = e;
    e->app = app;
    e->rt = app->rt;
    e->is_live = app_is_live(app);
    if (app_check_limits(app, stderr) != 0)
        return ERR_CONFIG;
    if (!app->settings.has_checks) {
        log_error(
            "start",
            "[RISK_MANAGEMENT] ENABLE_PRE_TRADE_CHECKS=false: the checks cannot be switched off");
        return ERR_CONFIG;
    }
    if (e->is_live && app_keys(app) != 0) {
        log_error("start", "live trading needs %s_API_KEY and %s_API_SECRET",
                  app->rt->instance->name, app->rt->instance->name);
        return ERR_CONFIG;
    }
    int err = make_books(e);
    if (!err)
        err = make_core(e);
    if (!err)
        err = open_journal(e);
    if (!err)
        register_metrics(e);
    return err;
}

static int subscribe_all(struct engine *e)
{
    static const uint16_t market_live[] = { WIRE_instrument, WIRE_best_quote, WIRE_feed_status };
    static const uint16_t market_dry[] = { WIRE_instrument,    WIRE_best_quote, WIRE_feed_status,
                                           WIRE_book_snapshot, WIRE_book_delta, WIRE_trade };
    static const uint16_t risk[] = { WIRE_risk_state };
    const struct {
        unsigned port;
        const uint16_t *types;
        size_t count;
    } streams[READ] = {
        { STREAM_RISK, risk, COUNT(risk) },
        { STREAM_MARKET_DATA, e->is_live ? market_live : market_dry,
          e->is_live ? COUNT(market_live) : COUNT(market_dry) },
        { STREAM_POSITION_UPDATES, NULL, 0 },
        { STREAM_ORDERS, NULL, 0 },
    };
    int err = 0;

    for (size_t i = 0; i < READ && !err; i++) {
        struct input *input = &e->inputs[i];
        const struct bus_handler handler = { input,    on_event,     on_gap, NULL,
                                             on_epoch, on_heartbeat, NULL };
        input->engine = e;
        input->port = streams[i].port;
        err = role_subscribe(e->rt, streams[i].port, streams[i].types, streams[i].count, &handler,
                             &input->sub);
    }
    return err;
}

static int open_session(struct engine *e)
{
    struct session_config config;

    app_session(e->app, &config);
    config.nonce_floor = e->nonce_floor;
    config.ctx = e;
    config.report = on_report;
    config.reserve_nonce = on_reserve_nonce;
    int err = session_open(&e->session, &config);
    if (err)
        log_error("session", "%s: %s", e->app->venue->name, err_str(err));
    else
        register_session_metrics(e);
    return err;
}

int engine_start(struct engine_app *app)
{
    struct engine *e = app->engine;
    int err = role_publish(e->rt, STREAM_ORDER_EVENTS, on_orders_request, e, &e->orders);

    if (!err)
        err = role_publish(e->rt, STREAM_TRADE_EVENTS, on_trades_request, e, &e->trades);
    if (!err)
        err = role_publish(e->rt, STREAM_ORDER_STATUS, on_status_request, e, &e->status);
    if (!err)
        err =
            engine_core_start(e->core, journal_is_whole(e->journal), loop_now_ns(), loop_wall_ns());
    if (!err)
        err = subscribe_all(e);
    if (!err && e->is_live)
        err = open_session(e);
    if (!err) {
        e->timer = (struct loop_timer){ .fire = timer_fires, .ctx = e };
        err = loop_timer_at(e->rt->loop, &e->timer, loop_now_ns() + TICK_NS);
    }
    return err;
}

/* ---- end ---- */

void engine_kill(struct engine_app *app)
{
    engine_core_kill(app->engine->core, REASON_SIGNAL, loop_now_ns());
}

void engine_stop(struct engine_app *app)
{
    engine_core_stop(app->engine->core, loop_now_ns());
}

bool engine_is_stopped(struct engine_app *app)
{
    return engine_core_is_stopped(app->engine->core, loop_now_ns());
}

void engine_fini(struct engine_app *app)
{
    struct engine *e = app->engine;

    if (!e)
        return;
    loop_timer_stop(app->rt->loop, &e->timer);
    session_close(&e->session);
    journal_close(&e->journal);
    for (size_t i = 0; e->books && i < app->name_count; i++)
        book_fini(&e->books[i]);
    free(e->books);
    if (e->memory)
        munmap(e->memory, e->memory_size);
    free(e);
    app->engine = NULL;
}
