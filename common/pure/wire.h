/* wire.h - every event of the bus, declared once.
 *
 * Structs, ids, size and padding asserts, validation, the text dump and docs/events.md all grow
 * from the lists below. Little endian, fixed layout, no implicit padding. Receive by copy: ZeroMQ
 * promises no alignment. A changed layout is a new version; an id is never reused. The low byte of
 * an id is never 0 or 1: those begin a subscription message on an XPUB socket. */
#ifndef TICKPIPE_COMMON_PURE_WIRE_H
#define TICKPIPE_COMMON_PURE_WIRE_H

#include "common/leaf/base.h"

enum {
    WIRE_VERSION = 2,
    WIRE_LEVELS_MAX = 2000,  /* Bids plus asks in one book event. */
    WIRE_SEQUENCES_MAX = 23, /* Types per publisher that a heartbeat speaks of. */
    WIRE_SCOPES_MAX = 32,    /* Scopes that risk can hold halted apart from everything. */
};

/* ---- kinds: what a field holds. The kind names the C type, the dump and the documentation. ----
 */

/* kind, C type, meaning. */
#define WIRE_KINDS(X)                                                                              \
    X(u8, uint8_t, "unsigned number")                                                              \
    X(u16, uint16_t, "unsigned number")                                                            \
    X(u32, uint32_t, "unsigned number")                                                            \
    X(u64, uint64_t, "unsigned number")                                                            \
    X(i8, int8_t, "signed number")                                                                 \
    X(i16, int16_t, "signed number")                                                               \
    X(i32, int32_t, "signed number")                                                               \
    X(i64, int64_t, "signed number")                                                               \
    X(text, char, "UTF-8 text, padded with NUL; the last byte is always NUL")                      \
    X(price, int64_t, "decimal: divide by 10 to the power of the event's `price_exp`")             \
    X(qty, int64_t, "decimal: divide by 10 to the power of the event's `qty_exp`")                 \
    X(amount, int64_t,                                                                             \
      "money or asset amount: divide by 10 to the power of the event's `amount_exp`")              \
    X(exp, int8_t, "count of decimals, -6 to 18: value = integer / 10^exp")                        \
    X(ns, int64_t,                                                                                 \
      "nanoseconds of the publisher's CLOCK_MONOTONIC: to be compared on that host and boot only") \
    X(epoch_ns, int64_t, "wall clock: nanoseconds since 1970-01-01 UTC")                           \
    X(id, uint64_t, "identity, no arithmetic")                                                     \
    X(event_type, uint16_t, "id of an event's type")                                               \
    X(reserved8, uint8_t, "0")                                                                     \
    X(reserved16, uint16_t, "0")                                                                   \
    X(reserved32, uint32_t, "0")                                                                   \
    X(reserved64, uint64_t, "0")

#define WIRE_AS_KIND(kind, ctype, doc) typedef ctype wire_##kind;
WIRE_KINDS(WIRE_AS_KIND)

/* Enumerations: wire_ENUM is the u8 (reason: u16) that holds one. */
#define WIRE_SIDES(X) X(SIDE_NONE, 0, "none") X(SIDE_BUY, 1, "buy") X(SIDE_SELL, 2, "sell")

#define WIRE_ORDER_TYPES(X)       \
    X(ORDER_TYPE_NONE, 0, "none") \
    X(ORDER_LIMIT, 1, "limit")    \
    X(ORDER_MARKET, 2, "market")

#define WIRE_TIMES_IN_FORCE(X) \
    X(TIF_NONE, 0, "none")     \
    X(TIF_GTC, 1, "gtc")       \
    X(TIF_IOC, 2, "ioc")       \
    X(TIF_FOK, 3, "fok")

#define WIRE_LIQUIDITIES(X)            \
    X(LIQUIDITY_UNKNOWN, 0, "unknown") \
    X(LIQUIDITY_MAKER, 1, "maker")     \
    X(LIQUIDITY_TAKER, 2, "taker")

#define WIRE_INSTRUMENT_KINDS(X)            \
    X(INSTRUMENT_SPOT, 1, "spot")           \
    X(INSTRUMENT_PERPETUAL, 2, "perpetual") \
    X(INSTRUMENT_FUTURE, 3, "future")       \
    X(INSTRUMENT_INDEX, 4, "index")

#define WIRE_TRADING_STATES(X)               \
    X(TRADING_UNKNOWN, 0, "unknown")         \
    X(TRADING_OPEN, 1, "open")               \
    X(TRADING_HALTED, 2, "halted")           \
    X(TRADING_POST_ONLY, 3, "post_only")     \
    X(TRADING_CANCEL_ONLY, 4, "cancel_only") \
    X(TRADING_AUCTION, 5, "auction")         \
    X(TRADING_LIMIT_ONLY, 6, "limit_only")   \
    X(TRADING_DELISTED, 7, "delisted")

#define WIRE_FEED_STATES(X)             \
    X(FEED_DOWN, 0, "down")             \
    X(FEED_CONNECTING, 1, "connecting") \
    X(FEED_SYNCING, 2, "syncing")       \
    X(FEED_LIVE, 3, "live")             \
    X(FEED_STALE, 4, "stale")           \
    X(FEED_MAINTENANCE, 5, "maintenance")

/* An order's life. FINAL states are FILLED and after. */
#define WIRE_ORDER_STATES(X)                                                      \
    X(ORDER_NONE, 0, "none")               /* The engine has never seen it. */    \
    X(ORDER_PENDING_NEW, 1, "pending_new") /* Journalled, sent or about to be. */ \
    X(ORDER_LIVE, 2, "live")               /* The venue has it. */                \
    X(ORDER_PARTIALLY_FILLED, 3, "partially_filled")                              \
    X(ORDER_PENDING_CANCEL, 4, "pending_cancel")                                  \
    X(ORDER_PENDING_REPLACE, 5, "pending_replace")                                \
    X(ORDER_UNKNOWN, 6, "unknown") /* Outcome not known: asked, never resent. */  \
    X(ORDER_FILLED, 16, "filled")                                                 \
    X(ORDER_CANCELLED, 17, "cancelled")                                           \
    X(ORDER_REJECTED, 18, "rejected")                                             \
    X(ORDER_EXPIRED, 19, "expired")

/* What happened to an order, on 6002. */
#define WIRE_ORDER_EVENT_KINDS(X)                          \
    X(ORDER_EVENT_ACCEPTED, 1, "accepted")                 \
    X(ORDER_EVENT_REJECTED, 2, "rejected")                 \
    X(ORDER_EVENT_PARTIALLY_FILLED, 3, "partially_filled") \
    X(ORDER_EVENT_FILLED, 4, "filled")                     \
    X(ORDER_EVENT_CANCELLED, 5, "cancelled")               \
    X(ORDER_EVENT_REPLACED, 6, "replaced")                 \
    X(ORDER_EVENT_EXPIRED, 7, "expired")                   \
    X(ORDER_EVENT_CANCEL_REJECTED, 8, "cancel_rejected")   \
    X(ORDER_EVENT_REPLACE_REJECTED, 9, "replace_rejected") \
    X(ORDER_EVENT_UNKNOWN, 10, "unknown")

