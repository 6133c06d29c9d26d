#include "venues/kraken/kraken.h"

/* The venue has no sandbox for spot, and its beta hosts trade real money: no testnet here. Rehearse
 * against venue_simulator. */
const struct venue venue_kraken = {
    .name = "kraken",
    .feed = &kraken_feed_ops,
    .order = &kraken_order_ops,
    .auth_method = "HMAC_SHA512",
    .rest_url = "https://api.kraken.com",
    .feed_ws_url = "wss://ws.kraken.com",
    .order_ws_url = "wss://ws-auth.kraken.com",
};
