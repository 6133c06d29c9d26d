#include "venues/okx/feed.h"

enum { PPB_EXP = 9 };

typedef int row_reader(const struct okx_call *call, const struct scan_value *instrument,
                       const struct scan_value *row);

/* The market of a row: by its own instId, else by the frame's. */
static struct okx_market *market_of(const struct okx_call *call,
                                    const struct scan_value *instrument,
                                    const struct scan_value *own)
{
    struct okx_market *market =
        okx_market_find(call, own->type == SCAN_STRING && own->len > 0 ? own : instrument);

    if (market)
        market->messages++;
    return market;
}

static wire_side side_of(const struct scan_value *word)
{
    return scan_is(word, "buy") ? SIDE_BUY : scan_is(word, "sell") ? SIDE_SELL : SIDE_NONE;
}

/* ---- trades ---- */

static int on_trade(const struct okx_call *call, const struct scan_value *instrument,
                    const struct scan_value *row)
{
    enum { INST, ID, PX, SZ, SIDE, TS, COUNT_ };
    static const char *const names[] = { "instId", "tradeId", "px", "sz", "side", "ts" };
    struct scan_value m[COUNT_] = { { .type = SCAN_NONE } };
    struct wire_trade trade;

    if (okx_members(row, names, COUNT_, m) != 0)
        return ERR_PROTO;
    struct okx_market *market = market_of(call, instrument, &m[INST]);
    if (!market)
        return 0;
    WIRE_BEGIN(&trade, trade);
    okx_market_scale(market, okx_decimals(&m[PX]), okx_decimals(&m[SZ]));
    trade.aggressor = side_of(&m[SIDE]);
    if (scan_decimal(&m[PX], market->scale.price_exp, &trade.price) != 0 ||
        okx_qty_read(&market->scale, &m[SZ], &trade.qty) != 0 || trade.price <= 0 ||
        trade.qty <= 0 || trade.aggressor == SIDE_NONE ||
        okx_time(&m[TS], &trade.exchange_ns) != 0 ||
        scan_text(&m[ID], trade.venue_trade_id, sizeof(trade.venue_trade_id)) != 0)
        return ERR_PROTO;
    trade.header.instrument = market->instrument;
    trade.price_exp = (int8_t)market->scale.price_exp;
    trade.qty_exp = (int8_t)market->scale.qty_exp;
    call->feed->stats.trades++;
    okx_feed_emit(call, &trade.header);
    return 0;
}

/* ---- quotes ---- */

/* First level of a side of one level at most; an empty side is 0 and 0. */
static int best_of(const struct scan_value *side, struct okx_market *market, struct wire_level *out)
{
    struct scan_iter of_side, of_level;
    struct scan_value level, price, size;

    *out = (struct wire_level){ 0 };
    if (side->type != SCAN_ARRAY || scan_begin(&of_side, side) != 0)
        return ERR_PROTO;
    int err = scan_item(&of_side, &level);
    if (err == ERR_NOT_FOUND)
        return 0;
    if (err || level.type != SCAN_ARRAY || scan_begin(&of_level, &level) != 0 ||
        scan_item(&of_level, &price) != 0 || scan_item(&of_level, &size) != 0)
        return ERR_PROTO;
    okx_market_scale(market, okx_decimals(&price), okx_decimals(&size));
    return scan_decimal(&price, market->scale.price_exp, &out->price) == 0 &&
                   okx_qty_read(&market->scale, &size, &out->qty) == 0 && out->price > 0 &&
                   out->qty >= 0
               ? 0
               : ERR_PROTO;
}

static bool is_crossed(const struct wire_level *bid, const struct wire_level *ask)
{
    return bid->qty > 0 && ask->qty > 0 && bid->price >= ask->price;
}

static int on_bbo(const struct okx_call *call, const struct scan_value *instrument,
                  const struct scan_value *row)
{
    enum { ASKS, BIDS, TS, SEQ, COUNT_ };
    static const char *const names[] = { "asks", "bids", "ts", "seqId" };
    struct scan_value m[COUNT_] = { { .type = SCAN_NONE } };
    struct okx_market *market = okx_market_find(call, instrument);
    struct wire_level bid, ask;
    int64_t exchange_ns, sequence = 0;

    if (!market)
        return 0;
    market->messages++;
    if (okx_members(row, names, COUNT_, m) != 0 || best_of(&m[BIDS], market, &bid) != 0 ||
        best_of(&m[ASKS], market, &ask) != 0 || okx_time(&m[TS], &exchange_ns) != 0 ||
        (m[SEQ].type != SCAN_NONE && scan_i64(&m[SEQ], &sequence) != 0) || is_crossed(&bid, &ask))
        return ERR_PROTO;
    okx_market_quote(call, market, bid, ask, exchange_ns, sequence);
    return 0;
}

