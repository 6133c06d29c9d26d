/* venue.h - what a venue adapter is: bytes in, events, reports and requests out.
 *
 * A codec is a state machine without I/O. It owns no socket, thread, clock, file or bus. The shell
 * (market_gateway, trading_engine, a replay, a test) feeds it frames, answers and time; the codec
 * answers through struct venue_out. A capture file can therefore drive it, and the same code is
 * live.
 *
 * A venue is a folder, one line in registry.h, and its ini files. The simulator side
 * (venue_simulator/sim.h) lives in the same folder (sim*.c) and shares no encoding or signing code
 * with this side. */
#ifndef TICKPIPE_VENUES_VENUE_H
#define TICKPIPE_VENUES_VENUE_H

#include "common/leaf/base.h"
#include "common/leaf/err.h"
#include "common/pure/client_id.h"
#include "common/pure/wire.h"

enum {
    VENUE_SYMBOLS_MAX = 64,
    VENUE_CONNECTIONS_MAX = 8,
    VENUE_FRAME_MAX = 8192, /* Largest frame or body that a codec writes. */
    VENUE_HEADERS_MAX = 6,
    VENUE_ID_MAX = 72,
};

/* Time and nonce are arguments, always. */
struct venue_clock {
    int64_t now_ns;  /* CLOCK_MONOTONIC */
    int64_t wall_ns; /* Wall clock, already corrected by the measured venue offset. */
    uint64_t nonce;  /* Fresh and growing for each call that may sign. */
};

/* ---- requests: how a codec asks its shell for a REST call ---- */

struct venue_header {
    char name[32];
    char value[256];
};

struct venue_request {
    const char *method; /* "GET", "POST", "PUT", "DELETE": a literal. */
    char path[2048];    /* Path and query, exactly as signed: "/api/v3/order?symbol=..." */
    char body[VENUE_FRAME_MAX];
    size_t body_len;
    struct venue_header headers[VENUE_HEADERS_MAX];
    size_t header_count;
    uint64_t tag;    /* The codec's own; comes back with the response. */
    uint32_t weight; /* Request weight for the shell's limiter. */
    bool is_private; /* Signed: private host; one in flight per key where the venue needs it. */
    bool is_cancel;  /* May use the quota kept for cancels. */
};

struct venue_response {
    uint64_t tag;    /* Of the request; 0 in a replay: then url tells. */
    const char *url; /* Whole URL as asked (or as the capture has it). */
    int status;      /* Of HTTP; 0: no answer: outcome unknown if it was sent. */
    bool was_sent;   /* false: provably never left this machine. */
    const char *body;
    size_t body_len;
    const struct venue_header *headers; /* Those of interest, lower-case names. */
    size_t header_count;
    int64_t sent_ns, received_ns;
};

/* ---- what a codec can do to the world ---- */

struct venue_report;

struct venue_out {
    void *ctx;
    /* Market event (6001), header.type, instrument, size and origin_ns set. Valid during the call.
     */
    void (*event)(void *ctx, struct wire_header *event);
    /* Private news (order codec only). Valid during the call. */
    void (*report)(void *ctx, const struct venue_report *report);
    /* Sends a text frame on a connection. 0, ERR_CLOSED (not open: nothing left), ERR_FULL. */
    int (*send)(void *ctx, unsigned connection, const char *frame, size_t len);
    /* Starts a REST call; its response arrives later through http(). 0 or ERR_FULL. */
    int (*request)(void *ctx, const struct venue_request *request);
    /* Closes a connection and opens it anew, after the shell's backoff. */
    void (*reconnect)(void *ctx, unsigned connection, wire_reason why);
    /* For people: something worth a line in the log. Bursts are the shell's to limit. */
    void (*note)(void *ctx, const char *event, const char *text);
};

/* A WebSocket that the codec wants. How many there are may depend on configuration and does not
 * change later. The list is asked for again before each opening, since a url may carry what expires
 * (a listen key, a token); "": not yet, the shell asks again a moment later. */
