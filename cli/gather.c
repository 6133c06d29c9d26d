#include "cli/gather.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { ASK_AGAIN_MS = 300 };

/* ---- what is the same thing ---- */

static bool same_order(const struct wire_order_status *a, const struct wire_order_status *b)
{
    if (a->order_id || b->order_id)
        return a->order_id == b->order_id;
    return strcmp(a->exchange_order_id, b->exchange_order_id) == 0;
}

static bool same_thing(const struct wire_header *a, const struct wire_header *b)
{
    const union wire_event *x = (const void *)a, *y = (const void *)b;

    if (a->type != b->type || a->publisher != b->publisher || a->account != b->account ||
        a->instrument != b->instrument)
        return false;
    switch (a->type) {
    case WIRE_order_status:
        return same_order(&x->order_status, &y->order_status);
    case WIRE_position:
        return x->position.strategy == y->position.strategy;
    case WIRE_balance:
        return strcmp(x->balance.asset, y->balance.asset) == 0;
    case WIRE_pnl:
        return x->pnl.strategy == y->pnl.strategy;
    case WIRE_strategy_status:
        return x->strategy_status.strategy == y->strategy_status.strategy;
    default:
        return true;
    }
}

/* ---- what comes in ---- */

static void on_event(void *ctx, const struct wire_header *event)
{
    struct gather *gather = ((struct gather_stream *)ctx)->gather;
    struct wire_header *copy = malloc(event->size);

    if (!copy)
        abort();
    memcpy(copy, event, event->size);
    for (size_t i = 0; i < gather->event_count; i++) {
        struct wire_header *old = gather->events[i];
        if (!same_thing(old, copy))
            continue;
        if (old->epoch > copy->epoch || (old->epoch == copy->epoch && old->seq > copy->seq)) {
            free(copy); /* A replay comes after younger ones. */
            return;
        }
        free(old);
        gather->events[i] = copy;
        return;
    }
    if (gather->event_count == GATHER_EVENTS_MAX) {
        gather->left_out++;
        free(copy);
        return;
    }
    gather->events[gather->event_count++] = copy;
}

static void on_heartbeat(void *ctx, const struct wire_heartbeat *beat)
{
    struct gather *gather = ((struct gather_stream *)ctx)->gather;
    size_t i = 0;

    while (i < gather->process_count && gather->processes[i].publisher != beat->header.publisher)
        i++;
    if (i == GATHER_PROCESSES_MAX)
        return;
    if (i == gather->process_count)
        gather->process_count++;
    gather->processes[i] = (struct gather_process){ beat->header.publisher, *beat, loop_now_ns() };
}

static void on_recovery_end(void *ctx, const struct wire_recovery_end *end)
{
    struct gather_stream *stream = ctx;

    if (!end->is_complete || stream->answered_count == COUNT(stream->answered))
        return;
    for (size_t i = 0; i < stream->answered_count; i++)
        if (stream->answered[i] == end->header.publisher)
            return;
    stream->answered[stream->answered_count++] = end->header.publisher;
}

/* ---- streams ---- */

int gather_init(struct gather *gather, struct cli *cli)
{
    memset(gather, 0, sizeof(*gather));
    gather->cli = cli;
    gather->events = calloc(GATHER_EVENTS_MAX, sizeof(struct wire_header *));
    return gather->events ? 0 : ERR_SYS;
}

void gather_fini(struct gather *gather)
{
    for (size_t i = 0; i < gather->event_count; i++)
        free(gather->events[i]);
    free(gather->events);
    gather->events = NULL;
    gather->event_count = 0;
}

static void expect_owners(struct gather_stream *stream, const struct venues *venues)
{
    enum role owner = stream_of(stream->port)->publisher;

    if (!role_is_per_venue(owner)) {
        stream->expected[stream->expected_count++] = PUBLISHER(owner, 0);
        return;
    }
    for (size_t i = 0; i < venues->count; i++)
        if (owner != ROLE_TRADING_ENGINE || venues->at[i].has_engine)
            stream->expected[stream->expected_count++] = PUBLISHER(owner, venues->at[i].id);
}

