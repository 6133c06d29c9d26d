#include "signal_engine/signal_core.h"

#include <string.h>

enum { CONFIDENCE_WHOLE = 1000000 };

void signal_core_init(struct signal_core *core, const struct signal_config *config,
                      struct market *market)
{
    memset(core, 0, sizeof *core);
    core->config = *config;
    core->market = market;
    core->last_id = config->epoch;
}

static void end(struct signal_core *core, struct signal_pair *pair, wire_reason why, int64_t now_ns,
                const struct signal_out *out)
{
    struct wire_opportunity_end event;

    if (pair->opportunity_id == 0)
        return;
    WIRE_BEGIN(&event, opportunity_end);
    event.header.instrument = core->market->books[pair->buy].definition.header.instrument;
    event.header.cause = pair->opportunity_id;
    event.header.origin_ns = now_ns;
    event.opportunity_id = pair->opportunity_id;
    event.lasted_ns = now_ns - pair->since_ns;
    event.why = why;
    pair->opportunity_id = 0;
    core->counters.ends++;
    out->publish(out->ctx, &event.header);
}

/* Falls from whole to nothing as the older of both books nears the age at which it counts for
 * nothing. */
static uint32_t confidence(const struct signal_core *core, int64_t age_ns)
{
    if (age_ns <= 0)
        return CONFIDENCE_WHOLE;
    if (age_ns >= core->config.max_age_ns)
        return 0;
    return (uint32_t)((i128)CONFIDENCE_WHOLE * (core->config.max_age_ns - age_ns) /
                      core->config.max_age_ns);
}

static void publish(struct signal_core *core, struct signal_pair *pair,
                    const struct signal_walk *found, int64_t now_ns, const struct signal_out *out)
{
    const struct market_book *buy = &core->market->books[pair->buy];
    const struct market_book *sell = &core->market->books[pair->sell];
    struct wire_opportunity event;

    WIRE_BEGIN(&event, opportunity);
    event.header.instrument = buy->definition.header.instrument;
    event.header.cause = pair->opportunity_id;
    event.header.origin_ns = core->origin_ns;
    event.opportunity_id = pair->opportunity_id;
    event.buy_instrument = buy->definition.header.instrument;
    event.sell_instrument = sell->definition.header.instrument;
    event.buy_account = buy->account;
    event.sell_account = sell->account;
    event.buy_kind = buy->definition.kind;
    event.sell_kind = sell->definition.kind;
    event.buy_price = found->buy_price;
    event.sell_price = found->sell_price;
    event.buy_vwap = found->buy_vwap;
    event.sell_vwap = found->sell_vwap;
    event.qty = found->qty;
    event.gross = found->gross;
    event.fees = found->fees;
    event.net = found->net;
    event.edge_ppm = found->edge_ppm;
    event.price_exp = found->price_exp;
    event.qty_exp = found->qty_exp;
    event.amount_exp = SIGNAL_AMOUNT_EXP;
    event.buy_age_ns = now_ns - buy->heard_ns;
    event.sell_age_ns = now_ns - sell->heard_ns;
    event.confidence_ppm = confidence(core, MAX(event.buy_age_ns, event.sell_age_ns));
    event.valid_until_ns = pair->valid_until_ns;
    event.revision = pair->revision;
    out->publish(out->ctx, &event.header);
}

static bool is_same(const struct signal_pair *pair, const struct signal_walk *found)
{
    return pair->qty == found->qty && pair->net == found->net &&
           pair->buy_price == found->buy_price && pair->sell_price == found->sell_price;
}

static bool is_fresh(const struct signal_core *core, uint32_t slot, int64_t now_ns)
{
    return market_is_fresh(&core->market->books[slot], now_ns, core->config.max_age_ns);
}

static void look(struct signal_core *core, struct signal_pair *pair, int64_t now_ns,
                 const struct signal_out *out)
{
    struct signal_walk found;

    if (!is_fresh(core, pair->buy, now_ns) || !is_fresh(core, pair->sell, now_ns)) {
        core->counters.stale_skips++;
        end(core, pair, REASON_BOOK_STALE, now_ns, out);
        return;
    }
    core->counters.walks++;
    if (!signal_walk(&core->config, &core->market->books[pair->buy],
                     &core->market->books[pair->sell], &found)) {
        end(core, pair, REASON_NO_LIQUIDITY, now_ns, out);
        return;
    }
    /* An unchanged one is said again only when half of its time is over. */
    if (pair->opportunity_id && is_same(pair, &found) &&
        pair->valid_until_ns - now_ns > core->config.valid_ns / 2)
        return;
    if (pair->opportunity_id == 0) {
        pair->opportunity_id = ++core->last_id;
        pair->since_ns = now_ns;
        pair->revision = 0;
        core->counters.opportunities++;
    } else {
        pair->revision++;
        core->counters.updates++;
    }
    pair->qty = found.qty;
    pair->net = found.net;
    pair->buy_price = found.buy_price;
    pair->sell_price = found.sell_price;
    pair->valid_until_ns = now_ns + core->config.valid_ns;
    publish(core, pair, &found, now_ns, out);
}

