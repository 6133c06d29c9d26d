/* sim_okx.h - the simulator side of OKX v5, spot and linear swaps: REST and the public and private
 * WebSocket, from the protocol dossier alone.
 *
 * Shares no encoding or signing code with the client side of this folder. Section numbers in the .c
 * files are those of the dossier. Sizes of swaps are contracts here and base units in the exchange.
 * Not offered: candles, algo orders, spreads, options, the business path's data, SBE, sub-accounts,
 * margin trading of spot. */
#ifndef TICKPIPE_VENUES_OKX_SIM_OKX_H
#define TICKPIPE_VENUES_OKX_SIM_OKX_H

#include "venue_simulator/margin.h"
#include "venue_simulator/sim.h"

#include <cjson/cJSON.h>

enum {
    OSIM_LEVELS = 400,
    OSIM_TRADES = 256,
    OSIM_PHANTOMS = 256, /* Orders taken and cancelled at once, which the exchange refused. */
    OSIM_BATCH = 20,
    OSIM_ARG = 256,
};

struct osim_level {
    int64_t price, qty;
    uint32_t orders;
};

/* What subscribers of a book have: differences to it are the next update (2.3, 3.1). */
struct osim_shadow {
    struct osim_level bids[OSIM_LEVELS], asks[OSIM_LEVELS];
    uint32_t bid_count, ask_count;
    int64_t sequence;
    int64_t sent_ns;
    bool is_reset; /* The next update goes back to a smaller number. */
};

struct osim_trade {
    int64_t price, qty, at_ns;
    uint64_t last_id, taker;
    uint32_t count;
    wire_side side;
};

struct osim_market {
    struct osim_shadow *shadow; /* Made when first subscribed to. */
    struct osim_trade trades[OSIM_TRADES];
    uint32_t trade_count;
    bool is_changed, is_top_changed, is_marked;
    int64_t mark_sent, index_sent, funding_sent_ns;
    struct osim_level bid, ask; /* As the quote last said. */
};

/* Requests counted over a window (9). */
struct osim_window {
    int64_t began_ns;
    uint32_t count;
};

enum osim_pool {
    POOL_PLACE,
    POOL_PLACE_BATCH,
    POOL_CANCEL,
    POOL_CANCEL_BATCH,
    POOL_AMEND,
    POOL_AMEND_BATCH,
    POOL_COUNT,
};

struct osim_member {
    struct osim_window pools[POOL_COUNT][EXCHANGE_INSTRUMENTS_MAX];
    struct osim_window orders; /* New and amended orders in swaps: 1,000 in two seconds. */
    struct osim_window endpoints[64];
    int64_t caa_ns; /* Cancel all after: fires then; 0: off. */
    bool is_account_changed, has_position_changed[EXCHANGE_INSTRUMENTS_MAX];
    bool is_asset_changed[EXCHANGE_ASSETS_MAX];
};

enum osim_channel { PUSH_ORDERS, PUSH_ACCOUNT, PUSH_POSITIONS, PUSH_BALANCE_AND_POSITION };

/* A push that waits for the end of the turn. */
struct osim_push {
    struct osim_push *next;
    uint32_t account;
    wire_instrument_kind kind; /* Of orders: what subscriptions by product want. */
    enum osim_channel channel;
    char *data;
    int64_t at_ns; /* Not before. */
};

struct osim {
    struct sim *sim;
    struct osim_market markets[EXCHANGE_INSTRUMENTS_MAX];
    struct osim_member members[EXCHANGE_ACCOUNTS_MAX];
    struct osim_window public_endpoints[64];
    struct exchange_order phantoms[OSIM_PHANTOMS];
    uint32_t phantom_count;
    struct osim_push *first_push, **last_push;
    uint64_t random;
    bool is_maintenance;
    const char *request_id; /* reqId of the amendment under way; NULL: none. */
    int64_t next_100ms_ns, next_5s_ns;
};

enum osim_path { PATH_PUBLIC, PATH_PRIVATE, PATH_BUSINESS, PATH_UNKNOWN };

/* A connection. */
struct osim_ws {
    enum osim_path path;
    uint32_t account; /* EXCHANGE_NONE: not logged in. */
    uint8_t books[EXCHANGE_INSTRUMENTS_MAX], books5[EXCHANGE_INSTRUMENTS_MAX];
    uint8_t bbo[EXCHANGE_INSTRUMENTS_MAX], trades[EXCHANGE_INSTRUMENTS_MAX];
    uint8_t tickers[EXCHANGE_INSTRUMENTS_MAX], funding[EXCHANGE_INSTRUMENTS_MAX];
    uint8_t mark[EXCHANGE_INSTRUMENTS_MAX], index[EXCHANGE_INSTRUMENTS_MAX];
    bool has_status, has_liquidations, has_instruments[2];             /* spot, swap */
    char orders[OSIM_ARG], account_arg[OSIM_ARG], positions[OSIM_ARG]; /* Args as asked; "": no. */
    char balance_and_position[OSIM_ARG];
    bool has_account_events_only;
    uint32_t subscriptions;
    struct osim_window operations;
    int64_t last_sent_ns;
    int64_t closes_at_ns; /* After a notice; 0: not. */
};

/* ---- sim_text.c: numbers as the venue writes them ---- */

