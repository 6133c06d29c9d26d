/* reconcile - compares what tickpipe believes with what the simulated venues did, and says what a
 * run came to.
 *
 *   reconcile DIR SECONDS INSTANCE:ACCOUNT_ID:VENUE ...
 *
 * DIR holds what a run left: ledger_VENUE.json (each venue's own ledger), positions.jsonl and
 * balances.jsonl (what position_server says), intents.jsonl (7003), order_events.jsonl (6002),
 * opportunities.jsonl (6008), pnl.jsonl (6003), logs/NAME.log files with METRICS lines, and, where
 * there are any, copies of the engines' journals in journals/: an intent that the capture of 7003
 * lost with the process that wrote it is still written there, ahead of its order. Of a spot
 * instrument what was bought and sold is compared, of a perpetual the position with its realised
 * profit, fees and funding; of both the executions, and every asset's whole balance. Prints a
 * report and, last, one JSON line. Exit 0: no difference anywhere. */
#include "common/leaf/fixed.h"
#include "common/pure/client_id.h"
#include "common/pure/instrument.h"
#include "trading_engine/journal.h"
#include "trading_engine/records.h"

#include <cjson/cJSON.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* What an order that left in time may need to be in the venue's book. */
static const int64_t ON_ITS_WAY_NS = 500 * NS_PER_MS;

enum {
    EXP = 8,
    VENUES = 16,
    ORDERS_MAX = 1 << 20,
    LINE_MAX_BYTES = 1 << 20,
    GROUPS_MAX = 1 << 18,
};

/* What two legs may be. */
enum pairing { SPOT_SPOT, SPOT_PERPETUAL, PERPETUAL_PERPETUAL, PAIRINGS };
static const char *const pairing_texts[PAIRINGS] = { "spot_spot", "spot_perpetual",
                                                     "perpetual_perpetual" };

/* One intent as the runner wrote it, joined by order id with what the venue has of it. */
struct intent {
    uint64_t order_id, group_id, instrument;
    int64_t qty;      /* Total wanted, replaces included. */
    int64_t executed; /* By the venue's ledger, all revisions together. */
    unsigned live;    /* Venue orders of it that are open at the end. */
    unsigned orders;  /* Venue orders of it that are live or executed something. */
    unsigned revisions_seen[4];
    int64_t deadline_ns; /* CLOCK_MONOTONIC; 0: not known. Of the request, not of its replaces. */
    bool is_used;
};

struct venue_sum {
    char instance[32], venue[32];
    unsigned account;
    int64_t orders, fills, rejects, cancels, partial_fills, doubled, orphans, over_executed, late;
    int64_t position_difference, balance_difference; /* Sums of absolute differences, at EXP. */
    int64_t pnl_difference;                          /* Realised, fees, funding of perpetuals. */
    int64_t perpetual_fills, fundings;
    int64_t executions_missing;
    bool is_sound;
};

static const char *dir;
static struct intent *intents;
static struct venue_sum venues[VENUES];
static size_t venue_count;
static int problems;

static void problem(const char *format, const char *a, const char *b, const char *c)
{
    problems++;
    printf("  DIFFERENCE: ");
    printf(format, a, b, c);
    printf("\n");
}

static FILE *open_file(const char *name)
{
    char path[4096];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "r");
    if (!file) {
        fprintf(stderr, "reconcile: %s cannot be opened\n", path);
        exit(2);
    }
    return file;
}

static cJSON *read_json(const char *name)
{
    FILE *file = open_file(name);
    size_t len = 0, cap = 1 << 20;
    char *text = malloc(cap);

    while (text) {
        size_t n = fread(text + len, 1, cap - len - 1, file);
        if (n == 0)
            break;
        len += n;
        if (len + 1 == cap)
            text = realloc(text, cap *= 2);
    }
    fclose(file);
    cJSON *json = text ? cJSON_ParseWithLength(text, len) : NULL;
    free(text);
    if (!json) {
        fprintf(stderr, "reconcile: %s/%s is not JSON\n", dir, name);
        exit(2);
    }
    return json;
}

