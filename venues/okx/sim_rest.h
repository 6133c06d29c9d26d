/* sim_rest.h - one REST call of the OKX simulator side, and what its operations share. */
#ifndef TICKPIPE_VENUES_OKX_SIM_REST_H
#define TICKPIPE_VENUES_OKX_SIM_REST_H

#include "venues/okx/sim_okx.h"

struct rest {
    struct osim *osim;
    struct sim_http *request;
    uint32_t account; /* EXCHANGE_NONE on public calls. */
    struct sim_text *data;
    int code, status;
    const char *message;
    bool is_order_action;
};

void osim_rest_fail(struct rest *rest, int code, const char *message);

/* osim_rest_query reads a parameter; false: not there, or empty. */
bool osim_rest_query(const struct rest *rest, const char *name, char *out, size_t cap);

/* osim_rest_comma goes before each row but the first. */
void osim_rest_comma(struct rest *rest);

/* What lists are asked with. */
struct osim_filter {
    char inst_id[40], type[16];
    bool has_id, has_type;
    uint64_t after; /* Of order or bill ids; 0: from the newest. */
    unsigned limit;
};
struct osim_filter osim_rest_filter(const struct rest *rest);
bool osim_rest_passes(const struct osim *osim, const struct osim_filter *filter, uint32_t at);
bool osim_rest_is_of_type(const struct osim *osim, uint32_t at, const char *type);

/* ---- sim_account.c: operations ---- */

void osim_run_balance(struct rest *rest);
void osim_run_positions(struct rest *rest);
void osim_run_config(struct rest *rest);
void osim_run_set_position_mode(struct rest *rest);
void osim_run_set_leverage(struct rest *rest);
void osim_run_bills(struct rest *rest);
void osim_run_trade_fee(struct rest *rest);
void osim_run_currencies(struct rest *rest);

#endif
