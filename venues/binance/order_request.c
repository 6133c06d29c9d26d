/* Texts and signatures of requests. Each request is one list of parameters; from it come the REST
 * query (in the list's order, percent-encoded, signed as sent) and the WebSocket API's params
 * (sorted by name, signed as name=value&... without encoding). A template has all of it settled but
 * the slots. */
#include "venues/binance/order.h"
#include "common/leaf/fixed.h"

#include <stdio.h>

/* ---- a pen that notes when the paper ends ---- */

struct pen {
    char *at, *end;
    bool is_full;
};

static void put(struct pen *pen, const char *text, size_t len)
{
    if (UNLIKELY((size_t)(pen->end - pen->at) < len)) {
        pen->is_full = true;
        return;
    }
    if (len > 0) /* An empty slot has no text at all. */
        memcpy(pen->at, text, len);
    pen->at += len;
}

static void put_text(struct pen *pen, const char *text)
{
    put(pen, text, strlen(text));
}

static void put_encoded(struct pen *pen, const char *text)
{
    static const char plain[] = "-_.~", hex[] = "0123456789ABCDEF";

    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
            strchr(plain, c))
            put(pen, text, 1);
        else
            put(pen, (const char[]){ '%', hex[c >> 4], hex[c & 15] }, 3);
    }
}

static size_t digits(uint64_t number, char out[24])
{
    char reversed[24];
    size_t len = 0;

    do
        reversed[len++] = (char)('0' + number % 10);
    while (number /= 10);
    for (size_t i = 0; i < len; i++)
        out[i] = reversed[len - 1 - i];
    return len;
}

/* ---- templates ---- */

static bool is_settled(enum order_slot slot)
{
    return slot <= SLOT_WINDOW;
}

static bool is_number(enum order_slot slot)
{
    return slot == SLOT_WINDOW || slot == SLOT_TIMESTAMP || slot == SLOT_ORDER_ID ||
           slot == SLOT_START || slot == SLOT_END || slot == SLOT_FROM || slot == SLOT_LIMIT ||
           slot == SLOT_COUNTDOWN;
}

/* A template in the making: the settled text since the last slot, once for the payload, once as
 * JSON. */
struct draft {
    struct order_template *made;
    char payload_text[512], json_text[768];
    struct pen payload, json;
    bool is_first, is_full;
};

static void draft_flush(struct draft *draft, enum order_slot slot)
{
    struct order_template *made = draft->made;
    size_t payload_len = (size_t)(draft->payload.at - draft->payload_text);
    size_t json_len = (size_t)(draft->json.at - draft->json_text);

    if (payload_len == 0 && slot == SLOT_NONE)
        return;
    if (made->count == ORDER_PIECES_MAX ||
        made->text_len + payload_len + json_len > sizeof(made->text) || draft->payload.is_full ||
        draft->json.is_full) {
        draft->is_full = true;
        return;
    }
    struct order_piece *piece = &made->pieces[made->count++];
    *piece = (struct order_piece){ .payload_at = made->text_len,
                                   .payload_len = (uint16_t)payload_len,
                                   .json_at = (uint16_t)(made->text_len + payload_len),
                                   .json_len = (uint16_t)json_len,
                                   .slot = (uint8_t)slot };
    memcpy(made->text + piece->payload_at, draft->payload_text, payload_len);
    memcpy(made->text + piece->json_at, draft->json_text, json_len);
    made->text_len = (uint16_t)(made->text_len + payload_len + json_len);
    draft->payload.at = draft->payload_text;
    draft->json.at = draft->json_text;
}

