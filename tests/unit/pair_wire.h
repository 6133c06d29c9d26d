/* pair_wire.h - a venue's codecs and its simulator side joined without sockets: connections by the
 * urls that the codecs give, asked for again before each opening; frames and answers through one
 * queue, in order; answers to orders lost on request; connections broken and opened again.
 *
 * The host of a url is the name of the simulator's listener: "wss://stream/...". */
#ifndef TICKPIPE_TESTS_UNIT_PAIR_WIRE_H
#define TICKPIPE_TESTS_UNIT_PAIR_WIRE_H

#include "tests/unit/check.h"
#include "venue_simulator/sim.h"
#include "venues/venue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAIR_QUEUE = 8192, PAIR_LINKS = 2 * VENUE_CONNECTIONS_MAX };

/* A connection of a codec; of the feed the first half, of the order side the second. */
struct pair_link {
    struct sim_ws ws;
    bool is_wanted, is_open, is_asked_anew;
};

struct pair_message {
    char *text;
    int link;         /* -1: an answer of REST. */
    uint64_t opening; /* Of the link: what comes for an earlier one is lost. */
    bool to_feed;
    int status;
    uint64_t tag;
    char headers[512];
};

static struct pair {
    const struct venue *venue;
    const struct sim_venue *side;
    struct exchange exchange;
    void *memory;
    struct sim sim;
    struct sim_account account;
    struct pair_link links[PAIR_LINKS];
    struct pair_message queue[PAIR_QUEUE];
    size_t first, last;
    bool http_is_feed;
    uint64_t openings;

    void *order, *feed;
    struct venue_clock clock;
    const struct venue_out *order_out, *feed_out;
    void (*way)(bool is_ws); /* A request goes out; NULL: nobody asks. */
    unsigned loss_percent, invalid, reconnects, expected_closes;
    uint64_t random;
} pair;

static inline unsigned pair_chance(unsigned below)
{
    pair.random ^= pair.random << 13;
    pair.random ^= pair.random >> 7;
    pair.random ^= pair.random << 17;
    return (unsigned)(pair.random % below);
}

/* ---- the simulator's side of the wire ---- */

static struct pair_message *pair_push(void)
{
    if (pair.last - pair.first == PAIR_QUEUE)
        abort();
    struct pair_message *made = &pair.queue[pair.last++ % PAIR_QUEUE];
    *made = (struct pair_message){ .link = -1 };
    return made;
}

static inline int pair_link_of(const struct sim_ws *ws)
{
    return (int)((const struct pair_link *)(const void *)ws - pair.links);
}

static inline void pair_sim_sends(struct sim *sim, struct sim_ws *ws, enum sim_what what,
                                  const char *text, size_t len)
{
    (void)sim;
    if (what == SIM_ORDER_ACK && pair_chance(100) < pair.loss_percent)
        return; /* Executed, and nobody hears of it. */
    struct pair_message *made = pair_push();
    made->text = strndup(text, len);
    made->link = pair_link_of(ws);
    made->opening = ws->id;
    made->to_feed = made->link < VENUE_CONNECTIONS_MAX;
}

static inline void pair_sim_closes(struct sim *sim, struct sim_ws *ws, unsigned code,
                                   const char *reason)
{
    (void)sim;
    if (pair.expected_closes == 0) {
        fprintf(stderr, "closed by the simulator: %u %s\n", code, reason);
        pair.invalid++;
    }
    pair.links[pair_link_of(ws)].is_asked_anew = true;
}

static inline const char *pair_header(const struct sim_http *request, const char *name)
{
    const struct venue_request *from = request->peer;

    for (size_t i = 0; i < from->header_count; i++)
        if (strcmp(from->headers[i].name, name) == 0)
            return from->headers[i].value;
    return NULL;
}

