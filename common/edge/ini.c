#include "common/edge/ini.h"

#include "common/leaf/err.h"
#include "common/leaf/utf8.h"

#include <ctype.h>
#include <errno.h>
#include <iniparser/iniparser.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

struct scan {
    struct ini *ini;
    FILE *errors;
    unsigned line;
    unsigned problems;
    bool has_section; /* Any section line yet, even a bad one. */
    char section[INI_NAME_MAX];
};

static void problem(struct scan *scan, const char *key, const char *format, ...) PRINTF_LIKE(3, 4);
static void problem(struct scan *scan, const char *key, const char *format, ...)
{
    va_list args;

    scan->problems++;
    if (!scan->errors)
        return;
    fputs(scan->ini->path, scan->errors);
    if (scan->line)
        fprintf(scan->errors, ":%u", scan->line);
    fputs(": ", scan->errors);
    if (scan->section[0])
        fprintf(scan->errors, "[%s] ", scan->section);
    if (key)
        fprintf(scan->errors, "%s: ", key);
    va_start(args, format);
    vfprintf(scan->errors, format, args);
    va_end(args);
    fputc('\n', scan->errors);
}

/* ---- bytes ---- */

static bool bytes_are_text(struct scan *scan, const char *line, size_t len)
{
    for (size_t i = 0, n; i < len; i += n) {
        unsigned char c = (unsigned char)line[i];
        n = utf8_len(line + i, len - i);
        if (n == 0) {
            problem(scan, NULL, "byte %zu (0x%02x) is not UTF-8 text", i + 1, c);
            return false;
        }
        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            problem(scan, NULL, "byte %zu is the control character 0x%02x", i + 1, c);
            return false;
        }
    }
    return true;
}

static bool is_name(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)text[i]) && !strchr("_-.@", text[i]))
            return false;
    return len > 0;
}

/* Moves the ends of [*from, *to) inwards over blanks. */
static void trim(const char **from, const char **to)
{
    while (*from < *to && isspace((unsigned char)**from))
        (*from)++;
    while (*to > *from && isspace((unsigned char)(*to)[-1]))
        (*to)--;
}

static void copy(char *out, size_t cap, const char *from, const char *to)
{
    size_t len = MIN((size_t)(to - from), cap - 1);
    memcpy(out, from, len);
    out[len] = '\0';
}

/* ---- lines ---- */

static void scan_section(struct scan *scan, const char *from, const char *to)
{
    struct ini *ini = scan->ini;
    const char *end = memchr(from, ']', (size_t)(to - from));

    scan->section[0] = '\0';
    scan->has_section = true;
    if (!end) {
        problem(scan, NULL, "section without its closing ]");
        return;
    }
    if (end + 1 != to) {
        problem(scan, NULL, "text after the section's ]: a comment goes on a line of its own");
        return;
    }
    const char *name = from + 1;
    trim(&name, &end);
    if (!is_name(name, (size_t)(end - name)) || end - name >= INI_NAME_MAX) {
        problem(scan, NULL,
                "\"%.*s\" is not a section name; allowed: 1 to %d of A-Z a-z 0-9 _ - . @",
                (int)(end - name), name, INI_NAME_MAX - 1);
        return;
    }
    copy(scan->section, sizeof(scan->section), name, end);
    for (size_t i = 0; i < ini->section_count; i++)
        if (strcasecmp(ini->sections[i].name, scan->section) == 0) {
            problem(scan, NULL, "section appears twice, first on line %u", ini->sections[i].line);
            return;
        }
    if (ini->section_count == INI_SECTIONS_MAX) {
        problem(scan, NULL, "more than %d sections", INI_SECTIONS_MAX);
        return;
    }
    struct ini_section *section = &ini->sections[ini->section_count++];
    copy(section->name, sizeof(section->name), name, end);
    section->line = scan->line;
}

/* Takes quotes off a value, or finds why it would not survive. NULL: fine. */
static const char *unquote(const char **from, const char **to)
{
    if (*from == *to)
        return NULL;
    char quote = **from;
    if (quote == '"' || quote == '\'') {
        const char *end = memchr(*from + 1, quote, (size_t)(*to - *from - 1));
        if (!end)
            return "quote is never closed";
        if (end + 1 != *to)
            return "text after the closing quote";
        (*from)++;
        *to = end;
        return NULL;
    }
    for (const char *at = *from; at < *to; at++)
        if (*at == ';' || *at == '#')
            return "; or # inside a value begins a comment and cuts it; allowed: a comment on a "
                   "line of its "
                   "own, or the value in double quotes";
    return NULL;
}

static void scan_pair(struct scan *scan, const char *from, const char *to)
{
    struct ini *ini = scan->ini;
    const char *equals = memchr(from, '=', (size_t)(to - from));
    char key[INI_NAME_MAX];

    if (!equals) {
        problem(scan, NULL, "\"%.*s\" is neither [SECTION], KEY=VALUE nor a comment",
                (int)MIN(to - from, 40), from);
        return;
    }
    const char *key_end = equals, *value = equals + 1;
    trim(&from, &key_end);
    trim(&value, &to);
    if (!is_name(from, (size_t)(key_end - from)) || key_end - from >= INI_NAME_MAX) {
        problem(scan, NULL, "\"%.*s\" is not a key; allowed: 1 to %d of A-Z a-z 0-9 _ - . @",
                (int)MIN(key_end - from, 80), from, INI_NAME_MAX - 1);
        return;
    }
    copy(key, sizeof(key), from, key_end);
    if (!scan->section[0]) {
        if (!scan->has_section) /* After a bad section line one message is enough. */
            problem(scan, key, "stands before any [SECTION]");
        return;
    }
    const struct ini_entry *first = ini_find(ini, scan->section, key);
    if (first) {
        problem(scan, key, "appears twice, first on line %u", first->line);
        return;
    }
    const char *why = unquote(&value, &to);
    if (why) {
        problem(scan, key, "%s", why);
        return;
    }
    if (ini->count == INI_ENTRIES_MAX) {
        problem(scan, key, "more than %d keys", INI_ENTRIES_MAX);
        return;
    }
    struct ini_entry *entry = &ini->entries[ini->count++];
    copy(entry->section, sizeof(entry->section), scan->section,
         scan->section + strlen(scan->section));
    copy(entry->key, sizeof(entry->key), key, key + strlen(key));
    copy(entry->value, sizeof(entry->value), value, to);
    entry->line = scan->line;
}

