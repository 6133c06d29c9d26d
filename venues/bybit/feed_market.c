#include "common/pure/instrument.h"
#include "venues/bybit/feed.h"

#include <stdio.h>

static uint8_t *slot_of(struct bybit_feed *feed, enum bybit_category category, const char *symbol,
                        size_t len)
{
    uint32_t hash = 2166136261u + (uint32_t)category;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)symbol[i]) * 16777619u;
    for (;; hash++) {
        uint8_t *slot = &feed->slots[hash % BYBIT_MARKET_SLOTS];
        const struct bybit_market *market = *slot ? &feed->markets[*slot - 1] : NULL;
        if (!market || (market->category == category && memcmp(market->symbol, symbol, len) == 0 &&
                        market->symbol[len] == '\0'))
            return slot;
    }
}

/* The market now goes by that symbol. */
static void name_symbol(struct bybit_feed *feed, struct bybit_market *market, const char *symbol)
{
    bybit_copy(market->symbol, sizeof(market->symbol), symbol);
    market->instrument = instrument_id("bybit", bybit_kind(market->category), market->symbol);
    *slot_of(feed, market->category, symbol, strlen(symbol)) =
        (uint8_t)(market - feed->markets + 1);
}

/* Replay: a market that nobody has configured. */
static struct bybit_market *add(struct bybit_feed *feed, enum bybit_category category,
                                const char *symbol)
{
    if (feed->market_count == feed->markets_max) {
        feed->markets_refused++;
        return NULL;
    }
    struct bybit_market *market = &feed->markets[feed->market_count++];
    market->category = category;
    name_symbol(feed, market, symbol);
    return market;
}

int bybit_decimals(const struct scan_value *number)
{
    const char *point = memchr(number->text, '.', number->len);

    return point ? (int)(number->text + number->len - point - 1) : 0;
}

void bybit_market_scale(struct bybit_market *market, int price_decimals, int qty_decimals)
{
    int price_exp, qty_exp;

    if (market->is_scaled)
        return;
    instrument_exponents(price_decimals, qty_decimals, NULL, &price_exp, &qty_exp);
    market->book.price_exp = (int8_t)price_exp;
    market->book.qty_exp = (int8_t)qty_exp;
    market->is_scaled = true;
}

wire_trading_state bybit_market_effective_state(const struct bybit_feed *feed,
                                                const struct bybit_market *market)
{
    return feed->is_maintenance[market->category] && market->listed_state == TRADING_OPEN
               ? TRADING_HALTED
               : market->listed_state;
}

void bybit_market_publish_definition(const struct bybit_call *call, struct bybit_market *market,
                                     bool is_repeat)
{
    struct wire_instrument definition = market->definition;

    definition.header.flags = is_repeat ? WIRE_SNAPSHOT : 0;
    bybit_feed_emit(call, &definition.header);
}

/* Which market a definition is of. Live: the one configured under its canonical name. */
static struct bybit_market *market_of(struct bybit_feed *feed, enum bybit_category category,
                                      const struct wire_instrument *definition)
{
    uint8_t slot = *slot_of(feed, category, definition->symbol, strlen(definition->symbol));

    if (slot)
        return &feed->markets[slot - 1];
    for (unsigned i = 0; i < feed->market_count; i++) {
        struct bybit_market *market = &feed->markets[i];
        if (market->is_wanted && !*market->symbol && market->category == category &&
            strcmp(market->name, definition->name) == 0) {
            name_symbol(feed, market, definition->symbol);
            return market;
        }
    }
    return NULL;
}

static void take(const struct bybit_call *call, struct bybit_market *market,
                 const struct wire_instrument *definition, int64_t interval_ns)
{
    struct bybit_feed *feed = call->feed;
    struct wire_instrument made = *definition;

    market->book.price_exp = made.price_exp;
    market->book.qty_exp = made.qty_exp;
    market->is_scaled = true;
    market->listed_state = made.state;
    market->interval_ns = interval_ns;
    market->price_decimals = made.price_decimals;
    made.state = bybit_market_effective_state(feed, market);
    made.maker_fee_ppm = feed->maker_ppm;
    made.taker_fee_ppm = feed->taker_ppm;
    if (market->is_defined && memcmp(&made, &market->definition, sizeof(made)) == 0)
        return;
    market->definition = made;
    market->is_defined = true;
    market->is_refused = false;
    bybit_copy(market->name, sizeof(market->name), made.name);
    bybit_market_publish_definition(call, market, false);
}

/* Replay: a list of instruments comes before the frames say which of them matter. */
static void remember(struct bybit_feed *feed, const struct wire_instrument *definition,
                     int64_t interval_ns)
{
    if (feed->known && feed->known_count < BYBIT_KNOWN_MAX)
        feed->known[feed->known_count++] = (struct bybit_known){ *definition, interval_ns };
}

static void recall(const struct bybit_call *call, struct bybit_market *market)
{
    const struct bybit_feed *feed = call->feed;

    for (unsigned i = feed->known_count; i-- > 0;)
        if (feed->known[i].definition.header.instrument == market->instrument) {
            take(call, market, &feed->known[i].definition, feed->known[i].interval_ns);
            return;
        }
}

void bybit_market_define(const struct bybit_call *call, enum bybit_category category,
                         const struct scan_value *object)
{
    struct bybit_feed *feed = call->feed;
    struct wire_instrument made;
    int64_t interval_ns;
    int err = bybit_definition_read(object, category, NULL, &made, &interval_ns);

    feed->metadata_bad += err != 0 && err != ERR_UNSUPPORTED;
    if (err)
        return;
    struct bybit_market *market = market_of(feed, category, &made);
    if (!market) {
        remember(feed, &made, interval_ns);
        return;
    }
    if (market->is_scaled) {
        struct wire_instrument known = { .price_exp = market->book.price_exp,
                                         .qty_exp = market->book.qty_exp };
        if (bybit_definition_read(object, category, &known, &made, &interval_ns) != 0) {
            bybit_feed_note(call, "definition_refused",
                            "%s: a step finer than the exponents fixed before", market->symbol);
            return;
        }
    }
    take(call, market, &made, interval_ns);
}

struct bybit_market *bybit_market_by_symbol(const struct bybit_call *call,
                                            enum bybit_category category, const char *symbol,
                                            size_t len)
{
    struct bybit_feed *feed = call->feed;
    struct bybit_market *market;
    char text[32];

    if (len == 0 || len >= sizeof(text))
        return NULL;
    uint8_t *slot = slot_of(feed, category, symbol, len);
    if (*slot)
        return &feed->markets[*slot - 1];
    if (!feed->takes_any_symbol)
        return NULL;
    memcpy(text, symbol, len);
    text[len] = '\0';
    if (strlen(text) != len || !bybit_symbol_is_plain(text))
        return NULL;
    market = add(feed, category, text);
    if (market)
        recall(call, market);
    return market;
}
