#include "common/pure/market.h"

#include "common/leaf/err.h"
#include "common/leaf/fixed.h"

#include <stdlib.h>
#include <string.h>

int market_init(struct market *market, unsigned max, unsigned levels_max)
{
    size_t levels_size = book_levels_size(levels_max);
    uint32_t slots = 4;

    *market = (struct market){ 0 };
    if (max == 0 || levels_size == 0)
        return ERR_RANGE;
    while (slots < 2 * max)
        slots *= 2;
    /* One piece each: of instruments that never come no page is taken. */
    market->books = calloc(max, sizeof *market->books);
    market->slots = calloc(slots, sizeof *market->slots);
    market->levels = calloc(max, levels_size);
    if (!market->books || !market->slots || !market->levels) {
        market_fini(market);
        return ERR_SYS;
    }
    market->max = max;
    market->levels_max = levels_max;
    market->slot_mask = slots - 1;
    return 0;
}

void market_fini(struct market *market)
{
    free(market->books);
    free(market->slots);
    free(market->levels);
    *market = (struct market){ 0 };
}

/* Where the id is, or would go. Ids are hashes already, and the table is never more than half full.
 */
static uint32_t *slot_of(const struct market *market, uint64_t instrument)
{
    uint32_t at = (uint32_t)instrument & market->slot_mask;

    while (market->slots[at] != 0 &&
           market->books[market->slots[at] - 1].definition.header.instrument != instrument)
        at = (at + 1) & market->slot_mask;
    return &market->slots[at];
}

struct market_book *market_find(const struct market *market, uint64_t instrument)
{
    uint32_t found = market->slots ? *slot_of(market, instrument) : 0;

    return found ? &market->books[found - 1] : NULL;
}

struct market_book *market_by_name(const struct market *market, uint16_t account, const char *name)
{
    for (uint32_t i = 0; i < market->count; i++)
        if (market->books[i].account == account &&
            strcmp(market->books[i].definition.name, name) == 0)
            return &market->books[i];
    return NULL;
}

static enum market_change define(struct market *market, const struct wire_instrument *definition,
                                 int64_t now_ns, struct market_book **out)
{
    struct market_book *book = market_find(market, definition->header.instrument);

    if (!book) {
        if (market->count == market->max) {
            market->refused++;
            return MARKET_NOTHING;
        }
        uint32_t *slot = slot_of(market, definition->header.instrument);
        size_t levels = book_levels_size(market->levels_max) / sizeof *market->levels;
        book = &market->books[market->count];
        (void)book_init_in(&book->book, market->levels + levels * market->count, market->levels_max,
                           definition->price_exp, definition->qty_exp);
        *slot = ++market->count;
    }
    book->definition = *definition;
    book->publisher = definition->header.publisher;
    book->account = definition->header.account;
    book->is_defined = true;
    book->heard_ns = now_ns;
    *out = book;
    return MARKET_DEFINED;
}

/* The top follows the levels; a best_quote that comes later may overtake it until the next change.
 */
static void take_top(struct market_book *book)
{
    const struct wire_level *bid = book_best(&book->book.bids);
    const struct wire_level *ask = book_best(&book->book.asks);

    book->bid_price = bid ? bid->price : 0;
    book->bid_qty = bid ? bid->qty : 0;
    book->ask_price = ask ? ask->price : 0;
    book->ask_qty = ask ? ask->qty : 0;
    book->has_quote = bid && ask;
}

static enum market_change apply_levels(struct market_book *book, const struct wire_header *event)
{
    bool is_snapshot = event->type == WIRE_book_snapshot;

    if (!is_snapshot && !book->is_whole)
        return MARKET_NEEDS_SNAPSHOT;
    if (book_apply(&book->book, event) != 0) {
        book->is_whole = false;
        return MARKET_NEEDS_SNAPSHOT;
    }
    book->is_whole = true;
    take_top(book);
    return MARKET_BOOK;
}

