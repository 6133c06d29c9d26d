/* Products: what the venue says of its instruments, by REST and on channel status. */
#include "common/leaf/fixed.h"
#include "common/pure/instrument.h"
#include "venues/coinbase/coinbase.h"

#include <stdio.h>

int coinbase_product_read(const struct scan_value *object, struct coinbase_product_text *out)
{
    static const char *const names[] = {
        "id",
        "base_currency",
        "quote_currency",
        "base_increment",
        "quote_increment",
        "min_market_funds",
        "base_min_size",
        "base_max_size",
        "status",
        "trading_disabled",
        "cancel_only",
        "post_only",
        "limit_only",
        "auction_mode",
    };
    struct scan_value found[COUNT(names)];

    static_assert(sizeof(found) == sizeof(*out), "one slice a name");
    if (coinbase_members(object, names, found, COUNT(names)) != 0)
        return ERR_PROTO;
    memcpy(out, found, sizeof(found));
    return out->id.type == SCAN_STRING ? 0 : ERR_PROTO;
}

static void flag_take(const struct scan_value *value, bool *flag)
{
    if (value->type == SCAN_TRUE || value->type == SCAN_FALSE)
        *flag = value->type == SCAN_TRUE;
}

void coinbase_flags_take(const struct coinbase_product_text *text, struct coinbase_flags *flags)
{
    if (text->status.type == SCAN_STRING) {
        flags->is_delisted = scan_is(&text->status, "delisted");
        flags->is_offline = !flags->is_delisted && !scan_is(&text->status, "online");
    }
    flag_take(&text->trading_disabled, &flags->trading_disabled);
    flag_take(&text->cancel_only, &flags->cancel_only);
    flag_take(&text->post_only, &flags->post_only);
    flag_take(&text->limit_only, &flags->limit_only);
    flag_take(&text->auction_mode, &flags->auction_mode);
}

wire_trading_state coinbase_flags_state(const struct coinbase_flags *flags)
{
    if (flags->is_delisted)
        return TRADING_DELISTED;
    if (flags->is_offline || flags->trading_disabled)
        return TRADING_HALTED;
    if (flags->cancel_only)
        return TRADING_CANCEL_ONLY;
    if (flags->auction_mode)
        return TRADING_AUCTION;
    if (flags->post_only)
        return TRADING_POST_ONLY;
    return flags->limit_only ? TRADING_LIMIT_ONLY : TRADING_OPEN;
}

/* What goes into URLs and JSON as it is: nothing that would end a text or a path. */
static bool is_plain(const char *text)
{
    if (*text == '\0')
        return false;
    for (; *text; text++)
        if ((unsigned char)*text <= ' ' || (unsigned char)*text > '~' ||
            strchr("\"\\/@?&=#%+,", *text))
            return false;
    return true;
}

static int names_take(const struct coinbase_product_text *text, struct wire_instrument *out)
{
    if (text->base.type != SCAN_STRING || text->quote.type != SCAN_STRING)
        return ERR_PROTO;
    if (scan_text(&text->id, out->symbol, sizeof(out->symbol)) != 0 ||
        scan_text(&text->base, out->base, sizeof(out->base)) != 0 ||
        scan_text(&text->quote, out->quote, sizeof(out->quote)) != 0 || !is_plain(out->symbol) ||
        !is_plain(out->base) || !is_plain(out->quote))
        return ERR_RANGE;
    coinbase_copy(out->settle, sizeof(out->settle), out->quote);
    int len = snprintf(out->name, sizeof(out->name), "%s-%s", out->base, out->quote);
    return len > 0 && (size_t)len < sizeof(out->name) ? 0 : ERR_RANGE;
}

/* Decimals that an increment really uses: "0.01000000" has 2. */
static int increment_decimals(const struct scan_value *increment, int *decimals)
{
    int64_t value;
    int exp;

    if ((increment->type != SCAN_STRING && increment->type != SCAN_NUMBER) ||
        fixed_parse_natural(increment->text, increment->len, &value, &exp) != 0 || value <= 0)
        return ERR_PROTO;
    for (; exp > 0 && value % 10 == 0; exp--)
        value /= 10;
    *decimals = exp;
    return 0;
}

static int decimal_take(const struct scan_value *value, int exp, int64_t *out)
{
    if (value->type == SCAN_NONE || value->type == SCAN_NULL || value->len == 0)
        return 0;
    return scan_decimal(value, exp, out);
}

/* Lists of before 2022 have no base_increment: the satoshi was the step of everything. */
static const struct scan_value step_of_old = { SCAN_STRING, "0.00000001", 10 };

static int rules_take(const struct coinbase_product_text *text, const struct wire_instrument *known,
                      struct wire_instrument *out)
{
    const struct scan_value *step =
        text->base_increment.type == SCAN_NONE ? &step_of_old : &text->base_increment;
    int price_decimals, qty_decimals, price_exp, qty_exp;

    if (increment_decimals(&text->quote_increment, &price_decimals) != 0 ||
        increment_decimals(step, &qty_decimals) != 0)
        return ERR_PROTO;
    instrument_exponents(price_decimals, qty_decimals, NULL, &price_exp, &qty_exp);
    if (known) {
        price_exp = known->price_exp;
        qty_exp = known->qty_exp;
    }
    if (scan_decimal(&text->quote_increment, price_exp, &out->tick_size) != 0 ||
        scan_decimal(step, qty_exp, &out->lot_size) != 0 ||
        decimal_take(&text->min_funds, COINBASE_EXP, &out->min_notional) != 0)
        return ERR_RANGE;
    out->min_qty = out->lot_size;
    if (decimal_take(&text->min_size, qty_exp, &out->min_qty) != 0)
        return ERR_RANGE;
    if (decimal_take(&text->max_size, qty_exp, &out->max_qty) != 0)
        out->max_qty = 0; /* More than can be said: no limit that could bind. */
    out->price_exp = (int8_t)price_exp;
    out->qty_exp = (int8_t)qty_exp;
    out->price_decimals = (int8_t)price_decimals;
    out->qty_decimals = (int8_t)qty_decimals;
    out->amount_exp = COINBASE_EXP;
    out->contract_size = fixed_pow10(COINBASE_EXP);
    return 0;
}

int coinbase_definition(const struct coinbase_product_text *text,
                        const struct coinbase_flags *flags, const char *venue,
                        const struct wire_instrument *known, struct wire_instrument *out)
{
    struct wire_instrument made;

    WIRE_BEGIN(&made, instrument);
    int err = names_take(text, &made);
    if (!err)
        err = rules_take(text, known, &made);
    if (err)
        return err;
    coinbase_copy(made.venue, sizeof(made.venue), venue);
    made.kind = INSTRUMENT_SPOT;
    made.state = coinbase_flags_state(flags);
    made.header.instrument = instrument_id(venue, INSTRUMENT_SPOT, made.symbol);
    *out = made;
    return 0;
}
