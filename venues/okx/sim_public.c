/* The public channels (2, 3): books with their sequence, quotes, trades, tickers, and what swaps
 * have besides. */
#include "venues/okx/sim_okx.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { CHECKSUM_LEVELS = 25, BOOKS5 = 5 };
static const int64_t IDLE_BOOK_NS = 60 * NS_PER_S;
static const int64_t FUNDING_NS = 30 * NS_PER_S;

static bool has_option(const struct osim *osim, const char *word)
{
    return osim->sim->options && strstr(osim->sim->options, word);
}

/* ---- the book as subscribers have it ---- */

static uint32_t take_top(const struct match_side *side, uint32_t depth, struct osim_level *out)
{
    uint32_t count = 0;

    for (const struct match_level *level; count < depth && (level = match_level_at(side, count));
         count++)
        out[count] = (struct osim_level){ level->price, level->qty, level->order_count };
    return count;
}

static void add_level(const struct exchange_instrument *instrument, const struct osim_level *level,
                      bool *is_first, struct sim_text *out)
{
    sim_textf(out, "%s[\"", *is_first ? "" : ",");
    osim_number(out, level->price);
    sim_textf(out, "\",\"");
    osim_number(out, osim_size(instrument, level->qty));
    sim_textf(out, "\",\"0\",\"%u\"]", level->orders);
    *is_first = false;
}

static void add_side(const struct exchange_instrument *instrument, const struct osim_level *levels,
                     uint32_t count, struct sim_text *out)
{
    bool is_first = true;

    for (uint32_t i = 0; i < count; i++)
        add_level(instrument, &levels[i], &is_first, out);
}

/* Both lists are sorted, best first: what differs is found in one walk. A level that left the 400
 * is deleted too. */
static bool add_changes(const struct exchange_instrument *instrument, bool is_bid,
                        const struct osim_level *before, uint32_t before_count,
                        const struct osim_level *after, uint32_t after_count, struct sim_text *out)
{
    bool is_first = true;
    uint32_t b = 0, a = 0;

    while (b < before_count || a < after_count) {
        bool is_same = b < before_count && a < after_count && before[b].price == after[a].price;
        bool is_gone = !is_same && b < before_count &&
                       (a == after_count || (is_bid ? before[b].price > after[a].price
                                                    : before[b].price < after[a].price));
        if (is_gone) {
            struct osim_level gone = { before[b++].price, 0, 0 };
            add_level(instrument, &gone, &is_first, out);
        } else if (!is_same) {
            add_level(instrument, &after[a++], &is_first, out);
        } else {
            if (before[b].qty != after[a].qty)
                add_level(instrument, &after[a], &is_first, out);
            a++;
            b++;
        }
    }
    return !is_first;
}

/* bid, ask, bid, ask: prices and sizes as they are written, joined by colons (3.3). */
static int32_t checksum(const struct exchange_instrument *instrument,
                        const struct osim_shadow *shadow)
{
    struct sim_text text = { 0 };

    sim_text_add(&text, "", 0);
    for (uint32_t i = 0; i < CHECKSUM_LEVELS; i++)
        for (int side = 0; side < 2; side++) {
            const struct osim_level *levels = side == 0 ? shadow->bids : shadow->asks;
            if (i >= (side == 0 ? shadow->bid_count : shadow->ask_count))
                continue;
            sim_textf(&text, "%s", text.len ? ":" : "");
            osim_number(&text, levels[i].price);
            sim_textf(&text, ":");
            osim_number(&text, osim_size(instrument, levels[i].qty));
        }
    uLong crc = crc32(crc32(0, NULL, 0), (const Bytef *)text.at, (uInt)text.len);
    sim_text_free(&text);
    return (int32_t)(uint32_t)crc;
}

/* 0 since June of 2026; the option "checksum" brings the old days back. A fault makes it wrong. */
static void add_tail(struct osim *osim, const struct exchange_instrument *instrument,
                     const struct osim_shadow *shadow, int64_t previous, struct sim_text *out)
{
    int32_t sum = has_option(osim, "checksum") ? checksum(instrument, shadow) : 0;

    if (sim_fault_take(osim->sim, SIM_FAULT_CORRUPT_CHECKSUM))
        sum = checksum(instrument, shadow) ^ 1;
    osim_pair_ms(out, "ts", osim->sim->now_ns);
    sim_textf(out, ",\"checksum\":%d,\"prevSeqId\":%lld,\"seqId\":%lld}]}", sum,
              (long long)previous, (long long)shadow->sequence);
}

