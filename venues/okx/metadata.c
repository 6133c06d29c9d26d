#include "common/leaf/fixed.h"
#include "common/pure/instrument.h"
#include "venues/okx/okx.h"

#include <stdio.h>

/* clang-format off */
#define MEMBERS(X)                                                                                 \
    X(instId) X(instType) X(baseCcy) X(quoteCcy) X(settleCcy) X(ctVal) X(ctMult) X(ctValCcy)       \
    X(ctType) X(tickSz) X(lotSz) X(minSz) X(maxLmtSz) X(state) X(uly) X(instIdCode)
/* clang-format on */

#define AS_INDEX(name) M_##name,
#define AS_TEXT(name)  #name,
enum { MEMBERS(AS_INDEX) M_COUNT };
static const char *const member_names[] = { MEMBERS(AS_TEXT) };

static wire_trading_state trading_state(const struct scan_value *text)
{
    static const struct {
        const char *word;
        wire_trading_state state;
    } words[] = {
        { "live", TRADING_OPEN },       { "suspend", TRADING_HALTED },
        { "preopen", TRADING_AUCTION }, { "test", TRADING_HALTED },
        { "rebase", TRADING_HALTED },   { "post_only", TRADING_POST_ONLY },
        { "settling", TRADING_HALTED }, { "expired", TRADING_DELISTED },
    };

    for (size_t i = 0; i < COUNT(words); i++)
        if (scan_is(text, words[i].word))
            return words[i].state;
    return TRADING_UNKNOWN;
}

/* Codes go unescaped into frames and bodies, and into names. */
static bool is_code(const char *text, bool may_be_empty)
{
    size_t len = strlen(text);

    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
              c == '-' || c == '_' || c == '.'))
            return false;
    }
    return len > 0 || may_be_empty;
}

static int text_of(const struct scan_value *value, char *out, size_t cap)
{
    if (value->type == SCAN_NONE) {
        out[0] = '\0';
        return 0;
    }
    return value->type == SCAN_STRING && scan_text(value, out, cap) == 0 ? 0 : ERR_PROTO;
}

/* Contract value times multiplier, without trailing zeros. */
static int contract_of(const struct scan_value *value, const struct scan_value *multiplier,
                       struct okx_decimal *out)
{
    struct okx_decimal a, b = { 1, 0 };
    int err = okx_decimal_read(value, &a);

    if (!err && (err = okx_decimal_read(multiplier, &b)) == ERR_NOT_FOUND)
        err = 0;
    if (err || a.value <= 0 || b.value <= 0 || __builtin_mul_overflow(a.value, b.value, &a.value) ||
        a.exp + b.exp > FIXED_EXP_MAX)
        return ERR_PROTO;
    a.exp += b.exp;
    while (a.exp > 0 && a.value % 10 == 0) {
        a.value /= 10;
        a.exp--;
    }
    *out = a;
    return 0;
}

/* A pre-listing row has most fields empty: what trading needs must be there. */
static int read_sizes(const struct scan_value *m, struct okx_meta *meta)
{
    if (okx_decimal_read(&m[M_tickSz], &meta->tick) != 0 || meta->tick.value <= 0 ||
        okx_decimal_read(&m[M_lotSz], &meta->lot) != 0 || meta->lot.value <= 0)
        return ERR_PROTO;
    if (okx_decimal_read(&m[M_minSz], &meta->min_size) == ERR_PROTO ||
        okx_decimal_read(&m[M_maxLmtSz], &meta->max_size) == ERR_PROTO ||
        meta->min_size.value < 0 || meta->max_size.value < 0)
        return ERR_PROTO;
    return 0;
}

static int read_texts(const struct scan_value *m, struct okx_meta *meta)
{
    if (text_of(&m[M_instId], meta->inst_id, sizeof(meta->inst_id)) != 0 ||
        text_of(&m[M_baseCcy], meta->base, sizeof(meta->base)) != 0 ||
        text_of(&m[M_quoteCcy], meta->quote, sizeof(meta->quote)) != 0 ||
        text_of(&m[M_settleCcy], meta->settle, sizeof(meta->settle)) != 0 ||
        text_of(&m[M_uly], meta->index, sizeof(meta->index)) != 0)
        return ERR_PROTO;
    return is_code(meta->inst_id, false) && is_code(meta->base, true) &&
                   is_code(meta->quote, true) && is_code(meta->settle, true) &&
                   is_code(meta->index, true)
               ? 0
               : ERR_PROTO;
}

static int read_spot(struct okx_meta *meta)
{
    if (!*meta->base || !*meta->quote)
        return ERR_PROTO;
    snprintf(meta->settle, sizeof(meta->settle), "%s", meta->quote);
    meta->contract = (struct okx_decimal){ 1, 0 };
    snprintf(meta->name, sizeof(meta->name), "%.15s-%.15s", meta->base, meta->quote);
    return 0;
}

/* The row of a linear swap says base and quote in other fields: what a contract is of, and what it
 * settles in. */
static int read_swap(const struct scan_value *m, struct okx_meta *meta)
{
    if (!scan_is(&m[M_ctType], "linear"))
        return 0;
    if (text_of(&m[M_ctValCcy], meta->base, sizeof(meta->base)) != 0 ||
        !is_code(meta->base, false) || !*meta->settle ||
        contract_of(&m[M_ctVal], &m[M_ctMult], &meta->contract) != 0)
        return ERR_PROTO;
    snprintf(meta->quote, sizeof(meta->quote), "%s", meta->settle);
    snprintf(meta->name, sizeof(meta->name), "%.12s-%.12s-PERP", meta->base, meta->quote);
    return 0;
}

