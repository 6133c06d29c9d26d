/* venue_link.h - the sockets of a codec: its WebSocket connections and its REST host, on the loop.
 *
 * A codec says what it wants through struct venue_out; this keeps it: connects, sees silence,
 * reconnects with growing, jittered pauses, renews before the venue ends a connection (the new one
 * is open before the old one is closed), turns requests into REST calls and answers into struct
 * venue_response. It knows no codec and no bus: market_gateway puts a feed codec on it,
 * trading_engine an order codec. All on the loop's thread.
 */
#ifndef TICKPIPE_VENUE_LINK_VENUE_LINK_H
#define TICKPIPE_VENUE_LINK_VENUE_LINK_H

#include "common/edge/loop.h"
#include "venues/venue.h"

struct venue_link;

struct venue_link_counters {
    uint64_t connects, disconnects, silences, renewals, reconnects_asked, backups_used, dns_failed;
    uint64_t requests, requests_refused, requests_failed, sends, sends_refused;
    int64_t connections_open, connections_wanted;
    int64_t rest_rtt_ns, ping_rtt_ns;
    bool is_rest_up; /* The last REST call was answered. */
};

/* What the codec hears of its sockets. */
struct venue_link_handler {
    void *ctx;
    /* What to open, asked before each opening: a url may carry what expires. url "": not yet. */
    void (*connection)(void *ctx, unsigned connection, struct venue_connection *out);
    void (*opened)(void *ctx, unsigned connection, int64_t now_ns);
    void (*closed)(void *ctx, unsigned connection, int64_t now_ns);
    /* One whole message; received_ns: when it was read. */
    void (*frame)(void *ctx, unsigned connection, const char *frame, size_t len,
                  int64_t received_ns);
    void (*response)(void *ctx, const struct venue_response *response);
};

struct venue_link_config {
    struct loop *loop;
    const char *label;         /* In log lines: "connection", "private connection". */
    const char *rest_url;      /* https://HOST, kept by the caller. */
    const char *ca_file;       /* The only trust when given; NULL or "": the system's. */
    const char *backup_ws_url; /* Tried in turn after attempts_max failures; NULL or "": none. */
    int64_t connect_timeout_ns, http_timeout_ns;
    int64_t reconnect_base_ns, reconnect_max_ns;
    int64_t message_silence_ns;       /* No message for so long, PONGs or not; 0: the codec's. */
    int64_t renew_ns;                 /* Opened anew when so old, where sooner; 0: the codec's. */
    int64_t ping_ns, pong_timeout_ns; /* Where stricter than the codec's; 0: the codec's. */
    unsigned attempts_max;            /* Failures in a row before an ERROR line; 0: none. */
    unsigned rest_slots;              /* 0: the client's default. */
    size_t message_max;
    bool is_private_rest_serial;
    struct venue_link_handler handler;
};

/* venue_link_open makes the clients; nothing connects yet. 0; ERR_CONFIG: CA file or URL; ERR_SYS.
 * venue_link_close: nothing is called after it; NULL in *link is fine. */
int venue_link_open(struct venue_link **link, const struct venue_link_config *config);
void venue_link_close(struct venue_link **link);

/* venue_link_connect begins to keep so many connections (at most VENUE_CONNECTIONS_MAX). Once. */
void venue_link_connect(struct venue_link *link, size_t count);

/* What struct venue_out asks for. send: 0, ERR_CLOSED, ERR_FULL; hot. request: 0 or ERR_FULL.
 * reconnect is obeyed in a turn of its own: the codec is in the middle of something. */
int venue_link_send(struct venue_link *link, unsigned connection, const char *frame, size_t len);
int venue_link_request(struct venue_link *link, const struct venue_request *request);
void venue_link_reconnect(struct venue_link *link, unsigned connection, wire_reason why);

/* venue_link_is_heard: every connection is open and a message came on it within_ns. */
bool venue_link_is_heard(const struct venue_link *link, int64_t now_ns, int64_t within_ns);

const struct venue_link_counters *venue_link_counters(const struct venue_link *link);

#endif
