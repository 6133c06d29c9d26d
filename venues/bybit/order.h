/* order.h - the order side's state, and what its files offer one another.
 *
 * order.c          init, commands and the way they take, timeouts
 * order_session.c  the two connections: login, subscriptions, keepalive, what is up
 * order_request.c  what is sent: bodies, frames, paths, signatures
 * order_walk.c     commands that take several calls: scopes, pages, windows of time
 * order_answer.c   answers: acknowledgements, refusals, lists
 * order_stream.c   the private stream as reports
 * order_view.c     readers of the venue's rows, for lists and stream alike
 * errors.c         what return codes mean
 *
 * An acknowledgement of a new order, a cancel or an amendment says only that the venue will look at
 * it. What became of it is said by the order stream, and so the command's answering report waits
 * for that; where nothing comes, the outcome is unknown and the engine asks. */
#ifndef TICKPIPE_VENUES_BYBIT_ORDER_H
#define TICKPIPE_VENUES_BYBIT_ORDER_H

#include "common/pure/crypto.h"
#include "venues/bybit/bybit.h"

enum {
    BYBIT_CLIENT_ID_MAX = 36,
    BYBIT_KEY_MAX = 96,
    BYBIT_PENDING_MAX = 256, /* Requests in flight, or acknowledged and not yet carried out. */
    BYBIT_WALKS_MAX = 24,    /* Commands of several calls. */
    BYBIT_COINS_MAX = 8,     /* In which our contracts settle. */
    BYBIT_CONN_PRIVATE = 0,
    BYBIT_CONN_TRADE = 1,
    BYBIT_CONNS = 2,
};

/* ---- order_request.c ---- */

struct bybit_keys {
    char api_key[BYBIT_KEY_MAX];
    struct hmac_key secret;
    char window[24]; /* X-BAPI-RECV-WINDOW, ms */
    bool is_set;
};

/* bybit_keys_init takes key and secret; both empty is allowed (nothing private will work). 0,
 * ERR_AUTH (one without the other, a key that cannot be one), ERR_RANGE (window), ERR_SYS. fini
 * wipes; twice is fine. */
int bybit_keys_init(struct bybit_keys *keys, const char *api_key, const char *secret,
                    int64_t recv_window_ms);
void bybit_keys_fini(struct bybit_keys *keys);

/* bybit_sign writes the 64 digits of HMAC-SHA256(secret, text). 0, ERR_AUTH (no keys), ERR_SYS. */
int bybit_sign(struct bybit_keys *keys, const char *text, size_t len, char out[65]);

/* How an order is worded: its side apart, these are all that we have. */
enum bybit_form { FORM_GTC, FORM_IOC, FORM_FOK, FORM_POST_ONLY, FORM_MARKET, FORM_COUNT };

/* A new order's JSON up to its first slot. */
struct bybit_template {
    char text[160];
    uint16_t len; /* 0: not made. */
};

/* bybit_form_of says how to word a PLACE. 0; ERR_UNSUPPORTED (reduce-only on spot); ERR_RANGE: no
 * order at all (post-only that may not rest). */
int bybit_form_of(const struct venue_command *command, enum bybit_form *form);

/* bybit_template_make makes the template of one form. 0 or ERR_RANGE: does not fit. */
int bybit_template_make(struct bybit_template *made, const char *symbol, wire_side side,
                        enum bybit_form form);

/* bybit_args_write writes the JSON object of a PLACE, CANCEL or REPLACE: the body over REST, the
 * one argument over WebSocket. template may be NULL. Length, or ERR_RANGE (an id outside of the
 * charset, decimals that would be lost), ERR_UNSUPPORTED. Hot: no allocation, one pass. */
int bybit_args_write(const struct venue_command *command, const struct bybit_template *template,
                     char *out, size_t cap);

/* bybit_frame_write wraps args into a request of the trade connection. Length or ERR_RANGE. */
int bybit_frame_write(enum venue_op op, uint64_t req_id, const struct bybit_keys *keys,
                      int64_t wall_ns, const char *args, size_t args_len, char *out, size_t cap);

