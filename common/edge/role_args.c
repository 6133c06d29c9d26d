#include "common/edge/role_private.h"

#include "common/leaf/err.h"

#include <string.h>

/* An option's value: the rest after '=', or the next word. NULL: there is none. */
static const char *value_of(const char *word, size_t name_len, int argc, char **argv, int *at)
{
    if (word[name_len] == '=')
        return word + name_len + 1;
    return *at + 1 < argc ? argv[++*at] : NULL;
}

static bool is_option(const char *word, const char *name, size_t *len)
{
    *len = strlen(name);
    return strncmp(word, name, *len) == 0 && (word[*len] == '\0' || word[*len] == '=');
}

static int refuse(const struct role_app *app, const char *word, const char *why)
{
    fprintf(stderr, "%s: %s: %s; try --help\n", role_name(app->role), word, why);
    return ERR_RANGE;
}

static int parse_shared(const struct role_app *app, int argc, char **argv, int *at,
                        struct role_args *args)
{
    const struct {
        const char *name;
        bool *flag;
    } flags[] = {
        { "--daemon", &args->is_daemon },         { "--verbose", &args->is_verbose },
        { "--check-config", &args->wants_check }, { "--version", &args->wants_version },
        { "--help", &args->wants_help },          { "-h", &args->wants_help },
    };
    const char *word = argv[*at];
    enum log_level level;
    size_t len;

    for (size_t i = 0; i < COUNT(flags); i++)
        if (strcmp(word, flags[i].name) == 0) {
            *flags[i].flag = true;
            return 0;
        }
    if (!is_option(word, "--log-level", &len))
        return ERR_NOT_FOUND;
    args->log_level = value_of(word, len, argc, argv, at);
    if (!args->log_level || log_level_from(args->log_level, &level) != 0)
        return refuse(app, word, "takes DEBUG, INFO, WARN or ERROR");
    return 0;
}

static int parse_own(const struct role_app *app, int argc, char **argv, int *at)
{
    const char *word = argv[*at];
    size_t len;

    for (size_t i = 0; i < app->option_count; i++) {
        const struct role_option *option = &app->options[i];
        if (!is_option(word, option->name, &len))
            continue;
        if (!option->value_name && word[len] == '=')
            return refuse(app, word, "takes no value");
        if (option->value_name && !(*option->value = value_of(word, len, argc, argv, at)))
            return refuse(app, word, "needs a value");
        if (option->is_given)
            *option->is_given = true;
        return 0;
    }
    return refuse(app, word, "unknown option");
}

int role_args_parse(const struct role_app *app, int argc, char **argv, struct role_args *args)
{
    bool takes_venue = role_is_per_venue(app->role);

    *args = (struct role_args){ 0 };
    for (int at = 1; at < argc; at++) {
        int err = ERR_NOT_FOUND;
        if (argv[at][0] == '-' && argv[at][1] != '\0') {
            err = parse_shared(app, argc, argv, &at, args);
            if (err == ERR_NOT_FOUND)
                err = parse_own(app, argc, argv, &at);
            if (err)
                return err;
        } else if (takes_venue && !args->venue) {
            args->venue = argv[at];
        } else if (!args->config) {
            args->config = argv[at];
        } else {
            return refuse(app, argv[at], "one word too many");
        }
    }
    if (takes_venue && !args->venue && !args->wants_help && !args->wants_version)
        return refuse(app, "VENUE", "is missing");
    return 0;
}

static void help_line(FILE *out, const char *name, const char *value, const char *doc)
{
    char left[64];

    snprintf(left, sizeof(left), "%s%s%s", name, value ? " " : "", value ? value : "");
    fprintf(out, "  %-26s %s\n", left, doc);
}

void role_args_help(const struct role_app *app, FILE *out)
{
    bool takes_venue = role_is_per_venue(app->role);

    fprintf(out, "%s: %s\n\nusage: %s %s[CONFIG] [options]\n\n", role_name(app->role), app->summary,
            role_name(app->role), takes_venue ? "VENUE " : "");
    fprintf(
        out,
        "CONFIG defaults to config/%s%s.ini ($TICKPIPE_CONFIG_DIR names another directory).\n\n",
        role_name(app->role), takes_venue ? "_VENUE" : "");
    help_line(out, "--daemon", NULL, "run in the background; returns when the role serves the bus");
    help_line(out, "--log-level", "LEVEL", "DEBUG, INFO, WARN or ERROR instead of LOG_LEVEL");
    help_line(out, "--verbose", NULL, "log level DEBUG");
    help_line(out, "--check-config", NULL, "say how each key is honoured, and exit");
    help_line(out, "--version", NULL, "print the version, and exit");
    help_line(out, "--help", NULL, "print this, and exit");
    for (size_t i = 0; i < app->option_count; i++)
        help_line(out, app->options[i].name, app->options[i].value_name, app->options[i].doc);
    fputs("\nexit codes: 0 ok, 1 failure, 2 usage, 78 configuration refused\n", out);
}
