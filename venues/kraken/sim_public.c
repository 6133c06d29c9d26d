/* The public channels (2, 3): book with its checksum, trade, ticker, instrument, status. */
#include "venues/kraken/sim_kraken.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { CHECKSUM_LEVELS = 10, SNAP_TRADES = 50 };

const int kraken_depths[KRAKEN_DEPTHS] = { 10, 25, 100, 500, 1000 };

/* ---- the book as subscribers of a depth have it ---- */

static uint32_t take_top(const struct match_side *side, int depth, struct kraken_level *out)
{
    uint32_t count = 0;

    for (const struct match_level *level;
         count < (uint32_t)depth && (level = match_level_at(side, count)); count++)
        out[count] = (struct kraken_level){ level->price, level->qty };
    return count;
}

/* "decimal text at full fixed precision, remove the point, strip leading zeros": the scaled
 * integer. */
static uLong add_checksum(uLong crc, int64_t value, int decimals)
{
    struct sim_text text = { 0 };
    char digits[48];
    size_t len = 0;

    sim_text_decimal(&text, value, decimals);
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] != '.' && (len > 0 || text.at[i] != '0'))
            digits[len++] = text.at[i];
    sim_text_free(&text);
    return crc32(crc, (const Bytef *)digits, (uInt)len);
}

static uint32_t checksum(const struct exchange_instrument *instrument,
                         const struct kraken_shadow *shadow)
{
    const struct exchange_instrument_config *config = &instrument->config;
    uLong crc = crc32(0, NULL, 0);

    for (uint32_t i = 0; i < MIN(shadow->ask_count, CHECKSUM_LEVELS); i++) {
        crc = add_checksum(crc, shadow->asks[i].price, config->price_decimals);
        crc = add_checksum(crc, shadow->asks[i].qty, config->qty_decimals);
    }
    for (uint32_t i = 0; i < MIN(shadow->bid_count, CHECKSUM_LEVELS); i++) {
        crc = add_checksum(crc, shadow->bids[i].price, config->price_decimals);
        crc = add_checksum(crc, shadow->bids[i].qty, config->qty_decimals);
    }
    return (uint32_t)crc;
}

static void add_level(const struct exchange_instrument *instrument, struct sim_text *out,
                      int64_t price, int64_t qty, bool *is_first)
{
    sim_textf(out, "%s{\"price\":", *is_first ? "" : ",");
    sim_text_decimal(out, price, instrument->config.price_decimals);
    sim_textf(out, ",\"qty\":");
    sim_text_decimal(out, qty, instrument->config.qty_decimals);
    sim_textf(out, "}");
    *is_first = false;
}

static const struct kraken_level *find_price(const struct kraken_level *levels, uint32_t count,
                                             int64_t price)
{
    for (uint32_t i = 0; i < count; i++)
        if (levels[i].price == price)
            return &levels[i];
    return NULL;
}

/* Whether the whole book, not only the top, still has the price. A level that fell out of the depth
 * is not deleted: the subscriber drops it by the rule. */
static bool book_has(const struct match_side *side, int64_t price)
{
    const struct match_level *level;

    for (uint32_t i = 0; (level = match_level_at(side, i)); i++)
        if (level->price == price)
            return true;
    return false;
}

/* The changed levels of one side, as array elements. true: there were some. */
static bool add_changes(const struct exchange_instrument *instrument, const struct match_side *side,
                        const struct kraken_level *before, uint32_t before_count,
                        const struct kraken_level *after, uint32_t after_count,
                        struct sim_text *out)
{
    bool is_first = true;

    for (uint32_t i = 0; i < before_count; i++)
        if (!find_price(after, after_count, before[i].price) && !book_has(side, before[i].price))
            add_level(instrument, out, before[i].price, 0, &is_first);
    for (uint32_t i = 0; i < after_count; i++) {
        const struct kraken_level *old = find_price(before, before_count, after[i].price);

        if (!old || old->qty != after[i].qty)
            add_level(instrument, out, after[i].price, after[i].qty, &is_first);
    }
    return !is_first;
}

