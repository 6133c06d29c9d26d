/* order.h - the order side's state, and what its files offer one another.
 *
 * order.c          session: what is asked for, the table of what is in flight, commands, time
 * order_request.c  requests and signatures
 * order_read.c     order objects, fills, accounts: readers that fill reports
 * order_answer.c   answers of REST, the pages of lists, refusals
 * order_stream.c   the user channel
 * errors.c         what refusals mean */
#ifndef TICKPIPE_VENUES_COINBASE_ORDER_H
#define TICKPIPE_VENUES_COINBASE_ORDER_H

#include "common/pure/crypto.h"
#include "common/pure/order_cache.h"
#include "common/pure/pace.h"
#include "venues/coinbase/coinbase.h"

enum {
    ORDER_PENDING_MAX = 256,
    ORDER_KEY_MAX = 128,
    ORDER_CURSOR_MAX = 64,
    ORDER_PAGE = 1000,        /* Largest page of every list. */
    ORDER_PAGE_LEAST = 100,   /* What older pages of the venue say that the largest is. */
    ORDER_PAGES_MAX = 50,     /* Of one list: more open orders than the venue allows. */
    ORDER_CANCEL_ROUNDS = 10, /* "Best effort: repeat until []". */
};

/* ---- requests ---- */

enum order_kind {
    ASK_PLACE,
    ASK_CANCEL,
    ASK_QUERY,
    ASK_OPEN_ORDERS,
    ASK_CANCEL_ALL,
    ASK_ACCOUNTS,
    ASK_FILLS,
    ASK_TIME,
    ASK_PRODUCTS,
    ASK_FEES,
};

struct order_keys {
    char key[ORDER_KEY_MAX], passphrase[ORDER_KEY_MAX];
    struct hmac_key hmac;
    bool is_set;
};

/* What a request needs besides the command. */
struct order_page {
    char cursor[ORDER_CURSOR_MAX]; /* CB-AFTER of the page before; "": the first. */
    const char *symbol;            /* FILLS: of the instrument whose turn it is. */
};

/* coinbase_request_write fills method, path, body and headers. 0; ERR_RANGE (an id that is no UUID,
 * decimals that do not fit, an order that the venue has no words for), ERR_UNSUPPORTED, ERR_AUTH
 * (no keys). Hot for PLACE and CANCEL: text and one HMAC, no allocation of ours. */
int coinbase_request_write(struct order_keys *keys, enum order_kind kind,
                           const struct venue_command *command, const struct order_page *page,
                           const struct venue_clock *clock, struct venue_request *out);

/* coinbase_subscribe_write writes the signed subscription to channels user and heartbeat of
 * products, a list of JSON strings. The length, or ERR_RANGE. */
int coinbase_subscribe_write(struct order_keys *keys, const char *products,
                             const struct venue_clock *clock, char *out, size_t cap);

/* coinbase_sign signs timestamp + method + path + body, in the venue's base64. 0 or ERR_SYS. */
enum { ORDER_SIGN_TEXT = 48, ORDER_TIME_TEXT = 24 };
int coinbase_sign(struct order_keys *keys, const char *timestamp, const char *method,
                  const char *path, const char *body, size_t body_len, char out[ORDER_SIGN_TEXT]);

/* coinbase_timestamp writes unix seconds, with milliseconds where there are any. */
void coinbase_timestamp(int64_t wall_ns, char out[ORDER_TIME_TEXT]);

/* ---- refusals ---- */

enum refusal {
    REFUSAL_FINAL,   /* Not executed; the same again would be refused again. */
    REFUSAL_RETRY,   /* Not executed; may be tried again later. */
    REFUSAL_LIMIT,   /* Not executed; a limit must pass first. */
    REFUSAL_UNKNOWN, /* May have been executed: ask. */
    REFUSAL_FATAL,   /* Not executed; the key is no good. */
};
struct order_refusal {
    enum refusal kind;
    wire_reason why;
};

/* coinbase_refusal_of classifies an answer other than 200 by its status and its "message" ("": the
 * body was none of the venue's). */
struct order_refusal coinbase_refusal_of(int status, const char *message);

/* coinbase_reject_reason reads reject_reason of an order, or cancel_reason of a done message. */
wire_reason coinbase_reject_reason(const char *text);
wire_reason coinbase_cancel_reason(const char *text);

/* ---- the session ---- */

struct order_product {
    char name[32];                     /* Canonical, wanted. */
    struct wire_instrument definition; /* header.size 0: not known yet. */
    struct coinbase_flags flags;
    bool is_new; /* Not announced yet as it is now. */
};

struct order_pending {
    uint64_t tag; /* 0: free. */
    enum order_kind kind;
    bool is_waiting;     /* Not in flight: its next request goes at again_ns. */
    bool is_end_awaited; /* CANCEL: the venue said yes; the user channel will say the end. */
    bool is_retried;     /* Its timestamp was refused once. */
    int64_t begun_ns, again_ns;
    int64_t sent_wall_ns; /* Of the last request. */
    unsigned rounds;      /* Pages read, or CANCEL_ALL sent. */
    size_t product;       /* FILLS: whose turn it is. */
    bool is_one_product;
    char cursor[ORDER_CURSOR_MAX];
    struct venue_command command;
};

struct coinbase_order {
    char venue[16];
    char url[COINBASE_URL_MAX];
    struct order_keys keys;
    int32_t maker_fee_ppm, taker_fee_ppm;
    struct order_product products[VENUE_SYMBOLS_MAX];
    size_t product_count;
    struct order_cache cache;

