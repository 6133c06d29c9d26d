#include "common/leaf/fixed.h"
#include "venues/bybit/feed.h"

/* A mark that has not moved is said again while the ticker speaks: it is as fresh as that. */
#define REPEAT_NS NS_PER_S

/* ---- trades ---- */

struct print {
    struct scan_value price, qty, id;
    wire_side side;
    int64_t exchange_ns;
};

static wire_side side_of(const struct scan_value *word)
{
    return scan_is(word, "Buy") ? SIDE_BUY : scan_is(word, "Sell") ? SIDE_SELL : SIDE_NONE;
}

/* A trade or a liquidation: the same letters. */
static int read_print(const struct scan_value *item, struct print *out)
{
    struct scan_iter iter;
    struct scan_value key, value;
    int err = item->type == SCAN_OBJECT ? scan_begin(&iter, item) : ERR_PROTO;

    *out = (struct print){ .side = SIDE_NONE };
    while (!err && (err = scan_member(&iter, &key, &value)) == 0) {
        if (scan_is(&key, "p"))
            out->price = value;
        else if (scan_is(&key, "v"))
            out->qty = value;
        else if (scan_is(&key, "i"))
            out->id = value;
        else if (scan_is(&key, "S"))
            out->side = side_of(&value);
        else if (scan_is(&key, "T"))
            err = bybit_ms(&value, &out->exchange_ns);
    }
    return err == ERR_NOT_FOUND && out->price.type == SCAN_STRING && out->qty.type == SCAN_STRING &&
                   out->side != SIDE_NONE
               ? 0
               : ERR_PROTO;
}

static int print_amounts(struct bybit_market *market, const struct print *print, int64_t *price,
                         int64_t *qty)
{
    bybit_market_scale(market, bybit_decimals(&print->price), bybit_decimals(&print->qty));
    return scan_decimal(&print->price, market->book.price_exp, price) == 0 &&
                   scan_decimal(&print->qty, market->book.qty_exp, qty) == 0 && *price > 0 &&
                   *qty > 0
               ? 0
               : ERR_PROTO;
}

static int on_trade(const struct bybit_call *call, struct bybit_market *market,
                    const struct scan_value *item)
{
    struct print print;
    struct wire_trade trade;

    WIRE_BEGIN(&trade, trade);
    if (read_print(item, &print) != 0 ||
        print_amounts(market, &print, &trade.price, &trade.qty) != 0 ||
        print.id.type != SCAN_STRING ||
        scan_text(&print.id, trade.venue_trade_id, sizeof(trade.venue_trade_id)) != 0)
        return ERR_PROTO;
    trade.header.instrument = market->instrument;
    trade.exchange_ns = print.exchange_ns;
    trade.price_exp = market->book.price_exp;
    trade.qty_exp = market->book.qty_exp;
    trade.aggressor = print.side;
    call->feed->stats.trades++;
    bybit_feed_emit(call, &trade.header);
    return 0;
}

/* The price is that of bankruptcy. S is the side of the position: a long is closed by selling. */
static int on_liquidation(const struct bybit_call *call, struct bybit_market *market,
                          const struct scan_value *item)
{
    struct print print;
    struct wire_liquidation liquidation;

    WIRE_BEGIN(&liquidation, liquidation);
    if (read_print(item, &print) != 0 ||
        print_amounts(market, &print, &liquidation.price, &liquidation.qty) != 0)
        return ERR_PROTO;
    liquidation.header.instrument = market->instrument;
    liquidation.exchange_ns = print.exchange_ns;
    liquidation.price_exp = market->book.price_exp;
    liquidation.qty_exp = market->book.qty_exp;
    liquidation.side = print.side == SIDE_BUY ? SIDE_SELL : SIDE_BUY;
    bybit_feed_emit(call, &liquidation.header);
    return 0;
}

static int each(const struct bybit_call *call, struct bybit_market *market,
                const struct scan_value *data,
                int (*take)(const struct bybit_call *, struct bybit_market *,
                            const struct scan_value *))
{
    struct scan_iter iter;
    struct scan_value item;
    int first_err = 0;
    int err = data->type == SCAN_ARRAY ? scan_begin(&iter, data) : ERR_PROTO;

    while (!err && (err = scan_item(&iter, &item)) == 0) {
        int item_err = take(call, market, &item);
        if (item_err && !first_err)
            first_err = item_err;
    }
    return err == ERR_NOT_FOUND ? first_err : ERR_PROTO;
}

int bybit_feed_trades(const struct bybit_call *call, struct bybit_market *market,
                      const struct scan_value *data)
{
    return each(call, market, data, on_trade);
}

int bybit_feed_liquidations(const struct bybit_call *call, struct bybit_market *market,
                            const struct scan_value *data)
{
    return each(call, market, data, on_liquidation);
}

