#include "tests/simulation/bus_model.h"

#include <stdlib.h>
#include <string.h>

enum { PAGE_MAX = 256, TURN_MS = 50 };

static const int64_t HEARTBEAT_NS = 100 * NS_PER_MS;
static const int64_t TICK_NS = 10 * NS_PER_MS;

/* ---- messages on their way ---- */

struct parcel {
    struct bus_message *message;
    uint64_t from_incarnation, to_incarnation;
    uint8_t flags;
};

static void release(struct bus_message *message)
{
    if (--message->refs == 0)
        free(message);
}

static unsigned slot_of(uint16_t type)
{
    return type % BUS_SLOTS;
}

static bool is_recovered(const struct bus_link *link)
{
    return stream_of(link->from->port)->loss == LOSS_RECOVERED;
}

static void note_gap(struct bus_link *link, uint16_t type, struct sequence_range gap)
{
    struct node *to = link->to;
    uint16_t publisher = PUBLISHER(link->from->owner->role, link->from->owner->instance);

    sim_trace(to->sim, "%s: gap port=%u publisher=%04x type=%s %llu..%llu", to->name,
              link->from->port, publisher, wire_name(type), (unsigned long long)gap.from,
              (unsigned long long)gap.to);
    if (to->ops->gap)
        to->ops->gap(to, link->from->port, publisher, type);
}

static void begin_epoch(struct bus_link *link, const struct wire_heartbeat *beat)
{
    bool from_first = is_recovered(link) && link->epoch != 0;
    uint64_t last[BUS_SLOTS] = { 0 };

    for (unsigned i = 0; i < beat->sequence_count; i++)
        last[slot_of(beat->sequences[i].type)] = beat->sequences[i].seq;
    link->epoch = beat->header.epoch;
    for (unsigned slot = 0; slot < BUS_SLOTS; slot++) {
        sequence_begin(&link->sequence[slot], from_first ? 0 : last[slot], is_recovered(link));
        link->ask_ns[slot] = 0;
        link->asks[slot] = 0;
    }
    if (link->to->ops->epoch)
        link->to->ops->epoch(link->to, link->from->port, beat->header.publisher);
}

static void on_heartbeat(struct bus_link *link, const struct wire_heartbeat *beat)
{
    struct node *to = link->to;

    if (beat->header.epoch < link->epoch)
        return;
    if (beat->header.epoch != link->epoch)
        begin_epoch(link, beat);
    for (unsigned i = 0; i < beat->sequence_count; i++) {
        struct sequence_range gap;
        uint16_t type = beat->sequences[i].type;
        if (sequence_published(&link->sequence[slot_of(type)], beat->sequences[i].seq, &gap))
            note_gap(link, type, gap);
    }
    if (to->ops->heartbeat)
        to->ops->heartbeat(to, link->from->port, beat);
}

static void take(struct bus_link *link, const struct wire_header *event)
{
    struct sequence_range gap;

    if (event->type == WIRE_heartbeat) {
        on_heartbeat(link, (const struct wire_heartbeat *)(const void *)event);
        return;
    }
    if (link->epoch != event->epoch)
        return;
    switch (sequence_take(&link->sequence[slot_of(event->type)], event->seq, &gap)) {
    case SEQUENCE_AFTER_GAP:
        note_gap(link, event->type, gap);
        break;
    case SEQUENCE_NEXT:
    case SEQUENCE_RECOVERED:
        break;
    default:
        return;
    }
    link->to->ops->event(link->to, link->from->port, event);
}

static void trace_arrival(const struct bus_link *link, const struct wire_header *event)
{
    char text[2048];

    if (!link->to->sim->is_traced || event->type == WIRE_heartbeat ||
        wire_port(event->type) == STREAM_MARKET_DATA || event->type == WIRE_risk_state ||
        (event->flags & WIRE_SNAPSHOT))
        return;
    (void)wire_dump(event, text, sizeof(text));
    sim_trace(link->to->sim, "%s <- %s %s", link->to->name, link->from->owner->name, text);
}

