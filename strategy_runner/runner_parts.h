/* runner_parts.h - what the files of the runner's core share among themselves. */
#ifndef TICKPIPE_STRATEGY_RUNNER_RUNNER_PARTS_H
#define TICKPIPE_STRATEGY_RUNNER_RUNNER_PARTS_H

#include "strategy_runner/runner_core.h"

/* gate_core.c */
void runner_gate_fill(struct runner_core *core, const struct runner_order *order, int64_t fill_qty);
void runner_gate_position(struct runner_core *core, const struct wire_position *event,
                          bool is_quiet);
void runner_gate_balance(struct runner_core *core, const struct wire_balance *event);
bool runner_gate_engine(struct runner_core *core, const struct wire_engine_status *event,
                        int64_t now_ns);
void runner_gate_engine_heard(struct runner_core *core, uint16_t account, int64_t now_ns);
uint64_t runner_gate_epoch(const struct runner_core *core, uint16_t account);

/* intents_core.c: orders from this side of the bus. */
void runner_orders_tick(struct runner_core *core, int64_t now_ns);
void runner_orders_event(struct runner_core *core, const struct wire_order_event *event,
                         int64_t now_ns);
void runner_orders_status(struct runner_core *core, const struct wire_order_status *event,
                          int64_t now_ns);
/* After an engine's restart: every order there is asked for. */
void runner_orders_ask_all(struct runner_core *core, uint16_t account, int64_t now_ns);
/* Asks an engine to cancel whatever earlier sessions of the strategy left there. */
void runner_orders_sweep(struct runner_core *core, uint16_t account, uint16_t strategy,
                         int64_t now_ns);
/* Notional of what works, in quote at RUNNER_AMOUNT_EXP. */
int64_t runner_orders_notional(const struct runner_core *core, uint16_t strategy);
bool runner_orders_working(const struct runner_core *core, uint16_t account, uint16_t strategy,
                           uint64_t instrument);

#endif
