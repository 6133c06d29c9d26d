/* The session of the order side. Orders go by REST alone; a signed WebSocket carries the user
 * channel. A bounded table has what is in flight. */
#include "venues/coinbase/order.h"

#include <stdarg.h>
#include <stdio.h>

#define SILENCE_NS       (10 * NS_PER_S) /* Heartbeats come every second. */
#define PING_NS          (5 * NS_PER_S)
#define RENEW_NS         (23 * 3600 * NS_PER_S)
#define SUBSCRIBE_NS     (5 * NS_PER_S)  /* An unanswered subscription. */
#define ANSWER_MAX_NS    (60 * NS_PER_S) /* The shell answers every call; this is for a lost one. */
#define WAIT_MAX_NS      (30 * NS_PER_S)
#define AGAIN_NS         (100 * NS_PER_MS)
#define CANCEL_END_NS    (2 * NS_PER_S) /* After the yes: for the end on the user channel. */
#define METADATA_LOST_NS (30 * NS_PER_S)
#define FILLS_PER_SECOND 10
#define FILLS_BURST      20

void coinbase_note(const struct order_turn *turn, const char *event, const char *format, ...)
{
    char text[256];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    turn->out->note(turn->out->ctx, event, text);
}

/* ---- begin and end ---- */

static void fini(void *state)
{
    struct coinbase_order *order = state;

    if (order->keys.is_set)
        hmac_key_fini(&order->keys.hmac);
    order->keys.is_set = false;
    secret_wipe(&order->keys, sizeof(order->keys));
    secret_wipe(&order->request, sizeof(order->request));
    order_cache_fini(&order->cache);
}

/* Texts that stand in headers and JSON as they are. */
static bool is_plain(const char *text)
{
    if (strlen(text) >= ORDER_KEY_MAX)
        return false;
    for (; *text; text++)
        if (*text < ' ' || *text > '~' || *text == '"' || *text == '\\')
            return false;
    return true;
}

static int keys_take(struct coinbase_order *order, const struct venue_order_config *config)
{
    const char *key = config->api_key ? config->api_key : "";
    const char *secret = config->api_secret ? config->api_secret : "";
    const char *passphrase = config->api_passphrase ? config->api_passphrase : "";
    uint8_t decoded[256];
    size_t len;

    if (!is_plain(key) || !is_plain(passphrase))
        return ERR_AUTH;
    coinbase_copy(order->keys.key, sizeof(order->keys.key), key);
    coinbase_copy(order->keys.passphrase, sizeof(order->keys.passphrase), passphrase);
    if (!*key || !*secret)
        return 0;
    if (base64_decode(secret, strlen(secret), decoded, sizeof(decoded), &len) != 0 || len == 0)
        return ERR_AUTH; /* Not a secret of this venue: nothing would ever be accepted. */
    int err = hmac_key_init(&order->keys.hmac, decoded, len);
    secret_wipe(decoded, sizeof(decoded));
    order->keys.is_set = err == 0;
    return err;
}

static int init(void *state, const struct venue_order_config *config)
{
    struct coinbase_order *order = state;
    const char *url = config->ws_url ? config->ws_url : "";

    memset(order, 0, sizeof(*order));
    order->maker_fee_ppm = config->maker_fee_ppm;
    order->taker_fee_ppm = config->taker_fee_ppm;
    coinbase_copy(order->venue, sizeof(order->venue), config->venue);
    coinbase_copy(order->url, sizeof(order->url), url);
    if (config->name_count > VENUE_SYMBOLS_MAX || strlen(url) >= sizeof(order->url))
        return ERR_RANGE;
    for (size_t i = 0; i < config->name_count; i++) {
        if (strlen(config->names[i]) >= sizeof(order->products[i].name))
            return ERR_RANGE;
        coinbase_copy(order->products[i].name, sizeof(order->products[i].name), config->names[i]);
    }
    order->product_count = config->name_count;
    int err = order_cache_init(&order->cache);
    if (!err)
        err = keys_take(order, config);
    if (err)
        fini(order);
    return err;
}

/* The user channel wants its products by name: before they are known there is nothing to connect
 * for. */
static size_t connections(void *state, struct venue_connection *out)
{
    const struct coinbase_order *order = state;

    *out = (struct venue_connection){ .silence_ns = SILENCE_NS,
                                      .ping_interval_ns = PING_NS,
                                      .renew_ns = RENEW_NS };
    if (order->has_products)
        coinbase_copy(out->url, sizeof(out->url), order->url);
    return 1;
}

