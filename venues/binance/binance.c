/* Binance spot. What each file knows: metadata.c instruments, feed.c the market stream's life,
 * feed_book.c books, order.c the session and its commands, order_spot.c spot's requests,
 * order_request.c texts and signatures, order_report.c what comes back, errors.c what refusals
 * mean. */
#include "venues/binance/binance.h"

#include <assert.h>
#include <stdio.h>

const struct venue venue_binance = {
    .name = "binance",
    .feed = &binance_feed_ops,
    .order = &binance_order_ops,
    .auth_method = "HMAC_SHA256|ED25519",
    .rest_url = "https://api.binance.com",
    .feed_ws_url = "wss://stream.binance.com:9443",
    .order_ws_url = "wss://ws-api.binance.com:443/ws-api/v3",
    .testnet_rest_url = "https://testnet.binance.vision",
    .testnet_feed_ws_url = "wss://stream.testnet.binance.vision",
    .testnet_order_ws_url = "wss://ws-api.testnet.binance.vision/ws-api/v3",
};

void binance_copy(char *out, size_t cap, const char *text)
{
    size_t len = strnlen(text, cap - 1);

    memcpy(out, text, len);
    out[len] = '\0';
}

int binance_epoch_ns(const struct scan_value *value, int64_t *out)
{
    const uint64_t micro_from = UINT64_C(100000000000000); /* As milliseconds: the year 5138. */
    uint64_t time;
    int err = scan_u64(value, &time);

    if (err)
        return err;
    uint64_t scale = time >= micro_from ? (uint64_t)NS_PER_US : (uint64_t)NS_PER_MS;
    if (time > (uint64_t)INT64_MAX / scale)
        return ERR_RANGE;
    *out = (int64_t)(time * scale);
    return 0;
}

int64_t binance_header(const struct venue_response *response, const char *name)
{
    for (size_t i = 0; i < response->header_count; i++) {
        const struct venue_header *header = &response->headers[i];
        struct scan_value value = { SCAN_NUMBER, header->value,
                                    strnlen(header->value, sizeof(header->value)) };
        int64_t number;
        if (strcmp(header->name, name) == 0 && scan_i64(&value, &number) == 0)
            return number;
    }
    return -1;
}

int binance_url(const char *base, const char *path, char *out, size_t cap)
{
    const char *host = strstr(base, "://");
    const char *own_path = strchr(host ? host + 3 : base, '/');
    int len =
        snprintf(out, cap, "%s%s", base, own_path && own_path[1] ? "" : path + (own_path != NULL));

    return len > 0 && (size_t)len < cap ? 0 : ERR_RANGE;
}

void binance_path(const char *form, const char *symbol, char *out, size_t cap)
{
    const char *place = strstr(form, "%s");

    assert(place);
    snprintf(out, cap, "%.*s%s%s", (int)(place - form), form, symbol, place + 2);
}
