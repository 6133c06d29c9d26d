/* order.h - the order side's state, and what its files offer one another.
 *
 * order.c          init, commands and the way they take, time
 * order_session.c  login, private channels, how commands end badly
 * order_request.c  what is sent: templates, frames, bodies, signatures
 * order_ws.c       what comes back over WebSocket: answers, login, channels
 * order_row.c      rows of orders and fills as reports; what they mean for commands that wait
 * order_account.c  balances, positions, funding payments, the account's mode
 * order_rest.c     calls over REST: sent, refused, unanswered
 * order_list.c     what successful calls say, and commands that take several of them
 * errors.c         the venue's codes by what follows from them
 *
 * Over WebSocket orders are placed, amended and cancelled; everything else is REST. That a cancel
 * or an amendment was accepted does not say that it was done: the command is answered by the
 * order's own news, or, while no private stream is up, by asking for the order. */
#ifndef TICKPIPE_VENUES_OKX_ORDER_H
#define TICKPIPE_VENUES_OKX_ORDER_H

#include "common/pure/crypto.h"
#include "venues/okx/okx.h"

enum {
    OKX_CLIENT_ID_MAX = 32,
    OKX_PENDING_MAX = 256, /* Commands without their answer, both ways; power of two. */
    OKX_PAGE = 100,        /* Rows of a list's page. */
    OKX_PAGES_MAX = 200,
    OKX_BATCH = 20, /* Orders of one batch cancel. */
    OKX_SWEEPS_MAX = 20,
    OKX_ORDER_CONNECTION = 0,
    OKX_AMOUNT_EXP = 8,
    OKX_ORDERS_PER_WINDOW = 60, /* Placed on one instrument in two seconds. */
};

/* ---- errors.c ---- */

enum okx_class {
    OKX_REJECT,  /* Not done, final: the same again will fail again. */
    OKX_RETRY,   /* Not done; the same may work later. */
    OKX_UNKNOWN, /* May have been done: ask. */
    OKX_LOGIN,   /* Not done: the session is not logged in. */
    OKX_FATAL,   /* Not done, and nothing private will be until someone acts. */
    OKX_DONE,    /* Being done already. */
};

struct okx_error {
    enum okx_class kind;
    wire_reason why;
    int64_t back_off_ns; /* Nothing private before now plus that; 0: no need. */
};

struct okx_error okx_error_of(int code);

/* okx_cancel_reason says why an order ended, by its cancelSource. */
wire_reason okx_cancel_reason(int source);

/* ---- order_request.c ---- */

enum okx_form { FORM_LIMIT, FORM_POST_ONLY, FORM_IOC, FORM_FOK, FORM_MARKET, FORM_COUNT };

/* okx_form_of says how to word a PLACE. 0; ERR_UNSUPPORTED: no such order here (reduce-only on
 * spot); ERR_RANGE: no order at all (post-only that may not rest). */
int okx_form_of(const struct venue_command *command, enum okx_form *form);

/* An order's text up to its quantity, by side and form, and what follows the quantity. */
struct okx_template {
    char head[112];
    uint8_t len; /* 0: not made. */
};
struct okx_middle {
    char text[80];
    uint8_t len;
};

struct okx_window {
    int64_t began_ns;
    uint32_t count, reported;
};

/* An instrument that is traded. */
struct okx_listed {
    char name[32], symbol[32];
    uint64_t instrument;
    wire_instrument_kind kind;
    bool is_defined;
    uint64_t inst_code;
    struct okx_scale scale;
    struct wire_instrument definition;
    struct okx_template rest[2][FORM_COUNT], ws[2][FORM_COUNT]; /* buy, sell */
    struct okx_middle middle;
    struct okx_window window;
};

/* okx_order_prepare makes the templates of an instrument. account_level: of the account's mode, 0
 * while unknown: then spot trades cash. */
void okx_order_prepare(struct okx_listed *listed, int account_level);

struct okx_keys {
    char api_key[128], passphrase[128];
    struct hmac_key secret;
    bool is_set;
};
/* okx_keys_init takes key, secret and passphrase; all empty is allowed (nothing private will
 * work). 0, ERR_AUTH: one without the others; ERR_SYS. fini wipes; twice is fine. */
int okx_keys_init(struct okx_keys *keys, const char *api_key, const char *secret,
                  const char *passphrase);
void okx_keys_fini(struct okx_keys *keys);

/* okx_sign gives base64(HMAC-SHA256(secret, time + method + path + body)). 0 or ERR_RANGE. */
enum { OKX_SIGN_TEXT = 48 };
int okx_sign(struct okx_keys *keys, const char *time, const char *method, const char *path,
             const char *body, size_t body_len, char out[OKX_SIGN_TEXT]);

/* Which call of a command. */
enum okx_step {
    STEP_ONLY,    /* What the command itself says. */
    STEP_HISTORY, /* QUERY, second half: orders that have ended. */
    STEP_CONFIRM, /* CANCEL, REPLACE: what became of it. */
    STEP_SWAP,    /* Lists by product, second half. */
    STEP_SWEEP,   /* CANCEL_ALL: the cancels between two lists. */
};