static enum market_change apply_quote(struct market_book *book, const struct wire_best_quote *quote)
{
    int64_t bid = 0, bid_qty = 0, ask = 0, ask_qty = 0;
    int price_exp = book->definition.price_exp, qty_exp = book->definition.qty_exp;

    if (fixed_rescale(quote->bid_price, quote->price_exp, price_exp, FIXED_EXACT, &bid) != 0 ||
        fixed_rescale(quote->ask_price, quote->price_exp, price_exp, FIXED_EXACT, &ask) != 0 ||
        fixed_rescale(quote->bid_qty, quote->qty_exp, qty_exp, FIXED_DOWN, &bid_qty) != 0 ||
        fixed_rescale(quote->ask_qty, quote->qty_exp, qty_exp, FIXED_DOWN, &ask_qty) != 0)
        return MARKET_NOTHING;
    book->bid_price = bid;
    book->bid_qty = bid_qty;
    book->ask_price = ask;
    book->ask_qty = ask_qty;
    book->has_quote = bid_qty > 0 && ask_qty > 0;
    return MARKET_QUOTE;
}

static void book_status(struct market_book *book, wire_feed_state state, int64_t now_ns)
{
    book->feed_state = state;
    if (state == FEED_LIVE)
        book->heard_ns = now_ns;
    else
        book->book.is_stale = true;
}

/* A status without an instrument speaks of every book of that gateway. */
static enum market_change apply_status(struct market *market, const struct wire_feed_status *status,
                                       int64_t now_ns, struct market_book **out)
{
    if (status->header.instrument != 0) {
        *out = market_find(market, status->header.instrument);
        if (!*out)
            return MARKET_NOTHING;
        book_status(*out, status->state, now_ns);
        return MARKET_STATUS;
    }
    for (uint32_t i = 0; i < market->count; i++) {
        struct market_book *book = &market->books[i];

        if (book->publisher != status->header.publisher)
            continue;
        if (status->state == FEED_LIVE)
            book->heard_ns = now_ns; /* The feed lives; whether this book does is its own status. */
        else
            book_status(book, status->state, now_ns);
    }
    return MARKET_STATUS;
}

static enum market_change apply_mark(struct market_book *book, const struct wire_mark_price *event,
                                     int64_t now_ns)
{
    int price_exp = book->definition.price_exp;
    int64_t mark, index;

    if (fixed_rescale(event->mark_price, event->price_exp, price_exp, FIXED_NEAREST, &mark) != 0 ||
        fixed_rescale(event->index_price, event->price_exp, price_exp, FIXED_NEAREST, &index) != 0)
        return MARKET_NOTHING;
    /* Venues send both, or each by its own channel: what is not stated stays as it was. */
    if (index > 0)
        book->index_price = index;
    if (mark > 0) {
        book->mark_price = mark;
        book->marked_ns = now_ns;
    }
    return MARKET_MARK;
}

static enum market_change apply_funding(struct market_book *book, const struct wire_funding *event,
                                        int64_t now_ns)
{
    book->funding_ppb = event->rate_ppb;
    book->funding_interval_ns = event->interval_ns;
    book->next_funding_ns = event->next_funding_ns;
    book->funded_ns = now_ns;
    return MARKET_FUNDING;
}

static enum market_change apply_liquidation(struct market_book *book,
                                            const struct wire_liquidation *event, int64_t now_ns)
{
    int64_t price, qty;

    if (fixed_rescale(event->price, event->price_exp, book->definition.price_exp, FIXED_NEAREST,
                      &price) != 0 ||
        fixed_rescale(event->qty, event->qty_exp, book->definition.qty_exp, FIXED_NEAREST, &qty) !=
            0)
        return MARKET_NOTHING;
    book->liquidated_price = price;
    book->liquidated_qty = qty;
    book->liquidated_side = event->side;
    book->liquidated_ns = now_ns;
    book->liquidations++;
    return MARKET_LIQUIDATION;
}

