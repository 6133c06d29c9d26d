/* captures.h - which recordings of the venues there are and what is known of each.
 *
 * The recordings are those of ../shared/fixtures/MANIFEST.tsv, for every venue of
 * venues/registry.h; each must stand in tests/replay/NAME_captures.tsv:
 *
 *     FILE <tab> replay [WORD...]     against its line of expected_books.jsonl
 *     FILE <tab> not read: REASON
 *
 * Words: STAT=N, STAT=FIELD, STAT=any where the gateway counts otherwise than the rebuild does
 * (messages, snapshots, deltas, dropped_old, ...: --stats names them; FIELD is one of the rebuild);
 * covers=N, the levels a side that the venue's checksum covers, where a frame's loss shows in
 * nothing else; loss=unseen where it shows in nothing at all. */
#ifndef TICKPIPE_TESTS_REPLAY_CAPTURES_H
#define TICKPIPE_TESTS_REPLAY_CAPTURES_H

#include "venues/registry.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CAPTURE_ROWS_MAX = 128 };

struct capture_row {
    const char *venue;
    char name[160], path[400];
    char *words;       /* NULL: not read. */
    const cJSON *want; /* Of expected_books.jsonl; NULL: it has none. */
};

static cJSON *capture_expected; /* Array of its lines. */
static char *const *capture_venues_wanted;

/* capture_only: the venues wanted, ended with NULL; none: all. */
static void capture_only(char *const *venues)
{
    capture_venues_wanted = venues[0] ? venues : NULL;
}

static const char *capture_venue(const char *name)
{
#define CAPTURE_VENUE_NAME(name, simulated) #name,
    static const char *const venues[] = { VENUES(CAPTURE_VENUE_NAME) };
    bool is_wanted = !capture_venues_wanted;

    for (char *const *at = capture_venues_wanted; at && *at; at++)
        is_wanted |= strcmp(*at, name) == 0;
    for (size_t i = 0; is_wanted && i < sizeof(venues) / sizeof(venues[0]); i++)
        if (strcmp(venues[i], name) == 0)
            return venues[i];
    return NULL;
}

static const cJSON *capture_expectation(const char *name)
{
    cJSON *line;

    cJSON_ArrayForEach(line, capture_expected)
    {
        const char *capture = cJSON_GetStringValue(cJSON_GetObjectItem(line, "capture"));
        if (capture && strcmp(capture, name) == 0)
            return line;
    }
    return NULL;
}

/* capture_word gives the value of "word=VALUE" among the row's; false: it has none. */
static bool capture_word(const struct capture_row *row, const char *word, char *out, size_t cap)
{
    size_t len = strlen(word);

    for (const char *at = row->words; at && *at; at += strcspn(at, " "), at += strspn(at, " ")) {
        if (strncmp(at, word, len) != 0 || at[len] != '=')
            continue;
        snprintf(out, cap, "%.*s", (int)strcspn(at + len + 1, " "), at + len + 1);
        return true;
    }
    return false;
}

/* The words of a file's row; "" where it is not read; NULL: no row. */
static char *capture_table_words(const char *venue, const char *name)
{
    char table[200], *line = NULL, *found = NULL;
    size_t cap = 0;

    snprintf(table, sizeof(table), "tests/replay/%s_captures.tsv", venue);
    FILE *file = fopen(table, "re");
    while (file && !found && getline(&line, &cap, file) > 0) {
        char *how = strchr(line, '\t');
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '#' || !how)
            continue;
        *how++ = '\0';
        if (strcmp(line, name) != 0)
            continue;
        if (strncmp(how, "not read: ", 10) == 0)
            found = strdup("");
        else if (strncmp(how, "replay", 6) == 0)
            found = strdup(how);
    }
    if (file)
        fclose(file);
    free(line);
    return found;
}

static void capture_expected_read(const char *fixtures)
{
    char path[300], *line = NULL;
    size_t cap = 0;

    snprintf(path, sizeof(path), "%s/expected_books.jsonl", fixtures);
    FILE *file = fopen(path, "re");
    capture_expected = cJSON_CreateArray();
    while (file && getline(&line, &cap, file) > 0)
        cJSON_AddItemToArray(capture_expected, cJSON_Parse(line));
    free(line);
    if (file)
        fclose(file);
}

/* capture_rows fills out (CAPTURE_ROWS_MAX) and gives the count; *missing counts the captures of
 * registered venues that stand in no table (said on stderr). capture_rows_free gives all memory
 * back. */
static size_t capture_rows(struct capture_row *out, const char *fixtures, unsigned *missing)
{
    char manifest[300], *line = NULL;
    size_t cap = 0, count = 0;

    capture_expected_read(fixtures);
    snprintf(manifest, sizeof(manifest), "%s/MANIFEST.tsv", fixtures);
    FILE *file = fopen(manifest, "re");
    while (file && count < CAPTURE_ROWS_MAX && getline(&line, &cap, file) > 0) {
        char venue[64], kind[64], path[256];
        if (sscanf(line, "%255[^\t]\t%63[^\t]\t%63[^\t]", path, venue, kind) != 3 ||
            strcmp(kind, "capture") != 0 || !strstr(path, "/captures/"))
            continue;
        struct capture_row row = { .venue = capture_venue(venue) };
        if (!row.venue)
            continue;
        snprintf(row.name, sizeof(row.name), "%.150s", strrchr(path, '/') + 1);
        snprintf(row.path, sizeof(row.path), "%.100s/%.250s", fixtures, path);
        char *words = capture_table_words(row.venue, row.name);
        if (!words) {
            fprintf(stderr, "tests/replay/%s_captures.tsv has no row for %s\n", venue, row.name);
            ++*missing;
            continue;
        }
        row.words = words[0] ? words : NULL;
        if (!row.words)
            free(words);
        row.want = capture_expectation(row.name);
        out[count++] = row;
    }
    if (file)
        fclose(file);
    free(line);
    return count;
}

static void capture_rows_free(struct capture_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(rows[i].words);
    cJSON_Delete(capture_expected);
    capture_expected = NULL;
}

#endif