void osim_number(struct sim_text *out, int64_t value); /* "0.5", no trailing zeros, unquoted */
/* Appends ,"name":"value"; osim_pair_text escapes. */
void osim_pair(struct sim_text *out, const char *name, int64_t value);
void osim_pair_text(struct sim_text *out, const char *name, const char *value);
void osim_pair_ms(struct sim_text *out, const char *name, int64_t at_ns); /* 0: "" */
/* Base units in the venue's size, and back (false: not whole). */
int64_t osim_size(const struct exchange_instrument *instrument, int64_t qty);
bool osim_qty(const struct exchange_instrument *instrument, const char *text, int64_t *out);
bool osim_is_swap(const struct exchange_instrument *instrument);
uint32_t osim_find(const struct osim *osim, const char *inst_id);
uint32_t osim_find_code(const struct osim *osim, int64_t code);
int64_t osim_code(uint32_t instrument);
void osim_order_id(uint64_t id, char out[24]);
uint64_t osim_order_id_read(const char *text); /* 0: not one. */
void osim_index_name(const struct exchange_instrument *instrument, char out[40]);
const char *osim_string(const cJSON *object, const char *name); /* NULL: no such text. */

/* ---- sim_auth.c (5) ---- */

/* The account of a signed REST request; NULL: *code and *message say why. */
const struct sim_account *osim_authenticate(struct osim *osim, struct sim_http *request, int *code,
                                            const char **message);
/* The account of a login; NULL: *code and *message. */
const struct sim_account *osim_login(struct osim *osim, const cJSON *arg, int *code,
                                     const char **message);
/* osim_window counts one and says whether it is within limit in length_ns. */
bool osim_window_take(const struct osim *osim, struct osim_window *window, uint32_t limit,
                      int64_t length_ns);

/* ---- sim_trade.c (6): what REST and WebSocket do alike ---- */

enum osim_action { ACTION_PLACE, ACTION_CANCEL, ACTION_AMEND };

/* One order of a request. Appends the element of "data"; gives its sCode (0: done). is_ws: the
 * instrument is named by code. */
int osim_act(struct osim *osim, uint32_t account, enum osim_action action, const cJSON *arg,
             bool is_ws, bool is_batch, struct sim_text *out);
/* An ordered fault in place of the whole request: its code, 0: none. *status: of HTTP; *is_after:
 * the action is carried out first. */
int osim_fault(struct osim *osim, int *status, bool *is_after, const char **message);
/* The order that a request names, of that account, or NULL; phantoms included. */
const struct exchange_order *osim_order_of(struct osim *osim, uint32_t account, uint32_t instrument,
                                           const char *order_id, const char *client_id);
const char *osim_state(const struct exchange_order *order);

/* ---- sim_private.c (8) ---- */

void osim_private_event(struct osim *osim, const struct exchange_event *event);
void osim_private_flush(struct osim *osim);
void osim_private_fini(struct osim *osim);
void osim_private_snapshot(struct osim *osim, struct sim_ws *ws, const char *channel);
void osim_private_regular(struct osim *osim); /* Every five seconds. */
/* What a phantom's life was, told like any order's. */
void osim_phantom_push(struct osim *osim, const struct exchange_order *order);

/* An order's row as REST has it, without braces around. */
void osim_order_row(struct osim *osim, const struct exchange_order *order, struct sim_text *out);

/* ---- sim_account.c (7): rows of balances and positions; only: these assets, NULL: all ---- */

void osim_balance_details(struct osim *osim, uint32_t account, const bool *only,
                          struct sim_text *out);
void osim_balance_row(struct osim *osim, uint32_t account, const bool *only, struct sim_text *out);
void osim_position_row(struct osim *osim, uint32_t account, uint32_t instrument,
                       struct sim_text *out);

/* ---- sim_book.c (2.3, 3) ---- */

/* osim_shadow_of gives what subscribers have; made when first asked for. osim_book_flush sends them
 * what has changed since. */
struct osim_shadow *osim_shadow_of(struct osim *osim, uint32_t at);
void osim_book_flush(struct osim *osim, uint32_t at);
void osim_book_snapshot(struct osim *osim, struct sim_ws *ws, uint32_t at);
uint32_t osim_take_top(const struct match_side *side, uint32_t depth, struct osim_level *out);
void osim_add_side(const struct exchange_instrument *instrument, const struct osim_level *levels,
                   uint32_t count, struct sim_text *out);
void osim_book_row(struct osim *osim, uint32_t at, uint32_t depth, bool has_sequence,
                   struct sim_text *out);

/* ---- sim_public.c, sim_subscribe.c (2) ---- */

void osim_public_event(struct osim *osim, const struct exchange_event *event);
void osim_public_flush(struct osim *osim); /* Every tick. */
void osim_public_fini(struct osim *osim);
/* Subscribes or unsubscribes one arg. 0, or the venue's code. */
int osim_public_subscribe(struct osim *osim, struct sim_ws *ws, const cJSON *arg, const char *text,
                          bool is_subscribe, const char *ack);
void osim_instrument_row(const struct osim *osim, uint32_t at, struct sim_text *out);
void osim_ticker_row(const struct osim *osim, uint32_t at, struct sim_text *out);
void osim_funding_row(const struct osim *osim, uint32_t at, struct sim_text *out);
/* osim_take_quote looks at the top: whether it is another than before. */
bool osim_take_quote(struct osim *osim, uint32_t at);
void osim_quote_row(const struct osim *osim, uint32_t at, struct sim_text *out);
void osim_status_row(const struct osim *osim, struct sim_text *out);
void osim_status_push(struct osim *osim);

/* ---- sim_ws.c, sim_rest.c ---- */

void osim_ws_opened(struct sim *sim, struct sim_ws *ws);
void osim_ws_frame(struct sim *sim, struct sim_ws *ws, const char *frame, size_t len);
void osim_send(struct sim_ws *ws, enum sim_what what, const struct sim_text *text);
void osim_notice(struct sim_ws *ws);
void osim_http(struct sim *sim, struct sim_http *request);

#endif
