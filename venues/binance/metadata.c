/* exchangeInfo: what the venue says of its instruments. */
#include "common/leaf/fixed.h"
#include "common/pure/instrument.h"
#include "venues/binance/binance.h"

#include <stdio.h>

/* A filter's decimal, kept as text until the exponents are known. */
struct rules {
    struct scan_value tick_size, lot_size, min_qty, max_qty, min_notional;
    uint64_t base_precision, quote_precision;
};

static void rule_take(const struct scan_value *filter, const char *name, struct scan_value *out)
{
    struct scan_value value;

    if (scan_find(filter, name, &value) == 0)
        *out = value;
}

static int filters_read(const struct scan_value *filters, struct rules *out)
{
    struct scan_iter iter;
    struct scan_value filter, type;
    int err = scan_begin(&iter, filters);

    while (!err && (err = scan_item(&iter, &filter)) == 0) {
        if (filter.type != SCAN_OBJECT || scan_find(&filter, "filterType", &type) != 0)
            return ERR_PROTO;
        if (scan_is(&type, "PRICE_FILTER")) {
            rule_take(&filter, "tickSize", &out->tick_size);
        } else if (scan_is(&type, "LOT_SIZE")) {
            rule_take(&filter, "stepSize", &out->lot_size);
            rule_take(&filter, "minQty", &out->min_qty);
            rule_take(&filter, "maxQty", &out->max_qty);
        } else if (scan_is(&type, "NOTIONAL") || scan_is(&type, "MIN_NOTIONAL")) {
            rule_take(&filter, "minNotional", &out->min_notional);
            rule_take(&filter, "notional", &out->min_notional); /* Futures call it so. */
        }
    }
    return err == ERR_NOT_FOUND ? 0 : ERR_PROTO;
}

static wire_trading_state state_of(const struct scan_value *status, bool is_spot_allowed)
{
    if (!is_spot_allowed)
        return TRADING_HALTED;
    if (scan_is(status, "TRADING"))
        return TRADING_OPEN;
    if (scan_is(status, "CANCEL_ONLY"))
        return TRADING_CANCEL_ONLY;
    if (scan_is(status, "AUCTION_MATCH"))
        return TRADING_AUCTION;
    if (scan_is(status, "HALT") || scan_is(status, "BREAK") || scan_is(status, "END_OF_DAY") ||
        scan_is(status, "PRE_TRADING") || scan_is(status, "POST_TRADING"))
        return TRADING_HALTED;
    return TRADING_UNKNOWN;
}

/* Decimals that a step really uses: "0.01000000" has 2. A step of 0 switches the filter off: then
 * the asset's precision holds. */
static int step_decimals(const struct scan_value *step, uint64_t precision)
{
    int64_t value;
    int exp;

    if (step->type == SCAN_NONE || fixed_parse_natural(step->text, step->len, &value, &exp) != 0 ||
        value <= 0)
        return precision <= FIXED_EXP_MAX ? (int)precision : BINANCE_EXP;
    for (; exp > 0 && value % 10 == 0; exp--)
        value /= 10;
    return exp;
}

static int rule_read(const struct scan_value *rule, int exp, int64_t *out)
{
    return rule->type == SCAN_NONE ? 0 : scan_decimal(rule, exp, out);
}

static int rules_apply(const struct rules *rules, const struct wire_instrument *known,
                       struct wire_instrument *out)
{
    int price_decimals = step_decimals(&rules->tick_size, rules->quote_precision);
    int qty_decimals = step_decimals(&rules->lot_size, rules->base_precision);
    int price_exp = BINANCE_EXP, qty_exp = BINANCE_EXP;
    char max_qty[FIXED_TEXT_MAX];

    if (known) {
        price_exp = known->price_exp;
        qty_exp = known->qty_exp;
    } else {
        bool has_max = rules->max_qty.type != SCAN_NONE &&
                       scan_text(&rules->max_qty, max_qty, sizeof(max_qty)) == 0;
        instrument_exponents(price_decimals, qty_decimals, has_max ? max_qty : NULL, &price_exp,
                             &qty_exp);
    }
    if (rule_read(&rules->tick_size, price_exp, &out->tick_size) != 0 ||
        rule_read(&rules->lot_size, qty_exp, &out->lot_size) != 0 ||
        rule_read(&rules->min_qty, qty_exp, &out->min_qty) != 0 ||
        rule_read(&rules->min_notional, BINANCE_EXP, &out->min_notional) != 0)
        return ERR_RANGE;
    if (rule_read(&rules->max_qty, qty_exp, &out->max_qty) != 0)
        out->max_qty = 0; /* More than can be said: no limit that could bind. */
    if (out->tick_size <= 0)
        out->tick_size = fixed_pow10(MAX(0, price_exp - price_decimals));
    if (out->lot_size <= 0)
        out->lot_size = fixed_pow10(MAX(0, qty_exp - qty_decimals));
    out->price_exp = (int8_t)price_exp;
    out->qty_exp = (int8_t)qty_exp;
    out->price_decimals = (int8_t)price_decimals;
    out->qty_decimals = (int8_t)qty_decimals;
    out->amount_exp = BINANCE_EXP;
    out->contract_size = fixed_pow10(BINANCE_EXP);
    return 0;
}

