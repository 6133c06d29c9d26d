/* risk_core.h - who may trade: halts, kills and limits, owned here and nowhere else.
 *
 * Deterministic: events and now_ns in, state out; no socket, clock, file or allocation. A halt for
 * silence or a stale figure clears itself when its cause is gone. A kill (by an operator or a
 * breached limit) stays, over restarts too, until an operator resumes, and a resume is refused
 * while the cause stands. */
#ifndef TICKPIPE_RISK_MONITOR_RISK_CORE_H
#define TICKPIPE_RISK_MONITOR_RISK_CORE_H

#include "common/pure/wire.h"

enum {
    RISK_ENGINES_MAX = 64,
    RISK_BALANCES_MAX = 256,
    RISK_POSITIONS_MAX = 512,
    RISK_INSTRUMENTS_MAX = 1024,
    RISK_DELTA_LIMITS_MAX = 16,
    RISK_COMMANDS_KEPT = 64,
    RISK_AMOUNT_EXP = 8
};

/* "No more than so much of BTC, long or short, spot and derivatives together." */
struct risk_delta_limit {
    char base[16];
    int64_t max; /* Base units, at RISK_AMOUNT_EXP. */
};

struct risk_config {
    char currency[16];
    int64_t gross_exposure_max, daily_loss_max,
        drawdown_max;             /* Reporting currency, at RISK_AMOUNT_EXP. */
    int64_t engine_silence_ns;    /* Its venue is halted. */
    int64_t engine_dead_ns;       /* Its orders are cancelled from outside. */
    int64_t positions_silence_ns; /* Everything is halted. */
    int64_t unmarked_ns; /* Exposure without a fresh mark for so long: everything is halted. */
    int64_t reconciliation_ns; /* A balance or a derivative's position that differs for so long,
                                  without executions: its venue is halted; 0: never. */
    struct risk_delta_limit delta_limits[RISK_DELTA_LIMITS_MAX];
    unsigned delta_limit_count;
    uint16_t engines[RISK_ENGINES_MAX]; /* Accounts that venues.ini has. */
    unsigned engine_count;
};

/* One reason to hold something. */
struct risk_entry {
    struct wire_scope scope;
    bool is_automatic; /* Clears itself; not persisted. */
};

/* What survives a restart: written whole before it is published. */
struct risk_saved {
    uint64_t risk_version;
    int64_t since_wall_ns;
    uint64_t last_command_id;
    uint32_t entry_count;
    struct risk_entry entries[WIRE_SCOPES_MAX];
    char note[64];
};

struct risk_engine {
    uint16_t account;
    int64_t heard_ns; /* 0: not since this start. */
    wire_engine_state state;
    bool is_cancel_started;
    bool is_liquidated; /* It says that the venue closed a position by force. */
    bool is_dry_run;    /* Nothing of its own rests at the venue; what does is somebody else's. */
};

struct risk_balance {
    uint16_t account;
    char asset[16];
    int64_t difference;
    uint64_t applied_trade_number;
    int64_t since_ns; /* The same difference since; 0: none. */
};

struct risk_instrument {
    uint64_t id;
    char base[16];
    bool is_spot;
};

/* Of a whole account. */
struct risk_position {
    uint16_t account;
    uint64_t instrument;
    const struct risk_instrument *definition; /* NULL: not heard yet. */
    int64_t qty;                   /* Signed, at RISK_AMOUNT_EXP. */
    int64_t ledger_qty, venue_qty; /* As published. */
    uint64_t applied_trade_number;
    int64_t since_ns; /* The same difference to the venue since; 0: none. */
};

/* Of one base, in base units at RISK_AMOUNT_EXP. */
struct risk_exposure {
    int64_t net, gross, spot, derivatives; /* spot and derivatives signed. */
};

struct risk_out {
    void *ctx;
    void (*publish)(void *ctx, struct wire_header *event); /* 6020 */
    /* Writes saved durably. An error: the change still counts here and is published; the shell
     * alarms. */
    int (*save)(void *ctx, const struct risk_saved *saved);
    /* Starts the one-shot that cancels all orders of a dead engine's account. */
    void (*cancel_all)(void *ctx, uint16_t account);
    void (*note)(void *ctx, const char *event, const char *text);
    /* Asks the gateways for a definition; NULL: nobody to ask. */
    void (*need_definition)(void *ctx, uint64_t instrument);
};

struct risk_counters {
    uint64_t commands, commands_refused, commands_repeated, halts, kills, resumes, breaches,
        cancel_alls, save_failed, liquidations, positions_refused, instruments_refused;
};

struct risk_core {
    struct risk_config config;
    struct risk_out out;
    struct risk_saved saved;
    struct risk_engine engines[RISK_ENGINES_MAX];
    struct risk_balance balances[RISK_BALANCES_MAX];
    struct risk_position positions[RISK_POSITIONS_MAX];
    struct risk_instrument instruments[RISK_INSTRUMENTS_MAX];
    uint32_t balance_count, position_count, instrument_count;
    int64_t ask_due_ns; /* For a definition. */
    uint64_t recent_commands[RISK_COMMANDS_KEPT];
    uint32_t recent_next;
    uint64_t last_refused_id;
    wire_reason refused_why;
    int64_t started_ns, positions_heard_ns;
    bool has_pnl, is_marked, is_complete;
    int64_t unmarked_since_ns;
    int64_t gross_exposure, daily_pnl, peak_pnl;
    int64_t peak_day; /* UTC day that peak_pnl belongs to. */
    int64_t wall_ns;  /* As of the last tick. */
    bool is_changed;  /* Since the last save. */
    struct risk_counters counters;
};

/* risk_core_init: saved is what the last run left, NULL where there is none. Fails closed: until
 * position_server has been heard everything is halted, until an engine has been heard its venue is.
 */
void risk_core_init(struct risk_core *core, const struct risk_config *config,
                    const struct risk_out *out, const struct risk_saved *saved, int64_t now_ns,
                    int64_t wall_ns);

/* risk_deltas_parse reads "BTC:2 ETH:40" into out[RISK_DELTA_LIMITS_MAX]. Returns how many, or
 * ERR_RANGE: not such a list. */
int risk_deltas_parse(const char *text, struct risk_delta_limit *out);

/* risk_exposure_of sums what all accounts hold of a base, spot and derivatives. */
void risk_exposure_of(const struct risk_core *core, const char *base, struct risk_exposure *out);

/* risk_core_event takes 6001 (instrument), 6003 (pnl, balance, position), 6018 (engine_status) and
 * 7005 (operator_command). */
void risk_core_event(struct risk_core *core, const struct wire_header *event, int64_t now_ns);
/* risk_core_heard: a heartbeat of that publisher on any stream. */
void risk_core_heard(struct risk_core *core, uint16_t publisher, int64_t now_ns);

/* risk_core_tick, at least every 100 ms: watches, decides, saves, publishes 6020. */
void risk_core_tick(struct risk_core *core, int64_t now_ns, int64_t wall_ns);

/* risk_core_kill is a kill of everything without a command: SIGUSR1. */
void risk_core_kill(struct risk_core *core, wire_reason why, const char *note, int64_t now_ns);

/* risk_core_publish says the state now. */
void risk_core_publish(struct risk_core *core, int64_t now_ns);

#endif
