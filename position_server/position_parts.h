/* position_parts.h - what the files of the position core share among themselves. */
#ifndef TICKPIPE_POSITION_SERVER_POSITION_PARTS_H
#define TICKPIPE_POSITION_SERVER_POSITION_PARTS_H

#include "position_server/position_core.h"

/* apply_core.c */
struct account *position_account(struct position_core *core, uint16_t id); /* NULL: full */
struct balance *position_balance(struct position_core *core, uint16_t account,
                                 const char *asset); /* NULL: full */
void position_apply_trade(struct position_core *core, const struct wire_trade_event *trade,
                          int64_t now_ns);
/* A balance event that says less than one which is here already. */
bool position_balance_is_old(struct position_core *core, const struct wire_account_event *event);
void position_apply_account(struct position_core *core, const struct wire_account_event *event,
                            int64_t now_ns);

/* value_core.c: marks, conversion, and the events of 6003. */
void position_publish_one(struct position_core *core, const struct position *position,
                          int64_t now_ns);
void position_publish_balance(struct position_core *core, struct balance *balance, int64_t now_ns);
void position_publish_pnl(struct position_core *core, int64_t now_ns);
int64_t position_net(const struct position_core *core, const struct position *position,
                     int64_t now_ns, bool *is_marked);

#endif
