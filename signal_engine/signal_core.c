#include "signal_engine/signal_core.h"

#include <stddef.h>
#include <string.h>

enum { CONFIDENCE_WHOLE = 1000000 };

void signal_core_init(struct signal_core *core, const struct signal_config *config,
                      struct market *market)
{
    memset(core, 0, offsetof(struct signal_core, pairs));
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

static int64_t funding_of(const struct market_book *book)
{
    return market_is_derivative(book) && book->funded_ns != 0 ? book->funding_ppb : 0;
}

static int64_t next_funding(const struct market_book *buy, const struct market_book *sell)
{
    int64_t of_buy = market_is_derivative(buy) ? buy->next_funding_ns : 0;
    int64_t of_sell = market_is_derivative(sell) ? sell->next_funding_ns : 0;

    return of_buy == 0 || (of_sell != 0 && of_sell < of_buy) ? of_sell : of_buy;
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
    event.buy_funding_ppb = funding_of(buy);
    event.sell_funding_ppb = funding_of(sell);
    event.next_funding_ns = next_funding(buy, sell);
    event.basis_ppm = signal_basis_ppm(buy, sell);
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

/* Why a book may take part in nothing now; NONE: it may. A derivative whose mark or funding is not
 * known cannot be judged: what holding it costs is half of what it is worth. */
static wire_reason unready(const struct signal_core *core, uint32_t slot, int64_t now_ns)
{
    const struct market_book *book = &core->market->books[slot];
    const struct signal_config *config = &core->config;

    if (!market_is_fresh(book, now_ns, config->max_age_ns))
        return REASON_BOOK_STALE;
    if (!market_is_derivative(book))
        return REASON_NONE;
    if (config->mark_max_age_ns &&
        (book->marked_ns == 0 || now_ns - book->marked_ns > config->mark_max_age_ns))
        return REASON_MARK_STALE;
    if (config->funding_max_age_ns &&
        (book->funded_ns == 0 || now_ns - book->funded_ns > config->funding_max_age_ns))
        return REASON_MARK_STALE;
    return REASON_NONE;
}

static struct signal_terms terms_of(const struct signal_core *core, const struct signal_pair *pair)
{
    const struct signal_config *config = &core->config;

    if (!pair->is_basis)
        return (struct signal_terms){ config->min_edge_ppm, config->min_net, config->max_notional,
                                      pair->haircut_ppm };
    return (struct signal_terms){ config->basis_min_edge_ppm,
                                  config->basis_min_edge_ppm < 0 ? INT64_MIN : config->min_net,
                                  config->max_notional, pair->haircut_ppm };
}

static void look(struct signal_core *core, struct signal_pair *pair, int64_t now_ns,
                 const struct signal_out *out)
{
    const struct signal_terms terms = terms_of(core, pair);
    struct signal_walk found;
    wire_reason why = unready(core, pair->buy, now_ns);

    if (why == REASON_NONE)
        why = unready(core, pair->sell, now_ns);
    if (why != REASON_NONE) {
        core->counters.stale_skips++;
        end(core, pair, why, now_ns, out);
        return;
    }
    /* A basis that is there stays for long, and moves with every change of either book. */
    if (pair->is_basis && pair->opportunity_id && now_ns < pair->next_look_ns) {
        pair->is_waiting = true;
        return;
    }
    pair->is_waiting = false;
    pair->next_look_ns = now_ns + core->config.basis_every_ns;
    core->counters.walks++;
    if (!signal_walk(&terms, &core->market->books[pair->buy], &core->market->books[pair->sell],
                     &found)) {
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

static uint32_t slot_of(const struct signal_core *core, const struct market_book *book)
{
    return (uint32_t)(book - core->market->books);
}

static void look_at_book(struct signal_core *core, const struct market_book *book, int64_t now_ns,
                         const struct signal_out *out)
{
    uint32_t slot = slot_of(core, book);

    for (uint32_t at = slot < SIGNAL_SLOTS_MAX ? core->first_of[slot] : 0; at != 0;) {
        struct signal_pair *pair = &core->pairs[at - 1];

        look(core, pair, now_ns, out);
        at = pair->buy == slot ? pair->next_of_buy : pair->next_of_sell;
    }
}

/* Of one gateway; 0: all. */
static void look_at_all(struct signal_core *core, uint16_t publisher, int64_t now_ns,
                        const struct signal_out *out)
{
    for (uint32_t i = 0; i < core->market->count; i++)
        if (publisher == 0 || core->market->books[i].publisher == publisher)
            look_at_book(core, &core->market->books[i], now_ns, out);
}

static void add_pair(struct signal_core *core, uint32_t buy, uint32_t sell, int32_t haircut_ppm,
                     bool is_basis)
{
    if (core->pair_count == SIGNAL_PAIRS_MAX) {
        core->counters.pairs_refused++;
        return;
    }
    core->pairs[core->pair_count++] = (struct signal_pair){ .buy = buy,
                                                            .sell = sell,
                                                            .next_of_buy = core->first_of[buy],
                                                            .next_of_sell = core->first_of[sell],
                                                            .haircut_ppm = haircut_ppm,
                                                            .is_basis = is_basis };
    core->first_of[buy] = core->first_of[sell] = core->pair_count;
}

static bool is_kind_wanted(const struct signal_core *core, const struct market_book *a,
                           const struct market_book *b)
{
    wire_instrument_kind low = MIN(a->definition.kind, b->definition.kind);
    wire_instrument_kind high = MAX(a->definition.kind, b->definition.kind);
    unsigned kind = 0;

    if (low == INSTRUMENT_SPOT && high == INSTRUMENT_SPOT)
        kind = SIGNAL_SPOT_SPOT;
    else if (low == INSTRUMENT_SPOT && high == INSTRUMENT_PERPETUAL)
        kind = SIGNAL_SPOT_PERPETUAL;
    else if (low == INSTRUMENT_PERPETUAL && high == INSTRUMENT_PERPETUAL)
        kind = SIGNAL_PERPETUAL_PERPETUAL;
    return core->config.kinds == 0 ? kind != 0 : (core->config.kinds & kind) != 0;
}

/* A first definition finds its partners among those that were defined before. What is compared here
 * does not change in an instrument's life. */
static void pair_up(struct signal_core *core, const struct market_book *book)
{
    uint32_t slot = slot_of(core, book);

    if (slot >= SIGNAL_SLOTS_MAX) {
        core->counters.pairs_refused++;
        return;
    }
    if (core->is_paired[slot])
        return;
    core->is_paired[slot] = true;
    for (uint32_t i = 0; i < core->market->count && i < SIGNAL_SLOTS_MAX; i++) {
        const struct market_book *other = &core->market->books[i];
        int32_t of_base, of_quote;

        if (i == slot || !core->is_paired[i] || !is_kind_wanted(core, book, other))
            continue;
        of_base = equal_assets_haircut(core->config.equals, core->config.equal_count,
                                       book->definition.base, other->definition.base);
        of_quote = equal_assets_haircut(core->config.equals, core->config.equal_count,
                                        book->definition.quote, other->definition.quote);
        if (of_base < 0 || of_quote < 0)
            continue;
        bool is_basis = market_is_derivative(book) != market_is_derivative(other);
        add_pair(core, slot, i, of_base + of_quote, is_basis);
        add_pair(core, i, slot, of_base + of_quote, is_basis);
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
        if (book)
            look_at_book(core, book, now_ns, out);
        else
            look_at_all(core, event->publisher, now_ns, out);
        break;
    case MARKET_NEEDS_SNAPSHOT:
        look_at_book(core, book, now_ns, out);
        out->need_snapshot(out->ctx, event->instrument);
        break;
    case MARKET_QUOTE: /* One level is not depth: opportunities are walked through books. */
    case MARKET_TRADE:
    case MARKET_MARK: /* Carried by the next look; a stale one is seen by the tick. */
    case MARKET_FUNDING:
    case MARKET_LIQUIDATION:
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
    look_at_all(core, publisher, now_ns, out);
    out->need_snapshot(out->ctx, 0);
}

void signal_core_restarted(struct signal_core *core, uint16_t publisher, int64_t now_ns,
                           const struct signal_out *out)
{
    market_restarted(core->market, publisher);
    core->origin_ns = now_ns;
    look_at_all(core, publisher, now_ns, out);
    out->need_snapshot(out->ctx, 0);
}

void signal_core_tick(struct signal_core *core, int64_t now_ns, const struct signal_out *out)
{
    core->origin_ns = now_ns;
    if (market_is_lacking(core->market, now_ns))
        out->need_snapshot(out->ctx, 0);
    for (uint32_t i = 0; i < core->pair_count; i++) {
        struct signal_pair *pair = &core->pairs[i];
        bool is_due = now_ns >= pair->valid_until_ns - core->config.valid_ns / 2 ||
                      (pair->is_waiting && now_ns >= pair->next_look_ns);

        if (pair->opportunity_id && (is_due || unready(core, pair->buy, now_ns) != REASON_NONE ||
                                     unready(core, pair->sell, now_ns) != REASON_NONE))
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
        const struct signal_terms terms = terms_of(core, pair);
        struct signal_walk found;

        if (pair->opportunity_id == 0 || !signal_walk(&terms, &core->market->books[pair->buy],
                                                      &core->market->books[pair->sell], &found))
            continue;
        publish(core, pair, &found, now_ns, out);
        sent++;
    }
    return sent;
}
