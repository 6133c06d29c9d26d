#include "trading_engine/order_state.h"

static const wire_order_state states[ORDER_STATE_ROWS] = {
    ORDER_NONE,           ORDER_PENDING_NEW,     ORDER_LIVE,    ORDER_PARTIALLY_FILLED,
    ORDER_PENDING_CANCEL, ORDER_PENDING_REPLACE, ORDER_UNKNOWN, ORDER_FILLED,
    ORDER_CANCELLED,      ORDER_REJECTED,        ORDER_EXPIRED,
};

/* Short words, so that a row stays a line. */
#define TO(state, kind)                                               \
    {                                                                 \
        .next = (state), .publish = (kind), .effects = EFFECT_DEFINED \
    }
#define TO_WITH(state, kind, more)                                             \
    {                                                                          \
        .next = (state), .publish = (kind), .effects = EFFECT_DEFINED | (more) \
    }
#define KNOWN        TO_WITH(NEXT_SAME, 0, EFFECT_DUPLICATE)
#define ODD          TO_WITH(NEXT_SAME, 0, EFFECT_ALARM)
#define ODD_ASK      TO_WITH(NEXT_SAME, 0, EFFECT_ALARM | EFFECT_ASK)
#define ASK          TO_WITH(NEXT_SAME, 0, EFFECT_ASK)
#define QUIET        TO(NEXT_SAME, 0)
#define ZOMBIE(kind) TO_WITH(ORDER_PENDING_CANCEL, kind, EFFECT_CANCEL | EFFECT_ALARM)

/* clang-format off */

/* An order that works at the venue takes the same news with and without fills. */
#define WORKING_ROW {                                                                          \
    [INPUT_SUBMIT]           = KNOWN,                                                          \
    [INPUT_REFUSE]           = ODD,                                                            \
    [INPUT_ACCEPTED]         = KNOWN,     /* Ack after the fill, or a second ack. */           \
    [INPUT_REJECTED]         = ODD_ASK,   /* Contradicts what we saw. */                       \
    [INPUT_FILL]             = TO(ORDER_PARTIALLY_FILLED, ORDER_EVENT_PARTIALLY_FILLED),       \
    [INPUT_FILL_LAST]        = TO(ORDER_FILLED, ORDER_EVENT_FILLED),                           \
    [INPUT_CANCELLED]        = TO(ORDER_CANCELLED, ORDER_EVENT_CANCELLED),                     \
    [INPUT_EXPIRED]          = TO(ORDER_EXPIRED, ORDER_EVENT_EXPIRED),                         \
    [INPUT_CANCEL_SENT]      = TO(ORDER_PENDING_CANCEL, 0),                                    \
    [INPUT_CANCEL_REJECTED]  = KNOWN,                                                          \
    [INPUT_REPLACE_SENT]     = TO(ORDER_PENDING_REPLACE, 0),                                   \
    [INPUT_REPLACED]         = KNOWN,     /* Settled by a query before its answer came. */     \
    [INPUT_REPLACE_REJECTED] = KNOWN,                                                          \
    [INPUT_REPLACE_LOST]     = TO(ORDER_CANCELLED, ORDER_EVENT_CANCELLED),                     \
    [INPUT_UNKNOWN]          = KNOWN,     /* No answer came, but the stream told us. */        \
    [INPUT_CHANGE_UNKNOWN]   = ASK,                                                            \
    [INPUT_NEVER_SENT]       = ODD_ASK,                                                        \
    [INPUT_ABSENT]           = TO_WITH(ORDER_CANCELLED, ORDER_EVENT_CANCELLED, EFFECT_ALARM),  \
    [INPUT_FOUND_LIVE]       = KNOWN,                                                          \
}

