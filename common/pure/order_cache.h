/* order_cache.h - what a venue has said of orders so far.
 *
 * Messages of a private stream often name an order by the venue's id alone and say only what
 * changed: codecs keep what was said before here and lay the news over it. Bounded: a full cache
 * lets the longest untouched ended order go, else the longest untouched. Memory is taken at init;
 * owned by one thread. */
#ifndef TICKPIPE_COMMON_PURE_ORDER_CACHE_H
#define TICKPIPE_COMMON_PURE_ORDER_CACHE_H

#include "common/pure/wire.h"

enum {
    ORDER_CACHE_MAX = 2048,
    ORDER_CACHE_BUCKETS = 4096,
    ORDER_CACHE_EXP = 8, /* Exponents of a new entry. */
};

struct order_known {
    char order_id[72]; /* The venue's. */
    char client_order_id[40];
    char symbol[32];
    wire_side side;
    wire_order_type type;
    wire_time_in_force time_in_force;
    bool is_post_only;
    wire_order_state state;
    int8_t price_exp, qty_exp;
    int64_t price, qty, cum_qty; /* cum_qty -1: not said yet. */
    int64_t changed_ns;          /* Placed or amended. 0: not seen. */
    uint64_t last_trade_id;      /* Where trades of a symbol are numbered: told up to it. */
    bool is_cancel_taken;        /* The venue has said yes to a cancel; the end is still to come. */
    uint16_t bucket_next, older, newer; /* Index + 1. */
    bool is_used;
};

struct order_cache {
    struct order_known *orders; /* ORDER_CACHE_MAX */
    uint16_t *buckets;          /* Index + 1. */
    uint16_t oldest, newest;    /* Index + 1, by last touch. */
    uint32_t used;
    uint64_t evicted, evicted_live;
};

int order_cache_init(struct order_cache *cache); /* 0 or ERR_SYS; allocates. */
void order_cache_fini(struct order_cache *cache);

struct order_known *order_cache_find(struct order_cache *cache, const char *order_id);
struct order_known *order_cache_put(struct order_cache *cache,
                                    const char *order_id); /* Finds or makes; touches it. */
/* order_cache_by_client_id gives the newest of that id. Linear. */
struct order_known *order_cache_by_client_id(struct order_cache *cache, const char *id);

#endif
