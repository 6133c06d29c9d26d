#include "venues/kraken/feed.h"

#include <stdio.h>

struct trade_message {
    struct scan_value symbol, price, qty;
    wire_side side;
    uint64_t trade_id;
    int64_t exchange_ns;
};

static int read_trade(const struct scan_value *item, struct trade_message *out)
{
    struct scan_iter iter;
    struct scan_value key, value;
    int err = item->type == SCAN_OBJECT ? scan_begin(&iter, item) : ERR_PROTO;

    while (!err && (err = scan_member(&iter, &key, &value)) == 0) {
        if (scan_is(&key, "symbol"))
            out->symbol = value;
        else if (scan_is(&key, "price"))
            out->price = value;
        else if (scan_is(&key, "qty"))
            out->qty = value;
        else if (scan_is(&key, "side"))
            out->side = scan_is(&value, "buy")    ? SIDE_BUY
                        : scan_is(&value, "sell") ? SIDE_SELL
                                                  : SIDE_NONE;
        else if (scan_is(&key, "trade_id"))
            err = scan_u64(&value, &out->trade_id);
        else if (scan_is(&key, "timestamp"))
            err = time_text_read(value.text, value.len, &out->exchange_ns);
    }
    return err == ERR_NOT_FOUND && out->symbol.type == SCAN_STRING &&
                   out->price.type == SCAN_NUMBER && out->qty.type == SCAN_NUMBER && out->side
               ? 0
               : ERR_PROTO;
}

/* Trade ids of a book count without holes: a jump is a loss. */
static void follow_trade_id(const struct kraken_call *call, struct kraken_market *market,
                            uint64_t trade_id)
{
    if (market->last_trade_id && trade_id > market->last_trade_id + 1) {
        call->feed->stats.gaps++;
        market->gaps++;
    }
    market->last_trade_id = MAX(market->last_trade_id, trade_id);
}

static int on_trade(const struct kraken_call *call, const struct scan_value *item, bool is_snapshot)
{
    struct trade_message message = { .side = SIDE_NONE };
    struct wire_trade trade;

    if (read_trade(item, &message) != 0)
        return ERR_PROTO;
    struct kraken_market *market = kraken_feed_market(call, &message.symbol);
    if (!market)
        return 0;
    market->messages++;
    market->last_message_ns = call->clock->now_ns;
    WIRE_BEGIN(&trade, trade);
    kraken_market_scale(market, kraken_decimals(&message.price), kraken_decimals(&message.qty));
    if (scan_decimal(&message.price, market->book.price_exp, &trade.price) != 0 ||
        scan_decimal(&message.qty, market->book.qty_exp, &trade.qty) != 0 || trade.price <= 0 ||
        trade.qty <= 0)
        return ERR_PROTO;
    trade.header.instrument = market->instrument;
    trade.header.flags = is_snapshot ? WIRE_SNAPSHOT : 0;
    trade.exchange_ns = message.exchange_ns;
    trade.price_exp = market->book.price_exp;
    trade.qty_exp = market->book.qty_exp;
    trade.aggressor = message.side;
    snprintf(trade.venue_trade_id, sizeof(trade.venue_trade_id), "%llu",
             (unsigned long long)message.trade_id);
    if (is_snapshot)
        market->last_trade_id = MAX(market->last_trade_id, message.trade_id);
    else
        follow_trade_id(call, market, message.trade_id);
    call->feed->stats.trades++;
    kraken_feed_emit(call, &trade.header);
    return 0;
}

int kraken_feed_trades(const struct kraken_call *call, const struct scan_value *data,
                       bool is_snapshot)
{
    struct scan_iter iter;
    struct scan_value item;
    int first_err = 0;
    int err = data->type == SCAN_ARRAY ? scan_begin(&iter, data) : ERR_PROTO;

    while (!err && (err = scan_item(&iter, &item)) == 0) {
        int item_err = on_trade(call, &item, is_snapshot);
        if (item_err && !first_err)
            first_err = item_err;
    }
    return err == ERR_NOT_FOUND ? first_err : ERR_PROTO;
}

/* One field of a ticker, the number at exp. */
static int ticker_field(const struct scan_value *item, const char *name, int exp, int64_t *out)
{
    struct scan_value value;
    int err = scan_find(item, name, &value);

    return err ? ERR_PROTO : scan_decimal(&value, exp, out);
}

/* The live feed does not subscribe to the ticker; a recording may have it and no book. While there
 * is a good book, the book's own top is the only one that is published. */
static int on_ticker(const struct kraken_call *call, const struct scan_value *item)
{
    struct wire_level bid, ask;
    struct scan_value symbol, price, qty, stamp;
    int64_t exchange_ns = 0;

    if (item->type != SCAN_OBJECT || scan_find(item, "symbol", &symbol) != 0 ||
        scan_find(item, "bid", &price) != 0 || scan_find(item, "bid_qty", &qty) != 0)
        return ERR_PROTO;
    struct kraken_market *market = kraken_feed_market(call, &symbol);
    if (!market)
        return 0;
    market->messages++;
    market->last_message_ns = call->clock->now_ns;
    kraken_market_scale(market, kraken_decimals(&price), kraken_decimals(&qty));
    if (ticker_field(item, "bid", market->book.price_exp, &bid.price) != 0 ||
        ticker_field(item, "bid_qty", market->book.qty_exp, &bid.qty) != 0 ||
        ticker_field(item, "ask", market->book.price_exp, &ask.price) != 0 ||
        ticker_field(item, "ask_qty", market->book.qty_exp, &ask.qty) != 0)
        return ERR_PROTO;
    if (scan_find(item, "timestamp", &stamp) == 0 &&
        time_text_read(stamp.text, stamp.len, &exchange_ns) != 0)
        return ERR_PROTO;
    if (bid.price < 0 || bid.qty < 0 || ask.price < 0 || ask.qty < 0 ||
        (bid.price > 0 && ask.price > 0 && bid.price >= ask.price))
        return ERR_PROTO;
    if (market->state != FEED_LIVE && !market->is_subscribed)
        kraken_market_quote(call, market, bid, ask, exchange_ns);
    return 0;
}

int kraken_feed_ticker(const struct kraken_call *call, const struct scan_value *data)
{
    struct scan_iter iter;
    struct scan_value item;
    int first_err = 0;
    int err = data->type == SCAN_ARRAY ? scan_begin(&iter, data) : ERR_PROTO;

    while (!err && (err = scan_item(&iter, &item)) == 0) {
        int item_err = on_ticker(call, &item);
        if (item_err && !first_err)
            first_err = item_err;
    }
    return err == ERR_NOT_FOUND ? first_err : ERR_PROTO;
}
