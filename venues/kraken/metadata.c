#include "common/leaf/fixed.h"
#include "common/pure/instrument.h"
#include "venues/kraken/kraken.h"

#include <stdio.h>

int kraken_decimals(const struct scan_value *number)
{
    const char *end = number->text + number->len;

    if ((number->type != SCAN_NUMBER && number->type != SCAN_STRING) || number->len == 0)
        return -1;
    const char *point = memchr(number->text, '.', number->len);
    if (UNLIKELY(memchr(number->text, 'e', number->len) ||
                 memchr(number->text, 'E', number->len))) {
        int64_t value;
        int exp;
        return fixed_parse_natural(number->text, number->len, &value, &exp) == 0 ? exp : -1;
    }
    return point ? (int)(end - point) - 1 : 0;
}

wire_trading_state kraken_trading_state(const struct scan_value *text)
{
    static const struct {
        const char *word;
        wire_trading_state state;
    } words[] = {
        { "online", TRADING_OPEN },
        { "cancel_only", TRADING_CANCEL_ONLY },
        { "post_only", TRADING_POST_ONLY },
        { "limit_only", TRADING_LIMIT_ONLY },
        { "reduce_only", TRADING_CANCEL_ONLY }, /* Spot has nothing that would reduce. */
        { "maintenance", TRADING_HALTED },
        { "work_in_progress", TRADING_HALTED },
        { "delisted", TRADING_DELISTED },
    };

    for (size_t i = 0; i < COUNT(words); i++)
        if (scan_is(text, words[i].word))
            return words[i].state;
    return TRADING_UNKNOWN;
}

static int natural(const struct scan_value *value, struct kraken_decimal *out)
{
    struct kraken_decimal made;

    if ((value->type != SCAN_NUMBER && value->type != SCAN_STRING) ||
        fixed_parse_natural(value->text, value->len, &made.value, &made.exp) != 0 || made.value < 0)
        return ERR_PROTO;
    *out = made;
    return 0;
}

static int decimals_of(const struct scan_value *value, int *out)
{
    int64_t number;

    if (scan_i64(value, &number) != 0 || number < 0 || number > FIXED_EXP_MAX)
        return ERR_PROTO;
    *out = (int)number;
    return 0;
}

/* First row of [[volume, percent], ...]: what an account without volume pays. */
static int first_fee(const struct scan_value *rows, int32_t *ppm)
{
    struct scan_value row, volume, percent;
    struct scan_iter of_rows, of_row;
    int64_t value;

    if (rows->type != SCAN_ARRAY || scan_begin(&of_rows, rows) || scan_item(&of_rows, &row) ||
        row.type != SCAN_ARRAY || scan_begin(&of_row, &row) || scan_item(&of_row, &volume) ||
        scan_item(&of_row, &percent) || scan_decimal(&percent, 4, &value) != 0 ||
        value < -1000000 || value > 1000000)
        return ERR_PROTO;
    *ppm = (int32_t)value;
    return 0;
}

static struct kraken_decimal step_of(int decimals)
{
    return (struct kraken_decimal){ 1, decimals };
}

static bool is_whole(const struct kraken_pair *pair)
{
    return pair->price_decimals >= 0 && pair->qty_decimals >= 0 && pair->tick.value > 0 &&
           pair->lot.value > 0;
}

/* One member of the result of AssetPairs. Unknown members are passed over. */
static int asset_pair_member(struct kraken_pair *pair, char wsname[32], char assets[2][16],
                             const struct scan_value *key, const struct scan_value *value)
{
    if (scan_is(key, "wsname"))
        return scan_text(value, wsname, 32);
    if (scan_is(key, "altname"))
        return scan_text(value, pair->altname, sizeof(pair->altname));
    if (scan_is(key, "base"))
        return scan_text(value, assets[0], 16);
    if (scan_is(key, "quote"))
        return scan_text(value, assets[1], 16);
    if (scan_is(key, "pair_decimals"))
        return decimals_of(value, &pair->price_decimals);
    if (scan_is(key, "lot_decimals"))
        return decimals_of(value, &pair->qty_decimals);
    if (scan_is(key, "tick_size"))
        return natural(value, &pair->tick);
    if (scan_is(key, "ordermin"))
        return natural(value, &pair->min_qty);
    if (scan_is(key, "costmin"))
        return natural(value, &pair->min_cost);
    if (scan_is(key, "fees") || scan_is(key, "fees_maker")) {
        bool is_maker = key->len > 4;
        int err = first_fee(value, is_maker ? &pair->maker_ppm : &pair->taker_ppm);
        pair->has_fees = pair->has_fees || (!err && !is_maker);
        return 0; /* Empty tables exist; the configured fees stand in. */
    }
    if (scan_is(key, "status"))
        pair->state = kraken_trading_state(value);
    return 0;
}

