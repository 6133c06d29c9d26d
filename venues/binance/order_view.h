/* order_view.h - reading of the venue's order objects, for answers (order_report.c) and events
 * (order_event.c). */
#ifndef TICKPIPE_VENUES_BINANCE_ORDER_VIEW_H
#define TICKPIPE_VENUES_BINANCE_ORDER_VIEW_H

#include "common/leaf/fixed.h"
#include "venues/binance/order.h"

/* Members of an order, in an answer or in an executionReport. SCAN_NONE where it has none. */
struct order_view {
    struct scan_value symbol, order_id, client_id, original_id, price, qty, executed, status,
        time_in_force, type, side, time, fills, expiry, reduce_only;
};

int view_read(const struct scan_value *object,
              struct order_view *out); /* An answer's object. 0, ERR_PROTO */

/* view_report fills a report's order fields: ids, side, quantities, state, time. What the object
 * does not say (a bare acknowledgement) stays as it is. 0 or ERR_PROTO; the report is then not to
 * be used. */
int view_report(const struct binance_order *order, const struct order_view *view,
                struct venue_report *report);

/* view_place_report sets symbol, instrument and exponents of a report. */
void view_place_report(const struct binance_order *order, struct venue_report *report,
                       const char *symbol);

/* view_state gives the state of a status word, or ORDER_NONE. */
wire_order_state view_state(const struct scan_value *status);

/* view_end_reason says why an order ended that nobody cancelled. */
wire_reason view_end_reason(const struct order_view *view, const struct venue_report *report);

/* view_balance reads one asset's balance. 0, ERR_PROTO, or ERR_RANGE (noted: the amount does not
 * fit). */
int view_balance(const struct order_turn *turn, const struct scan_value *entry, const char *asset,
                 const char *free_name, const char *locked_name, struct venue_report *report);

bool view_is_traded(const struct binance_order *order,
                    const char *asset); /* Base or quote of a symbol. */

void view_text(const struct scan_value *value, char *out,
               size_t cap); /* Cut where it is too long. */

/* ---- order_metadata.c ---- */

int order_on_metadata(const struct order_turn *turn, struct order_pending *pending,
                      const struct scan_value *result);
/* order_fees_take announces an instrument's fees where they are news. */
void order_fees_take(const struct order_turn *turn, const struct order_pending *pending,
                     int32_t maker_ppm, int32_t taker_ppm);
int order_on_commission(const struct order_turn *turn, struct order_pending *pending,
                        const struct scan_value *result);

#endif