/* The live feed does not subscribe to tickers; a recording may have them and no book. While there
 * is a good book, the book's top and the quote channel are all that is published. */
static int on_ticker(const struct okx_call *call, const struct scan_value *instrument,
                     const struct scan_value *row)
{
    enum { INST, BID, BID_SZ, ASK, ASK_SZ, TS, COUNT_ };
    static const char *const names[] = { "instId", "bidPx", "bidSz", "askPx", "askSz", "ts" };
    struct scan_value m[COUNT_] = { { .type = SCAN_NONE } };
    struct wire_level bid, ask;
    int64_t exchange_ns;

    if (okx_members(row, names, COUNT_, m) != 0)
        return ERR_PROTO;
    struct okx_market *market = market_of(call, instrument, &m[INST]);
    if (!market)
        return 0;
    if (m[BID].len == 0 || m[ASK].len == 0)
        return 0; /* No quote on a side: nothing that a best_quote could say for sure. */
    okx_market_scale(market, okx_decimals(&m[BID]), okx_decimals(&m[BID_SZ]));
    if (scan_decimal(&m[BID], market->scale.price_exp, &bid.price) != 0 ||
        scan_decimal(&m[ASK], market->scale.price_exp, &ask.price) != 0 ||
        okx_qty_read(&market->scale, &m[BID_SZ], &bid.qty) != 0 ||
        okx_qty_read(&market->scale, &m[ASK_SZ], &ask.qty) != 0 ||
        okx_time(&m[TS], &exchange_ns) != 0 || bid.price < 0 || bid.qty < 0 || ask.price < 0 ||
        ask.qty < 0 || is_crossed(&bid, &ask))
        return ERR_PROTO;
    if (market->state != FEED_LIVE && !market->is_subscribed)
        okx_market_quote(call, market, bid, ask, exchange_ns, 0);
    return 0;
}

/* ---- derivatives ---- */

static int on_funding(const struct okx_call *call, const struct scan_value *instrument,
                      const struct scan_value *row)
{
    enum { INST, RATE, NEXT, AFTER, METHOD, TS, COUNT_ };
    static const char *const names[] = { "instId",          "fundingRate", "fundingTime",
                                         "nextFundingTime", "method",      "ts" };
    struct scan_value m[COUNT_] = { { .type = SCAN_NONE } };
    struct wire_funding funding;
    int64_t after_ns;

    if (okx_members(row, names, COUNT_, m) != 0)
        return ERR_PROTO;
    struct okx_market *market = market_of(call, instrument, &m[INST]);
    if (!market)
        return 0;
    WIRE_BEGIN(&funding, funding);
    if (m[RATE].len == 0 || okx_number(&m[RATE], PPB_EXP, &funding.rate_ppb) != 0 ||
        okx_time(&m[NEXT], &funding.next_funding_ns) != 0 || okx_time(&m[AFTER], &after_ns) != 0 ||
        okx_time(&m[TS], &funding.exchange_ns) != 0)
        return ERR_PROTO;
    funding.header.instrument = market->instrument;
    if (after_ns > funding.next_funding_ns)
        funding.interval_ns = after_ns - funding.next_funding_ns;
    /* "next_period": this period's rate was fixed at the end of the one before. */
    funding.is_estimate = !scan_is(&m[METHOD], "next_period");
    okx_feed_emit(call, &funding.header);
    return 0;
}

static void emit_marks(const struct okx_call *call, const struct okx_market *market,
                       int64_t exchange_ns)
{
    struct wire_mark_price event;

    WIRE_BEGIN(&event, mark_price);
    event.header.instrument = market->instrument;
    event.exchange_ns = exchange_ns;
    event.mark_price = market->mark_price;
    event.index_price = market->index_price;
    event.price_exp = (int8_t)market->scale.price_exp;
    okx_feed_emit(call, &event.header);
}

static int on_mark(const struct okx_call *call, const struct scan_value *instrument,
                   const struct scan_value *row)
{
    enum { INST, PX, TS, COUNT_ };
    static const char *const names[] = { "instId", "markPx", "ts" };
    struct scan_value m[COUNT_] = { { .type = SCAN_NONE } };
    int64_t price, exchange_ns;

    if (okx_members(row, names, COUNT_, m) != 0)
        return ERR_PROTO;
    struct okx_market *market = market_of(call, instrument, &m[INST]);
    if (!market)
        return 0;
    if (okx_number(&m[PX], market->scale.price_exp, &price) != 0 || price <= 0 ||
        okx_time(&m[TS], &exchange_ns) != 0)
        return ERR_PROTO;
    market->mark_price = price;
    emit_marks(call, market, exchange_ns);
    return 0;
}

