/* sim.h - where a venue's simulator side plugs in.
 *
 * A side (venues/VENUE/sim.c, sim_*.c) speaks the venue's protocol: it turns requests and frames
 * into calls of the exchange, and exchange events into frames. It is written from the protocol
 * dossier alone and shares no encoding or signing code with the client side of the same venue: a
 * shared misreading would hide itself.
 *
 * All callbacks of all sides run under one lock, one at a time; none may block. A side owns no
 * thread and no socket. Tests drive a side without sockets by filling struct sim themselves. */
#ifndef TICKPIPE_VENUE_SIMULATOR_SIM_H
#define TICKPIPE_VENUE_SIMULATOR_SIM_H

#include "venue_simulator/margin.h"
#include "venues/registry.h"

struct sim;
struct sim_ws;
struct sim_http;

/* ---- text that grows: bodies and frames. Memory is kept and reused; on exhaustion it aborts (a
 * tool, not a trading process). ---- */
struct sim_text {
    char *at; /* Always ended with NUL once written to. */
    size_t len, cap;
};
void sim_text_clear(struct sim_text *text);
void sim_text_free(struct sim_text *text);
void sim_text_add(struct sim_text *text, const char *bytes, size_t len);
void sim_textf(struct sim_text *text, const char *format, ...) PRINTF_LIKE(2, 3);
/* sim_text_decimal appends value (EXCHANGE_EXP decimals) with exactly decimals; digits beyond are
 * cut off. */
void sim_text_decimal(struct sim_text *text, int64_t value, int decimals);
/* sim_text_string appends a JSON string with its quotes, escaped. */
void sim_text_string(struct sim_text *text, const char *string);

/* sim_decimal reads a plain decimal ("0.5"; exponents are refused) at EXCHANGE_EXP. 0; ERR_PROTO:
 * not a decimal; ERR_RANGE: more decimals than EXCHANGE_EXP that are not zero, or too large. */
int sim_decimal(const char *text, size_t len, int64_t *out);

/* ---- faults, ordered over the control endpoint. ---- */
#define SIM_FAULTS(X)                                                                             \
    X(SIM_FAULT_DROP, "drop")             /* Server: closes WebSockets now (option: listener). */ \
    X(SIM_FAULT_SILENCE, "silence")       /* Server: for ms nothing leaves on WebSockets. */      \
    X(SIM_FAULT_DELAY_ACKS, "delay_acks") /* Server: answers to count orders come ms later. */    \
    X(SIM_FAULT_LOSE_RESPONSE,                                                                    \
      "lose_response") /* Server: count orders are executed, the answer is lost:                  \
                          HTTP connection closed, WebSocket answer not sent. */                   \
    X(SIM_FAULT_DUPLICATE_EXECUTION,                                                              \
      "duplicate_execution") /* Side: count execution reports sent twice. */                      \
    X(SIM_FAULT_SKIP_SEQUENCE,                                                                    \
      "skip_sequence") /* Side: a book message is made, counted, not sent. */                     \
    X(SIM_FAULT_CORRUPT_CHECKSUM,                                                                 \
      "corrupt_checksum") /* Side: wrong checksum, or wrong quantity without one. */              \
    X(SIM_FAULT_STATUS_429, "status_429") /* Side: rate limit error, nothing done. */             \
    X(SIM_FAULT_STATUS_418, "status_418") /* Side: ban error for ms. */                           \
    X(SIM_FAULT_STATUS_5XX,                                                                       \
      "status_5xx") /* Side: server error; with option "after": executed first. */                \
    X(SIM_FAULT_MAINTENANCE, "maintenance") /* Side: for ms, the venue's own way. */              \
    X(SIM_FAULT_REJECT, "reject")           /* Side: orders refused as for want of funds. */      \
    X(SIM_FAULT_MAX_AGE, "max_age") /* Server: WebSockets older than ms are closed, until ms=0.   \
                                       The venue's 24 hours, compressed. */                       \
    X(SIM_FAULT_CROSS_BOOK,                                                                       \
      "cross_book") /* Side: a book message that makes the best bid meet the best ask. */         \
    X(SIM_FAULT_EXPIRE_SESSION,                                                                   \
      "expire_session") /* Side: tokens, listen keys and logins end now, the venue's own way. */
#define SIM_FAULT_AS_ENUM(name, text) name,
enum sim_fault_kind { SIM_FAULTS(SIM_FAULT_AS_ENUM) SIM_FAULT_COUNT };

struct sim_fault {
    uint32_t count;   /* Times still to come. */
    int64_t ms;       /* Length or delay. */
    int64_t until_ns; /* Wall time; faults that last. */
    char option[32];
    uint64_t taken; /* How often it happened: shown by /status. */
};

/* sim_fault_take: true when one of the fault's count is due; spends it. */
bool sim_fault_take(struct sim *sim, enum sim_fault_kind kind);
const char *sim_fault_str(enum sim_fault_kind kind);
/* sim_fault_lasts: the fault is on for a time, and that time is not over. */
bool sim_fault_lasts(const struct sim *sim, enum sim_fault_kind kind);

/* ---- what a side is given ---- */
struct sim_account {
    char name[32];
    char key[160], secret[256];
    char passphrase[64]; /* Venues whose keys have one; "" elsewhere. */
    uint32_t account;    /* In the exchange. */
};

/* One venue of the simulator. The server fills it; a side reads it. */
struct sim {
    const char *venue;
    struct exchange *exchange;
    const struct sim_account *accounts;
    uint32_t account_count;
    int64_t now_ns;      /* Venue's wall time, brought up to date before each callback. */
    uint64_t seed;       /* For ids and tokens. */
    bool are_limits_off; /* Config: no rate limits (soak tests). */
    const char *options; /* Config: words that the side knows; NULL or "": none. */
    struct sim_fault faults[SIM_FAULT_COUNT];
    struct sim_ws *first_ws; /* Open connections, by sim_ws.next. */
    void *state;             /* The side's. */
    const struct sim_output *output;
    void *server; /* Of output. */
};