static void each_line(const char *name, void (*take)(const cJSON *line))
{
    static char text[LINE_MAX_BYTES];
    FILE *file = open_file(name);

    while (fgets(text, sizeof text, file)) {
        cJSON *line = cJSON_Parse(text);

        if (line) /* The last line of a capture that was cut off is no event. */
            take(line);
        cJSON_Delete(line);
    }
    fclose(file);
}

static const char *text_of(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));

    return text ? text : "";
}

static double number_of(const cJSON *object, const char *name)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, name);

    return cJSON_IsNumber(value) ? value->valuedouble : 0;
}

static int64_t decimal_of(const cJSON *object, const char *name)
{
    const char *text = text_of(object, name);
    int64_t value = 0;

    if (fixed_parse(text, strlen(text), EXP, &value) != 0 && *text)
        problem("%s: %s is not a decimal%s", name, text, "");
    return value;
}

static uint64_t id_of(const cJSON *object, const char *name)
{
    return strtoull(text_of(object, name), NULL, 16);
}

static bool is_event(const cJSON *line, const char *name)
{
    return strcmp(text_of(line, "type"), name) == 0;
}

static struct venue_sum *venue_of(const cJSON *line)
{
    for (size_t i = 0; i < venue_count; i++)
        if (venues[i].account == (unsigned)number_of(line, "account"))
            return &venues[i];
    return NULL;
}

static struct intent *intent_of(uint64_t order_id, bool may_make)
{
    uint64_t slot = order_id * 0x9e3779b97f4a7c15u;

    for (uint64_t i = 0; i < ORDERS_MAX; i++) {
        struct intent *intent = &intents[(slot + i) % ORDERS_MAX];

        if (intent->is_used && intent->order_id == order_id)
            return intent;
        if (!intent->is_used) {
            if (!may_make)
                return NULL;
            *intent = (struct intent){ .order_id = order_id, .is_used = true };
            return intent;
        }
    }
    return NULL;
}

static void take_intent(const cJSON *line)
{
    bool is_new = is_event(line, "order_request"), is_replace = is_event(line, "order_replace");
    struct intent *intent = is_new || is_replace ? intent_of(id_of(line, "order_id"), true) : NULL;

    if (!intent)
        return;
    intent->qty = MAX(intent->qty, decimal_of(line, "qty"));
    if (is_new) {
        intent->deadline_ns = (int64_t)strtoll(text_of(line, "deadline_ns"), NULL, 10);
        intent->group_id = id_of(line, "group_id");
        intent->instrument = id_of(line, "instrument");
    }
}

static void take_order_event(const cJSON *line)
{
    struct venue_sum *venue = is_event(line, "order_event") ? venue_of(line) : NULL;
    const char *kind = text_of(line, "kind");

    if (!venue || id_of(line, "order_id") == 0)
        return;
    venue->rejects += strcmp(kind, "rejected") == 0;
    venue->cancels += strcmp(kind, "cancelled") == 0;
    venue->partial_fills += strcmp(kind, "partially_filled") == 0;
}

/* An order that an engine took from the venue's list, not from an intent, proves nothing. */
static int take_record(void *ctx, uint16_t type, const void *bytes, size_t size)
{
    struct order_record record;
    int64_t qty;

    (void)ctx;
    if (type != RECORD_ORDER || size != sizeof record)
        return 0;
    memcpy(&record, bytes, size);
    if (record.order_id == 0 || (record.flags & (ORDER_FOREIGN | ORDER_ADOPTED)) ||
        record.state == ORDER_NONE)
        return 0;
    struct intent *intent = intent_of(record.order_id, true);
    if (intent && fixed_rescale(MAX(record.qty, record.pending_qty), record.qty_exp, EXP,
                                FIXED_DOWN, &qty) == 0)
        intent->qty = MAX(intent->qty, qty);
    if (intent && intent->deadline_ns == 0)
        intent->deadline_ns = record.deadline_ns;
    if (intent && intent->group_id == 0) {
        intent->group_id = record.group_id;
        intent->instrument = record.instrument;
    }
    return 0;
}

