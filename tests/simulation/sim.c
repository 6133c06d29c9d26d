#include "tests/simulation/sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int64_t START_NS = 1000 * NS_PER_S;

const char *sim_fault_str(enum sim_fault fault)
{
#define FAULT_AS_TEXT(name, text) text,
    static const char *const texts[] = { SIM_FAULTS(FAULT_AS_TEXT) };

    return fault < FAULT_COUNT ? texts[fault] : "?";
}

void sim_init(struct sim *sim, uint64_t seed, bool is_traced)
{
    *sim = (struct sim){ .seed = seed,
                         .random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1,
                         .now_ns = START_NS,
                         .is_traced = is_traced,
                         .digest = UINT64_C(0xcbf29ce484222325) };
}

void sim_fini(struct sim *sim)
{
    for (size_t i = 0; i < sim->count; i++)
        free(sim->heap[i].payload);
    free(sim->heap);
    sim->heap = NULL;
    sim->count = sim->room = 0;
}

/* splitmix64 */
uint64_t sim_random(struct sim *sim)
{
    uint64_t z = sim->random += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

int64_t sim_below(struct sim *sim, int64_t n)
{
    return n > 0 ? (int64_t)(sim_random(sim) % (uint64_t)n) : 0;
}

int64_t sim_between(struct sim *sim, int64_t low, int64_t high)
{
    return low + sim_below(sim, high - low + 1);
}

bool sim_strikes(struct sim *sim, enum sim_fault fault)
{
    if (sim->is_calm || sim->odds_ppm[fault] == 0 ||
        sim_below(sim, 1000000) >= sim->odds_ppm[fault])
        return false;
    sim->faults[fault]++;
    return true;
}

static bool is_before(const struct sim_event *a, const struct sim_event *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

void sim_plan(struct sim *sim, int64_t at_ns, void (*run)(void *, void *, uint64_t), void *ctx,
              void *payload, uint64_t tag)
{
    if (sim->count == sim->room) {
        sim->room = sim->room ? sim->room * 2 : 1024;
        sim->heap = realloc(sim->heap, sim->room * sizeof(*sim->heap));
        if (!sim->heap)
            abort();
    }
    size_t at = sim->count++;
    sim->heap[at] = (struct sim_event){
        .at_ns = MAX(at_ns, sim->now_ns), .order = ++sim->planned, run, ctx, payload, tag
    };
    for (; at > 0 && is_before(&sim->heap[at], &sim->heap[(at - 1) / 2]); at = (at - 1) / 2) {
        struct sim_event other = sim->heap[at];
        sim->heap[at] = sim->heap[(at - 1) / 2];
        sim->heap[(at - 1) / 2] = other;
    }
}

static struct sim_event take_first(struct sim *sim)
{
    struct sim_event first = sim->heap[0], last = sim->heap[--sim->count];
    size_t at = 0;

    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= sim->count)
            break;
        if (child + 1 < sim->count && is_before(&sim->heap[child + 1], &sim->heap[child]))
            child++;
        if (!is_before(&sim->heap[child], &last))
            break;
        sim->heap[at] = sim->heap[child];
        at = child;
    }
    sim->heap[at] = last;
    return first;
}

bool sim_step(struct sim *sim)
{
    if (sim->count == 0)
        return false;
    struct sim_event event = take_first(sim);
    sim->now_ns = event.at_ns;
    sim->steps++;
    event.run(event.ctx, event.payload, event.tag);
    free(event.payload);
    return true;
}

/* FNV-1a, eight bytes at a time. */
void sim_digest(struct sim *sim, const void *bytes, size_t size)
{
    const unsigned char *at = bytes;

    for (; size >= 8; size -= 8, at += 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        sim->digest = (sim->digest ^ word) * UINT64_C(0x100000001b3);
        sim->digest ^= sim->digest >> 29;
    }
    for (; size > 0; size--, at++)
        sim->digest = (sim->digest ^ *at) * UINT64_C(0x100000001b3);
}

void sim_trace(const struct sim *sim, const char *format, ...)
{
    va_list args;

    if (!sim->is_traced)
        return;
    printf("%10.6f ", (double)(sim->now_ns - START_NS) / 1e9);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

void sim_fail(struct sim *sim, const char *format, ...)
{
    va_list args;

    if (sim->failure[0])
        return;
    va_start(args, format);
    int head = snprintf(sim->failure, sizeof(sim->failure),
                        "at %.6f s: ", (double)(sim->now_ns - START_NS) / 1e9);
    vsnprintf(sim->failure + head, sizeof(sim->failure) - (size_t)head, format, args);
    va_end(args);
    sim_trace(sim, "FAILED %s", sim->failure);
}
