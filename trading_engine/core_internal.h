/* core_internal.h - the core's whole state, and what its parts offer one another.
 *
 * orders_core   the table of orders: slots, indexes, exposure, the state machine applied,
 * publishing intents_core  7003: requests, cancels, replaces, queries; sending checks_core
 * pre-trade checks reports_core  venue reports to inputs of the state machine fills_core
 * executions: known or new, trade numbers, replay, balances, positions reconcile_core  start-up and
 * reconnect: the venue's lists against ours; orders of unknown outcome positions_core  derivatives:
 * account mode, the venue's positions against ours, funding, liquidations guard_core    risk,
 * runner and feed silence, kill, dead-man switch, stop dry_core      a venue made of the live book
 * restore_core  journal records to state and back
 * engine_core   the doors: init, restore, event, report, tick, status */
#ifndef TICKPIPE_TRADING_ENGINE_CORE_INTERNAL_H
#define TICKPIPE_TRADING_ENGINE_CORE_INTERNAL_H

#include "common/leaf/err.h"
#include "common/leaf/fixed.h"
#include "common/pure/client_id.h"
#include "common/pure/holding.h"
#include "common/pure/pace.h"
#include "common/pure/topology.h"
#include "trading_engine/engine_core.h"
#include "trading_engine/records.h"

#include <string.h>

#define SLOT_NONE UINT32_MAX /* No enumerator: clang keeps those within int. */
#define SLOT_FREE (UINT32_MAX - 1)

enum {
    REQUESTS_MAX = 4096,
    DRY_QUEUE_MAX = 512,
    RECALLS_MAX = 64,
    TRANSFERS_MAX = 256,
    INDEX_NONE = 0xffff,
};

struct order {
    struct order_record r;
    uint32_t next_by_id, next_by_exchange_id; /* Hash chains. */
    uint32_t prev, next; /* List of the live, or of the ended (oldest first). */
    bool is_used, is_linked_exchange_id;
    uint16_t instrument_at; /* Index, INDEX_NONE: not known (yet). */
    uint16_t locked_asset;
    int64_t exposed_qty, locked_amount; /* What the sums hold of it. */
    int64_t origin_ns, intent_sent_ns;
    int64_t sent_ns, changed_ns, ended_ns; /* CLOCK_MONOTONIC; 0 after a restart. */
    uint64_t place_request, cancel_request, replace_request,
        query_request; /* Outstanding; 0: none. */
    int64_t place_sent_ns, cancel_sent_ns, replace_sent_ns, query_sent_ns;
    int64_t ask_at_ns; /* Query the venue then; 0: no need. */
    unsigned asks, absent_count;
    int64_t unknown_since_ns;
    int64_t absent_pull_ns; /* Executions must be pulled after this before absence counts. */
    int64_t cancel_at_ns;   /* Send (again) then; 0: no need. */
    unsigned cancel_tries;
    int64_t retry_at_ns; /* Place provably never left: try again then. */
    unsigned place_tries;
    int64_t fill_wait_ns; /* Ask for missing executions then. */
    unsigned fill_waits;
    bool is_total_awaited;   /* It has ended, but how much was executed was not said. */
    uint32_t seen_round;     /* Last list of open orders that had it, */
    uint32_t question_round; /* or that did not, and its state is still being asked. */
    /* What the dry-run venue has. */
    bool is_dry_working;
    int64_t dry_price, dry_qty, dry_filled;
    int64_t dry_queue_ahead; /* Quantity before ours at our price. */
};

struct request {
    uint64_t id; /* 0: free */
    uint64_t order_id;
    uint32_t slot; /* SLOT_NONE: not about one order. */
    enum venue_op op;
    int64_t sent_ns;
};

/* A position as the venue last said, at the instrument's exponents. */
struct stated_position {
    bool is_stated;
    bool is_different; /* From ours, at a settled moment; said. */
    int64_t qty, avg_price, mark_price, liquidation_price;
    int64_t margin, unrealised_pnl, realised_pnl; /* At ENGINE_AMOUNT_EXP. */
    uint32_t leverage_ppm; /* Stays known while the position is flat. 0: never stated. */
    bool is_isolated;
    int64_t heard_ns, exchange_ns;
    uint64_t as_of_trade_number;
    uint32_t round; /* List that had it. */
};