static inline void pair_sim_replies(struct sim_http *request, enum sim_what what, int status,
                                    const char *headers, const char *body, size_t len)
{
    const struct venue_request *from = request->peer;
    struct pair_message *made = pair_push();

    request->is_replied = true;
    made->text = strndup(body, len);
    made->to_feed = pair.http_is_feed;
    made->tag = from->tag;
    made->status = what == SIM_ORDER_ACK && pair_chance(100) < pair.loss_percent ? 0 : status;
    snprintf(made->headers, sizeof(made->headers), "%s", headers ? headers : "");
}

static const struct sim_output pair_output = { pair_sim_sends, pair_sim_closes, pair_header,
                                               pair_sim_replies };

static inline void pair_on_exchange(void *ctx, const struct exchange_event *event)
{
    (void)ctx;
    if (pair.sim.state)
        pair.side->event(&pair.sim, event);
}

/* ---- the client's side of it ---- */

static inline int pair_requests(bool is_feed, const struct venue_request *request)
{
    char path[2048];
    struct sim_http http = { .sim = &pair.sim,
                             .method = request->method,
                             .path = path,
                             .query = "",
                             .body = request->body,
                             .body_len = request->body_len,
                             .peer = (void *)(uintptr_t)request };

    snprintf(path, sizeof(path), "%s", request->path);
    char *query = strchr(path, '?');
    if (query) {
        *query = '\0';
        http.query = query + 1;
    }
    pair.http_is_feed = is_feed;
    pair.side->http(&pair.sim, &http);
    CHECK(http.is_replied);
    return 0;
}

static inline int pair_order_requests(void *ctx, const struct venue_request *request)
{
    (void)ctx;
    if (pair.way)
        pair.way(false);
    return pair_requests(false, request);
}

static inline int pair_feed_requests(void *ctx, const struct venue_request *request)
{
    (void)ctx;
    return pair_requests(true, request);
}

static inline int pair_sends(struct pair_link *link, const char *frame, size_t len)
{
    if (!link->is_open)
        return ERR_CLOSED;
    pair.side->ws_frame(&pair.sim, &link->ws, frame, len);
    return 0;
}

static inline int pair_order_sends(void *ctx, unsigned connection, const char *frame, size_t len)
{
    (void)ctx;
    if (pair.way)
        pair.way(true);
    return pair_sends(&pair.links[VENUE_CONNECTIONS_MAX + connection], frame, len);
}

static inline int pair_feed_sends(void *ctx, unsigned connection, const char *frame, size_t len)
{
    (void)ctx;
    return pair_sends(&pair.links[connection], frame, len);
}

static inline void pair_notes(void *ctx, const char *event, const char *text)
{
    (void)ctx;
    if (getenv("SHOW"))
        fprintf(stderr, "# note %s %s\n", event, text);
}

static inline void pair_order_reconnects(void *ctx, unsigned connection, wire_reason why)
{
    (void)ctx;
    pair_notes(NULL, "reconnect, private", wire_reason_str(why));
    pair.links[VENUE_CONNECTIONS_MAX + connection].is_asked_anew = true;
    pair.reconnects++;
}

static inline void pair_feed_reconnects(void *ctx, unsigned connection, wire_reason why)
{
    (void)ctx;
    pair_notes(NULL, "reconnect, public", wire_reason_str(why));
    pair.links[connection].is_asked_anew = true;
    pair.reconnects++;
}

/* ---- the queue ---- */

static inline size_t pair_headers_read(const char *text, struct venue_header out[8])
{
    size_t count = 0;

    for (const char *line = text; *line && count < 8; line = strchr(line, '\n') + 1) {
        const char *colon = strchr(line, ':'), *end = strstr(line, "\r\n");
        if (!colon || !end)
            break;
        snprintf(out[count].name, sizeof(out[count].name), "%.*s", (int)(colon - line), line);
        for (char *c = out[count].name; *c; c++)
            *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
        snprintf(out[count].value, sizeof(out[count].value), "%.*s", (int)(end - colon - 2),
                 colon + 2);
        count++;
    }
    return count;
}