static void look_at_book(struct signal_core *core, const struct market_book *book, int64_t now_ns,
                         const struct signal_out *out)
{
    uint32_t slot = (uint32_t)(book - core->market->books);

    for (uint32_t i = 0; i < core->pair_count; i++)
        if (core->pairs[i].buy == slot || core->pairs[i].sell == slot)
            look(core, &core->pairs[i], now_ns, out);
}

static void look_at_all(struct signal_core *core, int64_t now_ns, const struct signal_out *out)
{
    for (uint32_t i = 0; i < core->pair_count; i++)
        look(core, &core->pairs[i], now_ns, out);
}

static void add_pair(struct signal_core *core, uint32_t buy, uint32_t sell)
{
    for (uint32_t i = 0; i < core->pair_count; i++)
        if (core->pairs[i].buy == buy && core->pairs[i].sell == sell)
            return;
    if (core->pair_count == SIGNAL_PAIRS_MAX) {
        core->counters.pairs_refused++;
        return;
    }
    core->pairs[core->pair_count++] = (struct signal_pair){ .buy = buy, .sell = sell };
}

/* A new definition pairs with every instrument of the same canonical name on another account. */
static void pair_up(struct signal_core *core, const struct market_book *book)
{
    uint32_t slot = (uint32_t)(book - core->market->books);

    for (uint32_t i = 0; i < core->market->count; i++) {
        const struct market_book *other = &core->market->books[i];

        if (other->account == book->account ||
            strcmp(other->definition.name, book->definition.name) != 0)
            continue;
        add_pair(core, slot, i);
        add_pair(core, i, slot);
    }
}

void signal_core_event(struct signal_core *core, const struct wire_header *event, int64_t now_ns,
                       const struct signal_out *out)
{
    struct market_book *book = NULL;

    core->counters.events++;
    core->origin_ns = event->origin_ns;
    switch (market_event(core->market, event, now_ns, &book)) {
    case MARKET_DEFINED:
        pair_up(core, book);
        break;
    case MARKET_BOOK:
        look_at_book(core, book, now_ns, out);
        break;
    case MARKET_STATUS:
        look_at_all(core, now_ns, out);
        break;
    case MARKET_NEEDS_SNAPSHOT:
        look_at_book(core, book, now_ns, out);
        out->need_snapshot(out->ctx, event->instrument);
        break;
    case MARKET_QUOTE: /* One level is not depth: opportunities are walked through books. */
    case MARKET_TRADE:
    case MARKET_NOTHING:
        break;
    }
}

void signal_core_gap(struct signal_core *core, uint16_t publisher, uint16_t type, int64_t now_ns,
                     const struct signal_out *out)
{
    if (market_gap(core->market, publisher, type) == 0)
        return;
    core->origin_ns = now_ns;
    look_at_all(core, now_ns, out);
    out->need_snapshot(out->ctx, 0);
}

void signal_core_restarted(struct signal_core *core, uint16_t publisher, int64_t now_ns,
                           const struct signal_out *out)
{
    market_restarted(core->market, publisher);
    core->origin_ns = now_ns;
    look_at_all(core, now_ns, out);
    out->need_snapshot(out->ctx, 0);
}

void signal_core_tick(struct signal_core *core, int64_t now_ns, const struct signal_out *out)
{
    core->origin_ns = now_ns;
    if (market_is_lacking(core->market, now_ns))
        out->need_snapshot(out->ctx, 0);
    for (uint32_t i = 0; i < core->pair_count; i++) {
        struct signal_pair *pair = &core->pairs[i];
        bool is_due = now_ns >= pair->valid_until_ns - core->config.valid_ns / 2;

        if (pair->opportunity_id &&
            (is_due || !is_fresh(core, pair->buy, now_ns) || !is_fresh(core, pair->sell, now_ns)))
            look(core, pair, now_ns, out);
    }
}

unsigned signal_core_republish(struct signal_core *core, int64_t now_ns,
                               const struct signal_out *out)
{
    unsigned sent = 0;

    core->origin_ns = now_ns;
    for (uint32_t i = 0; i < core->pair_count; i++) {
        struct signal_pair *pair = &core->pairs[i];
        struct signal_walk found;

        if (pair->opportunity_id == 0 ||
            !signal_walk(&core->config, &core->market->books[pair->buy],
                         &core->market->books[pair->sell], &found))
            continue;
        publish(core, pair, &found, now_ns, out);
        sent++;
    }
    return sent;
}
