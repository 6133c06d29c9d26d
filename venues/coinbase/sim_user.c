/* The user channel (8): received, match, open, done, change, each with the product's next sequence.
 * What happens becomes text at once and goes out when the queue is flushed. */
#include "venues/coinbase/sim_coinbase.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t next_sequence(struct coinbase_sim *cb, uint32_t instrument)
{
    return ++cb->products[instrument].sequence;
}

static bool is_background(const struct coinbase_sim *cb, uint32_t account)
{
    return cb->sim->exchange->accounts[account].config.is_background;
}

static void queue(struct coinbase_sim *cb, uint32_t account, uint32_t instrument,
                  struct sim_text *text)
{
    struct cbsim_private *entry = calloc(1, sizeof *entry);
    char *copy = malloc(text->len + 1);

    if (!entry || !copy)
        abort(); /* A tool, not a trading process. */
    memcpy(copy, text->at, text->len + 1);
    *entry = (struct cbsim_private){
        .account = account, .instrument = instrument, .text = copy, .len = text->len
    };
    *cb->last_private = entry;
    cb->last_private = &entry->next;
    sim_text_free(text);
}

/* What every message of ours ends with. */
static void add_tail(struct coinbase_sim *cb, struct sim_text *out, uint32_t account,
                     uint32_t instrument, uint64_t sequence, int64_t at_ns)
{
    char user[CBSIM_UUID + 1], profile[CBSIM_UUID + 1], when[40];

    cbsim_uuid('U', account + 1, user);
    cbsim_uuid('P', account + 1, profile);
    cbsim_time(at_ns, when);
    sim_textf(out,
              ",\"product_id\":\"%s\",\"time\":\"%s\",\"sequence\":%llu,\"user_id\":\"%s\","
              "\"profile_id\":\"%s\"}",
              cb->sim->exchange->instruments[instrument].config.symbol, when,
              (unsigned long long)sequence, user, profile);
}

static void begin(struct sim_text *out, const char *type, const struct exchange_order *order)
{
    char id[CBSIM_UUID + 1];

    cbsim_uuid('O', order->id, id);
    sim_textf(out, "{\"type\":\"%s\",\"order_id\":\"%s\",\"side\":\"%s\"", type, id,
              order->match.side == SIDE_BUY ? "buy" : "sell");
}

static void on_accepted(struct coinbase_sim *cb, const struct exchange_event *event)
{
    const struct exchange_order *order = event->order;
    uint64_t sequence = next_sequence(cb, event->instrument);
    struct sim_text out = { 0 };

    if (is_background(cb, order->account))
        return;
    begin(&out, "received", order);
    sim_textf(&out, ",\"order_type\":\"%s\",", order->type == ORDER_MARKET ? "market" : "limit");
    if (order->quote_qty)
        cbsim_decimal(&out, "funds", order->quote_qty, EXCHANGE_EXP);
    else
        cbsim_decimal(&out, "size", order->qty, EXCHANGE_EXP);
    if (order->type != ORDER_MARKET) {
        sim_textf(&out, ",");
        cbsim_decimal(&out, "price", order->match.price, EXCHANGE_EXP);
    }
    if (order->client_id[0])
        sim_textf(&out, ",\"client_oid\":\"%s\"", order->client_id);
    add_tail(cb, &out, order->account, event->instrument, sequence, event->at_ns);
    queue(cb, order->account, event->instrument, &out);
}

void cbsim_user_open(struct coinbase_sim *cb, const struct exchange_order *order)
{
    uint64_t sequence = next_sequence(cb, order->instrument);
    struct sim_text out = { 0 };

    begin(&out, "open", order);
    sim_textf(&out, ",");
    cbsim_decimal(&out, "price", order->match.price, EXCHANGE_EXP);
    sim_textf(&out, ",");
    cbsim_decimal(&out, "remaining_size", order->match.leaves, EXCHANGE_EXP);
    add_tail(cb, &out, order->account, order->instrument, sequence, cb->sim->now_ns);
    queue(cb, order->account, order->instrument, &out);
}

/* ---- trades ---- */

static void match_of(struct coinbase_sim *cb, const struct exchange_event *event, bool is_taker,
                     uint64_t sequence)
{
    const struct exchange_order *own = is_taker ? event->order : event->maker;
    const struct exchange_account_config *config =
        &cb->sim->exchange->accounts[own->account].config;
    int32_t ppm = is_taker ? config->taker_fee_ppm : config->maker_fee_ppm;
    const char *role = is_taker ? "taker" : "maker";
    char taker[CBSIM_UUID + 1], maker[CBSIM_UUID + 1], user[CBSIM_UUID + 1],
        profile[CBSIM_UUID + 1];
    struct sim_text out = { 0 };

    cbsim_uuid('O', event->order->id, taker);
    cbsim_uuid('O', event->maker->id, maker);
    cbsim_uuid('U', own->account + 1, user);
    cbsim_uuid('P', own->account + 1, profile);
    sim_textf(&out,
              "{\"type\":\"match\",\"trade_id\":%llu,\"maker_order_id\":\"%s\","
              "\"taker_order_id\":\"%s\",\"side\":\"%s\",",
              (unsigned long long)event->trade_id, maker, taker,
              event->side == SIDE_BUY ? "sell" : "buy");
    cbsim_decimal(&out, "size", event->qty, EXCHANGE_EXP);
    sim_textf(&out, ",");
    cbsim_decimal(&out, "price", event->price, EXCHANGE_EXP);
    sim_textf(&out, ",\"%s_user_id\":\"%s\",\"%s_profile_id\":\"%s\",\"%s_fee_rate\":\"%s%d.%06d\"",
              role, user, role, profile, role, ppm < 0 ? "-" : "", abs(ppm) / 1000000,
              abs(ppm) % 1000000);
    add_tail(cb, &out, own->account, event->instrument, sequence, event->at_ns);
    if (sim_fault_take(cb->sim, SIM_FAULT_DUPLICATE_EXECUTION)) {
        struct sim_text again = { 0 };
        sim_text_add(&again, out.at, out.len);
        queue(cb, own->account, event->instrument, &again);
    }
    queue(cb, own->account, event->instrument, &out);
}