static void add_tail(struct kraken *kraken, const struct exchange_instrument *instrument,
                     const struct kraken_shadow *shadow, struct sim_text *out)
{
    uint32_t crc = checksum(instrument, shadow);
    char when[40];

    if (sim_fault_take(kraken->sim, SIM_FAULT_CORRUPT_CHECKSUM))
        crc ^= 1;
    sim_wall_text(kraken->sim->now_ns, 6, when);
    sim_textf(out, ",\"checksum\":%u,\"timestamp\":\"%s\"}]}", crc, when);
}

static struct kraken_shadow *shadow_of(struct kraken *kraken, uint32_t at, int depth)
{
    struct kraken_shadow **shadow = &kraken->books[at].shadows[depth];

    if (!*shadow) {
        const struct match_book *book = &kraken->sim->exchange->instruments[at].book;

        *shadow = calloc(1, sizeof **shadow);
        if (!*shadow)
            abort(); /* A tool, not a trading process. */
        (*shadow)->bid_count = take_top(&book->bids, kraken_depths[depth], (*shadow)->bids);
        (*shadow)->ask_count = take_top(&book->asks, kraken_depths[depth], (*shadow)->asks);
    }
    return *shadow;
}

static void send_book_snapshot(struct kraken *kraken, struct sim_ws *ws, uint32_t at, int depth)
{
    const struct exchange_instrument *instrument = &kraken->sim->exchange->instruments[at];
    const struct kraken_shadow *shadow = shadow_of(kraken, at, depth);
    struct sim_text out = { 0 };
    bool is_first = true;

    sim_textf(&out,
              "{\"channel\":\"book\",\"type\":\"snapshot\",\"data\":[{\"symbol\":\"%s\",\"bids\":[",
              instrument->config.symbol);
    for (uint32_t i = 0; i < shadow->bid_count; i++)
        add_level(instrument, &out, shadow->bids[i].price, shadow->bids[i].qty, &is_first);
    sim_textf(&out, "],\"asks\":[");
    is_first = true;
    for (uint32_t i = 0; i < shadow->ask_count; i++)
        add_level(instrument, &out, shadow->asks[i].price, shadow->asks[i].qty, &is_first);
    sim_textf(&out, "]");
    add_tail(kraken, instrument, shadow, &out);
    kraken_send(ws, SIM_MARKET, &out);
    sim_text_free(&out);
}

/* A bid above the best ask, patched into the text only: the book and its checksum know nothing of
 * it. */
static void cross(struct kraken *kraken, const struct exchange_instrument *instrument,
                  struct sim_text *out)
{
    int64_t ask = exchange_best(kraken->sim->exchange, instrument->index, SIDE_SELL);
    const char *bids = strstr(out->at, "\"bids\":[");
    struct sim_text crossed = { 0 };
    bool is_first = true;

    if (!ask || !bids || !sim_fault_take(kraken->sim, SIM_FAULT_CROSS_BOOK))
        return;
    bids += strlen("\"bids\":[");
    sim_text_add(&crossed, out->at, (size_t)(bids - out->at));
    add_level(instrument, &crossed, ask + instrument->config.tick, EXCHANGE_ONE, &is_first);
    sim_textf(&crossed, "%s%s", *bids == ']' ? "" : ",", bids);
    sim_text_free(out);
    *out = crossed;
}

static void flush_depth(struct kraken *kraken, uint32_t at, int depth)
{
    static struct kraken_shadow now; /* One thread; too large for the stack. */
    const struct exchange_instrument *instrument = &kraken->sim->exchange->instruments[at];
    struct kraken_shadow *shadow = kraken->books[at].shadows[depth];
    struct sim_text out = { 0 };
    bool is_changed;

    now.bid_count = take_top(&instrument->book.bids, kraken_depths[depth], now.bids);
    now.ask_count = take_top(&instrument->book.asks, kraken_depths[depth], now.asks);
    sim_textf(&out,
              "{\"channel\":\"book\",\"type\":\"update\",\"data\":[{\"symbol\":\"%s\",\"bids\":[",
              instrument->config.symbol);
    is_changed = add_changes(instrument, &instrument->book.bids, shadow->bids, shadow->bid_count,
                             now.bids, now.bid_count, &out);
    sim_textf(&out, "],\"asks\":[");
    is_changed |= add_changes(instrument, &instrument->book.asks, shadow->asks, shadow->ask_count,
                              now.asks, now.ask_count, &out);
    sim_textf(&out, "]");
    *shadow = now;
    if (is_changed) {
        add_tail(kraken, instrument, shadow, &out);
        cross(kraken, instrument, &out);
        bool is_skipped = sim_fault_take(kraken->sim, SIM_FAULT_SKIP_SEQUENCE);
        for (struct sim_ws *ws = kraken->sim->first_ws; ws && !is_skipped; ws = ws->next)
            if (((const struct kraken_ws *)ws->state)->book[at] == depth + 1)
                kraken_send(ws, SIM_MARKET, &out);
    }
    sim_text_free(&out);
}

