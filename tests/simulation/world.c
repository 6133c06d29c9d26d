#include "tests/simulation/world.h"

#include <stdlib.h>
#include <string.h>

static const int64_t CALM_MAX_NS = 150 * NS_PER_S;
static const int64_t SWEPT_NS = 5 * NS_PER_S;
static const int64_t SETTLED_NS = 3 * NS_PER_S;

/* ---- what this seed does ---- */

static void odds(struct sim *sim, enum sim_fault fault, int64_t ppm)
{
    /* Each fault is absent in some runs and heavy in others: mixtures that no average shows. */
    static const int64_t weights[] = { 0, 0, 1, 2, 4, 10 };

    sim->odds_ppm[fault] = ppm * weights[sim_below(sim, COUNT(weights))] / 2;
}

static void draw_odds(struct world *world)
{
    struct sim *sim = &world->sim;

    odds(sim, FAULT_BUS_LOST, 1500);
    odds(sim, FAULT_BUS_DUPLICATED, 2000);
    odds(sim, FAULT_BUS_DELAYED, 150);
    odds(sim, FAULT_REQUEST_LOST_UPSTREAM, 50000);
    odds(sim, FAULT_JOURNAL_ROTATED, 500);
    odds(sim, FAULT_NOT_SENT, 5000);
    odds(sim, FAULT_REQUEST_LOST, 5000);
    odds(sim, FAULT_REQUEST_LATE, 10000);
    odds(sim, FAULT_ANSWER_LOST, 10000);
    odds(sim, FAULT_ANSWER_LATE, 10000);
    odds(sim, FAULT_RATE_LIMITED, 1000);
    odds(sim, FAULT_QUERY_STALE, 100000);
    odds(sim, FAULT_REPORT_DUPLICATED, 30000);
    odds(sim, FAULT_STREAM_LATE, 10000);
    odds(sim, FAULT_STREAM_LOST, 300);
    odds(sim, FAULT_KILLED_ENGINE, 200);
    odds(sim, FAULT_KILLED_POSITIONS, 200);
    odds(sim, FAULT_KILLED_RUNNER, 150);
    odds(sim, FAULT_KILLED_RISK, 100);
    odds(sim, FAULT_KILLED_SIGNAL, 100);
    odds(sim, FAULT_KILLED_GATEWAY, 150);
    odds(sim, FAULT_PAUSED, 100);
    sim->odds_ppm[FAULT_OPERATOR_KILL] = sim_below(sim, 4) == 0 ? 300 : 0;
    sim->odds_ppm[FAULT_DEAF_RUNNER] = sim_below(sim, 3) == 0 ? 1000000 : 0;
    sim->odds_ppm[FAULT_POWER_LOST] = world->takes_power ? 300 : 0;
}

/* ---- the market and the faults, every 10 ms ---- */

static void restart(void *ctx, void *payload, uint64_t tag)
{
    struct node *node = ctx;

    (void)payload;
    (void)tag;
    if (!node->is_up)
        node_start(node);
}

static void kill_node(struct node *node)
{
    struct sim *sim = node->sim;
    int64_t down_ms =
        sim_below(sim, 6) ? sim_between(sim, 20, 1500) : sim_between(sim, 1500, 15000);

    if (!node->is_up)
        return;
    if (sim_below(sim, 2))
        node_end(node);
    else
        node->fuse = sim_between(sim, 1, 40);
    sim_plan(sim, sim->now_ns + down_ms * NS_PER_MS, restart, node, NULL, 0);
}

/* Everything ends at once, and what the disks had not yet is gone: the ledger's last commit is
 * there (it syncs), a journal may be torn anywhere after its last sync. */
static void lose_power(struct world *world)
{
    struct sim *sim = &world->sim;

    sim_trace(sim, "POWER LOST");
    for (unsigned i = 0; i < world->node_count; i++)
        node_end(world->nodes[i]);
    for (unsigned v = 0; v < WORLD_VENUES; v++) {
        struct engine_node *e = &world->engines[v];
        e->journal.size =
            (size_t)sim_between(sim, (int64_t)e->journal.safe, (int64_t)e->journal.size);
        log_trim(&e->journal);
        e->journal.safe = e->journal.size;
        e->lost_power = true;
    }
    for (unsigned i = 0; i < world->node_count; i++)
        sim_plan(sim, sim->now_ns + sim_between(sim, 1000, 4000) * NS_PER_MS, restart,
                 world->nodes[i], NULL, 0);
}

static void maybe_kill(struct world *world)
{
    struct sim *sim = &world->sim;

    for (unsigned v = 0; v < WORLD_VENUES; v++) {
        if (sim_strikes(sim, FAULT_KILLED_ENGINE))
            kill_node(&world->engines[v].node);
        if (sim_strikes(sim, FAULT_KILLED_GATEWAY))
            kill_node(&world->gateways[v].node);
    }
    if (sim_strikes(sim, FAULT_KILLED_POSITIONS))
        kill_node(&world->positions.node);
    if (sim_strikes(sim, FAULT_KILLED_RUNNER))
        kill_node(&world->runner.node);
    if (sim_strikes(sim, FAULT_KILLED_RISK))
        kill_node(&world->risk.node);
    if (sim_strikes(sim, FAULT_KILLED_SIGNAL))
        kill_node(&world->signal.node);
    if (sim_strikes(sim, FAULT_POWER_LOST))
        lose_power(world);
    if (sim_strikes(sim, FAULT_PAUSED)) {
        struct node *node = world->nodes[sim_below(sim, world->node_count)];
        node->paused_until_ns = sim->now_ns + sim_between(sim, 5, 2500) * NS_PER_MS;
        sim_trace(sim, "%s stands still until %+lld ms", node->name,
                  (long long)((node->paused_until_ns - sim->now_ns) / NS_PER_MS));
    }
}