enum market_change market_event(struct market *market, const struct wire_header *event,
                                int64_t now_ns, struct market_book **out)
{
    *out = NULL;
    if (event->type == WIRE_instrument)
        return define(market, (const struct wire_instrument *)event, now_ns, out);
    if (event->type == WIRE_feed_status)
        return apply_status(market, (const struct wire_feed_status *)event, now_ns, out);

    struct market_book *book = market_find(market, event->instrument);
    enum market_change change = MARKET_NOTHING;

    if (!book) {
        market->has_unknown |= event->instrument != 0;
        return MARKET_NOTHING;
    }
    *out = book;
    switch (event->type) {
    case WIRE_book_snapshot:
    case WIRE_book_delta:
        change = apply_levels(book, event);
        break;
    case WIRE_best_quote:
        change = apply_quote(book, (const struct wire_best_quote *)event);
        break;
    case WIRE_trade:
        book->last_trade_price = ((const struct wire_trade *)event)->price;
        change = MARKET_TRADE;
        break;
    case WIRE_mark_price:
        return apply_mark(book, (const struct wire_mark_price *)event, now_ns);
    case WIRE_funding:
        return apply_funding(book, (const struct wire_funding *)event, now_ns);
    case WIRE_liquidation:
        return apply_liquidation(book, (const struct wire_liquidation *)event, now_ns);
    default:
        return MARKET_NOTHING;
    }
    book->heard_ns = now_ns;
    book->origin_ns = event->origin_ns;
    if (change == MARKET_BOOK) {
        book->book.updated_ns = now_ns;
        book->book.is_stale = false;
        /* A gateway publishes levels of live books only; the status itself may have been missed. */
        if (event->type == WIRE_book_snapshot)
            book->feed_state = FEED_LIVE;
    }
    return change;
}

unsigned market_gap(struct market *market, uint16_t publisher, uint16_t type)
{
    unsigned broken = 0;

    if (type != WIRE_book_delta && type != WIRE_book_snapshot && type != WIRE_feed_status &&
        type != WIRE_instrument)
        return 0;
    for (uint32_t i = 0; i < market->count; i++) {
        if (market->books[i].publisher != publisher)
            continue;
        market->books[i].is_whole = false;
        broken++;
    }
    return broken;
}

void market_restarted(struct market *market, uint16_t publisher)
{
    for (uint32_t i = 0; i < market->count; i++) {
        if (market->books[i].publisher != publisher)
            continue;
        market->books[i].is_whole = false;
        market->books[i].feed_state = FEED_CONNECTING;
        market->books[i].marked_ns = market->books[i].funded_ns = 0;
    }
}

bool market_is_fresh(const struct market_book *book, int64_t now_ns, int64_t max_age_ns)
{
    return book->is_defined && book->is_whole && !book->book.is_stale &&
           book->feed_state == FEED_LIVE && now_ns - book->heard_ns <= max_age_ns &&
           book->definition.state == TRADING_OPEN && !book_is_crossed(&book->book);
}

bool market_mark(const struct market_book *book, int64_t now_ns, int64_t max_age_ns, int64_t *mark)
{
    int64_t mid;

    if (market_is_derivative(book)) {
        if (book->marked_ns == 0 || now_ns - book->marked_ns > max_age_ns)
            return false;
        *mark = book->mark_price;
        return true;
    }
    mid = market_mid(book);
    if (mid <= 0 || !market_is_fresh(book, now_ns, max_age_ns))
        return false;
    *mark = mid;
    return true;
}

int64_t market_mid(const struct market_book *book)
{
    if (!book->has_quote || book->bid_price <= 0 || book->ask_price <= 0)
        return 0;
    return book->bid_price + (book->ask_price - book->bid_price) / 2;
}

bool market_is_lacking(struct market *market, int64_t now_ns)
{
    bool is_lacking = market->has_unknown;

    for (uint32_t i = 0; i < market->count && !is_lacking; i++) {
        const struct market_book *book = &market->books[i];

        is_lacking = !book->is_whole || book->book.is_stale || book->feed_state != FEED_LIVE;
    }
    if (!is_lacking || now_ns - market->asked_ns < NS_PER_S)
        return false;
    market->asked_ns = now_ns;
    market->has_unknown = false;
    return true;
}
