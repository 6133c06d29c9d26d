/* sim_streams.c - market streams: /ws and /stream, SUBSCRIBE, diffs, tickers, trades. */
#include "venues/binance/sim_binance.h"

#include <cjson/cJSON.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- names ---- */

static const struct {
    const char *suffix;
    enum stream_kind kind;
    unsigned argument;
} suffixes[] = {
    { "depth@100ms", STREAM_DEPTH_100, 0 },
    { "depth", STREAM_DEPTH_1000, 0 },
    { "depth@1000ms", STREAM_DEPTH_1000, 0 },
    { "depth5@100ms", STREAM_PARTIAL_100, 5 },
    { "depth10@100ms", STREAM_PARTIAL_100, 10 },
    { "depth20@100ms", STREAM_PARTIAL_100, 20 },
    { "depth5", STREAM_PARTIAL_1000, 5 },
    { "depth10", STREAM_PARTIAL_1000, 10 },
    { "depth20", STREAM_PARTIAL_1000, 20 },
    { "bookTicker", STREAM_BOOK_TICKER, 0 },
    { "trade", STREAM_TRADE, 0 },
    { "aggTrade", STREAM_AGG_TRADE, 0 },
    { "ticker", STREAM_TICKER, 0 },
    { "miniTicker", STREAM_MINI_TICKER, 0 },
    { "avgPrice", STREAM_AVG_PRICE, 0 },
};

uint32_t bsim_stream_symbol(const struct sim *sim, const char *name, const char **suffix)
{
    const char *at = strchr(name, '@');

    if (!at)
        return EXCHANGE_NONE;
    *suffix = at + 1;
    for (uint32_t i = 0; i < sim->exchange->instrument_count; i++) {
        const char *symbol = sim->exchange->instruments[i].config.symbol;
        size_t len = strlen(symbol), n = 0;
        if ((size_t)(at - name) != len)
            continue;
        while (n < len && name[n] == tolower((unsigned char)symbol[n]))
            n++;
        if (n < len)
            continue;
        return i;
    }
    return EXCHANGE_NONE;
}

void bsim_spot_stream(const struct sim *sim, const struct connection *connection,
                      struct stream *out)
{
    const char *suffix = "";

    (void)connection;
    out->instrument = bsim_stream_symbol(sim, out->name, &suffix);
    for (size_t s = 0; s < COUNT(suffixes) && out->instrument != EXCHANGE_NONE; s++)
        if (strcmp(suffix, suffixes[s].suffix) == 0) {
            out->kind = suffixes[s].kind;
            out->argument = suffixes[s].argument;
        }
}

/* A name that exists nowhere is acknowledged like any other and stays silent, as at the venue. */
static bool subscribe(const struct sim *sim, struct connection *connection, const char *name)
{
    const struct binance *state = sim->state;

    for (unsigned i = 0; i < connection->stream_count; i++)
        if (strcmp(connection->streams[i].name, name) == 0)
            return true;
    if (connection->stream_count == COUNT(connection->streams))
        return false;
    struct stream *made = &connection->streams[connection->stream_count++];
    *made = (struct stream){ 0 };
    snprintf(made->name, sizeof(made->name), "%s", name);
    state->product->stream_parse(sim, connection, made);
    return true;
}

static void unsubscribe(struct connection *connection, const char *name)
{
    for (unsigned i = 0; i < connection->stream_count; i++)
        if (strcmp(connection->streams[i].name, name) == 0) {
            connection->streams[i] = connection->streams[--connection->stream_count];
            return;
        }
}

static void subscribe_path(const struct sim *sim, struct connection *connection, const char *names)
{
    char name[64];

    while (*names) {
        size_t len = strcspn(names, "/");
        if (len > 0 && len < sizeof(name)) {
            memcpy(name, names, len);
            name[len] = 0;
            (void)subscribe(sim, connection, name);
        }
        names += len + (names[len] == '/');
    }
}