static void read_journal(const struct venue_sum *venue)
{
    char prefix[4096], problem_text[1024] = "";
    struct journal_config config = { .prefix = prefix,
                                     .segment_bytes = JOURNAL_SEGMENT_MIN,
                                     .has_no_thread = true };
    struct journal *journal = NULL;

    snprintf(prefix, sizeof prefix, "%s/journals", dir);
    if (access(prefix, F_OK) != 0)
        return;
    snprintf(prefix, sizeof prefix, "%s/journals/trading_engine_%s.live", dir, venue->venue);
    if (journal_open(&journal, &config, take_record, NULL, problem_text, sizeof problem_text) != 0)
        problem("%s: journal: %s%s", venue->instance, problem_text, "");
    journal_close(&journal);
}

/* ---- the venue's own ledger against intents, positions and balances ---- */

/* The venue's stamps are wall clock, ours are monotonic: of this machine, since its start. */
static int64_t clocks_apart(void)
{
    struct timespec wall, mono;

    clock_gettime(CLOCK_REALTIME, &wall);
    clock_gettime(CLOCK_MONOTONIC, &mono);
    return (wall.tv_sec - mono.tv_sec) * NS_PER_S + wall.tv_nsec - mono.tv_nsec;
}

static void check_in_time(struct venue_sum *venue, const cJSON *order, const struct intent *intent,
                          const char *client_id)
{
    int64_t created_ns = (int64_t)number_of(order, "created_ns") - clocks_apart();
    char by[32];

    if (intent->deadline_ns == 0 || created_ns <= intent->deadline_ns + ON_ITS_WAY_NS)
        return;
    snprintf(by, sizeof by, "%lld ms", (long long)((created_ns - intent->deadline_ns) / NS_PER_MS));
    venue->late++;
    problem("%s: order %s reached the venue %s after its deadline", venue->instance, client_id, by);
}

static void take_venue_order(struct venue_sum *venue, const cJSON *order)
{
    const char *client_id = text_of(order, "client_id"), *state = text_of(order, "state");
    int64_t executed = decimal_of(order, "executed");
    bool is_live = strcmp(state, "new") == 0 || strcmp(state, "partially_filled") == 0;
    unsigned revision;
    uint64_t order_id;
    char environment;

    venue->orders++;
    struct intent *intent = client_id_read(client_id, &environment, &order_id, &revision) == 0
                                ? intent_of(order_id, false)
                                : NULL;
    if (!intent) {
        venue->orphans++;
        problem("%s: order %s (%s) is of no intent", venue->instance, client_id, state);
        return;
    }
    if (revision == 0)
        check_in_time(venue, order, intent, client_id);
    if (is_live) {
        venue->orphans++;
        problem("%s: order %s is still %s", venue->instance, client_id, state);
    }
    intent->executed += executed;
    intent->live += is_live;
    intent->orders++;
    /* One venue order per (intent, revision): two are a doubled one, whatever they executed. */
    unsigned *word = &intent->revisions_seen[revision / 32 % 4], bit = 1u << revision % 32;
    if (revision < 128 && (*word & bit)) {
        venue->doubled++;
        problem("%s: two venue orders of %s (%s)", venue->instance, client_id, state);
    }
    *word |= bit;
    if (intent->live > 1) {
        venue->doubled++;
        problem("%s: two live venue orders of %s%s", venue->instance, client_id, "");
    }
    if (intent->executed > intent->qty) {
        venue->over_executed++;
        problem("%s: %s executed more than its intent's quantity%s", venue->instance, client_id,
                "");
    }
}

static cJSON *position_lines, *balance_lines;

static void take_position(const cJSON *line)
{
    if (is_event(line, "position") && number_of(line, "strategy") == 0)
        cJSON_AddItemToArray(position_lines, cJSON_Duplicate(line, true));
}

static void take_balance(const cJSON *line)
{
    if (is_event(line, "balance"))
        cJSON_AddItemToArray(balance_lines, cJSON_Duplicate(line, true));
}

static const cJSON *position_of(const struct venue_sum *venue, uint64_t instrument)
{
    const cJSON *line, *last = NULL;

    cJSON_ArrayForEach(line, position_lines)
    {
        if ((unsigned)number_of(line, "account") == venue->account &&
            id_of(line, "instrument") == instrument)
            last = line;
    }
    return last;
}

