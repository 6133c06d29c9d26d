/* Options that do one thing and end: outside the lock and without the bus, for people and for
 * scripts. */
#include "trading_engine/engine.h"

#include "common/leaf/err.h"

#include <stdio.h>
#include <string.h>

enum { LEFT_MAX = 256 };
static const int64_t TICK_NS = 20 * NS_PER_MS;
static const int64_t AUTH_WAIT_NS = 15 * NS_PER_S, CANCEL_WAIT_NS = 60 * NS_PER_S;
static const uint64_t NONCE_AHEAD_NS =
    2 * NS_PER_S; /* Above those that a running engine has reserved. */

enum job { JOB_CANCEL_ALL, JOB_TEST_AUTH, JOB_TEST_WEBSOCKET };
enum step {
    STEP_WAIT,
    STEP_CANCEL,
    STEP_CANCELLING,
    STEP_LIST,
    STEP_LISTING,
    STEP_SINGLES,
    STEP_DONE
};

struct left {
    char symbol[32], exchange_order_id[VENUE_ID_MAX], client_order_id[40];
    uint64_t instrument;
    wire_instrument_kind instrument_kind;
};

struct oneshot {
    struct engine_app *app;
    struct session *session;
    struct loop_timer timer;
    enum job job;
    enum step step;
    int64_t began_ns, stop_ns, next_ns;
    uint64_t last_request, request;
    unsigned instruments, rounds, cancelled, balances;
    struct left left[LEFT_MAX];
    unsigned left_count, left_at;
    bool has_time;
    int exit_code;
    char text[160];
};

static void finish(struct oneshot *o, int exit_code, const char *text)
{
    o->step = STEP_DONE;
    o->exit_code = exit_code;
    snprintf(o->text, sizeof(o->text), "%s", text);
    loop_stop(o->app->rt->loop);
}

static void again(struct oneshot *o, enum step step, int64_t now_ns)
{
    o->step = step;
    o->request = 0;
    o->next_ns = now_ns + NS_PER_S;
}

static int ask(struct oneshot *o, enum venue_op op, const struct left *left)
{
    struct venue_command c = { .op = op,
                               .transport = TRANSPORT_REST,
                               .request_id = ++o->last_request };

    if (left) {
        c.instrument = left->instrument;
        c.instrument_kind = left->instrument_kind;
        memcpy(c.symbol, left->symbol, sizeof(c.symbol));
        memcpy(c.exchange_order_id, left->exchange_order_id, sizeof(c.exchange_order_id));
        memcpy(c.client_order_id, left->client_order_id, sizeof(c.client_order_id));
    }
    int err = session_command(o->session, &c);
    if (!err)
        o->request = c.request_id;
    return err;
}

/* ---- cancel all ---- */

static void on_open_order(struct oneshot *o, const struct venue_report *r)
{
    if (r->state >= ORDER_FILLED || o->left_count == LEFT_MAX)
        return;
    struct left *left = &o->left[o->left_count++];
    left->instrument = r->instrument;
    left->instrument_kind = r->instrument_kind;
    memcpy(left->symbol, r->symbol, sizeof(left->symbol));
    memcpy(left->exchange_order_id, r->exchange_order_id, sizeof(left->exchange_order_id));
    memcpy(left->client_order_id, r->client_order_id, sizeof(left->client_order_id));
}

static void on_list_done(struct oneshot *o, int64_t now_ns)
{
    o->rounds++;
    if (o->left_count == 0) {
        finish(o, ROLE_EXIT_OK, "nothing is open");
        return;
    }
    /* What the venue's own cancel-all left: instruments outside the configuration, races. */
    o->left_at = 0;
    again(o, STEP_SINGLES, now_ns);
    o->next_ns = now_ns;
}

