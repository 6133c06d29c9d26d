/* config.h - typed, range-checked configuration from ini files.
 *
 * Each role declares its keys in one table; defaults, checks, `--check-config` and
 * docs/configuration.md come from it. The file is read by iniparser after a pre-scan that refuses what
 * iniparser would lose silently (duplicates, stray ; # \, over-long lines) and knows line numbers.
 * ${NAME} in a value is replaced from the environment (an unset name is refused). */
#ifndef TICKPIPE_COMMON_EDGE_CONFIG_H
#define TICKPIPE_COMMON_EDGE_CONFIG_H

#include "common/leaf/base.h"

#include <stdio.h>

enum config_type {
    CONFIG_TEXT,     /* char[CONFIG_TEXT_MAX] */
    CONFIG_BOOL,     /* bool */
    CONFIG_INT,      /* int64_t in [min, max] */
    CONFIG_DECIMAL,  /* int64_t scaled by 10^8, in [min, max] scaled likewise */
    CONFIG_CHOICE,   /* int64_t index into choices ("a|b|c"), compared without case */
    CONFIG_ENDPOINT, /* text: tcp:// or ipc:// (lists: separated by space or comma) */
    CONFIG_URL,      /* text: https:// or wss:// (http/ws refused) */
    CONFIG_SECRET,   /* text; never printed; registered with log_redact */
};
enum { CONFIG_TEXT_MAX = 512, CONFIG_DECIMAL_EXP = 8 };

#define CONFIG_REQUIRED 1  /* No default: refuses to start when unset (limits). */
#define CONFIG_REPEATED 2  /* Section name is a prefix: [STRATEGY_name]. */

struct config_key {
    const char *section; /* "ORDER_MANAGEMENT"; matched without case, as keys are */
    const char *key;
    enum config_type type;
    size_t offset;       /* Into the role's config struct; SIZE_MAX: accepted, not stored. */
    const char *fallback; /* Text of the default, NULL with CONFIG_REQUIRED. */
    int64_t min, max;    /* INT and DECIMAL; 0, 0: any. */
    const char *choices;
    unsigned flags;
    const char *doc;     /* How it is honoured, one sentence: printed by --check-config. */
};

/* config_load fills config (memory of the role, laid out by offsets) from path. All problems are
 * written to errors, one per line: FILE:LINE: [SECTION] KEY: what is wrong, what is allowed. Returns 0 or
 * ERR_CONFIG (config then holds defaults). errors may be NULL. */
int config_load(void *config, const struct config_key *keys, size_t count, const char *path, FILE *errors);

/* config_explain prints each key of the file with its value (secrets as ***) and how it is honoured. */
int config_explain(const void *config, const struct config_key *keys, size_t count, const char *path, FILE *out);

/* config_document writes the role's part of docs/configuration.md. */
void config_document(const char *role, const struct config_key *keys, size_t count, FILE *out);

/* For sections that repeat: config_sections lists those that begin with prefix ("STRATEGY_"), config_section_load
 * fills one struct from one section by keys whose section is the prefix. */
int config_sections(const char *path, const char *prefix, char names[][64], size_t max);
int config_section_load(void *config, const struct config_key *keys, size_t count, const char *path,
                        const char *section, FILE *errors);

/* config_secret finds NAME (BINANCE_API_KEY): environment, then $CREDENTIALS_DIRECTORY/NAME (systemd),
 * then keys_dir/NAME when its mode is 0600. ERR_NOT_FOUND where there is none, ERR_CONFIG when others can read it. */
int config_secret(const char *name, const char *keys_dir, char *out, size_t cap);

#endif
