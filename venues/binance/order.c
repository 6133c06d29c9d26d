/* The session of the order side: one WebSocket API connection for requests and the private stream,
 * REST beside it, a bounded table of what is in flight. */
#include "venues/binance/order.h"
#include "venues/binance/order_view.h"

#include <stdio.h>

#define SILENCE_NS (30 * NS_PER_S)
#define PING_NS    (9 * NS_PER_S)
#define RENEW_NS   (23 * 3600 * NS_PER_S) /* The venue closes after 24 h. */
#define TIMEOUT_NS (5 * NS_PER_S)         /* Where the configuration has none. */
#define REST_TIMEOUT_NS \
    (60 * NS_PER_S) /* The shell times REST out itself; this is for a lost answer. */
#define REPEAT_MAX_NS     (10 * NS_PER_S) /* A repeat unsent for so long is given up. */
#define METADATA_RETRY_NS (5 * NS_PER_S)

/* ---- begin and end ---- */

void binance_order_fini(void *state)
{
    struct binance_order *order = state;

    if (order->keys.is_set && !order->keys.is_ed25519)
        hmac_key_fini(&order->keys.hmac);
    ed25519_key_fini(&order->keys.ed25519);
    order->keys.is_set = order->keys.is_ed25519 = false;
    /* The key is in the templates and in what was last written. */
    secret_wipe(order->keys.api_key, sizeof(order->keys.api_key));
    secret_wipe(order->symbols, sizeof(order->symbols));
    secret_wipe(order->frame, sizeof(order->frame));
    secret_wipe(&order->request, sizeof(order->request));
}

