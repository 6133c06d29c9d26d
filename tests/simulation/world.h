/* world.h - the whole pipeline in one process: two exchanges, and every role's core in a shell made
 * of the same calls as its main.c. */
#ifndef TICKPIPE_TESTS_SIMULATION_WORLD_H
#define TICKPIPE_TESTS_SIMULATION_WORLD_H

#include "position_server/position_core.h"
#include "risk_monitor/risk_core.h"
#include "signal_engine/signal_core.h"
#include "strategy_runner/runner_core.h"
#include "strategy_runner/strategies/strategies.h"
#include "tests/simulation/bus_model.h"
#include "tests/simulation/judge.h"
#include "tests/simulation/venue_model.h"
#include "trading_engine/engine_core.h"
#include "venue_simulator/crowd.h"

enum { WORLD_VENUES = 2, WORLD_STRATEGIES = 4 };

/* A journal or a ledger: records one after another. */
struct log {
    unsigned char *bytes;
    size_t size, room;
    size_t safe; /* Survives a power loss (journal), a kill (ledger). */
};

struct engine_node {
    struct node node;
    struct sim_venue *venue;
    struct world *world;
    void *memory;
    size_t memory_size;
    struct engine_core *core;
    struct engine_config config;
    struct log journal;
    int64_t sync_ns;
    bool lost_power;
};

struct position_node {
    struct node node;
    struct world *world;
    struct position_core core;
    struct market market;
    struct log ledger;
    int64_t commit_ns, published_ns;
};

struct runner_node {
    struct node node;
    struct world *world;
    struct runner_core core;
    struct market market;
    uint32_t session;
};

struct risk_node {
    struct node node;
    struct world *world;
    struct risk_core core;
    struct risk_saved saved;
    bool has_saved;
};

struct signal_node {
    struct node node;
    struct world *world;
    struct signal_core core;
    struct market market;
};

struct gateway_node {
    struct node node;
    struct sim_venue *venue;
    int64_t status_ns;
};

struct operator_node {
    struct node node;
    struct wire_operator_command command; /* Resent until echoed. */
    bool is_pending;
    int64_t resend_ns;
};

struct world {
    struct sim sim;
    struct judge judge;
    struct sim_venue venues[WORLD_VENUES];
    struct crowd crowd;
    struct engine_node engines[WORLD_VENUES];
    struct gateway_node gateways[WORLD_VENUES];
    struct position_node positions;
    struct runner_node runner;
    struct risk_node risk;
    struct signal_node signal;
    struct operator_node operators;
    struct node *nodes[WORLD_VENUES * 2 + 5];
    unsigned node_count;
    bool takes_power;
    uint64_t simulated_ns;
};

/* world_run plays one seed from start to rest. takes_power: the machine loses power now and then.
 * The result is in world->sim (failure, faults, digest). world_fini frees. */
void world_run(struct world *world, uint64_t seed, bool is_traced, bool takes_power);
void world_fini(struct world *world);

/* nodes.c */
void nodes_init(struct world *world);
/* log_trim cuts a torn record off the end. */
void log_trim(struct log *log);
void nodes_fini(struct world *world);
void nodes_command(struct world *world, wire_command_kind command);

/* A strategy without sense: orders of every kind at random moments. */
extern const struct strategy_ops strategy_probe;
struct probe_config {
    uint64_t seed;
    int64_t pause_ns; /* Between two ideas, on average. */
};

#endif
