/* risk_parts.h - what the files of the monitor's core share among themselves. */
#ifndef TICKPIPE_RISK_MONITOR_RISK_PARTS_H
#define TICKPIPE_RISK_MONITOR_RISK_PARTS_H

#include "risk_monitor/risk_core.h"

/* exposure_core.c */
void risk_exposure_definition(struct risk_core *core, const struct wire_instrument *event);
/* true: what is held has changed. */
bool risk_exposure_position(struct risk_core *core, const struct wire_position *event,
                            int64_t now_ns);
/* A position of the account has differed from the venue's for reconciliation_ns. */
bool risk_exposure_differs(const struct risk_core *core, uint16_t account, int64_t now_ns);
/* The limit of net delta that is breached now, or NULL. */
const struct risk_delta_limit *risk_exposure_breach(const struct risk_core *core);

#endif
