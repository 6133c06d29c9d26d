#include "common/edge/loop.h"

#include "common/leaf/err.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

enum {
    BATCH_MAX = 64,    /* Events fetched in one turn: a burst must not starve timers and hooks. */
    TIMERS_MAX = 4096, /* Far above any role's need; a leak of timers is found here. */
    TIMERS_FIRST = 64,
    SIGNALS_PER_TURN = 16,
};

struct loop {
    int epoll_fd;
    bool is_stopped;
    bool has_no_pwait2; /* Kernel or sandbox without epoll_pwait2: timers then round up to 1 ms. */

    struct epoll_event batch[BATCH_MAX];
    int batch_count; /* Those of the turn under way: loop_remove looks here. */

    struct loop_timer **heap; /* Binary heap, soonest first; slots count from 1. */
    size_t heap_count, heap_room;

    struct loop_hook *hooks;
    struct loop_hook *hook_next; /* Next to run in the turn under way: survives a removal. */
    bool has_backlog;

    int signal_fd;
    struct loop_source signal_source;
    void (*on_signal)(void *ctx, int signal);
    void *signal_ctx;

    int64_t longest_turn_ns;
    int64_t longest_turn_of_interval_ns;
};

static int64_t read_clock(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

int64_t loop_now_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t loop_wall_ns(void)
{
    return read_clock(CLOCK_REALTIME);
}

int loop_open(struct loop **out)
{
    struct loop *loop = calloc(1, sizeof(*loop));

    if (!loop)
        return ERR_SYS;
    loop->signal_fd = -1;
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->heap = calloc(TIMERS_FIRST + 1, sizeof(struct loop_timer *));
    loop->heap_room = TIMERS_FIRST;
    if (loop->epoll_fd < 0 || !loop->heap) {
        loop_close(&loop);
        return ERR_SYS;
    }
    *out = loop;
    return 0;
}

void loop_close(struct loop **loop_ptr)
{
    struct loop *loop = *loop_ptr;

    if (!loop)
        return;
    while (loop->heap_count)
        loop_timer_stop(loop, loop->heap[1]);
    if (loop->signal_fd >= 0)
        close(loop->signal_fd);
    if (loop->epoll_fd >= 0)
        close(loop->epoll_fd);
    free(loop->heap);
    free(loop);
    *loop_ptr = NULL;
}

/* ---- descriptors ---- */

static int control(struct loop *loop, int op, struct loop_source *source, uint32_t epoll_events)
{
    struct epoll_event event = { .events = epoll_events, .data.ptr = source };

    return epoll_ctl(loop->epoll_fd, op, source->fd, &event) == 0 ? 0 : ERR_SYS;
}

int loop_add(struct loop *loop, struct loop_source *source, uint32_t epoll_events)
{
    return control(loop, EPOLL_CTL_ADD, source, epoll_events);
}

int loop_modify(struct loop *loop, struct loop_source *source, uint32_t epoll_events)
{
    return control(loop, EPOLL_CTL_MOD, source, epoll_events);
}

void loop_remove(struct loop *loop, struct loop_source *source)
{
    (void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
    for (int i = 0; i < loop->batch_count; i++)
        if (loop->batch[i].data.ptr == source)
            loop->batch[i].data.ptr = NULL;
}

/* ---- timers ---- */

static void heap_put(struct loop *loop, size_t slot, struct loop_timer *timer)
{
    loop->heap[slot] = timer;
    timer->heap_slot = slot;
}

static void heap_up(struct loop *loop, size_t slot)
{
    struct loop_timer *timer = loop->heap[slot];

    while (slot > 1 && loop->heap[slot / 2]->at_ns > timer->at_ns) {
        heap_put(loop, slot, loop->heap[slot / 2]);
        slot /= 2;
    }
    heap_put(loop, slot, timer);
}

static void heap_down(struct loop *loop, size_t slot)
{
    struct loop_timer *timer = loop->heap[slot];

    for (size_t child; (child = slot * 2) <= loop->heap_count; slot = child) {
        if (child < loop->heap_count && loop->heap[child + 1]->at_ns < loop->heap[child]->at_ns)
            child++;
        if (loop->heap[child]->at_ns >= timer->at_ns)
            break;
        heap_put(loop, slot, loop->heap[child]);
    }
    heap_put(loop, slot, timer);
}

static int heap_grow(struct loop *loop)
{
    if (loop->heap_room >= TIMERS_MAX)
        return ERR_FULL;
    size_t room = loop->heap_room * 2;
    struct loop_timer **heap = realloc(loop->heap, (room + 1) * sizeof(struct loop_timer *));
    if (!heap)
        return ERR_SYS;
    loop->heap = heap;
    loop->heap_room = room;
    return 0;
}

int loop_timer_at(struct loop *loop, struct loop_timer *timer, int64_t at_ns)
{
    assert(timer->fire);
    at_ns = MAX(at_ns, 1); /* 0 says "not armed". */
    if (timer->at_ns) {
        timer->at_ns = at_ns;
        heap_up(loop, timer->heap_slot);
        heap_down(loop, timer->heap_slot);
        return 0;
    }
    if (loop->heap_count == loop->heap_room) {
        int err = heap_grow(loop);
        if (err)
            return err;
    }
    timer->at_ns = at_ns;
    heap_put(loop, ++loop->heap_count, timer);
    heap_up(loop, loop->heap_count);
    return 0;
}

void loop_timer_stop(struct loop *loop, struct loop_timer *timer)
{
    if (!timer->at_ns)
        return;
    size_t slot = timer->heap_slot;
    struct loop_timer *last = loop->heap[loop->heap_count--];
    if (last != timer) {
        heap_put(loop, slot, last);
        heap_up(loop, slot);
        heap_down(loop, last->heap_slot);
    }
    timer->at_ns = 0;
    timer->heap_slot = 0;
}

/* Fires at most as many as were armed at the start: a timer that re-arms itself for the past waits
 * for the next turn instead of keeping this one for ever. */
static void fire_timers(struct loop *loop, int64_t now_ns)
{
    for (size_t budget = loop->heap_count; budget && loop->heap_count; budget--) {
        struct loop_timer *timer = loop->heap[1];
        if (timer->at_ns > now_ns)
            return;
        loop_timer_stop(loop, timer);
        timer->fire(timer, now_ns);
    }
}

/* ---- hooks ---- */

void loop_hook_add(struct loop *loop, struct loop_hook *hook)
{
    struct loop_hook **at = &loop->hooks;

    while (*at)
        at = &(*at)->next;
    hook->next = NULL;
    *at = hook;
}

void loop_hook_remove(struct loop *loop, struct loop_hook *hook)
{
    if (loop->hook_next == hook)
        loop->hook_next = hook->next;
    for (struct loop_hook **at = &loop->hooks; *at; at = &(*at)->next) {
        if (*at == hook) {
            *at = hook->next;
            break;
        }
    }
    hook->next = NULL;
}

static void run_hooks(struct loop *loop, int64_t now_ns)
{
    loop->has_backlog = false;
    for (struct loop_hook *hook = loop->hooks; hook; hook = loop->hook_next) {
        loop->hook_next = hook->next;
        if (hook->turn(hook, now_ns))
            loop->has_backlog = true;
    }
}

/* ---- signals ---- */

static void signals_ready(struct loop_source *source, uint32_t epoll_events)
{
    struct loop *loop = source->ctx;
    struct signalfd_siginfo info[SIGNALS_PER_TURN];

    (void)epoll_events;
    ssize_t n = read(loop->signal_fd, info, sizeof(info));
    for (ssize_t i = 0; i < n / (ssize_t)sizeof(info[0]); i++)
        loop->on_signal(loop->signal_ctx, (int)info[i].ssi_signo);
}

int loop_signals(struct loop *loop, const int *signals, size_t count,
                 void (*on_signal)(void *ctx, int signal), void *ctx)
{
    sigset_t set;

    assert(loop->signal_fd < 0);
    sigemptyset(&set);
    for (size_t i = 0; i < count; i++)
        if (sigaddset(&set, signals[i]) != 0)
            return ERR_RANGE;
    if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0)
        return ERR_SYS;
    loop->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (loop->signal_fd < 0)
        return ERR_SYS;
    loop->on_signal = on_signal;
    loop->signal_ctx = ctx;
    loop->signal_source =
        (struct loop_source){ .fd = loop->signal_fd, .ready = signals_ready, .ctx = loop };
    return loop_add(loop, &loop->signal_source, EPOLLIN);
}

/* ---- turns ---- */

/* How long the turn may sleep, -1 for ever, given the caller's limit and the next timer. */
static int64_t sleep_ns(const struct loop *loop, int64_t limit_ns)
{
    if (loop->has_backlog || limit_ns == 0)
        return 0;
    if (!loop->heap_count)
        return limit_ns;
    int64_t until = MAX(loop->heap[1]->at_ns - loop_now_ns(), 0);
    return limit_ns < 0 ? until : MIN(limit_ns, until);
}

static int wait_events(struct loop *loop, int64_t ns)
{
    if (!loop->has_no_pwait2) {
        struct timespec t = { .tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S };
        int n = epoll_pwait2(loop->epoll_fd, loop->batch, BATCH_MAX, ns < 0 ? NULL : &t, NULL);
        if (n >= 0 || (errno != ENOSYS && errno != EPERM))
            return n;
        loop->has_no_pwait2 = true;
    }
    int64_t ms = MIN((ns + NS_PER_MS - 1) / NS_PER_MS, INT32_MAX);
    return epoll_wait(loop->epoll_fd, loop->batch, BATCH_MAX, ns < 0 ? -1 : (int)ms);
}

/* limit_ns < 0: sleeps until something happens. */
static int turn(struct loop *loop, int64_t limit_ns)
{
    int n = wait_events(loop, sleep_ns(loop, limit_ns));

    if (n < 0 && errno != EINTR)
        return ERR_SYS;
    int64_t start_ns = loop_now_ns();
    loop->batch_count = MAX(n, 0);
    for (int i = 0; i < loop->batch_count; i++) {
        struct loop_source *source = loop->batch[i].data.ptr;
        if (source)
            source->ready(source, loop->batch[i].events);
    }
    loop->batch_count = 0;
    fire_timers(loop, loop_now_ns());
    run_hooks(loop, loop_now_ns());
    int64_t turn_ns = loop_now_ns() - start_ns;
    loop->longest_turn_ns = MAX(loop->longest_turn_ns, turn_ns);
    loop->longest_turn_of_interval_ns = MAX(loop->longest_turn_of_interval_ns, turn_ns);
    return 0;
}

int loop_turn(struct loop *loop, int64_t wait_ns)
{
    return turn(loop, MAX(wait_ns, 0));
}

int loop_run(struct loop *loop)
{
    int err = 0;

    while (!loop->is_stopped && !err)
        err = turn(loop, -1);
    loop->is_stopped = false; /* A stop before the first turn counts; a later run starts afresh. */
    return err;
}

void loop_stop(struct loop *loop)
{
    loop->is_stopped = true;
}

int64_t loop_longest_turn_ns(struct loop *loop)
{
    int64_t longest = loop->longest_turn_ns;

    loop->longest_turn_ns = 0;
    return longest;
}

int64_t loop_longest_turn_of_interval_ns(struct loop *loop)
{
    int64_t longest = loop->longest_turn_of_interval_ns;

    loop->longest_turn_of_interval_ns = 0;
    return longest;
}
