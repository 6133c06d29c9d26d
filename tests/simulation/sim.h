/* sim.h - the simulation's clock, dice and schedule: everything that happens in a run happens in
 * one order, which the seed alone decides.
 *
 * Virtual time: nobody waits, an hour costs seconds. Owned by one thread; may allocate (it is no
 * core). A seed that fails once fails every time in the same step. */
#ifndef TICKPIPE_TESTS_SIMULATION_SIM_H
#define TICKPIPE_TESTS_SIMULATION_SIM_H

#include "common/leaf/base.h"

/* Everything that a run does to the pipeline on purpose: name, text. */
#define SIM_FAULTS(X)                                           \
    X(BUS_LOST, "bus message lost")                             \
    X(BUS_DUPLICATED, "bus message duplicated")                 \
    X(BUS_DELAYED, "bus link stalled")                          \
    X(REQUEST_LOST_UPSTREAM, "bus request lost")                \
    X(KILLED_ENGINE, "engine killed")                           \
    X(KILLED_POSITIONS, "position_server killed")               \
    X(KILLED_RUNNER, "runner killed")                           \
    X(KILLED_RISK, "risk_monitor killed")                       \
    X(KILLED_SIGNAL, "signal_engine killed")                    \
    X(KILLED_GATEWAY, "gateway killed")                         \
    X(KILLED_WITHIN, "of them inside a turn")                   \
    X(POWER_LOST, "power lost")                                 \
    X(PAUSED, "process stood still")                            \
    X(JOURNAL_ROTATED, "journal rotated")                       \
    X(NOT_SENT, "request did not leave")                        \
    X(REQUEST_LOST, "request lost on its way")                  \
    X(REQUEST_LATE, "request late")                             \
    X(ANSWER_LOST, "executed, answer lost")                     \
    X(ANSWER_LATE, "answer late")                               \
    X(RATE_LIMITED, "venue rate limit")                         \
    X(QUERY_STALE, "stale answer to a question")                \
    X(REPORT_DUPLICATED, "execution report twice")              \
    X(STREAM_LATE, "private stream late")                       \
    X(STREAM_LOST, "private stream broken")                     \
    X(DEAF_RUNNER, "halt or kill that the runner did not hear") \
    X(OPERATOR_KILL, "operator's kill")                         \
    X(OPERATOR_RESUME, "operator's resume")

#define SIM_FAULT_AS_ENUM(name, text) FAULT_##name,
enum sim_fault { SIM_FAULTS(SIM_FAULT_AS_ENUM) FAULT_COUNT };

struct sim_event {
    int64_t at_ns;
    uint64_t order; /* Of two at the same time the one planned first. */
    void (*run)(void *ctx, void *payload, uint64_t tag);
    void *ctx, *payload; /* payload: malloc'ed, freed by the schedule after run; may be NULL. */
    uint64_t tag;
};

struct sim {
    uint64_t seed, random;
    int64_t now_ns;
    struct sim_event *heap;
    size_t count, room;
    uint64_t planned, steps;
    bool is_traced;
    bool is_calm; /* No more faults: what was broken gets time to heal. */
    int64_t odds_ppm[FAULT_COUNT];
    uint64_t faults[FAULT_COUNT];
    uint64_t digest; /* Of everything published and commanded. */
    char failure[768];
};

#define SIM_WALL_BASE INT64_C(1718000000000000000)

/* sim_init starts a run; sim_fini frees what is still planned. */
void sim_init(struct sim *sim, uint64_t seed, bool is_traced);
void sim_fini(struct sim *sim);

uint64_t sim_random(struct sim *sim);
/* sim_below gives 0..n-1 (0 for n of 0 or less); sim_between includes both ends. */
int64_t sim_below(struct sim *sim, int64_t n);
int64_t sim_between(struct sim *sim, int64_t low, int64_t high);
/* sim_strikes throws the dice for one fault and counts it where it falls. Never while calm. */
bool sim_strikes(struct sim *sim, enum sim_fault fault);

/* sim_plan plans run(ctx, payload, tag) at a time (now at the earliest). */
void sim_plan(struct sim *sim, int64_t at_ns, void (*run)(void *, void *, uint64_t), void *ctx,
              void *payload, uint64_t tag);
/* sim_step runs the next event. false: nothing is planned. */
bool sim_step(struct sim *sim);

void sim_digest(struct sim *sim, const void *bytes, size_t size);
/* sim_trace writes a line with the time; only where TRACE is on. */
PRINTF_LIKE(2, 3) void sim_trace(const struct sim *sim, const char *format, ...);
/* sim_fail keeps the first failure of a run. */
PRINTF_LIKE(2, 3) void sim_fail(struct sim *sim, const char *format, ...);

static inline int64_t sim_wall(const struct sim *sim)
{
    return SIM_WALL_BASE + sim->now_ns;
}

const char *sim_fault_str(enum sim_fault fault);

#endif