struct venue_connection {
    char url[1024];           /* wss://HOST/path?query, host from the configuration. */
    int64_t silence_ns;       /* Nothing received for so long: the shell reconnects. */
    int64_t ping_interval_ns; /* WebSocket PING by the shell; 0: none. */
    int64_t renew_ns;         /* Reconnect before the venue does (24 h); 0: never. */
    bool is_elsewhere;        /* Not at ws_url: what is a backup of that does not serve this. */
};

/* ---- feed side ---- */

struct venue_feed_config {
    const char *venue;        /* "binance" */
    const char *rest_url;     /* https://api.binance.com, no trailing slash */
    const char *ws_url;       /* wss://stream.binance.com:9443 */
    const char *const *names; /* Canonical names wanted: "BTC-USDT". */
    size_t name_count;
    bool takes_any_symbol; /* Replay: symbols are taken from what is seen, exponents 8 and 8 until
                              defined. */
    unsigned depth;        /* Levels subscribed to where the venue asks; 0: its default. */
    unsigned levels_max;   /* Most levels kept per side. */
    int32_t maker_fee_ppm, taker_fee_ppm; /* Where the metadata has none. */
};

struct venue_feed_stats {
    uint64_t messages, events, snapshots, deltas, trades, gaps, resyncs;
    uint64_t checksum_ok, checksum_failed, crossed, rejected;
    uint64_t dropped_old; /* Deltas that a snapshot already held; deltas counts the applied ones. */
};

struct venue_feed_top {
    uint64_t instrument;
    char symbol[32]; /* May repeat: instrument_kind tells two of a venue apart. */
    wire_instrument_kind instrument_kind;
    bool has_bid, has_ask, is_stale;
    int64_t bid_price, ask_price;
    int price_exp;
    int price_decimals;            /* As the venue writes prices of this symbol. */
    uint32_t bid_count, ask_count; /* Levels in the book. */
};

struct venue_feed_ops {
    size_t state_size; /* Allocated zeroed by the caller, aligned for anything. */

    /* 0 or ERR_RANGE, ERR_SYS. May allocate; nothing after it does. fini also after a failed init,
     * twice. */
    int (*init)(void *state, const struct venue_feed_config *config);
    void (*fini)(void *state);

    /* connections fills out[] (VENUE_CONNECTIONS_MAX) and gives the count. */
    size_t (*connections)(void *state, struct venue_connection *out);

    /* address: what a capture says that a connection is connected to, before it is opened. NULL:
     * frames tell all (live, connection i is the i-th of connections()). */
    void (*address)(void *state, unsigned connection, const char *url);

    /* start: before any connection: asks for instruments by REST. */
    void (*start)(void *state, const struct venue_clock *clock, const struct venue_out *out);
    void (*opened)(void *state, unsigned connection, const struct venue_clock *clock,
                   const struct venue_out *out);
    /* closed: every book of that connection goes stale. */
    void (*closed)(void *state, unsigned connection, const struct venue_clock *clock,
                   const struct venue_out *out);

    /* frame decodes one whole text frame, emitting events in order. 0, ERR_PROTO (count it, go on)
     * or ERR_STALE (a gap or a bad checksum: the book is already marked stale and a resync asked
     * for). clock->now_ns is when it was read from the socket: origin_ns. Hot: no allocation. */
    int (*frame)(void *state, unsigned connection, const char *frame, size_t len,
                 const struct venue_clock *clock, const struct venue_out *out);

    /* http takes a REST answer. Recognises it by tag, or by url in a replay. A snapshot whose url
     * names no symbol belongs to the only symbol seen so far, or to the next one seen. */
    int (*http)(void *state, const struct venue_response *response, const struct venue_clock *clock,
                const struct venue_out *out);

    /* tick: about every 100 ms: retries, keepalive, silence of single books, metadata refresh. */
    void (*tick)(void *state, const struct venue_clock *clock, const struct venue_out *out);