static void arrive(void *ctx, void *payload, uint64_t tag)
{
    static union wire_event copy;
    struct bus_link *link = ctx;
    struct parcel *parcel = payload;
    struct node *to = link->to;
    struct bus_message *message = parcel->message;
    bool is_cut =
        parcel->from_incarnation != link->from->owner->incarnation &&
        (parcel->from_incarnation != link->cut_incarnation || to->sim->now_ns > link->cut_ns);

    if (is_cut || !to->is_up || parcel->to_incarnation != to->incarnation) {
        release(message);
        return;
    }
    if (to->sim->now_ns < to->paused_until_ns) {
        struct parcel *later = malloc(sizeof(*later));
        if (!later)
            abort();
        *later = *parcel;
        if (parcel->from_incarnation != link->from->owner->incarnation)
            link->cut_ns = MAX(link->cut_ns, to->paused_until_ns); /* It is in our buffer. */
        sim_plan(to->sim, to->paused_until_ns, arrive, link, later, tag);
        return;
    }
    memcpy(&copy, message->bytes, message->size);
    copy.header.flags |= parcel->flags;
    release(message);
    if (wire_check(&copy, copy.header.size) != 0) {
        sim_fail(to->sim, "%s published an event that wire_check refuses: type %u",
                 link->from->owner->name, copy.header.type);
        return;
    }
    trace_arrival(link, &copy.header);
    take(link, &copy.header);
    node_settle(to);
}

static void post(struct bus_link *link, struct bus_message *message, uint8_t flags)
{
    struct sim *sim = link->to->sim;
    unsigned copies = 1;

    if (!link->to->is_up || sim->now_ns < link->up_ns)
        return;
    if (sim_strikes(sim, FAULT_BUS_LOST)) {
        sim_trace(sim, "LOST %s on its way to %s",
                  wire_name(((const struct wire_header *)(const void *)message->bytes)->type),
                  link->to->name);
        return;
    }
    copies += sim_strikes(sim, FAULT_BUS_DUPLICATED);
    int64_t delay = sim_between(sim, 20, 200) * NS_PER_US;
    if (sim_strikes(sim, FAULT_BUS_DELAYED))
        delay = sim_between(sim, 1, 1500) * NS_PER_MS;
    link->due_ns = MAX(link->due_ns, sim->now_ns + delay);
    for (; copies > 0; copies--) {
        struct parcel *parcel = malloc(sizeof(*parcel));
        if (!parcel)
            abort();
        *parcel = (struct parcel){ message, link->from->owner->incarnation, link->to->incarnation,
                                   flags };
        message->refs++;
        sim_plan(sim, link->due_ns, arrive, link, parcel, 0);
    }
}

static struct bus_message *message_of(const struct wire_header *event)
{
    struct bus_message *message = malloc(sizeof(*message) + event->size);

    if (!message)
        abort();
    message->refs = 1;
    message->size = event->size;
    memcpy(message->bytes, event, event->size);
    return message;
}

static void keep(struct bus_publication *pub, struct bus_message *message, uint16_t type)
{
    unsigned slot = slot_of(type);
    uint64_t at = pub->seq[slot] - 1;

    if (at >= pub->kept_room[slot]) {
        pub->kept_room[slot] = pub->kept_room[slot] ? pub->kept_room[slot] * 2 : 64;
        pub->kept[slot] = realloc(pub->kept[slot], pub->kept_room[slot] * sizeof(message));
        if (!pub->kept[slot])
            abort();
    }
    pub->kept[slot][at] = message;
    message->refs++;
}

static struct bus_publication *publication(struct node *node, unsigned port)
{
    for (unsigned i = 0; i < node->pub_count; i++)
        if (node->pubs[i].port == port)
            return &node->pubs[i];
    abort(); /* A process publishes only what the topology gives it. */
}

static void stamp(struct node *node, struct wire_header *event)
{
    event->publisher = PUBLISHER(node->role, node->instance);
    event->epoch = node->epoch;
    event->sent_ns = node->sim->now_ns;
}

