/* feed.h - Deribit's market feed: its state, and what its files offer one another.
 *
 * feed.c           the life of the connection: metadata, heartbeat, subscriptions, status
 * feed_frame.c     frames by kind: JSON-RPC answers, heartbeats, channels
 * feed_market.c    markets and their definitions
 * feed_book.c      books: the chain of change ids, staleness, what is published of them
 * feed_trade.c     trades and liquidations, tickers (mark, index, funding)
 *
 * Spot and linear perpetuals. One connection carries all of them. */
#ifndef TICKPIPE_VENUES_DERIBIT_FEED_H
#define TICKPIPE_VENUES_DERIBIT_FEED_H

#include "common/pure/book.h"
#include "common/pure/scan.h"
#include "venues/venue.h"

enum {
    DERIBIT_EXP = 8,       /* Of amounts, and of what no definition has scaled. */
    DERIBIT_LEVELS = 1000, /* Kept a side unless configured. The channel has them all. */
    DERIBIT_LEVELS_MAX = 8192,
    DERIBIT_SIDE_MAX = 4096,    /* Levels a side in one message. */
    DERIBIT_MARKET_SLOTS = 256, /* Power of two, four times the markets. */
    DERIBIT_CHANNEL_MAX = 64,
    DERIBIT_KNOWN_MAX = 256, /* Definitions of a capture's lists, for symbols not yet seen. */
};

enum deribit_listing { LISTING_SPOT, LISTING_FUTURE, LISTING_COUNT };
enum deribit_topic { TOPIC_BOOK, TOPIC_TRADES, TOPIC_TICKER, TOPIC_COUNT };

struct deribit_ticker {
    int64_t mark_price, index_price; /* 0: not said. */
    int64_t rate_ppb;
    bool has_rate;
};

struct deribit_market {
    char name[32];   /* Canonical; as configured, or from the metadata. "": not known (replay). */
    char symbol[32]; /* "": the metadata has not said yet. */
    uint64_t instrument;
    bool is_wanted;     /* By configuration. */
    bool is_defined;    /* definition is set. */
    bool is_scaled;     /* Its exponents are fixed: for life. */
    bool is_subscribed; /* We asked for its channels on this connection. */
    bool is_lost;       /* Its book was given up; nothing but a snapshot helps. */
    bool was_live;      /* It has been good: the next snapshot is a resync. */
    struct wire_instrument definition;
    struct book book;
    uint64_t change_id; /* Of the last message. */
    struct deribit_ticker ticker;
    int64_t told_ns; /* When mark and index were last published. */
    wire_feed_state state;
    wire_reason why;
    int64_t resync_at_ns; /* Ask again then; 0: no need. */
    unsigned resync_attempt;
    int64_t live_since_ns, last_message_ns;
    uint64_t messages, gaps, resyncs, rejected;
    struct wire_level quoted_bid, quoted_ask; /* Last best_quote published. */
};

struct deribit_feed {
    char ws_url[160];
    bool takes_any_symbol;
    int32_t maker_ppm, taker_ppm; /* Where the metadata has none. */
    struct deribit_market *markets;
    unsigned market_count, markets_max;  /* As many as names; VENUE_SYMBOLS_MAX in a replay. */
    uint8_t slots[DERIBIT_MARKET_SLOTS]; /* By symbol: index + 1. */
    struct wire_instrument *known;       /* Replay only. */
    unsigned known_count;
    bool is_open, is_reconnecting;
    int64_t asked_ns[LISTING_COUNT]; /* Metadata: ask again then. */
    bool is_listed[LISTING_COUNT];   /* A list was read once. */
    unsigned attempt[LISTING_COUNT];
    int64_t rest_hold_until_ns; /* 429 */
    uint64_t request_id;
    wire_feed_state state; /* Of the whole feed, as last published. */
    wire_reason why;
    int64_t last_message_ns, ping_at_ns, status_at_ns;
    uint64_t metadata_bad, markets_refused;
    struct venue_feed_stats stats;
    struct wire_level bids[DERIBIT_SIDE_MAX], asks[DERIBIT_SIDE_MAX]; /* Of the message in hand. */
    struct wire_book_delta event;                                     /* Being built. */
    struct venue_request request;
};

