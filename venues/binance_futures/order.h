/* order.h - the state of the order side of futures: spot's (venues/binance/order.h) and what comes
 * with positions and listen keys. Shared by order.c (session and commands), order_requests.c (what
 * is asked), order_answer.c and order_event.c (what comes back), errors.c (what refusals mean). */
#ifndef TICKPIPE_VENUES_BINANCE_FUTURES_ORDER_H
#define TICKPIPE_VENUES_BINANCE_FUTURES_ORDER_H

#include "venues/binance/order.h"
#include "venues/binance/order_view.h"
#include "venues/binance_futures/binance_futures.h"

enum {
    FUTURES_ASSETS_MAX = 16,
    FUTURES_KEY_MAX = 128,
    FUTURES_API = 0,    /* Connection of the WebSocket API. */
    FUTURES_STREAM = 1, /* Connection of the user stream. */
};

/* What is known of an asset: the stream says only what it holds, not what of it is free. */
struct futures_asset {
    char code[16];
    int64_t total, free;
};

struct futures_order {
    struct binance_order base; /* First: the shared code sees this alone. */
    char stream_url[BINANCE_URL_MAX];

    bool is_stream_wanted;                                  /* Somebody keeps the connections. */
    char key[FUTURES_KEY_MAX], opened_key[FUTURES_KEY_MAX]; /* Of what was opened last. */
    int64_t key_ask_ns;  /* Without a key: when to ask (again). */
    int64_t key_keep_ns; /* With one: when to keep it alive (again). */
    int64_t key_dead_ns; /* With one: by then it has expired, if nothing was heard. */
    unsigned key_tries;

    int64_t proof_ns;   /* An order was taken: by then the stream must have told of one. 0: none. */
    int64_t account_ns; /* When to ask for balances, of our own accord; 0: not. */
    int64_t leverage_ns;
    int64_t funding_ns;    /* When to ask for the payment that the stream has told of; 0: not. */
    int64_t funding_since; /* Its time, wall clock. */
    unsigned funding_tries;

    struct futures_asset assets[FUTURES_ASSETS_MAX];
    size_t asset_count;
    uint32_t leverage_ppm[VENUE_SYMBOLS_MAX]; /* As base.symbols; 0: not known. */
};

static inline struct futures_order *futures_of(const struct order_turn *turn)
{
    return (struct futures_order *)turn->order;
}

/* ---- order_requests.c ---- */

extern const struct order_product futures_orders;

/* ---- order.c ---- */

/* futures_key_take: the venue has made or kept a key. futures_key_drop forgets it and opens the
 * stream anew, which asks for another one first. */
void futures_key_take(const struct order_turn *turn, const char *key);
void futures_key_drop(const struct order_turn *turn, wire_reason why);

/* ---- order_answer.c ---- */

int futures_on_answer(const struct order_turn *turn, struct order_pending *pending,
                      const struct scan_value *result);
bool futures_on_refused(const struct order_turn *turn, struct order_pending *pending, int64_t code,
                        const char *text);

/* futures_leverage_slot gives where the leverage of a symbol is kept, or NULL. */
uint32_t *futures_leverage_slot(const struct order_turn *turn, const char *symbol);

/* futures_asset gives what is known of an asset; NULL: the table is full (noted). */
struct futures_asset *futures_asset(const struct order_turn *turn, const char *code);

/* futures_decimal reads a decimal that may have more digits than fit exp: those are cut. 0,
 * ERR_PROTO, ERR_RANGE. */
int futures_decimal(const struct scan_value *value, int exp, int64_t *out);

/* ---- order_event.c ---- */

/* futures_on_event takes an event of the user stream. 0 or ERR_PROTO. */
int futures_on_event(const struct order_turn *turn, const struct scan_value *event);

/* ---- errors.c ---- */

struct order_refusal futures_refusal_of(enum request_kind request, int status, int64_t code,
                                        const char *text);

#endif
