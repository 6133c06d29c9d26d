/* exchangeInfo of futures: the linear perpetuals in it. */
#include "common/pure/instrument.h"
#include "venues/binance_futures/binance_futures.h"

#include <stdio.h>

wire_trading_state futures_state_of(const struct scan_value *status)
{
    if (scan_is(status, "TRADING"))
        return TRADING_OPEN;
    if (scan_is(status, "DELIVERED") || scan_is(status, "CLOSE"))
        return TRADING_DELISTED;
    if (scan_is(status, "PENDING_TRADING") || scan_is(status, "PRE_DELIVERING") ||
        scan_is(status, "DELIVERING") || scan_is(status, "PRE_SETTLE") ||
        scan_is(status, "SETTLING"))
        return TRADING_HALTED;
    return TRADING_UNKNOWN;
}

/* Perpetual, margined and paid in its quote asset. Dated contracts, those on shares and commodities
 * (which close overnight) and inverse ones (margined in the base asset) are not listed. */
static int contract_read(const struct scan_value *symbol, struct wire_instrument *out)
{
    struct scan_value type, margin;

    if (scan_find(symbol, "contractType", &type) != 0 || type.type != SCAN_STRING ||
        scan_find(symbol, "marginAsset", &margin) != 0 || margin.type != SCAN_STRING)
        return ERR_PROTO;
    if (!scan_is(&type, "PERPETUAL") || !scan_is(&margin, out->quote))
        return ERR_RANGE;
    return scan_text(&margin, out->settle, sizeof(out->settle));
}

static int definition_read(const struct scan_value *symbol, const char *venue,
                           const struct wire_instrument *known, struct wire_instrument *out)
{
    struct wire_instrument made;
    struct scan_value status = { SCAN_STRING, "", 0 };

    if (symbol->type != SCAN_OBJECT)
        return ERR_PROTO;
    WIRE_BEGIN(&made, instrument);
    int err = binance_names_read(symbol, "-PERP", &made);
    if (!err)
        err = contract_read(symbol, &made);
    if (!err)
        err = binance_rules_read(symbol, known, &made);
    if (err)
        return err;
    (void)scan_find(symbol, "status", &status);
    binance_copy(made.venue, sizeof(made.venue), venue);
    made.kind = INSTRUMENT_PERPETUAL;
    made.state = futures_state_of(&status);
    made.header.instrument = instrument_id(venue, INSTRUMENT_PERPETUAL, made.symbol);
    *out = made;
    return 0;
}

/* It takes no list of symbols. */
static void info_path(const char *const *symbols, size_t count, char *out, size_t cap)
{
    (void)symbols;
    (void)count;
    binance_copy(out, cap, "/fapi/v1/exchangeInfo");
}

const struct binance_product binance_futures_product = { .kind = INSTRUMENT_PERPETUAL,
                                                         .info_weight = 1,
                                                         .definition_read = definition_read,
                                                         .info_path = info_path };