static struct osim_shadow *shadow_of(struct osim *osim, uint32_t at)
{
    struct osim_market *market = &osim->markets[at];
    const struct match_book *book = &osim->sim->exchange->instruments[at].book;

    if (!market->shadow) {
        market->shadow = calloc(1, sizeof(*market->shadow));
        if (!market->shadow)
            abort(); /* A tool, not a trading process. */
        market->shadow->sequence = 335226848531 + (int64_t)(sim_random(&osim->random) >> 40);
        market->shadow->bid_count = take_top(&book->bids, OSIM_LEVELS, market->shadow->bids);
        market->shadow->ask_count = take_top(&book->asks, OSIM_LEVELS, market->shadow->asks);
        market->shadow->sent_ns = osim->sim->now_ns;
    }
    return market->shadow;
}

static void begin_push(const struct exchange_instrument *instrument, const char *channel,
                       const char *action, struct sim_text *out)
{
    sim_textf(out, "{\"arg\":{\"channel\":\"%s\",\"instId\":\"%s\"}", channel,
              instrument->config.symbol);
    if (action)
        sim_textf(out, ",\"action\":\"%s\"", action);
    sim_textf(out, ",\"data\":[");
}

static void send_snapshot(struct osim *osim, struct sim_ws *ws, uint32_t at)
{
    const struct exchange_instrument *instrument = &osim->sim->exchange->instruments[at];
    const struct osim_shadow *shadow = shadow_of(osim, at);
    struct sim_text out = { 0 };

    if (has_option(osim, "no_snapshot"))
        return; /* As announced in February of 2026 (3.2). */
    begin_push(instrument, "books", "snapshot", &out);
    sim_textf(&out, "{\"asks\":[");
    add_side(instrument, shadow->asks, shadow->ask_count, &out);
    sim_textf(&out, "],\"bids\":[");
    add_side(instrument, shadow->bids, shadow->bid_count, &out);
    sim_textf(&out, "]");
    add_tail(osim, instrument, shadow, -1, &out);
    osim_send(ws, SIM_MARKET, &out);
    sim_text_free(&out);
}

/* A bid above the best ask, patched into the text only. */
static void cross(struct osim *osim, const struct exchange_instrument *instrument,
                  struct sim_text *out)
{
    int64_t ask = exchange_best(osim->sim->exchange, instrument->index, SIDE_SELL);
    const char *bids = strstr(out->at, "\"bids\":[");
    struct sim_text crossed = { 0 };
    struct osim_level level = { ask + instrument->config.tick, EXCHANGE_ONE, 1 };
    bool is_first = true;

    if (!ask || !bids || !sim_fault_take(osim->sim, SIM_FAULT_CROSS_BOOK))
        return;
    bids += strlen("\"bids\":[");
    sim_text_add(&crossed, out->at, (size_t)(bids - out->at));
    add_level(instrument, &level, &is_first, &crossed);
    sim_textf(&crossed, "%s%s", *bids == ']' ? "" : ",", bids);
    sim_text_free(out);
    *out = crossed;
}

static int64_t next_sequence(struct osim *osim, struct osim_shadow *shadow, bool is_idle)
{
    int64_t previous = shadow->sequence;

    if (shadow->is_reset)
        shadow->sequence = previous / 2;
    else if (!is_idle)
        shadow->sequence += 1 + (int64_t)(sim_random(&osim->random) >> 40) % 20;
    shadow->is_reset = false;
    return previous;
}

