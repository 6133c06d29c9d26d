/* exchange.h - one simulated venue: instruments, accounts, orders, executions, fees.
 *
 * The deterministic core of the simulator: calls with a time in, events out by a callback. No
 * socket, clock, file or allocation: init takes memory from its caller. What is protocol (texts,
 * signatures, rate limits, wire ids) belongs to the venue's simulator side (sim.h). Owned by one
 * thread.
 *
 * Every price, quantity and amount is an int64 with EXCHANGE_EXP decimals; a quantity is in base
 * units, also of a perpetual (a side converts the venue's contracts). A trade's quote amount is
 * price * qty rounded down; the same integer leaves the buyer and reaches the seller. Nothing is
 * created or lost: for each asset, the balances of all accounts, plus collected fees, plus the
 * insurance fund, less what open positions cost, equal what was deposited, to the last unit
 * (exchange_check).
 *
 * Perpetuals settle in their quote asset: no base changes hands, an execution opens or closes part
 * of a one-way position (margin.h has what follows from positions). */
#ifndef TICKPIPE_VENUE_SIMULATOR_EXCHANGE_H
#define TICKPIPE_VENUE_SIMULATOR_EXCHANGE_H

#include "venue_simulator/matching.h"

enum {
    EXCHANGE_EXP = 8,
    EXCHANGE_ASSETS_MAX = 40,
    EXCHANGE_INSTRUMENTS_MAX = 64,
    EXCHANGE_ACCOUNTS_MAX = 16,
    EXCHANGE_CLIENT_ID_MAX = 40, /* With its NUL. */
};
#define EXCHANGE_ONE INT64_C(100000000) /* 1.0 */

/* Why something was refused or ended. */
#define EXCHANGE_CAUSES(X)                                                                     \
    X(CAUSE_NONE, "none")                                                                      \
    X(CAUSE_REQUESTED, "requested") /* By the owner. */                                        \
    X(CAUSE_REPLACED, "replaced")   /* Cancelled to make room for a new one. */                \
    X(CAUSE_UNKNOWN_ORDER, "unknown_order")                                                    \
    X(CAUSE_DUPLICATE_CLIENT_ID, "duplicate_client_id") /* Among the account's open orders. */ \
    X(CAUSE_HALTED, "halted")                           /* Instrument takes no orders now. */  \
    X(CAUSE_CANCEL_ONLY, "cancel_only")                                                        \
    X(CAUSE_POST_ONLY_MODE, "post_only_mode") /* Instrument takes only post-only. */           \
    X(CAUSE_TICK, "tick")                     /* Price not on the tick. */                     \
    X(CAUSE_PRICE_RANGE, "price_range")       /* Outside the instrument's bounds. */           \
    X(CAUSE_PRICE_BAND, "price_band")         /* Too far from the last price. */               \
    X(CAUSE_LOT, "lot")                       /* Quantity not on the step. */                  \
    X(CAUSE_MIN_QTY, "min_qty")                                                                \
    X(CAUSE_MAX_QTY, "max_qty")                                                                \
    X(CAUSE_MARKET_MAX_QTY, "market_max_qty")                                                  \
    X(CAUSE_MIN_NOTIONAL, "min_notional")                                                      \
    X(CAUSE_MAX_NOTIONAL, "max_notional")                                                      \
    X(CAUSE_MAX_ORDERS, "max_orders") /* Open orders on the instrument. */                     \
    X(CAUSE_BALANCE, "insufficient_balance")                                                   \
    X(CAUSE_WOULD_TAKE, "would_take") /* Post-only that crosses. */                            \
    X(CAUSE_NO_LIQUIDITY,                                                                      \
      "no_liquidity") /* Market order: nothing on the other side, or its rest. */              \
    X(CAUSE_IOC, "ioc_remainder")                                                              \
    X(CAUSE_FOK, "fok_unfilled")                                                               \
    X(CAUSE_STP, "self_trade_prevention")                                                      \
    X(CAUSE_TIME, "time_expired")             /* Good till date. */                            \
    X(CAUSE_AMEND_INCREASE, "amend_increase") /* Where only a reduction is allowed. */         \
    X(CAUSE_NO_CHANGE, "no_change")                                                            \
    X(CAUSE_AMEND_LIMIT, "amend_limit")   /* Too many amendments. */                           \
    X(CAUSE_AMEND_FILLED, "amend_filled") /* New quantity not above what is filled. */         \
    X(CAUSE_DEAD_MAN, "dead_man")         /* The venue's switch fired. */                      \
    X(CAUSE_MARGIN, "insufficient_margin")                                                     \
    X(CAUSE_REDUCE_ONLY, "reduce_only")     /* Would open or enlarge a position. */            \
    X(CAUSE_LEVERAGE, "leverage")           /* Not between 1 and the instrument's highest. */  \
    X(CAUSE_OPEN_POSITION, "open_position") /* Positions or orders stand against it. */        \
    X(CAUSE_LIQUIDATION, "liquidation")                                                        \
    X(CAUSE_CAPACITY, "capacity") /* The simulator's own bound. */