static inline int pair_answer(const struct pair_message *message)
{
    struct venue_header headers[8];
    const struct venue_response response = { .tag = message->tag,
                                             .status = message->status,
                                             .was_sent = true,
                                             .body = message->text,
                                             .body_len = strlen(message->text),
                                             .headers = headers,
                                             .header_count =
                                                 pair_headers_read(message->headers, headers) };

    return message->to_feed
               ? pair.venue->feed->http(pair.feed, &response, &pair.clock, pair.feed_out)
               : pair.venue->order->http(pair.order, &response, &pair.clock, pair.order_out);
}

static inline void pair_deliver(struct pair_message *message)
{
    int at = message->link, err = 0;
    size_t len = strlen(message->text);

    if (at < 0)
        err = pair_answer(message);
    else if (!pair.links[at].is_open || pair.links[at].ws.id != message->opening)
        err = 0; /* Lost with its connection. */
    else if (message->to_feed)
        err = pair.venue->feed->frame(pair.feed, (unsigned)at, message->text, len, &pair.clock,
                                      pair.feed_out);
    else
        err = pair.venue->order->frame(pair.order, (unsigned)at - VENUE_CONNECTIONS_MAX,
                                       message->text, len, &pair.clock, pair.order_out);
    if (err == ERR_PROTO) {
        fprintf(stderr, "%s: %.300s\n", err_str(err), message->text);
        pair.invalid++;
    }
    free(message->text);
}

static inline void pair_pump(void)
{
    while (pair.first < pair.last)
        pair_deliver(&pair.queue[pair.first++ % PAIR_QUEUE]);
}

/* ---- connections ---- */

static inline unsigned pair_listener(const char *host, size_t len)
{
    unsigned i = 0;

    while (pair.side->listeners[i] && (strlen(pair.side->listeners[i]) != len ||
                                       strncmp(pair.side->listeners[i], host, len) != 0))
        i++;
    CHECK(pair.side->listeners[i] != NULL);
    return i;
}

static inline void pair_link_close(size_t at)
{
    struct pair_link *link = &pair.links[at];
    struct sim_ws **from = &pair.sim.first_ws;

    if (!link->is_open)
        return;
    link->is_open = false;
    pair.side->ws_closed(&pair.sim, &link->ws);
    while (*from != &link->ws)
        from = &(*from)->next;
    *from = link->ws.next;
    free(link->ws.state);
    if (at < VENUE_CONNECTIONS_MAX)
        pair.venue->feed->closed(pair.feed, (unsigned)at, &pair.clock, pair.feed_out);
    else
        pair.venue->order->closed(pair.order, (unsigned)at - VENUE_CONNECTIONS_MAX, &pair.clock,
                                  pair.order_out);
}

/* Nothing happens while the codec has no url. */
static inline void pair_link_open(size_t at)
{
    struct pair_link *link = &pair.links[at];
    struct venue_connection wanted[VENUE_CONNECTIONS_MAX];
    size_t index = at % VENUE_CONNECTIONS_MAX;
    size_t count = at < VENUE_CONNECTIONS_MAX ? pair.venue->feed->connections(pair.feed, wanted)
                                              : pair.venue->order->connections(pair.order, wanted);

    CHECK(index < count);
    if (link->is_open || index >= count || !wanted[index].url[0])
        return;
    const char *host = wanted[index].url + strlen("wss://");
    const char *path = host + strcspn(host, "/"), *query = strchr(path, '?');
    link->ws = (struct sim_ws){ .sim = &pair.sim,
                                .listener = pair_listener(host, strcspn(host, "/")),
                                .id = ++pair.openings,
                                .opened_ns = pair.sim.now_ns,
                                .next = pair.sim.first_ws };
    snprintf(link->ws.path, sizeof(link->ws.path), "%.*s",
             (int)(query ? query - path : (ptrdiff_t)strlen(path)), path);
    snprintf(link->ws.query, sizeof(link->ws.query), "%s", query ? query + 1 : "");
    link->ws.state = calloc(1, pair.side->ws_state_size);
    pair.sim.first_ws = &link->ws;
    link->is_open = true;
    pair.side->ws_opened(&pair.sim, &link->ws);
    if (at < VENUE_CONNECTIONS_MAX)
        pair.venue->feed->opened(pair.feed, (unsigned)at, &pair.clock, pair.feed_out);
    else
        pair.venue->order->opened(pair.order, (unsigned)at - VENUE_CONNECTIONS_MAX, &pair.clock,
                                  pair.order_out);
}