static void resume(void *ctx, void *payload, uint64_t tag)
{
    struct world *world = ctx;

    (void)payload;
    (void)tag;
    if (world->sim.is_calm)
        return;
    world->sim.faults[FAULT_OPERATOR_RESUME]++;
    nodes_command(world, COMMAND_RESUME);
}

static void step(void *ctx, void *payload, uint64_t tag)
{
    struct world *world = ctx;
    struct sim *sim = &world->sim;

    (void)payload;
    (void)tag;
    if (!sim->is_calm)
        crowd_step(&world->crowd, sim_wall(sim));
    for (unsigned v = 0; v < WORLD_VENUES; v++)
        venue_step(&world->venues[v]);
    maybe_kill(world);
    if (world->judge.killed_ns == 0 && sim_strikes(sim, FAULT_OPERATOR_KILL)) {
        nodes_command(world, COMMAND_KILL);
        if (sim_below(sim, 2))
            sim_plan(sim, sim->now_ns + sim_between(sim, 1, 10) * NS_PER_S, resume, world, NULL, 0);
    }
    sim_plan(sim, sim->now_ns + CROWD_STEP_NS, step, world, NULL, 0);
}

static void add_crowd(struct world *world)
{
    static const int64_t starts[] = { 60000, 3000 };

    crowd_init(&world->crowd);
    for (unsigned pair = 0; pair < COUNT(starts); pair++) {
        const struct crowd_config config = { .start_price = starts[pair] * EXCHANGE_ONE,
                                             .volatility_ppm = 100,
                                             .half_spread_ppm = 50,
                                             .step_ppm = 40,
                                             .levels = 6,
                                             .level_qty = (pair ? 20 : 1) * EXCHANGE_ONE / 20,
                                             .requotes_per_s = 30,
                                             .takers_per_s = 6,
                                             .taker_qty = (pair ? 20 : 1) * EXCHANGE_ONE / 25,
                                             .noise_ppm = 30,
                                             .dislocation_every_ms = 4000,
                                             .dislocation_min_ppm = 900,
                                             .dislocation_max_ppm = 2500,
                                             .dislocation_ms = 400,
                                             .basis_ppm = 300 };
        int at = crowd_add_pair(&world->crowd, &config, sim_random(&world->sim));
        for (unsigned v = 0; v < WORLD_VENUES && at >= 0; v++) {
            struct sim_venue *venue = &world->venues[v];
            if (crowd_add_place(&world->crowd, at, &venue->exchange, pair, venue->maker,
                                venue->taker, v ? 60 : 0, sim_random(&world->sim)) != 0)
                abort();
            if (pair == 0 &&
                crowd_add_place(&world->crowd, at, &venue->exchange, VENUE_PERPETUAL, venue->maker,
                                venue->taker, v ? 40 : 20, sim_random(&world->sim)) != 0)
                abort();
        }
    }
}

/* ---- a run ---- */

static void begin(struct world *world, uint64_t seed, bool is_traced)
{
    sim_init(&world->sim, seed, is_traced);
    draw_odds(world);
    judge_init(&world->judge, world);
    for (uint16_t v = 0; v < WORLD_VENUES; v++)
        if (venue_init(&world->venues[v], world, (uint16_t)(v + 1)) != 0)
            abort();
    add_crowd(world);
    nodes_init(world);
    sim_plan(&world->sim, world->sim.now_ns, step, world, NULL, 0);
}

static void run_until(struct world *world, int64_t until_ns)
{
    while (world->sim.now_ns < until_ns && !world->sim.failure[0])
        if (!sim_step(&world->sim))
            abort();
}

/* No more faults, everybody up, no more ideas: it must come to rest by itself. */
static void calm(struct world *world)
{
    struct sim *sim = &world->sim;
    int64_t give_up_ns = sim->now_ns + CALM_MAX_NS, settled_ns = 0;
    const char *why = "";

    sim->is_calm = true;
    sim_trace(sim, "CALM");
    for (unsigned i = 0; i < world->node_count; i++) {
        world->nodes[i]->fuse = 0;
        if (!world->nodes[i]->is_up)
            node_start(world->nodes[i]);
    }
    /* A runner that has just started first sweeps what its last session left. */
    run_until(world, sim->now_ns + SWEPT_NS);
    runner_core_stop(&world->runner.core, sim->now_ns);
    while (sim->now_ns < give_up_ns && !sim->failure[0]) {
        run_until(world, sim->now_ns + 100 * NS_PER_MS);
        why = judge_unsettled(&world->judge);
        if (why)
            settled_ns = 0;
        else if (settled_ns == 0)
            settled_ns = sim->now_ns;
        else if (sim->now_ns - settled_ns >= SETTLED_NS)
            break;
    }
    if (why)
        sim_fail(sim, "not at rest %lld s after the last fault: %s",
                 (long long)(CALM_MAX_NS / NS_PER_S), why);
}

void world_run(struct world *world, uint64_t seed, bool is_traced, bool takes_power)
{
    int64_t started_ns;

    memset(world, 0, sizeof(*world));
    world->takes_power = takes_power;
    begin(world, seed, is_traced);
    started_ns = world->sim.now_ns;
    run_until(world, started_ns + sim_between(&world->sim, 20, 60) * NS_PER_S);
    calm(world);
    if (!world->sim.failure[0])
        judge_final(&world->judge);
    world->simulated_ns = (uint64_t)(world->sim.now_ns - started_ns);
}

void world_fini(struct world *world)
{
    nodes_fini(world);
    for (unsigned v = 0; v < WORLD_VENUES; v++)
        venue_fini(&world->venues[v]);
    judge_fini(&world->judge);
    sim_fini(&world->sim);
}