void bsim_streams_opened(struct sim *sim, struct sim_ws *ws)
{
    struct connection *connection = ws->state;
    char names[sizeof(ws->query)];

    const struct bsim_product *product = ((const struct binance *)sim->state)->product;
    const char *path = product->stream_open ? product->stream_open(sim, ws) : ws->path;

    connection->messages =
        (struct window){ .length_ns = NS_PER_S, .limit = product->messages_limit };
    if (!path) {
        sim_ws_close(ws, 1008, "no such path");
    } else if (strcmp(path, "/stream") == 0) {
        connection->is_combined = true;
        if (sim_param(ws->query, strlen(ws->query), "streams", names, sizeof(names)) == 0)
            subscribe_path(sim, connection, names);
    } else if (strncmp(path, "/ws/", 4) == 0) {
        subscribe_path(sim, connection, path + 4);
    } else if (strcmp(path, "/ws") != 0) {
        sim_ws_close(ws, 1008, "no such path");
    }
}

/* ---- control frames ---- */

static void control_error(struct sim_ws *ws, int code, const char *message)
{
    char text[512];
    int len = snprintf(text, sizeof(text), "{\"code\":%d,\"msg\":\"%s\"}", code, message);

    sim_ws_send(ws, SIM_ANSWER, text, (size_t)len);
}

static void acknowledge(struct sim_ws *ws, const char *result, const cJSON *id)
{
    struct binance *state = ws->sim->state;
    char *id_text = cJSON_PrintUnformatted(id);

    sim_text_clear(&state->frame);
    sim_textf(&state->frame, "{\"result\":%s,\"id\":%s}", result, id_text ? id_text : "null");
    sim_ws_send(ws, SIM_ANSWER, state->frame.at, state->frame.len);
    free(id_text);
}

static void list_streams(struct sim_ws *ws, const cJSON *id)
{
    const struct connection *connection = ws->state;
    struct sim_text list = { 0 };

    sim_textf(&list, "[");
    for (unsigned i = 0; i < connection->stream_count; i++) {
        sim_textf(&list, "%s", i ? "," : "");
        sim_text_string(&list, connection->streams[i].name);
    }
    sim_textf(&list, "]");
    acknowledge(ws, list.at, id);
    sim_text_free(&list);
}

static void set_property(struct sim_ws *ws, const cJSON *params, const cJSON *id)
{
    struct connection *connection = ws->state;
    const cJSON *name = cJSON_GetArrayItem(params, 0), *value = cJSON_GetArrayItem(params, 1);

    if (!cJSON_IsString(name))
        control_error(ws, 2, "Invalid request: property name must be a string");
    else if (strcmp(name->valuestring, "combined") != 0)
        control_error(ws, 0, "Unknown property");
    else if (!cJSON_IsBool(value))
        control_error(ws, 1, "Invalid value type: expected Boolean");
    else {
        connection->is_combined = cJSON_IsTrue(value);
        acknowledge(ws, "null", id);
    }
}

static void change_streams(struct sim_ws *ws, const cJSON *params, const cJSON *id, bool is_more)
{
    struct connection *connection = ws->state;
    const cJSON *item;

    cJSON_ArrayForEach(item, params)
    {
        if (!cJSON_IsString(item)) {
            control_error(ws, 2, "Invalid request: params must be strings");
            return;
        }
        if (is_more)
            (void)subscribe(ws->sim, connection, item->valuestring);
        else
            unsubscribe(connection, item->valuestring);
    }
    acknowledge(ws, "null", id);
}

static void control(struct sim_ws *ws, const cJSON *root)
{
    const struct connection *connection = ws->state;
    const cJSON *method = cJSON_GetObjectItemCaseSensitive(root, "method");
    const cJSON *params = cJSON_GetObjectItemCaseSensitive(root, "params");
    const cJSON *id = cJSON_GetObjectItemCaseSensitive(root, "id");

    if (!cJSON_IsString(method)) {
        control_error(ws, 2, "Invalid request: missing field `method` at line 1 column 2");
    } else if (id && !cJSON_IsNumber(id) && !cJSON_IsString(id) && !cJSON_IsNull(id)) {
        control_error(ws, 2, "Invalid request: request ID must be an unsigned integer");
    } else if (strcmp(method->valuestring, "SUBSCRIBE") == 0) {
        change_streams(ws, params, id, true);
    } else if (strcmp(method->valuestring, "UNSUBSCRIBE") == 0) {
        change_streams(ws, params, id, false);
    } else if (strcmp(method->valuestring, "LIST_SUBSCRIPTIONS") == 0) {
        list_streams(ws, id);
    } else if (strcmp(method->valuestring, "SET_PROPERTY") == 0) {
        set_property(ws, params, id);
    } else if (strcmp(method->valuestring, "GET_PROPERTY") == 0) {
        acknowledge(ws, connection->is_combined ? "true" : "false", id);
    } else {
        control_error(ws, 2,
                      "Invalid request: unknown variant, expected one of `SUBSCRIBE`, "
                      "`UNSUBSCRIBE`, `LIST_SUBSCRIPTIONS`, `SET_PROPERTY`, `GET_PROPERTY` at "
                      "line 1 column 28");
    }
}

