/* order_state.h - the order state machine, as a table.
 *
 * Every (state, input) pair has a row of its own in order_state_core.c: nothing is left to an else
 * branch. The table says what the order becomes, what is published and what else must happen; it
 * touches nothing. */
#ifndef TICKPIPE_TRADING_ENGINE_ORDER_STATE_H
#define TICKPIPE_TRADING_ENGINE_ORDER_STATE_H

#include "common/pure/wire.h"

/* What can happen to an order. */
#define ORDER_INPUTS(X)                                                                          \
    X(INPUT_SUBMIT, "submit")       /* Our intent passed the checks: journalled, about to go. */ \
    X(INPUT_REFUSE, "refuse")       /* Our own checks said no: it never left. */                 \
    X(INPUT_ACCEPTED, "accepted")   /* The venue has it. */                                      \
    X(INPUT_REJECTED, "rejected")   /* The venue does not have it and never had. */              \
    X(INPUT_FILL, "fill")           /* An execution; some quantity is left. */                   \
    X(INPUT_FILL_LAST, "fill_last") /* The execution that completes it. */                       \
    X(INPUT_CANCELLED, "cancelled")                                                              \
    X(INPUT_EXPIRED, "expired")                                                                  \
    X(INPUT_CANCEL_SENT, "cancel_sent")                                                          \
    X(INPUT_CANCEL_REJECTED, "cancel_rejected") /* It stands as it was. */                       \
    X(INPUT_REPLACE_SENT, "replace_sent")                                                        \
    X(INPUT_REPLACED, "replaced")                                                                \
    X(INPUT_REPLACE_REJECTED, "replace_rejected") /* It stands as it was. */                     \
    X(INPUT_REPLACE_LOST, "replace_lost")         /* Cancelled, the new one refused: gone. */    \
    X(INPUT_UNKNOWN, "unknown")                   /* Place was sent; no answer. */               \
    X(INPUT_CHANGE_UNKNOWN, "change_unknown")     /* Cancel or replace was sent; no answer. */   \
    X(INPUT_NEVER_SENT, "never_sent")             /* Place provably never left. */               \
    X(INPUT_ABSENT, "absent")         /* Asked several times over seconds: no such order. */     \
    X(INPUT_FOUND_LIVE, "found_live") /* A list asked for after its end shows it working. */

#define ORDER_INPUT_AS_ENUM(name, text) name,
enum order_input { ORDER_INPUTS(ORDER_INPUT_AS_ENUM) ORDER_INPUT_COUNT };

/* What follows besides the new state. */
enum order_effect {
    EFFECT_DEFINED = 1,   /* Set in every row: the test finds holes by it. */
    EFFECT_DUPLICATE = 2, /* Known already: counted, nothing published. */
    EFFECT_LATE = 4,      /* True, but after the end: published, counted. */
    EFFECT_ASK = 8,       /* Ask the venue for the order's state. */
    EFFECT_CANCEL = 16,   /* Working although we thought it gone: cancel at once. */
    EFFECT_ALARM = 32,    /* Should not happen: counted, said aloud. */
};

/* next: a wire_order_state, or one of these. */
enum {
    NEXT_SAME = 0xff,
    NEXT_WORKING = 0xfe, /* LIVE, PARTIALLY_FILLED or FILLED, as filled_qty says. */
};

struct order_step {
    uint8_t next;
    uint8_t publish; /* wire_order_event_kind, 0: nothing. */
    uint8_t effects;
};

/* Rows of the table: wire_order_state has holes, the table has none. */
enum { ORDER_STATE_ROWS = 11 };
int order_state_row(wire_order_state state); /* 0..10, or -1: not a state. */
wire_order_state order_state_of_row(int row);

/* order_step_of gives the row of the table. state and input must be valid (assert). Hot. */
struct order_step order_step_of(wire_order_state state, enum order_input input);

/* order_is_final: FILLED, CANCELLED, REJECTED, EXPIRED. */
static inline bool order_is_final(wire_order_state state)
{
    return state >= ORDER_FILLED;
}

const char *order_input_str(enum order_input input);

#endif
