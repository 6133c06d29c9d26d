/* Bodies, frames, paths, signatures. The order of members is that of a widely used client, so that
 * its signed requests are vectors for ours. */
#include "venues/bybit/order.h"
#include "common/leaf/fixed.h"

#include <stdio.h>

#define LOGIN_NS (10 * NS_PER_S) /* How long a login may be on its way. */

/* ---- keys and signatures ---- */

static bool is_word(const char *text, size_t max)
{
    size_t len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

    return text[len] == '\0' && len > 0 && len <= max;
}

int bybit_keys_init(struct bybit_keys *keys, const char *api_key, const char *secret,
                    int64_t recv_window_ms)
{
    int64_t window_ms = recv_window_ms > 0 ? recv_window_ms : 5000;

    *keys = (struct bybit_keys){ .is_set = false };
    if (window_ms > 60000)
        return ERR_RANGE;
    snprintf(keys->window, sizeof(keys->window), "%lld", (long long)window_ms);
    if (!*api_key && !*secret)
        return 0;
    if (!*secret || !is_word(api_key, BYBIT_KEY_MAX - 1) || strstr(secret, "-----BEGIN"))
        return ERR_AUTH; /* RSA keys: not built. */
    bybit_copy(keys->api_key, sizeof(keys->api_key), api_key);
    int err = hmac_key_init(&keys->secret, secret, strlen(secret));
    keys->is_set = err == 0;
    return err;
}

void bybit_keys_fini(struct bybit_keys *keys)
{
    if (keys->is_set)
        hmac_key_fini(&keys->secret);
    secret_wipe(keys, sizeof(*keys));
}

int bybit_sign(struct bybit_keys *keys, const char *text, size_t len, char out[65])
{
    uint8_t mac[32];

    if (!keys->is_set)
        return ERR_AUTH;
    int err = hmac_sha256(&keys->secret, text, len, mac);
    if (!err)
        hex_encode(mac, sizeof(mac), out);
    return err;
}

/* ---- a pen that notes when the paper ends ---- */

struct pen {
    char *begin, *at, *end;
    bool is_full;
};

static struct pen pen_on(char *out, size_t cap)
{
    return (struct pen){ out, out, out + cap - 1, false }; /* Room for the NUL. */
}

static void put(struct pen *pen, const char *text, size_t len)
{
    if (UNLIKELY((size_t)(pen->end - pen->at) < len)) {
        pen->is_full = true;
        return;
    }
    memcpy(pen->at, text, len);
    pen->at += len;
}

static void put_text(struct pen *pen, const char *text)
{
    put(pen, text, strlen(text));
}

static void put_number(struct pen *pen, uint64_t number)
{
    char digits[24];
    size_t at = sizeof(digits);

    do
        digits[--at] = (char)('0' + number % 10);
    while (number /= 10);
    put(pen, digits + at, sizeof(digits) - at);
}

static int pen_end(struct pen *pen)
{
    *pen->at = '\0';
    return pen->is_full ? ERR_RANGE : (int)(pen->at - pen->begin);
}

/* ---- orders ---- */

bool bybit_client_id_is_valid(const char *id)
{
    return is_word(id, BYBIT_CLIENT_ID_MAX);
}

int bybit_form_of(const struct venue_command *command, enum bybit_form *form)
{
    static const enum bybit_form forms[] = {
        [TIF_NONE] = FORM_GTC, [TIF_GTC] = FORM_GTC, [TIF_IOC] = FORM_IOC, [TIF_FOK] = FORM_FOK
    };

    if (command->side != SIDE_BUY && command->side != SIDE_SELL)
        return ERR_RANGE;
    if (command->is_reduce_only && bybit_category_of(command->instrument_kind) == BYBIT_SPOT)
        return ERR_UNSUPPORTED;
    if (command->type == ORDER_MARKET) {
        if (command->is_post_only)
            return ERR_RANGE;
        *form = FORM_MARKET;
        return 0;
    }
    if (command->type != ORDER_LIMIT || command->time_in_force >= COUNT(forms))
        return ERR_RANGE;
    *form = forms[command->time_in_force];
    if (command->is_post_only) {
        if (*form != FORM_GTC)
            return ERR_RANGE;
        *form = FORM_POST_ONLY;
    }
    return 0;
}

