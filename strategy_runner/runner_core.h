/* runner_core.h - runs strategies: their orders' life from intent to end, seen from this side of
 * the bus.
 *
 * Deterministic: events and now_ns in, events out; no socket, clock, file or allocation. An intent
 * carries the epoch of the engine that it is written for and a deadline. It is sent again until the
 * engine answers; after the deadline the runner only asks for its state, and never orders again
 * under a new id. */
#ifndef TICKPIPE_STRATEGY_RUNNER_RUNNER_CORE_H
#define TICKPIPE_STRATEGY_RUNNER_RUNNER_CORE_H

#include "common/pure/market.h"
#include "common/pure/wire.h"
#include "strategy_runner/strategy.h"

enum {
    RUNNER_ORDERS_MAX = 2048,
    RUNNER_STRATEGIES_MAX = 16,
    RUNNER_ENGINES_MAX = 64,
    RUNNER_POSITIONS_MAX = 512,
    RUNNER_BALANCES_MAX = 512,
    RUNNER_AMOUNT_EXP = 8,
};

struct runner_config {
    uint32_t session;    /* Persisted before first use: order ids are never given twice. */
    int64_t resend_ns;   /* An unanswered intent goes out again. */
    int64_t ask_ns;      /* After the deadline: its state is asked for. */
    int64_t deadline_ns; /* Life of an intent unless the strategy says otherwise. */
    int64_t engine_silence_ns, risk_silence_ns, positions_silence_ns;
    int64_t book_max_age_ns;
};

struct runner_out {
    void *ctx;
    void (*publish)(void *ctx, unsigned port, struct wire_header *event); /* 7003 or 6004 */
    void (*need_snapshot)(void *ctx, uint64_t instrument);
    void (*need_state)(void *ctx, unsigned port); /* Ask the owner of a stream for its state. */
};

struct runner_order {
    uint64_t order_id, group_id, cause;
    uint64_t instrument, engine_epoch;
    uint16_t strategy, account;
    wire_side side;
    wire_order_type type;
    wire_time_in_force time_in_force;
    wire_order_state state;
    bool is_used, is_post_only, is_reduce_only, is_hedge, is_answered;
    bool is_cancel_wanted, is_replace_wanted;
    wire_reason why;
    uint16_t revision;
    int8_t price_exp, qty_exp;
    int64_t price, qty, filled_qty;
    int64_t new_price, new_qty;
    int64_t origin_ns, deadline_ns, replace_deadline_ns, next_send_ns;
    uint32_t sends;
    uint32_t live_at; /* Its place in runner_core.live. */
    uint64_t tag;     /* The strategy's own. */
};

/* What a strategy asks for. Exponents are the instrument's. */
struct runner_intent {
    uint64_t instrument, group_id, cause, tag;
    int64_t price, qty;             /* Rounded already: runner_round_price, runner_round_qty. */
    int64_t origin_ns, deadline_ns; /* deadline 0: the configured one. */
    wire_side side;
    wire_order_type type;
    wire_time_in_force time_in_force;
    bool is_post_only, is_hedge;
    bool is_reduce_only; /* Derivatives: may only make a position smaller. */
};

struct runner_engine {
    uint16_t account;
    uint64_t epoch;
    wire_engine_state state;
    bool is_dry_run;
    int64_t heard_ns;
};

struct runner_position {
    uint64_t instrument;
    uint16_t account, strategy;
    int64_t qty; /* At the instrument's qty_exp: the ledger's figure plus fills it has not applied
                    yet. */
    int64_t ledger_qty;
};

struct runner_balance {
    uint16_t account;
    char asset[16];
    int64_t free;       /* At amount_exp: the ledger's total less what orders hold. */
    int64_t venue_free; /* As the venue counts it: positions' margin is out of it too. */
    int8_t amount_exp;
};

struct runner_strategy {
    const struct strategy_ops *ops;
    char name[32];
    uint16_t id; /* 1..4095 */
    bool is_used;
    int64_t capital; /* Quote, at RUNNER_AMOUNT_EXP; 0: unset, refused. */
    wire_strategy_state state;
    wire_reason why;
    bool is_adopted; /* Orders of an earlier session are settled. */
    uint64_t intents, refused, fills, groups, unwound;
    _Alignas(16) unsigned char config[STRATEGY_CONFIG_MAX];
    _Alignas(16) unsigned char memory[STRATEGY_STATE_MAX];
};

struct runner_counters {
    uint64_t intents, resends, queries, refused, answered, expired_unanswered, orders_full,
        late_answers, own_quotes_avoided;
};

