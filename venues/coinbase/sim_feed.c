/* The WebSocket feed (2): subscriptions, books, matches, ticker, heartbeats, status. */
#include "venues/coinbase/sim_coinbase.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int64_t HEARTBEAT_NS = NS_PER_S, STATUS_NS = 5 * NS_PER_S, BATCH_NS = 50 * NS_PER_MS;

static struct coinbase_sim *side_of(const struct sim_ws *ws)
{
    return ws->sim->state;
}

static const char *symbol_of(const struct coinbase_sim *cb, uint32_t at)
{
    return cb->sim->exchange->instruments[at].config.symbol;
}

/* To every subscriber of a channel, for one product. */
static void broadcast(struct coinbase_sim *cb, enum cbsim_channel channel, uint32_t at,
                      const struct sim_text *text)
{
    for (struct sim_ws *ws = cb->sim->first_ws; ws; ws = ws->next)
        if (((const struct cbsim_ws *)ws->state)->has[channel][at])
            sim_ws_send(ws, SIM_MARKET, text->at, text->len);
}

static bool has_any(const struct coinbase_sim *cb, enum cbsim_channel channel, uint32_t at)
{
    for (const struct sim_ws *ws = cb->sim->first_ws; ws; ws = ws->next)
        if (((const struct cbsim_ws *)ws->state)->has[channel][at])
            return true;
    return false;
}

/* ---- books (2.7) ---- */

static void add_side(struct coinbase_sim *cb, uint32_t at, const char *name,
                     const struct match_side *side, struct sim_text *out)
{
    const struct exchange_instrument_config *config = &cb->sim->exchange->instruments[at].config;
    const struct match_level *level;

    sim_textf(out, ",\"%s\":[", name);
    for (uint32_t i = 0; (level = match_level_at(side, i)); i++) {
        sim_textf(out, "%s[\"", i ? "," : "");
        sim_text_decimal(out, level->price, config->price_decimals);
        sim_textf(out, "\",\"");
        sim_text_decimal(out, level->qty, EXCHANGE_EXP);
        sim_textf(out, "\"]");
    }
    sim_textf(out, "]");
}

static void send_snapshot(struct coinbase_sim *cb, struct sim_ws *ws, uint32_t at)
{
    const struct match_book *book = &cb->sim->exchange->instruments[at].book;
    struct sim_text out = { 0 };
    char when[40];

    cbsim_time(cb->sim->now_ns, when);
    sim_textf(&out, "{\"type\":\"snapshot\",\"product_id\":\"%s\"", symbol_of(cb, at));
    add_side(cb, at, "asks", &book->asks, &out);
    add_side(cb, at, "bids", &book->bids, &out);
    sim_textf(&out, ",\"time\":\"%s\"}", when);
    sim_ws_send(ws, SIM_MARKET, out.at, out.len);
    sim_text_free(&out);
}

static void change_add(struct cbsim_changes *changes, const struct exchange_event *event)
{
    if (changes->count == changes->cap) {
        changes->cap = changes->cap ? 2 * changes->cap : 64;
        changes->at = realloc(changes->at, changes->cap * sizeof *changes->at);
        if (!changes->at)
            abort(); /* A tool, not a trading process. */
    }
    changes->at[changes->count++] = (struct cbsim_change){ event->side, event->price, event->qty };
}

/* Wrong in a way that nothing in the message shows. */
static void add_faults(struct coinbase_sim *cb, uint32_t at, struct cbsim_changes *changes)
{
    int64_t ask = exchange_best(cb->sim->exchange, at, SIDE_SELL);

    if (sim_fault_take(cb->sim, SIM_FAULT_CORRUPT_CHECKSUM))
        changes->at[0].qty += cb->sim->exchange->instruments[at].config.lot;
    if (ask && sim_fault_take(cb->sim, SIM_FAULT_CROSS_BOOK)) {
        const struct exchange_event crossing = { .side = SIDE_BUY,
                                                 .price = ask,
                                                 .qty = EXCHANGE_ONE };
        change_add(changes, &crossing);
    }
}

static void flush_changes(struct coinbase_sim *cb, uint32_t at, enum cbsim_channel channel,
                          struct cbsim_changes *changes)
{
    const struct exchange_instrument_config *config = &cb->sim->exchange->instruments[at].config;
    struct sim_text out = { 0 };
    char when[40];

