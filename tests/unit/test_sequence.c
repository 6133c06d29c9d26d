#include "common/pure/sequence.h"
#include "tests/unit/check.h"

static struct sequence s;
static struct sequence_range gap;

static void in_order_is_next(void)
{
    sequence_begin(&s, 0, true);
    for (uint64_t seq = 1; seq <= 1000; seq++)
        CHECK(sequence_take(&s, seq, &gap) == SEQUENCE_NEXT);
    CHECK_INT(sequence_missing(&s), 0);
}

static void what_was_before_the_baseline_is_not_missed(void)
{
    sequence_begin(&s, 500, true);
    CHECK(sequence_take(&s, 500, &gap) == SEQUENCE_DUPLICATE);
    CHECK(sequence_take(&s, 1, &gap) == SEQUENCE_DUPLICATE);
    CHECK(sequence_take(&s, 501, &gap) == SEQUENCE_NEXT);
}

static void a_hole_is_reported_filled_once_and_closed(void)
{
    sequence_begin(&s, 0, true);
    CHECK(sequence_take(&s, 5, &gap) == SEQUENCE_AFTER_GAP);
    CHECK_INT(gap.from, 1);
    CHECK_INT(gap.to, 4);
    CHECK(sequence_take(&s, 2, &gap) == SEQUENCE_RECOVERED);
    CHECK_INT(s.count, 2);
    CHECK(sequence_take(&s, 2, &gap) == SEQUENCE_DUPLICATE);
    CHECK(sequence_take(&s, 1, &gap) == SEQUENCE_RECOVERED);
    CHECK(sequence_take(&s, 4, &gap) == SEQUENCE_RECOVERED);
    CHECK(sequence_take(&s, 3, &gap) == SEQUENCE_RECOVERED);
    CHECK_INT(s.count, 0);
    CHECK(sequence_take(&s, 5, &gap) == SEQUENCE_DUPLICATE);
    CHECK(sequence_take(&s, 6, &gap) == SEQUENCE_NEXT);
}

static void without_recovery_a_hole_is_forgotten(void)
{
    sequence_begin(&s, 0, false);
    CHECK(sequence_take(&s, 5, &gap) == SEQUENCE_AFTER_GAP);
    CHECK(sequence_take(&s, 2, &gap) == SEQUENCE_DUPLICATE);
    CHECK(sequence_published(&s, 9, &gap));
    CHECK_INT(gap.from, 6);
    CHECK_INT(gap.to, 9);
    CHECK_INT(sequence_missing(&s), 0);
}

static void a_heartbeat_reveals_a_lost_tail(void)
{
    sequence_begin(&s, 0, true);
    CHECK(sequence_take(&s, 1, &gap) == SEQUENCE_NEXT);
    CHECK(!sequence_published(&s, 1, &gap));
    CHECK(!sequence_published(&s, 0, &gap));
    CHECK(sequence_published(&s, 3, &gap));
    CHECK_INT(gap.from, 2);
    CHECK_INT(gap.to, 3);
    CHECK(sequence_published(&s, 7, &gap));
    CHECK_INT(gap.from, 4);
    CHECK_INT(s.count, 1); /* One hole, grown. */
    CHECK(sequence_take(&s, 3, &gap) == SEQUENCE_RECOVERED);
    CHECK_INT(sequence_missing(&s), 5);
}

/* Every second message lost, more holes than can be remembered. */
static void without_room_a_message_counts_as_not_received(void)
{
    sequence_begin(&s, 0, true);
    for (uint64_t i = 1; i <= SEQUENCE_RANGES_MAX; i++)
        CHECK(sequence_take(&s, 2 * i, &gap) == SEQUENCE_AFTER_GAP);
    uint64_t high = s.high;
    CHECK(sequence_take(&s, high + 2, &gap) == SEQUENCE_NO_ROOM);
    CHECK(!sequence_published(&s, high + 2, &gap));
    CHECK_INT(s.high, high);
    CHECK(sequence_take(&s, high + 1, &gap) == SEQUENCE_NEXT);
    CHECK(sequence_take(&s, 1, &gap) == SEQUENCE_RECOVERED);
    CHECK(sequence_published(&s, high + 2, &gap));
    CHECK_INT(gap.from, high + 2);
}