void bsim_streams_frame(struct sim *sim, struct sim_ws *ws, const char *frame, size_t len)
{
    struct connection *connection = ws->state;

    bsim_window_at(&connection->messages, sim->now_ns);
    if (++connection->messages.used > connection->messages.limit && !sim->are_limits_off) {
        sim_ws_close(ws, 1008, "Too many requests");
        return;
    }
    cJSON *root = cJSON_ParseWithLength(frame, len);
    if (!root)
        control_error(ws, 3, "Invalid JSON: expected value at line 1 column 1");
    else
        control(ws, root);
    cJSON_Delete(root);
}

/* ---- sending ---- */

void bsim_publish(struct sim *sim, enum stream_kind kind, uint32_t instrument, unsigned argument)
{
    struct binance *state = sim->state;

    for (struct sim_ws *ws = sim->first_ws; ws; ws = ws->next) {
        const struct connection *connection = ws->state;
        if (ws->listener != BINANCE_STREAM)
            continue;
        for (unsigned i = 0; i < connection->stream_count; i++) {
            const struct stream *stream = &connection->streams[i];
            if (stream->kind != kind || stream->instrument != instrument ||
                stream->argument != argument)
                continue;
            if (!connection->is_combined) {
                sim_ws_send(ws, SIM_MARKET, state->scratch.at, state->scratch.len);
                continue;
            }
            sim_text_clear(&state->frame);
            sim_textf(&state->frame, "{\"stream\":\"%s\",\"data\":", stream->name);
            sim_text_add(&state->frame, state->scratch.at, state->scratch.len);
            sim_textf(&state->frame, "}");
            sim_ws_send(ws, SIM_MARKET, state->frame.at, state->frame.len);
        }
    }
}

static void pair_json(struct sim_text *out, int64_t price, int64_t qty)
{
    sim_textf(out, "[\"");
    sim_text_decimal(out, price, 8);
    sim_textf(out, "\",\"");
    sim_text_decimal(out, qty, 8);
    sim_textf(out, "\"]");
}

static int64_t level_qty(const struct match_side *side, int64_t price)
{
    /* Changes are near the top. */
    for (uint32_t i = side->count; i-- > 0;)
        if (side->levels[i].price == price)
            return side->levels[i].qty;
    return 0;
}

static void diff_side(struct sim_text *out, const struct sim *sim, uint32_t instrument,
                      const struct diff *diff, wire_side side)
{
    const struct match_side *levels =
        match_side_of(&sim->exchange->instruments[instrument].book, side);
    bool is_first = true;

    sim_textf(out, "[");
    for (unsigned i = 0; i < diff->count; i++) {
        if (diff->dirty[i].side != side)
            continue;
        sim_textf(out, "%s", is_first ? "" : ",");
        pair_json(out, diff->dirty[i].price, level_qty(levels, diff->dirty[i].price));
        is_first = false;
    }
    sim_textf(out, "]");
}

/* A wrong level, which no checksum would show: a bid above the market. */
static void corrupt(struct sim *sim, uint32_t instrument)
{
    int64_t ask = exchange_best(sim->exchange, instrument, SIDE_SELL);
    struct binance *state = sim->state;

    if (!ask || !(sim_fault_take(sim, SIM_FAULT_CORRUPT_CHECKSUM) ||
                  sim_fault_take(sim, SIM_FAULT_CROSS_BOOK)))
        return;
    /* The text is patched, not the book: the next message knows nothing of it. */
    const char *bids = strstr(state->scratch.at, "\"b\":[") + 5;
    struct sim_text wrong = { 0 };
    sim_text_add(&wrong, state->scratch.at, (size_t)(bids - state->scratch.at));
    pair_json(&wrong, ask + ask / 1000, EXCHANGE_ONE);
    sim_textf(&wrong, "%s", *bids == ']' ? "" : ",");
    sim_text_add(&wrong, bids, strlen(bids));
    sim_text_free(&state->scratch);
    state->scratch = wrong;
}