/* Takes what was read into the table and tells the caller. */
static void learn(struct kraken_names *names, const struct kraken_pair *pair,
                  kraken_on_pair *on_pair, void *ctx)
{
    struct kraken_pair *known = kraken_pair_put(names, pair->symbol);

    if (!known)
        return;
    *known = *pair;
    if (on_pair)
        on_pair(ctx, known);
}

static int asset_pair(struct kraken_names *names, const struct scan_value *name,
                      const struct scan_value *body, kraken_on_pair *on_pair, void *ctx)
{
    struct kraken_pair pair = { .price_decimals = -1, .qty_decimals = -1, .state = TRADING_OPEN };
    char wsname[32] = "", assets[2][16] = { "", "" };
    struct scan_iter iter;
    struct scan_value key, value;
    int err = scan_begin(&iter, body);

    while (!err && (err = scan_member(&iter, &key, &value)) == 0)
        err = asset_pair_member(&pair, wsname, assets, &key, &value);
    if (err != ERR_NOT_FOUND)
        return ERR_PROTO;
    /* Dark pools have no wsname: nothing of theirs is read here. */
    if (!*wsname)
        return 0;
    if (kraken_symbol_of(wsname, pair.symbol) != 0 ||
        scan_text(name, pair.rest_key, sizeof(pair.rest_key)) != 0)
        return ERR_PROTO;
    size_t slash = strcspn(pair.symbol, "/");
    snprintf(pair.base, sizeof(pair.base), "%.*s", (int)MIN(slash, sizeof(pair.base) - 1),
             pair.symbol);
    snprintf(pair.quote, sizeof(pair.quote), "%.15s", pair.symbol + slash + 1);
    if (pair.price_decimals >= 0 && pair.tick.value == 0)
        pair.tick = step_of(pair.price_decimals);
    pair.lot = step_of(MAX(pair.qty_decimals, 0));
    const struct kraken_pair *known = kraken_pair_by_symbol(names, pair.symbol);
    if (known && known->has_lot) { /* Whichever of both sources comes first. */
        pair.lot = known->lot;
        pair.has_lot = true;
    }
    if (!is_whole(&pair))
        return ERR_PROTO;
    kraken_asset_put(names, assets[0], pair.base);
    kraken_asset_put(names, assets[1], pair.quote);
    learn(names, &pair, on_pair, ctx);
    return 0;
}

int kraken_read_asset_pairs(struct kraken_names *names, const struct scan_value *result,
                            kraken_on_pair *on_pair, void *ctx, uint64_t *bad)
{
    struct scan_iter iter;
    struct scan_value key, value;
    int err = result->type == SCAN_OBJECT ? scan_begin(&iter, result) : ERR_PROTO;

    while (!err && (err = scan_member(&iter, &key, &value)) == 0)
        if (value.type != SCAN_OBJECT || asset_pair(names, &key, &value, on_pair, ctx) != 0)
            ++*bad;
    return err == ERR_NOT_FOUND ? 0 : ERR_PROTO;
}

static int instrument_member(struct kraken_pair *pair, const struct scan_value *key,
                             const struct scan_value *value)
{
    if (scan_is(key, "base"))
        return scan_text(value, pair->base, sizeof(pair->base));
    if (scan_is(key, "quote"))
        return scan_text(value, pair->quote, sizeof(pair->quote));
    if (scan_is(key, "price_precision"))
        return decimals_of(value, &pair->price_decimals);
    if (scan_is(key, "qty_precision"))
        return decimals_of(value, &pair->qty_decimals);
    if (scan_is(key, "price_increment"))
        return natural(value, &pair->tick);
    if (scan_is(key, "qty_increment")) {
        pair->has_lot = true;
        return natural(value, &pair->lot);
    }
    if (scan_is(key, "qty_min"))
        return natural(value, &pair->min_qty);
    if (scan_is(key, "cost_min"))
        return natural(value, &pair->min_cost);
    if (scan_is(key, "status"))
        pair->state = kraken_trading_state(value);
    return 0;
}

