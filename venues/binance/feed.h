/* feed.h - the state of the market feed, shared by feed.c (its life), feed_read.c (what comes in)
 * and feed_book.c (its books). What differs between spot and futures is in struct feed_product. */
#ifndef TICKPIPE_VENUES_BINANCE_FEED_H
#define TICKPIPE_VENUES_BINANCE_FEED_H

#include "common/pure/book.h"
#include "common/pure/pace.h"
#include "venues/binance/binance.h"

enum {
    FEED_LEVELS_DEFAULT = 5000,
    FEED_SIDE_MAX = 8192, /* Levels a side in one venue message; the largest snapshot has 5000. */
    FEED_BUFFER_HEADS = 1024,   /* Deltas kept while a snapshot is awaited: 100 s of them ... */
    FEED_BUFFER_LEVELS = 32768, /* ... and their levels, 512 KiB a symbol. */
    FEED_SNAPSHOTS_MAX = 4,     /* Asked for at the same time. */
    FEED_PER_CONNECTION = 20,   /* Symbols; three streams each. */
    FEED_CLASSES_MAX = 2,
    FEED_STREAMS_MAX = 4,
    FEED_KNOWN_MAX = 4096, /* Definitions of a capture's exchangeInfo, for symbols not yet seen. */
};

/* Where a product delivers some of its streams, those of books first: each is heard on connections
 * of its own class alone. */
struct feed_class {
    const char *path;                      /* "/stream" */
    const char *streams[FEED_STREAMS_MAX]; /* Of each symbol, without "symbol@". */
    const char *common;                    /* Asked for once, on the first connection; or NULL. */
    int64_t data_ns; /* Subscribed, and nothing came for so long: connect anew. 0: may be quiet. */
};

struct feed_turn;
struct feed_message;
struct feed_symbol;

struct feed_product {
    const struct binance_product *product;
    const char *depth_path; /* With one %s, the symbol. */
    uint32_t depth_weight;
    uint32_t weight_per_minute; /* That we may use: the address's is shared with the engine. */
    uint32_t weight_used_max;   /* As the venue counts it: from here on we wait. */
    bool has_chain;             /* A delta names the one before it; ids are not consecutive. */
    bool has_aggregates;        /* Aggregated trades are subscribed to, not single ones. */
    struct feed_class classes[FEED_CLASSES_MAX];
    size_t class_count;
    /* Events that spot does not have, NULL: none. 0 or ERR_PROTO. */
    int (*event)(const struct feed_turn *turn, const struct feed_message *message);
    /* A list that spot does not have, asked for at the start and hourly; NULL: none. 0 or
     * ERR_PROTO.
     */
    const char *extra_path;
    int (*extra)(const struct feed_turn *turn, const struct scan_value *list);
};

/* A depth update as the venue words it, its levels in feed->bids and feed->asks. */
struct depth_update {
    uint64_t first, last;
    uint64_t previous; /* Last id of the delta before; without a chain first - 1. */
    int64_t exchange_ns;
    uint32_t bid_count, ask_count;
};

struct delta_head {
    struct depth_update update;
    uint32_t at; /* Its levels: bids, then asks. */
};

/* Deltas that wait for a snapshot, without a hole between them. */
struct delta_buffer {
    struct delta_head *heads;
    struct wire_level *levels;
    uint32_t head_count, level_count;
};

struct feed_symbol {
    char
        symbol[32]; /* "": the metadata has not said yet (live), or nobody has named it (replay). */
    uint64_t instrument;
    struct wire_instrument definition; /* header.size 0: none yet. */
    int price_exp, qty_exp;
    int price_decimals;  /* As its last snapshot wrote prices. */
    unsigned connection; /* Of its book; the next ones are its other classes'. */
    unsigned subscribed; /* A bit for each class. */
    wire_feed_state state;
    wire_reason why;

    struct book book;
    bool is_synced;    /* Every change up to book_id is in the book. */
    bool was_synced;   /* ... or was: the next snapshot is a resync. */
    bool is_buffering; /* Always while not synced; also while a live book is refreshed. */
    uint64_t book_id;
    uint64_t chain_id; /* Last id of the last delta applied; 0: none since the snapshot. */
    struct delta_buffer buffer;