/* An index has no instrument of its own here: it belongs to the swaps that are on it. */
static int on_index(const struct okx_call *call, const struct scan_value *instrument,
                    const struct scan_value *row)
{
    enum { INST, PX, TS, COUNT_ };
    static const char *const names[] = { "instId", "idxPx", "ts" };
    struct scan_value m[COUNT_] = { { .type = SCAN_NONE } };
    struct okx_feed *feed = call->feed;
    int64_t price, exchange_ns;

    if (okx_members(row, names, COUNT_, m) != 0 || okx_time(&m[TS], &exchange_ns) != 0)
        return ERR_PROTO;
    const struct scan_value *index = m[INST].type == SCAN_STRING ? &m[INST] : instrument;
    for (unsigned i = 0; i < feed->market_count; i++) {
        struct okx_market *market = &feed->markets[i];
        if (!*market->index || !scan_is(index, market->index))
            continue;
        if (okx_number(&m[PX], market->scale.price_exp, &price) != 0 || price <= 0)
            return ERR_PROTO;
        market->messages++;
        market->index_price = price;
        emit_marks(call, market, exchange_ns);
    }
    return 0;
}

static int on_liquidation(const struct okx_call *call, const struct okx_market *market,
                          const struct scan_value *row)
{
    enum { PX, SZ, SIDE, TS, COUNT_ };
    static const char *const names[] = { "bkPx", "sz", "side", "ts" };
    struct scan_value m[COUNT_] = { { .type = SCAN_NONE } };
    struct wire_liquidation event;

    WIRE_BEGIN(&event, liquidation);
    if (okx_members(row, names, COUNT_, m) != 0 ||
        okx_number(&m[PX], market->scale.price_exp, &event.price) != 0 ||
        okx_qty_read(&market->scale, &m[SZ], &event.qty) != 0 ||
        okx_time(&m[TS], &event.exchange_ns) != 0 || event.price < 0 || event.qty <= 0)
        return ERR_PROTO;
    event.side = side_of(&m[SIDE]);
    event.header.instrument = market->instrument;
    event.price_exp = (int8_t)market->scale.price_exp;
    event.qty_exp = (int8_t)market->scale.qty_exp;
    if (event.side == SIDE_NONE)
        return ERR_PROTO;
    okx_feed_emit(call, &event.header);
    return 0;
}

/* The channel tells of every contract of the venue: most rows are not for us. */
static int on_liquidations(const struct okx_call *call, const struct scan_value *instrument,
                           const struct scan_value *row)
{
    struct scan_value own, details, detail;
    struct scan_iter iter;

    okx_find(row, "instId", &own);
    okx_find(row, "details", &details);
    if (own.type != SCAN_STRING || details.type != SCAN_ARRAY)
        return ERR_PROTO;
    struct okx_market *market = market_of(call, instrument, &own);
    int err = market ? scan_begin(&iter, &details) : ERR_NOT_FOUND;
    while (!err && (err = scan_item(&iter, &detail)) == 0)
        err = on_liquidation(call, market, &detail);
    return err == ERR_NOT_FOUND ? 0 : ERR_PROTO;
}

/* ---- all of them ---- */

int okx_feed_data(const struct okx_call *call, enum okx_channel channel,
                  const struct scan_value *instrument, const struct scan_value *data)
{
    static row_reader *const readers[] = {
        [CHANNEL_TRADES] = on_trade,
        [CHANNEL_BBO] = on_bbo,
        [CHANNEL_TICKERS] = on_ticker,
        [CHANNEL_FUNDING] = on_funding,
        [CHANNEL_MARK] = on_mark,
        [CHANNEL_INDEX] = on_index,
        [CHANNEL_LIQUIDATIONS] = on_liquidations,
    };
    struct scan_iter iter;
    struct scan_value row;
    int first_err = 0;
    int err = data->type == SCAN_ARRAY ? scan_begin(&iter, data) : ERR_PROTO;

    while (!err && (err = scan_item(&iter, &row)) == 0) {
        int row_err =
            row.type == SCAN_OBJECT ? readers[channel](call, instrument, &row) : ERR_PROTO;
        if (row_err && !first_err)
            first_err = row_err;
    }
    return err == ERR_NOT_FOUND ? first_err : ERR_PROTO;
}
