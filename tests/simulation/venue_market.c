/* A venue's public side: book, quotes and definitions, as its gateway would publish them. */
#include "tests/simulation/venue_parts.h"

static struct node *gateway(struct sim_venue *venue)
{
    return &venue->world->gateways[venue->account - 1].node;
}

static void put_levels(struct wire_book_delta *book, const struct match_side *side, unsigned *count)
{
    for (uint32_t i = side->count; i > 0 && *count < WIRE_LEVELS_MAX; i--)
        book->levels[(*count)++] =
            (struct wire_level){ side->levels[i - 1].price, side->levels[i - 1].qty };
}

static void begin_book(const struct sim_venue *venue, unsigned i, struct wire_book_delta *book,
                       enum wire_type type)
{
    wire_book_begin(book, type);
    book->header.account = venue->account;
    book->header.instrument = venue->definitions[i].header.instrument;
    book->header.origin_ns = venue->sim->now_ns;
    book->header.flags = 0;
    book->exchange_ns = sim_wall(venue->sim);
    book->price_exp = book->qty_exp = EXCHANGE_EXP;
    book->is_last = 1;
}

static void publish_snapshot(struct sim_venue *venue, unsigned i)
{
    static struct wire_book_delta book;
    const struct exchange_instrument *instrument = &venue->exchange.instruments[i];
    unsigned count = 0;

    begin_book(venue, i, &book, WIRE_book_snapshot);
    put_levels(&book, &instrument->book.bids, &count);
    book.bid_count = (uint16_t)count;
    put_levels(&book, &instrument->book.asks, &count);
    book.ask_count = (uint16_t)(count - book.bid_count);
    wire_book_end(&book);
    bus_send(gateway(venue), STREAM_MARKET_DATA, &book.header);
    venue->changes[i].count = 0;
    venue->changes[i].is_overflown = false;
}

static void publish_delta(struct sim_venue *venue, unsigned i)
{
    static struct wire_book_delta book;
    unsigned count = 0;

    begin_book(venue, i, &book, WIRE_book_delta);
    for (unsigned side = SIDE_BUY; side <= SIDE_SELL; side++) {
        unsigned first = count;
        for (unsigned k = 0; k < venue->changes[i].count; k++) {
            struct wire_level level = venue->changes[i].levels[k];
            unsigned at = count;
            if (venue->changes[i].sides[k] != side)
                continue;
            for (; at > first && (side == SIDE_BUY ? book.levels[at - 1].price < level.price
                                                   : book.levels[at - 1].price > level.price);
                 at--)
                book.levels[at] = book.levels[at - 1];
            book.levels[at] = level;
            count++;
        }
        if (side == SIDE_BUY)
            book.bid_count = (uint16_t)count;
        else
            book.ask_count = (uint16_t)(count - book.bid_count);
    }
    wire_book_end(&book);
    bus_send(gateway(venue), STREAM_MARKET_DATA, &book.header);
    venue->changes[i].count = 0;
}

static void publish_quote(struct sim_venue *venue, unsigned i, bool is_forced)
{
    const struct match_book *book = &venue->exchange.instruments[i].book;
    const struct match_level *bid = match_level_at(&book->bids, 0);
    const struct match_level *ask = match_level_at(&book->asks, 0);
    struct wire_best_quote quote;

    WIRE_BEGIN(&quote, best_quote);
    quote.header.account = venue->account;
    quote.header.instrument = venue->definitions[i].header.instrument;
    quote.header.origin_ns = venue->sim->now_ns;
    quote.exchange_ns = sim_wall(venue->sim);
    quote.bid_price = bid ? bid->price : 0;
    quote.bid_qty = bid ? bid->qty : 0;
    quote.ask_price = ask ? ask->price : 0;
    quote.ask_qty = ask ? ask->qty : 0;
    quote.price_exp = quote.qty_exp = EXCHANGE_EXP;
    if (!is_forced && quote.bid_price == venue->changes[i].bid &&
        quote.bid_qty == venue->changes[i].bid_qty && quote.ask_price == venue->changes[i].ask &&
        quote.ask_qty == venue->changes[i].ask_qty)
        return;
    venue->changes[i].bid = quote.bid_price;
    venue->changes[i].bid_qty = quote.bid_qty;
    venue->changes[i].ask = quote.ask_price;
    venue->changes[i].ask_qty = quote.ask_qty;
    bus_send(gateway(venue), STREAM_MARKET_DATA, &quote.header);
}

void venue_publish_mark(struct sim_venue *venue, uint32_t instrument)
{
    const struct exchange_perpetual *p = &venue->exchange.instruments[instrument].perpetual;
    struct wire_mark_price mark;
    struct wire_funding funding;

    if (!gateway(venue)->is_up || p->mark_price == 0)
        return;
    WIRE_BEGIN(&mark, mark_price);
    mark.header.account = venue->account;
    mark.header.instrument = venue->definitions[instrument].header.instrument;
    mark.header.origin_ns = venue->sim->now_ns;
    mark.mark_price = p->mark_price;
    mark.index_price = p->index_price;
    mark.price_exp = EXCHANGE_EXP;
    bus_send(gateway(venue), STREAM_MARKET_DATA, &mark.header);
    WIRE_BEGIN(&funding, funding);
    funding.header.account = venue->account;
    funding.header.instrument = mark.header.instrument;
    funding.header.origin_ns = venue->sim->now_ns;
    funding.next_funding_ns = p->next_funding_ns;
    funding.interval_ns = venue->exchange.instruments[instrument].config.funding_interval_ns;
    funding.rate_ppb = p->rate_ppb;
    funding.is_estimate = 1;
    bus_send(gateway(venue), STREAM_MARKET_DATA, &funding.header);
}

void venue_publish_changes(struct sim_venue *venue)
{
    for (unsigned i = 0; i < VENUE_PAIRS; i++) {
        if (venue->changes[i].count == 0)
            continue;
        if (!gateway(venue)->is_up) {
            venue->changes[i].count = 0;
            continue;
        }
        if (venue->changes[i].is_overflown)
            publish_snapshot(venue, i);
        else
            publish_delta(venue, i);
        publish_quote(venue, i, false);
    }
}

void venue_publish_all(struct sim_venue *venue)
{
    for (unsigned i = 0; i < VENUE_PAIRS; i++) {
        struct wire_instrument definition = venue->definitions[i];
        struct wire_feed_status status;

        bus_send(gateway(venue), STREAM_MARKET_DATA, &definition.header);
        WIRE_BEGIN(&status, feed_status);
        status.header.account = venue->account;
        status.header.instrument = definition.header.instrument;
        status.last_message_ns = venue->sim->now_ns;
        status.state = FEED_LIVE;
        bus_send(gateway(venue), STREAM_MARKET_DATA, &status.header);
        publish_snapshot(venue, i);
        publish_quote(venue, i, true);
        if (i == VENUE_PERPETUAL)
            venue_publish_mark(venue, i);
    }
}
