#include "common/edge/loop.h"
#include "common/leaf/err.h"
#include "tests/unit/check.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

static struct loop *loop;
static int order[4096];
static size_t order_count;

struct numbered_timer {
    struct loop_timer timer;
    int number;
};

static void note_number(struct loop_timer *timer, int64_t now_ns)
{
    (void)now_ns;
    order[order_count++] = ((struct numbered_timer *)(void *)timer)->number;
}

static void timers_fire_in_the_order_of_their_times(void)
{
    struct numbered_timer t[300] = { 0 };
    uint64_t random = 12345;

    CHECK_INT(loop_open(&loop), 0);
    for (int i = 0; i < 300; i++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
        t[i].timer.fire = note_number;
        t[i].number = (int)(random >> 40) % 1000 + 1;
        CHECK_INT(loop_timer_at(loop, &t[i].timer, t[i].number), 0);
    }
    for (int i = 0; i < 300; i += 3)
        loop_timer_stop(loop, &t[i].timer);
    for (int i = 1; i < 300; i += 3) { /* Re-armed: later or sooner than before. */
        t[i].number = 1001 - t[i].number;
        CHECK_INT(loop_timer_at(loop, &t[i].timer, t[i].number), 0);
    }
    order_count = 0;
    CHECK_INT(loop_turn(loop, 0), 0);
    CHECK_INT(order_count, 200);
    for (size_t i = 1; i < order_count; i++)
        CHECK(order[i - 1] <= order[i]);
    CHECK_INT(t[1].timer.at_ns, 0);
    loop_close(&loop);
    CHECK(loop == NULL);
    loop_close(&loop);
}

static int rearmed;

static void rearm_for_the_past(struct loop_timer *timer, int64_t now_ns)
{
    rearmed++;
    loop_timer_at(loop, timer, now_ns - 1);
}

static void a_timer_that_rearms_for_the_past_fires_once_a_turn(void)
{
    struct loop_timer timer = { .fire = rearm_for_the_past };

    loop_open(&loop);
    loop_timer_at(loop, &timer, 1);
    rearmed = 0;
    for (int i = 0; i < 5; i++)
        loop_turn(loop, 0);
    CHECK_INT(rearmed, 5);
    loop_timer_stop(loop, &timer);
    loop_turn(loop, 0);
    CHECK_INT(rearmed, 5);
    loop_close(&loop);
}

static void sleeps_until_the_timer_and_not_much_longer(void)
{
    struct numbered_timer t = { .timer = { .fire = note_number } };
    int64_t start_ns = loop_now_ns();

    loop_open(&loop);
    loop_timer_at(loop, &t.timer, start_ns + 3 * NS_PER_MS);
    order_count = 0;
    CHECK_INT(loop_turn(loop, 10 * NS_PER_S), 0);
    CHECK_INT(order_count, 1);
    CHECK(loop_now_ns() - start_ns >= 3 * NS_PER_MS);
    CHECK(loop_now_ns() - start_ns < NS_PER_S);
    loop_close(&loop);
}

static void too_many_timers_are_refused(void)
{
    static struct numbered_timer t[4097];

    loop_open(&loop);
    for (int i = 0; i < 4096; i++) {
        t[i].timer.fire = note_number;
        CHECK_INT(loop_timer_at(loop, &t[i].timer, loop_now_ns() + NS_PER_S), 0);
    }
    t[4096].timer.fire = note_number;
    CHECK_INT(loop_timer_at(loop, &t[4096].timer, 1), ERR_FULL);
    CHECK_INT(t[4096].timer.at_ns, 0);
    loop_close(&loop);
}

static struct loop_source first, second;
static int calls;

static void remove_the_other(struct loop_source *source, uint32_t events)
{
    (void)events;
    calls++;
    loop_remove(loop, source == &first ? &second : &first);
}