/* What a frame or a body is, so that faults hit the right ones. */
enum sim_what {
    SIM_MARKET,    /* Public stream. */
    SIM_PRIVATE,   /* Private stream. */
    SIM_ANSWER,    /* Answer to anything but an order action. */
    SIM_ORDER_ACK, /* Answer to an order action that was carried out or refused by the exchange. */
};

struct sim_output {
    void (*ws_send)(struct sim *sim, struct sim_ws *ws, enum sim_what what, const char *text,
                    size_t len);
    void (*ws_close)(struct sim *sim, struct sim_ws *ws, unsigned code, const char *reason);
    const char *(*header)(const struct sim_http *request,
                          const char *name); /* Any case; NULL: absent. */
    void (*reply)(struct sim_http *request, enum sim_what what, int status, const char *headers,
                  const char *body, size_t len);
};

/* A WebSocket connection. */
struct sim_ws {
    struct sim *sim;
    unsigned listener; /* Index into the side's listeners: which host it came to. */
    char path[64];
    char query[1024]; /* Raw, without '?'. */
    uint64_t id;      /* Unique. */
    int64_t opened_ns;
    struct sim_ws *next; /* From sim->first_ws: all of this venue. */
    void *state;         /* ws_state_size bytes, zeroed, the side's. */
    void *peer;          /* The server's. */
};

/* A REST request, valid during the call. */
struct sim_http {
    struct sim *sim;
    const char *method; /* "GET" */
    const char *path;   /* "/api/v3/order", raw. */
    const char *query;  /* Raw, without '?'; "" where none. What signatures cover. */
    const char *body;
    size_t body_len;
    bool is_replied;
    void *peer;
};

/* sim_ws_send queues a whole text frame. sim_http_reply answers (exactly once, within the
 * callback); headers: "Name: value\r\n" lines or NULL; Content-Type is application/json unless
 * headers has one. */
void sim_ws_send(struct sim_ws *ws, enum sim_what what, const char *text, size_t len);
void sim_ws_close(struct sim_ws *ws, unsigned code, const char *reason);
const char *sim_http_header(const struct sim_http *request, const char *name);
void sim_http_reply(struct sim_http *request, enum sim_what what, int status, const char *headers,
                    const char *body, size_t len);

/* sim_account_by_key finds the account of an API key, or NULL. */
const struct sim_account *sim_account_by_key(const struct sim *sim, const char *key);

/* sim_param reads name from "a=1&b=2" text (query or form body) percent-decoded ('+' is a blank)
 * into out, cut off to nothing when it does not fit. 0, ERR_NOT_FOUND, ERR_RANGE. */
int sim_param(const char *text, size_t len, const char *name, char *out, size_t cap);

/* sim_param_next walks all pairs from *at to end, decoded; a name or value that does not fit is "".
 * false at the end. */
bool sim_param_next(const char **at, const char *end, char *name, size_t name_cap, char *value,
                    size_t value_cap);

/* ---- the side ---- */
struct sim_venue {
    const char *name;             /* As in config and venues.ini. */
    const char *const *listeners; /* WebSocket hosts: "stream", "ws_api"; NULL-terminated. Config:
                                     WS_PORT_STREAM. */
    enum exchange_fee_asset fee_asset;
    bool is_reduce_only_refused; /* Above the position: refused; else cut. */
    size_t state_size, ws_state_size;

    /* init: sim->state is zeroed memory of state_size. 0 or an error. fini also after a failed
     * init. */
    int (*init)(struct sim *sim);
    void (*fini)(struct sim *sim);
    void (*http)(struct sim *sim, struct sim_http *request);
    void (*ws_opened)(struct sim *sim, struct sim_ws *ws);
    void (*ws_frame)(struct sim *sim, struct sim_ws *ws, const char *frame, size_t len);
    void (*ws_closed)(struct sim *sim, struct sim_ws *ws);
    /* ws_expired: the connection is as old as it may become (SIM_FAULT_MAX_AGE): say what the venue
     * says and close it. NULL: closed with 1001. */
    void (*ws_expired)(struct sim *sim, struct sim_ws *ws);
    /* event: from within exchange calls, the side's own included: queue what must come after an
     * answer. */
    void (*event)(struct sim *sim, const struct exchange_event *event);
    void (*tick)(struct sim *sim); /* Every 10 ms. */
    /* fault: the control endpoint has ordered one (already in sim->faults). NULL: nothing to do at
     * once. */
    void (*fault)(struct sim *sim, enum sim_fault_kind kind);
};

#define SIM_EXTERN_SIMULATED(name) extern const struct sim_venue sim_##name;
#define SIM_EXTERN_NOT_SIMULATED(name)
#define SIM_EXTERN(name, simulated) SIM_EXTERN_##simulated(name)
VENUES(SIM_EXTERN)

/* Sides are listed in venues/registry.h. sim_venue_find gives the side of a name (any case), or
 * NULL; sim_venue_at the i-th, NULL after the last. */
const struct sim_venue *sim_venue_find(const char *name);
const struct sim_venue *sim_venue_at(size_t i);

/* sim_wall_text writes a wall time as RFC 3339 in UTC with digits (0..9) of fraction; sim_random
 * gives the next value of a seeded generator (xorshift64*), state never 0. */
void sim_wall_text(int64_t wall_ns, int digits, char out[40]);
uint64_t sim_random(uint64_t *state);

#endif