/* What goes into URLs and JSON as it is: nothing that would end a text or a path. */
static bool symbol_is_plain(const char *symbol)
{
    if (*symbol == '\0')
        return false;
    for (; *symbol; symbol++)
        if ((unsigned char)*symbol <= ' ' || strchr("\"\\/@?&=#%+,", *symbol))
            return false;
    return true;
}

int binance_names_read(const struct scan_value *symbol, const char *suffix,
                       struct wire_instrument *out)
{
    struct scan_value value;

    if (scan_find(symbol, "symbol", &value) != 0 || value.type != SCAN_STRING)
        return ERR_PROTO;
    if (scan_text(&value, out->symbol, sizeof(out->symbol)) != 0 || !symbol_is_plain(out->symbol))
        return ERR_RANGE;
    if (scan_find(symbol, "baseAsset", &value) != 0 || value.type != SCAN_STRING)
        return ERR_PROTO;
    if (scan_text(&value, out->base, sizeof(out->base)) != 0)
        return ERR_RANGE;
    if (scan_find(symbol, "quoteAsset", &value) != 0 || value.type != SCAN_STRING)
        return ERR_PROTO;
    if (scan_text(&value, out->quote, sizeof(out->quote)) != 0)
        return ERR_RANGE;
    int len = snprintf(out->name, sizeof(out->name), "%s-%s%s", out->base, out->quote, suffix);
    binance_copy(out->settle, sizeof(out->settle), out->quote);
    return len > 0 && (size_t)len < sizeof(out->name) ? 0 : ERR_RANGE;
}

int binance_rules_read(const struct scan_value *symbol, const struct wire_instrument *known,
                       struct wire_instrument *out)
{
    struct scan_value value;
    struct rules rules = { .base_precision = BINANCE_EXP, .quote_precision = BINANCE_EXP };

    if (scan_find(symbol, "filters", &value) == 0 && filters_read(&value, &rules) != 0)
        return ERR_PROTO;
    if (scan_find(symbol, "baseAssetPrecision", &value) == 0)
        (void)scan_u64(&value, &rules.base_precision);
    if (scan_find(symbol, "quotePrecision", &value) == 0)
        (void)scan_u64(&value, &rules.quote_precision);
    return rules_apply(&rules, known, out);
}

int binance_definition_read(const struct scan_value *symbol, const char *venue,
                            const struct wire_instrument *known, struct wire_instrument *out)
{
    struct wire_instrument made;
    struct scan_value value, status = { SCAN_STRING, "", 0 };
    bool is_spot_allowed = true;

    if (symbol->type != SCAN_OBJECT)
        return ERR_PROTO;
    WIRE_BEGIN(&made, instrument);
    int err = binance_names_read(symbol, "", &made);
    if (!err)
        err = binance_rules_read(symbol, known, &made);
    if (err)
        return err;
    if (scan_find(symbol, "isSpotTradingAllowed", &value) == 0)
        (void)scan_bool(&value, &is_spot_allowed);
    (void)scan_find(symbol, "status", &status);
    binance_copy(made.venue, sizeof(made.venue), venue);
    made.kind = INSTRUMENT_SPOT;
    made.state = state_of(&status, is_spot_allowed);
    made.header.instrument = instrument_id(venue, INSTRUMENT_SPOT, made.symbol);
    *out = made;
    return 0;
}

int binance_symbols_begin(const char *body, size_t len, struct scan_iter *iter)
{
    struct scan_value top, symbols;

    if (scan_whole(body, len, &top) != 0 || top.type != SCAN_OBJECT ||
        scan_find(&top, "symbols", &symbols) != 0 || symbols.type != SCAN_ARRAY)
        return ERR_PROTO;
    return scan_begin(iter, &symbols);
}

void binance_info_path(const char *const *symbols, size_t count, char *out, size_t cap)
{
    size_t at = (size_t)snprintf(out, cap, "/api/v3/exchangeInfo?symbols=%%5B");

    for (size_t i = 0; i < count && at < cap; i++)
        at += (size_t)snprintf(out + at, cap - at, "%s%%22%s%%22", i ? "%2C" : "", symbols[i]);
    if (at < cap)
        at += (size_t)snprintf(out + at, cap - at, "%%5D");
    if (count == 0 || at >= cap)
        snprintf(out, cap, "/api/v3/exchangeInfo?showPermissionSets=false");
}

int binance_join(const char *name, char *out, size_t cap)
{
    const char *dash = strchr(name, '-');
    int len = dash ? snprintf(out, cap, "%.*s%s", (int)(dash - name), name, dash + 1) : 0;

    return len > 0 && (size_t)len < cap && symbol_is_plain(out) ? 0 : ERR_RANGE;
}

const struct binance_product binance_spot = { .kind = INSTRUMENT_SPOT,
                                              .info_weight = 20,
                                              .definition_read = binance_definition_read,
                                              .info_path = binance_info_path };
