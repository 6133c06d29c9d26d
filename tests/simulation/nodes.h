/* nodes.h - what the shells of the roles share: each is the calls of its role's main.c around the
 * same core. */
#ifndef TICKPIPE_TESTS_SIMULATION_NODES_H
#define TICKPIPE_TESTS_SIMULATION_NODES_H

#include "tests/simulation/world.h"

enum { BOOK_LEVELS = 512 };

#define WHOLE(n) ((int64_t)(n)*EXCHANGE_ONE)

/* ---- log.c ---- */
void log_append(struct log *log, uint16_t type, const void *record, size_t size);
/* log_each calls take for each record of the first bytes; a torn one at the end is left out. */
void log_each(const struct log *log, size_t bytes, void *ctx,
              void (*take)(void *ctx, uint16_t type, const void *record, size_t size));

/* ---- nodes.c ---- */
void node_note(struct node *node, const char *event, const char *text);
void node_begin(struct world *world, struct node *node, enum role role, uint16_t instance,
                const char *name, const struct node_ops *ops, void *state);

/* ---- node_*.c ---- */
void node_engine_init(struct world *world, unsigned venue);
extern const struct node_ops position_ops, runner_ops, risk_ops, signal_ops, gateway_ops;

#endif