static const cJSON *balance_of(const struct venue_sum *venue, const char *asset)
{
    const cJSON *line, *last = NULL;

    cJSON_ArrayForEach(line, balance_lines)
    {
        if ((unsigned)number_of(line, "account") == venue->account &&
            strcmp(text_of(line, "asset"), asset) == 0)
            last = line;
    }
    return last;
}

static int64_t differ(struct venue_sum *venue, const char *what, int64_t ours, int64_t theirs)
{
    char a[FIXED_TEXT_MAX], b[FIXED_TEXT_MAX], text[128];

    if (ours == theirs)
        return 0;
    (void)fixed_format(ours, EXP, a, sizeof a);
    (void)fixed_format(theirs, EXP, b, sizeof b);
    snprintf(text, sizeof text, "%s %s: tickpipe", venue->instance, what);
    problem("%s %s, venue %s", text, a, b);
    return ours > theirs ? ours - theirs : theirs - ours;
}

/* Instruments of all ledgers, by kind. */
static struct {
    uint64_t id;
    wire_instrument_kind kind;
} kinds[INSTRUMENTS_MAX];
static size_t kind_count;

static wire_instrument_kind kind_of(uint64_t id)
{
    for (size_t i = 0; i < kind_count; i++)
        if (kinds[i].id == id)
            return kinds[i].kind;
    return 0;
}

static void compare_trades(struct venue_sum *venue, const char *name, const cJSON *ours,
                           const cJSON *theirs)
{
    char what[80];
    int64_t trades = ours ? (int64_t)strtoll(text_of(ours, "trades"), NULL, 10) : 0;

    if (ours && trades == 0)
        trades = (int64_t)number_of(ours, "trades");
    snprintf(what, sizeof what, "bought %s", name);
    venue->position_difference += differ(venue, what, ours ? decimal_of(ours, "bought_qty") : 0,
                                         decimal_of(theirs, "bought"));
    snprintf(what, sizeof what, "executions %s", name);
    venue->executions_missing += differ(venue, what, trades * 100000000,
                                        (int64_t)number_of(theirs, "executions") * 100000000) /
                                 100000000;
}

static void compare_perpetual(struct venue_sum *venue, const char *name, const cJSON *ours,
                              const cJSON *theirs)
{
    static const struct {
        const char *ours, *theirs;
    } amounts[] = { { "realised_pnl", "realised" },
                    { "fees", "paid_fees" },
                    { "funding", "funding" } };
    char what[80];

    venue->perpetual_fills += (int64_t)number_of(theirs, "executions");
    /* The venue rounds what each execution realised to its last unit, the ledger keeps the exact
     * sum: they may part by a unit an execution. Money itself is compared with the balances. */
    int64_t rounding = (int64_t)number_of(theirs, "executions");
    for (size_t i = 0; i < COUNT(amounts); i++) {
        int64_t mine = ours ? decimal_of(ours, amounts[i].ours) : 0;
        int64_t its = decimal_of(theirs, amounts[i].theirs);
        if (i == 0 && llabs(mine - its) <= rounding)
            continue;
        snprintf(what, sizeof what, "%s %s", amounts[i].theirs, name);
        venue->pnl_difference += differ(venue, what, mine, its);
    }
    if (!ours || number_of(ours, "has_venue_position") == 0)
        return;
    snprintf(what, sizeof what, "what %s said of its position %s", venue->venue, name);
    venue->position_difference +=
        differ(venue, what, decimal_of(ours, "venue_qty"), decimal_of(theirs, "qty"));
}

