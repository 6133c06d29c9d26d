/* tickpipe positions, tickpipe balances: what position_server's ledger says. */
#include "cli/gather.h"

#include "common/leaf/fixed.h"

#include <stdlib.h>
#include <string.h>

enum { WAIT_MS = 2000, NAMES_MS = 1000, BASES_MAX = 64, DELTA_EXP = 8 };

struct wanted {
    const struct venue_instance *instance;
    long strategy; /* -1: any. */
};

/* A balance belongs to no strategy. */
static bool is_wanted(const void *ctx, const struct wire_header *event)
{
    const struct wanted *wanted = ctx;
    long strategy = 0;

    if (event->type == WIRE_instrument)
        return true;
    if (event->type == WIRE_position)
        strategy = ((const struct wire_position *)event)->strategy;
    else if (event->type == WIRE_pnl)
        strategy = ((const struct wire_pnl *)event)->strategy;
    if (wanted->instance && event->account != wanted->instance->id)
        return false;
    return wanted->strategy < 0 || strategy == wanted->strategy;
}

static const char *decimal(int64_t value, int exp, char out[FIXED_TEXT_MAX])
{
    return fixed_format_trim(value, exp, out, FIXED_TEXT_MAX) < 0 ? "?" : out;
}

/* ---- positions ---- */

static void print_position(const struct gather *gather, const struct wire_position *p)
{
    char name[32], text[7][FIXED_TEXT_MAX];

    printf("%-15s %-14s %8u %16s %16s %16s %14s %14s %12s %12s%s",
           cli_account(gather->cli, p->header.account),
           gather_name(gather, p->header.instrument, name), p->strategy,
           decimal(p->qty, p->qty_exp, text[0]), decimal(p->avg_price, p->price_exp, text[1]),
           decimal(p->mark_price, p->price_exp, text[2]),
           decimal(p->realised_reporting, p->amount_exp, text[3]),
           decimal(p->unrealised_reporting, p->amount_exp, text[4]),
           decimal(p->fees_reporting, p->amount_exp, text[5]),
           decimal(p->funding_reporting, p->amount_exp, text[6]),
           p->is_marked ? "" : "  (mark is stale)");
    if (p->has_venue_position && !p->is_reconciled)
        printf("  (the venue says %s)", decimal(p->venue_qty, p->qty_exp, text[0]));
    putchar('\n');
}

static const struct wire_instrument *definition_of(const struct gather *gather, uint64_t instrument)
{
    const struct wire_header *event;

    for (size_t at = 0; (event = gather_next(gather, WIRE_instrument, &at)) != NULL;)
        if (event->instrument == instrument)
            return (const void *)event;
    return NULL;
}

/* What all accounts hold of one base, spot and derivatives: what is left when one hedges the other.
 */
static void print_delta(const struct gather *gather, const char *base)
{
    const struct wire_header *event;
    int64_t spot = 0, derivatives = 0, qty;
    char text[3][FIXED_TEXT_MAX];

    for (size_t at = 0; (event = gather_next(gather, WIRE_position, &at)) != NULL;) {
        const struct wire_position *p = (const void *)event;
        const struct wire_instrument *definition = definition_of(gather, event->instrument);

        if (p->strategy != 0 || !definition || strcmp(definition->base, base) != 0 ||
            fixed_rescale(p->qty, p->qty_exp, DELTA_EXP, FIXED_NEAREST, &qty) != 0)
            continue;
        if (definition->kind == INSTRUMENT_SPOT)
            spot += qty;
        else
            derivatives += qty;
    }
    printf("delta of %s: net %s (spot %s, derivatives %s)\n", base,
           decimal(spot + derivatives, DELTA_EXP, text[0]), decimal(spot, DELTA_EXP, text[1]),
           decimal(derivatives, DELTA_EXP, text[2]));
}

static void print_deltas(const struct gather *gather)
{
    const struct wire_header *event;
    const char *done[BASES_MAX];
    size_t count = 0;

    for (size_t at = 0; (event = gather_next(gather, WIRE_position, &at)) != NULL;) {
        const struct wire_instrument *definition = definition_of(gather, event->instrument);
        bool is_new = definition && count < BASES_MAX &&
                      ((const struct wire_position *)(const void *)event)->strategy == 0;

        for (size_t i = 0; i < count && is_new; i++)
            is_new = strcmp(done[i], definition->base) != 0;
        if (!is_new)
            continue;
        done[count++] = definition->base;
        print_delta(gather, definition->base);
    }
}

