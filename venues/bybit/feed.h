/* feed.h - the market feed's state, and what its files offer one another.
 *
 * feed.c         the life of the connections: metadata, keepalive, subscriptions, status
 * feed_frame.c   frames by kind: topics, acks, refusals, the venue's own state
 * feed_market.c  markets and their definitions
 * feed_book.c    books: the chain of update ids, staleness, what is published of them
 * feed_trade.c   trades, tickers (mark, index, funding), liquidations
 *
 * Connections come in this order: those of spot, those of linear, the one of system.status. */
#ifndef TICKPIPE_VENUES_BYBIT_FEED_H
#define TICKPIPE_VENUES_BYBIT_FEED_H

#include "common/pure/book.h"
#include "venues/bybit/bybit.h"

enum {
    BYBIT_DEPTH_DEFAULT = 50,
    BYBIT_DEPTH_MAX = 1000,
    BYBIT_MARKET_SLOTS = 256,  /* Power of two, four times the markets. */
    BYBIT_PER_CONNECTION = 32, /* Markets. */
    BYBIT_TOPICS_MAX = 4,      /* Of a market. */
    BYBIT_ARGS_MAX = 21000,    /* Characters of topics that a public connection may have. */
    BYBIT_ARG_MAX = 48,        /* "allLiquidation." and a symbol. */
    BYBIT_SIDE_MAX = 2048,     /* Levels a side in one message; the largest book has 1000. */
    BYBIT_KNOWN_MAX = 4096,    /* Definitions of a capture's lists, for symbols not yet seen. */
};
static_assert(BYBIT_PER_CONNECTION * BYBIT_TOPICS_MAX * BYBIT_ARG_MAX < BYBIT_ARGS_MAX,
              "all topics of a connection's markets are allowed on it");
static_assert(VENUE_SYMBOLS_MAX / BYBIT_PER_CONNECTION + 2 < VENUE_CONNECTIONS_MAX,
              "spot, linear and the status");

enum bybit_topic { TOPIC_BOOK, TOPIC_TRADES, TOPIC_TICKER, TOPIC_LIQUIDATIONS, TOPIC_COUNT };

/* What a linear ticker has said so far: its deltas have only what changed. */
struct bybit_ticker {
    int64_t mark_price, index_price; /* 0: not said. */
    int64_t rate_ppb, next_funding_ns, interval_ns;
    bool has_rate;
};

struct bybit_market {
    char name[32];   /* Canonical; as configured, or from the metadata. "": not known (replay). */
    char symbol[32]; /* "": the metadata has not said yet. */
    uint64_t instrument;
    enum bybit_category category;
    unsigned connection;
    bool is_wanted;     /* By configuration. */
    bool is_defined;    /* definition is set. */
    bool is_scaled;     /* Its exponents are fixed: for life. */
    bool is_subscribed; /* We asked for its topics on this connection. */
    bool is_refused;    /* The venue does not know its book. */
    bool is_lost;       /* Its book was given up; nothing but a snapshot helps. */
    bool is_asked;      /* A snapshot is on its way. */
    bool was_live;      /* It has been good: the next snapshot is a resync. */
    uint8_t topics_refused;
    struct wire_instrument definition;
    wire_trading_state listed_state; /* Before the venue's own state is laid over it. */
    int64_t interval_ns;             /* Between fundings, by the metadata. */
    struct book book;
    unsigned depth;          /* Of the topic followed; 0: taken from the first snapshot (replay). */
    uint64_t update_id, seq; /* Of the last message. */
    int price_decimals;      /* Of the venue's text. */
    struct bybit_ticker told; /* As published. */
    struct bybit_ticker ticker;
    int64_t told_ns;

    wire_feed_state state;
    wire_reason why;
    int64_t resync_at_ns; /* Ask again then; 0: no need. */
    unsigned resync_attempt;
    int64_t live_since_ns;
    uint64_t messages, gaps, resyncs, rejected;
    int64_t last_message_ns;
    struct wire_level quoted_bid, quoted_ask; /* Last best_quote published. */
};

struct bybit_connection {
    bool is_status; /* The one of system.status. */
    enum bybit_category category;
    bool is_open, is_reconnecting;
    int64_t opened_ns, last_message_ns;
    int64_t ping_at_ns; /* When one was last sent. */
    bool is_pong_due;
};

/* The list of instruments of a category, asked for page by page. */
struct bybit_listing {
    bool is_wanted, is_complete; /* complete: read to its end once. */
    int64_t ask_at_ns;
    unsigned attempt, page;
    char cursor[BYBIT_CURSOR_MAX];
};

/* Maintenance as system.status announced it. */
struct bybit_notice {
    char id[40]; /* "": none. */
    int64_t begin_ns, end_ns;
};

struct bybit_known {
    struct wire_instrument definition;
    int64_t interval_ns;
};

struct bybit_feed {
    char ws_url[BYBIT_URL_MAX];
    bool takes_any_symbol;
    unsigned depth;
    int32_t maker_ppm, taker_ppm;
    struct bybit_market *markets;
    unsigned market_count, markets_max; /* As many as names; VENUE_SYMBOLS_MAX in a replay. */
    uint8_t slots[BYBIT_MARKET_SLOTS];  /* By category and symbol: index + 1. */
    struct bybit_known *known;          /* Replay only. */
    unsigned known_count;
    struct bybit_connection connections[VENUE_CONNECTIONS_MAX];
    unsigned connection_count; /* VENUE_CONNECTIONS_MAX in a replay. */
    struct bybit_listing listings[BYBIT_CATEGORIES];
    struct bybit_notice notices[BYBIT_CATEGORIES];
    bool is_maintenance[BYBIT_CATEGORIES]; /* As published. */