    if (changes->count == 0)
        return;
    if (has_any(cb, channel, at)) {
        add_faults(cb, at, changes);
        cbsim_time(cb->sim->now_ns, when);
        sim_textf(&out, "{\"type\":\"l2update\",\"product_id\":\"%s\",\"changes\":[",
                  config->symbol);
        for (uint32_t i = 0; i < changes->count; i++) {
            sim_textf(&out, "%s[\"%s\",\"", i ? "," : "",
                      changes->at[i].side == SIDE_BUY ? "buy" : "sell");
            sim_text_decimal(&out, changes->at[i].price, config->price_decimals);
            sim_textf(&out, "\",\"");
            sim_text_decimal(&out, changes->at[i].qty, EXCHANGE_EXP);
            sim_textf(&out, "\"]");
        }
        sim_textf(&out, "],\"time\":\"%s\"}", when);
        if (!sim_fault_take(cb->sim, SIM_FAULT_SKIP_SEQUENCE))
            broadcast(cb, channel, at, &out);
        sim_text_free(&out);
    }
    changes->count = 0;
}

/* ---- trades and ticker (2.5, 2.6) ---- */

static void add_trade(struct coinbase_sim *cb, uint32_t at, const struct cbsim_trade *trade,
                      const char *type, struct sim_text *out)
{
    char maker[CBSIM_UUID + 1], taker[CBSIM_UUID + 1], when[40];

    cbsim_uuid('O', trade->maker_order, maker);
    cbsim_uuid('O', trade->taker_order, taker);
    cbsim_time(trade->at_ns, when);
    sim_textf(out,
              "{\"type\":\"%s\",\"trade_id\":%llu,\"maker_order_id\":\"%s\",\"taker_order_id\":"
              "\"%s\",\"side\":\"%s\",",
              type, (unsigned long long)trade->trade_id, maker, taker,
              trade->maker_side == SIDE_BUY ? "buy" : "sell");
    cbsim_decimal(out, "size", trade->qty, EXCHANGE_EXP);
    sim_textf(out, ",");
    cbsim_decimal(out, "price", trade->price,
                  cb->sim->exchange->instruments[at].config.price_decimals);
    sim_textf(out, ",\"product_id\":\"%s\",\"sequence\":%llu,\"time\":\"%s\"}", symbol_of(cb, at),
              (unsigned long long)trade->sequence, when);
}

static void add_ticker(struct coinbase_sim *cb, uint32_t at, const struct cbsim_trade *trade,
                       struct sim_text *out)
{
    const struct exchange_instrument *instrument = &cb->sim->exchange->instruments[at];
    int price = instrument->config.price_decimals;
    const struct {
        const char *name;
        int64_t value;
        int decimals;
    } members[] = {
        { "price", trade->price, price },
        { "open_24h", instrument->open_price, price },
        { "volume_24h", instrument->volume, EXCHANGE_EXP },
        { "low_24h", instrument->low_price, price },
        { "high_24h", instrument->high_price, price },
        { "volume_30d", instrument->volume, EXCHANGE_EXP },
        { "best_bid", trade->bid, price },
        { "best_bid_size", trade->bid_qty, EXCHANGE_EXP },
        { "best_ask", trade->ask, price },
        { "best_ask_size", trade->ask_qty, EXCHANGE_EXP },
        { "last_size", trade->qty, EXCHANGE_EXP },
    };
    char when[40];

    cbsim_time(trade->at_ns, when);
    sim_textf(out, "{\"type\":\"ticker\",\"sequence\":%llu,\"product_id\":\"%s\"",
              (unsigned long long)trade->sequence, symbol_of(cb, at));
    for (size_t i = 0; i < COUNT(members); i++) {
        sim_textf(out, ",");
        cbsim_decimal(out, members[i].name, members[i].value, members[i].decimals);
    }
    /* The taker's side here, the maker's in match. */
    sim_textf(out, ",\"side\":\"%s\",\"time\":\"%s\",\"trade_id\":%llu}",
              trade->maker_side == SIDE_BUY ? "sell" : "buy", when,
              (unsigned long long)trade->trade_id);
}

