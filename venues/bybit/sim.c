/* Bybit's simulator side: the plug, maintenance, the dead-man switch, idle connections. */
#include "venues/bybit/sim_bybit.h"

static const int64_t IDLE_NS = 600 * NS_PER_S;

static int bybit_init(struct sim *sim)
{
    struct bybit_sim *state = sim->state;

    state->sim = sim;
    state->last_news = &state->first_news;
    state->random = sim->seed | 1;
    for (uint32_t i = 0; i < sim->exchange->instrument_count; i++) {
        state->books[i].seq = 1 + sim_random(&state->random) % 1000000000;
        for (unsigned d = 0; d < YSIM_DEPTHS; d++)
            state->books[i].u[d] = 1000 + sim_random(&state->random) % 1000000;
    }
    return 0;
}

static void bybit_fini(struct sim *sim)
{
    struct bybit_sim *state = sim->state;

    ysim_private_clear(state);
    ysim_public_fini(state);
    sim_text_free(&state->text);
}

static void bybit_event(struct sim *sim, const struct exchange_event *event)
{
    ysim_public_event(sim->state, event);
    ysim_private_event(sim->state, event);
}

static void close_all(struct sim *sim, unsigned listener, const char *why)
{
    for (struct sim_ws *ws = sim->first_ws, *next; ws; ws = next) {
        const struct bybit_sim_ws *socket = ws->state;
        next = ws->next;
        if (ws->listener == listener && socket->kind != WS_STATUS)
            sim_ws_close(ws, 1001, why);
    }
}

/* Announced, then every connection ends; orders are refused until it is over. The books come back
 * with update ids that begin with 1. */
static void follow_maintenance(struct sim *sim)
{
    struct bybit_sim *state = sim->state;
    bool is_on = sim_fault_lasts(sim, SIM_FAULT_MAINTENANCE);

    if (is_on == state->is_maintenance)
        return;
    state->is_maintenance = is_on;
    state->notice += is_on;
    state->maintenance_end_ns = sim->faults[SIM_FAULT_MAINTENANCE].until_ns;
    for (uint32_t i = 0; i < sim->exchange->instrument_count; i++)
        exchange_set_status(sim->exchange, i, is_on ? TRADING_HALTED : TRADING_OPEN, sim->now_ns);
    ysim_status_push(state);
    if (is_on) {
        close_all(sim, YSIM_PUBLIC, "maintenance");
        close_all(sim, YSIM_PRIVATE, "maintenance");
    } else {
        ysim_public_restart(state);
    }
}

static void follow_dead_man(struct sim *sim)
{
    struct bybit_sim *state = sim->state;

    for (uint32_t a = 0; a < sim->exchange->account_count; a++)
        for (int which = 0; which < 2; which++) {
            struct ysim_member *member = &state->members[a];
            if (!member->dcp_fires_ns[which] || sim->now_ns < member->dcp_fires_ns[which])
                continue;
            member->dcp_fires_ns[which] = 0;
            for (uint32_t i = 0; i < sim->exchange->instrument_count; i++)
                if ((ysim_category_of(sim, i) == YSIM_LINEAR) == (which == 1))
                    (void)exchange_cancel_all(sim->exchange, a, i, CAUSE_DEAD_MAN, sim->now_ns);
        }
}

static void bybit_tick(struct sim *sim)
{
    struct bybit_sim *state = sim->state;

    follow_maintenance(sim);
    follow_dead_man(sim);
    ysim_private_flush(state);
    ysim_public_flush(state);
    for (struct sim_ws *ws = sim->first_ws, *next; ws; ws = next) {
        const struct bybit_sim_ws *socket = ws->state;
        next = ws->next;
        if (sim->now_ns - socket->last_received_ns > IDLE_NS)
            sim_ws_close(ws, 1000, "idle");
    }
}

/* A login is a connection's: it ends with it. */
static void bybit_fault(struct sim *sim, enum sim_fault_kind kind)
{
    if (kind != SIM_FAULT_EXPIRE_SESSION)
        return;
    sim->faults[kind].taken += sim->faults[kind].count;
    sim->faults[kind].count = 0;
    close_all(sim, YSIM_PRIVATE, "session expired");
}

static const char *const bybit_listeners[] = { "public", "private", NULL };

const struct sim_venue sim_bybit = {
    .name = "bybit",
    .listeners = bybit_listeners,
    .fee_asset = FEE_IN_RECEIVED,
    .state_size = sizeof(struct bybit_sim),
    .ws_state_size = sizeof(struct bybit_sim_ws),
    .init = bybit_init,
    .fini = bybit_fini,
    .http = ysim_http,
    .ws_opened = ysim_ws_opened,
    .ws_frame = ysim_ws_frame,
    .ws_closed = ysim_ws_closed,
    .event = bybit_event,
    .tick = bybit_tick,
    .fault = bybit_fault,
};
