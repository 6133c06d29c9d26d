/* fuzz_bus: what a subscriber and a publisher make of any bytes, without sockets.
 *
 * The input is a list of steps: raw bytes as a message, or a valid message made of small numbers,
 * so that the fuzzer reaches deep states. Laws, against a model that remembers everything:
 *  - no (publisher, epoch, type, seq) is handed on twice;
 *  - every seq up to the highest that a source knows of was handed on, is missing, was declared
 * lost, or is before the baseline of its epoch;
 *  - gaps = recovered + lost + missing now. */
#include "common/edge/bus_internal.h"

#include <stdlib.h>
#include <string.h>

enum { PUBLISHERS = 3, EPOCHS = 6, SEQS = 512 };
enum fate { UNKNOWN, BEFORE, MISSING, HANDED_ON, LOST };

static const uint16_t types[] = { WIRE_trade_event, WIRE_account_event };

static unsigned char fates[PUBLISHERS][EPOCHS][COUNT(types)][SEQS];
static uint64_t current_epoch[PUBLISHERS];
static uint64_t lost_total, gaps_total;

static void require(bool holds)
{
    if (!holds)
        abort();
}

static unsigned type_index(uint16_t type)
{
    require(type == types[0] || type == types[1]);
    return type == types[1];
}

static void on_event(void *ctx, const struct wire_header *event)
{
    (void)ctx;
    unsigned publisher = PUBLISHER_INSTANCE(event->publisher);

    require(wire_check(event, event->size) == 0);
    if (publisher >= PUBLISHERS || event->epoch >= EPOCHS || event->seq >= SEQS)
        return;
    unsigned char *fate = &fates[publisher][event->epoch][type_index(event->type)][event->seq];
    require(event->epoch == current_epoch[publisher]);
    require(*fate == UNKNOWN || *fate == MISSING);
    *fate = HANDED_ON;
}

static void mark(uint16_t publisher, uint64_t epoch, uint16_t type, uint64_t from, uint64_t to,
                 enum fate was, enum fate is)
{
    unsigned instance = PUBLISHER_INSTANCE(publisher);

    if (instance >= PUBLISHERS || epoch >= EPOCHS)
        return;
    for (uint64_t seq = from; seq <= to && seq < SEQS; seq++) {
        unsigned char *fate = &fates[instance][epoch][type_index(type)][seq];
        require(*fate == was);
        *fate = (unsigned char)is;
    }
}

static uint64_t epoch_of(uint16_t publisher)
{
    unsigned instance = PUBLISHER_INSTANCE(publisher);
    return instance < PUBLISHERS ? current_epoch[instance] : EPOCHS;
}

static void on_gap(void *ctx, uint16_t publisher, uint16_t type, uint64_t from, uint64_t to)
{
    (void)ctx;
    require(from <= to);
    gaps_total += to - from + 1;
    mark(publisher, epoch_of(publisher), type, from, to, UNKNOWN, MISSING);
}

static void on_lost(void *ctx, uint16_t publisher, uint16_t type, uint64_t from, uint64_t to)
{
    (void)ctx;
    require(from <= to);
    lost_total += to - from + 1;
    mark(publisher, epoch_of(publisher), type, from, to, MISSING, LOST);
}

static struct bus_sub *fuzzed;

static void on_epoch(void *ctx, uint16_t publisher, uint64_t epoch)
{
    (void)ctx;
    unsigned instance = PUBLISHER_INSTANCE(publisher);

    if (instance >= PUBLISHERS)
        return;
    current_epoch[instance] = epoch;
    if (epoch >= EPOCHS)
        return;
    for (unsigned i = 0; i < fuzzed->source_count; i++) {
        const struct bus_source *source = fuzzed->sources[i];
        for (unsigned slot = 0; source->publisher == publisher && slot < COUNT(types); slot++)
            for (uint64_t seq = 0; seq <= source->sequence[slot].high && seq < SEQS; seq++)
                fates[instance][epoch][slot][seq] = BEFORE;
    }
}

static bool is_missing(const struct sequence *sequence, uint64_t seq)
{
    for (uint32_t i = 0; i < sequence->count; i++)
        if (seq >= sequence->missing[i].from && seq <= sequence->missing[i].to)
            return true;
    return false;
}