static void send_diff(struct sim *sim, uint32_t instrument, struct diff *diff,
                      enum stream_kind kind)
{
    struct binance *state = sim->state;
    const struct exchange_instrument *of = &sim->exchange->instruments[instrument];

    if (diff->last_u == of->update_id)
        return;
    sim_text_clear(&state->scratch);
    sim_textf(&state->scratch,
              "{\"e\":\"depthUpdate\",\"E\":%lld,\"s\":\"%s\",\"U\":%llu,\"u\":%llu,\"b\":",
              (long long)bsim_ms_of(sim->now_ns), of->config.symbol,
              (unsigned long long)diff->last_u + 1, (unsigned long long)of->update_id);
    diff_side(&state->scratch, sim, instrument, diff, SIDE_BUY);
    sim_textf(&state->scratch, ",\"a\":");
    diff_side(&state->scratch, sim, instrument, diff, SIDE_SELL);
    sim_textf(&state->scratch, "}");
    diff->last_u = of->update_id;
    corrupt(sim, instrument);
    diff->count = 0;
    if (kind == STREAM_DEPTH_100 && sim_fault_take(sim, SIM_FAULT_SKIP_SEQUENCE))
        return;
    bsim_publish(sim, kind, instrument, 0);
}

void bsim_diff_add(struct diff *diff, wire_side side, int64_t price)
{
    for (unsigned i = diff->count; i-- > 0;)
        if (diff->dirty[i].price == price && diff->dirty[i].side == side)
            return;
    diff->dirty[diff->count].side = side;
    diff->dirty[diff->count++].price = price;
}

static void send_partial(struct sim *sim, uint32_t instrument, enum stream_kind kind,
                         unsigned levels)
{
    struct binance *state = sim->state;
    const struct exchange_instrument *of = &sim->exchange->instruments[instrument];
    const struct match_level *level;

    sim_text_clear(&state->scratch);
    sim_textf(&state->scratch, "{\"lastUpdateId\":%llu,\"bids\":[",
              (unsigned long long)of->update_id);
    for (uint32_t i = 0; i < levels && (level = match_level_at(&of->book.bids, i)); i++) {
        sim_textf(&state->scratch, "%s", i ? "," : "");
        pair_json(&state->scratch, level->price, level->qty);
    }
    sim_textf(&state->scratch, "],\"asks\":[");
    for (uint32_t i = 0; i < levels && (level = match_level_at(&of->book.asks, i)); i++) {
        sim_textf(&state->scratch, "%s", i ? "," : "");
        pair_json(&state->scratch, level->price, level->qty);
    }
    sim_textf(&state->scratch, "]}");
    bsim_publish(sim, kind, instrument, levels);
}

static void member(struct sim_text *out, const char *name, int64_t value)
{
    sim_textf(out, ",\"%s\":\"", name);
    sim_text_decimal(out, value, 8);
    sim_textf(out, "\"");
}

static void send_book_ticker(struct sim *sim, uint32_t instrument)
{
    struct binance *state = sim->state;
    struct symbol *symbol = &state->symbols[instrument];
    const struct exchange_instrument *of = &sim->exchange->instruments[instrument];
    const struct match_level *bid = match_level_at(&of->book.bids, 0);
    const struct match_level *ask = match_level_at(&of->book.asks, 0);

    if (!bid || !ask ||
        (bid->price == symbol->bid && bid->qty == symbol->bid_qty && ask->price == symbol->ask &&
         ask->qty == symbol->ask_qty))
        return;
    symbol->bid = bid->price;
    symbol->bid_qty = bid->qty;
    symbol->ask = ask->price;
    symbol->ask_qty = ask->qty;
    sim_text_clear(&state->scratch);
    sim_textf(&state->scratch, "{\"u\":%llu,\"s\":\"%s\"", (unsigned long long)of->update_id,
              of->config.symbol);
    member(&state->scratch, "b", bid->price);
    member(&state->scratch, "B", bid->qty);
    member(&state->scratch, "a", ask->price);
    member(&state->scratch, "A", ask->qty);
    sim_textf(&state->scratch, "}");
    bsim_publish(sim, STREAM_BOOK_TICKER, instrument, 0);
}