#define EXCHANGE_CAUSE_AS_ENUM(name, text) name,
enum exchange_cause { EXCHANGE_CAUSES(EXCHANGE_CAUSE_AS_ENUM) CAUSE_COUNT };
const char *exchange_cause_str(enum exchange_cause cause);

enum exchange_fee_asset {
    FEE_IN_RECEIVED, /* Binance: base on a buy, quote on a sell. */
    FEE_IN_QUOTE,    /* Kraken: on top of a buy's cost, out of a sell's proceeds. */
};

struct exchange_instrument_config {
    char symbol[32];          /* The venue's own: "BTCUSDT". May repeat with another kind. */
    char base[16], quote[16]; /* Canonical asset codes. */
    int64_t tick, lot;
    int64_t min_price, max_price; /* 0: unbounded, as with each limit below. */
    int64_t min_qty, max_qty, market_max_qty;
    int64_t min_notional, max_notional;
    int64_t band_ppm;    /* A limit price may be so far from the last price, worse for the owner. */
    uint32_t max_orders; /* Open ones per account. */
    uint32_t max_amends;
    int price_decimals, qty_decimals; /* As the venue writes them. */
    int64_t start_price;              /* Last price before the first trade. */
    wire_instrument_kind kind;        /* INSTRUMENT_SPOT (or 0), INSTRUMENT_PERPETUAL. */
    int64_t contract_size;            /* Base units in the venue's contract; 0: 1. */
    /* Perpetuals only. */
    uint32_t leverage, max_leverage; /* Of an account that sets none; 0: 10 and 100. */
    int32_t maintenance_ppm;         /* Of a position's value at mark; 0: 5,000. */
    int64_t funding_interval_ns;     /* 0: 8 hours. */
    int64_t funding_cap_ppb;         /* Bound of a rate, either way; 0: 7,500,000. */
    int64_t interest_ppb;            /* Part of every rate. */
};

struct exchange_account_config {
    char name[32];
    bool is_background; /* The market's: no history, no limit on the number of open orders. */
    int32_t maker_fee_ppm, taker_fee_ppm;
};

struct exchange_config {
    char venue[32];
    const struct exchange_instrument_config *instruments;
    uint32_t instrument_count;
    const struct exchange_account_config *accounts;
    uint32_t account_count;
    enum exchange_fee_asset fee_asset; /* Of spot; a perpetual's fees are in quote. */
    bool is_reduce_only_refused; /* A reduce-only order above the position is refused, not cut. */
    uint32_t orders_max;         /* Records of accounts with history: open and finished. */
    uint32_t background_orders_max; /* Open orders of background accounts. */
    uint32_t executions_max;        /* Records of accounts with history. */
    uint32_t levels_max;            /* Per side and instrument. */
    uint64_t first_order_id, first_trade_id, first_update_id; /* 0: 1. */
};

