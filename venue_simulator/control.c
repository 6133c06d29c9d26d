/* control.c - the control endpoint: ledger, books, faults, deposits, rates, standstill. */
#include "venue_simulator/simulator.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int wrong(struct sim_text *out, int status, const char *what)
{
    sim_text_clear(out);
    sim_textf(out, "{\"error\":");
    sim_text_string(out, what);
    sim_textf(out, "}");
    return status;
}

static bool param(const char *query, const char *name, char *out, size_t cap)
{
    out[0] = 0;
    return sim_param(query, strlen(query), name, out, cap) == 0;
}

static struct server_venue *venue_named(struct simulator *simulator, const char *query)
{
    char name[32];

    if (param(query, "venue", name, sizeof(name)))
        for (size_t i = 0; i < simulator->venue_count; i++)
            if (strcasecmp(simulator->venues[i].side->name, name) == 0)
                return &simulator->venues[i];
    return NULL;
}

static int control_status(struct simulator *simulator, struct sim_text *out)
{
    sim_textf(
        out,
        "{\"started_ns\":%lld,\"market_step\":%llu,\"is_paused\":%s,\"quotes\":%llu,"
        "\"takes\":%llu,\"market_refused\":%llu,\"venues\":[",
        (long long)simulator->started_ns, (unsigned long long)simulator->crowd.step,
        simulator->crowd.is_paused ? "true" : "false", (unsigned long long)simulator->crowd.quotes,
        (unsigned long long)simulator->crowd.takes, (unsigned long long)simulator->crowd.refused);
    for (size_t i = 0; i < simulator->venue_count; i++) {
        const struct server_venue *venue = &simulator->venues[i];
        unsigned open = 0;
        for (const struct sim_ws *ws = venue->sim.first_ws; ws; ws = ws->next)
            open++;
        sim_textf(out,
                  "%s{\"venue\":\"%s\",\"requests\":%llu,\"frames_in\":%llu,\"frames_out\":%llu,"
                  "\"frames_dropped\":%llu,\"connections\":%llu,\"open\":%u,\"instruments\":[",
                  i ? "," : "", venue->side->name, (unsigned long long)venue->requests,
                  (unsigned long long)venue->frames_in, (unsigned long long)venue->frames_out,
                  (unsigned long long)venue->frames_dropped, (unsigned long long)venue->connections,
                  open);
        for (uint32_t k = 0; k < venue->exchange.instrument_count; k++) {
            const struct exchange_instrument *of = &venue->exchange.instruments[k];
            sim_textf(out,
                      "%s{\"symbol\":\"%s\",\"kind\":\"%s\",\"trades\":%llu,\"update_id\":%llu",
                      k ? "," : "", of->config.symbol,
                      exchange_is_perpetual(&venue->exchange, k) ? "perpetual" : "spot",
                      (unsigned long long)of->trade_count, (unsigned long long)of->update_id);
            simulator_amount(out, "bid", exchange_best(&venue->exchange, k, SIDE_BUY));
            simulator_amount(out, "ask", exchange_best(&venue->exchange, k, SIDE_SELL));
            simulator_amount(out, "last", of->last_price);
            if (exchange_is_perpetual(&venue->exchange, k)) {
                simulator_amount(out, "mark", of->perpetual.mark_price);
                simulator_amount(out, "index", of->perpetual.index_price);
                simulator_amount(out, "open_interest", exchange_open_interest(&venue->exchange, k));
                sim_textf(out, ",\"rate_ppb\":%lld,\"next_funding_ns\":%lld,\"payments\":%llu",
                          (long long)of->perpetual.rate_ppb,
                          (long long)of->perpetual.next_funding_ns,
                          (unsigned long long)of->perpetual.payments);
            }
            sim_textf(out, "}");
        }
        sim_textf(out, "],\"faults\":{");
        bool is_first = true;
        for (unsigned f = 0; f < SIM_FAULT_COUNT; f++) {
            const struct sim_fault *fault = &venue->sim.faults[f];
            if (!fault->count && !fault->taken && !fault->until_ns)
                continue;
            sim_textf(out, "%s\"%s\":{\"left\":%u,\"taken\":%llu,\"lasts\":%s}",
                      is_first ? "" : ",", sim_fault_str((enum sim_fault_kind)f), fault->count,
                      (unsigned long long)fault->taken,
                      sim_fault_lasts(&venue->sim, (enum sim_fault_kind)f) ? "true" : "false");
            is_first = false;
        }
        sim_textf(out, "}}");
    }
    sim_textf(out, "]}");
    return 200;
}

