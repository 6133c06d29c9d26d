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
/* position_find gives a row, or NULL; position_make makes it with these exponents where there is
 * none. NULL: full. */
struct position *position_find(struct position_core *core, uint16_t account, uint16_t strategy,
                               uint64_t instrument);
struct position *position_make(struct position_core *core, uint16_t account, uint16_t strategy,
                               uint64_t instrument, int price_exp, int qty_exp);
/* position_has_opening: the position of such an event was taken over already. */
bool position_has_opening(struct position_core *core, const struct wire_account_event *event);
/* position_state takes the venue's word on a position. */
void position_state(struct position_core *core, const struct wire_account_position *event,
                    int64_t now_ns);
/* position_compare says when venue and ledger differ at a settled moment, and when they agree
 * again. */
void position_compare(struct position_core *core, struct position *position, int64_t now_ns);

/* value_core.c: marks, conversion, and the events of 6003. */
void position_publish_one(struct position_core *core, const struct position *position,
                          int64_t now_ns);
void position_publish_balance(struct position_core *core, struct balance *balance, int64_t now_ns);
void position_publish_pnl(struct position_core *core, int64_t now_ns);
int64_t position_net(const struct position_core *core, const struct position *position,
                     int64_t now_ns, bool *is_marked);

#endif
