/* feed.h - the market feed's state, and what its files offer one another.
 *
 * feed.c           the life of its connections: subscriptions, liveness
 * feed_http.c      what is asked by REST, and the answers
 * feed_frame.c     frames by kind, notices and errors, the venue's system status
 * feed_market.c    markets, their definitions, what the metadata says
 * feed_book.c      books: sequence chain, staleness, what is published of them
 * feed_sync.c      a book's beginning by REST, should the venue send no snapshot
 * feed_data.c      trades, quotes, funding, marks, liquidations
 * feed_checksum.c  the venue's former CRC32 over the 25 best levels */
#ifndef TICKPIPE_VENUES_OKX_FEED_H
#define TICKPIPE_VENUES_OKX_FEED_H

#include "common/pure/book.h"
#include "venues/okx/okx.h"

enum {
    OKX_LEVELS = 400,        /* A side of channel books. */
    OKX_SIDE_MAX = 1000,     /* Kept a side, and read of one message. */
    OKX_PER_CONNECTION = 16, /* Markets; the venue recommends below 30 deep books each. */
    OKX_MARKET_SLOTS = 256,  /* Power of two, four times the markets. */
    OKX_CATALOG_MAX = 4096,  /* Replay only: rows of metadata kept for symbols not yet seen. */
    OKX_DEFINED_EARLY = 8,   /* Replay only: markets that a definition alone opens. */
    OKX_BUFFER_HEADS = 256,
    OKX_BUFFER_LEVELS = 16384,
    OKX_CHECKSUM_LEVELS = 25,
};

struct okx_market {
    char name[32];   /* Canonical, as wanted; "" in a replay. */
    char symbol[32]; /* "": the metadata has not said yet. */
    char index[32];  /* Of a swap: the instId of its index. */
    wire_instrument_kind kind;
    uint64_t instrument;
    unsigned connection;
    bool is_wanted;
    bool is_defined;
    bool is_scaled;     /* Its exponents are fixed: for life. */
    bool is_subscribed; /* Asked for on this connection. */
    bool is_lost;       /* Its book was given up; nothing but a snapshot helps. */
    bool is_awaiting;   /* A snapshot is on its way: asked for, not yet there. */
    bool is_rest_tried; /* ... and REST has been asked for it. */
    bool is_joining;    /* The book came by REST; the stream may still bring what is in it. */
    bool is_text_odd;   /* Numbers not written in the shortest way: no checksum can be made. */
    int64_t asked_ns;   /* When it was asked for, later when that was acknowledged. */
    struct okx_scale scale;
    struct wire_instrument definition;
    struct book book;
    int64_t sequence; /* seqId of the book; -1: not told (recordings of before 2023). */
    int price_decimals;

    wire_feed_state state;
    wire_reason why;
    int64_t resync_at_ns; /* Ask again then; 0: no need. */
    unsigned resync_attempt;
    int64_t live_since_ns;
    uint64_t messages, gaps, resyncs, checksum_failed, rejected;
    struct wire_level quoted_bid, quoted_ask; /* Last best_quote published ... */
    int64_t quoted_ns;                        /* ... and the venue's time of it. */
    int64_t mark_price, index_price;
};

struct okx_feed_connection {
    bool is_open, is_reconnecting;
    int64_t last_message_ns;
    int64_t ping_ns;         /* 0: none on its way. */
    int64_t reconnect_at_ns; /* Planned; 0: not. */
    int64_t hold_until_ns;   /* "Too many requests" */
    unsigned operations;     /* Subscriptions and their like, of 480 an hour. */
    int64_t operations_ns;
    bool is_general_asked; /* Channels of no instrument. */
};

/* Updates that wait for a snapshot by REST: of one market at a time. */
struct okx_held {
    int64_t prev, seq, exchange_ns;
    uint32_t at, bid_count, ask_count;
};
struct okx_buffer {
    struct okx_market *market; /* NULL: free. */
    uint64_t tag;
    int64_t asked_ns;
    struct okx_held *heads;
    struct wire_level *levels;
    uint32_t head_count, level_count;
    bool is_overfull;
};

enum okx_list { LIST_SPOT, LIST_SWAP, LIST_COUNT };

struct okx_list_state {
    bool has_answer;
    int64_t at_ns; /* Ask (again) then. */
    unsigned attempt;
};

