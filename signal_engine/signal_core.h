/* signal_core.h - the opportunity detector: consolidated books in, opportunities and their ends
 * out.
 *
 * Deterministic: events and now_ns in, events out; no socket, clock, file or allocation. Two
 * instruments are a pair when their definitions have the same base and the same quote (or assets
 * that the configuration counts as equal), whatever their kinds and accounts. Of each pair both
 * directions are walked through both books: how much can be bought here and sold there, level by
 * level, while the last unit still earns after both takers' fees.
 *
 * Between equal kinds that is a profit as soon as both legs are done. Between spot and a derivative
 * it is only where a position begins: what it earns is the basis as it closes and the funding until
 * it is left. net is the entry spread after fees in both cases; basis and funding stand beside it,
 * and the strategy decides. */
#ifndef TICKPIPE_SIGNAL_ENGINE_SIGNAL_CORE_H
#define TICKPIPE_SIGNAL_ENGINE_SIGNAL_CORE_H

#include "common/pure/equal_assets.h"
#include "common/pure/market.h"
#include "common/pure/wire.h"

enum {
    SIGNAL_PAIRS_MAX = 8192, /* Directions: 20 names on 6 spot and 3 perpetual books are 1,440. */
    SIGNAL_SLOTS_MAX = 1024, /* Instruments. */
    SIGNAL_AMOUNT_EXP = 8
};

/* Which kinds of pairs are looked at: bits. */
enum signal_kinds {
    SIGNAL_SPOT_SPOT = 1,
    SIGNAL_SPOT_PERPETUAL = 2,
    SIGNAL_PERPETUAL_PERPETUAL = 4,
};

struct signal_config {
    unsigned kinds;       /* Of enum signal_kinds; 0: all. */
    int64_t min_edge_ppm; /* Net over notional that is worth saying. */
    int64_t min_net;      /* Quote, at SIGNAL_AMOUNT_EXP. */
    int64_t max_notional; /* Walk no further than this much quote, at SIGNAL_AMOUNT_EXP. */
    /* Spot against perpetual: may be below 0, for entries that funding is to pay. min_net then does
     * not count. */
    int64_t basis_min_edge_ppm;
    int64_t basis_every_ns;     /* An open one is looked at anew no more often than this. */
    int64_t max_age_ns;         /* A book heard from longer ago takes part in nothing. */
    int64_t mark_max_age_ns;    /* A derivative's mark likewise; 0: not asked for. */
    int64_t funding_max_age_ns; /* Its funding rate likewise; 0: not asked for. */
    int64_t valid_ns;           /* How long an opportunity holds unless renewed. */
    uint64_t epoch;             /* Opportunity ids come after it. */
    struct equal_asset equals[EQUAL_ASSETS_MAX];
    unsigned equal_count;
};

struct signal_out {
    void *ctx;
    void (*publish)(void *ctx, struct wire_header *event);
    void (*need_snapshot)(void *ctx, uint64_t instrument); /* 0: of everything. */
};

/* One direction between two books, and what was last said about it. */
struct signal_pair {
    uint32_t buy, sell;                 /* Slots in market->books. */
    uint32_t next_of_buy, next_of_sell; /* Next pair of that slot + 1; 0: the last. */
    int32_t haircut_ppm;                /* Of quotes or bases that only count as equal. */
    bool is_basis;                      /* Spot against derivative. */
    bool is_waiting; /* Something changed; looked at when next_look_ns is there. */
    uint8_t revision;
    uint64_t opportunity_id; /* 0: none open. */
    int64_t since_ns, valid_until_ns, next_look_ns;
    int64_t qty, net, buy_price, sell_price;
};

struct signal_counters {
    uint64_t events, walks, opportunities, updates, ends, stale_skips, pairs_refused;
};

struct signal_core {
    struct signal_config config;
    struct market *market;               /* The caller's, made by market_init. */
    uint32_t first_of[SIGNAL_SLOTS_MAX]; /* First pair of a slot + 1. */
    bool is_paired[SIGNAL_SLOTS_MAX];
    uint32_t pair_count;
    uint64_t last_id;
    int64_t origin_ns; /* Of what is being looked at now: the event's, or the timer's. */
    struct signal_counters counters;
    struct signal_pair pairs[SIGNAL_PAIRS_MAX]; /* Last: what is never used is never touched. */
};

void signal_core_init(struct signal_core *core, const struct signal_config *config,
                      struct market *market);

/* signal_core_event takes an event of 6001. Hot: a change of one book walks the pairs it is part
 * of, no others. */
void signal_core_event(struct signal_core *core, const struct wire_header *event, int64_t now_ns,
                       const struct signal_out *out);

/* signal_core_gap: the bus misses messages of that type. signal_core_restarted: a gateway has a new
 * epoch. */
void signal_core_gap(struct signal_core *core, uint16_t publisher, uint16_t type, int64_t now_ns,
                     const struct signal_out *out);
void signal_core_restarted(struct signal_core *core, uint16_t publisher, int64_t now_ns,
                           const struct signal_out *out);

/* signal_core_tick, every 10 to 100 ms: renews or ends what is open. */
void signal_core_tick(struct signal_core *core, int64_t now_ns, const struct signal_out *out);

/* signal_core_republish says again what is open (for a late subscriber). Returns how many. */
unsigned signal_core_republish(struct signal_core *core, int64_t now_ns,
                               const struct signal_out *out);

/* What a direction must earn, and what it loses on the way besides fees. */
struct signal_terms {
    int64_t min_edge_ppm, min_net, max_notional; /* As in signal_config. */
    int32_t haircut_ppm;
};

/* What a walk found. Prices at price_exp, qty at qty_exp (the finer of both books), amounts at
 * SIGNAL_AMOUNT_EXP. */
struct signal_walk {
    int64_t qty, buy_price, sell_price, buy_vwap, sell_vwap;
    int64_t gross, fees, net; /* gross: less the haircut. */
    int32_t edge_ppm;
    int8_t price_exp, qty_exp;
};

/* signal_walk computes one direction. false: nothing earns what the terms ask. Pure. Hot: where the
 * best levels do not earn, that is all it looks at. */
bool signal_walk(const struct signal_terms *terms, const struct market_book *buy,
                 const struct market_book *sell, struct signal_walk *out);

/* signal_basis_ppm gives the middle of the derivative over that of the other, less 1; 0 where
 * neither or both are derivatives, or a side is empty. */
int32_t signal_basis_ppm(const struct market_book *buy, const struct market_book *sell);

#endif
