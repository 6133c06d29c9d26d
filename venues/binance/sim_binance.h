/* sim_binance.h - what the files of the Binance simulator side share, and what that of futures
 * (venues/binance_futures/sim*.c) uses of it: the same venue's calls, limits, keys and frames.
 *
 * Written from the protocol dossier alone. No encoding, signing or parsing code of the client side
 * is used here. */
#ifndef TICKPIPE_VENUES_BINANCE_SIM_BINANCE_H
#define TICKPIPE_VENUES_BINANCE_SIM_BINANCE_H

#include "venue_simulator/sim.h"

enum {
    BINANCE_STREAM,  /* Listener of /ws and /stream. */
    BINANCE_WS_API,  /* Listener of the WebSocket API. */
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
    struct window orders_10s, orders_long; /* A day on spot, a minute on futures. */
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
    /* Of futures. */
    STREAM_MARK_PRICE,   /* Each 3 s. */
    STREAM_MARK_PRICE_1, /* Each second. */
    STREAM_FORCE_ORDER,
    STREAM_CONTRACT_INFO,
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
    unsigned class;   /* Futures: which part of the path. */
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
    /* Futures: the user stream of a listen key. */
    char listen_key[72], events[256];
};

struct bsim_product;
struct endpoint;

struct binance {
    const struct bsim_product *product;
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

/* ---- what differs between spot and futures ---- */
struct bsim_cause {
    enum exchange_cause cause;
    int code;
    const char *message;
};

struct bsim_product {
    wire_instrument_kind kind;
    const struct endpoint *endpoints, *methods; /* methods: on the WebSocket API alone. */
    size_t endpoint_count, method_count;
    const struct bsim_cause *causes;
    size_t cause_count;
    const char *api_path, *api_version; /* "/ws-api/v3", "v3/". */
    int64_t api_weight;                 /* Of its handshake. */
    int64_t weight_limit, orders_10s_limit, orders_long_limit, orders_long_ns;
    const char *orders_interval, *orders_words, *orders_header; /* "DAY", "1 DAY", "1D" */
    int64_t messages_limit; /* A second, on a stream's connection. */
    /* stream_open reads a connection's path: what is left of it, or NULL: no such path. NULL: the
     * path is as it is. stream_parse fills kind, instrument and argument of a name. */
    const char *(*stream_open)(struct sim *sim, struct sim_ws *ws);
    void (*stream_parse)(const struct sim *sim, const struct connection *connection,
                         struct stream *out);
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

/* Spot's own, in the files that know them. */
enum { BSIM_SPOT_METHODS = 7, BSIM_SPOT_CAUSES = 23 };
extern const struct endpoint bsim_spot_methods[BSIM_SPOT_METHODS];
extern const struct bsim_cause bsim_spot_causes[BSIM_SPOT_CAUSES];
void bsim_spot_stream(const struct sim *sim, const struct connection *connection,
                      struct stream *out);

/* bsim_call_run checks limits, key, signature (signed_text is what the signature covers), time,
 * then runs. */
void bsim_call_run(struct call *call, const char *api_key, const char *signed_text,
                   size_t signed_len);
void bsim_call_error(struct call *call, int status, int code, const char *format, ...)
    PRINTF_LIKE(4, 5);
/* bsim_call_cause answers with the error that the venue gives for a refusal of the exchange. */
void bsim_call_cause(struct call *call, enum exchange_cause cause, bool is_cancel);
/* Writes {"code":..,"msg":".."} of a cause. */
void bsim_cause_json(const struct binance *state, struct sim_text *out, enum exchange_cause cause,
                     bool is_cancel);
int bsim_cause_code(const struct binance *state, enum exchange_cause cause, bool is_cancel,
                    const char **message);

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

/* bsim_call_decimal reads a decimal of the venue's form; bsim_call_side a side. false: answered. */
bool bsim_call_decimal(struct call *call, const char *name, bool is_mandatory, int64_t *out,
                       bool *is_set);
bool bsim_call_side(struct call *call, wire_side *side);

/* A page of a history: by id upwards, within times, the newest when neither is given. */
struct page {
    int64_t from_id, start_ms, end_ms, limit;
    bool has_from, has_start, has_end;
};
bool bsim_call_page(struct call *call, const char *id_name, int64_t days_max, struct page *page);
bool bsim_page_has_time(const struct page *page, int64_t ns);

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

/* ---- the plug's parts that futures share ---- */
int bsim_open(struct sim *sim, const struct bsim_product *product);
void bsim_close(struct sim *sim);
void bsim_http(struct sim *sim, struct sim_http *request);

/* ---- streams ---- */
/* bsim_publish sends the payload in state->scratch to everybody who has the stream. */
void bsim_publish(struct sim *sim, enum stream_kind kind, uint32_t instrument, unsigned argument);
/* bsim_stream_symbol finds the instrument of a stream's name ("btcusdt@..."), EXCHANGE_NONE where
 * there is none; *suffix: what follows the '@'. */
uint32_t bsim_stream_symbol(const struct sim *sim, const char *name, const char **suffix);
/* bsim_diff_add notes a changed level. */
void bsim_diff_add(struct diff *diff, wire_side side, int64_t price);
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
/* bsim_private_send sends the payload in state->frame, now or behind the answer. */
void bsim_private_send(struct sim *sim, struct sim_ws *ws);
void bsim_private_release(struct sim *sim);
void bsim_private_forget(struct binance *state, const struct sim_ws *ws);

/* bsim_private_terminate ends every user data subscription, as the venue does when what it was
 * signed with is not valid any more. */
void bsim_private_terminate(struct sim *sim);

/* ---- signatures: OpenSSL directly ---- */
bool bsim_signature_is_right(const char *secret, const char *text, size_t len,
                             const char *signature);

#endif
