#include "common/leaf/fixed.h"
#include "common/pure/instrument.h"
#include "venues/deribit/feed.h"

#include <stdio.h>
#include <string.h>

/* ---- the table ---- */

static uint8_t *slot_of(struct deribit_feed *feed, const char *symbol, size_t len)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)symbol[i]) * 16777619u;
    for (;; hash++) {
        uint8_t *slot = &feed->slots[hash % DERIBIT_MARKET_SLOTS];
        const struct deribit_market *market = *slot ? &feed->markets[*slot - 1] : NULL;
        if (!market || (memcmp(market->symbol, symbol, len) == 0 && market->symbol[len] == '\0'))
            return slot;
    }
}

/* Before its definition nobody knows what it is: its id is then that of a perpetual. */
static void name_symbol(struct deribit_feed *feed, struct deribit_market *market,
                        const char *symbol, wire_instrument_kind kind)
{
    snprintf(market->symbol, sizeof(market->symbol), "%s", symbol);
    market->instrument = instrument_id("deribit", kind, market->symbol);
    *slot_of(feed, symbol, strlen(symbol)) = (uint8_t)(market - feed->markets + 1);
}

static bool is_plain(const char *symbol)
{
    if (*symbol == '\0')
        return false;
    for (; *symbol; symbol++)
        if ((unsigned char)*symbol <= ' ' || (unsigned char)*symbol >= 0x7f ||
            strchr("\"\\/@?&=#%+,.", *symbol))
            return false;
    return true;
}

int deribit_decimals(const struct scan_value *number)
{
    int64_t value;
    int exp;

    if (fixed_parse_natural(number->text, number->len, &value, &exp) != 0)
        return 0;
    for (; exp > 0 && value % 10 == 0; exp--)
        value /= 10;
    return exp;
}

void deribit_scale(struct deribit_market *market, int price_decimals, int qty_decimals)
{
    int price_exp, qty_exp;

    if (market->is_scaled)
        return;
    instrument_exponents(price_decimals, qty_decimals, NULL, &price_exp, &qty_exp);
    market->book.price_exp = (int8_t)price_exp;
    market->book.qty_exp = (int8_t)qty_exp;
    market->is_scaled = true;
}

void deribit_market_publish_definition(const struct deribit_call *call,
                                       struct deribit_market *market, bool is_repeat)
{
    struct wire_instrument definition = market->definition;

    definition.header.flags = is_repeat ? WIRE_SNAPSHOT : 0;
    deribit_emit(call, &definition.header);
}

/* ---- definitions ---- */

enum { NOT_LISTED = 0 };

struct listing {
    struct scan_value symbol, kind, period, type, base, quote, settle, tick, lot, min_qty;
    struct scan_value maker, taker, is_active;
};

static int listing_read(const struct scan_value *object, struct listing *out)
{
    static const struct {
        const char *name;
        size_t offset;
    } members[] = {
        { "instrument_name", offsetof(struct listing, symbol) },
        { "kind", offsetof(struct listing, kind) },
        { "settlement_period", offsetof(struct listing, period) },
        { "instrument_type", offsetof(struct listing, type) },
        { "future_type", offsetof(struct listing, type) },
        { "base_currency", offsetof(struct listing, base) },
        { "quote_currency", offsetof(struct listing, quote) },
        { "settlement_currency", offsetof(struct listing, settle) },
        { "tick_size", offsetof(struct listing, tick) },
        { "contract_size", offsetof(struct listing, lot) },
        { "min_trade_amount", offsetof(struct listing, min_qty) },
        { "maker_commission", offsetof(struct listing, maker) },
        { "taker_commission", offsetof(struct listing, taker) },
        { "is_active", offsetof(struct listing, is_active) },
    };
    struct scan_iter iter;
    struct scan_value key, value;
    int err = object->type == SCAN_OBJECT ? scan_begin(&iter, object) : ERR_PROTO;

    *out = (struct listing){ .symbol = { .type = SCAN_NONE } };
    while (!err && (err = scan_member(&iter, &key, &value)) == 0)
        for (size_t i = 0; i < COUNT(members); i++)
            if (scan_is(&key, members[i].name))
                *(struct scan_value *)(void *)((char *)out + members[i].offset) = value;
    return err == ERR_NOT_FOUND && out->symbol.type == SCAN_STRING &&
                   out->kind.type == SCAN_STRING && out->base.type == SCAN_STRING &&
                   out->quote.type == SCAN_STRING
               ? 0
               : ERR_PROTO;
}

