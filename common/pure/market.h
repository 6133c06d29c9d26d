/* market.h - what a consumer of 6001 knows: definitions, books, marks and funding of derivatives,
 * and how fresh they are.
 *
 * Every role that reads market data keeps one of these: signal_engine for opportunities,
 * strategy_runner for quotes, position_server and risk_monitor for marks. Owned by one thread;
 * nothing is allocated after market_init; time is an argument. A book may be traded on only while
 * market_is_fresh says so: defined, live at its gateway, whole on our side, not crossed, and heard
 * from lately. */
#ifndef TICKPIPE_COMMON_PURE_MARKET_H
#define TICKPIPE_COMMON_PURE_MARKET_H

#include "common/pure/book.h"
#include "common/pure/wire.h"

struct market_book {
    struct wire_instrument definition;
    struct book book;
    uint16_t publisher; /* The gateway that speaks of it. */
    uint16_t account;
    wire_feed_state feed_state; /* As the gateway last said. */
    bool is_defined;
    bool is_whole; /* A snapshot has come, and nothing is missing since. */
    bool has_quote;
    int64_t bid_price, bid_qty, ask_price,
        ask_qty; /* Top: book or best_quote, whichever spoke last. */
    int64_t last_trade_price;
    int64_t heard_ns; /* Last sign of life of this book. */
    int64_t origin_ns;
    /* Derivatives. Prices at the definition's price_exp; 0: not stated. None of these is a sign of
     * life of the book: they come by channels of their own. */
    int64_t mark_price, index_price, marked_ns;              /* marked_ns 0: never. */
    int64_t funding_ppb, funding_interval_ns, funded_ns;     /* funded_ns 0: never heard. */
    int64_t next_funding_ns;                                 /* Wall clock. */
    int64_t liquidated_ns, liquidated_price, liquidated_qty; /* The last one; 0: none yet. */
    uint64_t liquidations;
    wire_side liquidated_side; /* Of the forced order. */
};

struct market {
    struct market_book *books;
    uint32_t *slots; /* Open addressing by instrument id: index in books + 1, 0: free. */
    uint32_t slot_mask;
    struct wire_level *levels; /* Of all books, levels_max each. */
    unsigned levels_max;
    uint32_t count, max;
    uint64_t refused; /* Instruments beyond max. */
    bool has_unknown; /* Something was said of an instrument that is not defined here. */
    int64_t asked_ns; /* When market_is_lacking last said yes. */
};

enum market_change {
    MARKET_NOTHING, /* Not market data, or of an instrument not yet defined. */
    MARKET_DEFINED, /* New or changed definition. */
    MARKET_BOOK,    /* Levels changed. */
    MARKET_QUOTE,   /* Top of book changed by a best_quote. */
    MARKET_TRADE,
    MARKET_STATUS,      /* Feed state: look at freshness again (*book NULL: of a whole gateway). */
    MARKET_MARK,        /* Mark or index price. */
    MARKET_FUNDING,     /* Funding rate. */
    MARKET_LIQUIDATION, /* Somebody's position was closed by force. */
    MARKET_NEEDS_SNAPSHOT, /* A delta came for a book that is not whole: ask. */
};

/* market_init makes room for max instruments of levels_max levels a side. 0, ERR_RANGE or ERR_SYS.
 * market_fini frees; twice is fine. */
int market_init(struct market *market, unsigned max, unsigned levels_max);
void market_fini(struct market *market);

/* market_event applies an event of 6001 (already through wire_check) and says what changed; *book
 * is then the book meant (NULL where none). Hot: one look into a hash table, then the book's own
 * cost. */
enum market_change market_event(struct market *market, const struct wire_header *event,
                                int64_t now_ns, struct market_book **book);

/* market_gap: messages of a type from a publisher are missing. Its books are no longer whole where
 * that type carries levels. Returns how many books now need a snapshot. */
unsigned market_gap(struct market *market, uint16_t publisher, uint16_t type);

/* market_restarted: the publisher has a new epoch; none of its books is whole. */
void market_restarted(struct market *market, uint16_t publisher);

/* market_is_lacking says, at most once a second, that something is missing here which the gateways
 * could say: a definition, a snapshot, that a book lives. The consumer then asks for a snapshot of
 * everything: an answer can be lost like anything else on the bus. */
bool market_is_lacking(struct market *market, int64_t now_ns);

struct market_book *market_find(const struct market *market, uint64_t instrument);
/* market_by_name finds BASE-QUOTE on one account, or NULL. */
struct market_book *market_by_name(const struct market *market, uint16_t account, const char *name);

/* market_is_fresh: may be traded on. max_age_ns bounds the silence of the book. */
bool market_is_fresh(const struct market_book *book, int64_t now_ns, int64_t max_age_ns);

/* market_mark gives what positions are valued at, at price_exp: the venue's own mark where it is a
 * derivative, not older than max_age_ns; else the middle of a fresh book. false: neither. */
bool market_mark(const struct market_book *book, int64_t now_ns, int64_t max_age_ns, int64_t *mark);

/* market_is_derivative: perpetual or future: it has marks, funding and positions. */
static inline bool market_is_derivative(const struct market_book *book)
{
    return book->definition.kind == INSTRUMENT_PERPETUAL ||
           book->definition.kind == INSTRUMENT_FUTURE;
}

/* market_mid gives the middle of the top at price_exp + 1 decimals halved down, at price_exp; 0
 * when a side is empty. */
int64_t market_mid(const struct market_book *book);

#endif