static void flush_trades(struct coinbase_sim *cb, uint32_t at)
{
    struct cbsim_product *product = &cb->products[at];
    struct sim_text out = { 0 };

    if (product->trade_count - product->told > CBSIM_TRADES_KEPT)
        product->told = product->trade_count - CBSIM_TRADES_KEPT;
    for (; product->told < product->trade_count; product->told++) {
        const struct cbsim_trade *trade = &product->trades[product->told % CBSIM_TRADES_KEPT];
        sim_text_clear(&out);
        add_trade(cb, at, trade, "match", &out);
        broadcast(cb, CBSIM_MATCHES, at, &out);
        if (product->told + 1 < product->trade_count)
            continue; /* Cascades are one ticker. */
        sim_text_clear(&out);
        add_ticker(cb, at, trade, &out);
        broadcast(cb, CBSIM_TICKER, at, &out);
    }
    sim_text_free(&out);
}

static void keep_trade(struct coinbase_sim *cb, const struct exchange_event *event)
{
    struct cbsim_product *product = &cb->products[event->instrument];
    const struct match_book *book = &cb->sim->exchange->instruments[event->instrument].book;
    const struct match_level *bid = match_level_at(&book->bids, 0);
    const struct match_level *ask = match_level_at(&book->asks, 0);

    product->trades[product->trade_count++ % CBSIM_TRADES_KEPT] =
        (struct cbsim_trade){ .trade_id = event->trade_id,
                              .sequence = product->sequence,
                              .maker_order = event->maker->id,
                              .taker_order = event->order->id,
                              .price = event->price,
                              .qty = event->qty,
                              .at_ns = event->at_ns,
                              .maker_side = event->side == SIDE_BUY ? SIDE_SELL : SIDE_BUY,
                              .bid = bid ? bid->price : 0,
                              .bid_qty = bid ? bid->qty : 0,
                              .ask = ask ? ask->price : 0,
                              .ask_qty = ask ? ask->qty : 0 };
}

/* The top after a match is the top when its cascade is over. */
static void refresh_tops(struct coinbase_sim *cb, uint32_t at)
{
    struct cbsim_product *product = &cb->products[at];
    const struct match_book *book = &cb->sim->exchange->instruments[at].book;
    const struct match_level *bid = match_level_at(&book->bids, 0);
    const struct match_level *ask = match_level_at(&book->asks, 0);

    if (product->told == product->trade_count)
        return;
    struct cbsim_trade *last = &product->trades[(product->trade_count - 1) % CBSIM_TRADES_KEPT];
    last->bid = bid ? bid->price : 0;
    last->bid_qty = bid ? bid->qty : 0;
    last->ask = ask ? ask->price : 0;
    last->ask_qty = ask ? ask->qty : 0;
}

void cbsim_feed_event(struct coinbase_sim *cb, const struct exchange_event *event)
{
    struct cbsim_product *product = &cb->products[event->instrument];

    if (event->kind == EXCHANGE_ON_LEVEL) {
        change_add(&product->level2, event);
        change_add(&product->batch, event);
    } else if (event->kind == EXCHANGE_ON_TRADE) {
        keep_trade(cb, event);
    }
}

/* ---- heartbeat, status (2.3, 2.4) ---- */

static void send_heartbeats(struct coinbase_sim *cb, struct sim_ws *ws)
{
    struct cbsim_ws *state = ws->state;
    char text[256], when[40];

    if (cb->sim->now_ns - state->heartbeat_ns < HEARTBEAT_NS)
        return;
    state->heartbeat_ns = cb->sim->now_ns;
    cbsim_time(cb->sim->now_ns, when);
    for (uint32_t at = 0; at < cb->sim->exchange->instrument_count; at++) {
        const struct cbsim_product *product = &cb->products[at];
        if (!state->has[CBSIM_HEARTBEAT][at])
            continue;
        uint64_t last =
            product->trade_count
                ? product->trades[(product->trade_count - 1) % CBSIM_TRADES_KEPT].trade_id
                : 0;
        int len = snprintf(text, sizeof text,
                           "{\"type\":\"heartbeat\",\"sequence\":%llu,\"last_trade_id\":%llu,"
                           "\"product_id\":\"%s\",\"time\":\"%s\"}",
                           (unsigned long long)product->sequence, (unsigned long long)last,
                           symbol_of(cb, at), when);
        sim_ws_send(ws, SIM_MARKET, text, (size_t)len);
    }
}

