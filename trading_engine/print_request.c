/* --print-request: what an order would look like on the wire, without network, clock or tick check.
 */
#include "trading_engine/print_metadata.h"

#include "common/leaf/err.h"
#include "common/leaf/fixed.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

struct printer {
    struct engine_app *app;
    void *codec;
    FILE *out;
    bool is_armed; /* Only what the command itself sends is printed. */
    unsigned printed;
    struct print_metadata *metadata;
};

static const struct {
    const char *name;
    enum venue_op op;
} ops[] = {
    { "place", OP_PLACE },
    { "cancel", OP_CANCEL },
    { "replace", OP_REPLACE },
    { "query", OP_QUERY },
    { "open_orders", OP_OPEN_ORDERS },
    { "cancel_all", OP_CANCEL_ALL },
    { "balances", OP_BALANCES },
    { "executions", OP_EXECUTIONS },
    { "positions", OP_POSITIONS },
    { "account_mode", OP_ACCOUNT_MODE },
    { "funding", OP_FUNDING },
};

/* ---- out ---- */

static void print_line(struct printer *p, cJSON *line)
{
    char *text = cJSON_PrintUnformatted(line);

    if (text)
        fprintf(p->out, "%s\n", text);
    free(text);
    cJSON_Delete(line);
    p->printed++;
}

static int on_send(void *ctx, unsigned connection, const char *frame, size_t len)
{
    struct printer *p = ctx;
    struct venue_connection wanted[VENUE_CONNECTIONS_MAX];
    cJSON *line;

    if (!p->is_armed)
        return 0;
    line = cJSON_CreateObject();
    size_t count = p->app->venue->order->connections(p->codec, wanted);
    cJSON_AddStringToObject(line, "transport", "ws");
    cJSON_AddNullToObject(line, "method");
    cJSON_AddStringToObject(line, "url",
                            connection < count ? wanted[connection].url : p->app->ws_url);
    cJSON_AddObjectToObject(line, "headers");
    cJSON_AddNullToObject(line, "body");
    char *copy = strndup(frame, len);
    cJSON_AddStringToObject(line, "frame", copy ? copy : "");
    free(copy);
    print_line(p, line);
    return 0;
}

static int on_request(void *ctx, const struct venue_request *request)
{
    struct printer *p = ctx;
    char url[CONFIG_TEXT_MAX + sizeof(request->path)];

    if (!p->is_armed) {
        print_metadata_asked(p->metadata, request);
        return 0;
    }
    cJSON *line = cJSON_CreateObject();
    snprintf(url, sizeof(url), "%s%s", p->app->rest_url, request->path);
    cJSON_AddStringToObject(line, "transport", "rest");
    cJSON_AddStringToObject(line, "method", request->method);
    cJSON_AddStringToObject(line, "url", url);
    cJSON *headers = cJSON_AddObjectToObject(line, "headers");
    for (size_t i = 0; i < request->header_count; i++)
        cJSON_AddStringToObject(headers, request->headers[i].name, request->headers[i].value);
    if (request->body_len)
        cJSON_AddStringToObject(line, "body", request->body);
    else
        cJSON_AddNullToObject(line, "body");
    cJSON_AddNullToObject(line, "frame");
    print_line(p, line);
    return 0;
}

static void on_event(void *ctx, struct wire_header *event)
{
    (void)ctx;
    (void)event;
}

static void on_report(void *ctx, const struct venue_report *report)
{
    const struct printer *p = ctx;

    if (report->kind == REPORT_INSTRUMENT)
        print_metadata_defined(p->metadata, report->definition);
}

static void on_reconnect(void *ctx, unsigned connection, wire_reason why)
{
    (void)ctx;
    (void)connection;
    (void)why;
}

static void on_note(void *ctx, const char *event, const char *text)
{
    (void)ctx;
    (void)event;
    (void)text;
}

/* ---- in ---- */

static char *read_file(const char *path, FILE *errors)
{
    enum { ORDER_FILE_MAX = 65536 };
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    char *text = calloc(1, ORDER_FILE_MAX);

    if (!file || !text || (fread(text, 1, ORDER_FILE_MAX - 1, file) == 0 && ferror(file))) {
        fprintf(errors, "%s: cannot be read\n", path);
        free(text);
        text = NULL;
    }
    if (file && file != stdin)
        fclose(file);
    return text;
}

static const char *text_of(const cJSON *order, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(order, name);

    return cJSON_IsString(item) ? item->valuestring : "";
}

static int take_decimal(const cJSON *order, const char *name, int64_t *value, int *exp,
                        int *decimals, FILE *errors)
{
    const char *text = text_of(order, name);
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(order, name);

    if (!item || cJSON_IsNull(item))
        return 0;
    if (!text[0] || fixed_parse_natural(text, strlen(text), value, exp) != 0 || *value <= 0) {
        fprintf(errors, "%s: a decimal above 0, as a string\n", name);
        return ERR_PROTO;
    }
    *decimals = *exp;
    return 0;
}

