/* OKX's simulator side: life of connections, the dead man's switch, maintenance. */
#include "venues/okx/sim_okx.h"

static const int64_t IDLE_NS = 30 * NS_PER_S;
static const int64_t NOTICE_NS = 60 * NS_PER_S;

static int init(struct sim *sim)
{
    struct osim *osim = sim->state;

    osim->sim = sim;
    osim->last_push = &osim->first_push;
    osim->random = sim->seed | 1;
    return 0;
}

static void fini(struct sim *sim)
{
    osim_private_fini(sim->state);
    osim_public_fini(sim->state);
}

static void ws_closed(struct sim *sim, struct sim_ws *ws)
{
    (void)sim;
    (void)ws;
}

static void event(struct sim *sim, const struct exchange_event *event)
{
    osim_public_event(sim->state, event);
    osim_private_event(sim->state, event);
}

/* Nothing sent for 30 s ends a connection, and so does a notice, a minute later (2.1). */
static void look_after(struct sim *sim, struct sim_ws *ws)
{
    struct osim_ws *state = ws->state;

    if (state->closes_at_ns && sim->now_ns >= state->closes_at_ns)
        sim_ws_close(ws, 1001, "service upgrade");
    else if (sim->now_ns - state->last_sent_ns > IDLE_NS)
        sim_ws_close(ws, 4004, "No data received in 30s.");
}

static void set_all(struct sim *sim, wire_trading_state status)
{
    for (uint32_t i = 0; i < sim->exchange->instrument_count; i++)
        exchange_set_status(sim->exchange, i, status, sim->now_ns);
}

/* Maintenance: told on channel status, instruments suspended; afterwards the books' numbers begin
 * anew, lower than before (3.1). */
static void follow_maintenance(struct sim *sim)
{
    struct osim *osim = sim->state;
    bool is_on = sim_fault_lasts(sim, SIM_FAULT_MAINTENANCE);

    if (is_on == osim->is_maintenance)
        return;
    osim->is_maintenance = is_on;
    set_all(sim, is_on ? TRADING_HALTED : TRADING_OPEN);
    osim_status_push(osim);
    for (uint32_t i = 0; !is_on && i < sim->exchange->instrument_count; i++)
        if (osim->markets[i].shadow)
            osim->markets[i].shadow->is_reset = true;
}

static void tick(struct sim *sim)
{
    struct osim *osim = sim->state;
    struct sim_ws *next;

    follow_maintenance(sim);
    for (uint32_t i = 0; i < sim->exchange->account_count; i++) {
        struct osim_member *member = &osim->members[i];
        if (member->caa_ns && sim->now_ns >= member->caa_ns) {
            member->caa_ns = 0;
            (void)exchange_cancel_all(sim->exchange, i, EXCHANGE_NONE, CAUSE_DEAD_MAN, sim->now_ns);
        }
    }
    if (sim->now_ns >= osim->next_5s_ns) {
        osim->next_5s_ns = sim->now_ns + 5 * NS_PER_S;
        osim_private_regular(osim);
    }
    osim_private_flush(osim);
    osim_public_flush(osim);
    for (struct sim_ws *ws = sim->first_ws; ws; ws = next) {
        next = ws->next;
        look_after(sim, ws);
    }
}

/* Logins end when a key is changed (close code 4007). Maintenance begins with the notice that
 * connections will go. */
static void fault(struct sim *sim, enum sim_fault_kind kind)
{
    struct sim_ws *next;

    for (struct sim_ws *ws = sim->first_ws; ws; ws = next) {
        struct osim_ws *state = ws->state;
        next = ws->next;
        if (kind == SIM_FAULT_EXPIRE_SESSION && state->account != EXCHANGE_NONE) {
            sim_ws_close(ws, 4007, "API key has been updated or deleted.");
        } else if (kind == SIM_FAULT_MAINTENANCE && state->closes_at_ns == 0) {
            osim_notice(ws);
            state->closes_at_ns = sim->now_ns + NOTICE_NS;
        }
    }
    if (kind == SIM_FAULT_EXPIRE_SESSION) {
        sim->faults[kind].taken += sim->faults[kind].count;
        sim->faults[kind].count = 0;
    }
}

static const char *const listeners[] = { "ws", NULL };

const struct sim_venue sim_okx = {
    .name = "okx",
    .listeners = listeners,
    .fee_asset = FEE_IN_RECEIVED,
    .state_size = sizeof(struct osim),
    .ws_state_size = sizeof(struct osim_ws),
    .init = init,
    .fini = fini,
    .http = osim_http,
    .ws_opened = osim_ws_opened,
    .ws_frame = osim_ws_frame,
    .ws_closed = ws_closed,
    .event = event,
    .tick = tick,
    .fault = fault,
};