enum exchange_state {
    EXCHANGE_NEW,
    EXCHANGE_PARTIALLY_FILLED,
    EXCHANGE_FILLED,
    EXCHANGE_CANCELLED,
    EXCHANGE_EXPIRED,
};

struct exchange_order {
    struct match_order match; /* side, price, leaves; first member. */
    uint64_t id;              /* Unique in the venue, increasing. */
    uint32_t instrument, account;
    char client_id[EXCHANGE_CLIENT_ID_MAX]; /* "" where none. */
    wire_order_type type;
    wire_time_in_force time_in_force;
    bool is_post_only, is_reduce_only;
    bool is_liquidation; /* Forced: not its owner's. */
    enum match_stp stp;
    enum exchange_state state;
    enum exchange_cause cause; /* Of its end. */
    int64_t qty;               /* Ordered, as last amended. */
    int64_t quote_qty;         /* Market order by amount of quote; else 0. */
    int64_t filled_qty, filled_quote;
    int64_t prevented_qty;
    int64_t hold;      /* Locked for it now: quote of a buy, base of a sell; perpetual: 0. */
    int64_t fee_total; /* In the asset that its fees are charged in (one per side and venue). */
    int64_t created_ns, updated_ns, amended_ns; /* Venue's wall time; amended_ns 0: never. */
    int64_t expires_ns;                         /* 0: never. */
    uint32_t amend_count;
    uint64_t tag;                             /* The venue side's: userref, flags. */
    uint32_t first_execution, last_execution; /* EXCHANGE_NONE: none. */
    uint32_t slot;
    struct exchange_order *next_of_account, *prev_of_account; /* Open orders, oldest first. */
};
#define EXCHANGE_NONE UINT32_MAX

/* qty ordered = filled + prevented + leaves while open. */
static inline bool exchange_is_open(const struct exchange_order *order)
{
    return order->state <= EXCHANGE_PARTIALLY_FILLED;
}

/* One side of a trade, kept for accounts with history. */
struct exchange_execution {
    uint64_t id;       /* Per venue, increasing. */
    uint64_t trade_id; /* Per instrument, +1. */
    uint32_t order;    /* Slot. */
    uint32_t account, instrument;
    wire_side side;
    bool is_maker;
    int64_t price, qty, quote, fee;
    int64_t closed_qty, realised_pnl; /* Perpetual: part that closed; before the fee, in quote. */
    uint32_t fee_asset;
    int64_t at_ns;
    uint32_t next_of_order;
};

struct exchange_balance {
    int64_t free, locked;
    int64_t deposited; /* Net of withdrawals. */
};

/* A one-way position in a perpetual. */
struct exchange_position {
    int64_t qty;  /* Long above 0. */
    int64_t cost; /* Quote that its qty was opened with, sign of qty: exact, no rounded average. */
    /* Since the account began, in quote. */
    int64_t realised; /* By closing, before fees. */
    int64_t fees;
    int64_t funding;               /* Received; negative: paid. */
    uint32_t leverage;             /* 0: the instrument's. */
    int64_t opened_ns, updated_ns; /* opened_ns: from flat, or through zero. */
};

/* A funding payment of an account with history. */
struct exchange_funding {
    uint64_t id; /* Unique in the venue. */
    uint32_t account, instrument;
    int64_t amount; /* Received; negative: paid. In quote. */
    int64_t rate_ppb, mark_price, qty;
    int64_t at_ns;
};
enum { FUNDING_KEPT = 4096 };