void bus_send(struct node *node, unsigned port, struct wire_header *event)
{
    struct bus_publication *pub = publication(node, port);

    if (!node_output(node))
        return;
    if (wire_port(event->type) != (int)port)
        sim_fail(node->sim, "%s published %s on %u", node->name, wire_name(event->type), port);
    stamp(node, event);
    event->seq = ++pub->seq[slot_of(event->type)];
    sim_digest(node->sim, event, event->size);
    struct bus_message *message = message_of(event);
    if (stream_of(port)->loss == LOSS_RECOVERED)
        keep(pub, message, event->type);
    for (struct bus_link *link = pub->links; link; link = link->next_of_publication)
        post(link, message, 0);
    release(message);
}

/* ---- heartbeats ---- */

static struct bus_message *heartbeat(struct bus_publication *pub)
{
    struct wire_heartbeat beat;
    struct node *node = pub->owner;

    WIRE_BEGIN(&beat, heartbeat);
    stamp(node, &beat.header);
    beat.header.seq = 1; /* Nobody counts them. */
    beat.realtime_ns = sim_wall(node->sim);
    beat.boot_id = 42;
    beat.risk_version = node->risk_version;
    beat.port = (uint16_t)pub->port;
    for (unsigned type = 1; type < 256; type++)
        if (wire_name((uint16_t)type) && wire_port((uint16_t)type) == (int)pub->port) {
            struct wire_sequence *entry = &beat.sequences[beat.sequence_count++];
            entry->type = (uint16_t)type;
            entry->seq = pub->seq[slot_of((uint16_t)type)];
        }
    return message_of(&beat.header);
}

static void beat(void *ctx, void *payload, uint64_t incarnation)
{
    struct node *node = ctx;

    (void)payload;
    if (!node->is_up || node->incarnation != incarnation)
        return;
    if (node->sim->now_ns >= node->paused_until_ns)
        for (unsigned i = 0; i < node->pub_count; i++) {
            struct bus_message *message = heartbeat(&node->pubs[i]);
            for (struct bus_link *l = node->pubs[i].links; l; l = l->next_of_publication)
                post(l, message, 0);
            release(message);
        }
    sim_plan(node->sim, node->sim->now_ns + HEARTBEAT_NS, beat, node, NULL, incarnation);
}

/* A subscription is answered with a heartbeat at once: the baseline. */
static void connected(void *ctx, void *payload, uint64_t tag)
{
    struct bus_link *link = ctx;
    struct node *from = link->from->owner;

    (void)payload;
    if (tag != from->incarnation + link->to->incarnation || !from->is_up || !link->to->is_up)
        return;
    struct bus_message *message = heartbeat(link->from);
    post(link, message, 0);
    release(message);
}

static void connect_link(struct bus_link *link)
{
    struct node *from = link->from->owner, *to = link->to;

    link->up_ns = INT64_MAX;
    if (!from->is_up || !to->is_up)
        return;
    link->up_ns = from->sim->now_ns + sim_between(from->sim, 1, 120) * NS_PER_MS;
    sim_plan(from->sim, link->up_ns, connected, link, NULL, from->incarnation + to->incarnation);
}

/* ---- upstream: replay and state ---- */

struct upstream {
    struct wire_state_request request;
    uint64_t to_incarnation;
};

static void replay(struct bus_link *link, const struct wire_state_request *request)
{
    struct bus_publication *pub = link->from;
    unsigned slot = slot_of(request->of_type), sent = 0;

    if (request->of_epoch != pub->owner->epoch)
        return;
    for (uint64_t seq = MAX(request->from_seq, 1);
         seq <= MIN(request->to_seq, pub->seq[slot]) && sent < PAGE_MAX; seq++, sent++)
        post(link, pub->kept[slot][seq - 1], WIRE_REPLAY);
}