#define WIRE_ACCOUNT_EVENT_KINDS(X)                                                            \
    X(ACCOUNT_BALANCE, 1, "balance")   /* The venue's absolute balance of one asset. */        \
    X(ACCOUNT_TRANSFER, 2, "transfer") /* Deposit, withdrawal, transfer: a signed change. */   \
    X(ACCOUNT_FUNDING, 3, "funding")                                                           \
    X(ACCOUNT_POSITION, 4, "position") /* One from before the engine's journal: taken over. */ \
    X(ACCOUNT_ADJUSTMENT, 5, "adjustment")

#define WIRE_ENGINE_STATES(X)               \
    X(ENGINE_STARTING, 0, "starting")       \
    X(ENGINE_RECONCILING, 1, "reconciling") \
    X(ENGINE_READY, 2, "ready")             \
    X(ENGINE_DEGRADED, 3, "degraded")       \
    X(ENGINE_HALTED, 4, "halted")           \
    X(ENGINE_KILLED, 5, "killed")           \
    X(ENGINE_STOPPING, 6, "stopping")

#define WIRE_RISK_STATES(X)       \
    X(RISK_UNKNOWN, 0, "unknown") \
    X(RISK_RUNNING, 1, "running") \
    X(RISK_HALTED, 2, "halted")   \
    X(RISK_KILLED, 3, "killed")

#define WIRE_SCOPES(X)               \
    X(SCOPE_ALL, 1, "all")           \
    X(SCOPE_VENUE, 2, "venue")       \
    X(SCOPE_STRATEGY, 3, "strategy") \
    X(SCOPE_INSTRUMENT, 4, "instrument")

#define WIRE_COMMANDS(X)           \
    X(COMMAND_HALT, 1, "halt")     \
    X(COMMAND_RESUME, 2, "resume") \
    X(COMMAND_KILL, 3, "kill")     \
    X(COMMAND_FLATTEN, 4, "flatten")

#define WIRE_STRATEGY_STATES(X)       \
    X(STRATEGY_STOPPED, 0, "stopped") \
    X(STRATEGY_WAITING, 1, "waiting") \
    X(STRATEGY_RUNNING, 2, "running") \
    X(STRATEGY_HALTED, 3, "halted")   \
    X(STRATEGY_UNWINDING, 4, "unwinding")

#define WIRE_STATE_REQUESTS(X)                                                                    \
    X(REQUEST_STATE, 1, "state")       /* The owner's whole current state of the stream. */       \
    X(REQUEST_SNAPSHOT, 2, "snapshot") /* Definitions and book snapshots (instrument, or all). */ \
    X(REQUEST_REPLAY, 3, "replay")     /* Messages from_seq.. of one type, this epoch. */

/* Why something was refused or ended. Published, counted and logged by this name: never renumber.
 */
#define WIRE_REASONS(X)                                                                  \
    X(REASON_NONE, 0, "none")                                                            \
    X(REASON_HALTED, 1, "halted")                                                        \
    X(REASON_KILLED, 2, "killed")                                                        \
    X(REASON_WRONG_EPOCH, 3, "wrong_epoch")                                              \
    X(REASON_DEADLINE_PASSED, 4, "deadline_passed")                                      \
    X(REASON_DUPLICATE, 5, "duplicate")                                                  \
    X(REASON_NOT_READY, 6, "not_ready")                                                  \
    X(REASON_INSTRUMENT_UNKNOWN, 7, "instrument_unknown")                                \
    X(REASON_INSTRUMENT_NOT_TRADABLE, 8, "instrument_not_tradable")                      \
    X(REASON_MALFORMED, 9, "malformed")                                                  \
    X(REASON_QTY_LOT, 10, "qty_lot")                                                     \
    X(REASON_QTY_MIN, 11, "qty_min")                                                     \
    X(REASON_QTY_MAX, 12, "qty_max")                                                     \
    X(REASON_PRICE_TICK, 13, "price_tick")                                               \
    X(REASON_PRICE_COLLAR, 14, "price_collar")                                           \
    X(REASON_NOTIONAL_MIN, 15, "notional_min")                                           \
    X(REASON_NOTIONAL_MAX, 16, "notional_max")                                           \
    X(REASON_BOOK_STALE, 17, "book_stale")                                               \
    X(REASON_POSITION_LIMIT, 18, "position_limit")                                       \
    X(REASON_BALANCE, 19, "balance")                                                     \
    X(REASON_THROTTLE, 20, "throttle")                                                   \
    X(REASON_REPEATED_EXECUTIONS, 21, "repeated_executions")                             \
    X(REASON_SELF_TRADE, 22, "self_trade")                                               \
    X(REASON_DAILY_LOSS, 23, "daily_loss")                                               \
    X(REASON_OPEN_ORDERS_MAX, 24, "open_orders_max")                                     \
    X(REASON_ORDER_UNKNOWN, 25, "order_unknown")                                         \
    X(REASON_ORDER_FINAL, 26, "order_final")                                             \
    X(REASON_UNSUPPORTED, 27, "unsupported")                                             \
    X(REASON_JOURNAL, 28, "journal")                                                     \
    X(REASON_QUEUE_FULL, 29, "queue_full")                                               \
    X(REASON_RISK_SILENT, 30, "risk_silent")                                             \
    X(REASON_RUNNER_SILENT, 31, "runner_silent")                                         \
    X(REASON_FEED_SILENT, 32, "feed_silent")                                             \
    X(REASON_ENGINE_SILENT, 33, "engine_silent")                                         \
    X(REASON_POSITIONS_SILENT, 34, "positions_silent")                                   \
    X(REASON_UNKNOWN_OUTCOME, 35, "unknown_outcome")                                     \
    X(REASON_CLOCK_SKEW, 36, "clock_skew")                                               \
    X(REASON_PERMISSION, 37, "permission")                                               \
    X(REASON_CAPITAL, 38, "capital")                                                     \
    X(REASON_COOLDOWN, 39, "cooldown")                                                   \
    X(REASON_GROSS_EXPOSURE, 40, "gross_exposure")                                       \
    X(REASON_DRAWDOWN, 41, "drawdown")                                                   \
    X(REASON_OPERATOR, 42, "operator")                                                   \
    X(REASON_SIGNAL, 43, "signal")                                                       \
    X(REASON_RECONCILIATION, 44, "reconciliation")                                       \
    X(REASON_MARK_STALE, 45, "mark_stale")                                               \
    X(REASON_REQUESTED, 46, "requested")                                                 \
    X(REASON_SHUTDOWN, 47, "shutdown")                                                   \
    X(REASON_DEAD_MAN, 48, "dead_man")                                                   \
    X(REASON_NO_LIQUIDITY, 49, "no_liquidity") /* IOC or FOK remainder, market order. */ \
    X(REASON_SELF_TRADE_PREVENTED, 50, "self_trade_prevented")                           \
    X(REASON_DRY_RUN, 51, "dry_run")                                                     \
    X(REASON_NEVER_SENT, 52, "never_sent")                                               \
    X(REASON_HEDGE_MODE, 53, "hedge_mode") /* The account keeps two positions a side. */ \
    X(REASON_MARGIN, 54, "margin")                                                       \
    X(REASON_REDUCE_ONLY, 55, "reduce_only") /* It would open or turn the position. */   \
    X(REASON_LIQUIDATION, 56, "liquidation") /* The venue closes a position. */          \
    X(REASON_NET_DELTA, 57, "net_delta")                                                 \
    X(REASON_VENUE_REJECT, 64, "venue_reject")                                           \
    X(REASON_VENUE_FUNDS, 65, "venue_insufficient_funds")                                \
    X(REASON_VENUE_RATE_LIMIT, 66, "venue_rate_limit")                                   \
    X(REASON_VENUE_POST_ONLY, 67, "venue_post_only")                                     \
    X(REASON_VENUE_UNKNOWN_ORDER, 68, "venue_unknown_order")                             \
    X(REASON_VENUE_MAINTENANCE, 69, "venue_maintenance")                                 \
    X(REASON_VENUE_AUTH, 70, "venue_auth")                                               \
    X(REASON_VENUE_FILTER, 71, "venue_filter")                                           \
    X(REASON_VENUE_DUPLICATE, 72, "venue_duplicate")                                     \
    X(REASON_VENUE_TIMESTAMP, 73, "venue_timestamp")                                     \
    X(REASON_TRANSPORT, 74, "transport")                                                 \
    X(REASON_SEQUENCE_GAP, 80, "sequence_gap")                                           \
    X(REASON_CHECKSUM, 81, "checksum")                                                   \
    X(REASON_CROSSED, 82, "crossed")                                                     \
    X(REASON_BAD_BYTES, 83, "bad_bytes")                                                 \
    X(REASON_SILENCE, 84, "silence")                                                     \
    X(REASON_DISCONNECTED, 85, "disconnected")                                           \
    X(REASON_START, 86, "start")                                                         \
    X(REASON_RESYNC, 87, "resync")                                                       \
    X(REASON_DEPTH_COMPARE, 88, "depth_compare")                                         \
    X(REASON_RENEWAL, 89, "renewal")

