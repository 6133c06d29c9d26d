/* The market feed of futures: venues/binance's, with connections for books and for the rest, and
 * the events that spot does not have. */
#include "venues/binance/feed.h"
#include "venues/binance_futures/binance_futures.h"

#include <stdlib.h>

#define INTERVAL_NS (8 * 3600 * NS_PER_S) /* Where fundingInfo does not list a symbol. */

/* ---- mark price and funding ---- */

static int decimal_or_none(const struct scan_value *value, int exp, int64_t *out)
{
    *out = 0;
    return value->type == SCAN_NONE || value->len == 0 ? 0 : scan_decimal(value, exp, out);
}

/* A contract without funding has no rate, or no time of the next payment. */
static int on_funding(const struct feed_turn *turn, struct feed_symbol *sym,
                      const struct feed_letters *m, int64_t exchange_ns)
{
    struct wire_funding funding;

    WIRE_BEGIN(&funding, funding);
    if (LETTER(m, 'T')->type == SCAN_NONE || scan_is(LETTER(m, 'T'), "0") ||
        LETTER(m, 'r')->len == 0)
        return 0;
    if (scan_decimal(LETTER(m, 'r'), 9, &funding.rate_ppb) != 0 ||
        binance_epoch_ns(LETTER(m, 'T'), &funding.next_funding_ns) != 0)
        return ERR_PROTO;
    funding.exchange_ns = exchange_ns;
    funding.interval_ns = sym->funding_interval_ns;
    funding.is_estimate = 1;
    sym->funding = funding;
    feed_emit(turn, &funding.header, sym->instrument);
    return 0;
}

static int on_mark(const struct feed_turn *turn, struct feed_symbol *sym,
                   const struct feed_letters *m)
{
    struct wire_mark_price mark;

    WIRE_BEGIN(&mark, mark_price);
    if (binance_epoch_ns(LETTER(m, 'E'), &mark.exchange_ns) != 0 ||
        scan_decimal(LETTER(m, 'p'), sym->price_exp, &mark.mark_price) != 0 ||
        decimal_or_none(LETTER(m, 'i'), sym->price_exp, &mark.index_price) != 0 ||
        mark.mark_price <= 0 || mark.index_price < 0)
        return ERR_PROTO;
    mark.price_exp = (int8_t)sym->price_exp;
    sym->mark = mark;
    feed_emit(turn, &mark.header, sym->instrument);
    return on_funding(turn, sym, m, mark.exchange_ns);
}

/* ---- liquidations: the last of each second, not all of them ---- */

static int on_liquidation(const struct feed_turn *turn, const struct feed_message *message)
{
    struct feed_message order;
    struct wire_liquidation event;
    const struct feed_letters *m = &order.letters;
    int64_t average = 0;

    if (LETTER(&message->letters, 'o')->type != SCAN_OBJECT ||
        feed_message_read(LETTER(&message->letters, 'o'), &order) != 0)
        return ERR_PROTO;
    struct feed_symbol *sym = feed_symbol_of(turn, LETTER(m, 's'));
    if (!sym)
        return ERR_PROTO;
    WIRE_BEGIN(&event, liquidation);
    if (scan_decimal(LETTER(m, 'p'), sym->price_exp, &event.price) != 0 ||
        decimal_or_none(&order.average, sym->price_exp, &average) != 0 ||
        scan_decimal(LETTER(m, 'z'), sym->qty_exp, &event.qty) != 0 ||
        binance_epoch_ns(LETTER(m, 'T'), &event.exchange_ns) != 0 || event.qty < 0)
        return ERR_PROTO;
    if (event.qty == 0)
        return 0; /* Ordered, and nothing closed yet. */
    if (average > 0)
        event.price = average; /* p is the limit of the order: the price of bankruptcy. */
    if (event.price <= 0 || (!scan_is(LETTER(m, 'S'), "BUY") && !scan_is(LETTER(m, 'S'), "SELL")))
        return ERR_PROTO;
    event.side = scan_is(LETTER(m, 'S'), "BUY") ? SIDE_BUY : SIDE_SELL;
    event.price_exp = (int8_t)sym->price_exp;
    event.qty_exp = (int8_t)sym->qty_exp;
    sym->messages++;
    feed_emit(turn, &event.header, sym->instrument);
    return 0;
}