static int instrument(struct kraken_names *names, const struct scan_value *body,
                      kraken_on_pair *on_pair, void *ctx)
{
    struct scan_iter iter;
    struct scan_value key, value;
    char text[32], symbol[32];

    if (body->type != SCAN_OBJECT || scan_find(body, "symbol", &value) != 0 ||
        scan_text(&value, text, sizeof(text)) != 0 || kraken_symbol_of(text, symbol) != 0)
        return ERR_PROTO;
    const struct kraken_pair *known = kraken_pair_by_symbol(names, symbol);
    struct kraken_pair pair = { .price_decimals = -1, .qty_decimals = -1 };
    if (known)
        pair = *known;
    snprintf(pair.symbol, sizeof(pair.symbol), "%s", symbol);
    int err = scan_begin(&iter, body);
    while (!err && (err = scan_member(&iter, &key, &value)) == 0)
        err = instrument_member(&pair, &key, &value);
    if (err != ERR_NOT_FOUND || !is_whole(&pair) || !*pair.base || !*pair.quote)
        return ERR_PROTO;
    learn(names, &pair, on_pair, ctx);
    return 0;
}

int kraken_read_instruments(struct kraken_names *names, const struct scan_value *data,
                            kraken_on_pair *on_pair, void *ctx, uint64_t *bad)
{
    struct scan_iter iter;
    struct scan_value pairs, item;
    int err = data->type == SCAN_OBJECT ? scan_find(data, "pairs", &pairs) : ERR_PROTO;

    if (err == ERR_NOT_FOUND)
        return 0; /* An update of assets alone. */
    if (!err)
        err = pairs.type == SCAN_ARRAY ? scan_begin(&iter, &pairs) : ERR_PROTO;
    while (!err && (err = scan_item(&iter, &item)) == 0)
        if (instrument(names, &item, on_pair, ctx) != 0)
            ++*bad;
    return err == ERR_NOT_FOUND ? 0 : ERR_PROTO;
}

int kraken_definition(const struct kraken_pair *pair, int price_exp, int qty_exp,
                      int32_t default_maker_ppm, int32_t default_taker_ppm,
                      struct wire_instrument *out)
{
    struct wire_instrument made;
    int64_t tick, lot, min_qty, min_cost;
    int err = fixed_rescale(pair->tick.value, pair->tick.exp, price_exp, FIXED_EXACT, &tick);

    if (!err)
        err = fixed_rescale(pair->lot.value, pair->lot.exp, qty_exp, FIXED_EXACT, &lot);
    if (!err)
        err = fixed_rescale(pair->min_qty.value, pair->min_qty.exp, qty_exp, FIXED_UP, &min_qty);
    if (!err)
        err = fixed_rescale(pair->min_cost.value, pair->min_cost.exp, KRAKEN_EXP, FIXED_UP,
                            &min_cost);
    if (err)
        return ERR_RANGE;
    WIRE_BEGIN(&made, instrument);
    made.header.instrument = instrument_id("kraken", INSTRUMENT_SPOT, pair->symbol);
    snprintf(made.venue, sizeof(made.venue), "kraken");
    snprintf(made.symbol, sizeof(made.symbol), "%s", pair->symbol);
    snprintf(made.name, sizeof(made.name), "%.15s-%.15s", pair->base, pair->quote);
    snprintf(made.base, sizeof(made.base), "%s", pair->base);
    snprintf(made.quote, sizeof(made.quote), "%s", pair->quote);
    snprintf(made.settle, sizeof(made.settle), "%s", pair->quote);
    made.tick_size = tick;
    made.lot_size = lot;
    made.min_qty = min_qty;
    made.min_notional = min_cost;
    made.contract_size = fixed_pow10(KRAKEN_EXP);
    made.maker_fee_ppm = pair->has_fees ? pair->maker_ppm : default_maker_ppm;
    made.taker_fee_ppm = pair->has_fees ? pair->taker_ppm : default_taker_ppm;
    made.price_exp = (int8_t)price_exp;
    made.qty_exp = (int8_t)qty_exp;
    made.amount_exp = KRAKEN_EXP;
    made.price_decimals = (int8_t)pair->price_decimals;
    made.qty_decimals = (int8_t)pair->qty_decimals;
    made.kind = INSTRUMENT_SPOT;
    made.state = pair->state;
    *out = made;
    return 0;
}