struct instrument_state {
    uint64_t id;
    bool is_defined, is_from_venue;
    struct wire_instrument definition;
    uint16_t base_asset, quote_asset, settle_asset;
    int64_t bid_price, bid_qty, ask_price, ask_qty;
    bool has_quote;
    int64_t quote_ns; /* When the book was last known right. */
    wire_feed_state feed_state;
    bool has_feed_state;
    int64_t open_buy_qty, open_sell_qty; /* Worst case of live orders, foreign ones included. */
    struct holding holding;              /* What our executions make. */
    uint64_t position_number;            /* Last trade number in holding. */
    int64_t moved_ns;                    /* When it last changed. */
    struct stated_position stated;
    int64_t mark_price, marked_ns;        /* As 6001 says, of a derivative. */
    int64_t funding_ppb, next_funding_ns; /* The same; wall clock. */
    int64_t funding_due_ns;               /* Of a payment whose list will be asked for. 0: none. */
    int64_t funding_asked_ns;             /* Of the last one whose list was. */
    bool is_dry_paid;                     /* Dry run: that payment. */
    bool is_liquidated; /* The venue closed of it by force: no new risk until a resume. */
    bool is_command_known;
    uint64_t liquidated_command; /* The operator's last command at that time. */
    int64_t liquidated_ns;
    int64_t limit_near_until_ns; /* The venue's count of orders on it is nearly used up. */
    struct book *book;           /* Dry run. */
    bool is_book_whole;
};

struct asset_state {
    char code[16];
    bool is_reported;
    int64_t total, free, locked; /* As last said by the venue, total moved by our fills since. */
    int64_t margin, unrealised_pnl;
    int64_t own_locked;          /* By our live orders and by foreign ones that we know. */
    int64_t locked_at_report;    /* own_locked when the venue said free. */
    uint64_t as_of_event_number; /* Transfers and funding up to it are in total. Dry run. */
    uint64_t as_of_trade_number;
};

struct owner {
    uint16_t publisher; /* 0: free */
    bool has_clock, is_silent;
    int64_t heard_ns; /* Heartbeat on 7003. */
    uint64_t boot_id;
    int64_t clock_shift_ns; /* Added to its monotonic stamps to get ours. */
};

/* A cancel-all also stops requests that were sent before it and arrive after it. */
struct recall {
    uint16_t owner, strategy;
    int64_t sent_ns;
};

enum reconcile_phase {
    RECONCILE_IDLE,
    RECONCILE_OPEN_ORDERS, /* Waiting for the list. */
    RECONCILE_QUESTIONS,   /* Asking for orders that it did not have. */
    RECONCILE_EXECUTIONS,
    RECONCILE_BALANCES,
    RECONCILE_POSITIONS, /* Venues that have them. */
    RECONCILE_FUNDING,
};

/* A list that is asked for until it comes. */
struct wanted_list {
    bool is_wanted;
    int64_t wanted_ns; /* One asked for before that is not the one wanted. */
    uint64_t request;  /* Outstanding. */
    int64_t sent_ns, retry_ns;
    int64_t done_sent_ns; /* When the last complete one was asked for. */
    int64_t done_ns;
    unsigned failures;
};

/* How the account must be set: one-way positions. */
struct account_mode {
    bool is_good;
    wire_reason why; /* REASON_NONE: not known yet. */
    char text[64];   /* The venue's words. */
    uint64_t request;
    int64_t sent_ns, next_ns;
};

struct derivatives {
    struct account_mode mode;
    struct wanted_list positions, funding;
    uint32_t round;
    uint64_t as_of_trade_number; /* Of the list under way. */
    int64_t differs_next_ns;
};

struct reconcile {
    enum reconcile_phase phase;
    bool is_wanted; /* Begin (again) as soon as possible. */
    bool was_ever_complete;
    bool is_trusted;  /* Complete since the last time the stream was down. */
    uint64_t request; /* Outstanding list request. */
    int64_t phase_ns; /* Since when in this phase. */
    int64_t retry_ns;
    unsigned failures;
    uint32_t round;
    int64_t list_sent_ns;
    int64_t done_ns;           /* When last complete. */
    int64_t done_list_sent_ns; /* When that round's list was asked for. */
    uint32_t open_seen;        /* Orders in the last complete list. */
    /* Executions, instrument by instrument: in a round, and whenever one seems to be missing. */
    int64_t pull_at_ns; /* Wanted then; 0: not. */
    bool is_pulling;
    uint64_t pull_request;
    uint16_t pull_index;
    int64_t pull_started_ns, pull_sent_ns, pull_retry_ns;
    int64_t pull_started_wall_ns;
    int64_t pulled_started_ns; /* Start of the last complete pull. */
    uint64_t balance_request;
    int64_t balance_sent_ns;
    uint64_t balance_as_of;
    int64_t balance_last_ns;
};

