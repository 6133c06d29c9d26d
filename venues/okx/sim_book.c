/* A book as its subscribers have it (2.3, 3): snapshot, updates with their sequence, the checksum
 * of former times, REST's view of it. */
#include "venues/okx/sim_okx.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { CHECKSUM_LEVELS = 25 };
static const int64_t IDLE_BOOK_NS = 60 * NS_PER_S;

static bool has_option(const struct osim *osim, const char *word)
{
    return osim->sim->options && strstr(osim->sim->options, word);
}

/* ---- the book as subscribers have it ---- */

uint32_t osim_take_top(const struct match_side *side, uint32_t depth, struct osim_level *out)
{
    uint32_t count = 0;

    for (const struct match_level *level; count < depth && (level = match_level_at(side, count));
         count++)
        out[count] = (struct osim_level){ level->price, level->qty, level->order_count };
    return count;
}

static void add_level(const struct exchange_instrument *instrument, const struct osim_level *level,
                      bool *is_first, struct sim_text *out)
{
    sim_textf(out, "%s[\"", *is_first ? "" : ",");
    osim_number(out, level->price);
    sim_textf(out, "\",\"");
    osim_number(out, osim_size(instrument, level->qty));
    sim_textf(out, "\",\"0\",\"%u\"]", level->orders);
    *is_first = false;
}

void osim_add_side(const struct exchange_instrument *instrument, const struct osim_level *levels,
                   uint32_t count, struct sim_text *out)
{
    bool is_first = true;

    for (uint32_t i = 0; i < count; i++)
        add_level(instrument, &levels[i], &is_first, out);
}

/* Both lists are sorted, best first: what differs is found in one walk. A level that left the 400
 * is deleted too. */
static bool add_changes(const struct exchange_instrument *instrument, bool is_bid,
                        const struct osim_level *before, uint32_t before_count,
                        const struct osim_level *after, uint32_t after_count, struct sim_text *out)
{
    bool is_first = true;
    uint32_t b = 0, a = 0;

    while (b < before_count || a < after_count) {
        bool is_same = b < before_count && a < after_count && before[b].price == after[a].price;
        bool is_gone = !is_same && b < before_count &&
                       (a == after_count || (is_bid ? before[b].price > after[a].price
                                                    : before[b].price < after[a].price));
        if (is_gone) {
            struct osim_level gone = { before[b++].price, 0, 0 };
            add_level(instrument, &gone, &is_first, out);
        } else if (!is_same) {
            add_level(instrument, &after[a++], &is_first, out);
        } else {
            if (before[b].qty != after[a].qty)
                add_level(instrument, &after[a], &is_first, out);
            a++;
            b++;
        }
    }
    return !is_first;
}

/* bid, ask, bid, ask: prices and sizes as they are written, joined by colons (3.3). */
static int32_t checksum(const struct exchange_instrument *instrument,
                        const struct osim_shadow *shadow)
{
    struct sim_text text = { 0 };

    sim_text_add(&text, "", 0);
    for (uint32_t i = 0; i < CHECKSUM_LEVELS; i++)
        for (int side = 0; side < 2; side++) {
            const struct osim_level *levels = side == 0 ? shadow->bids : shadow->asks;
            if (i >= (side == 0 ? shadow->bid_count : shadow->ask_count))
                continue;
            sim_textf(&text, "%s", text.len ? ":" : "");
            osim_number(&text, levels[i].price);
            sim_textf(&text, ":");
            osim_number(&text, osim_size(instrument, levels[i].qty));
        }
    uLong crc = crc32(crc32(0, NULL, 0), (const Bytef *)text.at, (uInt)text.len);
    sim_text_free(&text);
    return (int32_t)(uint32_t)crc;
}

/* 0 since June of 2026; the option "checksum" brings the old days back. A fault makes it wrong. */
static void add_tail(struct osim *osim, const struct exchange_instrument *instrument,
                     const struct osim_shadow *shadow, int64_t previous, struct sim_text *out)
{
    int32_t sum = has_option(osim, "checksum") ? checksum(instrument, shadow) : 0;

    if (sim_fault_take(osim->sim, SIM_FAULT_CORRUPT_CHECKSUM))
        sum = checksum(instrument, shadow) ^ 1;
    osim_pair_ms(out, "ts", osim->sim->now_ns);
    sim_textf(out, ",\"checksum\":%d,\"prevSeqId\":%lld,\"seqId\":%lld}]}", sum,
              (long long)previous, (long long)shadow->sequence);
}

struct osim_shadow *osim_shadow_of(struct osim *osim, uint32_t at)
{
    struct osim_market *market = &osim->markets[at];
    const struct match_book *book = &osim->sim->exchange->instruments[at].book;

    if (!market->shadow) {
        market->shadow = calloc(1, sizeof(*market->shadow));
        if (!market->shadow)
            abort(); /* A tool, not a trading process. */
        market->shadow->sequence = 335226848531 + (int64_t)(sim_random(&osim->random) >> 40);
        market->shadow->bid_count = osim_take_top(&book->bids, OSIM_LEVELS, market->shadow->bids);
        market->shadow->ask_count = osim_take_top(&book->asks, OSIM_LEVELS, market->shadow->asks);
        market->shadow->sent_ns = osim->sim->now_ns;
    }
    return market->shadow;
}