static void flush_aggregate(struct sim *sim, uint32_t instrument)
{
    struct binance *state = sim->state;
    struct aggregate *aggregate = &state->symbols[instrument].aggregate;

    if (!aggregate->taker)
        return;
    sim_text_clear(&state->scratch);
    sim_textf(&state->scratch, "{\"e\":\"aggTrade\",\"E\":%lld,\"s\":\"%s\",\"a\":%llu",
              (long long)bsim_ms_of(sim->now_ns),
              sim->exchange->instruments[instrument].config.symbol,
              (unsigned long long)aggregate->id);
    member(&state->scratch, "p", aggregate->price);
    member(&state->scratch, "q", aggregate->qty);
    sim_textf(&state->scratch, ",\"f\":%llu,\"l\":%llu,\"T\":%lld,\"m\":%s,\"M\":true}",
              (unsigned long long)aggregate->first_trade, (unsigned long long)aggregate->last_trade,
              (long long)bsim_ms_of(aggregate->at_ns),
              aggregate->is_buyer_maker ? "true" : "false");
    struct symbol *symbol = &state->symbols[instrument];
    symbol->aggregates[aggregate->id % COUNT(symbol->aggregates)] = *aggregate;
    aggregate->taker = 0;
    bsim_publish(sim, STREAM_AGG_TRADE, instrument, 0);
}

static void aggregate_trade(struct sim *sim, const struct exchange_event *event)
{
    struct binance *state = sim->state;
    struct symbol *symbol = &state->symbols[event->instrument];
    struct aggregate *aggregate = &symbol->aggregate;

    if (aggregate->taker == event->order->id && aggregate->price == event->price) {
        aggregate->qty += event->qty;
        aggregate->last_trade = event->trade_id;
        return;
    }
    flush_aggregate(sim, event->instrument);
    *aggregate = (struct aggregate){ .taker = event->order->id,
                                     .id = symbol->next_aggregate++,
                                     .first_trade = event->trade_id,
                                     .last_trade = event->trade_id,
                                     .price = event->price,
                                     .qty = event->qty,
                                     .at_ns = event->at_ns,
                                     .is_buyer_maker = event->side == SIDE_SELL };
}

static void on_trade(struct sim *sim, const struct exchange_event *event)
{
    struct binance *state = sim->state;
    struct symbol *symbol = &state->symbols[event->instrument];
    size_t at = symbol->trade_count++ % COUNT(symbol->trades);
    bool is_buyer_maker = event->side == SIDE_SELL;

    symbol->trades[at].id = event->trade_id;
    symbol->trades[at].price = event->price;
    symbol->trades[at].qty = event->qty;
    symbol->trades[at].quote = event->quote;
    symbol->trades[at].at_ns = event->at_ns;
    symbol->trades[at].is_buyer_maker = is_buyer_maker;
    sim_text_clear(&state->scratch);
    sim_textf(&state->scratch, "{\"e\":\"trade\",\"E\":%lld,\"s\":\"%s\",\"t\":%llu",
              (long long)bsim_ms_of(sim->now_ns),
              sim->exchange->instruments[event->instrument].config.symbol,
              (unsigned long long)event->trade_id);
    member(&state->scratch, "p", event->price);
    member(&state->scratch, "q", event->qty);
    sim_textf(&state->scratch, ",\"T\":%lld,\"m\":%s,\"M\":true}",
              (long long)bsim_ms_of(event->at_ns), is_buyer_maker ? "true" : "false");
    bsim_publish(sim, STREAM_TRADE, event->instrument, 0);
    aggregate_trade(sim, event);
}

void bsim_streams_event(struct sim *sim, const struct exchange_event *event)
{
    struct binance *state = sim->state;

    if (event->kind == EXCHANGE_ON_TRADE)
        on_trade(sim, event);
    if (event->kind != EXCHANGE_ON_LEVEL)
        return;
    struct symbol *symbol = &state->symbols[event->instrument];
    bsim_diff_add(&symbol->fast, event->side, event->price);
    bsim_diff_add(&symbol->slow, event->side, event->price);
    /* A full list is sent before its time: update ids stay without a gap. */
    if (symbol->fast.count == DIRTY_MAX)
        send_diff(sim, event->instrument, &symbol->fast, STREAM_DEPTH_100);
    if (symbol->slow.count == DIRTY_MAX)
        send_diff(sim, event->instrument, &symbol->slow, STREAM_DEPTH_1000);
    send_book_ticker(sim, event->instrument);
}

