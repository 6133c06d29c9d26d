/* order_world.h - the shell of an order codec, for unit tests: reports kept, requests and frames
 * kept. */
#ifndef TICKPIPE_TESTS_UNIT_ORDER_WORLD_H
#define TICKPIPE_TESTS_UNIT_ORDER_WORLD_H

#include "venues/venue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORLD_REPORTS = 64, WORLD_SENT = 64 };

struct order_world {
    struct venue_out out;
    const struct venue_order_ops *ops;
    void *state;
    struct venue_clock clock;

    struct venue_report
        reports[WORLD_REPORTS]; /* Since the last world_clear, up to WORLD_REPORTS. */
    size_t report_count;
    char frames[WORLD_SENT][2048];
    size_t frame_count;
    struct venue_request requests[WORLD_SENT];
    size_t request_count;
    int send_err, request_err;
    unsigned reconnects, notes;
    char note[160];
};

static inline void world_report(void *ctx, const struct venue_report *report)
{
    struct order_world *world = ctx;

    if (world->report_count < WORLD_REPORTS)
        world->reports[world->report_count] = *report;
    world->report_count++;
}

static inline int world_order_send(void *ctx, unsigned connection, const char *frame, size_t len)
{
    struct order_world *world = ctx;

    (void)connection;
    if (world->send_err)
        return world->send_err;
    snprintf(world->frames[world->frame_count++ % WORLD_SENT], sizeof(world->frames[0]), "%.*s",
             (int)len, frame);
    return 0;
}

static inline int world_order_request(void *ctx, const struct venue_request *request)
{
    struct order_world *world = ctx;

    if (world->request_err)
        return world->request_err;
    world->requests[world->request_count++ % WORLD_SENT] = *request;
    return 0;
}

static inline void world_order_reconnect(void *ctx, unsigned connection, wire_reason why)
{
    (void)connection;
    (void)why;
    ((struct order_world *)ctx)->reconnects++;
}

static inline void world_order_note(void *ctx, const char *event, const char *text)
{
    struct order_world *world = ctx;

    world->notes++;
    snprintf(world->note, sizeof(world->note), "%s: %s", event, text);
}

static inline int order_world_begin(struct order_world *world, const struct venue_order_ops *ops,
                                    const struct venue_order_config *config)
{
    memset(world, 0, sizeof(*world));
    world->ops = ops;
    world->out = (struct venue_out){ .ctx = world,
                                     .report = world_report,
                                     .send = world_order_send,
                                     .request = world_order_request,
                                     .reconnect = world_order_reconnect,
                                     .note = world_order_note };
    world->clock = (struct venue_clock){ .now_ns = NS_PER_S, .wall_ns = 1700000000 * NS_PER_S };
    world->state = calloc(1, ops->state_size);
    return world->state ? ops->init(world->state, config) : ERR_SYS;
}

static inline void order_world_end(struct order_world *world)
{
    world->ops->fini(world->state);
    world->ops->fini(world->state); /* Twice is allowed. */
    free(world->state);
}

static inline void order_world_clear(struct order_world *world)
{
    world->report_count = world->frame_count = world->request_count = 0;
    world->reconnects = world->notes = 0;
}

static inline int order_world_command(struct order_world *world,
                                      const struct venue_command *command)
{
    return world->ops->command(world->state, command, &world->clock, &world->out);
}

static inline int order_world_frame(struct order_world *world, const char *frame)
{
    return world->ops->frame(world->state, 0, frame, strlen(frame), &world->clock, &world->out);
}

static inline int order_world_http(struct order_world *world, uint64_t tag, int status,
                                   const char *body)
{
    struct venue_response response = {
        .tag = tag, .status = status, .was_sent = true, .body = body, .body_len = strlen(body)
    };
    return world->ops->http(world->state, &response, &world->clock, &world->out);
}

static inline void order_world_pass(struct order_world *world, int64_t ns)
{
    world->clock.now_ns += ns;
    world->clock.wall_ns += ns;
    world->ops->tick(world->state, &world->clock, &world->out);
}

/* The reports since world_clear as one line: kinds by name, "!" after an answer, joined by blanks.
 */
static inline const char *order_world_line(const struct order_world *world)
{
    static const char *const names[] = {
        [REPORT_ACCEPTED] = "accepted",
        [REPORT_REJECTED] = "rejected",
        [REPORT_CANCEL_REJECTED] = "cancel_rejected",
        [REPORT_REPLACED] = "replaced",
        [REPORT_REPLACE_REJECTED] = "replace_rejected",
        [REPORT_REPLACE_LOST] = "replace_lost",
        [REPORT_OUTCOME_UNKNOWN] = "unknown",
        [REPORT_NEVER_SENT] = "never_sent",
        [REPORT_ORDER] = "order",
        [REPORT_NO_SUCH_ORDER] = "no_such_order",
        [REPORT_DONE] = "done",
        [REPORT_FAILED] = "failed",
        [REPORT_NEW] = "new",
        [REPORT_FILL] = "fill",
        [REPORT_CANCELLED] = "cancelled",
        [REPORT_EXPIRED] = "expired",
        [REPORT_BALANCE] = "balance",
        [REPORT_TRANSFER] = "transfer",
        [REPORT_INSTRUMENT] = "instrument",
        [REPORT_SERVER_TIME] = "server_time",
        [REPORT_DEAD_MAN] = "dead_man",
        [REPORT_CHANNEL] = "channel",
        [REPORT_LIMITS] = "limits",
        [REPORT_BACK_OFF] = "back_off",
    };
    static char line[1024];
    size_t at = 0;

    line[0] = '\0';
    for (size_t i = 0; i < world->report_count && i < WORLD_REPORTS && at < sizeof(line); i++)
        if (world->reports[i].kind != REPORT_LIMITS)
            at += (size_t)snprintf(line + at, sizeof(line) - at, "%s%s%s", at ? " " : "",
                                   names[world->reports[i].kind],
                                   world->reports[i].request_id != 0 ? "!" : "");
    return line;
}

/* The i-th report of a kind, or an empty one. */
static inline const struct venue_report *order_world_find(const struct order_world *world,
                                                          enum venue_report_kind kind, size_t i)
{
    static const struct venue_report none;

    for (size_t n = 0; n < world->report_count && n < WORLD_REPORTS; n++)
        if (world->reports[n].kind == kind && i-- == 0)
            return &world->reports[n];
    return &none;
}

#endif
