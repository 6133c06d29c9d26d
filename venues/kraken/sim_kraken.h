/* sim_kraken.h - the simulator side of Kraken spot: REST and WebSocket v2, from the protocol
 * dossier alone.
 *
 * Shares no encoding or signing code with the client side of this folder. Section numbers in the .c
 * files are those of the dossier. Not offered: level 3, margin, triggered orders, edit_order,
 * WebSocket v1. */
#ifndef TICKPIPE_VENUES_KRAKEN_SIM_KRAKEN_H
#define TICKPIPE_VENUES_KRAKEN_SIM_KRAKEN_H

#include "venue_simulator/sim.h"

#include <cjson/cJSON.h>

enum {
    KRAKEN_DEPTHS = 5,
    KRAKEN_TOKENS = 32,
    KRAKEN_PENDING_TRADES = 256,
    KRAKEN_SHADOW_MAX = 1000,
    KRAKEN_TXID_LEN = 19, /* OXXXXX-XXXXX-XXXXXX */
    KRAKEN_SNAP_TRADES = 50,
};
extern const int kraken_depths[KRAKEN_DEPTHS];

struct kraken_level {
    int64_t price, qty;
};

/* What subscribers of one depth of one book have: differences to it are the next update. */
struct kraken_shadow {
    struct kraken_level bids[KRAKEN_SHADOW_MAX], asks[KRAKEN_SHADOW_MAX];
    uint32_t bid_count, ask_count;
};

struct kraken_trade {
    int64_t price, qty, at_ns;
    uint64_t trade_id;
    wire_side side;
    bool is_market;
};

struct kraken_book {
    struct kraken_shadow *shadows[KRAKEN_DEPTHS]; /* Made when first subscribed to. */
    struct kraken_trade trades[KRAKEN_PENDING_TRADES];
    uint32_t trade_count;
    bool is_changed;
    int64_t bid, bid_qty, ask, ask_qty; /* As the ticker last said. */
};

struct kraken_token {
    char text[64];
    uint32_t account;
    int64_t made_ns;
    bool is_active; /* A private subscription uses it: it does not age. */
};

/* A frame's data waiting to go to an account's private subscribers, who each number it themselves.
 */
struct kraken_private {
    struct kraken_private *next;
    uint32_t account;
    bool is_balance;
    char *data;
};

struct kraken_member {
    uint64_t last_nonce;
    int64_t rest_counter, rest_at_ns; /* Thousandths of a point. */
    int64_t pair_counter[EXCHANGE_INSTRUMENTS_MAX], pair_at_ns[EXCHANGE_INSTRUMENTS_MAX];
    int64_t dead_man_ns; /* Fires then; 0: off. */
    uint32_t bad_signatures;
    int64_t locked_out_until_ns;
};

struct kraken {
    struct sim *sim;
    struct kraken_book books[EXCHANGE_INSTRUMENTS_MAX];
    struct kraken_token tokens[KRAKEN_TOKENS];
    uint32_t token_next;
    struct kraken_member members[EXCHANGE_ACCOUNTS_MAX];
    struct kraken_private *first_private, **last_private;
    uint64_t random;
    bool is_maintenance;
    struct sim_text text; /* For frames and bodies under construction. */
};

/* A connection: listener 0 is public, 1 authenticated. */
struct kraken_ws {
    uint8_t book[EXCHANGE_INSTRUMENTS_MAX]; /* Index of depth + 1; 0: not subscribed. */
    uint8_t trade[EXCHANGE_INSTRUMENTS_MAX];
    uint8_t ticker[EXCHANGE_INSTRUMENTS_MAX]; /* 1: trades, 2: bbo. */
    bool has_instrument, has_executions, has_balances, has_any;
    uint64_t executions_sequence, balances_sequence;
    uint32_t account;
    int64_t last_sent_ns, last_received_ns;
};

