/* feed.h - the market feed's state, and what its files offer one another.
 *
 * feed.c           the connection's life: requests, subscriptions, liveness, refresh
 * feed_frame.c     frames by kind, the venue's system state
 * feed_market.c    markets and their definitions
 * feed_book.c      books: levels, truncation, staleness, what is published of them
 * feed_check.c     books compared with REST, below what the checksum proves
 * feed_trade.c     trades and tickers
 * feed_checksum.c  the venue's CRC32 over the ten best levels */
#ifndef TICKPIPE_VENUES_KRAKEN_FEED_H
#define TICKPIPE_VENUES_KRAKEN_FEED_H

#include "common/pure/book.h"
#include "common/pure/book_check.h"
#include "venues/kraken/kraken.h"

enum {
    KRAKEN_DEPTH_DEFAULT = 25,
    KRAKEN_DEPTH_MAX = 1000,
    KRAKEN_CHECKSUM_LEVELS = 10,
    KRAKEN_MARKET_SLOTS = 256, /* Power of two, four times the markets. */
    KRAKEN_FEED_CONNECTION = 0,
    KRAKEN_TAG_DEPTH = 1000, /* And a number that grows: which question it answers. */
};

/* The checksum's text, level by level. qty 0: none. */
struct kraken_sum_level {
    int64_t price, qty;
    uint8_t len;
    char text[79];
};
struct kraken_sum {
    struct kraken_sum_level asks[KRAKEN_CHECKSUM_LEVELS], bids[KRAKEN_CHECKSUM_LEVELS];
    int price_decimals, qty_decimals;
};

struct kraken_market {
    char symbol[32];
    uint64_t instrument;
    bool is_wanted; /* By configuration: subscribed to as soon as it is defined. */
    bool is_defined;
    bool is_scaled;     /* Its exponents are fixed: for life. */
    bool is_subscribed; /* We asked for its book on this connection. */
    bool is_refused;    /* The venue does not know it. */
    bool is_lost;       /* Its book was given up; nothing but a snapshot helps. */
    bool is_asked;      /* A snapshot is on its way: asked for, not yet there. */
    bool is_refreshing; /* Asked for a fresh snapshot of a book that is still good. */
    struct wire_instrument definition;
    wire_trading_state pair_state; /* The pair's own, before the system's is laid over it. */
    struct book book;
    struct kraken_sum sum;
    unsigned depth; /* Subscribed, as the ack said. 0: not known, taken from a snapshot. */
    bool is_depth_known;
    int price_decimals, qty_decimals; /* Of the venue's text: what the checksum is made of. */

    wire_feed_state state;
    wire_reason why;
    int64_t resync_at_ns;  /* Ask again then; 0: no need. */
    int64_t refresh_at_ns; /* Ask for a fresh snapshot then. */
    int64_t check_at_ns;   /* Compare with REST then. */
    int64_t suspect_price; /* It differed there the last time; asks negative; 0: it did not. */
    unsigned resync_attempt;
    int64_t live_since_ns;
    uint64_t last_trade_id;
    uint64_t messages, gaps, resyncs, checksum_failed, rejected;
    int64_t last_message_ns;
    struct wire_level quoted_bid, quoted_ask; /* Last best_quote published. */
};

/* The one comparison with REST that runs. */
enum kraken_check_stage { KRAKEN_CHECK_NONE, KRAKEN_CHECK_ASKED, KRAKEN_CHECK_HELD };
struct kraken_check {
    enum kraken_check_stage stage;
    struct kraken_market *market;
    struct book_check book;
    uint32_t generation;
    unsigned levels;           /* Asked for. */
    int64_t since_ns, next_ns; /* Asked or answered; the next one not before. */
    uint64_t done, failed, unanswered;
};

struct kraken_feed {
    char rest_url[256], ws_url[256];
    bool takes_any_symbol;
    unsigned depth;
    int32_t maker_ppm, taker_ppm;
    struct kraken_names names;
    struct kraken_market *markets;
    unsigned market_count, markets_max; /* As many as names; VENUE_SYMBOLS_MAX in a replay. */
    uint8_t slots[KRAKEN_MARKET_SLOTS]; /* Open addressing by symbol: index + 1. */

    bool is_open;
    wire_trading_state system; /* As channel status says; UNKNOWN until then. */
    bool is_maintenance;
    wire_feed_state state; /* Of the whole feed, as last published. */
    wire_reason why;
    int64_t last_message_ns;
    int64_t opened_ns;
    int64_t ping_sent_ns, ping_sent_wall_ns; /* 0: none on its way. */
    bool is_reconnecting;                    /* Asked for; not asked for twice. */
    uint64_t req_id;
    int64_t clock_offset_ns;

    bool is_metadata_asked, has_metadata;
    int64_t metadata_at_ns; /* Ask (again) then. */
    unsigned metadata_attempt;
    int64_t status_at_ns;       /* Next sign of life. */
    int64_t send_hold_until_ns; /* "Exceeded msg rate" */

    struct kraken_check check;
    struct venue_feed_stats stats;
    uint64_t markets_refused; /* Symbols beyond VENUE_SYMBOLS_MAX. */
    uint64_t metadata_bad;
    struct wire_level asks[WIRE_LEVELS_MAX]; /* Of the message being read. */
    struct wire_book_delta event;            /* The book event being built. */
    struct venue_request request;
};

/* One call's worth of the outside. */
struct kraken_call {
    struct kraken_feed *feed;
    const struct venue_clock *clock;
    const struct venue_out *out;
};

