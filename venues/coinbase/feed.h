/* feed.h - the market feed's state, and what its files offer one another.
 *
 * feed.c        life: metadata, connections, subscriptions, time
 * feed_frame.c  frames told apart, trades, heartbeats, tickers, products
 * feed_book.c   books: snapshots, changes, what is published of them
 * feed_check.c  books compared with REST: level2 gives no other way to notice a lost frame
 * feed_rest.c   REST answers */
#ifndef TICKPIPE_VENUES_COINBASE_FEED_H
#define TICKPIPE_VENUES_COINBASE_FEED_H

#include "common/pure/book_check.h"
#include "common/pure/pace.h"
#include "venues/coinbase/coinbase.h"

enum {
    FEED_LEVELS_DEFAULT = 5000,
    FEED_LEVELS_MAX = 8192,  /* Kept of a side, and taken of one in a message. */
    FEED_CHANGES_MAX = 512,  /* Of one message as a delta; more are published as a whole book. */
    FEED_PER_CONNECTION = 8, /* "One or few products per connection": a slow reader is cut off. */
    FEED_TOUCHED_MAX = 8192, /* Prices changed while a comparison is under way ... */
    FEED_TRADES_PAGE = 1000, /* Largest page of /trades. */
    FEED_KNOWN_MAX = 2048,   /* Definitions of a capture's /products, for products not yet seen. */
};
static_assert(FEED_PER_CONNECTION * VENUE_CONNECTIONS_MAX >= VENUE_SYMBOLS_MAX, "all fit");

/* The price beyond which a side is not kept: levels were let go there. */
struct feed_floor {
    bool is_set;
    int64_t price;
};

struct feed_product {
    char symbol[32]; /* "": the metadata has not said yet. */
    uint64_t instrument;
    struct wire_instrument definition; /* header.size 0: none yet. */
    struct coinbase_flags flags;
    unsigned connection;
    bool is_subscribed;
    bool is_acked;   /* The venue's list of subscriptions has its book. */
    bool is_refused; /* The venue does not know it. */
    wire_feed_state state;
    wire_reason why;

    struct book book;
    struct feed_floor bid_floor, ask_floor;
    int price_decimals; /* Longest price text seen, or the definition's. */
    bool is_whole;      /* A snapshot has come, and nothing is known to be wrong since. */
    bool was_whole;
    int64_t resync_at_ns; /* Ask (again) for a snapshot then; 0: no need. */
    unsigned attempts;
    int64_t live_since_ns;

    int64_t heartbeat_ns; /* Last one, or when we subscribed. */
    uint64_t sequence;    /* Of the last heartbeat. */
    int64_t exchange_ns;  /* Newest time seen in any message of it. */
    uint64_t trade_id;    /* Last one published; 0: none. */
    uint64_t heartbeat_trade_id;
    uint64_t fill_from, fill_to; /* Trades that are missing: asked for by REST. 0: none. */
    bool is_fill_asked;
    int64_t fill_at_ns;

    int64_t check_at_ns, checked_ns; /* Compare with REST then; last done. */
    unsigned top_differs;            /* Tickers in a row whose top was not the book's ... */
    int64_t differs_ns;              /* ... since then. */

    struct wire_level quoted_bid, quoted_ask; /* Last best_quote published. */
    uint64_t messages, gaps, resyncs, rejected;
    int64_t last_message_ns;
};

struct feed_connection {
    bool is_open;
    int64_t subscribe_ns; /* Unacknowledged since then; 0: nothing is. */
};

/* A comparison with REST: one at a time. */
enum check_stage { CHECK_NONE, CHECK_ASKED, CHECK_HELD };
struct feed_check {
    enum check_stage stage;
    size_t product;
    uint32_t generation; /* In the request's tag: an answer given up is not taken for another. */
    int64_t asked_ns, held_ns;
    int64_t asked_exchange_ns; /* Newest time of the venue that we had seen when we asked. */
    int64_t rest_exchange_ns;
    unsigned retries;
    struct book_check book;
};