/* Spot and linear perpetuals; options, dated and inverse futures, and combinations are not listed.
 */
static wire_instrument_kind kind_of(const struct listing *listing)
{
    if (scan_is(&listing->kind, "spot"))
        return INSTRUMENT_SPOT;
    bool is_perpetual = scan_is(&listing->kind, "future") && listing->period.type == SCAN_STRING &&
                        scan_is(&listing->period, "perpetual") &&
                        listing->type.type == SCAN_STRING && scan_is(&listing->type, "linear");
    return is_perpetual ? INSTRUMENT_PERPETUAL : NOT_LISTED;
}

static int names_read(const struct listing *listing, struct wire_instrument *out)
{
    const struct scan_value *settle =
        listing->settle.type == SCAN_STRING ? &listing->settle : &listing->quote;

    if (scan_text(&listing->symbol, out->symbol, sizeof(out->symbol)) != 0 ||
        !is_plain(out->symbol) || scan_text(&listing->base, out->base, sizeof(out->base)) != 0 ||
        scan_text(&listing->quote, out->quote, sizeof(out->quote)) != 0 ||
        scan_text(settle, out->settle, sizeof(out->settle)) != 0)
        return ERR_RANGE;
    int len = snprintf(out->name, sizeof(out->name), "%s-%s%s", out->base, out->quote,
                       out->kind == INSTRUMENT_PERPETUAL ? "-PERP" : "");
    return len > 0 && (size_t)len < sizeof(out->name) ? 0 : ERR_RANGE;
}

/* 0.0005 is 500 parts per million. */
static int32_t fee_read(const struct scan_value *value, int32_t otherwise)
{
    int64_t ppm;

    return value->type == SCAN_NUMBER && scan_decimal(value, 6, &ppm) == 0 && ppm > -1000000 &&
                   ppm < 1000000
               ? (int32_t)ppm
               : otherwise;
}

/* Amounts of linear contracts are in base units, multiples of the contract's size. */
static int steps_read(const struct listing *listing, const struct deribit_market *scaled,
                      struct wire_instrument *out)
{
    int price_exp, qty_exp;

    if (listing->tick.type != SCAN_NUMBER || listing->lot.type != SCAN_NUMBER)
        return ERR_PROTO;
    out->price_decimals = (int8_t)deribit_decimals(&listing->tick);
    out->qty_decimals = (int8_t)deribit_decimals(&listing->lot);
    instrument_exponents(out->price_decimals, out->qty_decimals, NULL, &price_exp, &qty_exp);
    if (scaled) {
        price_exp = scaled->book.price_exp;
        qty_exp = scaled->book.qty_exp;
    }
    if (scan_decimal(&listing->tick, price_exp, &out->tick_size) != 0 ||
        scan_decimal(&listing->lot, qty_exp, &out->lot_size) != 0 || out->tick_size <= 0 ||
        out->lot_size <= 0)
        return ERR_RANGE;
    out->min_qty = out->lot_size;
    if (listing->min_qty.type == SCAN_NUMBER &&
        scan_decimal(&listing->min_qty, qty_exp, &out->min_qty) != 0)
        return ERR_RANGE;
    out->price_exp = (int8_t)price_exp;
    out->qty_exp = (int8_t)qty_exp;
    out->contract_size = fixed_pow10(DERIBIT_EXP);
    return out->kind == INSTRUMENT_PERPETUAL
               ? scan_decimal(&listing->lot, DERIBIT_EXP, &out->contract_size)
               : 0;
}