static bool key_is_plain(const char *key)
{
    size_t len = strspn(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

    return key[len] == '\0' && len < ORDER_KEY_MAX;
}

static int keys_take(struct binance_order *order, const struct venue_order_config *config)
{
    const char *key = config->api_key ? config->api_key : "";
    const char *secret = config->api_secret ? config->api_secret : "";

    if (config->recv_window_ms < 0 || config->recv_window_ms > 60000)
        return ERR_RANGE;
    if (config->recv_window_ms > 0)
        snprintf(order->keys.window, sizeof(order->keys.window), "%lld",
                 (long long)config->recv_window_ms);
    bool is_pem = strstr(secret, "-----BEGIN") != NULL;

    if (!key_is_plain(key) || (is_pem && !order->product->takes_ed25519))
        return ERR_AUTH;
    binance_copy(order->keys.api_key, sizeof(order->keys.api_key), key);
    if (key[0] == '\0' || secret[0] == '\0')
        return 0;
    int err = is_pem ? ed25519_key_init_pem(&order->keys.ed25519, secret, strlen(secret))
                     : hmac_key_init(&order->keys.hmac, secret, strlen(secret));
    order->keys.is_set = err == 0;
    order->keys.is_ed25519 = is_pem && err == 0;
    return err == ERR_PROTO ? ERR_AUTH : err; /* An RSA key: not built. */
}

int binance_order_open(struct binance_order *order, const struct venue_order_config *config,
                       const struct order_product *product)
{
    memset(order, 0, sizeof(*order));
    order->product = product;
    order->next_id = 1;
    order->timeout_ns = config->order_timeout_ns > 0 ? config->order_timeout_ns : TIMEOUT_NS;
    order->maker_fee_ppm = config->maker_fee_ppm;
    order->taker_fee_ppm = config->taker_fee_ppm;
    order->limits[LIMIT_WEIGHT].limit = product->weight_limit;
    binance_copy(order->venue, sizeof(order->venue), config->venue);
    if (config->name_count > VENUE_SYMBOLS_MAX)
        return ERR_RANGE;
    for (size_t i = 0; i < config->name_count; i++) {
        if (strlen(config->names[i]) >= sizeof(order->symbols[i].name))
            return ERR_RANGE;
        binance_copy(order->symbols[i].name, sizeof(order->symbols[i].name), config->names[i]);
    }
    order->symbol_count = config->name_count;
    int err = binance_url(config->ws_url ? config->ws_url : "", product->ws_path, order->url,
                          sizeof(order->url));
    if (!err)
        err = keys_take(order, config);
    if (err)
        binance_order_fini(order);
    return err;
}

size_t binance_order_connections(void *state, struct venue_connection *out)
{
    const struct binance_order *order = state;

    *out = (struct venue_connection){ .silence_ns = SILENCE_NS,
                                      .ping_interval_ns = PING_NS,
                                      .renew_ns = RENEW_NS };
    binance_copy(out->url, sizeof(out->url), order->url);
    return 1;
}

/* ---- the table of requests ---- */

struct order_symbol *order_symbol_of(struct binance_order *order, const char *symbol)
{
    for (size_t i = 0; i < order->symbol_count; i++)
        if (order->symbols[i].definition.header.size != 0 &&
            strcmp(order->symbols[i].definition.symbol, symbol) == 0)
            return &order->symbols[i];
    return NULL;
}

static struct order_pending *pending_free(struct binance_order *order)
{
    /* Ids grow, so the entry after the last one is nearly always free. */
    for (size_t i = 0; i < ORDER_PENDING_MAX; i++) {
        struct order_pending *pending = &order->pending[(order->next_id + i) % ORDER_PENDING_MAX];
        if (pending->id == 0)
            return pending;
    }
    return NULL;
}

struct order_pending *order_pending_find(struct binance_order *order, uint64_t id, bool is_rest)
{
    for (size_t i = 0; id != 0 && i < ORDER_PENDING_MAX; i++) {
        struct order_pending *pending = &order->pending[(id + i) % ORDER_PENDING_MAX];
        if (pending->id == id)
            return pending->is_rest == is_rest && pending->repeat_ns == 0 ? pending : NULL;
    }
    return NULL;
}

void order_release(struct order_pending *pending)
{
    pending->id = 0;
}

/* ---- sending ---- */

static const struct order_template *hot_template(struct binance_order *order,
                                                 enum request_kind kind, const char *symbol)
{
    struct order_symbol *known = NULL;

    if (kind == REQUEST_PLACE || kind == REQUEST_CANCEL)
        known = order_symbol_of(order, symbol);
    return !known ? NULL : kind == REQUEST_PLACE ? &known->place : &known->cancel;
}

static int send_frame(const struct order_turn *turn, enum request_kind kind,
                      const struct order_slots *slots, const char *symbol)
{
    struct binance_order *order = turn->order;
    const struct order_template *template = hot_template(order, kind, symbol);
    struct order_template made;

    if (!template) {
        int err = order_prepare(&made, &order->product->specs[kind], true, symbol, &order->keys);
        if (err)
            return err;
        template = &made;
    }
    int len = order_fill_frame(template, slots, &order->keys, order->next_id, order->frame,
                               sizeof(order->frame));
    return len < 0 ? len : turn->out->send(turn->out->ctx, 0, order->frame, (size_t)len);
}

static void metadata_path(struct binance_order *order, bool is_all, char *out, size_t cap)
{
    char guesses[VENUE_SYMBOLS_MAX][32];
    const char *symbols[VENUE_SYMBOLS_MAX];

    for (size_t i = 0; i < order->symbol_count; i++) {
        const struct wire_instrument *definition = &order->symbols[i].definition;
        symbols[i] = definition->header.size != 0 ? definition->symbol : guesses[i];
        if (definition->header.size == 0 &&
            binance_join(order->symbols[i].name, guesses[i], sizeof(guesses[i])) != 0)
            is_all = true;
    }
    order->product->product->info_path(symbols, is_all ? 0 : order->symbol_count, out, cap);
}

static int send_request(const struct order_turn *turn, enum request_kind kind,
                        const struct order_slots *slots, const char *symbol, bool is_all)
{
    struct binance_order *order = turn->order;
    struct order_template made;
    int err = order_prepare(&made, &order->product->specs[kind], false, symbol, &order->keys);

    if (!err)
        err = order_fill_request(&made, slots, &order->keys, &order->request);
    if (err)
        return err;
    if (kind == REQUEST_METADATA)
        metadata_path(order, is_all, order->request.path, sizeof(order->request.path));
    order->request.tag = order->next_id;
    order->request.weight = order->product->weight(kind, symbol[0] != '\0');
    return turn->out->request(turn->out->ctx, &order->request);
}

/* The whole of sending; is_all: METADATA of everything. */
static int send_any(const struct order_turn *turn, enum request_kind kind,
                    const struct venue_command *command, bool is_all, struct order_pending **made)
{
    struct binance_order *order = turn->order;
    struct order_pending *pending = pending_free(order);
    struct order_slots slots;
    const struct order_spec *spec = &order->product->specs[kind];
    bool is_ws =
        !spec->path || (spec->method && (command->transport == TRANSPORT_WS ||
                                         (command->transport == TRANSPORT_BEST && order->is_open)));

    if (!pending)
        return ERR_FULL;
    if (spec->auth != AUTH_NONE && !order->keys.is_set)
        return ERR_AUTH;
    int err = order_slots_take(&slots, order->product, kind, command, turn->clock);
    if (!err)
        err = is_ws ? send_frame(turn, kind, &slots, command->symbol)
                    : send_request(turn, kind, &slots, command->symbol, is_all);
    if (err)
        return err;
    *pending = (struct order_pending){ .id = order->next_id++,
                                       .kind = kind,
                                       .is_rest = !is_ws,
                                       .is_all = is_all,
                                       .sent_ns = turn->clock->now_ns,
                                       .sent_wall_ns = turn->clock->wall_ns,
                                       .command = *command };
    if (made)
        *made = pending;
    return 0;
}

int order_send(const struct order_turn *turn, enum request_kind kind,
               const struct venue_command *command, struct order_pending **made)
{
    return send_any(turn, kind, command, false, made);
}

/* ---- commands of several requests ---- */

static void done_report(const struct order_turn *turn, const struct venue_command *command,
                        bool is_ok, wire_reason why, const char *text)
{
    struct venue_report report;

    if (command->request_id == 0)
        return; /* Our own. */
    order_report_begin(&report, is_ok ? REPORT_DONE : REPORT_FAILED, NULL);
    report.op = command->op;
    report.request_id = command->request_id;
    report.instrument = command->instrument;
    binance_copy(report.symbol, sizeof(report.symbol), command->symbol);
    binance_copy(report.client_order_id, sizeof(report.client_order_id), command->client_order_id);
    binance_copy(report.exchange_order_id, sizeof(report.exchange_order_id),
                 command->exchange_order_id);
    report.why = is_ok ? REASON_NONE : why;
    order_report_text(&report, is_ok ? "" : text);
    turn->out->report(turn->out->ctx, &report);
}

/* Sends parts until the width is reached. Gives the error that stopped it, or 0. */
static int job_advance(const struct order_turn *turn, struct order_job *job)
{
    struct binance_order *order = turn->order;
    int err = 0;

    while (!err && job->next < order->symbol_count && job->in_flight < ORDER_JOB_WIDTH) {
        const struct wire_instrument *definition = &order->symbols[job->next].definition;
        struct venue_command part = job->command;
        struct order_pending *pending = NULL;

        if (definition->header.size == 0) {
            job->next++;
            continue;
        }
        part.instrument = definition->header.instrument;
        part.instrument_kind = definition->kind;
        binance_copy(part.symbol, sizeof(part.symbol), definition->symbol);
        err = order_send(turn, job->kind, &part, &pending);
        if (err)
            break;
        pending->job = (uint8_t)(job - order->jobs + 1);
        job->in_flight++;
        job->next++;
    }
    return err;
}

/* Ends a job whose parts have all ended. What cannot be sent while nothing is in flight ends it
 * too. */
static void job_settle(const struct order_turn *turn, struct order_job *job)
{
    int err = job_advance(turn, job);

    if (job->in_flight > 0)
        return;
    struct order_job ended = *job;
    job->is_used = false;
    if (err && !ended.failed)
        done_report(turn, &ended.command, false, REASON_NEVER_SENT, err_str(err));
    else
        done_report(turn, &ended.command, !ended.failed && !err, ended.why, ended.text);
}

int order_job_begin(const struct order_turn *turn, enum request_kind kind,
                    const struct venue_command *command)
{
    struct binance_order *order = turn->order;
    size_t i = 0;

    while (i < ORDER_JOBS_MAX && order->jobs[i].is_used)
        i++;
    if (i == ORDER_JOBS_MAX)
        return ERR_FULL;
    struct order_job *job = &order->jobs[i];
    *job = (struct order_job){ .is_used = true, .kind = kind, .command = *command };
    int err = job_advance(turn, job);
    if (job->in_flight > 0)
        return 0;
    job->is_used = false;
    return err ? err : ERR_AGAIN; /* No instrument is known yet. */
}

void order_part_done(const struct order_turn *turn, struct order_pending *pending, bool is_ok,
                     wire_reason why, const char *text)
{
    struct venue_command command = pending->command;
    struct order_job *job = pending->job ? &turn->order->jobs[pending->job - 1] : NULL;

    if (pending->kind == REQUEST_COMMISSION && !is_ok) {
        turn->out->note(turn->out->ctx, "fees_from_configuration", command.symbol);
        is_ok = true;
    }
    order_release(pending);
    if (!job) {
        done_report(turn, &command, is_ok, why, text);
        return;
    }
    job->in_flight--;
    if (!is_ok) {
        job->failed++;
        job->why = why;
        binance_copy(job->text, sizeof(job->text), text);
    }
    job_settle(turn, job);
}

/* ---- the connection and the private stream ---- */

void order_channel_report(const struct order_turn *turn, wire_reason why, const char *text)
{
    struct venue_report report;

    order_report_begin(&report, REPORT_CHANNEL, NULL);
    report.is_order_channel_up = turn->order->is_open;
    report.is_private_stream_up = turn->order->is_stream_up;
    report.why = why;
    order_report_text(&report, text);
    turn->out->report(turn->out->ctx, &report);
}

void order_stream_up(const struct order_turn *turn)
{
    turn->order->is_stream_up = true;
    turn->order->subscribe_ns = 0;
    turn->order->subscribe_tries = 0;
    order_channel_report(turn, REASON_NONE, "");
}

void order_stream_down(const struct order_turn *turn, wire_reason why, const char *text,
                       int64_t retry_ns)
{
    struct binance_order *order = turn->order;

    order->is_stream_up = false;
    if (retry_ns == 0) {
        retry_ns = NS_PER_S << MIN(order->subscribe_tries, 5u);
        order->subscribe_tries++;
    }
    order->subscribe_ns = turn->clock->now_ns + retry_ns;
    order_channel_report(turn, why, text);
}

/* Signed anew each time: an old frame is refused as stale. */
static void subscribe(const struct order_turn *turn)
{
    static const struct venue_command none = { 0 };

    turn->order->subscribe_ns = 0;
    int err = order_send(turn, REQUEST_SUBSCRIBE, &none, NULL);
    if (err)
        turn->order->subscribe_ns = turn->clock->now_ns + NS_PER_S;
}

/* Whether the private stream is on this connection. */
static bool subscribes(const struct binance_order *order)
{
    return order->product->specs[REQUEST_SUBSCRIBE].method != NULL;
}

void binance_order_opened(void *state, unsigned connection, const struct venue_clock *clock,
                          const struct venue_out *out)
{
    struct order_turn turn = { state, clock, out };

    if (connection != 0)
        return;
    turn.order->is_open = true;
    if (!subscribes(turn.order)) {
        order_channel_report(&turn, REASON_START, "");
        return;
    }
    turn.order->is_stream_up = false;
    turn.order->subscribe_tries = 0;
    order_channel_report(&turn, REASON_START, "");
    if (turn.order->keys.is_set)
        subscribe(&turn);
}

void binance_order_closed(void *state, unsigned connection, const struct venue_clock *clock,
                          const struct venue_out *out)
{
    struct order_turn turn = { state, clock, out };
    struct binance_order *order = state;

    if (connection != 0)
        return;
    order->is_open = false;
    if (subscribes(order))
        order->is_stream_up = false;
    order->subscribe_ns = 0;
    for (size_t i = 0; i < ORDER_PENDING_MAX; i++) {
        struct order_pending *pending = &order->pending[i];
        if (pending->id == 0 || pending->is_rest || pending->repeat_ns != 0)
            continue;
        if (pending->kind == REQUEST_SUBSCRIBE)
            order_release(pending);
        else
            order_on_lost(&turn, pending, true, REASON_DISCONNECTED);
    }
    order_channel_report(&turn, REASON_DISCONNECTED, "");
}

static void metadata_ask(const struct order_turn *turn)
{
    const struct venue_command command = { .op = OP_INSTRUMENTS };

    turn->order->metadata_ns = turn->clock->now_ns + METADATA_RETRY_NS;
    (void)order_send(turn, REQUEST_METADATA, &command, NULL);
}

void binance_order_start(void *state, const struct venue_clock *clock, const struct venue_out *out)
{
    struct order_turn turn = { state, clock, out };

    if (turn.order->symbol_count == 0)
        return;
    turn.order->is_metadata_wanted = true;
    metadata_ask(&turn);
}

/* ---- time ---- */

/* Sends an entry again that waits for its time: for the next page, or the whole list of
 * instruments. */
static void repeat(const struct order_turn *turn, struct order_pending *pending)
{
    struct order_pending *next = NULL, old = *pending;
    int err = send_any(turn, old.kind, &old.command, old.is_all, &next);

    if (!err) {
        next->job = old.job;
        next->stage = old.stage;
        order_release(pending);
    } else if (turn->clock->now_ns - old.repeat_ns > REPEAT_MAX_NS) {
        order_part_done(turn, pending, false, REASON_NEVER_SENT, err_str(err));
    }
}

static void pending_tick(const struct order_turn *turn, struct order_pending *pending)
{
    struct binance_order *order = turn->order;
    int64_t now = turn->clock->now_ns;

    if (pending->repeat_ns != 0) {
        if (now >= MAX(pending->repeat_ns, order->hold_until_ns))
            repeat(turn, pending);
        return;
    }
    if (now - pending->sent_ns <= (pending->is_rest ? REST_TIMEOUT_NS : order->timeout_ns))
        return;
    bool is_subscribe = pending->kind == REQUEST_SUBSCRIBE;
    order_on_lost(turn, pending, true, REASON_UNKNOWN_OUTCOME);
    if (is_subscribe)
        turn->out->reconnect(turn->out->ctx, 0, REASON_SILENCE);
}

void binance_order_tick(void *state, const struct venue_clock *clock, const struct venue_out *out)
{
    struct order_turn turn = { state, clock, out };
    struct binance_order *order = state;
    int64_t now = clock->now_ns;

    for (size_t i = 0; i < ORDER_PENDING_MAX; i++)
        if (order->pending[i].id != 0)
            pending_tick(&turn, &order->pending[i]);
    for (size_t i = 0; i < ORDER_JOBS_MAX; i++)
        if (order->jobs[i].is_used && now >= order->hold_until_ns)
            job_settle(&turn, &order->jobs[i]);
    if (now < order->hold_until_ns)
        return;
    if (order->is_metadata_wanted && now >= order->metadata_ns)
        metadata_ask(&turn);
    if (order->is_open && order->keys.is_set && order->subscribe_ns != 0 &&
        now >= order->subscribe_ns)
        subscribe(&turn);
}

/* ---- commands ---- */

/* A partly filled order is cancelled first: only then is certain how much is left to order anew.
 * Nothing may be cancelled for a new order that could not be written. */
static int replace(const struct order_turn *turn, const struct venue_command *command)
{
    struct order_slots slots;
    struct order_pending *pending = NULL;
    int err;

    if (command->is_reduction && !turn->order->product->amends_in_place)
        return order_send(turn, REQUEST_AMEND, command, NULL);
    if (command->filled_qty <= 0 || turn->order->product->amends_in_place)
        return order_send(turn, REQUEST_REPLACE, command, NULL);
    err = order_slots_take(&slots, turn->order->product, REQUEST_REPLACE, command, turn->clock);
    if (!err)
        err = order_send(turn, REQUEST_CANCEL, command, &pending);
    if (!err)
        pending->stage = STAGE_CANCEL_FIRST;
    return err;
}

static bool needs_symbol(enum venue_op op)
{
    return op == OP_PLACE || op == OP_CANCEL || op == OP_REPLACE || op == OP_QUERY;
}

static int symbol_fill(struct binance_order *order, struct venue_command *command)
{
    for (size_t i = 0; !command->symbol[0] && command->instrument && i < order->symbol_count; i++) {
        const struct wire_instrument *definition = &order->symbols[i].definition;
        if (definition->header.size != 0 && definition->header.instrument == command->instrument)
            binance_copy(command->symbol, sizeof(command->symbol), definition->symbol);
    }
    return !command->symbol[0] && (needs_symbol(command->op) || command->instrument) ? ERR_RANGE
                                                                                     : 0;
}

int binance_order_command(void *state, const struct venue_command *given,
                          const struct venue_clock *clock, const struct venue_out *out)
{
    struct order_turn turn = { state, clock, out };
    struct venue_command command = *given;
    int err = symbol_fill(turn.order, &command);

    if (err)
        return err;
    switch (command.op) {
    case OP_PLACE:
        return order_send(&turn, REQUEST_PLACE, &command, NULL);
    case OP_CANCEL:
        return order_send(&turn, REQUEST_CANCEL, &command, NULL);
    case OP_REPLACE:
        return replace(&turn, &command);
    case OP_QUERY:
        return order_send(&turn, REQUEST_QUERY, &command, NULL);
    case OP_OPEN_ORDERS:
        return order_send(&turn, REQUEST_OPEN_ORDERS, &command, NULL);
    case OP_CANCEL_ALL:
        return command.symbol[0] ? order_send(&turn, REQUEST_CANCEL_ALL, &command, NULL)
                                 : order_job_begin(&turn, REQUEST_CANCEL_ALL, &command);
    case OP_BALANCES:
        return order_send(&turn, REQUEST_ACCOUNT, &command, NULL);
    case OP_EXECUTIONS:
        return command.symbol[0] ? order_send(&turn, REQUEST_TRADES, &command, NULL)
                                 : order_job_begin(&turn, REQUEST_TRADES, &command);
    case OP_SERVER_TIME:
        return order_send(&turn, REQUEST_TIME, &command, NULL);
    case OP_INSTRUMENTS:
        return order_send(&turn, REQUEST_METADATA, &command, NULL);
    case OP_DEAD_MAN:  /* Spot has no such switch, */
    case OP_POSITIONS: /* and no positions. */
    case OP_ACCOUNT_MODE:
    case OP_FUNDING:
        return ERR_UNSUPPORTED;
    }
    return ERR_UNSUPPORTED;
}