static void flush_book(struct osim *osim, uint32_t at)
{
    static struct osim_shadow now; /* One thread; too large for the stack. */
    const struct exchange_instrument *instrument = &osim->sim->exchange->instruments[at];
    struct osim_shadow *shadow = osim->markets[at].shadow;
    struct sim_text out = { 0 };

    now.bid_count = take_top(&instrument->book.bids, OSIM_LEVELS, now.bids);
    now.ask_count = take_top(&instrument->book.asks, OSIM_LEVELS, now.asks);
    begin_push(instrument, "books", "update", &out);
    sim_textf(&out, "{\"asks\":[");
    bool is_changed = add_changes(instrument, false, shadow->asks, shadow->ask_count, now.asks,
                                  now.ask_count, &out);
    sim_textf(&out, "],\"bids\":[");
    is_changed |= add_changes(instrument, true, shadow->bids, shadow->bid_count, now.bids,
                              now.bid_count, &out);
    sim_textf(&out, "]");
    bool is_idle = !is_changed && osim->sim->now_ns - shadow->sent_ns >= IDLE_BOOK_NS;
    if (is_changed || is_idle) {
        int64_t previous = next_sequence(osim, shadow, is_idle);
        memcpy(shadow->bids, now.bids, now.bid_count * sizeof(now.bids[0]));
        memcpy(shadow->asks, now.asks, now.ask_count * sizeof(now.asks[0]));
        shadow->bid_count = now.bid_count;
        shadow->ask_count = now.ask_count;
        shadow->sent_ns = osim->sim->now_ns;
        add_tail(osim, instrument, shadow, previous, &out);
        cross(osim, instrument, &out);
        bool is_skipped = sim_fault_take(osim->sim, SIM_FAULT_SKIP_SEQUENCE);
        for (struct sim_ws *ws = osim->sim->first_ws; ws && !is_skipped; ws = ws->next)
            if (((const struct osim_ws *)ws->state)->books[at])
                osim_send(ws, SIM_MARKET, &out);
    }
    sim_text_free(&out);
}

/* ---- rows that REST shows as well ---- */

void osim_book_row(struct osim *osim, uint32_t at, uint32_t depth, bool has_sequence,
                   struct sim_text *out)
{
    const struct exchange_instrument *instrument = &osim->sim->exchange->instruments[at];
    struct osim_shadow *shadow = shadow_of(osim, at);

    flush_book(osim, at);
    sim_textf(out, "{\"asks\":[");
    add_side(instrument, shadow->asks, MIN(depth, shadow->ask_count), out);
    sim_textf(out, "],\"bids\":[");
    add_side(instrument, shadow->bids, MIN(depth, shadow->bid_count), out);
    sim_textf(out, "]");
    osim_pair_ms(out, "ts", osim->sim->now_ns);
    if (has_sequence)
        sim_textf(out, ",\"seqId\":%lld", (long long)shadow->sequence);
    sim_textf(out, "}");
}

static const char *state_text(wire_trading_state status)
{
    return status == TRADING_OPEN        ? "live"
           : status == TRADING_POST_ONLY ? "post_only"
           : status == TRADING_AUCTION   ? "preopen"
                                         : "suspend";
}

/* Tick of a price: its step; minSz and lotSz in the venue's size (4). */
void osim_instrument_row(const struct osim *osim, uint32_t at, struct sim_text *out)
{
    const struct exchange_instrument *instrument = &osim->sim->exchange->instruments[at];
    const struct exchange_instrument_config *config = &instrument->config;
    bool is_swap = osim_is_swap(instrument);
    char family[40];

    osim_index_name(instrument, family);
    sim_textf(out,
              "{\"instType\":\"%s\",\"instId\":\"%s\",\"instIdCode\":%lld,\"instFamily\":\"%s\","
              "\"uly\":\"%s\",\"baseCcy\":\"%s\",\"quoteCcy\":\"%s\",\"settleCcy\":\"%s\","
              "\"ctType\":\"%s\",\"ctMult\":\"%s\",\"ctValCcy\":\"%s\",\"state\":\"%s\","
              "\"alias\":\"\",\"category\":\"1\",\"expTime\":\"\",\"optType\":\"\",\"stk\":\"\","
              "\"ruleType\":\"normal\",\"auctionEndTime\":\"\",\"futureSettlement\":false,"
              "\"listTime\":\"1573557408000\",\"tradeQuoteCcyList\":[]",
              is_swap ? "SWAP" : "SPOT", config->symbol, (long long)osim_code(at),
              is_swap ? family : "", is_swap ? family : "", is_swap ? "" : config->base,
              is_swap ? "" : config->quote, is_swap ? config->quote : "", is_swap ? "linear" : "",
              is_swap ? "1" : "", is_swap ? config->base : "", state_text(instrument->status));
    if (is_swap) {
        osim_pair(out, "ctVal", config->contract_size);
        sim_textf(out, ",\"lever\":\"%u\"", config->max_leverage ? config->max_leverage : 100);
    } else {
        sim_textf(out, ",\"ctVal\":\"\",\"lever\":\"10\"");
    }
    osim_pair(out, "tickSz", config->tick);
    osim_pair(out, "lotSz", osim_size(instrument, config->lot));
    osim_pair(out, "minSz", osim_size(instrument, MAX(config->min_qty, config->lot)));
    if (config->max_qty)
        osim_pair(out, "maxLmtSz", osim_size(instrument, config->max_qty));
    else
        sim_textf(out, ",\"maxLmtSz\":\"100000000\"");
    sim_textf(out, ",\"maxLmtAmt\":\"20000000\",\"maxMktAmt\":\"1000000\",\"maxMktSz\":\"\","
                   "\"maxStopSz\":\"\",\"maxIcebergSz\":\"100000000.0000000000000000\","
                   "\"maxTriggerSz\":\"100000000.0000000000000000\","
                   "\"maxTwapSz\":\"100000000.0000000000000000\"}");
}

