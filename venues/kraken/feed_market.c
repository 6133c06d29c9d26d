#include "common/pure/instrument.h"
#include "venues/kraken/feed.h"

#include <stdio.h>

static uint8_t *slot_of(struct kraken_feed *feed, const char *symbol, size_t len)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)symbol[i]) * 16777619u;
    for (;; hash++) {
        uint8_t *slot = &feed->slots[hash % KRAKEN_MARKET_SLOTS];
        const struct kraken_market *market = *slot ? &feed->markets[*slot - 1] : NULL;
        if (!market || (memcmp(market->symbol, symbol, len) == 0 && market->symbol[len] == '\0'))
            return slot;
    }
}

struct kraken_market *kraken_feed_market_add(struct kraken_feed *feed, const char *symbol)
{
    uint8_t *slot = slot_of(feed, symbol, strlen(symbol));

    if (*slot)
        return &feed->markets[*slot - 1];
    if (feed->market_count == feed->markets_max) {
        feed->markets_refused++;
        return NULL;
    }
    struct kraken_market *market = &feed->markets[feed->market_count++];
    *slot = (uint8_t)feed->market_count;
    snprintf(market->symbol, sizeof(market->symbol), "%s", symbol);
    market->instrument = instrument_id("kraken", INSTRUMENT_SPOT, market->symbol);
    market->depth = feed->depth;
    market->is_depth_known = !feed->takes_any_symbol;
    return market;
}

/* Lays the system's state over the pair's own: the stricter one holds. */
wire_trading_state kraken_feed_effective_state(const struct kraken_feed *feed,
                                               const struct kraken_market *market)
{
    if (feed->is_maintenance)
        return TRADING_HALTED;
    if (feed->system == TRADING_CANCEL_ONLY &&
        (market->pair_state == TRADING_OPEN || market->pair_state == TRADING_POST_ONLY ||
         market->pair_state == TRADING_LIMIT_ONLY))
        return TRADING_CANCEL_ONLY;
    if (feed->system == TRADING_POST_ONLY &&
        (market->pair_state == TRADING_OPEN || market->pair_state == TRADING_LIMIT_ONLY))
        return TRADING_POST_ONLY;
    return market->pair_state;
}

void kraken_feed_publish_definition(const struct kraken_call *call, struct kraken_market *market,
                                    bool is_repeat)
{
    struct wire_instrument definition = market->definition;

    definition.header.flags = is_repeat ? WIRE_SNAPSHOT : 0;
    kraken_feed_emit(call, &definition.header);
}

/* Takes what the metadata says of a pair into its market and publishes a change. */
static void define(const struct kraken_call *call, struct kraken_market *market,
                   const struct kraken_pair *pair)
{
    struct kraken_feed *feed = call->feed;
    struct wire_instrument definition;

    kraken_market_scale(market, pair->price_decimals, pair->qty_decimals);
    market->pair_state = pair->state;
    if (kraken_definition(pair, market->book.price_exp, market->book.qty_exp, feed->maker_ppm,
                          feed->taker_ppm, &definition) != 0) {
        kraken_feed_note(call, "definition_refused",
                         "%s: a step finer than the exponents fixed before", market->symbol);
        return;
    }
    definition.state = kraken_feed_effective_state(feed, market);
    if (market->is_defined && memcmp(&definition, &market->definition, sizeof(definition)) == 0)
        return;
    market->definition = definition;
    market->is_defined = true;
    market->is_refused = false;
    kraken_feed_publish_definition(call, market, false);
}

void kraken_feed_on_pair(void *ctx, const struct kraken_pair *pair)
{
    const struct kraken_call *call = ctx;
    struct kraken_feed *feed = call->feed;
    uint8_t *slot = slot_of(feed, pair->symbol, strlen(pair->symbol));
    struct kraken_market *market = *slot ? &feed->markets[*slot - 1] : NULL;

    /* In a replay room goes first to what has frames: a definition alone opens a market while there
     * is plenty, and the table of names keeps the rest. */
    if (!market && feed->takes_any_symbol && feed->market_count < feed->markets_max / 2)
        market = kraken_feed_market_add(feed, pair->symbol);
    if (market)
        define(call, market, pair);
}

struct kraken_market *kraken_feed_market(const struct kraken_call *call,
                                         const struct scan_value *symbol)
{
    struct kraken_feed *feed = call->feed;
    char text[32], modern[32];

    if (symbol->type != SCAN_STRING || symbol->len >= sizeof(text))
        return NULL;
    uint8_t *slot = slot_of(feed, symbol->text, symbol->len);
    if (*slot)
        return &feed->markets[*slot - 1];
    if (!feed->takes_any_symbol || scan_text(symbol, text, sizeof(text)) != 0 ||
        kraken_symbol_of(text, modern) != 0 || strcmp(text, modern) != 0)
        return NULL;
    struct kraken_market *market = kraken_feed_market_add(feed, text);
    const struct kraken_pair *pair = kraken_pair_by_symbol(&feed->names, text);
    if (market && pair)
        define(call, market, pair);
    return market;
}