/* bybit_login_write writes the login of either connection. Length or an error. */
int bybit_login_write(struct bybit_keys *keys, bool is_trade, int64_t wall_ns, char *out,
                      size_t cap);

/* bybit_request_sign sets the headers of a request whose method, path and body stand. 0, ERR_AUTH,
 * ERR_RANGE, ERR_SYS. */
int bybit_request_sign(struct bybit_keys *keys, int64_t wall_ns, struct venue_request *request);

bool bybit_client_id_is_valid(const char *id);

/* ---- errors.c ---- */

enum bybit_class {
    BYBIT_REJECT,  /* Not done, final: the same again will fail again. */
    BYBIT_RETRY,   /* Not done; the same may work later. */
    BYBIT_UNKNOWN, /* May have been done: ask. */
    BYBIT_NOTHING, /* There was nothing to do, or it is done already. */
    BYBIT_FATAL,   /* Not done, and nothing private will be until someone acts. */
};

struct bybit_error {
    enum bybit_class kind;
    wire_reason why;
};

/* bybit_error_of classifies a return code. What the table does not know is UNKNOWN. */
struct bybit_error bybit_error_of(int64_t code);

/* bybit_status_error classifies an HTTP status whose body is no answer of the venue. */
struct bybit_error bybit_status_error(int status);

/* ---- the side itself ---- */

struct bybit_listed {
    char name[32]; /* Canonical, as configured. */
    enum bybit_category category;
    bool is_defined;
    struct wire_instrument definition;
    struct bybit_template place[2][FORM_COUNT]; /* buy, sell */
};

enum bybit_stage {
    STAGE_SENT,
    STAGE_ACKED /* The venue will look at it: the stream says what came of it. */
};

/* What a call is about, besides the engine's commands. */
enum bybit_call_kind {
    CALL_COMMAND,
    CALL_LISTING, /* Our own need: instruments-info of category. */
    CALL_FEES,    /* fee-rate of a symbol. */
};

struct bybit_pending {
    uint64_t id; /* 0: free. reqId over WebSocket, tag over REST. */
    enum bybit_call_kind kind;
    enum bybit_stage stage;
    bool is_rest;
    bool is_waiting; /* A walk's next call that could not be sent yet. */
    bool is_second;  /* QUERY: of the history, where realtime knew nothing. */
    uint8_t walk;    /* Index + 1; 0: none. */
    uint8_t listed;  /* FEES: index. */
    int64_t begun_ns, sent_ns, sent_wall_ns, acked_ns;
    struct venue_command command;
};

/* A command of several calls: scope by scope, window by window, page by page. */
struct bybit_walk {
    bool is_used;
    unsigned scope, page, rows; /* rows: of the scope so far. */
    int64_t from_ns;            /* Window's begin, wall; 0: none. */
    char cursor[BYBIT_CURSOR_MAX];
};

/* What one call of a walk is about. */
struct bybit_scope {
    enum bybit_category category;
    const char *symbol, *coin, *filter; /* NULL: not said. */
};

struct bybit_conn {
    bool is_open, is_logged_in, is_reconnecting;
    int64_t last_message_ns, ping_ns;
    int64_t login_at_ns; /* Log in (again) then; 0: no need. */
    unsigned attempts;
};

struct bybit_side {
    char ws_url[BYBIT_URL_MAX];
    struct bybit_keys keys;
    int32_t maker_ppm, taker_ppm;
    int64_t timeout_ns;
    struct bybit_listed *listed; /* VENUE_SYMBOLS_MAX */
    unsigned listed_count;
    bool has[BYBIT_CATEGORIES]; /* Some name of it is configured. */
    char coins[BYBIT_COINS_MAX][16];
    unsigned coin_count;

    struct bybit_conn conns[BYBIT_CONNS];
    bool is_subscribed; /* The private topics, acknowledged. */
    bool is_dcp_wanted; /* The dead-man switch's topics too. */
    int64_t subscribe_at_ns;
    bool was_order_up, was_stream_up; /* As last reported. */