static void send_status(struct coinbase_sim *cb, struct sim_ws *ws)
{
    const struct exchange *exchange = cb->sim->exchange;
    struct sim_text out = { 0 };

    sim_textf(&out, "{\"type\":\"status\",\"products\":[");
    for (uint32_t i = 0; i < exchange->instrument_count; i++) {
        sim_textf(&out, "%s", i ? "," : "");
        cbsim_product_text(cb, i, true, &out);
    }
    sim_textf(&out, "],\"currencies\":[");
    for (uint32_t i = 0; i < exchange->asset_count; i++)
        sim_textf(&out,
                  "%s{\"id\":\"%s\",\"name\":\"%s\",\"min_size\":\"0.00000001\",\"status\":"
                  "\"online\",\"status_message\":null,\"max_precision\":\"0.00000001\","
                  "\"convertible_to\":[],\"details\":{}}",
                  i ? "," : "", exchange->assets[i], exchange->assets[i]);
    sim_textf(&out, "]}");
    sim_ws_send(ws, SIM_MARKET, out.at, out.len);
    sim_text_free(&out);
}

static void status_tick(struct coinbase_sim *cb)
{
    bool is_due = cb->sim->now_ns - cb->status_ns >= STATUS_NS;

    for (uint32_t at = 0; at < cb->sim->exchange->instrument_count; at++) {
        wire_trading_state status = cb->sim->exchange->instruments[at].status;
        is_due |= status != cb->products[at].status;
        cb->products[at].status = status;
    }
    if (!is_due)
        return;
    cb->status_ns = cb->sim->now_ns;
    for (struct sim_ws *ws = cb->sim->first_ws; ws; ws = ws->next)
        if (((const struct cbsim_ws *)ws->state)->has_status)
            send_status(cb, ws);
}

void cbsim_feed_tick(struct coinbase_sim *cb)
{
    bool is_batch = cb->sim->now_ns - cb->batch_ns >= BATCH_NS;

    if (is_batch)
        cb->batch_ns = cb->sim->now_ns;
    for (uint32_t at = 0; at < cb->sim->exchange->instrument_count; at++) {
        refresh_tops(cb, at);
        flush_trades(cb, at);
        flush_changes(cb, at, CBSIM_LEVEL2, &cb->products[at].level2);
        if (is_batch)
            flush_changes(cb, at, CBSIM_BATCH, &cb->products[at].batch);
    }
    status_tick(cb);
    for (struct sim_ws *ws = cb->sim->first_ws; ws; ws = ws->next)
        send_heartbeats(cb, ws);
}

void cbsim_feed_fini(struct coinbase_sim *cb)
{
    for (size_t i = 0; i < EXCHANGE_INSTRUMENTS_MAX; i++) {
        free(cb->products[i].level2.at);
        free(cb->products[i].batch.at);
        cb->products[i].level2 = cb->products[i].batch = (struct cbsim_changes){ 0 };
    }
}

/* ---- subscriptions (2.1) ---- */

static const struct {
    const char *name, *acked;
    enum cbsim_channel channel;
    bool is_private;
} channels[] = {
    { "heartbeat", "heartbeat", CBSIM_HEARTBEAT, false },
    { "ticker", "ticker", CBSIM_TICKER, false },
    { "matches", "matches", CBSIM_MATCHES, false },
    { "level2", "level2", CBSIM_LEVEL2, true },
    { "level2_batch", "level2_50", CBSIM_BATCH, false },
    { "level2_50", "level2_50", CBSIM_BATCH, false },
    { "user", "user", CBSIM_USER, true },
    { "status", "status", CBSIM_STATUS, false },
};

void cbsim_error(struct sim_ws *ws, const char *message, const char *reason)
{
    struct sim_text out = { 0 };

    sim_textf(&out, "{\"type\":\"error\",\"message\":");
    sim_text_string(&out, message);
    sim_textf(&out, ",\"reason\":");
    sim_text_string(&out, reason);
    sim_textf(&out, "}");
    sim_ws_send(ws, SIM_ANSWER, out.at, out.len);
    sim_text_free(&out);
}