/* ---- trades and ticker ---- */

static void add_trade(const struct exchange_instrument *instrument,
                      const struct kraken_trade *trade, struct sim_text *out)
{
    char when[40];

    sim_wall_text(trade->at_ns, 6, when);
    sim_textf(out, "{\"symbol\":\"%s\",\"side\":\"%s\",\"price\":", instrument->config.symbol,
              trade->side == SIDE_BUY ? "buy" : "sell");
    sim_text_decimal(out, trade->price, instrument->config.price_decimals);
    sim_textf(out, ",\"qty\":");
    sim_text_decimal(out, trade->qty, instrument->config.qty_decimals);
    sim_textf(out, ",\"ord_type\":\"%s\",\"trade_id\":%llu,\"timestamp\":\"%s\"}",
              trade->is_market ? "market" : "limit", (unsigned long long)trade->trade_id, when);
}

static void flush_trades(struct kraken *kraken, uint32_t at)
{
    const struct exchange_instrument *instrument = &kraken->sim->exchange->instruments[at];
    struct kraken_book *book = &kraken->books[at];
    struct sim_text out = { 0 };

    if (book->trade_count == 0)
        return;
    sim_textf(&out, "{\"channel\":\"trade\",\"type\":\"update\",\"data\":[");
    for (uint32_t i = 0; i < book->trade_count; i++) {
        if (i)
            sim_textf(&out, ",");
        add_trade(instrument, &book->trades[i], &out);
    }
    sim_textf(&out, "]}");
    book->trade_count = 0;
    for (struct sim_ws *ws = kraken->sim->first_ws; ws; ws = ws->next)
        if (((const struct kraken_ws *)ws->state)->trade[at])
            kraken_send(ws, SIM_MARKET, &out);
    sim_text_free(&out);
}

static void add_ticker(struct kraken *kraken, uint32_t at, const char *type, struct sim_text *out)
{
    const struct exchange_instrument *instrument = &kraken->sim->exchange->instruments[at];
    const struct kraken_book *book = &kraken->books[at];
    int price = instrument->config.price_decimals, qty = instrument->config.qty_decimals;
    int64_t change = instrument->last_price - instrument->open_price;
    int64_t vwap =
        instrument->volume
            ? (int64_t)((i128)instrument->quote_volume * EXCHANGE_ONE / instrument->volume)
            : instrument->last_price;
    const struct {
        const char *name;
        int64_t value;
        int decimals;
    } members[] = {
        { "bid", book->bid, price },
        { "bid_qty", book->bid_qty, qty },
        { "ask", book->ask, price },
        { "ask_qty", book->ask_qty, qty },
        { "last", instrument->last_price, price },
        { "volume", instrument->volume, qty },
        { "vwap", vwap, price },
        { "low", instrument->low_price, price },
        { "high", instrument->high_price, price },
        { "change", change, price },
        { "change_pct",
          instrument->open_price
              ? (int64_t)((i128)change * 100 * EXCHANGE_ONE / instrument->open_price)
              : 0,
          2 },
    };
    char when[40];

    sim_wall_text(kraken->sim->now_ns, 6, when);
    sim_textf(out, "{\"channel\":\"ticker\",\"type\":\"%s\",\"data\":[{\"symbol\":\"%s\"", type,
              instrument->config.symbol);
    for (size_t i = 0; i < COUNT(members); i++) {
        sim_textf(out, ",\"%s\":", members[i].name);
        sim_text_decimal(out, members[i].value, members[i].decimals);
    }
    sim_textf(out, ",\"timestamp\":\"%s\"}]}", when);
}

