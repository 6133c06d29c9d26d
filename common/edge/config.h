/* config.h - typed, range-checked configuration from ini files.
 *
 * Each role declares its keys in one table; defaults, checks, `--check-config` and
 * docs/configuration.md come from it. The file is read by iniparser after a pre-scan that refuses
 * what iniparser would lose silently (duplicates, stray ; # \, over-long lines) and knows line
 * numbers.
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

#define CONFIG_REQUIRED 1 /* No default: refuses to start when unset (limits). */
#define CONFIG_REPEATED 2 /* Section name is a prefix: [STRATEGY_name]. */

struct config_key {
    const char *section; /* "ORDER_MANAGEMENT"; matched without case, as keys are */
    const char *key;
    enum config_type type;
    size_t offset;        /* Into the role's config struct; SIZE_MAX: accepted, not stored. */
    const char *fallback; /* Text of the default, NULL with CONFIG_REQUIRED. */
    int64_t min, max;     /* INT and DECIMAL; 0, 0: any. */
    const char *choices;
    unsigned flags;
    const char *doc; /* How it is honoured, one sentence: printed by --check-config. */
};

/* config_load fills config (memory of the role, laid out by offsets) from path. All problems are
 * written to errors, one per line: FILE:LINE: [SECTION] KEY: what is wrong, what is allowed.
 * Returns 0 or ERR_CONFIG (config then holds defaults). errors may be NULL. */
int config_load(void *config, const struct config_key *keys, size_t count, const char *path,
                FILE *errors);

/* config_explain prints each key of the file with its value (secrets as ***) and how it is
 * honoured. */
int config_explain(const void *config, const struct config_key *keys, size_t count,
                   const char *path, FILE *out);

/* config_document writes the role's part of docs/configuration.md; role NULL: tables without a
 * heading. */
void config_document(const char *role, const struct config_key *keys, size_t count, FILE *out);

/* For sections that repeat: config_sections lists those that begin with prefix ("STRATEGY_"),
 * config_section_load fills one struct from one section by keys whose section is the prefix. */
int config_sections(const char *path, const char *prefix, char names[][64], size_t max);
int config_section_load(void *config, const struct config_key *keys, size_t count, const char *path,
                        const char *section, FILE *errors);

/* config_secret finds NAME (BINANCE_API_KEY): environment, then $CREDENTIALS_DIRECTORY/NAME
 * (systemd), then keys_dir/NAME when its mode is 0600. ERR_NOT_FOUND where there is none,
 * ERR_CONFIG when others can read it. */
int config_secret(const char *name, const char *keys_dir, char *out, size_t cap);

/* ---- several tables over one file: the shared keys and the role's own ---- */

struct config_part {
    void *config;
    const struct config_key *keys;
    size_t count;
};

/* As the functions above, over all parts: a key is known when one part knows it, and is stored in
 * each that does. config_warn writes one line for each literal secret in the file (a secret belongs
 * in the environment, a systemd credential or a 0600 file) and returns how many. */
int config_load_parts(const struct config_part *parts, size_t part_count, const char *path,
                      FILE *errors);
int config_explain_parts(const struct config_part *parts, size_t part_count, const char *path,
                         FILE *out);
int config_warn_parts(const struct config_part *parts, size_t part_count, const char *path,
                      FILE *out);

/* config_defaults fills config with every default. */
void config_defaults(void *config, const struct config_key *keys, size_t count);

/* config_convert reads text as key's type into config (at key's offset). Returns 0, or ERR_CONFIG
 * with what is wrong and what is allowed in why. */
int config_convert(const struct config_key *key, const char *text, void *config, char *why,
                   size_t cap);

/* config_type_text describes what a key allows: "whole number, 1 to 100". */
void config_type_text(const struct config_key *key, char *out, size_t cap);

/* config_expand replaces each ${NAME} from the environment. Returns 0, or ERR_CONFIG with the
 * reason. */
int config_expand(const char *text, char *out, size_t cap, char *why, size_t why_cap);

#endif
