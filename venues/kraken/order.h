/* order.h - the order side's state, and what its files offer one another.
 *
 * order.c          init, commands and the way they take, timeouts
 * order_session.c  the private session (token, channels) and how commands end badly
 * order_request.c  what is sent: templates, frames, bodies, signatures
 * order_ws.c       what comes back over WebSocket: answers, acks, sequences
 * order_stream.c   channels executions and balances as reports
 * order_cache.c    what is known of each order, for frames that say only what changed
 * order_rest.c     calls over REST: sent in turn, refused, unanswered
 * order_answer.c   what successful calls say, and commands that take several of them
 * order_rate.c     the venue's two rate counters, followed from this side
 *
 * Over WebSocket orders are placed, amended and cancelled, the dead-man switch is armed and the
 * clock measured; questions exist over REST only. Both ways share the command and the reports. */
#ifndef TICKPIPE_VENUES_KRAKEN_ORDER_H
#define TICKPIPE_VENUES_KRAKEN_ORDER_H

#include "common/pure/crypto.h"
#include "common/pure/order_cache.h"
#include "venues/kraken/kraken.h"

enum {
    KRAKEN_CLIENT_ID_MAX = 18, /* Free form; UUIDs may be 32 or 36 long. */
    KRAKEN_TOKEN_MAX = 256,
    KRAKEN_WS_PENDING = 256,  /* Power of two: requests over WebSocket without an answer. */
    KRAKEN_REST_PENDING = 64, /* Calls without an answer or waiting for their turn. */
    KRAKEN_PAGES_MAX = 200,   /* Of 50 executions. */
    KRAKEN_PAGE = 50,
    KRAKEN_ORDER_CONNECTION = 0,
};

/* ---- order_request.c ---- */

/* How an order is worded: its side apart, these are all that spot has here. */
enum kraken_form { FORM_LIMIT, FORM_POST_ONLY, FORM_IOC, FORM_MARKET, FORM_COUNT };

/* A request's text up to its first slot. */
struct kraken_template {
    char text[640];
    uint16_t len; /* 0: not made. */
};

/* kraken_form_of says how to word a PLACE. 0; ERR_UNSUPPORTED: the venue has no such order here
 * (FOK, reduce-only); ERR_RANGE: no order at all (post-only that may not rest). */
int kraken_form_of(const struct venue_command *command, enum kraken_form *form);

/* kraken_order_prepare makes the template of an add_order frame. 0 or ERR_RANGE: does not fit. */
int kraken_order_prepare(struct kraken_template *template, const char *symbol, wire_side side,
                         enum kraken_form form, const char *token);

/* kraken_order_fill completes a frame: quantity, price, client id, deadline, request id. Returns
 * its length, or ERR_RANGE (decimals that would be lost, an id outside the venue's charset). Hot:
 * no allocation, one pass. */
int kraken_order_fill(const struct kraken_template *template, const struct venue_command *command,
                      enum kraken_form form, int64_t deadline_ns, uint64_t req_id, char *out,
                      size_t cap);

/* kraken_frame writes the frame of any other command that WebSocket takes. Length, ERR_RANGE or
 * ERR_UNSUPPORTED. */
int kraken_frame(const struct venue_command *command, const char *token, int64_t deadline_ns,
                 uint64_t req_id, char *out, size_t cap);

struct kraken_keys {
    char api_key[256];
    struct hmac_key secret;
    bool is_set;
};

/* kraken_keys_init takes the key and its base64 secret; both empty is allowed (nothing private will
 * work). 0, ERR_AUTH: not base64, or one without the other; ERR_SYS. fini wipes; twice is fine. */
int kraken_keys_init(struct kraken_keys *keys, const char *api_key, const char *secret);
void kraken_keys_fini(struct kraken_keys *keys);

/* kraken_sign gives API-Sign of a body whose first member is nonce=NONCE: base64 of
 * HMAC-SHA512(secret, path + SHA256(NONCE + body)). 0 or ERR_SYS. */
int kraken_sign(struct kraken_keys *keys, const char *path, const char *nonce, const char *body,
                size_t body_len, char out[96]);

/* Which private call, for kraken_call_write. */
enum kraken_step {
    STEP_ONLY,   /* What the command itself says. */
    STEP_CLOSED, /* QUERY by client id, second half: closed orders. */
    STEP_TOKEN,  /* Not of a command: GetWebSocketsToken. */
    STEP_PAIRS,  /* Not of a command: AssetPairs. */
};

/* kraken_call_write writes and signs the REST request of a command. offset: first execution of the
 * page; deadline_ns: of a new order, by the venue's clock, 0: none. 0, ERR_RANGE, ERR_UNSUPPORTED,
 * ERR_AUTH (no keys), ERR_SYS. *out is unchanged on error only in tag. Hot for PLACE and CANCEL: no
 * allocation of ours. */
