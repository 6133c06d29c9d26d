/* Ids, categories, small writers. */
#include "venues/bybit/sim_bybit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPOT_BASE UINT64_C(2100000000000000000)

enum ysim_category ysim_category_of(const struct sim *sim, uint32_t instrument)
{
    return exchange_is_perpetual(sim->exchange, instrument) ? YSIM_LINEAR : YSIM_SPOT;
}

const char *ysim_category_str(enum ysim_category category)
{
    return category == YSIM_SPOT ? "spot" : "linear";
}

enum ysim_category ysim_category_read(const char *word)
{
    if (word && strcmp(word, "spot") == 0)
        return YSIM_SPOT;
    return word && strcmp(word, "linear") == 0 ? YSIM_LINEAR : YSIM_NONE;
}

uint32_t ysim_instrument(const struct sim *sim, enum ysim_category category, const char *symbol)
{
    return category == YSIM_NONE
               ? EXCHANGE_NONE
               : exchange_instrument(sim->exchange,
                                     category == YSIM_SPOT ? INSTRUMENT_SPOT : INSTRUMENT_PERPETUAL,
                                     symbol);
}

/* The id itself in the last twelve digits, something like chance before it. */
static void uuid(uint64_t id, uint64_t salt, char out[YSIM_ID_MAX])
{
    uint64_t mixed = (id ^ salt) * UINT64_C(0x9e3779b97f4a7c15);

    mixed ^= mixed >> 29;
    snprintf(out, YSIM_ID_MAX, "%08x-%04x-4%03x-a%03x-%012llx", (unsigned)(mixed >> 32),
             (unsigned)(mixed >> 16 & 0xffff), (unsigned)(mixed & 0xfff),
             (unsigned)(mixed >> 8 & 0xfff), (unsigned long long)(id & 0xffffffffffff));
}

void ysim_order_id(enum ysim_category category, uint64_t id, char out[YSIM_ID_MAX])
{
    if (category == YSIM_SPOT)
        snprintf(out, YSIM_ID_MAX, "%llu", (unsigned long long)(SPOT_BASE + id));
    else
        uuid(id, 1, out);
}

uint64_t ysim_order_id_read(const char *text)
{
    char again[YSIM_ID_MAX], *end;
    size_t len = strlen(text);
    uint64_t id;

    if (len == 36) {
        id = strtoull(text + 24, &end, 16);
        uuid(id, 1, again);
        return *end == '\0' && strcmp(again, text) == 0 ? id : 0;
    }
    id = strtoull(text, &end, 10);
    return len > 0 && *end == '\0' && id > SPOT_BASE ? id - SPOT_BASE : 0;
}

void ysim_exec_id(enum ysim_category category, uint64_t id, char out[YSIM_ID_MAX])
{
    if (category == YSIM_SPOT)
        snprintf(out, YSIM_ID_MAX, "%llu", (unsigned long long)(SPOT_BASE + id));
    else
        uuid(id, 2, out);
}

int64_t ysim_ms(int64_t ns)
{
    return ns / NS_PER_MS;
}

uint64_t ysim_next_seq(struct bybit_sim *state, uint32_t instrument)
{
    struct ysim_book *book = &state->books[instrument];

    book->seq += 1 + sim_random(&state->random) % 900;
    return book->seq;
}

void ysim_member(struct sim_text *out, const char *name, const char *value)
{
    sim_textf(out, ",\"%s\":", name);
    sim_text_string(out, value);
}

void ysim_decimal(struct sim_text *out, const char *name, int64_t value, int decimals)
{
    sim_textf(out, ",\"%s\":\"", name);
    sim_text_decimal(out, value, decimals);
    sim_textf(out, "\"");
}

int64_t ysim_average(const struct exchange_order *order)
{
    return order->filled_qty
               ? (int64_t)((i128)order->filled_quote * EXCHANGE_ONE / order->filled_qty)
               : 0;
}
