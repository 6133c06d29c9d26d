#include "common/edge/config.h"

#include "common/edge/ini.h"
#include "common/leaf/err.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WHY_MAX = 1024 };

static void say(FILE *out, const char *format, ...) PRINTF_LIKE(2, 3);
static void say(FILE *out, const char *format, ...)
{
    va_list args;

    if (!out)
        return;
    va_start(args, format);
    vfprintf(out, format, args);
    va_end(args);
}

static void say_at(FILE *out, const struct ini *ini, const struct ini_entry *entry,
                   const char *text)
{
    say(out, "%s:%u: [%s] %s: %s\n", ini->path, entry->line, entry->section, entry->key, text);
}

/* ---- tables ---- */

static bool section_matches(const struct config_key *key, const char *section)
{
    if (key->flags & CONFIG_REPEATED)
        return strncasecmp(section, key->section, strlen(key->section)) == 0;
    return strcasecmp(section, key->section) == 0;
}

static const struct config_key *find_key(const struct config_part *part, const char *section,
                                         const char *key)
{
    for (size_t i = 0; i < part->count; i++)
        if (section_matches(&part->keys[i], section) && strcasecmp(part->keys[i].key, key) == 0)
            return &part->keys[i];
    return NULL;
}

static const struct config_key *find_key_in(const struct config_part *parts, size_t part_count,
                                            const char *section, const char *key)
{
    const struct config_key *found = NULL;

    for (size_t i = 0; i < part_count && !found; i++)
        found = find_key(&parts[i], section, key);
    return found;
}

static bool section_is_known(const struct config_part *parts, size_t part_count,
                             const char *section)
{
    for (size_t p = 0; p < part_count; p++)
        for (size_t i = 0; i < parts[p].count; i++)
            if (section_matches(&parts[p].keys[i], section))
                return true;
    return false;
}

/* Levenshtein distance, without case, of names up to INI_NAME_MAX. */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[INI_NAME_MAX + 1];
    size_t n = strnlen(b, INI_NAME_MAX);

    for (unsigned j = 0; j <= n; j++)
        row[j] = j;
    for (unsigned i = 1; *a; a++, i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            unsigned change = diagonal + (strncasecmp(a, &b[j - 1], 1) != 0);
            diagonal = row[j];
            row[j] = MIN(change, MIN(row[j], row[j - 1]) + 1);
        }
    }
    return row[n];
}

static void append(char *out, size_t cap, const char *text)
{
    size_t len = strlen(out);
    snprintf(out + len, cap - len, "%s", text);
}

/* Names the nearest key of the section, or all of them when none is near. */
static void describe_unknown_key(const struct config_part *parts, size_t part_count,
                                 const struct ini_entry *entry, char *why, size_t cap)
{
    const char *nearest = NULL;
    unsigned best = 4;

    snprintf(why, cap, "unknown key");
    for (size_t p = 0; p < part_count; p++)
        for (size_t i = 0; i < parts[p].count; i++) {
            const struct config_key *key = &parts[p].keys[i];
            if (!section_matches(key, entry->section) || distance(entry->key, key->key) >= best)
                continue;
            best = distance(entry->key, key->key);
            nearest = key->key;
        }
    if (nearest) {
        append(why, cap, "; did you mean ");
        append(why, cap, nearest);
        append(why, cap, "?");
        return;
    }
    append(why, cap, "; allowed:");
    for (size_t p = 0; p < part_count; p++)
        for (size_t i = 0; i < parts[p].count; i++)
            if (section_matches(&parts[p].keys[i], entry->section)) {
                append(why, cap, " ");
                append(why, cap, parts[p].keys[i].key);
            }
}

static void describe_sections(const struct config_part *parts, size_t part_count, char *why,
                              size_t cap)
{
    snprintf(why, cap, "unknown section; allowed:");
    for (size_t p = 0; p < part_count; p++)
        for (size_t i = 0; i < parts[p].count; i++) {
            const struct config_key *key = &parts[p].keys[i];
            bool is_first = true;
            for (size_t q = 0; q <= p && is_first; q++)
                for (size_t j = 0; j < (q == p ? i : parts[q].count) && is_first; j++)
                    is_first = strcasecmp(parts[q].keys[j].section, key->section) != 0;
            if (!is_first)
                continue;
            append(why, cap, " [");
            append(why, cap, key->section);
            append(why, cap, key->flags & CONFIG_REPEATED ? "NAME]" : "]");
        }
}