void osim_ticker_row(const struct osim *osim, uint32_t at, struct sim_text *out)
{
    const struct exchange_instrument *instrument = &osim->sim->exchange->instruments[at];
    const struct match_level *bid = match_level_at(&instrument->book.bids, 0);
    const struct match_level *ask = match_level_at(&instrument->book.asks, 0);
    bool is_swap = osim_is_swap(instrument);

    sim_textf(out, "{\"instType\":\"%s\",\"instId\":\"%s\"", is_swap ? "SWAP" : "SPOT",
              instrument->config.symbol);
    osim_pair(out, "last", instrument->last_price);
    osim_pair(out, "lastSz", osim_size(instrument, instrument->last_qty));
    if (ask)
        osim_pair(out, "askPx", ask->price);
    if (ask)
        osim_pair(out, "askSz", osim_size(instrument, ask->qty));
    if (bid)
        osim_pair(out, "bidPx", bid->price);
    if (bid)
        osim_pair(out, "bidSz", osim_size(instrument, bid->qty));
    osim_pair(out, "open24h", instrument->open_price);
    osim_pair(out, "high24h", instrument->high_price);
    osim_pair(out, "low24h", instrument->low_price);
    osim_pair(out, "sodUtc0", instrument->open_price);
    osim_pair(out, "sodUtc8", instrument->open_price);
    osim_pair(out, "vol24h", osim_size(instrument, instrument->volume));
    osim_pair(out, "volCcy24h", is_swap ? instrument->volume : instrument->quote_volume);
    osim_pair_ms(out, "ts", osim->sim->now_ns);
    sim_textf(out, "}");
}

/* Parts per thousand million as a decimal. */
static void add_rate(struct sim_text *out, const char *name, int64_t ppb)
{
    bool is_negative = ppb < 0;
    uint64_t rate = is_negative ? (uint64_t)-ppb : (uint64_t)ppb;

    sim_textf(out, ",\"%s\":\"%s%llu.%09llu\"", name, is_negative ? "-" : "",
              (unsigned long long)(rate / 1000000000), (unsigned long long)(rate % 1000000000));
}

void osim_funding_row(const struct osim *osim, uint32_t at, struct sim_text *out)
{
    const struct exchange_instrument *instrument = &osim->sim->exchange->instruments[at];
    const struct exchange_perpetual *perpetual = &instrument->perpetual;
    int64_t interval = instrument->config.funding_interval_ns
                           ? instrument->config.funding_interval_ns
                           : 8 * 3600 * NS_PER_S;

    sim_textf(out,
              "{\"instType\":\"SWAP\",\"instId\":\"%s\",\"formulaType\":\"withRate\","
              "\"method\":\"current_period\",\"nextFundingRate\":\"\",\"settState\":\"settled\","
              "\"impactValue\":\"20000\"",
              instrument->config.symbol);
    add_rate(out, "fundingRate", perpetual->rate_ppb);
    add_rate(out, "settFundingRate", perpetual->last_rate_ppb);
    add_rate(out, "premium", perpetual->premium_ppb);
    add_rate(out, "interestRate", instrument->config.interest_ppb);
    add_rate(out, "maxFundingRate",
             instrument->config.funding_cap_ppb ? instrument->config.funding_cap_ppb : 7500000);
    add_rate(out, "minFundingRate",
             instrument->config.funding_cap_ppb ? -instrument->config.funding_cap_ppb : -7500000);
    osim_pair_ms(out, "fundingTime", perpetual->next_funding_ns);
    osim_pair_ms(out, "nextFundingTime", perpetual->next_funding_ns + interval);
    osim_pair_ms(out, "prevFundingTime", perpetual->last_funding_ns);
    osim_pair_ms(out, "ts", osim->sim->now_ns);
    sim_textf(out, "}");
}

/* ---- what is sent when it changes ---- */

