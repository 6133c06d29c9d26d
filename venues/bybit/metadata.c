/* instruments-info: what the venue says of its instruments. */
#include "common/leaf/fixed.h"
#include "common/pure/instrument.h"
#include "venues/bybit/bybit.h"

#include <stdio.h>

/* What one object says, decimals kept as text until the exponents are known. */
struct listing {
    struct scan_value symbol, base, quote, settle, contract, status, price_filter, lot_filter;
    struct scan_value interval;
    struct scan_value tick, lot, min_qty, max_qty, min_notional;
};

static void listing_member(struct listing *out, const struct scan_value *key,
                           const struct scan_value *value)
{
    static const struct {
        const char *name;
        size_t offset;
    } members[] = {
        { "symbol", offsetof(struct listing, symbol) },
        { "baseCoin", offsetof(struct listing, base) },
        { "quoteCoin", offsetof(struct listing, quote) },
        { "settleCoin", offsetof(struct listing, settle) },
        { "contractType", offsetof(struct listing, contract) },
        { "status", offsetof(struct listing, status) },
        { "priceFilter", offsetof(struct listing, price_filter) },
        { "lotSizeFilter", offsetof(struct listing, lot_filter) },
        { "fundingInterval", offsetof(struct listing, interval) },
    };

    for (size_t i = 0; i < COUNT(members); i++)
        if (scan_is(key, members[i].name)) {
            *(struct scan_value *)(void *)((char *)out + members[i].offset) = *value;
            return;
        }
}

/* Spot's minOrderQty and maxOrderQty are no longer enforced: a step is the least, and the largest
 * limit order the most. */
static int filters_read(enum bybit_category category, struct listing *listing)
{
    const struct scan_value *lot = &listing->lot_filter;
    bool is_spot = category == BYBIT_SPOT;

    if (listing->price_filter.type != SCAN_OBJECT || lot->type != SCAN_OBJECT ||
        scan_find(&listing->price_filter, "tickSize", &listing->tick) != 0 ||
        scan_find(lot, is_spot ? "basePrecision" : "qtyStep", &listing->lot) != 0)
        return ERR_PROTO;
    if (is_spot)
        listing->min_qty = listing->lot;
    else
        (void)scan_find(lot, "minOrderQty", &listing->min_qty);
    if (!is_spot || scan_find(lot, "maxLimitOrderQty", &listing->max_qty) != 0)
        (void)scan_find(lot, "maxOrderQty", &listing->max_qty);
    (void)scan_find(lot, is_spot ? "minOrderAmt" : "minNotionalValue", &listing->min_notional);
    return 0;
}

static int listing_read(const struct scan_value *object, enum bybit_category category,
                        struct listing *out)
{
    struct scan_iter iter;
    struct scan_value key, value;
    int err = object->type == SCAN_OBJECT ? scan_begin(&iter, object) : ERR_PROTO;

    *out = (struct listing){ .symbol = { .type = SCAN_NONE } };
    while (!err && (err = scan_member(&iter, &key, &value)) == 0)
        listing_member(out, &key, &value);
    if (err != ERR_NOT_FOUND || out->symbol.type != SCAN_STRING || out->base.type != SCAN_STRING ||
        out->quote.type != SCAN_STRING)
        return ERR_PROTO;
    if (category == BYBIT_LINEAR && !scan_is(&out->contract, "LinearPerpetual"))
        return ERR_UNSUPPORTED;
    return filters_read(category, out);
}

static wire_trading_state state_of(const struct scan_value *status)
{
    if (scan_is(status, "Trading"))
        return TRADING_OPEN;
    if (scan_is(status, "PreLaunch"))
        return TRADING_HALTED;
    if (scan_is(status, "Delivering") || scan_is(status, "Closed") || scan_is(status, "Settling"))
        return TRADING_DELISTED;
    return TRADING_UNKNOWN;
}

static int names_read(const struct listing *listing, enum bybit_category category,
                      struct wire_instrument *out)
{
    const struct scan_value *settle =
        category == BYBIT_LINEAR && listing->settle.type == SCAN_STRING && listing->settle.len > 0
            ? &listing->settle
            : &listing->quote;