static const char *cancel_reason(enum exchange_cause cause)
{
    switch (cause) {
    case CAUSE_IOC:
    case CAUSE_FOK:
    case CAUSE_TIME:
        return "101:Time In Force";
    case CAUSE_STP:
        return "102:Self Trade Prevention";
    case CAUSE_NO_LIQUIDITY:
        return "106:Insufficient Liquidity";
    case CAUSE_BALANCE:
        return "105:Insufficient Funds";
    default:
        return NULL; /* By its owner. */
    }
}

/* What of an order was neither executed nor taken off by change messages when it ended. */
static int64_t remaining_of(const struct coinbase_sim *cb, const struct exchange_order *order)
{
    const struct cbsim_changed *changed = &cb->changed[order->id % CBSIM_CHANGED_MAX];

    return order->qty - order->filled_qty - (changed->order == order->id ? changed->qty : 0);
}

static void done(struct coinbase_sim *cb, const struct exchange_order *order, bool is_filled,
                 enum exchange_cause cause, int64_t at_ns)
{
    uint64_t sequence = next_sequence(cb, order->instrument);
    const char *why = is_filled ? NULL : cancel_reason(cause);
    struct sim_text out = { 0 };

    if (is_background(cb, order->account))
        return;
    begin(&out, "done", order);
    sim_textf(&out, ",\"reason\":\"%s\"", is_filled ? "filled" : "canceled");
    if (why)
        sim_textf(&out, ",\"cancel_reason\":\"%s\"", why);
    if (order->type != ORDER_MARKET) { /* Absent for market orders. */
        sim_textf(&out, ",");
        cbsim_decimal(&out, "price", order->match.price, EXCHANGE_EXP);
        sim_textf(&out, ",");
        cbsim_decimal(&out, "remaining_size", is_filled ? 0 : remaining_of(cb, order),
                      EXCHANGE_EXP);
    }
    add_tail(cb, &out, order->account, order->instrument, sequence, at_ns);
    queue(cb, order->account, order->instrument, &out);
}

/* The match, then the end of a consumed maker, then of the taker. */
static void on_trade(struct coinbase_sim *cb, const struct exchange_event *event)
{
    uint64_t sequence = next_sequence(cb, event->instrument);

    if (!is_background(cb, event->maker->account))
        match_of(cb, event, false, sequence);
    if (!is_background(cb, event->order->account))
        match_of(cb, event, true, sequence);
    if (event->maker->state == EXCHANGE_FILLED)
        done(cb, event->maker, true, CAUSE_NONE, event->at_ns);
    if (event->order->state == EXCHANGE_FILLED)
        done(cb, event->order, true, CAUSE_NONE, event->at_ns);
}

static void on_prevented(struct coinbase_sim *cb, const struct exchange_event *event)
{
    const struct exchange_order *order = event->order;
    uint64_t sequence = next_sequence(cb, event->instrument);
    struct cbsim_changed *changed = &cb->changed[order->id % CBSIM_CHANGED_MAX];
    struct sim_text out = { 0 };

    if (changed->order != order->id)
        *changed = (struct cbsim_changed){ .order = order->id };
    changed->qty += event->qty;
    if (is_background(cb, order->account))
        return;
    begin(&out, "change", order);
    sim_textf(&out, ",\"reason\":\"STP\",");
    cbsim_decimal(&out, "old_size", order->match.leaves + event->qty, EXCHANGE_EXP);
    sim_textf(&out, ",");
    cbsim_decimal(&out, "new_size", order->match.leaves, EXCHANGE_EXP);
    if (order->type != ORDER_MARKET) {
        sim_textf(&out, ",");
        cbsim_decimal(&out, "price", order->match.price, EXCHANGE_EXP);
    } else {
        sim_textf(&out, ",\"price\":null");
    }
    add_tail(cb, &out, order->account, event->instrument, sequence, event->at_ns);
    queue(cb, order->account, event->instrument, &out);
}

void cbsim_user_event(struct coinbase_sim *cb, const struct exchange_event *event)
{
    switch (event->kind) {
    case EXCHANGE_ON_ACCEPTED:
        on_accepted(cb, event);
        break;
    case EXCHANGE_ON_TRADE:
        on_trade(cb, event);
        break;
    case EXCHANGE_ON_ENDED:
        done(cb, event->order, false, event->cause, event->at_ns);
        break;
    case EXCHANGE_ON_PREVENTED:
        on_prevented(cb, event);
        break;
    default:
        break;
    }
}

void cbsim_user_flush(struct coinbase_sim *cb)
{
    while (cb->first_private) {
        struct cbsim_private *entry = cb->first_private;

        for (struct sim_ws *ws = cb->sim->first_ws; ws; ws = ws->next) {
            const struct cbsim_ws *state = ws->state;
            if (state->account == entry->account && state->has[CBSIM_USER][entry->instrument])
                sim_ws_send(ws, SIM_PRIVATE, entry->text, entry->len);
        }
        cb->first_private = entry->next;
        free(entry->text);
        free(entry);
    }
    cb->last_private = &cb->first_private;
}
