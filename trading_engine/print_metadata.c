#include "trading_engine/print_metadata.h"

#include "common/leaf/err.h"
#include "common/pure/instrument.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 64 << 20 }; /* A whole exchangeInfo is about 15 MB. */

/* ---- what the codec says ---- */

int print_metadata_wants(struct engine_app *app, const char *name, FILE *errors)
{
    for (size_t i = 0; i < app->name_count; i++)
        if (strcmp(app->names[i], name) == 0)
            return 0;
    if (!name[0])
        return 0;
    if (!strchr(name, '-') || strlen(name) > 31) {
        fprintf(errors, "instrument: \"%s\" is not a name like BTC-USDT or BTC-USDT-PERP\n", name);
        return ERR_RANGE;
    }
    /* The last of a full list is given up: nothing but this order is asked about. */
    size_t at = MIN(app->name_count, (size_t)VENUE_SYMBOLS_MAX - 1);
    app->names[at] = name;
    app->name_count = at + 1;
    return 0;
}

void print_metadata_asked(struct print_metadata *m, const struct venue_request *request)
{
    if (request->is_private || m->asked_count == PRINT_METADATA_ANSWERS_MAX)
        return;
    struct print_question *question = &m->asked[m->asked_count++];
    question->tag = request->tag;
    memcpy(question->path, request->path, sizeof(question->path));
}

void print_metadata_defined(struct print_metadata *m, const struct wire_instrument *definition)
{
    unsigned at = 0;

    while (at < m->defined_count &&
           m->defined[at].header.instrument != definition->header.instrument)
        at++;
    if (at == VENUE_SYMBOLS_MAX)
        return;
    m->defined[at] = *definition;
    m->defined_count = MAX(m->defined_count, at + 1);
}

/* ---- answers ---- */

/* Which of a question's parameters a recorded url states: all of them must be there. */
static bool is_answer_to(const char *url, const char *path)
{
    const char *host = strstr(url, "://"), *recorded = host ? strchr(host + 3, '/') : url;
    size_t len = recorded ? strcspn(recorded, "?") : 0;

    if (!recorded || len != strcspn(path, "?") || strncmp(recorded, path, len) != 0)
        return false;
    const char *at = recorded[len] ? recorded + len + 1 : "";
    while (*at) {
        size_t part = strcspn(at, "&");
        const char *have = path[len] ? path + len + 1 : "";
        bool is_there = false;
        while (*have && !is_there) {
            size_t have_len = strcspn(have, "&");
            is_there = have_len == part && strncmp(have, at, part) == 0;
            have += have_len + (have[have_len] == '&');
        }
        if (!is_there)
            return false;
        at += part + (at[part] == '&');
    }
    return true;
}

struct answers {
    char *text;   /* The file. */
    cJSON **line; /* Of a recording; NULL: the text is one body. */
    size_t count;
};

static void answers_free(struct answers *a)
{
    for (size_t i = 0; a->line && i < a->count; i++)
        cJSON_Delete(a->line[i]);
    free(a->line);
    free(a->text);
    *a = (struct answers){ 0 };
}

static char *read_whole(const char *path)
{
    FILE *file = fopen(path, "re");
    size_t used = 0, cap = 1 << 16;
    char *text = file ? malloc(cap) : NULL;

    while (text && !feof(file) && !ferror(file)) {
        used += fread(text + used, 1, cap - used - 1, file);
        if (used < cap - 1)
            continue;
        char *more = cap < FILE_BYTES_MAX ? realloc(text, cap *= 2) : NULL;
        if (!more)
            free(text);
        text = more;
    }
    if (text && ferror(file)) {
        free(text);
        text = NULL;
    }
    if (text)
        text[used] = '\0';
    if (file)
        fclose(file);
    return text;
}

static bool is_record(const cJSON *line)
{
    return cJSON_IsString(cJSON_GetObjectItemCaseSensitive(line, "url")) &&
           cJSON_IsString(cJSON_GetObjectItemCaseSensitive(line, "data"));
}

