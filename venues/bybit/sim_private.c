/* The private topics (8): what happens in the exchange becomes rows at once; they leave when the
 * queue is flushed, behind the acknowledgement. */
#include "venues/bybit/sim_bybit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void queue(struct bybit_sim *state, uint32_t account, enum ysim_topic topic,
                  enum ysim_category category, const struct sim_text *row, const char *symbol,
                  uint64_t seq)
{
    struct ysim_news *news = calloc(1, sizeof(*news));

    if (!news)
        abort(); /* A tool, not a trading process. */
    news->account = account;
    news->topic = topic;
    news->category = category;
    news->row = strdup(row->at);
    if (!news->row)
        abort();
    snprintf(news->id, sizeof(news->id), "%u_%s_%llu", 505077818 + account, symbol,
             (unsigned long long)seq);
    *state->last_news = news;
    state->last_news = &news->next;
}

static bool is_followed(const struct bybit_sim *state, uint32_t account)
{
    return !state->sim->exchange->accounts[account].config.is_background;
}

void ysim_tell_order(struct bybit_sim *state, const struct exchange_order *order,
                     const char *status, const char *cancel_type, const char *reason)
{
    struct sim_text row = { 0 };

    if (!is_followed(state, order->account))
        return;
    ysim_order_row(state, &row, order, status, cancel_type, reason, true);
    queue(state, order->account, YSIM_ORDER, ysim_category_of(state->sim, order->instrument), &row,
          state->sim->exchange->instruments[order->instrument].config.symbol,
          state->books[order->instrument].seq);
    sim_text_free(&row);
}

/* Position and wallet are told on every order action, changed or not (8.3). */
void ysim_tell_account(struct bybit_sim *state, uint32_t account, uint32_t instrument)
{
    struct sim_text row = { 0 };

    if (!is_followed(state, account))
        return;
    ysim_wallet_row(state, &row, account, NULL);
    queue(state, account, YSIM_WALLET, YSIM_NONE, &row, "wallet",
          (uint64_t)ysim_ms(state->sim->now_ns));
    if (instrument != EXCHANGE_NONE && ysim_category_of(state->sim, instrument) == YSIM_LINEAR) {
        sim_text_clear(&row);
        ysim_position_row(state, &row, account, instrument, 0, true);
        queue(state, account, YSIM_POSITION, YSIM_LINEAR, &row, "position",
              (uint64_t)ysim_ms(state->sim->now_ns));
    }
    sim_text_free(&row);
}

static void tell_fill(struct bybit_sim *state, const struct ysim_fill *fill)
{
    const struct exchange_order *order = fill->order;
    struct sim_text row = { 0 };
    unsigned times = 1;

    if (!is_followed(state, order->account))
        return;
    const char *status = order->state == EXCHANGE_FILLED ? "Filled" : "PartiallyFilled";
    /* Which comes first is not promised (12). */
    bool is_order_first = sim_random(&state->random) % 2;
    if (is_order_first)
        ysim_tell_order(state, order, status, "UNKNOWN", "EC_NoError");
    times += sim_fault_take(state->sim, SIM_FAULT_DUPLICATE_EXECUTION);
    ysim_fill_row(state, &row, fill, true);
    for (unsigned i = 0; i < times; i++)
        queue(state, order->account, YSIM_EXECUTION,
              ysim_category_of(state->sim, order->instrument), &row,
              state->sim->exchange->instruments[order->instrument].config.symbol, fill->seq);
    if (!is_order_first)
        ysim_tell_order(state, order, status, "UNKNOWN", "EC_NoError");
    sim_text_free(&row);
    ysim_tell_account(state, order->account, order->instrument);
}

static void on_trade(struct bybit_sim *state, const struct exchange_event *e)
{
    uint64_t seq = state->books[e->instrument].seq;

    for (int side = 0; side < 2; side++) {
        const struct exchange_order *order = side ? e->maker : e->order;
        struct ysim_fill fill = { .order = order,
                                  .execution = side ? e->maker_execution : e->taker_execution,
                                  .seq = seq,
                                  .price = e->price,
                                  .qty = e->qty,
                                  .quote = e->quote,
                                  .fee = side ? e->maker_fee : e->taker_fee,
                                  .fee_asset = side ? e->maker_fee_asset : e->taker_fee_asset,
                                  .closed_qty = side ? e->maker_closed_qty : e->taker_closed_qty,
                                  .pnl = side ? e->maker_realised_pnl : e->taker_realised_pnl,
                                  .at_ns = e->at_ns,
                                  .leaves = order->qty > order->filled_qty
                                                ? order->qty - order->filled_qty
                                                : 0,
                                  .is_maker = side };
        tell_fill(state, &fill);
    }
}