    bool is_asked; /* A snapshot is on its way. */
    uint32_t ask_generation;
    unsigned attempts;
    int64_t asked_ns, ask_after_ns, subscribed_ns, refresh_ns;

    uint64_t quote_id; /* Update id of the last quote seen; of the venue's quote and of the book
                          alike. */
    struct wire_level quote_bid, quote_ask;
    int64_t ahead_since_ns;      /* The quote has left the book behind since then; 0: it has not. */
    struct wire_mark_price mark; /* The last ones; header.size 0: none yet. */
    struct wire_funding funding;
    int64_t funding_interval_ns; /* 0: not known. */
    bool has_trades;             /* Of the kind that is subscribed to. */

    uint64_t messages, gaps, resyncs, rejected;
    int64_t last_message_ns;
};

struct feed_connection {
    bool is_open;
    uint64_t subscribe_id; /* Of the last SUBSCRIBE; 0: acknowledged, or none sent. */
    int64_t subscribe_ns;
    int64_t data_ns; /* When something was last delivered, or subscribed to. 0: nothing is. */
};

enum feed_metadata { METADATA_NONE, METADATA_SOME_ASKED, METADATA_ALL_ASKED, METADATA_DONE };

struct binance_feed {
    const struct feed_product *product;
    char venue[16];
    char urls[FEED_CLASSES_MAX][BINANCE_URL_MAX];
    char names[VENUE_SYMBOLS_MAX][32]; /* Wanted; symbols[i] is names[i]. */
    bool takes_any_symbol;
    int32_t maker_fee_ppm, taker_fee_ppm;

    struct feed_symbol *symbols; /* VENUE_SYMBOLS_MAX in a replay, else as many as wanted. */
    size_t symbol_count, symbols_max;
    struct feed_connection connections[VENUE_CONNECTIONS_MAX];
    size_t connection_count;
    wire_feed_state state; /* Of the whole feed, as last published. */

    struct wire_instrument *known; /* Replay only. */
    size_t known_count;
    enum feed_metadata metadata;
    int64_t metadata_ns; /* Asked, or to be asked again. */
    int64_t extra_ns;
    uint64_t next_id;

    struct rate_limit weight;
    bool is_paced; /* weight has begun: it needs a first now. */
    int64_t hold_until_ns;
    unsigned asked_count;

    struct venue_feed_stats stats;
    int64_t last_message_ns;

    struct wire_level *bids, *asks; /* FEED_SIDE_MAX each: the levels of the message in hand. */
    struct wire_book_delta event;
};

/* What every step needs. */
struct feed_turn {
    struct binance_feed *feed;
    const struct venue_clock *clock;
    const struct venue_out *out;
};

/* Members of a message by their one-letter names. */
struct feed_letters {
    struct scan_value at['z' - 'A' + 1];
};
#define LETTER(letters, c) (&(letters)->at[(c) - 'A'])

/* Members of an event; the few longer names of interest go to the side. */
struct feed_message {
    struct feed_letters letters;
    struct scan_value stream, data, update_id, bids, asks, result, error, code, previous, status,
        average;
};

/* feed_message_read reads an object. 0 or ERR_PROTO. */
int feed_message_read(const struct scan_value *object, struct feed_message *out);

/* feed_emit counts an event and hands it out. */
void feed_emit(const struct feed_turn *turn, struct wire_header *event, uint64_t instrument);

/* Which request an answer belongs to: kind, symbol, generation. */
enum tag_kind { TAG_NONE, TAG_METADATA, TAG_SNAPSHOT, TAG_EXTRA };
static inline uint64_t tag_make(enum tag_kind kind, size_t symbol, uint32_t generation)
{
    return (uint64_t)kind << 56 | (uint64_t)symbol << 32 | generation;
}

/* ---- feed.c ---- */

/* struct venue_feed_ops of a product: all but init, which says which one it is. */
int feed_open(struct binance_feed *feed, const struct venue_feed_config *config,
              const struct feed_product *product);
