#include "venues/kraken/kraken.h"

/* First match by prefix: longer prefixes stand before shorter ones. The classes and their reasons
 * are those of the venue's error pages; trading calls that end in Unavailable, Busy or Deadline
 * have been seen executed. */
static const struct {
    const char *prefix;
    enum kraken_class kind;
    wire_reason why;
    int64_t back_off_s;
} errors[] = {
    { "EAPI:Invalid nonce", KRAKEN_RETRY, REASON_VENUE_TIMESTAMP, 0 },
    { "EAPI:Invalid key", KRAKEN_FATAL, REASON_VENUE_AUTH, 900 },
    { "EAPI:Invalid signature", KRAKEN_FATAL, REASON_VENUE_AUTH, 900 },
    { "EAPI:Rate limit exceeded", KRAKEN_RETRY, REASON_VENUE_RATE_LIMIT, 5 },
    { "EAPI:Bad request", KRAKEN_REJECT, REASON_MALFORMED, 0 },
    { "EGeneral:Temporary lockout", KRAKEN_FATAL, REASON_VENUE_AUTH, 900 },
    { "EGeneral:Permission denied", KRAKEN_FATAL, REASON_PERMISSION, 0 },
    { "EGeneral:Too many requests", KRAKEN_RETRY, REASON_VENUE_RATE_LIMIT, 5 },
    { "EGeneral:Invalid arguments", KRAKEN_REJECT, REASON_VENUE_FILTER, 0 },
    { "EGeneral:Unknown method", KRAKEN_REJECT, REASON_UNSUPPORTED, 0 },
    { "EGeneral:Internal error", KRAKEN_UNKNOWN, REASON_UNKNOWN_OUTCOME, 0 },
    { "EDatabase:Internal error", KRAKEN_UNKNOWN, REASON_UNKNOWN_OUTCOME, 0 },
    { "EAccount:Invalid permissions", KRAKEN_FATAL, REASON_PERMISSION, 0 },
    { "EAuth:Rate limit exceeded", KRAKEN_RETRY, REASON_VENUE_RATE_LIMIT, 5 },
    { "EAuth:Too many requests", KRAKEN_RETRY, REASON_VENUE_RATE_LIMIT, 5 },
    { "EAuth:", KRAKEN_FATAL, REASON_VENUE_AUTH, 900 },
    { "ESession:Invalid session", KRAKEN_REAUTH, REASON_VENUE_AUTH, 0 },
    { "Token(s) not found", KRAKEN_REAUTH, REASON_VENUE_AUTH, 0 },
    { "EService:Throttled", KRAKEN_RETRY, REASON_VENUE_RATE_LIMIT, 5 },
    { "EService:Market in cancel_only mode", KRAKEN_REJECT, REASON_VENUE_MAINTENANCE, 0 },
    { "EService:Market in post_only mode", KRAKEN_REJECT, REASON_VENUE_MAINTENANCE, 0 },
    { "EService:Market in limit_only mode", KRAKEN_REJECT, REASON_VENUE_MAINTENANCE, 0 },
    { "EService:", KRAKEN_UNKNOWN, REASON_UNKNOWN_OUTCOME, 0 },
    { "EOrder:Rate limit exceeded", KRAKEN_RETRY, REASON_VENUE_RATE_LIMIT, 0 },
    { "EOrder:Domain rate limit exceeded", KRAKEN_RETRY, REASON_VENUE_RATE_LIMIT, 0 },
    { "EOrder:Insufficient", KRAKEN_REJECT, REASON_VENUE_FUNDS, 0 },
    { "EOrder:Margin", KRAKEN_REJECT, REASON_VENUE_FUNDS, 0 },
    { "EOrder:Cannot open", KRAKEN_REJECT, REASON_VENUE_FUNDS, 0 },
    { "EOrder:Order minimum not met", KRAKEN_REJECT, REASON_VENUE_FILTER, 0 },
    { "EOrder:Cost minimum not met", KRAKEN_REJECT, REASON_VENUE_FILTER, 0 },
    { "EOrder:Tick size check failed", KRAKEN_REJECT, REASON_VENUE_FILTER, 0 },
    { "EOrder:Invalid price", KRAKEN_REJECT, REASON_VENUE_FILTER, 0 },
    { "EOrder:Invalid order", KRAKEN_REJECT, REASON_VENUE_UNKNOWN_ORDER, 0 },
    { "EOrder:Unknown order", KRAKEN_REJECT, REASON_VENUE_UNKNOWN_ORDER, 0 },
    { "EOrder:Post only order", KRAKEN_REJECT, REASON_VENUE_POST_ONLY, 0 },
    { "EOrder:Orders limit exceeded", KRAKEN_REJECT, REASON_OPEN_ORDERS_MAX, 0 },
    { "EOrder:Positions limit exceeded", KRAKEN_REJECT, REASON_POSITION_LIMIT, 0 },
    { "EOrder:", KRAKEN_REJECT, REASON_VENUE_REJECT, 0 },
    { "EQuery:Unknown", KRAKEN_REJECT, REASON_INSTRUMENT_UNKNOWN, 0 },
    { "ETrade:", KRAKEN_FATAL, REASON_PERMISSION, 0 },
    { "EBM:", KRAKEN_FATAL, REASON_PERMISSION, 0 },
    { "Exceeded msg rate", KRAKEN_RETRY, REASON_VENUE_RATE_LIMIT, 5 },
    { "Currency pair not supported", KRAKEN_REJECT, REASON_INSTRUMENT_UNKNOWN, 0 },
    { "Unsupported event", KRAKEN_REJECT, REASON_UNSUPPORTED, 0 },
    { "Unsupported field", KRAKEN_REJECT, REASON_MALFORMED, 0 },
};

