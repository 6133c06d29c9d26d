/* Public streams (2, 3): books by depth, trades, tickers, liquidations, system status. */
#include "venues/bybit/sim_bybit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const int ysim_depths[YSIM_DEPTHS] = { 1, 50, 200, 1000 };
static const int64_t interval_ns[YSIM_DEPTHS] = { 10 * NS_PER_MS, 20 * NS_PER_MS, 100 * NS_PER_MS,
                                                  200 * NS_PER_MS };
static const int64_t QUIET_NS = 3 * NS_PER_S; /* Depth 1 is sent again then. */

static const struct exchange_instrument *instrument_of(const struct bybit_sim *state, uint32_t at)
{
    return &state->sim->exchange->instruments[at];
}

static bool is_public_of(const struct bybit_sim *state, const struct sim_ws *ws,
                         uint32_t instrument)
{
    const struct bybit_sim_ws *socket = ws->state;

    return ws->listener == YSIM_PUBLIC &&
           socket->kind ==
               (ysim_category_of(state->sim, instrument) == YSIM_SPOT ? WS_SPOT : WS_LINEAR);
}

/* ---- books ---- */

static uint32_t copy_side(const struct match_side *side, uint32_t depth, struct match_level *out)
{
    const struct match_level *level;
    uint32_t count = 0;

    while (count < depth && (level = match_level_at(side, count)))
        out[count++] = *level;
    return count;
}

static void take_book(struct ysim_shadow *shadow, const struct match_book *book, uint32_t depth)
{
    shadow->bid_count = copy_side(&book->bids, depth, shadow->bids);
    shadow->ask_count = copy_side(&book->asks, depth, shadow->asks);
}

static void pair(struct sim_text *out, const struct exchange_instrument *of, int64_t price,
                 int64_t qty, bool *is_first)
{
    sim_textf(out, "%s[\"", *is_first ? "" : ",");
    *is_first = false;
    sim_text_decimal(out, price, of->config.price_decimals);
    sim_textf(out, "\",\"");
    if (qty == 0)
        sim_textf(out, "0");
    else
        sim_text_decimal(out, qty, of->config.qty_decimals);
    sim_textf(out, "\"]");
}

static void side_json(struct sim_text *out, const struct exchange_instrument *of,
                      const struct match_level *levels, uint32_t count)
{
    bool is_first = true;

    for (uint32_t i = 0; i < count; i++)
        pair(out, of, levels[i].price, levels[i].qty, &is_first);
}

void ysim_book_body(struct bybit_sim *state, struct sim_text *out, uint32_t instrument,
                    uint32_t depth, uint64_t u)
{
    const struct exchange_instrument *of = instrument_of(state, instrument);
    struct ysim_shadow *whole = calloc(1, sizeof(*whole));

    if (!whole)
        abort();
    take_book(whole, &of->book, MIN(depth, (uint32_t)YSIM_SHADOW_MAX));
    sim_textf(out, "{\"s\":\"%s\",\"b\":[", of->config.symbol);
    side_json(out, of, whole->bids, whole->bid_count);
    sim_textf(out, "],\"a\":[");
    side_json(out, of, whole->asks, whole->ask_count);
    sim_textf(out, "],\"u\":%llu,\"seq\":%llu", (unsigned long long)u,
              (unsigned long long)state->books[instrument].seq);
    free(whole);
}

/* Levels best first in both: what differs, deletes with "0". */
static void diff_side(struct sim_text *out, const struct exchange_instrument *of,
                      const struct match_level *was, uint32_t was_count,
                      const struct match_level *is, uint32_t is_count, bool is_bid)
{
    uint32_t i = 0, j = 0;
    bool is_first = true;

    while (i < was_count || j < is_count) {
        bool has_old = i < was_count, has_new = j < is_count;
        bool is_same = has_old && has_new && was[i].price == is[j].price;
        bool is_old_better =
            has_old &&
            (!has_new || (is_bid ? was[i].price > is[j].price : was[i].price < is[j].price));
        if (is_same) {
            if (was[i].qty != is[j].qty)
                pair(out, of, is[j].price, is[j].qty, &is_first);
            i++, j++;
        } else if (is_old_better) {
            pair(out, of, was[i++].price, 0, &is_first);
        } else {
            pair(out, of, is[j].price, is[j].qty, &is_first);
            j++;
        }
    }
}