int gather_add(struct gather *gather, unsigned port, const uint16_t *types, size_t type_count,
               bool wants_state, wire_state_request_kind kind)
{
    struct gather_stream *stream = &gather->streams[gather->stream_count];
    struct bus_handler handler = {
        .ctx = stream,
        .event = on_event,
        .heartbeat = on_heartbeat,
        .recovery_end = on_recovery_end,
    };

    assert(gather->stream_count < GATHER_STREAMS_MAX);
    *stream = (struct gather_stream){
        .gather = gather, .port = port, .wants_state = wants_state, .kind = kind
    };
    int err = role_subscribe(&gather->cli->rt, port, types, type_count, &handler, &stream->sub);
    if (err)
        return err;
    expect_owners(stream, &gather->cli->rt.venues);
    gather->stream_count++;
    return 0;
}

static bool has_answered(const struct gather_stream *stream, uint16_t publisher)
{
    for (size_t i = 0; i < stream->answered_count; i++)
        if (stream->answered[i] == publisher)
            return true;
    return false;
}

static bool is_complete(const struct gather_stream *stream)
{
    for (size_t i = 0; i < stream->expected_count; i++)
        if (!has_answered(stream, stream->expected[i]))
            return false;
    return true;
}

/* A request before the connection stands reaches nobody: it is asked again until it is answered. */
static void ask(struct gather_stream *stream)
{
    struct wire_state_request request;

    WIRE_BEGIN(&request, state_request);
    request.kind = stream->kind;
    (void)bus_request(stream->sub, &request);
}

bool gather_run(struct gather *gather, int64_t least_ns, int64_t most_ns)
{
    int64_t start_ns = loop_now_ns(), next_ask_ns = start_ns;
    bool is_done = false;

    for (int64_t now_ns = start_ns; now_ns < start_ns + most_ns; now_ns = loop_now_ns()) {
        is_done = true;
        for (size_t i = 0; i < gather->stream_count; i++) {
            struct gather_stream *stream = &gather->streams[i];
            if (!stream->wants_state || is_complete(stream))
                continue;
            is_done = false;
            if (now_ns >= next_ask_ns)
                ask(stream);
        }
        if (now_ns >= next_ask_ns)
            next_ask_ns = now_ns + ASK_AGAIN_MS * NS_PER_MS;
        if (is_done && now_ns >= start_ns + least_ns)
            return true;
        if (loop_turn(gather->cli->rt.loop, 20 * NS_PER_MS) != 0)
            return false;
    }
    return is_done;
}

void gather_missing(const struct gather *gather)
{
    char who[64];

    for (size_t i = 0; i < gather->stream_count; i++) {
        const struct gather_stream *stream = &gather->streams[i];
        for (size_t k = 0; stream->wants_state && k < stream->expected_count; k++)
            if (!has_answered(stream, stream->expected[k])) {
                cli_who(gather->cli, stream->expected[k], who, sizeof(who));
                fprintf(stderr, "%s did not answer on %u: what follows is without it\n", who,
                        stream->port);
            }
    }
    if (gather->left_out)
        fprintf(stderr, "%" PRIu64 " events were left out: more than %d\n", gather->left_out,
                GATHER_EVENTS_MAX);
}

const struct wire_header *gather_next(const struct gather *gather, uint16_t type, size_t *at)
{
    while (*at < gather->event_count) {
        const struct wire_header *event = gather->events[(*at)++];
        if (event->type == type)
            return event;
    }
    return NULL;
}

const char *gather_name(const struct gather *gather, uint64_t instrument, char out[32])
{
    const struct wire_header *event;

    for (size_t at = 0; (event = gather_next(gather, WIRE_instrument, &at)) != NULL;)
        if (event->instrument == instrument)
            return ((const struct wire_instrument *)event)->name;
    snprintf(out, 32, "%016" PRIx64, instrument);
    return out;
}

void gather_keep(struct gather *gather,
                 bool (*keeps)(const void *ctx, const struct wire_header *event), const void *ctx)
{
    size_t kept = 0;

    for (size_t i = 0; i < gather->event_count; i++)
        if (keeps(ctx, gather->events[i]))
            gather->events[kept++] = gather->events[i];
        else
            free(gather->events[i]);
    gather->event_count = kept;
}

void gather_print_json(const struct gather *gather, const char *name, uint16_t type)
{
    const struct wire_header *event;
    bool is_first = true;

    printf("\"%s\":[", name);
    for (size_t at = 0; (event = gather_next(gather, type, &at)) != NULL; is_first = false) {
        if (!is_first)
            putchar(',');
        cli_json(event);
    }
    putchar(']');
}
