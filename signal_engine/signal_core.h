/* signal_core.h - the opportunity detector: consolidated books in, opportunities and their ends
 * out.
 *
 * Deterministic: events and now_ns in, events out; no socket, clock, file or allocation. For each
 * pair of instruments with the same canonical name on two accounts, both directions are walked
 * through both books: how much can be bought here and sold there, level by level, while the last
 * unit still earns after both takers' fees. */
#ifndef TICKPIPE_SIGNAL_ENGINE_SIGNAL_CORE_H
#define TICKPIPE_SIGNAL_ENGINE_SIGNAL_CORE_H

#include "common/pure/market.h"
#include "common/pure/wire.h"

enum { SIGNAL_PAIRS_MAX = 512, SIGNAL_AMOUNT_EXP = 8 };

struct signal_config {
    int64_t min_edge_ppm; /* Net over notional that is worth saying. */
    int64_t min_net;      /* Quote, at SIGNAL_AMOUNT_EXP. */
    int64_t max_notional; /* Walk no further than this much quote, at SIGNAL_AMOUNT_EXP. */
    int64_t max_age_ns;   /* A book heard from longer ago takes part in nothing. */
    int64_t valid_ns;     /* How long an opportunity holds unless renewed. */
    uint64_t epoch;       /* Opportunity ids come after it. */
};

struct signal_out {
    void *ctx;
    void (*publish)(void *ctx, struct wire_header *event);
    void (*need_snapshot)(void *ctx, uint64_t instrument); /* 0: of everything. */
};

/* One direction between two books, and what was last said about it. */
struct signal_pair {
    uint32_t buy, sell;      /* Slots in market->books. */
    uint64_t opportunity_id; /* 0: none open. */
    int64_t since_ns, valid_until_ns;
    int64_t qty, net, buy_price, sell_price;
    uint8_t revision;
};

struct signal_counters {
    uint64_t events, walks, opportunities, updates, ends, stale_skips, pairs_refused;
};

struct signal_core {
    struct signal_config config;
    struct market *market; /* The caller's, made by market_init. */
    struct signal_pair pairs[SIGNAL_PAIRS_MAX];
    uint32_t pair_count;
    uint64_t last_id;
    int64_t origin_ns; /* Of what is being looked at now: the event's, or the timer's. */
    struct signal_counters counters;
};

void signal_core_init(struct signal_core *core, const struct signal_config *config,
                      struct market *market);

/* signal_core_event takes an event of 6001. Hot: a change of one book walks the pairs it is part
 * of. */
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

/* What a walk found. Prices at price_exp, qty at qty_exp (the finer of both books), amounts at
 * SIGNAL_AMOUNT_EXP. */
struct signal_walk {
    int64_t qty, buy_price, sell_price, buy_vwap, sell_vwap;
    int64_t gross, fees, net;
    int32_t edge_ppm;
    int8_t price_exp, qty_exp;
};

/* signal_walk computes one direction. false: nothing earns at least the configured edge. Pure. */
bool signal_walk(const struct signal_config *config, const struct market_book *buy,
                 const struct market_book *sell, struct signal_walk *out);

#endif