/* The full list of what is subscribed now. */
static void acknowledge(struct coinbase_sim *cb, struct sim_ws *ws)
{
    static const char *const names[] = { "heartbeat", "ticker",    "matches",
                                         "level2",    "level2_50", "user" };
    const struct cbsim_ws *state = ws->state;
    struct sim_text out = { 0 };
    bool is_first = true;

    sim_textf(&out, "{\"type\":\"subscriptions\",\"channels\":[");
    for (size_t channel = 0; channel < COUNT(names); channel++) {
        bool has_one = false;
        for (uint32_t at = 0; at < cb->sim->exchange->instrument_count; at++) {
            if (!state->has[channel][at])
                continue;
            if (has_one)
                sim_textf(&out, ",\"%s\"", symbol_of(cb, at));
            else
                sim_textf(&out, "%s{\"name\":\"%s\",\"product_ids\":[\"%s\"", is_first ? "" : ",",
                          names[channel], symbol_of(cb, at));
            has_one = true;
            is_first = false;
        }
        sim_textf(&out, "%s", has_one ? "],\"account_ids\":null}" : "");
    }
    if (state->has_status)
        sim_textf(&out, "%s{\"name\":\"status\",\"product_ids\":null,\"account_ids\":null}",
                  is_first ? "" : ",");
    sim_textf(&out, "]}");
    sim_ws_send(ws, SIM_ANSWER, out.at, out.len);
    sim_text_free(&out);
}

struct wish {
    enum cbsim_channel channel;
    uint32_t product; /* EXCHANGE_NONE: the channel as a whole. */
};
enum { WISHES_MAX = 512 };

struct wishes {
    struct wish at[WISHES_MAX];
    size_t count;
    char problem[160]; /* "": none. */
};

static void wish_add(struct wishes *wishes, enum cbsim_channel channel, uint32_t product)
{
    if (wishes->count < WISHES_MAX)
        wishes->at[wishes->count++] = (struct wish){ channel, product };
}

static void wish_products(struct coinbase_sim *cb, struct wishes *wishes,
                          enum cbsim_channel channel, const cJSON *ids)
{
    const cJSON *id;

    cJSON_ArrayForEach(id, ids)
    {
        const char *text = cJSON_GetStringValue(id);
        uint32_t at = text ? cbsim_product_find(cb->sim, text) : EXCHANGE_NONE;
        if (at == EXCHANGE_NONE)
            snprintf(wishes->problem, sizeof wishes->problem, "%s is not a valid product",
                     text ? text : "null");
        else
            wish_add(wishes, channel, at);
    }
}

static void wish_channel(struct coinbase_sim *cb, struct wishes *wishes, const cJSON *entry,
                         const cJSON *root_ids, bool is_signed)
{
    const char *name = cJSON_IsString(entry)
                           ? entry->valuestring
                           : cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, "name"));
    const cJSON *own = cJSON_GetObjectItemCaseSensitive(entry, "product_ids");
    size_t i = 0;

    while (name && i < COUNT(channels) && strcmp(channels[i].name, name) != 0)
        i++;
    if (!name || i == COUNT(channels)) {
        snprintf(wishes->problem, sizeof wishes->problem, "%s is not a valid channel",
                 name ? name : "null");
        return;
    }
    if (channels[i].is_private && !is_signed) {
        snprintf(wishes->problem, sizeof wishes->problem, "%s channel requires authentication",
                 name);
        return;
    }
    size_t before = wishes->count;
    if (channels[i].channel != CBSIM_STATUS) {
        wish_products(cb, wishes, channels[i].channel, root_ids);
        wish_products(cb, wishes, channels[i].channel, own);
    }
    if (wishes->count == before)
        wish_add(wishes, channels[i].channel, EXCHANGE_NONE);
}

static void grant(struct coinbase_sim *cb, struct sim_ws *ws, const struct wish *wish, bool is_on)
{
    struct cbsim_ws *state = ws->state;

    if (wish->channel == CBSIM_STATUS) {
        state->has_status = is_on;
        return;
    }
    if (wish->product == EXCHANGE_NONE) { /* A channel named without products. */
        if (!is_on)
            memset(state->has[wish->channel], 0, sizeof state->has[wish->channel]);
        return;
    }
    state->has[wish->channel][wish->product] = is_on;
    (void)cb;
}