static void check_laws(const struct bus_sub *sub)
{
    const struct bus_counters *counters = &sub->bus->counters;
    uint64_t missing = 0;

    for (unsigned i = 0; i < sub->source_count; i++) {
        const struct bus_source *source = sub->sources[i];
        unsigned instance = PUBLISHER_INSTANCE(source->publisher);
        for (unsigned slot = 0; slot < COUNT(types); slot++) {
            const struct sequence *sequence = &source->sequence[slot];
            missing += sequence_missing(sequence);
            for (uint32_t r = 0; r < sequence->count; r++) {
                require(sequence->missing[r].from <= sequence->missing[r].to);
                require(sequence->missing[r].to <= sequence->high);
                require(r == 0 || sequence->missing[r - 1].to + 1 < sequence->missing[r].from);
            }
            if (instance >= PUBLISHERS || source->epoch == 0 || source->epoch >= EPOCHS)
                continue;
            const unsigned char *fate = fates[instance][source->epoch][slot];
            for (uint64_t seq = 1; seq < SEQS; seq++) {
                if (seq > sequence->high)
                    require(fate[seq] == UNKNOWN);
                else if (is_missing(sequence, seq))
                    require(fate[seq] == MISSING);
                else
                    require(fate[seq] == HANDED_ON || fate[seq] == LOST || fate[seq] == BEFORE);
            }
        }
    }
    require(counters->gaps == gaps_total && counters->lost == lost_total);
    require(counters->gaps == counters->recovered + counters->lost + missing);
}

/* ---- steps ---- */

struct input {
    const uint8_t *at, *end;
};

static uint8_t next(struct input *in)
{
    return in->at < in->end ? *in->at++ : 0;
}

/* Mostly small, now and then at the edge. */
static uint64_t next_seq(struct input *in)
{
    uint8_t high = next(in), low = next(in);

    if (high == 255)
        return UINT64_MAX - low;
    return (uint64_t)(high & 1) << 8 | low;
}

static void take_made(struct bus_sub *sub, struct input *in, int64_t now_ns)
{
    uint8_t what = next(in);
    struct wire_header header = { .version = WIRE_VERSION,
                                  .publisher = PUBLISHER(ROLE_TRADING_ENGINE, what % PUBLISHERS),
                                  .epoch = 1 + (uint64_t)(next(in) % (EPOCHS - 1)) };
    unsigned index = (what >> 2) & 1;

    memset(&sub->event, 0, sizeof(struct wire_heartbeat));
    switch ((what >> 3) % 4) {
    case 0:
        header.type = WIRE_heartbeat;
        header.size = sizeof(struct wire_heartbeat);
        sub->event.heartbeat.port = 6017;
        sub->event.heartbeat.sequence_count = 2;
        sub->event.heartbeat.sequences[0] =
            (wire_sequence){ .type = types[0], .seq = next_seq(in) };
        sub->event.heartbeat.sequences[1] =
            (wire_sequence){ .type = types[1], .seq = next_seq(in) };
        break;
    case 1:
        header.type = WIRE_recovery_end;
        header.size = sizeof(struct wire_recovery_end);
        sub->event.recovery_end.of_type = types[index];
        /* The id of what is asked just now, as the right publisher would say. */
        for (unsigned i = 0; i < sub->source_count; i++)
            if (sub->sources[i]->publisher == header.publisher) {
                sub->event.recovery_end.request_id = sub->sources[i]->ask[index].request_id;
                header.epoch = sub->sources[i]->epoch;
            }
        sub->event.recovery_end.next_seq = next_seq(in);
        sub->event.recovery_end.sent = next(in);
        sub->event.recovery_end.is_lost = what >> 7;
        break;
    default:
        header.type = types[index];
        header.seq = next_seq(in);
        /* A step over one message: holes enough to fill every range. */
        for (unsigned i = 0; (what & 0x40) && i < sub->source_count; i++)
            if (sub->sources[i]->publisher == header.publisher) {
                header.epoch = sub->sources[i]->epoch;
                header.seq = sub->sources[i]->sequence[index].high + 2;
            }
        header.size = index ? sizeof(struct wire_account_event) : sizeof(struct wire_trade_event);
        if (index) {
            sub->event.account_event.kind = ACCOUNT_BALANCE;
        } else {
            sub->event.trade_event.side = SIDE_BUY;
            sub->event.trade_event.liquidity = LIQUIDITY_TAKER;
        }
    }
    sub->event.header = header;
    bus_sub_take(sub, header.size, now_ns);
}

