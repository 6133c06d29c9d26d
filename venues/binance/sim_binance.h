/* sim_binance.h - what the files of the Binance simulator side share.
 *
 * Written from the protocol dossier alone. No encoding, signing or parsing code of the client side
 * is used here. */
#ifndef TICKPIPE_VENUES_BINANCE_SIM_BINANCE_H
#define TICKPIPE_VENUES_BINANCE_SIM_BINANCE_H

#include "venue_simulator/sim.h"

enum {
    BINANCE_STREAM,  /* Listener of /ws and /stream. */
    BINANCE_WS_API,  /* Listener of /ws-api/v3. */
    PARAMS_MAX = 48, /* More is -1101. */
    DIRTY_MAX = 1024,
    SYMBOLS_MAX = EXCHANGE_INSTRUMENTS_MAX,
};

/* ---- parameters of a request, from query and body or from JSON ---- */
struct param {
    char name[40];
    char value[512];
    bool is_read;
    bool is_number; /* JSON number: signed and parsed as its text all the same. */
};
struct params {
    struct param at[PARAMS_MAX];
    unsigned count;
    bool has_too_many, has_duplicate;
    char duplicate[40];
};

/* bsim_params_get marks as read; NULL where there is none or where it is empty. */
const char *bsim_params_get(struct params *params, const char *name);
void bsim_params_add(struct params *params, const char *name, const char *value, bool is_number);

/* ---- limits ---- */
struct window {
    int64_t start_ns, length_ns;
    int64_t used, limit;
};

/* Windows are aligned to the clock. bsim_window_at brings it to now. */
void bsim_window_at(struct window *window, int64_t now_ns);

struct account_limits {
    struct window orders_10s, orders_day;
};

/* ---- market streams ---- */
enum stream_kind {
    STREAM_NONE,
    STREAM_DEPTH_100,
    STREAM_DEPTH_1000,
    STREAM_PARTIAL_100, /* argument: levels */
    STREAM_PARTIAL_1000,
    STREAM_BOOK_TICKER,
    STREAM_TRADE,
    STREAM_AGG_TRADE,
    STREAM_TICKER,
    STREAM_MINI_TICKER,
    STREAM_AVG_PRICE,
    STREAM_KINDS,
};

enum { STREAMS_PER_CONNECTION = 64 };
struct stream {
    enum stream_kind kind; /* NONE: a name that exists nowhere: acknowledged, silent. */
    uint32_t instrument;
    unsigned argument;
    char name[64];
};

/* Levels changed since the last message of a diff stream. */
struct diff {
    uint64_t last_u;
    struct {
        wire_side side;
        int64_t price;
    } dirty[DIRTY_MAX];
    unsigned count;
    bool is_overfull; /* More than DIRTY_MAX levels: the whole book is sent. */
};

struct aggregate {
    uint64_t taker; /* Order id; 0: none pending. */
    uint64_t id, first_trade, last_trade;
    int64_t price, qty, at_ns;
    bool is_buyer_maker;
};

struct symbol {
    struct diff fast, slow; /* 100 ms and 1000 ms. */
    uint64_t ticker_u;      /* Of the last bookTicker. */
    int64_t bid, bid_qty, ask, ask_qty;
    struct aggregate aggregate;
    uint64_t next_aggregate;
    struct aggregate
        aggregates[1024]; /* Ring of finished ones, for /aggTrades: slot is id % 1024. */
    struct {
        uint64_t id;
        int64_t price, qty, quote, at_ns;
        bool is_buyer_maker;
    } trades[1024]; /* Ring, for /trades. */
    uint64_t trade_count;
};

/* ---- a WebSocket connection ---- */
struct connection {
    bool is_combined; /* /stream: payloads are wrapped. */
    struct stream streams[STREAMS_PER_CONNECTION * 4];
    unsigned stream_count;
    struct window messages; /* 5 a second on market streams. */
    bool are_limits_hidden; /* returnRateLimits=false */
    /* WS API: user data subscriptions. */
    struct {
        bool is_active;
        uint32_t account; /* Of the exchange. */
        uint32_t id;
    } subscriptions[EXCHANGE_ACCOUNTS_MAX];
    uint32_t next_subscription;
};

struct binance {
    struct symbol symbols[SYMBOLS_MAX];
    struct account_limits limits[EXCHANGE_ACCOUNTS_MAX];
    struct window weight, raw;
    unsigned violations; /* Over the limit in this window: then comes the ban. */
    int64_t banned_until_ns;
    uint64_t next_report; /* executionReport I. */
    uint64_t random;
    int64_t next_100ms_ns, next_1000ms_ns;
    /* Private frames made while a request is being carried out, when they are to follow its answer.
     */
    bool is_holding;
    struct sim_text held;
    struct held_frame {
        struct sim_ws *ws;
        size_t at, len;
    } * held_frames;
    size_t held_count, held_cap;
    struct sim_text scratch, frame;
    const char *cancel_id; /* Client id of the cancel request under way; NULL: none. */
};

/* ---- a call: one operation, whichever way it came ---- */
enum security { SECURITY_NONE, SECURITY_KEY, SECURITY_SIGNED };

struct call {
    struct sim *sim;
    struct binance *state;
    const struct endpoint *endpoint;
    struct params params;
    uint32_t account;  /* Of the exchange; EXCHANGE_NONE on public calls. */
    struct sim_ws *ws; /* NULL: REST. */
    struct sim_text *out;
    int status;
    bool is_error;
    bool is_order_action; /* Reached the exchange: faults that lose or delay acks apply. */
    int64_t retry_ns;     /* Of 429 and 418. */
};