/* A text whose first line is a record is a recording, whatever else it holds. */
static int split_lines(struct answers *a)
{
    size_t lines = 1;
    const char *end;

    for (const char *at = a->text; *at; at++)
        lines += *at == '\n';
    a->line = calloc(lines, sizeof(cJSON *));
    if (!a->line)
        return ERR_SYS;
    for (const char *at = a->text; at && *at; at = strchr(at, '\n')) {
        at += *at == '\n';
        cJSON *line = cJSON_ParseWithLengthOpts(at, strcspn(at, "\n") + 1, &end, false);
        if (is_record(line)) {
            a->line[a->count++] = line;
            continue;
        }
        cJSON_Delete(line);
        if (a->count == 0)
            break;
    }
    if (a->count == 0) {
        free(a->line);
        a->line = NULL;
    }
    return 0;
}

static int answers_open(struct answers *a, const char *path, FILE *errors)
{
    *a = (struct answers){ .text = read_whole(path) };
    if (a->text && split_lines(a) == 0)
        return 0;
    fprintf(errors, "--instruments %s: cannot be read\n", path);
    answers_free(a);
    return ERR_SYS;
}

static const char *answer_of(const struct answers *a, const char *path)
{
    for (size_t i = 0; i < a->count; i++)
        if (is_answer_to(cJSON_GetObjectItemCaseSensitive(a->line[i], "url")->valuestring, path))
            return cJSON_GetObjectItemCaseSensitive(a->line[i], "data")->valuestring;
    return a->line ? NULL : a->text;
}

/* Beside the configuration that was given, or where the shipped one is. */
static bool default_file(const struct engine_app *app, char *out, size_t cap)
{
    const char *config = app->rt->config_path, *slash = strrchr(config, '/');

    snprintf(out, cap, "%.*sinstruments/%s.jsonl", slash ? (int)(slash + 1 - config) : 0, config,
             app->venue->name);
    if (access(out, R_OK) != 0)
        snprintf(out, cap, "config/instruments/%s.jsonl", app->venue->name);
    return access(out, R_OK) == 0;
}

int print_metadata_read(struct print_metadata *m, struct engine_app *app, void *codec,
                        const struct venue_clock *clock, const struct venue_out *sink, FILE *errors)
{
    const struct venue_order_ops *ops = app->venue->order;
    char path[ROLE_PATH_MAX + 64];
    struct venue_clock now = *clock;
    struct answers answers;
    const char *file = app->options.instruments;

    if (!file && !default_file(app, path, sizeof(path)))
        return 0;
    int err = answers_open(&answers, file ? file : path, errors);
    if (err)
        return err;
    ops->start(codec, &now, sink);
    for (; m->answered_count < m->asked_count; m->answered_count++) {
        const struct print_question *question = &m->asked[m->answered_count];
        const char *body = answer_of(&answers, question->path);
        if (!body)
            continue;
        struct venue_response response = { .tag = question->tag,
                                           .url = question->path,
                                           .status = 200,
                                           .was_sent = true,
                                           .body = body,
                                           .body_len = strlen(body),
                                           .sent_ns = now.now_ns,
                                           .received_ns = now.now_ns };
        now.nonce++;
        int refused = ops->http(codec, &response, &now, sink);
        if (refused)
            err = refused;
    }
    if (m->defined_count > 0)
        err = 0; /* One body was given for every question; those of its kind were read. */
    if (err)
        fprintf(errors, "--instruments %s: %s does not read it: %s\n", file ? file : path,
                app->venue->name, err_str(err));
    answers_free(&answers);
    return err;
}

/* ---- the command's instrument ---- */

int print_metadata_resolve(const struct print_metadata *m, const struct engine_app *app,
                           const char *name, struct venue_command *c, FILE *errors)
{
    if (c->symbol[0]) {
        c->instrument = instrument_id(app->venue->name, c->instrument_kind, c->symbol);
        return 0;
    }
    if (!name[0])
        return 0;
    for (unsigned i = 0; i < m->defined_count; i++) {
        const struct wire_instrument *d = &m->defined[i];
        if (strcmp(d->name, name) != 0)
            continue;
        c->instrument = d->header.instrument;
        c->instrument_kind = d->kind;
        memcpy(c->symbol, d->symbol, sizeof(c->symbol));
        return 0;
    }
    fprintf(errors,
            "instrument: \"%s\": %s has not said what that is: name a file of its answer with "
            "--instruments, or give symbol and instrument_kind\n",
            name, app->venue->name);
    return ERR_RANGE;
}
