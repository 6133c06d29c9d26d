/* sim_futures_streams.c - streams: books by the pu chain, quotes, aggregated trades, marks,
 * liquidations, each on the part of the path that it belongs to. On another one it is acknowledged
 * and silent. */
#include "venues/binance_futures/sim_futures.h"

#include <stdio.h>
#include <string.h>

/* ---- paths and names ---- */

const char *fsim_stream_open(struct sim *sim, struct sim_ws *ws)
{
    static const char *const parts[] = {
        [CLASS_PUBLIC] = "/public", [CLASS_MARKET] = "/market", [CLASS_PRIVATE] = "/private"
    };
    struct connection *connection = ws->state;

    (void)sim;
    for (unsigned i = CLASS_PUBLIC; i < COUNT(parts); i++) {
        size_t len = strlen(parts[i]);
        if (strncmp(ws->path, parts[i], len) != 0 || ws->path[len] != '/')
            continue;
        connection->class = i;
        if (i == CLASS_PRIVATE) { /* A key that is none is taken, and nothing comes. */
            (void)sim_param(ws->query, strlen(ws->query), "listenKey", connection->listen_key,
                            sizeof(connection->listen_key));
            (void)sim_param(ws->query, strlen(ws->query), "events", connection->events,
                            sizeof(connection->events));
            if (strncmp(ws->path + len, "/ws/", 4) == 0)
                snprintf(connection->listen_key, sizeof(connection->listen_key), "%.70s",
                         ws->path + len + 4);
        }
        return ws->path + len;
    }
    connection->class = CLASS_PUBLIC; /* Of before the split: books only. */
    return ws->path;
}

static const struct {
    const char *suffix;
    unsigned class;
    enum stream_kind kind;
    unsigned argument;
} suffixes[] = {
    { "depth@100ms", CLASS_PUBLIC, STREAM_DEPTH_100, 0 },
    { "depth@500ms", CLASS_PUBLIC, STREAM_DEPTH_1000, 0 },
    { "depth", CLASS_PUBLIC, STREAM_DEPTH_1000, 0 },
    { "depth5@100ms", CLASS_PUBLIC, STREAM_PARTIAL_100, 5 },
    { "depth10@100ms", CLASS_PUBLIC, STREAM_PARTIAL_100, 10 },
    { "depth20@100ms", CLASS_PUBLIC, STREAM_PARTIAL_100, 20 },
    { "depth5", CLASS_PUBLIC, STREAM_PARTIAL_1000, 5 },
    { "depth10", CLASS_PUBLIC, STREAM_PARTIAL_1000, 10 },
    { "depth20", CLASS_PUBLIC, STREAM_PARTIAL_1000, 20 },
    { "bookTicker", CLASS_PUBLIC, STREAM_BOOK_TICKER, 0 },
    { "aggTrade", CLASS_MARKET, STREAM_AGG_TRADE, 0 },
    { "markPrice", CLASS_MARKET, STREAM_MARK_PRICE, 0 },
    { "markPrice@1s", CLASS_MARKET, STREAM_MARK_PRICE_1, 0 },
    { "forceOrder", CLASS_MARKET, STREAM_FORCE_ORDER, 0 },
    { "ticker", CLASS_MARKET, STREAM_TICKER, 0 },
    { "miniTicker", CLASS_MARKET, STREAM_MINI_TICKER, 0 },
};

void fsim_stream_parse(const struct sim *sim, const struct connection *connection,
                       struct stream *out)
{
    const char *suffix = "";

    if (strcmp(out->name, "!contractInfo") == 0 && connection->class == CLASS_MARKET) {
        out->kind = STREAM_CONTRACT_INFO;
        out->instrument = 0;
        return;
    }
    out->instrument = bsim_stream_symbol(sim, out->name, &suffix);
    for (size_t i = 0; i < COUNT(suffixes) && out->instrument != EXCHANGE_NONE; i++)
        if (strcmp(suffix, suffixes[i].suffix) == 0 && connection->class == suffixes[i].class) {
            out->kind = suffixes[i].kind;
            out->argument = suffixes[i].argument;
        }
}

/* ---- books ---- */

static struct sim_text *begin(struct sim *sim, const char *event, uint32_t instrument)
{
    struct binance *state = sim->state;

