/* sim_coinbase.h - the simulator side of Coinbase Exchange: REST and the WebSocket feed, from the
 * protocol dossier alone.
 *
 * Shares no encoding or signing code with the client side of this folder. Section numbers in the .c
 * files are those of the dossier. Not offered: channels full, level3, balance, auctionfeed and
 * rfq_matches, stop orders, candles, transfers, FIX. */
#ifndef TICKPIPE_VENUES_COINBASE_SIM_COINBASE_H
#define TICKPIPE_VENUES_COINBASE_SIM_COINBASE_H

#include "venue_simulator/sim.h"

#include <cjson/cJSON.h>

enum {
    CBSIM_UUID = 36,
    CBSIM_REFUSED_MAX = 256,
    CBSIM_CHANGED_MAX = 1024,
    CBSIM_TRADES_KEPT = 1000, /* Per product, for /trades and the hole that a client fills. */
    CBSIM_PRIVATE_RATE = 15,
    CBSIM_PRIVATE_BURST = 30,
    CBSIM_FILLS_RATE = 10,
    CBSIM_FILLS_BURST = 20,
    CBSIM_PUBLIC_RATE = 10,
    CBSIM_PUBLIC_BURST = 15,
};

/* What an order's tag says besides what the exchange knows. */
enum { CBSIM_STP_DC, CBSIM_STP_CO, CBSIM_STP_CN, CBSIM_STP_CB };

/* 9: bucket starts full; a request takes one whole token or is refused. */
struct cbsim_bucket {
    double tokens;
    int64_t at_ns;
    bool is_begun;
};

struct cbsim_change {
    wire_side side;
    int64_t price, qty;
};

/* Level changes on their way to the subscribers of one channel. */
struct cbsim_changes {
    struct cbsim_change *at;
    uint32_t count, cap;
};

struct cbsim_trade {
    uint64_t trade_id, sequence, maker_order, taker_order;
    int64_t price, qty, at_ns;
    wire_side maker_side;
    int64_t bid, bid_qty, ask, ask_qty; /* After it. */
};

struct cbsim_product {
    uint64_t sequence; /* Of all events of the product (2.8). */
    struct cbsim_changes level2, batch;
    struct cbsim_trade trades[CBSIM_TRADES_KEPT]; /* A ring. */
    uint64_t trade_count;
    uint64_t told;             /* Of trade_count: sent on matches and ticker. */
    wire_trading_state status; /* As channel status last said. */
};

/* An order that was taken by the gateway and refused behind it: it can be asked for (6.1, 6.3). */
struct cbsim_refused {
    uint64_t id; /* 0: free. */
    uint32_t account, instrument;
    char client_oid[40], reason[64];
    wire_side side;
    int64_t price, qty, at_ns;
    bool is_post_only;
};

/* By how much self-trade prevention made an order smaller that lives on (6.8). */
struct cbsim_changed {
    uint64_t order;
    int64_t qty;
};

/* A message of the user channel, waiting. */
struct cbsim_private {
    struct cbsim_private *next;
    uint32_t account, instrument;
    char *text;
    size_t len;
};

struct coinbase_sim {
    struct sim *sim;
    struct cbsim_product products[EXCHANGE_INSTRUMENTS_MAX];
    struct cbsim_bucket public_bucket;
    struct cbsim_bucket private_bucket[EXCHANGE_ACCOUNTS_MAX], fills_bucket[EXCHANGE_ACCOUNTS_MAX];
    struct cbsim_refused refused[CBSIM_REFUSED_MAX];
    uint32_t refused_next;
    struct cbsim_changed changed[CBSIM_CHANGED_MAX]; /* By order id; the last one holds. */
    struct cbsim_private *first_private, **last_private;
    int64_t batch_ns, status_ns;
    uint64_t random;
    bool is_maintenance;
};