/* Spot puts ts before type, and depth 1 of linear too (2.2). */
static void book_head(struct bybit_sim *state, struct sim_text *out, uint32_t instrument, int depth,
                      const char *type)
{
    const struct exchange_instrument *of = instrument_of(state, instrument);
    bool is_ts_first = depth == 1 || ysim_category_of(state->sim, instrument) == YSIM_SPOT;
    long long ts = (long long)ysim_ms(state->sim->now_ns);

    sim_textf(out, "{\"topic\":\"orderbook.%d.%s\",", depth, of->config.symbol);
    if (is_ts_first)
        sim_textf(out, "\"ts\":%lld,\"type\":\"%s\",", ts, type);
    else
        sim_textf(out, "\"type\":\"%s\",\"ts\":%lld,", type, ts);
    sim_textf(out, "\"data\":{\"s\":\"%s\",\"b\":[", of->config.symbol);
}

static void book_tail(struct bybit_sim *state, struct sim_text *out, uint32_t instrument,
                      uint64_t u)
{
    sim_textf(out, "],\"u\":%llu,\"seq\":%llu},\"cts\":%lld}", (unsigned long long)u,
              (unsigned long long)state->books[instrument].seq,
              (long long)ysim_ms(state->sim->now_ns) - 1);
}

static void snapshot_text(struct bybit_sim *state, uint32_t instrument, unsigned d)
{
    const struct exchange_instrument *of = instrument_of(state, instrument);
    struct ysim_book *book = &state->books[instrument];
    const struct ysim_shadow *shadow = book->shadows[d];
    struct sim_text *out = &state->text;

    sim_text_clear(out);
    book_head(state, out, instrument, ysim_depths[d], "snapshot");
    side_json(out, of, shadow->bids, shadow->bid_count);
    sim_textf(out, "],\"a\":[");
    side_json(out, of, shadow->asks, shadow->ask_count);
    book_tail(state, out, instrument, book->u[d]);
}

static void publish_book(struct bybit_sim *state, uint32_t instrument, unsigned d)
{
    for (struct sim_ws *ws = state->sim->first_ws; ws; ws = ws->next) {
        const struct bybit_sim_ws *socket = ws->state;
        if (is_public_of(state, ws, instrument) && socket->books[instrument] >> d & 1)
            sim_ws_send(ws, SIM_MARKET, state->text.at, state->text.len);
    }
}

static bool has_subscriber(const struct bybit_sim *state, uint32_t instrument, unsigned d)
{
    for (const struct sim_ws *ws = state->sim->first_ws; ws; ws = ws->next) {
        const struct bybit_sim_ws *socket = ws->state;
        if (is_public_of(state, ws, instrument) && socket->books[instrument] >> d & 1)
            return true;
    }
    return false;
}

/* A bid at the best ask: the text is patched, not the book. */
static void cross(struct bybit_sim *state, uint32_t instrument)
{
    const struct exchange_instrument *of = instrument_of(state, instrument);
    int64_t ask = exchange_best(state->sim->exchange, instrument, SIDE_SELL);
    struct sim_text wrong = { 0 };
    bool is_first = true;

    if (!ask || !(sim_fault_take(state->sim, SIM_FAULT_CORRUPT_CHECKSUM) ||
                  sim_fault_take(state->sim, SIM_FAULT_CROSS_BOOK)))
        return;
    const char *bids = strstr(state->text.at, "\"b\":[") + 5;
    sim_text_add(&wrong, state->text.at, (size_t)(bids - state->text.at));
    pair(&wrong, of, ask + of->config.tick, EXCHANGE_ONE, &is_first);
    sim_textf(&wrong, "%s", *bids == ']' ? "" : ",");
    sim_text_add(&wrong, bids, strlen(bids));
    sim_text_free(&state->text);
    state->text = wrong;
}