static void print_pnl(const struct gather *gather, const struct wire_pnl *p)
{
    char text[5][FIXED_TEXT_MAX], scope[48];

    if (p->header.account == 0 && p->strategy == 0)
        snprintf(scope, sizeof(scope), "everything");
    else
        snprintf(scope, sizeof(scope), "%s strategy %u",
                 cli_account(gather->cli, p->header.account), p->strategy);
    printf("profit of %s: net %s %s (realised %s, unrealised %s, fees %s, funding %s)%s%s\n", scope,
           decimal(p->net, p->amount_exp, text[0]), p->currency,
           decimal(p->realised, p->amount_exp, text[1]),
           decimal(p->unrealised, p->amount_exp, text[2]), decimal(p->fees, p->amount_exp, text[3]),
           decimal(p->funding, p->amount_exp, text[4]), p->is_marked ? "" : ", a mark is stale",
           p->is_complete ? "" : ", replay is running");
}

static void print_positions(const struct gather *gather)
{
    const struct wire_header *event;
    bool is_first = true;

    for (size_t at = 0; (event = gather_next(gather, WIRE_position, &at)) != NULL;
         is_first = false) {
        if (is_first)
            printf("%-15s %-14s %8s %16s %16s %16s %14s %14s %12s %12s\n", "venue", "instrument",
                   "strategy", "qty", "average", "mark", "realised", "unrealised", "fees",
                   "funding");
        print_position(gather, (const void *)event);
    }
    if (is_first)
        puts("no positions");
    print_deltas(gather);
    for (size_t at = 0; (event = gather_next(gather, WIRE_pnl, &at)) != NULL;)
        print_pnl(gather, (const void *)event);
}

/* ---- balances ---- */

static void print_balances(const struct gather *gather)
{
    const struct wire_header *event;
    char text[6][FIXED_TEXT_MAX];
    bool is_first = true;

    for (size_t at = 0; (event = gather_next(gather, WIRE_balance, &at)) != NULL;) {
        const struct wire_balance *b = (const void *)event;
        if (is_first)
            printf("%-10s %-8s %20s %20s %20s %20s %16s %s\n", "venue", "asset", "ledger",
                   "venue says", "free", "locked", "difference", "");
        is_first = false;
        printf("%-10s %-8s %20s %20s %20s %20s %16s %s\n", cli_account(gather->cli, event->account),
               b->asset, decimal(b->total, b->amount_exp, text[0]),
               decimal(b->venue_total, b->amount_exp, text[1]),
               decimal(b->venue_free, b->amount_exp, text[2]),
               decimal(b->venue_locked, b->amount_exp, text[3]),
               decimal(b->difference, b->amount_exp, text[4]),
               b->is_reconciled ? "reconciled" : "not reconciled");
    }
    if (is_first)
        puts("no balances");
}

/* ---- both ---- */

static int show(struct cli *cli, const uint16_t *types, size_t type_count, bool needs_names,
                void (*print)(const struct gather *))
{
    static const uint16_t names[] = { WIRE_instrument };
    struct wanted wanted = { .strategy = cli->strategy ? strtol(cli->strategy, NULL, 10) : -1 };
    struct gather gather;
    bool is_bad, is_complete = false;

    wanted.instance = cli_venue(cli, &is_bad);
    if (is_bad)
        return CLI_USAGE;
    if (gather_init(&gather, cli) != 0)
        return CLI_FAILURE;
    if (gather_add(&gather, STREAM_POSITIONS, types, type_count, true, REQUEST_STATE) == 0)
        is_complete = gather_run(&gather, 0, WAIT_MS * NS_PER_MS);
    gather_missing(&gather);
    if (needs_names && !cli->is_json && gather.event_count > 0 &&
        gather_add(&gather, STREAM_MARKET_DATA, names, COUNT(names), true, REQUEST_SNAPSHOT) == 0)
        (void)gather_run(&gather, 0, NAMES_MS * NS_PER_MS);
    gather_keep(&gather, is_wanted, &wanted);
    if (cli->is_json) {
        printf("{\"complete\":%s", is_complete ? "true" : "false");
        for (size_t i = 0; i < type_count; i++) {
            putchar(',');
            gather_print_json(&gather,
                              types[i] == WIRE_position ? "positions"
                              : types[i] == WIRE_pnl    ? "pnl"
                                                        : "balances",
                              types[i]);
        }
        puts("}");
    } else {
        print(&gather);
    }
    gather_fini(&gather);
    return is_complete ? CLI_OK : CLI_FAILURE;
}

int cli_positions(struct cli *cli)
{
    static const uint16_t types[] = { WIRE_position, WIRE_pnl };

    return show(cli, types, COUNT(types), true, print_positions);
}

int cli_balances(struct cli *cli)
{
    static const uint16_t types[] = { WIRE_balance };

    return show(cli, types, COUNT(types), false, print_balances);
}
