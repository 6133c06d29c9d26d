/* ini.h - an ini file, read so that nothing in it is lost silently.
 *
 * iniparser reads the file; a pre-scan in front of it knows line numbers and refuses what iniparser
 * would drop or change without a word: duplicates, stray ; # and \, overlong lines, text after a
 * section or a quoted value. Each value is then compared: both must have read the same. Names keep
 * their case here and are compared without it. */
#ifndef TICKPIPE_COMMON_EDGE_INI_H
#define TICKPIPE_COMMON_EDGE_INI_H

#include "common/leaf/base.h"

#include <stdio.h>

enum {
    INI_ENTRIES_MAX = 3072,
    INI_SECTIONS_MAX = 256,
    INI_NAME_MAX = 64,
    INI_LINE_MAX = 1000, /* iniparser cuts a line at 1,024. */
    INI_FILE_MAX = 256 * 1024,
};

struct ini_entry {
    char section[INI_NAME_MAX];
    char key[INI_NAME_MAX];
    char value[INI_LINE_MAX + 1]; /* As iniparser gives it; ${NAME} untouched. */
    unsigned line;
};

struct ini_section {
    char name[INI_NAME_MAX];
    unsigned line;
};

struct ini {
    const char *path; /* The caller's. */
    struct ini_section sections[INI_SECTIONS_MAX];
    size_t section_count;
    struct ini_entry *entries;
    size_t count;
};

/* ini_open reads path. Problems go to errors (may be NULL), one line each: FILE:LINE: [SECTION]
 * KEY: what is wrong. Returns 0, ERR_CONFIG, or ERR_NOT_FOUND where there is no such file (also
 * written). ini_close frees what ini_open gave, also after a failure, twice. */
int ini_open(struct ini *ini, const char *path, FILE *errors);
void ini_close(struct ini *ini);

/* ini_find gives the entry, or NULL. */
const struct ini_entry *ini_find(const struct ini *ini, const char *section, const char *key);

#endif