/* Depths above 1: what changed since the last push. */
static void push_delta(struct bybit_sim *state, uint32_t instrument, unsigned d,
                       const struct ysim_shadow *now)
{
    const struct exchange_instrument *of = instrument_of(state, instrument);
    struct ysim_book *book = &state->books[instrument];
    struct ysim_shadow *shadow = book->shadows[d];
    struct sim_text *out = &state->text;

    sim_text_clear(out);
    book_head(state, out, instrument, ysim_depths[d], "delta");
    diff_side(out, of, shadow->bids, shadow->bid_count, now->bids, now->bid_count, true);
    sim_textf(out, "],\"a\":[");
    diff_side(out, of, shadow->asks, shadow->ask_count, now->asks, now->ask_count, false);
    if (strstr(out->at, "\"b\":[],\"a\":[") && out->at[out->len - 1] == '[')
        return; /* Nothing changed within this depth. */
    book->u[d]++;
    ysim_next_seq(state, instrument);
    book_tail(state, out, instrument, book->u[d]);
    memcpy(shadow->bids, now->bids, now->bid_count * sizeof(*now->bids));
    memcpy(shadow->asks, now->asks, now->ask_count * sizeof(*now->asks));
    shadow->bid_count = now->bid_count;
    shadow->ask_count = now->ask_count;
    cross(state, instrument);
    if (sim_fault_take(state->sim, SIM_FAULT_SKIP_SEQUENCE))
        return;
    publish_book(state, instrument, d);
}

static bool is_same_top(const struct ysim_shadow *a, const struct ysim_shadow *b)
{
    return a->bid_count == b->bid_count && a->ask_count == b->ask_count &&
           memcmp(a->bids, b->bids, a->bid_count * sizeof(*a->bids)) == 0 &&
           memcmp(a->asks, b->asks, a->ask_count * sizeof(*a->asks)) == 0;
}

static void push_top(struct bybit_sim *state, uint32_t instrument, const struct ysim_shadow *now)
{
    struct ysim_book *book = &state->books[instrument];
    struct ysim_shadow *shadow = book->shadows[0];

    if (is_same_top(shadow, now) && state->sim->now_ns - shadow->told_ns < QUIET_NS)
        return;
    if (!is_same_top(shadow, now))
        book->u[0]++;
    take_book(shadow, &instrument_of(state, instrument)->book, 1);
    shadow->told_ns = state->sim->now_ns;
    snapshot_text(state, instrument, 0);
    publish_book(state, instrument, 0);
}

static void flush_books(struct bybit_sim *state, uint32_t instrument)
{
    static struct ysim_shadow now; /* Too large for the stack. */
    struct ysim_book *book = &state->books[instrument];
    int64_t now_ns = state->sim->now_ns;

    for (unsigned d = 0; d < YSIM_DEPTHS; d++) {
        struct ysim_shadow *shadow = book->shadows[d];
        if (!shadow || now_ns - shadow->sent_ns < interval_ns[d])
            continue;
        shadow->sent_ns = now_ns;
        if (!has_subscriber(state, instrument, d))
            continue;
        take_book(&now, &instrument_of(state, instrument)->book, (uint32_t)ysim_depths[d]);
        if (d == 0)
            push_top(state, instrument, &now);
        else
            push_delta(state, instrument, d, &now);
    }
}

static void begin_book(struct bybit_sim *state, struct sim_ws *ws, uint32_t instrument, unsigned d)
{
    struct ysim_book *book = &state->books[instrument];
    struct bybit_sim_ws *socket = ws->state;
    bool is_followed = has_subscriber(state, instrument, d);

    if (!book->shadows[d])
        book->shadows[d] = calloc(1, sizeof(*book->shadows[d]));
    if (!book->shadows[d])
        abort();
    if (!is_followed) {
        take_book(book->shadows[d], &instrument_of(state, instrument)->book,
                  (uint32_t)ysim_depths[d]);
        book->u[d]++;
    }
    socket->books[instrument] |= (uint8_t)(1u << d);
    snapshot_text(state, instrument, d);
    sim_ws_send(ws, SIM_MARKET, state->text.at, state->text.len);
}

