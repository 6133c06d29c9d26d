/* accumulate: a complete small strategy, to read. Buys an instrument in slices, each an IOC at the
 * best ask, until it holds TARGET; only while the spread is narrow, and one slice at a time.
 * tests/unit/test_sample_strategy.c runs it. */
#include "common/leaf/fixed.h"
#include "strategy_runner/runner_core.h"

#include <string.h>

enum { PPM = 1000000, CONFIG_EXP = 8 };

struct accumulate_config {
    char instrument[32]; /* Canonical name: BTC-USDT. */
    uint16_t account;    /* ID of the venue instance in venues.ini. */
    int64_t target;      /* Base, at 8 decimals, as is slice. */
    int64_t slice;
    int64_t spread_max_ppm;
    int64_t every_ns; /* Between two slices. */
};

struct accumulate {
    const struct accumulate_config *config;
    uint16_t strategy;
    uint64_t order_id; /* The slice under way, 0: none. */
    int64_t next_ns;
};

static void accumulate_init(void *state, const void *config, struct runner_core *core,
                            uint16_t strategy)
{
    struct accumulate *self = state;

    (void)core;
    self->config = config;
    self->strategy = strategy;
}

static bool is_ours(const struct accumulate *self, const struct market_book *book)
{
    return book->account == self->config->account &&
           strcmp(book->definition.name, self->config->instrument) == 0;
}

static void accumulate_market(void *state, struct runner_core *core, const struct market_book *book,
                              int64_t now_ns)
{
    struct accumulate *self = state;
    wire_reason why;

    if (!is_ours(self, book) || self->order_id || now_ns < self->next_ns)
        return;
    if (!runner_may_trade(core, self->strategy, book, now_ns, &why) || !book->has_quote)
        return;

    int64_t have, qty, missing, spread = book->ask_price - book->bid_price;

    if ((i128)spread * PPM > (i128)book->ask_price * self->config->spread_max_ppm)
        return;
    have =
        runner_position_of(core, book->account, self->strategy, book->definition.header.instrument);
    if (fixed_rescale(self->config->target, CONFIG_EXP, book->definition.qty_exp, FIXED_DOWN,
                      &missing) != 0 ||
        fixed_rescale(self->config->slice, CONFIG_EXP, book->definition.qty_exp, FIXED_DOWN,
                      &qty) != 0)
        return;
    missing -= have;
    qty = runner_round_qty(book, MIN(qty, missing));
    if (qty < MAX(book->definition.min_qty, 1))
        return;

    struct runner_intent intent = {
        .instrument = book->definition.header.instrument,
        .price = book->ask_price,
        .qty = qty,
        .origin_ns = book->origin_ns, /* What the latency of the order is counted from. */
        .side = SIDE_BUY,
        .type = ORDER_LIMIT,
        .time_in_force = TIF_IOC,
    };
    /* 0: refused, and said on 6004. Asking again at every tick of the market would be refused
     * again. */
    self->order_id = runner_place(core, self->strategy, &intent, now_ns);
    self->next_ns = now_ns + self->config->every_ns;
}

static void accumulate_order(void *state, struct runner_core *core,
                             const struct runner_order *order, int64_t fill_qty, int64_t fill_price,
                             int64_t now_ns)
{
    struct accumulate *self = state;

    (void)core;
    (void)fill_qty; /* Counted already: runner_position_of. */
    (void)fill_price;
    (void)now_ns;
    if (order->order_id == self->order_id && runner_order_is_final(order))
        self->order_id = 0;
}

const struct strategy_ops strategy_accumulate = {
    .kind = "accumulate",
    .config_size = sizeof(struct accumulate_config),
    .state_size = sizeof(struct accumulate),
    .init = accumulate_init,
    .market = accumulate_market,
    .order = accumulate_order,
};
