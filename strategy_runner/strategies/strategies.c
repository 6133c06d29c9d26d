#include "strategy_runner/strategies/strategies.h"

#include <strings.h>

static const struct strategy_ops *const strategies[] = { &strategy_cross_exchange_arb,
                                                         &strategy_cash_and_carry,
                                                         &strategy_market_maker };

const struct strategy_ops *strategy_ops_find(const char *kind)
{
    for (size_t i = 0; i < COUNT(strategies); i++)
        if (strcasecmp(strategies[i]->kind, kind) == 0)
            return strategies[i];
    return NULL;
}