static void answer_state(void *ctx, void *payload, uint64_t incarnation)
{
    struct bus_publication *pub = ctx;
    struct upstream *up = payload;
    struct node *node = pub->owner;

    pub->has_request = false;
    if (!node->is_up || node->incarnation != incarnation)
        return;
    if (node->ops->request)
        node->ops->request(node, pub->port, &up->request);
    node_settle(node);
}

static void arrive_upstream(void *ctx, void *payload, uint64_t tag)
{
    struct bus_link *link = ctx;
    struct upstream *up = payload;
    struct node *node = link->from->owner;

    (void)tag;
    if (!node->is_up || up->to_incarnation != node->incarnation)
        return;
    if (up->request.kind == REQUEST_REPLAY) {
        replay(link, &up->request);
        return;
    }
    if (link->from->has_request)
        return;
    link->from->has_request = true;
    struct upstream *kept = malloc(sizeof(*kept));
    if (!kept)
        abort();
    *kept = *up;
    kept->request.header.instrument = 0; /* Coalesced: of everything. */
    sim_plan(node->sim, MAX(node->sim->now_ns + 100 * NS_PER_MS, node->paused_until_ns),
             answer_state, link->from, kept, node->incarnation);
}

static void send_upstream(struct bus_link *link, const struct wire_state_request *request)
{
    struct sim *sim = link->to->sim;
    struct node *from = link->from->owner;

    if (!from->is_up || sim->now_ns < link->up_ns || sim_strikes(sim, FAULT_REQUEST_LOST_UPSTREAM))
        return;
    struct upstream *up = malloc(sizeof(*up));
    if (!up)
        abort();
    *up = (struct upstream){ *request, from->incarnation };
    link->request_due_ns =
        MAX(link->request_due_ns, sim->now_ns + sim_between(sim, 20, 200) * NS_PER_US);
    sim_plan(sim, link->request_due_ns, arrive_upstream, link, up, 0);
}

void bus_ask(struct node *node, unsigned port, wire_state_request_kind kind, uint64_t instrument)
{
    struct wire_state_request request;

    WIRE_BEGIN(&request, state_request);
    request.kind = kind;
    request.header.instrument = instrument;
    for (unsigned i = 0; i < node->link_count && node_output(node); i++)
        if (node->links[i].from->port == port)
            send_upstream(&node->links[i], &request);
}

static void ask_for_missing(struct bus_link *link)
{
    struct sim *sim = link->to->sim;
    struct wire_state_request request;

    for (unsigned slot = 0; slot < BUS_SLOTS && link->epoch && is_recovered(link); slot++) {
        const struct sequence *sequence = &link->sequence[slot];
        if (sequence->count == 0) {
            link->asks[slot] = 0;
            link->ask_ns[slot] = 0;
            continue;
        }
        if (sim->now_ns < link->ask_ns[slot])
            continue;
        WIRE_BEGIN(&request, state_request);
        request.kind = REQUEST_REPLAY;
        for (unsigned type = slot; type < 256; type += BUS_SLOTS)
            if (wire_name((uint16_t)type) && wire_port((uint16_t)type) == (int)link->from->port)
                request.of_type = (uint16_t)type;
        request.of_epoch = link->epoch;
        request.from_seq = sequence->missing[0].from;
        request.to_seq = sequence->missing[0].to;
        request.page_max = PAGE_MAX;
        send_upstream(link, &request);
        link->ask_ns[slot] = sim->now_ns + (INT64_C(100) << MIN(link->asks[slot], 5U)) * NS_PER_MS;
        link->asks[slot]++;
    }
}

/* ---- a process's life ---- */

static void turn(void *ctx, void *payload, uint64_t incarnation)
{
    struct node *node = ctx;
    int64_t next_ns = node->sim->now_ns + TICK_NS;

    (void)payload;
    if (!node->is_up || node->incarnation != incarnation)
        return;
    if (node->sim->now_ns < node->paused_until_ns) {
        next_ns = node->paused_until_ns;
    } else {
        if (node->sim->now_ns / NS_PER_MS % TURN_MS == 0)
            for (unsigned i = 0; i < node->link_count; i++)
                ask_for_missing(&node->links[i]);
        node->ops->tick(node);
        node_settle(node);
    }
    sim_plan(node->sim, (next_ns + TICK_NS - 1) / TICK_NS * TICK_NS, turn, node, NULL, incarnation);
}