enum cbsim_channel {
    CBSIM_HEARTBEAT,
    CBSIM_TICKER,
    CBSIM_MATCHES,
    CBSIM_LEVEL2,
    CBSIM_BATCH,
    CBSIM_USER,
    CBSIM_CHANNELS, /* Those with products. */
    CBSIM_STATUS = CBSIM_CHANNELS,
};

struct cbsim_ws {
    uint8_t has[CBSIM_CHANNELS][EXCHANGE_INSTRUMENTS_MAX];
    bool has_status, has_spoken;
    uint32_t account; /* EXCHANGE_NONE: nobody has signed. */
    int64_t heartbeat_ns;
};

/* ---- sim_ids.c ---- */

/* Order, account and user ids. kind keeps those of different things apart. */
void cbsim_uuid(char kind, uint64_t id, char out[CBSIM_UUID + 1]);
uint64_t cbsim_uuid_read(char kind, const char *text); /* With or without hyphens; 0: not one. */
bool cbsim_is_client_oid(const char *text);            /* 6.2 */

void cbsim_time(int64_t at_ns, char out[40]);         /* Microseconds. */
bool cbsim_time_read(const char *text, int64_t *out); /* Any number of digits. */
void cbsim_decimal(struct sim_text *out, const char *name, int64_t value, int decimals);
uint32_t cbsim_product_find(const struct sim *sim, const char *id); /* EXCHANGE_NONE */

/* ---- sim_auth.c (5, 9) ---- */

/* The account behind a signed request, or NULL with status and error set. */
const struct sim_account *cbsim_authenticate(struct coinbase_sim *cb, struct sim_http *request,
                                             int *status, const char **error);

/* The account behind signature, key, passphrase and timestamp of a subscribe, or NULL with *error.
 */
const struct sim_account *cbsim_authenticate_ws(struct coinbase_sim *cb, const cJSON *message,
                                                const char **error);

bool cbsim_bucket_take(const struct sim *sim, struct cbsim_bucket *bucket, int rate, int burst);

/* ---- sim_rest.c (2.11, 4), sim_orders.c (6), sim_account.c (7) ---- */

struct cbsim_call {
    struct coinbase_sim *cb;
    struct sim_http *request;
    uint32_t account;
    struct sim_text out;
    char headers[256]; /* "" none. */
    int status;        /* 200 unless set. */
    char error[128];   /* With another status. */
};

void cbsim_http(struct sim *sim, struct sim_http *request);

/* Fails a call; returns false, so that it can be returned. */
bool cbsim_fail(struct cbsim_call *call, int status, const char *format, ...) PRINTF_LIKE(3, 4);
bool cbsim_parameter(const struct cbsim_call *call, const char *name, char *out, size_t cap);
void cbsim_product_text(const struct coinbase_sim *cb, uint32_t at, bool is_status,
                        struct sim_text *out);

bool cbsim_place(struct cbsim_call *call);
bool cbsim_order_get(struct cbsim_call *call, const char *id);
bool cbsim_order_list(struct cbsim_call *call);
bool cbsim_order_cancel(struct cbsim_call *call, const char *id);
bool cbsim_cancel_all(struct cbsim_call *call);
bool cbsim_accounts(struct cbsim_call *call);
bool cbsim_fills(struct cbsim_call *call);
bool cbsim_fees(struct cbsim_call *call);

/* ---- sim_feed.c (2) ---- */

void cbsim_feed_event(struct coinbase_sim *cb, const struct exchange_event *event);
void cbsim_feed_tick(struct coinbase_sim *cb);
void cbsim_feed_fini(struct coinbase_sim *cb);
void cbsim_ws_frame(struct sim *sim, struct sim_ws *ws, const char *frame, size_t len);
void cbsim_error(struct sim_ws *ws, const char *message, const char *reason);

/* ---- sim_user.c (8) ---- */

void cbsim_user_event(struct coinbase_sim *cb, const struct exchange_event *event);
/* An order has come to rest: told after its trades. */
void cbsim_user_open(struct coinbase_sim *cb, const struct exchange_order *order);
void cbsim_user_flush(struct coinbase_sim *cb);

#endif
