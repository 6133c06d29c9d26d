/* bus_answer.c - a publisher's answers: pages of kept messages, and state asked of the role. */
#include "common/edge/bus_internal.h"
#include "common/leaf/err.h"

#include <string.h>

/* ---- replay ---- */

static void send_copy(struct bus_pub *pub, const struct wire_header *kept)
{
    union wire_event
        copy; /* No type of a recovered stream is large; only its own bytes are touched. */

    memcpy(&copy, kept, kept->size);
    copy.header.flags |= WIRE_REPLAY;
    (void)bus_pub_send(pub, &copy.header);
}

/* Sends [from, to] as far as a page goes. What is older than the oldest kept message is lost: the
 * page then begins with that one, and the asker finds what it lost as next_seq - sent. */
static void replay(struct bus_pub *pub, const struct wire_state_request *request)
{
    unsigned slot = bus_types_slot(&pub->types, request->of_type);
    /* A page must not fill the queue that it is to repair. */
    unsigned page =
        MIN(MIN(request->page_max, BUS_PAGE_MAX), (unsigned)pub->high_water_mark / 4 + 1);

    if (!pub->kept || slot == BUS_NO_SLOT || request->of_epoch != pub->bus->epoch || page == 0 ||
        request->from_seq == 0 || request->to_seq < request->from_seq) {
        pub->bus->counters.requests_refused++;
        return;
    }

    struct wire_recovery_end end;
    WIRE_BEGIN(&end, recovery_end);
    end.request_id = request->request_id;
    end.of_type = request->of_type;

    uint64_t to = MIN(request->to_seq, pub->sent[slot]);
    uint64_t at = request->from_seq, first = bus_kept_first(pub->kept, slot);
    if (at < first) {
        end.is_lost = 1;
        at = MIN(first, request->to_seq + 1);
    }
    for (; at <= to && end.sent < page; at++) {
        const struct wire_header *kept = bus_kept_find(pub->kept, slot, at);
        if (!kept)
            break;
        send_copy(pub, kept);
        end.sent++;
    }
    end.next_seq = at;
    end.is_complete = at > request->to_seq;
    bus_pub_send_end(pub, &end);
    pub->bus->counters.requests_answered++;
}

/* ---- state and snapshots: asked of the role, together ---- */

static void ask_role(struct bus_pub *pub, struct bus_asking *asking)
{
    struct wire_state_request request = asking->request;

    pub->answering[pub->next_answer] = *asking;
    pub->next_answer = (pub->next_answer + 1) % BUS_ANSWERS_MAX;
    asking->count = 0;
    pub->on_request(pub->on_request_ctx, &request);
}

static void coalesced(struct loop_timer *timer, int64_t now_ns)
{
    struct bus_pub *pub = timer->ctx;

    (void)now_ns;
    for (size_t i = 0; i < COUNT(pub->asking); i++)
        if (pub->asking[i].count)
            ask_role(pub, &pub->asking[i]);
}

static void collect(struct bus_pub *pub, const struct wire_state_request *request)
{
    struct bus_asking *asking = &pub->asking[request->kind == REQUEST_SNAPSHOT];

    if (!pub->on_request)
        return;
    if (asking->count == 0) {
        asking->request = *request;
    } else {
        /* Different wishes together are a wish for everything. */
        struct wire_header *wanted = &asking->request.header;
        if (wanted->instrument != request->header.instrument)
            wanted->instrument = 0;
        if (wanted->account != request->header.account)
            wanted->account = 0;
    }
    /* Beyond the bound the answer still comes, only its end is not told to that asker. */
    if (asking->count < BUS_ASKERS_MAX)
        asking->ids[asking->count++] = request->request_id;
    else
        pub->bus->counters.requests_refused++;
    if (pub->coalesce.at_ns == 0)
        (void)loop_timer_at(pub->bus->config.loop, &pub->coalesce, loop_now_ns() + BUS_COALESCE_NS);
}

void bus_pub_end_recovery(struct bus_pub *pub, uint64_t request_id, unsigned sent, bool is_complete)
{
    struct wire_recovery_end end;
    struct bus_asking alone = { .ids = { request_id }, .count = 1 };
    struct bus_asking *answered = &alone;

    for (size_t i = 0; i < COUNT(pub->answering); i++)
        if (pub->answering[i].count && pub->answering[i].ids[0] == request_id)
            answered = &pub->answering[i];

    WIRE_BEGIN(&end, recovery_end);
    end.sent = (uint16_t)MIN(sent, UINT16_MAX);
    end.is_complete = is_complete;
    for (unsigned i = 0; i < answered->count; i++) {
        end.request_id = answered->ids[i];
        bus_pub_send_end(pub, &end);
        pub->bus->counters.requests_answered++;
    }
    if (is_complete)
        answered->count = 0;
}

void bus_answer(struct bus_pub *pub, const struct wire_state_request *request)
{
    if (request->kind == REQUEST_REPLAY)
        replay(pub, request);
    else
        collect(pub, request);
}

void bus_answer_init(struct bus_pub *pub)
{
    pub->coalesce = (struct loop_timer){ .fire = coalesced, .ctx = pub };
}

void bus_answer_fini(struct bus_pub *pub)
{
    loop_timer_stop(pub->bus->config.loop, &pub->coalesce);
}