/* name of the kind, list, C type. */
#define WIRE_ENUMS(X)                                        \
    X(side, WIRE_SIDES, uint8_t)                             \
    X(order_type, WIRE_ORDER_TYPES, uint8_t)                 \
    X(time_in_force, WIRE_TIMES_IN_FORCE, uint8_t)           \
    X(liquidity, WIRE_LIQUIDITIES, uint8_t)                  \
    X(instrument_kind, WIRE_INSTRUMENT_KINDS, uint8_t)       \
    X(trading_state, WIRE_TRADING_STATES, uint8_t)           \
    X(feed_state, WIRE_FEED_STATES, uint8_t)                 \
    X(order_state, WIRE_ORDER_STATES, uint8_t)               \
    X(order_event_kind, WIRE_ORDER_EVENT_KINDS, uint8_t)     \
    X(account_event_kind, WIRE_ACCOUNT_EVENT_KINDS, uint8_t) \
    X(engine_state, WIRE_ENGINE_STATES, uint8_t)             \
    X(risk_state_kind, WIRE_RISK_STATES, uint8_t)            \
    X(scope_kind, WIRE_SCOPES, uint8_t)                      \
    X(command_kind, WIRE_COMMANDS, uint8_t)                  \
    X(strategy_state, WIRE_STRATEGY_STATES, uint8_t)         \
    X(state_request_kind, WIRE_STATE_REQUESTS, uint8_t)      \
    X(reason, WIRE_REASONS, uint16_t)

#define WIRE_AS_CONSTANT(name, value, text) name = (value),
#define WIRE_AS_ENUM(name, LIST, ctype)                 \
    enum wire_##name##_value{ LIST(WIRE_AS_CONSTANT) }; \
    typedef ctype wire_##name;
WIRE_ENUMS(WIRE_AS_ENUM)

/* ---- the header: 64 bytes in front of every event ---- */

enum wire_flag {
    WIRE_REPLAY = 1,    /* A repeat of an event already published. */
    WIRE_SNAPSHOT = 2,  /* State sent on request or on a timer, not a change. */
    WIRE_SIMULATED = 4, /* Dry run: no venue knows of it. */
};

/* Here and below: F(kind, name, doc), A(kind, name, count, doc). */
#define FIELDS_header(F)                                                                \
    F(event_type, type,                                                                 \
      "which event this is; subscription filters are on these two bytes, nothing else") \
    F(u8, version, "of the layout: 2")                                                  \
    F(u8, flags, "1 replay, 2 snapshot, 4 simulated")                                   \
    F(u16, publisher, "role << 8 | instance")                                           \
    F(u16, account, "instance (venue, account) that it speaks of; 0: none")             \
    F(u32, size, "bytes of the whole event, this header included")                      \
    F(reserved32, reserved, "0")                                                        \
    F(u64, epoch, "new at each start of the publisher, greater than the one before")    \
    F(u64, seq, "from 1, per publisher, epoch and type: a jump is a loss")              \
    F(id, instrument, "which instrument; 0: none")                                      \
    F(ns, origin_ns, "when the root cause was read from a socket; 0: none")             \
    F(ns, sent_ns, "when this event was handed to the bus")                             \
    F(id, cause, "opportunity_id, order_id or command_id that led to this event; 0: none")

#define WIRE_AS_MEMBER(kind, name, doc) wire_##kind name;
struct wire_header {
    FIELDS_header(WIRE_AS_MEMBER)
};
static_assert(sizeof(struct wire_header) == 64, "header: size");

/* ---- parts that repeat inside events ---- */

#define PART_level(F)                     \
    F(price, price, "price of the level") \
    F(qty, qty, "absolute quantity at that price; 0 in a delta removes the level")

#define PART_sequence(F)             \
    F(event_type, type, "of events") \
    F(reserved16, reserved, "0")     \
    F(reserved32, reserved2, "0")    \
    F(u64, seq, "last one published; 0: none yet")

#define PART_scope(F)                                                   \
    F(scope_kind, kind, "what is held; 0 in entries that are not used") \
    F(risk_state_kind, state, "halted or killed")                       \
    F(reason, reason, "why")                                            \
    F(u16, account, "of a venue scope")                                 \
    F(u16, strategy, "of a strategy scope")                             \
    F(id, instrument, "of an instrument scope")                         \
    F(epoch_ns, since_ns, "wall clock of the decision")

#define WIRE_PARTS(X) X(level, 16) X(sequence, 16) X(scope, 24)