static void a_wide_hole_without_room_to_split_waits_for_its_edge(void)
{
    sequence_begin(&s, 0, true);
    CHECK(sequence_take(&s, 11, &gap) == SEQUENCE_AFTER_GAP); /* 1..10 */
    for (uint64_t i = 1; i < SEQUENCE_RANGES_MAX; i++)
        CHECK(sequence_take(&s, 11 + 2 * i, &gap) == SEQUENCE_AFTER_GAP);
    CHECK(sequence_take(&s, 5, &gap) == SEQUENCE_NO_ROOM);
    CHECK(sequence_take(&s, 1, &gap) == SEQUENCE_RECOVERED);
    CHECK(sequence_take(&s, 10, &gap) == SEQUENCE_RECOVERED);
}

static void what_is_given_up_is_said_exactly(void)
{
    struct sequence_range lost;

    sequence_begin(&s, 0, true);
    (void)sequence_take(&s, 11, &gap); /* 1..10 missing */
    (void)sequence_take(&s, 16, &gap); /* 12..15 */
    CHECK(sequence_lose(&s, 4, 13, &lost));
    CHECK_INT(lost.from, 4);
    CHECK_INT(lost.to, 10);
    CHECK(sequence_lose(&s, 4, 13, &lost));
    CHECK_INT(lost.from, 12);
    CHECK_INT(lost.to, 13);
    CHECK(!sequence_lose(&s, 4, 13, &lost));
    CHECK_INT(sequence_missing(&s), 5);
    CHECK(sequence_take(&s, 7, &gap) == SEQUENCE_DUPLICATE);
    CHECK(sequence_take(&s, 3, &gap) == SEQUENCE_RECOVERED);
    CHECK(sequence_take(&s, 14, &gap) == SEQUENCE_RECOVERED);
    CHECK(sequence_lose(&s, 1, UINT64_MAX, &lost));
    CHECK(sequence_lose(&s, 1, UINT64_MAX, &lost));
    CHECK(!sequence_lose(&s, 1, UINT64_MAX, &lost));
}

static void a_middle_is_lost_and_both_ends_stay(void)
{
    struct sequence_range lost;

    sequence_begin(&s, 0, true);
    (void)sequence_take(&s, 11, &gap);
    CHECK(sequence_lose(&s, 5, 6, &lost));
    CHECK_INT(lost.from, 5);
    CHECK_INT(lost.to, 6);
    CHECK_INT(s.count, 2);
    CHECK_INT(s.missing[0].to, 4);
    CHECK_INT(s.missing[1].from, 7);
    CHECK(!sequence_lose(&s, 5, 6, &lost));
}

static void numbers_at_the_edge_do_no_harm(void)
{
    sequence_begin(&s, 0, true);
    CHECK(sequence_take(&s, 0, &gap) == SEQUENCE_DUPLICATE);
    CHECK(sequence_take(&s, UINT64_MAX, &gap) == SEQUENCE_AFTER_GAP);
    CHECK(gap.from == 1 && gap.to == UINT64_MAX - 1);
    CHECK(sequence_take(&s, 0, &gap) == SEQUENCE_DUPLICATE);
    CHECK(sequence_take(&s, UINT64_MAX, &gap) == SEQUENCE_DUPLICATE);
    CHECK(sequence_take(&s, 12345, &gap) == SEQUENCE_RECOVERED);
}

int main(void)
{
    CASE(in_order_is_next);
    CASE(what_was_before_the_baseline_is_not_missed);
    CASE(a_hole_is_reported_filled_once_and_closed);
    CASE(without_recovery_a_hole_is_forgotten);
    CASE(a_heartbeat_reveals_a_lost_tail);
    CASE(without_room_a_message_counts_as_not_received);
    CASE(a_wide_hole_without_room_to_split_waits_for_its_edge);
    CASE(what_is_given_up_is_said_exactly);
    CASE(a_middle_is_lost_and_both_ends_stay);
    CASE(numbers_at_the_edge_do_no_harm);
    DONE();
}