    sim_text_clear(&state->scratch);
    sim_textf(&state->scratch, "{\"e\":\"%s\",\"E\":%lld", event,
              (long long)bsim_ms_of(sim->now_ns));
    if (instrument != EXCHANGE_NONE)
        sim_textf(&state->scratch, ",\"s\":\"%s\"",
                  sim->exchange->instruments[instrument].config.symbol);
    return &state->scratch;
}

static void pair_json(struct sim_text *out, const struct exchange_instrument *of, int64_t price,
                      int64_t qty)
{
    sim_textf(out, "[\"");
    sim_text_decimal(out, price, of->config.price_decimals);
    sim_textf(out, "\",\"");
    sim_text_decimal(out, qty, of->config.qty_decimals);
    sim_textf(out, "\"]");
}

static int64_t level_qty(const struct match_side *side, int64_t price)
{
    for (uint32_t i = side->count; i-- > 0;) /* Changes are near the top. */
        if (side->levels[i].price == price)
            return side->levels[i].qty;
    return 0;
}

static void diff_side(struct sim_text *out, const struct exchange_instrument *of,
                      const struct diff *diff, wire_side side)
{
    const struct match_side *levels = match_side_of(&of->book, side);
    bool is_first = true;

    sim_textf(out, "[");
    for (unsigned i = 0; i < diff->count; i++) {
        if (diff->dirty[i].side != side)
            continue;
        sim_textf(out, "%s", is_first ? "" : ",");
        pair_json(out, of, diff->dirty[i].price, level_qty(levels, diff->dirty[i].price));
        is_first = false;
    }
    sim_textf(out, "]");
}

static void depth_head(struct sim *sim, uint32_t instrument, uint64_t from, uint64_t to)
{
    const struct exchange_instrument *of = &sim->exchange->instruments[instrument];
    struct sim_text *out = begin(sim, "depthUpdate", instrument);

    /* What lies between two events belongs to no change that is seen: ids jump. */
    sim_textf(out, ",\"T\":%lld,\"ps\":\"%s\",\"U\":%llu,\"u\":%llu,\"pu\":%llu,\"st\":1",
              (long long)bsim_ms_of(sim->now_ns), of->config.symbol,
              (unsigned long long)futures_update_id(from) + 2,
              (unsigned long long)futures_update_id(to),
              (unsigned long long)futures_update_id(from));
}

/* One wrong level for the next message to know nothing of: the text is patched, not the book. */
static void spoil(struct sim *sim, const struct exchange_instrument *of, wire_side side,
                  int64_t price)
{
    struct binance *state = sim->state;
    const char *list = strstr(state->scratch.at, side == SIDE_BUY ? "\"b\":[" : "\"a\":[") + 5;
    struct sim_text wrong = { 0 };

    sim_text_add(&wrong, state->scratch.at, (size_t)(list - state->scratch.at));
    pair_json(&wrong, of, price, EXCHANGE_ONE);
    sim_textf(&wrong, "%s", *list == ']' ? "" : ",");
    sim_text_add(&wrong, list, strlen(list));
    sim_text_free(&state->scratch);
    state->scratch = wrong;
}

static void spoil_by_fault(struct sim *sim, uint32_t instrument)
{
    const struct exchange_instrument *of = &sim->exchange->instruments[instrument];
    int64_t bid = exchange_best(sim->exchange, instrument, SIDE_BUY);
    int64_t ask = exchange_best(sim->exchange, instrument, SIDE_SELL);

    if (!bid || !ask)
        return;
    if (sim_fault_take(sim, SIM_FAULT_CORRUPT_CHECKSUM))
        spoil(sim, of, SIDE_BUY, ask + ask / 1000 - (ask + ask / 1000) % of->config.tick);
    if (sim_fault_take(sim, SIM_FAULT_CROSS_BOOK))
        spoil(sim, of, SIDE_SELL, bid);
}

static void send_diff(struct sim *sim, uint32_t instrument, struct diff *diff,
                      enum stream_kind kind)
{
    struct binance *state = sim->state;
    const struct exchange_instrument *of = &sim->exchange->instruments[instrument];

