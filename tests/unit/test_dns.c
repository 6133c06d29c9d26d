#include "common/edge/net/dns.h"
#include "common/leaf/err.h"
#include "tests/unit/check.h"

#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

static struct loop *loop;
static struct dns *dns;

static atomic_int lookups;
static atomic_bool is_failing, is_blocked;

static int fake(const char *name, struct dns_answer *out)
{
    lookups++;
    while (is_blocked)
        usleep(500);
    if (is_failing)
        return ERR_NOT_FOUND;
    *out = (struct dns_answer){ .addresses = { { .bytes = { 10, 0, 0, (uint8_t)name[0] } } },
                                .count = 1 };
    return 0;
}

struct asked {
    struct dns_query query;
    bool is_done;
    int err;
    struct dns_answer answer;
    struct asked *cancels;
};

static void on_done(struct dns_query *query, int err, const struct dns_answer *answer)
{
    struct asked *asked = query->ctx;

    asked->is_done = true;
    asked->err = err;
    asked->answer = *answer;
    if (asked->cancels)
        dns_cancel(dns, &asked->cancels->query);
}

static int ask(struct asked *asked, const char *name)
{
    struct asked *cancels = asked->cancels;

    *asked = (struct asked){ .query = { .done = on_done, .ctx = asked }, .cancels = cancels };
    return dns_resolve(dns, name, &asked->query, &asked->answer);
}

static bool wait_for(struct asked *asked)
{
    int64_t until_ns = loop_now_ns() + 3 * NS_PER_S;

    while (!asked->is_done && loop_now_ns() < until_ns)
        loop_turn(loop, 10 * NS_PER_MS);
    return asked->is_done;
}

static void begin(int64_t ttl_ns, int64_t refused_ns)
{
    lookups = 0;
    is_failing = is_blocked = false;
    struct dns_config config = { .lookup = fake, .ttl_ns = ttl_ns, .refused_ns = refused_ns };
    CHECK_INT(loop_open(&loop), 0);
    config.loop = loop;
    CHECK_INT(dns_open(&dns, &config), 0);
}

static void end(void)
{
    dns_close(&dns);
    CHECK(dns == NULL);
    dns_close(&dns);
    loop_close(&loop);
}

static void numbers_are_answered_at_once(void)
{
    struct asked asked = { 0 };
    char text[DNS_TEXT_MAX];

    begin(0, 0);
    CHECK_INT(ask(&asked, "127.0.0.2"), 0);
    dns_text(&asked.answer.addresses[0], text);
    CHECK_STR(text, "127.0.0.2");
    CHECK_INT(ask(&asked, "2001:db8::1"), 0);
    dns_text(&asked.answer.addresses[0], text);
    CHECK_STR(text, "2001:db8::1");
    CHECK_INT(ask(&asked, ""), ERR_RANGE);
    CHECK_INT(lookups, 0);
    end();
}

static void an_answer_is_kept_for_its_time_and_asked_again_after(void)
{
    struct asked asked = { 0 };

    begin(50 * NS_PER_MS, 0);
    CHECK_INT(ask(&asked, "a.test"), ERR_AGAIN);
    CHECK(wait_for(&asked));
    CHECK_INT(asked.err, 0);
    CHECK_INT(asked.answer.addresses[0].bytes[3], 'a');
    CHECK_INT(ask(&asked, "a.test"), 0);
    CHECK_INT(lookups, 1);
    usleep(60000);
    CHECK_INT(ask(&asked, "a.test"), ERR_AGAIN);
    CHECK(wait_for(&asked));
    CHECK_INT(lookups, 2);
    end();
}

static void a_known_name_that_fails_keeps_its_old_addresses(void)
{
    struct asked asked = { 0 };
    struct dns_counters counters;

    begin(1, 30 * NS_PER_MS);
    CHECK_INT(ask(&asked, "b.test"), ERR_AGAIN);
    CHECK(wait_for(&asked));
    is_failing = true;
    CHECK_INT(ask(&asked, "b.test"), ERR_AGAIN);
    CHECK(wait_for(&asked));
    CHECK_INT(asked.err, 0);
    CHECK_INT(asked.answer.addresses[0].bytes[3], 'b');
    dns_counters(dns, &counters);
    CHECK_INT(counters.answered_old, 1);
    end();
}