/* ---- products ---- */

struct order_product *coinbase_product_of_value(struct coinbase_order *order,
                                                const struct scan_value *symbol)
{
    if (symbol->type != SCAN_STRING)
        return NULL;
    for (size_t i = 0; i < order->product_count; i++)
        if (order->products[i].definition.header.size != 0 &&
            scan_is(symbol, order->products[i].definition.symbol))
            return &order->products[i];
    return NULL;
}

struct order_product *coinbase_product_of(struct coinbase_order *order, const char *symbol)
{
    struct scan_value value = { SCAN_STRING, symbol, strlen(symbol) };

    return coinbase_product_of_value(order, &value);
}

void coinbase_announce(const struct order_turn *turn, bool all)
{
    struct venue_report report;

    for (size_t i = 0; i < turn->order->product_count; i++) {
        struct order_product *product = &turn->order->products[i];
        if (product->definition.header.size == 0 || (!all && !product->is_new))
            continue;
        product->is_new = false;
        coinbase_report_begin(turn, &report, REPORT_INSTRUMENT, NULL);
        coinbase_report_symbol(turn->order, &report, product->definition.symbol);
        report.definition = &product->definition;
        coinbase_emit(turn, &report);
    }
}

/* ---- the table of requests ---- */

static struct order_pending *pending_new(struct coinbase_order *order)
{
    for (size_t i = 0; i < ORDER_PENDING_MAX; i++) {
        struct order_pending *pending = &order->pending[i];
        if (pending->tag != 0)
            continue;
        *pending = (struct order_pending){ .tag = ++order->next_tag * ORDER_PENDING_MAX + i };
        return pending;
    }
    return NULL;
}

static bool fills_allowed(const struct order_turn *turn)
{
    struct coinbase_order *order = turn->order;
    int64_t now = turn->clock->now_ns;

    if (!order->is_paced) {
        order->is_paced = true;
        (void)rate_limit_init(&order->fills, FILLS_BURST, FILLS_PER_SECOND, NS_PER_S, now);
    }
    return rate_limit_take(&order->fills, 1, 0, now) == 0;
}

static int pending_send(const struct order_turn *turn, struct order_pending *pending)
{
    struct coinbase_order *order = turn->order;
    struct order_page page = { .symbol = NULL };

    if (pending->kind == ASK_FILLS && !pending->is_one_product) {
        while (pending->product < order->product_count &&
               order->products[pending->product].definition.header.size == 0)
            pending->product++;
        if (pending->product >= order->product_count)
            return ERR_NOT_FOUND;
        page.symbol = order->products[pending->product].definition.symbol;
    }
    if (pending->kind == ASK_FILLS && !fills_allowed(turn))
        return ERR_AGAIN;
    coinbase_copy(page.cursor, sizeof(page.cursor), pending->cursor);
    int err = coinbase_request_write(&order->keys, pending->kind, &pending->command, &page,
                                     turn->clock, &order->request);
    if (err)
        return err;
    order->request.tag = pending->tag;
    err = turn->out->request(turn->out->ctx, &order->request);
    if (err)
        return ERR_FULL;
    pending->is_waiting = false;
    pending->begun_ns = turn->clock->now_ns;
    pending->sent_wall_ns = turn->clock->wall_ns;
    return 0;
}

int coinbase_begin(const struct order_turn *turn, enum order_kind kind,
                   const struct venue_command *command)
{
    struct order_pending *pending = pending_new(turn->order);

    if (!pending)
        return ERR_FULL;
    pending->kind = kind;
    pending->command = *command;
    pending->is_one_product = *command->symbol != '\0';
    int err = pending_send(turn, pending);
    if (err == ERR_AGAIN) {
        pending->is_waiting = true;
        pending->begun_ns = turn->clock->now_ns;
        pending->again_ns = turn->clock->now_ns + AGAIN_NS;
        return 0;
    }
    if (err)
        coinbase_release(pending);
    return err == ERR_NOT_FOUND ? ERR_AGAIN : err;
}

void coinbase_go_on(const struct order_turn *turn, struct order_pending *pending)
{
    pending->begun_ns = turn->clock->now_ns;
    int err =
        turn->clock->now_ns < turn->order->hold_until_ns ? ERR_AGAIN : pending_send(turn, pending);
    if (err == ERR_NOT_FOUND) { /* No further product is known. */
        coinbase_end_done(turn, pending);
    } else if (err) {
        pending->is_waiting = true;
        pending->again_ns = MAX(turn->clock->now_ns + AGAIN_NS, turn->order->hold_until_ns);
    }
}