struct okx_pending {
    uint64_t id; /* 0: free. Of the WebSocket frame, tag of the REST call. */
    struct venue_command command;
    enum okx_step step;
    bool is_ws;
    bool is_own;       /* A need of ours: nobody waits for its reports. */
    bool is_accepted;  /* CANCEL, REPLACE: the order's news will say what became of it. */
    bool is_waiting;   /* To be sent (again) at again_at_ns. */
    bool is_sent_once; /* Something of it has left: no NEVER_SENT any more. */
    bool is_retried;   /* Once already, with a fresh time. */
    unsigned page, tries;
    char cursor[40]; /* Where the next page begins. */
    int64_t begun_ns, again_at_ns, sent_wall_ns;
};

struct okx_side;

/* okx_call_write writes and signs the REST request of a pending command. 0, ERR_RANGE,
 * ERR_UNSUPPORTED, ERR_AUTH (no keys). Hot for PLACE and CANCEL: no allocation of ours. */
int okx_call_write(struct okx_side *side, const struct okx_pending *pending, int64_t wall_ns,
                   struct venue_request *out);

/* okx_deadline gives when the venue shall not take a command any more; 0: whenever it comes. A
 * cancel is never too late. */
int64_t okx_deadline(const struct okx_side *side, const struct venue_command *command,
                     int64_t wall_ns);

/* okx_frame_write writes PLACE, CANCEL or REPLACE as a WebSocket frame. Length, or an error as
 * above. Hot. */
int okx_frame_write(struct okx_side *side, const struct venue_command *command, uint64_t id,
                    int64_t deadline_ns, char *out, size_t cap);

/* okx_login_write writes the login frame. Length or ERR_RANGE. */
int okx_login_write(struct okx_keys *keys, int64_t wall_ns, char *out, size_t cap);

bool okx_client_id_is_valid(const char *id);

/* ---- the side itself ---- */

enum okx_stream {
    STREAM_ORDERS,
    STREAM_ACCOUNT,
    STREAM_BALANCE_AND_POSITION,
    STREAM_POSITIONS, /* Where swaps are traded. */
    STREAM_COUNT,
};

/* CANCEL_ALL: what a list has found, cancelled in batches. One at a time. */
struct okx_sweep {
    uint64_t id; /* Of its pending command; 0: none under way. */
    struct {
        char symbol[32], order_id[40];
    } orders[OKX_PAGE];
    unsigned count, at;
};

struct okx_side {
    char url[320];
    struct okx_keys keys;
    int32_t maker_ppm, taker_ppm;
    int64_t deadline_ns, timeout_ns;
    struct okx_listed *listed; /* VENUE_SYMBOLS_MAX */
    unsigned listed_count;
    int account_level; /* acctLv; 0: not told. */
    bool has_metadata; /* Both lists were read: quantities can be told. */
    uint64_t metadata_bad;

    bool is_open, is_reconnecting, is_logged_in;
    int64_t login_at_ns;     /* Log in (again) then; 0: no need. */
    int64_t login_sent_ns;   /* 0: no answer awaited. */
    int64_t reconnect_at_ns; /* Planned; 0: not. */
    bool is_stream_up[STREAM_COUNT];
    int64_t subscribe_at_ns; /* Subscribe (again) then; 0: no need. */
    bool was_order_up, was_stream_up;
    int64_t last_message_ns, ping_ns;

    uint64_t generation;
    struct okx_pending pending[OKX_PENDING_MAX];
    unsigned pending_count;
    struct okx_sweep sweep;
    int64_t metadata_at_ns;
    int64_t hold_until_ns; /* Locked out: nothing private before. */
    uint64_t late_answers, rejected, messages;
    char frame[VENUE_FRAME_MAX];
    struct venue_request request;
};

/* One call's worth of the outside. */
struct okx_turn {
    struct okx_side *side;
    const struct venue_clock *clock;
    const struct venue_out *out;
};

/* ---- order_session.c ---- */

void okx_note(const struct okx_turn *turn, const char *event, const char *format, ...)
    PRINTF_LIKE(3, 4);
struct okx_listed *okx_listed_of(struct okx_side *side, const char *symbol);
bool okx_trades_swaps(const struct okx_side *side);

/* okx_report_begin clears a report and fills in what it answers. pending NULL: news. */
void okx_report_begin(const struct okx_turn *turn, struct venue_report *report,
                      enum venue_report_kind kind, const struct okx_pending *pending);
/* okx_report_instrument names the instrument of a symbol in a report, with its exponents; kind
 * helps where the symbol is not one of ours. Gives the scale of its quantities. */
const struct okx_scale *okx_report_instrument(struct okx_side *side, struct venue_report *report,
                                              const char *symbol, wire_instrument_kind kind);
void okx_report(const struct okx_turn *turn, const struct venue_report *report);

