/* Numbers, names and ids as the venue writes them: nearly everything is a string. */
#include "venues/okx/sim_okx.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t ORDER_BASE = UINT64_C(2500000000000000000);

void osim_number(struct sim_text *out, int64_t value)
{
    sim_text_decimal(out, value, EXCHANGE_EXP);
    while (out->len > 0 && out->at[out->len - 1] == '0')
        out->at[--out->len] = '\0';
    if (out->len > 0 && out->at[out->len - 1] == '.')
        out->at[--out->len] = '\0';
}

void osim_pair(struct sim_text *out, const char *name, int64_t value)
{
    sim_textf(out, ",\"%s\":\"", name);
    osim_number(out, value);
    sim_textf(out, "\"");
}

void osim_pair_text(struct sim_text *out, const char *name, const char *value)
{
    sim_textf(out, ",\"%s\":", name);
    sim_text_string(out, value);
}

void osim_pair_ms(struct sim_text *out, const char *name, int64_t at_ns)
{
    if (at_ns)
        sim_textf(out, ",\"%s\":\"%lld\"", name, (long long)(at_ns / NS_PER_MS));
    else
        sim_textf(out, ",\"%s\":\"\"", name);
}

bool osim_is_swap(const struct exchange_instrument *instrument)
{
    return instrument->config.kind == INSTRUMENT_PERPETUAL;
}

static int64_t contract_of(const struct exchange_instrument *instrument)
{
    return osim_is_swap(instrument) && instrument->config.contract_size > 0
               ? instrument->config.contract_size
               : EXCHANGE_ONE;
}

int64_t osim_size(const struct exchange_instrument *instrument, int64_t qty)
{
    return (int64_t)((i128)qty * EXCHANGE_ONE / contract_of(instrument));
}

bool osim_qty(const struct exchange_instrument *instrument, const char *text, int64_t *out)
{
    int64_t size;

    if (!text || sim_decimal(text, strlen(text), &size) != 0 || size < 0)
        return false;
    i128 product = (i128)size * contract_of(instrument);
    if (product % EXCHANGE_ONE != 0 || product / EXCHANGE_ONE > INT64_MAX)
        return false;
    *out = (int64_t)(product / EXCHANGE_ONE);
    return true;
}

uint32_t osim_find(const struct osim *osim, const char *inst_id)
{
    const struct exchange *exchange = osim->sim->exchange;

    for (uint32_t i = 0; inst_id && i < exchange->instrument_count; i++)
        if (strcmp(exchange->instruments[i].config.symbol, inst_id) == 0)
            return i;
    return EXCHANGE_NONE;
}

int64_t osim_code(uint32_t instrument)
{
    return 10459 + (int64_t)instrument * 2;
}

uint32_t osim_find_code(const struct osim *osim, int64_t code)
{
    for (uint32_t i = 0; i < osim->sim->exchange->instrument_count; i++)
        if (osim_code(i) == code)
            return i;
    return EXCHANGE_NONE;
}

void osim_order_id(uint64_t id, char out[24])
{
    snprintf(out, 24, "%llu", (unsigned long long)(ORDER_BASE + id));
}

uint64_t osim_order_id_read(const char *text)
{
    char *end;
    unsigned long long value = strtoull(text, &end, 10);

    return *text && *end == '\0' && value > ORDER_BASE ? value - ORDER_BASE : 0;
}

void osim_index_name(const struct exchange_instrument *instrument, char out[40])
{
    snprintf(out, 40, "%s-%s", instrument->config.base, instrument->config.quote);
}

const char *osim_string(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));

    return text && *text ? text : NULL;
}