    uint64_t next_id;
    struct bybit_pending pending[BYBIT_PENDING_MAX];
    unsigned pending_count;
    struct bybit_walk walks[BYBIT_WALKS_MAX];
    int64_t listing_at_ns[BYBIT_CATEGORIES];
    char listing_cursor[BYBIT_CATEGORIES][BYBIT_CURSOR_MAX];
    unsigned listing_page[BYBIT_CATEGORIES];
    int64_t fees_at_ns;
    unsigned fees_next;
    int64_t hold_until_ns; /* Nothing private over REST before. */

    uint64_t late_answers, rejected, messages;
    char args[2048], frame[VENUE_FRAME_MAX];
    struct venue_request request;
};

/* One call's worth of the outside. */
struct bybit_turn {
    struct bybit_side *side;
    const struct venue_clock *clock;
    const struct venue_out *out;
};

/* ---- order.c ---- */

struct bybit_listed *bybit_listed_of(struct bybit_side *side, enum bybit_category category,
                                     const char *symbol);

/* bybit_pending_new takes a free entry. NULL: none. bybit_pending_end frees it. */
struct bybit_pending *bybit_pending_new(const struct bybit_turn *turn,
                                        const struct venue_command *command);
void bybit_pending_end(struct bybit_side *side, struct bybit_pending *pending);
struct bybit_pending *bybit_pending_by_id(struct bybit_side *side, uint64_t id);

/* bybit_pending_of_order finds what waits for news of an order: by the venue's id where both know
 * it, else by the client's. */
struct bybit_pending *bybit_pending_of_order(struct bybit_side *side, enum venue_op op,
                                             enum bybit_category category, const char *client_id,
                                             const char *order_id);

/* bybit_call_send signs (private) and sends side->request for an entry. 0, ERR_CLOSED (held back),
 * or what request and signing say. */
int bybit_call_send(const struct bybit_turn *turn, struct bybit_pending *pending, bool is_private);

/* ---- order_session.c ---- */

void bybit_note(const struct bybit_turn *turn, const char *event, const char *format, ...)
    PRINTF_LIKE(3, 4);
void bybit_update_channels(const struct bybit_turn *turn, wire_reason why, const char *text);
size_t bybit_order_connections(void *state, struct venue_connection *out);
void bybit_order_opened(void *state, unsigned connection, const struct venue_clock *clock,
                        const struct venue_out *out);
void bybit_order_closed(void *state, unsigned connection, const struct venue_clock *clock,
                        const struct venue_out *out);
int bybit_order_frame(void *state, unsigned connection, const char *frame, size_t len,
                      const struct venue_clock *clock, const struct venue_out *out);
void bybit_session_tick(const struct bybit_turn *turn);
/* bybit_subscribe_dcp subscribes to (or leaves) the dead-man switch's topics. 0 or what send said.
 */
int bybit_subscribe_dcp(const struct bybit_turn *turn, bool is_on);

/* ---- order_answer.c ---- */

/* bybit_report_begin clears a report and fills in what it answers. command NULL: news. */
void bybit_report_begin(const struct bybit_turn *turn, struct venue_report *report,
                        enum venue_report_kind kind, const struct venue_command *command);
void bybit_report(const struct bybit_turn *turn, const struct venue_report *report);
/* bybit_report_done ends a list. */
void bybit_report_done(const struct bybit_turn *turn, const struct venue_command *command);

/* bybit_fail ends an entry with what a refusal means; bybit_fail_silent one that was not answered
 * (has_left) or never left. The entry is free afterwards. */
void bybit_fail(const struct bybit_turn *turn, struct bybit_pending *pending,
                const struct bybit_error *error, const char *text);
void bybit_fail_silent(const struct bybit_turn *turn, struct bybit_pending *pending, bool has_left,
                       const char *text);
