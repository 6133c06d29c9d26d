/* sim_bybit.h - the simulator side of Bybit v5, spot and linear: REST, public, private and trade
 * sockets, from the protocol dossier alone.
 *
 * Shares no encoding or signing code with the client side of this folder. Section numbers in the .c
 * files are those of the dossier. Not offered: conditional orders, TP/SL, inverse, options, klines,
 * RPI and full books, execution.fast. */
#ifndef TICKPIPE_VENUES_BYBIT_SIM_BYBIT_H
#define TICKPIPE_VENUES_BYBIT_SIM_BYBIT_H

#include "venue_simulator/margin.h"
#include "venue_simulator/sim.h"

#include <cjson/cJSON.h>

enum {
    YSIM_PUBLIC,  /* Listener of /v5/public/... */
    YSIM_PRIVATE, /* Listener of /v5/private and /v5/trade. */
    YSIM_DEPTHS = 4,
    YSIM_SHADOW_MAX = 1000,
    YSIM_TRADES_MAX = 256, /* Waiting for the next flush; more are sent at once. */
    YSIM_STILLBORN_MAX = 256,
    YSIM_REQ_IDS = 512, /* Of a trade connection, remembered to refuse repeats. */
    YSIM_ENDPOINTS_MAX = 24,
    YSIM_WINDOW_MAX = 64, /* Calls within a second that a limit may allow. */
    YSIM_ID_MAX = 48,
};
extern const int ysim_depths[YSIM_DEPTHS]; /* 1, 50, 200, 1000 */

enum ysim_category { YSIM_SPOT, YSIM_LINEAR, YSIM_NONE };

/* What subscribers of one depth of one book have: differences to it are the next delta. */
struct ysim_shadow {
    struct match_level bids[YSIM_SHADOW_MAX], asks[YSIM_SHADOW_MAX];
    uint32_t bid_count, ask_count;
    int64_t told_ns; /* Depth 1: sent again when that is long ago. */
    int64_t sent_ns;
};

struct ysim_trade {
    int64_t price, qty, at_ns;
    uint64_t id, seq;
    wire_side side;
};

struct ysim_ticker {
    int64_t bid, bid_qty, ask, ask_qty, last, mark, index, rate_ppb, next_ns;
};

struct ysim_book {
    struct ysim_shadow *shadows[YSIM_DEPTHS]; /* Made when first subscribed to. */
    uint64_t u[YSIM_DEPTHS];
    uint64_t seq; /* Of the matching engine: jumps. */
    struct ysim_trade trades[YSIM_TRADES_MAX];
    uint32_t trade_count;
    struct ysim_trade recent[60];
    uint64_t recent_count;
    struct ysim_ticker ticker; /* As last told. */
    int64_t ticker_ns;
};

/* An order that was acknowledged and never came to the book: a post-only one that would take. */
struct ysim_stillborn {
    uint64_t id;
    struct exchange_order order;
};

struct ysim_limit { /* A rolling second of one endpoint and category of one account. */
    int64_t at_ns[YSIM_WINDOW_MAX];
    unsigned next;
};

struct ysim_member {
    struct ysim_limit limits[YSIM_ENDPOINTS_MAX][2];
    int64_t dcp_window_ns[2]; /* 0: not set. */
    int64_t dcp_fires_ns[2];  /* 0: the connections are there. */
};

/* News for an account's private subscribers. */
enum ysim_topic { YSIM_ORDER, YSIM_EXECUTION, YSIM_POSITION, YSIM_WALLET, YSIM_TOPICS };
struct ysim_news {
    struct ysim_news *next;
    uint32_t account;
    enum ysim_topic topic;
    enum ysim_category category; /* NONE: of the wallet. */
    char *row;
    char id[80];
};

struct bybit_sim {
    struct sim *sim;
    struct ysim_book books[EXCHANGE_INSTRUMENTS_MAX];
    struct ysim_member members[EXCHANGE_ACCOUNTS_MAX];
    struct ysim_stillborn stillborn[YSIM_STILLBORN_MAX];
    uint64_t stillborn_count;
    struct ysim_news *first_news, **last_news;
    uint64_t random, notice;
    bool is_maintenance;
    int64_t maintenance_end_ns;
    struct sim_text text; /* For frames under construction. */
};

enum bybit_sim_kind { WS_NOWHERE, WS_SPOT, WS_LINEAR, WS_STATUS, WS_PRIVATE, WS_TRADE };