int bybit_template_make(struct bybit_template *made, const char *symbol, wire_side side,
                        enum bybit_form form)
{
    static const char *const words[] = {
        [FORM_GTC] = "\"Limit\"",
        [FORM_IOC] = "\"Limit\",\"timeInForce\":\"IOC\"",
        [FORM_FOK] = "\"Limit\",\"timeInForce\":\"FOK\"",
        [FORM_POST_ONLY] = "\"Limit\",\"timeInForce\":\"PostOnly\"",
        [FORM_MARKET] = "\"Market\"",
    };
    int len = snprintf(made->text, sizeof(made->text),
                       "{\"symbol\":\"%s\",\"side\":\"%s\",\"orderType\":%s", symbol,
                       side == SIDE_BUY ? "Buy" : "Sell", words[form]);

    if (len < 0 || (size_t)len >= sizeof(made->text))
        return ERR_RANGE;
    made->len = (uint16_t)len;
    return 0;
}

static int put_decimal(struct pen *pen, const char *name, int64_t value, int exp, int decimals)
{
    char text[FIXED_TEXT_MAX];
    int len = value > 0 ? fixed_format_at(value, exp, decimals, text, sizeof(text)) : ERR_RANGE;

    if (len <= 0)
        return ERR_RANGE;
    put_text(pen, name);
    put(pen, text, (size_t)len);
    put(pen, "\"", 1);
    return 0;
}

static void put_category(struct pen *pen, enum bybit_category category)
{
    put_text(pen, category == BYBIT_SPOT ? ",\"category\":\"spot\"" : ",\"category\":\"linear\"");
}

static int put_client_id(struct pen *pen, const char *id)
{
    if (!bybit_client_id_is_valid(id))
        return ERR_RANGE;
    put_text(pen, ",\"orderLinkId\":\"");
    put_text(pen, id);
    put(pen, "\"", 1);
    return 0;
}

/* Which order is meant: by the venue's id where it is known. */
static int put_order(struct pen *pen, const struct venue_command *command)
{
    if (!*command->exchange_order_id)
        return put_client_id(pen, command->client_order_id);
    if (!is_word(command->exchange_order_id, 64))
        return ERR_RANGE;
    put_text(pen, ",\"orderId\":\"");
    put_text(pen, command->exchange_order_id);
    put(pen, "\"", 1);
    return 0;
}

static int place_write(const struct venue_command *command, const struct bybit_template *template,
                       struct pen *pen)
{
    enum bybit_category category = bybit_category_of(command->instrument_kind);
    struct bybit_template made;
    enum bybit_form form;
    int err = bybit_form_of(command, &form);

    if (!err && (!template || template->len == 0)) {
        err = bybit_template_make(&made, command->symbol, command->side, form);
        template = &made;
    }
    if (err)
        return err;
    put(pen, template->text, template->len);
    if (form != FORM_MARKET)
        err = put_decimal(pen, ",\"price\":\"", command->price, command->price_exp,
                          command->price_decimals);
    put_category(pen, category);
    if (form == FORM_MARKET && category == BYBIT_SPOT) /* A market buy counts in quote else. */
        put_text(pen, ",\"marketUnit\":\"baseCoin\"");
    if (!err)
        err =
            put_decimal(pen, ",\"qty\":\"", command->qty, command->qty_exp, command->qty_decimals);
    if (!err && *command->client_order_id)
        err = put_client_id(pen, command->client_order_id);
    if (category == BYBIT_LINEAR)
        put_text(pen, ",\"positionIdx\":0");
    if (command->is_reduce_only)
        put_text(pen, ",\"reduceOnly\":true");
    return err;
}

static int change_write(const struct venue_command *command, struct pen *pen)
{
    enum bybit_category category = bybit_category_of(command->instrument_kind);

    put_text(pen, "{\"symbol\":\"");
    put_text(pen, command->symbol);
    put(pen, "\"", 1);
    if (command->op == OP_CANCEL && category == BYBIT_SPOT)
        put_text(pen, ",\"orderFilter\":\"Order\"");
    int err = put_order(pen, command);
    put_category(pen, category);
    if (err || command->op == OP_CANCEL)
        return err;
    err = put_decimal(pen, ",\"price\":\"", command->price, command->price_exp,
                      command->price_decimals);
    return err ? err
               : put_decimal(pen, ",\"qty\":\"", command->qty, command->qty_exp,
                             command->qty_decimals);
}

