/* What the refusals of futures mean. Several codes say something else than on spot (-2021, -2022,
 * -2026, -2028); and a few server errors are documented as certainly not executed. */
#include "venues/binance_futures/order.h"

static const struct {
    int16_t code;
    enum refusal kind;
    wire_reason why;
} codes[] = {
    { -1000, REFUSAL_UNKNOWN, REASON_UNKNOWN_OUTCOME },
    { -1001, REFUSAL_RETRY, REASON_VENUE_MAINTENANCE }, /* "Unable to process": failed. */
    { -1002, REFUSAL_FATAL, REASON_VENUE_AUTH },
    { -1003, REFUSAL_LIMIT, REASON_VENUE_RATE_LIMIT },
    { -1006, REFUSAL_UNKNOWN, REASON_UNKNOWN_OUTCOME },
    { -1007, REFUSAL_UNKNOWN, REASON_UNKNOWN_OUTCOME },
    { -1008, REFUSAL_RETRY, REASON_VENUE_RATE_LIMIT }, /* Throttled before the engine. */
    { -1010, REFUSAL_FINAL, REASON_VENUE_REJECT },
    { -1013, REFUSAL_FINAL, REASON_VENUE_FILTER },
    { -1014, REFUSAL_FINAL, REASON_VENUE_REJECT },
    { -1015, REFUSAL_LIMIT, REASON_VENUE_RATE_LIMIT },
    { -1016, REFUSAL_RETRY, REASON_VENUE_MAINTENANCE },
    { -1020, REFUSAL_FINAL, REASON_UNSUPPORTED },
    { -1021, REFUSAL_RETRY, REASON_VENUE_TIMESTAMP },
    { -1022, REFUSAL_FATAL, REASON_VENUE_AUTH },
    { -1099, REFUSAL_FATAL, REASON_VENUE_AUTH },
    { -1109, REFUSAL_FATAL, REASON_PERMISSION },
    { -1111, REFUSAL_FINAL, REASON_VENUE_FILTER },
    { -1121, REFUSAL_FINAL, REASON_INSTRUMENT_UNKNOWN },
    { -1125, REFUSAL_RETRY, REASON_VENUE_AUTH }, /* The listen key is dead. */
    { -2010, REFUSAL_FINAL, REASON_VENUE_REJECT },
    { -2011, REFUSAL_FINAL, REASON_VENUE_UNKNOWN_ORDER },
    { -2012, REFUSAL_FINAL, REASON_VENUE_REJECT },
    { -2013, REFUSAL_FINAL, REASON_VENUE_UNKNOWN_ORDER },
    { -2014, REFUSAL_FATAL, REASON_VENUE_AUTH },
    { -2015, REFUSAL_FATAL, REASON_VENUE_AUTH },
    { -2017, REFUSAL_FATAL, REASON_VENUE_AUTH },
    { -2018, REFUSAL_FINAL, REASON_VENUE_FUNDS },
    { -2019, REFUSAL_FINAL, REASON_VENUE_FUNDS },
    { -2020, REFUSAL_FINAL, REASON_NO_LIQUIDITY },
    { -2021, REFUSAL_FINAL, REASON_VENUE_REJECT },
    { -2022, REFUSAL_FINAL, REASON_VENUE_REJECT }, /* Reduce-only: there is nothing to reduce. */
    { -2023, REFUSAL_FATAL, REASON_LIQUIDATION },
    { -2024, REFUSAL_FINAL, REASON_VENUE_FUNDS },
    { -2025, REFUSAL_FINAL, REASON_VENUE_REJECT }, /* Too many open orders. */
    { -2026, REFUSAL_FINAL, REASON_UNSUPPORTED },
    { -2027, REFUSAL_FINAL, REASON_VENUE_FUNDS },
    { -2028, REFUSAL_FINAL, REASON_VENUE_FUNDS },
    { -4015, REFUSAL_FINAL, REASON_MALFORMED },
    { -4016, REFUSAL_FINAL, REASON_VENUE_FILTER },
    { -4023, REFUSAL_FINAL, REASON_VENUE_FILTER },
    { -4024, REFUSAL_FINAL, REASON_VENUE_FILTER },
    { -4029, REFUSAL_FINAL, REASON_VENUE_FILTER },
    { -4030, REFUSAL_FINAL, REASON_VENUE_FILTER },
    { -4046, REFUSAL_NOTHING, REASON_NONE },
    { -4059, REFUSAL_NOTHING, REASON_NONE },
    { -4060, REFUSAL_FINAL, REASON_HEDGE_MODE },
    { -4061, REFUSAL_FATAL, REASON_HEDGE_MODE }, /* Somebody has changed the position mode. */
    { -4062, REFUSAL_FINAL, REASON_HEDGE_MODE },
    { -4087, REFUSAL_FATAL, REASON_PERMISSION },
    { -4088, REFUSAL_FATAL, REASON_PERMISSION },
    { -4109, REFUSAL_FATAL, REASON_PERMISSION },
    /* An order of this id is open: an earlier send succeeded. Never a plain rejection. */
    { -4116, REFUSAL_UNKNOWN, REASON_VENUE_DUPLICATE },
    { -4117, REFUSAL_RETRY, REASON_VENUE_REJECT },
    { -4118, REFUSAL_FINAL, REASON_VENUE_FUNDS },
    { -4120, REFUSAL_FINAL, REASON_UNSUPPORTED },
    { -4131, REFUSAL_FINAL, REASON_NO_LIQUIDITY },
    { -4140, REFUSAL_FINAL, REASON_INSTRUMENT_NOT_TRADABLE },
    { -4141, REFUSAL_FINAL, REASON_INSTRUMENT_NOT_TRADABLE },
    { -4164, REFUSAL_FINAL, REASON_VENUE_FILTER },
    { -4171, REFUSAL_NOTHING, REASON_NONE },
    { -4192, REFUSAL_FATAL, REASON_PERMISSION },
    { -4400, REFUSAL_FATAL, REASON_PERMISSION },
    { -4401, REFUSAL_FATAL, REASON_PERMISSION },
    { -4402, REFUSAL_FATAL, REASON_PERMISSION },
    { -5021, REFUSAL_FINAL, REASON_NO_LIQUIDITY },
    { -5022, REFUSAL_FINAL, REASON_VENUE_POST_ONLY },
    { -5024, REFUSAL_FINAL, REASON_INSTRUMENT_NOT_TRADABLE },
    { -5027, REFUSAL_NOTHING, REASON_NONE }, /* The order is as it was asked to be. */
    { -5028, REFUSAL_RETRY, REASON_VENUE_TIMESTAMP },
    { -5029, REFUSAL_FINAL, REASON_VENUE_FILTER },
    { -5043, REFUSAL_RETRY, REASON_VENUE_REJECT }, /* Another change is under way. */
};

