/* Instruments and fees of the order side. */
#include "venues/binance/order_view.h"

#include <stdio.h>

static void announce(const struct order_turn *turn, const struct order_pending *pending,
                     const struct order_symbol *symbol)
{
    struct venue_report report;

    order_report_begin(&report, REPORT_INSTRUMENT, pending);
    view_place_report(turn->order, &report, symbol->definition.symbol);
    report.definition = &symbol->definition;
    turn->out->report(turn->out->ctx, &report);
}

static void symbol_take(const struct order_turn *turn, const struct order_pending *pending,
                        const struct scan_value *object)
{
    struct binance_order *order = turn->order;
    const struct order_spec *specs = order->product->specs;
    struct wire_instrument made;

    if (order->product->product->definition_read(object, order->venue, NULL, &made) != 0)
        return;
    for (size_t i = 0; i < order->symbol_count; i++) {
        struct order_symbol *symbol = &order->symbols[i];
        const struct wire_instrument *known =
            symbol->definition.header.size != 0 ? &symbol->definition : NULL;

        if (strcmp(symbol->name, made.name) != 0 ||
            (known &&
             order->product->product->definition_read(object, order->venue, known, &made) != 0))
            continue;
        made.maker_fee_ppm = known ? known->maker_fee_ppm : order->maker_fee_ppm;
        made.taker_fee_ppm = known ? known->taker_fee_ppm : order->taker_fee_ppm;
        if (order_prepare(&symbol->place, &specs[REQUEST_PLACE], true, made.symbol, &order->keys) !=
                0 ||
            order_prepare(&symbol->cancel, &specs[REQUEST_CANCEL], true, made.symbol,
                          &order->keys) != 0)
            continue;
        symbol->definition = made;
        announce(turn, pending, symbol);
    }
}

/* What the venue counts, and how much of it there is. */
static void limits_take(const struct order_turn *turn, const struct scan_value *result)
{
    struct scan_value limits;

    if (scan_find(result, "rateLimits", &limits) == 0)
        order_on_rate_limits(turn, &limits);
}

static unsigned unresolved(const struct order_turn *turn, bool is_told)
{
    unsigned count = 0;

    for (size_t i = 0; i < turn->order->symbol_count; i++) {
        if (turn->order->symbols[i].definition.header.size != 0)
            continue;
        count++;
        if (is_told)
            turn->out->note(turn->out->ctx, "no_such_instrument", turn->order->symbols[i].name);
    }
    return count;
}

int order_on_metadata(const struct order_turn *turn, struct order_pending *pending,
                      const struct scan_value *result)
{
    struct binance_order *order = turn->order;
    struct scan_iter iter;
    struct scan_value object;
    int err = binance_symbols_begin(result->text, result->len, &iter);

    while (!err && (err = scan_item(&iter, &object)) == 0)
        symbol_take(turn, pending, &object);
    if (err != ERR_NOT_FOUND)
        return ERR_PROTO;
    limits_take(turn, result);
    if (unresolved(turn, pending->is_all) > 0 && !pending->is_all) {
        pending->is_all = true; /* Not called what they were asked for as: read the whole list. */
        pending->repeat_ns = turn->clock->now_ns;
        return 0;
    }
    order->is_metadata_wanted = unresolved(turn, false) > 0;
    order->metadata_ns = turn->clock->now_ns + 300 * NS_PER_S;
    struct venue_command command = pending->command;
    if (order->keys.is_set && unresolved(turn, false) < order->symbol_count &&
        order_job_begin(turn, REQUEST_COMMISSION, &command) == 0)
        order_release(pending);
    else
        order_part_done(turn, pending, true, REASON_NONE, "");
    return 0;
}

/* Adds maker, taker and the dearer of buyer and seller of one group, in parts per million. */
static int rates_add(const struct scan_value *result, const char *group, int64_t *maker,
                     int64_t *taker)
{
    static const char *const names[] = { "maker", "taker", "buyer", "seller" };
    struct scan_value rates, value;
    int64_t rate[4] = { 0 };

    if (scan_find(result, group, &rates) != 0)
        return 0;
    for (size_t i = 0; i < COUNT(names); i++) {
        int64_t fine; /* At 12 decimals; rounded up to millionths. */
        if (scan_find(&rates, names[i], &value) != 0)
            continue;
        if (scan_decimal(&value, 12, &fine) != 0 || fine < -1000000000000 || fine > 1000000000000)
            return ERR_PROTO;
        rate[i] = fine > 0 ? (fine + 999999) / 1000000 : fine / 1000000;
    }
    *maker += rate[0] + MAX(rate[2], rate[3]);
    *taker += rate[1] + MAX(rate[2], rate[3]);
    return 0;
}

void order_fees_take(const struct order_turn *turn, const struct order_pending *pending,
                     int32_t maker_ppm, int32_t taker_ppm)
{
    struct order_symbol *symbol = order_symbol_of(turn->order, pending->command.symbol);

    if (!symbol || (symbol->definition.maker_fee_ppm == maker_ppm &&
                    symbol->definition.taker_fee_ppm == taker_ppm))
        return;
    symbol->definition.maker_fee_ppm = maker_ppm;
    symbol->definition.taker_fee_ppm = taker_ppm;
    announce(turn, pending, symbol);
}

/* Standard, special and tax commissions add up. A discount in BNB is not counted on. */
int order_on_commission(const struct order_turn *turn, struct order_pending *pending,
                        const struct scan_value *result)
{
    int64_t maker = 0, taker = 0;
    struct scan_value standard;

    if (scan_find(result, "standardCommission", &standard) != 0 ||
        rates_add(result, "standardCommission", &maker, &taker) != 0 ||
        rates_add(result, "specialCommission", &maker, &taker) != 0 ||
        rates_add(result, "taxCommission", &maker, &taker) != 0)
        return ERR_PROTO;
    order_fees_take(turn, pending, (int32_t)maker, (int32_t)taker);
    order_part_done(turn, pending, true, REASON_NONE, "");
    return 0;
}