int bybit_args_write(const struct venue_command *command, const struct bybit_template *template,
                     char *out, size_t cap)
{
    struct pen pen = pen_on(out, cap);

    if (!bybit_symbol_is_plain(command->symbol))
        return ERR_RANGE;
    int err = command->op == OP_PLACE ? place_write(command, template, &pen)
                                      : change_write(command, &pen);
    put(&pen, "}", 1);
    return err ? err : pen_end(&pen);
}

int bybit_frame_write(enum venue_op op, uint64_t req_id, const struct bybit_keys *keys,
                      int64_t wall_ns, const char *args, size_t args_len, char *out, size_t cap)
{
    struct pen pen = pen_on(out, cap);

    put_text(&pen, "{\"reqId\":\"");
    put_number(&pen, req_id);
    put_text(&pen, "\",\"header\":{\"X-BAPI-TIMESTAMP\":\"");
    put_number(&pen, (uint64_t)MAX(wall_ns, 0) / (uint64_t)NS_PER_MS);
    put_text(&pen, "\",\"X-BAPI-RECV-WINDOW\":\"");
    put_text(&pen, keys->window);
    put_text(&pen, "\"},\"op\":\"");
    put_text(&pen, op == OP_PLACE    ? "order.create"
                   : op == OP_CANCEL ? "order.cancel"
                                     : "order.amend");
    put_text(&pen, "\",\"args\":[");
    put(&pen, args, args_len);
    put_text(&pen, "]}");
    return pen_end(&pen);
}

int bybit_login_write(struct bybit_keys *keys, bool is_trade, int64_t wall_ns, char *out,
                      size_t cap)
{
    char text[64], signature[65];
    long long expires = (long long)((wall_ns + LOGIN_NS) / NS_PER_MS);
    int len = snprintf(text, sizeof(text), "GET/realtime%lld", expires);
    int err = bybit_sign(keys, text, (size_t)len, signature);

    if (err)
        return err;
    len = snprintf(out, cap, "{\"%s\":\"login\",\"op\":\"auth\",\"args\":[\"%s\",%lld,\"%s\"]}",
                   is_trade ? "reqId" : "req_id", keys->api_key, expires, signature);
    return len > 0 && (size_t)len < cap ? len : ERR_RANGE;
}

static void header_set(struct venue_request *request, const char *name, const char *value)
{
    struct venue_header *header = &request->headers[request->header_count++];

    bybit_copy(header->name, sizeof(header->name), name);
    bybit_copy(header->value, sizeof(header->value), value);
}

int bybit_request_sign(struct bybit_keys *keys, int64_t wall_ns, struct venue_request *request)
{
    char text[sizeof(request->path) + sizeof(request->body) + 256], signature[65], time[24];
    struct pen pen = pen_on(text, sizeof(text));
    const char *query = strchr(request->path, '?');

    snprintf(time, sizeof(time), "%lld", (long long)(MAX(wall_ns, 0) / NS_PER_MS));
    put_text(&pen, time);
    put_text(&pen, keys->api_key);
    put_text(&pen, keys->window);
    if (request->body_len > 0)
        put(&pen, request->body, request->body_len);
    else if (query)
        put_text(&pen, query + 1);
    int len = pen_end(&pen);
    int err = len < 0 ? len : bybit_sign(keys, text, (size_t)len, signature);
    if (err)
        return err;
    request->header_count = 0;
    header_set(request, "X-BAPI-API-KEY", keys->api_key);
    header_set(request, "X-BAPI-TIMESTAMP", time);
    header_set(request, "X-BAPI-RECV-WINDOW", keys->window);
    header_set(request, "X-BAPI-SIGN", signature);
    if (request->body_len > 0)
        header_set(request, "Content-Type", "application/json");
    return 0;
}