void config_defaults(void *config, const struct config_key *keys, size_t count)
{
    char why[WHY_MAX];

    for (size_t i = 0; i < count; i++) {
        if (!keys[i].fallback || keys[i].offset == SIZE_MAX)
            continue;
        int err = config_convert(&keys[i], keys[i].fallback, config, why, sizeof(why));
        assert(err == 0); /* A default that its own rule refuses is our mistake. */
        (void)err;
    }
}

static void defaults(const struct config_part *part)
{
    for (size_t i = 0; i < part->count; i++)
        if (!(part->keys[i].flags & CONFIG_REPEATED))
            config_defaults(part->config, &part->keys[i], 1);
}

/* ---- loading ---- */

/* One value of the file into every part that knows its key. Returns the number of problems. */
static unsigned apply(const struct config_part *parts, size_t part_count, const struct ini *ini,
                      const struct ini_entry *entry, FILE *errors)
{
    char value[INI_LINE_MAX + 1], why[WHY_MAX];
    unsigned problems = 0;
    bool is_known = false;

    if (config_expand(entry->value, value, sizeof(value), why, sizeof(why)) != 0) {
        say_at(errors, ini, entry, why);
        return 1;
    }
    for (size_t p = 0; p < part_count; p++) {
        const struct config_key *key = find_key(&parts[p], entry->section, entry->key);
        if (!key)
            continue;
        struct config_key checked = *key;
        if (key->flags & CONFIG_REPEATED) /* Checked here, stored by config_section_load. */
            checked.offset = SIZE_MAX;
        if (config_convert(&checked, value, parts[p].config, why, sizeof(why)) != 0 && !problems++)
            say_at(errors, ini, entry, why);
        is_known = true;
    }
    if (!is_known && section_is_known(parts, part_count, entry->section)) {
        describe_unknown_key(parts, part_count, entry, why, sizeof(why));
        say_at(errors, ini, entry, why);
        problems++;
    }
    return problems;
}

static unsigned check_sections(const struct config_part *parts, size_t part_count,
                               const struct ini *ini, FILE *errors)
{
    char why[WHY_MAX];
    unsigned problems = 0;

    for (size_t i = 0; i < ini->section_count; i++) {
        const struct ini_section *section = &ini->sections[i];
        if (section_is_known(parts, part_count, section->name))
            continue;
        describe_sections(parts, part_count, why, sizeof(why));
        say(errors, "%s:%u: [%s] %s\n", ini->path, section->line, section->name, why);
        problems++;
    }
    return problems;
}

static unsigned check_required(const struct config_part *part, const struct ini *ini,
                               const char *section, FILE *errors)
{
    unsigned problems = 0;

    for (size_t i = 0; i < part->count; i++) {
        const struct config_key *key = &part->keys[i];
        const char *in = section ? section : key->section;
        char allowed[WHY_MAX];
        if (!(key->flags & CONFIG_REQUIRED) || (!section && key->flags & CONFIG_REPEATED) ||
            (section && !section_matches(key, section)) || ini_find(ini, in, key->key))
            continue;
        config_type_text(key, allowed, sizeof(allowed));
        say(errors, "%s: [%s] %s: must be set, there is no default; allowed: %s\n", ini->path, in,
            key->key, allowed);
        problems++;
    }
    return problems;
}

/* Names the sections of which a repeated table demands something. */
static unsigned check_repeated(const struct config_part *part, const struct ini *ini, FILE *errors)
{
    unsigned problems = 0;

    for (size_t i = 0; i < ini->section_count; i++) {
        bool is_repeated = false;
        for (size_t k = 0; k < part->count && !is_repeated; k++)
            is_repeated = part->keys[k].flags & CONFIG_REPEATED &&
                          section_matches(&part->keys[k], ini->sections[i].name);
        if (!is_repeated)
            continue;
        struct config_part only = *part;
        for (size_t k = 0; k < part->count; k++) {
            only.keys = &part->keys[k];
            only.count = 1;
            if (part->keys[k].flags & CONFIG_REPEATED)
                problems += check_required(&only, ini, ini->sections[i].name, errors);
        }
    }
    return problems;
}

