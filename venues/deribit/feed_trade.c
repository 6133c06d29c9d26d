#include "venues/deribit/feed.h"
#include "common/leaf/fixed.h"

/* A mark that has not moved is said again so often, while the ticker speaks. */
#define REPEAT_NS NS_PER_S
#define FUNDING_PERIOD_NS                                                  \
    (8 * 3600 * NS_PER_S) /* What rates are stated for; paid continuously. \
                           */

/* ---- trades ---- */

struct print {
    struct scan_value price, qty, id, liquidation;
    wire_side side;
    int64_t exchange_ns;
};

static int read_print(const struct scan_value *item, struct print *out)
{
    struct scan_iter iter;
    struct scan_value key, value;
    int err = item->type == SCAN_OBJECT ? scan_begin(&iter, item) : ERR_PROTO;

    *out = (struct print){ .side = SIDE_NONE };
    while (!err && (err = scan_member(&iter, &key, &value)) == 0) {
        if (scan_is(&key, "price"))
            out->price = value;
        else if (scan_is(&key, "amount"))
            out->qty = value;
        else if (scan_is(&key, "trade_id"))
            out->id = value;
        else if (scan_is(&key, "liquidation"))
            out->liquidation = value;
        else if (scan_is(&key, "direction") && value.type == SCAN_STRING)
            out->side = scan_is(&value, "buy")    ? SIDE_BUY
                        : scan_is(&value, "sell") ? SIDE_SELL
                                                  : SIDE_NONE;
        else if (scan_is(&key, "timestamp"))
            err = deribit_ms(&value, &out->exchange_ns);
    }
    return err == ERR_NOT_FOUND && out->price.type == SCAN_NUMBER && out->qty.type == SCAN_NUMBER &&
                   out->id.type == SCAN_STRING && out->side != SIDE_NONE
               ? 0
               : ERR_PROTO;
}

/* "T": the taker was liquidated, its order is the trade's direction; "M": the maker; "MT": both. */
static void say_liquidation(const struct deribit_call *call, const struct print *print,
                            const struct wire_trade *trade)
{
    struct wire_liquidation liquidation;
    bool is_taker = scan_is(&print->liquidation, "T") || scan_is(&print->liquidation, "MT");

    WIRE_BEGIN(&liquidation, liquidation);
    liquidation.header.instrument = trade->header.instrument;
    liquidation.exchange_ns = trade->exchange_ns;
    liquidation.price = trade->price;
    liquidation.qty = trade->qty;
    liquidation.price_exp = trade->price_exp;
    liquidation.qty_exp = trade->qty_exp;
    liquidation.side = is_taker == (print->side == SIDE_BUY) ? SIDE_BUY : SIDE_SELL;
    deribit_emit(call, &liquidation.header);
}

static int on_trade(const struct deribit_call *call, struct deribit_market *market,
                    const struct scan_value *item)
{
    struct print print;
    struct wire_trade trade;

    if (read_print(item, &print) != 0)
        return ERR_PROTO;
    deribit_scale(market, deribit_decimals(&print.price), deribit_decimals(&print.qty));
    WIRE_BEGIN(&trade, trade);
    if (scan_decimal(&print.price, market->book.price_exp, &trade.price) != 0 ||
        scan_decimal(&print.qty, market->book.qty_exp, &trade.qty) != 0 || trade.price <= 0 ||
        trade.qty <= 0 ||
        scan_text(&print.id, trade.venue_trade_id, sizeof(trade.venue_trade_id)) != 0)
        return ERR_PROTO;
    trade.header.instrument = market->instrument;
    trade.exchange_ns = print.exchange_ns;
    trade.price_exp = market->book.price_exp;
    trade.qty_exp = market->book.qty_exp;
    trade.aggressor = print.side;
    call->feed->stats.trades++;
    deribit_emit(call, &trade.header);
    if (print.liquidation.type == SCAN_STRING)
        say_liquidation(call, &print, &trade);
    return 0;
}

int deribit_trades(const struct deribit_call *call, struct deribit_market *market,
                   const struct scan_value *data)
{
    struct scan_iter iter;
    struct scan_value item;
    int first_err = 0;
    int err = data->type == SCAN_ARRAY ? scan_begin(&iter, data) : ERR_PROTO;

    while (!err && (err = scan_item(&iter, &item)) == 0) {
        int item_err = on_trade(call, market, &item);
        first_err = first_err ? first_err : item_err;
    }
    return err == ERR_NOT_FOUND ? first_err : ERR_PROTO;
}

