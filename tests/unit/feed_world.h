/* feed_world.h - what a feed codec does, seen by its shell: events checked and counted, each book
 * rebuilt from the events alone, requests and frames kept. For the unit tests of feed codecs. */
#ifndef TICKPIPE_TESTS_UNIT_FEED_WORLD_H
#define TICKPIPE_TESTS_UNIT_FEED_WORLD_H

#include "common/pure/book.h"
#include "venues/venue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORLD_BOOKS = 16, WORLD_LINE = 512 };

/* What a subscriber of 6001 knows of an instrument. */
struct world_book {
    uint64_t instrument;
    struct book book;
    wire_feed_state state;
    wire_reason why;
    struct wire_instrument definition;
    struct wire_best_quote quote;
    struct wire_trade trade;
    struct wire_mark_price mark;
    struct wire_funding funding;
    struct wire_liquidation liquidation;
    unsigned quotes, trades, snapshots, deltas, marks, fundings, liquidations;
    bool is_inside; /* A message's events are not complete: is_last has not come. */
};

struct feed_world {
    struct venue_out out;
    const struct venue_feed_ops *ops;
    void *state;
    struct venue_clock clock;
    struct world_book books[WORLD_BOOKS];
    size_t book_count;
    wire_feed_state feed_state;
    unsigned events, invalid, crossed_live;

    struct venue_request request; /* The last one. */
    unsigned requests;
    int request_err, send_err;
    char frame[VENUE_FRAME_MAX]; /* The last one sent. */
    unsigned frames, frame_connection;
    unsigned reconnects;
    wire_reason reconnect_why;
    unsigned notes;
    char note[128];
};

static inline struct world_book *world_book(struct feed_world *world, uint64_t instrument)
{
    for (size_t i = 0; i < world->book_count; i++)
        if (world->books[i].instrument == instrument)
            return &world->books[i];
    if (world->book_count == WORLD_BOOKS)
        abort();
    struct world_book *made = &world->books[world->book_count++];
    *made = (struct world_book){ .instrument = instrument };
    if (book_init(&made->book, 16384, 8, 8) != 0)
        abort();
    return made;
}

static inline void world_book_event(struct feed_world *world, struct world_book *at,
                                    const struct wire_header *event)
{
    const struct wire_book_delta *delta = (const void *)event;

    if (event->type == WIRE_book_snapshot) {
        at->snapshots++;
        at->book.price_exp = delta->price_exp;
        at->book.qty_exp = delta->qty_exp;
        world->invalid += at->is_inside;
    } else if (!at->is_inside) {
        at->deltas++;
    }
    world->invalid += book_apply(&at->book, event) != 0;
    at->is_inside = !delta->is_last;
}

static inline void world_event(void *ctx, struct wire_header *event)
{
    struct feed_world *world = ctx;

    world->events++;
    if (wire_check(event, event->size) != 0 || event->origin_ns != world->clock.now_ns) {
        world->invalid++;
        return;
    }
    if (event->instrument == 0) {
        world->feed_state = ((const struct wire_feed_status *)(const void *)event)->state;
        return;
    }
    struct world_book *at = world_book(world, event->instrument);
    const void *body = event;
    if (event->type == WIRE_book_snapshot || event->type == WIRE_book_delta) {
        world_book_event(world, at, event);
    } else if (event->type == WIRE_feed_status) {
        at->state = ((const struct wire_feed_status *)body)->state;
        at->why = ((const struct wire_feed_status *)body)->why;
    } else if (event->type == WIRE_best_quote) {
        at->quote = *(const struct wire_best_quote *)body;
        at->quotes++;
    } else if (event->type == WIRE_trade) {
        at->trade = *(const struct wire_trade *)body;
        at->trades++;
    } else if (event->type == WIRE_mark_price) {
        at->mark = *(const struct wire_mark_price *)body;
        at->marks++;
    } else if (event->type == WIRE_funding) {
        at->funding = *(const struct wire_funding *)body;
        at->fundings++;
    } else if (event->type == WIRE_liquidation) {
        at->liquidation = *(const struct wire_liquidation *)body;
        at->liquidations++;
    } else if (event->type == WIRE_instrument) {
        at->definition = *(const struct wire_instrument *)body;
    } else {
        world->invalid++;
    }
    world->crossed_live += at->state == FEED_LIVE && !at->is_inside && book_is_crossed(&at->book);
}

static inline int world_send(void *ctx, unsigned connection, const char *frame, size_t len)
{
    struct feed_world *world = ctx;

    if (world->send_err)
        return world->send_err;
    snprintf(world->frame, sizeof(world->frame), "%.*s", (int)len, frame);
    world->frame_connection = connection;
    world->frames++;
    return 0;
}

static inline int world_request(void *ctx, const struct venue_request *request)
{
    struct feed_world *world = ctx;

    if (world->request_err)
        return world->request_err;
    world->request = *request;
    world->requests++;
    return 0;
}

static inline void world_reconnect(void *ctx, unsigned connection, wire_reason why)
{
    struct feed_world *world = ctx;

    (void)connection;
    world->reconnects++;
    world->reconnect_why = why;
}

static inline void world_note(void *ctx, const char *event, const char *text)
{
    struct feed_world *world = ctx;

    world->notes++;
    snprintf(world->note, sizeof(world->note), "%s: %s", event, text);
}

static inline void world_begin(struct feed_world *world, const struct venue_feed_ops *ops,
                               const struct venue_feed_config *config)
{
    memset(world, 0, sizeof(*world));
    world->ops = ops;
    world->out = (struct venue_out){ world,         world_event,     NULL,      world_send,
                                     world_request, world_reconnect, world_note };
    world->clock = (struct venue_clock){ .now_ns = NS_PER_S, .wall_ns = 1700000000 * NS_PER_S };
    world->state = calloc(1, ops->state_size);
    if (!world->state || ops->init(world->state, config) != 0)
        abort();
}

static inline void world_end(struct feed_world *world)
{
    world->ops->fini(world->state);
    world->ops->fini(world->state); /* Twice is allowed. */
    free(world->state);
    for (size_t i = 0; i < world->book_count; i++)
        book_fini(&world->books[i].book);
}

static inline int world_frame(struct feed_world *world, const char *frame)
{
    return world->ops->frame(world->state, 0, frame, strlen(frame), &world->clock, &world->out);
}

static inline int world_http(struct feed_world *world, uint64_t tag, const char *url, int status,
                             const char *body)
{
    struct venue_response response = { .tag = tag,
                                       .url = url,
                                       .status = status,
                                       .was_sent = true,
                                       .body = body,
                                       .body_len = strlen(body) };
    return world->ops->http(world->state, &response, &world->clock, &world->out);
}

static inline void world_pass(struct feed_world *world, int64_t ns)
{
    world->clock.now_ns += ns;
    world->clock.wall_ns += ns;
    world->ops->tick(world->state, &world->clock, &world->out);
}

#endif
