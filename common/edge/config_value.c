/* Texts of an ini file as typed values, strictly: what is not wholly understood is refused. */
#include "common/edge/config.h"
#include "common/edge/log.h"
#include "common/leaf/err.h"
#include "common/leaf/fixed.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { WHY_MAX = 256, IPC_PATH_MAX = 107 /* sun_path */ };

static int refuse(char *why, size_t cap, const char *format, ...) PRINTF_LIKE(3, 4);
static int refuse(char *why, size_t cap, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(why, cap, format, args);
    va_end(args);
    return ERR_CONFIG;
}

static bool has_bounds(const struct config_key *key)
{
    return key->min != 0 || key->max != 0;
}

void config_type_text(const struct config_key *key, char *out, size_t cap)
{
    char low[FIXED_TEXT_MAX] = "", high[FIXED_TEXT_MAX] = "";

    switch (key->type) {
    case CONFIG_TEXT:
        snprintf(out, cap, "text");
        break;
    case CONFIG_BOOL:
        snprintf(out, cap, "true or false");
        break;
    case CONFIG_INT:
        if (has_bounds(key))
            snprintf(out, cap, "whole number, %" PRId64 " to %" PRId64, key->min, key->max);
        else
            snprintf(out, cap, "whole number");
        break;
    case CONFIG_DECIMAL:
        if (has_bounds(key)) {
            fixed_format_trim(key->min, CONFIG_DECIMAL_EXP, low, sizeof(low));
            fixed_format_trim(key->max, CONFIG_DECIMAL_EXP, high, sizeof(high));
            snprintf(out, cap, "decimal, %s to %s", low, high);
        } else {
            snprintf(out, cap, "decimal");
        }
        break;
    case CONFIG_CHOICE:
        snprintf(out, cap, "one of %s", key->choices);
        break;
    case CONFIG_ENDPOINT:
        snprintf(out, cap, "tcp://HOST:PORT or ipc://PATH, several separated by space or comma");
        break;
    case CONFIG_URL:
        snprintf(out, cap, "https:// or wss:// URL");
        break;
    case CONFIG_SECRET:
        snprintf(out, cap, "secret text");
        break;
    }
}

static int read_bool(const char *text, bool *out)
{
    static const char *const yes[] = { "true", "yes", "on", "1" };
    static const char *const no[] = { "false", "no", "off", "0" };

    for (size_t i = 0; i < COUNT(yes); i++) {
        if (strcasecmp(text, yes[i]) == 0) {
            *out = true;
            return 0;
        }
        if (strcasecmp(text, no[i]) == 0) {
            *out = false;
            return 0;
        }
    }
    return ERR_CONFIG;
}

/* Digits with an optional minus, nothing else: strtoll alone takes " +10ms". */
static int read_int(const char *text, int64_t *out)
{
    const char *digits = text + (*text == '-');
    size_t len = strlen(digits);

    if (len == 0 || strspn(digits, "0123456789") != len)
        return ERR_PROTO;
    errno = 0;
    long long value = strtoll(text, NULL, 10);
    if (errno == ERANGE)
        return ERR_RANGE;
    *out = value;
    return 0;
}

static int read_choice(const char *choices, const char *text, int64_t *out)
{
    size_t len = strlen(text);
    int64_t index = 0;

    for (const char *at = choices;; index++) {
        size_t n = strcspn(at, "|");
        if (n == len && strncasecmp(at, text, n) == 0 && len > 0) {
            *out = index;
            return 0;
        }
        if (at[n] == '\0')
            return ERR_CONFIG;
        at += n + 1;
    }
}

/* HOST:PORT, with @venue behind it where the owner's key cannot be told from the host. */
static int check_tcp(char *address, char *why, size_t cap)
{
    char *tag = strchr(address, '@');
    int64_t port = 0;

    if (tag)
        *tag = '\0';
    const char *colon = strrchr(address, ':');

    if (!colon || colon == address)
        return refuse(why, cap, "\"tcp://%s\" has no HOST:PORT", address);
    if (read_int(colon + 1, &port) != 0 || port < 1 || port > 65535)
        return refuse(why, cap, "\"%s\" is not a port; allowed: 1 to 65535", colon + 1);
    for (const char *at = address; at < colon; at++)
        if (!isalnum((unsigned char)*at) && !strchr(".-_*[]:", *at))
            return refuse(why, cap, "\"%.*s\" is not a host", (int)(colon - address), address);
    return 0;
}

static int check_endpoints(const char *text, char *why, size_t cap)
{
    char copy[CONFIG_TEXT_MAX];
    char *rest = copy, *one;
    int err = 0;

    snprintf(copy, sizeof(copy), "%s", text);
    while (!err && (one = strtok_r(rest, " ,\t", &rest)) != NULL) {
        if (strncmp(one, "tcp://", 6) == 0)
            err = check_tcp(one + 6, why, cap);
        else if (strncmp(one, "ipc://", 6) != 0)
            err = refuse(why, cap,
                         "\"%s\" is not an endpoint; allowed: tcp://HOST:PORT or ipc://PATH", one);
        else if (one[6] == '\0' || strlen(one + 6) > IPC_PATH_MAX)
            err = refuse(why, cap, "ipc:// path of %zu bytes; allowed: 1 to %d", strlen(one + 6),
                         IPC_PATH_MAX);
    }
    return err;
}

