/* records.h - what the journal holds. Fixed layout, little endian, no implicit padding; receive by
 * copy.
 *
 * A changed layout is a new JOURNAL_VERSION (journal.h). Types below 64 are the core's, above are
 * the shell's. */
#ifndef TICKPIPE_TRADING_ENGINE_RECORDS_H
#define TICKPIPE_TRADING_ENGINE_RECORDS_H

#include "common/pure/wire.h"

enum record_type {
    RECORD_SESSION = 1,      /* struct session_record */
    RECORD_ORDER = 2,        /* struct order_record: the order's whole state; the last one holds */
    RECORD_TRADE = 3,        /* struct wire_trade_event: an execution, before it is published */
    RECORD_ACCOUNT = 4,      /* struct wire_account_event, before it is published */
    RECORD_KILL = 5,         /* struct kill_record */
    RECORD_APPLIED = 6,      /* struct applied_record */
    RECORD_MARK = 7,         /* struct mark_record: executions are known up to here */
    RECORD_NUMBERS = 8,      /* struct numbers_record */
    RECORD_POSITION = 9,     /* struct position_record, in checkpoints, and where one was found */
    RECORD_LIQUIDATION = 10, /* struct liquidation_record */
    RECORD_NONCE = 64,       /* struct nonce_record: no nonce at or below it is ever used again */
};

struct session_record {
    uint64_t epoch, boot_id;
    int64_t wall_ns, now_ns;
    int64_t
        born_wall_ns; /* When the journal began: executions before it are not ours to publish. */
    uint32_t session_count;
    uint16_t account;
    uint8_t is_dry_run;
    uint8_t reserved;
};
static_assert(sizeof(struct session_record) == 48, "session_record: size");

enum order_flag {
    ORDER_POST_ONLY = 1,
    ORDER_REDUCE_ONLY = 2,
    ORDER_HEDGE = 4,
    ORDER_FOREIGN = 8,
    ORDER_ADOPTED = 16, /* Ours by its client id, but the journal did not have it. */
    ORDER_CANCEL_WANTED = 32,
    ORDER_REPLACE_NEW = 64,     /* Cancelled in order to be placed anew, as pending_* say. */
    ORDER_TOMBSTONE = 128,      /* Cancelled before its intent arrived. */
    ORDER_REPLACE_PLACED = 256, /* The new order of a REPLACE_NEW may have reached the venue. */
    ORDER_INQUIRY = 512,        /* Found by exchange id only: asked whose it is. */
};

struct order_record {
    uint64_t order_id; /* 0: foreign */
    uint64_t group_id;
    uint64_t written_epoch;
    uint64_t instrument;
    int64_t price, qty;
    int64_t filled_qty;      /* Over all revisions. */
    int64_t filled_notional; /* At ENGINE_AMOUNT_EXP. */
    int64_t base_filled;     /* Of revisions before the one that the venue has now. */
    int64_t venue_cum;       /* Highest executed total that the venue stated, all revisions. */
    int64_t pending_price, pending_qty;
    int64_t deadline_ns;
    int64_t created_wall_ns, changed_wall_ns;
    int64_t exchange_ns;
    uint64_t last_trade_number;
    char exchange_order_id[72];
    char client_order_id[40];
    char symbol[32];
    char text[64];
    uint32_t flags;
    uint16_t owner, strategy;
    uint16_t revision; /* Told to the runner. */
    uint16_t pending_revision;
    uint16_t venue_revision; /* In the client id of the order that the venue has now. */
    uint16_t why;
    uint8_t state, side, order_type, time_in_force;
    int8_t price_exp, qty_exp;
    uint8_t awaited_final; /* The venue ended it so, but executions are still missing here. */
    uint8_t instrument_kind;
    uint16_t awaited_why;
    uint16_t reserved2;
    uint32_t reserved3;
};
static_assert(sizeof(struct order_record) == 376, "order_record: size");

struct kill_record {
    int64_t wall_ns;
    uint64_t risk_version, last_command_id;
    uint8_t is_killed, is_everything;
    uint16_t why;
    uint32_t reserved;
};
static_assert(sizeof(struct kill_record) == 32, "kill_record: size");

struct applied_record {
    uint64_t trade_number, event_number;
};

struct mark_record {
    int64_t wall_ns;
};

struct numbers_record {
    uint64_t last_trade_number, last_event_number;
};

struct position_record {
    uint64_t instrument;
    int64_t qty;
    uint64_t cost_low; /* Of struct holding, two's complement. */
    int64_t cost_high;
    uint64_t last_trade_number; /* In qty. */
    int8_t price_exp, qty_exp;
    uint8_t reserved[6];
};
static_assert(sizeof(struct position_record) == 48, "position_record: size");

struct liquidation_record {
    uint64_t instrument;
    int64_t wall_ns;
    uint64_t command_id; /* The operator's last command at that time. */
    uint8_t is_stopped;
    uint8_t is_command_known;
    uint8_t reserved[6];
};
static_assert(sizeof(struct liquidation_record) == 32, "liquidation_record: size");

struct nonce_record {
    uint64_t high_water;
};

#endif
