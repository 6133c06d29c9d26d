/* position_server's shell: its ledger is a log, safe up to the last commit. */
#include "common/leaf/err.h"
#include "tests/simulation/nodes.h"

#include <stdlib.h>

enum { COMMIT_MS = 10 };

static void position_publish(void *ctx, unsigned port, struct wire_header *event)
{
    struct position_node *p = ctx;

    bus_send(&p->node, port, event);
}

static int position_store_trade(void *ctx, const struct wire_trade_event *trade)
{
    struct position_node *p = ctx;

    if (!node_output(&p->node))
        return ERR_SYS;
    judge_stored(&p->world->judge, trade);
    log_append(&p->ledger, WIRE_trade_event, trade, sizeof(*trade));
    return 0;
}

static int position_store_account(void *ctx, const struct wire_account_event *event)
{
    struct position_node *p = ctx;

    if (!node_output(&p->node))
        return ERR_SYS;
    log_append(&p->ledger, WIRE_account_event, event, sizeof(*event));
    return 0;
}

static void position_store_definition(void *ctx, const struct wire_instrument *definition)
{
    struct position_node *p = ctx;

    if (node_output(&p->node))
        log_append(&p->ledger, WIRE_instrument, definition, sizeof(*definition));
}

static void position_need_snapshot(void *ctx, uint64_t instrument)
{
    struct position_node *p = ctx;

    bus_ask(&p->node, STREAM_MARKET_DATA, REQUEST_SNAPSHOT, instrument);
}

static void position_note(void *ctx, const char *event, const char *text)
{
    struct position_node *p = ctx;

    node_note(&p->node, event, text);
}

static void position_record(void *ctx, uint16_t type, const void *record, size_t size)
{
    struct position_node *p = ctx;

    (void)type;
    (void)size;
    position_core_load(&p->core, record);
}

static void position_boot(struct node *node)
{
    struct position_node *p = node->state;
    const struct position_config config = { .reporting = "USDT",
                                            .mark_max_age_ns = 5 * NS_PER_S,
                                            .settle_ns = 2 * NS_PER_S,
                                            .replay_every_ns = 200 * NS_PER_MS };
    const struct position_out out = { p,
                                      position_publish,
                                      position_store_trade,
                                      position_store_account,
                                      position_store_definition,
                                      position_need_snapshot,
                                      position_note,
                                      NULL };

    market_fini(&p->market);
    if (market_init(&p->market, 8, BOOK_LEVELS) != 0)
        abort();
    position_core_init(&p->core, &config, &p->market, &out);
    log_each(&p->ledger, p->ledger.size, p, position_record);
    position_core_loaded(&p->core, node->sim->now_ns);
    for (unsigned v = 1; v <= WORLD_VENUES; v++)
        for (uint32_t i = 0; i < p->core.account_count; i++)
            if (p->core.accounts[i].id == v)
                judge_store_lost(&p->world->judge, (uint16_t)v,
                                 p->core.accounts[i].applied_trade_number);
}

static void position_commit(struct position_node *p)
{
    bool has_news = p->ledger.safe != p->ledger.size;

    if (!node_output(&p->node))
        return;
    p->ledger.safe = p->ledger.size;
    if (!has_news)
        return;
    position_core_durable(&p->core);
    if (p->node.sim->now_ns - p->published_ns >= 100 * NS_PER_MS) {
        p->published_ns = p->node.sim->now_ns;
        position_core_publish(&p->core, p->node.sim->now_ns);
    }
}

static void position_event(struct node *node, unsigned port, const struct wire_header *event)
{
    struct position_node *p = node->state;

    (void)port;
    position_core_event(&p->core, event, node->sim->now_ns);
}

static void position_gap(struct node *node, unsigned port, uint16_t publisher, uint16_t type)
{
    struct position_node *p = node->state;

    position_core_gap(&p->core, port, publisher, type);
}

static void position_epoch(struct node *node, unsigned port, uint16_t publisher)
{
    struct position_node *p = node->state;

    position_core_restarted(&p->core, port, publisher, node->sim->now_ns);
}

static void position_request(struct node *node, unsigned port,
                             const struct wire_state_request *request)
{
    struct position_node *p = node->state;

    (void)request;
    if (port == STREAM_POSITIONS)
        position_core_publish(&p->core, node->sim->now_ns);
}

static void position_tick(struct node *node)
{
    struct position_node *p = node->state;

    if (node->sim->now_ns >= p->commit_ns) {
        p->commit_ns = node->sim->now_ns + COMMIT_MS * NS_PER_MS;
        position_commit(p);
    }
    if (node->sim->now_ns / NS_PER_MS % 100 == 0)
        position_core_tick(&p->core, node->sim->now_ns, sim_wall(node->sim));
}

/* What was not committed is gone; the next start begins from what was. */
static void position_ended(struct node *node)
{
    struct position_node *p = node->state;

    p->ledger.size = p->ledger.safe;
    for (unsigned v = 1; v <= WORLD_VENUES; v++)
        judge_store_lost(&p->world->judge, (uint16_t)v, 0);
}

const struct node_ops position_ops = { position_boot,  position_event, position_gap,
                                       position_epoch, NULL,           position_request,
                                       position_tick,  position_ended };
