/* check.h - the unit tests' few words. A test names its claim; main lists the cases with CASE and
 * ends with DONE. Each case prints "ok NAME" or "not ok NAME": the runner counts those lines. */
#ifndef TICKPIPE_TESTS_UNIT_CHECK_H
#define TICKPIPE_TESTS_UNIT_CHECK_H

#include <stdio.h>
#include <string.h>

static int check_failed_in_case;
static int check_failed_cases;

#define CHECK(claim)                                                              \
    do {                                                                          \
        if (!(claim)) {                                                           \
            check_failed_in_case++;                                               \
            fprintf(stderr, "%s:%d: %s: not true\n", __FILE__, __LINE__, #claim); \
        }                                                                         \
    } while (0)

#define CHECK_INT(have, want)                                                                  \
    do {                                                                                       \
        long long have_ = (long long)(have), want_ = (long long)(want);                        \
        if (have_ != want_) {                                                                  \
            check_failed_in_case++;                                                            \
            fprintf(stderr, "%s:%d: %s is %lld, not %lld\n", __FILE__, __LINE__, #have, have_, \
                    want_);                                                                    \
        }                                                                                      \
    } while (0)

#define CHECK_STR(have, want)                                                                      \
    do {                                                                                           \
        const char *have_ = (have), *want_ = (want);                                               \
        if (strcmp(have_, want_) != 0) {                                                           \
            check_failed_in_case++;                                                                \
            fprintf(stderr, "%s:%d: %s is \"%s\", not \"%s\"\n", __FILE__, __LINE__, #have, have_, \
                    want_);                                                                        \
        }                                                                                          \
    } while (0)

#define CASE(function)                                                        \
    do {                                                                      \
        check_failed_in_case = 0;                                             \
        function();                                                           \
        printf("%s %s\n", check_failed_in_case ? "not ok" : "ok", #function); \
        fflush(stdout);                                                       \
        check_failed_cases += check_failed_in_case != 0;                      \
    } while (0)

#define DONE() return check_failed_cases != 0

#endif