enum exchange_event_kind {
    EXCHANGE_ON_ACCEPTED, /* order works; before its trades. */
    EXCHANGE_ON_REJECTED, /* order is what was asked for (id 0, not kept); cause. */
    EXCHANGE_ON_TRADE,
    EXCHANGE_ON_ENDED, /* order is CANCELLED or EXPIRED; cause. Filled orders end with their last
                          trade. */
    EXCHANGE_ON_AMENDED,
    EXCHANGE_ON_PREVENTED, /* qty of order's leaves went by STP_DECREMENT; it lives on. */
    EXCHANGE_ON_LEVEL,
    EXCHANGE_ON_TRANSFER,    /* account, asset, qty (signed). */
    EXCHANGE_ON_STATUS,      /* Instrument's trading state changed. */
    EXCHANGE_ON_MARK,        /* Perpetual: mark, index, rate in its struct exchange_perpetual. */
    EXCHANGE_ON_FUNDING,     /* account, instrument, asset, qty (amount received; negative: paid),
                                rate_ppb, price (mark), its id in trade_id; position in the account. */
    EXCHANGE_ON_LIQUIDATION, /* A forced order is over: account, instrument, side and qty of it,
                                price of bankruptcy, quote of its fills. */
};

/* Balances, orders and the book are consistent at each event. It must not call back into the
 * exchange. */
struct exchange_event {
    enum exchange_event_kind kind;
    enum exchange_cause cause;
    uint32_t instrument, account, asset;
    int64_t at_ns;
    const struct exchange_order *order; /* TRADE: the taker's. */
    const struct exchange_order *maker; /* TRADE */
    uint64_t trade_id;
    int64_t price, qty, quote; /* TRADE; LEVEL: price and its whole quantity. */
    int64_t taker_fee, maker_fee;
    uint32_t taker_fee_asset, maker_fee_asset;
    int64_t taker_closed_qty, maker_closed_qty;      /* TRADE of a perpetual. */
    int64_t taker_realised_pnl, maker_realised_pnl;  /* TRADE of a perpetual; before fees. */
    int64_t rate_ppb;                                /* FUNDING */
    uint64_t taker_execution, maker_execution;       /* Ids; 0 where no history is kept. */
    wire_side side;                                  /* LEVEL; TRADE: the taker's. */
    uint64_t update_id;                              /* LEVEL: of the instrument's book, +1 each. */
    char previous_client_id[EXCHANGE_CLIENT_ID_MAX]; /* AMENDED, when it changed; ENDED: unchanged
                                                        id of the order. */
    wire_trading_state status;                       /* STATUS */
};

/* What a perpetual has beside its book. */
struct exchange_perpetual {
    int64_t mark_price, index_price;
    int64_t basis;       /* Mark less index: damped. */
    int64_t premium_ppb; /* Damped over the funding interval. */
    int64_t rate_ppb;    /* Of the next payment, as it stands now. */
    int64_t last_rate_ppb, last_funding_ns;
    int64_t next_funding_ns, marked_ns;
    uint64_t payments;
};

struct exchange_instrument {
    struct exchange_instrument_config config;
    struct match_book book;
    struct exchange_perpetual perpetual;
    uint32_t base, quote; /* Assets; a perpetual settles in quote. */
    wire_trading_state status;
    uint64_t next_trade_id, update_id;
    int64_t last_price, last_qty;
    /* Since start (the simulator's day). */
    int64_t open_price, high_price, low_price;
    int64_t volume, quote_volume;
    uint64_t trade_count, first_trade_id;
    struct exchange *exchange;
    uint32_t index;
};

struct exchange_account {
    struct exchange_account_config config;
    struct exchange_balance balances[EXCHANGE_ASSETS_MAX];
    struct exchange_position positions[EXCHANGE_INSTRUMENTS_MAX];
    bool is_hedge_mode; /* What the account is set to: a side answers with it. Positions here are
                           one-way whatever it says. */
    uint32_t open_orders[EXCHANGE_INSTRUMENTS_MAX];
    struct exchange_order *first_open, *last_open;
    int64_t updated_ns;
    uint64_t placed, rejected, cancelled, executed; /* Counters for rate limits and the demo. */
};

