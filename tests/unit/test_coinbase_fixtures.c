/* Every payload of ../shared/fixtures/coinbase is read into what
 * tests/replay/coinbase_fixtures.tsv states; fixtures.h says how. */
#include "tests/unit/fixtures.h"
#include "venues/coinbase/feed.h"
#include "venues/coinbase/order.h"

extern const struct venue venue_coinbase;

#define CLIENT_ID "1985ca2d-61ef-49f1-bfce-6c39d8462914"

/* Products and fees known, the user channel up. */
static void prepare(struct fixture *f)
{
    static const char products[] =
        "[{\"id\":\"BTC-USD\",\"base_currency\":\"BTC\",\"quote_currency\":\"USD\","
        "\"quote_increment\":\"0.01\",\"base_increment\":\"0.00000001\",\"min_market_funds\":\"1\","
        "\"status\":\"online\"},"
        "{\"id\":\"ETH-BTC\",\"base_currency\":\"ETH\",\"quote_currency\":\"BTC\","
        "\"quote_increment\":\"0.00001\",\"base_increment\":\"0.00000001\",\"status\":\"online\"},"
        "{\"id\":\"BTC-EUR\",\"base_currency\":\"BTC\",\"quote_currency\":\"EUR\","
        "\"quote_increment\":\"0.01\",\"base_increment\":\"0.00000001\",\"status\":\"online\"}]";

    coinbase_order_ops.start(f->order, &f->clock, &f->out);
    fixture_order_http(f, 200, products);
    fixture_order_http(f, 200, "{\"maker_fee_rate\":\"0.0040\",\"taker_fee_rate\":\"0.0060\"}");
    coinbase_order_ops.opened(f->order, 0, &f->clock, &f->out);
    fixture_order_frame(f, 0,
                        "{\"type\":\"subscriptions\",\"channels\":[{\"name\":\"user\","
                        "\"product_ids\":[\"BTC-USD\"]}]}");
}

static void with_uuid(struct fixture *f, struct venue_command *command)
{
    (void)f;
    if (command->client_order_id[0] && strcmp(command->client_order_id, "mine") == 0)
        memcpy(command->client_order_id, CLIENT_ID, sizeof(CLIENT_ID));
    if (command->op == OP_OPEN_ORDERS || command->op == OP_BALANCES)
        command->symbol[0] = '\0';
}

/* A book by REST has no place of its own: what is read of it is what the comparison holds against
 * the stream's. */
static void book(struct fixture *f, const char *text)
{
    static const char *const names[] = { "bids", "asks" };
    static struct wire_level levels[FEED_LEVELS_MAX];
    struct scan_value root, found[2];
    struct book scales = { .price_exp = 8, .qty_exp = 8 };
    int err = scan_whole(text, strlen(text), &root);

    if (!err)
        err = coinbase_members(&root, names, found, 2);
    for (int side = 0; side < 2; side++) {
        uint32_t count = 0;
        bool is_cut = false;
        if (!err)
            err = coinbase_levels(&found[side], &scales, side == 0, levels, &count, &is_cut);
        say_begin(&f->said, names[side]);
        for (uint32_t i = 0; i < count; i++)
            say(&f->said, " %sx%s", decimal_text(levels[i].price, 8),
                decimal_text(levels[i].qty, 8));
    }
    fixture_error(f, err);
}

/* A definition is told when its product is first named. */
static void definitions(struct fixture *f, const char *text)
{
    struct scan_value root, object, id;
    struct scan_iter iter;
    char frame[160];

    fixture_feed_http(f, "https://api.exchange.coinbase.com/products", text);
    CHECK(scan_whole(text, strlen(text), &root) == 0 && scan_begin(&iter, &root) == 0);
    while (scan_item(&iter, &object) == 0 && scan_find(&object, "id", &id) == 0) {
        snprintf(
            frame, sizeof(frame),
            "{\"type\":\"heartbeat\",\"sequence\":1,\"last_trade_id\":1,\"product_id\":\"%.*s\"}",
            (int)id.len, id.text);
        fixture_feed_frame(f, 0, frame);
    }
}

static bool run(struct fixture *f, const char *how, const char *text)
{
    if (strcmp(how, "book") == 0) {
        book(f, text);
    } else if (strcmp(how, "definitions") == 0) {
        definitions(f, text);
    } else if (strcmp(how, "emptied") == 0) { /* Cancelled until nothing is left. */
        fixture_ask(f, OP_CANCEL_ALL, true);
        fixture_order_http(f, 200, text);
        CHECK(f->said.entries == 0);
        fixture_order_http(f, 200, "[]");
        f->said.has[PROOF_cancel_all] = !f->said.is_bad;
    } else {
        return false;
    }
    return true;
}

int main(void)
{
    static const char *const names[] = { "BTC-USD", "ETH-BTC", "BTC-EUR" };
    static const struct venue_order_config config = { .venue = "coinbase",
                                                      .names = names,
                                                      .name_count = COUNT(names),
                                                      .api_key = "key",
                                                      .api_secret = "c2VjcmV0",
                                                      .api_passphrase = "phrase" };
    static const struct fixture_venue coinbase = { .venue = &venue_coinbase,
                                                   .order_config = &config,
                                                   .symbol = "BTC-USD",
                                                   .prepare = prepare,
                                                   .command = with_uuid,
                                                   .run = run };

    return fixtures_main(&coinbase);
}