/* The service has restarted: u begins anew, and what comes is whole, whatever it calls itself. */
void ysim_public_restart(struct bybit_sim *state)
{
    for (uint32_t i = 0; i < state->sim->exchange->instrument_count; i++)
        for (unsigned d = 0; d < YSIM_DEPTHS; d++) {
            struct ysim_shadow *shadow = state->books[i].shadows[d];
            if (!shadow)
                continue;
            take_book(shadow, &instrument_of(state, i)->book, (uint32_t)ysim_depths[d]);
            state->books[i].u[d] = 1;
            snapshot_text(state, i, d);
            publish_book(state, i, d);
        }
}

/* ---- trades ---- */

static void trade_json(struct bybit_sim *state, struct sim_text *out, uint32_t instrument,
                       const struct ysim_trade *trade)
{
    const struct exchange_instrument *of = instrument_of(state, instrument);
    enum ysim_category category = ysim_category_of(state->sim, instrument);
    char id[YSIM_ID_MAX];

    ysim_exec_id(category, trade->id, id);
    sim_textf(out, "{\"T\":%lld,\"s\":\"%s\",\"S\":\"%s\",\"v\":\"",
              (long long)ysim_ms(trade->at_ns), of->config.symbol,
              trade->side == SIDE_BUY ? "Buy" : "Sell");
    sim_text_decimal(out, trade->qty, of->config.qty_decimals);
    sim_textf(out, "\",\"p\":\"");
    sim_text_decimal(out, trade->price, of->config.price_decimals);
    sim_textf(out, "\"%s,\"i\":\"%s\",\"BT\":false,\"RPI\":false,\"seq\":%llu}",
              category == YSIM_LINEAR ? ",\"L\":\"ZeroPlusTick\"" : "", id,
              (unsigned long long)trade->seq);
}

static void flush_trades(struct bybit_sim *state, uint32_t instrument)
{
    struct ysim_book *book = &state->books[instrument];
    struct sim_text *out = &state->text;

    if (book->trade_count == 0)
        return;
    sim_text_clear(out);
    sim_textf(out, "{\"topic\":\"publicTrade.%s\",\"type\":\"snapshot\",\"ts\":%lld,\"data\":[",
              instrument_of(state, instrument)->config.symbol,
              (long long)ysim_ms(state->sim->now_ns));
    for (uint32_t i = 0; i < book->trade_count; i++) {
        sim_textf(out, "%s", i ? "," : "");
        trade_json(state, out, instrument, &book->trades[i]);
    }
    sim_textf(out, "]}");
    book->trade_count = 0;
    for (struct sim_ws *ws = state->sim->first_ws; ws; ws = ws->next) {
        const struct bybit_sim_ws *socket = ws->state;
        if (is_public_of(state, ws, instrument) && socket->trades[instrument])
            sim_ws_send(ws, SIM_MARKET, out->at, out->len);
    }
}

static void on_trade(struct bybit_sim *state, const struct exchange_event *event)
{
    struct ysim_book *book = &state->books[event->instrument];
    struct ysim_trade trade = { event->price, event->qty,
                                event->at_ns, event->trade_id | UINT64_C(1) << 40,
                                book->seq,    event->side };

    if (book->trade_count == YSIM_TRADES_MAX)
        flush_trades(state, event->instrument);
    book->trades[book->trade_count++] = trade;
    book->recent[book->recent_count++ % COUNT(book->recent)] = trade;
}

/* ---- tickers ---- */

static struct ysim_ticker ticker_now(const struct bybit_sim *state, uint32_t instrument)
{
    const struct exchange_instrument *of = instrument_of(state, instrument);
    const struct match_level *bid = match_level_at(&of->book.bids, 0);
    const struct match_level *ask = match_level_at(&of->book.asks, 0);

    return (struct ysim_ticker){ .bid = bid ? bid->price : 0,
                                 .bid_qty = bid ? bid->qty : 0,
                                 .ask = ask ? ask->price : 0,
                                 .ask_qty = ask ? ask->qty : 0,
                                 .last = of->last_price,
                                 .mark = of->perpetual.mark_price,
                                 .index = of->perpetual.index_price,
                                 .rate_ppb = of->perpetual.rate_ppb,
                                 .next_ns = of->perpetual.next_funding_ns };
}