/* An order that has ended without being complete. */
#define ENDED_ROW {                                                                            \
    [INPUT_SUBMIT]           = KNOWN,                                                          \
    [INPUT_REFUSE]           = KNOWN,                                                          \
    [INPUT_ACCEPTED]         = KNOWN,     /* Ack overtaken by the end. */                      \
    [INPUT_REJECTED]         = KNOWN,                                                          \
    [INPUT_FILL]             = TO_WITH(NEXT_SAME, ORDER_EVENT_PARTIALLY_FILLED, EFFECT_LATE),  \
    [INPUT_FILL_LAST]        = TO_WITH(ORDER_FILLED, ORDER_EVENT_FILLED, EFFECT_LATE),         \
    [INPUT_CANCELLED]        = KNOWN,                                                          \
    [INPUT_EXPIRED]          = KNOWN,                                                          \
    [INPUT_CANCEL_SENT]      = ODD,                                                            \
    [INPUT_CANCEL_REJECTED]  = KNOWN,                                                          \
    [INPUT_REPLACE_SENT]     = ODD,                                                            \
    [INPUT_REPLACED]         = KNOWN,     /* Its answer was overtaken by the end. */           \
    [INPUT_REPLACE_REJECTED] = KNOWN,                                                          \
    [INPUT_REPLACE_LOST]     = KNOWN,                                                          \
    [INPUT_UNKNOWN]          = KNOWN,                                                          \
    [INPUT_CHANGE_UNKNOWN]   = KNOWN,                                                          \
    [INPUT_NEVER_SENT]       = KNOWN,                                                          \
    [INPUT_ABSENT]           = KNOWN,                                                          \
    [INPUT_FOUND_LIVE]       = ZOMBIE(0),                                                      \
}

