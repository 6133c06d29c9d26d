#include "common/leaf/fixed.h"
#include "common/pure/time_text.h"
#include "venues/okx/order.h"

#include <stdio.h>

/* ---- text that grows into a fixed buffer ---- */

struct writer {
    char *out;
    size_t len, cap;
    bool is_bad; /* Did not fit, or something could not be written. */
};

static void put(struct writer *w, const char *text, size_t len)
{
    if (w->cap - w->len <= len) {
        w->is_bad = true;
        return;
    }
    memcpy(w->out + w->len, text, len);
    w->len += len;
    w->out[w->len] = '\0';
}

static void put_text(struct writer *w, const char *text)
{
    put(w, text, strlen(text));
}

static void put_u64(struct writer *w, uint64_t value)
{
    char text[20], *at = text + sizeof(text);

    do {
        *--at = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    put(w, at, (size_t)(text + sizeof(text) - at));
}

static void put_price(struct writer *w, const struct venue_command *command)
{
    char text[FIXED_TEXT_MAX];
    int len = command->price > 0 ? fixed_format_at(command->price, command->price_exp,
                                                   command->price_decimals, text, sizeof(text))
                                 : ERR_RANGE;

    w->is_bad |= len < 0;
    put(w, text, (size_t)MAX(len, 0));
}

/* Spot in base coin with the decimals asked for, swaps in contracts. */
static void put_qty(struct writer *w, const struct okx_listed *listed,
                    const struct venue_command *command)
{
    char text[FIXED_TEXT_MAX];
    int len = ERR_RANGE;

    if (command->qty > 0 && listed->kind == INSTRUMENT_SPOT)
        len = fixed_format_at(command->qty, command->qty_exp, command->qty_decimals, text,
                              sizeof(text));
    else if (command->qty > 0)
        len = okx_qty_write(&listed->scale, command->qty, command->qty_exp, text, sizeof(text));
    w->is_bad |= len < 0;
    put(w, text, (size_t)MAX(len, 0));
}

static bool is_id(const char *id, size_t len_max)
{
    size_t len = strlen(id);

    for (size_t i = 0; i < len; i++)
        if (!((id[i] >= '0' && id[i] <= '9') || (id[i] >= 'A' && id[i] <= 'Z') ||
              (id[i] >= 'a' && id[i] <= 'z')))
            return false;
    return len >= 1 && len <= len_max;
}

bool okx_client_id_is_valid(const char *id)
{
    return is_id(id, OKX_CLIENT_ID_MAX);
}

/* A symbol goes unescaped into frames and paths. */
static bool is_symbol(const char *symbol)
{
    for (const char *at = symbol; *at; at++)
        if (!((*at >= 'A' && *at <= 'Z') || (*at >= 'a' && *at <= 'z') ||
              (*at >= '0' && *at <= '9') || *at == '-' || *at == '_'))
            return false;
    return *symbol != '\0';
}

/* ---- orders ---- */

int okx_form_of(const struct venue_command *command, enum okx_form *form)
{
    bool may_rest = command->time_in_force != TIF_IOC && command->time_in_force != TIF_FOK;

    if (command->is_reduce_only && command->instrument_kind != INSTRUMENT_PERPETUAL)
        return ERR_UNSUPPORTED;
    if (command->side != SIDE_BUY && command->side != SIDE_SELL)
        return ERR_RANGE;
    if (command->type == ORDER_MARKET) {
        if (command->is_post_only)
            return ERR_RANGE;
        *form = FORM_MARKET;
        return 0;
    }
    if (command->type != ORDER_LIMIT || (command->is_post_only && !may_rest))
        return ERR_RANGE;
    *form = command->is_post_only               ? FORM_POST_ONLY
            : command->time_in_force == TIF_IOC ? FORM_IOC
            : command->time_in_force == TIF_FOK ? FORM_FOK
                                                : FORM_LIMIT;
    return 0;
}

static void make_head(struct okx_template *template, const char *identity, wire_side side,
                      enum okx_form form)
{
    static const char *const types[FORM_COUNT] = { [FORM_LIMIT] = "limit",
                                                   [FORM_POST_ONLY] = "post_only",
                                                   [FORM_IOC] = "ioc",
                                                   [FORM_FOK] = "fok",
                                                   [FORM_MARKET] = "market" };
    int len = snprintf(template->head, sizeof(template->head),
                       "[{%s,\"side\":\"%s\",\"ordType\":\"%s\",\"sz\":\"", identity,
                       side == SIDE_BUY ? "buy" : "sell", types[form]);

    template->len = len < (int)sizeof(template->head) ? (uint8_t)len : 0;
}

void okx_order_prepare(struct okx_listed *listed, int account_level)
{
    bool is_spot = listed->kind == INSTRUMENT_SPOT;
    /* Spot and futures accounts (1, 2) hold spot for cash; where all is one margin (3, 4), it is
     * traded across it. Swaps are always on cross margin. */
    bool is_cash = is_spot && account_level <= 2;
    char rest[64], ws[64];

    snprintf(rest, sizeof(rest), "\"instId\":\"%s\"", listed->symbol);
    snprintf(ws, sizeof(ws), "\"instIdCode\":%llu", (unsigned long long)listed->inst_code);
    for (unsigned form = 0; form < FORM_COUNT; form++) {
        make_head(&listed->rest[0][form], rest, SIDE_BUY, form);
        make_head(&listed->rest[1][form], rest, SIDE_SELL, form);
        make_head(&listed->ws[0][form], ws, SIDE_BUY, form);
        make_head(&listed->ws[1][form], ws, SIDE_SELL, form);
    }
    /* Quantities are in base coin, said explicitly: a market buy's default is quote. */
    listed->middle.len = (uint8_t)snprintf(listed->middle.text, sizeof(listed->middle.text),
                                           "\",\"tdMode\":\"%s\"%s", is_cash ? "cash" : "cross",
                                           is_spot ? ",\"tgtCcy\":\"base_ccy\"" : "");
}

static int put_order(struct writer *w, const struct okx_listed *listed,
                     const struct venue_command *command, bool is_ws)
{
    enum okx_form form;
    int err = okx_form_of(command, &form);

    if (err)
        return err;
    if (!listed || !listed->is_defined)
        return ERR_RANGE;
    const struct okx_template *template = is_ws ? &listed->ws[command->side == SIDE_SELL][form]
                                                : &listed->rest[command->side == SIDE_SELL][form];
    put(w, template->head, template->len);
    put_qty(w, listed, command);
    put(w, listed->middle.text, listed->middle.len);
    if (command->is_reduce_only)
        put_text(w, ",\"reduceOnly\":true");
    if (form != FORM_MARKET) {
        put_text(w, ",\"px\":\"");
        put_price(w, command);
        put_text(w, "\"");
    }
    if (*command->client_order_id) {
        if (!okx_client_id_is_valid(command->client_order_id))
            return ERR_RANGE;
        put_text(w, ",\"clOrdId\":\"");
        put_text(w, command->client_order_id);
        put_text(w, "\"");
    }
    put_text(w, "}]");
    return 0;
}

/* The instrument of an order: by code over WebSocket, by name over REST. */
static int put_instrument(struct writer *w, const struct okx_listed *listed,
                          const struct venue_command *command, bool is_ws)
{
    if (is_ws) {
        if (!listed || listed->inst_code == 0)
            return ERR_UNSUPPORTED;
        put_text(w, "{\"instIdCode\":");
        put_u64(w, listed->inst_code);
        return 0;
    }
    if (!is_symbol(command->symbol))
        return ERR_RANGE;
    put_text(w, "{\"instId\":\"");
    put_text(w, command->symbol);
    put_text(w, "\"");
    return 0;
}

/* The order meant: by the venue's id where it is known, for client ids are unique among open
 * orders only. */
static int put_order_meant(struct writer *w, const struct venue_command *command,
                           const char *by_exchange_id, const char *by_client_id, const char *after)
{
    bool is_exchange_id = *command->exchange_order_id != '\0';
    const char *id = is_exchange_id ? command->exchange_order_id : command->client_order_id;

    if (!is_id(id, is_exchange_id ? VENUE_ID_MAX - 1 : OKX_CLIENT_ID_MAX))
        return ERR_RANGE;
    put_text(w, is_exchange_id ? by_exchange_id : by_client_id);
    put_text(w, id);
    put_text(w, after);
    return 0;
}

static int put_cancel(struct writer *w, const struct okx_listed *listed,
                      const struct venue_command *command, bool is_ws)
{
    int err = put_instrument(w, listed, command, is_ws);

    if (!err)
        err = put_order_meant(w, command, ",\"ordId\":\"", ",\"clOrdId\":\"", "\"}");
    return err;
}

static int put_amend(struct writer *w, const struct okx_listed *listed,
                     const struct venue_command *command, uint64_t id, bool is_ws)
{
    int err = listed && listed->is_defined ? put_instrument(w, listed, command, is_ws) : ERR_RANGE;

    if (!err)
        err = put_order_meant(w, command, ",\"ordId\":\"", ",\"clOrdId\":\"", "\"");
    if (err)
        return err;
    put_text(w, ",\"newSz\":\"");
    put_qty(w, listed, command);
    put_text(w, "\",\"newPx\":\"");
    put_price(w, command);
    put_text(w, "\",\"cxlOnFail\":false,\"reqId\":\"");
    put_u64(w, id);
    put_text(w, "\"}");
    return 0;
}

/* ---- WebSocket ---- */

int64_t okx_deadline(const struct okx_side *side, const struct venue_command *command,
                     int64_t wall_ns)
{
    if (command->op == OP_REPLACE)
        return wall_ns + side->deadline_ns;
    return command->op == OP_PLACE && command->valid_ns > 0 ? wall_ns + command->valid_ns : 0;
}

int okx_frame_write(struct okx_side *side, const struct venue_command *command, uint64_t id,
                    int64_t deadline_ns, char *out, size_t cap)
{
    const struct okx_listed *listed = okx_listed_of(side, command->symbol);
    struct writer w = { .out = out, .cap = cap };
    int err = 0;

    put_text(&w, "{\"id\":\"");
    put_u64(&w, id);
    if (command->op == OP_PLACE) {
        if (listed && listed->inst_code == 0)
            return ERR_UNSUPPORTED;
        put_text(&w, "\",\"op\":\"order\",\"args\":");
        err = put_order(&w, listed, command, true);
    } else if (command->op == OP_CANCEL) {
        put_text(&w, "\",\"op\":\"cancel-order\",\"args\":[");
        err = put_cancel(&w, listed, command, true);
        put_text(&w, "]");
    } else if (command->op == OP_REPLACE) {
        put_text(&w, "\",\"op\":\"amend-order\",\"args\":[");
        err = put_amend(&w, listed, command, id, true);
        put_text(&w, "]");
    } else {
        return ERR_UNSUPPORTED;
    }
    if (deadline_ns > 0) {
        put_text(&w, ",\"expTime\":\"");
        put_u64(&w, (uint64_t)(deadline_ns / NS_PER_MS));
        put_text(&w, "\"");
    }
    put_text(&w, "}");
    return err ? err : w.is_bad ? ERR_RANGE : (int)w.len;
}

/* ---- signatures ---- */

static bool is_plain(const char *text)
{
    for (; *text; text++)
        if (*text <= ' ' || *text > '~' || *text == '"' || *text == '\\')
            return false;
    return true;
}

int okx_keys_init(struct okx_keys *keys, const char *api_key, const char *secret,
                  const char *passphrase)
{
    bool has_key = api_key && *api_key, has_secret = secret && *secret;
    bool has_passphrase = passphrase && *passphrase;

    *keys = (struct okx_keys){ .is_set = false };
    if (!has_key && !has_secret)
        return 0;
    if (!has_key || !has_secret || !has_passphrase || strlen(api_key) >= sizeof(keys->api_key) ||
        strlen(passphrase) >= sizeof(keys->passphrase) || !is_plain(api_key) ||
        !is_plain(passphrase))
        return ERR_AUTH;
    int err = hmac_key_init(&keys->secret, secret, strlen(secret));
    if (!err) {
        snprintf(keys->api_key, sizeof(keys->api_key), "%s", api_key);
        snprintf(keys->passphrase, sizeof(keys->passphrase), "%s", passphrase);
        keys->is_set = true;
    }
    return err;
}

void okx_keys_fini(struct okx_keys *keys)
{
    if (keys->is_set)
        hmac_key_fini(&keys->secret);
    secret_wipe(keys, sizeof(*keys));
}

int okx_sign(struct okx_keys *keys, const char *time, const char *method, const char *path,
             const char *body, size_t body_len, char out[OKX_SIGN_TEXT])
{
    char text[TIME_TEXT_MS + 8 + sizeof(((struct venue_request *)0)->path) + VENUE_FRAME_MAX];
    struct writer w = { .out = text, .cap = sizeof(text) };
    uint8_t hash[32];

    put_text(&w, time);
    put_text(&w, method);
    put_text(&w, path);
    put(&w, body, body_len);
    if (w.is_bad || hmac_sha256(&keys->secret, text, w.len, hash) != 0)
        return ERR_RANGE;
    return base64_encode(hash, sizeof(hash), out, OKX_SIGN_TEXT) ? 0 : ERR_RANGE;
}

int okx_login_write(struct okx_keys *keys, int64_t wall_ns, char *out, size_t cap)
{
    char seconds[24], sign[OKX_SIGN_TEXT];

    snprintf(seconds, sizeof(seconds), "%lld", (long long)(wall_ns / NS_PER_S));
    int err = okx_sign(keys, seconds, "GET", "/users/self/verify", "", 0, sign);
    if (err)
        return err;
    int len = snprintf(out, cap,
                       "{\"op\":\"login\",\"args\":[{\"apiKey\":\"%s\",\"passphrase\":\"%s\","
                       "\"timestamp\":\"%s\",\"sign\":\"%s\"}]}",
                       keys->api_key, keys->passphrase, seconds, sign);
    return len < (int)cap ? len : ERR_RANGE;
}

/* ---- REST ---- */

static void put_symbol_query(struct writer *w, const struct venue_command *command, char before)
{
    if (!*command->symbol)
        return;
    w->is_bad |= !is_symbol(command->symbol);
    put(w, &before, 1);
    put_text(w, "instId=");
    put_text(w, command->symbol);
}

static void put_cursor(struct writer *w, const struct okx_pending *pending, char before)
{
    if (!*pending->cursor)
        return;
    w->is_bad |= !is_id(pending->cursor, sizeof(pending->cursor) - 1);
    put(w, &before, 1);
    put_text(w, "after=");
    put_text(w, pending->cursor);
}

static const char *product_of(const struct okx_pending *pending)
{
    bool is_swap = *pending->command.symbol
                       ? pending->command.instrument_kind == INSTRUMENT_PERPETUAL
                       : pending->step == STEP_SWAP;

    return is_swap ? "SWAP" : "SPOT";
}

static int query_path(struct writer *w, const struct okx_pending *pending)
{
    if (!is_symbol(pending->command.symbol))
        return ERR_RANGE;
    if (pending->step == STEP_HISTORY) {
        put_text(w, "/api/v5/trade/orders-history?instType=");
        put_text(w, product_of(pending));
        put_symbol_query(w, &pending->command, '&');
        return 0;
    }
    put_text(w, "/api/v5/trade/order?instId=");
    put_text(w, pending->command.symbol);
    return put_order_meant(w, &pending->command, "&ordId=", "&clOrdId=", "");
}

/* Three days back there is a list with a wider limit; further back, or with no time said, the long
 * one. */
static void executions_path(struct writer *w, const struct okx_pending *pending, int64_t wall_ns)
{
    int64_t since_ns = pending->command.since_wall_ns;
    bool is_recent = since_ns > 0 && wall_ns - since_ns < 70 * 3600 * NS_PER_S;
    bool has_symbol = *pending->command.symbol != '\0';

    put_text(w, is_recent ? "/api/v5/trade/fills" : "/api/v5/trade/fills-history");
    put_symbol_query(w, &pending->command, '?');
    put_text(w, has_symbol ? "&instType=" : "?instType=");
    put_text(w, product_of(pending));
    put_cursor(w, pending, '&');
}

static int path_of(struct writer *w, const struct okx_pending *pending, int64_t wall_ns)
{
    const struct venue_command *command = &pending->command;

    if (pending->step == STEP_CONFIRM)
        return query_path(w, pending);
    if (pending->step == STEP_SWEEP) {
        put_text(w, "/api/v5/trade/cancel-batch-orders");
        return 0;
    }
    switch (command->op) {
    case OP_PLACE: /* A batch of one counts as one order, and its refusals stand beside it. */
        put_text(w, "/api/v5/trade/batch-orders");
        return 0;
    case OP_CANCEL:
        put_text(w, "/api/v5/trade/cancel-order");
        return 0;
    case OP_REPLACE:
        put_text(w, "/api/v5/trade/amend-order");
        return 0;
    case OP_DEAD_MAN:
        put_text(w, "/api/v5/trade/cancel-all-after");
        return 0;
    case OP_QUERY:
        return query_path(w, pending);
    case OP_OPEN_ORDERS:
    case OP_CANCEL_ALL:
        put_text(w, "/api/v5/trade/orders-pending");
        put_symbol_query(w, command, '?');
        put_cursor(w, pending, *command->symbol ? '&' : '?');
        return 0;
    case OP_EXECUTIONS:
        executions_path(w, pending, wall_ns);
        return 0;
    case OP_BALANCES:
        put_text(w, "/api/v5/account/balance");
        return 0;
    case OP_POSITIONS:
        put_text(w, "/api/v5/account/positions?instType=SWAP");
        return 0;
    case OP_ACCOUNT_MODE:
        put_text(w, "/api/v5/account/config");
        return 0;
    case OP_FUNDING:
        put_text(w, "/api/v5/account/bills?type=8");
        put_cursor(w, pending, '&');
        return 0;
    case OP_INSTRUMENTS:
        put_text(w, "/api/v5/public/instruments?instType=");
        put_text(w, pending->step == STEP_SWAP ? "SWAP" : "SPOT");
        return 0;
    case OP_SERVER_TIME:
        put_text(w, "/api/v5/public/time");
        return 0;
    }
    return ERR_UNSUPPORTED;
}

/* The next batch of the orders that a list has found. */
static void sweep_body(struct writer *w, const struct okx_sweep *sweep)
{
    unsigned end = MIN(sweep->at + OKX_BATCH, sweep->count);

    put_text(w, "[");
    for (unsigned i = sweep->at; i < end; i++) {
        put_text(w, i > sweep->at ? ",{\"instId\":\"" : "{\"instId\":\"");
        put_text(w, sweep->orders[i].symbol);
        put_text(w, "\",\"ordId\":\"");
        put_text(w, sweep->orders[i].order_id);
        put_text(w, "\"}");
    }
    put_text(w, "]");
}

/* Seconds: 0 disarms, otherwise 10 to 120. */
static void dead_man_body(struct writer *w, const struct venue_command *command)
{
    int64_t seconds = (MAX(command->timeout_ns, 0) + NS_PER_S - 1) / NS_PER_S;

    put_text(w, "{\"timeOut\":\"");
    put_u64(w, seconds == 0 ? 0 : (uint64_t)MIN(MAX(seconds, 10), 120));
    put_text(w, "\"}");
}

static int body_of(struct writer *w, struct okx_side *side, const struct okx_pending *pending)
{
    const struct venue_command *command = &pending->command;
    const struct okx_listed *listed = okx_listed_of(side, command->symbol);

    if (pending->step == STEP_SWEEP)
        sweep_body(w, &side->sweep);
    else if (pending->step == STEP_CONFIRM)
        return 0;
    else if (command->op == OP_PLACE)
        return put_order(w, listed, command, false);
    else if (command->op == OP_CANCEL)
        return put_cancel(w, listed, command, false);
    else if (command->op == OP_REPLACE)
        return put_amend(w, listed, command, pending->id, false);
    else if (command->op == OP_DEAD_MAN)
        dead_man_body(w, command);
    return 0;
}

static void header(struct venue_request *out, const char *name, const char *value)
{
    struct venue_header *header = &out->headers[out->header_count++];

    snprintf(header->name, sizeof(header->name), "%s", name);
    snprintf(header->value, sizeof(header->value), "%s", value);
}

static int sign_request(struct okx_side *side, const struct okx_pending *pending, int64_t wall_ns,
                        struct venue_request *out)
{
    char time[TIME_TEXT_MS], sign[OKX_SIGN_TEXT], deadline[24];
    int64_t deadline_ns =
        pending->step == STEP_ONLY ? okx_deadline(side, &pending->command, wall_ns) : 0;

    if (!side->keys.is_set)
        return ERR_AUTH;
    time_text_write_ms(wall_ns, time);
    int err = okx_sign(&side->keys, time, out->method, out->path, out->body, out->body_len, sign);
    if (err)
        return err;
    header(out, "OK-ACCESS-KEY", side->keys.api_key);
    header(out, "OK-ACCESS-SIGN", sign);
    header(out, "OK-ACCESS-TIMESTAMP", time);
    header(out, "OK-ACCESS-PASSPHRASE", side->keys.passphrase);
    if (out->body_len > 0)
        header(out, "Content-Type", "application/json");
    if (deadline_ns > 0) {
        snprintf(deadline, sizeof(deadline), "%lld", (long long)(deadline_ns / NS_PER_MS));
        header(out, "expTime", deadline);
    }
    return 0;
}

int okx_call_write(struct okx_side *side, const struct okx_pending *pending, int64_t wall_ns,
                   struct venue_request *out)
{
    struct writer path = { .out = out->path, .cap = sizeof(out->path) };
    struct writer body = { .out = out->body, .cap = sizeof(out->body) };

    out->header_count = 0;
    out->body_len = 0;
    out->body[0] = '\0';
    out->weight = 1;
    out->is_cancel = pending->command.op == OP_CANCEL || pending->command.op == OP_CANCEL_ALL;
    int err = path_of(&path, pending, wall_ns);
    if (!err)
        err = body_of(&body, side, pending);
    if (!err && (path.is_bad || body.is_bad))
        err = ERR_RANGE;
    if (err)
        return err;
    out->body_len = body.len;
    out->method = body.len > 0 ? "POST" : "GET";
    out->is_private = strncmp(out->path, "/api/v5/public/", 15) != 0;
    return out->is_private ? sign_request(side, pending, wall_ns, out) : 0;
}
