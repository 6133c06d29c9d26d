/* bus_recovery.c - a subscriber's side of recovery: what is missing is asked for, page by page,
 * until it is here or known lost. One request per (publisher, type) is out at a time. */
#include "common/edge/bus_internal.h"
#include "common/leaf/err.h"

void bus_recovery_gap(struct bus_sub *sub, struct bus_source *source, unsigned slot,
                      struct sequence_range gap)
{
    struct bus_counters *counters = &sub->bus->counters;
    uint64_t missing = gap.to - gap.from + 1;

    counters->gaps += missing;
    if (sub->stream->loss == LOSS_RECOVERED)
        sub->is_recovering = true;
    else
        counters->lost += missing;
    if (sub->handler.gap)
        sub->handler.gap(sub->handler.ctx, source->publisher, sub->types.type[slot], gap.from,
                         gap.to);
}

static void lose(struct bus_sub *sub, struct bus_source *source, unsigned slot, uint64_t from,
                 uint64_t to)
{
    struct sequence_range lost;

    while (sequence_lose(&source->sequence[slot], from, to, &lost)) {
        sub->bus->counters.lost += lost.to - lost.from + 1;
        if (sub->handler.lost)
            sub->handler.lost(sub->handler.ctx, source->publisher, sub->types.type[slot], lost.from,
                              lost.to);
    }
}

void bus_recovery_abandon(struct bus_sub *sub, struct bus_source *source)
{
    for (unsigned slot = 0; slot < sub->types.count; slot++) {
        lose(sub, source, slot, 1, UINT64_MAX);
        source->ask[slot] = (struct bus_ask){ 0 };
    }
}

static void wait_longer(struct bus_ask *ask, int64_t now_ns)
{
    ask->retry_ns = now_ns + MIN(BUS_RETRY_NS << MIN(ask->attempt, 8u), BUS_RETRY_MAX_NS);
    ask->attempt++;
}

/* A page, or its end, did not get through. */
static void page_failed(struct bus_ask *ask, const struct sequence *sequence)
{
    ask->page = MAX(ask->page / 2, (unsigned)BUS_PAGE_MIN);
    if (sequence->missing[0].from > ask->from)
        ask->attempt = 0; /* Some of it did: the way is open. */
}

/* Asks for the oldest hole, and for the ones behind it as far as they fit in one page. */
static void ask_for(struct bus_sub *sub, struct bus_source *source, unsigned slot, int64_t now_ns)
{
    const struct sequence *sequence = &source->sequence[slot];
    struct bus_ask *ask = &source->ask[slot];
    struct wire_state_request request;

    if (ask->page == 0)
        ask->page = BUS_PAGE_MAX;
    if (ask->request_id != 0)
        page_failed(ask, sequence);
    ask->from = sequence->missing[0].from;
    ask->to = sequence->missing[0].to;
    for (uint32_t i = 1; i < sequence->count; i++)
        if (sequence->missing[i].to - ask->from < ask->page)
            ask->to = sequence->missing[i].to;

    WIRE_BEGIN(&request, state_request);
    request.header.publisher = source->publisher;
    request.kind = REQUEST_REPLAY;
    request.of_type = sub->types.type[slot];
    request.of_epoch = source->epoch;
    request.from_seq = ask->from;
    request.to_seq = ask->to;
    request.page_max = (uint16_t)ask->page;
    ask->request_id = bus_sub_send(sub, &request) == 0 ? request.request_id : 0;
    wait_longer(ask, now_ns);
}

void bus_recovery_turn(struct bus_sub *sub, int64_t now_ns)
{
    bool is_recovering = false;

    for (unsigned i = 0; i < sub->source_count; i++) {
        struct bus_source *source = sub->sources[i];
        for (unsigned slot = 0; slot < sub->types.count; slot++) {
            if (source->sequence[slot].count == 0) {
                source->ask[slot].attempt = 0;
                source->ask[slot].retry_ns = 0;
                continue;
            }
            is_recovering = true;
            if (now_ns >= source->ask[slot].retry_ns)
                ask_for(sub, source, slot, now_ns);
        }
    }
    sub->is_recovering = is_recovering;
}

/* The end of a page comes behind all of its messages on one ordered pipe: what is still missing of
 * it was dropped again. */
static void plan_next(struct bus_source *source, unsigned slot, uint64_t next_seq, int64_t now_ns)
{
    const struct sequence *sequence = &source->sequence[slot];
    struct bus_ask *ask = &source->ask[slot];

    ask->request_id = 0;
    if (sequence->count > 0 && sequence->missing[0].from < next_seq) {
        page_failed(ask, sequence);
        if (ask->attempt > 0) {
            wait_longer(ask, now_ns);
            return;
        }
    } else {
        ask->page = MIN(ask->page + ask->page / 8, (unsigned)BUS_PAGE_MAX);
    }
    ask->attempt = 0;
    ask->retry_ns = 0;
}

bool bus_recovery_end(struct bus_sub *sub, struct bus_source *source,
                      const struct wire_recovery_end *end, int64_t now_ns)
{
    unsigned slot = bus_types_slot(&sub->types, end->of_type);

    if (slot == BUS_NO_SLOT || end->request_id == 0 ||
        source->ask[slot].request_id != end->request_id)
        return false;

    struct bus_ask *ask = &source->ask[slot];
    uint64_t next_seq = MIN(end->next_seq, ask->to + 1);
    if (end->is_lost && next_seq > end->sent)
        lose(sub, source, slot, ask->from, next_seq - end->sent - 1);
    plan_next(source, slot, next_seq, now_ns);
    return true;
}
