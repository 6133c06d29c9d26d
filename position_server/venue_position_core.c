/* The venue's word on positions of derivatives, beside what the executions make. */
#include "position_server/position_parts.h"

#include "common/leaf/fixed.h"

#include <stdio.h>

static int64_t at(int64_t value, int exp, int to_exp)
{
    int64_t result = 0;

    (void)fixed_rescale(value, exp, to_exp, FIXED_NEAREST, &result);
    return result;
}

void position_state(struct position_core *core, const struct wire_account_position *event,
                    int64_t now_ns)
{
    const struct market_book *book = market_find(core->market, event->header.instrument);
    struct position *p = position_find(core, event->header.account, 0, event->header.instrument);

    if (!book || (!p && event->qty == 0)) /* Flat, and always was here. */
        return;
    if (!p)
        p = position_make(core, event->header.account, 0, event->header.instrument,
                          book->definition.price_exp, book->definition.qty_exp);
    bool is_old = p && p->has_venue &&
                  (event->header.epoch < p->venue_epoch ||
                   (event->header.epoch == p->venue_epoch && event->header.seq < p->venue_seq));
    if (!p || is_old)
        return;
    p->has_venue = true;
    p->venue_epoch = event->header.epoch;
    p->venue_seq = event->header.seq;
    p->venue_qty = at(event->qty, event->qty_exp, p->holding.qty_exp);
    p->venue_avg_price = at(event->avg_price, event->price_exp, p->holding.price_exp);
    p->venue_unrealised = at(event->unrealised_pnl, event->amount_exp, POSITION_AMOUNT_EXP);
    p->venue_heard_ns = now_ns;
    core->counters.positions_stated++;
}

void position_compare(struct position_core *core, struct position *p, int64_t now_ns)
{
    const struct account *account = position_account(core, p->account);
    char text[192], ours[FIXED_TEXT_MAX] = "", theirs[FIXED_TEXT_MAX] = "";

    if (!p->has_venue || p->strategy != 0 || !account)
        return;
    bool is_settled = now_ns - account->last_trade_ns > core->config.settle_ns &&
                      account->announced_trade_number <= account->applied_trade_number &&
                      p->venue_heard_ns > account->last_trade_ns;
    bool is_different = p->venue_qty != p->holding.qty;
    if (!is_settled || is_different == p->is_different)
        return;
    p->is_different = is_different;
    core->counters.positions_differed += is_different;
    (void)fixed_format_trim(p->holding.qty, p->holding.qty_exp, ours, sizeof ours);
    (void)fixed_format_trim(p->venue_qty, p->holding.qty_exp, theirs, sizeof theirs);
    const struct market_book *book = market_find(core->market, p->instrument);
    snprintf(text, sizeof text, "account %u %s: %s in the ledger, %s at the venue", p->account,
             book ? book->definition.name : "?", ours, theirs);
    core->out.note(core->out.ctx, is_different ? "position_differs" : "position_agrees", text);
}