    if (scan_text(&listing->symbol, out->symbol, sizeof(out->symbol)) != 0 ||
        !bybit_symbol_is_plain(out->symbol) ||
        scan_text(&listing->base, out->base, sizeof(out->base)) != 0 ||
        scan_text(&listing->quote, out->quote, sizeof(out->quote)) != 0 ||
        scan_text(settle, out->settle, sizeof(out->settle)) != 0)
        return ERR_RANGE;
    int len = snprintf(out->name, sizeof(out->name), "%s-%s%s", out->base, out->quote,
                       category == BYBIT_LINEAR ? "-PERP" : "");
    return len > 0 && (size_t)len < sizeof(out->name) ? 0 : ERR_RANGE;
}

/* How many decimals a step is written with: "0.10" has 2, and so have the prices of its stream. */
static int decimals_of(const struct scan_value *step, int *out)
{
    int64_t value;
    int exp;

    if ((step->type != SCAN_STRING && step->type != SCAN_NUMBER) ||
        fixed_parse_natural(step->text, step->len, &value, &exp) != 0 || value <= 0)
        return ERR_PROTO;
    *out = exp;
    return 0;
}

static int steps_read(const struct listing *listing, const struct wire_instrument *known,
                      struct wire_instrument *out)
{
    int price_decimals, qty_decimals, price_exp, qty_exp;
    char max_qty[FIXED_TEXT_MAX];

    if (decimals_of(&listing->tick, &price_decimals) != 0 ||
        decimals_of(&listing->lot, &qty_decimals) != 0)
        return ERR_PROTO;
    bool has_max = listing->max_qty.type == SCAN_STRING &&
                   scan_text(&listing->max_qty, max_qty, sizeof(max_qty)) == 0;
    instrument_exponents(price_decimals, qty_decimals, has_max ? max_qty : NULL, &price_exp,
                         &qty_exp);
    if (known) {
        price_exp = known->price_exp;
        qty_exp = known->qty_exp;
    }
    if (scan_decimal(&listing->tick, price_exp, &out->tick_size) != 0 ||
        scan_decimal(&listing->lot, qty_exp, &out->lot_size) != 0)
        return ERR_RANGE;
    out->min_qty = out->lot_size;
    if (listing->min_qty.type != SCAN_NONE &&
        scan_decimal(&listing->min_qty, qty_exp, &out->min_qty) != 0)
        return ERR_RANGE;
    if (listing->min_notional.type != SCAN_NONE &&
        scan_decimal(&listing->min_notional, BYBIT_EXP, &out->min_notional) != 0)
        return ERR_RANGE;
    if (listing->max_qty.type == SCAN_NONE ||
        scan_decimal(&listing->max_qty, qty_exp, &out->max_qty) != 0)
        out->max_qty = 0; /* More than can be said: no limit that could bind. */
    out->price_exp = (int8_t)price_exp;
    out->qty_exp = (int8_t)qty_exp;
    out->price_decimals = (int8_t)price_decimals;
    out->qty_decimals = (int8_t)qty_decimals;
    return 0;
}

int bybit_definition_read(const struct scan_value *object, enum bybit_category category,
                          const struct wire_instrument *known, struct wire_instrument *out,
                          int64_t *interval_ns)
{
    struct wire_instrument made;
    struct listing listing;
    uint64_t minutes = 0;
    int err = listing_read(object, category, &listing);

    if (err)
        return err;
    WIRE_BEGIN(&made, instrument);
    err = names_read(&listing, category, &made);
    if (!err)
        err = steps_read(&listing, known, &made);
    if (err)
        return err;
    if (category == BYBIT_LINEAR && listing.interval.type == SCAN_NUMBER &&
        (scan_u64(&listing.interval, &minutes) != 0 || minutes > 7 * 1440))
        return ERR_PROTO;
    bybit_copy(made.venue, sizeof(made.venue), "bybit");
    made.amount_exp = BYBIT_EXP;
    made.contract_size = fixed_pow10(BYBIT_EXP);
    made.kind = bybit_kind(category);
    made.state = state_of(&listing.status);
    made.header.instrument = instrument_id("bybit", made.kind, made.symbol);
    *interval_ns = (int64_t)minutes * 60 * NS_PER_S;
    *out = made;
    return 0;
}

int bybit_info_path(enum bybit_category category, const char *cursor, char *out, size_t cap)
{
    char encoded[3 * BYBIT_CURSOR_MAX + 1];

    if (bybit_encode(cursor, encoded, sizeof(encoded)) != 0)
        return ERR_RANGE;
    int len = snprintf(out, cap, "/v5/market/instruments-info?category=%s&limit=1000%s%s",
                       bybit_category_str(category), *encoded ? "&cursor=" : "", encoded);
    return len > 0 && (size_t)len < cap ? 0 : ERR_RANGE;
}
