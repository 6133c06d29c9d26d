/* ledger_schema.h - the tables of the ledger, and the way from an older version to them. */
#ifndef TICKPIPE_POSITION_SERVER_LEDGER_SCHEMA_H
#define TICKPIPE_POSITION_SERVER_LEDGER_SCHEMA_H

#include "position_server/ledger.h"

#include <sqlite3.h>

enum { LEDGER_VERSION = 3 };

/* ledger_schema makes the tables of an empty file, or moves those of version 2 to 3, in one
 * transaction: a kill in the middle leaves the file as it was. 0; ERR_VERSION (said in the log);
 * ERR_SYS (said). */
int ledger_schema(sqlite3 *db);

#endif