int kraken_call_write(struct kraken_keys *keys, const struct kraken_names *names,
                      const struct venue_command *command, enum kraken_step step, unsigned offset,
                      int64_t deadline_ns, uint64_t nonce, struct venue_request *out);

bool kraken_client_id_is_valid(const char *id);

/* ---- order_rate.c ---- */

/* The trading engine's counter of one pair, and REST's: both in thousandths. */
struct kraken_counter {
    int64_t milli;
    int64_t at_ns;
    uint32_t reported;
};

struct kraken_tier {
    uint32_t engine_max, engine_milli_per_s;
    uint32_t rest_max, rest_milli_per_s;
};
/* kraken_tier_of gives the tier whose engine threshold was announced; the smallest where unknown.
 */
const struct kraken_tier *kraken_tier_of(uint64_t max_rate_count);
int64_t kraken_counter_now(struct kraken_counter *counter, uint32_t milli_per_s, int64_t now_ns);
void kraken_counter_add(struct kraken_counter *counter, uint32_t milli_per_s, int64_t milli,
                        int64_t now_ns);
/* kraken_engine_cost gives the points of PLACE, REPLACE or CANCEL, in thousandths, of an order of
 * that age. */
int64_t kraken_engine_cost(enum venue_op op, int64_t age_ns);

/* ---- the side itself ---- */

struct kraken_listed {
    char symbol[32];
    uint64_t instrument;
    bool is_defined;
    struct wire_instrument definition;
    struct kraken_template place[2][FORM_COUNT]; /* buy, sell */
    struct kraken_counter counter;
};

struct kraken_ws_pending {
    uint64_t req_id; /* 0: free */
    struct venue_command command;
    int64_t sent_ns, sent_wall_ns;
};

/* What the venue takes for the deadline of an order. */
#define KRAKEN_DEADLINE_MAX_NS      (60 * NS_PER_S)
#define KRAKEN_REST_DEADLINE_MIN_NS (2 * NS_PER_S)

struct kraken_rest_pending {
    uint64_t tag; /* 0: free */
    enum kraken_step step;
    struct venue_command command; /* request_id 0: our own need. */
    unsigned offset, page;
    bool is_waiting;   /* Not sent yet: for the rate counter, or because the shell was full. */
    bool is_retried;   /* Once already, with a fresh nonce. */
    bool is_sent_once; /* Something of it has left: no NEVER_SENT any more. */
    int64_t begun_ns;
    int64_t sent_wall_ns;
    int64_t deadline_ns; /* Of a new order, the venue's clock; 0: none. */
};

enum kraken_channel_id { CHANNEL_EXECUTIONS, CHANNEL_BALANCES, CHANNEL_COUNT };

struct kraken_channel {
    bool is_up;        /* Acknowledged, and no hole since. */
    uint64_t req_id;   /* Of the last subscribe. */
    uint64_t sequence; /* Last one seen; 0: the first is awaited. */
    int64_t ask_at_ns; /* Subscribe again then; 0: no need. */
};

struct kraken_side {
    char ws_url[256];
    struct kraken_keys keys;
    int32_t maker_ppm, taker_ppm;
    int64_t deadline_ns, timeout_ns;
    struct kraken_names names;
    struct kraken_listed *listed; /* VENUE_SYMBOLS_MAX */
    unsigned listed_count;

    bool is_open;
    char token[KRAKEN_TOKEN_MAX]; /* "": none. */
    int64_t token_at_ns;          /* Ask (again) then; 0: no need. */
    unsigned token_attempt;
    uint64_t token_tag;
    struct kraken_channel channels[CHANNEL_COUNT];
    bool was_order_up, was_stream_up; /* As last reported. */
    int64_t last_message_ns, ping_ns;
    bool is_reconnecting;

    uint64_t req_id, generation;
    struct kraken_ws_pending ws[KRAKEN_WS_PENDING];
    unsigned ws_count;
    struct kraken_rest_pending rest[KRAKEN_REST_PENDING];
    struct order_cache cache;
    const struct kraken_tier *tier;
    struct kraken_counter rest_counter;
    int64_t metadata_at_ns;
    int64_t hold_until_ns; /* Locked out: nothing private before. */
    uint64_t last_nonce;

    uint64_t late_answers, sequence_gaps, rejected, messages;
    char frame[VENUE_FRAME_MAX];
    struct venue_request request;
};

/* One call's worth of the outside. */
struct kraken_turn {
    struct kraken_side *side;
    const struct venue_clock *clock;
    const struct venue_out *out;
};

/* ---- order_session.c ---- */

void kraken_note(const struct kraken_turn *turn, const char *event, const char *format, ...)
    PRINTF_LIKE(3, 4);
struct kraken_listed *kraken_listed_of(struct kraken_side *side, const char *symbol);