    /* republish emits definition, status and book snapshot of instrument (0: all): for late
     * joiners. */
    void (*republish)(void *state, uint64_t instrument, const struct venue_clock *clock,
                      const struct venue_out *out);

    void (*stats)(void *state, struct venue_feed_stats *out);
    size_t (*tops)(void *state, struct venue_feed_top *out, size_t max);
};

/* ---- order side ---- */

/* What the order codec knows of an instrument. Filled from the venue's metadata by the codec itself
 * (http of its instruments request) and announced through report REPORT_INSTRUMENT. */

enum venue_op {
    OP_PLACE,
    OP_CANCEL,
    OP_REPLACE,
    OP_QUERY,
    OP_OPEN_ORDERS,
    OP_CANCEL_ALL, /* symbol "": all of the account where the venue can, else the codec asks per
                      symbol. */
    OP_BALANCES,
    OP_EXECUTIONS,
    OP_SERVER_TIME,
    OP_INSTRUMENTS,
    OP_DEAD_MAN, /* Arms or refreshes the venue's switch; ERR_UNSUPPORTED where it has none. */
    /* Venues with positions; ERR_UNSUPPORTED elsewhere. */
    OP_POSITIONS,    /* REPORT_POSITION for each that is not flat, then DONE: the others are. */
    OP_ACCOUNT_MODE, /* DONE: the account is as we need it (one-way positions). Else FAILED, why
                        REASON_HEDGE_MODE or another, text in words: the engine takes no orders. */
    OP_FUNDING,      /* REPORT_FUNDING for each payment since since_wall_ns, then DONE. */
};

enum venue_transport { TRANSPORT_BEST, TRANSPORT_REST, TRANSPORT_WS };

struct venue_command {
    enum venue_op op;
    enum venue_transport transport; /* BEST: the WebSocket where it is up. */
    uint64_t instrument;
    char symbol[32]; /* The venue's own symbol, as struct wire_instrument has it. */
    wire_instrument_kind instrument_kind; /* The same symbol may be spot and perpetual. */
    uint64_t request_id; /* The engine's; comes back in every report that answers it. */
    wire_side side;
    wire_order_type type;
    wire_time_in_force time_in_force;
    bool is_post_only, is_reduce_only;
    bool is_reduction;  /* REPLACE: same price, less quantity, of an order that keeps its ids. */
    int64_t price, qty; /* REPLACE: new price and new total quantity. qty in base units, always:
                           the codec turns it into contracts. */
    int price_exp, qty_exp;
    int price_decimals, qty_decimals; /* Written with exactly so many decimals. */
    int64_t filled_qty; /* REPLACE on venues where it is cancel and new: what the order meant has
                           executed, as far as is known. qty is that order's new total. */
    char client_order_id[40]; /* PLACE: of the new order. Others: of the order meant ("": by
                                 exchange id). */
    char exchange_order_id[VENUE_ID_MAX];
    char new_client_order_id[40]; /* REPLACE on venues that make a new order of it. */
    int64_t since_wall_ns;        /* EXECUTIONS, FUNDING: from then on. */
    char from_trade_id[40];       /* EXECUTIONS: page start where the venue pages by id. */
    int64_t timeout_ns;           /* DEAD_MAN */
    int64_t valid_ns; /* PLACE: the venue shall not take it later than so long from now (2 s or
                         more), where it can be told (has_place_deadline); 0: not said. */
};