static void draft_param(struct draft *draft, const struct order_param *param, const char *symbol,
                        const struct order_keys *keys)
{
    bool is_text = param->slot == SLOT_TEXT || param->slot == SLOT_WS_TEXT;
    const char *text = is_text                      ? param->text
                       : param->slot == SLOT_KEY    ? keys->api_key
                       : param->slot == SLOT_SYMBOL ? symbol
                                                    : keys->window;

    if (is_settled(param->slot) && text[0] == '\0')
        return; /* No symbol, no window: left out. */
    if (!is_settled(param->slot))
        draft_flush(draft, SLOT_NONE); /* The slot may be left out: what is before it is not. */
    if (!draft->is_first) {
        put(&draft->payload, "&", 1);
        put(&draft->json, ",", 1);
    }
    draft->is_first = false;
    put_text(&draft->payload, param->name);
    put(&draft->payload, "=", 1);
    put(&draft->json, "\"", 1);
    put_text(&draft->json, param->name);
    put(&draft->json, "\":", 2);
    if (!is_settled(param->slot)) {
        draft_flush(draft, param->slot);
        return;
    }
    if (draft->made->is_ws)
        put_text(&draft->payload, text);
    else
        put_encoded(&draft->payload, text);
    put(&draft->json, "\"", !is_number(param->slot));
    put_text(&draft->json, text);
    put(&draft->json, "\"", !is_number(param->slot));
}

/* The parameters of a spec, sorted by name for the WebSocket API. */
static size_t params_list(const struct order_spec *spec, bool is_ws,
                          struct order_param out[ORDER_PARAMS_MAX + 1])
{
    size_t count = 0;

    if (is_ws && spec->auth != AUTH_NONE)
        out[count++] = (struct order_param){ .name = "apiKey", .slot = SLOT_KEY };
    for (size_t i = 0; i < ORDER_PARAMS_MAX && spec->params[i].name; i++) {
        if (spec->params[i].slot == SLOT_WS_TEXT && !is_ws)
            continue;
        size_t at = count++;
        for (; is_ws && at > 0 && strcmp(out[at - 1].name, spec->params[i].name) > 0; at--)
            out[at] = out[at - 1];
        out[at] = spec->params[i];
    }
    return count;
}

int order_prepare(struct order_template *made, const struct order_spec *spec, bool is_ws,
                  const char *symbol, const struct order_keys *keys)
{
    struct order_param params[ORDER_PARAMS_MAX + 1];
    struct draft draft = { .made = made, .is_first = true };

    if (is_ws ? !spec->method : !spec->path)
        return ERR_UNSUPPORTED;
    draft.payload =
        (struct pen){ draft.payload_text, draft.payload_text + sizeof(draft.payload_text), false };
    draft.json = (struct pen){ draft.json_text, draft.json_text + sizeof(draft.json_text), false };
    made->spec = spec;
    made->is_ws = is_ws;
    made->count = 0;
    made->text_len = 0;
    size_t count = params_list(spec, is_ws, params);
    for (size_t i = 0; i < count; i++)
        draft_param(&draft, &params[i], symbol, keys);
    draft_flush(&draft, SLOT_NONE);
    return draft.is_full ? ERR_RANGE : 0;
}

/* ---- slots ---- */

static void slot_set(struct order_slots *slots, enum order_slot slot, const char *text, size_t len)
{
    slots->at[slot].text = text;
    slots->at[slot].len = len;
}

static void slot_word(struct order_slots *slots, enum order_slot slot, const char *text)
{
    slot_set(slots, slot, text, strlen(text));
}

static int slot_id(struct order_slots *slots, enum order_slot slot, const char *id)
{
    size_t len = strnlen(id, ORDER_CLIENT_ID_MAX + 1);

    if (len == 0 || len > ORDER_CLIENT_ID_MAX)
        return ERR_RANGE;
    for (size_t i = 0; i < len; i++) {
        char c = id[i], lower = (char)(c | 0x20);
        if (!(c >= '0' && c <= '9') && !(lower >= 'a' && lower <= 'z') && c != '-' && c != '_')
            return ERR_RANGE;
    }
    slot_set(slots, slot, id, len);
    return 0;
}

static int slot_number(struct order_slots *slots, enum order_slot slot, const char *number)
{
    size_t len = strspn(number, "0123456789");

    if (len == 0 || len > 19 || number[len] != '\0' || (number[0] == '0' && len > 1))
        return ERR_RANGE;
    slot_set(slots, slot, number, len);
    return 0;
}

