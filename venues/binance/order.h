/* order.h - the state of the order side, shared by order.c (commands and session), order_request.c
 * (texts and signatures), order_report.c (what comes back) and errors.c (what refusals mean). What
 * differs between spot and futures is in struct order_product. */
#ifndef TICKPIPE_VENUES_BINANCE_ORDER_H
#define TICKPIPE_VENUES_BINANCE_ORDER_H

#include "common/pure/crypto.h"
#include "venues/binance/binance.h"

enum {
    ORDER_PENDING_MAX = 256, /* Requests in flight or waiting to be repeated. */
    ORDER_JOBS_MAX = 8,      /* Commands that take several requests. */
    ORDER_JOB_WIDTH = 16,    /* Requests of one job in flight. */
    ORDER_KEY_MAX = 160,
    ORDER_CLIENT_ID_MAX = 36,
    ORDER_PIECES_MAX = 20,
    ORDER_PARAMS_MAX = 16,
    ORDER_TRADES_PAGE = 1000, /* Largest page of myTrades. */
};

/* ---- requests ---- */

enum request_kind {
    REQUEST_PLACE,
    REQUEST_CANCEL,
    REQUEST_REPLACE,
    REQUEST_QUERY,
    REQUEST_OPEN_ORDERS,
    REQUEST_CANCEL_ALL,
    REQUEST_ACCOUNT,
    REQUEST_TRADES,
    REQUEST_COMMISSION,
    REQUEST_TIME,
    REQUEST_SUBSCRIBE, /* WebSocket only. */
    REQUEST_METADATA,  /* REST only. */
    REQUEST_AMEND,     /* Spot only: a smaller quantity, in its place in the queue. */
    /* Futures only. */
    REQUEST_POSITIONS,
    REQUEST_ACCOUNT_MODE,
    REQUEST_LEVERAGE,
    REQUEST_FUNDING,
    REQUEST_DEAD_MAN,
    REQUEST_KEY_MAKE, /* The user stream's listen key. */
    REQUEST_KEY_KEEP,
    REQUEST_KINDS,
};

/* What a parameter's value is. Those up to SLOT_WINDOW are settled when the template is made. */
enum order_slot {
    SLOT_NONE,
    SLOT_TEXT,    /* As the table has it. */
    SLOT_WS_TEXT, /* The same, over WebSocket alone. */
    SLOT_KEY,
    SLOT_SYMBOL,
    SLOT_WINDOW,
    SLOT_TIMESTAMP,
    SLOT_SIDE,
    SLOT_TYPE,
    SLOT_QTY,
    SLOT_PRICE,
    SLOT_TIME_IN_FORCE,
    SLOT_CLIENT_ID,
    SLOT_ORDER_ID,
    SLOT_ORIGINAL_ID,
    SLOT_RESTRICTION,
    SLOT_REDUCE_ONLY,
    SLOT_COUNTDOWN,
    SLOT_START,
    SLOT_END,
    SLOT_FROM,
    SLOT_LIMIT,
    SLOT_COUNT,
};

struct order_param {
    const char *name;
    enum order_slot slot;
    const char *text; /* SLOT_TEXT, SLOT_WS_TEXT */
};

enum order_auth { AUTH_NONE, AUTH_KEY, AUTH_SIGNED };

/* One kind of request. */
struct order_spec {
    const char *verb, *path,
        *method; /* REST verb and path; WebSocket method. NULL: not that way. */
    enum order_auth auth;
    bool is_cancel;
    struct order_param params[ORDER_PARAMS_MAX];
};

/* A run of settled text and the slot that follows it. Left out as a whole where an optional slot is
 * empty. */
struct order_piece {
    uint16_t payload_at, payload_len, json_at, json_len;
    uint8_t slot;
};

struct order_template {
    char text[1280];
    uint16_t text_len;
    uint8_t count;
    bool is_ws;
    const struct order_spec *spec;
    struct order_piece pieces[ORDER_PIECES_MAX];
};

struct order_slots {
    struct {
        const char *text;
        size_t len; /* 0: empty, its parameter is left out. */
    } at[SLOT_COUNT];
    char timestamp[24], qty[48], price[48], start[24], end[24], countdown[24];
};

struct order_keys {
    char api_key[ORDER_KEY_MAX];
    struct hmac_key hmac;
    struct ed25519_key ed25519; /* Instead of hmac, where the secret is a private key. */
    bool is_set, is_ed25519;
    char window[24]; /* recvWindow in ms. */
};

/* order_prepare makes the template of a request for a symbol ("" where it takes none). 0 or
 * ERR_RANGE (a text does not fit, ERR_UNSUPPORTED: not by this transport). Once per instrument,
 * kind and transport. */
int order_prepare(struct order_template *made, const struct order_spec *spec, bool is_ws,
                  const char *symbol, const struct order_keys *keys);

struct order_product;