enum kill_phase { KILL_NONE, KILL_CANCEL, KILL_VERIFY, KILL_DONE };

struct guard {
    /* Risk. */
    bool has_risk;
    struct wire_risk_state risk;
    int64_t risk_ns;
    bool is_risk_gone_handled;
    /* Gateway of our venue. */
    int64_t gateway_ns;
    /* Kill. */
    bool is_killed, is_everything;
    wire_reason kill_why;
    uint64_t kill_risk_version, kill_command_id;
    enum kill_phase kill_phase;
    int64_t kill_at_ns, kill_next_ns, kill_cancel_ns;
    uint64_t kill_request;
    /* Dead man. */
    int64_t dead_man_until_ns, dead_man_sent_ns, dead_man_next_ns;
    uint64_t dead_man_request;
    bool is_disarming;
    /* Channels. */
    bool is_order_channel_up, is_private_stream_up;
    int64_t clock_offset_ns, rtt_ns;
    bool has_clock_offset;
    int64_t back_off_until_ns;
    int64_t limit_near_until_ns; /* The venue's count of our orders is nearly used up, */
    int64_t lists_after_ns;      /* or that of requests: lists without need wait. */
    /* Stop. */
    bool is_stopping;
    int64_t stop_ns;
    wire_engine_state last_state;
};

struct engine_core {
    struct engine_config config;
    struct engine_out out;
    struct engine_counters counters;
    struct engine_gauges gauges;
    bool is_started, is_journal_whole, is_journal_broken;
    int64_t now_ns, wall_ns, wall_at_ns, started_ns;
    int64_t born_wall_ns;
    int64_t mark_wall_ns, mark_written_ns;
    uint32_t session_count;

    struct order *orders;
    uint32_t orders_max, free_list, live_count;
    uint32_t orders_begun; /* Slots from here on have never been used. */
    uint32_t live_head, live_tail, ended_head, ended_tail;
    uint32_t unknown_orders;
    uint32_t *by_id, *by_exchange_id;
    uint32_t bucket_mask;

    struct wire_trade_event *trades; /* Number n at n % trades_max. */
    uint32_t *trade_buckets, *trade_next;
    uint32_t trades_max, trade_bucket_mask;
    uint64_t last_trade_number, oldest_trade_number; /* Kept: oldest..last. */
    uint64_t applied_trade_number, applied_event_number, last_event_number;
    struct applied_record applied_journalled;
    int64_t applied_journalled_ns;
    int64_t dedup_floor_ns; /* Executions older than this can no longer be told from known ones. */
    int64_t last_fill_ns;

    struct wire_account_event
        transfers[TRANSFERS_MAX]; /* Ring: changes that the ledger may still miss. */
    uint64_t transfer_count;

    struct instrument_state instruments[ENGINE_INSTRUMENTS_MAX];
    uint16_t instrument_count;
    struct asset_state assets[ENGINE_ASSETS_MAX];
    uint16_t asset_count;
    struct owner owners[ENGINE_OWNERS_MAX];
    struct recall recalls[RECALLS_MAX];
    uint32_t recall_at;

    struct request *requests;
    uint64_t last_request;

    struct rate_limit orders_pace, messages_pace, minute_pace;
    struct reconcile reconcile;
    struct guard guard;
    struct derivatives derivatives;
    int64_t status_ns;

    struct venue_report *dry_queue;
    uint32_t dry_head, dry_count;
    uint64_t dry_number;
};

/* What an input brings along. */
struct input_detail {
    int64_t last_price, last_qty;
    int64_t exchange_ns;
    wire_reason why;
    const char *text;
};

