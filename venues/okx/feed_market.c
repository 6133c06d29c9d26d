#include "common/pure/instrument.h"
#include "venues/okx/feed.h"

#include <stdio.h>

static uint8_t *slot_of(struct okx_feed *feed, const char *symbol, size_t len)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)symbol[i]) * 16777619u;
    for (;; hash++) {
        uint8_t *slot = &feed->slots[hash % OKX_MARKET_SLOTS];
        const struct okx_market *market = *slot ? &feed->markets[*slot - 1] : NULL;
        if (!market || (memcmp(market->symbol, symbol, len) == 0 && market->symbol[len] == '\0'))
            return slot;
    }
}

struct okx_market *okx_market_add(struct okx_feed *feed)
{
    if (feed->market_count == feed->markets_max) {
        feed->markets_refused++;
        return NULL;
    }
    struct okx_market *market = &feed->markets[feed->market_count];
    market->connection = feed->market_count++ / OKX_PER_CONNECTION;
    market->kind = INSTRUMENT_SPOT;
    market->scale = okx_scale_plain;
    market->sequence = -1;
    return market;
}

/* Gives a market its symbol: from now on its frames are found. */
static void name_market(struct okx_feed *feed, struct okx_market *market, const char *symbol,
                        wire_instrument_kind kind)
{
    snprintf(market->symbol, sizeof(market->symbol), "%s", symbol);
    market->kind = kind;
    market->instrument = instrument_id("okx", kind, symbol);
    *slot_of(feed, symbol, strlen(symbol)) = (uint8_t)(market - feed->markets + 1);
}

static void take_scale(struct okx_market *market, struct okx_scale scale)
{
    market->scale = scale;
    market->book.price_exp = (int8_t)scale.price_exp;
    market->book.qty_exp = (int8_t)scale.qty_exp;
    market->is_scaled = true;
}

void okx_market_scale(struct okx_market *market, int price_decimals, int qty_decimals)
{
    struct okx_scale scale = okx_scale_plain;

    if (market->is_scaled)
        return;
    instrument_exponents(price_decimals, qty_decimals, NULL, &scale.price_exp, &scale.qty_exp);
    take_scale(market, scale);
}

void okx_market_publish_definition(const struct okx_call *call, struct okx_market *market,
                                   bool is_repeat)
{
    struct wire_instrument definition = market->definition;

    definition.header.flags = is_repeat ? WIRE_SNAPSHOT : 0;
    okx_feed_emit(call, &definition.header);
}

/* Takes what the metadata says into a market and publishes a change. What is not listed (inverse,
 * dated) has no definition: a replay shows its books as the venue counts them. */
static void define(const struct okx_call *call, struct okx_market *market,
                   const struct okx_meta *meta)
{
    struct okx_feed *feed = call->feed;
    struct wire_instrument definition;

    if (!market->is_scaled)
        take_scale(market, okx_scale_of(meta));
    snprintf(market->index, sizeof(market->index), "%s", meta->type == OKX_SWAP ? meta->index : "");
    market->price_decimals = MAX(market->price_decimals, meta->tick.exp);
    if (!*meta->name)
        return;
    if (okx_definition(meta, &market->scale, feed->maker_ppm, feed->taker_ppm, &definition) != 0) {
        okx_feed_note(call, "definition_refused",
                      "%s: a step or contract that the exponents fixed before cannot hold",
                      market->symbol);
        return;
    }
    if (feed->is_maintenance && definition.state != TRADING_DELISTED)
        definition.state = TRADING_HALTED;
    if (market->is_defined && memcmp(&definition, &market->definition, sizeof(definition)) == 0)
        return;
    market->definition = definition;
    market->is_defined = true;
    okx_market_publish_definition(call, market, false);
}

static struct okx_meta *catalog_find(struct okx_feed *feed, const char *symbol)
{
    for (unsigned i = 0; i < feed->catalog_count; i++)
        if (strcmp(feed->catalog[i].inst_id, symbol) == 0)
            return &feed->catalog[i];
    return NULL;
}

static void catalog_put(struct okx_feed *feed, const struct okx_meta *meta)
{
    struct okx_meta *known = catalog_find(feed, meta->inst_id);

    if (!known && feed->catalog_count < OKX_CATALOG_MAX)
        known = &feed->catalog[feed->catalog_count++];
    if (known)
        *known = *meta;
    else
        feed->catalog_refused++;
}

void okx_feed_on_meta(void *ctx, const struct okx_meta *meta)
{
    const struct okx_call *call = ctx;
    struct okx_feed *feed = call->feed;
    uint8_t *slot = slot_of(feed, meta->inst_id, strlen(meta->inst_id));
    struct okx_market *market = *slot ? &feed->markets[*slot - 1] : NULL;

    for (unsigned i = 0; !market && *meta->name && i < feed->market_count; i++)
        if (feed->markets[i].is_wanted && !*feed->markets[i].symbol &&
            strcmp(feed->markets[i].name, meta->name) == 0) {
            market = &feed->markets[i];
            name_market(feed, market, meta->inst_id, meta->kind);
        }
    if (feed->takes_any_symbol)
        catalog_put(feed, meta);
    /* In a replay room goes first to what has frames: a definition alone opens a market while there
     * is plenty. */
    if (!market && *meta->name && feed->takes_any_symbol &&
        feed->market_count < OKX_DEFINED_EARLY && (market = okx_market_add(feed)))
        name_market(feed, market, meta->inst_id, meta->kind);
    if (market)
        define(call, market, meta);
}

/* A name without the characters that would need care later. */
static bool is_symbol(const char *text)
{
    size_t len = strlen(text);

    for (size_t i = 0; i < len; i++)
        if (!((text[i] >= 'A' && text[i] <= 'Z') || (text[i] >= 'a' && text[i] <= 'z') ||
              (text[i] >= '0' && text[i] <= '9') || text[i] == '-' || text[i] == '_'))
            return false;
    return len > 0;
}

struct okx_market *okx_market_find(const struct okx_call *call, const struct scan_value *symbol)
{
    struct okx_feed *feed = call->feed;
    char text[32];

    if (symbol->type != SCAN_STRING || symbol->len == 0 || symbol->len >= sizeof(text))
        return NULL;
    uint8_t *slot = slot_of(feed, symbol->text, symbol->len);
    if (*slot)
        return &feed->markets[*slot - 1];
    if (!feed->takes_any_symbol || scan_text(symbol, text, sizeof(text)) != 0 || !is_symbol(text))
        return NULL;
    struct okx_market *market = okx_market_add(feed);
    const struct okx_meta *meta = market ? catalog_find(feed, text) : NULL;
    if (market)
        name_market(feed, market, text, meta ? meta->kind : INSTRUMENT_SPOT);
    if (meta)
        define(call, market, meta);
    return market;
}