/* Faults that last are given by ms, the others by count (1 unless said). */
static int control_fault(struct simulator *simulator, const char *query, struct sim_text *out)
{
    struct server_venue *venue = venue_named(simulator, query);
    char kind_text[40], count[16], ms[16], option[32];
    unsigned kind = 0;

    if (!venue)
        return wrong(out, 404, "no such venue");
    (void)param(query, "kind", kind_text, sizeof(kind_text));
    while (kind < SIM_FAULT_COUNT &&
           strcmp(sim_fault_str((enum sim_fault_kind)kind), kind_text) != 0)
        kind++;
    if (kind == SIM_FAULT_COUNT)
        return wrong(out, 404, "no such fault");
    bool has_count = param(query, "count", count, sizeof(count));
    bool has_ms = param(query, "ms", ms, sizeof(ms));
    (void)param(query, "option", option, sizeof(option));
    struct sim_fault *fault = &venue->sim.faults[kind];
    /* Until it is ordered anew: with ms 0 it is over. */
    if (kind == SIM_FAULT_MAX_AGE && !has_ms)
        return wrong(out, 400, "max_age: ms, 0 to end it");
    bool is_lasting =
        kind == SIM_FAULT_SILENCE || kind == SIM_FAULT_MAINTENANCE || kind == SIM_FAULT_STATUS_418;
    fault->ms = has_ms ? strtoll(ms, NULL, 10) : 1000;
    if (fault->ms < 0 || fault->ms > 3600 * 1000)
        return wrong(out, 400, "ms: 0 to 3600000");
    memcpy(fault->option, option, sizeof(fault->option));
    fault->count = is_lasting ? 0 : has_count ? (uint32_t)strtoul(count, NULL, 10) : 1;
    fault->until_ns = is_lasting ? venue->sim.now_ns + fault->ms * NS_PER_MS : 0;
    if (kind == SIM_FAULT_MAX_AGE)
        fault->count = 0;
    if (kind == SIM_FAULT_MAINTENANCE)
        fault->taken++; /* A window, whoever comes in it. */
    if (kind == SIM_FAULT_DROP) {
        fault->count = 0;
        fault->taken += server_drop(venue, option);
    }
    if (venue->side->fault)
        venue->side->fault(&venue->sim, (enum sim_fault_kind)kind);
    sim_textf(out, "{\"fault\":\"%s\",\"count\":%u,\"ms\":%lld}", kind_text, fault->count,
              (long long)fault->ms);
    return 200;
}

static int control_transfer(struct simulator *simulator, const char *query, struct sim_text *out)
{
    struct server_venue *venue = venue_named(simulator, query);
    char account_name[40], asset_name[20], text[40];
    int64_t value;

    if (!venue)
        return wrong(out, 404, "no such venue");
    (void)param(query, "account", account_name, sizeof(account_name));
    (void)param(query, "asset", asset_name, sizeof(asset_name));
    (void)param(query, "amount", text, sizeof(text));
    uint32_t account = exchange_account(&venue->exchange, account_name);
    uint32_t asset = exchange_asset(&venue->exchange, asset_name);
    if (account == EXCHANGE_NONE || asset == EXCHANGE_NONE)
        return wrong(out, 404, "no such account or asset");
    if (sim_decimal(text, strlen(text), &value) != 0)
        return wrong(out, 400, "amount: a decimal");
    if (exchange_transfer(&venue->exchange, account, asset, value, venue->sim.now_ns) != CAUSE_NONE)
        return wrong(out, 409, "not so much is free");
    sim_textf(out, "{\"account\":\"%s\",\"asset\":\"%s\"", account_name, asset_name);
    simulator_amount(out, "free", venue->exchange.accounts[account].balances[asset].free);
    sim_textf(out, "}");
    return 200;
}

/* An instrument by symbol and kind (spot unless said). */
static int control_book(struct simulator *simulator, const char *query, struct sim_text *out)
{
    const struct server_venue *venue = venue_named(simulator, query);
    char symbol[32], kind[16];

    if (!venue)
        return wrong(out, 404, "no such venue");
    (void)param(query, "symbol", symbol, sizeof(symbol));
    (void)param(query, "kind", kind, sizeof(kind));
    uint32_t instrument = exchange_instrument(
        &venue->exchange, strcmp(kind, "perpetual") == 0 ? INSTRUMENT_PERPETUAL : INSTRUMENT_SPOT,
        symbol);
    if (instrument == EXCHANGE_NONE)
        return wrong(out, 404, "no such instrument of that kind");
    simulator_book(venue, instrument, out);
    return 200;
}

