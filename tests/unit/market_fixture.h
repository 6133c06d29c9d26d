/* market_fixture.h - definitions and books for the tests of everything that reads 6001. Prices and
 * quantities have 2 and 4 decimals in the arguments: easy to read; 8 and 8 in the events. */
#ifndef TICKPIPE_TESTS_UNIT_MARKET_FIXTURE_H
#define TICKPIPE_TESTS_UNIT_MARKET_FIXTURE_H

#include "common/pure/instrument.h"
#include "common/pure/topology.h"
#include "common/pure/wire.h"

#include <string.h>

#define PRICE(cents)         ((int64_t)(cents)*1000000)
#define QTY(ten_thousandths) ((int64_t)(ten_thousandths)*10000)
#define AMOUNT(units)        ((int64_t)(units)*100000000)

static inline uint64_t fixture_id(unsigned account)
{
    return instrument_id(account == 1 ? "binance" : "kraken", INSTRUMENT_SPOT, "BTC-USDT");
}

static inline void fixture_define(struct wire_instrument *out, unsigned account,
                                  int32_t taker_fee_ppm)
{
    WIRE_BEGIN(out, instrument);
    out->header.account = (uint16_t)account;
    out->header.publisher = PUBLISHER(ROLE_MARKET_GATEWAY, account);
    out->header.instrument = fixture_id(account);
    strcpy(out->venue, account == 1 ? "binance" : "kraken");
    strcpy(out->symbol, "BTC-USDT");
    strcpy(out->name, "BTC-USDT");
    strcpy(out->base, "BTC");
    strcpy(out->quote, "USDT");
    strcpy(out->settle, "USDT");
    out->tick_size = PRICE(1);
    out->lot_size = QTY(1);
    out->min_qty = QTY(1);
    out->min_notional = AMOUNT(5);
    out->contract_size = AMOUNT(1);
    out->taker_fee_ppm = taker_fee_ppm;
    out->price_exp = out->qty_exp = out->amount_exp = 8;
    out->price_decimals = 2;
    out->qty_decimals = 4;
    out->kind = INSTRUMENT_SPOT;
    out->state = TRADING_OPEN;
}

/* A snapshot of one bid and one ask, and further levels one unit of price away with ten times the
 * quantity. */
static inline const struct wire_header *fixture_book(struct wire_book_delta *out, unsigned account,
                                                     int64_t bid, int64_t bid_qty, int64_t ask,
                                                     int64_t ask_qty)
{
    wire_book_begin(out, WIRE_book_snapshot);
    out->header.account = (uint16_t)account;
    out->header.publisher = PUBLISHER(ROLE_MARKET_GATEWAY, account);
    out->header.instrument = fixture_id(account);
    out->price_exp = out->qty_exp = 8;
    out->is_last = 1;
    out->bid_count = out->ask_count = 2;
    out->levels[0] = (struct wire_level){ bid, bid_qty };
    out->levels[1] = (struct wire_level){ bid - PRICE(100), bid_qty * 10 };
    out->levels[2] = (struct wire_level){ ask, ask_qty };
    out->levels[3] = (struct wire_level){ ask + PRICE(100), ask_qty * 10 };
    wire_book_end(out);
    return &out->header;
}

#endif