/* ---- feed.c ---- */

void kraken_feed_note(const struct kraken_call *call, const char *event, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* kraken_feed_emit stamps and publishes an event. */
void kraken_feed_emit(const struct kraken_call *call, struct wire_header *event);

/* kraken_feed_reconnect asks the shell for a new connection, once. */
void kraken_feed_reconnect(const struct kraken_call *call, wire_reason why);

/* kraken_feed_subscribe sends subscribe (or unsubscribe) to a channel for one market, for NULL: for
 * all markets that are wanted, defined and not subscribed. 0 or what send said. */
int kraken_feed_subscribe(const struct kraken_call *call, const char *method, const char *channel,
                          const struct kraken_market *only);

/* kraken_feed_subscribe_books subscribes to all that is wanted, defined and not yet subscribed. */
void kraken_feed_subscribe_books(const struct kraken_call *call);

/* kraken_feed_resync unsubscribes and subscribes a market's book: a fresh snapshot follows. */
void kraken_feed_resync(const struct kraken_call *call, struct kraken_market *market);

/* kraken_feed_update_state works the whole feed's state out of its parts and publishes a change. */
void kraken_feed_update_state(const struct kraken_call *call, bool always);

/* ---- feed_frame.c ---- */

/* kraken_feed_frame is struct venue_feed_ops.frame. */
int kraken_feed_frame(void *state, unsigned connection, const char *frame, size_t len,
                      const struct venue_clock *clock, const struct venue_out *out);

/* kraken_feed_on_system takes the system's status word ("online", "maintenance", ...). */
void kraken_feed_on_system(const struct kraken_call *call, const struct scan_value *word);

/* kraken_feed_connection_lost makes every book stale. */
void kraken_feed_connection_lost(const struct kraken_call *call);

/* ---- feed_market.c ---- */

/* kraken_feed_market_add finds or makes the market of a symbol. NULL: no room, counted. */
struct kraken_market *kraken_feed_market_add(struct kraken_feed *feed, const char *symbol);

/* kraken_feed_market finds a symbol's market; where unknown symbols are taken, it makes one. NULL
 * when the symbol is not for us, is no symbol, or there is no room. */
struct kraken_market *kraken_feed_market(const struct kraken_call *call,
                                         const struct scan_value *symbol);

/* kraken_feed_effective_state lays the system's state over the pair's own: the stricter holds. */
wire_trading_state kraken_feed_effective_state(const struct kraken_feed *feed,
                                               const struct kraken_market *market);

void kraken_feed_publish_definition(const struct kraken_call *call, struct kraken_market *market,
                                    bool is_repeat);

/* kraken_feed_on_pair (ctx: struct kraken_call) takes what the metadata says of a pair. */
void kraken_feed_on_pair(void *ctx, const struct kraken_pair *pair);

/* ---- feed_book.c ---- */

/* kraken_market_scale fixes a market's exponents by the decimals that its first text or its
 * definition has; later calls change nothing. */
void kraken_market_scale(struct kraken_market *market, int price_decimals, int qty_decimals);

/* kraken_market_status publishes the market's feed_status. */
void kraken_market_status(const struct kraken_call *call, const struct kraken_market *market);

/* kraken_market_lost marks a book stale, says so, and asks for a resync where one can be had. */
void kraken_market_lost(const struct kraken_call *call, struct kraken_market *market,
                        wire_feed_state state, wire_reason why);

/* kraken_market_snapshot publishes the whole book. */
void kraken_market_snapshot(const struct kraken_call *call, struct kraken_market *market,
                            bool is_repeat);

/* kraken_market_quote publishes a top of book. */
void kraken_market_quote(const struct kraken_call *call, struct kraken_market *market,
                         struct wire_level bid, struct wire_level ask, int64_t exchange_ns);

/* Readers of one frame's data. 0, ERR_PROTO or ERR_STALE, as venue_feed_ops.frame. Hot. */
int kraken_feed_book(const struct kraken_call *call, const struct scan_value *data,
                     bool is_snapshot);

/* ---- feed_check.c ---- */

int kraken_check_init(struct kraken_check *check); /* 0 or ERR_SYS; allocates. */
void kraken_check_fini(struct kraken_check *check);

/* kraken_check_tick asks, gives up, judges: one comparison at a time. */
void kraken_check_tick(const struct kraken_call *call);

/* kraken_check_answer takes REST's answer. 0 or ERR_PROTO. */
int kraken_check_answer(const struct kraken_call *call, const struct venue_response *response);

/* kraken_check_drop ends a comparison of a market whose book was taken anew, or is not good. */
void kraken_check_drop(struct kraken_feed *feed, struct kraken_market *market);

/* ---- feed_trade.c: the same of trades and tickers ---- */

int kraken_feed_trades(const struct kraken_call *call, const struct scan_value *data,
                       bool is_snapshot);
int kraken_feed_ticker(const struct kraken_call *call, const struct scan_value *data);

/* ---- feed_checksum.c ---- */

/* kraken_checksum gives the venue's CRC32 of a book's ten best levels, numbers written with exactly
 * so many decimals. sum keeps the texts of the call before (zeroed at first) and changes no result.
 * Hot: once per book message; writing all forty numbers anew would cost four times the rest. */
uint32_t kraken_checksum(struct kraken_sum *sum, const struct book *book, int price_decimals,
                         int qty_decimals);

#endif
