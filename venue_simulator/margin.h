/* margin.h - what positions in perpetuals mean: margin, mark, funding, liquidation.
 *
 * Cross margin, one wallet per settle asset: its balance (free + locked) is cash, to which closed
 * profit, fees and funding are booked at once; unrealised profit counts as collateral, not as cash.
 * Margin is worked out when asked for and locks nothing: `locked` stays what spot orders hold.
 *
 * Initial margin of an instrument is the larger of |position|, |position + buys|, |position -
 * sells|, in value (position at mark, open orders at their price), over the leverage; reduce-only
 * orders need none. */
#ifndef TICKPIPE_VENUE_SIMULATOR_MARGIN_H
#define TICKPIPE_VENUE_SIMULATOR_MARGIN_H

#include "venue_simulator/exchange.h"

/* Of an account in one settle asset. */
struct exchange_margin {
    int64_t wallet;          /* free + locked. */
    int64_t unrealised;      /* At mark. */
    int64_t equity;          /* wallet + unrealised. */
    int64_t position_margin; /* Initial, of positions. */
    int64_t order_margin;    /* Initial, of open orders beyond that. */
    int64_t maintenance;     /* Below it in equity, the account is liquidated. */
    int64_t available;       /* For new orders; not below 0. */
};
void exchange_margin(const struct exchange *exchange, uint32_t account, uint32_t asset,
                     struct exchange_margin *out);

/* exchange_available is what an account may lock or withdraw of an asset: its free balance, less
 * margin where positions need it. */
int64_t exchange_available(const struct exchange *exchange, uint32_t account, uint32_t asset);

/* Of one position. Entry is the average price, to the nearest unit, 0 when flat. The price of
 * liquidation supposes that no other mark moves; 0: none, or flat. The price of bankruptcy is where
 * the account's equity would be gone. */
int64_t exchange_entry_price(const struct exchange_position *position);
int64_t exchange_unrealised(const struct exchange *exchange, uint32_t account, uint32_t instrument);
int64_t exchange_position_value(const struct exchange *exchange, uint32_t account,
                                uint32_t instrument); /* At mark, not signed. */
int64_t exchange_position_margin(const struct exchange *exchange, uint32_t account,
                                 uint32_t instrument);
int64_t exchange_maintenance(const struct exchange *exchange, uint32_t account,
                             uint32_t instrument);
int64_t exchange_liquidation_price(const struct exchange *exchange, uint32_t account,
                                   uint32_t instrument);
int64_t exchange_bankruptcy_price(const struct exchange *exchange, uint32_t account,
                                  uint32_t instrument);
uint32_t exchange_leverage(const struct exchange *exchange, uint32_t account, uint32_t instrument);

/* exchange_open_interest is the sum of the longs. */
int64_t exchange_open_interest(const struct exchange *exchange, uint32_t instrument);

/* exchange_set_leverage sets an account's leverage on a perpetual: CAUSE_NONE, CAUSE_LEVERAGE,
 * CAUSE_MARGIN (lower, and there is not enough for what is open). */
enum exchange_cause exchange_set_leverage(struct exchange *exchange, uint32_t account,
                                          uint32_t instrument, uint32_t leverage);

/* exchange_set_hedge_mode changes the account's flag: CAUSE_NONE, CAUSE_NO_CHANGE,
 * CAUSE_OPEN_POSITION. */
enum exchange_cause exchange_set_hedge_mode(struct exchange *exchange, uint32_t account,
                                            bool is_hedge);

/* exchange_mark brings a perpetual up to date with its index: mark price, rate, funding when it is
 * due, liquidation of accounts below maintenance (their orders are cancelled, each position is
 * closed by a market order; a loss beyond the wallet falls on the insurance fund). Call it at least
 * every 100 ms of the market's time; while it is not called nothing is paid. MARK is told each
 * MARK_INTERVAL_NS. */
#define MARK_INTERVAL_NS (200 * NS_PER_MS)
void exchange_mark(struct exchange *exchange, uint32_t instrument, int64_t index_price,
                   int64_t now_ns);

/* exchange_funding_at walks the funding payments of an account, oldest first, from *cursor (begins
 * at 0). false at the end. The last FUNDING_KEPT of the venue
 * are kept, of accounts with history. */
bool exchange_next_funding(const struct exchange *exchange, uint32_t account, uint64_t *cursor,
                           struct exchange_funding *out);

#endif