static void cancel_step(struct oneshot *o, int64_t now_ns)
{
    bool has_instruments =
        o->instruments >= o->app->name_count || now_ns - o->began_ns > 5 * NS_PER_S;

    if (now_ns < o->next_ns)
        return;
    switch (o->step) {
    case STEP_WAIT:
        if (has_instruments)
            o->step = STEP_CANCEL;
        break;
    case STEP_CANCEL:
        if (ask(o, OP_CANCEL_ALL, NULL) == 0)
            o->step = STEP_CANCELLING;
        else
            again(o, o->rounds ? STEP_LIST : STEP_CANCEL, now_ns);
        break;
    case STEP_LIST:
        o->left_count = 0;
        if (ask(o, OP_OPEN_ORDERS, NULL) == 0)
            o->step = STEP_LISTING;
        else
            again(o, STEP_LIST, now_ns);
        break;
    case STEP_SINGLES:
        if (o->request)
            break;
        if (o->left_at == o->left_count)
            again(o, STEP_CANCEL, now_ns);
        else
            (void)ask(o, OP_CANCEL, &o->left[o->left_at++]);
        break;
    default:
        break;
    }
}

static void cancel_report(struct oneshot *o, const struct venue_report *r, int64_t now_ns)
{
    bool is_answer = r->request_id && r->request_id == o->request;
    bool is_bad = r->kind == REPORT_FAILED || r->kind == REPORT_OUTCOME_UNKNOWN ||
                  r->kind == REPORT_NEVER_SENT;

    o->cancelled += r->kind == REPORT_CANCELLED;
    if (is_bad && r->text[0])
        snprintf(o->text, sizeof(o->text), "%s", r->text);
    if (!is_answer)
        return;
    if (r->kind == REPORT_ORDER && o->step == STEP_LISTING) {
        on_open_order(o, r);
        return;
    }
    if (is_bad && r->why == REASON_VENUE_AUTH) {
        finish(o, ROLE_EXIT_FAILURE, r->text);
        return;
    }
    if (o->step == STEP_CANCELLING) {
        again(o, STEP_LIST, now_ns);
        o->next_ns = now_ns + 200 * NS_PER_MS;
    } else if (o->step == STEP_LISTING && r->kind == REPORT_DONE) {
        on_list_done(o, now_ns);
    } else if (o->step == STEP_LISTING) {
        again(o, STEP_LIST, now_ns);
    } else {
        o->request = 0;
    }
}

/* ---- tests ---- */

static void test_step(struct oneshot *o, int64_t now_ns)
{
    if (o->job != JOB_TEST_AUTH || o->request || now_ns < o->next_ns || !o->has_time)
        return;
    if (ask(o, OP_BALANCES, NULL) != 0)
        o->next_ns = now_ns + NS_PER_S;
}

static void test_report(struct oneshot *o, const struct venue_report *r)
{
    char text[160];

    if (r->kind == REPORT_SERVER_TIME) {
        o->has_time = true;
        printf("server time: offset %lld ms, round trip %lld ms\n",
               (long long)(r->offset_ns / NS_PER_MS), (long long)(r->rtt_ns / NS_PER_MS));
    }
    if (o->job == JOB_TEST_WEBSOCKET && r->kind == REPORT_CHANNEL) {
        printf("order channel %s, private stream %s%s%s\n", r->is_order_channel_up ? "up" : "down",
               r->is_private_stream_up ? "up" : "down", r->text[0] ? ": " : "", r->text);
        if (r->is_private_stream_up)
            finish(o, ROLE_EXIT_OK, "the private stream is up");
        else if (r->why == REASON_VENUE_AUTH)
            finish(o, ROLE_EXIT_FAILURE, r->text);
    }
    if (!r->request_id || r->request_id != o->request)
        return;
    o->balances += r->kind == REPORT_BALANCE;
    if (r->kind == REPORT_DONE) {
        snprintf(text, sizeof(text), "key accepted, %u balances", o->balances);
        finish(o, ROLE_EXIT_OK, text);
    } else if (r->kind != REPORT_BALANCE) {
        snprintf(text, sizeof(text), "%s: %s", wire_reason_str(r->why), r->text);
        finish(o, ROLE_EXIT_FAILURE, text);
    }
}