static int read_meta(const struct scan_value *row, struct okx_meta *meta)
{
    struct scan_value m[M_COUNT] = { { .type = SCAN_NONE } };
    int err = okx_members(row, member_names, M_COUNT, m);

    if (!err)
        err = read_texts(m, meta);
    if (!err)
        err = read_sizes(m, meta);
    if (err)
        return err;
    meta->state = trading_state(&m[M_state]);
    meta->contract = (struct okx_decimal){ 1, 0 };
    if (m[M_instIdCode].type == SCAN_NUMBER || m[M_instIdCode].type == SCAN_STRING)
        (void)scan_u64(&m[M_instIdCode], &meta->inst_code);
    meta->type = scan_is(&m[M_instType], "SPOT")   ? OKX_SPOT
                 : scan_is(&m[M_instType], "SWAP") ? OKX_SWAP
                                                   : OKX_OTHER;
    meta->kind = meta->type == OKX_SPOT   ? INSTRUMENT_SPOT
                 : meta->type == OKX_SWAP ? INSTRUMENT_PERPETUAL
                                          : INSTRUMENT_FUTURE;
    return meta->type == OKX_SPOT   ? read_spot(meta)
           : meta->type == OKX_SWAP ? read_swap(m, meta)
                                    : 0;
}

int okx_read_instruments(const struct scan_value *data, okx_on_meta *on_meta, void *ctx,
                         uint64_t *bad)
{
    struct scan_iter iter;
    struct scan_value row;
    int err = data->type == SCAN_ARRAY ? scan_begin(&iter, data) : ERR_PROTO;

    while (!err && (err = scan_item(&iter, &row)) == 0) {
        struct okx_meta meta = { .state = TRADING_UNKNOWN };
        if (row.type == SCAN_OBJECT && read_meta(&row, &meta) == 0)
            on_meta(ctx, &meta);
        else
            ++*bad;
    }
    return err == ERR_NOT_FOUND ? 0 : ERR_PROTO;
}

/* A size in base units; ERR_RANGE where it does not fit. */
static int in_base(const struct okx_decimal *size, const struct okx_scale *scale,
                   enum fixed_round round, int64_t *out)
{
    int64_t count;

    if (fixed_rescale(size->value, size->exp, scale->qty_exp - scale->unit_exp, round, &count) !=
            0 ||
        __builtin_mul_overflow(count, scale->unit, out))
        return ERR_RANGE;
    return 0;
}

/* A level is the sum of many orders: room for a hundred of the largest, and for a thousand million
 * of the smallest where no largest is stated. */
static bool has_room(const struct okx_meta *meta, const struct okx_scale *scale)
{
    int64_t max, min;

    return in_base(&meta->max_size, scale, FIXED_DOWN, &max) == 0 &&
           in_base(&meta->min_size, scale, FIXED_DOWN, &min) == 0 && max <= INT64_MAX / 100 &&
           min <= INT64_MAX / 1000000000;
}

struct okx_scale okx_scale_of(const struct okx_meta *meta)
{
    struct okx_scale scale = { .unit = meta->contract.value, .unit_exp = meta->contract.exp };
    /* Every multiple of the lot, in contracts and in base units. */
    int decimals = MIN(meta->lot.exp + meta->contract.exp, FIXED_EXP_MAX);

    instrument_exponents(meta->tick.exp, decimals, NULL, &scale.price_exp, &scale.qty_exp);
    while (scale.qty_exp > decimals && scale.qty_exp > 0 && !has_room(meta, &scale))
        scale.qty_exp--;
    return scale;
}

int okx_definition(const struct okx_meta *meta, const struct okx_scale *scale,
                   int32_t maker_fee_ppm, int32_t taker_fee_ppm, struct wire_instrument *out)
{
    struct wire_instrument made;
    struct okx_decimal step = { 0, scale->qty_exp };

    if (meta->contract.value != scale->unit || meta->contract.exp != scale->unit_exp)
        return ERR_RANGE;
    WIRE_BEGIN(&made, instrument);
    made.amount_exp = (int8_t)MAX(OKX_EXP, meta->contract.exp);
    if (fixed_rescale(meta->tick.value, meta->tick.exp, scale->price_exp, FIXED_EXACT,
                      &made.tick_size) != 0 ||
        in_base(&meta->lot, scale, FIXED_EXACT, &made.lot_size) != 0 ||
        in_base(&meta->min_size, scale, FIXED_UP, &made.min_qty) != 0 ||
        fixed_rescale(meta->contract.value, meta->contract.exp, made.amount_exp, FIXED_EXACT,
                      &made.contract_size) != 0)
        return ERR_RANGE;
    if (in_base(&meta->max_size, scale, FIXED_DOWN, &made.max_qty) != 0)
        made.max_qty = INT64_MAX;
    made.header.instrument = instrument_id("okx", meta->kind, meta->inst_id);
    snprintf(made.venue, sizeof(made.venue), "okx");
    snprintf(made.symbol, sizeof(made.symbol), "%s", meta->inst_id);
    snprintf(made.name, sizeof(made.name), "%s", meta->name);
    snprintf(made.base, sizeof(made.base), "%s", meta->base);
    snprintf(made.quote, sizeof(made.quote), "%s", meta->quote);
    snprintf(made.settle, sizeof(made.settle), "%s", meta->settle);
    made.maker_fee_ppm = maker_fee_ppm;
    made.taker_fee_ppm = taker_fee_ppm;
    made.price_exp = (int8_t)scale->price_exp;
    made.qty_exp = (int8_t)scale->qty_exp;
    made.price_decimals = (int8_t)meta->tick.exp;
    for (step.value = made.lot_size; step.exp > 0 && step.value % 10 == 0; step.exp--)
        step.value /= 10;
    made.qty_decimals = (int8_t)step.exp;
    made.kind = meta->kind;
    made.state = meta->state;
    *out = made;
    return 0;
}