static void scan_line(struct scan *scan, const char *from, const char *to)
{
    if (to - from > INI_LINE_MAX) {
        problem(scan, NULL, "line of %zu bytes; allowed: %d", (size_t)(to - from), INI_LINE_MAX);
        return;
    }
    if (to > from && to[-1] == '\r')
        to--;
    if (!bytes_are_text(scan, from, (size_t)(to - from)))
        return;
    trim(&from, &to);
    if (from == to)
        return;
    if (to[-1] == '\\') { /* Even after a comment: iniparser joins the next line to it. */
        problem(scan, NULL, "line ends with \\, which would join the next line to it");
        return;
    }
    if (*from == '#' || *from == ';')
        return;
    if (*from == '[')
        scan_section(scan, from, to);
    else
        scan_pair(scan, from, to);
}

/* ---- the file ---- */

/* The whole file in memory of malloc, or NULL and a problem written. */
static char *slurp(struct scan *scan, const char *path, size_t *len, int *err)
{
    struct stat st;
    FILE *file = fopen(path, "re");
    char *text = NULL;

    *err = ERR_CONFIG;
    if (!file) {
        *err = errno == ENOENT ? ERR_NOT_FOUND : ERR_CONFIG;
        problem(scan, NULL, "cannot be opened: %s", strerror(errno));
        return NULL;
    }
    if (fstat(fileno(file), &st) != 0 || !S_ISREG(st.st_mode))
        problem(scan, NULL, "is not a regular file");
    else if (st.st_size > INI_FILE_MAX)
        problem(scan, NULL, "is larger than %d bytes", INI_FILE_MAX);
    else if ((text = malloc((size_t)st.st_size + 1)) == NULL)
        problem(scan, NULL, "no memory to read it");
    else
        *len = fread(text, 1, (size_t)st.st_size, file);
    fclose(file);
    return text;
}

static int keep_quiet(const char *format, ...)
{
    (void)format;
    return 0;
}

static void lower_name(char *out, size_t cap, const struct ini_entry *entry)
{
    snprintf(out, cap, "%s:%s", entry->section, entry->key);
    for (; *out; out++)
        *out = (char)tolower((unsigned char)*out);
}

/* iniparser is the reader; the pre-scan only proves that it lost nothing. */
static void compare_with_iniparser(struct scan *scan)
{
    struct ini *ini = scan->ini;
    char name[2 * INI_NAME_MAX + 2];

    iniparser_set_error_callback(keep_quiet);
    dictionary *dict = iniparser_load(ini->path);
    if (!dict) {
        scan->line = 0;
        scan->section[0] = '\0';
        problem(scan, NULL, "iniparser refuses the file");
        return;
    }
    for (size_t i = 0; i < ini->count; i++) {
        struct ini_entry *entry = &ini->entries[i];
        lower_name(name, sizeof(name), entry);
        const char *value = iniparser_getstring(dict, name, NULL);
        if (value && strcmp(value, entry->value) == 0)
            continue;
        scan->line = entry->line;
        copy(scan->section, sizeof(scan->section), entry->section,
             entry->section + strlen(entry->section));
        problem(scan, entry->key, "is read as \"%s\" by one reader and as \"%s\" by the other",
                entry->value, value ? value : "(nothing)");
    }
    iniparser_freedict(dict);
}

int ini_open(struct ini *ini, const char *path, FILE *errors)
{
    struct scan scan = { .ini = ini, .errors = errors };
    size_t len = 0;
    int err;

    *ini = (struct ini){ .path = path };
    char *text = slurp(&scan, path, &len, &err);
    if (!text)
        return err;
    ini->entries = calloc(INI_ENTRIES_MAX, sizeof(*ini->entries));
    if (!ini->entries) {
        free(text);
        return ERR_CONFIG;
    }
    const char *at = text, *end = text + len;
    if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        scan.line = 1;
        problem(&scan, NULL, "begins with a byte order mark; allowed: plain UTF-8");
        at += 3;
        scan.line = 0;
    }
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *to = newline ? newline : end;
        scan.line++;
        scan_line(&scan, at, to);
        at = to + 1;
    }
    free(text);
    if (!scan.problems)
        compare_with_iniparser(&scan);
    return scan.problems ? ERR_CONFIG : 0;
}

void ini_close(struct ini *ini)
{
    free(ini->entries);
    ini->entries = NULL;
    ini->count = ini->section_count = 0;
}

const struct ini_entry *ini_find(const struct ini *ini, const char *section, const char *key)
{
    for (size_t i = 0; i < ini->count; i++)
        if (strcasecmp(ini->entries[i].section, section) == 0 &&
            strcasecmp(ini->entries[i].key, key) == 0)
            return &ini->entries[i];
    return NULL;
}