/* A connection. */
struct bybit_sim_ws {
    enum bybit_sim_kind kind;
    uint8_t books[EXCHANGE_INSTRUMENTS_MAX]; /* Bits of ysim_depths. */
    bool trades[EXCHANGE_INSTRUMENTS_MAX], tickers[EXCHANGE_INSTRUMENTS_MAX],
        liquidations[EXCHANGE_INSTRUMENTS_MAX];
    bool has_status;
    uint8_t topics[YSIM_TOPICS]; /* Bits: 1 all, 2 spot, 4 linear. */
    bool dcp[2];                 /* spot, future */
    uint32_t account;            /* EXCHANGE_NONE: not logged in. */
    int64_t last_received_ns;
    uint64_t req_ids[YSIM_REQ_IDS]; /* Hashes. */
    unsigned req_next;
    char conn_id[40];
};

/* ---- sim_names.c: ids and small things ---- */
enum ysim_category ysim_category_of(const struct sim *sim, uint32_t instrument);
const char *ysim_category_str(enum ysim_category category);
enum ysim_category ysim_category_read(const char *word); /* NULL too. NONE: no such. */
uint32_t ysim_instrument(const struct sim *sim, enum ysim_category category, const char *symbol);
/* Spot's ids are long decimals, linear's UUIDs. Read: 0, no id of that form. */
void ysim_order_id(enum ysim_category category, uint64_t id, char out[YSIM_ID_MAX]);
uint64_t ysim_order_id_read(const char *text);
void ysim_exec_id(enum ysim_category category, uint64_t id, char out[YSIM_ID_MAX]);
int64_t ysim_ms(int64_t ns);
uint64_t ysim_next_seq(struct bybit_sim *state, uint32_t instrument);
void ysim_member(struct sim_text *out, const char *name, const char *value); /* ,"name":"value" */
void ysim_decimal(struct sim_text *out, const char *name, int64_t value, int decimals);
int64_t ysim_average(const struct exchange_order *order);

/* ---- sim_auth.c (5, 9, 11) ---- */
enum ysim_endpoint {
    LIMIT_CREATE,
    LIMIT_AMEND,
    LIMIT_CANCEL,
    LIMIT_CANCEL_ALL,
    LIMIT_CREATE_BATCH,
    LIMIT_AMEND_BATCH,
    LIMIT_CANCEL_BATCH,
    LIMIT_REALTIME,
    LIMIT_HISTORY,
    LIMIT_EXECUTIONS,
    LIMIT_POSITIONS,
    LIMIT_WALLET,
    LIMIT_INFO,
    LIMIT_FEES,
    LIMIT_SETTINGS,
    LIMIT_DCP,
    LIMIT_LOG,
    LIMIT_COUNT,
};
struct ysim_usage {
    int limit, left;
    int64_t reset_ms;
};
/* ysim_spend counts one call: false, it is one too many. */
bool ysim_spend(struct bybit_sim *state, uint32_t account, enum ysim_endpoint endpoint,
                enum ysim_category category, struct ysim_usage *usage);
/* ysim_authenticate finds the account behind a signed request, or NULL with code and message. */
const struct sim_account *ysim_authenticate(struct bybit_sim *state, struct sim_http *request,
                                            int *code, char *message, size_t cap);
/* ysim_login checks a WebSocket login: 0 or the trade socket's code. */
int ysim_login(struct bybit_sim *state, const cJSON *args, uint32_t *account);
/* ysim_is_fresh: the timestamp is within the window (11). */
bool ysim_is_fresh(const struct sim *sim, const char *timestamp, const char *window);

/* ---- sim_rows.c (6.6, 7, 8): rows of lists and stream alike ---- */
void ysim_order_row(struct bybit_sim *state, struct sim_text *out,
                    const struct exchange_order *order, const char *status, const char *cancel_type,
                    const char *reason, bool is_stream);
/* The same, told by the record itself. */
void ysim_order_listed(struct bybit_sim *state, struct sim_text *out,
                       const struct exchange_order *order);
struct ysim_fill {
    const struct exchange_order *order;
    uint64_t execution, seq;
    int64_t price, qty, quote, fee, closed_qty, pnl, at_ns, leaves;
    uint32_t fee_asset;
    bool is_maker;
};
void ysim_fill_row(struct bybit_sim *state, struct sim_text *out, const struct ysim_fill *fill,
                   bool is_stream);