static void compare_position(struct venue_sum *venue, const cJSON *theirs)
{
    bool is_perpetual = strcmp(text_of(theirs, "kind"), "perpetual") == 0;
    wire_instrument_kind kind = is_perpetual ? INSTRUMENT_PERPETUAL : INSTRUMENT_SPOT;
    const char *symbol = text_of(theirs, "symbol");
    uint64_t id = instrument_id(venue->venue, kind, symbol);
    const cJSON *ours = position_of(venue, id);
    char name[48], what[80];

    if (kind_count < INSTRUMENTS_MAX) {
        kinds[kind_count].id = id;
        kinds[kind_count++].kind = kind;
    }
    venue->fills += (int64_t)number_of(theirs, "executions");
    if (!ours && number_of(theirs, "executions") == 0)
        return;
    snprintf(name, sizeof name, "%s%s", symbol, is_perpetual ? " perpetual" : "");
    snprintf(what, sizeof what, "position %s", name);
    venue->position_difference += differ(venue, what, ours ? decimal_of(ours, "qty") : 0,
                                         decimal_of(theirs, is_perpetual ? "qty" : "net"));
    compare_trades(venue, name, ours, theirs);
    if (is_perpetual)
        compare_perpetual(venue, name, ours, theirs);
}

static void compare_venue(struct venue_sum *venue)
{
    char name[64];
    const cJSON *item;

    snprintf(name, sizeof name, "ledger_%s.json", venue->venue);
    cJSON *ledger = read_json(name);
    venue->is_sound = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(ledger, "sound"));
    if (!venue->is_sound)
        problem("%s: the venue's own ledger is not sound: %s%s", venue->instance,
                text_of(ledger, "problem"), "");
    const cJSON *account =
        cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(ledger, "accounts"), 0);
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(account, "orders"))
        take_venue_order(venue, item);
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(account, "positions"))
        compare_position(venue, item);
    venue->fundings = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(account, "funding"));
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(account, "balances"))
    {
        const cJSON *ours = balance_of(venue, text_of(item, "asset"));
        bool is_untouched = decimal_of(item, "total") == decimal_of(item, "deposited");

        if (ours || !is_untouched)
            venue->balance_difference +=
                differ(venue, text_of(item, "asset"), ours ? decimal_of(ours, "total") : 0,
                       decimal_of(item, "total"));
    }
    cJSON_Delete(ledger);
}

/* ---- what the run came to ---- */

static int64_t opportunities, seen[PAIRINGS], traded[PAIRINGS];
static char last_pnl[FIXED_TEXT_MAX] = "0";
static bool pnl_is_marked;

static void take_opportunity(const cJSON *line)
{
    if (!is_event(line, "opportunity") || number_of(line, "revision") != 0)
        return;
    opportunities++;
    seen[(strcmp(text_of(line, "buy_kind"), "perpetual") == 0) +
         (strcmp(text_of(line, "sell_kind"), "perpetual") == 0)]++;
}

/* Orders that share a group are the legs of one opportunity: traded when two instruments of it
 * executed, by the venues' own ledgers. */
struct group {
    uint64_t id, first; /* Instrument of the first leg. */
    bool is_traded;
};

static void count_groups(void)
{
    struct group *groups = calloc(GROUPS_MAX, sizeof *groups);

    for (size_t i = 0; groups && i < ORDERS_MAX; i++) {
        const struct intent *intent = &intents[i];
        if (!intent->is_used || intent->group_id == 0 || intent->executed == 0)
            continue;
        size_t at = (size_t)(intent->group_id * 0x9e3779b97f4a7c15u >> 40) % GROUPS_MAX;
        for (size_t tries = 0; tries < GROUPS_MAX; tries++, at = (at + 1) % GROUPS_MAX)
            if (groups[at].id == intent->group_id || groups[at].id == 0)
                break;
        struct group *group = &groups[at];
        if (group->id == 0) {
            *group = (struct group){ .id = intent->group_id, .first = intent->instrument };
        } else if (group->first != intent->instrument && !group->is_traded) {
            group->is_traded = true;
            traded[(kind_of(group->first) == INSTRUMENT_PERPETUAL) +
                   (kind_of(intent->instrument) == INSTRUMENT_PERPETUAL)]++;
        }
    }
    free(groups);
}

static void take_pnl(const cJSON *line)
{
    if (!is_event(line, "pnl") || number_of(line, "account") != 0 ||
        number_of(line, "strategy") != 0)
        return;
    pnl_is_marked = number_of(line, "is_marked") != 0;
    snprintf(last_pnl, sizeof last_pnl, "%s", text_of(line, "net"));
}