enum venue_report_kind {
    /* Answers to a command (request_id set). */
    REPORT_ACCEPTED = 1,    /* The venue has the order (exchange_order_id). May come after fills. */
    REPORT_REJECTED,        /* It does not, and never had: final. */
    REPORT_CANCEL_REJECTED, /* why VENUE_UNKNOWN_ORDER: ask for its state. */
    REPORT_REPLACED,
    REPORT_REPLACE_REJECTED, /* The order stands as it was. */
    REPORT_REPLACE_LOST,     /* Cancelled, but the new one was refused: order is gone. */
    REPORT_OUTCOME_UNKNOWN,  /* Sent; no answer, 5xx, or broken connection. Never resent by the
                                codec. */
    REPORT_NEVER_SENT,       /* Provably did not leave: may be retried. */
    REPORT_ORDER, /* Full state of an order, from a query, open orders or a stream snapshot. */
    REPORT_NO_SUCH_ORDER, /* The query's answer: the venue knows no such id. */
    REPORT_DONE, /* The command's list is complete (OPEN_ORDERS, EXECUTIONS, BALANCES, CANCEL_ALL).
                  */
    REPORT_FAILED, /* The command (not PLACE) failed; may be tried again. why says it. */
    /* News of the private stream. */
    REPORT_NEW,  /* Order works on the book. */
    REPORT_FILL, /* One execution; cum_qty when the venue sends it. */
    REPORT_CANCELLED,
    REPORT_EXPIRED,
    REPORT_BALANCE,     /* Absolute balance of one asset. */
    REPORT_TRANSFER,    /* Deposit, withdrawal: signed change. */
    REPORT_POSITION,    /* Absolute: qty signed, base units; price the average entry, and the
                           fields marked so. */
    REPORT_FUNDING,     /* Paid or received: asset, change, instrument, reference. The same
                           reference may come twice (stream and list). */
    REPORT_INSTRUMENT,  /* definition is set. */
    REPORT_SERVER_TIME, /* offset_ns = venue minus us, rtt_ns. */
    REPORT_DEAD_MAN,    /* Armed until exchange_ns. */
    REPORT_CHANNEL,     /* is_order_channel_up, is_private_stream_up changed. After a reconnect the
                           engine reconciles. */
    /* used, limit: a rate limit as the venue counts it. instrument set: of orders on it. Else text
     * begins with "ORDERS" where it counts orders, and is about requests in general where it does
     * not. */
    REPORT_LIMITS,
    REPORT_BACK_OFF, /* 429/418: no request before until_ns. */
};

/* One piece of private news. Unused fields are 0. Quantities are in the exponents given here. */
struct venue_report {
    enum venue_report_kind kind;
    enum venue_op op;    /* Of the command answered. */
    uint64_t request_id; /* 0: not an answer. */
    uint64_t instrument;
    char symbol[32];
    char client_order_id[40]; /* The order's own, never a cancel request's. */
    char exchange_order_id[VENUE_ID_MAX];
    char venue_trade_id[40]; /* FILL */
    wire_side side;
    wire_order_type type;
    wire_time_in_force time_in_force;
    wire_order_state state; /* ORDER: LIVE, PARTIALLY_FILLED or a final one. */
    wire_liquidity liquidity;
    bool is_from_stream; /* Private stream, not the answer to a request. */
    bool is_post_only;
    int8_t price_exp, qty_exp, amount_exp;
    int64_t price, qty, cum_qty;  /* Order: limit, total, executed. cum_qty -1: not stated. */
    int64_t last_price, last_qty; /* FILL */
    int64_t fee;                  /* FILL, at amount_exp, in fee_asset; BALANCE: see below. */
    char fee_asset[16];
    char asset[16]; /* BALANCE, TRANSFER, FUNDING: canonical code. POSITION: that it settles in. */
    char reference[40]; /* TRANSFER, FUNDING: the venue's id of the entry; "": none. */
    int64_t total, free, locked, change;
    int64_t margin;                        /* BALANCE: held by positions; POSITION: by this one. */
    int64_t unrealised_pnl;                /* BALANCE, POSITION. total never has it in it. */
    int64_t realised_pnl;                  /* FILL, with has_realised_pnl; POSITION. Before fees. */
    int64_t mark_price, liquidation_price; /* POSITION; 0: not stated. */
    uint32_t leverage_ppm;                 /* POSITION; 10,000,000 is 10 to 1. */
    bool has_realised_pnl;
    bool is_isolated; /* POSITION: margin of its own. */
    bool is_reduce_only;
    bool is_liquidation; /* FILL, ORDER: the venue's own doing. */
    wire_instrument_kind instrument_kind;
    int64_t exchange_ns; /* Venue's time. */
    wire_reason why;
    char text[96]; /* The venue's words. */
    int64_t offset_ns, rtt_ns, until_ns;
    uint32_t used, limit;
    bool is_order_channel_up, is_private_stream_up;
    const struct wire_instrument *definition;
};