/* Ranges that mean one thing: parameters, filters, settings. Nothing was done. */
static const struct {
    int16_t from, to;
    wire_reason why;
} ranges[] = {
    { -1199, -1100, REASON_MALFORMED },    { -4014, -4001, REASON_VENUE_FILTER },
    { -4115, -4017, REASON_VENUE_REJECT }, { -4212, -4117, REASON_VENUE_REJECT },
    { -4599, -4400, REASON_VENUE_REJECT }, { -5043, -5021, REASON_VENUE_REJECT },
};

static struct order_refusal of_code(int64_t code)
{
    for (size_t i = 0; i < COUNT(codes); i++)
        if (codes[i].code == code)
            return (struct order_refusal){ codes[i].kind, codes[i].why };
    for (size_t i = 0; i < COUNT(ranges); i++)
        if (code >= ranges[i].from && code <= ranges[i].to)
            return (struct order_refusal){ REFUSAL_FINAL, ranges[i].why };
    return (struct order_refusal){ REFUSAL_UNKNOWN, REASON_UNKNOWN_OUTCOME };
}

/* A server error says nothing of what happened before it, but for those that the venue documents as
 * failed: throttled, unable to process, and the bare words "Service Unavailable.". */
static bool is_surely_failed(int status, int64_t code, const char *text)
{
    return status == 503 &&
           (code == -1008 || code == -1001 || strncmp(text, "Service Unavailable", 19) == 0);
}

struct order_refusal futures_refusal_of(enum request_kind request, int status, int64_t code,
                                        const char *text)
{
    struct order_refusal out = code != 0 ? of_code(code) : order_refusal_of_status(status);

    (void)request;
    if (status == 503 && code == 0 && is_surely_failed(status, code, text))
        return (struct order_refusal){ REFUSAL_RETRY, REASON_VENUE_MAINTENANCE };
    if ((status >= 500 || status == 408) && !is_surely_failed(status, code, text))
        out.kind = REFUSAL_UNKNOWN;
    return out;
}