static int definition_read(const struct deribit_feed *feed, const struct listing *listing,
                           const struct deribit_market *scaled, struct wire_instrument *out)
{
    struct wire_instrument made;

    WIRE_BEGIN(&made, instrument);
    made.kind = kind_of(listing);
    if (made.kind == NOT_LISTED)
        return ERR_UNSUPPORTED;
    made.amount_exp = DERIBIT_EXP;
    int err = names_read(listing, &made);
    if (!err)
        err = steps_read(listing, scaled, &made);
    if (err)
        return err;
    snprintf(made.venue, sizeof(made.venue), "deribit");
    made.maker_fee_ppm = fee_read(&listing->maker, feed->maker_ppm);
    made.taker_fee_ppm = fee_read(&listing->taker, feed->taker_ppm);
    made.state = listing->is_active.type == SCAN_TRUE    ? TRADING_OPEN
                 : listing->is_active.type == SCAN_FALSE ? TRADING_DELISTED
                                                         : TRADING_UNKNOWN;
    made.header.instrument = instrument_id("deribit", made.kind, made.symbol);
    *out = made;
    return 0;
}

/* Which market a definition is of. Live: the one configured under its canonical name. */
static struct deribit_market *market_of(struct deribit_feed *feed,
                                        const struct wire_instrument *definition)
{
    uint8_t slot = *slot_of(feed, definition->symbol, strlen(definition->symbol));

    if (slot)
        return &feed->markets[slot - 1];
    for (unsigned i = 0; i < feed->market_count; i++) {
        struct deribit_market *market = &feed->markets[i];
        if (market->is_wanted && !*market->symbol && strcmp(market->name, definition->name) == 0) {
            name_symbol(feed, market, definition->symbol, definition->kind);
            return market;
        }
    }
    return NULL;
}

static void take(const struct deribit_call *call, struct deribit_market *market,
                 const struct wire_instrument *definition)
{
    if (market->is_defined &&
        memcmp(definition, &market->definition, sizeof(market->definition)) == 0)
        return;
    market->instrument = definition->header.instrument;
    market->book.price_exp = definition->price_exp;
    market->book.qty_exp = definition->qty_exp;
    market->is_scaled = true;
    market->definition = *definition;
    market->is_defined = true;
    memcpy(market->name, definition->name, sizeof(market->name));
    deribit_market_publish_definition(call, market, false);
}

void deribit_market_define(const struct deribit_call *call, const struct scan_value *object)
{
    struct deribit_feed *feed = call->feed;
    struct wire_instrument made;
    struct listing listing;
    int err = listing_read(object, &listing);

    if (!err)
        err = definition_read(feed, &listing, NULL, &made);
    feed->metadata_bad += err != 0 && err != ERR_UNSUPPORTED;
    if (err)
        return;
    struct deribit_market *market = market_of(feed, &made);
    if (!market) {
        if (feed->known && feed->known_count < DERIBIT_KNOWN_MAX)
            feed->known[feed->known_count++] = made;
        return;
    }
    if (market->is_scaled && definition_read(feed, &listing, market, &made) != 0) {
        deribit_note(call, "definition_refused", "%s: a step finer than the exponents fixed before",
                     market->symbol);
        return;
    }
    take(call, market, &made);
}

struct deribit_market *deribit_market_by_symbol(const struct deribit_call *call, const char *symbol,
                                                size_t len)
{
    struct deribit_feed *feed = call->feed;
    char text[32];

    if (len == 0 || len >= sizeof(text))
        return NULL;
    uint8_t slot = *slot_of(feed, symbol, len);
    if (slot)
        return &feed->markets[slot - 1];
    if (!feed->takes_any_symbol)
        return NULL;
    memcpy(text, symbol, len);
    text[len] = '\0';
    if (strlen(text) != len || !is_plain(text))
        return NULL;
    if (feed->market_count == feed->markets_max) {
        feed->markets_refused++;
        return NULL;
    }
    struct deribit_market *market = &feed->markets[feed->market_count++];
    name_symbol(feed, market, text, INSTRUMENT_PERPETUAL);
    for (unsigned i = feed->known_count; i-- > 0;)
        if (strcmp(feed->known[i].symbol, text) == 0) {
            take(call, market, &feed->known[i]);
            break;
        }
    return market;
}