    struct order_pending pending[ORDER_PENDING_MAX];
    uint64_t next_tag;
    uint64_t late_answers, rejected;

    bool is_started, has_products;
    int64_t metadata_at_ns, fees_at_ns;
    int64_t hold_until_ns; /* 429: nothing of our own before. */
    unsigned holds;
    struct rate_limit fills; /* /fills has a bucket of its own. */
    bool is_paced;

    bool is_open, is_stream_up, is_told; /* is_told: of the channel, at all. */
    int64_t subscribe_ns;                /* Asked then, unanswered; 0: no. */
    unsigned subscribed;                 /* Products in the subscription. */

    struct venue_request request;
};

struct order_turn {
    struct coinbase_order *order;
    const struct venue_clock *clock;
    const struct venue_out *out;
};

/* ---- order.c ---- */

/* coinbase_begin enters a request of kind for command and sends it. 0 or what
 * coinbase_request_write or the shell says (ERR_FULL too when the table is full); nothing is
 * entered then. */
int coinbase_begin(const struct order_turn *turn, enum order_kind kind,
                   const struct venue_command *command);

/* coinbase_go_on sends the next request of an entry: the next page, the next product, once more.
 * Later where the pace or the shell does not allow it now. */
void coinbase_go_on(const struct order_turn *turn, struct order_pending *pending);

static inline void coinbase_release(struct order_pending *pending)
{
    pending->tag = 0;
}

/* coinbase_cancel_awaited gives the cancel that waits for the end of that order, or NULL. */
struct order_pending *coinbase_cancel_awaited(struct coinbase_order *order,
                                              const struct order_known *known);

struct order_product *coinbase_product_of(struct coinbase_order *order, const char *symbol);
struct order_product *coinbase_product_of_value(struct coinbase_order *order,
                                                const struct scan_value *symbol);

void coinbase_note(const struct order_turn *turn, const char *event, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* coinbase_channel tells what is up. */
void coinbase_channel(const struct order_turn *turn, bool is_stream_up, wire_reason why,
                      const char *text);

/* coinbase_announce reports each definition that is new or changed; all: every one. */
void coinbase_announce(const struct order_turn *turn, bool all);

/* coinbase_subscribe subscribes to the user channel of all products known. */
void coinbase_subscribe(const struct order_turn *turn);

/* ---- order_read.c ---- */

/* coinbase_report_begin clears a report and names the command that it answers (NULL: news). */
void coinbase_report_begin(const struct order_turn *turn, struct venue_report *report,
                           enum venue_report_kind kind, const struct venue_command *command);

/* coinbase_report_symbol sets symbol, instrument and exponents. */
void coinbase_report_symbol(struct coinbase_order *order, struct venue_report *report,
                            const char *symbol);

/* coinbase_report_about fills in what a command itself says of its order. */
void coinbase_report_about(struct venue_report *report, const struct venue_command *command);

/* coinbase_report_known lays what the cache knows of an order into a report. */
void coinbase_report_known(const struct order_turn *turn, struct venue_report *report,
                           const struct order_known *known);

void coinbase_report_text(struct venue_report *report, const struct scan_value *text);
void coinbase_emit(const struct order_turn *turn, const struct venue_report *report);

/* coinbase_read_order fills a report from an order object of REST, and the cache from it. 0 or
 * ERR_PROTO. */
int coinbase_read_order(const struct order_turn *turn, const struct scan_value *object,
                        struct venue_report *report);

/* coinbase_read_fill fills a report from an element of /fills. 0, ERR_PROTO, or ERR_NOT_FOUND: of a
 * product that is not ours. */
int coinbase_read_fill(const struct order_turn *turn, const struct scan_value *object,
                       struct venue_report *report);

/* coinbase_read_account fills a report from an element of /accounts. 0 or ERR_PROTO. */
int coinbase_read_account(const struct order_turn *turn, const struct scan_value *object,
                          struct venue_report *report);

/* coinbase_read_product takes one object of /products. */
void coinbase_read_product(const struct order_turn *turn, const struct scan_value *object);

/* coinbase_decimal reads a decimal and cuts what is finer than exp: the venue writes money with 16
 * decimals. 0 or ERR_PROTO. */
int coinbase_decimal(const struct scan_value *value, int exp, int64_t *out);

/* coinbase_known_put finds or makes the cache's entry of an order and gives it its product. */
struct order_known *coinbase_known_put(const struct order_turn *turn, const struct scan_value *id,
                                       const char *symbol);

/* ---- order_answer.c: struct venue_order_ops.http ---- */

int coinbase_http(void *state, const struct venue_response *response,
                  const struct venue_clock *clock, const struct venue_out *out);

/* order_end ends an entry with DONE or FAILED (lists), or with the report that fits its kind. */
void coinbase_end_done(const struct order_turn *turn, struct order_pending *pending);
void coinbase_end_failed(const struct order_turn *turn, struct order_pending *pending,
                         wire_reason why, const char *text);

/* coinbase_end_lost: no answer will come. was_sent false: it provably never left. */
void coinbase_end_lost(const struct order_turn *turn, struct order_pending *pending, bool was_sent,
                       wire_reason why, const char *text);

/* coinbase_end_cancelled answers a cancel with the end of its order; known NULL: only that the
 * venue said yes. */
void coinbase_end_cancelled(const struct order_turn *turn, struct order_pending *pending,
                            const struct order_known *known);

/* ---- order_stream.c: struct venue_order_ops.frame ---- */

int coinbase_frame(void *state, unsigned connection, const char *frame, size_t len,
                   const struct venue_clock *clock, const struct venue_out *out);

#endif