/* Which order is meant. By the venue's id where it is known: faster, and it cannot be reused. */
static int slots_order(struct order_slots *slots, const struct venue_command *command)
{
    return command->exchange_order_id[0]
               ? slot_number(slots, SLOT_ORDER_ID, command->exchange_order_id)
               : slot_id(slots, SLOT_ORIGINAL_ID, command->client_order_id);
}

static int slots_kind(struct order_slots *slots, const struct order_product *product,
                      const struct venue_command *command)
{
    bool is_limit = command->type == ORDER_LIMIT, is_post_only = command->is_post_only;

    if (command->is_reduce_only && !product->is_margin)
        return ERR_UNSUPPORTED; /* Spot has no word for it. */
    if (command->is_reduce_only)
        slot_word(slots, SLOT_REDUCE_ONLY, "true");
    if (command->side != SIDE_BUY && command->side != SIDE_SELL)
        return ERR_RANGE;
    slot_word(slots, SLOT_SIDE, command->side == SIDE_BUY ? "BUY" : "SELL");
    if (is_post_only &&
        (!is_limit || (command->time_in_force != TIF_NONE && command->time_in_force != TIF_GTC)))
        return ERR_RANGE;
    if (is_post_only && !product->is_margin) {
        slot_word(slots, SLOT_TYPE, "LIMIT_MAKER");
        return 0;
    }
    if ((!is_limit && command->type != ORDER_MARKET))
        return ERR_RANGE;
    slot_word(slots, SLOT_TYPE, is_limit ? "LIMIT" : "MARKET");
    if (is_limit)
        slot_word(slots, SLOT_TIME_IN_FORCE,
                  is_post_only                        ? "GTX"
                  : command->time_in_force == TIF_IOC ? "IOC"
                  : command->time_in_force == TIF_FOK ? "FOK"
                                                      : "GTC");
    return 0;
}

/* A new order. REPLACE says the new total: what is filled already is not ordered again. */
static int slots_new(struct order_slots *slots, const struct order_product *product,
                     enum request_kind kind, const struct venue_command *command)
{
    bool is_amend = product->amends_in_place && kind == REQUEST_REPLACE;
    int64_t qty =
        command->op == OP_REPLACE && !is_amend ? command->qty - command->filled_qty : command->qty;
    int len = qty > 0 ? fixed_format_at(qty, command->qty_exp, command->qty_decimals, slots->qty,
                                        sizeof(slots->qty))
                      : ERR_RANGE;
    int err = slots_kind(slots, product, command);

    if (err || len <= 0)
        return err ? err : ERR_RANGE;
    slot_set(slots, SLOT_QTY, slots->qty, (size_t)len);
    if (command->type == ORDER_LIMIT) {
        len = command->price > 0
                  ? fixed_format_at(command->price, command->price_exp, command->price_decimals,
                                    slots->price, sizeof(slots->price))
                  : ERR_RANGE;
        if (len <= 0)
            return ERR_RANGE;
        slot_set(slots, SLOT_PRICE, slots->price, (size_t)len);
    }
    if (is_amend)
        return 0; /* It keeps its id. */
    if (kind == REQUEST_REPLACE || command->op == OP_REPLACE)
        return slot_id(slots, SLOT_CLIENT_ID, command->new_client_order_id);
    return command->client_order_id[0] ? slot_id(slots, SLOT_CLIENT_ID, command->client_order_id)
                                       : 0;
}

/* Less of an order that keeps its id, which the venue would else make up anew. */
static int slots_amend(struct order_slots *slots, const struct venue_command *command)
{
    int len = command->qty > 0
                  ? fixed_format_at(command->qty, command->qty_exp, command->qty_decimals,
                                    slots->qty, sizeof(slots->qty))
                  : ERR_RANGE;

    if (len <= 0 || !command->client_order_id[0])
        return ERR_RANGE;
    slot_set(slots, SLOT_QTY, slots->qty, (size_t)len);
    int err = slot_id(slots, SLOT_CLIENT_ID, command->client_order_id);
    return err ? err : slots_order(slots, command);
}

