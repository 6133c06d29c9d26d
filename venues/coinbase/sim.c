/* Coinbase Exchange's simulator side: life of connections, maintenance, time. */
#include "venues/coinbase/sim_coinbase.h"

#include <string.h>

static const int64_t SUBSCRIBE_NS = 5 * NS_PER_S;
/* Sequences count all events of a product since the venue began: they are long past 32 bits. */
static const uint64_t FIRST_SEQUENCE = UINT64_C(11000000000);

static int init(struct sim *sim)
{
    struct coinbase_sim *cb = sim->state;

    cb->sim = sim;
    cb->last_private = &cb->first_private;
    cb->random = sim->seed | 1;
    for (uint32_t i = 0; i < sim->exchange->instrument_count; i++) {
        cb->products[i].sequence = FIRST_SEQUENCE + i;
        cb->products[i].status = sim->exchange->instruments[i].status;
    }
    return 0;
}

static void fini(struct sim *sim)
{
    struct coinbase_sim *cb = sim->state;

    if (cb->sim) { /* Not after a failed init. */
        sim->first_ws = NULL;
        cbsim_user_flush(cb);
    }
    cbsim_feed_fini(cb);
}

static void ws_opened(struct sim *sim, struct sim_ws *ws)
{
    struct cbsim_ws *state = ws->state;

    state->account = EXCHANGE_NONE;
    state->heartbeat_ns = sim->now_ns;
    if (sim_fault_lasts(sim, SIM_FAULT_MAINTENANCE))
        sim_ws_close(ws, 1012, "maintenance");
}

static void ws_closed(struct sim *sim, struct sim_ws *ws)
{
    (void)sim;
    (void)ws;
}

static void event(struct sim *sim, const struct exchange_event *event)
{
    cbsim_user_event(sim->state, event); /* First: it numbers the event. */
    cbsim_feed_event(sim->state, event);
}

/* Maintenance: nothing is traded, connections end, REST says so. */
static void follow_maintenance(struct sim *sim)
{
    struct coinbase_sim *cb = sim->state;
    bool is_on = sim_fault_lasts(sim, SIM_FAULT_MAINTENANCE);
    struct sim_ws *next;

    if (is_on == cb->is_maintenance)
        return;
    cb->is_maintenance = is_on;
    for (uint32_t i = 0; i < sim->exchange->instrument_count; i++)
        exchange_set_status(sim->exchange, i, is_on ? TRADING_CANCEL_ONLY : TRADING_OPEN,
                            sim->now_ns);
    for (struct sim_ws *ws = sim->first_ws; ws && is_on; ws = next) {
        next = ws->next;
        sim_ws_close(ws, 1012, "maintenance");
    }
}

static void tick(struct sim *sim)
{
    struct coinbase_sim *cb = sim->state;
    struct sim_ws *next;

    follow_maintenance(sim);
    cbsim_user_flush(cb);
    cbsim_feed_tick(cb);
    for (struct sim_ws *ws = sim->first_ws; ws; ws = next) {
        next = ws->next;
        if (!((const struct cbsim_ws *)ws->state)->has_spoken &&
            sim->now_ns - ws->opened_ns > SUBSCRIBE_NS)
            sim_ws_close(ws, 1008, "no subscription");
    }
}

/* Credentials that are good no more: whoever used them is told and leaves. */
static void fault(struct sim *sim, enum sim_fault_kind kind)
{
    struct sim_ws *next;

    if (kind != SIM_FAULT_EXPIRE_SESSION)
        return;
    (void)sim_fault_take(sim, SIM_FAULT_EXPIRE_SESSION);
    for (struct sim_ws *ws = sim->first_ws; ws; ws = next) {
        next = ws->next;
        if (((const struct cbsim_ws *)ws->state)->account == EXCHANGE_NONE)
            continue;
        cbsim_error(ws, "Authentication Failed", "{\"message\":\"session expired\"}");
        sim_ws_close(ws, 1008, "authentication");
    }
}

static const char *const listeners[] = { "feed", "direct", NULL };

const struct sim_venue sim_coinbase = {
    .name = "coinbase",
    .listeners = listeners,
    .fee_asset = FEE_IN_QUOTE,
    .state_size = sizeof(struct coinbase_sim),
    .ws_state_size = sizeof(struct cbsim_ws),
    .init = init,
    .fini = fini,
    .http = cbsim_http,
    .ws_opened = ws_opened,
    .ws_frame = cbsim_ws_frame,
    .ws_closed = ws_closed,
    .event = event,
    .tick = tick,
    .fault = fault,
};