static void rate_json(struct sim_text *out, int64_t rate_ppb)
{
    sim_textf(out, ",\"fundingRate\":\"");
    sim_text_decimal(out, rate_ppb / 10, 8);
    sim_textf(out, "\"");
}

/* was NULL: everything. */
static void linear_fields(struct sim_text *out, const struct exchange_instrument *of,
                          const struct ysim_ticker *now, const struct ysim_ticker *was)
{
    int pd = of->config.price_decimals, qd = of->config.qty_decimals;

    if (!was || was->last != now->last)
        ysim_decimal(out, "lastPrice", now->last, pd);
    if (!was || was->mark != now->mark)
        ysim_decimal(out, "markPrice", now->mark, pd);
    if (!was || was->index != now->index)
        ysim_decimal(out, "indexPrice", now->index, pd);
    if (!was || was->rate_ppb != now->rate_ppb)
        rate_json(out, now->rate_ppb);
    if (!was || was->next_ns != now->next_ns)
        sim_textf(out, ",\"nextFundingTime\":\"%lld\"", (long long)ysim_ms(now->next_ns));
    if (!was || was->bid != now->bid || was->bid_qty != now->bid_qty) {
        ysim_decimal(out, "bid1Price", now->bid, pd);
        ysim_decimal(out, "bid1Size", now->bid_qty, qd);
    }
    if (!was || was->ask != now->ask || was->ask_qty != now->ask_qty) {
        ysim_decimal(out, "ask1Price", now->ask, pd);
        ysim_decimal(out, "ask1Size", now->ask_qty, qd);
    }
}

static void day_fields(struct sim_text *out, const struct exchange_instrument *of)
{
    int pd = of->config.price_decimals;

    ysim_decimal(out, "prevPrice24h", of->open_price, pd);
    ysim_decimal(out, "highPrice24h", of->high_price, pd);
    ysim_decimal(out, "lowPrice24h", of->low_price, pd);
    sim_textf(out, ",\"price24hPcnt\":\"0\"");
    ysim_decimal(out, "volume24h", of->volume, 8);
    ysim_decimal(out, "turnover24h", of->quote_volume, 8);
}

void ysim_ticker_body(struct bybit_sim *state, struct sim_text *out, uint32_t instrument,
                      bool is_rest)
{
    const struct exchange_instrument *of = instrument_of(state, instrument);
    struct ysim_ticker now = ticker_now(state, instrument);
    int pd = of->config.price_decimals, qd = of->config.qty_decimals;

    sim_textf(out, "{\"symbol\":\"%s\"", of->config.symbol);
    day_fields(out, of);
    if (ysim_category_of(state->sim, instrument) == YSIM_LINEAR) {
        linear_fields(out, of, &now, NULL);
        int64_t open = exchange_open_interest(state->sim->exchange, instrument);
        ysim_decimal(out, "openInterest", 2 * open, qd);
        ysim_decimal(out, "openInterestValue", exchange_quote(now.mark, 2 * open), 8);
        sim_textf(out,
                  ",\"tickDirection\":\"ZeroPlusTick\",\"prevPrice1h\":\"\","
                  "\"fundingIntervalHour\":\"%lld\",\"fundingCap\":\"0.005\"",
                  (long long)MAX(1, of->config.funding_interval_ns / (3600 * NS_PER_S)));
    } else {
        ysim_decimal(out, "lastPrice", now.last, pd);
        if (is_rest) {
            ysim_decimal(out, "bid1Price", now.bid, pd);
            ysim_decimal(out, "bid1Size", now.bid_qty, qd);
            ysim_decimal(out, "ask1Price", now.ask, pd);
            ysim_decimal(out, "ask1Size", now.ask_qty, qd);
        }
        ysim_decimal(out, "usdIndexPrice", now.last, 8);
    }
    sim_textf(out, "}");
}

static void ticker_snapshot(struct bybit_sim *state, uint32_t instrument)
{
    struct sim_text *out = &state->text;

    sim_text_clear(out);
    sim_textf(out, "{\"topic\":\"tickers.%s\",\"type\":\"snapshot\",\"data\":",
              instrument_of(state, instrument)->config.symbol);
    ysim_ticker_body(state, out, instrument, false);
    sim_textf(out, ",\"cs\":%llu,\"ts\":%lld}", (unsigned long long)state->books[instrument].seq,
              (long long)ysim_ms(state->sim->now_ns));
}