struct exchange {
    char venue[32];
    enum exchange_fee_asset fee_asset;
    char assets[EXCHANGE_ASSETS_MAX][16];
    uint32_t asset_count;
    struct exchange_instrument instruments[EXCHANGE_INSTRUMENTS_MAX];
    uint32_t instrument_count;
    struct exchange_account accounts[EXCHANGE_ACCOUNTS_MAX];
    uint32_t account_count;
    int64_t fees[EXCHANGE_ASSETS_MAX]; /* Collected. */
    /* Losses beyond what an account had, less what funding's rounding left over. */
    int64_t insurance[EXCHANGE_ASSETS_MAX];
    bool is_reduce_only_refused, has_perpetuals;
    uint32_t changed_accounts; /* Bits: positions moved since the last settling of reduce-only. */
    struct exchange_funding *fundings; /* A ring: the last FUNDING_KEPT. */
    uint64_t funding_count, liquidations;
    struct exchange_order *orders; /* Slots, id 0: free. First those with history, in order of id;
                                    * then the background's, reused. */
    uint32_t orders_max, order_count;
    uint32_t background_orders_max, free_slot; /* Chain of free background slots. */
    uint64_t orders_refused;                   /* No slot left: CAUSE_CAPACITY. */
    uint32_t *order_index;                     /* Open addressing by order id, 2^n slots. */
    uint32_t order_index_mask;
    struct exchange_execution *executions;
    uint32_t executions_max, execution_count;
    uint64_t next_order_id, next_execution_id;
    uint64_t executions_lost; /* No room: counted, never silent. */
    int64_t now_ns;
    void (*on_event)(void *ctx, const struct exchange_event *event);
    void *ctx;
};

/* exchange_memory gives the bytes that exchange_init needs for a config. */
size_t exchange_memory(const struct exchange_config *config);

/* exchange_init lays everything out in memory (zeroed, aligned to 16, of exchange_memory bytes, the
 * caller's). 0, or ERR_RANGE: more than the bounds above, or an instrument without tick, lot or
 * start price. */
int exchange_init(struct exchange *exchange, const struct exchange_config *config, void *memory,
                  void (*on_event)(void *ctx, const struct exchange_event *event), void *ctx);

struct exchange_request {
    uint32_t account, instrument;
    const char *client_id; /* NULL or "": none. Cut at EXCHANGE_CLIENT_ID_MAX. */
    wire_side side;
    wire_order_type type;
    wire_time_in_force time_in_force; /* Market orders: IOC, whatever is said. */
    bool is_post_only;
    enum match_stp stp;
    int64_t price, qty;
    int64_t quote_qty;  /* Market orders: so much quote instead of qty. */
    int64_t expires_ns; /* 0: never. */
    uint64_t tag;
    bool is_reduce_only; /* Perpetual. */
    bool is_liquidation; /* Perpetual: a forced order, told as such when it is over. */
};

/* exchange_test says what exchange_place would say, and changes nothing. */
enum exchange_cause exchange_test(struct exchange *exchange, const struct exchange_request *request,
                                  int64_t now_ns);

/* exchange_place places an order. CAUSE_NONE: *order (if not NULL) is its record, perhaps already
 * finished (a finished order of a background account is not kept: id 0). Otherwise it was refused,
 * nothing but a REJECTED event happened, and *order is untouched. */
enum exchange_cause exchange_place(struct exchange *exchange,
                                   const struct exchange_request *request, int64_t now_ns,
                                   const struct exchange_order **order);

/* exchange_cancel ends an open order of the account. CAUSE_NONE or CAUSE_UNKNOWN_ORDER. why is told
 * in the event. */
enum exchange_cause exchange_cancel(struct exchange *exchange, uint32_t account, uint64_t order_id,
                                    enum exchange_cause why, int64_t now_ns);

