#include "common/pure/instrument.h"
#include "common/leaf/err.h"
#include "common/leaf/fixed.h"
#include "common/pure/crypto.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SLOTS = 2 * INSTRUMENTS_MAX, /* Half empty: a probe is short. A power of two. */
    EXP_USUAL = 8,
};
static_assert((SLOTS & (SLOTS - 1)) == 0, "slot numbers are masked");

uint64_t instrument_id(const char *venue, wire_instrument_kind kind, const char *symbol)
{
    char prefix[64];
    uint8_t hash[32];
    uint64_t id = 0;
    int len = snprintf(prefix, sizeof(prefix), "%s|%s|", venue, wire_instrument_kind_str(kind));

    assert(len > 0 && (size_t)len < sizeof(prefix));
    sha256_two(prefix, (size_t)len, symbol, strlen(symbol), hash);
    for (int i = 7; i >= 0; i--)
        id = id << 8 | hash[i];
    return id;
}

static int usual_or_finer(int decimals)
{
    return MIN(MAX(EXP_USUAL, decimals), FIXED_EXP_MAX);
}

/* The finest exponent at which text fits, not below lowest. Digits that it loses there are no
 * concern: it is a bound, not a quantity. */
static int finest_fit(const char *text, int lowest)
{
    int64_t ignored;

    for (int exp = FIXED_EXP_MAX; exp > lowest; exp--) {
        int err = fixed_parse(text, strlen(text), exp, &ignored);
        if (err != ERR_RANGE) /* No decimal at all bounds nothing. */
            return err ? FIXED_EXP_MAX : exp;
    }
    return lowest;
}

void instrument_exponents(int price_decimals, int qty_decimals, const char *max_qty, int *price_exp,
                          int *qty_exp)
{
    int exp = usual_or_finer(qty_decimals);

    *price_exp = usual_or_finer(price_decimals);
    if (max_qty)
        exp = MIN(exp, finest_fit(max_qty, MAX(MIN(qty_decimals, exp), FIXED_EXP_MIN)));
    *qty_exp = exp;
}

int instruments_init(struct instruments *table)
{
    struct wire_instrument *slots = calloc(SLOTS, sizeof(*slots));

    if (!slots)
        return ERR_SYS;
    *table = (struct instruments){ .slots = slots, .capacity = SLOTS };
    return 0;
}

void instruments_fini(struct instruments *table)
{
    free(table->slots);
    *table = (struct instruments){ 0 };
}

/* The slot of id, or the free one where it would go. Ids are hashes already. */
static struct wire_instrument *slot_of(const struct instruments *table, uint64_t id)
{
    uint32_t i = (uint32_t)id & (table->capacity - 1);

    while (table->slots[i].header.instrument != 0 && table->slots[i].header.instrument != id)
        i = (i + 1) & (table->capacity - 1);
    return &table->slots[i];
}

int instruments_put(struct instruments *table, const struct wire_instrument *definition)
{
    uint64_t id = definition->header.instrument;

    if (id == 0)
        return ERR_RANGE;
    struct wire_instrument *slot = slot_of(table, id);
    bool is_new = slot->header.instrument == 0;
    if (is_new && table->count == INSTRUMENTS_MAX)
        return ERR_FULL;
    if (!is_new &&
        (slot->price_exp != definition->price_exp || slot->qty_exp != definition->qty_exp))
        return ERR_RANGE;
    *slot = *definition;
    table->count += is_new;
    return 0;
}

const struct wire_instrument *instruments_get(const struct instruments *table, uint64_t id)
{
    if (table->capacity == 0 || id == 0)
        return NULL;
    const struct wire_instrument *slot = slot_of(table, id);
    return slot->header.instrument == id ? slot : NULL;
}

const struct wire_instrument *instruments_by_symbol(const struct instruments *table,
                                                    const char *venue,
                                                    wire_instrument_kind kind, const char *symbol)
{
    const struct wire_instrument *found;
    uint32_t cursor = 0;

    while ((found = instruments_next(table, &cursor)))
        if (found->kind == kind && strcmp(found->symbol, symbol) == 0 &&
            strcmp(found->venue, venue) == 0)
            return found;
    return NULL;
}

const struct wire_instrument *instruments_next(const struct instruments *table, uint32_t *cursor)
{
    while (*cursor < table->capacity) {
        const struct wire_instrument *slot = &table->slots[(*cursor)++];
        if (slot->header.instrument != 0)
            return slot;
    }
    return NULL;
}