static void send_ticker(struct sim *sim, uint32_t instrument, bool is_mini)
{
    struct binance *state = sim->state;
    const struct exchange_instrument *of = &sim->exchange->instruments[instrument];
    const struct match_level *bid = match_level_at(&of->book.bids, 0);
    const struct match_level *ask = match_level_at(&of->book.asks, 0);
    struct sim_text *out = &state->scratch;
    int64_t change = of->last_price - of->open_price;

    sim_text_clear(out);
    sim_textf(out, "{\"e\":\"%s\",\"E\":%lld,\"s\":\"%s\"",
              is_mini ? "24hrMiniTicker" : "24hrTicker", (long long)bsim_ms_of(sim->now_ns),
              of->config.symbol);
    if (!is_mini) {
        member(out, "p", change);
        sim_textf(out, ",\"P\":\"");
        sim_text_decimal(out, (int64_t)((i128)change * 100 * EXCHANGE_ONE / of->open_price), 3);
        sim_textf(out, "\"");
        member(out, "w",
               of->volume ? (int64_t)((i128)of->quote_volume * EXCHANGE_ONE / of->volume)
                          : of->last_price);
        member(out, "x", of->open_price);
        member(out, "Q", of->last_qty);
        member(out, "b", bid ? bid->price : 0);
        member(out, "B", bid ? bid->qty : 0);
        member(out, "a", ask ? ask->price : 0);
        member(out, "A", ask ? ask->qty : 0);
    }
    member(out, "c", of->last_price);
    member(out, "o", of->open_price);
    member(out, "h", of->high_price);
    member(out, "l", of->low_price);
    member(out, "v", of->volume);
    member(out, "q", of->quote_volume);
    if (!is_mini)
        sim_textf(out, ",\"O\":%lld,\"C\":%lld,\"F\":%llu,\"L\":%llu,\"n\":%llu",
                  (long long)(bsim_ms_of(sim->now_ns) - 86400000),
                  (long long)bsim_ms_of(sim->now_ns), (unsigned long long)of->first_trade_id,
                  (unsigned long long)of->next_trade_id - 1, (unsigned long long)of->trade_count);
    sim_textf(out, "}");
    bsim_publish(sim, is_mini ? STREAM_MINI_TICKER : STREAM_TICKER, instrument, 0);
}

static void send_avg_price(struct sim *sim, uint32_t instrument)
{
    struct binance *state = sim->state;
    const struct exchange_instrument *of = &sim->exchange->instruments[instrument];

    sim_text_clear(&state->scratch);
    sim_textf(&state->scratch, "{\"e\":\"avgPrice\",\"E\":%lld,\"s\":\"%s\",\"i\":\"5m\"",
              (long long)bsim_ms_of(sim->now_ns), of->config.symbol);
    member(&state->scratch, "w", of->last_price);
    sim_textf(&state->scratch, ",\"T\":%lld}", (long long)bsim_ms_of(sim->now_ns));
    bsim_publish(sim, STREAM_AVG_PRICE, instrument, 0);
}

void bsim_streams_tick(struct sim *sim)
{
    static const unsigned depths[] = { 5, 10, 20 };
    struct binance *state = sim->state;
    bool is_100 = sim->now_ns >= state->next_100ms_ns;
    bool is_1000 = sim->now_ns >= state->next_1000ms_ns;

    if (is_100)
        state->next_100ms_ns = sim->now_ns - sim->now_ns % (100 * NS_PER_MS) + 100 * NS_PER_MS;
    if (is_1000)
        state->next_1000ms_ns = sim->now_ns - sim->now_ns % NS_PER_S + NS_PER_S;
    for (uint32_t i = 0; i < sim->exchange->instrument_count; i++) {
        struct symbol *symbol = &state->symbols[i];
        bool is_changed = symbol->fast.last_u != sim->exchange->instruments[i].update_id;
        flush_aggregate(sim, i);
        if (is_100) {
            send_diff(sim, i, &symbol->fast, STREAM_DEPTH_100);
            for (size_t d = 0; is_changed && d < COUNT(depths); d++)
                send_partial(sim, i, STREAM_PARTIAL_100, depths[d]);
        }
        if (!is_1000)
            continue;
        send_diff(sim, i, &symbol->slow, STREAM_DEPTH_1000);
        for (size_t d = 0; d < COUNT(depths); d++)
            send_partial(sim, i, STREAM_PARTIAL_1000, depths[d]);
        send_ticker(sim, i, false);
        send_ticker(sim, i, true);
        send_avg_price(sim, i);
    }
}
