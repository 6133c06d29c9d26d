/* engine_core.h - an account's orders, from intent to last fill: deterministic, without I/O.
 *
 * In: bus events, venue reports, journal records, time. Out: four callbacks. No socket, clock or
 * file, and no allocation: the caller gives the memory. The same core runs live, in dry run, in
 * replay and in the fault simulation. A restart is a new core fed with the records that the old one
 * appended.
 *
 * Order of life: engine_core_init, engine_core_restore for each journal record, engine_core_start,
 * then engine_core_event / _report / _tick in the order in which things happen. now_ns never goes
 * back. */
#ifndef TICKPIPE_TRADING_ENGINE_ENGINE_CORE_H
#define TICKPIPE_TRADING_ENGINE_ENGINE_CORE_H

#include "common/pure/client_id.h"
#include "common/pure/book.h"
#include "common/pure/wire.h"
#include "trading_engine/order_state.h"
#include "venues/venue.h"

struct engine_core;

enum {
    ENGINE_INSTRUMENTS_MAX = VENUE_SYMBOLS_MAX,
    ENGINE_ASSETS_MAX = 128,
    ENGINE_OWNERS_MAX = 8, /* Publishers of intents. */
    ENGINE_REASONS_MAX = 128,
    ENGINE_TRADE_PAGE_MAX = 256,
    ENGINE_AMOUNT_EXP = 8, /* Notionals and limits. */
};

/* Limits. Every one must be set (above 0): engine_core_init refuses otherwise. Quantities,
 * notionals at ENGINE_AMOUNT_EXP. */
struct engine_limits {
    int64_t order_qty_max;
    int64_t order_notional_max;  /* In the instrument's quote. */
    int64_t position_symbol_max; /* |position| of one instrument, open orders counted as done. */
    int64_t position_asset_max;  /* The same over all instruments of one base asset. */
    int64_t daily_loss_max;      /* Against risk_monitor's daily_pnl, reporting currency. */
    int64_t collar_ppm;          /* Largest deviation of a limit price from the mid. */
    int64_t book_age_max_ns;
    int64_t open_orders_max;
    int64_t orders_per_s;   /* New orders and replaces. */
    int64_t messages_per_s; /* All requests. */
    int64_t messages_burst;
    int64_t cancel_reserve; /* Of the burst, kept for cancels. */
    int64_t messages_per_min;
    int64_t alert_share; /* Of a position limit: an order that goes past it is said aloud. 0: never.
                            Not a limit. */
};

/* Pace of everything that waits. engine_core_defaults sets them. */
struct engine_timing {
    int64_t order_timeout_ns; /* A request without any answer: outcome unknown. */
    int64_t runner_silent_ns, risk_silent_ns, risk_gone_ns, gateway_silent_ns;
    int64_t start_grace_ns;           /* After start, silence is not judged for so long. */
    int64_t deadline_max_ns;          /* An intent's deadline may lie so far ahead, no further. */
    int64_t ask_first_ns, ask_max_ns; /* Pace of questions about one order. */
    int64_t absent_after_ns;          /* "No such order" is believed so long after the send, */
    unsigned absent_times;            /* said so many times. */
    int64_t fill_wait_ns; /* The venue says more was executed than we saw: ask after this. */
    int64_t status_every_ns;
    int64_t balance_quiet_ns,
        balance_every_ns;       /* Ask balances so long after the last fill; and at least. */
    int64_t balance_least_ns;   /* But never sooner after the last time. */
    int64_t reconcile_every_ns; /* Also without cause. */
    /* A question or a list without an answer. Long: a codec holds them back while the venue's
     * counter is full, and asking again would only fill it further. */
    int64_t reconcile_timeout_ns;
    int64_t poll_ns;         /* Executions, where there is no private stream. */
    int64_t since_margin_ns; /* Executions are asked from the last known time minus this. */
    int64_t dead_man_ns, dead_man_every_ns;
    int64_t clock_skew_max_ns;
    unsigned place_tries_max; /* A place that provably never left is tried so often in all, */
    int64_t place_retry_ns;   /* so far apart, before its deadline. */
    int64_t stop_wait_ns;     /* A graceful stop waits so long for cancels. */
    int64_t mode_every_ns;    /* An account that is set wrongly is asked about again after this. */
};

struct engine_config {
    const char *venue; /* "binance" */
    uint16_t account;  /* venues.ini id */
    char environment;  /* Letter in our client ids. */
    uint64_t epoch;    /* Greater than every one before. */
    uint64_t boot_id;
    bool is_dry_run;
    bool has_dead_man;                  /* Arm it, and take no new risk while it is unproven. */
    bool has_private_stream;            /* false: executions are polled. */
    enum client_id_form client_id_form; /* What the venue takes as a client order id. */
    bool replace_keeps_id; /* Amend in one request; else cancel, wait for the true end, then a new
                              order. */
    bool executions_by_account; /* One list for the account; else one per instrument. */
    bool cancels_on_stop;
    bool checks_balance;
    bool reduces_in_place;   /* Where replace_keeps_id is false: a smaller quantity is amended. */
    bool has_place_deadline; /* The venue takes no order later than order_timeout_ns after it left.
                              */
    bool has_positions; /* The venue has accounts with positions: mode, positions and funding are
                           asked for. */
    uint32_t paper_leverage_ppm;          /* Dry run; 0: 1 to 1. */
    int32_t maker_fee_ppm, taker_fee_ppm; /* Dry run, where the definition states none. */
    const char *paper_balances; /* Dry run, first start: "USDT=10000 BTC=0.5". NULL: none. */
    const char *const *names;   /* Canonical names traded. */
    size_t name_count;
    size_t orders_max; /* Live and remembered orders. */
    size_t trades_max; /* Executions kept for replay and for knowing duplicates. */
    /* Books of dry run, initialised by the caller (book_init), one per name; NULL in live. */
    struct book *books;
    struct engine_limits limits;
    struct engine_timing timing;
};