    wire_feed_state state; /* Of the whole feed, as last published. */
    wire_reason why;
    int64_t last_message_ns;
    uint64_t req_id;
    int64_t clock_offset_ns, time_at_ns;
    int64_t time_sent_wall_ns, time_sent_ns;
    int64_t status_at_ns;       /* Next sign of life. */
    int64_t rest_hold_until_ns; /* 403, 429 */
    uint64_t metadata_bad;      /* Objects that could not be read. */
    uint64_t markets_refused;   /* Symbols beyond the table. */
    struct venue_feed_stats stats;
    struct wire_level bids[BYBIT_SIDE_MAX], asks[BYBIT_SIDE_MAX]; /* Of the message in hand. */
    struct wire_book_delta event;                                 /* The book event being built. */
    struct venue_request request;
};

/* One call's worth of the outside. */
struct bybit_call {
    struct bybit_feed *feed;
    const struct venue_clock *clock;
    const struct venue_out *out;
};

/* ---- feed.c ---- */

void bybit_feed_note(const struct bybit_call *call, const char *event, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* bybit_feed_emit stamps and publishes an event. */
void bybit_feed_emit(const struct bybit_call *call, struct wire_header *event);

/* bybit_feed_subscribe_due subscribes to all that is wanted, defined and not subscribed to. */
void bybit_feed_subscribe_due(const struct bybit_call *call);

/* bybit_feed_subscribe_market sends one request with all topics of a market that the venue has not
 * refused: one refused topic would fail the topics of others in the same request. */
void bybit_feed_subscribe_market(const struct bybit_call *call, struct bybit_market *market);

/* bybit_feed_resync unsubscribes and subscribes a market's book: a fresh snapshot follows. */
void bybit_feed_resync(const struct bybit_call *call, struct bybit_market *market);

/* bybit_feed_update_state works the whole feed's state out of its parts and publishes a change. */
void bybit_feed_update_state(const struct bybit_call *call, bool always);

/* bybit_feed_lost makes the books of a connection stale. */
void bybit_feed_lost(const struct bybit_call *call, unsigned connection, wire_reason why);

/* bybit_topic_write writes a market's topic. */
void bybit_topic_write(const struct bybit_feed *feed, const struct bybit_market *market,
                       enum bybit_topic topic, char out[BYBIT_ARG_MAX]);

/* ---- feed_frame.c ---- */

/* bybit_feed_frame is struct venue_feed_ops.frame. */
int bybit_feed_frame(void *state, unsigned connection, const char *frame, size_t len,
                     const struct venue_clock *clock, const struct venue_out *out);

/* bybit_feed_heed_notices lays announced maintenance over the markets; to be called as time passes.
 */
void bybit_feed_heed_notices(const struct bybit_call *call);

/* ---- feed_market.c ---- */

/* bybit_market_by_symbol finds a market; where unknown symbols are taken, it makes one. NULL when
 * the symbol is not for us or there is no room. */
struct bybit_market *bybit_market_by_symbol(const struct bybit_call *call,
                                            enum bybit_category category, const char *symbol,
                                            size_t len);

/* bybit_market_define takes one object of a category's list of instruments. */
void bybit_market_define(const struct bybit_call *call, enum bybit_category category,
                         const struct scan_value *object);

void bybit_market_publish_definition(const struct bybit_call *call, struct bybit_market *market,
                                     bool is_repeat);

/* bybit_market_effective_state lays the venue's state over the market's own. */
wire_trading_state bybit_market_effective_state(const struct bybit_feed *feed,
                                                const struct bybit_market *market);

/* bybit_market_scale fixes exponents by the decimals of the first text; later calls change nothing.
 */
void bybit_market_scale(struct bybit_market *market, int price_decimals, int qty_decimals);

/* bybit_decimals counts the decimals of a number's text. */
int bybit_decimals(const struct scan_value *number);

/* ---- feed_book.c ---- */

/* bybit_feed_book takes one message of a book topic. 0, ERR_PROTO or ERR_STALE, as
 * venue_feed_ops.frame. Hot. */
int bybit_feed_book(const struct bybit_call *call, struct bybit_market *market, unsigned depth,
                    bool is_snapshot, const struct scan_value *data, int64_t exchange_ns);

/* bybit_market_status publishes the market's feed_status. */
void bybit_market_status(const struct bybit_call *call, const struct bybit_market *market);

/* bybit_market_set_state publishes a change of it. */
void bybit_market_set_state(const struct bybit_call *call, struct bybit_market *market,
                            wire_feed_state state, wire_reason why);

/* bybit_market_lost marks a book stale, says so, and asks for a resync where one can be had. */
void bybit_market_lost(const struct bybit_call *call, struct bybit_market *market,
                       wire_feed_state state, wire_reason why);

/* bybit_market_snapshot publishes the whole book. */
void bybit_market_snapshot(const struct bybit_call *call, struct bybit_market *market,
                           bool is_repeat);

/* ---- feed_trade.c: one message of each topic. 0 or ERR_PROTO ---- */

int bybit_feed_trades(const struct bybit_call *call, struct bybit_market *market,
                      const struct scan_value *data);
int bybit_feed_ticker(const struct bybit_call *call, struct bybit_market *market, bool is_snapshot,
                      const struct scan_value *data, int64_t exchange_ns);
int bybit_feed_liquidations(const struct bybit_call *call, struct bybit_market *market,
                            const struct scan_value *data);

/* bybit_ticker_repeat publishes mark, index and funding again, for late joiners. */
void bybit_ticker_repeat(const struct bybit_call *call, struct bybit_market *market);

#endif