#define WIRE_AS_PART(part, bytes)                                         \
    struct wire_##part {                                                  \
        PART_##part(WIRE_AS_MEMBER)                                       \
    };                                                                    \
    static_assert(sizeof(struct wire_##part) == (bytes), #part ": size"); \
    typedef struct wire_##part wire_##part;
WIRE_PARTS(WIRE_AS_PART)

/* ---- fields of each event ---- */

#define FIELDS_heartbeat(F, A)                                                                    \
    F(epoch_ns, realtime_ns, "wall clock of the publisher's host")                                \
    F(u64, boot_id,                                                                               \
      "first 8 bytes of the host's boot id: monotonic stamps of another boot cannot be compared") \
    F(u64, risk_version, "version of the risk state that the publisher applies; 0: none yet")     \
    F(u64, gaps, "messages that this process has found missing on its inputs since start")        \
    F(u64, recovered, "of those, how many came back")                                             \
    F(u64, lost, "of the missing, how many will not come back (the rest is still asked for)")     \
    F(u64, dropped, "messages of its own that this process could not hand to the bus")            \
    F(u64, malformed, "messages on its inputs that were no event it can read, and were dropped")  \
    F(ns, longest_turn_ns, "longest turn of its loop since the last heartbeat")                   \
    F(u32, pid, "process id")                                                                     \
    F(u16, port, "the stream's port")                                                             \
    F(u16, sequence_count, "entries used below")                                                  \
    A(sequence, sequences, WIRE_SEQUENCES_MAX, "last seq of each type on this stream")

#define FIELDS_state_request(F, A)                                            \
    F(u64, request_id, "echoed in recovery_end")                              \
    F(u64, from_seq, "replay: first seq wanted")                              \
    F(u64, to_seq, "replay: last seq wanted")                                 \
    F(u64, of_epoch, "replay: the publisher's epoch that the seqs belong to") \
    F(event_type, of_type, "replay: type wanted")                             \
    F(u16, page_max, "most messages to send for this request (at most 256)")  \
    F(state_request_kind, kind, "what is wanted")                             \
    F(reserved8, reserved1, "0")                                              \
    F(reserved16, reserved2, "0")

#define FIELDS_recovery_end(F, A)                                                             \
    F(u64, request_id, "of the state_request that this ends")                                 \
    F(u64, next_seq, "replay: first seq that was not sent")                                   \
    F(event_type, of_type, "replay: its type")                                                \
    F(u16, sent, "messages sent for it")                                                      \
    F(u8, is_complete, "1: all that was asked; 0: the page is full, ask again from next_seq") \
    F(u8, is_lost, "1: some of it is no longer kept: recover from the owner's state")         \
    F(reserved16, reserved1, "0")

#define FIELDS_instrument(F, A)                                                                  \
    A(text, venue, 16, "as on the command line, lower case: binance")                            \
    A(text, symbol, 32, "the venue's own symbol")                                                \
    A(text, name, 32, "canonical: BASE-QUOTE or BASE-QUOTE-PERP")                                \
    A(text, base, 16, "canonical asset code")                                                    \
    A(text, quote, 16, "canonical asset code")                                                   \
    A(text, settle, 16, "asset in which profit is paid")                                         \
    F(price, tick_size, "price step")                                                            \
    F(qty, lot_size, "quantity step")                                                            \
    F(qty, min_qty, "smallest order")                                                            \
    F(qty, max_qty, "largest order; 0: not stated")                                              \
    F(amount, min_notional, "smallest order value in quote, at amount_exp; 0: none")             \
    F(amount, contract_size,                                                                     \
      "base units per contract of the venue, at amount_exp; spot: 1. Every quantity on the bus " \
      "is in base units already: codecs convert")                                                \
    F(i32, maker_fee_ppm, "parts per million of notional; may be negative")                      \
    F(i32, taker_fee_ppm, "parts per million of notional")                                       \
    F(exp, price_exp, "decimals of every price of this instrument")                              \
    F(exp, qty_exp, "decimals of every quantity of this instrument")                             \
    F(exp, amount_exp, "decimals of min_notional and contract_size")                             \
    F(i8, price_decimals, "most decimals that the venue takes in a price")                       \
    F(i8, qty_decimals, "most decimals that the venue takes in a quantity")                      \
    F(instrument_kind, kind, "spot, perpetual, ...")                                             \
    F(trading_state, state, "what the venue lets us do")                                         \
    F(reserved8, reserved1, "0")

#define FIELDS_book_head(F, A)                                                         \
    F(epoch_ns, exchange_ns, "venue's time of the change, 0 where it sends none")      \
    F(u64, venue_seq, "venue's sequence number after this event, 0 where it has none") \
    F(u16, bid_count, "bids come first in levels, best first")                         \
    F(u16, ask_count, "then asks, best first")                                         \
    F(exp, price_exp, "decimals of prices")                                            \
    F(exp, qty_exp, "decimals of quantities")                                          \
    F(u8, is_last, "1: the venue's message ends here; 0: more deltas of it follow")    \
    F(reserved8, reserved1, "0")

#define FIELDS_book_snapshot(F, A)        \
    FIELDS_book_head(F, A)                \
        A(level, levels, WIRE_LEVELS_MAX, \
          "bid_count bids, then ask_count asks: the whole book as far as it is kept")

#define FIELDS_book_delta(F, A)                              \
    FIELDS_book_head(F, A) A(level, levels, WIRE_LEVELS_MAX, \
                             "bid_count bids, then ask_count asks: absolute new quantities")

#define FIELDS_best_quote(F, A)                                       \
    F(epoch_ns, exchange_ns, "venue's time, 0 where it sends none")   \
    F(u64, venue_seq, "venue's sequence number, 0 where it has none") \
    F(price, bid_price, "best bid; 0 with bid_qty 0: none")           \
    F(qty, bid_qty, "quantity there")                                 \
    F(price, ask_price, "best ask")                                   \
    F(qty, ask_qty, "quantity there")                                 \
    F(exp, price_exp, "decimals of prices")                           \
    F(exp, qty_exp, "decimals of quantities")                         \
    F(reserved16, reserved1, "0")                                     \
    F(reserved32, reserved2, "0")

#define FIELDS_trade(F, A)                                \
    F(epoch_ns, exchange_ns, "venue's time of the trade") \
    F(price, price, "price of the trade")                 \
    F(qty, qty, "quantity of the trade")                  \
    A(text, venue_trade_id, 40, "the venue's trade id")   \
    F(exp, price_exp, "decimals of price")                \
    F(exp, qty_exp, "decimals of qty")                    \
    F(side, aggressor, "side of the taker")               \
    F(reserved8, reserved1, "0")                          \
    F(reserved32, reserved2, "0")

#define FIELDS_mark_price(F, A)                                                         \
    F(epoch_ns, exchange_ns, "venue's time, 0 where it sends none")                     \
    F(price, mark_price, "what the venue values positions at; 0: not stated")           \
    F(price, index_price, "of the underlying, over the venue's sources; 0: not stated") \
    F(exp, price_exp, "decimals of prices")                                             \
    F(reserved8, reserved1, "0")                                                        \
    F(reserved16, reserved2, "0")                                                       \
    F(reserved32, reserved3, "0")

#define FIELDS_funding(F, A)                                                                \
    F(epoch_ns, exchange_ns, "venue's time, 0 where it sends none")                         \
    F(epoch_ns, next_funding_ns, "when rate_ppb is paid; 0: not stated")                    \
    F(i64, interval_ns, "between payments; 0: not stated")                                  \
    F(i64, rate_ppb,                                                                        \
      "of the position's value, parts per billion, per interval: above 0 longs pay shorts") \
    F(u8, is_estimate, "1: it may change until next_funding_ns")                            \
    F(reserved8, reserved1, "0")                                                            \
    F(reserved16, reserved2, "0")                                                           \
    F(reserved32, reserved3, "0")

#define FIELDS_liquidation(F, A)                                             \
    F(epoch_ns, exchange_ns, "venue's time")                                 \
    F(price, price, "as the venue states it: of the fill, or of bankruptcy") \
    F(qty, qty, "closed by force")                                           \
    F(exp, price_exp, "decimals of price")                                   \
    F(exp, qty_exp, "decimals of qty")                                       \
    F(side, side, "of the forced order: sell closes a long")                 \
    F(reserved8, reserved1, "0")                                             \
    F(reserved32, reserved2, "0")

#define FIELDS_feed_status(F, A)                                                                 \
    F(u64, messages, "venue messages read since start (instrument: of that instrument)")         \
    F(u64, gaps, "sequence gaps seen")                                                           \
    F(u64, resyncs, "books rebuilt")                                                             \
    F(u64, checksum_failed, "books whose checksum differed")                                     \
    F(u64, rejected, "messages that could not be read")                                          \
    F(ns, last_message_ns, "when the last venue message was read")                               \
    F(i64, clock_offset_ns, "venue clock minus ours, measured; 0: not measured")                 \
    F(feed_state, state, "of the instrument in the header, or of the whole feed (instrument 0)") \
    F(reserved8, reserved1, "0")                                                                 \
    F(reason, why, "of the last change of state")                                                \
    F(reserved32, reserved2, "0")

#define FIELDS_order_event(F, A)                                    \
    F(id, order_id, "0: an order that is not ours (foreign)")       \
    F(id, group_id, "legs of one opportunity share it")             \
    F(epoch_ns, exchange_ns, "venue's time, 0 where it sends none") \
    F(price, price, "limit price")                                  \
    F(qty, qty, "total quantity")                                   \
    F(qty, filled_qty, "executed so far")                           \
    F(qty, leaves_qty, "still working; 0 in a final state")         \
    F(price, last_price, "of the fill that this event reports")     \
    F(qty, last_qty, "of the fill that this event reports")         \
    A(text, exchange_order_id, 72, "the venue's id")                \
    A(text, text, 64, "the venue's words, where it said some")      \
    F(u16, strategy, "number of the strategy; 0: foreign")          \
    F(u16, revision, "grows with each replace")                     \
    F(reason, why, "refusal or end")                                \
    F(order_event_kind, kind, "what happened")                      \
    F(order_state, state, "state after it")                         \
    F(side, side, "buy or sell")                                    \
    F(order_type, order_type, "limit or market")                    \
    F(time_in_force, time_in_force, "how long it may rest")         \
    F(exp, price_exp, "decimals of prices")                         \
    F(exp, qty_exp, "decimals of quantities")                       \
    F(reserved8, reserved1, "0")                                    \
    F(reserved16, reserved2, "0")

#define FIELDS_trade_event(F, A)                                                                  \
    F(u64, trade_number, "durable, from 1 without holes per account: the execution's one number") \
    F(id, order_id, "0: foreign")                                                                 \
    F(id, group_id, "legs of one opportunity share it; 0: none")                                  \
    F(epoch_ns, exchange_ns, "venue's time of the execution")                                     \
    F(price, price, "price of the execution")                                                     \
    F(qty, qty, "quantity of the execution")                                                      \
    F(amount, fee, "paid (negative: rebate), in fee_asset")                                       \
    F(amount, realised_pnl,                                                                       \
      "as the venue states it, in the instrument's settle asset, before fees; derivatives only")  \
    A(text, exchange_order_id, 72, "the venue's id of the order")                                 \
    A(text, venue_trade_id, 40, "the venue's id of the execution")                                \
    A(text, fee_asset, 16, "canonical asset code")                                                \
    F(u16, strategy, "0: foreign")                                                                \
    F(exp, price_exp, "decimals of price")                                                        \
    F(exp, qty_exp, "decimals of qty")                                                            \
    F(exp, amount_exp, "decimals of fee")                                                         \
    F(side, side, "ours")                                                                         \
    F(liquidity, liquidity, "maker or taker")                                                     \
    F(u8, has_realised_pnl, "1: realised_pnl is stated")

#define FIELDS_account_event(F, A)                                                              \
    F(u64, event_number, "durable, from 1 per account; a balance has the last one before it")   \
    F(epoch_ns, exchange_ns, "venue's time")                                                    \
    F(amount, total,                                                                            \
      "balance: all of it; of a margin account its cash, without unrealised profit. position: " \
      "the average price")                                                                      \
    F(amount, free, "balance: available to new orders")                                         \
    F(amount, locked, "balance: held by open orders")                                           \
    F(amount, margin, "balance: held by open positions; spot 0")                                \
    F(amount, unrealised_pnl, "balance: of open positions that settle in it; spot 0")           \
    F(amount, change, "transfer, funding, adjustment: signed. position: its quantity")          \
    F(u64, as_of_trade_number, "last execution that the figure surely includes; 0: not known")  \
    A(text, asset, 16, "canonical asset code")                                                  \
    A(text, reference, 40, "the venue's id of the entry, where it has one")                     \
    F(exp, amount_exp, "decimals")                                                              \
    F(account_event_kind, kind, "what the venue reported")                                      \
    F(reserved16, reserved1, "0")                                                               \
    F(reserved32, reserved2, "0")

#define FIELDS_account_position(F, A)                                                          \
    F(epoch_ns, exchange_ns, "venue's time, 0 where it sends none")                            \
    F(qty, qty, "signed: long above 0; 0: no position")                                        \
    F(price, avg_price, "entry price as the venue has it")                                     \
    F(price, mark_price, "0: not stated")                                                      \
    F(price, liquidation_price, "0: none, or not stated")                                      \
    F(amount, unrealised_pnl, "in settle")                                                     \
    F(amount, realised_pnl, "in settle, as the venue counts it; 0 where it does not")          \
    F(amount, margin, "held by the position, in settle")                                       \
    F(u64, as_of_trade_number, "last execution that the figure surely includes; 0: not known") \
    A(text, settle, 16, "canonical asset code")                                                \
    F(u32, leverage_ppm, "10,000,000 is 10 to 1; 0: not stated")                               \
    F(exp, price_exp, "decimals of prices")                                                    \
    F(exp, qty_exp, "decimals of qty")                                                         \
    F(exp, amount_exp, "decimals of amounts")                                                  \
    F(u8, is_isolated, "1: margin of its own; 0: cross")

#define FIELDS_order_status(F, A)                                                \
    F(id, order_id, "0: foreign")                                                \
    F(id, group_id, "legs of one opportunity share it; 0: none")                 \
    F(u64, written_epoch, "engine epoch that the intent was written for")        \
    F(price, price, "limit price")                                               \
    F(qty, qty, "total quantity")                                                \
    F(qty, filled_qty, "executed so far")                                        \
    F(qty, leaves_qty, "still working; 0 in a final state")                      \
    F(amount, filled_notional, "sum of price * qty of the fills, at amount_exp") \
    F(epoch_ns, exchange_ns, "of the last change")                               \
    A(text, exchange_order_id, 72, "the venue's id")                             \
    A(text, client_order_id, 40, "as the venue has it")                          \
    F(u16, strategy, "number of the strategy; 0: none")                          \
    F(u16, revision, "grows with each replace")                                  \
    F(reason, why, "refusal or end")                                             \
    F(order_state, state, "none: the engine has no record of order_id")          \
    F(side, side, "buy or sell")                                                 \
    F(order_type, order_type, "limit or market")                                 \
    F(time_in_force, time_in_force, "how long it may rest")                      \
    F(exp, price_exp, "decimals of prices")                                      \
    F(exp, qty_exp, "decimals of quantities")                                    \
    F(exp, amount_exp, "decimals of amounts")                                    \
    F(u8, is_answer, "1: answer to an intent or a state request")                \
    F(reserved16, reserved1, "0")

#define FIELDS_engine_status(F, A)                                                        \
    F(u64, last_trade_number, "highest given out")                                        \
    F(u64, applied_trade_number, "highest that position_server says it applied")          \
    F(u64, intents, "intents read since start")                                           \
    F(u64, refused, "of those, refused by the engine")                                    \
    F(u64, orders_sent, "requests for new orders handed to a socket")                     \
    F(u64, fills, "executions since start")                                               \
    F(u64, unknown_total, "orders whose outcome was unknown at some time")                \
    F(u64, journal_bytes, "written since start")                                          \
    F(i64, clock_offset_ns, "venue clock minus ours")                                     \
    F(ns, rtt_ns, "last round trip of a request")                                         \
    F(ns, dead_man_until_ns, "the venue's dead-man switch is proven until then; 0: none") \
    A(text, text, 64, "of why, in the venue's words; empty where it said none")           \
    F(u32, live_orders, "working at the venue or on their way")                           \
    F(u32, unknown_orders, "outcome unknown now")                                         \
    F(engine_state, state, "intents are taken in READY only")                             \
    F(u8, is_dry_run, "1: fills are simulated")                                           \
    F(u8, is_rest_up, "last REST call answered")                                          \
    F(u8, is_order_channel_up, "order entry connection open and authenticated")           \
    F(u8, is_private_stream_up, "executions arrive")                                      \
    F(reserved8, reserved1, "0")                                                          \
    F(reason, why, "of a state other than READY; liquidation: a position was closed by force")

#define FIELDS_position(F, A)                                             \
    F(qty, qty, "signed: long above 0")                                   \
    F(price, avg_price, "of the open quantity")                           \
    F(price, mark_price, "used for unrealised_pnl; 0: no fresh mark")     \
    F(amount, realised_pnl, "in quote, before fees, at amount_exp")       \
    F(amount, unrealised_pnl, "in quote")                                 \
    F(amount, fees, "in quote")                                           \
    F(amount, realised_reporting, "in the reporting currency")            \
    F(amount, unrealised_reporting, "in the reporting currency")          \
    F(amount, fees_reporting, "in the reporting currency")                \
    F(amount, funding, "received (negative: paid), in quote; perpetuals") \
    F(amount, funding_reporting, "in the reporting currency")             \
    F(qty, bought_qty, "since the ledger began")                          \
    F(qty, sold_qty, "since the ledger began")                            \
    F(qty, venue_qty, "as the venue last said; derivatives, strategy 0")  \
    F(price, venue_avg_price, "as the venue last said")                   \
    F(amount, venue_unrealised_pnl, "as the venue last said, in settle")  \
    F(u64, applied_trade_number, "last one in these figures")             \
    F(u64, trades, "executions in these figures")                         \
    F(u16, strategy, "0: the whole account")                              \
    F(exp, price_exp, "decimals of prices")                               \
    F(exp, qty_exp, "decimals of quantities")                             \
    F(exp, amount_exp, "decimals of amounts")                             \
    F(u8, is_marked, "1: mark and conversion are fresh")                  \
    F(u8, has_venue_position, "1: venue_ fields are stated")              \
    F(u8, is_reconciled, "1: venue_qty is qty at a settled moment")

#define FIELDS_balance(F, A)                                                                 \
    A(text, asset, 16, "canonical asset code")                                               \
    F(amount, total, "by our ledger")                                                        \
    F(amount, venue_total, "as the venue last said")                                         \
    F(amount, venue_free, "of venue_total, available to new orders")                         \
    F(amount, venue_locked, "of venue_total, held by open orders")                           \
    F(amount, difference, "venue_total minus total, once both speak of the same executions") \
    F(amount, reporting, "total in the reporting currency")                                  \
    F(u64, applied_trade_number, "last execution in these figures")                          \
    F(exp, amount_exp, "decimals of amounts")                                                \
    F(u8, is_reconciled, "1: difference is 0 at a settled moment")                           \
    F(u8, is_marked, "1: the conversion of reporting is fresh")                              \
    F(reserved8, reserved1, "0")                                                             \
    F(reserved32, reserved2, "0")

#define FIELDS_pnl(F, A)                                                                        \
    F(amount, realised, "reporting currency, before fees")                                      \
    F(amount, unrealised, "reporting currency, at fresh marks")                                 \
    F(amount, fees, "reporting currency")                                                       \
    F(amount, funding, "received (negative: paid), reporting currency")                         \
    F(amount, net, "realised + unrealised - fees + funding")                                    \
    F(amount, net_day, "net since the day began (UTC)")                                         \
    F(amount, gross_exposure, "sum of absolute position values")                                \
    F(u64, applied_trade_number, "last execution in these figures; 0 where they span accounts") \
    A(text, currency, 16, "the reporting currency")                                             \
    F(u16, strategy, "0: all of the account; account 0: everything")                            \
    F(exp, amount_exp, "decimals of amounts")                                                   \
    F(u8, is_marked, "0: some mark or conversion is stale: a breach, not zero")                 \
    F(u8, is_complete, "0: replay from some engine is still running")                           \
    F(reserved8, reserved1, "0")                                                                \
    F(reserved16, reserved2, "0")

#define FIELDS_strategy_status(F, A)                                                 \
    A(text, name, 32, "section of the configuration")                                \
    F(amount, capital, "given to it, reporting currency")                            \
    F(amount, used, "in open orders and positions")                                  \
    F(u64, intents, "sent since start")                                              \
    F(u64, refused, "refused before they left, or by an engine")                     \
    F(u64, fills, "executions since start")                                          \
    F(u64, groups, "opportunities acted on")                                         \
    F(u64, legs_unwound, "legs hedged or closed because the other leg did not fill") \
    F(u32, live_orders, "working at the venue or on their way")                      \
    F(u16, strategy, "number of the strategy")                                       \
    F(strategy_state, state, "what it does now")                                     \
    F(exp, amount_exp, "decimals of amounts")                                        \
    F(reason, why, "of a state other than running")                                  \
    F(reserved16, reserved1, "0")                                                    \
    F(reserved32, reserved2, "0")

#define FIELDS_intent_refused(F, A)                              \
    F(id, order_id, "0: never got one")                          \
    F(id, group_id, "legs of one opportunity share it; 0: none") \
    F(price, price, "as intended")                               \
    F(qty, qty, "as intended")                                   \
    F(u16, strategy, "number of the strategy; 0: none")          \
    F(reason, why, "which check refused it")                     \
    F(side, side, "buy or sell")                                 \
    F(exp, price_exp, "decimals of prices")                      \
    F(exp, qty_exp, "decimals of quantities")                    \
    F(u8, is_by_engine, "1: the engine refused, 0: the runner")

#define FIELDS_opportunity(F, A)                                                       \
    F(id, opportunity_id, "identity; becomes the group_id of the orders that take it") \
    F(id, buy_instrument, "instrument to buy")                                         \
    F(id, sell_instrument, "instrument to sell")                                       \
    F(price, buy_price, "worst price walked: the limit to pay")                        \
    F(price, sell_price, "worst price walked: the limit to take")                      \
    F(price, buy_vwap, "average over qty")                                             \
    F(price, sell_vwap, "average over qty")                                            \
    F(qty, qty, "executable on both sides")                                            \
    F(amount, gross, "in quote, before fees; less the haircut of equals")              \
    F(amount, fees, "both takers' fees, in quote")                                     \
    F(amount, net, "gross minus fees")                                                 \
    F(ns, buy_age_ns, "age of that book when this was computed")                       \
    F(ns, sell_age_ns, "age of that book when this was computed")                      \
    F(ns, valid_until_ns, "void after this")                                           \
    F(i64, buy_funding_ppb, "rate of buy_instrument per interval; 0: none")            \
    F(i64, sell_funding_ppb, "rate of sell_instrument per interval; 0: none")          \
    F(epoch_ns, next_funding_ns, "the sooner of both; 0: none")                        \
    F(i32, basis_ppm,                                                                  \
      "mid of the derivative over mid of the other, less 1; 0 where kinds are equal")  \
    F(i32, edge_ppm, "net over notional, parts per million")                           \
    F(u32, confidence_ppm, "1,000,000: both books live and fresh")                     \
    F(u16, buy_account, "instance that trades buy_instrument")                         \
    F(u16, sell_account, "instance that trades sell_instrument")                       \
    F(exp, price_exp, "decimals of prices")                                            \
    F(exp, qty_exp, "decimals of quantities")                                          \
    F(exp, amount_exp, "decimals of amounts")                                          \
    F(u8, revision, "grows while the same opportunity changes")                        \
    F(instrument_kind, buy_kind, "spot, perpetual, ...")                               \
    F(instrument_kind, sell_kind, "spot, perpetual, ...")                              \
    F(reserved16, reserved1, "0")

#define FIELDS_opportunity_end(F, A)                       \
    F(id, opportunity_id, "of the opportunity that ended") \
    F(ns, lasted_ns, "from the first event to its end")    \
    F(reason, why, "what ended it")                        \
    F(reserved16, reserved1, "0")                          \
    F(reserved32, reserved2, "0")

#define FIELDS_risk_state(F, A)                                                       \
    F(u64, risk_version, "grows with every change; survives restart")                 \
    F(u64, last_command_id, "echo of the last operator command that was carried out") \
    F(u64, last_refused_id, "echo of the last one that was refused")                  \
    F(epoch_ns, realtime_ns, "wall clock")                                            \
    F(epoch_ns, since_ns, "wall clock of the last change")                            \
    F(amount, gross_exposure, "now, reporting currency")                              \
    F(amount, gross_exposure_max, "limit")                                            \
    F(amount, daily_pnl, "now")                                                       \
    F(amount, daily_loss_max, "limit, positive")                                      \
    F(amount, drawdown, "now, from the peak")                                         \
    F(amount, drawdown_max, "limit, positive")                                        \
    A(text, currency, 16, "reporting currency")                                       \
    A(text, note, 64, "in words")                                                     \
    F(risk_state_kind, state, "of everything")                                        \
    F(exp, amount_exp, "decimals of amounts")                                         \
    F(reason, why, "of state")                                                        \
    F(reason, refused_why, "of last_refused_id")                                      \
    F(u16, scope_count, "entries used below")                                         \
    A(scope, scopes, WIRE_SCOPES_MAX, "narrower halts and kills")

#define FIELDS_order_request(F, A)                                      \
    F(id, order_id, "strategy 12 bits, session 20, counter 32")         \
    F(id, group_id, "legs of one opportunity share it; 0: none")        \
    F(u64, engine_epoch, "of the engine that it is written for (6018)") \
    F(ns, deadline_ns, "not executed after this")                       \
    F(price, price, "0 for market")                                     \
    F(qty, qty, "total quantity")                                       \
    F(u16, strategy, "number of the strategy; 0: none")                 \
    F(side, side, "buy or sell")                                        \
    F(order_type, order_type, "limit or market")                        \
    F(time_in_force, time_in_force, "how long it may rest")             \
    F(exp, price_exp, "decimals of prices")                             \
    F(exp, qty_exp, "decimals of quantities")                           \
    F(u8, is_post_only, "1: refused rather than taking liquidity")      \
    F(u8, is_reduce_only, "1: may only make a position smaller")        \
    F(u8, is_hedge, "1: closes the risk of another leg")                \
    F(reserved16, reserved1, "0")                                       \
    F(reserved32, reserved2, "0")

#define FIELDS_order_cancel(F, A)                                           \
    F(id, order_id, "order to cancel")                                      \
    F(u64, engine_epoch, "0: any; a cancel is never refused for its epoch") \
    F(ns, deadline_ns, "0: none")                                           \
    F(u16, strategy, "number of the strategy; 0: none")                     \
    F(reason, why, "reason, for the record")                                \
    F(reserved32, reserved1, "0")

#define FIELDS_order_replace(F, A)                                      \
    F(id, order_id, "order to change")                                  \
    F(u64, engine_epoch, "of the engine that it is written for (6018)") \
    F(ns, deadline_ns, "not executed after this")                       \
    F(price, price, "new limit")                                        \
    F(qty, qty, "new total quantity")                                   \
    F(u16, strategy, "number of the strategy; 0: none")                 \
    F(u16, revision, "of the order after it; from 1")                   \
    F(exp, price_exp, "decimals of prices")                             \
    F(exp, qty_exp, "decimals of quantities")                           \
    F(reserved16, reserved1, "0")

#define FIELDS_cancel_all(F, A)                          \
    F(u64, request_id, "identity of this request")       \
    F(u16, strategy, "0: every strategy of this runner") \
    F(reason, why, "reason, for the record")             \
    F(reserved32, reserved1, "0")

#define FIELDS_order_query(F, A)                          \
    F(id, order_id, "0: all live orders of the strategy") \
    F(u64, request_id, "identity of this request")        \
    F(u16, strategy, "0: all")                            \
    F(reserved16, reserved1, "0")                         \
    F(reserved32, reserved2, "0")

#define FIELDS_position_update(F, A)                                \
    F(qty, qty, "signed")                                           \
    F(price, avg_price, "of the open quantity")                     \
    F(u64, applied_trade_number, "last execution in these figures") \
    F(u16, strategy, "0: the whole account")                        \
    F(exp, price_exp, "decimals of prices")                         \
    F(exp, qty_exp, "decimals of quantities")                       \
    F(reserved32, reserved1, "0")

#define FIELDS_trade_replay_request(F, A)         \
    F(u64, from_trade_number, "first one wanted") \
    F(u16, page_max, "at most 256")               \
    F(reserved16, reserved1, "0")                 \
    F(reserved32, reserved2, "0")

#define FIELDS_applied_trade_number(F, A)                                     \
    F(u64, trade_number, "every execution up to it is durably in the ledger") \
    F(u64, event_number, "every account event but balances, up to it")

#define FIELDS_operator_command(F, A)                                              \
    F(u64, command_id, "random; 6020 echoes it")                                   \
    F(epoch_ns, realtime_ns, "when the operator gave it")                          \
    F(command_kind, command, "what to do")                                         \
    F(scope_kind, scope, "to what")                                                \
    F(u16, strategy, "of a strategy scope; the header has account and instrument") \
    F(reserved32, reserved1, "0")                                                  \
    A(text, operator_name, 32, "who")                                              \
    A(text, note, 64, "why")

/* id, name, bytes with every array full, 1: ends with an array that is sent as long as it is used,
 * port (0: every stream), doc. */
#define WIRE_EVENTS(X)                                                                       \
    X(2, heartbeat, 512, 0, 0,                                                               \
      "life sign of a stream, every 100 ms, with the last seq of each type")                 \
    X(3, state_request, 104, 0, 0, "sent upstream by a subscriber; never published")         \
    X(4, recovery_end, 88, 0, 0, "ends the answer to a state_request")                       \
    X(16, instrument, 256, 0, 6001, "definition of an instrument")                           \
    X(17, book_snapshot, 32088, 1, 6001, "whole book: replaces what the receiver has")       \
    X(18, book_delta, 32088, 1, 6001, "changed levels")                                      \
    X(19, best_quote, 120, 0, 6001, "top of book")                                           \
    X(20, trade, 136, 0, 6001, "public trade")                                               \
    X(21, feed_status, 128, 0, 6001, "state of a book or of the feed")                       \
    X(22, mark_price, 96, 0, 6001, "mark and index price of a derivative")                   \
    X(23, funding, 104, 0, 6001, "funding rate of a perpetual")                              \
    X(24, liquidation, 96, 0, 6001, "a position of somebody closed by force")                \
    X(32, order_event, 288, 0, 6002, "what happened to an order")                            \
    X(48, trade_event, 264, 0, 6017, "one execution of ours")                                \
    X(49, account_event, 200, 0, 6017, "balance, transfer, funding as the venue reports it") \
    X(50, account_position, 160, 0, 6017, "a position as the venue reports it")              \
    X(64, order_status, 264, 0, 6018, "full state of an order")                              \
    X(65, engine_status, 232, 0, 6018, "state of an engine")                                 \
    X(80, position, 216, 0, 6003, "position of an account or of a strategy in it")           \
    X(81, balance, 144, 0, 6003, "balance of one asset")                                     \
    X(82, pnl, 152, 0, 6003, "profit and loss in the reporting currency")                    \
    X(96, strategy_status, 168, 0, 6004, "state of a strategy")                              \
    X(97, intent_refused, 104, 0, 6004, "an intent that did not become an order")            \
    X(112, opportunity, 224, 0, 6008, "an executable price difference between two venues")   \
    X(113, opportunity_end, 88, 0, 6008, "it is gone")                                       \
    X(128, risk_state, 1008, 0, 6020, "every 100 ms: halts, kills and limits in force")      \
    X(144, order_request, 128, 0, 7003, "intent: new order")                                 \
    X(145, order_cancel, 96, 0, 7003, "intent: cancel one order")                            \
    X(146, order_replace, 112, 0, 7003, "intent: change price or quantity")                  \
    X(147, cancel_all, 80, 0, 7003, "intent: cancel a strategy's orders on this account")    \
    X(148, order_query, 88, 0, 7003, "asks an engine for the state of orders")               \
    X(160, position_update, 96, 0, 7004, "what the ledger has, for the engine's limits")     \
    X(161, trade_replay_request, 80, 0, 7004, "asks an engine for executions again")         \
    X(162, applied_trade_number, 80, 0, 7004, "what is durably in the ledger")               \
    X(176, operator_command, 184, 0, 7005, "halt, resume, kill, flatten")

#define WIRE_AS_ARRAY(kind, name, count, doc)   wire_##kind name[count];
#define WIRE_PLUS_SIZE(kind, name, doc)         +sizeof(wire_##kind)
#define WIRE_PLUS_ARRAY(kind, name, count, doc) +sizeof(wire_##kind) * (count)
#define WIRE_AS_STRUCT(id, event, bytes, tail, port, doc)                             \
    struct wire_##event {                                                             \
        struct wire_header header;                                                    \
        FIELDS_##event(WIRE_AS_MEMBER, WIRE_AS_ARRAY)                                 \
    };                                                                                \
    static_assert(sizeof(struct wire_##event) == (bytes), #event ": size");           \
    static_assert(sizeof(struct wire_header)                                          \
                          FIELDS_##event(WIRE_PLUS_SIZE, WIRE_PLUS_ARRAY) == (bytes), \
                  #event ": padding");                                                \
    static_assert(((id)&0xff) > 1, #event ": id begins like a subscription");
WIRE_EVENTS(WIRE_AS_STRUCT)

#define WIRE_AS_ID(id, event, bytes, tail, port, doc) WIRE_##event = (id),
enum wire_type { WIRE_EVENTS(WIRE_AS_ID) };

#define WIRE_AS_UNION_MEMBER(id, event, bytes, tail, port, doc) struct wire_##event event;
/* Room for any event, aligned: what a receiver copies into. 32 KiB: one per socket, not per
 * message. */
union wire_event {
    struct wire_header header;
    WIRE_EVENTS(WIRE_AS_UNION_MEMBER)
};

/* ---- functions ---- */

/* WIRE_BEGIN zeroes a fixed-size event and sets type, version and size; the bus sets publisher,
 * epoch, seq and sent_ns. For book events use wire_book_begin. */
#define WIRE_BEGIN(event_ptr, event)                                            \
    (*(event_ptr) = (struct wire_##event){ .header = { .type = WIRE_##event,    \
                                                       .version = WIRE_VERSION, \
                                                       .size = sizeof(struct wire_##event) } })

/* wire_book_begin clears the head of a snapshot or a delta, not its levels (hot), and sets type. */
void wire_book_begin(struct wire_book_delta *book, enum wire_type type);

/* wire_book_end sets size from bid_count and ask_count (their sum at most WIRE_LEVELS_MAX). */
void wire_book_end(struct wire_book_delta *book);

/* wire_check says whether bytes are one valid event: known type and version, size as the type
 * demands, counts within size and bounds, enumerations known, exponents in range, texts ended,
 * reserved zero. Returns 0, ERR_VERSION (unknown version), ERR_NOT_FOUND (unknown type) or
 * ERR_PROTO. Hot. */
int wire_check(const void *bytes, size_t size);

/* wire_name gives the event's name, or NULL. */
const char *wire_name(uint16_t type);

/* wire_port gives the stream that a type belongs to, 0: every stream, -1: unknown type. */
int wire_port(uint16_t type);

/* wire_NAME_str gives the text of an enumeration's value, "?" where it has none;
 * wire_NAME_from the value of a text, -1 where it has none. */
#define WIRE_AS_STR(name, LIST, ctype)             \
    const char *wire_##name##_str(unsigned value); \
    int wire_##name##_from(const char *text);
WIRE_ENUMS(WIRE_AS_STR)

/* wire_dump writes a valid event as one line of JSON (no newline), decimals as strings,
 * enumerations by name, reserved fields left out. Always ends out with NUL; returns the length it
 * wanted, as snprintf. */
int wire_dump(const struct wire_header *event, char *out, size_t cap);

/* wire_document writes docs/events.md to file (a FILE *). */
void wire_document(void *file);

#endif
