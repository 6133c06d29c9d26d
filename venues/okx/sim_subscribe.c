/* Subscriptions to public channels (2.1): which there are, and what a new subscriber is told. */
#include "venues/okx/sim_okx.h"

#include <string.h>

enum { CODE_NO_CHANNEL = 60018, BOOKS5 = 5 };

static void send_one(struct sim_ws *ws, const char *channel, const char *inst_id,
                     const struct sim_text *row)
{
    struct sim_text out = { 0 };

    sim_textf(&out, "{\"arg\":{\"channel\":\"%s\",\"instId\":\"%s\"},\"data\":[", channel, inst_id);
    sim_text_add(&out, row->at, row->len);
    sim_textf(&out, "]}");
    osim_send(ws, SIM_MARKET, &out);
    sim_text_free(&out);
}

/* What a new subscriber is told at once. */
static void send_first(struct osim *osim, struct sim_ws *ws, const char *channel, uint32_t at)
{
    const struct exchange_instrument *instrument = &osim->sim->exchange->instruments[at];
    struct sim_text row = { 0 };
    char index[40];

    osim_index_name(instrument, index);
    if (strcmp(channel, "books") == 0) {
        osim_book_snapshot(osim, ws, at);
        return;
    }
    if (strcmp(channel, "tickers") == 0) {
        osim_ticker_row(osim, at, &row);
    } else if (strcmp(channel, "bbo-tbt") == 0) {
        (void)osim_take_quote(osim, at);
        osim_quote_row(osim, at, &row);
    } else if (strcmp(channel, "books5") == 0) {
        osim_book_row(osim, at, BOOKS5, true, &row);
    } else if (strcmp(channel, "funding-rate") == 0) {
        osim_funding_row(osim, at, &row);
    } else if (strcmp(channel, "mark-price") == 0 && instrument->perpetual.mark_price) {
        sim_textf(&row, "{\"instType\":\"SWAP\",\"instId\":\"%s\"", instrument->config.symbol);
        osim_pair(&row, "markPx", instrument->perpetual.mark_price);
        osim_pair_ms(&row, "ts", osim->sim->now_ns);
        sim_textf(&row, "}");
    } else if (strcmp(channel, "index-tickers") == 0 && instrument->perpetual.index_price) {
        sim_textf(&row, "{\"instId\":\"%s\"", index);
        osim_pair(&row, "idxPx", instrument->perpetual.index_price);
        osim_pair_ms(&row, "ts", osim->sim->now_ns);
        sim_textf(&row, "}");
    }
    if (row.len)
        send_one(ws, channel,
                 strcmp(channel, "index-tickers") == 0 ? index : instrument->config.symbol, &row);
    sim_text_free(&row);
}

/* The swap that an index belongs to. */
static uint32_t find_index(const struct osim *osim, const char *name)
{
    char index[40];

    for (uint32_t i = 0; name && i < osim->sim->exchange->instrument_count; i++) {
        osim_index_name(&osim->sim->exchange->instruments[i], index);
        if (exchange_is_perpetual(osim->sim->exchange, i) && strcmp(index, name) == 0)
            return i;
    }
    return EXCHANGE_NONE;
}

static bool subscribe_general(struct osim_ws *state, const char *channel, const cJSON *arg,
                              bool is_subscribe)
{
    const char *type = osim_string(arg, "instType");

    if (strcmp(channel, "status") == 0) {
        state->has_status = is_subscribe;
        return true;
    }
    if (!type || (strcmp(type, "SPOT") != 0 && strcmp(type, "SWAP") != 0))
        return false;
    if (strcmp(channel, "liquidation-orders") == 0)
        state->has_liquidations = is_subscribe;
    else if (strcmp(channel, "instruments") == 0)
        state->has_instruments[strcmp(type, "SWAP") == 0] = is_subscribe;
    else
        return false;
    return true;
}

static const struct {
    const char *name;
    size_t flag;
    bool is_swap_only;
} channels[] = {
    { "books", offsetof(struct osim_ws, books), false },
    { "books5", offsetof(struct osim_ws, books5), false },
    { "bbo-tbt", offsetof(struct osim_ws, bbo), false },
    { "trades", offsetof(struct osim_ws, trades), false },
    { "tickers", offsetof(struct osim_ws, tickers), false },
    { "funding-rate", offsetof(struct osim_ws, funding), true },
    { "mark-price", offsetof(struct osim_ws, mark), true },
    { "index-tickers", offsetof(struct osim_ws, index), true },
};

static void send_ack(struct sim_ws *ws, const char *ack)
{
    struct sim_text out = { .at = NULL };

    sim_textf(&out, "%s", ack);
    osim_send(ws, SIM_ANSWER, &out);
    sim_text_free(&out);
}

int osim_public_subscribe(struct osim *osim, struct sim_ws *ws, const cJSON *arg, const char *text,
                          bool is_subscribe, const char *ack)
{
    struct osim_ws *state = ws->state;
    const char *channel = osim_string(arg, "channel"), *inst_id = osim_string(arg, "instId");
    (void)text;

    if (!channel)
        return 60012;
    if (subscribe_general(state, channel, arg, is_subscribe)) {
        send_ack(ws, ack);
        return 0;
    }
    for (size_t i = 0; i < COUNT(channels); i++) {
        if (strcmp(channels[i].name, channel) != 0)
            continue;
        uint32_t at = strcmp(channel, "index-tickers") == 0 ? find_index(osim, inst_id)
                                                            : osim_find(osim, inst_id);
        if (at == EXCHANGE_NONE ||
            (channels[i].is_swap_only && !exchange_is_perpetual(osim->sim->exchange, at)))
            return CODE_NO_CHANNEL;
        uint8_t *flag = (uint8_t *)ws->state + channels[i].flag + at;
        /* Whoever comes in the middle of an interval begins with what the others have. Data may
         * come before the ack (2.1). */
        bool is_early = is_subscribe && (sim_random(&osim->random) >> 33) % 4 == 0;
        if (is_subscribe)
            (void)osim_shadow_of(osim, at);
        if (is_subscribe && strcmp(channel, "books") == 0)
            osim_book_flush(osim, at);
        if (!is_early)
            send_ack(ws, ack);
        if (is_subscribe)
            send_first(osim, ws, channel, at);
        if (is_early)
            send_ack(ws, ack);
        *flag = is_subscribe;
        return 0;
    }
    return CODE_NO_CHANNEL;
}