static void begin_push(const struct exchange_instrument *instrument, const char *channel,
                       const char *action, struct sim_text *out)
{
    sim_textf(out, "{\"arg\":{\"channel\":\"%s\",\"instId\":\"%s\"}", channel,
              instrument->config.symbol);
    if (action)
        sim_textf(out, ",\"action\":\"%s\"", action);
    sim_textf(out, ",\"data\":[");
}

void osim_book_snapshot(struct osim *osim, struct sim_ws *ws, uint32_t at)
{
    const struct exchange_instrument *instrument = &osim->sim->exchange->instruments[at];
    const struct osim_shadow *shadow = osim_shadow_of(osim, at);
    struct sim_text out = { 0 };

    if (has_option(osim, "no_snapshot"))
        return; /* As announced in February of 2026 (3.2). */
    begin_push(instrument, "books", "snapshot", &out);
    sim_textf(&out, "{\"asks\":[");
    osim_add_side(instrument, shadow->asks, shadow->ask_count, &out);
    sim_textf(&out, "],\"bids\":[");
    osim_add_side(instrument, shadow->bids, shadow->bid_count, &out);
    sim_textf(&out, "]");
    add_tail(osim, instrument, shadow, -1, &out);
    osim_send(ws, SIM_MARKET, &out);
    sim_text_free(&out);
}

/* A bid above the best ask, patched into the text only. */
static void cross(struct osim *osim, const struct exchange_instrument *instrument,
                  struct sim_text *out)
{
    int64_t ask = exchange_best(osim->sim->exchange, instrument->index, SIDE_SELL);
    const char *bids = strstr(out->at, "\"bids\":[");
    struct sim_text crossed = { 0 };
    struct osim_level level = { ask + instrument->config.tick, EXCHANGE_ONE, 1 };
    bool is_first = true;

    if (!ask || !bids || !sim_fault_take(osim->sim, SIM_FAULT_CROSS_BOOK))
        return;
    bids += strlen("\"bids\":[");
    sim_text_add(&crossed, out->at, (size_t)(bids - out->at));
    add_level(instrument, &level, &is_first, &crossed);
    sim_textf(&crossed, "%s%s", *bids == ']' ? "" : ",", bids);
    sim_text_free(out);
    *out = crossed;
}

static int64_t next_sequence(struct osim *osim, struct osim_shadow *shadow, bool is_idle)
{
    int64_t previous = shadow->sequence;

    if (shadow->is_reset)
        shadow->sequence = previous / 2;
    else if (!is_idle)
        shadow->sequence += 1 + (int64_t)(sim_random(&osim->random) >> 40) % 20;
    shadow->is_reset = false;
    return previous;
}

void osim_book_flush(struct osim *osim, uint32_t at)
{
    static struct osim_shadow now; /* One thread; too large for the stack. */
    const struct exchange_instrument *instrument = &osim->sim->exchange->instruments[at];
    struct osim_shadow *shadow = osim->markets[at].shadow;
    struct sim_text out = { 0 };

    now.bid_count = osim_take_top(&instrument->book.bids, OSIM_LEVELS, now.bids);
    now.ask_count = osim_take_top(&instrument->book.asks, OSIM_LEVELS, now.asks);
    begin_push(instrument, "books", "update", &out);
    sim_textf(&out, "{\"asks\":[");
    bool is_changed = add_changes(instrument, false, shadow->asks, shadow->ask_count, now.asks,
                                  now.ask_count, &out);
    sim_textf(&out, "],\"bids\":[");
    is_changed |= add_changes(instrument, true, shadow->bids, shadow->bid_count, now.bids,
                              now.bid_count, &out);
    sim_textf(&out, "]");
    bool is_idle = !is_changed && osim->sim->now_ns - shadow->sent_ns >= IDLE_BOOK_NS;
    if (is_changed || is_idle) {
        int64_t previous = next_sequence(osim, shadow, is_idle);
        memcpy(shadow->bids, now.bids, now.bid_count * sizeof(now.bids[0]));
        memcpy(shadow->asks, now.asks, now.ask_count * sizeof(now.asks[0]));
        shadow->bid_count = now.bid_count;
        shadow->ask_count = now.ask_count;
        shadow->sent_ns = osim->sim->now_ns;
        add_tail(osim, instrument, shadow, previous, &out);
        cross(osim, instrument, &out);
        bool is_skipped = sim_fault_take(osim->sim, SIM_FAULT_SKIP_SEQUENCE);
        for (struct sim_ws *ws = osim->sim->first_ws; ws && !is_skipped; ws = ws->next)
            if (((const struct osim_ws *)ws->state)->books[at])
                osim_send(ws, SIM_MARKET, &out);
    }
    sim_text_free(&out);
}

void osim_book_row(struct osim *osim, uint32_t at, uint32_t depth, bool has_sequence,
                   struct sim_text *out)
{
    const struct exchange_instrument *instrument = &osim->sim->exchange->instruments[at];
    struct osim_shadow *shadow = osim_shadow_of(osim, at);

    osim_book_flush(osim, at);
    sim_textf(out, "{\"asks\":[");
    osim_add_side(instrument, shadow->asks, MIN(depth, shadow->ask_count), out);
    sim_textf(out, "],\"bids\":[");
    osim_add_side(instrument, shadow->bids, MIN(depth, shadow->bid_count), out);
    sim_textf(out, "]");
    osim_pair_ms(out, "ts", osim->sim->now_ns);
    if (has_sequence)
        sim_textf(out, ",\"seqId\":%lld", (long long)shadow->sequence);
    sim_textf(out, "}");
}