static void on_ended(struct bybit_sim *state, const struct exchange_event *e)
{
    struct sim_text row = { 0 };

    if (!is_followed(state, e->order->account))
        return;
    ysim_order_listed(state, &row, e->order);
    queue(state, e->order->account, YSIM_ORDER, ysim_category_of(state->sim, e->order->instrument),
          &row, state->sim->exchange->instruments[e->order->instrument].config.symbol,
          ysim_next_seq(state, e->order->instrument));
    sim_text_free(&row);
    ysim_tell_account(state, e->order->account, e->order->instrument);
}

static void on_funding(struct bybit_sim *state, const struct exchange_event *e)
{
    struct exchange_funding funding = { .id = e->trade_id,
                                        .account = e->account,
                                        .instrument = e->instrument,
                                        .amount = e->qty,
                                        .rate_ppb = e->rate_ppb,
                                        .mark_price = e->price,
                                        .at_ns = e->at_ns };
    struct sim_text row = { 0 };

    if (!is_followed(state, e->account))
        return;
    funding.qty = state->sim->exchange->accounts[e->account].positions[e->instrument].qty;
    ysim_funding_row(state, &row, &funding);
    queue(state, e->account, YSIM_EXECUTION, YSIM_LINEAR, &row,
          state->sim->exchange->instruments[e->instrument].config.symbol, e->trade_id);
    sim_text_free(&row);
    ysim_tell_account(state, e->account, e->instrument);
}

void ysim_private_event(struct bybit_sim *state, const struct exchange_event *e)
{
    switch (e->kind) {
    case EXCHANGE_ON_ACCEPTED:
        /* What is filled at once, or ends at once, is told by that (13). */
        if (e->order->type == ORDER_LIMIT && e->order->time_in_force == TIF_GTC) {
            ysim_tell_order(state, e->order, "New", "UNKNOWN", "EC_NoError");
            ysim_tell_account(state, e->order->account, e->order->instrument);
        }
        break;
    case EXCHANGE_ON_AMENDED:
        ysim_tell_order(state, e->order, e->order->filled_qty ? "PartiallyFilled" : "New",
                        "UNKNOWN", "EC_NoError");
        ysim_tell_account(state, e->order->account, e->order->instrument);
        break;
    case EXCHANGE_ON_TRADE:
        on_trade(state, e);
        break;
    case EXCHANGE_ON_ENDED:
        on_ended(state, e);
        break;
    case EXCHANGE_ON_FUNDING:
        on_funding(state, e);
        break;
    case EXCHANGE_ON_TRANSFER:
        ysim_tell_account(state, e->account, EXCHANGE_NONE);
        break;
    default:
        break;
    }
}

static const char *const topic_names[] = { [YSIM_ORDER] = "order",
                                           [YSIM_EXECUTION] = "execution",
                                           [YSIM_POSITION] = "position",
                                           [YSIM_WALLET] = "wallet" };

static void deliver(struct bybit_sim *state, struct sim_ws *ws, const struct ysim_news *news)
{
    const struct bybit_sim_ws *socket = ws->state;
    uint8_t wanted = socket->topics[news->topic];
    uint8_t own = news->category == YSIM_SPOT ? 2 : news->category == YSIM_LINEAR ? 4 : 0;

    if (socket->kind != WS_PRIVATE || socket->account != news->account || !(wanted & (1 | own)))
        return;
    sim_text_clear(&state->text);
    sim_textf(&state->text, "{\"topic\":\"%s%s%s\",\"id\":\"%s\",\"creationTime\":%lld,\"data\":[",
              topic_names[news->topic], wanted & 1 ? "" : ".",
              wanted & 1 ? "" : ysim_category_str(news->category), news->id,
              (long long)ysim_ms(state->sim->now_ns));
    sim_text_add(&state->text, news->row, strlen(news->row));
    sim_textf(&state->text, "]}");
    sim_ws_send(ws, SIM_PRIVATE, state->text.at, state->text.len);
}

static void each_news(struct bybit_sim *state, bool is_sent)
{
    while (state->first_news) {
        struct ysim_news *news = state->first_news;
        for (struct sim_ws *ws = state->sim->first_ws; ws && is_sent; ws = ws->next)
            if (ws->listener == YSIM_PRIVATE)
                deliver(state, ws, news);
        state->first_news = news->next;
        free(news->row);
        free(news);
    }
    state->last_news = &state->first_news;
}

void ysim_private_flush(struct bybit_sim *state)
{
    each_news(state, true);
}

void ysim_private_clear(struct bybit_sim *state)
{
    each_news(state, false);
}