struct runner_core {
    struct runner_config config;
    struct market *market;
    struct runner_out out;
    struct runner_order orders[RUNNER_ORDERS_MAX];
    uint16_t live[RUNNER_ORDERS_MAX]; /* Slots of orders that are used: live_count of them. */
    struct runner_strategy strategies[RUNNER_STRATEGIES_MAX];
    struct runner_engine engines[RUNNER_ENGINES_MAX];
    struct runner_position positions[RUNNER_POSITIONS_MAX];
    struct runner_balance balances[RUNNER_BALANCES_MAX];
    uint32_t engine_count, position_count, balance_count, strategy_count, live_count;
    uint32_t order_counter, group_counter;
    uint64_t request_counter;
    struct wire_risk_state risk; /* As last heard; header.type 0: never. */
    int64_t risk_heard_ns, positions_heard_ns, status_due_ns;
    int64_t sweep_seen_ns, sweep_due_ns; /* Orders of earlier sessions: last seen, next cancel. */
    bool is_stopping;                    /* No strategy runs any more, whatever else happens. */
    struct runner_counters counters;
};

void runner_core_init(struct runner_core *core, const struct runner_config *config,
                      struct market *market, const struct runner_out *out, int64_t now_ns);

/* runner_core_add registers a strategy. config is copied. 0, ERR_FULL, ERR_RANGE (id 0, in use,
 * above 4095; capital not positive), ERR_EXISTS. */
int runner_core_add(struct runner_core *core, const struct strategy_ops *ops, const char *name,
                    uint16_t id, int64_t capital, const void *config);

/* runner_core_event takes any event of 6001, 6002, 6003, 6008, 6018 or 6020. */
void runner_core_event(struct runner_core *core, const struct wire_header *event, int64_t now_ns);

/* runner_core_heard: a heartbeat on a stream of that publisher. */
void runner_core_heard(struct runner_core *core, uint16_t publisher, unsigned port, int64_t now_ns);
void runner_core_gap(struct runner_core *core, unsigned port, uint16_t publisher, uint16_t type,
                     int64_t now_ns);
void runner_core_restarted(struct runner_core *core, unsigned port, uint16_t publisher,
                           int64_t now_ns);
void runner_core_tick(struct runner_core *core, int64_t now_ns);
/* runner_core_stop cancels every resting order; the shell goes on until runner_core_live is 0 or
 * its patience ends. */
void runner_core_stop(struct runner_core *core, int64_t now_ns);
uint32_t runner_core_live(const struct runner_core *core);
void runner_core_publish_state(struct runner_core *core, int64_t now_ns);

/* ---- for strategies ---- */

/* runner_place sends an intent. Returns its order_id, or 0: refused (published on 6004 with the
 * reason). */
uint64_t runner_place(struct runner_core *core, uint16_t strategy,
                      const struct runner_intent *intent, int64_t now_ns);
/* runner_cancel asks until the order is final. runner_replace: one at a time per order; ERR_AGAIN
 * while one runs. */
int runner_cancel(struct runner_core *core, uint64_t order_id, wire_reason why, int64_t now_ns);
int runner_replace(struct runner_core *core, uint64_t order_id, int64_t price, int64_t qty,
                   int64_t now_ns);

const struct runner_order *runner_order_find(const struct runner_core *core, uint64_t order_id);
bool runner_order_is_final(const struct runner_order *order);

/* runner_may_trade says whether new risk may be taken there now, and if not, why. */
bool runner_may_trade(const struct runner_core *core, uint16_t strategy,
                      const struct market_book *book, int64_t now_ns, wire_reason *why);

int64_t runner_position_of(const struct runner_core *core, uint16_t account, uint16_t strategy,
                           uint64_t instrument);
/* runner_free_balance gives the free amount of an asset at to_exp, -1 when not known. */
int64_t runner_free_balance(const struct runner_core *core, uint16_t account, const char *asset,
                            int to_exp);
/* runner_free_margin: likewise, but what positions of derivatives may still be opened with. */
int64_t runner_free_margin(const struct runner_core *core, uint16_t account, const char *asset,
                           int to_exp);

/* runner_avoid_own keeps an order of that side from meeting one of ours, of any strategy here:
 * where one rests on the other side within *price, *price becomes the last tick before it. Returns
 * how much the book has up to there, INT64_MAX where none of ours is in the way (not counted then),
 * 0: nothing stands before ours. Hot: one look at each live order. */
int64_t runner_avoid_own(struct runner_core *core, const struct market_book *book, wire_side side,
                         int64_t *price);

uint64_t runner_new_group(struct runner_core *core, uint16_t strategy);
struct runner_strategy *runner_strategy_find(struct runner_core *core, uint16_t id);

/* runner_round_price rounds to the tick: a buy down and a sell up (passive), or the other way round
 * when aggressive. */
int64_t runner_round_price(const struct market_book *book, wire_side side, int64_t price,
                           bool is_aggressive);
int64_t runner_round_qty(const struct market_book *book, int64_t qty); /* Down to the lot. */

#endif
