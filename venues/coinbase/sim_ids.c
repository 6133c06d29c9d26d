/* Ids, times and decimals as the venue writes them (1.1). */
#include "venues/coinbase/sim_coinbase.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t mixed(uint64_t value)
{
    value ^= value >> 33;
    value *= UINT64_C(0xff51afd7ed558ccd);
    value ^= value >> 33;
    value *= UINT64_C(0xc4ceb9fe1a85ec53);
    return value ^ value >> 33;
}

void cbsim_uuid(char kind, uint64_t id, char out[CBSIM_UUID + 1])
{
    uint64_t noise = mixed(id ^ (uint64_t)(unsigned char)kind << 56);

    snprintf(out, CBSIM_UUID + 1, "%08x-%04x-4%03x-%x%03x-%012llx", (unsigned)(noise >> 32),
             (unsigned)(noise >> 16) & 0xffff, (unsigned)noise & 0xfff,
             8u | ((unsigned)(noise >> 60) & 3), (unsigned)(noise >> 44) & 0xfff,
             (unsigned long long)(id & UINT64_C(0xffffffffffff)));
}

uint64_t cbsim_uuid_read(char kind, const char *text)
{
    char plain[33], canonical[CBSIM_UUID + 1], again[33];
    size_t len = 0;

    for (; *text; text++) {
        if (*text == '-')
            continue;
        if (len == 32 || !isxdigit((unsigned char)*text))
            return 0;
        plain[len++] = (char)tolower((unsigned char)*text);
    }
    if (len != 32)
        return 0;
    plain[32] = '\0';
    uint64_t id = strtoull(plain + 20, NULL, 16);
    cbsim_uuid(kind, id, canonical);
    len = 0;
    for (const char *c = canonical; *c; c++)
        if (*c != '-')
            again[len++] = *c;
    again[len] = '\0';
    return strcmp(plain, again) == 0 ? id : 0;
}

bool cbsim_is_client_oid(const char *text)
{
    if (strlen(text) != CBSIM_UUID)
        return false;
    for (size_t i = 0; i < CBSIM_UUID; i++) {
        bool is_hyphen = i == 8 || i == 13 || i == 18 || i == 23;
        if (is_hyphen ? text[i] != '-'
                      : !isxdigit((unsigned char)text[i]) || isupper((unsigned char)text[i]))
            return false;
    }
    return text[14] == '4' && strchr("89ab", text[19]);
}

void cbsim_time(int64_t at_ns, char out[40])
{
    sim_wall_text(at_ns, 6, out);
}

bool cbsim_time_read(const char *text, int64_t *out)
{
    struct tm tm = { 0 };
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    int64_t unit = NS_PER_S;

    if (!rest)
        return false;
    *out = (int64_t)timegm(&tm) * NS_PER_S;
    if (*rest == '.')
        for (rest++; isdigit((unsigned char)*rest); rest++) {
            unit /= 10;
            *out += (*rest - '0') * unit;
        }
    return *rest == 'Z' || *rest == '\0';
}

void cbsim_decimal(struct sim_text *out, const char *name, int64_t value, int decimals)
{
    sim_textf(out, "\"%s\":\"", name);
    sim_text_decimal(out, value, MIN(decimals, EXCHANGE_EXP));
    for (int i = EXCHANGE_EXP; i < decimals; i++) /* Money has 16; we count 8 of them. */
        sim_textf(out, "0");
    sim_textf(out, "\"");
}

uint32_t cbsim_product_find(const struct sim *sim, const char *id)
{
    return exchange_instrument(sim->exchange, INSTRUMENT_SPOT, id);
}