struct coinbase_feed {
    char venue[16];
    char url[COINBASE_URL_MAX];
    char names[VENUE_SYMBOLS_MAX][32]; /* Wanted; products[i] is names[i]. */
    bool takes_any_symbol;
    int32_t maker_fee_ppm, taker_fee_ppm;

    struct feed_product *products; /* VENUE_SYMBOLS_MAX in a replay, else as many as wanted. */
    size_t product_count, products_max;
    struct feed_connection connections[VENUE_CONNECTIONS_MAX];
    size_t connection_count;
    wire_feed_state state;         /* Of the whole feed, as last published. */
    struct wire_instrument *known; /* Replay only. */
    size_t known_count;

    int64_t metadata_at_ns, time_at_ns; /* Ask (again) then. */
    unsigned metadata_attempts;
    bool has_metadata;
    int64_t clock_offset_ns;
    struct rate_limit weight;
    bool is_paced; /* weight has begun: it needs a first now. */
    int64_t hold_until_ns;
    unsigned holds;

    struct feed_check check;
    int64_t check_at_ns; /* No comparison before. */
    uint64_t checks, checks_failed, checks_given_up;

    struct venue_feed_stats stats;
    int64_t last_message_ns;
    struct wire_level *bids, *asks; /* FEED_LEVELS_MAX each: of the message in hand. */
    struct wire_book_delta event;
    struct venue_request request;
};

/* What every step needs. */
struct coinbase_turn {
    struct coinbase_feed *feed;
    const struct venue_clock *clock;
    const struct venue_out *out;
};

/* Which request an answer belongs to. */
enum feed_tag { TAG_NONE, TAG_PRODUCTS, TAG_TIME, TAG_TRADES, TAG_BOOK };
static inline uint64_t feed_tag_make(enum feed_tag kind, size_t product, uint32_t generation)
{
    return (uint64_t)kind << 56 | (uint64_t)product << 32 | generation;
}

/* A frame's members, as far as anything of ours needs them. */
struct feed_frame {
    struct scan_value type, product, time, sequence, trade_id, last_trade_id, price, size, side;
    struct scan_value changes, bids, asks, best_bid, best_bid_size, best_ask, best_ask_size;
    struct scan_value channels, products, message, reason, channel;
};

/* ---- feed.c ---- */

/* coinbase_feed_emit stamps, counts and hands out an event. */
void coinbase_feed_emit(const struct coinbase_turn *turn, struct wire_header *event,
                        uint64_t instrument);

void coinbase_feed_note(const struct coinbase_turn *turn, const char *event, const char *format,
                        ...) PRINTF_LIKE(3, 4);

