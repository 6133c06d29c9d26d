/* proof.h - how a test says what it has shown of a venue: one line on stdout,
 *
 *     # proof VENUE OPERATION KIND [DETAIL]
 *
 * printed once the thing has been shown and not before. docs/venues.md is made of these lines by
 * tests/proof/venues_table.c, which takes only those of programs in whose log nothing failed. What
 * a venue does not have is said, with the reason, by
 *
 *     # absent VENUE OPERATION REASON
 *
 * Clients in other languages print the same line (tests/interop/proof.mjs reads the lists here). */
#ifndef TICKPIPE_TESTS_PROOF_H
#define TICKPIPE_TESTS_PROOF_H

#include <stdio.h>

/* What there is to show. Name and words for the page; the order is that of the page. */
/* clang-format off */
#define PROOF_FEED(X)                                                                              \
    X(instruments,       "instruments")                                                            \
    X(book_snapshot,     "book snapshot")                                                          \
    X(book_delta,        "book delta")                                                             \
    X(book_integrity,    "a lost or damaged book frame is noticed")                                \
    X(best_quote,        "best bid and ask")                                                       \
    X(trades,            "trades")                                                                 \
    X(status,            "status of instruments and of the venue")                                 \
    X(mark_price,        "mark and index price")                                                   \
    X(funding,           "funding rate")                                                           \
    X(liquidation,       "liquidations")

/* Each of these twice: NAME over REST, NAME_ws over the venue's WebSocket order entry. */
#define PROOF_ORDERS(X)                                                                            \
    X(place_limit,       "place limit")                                                            \
    X(place_market,      "place market")                                                           \
    X(place_ioc,         "place IOC")                                                              \
    X(place_fok,         "place FOK")                                                              \
    X(place_post_only,   "place post-only")                                                        \
    X(place_reduce_only, "place reduce-only")                                                      \
    X(cancel,            "cancel")                                                                 \
    X(amend,             "amend")                                                                  \
    X(cancel_all,        "cancel all")                                                             \
    X(batch,             "batch")                                                                  \
    X(query,             "query one order")                                                        \
    X(open_orders,       "open orders")                                                            \
    X(executions,        "executions")                                                             \
    X(balances,          "balances")

#define PROOF_ACCOUNT(X)                                                                           \
    X(positions,         "positions")                                                              \
    X(account_mode,      "account mode: one-way, hedge refused")                                   \
    X(funding_payments,  "funding payments")                                                       \
    X(private_order,     "private stream: orders")                                                 \
    X(private_execution, "private stream: executions")                                             \
    X(private_balance,   "private stream: balances")                                               \
    X(private_position,  "private stream: positions")                                              \
    X(private_funding,   "private stream: funding payments")                                       \
    X(dead_man,          "dead-man switch")                                                        \
    X(reconcile,         "reconcile: orders, executions, balances agree at the end")

#define PROOF_SESSION(X)                                                                           \
    X(signing,           "signing")                                                                \
    X(login,             "WebSocket login, token or listen key")                                   \
    X(renewal,           "its renewal")                                                            \
    X(server_time,       "server time measured and applied")                                       \
    X(rate_limit,        "rate limits, back-off")                                                  \
    X(errors,            "errors told apart")                                                      \
    X(keepalive,         "keepalive")

/* The survival run: books right again, no order lost or doubled. */
#define PROOF_SURVIVAL(X)                                                                          \
    X(survive_disconnect,  "disconnect by the venue")                                              \
    X(survive_renewal,     "24 h renewal")                                                         \
    X(survive_silence,     "silent socket")                                                        \
    X(survive_gap,         "sequence gap")                                                         \
    X(survive_corrupt,     "crossed or corrupted book")                                            \
    X(survive_rate_limit,  "429 with Retry-After")                                                 \
    X(survive_maintenance, "maintenance window")                                                   \
    X(survive_expiry,      "expired token or listen key")
/* clang-format on */

#define PROOF_AS_ENUM(name, words)      PROOF_##name,
#define PROOF_AS_BOTH_ENUM(name, words) PROOF_##name, PROOF_##name##_ws,
enum proof_operation {
    PROOF_FEED(PROOF_AS_ENUM) PROOF_ORDERS(PROOF_AS_BOTH_ENUM) PROOF_ACCOUNT(PROOF_AS_ENUM)
        PROOF_SESSION(PROOF_AS_ENUM) PROOF_SURVIVAL(PROOF_AS_ENUM) PROOF_OPERATION_COUNT
};

/* The strongest first. The simulator is ours: what only it has seen may be misread twice. */
#define PROOF_KINDS(X)                                                     \
    X(fixture, "a recorded payload or capture of the venue is read right") \
    X(vector, "bytes equal those of published or independent vectors")     \
    X(client, "an independent client and our simulator understand it")     \
    X(simulator, "our two sides of the venue agree, nobody else has looked")

#define PROOF_AS_KIND(name, words) BY_##name,
enum proof_kind { PROOF_KINDS(PROOF_AS_KIND) PROOF_KIND_COUNT };

#define PROOF_AS_NAME(name, words)      [PROOF_##name] = #name,
#define PROOF_AS_BOTH_NAME(name, words) [PROOF_##name] = #name, [PROOF_##name##_ws] = #name "_ws",
static inline const char *proof_operation_str(enum proof_operation operation)
{
    static const char *const names[] = { PROOF_FEED(PROOF_AS_NAME) PROOF_ORDERS(PROOF_AS_BOTH_NAME)
                                             PROOF_ACCOUNT(PROOF_AS_NAME)
                                                 PROOF_SESSION(PROOF_AS_NAME)
                                                     PROOF_SURVIVAL(PROOF_AS_NAME) };
    return names[operation];
}

#define PROOF_AS_KIND_NAME(name, words) [BY_##name] = #name,
static inline const char *proof_kind_str(enum proof_kind kind)
{
    static const char *const names[] = { PROOF_KINDS(PROOF_AS_KIND_NAME) };
    return names[kind];
}

/* proof_of says that operation of venue has been shown; detail, one short line: by what. In a unit
 * test use proof(), which says nothing in a case that has failed. */
static inline void proof_of(const char *venue, enum proof_operation operation, enum proof_kind kind,
                            const char *detail)
{
    printf("# proof %s %s %s%s%s\n", venue, proof_operation_str(operation), proof_kind_str(kind),
           detail[0] ? " " : "", detail);
}

/* proof_absent(venue, operation, reason): the venue has no such thing, whatever we build. */
#define proof_absent(venue, operation, reason) \
    printf("# absent %s %s %s\n", (venue), proof_operation_str(PROOF_##operation), (reason))

/* proof(venue, operation, kind): for unit tests, behind tests/unit/check.h, at the end of a case:
 *     proof("okx", place_limit_ws, vector); */
#define proof(venue, operation, kind)                                  \
    do {                                                               \
        if (!check_failed_in_case)                                     \
            proof_of((venue), PROOF_##operation, BY_##kind, __func__); \
    } while (0)

#endif
