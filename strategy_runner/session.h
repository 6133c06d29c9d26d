/* session.h - the session number inside every order id, persisted before its first use. */
#ifndef TICKPIPE_STRATEGY_RUNNER_SESSION_H
#define TICKPIPE_STRATEGY_RUNNER_SESSION_H

#include "common/leaf/base.h"

/* session_next reads the number in path, writes the next one durably (new file, fsync, rename,
 * fsync of the folder) and gives it. 1..1048575, then from 1 again. A file that cannot be read as a
 * number is refused: guessing could repeat an order id. Returns 0, ERR_SYS, ERR_PROTO. */
int session_next(const char *path, uint32_t *session);

#endif
