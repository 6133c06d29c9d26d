/* sim_futures.h - what the files of the futures simulator side share. Calls, keys, limits and
 * frames are those of the spot side (venues/binance/sim_binance.h): one venue. Written from the
 * protocol dossier alone; no code of the client side is used here. */
#ifndef TICKPIPE_VENUES_BINANCE_FUTURES_SIM_FUTURES_H
#define TICKPIPE_VENUES_BINANCE_FUTURES_SIM_FUTURES_H

#include "venues/binance/sim_binance.h"

enum { CLASS_NONE, CLASS_PUBLIC, CLASS_MARKET, CLASS_PRIVATE };

/* The venue's update ids are not consecutive: so many of them for one change. */
enum { UPDATE_STEP = 7 };

struct listen_key {
    char key[72]; /* "": none alive. */
    int64_t expires_ns;
};

/* The last liquidation of a second. */
struct forced {
    bool is_pending;
    wire_side side;
    int64_t price, average, qty, at_ns;
};

struct futures {
    struct binance core; /* First: the shared code sees this alone. */
    struct listen_key keys[EXCHANGE_ACCOUNTS_MAX];
    int64_t countdown_ns[EXCHANGE_ACCOUNTS_MAX][EXCHANGE_INSTRUMENTS_MAX]; /* 0: not armed. */
    struct forced forced[EXCHANGE_INSTRUMENTS_MAX];
    int64_t next_100ms_ns, next_500ms_ns, next_1s_ns, next_3s_ns;
    struct diff slow[EXCHANGE_INSTRUMENTS_MAX]; /* depth@500ms and depth: 500 ms. */
};

static inline struct futures *futures_state(const struct sim *sim)
{
    return sim->state;
}

static inline uint64_t futures_update_id(uint64_t change)
{
    return change * UPDATE_STEP;
}

/* ---- sim_futures_json.c ---- */

/* A member ,"name":"value" with so many decimals; of a price or quantity as the instrument has
 * them. */
void fsim_member(struct sim_text *out, const char *name, int64_t value, int decimals);
void fsim_price(struct sim_text *out, const struct exchange_instrument *of, const char *name,
                int64_t value);
void fsim_qty(struct sim_text *out, const struct exchange_instrument *of, const char *name,
              int64_t value);

const char *fsim_order_tif(const struct exchange_order *order);
int64_t fsim_average(const struct exchange_order *order); /* Price of its fills, or 0. */

/* An order as its own owner reads it; of the venue's own orders the client id tells. is_query: with
 * what only queries have. is_new: as an acknowledgement has it, before any fill. */
void fsim_json_order(struct sim_text *out, const struct sim *sim,
                     const struct exchange_order *order, bool is_query, bool is_new);
void fsim_client_id(const struct exchange_order *order, char out[64]);

/* ---- operations ---- */
void fsim_run_place(struct call *call);
void fsim_run_test(struct call *call);
void fsim_run_modify(struct call *call);
void fsim_run_cancel(struct call *call);
void fsim_run_cancel_all(struct call *call);
void fsim_run_countdown(struct call *call);
void fsim_run_query(struct call *call);
void fsim_run_open_order(struct call *call);
void fsim_run_open_orders(struct call *call);
void fsim_run_all_orders(struct call *call);
void fsim_run_user_trades(struct call *call);

void fsim_run_account_v2(struct call *call);
void fsim_run_account_v3(struct call *call);
void fsim_run_balance(struct call *call);
void fsim_run_positions_v2(struct call *call);
void fsim_run_positions_v3(struct call *call);
void fsim_run_account_config(struct call *call);
void fsim_run_symbol_config(struct call *call);
void fsim_run_mode(struct call *call);
void fsim_run_set_mode(struct call *call);
void fsim_run_multi_assets(struct call *call);
void fsim_run_set_leverage(struct call *call);
void fsim_run_set_margin_type(struct call *call);
void fsim_run_brackets(struct call *call);
void fsim_run_commission(struct call *call);
void fsim_run_income(struct call *call);
void fsim_run_rate_limit_order(struct call *call);
void fsim_run_key_make(struct call *call);
void fsim_run_key_keep(struct call *call);
void fsim_run_key_close(struct call *call);

void fsim_run_exchange_info(struct call *call);
void fsim_run_depth(struct call *call);
void fsim_run_trades(struct call *call);
void fsim_run_premium_index(struct call *call);
void fsim_run_funding_rate(struct call *call);
void fsim_run_funding_info(struct call *call);
void fsim_run_open_interest(struct call *call);
void fsim_run_ticker_price(struct call *call);
void fsim_run_ticker_book(struct call *call);
void fsim_run_ticker_24hr(struct call *call);

/* ---- sim_futures_streams.c ---- */
const char *fsim_stream_open(struct sim *sim, struct sim_ws *ws);
void fsim_stream_parse(const struct sim *sim, const struct connection *connection,
                       struct stream *out);
void fsim_streams_event(struct sim *sim, const struct exchange_event *event);
void fsim_streams_tick(struct sim *sim);

/* ---- sim_futures_private.c ---- */
void fsim_private_event(struct sim *sim, const struct exchange_event *event);
/* fsim_private_config tells a changed leverage. */
void fsim_private_config(struct sim *sim, uint32_t account, uint32_t instrument);
/* fsim_keys_tick ends keys whose time is over; fsim_keys_expire all of them. */
void fsim_keys_tick(struct sim *sim);
void fsim_keys_expire(struct sim *sim);

#endif