static void a_failure_is_remembered_for_a_moment(void)
{
    struct asked asked = { 0 };

    begin(0, 40 * NS_PER_MS);
    is_failing = true;
    CHECK_INT(ask(&asked, "c.test"), ERR_AGAIN);
    CHECK(wait_for(&asked));
    CHECK_INT(asked.err, ERR_NOT_FOUND);
    CHECK_INT(ask(&asked, "c.test"), ERR_NOT_FOUND);
    usleep(50000);
    is_failing = false;
    CHECK_INT(ask(&asked, "c.test"), ERR_AGAIN);
    CHECK(wait_for(&asked));
    CHECK_INT(asked.err, 0);
    end();
}

static void questions_for_one_name_share_one_lookup(void)
{
    struct asked a = { 0 }, b = { 0 }, c = { 0 };

    begin(0, 0);
    is_blocked = true;
    c.cancels = &b; /* Answered in reverse: c first, which takes b back. */
    CHECK_INT(ask(&a, "d.test"), ERR_AGAIN);
    CHECK_INT(ask(&b, "d.test"), ERR_AGAIN);
    CHECK_INT(ask(&c, "d.test"), ERR_AGAIN);
    is_blocked = false;
    CHECK(wait_for(&a));
    CHECK(c.is_done);
    CHECK(!b.is_done);
    CHECK_INT(lookups, 1);
    end();
}

static void the_loop_turns_while_a_lookup_hangs_and_closing_does_not_wait(void)
{
    struct asked asked = { 0 };

    begin(0, 0);
    is_blocked = true;
    CHECK_INT(ask(&asked, "e.test"), ERR_AGAIN);
    int64_t start_ns = loop_now_ns();
    for (int i = 0; i < 20; i++)
        loop_turn(loop, NS_PER_MS);
    dns_cancel(dns, &asked.query);
    end();
    CHECK(loop_now_ns() - start_ns < 2 * NS_PER_S);
    CHECK(!asked.is_done);
    is_blocked = false; /* The worker finds itself alone, and frees what is left. */
    usleep(20000);
}

static void too_many_names_under_way_are_refused_and_settled_ones_make_room(void)
{
    static struct asked asked[DNS_NAMES_MAX + 1];
    char name[32];

    begin(0, 0);
    is_blocked = true;
    for (int i = 0; i < DNS_NAMES_MAX; i++) {
        snprintf(name, sizeof(name), "n%d.test", i);
        CHECK_INT(ask(&asked[i], name), ERR_AGAIN);
    }
    CHECK_INT(ask(&asked[DNS_NAMES_MAX], "one-more.test"), ERR_FULL);
    is_blocked = false;
    for (int i = 0; i < DNS_NAMES_MAX; i++)
        CHECK(wait_for(&asked[i]));
    CHECK_INT(ask(&asked[DNS_NAMES_MAX], "one-more.test"), ERR_AGAIN);
    CHECK(wait_for(&asked[DNS_NAMES_MAX]));
    end();
}

static void the_system_resolves_localhost(void)
{
    struct asked asked = { 0 };
    struct dns_config config = { 0 };

    loop_open(&loop);
    config.loop = loop;
    CHECK_INT(dns_open(&dns, &config), 0);
    CHECK_INT(ask(&asked, "localhost"), ERR_AGAIN);
    CHECK(wait_for(&asked));
    CHECK_INT(asked.err, 0);
    CHECK(asked.answer.count >= 1);
    end();
}

int main(void)
{
    CASE(numbers_are_answered_at_once);
    CASE(an_answer_is_kept_for_its_time_and_asked_again_after);
    CASE(a_known_name_that_fails_keeps_its_old_addresses);
    CASE(a_failure_is_remembered_for_a_moment);
    CASE(questions_for_one_name_share_one_lookup);
    CASE(the_loop_turns_while_a_lookup_hangs_and_closing_does_not_wait);
    CASE(too_many_names_under_way_are_refused_and_settled_ones_make_room);
    CASE(the_system_resolves_localhost);
    DONE();
}