static const struct order_step table[ORDER_STATE_ROWS][ORDER_INPUT_COUNT] = {
    /* NONE: not ours yet, or found at the venue though the journal does not have it (adopted). */
    [0] = {
        [INPUT_SUBMIT]           = TO(ORDER_PENDING_NEW, 0),
        [INPUT_REFUSE]           = TO(ORDER_REJECTED, ORDER_EVENT_REJECTED),
        [INPUT_ACCEPTED]         = TO(NEXT_WORKING, ORDER_EVENT_ACCEPTED),
        [INPUT_REJECTED]         = TO(ORDER_REJECTED, ORDER_EVENT_REJECTED),
        [INPUT_FILL]             = TO(ORDER_PARTIALLY_FILLED, ORDER_EVENT_PARTIALLY_FILLED),
        [INPUT_FILL_LAST]        = TO(ORDER_FILLED, ORDER_EVENT_FILLED),
        [INPUT_CANCELLED]        = TO(ORDER_CANCELLED, ORDER_EVENT_CANCELLED),
        [INPUT_EXPIRED]          = TO(ORDER_EXPIRED, ORDER_EVENT_EXPIRED),
        [INPUT_CANCEL_SENT]      = ODD,
        [INPUT_CANCEL_REJECTED]  = ODD,
        [INPUT_REPLACE_SENT]     = ODD,
        [INPUT_REPLACED]         = TO(NEXT_WORKING, ORDER_EVENT_ACCEPTED),
        [INPUT_REPLACE_REJECTED] = ODD,
        [INPUT_REPLACE_LOST]     = TO(ORDER_CANCELLED, ORDER_EVENT_CANCELLED),
        [INPUT_UNKNOWN]          = TO_WITH(ORDER_UNKNOWN, ORDER_EVENT_UNKNOWN, EFFECT_ASK),
        [INPUT_CHANGE_UNKNOWN]   = ODD,
        [INPUT_NEVER_SENT]       = TO(ORDER_REJECTED, ORDER_EVENT_REJECTED),
        [INPUT_ABSENT]           = TO(ORDER_REJECTED, ORDER_EVENT_REJECTED),
        [INPUT_FOUND_LIVE]       = TO(NEXT_WORKING, ORDER_EVENT_ACCEPTED),
    },
    /* PENDING_NEW */
    [1] = {
        [INPUT_SUBMIT]           = KNOWN,
        [INPUT_REFUSE]           = ODD,   /* Refusals come before SUBMIT. */
        [INPUT_ACCEPTED]         = TO(NEXT_WORKING, ORDER_EVENT_ACCEPTED),
        [INPUT_REJECTED]         = TO(ORDER_REJECTED, ORDER_EVENT_REJECTED),
        [INPUT_FILL]             = TO(ORDER_PARTIALLY_FILLED, ORDER_EVENT_PARTIALLY_FILLED),
        [INPUT_FILL_LAST]        = TO(ORDER_FILLED, ORDER_EVENT_FILLED),
        [INPUT_CANCELLED]        = TO(ORDER_CANCELLED, ORDER_EVENT_CANCELLED),
        [INPUT_EXPIRED]          = TO(ORDER_EXPIRED, ORDER_EVENT_EXPIRED),
        [INPUT_CANCEL_SENT]      = TO(ORDER_PENDING_CANCEL, 0),
        [INPUT_CANCEL_REJECTED]  = KNOWN, /* The cancel overtook the order: it is asked again on the ack. */
        [INPUT_REPLACE_SENT]     = ODD,
        [INPUT_REPLACED]         = TO(NEXT_WORKING, ORDER_EVENT_REPLACED),
        [INPUT_REPLACE_REJECTED] = ODD,
        [INPUT_REPLACE_LOST]     = TO(ORDER_CANCELLED, ORDER_EVENT_CANCELLED),
        [INPUT_UNKNOWN]          = TO_WITH(ORDER_UNKNOWN, ORDER_EVENT_UNKNOWN, EFFECT_ASK),
        [INPUT_CHANGE_UNKNOWN]   = ASK,
        [INPUT_NEVER_SENT]       = TO(ORDER_REJECTED, ORDER_EVENT_REJECTED),
        [INPUT_ABSENT]           = ASK,   /* Still under way: not proof. */
        [INPUT_FOUND_LIVE]       = TO(NEXT_WORKING, ORDER_EVENT_ACCEPTED),
    },
    [2] = WORKING_ROW, /* LIVE */
    [3] = WORKING_ROW, /* PARTIALLY_FILLED */
    /* PENDING_CANCEL: the race between cancel and fill is normal here. */
    [4] = {
        [INPUT_SUBMIT]           = KNOWN,
        [INPUT_REFUSE]           = ODD,
        [INPUT_ACCEPTED]         = QUIET, /* Late ack; the cancel is still on its way. */
        [INPUT_REJECTED]         = TO(ORDER_REJECTED, ORDER_EVENT_REJECTED),
        [INPUT_FILL]             = TO(NEXT_SAME, ORDER_EVENT_PARTIALLY_FILLED),
        [INPUT_FILL_LAST]        = TO(ORDER_FILLED, ORDER_EVENT_FILLED),
        [INPUT_CANCELLED]        = TO(ORDER_CANCELLED, ORDER_EVENT_CANCELLED),
        [INPUT_EXPIRED]          = TO(ORDER_EXPIRED, ORDER_EVENT_EXPIRED),
        [INPUT_CANCEL_SENT]      = QUIET, /* Sent again after an unknown outcome. */
        [INPUT_CANCEL_REJECTED]  = TO(NEXT_WORKING, ORDER_EVENT_CANCEL_REJECTED),
        [INPUT_REPLACE_SENT]     = ODD,
        [INPUT_REPLACED]         = QUIET, /* The replace before the cancel took effect. */
        [INPUT_REPLACE_REJECTED] = KNOWN,
        [INPUT_REPLACE_LOST]     = TO(ORDER_CANCELLED, ORDER_EVENT_CANCELLED),
        [INPUT_UNKNOWN]          = TO_WITH(ORDER_UNKNOWN, ORDER_EVENT_UNKNOWN, EFFECT_ASK),
        [INPUT_CHANGE_UNKNOWN]   = ASK,
        [INPUT_NEVER_SENT]       = TO(ORDER_REJECTED, ORDER_EVENT_REJECTED),
        [INPUT_ABSENT]           = TO(ORDER_CANCELLED, ORDER_EVENT_CANCELLED),
        [INPUT_FOUND_LIVE]       = QUIET,
    },
    /* PENDING_REPLACE */
    [5] = {
        [INPUT_SUBMIT]           = KNOWN,
        [INPUT_REFUSE]           = ODD,
        [INPUT_ACCEPTED]         = KNOWN,
        [INPUT_REJECTED]         = ODD_ASK,
        [INPUT_FILL]             = TO(NEXT_SAME, ORDER_EVENT_PARTIALLY_FILLED),
        [INPUT_FILL_LAST]        = TO(ORDER_FILLED, ORDER_EVENT_FILLED),
        [INPUT_CANCELLED]        = TO(ORDER_CANCELLED, ORDER_EVENT_CANCELLED),
        [INPUT_EXPIRED]          = TO(ORDER_EXPIRED, ORDER_EVENT_EXPIRED),
        [INPUT_CANCEL_SENT]      = TO(ORDER_PENDING_CANCEL, 0),
        [INPUT_CANCEL_REJECTED]  = KNOWN,
        [INPUT_REPLACE_SENT]     = KNOWN,
        [INPUT_REPLACED]         = TO(NEXT_WORKING, ORDER_EVENT_REPLACED),
        [INPUT_REPLACE_REJECTED] = TO(NEXT_WORKING, ORDER_EVENT_REPLACE_REJECTED),
        [INPUT_REPLACE_LOST]     = TO(ORDER_CANCELLED, ORDER_EVENT_CANCELLED),
        [INPUT_UNKNOWN]          = KNOWN,
        [INPUT_CHANGE_UNKNOWN]   = ASK,
        [INPUT_NEVER_SENT]       = ODD_ASK,
        [INPUT_ABSENT]           = TO_WITH(ORDER_CANCELLED, ORDER_EVENT_CANCELLED, EFFECT_ALARM),
        [INPUT_FOUND_LIVE]       = KNOWN,
    },
    /* UNKNOWN: never sent again; whatever the venue says settles it. */
    [6] = {
        [INPUT_SUBMIT]           = KNOWN,
        [INPUT_REFUSE]           = ODD,
        [INPUT_ACCEPTED]         = TO(NEXT_WORKING, ORDER_EVENT_ACCEPTED),
        [INPUT_REJECTED]         = TO(ORDER_REJECTED, ORDER_EVENT_REJECTED),
        [INPUT_FILL]             = TO(ORDER_PARTIALLY_FILLED, ORDER_EVENT_PARTIALLY_FILLED),
        [INPUT_FILL_LAST]        = TO(ORDER_FILLED, ORDER_EVENT_FILLED),
        [INPUT_CANCELLED]        = TO(ORDER_CANCELLED, ORDER_EVENT_CANCELLED),
        [INPUT_EXPIRED]          = TO(ORDER_EXPIRED, ORDER_EVENT_EXPIRED),
        [INPUT_CANCEL_SENT]      = QUIET, /* Tried by client id; its existence stays unknown. */
        [INPUT_CANCEL_REJECTED]  = ASK,
        [INPUT_REPLACE_SENT]     = ODD,
        [INPUT_REPLACED]         = TO(NEXT_WORKING, ORDER_EVENT_REPLACED),
        [INPUT_REPLACE_REJECTED] = ASK,
        [INPUT_REPLACE_LOST]     = TO(ORDER_CANCELLED, ORDER_EVENT_CANCELLED),
        [INPUT_UNKNOWN]          = KNOWN,
        [INPUT_CHANGE_UNKNOWN]   = ASK,
        [INPUT_NEVER_SENT]       = TO(ORDER_REJECTED, ORDER_EVENT_REJECTED),
        [INPUT_ABSENT]           = TO(ORDER_REJECTED, ORDER_EVENT_REJECTED),
        [INPUT_FOUND_LIVE]       = TO(NEXT_WORKING, ORDER_EVENT_ACCEPTED),
    },
    /* FILLED: a further execution is an overfill: true all the same. */
    [7] = {
        [INPUT_SUBMIT]           = KNOWN,
        [INPUT_REFUSE]           = KNOWN,
        [INPUT_ACCEPTED]         = KNOWN,
        [INPUT_REJECTED]         = ODD,
        [INPUT_FILL]             = TO_WITH(NEXT_SAME, ORDER_EVENT_FILLED, EFFECT_LATE | EFFECT_ALARM),
        [INPUT_FILL_LAST]        = TO_WITH(NEXT_SAME, ORDER_EVENT_FILLED, EFFECT_LATE | EFFECT_ALARM),
        [INPUT_CANCELLED]        = KNOWN, /* The fill won the race. */
        [INPUT_EXPIRED]          = KNOWN,
        [INPUT_CANCEL_SENT]      = ODD,
        [INPUT_CANCEL_REJECTED]  = KNOWN,
        [INPUT_REPLACE_SENT]     = ODD,
        [INPUT_REPLACED]         = KNOWN, /* The last fill overtook the answer. */
        [INPUT_REPLACE_REJECTED] = KNOWN,
        [INPUT_REPLACE_LOST]     = KNOWN,
        [INPUT_UNKNOWN]          = KNOWN,
        [INPUT_CHANGE_UNKNOWN]   = KNOWN,
        [INPUT_NEVER_SENT]       = ODD,
        [INPUT_ABSENT]           = KNOWN,
        [INPUT_FOUND_LIVE]       = ZOMBIE(0),
    },
    [8] = ENDED_ROW, /* CANCELLED */
    /* REJECTED: if it shows up after all, nobody is waiting for it: cancel. */
    [9] = {
        [INPUT_SUBMIT]           = KNOWN,
        [INPUT_REFUSE]           = KNOWN,
        [INPUT_ACCEPTED]         = ZOMBIE(ORDER_EVENT_ACCEPTED),
        [INPUT_REJECTED]         = KNOWN,
        [INPUT_FILL]             = ZOMBIE(ORDER_EVENT_PARTIALLY_FILLED),
        [INPUT_FILL_LAST]        = TO_WITH(ORDER_FILLED, ORDER_EVENT_FILLED, EFFECT_LATE | EFFECT_ALARM),
        [INPUT_CANCELLED]        = KNOWN,
        [INPUT_EXPIRED]          = KNOWN,
        [INPUT_CANCEL_SENT]      = ODD,
        [INPUT_CANCEL_REJECTED]  = KNOWN,
        [INPUT_REPLACE_SENT]     = ODD,
        [INPUT_REPLACED]         = ODD_ASK,
        [INPUT_REPLACE_REJECTED] = KNOWN,
        [INPUT_REPLACE_LOST]     = KNOWN,
        [INPUT_UNKNOWN]          = KNOWN,
        [INPUT_CHANGE_UNKNOWN]   = KNOWN,
        [INPUT_NEVER_SENT]       = KNOWN,
        [INPUT_ABSENT]           = KNOWN,
        [INPUT_FOUND_LIVE]       = ZOMBIE(ORDER_EVENT_ACCEPTED),
    },
    [10] = ENDED_ROW, /* EXPIRED */
};
/* clang-format on */

int order_state_row(wire_order_state state)
{
    for (int row = 0; row < ORDER_STATE_ROWS; row++)
        if (states[row] == state)
            return row;
    return -1;
}

wire_order_state order_state_of_row(int row)
{
    assert(row >= 0 && row < ORDER_STATE_ROWS);
    return states[row];
}

struct order_step order_step_of(wire_order_state state, enum order_input input)
{
    int row = order_state_row(state);
    assert(row >= 0 && input < ORDER_INPUT_COUNT);
    return table[row][input];
}

const char *order_input_str(enum order_input input)
{
#define ORDER_INPUT_AS_TEXT(name, text) text,
    static const char *const texts[] = { ORDER_INPUTS(ORDER_INPUT_AS_TEXT) };
    return input < ORDER_INPUT_COUNT ? texts[input] : "?";
}
