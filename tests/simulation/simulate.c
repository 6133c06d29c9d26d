/* simulate: seeds in, one verdict. See README.md. */
#include "tests/simulation/world.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct totals {
    uint64_t seeds, failed, simulated_ns, steps;
    uint64_t faults[FAULT_COUNT];
    uint64_t intents, orders, refused, fills, partial_fills, cancels, perpetual_fills, fundings;
};

struct options {
    uint64_t first, count;
    bool is_traced, is_quiet, is_twice, takes_power;
    double seconds; /* No new seed after so long; 0: all. */
};

static double real_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void add(struct totals *t, const struct world *world)
{
    const struct judge *judge = &world->judge;

    t->seeds++;
    t->simulated_ns += world->simulated_ns;
    t->steps += world->sim.steps;
    for (unsigned i = 0; i < FAULT_COUNT; i++)
        t->faults[i] += world->sim.faults[i];
    t->intents += judge->intent_count;
    t->orders += judge->orders;
    t->refused += judge->refused;
    t->fills += judge->fills;
    t->partial_fills += judge->partial_fills;
    t->cancels += judge->cancels;
    t->perpetual_fills += judge->perpetual_fills;
    t->fundings += judge->fundings;
}

static uint64_t run_one(struct world *world, uint64_t seed, const struct options *options,
                        struct totals *totals)
{
    world_run(world, seed, options->is_traced, options->takes_power);
    uint64_t digest = world->sim.digest;
    bool has_failed = world->sim.failure[0] != '\0';

    add(totals, world);
    totals->failed += has_failed;
    if (has_failed)
        printf("FAILED seed %" PRIu64 " %s\n  make simulate SEED=%" PRIu64
               "  (TRACE=1 shows every event)\n",
               seed, world->sim.failure, seed);
    else if (!options->is_quiet)
        printf("seed %" PRIu64 ": %u intents, %" PRIu64 " orders, %" PRIu64 " fills, %.0f s, "
               "digest %016" PRIx64 "\n",
               seed, world->judge.intent_count, world->judge.orders, world->judge.fills,
               (double)world->simulated_ns / 1e9, digest);
    fflush(stdout);
    world_fini(world);
    return digest;
}

static void report(const struct totals *t, double seconds)
{
    printf("%" PRIu64 " seeds, %.2f simulated hours in %.1f s (%.2f hours a minute), %" PRIu64
           " events; %" PRIu64 " intents, %" PRIu64 " venue orders, %" PRIu64
           " refused there, %" PRIu64 " fills (%" PRIu64 " partial, %" PRIu64
           " of perpetuals), %" PRIu64 " cancels, %" PRIu64 " payments of funding\n",
           t->seeds, (double)t->simulated_ns / 3.6e12, seconds,
           (double)t->simulated_ns / 3.6e12 / MAX(seconds, 1e-9) * 60, t->steps, t->intents,
           t->orders, t->refused, t->fills, t->partial_fills, t->perpetual_fills, t->cancels,
           t->fundings);
    printf("faults:");
    for (unsigned i = 0; i < FAULT_COUNT; i++)
        printf("%s %s %" PRIu64, i ? "," : "", sim_fault_str((enum sim_fault)i), t->faults[i]);
    printf("\n");
}

static int usage(void)
{
    fprintf(stderr, "usage: simulate [--seeds N] [--first SEED] [--seed SEED] [--trace] [--quiet]\n"
                    "                [--seconds S] [--twice] [--power]\n");
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    static const struct option longs[] = { { "seeds", required_argument, NULL, 'n' },
                                           { "first", required_argument, NULL, 'f' },
                                           { "seed", required_argument, NULL, 's' },
                                           { "trace", no_argument, NULL, 't' },
                                           { "quiet", no_argument, NULL, 'q' },
                                           { "seconds", required_argument, NULL, 'l' },
                                           { "twice", no_argument, NULL, '2' },
                                           { "power", no_argument, NULL, 'p' },
                                           { 0 } };
    struct options options = { .first = 1, .count = 200 };
    struct totals totals = { 0 };
    struct world *world = calloc(1, sizeof(*world));

    if (!world)
        return EXIT_FAILURE;
    for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
        switch (c) {
        case 'n':
            options.count = strtoull(optarg, NULL, 10);
            break;
        case 'f':
            options.first = strtoull(optarg, NULL, 10);
            break;
        case 's':
            options.first = strtoull(optarg, NULL, 10);
            options.count = 1;
            break;
        case 't':
            options.is_traced = true;
            break;
        case 'q':
            options.is_quiet = true;
            break;
        case 'l':
            options.seconds = strtod(optarg, NULL);
            break;
        case 'p':
            options.takes_power = true;
            break;
        case '2':
            options.is_twice = true;
            break;
        default:
            return usage();
        }
    }
    double started = real_s();
    for (uint64_t i = 0; i < options.count; i++) {
        uint64_t seed = options.first + i;
        uint64_t digest = run_one(world, seed, &options, &totals);
        if (options.is_twice && run_one(world, seed, &options, &totals) != digest) {
            printf("FAILED seed %" PRIu64 ": the second run was another one\n", seed);
            totals.failed++;
        }
        if (options.seconds > 0 && real_s() - started > options.seconds)
            break;
    }
    report(&totals, real_s() - started);
    free(world);
    if (totals.failed)
        printf("%" PRIu64 " of %" PRIu64 " seeds failed\n", totals.failed, totals.seeds);
    return totals.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