/* To all who have the channel of an instrument. */
static void send_row(struct osim *osim, size_t flag, uint32_t at, const char *channel,
                     const char *inst_id, const struct sim_text *row)
{
    struct sim_text out = { 0 };

    sim_textf(&out, "{\"arg\":{\"channel\":\"%s\",\"instId\":\"%s\"},\"data\":[", channel, inst_id);
    sim_text_add(&out, row->at, row->len);
    sim_textf(&out, "]}");
    for (struct sim_ws *ws = osim->sim->first_ws; ws; ws = ws->next)
        if (((const uint8_t *)ws->state)[flag + at])
            osim_send(ws, SIM_MARKET, &out);
    sim_text_free(&out);
}
#define SEND_ROW(osim, member, at, channel, inst_id, row) \
    send_row(osim, offsetof(struct osim_ws, member), at, channel, inst_id, row)

static void add_quote(struct osim *osim, uint32_t at, struct sim_text *out)
{
    const struct exchange_instrument *instrument = &osim->sim->exchange->instruments[at];
    const struct osim_market *market = &osim->markets[at];
    const struct osim_shadow *shadow = market->shadow;

    sim_textf(out, "{\"asks\":[");
    add_side(instrument, &market->ask, market->ask.qty > 0, out);
    sim_textf(out, "],\"bids\":[");
    add_side(instrument, &market->bid, market->bid.qty > 0, out);
    sim_textf(out, "]");
    osim_pair_ms(out, "ts", osim->sim->now_ns);
    sim_textf(out, ",\"seqId\":%lld}", (long long)(shadow ? shadow->sequence : 0));
}

static bool take_quote(struct osim *osim, uint32_t at)
{
    const struct match_book *book = &osim->sim->exchange->instruments[at].book;
    struct osim_market *market = &osim->markets[at];
    struct osim_level bid = { 0 }, ask = { 0 };

    (void)take_top(&book->bids, 1, &bid);
    (void)take_top(&book->asks, 1, &ask);
    bool is_changed = bid.price != market->bid.price || bid.qty != market->bid.qty ||
                      ask.price != market->ask.price || ask.qty != market->ask.qty;
    market->bid = bid;
    market->ask = ask;
    return is_changed;
}

static void flush_quote(struct osim *osim, uint32_t at)
{
    const char *symbol = osim->sim->exchange->instruments[at].config.symbol;
    struct sim_text row = { 0 };

    if (!take_quote(osim, at))
        return;
    add_quote(osim, at, &row);
    SEND_ROW(osim, bbo, at, "bbo-tbt", symbol, &row);
    sim_text_free(&row);
}

static void flush_trades(struct osim *osim, uint32_t at)
{
    const struct exchange_instrument *instrument = &osim->sim->exchange->instruments[at];
    struct osim_market *market = &osim->markets[at];

    for (uint32_t i = 0; i < market->trade_count; i++) {
        const struct osim_trade *trade = &market->trades[i];
        struct sim_text row = { 0 };
        sim_textf(&row, "{\"instId\":\"%s\",\"tradeId\":\"%llu\"", instrument->config.symbol,
                  (unsigned long long)trade->last_id);
        osim_pair(&row, "px", trade->price);
        osim_pair(&row, "sz", osim_size(instrument, trade->qty));
        osim_pair_ms(&row, "ts", trade->at_ns);
        sim_textf(&row, ",\"side\":\"%s\",\"count\":\"%u\",\"source\":\"0\",\"seqId\":%lld}",
                  trade->side == SIDE_BUY ? "buy" : "sell", trade->count,
                  (long long)(market->shadow ? market->shadow->sequence : 0));
        SEND_ROW(osim, trades, at, "trades", instrument->config.symbol, &row);
        sim_text_free(&row);
    }
    market->trade_count = 0;
}

static void flush_mark(struct osim *osim, uint32_t at)
{
    const struct exchange_instrument *instrument = &osim->sim->exchange->instruments[at];
    struct osim_market *market = &osim->markets[at];
    const struct exchange_perpetual *perpetual = &instrument->perpetual;
    struct sim_text row = { 0 };
    char index[40];

    osim_index_name(instrument, index);
    if (perpetual->mark_price != market->mark_sent) {
        market->mark_sent = perpetual->mark_price;
        sim_textf(&row, "{\"instType\":\"SWAP\",\"instId\":\"%s\"", instrument->config.symbol);
        osim_pair(&row, "markPx", perpetual->mark_price);
        osim_pair_ms(&row, "ts", osim->sim->now_ns);
        sim_textf(&row, "}");
        SEND_ROW(osim, mark, at, "mark-price", instrument->config.symbol, &row);
    }
    if (perpetual->index_price != market->index_sent) {
        market->index_sent = perpetual->index_price;
        sim_text_clear(&row);
        sim_textf(&row, "{\"instId\":\"%s\"", index);
        osim_pair(&row, "idxPx", perpetual->index_price);
        osim_pair_ms(&row, "ts", osim->sim->now_ns);
        sim_textf(&row, "}");
        SEND_ROW(osim, index, at, "index-tickers", index, &row);
    }
    if (osim->sim->now_ns - market->funding_sent_ns >= FUNDING_NS) {
        market->funding_sent_ns = osim->sim->now_ns;
        sim_text_clear(&row);
        osim_funding_row(osim, at, &row);
        SEND_ROW(osim, funding, at, "funding-rate", instrument->config.symbol, &row);
    }
    sim_text_free(&row);
}