static int check_url(const char *text, char *why, size_t cap)
{
    const char *host = strncmp(text, "https://", 8) == 0 ? text + 8
                       : strncmp(text, "wss://", 6) == 0 ? text + 6
                                                         : NULL;

    if (!host)
        return refuse(why, cap, "\"%s\" is not encrypted or not a URL; allowed: https:// or wss://",
                      text);
    if (!isalnum((unsigned char)*host) && *host != '[')
        return refuse(why, cap, "\"%s\" has no host", text);
    for (const char *at = host; *at; at++)
        if (!isgraph((unsigned char)*at) || strchr("\"<>\\^`{|}", *at))
            return refuse(why, cap, "\"%s\" has a character that a URL cannot have", text);
    return 0;
}

static int convert_number(const struct config_key *key, const char *text, int64_t *out, char *why,
                          size_t cap)
{
    char allowed[WHY_MAX];
    int64_t value = 0;
    int err = key->type == CONFIG_INT ? read_int(text, &value)
                                      : fixed_parse(text, strlen(text), CONFIG_DECIMAL_EXP, &value);

    config_type_text(key, allowed, sizeof(allowed));
    if (err == ERR_PROTO)
        return refuse(why, cap, "\"%s\" is not a %s; allowed: %s", text,
                      key->type == CONFIG_INT ? "whole number" : "decimal number", allowed);
    if (err)
        return refuse(why, cap, "\"%s\" is too large or has more than %d decimals; allowed: %s",
                      text, key->type == CONFIG_INT ? 0 : CONFIG_DECIMAL_EXP, allowed);
    if (has_bounds(key) && (value < key->min || value > key->max))
        return refuse(why, cap, "%s is out of range; allowed: %s", text, allowed);
    *out = value;
    return 0;
}

static int convert_text(const struct config_key *key, const char *text, char *out, char *why,
                        size_t cap)
{
    int err = 0;

    if (strlen(text) >= CONFIG_TEXT_MAX)
        return refuse(why, cap, "value of %zu bytes; allowed: %d", strlen(text),
                      CONFIG_TEXT_MAX - 1);
    bool may_be_empty = key->type == CONFIG_TEXT || key->type == CONFIG_SECRET ||
                        (key->fallback && key->fallback[0] == '\0');
    if (text[0] == '\0' && !may_be_empty)
        return refuse(why, cap, "is empty");
    if (text[0] != '\0' && key->type == CONFIG_ENDPOINT)
        err = check_endpoints(text, why, cap);
    if (text[0] != '\0' && key->type == CONFIG_URL)
        err = check_url(text, why, cap);
    if (err)
        return err;
    if (out)
        snprintf(out, CONFIG_TEXT_MAX, "%s", text);
    if (key->type == CONFIG_SECRET && text[0] != '\0')
        (void)log_redact(text);
    return 0;
}

int config_convert(const struct config_key *key, const char *text, void *config, char *why,
                   size_t cap)
{
    char *at = key->offset == SIZE_MAX ? NULL : (char *)config + key->offset;
    char allowed[WHY_MAX];
    bool truth = false;
    int64_t number = 0;
    int err = 0;

    switch (key->type) {
    case CONFIG_BOOL:
        if (read_bool(text, &truth) != 0)
            return refuse(why, cap, "\"%s\" is neither; allowed: true or false", text);
        if (at)
            *(bool *)at = truth;
        return 0;
    case CONFIG_CHOICE:
        config_type_text(key, allowed, sizeof(allowed));
        if (read_choice(key->choices, text, &number) != 0)
            return refuse(why, cap, "\"%s\" is not known; allowed: %s", text, allowed);
        break;
    case CONFIG_INT:
    case CONFIG_DECIMAL:
        err = convert_number(key, text, &number, why, cap);
        break;
    default:
        return convert_text(key, text, at, why, cap);
    }
    if (!err && at)
        memcpy(at, &number, sizeof(number));
    return err;
}

int config_expand(const char *text, char *out, size_t cap, char *why, size_t why_cap)
{
    size_t len = 0;

    while (*text) {
        if (text[0] != '$' || text[1] != '{') {
            if (len + 1 >= cap)
                return refuse(why, why_cap, "is longer than %zu bytes", cap - 1);
            out[len++] = *text++;
            continue;
        }
        char name[128];
        size_t n = strcspn(text + 2, "}");
        if (text[2 + n] != '}' || n == 0 || n >= sizeof(name))
            return refuse(why, why_cap, "${ without a name and its }; allowed: ${NAME}");
        memcpy(name, text + 2, n);
        name[n] = '\0';
        const char *value = getenv(name);
        if (!value)
            return refuse(why, why_cap, "${%s} is not set in the environment", name);
        size_t value_len = strlen(value);
        if (len + value_len >= cap)
            return refuse(why, why_cap, "is longer than %zu bytes with ${%s}", cap - 1, name);
        memcpy(out + len, value, value_len);
        len += value_len;
        text += n + 3;
    }
    out[len] = '\0';
    return 0;
}
