/* Makes docs/venues.md of what tests have said (tests/proof.h).
 *
 *     venues_table LOGS               the page, on stdout
 *     venues_table LOGS --check PAGE  ok / not ok: the page claims nothing that the logs do not
 * show
 *
 * LOGS is a directory of files NAME.log, directories in it included. A log in which something
 * failed
 * ("not ok", or a last line "# exit N" that is not 0) shows nothing. The check lets claims of
 * recorded material pass where there is no ../shared: its tests were skipped. */
#include "common/leaf/base.h"
#include "tests/proof.h"
#include "venues/registry.h"
#include "venues/venue.h"

#include <ftw.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TESTS_MAX = 8, REASON_MAX = 160, SECTIONS = 5 };

static const char *const venues[] = {
#define AS_VENUE(name, simulated) #name,
    VENUES(AS_VENUE)
};

static const char *const words[] = {
#define AS_WORDS(name, words) [PROOF_##name] = words,
#define AS_BOTH_WORDS(name, words) \
    [PROOF_##name] = words ", REST", [PROOF_##name##_ws] = words ", WebSocket",
    PROOF_FEED(AS_WORDS) PROOF_ORDERS(AS_BOTH_WORDS) PROOF_ACCOUNT(AS_WORDS) PROOF_SESSION(AS_WORDS)
        PROOF_SURVIVAL(AS_WORDS)
};

static const char *const kind_words[] = {
#define AS_KIND_WORDS(name, words) [BY_##name] = words,
    PROOF_KINDS(AS_KIND_WORDS)
};

static const struct {
    const char *title;
    enum proof_operation first;
} sections[SECTIONS] = {
    { "Market data", PROOF_instruments },     { "Orders", PROOF_place_limit },
    { "Account", PROOF_positions },           { "Session", PROOF_signing },
    { "Survival", PROOF_survive_disconnect },
};

/* What only venues with derivatives can have. */
static bool is_of_derivatives(enum proof_operation operation)
{
    return operation == PROOF_mark_price || operation == PROOF_funding ||
           operation == PROOF_liquidation || operation == PROOF_place_reduce_only ||
           operation == PROOF_place_reduce_only_ws || operation == PROOF_positions ||
           operation == PROOF_account_mode || operation == PROOF_funding_payments ||
           operation == PROOF_private_position || operation == PROOF_private_funding;
}

static struct cell {
    bool has[PROOF_KIND_COUNT];
    char tests[PROOF_KIND_COUNT][TESTS_MAX][48];
    char absent[REASON_MAX]; /* Said by a test: the venue has no such thing. */
} cells[COUNT(venues)][PROOF_OPERATION_COUNT];

static unsigned logs, unknown;

static int venue_index(const char *name)
{
    for (size_t i = 0; i < COUNT(venues); i++)
        if (strcmp(venues[i], name) == 0)
            return (int)i;
    return -1;
}

static int operation_index(const char *name)
{
    for (int i = 0; i < PROOF_OPERATION_COUNT; i++)
        if (strcmp(proof_operation_str((enum proof_operation)i), name) == 0)
            return i;
    return -1;
}

static int kind_index(const char *name)
{
    for (int i = 0; i < PROOF_KIND_COUNT; i++)
        if (strcmp(proof_kind_str((enum proof_kind)i), name) == 0)
            return i;
    return -1;
}

/* ---- logs ---- */

static void add_test(struct cell *cell, int kind, const char *test)
{
    cell->has[kind] = true;
    for (int i = 0; i < TESTS_MAX; i++) {
        if (strcmp(cell->tests[kind][i], test) == 0)
            return;
        if (!cell->tests[kind][i][0]) {
            snprintf(cell->tests[kind][i], sizeof(cell->tests[kind][i]), "%s", test);
            return;
        }
    }
}

static void read_line(const char *line, const char *test)
{
    char venue[48], operation[48], kind[48];
    int at = 0;

    if (sscanf(line, "# proof %47s %47s %47s", venue, operation, kind) == 3) {
        int v = venue_index(venue), o = operation_index(operation), k = kind_index(kind);
        if (v < 0 || o < 0 || k < 0) {
            fprintf(stderr, "%s: no such proof: %s", test, line);
            unknown++;
            return;
        }
        add_test(&cells[v][o], k, test);
    } else if (sscanf(line, "# absent %47s %47s %n", venue, operation, &at) == 2 && at) {
        int v = venue_index(venue), o = operation_index(operation);
        if (v < 0 || o < 0) {
            fprintf(stderr, "%s: no such operation: %s", test, line);
            unknown++;
            return;
        }
        snprintf(cells[v][o].absent, REASON_MAX, "%.*s", (int)strcspn(line + at, "\n"), line + at);
    }
}

static bool is_sound(FILE *file)
{
    char line[4096];
    bool is_good = true;

    while (fgets(line, sizeof(line), file))
        if (strncmp(line, "not ok ", 7) == 0 ||
            (strncmp(line, "# exit ", 7) == 0 && atoi(line + 7) != 0))
            is_good = false;
    rewind(file);
    return is_good;
}

static int read_log(const char *path, const struct stat *status, int type, struct FTW *where)
{
    char line[4096], test[48];
    const char *name = path + where->base;
    size_t len = strlen(name);

    (void)status;
    if (type != FTW_F || len < 4 || strcmp(name + len - 4, ".log") != 0)
        return 0;
    snprintf(test, sizeof(test), "%.*s", (int)strcspn(name, " ."), name);
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    logs++;
    if (is_sound(file))
        while (fgets(line, sizeof(line), file))
            read_line(line, test);
    else
        fprintf(stderr, "%s has failures: it shows nothing\n", path);
    fclose(file);
    return 0;
}

/* ---- the page ---- */

static bool has_derivatives(const char *name)
{
    const struct venue *venue = venue_find(name);

    return venue && venue->order && venue->order->has_positions;
}

/* The cell's words: "fixture, vector, client"; "simulator only"; "spot only"; "none"; "not there".
 */
static const char *cell_text(size_t venue, enum proof_operation operation, char *out, size_t cap)
{
    const struct cell *cell = &cells[venue][operation];
    size_t len = 0;

    out[0] = '\0';
    for (int kind = 0; kind < BY_simulator; kind++)
        if (cell->has[kind])
            len += (size_t)snprintf(out + len, cap - len, "%s%s", len ? ", " : "",
                                    proof_kind_str((enum proof_kind)kind));
    if (len) {
        bool is_alone = len == strlen("client") && cell->has[BY_client] && !cell->has[BY_simulator];
        snprintf(out + len, cap - len, "%s", is_alone ? " alone" : "");
        return out;
    }
    return cell->has[BY_simulator]
               ? (operation >= PROOF_survive_disconnect ? "simulator" : "simulator only")
           : cell->absent[0]                                                 ? "none"
           : is_of_derivatives(operation) && !has_derivatives(venues[venue]) ? "spot only"
                                                                             : "not there";
}

static int section_end(int section)
{
    return section + 1 < SECTIONS ? (int)sections[section + 1].first : PROOF_OPERATION_COUNT;
}

static void print_matrix(int section)
{
    char text[128];

    printf("\n## %s\n\n| |", sections[section].title);
    for (size_t v = 0; v < COUNT(venues); v++)
        printf(" %s |", venues[v]);
    printf("\n|---|");
    for (size_t v = 0; v < COUNT(venues); v++)
        printf("---|");
    printf("\n");
    for (int o = (int)sections[section].first; o < section_end(section); o++) {
        printf("| %s |", words[o]);
        for (size_t v = 0; v < COUNT(venues); v++)
            printf(" %s |", cell_text(v, (enum proof_operation)o, text, sizeof(text)));
        printf("\n");
    }
}

static bool is_shown_by(const struct cell *cell, int kind, const char *test)
{
    for (int i = 0; i < TESTS_MAX; i++)
        if (strcmp(cell->tests[kind][i], test) == 0)
            return true;
    return false;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* A row for each test: the operations that it has shown. */
static void print_sources(size_t venue)
{
    char tests[64][48];
    size_t count = 0;

    for (int o = 0; o < PROOF_OPERATION_COUNT; o++)
        for (int k = 0; k < PROOF_KIND_COUNT; k++)
            for (int t = 0; t < TESTS_MAX && cells[venue][o].tests[k][t][0]; t++) {
                size_t at = 0;
                while (at < count && strcmp(tests[at], cells[venue][o].tests[k][t]) != 0)
                    at++;
                if (at == count && count < COUNT(tests))
                    memcpy(tests[count++], cells[venue][o].tests[k][t], sizeof(tests[0]));
            }
    qsort(tests, count, sizeof(tests[0]), by_name);
    printf("\n### %s\n\n| test | kind | shows |\n|---|---|---|\n", venues[venue]);
    for (size_t i = 0; i < count; i++)
        for (int k = 0; k < PROOF_KIND_COUNT; k++) {
            const char *comma = "";
            for (int o = 0; o < PROOF_OPERATION_COUNT; o++) {
                if (!is_shown_by(&cells[venue][o], k, tests[i]))
                    continue;
                if (!comma[0])
                    printf("| `%s` | %s | ", tests[i], proof_kind_str((enum proof_kind)k));
                printf("%s%s", comma, proof_operation_str((enum proof_operation)o));
                comma = ", ";
            }
            if (comma[0])
                printf(" |\n");
        }
}

static void print_absent(void)
{
    bool is_first = true;

    for (size_t v = 0; v < COUNT(venues); v++)
        for (int o = 0; o < PROOF_OPERATION_COUNT; o++) {
            if (!cells[v][o].absent[0])
                continue;
            if (is_first)
                printf("\n## None\n\n");
            is_first = false;
            printf("- %s, %s: %s\n", venues[v], words[o], cells[v][o].absent);
        }
}

static void print_page(void)
{
    printf(
        "# What proves what, venue by venue\n\n"
        "Made by `make venues-table` from the logs of a test run, not by hand; `make check` fails "
        "when this page claims\nmore than its own run has shown. A cell names the kinds of proof "
        "that passed:\n\n");
    for (int k = 0; k < PROOF_KIND_COUNT; k++)
        printf("- **%s%s**: %s\n", proof_kind_str((enum proof_kind)k),
               k == BY_simulator ? " only" : "", kind_words[k]);
    printf(
        "- **client alone**: that is all: our own side is not built for it, or no test of it says "
        "so.\n");
    printf("- **none**: the venue has no such thing; the list below says it. **spot only**: no "
           "derivatives there. **not there**: not\n  built, or shown by no test.\n");
    for (int section = 0; section < SECTIONS; section++)
        print_matrix(section);
    print_absent();
    printf("\n## Where it is shown\n\nNames of operations are those of `tests/proof.h`.\n");
    for (size_t v = 0; v < COUNT(venues); v++)
        print_sources(v);
}

/* ---- the check ---- */

struct claims {
    int columns[COUNT(venues)]; /* Venue of each column of the table that is read; -1: unknown. */
    size_t column_count;
    unsigned made, unproved, skipped;
};

static const char *next_cell(const char *at, char *out, size_t cap)
{
    const char *end = strchr(at, '|');

    if (!end)
        return NULL;
    while (at < end && *at == ' ')
        at++;
    size_t len = (size_t)(end - at);
    while (len && at[len - 1] == ' ')
        len--;
    snprintf(out, cap, "%.*s", (int)len, at);
    return end + 1;
}

static int operation_of_words(const char *text)
{
    for (int i = 0; i < PROOF_OPERATION_COUNT; i++)
        if (strcmp(words[i], text) == 0)
            return i;
    return -1;
}

static void check_claim(struct claims *claims, int venue, int operation, char *cell,
                        bool has_shared)
{
    char *rest = NULL;

    for (char *word = strtok_r(cell, ", ", &rest); word; word = strtok_r(NULL, ", ", &rest)) {
        int kind = kind_index(word);
        if (kind < 0)
            continue; /* "only", "not there", ... claim nothing. */
        claims->made++;
        if (cells[venue][operation].has[kind])
            continue;
        if (!has_shared && (kind == BY_fixture || kind == BY_vector)) {
            claims->skipped++;
            continue;
        }
        claims->unproved++;
        fprintf(stderr, "%s, %s: %s is claimed, this run has not shown it\n", venues[venue],
                words[operation], word);
    }
}

static void check_row(struct claims *claims, const char *line, bool has_shared)
{
    char cell[256];
    const char *at = next_cell(line + 1, cell, sizeof(cell));
    int operation = at ? operation_of_words(cell) : -1;

    if (at && !cell[0]) { /* The head of a matrix. */
        claims->column_count = 0;
        while ((at = next_cell(at, cell, sizeof(cell))) && claims->column_count < COUNT(venues))
            claims->columns[claims->column_count++] = venue_index(cell);
        return;
    }
    if (operation < 0)
        return;
    for (size_t i = 0; i < claims->column_count && (at = next_cell(at, cell, sizeof(cell))); i++)
        if (claims->columns[i] >= 0)
            check_claim(claims, claims->columns[i], operation, cell, has_shared);
}

static int check_page(const char *path)
{
    struct claims claims = { .made = 0 };
    bool has_shared = access("../shared/fixtures", R_OK) == 0;
    char line[4096];
    FILE *page = fopen(path, "re");

    while (page && fgets(line, sizeof(line), page))
        if (line[0] == '|')
            check_row(&claims, line, has_shared);
    if (page)
        fclose(page);
    printf("# %u logs, %u claims, %u of recorded material passed over: no ../shared\n", logs,
           claims.made, claims.skipped);
    bool is_good = page && claims.made > 0 && claims.unproved == 0 && unknown == 0;
    printf("%s %s claims what this run has shown, no more\n", is_good ? "ok" : "not ok", path);
    return !is_good;
}

int main(int argc, char **argv)
{
    bool is_check = argc == 4 && strcmp(argv[2], "--check") == 0;

    if (argc != 2 && !is_check) {
        fprintf(stderr, "usage: venues_table LOGS [--check PAGE]\n");
        return 2;
    }
    if (nftw(argv[1], read_log, 8, FTW_PHYS) != 0 || logs == 0) {
        fprintf(stderr, "%s: no logs\n", argv[1]);
        return 2;
    }
    if (is_check)
        return check_page(argv[3]);
    print_page();
    return unknown != 0;
}
