/* sim.c - what the venues' sides have in common: text, decimals, parameters, faults. */
#include "venue_simulator/sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* ---- text ---- */

static void reserve(struct sim_text *text, size_t more)
{
    size_t want = text->len + more + 1;

    if (want <= text->cap)
        return;
    size_t cap = text->cap ? text->cap : 1024;
    while (cap < want)
        cap *= 2;
    char *at = realloc(text->at, cap);
    if (!at)
        abort();
    text->at = at;
    text->cap = cap;
}

void sim_text_clear(struct sim_text *text)
{
    text->len = 0;
    if (text->at)
        text->at[0] = 0;
}

void sim_text_free(struct sim_text *text)
{
    free(text->at);
    *text = (struct sim_text){ 0 };
}

void sim_text_add(struct sim_text *text, const char *bytes, size_t len)
{
    reserve(text, len);
    memcpy(text->at + text->len, bytes, len);
    text->len += len;
    text->at[text->len] = 0;
}

void sim_textf(struct sim_text *text, const char *format, ...)
{
    va_list args, again;

    reserve(text, 256);
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(text->at + text->len, text->cap - text->len, format, args);
    va_end(args);
    assert(len >= 0);
    if ((size_t)len >= text->cap - text->len) {
        reserve(text, (size_t)len);
        vsnprintf(text->at + text->len, text->cap - text->len, format, again);
    }
    va_end(again);
    text->len += (size_t)len;
}

void sim_text_decimal(struct sim_text *text, int64_t value, int decimals)
{
    static const int64_t pow10[] = {
        1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000
    };
    bool is_negative = value < 0;
    uint64_t v = is_negative ? 0 - (uint64_t)value : (uint64_t)value;

    assert(decimals >= 0 && decimals <= EXCHANGE_EXP);
    v /= (uint64_t)pow10[EXCHANGE_EXP - decimals];
    uint64_t whole = v / (uint64_t)pow10[decimals], rest = v % (uint64_t)pow10[decimals];
    if (decimals == 0)
        sim_textf(text, "%s%llu", is_negative ? "-" : "", (unsigned long long)whole);
    else
        sim_textf(text, "%s%llu.%0*llu", is_negative ? "-" : "", (unsigned long long)whole,
                  decimals, (unsigned long long)rest);
}

void sim_text_string(struct sim_text *text, const char *string)
{
    sim_text_add(text, "\"", 1);
    for (const char *c = string; *c; c++) {
        if (*c == '"' || *c == '\\')
            sim_textf(text, "\\%c", *c);
        else if ((unsigned char)*c < 0x20)
            sim_textf(text, "\\u%04x", (unsigned)(unsigned char)*c);
        else
            sim_text_add(text, c, 1);
    }
    sim_text_add(text, "\"", 1);
}

int sim_decimal(const char *text, size_t len, int64_t *out)
{
    i128 value = 0;
    int decimals = -1;
    bool has_digit = false, is_negative = len > 0 && text[0] == '-';

    for (size_t i = is_negative; i < len; i++) {
        if (text[i] == '.' && decimals < 0) {
            decimals = 0;
            continue;
        }
        if (text[i] < '0' || text[i] > '9')
            return ERR_PROTO;
        has_digit = true;
        if (decimals == EXCHANGE_EXP) {
            if (text[i] != '0')
                return ERR_RANGE;
            continue;
        }
        value = value * 10 + (text[i] - '0');
        decimals += decimals >= 0;
        if (value > INT64_MAX)
            return ERR_RANGE;
    }
    if (!has_digit)
        return ERR_PROTO;
    for (int i = MAX(decimals, 0); i < EXCHANGE_EXP; i++)
        value *= 10;
    if (value > INT64_MAX)
        return ERR_RANGE;
    *out = is_negative ? -(int64_t)value : (int64_t)value;
    return 0;
}

/* ---- parameters ---- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes up to cap - 1 bytes; SIZE_MAX when there are more. */
static size_t decode(const char *text, size_t len, char *out, size_t cap)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (c == '+') {
            c = ' ';
        } else if (c == '%' && i + 2 < len && hex_digit(text[i + 1]) >= 0 &&
                   hex_digit(text[i + 2]) >= 0) {
            c = (char)(hex_digit(text[i + 1]) << 4 | hex_digit(text[i + 2]));
            i += 2;
        }
        if (n + 1 >= cap)
            return SIZE_MAX;
        out[n++] = c;
    }
    out[n] = 0;
    return n;
}