struct order_pending *coinbase_cancel_awaited(struct coinbase_order *order,
                                              const struct order_known *known)
{
    for (size_t i = 0; i < ORDER_PENDING_MAX; i++) {
        struct order_pending *pending = &order->pending[i];
        const struct venue_command *command = &pending->command;
        if (pending->tag == 0 || !pending->is_end_awaited)
            continue;
        if (*command->exchange_order_id
                ? strcmp(command->exchange_order_id, known->order_id) == 0
                : strcmp(command->client_order_id, known->client_order_id) == 0)
            return pending;
    }
    return NULL;
}

/* ---- the user channel ---- */

void coinbase_channel(const struct order_turn *turn, bool is_stream_up, wire_reason why,
                      const char *text)
{
    struct coinbase_order *order = turn->order;
    struct venue_report report;

    if (order->is_told && order->is_stream_up == is_stream_up && !why)
        return;
    order->is_told = true;
    order->is_stream_up = is_stream_up;
    coinbase_report_begin(turn, &report, REPORT_CHANNEL, NULL);
    report.is_order_channel_up = order->keys.is_set; /* REST: each call stands for itself. */
    report.is_private_stream_up = is_stream_up;
    report.why = why;
    coinbase_copy(report.text, sizeof(report.text), text);
    coinbase_emit(turn, &report);
}

void coinbase_subscribe(const struct order_turn *turn)
{
    struct coinbase_order *order = turn->order;
    char products[VENUE_SYMBOLS_MAX * 35] = "", frame[VENUE_FRAME_MAX];
    size_t at = 0;
    unsigned count = 0;

    for (size_t i = 0; i < order->product_count; i++)
        if (order->products[i].definition.header.size != 0) {
            at += (size_t)snprintf(products + at, sizeof(products) - at, "%s\"%s\"",
                                   count ? "," : "", order->products[i].definition.symbol);
            count++;
        }
    if (!order->is_open || count == 0 || count == order->subscribed)
        return;
    int len = coinbase_subscribe_write(&order->keys, products, turn->clock, frame, sizeof(frame));
    if (len > 0 && turn->out->send(turn->out->ctx, 0, frame, (size_t)len) == 0) {
        order->subscribed = count;
        order->subscribe_ns = turn->clock->now_ns;
    }
    secret_wipe(frame, sizeof(frame));
}

static void start(void *state, const struct venue_clock *clock, const struct venue_out *out)
{
    static const struct venue_command own = { .op = OP_INSTRUMENTS };
    struct coinbase_order *order = state;
    struct order_turn turn = { order, clock, out };

    order->is_started = true;
    order->metadata_at_ns = clock->now_ns + METADATA_LOST_NS;
    coinbase_channel(&turn, false, REASON_START, "");
    if (order->product_count > 0 && coinbase_begin(&turn, ASK_PRODUCTS, &own) != 0)
        order->metadata_at_ns = clock->now_ns + NS_PER_S;
}

static void opened(void *state, unsigned connection, const struct venue_clock *clock,
                   const struct venue_out *out)
{
    struct coinbase_order *order = state;
    struct order_turn turn = { order, clock, out };

    if (connection != 0)
        return;
    order->is_open = true;
    order->subscribed = 0;
    order->subscribe_ns = 0;
    coinbase_subscribe(&turn);
}

static void closed(void *state, unsigned connection, const struct venue_clock *clock,
                   const struct venue_out *out)
{
    struct coinbase_order *order = state;
    struct order_turn turn = { order, clock, out };

    if (connection != 0)
        return;
    order->is_open = false;
    order->subscribed = 0;
    order->subscribe_ns = 0;
    coinbase_channel(&turn, false, REASON_DISCONNECTED, "");
    for (size_t i = 0; i < ORDER_PENDING_MAX; i++)
        if (order->pending[i].tag != 0 && order->pending[i].is_end_awaited)
            coinbase_end_cancelled(&turn, &order->pending[i], NULL);
}

/* ---- time ---- */

