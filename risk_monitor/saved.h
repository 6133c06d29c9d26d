/* saved.h - the risk state on disk: one small file, replaced whole, checksummed. */
#ifndef TICKPIPE_RISK_MONITOR_SAVED_H
#define TICKPIPE_RISK_MONITOR_SAVED_H

#include "risk_monitor/risk_core.h"

/* saved_read: 0; ERR_NOT_FOUND: no file (a first start); ERR_CHECKSUM, ERR_VERSION, ERR_SYS: there
 * is one that cannot be trusted, and the monitor must not start as if nothing were held. */
int saved_read(const char *path, struct risk_saved *saved);

/* saved_write: new file, fsync, rename, fsync of the folder. 0 or ERR_SYS. */
int saved_write(const char *path, const struct risk_saved *saved);

#endif
