/* bus_keys.h - CURVE certificates of the bus: their names, and how `tickpipe keys` makes them.
 *
 *   KEYS/NAME.cert_secret        0600, in a directory 0700: who a process is
 *   KEYS/public/NAME.cert        what everybody else needs to know of it
 *
 * NAME is the role (risk_monitor), for a per-venue role with its instance in lower case
 * (trading_engine_binance). */
#ifndef TICKPIPE_COMMON_EDGE_BUS_KEYS_H
#define TICKPIPE_COMMON_EDGE_BUS_KEYS_H

#include "common/leaf/base.h"
#include "common/pure/topology.h"

enum { BUS_KEYS_NAME_MAX = 96 };

/* bus_keys_name writes a certificate's name. venue is NULL (or ignored) for a role of which there
 * is one process. Returns 0, or ERR_RANGE: no such role, venue missing or with characters that no
 * file name of ours has. */
int bus_keys_name(enum role role, const char *venue, char out[BUS_KEYS_NAME_MAX]);

/* bus_keys_make makes keys_dir and a pair of files for each name that has none yet; existing ones
 * stay as they are. Returns 0, ERR_SYS, or ERR_CONFIG (a directory that others can read). */
int bus_keys_make(const char *keys_dir, const char *const *names, size_t count);

#endif