static inline void pair_links_tick(void)
{
    for (size_t i = 0; i < PAIR_LINKS; i++) {
        if (pair.links[i].is_asked_anew)
            pair_link_close(i);
        pair.links[i].is_asked_anew = false;
        if (pair.links[i].is_wanted)
            pair_link_open(i);
    }
}

/* Time goes on for both, in one step. */
static inline void pair_pass(int64_t ns)
{
    pair.clock.now_ns += ns;
    pair.clock.wall_ns += ns;
    pair.sim.now_ns += ns;
    pair.side->tick(&pair.sim);
    pair_pump();
    pair_links_tick();
    pair.venue->order->tick(pair.order, &pair.clock, pair.order_out);
    pair.venue->feed->tick(pair.feed, &pair.clock, pair.feed_out);
    pair_pump();
}

/* ---- begin and end ---- */

/* The venue with one account (the config's last, with these keys), and both codecs on it. */
static inline void pair_begin(const struct venue *venue, const struct sim_venue *side,
                              const struct exchange_config *config,
                              const struct sim_account *account,
                              const struct venue_order_config *order,
                              const struct venue_feed_config *feed)
{
    struct venue_connection wanted[VENUE_CONNECTIONS_MAX];

    pair.venue = venue;
    pair.side = side;
    pair.clock = (struct venue_clock){ NS_PER_S, INT64_C(1700000000) * NS_PER_S, 1 };
    pair.memory = calloc(1, exchange_memory(config));
    CHECK_INT(exchange_init(&pair.exchange, config, pair.memory, pair_on_exchange, NULL), 0);
    pair.account = *account;
    pair.sim = (struct sim){ .venue = side->name,
                             .exchange = &pair.exchange,
                             .accounts = &pair.account,
                             .account_count = 1,
                             .now_ns = pair.clock.wall_ns,
                             .seed = 1,
                             .are_limits_off = true,
                             .output = &pair_output,
                             .state = calloc(1, side->state_size) };
    CHECK_INT(side->init(&pair.sim), 0);
    pair.order = calloc(1, venue->order->state_size);
    pair.feed = calloc(1, venue->feed->state_size);
    CHECK_INT(venue->order->init(pair.order, order), 0);
    CHECK_INT(venue->feed->init(pair.feed, feed), 0);
    venue->order->start(pair.order, &pair.clock, pair.order_out);
    venue->feed->start(pair.feed, &pair.clock, pair.feed_out);
    pair_pump();
    for (size_t i = 0; i < venue->feed->connections(pair.feed, wanted); i++)
        pair.links[i].is_wanted = true;
    for (size_t i = 0; i < venue->order->connections(pair.order, wanted); i++)
        pair.links[VENUE_CONNECTIONS_MAX + i].is_wanted = true;
    pair_links_tick();
    pair_pump();
}

static inline void pair_end(void)
{
    char why[128] = "";

    CHECK(exchange_check(&pair.exchange, why, sizeof(why)));
    CHECK_STR(why, "");
    for (size_t i = 0; i < PAIR_LINKS; i++)
        pair_link_close(i);
    while (pair.first < pair.last)
        free(pair.queue[pair.first++ % PAIR_QUEUE].text);
    pair.venue->order->fini(pair.order);
    pair.venue->feed->fini(pair.feed);
    free(pair.order);
    free(pair.feed);
    pair.side->fini(&pair.sim);
    free(pair.sim.state);
    free(pair.memory);
}

#endif