enum {
    CALL_ORDER = 1,        /* An order action: costs no weight when it succeeds. */
    CALL_COUNTS_ORDER = 2, /* One unfilled order. */
    CALL_ORDER_HEADERS = 4,
};

struct endpoint {
    const char *verb, *path, *method; /* method NULL: not on the WS API; path NULL: not on REST. */
    unsigned weight;
    enum security security;
    unsigned flags;
    void (*run)(struct call *call);
};

/* bsim_endpoint_rest and bsim_endpoint_ws find one, or NULL; is_path_known: the path exists with
 * another verb. */
const struct endpoint *bsim_endpoint_rest(const char *verb, const char *path, bool *is_path_known);
const struct endpoint *bsim_endpoint_ws(const char *method);

/* bsim_call_run checks limits, key, signature (signed_text is what the signature covers), time,
 * then runs. */
void bsim_call_run(struct call *call, const char *api_key, const char *signed_text,
                   size_t signed_len);
void bsim_call_error(struct call *call, int status, int code, const char *format, ...)
    PRINTF_LIKE(4, 5);
/* bsim_call_cause answers with the error that the venue gives for a refusal of the exchange. */
void bsim_call_cause(struct call *call, enum exchange_cause cause, bool is_cancel);
/* Writes {"code":..,"msg":".."} of a cause. */
void bsim_cause_json(struct sim_text *out, enum exchange_cause cause, bool is_cancel);
int bsim_cause_code(enum exchange_cause cause, bool is_cancel, const char **message);

/* bsim_call_required gives a mandatory parameter, or answers -1102. bsim_call_symbol the instrument
 * of one.
 */
const char *bsim_call_required(struct call *call, const char *name);
bool bsim_call_symbol(struct call *call, uint32_t *instrument);
/* Optional integer: false when it is malformed (answered); *is_set says whether it was there. */
bool bsim_call_integer(struct call *call, const char *name, int64_t min, int64_t max, int64_t *out,
                       bool *is_set);
/* Every parameter sent has been read; else -1104 is answered. */
bool bsim_call_all_read(struct call *call);

/* bsim_call_target finds the order on a symbol that a request names by id or client id. NULL: none
 * such; *is_answered when the request itself was wrong. */
const struct exchange_order *bsim_call_target(struct call *call, uint32_t instrument,
                                              const char *id_name, const char *client_name,
                                              bool *is_answered);

/* ---- operations ---- */
void bsim_run_order_place(struct call *call);
void bsim_run_order_test(struct call *call);
void bsim_run_order_cancel(struct call *call);
void bsim_run_order_status(struct call *call);
void bsim_run_order_cancel_replace(struct call *call);
void bsim_run_order_amend(struct call *call);
void bsim_run_open_orders(struct call *call);
void bsim_run_cancel_open_orders(struct call *call);
void bsim_run_all_orders(struct call *call);
void bsim_run_my_trades(struct call *call);
void bsim_run_account(struct call *call);
void bsim_run_commission(struct call *call);
void bsim_run_rate_limit_order(struct call *call);
void bsim_run_capital_config(struct call *call);
void bsim_run_no_margin(struct call *call);
void bsim_run_ping(struct call *call);
void bsim_run_time(struct call *call);
void bsim_run_exchange_info(struct call *call);
void bsim_run_depth(struct call *call);
void bsim_run_trades(struct call *call);
void bsim_run_agg_trades(struct call *call);
void bsim_run_ticker_price(struct call *call);
void bsim_run_ticker_book(struct call *call);
void bsim_run_ticker_24hr(struct call *call);
void bsim_run_avg_price(struct call *call);

/* ---- JSON ---- */
void bsim_json_order_head(struct sim_text *out, const struct sim *sim,
                          const struct exchange_order *order);
void bsim_json_order_query(struct sim_text *out, const struct sim *sim,
                           const struct exchange_order *order);
void bsim_json_cancelled(struct sim_text *out, const struct sim *sim,
                         const struct exchange_order *order, const char *cancel_id);
const char *bsim_order_status(const struct exchange_order *order);
const char *bsim_order_type(const struct exchange_order *order);
const char *bsim_order_tif(const struct exchange_order *order);
const char *bsim_stp_text(enum match_stp stp);
const char *bsim_expiry_reason(const struct exchange_order *order); /* NULL: none */
void bsim_json_rate_limits(struct sim_text *out, const struct call *call);
int64_t bsim_ms_of(int64_t ns);
void bsim_random_id(struct binance *state, char out[23]);

/* ---- streams ---- */
void bsim_streams_opened(struct sim *sim, struct sim_ws *ws);
void bsim_streams_frame(struct sim *sim, struct sim_ws *ws, const char *frame, size_t len);
void bsim_streams_event(struct sim *sim, const struct exchange_event *event);
void bsim_streams_tick(struct sim *sim);

/* ---- WS API and private events ---- */
void bsim_ws_api_opened(struct sim *sim, struct sim_ws *ws);
void bsim_ws_api_frame(struct sim *sim, struct sim_ws *ws, const char *frame, size_t len);
void bsim_private_event(struct sim *sim, const struct exchange_event *event);
/* bsim_private_hold begins a request: some of the events that it causes will follow its answer.
 * bsim_private_release sends them. */
void bsim_private_hold(struct sim *sim);
void bsim_private_release(struct sim *sim);
void bsim_private_forget(struct binance *state, const struct sim_ws *ws);

/* bsim_private_terminate ends every user data subscription, as the venue does when what it was
 * signed with is not valid any more. */
void bsim_private_terminate(struct sim *sim);

/* ---- signatures: OpenSSL directly ---- */
bool bsim_signature_is_right(const char *secret, const char *text, size_t len,
                             const char *signature);

#endif