    if (diff->last_u == of->update_id)
        return;
    depth_head(sim, instrument, diff->last_u, of->update_id);
    sim_textf(&state->scratch, ",\"b\":");
    diff_side(&state->scratch, of, diff, SIDE_BUY);
    sim_textf(&state->scratch, ",\"a\":");
    diff_side(&state->scratch, of, diff, SIDE_SELL);
    sim_textf(&state->scratch, "}");
    diff->last_u = of->update_id;
    diff->count = 0;
    if (kind == STREAM_DEPTH_100)
        spoil_by_fault(sim, instrument);
    if (kind == STREAM_DEPTH_100 && sim_fault_take(sim, SIM_FAULT_SKIP_SEQUENCE))
        return;
    bsim_publish(sim, kind, instrument, 0);
}

static void partial_side(struct sim_text *out, const struct exchange_instrument *of,
                         const struct match_side *side, unsigned levels)
{
    const struct match_level *level;

    sim_textf(out, "[");
    for (uint32_t i = 0; i < levels && (level = match_level_at(side, i)); i++) {
        sim_textf(out, "%s", i ? "," : "");
        pair_json(out, of, level->price, level->qty);
    }
    sim_textf(out, "]");
}

static void send_partial(struct sim *sim, uint32_t instrument, enum stream_kind kind,
                         unsigned levels)
{
    struct binance *state = sim->state;
    const struct exchange_instrument *of = &sim->exchange->instruments[instrument];

    depth_head(sim, instrument, of->update_id - 1, of->update_id);
    sim_textf(&state->scratch, ",\"b\":");
    partial_side(&state->scratch, of, &of->book.bids, levels);
    sim_textf(&state->scratch, ",\"a\":");
    partial_side(&state->scratch, of, &of->book.asks, levels);
    sim_textf(&state->scratch, "}");
    bsim_publish(sim, kind, instrument, levels);
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
    struct sim_text *out = begin(sim, "bookTicker", instrument);
    sim_textf(out, ",\"u\":%llu,\"T\":%lld,\"ps\":\"%s\",\"st\":1",
              (unsigned long long)futures_update_id(of->update_id),
              (long long)bsim_ms_of(sim->now_ns), of->config.symbol);
    fsim_price(out, of, "b", bid->price);
    fsim_qty(out, of, "B", bid->qty);
    fsim_price(out, of, "a", ask->price);
    fsim_qty(out, of, "A", ask->qty);
    sim_textf(out, "}");
    bsim_publish(sim, STREAM_BOOK_TICKER, instrument, 0);
}

/* ---- trades ---- */

static void flush_aggregate(struct sim *sim, uint32_t instrument)
{
    struct binance *state = sim->state;
    struct symbol *symbol = &state->symbols[instrument];
    struct aggregate *aggregate = &symbol->aggregate;
    const struct exchange_instrument *of = &sim->exchange->instruments[instrument];

    if (!aggregate->taker)
        return;
    struct sim_text *out = begin(sim, "aggTrade", instrument);
    sim_textf(out, ",\"a\":%llu", (unsigned long long)aggregate->id);
    fsim_price(out, of, "p", aggregate->price);
    fsim_qty(out, of, "q", aggregate->qty);
    fsim_qty(out, of, "nq", aggregate->qty);
    sim_textf(out, ",\"f\":%llu,\"l\":%llu,\"T\":%lld,\"m\":%s,\"st\":1}",
              (unsigned long long)aggregate->first_trade, (unsigned long long)aggregate->last_trade,
              (long long)bsim_ms_of(aggregate->at_ns),
              aggregate->is_buyer_maker ? "true" : "false");
    symbol->aggregates[aggregate->id % COUNT(symbol->aggregates)] = *aggregate;
    aggregate->taker = 0;
    bsim_publish(sim, STREAM_AGG_TRADE, instrument, 0);
}

/* Fills of one price and side within 100 ms are one. Those of liquidations are there as well. */
static void on_trade(struct sim *sim, const struct exchange_event *event)
{
    struct binance *state = sim->state;
    struct symbol *symbol = &state->symbols[event->instrument];
    struct aggregate *aggregate = &symbol->aggregate;
    bool is_buyer_maker = event->side == SIDE_SELL;
    size_t at = symbol->trade_count++ % COUNT(symbol->trades);

    symbol->trades[at].id = event->trade_id;
    symbol->trades[at].price = event->price;
    symbol->trades[at].qty = event->qty;
    symbol->trades[at].quote = event->quote;
    symbol->trades[at].at_ns = event->at_ns;
    symbol->trades[at].is_buyer_maker = is_buyer_maker;
    if (aggregate->taker && aggregate->price == event->price &&
        aggregate->is_buyer_maker == is_buyer_maker) {
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
                                     .is_buyer_maker = is_buyer_maker };
}

