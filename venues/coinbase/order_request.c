/* Requests and their signatures: base64(HMAC-SHA256(secret, timestamp + method + path + body)). */
#include "venues/coinbase/order.h"

#include "common/leaf/fixed.h"
#include "common/pure/time_text.h"

#include <stdarg.h>
#include <stdio.h>

void coinbase_timestamp(int64_t wall_ns, char out[ORDER_TIME_TEXT])
{
    int64_t ms = MAX(wall_ns, 0) / NS_PER_MS;

    if (ms % MS_PER_S == 0)
        snprintf(out, ORDER_TIME_TEXT, "%lld", (long long)(ms / MS_PER_S));
    else
        snprintf(out, ORDER_TIME_TEXT, "%lld.%03d", (long long)(ms / MS_PER_S),
                 (int)(ms % MS_PER_S));
}

int coinbase_sign(struct order_keys *keys, const char *timestamp, const char *method,
                  const char *path, const char *body, size_t body_len, char out[ORDER_SIGN_TEXT])
{
    char text[ORDER_TIME_TEXT + 16 + sizeof(((struct venue_request *)0)->path) + VENUE_FRAME_MAX];
    uint8_t digest[32];
    int len =
        snprintf(text, sizeof(text), "%s%s%s%.*s", timestamp, method, path, (int)body_len, body);

    if (len < 0 || (size_t)len >= sizeof(text) ||
        hmac_sha256(&keys->hmac, text, (size_t)len, digest) != 0)
        return ERR_SYS;
    return base64_encode(digest, sizeof(digest), out, ORDER_SIGN_TEXT) > 0 ? 0 : ERR_SYS;
}

static void header_put(struct venue_request *request, const char *name, const char *value)
{
    struct venue_header *header = &request->headers[request->header_count++];

    coinbase_copy(header->name, sizeof(header->name), name);
    coinbase_copy(header->value, sizeof(header->value), value);
}

static int sign(struct order_keys *keys, const struct venue_clock *clock,
                struct venue_request *request)
{
    char timestamp[ORDER_TIME_TEXT], signature[ORDER_SIGN_TEXT];

    if (!keys->is_set)
        return ERR_AUTH;
    coinbase_timestamp(clock->wall_ns, timestamp);
    int err = coinbase_sign(keys, timestamp, request->method, request->path, request->body,
                            request->body_len, signature);
    if (err)
        return err;
    header_put(request, "CB-ACCESS-KEY", keys->key);
    header_put(request, "CB-ACCESS-SIGN", signature);
    header_put(request, "CB-ACCESS-TIMESTAMP", timestamp);
    header_put(request, "CB-ACCESS-PASSPHRASE", keys->passphrase);
    header_put(request, "Content-Type", "application/json");
    request->is_private = true;
    return 0;
}

/* ---- texts ---- */

static bool is_uuid(const char *text)
{
    static const char form[] = "xxxxxxxx-xxxx-4xxx-vxxx-xxxxxxxxxxxx";

    for (size_t i = 0; i < sizeof(form) - 1; i++) {
        bool is_hex = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f');
        bool fits = form[i] == 'x'   ? is_hex
                    : form[i] == 'v' ? text[i] && strchr("89ab", text[i]) != NULL
                                     : text[i] == form[i];
        if (!fits)
            return false;
    }
    return text[sizeof(form) - 1] == '\0';
}

/* What goes into a path or a JSON text as it is. */
static bool is_word(const char *text)
{
    return *text && text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                      "0123456789-_.")] == '\0';
}

static int path_put(struct venue_request *request, const char *format, ...) PRINTF_LIKE(2, 3);
static int path_put(struct venue_request *request, const char *format, ...)
{
    size_t at = strlen(request->path);
    va_list arguments;

    va_start(arguments, format);
    int len = vsnprintf(request->path + at, sizeof(request->path) - at, format, arguments);
    va_end(arguments);
    return len >= 0 && (size_t)len < sizeof(request->path) - at ? 0 : ERR_RANGE;
}

/* "?" before the first parameter, "&" before the others. */
static const char *joint(const struct venue_request *request)
{
    return strchr(request->path, '?') ? "&" : "?";
}

static int product_put(struct venue_request *request, const char *symbol)
{
    return *symbol ? path_put(request, "%sproduct_id=%s", joint(request), symbol) : 0;
}

static int limit_put(struct venue_request *request, const struct order_page *page)
{
    int err = path_put(request, "%slimit=%d", joint(request), ORDER_PAGE);

    if (!err && page->cursor[0])
        err = path_put(request, "&after=%s", page->cursor);
    return err;
}

/* The order meant: by the venue's id where it is known. */
static int order_put(struct venue_request *request, const struct venue_command *command)
{
    if (*command->exchange_order_id)
        return is_word(command->exchange_order_id)
                   ? path_put(request, "/orders/%s", command->exchange_order_id)
                   : ERR_RANGE;
    return is_uuid(command->client_order_id)
               ? path_put(request, "/orders/client:%s", command->client_order_id)
               : ERR_RANGE;
}

/* ---- a new order ---- */

/* Of two of our own the new one goes: the resting one keeps its place and its size. */
#define STP "\"stp\":\"cn\""

static int form_put(const struct venue_command *command, const char **form)
{
    bool may_rest = command->time_in_force != TIF_IOC && command->time_in_force != TIF_FOK;

    if (command->is_reduce_only)
        return ERR_UNSUPPORTED; /* Spot has no positions. */
    if ((command->side != SIDE_BUY && command->side != SIDE_SELL) ||
        (command->type != ORDER_LIMIT && command->type != ORDER_MARKET) ||
        (command->is_post_only && (!may_rest || command->type != ORDER_LIMIT)))
        return ERR_RANGE;
    *form = command->type == ORDER_MARKET       ? ""
            : command->is_post_only             ? "\"post_only\":true,"
            : command->time_in_force == TIF_IOC ? "\"time_in_force\":\"IOC\","
            : command->time_in_force == TIF_FOK ? "\"time_in_force\":\"FOK\","
                                                : "";
    return 0;
}

