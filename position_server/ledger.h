/* ledger.h - the durable side of position_server: one SQLite file (WAL, synchronous FULL).
 *
 * Records are written inside a transaction that the shell commits every few milliseconds; only then
 * do they count as applied for the engines, so a kill at any moment loses nothing: what was not
 * committed is sent again. Others may read the file while it is written; a second position_server
 * is kept out by the lock of its endpoint. The tables are made to be read by people: trades,
 * repeated, account_events, venue_positions, instruments, day (docs/ledger.md). */
#ifndef TICKPIPE_POSITION_SERVER_LEDGER_H
#define TICKPIPE_POSITION_SERVER_LEDGER_H

#include "position_server/position_core.h"

struct ledger;

/* ledger_open makes or opens path; a file of the version before is brought to the present one, in
 * one transaction. ERR_SYS (said in the log), ERR_VERSION: written by a newer tickpipe, or by one
 * too old, ERR_LOCKED: another process has it. */
int ledger_open(struct ledger **ledger, const char *path);
void ledger_close(struct ledger **ledger); /* Commits first. NULL is fine. */

/* ledger_load feeds everything to the core: definitions, records in their order, the day. */
int ledger_load(struct ledger *ledger, struct position_core *core);

/* Each opens a transaction where none is open. 0 or ERR_SYS; of a trade also ERR_EXISTS: an
 * execution of the same identity is there under another number; this one is kept beside it. */
int ledger_store_trade(struct ledger *ledger, const struct wire_trade_event *trade);
int ledger_store_account(struct ledger *ledger, const struct wire_account_event *event);
int ledger_store_position(struct ledger *ledger, const struct wire_account_position *position);
int ledger_store_definition(struct ledger *ledger, const struct wire_instrument *definition);
int ledger_store_day(struct ledger *ledger, const struct position_core *core);

/* ledger_pending counts records since the last commit. ledger_commit makes them durable. */
unsigned ledger_pending(const struct ledger *ledger);
int ledger_commit(struct ledger *ledger);

#endif