static bool take_best(struct kraken *kraken, uint32_t at)
{
    const struct match_book *book = &kraken->sim->exchange->instruments[at].book;
    const struct match_level *bid = match_level_at(&book->bids, 0),
                             *ask = match_level_at(&book->asks, 0);
    struct kraken_book *known = &kraken->books[at];
    struct kraken_book best = { .bid = bid ? bid->price : 0,
                                .bid_qty = bid ? bid->qty : 0,
                                .ask = ask ? ask->price : 0,
                                .ask_qty = ask ? ask->qty : 0 };
    bool is_changed = best.bid != known->bid || best.bid_qty != known->bid_qty ||
                      best.ask != known->ask || best.ask_qty != known->ask_qty;

    known->bid = best.bid;
    known->bid_qty = best.bid_qty;
    known->ask = best.ask;
    known->ask_qty = best.ask_qty;
    return is_changed;
}

static void flush_ticker(struct kraken *kraken, uint32_t at, bool had_trades)
{
    bool is_changed = take_best(kraken, at);
    struct sim_text out = { 0 };

    if (!is_changed && !had_trades)
        return;
    add_ticker(kraken, at, "update", &out);
    for (struct sim_ws *ws = kraken->sim->first_ws; ws; ws = ws->next) {
        uint8_t wants = ((const struct kraken_ws *)ws->state)->ticker[at];

        if ((wants == 1 && had_trades) || (wants == 2 && is_changed))
            kraken_send(ws, SIM_MARKET, &out);
    }
    sim_text_free(&out);
}

void kraken_public_event(struct kraken *kraken, const struct exchange_event *event)
{
    struct kraken_book *book = &kraken->books[event->instrument];

    if (event->kind == EXCHANGE_ON_LEVEL)
        book->is_changed = true;
    if (event->kind == EXCHANGE_ON_TRADE && book->trade_count < KRAKEN_PENDING_TRADES)
        book->trades[book->trade_count++] =
            (struct kraken_trade){ .price = event->price,
                                   .qty = event->qty,
                                   .at_ns = event->at_ns,
                                   .trade_id = event->trade_id,
                                   .side = event->side,
                                   .is_market = event->order->type == ORDER_MARKET };
}

void kraken_public_flush(struct kraken *kraken)
{
    for (uint32_t at = 0; at < kraken->sim->exchange->instrument_count; at++) {
        struct kraken_book *book = &kraken->books[at];
        bool had_trades = book->trade_count > 0;

        flush_trades(kraken, at);
        if (!book->is_changed && !had_trades)
            continue;
        book->is_changed = false;
        for (int depth = 0; depth < KRAKEN_DEPTHS; depth++)
            if (book->shadows[depth])
                flush_depth(kraken, at, depth);
        flush_ticker(kraken, at, had_trades);
    }
}

void kraken_public_fini(struct kraken *kraken)
{
    for (uint32_t at = 0; at < EXCHANGE_INSTRUMENTS_MAX; at++)
        for (int depth = 0; depth < KRAKEN_DEPTHS; depth++) {
            free(kraken->books[at].shadows[depth]);
            kraken->books[at].shadows[depth] = NULL;
        }
}

/* ---- reference data and status ---- */

static const char *status_text(wire_trading_state status)
{
    switch (status) {
    case TRADING_OPEN:
        return "online";
    case TRADING_CANCEL_ONLY:
        return "cancel_only";
    case TRADING_POST_ONLY:
        return "post_only";
    case TRADING_LIMIT_ONLY:
        return "limit_only";
    case TRADING_DELISTED:
        return "delisted";
    default:
        return "maintenance";
    }
}