/* exchange_cancel_all ends all open orders of an account (on one instrument, or EXCHANGE_NONE:
 * all). The count. */
uint32_t exchange_cancel_all(struct exchange *exchange, uint32_t account, uint32_t instrument,
                             enum exchange_cause why, int64_t now_ns);

/* exchange_amend changes an open limit order in place: qty is the new total, price 0: as it is,
 * client_id NULL: as it is. A pure reduction keeps its place in the queue; anything else goes to
 * the back and may trade at once (it is refused with WOULD_TAKE when it is post-only and would).
 * is_only_reduced refuses all but a reduction (Binance's keepPriority). A refused amendment leaves
 * the order as it was; a new quantity not above what is filled gives CAUSE_AMEND_FILLED. */
enum exchange_cause exchange_amend(struct exchange *exchange, uint32_t account, uint64_t order_id,
                                   int64_t price, int64_t qty, const char *client_id,
                                   bool is_only_reduced, int64_t now_ns);

/* exchange_transfer deposits (or, negative, withdraws what is free and no margin) funds. CAUSE_NONE
 * or CAUSE_BALANCE. */
enum exchange_cause exchange_transfer(struct exchange *exchange, uint32_t account, uint32_t asset,
                                      int64_t amount, int64_t now_ns);

/* exchange_tick expires orders whose time is over. Call it at least every 100 ms. */
void exchange_tick(struct exchange *exchange, int64_t now_ns);

void exchange_set_status(struct exchange *exchange, uint32_t instrument, wire_trading_state status,
                         int64_t now_ns);

/* Look-ups: NULL, or EXCHANGE_NONE, where there is none. exchange_order_by_client gives the open
 * order of a client id, else the newest finished one (accounts with history). Linear in the
 * account's records: cold. */
const struct exchange_order *exchange_order(const struct exchange *exchange, uint64_t order_id);
const struct exchange_order *exchange_order_by_client(const struct exchange *exchange,
                                                      uint32_t account, const char *client_id);
uint32_t exchange_instrument(const struct exchange *exchange, wire_instrument_kind kind,
                             const char *symbol);
uint32_t exchange_asset(const struct exchange *exchange, const char *code);
uint32_t exchange_account(const struct exchange *exchange, const char *name);

/* exchange_next_order walks the records of an account with history (EXCHANGE_NONE: of all), oldest
 * first; *cursor begins at 0. NULL at the end. */
const struct exchange_order *exchange_next_order(const struct exchange *exchange, uint32_t account,
                                                 uint32_t *cursor);

static inline const struct exchange_execution *exchange_execution(const struct exchange *exchange,
                                                                  uint32_t at)
{
    return at < exchange->execution_count ? &exchange->executions[at] : NULL;
}

static inline int64_t exchange_best(const struct exchange *exchange, uint32_t instrument,
                                    wire_side side)
{
    const struct match_level *best =
        match_level_at(match_side_of(&exchange->instruments[instrument].book, side), 0);
    return best ? best->price : 0;
}

/* exchange_quote gives price * qty rounded down, in quote units. */
int64_t exchange_quote(int64_t price, int64_t qty);

static inline bool exchange_is_perpetual(const struct exchange *exchange, uint32_t instrument)
{
    return exchange->instruments[instrument].config.kind == INSTRUMENT_PERPETUAL;
}

/* exchange_check proves the books and the money: every book sound, no balance negative (free may
 * be while a position is open), each account's locked equal to its orders' holds, longs equal to
 * shorts in every perpetual, every asset conserved. Rounding loses nothing: what a closed part of
 * a position cost is rounded towards zero and the rest stays with what is open; funding paid is
 * rounded up, received down, the difference (under one unit an account) goes to the insurance fund.
 * Writes the first thing wrong to why. For tests and --check runs. */
bool exchange_check(const struct exchange *exchange, char *why, size_t cap);

#endif