/* Executions: from an id, from a time, or the last ones. The venue takes either, not both. */
static int slots_trades(struct order_slots *slots, const struct order_product *product,
                        const struct venue_command *command, const struct venue_clock *clock)
{
    int err = 0;

    if (command->from_trade_id[0]) {
        err = slot_number(slots, SLOT_FROM, command->from_trade_id);
    } else if (command->since_wall_ns > 0) {
        int64_t end_ns = command->since_wall_ns + product->trades_window_ns;
        slot_set(slots, SLOT_START, slots->start,
                 digits((uint64_t)(command->since_wall_ns / NS_PER_MS), slots->start));
        if (end_ns <= clock->wall_ns)
            slot_set(slots, SLOT_END, slots->end,
                     digits((uint64_t)(end_ns / NS_PER_MS) - 1, slots->end));
    } else {
        return 0;
    }
    slot_word(slots, SLOT_LIMIT, "1000");
    return err;
}
static_assert(ORDER_TRADES_PAGE == 1000, "as asked for");

/* Funding payments: from a time on, as many as a page holds. */
static void slots_funding(struct order_slots *slots, const struct venue_command *command)
{
    if (command->since_wall_ns > 0)
        slot_set(slots, SLOT_START, slots->start,
                 digits((uint64_t)(command->since_wall_ns / NS_PER_MS), slots->start));
    slot_word(slots, SLOT_LIMIT, "1000");
}

static int slots_dead_man(struct order_slots *slots, const struct venue_command *command)
{
    if (command->timeout_ns < 0)
        return ERR_RANGE;
    slot_set(slots, SLOT_COUNTDOWN, slots->countdown,
             digits((uint64_t)(command->timeout_ns / NS_PER_MS), slots->countdown));
    return 0;
}

int order_slots_take(struct order_slots *slots, const struct order_product *product,
                     enum request_kind kind, const struct venue_command *command,
                     const struct venue_clock *clock)
{
    int err = 0;

    memset(slots->at, 0, sizeof(slots->at));
    slot_set(slots, SLOT_TIMESTAMP, slots->timestamp,
             digits((uint64_t)MAX(clock->wall_ns, 0) / (uint64_t)NS_PER_MS, slots->timestamp));
    switch (kind) {
    case REQUEST_PLACE:
        return slots_new(slots, product, kind, command);
    case REQUEST_CANCEL:
    case REQUEST_QUERY:
        return slots_order(slots, command);
    case REQUEST_REPLACE:
        err = slots_order(slots, command);
        /* A fill that races the replace makes it fail instead of being ordered a second time. */
        slot_word(slots, SLOT_RESTRICTION, "ONLY_NEW");
        return err ? err : slots_new(slots, product, kind, command);
    case REQUEST_AMEND:
        return slots_amend(slots, command);
    case REQUEST_TRADES:
        return slots_trades(slots, product, command, clock);
    case REQUEST_FUNDING:
        slots_funding(slots, command);
        return 0;
    case REQUEST_DEAD_MAN:
        return slots_dead_man(slots, command);
    default:
        return 0;
    }
}

/* ---- filling ---- */

static void pieces_fill(const struct order_template *template, const struct order_slots *slots,
                        struct pen *payload, struct pen *json)
{
    for (unsigned i = 0; i < template->count; i++) {
        const struct order_piece *piece = &template->pieces[i];
        const char *value = slots->at[piece->slot].text;
        size_t len = slots->at[piece->slot].len;

        if (piece->slot != SLOT_NONE && len == 0)
            continue;
        put(payload, template->text + piece->payload_at, piece->payload_len);
        put(payload, value, len);
        if (!json)
            continue;
        bool is_quoted = piece->slot != SLOT_NONE && !is_number(piece->slot);
        put(json, template->text + piece->json_at, piece->json_len);
        put(json, "\"", is_quoted);
        put(json, value, len);
        put(json, "\"", is_quoted);
    }
}

enum { SIGNATURE_CAP = 96 };