/* ---- orders_core.c ---- */
void orders_init(struct engine_core *e);
bool orders_is_full(const struct engine_core *e); /* No slot is free. */
struct order *order_by_id(const struct engine_core *e, uint64_t order_id);
struct order *order_by_exchange_id(const struct engine_core *e, const char *exchange_order_id);
/* order_new takes a slot, throwing out the oldest ended order that no copy of an intent can ask for
 * any more. NULL: full. */
struct order *order_new(struct engine_core *e, uint64_t order_id);
void order_free(struct engine_core *e, struct order *o);
uint32_t order_slot(const struct engine_core *e, const struct order *o);
struct order *order_at(const struct engine_core *e, uint32_t slot);
void order_set_exchange_id(struct engine_core *e, struct order *o, const char *exchange_order_id);
void order_drop_exchange_id(struct engine_core *e, struct order *o);
void order_bind_instrument(struct engine_core *e, struct order *o);
/* order_apply puts one input through the table. Returns false when it was known already. */
bool order_apply(struct engine_core *e, struct order *o, enum order_input input,
                 const struct input_detail *detail);
void order_refresh(struct engine_core *e,
                   struct order *o); /* Exposure and locks after a change of quantities. */
void order_journal(struct engine_core *e, struct order *o);
void order_relink(struct engine_core *e, struct order *o, bool was_final);
/* order_tell publishes on 6002, whatever the state. */
void order_tell(struct engine_core *e, const struct order *o, wire_order_event_kind kind,
                const struct input_detail *detail);
void order_publish_status(struct engine_core *e, const struct order *o, bool is_answer);
void order_publish_none(struct engine_core *e, uint64_t order_id, uint64_t instrument,
                        uint16_t strategy, wire_reason why);
void order_ask(struct engine_core *e, struct order *o, int64_t at_ns);
void order_want_cancel(struct engine_core *e, struct order *o, wire_reason why);
/* order_client_id writes the client id of the revision that the venue has. */
void order_client_id(const struct engine_core *e, const struct order *o, unsigned revision,
                     char out[40]);