/* What happens on each instrument of a venue (of all, where none is named), per second. */
static int control_rate(struct simulator *simulator, const char *query, struct sim_text *out)
{
    const struct server_venue *venue = venue_named(simulator, query);
    char name[32], requotes[16], takers[16];

    if (param(query, "venue", name, sizeof(name)) && !venue)
        return wrong(out, 404, "no such venue");
    if (!param(query, "requotes", requotes, sizeof(requotes)) ||
        !param(query, "takers", takers, sizeof(takers)))
        return wrong(out, 400, "requotes and takers, per second and instrument; -1: as configured");
    int64_t quotes_per_s = strtoll(requotes, NULL, 10), takers_per_s = strtoll(takers, NULL, 10);
    if (quotes_per_s < -1 || quotes_per_s > 100000 || takers_per_s < -1 || takers_per_s > 10000)
        return wrong(out, 400, "requotes: up to 100000; takers: up to 10000");
    for (size_t i = 0; i < simulator->venue_count; i++)
        if (!venue || venue == &simulator->venues[i])
            crowd_set_rate(&simulator->crowd, &simulator->venues[i].exchange, quotes_per_s,
                           takers_per_s);
    sim_textf(out, "{\"requotes\":%lld,\"takers\":%lld}", (long long)quotes_per_s,
              (long long)takers_per_s);
    return 200;
}

/* Position mode of an account: what refusal of hedge mode is tried with. */
static int control_mode(struct simulator *simulator, const char *query, struct sim_text *out)
{
    struct server_venue *venue = venue_named(simulator, query);
    char account_name[40], hedge[8];

    if (!venue)
        return wrong(out, 404, "no such venue");
    (void)param(query, "account", account_name, sizeof(account_name));
    (void)param(query, "hedge", hedge, sizeof(hedge));
    uint32_t account = exchange_account(&venue->exchange, account_name);
    if (account == EXCHANGE_NONE)
        return wrong(out, 404, "no such account");
    bool is_hedge = strcmp(hedge, "yes") == 0;
    if (!is_hedge && strcmp(hedge, "no") != 0)
        return wrong(out, 400, "hedge: yes or no");
    if (exchange_set_hedge_mode(&venue->exchange, account, is_hedge) == CAUSE_OPEN_POSITION)
        return wrong(out, 409, "the account has positions or orders");
    sim_textf(out, "{\"account\":\"%s\",\"hedge\":%s}", account_name, is_hedge ? "true" : "false");
    return 200;
}

static int control_market(struct simulator *simulator, bool is_paused, struct sim_text *out)
{
    simulator->is_quiet = is_paused;
    simulator->crowd.is_paused = is_paused;
    sim_textf(out, "{\"is_paused\":%s}", is_paused ? "true" : "false");
    return 200;
}

int simulator_control(void *ctx, const char *method, const char *path, const char *query,
                      struct sim_text *out)
{
    struct simulator *simulator = ctx;
    bool is_get = strcmp(method, "GET") == 0;

    if (is_get && strcmp(path, "/status") == 0)
        return control_status(simulator, out);
    if (is_get && strcmp(path, "/ledger") == 0) {
        const struct server_venue *venue = venue_named(simulator, query);
        if (!venue)
            return wrong(out, 404, "no such venue");
        simulator_ledger(venue, out);
        return 200;
    }
    if (is_get && strcmp(path, "/book") == 0)
        return control_book(simulator, query, out);
    if (!is_get && strcmp(path, "/rate") == 0)
        return control_rate(simulator, query, out);
    if (!is_get && strcmp(path, "/mode") == 0)
        return control_mode(simulator, query, out);
    if (!is_get && strcmp(path, "/fault") == 0)
        return control_fault(simulator, query, out);
    if (!is_get && strcmp(path, "/transfer") == 0)
        return control_transfer(simulator, query, out);
    if (!is_get && (strcmp(path, "/pause") == 0 || strcmp(path, "/quiesce") == 0))
        return control_market(simulator, true, out);
    if (!is_get && strcmp(path, "/resume") == 0)
        return control_market(simulator, false, out);
    return wrong(out, 404,
                 "GET /status, /ledger, /book, POST /fault, /transfer, /rate, /mode, /pause, "
                 "/quiesce, /resume");
}