int config_load_parts(const struct config_part *parts, size_t part_count, const char *path,
                      FILE *errors)
{
    struct ini ini;
    unsigned problems = 0;

    for (size_t p = 0; p < part_count; p++)
        defaults(&parts[p]);
    int err = ini_open(&ini, path, errors);
    if (err) {
        ini_close(&ini);
        return ERR_CONFIG;
    }
    problems += check_sections(parts, part_count, &ini, errors);
    for (size_t i = 0; i < ini.count; i++)
        problems += apply(parts, part_count, &ini, &ini.entries[i], errors);
    for (size_t p = 0; p < part_count; p++) {
        problems += check_required(&parts[p], &ini, NULL, errors);
        problems += check_repeated(&parts[p], &ini, errors);
    }
    ini_close(&ini);
    if (!problems)
        return 0;
    for (size_t p = 0; p < part_count; p++)
        defaults(&parts[p]);
    return ERR_CONFIG;
}

int config_load(void *config, const struct config_key *keys, size_t count, const char *path,
                FILE *errors)
{
    struct config_part part = { config, keys, count };
    return config_load_parts(&part, 1, path, errors);
}

/* ---- explaining ---- */

static bool is_literal_secret(const struct config_key *key, const struct ini_entry *entry)
{
    return key->type == CONFIG_SECRET && entry->value[0] != '\0' &&
           strncmp(entry->value, "${", 2) != 0;
}

int config_explain_parts(const struct config_part *parts, size_t part_count, const char *path,
                         FILE *out)
{
    struct ini ini;
    char value[INI_LINE_MAX + 1], why[WHY_MAX];

    if (ini_open(&ini, path, out) != 0) {
        ini_close(&ini);
        return ERR_CONFIG;
    }
    for (size_t i = 0; i < ini.count; i++) {
        const struct ini_entry *entry = &ini.entries[i];
        const struct config_key *key = find_key_in(parts, part_count, entry->section, entry->key);
        if (!key || config_expand(entry->value, value, sizeof(value), why, sizeof(why)) != 0)
            continue;
        say(out, "[%s] %s=%s: %s\n", entry->section, entry->key,
            key->type == CONFIG_SECRET ? "***" : value, key->doc);
    }
    ini_close(&ini);
    return 0;
}

int config_explain(const void *config, const struct config_key *keys, size_t count,
                   const char *path, FILE *out)
{
    struct config_part part = { NULL, keys, count };
    (void)config;
    return config_explain_parts(&part, 1, path, out);
}

int config_warn_parts(const struct config_part *parts, size_t part_count, const char *path,
                      FILE *out)
{
    struct ini ini;
    int count = 0;

    if (ini_open(&ini, path, NULL) == 0)
        for (size_t i = 0; i < ini.count; i++) {
            const struct ini_entry *entry = &ini.entries[i];
            const struct config_key *key =
                find_key_in(parts, part_count, entry->section, entry->key);
            if (!key || !is_literal_secret(key, entry))
                continue;
            say_at(out, &ini, entry,
                   "a secret (or its placeholder) stands in the file; it belongs in the "
                   "environment, a systemd "
                   "credential or a 0600 file in KEYS_DIR");
            count++;
        }
    ini_close(&ini);
    return count;
}

static void put_cell(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '|')
            fputc('\\', out);
        fputc(*text, out);
    }
}