/* ---- tickers ---- */

static int read_price(const struct scan_value *value, struct bybit_market *market, int64_t *out)
{
    bybit_market_scale(market, bybit_decimals(value), BYBIT_EXP);
    return bybit_amount(value, market->book.price_exp, out);
}

/* Lays what the message has over what was known: what is missing has not changed. */
static int read_ticker(struct bybit_market *market, const struct scan_value *data,
                       struct bybit_ticker *ticker)
{
    struct scan_iter iter;
    struct scan_value key, value;
    int64_t hours;
    int err = data->type == SCAN_OBJECT ? scan_begin(&iter, data) : ERR_PROTO;

    while (!err && (err = scan_member(&iter, &key, &value)) == 0) {
        if (scan_is(&key, "markPrice")) {
            err = read_price(&value, market, &ticker->mark_price);
        } else if (scan_is(&key, "indexPrice")) {
            err = read_price(&value, market, &ticker->index_price);
        } else if (scan_is(&key, "fundingRate")) {
            ticker->has_rate = value.len > 0; /* Dated futures have "". */
            err = bybit_amount(&value, 9, &ticker->rate_ppb);
        } else if (scan_is(&key, "nextFundingTime")) {
            err = bybit_ms(&value, &ticker->next_funding_ns);
        } else if (scan_is(&key, "fundingIntervalHour") && scan_i64(&value, &hours) == 0 &&
                   hours > 0 && hours <= 7 * 24) {
            ticker->interval_ns = hours * 3600 * NS_PER_S;
        }
    }
    return err == ERR_NOT_FOUND && ticker->mark_price >= 0 && ticker->index_price >= 0 ? 0
                                                                                       : ERR_PROTO;
}

static void publish_mark(const struct bybit_call *call, const struct bybit_market *market,
                         int64_t exchange_ns, bool is_repeat)
{
    struct wire_mark_price mark;

    WIRE_BEGIN(&mark, mark_price);
    mark.header.flags = is_repeat ? WIRE_SNAPSHOT : 0;
    mark.header.instrument = market->instrument;
    mark.exchange_ns = exchange_ns;
    mark.mark_price = market->ticker.mark_price;
    mark.index_price = market->ticker.index_price;
    mark.price_exp = market->book.price_exp;
    bybit_feed_emit(call, &mark.header);
}

static void publish_funding(const struct bybit_call *call, const struct bybit_market *market,
                            int64_t exchange_ns, bool is_repeat)
{
    struct wire_funding funding;

    WIRE_BEGIN(&funding, funding);
    funding.header.flags = is_repeat ? WIRE_SNAPSHOT : 0;
    funding.header.instrument = market->instrument;
    funding.exchange_ns = exchange_ns;
    funding.next_funding_ns = market->ticker.next_funding_ns;
    funding.interval_ns =
        market->ticker.interval_ns ? market->ticker.interval_ns : market->interval_ns;
    funding.rate_ppb = market->ticker.rate_ppb;
    funding.is_estimate = 1;
    bybit_feed_emit(call, &funding.header);
}

int bybit_feed_ticker(const struct bybit_call *call, struct bybit_market *market, bool is_snapshot,
                      const struct scan_value *data, int64_t exchange_ns)
{
    struct bybit_ticker ticker = is_snapshot ? (struct bybit_ticker){ 0 } : market->ticker;
    struct bybit_ticker *told = &market->told;

    if (market->category == BYBIT_SPOT)
        return data->type == SCAN_OBJECT ? 0 : ERR_PROTO; /* Spot has neither mark nor funding. */
    int err = read_ticker(market, data, &ticker);
    if (err)
        return ERR_PROTO;
    bool is_repeat_due = is_snapshot || call->clock->now_ns - market->told_ns >= REPEAT_NS;
    market->ticker = ticker;
    if ((ticker.mark_price || ticker.index_price) &&
        (is_repeat_due || ticker.mark_price != told->mark_price ||
         ticker.index_price != told->index_price))
        publish_mark(call, market, exchange_ns, false);
    if (ticker.has_rate && (is_snapshot || !told->has_rate || ticker.rate_ppb != told->rate_ppb ||
                            ticker.next_funding_ns != told->next_funding_ns ||
                            ticker.interval_ns != told->interval_ns))
        publish_funding(call, market, exchange_ns, false);
    if (is_repeat_due)
        market->told_ns = call->clock->now_ns;
    *told = ticker;
    return 0;
}

void bybit_ticker_repeat(const struct bybit_call *call, struct bybit_market *market)
{
    if (market->ticker.mark_price || market->ticker.index_price)
        publish_mark(call, market, 0, true);
    if (market->ticker.has_rate)
        publish_funding(call, market, 0, true);
}