/* What a subscription begins with: the book, the last trade. */
static void greet(struct coinbase_sim *cb, struct sim_ws *ws, const struct wish *wish)
{
    const struct cbsim_product *product = &cb->products[wish->product % EXCHANGE_INSTRUMENTS_MAX];
    struct sim_text out = { 0 };

    if (wish->channel == CBSIM_STATUS)
        send_status(cb, ws);
    if (wish->product == EXCHANGE_NONE)
        return;
    if (wish->channel == CBSIM_LEVEL2 || wish->channel == CBSIM_BATCH)
        send_snapshot(cb, ws, wish->product);
    if ((wish->channel == CBSIM_MATCHES || wish->channel == CBSIM_TICKER) && product->told > 0) {
        const struct cbsim_trade *last = &product->trades[(product->told - 1) % CBSIM_TRADES_KEPT];
        if (wish->channel == CBSIM_MATCHES)
            add_trade(cb, wish->product, last, "last_match", &out);
        else
            add_ticker(cb, wish->product, last, &out);
        sim_ws_send(ws, SIM_MARKET, out.at, out.len);
    }
    sim_text_free(&out);
}

/* The account behind the message's signature; false: it is wrong, and was told. */
static bool identify(struct coinbase_sim *cb, struct sim_ws *ws, const cJSON *message)
{
    struct cbsim_ws *state = ws->state;
    const char *error;
    char reason[160];

    if (!cJSON_GetObjectItemCaseSensitive(message, "signature"))
        return true;
    const struct sim_account *account = cbsim_authenticate_ws(cb, message, &error);
    if (account) {
        state->account = account->account;
        return true;
    }
    snprintf(reason, sizeof reason, "{\"message\":\"%s\"}", error);
    cbsim_error(ws, "Authentication Failed", reason);
    sim_ws_close(ws, 1008, "authentication");
    return false;
}

static void subscribe(struct coinbase_sim *cb, struct sim_ws *ws, const cJSON *message, bool is_on)
{
    static struct wishes wishes; /* One thread; large for the stack. */
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(message, "channels"), *entry;
    const cJSON *ids = cJSON_GetObjectItemCaseSensitive(message, "product_ids");
    struct cbsim_ws *state = ws->state;

    wishes.count = 0;
    wishes.problem[0] = '\0';
    bool is_signed = state->account != EXCHANGE_NONE;
    if (ws->listener == 1 && !is_signed) /* ws-direct: always. */
        snprintf(wishes.problem, sizeof wishes.problem, "authentication is required");
    cJSON_ArrayForEach(entry, list) wish_channel(cb, &wishes, entry, ids, is_signed);
    if (!cJSON_IsArray(list) || wishes.count + (wishes.problem[0] != '\0') == 0)
        snprintf(wishes.problem, sizeof wishes.problem, "no channels provided");
    if (wishes.problem[0]) {
        cbsim_error(ws, is_on ? "Failed to subscribe" : "Failed to unsubscribe", wishes.problem);
        sim_ws_close(ws, 1008, "subscribe");
        return;
    }
    state->has_spoken = true;
    for (size_t i = 0; i < wishes.count; i++)
        grant(cb, ws, &wishes.at[i], is_on);
    acknowledge(cb, ws);
    for (size_t i = 0; i < wishes.count && is_on; i++)
        greet(cb, ws, &wishes.at[i]);
}

void cbsim_ws_frame(struct sim *sim, struct sim_ws *ws, const char *frame, size_t len)
{
    cJSON *message = cJSON_ParseWithLength(frame, len);
    const char *type = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(message, "type"));
    bool is_on = type && strcmp(type, "subscribe") == 0;

    if (!is_on && (!type || strcmp(type, "unsubscribe") != 0)) {
        cbsim_error(ws, "Malformed JSON", "unknown type");
        sim_ws_close(ws, 1008, "malformed");
    } else if (identify(side_of(ws), ws, message)) {
        subscribe(sim->state, ws, message, is_on);
    }
    cJSON_Delete(message);
}