struct venue_order_config {
    const char *venue;
    const char *rest_url, *ws_url; /* Private REST and order-entry / user-stream WebSocket. */
    const char *stream_url; /* The user stream, where it has a host of its own; "" or NULL: not. */
    const char *const *names; /* Canonical names traded. */
    size_t name_count;
    /* Copied in init; wiped in fini. "" where unset. */
    const char *api_key, *api_secret, *api_passphrase;
    int32_t maker_fee_ppm, taker_fee_ppm;
    int64_t recv_window_ms;
    int64_t order_timeout_ns; /* A request over WebSocket without an answer: OUTCOME_UNKNOWN. */
};

struct venue_order_ops {
    size_t state_size;
    /* 0, ERR_RANGE, ERR_AUTH (bad key form). */
    int (*init)(void *state, const struct venue_order_config *config);
    void (*fini)(void *state);

    size_t (*connections)(void *state, struct venue_connection *out);

    void (*start)(void *state, const struct venue_clock *clock, const struct venue_out *out);
    void (*opened)(void *state, unsigned connection, const struct venue_clock *clock,
                   const struct venue_out *out);
    void (*closed)(void *state, unsigned connection, const struct venue_clock *clock,
                   const struct venue_out *out);
    int (*frame)(void *state, unsigned connection, const char *frame, size_t len,
                 const struct venue_clock *clock, const struct venue_out *out);
    int (*http)(void *state, const struct venue_response *response, const struct venue_clock *clock,
                const struct venue_out *out);
    void (*tick)(void *state, const struct venue_clock *clock, const struct venue_out *out);

    /* command encodes, signs and sends through out. 0; ERR_UNSUPPORTED; ERR_RANGE (client id
     * outside the venue's charset, too many decimals); ERR_CLOSED / ERR_FULL (nothing left: may be
     * retried). Exactly one of the answering reports follows a 0. PLACE and CANCEL are hot:
     * templates made once per instrument are filled and signed, no allocation of ours. */
    int (*command)(void *state, const struct venue_command *command,
                   const struct venue_clock *clock, const struct venue_out *out);

    /* client_order_id rules: which form of ours it takes, longest, and charset as a string of
     * allowed characters. */
    enum client_id_form client_order_id_form;
    unsigned client_order_id_max;
    const char *client_order_id_charset;
    bool replace_keeps_id; /* Amend in place; false: cancel and new, with a new client id. */
    bool reduces_in_place; /* Where that is false: OP_REPLACE with is_reduction keeps order and ids.
                            */
    bool has_dead_man;
    bool has_place_deadline;  /* An order that was not taken within valid_ns never will be. */
    bool has_positions;       /* Derivatives: OP_POSITIONS, OP_ACCOUNT_MODE, OP_FUNDING work. */
    bool serial_private_rest; /* One private REST call in flight per key (nonce order). */
};

struct venue {
    const char *name; /* "binance": config, command line (any case), instrument ids. */
    const struct venue_feed_ops *feed;   /* NULL: no feed side. */
    const struct venue_order_ops *order; /* NULL: none. */
    const char *auth_method; /* What AUTH_METHOD of an ini may say: "HMAC_SHA256", several with |
                                between. NULL: no order side. */
    bool needs_passphrase;
    const char *rest_url, *feed_ws_url, *order_ws_url;       /* Production. */
    const char *order_stream_url, *testnet_order_stream_url; /* NULL: at order_ws_url. */
    /* NULL: the venue has none. */
    const char *testnet_rest_url, *testnet_feed_ws_url, *testnet_order_ws_url;
};

/* venue_find gives the venue of a name (any case), or NULL; venue_at the i-th. */
const struct venue *venue_find(const char *name);
const struct venue *venue_at(size_t i);

#endif