static void pending_tick(const struct order_turn *turn, struct order_pending *pending)
{
    int64_t now = turn->clock->now_ns, age = now - pending->begun_ns;

    if (pending->is_end_awaited) {
        if (age > CANCEL_END_NS)
            coinbase_end_cancelled(turn, pending, NULL);
    } else if (pending->is_waiting) {
        if (age > WAIT_MAX_NS + MAX(turn->order->hold_until_ns - pending->begun_ns, 0)) {
            coinbase_end_lost(turn, pending, false, REASON_NEVER_SENT,
                              "waited too long for its turn");
        } else if (now >= pending->again_ns) {
            int64_t begun_ns = pending->begun_ns;
            coinbase_go_on(turn, pending);
            if (pending->tag != 0 && pending->is_waiting)
                pending->begun_ns = begun_ns;
        }
    } else if (age > ANSWER_MAX_NS) {
        coinbase_end_lost(turn, pending, true, REASON_UNKNOWN_OUTCOME, "no answer");
    }
}

static void tick(void *state, const struct venue_clock *clock, const struct venue_out *out)
{
    static const struct venue_command own = { .op = OP_INSTRUMENTS };
    struct coinbase_order *order = state;
    struct order_turn turn = { order, clock, out };
    int64_t now = clock->now_ns;

    for (size_t i = 0; i < ORDER_PENDING_MAX; i++)
        if (order->pending[i].tag != 0)
            pending_tick(&turn, &order->pending[i]);
    if (order->is_started && order->product_count > 0 && now >= order->metadata_at_ns &&
        now >= order->hold_until_ns) {
        order->metadata_at_ns = now + METADATA_LOST_NS;
        if (coinbase_begin(&turn, ASK_PRODUCTS, &own) != 0)
            order->metadata_at_ns = now + NS_PER_S;
    }
    if (order->is_open && order->subscribe_ns != 0 && now - order->subscribe_ns > SUBSCRIBE_NS) {
        order->subscribe_ns = 0;
        out->reconnect(out->ctx, 0, REASON_SILENCE);
    }
}

/* ---- commands ---- */

static bool needs_symbol(enum venue_op op)
{
    return op == OP_PLACE || op == OP_CANCEL || op == OP_QUERY;
}

static int symbol_fill(struct coinbase_order *order, struct venue_command *command)
{
    for (size_t i = 0; !command->symbol[0] && command->instrument && i < order->product_count;
         i++) {
        const struct wire_instrument *definition = &order->products[i].definition;
        if (definition->header.size != 0 && definition->header.instrument == command->instrument)
            coinbase_copy(command->symbol, sizeof(command->symbol), definition->symbol);
    }
    return !command->symbol[0] && (needs_symbol(command->op) || command->instrument) ? ERR_RANGE
                                                                                     : 0;
}

static int command(void *state, const struct venue_command *given, const struct venue_clock *clock,
                   const struct venue_out *out)
{
    struct order_turn turn = { state, clock, out };
    struct venue_command made = *given;
    int err = symbol_fill(turn.order, &made);

    if (err)
        return err;
    switch (made.op) {
    case OP_PLACE:
        return coinbase_begin(&turn, ASK_PLACE, &made);
    case OP_CANCEL:
        return coinbase_begin(&turn, ASK_CANCEL, &made);
    case OP_QUERY:
        return coinbase_begin(&turn, ASK_QUERY, &made);
    case OP_OPEN_ORDERS:
        return coinbase_begin(&turn, ASK_OPEN_ORDERS, &made);
    case OP_CANCEL_ALL:
        return coinbase_begin(&turn, ASK_CANCEL_ALL, &made);
    case OP_BALANCES:
        return coinbase_begin(&turn, ASK_ACCOUNTS, &made);
    case OP_EXECUTIONS:
        return coinbase_begin(&turn, ASK_FILLS, &made);
    case OP_SERVER_TIME:
        return coinbase_begin(&turn, ASK_TIME, &made);
    case OP_INSTRUMENTS:
        return coinbase_begin(&turn, ASK_PRODUCTS, &made);
    case OP_REPLACE:   /* Cancel, wait for the true end, new: the engine's. */
    case OP_DEAD_MAN:  /* FIX alone has cancel on disconnect. */
    case OP_POSITIONS: /* Spot. */
    case OP_ACCOUNT_MODE:
    case OP_FUNDING:
        return ERR_UNSUPPORTED;
    }
    return ERR_UNSUPPORTED;
}

const struct venue_order_ops coinbase_order_ops = {
    .state_size = sizeof(struct coinbase_order),
    .init = init,
    .fini = fini,
    .connections = connections,
    .start = start,
    .opened = opened,
    .closed = closed,
    .frame = coinbase_frame,
    .http = coinbase_http,
    .tick = tick,
    .command = command,
    .client_order_id_form = CLIENT_ID_UUID,
    .client_order_id_max = CLIENT_ID_UUID_LEN,
    .client_order_id_charset = "0123456789abcdef-",
};