/* order_slots_take turns a command into texts. 0, ERR_RANGE (an id outside the charset, decimals
 * that do not fit, an order that the venue has no words for), ERR_UNSUPPORTED. Hot. */
int order_slots_take(struct order_slots *slots, const struct order_product *product,
                     enum request_kind kind, const struct venue_command *command,
                     const struct venue_clock *clock);

/* order_fill_frame writes and signs a WebSocket request. Length, or ERR_RANGE (does not fit, no
 * key). Hot: one pass over the pieces and one signature; no allocation of ours. */
int order_fill_frame(const struct order_template *template, const struct order_slots *slots,
                     struct order_keys *keys, uint64_t id, char *out, size_t cap);

/* order_fill_request does the same for REST. 0 or ERR_RANGE. */
int order_fill_request(const struct order_template *template, const struct order_slots *slots,
                       struct order_keys *keys, struct venue_request *out);

/* ---- errors ---- */

/* What is certain after a refusal. */
enum refusal {
    REFUSAL_FINAL,   /* Not executed; the same again would be refused again. */
    REFUSAL_RETRY,   /* Not executed; may be tried again later. */
    REFUSAL_LIMIT,   /* Not executed; a limit must pass first. */
    REFUSAL_UNKNOWN, /* May have been executed: ask. */
    REFUSAL_FATAL,   /* Not executed; key or session are no good. */
    REFUSAL_NOTHING, /* There was nothing to do. */
};

struct order_refusal {
    enum refusal kind;
    wire_reason why;
};

/* order_refusal_of classifies an answer of spot that is not a success. code 0: the body had none.
 */
struct order_refusal order_refusal_of(enum request_kind request, int status, int64_t code,
                                      const char *text);

/* order_refusal_of_status is for a body without a code: a firewall or a proxy spoke. */
struct order_refusal order_refusal_of_status(int status);

/* ---- the product ---- */

struct order_turn;
struct order_pending;

struct order_product {
    const struct binance_product *product;
    const char *ws_path;            /* Where the configured URL has none. */
    const struct order_spec *specs; /* REQUEST_KINDS of them. */
    uint32_t weight_limit;          /* A minute, until the venue says it. */
    /* The longer of the two windows in which orders are counted: its word in rateLimits, its
     * header, its name for people. */
    const char *orders_interval, *orders_header, *orders_name;
    int64_t trades_window_ns; /* Longest span of time of one request for executions. */
    bool is_margin;           /* Reduce-only orders; post-only is a time in force. */
    bool amends_in_place;     /* REPLACE keeps order and ids. */
    bool takes_ed25519;
    uint32_t (*weight)(enum request_kind kind, bool has_symbol);
    struct order_refusal (*refusal)(enum request_kind kind, int status, int64_t code,
                                    const char *text);
    /* NULL where there is nothing beyond spot: an answer to a kind that this code does not read
     * (ERR_UNSUPPORTED: it does), a refusal that is dealt with (true). */
    int (*answer)(const struct order_turn *turn, struct order_pending *pending,
                  const struct scan_value *result);
    bool (*refused)(const struct order_turn *turn, struct order_pending *pending, int64_t code,
                    const char *text);
};

/* ---- the session ---- */

struct order_symbol {
    char name[32];                       /* Canonical, wanted. */
    struct wire_instrument definition;   /* header.size 0: not known yet. */
    struct order_template place, cancel; /* Over WebSocket: the hot ones. */
};

enum order_stage {
    STAGE_WHOLE,
    STAGE_CANCEL_FIRST,
    STAGE_PLACE_THEN
}; /* REPLACE of a partly filled order. */

struct order_pending {
    uint64_t id; /* 0: free */
    enum request_kind kind;
    enum order_stage stage;
    bool is_rest;
    bool is_all; /* METADATA: asked for everything. */
    uint8_t job; /* Index + 1; 0: none. */
    int64_t sent_ns, sent_wall_ns;
    int64_t repeat_ns; /* Not in flight: to be sent again then. 0: in flight. */
    struct venue_command command;
};

struct order_job {
    bool is_used;
    enum request_kind kind; /* Of its parts, one per symbol. */
    struct venue_command command;
    size_t next;
    unsigned in_flight, failed;
    wire_reason why;
    char text[96];
};

enum { LIMIT_WEIGHT, LIMIT_ORDERS_10S, LIMIT_ORDERS_LONG, LIMITS };

struct binance_order {
    const struct order_product *product;
    char venue[16];
    char url[BINANCE_URL_MAX];
    struct order_keys keys;
    int64_t timeout_ns;
    int32_t maker_fee_ppm, taker_fee_ppm;
    struct order_symbol symbols[VENUE_SYMBOLS_MAX];
    size_t symbol_count;

    struct order_pending pending[ORDER_PENDING_MAX];
    struct order_job jobs[ORDER_JOBS_MAX];
    uint64_t next_id;
    bool is_metadata_wanted; /* start: until the definitions are there. */
    int64_t metadata_ns;

