#include "common/leaf/fixed.h"
#include "venues/kraken/order.h"

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

/* Plain decimals with exactly so many digits behind the point, or none. */
static void put_decimal(struct writer *w, int64_t value, int exp, int decimals)
{
    char text[FIXED_TEXT_MAX];
    int len = value > 0 ? fixed_format_at(value, exp, decimals, text, sizeof(text)) : ERR_RANGE;

    if (len < 0)
        w->is_bad = true;
    else
        put(w, text, (size_t)len);
}

static bool is_id_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
           c == '_';
}

static bool is_id(const char *id, size_t len_max)
{
    size_t len = strlen(id);

    for (size_t i = 0; i < len; i++)
        if (!is_id_char(id[i]))
            return false;
    return len >= 1 && len <= len_max;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* 32 hexadecimal digits, hyphens where a UUID has them or nowhere. */
static bool is_uuid(const char *id)
{
    size_t len = strlen(id), digits = 0;

    for (size_t i = 0; i < len; i++) {
        bool is_hyphen = len == 36 && (i == 8 || i == 13 || i == 18 || i == 23);
        if (is_hyphen ? id[i] != '-' : !is_hex(id[i]))
            return false;
        digits += !is_hyphen;
    }
    return digits == 32 && (len == 32 || len == 36);
}

bool kraken_client_id_is_valid(const char *id)
{
    return is_id(id, KRAKEN_CLIENT_ID_MAX) || is_uuid(id);
}

static bool exchange_id_is_valid(const char *id)
{
    return is_id(id, VENUE_ID_MAX - 1);
}

/* ---- WebSocket ---- */

int kraken_form_of(const struct venue_command *command, enum kraken_form *form)
{
    bool may_rest = command->time_in_force != TIF_IOC && command->time_in_force != TIF_FOK;

    if (command->time_in_force == TIF_FOK || command->is_reduce_only)
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
    *form = command->is_post_only ? FORM_POST_ONLY : may_rest ? FORM_LIMIT : FORM_IOC;
    return 0;
}

static const struct {
    const char *ws, *rest_type, *rest_tail;
} forms[FORM_COUNT] = {
    [FORM_LIMIT] = { "\"order_type\":\"limit\",\"time_in_force\":\"gtc\"", "limit", "" },
    [FORM_POST_ONLY] = { "\"order_type\":\"limit\",\"time_in_force\":\"gtc\",\"post_only\":true",
                         "limit", "&oflags=post" },
    [FORM_IOC] = { "\"order_type\":\"limit\",\"time_in_force\":\"ioc\"", "limit",
                   "&timeinforce=IOC" },
    [FORM_MARKET] = { "\"order_type\":\"market\"", "market", "" },
};

int kraken_order_prepare(struct kraken_template *template, const char *symbol, wire_side side,
                         enum kraken_form form, const char *token)
{
    char canonical[32];
    struct kraken_template made;

    if (kraken_symbol_of(symbol, canonical) != 0)
        return ERR_RANGE;
    /* Fees in quote, said explicitly: REST's list of executions does not name the asset. */
    int len = snprintf(made.text, sizeof(made.text),
                       "{\"method\":\"add_order\",\"params\":{\"token\":\"%s\",\"symbol\":\"%s\","
                       "\"side\":\"%s\",%s,\"fee_preference\":\"quote\",\"order_qty\":",
                       token, canonical, side == SIDE_BUY ? "buy" : "sell", forms[form].ws);
    if (len >= (int)sizeof(made.text))
        return ERR_RANGE;
    made.len = (uint16_t)len;
    *template = made;
    return 0;
}

static void put_deadline(struct writer *w, int64_t deadline_ns)
{
    char text[TIME_TEXT_MS];

    time_text_write_ms(deadline_ns, text);
    put_text(w, ",\"deadline\":\"");
    put(w, text, TIME_TEXT_MS - 1);
    put_text(w, "\"");
}

static void put_tail(struct writer *w, uint64_t req_id)
{
    put_text(w, "},\"req_id\":");
    put_u64(w, req_id);
    put_text(w, "}");
}

static int end(const struct writer *w)
{
    return w->is_bad ? ERR_RANGE : (int)w->len;
}

int kraken_order_fill(const struct kraken_template *template, const struct venue_command *command,
                      enum kraken_form form, int64_t deadline_ns, uint64_t req_id, char *out,
                      size_t cap)
{
    struct writer w = { .out = out, .cap = cap };

    put(&w, template->text, template->len);
    put_decimal(&w, command->qty, command->qty_exp, command->qty_decimals);
    if (form != FORM_MARKET) {
        put_text(&w, ",\"limit_price\":");
        put_decimal(&w, command->price, command->price_exp, command->price_decimals);
    }
    if (*command->client_order_id) {
        if (!kraken_client_id_is_valid(command->client_order_id))
            return ERR_RANGE;
        put_text(&w, ",\"cl_ord_id\":\"");
        put_text(&w, command->client_order_id);
        put_text(&w, "\"");
    }
    put_deadline(&w, deadline_ns);
    put_tail(&w, req_id);
    return end(&w);
}

/* The order meant: by the venue's id where it is known, for client ids are unique among open orders
 * only. */
static int put_order_meant(struct writer *w, const struct venue_command *command,
                           const char *before, const char *by_exchange_id, const char *by_client_id,
                           const char *after)
{
    bool is_exchange_id = *command->exchange_order_id != '\0';

    if (is_exchange_id ? !exchange_id_is_valid(command->exchange_order_id)
                       : !kraken_client_id_is_valid(command->client_order_id))
        return ERR_RANGE;
    put_text(w, before);
    put_text(w, is_exchange_id ? by_exchange_id : by_client_id);
    put_text(w, is_exchange_id ? command->exchange_order_id : command->client_order_id);
    put_text(w, after);
    return 0;
}

static int put_amend(struct writer *w, const struct venue_command *command, int64_t deadline_ns)
{
    int err = put_order_meant(w, command, ",", "\"order_id\":\"", "\"cl_ord_id\":\"", "\"");

    if (err)
        return err;
    put_text(w, ",\"order_qty\":");
    put_decimal(w, command->qty, command->qty_exp, command->qty_decimals);
    put_text(w, ",\"limit_price\":");
    put_decimal(w, command->price, command->price_exp, command->price_decimals);
    if (command->is_post_only)
        put_text(w, ",\"post_only\":true");
    put_deadline(w, deadline_ns);
    return 0;
}

int kraken_frame(const struct venue_command *command, const char *token, int64_t deadline_ns,
                 uint64_t req_id, char *out, size_t cap)
{
    static const char *const methods[] = { [OP_CANCEL] = "cancel_order",
                                           [OP_REPLACE] = "amend_order",
                                           [OP_CANCEL_ALL] = "cancel_all",
                                           [OP_DEAD_MAN] = "cancel_all_orders_after" };
    struct writer w = { .out = out, .cap = cap };
    int err = 0;

    if (command->op == OP_SERVER_TIME) {
        put_text(&w, "{\"method\":\"ping\",\"req_id\":");
        put_u64(&w, req_id);
        put_text(&w, "}");
        return end(&w);
    }
    if ((size_t)command->op >= COUNT(methods) || !methods[command->op])
        return ERR_UNSUPPORTED;
    put_text(&w, "{\"method\":\"");
    put_text(&w, methods[command->op]);
    put_text(&w, "\",\"params\":{\"token\":\"");
    put_text(&w, token);
    put_text(&w, "\"");
    if (command->op == OP_CANCEL) {
        err = put_order_meant(&w, command, ",", "\"order_id\":[\"", "\"cl_ord_id\":[\"", "\"]");
    } else if (command->op == OP_REPLACE) {
        err = put_amend(&w, command, deadline_ns);
    } else if (command->op == OP_DEAD_MAN) {
        put_text(&w, ",\"timeout\":");
        put_u64(&w, (uint64_t)((MAX(command->timeout_ns, 0) + NS_PER_S - 1) / NS_PER_S));
    }
    put_tail(&w, req_id);
    return err ? err : end(&w);
}

/* ---- REST ---- */

int kraken_keys_init(struct kraken_keys *keys, const char *api_key, const char *secret)
{
    uint8_t bytes[256];
    size_t len = 0;
    bool has_key = api_key && *api_key, has_secret = secret && *secret;

    *keys = (struct kraken_keys){ 0 };
    if (has_key != has_secret)
        return ERR_AUTH;
    if (!has_key)
        return 0;
    if (strlen(api_key) >= sizeof(keys->api_key) ||
        base64_decode(secret, strlen(secret), bytes, sizeof(bytes), &len) != 0 || len == 0)
        return ERR_AUTH;
    int err = hmac_key_init(&keys->secret, bytes, len);
    secret_wipe(bytes, sizeof(bytes));
    if (!err) {
        snprintf(keys->api_key, sizeof(keys->api_key), "%s", api_key);
        keys->is_set = true;
    }
    return err;
}

void kraken_keys_fini(struct kraken_keys *keys)
{
    if (keys->is_set)
        hmac_key_fini(&keys->secret);
    secret_wipe(keys, sizeof(*keys));
}

int kraken_sign(struct kraken_keys *keys, const char *path, const char *nonce, const char *body,
                size_t body_len, char out[96])
{
    uint8_t message[64 + 32], hash[64];
    size_t path_len = strlen(path);

    if (path_len > sizeof(message) - 32)
        return ERR_RANGE;
    memcpy(message, path, path_len);
    sha256_two(nonce, strlen(nonce), body, body_len, message + path_len);
    int err = hmac_sha512(&keys->secret, message, path_len + 32, hash);
    if (!err && base64_encode(hash, sizeof(hash), out, 96) == 0)
        err = ERR_SYS;
    return err;
}

/* The venue refuses the order after it: one whose answer is lost does not come alive later. Its
 * colons are written as a form has them. */
static void put_form_deadline(struct writer *w, int64_t deadline_ns)
{
    char text[TIME_TEXT_MS], one[2] = "";

    if (deadline_ns == 0)
        return;
    time_text_write_ms(deadline_ns, text);
    put_text(w, "&deadline=");
    for (const char *c = text; *c; c++) {
        one[0] = *c;
        put_text(w, *c == ':' ? "%3A" : one);
    }
}

static int place_body(struct writer *w, const struct kraken_names *names,
                      const struct venue_command *command, int64_t deadline_ns)
{
    enum kraken_form form;
    char pair[32];
    int err = kraken_form_of(command, &form);

    if (!err)
        err = kraken_rest_pair(names, command->symbol, pair);
    if (err)
        return err;
    put_text(w, "&pair=");
    put_text(w, pair);
    put_text(w, command->side == SIDE_BUY ? "&type=buy" : "&type=sell");
    put_text(w, "&ordertype=");
    put_text(w, forms[form].rest_type);
    put_text(w, "&volume=");
    put_decimal(w, command->qty, command->qty_exp, command->qty_decimals);
    if (*command->client_order_id) {
        if (!kraken_client_id_is_valid(command->client_order_id))
            return ERR_RANGE;
        put_text(w, "&cl_ord_id=");
        put_text(w, command->client_order_id);
    }
    if (form != FORM_MARKET) {
        put_text(w, "&price=");
        put_decimal(w, command->price, command->price_exp, command->price_decimals);
    }
    put_text(w, forms[form].rest_tail);
    put_form_deadline(w, deadline_ns);
    return 0;
}

static int replace_body(struct writer *w, const struct venue_command *command)
{
    int err = put_order_meant(w, command, "&", "txid=", "cl_ord_id=", "");

    if (err)
        return err;
    put_text(w, "&order_qty=");
    put_decimal(w, command->qty, command->qty_exp, command->qty_decimals);
    put_text(w, "&limit_price=");
    put_decimal(w, command->price, command->price_exp, command->price_decimals);
    if (command->is_post_only)
        put_text(w, "&post_only=true");
    return 0;
}

static int query_body(struct writer *w, const struct venue_command *command)
{
    if (*command->exchange_order_id) {
        put_text(w, "&trades=true");
        return put_order_meant(w, command, "&", "txid=", "", "");
    }
    return put_order_meant(w, command, "&", "", "cl_ord_id=", "");
}

static void executions_body(struct writer *w, const struct venue_command *command, unsigned offset)
{
    if (command->since_wall_ns > 0) {
        /* The venue's start is exclusive: a second earlier, and what comes twice is known again. */
        put_text(w, "&start=");
        put_u64(w, (uint64_t)(MAX(command->since_wall_ns / NS_PER_S - 1, 0)));
    }
    if (offset > 0) {
        put_text(w, "&ofs=");
        put_u64(w, offset);
    }
}

/* Path and weight of each call. Orders do not count on REST's counter; history counts twice. */
static const char *path_of(const struct venue_command *command, enum kraken_step step,
                           uint32_t *weight)
{
    *weight = 1;
    if (step == STEP_TOKEN)
        return "/0/private/GetWebSocketsToken";
    if (step == STEP_PAIRS || command->op == OP_INSTRUMENTS)
        return "/0/public/AssetPairs";
    switch (command->op) {
    case OP_PLACE:
        *weight = 0;
        return "/0/private/AddOrder";
    case OP_CANCEL:
        *weight = 0;
        return "/0/private/CancelOrder";
    case OP_REPLACE:
        *weight = 0;
        return "/0/private/AmendOrder";
    case OP_CANCEL_ALL:
        *weight = 0;
        return "/0/private/CancelAll";
    case OP_DEAD_MAN:
        *weight = 0;
        return "/0/private/CancelAllOrdersAfter";
    case OP_QUERY:
        if (step == STEP_CLOSED) {
            *weight = 2;
            return "/0/private/ClosedOrders";
        }
        return *command->exchange_order_id ? "/0/private/QueryOrders" : "/0/private/OpenOrders";
    case OP_OPEN_ORDERS:
        return "/0/private/OpenOrders";
    case OP_BALANCES:
        return "/0/private/BalanceEx";
    case OP_EXECUTIONS:
        *weight = 2;
        return "/0/private/TradesHistory";
    case OP_SERVER_TIME:
        return "/0/public/Time";
    default:
        return NULL;
    }
}

static int body_of(struct writer *w, const struct kraken_names *names,
                   const struct venue_command *command, enum kraken_step step, unsigned offset,
                   int64_t deadline_ns)
{
    if (step == STEP_TOKEN)
        return 0;
    switch (command->op) {
    case OP_PLACE:
        return place_body(w, names, command, deadline_ns);
    case OP_CANCEL:
        return put_order_meant(w, command, "&", "txid=", "cl_ord_id=", "");
    case OP_REPLACE:
        return replace_body(w, command);
    case OP_QUERY:
        return query_body(w, command);
    case OP_EXECUTIONS:
        executions_body(w, command, offset);
        return 0;
    case OP_DEAD_MAN:
        put_text(w, "&timeout=");
        put_u64(w, (uint64_t)((MAX(command->timeout_ns, 0) + NS_PER_S - 1) / NS_PER_S));
        return 0;
    default:
        return 0;
    }
}

static void header(struct venue_request *out, const char *name, const char *value)
{
    struct venue_header *header = &out->headers[out->header_count++];

    snprintf(header->name, sizeof(header->name), "%s", name);
    snprintf(header->value, sizeof(header->value), "%s", value);
}

int kraken_call_write(struct kraken_keys *keys, const struct kraken_names *names,
                      const struct venue_command *command, enum kraken_step step, unsigned offset,
                      int64_t deadline_ns, uint64_t nonce, struct venue_request *out)
{
    const char *path = path_of(command, step, &out->weight);
    struct writer w = { .out = out->body, .cap = sizeof(out->body) };
    char nonce_text[24], sign[96];

    if (!path)
        return ERR_UNSUPPORTED;
    out->header_count = 0;
    out->body_len = 0;
    out->body[0] = '\0';
    out->is_private = strncmp(path, "/0/private/", 11) == 0;
    out->is_cancel = command->op == OP_CANCEL || command->op == OP_CANCEL_ALL;
    out->method = out->is_private ? "POST" : "GET";
    snprintf(out->path, sizeof(out->path), "%s", path);
    if (!out->is_private)
        return 0;
    if (!keys->is_set)
        return ERR_AUTH;
    snprintf(nonce_text, sizeof(nonce_text), "%llu", (unsigned long long)nonce);
    put_text(&w, "nonce=");
    put_text(&w, nonce_text);
    int err = body_of(&w, names, command, step, offset, deadline_ns);
    if (!err && w.is_bad)
        err = ERR_RANGE;
    if (!err)
        err = kraken_sign(keys, path, nonce_text, out->body, w.len, sign);
    if (err)
        return err;
    out->body_len = w.len;
    header(out, "API-Key", keys->api_key);
    header(out, "API-Sign", sign);
    header(out, "Content-Type", "application/x-www-form-urlencoded");
    return 0;
}
