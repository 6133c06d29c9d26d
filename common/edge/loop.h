/* loop.h - one thread, one level-triggered epoll set: sockets, timers, signals.
 *
 * A role owns one loop. Every callback does a bounded piece of work and returns. The longest turn
 * is measured. Nothing here is thread-safe. */
#ifndef TICKPIPE_COMMON_EDGE_LOOP_H
#define TICKPIPE_COMMON_EDGE_LOOP_H

#include "common/leaf/base.h"

struct loop;

/* loop_now_ns reads CLOCK_MONOTONIC; loop_wall_ns CLOCK_REALTIME. */
int64_t loop_now_ns(void);
int64_t loop_wall_ns(void);

/* loop_open makes a loop. Returns 0 or ERR_SYS. loop_close accepts NULL in *loop and clears it. */
int loop_open(struct loop **loop);
void loop_close(struct loop **loop);

/* A file descriptor in the set. Memory of the caller, which keeps it until loop_remove. */
struct loop_source {
    int fd;
    void (*ready)(struct loop_source *source, uint32_t epoll_events);
    void *ctx;
};
int loop_add(struct loop *loop, struct loop_source *source, uint32_t epoll_events);
int loop_modify(struct loop *loop, struct loop_source *source, uint32_t epoll_events);
/* loop_remove also makes sure that no event already fetched in this turn reaches the source. */
void loop_remove(struct loop *loop, struct loop_source *source);

/* A timer in the caller's memory, zeroed before its first use. */
struct loop_timer {
    void (*fire)(struct loop_timer *timer, int64_t now_ns);
    void *ctx;
    int64_t at_ns;    /* 0: not armed. */
    size_t heap_slot; /* The loop's own. */
};
/* loop_timer_at arms (or re-arms) for an absolute CLOCK_MONOTONIC time; loop_timer_stop disarms. */
int loop_timer_at(struct loop *loop, struct loop_timer *timer, int64_t at_ns);
void loop_timer_stop(struct loop *loop, struct loop_timer *timer);

/* A hook runs once in every turn, after sockets and timers: for queues that have no descriptor. It
 * returns true when it has more to do at once: the loop then does not sleep. */
struct loop_hook {
    bool (*turn)(struct loop_hook *hook, int64_t now_ns);
    void *ctx;
    struct loop_hook *next; /* The loop's own. */
};
void loop_hook_add(struct loop *loop, struct loop_hook *hook);
void loop_hook_remove(struct loop *loop, struct loop_hook *hook);

/* loop_signals blocks the signals and delivers them through the loop. One call per loop, before any
 * thread is made. on_signal runs in the loop, not in a signal handler. */
int loop_signals(struct loop *loop, const int *signals, size_t count,
                 void (*on_signal)(void *ctx, int signal), void *ctx);

/* loop_run turns until loop_stop. Returns 0 or ERR_SYS. loop_turn does one turn, sleeping at most
 * wait_ns (0: none). */
int loop_run(struct loop *loop);
int loop_turn(struct loop *loop, int64_t wait_ns);
void loop_stop(struct loop *loop);

/* loop_longest_turn_ns gives the longest turn (without sleep) since the last call, and resets it.
 */
int64_t loop_longest_turn_ns(struct loop *loop);
/* The same for a second reader: heartbeats read the one, METRICS lines the other. */
int64_t loop_longest_turn_of_interval_ns(struct loop *loop);

#endif
