/* kraken.h - what the files of venues/kraken share: names, metadata, errors.
 *
 * Nothing outside this folder includes it (tests may). Kraken names one thing in several ways:
 * "BTC/USD" over WebSocket v2, "XXBTZUSD", "XBTUSD" and "XBT/USD" over REST, "XXBT" and "ZUSD" for
 * assets in REST balances. Inside the project the WebSocket name is the symbol and "BTC" the asset;
 * the table below, filled from the venue's own metadata, knows the rest. */
#ifndef TICKPIPE_VENUES_KRAKEN_KRAKEN_H
#define TICKPIPE_VENUES_KRAKEN_KRAKEN_H

#include "common/pure/scan.h"
#include "common/pure/time_text.h"
#include "venues/venue.h"

enum {
    KRAKEN_PAIRS_MAX = 4096, /* The venue lists about 1,200; more are counted and left out. */
    KRAKEN_ASSETS_MAX = 2048,
    KRAKEN_PAIR_SLOTS = 8192, /* Power of two, twice the pairs. */
    KRAKEN_EXP = 8,           /* Decimals where no definition says otherwise. */
};

extern const struct venue_feed_ops kraken_feed_ops;
extern const struct venue_order_ops kraken_order_ops;

/* ---- names.c ---- */

struct kraken_decimal {
    int64_t value;
    int exp;
};

struct kraken_pair {
    char symbol[32];                /* "BTC/USD" */
    char base[16], quote[16];       /* "BTC", "USD" */
    char rest_key[24], altname[24]; /* "XXBTZUSD", "XBTUSD"; "" until AssetPairs said them. */
    struct kraken_decimal tick, lot, min_qty, min_cost;
    int price_decimals, qty_decimals;
    int32_t maker_ppm, taker_ppm;
    bool has_fees;
    bool has_lot; /* qty_increment was told: AssetPairs knows decimals only. */
    wire_trading_state state;
};

struct kraken_asset {
    char rest[16]; /* "XXBT" */
    char code[16]; /* "BTC" */
};

/* Every pair and asset that the metadata has named. Entries never go away. */
struct kraken_names {
    struct kraken_pair *pairs;
    uint16_t *slots; /* Open addressing by symbol: index + 1. */
    uint32_t pair_count;
    struct kraken_asset *assets;
    uint32_t asset_count;
    uint64_t refused; /* Pairs and assets beyond the bounds. */
};

int kraken_names_init(struct kraken_names *names); /* 0 or ERR_SYS; allocates. */
void kraken_names_fini(struct kraken_names *names);

/* kraken_pair_put finds the pair of a symbol or makes a new one. NULL: the table is full. */
struct kraken_pair *kraken_pair_put(struct kraken_names *names, const char *symbol);
const struct kraken_pair *kraken_pair_by_symbol(const struct kraken_names *names,
                                                const char *symbol);
/* kraken_pair_by_any takes any of a pair's names: symbol, REST key, altname, "XBT/USD". Linear. */
const struct kraken_pair *kraken_pair_by_any(const struct kraken_names *names, const char *name);

void kraken_asset_put(struct kraken_names *names, const char *rest, const char *code);
/* kraken_asset_code gives the canonical code of any name of an asset, keeping a suffix as in
 * "XXBT.F" -> "BTC.F". What no metadata names is read by the venue's old rule (XXBT, ZUSD), else
 * kept. Always ends out with NUL. */
void kraken_asset_code(const struct kraken_names *names, const char *rest, char out[16]);

/* kraken_symbol_of writes the symbol of "BTC-USD", "BTC/USD" or "XBT/USD". 0 or ERR_RANGE. */
int kraken_symbol_of(const char *name, char out[32]);

/* kraken_rest_pair writes what REST calls a symbol: the metadata's key, or, while there is none,
 * the venue's naming rule ("BTC/USD" -> "XXBTZUSD", "SOL/USD" -> "SOLUSD"). 0 or ERR_RANGE. */
int kraken_rest_pair(const struct kraken_names *names, const char *symbol, char out[32]);

/* ---- metadata.c ---- */

typedef void kraken_on_pair(void *ctx, const struct kraken_pair *pair);

/* kraken_read_asset_pairs takes the result object of REST AssetPairs into names and calls on_pair
 * for each pair read. A pair that cannot be read is counted in *bad and left out. 0 or ERR_PROTO.
 */
int kraken_read_asset_pairs(struct kraken_names *names, const struct scan_value *result,
                            kraken_on_pair *on_pair, void *ctx, uint64_t *bad);

/* kraken_read_instruments does the same for the data object of channel instrument, which names no
 * fees and no REST names: those stay as they were. */
int kraken_read_instruments(struct kraken_names *names, const struct scan_value *data,
                            kraken_on_pair *on_pair, void *ctx, uint64_t *bad);

/* kraken_definition fills a definition event from a pair, in the given exponents. 0, or ERR_RANGE
 * when a step does not fit them. */
int kraken_definition(const struct kraken_pair *pair, int price_exp, int qty_exp,
                      int32_t default_maker_ppm, int32_t default_taker_ppm,
                      struct wire_instrument *out);

/* kraken_trading_state reads a pair's or the system's status word. */
wire_trading_state kraken_trading_state(const struct scan_value *text);

/* kraken_decimals counts the decimals that a number's text has (also of "1e-08"), -1: not a number.
 */
int kraken_decimals(const struct scan_value *number);

/* ---- errors.c ---- */

enum kraken_class {
    KRAKEN_REJECT,  /* Not done, final: the same again will fail again. */
    KRAKEN_RETRY,   /* Not done; the same may work later. */
    KRAKEN_UNKNOWN, /* May have been done: ask. */
    KRAKEN_REAUTH,  /* Not done: the session's token is not valid (any more). */
    KRAKEN_FATAL,   /* Not done, and nothing private will be until someone acts. */
};

struct kraken_error {
    enum kraken_class kind;
    wire_reason why;
    int64_t back_off_ns; /* Nothing private before now plus that; 0: no need. */
};

/* kraken_error_of classifies "EOrder:Insufficient funds" and the plain sentences of WebSocket
 * errors by prefix. What the table does not know is REJECT when it begins like an error of the
 * order or of the arguments, else UNKNOWN. */
struct kraken_error kraken_error_of(const char *text, size_t len, int64_t wall_ns);

/* kraken_first_error finds the first error of a REST "error" array that is not a warning. 0: found
 * (*out is its text), ERR_NOT_FOUND: none, ERR_PROTO. */
int kraken_first_error(const struct scan_value *errors, struct scan_value *out);

#endif