static void send_instruments(struct kraken *kraken, struct sim_ws *ws)
{
    const struct exchange *exchange = kraken->sim->exchange;
    struct sim_text out = { 0 };

    sim_textf(&out, "{\"channel\":\"instrument\",\"type\":\"snapshot\",\"data\":{\"assets\":[");
    for (uint32_t i = 0; i < exchange->asset_count; i++)
        sim_textf(&out,
                  "%s{\"id\":\"%s\",\"status\":\"enabled\",\"precision\":8,\"precision_display\":5,"
                  "\"borrowable\":false,\"collateral_value\":1.0,\"margin_rate\":0.0}",
                  i ? "," : "", exchange->assets[i]);
    sim_textf(&out, "],\"pairs\":[");
    for (uint32_t i = 0; i < exchange->instrument_count; i++) {
        const struct exchange_instrument_config *config = &exchange->instruments[i].config;

        sim_textf(&out,
                  "%s{\"symbol\":\"%s\",\"base\":\"%s\",\"quote\":\"%s\",\"status\":\"%s\",\"qty_"
                  "precision\":%d,"
                  "\"qty_increment\":",
                  i ? "," : "", config->symbol, config->base, config->quote,
                  status_text(exchange->instruments[i].status), config->qty_decimals);
        sim_text_decimal(&out, config->lot, config->qty_decimals);
        sim_textf(
            &out,
            ",\"price_precision\":%d,\"cost_precision\":8,\"marginable\":false,\"has_index\":false,"
            "\"cost_min\":",
            config->price_decimals);
        sim_text_decimal(&out, config->min_notional, 2);
        sim_textf(&out, ",\"tick_size\":");
        sim_text_decimal(&out, config->tick, config->price_decimals);
        sim_textf(&out, ",\"price_increment\":");
        sim_text_decimal(&out, config->tick, config->price_decimals);
        sim_textf(&out, ",\"qty_min\":");
        sim_text_decimal(&out, config->min_qty, config->qty_decimals);
        sim_textf(&out, "}");
    }
    sim_textf(&out, "]}}");
    kraken_send(ws, SIM_MARKET, &out);
    sim_text_free(&out);
}

void kraken_status_frame(struct kraken *kraken, struct sim_ws *ws)
{
    struct sim_text out = { 0 };

    sim_textf(&out,
              "{\"channel\":\"status\",\"type\":\"update\",\"data\":[{\"version\":\"2.0.10\","
              "\"system\":\"%s\","
              "\"api_version\":\"v2\",\"connection_id\":%llu}]}",
              kraken->is_maintenance ? "maintenance" : "online",
              (unsigned long long)(ws->id * 0x9e3779b97f4a7c15u | UINT64_C(1) << 63));
    kraken_send(ws, SIM_MARKET, &out);
    sim_text_free(&out);
}

/* ---- subscriptions (2.2): one answer per symbol ---- */

struct subscription {
    struct kraken *kraken;
    struct sim_ws *ws;
    const cJSON *message, *params;
    const char *channel;
    bool is_subscribe, has_snapshot;
    int depth, trigger;
};

static void answer(const struct subscription *sub, const char *symbol, const char *error)
{
    struct sim_text out = { 0 };

    sim_textf(&out, "{\"method\":\"%s\"", sub->is_subscribe ? "subscribe" : "unsubscribe");
    if (error) {
        sim_textf(&out, ",\"error\":\"%s\",\"success\":false", error);
        if (symbol)
            sim_textf(&out, ",\"symbol\":\"%s\"", symbol);
    } else {
        sim_textf(&out, ",\"result\":{\"channel\":\"%s\"", sub->channel);
        if (strcmp(sub->channel, "book") == 0)
            sim_textf(&out, ",\"depth\":%d", kraken_depths[sub->depth]);
        if (sub->is_subscribe)
            sim_textf(&out, ",\"snapshot\":%s", sub->has_snapshot ? "true" : "false");
        if (symbol)
            sim_textf(&out, ",\"symbol\":\"%s\"", symbol);
        sim_textf(&out, "},\"success\":true");
    }
    kraken_ws_tail(sub->kraken, &out, sub->message);
    kraken_send(sub->ws, SIM_ANSWER, &out);
    sim_text_free(&out);
}