/* coinbase_feed_ask starts a public REST call where the pace allows. 0, ERR_AGAIN or ERR_FULL. */
int coinbase_feed_ask(const struct coinbase_turn *turn, uint64_t tag, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* coinbase_feed_subscribe subscribes to all products of a connection that are known, wanted and not
 * yet subscribed. */
void coinbase_feed_subscribe(const struct coinbase_turn *turn, unsigned connection);

/* coinbase_feed_resync leaves a product's book and takes it again: a snapshot follows. */
void coinbase_feed_resync(const struct coinbase_turn *turn, struct feed_product *product);

struct feed_product *coinbase_feed_find(struct coinbase_feed *feed,
                                        const struct scan_value *symbol); /* or NULL */

/* coinbase_feed_product is coinbase_feed_find; in a replay a product never seen before gets its
 * slot. */
struct feed_product *coinbase_feed_product(const struct coinbase_turn *turn,
                                           const struct scan_value *symbol);

/* coinbase_feed_define takes a definition and publishes it where it says something new. */
void coinbase_feed_define(const struct coinbase_turn *turn, struct feed_product *product,
                          const struct wire_instrument *definition);

/* coinbase_feed_metadata takes one product object: of a product that is wanted (live), or of any
 * (replay). is_list: of /products, which says all; a status message leaves things out. */
void coinbase_feed_metadata(const struct coinbase_turn *turn, const struct scan_value *object);

/* ---- feed_frame.c: struct venue_feed_ops.frame ---- */

int coinbase_feed_frame(void *state, unsigned connection, const char *frame, size_t len,
                        const struct venue_clock *clock, const struct venue_out *out);

/* coinbase_feed_trade publishes a trade. maker_side as the venue words it: "sell": the taker
 * bought. 0 or ERR_PROTO. */
int coinbase_feed_trade(const struct coinbase_turn *turn, struct feed_product *product,
                        const struct scan_value *price, const struct scan_value *size,
                        const struct scan_value *maker_side, const struct scan_value *time,
                        uint64_t trade_id, uint8_t flags);

/* ---- feed_rest.c: struct venue_feed_ops.http ---- */

int coinbase_feed_http(void *state, const struct venue_response *response,
                       const struct venue_clock *clock, const struct venue_out *out);

/* ---- feed_book.c ---- */

void coinbase_book_status(const struct coinbase_turn *turn, const struct feed_product *product);
void coinbase_book_publish(const struct coinbase_turn *turn, const struct feed_product *product,
                           uint8_t flags);

/* coinbase_book_state publishes a change of a product's state, and of the feed's where that
 * follows; NULL: of the feed's alone. */
void coinbase_book_state(const struct coinbase_turn *turn, struct feed_product *product,
                         wire_feed_state state, wire_reason why);

/* coinbase_book_lost: the book may not be traded on until a snapshot has come; asks for one where
 * that helps. */
void coinbase_book_lost(const struct coinbase_turn *turn, struct feed_product *product,
                        wire_feed_state state, wire_reason why);

/* coinbase_book_quote publishes a top of book where it is another one than before. */
void coinbase_book_quote(const struct coinbase_turn *turn, struct feed_product *product,
                         struct wire_level bid, struct wire_level ask, int64_t exchange_ns,
                         uint64_t venue_seq);

/* coinbase_levels reads [["price","size",...], ...], best first. Levels beyond FEED_LEVELS_MAX are
 * left out (*is_cut). 0 or ERR_PROTO. */
int coinbase_levels(const struct scan_value *array, const struct book *scales, bool is_bid,
                    struct wire_level *out, uint32_t *count, bool *is_cut);

/* Readers of frames. 0, ERR_PROTO or ERR_STALE, as venue_feed_ops.frame. Hot. */
int coinbase_book_snapshot(const struct coinbase_turn *turn, struct feed_product *product,
                           const struct feed_frame *frame);
int coinbase_book_update(const struct coinbase_turn *turn, struct feed_product *product,
                         const struct feed_frame *frame);

/* ---- feed_check.c ---- */

int coinbase_check_init(struct feed_check *check); /* 0 or ERR_SYS; allocates. */
void coinbase_check_fini(struct feed_check *check);

/* coinbase_check_wants: a comparison of that product is under way, and its changes are touches.
 * Hot.
 */
static inline bool coinbase_check_wants(const struct coinbase_feed *feed,
                                        const struct feed_product *product)
{
    return feed->check.stage != CHECK_NONE && &feed->products[feed->check.product] == product;
}

/* coinbase_check_drop gives up the comparison of a product whose book is no longer the one it was
 * asked for. */
void coinbase_check_drop(struct coinbase_feed *feed, const struct feed_product *product);

/* coinbase_check_answer takes the body of /products/ID/book?level=2. 0 or ERR_PROTO. */
int coinbase_check_answer(const struct coinbase_turn *turn, const struct venue_response *response);

/* coinbase_check_tick asks for the next comparison, and judges one whose time has come. */
void coinbase_check_tick(const struct coinbase_turn *turn);

/* coinbase_check_top compares a ticker's top with the book's; one that goes on differing brings the
 * comparison with REST forward. */
void coinbase_check_top(const struct coinbase_turn *turn, struct feed_product *product, int64_t bid,
                        int64_t ask);

#endif