static void push_liquidation(struct osim *osim, const struct exchange_event *event)
{
    const struct exchange_instrument *instrument =
        &osim->sim->exchange->instruments[event->instrument];
    struct sim_text out = { 0 };
    char family[40];

    osim_index_name(instrument, family);
    sim_textf(&out,
              "{\"arg\":{\"channel\":\"liquidation-orders\",\"instType\":\"SWAP\"},\"data\":["
              "{\"details\":[{\"bkLoss\":\"0\",\"ccy\":\"\",\"posSide\":\"net\",\"side\":\"%s\"",
              event->side == SIDE_BUY ? "buy" : "sell");
    osim_pair(&out, "bkPx", event->price);
    osim_pair(&out, "sz", osim_size(instrument, event->qty));
    osim_pair_ms(&out, "ts", event->at_ns);
    sim_textf(&out,
              "}],\"instFamily\":\"%s\",\"instId\":\"%s\",\"instType\":\"SWAP\",\"uly\":\"%s\"}]}",
              family, instrument->config.symbol, family);
    for (struct sim_ws *ws = osim->sim->first_ws; ws; ws = ws->next)
        if (((const struct osim_ws *)ws->state)->has_liquidations)
            osim_send(ws, SIM_MARKET, &out);
    sim_text_free(&out);
}

static void push_instrument(struct osim *osim, uint32_t at)
{
    bool is_swap = exchange_is_perpetual(osim->sim->exchange, at);
    struct sim_text out = { 0 };

    sim_textf(&out, "{\"arg\":{\"channel\":\"instruments\",\"instType\":\"%s\"},\"data\":[",
              is_swap ? "SWAP" : "SPOT");
    osim_instrument_row(osim, at, &out);
    sim_textf(&out, "]}");
    for (struct sim_ws *ws = osim->sim->first_ws; ws; ws = ws->next)
        if (((const struct osim_ws *)ws->state)->has_instruments[is_swap])
            osim_send(ws, SIM_MARKET, &out);
    sim_text_free(&out);
}

void osim_status_row(const struct osim *osim, struct sim_text *out)
{
    sim_textf(out,
              "{\"state\":\"%s\",\"title\":\"Trading service upgrade\",\"serviceType\":\"5\","
              "\"system\":\"unified\",\"maintType\":\"1\",\"env\":\"1\",\"href\":\"\","
              "\"scheDesc\":\"\",\"preOpenBegin\":\"\"",
              osim->is_maintenance ? "ongoing" : "completed");
    osim_pair_ms(out, "begin", osim->sim->now_ns);
    osim_pair_ms(out, "end", osim->sim->now_ns + 60 * NS_PER_S);
    osim_pair_ms(out, "ts", osim->sim->now_ns);
    sim_textf(out, "}");
}

void osim_status_push(struct osim *osim)
{
    struct sim_text out = { 0 };

    sim_textf(&out, "{\"arg\":{\"channel\":\"status\"},\"data\":[");
    osim_status_row(osim, &out);
    sim_textf(&out, "]}");
    for (struct sim_ws *ws = osim->sim->first_ws; ws; ws = ws->next)
        if (((const struct osim_ws *)ws->state)->has_status)
            osim_send(ws, SIM_MARKET, &out);
    sim_text_free(&out);
}

/* ---- events and time ---- */

