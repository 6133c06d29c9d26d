#include "trading_engine/engine.h"

#include "common/leaf/err.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool app_is_live(const struct engine_app *app)
{
    return app->settings.is_live && app->options.is_live && !app->options.is_dry_run;
}

char app_environment(const struct engine_app *app)
{
    if (app->settings.environment[0])
        return app->settings.environment[0];
    if (!app_is_live(app))
        return 'S';
    return app->settings.is_testnet ? 'T' : 'P';
}

static void adapter_name(const struct engine_app *app, char *out, size_t cap)
{
    const char *name =
        app->settings.exchange_name[0] ? app->settings.exchange_name : app->rt->instance->venue;

    snprintf(out, cap, "%s%s", name, app->settings.asset_type == 1 ? "_futures" : "");
    for (char *at = out; *at; at++)
        *at = (char)tolower((unsigned char)*at);
}

static int split_names(struct engine_app *app, FILE *errors)
{
    char *rest = app->names_text;

    memcpy(app->names_text, app->settings.instruments, sizeof(app->names_text));
    app->name_count = 0;
    for (char *word = strtok_r(rest, " ,", &rest); word; word = strtok_r(NULL, " ,", &rest)) {
        if (app->name_count == VENUE_SYMBOLS_MAX || !strchr(word, '-') || strlen(word) > 31) {
            fprintf(errors, "%s: [GLOBAL] INSTRUMENTS: \"%s\": at most %d names like BTC-USDT\n",
                    app->rt->config_path, word, VENUE_SYMBOLS_MAX);
            return ERR_CONFIG;
        }
        app->names[app->name_count++] = word;
    }
    if (app->name_count == 0) {
        fprintf(errors, "%s: [GLOBAL] INSTRUMENTS: at least one name like BTC-USDT\n",
                app->rt->config_path);
        return ERR_CONFIG;
    }
    return 0;
}

static void pick(char *out, const char *set, const char *production, const char *testnet,
                 bool is_testnet)
{
    const char *url = set[0] ? set : is_testnet ? testnet : production;

    snprintf(out, CONFIG_TEXT_MAX, "%s", url ? url : "");
}

static int check_auth_method(const struct engine_app *app, FILE *errors)
{
    const char *method = app->settings.auth_method;
    const char *wanted = app->venue->auth_method;

    size_t len = strlen(method);

    if (!len || !wanted)
        return 0;
    for (const char *at = wanted; *at; at += *at == '|') {
        size_t one = strcspn(at, "|");
        if (one == len && strncasecmp(at, method, len) == 0)
            return 0;
        at += one;
    }
    fprintf(errors, "%s: [HTTP_API] AUTH_METHOD: %s; %s signs with %s\n", app->rt->config_path,
            method, app->venue->name, wanted);
    return ERR_CONFIG;
}

int app_resolve(struct engine_app *app, FILE *errors)
{
    const struct engine_settings *s = &app->settings;
    char name[CONFIG_TEXT_MAX + 16];
    int err = split_names(app, errors);

    if (err)
        return err;
    if (s->environment[0] && (!isupper((unsigned char)s->environment[0]) || s->environment[1])) {
        fprintf(errors, "%s: [GLOBAL] ENVIRONMENT: one letter A-Z\n", app->rt->config_path);
        return ERR_CONFIG;
    }
    adapter_name(app, name, sizeof(name));
    app->venue = venue_find(name);
    if (!app->venue || !app->venue->order) {
        fprintf(errors, "%s: [GLOBAL] EXCHANGE_NAME, ASSET_TYPE: the adapter %s is not built\n",
                app->rt->config_path, name);
        app->venue = NULL;
        return ERR_UNSUPPORTED;
    }
    pick(app->rest_url, s->http_url, app->venue->rest_url, app->venue->testnet_rest_url,
         s->is_testnet);
    pick(app->ws_url, s->ws_url, app->venue->order_ws_url, app->venue->testnet_order_ws_url,
         s->is_testnet);
    pick(app->stream_url, s->ws_stream_url, app->venue->order_stream_url,
         app->venue->testnet_order_stream_url, s->is_testnet);
    if (!app->rest_url[0] || !app->ws_url[0]) {
        fprintf(errors, "%s: [GLOBAL] TESTNET_MODE: %s has no testnet\n", app->rt->config_path,
                name);
        return ERR_CONFIG;
    }
    return check_auth_method(app, errors);
}