static bool begins(const char *text, size_t len, const char *prefix)
{
    size_t n = strlen(prefix);

    return len >= n && memcmp(text, prefix, n) == 0;
}

static bool contains(const char *text, size_t len, const char *part)
{
    return memmem(text, len, part, strlen(part)) != NULL;
}

/* "EService:Throttled: 1700000000" says until when. */
static int64_t throttled_ns(const char *text, size_t len, int64_t wall_ns)
{
    size_t at = len;
    int64_t until_s = 0;

    while (at > 0 && text[at - 1] >= '0' && text[at - 1] <= '9')
        at--;
    if (len - at < 9 || len - at > 11)
        return 5 * NS_PER_S;
    for (; at < len; at++)
        until_s = until_s * 10 + (text[at] - '0');
    int64_t wait_ns = until_s * NS_PER_S - wall_ns;
    return MIN(MAX(wait_ns, NS_PER_S), 900 * NS_PER_S);
}

struct kraken_error kraken_error_of(const char *text, size_t len, int64_t wall_ns)
{
    /* The text for a client id that an open order already has is not known; its parts are. */
    if (contains(text, len, "cl_ord_id") && begins(text, len, "E"))
        return (struct kraken_error){ KRAKEN_REJECT, REASON_VENUE_DUPLICATE, 0 };
    for (size_t i = 0; i < COUNT(errors); i++) {
        if (!begins(text, len, errors[i].prefix))
            continue;
        struct kraken_error error = { errors[i].kind, errors[i].why,
                                      errors[i].back_off_s * NS_PER_S };
        if (begins(text, len, "EService:Throttled"))
            error.back_off_ns = throttled_ns(text, len, wall_ns);
        return error;
    }
    /* "Limit_price field must be a number_float": refused before it was an order. */
    if (contains(text, len, " field must be "))
        return (struct kraken_error){ KRAKEN_REJECT, REASON_MALFORMED, 0 };
    return (struct kraken_error){ KRAKEN_UNKNOWN, REASON_UNKNOWN_OUTCOME, 0 };
}

int kraken_first_error(const struct scan_value *errors_array, struct scan_value *out)
{
    struct scan_iter iter;
    struct scan_value item;
    int err = errors_array->type == SCAN_ARRAY ? scan_begin(&iter, errors_array) : ERR_PROTO;

    while (!err && (err = scan_item(&iter, &item)) == 0)
        if (item.type != SCAN_STRING || item.len == 0 || item.text[0] != 'W') {
            *out = item;
            return item.type == SCAN_STRING ? 0 : ERR_PROTO;
        }
    return err;
}