static void flush_ticker(struct bybit_sim *state, uint32_t instrument)
{
    struct ysim_book *book = &state->books[instrument];
    const struct exchange_instrument *of = instrument_of(state, instrument);
    bool is_spot = ysim_category_of(state->sim, instrument) == YSIM_SPOT;
    struct ysim_ticker now = ticker_now(state, instrument);

    if (state->sim->now_ns - book->ticker_ns < (is_spot ? 50 : 100) * NS_PER_MS ||
        memcmp(&now, &book->ticker, sizeof(now)) == 0)
        return;
    book->ticker_ns = state->sim->now_ns;
    if (is_spot) {
        if (now.last == book->ticker.last)
            return;
        ticker_snapshot(state, instrument);
    } else {
        struct sim_text *out = &state->text;
        sim_text_clear(out);
        sim_textf(out, "{\"topic\":\"tickers.%s\",\"type\":\"delta\",\"data\":{\"symbol\":\"%s\"",
                  of->config.symbol, of->config.symbol);
        linear_fields(out, of, &now, &book->ticker);
        sim_textf(out, "},\"cs\":%llu,\"ts\":%lld}", (unsigned long long)book->seq,
                  (long long)ysim_ms(state->sim->now_ns));
    }
    book->ticker = now;
    for (struct sim_ws *ws = state->sim->first_ws; ws; ws = ws->next) {
        const struct bybit_sim_ws *socket = ws->state;
        if (is_public_of(state, ws, instrument) && socket->tickers[instrument])
            sim_ws_send(ws, SIM_MARKET, state->text.at, state->text.len);
    }
}

/* ---- liquidations: the side is that of the position ---- */

static void on_liquidation(struct bybit_sim *state, const struct exchange_event *event)
{
    const struct exchange_instrument *of = instrument_of(state, event->instrument);
    struct sim_text *out = &state->text;
    long long ms = (long long)ysim_ms(event->at_ns);

    sim_text_clear(out);
    sim_textf(out,
              "{\"topic\":\"allLiquidation.%s\",\"type\":\"snapshot\",\"ts\":%lld,\"data\":[{\"T\":"
              "%lld,\"s\":\"%s\",\"S\":\"%s\",\"v\":\"",
              of->config.symbol, ms, ms, of->config.symbol,
              event->side == SIDE_SELL ? "Buy" : "Sell");
    sim_text_decimal(out, event->qty, of->config.qty_decimals);
    sim_textf(out, "\",\"p\":\"");
    sim_text_decimal(out, event->price, of->config.price_decimals);
    sim_textf(out, "\"}]}");
    for (struct sim_ws *ws = state->sim->first_ws; ws; ws = ws->next) {
        const struct bybit_sim_ws *socket = ws->state;
        if (is_public_of(state, ws, event->instrument) && socket->liquidations[event->instrument])
            sim_ws_send(ws, SIM_MARKET, out->at, out->len);
    }
}

void ysim_public_event(struct bybit_sim *state, const struct exchange_event *event)
{
    if (event->kind == EXCHANGE_ON_TRADE) {
        ysim_next_seq(state, event->instrument);
        on_trade(state, event);
    } else if (event->kind == EXCHANGE_ON_LIQUIDATION) {
        on_liquidation(state, event);
    }
}

void ysim_public_flush(struct bybit_sim *state)
{
    for (uint32_t i = 0; i < state->sim->exchange->instrument_count; i++) {
        flush_trades(state, i);
        flush_books(state, i);
        flush_ticker(state, i);
    }
}

void ysim_public_fini(struct bybit_sim *state)
{
    for (uint32_t i = 0; i < EXCHANGE_INSTRUMENTS_MAX; i++)
        for (unsigned d = 0; d < YSIM_DEPTHS; d++) {
            free(state->books[i].shadows[d]);
            state->books[i].shadows[d] = NULL;
        }
}

/* ---- system status ---- */