void feed_fini(void *state);
size_t feed_connections(void *state, struct venue_connection *out);
void feed_start(void *state, const struct venue_clock *clock, const struct venue_out *out);
void feed_opened(void *state, unsigned connection, const struct venue_clock *clock,
                 const struct venue_out *out);
void feed_closed(void *state, unsigned connection, const struct venue_clock *clock,
                 const struct venue_out *out);
void feed_tick(void *state, const struct venue_clock *clock, const struct venue_out *out);
void feed_republish(void *state, uint64_t instrument, const struct venue_clock *clock,
                    const struct venue_out *out);
void feed_stats(void *state, struct venue_feed_stats *out);
size_t feed_tops(void *state, struct venue_feed_top *out, size_t max);

/* feed_ask_snapshot asks for a symbol's snapshot, unless one is on its way, it is too early, or the
 * weight is spent. */
void feed_ask_snapshot(const struct feed_turn *turn, struct feed_symbol *sym);

/* feed_subscribe asks for the streams of all symbols of a connection that have a name and no
 * streams yet. */
void feed_subscribe(const struct feed_turn *turn, unsigned connection);

struct feed_symbol *feed_symbol_find(struct binance_feed *feed,
                                     const struct scan_value *name); /* or NULL */

/* feed_symbol_of is feed_symbol_find; in a replay a symbol never seen before gets its slot. */
struct feed_symbol *feed_symbol_of(const struct feed_turn *turn, const struct scan_value *name);

/* feed_symbol_define takes a definition and publishes it where it says something new. */
void feed_symbol_define(const struct feed_turn *turn, struct feed_symbol *sym,
                        const struct wire_instrument *definition);

void feed_publish_definition(const struct feed_turn *turn, const struct feed_symbol *sym);

/* ---- feed_read.c: struct venue_feed_ops.frame and .http ---- */

int feed_on_frame(void *state, unsigned connection, const char *frame, size_t len,
                  const struct venue_clock *clock, const struct venue_out *out);
int feed_on_http(void *state, const struct venue_response *response,
                 const struct venue_clock *clock, const struct venue_out *out);

/* ---- feed_book.c ---- */

int feed_symbol_init(struct feed_symbol *sym, unsigned levels_max); /* 0 or ERR_SYS; allocates. */
void feed_symbol_fini(struct feed_symbol *sym);

/* feed_set_state publishes a change of a symbol's state, and of the feed's where that follows. */
void feed_set_state(const struct feed_turn *turn, struct feed_symbol *sym, wire_feed_state state,
                    wire_reason why);
void feed_publish_status(const struct feed_turn *turn, const struct feed_symbol *sym);
void feed_publish_book(const struct feed_turn *turn, const struct feed_symbol *sym);

/* feed_desync: the book may not be traded on until a snapshot has come. Its buffer starts anew. */
void feed_desync(const struct feed_turn *turn, struct feed_symbol *sym, wire_feed_state state,
                 wire_reason why);

/* feed_levels reads [["price","qty"], ...]. 0, ERR_PROTO, or ERR_FULL (more than FEED_SIDE_MAX). */
int feed_levels(const struct scan_value *array, const struct feed_symbol *sym,
                struct wire_level *out, uint32_t *count);

/* feed_on_update takes a depth update whose levels are in feed->bids and feed->asks. 0 or
 * ERR_STALE. */
int feed_on_update(const struct feed_turn *turn, struct feed_symbol *sym,
                   const struct depth_update *update);

/* feed_on_snapshot takes a snapshot (update->last) in the same way. 0, ERR_AGAIN (too old for the
 * buffer: ask again) or ERR_PROTO (crossed). */
int feed_on_snapshot(const struct feed_turn *turn, struct feed_symbol *sym,
                     const struct depth_update *snapshot);

/* feed_on_quote takes the venue's own best bid and ask of one update id. */
void feed_on_quote(const struct feed_turn *turn, struct feed_symbol *sym, uint64_t id,
                   int64_t exchange_ns, struct wire_level bid, struct wire_level ask);

#endif
