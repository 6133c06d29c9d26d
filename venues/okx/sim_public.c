/* The public channels (2): quotes, trades, tickers, instruments, and what swaps have besides. */
#include "venues/okx/sim_okx.h"

#include <stdlib.h>

enum { BOOKS5 = 5 };
static const int64_t FUNDING_NS = 30 * NS_PER_S;

/* ---- rows that REST shows as well ---- */

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

void osim_quote_row(const struct osim *osim, uint32_t at, struct sim_text *out)
{
    const struct exchange_instrument *instrument = &osim->sim->exchange->instruments[at];
    const struct osim_market *market = &osim->markets[at];
    const struct osim_shadow *shadow = market->shadow;

    sim_textf(out, "{\"asks\":[");
    osim_add_side(instrument, &market->ask, market->ask.qty > 0, out);
    sim_textf(out, "],\"bids\":[");
    osim_add_side(instrument, &market->bid, market->bid.qty > 0, out);
    sim_textf(out, "]");
    osim_pair_ms(out, "ts", osim->sim->now_ns);
    sim_textf(out, ",\"seqId\":%lld}", (long long)(shadow ? shadow->sequence : 0));
}

bool osim_take_quote(struct osim *osim, uint32_t at)
{
    const struct match_book *book = &osim->sim->exchange->instruments[at].book;
    struct osim_market *market = &osim->markets[at];
    struct osim_level bid = { 0 }, ask = { 0 };

    (void)osim_take_top(&book->bids, 1, &bid);
    (void)osim_take_top(&book->asks, 1, &ask);
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

    if (!osim_take_quote(osim, at))
        return;
    osim_quote_row(osim, at, &row);
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
        osim_book_flush(osim, at);
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
