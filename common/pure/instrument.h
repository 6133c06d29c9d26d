/* instrument.h - identity and registry of instruments. */
#ifndef TICKPIPE_COMMON_PURE_INSTRUMENT_H
#define TICKPIPE_COMMON_PURE_INSTRUMENT_H

#include "common/leaf/base.h"
#include "common/pure/wire.h"

/* instrument_id: first 8 bytes (little endian) of SHA-256("venue|kind|symbol"), kind as
 * wire_instrument_kind_str says it, venue lower case, symbol the venue's own: the same everywhere
 * without coordination. */
uint64_t instrument_id(const char *venue, wire_instrument_kind kind, const char *symbol);

/* instrument_exponents picks price_exp and qty_exp: 8 and 8, more where the venue's precision is
 * finer, less where max_qty (decimal text or NULL) would not fit, but never less than the venue's
 * own decimals. They never change in an instrument's life. */
void instrument_exponents(int price_decimals, int qty_decimals, const char *max_qty, int *price_exp,
                          int *qty_exp);

/* A bounded registry by id. Definitions are copied in; a second definition of the same id replaces
 * all but its exponents (ERR_RANGE if they differ). */
enum { INSTRUMENTS_MAX = 1024 };
struct instruments {
    struct wire_instrument *slots; /* Open addressing by id. */
    uint32_t count, capacity;
};
int instruments_init(struct instruments *table);
void instruments_fini(struct instruments *table);
int instruments_put(struct instruments *table,
                    const struct wire_instrument *definition); /* 0, ERR_FULL, ERR_RANGE */
const struct wire_instrument *instruments_get(const struct instruments *table, uint64_t id);
const struct wire_instrument *instruments_by_symbol(const struct instruments *table,
                                                    const char *venue, wire_instrument_kind kind,
                                                    const char *symbol);
/* instruments_next walks all; start with *cursor 0; NULL at the end. */
const struct wire_instrument *instruments_next(const struct instruments *table, uint32_t *cursor);

#endif