static void status_text(struct bybit_sim *state)
{
    sim_text_clear(&state->text);
    sim_textf(&state->text, "{\"topic\":\"system.status\",\"ts\":%lld,\"data\":[",
              (long long)ysim_ms(state->sim->now_ns));
    ysim_status_row(state, &state->text);
    sim_textf(&state->text, "]}");
}

void ysim_status_push(struct bybit_sim *state)
{
    status_text(state);
    for (struct sim_ws *ws = state->sim->first_ws; ws; ws = ws->next) {
        const struct bybit_sim_ws *socket = ws->state;
        if (socket->kind == WS_STATUS && socket->has_status)
            sim_ws_send(ws, SIM_MARKET, state->text.at, state->text.len);
    }
}

/* ---- subscriptions ---- */

static uint32_t topic_instrument(struct bybit_sim *state, const struct bybit_sim_ws *socket,
                                 const char *topic)
{
    const char *symbol = strrchr(topic, '.');

    return symbol ? ysim_instrument(state->sim, socket->kind == WS_SPOT ? YSIM_SPOT : YSIM_LINEAR,
                                    symbol + 1)
                  : EXCHANGE_NONE;
}

static int depth_of(const char *topic)
{
    int depth = atoi(topic + strlen("orderbook."));

    for (int d = 0; d < YSIM_DEPTHS; d++)
        if (ysim_depths[d] == depth)
            return d;
    return -1;
}

static bool begins(const char *text, const char *begin)
{
    return strncmp(text, begin, strlen(begin)) == 0;
}

static void refuse(const struct bybit_sim_ws *socket, const char *topic, char *refusal, size_t cap)
{
    if (socket->kind == WS_SPOT)
        snprintf(refusal, cap, "Invalid symbol :[%s]", topic);
    else
        snprintf(refusal, cap, "error:handler not found,topic:%s", topic);
}

static void subscribe_flag(struct bybit_sim *state, struct sim_ws *ws, bool *flag, uint32_t at,
                           const char *topic, bool is_on, char *refusal, size_t cap)
{
    if (is_on && *flag) {
        snprintf(refusal, cap, "error:already subscribed,topic:%s", topic);
        return;
    }
    *flag = is_on;
    if (is_on && begins(topic, "tickers.")) {
        ticker_snapshot(state, at);
        sim_ws_send(ws, SIM_MARKET, state->text.at, state->text.len);
    }
}

void ysim_public_subscribe(struct bybit_sim *state, struct sim_ws *ws, const char *topic,
                           bool is_on, char *refusal, size_t cap)
{
    struct bybit_sim_ws *socket = ws->state;

    refusal[0] = '\0';
    if (socket->kind == WS_STATUS) {
        socket->has_status = is_on;
        if (strcmp(topic, "system.status") != 0) {
            refuse(socket, topic, refusal, cap);
        } else if (is_on && state->is_maintenance) { /* Whoever comes late hears of it too. */
            status_text(state);
            sim_ws_send(ws, SIM_MARKET, state->text.at, state->text.len);
        }
        return;
    }
    uint32_t at = topic_instrument(state, socket, topic);
    int depth = begins(topic, "orderbook.") ? depth_of(topic) : 0;
    bool is_linear = socket->kind == WS_LINEAR;
    if (at == EXCHANGE_NONE || depth < 0) {
        refuse(socket, topic, refusal, cap);
    } else if (begins(topic, "orderbook.")) {
        if (!is_on)
            socket->books[at] &= (uint8_t) ~(1u << depth);
        else if (socket->books[at] >> depth & 1)
            snprintf(refusal, cap, "error:already subscribed,topic:%s", topic);
        else
            begin_book(state, ws, at, (unsigned)depth);
    } else if (begins(topic, "publicTrade.")) {
        subscribe_flag(state, ws, &socket->trades[at], at, topic, is_on, refusal, cap);
    } else if (begins(topic, "tickers.")) {
        subscribe_flag(state, ws, &socket->tickers[at], at, topic, is_on, refusal, cap);
    } else if (begins(topic, "allLiquidation.") && is_linear) {
        subscribe_flag(state, ws, &socket->liquidations[at], at, topic, is_on, refusal, cap);
    } else {
        refuse(socket, topic, refusal, cap);
    }
}