/* One push per taker order and price: fills that follow one another are one (2.2). */
static void on_trade(struct osim *osim, const struct exchange_event *event)
{
    struct osim_market *market = &osim->markets[event->instrument];
    struct osim_trade *last = market->trade_count ? &market->trades[market->trade_count - 1] : NULL;

    if (last && last->taker == event->order->id && last->price == event->price) {
        last->qty += event->qty;
        last->last_id = event->trade_id;
        last->count++;
    } else if (market->trade_count < OSIM_TRADES) {
        market->trades[market->trade_count++] = (struct osim_trade){ .price = event->price,
                                                                     .qty = event->qty,
                                                                     .at_ns = event->at_ns,
                                                                     .last_id = event->trade_id,
                                                                     .taker = event->order->id,
                                                                     .count = 1,
                                                                     .side = event->side };
    }
}

void osim_public_event(struct osim *osim, const struct exchange_event *event)
{
    struct osim_market *market = &osim->markets[event->instrument];

    switch (event->kind) {
    case EXCHANGE_ON_LEVEL:
        market->is_changed = market->is_top_changed = true;
        break;
    case EXCHANGE_ON_TRADE:
        on_trade(osim, event);
        break;
    case EXCHANGE_ON_MARK:
        market->is_marked = true;
        break;
    case EXCHANGE_ON_LIQUIDATION:
        push_liquidation(osim, event);
        break;
    case EXCHANGE_ON_STATUS:
        push_instrument(osim, event->instrument);
        break;
    default:
        break;
    }
}

static void flush_slow(struct osim *osim, uint32_t at)
{
    const char *symbol = osim->sim->exchange->instruments[at].config.symbol;
    struct osim_market *market = &osim->markets[at];
    struct sim_text row = { 0 };

    if (market->shadow)
        flush_book(osim, at);
    if (!market->is_changed)
        return;
    market->is_changed = false;
    osim_ticker_row(osim, at, &row);
    SEND_ROW(osim, tickers, at, "tickers", symbol, &row);
    sim_text_clear(&row);
    if (market->shadow) {
        osim_book_row(osim, at, BOOKS5, true, &row);
        SEND_ROW(osim, books5, at, "books5", symbol, &row);
    }
    sim_text_free(&row);
}

void osim_public_flush(struct osim *osim)
{
    bool is_slow = osim->sim->now_ns >= osim->next_100ms_ns;

    if (is_slow)
        osim->next_100ms_ns = osim->sim->now_ns + 100 * NS_PER_MS;
    for (uint32_t at = 0; at < osim->sim->exchange->instrument_count; at++) {
        struct osim_market *market = &osim->markets[at];
        flush_trades(osim, at);
        if (market->is_top_changed)
            flush_quote(osim, at);
        market->is_top_changed = false;
        if (market->is_marked)
            flush_mark(osim, at);
        market->is_marked = false;
        if (is_slow)
            flush_slow(osim, at);
    }
}

void osim_public_fini(struct osim *osim)
{
    for (uint32_t at = 0; at < EXCHANGE_INSTRUMENTS_MAX; at++) {
        free(osim->markets[at].shadow);
        osim->markets[at].shadow = NULL;
    }
}

/* ---- subscriptions ---- */

enum { CODE_NO_CHANNEL = 60018 };

static void send_one(struct sim_ws *ws, const char *channel, const char *inst_id,
                     const struct sim_text *row)
{
    struct sim_text out = { 0 };

    sim_textf(&out, "{\"arg\":{\"channel\":\"%s\",\"instId\":\"%s\"},\"data\":[", channel, inst_id);
    sim_text_add(&out, row->at, row->len);
    sim_textf(&out, "]}");
    osim_send(ws, SIM_MARKET, &out);
    sim_text_free(&out);
}

/* What a new subscriber is told at once. */
static void send_first(struct osim *osim, struct sim_ws *ws, const char *channel, uint32_t at)
{
    const struct exchange_instrument *instrument = &osim->sim->exchange->instruments[at];
    struct sim_text row = { 0 };
    char index[40];

    osim_index_name(instrument, index);
    if (strcmp(channel, "books") == 0) {
        send_snapshot(osim, ws, at);
        return;
    }
    if (strcmp(channel, "tickers") == 0) {
        osim_ticker_row(osim, at, &row);
    } else if (strcmp(channel, "bbo-tbt") == 0) {
        (void)take_quote(osim, at);
        add_quote(osim, at, &row);
    } else if (strcmp(channel, "books5") == 0) {
        osim_book_row(osim, at, BOOKS5, true, &row);
    } else if (strcmp(channel, "funding-rate") == 0) {
        osim_funding_row(osim, at, &row);
    } else if (strcmp(channel, "mark-price") == 0 && instrument->perpetual.mark_price) {
        sim_textf(&row, "{\"instType\":\"SWAP\",\"instId\":\"%s\"", instrument->config.symbol);
        osim_pair(&row, "markPx", instrument->perpetual.mark_price);
        osim_pair_ms(&row, "ts", osim->sim->now_ns);
        sim_textf(&row, "}");
    } else if (strcmp(channel, "index-tickers") == 0 && instrument->perpetual.index_price) {
        sim_textf(&row, "{\"instId\":\"%s\"", index);
        osim_pair(&row, "idxPx", instrument->perpetual.index_price);
        osim_pair_ms(&row, "ts", osim->sim->now_ns);
        sim_textf(&row, "}");
    }
    if (row.len)
        send_one(ws, channel,
                 strcmp(channel, "index-tickers") == 0 ? index : instrument->config.symbol, &row);
    sim_text_free(&row);
}