/* One call's worth of the outside. */
struct deribit_call {
    struct deribit_feed *feed;
    const struct venue_clock *clock;
    const struct venue_out *out;
};

/* ---- feed.c ---- */

void deribit_note(const struct deribit_call *call, const char *event, const char *format, ...)
    PRINTF_LIKE(3, 4);
void deribit_emit(const struct deribit_call *call, struct wire_header *event);

/* deribit_send sends a method with parameters (JSON, without braces). */
int deribit_send(const struct deribit_call *call, const char *method, const char *parameters);

/* deribit_subscribe_due subscribes to all that is wanted, defined and not subscribed to. */
void deribit_subscribe_due(const struct deribit_call *call);

/* deribit_resync unsubscribes and subscribes a market's book: a fresh snapshot follows. */
void deribit_resync(const struct deribit_call *call, struct deribit_market *market);

/* deribit_update_state works the whole feed's state out of its markets and publishes a change. */
void deribit_update_state(const struct deribit_call *call, bool always);

/* deribit_lost makes all books stale. */
void deribit_lost(const struct deribit_call *call, wire_reason why);

/* ---- feed_frame.c ---- */

/* deribit_frame is struct venue_feed_ops.frame. */
int deribit_frame(void *state, unsigned connection, const char *frame, size_t len,
                  const struct venue_clock *clock, const struct venue_out *out);

/* deribit_ms reads a time in milliseconds as ns. 0 or ERR_PROTO. */
int deribit_ms(const struct scan_value *value, int64_t *out_ns);

/* ---- feed_market.c ---- */

/* deribit_market_by_symbol finds a market; where unknown symbols are taken, it makes one. NULL when
 * the symbol is not for us or there is no room. */
struct deribit_market *deribit_market_by_symbol(const struct deribit_call *call, const char *symbol,
                                                size_t len);

/* deribit_market_define takes one object of a list of instruments. */
void deribit_market_define(const struct deribit_call *call, const struct scan_value *object);

void deribit_market_publish_definition(const struct deribit_call *call,
                                       struct deribit_market *market, bool is_repeat);

/* deribit_scale fixes exponents by the decimals of numbers seen; later calls change nothing. */
void deribit_scale(struct deribit_market *market, int price_decimals, int qty_decimals);

/* deribit_decimals counts the decimals of a number's text: "0.5" and "5E-1" have 1, "4714.0" 0. */
int deribit_decimals(const struct scan_value *number);

/* ---- feed_book.c ---- */

/* deribit_book takes the data of a book channel. 0, ERR_PROTO or ERR_STALE, as
 * venue_feed_ops.frame. Hot. */
int deribit_book(const struct deribit_call *call, struct deribit_market *market,
                 const struct scan_value *data);

void deribit_market_status(const struct deribit_call *call, const struct deribit_market *market);
void deribit_market_set_state(const struct deribit_call *call, struct deribit_market *market,
                              wire_feed_state state, wire_reason why);

/* deribit_market_lost marks a book stale, says so, and asks for a resync where one can be had. */
void deribit_market_lost(const struct deribit_call *call, struct deribit_market *market,
                         wire_reason why);

void deribit_market_snapshot(const struct deribit_call *call, struct deribit_market *market,
                             bool is_repeat);

/* ---- feed_trade.c: the data of one message. 0 or ERR_PROTO ---- */

int deribit_trades(const struct deribit_call *call, struct deribit_market *market,
                   const struct scan_value *data);
int deribit_ticker(const struct deribit_call *call, struct deribit_market *market,
                   const struct scan_value *data);

/* deribit_ticker_repeat publishes mark, index and funding again, for late joiners. */
void deribit_ticker_repeat(const struct deribit_call *call, struct deribit_market *market);

extern const struct venue_feed_ops deribit_feed_ops;

#endif