/* ---- marks, liquidations, contracts ---- */

static void send_mark(struct sim *sim, uint32_t instrument, enum stream_kind kind)
{
    const struct exchange_instrument *of = &sim->exchange->instruments[instrument];
    const struct exchange_perpetual *perpetual = &of->perpetual;

    if (perpetual->mark_price == 0)
        return;
    struct sim_text *out = begin(sim, "markPriceUpdate", instrument);
    fsim_member(out, "p", perpetual->mark_price, 8);
    fsim_member(out, "ap", perpetual->mark_price, 8);
    fsim_member(out, "i", perpetual->index_price, 8);
    fsim_member(out, "P", perpetual->index_price, 8);
    fsim_member(out, "r", perpetual->rate_ppb / 10, 8);
    sim_textf(out, ",\"T\":%lld,\"st\":1}", (long long)bsim_ms_of(perpetual->next_funding_ns));
    bsim_publish(sim, kind, instrument, 0);
}

/* Only the last one of a second is told. */
static void on_liquidation(struct sim *sim, const struct exchange_event *event)
{
    futures_state(sim)->forced[event->instrument] = (struct forced){
        .is_pending = true,
        .side = event->side,
        .price = event->price,
        .average =
            event->qty ? (int64_t)((i128)event->quote * EXCHANGE_ONE / event->qty) : event->price,
        .qty = event->qty,
        .at_ns = event->at_ns,
    };
}

static void send_forced(struct sim *sim, uint32_t instrument)
{
    struct forced *forced = &futures_state(sim)->forced[instrument];
    const struct exchange_instrument *of = &sim->exchange->instruments[instrument];

    if (!forced->is_pending)
        return;
    forced->is_pending = false;
    struct sim_text *out = begin(sim, "forceOrder", EXCHANGE_NONE);
    sim_textf(out, ",\"o\":{\"s\":\"%s\",\"S\":\"%s\",\"o\":\"LIMIT\",\"f\":\"IOC\"",
              of->config.symbol, forced->side == SIDE_BUY ? "BUY" : "SELL");
    fsim_qty(out, of, "q", forced->qty);
    fsim_price(out, of, "p", forced->price);
    fsim_member(out, "ap", forced->average, 8);
    sim_textf(out, ",\"X\":\"FILLED\"");
    fsim_qty(out, of, "l", forced->qty);
    fsim_qty(out, of, "z", forced->qty);
    sim_textf(out, ",\"T\":%lld},\"ps\":\"%s\",\"st\":1}", (long long)bsim_ms_of(forced->at_ns),
              of->config.symbol);
    bsim_publish(sim, STREAM_FORCE_ORDER, instrument, 0);
}

static void send_contract(struct sim *sim, uint32_t instrument)
{
    const struct exchange_instrument *of = &sim->exchange->instruments[instrument];
    struct sim_text *out = begin(sim, "contractInfo", instrument);

    sim_textf(out,
              ",\"ps\":\"%s\",\"ct\":\"PERPETUAL\",\"dt\":4133404800000,\"ot\":1569398400000,"
              "\"cs\":\"%s\",\"st\":1}",
              of->config.symbol,
              of->status == TRADING_OPEN       ? "TRADING"
              : of->status == TRADING_DELISTED ? "CLOSE"
                                               : "PENDING_TRADING");
    bsim_publish(sim, STREAM_CONTRACT_INFO, 0, 0);
}

static void send_ticker(struct sim *sim, uint32_t instrument, bool is_mini)
{
    const struct exchange_instrument *of = &sim->exchange->instruments[instrument];
    struct sim_text *out = begin(sim, is_mini ? "24hrMiniTicker" : "24hrTicker", instrument);
    int64_t change = of->last_price - of->open_price;

    if (!is_mini) {
        fsim_price(out, of, "p", change);
        fsim_member(out, "P", (int64_t)((i128)change * 100 * EXCHANGE_ONE / of->open_price), 3);
        fsim_price(out, of, "w",
                   of->volume ? (int64_t)((i128)of->quote_volume * EXCHANGE_ONE / of->volume)
                              : of->last_price);
        fsim_qty(out, of, "Q", of->last_qty);
    }
    fsim_price(out, of, "c", of->last_price);
    fsim_price(out, of, "o", of->open_price);
    fsim_price(out, of, "h", of->high_price);
    fsim_price(out, of, "l", of->low_price);
    fsim_qty(out, of, "v", of->volume);
    fsim_member(out, "q", of->quote_volume, 2);
    if (!is_mini)
        sim_textf(out, ",\"O\":%lld,\"C\":%lld,\"F\":%llu,\"L\":%llu,\"n\":%llu",
                  (long long)(bsim_ms_of(sim->now_ns) - 86400000),
                  (long long)bsim_ms_of(sim->now_ns), (unsigned long long)of->first_trade_id,
                  (unsigned long long)of->next_trade_id - 1, (unsigned long long)of->trade_count);
    sim_textf(out, ",\"st\":1}");
    bsim_publish(sim, is_mini ? STREAM_MINI_TICKER : STREAM_TICKER, instrument, 0);
}