/* ---- what the venue says of contracts ---- */

static int on_contract(const struct feed_turn *turn, const struct feed_message *message)
{
    struct feed_symbol *sym = feed_symbol_find(turn->feed, LETTER(&message->letters, 's'));
    wire_trading_state state = futures_state_of(&message->status);

    if (!sym || sym->definition.header.size == 0 || state == TRADING_UNKNOWN ||
        state == sym->definition.state)
        return 0; /* All contracts of the venue come. */
    sym->definition.state = state;
    feed_publish_definition(turn, sym);
    return 0;
}

static int on_event(const struct feed_turn *turn, const struct feed_message *message)
{
    const struct feed_letters *m = &message->letters;
    const struct scan_value *e = LETTER(m, 'e');

    if (scan_is(e, "forceOrder"))
        return on_liquidation(turn, message);
    if (scan_is(e, "contractInfo"))
        return on_contract(turn, message);
    if (!scan_is(e, "markPriceUpdate"))
        return 0;
    struct feed_symbol *sym = feed_symbol_of(turn, LETTER(m, 's'));
    if (!sym)
        return ERR_PROTO;
    sym->messages++;
    int err = on_mark(turn, sym, m);
    sym->rejected += err == ERR_PROTO;
    return err;
}

/* fundingInfo lists the symbols whose interval is not the usual one. */
static int on_intervals(const struct feed_turn *turn, const struct scan_value *list)
{
    struct binance_feed *feed = turn->feed;
    struct scan_value item, name, hours;
    struct scan_iter iter;
    uint64_t count;
    int err = list->type == SCAN_ARRAY ? scan_begin(&iter, list) : ERR_PROTO;

    for (size_t i = 0; !err && i < feed->symbol_count; i++)
        feed->symbols[i].funding_interval_ns = INTERVAL_NS;
    while (!err && (err = scan_item(&iter, &item)) == 0) {
        if (item.type != SCAN_OBJECT || scan_find(&item, "symbol", &name) != 0 ||
            scan_find(&item, "fundingIntervalHours", &hours) != 0)
            continue;
        struct feed_symbol *sym = feed_symbol_find(feed, &name);
        if (sym && scan_u64(&hours, &count) == 0 && count > 0 && count <= 24)
            sym->funding_interval_ns = (int64_t)count * 3600 * NS_PER_S;
    }
    return err == ERR_NOT_FOUND ? 0 : ERR_PROTO;
}

/* ---- the product ---- */

/* Books may be quiet for minutes, marks come each second: a connection that brings nothing is one
 * that the venue accepted and does not serve. */
static const struct feed_product futures = {
    .product = &binance_futures_product,
    .depth_path = "/fapi/v1/depth?symbol=%s&limit=1000",
    .depth_weight = 20,
    .weight_per_minute = 1200, /* Of 2,400. */
    .weight_used_max = 2000,
    .has_chain = true,
    .has_aggregates = true,
    .classes = { { .path = "/public/stream",
                   .streams = { "depth@100ms", "bookTicker" },
                   .data_ns = 300 * NS_PER_S },
                 { .path = "/market/stream",
                   .streams = { "aggTrade", "markPrice@1s", "forceOrder" },
                   .common = "!contractInfo",
                   .data_ns = 15 * NS_PER_S } },
    .class_count = 2,
    .event = on_event,
    .extra_path = "/fapi/v1/fundingInfo",
    .extra = on_intervals,
};

static int futures_init(void *state, const struct venue_feed_config *config)
{
    return feed_open(state, config, &futures);
}

const struct venue_feed_ops binance_futures_feed_ops = {
    .state_size = sizeof(struct binance_feed),
    .init = futures_init,
    .fini = feed_fini,
    .connections = feed_connections,
    .start = feed_start,
    .opened = feed_opened,
    .closed = feed_closed,
    .frame = feed_on_frame,
    .http = feed_on_http,
    .tick = feed_tick,
    .republish = feed_republish,
    .stats = feed_stats,
    .tops = feed_tops,
};
