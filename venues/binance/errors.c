/* What Binance's refusals mean. A wrong entry here loses or doubles an order: where the venue does
 * not say that a request was not executed, the answer is REFUSAL_UNKNOWN. */
#include "venues/binance/order.h"

#include <string.h>

/* code, what is certain, reason. From the venue's error page; codes of other products left out. */
static const struct {
    int16_t code;
    enum refusal kind;
    wire_reason why;
} codes[] = {
    { -1000, REFUSAL_UNKNOWN, REASON_UNKNOWN_OUTCOME },
    { -1001, REFUSAL_UNKNOWN, REASON_UNKNOWN_OUTCOME },
    { -1002, REFUSAL_FATAL, REASON_VENUE_AUTH },
    { -1003, REFUSAL_LIMIT, REASON_VENUE_RATE_LIMIT },
    { -1006, REFUSAL_UNKNOWN, REASON_UNKNOWN_OUTCOME },
    { -1007, REFUSAL_UNKNOWN, REASON_UNKNOWN_OUTCOME },
    { -1008, REFUSAL_UNKNOWN,
      REASON_VENUE_RATE_LIMIT }, /* Spot does not say that nothing was done. */
    { -1010, REFUSAL_FINAL, REASON_VENUE_REJECT },
    { -1013, REFUSAL_FINAL, REASON_VENUE_FILTER },
    { -1014, REFUSAL_FINAL, REASON_VENUE_REJECT },
    { -1015, REFUSAL_LIMIT, REASON_VENUE_RATE_LIMIT },
    { -1016, REFUSAL_RETRY, REASON_VENUE_MAINTENANCE },
    { -1020, REFUSAL_FINAL, REASON_UNSUPPORTED },
    { -1021, REFUSAL_RETRY, REASON_VENUE_TIMESTAMP },
    { -1022, REFUSAL_FATAL, REASON_VENUE_AUTH },
    { -1034, REFUSAL_LIMIT, REASON_VENUE_RATE_LIMIT },
    { -1099, REFUSAL_FATAL, REASON_VENUE_AUTH },
    { -1111, REFUSAL_FINAL, REASON_VENUE_FILTER },
    { -1121, REFUSAL_FINAL, REASON_INSTRUMENT_UNKNOWN },
    { -1193, REFUSAL_RETRY, REASON_VENUE_AUTH },
    { -1220, REFUSAL_FINAL, REASON_INSTRUMENT_NOT_TRADABLE },
    { -2010, REFUSAL_FINAL, REASON_VENUE_REJECT },
    { -2011, REFUSAL_FINAL, REASON_VENUE_UNKNOWN_ORDER },
    { -2013, REFUSAL_FINAL, REASON_VENUE_UNKNOWN_ORDER },
    { -2014, REFUSAL_FATAL, REASON_VENUE_AUTH },
    { -2015, REFUSAL_FATAL, REASON_VENUE_AUTH },
    { -2016, REFUSAL_FINAL, REASON_INSTRUMENT_NOT_TRADABLE },
    { -2026, REFUSAL_FINAL, REASON_VENUE_UNKNOWN_ORDER },
    { -2028, REFUSAL_FATAL, REASON_VENUE_AUTH },
    { -2035, REFUSAL_NOTHING, REASON_NONE }, /* Subscribed already. */
    { -2036, REFUSAL_NOTHING, REASON_NONE },
    { -2038, REFUSAL_FINAL, REASON_VENUE_REJECT },
    { -2039, REFUSAL_FINAL, REASON_VENUE_UNKNOWN_ORDER },
    { -2042, REFUSAL_RETRY, REASON_TRANSPORT },
};

/* The engine's own words under -1010, -1013, -2010 and -2011 say more than the code. */
static const struct {
    const char *begin;
    enum refusal kind;
    wire_reason why;
} texts[] = {
    { "Account has insufficient balance", REFUSAL_FINAL, REASON_VENUE_FUNDS },
    /* An order of this id is open: an earlier send succeeded. Never a plain rejection. */
    { "Duplicate order sent", REFUSAL_UNKNOWN, REASON_VENUE_DUPLICATE },
    { "Order would immediately match and take", REFUSAL_FINAL, REASON_VENUE_POST_ONLY },
    { "Unknown order sent", REFUSAL_FINAL, REASON_VENUE_UNKNOWN_ORDER },
    { "Order was not canceled due to cancel restrictions", REFUSAL_FINAL, REASON_VENUE_REJECT },
    { "Market is closed", REFUSAL_FINAL, REASON_INSTRUMENT_NOT_TRADABLE },
    { "Filter failure", REFUSAL_FINAL, REASON_VENUE_FILTER },
    { "Price * QTY is zero or less", REFUSAL_FINAL, REASON_VENUE_FILTER },
    { "Order book liquidity is less than", REFUSAL_FINAL, REASON_NO_LIQUIDITY },
    { "This action is disabled on this account", REFUSAL_FATAL, REASON_PERMISSION },
    { "This account may not place or cancel orders", REFUSAL_FATAL, REASON_PERMISSION },
    { "This symbol is not permitted for this account", REFUSAL_FINAL, REASON_PERMISSION },
    { "This symbol is restricted for this account", REFUSAL_FINAL, REASON_PERMISSION },
    { "Rest API trading is not enabled", REFUSAL_FATAL, REASON_PERMISSION },
    { "WebSocket API trading is not enabled", REFUSAL_FATAL, REASON_PERMISSION },
};

static bool has_words(int64_t code)
{
    return code == -1010 || code == -1013 || code == -2010 || code == -2011;
}

static struct order_refusal of_code(int64_t code, const char *text)
{
    for (size_t i = 0; has_words(code) && i < COUNT(texts); i++)
        if (strncmp(text, texts[i].begin, strlen(texts[i].begin)) == 0)
            return (struct order_refusal){ texts[i].kind, texts[i].why };
    for (size_t i = 0; i < COUNT(codes); i++)
        if (codes[i].code == code)
            return (struct order_refusal){ codes[i].kind, codes[i].why };
    if (code <= -1100 && code > -1200) /* Parameters: we spoke wrongly, nothing was done. */
        return (struct order_refusal){ REFUSAL_FINAL, REASON_MALFORMED };
    return (struct order_refusal){ REFUSAL_UNKNOWN, REASON_UNKNOWN_OUTCOME };
}

struct order_refusal order_refusal_of_status(int status)
{
    switch (status) {
    case 429:
    case 418:
    case 403:
        return (struct order_refusal){ REFUSAL_LIMIT, REASON_VENUE_RATE_LIMIT };
    case 401:
        return (struct order_refusal){ REFUSAL_FATAL, REASON_VENUE_AUTH };
    case 404:
    case 405:
    case 410:
        return (struct order_refusal){ REFUSAL_FINAL, REASON_UNSUPPORTED };
    default:
        return (struct order_refusal){ REFUSAL_UNKNOWN, REASON_UNKNOWN_OUTCOME };
    }
}

struct order_refusal order_refusal_of(enum request_kind request, int status, int64_t code,
                                      const char *text)
{
    struct order_refusal out = code != 0 ? of_code(code, text) : order_refusal_of_status(status);

    /* A server error says nothing about what happened before it, whatever its body says. */
    if (status >= 500 && out.kind != REFUSAL_UNKNOWN)
        out.kind = REFUSAL_UNKNOWN;
    if (request == REQUEST_CANCEL_ALL && code == -2011 && out.why == REASON_VENUE_UNKNOWN_ORDER)
        out = (struct order_refusal){ REFUSAL_NOTHING, REASON_NONE };
    return out;
}