static int take_client_id(const struct engine_app *app, const char *name, const char *text,
                          char out[40], FILE *errors)
{
    const struct venue_order_ops *order = app->venue->order;

    if (strlen(text) > MIN(order->client_order_id_max, 39u) ||
        (order->client_order_id_charset && text[strspn(text, order->client_order_id_charset)])) {
        fprintf(errors, "%s: %s takes at most %u characters of %s\n", name, app->venue->name,
                order->client_order_id_max,
                order->client_order_id_charset ? order->client_order_id_charset : "any");
        return ERR_RANGE;
    }
    memcpy(out, text, strlen(text) + 1);
    return 0;
}

static int choice(const char *name, const char *text, int value, int fallback, FILE *errors)
{
    if (!text[0])
        return fallback;
    if (value < 0)
        fprintf(errors, "%s: \"%s\" is not known\n", name, text);
    return value;
}

static int take_kind(const cJSON *order, struct venue_command *c, FILE *errors)
{
    char lower[5][16];
    static const char *const names[] = { "op", "side", "type", "time_in_force" };
    int op = -1;

    for (size_t i = 0; i < COUNT(names); i++) {
        const char *text = text_of(order, names[i]);
        size_t k = 0;
        for (; text[k] && k + 1 < sizeof(lower[i]); k++)
            lower[i][k] = (char)(text[k] >= 'A' && text[k] <= 'Z' ? text[k] + 32 : text[k]);
        lower[i][k] = 0;
    }
    for (size_t i = 0; i < COUNT(ops); i++)
        if (strcmp(ops[i].name, lower[0]) == 0)
            op = (int)ops[i].op;
    int side = choice("side", lower[1], wire_side_from(lower[1]), SIDE_NONE, errors);
    int type = choice("type", lower[2], wire_order_type_from(lower[2]), ORDER_LIMIT, errors);
    int tif = choice("time_in_force", lower[3], wire_time_in_force_from(lower[3]),
                     type == ORDER_MARKET ? TIF_NONE : TIF_GTC, errors);
    if (op < 0)
        fprintf(errors,
                "op: place, cancel, replace, query, open_orders, cancel_all, balances, executions, "
                "positions, account_mode or funding\n");
    if (op < 0 || side < 0 || type < 0 || tif < 0)
        return ERR_RANGE;
    if (op == OP_PLACE && side == SIDE_NONE) {
        fprintf(errors, "side: buy or sell\n");
        return ERR_RANGE;
    }
    c->op = (enum venue_op)op;
    c->side = (wire_side)side;
    c->type = (wire_order_type)type;
    c->time_in_force = (wire_time_in_force)tif;
    c->is_post_only = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(order, "post_only"));
    c->is_reduce_only = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(order, "reduce_only"));
    return 0;
}

/* The venue's own words are taken as they are; a canonical name waits for its definition. */
static int take_symbol(const cJSON *order, struct venue_command *c, FILE *errors)
{
    const char *symbol = text_of(order, "symbol"), *kind = text_of(order, "instrument_kind");
    const char *name = text_of(order, "instrument");
    bool is_about_one =
        c->op == OP_PLACE || c->op == OP_CANCEL || c->op == OP_REPLACE || c->op == OP_QUERY;

    if (strlen(symbol) >= sizeof(c->symbol) || (kind[0] && wire_instrument_kind_from(kind) < 0)) {
        fprintf(errors, "symbol, instrument_kind: \"%s\", \"%s\" is not one\n", symbol, kind);
        return ERR_RANGE;
    }
    if (is_about_one && !symbol[0] && !name[0]) {
        fprintf(errors, "instrument: is missing (or symbol, with instrument_kind)\n");
        return ERR_RANGE;
    }
    memcpy(c->symbol, symbol, strlen(symbol) + 1);
    if (symbol[0])
        c->instrument_kind =
            (wire_instrument_kind)(kind[0] ? wire_instrument_kind_from(kind) : INSTRUMENT_SPOT);
    return 0;
}

static int take_order(const struct engine_app *app, const cJSON *order, struct venue_command *c,
                      FILE *errors)
{
    const char *exchange_id = text_of(order, "exchange_order_id");
    int err = cJSON_IsObject(order) ? take_kind(order, c, errors) : ERR_PROTO;

    if (!err)
        err = take_symbol(order, c, errors);
    if (!err)
        err = take_decimal(order, "price", &c->price, &c->price_exp, &c->price_decimals, errors);
    if (!err)
        err = take_decimal(order, "quantity", &c->qty, &c->qty_exp, &c->qty_decimals, errors);
    if (!err)
        err = take_client_id(app, "client_order_id", text_of(order, "client_order_id"),
                             c->client_order_id, errors);
    if (!err)
        err = take_client_id(app, "new_client_order_id", text_of(order, "new_client_order_id"),
                             c->new_client_order_id, errors);
    if (!err && strlen(exchange_id) >= sizeof(c->exchange_order_id))
        err = ERR_RANGE;
    if (!err)
        memcpy(c->exchange_order_id, exchange_id, strlen(exchange_id) + 1);
    return err;
}