struct bus_publication *bus_offer(struct node *node, unsigned port)
{
    struct bus_publication *pub = &node->pubs[node->pub_count++];

    *pub = (struct bus_publication){ .owner = node, .port = port };
    return pub;
}

void bus_join(struct node *to, struct node *from, unsigned port)
{
    struct bus_publication *pub = publication(from, port);
    struct bus_link *link = &to->links[to->link_count++];

    assert(to->link_count <= BUS_LINKS_MAX);
    *link = (struct bus_link){ .from = pub, .to = to, .up_ns = INT64_MAX };
    link->next_of_publication = pub->links;
    pub->links = link;
}

void node_start(struct node *node)
{
    struct sim *sim = node->sim;

    node->is_up = true;
    node->is_dying = false;
    node->fuse = 0;
    node->incarnation++;
    node->epoch = (uint64_t)sim_wall(sim) + node->incarnation;
    node->paused_until_ns = 0;
    node->risk_version = 0;
    sim_trace(sim, "START %s epoch=%llu", node->name, (unsigned long long)node->epoch);
    for (unsigned i = 0; i < node->pub_count; i++)
        for (struct bus_link *l = node->pubs[i].links; l; l = l->next_of_publication)
            connect_link(l);
    for (unsigned i = 0; i < node->link_count; i++) {
        node->links[i].epoch = 0;
        connect_link(&node->links[i]);
    }
    node->ops->boot(node);
    sim_plan(sim, sim->now_ns, beat, node, NULL, node->incarnation);
    sim_plan(sim, sim->now_ns, turn, node, NULL, node->incarnation);
    node_settle(node);
}

static void forget_kept(struct bus_publication *pub)
{
    for (unsigned slot = 0; slot < BUS_SLOTS; slot++) {
        for (uint64_t i = 0; pub->kept[slot] && i < pub->seq[slot]; i++)
            release(pub->kept[slot][i]);
        free(pub->kept[slot]);
        pub->kept[slot] = NULL;
        pub->kept_room[slot] = 0;
        pub->seq[slot] = 0;
    }
}

void node_end(struct node *node)
{
    if (!node->is_up)
        return;
    sim_trace(node->sim, "KILL -9 %s", node->name);
    for (unsigned i = 0; i < node->pub_count; i++) {
        struct bus_publication *pub = &node->pubs[i];
        /* What the system had already taken still arrives, the rest never will. */
        for (struct bus_link *l = pub->links; l; l = l->next_of_publication) {
            l->cut_incarnation = node->incarnation;
            l->cut_ns = node->sim->now_ns +
                        sim_below(node->sim, MAX(l->due_ns - node->sim->now_ns, 0) * 2 + 1);
            l->up_ns = INT64_MAX;
        }
        forget_kept(pub);
        pub->has_request = false;
    }
    for (unsigned i = 0; i < node->link_count; i++)
        node->links[i].up_ns = INT64_MAX;
    node->is_up = false;
    node->incarnation++;
    if (node->ops->ended)
        node->ops->ended(node);
}

bool node_output(struct node *node)
{
    if (node->fuse > 0 && --node->fuse == 0 && node->is_up && !node->is_dying) {
        node->is_dying = true;
        node->sim->faults[FAULT_KILLED_WITHIN]++;
        sim_trace(node->sim, "%s dies inside a turn", node->name);
    }
    return node->is_up && !node->is_dying;
}

void node_settle(struct node *node)
{
    if (node->is_dying && node->is_up)
        node_end(node);
}

void node_fini(struct node *node)
{
    for (unsigned i = 0; i < node->pub_count; i++)
        forget_kept(&node->pubs[i]);
}