/* ---- tickers ---- */

/* A figure that no order is made of: digits beyond exp are rounded. */
static int read_figure(const struct scan_value *value, int exp, int64_t *out)
{
    int64_t fine;
    int fine_exp;

    if (value->type != SCAN_NUMBER)
        return ERR_PROTO;
    if (scan_decimal(value, exp, out) == 0)
        return 0;
    int err = fixed_parse_natural(value->text, value->len, &fine, &fine_exp);
    return err ? err : fixed_rescale(fine, fine_exp, exp, FIXED_NEAREST, out);
}

static int read_ticker(struct deribit_market *market, const struct scan_value *data,
                       struct deribit_ticker *ticker, int64_t *exchange_ns)
{
    struct scan_value key, value, mark = { .type = SCAN_NONE }, index = { .type = SCAN_NONE };
    struct scan_iter iter;
    int err = data->type == SCAN_OBJECT ? scan_begin(&iter, data) : ERR_PROTO;

    while (!err && (err = scan_member(&iter, &key, &value)) == 0) {
        if (scan_is(&key, "mark_price"))
            mark = value;
        else if (scan_is(&key, "index_price"))
            index = value;
        else if (scan_is(&key, "current_funding")) {
            ticker->has_rate = true;
            err = read_figure(&value, 9, &ticker->rate_ppb);
        } else if (scan_is(&key, "timestamp")) {
            err = deribit_ms(&value, exchange_ns);
        }
    }
    if (err != ERR_NOT_FOUND || mark.type != SCAN_NUMBER || index.type != SCAN_NUMBER)
        return ERR_PROTO;
    deribit_scale(market, MAX(deribit_decimals(&mark), deribit_decimals(&index)), DERIBIT_EXP);
    if (read_figure(&mark, market->book.price_exp, &ticker->mark_price) != 0 ||
        read_figure(&index, market->book.price_exp, &ticker->index_price) != 0)
        return ERR_PROTO;
    return ticker->mark_price >= 0 && ticker->index_price >= 0 ? 0 : ERR_PROTO;
}

static void publish_mark(const struct deribit_call *call, const struct deribit_market *market,
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
    deribit_emit(call, &mark.header);
}

static void publish_funding(const struct deribit_call *call, const struct deribit_market *market,
                            int64_t exchange_ns, bool is_repeat)
{
    struct wire_funding funding;

    WIRE_BEGIN(&funding, funding);
    funding.header.flags = is_repeat ? WIRE_SNAPSHOT : 0;
    funding.header.instrument = market->instrument;
    funding.exchange_ns = exchange_ns;
    funding.interval_ns = FUNDING_PERIOD_NS;
    funding.rate_ppb = market->ticker.rate_ppb;
    funding.is_estimate = 1;
    deribit_emit(call, &funding.header);
}

int deribit_ticker(const struct deribit_call *call, struct deribit_market *market,
                   const struct scan_value *data)
{
    const struct deribit_ticker told = market->ticker;
    struct deribit_ticker ticker = { 0 };
    int64_t exchange_ns = 0;

    if (market->is_defined && market->definition.kind == INSTRUMENT_SPOT)
        return 0; /* Spot has neither mark nor funding. */
    int err = read_ticker(market, data, &ticker, &exchange_ns);
    if (err)
        return ERR_PROTO;
    market->ticker = ticker;
    bool is_due = call->clock->now_ns - market->told_ns >= REPEAT_NS;
    if ((ticker.mark_price || ticker.index_price) &&
        (is_due || ticker.mark_price != told.mark_price ||
         ticker.index_price != told.index_price)) {
        market->told_ns = call->clock->now_ns;
        publish_mark(call, market, exchange_ns, false);
    }
    if (ticker.has_rate && (!told.has_rate || ticker.rate_ppb != told.rate_ppb))
        publish_funding(call, market, exchange_ns, false);
    return 0;
}

void deribit_ticker_repeat(const struct deribit_call *call, struct deribit_market *market)
{
    if (market->ticker.mark_price || market->ticker.index_price)
        publish_mark(call, market, 0, true);
    if (market->ticker.has_rate)
        publish_funding(call, market, 0, true);
}