static void take_raw(struct bus_sub *sub, struct bus_pub *pub, struct input *in, int64_t now_ns)
{
    size_t length = next(in) * (size_t)4, left = (size_t)(in->end - in->at);

    length = MIN(length, left);
    memcpy(&sub->event, in->at, length);
    (void)bus_pub_take(pub, &sub->event, MIN(length, 1024u));
    memcpy(&sub->event, in->at, length);
    /* Role and version are ours, so that more than the first line of the check is reached. */
    if (length >= sizeof(struct wire_header) && (in->at[0] & 1)) {
        sub->event.header.version = WIRE_VERSION;
        sub->event.header.publisher = PUBLISHER(ROLE_TRADING_ENGINE, PUBLISHERS + 1);
        sub->event.header.size = (uint32_t)length;
        sub->event.header.reserved = 0;
    }
    bus_sub_take(sub, length, now_ns);
    in->at += length;
}

/* What a subscriber asked is given to the publisher, whose answers go nowhere: it must only live.
 */
static void ask_publisher(struct bus_pub *pub, struct input *in)
{
    struct wire_state_request request;

    WIRE_BEGIN(&request, state_request);
    request.kind = REQUEST_REPLAY;
    request.of_epoch = pub->bus->epoch;
    request.of_type = types[next(in) & 1];
    request.from_seq = next_seq(in);
    request.to_seq = next_seq(in);
    request.page_max = (uint16_t)(next(in) * 3);
    (void)bus_pub_take(pub, &request, sizeof(request));
}

static void publish(struct bus_pub *pub)
{
    struct wire_trade_event event;

    WIRE_BEGIN(&event, trade_event);
    (void)bus_publish(pub, &event.header);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct bus bus;
    static struct bus_pub pub;
    struct input in = { data, data + size };
    int64_t now_ns = NS_PER_S;

    log_set_level(LOG_LEVEL_ERROR);
    memset(fates, 0, sizeof(fates));
    memset(current_epoch, 0, sizeof(current_epoch));
    lost_total = gaps_total = 0;
    bus = (struct bus){ .publisher = PUBLISHER(ROLE_TRADING_ENGINE, 1), .epoch = 3 };
    pub = (struct bus_pub){ .bus = &bus, .stream = stream_of(6017), .high_water_mark = 65536 };
    bus_types_init(&pub.types, 6017);
    struct bus_sub *sub = fuzzed = calloc(1, sizeof(*sub));
    if (!sub || bus_kept_open(&pub.kept, &pub.types, 32) != 0)
        abort();
    sub->bus = &bus;
    sub->stream = stream_of(6017);
    sub->types = pub.types;
    sub->handler = (struct bus_handler){
        .event = on_event, .gap = on_gap, .lost = on_lost, .epoch = on_epoch
    };

    while (in.at < in.end) {
        switch (next(&in) % 8) {
        case 0:
            take_raw(sub, &pub, &in, now_ns);
            break;
        case 1:
            now_ns += next(&in) * NS_PER_MS; /* Never silent long enough to take an epoch back. */
            for (unsigned i = 0; i < sub->source_count; i++)
                sub->sources[i]->heard_ns = now_ns;
            bus_recovery_turn(sub, now_ns);
            break;
        case 2:
            ask_publisher(&pub, &in);
            break;
        case 3:
            publish(&pub);
            break;
        default:
            take_made(sub, &in, now_ns);
        }
        check_laws(sub);
    }
    for (unsigned i = 0; i < sub->source_count; i++)
        free(sub->sources[i]);
    free(sub);
    bus_kept_close(&pub.kept);
    return 0;
}