    bool is_open, is_stream_up;
    int64_t subscribe_ns; /* When to subscribe (again); 0: asked or up. */
    unsigned subscribe_tries;
    struct {
        uint32_t used, limit;
    } limits[LIMITS];
    int64_t hold_until_ns;
    uint64_t late, rejected;

    char frame[VENUE_FRAME_MAX];
    struct venue_request request;
};

struct order_turn {
    struct binance_order *order;
    const struct venue_clock *clock;
    const struct venue_out *out;
};

/* An answer, over WebSocket or REST. */
struct order_answer {
    int status;
    struct scan_value result; /* SCAN_NONE: refused. */
    int64_t code;
    char text[96];
    struct scan_value data;
    int64_t retry_after_ms; /* Wall clock, 0: not said. */
};

/* ---- order.c ---- */

/* struct venue_order_ops of a product: all but init, which says which one it is. Connection 0 is
 * the WebSocket API's. */
int binance_order_open(struct binance_order *order, const struct venue_order_config *config,
                       const struct order_product *product);
void binance_order_fini(void *state);
size_t binance_order_connections(void *state, struct venue_connection *out);
void binance_order_start(void *state, const struct venue_clock *clock, const struct venue_out *out);
void binance_order_opened(void *state, unsigned connection, const struct venue_clock *clock,
                          const struct venue_out *out);
void binance_order_closed(void *state, unsigned connection, const struct venue_clock *clock,
                          const struct venue_out *out);
void binance_order_tick(void *state, const struct venue_clock *clock, const struct venue_out *out);
int binance_order_command(void *state, const struct venue_command *given,
                          const struct venue_clock *clock, const struct venue_out *out);

/* order_send sends a request of kind for command and enters it in the table. 0, ERR_FULL,
 * ERR_CLOSED, ERR_RANGE, ERR_UNSUPPORTED; nothing is entered then. made (or NULL): the entry. */
int order_send(const struct order_turn *turn, enum request_kind kind,
               const struct venue_command *command, struct order_pending **made);
void order_release(struct order_pending *pending);

/* order_pending_find gives the entry in flight of an id, or NULL. */
struct order_pending *order_pending_find(struct binance_order *order, uint64_t id, bool is_rest);

/* order_part_done ends one request of a job, or a command of one request: DONE or FAILED follow. */
void order_part_done(const struct order_turn *turn, struct order_pending *pending, bool is_ok,
                     wire_reason why, const char *text);

/* order_job_begin sends a request of kind for each known symbol; DONE or FAILED ends it. 0,
 * ERR_AGAIN (no symbol is known yet), or what kept the first part from being sent. */
int order_job_begin(const struct order_turn *turn, enum request_kind kind,
                    const struct venue_command *command);

struct order_symbol *order_symbol_of(struct binance_order *order, const char *symbol); /* or NULL */

/* order_channel_report tells what is up. order_stream_up and order_stream_down change it for the
 * private stream; a stream that is down is subscribed to again after retry_ns (0: longer each
 * time). */
void order_channel_report(const struct order_turn *turn, wire_reason why, const char *text);
void order_stream_up(const struct order_turn *turn);
void order_stream_down(const struct order_turn *turn, wire_reason why, const char *text,
                       int64_t retry_ns);

/* ---- order_read.c ---- */

int order_on_frame(void *state, unsigned connection, const char *frame, size_t len,
                   const struct venue_clock *clock, const struct venue_out *out);
int order_on_http(void *state, const struct venue_response *response,
                  const struct venue_clock *clock, const struct venue_out *out);

/* order_on_limit reports what the venue counts (used -1: not said; limit 0 or less: as before);
 * order_on_rate_limits does so for a "rateLimits" list. */
void order_on_limit(const struct order_turn *turn, unsigned which, int64_t used, int64_t limit);
void order_on_rate_limits(const struct order_turn *turn, const struct scan_value *limits);

/* ---- order_report.c ---- */

/* order_report_command begins a report about the order that a command speaks of, as far as the
 * command itself knows it. */
void order_report_command(const struct order_turn *turn, struct venue_report *report,
                          enum venue_report_kind kind, const struct order_pending *pending);

/* order_report_begin clears a report and names what it answers (pending NULL: news). */
void order_report_begin(struct venue_report *report, enum venue_report_kind kind,
                        const struct order_pending *pending);
void order_report_text(struct venue_report *report, const char *text);

/* order_on_answer takes the answer to a request and reports it. */
void order_on_answer(const struct order_turn *turn, struct order_pending *pending,
                     const struct order_answer *answer);

/* order_on_lost: no answer will come. was_sent false: it provably never left. */
void order_on_lost(const struct order_turn *turn, struct order_pending *pending, bool was_sent,
                   wire_reason why);

/* ---- order_event.c ---- */

/* order_on_event takes an event of the private stream. 0 or ERR_PROTO. */
int order_on_event(const struct order_turn *turn, const struct scan_value *event);

#endif