static int take_number(const char *name, const char *text, uint64_t fallback, uint64_t *out,
                       FILE *errors)
{
    char *end;

    *out = fallback;
    if (!text)
        return 0;
    *out = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end) {
        fprintf(errors, "%s: a whole number\n", name);
        return ERR_RANGE;
    }
    return 0;
}

static int open_codec(struct engine_app *app, void *codec)
{
    struct session_config config;

    app_session(app, &config);
    return app->venue->order->init(codec, &config.codec);
}

/* What the codec must know before the command: definitions, made by itself from the venue's own
 * answer. Nonces below the command's own, so that none is used up. */
static int prepare(struct printer *p, const cJSON *order, struct venue_command *c,
                   const struct venue_clock *clock, const struct venue_out *sink, FILE *errors)
{
    const struct venue_order_ops *ops = p->app->venue->order;
    struct venue_connection wanted[VENUE_CONNECTIONS_MAX];
    struct venue_clock before = *clock;
    const char *name = text_of(order, "instrument");

    before.nonce -= MIN(before.nonce, PRINT_METADATA_ANSWERS_MAX + 1u);
    int err = print_metadata_read(p->metadata, p->app, p->codec, &before, sink, errors);
    if (!err)
        err = print_metadata_resolve(p->metadata, p->app, name, c, errors);
    if (!err && c->transport == TRANSPORT_WS) {
        size_t count = ops->connections(p->codec, wanted);
        for (unsigned i = 0; i < count; i++)
            ops->opened(p->codec, i, clock, sink);
    }
    return err;
}

static int print_command(struct engine_app *app, void *codec, const cJSON *order,
                         struct venue_command *c, FILE *out, FILE *errors)
{
    static struct print_metadata metadata;
    struct printer printer = { .app = app, .codec = codec, .out = out, .metadata = &metadata };
    const struct venue_out sink = { &printer,   on_event,     on_report, on_send,
                                    on_request, on_reconnect, on_note };
    uint64_t at_ms, nonce;
    int err = take_number("--at-ms", app->options.at_ms, (uint64_t)(loop_wall_ns() / NS_PER_MS),
                          &at_ms, errors);

    if (!err)
        err = take_number("--nonce", app->options.nonce, at_ms, &nonce, errors);
    if (err)
        return err;
    struct venue_clock clock = { .now_ns = (int64_t)at_ms * NS_PER_MS,
                                 .wall_ns = (int64_t)at_ms * NS_PER_MS,
                                 .nonce = nonce };
    metadata = (struct print_metadata){ 0 };
    err = prepare(&printer, order, c, &clock, &sink, errors);
    if (err)
        return err;
    printer.is_armed = true;
    err = app->venue->order->command(codec, c, &clock, &sink);
    if (err)
        fprintf(errors, "%s refuses it: %s\n", app->venue->name, err_str(err));
    else if (printer.printed == 0)
        fprintf(errors, "nothing would be sent\n");
    return err ? err : printer.printed ? 0 : ERR_UNSUPPORTED;
}

int print_request(struct engine_app *app, const char *file, FILE *out, FILE *errors)
{
    struct venue_command command = { .transport = TRANSPORT_REST, .request_id = 1 };
    const char *transport = app->options.transport ? app->options.transport : "rest";
    const size_t names = app->name_count;
    const char *last = names ? app->names[names - 1] : NULL;
    char *text = read_file(file, errors);
    cJSON *order = text ? cJSON_Parse(text) : NULL;
    void *codec = calloc(1, app->venue->order->state_size);
    int err = text && codec ? 0 : ERR_SYS;

    if (text && !order) {
        fprintf(errors, "%s: is not JSON\n", file);
        err = ERR_PROTO;
    }
    if (strcmp(transport, "ws") == 0) {
        command.transport = TRANSPORT_WS;
    } else if (!err && strcmp(transport, "rest") != 0) {
        fprintf(errors, "--transport: rest or ws\n");
        err = ERR_RANGE;
    }
    if (!err)
        err = take_order(app, order, &command, errors);
    if (!err && app_keys(app) != 0) {
        fprintf(errors, "%s_API_KEY and %s_API_SECRET are not set\n", app->rt->instance->name,
                app->rt->instance->name);
        err = ERR_AUTH;
    }
    if (!err) {
        err = print_metadata_wants(app, text_of(order, "instrument"), errors);
        if (!err)
            err = open_codec(app, codec);
        if (err)
            fprintf(errors, "%s: keys: %s\n", app->venue->name, err_str(err));
        else
            err = print_command(app, codec, order, &command, out, errors);
    }
    app->name_count = names; /* The order's own name was added for this once. */
    if (names)
        app->names[names - 1] = last;
    if (codec)
        app->venue->order->fini(codec);
    free(codec);
    cJSON_Delete(order);
    free(text);
    return err ? ROLE_EXIT_FAILURE : ROLE_EXIT_OK;
}