/* Signs payload and writes the text: 64 digits, or 88 characters of base64. Returns its length. */
static int sign(struct order_keys *keys, const char *payload, size_t len, char out[SIGNATURE_CAP])
{
    uint8_t mac[64];

    if (!keys->is_set)
        return ERR_RANGE;
    if (keys->is_ed25519)
        return ed25519_sign(&keys->ed25519, payload, len, mac) == 0
                   ? (int)base64_encode(mac, 64, out, SIGNATURE_CAP)
                   : ERR_RANGE;
    if (hmac_sha256(&keys->hmac, payload, len, mac) != 0)
        return ERR_RANGE;
    hex_encode(mac, 32, out);
    return 64;
}

/* In a query base64's signs are written as %XX. */
static void put_signature(struct pen *pen, const char *signature, int len)
{
    for (int i = 0; i < len; i++) {
        const char *escaped = signature[i] == '+'   ? "%2B"
                              : signature[i] == '/' ? "%2F"
                              : signature[i] == '=' ? "%3D"
                                                    : NULL;
        if (escaped)
            put(pen, escaped, 3);
        else
            put(pen, &signature[i], 1);
    }
}

int order_fill_frame(const struct order_template *template, const struct order_slots *slots,
                     struct order_keys *keys, uint64_t id, char *out, size_t cap)
{
    const struct order_spec *spec = template->spec;
    char payload_text[1280], number[24], signature[SIGNATURE_CAP];
    struct pen payload = { payload_text, payload_text + sizeof(payload_text), false };
    struct pen json = { out, out + cap, false };

    put(&json, "{\"id\":", 6);
    put(&json, number, digits(id, number));
    put_text(&json, ",\"method\":\"");
    put_text(&json, spec->method);
    put(&json, "\"", 1);
    if (template->count > 0) {
        put_text(&json, ",\"params\":{");
        pieces_fill(template, slots, &payload, &json);
        if (spec->auth == AUTH_SIGNED) {
            int len = sign(keys, payload_text, (size_t)(payload.at - payload_text), signature);
            if (len <= 0)
                return ERR_RANGE;
            put_text(&json, ",\"signature\":\"");
            put(&json, signature, (size_t)len);
            put(&json, "\"", 1);
        }
        put(&json, "}", 1);
    }
    put(&json, "}", 1);
    return payload.is_full || json.is_full ? ERR_RANGE : (int)(json.at - out);
}

static void header_set(struct venue_request *out, const char *name, const char *value)
{
    struct venue_header *header = &out->headers[out->header_count++];

    binance_copy(header->name, sizeof(header->name), name);
    binance_copy(header->value, sizeof(header->value), value);
}

int order_fill_request(const struct order_template *template, const struct order_slots *slots,
                       struct order_keys *keys, struct venue_request *out)
{
    const struct order_spec *spec = template->spec;
    bool is_body = strcmp(spec->verb, "POST") == 0 || strcmp(spec->verb, "PUT") == 0;
    char signature[SIGNATURE_CAP];
    struct pen path = { out->path, out->path + sizeof(out->path) - 1, false };
    struct pen body = { out->body, out->body + sizeof(out->body), false };
    struct pen *pen = is_body ? &body : &path;

    out->method = spec->verb;
    out->header_count = 0;
    out->is_private = spec->auth != AUTH_NONE;
    out->is_cancel = spec->is_cancel;
    put_text(&path, spec->path);
    if (template->count > 0) {
        put(&path, "?", !is_body);
        const char *begin = pen->at;
        pieces_fill(template, slots, pen, NULL);
        if (spec->auth == AUTH_SIGNED) {
            int len = sign(keys, begin, (size_t)(pen->at - begin), signature);
            if (len <= 0)
                return ERR_RANGE;
            put_text(pen, "&signature=");
            put_signature(pen, signature, len);
        }
    }
    *path.at = '\0';
    out->body_len = (size_t)(body.at - out->body);
    if (spec->auth != AUTH_NONE)
        header_set(out, "X-MBX-APIKEY", keys->api_key);
    if (is_body && out->body_len > 0)
        header_set(out, "Content-Type", "application/x-www-form-urlencoded");
    return path.is_full || body.is_full ? ERR_RANGE : 0;
}