/* Walks live orders: for (o = live_first(e), n; o && (n = live_next(e, o), true); o = n). */
struct order *live_first(const struct engine_core *e);
struct order *live_next(const struct engine_core *e, const struct order *o);
#define FOR_EACH_LIVE(e, o)                                                           \
    for (struct order *o = live_first(e), *o##_next_ = o ? live_next(e, o) : NULL; o; \
         o = o##_next_, o##_next_ = o ? live_next(e, o) : NULL)

/* ---- send_core.c ---- */
/* order_command fills a command about an order; reason_of_error says why one was not taken. */
void order_command(struct engine_core *e, struct venue_command *c, enum venue_op op,
                   const struct order *o);
wire_reason reason_of_error(int err);
void pursue_cancel(struct engine_core *e,
                   struct order *o); /* Sends the wanted cancel when it may go. */
void send_place(struct engine_core *e, struct order *o);
/* How long the venue may take to accept an order, where it can be told. */
int64_t place_valid_ns(const struct engine_core *e);
void send_cancel(struct engine_core *e, struct order *o);
void send_query(struct engine_core *e, struct order *o);
void intents_tick(
    struct engine_core *e); /* Cancels that wait, retries, requests that got no answer. */
/* place_never_sent ends (or retries) a place that provably did not leave. */
void place_never_sent(struct engine_core *e, struct order *o, const struct input_detail *detail);

/* ---- intents_core.c ---- */
void intents_event(struct engine_core *e, const struct wire_header *event);
/* replace_place goes on with a replace whose old order has truly ended. */
void replace_place(struct engine_core *e, struct order *o, const struct input_detail *detail);
struct owner *owner_of(struct engine_core *e, uint16_t publisher);
void owner_heartbeat(struct engine_core *e, const struct wire_heartbeat *heartbeat);

/* ---- request table and commands (engine_core.c) ---- */
void command_begin(struct engine_core *e, struct venue_command *command, enum venue_op op,
                   const struct order *o);
/* command_send spends pace (is_risk: may not touch the reserve of cancels), registers and hands it
 * on. */
int command_send(struct engine_core *e, struct venue_command *command, const struct order *o,
                 bool is_reserved, uint64_t *request);
struct request *request_find(struct engine_core *e, uint64_t id);
void request_end(struct engine_core *e, uint64_t id);
int core_append(struct engine_core *e, uint16_t type, const void *record, size_t size);
void core_publish(struct engine_core *e, struct wire_header *event, uint64_t instrument,
                  int64_t origin_ns, uint64_t cause);
void core_note(const struct engine_core *e, enum engine_note_level level, const char *event,
               const char *format, ...) PRINTF_LIKE(4, 5);
int64_t core_wall(const struct engine_core *e);
void text_copy(char *to, size_t cap, const char *from);
uint32_t text_hash(const char *text);

/* ---- checks_core.c ---- */
struct check_order {
    const struct instrument_state *instrument;
    wire_side side;
    wire_order_type type;
    bool is_post_only, is_reduce_only;
    int64_t price,
        qty; /* At the instrument's exponents. Of a replace: the new ones, qty the new total. */
    int64_t
        counted_qty; /* Of a replace: the old total, which position and open orders hold already. */
    const struct order *replaced;
};
/* check_engine: may this engine take new risk for (strategy, instrument) at all? */
wire_reason check_engine(const struct engine_core *e, uint16_t strategy,
                         const struct instrument_state *instrument, bool is_reduce_only);
/* engine_wide_reason: why it takes no new risk at all; REASON_NONE: it does. */
wire_reason engine_wide_reason(const struct engine_core *e);
/* check_order: everything about the order itself. REASON_NONE: passes. Spends no pace. */
wire_reason check_order(const struct engine_core *e, const struct check_order *order);
wire_reason check_pace(struct engine_core *e); /* Spends. */
const char *limits_missing(const struct engine_limits *limits);

/* ---- reports_core.c ---- */
void reports_take(struct engine_core *e, const struct venue_report *report);
/* report_unknown_fill finds or makes the order of an execution that no record names: one of ours by
 * its client id (adopted), or, where the journal may miss some, one to be asked about. NULL:
 * foreign, without a record. */
struct order *report_unknown_fill(struct engine_core *e, const struct venue_report *report);
/* order_end ends an order as the venue says, or waits for missing executions first. */
void order_end(struct engine_core *e, struct order *o, enum order_input input,
               const struct input_detail *detail);

/* ---- account_core.c ---- */
struct instrument_state *instrument_new(struct engine_core *e, uint64_t id); /* NULL: full. */
/* balance_move lets an execution move the balances whose figure does not have it yet; only: one
 * asset. */
void balance_move(struct engine_core *e, const struct wire_trade_event *trade, uint16_t only);
/* ---- fills_core.c and account_core.c ---- */
struct instrument_state *instrument_find(struct engine_core *e, uint64_t id);
struct instrument_state *instrument_put(struct engine_core *e,
                                        const struct wire_instrument *definition,
                                        bool is_from_venue);
uint16_t asset_index(struct engine_core *e, const char *code);
void fills_take(struct engine_core *e, const struct venue_report *report);
void fills_restore(struct engine_core *e, const struct wire_trade_event *trade);
void fills_replay(struct engine_core *e, const struct wire_trade_replay_request *request);
void fills_applied(struct engine_core *e, const struct wire_applied_trade_number *applied);
void fills_position(struct engine_core *e, const struct wire_position_update *update);
const struct wire_trade_event *trade_at(const struct engine_core *e, uint64_t number);
bool trades_near_full(const struct engine_core *e);
void balance_take(struct engine_core *e, const struct venue_report *report);
/* account_open_position tells the ledger, once, of a position that was there before the journal, as
 * the venue states it. false: it could not be written. */
bool account_open_position(struct engine_core *e, const struct instrument_state *instrument);
void account_restore(struct engine_core *e, const struct wire_account_event *event);
void balances_paper(struct engine_core *e);

/* ---- reconcile_core.c ---- */
void reconcile_want(struct engine_core *e);
void reconcile_tick(struct engine_core *e);
/* reconcile_since_wall: from when on executions may be missing here. */
int64_t reconcile_since_wall(const struct engine_core *e);
void reconcile_pull(struct engine_core *e, int64_t at_ns); /* Executions, outside a round. */
/* An answer or the end of a list request. Returns true when the request was one of reconcile's. */
bool reconcile_done(struct engine_core *e, const struct venue_report *report);
/* reconcile_saw notes an order that a list or an answer shows; reconcile_absent one that the venue
 * does not know. */
void reconcile_saw(struct engine_core *e, struct order *o, const struct venue_report *report);
void reconcile_absent(struct engine_core *e, struct order *o);

/* ---- positions_core.c ---- */
/* is_derivative: it has positions with margin, not balances of its base. */
bool is_derivative(const struct instrument_state *instrument);
void positions_take(struct engine_core *e, const struct venue_report *report);
/* positions_done takes the end of a question of its own; true: it was one. */
bool positions_done(struct engine_core *e, const struct venue_report *report);
void positions_want(struct engine_core *e);
void funding_want(struct engine_core *e);
bool positions_came_since(const struct engine_core *e, int64_t since_ns);
bool funding_came_since(const struct engine_core *e, int64_t since_ns);
void positions_tick(struct engine_core *e);
void positions_publish(struct engine_core *e); /* All that the venue stated, as a snapshot. */
/* positions_fit says why the account's set-up forbids orders; REASON_NONE: it does not. */
wire_reason positions_fit(const struct engine_core *e);
/* positions_liquidated stops new risk on the instrument of a forced order of the venue. */
void positions_liquidated(struct engine_core *e, const struct venue_report *report);
/* Some instrument is stopped for it. */
bool positions_has_liquidated(const struct engine_core *e);
void positions_resume(struct engine_core *e); /* After each state of risk_monitor. */
struct position_record position_record_of(const struct instrument_state *instrument);
struct liquidation_record liquidation_record_of(const struct engine_core *e,
                                                const struct instrument_state *instrument);
void positions_restore_liquidation(struct engine_core *e, const struct liquidation_record *record);
/* positions_longest, positions_shortest: of what our executions and, where both differ, the venue
 * say: what limits must reckon with. positions_reducible: what an order of side can take off. */
int64_t positions_longest(const struct instrument_state *instrument);
int64_t positions_shortest(const struct instrument_state *instrument);
int64_t positions_reducible(const struct instrument_state *instrument, wire_side side);
/* positions_margin gives notional (at ENGINE_AMOUNT_EXP) over the leverage that the venue states;
 * all of it where it never did. */
int64_t positions_margin(const struct engine_core *e, const struct instrument_state *instrument,
                         int64_t notional);
/* positions_held_margin sums it over our positions that settle in an asset, at their marks. */
int64_t positions_held_margin(const struct engine_core *e, uint16_t asset);
/* positions_mark gives the mark, else the mid, at price_exp; 0: neither is fresh. */
int64_t positions_mark(const struct engine_core *e, const struct instrument_state *instrument);
void positions_market(struct engine_core *e, const struct wire_header *event);

/* ---- guard_core.c ---- */
void guard_risk(struct engine_core *e, const struct wire_risk_state *risk);
void guard_report(struct engine_core *e, const struct venue_report *report);
void guard_tick(struct engine_core *e);
void guard_kill(struct engine_core *e, bool is_everything, wire_reason why);
/* guard_verdict: what risk_monitor says of (strategy, instrument): RISK_RUNNING, HALTED or KILLED.
 */
wire_risk_state_kind guard_verdict(const struct engine_core *e, uint16_t strategy,
                                   uint64_t instrument, wire_reason *why);
bool guard_dead_man_proven(const struct engine_core *e);

/* ---- dry_core.c ---- */
int dry_command(struct engine_core *e, const struct venue_command *command);
void dry_market(struct engine_core *e, const struct wire_header *event);
void dry_drain(
    struct engine_core *e); /* Takes the reports of commands given since the last call. */
void dry_restore(struct engine_core *e);

struct venue_report *dry_report(struct engine_core *e); /* A new one. NULL: the queue is full. */
void dry_expire(struct engine_core *e, struct order *o, wire_reason why);

/* ---- dry_account_core.c ---- */
/* dry_settle gives an execution the profit that its closing part realises. */
void dry_settle(struct engine_core *e, struct venue_report *fill);
/* dry_after_fill says the position anew, and ends reduce-only orders that have nothing to reduce.
 */
void dry_after_fill(struct engine_core *e, uint64_t instrument);
void dry_positions(struct engine_core *e, const struct venue_command *command);
void dry_balances(struct engine_core *e, const struct venue_command *command);
/* dry_funding pays what has become due; on_rate: before a new rate takes its place. */
void dry_funding(struct engine_core *e, struct instrument_state *instrument);
void dry_tick(struct engine_core *e);

#endif