static int place_put(struct venue_request *request, const struct venue_command *command)
{
    char price[FIXED_TEXT_MAX], qty[FIXED_TEXT_MAX];
    const char *form = "";
    bool is_limit = command->type == ORDER_LIMIT;
    int err = form_put(command, &form);

    if (err)
        return err;
    if (!is_uuid(command->client_order_id) || !is_word(command->symbol) || command->qty <= 0 ||
        fixed_format_at(command->qty, command->qty_exp, command->qty_decimals, qty, sizeof(qty)) <
            0 ||
        (is_limit && (command->price <= 0 ||
                      fixed_format_at(command->price, command->price_exp, command->price_decimals,
                                      price, sizeof(price)) < 0)))
        return ERR_RANGE;
    int len =
        snprintf(request->body, sizeof(request->body),
                 "{\"type\":\"%s\",\"side\":\"%s\",\"product_id\":\"%s\",\"client_oid\":\"%s"
                 "\",%s%s%s%s\"size\":\"%s\"," STP "}",
                 is_limit ? "limit" : "market", command->side == SIDE_BUY ? "buy" : "sell",
                 command->symbol, command->client_order_id, form, is_limit ? "\"price\":\"" : "",
                 is_limit ? price : "", is_limit ? "\"," : "", qty);
    request->body_len = (size_t)len;
    return path_put(request, "/orders");
}

/* ---- by kind ---- */

static int open_orders_put(struct venue_request *request, const struct venue_command *command,
                           const struct order_page *page)
{
    int err = path_put(request, "/orders");

    if (!err)
        err = product_put(request, command->symbol);
    if (!err)
        err = path_put(request, "%sstatus=open&status=pending&status=active", joint(request));
    return err ? err : limit_put(request, page);
}

static int fills_put(struct venue_request *request, const struct venue_command *command,
                     const struct order_page *page)
{
    char since[TIME_TEXT_MS];
    int err = path_put(request, "/fills");

    if (!err)
        err = product_put(request, page->symbol ? page->symbol : command->symbol);
    if (!err && command->since_wall_ns > 0) {
        time_text_write_ms(command->since_wall_ns, since);
        err = path_put(request, "&start_date=%s", since);
    }
    return err ? err : limit_put(request, page);
}

static int cancel_put(struct venue_request *request, const struct venue_command *command)
{
    int err = order_put(request, command);

    request->is_cancel = true;
    /* Without the product a cancel right after its order may be too early. */
    return err ? err : product_put(request, command->symbol);
}

static int kind_put(struct venue_request *request, enum order_kind kind,
                    const struct venue_command *command, const struct order_page *page)
{
    request->method = kind == ASK_PLACE                              ? "POST"
                      : kind == ASK_CANCEL || kind == ASK_CANCEL_ALL ? "DELETE"
                                                                     : "GET";
    switch (kind) {
    case ASK_PLACE:
        return place_put(request, command);
    case ASK_CANCEL:
        return cancel_put(request, command);
    case ASK_QUERY:
        return order_put(request, command);
    case ASK_OPEN_ORDERS:
        return open_orders_put(request, command, page);
    case ASK_CANCEL_ALL:
        request->is_cancel = true;
        return path_put(request, "/orders") != 0 ? ERR_RANGE
                                                 : product_put(request, command->symbol);
    case ASK_ACCOUNTS:
        return path_put(request, "/accounts");
    case ASK_FILLS:
        return fills_put(request, command, page);
    case ASK_TIME:
        return path_put(request, "/time");
    case ASK_PRODUCTS:
        return path_put(request, "/products");
    case ASK_FEES:
        return path_put(request, "/fees");
    }
    return ERR_UNSUPPORTED;
}

int coinbase_request_write(struct order_keys *keys, enum order_kind kind,
                           const struct venue_command *command, const struct order_page *page,
                           const struct venue_clock *clock, struct venue_request *out)
{
    bool is_public = kind == ASK_TIME || kind == ASK_PRODUCTS;

    if (*command->symbol && !is_word(command->symbol))
        return ERR_RANGE;
    out->path[0] = out->body[0] = '\0';
    out->body_len = out->header_count = 0;
    out->is_private = out->is_cancel = false;
    out->weight = 1;
    int err = kind_put(out, kind, command, page);
    return err || is_public ? err : sign(keys, clock, out);
}

int coinbase_subscribe_write(struct order_keys *keys, const char *products,
                             const struct venue_clock *clock, char *out, size_t cap)
{
    char timestamp[ORDER_TIME_TEXT], signature[ORDER_SIGN_TEXT];

    if (!keys->is_set)
        return ERR_AUTH;
    coinbase_timestamp(clock->wall_ns, timestamp);
    if (coinbase_sign(keys, timestamp, "GET", "/users/self/verify", "", 0, signature) != 0)
        return ERR_SYS;
    int len = snprintf(out, cap,
                       "{\"type\":\"subscribe\",\"product_ids\":[%s],\"channels\":[\"user\","
                       "\"heartbeat\"],\"signature\":\"%s\",\"key\":\"%s\",\"passphrase\":\"%s\","
                       "\"timestamp\":\"%s\"}",
                       products, signature, keys->key, keys->passphrase, timestamp);
    return len > 0 && (size_t)len < cap ? len : ERR_RANGE;
}