struct hop {
    const char *label, *metric;
    double p50_us, p99_us, count; /* Of the process that saw most of them. */
};

static struct hop hops[] = {
    { .label = "frame read at gateway -> market event published",
      .metric = "receive_to_publish_ns" },
    { .label = "frame read at gateway -> opportunity published", .metric = "tick_to_signal_ns" },
    { .label = "frame read at gateway -> intent published", .metric = "tick_to_intent_ns" },
    { .label = "intent read at engine -> order handed to socket", .metric = "command_ns" },
    { .label = "frame read at gateway -> order handed to socket", .metric = "tick_to_order_ns" },
};

static void take_metrics(const cJSON *line)
{
    for (size_t i = 0; i < COUNT(hops); i++) {
        const cJSON *metric = cJSON_GetObjectItemCaseSensitive(line, hops[i].metric);

        if (!cJSON_IsObject(metric) || number_of(metric, "count") < hops[i].count)
            continue;
        hops[i].count = number_of(metric, "count");
        hops[i].p50_us = number_of(metric, "p50") / 1000;
        hops[i].p99_us = number_of(metric, "p99") / 1000;
    }
}

static void read_logs(void)
{
    char path[4096], name[512];
    struct dirent *entry;

    snprintf(path, sizeof path, "%s/logs", dir);
    DIR *logs = opendir(path);
    while (logs && (entry = readdir(logs))) {
        size_t len = strlen(entry->d_name);

        if (len < 4 || strcmp(entry->d_name + len - 4, ".log") != 0)
            continue;
        snprintf(name, sizeof name, "logs/%s", entry->d_name);
        each_line(name, take_metrics);
    }
    if (logs)
        closedir(logs);
}

/* What memory.txt of the demo says of all processes together, kB. Absent where nobody measured. */
static long memory_rss, memory_pss;

static void read_memory(void)
{
    char path[4096], line[256];

    snprintf(path, sizeof path, "%s/memory.txt", dir);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file))
        (void)sscanf(line, "all %ld %ld", &memory_rss, &memory_pss);
    if (file)
        fclose(file);
}

static void print_report(double seconds)
{
    printf("\n%-16s %7s %7s %7s %7s %7s %7s %7s %7s %7s %13s %13s %13s\n", "venue", "orders",
           "fills", "of perp", "funding", "rejects", "cancels", "partial", "doubled", "orphans",
           "position diff", "pnl diff", "balance diff");
    for (size_t i = 0; i < venue_count; i++) {
        const struct venue_sum *v = &venues[i];
        char position[FIXED_TEXT_MAX], balance[FIXED_TEXT_MAX], pnl[FIXED_TEXT_MAX];

        (void)fixed_format_trim(v->position_difference, EXP, position, sizeof position);
        (void)fixed_format_trim(v->balance_difference, EXP, balance, sizeof balance);
        (void)fixed_format_trim(v->pnl_difference, EXP, pnl, sizeof pnl);
        printf("%-16s %7lld %7lld %7lld %7lld %7lld %7lld %7lld %7lld %7lld %13s %13s %13s\n",
               v->instance, (long long)v->orders, (long long)v->fills,
               (long long)v->perpetual_fills, (long long)v->fundings, (long long)v->rejects,
               (long long)v->cancels, (long long)v->partial_fills,
               (long long)(v->doubled + v->over_executed), (long long)v->orphans, position, pnl,
               balance);
    }
    printf("\n%-22s %8s %8s\n", "opportunities", "seen", "traded");
    for (unsigned i = 0; i < PAIRINGS; i++)
        printf("%-22s %8lld %8lld\n", pairing_texts[i], (long long)seen[i], (long long)traded[i]);
    printf("\n%.0f s, %lld opportunities, PnL after fees %s%s\n\n", seconds,
           (long long)opportunities, last_pnl, pnl_is_marked ? "" : " (not marked)");
    printf("%-52s %9s %10s %10s\n", "latency, microseconds", "count", "p50", "p99");
    for (size_t i = 0; i < COUNT(hops); i++)
        if (hops[i].count > 0)
            printf("%-52s %9.0f %10.1f %10.1f\n", hops[i].label, hops[i].count, hops[i].p50_us,
                   hops[i].p99_us);
}