/* engine_core_defaults fills timing, capacities and switches; limits stay unset. */
void engine_core_defaults(struct engine_config *config);

enum engine_note_level { NOTE_INFO, NOTE_WARN, NOTE_ERROR };

struct engine_out {
    void *ctx;
    /* An event for its stream (wire_port of its type), account, instrument, origin_ns and cause
     * set. Valid during the call. */
    void (*publish)(void *ctx, struct wire_header *event);
    /* A request for the venue: the answer of venue_order_ops.command. cause_ns: of a new order,
     * when what led to it was read from a socket; else 0. */
    int (*command)(void *ctx, const struct venue_command *command, int64_t cause_ns);
    /* A journal record (see records.h), to be safe against kill -9 when it returns 0. */
    int (*append)(void *ctx, uint16_t type, const void *record, size_t size);
    /* For people. */
    void (*note)(void *ctx, enum engine_note_level level, const char *event, const char *text);
};

/* engine_core_size gives the memory wanted (aligned to 64), 0 for a bad config. */
size_t engine_core_size(const struct engine_config *config);

/* engine_core_init lays the core out in memory (zeroed by it). 0; ERR_RANGE (memory too small, bad
 * capacity); ERR_CONFIG (a limit is not set: *missing names it). */
int engine_core_init(void *memory, size_t size, const struct engine_config *config,
                     const struct engine_out *out, struct engine_core **core, const char **missing);

/* engine_core_restore takes one journal record, oldest first. 0; ERR_NOT_FOUND (not the core's);
 * ERR_PROTO. */
int engine_core_restore(struct engine_core *core, uint16_t type, const void *record, size_t size);

/* engine_core_checkpoint appends, through append, records that restore the present state without
 * the older ones. */
int engine_core_checkpoint(struct engine_core *core,
                           int (*append)(void *ctx, uint16_t type, const void *record, size_t size),
                           void *ctx);

/* engine_core_start ends restoring: writes the session record, then reconciles as soon as it can.
 * is_journal_whole: nothing can be missing at the end of what was restored. 0 or the append's
 * error. */
int engine_core_start(struct engine_core *core, bool is_journal_whole, int64_t now_ns,
                      int64_t wall_ns);

/* engine_core_event takes any event of 6001, 6020, 7003, 7004 and the heartbeats of their
 * publishers. */
void engine_core_event(struct engine_core *core, const struct wire_header *event, int64_t now_ns);

/* engine_core_gap: events of a type were lost on 6001; books made of them are not whole any more.
 * Returns true when a snapshot should be asked for. */
bool engine_core_gap(struct engine_core *core, uint16_t type);

/* engine_core_report takes private news of the venue. */
void engine_core_report(struct engine_core *core, const struct venue_report *report,
                        int64_t now_ns);

/* engine_core_tick: every 10 ms or so. wall_ns: corrected by the venue's clock where known. */
void engine_core_tick(struct engine_core *core, int64_t now_ns, int64_t wall_ns);

/* engine_core_kill: SIGUSR1. Cancels everything on the account, and stays so until risk_monitor
 * runs after an operator's resume. Survives restart. */
void engine_core_kill(struct engine_core *core, wire_reason why, int64_t now_ns);

/* engine_core_stop: SIGTERM. No new orders; resting ones are cancelled. engine_core_is_stopped then
 * says whether all is over (or stop_wait_ns is). */
void engine_core_stop(struct engine_core *core, int64_t now_ns);
bool engine_core_is_stopped(const struct engine_core *core, int64_t now_ns);

/* engine_core_republish publishes the state of every live order and of the engine. Returns how
 * many. */
unsigned engine_core_republish(struct engine_core *core, int64_t now_ns);

/* engine_core_republish_positions publishes each position as the venue last said: for who joins
 * 6017 late. */
void engine_core_republish_positions(struct engine_core *core, int64_t now_ns);

/* What only the shell knows, for engine_status. */
struct engine_gauges {
    uint64_t journal_bytes;
    bool is_rest_up;
};
void engine_core_gauges(struct engine_core *core, const struct engine_gauges *gauges);

void engine_core_status(const struct engine_core *core, int64_t now_ns,
                        struct wire_engine_status *out);

struct engine_counters {
    uint64_t intents, duplicates, answered, refused, orders_sent, cancels_sent, replaces_sent,
        queries_sent;
    uint64_t accepted, rejected, cancelled, expired, fills, foreign_fills, foreign_orders, adopted;
    uint64_t fills_duplicate, fills_deferred, fills_too_old, fills_late, overfilled;
    uint64_t reports, reports_duplicate, reports_unmatched, alarms;
    uint64_t unknown_total, absent_confirmed, requests_timed_out, command_failed;
    uint64_t reconciles, dead_man_refreshed, journal_failed, replayed, table_full, dry_dropped;
    uint64_t throttled, owners_full, kills, malformed;
    uint64_t positions_stated, positions_differed, funding_paid, funding_duplicate, funding_too_old,
        liquidations, mode_refused;
    uint64_t reasons[ENGINE_REASONS_MAX]; /* Refusals, by reason code. */
};
const struct engine_counters *engine_core_counters(const struct engine_core *core);

/* For METRICS and tests: one order's present state; NULL: no record. Valid until the next call. */
const struct order_record *engine_core_order(const struct engine_core *core, uint64_t order_id);
uint64_t engine_core_last_trade_number(const struct engine_core *core);
wire_engine_state engine_core_state(const struct engine_core *core, int64_t now_ns,
                                    wire_reason *why);

#endif