struct okx_feed {
    char url[320];
    bool takes_any_symbol;
    int32_t maker_ppm, taker_ppm;
    struct okx_market *markets;
    unsigned market_count, markets_max;
    uint8_t slots[OKX_MARKET_SLOTS]; /* Open addressing by symbol: index + 1. */
    struct okx_meta *catalog;        /* Replay only. */
    unsigned catalog_count;
    uint64_t markets_refused, catalog_refused, metadata_bad;

    struct okx_feed_connection connections[VENUE_CONNECTIONS_MAX];
    unsigned connection_count;
    struct okx_list_state lists[LIST_COUNT];
    int64_t time_at_ns, time_sent_wall_ns, status_ask_ns;
    int64_t clock_offset_ns;
    bool is_maintenance;
    wire_feed_state state; /* Of the whole feed, as last published. */
    wire_reason why;
    int64_t last_message_ns, status_at_ns;
    uint64_t operation_id;
    struct okx_buffer buffer;

    struct venue_feed_stats stats;
    struct wire_level bids[OKX_SIDE_MAX], asks[OKX_SIDE_MAX]; /* Of the message being read. */
    struct wire_book_delta event;                             /* The book event being built. */
    struct venue_request request;
};

/* One call's worth of the outside. */
struct okx_call {
    struct okx_feed *feed;
    const struct venue_clock *clock;
    const struct venue_out *out;
};

/* ---- feed.c ---- */