static void print_json(double seconds)
{
    printf("\n{\"reconciled\":%s,\"seconds\":%.0f,\"opportunities\":%lld,\"pnl_after_fees\":\"%s\","
           "\"latency_us\":{",
           problems ? "false" : "true", seconds, (long long)opportunities, last_pnl);
    for (size_t i = 0; i < COUNT(hops); i++) {
        int len = (int)strlen(hops[i].metric) - (int)strlen("_ns");

        printf("%s\"%.*s\":{\"count\":%.0f,\"p50\":%.1f,\"p99\":%.1f}", i ? "," : "", len,
               hops[i].metric, hops[i].count, hops[i].p50_us, hops[i].p99_us);
    }
    printf("}");
    for (unsigned kind = 0; kind < PAIRINGS; kind++)
        printf(",\"%s\":{\"seen\":%lld,\"traded\":%lld}", pairing_texts[kind],
               (long long)seen[kind], (long long)traded[kind]);
    printf(",\"memory_kb\":{\"rss\":%ld,\"pss\":%ld},\"venues\":{", memory_rss, memory_pss);
    for (size_t i = 0; i < venue_count; i++) {
        const struct venue_sum *v = &venues[i];
        char position[FIXED_TEXT_MAX], balance[FIXED_TEXT_MAX], pnl[FIXED_TEXT_MAX];

        (void)fixed_format_trim(v->position_difference, EXP, position, sizeof position);
        (void)fixed_format_trim(v->balance_difference, EXP, balance, sizeof balance);
        (void)fixed_format_trim(v->pnl_difference, EXP, pnl, sizeof pnl);
        printf("%s\"%s\":{\"orders\":%lld,\"fills\":%lld,\"rejects\":%lld,\"cancels\":%lld,"
               "\"partial_fills\":%lld,"
               "\"doubled\":%lld,\"orphans\":%lld,\"position_difference\":\"%s\",\"balance_"
               "difference\":\"%s\",\"pnl_difference\":\"%s\",\"perpetual_fills\":%lld,"
               "\"fundings\":%lld}",
               i ? "," : "", v->venue, (long long)v->orders, (long long)v->fills,
               (long long)v->rejects, (long long)v->cancels, (long long)v->partial_fills,
               (long long)(v->doubled + v->over_executed), (long long)v->orphans, position, balance,
               pnl, (long long)v->perpetual_fills, (long long)v->fundings);
    }
    printf("}}\n");
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: reconcile DIR SECONDS INSTANCE:ACCOUNT_ID:VENUE ...\n");
        return 2;
    }
    dir = argv[1];
    double seconds = strtod(argv[2], NULL);
    intents = calloc(ORDERS_MAX, sizeof *intents);
    position_lines = cJSON_CreateArray();
    balance_lines = cJSON_CreateArray();
    if (!intents)
        return 2;
    for (int i = 3; i < argc && venue_count < VENUES; i++) {
        struct venue_sum *venue = &venues[venue_count++];

        if (sscanf(argv[i], "%31[^:]:%u:%31s", venue->instance, &venue->account, venue->venue) !=
            3) {
            fprintf(stderr, "reconcile: %s is not INSTANCE:ACCOUNT_ID:VENUE\n", argv[i]);
            return 2;
        }
    }
    each_line("intents.jsonl", take_intent);
    each_line("order_events.jsonl", take_order_event);
    each_line("opportunities.jsonl", take_opportunity);
    each_line("positions.jsonl", take_position);
    each_line("balances.jsonl", take_balance);
    each_line("pnl.jsonl", take_pnl);
    read_logs();
    read_memory();
    for (size_t i = 0; i < venue_count; i++)
        read_journal(&venues[i]);
    for (size_t i = 0; i < venue_count; i++)
        compare_venue(&venues[i]);
    count_groups();
    print_report(seconds);
    print_json(seconds);
    cJSON_Delete(position_lines);
    cJSON_Delete(balance_lines);
    free(intents);
    return problems ? 1 : 0;
}