struct okx_pending *okx_pending_new(const struct okx_turn *turn,
                                    const struct venue_command *command);
struct okx_pending *okx_pending_of(struct okx_side *side, uint64_t id);
/* okx_pending_end frees the slot and gives what was in it. */
struct okx_pending okx_pending_end(struct okx_side *side, struct okx_pending *pending);

/* Each ends the pending command with the one report that says what is known. */
void okx_done(const struct okx_turn *turn, struct okx_pending *pending);
void okx_fail(const struct okx_turn *turn, struct okx_pending *pending, int code, const char *text,
              size_t len);
enum okx_silence { SILENCE_NEVER_SENT, SILENCE_NO_ANSWER };
void okx_fail_silent(const struct okx_turn *turn, struct okx_pending *pending,
                     enum okx_silence what, const char *text);
/* okx_consequences does what an error asks for besides the command's end. */
void okx_consequences(const struct okx_turn *turn, const struct okx_error *error, const char *text,
                      size_t len);
void okx_back_off(const struct okx_turn *turn, int64_t wait_ns, wire_reason why, const char *text);

bool okx_is_about_order(enum venue_op op);
bool okx_is_stream_up(const struct okx_side *side);
void okx_update_channels(const struct okx_turn *turn, wire_reason why, const char *text);
void okx_login(const struct okx_turn *turn);
void okx_logged_in(const struct okx_turn *turn);
void okx_login_failed(const struct okx_turn *turn, int code, const char *text, size_t len);
void okx_subscribe(const struct okx_turn *turn);
void okx_order_opened(void *state, unsigned connection, const struct venue_clock *clock,
                      const struct venue_out *out);
void okx_order_closed(void *state, unsigned connection, const struct venue_clock *clock,
                      const struct venue_out *out);

/* ---- order.c ---- */

/* okx_charge counts an order on the venue's limit of its instrument. */
void okx_charge(const struct okx_turn *turn, const struct venue_command *command);
/* okx_take_meta (ctx: struct okx_turn) takes an instrument's metadata. */
void okx_take_meta(void *ctx, const struct okx_meta *meta);
void okx_account_level(struct okx_side *side, int level);

/* ---- order_ws.c ---- */

int okx_order_frame(void *state, unsigned connection, const char *frame, size_t len,
                    const struct venue_clock *clock, const struct venue_out *out);

/* okx_acked takes one element of an answer's data to a PLACE, CANCEL or REPLACE, of either way.
 * false: it cannot be read. */
bool okx_acked(const struct okx_turn *turn, struct okx_pending *pending,
               const struct scan_value *item);

/* ---- order_row.c ---- */

/* okx_row_report fills a report from a row of an order. 0 or ERR_PROTO. */
int okx_row_report(const struct okx_turn *turn, const struct scan_value *row,
                   const struct okx_pending *pending, struct venue_report *out);
/* okx_row_fill fills a report from a row of a fill (REST). 0 or ERR_PROTO. */
int okx_row_fill(const struct okx_turn *turn, const struct scan_value *row,
                 const struct okx_pending *pending, struct venue_report *out);
/* okx_on_orders takes the data of channel orders. 0 or ERR_PROTO. */
int okx_on_orders(const struct okx_turn *turn, const struct scan_value *data);

/* ---- order_account.c: data arrays of channels and of answers. 0 or ERR_PROTO ---- */

int okx_on_balances(const struct okx_turn *turn, const struct okx_pending *pending,
                    const struct scan_value *data);
int okx_on_positions(const struct okx_turn *turn, const struct okx_pending *pending,
                     const struct scan_value *data);
int okx_on_balance_and_position(const struct okx_turn *turn, const struct scan_value *data);
/* okx_on_config judges the account's mode and ends the command. */
int okx_on_config(const struct okx_turn *turn, struct okx_pending *pending,
                  const struct scan_value *data);
/* okx_on_bill reports a funding payment. */
int okx_on_bill(const struct okx_turn *turn, const struct okx_pending *pending,
                const struct scan_value *row);

/* ---- order_rest.c ---- */

int okx_order_http(void *state, const struct venue_response *response,
                   const struct venue_clock *clock, const struct venue_out *out);
/* okx_rest_begin starts a command. 0, ERR_FULL, or what okx_call_write says. */
int okx_rest_begin(const struct okx_turn *turn, const struct venue_command *command, bool is_own);
/* okx_rest_go_on sends the next request of the same command, after wait_ns. */
void okx_rest_go_on(const struct okx_turn *turn, struct okx_pending *pending, int64_t wait_ns);
void okx_rest_tick(const struct okx_turn *turn);

/* ---- order_list.c ---- */

/* okx_take_data reads the data of a successful call and reports what it says; it ends the command
 * or sends its next request. 0 or ERR_PROTO: not in words that we know, the command is pending. */
int okx_take_data(const struct okx_turn *turn, struct okx_pending *pending,
                  const struct scan_value *data);

#endif