/* kraken_report_begin clears a report and fills in what it answers. command NULL: news. */
void kraken_report_begin(const struct kraken_turn *turn, struct venue_report *report,
                         enum venue_report_kind kind, const struct venue_command *command);
/* kraken_report_instrument names the instrument of a symbol in a report, with its exponents. */
void kraken_report_instrument(struct kraken_side *side, struct venue_report *report,
                              const char *symbol);
void kraken_report(const struct kraken_turn *turn, const struct venue_report *report);

/* kraken_fail ends a command that the venue refused or did not answer, with the one report that
 * says what is known. */
void kraken_fail(const struct kraken_turn *turn, const struct venue_command *command,
                 const struct kraken_error *error, const char *text, size_t len);
enum kraken_silence { SILENCE_NEVER_SENT, SILENCE_NO_ANSWER };
void kraken_fail_silent(const struct kraken_turn *turn, const struct venue_command *command,
                        enum kraken_silence what, const char *text);
/* kraken_consequences does what an error asks for besides the command's end: back off, new token,
 * limits. */
void kraken_consequences(const struct kraken_turn *turn, const struct venue_command *command,
                         const struct kraken_error *error);

void kraken_update_channels(const struct kraken_turn *turn, wire_reason why, const char *text);
void kraken_take_token(const struct kraken_turn *turn, const char *token);
void kraken_drop_token(const struct kraken_turn *turn, int64_t wait_ns, wire_reason why,
                       const char *text);
void kraken_subscribe(const struct kraken_turn *turn, enum kraken_channel_id id, bool is_again);

void kraken_ask_token(const struct kraken_turn *turn);
bool kraken_is_about_order(enum venue_op op);
struct kraken_listed *kraken_listed_of_command(const struct kraken_turn *turn,
                                               const struct venue_command *command);
/* listed NULL: REST's counter. */
void kraken_report_limit(const struct kraken_turn *turn, const struct kraken_listed *listed,
                         uint32_t used, uint32_t limit);

/* struct venue_order_ops.opened and .closed. */
void kraken_order_opened(void *state, unsigned connection, const struct venue_clock *clock,
                         const struct venue_out *out);
void kraken_order_closed(void *state, unsigned connection, const struct venue_clock *clock,
                         const struct venue_out *out);

/* ---- order.c ---- */

/* kraken_charge counts what a command costs on the venue's counters. */
void kraken_charge(const struct kraken_turn *turn, const struct venue_command *command);

/* ---- order_ws.c, order_stream.c ---- */

int kraken_order_frame(void *state, unsigned connection, const char *frame, size_t len,
                       const struct venue_clock *clock, const struct venue_out *out);
/* Readers of one channel message's data. 0 or ERR_PROTO. */
int kraken_on_executions(const struct kraken_turn *turn, const struct scan_value *data,
                         bool is_snapshot);
int kraken_on_balances(const struct kraken_turn *turn, const struct scan_value *data,
                       bool is_snapshot);

/* kraken_report_balance reports one asset's balance. locked < 0: worked out from open orders. */
void kraken_report_balance(const struct kraken_turn *turn, const struct venue_command *command,
                           const char *asset, const struct scan_value *total,
                           const struct scan_value *locked, int64_t exchange_ns);

/* ---- order_rest.c ---- */

int kraken_order_http(void *state, const struct venue_response *response,
                      const struct venue_clock *clock, const struct venue_out *out);
/* kraken_rest_begin starts a command (or, with step TOKEN or PAIRS, a need of our own). 0,
 * ERR_FULL, or what kraken_call_write says. */
int kraken_rest_begin(const struct kraken_turn *turn, const struct venue_command *command,
                      enum kraken_step step);
/* kraken_rest_go_on sends the next request of the same command; later where it cannot be now. */
void kraken_rest_go_on(const struct kraken_turn *turn, struct kraken_rest_pending *pending);
/* kraken_rest_forget drops what we asked for ourselves by that step: nobody waits for it any more.
 */
void kraken_rest_forget(struct kraken_side *side, enum kraken_step step);
/* kraken_rest_tick gives up what is too old and, where this turn's nonce is still free, sends what
 * waits: at most one signature a turn. */
void kraken_rest_tick(const struct kraken_turn *turn, bool may_send);

/* ---- order_answer.c ---- */

/* How a successful answer was taken. */
enum kraken_taken {
    KRAKEN_TAKEN_ENDS,    /* The command has its report. */
    KRAKEN_TAKEN_GOES_ON, /* Another request is on its way, or waits. */
    KRAKEN_TAKEN_UNREAD,  /* Success, they say, but not in words that we know. */
};

/* kraken_take_result reads the result of a call and reports what it says. */
enum kraken_taken kraken_take_result(const struct kraken_turn *turn,
                                     struct kraken_rest_pending *pending,
                                     const struct scan_value *result);
void kraken_report_no_such_order(const struct kraken_turn *turn,
                                 const struct venue_command *command);

#endif
