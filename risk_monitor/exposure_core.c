/* What positions say: net delta of each base over spot and derivatives, and whether the venue's own
 * figures agree with the ledger's. */
#include "risk_monitor/risk_parts.h"

#include "common/leaf/err.h"
#include "common/leaf/fixed.h"

#include <string.h>

int risk_deltas_parse(const char *text, struct risk_delta_limit *out)
{
    static const char gaps[] = " ,\t";
    int count = 0;

    for (text += strspn(text, gaps); *text; text += strspn(text, gaps)) {
        size_t name = strcspn(text, ":"), len = strcspn(text, gaps);
        struct risk_delta_limit one = { .max = 0 };

        if (name == 0 || name >= sizeof one.base || name + 1 >= len ||
            count == RISK_DELTA_LIMITS_MAX)
            return ERR_RANGE;
        memcpy(one.base, text, name);
        if (fixed_parse(text + name + 1, len - name - 1, RISK_AMOUNT_EXP, &one.max) != 0 ||
            one.max <= 0)
            return ERR_RANGE;
        out[count++] = one;
        text += len;
    }
    return count;
}

/* ---- definitions ---- */

static const struct risk_instrument *instrument_of(const struct risk_core *core, uint64_t id)
{
    for (uint32_t i = 0; i < core->instrument_count; i++)
        if (core->instruments[i].id == id)
            return &core->instruments[i];
    return NULL;
}

void risk_exposure_definition(struct risk_core *core, const struct wire_instrument *event)
{
    struct risk_instrument *made;

    if (instrument_of(core, event->header.instrument))
        return;
    if (core->instrument_count == RISK_INSTRUMENTS_MAX) {
        core->counters.instruments_refused++;
        return;
    }
    made = &core->instruments[core->instrument_count++];
    made->id = event->header.instrument;
    made->is_spot = event->kind == INSTRUMENT_SPOT;
    memcpy(made->base, event->base, sizeof made->base);
}

/* ---- positions ---- */

static struct risk_position *position_of(struct risk_core *core, uint16_t account,
                                         uint64_t instrument)
{
    struct risk_position *made;

    for (uint32_t i = 0; i < core->position_count; i++)
        if (core->positions[i].account == account && core->positions[i].instrument == instrument)
            return &core->positions[i];
    if (core->position_count == RISK_POSITIONS_MAX) {
        core->counters.positions_refused++;
        return NULL;
    }
    made = &core->positions[core->position_count++];
    *made = (struct risk_position){ .account = account, .instrument = instrument };
    return made;
}

/* A difference counts from when neither side has moved any more. */
static void compare(struct risk_position *position, const struct wire_position *event,
                    int64_t now_ns)
{
    if (!event->has_venue_position || event->is_reconciled)
        position->since_ns = 0;
    else if (position->since_ns == 0 || position->ledger_qty != event->qty ||
             position->venue_qty != event->venue_qty ||
             position->applied_trade_number != event->applied_trade_number)
        position->since_ns = now_ns;
    position->ledger_qty = event->qty;
    position->venue_qty = event->venue_qty;
    position->applied_trade_number = event->applied_trade_number;
}

bool risk_exposure_position(struct risk_core *core, const struct wire_position *event,
                            int64_t now_ns)
{
    struct risk_position *position;
    bool is_changed;
    int64_t qty;

    if (event->strategy != 0)
        return false;
    position = position_of(core, event->header.account, event->header.instrument);
    if (!position ||
        fixed_rescale(event->qty, event->qty_exp, RISK_AMOUNT_EXP, FIXED_NEAREST, &qty) != 0)
        return false;
    compare(position, event, now_ns);
    is_changed = qty != position->qty;
    position->qty = qty;
    if (qty == 0 || position->definition)
        return is_changed;
    position->definition = instrument_of(core, position->instrument);
    if (!position->definition && now_ns >= core->ask_due_ns && core->out.need_definition) {
        core->ask_due_ns = now_ns + NS_PER_S;
        core->out.need_definition(core->out.ctx, position->instrument);
    }
    return true;
}

bool risk_exposure_differs(const struct risk_core *core, uint16_t account, int64_t now_ns)
{
    for (uint32_t i = 0; i < core->position_count; i++)
        if (core->positions[i].account == account && core->positions[i].since_ns != 0 &&
            now_ns - core->positions[i].since_ns > core->config.reconciliation_ns)
            return true;
    return false;
}

void risk_exposure_of(const struct risk_core *core, const char *base, struct risk_exposure *out)
{
    struct risk_exposure sum = { 0 };

    for (uint32_t i = 0; i < core->position_count; i++) {
        const struct risk_position *position = &core->positions[i];
        const struct risk_instrument *instrument = position->definition;

        if (position->qty == 0 || !instrument || strcmp(instrument->base, base) != 0)
            continue;
        sum.net += position->qty;
        sum.gross += position->qty > 0 ? position->qty : -position->qty;
        if (instrument->is_spot)
            sum.spot += position->qty;
        else
            sum.derivatives += position->qty;
    }
    *out = sum;
}

const struct risk_delta_limit *risk_exposure_breach(const struct risk_core *core)
{
    for (unsigned i = 0; i < core->config.delta_limit_count; i++) {
        const struct risk_delta_limit *limit = &core->config.delta_limits[i];
        struct risk_exposure exposure;

        risk_exposure_of(core, limit->base, &exposure);
        if (exposure.net > limit->max || exposure.net < -limit->max)
            return limit;
    }
    return NULL;
}