/* The swap that an index belongs to. */
static uint32_t find_index(const struct osim *osim, const char *name)
{
    char index[40];

    for (uint32_t i = 0; name && i < osim->sim->exchange->instrument_count; i++) {
        osim_index_name(&osim->sim->exchange->instruments[i], index);
        if (exchange_is_perpetual(osim->sim->exchange, i) && strcmp(index, name) == 0)
            return i;
    }
    return EXCHANGE_NONE;
}

static bool subscribe_general(struct osim_ws *state, const char *channel, const cJSON *arg,
                              bool is_subscribe)
{
    const char *type = osim_string(arg, "instType");

    if (strcmp(channel, "status") == 0) {
        state->has_status = is_subscribe;
        return true;
    }
    if (!type || (strcmp(type, "SPOT") != 0 && strcmp(type, "SWAP") != 0))
        return false;
    if (strcmp(channel, "liquidation-orders") == 0)
        state->has_liquidations = is_subscribe;
    else if (strcmp(channel, "instruments") == 0)
        state->has_instruments[strcmp(type, "SWAP") == 0] = is_subscribe;
    else
        return false;
    return true;
}

static const struct {
    const char *name;
    size_t flag;
    bool is_swap_only;
} channels[] = {
    { "books", offsetof(struct osim_ws, books), false },
    { "books5", offsetof(struct osim_ws, books5), false },
    { "bbo-tbt", offsetof(struct osim_ws, bbo), false },
    { "trades", offsetof(struct osim_ws, trades), false },
    { "tickers", offsetof(struct osim_ws, tickers), false },
    { "funding-rate", offsetof(struct osim_ws, funding), true },
    { "mark-price", offsetof(struct osim_ws, mark), true },
    { "index-tickers", offsetof(struct osim_ws, index), true },
};

static void send_ack(struct sim_ws *ws, const char *ack)
{
    struct sim_text out = { .at = NULL };

    sim_textf(&out, "%s", ack);
    osim_send(ws, SIM_ANSWER, &out);
    sim_text_free(&out);
}

int osim_public_subscribe(struct osim *osim, struct sim_ws *ws, const cJSON *arg, const char *text,
                          bool is_subscribe, const char *ack)
{
    struct osim_ws *state = ws->state;
    const char *channel = osim_string(arg, "channel"), *inst_id = osim_string(arg, "instId");
    (void)text;

    if (!channel)
        return 60012;
    if (subscribe_general(state, channel, arg, is_subscribe)) {
        send_ack(ws, ack);
        return 0;
    }
    for (size_t i = 0; i < COUNT(channels); i++) {
        if (strcmp(channels[i].name, channel) != 0)
            continue;
        uint32_t at = strcmp(channel, "index-tickers") == 0 ? find_index(osim, inst_id)
                                                            : osim_find(osim, inst_id);
        if (at == EXCHANGE_NONE ||
            (channels[i].is_swap_only && !exchange_is_perpetual(osim->sim->exchange, at)))
            return CODE_NO_CHANNEL;
        uint8_t *flag = (uint8_t *)ws->state + channels[i].flag + at;
        /* Whoever comes in the middle of an interval begins with what the others have. Data may
         * come before the ack (2.1). */
        bool is_early = is_subscribe && (sim_random(&osim->random) >> 33) % 4 == 0;
        if (is_subscribe)
            (void)shadow_of(osim, at);
        if (is_subscribe && strcmp(channel, "books") == 0)
            flush_book(osim, at);
        if (!is_early)
            send_ack(ws, ack);
        if (is_subscribe)
            send_first(osim, ws, channel, at);
        if (is_early)
            send_ack(ws, ack);
        *flag = is_subscribe;
        return 0;
    }
    return CODE_NO_CHANNEL;
}