/* ---- sim_names.c ---- */
void kraken_altname(const struct exchange_instrument *instrument, char out[40]); /* XBTUSD */
void kraken_rest_key(const struct exchange_instrument *instrument,
                     char out[40]);                /* XXBTZUSD, XBTUSDT */
void kraken_asset(const char *code, char out[24]); /* XXBT */
uint32_t kraken_find_pair(const struct exchange *exchange,
                          const char *name); /* Any of its names. */
void kraken_txid(char letter, uint64_t id, char out[KRAKEN_TXID_LEN + 1]);
uint64_t kraken_txid_read(char letter, const char *text); /* 0: not one. */

/* ---- sim_auth.c (5) ---- */
/* The account behind a signed request, or NULL with *error set. Spends the nonce. */
const struct sim_account *kraken_authenticate(struct kraken *kraken, struct sim_http *request,
                                              const char **error);
void kraken_token_make(struct kraken *kraken, uint32_t account, char out[64]);
/* The account of a token, EXCHANGE_NONE when it is unknown or too old. */
uint32_t kraken_token_account(struct kraken *kraken, const char *token, bool activates);
bool kraken_rest_counter(struct kraken *kraken, uint32_t account,
                         int points); /* false: exceeded. */

/* kraken_time_of reads an RFC 3339 time in UTC. */
bool kraken_time_of(const char *text, int64_t *out);

/* ---- sim_trade.c (6): what REST and WebSocket do alike. NULL or the venue's error text. ---- */
struct kraken_order_request {
    uint32_t account, instrument;
    const char *client_id;
    wire_side side;
    wire_order_type type;
    wire_time_in_force time_in_force;
    bool is_post_only, is_validate;
    int64_t price, qty, quote_qty, expires_ns, deadline_ns;
    int32_t userref;
    enum match_stp stp;
};
const char *kraken_place(struct kraken *kraken, const struct kraken_order_request *request,
                         const struct exchange_order **order);
const char *kraken_amend(struct kraken *kraken, uint32_t account,
                         const struct exchange_order *order, int64_t price, int64_t qty);
const char *kraken_cancel(struct kraken *kraken, uint32_t account,
                          const struct exchange_order *order);
const struct exchange_order *kraken_order_of(struct kraken *kraken, uint32_t account,
                                             const char *txid, const char *client_id);
const char *kraken_status(
    const struct exchange_order *order); /* REST: open, closed, canceled, expired */
const char *kraken_reason(const struct exchange_order *order); /* "" where none. */
/* An ordered fault in place of the action. true: *error says what; *after: the action is carried
 * out first. */
bool kraken_fault(struct kraken *kraken, const char **error, bool *after);

/* ---- sim_public.c (2, 3): book, trade, ticker, instrument ---- */
void kraken_public_event(struct kraken *kraken, const struct exchange_event *event);
void kraken_public_flush(struct kraken *kraken);
bool kraken_public_subscribe(struct kraken *kraken, struct sim_ws *ws, const cJSON *message,
                             bool is_subscribe);
void kraken_status_frame(struct kraken *kraken, struct sim_ws *ws);
void kraken_public_fini(struct kraken *kraken);

/* ---- sim_private.c (8): executions, balances ---- */
void kraken_private_event(struct kraken *kraken, const struct exchange_event *event);
void kraken_private_flush(struct kraken *kraken);
bool kraken_private_subscribe(struct kraken *kraken, struct sim_ws *ws, const cJSON *message,
                              bool is_subscribe);

/* ---- sim_ws.c, sim_rest.c ---- */
void kraken_ws_frame(struct sim *sim, struct sim_ws *ws, const char *frame, size_t len);
void kraken_http(struct sim *sim, struct sim_http *request);
void kraken_send(struct sim_ws *ws, enum sim_what what, const struct sim_text *text);
/* Ends a reply frame: ,"req_id":N,"time_in":..,"time_out":..} */
void kraken_ws_tail(struct kraken *kraken, struct sim_text *out, const cJSON *message);

#endif