/* ---- events and time ---- */

static void on_level(struct sim *sim, const struct exchange_event *event)
{
    struct binance *state = sim->state;
    struct symbol *symbol = &state->symbols[event->instrument];
    struct diff *slow = &futures_state(sim)->slow[event->instrument];

    bsim_diff_add(&symbol->fast, event->side, event->price);
    bsim_diff_add(slow, event->side, event->price);
    /* A full list is sent before its time: the chain stays whole. */
    if (symbol->fast.count == DIRTY_MAX)
        send_diff(sim, event->instrument, &symbol->fast, STREAM_DEPTH_100);
    if (slow->count == DIRTY_MAX)
        send_diff(sim, event->instrument, slow, STREAM_DEPTH_1000);
    send_book_ticker(sim, event->instrument);
}

void fsim_streams_event(struct sim *sim, const struct exchange_event *event)
{
    switch (event->kind) {
    case EXCHANGE_ON_TRADE:
        on_trade(sim, event);
        break;
    case EXCHANGE_ON_LEVEL:
        on_level(sim, event);
        break;
    case EXCHANGE_ON_LIQUIDATION:
        on_liquidation(sim, event);
        break;
    case EXCHANGE_ON_STATUS:
        send_contract(sim, event->instrument);
        break;
    default:
        break;
    }
}

/* Whether the clock has passed a multiple of every_ns since last asked. */
static bool is_due(const struct sim *sim, int64_t *next_ns, int64_t every_ns)
{
    if (sim->now_ns < *next_ns)
        return false;
    *next_ns = sim->now_ns - sim->now_ns % every_ns + every_ns;
    return true;
}

static void symbol_tick(struct sim *sim, uint32_t i, bool is_100, bool is_500, bool is_1, bool is_3)
{
    static const unsigned depths[] = { 5, 10, 20 };
    struct binance *state = sim->state;
    struct symbol *symbol = &state->symbols[i];
    bool is_changed = symbol->fast.last_u != sim->exchange->instruments[i].update_id;

    if (is_100) {
        flush_aggregate(sim, i);
        send_diff(sim, i, &symbol->fast, STREAM_DEPTH_100);
        for (size_t d = 0; is_changed && d < COUNT(depths); d++)
            send_partial(sim, i, STREAM_PARTIAL_100, depths[d]);
    }
    if (is_500) {
        send_diff(sim, i, &futures_state(sim)->slow[i], STREAM_DEPTH_1000);
        for (size_t d = 0; d < COUNT(depths); d++)
            send_partial(sim, i, STREAM_PARTIAL_1000, depths[d]);
    }
    if (is_1) {
        send_mark(sim, i, STREAM_MARK_PRICE_1);
        send_forced(sim, i);
        send_ticker(sim, i, false);
        send_ticker(sim, i, true);
    }
    if (is_3)
        send_mark(sim, i, STREAM_MARK_PRICE);
}

void fsim_streams_tick(struct sim *sim)
{
    struct futures *state = sim->state;
    bool is_100 = is_due(sim, &state->next_100ms_ns, 100 * NS_PER_MS);
    bool is_500 = is_due(sim, &state->next_500ms_ns, 500 * NS_PER_MS);
    bool is_1 = is_due(sim, &state->next_1s_ns, NS_PER_S);
    bool is_3 = is_due(sim, &state->next_3s_ns, 3 * NS_PER_S);

    for (uint32_t i = 0; i < sim->exchange->instrument_count; i++)
        symbol_tick(sim, i, is_100, is_500, is_1, is_3);
}