static int one_key(struct engine_app *app, const char *name, const char *in_file, char *out)
{
    int err = role_secret(app->rt, name, out, CONFIG_TEXT_MAX);

    /* "your_binance_api_key" is a sample file's, not a key. */
    if (err == ERR_NOT_FOUND && in_file[0] && strncmp(in_file, "your_", 5) != 0) {
        snprintf(out, CONFIG_TEXT_MAX, "%s", in_file);
        err = 0;
    }
    return err;
}

int app_keys(struct engine_app *app)
{
    int err = one_key(app, "API_KEY", app->settings.api_key, app->key);

    if (!err)
        err = one_key(app, "API_SECRET", app->settings.api_secret, app->secret);
    if (!err &&
        one_key(app, "API_PASSPHRASE", app->settings.api_passphrase, app->passphrase) == ERR_CONFIG)
        err = ERR_CONFIG;
    return err;
}

void app_session(struct engine_app *app, struct session_config *out)
{
    const struct engine_settings *s = &app->settings;

    *out = (struct session_config){
        .loop = app->rt->loop,
        .venue = app->venue,
        .codec = { .venue = app->venue->name,
                   .rest_url = app->rest_url,
                   .ws_url = app->ws_url,
                   .stream_url = app->stream_url,
                   .names = app->names,
                   .name_count = app->name_count,
                   .api_key = app->key,
                   .api_secret = app->secret,
                   .api_passphrase = app->passphrase,
                   .maker_fee_ppm = app->rt->instance->maker_fee_ppm,
                   .taker_fee_ppm = app->rt->instance->taker_fee_ppm,
                   .recv_window_ms = s->recv_window_ms,
                   .order_timeout_ns = s->order_timeout_ms * NS_PER_MS },
        .backup_ws_url = s->ws_backup_url,
        .ca_file = s->ca_file,
        .has_connections = s->has_private_stream,
        .connect_timeout_ns = s->ws_connect_timeout_ms * NS_PER_MS,
        .http_timeout_ns = s->http_timeout_ms * NS_PER_MS,
        .reconnect_max_ns = s->ws_reconnect_ms * NS_PER_MS,
        .ping_ns = s->ws_ping_ms * NS_PER_MS,
        .pong_timeout_ns = s->ws_pong_timeout_ms * NS_PER_MS,
        .renew_ns = s->ws_renew_ms * NS_PER_MS,
        .attempts_max = (unsigned)s->ws_attempts_max,
        .rest_slots = (unsigned)MAX(s->http_pool_size, 16),
        .message_max = (size_t)s->ws_message_kb * 1024,
    };
}

int app_check_limits(const struct engine_app *app, FILE *errors)
{
    const struct engine_settings *s = &app->settings;
    const struct {
        const char *section, *key;
        int64_t value;
    } limits[] = {
        { "ORDER_MANAGEMENT", "MAX_ORDERS_PER_SECOND", s->orders_per_s },
        { "ORDER_MANAGEMENT", "MAX_OPEN_ORDERS", s->open_orders_max },
        { "RISK_MANAGEMENT", "MAX_POSITION_SIZE", s->position_asset_max },
        { "RISK_MANAGEMENT", "MAX_POSITION_PER_SYMBOL", s->position_symbol_max },
        { "RISK_MANAGEMENT", "MAX_DAILY_LOSS", s->daily_loss_max },
        { "RISK_MANAGEMENT", "MAX_ORDER_QUANTITY", s->order_qty_max },
        { "RISK_MANAGEMENT", "MAX_ORDER_NOTIONAL", s->order_notional_max },
        { "RISK_MANAGEMENT", "PRICE_COLLAR_PPM", s->collar_ppm },
        { "RISK_MANAGEMENT", "MAX_BOOK_AGE_MS", s->book_age_max_ms },
    };
    int err = 0;

    for (size_t i = 0; i < COUNT(limits); i++)
        if (limits[i].value <= 0) {
            fprintf(errors, "%s: [%s] %s: not set; an unset limit refuses start\n",
                    app->rt->config_path, limits[i].section, limits[i].key);
            err = ERR_UNSUPPORTED;
        }
    return err;
}