static void a_removed_source_gets_no_event_already_fetched(void)
{
    int a[2], b[2];

    CHECK_INT(pipe(a) | pipe(b), 0);
    loop_open(&loop);
    first = (struct loop_source){ .fd = a[0], .ready = remove_the_other };
    second = (struct loop_source){ .fd = b[0], .ready = remove_the_other };
    CHECK_INT(loop_add(loop, &first, EPOLLIN), 0);
    CHECK_INT(loop_add(loop, &second, EPOLLIN), 0);
    CHECK(write(a[1], "x", 1) == 1 && write(b[1], "x", 1) == 1);
    calls = 0;
    loop_turn(loop, NS_PER_S);
    CHECK_INT(calls, 1);
    loop_turn(loop, 0); /* Level-triggered: the one that stayed speaks again. */
    CHECK_INT(calls, 2);
    loop_close(&loop);
    for (int i = 0; i < 2; i++) {
        close(a[i]);
        close(b[i]);
    }
}

static int turns_wanted;

static bool count_down(struct loop_hook *hook, int64_t now_ns)
{
    (void)hook, (void)now_ns;
    calls++;
    return --turns_wanted > 0;
}

static bool remove_itself(struct loop_hook *hook, int64_t now_ns)
{
    (void)now_ns;
    calls += 100;
    loop_hook_remove(loop, hook);
    return false;
}

static void a_hook_with_more_to_do_keeps_the_loop_awake(void)
{
    struct loop_hook counting = { .turn = count_down }, leaving = { .turn = remove_itself };

    loop_open(&loop);
    loop_hook_add(loop, &leaving);
    loop_hook_add(loop, &counting);
    calls = 0;
    turns_wanted = 4;
    int64_t start_ns = loop_now_ns();
    loop_turn(loop, 0);
    for (int i = 0; i < 3; i++)
        loop_turn(loop, 10 * NS_PER_S); /* Would sleep, had the hook nothing to do. */
    CHECK(loop_now_ns() - start_ns < 5 * NS_PER_S);
    CHECK_INT(calls, 104);
    loop_hook_remove(loop, &counting);
    loop_close(&loop);
}

static int signal_seen;

static void stop_on_signal(void *ctx, int signal)
{
    (void)ctx;
    signal_seen = signal;
    loop_stop(loop);
}

static void signals_come_through_the_loop(void)
{
    const int wanted[] = { SIGUSR1, SIGTERM };

    loop_open(&loop);
    CHECK_INT(loop_signals(loop, wanted, COUNT(wanted), stop_on_signal, NULL), 0);
    kill(getpid(), SIGTERM);
    CHECK_INT(loop_run(loop), 0);
    CHECK_INT(signal_seen, SIGTERM);
    kill(getpid(), SIGUSR1);
    CHECK_INT(loop_run(loop), 0);
    CHECK_INT(signal_seen, SIGUSR1);
    loop_close(&loop);
}

static void take_five_ms(struct loop_timer *timer, int64_t now_ns)
{
    (void)timer, (void)now_ns;
    nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
}

static void the_longest_turn_counts_work_and_not_sleep(void)
{
    struct loop_timer slow = { .fire = take_five_ms };

    loop_open(&loop);
    loop_turn(loop, 50 * NS_PER_MS);
    CHECK(loop_longest_turn_ns(loop) < 40 * NS_PER_MS);
    loop_timer_at(loop, &slow, 1);
    loop_turn(loop, 0);
    CHECK(loop_longest_turn_ns(loop) >= 5 * NS_PER_MS);
    CHECK_INT(loop_longest_turn_ns(loop), 0);
    loop_close(&loop);
}

int main(void)
{
    CASE(timers_fire_in_the_order_of_their_times);
    CASE(a_timer_that_rearms_for_the_past_fires_once_a_turn);
    CASE(sleeps_until_the_timer_and_not_much_longer);
    CASE(too_many_timers_are_refused);
    CASE(a_removed_source_gets_no_event_already_fetched);
    CASE(a_hook_with_more_to_do_keeps_the_loop_awake);
    CASE(signals_come_through_the_loop);
    CASE(the_longest_turn_counts_work_and_not_sleep);
    DONE();
}