/* ---- life ---- */

static void on_report(void *ctx, const struct venue_report *report)
{
    struct oneshot *o = ctx;

    o->instruments += report->kind == REPORT_INSTRUMENT;
    if (o->step == STEP_DONE)
        return;
    if (o->job == JOB_CANCEL_ALL)
        cancel_report(o, report, loop_now_ns());
    else
        test_report(o, report);
}

static int on_reserve_nonce(void *ctx, uint64_t high_water)
{
    (void)ctx;
    (void)high_water; /* One short life: the wall clock is enough. */
    return 0;
}

static void timer_fires(struct loop_timer *timer, int64_t now_ns)
{
    struct oneshot *o = timer->ctx;

    session_tick(o->session, now_ns);
    if (o->step == STEP_DONE)
        return;
    if (now_ns >= o->stop_ns) {
        finish(o, ROLE_EXIT_FAILURE, o->text[0] ? o->text : "no answer in time");
        return;
    }
    if (o->job == JOB_CANCEL_ALL)
        cancel_step(o, now_ns);
    else
        test_step(o, now_ns);
    (void)loop_timer_at(o->app->rt->loop, timer, now_ns + TICK_NS);
}

static int run(struct engine_app *app, enum job job)
{
    static struct oneshot o;
    static const char *const names[] = { "cancel-all", "test-auth", "test-websocket" };
    struct session_config config;

    o = (struct oneshot){ .app = app, .job = job, .exit_code = ROLE_EXIT_FAILURE };
    if (app_keys(app) != 0) {
        fprintf(stderr, "%s: %s_API_KEY and %s_API_SECRET are not set\n", names[job],
                app->rt->instance->name, app->rt->instance->name);
        return ROLE_EXIT_CONFIG;
    }
    app_session(app, &config);
    config.has_connections = job == JOB_TEST_WEBSOCKET;
    config.nonce_floor = (uint64_t)loop_wall_ns() + NONCE_AHEAD_NS;
    config.ctx = &o;
    config.report = on_report;
    config.reserve_nonce = on_reserve_nonce;
    o.began_ns = loop_now_ns();
    o.stop_ns = o.began_ns + (job == JOB_CANCEL_ALL ? CANCEL_WAIT_NS : AUTH_WAIT_NS);
    int err = session_open(&o.session, &config);
    if (err) {
        fprintf(stderr, "%s: %s\n", names[job], err_str(err));
        return err == ERR_AUTH || err == ERR_CONFIG ? ROLE_EXIT_CONFIG : ROLE_EXIT_FAILURE;
    }
    o.timer = (struct loop_timer){ .fire = timer_fires, .ctx = &o };
    (void)loop_timer_at(app->rt->loop, &o.timer, o.began_ns + 1);
    (void)loop_run(app->rt->loop);
    loop_timer_stop(app->rt->loop, &o.timer);
    session_close(&o.session);
    printf("%s %s: %s: %s\n", app->rt->instance->name, names[job], o.exit_code ? "FAILED" : "ok",
           o.text);
    return o.exit_code;
}

int oneshot_run(struct engine_app *app)
{
    const struct engine_options *options = &app->options;
    bool is_any = options->print_request || options->cancels_all || options->tests_auth ||
                  options->tests_websocket;

    if (!is_any)
        return ROLE_GO_ON;
    if (app_resolve(app, stderr) != 0)
        return ROLE_EXIT_CONFIG;
    if (options->print_request)
        return print_request(app, options->print_request, stdout, stderr);
    if (options->cancels_all)
        return run(app, JOB_CANCEL_ALL);
    return run(app, options->tests_auth ? JOB_TEST_AUTH : JOB_TEST_WEBSOCKET);
}
