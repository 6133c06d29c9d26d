/* okx.h - what the files of venues/okx share: instruments, quantities, numbers, errors.
 *
 * Nothing outside this folder includes it (tests may). The venue counts spot in base coin and swaps
 * in contracts of ctVal * ctMult base coin; the bus knows base units only. struct okx_scale does
 * that turn, in integers and exactly, both ways. */
#ifndef TICKPIPE_VENUES_OKX_OKX_H
#define TICKPIPE_VENUES_OKX_OKX_H

#include "common/pure/scan.h"
#include "venues/venue.h"

enum {
    OKX_EXP = 8,      /* Decimals where no definition says otherwise. */
    OKX_CLOCK_S = 30, /* A signed request is refused when its time is further off. */
};

extern const struct venue_feed_ops okx_feed_ops;
extern const struct venue_order_ops okx_order_ops;

/* ---- numbers (okx.c): nearly all of them are strings, "" where there is none ---- */

struct okx_decimal {
    int64_t value;
    int exp;
};

/* okx_decimal_read reads a decimal with the decimals that it needs ("0.10" is 1 at 1). 0,
 * ERR_NOT_FOUND: "" or missing; ERR_PROTO. */
int okx_decimal_read(const struct scan_value *value, struct okx_decimal *out);

/* okx_number reads a decimal at exp, rounded to it: for figures that are told, not traded. "" is 0.
 * 0 or ERR_PROTO. */
int okx_number(const struct scan_value *value, int exp, int64_t *out);

/* okx_time reads milliseconds since 1970 as ns; "" is 0. 0 or ERR_PROTO. */
int okx_time(const struct scan_value *value, int64_t *out_ns);

/* okx_decimals counts the decimals that a number's text has, -1: not a number. */
int okx_decimals(const struct scan_value *value);

/* okx_find is scan_find with *out cleared where there is no such member. */
static inline void okx_find(const struct scan_value *object, const char *name,
                            struct scan_value *out)
{
    *out = (struct scan_value){ .type = SCAN_NONE };
    if (object->type == SCAN_OBJECT)
        (void)scan_find(object, name, out);
}

/* okx_text copies a text member; "" where it is missing or too long. */
void okx_text(const struct scan_value *object, const char *name, char *out, size_t cap);

/* okx_members reads the members of an object that are named into an array of struct scan_value, in
 * one walk; those that are not there stay as they are. 0 or ERR_PROTO. */
int okx_members(const struct scan_value *object, const char *const *names, size_t count,
                struct scan_value *out);

/* okx_url joins a host and a path, unless the host brings that path along. */
void okx_url(const char *host, const char *path, char *out, size_t cap);

/* ---- quantities (okx.c) ---- */

struct okx_scale {
    int price_exp, qty_exp;
    int64_t unit; /* One venue unit is unit * 10^-unit_exp base: 1 and 0 for spot. */
    int unit_exp;
};

extern const struct okx_scale okx_scale_plain; /* Of what is not defined: as the venue says it. */

/* okx_qty_read turns the venue's quantity into base units at qty_exp. 0, ERR_PROTO: no decimal;
 * ERR_RANGE: does not fit, or would lose digits. Hot: one parse, one multiplication. */
int okx_qty_read(const struct okx_scale *scale, const struct scan_value *value, int64_t *out);

/* okx_qty_write writes base units (at exp) in the venue's, without trailing zeros. Length, or
 * ERR_RANGE: not a whole number of the venue's smallest steps. */
int okx_qty_write(const struct okx_scale *scale, int64_t qty, int exp, char *out, size_t cap);

/* ---- metadata.c ---- */

enum okx_type { OKX_SPOT, OKX_SWAP, OKX_OTHER };

struct okx_meta {
    char inst_id[32];
    char name[32]; /* Canonical; "": not listed by us (inverse, dated, option). */
    char base[16], quote[16], settle[16];
    char index[32]; /* Of a swap: what index-tickers calls its underlying. */
    enum okx_type type;
    wire_instrument_kind kind;
    struct okx_decimal tick, lot, min_size, max_size; /* Sizes in the venue's units. */
    struct okx_decimal contract;                      /* 1 for spot. */
    uint64_t inst_code;                               /* 0: not told. */
    wire_trading_state state;
};

typedef void okx_on_meta(void *ctx, const struct okx_meta *meta);

/* okx_read_instruments takes the data array of public/instruments (or of the channel) and calls
 * on_meta for each that can be read; the rest is counted in *bad. 0 or ERR_PROTO. */
int okx_read_instruments(const struct scan_value *data, okx_on_meta *on_meta, void *ctx,
                         uint64_t *bad);

/* okx_scale_of picks the exponents of an instrument: for life. */
struct okx_scale okx_scale_of(const struct okx_meta *meta);

/* okx_definition fills a definition event. 0, or ERR_RANGE when a step does not fit the scale (its
 * contract changed, or a step became finer than the exponents fixed before). */
int okx_definition(const struct okx_meta *meta, const struct okx_scale *scale,
                   int32_t maker_fee_ppm, int32_t taker_fee_ppm, struct wire_instrument *out);

#endif
