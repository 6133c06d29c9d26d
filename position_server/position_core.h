/* position_core.h - executions and account events in, each applied once; positions, balances, PnL
 * out.
 *
 * Deterministic: no socket, clock, file or allocation. Executions of an account are applied in the
 * order of their trade_number, without holes: one that is ahead is not taken, the missing ones are
 * asked for. What is applied is written by the caller's `store` before it counts as applied. */
#ifndef TICKPIPE_POSITION_SERVER_POSITION_CORE_H
#define TICKPIPE_POSITION_SERVER_POSITION_CORE_H

#include "common/pure/equal_assets.h"
#include "common/pure/holding.h"
#include "common/pure/market.h"
#include "common/pure/wire.h"

enum {
    POSITIONS_MAX = 1024,
    BALANCES_MAX = 512,
    POSITION_ACCOUNTS_MAX = 64,
    POSITION_AMOUNT_EXP = 8, /* Every amount of the ledger, whatever the asset. */
};

/* One position: of a strategy on an account (strategy 0: of the whole account). */
struct position {
    uint16_t account, strategy;
    uint64_t instrument;
    struct holding holding; /* Quantity, cost and profit (settle asset, before fees): exact. */
    int64_t fees;           /* Quote: fees in base or quote, converted at the execution's price. */
    int64_t funding;        /* Received less paid, settle asset. */
    int64_t bought, sold;
    uint64_t trades;
    uint64_t applied_trade_number;
    int64_t day_base; /* net at the start of the UTC day */
    bool has_opening; /* It was there before the engine's journal, and is in holding. */
    /* Derivatives, strategy 0. As the venue last said, at the holding's exponents. */
    bool has_venue, is_different; /* Different at a settled moment; said. */
    int64_t venue_qty, venue_avg_price, venue_unrealised;
    int64_t venue_heard_ns;
    uint64_t venue_epoch, venue_seq;
    int64_t venue_realised;    /* Sum of what it stated with executions, */
    int64_t compared_realised; /* and of our own figures for the same. */
};

struct balance {
    uint16_t account;
    char asset[16];
    int64_t opening; /* What the ledger began with. */
    int64_t change;  /* By fills, fees, transfers, funding since. */
    int64_t fees;    /* Part of change that was fees. */
    bool has_opening;
    uint8_t opening_agreed;   /* Figures of the venue that agree on it. */
    bool opening_moved;       /* change was another one in between. */
    int64_t opening_change;   /* change when it was last settled. */
    int64_t opening_since_ns; /* Venue's time of the first of them. */
    bool has_venue;
    int64_t venue_total, venue_free, venue_locked;
    uint64_t venue_epoch, venue_seq; /* Of the event that said it: an older one may come late. */
    uint64_t venue_as_of;            /* Trade number that the venue's figure surely includes. */
    int64_t venue_heard_ns;
    int64_t unexplained_since_ns; /* The difference has been there since; 0: none. */
};

struct account {
    uint16_t id;
    uint16_t publisher;
    uint64_t applied_trade_number, applied_event_number;
    uint64_t announced_trade_number; /* The engine's last_trade_number. */
    uint64_t announced_event_number;
    bool has_events;             /* Where the account events of this ledger begin is known: */
    uint64_t began_event_number; /* what came up to it is in the first balances. */
    uint64_t durable_trade_number, durable_event_number; /* Up to here the store is safe. */
    int64_t ask_due_ns;
    int64_t last_trade_ns;
    unsigned asks;
    bool is_asked; /* For what its engine keeps, once: it may be older than this ledger. */
};

struct position_config {
    char reporting[16];
    int64_t mark_max_age_ns;
    int64_t settle_ns; /* Without executions for so long, a difference of balances is real. */
    int64_t replay_every_ns;
    struct equal_asset equals[EQUAL_ASSETS_MAX];
    unsigned equal_count;
};

struct position_out {
    void *ctx;
    void (*publish)(void *ctx, unsigned port, struct wire_header *event); /* 6003, 7004 */
    /* Writes an applied execution or account event. 0, or an error: it then is not applied. */
    /* ERR_EXISTS: an execution with the same identity (account, instrument, exchange order id,
     * venue trade id, side) is there under another number: this one is kept apart, and counts as
     * applied without moving anything. */
    int (*store_trade)(void *ctx, const struct wire_trade_event *trade);
    int (*store_account)(void *ctx, const struct wire_account_event *event);
    void (*store_definition)(void *ctx, const struct wire_instrument *definition);
    void (*need_snapshot)(void *ctx, uint64_t instrument);
    void (*note)(void *ctx, const char *event, const char *text);
    /* The venue's last word on a position; replaces the one before. NULL: not kept. */
    void (*store_position)(void *ctx, const struct wire_account_position *position);
};

struct position_counters {
    uint64_t trades_applied, trades_duplicate, trades_ahead, replays_asked, events_applied,
        events_duplicate, events_ahead;
    uint64_t store_failed, unknown_instrument, positions_full, simulated;
    uint64_t identities_repeated, positions_stated, positions_differed, realised_differed;
};

struct position_core {
    struct position_config config;
    struct market *market;
    struct position_out out;
    struct position positions[POSITIONS_MAX];
    struct balance balances[BALANCES_MAX];
    struct account accounts[POSITION_ACCOUNTS_MAX];
    uint32_t position_count, balance_count, account_count;
    int64_t day; /* UTC day number of day_base. */
    int64_t state_due_ns, applied_due_ns;
    bool is_loading; /* Records come from the store: nothing is stored or published. */
    struct position_counters counters;
};

void position_core_init(struct position_core *core, const struct position_config *config,
                        struct market *market, const struct position_out *out);

/* position_core_load applies a record of the store, before any event: definitions first, then
 * executions and account events in the order in which they were stored. */
void position_core_load(struct position_core *core, const struct wire_header *record);
/* position_core_load_repeated: a number that is taken, by an execution that another one told. In
 * its place among the records. */
void position_core_load_repeated(struct position_core *core, uint16_t account,
                                 uint64_t trade_number);
/* position_core_set_day: what a position was worth when its day began, as stored. After the
 * records, before _loaded. */
void position_core_set_day(struct position_core *core, int64_t day, uint16_t account,
                           uint16_t strategy, uint64_t instrument, int64_t base);
void position_core_loaded(struct position_core *core, int64_t now_ns);

/* position_core_event takes 6001, 6017 and 6018 (engine_status). */
void position_core_event(struct position_core *core, const struct wire_header *event,
                         int64_t now_ns);
/* position_core_durable: everything stored up to now is safe; applied numbers may be announced. */
void position_core_durable(struct position_core *core);
void position_core_gap(struct position_core *core, unsigned port, uint16_t publisher,
                       uint16_t type);
void position_core_restarted(struct position_core *core, unsigned port, uint16_t publisher,
                             int64_t now_ns);

/* position_core_tick: replay requests, applied numbers each second, state each second, the day's
 * turn. */
void position_core_tick(struct position_core *core, int64_t now_ns, int64_t wall_ns);
/* position_core_publish says everything now: 6003 to all, position updates to the engines. */
void position_core_publish(struct position_core *core, int64_t now_ns);

/* position_convert gives amount (at POSITION_AMOUNT_EXP) of an asset in the reporting currency,
 * along marked pairs of at most two steps. false: no path, or a stale mark: a breach, not zero. */
bool position_convert(const struct position_core *core, const char *asset, int64_t amount,
                      int64_t now_ns, int64_t *out);

#endif
