/* Coinbase Exchange. What each file knows: metadata.c products, feed.c the market stream's life,
 * feed_frame.c its frames, feed_book.c books, feed_check.c their comparison with REST, feed_rest.c
 * the answers; order.c the session of orders and its commands, order_request.c requests and
 * signatures, order_read.c and order_answer.c what comes back, order_stream.c the user channel,
 * errors.c what refusals mean. */
#include "venues/coinbase/coinbase.h"

#include "common/pure/time_text.h"

#include <stdlib.h>

const struct venue venue_coinbase = {
    .name = "coinbase",
    .feed = &coinbase_feed_ops,
    .order = &coinbase_order_ops,
    .auth_method = "HMAC_SHA256",
    .needs_passphrase = true,
    .rest_url = "https://api.exchange.coinbase.com",
    .feed_ws_url = "wss://ws-feed.exchange.coinbase.com",
    .order_ws_url = "wss://ws-feed.exchange.coinbase.com",
    .testnet_rest_url = "https://api-public.sandbox.exchange.coinbase.com",
    .testnet_feed_ws_url = "wss://ws-feed-public.sandbox.exchange.coinbase.com",
    .testnet_order_ws_url = "wss://ws-feed-public.sandbox.exchange.coinbase.com",
};

void coinbase_copy(char *out, size_t cap, const char *text)
{
    size_t len = strnlen(text, cap - 1);

    memcpy(out, text, len);
    out[len] = '\0';
}

int coinbase_time_read(const struct scan_value *value, int64_t *out_ns)
{
    if (value->type != SCAN_STRING)
        return ERR_PROTO;
    if (value->len > 5 && memcmp(value->text, "0001-", 5) == 0) {
        *out_ns = 0;
        return 0;
    }
    return time_text_read(value->text, value->len, out_ns);
}

int coinbase_members(const struct scan_value *object, const char *const *names,
                     struct scan_value *out, size_t count)
{
    struct scan_iter iter;
    struct scan_value key, value;
    int err = object->type == SCAN_OBJECT ? scan_begin(&iter, object) : ERR_PROTO;

    for (size_t i = 0; i < count; i++)
        out[i] = (struct scan_value){ .type = SCAN_NONE, .text = "" };
    while (!err && (err = scan_member(&iter, &key, &value)) == 0)
        for (size_t i = 0; i < count; i++)
            if (scan_is(&key, names[i])) {
                out[i] = value;
                break;
            }
    return err == ERR_NOT_FOUND ? 0 : ERR_PROTO;
}

const char *coinbase_header(const struct venue_response *response, const char *name)
{
    for (size_t i = 0; i < response->header_count; i++)
        if (strcmp(response->headers[i].name, name) == 0)
            return response->headers[i].value;
    return NULL;
}

int64_t coinbase_retry_ns(const struct venue_response *response, int64_t fallback_ns)
{
    const char *text = coinbase_header(response, "retry-after");
    char *end = NULL;
    long seconds = text ? strtol(text, &end, 10) : 0;

    return text && end != text && seconds >= 0 && seconds <= 86400
               ? MAX(seconds * NS_PER_S, NS_PER_MS)
               : fallback_ns;
}