void okx_feed_note(const struct okx_call *call, const char *event, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* okx_feed_emit stamps and publishes an event. */
void okx_feed_emit(const struct okx_call *call, struct wire_header *event);

/* okx_feed_reconnect asks the shell for a new connection, once. */
void okx_feed_reconnect(const struct okx_call *call, unsigned connection, wire_reason why);

/* okx_feed_subscribe subscribes to all of a connection that is wanted, defined and not subscribed.
 */
void okx_feed_subscribe(const struct okx_call *call, unsigned connection);

/* okx_feed_resync unsubscribes and subscribes a market's book: a fresh snapshot follows. */
void okx_feed_resync(const struct okx_call *call, struct okx_market *market);

/* okx_feed_update_state works the whole feed's state out of its parts and publishes a change. */
void okx_feed_update_state(const struct okx_call *call, bool always);

extern const char *const okx_list_types[LIST_COUNT];

/* ---- feed_http.c ---- */

/* okx_feed_request starts a GET. 0 or what request said. */
int okx_feed_request(const struct okx_call *call, uint64_t tag, const char *path);

void okx_feed_ask_list(const struct okx_call *call, enum okx_list list);
void okx_feed_ask_time(const struct okx_call *call);
void okx_feed_ask_status(const struct okx_call *call);

/* okx_feed_http is struct venue_feed_ops.http. */
int okx_feed_http(void *state, const struct venue_response *response,
                  const struct venue_clock *clock, const struct venue_out *out);

/* What answers are told by; the low bits of TAG_BOOK count. */
enum { TAG_LIST = 1, TAG_TIME = 8, TAG_STATUS = 9, TAG_BOOK = 256 };

/* ---- feed_frame.c ---- */

/* okx_feed_frame is struct venue_feed_ops.frame. */
int okx_feed_frame(void *state, unsigned connection, const char *frame, size_t len,
                   const struct venue_clock *clock, const struct venue_out *out);

/* okx_feed_status takes rows of the venue's maintenance list. 0 or ERR_PROTO. is_whole: rows that
 * are not there are over. */
int okx_feed_status(const struct okx_call *call, const struct scan_value *data, bool is_whole);

/* ---- feed_market.c ---- */

/* okx_market_add makes a market. NULL: no room, counted. */
struct okx_market *okx_market_add(struct okx_feed *feed);

/* okx_market_find gives the market of a symbol; where unknown symbols are taken, makes one. NULL:
 * not for us, no symbol, or no room. */
struct okx_market *okx_market_find(const struct okx_call *call, const struct scan_value *symbol);

/* okx_market_scale fixes a market's exponents by the decimals of the first text seen of it, where
 * no definition came before; later calls change nothing. */
void okx_market_scale(struct okx_market *market, int price_decimals, int qty_decimals);

void okx_market_publish_definition(const struct okx_call *call, struct okx_market *market,
                                   bool is_repeat);

/* okx_feed_on_meta (ctx: struct okx_call) takes what the metadata says of an instrument. */
void okx_feed_on_meta(void *ctx, const struct okx_meta *meta);

/* ---- feed_book.c ---- */

void okx_market_status(const struct okx_call *call, const struct okx_market *market);

/* okx_market_lost marks a book stale, says so, and asks for a resync where one can be had. */
void okx_market_lost(const struct okx_call *call, struct okx_market *market, wire_feed_state state,
                     wire_reason why);

void okx_market_snapshot(const struct okx_call *call, struct okx_market *market, bool is_repeat);

/* okx_market_quote publishes a top of book, where it differs from the last one published and is not
 * older. */
void okx_market_quote(const struct okx_call *call, struct okx_market *market, struct wire_level bid,
                      struct wire_level ask, int64_t exchange_ns, int64_t sequence);

/* A book message: its levels are in feed->bids and feed->asks. */
struct okx_book_message {
    int64_t prev, seq; /* seq -1: neither was told. */
    int64_t exchange_ns;
    bool has_prev, is_text_odd;
    int32_t checksum; /* 0: none. */
    uint32_t bid_count, ask_count;
    int price_decimals;
};

enum okx_action { ACTION_NONE, ACTION_SNAPSHOT, ACTION_UPDATE };

/* okx_feed_books reads and applies the data of a books frame; the iterator stands in its array. 0,
 * ERR_PROTO or ERR_STALE, as venue_feed_ops.frame. Hot. */
int okx_feed_books(const struct okx_call *call, struct okx_market *market, struct scan_iter *items,
                   enum okx_action action);

/* okx_book_read reads one element of data (or a REST book) into feed->bids and feed->asks. items:
 * in its object. 0 or ERR_PROTO. */
int okx_book_read(struct okx_feed *feed, struct okx_market *market, struct scan_iter *members,
                  struct okx_book_message *out);

/* okx_book_take_snapshot replaces the book by the levels read. 0, or ERR_STALE: checksum, crossed.
 */
int okx_book_take_snapshot(const struct okx_call *call, struct okx_market *market,
                           const struct okx_book_message *message);

/* okx_book_apply sets the levels read. */
void okx_book_apply(struct okx_feed *feed, struct okx_market *market,
                    const struct okx_book_message *message);

/* okx_book_is_live publishes a book that has just become whole. */
void okx_book_is_live(const struct okx_call *call, struct okx_market *market);

/* ---- feed_sync.c ---- */

int okx_buffer_init(struct okx_buffer *buffer); /* 0 or ERR_SYS; allocates. */
void okx_buffer_fini(struct okx_buffer *buffer);

/* okx_sync_begin asks REST for a market's book and keeps its updates from now on. 0; ERR_AGAIN:
 * another market has the buffer, or the request could not be made. */
int okx_sync_begin(const struct okx_call *call, struct okx_market *market);

/* okx_sync_hold keeps an update whose levels are in feed->bids and feed->asks. */
void okx_sync_hold(struct okx_feed *feed, const struct okx_book_message *message);

/* okx_sync_answer takes the answer. 0 or ERR_PROTO: the book is then asked for again. */
int okx_sync_answer(const struct okx_call *call, const struct venue_response *response);

/* okx_sync_drop lets the buffer go where it is that market's. */
void okx_sync_drop(struct okx_feed *feed, const struct okx_market *market);

/* ---- feed_data.c: readers of one frame's data. instrument: what its arg names, for rows that
 * name none. 0 or ERR_PROTO. ---- */

enum okx_channel {
    CHANNEL_OTHER,
    CHANNEL_BOOKS,
    CHANNEL_TRADES,
    CHANNEL_BBO,
    CHANNEL_TICKERS,
    CHANNEL_FUNDING,
    CHANNEL_MARK,
    CHANNEL_INDEX,
    CHANNEL_LIQUIDATIONS,
    CHANNEL_INSTRUMENTS,
    CHANNEL_STATUS,
};

int okx_feed_data(const struct okx_call *call, enum okx_channel channel,
                  const struct scan_value *instrument, const struct scan_value *data);

/* ---- feed_checksum.c ---- */

/* okx_checksum gives the venue's CRC32 of the 25 best levels, each number as the venue writes it:
 * without trailing zeros, quantities in its own units. */
int32_t okx_checksum(const struct book *book, const struct okx_scale *scale);

#endif