void config_document(const char *role, const struct config_key *keys, size_t count, FILE *out)
{
    char allowed[WHY_MAX];
    const char *section = NULL;

    if (role)
        fprintf(out, "## %s\n", role);
    for (size_t i = 0; i < count; i++) {
        const struct config_key *key = &keys[i];
        if (!section || strcmp(section, key->section) != 0) {
            section = key->section;
            fprintf(out,
                    "\n### [%s%s]\n\n| key | allowed | default | how it is honoured "
                    "|\n|---|---|---|---|\n",
                    section, key->flags & CONFIG_REPEATED ? "NAME" : "");
        }
        config_type_text(key, allowed, sizeof(allowed));
        fprintf(out, "| %s | ", key->key);
        put_cell(out, allowed);
        fputs(" | ", out);
        if (key->flags & CONFIG_REQUIRED)
            fputs("must be set", out);
        else
            put_cell(out, key->fallback && key->fallback[0] ? key->fallback : "(empty)");
        fputs(" | ", out);
        put_cell(out, key->doc);
        fputs(" |\n", out);
    }
    if (count)
        fputc('\n', out);
}

/* ---- sections that repeat ---- */

int config_sections(const char *path, const char *prefix, char names[][64], size_t max)
{
    struct ini ini;
    size_t count = 0;
    int err = ini_open(&ini, path, NULL);

    for (size_t i = 0; !err && i < ini.section_count; i++) {
        if (strncasecmp(ini.sections[i].name, prefix, strlen(prefix)) != 0)
            continue;
        if (count == max)
            err = ERR_FULL;
        else
            memcpy(names[count++], ini.sections[i].name, INI_NAME_MAX);
    }
    ini_close(&ini);
    return err ? err : (int)count;
}

int config_section_load(void *config, const struct config_key *keys, size_t count, const char *path,
                        const char *section, FILE *errors)
{
    struct config_part part = { config, keys, count };
    struct ini ini;
    char value[INI_LINE_MAX + 1], why[WHY_MAX];
    unsigned problems = 0;

    for (size_t i = 0; i < count; i++)
        if (section_matches(&keys[i], section))
            config_defaults(config, &keys[i], 1);
    if (ini_open(&ini, path, errors) != 0) {
        ini_close(&ini);
        return ERR_CONFIG;
    }
    for (size_t i = 0; i < ini.count; i++) {
        const struct ini_entry *entry = &ini.entries[i];
        if (strcasecmp(entry->section, section) != 0)
            continue;
        const struct config_key *key = find_key(&part, section, entry->key);
        if (!key)
            describe_unknown_key(&part, 1, entry, why, sizeof(why));
        if (key && config_expand(entry->value, value, sizeof(value), why, sizeof(why)) == 0 &&
            config_convert(key, value, config, why, sizeof(why)) == 0)
            continue;
        say_at(errors, &ini, entry, why);
        problems++;
    }
    problems += check_required(&part, &ini, section, errors);
    ini_close(&ini);
    return problems ? ERR_CONFIG : 0;
}

/* ---- secrets ---- */

/* Reads a secret's file: regular, not readable by others when must_be_private. */
static int read_secret_file(const char *dir, const char *name, bool must_be_private, char *out,
                            size_t cap)
{
    char path[1024], text[CONFIG_TEXT_MAX];
    struct stat st;

    if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
        return ERR_CONFIG;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND : ERR_CONFIG;
    bool is_fine =
        fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && !(must_be_private && st.st_mode & 077);
    ssize_t len = is_fine ? read(fd, text, sizeof(text)) : -1;
    close(fd);
    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
        len--;
    if (len <= 0 || (size_t)len >= MIN(cap, sizeof(text)))
        return ERR_CONFIG;
    memcpy(out, text, (size_t)len);
    out[len] = '\0';
    explicit_bzero(text, sizeof(text));
    return 0;
}

int config_secret(const char *name, const char *keys_dir, char *out, size_t cap)
{
    const char *value = getenv(name);
    const char *credentials = getenv("CREDENTIALS_DIRECTORY");
    int err = ERR_NOT_FOUND;

    if (value && value[0]) {
        if (strlen(value) >= cap)
            return ERR_CONFIG;
        memcpy(out, value, strlen(value) + 1);
        return 0;
    }
    if (credentials)
        err = read_secret_file(credentials, name, false, out, cap);
    if (err == ERR_NOT_FOUND && keys_dir && keys_dir[0])
        err = read_secret_file(keys_dir, name, true, out, cap);
    return err;
}