void bybit_back_off(const struct bybit_turn *turn, int64_t wait_ns, const char *text);

/* bybit_on_ack takes the answer to a PLACE, CANCEL or REPLACE. data: the object with the ids. */
void bybit_on_ack(const struct bybit_turn *turn, struct bybit_pending *pending, int64_t code,
                  const char *text, const struct scan_value *data);
/* bybit_on_limit reports a limit as a header or a trade frame says it. */
void bybit_on_limit(const struct bybit_turn *turn, const struct bybit_pending *pending,
                    int64_t limit, int64_t left, int64_t reset_ms, bool is_exceeded);
int bybit_order_http(void *state, const struct venue_response *response,
                     const struct venue_clock *clock, const struct venue_out *out);

/* ---- order_walk.c ---- */

bool bybit_is_walk(enum venue_op op);
/* bybit_walk_begin starts a command of several calls. 0, ERR_FULL, ERR_RANGE, or what kept the
 * first call from being sent. */
int bybit_walk_begin(const struct bybit_turn *turn, const struct venue_command *command);
/* bybit_walk_on takes the result of a call and goes on; the command ends with the last. 0 or
 * ERR_PROTO: the result could not be read. */
int bybit_walk_on(const struct bybit_turn *turn, struct bybit_pending *pending,
                  const struct bybit_answer *answer);
/* bybit_walk_retry sends what could not be sent before. */
void bybit_walk_retry(const struct bybit_turn *turn, struct bybit_pending *pending);

/* Instruments and fees, our own need. */
void bybit_ask_listing(const struct bybit_turn *turn, enum bybit_category category);
int bybit_on_listing(const struct bybit_turn *turn, struct bybit_pending *pending,
                     const struct bybit_answer *answer);
void bybit_ask_fees(const struct bybit_turn *turn);
int bybit_on_fees(const struct bybit_turn *turn, struct bybit_pending *pending,
                  const struct bybit_answer *answer);

/* ---- order_view.c: rows. 0, ERR_PROTO, ERR_UNSUPPORTED (of a product that we do not have) ---- */

struct bybit_order_row {
    enum bybit_category category;
    struct scan_value cancel_type, reject_reason;
    bool is_conditional; /* Not triggered yet. */
    bool is_rejected;    /* As the venue calls it; with executions it is a cancelled one here. */
};

/* bybit_read_order fills the fields of an order into a report begun. category: of the list; of the
 * stream BYBIT_CATEGORIES, where the row says it. */
int bybit_read_order(const struct bybit_turn *turn, const struct scan_value *row,
                     enum bybit_category category, struct bybit_order_row *more,
                     struct venue_report *report);

/* bybit_end_reason says why an order ended. */
wire_reason bybit_end_reason(const struct bybit_order_row *row);

/* bybit_read_execution fills a report: REPORT_FILL, REPORT_FUNDING, or another kind of row, which
 * is ERR_UNSUPPORTED. */
int bybit_read_execution(const struct bybit_turn *turn, const struct scan_value *row,
                         enum bybit_category category, struct venue_report *report);

/* bybit_read_position fills a report begun. *is_hedge: the row is of one side of hedge mode. */
int bybit_read_position(const struct bybit_turn *turn, const struct scan_value *row,
                        struct venue_report *report, bool *is_hedge);

/* bybit_report_wallet reports each coin of one account object. 0 or ERR_PROTO. */
int bybit_report_wallet(const struct bybit_turn *turn, const struct scan_value *account,
                        const struct venue_command *command, int64_t exchange_ns);

/* bybit_report_place names instrument and exponents in a report. */
void bybit_report_place(struct bybit_side *side, struct venue_report *report,
                        enum bybit_category category, const char *symbol);

/* ---- order_stream.c ---- */

/* bybit_on_topic takes a frame of the private stream. 0 or ERR_PROTO. */
int bybit_on_topic(const struct bybit_turn *turn, const struct scan_value *topic,
                   const struct scan_value *data, int64_t exchange_ns);

#endif
