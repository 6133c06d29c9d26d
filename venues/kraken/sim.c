/* Kraken's simulator side: life of connections, heartbeats, the dead man's switch, maintenance. */
#include "venues/kraken/sim_kraken.h"

#include <string.h>

static const int64_t HEARTBEAT_NS = NS_PER_S;
static const int64_t IDLE_NS = 60 * NS_PER_S;

static int init(struct sim *sim)
{
    struct kraken *kraken = sim->state;

    kraken->sim = sim;
    kraken->last_private = &kraken->first_private;
    kraken->random = sim->seed | 1;
    return 0;
}

static void fini(struct sim *sim)
{
    struct kraken *kraken = sim->state;

    kraken_private_flush(kraken);
    kraken_public_fini(kraken);
    sim_text_free(&kraken->text);
}

static void ws_opened(struct sim *sim, struct sim_ws *ws)
{
    struct kraken_ws *state = ws->state;

    state->account = EXCHANGE_NONE;
    state->last_received_ns = sim->now_ns;
    kraken_status_frame(sim->state, ws);
}

static void ws_closed(struct sim *sim, struct sim_ws *ws)
{
    (void)sim;
    (void)ws;
}

static void event(struct sim *sim, const struct exchange_event *event)
{
    kraken_public_event(sim->state, event);
    kraken_private_event(sim->state, event);
}

/* A heartbeat when nothing else was sent for a second; an idle connection without subscriptions is
 * closed. */
static void look_after(struct sim *sim, struct sim_ws *ws)
{
    static const char heartbeat[] = "{\"channel\":\"heartbeat\"}";
    struct kraken_ws *state = ws->state;

    if (state->has_any && sim->now_ns - state->last_sent_ns >= HEARTBEAT_NS) {
        state->last_sent_ns = sim->now_ns;
        sim_ws_send(ws, SIM_MARKET, heartbeat, sizeof heartbeat - 1);
    }
    if (!state->has_any && sim->now_ns - state->last_received_ns > IDLE_NS)
        sim_ws_close(ws, 1000, "idle");
}

/* Maintenance shows on every connection and in every pair, and ends the same way. */
static void follow_maintenance(struct sim *sim)
{
    struct kraken *kraken = sim->state;
    bool is_on = sim_fault_lasts(sim, SIM_FAULT_MAINTENANCE);

    if (is_on == kraken->is_maintenance)
        return;
    kraken->is_maintenance = is_on;
    for (uint32_t i = 0; i < sim->exchange->instrument_count; i++)
        exchange_set_status(sim->exchange, i, is_on ? TRADING_CANCEL_ONLY : TRADING_OPEN,
                            sim->now_ns);
    for (struct sim_ws *ws = sim->first_ws; ws; ws = ws->next)
        kraken_status_frame(kraken, ws);
}

static void tick(struct sim *sim)
{
    struct kraken *kraken = sim->state;
    struct sim_ws *next;

    follow_maintenance(sim);
    for (uint32_t i = 0; i < sim->exchange->account_count; i++) {
        struct kraken_member *member = &kraken->members[i];

        if (member->dead_man_ns && sim->now_ns >= member->dead_man_ns) {
            member->dead_man_ns = 0;
            (void)exchange_cancel_all(sim->exchange, i, EXCHANGE_NONE, CAUSE_DEAD_MAN, sim->now_ns);
        }
    }
    kraken_private_flush(kraken);
    kraken_public_flush(kraken);
    for (struct sim_ws *ws = sim->first_ws; ws; ws = next) {
        next = ws->next;
        look_after(sim, ws);
    }
}

/* Tokens that nobody has subscribed with yet, and those of live connections, all at once. */
static void fault(struct sim *sim, enum sim_fault_kind kind)
{
    struct kraken *kraken = sim->state;

    if (kind != SIM_FAULT_EXPIRE_SESSION)
        return;
    memset(kraken->tokens, 0, sizeof(kraken->tokens));
    sim->faults[kind].taken += sim->faults[kind].count;
    sim->faults[kind].count = 0;
}

static const char *const listeners[] = { "public", "private", NULL };

const struct sim_venue sim_kraken = {
    .name = "kraken",
    .listeners = listeners,
    .fee_asset = FEE_IN_QUOTE,
    .state_size = sizeof(struct kraken),
    .ws_state_size = sizeof(struct kraken_ws),
    .init = init,
    .fini = fini,
    .http = kraken_http,
    .ws_opened = ws_opened,
    .ws_frame = kraken_ws_frame,
    .ws_closed = ws_closed,
    .event = event,
    .tick = tick,
    .fault = fault,
};
