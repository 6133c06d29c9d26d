/* What Coinbase's refusals mean. There are no codes: the venue's words decide, and where they do
 * not say that a request was not executed, the answer is REFUSAL_UNKNOWN. */
#include "venues/coinbase/order.h"

#include <strings.h>

/* A piece of the message, any case; the first that fits holds. */
static const struct {
    const char *words;
    enum refusal kind;
    wire_reason why;
} messages[] = {
    { "insufficient funds", REFUSAL_FINAL, REASON_VENUE_FUNDS },
    { "rate limit", REFUSAL_LIMIT, REASON_VENUE_RATE_LIMIT },
    { "timestamp expired", REFUSAL_RETRY, REASON_VENUE_TIMESTAMP },
    { "timestamp invalid", REFUSAL_RETRY, REASON_VENUE_TIMESTAMP },
    { "invalid timestamp", REFUSAL_RETRY, REASON_VENUE_TIMESTAMP },
    { "invalid api key", REFUSAL_FATAL, REASON_VENUE_AUTH },
    { "invalid signature", REFUSAL_FATAL, REASON_VENUE_AUTH },
    { "invalid passphrase", REFUSAL_FATAL, REASON_VENUE_AUTH },
    { "forbidden", REFUSAL_FATAL, REASON_PERMISSION },
    { "post only mode", REFUSAL_FINAL, REASON_INSTRUMENT_NOT_TRADABLE },
    { "limit only mode", REFUSAL_FINAL, REASON_INSTRUMENT_NOT_TRADABLE },
    { "cancel only mode", REFUSAL_FINAL, REASON_INSTRUMENT_NOT_TRADABLE },
    { "not available", REFUSAL_FINAL, REASON_INSTRUMENT_NOT_TRADABLE },
    { "maintenance", REFUSAL_RETRY, REASON_VENUE_MAINTENANCE },
    { "post only", REFUSAL_FINAL, REASON_VENUE_POST_ONLY },
    { "order already done", REFUSAL_FINAL, REASON_VENUE_UNKNOWN_ORDER },
    { "order not found", REFUSAL_FINAL, REASON_VENUE_UNKNOWN_ORDER },
    { "product not found", REFUSAL_FINAL, REASON_INSTRUMENT_UNKNOWN },
    { "productnotfound", REFUSAL_FINAL, REASON_INSTRUMENT_UNKNOWN },
    { "notfound", REFUSAL_FINAL, REASON_VENUE_UNKNOWN_ORDER },
    /* One with that id is there: an earlier send succeeded. Never a plain rejection. */
    { "duplicate", REFUSAL_UNKNOWN, REASON_VENUE_DUPLICATE },
    { "too small", REFUSAL_FINAL, REASON_VENUE_FILTER },
    { "too large", REFUSAL_FINAL, REASON_VENUE_FILTER },
    { "too accurate", REFUSAL_FINAL, REASON_VENUE_FILTER },
    { "too precise", REFUSAL_FINAL, REASON_VENUE_FILTER },
    { "invalid price", REFUSAL_FINAL, REASON_VENUE_FILTER },
    { "invalid size", REFUSAL_FINAL, REASON_VENUE_FILTER },
    { "invalid client_oid", REFUSAL_FINAL, REASON_MALFORMED },
    { "invalid order id", REFUSAL_FINAL, REASON_MALFORMED },
};

static bool has_words(const char *text, const char *words)
{
    return strcasestr(text, words) != NULL;
}

static struct order_refusal of_status(int status)
{
    switch (status) {
    case 400:
        return (struct order_refusal){ REFUSAL_FINAL, REASON_VENUE_REJECT };
    case 401:
        return (struct order_refusal){ REFUSAL_FATAL, REASON_VENUE_AUTH };
    case 403:
        return (struct order_refusal){ REFUSAL_FATAL, REASON_PERMISSION };
    case 404:
        return (struct order_refusal){ REFUSAL_FINAL, REASON_VENUE_UNKNOWN_ORDER };
    case 405:
    case 410:
        return (struct order_refusal){ REFUSAL_FINAL, REASON_UNSUPPORTED };
    case 429:
        return (struct order_refusal){ REFUSAL_LIMIT, REASON_VENUE_RATE_LIMIT };
    default:
        return (struct order_refusal){ REFUSAL_UNKNOWN, REASON_UNKNOWN_OUTCOME };
    }
}

struct order_refusal coinbase_refusal_of(int status, const char *message)
{
    struct order_refusal out = of_status(status);
    bool is_server = status < 400 || status >= 500;

    /* A 429 was counted, not executed, whatever it says. */
    for (size_t i = 0; *message && status != 429 && i < COUNT(messages); i++)
        if (has_words(message, messages[i].words)) {
            out = (struct order_refusal){ messages[i].kind, messages[i].why };
            break;
        }
    /* A server error says nothing about what happened before it, whatever its body says. */
    if (is_server) {
        out.kind = REFUSAL_UNKNOWN;
        if (out.why != REASON_VENUE_MAINTENANCE)
            out.why = REASON_UNKNOWN_OUTCOME;
    }
    return out;
}

wire_reason coinbase_reject_reason(const char *text)
{
    struct order_refusal refusal = coinbase_refusal_of(400, text);

    return refusal.why;
}

wire_reason coinbase_cancel_reason(const char *text)
{
    static const struct {
        const char *words;
        wire_reason why;
    } reasons[] = {
        { "101:", REASON_NO_LIQUIDITY }, /* Time in force: the rest of IOC and FOK. */
        { "102:", REASON_SELF_TRADE_PREVENTED },
        { "103:", REASON_VENUE_REJECT }, /* The venue's own doing. */
        { "104:",
          REASON_NO_LIQUIDITY }, /* Further from the market than it lets a market order go. */
        { "105:", REASON_VENUE_FUNDS },
        { "106:", REASON_NO_LIQUIDITY },
        { "107:", REASON_VENUE_REJECT }, /* Broker. */
    };

    for (size_t i = 0; i < COUNT(reasons); i++)
        if (strncmp(text, reasons[i].words, 4) == 0)
            return reasons[i].why;
    return REASON_REQUESTED;
}