static void send_first(const struct subscription *sub, uint32_t at)
{
    struct sim_text out = { 0 };

    if (!sub->has_snapshot)
        return;
    if (strcmp(sub->channel, "book") == 0) {
        send_book_snapshot(sub->kraken, sub->ws, at, sub->depth);
    } else if (strcmp(sub->channel, "ticker") == 0) {
        (void)take_best(sub->kraken, at);
        add_ticker(sub->kraken, at, "snapshot", &out);
        kraken_send(sub->ws, SIM_MARKET, &out);
    }
    sim_text_free(&out);
}

static void subscribe_one(const struct subscription *sub, const char *symbol)
{
    struct kraken_ws *state = sub->ws->state;
    uint32_t at = exchange_instrument(sub->kraken->sim->exchange, INSTRUMENT_SPOT, symbol);
    bool is_book = strcmp(sub->channel, "book") == 0;
    char error[96];
    uint8_t *slot, value;

    if (at == EXCHANGE_NONE) {
        snprintf(error, sizeof error, "Currency pair not supported %.40s", symbol);
        answer(sub, symbol, error);
        return;
    }
    slot = is_book                              ? &state->book[at]
           : strcmp(sub->channel, "trade") == 0 ? &state->trade[at]
                                                : &state->ticker[at];
    value = (uint8_t)(is_book ? sub->depth + 1 : sub->trigger);
    if (sub->is_subscribe && *slot) {
        answer(sub, symbol, "Already subscribed");
        return;
    }
    if (!sub->is_subscribe && *slot != value && is_book) {
        answer(sub, symbol, "Subscription Not Found");
        return;
    }
    /* Whoever comes in the middle of an interval begins with what the others have. */
    if (sub->is_subscribe && is_book) {
        (void)shadow_of(sub->kraken, at, sub->depth);
        kraken_public_flush(sub->kraken);
    }
    *slot = sub->is_subscribe ? value : 0;
    state->has_any = true;
    answer(sub, symbol, NULL);
    if (sub->is_subscribe)
        send_first(sub, at);
}

static int depth_index(const cJSON *params)
{
    const cJSON *depth = cJSON_GetObjectItemCaseSensitive(params, "depth");

    if (!depth)
        return 0;
    for (int i = 0; i < KRAKEN_DEPTHS; i++)
        if (cJSON_IsNumber(depth) && depth->valueint == kraken_depths[i])
            return i;
    return -1;
}

bool kraken_public_subscribe(struct kraken *kraken, struct sim_ws *ws, const cJSON *message,
                             bool is_subscribe)
{
    const cJSON *params = cJSON_GetObjectItemCaseSensitive(message, "params");
    const cJSON *symbols = cJSON_GetObjectItemCaseSensitive(params, "symbol"), *symbol;
    const cJSON *snapshot = cJSON_GetObjectItemCaseSensitive(params, "snapshot");
    const char *trigger =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(params, "event_trigger"));
    struct subscription sub = { .kraken = kraken,
                                .ws = ws,
                                .message = message,
                                .params = params,
                                .channel = cJSON_GetStringValue(
                                    cJSON_GetObjectItemCaseSensitive(params, "channel")),
                                .is_subscribe = is_subscribe,
                                .depth = depth_index(params),
                                .trigger = trigger && strcmp(trigger, "bbo") == 0 ? 2 : 1 };

    if (!sub.channel)
        return false;
    sub.has_snapshot =
        cJSON_IsBool(snapshot) ? cJSON_IsTrue(snapshot) : strcmp(sub.channel, "trade") != 0;
    if (strcmp(sub.channel, "instrument") == 0) {
        ((struct kraken_ws *)ws->state)->has_instrument = is_subscribe;
        ((struct kraken_ws *)ws->state)->has_any = true;
        answer(&sub, NULL, NULL);
        if (is_subscribe && sub.has_snapshot)
            send_instruments(kraken, ws);
        return true;
    }
    if (strcmp(sub.channel, "book") != 0 && strcmp(sub.channel, "trade") != 0 &&
        strcmp(sub.channel, "ticker") != 0)
        return false;
    if (sub.depth < 0) {
        answer(&sub, NULL, "Subscription depth not supported");
        return true;
    }
    cJSON_ArrayForEach(symbol, symbols)
    {
        if (cJSON_IsString(symbol))
            subscribe_one(&sub, symbol->valuestring);
    }
    return true;
}