void ysim_funding_row(struct bybit_sim *state, struct sim_text *out,
                      const struct exchange_funding *funding);
/* index: positionIdx; where it is not 0, the side of hedge mode. */
void ysim_position_row(struct bybit_sim *state, struct sim_text *out, uint32_t account,
                       uint32_t instrument, int index, bool is_stream);
/* coin: only that one; NULL: all that are not empty. */
void ysim_wallet_row(struct bybit_sim *state, struct sim_text *out, uint32_t account,
                     const char *coins);
void ysim_status_row(struct bybit_sim *state, struct sim_text *out);

/* ---- sim_trade.c (6): what REST and the trade socket do alike ---- */
struct ysim_result {
    int code; /* 0: the venue will look at it. */
    char message[160];
    char order_id[YSIM_ID_MAX], link_id[EXCHANGE_CLIENT_ID_MAX];
};
void ysim_create(struct bybit_sim *state, uint32_t account, const cJSON *args,
                 struct ysim_result *result);
void ysim_cancel(struct bybit_sim *state, uint32_t account, const cJSON *args,
                 struct ysim_result *result);
void ysim_amend(struct bybit_sim *state, uint32_t account, const cJSON *args,
                struct ysim_result *result);
/* ysim_find finds an order by the ids of a request (orderId wins), also one that has ended; only
 * those of category. */
const struct exchange_order *ysim_find(struct bybit_sim *state, uint32_t account,
                                       enum ysim_category category, const char *order_id,
                                       const char *link_id);
/* ysim_fault_order: an ordered fault in place of an order action. true: code (of the venue) or
 * status (of HTTP) says what; *is_after: the action is carried out first. */
bool ysim_fault_order(struct bybit_sim *state, int *status, int *code, char *message, size_t cap,
                      bool *is_after);
const char *ysim_text(const cJSON *object, const char *name); /* "" where there is none. */

/* ---- sim_private.c (8) ---- */
void ysim_private_event(struct bybit_sim *state, const struct exchange_event *event);
void ysim_private_flush(struct bybit_sim *state);
void ysim_private_clear(struct bybit_sim *state);
void ysim_tell_order(struct bybit_sim *state, const struct exchange_order *order,
                     const char *status, const char *cancel_type, const char *reason);
void ysim_tell_account(struct bybit_sim *state, uint32_t account, uint32_t instrument);

/* ---- sim_public.c (2, 3) ---- */
void ysim_public_event(struct bybit_sim *state, const struct exchange_event *event);
void ysim_public_flush(struct bybit_sim *state);
void ysim_public_restart(struct bybit_sim *state); /* u begins with 1 again. */
void ysim_public_fini(struct bybit_sim *state);
/* ysim_public_subscribe takes one topic. "" or the venue's words of refusal. */
void ysim_public_subscribe(struct bybit_sim *state, struct sim_ws *ws, const char *topic,
                           bool is_on, char *refusal, size_t cap);
void ysim_status_push(struct bybit_sim *state);
/* Levels of a book: {"s":..,"b":..,"a":..,"u":..,"seq":..} */
void ysim_book_body(struct bybit_sim *state, struct sim_text *out, uint32_t instrument,
                    uint32_t depth, uint64_t u);
void ysim_ticker_body(struct bybit_sim *state, struct sim_text *out, uint32_t instrument,
                      bool is_rest);

/* ---- sim_ws.c, sim_rest.c, sim_market.c ---- */
void ysim_ws_opened(struct sim *sim, struct sim_ws *ws);
void ysim_ws_frame(struct sim *sim, struct sim_ws *ws, const char *frame, size_t len);
void ysim_ws_closed(struct sim *sim, struct sim_ws *ws);
void ysim_http(struct sim *sim, struct sim_http *request);

/* A call under way. */
struct ysim_call {
    struct bybit_sim *state;
    struct sim_http *request;
    uint32_t account;
    enum ysim_category category;
    cJSON *body;          /* POST */
    struct sim_text *out; /* result object */
    int code;
    char message[320];
    struct sim_text *ext; /* retExtInfo, where it is not {} */
};
/* ysim_market_call answers a public path: false, it is none. */
bool ysim_market_call(struct ysim_call *call);
/* A parameter of the query; "" where there is none. */
const char *ysim_param(const struct ysim_call *call, const char *name, char *out, size_t cap);
void ysim_refuse(struct ysim_call *call, int code, const char *message);

#endif