bool sim_param_next(const char **at, const char *end, char *name, size_t name_cap, char *value,
                    size_t value_cap)
{
    while (*at < end) {
        const char *stop = memchr(*at, '&', (size_t)(end - *at));
        const char *pair = *at;
        if (!stop)
            stop = end;
        *at = stop < end ? stop + 1 : end;
        if (pair == stop)
            continue;
        const char *equals = memchr(pair, '=', (size_t)(stop - pair));
        const char *name_end = equals ? equals : stop;
        if (decode(pair, (size_t)(name_end - pair), name, name_cap) == SIZE_MAX)
            name[0] = 0;
        value[0] = 0;
        if (equals && decode(equals + 1, (size_t)(stop - equals - 1), value, value_cap) == SIZE_MAX)
            value[0] = 0;
        return true;
    }
    return false;
}

int sim_param(const char *text, size_t len, const char *name, char *out, size_t cap)
{
    const char *end = text + len;
    size_t name_len = strlen(name);

    for (const char *at = text; at < end;) {
        const char *stop = memchr(at, '&', (size_t)(end - at));
        if (!stop)
            stop = end;
        if ((size_t)(stop - at) > name_len && memcmp(at, name, name_len) == 0 &&
            at[name_len] == '=') {
            size_t n = decode(at + name_len + 1, (size_t)(stop - at) - name_len - 1, out, cap);
            return n == SIZE_MAX ? ERR_RANGE : 0;
        }
        at = stop < end ? stop + 1 : end;
    }
    return ERR_NOT_FOUND;
}

/* ---- faults ---- */

bool sim_fault_take(struct sim *sim, enum sim_fault_kind kind)
{
    struct sim_fault *fault = &sim->faults[kind];

    if (fault->count == 0)
        return false;
    fault->count--;
    fault->taken++;
    return true;
}

bool sim_fault_lasts(const struct sim *sim, enum sim_fault_kind kind)
{
    return sim->faults[kind].until_ns > sim->now_ns;
}

const char *sim_fault_str(enum sim_fault_kind kind)
{
    static const char *const names[] = {
#define SIM_FAULT_AS_TEXT(name, text) text,
        SIM_FAULTS(SIM_FAULT_AS_TEXT)
    };
    return (unsigned)kind < COUNT(names) ? names[kind] : "?";
}

/* ---- the rest ---- */

void sim_ws_send(struct sim_ws *ws, enum sim_what what, const char *text, size_t len)
{
    ws->sim->output->ws_send(ws->sim, ws, what, text, len);
}

void sim_ws_close(struct sim_ws *ws, unsigned code, const char *reason)
{
    ws->sim->output->ws_close(ws->sim, ws, code, reason);
}

const char *sim_http_header(const struct sim_http *request, const char *name)
{
    return request->sim->output->header(request, name);
}

void sim_http_reply(struct sim_http *request, enum sim_what what, int status, const char *headers,
                    const char *body, size_t len)
{
    assert(!request->is_replied);
    request->is_replied = true;
    request->sim->output->reply(request, what, status, headers, body, len);
}

const struct sim_account *sim_account_by_key(const struct sim *sim, const char *key)
{
    for (uint32_t i = 0; i < sim->account_count; i++)
        if (strcmp(sim->accounts[i].key, key) == 0)
            return &sim->accounts[i];
    return NULL;
}

void sim_wall_text(int64_t wall_ns, int digits, char out[40])
{
    time_t seconds = (time_t)(wall_ns / NS_PER_S);
    struct tm tm;
    char fraction[16];

    gmtime_r(&seconds, &tm);
    size_t n = strftime(out, 40, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(fraction, sizeof(fraction), "%09d", (int)(wall_ns % NS_PER_S));
    if (digits > 0)
        snprintf(out + n, 40 - n, ".%.*sZ", MIN(digits, 9), fraction);
    else
        snprintf(out + n, 40 - n, "Z");
}

uint64_t sim_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}
